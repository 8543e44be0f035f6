/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function symbols of ELF files and the way from an address to a place in the file,
 * which is what a user probe is set at. Files may come from traced processes: nothing in them is
 * believed, and only regular files are opened.
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
 * Opens an ELF file, executable or library.
 * @path is copied, and named in errors.
 * Errors: EBCC_ERROR_NOT_FOUND (no such file), EBCC_ERROR_FORMAT (no regular file, not ELF),
 * EBCC_ERROR_OS, EBCC_ERROR_PERMISSION. @ret is owned by the caller.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_open(const char *path, struct ebcc_elf **ret);
/* The same for an open regular file, which is read by a descriptor of its own. @path: its name, for
 * errors; copied. */
MUST_CHECK struct ebcc_error *ebcc_elf_open_fd(int fd, const char *path, struct ebcc_elf **ret);
void ebcc_elf_close(struct ebcc_elf *elf);

static inline void cleanup_elf(struct ebcc_elf **elf)
{
	ebcc_elf_close(*elf);
}
#define AUTO_ELF CLEANUP(cleanup_elf)

/* What the header says of the whole file. */
struct ebcc_elf_kind {
	unsigned machine;      /* EM_X86_64, ... */
	unsigned address_size; /* in bytes: 4 or 8 */
	bool fixed;	   /* an executable that is loaded at the addresses it names (not PIE) */
	bool native_order; /* its byte order is this machine's */
};
struct ebcc_elf_kind ebcc_elf_kind(struct ebcc_elf *elf);

struct ebcc_elf_part {
	uint64_t address; /* virtual, as in the file */
	const char *data; /* NULL where the section is empty in the file; borrowed from the ELF */
	size_t size;
};
/* The section of that name. False: there is none, or its data is beyond what is read (1 GB). */
bool ebcc_elf_find_section(struct ebcc_elf *elf, const char *name, struct ebcc_elf_part *ret);

struct ebcc_elf_symbol {
	const char *name; /* without a version ("@GLIBC_2.2.5"); borrowed for the call */
	uint64_t address; /* virtual, as in the file */
	uint64_t size;
	bool indirect;	  /* an IFUNC: the address is its resolver's, not the function's */
	bool old_version; /* of several versions not the one that new programs are linked with */
};

/* Sees one function; returns false to end the walk. */
typedef bool (*ebcc_elf_symbol_fn)(void *ctx, const struct ebcc_elf_symbol *symbol);

/* Calls @fn for each function defined in the symbol tables, .symtab first, then .dynsym: most
 * functions of a file with both come twice. In a Go program without .symtab what its runtime knows
 * stands in for that. Malformed tables and entries are passed over, and all behind 512 MB of
 * names. */
void ebcc_elf_walk_functions(struct ebcc_elf *elf, ebcc_elf_symbol_fn fn, void *ctx);

/*
 * Finds a function; of several versions the default one. @ret's name is not set.
 * Errors: EBCC_ERROR_NOT_FOUND with near names, or saying that the file is stripped.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_find_function(struct ebcc_elf *elf, const char *name,
						     struct ebcc_elf_symbol *ret);

/*
 * The address of a variable or label by its name, in either symbol table. False: there is no such
 * symbol, or several with different addresses. Thread-local ones have no address.
 */
bool ebcc_elf_find_data(struct ebcc_elf *elf, const char *name, uint64_t *ret);

/* As ebcc_elf_address_to_offset(), in any segment that is loaded. False: there is none. */
bool ebcc_elf_data_offset(struct ebcc_elf *elf, uint64_t address, uint64_t *ret);

/*
 * The file offset of a virtual address, by the program headers. Only executable segments
 * count, and only what of them is in the file.
 * Errors: EBCC_ERROR_NOT_FOUND.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_address_to_offset(struct ebcc_elf *elf, uint64_t address,
							 uint64_t *ret);

#endif /* EBCC_ELF_SYMBOLS_H */
