/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assembler listing of a compiled source, for people to read.
 */
#ifndef EBCC_COMPILER_LISTING_H
#define EBCC_COMPILER_LISTING_H

#include "compiler/compiler.h"

/*
 * The programs of LLVM's assembler text: instructions and labels, and before the instructions of
 * each source line "; LINE @ file:number". @assembly has @size bytes. Returns a malloc'ed string,
 * or NULL when out of memory.
 */
char *ebcc_cc_listing(const struct ebcc_cc_request *request, const char *assembly, size_t size);

#endif /* EBCC_COMPILER_LISTING_H */
