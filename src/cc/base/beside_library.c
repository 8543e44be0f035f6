// SPDX-License-Identifier: Apache-2.0
#include "base/beside_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The directory that this code was loaded from: that of the library, or of a statically linked
 * program. */
static struct ebcc_error *own_directory(char **ret)
{
	struct link_map *map;
	Dl_info info;
	const char *path = "/proc/self/exe";
	char *real, *slash;

	if (dladdr1((void *)ebcc_find_beside_library, &info, (void **)&map, RTLD_DL_LINKMAP) &&
	    map->l_name[0])
		path = map->l_name;
	real = realpath(path, NULL);
	if (!real)
		return ebcc_error_os(EBCC_ERROR_OS, errno,
				     "can't find out where the ebcc library is");
	slash = strrchr(real, '/');
	*slash = '\0';
	*ret = real;
	return NULL;
}

struct ebcc_error *ebcc_find_beside_library(const char *const *places, size_t count, int mode,
					    char **ret)
{
	char *directory AUTO_FREE = NULL;

	TRY(own_directory(&directory));
	*ret = NULL;
	for (size_t i = 0; i < count && !*ret; i++) {
		bool absolute = *places[i] == '/';

		if (asprintf(ret, "%s%s%s", absolute ? "" : directory, absolute ? "" : "/",
			     places[i]) < 0) {
			*ret = NULL;
			return ebcc_error_no_memory();
		}
		if (access(*ret, mode)) {
			free(*ret);
			*ret = NULL;
		}
	}
	return NULL;
}
