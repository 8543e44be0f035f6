/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Demangling the names of C++ and Rust functions, with libiberty. Names may come from files of
 * traced processes, so time, memory and output are limited.
 */
#ifndef EBCC_ELF_DEMANGLE_H
#define EBCC_ELF_DEMANGLE_H

#include <stdbool.h>

#include "base/buf.h"

/* Whether a name looks like a mangled one. */
bool ebcc_is_mangled(const char *name);

/* Replaces the contents of @ret with the demangled @name. Returns false if it can't be demangled;
 * the contents of @ret are then unspecified. */
bool ebcc_demangle(const char *name, struct ebcc_buf *ret);

#endif /* EBCC_ELF_DEMANGLE_H */
