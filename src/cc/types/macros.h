/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of definitions that kernel headers make and BTF doesn't have. It is written at
 * build time by macro_table.c, from the headers in tables/ and the installed user-space headers.
 */
#ifndef EBCC_TYPES_MACROS_H
#define EBCC_TYPES_MACROS_H

#include <stdbool.h>
#include <stddef.h>

enum ebcc_macro_kind {
	EBCC_MACRO_DEFINE,    /* a #define */
	EBCC_MACRO_ATTRIBUTE, /* a #define of nothing but attributes, or of nothing at all */
	EBCC_MACRO_ALIAS,     /* a #define that stands for a path of members */
	EBCC_MACRO_CODE,      /* a function or typedef: text behind the #defines, in order */
};

struct ebcc_macro {
	const char *name;
	const char *text; /* complete lines */
	enum ebcc_macro_kind kind;
	unsigned order; /* among those of EBCC_MACRO_CODE */
	/* Which kernels it is true for: "KERNEL >= 6.3 || BTF(name)", or not that; NULL: all. */
	const char *condition;
	bool negated;
};

/* Sorted by name; of several with one name the first whose condition holds is meant. */
extern const struct ebcc_macro ebcc_macro_table[];
extern const size_t ebcc_macro_count;

/* The first definition of a name, which needs no NUL behind it; NULL: none. */
const struct ebcc_macro *ebcc_macro_find(const char *name, size_t size);

#endif /* EBCC_TYPES_MACROS_H */
