/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernel an object was compiled for. The compile writes it into the object as facts
 * (compiler/passes/pipeline.h:
 * __ebcc_kernel), and whoever loads the object compares them with the running kernel: the
 * object has the offsets, sizes and constants of the kernel that it was compiled for.
 */
#ifndef EBCC_TYPES_KERNEL_RECORD_H
#define EBCC_TYPES_KERNEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "kernel/info.h"
#include "types/ktypes.h"

/*
 * Appends the record as C text, to be compiled with the source. @btf_path names the file that
 * the types come from, where the caller named one; else NULL.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_record_write(const struct ebcc_kernel_info *kernel,
						       const struct ebcc_ktypes *ktypes,
						       const char *btf_path, struct ebcc_buf *text);

/*
 * Compares the record in an object with the running kernel; @any_kernel: only with the machine. An
 * object of another compiler has none and passes. EBCC_ERROR_OTHER_KERNEL names both kernels.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_record_check(const char *object, size_t size,
						       bool any_kernel);

#endif /* EBCC_TYPES_KERNEL_RECORD_H */
