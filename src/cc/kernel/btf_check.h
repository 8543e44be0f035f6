/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a BTF may be handed to libbpf, which follows types without bounds: where one leads to
 * itself, by a cycle without a struct in it, libbpf's calls don't return or end the process.
 */
#ifndef EBCC_KERNEL_BTF_CHECK_H
#define EBCC_KERNEL_BTF_CHECK_H

#include <bpf/btf.h>

#include "base/error.h"

/*
 * Checks that every type and name that is referred to is there, that no type is made of itself,
 * that members lie within their structs, that types nest no deeper than any program's, and that
 * writing them as C has an end in this life: types that each hold two of the next are many when all
 * are written out.
 * @name: of the file, for the error, which is EBCC_ERROR_FORMAT.
 */
MUST_CHECK struct ebcc_error *ebcc_btf_check(const struct btf *btf, const char *name);

#endif /* EBCC_KERNEL_BTF_CHECK_H */
