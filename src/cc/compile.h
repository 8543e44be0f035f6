/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From source to object: joins the scan, the kernel types and the compiler, and repeats
 * the parse with better kernel types when the first selection was wrong.
 */
#ifndef EBCC_COMPILE_H
#define EBCC_COMPILE_H

#include "module.h"

/*
 * Compiles @source into module->object_bytes, fills the debug texts that module->debug asks for,
 * and keeps what the second pipeline needs in module->compilation. Warnings go to the
 * module's log. On failure the module holds nothing but what its destruction frees.
 */
MUST_CHECK struct ebcc_error *ebcc_compile(struct ebcc_module *module, const char *source,
					   size_t size, const struct ebcc_module_opts *opts);

void ebcc_compilation_destroy(struct ebcc_compilation *compilation);

#endif /* EBCC_COMPILE_H */
