/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of definitions in kernel headers that BTF doesn't have. macro_table.c generates it at
 * build time from the headers in tables/ and the installed user-space headers.
 */
#ifndef EBCC_TYPES_MACROS_H
#define EBCC_TYPES_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ebcc_macro_kind {
	EBCC_MACRO_DEFINE,    /* a #define */
	EBCC_MACRO_ATTRIBUTE, /* a #define that is empty or has only attributes */
	EBCC_MACRO_ALIAS,     /* a #define that expands to a path of members */
	EBCC_MACRO_CODE,      /* a function or typedef: comes after the #defines, in order */
};

/* Strings are offsets in one array and not pointers: ten thousand definitions would have the
 * dynamic linker write 400 kB in every process that loads the library. */
struct ebcc_macro {
	uint32_t name, text, condition;
	uint16_t order; /* the order of definitions of kind EBCC_MACRO_CODE */
	uint8_t kind;	/* enum ebcc_macro_kind */
	bool negated;	/* it applies if the condition is false */
};

/* Sorted by name; if there are several with one name, the first whose condition is true applies. */
extern const struct ebcc_macro ebcc_macro_table[];
extern const size_t ebcc_macro_count;
extern const char ebcc_macro_strings[];

static inline const char *ebcc_macro_name(const struct ebcc_macro *macro)
{
	return ebcc_macro_strings + macro->name;
}

/* The definition: complete lines. */
static inline const char *ebcc_macro_text(const struct ebcc_macro *macro)
{
	return ebcc_macro_strings + macro->text;
}

/* Which kernels it applies to: "KERNEL >= 6.3 || BTF(name)"; NULL: all. */
static inline const char *ebcc_macro_condition(const struct ebcc_macro *macro)
{
	return macro->condition ? ebcc_macro_strings + macro->condition : NULL;
}

/* Returns the first definition of a name, or NULL. @name need not be NUL-terminated. */
const struct ebcc_macro *ebcc_macro_find(const char *name, size_t size);

#endif /* EBCC_TYPES_MACROS_H */
