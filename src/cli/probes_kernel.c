// SPDX-License-Identifier: Apache-2.0
/*
 * Probes in the kernel. Names come from its list of functions (which the library caches), from
 * tracefs, and from BTF; arguments from BTF and from the format files of tracepoints.
 */
#include "probes.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "kernel/functions.h"
#include "kernel/tracefs.h"
#include "prototype.h"
#include "report.h"
#include "types/tracepoint.h"

/* ---- Types from BTF ---- */

const struct ebcc_kernel_btf *cli_probes_btf(struct cli_probes *probes)
{
	if (!probes->btf_tried) {
		probes->btf_tried = true;
		ebcc_error_destroy(ebcc_kernel_btf_create(NULL, NULL, &probes->btf));
		if (probes->btf)
			ebcc_error_destroy(ebcc_kernel_btf_open_modules(probes->btf));
	}
	return probes->btf;
}

/* The name of a type, if it is of one kind and begins with @prefix, without the prefix. */
static const char *name_of(const struct ebcc_kernel_btf *btf, uint32_t id, unsigned kind,
			   const char *prefix, const struct ebcc_btf_part **ret_part)
{
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, ret_part);
	size_t length = strlen(prefix);
	const char *name;

	if (!type || btf_kind(type) != kind)
		return NULL;
	name = ebcc_kernel_btf_name(btf, *ret_part, type->name_off);
	return !strncmp(name, prefix, length) && name[length] ? name + length : NULL;
}

/* A parameter as an object. Its type alone is of use only in JSON. */
static json_t *parameter_json(const struct ebcc_kernel_btf *btf,
			      const struct cli_parameter *parameter, bool with_type)
{
	AUTO_BUF struct ebcc_buf type = EBCC_BUF_INIT, text = EBCC_BUF_INIT;

	if (!parameter->type)
		return json_pack("{s:s,s:s,s:s}", "name", "", "type", "...", "declaration", "...");
	cli_declaration(btf, parameter->type, parameter->name, &text);
	if (!with_type)
		return json_pack("{s:o}", "declaration", cli_json_text(ebcc_buf_string(&text)));
	cli_declaration(btf, parameter->type, "", &type);
	return json_pack("{s:o,s:o,s:o}", "name", cli_json_text(parameter->name), "type",
			 cli_json_text(ebcc_buf_string(&type)), "declaration",
			 cli_json_text(ebcc_buf_string(&text)));
}

/* Adds the parameters of a prototype, from @skip on, and what it returns. */
static void add_prototype(const struct cli_probes *probes, uint32_t prototype, unsigned skip,
			  struct cli_probe *probe, struct ebcc_buf *returned)
{
	unsigned count = cli_parameter_count(probes->btf, prototype);

	probe->arguments = json_array();
	for (unsigned i = skip; i < count; i++) {
		struct cli_parameter parameter = cli_parameter_at(probes->btf, prototype, i);

		json_array_append_new(probe->arguments,
				      parameter_json(probes->btf, &parameter, probes->json));
	}
	cli_declaration(probes->btf, cli_returned_type(probes->btf, prototype), "", returned);
	probe->returned = ebcc_buf_string(returned);
}

/* The type with the arguments of a raw tracepoint. The typedef has no names of parameters; the
 * function that calls the probes has them. */
static uint32_t caller_of(const struct cli_probes *probes, const char *event, uint32_t otherwise)
{
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;
	const uint64_t *id;

	ebcc_buf_printf(&name, "__traceiter_%s", event);
	id = ebcc_hash_find_string(&probes->functions, ebcc_buf_string(&name));
	return id ? (uint32_t)*id : otherwise;
}

/* Shows a probe whose prototype is found from the type @id; 0: it isn't known. */
static void found_typed(struct cli_probes *probes, const char *scope, const char *name, uint32_t id,
			unsigned skip)
{
	AUTO_BUF struct ebcc_buf returned = EBCC_BUF_INIT;
	struct cli_probe probe = {.scope = scope, .name = name};
	uint32_t prototype = 0;

	if (probes->verbose && id && probes->kind == CLI_RAW_TRACEPOINT)
		id = caller_of(probes, name, id);
	if (probes->verbose && id)
		prototype = cli_prototype_of(probes->btf, id);
	if (prototype)
		add_prototype(probes, prototype, skip, &probe, &returned);
	if (skip)
		probe.returned = NULL;
	cli_probes_found(probes, &probe);
}

/* ---- Kernel functions ---- */

/* Fills probes->functions. The first function of a name counts. */
static struct ebcc_error *index_functions(struct cli_probes *probes)
{
	const struct ebcc_kernel_btf *btf = cli_probes_btf(probes);

	if (probes->functions.count || !btf)
		return NULL;
	for (uint32_t id = 1; id < btf->type_count; id++) {
		const struct ebcc_btf_part *part;
		const char *name = name_of(btf, id, BTF_KIND_FUNC, "", &part);
		uint64_t *value = name ? ebcc_hash_insert_string(&probes->functions, name) : NULL;

		if (name && !value)
			return ebcc_error_no_memory();
		if (name && !*value)
			*value = id;
	}
	return NULL;
}

/* A regular expression that matches at least the names that the pattern does: its beginning. Names
 * that begin the same are adjacent in the list, so this makes the search short. */
static char *beginning(const struct cli_probes *probes)
{
	return strndup(probes->pattern,
		       strspn(probes->pattern,
			      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789_"));
}

struct ebcc_error *cli_list_functions(struct cli_probes *probes)
{
	AUTO_FREE char *regex = probes->is_literal ? strdup("") : beginning(probes);
	AUTO_FREE char **names = NULL;
	size_t count;

	if (!regex)
		return ebcc_error_no_memory();
	TRY(ebcc_kernel_find_functions(regex, NULL, &names, &count));
	if (probes->verbose)
		TRY(index_functions(probes));
	for (size_t i = 0; i < count; i++) {
		uint64_t *id;

		if (!cli_probes_match(probes, NULL, names[i]))
			continue;
		id = ebcc_hash_find_string(&probes->functions, names[i]);
		found_typed(probes, NULL, names[i], id ? (uint32_t)*id : 0, 0);
	}
	return NULL;
}

/* ---- What BTF describes ---- */

struct typed {
	const char *scope; /* the module, or NULL */
	const char *name;
	uint32_t id;
};

static int compare_typed(const void *a, const void *b)
{
	const struct typed *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order
		     : strcmp(left->scope ? left->scope : "", right->scope ? right->scope : "");
}

/* The module that a part of the BTF belongs to, or NULL for the kernel itself. */
static const char *module_of(const struct ebcc_kernel_btf *btf, const struct ebcc_btf_part *part)
{
	const char *slash = strrchr(part->path, '/');

	return part == &btf->parts[0] ? NULL : slash ? slash + 1 : part->path;
}

/* Whether a type is one of those that are being listed. */
typedef bool (*typed_filter)(const struct cli_probes *probes, const struct typed *typed,
			     const void *ctx);

/* Lists the types of one kind whose names begin with @prefix. @skip: how many parameters the
 * program doesn't get. */
static struct ebcc_error *list_typed(struct cli_probes *probes, unsigned kind, const char *prefix,
				     unsigned skip, typed_filter filter, const void *ctx)
{
	const struct ebcc_kernel_btf *btf = cli_probes_btf(probes);
	AUTO_FREE struct typed *found = NULL;
	size_t count = 0;

	if (!btf)
		return NULL;
	found = calloc(btf->type_count, sizeof(*found));
	if (!found)
		return ebcc_error_no_memory();
	for (uint32_t id = 1; id < btf->type_count; id++) {
		const struct ebcc_btf_part *part;
		const char *name = name_of(btf, id, kind, prefix, &part);
		struct typed typed = {.name = name, .id = id};

		if (!name)
			continue;
		typed.scope = module_of(btf, part);
		if (cli_probes_match(probes, typed.scope ? typed.scope : "vmlinux", name) &&
		    (!filter || filter(probes, &typed, ctx)))
			found[count++] = typed;
	}
	qsort(found, count, sizeof(*found), compare_typed);
	for (size_t i = 0; i < count; i++)
		if (!i || compare_typed(&found[i], &found[i - 1]))
			found_typed(probes, found[i].scope, found[i].name, found[i].id, skip);
	return NULL;
}

struct ebcc_error *cli_list_raw_tracepoints(struct cli_probes *probes)
{
	if (probes->verbose)
		TRY(index_functions(probes));
	/* The first parameter is the tracepoint's own data. */
	return list_typed(probes, BTF_KIND_TYPEDEF, "btf_trace_", 1, NULL, NULL);
}

static bool is_traceable(const struct cli_probes *probes, const struct typed *typed,
			 const void *ctx)
{
	const struct ebcc_kernel_functions *functions = ctx;
	size_t index = ebcc_kernel_functions_search(functions, typed->name);

	return index < functions->count && functions->functions[index].probeable &&
	       !strcmp(ebcc_kernel_function_name(functions, index), typed->name);
}

struct ebcc_error *cli_list_typed_functions(struct cli_probes *probes)
{
	const struct ebcc_kernel_functions *functions;
	struct ebcc_error *error;

	TRY(ebcc_kernel_functions_get(&functions));
	error = list_typed(probes, BTF_KIND_FUNC, "", 0, is_traceable, functions);
	ebcc_kernel_functions_put(functions);
	return error;
}

/* The kernel has other functions whose names begin like those of hooks. */
static bool is_hook(const struct cli_probes *probes, const struct typed *typed, const void *ctx)
{
	uint32_t hooks = *(const uint32_t *)ctx;

	return ebcc_kernel_btf_has_member(probes->btf, hooks, typed->name);
}

struct ebcc_error *cli_list_hooks(struct cli_probes *probes)
{
	const struct ebcc_kernel_btf *btf = cli_probes_btf(probes);
	/* A union with a pointer to a function for each hook (include/linux/lsm_hooks.h). */
	uint32_t hooks =
		btf ? ebcc_kernel_btf_find(btf, "security_list_options", BTF_KIND_UNION) : 0;

	return hooks ? list_typed(probes, BTF_KIND_FUNC, "bpf_lsm_", 0, is_hook, &hooks) : NULL;
}

/* What an iterator's program gets begins with a struct bpf_iter_meta (DEFINE_BPF_ITER_FUNC). */
static bool is_iterator(const struct cli_probes *probes, const struct typed *typed, const void *ctx)
{
	uint32_t prototype = cli_prototype_of(probes->btf, typed->id);
	AUTO_BUF struct ebcc_buf first = EBCC_BUF_INIT;

	if (!cli_parameter_count(probes->btf, prototype))
		return false;
	cli_declaration(probes->btf, cli_parameter_at(probes->btf, prototype, 0).type, "", &first);
	return !strcmp(ebcc_buf_string(&first), "struct bpf_iter_meta *");
}

struct ebcc_error *cli_list_iterators(struct cli_probes *probes)
{
	return list_typed(probes, BTF_KIND_FUNC, "bpf_iter_", 0, is_iterator, NULL);
}

/* ---- Tracepoints ---- */

/* The field as the format file declares it. */
static void append_field(const struct ebcc_tracepoint_field *field, struct ebcc_buf *ret)
{
	const char *gap = field->type[strlen(field->type) - 1] == '*' ? "" : " ";

	if (field->data_loc || field->rel_loc)
		ebcc_buf_printf(ret, "%s %s[] %s", field->data_loc ? "__data_loc" : "__rel_loc",
				field->type, field->name);
	else if (field->array && field->array_length)
		ebcc_buf_printf(ret, "%s%s%s[%u]", field->type, gap, field->name,
				field->array_length);
	else
		ebcc_buf_printf(ret, "%s%s%s%s", field->type, gap, field->name,
				field->array ? "[]" : "");
}

static json_t *field_json(const struct ebcc_tracepoint_field *field)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	append_field(field, &text);
	return json_pack("{s:o,s:o,s:o,s:i,s:i,s:b}", "name", cli_json_text(field->name), "type",
			 cli_json_text(field->type), "declaration",
			 cli_json_text(ebcc_buf_string(&text)), "offset", (int)field->offset,
			 "size", (int)field->size, "dynamic", field->data_loc || field->rel_loc);
}

/* The fields without those that all tracepoints have, which programs can't read. */
static json_t *read_fields(const char *category, const char *event)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_tracepoint_format format;
	struct ebcc_error *error =
		ebcc_tracepoint_format_read(NULL, category, event, &text, &format);
	json_t *array;

	/* Some events have no format that can be read, and some came and went. */
	if (error) {
		ebcc_error_destroy(error);
		return NULL;
	}
	array = json_array();
	for (size_t i = 0; i < format.field_count; i++)
		if (strncmp(format.fields[i].name, "common_", strlen("common_")))
			json_array_append_new(array, field_json(&format.fields[i]));
	ebcc_tracepoint_format_deinit(&format);
	return array;
}

struct ebcc_error *cli_list_tracepoints(struct cli_probes *probes)
{
	AUTO_FREE char **names = NULL;
	size_t count;

	TRY(ebcc_kernel_find_tracepoints("", NULL, &names, &count));
	for (size_t i = 0; i < count; i++) {
		char *event = strchr(names[i], ':');
		struct cli_probe probe = {0};

		*event++ = '\0';
		if (!cli_probes_match(probes, names[i], event))
			continue;
		probe.scope = names[i];
		probe.name = event;
		probe.arguments = probes->verbose ? read_fields(names[i], event) : NULL;
		cli_probes_found(probes, &probe);
	}
	return NULL;
}
