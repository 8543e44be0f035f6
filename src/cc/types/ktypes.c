// SPDX-License-Identifier: Apache-2.0
/*
 * Assembles the kernel types text (stage 2): preamble, types, tracepoints, macros. See ktypes.h;
 * ktypes_btf.c explains how types are selected.
 */
#include "types/ktypes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/near_names.h"
#include "kernel/renames.h"
#include "kernel/tracefs.h"
#include "types/ktypes_basic.h"
#include "types/ktypes_internal.h"
#include "types/tracepoint.h"

/* The kernel types and members that macros of ebcc/pid_namespace.h use. */
static const char pid_namespace_uses[] =
	"struct task_struct *task; task->tgid; task->pid; task->thread_pid;"
	"struct pid *pid; pid->level;";

struct ebcc_error *ebcc_ktypes_create(struct ebcc_scan *scan, struct ebcc_kernel_info *kernel,
				      const struct ebcc_ktypes_opts *opts, struct ebcc_ktypes **ret)
{
	static const struct ebcc_ktypes_opts no_opts;
	struct ebcc_ktypes *ktypes = calloc(1, sizeof(*ktypes));
	struct ebcc_error *error;

	if (!ktypes)
		return ebcc_error_no_memory();
	if (!opts)
		opts = &no_opts;
	ktypes->kernel = kernel;
	ktypes->portable = opts->portable;
	error = opts->headers ? NULL
			      : ebcc_kernel_btf_create(opts->btf_path, opts->module_btf_dir,
						       &ktypes->btf);
	if (!error && opts->tracefs_path) {
		ktypes->tracefs_path = strdup(opts->tracefs_path);
		if (!ktypes->tracefs_path)
			error = ebcc_error_no_memory();
	}
	if (error) {
		ebcc_ktypes_destroy(ktypes);
		return error;
	}
	ktypes->scan = *scan;
	ebcc_scan_init(scan);
	*ret = ktypes;
	return NULL;
}

void ebcc_ktypes_destroy(struct ebcc_ktypes *ktypes)
{
	if (!ktypes)
		return;
	ebcc_scan_deinit(&ktypes->scan);
	ebcc_kernel_btf_destroy(ktypes->btf);
	free(ktypes->tracefs_path);
	ebcc_buf_deinit(&ktypes->notes);
	ebcc_buf_deinit(&ktypes->inputs);
	ebcc_buf_deinit(&ktypes->unknown);
	ebcc_buf_deinit(&ktypes->constants);
	free(ktypes);
}

const char *ebcc_ktypes_notes(const struct ebcc_ktypes *ktypes)
{
	return ebcc_buf_string(&ktypes->notes);
}

const char *ebcc_ktypes_inputs(const struct ebcc_ktypes *ktypes)
{
	return ebcc_buf_string(&ktypes->inputs);
}

const struct ebcc_kernel_btf *ebcc_ktypes_btf(const struct ebcc_ktypes *ktypes)
{
	return ktypes->btf;
}

bool ebcc_ktypes_independent(const struct ebcc_ktypes *ktypes)
{
	return ktypes->independent;
}

bool ebcc_ktypes_names_cpu_count(const struct ebcc_ktypes *ktypes)
{
	return ebcc_scan_uses(&ktypes->scan, "bpf_num_cpus") ||
	       ebcc_scan_uses(&ktypes->scan, "EBCC_CPU_COUNT");
}

const char *ebcc_ktypes_unknown(const struct ebcc_ktypes *ktypes)
{
	return ebcc_buf_string(&ktypes->unknown);
}

const char *ebcc_ktypes_constants(const struct ebcc_ktypes *ktypes)
{
	return ebcc_buf_string(&ktypes->constants);
}

static uint32_t size_of_struct(void *ctx, const char *name, bool is_union)
{
	const struct ebcc_ktypes *ktypes = ctx;
	const struct ebcc_btf_part *part;
	const struct btf_type *t;

	if (!ktypes->btf)
		return 0;
	t = ebcc_kernel_btf_type(ktypes->btf,
				 ebcc_kernel_btf_find(ktypes->btf, name,
						      is_union ? BTF_KIND_UNION : BTF_KIND_STRUCT),
				 &part);

	return t ? t->size : 0;
}

/* FNV-1a hash of a format's text, for the cache key. */
static uint64_t hash_text(const struct ebcc_buf *text)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < text->size; i++)
		hash = (hash ^ (unsigned char)text->data[i]) * 1099511628211ull;
	return hash;
}

static struct ebcc_error *print_tracepoint(struct ebcc_ktypes *ktypes, const char *category,
					   const char *event, struct ebcc_buf *text)
{
	AUTO_TRACEPOINT_FORMAT struct ebcc_tracepoint_format format = {0};
	AUTO_BUF struct ebcc_buf file = EBCC_BUF_INIT;

	TRY(ebcc_tracepoint_format_read(ktypes->tracefs_path, category, event, &file, &format));
	ebcc_tracepoint_print(&format, category, event, size_of_struct, ktypes, text);
	ebcc_buf_printf(&ktypes->inputs, "tracepoint %s:%s %016llx\n", category, event,
			(unsigned long long)hash_text(&file));
	return ebcc_buf_check(&ktypes->inputs);
}

/* Adds the note "this kernel has no tracepoint X; did you mean Y?". */
static void note_no_tracepoint(struct ebcc_ktypes *ktypes, const struct ebcc_scan_tracepoint *tp)
{
	AUTO_BUF struct ebcc_buf wanted = EBCC_BUF_INIT, now = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;
	char **list AUTO_FREE = NULL;
	struct ebcc_near_names near;
	size_t count = 0;

	ebcc_buf_printf(&wanted, "%s:%s", tp->category, tp->event);
	error = ebcc_tracepoint_list(ktypes->tracefs_path, &list, &count);
	if (error || !count) {
		ebcc_buf_printf(&ktypes->notes,
				"the fields of the tracepoint %s are not known: tracefs has no "
				"event files here\n",
				ebcc_buf_string(&wanted));
		return;
	}
	ebcc_buf_printf(&ktypes->notes, "this kernel has no tracepoint %s",
			ebcc_buf_string(&wanted));
	if (ebcc_rename_explain(EBCC_RENAMED_TRACEPOINT, tp->category, tp->event,
				ktypes->kernel ? ktypes->kernel->release : NULL, &now)) {
		ebcc_buf_printf(&ktypes->notes, "; %s\n", ebcc_buf_string(&now));
		return;
	}
	ebcc_near_names_init(&near, ebcc_buf_string(&wanted));
	for (size_t i = 0; i < count; i++)
		ebcc_near_names_add(&near, list[i]);
	ebcc_near_names_suggest(&near, &ktypes->notes);
	ebcc_buf_append_char(&ktypes->notes, '\n');
}

/*
 * A missing tracepoint is not an error yet: the source may not use its struct. Its tag is declared,
 * since clang warns if it first appears in a parameter list.
 */
static struct ebcc_error *note_missing(struct ebcc_ktypes *ktypes, struct ebcc_error *error,
				       const struct ebcc_scan_tracepoint *tp, struct ebcc_buf *text)
{
	ebcc_buf_printf(text, "struct tracepoint__%s%s%s;\n", tp->category ? tp->category : "",
			tp->category ? "__" : "", tp->event);
	ebcc_buf_printf(&ktypes->inputs, "unfound %s\n", tp->event);
	if (ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
		return error;
	if (ebcc_error_code(error) == EBCC_ERROR_NOT_FOUND && tp->category)
		note_no_tracepoint(ktypes, tp);
	else if (!strstr(ebcc_ktypes_notes(ktypes), ebcc_error_message(error)))
		ebcc_buf_printf(&ktypes->notes, "%s\n", ebcc_error_message(error));
	ebcc_error_destroy(error);
	return ebcc_buf_check(&ktypes->notes);
}

/* Whether the struct of a joined name (CATEGORY__EVENT) is also that of an entry whose category is
 * known. */
static bool is_repeated(const struct ebcc_scan *scan, size_t index)
{
	const struct ebcc_scan_tracepoint *tp = &scan->tracepoints[index];

	for (size_t i = 0; !tp->category && i < scan->tracepoint_count; i++) {
		const struct ebcc_scan_tracepoint *other = &scan->tracepoints[i];
		size_t size = other->category ? strlen(other->category) : 0;

		if (size && !strncmp(tp->event, other->category, size) &&
		    !strncmp(tp->event + size, "__", 2) &&
		    !strcmp(tp->event + size + 2, other->event))
			return true;
	}
	return false;
}

static struct ebcc_error *print_tracepoints(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	for (size_t i = 0; i < ktypes->scan.tracepoint_count; i++) {
		const struct ebcc_scan_tracepoint *tp = &ktypes->scan.tracepoints[i];
		AUTO_FREE char *category = NULL, *event = NULL;
		struct ebcc_error *error;

		if (is_repeated(&ktypes->scan, i))
			continue;
		if (tp->category)
			error = print_tracepoint(ktypes, tp->category, tp->event, text);
		else
			error = ebcc_tracepoint_split(ktypes->tracefs_path, tp->event, &category,
						      &event);
		if (!error && !tp->category)
			error = print_tracepoint(ktypes, category, event, text);
		if (error)
			TRY(note_missing(ktypes, error, tp, text));
	}
	return ebcc_buf_check(text);
}

/* Macros that -D defines must not change the kernel's text: they are undefined before it and
 * restored after it. */
static void save_macros(const struct ebcc_scan *scan, struct ebcc_buf *text)
{
	for (size_t i = 0; i < scan->define_count; i++)
		ebcc_buf_printf(text, "#pragma push_macro(\"%s\")\n#undef %s\n", scan->defines[i],
				scan->defines[i]);
}

static void restore_macros(const struct ebcc_scan *scan, struct ebcc_buf *text)
{
	for (size_t i = 0; i < scan->define_count; i++)
		ebcc_buf_printf(text, "#pragma pop_macro(\"%s\")\n", scan->defines[i]);
}

static struct ebcc_error *begin(struct ebcc_ktypes *ktypes)
{
	uint64_t *uses;

	ebcc_buf_clear(&ktypes->notes);
	ebcc_buf_clear(&ktypes->inputs);
	ebcc_buf_clear(&ktypes->unknown);
	ebcc_buf_clear(&ktypes->constants);
	ktypes->independent = ktypes->btf;
	hash_for_each (&ktypes->scan.names, entry)
		entry->value &= ~(uint64_t)FOUND_ANY;
	uses = ebcc_hash_insert_string(&ktypes->scan.names, "pt_regs");
	if (!uses)
		return ebcc_error_no_memory();
	*uses |= EBCC_SCAN_TAG;
	return NULL;
}

static void list_btf_inputs(struct ebcc_ktypes *ktypes)
{
	for (size_t i = 0; i < ktypes->btf->part_count; i++)
		ebcc_buf_printf(&ktypes->inputs, "%s %s\n", i ? "module" : "btf",
				ktypes->btf->parts[i].path);
}

/* Makes dialect.h include the functions for PID namespaces if the source names one of them. */
static struct ebcc_error *add_pid_namespace(struct ebcc_ktypes *ktypes, struct ebcc_buf *text)
{
	if (!ebcc_scan_names_pid_namespace(&ktypes->scan))
		return NULL;
	ebcc_buf_append_string(text, "#define __EBCC_PID_NAMESPACE 1\n");
	if (!ebcc_scan_uses(&ktypes->scan, "ebcc_ns_task_pid_tgid") &&
	    !ebcc_scan_uses(&ktypes->scan, "ebcc_ns_task_is_native"))
		return NULL;
	return ebcc_scan_merge_names(&ktypes->scan, pid_namespace_uses,
				     sizeof(pid_namespace_uses) - 1);
}

/* Marks what follows, up to two "attribute pop": accesses to records are relocated, and uses of
 * enumerators are noted. The first pop ends the latter. */
static void begin_portable(struct ebcc_buf *text)
{
	ebcc_buf_append_string(text, "#pragma clang attribute push(__attribute__(("
				     "preserve_access_index)), apply_to = record)\n"
				     "#pragma clang attribute push(__attribute__((annotate("
				     "\"" EBCC_CC_KERNEL_ENUM "\"))), apply_to = enum)\n");
}

struct ebcc_error *ebcc_ktypes_generate(struct ebcc_ktypes *ktypes, bool whole,
					struct ebcc_buf *text)
{
	AUTO_BUF struct ebcc_buf tracepoints = EBCC_BUF_INIT;
	size_t before;

	TRY(begin(ktypes));
	TRY(add_pid_namespace(ktypes, text));
	/* The structs of tracepoints are printed first, to find the types that they need, but come
	 * after these in the text. */
	TRY(print_tracepoints(ktypes, &tracepoints));
	if (tracepoints.size)
		TRY(ebcc_scan_merge_names(&ktypes->scan, tracepoints.data, tracepoints.size));
	if (!ktypes->btf) {
		ebcc_buf_append(text, ebcc_buf_string(&tracepoints), tracepoints.size);
		ebcc_ktypes_print_unknown_attributes(ktypes, text);
		return ebcc_buf_check(text);
	}
	TRY(ebcc_ktypes_expand_macros(ktypes));
	save_macros(&ktypes->scan, text);
	ebcc_buf_append_string(text, ebcc_ktypes_basic);
	if (ktypes->portable)
		begin_portable(text);
	TRY(ebcc_ktypes_print_btf(ktypes, whole, text));
	if (ktypes->portable)
		ebcc_buf_append_string(text, "#pragma clang attribute pop\n");
	ebcc_buf_append(text, ebcc_buf_string(&tracepoints), tracepoints.size);
	if (ktypes->portable)
		ebcc_buf_append_string(text, "#pragma clang attribute pop\n");
	before = text->size;
	TRY(ebcc_ktypes_print_macros(ktypes, text));
	/* Tracepoints and configuration options are inputs even if they don't exist. */
	if (text->size != before || ktypes->inputs.size)
		ktypes->independent = false;
	ebcc_ktypes_print_unknown_attributes(ktypes, text);
	restore_macros(&ktypes->scan, text);
	list_btf_inputs(ktypes);
	TRY(ebcc_buf_check(&ktypes->inputs));
	return ebcc_buf_check(text);
}
