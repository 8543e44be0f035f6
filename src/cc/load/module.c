// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a module: it is created from a source (compile/compile.c) or an object, its object is
 * opened, and in the end everything is destroyed in the opposite order. What happens in between is
 * in the files of the stages.
 */
#include "load/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buf.h"
#include "base/options.h"
#include "base/write_file.h"
#include "compile/compile.h"
#include "compile/store.h"
#include "elf/bpf_object.h"
#include "load/debug_text.h"
#include "load/events.h"
#include "load/link.h"
#include "load/object.h"
#include "load/program.h"
#include "load/table_scope.h"
#include "load/tables.h"
#include "load/usdt_specs.h"
#include "load/value.h"
#include "load/variable.h"
#include "types/kernel_record.h"

/* The largest source file that is read; no one writes a larger one by hand. */
#define SOURCE_LIMIT (16u << 20)
/* The largest object file that is read: programs of a million instructions take 8 MB. */
#define OBJECT_LIMIT (256u << 20)

/* Where a saved object has that of the second pipeline. */
#define SECOND_SECTION ".ebcc.second"

/* enum ebcc_debug has every bit up to its last one. */
#define DEBUG_BITS (2 * EBCC_DEBUG_BTF - 1)

static struct ebcc_error *read_opts(const struct ebcc_module_opts *opts,
				    struct ebcc_module_opts *ret)
{
	*ret = (struct ebcc_module_opts){.sz = sizeof(*ret)};
	TRY(ebcc_opts_read(ret, sizeof(*ret), opts, "ebcc_module_opts"));
	TRY(ebcc_choice_check(ret->kernel_types, EBCC_KERNEL_TYPES_HEADERS,
			      "ebcc_module_opts.kernel_types"));
	TRY(ebcc_choice_check(ret->compiler, EBCC_COMPILER_IN_PROCESS,
			      "ebcc_module_opts.compiler"));
	return ebcc_flags_check(ret->debug, DEBUG_BITS, "ebcc_module_opts.debug");
}

/* Allocates a module with the given options; it has no object yet. */
static struct ebcc_error *module_new(const struct ebcc_module_opts *opts, struct ebcc_module **ret)
{
	struct ebcc_module *module = calloc(1, sizeof(*module));
	struct ebcc_error *error;

	if (!module)
		return ebcc_error_no_memory();
	module->log = (struct ebcc_log){.fn = opts->log,
					.ctx = opts->log_ctx,
					.interrupted = opts->interrupted,
					.interrupted_ctx = opts->interrupted_ctx,
					.timing = ebcc_timing_wanted() ? &module->timing : NULL};
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

static void append_to_buf(void *ctx, const char *format, va_list args)
{
	ebcc_buf_vprintf(ctx, format, args);
}

/* The object's own types as C declarations. */
static struct ebcc_error *describe_btf(struct ebcc_module *module)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	struct btf_dump *dump;

	if (!(module->debug & EBCC_DEBUG_BTF) || !module->btf)
		return NULL;
	dump = btf_dump__new(module->btf, append_to_buf, &buf, NULL);
	if (!dump)
		return ebcc_error_no_memory();
	for (uint32_t id = 1; id < btf__type_cnt(module->btf); id++)
		if (btf_dump__dump_type(dump, id))
			break;
	btf_dump__free(dump);
	TRY(ebcc_buf_check(&buf));
	return ebcc_debug_append(module, EBCC_DEBUG_BTF, ebcc_buf_string(&buf));
}

static struct ebcc_error *open_object(struct ebcc_module *module)
{
	const char *bytes = module->object_bytes;
	LOG_STAGE(&module->log, OPEN);

	if (ebcc_has_relocations(bytes, module->object_size)) {
		TRY(ebcc_relocations_strip(bytes, module->object_size, &module->stripped));
		bytes = module->stripped;
	}
	TRY(ebcc_object_open(module, bytes, module->object_size, &module->object));
	module->btf = bpf_object__btf(module->object);
	/* A source that declares nothing gives an object without BTF. */
	if (!module->btf) {
		module->empty_btf = btf__new_empty();
		if (!module->empty_btf)
			return ebcc_error_no_memory();
		module->btf = module->empty_btf;
	}
	TRY(ebcc_btf_variable_names(module->btf, &module->globals, &module->global_count));
	TRY(ebcc_types_create(module->btf, &module->types));
	TRY(describe_btf(module));
	TRY(ebcc_programs_create(module));
	ebcc_object_disable_programs(module->object);
	return ebcc_tables_create(module);
}

static void close_object(struct ebcc_module *module)
{
	ebcc_usdt_specs_destroy(module->usdt_specs);
	module->usdt_specs = NULL;
	ebcc_table_scope_withdraw(module);
	ebcc_programs_destroy(module);
	ebcc_tables_destroy(module);
	ebcc_types_destroy(module->types);
	module->types = NULL;
	free(module->globals);
	module->globals = NULL;
	module->global_count = 0;
	bpf_object__close(module->object);
	module->object = NULL;
	btf__free(module->empty_btf);
	module->empty_btf = NULL;
	module->btf = NULL;
	free(module->second_bytes);
	module->second_bytes = NULL;
	free(module->stripped);
	for (size_t i = 0; i < 2; i++) {
		free(module->relocated[i]);
		ebcc_unresolved_deinit(&module->unresolved[i]);
	}
}

/* Appends the second pipeline's listing to the first one's. */
static struct ebcc_error *append_listing(struct ebcc_module *module, const char *listing)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (!listing)
		return NULL;
	ebcc_buf_printf(&text, "\nsecond pipeline:\n%s", listing);
	TRY(ebcc_buf_check(&text));
	TRY(ebcc_debug_append(module, EBCC_DEBUG_BPF, ebcc_buf_string(&text)));
	return ebcc_debug_append(module, EBCC_DEBUG_SOURCE, ebcc_buf_string(&text));
}

/* Checks an object that wasn't compiled here. */
static struct ebcc_error *check_object(const char *bytes, size_t size, bool any_kernel)
{
	TRY(ebcc_object_check(bytes, size));
	return ebcc_kernel_record_check(bytes, size, any_kernel);
}

static struct ebcc_error *compile_second(struct ebcc_module *module, char **ret_bytes,
					 size_t *ret_size)
{
	AUTO_COMPILE_OUTPUT struct ebcc_compile_output output = {0};

	TRY(ebcc_compile_second(module->compilation, &output));
	if (output.from_store)
		TRY(check_object(output.object, output.object_size, module->any_kernel));
	TRY(append_listing(module, output.assembly));
	*ret_bytes = TAKE_PTR(output.object);
	*ret_size = output.object_size;
	return NULL;
}

/* Takes what a compile gave, except texts. */
static void take_object(struct ebcc_module *module, struct ebcc_compile_output *output)
{
	module->object_bytes = TAKE_PTR(output->object);
	module->object_size = output->object_size;
}

/* Checks an object from a store, and adjusts it to this kernel. */
static struct ebcc_error *fit_stored(struct ebcc_module *module)
{
	TRY(check_object(module->object_bytes, module->object_size, module->any_kernel));
	return ebcc_module_adjust(module, false);
}

/* Takes an object from a store, or, if that doesn't fit this kernel, compiles the source here. */
static struct ebcc_error *use_stored(struct ebcc_module *module, struct ebcc_compile_output *output)
{
	AUTO_COMPILE_OUTPUT struct ebcc_compile_output compiled = {0};
	AUTO_ERROR struct ebcc_error *unfit = NULL, *error = NULL;

	take_object(module, output);
	unfit = fit_stored(module);
	if (!unfit)
		return NULL;
	ebcc_log(&module->log, EBCC_LOG_INFO, "the object in the store does not fit: %s",
		 ebcc_error_message(unfit));
	free(module->object_bytes);
	module->object_bytes = NULL;
	error = ebcc_compile_here(module->compilation, &compiled);
	if (error && ebcc_error_code(error) == EBCC_ERROR_COMPILE)
		return ebcc_error_create(ebcc_error_code(unfit),
					 "the object that was compiled ahead does not fit: %s. "
					 "Compiling the source here failed too: %s",
					 ebcc_error_message(unfit), ebcc_error_message(error));
	TRY(TAKE_PTR(error));
	take_object(module, &compiled);
	return NULL;
}

static struct ebcc_error *compile(struct ebcc_module *module, const char *source, size_t size,
				  const struct ebcc_module_opts *opts)
{
	AUTO_COMPILE_OUTPUT struct ebcc_compile_output output = {0};

	TRY(ebcc_compile(&module->log, source, size, opts, &module->compilation, &output));
	module->source = ebcc_compilation_source(module->compilation);
	module->compile_second = compile_second;
	module->elsewhere = opts->btf_path || opts->kernel_root || secure_getenv("ARCH");
	if (output.from_store)
		return use_stored(module, &output);
	take_object(module, &output);
	if (output.assembly && (module->debug & EBCC_DEBUG_SOURCE))
		module->debug_texts[__builtin_ctz(EBCC_DEBUG_SOURCE)] = strdup(output.assembly);
	module->debug_texts[__builtin_ctz(EBCC_DEBUG_LLVM_IR)] = TAKE_PTR(output.ir);
	module->debug_texts[__builtin_ctz(EBCC_DEBUG_PREPROCESSOR)] = TAKE_PTR(output.preprocessed);
	module->debug_texts[__builtin_ctz(EBCC_DEBUG_BPF)] = TAKE_PTR(output.assembly);
	return NULL;
}

/* Opens the object of a new module, unless there is none because of @error, which it takes. Returns
 * the module, or destroys it and returns the error. */
static struct ebcc_error *finish(struct ebcc_module *module, struct ebcc_error *error,
				 struct ebcc_module **ret)
{
	if (!error)
		error = open_object(module);
	if (error) {
		ebcc_module_destroy(module);
		return error;
	}
	*ret = module;
	return NULL;
}

struct ebcc_error *ebcc_module_create(const char *source, size_t size,
				      const struct ebcc_module_opts *caller_opts,
				      struct ebcc_module **ret)
{
	const char *record = ebcc_store_recording();
	struct ebcc_module_opts opts;
	struct ebcc_module *module;
	struct ebcc_error *error;

	TRY(read_opts(caller_opts, &opts));
	if (!source && size)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "source is NULL");
	opts.portable |= record != NULL;
	TRY(module_new(&opts, &module));
	error = compile(module, source, size, &opts);
	if (!error && record)
		error = ebcc_module_store(module, record);
	return finish(module, error, ret);
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

/* Copies and checks the objects of both pipelines, if there are two, and opens the first one. */
static struct ebcc_error *copy_objects(struct ebcc_module *module, const void *object, size_t size,
				       const struct ebcc_module_opts *opts)
{
	const char *second;
	size_t second_size;

	TRY(copy_bytes(object, size, &module->object_bytes, &module->object_size));
	TRY(check_object(module->object_bytes, module->object_size, opts->any_kernel));
	second = opts->second_object;
	second_size = opts->second_object_size;
	if (!second &&
	    !ebcc_elf_section(module->object_bytes, size, SECOND_SECTION, &second, &second_size))
		return NULL;
	TRY(ebcc_kernel_record_check(second, second_size, opts->any_kernel));
	module->second_tried = true;
	TRY(copy_bytes(second, second_size, &module->second_bytes, &module->second_size));
	return ebcc_object_check(module->second_bytes, module->second_size);
}

struct ebcc_error *ebcc_module_create_from_object(const void *object, size_t size,
						  const struct ebcc_module_opts *caller_opts,
						  struct ebcc_module **ret)
{
	struct ebcc_module_opts opts;
	struct ebcc_module *module;

	TRY(read_opts(caller_opts, &opts));
	if (!object || !size || (opts.second_object && !opts.second_object_size))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "the object is empty");
	TRY(module_new(&opts, &module));
	return finish(module, copy_objects(module, object, size, &opts), ret);
}

struct ebcc_error *ebcc_module_create_from_object_file(const char *path,
						       const struct ebcc_module_opts *opts,
						       struct ebcc_module **ret)
{
	AUTO_BUF struct ebcc_buf object = EBCC_BUF_INIT;

	TRY(ebcc_buf_read_file(&object, path, OBJECT_LIMIT));
	return ebcc_module_create_from_object(ebcc_buf_string(&object), object.size, opts, ret);
}

/* Makes the object of the second pipeline, unless that doesn't compile: as when a program is
 * loaded, the first pipeline's code has to do then. */
static struct ebcc_error *make_second_if_possible(struct ebcc_module *module)
{
	AUTO_ERROR struct ebcc_error *error = NULL;

	if (!module->second_bytes)
		error = ebcc_program_make_second(module);
	module->second_tried = true;
	if (!error || ebcc_error_code(error) != EBCC_ERROR_COMPILE)
		return TAKE_PTR(error);
	ebcc_log(&module->log, EBCC_LOG_WARNING,
		 "the object has no code of the second pipeline, for verifiers that reject that of "
		 "the first: %s",
		 ebcc_error_message(error));
	return NULL;
}

struct ebcc_error *ebcc_module_join_objects(struct ebcc_module *module, struct ebcc_buf *ret)
{
	AUTO_FREE char *joined = NULL;
	const char *second;
	size_t size;

	if (ebcc_elf_section(module->object_bytes, module->object_size, SECOND_SECTION, &second,
			     &size) ||
	    (!module->second_bytes && !module->compile_second)) {
		ebcc_buf_append(ret, module->object_bytes, module->object_size);
		return ebcc_buf_check(ret);
	}
	TRY(make_second_if_possible(module));
	if (!module->second_bytes) {
		ebcc_buf_append(ret, module->object_bytes, module->object_size);
		return ebcc_buf_check(ret);
	}
	TRY(ebcc_elf_add_section(module->object_bytes, module->object_size, SECOND_SECTION,
				 module->second_bytes, module->second_size, &joined, &size));
	ebcc_buf_append(ret, joined, size);
	return ebcc_buf_check(ret);
}

struct ebcc_error *ebcc_module_save(struct ebcc_module *module, const char *path)
{
	AUTO_BUF struct ebcc_buf object = EBCC_BUF_INIT;

	TRY(ebcc_module_join_objects(module, &object));
	return ebcc_write_file(path, object.data, object.size);
}

struct ebcc_error *ebcc_module_store(struct ebcc_module *module, const char *directory)
{
	if (!module->compilation)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a module that was created from an object can't be added "
					 "to an object store, where objects are found by their "
					 "sources");
	TRY(ebcc_compile_add_to_store(module->compilation, false, module->object_bytes,
				      module->object_size, directory));
	TRY(make_second_if_possible(module));
	if (!module->second_bytes)
		return NULL;
	return ebcc_compile_add_to_store(module->compilation, true, module->second_bytes,
					 module->second_size, directory);
}

/* Writes how long the stages took, if the environment asks for it, to standard error. It is the
 * only thing that the library prints: bindings and programs show few levels of the log, or none,
 * and the question is asked from outside. */
static void write_timing(const struct ebcc_module *module)
{
	AUTO_BUF struct ebcc_buf line = EBCC_BUF_INIT;

	if (!module->log.timing || module->owner != getpid())
		return;
	ebcc_buf_printf(&line, "ebcc: %s: ",
			module->compilation ? ebcc_compilation_file_name(module->compilation)
					    : "object");
	ebcc_timing_describe(&module->timing, &line);
	if (!line.failed)
		fprintf(stderr, "%s\n", ebcc_buf_string(&line));
}

void ebcc_module_destroy(struct ebcc_module *module)
{
	if (!module)
		return;
	ebcc_module_release_links(module);
	while (module->links)
		ebcc_link_destroy(module->links);
	write_timing(module);
	ebcc_module_close_events(module);
	close_object(module);
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
		TRY(ebcc_program_make_second(module));
	module->second_tried = true;
	*ret = module->second_bytes;
	*ret_size = module->second_size;
	return NULL;
}
