/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernel an object was compiled for. An object contains offsets, sizes and constants of that
 * kernel. So the compile stores a record of the kernel in the object (__ebcc_kernel in
 * compiler/passes/pipeline.h), and loading compares it with the running kernel.
 */
#ifndef EBCC_TYPES_KERNEL_RECORD_H
#define EBCC_TYPES_KERNEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "kernel/info.h"
#include "types/ktypes.h"

/*
 * Appends the record as C text, to be compiled with the source. @btf_path is the BTF file that the
 * caller named, or NULL. @portable: other kernels may load the object.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_record_write(const struct ebcc_kernel_info *kernel,
						       const struct ebcc_ktypes *ktypes,
						       const char *btf_path, bool portable,
						       struct ebcc_buf *text);

/*
 * Compares the record in an object with the running kernel; with @any_kernel, only the architecture
 * is compared. An object made by another compiler has no record and passes.
 * EBCC_ERROR_OTHER_KERNEL names both kernels.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_record_check(const char *object, size_t size,
						       bool any_kernel);

#endif /* EBCC_TYPES_KERNEL_RECORD_H */
