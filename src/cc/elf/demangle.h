/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of C++ and Rust functions as people write them, by libiberty's demanglers. Names come from
 * files of traced processes: time, memory and output are bounded.
 */
#ifndef EBCC_ELF_DEMANGLE_H
#define EBCC_ELF_DEMANGLE_H

#include <stdbool.h>

#include "base/buf.h"

/* Whether a name looks as if one of the demanglers knew it. */
bool ebcc_is_mangled(const char *name);

/* Replaces the contents of @ret with the readable form of @name. False: there is none, and what is
 * in @ret means nothing. */
bool ebcc_demangle(const char *name, struct ebcc_buf *ret);

#endif /* EBCC_ELF_DEMANGLE_H */
