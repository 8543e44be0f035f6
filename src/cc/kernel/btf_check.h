/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks whether BTF may be passed to libbpf, which follows types without limits: if a type leads
 * back to itself, by a cycle without a struct in it, libbpf never returns or crashes the process.
 */
#ifndef EBCC_KERNEL_BTF_CHECK_H
#define EBCC_KERNEL_BTF_CHECK_H

#include <bpf/btf.h>

#include "base/error.h"

/*
 * Checks that all types and names that are referred to exist, that no type contains itself, that
 * members are within their structs, that types are not nested deeper than in any real program, and
 * that printing them as C takes a reasonable time: if each type contains two of the next one, the
 * output grows exponentially.
 * @name: the file, for the error, which is EBCC_ERROR_FORMAT.
 */
MUST_CHECK struct ebcc_error *ebcc_btf_check(const struct btf *btf, const char *name);

#endif /* EBCC_KERNEL_BTF_CHECK_H */
