/* SPDX-License-Identifier: Apache-2.0 */
/* Writing whole files. */
#ifndef EBCC_BASE_WRITE_FILE_H
#define EBCC_BASE_WRITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Writes all of @data. Returns false and sets errno on failure. */
bool ebcc_write_exactly(int fd, const void *data, size_t size);

/*
 * Replaces a file as a whole: if that fails, the old file is unchanged. The mode is 0666 without
 * the bits of the process's umask. If @path is not a regular file but a pipe or a device, the data
 * is written to it. EBCC_ERROR_OS or EBCC_ERROR_PERMISSION.
 */
MUST_CHECK struct ebcc_error *ebcc_write_file(const char *path, const void *data, size_t size);

#endif /* EBCC_BASE_WRITE_FILE_H */
