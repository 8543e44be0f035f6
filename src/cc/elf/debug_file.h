/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the separate file with the symbols of a stripped one: by its build id, by the name and
 * checksum in its .gnu_debuglink section, or in a directory with copies of files.
 */
#ifndef EBCC_ELF_DEBUG_FILE_H
#define EBCC_ELF_DEBUG_FILE_H

#include <libelf.h>

/* Where to look for symbols that a file doesn't have itself. All borrowed for the call. */
struct ebcc_symbol_places {
	int root;	   /* the root directory of the process that maps the file, or -1 */
	const char *path;  /* of the file, as seen by the process, or NULL */
	const char *symfs; /* a directory with copies of files that have symbols, or NULL */
	const char *debug; /* a directory with debug files, or NULL */
};

#define EBCC_BUILD_ID_MAX 64

/* Where distributions install debug files. */
#define EBCC_DEBUG_DIRECTORY "/usr/lib/debug"

/* Reads the build id of a file into @ret (EBCC_BUILD_ID_MAX bytes). Returns its size, or 0 if there
 * is none. */
size_t ebcc_elf_build_id(Elf *elf, unsigned char *ret);

/* Opens the separate file with the symbols of @elf. Returns a descriptor, or -1 if no file with the
 * right build id or checksum is found. */
int ebcc_debug_file_open(Elf *elf, const struct ebcc_symbol_places *places);

#endif /* EBCC_ELF_DEBUG_FILE_H */
