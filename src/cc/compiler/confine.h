/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confines the compiler's process: even if a hostile source takes over clang, it can reach no files
 * except those that the compile needs.
 */
#ifndef EBCC_COMPILER_CONFINE_H
#define EBCC_COMPILER_CONFINE_H

#include <stddef.h>

/*
 * Permanently takes from this process, as far as the kernel supports it: all capabilities; every
 * system call that a compile doesn't need, so that it can't create sockets, processes, files or
 * executable memory; and access to all files and directories except reading @paths. If one of the
 * paths belongs to another user, CAP_DAC_READ_SEARCH is kept if the process had it.
 */
void ebcc_confine(const char *const *paths, size_t count);

#endif /* EBCC_COMPILER_CONFINE_H */
