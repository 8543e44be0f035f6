/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that a kernel carries in itself (CONFIG_IKHEADERS), as an archive in sysfs.
 */
#ifndef EBCC_KERNEL_KHEADERS_H
#define EBCC_KERNEL_KHEADERS_H

#include "base/error.h"

/*
 * Unpacks the archive into a directory of its own below @directory, which the caller vouches for,
 * unless that was done before: its name has the archive's hash. *ret is the path, malloc'ed.
 *
 * EBCC_ERROR_FORMAT when the archive is malformed, EBCC_ERROR_OS when it can't be read or
 * written.
 */
MUST_CHECK struct ebcc_error *ebcc_kheaders_unpack(const char *archive, const char *directory,
						   char **ret);

#endif /* EBCC_KERNEL_KHEADERS_H */
