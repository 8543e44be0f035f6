/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function symbols of ELF files, and the conversion of addresses to file offsets, which is what a
 * user probe is set at. Files may come from traced processes, so everything in them is checked, and
 * only regular files are opened.
 */
#ifndef EBCC_ELF_SYMBOLS_H
#define EBCC_ELF_SYMBOLS_H

#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct ebcc_elf;

/*
 * Opens an ELF file, an executable or a library.
 * @path is copied, and named in errors.
 * Errors: EBCC_ERROR_NOT_FOUND (no such file), EBCC_ERROR_FORMAT (not a regular file or not ELF),
 * EBCC_ERROR_OS, EBCC_ERROR_PERMISSION. @ret is owned by the caller.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_open(const char *path, struct ebcc_elf **ret);
/* The same for an open regular file; @fd is duplicated. @path: its name, for errors; copied. */
MUST_CHECK struct ebcc_error *ebcc_elf_open_fd(int fd, const char *path, struct ebcc_elf **ret);
void ebcc_elf_close(struct ebcc_elf *elf);

static inline void cleanup_elf(struct ebcc_elf **elf)
{
	ebcc_elf_close(*elf);
}
#define AUTO_ELF CLEANUP(cleanup_elf)

/* Properties of a file, from its header. */
struct ebcc_elf_kind {
	unsigned machine;      /* EM_X86_64, ... */
	unsigned address_size; /* in bytes: 4 or 8 */
	bool fixed;	   /* an executable that is loaded at the addresses in the file (not PIE) */
	bool native_order; /* it has this machine's byte order */
};
struct ebcc_elf_kind ebcc_elf_kind(struct ebcc_elf *elf);

struct ebcc_elf_part {
	uint64_t address; /* virtual, as in the file */
	const char *data; /* borrowed from the ELF; NULL: the section has no data in the file */
	size_t size;
};
/* Finds a section by its name. Returns false if there is none, or if its data is larger than 1 GiB.
 */
bool ebcc_elf_find_section(struct ebcc_elf *elf, const char *name, struct ebcc_elf_part *ret);

struct ebcc_elf_symbol {
	const char *name; /* without a version ("@GLIBC_2.2.5"); borrowed for the call */
	uint64_t address; /* virtual, as in the file */
	uint64_t size;
	bool indirect;	  /* an IFUNC: the address is that of its resolver */
	bool old_version; /* not the default version, which new programs are linked with */
};

/* Called for one function; returns false to end the walk. */
typedef bool (*ebcc_elf_symbol_fn)(void *ctx, const struct ebcc_elf_symbol *symbol);

/* Calls @fn for each function defined in the symbol tables, first .symtab, then .dynsym; if a file
 * has both, most functions come twice. In a Go program without .symtab, the table of its runtime is
 * used instead. Malformed tables and entries are skipped, and so is everything after 512 MiB of
 * names. */
void ebcc_elf_walk_functions(struct ebcc_elf *elf, ebcc_elf_symbol_fn fn, void *ctx);

/*
 * Finds a function; if there are several versions, the default one. @ret's name is not set.
 * Errors: EBCC_ERROR_NOT_FOUND, which suggests similar names or says that the file is stripped.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_find_function(struct ebcc_elf *elf, const char *name,
						     struct ebcc_elf_symbol *ret);

/*
 * Finds the address of a variable or label by its name, in either symbol table. Returns false if
 * there is no such symbol, or several with different addresses. Thread-local variables have no
 * address.
 */
bool ebcc_elf_find_data(struct ebcc_elf *elf, const char *name, uint64_t *ret);

/* Like ebcc_elf_address_to_offset(), but in any loadable segment. Returns false if the address is
 * in none. */
bool ebcc_elf_data_offset(struct ebcc_elf *elf, uint64_t address, uint64_t *ret);

/*
 * Converts a virtual address to a file offset, using the program headers. The address must be in
 * the part of an executable segment that is in the file.
 * Errors: EBCC_ERROR_NOT_FOUND.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_address_to_offset(struct ebcc_elf *elf, uint64_t address,
							 uint64_t *ret);

#endif /* EBCC_ELF_SYMBOLS_H */
