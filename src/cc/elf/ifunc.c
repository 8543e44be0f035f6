// SPDX-License-Identifier: Apache-2.0
/*
 * Which variant of an indirect function (IFUNC: strlen() and similar functions of the C library)
 * the dynamic loader chose. The choice depends only on the processor, so it is the same in every
 * process on this machine. For a library that this process has loaded itself, the loader can be
 * asked.
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
	/* RTLD_NOLOAD: code of a library that is only being traced must not run in this process. */
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
