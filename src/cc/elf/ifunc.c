// SPDX-License-Identifier: Apache-2.0
/*
 * Which variant of an indirect function (IFUNC: strlen() and kin of the C library) the loader
 * chose. The choice depends on the processor alone, so it is the same in every process of this
 * machine; of a library that this process has loaded itself, the loader tells.
 */
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <sys/stat.h>

#include "elf/ifunc.h"

static bool is_same_file(int fd, const char *path)
{
	struct stat ours, theirs;

	return !fstat(fd, &ours) && !stat(path, &theirs) && ours.st_ino == theirs.st_ino &&
	       ours.st_dev == theirs.st_dev;
}

bool ebcc_find_variant(int fd, const char *path, const char *name, uint64_t *ret)
{
	struct link_map *map = NULL;
	/* Nothing is loaded for it: code of a library that is merely traced must not run here. */
	void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	void *variant = library ? dlsym(library, name) : NULL;
	Dl_info info;
	bool found;

	found = variant && dladdr1(variant, &info, (void **)&map, RTLD_DL_LINKMAP) && map &&
		is_same_file(fd, info.dli_fname);
	if (found)
		*ret = (uint64_t)(uintptr_t)variant - map->l_addr;
	if (library)
		dlclose(library);
	return found;
}
