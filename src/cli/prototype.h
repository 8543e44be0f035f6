/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of the kernel's BTF as C writes them.
 */
#ifndef EBCC_CLI_PROTOTYPE_H
#define EBCC_CLI_PROTOTYPE_H

#include <stdint.h>

#include "base/buf.h"
#include "kernel/btf.h"

/* Appends a declaration of @name, or with "" the type alone: "const char *name", "u8 name[16]",
 * "int (*name)(struct file *)". */
void cli_declaration(const struct ebcc_kernel_btf *btf, uint32_t type, const char *name,
		     struct ebcc_buf *ret);

/* A parameter of a function, or what it returns. */
struct cli_parameter {
	const char *name; /* "" if it has none; borrowed from the BTF */
	uint32_t type;	  /* global id; 0: void, or, for the last parameter, "..." */
};

/* The prototype that a FUNC, a pointer to a function or a typedef of one leads to; 0: none. */
uint32_t cli_prototype_of(const struct ebcc_kernel_btf *btf, uint32_t id);
/* How many parameters a prototype has. */
unsigned cli_parameter_count(const struct ebcc_kernel_btf *btf, uint32_t prototype);
/* A parameter by its index, which must be less than their number. */
struct cli_parameter cli_parameter_at(const struct ebcc_kernel_btf *btf, uint32_t prototype,
				      unsigned index);
/* The type that a prototype returns; 0: void. */
uint32_t cli_returned_type(const struct ebcc_kernel_btf *btf, uint32_t prototype);

#endif /* EBCC_CLI_PROTOTYPE_H */
