// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel probes. They are perf events of the source "kprobe", which needs nothing in tracefs and
 * leaves nothing behind. Only a return probe with a limit of its own (max_active) is an event in
 * tracefs (kprobe_events.h), since perf has no field for the limit. Attaching one program to many
 * functions at once (kprobe.multi) is another kind of link, in kprobe_multi.c.
 */
#include "attach/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "attach/kprobe_events.h"
#include "attach/perf_link.h"
#include "base/buf.h"
#include "base/near_names.h"
#include "base/open_file.h"
#include "base/options.h"
#include "kernel/functions.h"
#include "kernel/ksyms.h"
#include "kernel/probeable.h"
#include "kernel/renames.h"
#include "kernel/tracefs.h"

/* ---- Why it failed ---- */

struct explanation {
	const char *function, *module; /* module NULL: any */
	size_t count;		       /* functions of that name */
	struct ebcc_near_names near;
};

static void count_function(struct explanation *explanation, const char *name)
{
	if (!strcmp(name, explanation->function))
		explanation->count++;
	else if (!ebcc_is_function_piece(name))
		ebcc_near_names_add(&explanation->near, name);
}

static bool count_symbol(void *ctx, const struct ebcc_ksyms_line *line)
{
	struct explanation *explanation = ctx;

	if (ebcc_ksyms_is_function(line->type) && !strcmp(line->module, explanation->module))
		count_function(explanation, line->name);
	return true;
}

/* Counts the functions of that name, and collects similar names, in one module or all. */
static struct ebcc_error *count_functions(struct explanation *explanation)
{
	const struct ebcc_kernel_functions *functions;

	if (explanation->module)
		return ebcc_ksyms_walk(count_symbol, explanation);
	TRY(ebcc_kernel_functions_get(&functions));
	for (size_t i = 0; i < functions->count; i++)
		count_function(explanation, ebcc_kernel_function_name(functions, i));
	ebcc_kernel_functions_put(functions);
	return NULL;
}

static struct ebcc_error *not_found(const char *name, const struct explanation *explanation)
{
	AUTO_BUF struct ebcc_buf near_text = EBCC_BUF_INIT;

	if (!ebcc_rename_tell(EBCC_RENAMED_FUNCTION, NULL, explanation->function, &near_text))
		ebcc_near_names_suggest(&explanation->near, &near_text);
	if (explanation->module)
		return ebcc_error_create(
			EBCC_ERROR_NOT_FOUND,
			"no function %s in kernel module %s, or no such module is loaded%s",
			explanation->function, explanation->module, ebcc_buf_string(&near_text));
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				 "no kernel function %s (the compiler may have inlined it)%s", name,
				 ebcc_buf_string(&near_text));
}

/* The error for functions that exist but can't be probed. NULL: there must be another reason. */
static struct ebcc_error *explain_refusal(const char *function)
{
	AUTO_HASH struct ebcc_hash blacklist = {0}, traceable = {0};
	AUTO_BUF struct ebcc_buf now = EBCC_BUF_INIT;
	bool known;

	TRY(ebcc_read_kprobe_blacklist(&blacklist));
	if (ebcc_hash_find_string(&blacklist, function))
		return ebcc_error_create(
			EBCC_ERROR_ATTACH,
			"kernel function %s is on the kernel's kprobe blacklist: it runs "
			"while a probe is being handled, so it can't be probed itself",
			function);
	TRY(ebcc_read_traceable_functions(&traceable, &known));
	ebcc_rename_tell(EBCC_RENAMED_FUNCTION, NULL, function, &now);
	if (known && !ebcc_hash_find_string(&traceable, function))
		return ebcc_error_create(
			EBCC_ERROR_ATTACH,
			"kernel function %s is marked notrace, and this kernel does not set probes "
			"in such functions%s",
			function, ebcc_buf_string(&now));
	return NULL;
}

/* Explains the errno of perf_event_open() or of the write to kprobe_events. */
static struct ebcc_error *explain(const struct ebcc_kprobe_opts *opts, int errnum)
{
	AUTO_FREE char *name = strdup(opts->function);
	struct explanation explanation = {.function = name};
	struct ebcc_error *error;
	char *colon;

	if (!name)
		return ebcc_error_no_memory();
	if (errnum == EPERM || errnum == EACCES)
		return ebcc_error_os(
			EBCC_ERROR_PERMISSION, errnum,
			"setting a kprobe at %s needs root (or CAP_PERFMON and CAP_BPF)", name);
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		explanation.module = name;
		explanation.function = colon + 1;
	}
	ebcc_near_names_init(&explanation.near, explanation.function);
	error = count_functions(&explanation);
	if (!error && !explanation.count)
		return not_found(opts->function, &explanation);
	ebcc_error_destroy(error);
	TRY(explain_refusal(explanation.function));
	if (explanation.count > 1)
		return ebcc_error_create(
			EBCC_ERROR_ATTACH,
			"kernel function name %s is ambiguous: there are %zu functions with "
			"that name, and the kernel can't tell which one is meant",
			opts->function, explanation.count);
	if (errnum == EILSEQ || (errnum == EINVAL && opts->offset))
		return ebcc_error_create(
			EBCC_ERROR_ATTACH,
			"offset 0x%llx of kernel function %s is not the start of one of its "
			"instructions",
			(unsigned long long)opts->offset, opts->function);
	return ebcc_error_os(EBCC_ERROR_ATTACH, errnum, "can't set a kprobe at %s", opts->function);
}

/* ---- Attaching ---- */

/* Formats "FUNCTION" or "FUNCTION+0xOFFSET". @ret is malloc'ed. */
static struct ebcc_error *describe(const struct ebcc_kprobe_opts *opts, char **ret)
{
	int length = opts->offset ? asprintf(ret, "%s+0x%llx", opts->function,
					     (unsigned long long)opts->offset)
				  : asprintf(ret, "%s", opts->function);

	if (length >= 0)
		return NULL;
	*ret = NULL;
	return ebcc_error_no_memory();
}

static const char *kind_name(const struct ebcc_kprobe_opts *opts)
{
	return opts->on_return ? "kretprobe" : "kprobe";
}

static struct ebcc_error *attach_perf(struct ebcc_program *program,
				      const struct ebcc_kprobe_opts *opts, const char *name,
				      struct ebcc_link **ret)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .disabled = 1};
	uint64_t return_bit = 0;
	int fd;

	if (!ebcc_perf_source("kprobe", &attr.type, &return_bit))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"this kernel has no kprobes (CONFIG_KPROBE_EVENTS), so %s can't be "
			"probed; tracepoints work without them",
			opts->function);
	attr.config = opts->on_return ? return_bit : 0;
	attr.kprobe_func = (uint64_t)(uintptr_t)opts->function;
	attr.probe_offset = opts->offset;
	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_KPROBE));
	fd = ebcc_perf_event_open_tracing(&attr, -1);
	if (fd < 0)
		return explain(opts, errno);
	return ebcc_perf_link_create(program, fd, opts->cookie, kind_name(opts), name, ret);
}

/* A link to an event that we created in tracefs. */
struct tracefs_link {
	struct ebcc_link base;
	char *event; /* "GROUP/EVENT"; NULL while it doesn't exist */
	char *path;  /* of kprobe_events */
};

static struct ebcc_error *detach_tracefs(struct ebcc_link *base)
{
	struct tracefs_link *link = (struct tracefs_link *)base;
	int errnum = 0;

	if (base->fd >= 0)
		close(base->fd);
	/* A forked child has copies of the descriptors, but the event belongs to its parent. */
	if (link->event && base->program->module->owner == getpid())
		errnum = ebcc_kprobe_event_remove(link->path, link->event);
	free(link->event);
	free(link->path);
	/* Someone else removed it. */
	if (!errnum || errnum == ENOENT)
		return NULL;
	return ebcc_error_os(EBCC_ERROR_ATTACH, errnum, "can't remove the kprobe's event");
}

static struct ebcc_error *make_event(struct tracefs_link *link, const struct ebcc_kprobe_opts *opts)
{
	AUTO_FREE char *command = NULL, *event = NULL;
	int errnum;

	TRY(ebcc_tracefs_path("kprobe_events", &link->path));
	TRY(ebcc_kprobe_event_name(opts->function, &event));
	if (asprintf(&command, "r%u:%s %s", opts->max_active, event, opts->function) < 0) {
		command = NULL;
		return ebcc_error_no_memory();
	}
	errnum = ebcc_kprobe_events_write(link->path, command);
	if (errnum == ENOENT && access(link->path, F_OK))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"this kernel has no kprobes (CONFIG_KPROBE_EVENTS), so %s can't be "
			"probed; tracepoints work without them",
			opts->function);
	if (errnum)
		return explain(opts, errnum);
	link->event = TAKE_PTR(event);
	return NULL;
}

static struct ebcc_error *open_event(struct tracefs_link *link, const struct ebcc_kprobe_opts *opts)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .sample_period = 1,
				       .disabled = 1};
	AUTO_FREE char *file = NULL, *path = NULL;
	char text[32];
	int fd;

	if (asprintf(&file, "events/%s/id", link->event) < 0) {
		file = NULL;
		return ebcc_error_no_memory();
	}
	TRY(ebcc_tracefs_path(file, &path));
	if (!ebcc_read_small_file(path, text, sizeof(text)))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't read %s", path);
	attr.config = strtoull(text, NULL, 10);
	fd = ebcc_perf_event_open_tracing(&attr, -1);
	if (fd < 0)
		return explain(opts, errno);
	return ebcc_perf_event_set_program(fd, link->base.program, opts->cookie, &link->base.fd);
}

static struct ebcc_error *attach_tracefs(struct ebcc_program *program,
					 const struct ebcc_kprobe_opts *opts, const char *name,
					 struct ebcc_link **ret)
{
	struct ebcc_link *link;
	struct ebcc_error *error;

	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_KPROBE));
	TRY(ebcc_link_create(program, sizeof(struct tracefs_link), detach_tracefs, &link, "%s:%s",
			     kind_name(opts), name));
	error = make_event((struct tracefs_link *)link, opts);
	if (!error)
		error = open_event((struct tracefs_link *)link, opts);
	if (error) {
		ebcc_link_destroy(link);
		return error;
	}
	*ret = link;
	return NULL;
}

static struct ebcc_error *check_opts(const struct ebcc_kprobe_opts *opts)
{
	if (!opts->function || !*opts->function || strpbrk(opts->function, " \t\n+/"))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "\"%s\" is not the name of a kernel function (FUNCTION or "
					 "MODULE:FUNCTION)",
					 opts->function ? opts->function : "");
	if (opts->on_return && opts->offset)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"a return probe of %s takes no offset: it is hit when the function "
			"returns",
			opts->function);
	if (opts->max_active && !opts->on_return)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "max_active is for return probes only");
	return NULL;
}

static struct ebcc_error *attach(struct ebcc_program *program, const struct ebcc_kprobe_opts *opts,
				 struct ebcc_link **ret)
{
	AUTO_FREE char *name = NULL;

	TRY(describe(opts, &name));
	return opts->max_active ? attach_tracefs(program, opts, name, ret)
				: attach_perf(program, opts, name, ret);
}

/* Attaches to the function that a macro of that name calls (EBCC_ALLOCATION_SUFFIX). Returns false
 * if there is none, or it can't be attached to. */
static bool attach_behind_macro(struct ebcc_program *program, struct ebcc_kprobe_opts opts,
				struct ebcc_link **ret)
{
	AUTO_FREE char *function = NULL;
	struct ebcc_error *error;

	if (asprintf(&function, "%s" EBCC_ALLOCATION_SUFFIX, opts.function) < 0) {
		function = NULL;
		return false;
	}
	opts.function = function;
	error = attach(program, &opts, ret);
	ebcc_error_destroy(error);
	return !error;
}

struct ebcc_error *ebcc_program_attach_kprobe(struct ebcc_program *program,
					      const struct ebcc_kprobe_opts *caller_opts,
					      struct ebcc_link **ret)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_kprobe_opts"));
	TRY(check_opts(&opts));
	error = attach(program, &opts, ret);
	if (error && ebcc_error_code(error) == EBCC_ERROR_NOT_FOUND &&
	    attach_behind_macro(program, opts, ret)) {
		ebcc_error_destroy(error);
		return NULL;
	}
	return ebcc_error_with_subject(error, opts.function);
}
