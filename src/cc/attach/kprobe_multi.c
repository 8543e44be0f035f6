// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching one program to many kernel functions. If the kernel has kprobe.multi links, a single
 * link attaches to all of them by their addresses, in one system call; for that, another variant of
 * the program is loaded. If the kernel refuses any function, the whole link fails. We then split
 * the functions in half, again and again, until those that are refused are alone; these get a probe
 * of their own, as all functions do on older kernels.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/perf_link.h"
#include "base/hash.h"
#include "base/options.h"
#include "kernel/features.h"
#include "kernel/functions.h"
#include "load/link.h"
#include "load/program.h"

#define NO_PART SIZE_MAX

/* What keeps some of the functions attached: a kprobe.multi link, or the link of one function. */
struct part {
	int fd;			  /* of the kprobe.multi link, or -1 */
	struct ebcc_link *single; /* or NULL */
};

struct group {
	struct ebcc_program *program;
	int program_fd; /* the variant of the program for kprobe.multi, or -1 */
	bool on_return;
	size_t count;
	char **names;
	uint64_t *addresses; /* 0: unknown */
	uint64_t *cookies;   /* NULL: none */
	size_t *part_of;     /* index of each function's part, or NO_PART */
	struct part *parts;  /* allocated for one per function */
	size_t part_count;
};

struct multi_link {
	struct ebcc_link base;
	struct group group;
};

static void group_deinit(struct group *group)
{
	for (size_t i = 0; i < group->part_count; i++) {
		if (group->parts[i].fd >= 0)
			close(group->parts[i].fd);
		ebcc_link_destroy(group->parts[i].single);
	}
	for (size_t i = 0; i < group->count; i++)
		free(group->names[i]);
	if (group->program_fd >= 0)
		close(group->program_fd);
	free(group->names);
	free(group->addresses);
	free(group->cookies);
	free(group->part_of);
	free(group->parts);
}

static struct ebcc_error *group_init(struct group *group, struct ebcc_program *program,
				     const char *const *functions, size_t count,
				     const struct ebcc_kprobe_multi_opts *opts)
{
	AUTO_HASH struct ebcc_hash seen = {0};

	*group = (struct group){.program = program, .program_fd = -1, .on_return = opts->on_return};
	group->names = calloc(count, sizeof(*group->names));
	group->addresses = calloc(count, sizeof(*group->addresses));
	group->part_of = calloc(count, sizeof(*group->part_of));
	group->parts = calloc(count, sizeof(*group->parts));
	if (opts->cookies)
		group->cookies = calloc(count, sizeof(*group->cookies));
	if (!group->names || !group->addresses || !group->part_of || !group->parts ||
	    (opts->cookies && !group->cookies))
		return ebcc_error_no_memory();
	for (size_t i = 0; i < count; i++) {
		uint64_t *again = ebcc_hash_insert_string(&seen, functions[i]);

		if (!again)
			return ebcc_error_no_memory();
		/* Attach only once to a name that was given twice. */
		if ((*again)++)
			continue;
		group->part_of[group->count] = NO_PART;
		if (opts->cookies)
			group->cookies[group->count] = opts->cookies[i];
		group->names[group->count] = strdup(functions[i]);
		if (!group->names[group->count])
			return ebcc_error_no_memory();
		group->count++;
	}
	return NULL;
}

/* ---- Addresses ---- */

/* The address of the function of that name, if there is only one and it can be probed; else 0. */
static uint64_t find_address(const struct ebcc_kernel_functions *functions, const char *name)
{
	size_t index = ebcc_kernel_functions_search(functions, name);

	if (index == functions->count ||
	    strcmp(ebcc_kernel_function_name(functions, index), name) ||
	    !functions->functions[index].probeable)
		return 0;
	if (index + 1 < functions->count &&
	    !strcmp(ebcc_kernel_function_name(functions, index + 1), name))
		return 0;
	return functions->functions[index].address;
}

static void swap_numbers(uint64_t *a, uint64_t *b)
{
	uint64_t number = *a;

	*a = *b;
	*b = number;
}

static void swap_functions(struct group *group, size_t a, size_t b)
{
	char *name = group->names[a];

	group->names[a] = group->names[b];
	group->names[b] = name;
	swap_numbers(&group->addresses[a], &group->addresses[b]);
	if (group->cookies)
		swap_numbers(&group->cookies[a], &group->cookies[b]);
}

/* Finds the addresses of the functions, and moves the *@ret_resolved ones that have one to the
 * front. */
static struct ebcc_error *resolve(struct group *group, size_t *ret_resolved)
{
	const struct ebcc_kernel_functions *functions;
	size_t resolved = 0;

	TRY(ebcc_kernel_functions_get(&functions));
	for (size_t i = 0; i < group->count; i++) {
		group->addresses[i] = find_address(functions, group->names[i]);
		if (group->addresses[i])
			swap_functions(group, i, resolved++);
	}
	ebcc_kernel_functions_put(functions);
	*ret_resolved = resolved;
	return NULL;
}

/* ---- Attaching ---- */

static int create_multi(const struct group *group, const uint64_t *addresses,
			const uint64_t *cookies, size_t count)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.cnt = (uint32_t)count,
		    .kprobe_multi.addrs = addresses, .kprobe_multi.cookies = (const __u64 *)cookies,
		    .kprobe_multi.flags = group->on_return ? BPF_F_KPROBE_MULTI_RETURN : 0);

	return bpf_link_create(group->program_fd, 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

static void add_part(struct group *group, size_t first, size_t count, struct part part)
{
	for (size_t i = first; i < first + count; i++)
		group->part_of[i] = group->part_count;
	group->parts[group->part_count++] = part;
}

/* Attaches to functions one by one. *@failure is the error of the last one that failed. */
static void attach_singles(struct group *group, size_t first, size_t count,
			   struct ebcc_error **failure)
{
	for (size_t i = first; i < first + count; i++) {
		struct ebcc_kprobe_opts opts = {.sz = sizeof(opts),
						.function = group->names[i],
						.on_return = group->on_return,
						.cookie = group->cookies ? group->cookies[i] : 0};
		struct part part = {.fd = -1};
		struct ebcc_error *error =
			ebcc_program_attach_kprobe(group->program, &opts, &part.single);

		if (!error) {
			add_part(group, i, 1, part);
			continue;
		}
		ebcc_error_destroy(*failure);
		*failure = error;
	}
}

/* Attaches to functions with known addresses, with as few links as the kernel allows. */
static void attach_range(struct group *group, size_t first, size_t count,
			 struct ebcc_error **failure)
{
	const uint64_t *cookies = group->cookies ? group->cookies + first : NULL;
	int fd = count ? create_multi(group, group->addresses + first, cookies, count) : -1;

	if (fd >= 0) {
		add_part(group, first, count, (struct part){.fd = fd});
	} else if (count > 1 && (errno == EINVAL || errno == ENOENT || errno == ESRCH)) {
		attach_range(group, first, count / 2, failure);
		attach_range(group, first + count / 2, count - count / 2, failure);
	} else {
		attach_singles(group, first, count, failure);
	}
}

/* Removes the functions of a part; with NO_PART, those that could not be attached to. */
static void drop_part(struct group *group, size_t part)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->count; i++) {
		if (group->part_of[i] == part) {
			free(group->names[i]);
			continue;
		}
		group->names[kept] = group->names[i];
		group->addresses[kept] = group->addresses[i];
		if (group->cookies)
			group->cookies[kept] = group->cookies[i];
		group->part_of[kept++] = group->part_of[i];
	}
	group->count = kept;
}

static struct ebcc_error *attach_group(struct group *group)
{
	AUTO_ERROR struct ebcc_error *failure = NULL;
	size_t resolved = 0;

	if (ebcc_feature(EBCC_FEATURE_KPROBE_MULTI)) {
		TRY(resolve(group, &resolved));
		TRY(ebcc_program_load_variant(group->program, BPF_PROG_TYPE_KPROBE,
					      BPF_TRACE_KPROBE_MULTI, &group->program_fd));
		attach_range(group, 0, resolved, &failure);
	}
	attach_singles(group, resolved, group->count - resolved, &failure);
	drop_part(group, NO_PART);
	return group->count ? NULL : TAKE_PTR(failure);
}

static int part_fd(const struct part *part)
{
	return part->single ? ebcc_link_fd(part->single) : part->fd;
}

static void update_fd(struct multi_link *link)
{
	link->base.fd = -1;
	link->base.several = false;
	for (size_t i = 0; i < link->group.part_count; i++) {
		int fd = part_fd(&link->group.parts[i]);

		if (fd < 0)
			continue;
		link->base.several = link->base.fd >= 0;
		if (link->base.several)
			return;
		link->base.fd = fd;
	}
}

static struct ebcc_error *detach_multi(struct ebcc_link *base)
{
	struct group *group = &((struct multi_link *)base)->group;

	group_deinit(group);
	*group = (struct group){.program_fd = -1};
	return NULL;
}

struct ebcc_error *
ebcc_program_attach_kprobe_multi(struct ebcc_program *program, const char *const *functions,
				 size_t count, const struct ebcc_kprobe_multi_opts *caller_opts,
				 struct ebcc_link **ret)
{
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts)};
	CLEANUP(group_deinit) struct group group = {.program_fd = -1};
	struct ebcc_link *link;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_kprobe_multi_opts"));
	if (!count)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "no kernel functions to attach to were given");
	/* One by one, functions with a cookie would be left out as if they couldn't be probed. */
	for (size_t i = 0; opts.cookies && i < count; i++)
		TRY(ebcc_cookie_check(opts.cookies[i]));
	TRY(group_init(&group, program, functions, count, &opts));
	TRY(attach_group(&group));
	/* Created last, because a module destroys its newest link first: parts are still intact. */
	TRY(ebcc_link_create(program, sizeof(struct multi_link), detach_multi, &link,
			     "%s.multi:%zu functions", opts.on_return ? "kretprobe" : "kprobe",
			     group.count));
	((struct multi_link *)link)->group = group;
	group = (struct group){.program_fd = -1};
	update_fd((struct multi_link *)link);
	*ret = link;
	return NULL;
}

/* ---- Detaching single functions ---- */

static const struct group *group_of(const struct ebcc_link *link)
{
	return link->detach == detach_multi ? &((const struct multi_link *)link)->group : NULL;
}

size_t ebcc_link_function_count(const struct ebcc_link *link)
{
	const struct group *group = group_of(link);

	return group ? group->count : 0;
}

const char *ebcc_link_function_at(const struct ebcc_link *link, size_t index)
{
	return index < ebcc_link_function_count(link) ? group_of(link)->names[index] : NULL;
}

/* Removes a function from the lists, and returns its part. */
static size_t remove_function(struct group *group, size_t index)
{
	size_t part = group->part_of[index];

	/* No other function has this part number now. */
	group->part_of[index] = NO_PART;
	drop_part(group, NO_PART);
	return part;
}

/* Replaces a part's link by one for the functions that it still has. */
static struct ebcc_error *recreate_link(struct group *group, size_t index)
{
	struct part *part = &group->parts[index];
	AUTO_FREE uint64_t *addresses = calloc(group->count + 1, sizeof(*addresses));
	AUTO_FREE uint64_t *cookies = calloc(group->count + 1, sizeof(*cookies));
	size_t count = 0;

	if (!addresses || !cookies)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < group->count; i++) {
		if (group->part_of[i] != index)
			continue;
		if (group->cookies)
			cookies[count] = group->cookies[i];
		addresses[count++] = group->addresses[i];
	}
	if (part->fd >= 0)
		close(part->fd);
	part->fd = -1;
	if (!count)
		return NULL;
	part->fd = create_multi(group, addresses, group->cookies ? cookies : NULL, count);
	if (part->fd >= 0)
		return NULL;
	drop_part(group, index);
	return ebcc_error_os(EBCC_ERROR_ATTACH, errno,
			     "%zu kernel functions that shared a link can't be attached again",
			     count);
}

struct ebcc_error *ebcc_link_detach_function(struct ebcc_link *link, const char *function)
{
	struct group *group = (struct group *)group_of(link);
	struct ebcc_error *error = NULL;
	size_t index = 0, part;

	while (group && index < group->count && strcmp(group->names[index], function))
		index++;
	if (!group || index == group->count)
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "%s is not attached to %s",
					 link->name, function);
	part = remove_function(group, index);
	if (group->parts[part].single) {
		ebcc_link_destroy(group->parts[part].single);
		group->parts[part].single = NULL;
	} else {
		error = recreate_link(group, part);
	}
	update_fd((struct multi_link *)link);
	return error;
}
