/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indirect functions (IFUNC): which of several variants the dynamic loader chose.
 */
#ifndef EBCC_ELF_IFUNC_H
#define EBCC_ELF_IFUNC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds the variant that the loader chose for the indirect function @name of a library; *@ret is
 * its virtual address in the file. Returns false if this process has not loaded the library, so the
 * choice is not known. @fd: the open library; @path: its path.
 */
bool ebcc_find_variant(int fd, const char *path, const char *name, uint64_t *ret);

#endif /* EBCC_ELF_IFUNC_H */
