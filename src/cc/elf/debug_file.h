/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Separate files with the symbols of a stripped one: by its build id, by the name and checksum in
 * its .gnu_debuglink section, or below a directory of copies.
 */
#ifndef EBCC_ELF_DEBUG_FILE_H
#define EBCC_ELF_DEBUG_FILE_H

#include <libelf.h>

/* Where symbols that a file doesn't have itself are looked for. All borrowed for the load. */
struct ebcc_symbol_places {
	int root;	   /* what "/" is to the process that maps the file, or -1 */
	const char *path;  /* of the file, as seen from there, or NULL */
	const char *symfs; /* a directory with copies of files that have symbols, or NULL */
	const char *debug; /* a directory of debug files, or NULL */
};

#define EBCC_BUILD_ID_MAX 64

/* Where systems have debug files. */
#define EBCC_DEBUG_DIRECTORY "/usr/lib/debug"

/* Reads the build id of a file into @ret (EBCC_BUILD_ID_MAX bytes); its size, 0: there is none. */
size_t ebcc_elf_build_id(Elf *elf, unsigned char *ret);

/* Opens the separate file with the symbols of @elf, whose build id or checksum it has; -1: none is
 * found. */
int ebcc_debug_file_open(Elf *elf, const struct ebcc_symbol_places *places);

#endif /* EBCC_ELF_DEBUG_FILE_H */
