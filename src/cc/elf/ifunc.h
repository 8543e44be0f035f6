/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indirect functions (IFUNC): which of several variants the loader chose.
 */
#ifndef EBCC_ELF_IFUNC_H
#define EBCC_ELF_IFUNC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The address, as in the file, of what the loader chose for the indirect function @name of a
 * library. False: this process has not loaded the library, so nothing can tell. @fd: the library,
 * open; @path: its path.
 */
bool ebcc_find_variant(int fd, const char *path, const char *name, uint64_t *ret);

#endif /* EBCC_ELF_IFUNC_H */
