/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of definitions in kernel headers that BTF doesn't have. macro_table.c generates it at
 * build time from the headers in tables/ and the installed user-space headers.
 */
#ifndef EBCC_TYPES_MACROS_H
#define EBCC_TYPES_MACROS_H

#include <stdbool.h>
#include <stddef.h>

enum ebcc_macro_kind {
	EBCC_MACRO_DEFINE,    /* a #define */
	EBCC_MACRO_ATTRIBUTE, /* a #define that is empty or has only attributes */
	EBCC_MACRO_ALIAS,     /* a #define that expands to a path of members */
	EBCC_MACRO_CODE,      /* a function or typedef: comes after the #defines, in order */
};

struct ebcc_macro {
	const char *name;
	const char *text; /* complete lines */
	enum ebcc_macro_kind kind;
	unsigned order; /* the order of definitions of kind EBCC_MACRO_CODE */
	/* Which kernels it applies to: "KERNEL >= 6.3 || BTF(name)"; NULL: all. */
	const char *condition;
	bool negated; /* it applies if the condition is false */
};

/* Sorted by name; if there are several with one name, the first whose condition is true applies. */
extern const struct ebcc_macro ebcc_macro_table[];
extern const size_t ebcc_macro_count;

/* Returns the first definition of a name, or NULL. @name need not be NUL-terminated. */
const struct ebcc_macro *ebcc_macro_find(const char *name, size_t size);

#endif /* EBCC_TYPES_MACROS_H */
