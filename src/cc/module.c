// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a module: created from source (compile.c), opened (load.c), destroyed in
 * the opposite order. Everything between these two is in the files of its stage.
 */
#include "module.h"

#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "compile.h"
#include "kernel_record.h"
#include "load.h"

/* The largest source file that is read; nobody writes one by hand. */
#define SOURCE_LIMIT (16u << 20)

/* A caller's option struct, older or newer than ours, as ours. */
static struct ebcc_error *read_opts(const struct ebcc_module_opts *opts,
				    struct ebcc_module_opts *ret)
{
	*ret = (struct ebcc_module_opts){.sz = sizeof(*ret)};
	if (!opts)
		return NULL;
	if (opts->sz < sizeof(opts->sz))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "ebcc_module_opts.sz is not set: set it to sizeof(struct "
					 "ebcc_module_opts)");
	memcpy(ret, opts, opts->sz < sizeof(*ret) ? opts->sz : sizeof(*ret));
	ret->sz = sizeof(*ret);
	return NULL;
}

/* Allocates a module as the options say; it holds no object yet. */
static struct ebcc_error *module_new(const struct ebcc_module_opts *opts, struct ebcc_module **ret)
{
	struct ebcc_module *module = calloc(1, sizeof(*module));
	struct ebcc_error *error;

	if (!module)
		return ebcc_error_no_memory();
	module->log = (struct ebcc_log){.fn = opts->log,
					.ctx = opts->log_ctx,
					.interrupted = opts->interrupted,
					.interrupted_ctx = opts->interrupted_ctx};
	module->debug = opts->debug;
	module->no_rlimit = opts->no_rlimit;
	module->any_kernel = opts->any_kernel;
	module->owner = getpid();
	error = ebcc_copy_string(opts->device, &module->device);
	if (error) {
		free(module);
		return error;
	}
	*ret = module;
	return NULL;
}

struct ebcc_error *ebcc_module_create(const char *source, size_t size,
				      const struct ebcc_module_opts *caller_opts,
				      struct ebcc_module **ret)
{
	struct ebcc_module_opts opts;
	struct ebcc_module *module;
	struct ebcc_error *error;

	TRY(read_opts(caller_opts, &opts));
	if (!source && size)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "source is NULL");
	TRY(module_new(&opts, &module));
	error = ebcc_compile(module, source, size, &opts);
	if (!error)
		error = ebcc_module_open_object(module);
	if (error) {
		ebcc_module_destroy(module);
		return error;
	}
	*ret = module;
	return NULL;
}

struct ebcc_error *ebcc_module_create_from_file(const char *path,
						const struct ebcc_module_opts *caller_opts,
						struct ebcc_module **ret)
{
	AUTO_BUF struct ebcc_buf source = EBCC_BUF_INIT;
	struct ebcc_module_opts opts;

	TRY(read_opts(caller_opts, &opts));
	TRY(ebcc_buf_read_file(&source, path, SOURCE_LIMIT));
	if (!opts.file_name)
		opts.file_name = path;
	return ebcc_module_create(ebcc_buf_string(&source), source.size, &opts, ret);
}

static struct ebcc_error *copy_bytes(const void *bytes, size_t size, char **ret, size_t *ret_size)
{
	*ret = malloc(size);
	if (!*ret)
		return ebcc_error_no_memory();
	memcpy(*ret, bytes, size);
	*ret_size = size;
	return NULL;
}

/* Both pipelines' objects, if there are both, and what the first one holds. */
static struct ebcc_error *take_objects(struct ebcc_module *module, const void *object, size_t size,
				       const struct ebcc_module_opts *opts)
{
	TRY(copy_bytes(object, size, &module->object_bytes, &module->object_size));
	TRY(ebcc_object_check(module->object_bytes, module->object_size));
	TRY(ebcc_kernel_record_check(object, size, opts->any_kernel));
	if (opts->second_object) {
		TRY(ebcc_kernel_record_check(opts->second_object, opts->second_object_size,
					     opts->any_kernel));
		module->second_tried = true;
		TRY(copy_bytes(opts->second_object, opts->second_object_size, &module->second_bytes,
			       &module->second_size));
		TRY(ebcc_object_check(module->second_bytes, module->second_size));
	}
	return ebcc_module_open_object(module);
}

struct ebcc_error *ebcc_module_create_from_object(const void *object, size_t size,
						  const struct ebcc_module_opts *caller_opts,
						  struct ebcc_module **ret)
{
	struct ebcc_module_opts opts;
	struct ebcc_module *module;
	struct ebcc_error *error;

	TRY(read_opts(caller_opts, &opts));
	if (!object || !size || (opts.second_object && !opts.second_object_size))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "the object is empty");
	TRY(module_new(&opts, &module));
	error = take_objects(module, object, size, &opts);
	if (error) {
		ebcc_module_destroy(module);
		return error;
	}
	*ret = module;
	return NULL;
}

void ebcc_module_destroy(struct ebcc_module *module)
{
	if (!module)
		return;
	while (module->links)
		ebcc_link_destroy(module->links);
	ebcc_module_close_events(module);
	ebcc_module_close_object(module);
	ebcc_compilation_destroy(module->compilation);
	for (size_t i = 0; i < sizeof(module->debug_texts) / sizeof(*module->debug_texts); i++)
		free(module->debug_texts[i]);
	free(module->object_bytes);
	free(module->device);
	free(module);
}

const void *ebcc_module_object(const struct ebcc_module *module, size_t *ret_size)
{
	*ret_size = module->object_size;
	return module->object_bytes;
}

struct ebcc_error *ebcc_module_second_object(struct ebcc_module *module, const void **ret,
					     size_t *ret_size)
{
	if (!module->second_bytes)
		TRY(ebcc_module_compile_second(module, &module->second_bytes,
					       &module->second_size));
	module->second_tried = true;
	*ret = module->second_bytes;
	*ret_size = module->second_size;
	return NULL;
}

const char *ebcc_module_debug_text(const struct ebcc_module *module, enum ebcc_debug bit)
{
	size_t index = (size_t)__builtin_ctz((unsigned)bit | 1u << 31);

	return index < sizeof(module->debug_texts) / sizeof(*module->debug_texts)
		       ? module->debug_texts[index]
		       : NULL;
}

const char *ebcc_version(void)
{
	return EBCC_VERSION;
}
