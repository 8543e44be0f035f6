/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From source to object: runs the scan, the kernel types and the compiler, and compiles again with
 * better kernel types if the first selection was wrong.
 */
#ifndef EBCC_COMPILE_COMPILE_H
#define EBCC_COMPILE_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"

/* A request to the compiler and everything that it points into, kept for the second pipeline. */
struct ebcc_compilation;

/* The output of one pipeline; everything is malloc'ed. */
struct ebcc_compile_output {
	char *object; /* ELF */
	size_t object_size;
	/* The texts that ebcc_module_opts.debug requests, or NULL. */
	char *ir, *preprocessed, *assembly;
	bool from_store; /* the object was compiled ahead, and is portable */
};

void ebcc_compile_output_deinit(struct ebcc_compile_output *output);
#define AUTO_COMPILE_OUTPUT CLEANUP(ebcc_compile_output_deinit)

/*
 * Compiles @source according to @opts. Warnings go to @log, which must outlive the compilation.
 * @ret and @output are owned by the caller, even on failure; @ret is NULL when out of memory.
 */
MUST_CHECK struct ebcc_error *ebcc_compile(const struct ebcc_log *log, const char *source,
					   size_t size, const struct ebcc_module_opts *opts,
					   struct ebcc_compilation **ret,
					   struct ebcc_compile_output *output);

/* Compiles the same source on this machine, in place of an object from a store. */
MUST_CHECK struct ebcc_error *ebcc_compile_here(struct ebcc_compilation *compilation,
						struct ebcc_compile_output *output);

/* Adds the portable object of one pipeline to the store in @directory. EBCC_ERROR_INVALID_ARGUMENT
 * if the compilation was for one kernel. */
MUST_CHECK struct ebcc_error *ebcc_compile_add_to_store(const struct ebcc_compilation *compilation,
							bool second, const void *object,
							size_t size, const char *directory);

/* Compiles the same source through the second pipeline. */
MUST_CHECK struct ebcc_error *ebcc_compile_second(struct ebcc_compilation *compilation,
						  struct ebcc_compile_output *output);

/* Its name, as in diagnostics. Borrowed. */
const char *ebcc_compilation_file_name(const struct ebcc_compilation *compilation);

/* The source as it was compiled, NUL-terminated. Borrowed. */
const char *ebcc_compilation_source(const struct ebcc_compilation *compilation);

void ebcc_compilation_destroy(struct ebcc_compilation *compilation);

#endif /* EBCC_COMPILE_COMPILE_H */
