/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect's headers as data: src/cc/bpf and libbpf's table of BPF helpers, turned into C arrays
 * at build time by embed_headers.c. There are few of them, in no particular order.
 */
#ifndef EBCC_COMPILER_EMBEDDED_H
#define EBCC_COMPILER_EMBEDDED_H

#include "compiler/compiler.h"

extern const struct ebcc_cc_file ebcc_embedded_files[];
extern const size_t ebcc_embedded_file_count;
/* XXH64 over names and texts, in hexadecimal. */
extern const char ebcc_embedded_hash[];

#endif /* EBCC_COMPILER_EMBEDDED_H */
