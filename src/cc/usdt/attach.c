// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching to a USDT probe. For each location of the probe, in each file that has it, that takes
 * three steps: put the layout of the arguments into the module's map, set a user probe, and raise
 * the semaphore. If a step fails at any location, all are undone.
 *
 * An example
 * ----------
 *
 * The program "shop" has this function, with the macros of <sys/sdt.h>:
 *
 *     void sell(int item, const char *name)
 *     {
 *             if (shop_sale_semaphore)
 *                     DTRACE_PROBE2(shop, sale, item, name);
 *     }
 *
 * The compiler makes a nop of the probe, and a note, which readelf -n shows:
 *
 *     Provider: shop
 *     Name: sale
 *     Location: 0x117a, Base: 0x2008, Semaphore: 0x4018
 *     Arguments: -4@%edi 8@%rsi
 *
 * ebcc_usdt_open() has read the note (notes.c) into a struct ebcc_usdt_site. If the probe were in
 * an inlined function, it would have several sites, maybe with different arguments.
 *
 * 1. describe_arguments() encodes the text of the arguments (args.c): the first one is signed, 4
 *    bytes long, and in the register at offset 112 of struct pt_regs; the second one is 8 bytes
 *    long and at offset 104. ebcc_usdt_specs_add() puts this layout into the map __ebcc_usdt_specs,
 *    under the key 1. This is skipped if no program of the module reads arguments.
 *
 * 2. open_event() opens a perf event for the user probe. Its offset in the file is also 0x117a,
 *    because the code segment is mapped at an address that equals its offset.
 *
 * 3. The semaphore is in the data segment, at the address 0x4018, and at offset 0x3018 in the file.
 *    The upper half of the event's config has room for such an offset, and then the kernel adds 1
 *    to the counter in each process that maps the file, as long as the event is open. So sell() now
 *    reaches the nop.
 *
 * 4. ebcc_perf_event_set_program() attaches the program with the key as its attach cookie.
 *
 * Newer kernels (Linux 6.6) do steps 2 to 4 with one uprobe.multi link for all locations of a probe
 * in a file: attach_together().
 *
 * When a process calls sell(), bpf_usdt_readarg(1, ctx, &item) looks up the cookie of the running
 * program in the map (bpf/ebcc/usdt.h), and reads 4 bytes at offset 112 of its context.
 *
 * Older kernels
 * -------------
 *
 * Without attach cookies (before Linux 5.15), programs look up the instruction pointer instead. The
 * key is then the address of the nop in the process. It is known only if the file is loaded at
 * fixed addresses, or for one given process, whose mappings are searched: find_key().
 *
 * If the kernel can't count tracers (for an offset of more than 32 bits, or if
 * another tracer has set a probe at the same place without the semaphore), raise_semaphore()
 * increments the counter in the memory of the process, which must then be given; detach()
 * decrements it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "attach/attach.h"
#include "attach/perf_link.h"
#include "attach/uprobe.h"
#include "base/options.h"
#include "elf/proc_maps.h"
#include "kernel/features.h"
#include "load/link.h"
#include "load/usdt_specs.h"
#include "usdt/usdt.h"

/* What one attached location holds. */
struct held {
	int fd;		    /* keeps the program attached, maybe to all of its file; or -1 */
	uint64_t key;	    /* of the layout of its arguments, or 0 */
	uint64_t semaphore; /* the address in the process of a semaphore that we raised, or 0 */
};

struct usdt_link {
	struct ebcc_link base;
	struct held *held;
	size_t count;
	int memory; /* /proc/PID/mem, if we raised a semaphore; or -1 */
};

static void release(struct ebcc_link *base, struct ebcc_closing *closing)
{
	struct usdt_link *link = (struct usdt_link *)base;

	for (size_t i = 0; i < link->count; i++)
		ebcc_closing_add_link(closing, &link->held[i].fd);
}

static struct ebcc_error *detach(struct ebcc_link *base)
{
	struct usdt_link *link = (struct usdt_link *)base;
	struct ebcc_module *module = base->program->module;
	/* A forked child must not undo what its parent did in the map and in the process. */
	bool ours = getpid() == module->owner;

	for (size_t i = 0; i < link->count; i++) {
		struct held *held = &link->held[i];

		if (held->key && ours)
			ebcc_usdt_specs_remove(module, held->key);
		if (held->semaphore && ours)
			ebcc_semaphore_lower(link->memory, held->semaphore);
	}
	cleanup_close(&link->memory);
	free(link->held);
	return NULL;
}

/* What is the same for all locations of one call. */
struct attaching {
	struct usdt_link *link;
	const struct ebcc_usdt_attach_opts *opts;
	int pid; /* or 0 */
	bool wants_arguments, has_cookies;
};

/* ---- Addresses in the process ---- */

static bool maps_file(const struct ebcc_mapping *mapping, const struct ebcc_usdt_binary *binary,
		      const struct stat *st)
{
	if (st->st_ino == mapping->inode && major(st->st_dev) == mapping->major &&
	    minor(st->st_dev) == mapping->minor)
		return true;
	/* With overlay file systems, mappings show another device. */
	return mapping->path && !strcmp(mapping->path, binary->path);
}

/* The address at which a process maps the byte at @offset of a file, as code or as writable data.
 */
static struct ebcc_error *find_in_process(int pid, const struct ebcc_usdt_binary *binary,
					  uint64_t offset, bool code, uint64_t *ret)
{
	AUTO_BUF struct ebcc_buf maps = EBCC_BUF_INIT;
	struct ebcc_mapping mapping;
	struct stat st;
	char *at;

	if (fstat(binary->fd, &st))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't examine %s", binary->path);
	TRY(ebcc_maps_read(pid, &maps));
	at = maps.data;
	while (ebcc_maps_next(&at, &mapping)) {
		if (!(code ? mapping.executable : mapping.writable) || offset < mapping.offset ||
		    offset - mapping.offset >= mapping.end - mapping.start ||
		    !maps_file(&mapping, binary, &st))
			continue;
		*ret = mapping.start + (offset - mapping.offset);
		return NULL;
	}
	return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
							 "process %d does not map %s", pid,
							 binary->path),
				       binary->path);
}

/* ---- Arguments ---- */

/* Chooses the key of the layout. Without cookies it is the address of the probe in the process. */
static struct ebcc_error *find_key(const struct attaching *attaching,
				   const struct ebcc_usdt_probe *probe,
				   const struct ebcc_usdt_site *site, uint64_t offset,
				   uint64_t *ret)
{
	const struct ebcc_usdt_binary *binary = probe->binary;

	*ret = 0;
	if (attaching->has_cookies)
		return NULL;
	if (binary->kind.fixed) {
		*ret = site->address;
		return NULL;
	}
	if (attaching->pid)
		return find_in_process(attaching->pid, binary, offset, true, ret);
	return ebcc_error_create(
		EBCC_ERROR_UNSUPPORTED,
		"%s:%s of %s has a different address in each process, so its arguments can't be "
		"read in all of them on this kernel (Linux 5.15 and later can): give a pid",
		probe->provider, probe->name, binary->path);
}

static struct ebcc_error *describe_arguments(const struct attaching *attaching,
					     const struct ebcc_usdt_probe *probe,
					     const struct ebcc_usdt_site *site, uint64_t offset,
					     struct held *held)
{
	struct ebcc_module *module = attaching->link->base.program->module;
	struct ebcc_usdt_spec spec;
	size_t unreadable;
	const char *reason;
	uint64_t key;

	if (!attaching->wants_arguments)
		return NULL;
	ebcc_usdt_encode_site(probe, site, &spec, &unreadable, &reason);
	if (unreadable)
		ebcc_log(&module->log, EBCC_LOG_WARNING,
			 "argument %zu of %s:%s can't be read at 0x%llx of %s: %s", unreadable,
			 probe->provider, probe->name, (unsigned long long)site->address,
			 probe->binary->path, reason);
	spec.cookie = attaching->opts->cookie;
	if (!spec.count && !spec.cookie)
		return NULL;
	TRY(find_key(attaching, probe, site, offset, &key));
	return ebcc_usdt_specs_add(module, key, &spec, &held->key);
}

/* ---- Semaphores ---- */

/* Counts tracers in the process's memory, if the kernel can't. */
static struct ebcc_error *raise_semaphore(const struct attaching *attaching,
					  const struct ebcc_usdt_probe *probe, uint64_t offset,
					  struct held *held)
{
	struct usdt_link *link = attaching->link;
	uint64_t address;
	char path[64];

	if (!attaching->pid)
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"the kernel can't count the tracers of %s:%s of %s (because another probe "
			"was set there without its semaphore, or in general): give a pid",
			probe->provider, probe->name, probe->binary->path);
	TRY(find_in_process(attaching->pid, probe->binary, offset, false, &address));
	snprintf(path, sizeof(path), "/proc/%d/mem", attaching->pid);
	if (link->memory < 0)
		link->memory = open(path, O_RDWR | O_CLOEXEC);
	if (link->memory < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno,
				     "can't write to the memory of process %d, where %s:%s counts "
				     "its tracers",
				     attaching->pid, probe->provider, probe->name);
	TRY(ebcc_semaphore_raise(link->memory, address));
	held->semaphore = address;
	return NULL;
}

/* The offset in the file of a location's semaphore, or 0 if it has none. */
static struct ebcc_error *find_semaphore(const struct ebcc_usdt_probe *probe,
					 const struct ebcc_usdt_site *site, uint64_t *ret)
{
	*ret = 0;
	if (!site->semaphore || ebcc_elf_data_offset(probe->binary->elf, site->semaphore, ret))
		return NULL;
	return ebcc_error_create(EBCC_ERROR_FORMAT,
				 "the semaphore of %s:%s is outside the segments that %s loads",
				 probe->provider, probe->name, probe->binary->path);
}

/* Opens the probe's event and raises its semaphore: through the kernel if it can. */
static struct ebcc_error *open_event(const struct attaching *attaching,
				     const struct ebcc_usdt_probe *probe,
				     const struct ebcc_usdt_site *site,
				     struct ebcc_uprobe_place *place, struct held *held, int *ret)
{
	AUTO_ERROR struct ebcc_error *error = NULL;
	uint64_t semaphore;

	TRY(find_semaphore(probe, site, &semaphore));
	if (!semaphore)
		return ebcc_uprobe_open(place, ret);
	if (semaphore <= UINT32_MAX) {
		place->semaphore_offset = semaphore;
		error = ebcc_uprobe_open(place, ret);
		if (!error)
			return NULL;
		if (ebcc_error_errno(error) != EINVAL)
			return TAKE_PTR(error);
	}
	place->semaphore_offset = 0;
	TRY(ebcc_uprobe_open(place, ret));
	ebcc_error_destroy(error);
	error = raise_semaphore(attaching, probe, semaphore, held);
	if (error)
		cleanup_close(ret);
	return TAKE_PTR(error);
}

/* ---- Locations ---- */

static struct ebcc_uprobe_place place_of(const struct attaching *attaching,
					 const struct ebcc_usdt_probe *probe, uint64_t offset)
{
	return (struct ebcc_uprobe_place){
		.file = probe->binary->fd,
		.path = probe->binary->path,
		.offset = offset,
		.pid = attaching->pid,
	};
}

static uint64_t cookie_of(const struct attaching *attaching, const struct held *held)
{
	if (attaching->opts->cookie && !attaching->wants_arguments)
		return attaching->opts->cookie;
	return attaching->has_cookies ? held->key : 0;
}

/* Describes the arguments of all locations; their offsets in the file are stored at @offsets. */
static struct ebcc_error *describe_sites(const struct attaching *attaching,
					 const struct ebcc_usdt_probe *probe, struct held *held,
					 uint64_t *offsets)
{
	for (size_t i = 0; i < probe->site_count; i++) {
		TRY(ebcc_elf_address_to_offset(probe->binary->elf, probe->sites[i].address,
					       &offsets[i]));
		TRY(describe_arguments(attaching, probe, &probe->sites[i], offsets[i], &held[i]));
	}
	return NULL;
}

/* Attaches to all locations with one link. held->fd remains -1 if the kernel can't. */
static struct ebcc_error *attach_together(const struct attaching *attaching,
					  const struct ebcc_usdt_probe *probe,
					  const uint64_t *offsets, struct held *held)
{
	struct ebcc_uprobe_place common = place_of(attaching, probe, 0);
	AUTO_FREE uint64_t *semaphores = calloc(probe->site_count, sizeof(*semaphores));
	AUTO_FREE uint64_t *cookies = calloc(probe->site_count, sizeof(*cookies));
	bool has_semaphores = false;

	if (!semaphores || !cookies)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < probe->site_count; i++) {
		TRY(find_semaphore(probe, &probe->sites[i], &semaphores[i]));
		has_semaphores = has_semaphores || semaphores[i];
		cookies[i] = cookie_of(attaching, &held[i]);
	}
	return ebcc_uprobe_link(attaching->link->base.program, &common, offsets,
				has_semaphores ? semaphores : NULL, cookies, probe->site_count,
				&held->fd);
}

static struct ebcc_error *attach_site(const struct attaching *attaching,
				      const struct ebcc_usdt_probe *probe,
				      const struct ebcc_usdt_site *site, uint64_t offset,
				      struct held *held)
{
	struct ebcc_program *program = attaching->link->base.program;
	struct ebcc_uprobe_place place = place_of(attaching, probe, offset);
	int event;

	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_KPROBE));
	TRY(open_event(attaching, probe, site, &place, held, &event));
	return ebcc_perf_event_set_program(event, program, cookie_of(attaching, held), &held->fd);
}

static struct ebcc_error *attach_sites(const struct attaching *attaching,
				       const struct ebcc_usdt_probe *probe, struct held *held)
{
	AUTO_FREE uint64_t *offsets = calloc(probe->site_count + 1, sizeof(*offsets));

	if (!offsets)
		return ebcc_error_no_memory();
	TRY(describe_sites(attaching, probe, held, offsets));
	TRY(attach_together(attaching, probe, offsets, held));
	if (held->fd >= 0)
		return NULL;
	for (size_t i = 0; i < probe->site_count; i++)
		TRY(attach_site(attaching, probe, &probe->sites[i], offsets[i], &held[i]));
	return NULL;
}

static struct ebcc_error *attach_probe(const struct attaching *attaching,
				       const struct ebcc_usdt_probe *probe)
{
	struct usdt_link *link = attaching->link;
	struct held *held = realloc(link->held, (link->count + probe->site_count) * sizeof(*held));

	if (!held)
		return ebcc_error_no_memory();
	link->held = held;
	held += link->count;
	for (size_t i = 0; i < probe->site_count; i++)
		held[i] = (struct held){.fd = -1};
	link->count += probe->site_count;
	return ebcc_error_prefix(attach_sites(attaching, probe, held), "%s:%s", probe->provider,
				 probe->name);
}

/* The kernel has one cookie for each location, and where programs read arguments it is the key of
 * their layout, in which the caller's is. A source that asks the kernel for it would get the key.
 */
static struct ebcc_error *check_cookie(const struct attaching *attaching)
{
	if (!attaching->opts->cookie || !attaching->wants_arguments ||
	    ebcc_usdt_cookie_wanted(attaching->link->base.program->module))
		return NULL;
	return ebcc_error_create(
		EBCC_ERROR_UNSUPPORTED,
		"in a source that reads arguments of USDT probes, a cookie is read "
		"by bpf_usdt_cookie(ctx); this one doesn't do that");
}

static void update_fd(struct usdt_link *link)
{
	link->base.fd = link->held[0].fd;
	for (size_t i = 1; i < link->count; i++)
		link->base.several = link->base.several || link->held[i].fd >= 0;
}

/* Attaches in each file that has the probe. */
static struct ebcc_error *attach_all(const struct attaching *attaching,
				     const struct ebcc_usdt *usdt)
{
	for (size_t i = 0; i < usdt->probe_count; i++)
		if (ebcc_usdt_is_named(&usdt->probes[i], attaching->opts->probe))
			TRY(attach_probe(attaching, &usdt->probes[i]));
	update_fd(attaching->link);
	return NULL;
}

struct ebcc_error *ebcc_program_attach_usdt(struct ebcc_program *program,
					    const struct ebcc_usdt *usdt,
					    const struct ebcc_usdt_attach_opts *caller_opts,
					    struct ebcc_link **ret)
{
	struct ebcc_usdt_attach_opts opts = {.sz = sizeof(opts)};
	struct attaching attaching = {.opts = &opts};
	const struct ebcc_usdt_probe *probe;
	struct ebcc_link *link;
	struct ebcc_error *error;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_usdt_attach_opts"));
	if (!opts.probe || !*opts.probe)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "attaching to a USDT probe needs the probe's name");
	TRY(ebcc_usdt_find_probe(usdt, opts.probe, &probe));
	/* Layouts of arguments are put into its map before a program is loaded. */
	TRY(ebcc_module_load(program->module));
	TRY(ebcc_link_create(program, sizeof(struct usdt_link), detach, &link, "usdt:%s:%s:%s",
			     probe->binary->path, probe->provider, probe->name));
	attaching.link = (struct usdt_link *)link;
	attaching.link->memory = -1;
	link->release = release;
	attaching.pid = opts.every_process ? 0 : usdt->pid;
	attaching.wants_arguments = ebcc_usdt_specs_wanted(program->module);
	attaching.has_cookies =
		ebcc_feature(EBCC_FEATURE_PERF_LINK) && ebcc_feature(EBCC_FEATURE_COOKIE);
	error = check_cookie(&attaching);
	if (!error)
		error = attach_all(&attaching, usdt);
	if (error) {
		ebcc_link_destroy(link);
		return error;
	}
	*ret = link;
	return NULL;
}
