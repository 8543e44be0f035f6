/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a portable object takes from the kernel's types without a relocation: values of
 * enumerators, sizes, layouts. The compiler records it (__ebcc_needs in
 * compiler/passes/pipeline.h), and loading compares it with the running kernel: a program must not
 * read wrong values on a kernel that differs.
 */
#ifndef EBCC_TYPES_KERNEL_NEEDS_H
#define EBCC_TYPES_KERNEL_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "kernel/btf.h"
#include "kernel/info.h"

/* The variable with the constants that the object has from the table of definitions
 * (ebcc_ktypes_constants()). */
#define EBCC_NEEDED_CONSTANTS "__ebcc_needed_constants"

/* Whether an object has such a record. */
bool ebcc_has_kernel_needs(const char *object, size_t size);

/*
 * Compares the record in an object with the kernel that @btf describes; passes if there is none.
 * Modules' BTF is opened if vmlinux lacks a type. EBCC_ERROR_OTHER_KERNEL says what is different,
 * EBCC_ERROR_FORMAT that the record is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_needs_check(const char *object, size_t size,
						      struct ebcc_kernel_info *kernel,
						      struct ebcc_kernel_btf *btf);

#endif /* EBCC_TYPES_KERNEL_NEEDS_H */
