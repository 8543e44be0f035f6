/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From source to object: joins the scan, the kernel types and the compiler, and repeats the parse
 * with better kernel types when the first selection was wrong.
 */
#ifndef EBCC_COMPILE_COMPILE_H
#define EBCC_COMPILE_COMPILE_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"

/* A request to the compiler and everything it points into: kept for the second pipeline. */
struct ebcc_compilation;

/* What one pipeline makes of a source; all malloc'ed. */
struct ebcc_compile_output {
	char *object; /* ELF */
	size_t object_size;
	/* Texts that ebcc_module_opts.debug asks for; else NULL. */
	char *ir, *preprocessed, *assembly;
};

void ebcc_compile_output_deinit(struct ebcc_compile_output *output);
#define AUTO_COMPILE_OUTPUT CLEANUP(ebcc_compile_output_deinit)

/*
 * Compiles @source as @opts say. Warnings go to @log, which is borrowed for the life of the
 * compilation. @ret is owned by the caller, also on failure (NULL without memory); so is @output.
 */
MUST_CHECK struct ebcc_error *ebcc_compile(const struct ebcc_log *log, const char *source,
					   size_t size, const struct ebcc_module_opts *opts,
					   struct ebcc_compilation **ret,
					   struct ebcc_compile_output *output);

/* Compiles the same source through the second pipeline. */
MUST_CHECK struct ebcc_error *ebcc_compile_second(struct ebcc_compilation *compilation,
						  struct ebcc_compile_output *output);

/* The source as it was compiled, NUL-terminated. Borrowed. */
const char *ebcc_compilation_source(const struct ebcc_compilation *compilation);

void ebcc_compilation_destroy(struct ebcc_compilation *compilation);

#endif /* EBCC_COMPILE_COMPILE_H */
