/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confines the compiler's process: what a hostile source may make of clang can't reach more than
 * the files that the compile is for.
 */
#ifndef EBCC_COMPILER_CONFINE_H
#define EBCC_COMPILER_CONFINE_H

#include <stddef.h>

/*
 * Takes from this process, for good, as far as the kernel knows how: all capabilities; every system
 * call that a compile doesn't need, so that it can make no socket, no process, no file and nothing
 * executable; and every file and directory but @paths, which can be read. Where a path belongs to
 * another user, CAP_DAC_READ_SEARCH stays, if it was there.
 */
void ebcc_confine(const char *const *paths, size_t count);

#endif /* EBCC_COMPILER_CONFINE_H */
