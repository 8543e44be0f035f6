// SPDX-License-Identifier: Apache-2.0
/*
 * Compiles against kernel headers. The headers that the source includes are parsed into a
 * precompiled header in advance, together with those that every source expects. Structs of
 * tracepoints come from tracefs as usual. If the headers don't parse when included first, they are
 * included where the source includes them.
 */
#include "compile/headers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "compile/pch.h"
#include "compiler/read_scope.h"
#include "types/kernel_record.h"

/* Files in addition to the request's: the preamble, its precompiled form, the kernel types. */
#define MORE_FILES 3

/* A request and everything that it points into. */
struct headers_request {
	struct ebcc_cc_request request;
	struct ebcc_cc_file *files;
	const char **cflags;
	struct ebcc_read_scope readable;
	struct ebcc_buf preamble, pch, types;
};

#define AUTO_REQUEST CLEANUP(headers_request_deinit)
static void headers_request_deinit(struct headers_request *request)
{
	free(request->files);
	free(request->cflags);
	ebcc_read_scope_deinit(&request->readable);
	ebcc_buf_deinit(&request->preamble);
	ebcc_buf_deinit(&request->pch);
	ebcc_buf_deinit(&request->types);
}

#define AUTO_KTYPES CLEANUP(cleanup_ktypes)
static void cleanup_ktypes(struct ebcc_ktypes **ktypes)
{
	ebcc_ktypes_destroy(*ktypes);
}

static const char *environment(const char *name)
{
	const char *value = getauxval(AT_SECURE) ? NULL : getenv(name);

	return value && *value ? value : NULL;
}

struct ebcc_error *ebcc_compile_types(enum ebcc_kernel_types asked, enum ebcc_kernel_types *ret)
{
	const char *named = environment("EBCC_KERNEL_TYPES");

	*ret = asked;
	if (asked != EBCC_KERNEL_TYPES_AUTO || !named || !strcmp(named, "auto"))
		return NULL;
	if (!strcmp(named, "btf"))
		*ret = EBCC_KERNEL_TYPES_BTF;
	else if (!strcmp(named, "headers"))
		*ret = EBCC_KERNEL_TYPES_HEADERS;
	else
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"EBCC_KERNEL_TYPES is \"%s\"; set it to btf, headers or auto", named);
	return NULL;
}

void ebcc_compile_headers_key(struct ebcc_buf *key)
{
	static const char *const names[] = {"BCC_KERNEL_SOURCE", "BCC_KERNEL_MODULES_SUFFIX"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = environment(names[i]);

		if (value)
			ebcc_buf_printf(key, "%s %s\n", names[i], value);
	}
}

struct ebcc_error *ebcc_compile_find_headers(const struct ebcc_kernel_info *kernel,
					     struct ebcc_disk_cache *cache, bool named_only,
					     struct ebcc_kernel_headers **ret)
{
	struct ebcc_kernel_headers_opts opts = {
		.named = environment("BCC_KERNEL_SOURCE"),
		.suffix = environment("BCC_KERNEL_MODULES_SUFFIX"),
	};

	*ret = NULL;
	if (named_only && !opts.named)
		return NULL;
	return ebcc_kernel_headers_find(kernel, &opts, cache, ret);
}

/* Adds what the original request may read, and the header trees. */
static struct ebcc_error *add_trees(struct ebcc_read_scope *scope,
				    const struct ebcc_cc_request *from,
				    const struct ebcc_kernel_headers *headers)
{
	for (size_t i = 0; i < from->readable_count; i++)
		TRY(ebcc_read_scope_add(scope, from->readable[i]));
	TRY(ebcc_read_scope_add(scope, headers->build));
	TRY(ebcc_read_scope_add(scope, headers->source));
	return ebcc_read_scope_add_flags(scope, headers->flags, headers->flag_count);
}

/* Copies the original request, and adds the headers' flags and room for more files. */
static struct ebcc_error *request_init(struct headers_request *request,
				       const struct ebcc_headers_compile *compile)
{
	const struct ebcc_cc_request *from = compile->request;
	const struct ebcc_kernel_headers *headers = compile->headers;

	request->request = *from;
	request->request.flags |= EBCC_CC_HEADERS;
	request->files = calloc(from->file_count + MORE_FILES, sizeof(*request->files));
	request->cflags = calloc(from->cflag_count + headers->flag_count, sizeof(char *));
	if (!request->files || !request->cflags)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < from->file_count; i++)
		request->files[i] = from->files[i];
	for (size_t i = 0; i < from->cflag_count; i++)
		request->cflags[i] = from->cflags[i];
	for (size_t i = 0; i < headers->flag_count; i++)
		request->cflags[from->cflag_count + i] = headers->flags[i];
	TRY(add_trees(&request->readable, from, headers));
	request->request.readable = (const char *const *)request->readable.paths;
	request->request.readable_count = request->readable.count;
	request->request.files = request->files;
	request->request.cflags = request->cflags;
	request->request.cflag_count += headers->flag_count;
	return NULL;
}

static void add_file(struct headers_request *request, const char *path, const struct ebcc_buf *text)
{
	request->files[request->request.file_count++] = (struct ebcc_cc_file){
		.path = path,
		.text = ebcc_buf_string(text),
		.size = text->size,
	};
}

/* Makes the preamble with the headers of @scan (NULL: without them) and precompiles it. */
static struct ebcc_error *make_pch(const struct ebcc_headers_compile *compile,
				   struct headers_request *request, const struct ebcc_scan *scan)
{
	struct ebcc_pch_opts opts = {
		.headers = compile->headers,
		.request = &request->request,
		.log = compile->log,
	};

	ebcc_buf_clear(&request->preamble);
	TRY(ebcc_kernel_headers_preamble(compile->headers,
					 scan ? (const char *const *)scan->includes : NULL,
					 scan ? scan->include_count : 0, &request->preamble));
	opts.preamble = ebcc_buf_string(&request->preamble);
	return ebcc_compile_pch(compile->client, compile->cache, &opts, &request->pch);
}

static struct ebcc_error *add_preamble(const struct ebcc_headers_compile *compile,
				       struct headers_request *request,
				       const struct ebcc_scan *scan)
{
	TRY(make_pch(compile, request, scan));
	if (compile->cache && !request->pch.size)
		TRY(make_pch(compile, request, NULL));
	add_file(request, EBCC_CC_PREAMBLE, &request->preamble);
	if (request->pch.size)
		add_file(request, EBCC_CC_PREAMBLE_PCH, &request->pch);
	return NULL;
}

/* Removes dependencies on files in the header tree, which its identity covers. */
static void forget_dependencies(struct ebcc_cc_answer *answer,
				const struct ebcc_kernel_headers *headers)
{
	size_t kept = 0;

	for (size_t i = 0; i < answer->dependency_count; i++) {
		if (ebcc_kernel_headers_contain(headers, answer->dependencies[i].path))
			free(answer->dependencies[i].path);
		else
			answer->dependencies[kept++] = answer->dependencies[i];
	}
	answer->dependency_count = kept;
}

/* The text of what neither the headers nor clang have. */
static struct ebcc_error *make_types(const struct ebcc_headers_compile *compile,
				     struct ebcc_scan *scan, struct ebcc_buf *types,
				     struct ebcc_ktypes **ret)
{
	struct ebcc_ktypes_opts opts = {
		.headers = true,
		.tracefs_path = compile->kernel->tracefs,
	};
	LOG_STAGE(compile->log, TYPES);

	TRY(ebcc_ktypes_create(scan, compile->kernel, &opts, ret));
	TRY(ebcc_ktypes_generate(*ret, false, types));
	return ebcc_kernel_record_write(compile->kernel, *ret, NULL, false, types);
}

struct ebcc_error *ebcc_compile_with_headers(const struct ebcc_headers_compile *compile,
					     struct ebcc_scan *scan, struct ebcc_cc_answer *answer,
					     struct ebcc_buf *inputs, struct ebcc_buf *notes)
{
	AUTO_REQUEST struct headers_request request = {0};
	AUTO_KTYPES struct ebcc_ktypes *ktypes = NULL;

	TRY(request_init(&request, compile));
	TRY(add_preamble(compile, &request, scan));
	TRY(make_types(compile, scan, &request.types, &ktypes));
	add_file(&request, EBCC_CC_KERNEL_TYPES, &request.types);
	TRY(ebcc_compiler_client_compile(compile->client, &request.request, answer));
	forget_dependencies(answer, compile->headers);
	ebcc_buf_append_string(inputs, ebcc_ktypes_inputs(ktypes));
	ebcc_buf_append_string(notes, ebcc_ktypes_notes(ktypes));
	TRY(ebcc_buf_check(notes));
	return ebcc_kernel_headers_inputs(compile->headers, inputs);
}
