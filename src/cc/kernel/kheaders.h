/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that are built into a kernel (CONFIG_IKHEADERS) as an archive in sysfs.
 */
#ifndef EBCC_KERNEL_KHEADERS_H
#define EBCC_KERNEL_KHEADERS_H

#include "base/error.h"

/*
 * Unpacks the archive into a subdirectory of @directory, whose name contains the archive's hash,
 * unless that exists already. The caller must have checked that @directory can be trusted. *ret is
 * the path of the subdirectory, malloc'ed.
 *
 * EBCC_ERROR_FORMAT if the archive is malformed, EBCC_ERROR_OS if it can't be read or a file can't
 * be written.
 */
MUST_CHECK struct ebcc_error *ebcc_kheaders_unpack(const char *archive, const char *directory,
						   char **ret);

#endif /* EBCC_KERNEL_KHEADERS_H */
