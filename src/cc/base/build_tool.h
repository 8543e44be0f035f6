/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs that run at build time share: they read whole text files, and end the
 * build with a message when something is wrong. Each defines BUILD_TOOL, its name, first.
 */
#ifndef EBCC_BASE_BUILD_TOOL_H
#define EBCC_BASE_BUILD_TOOL_H

#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void die(const char *what, const char *about)
{
	fprintf(stderr, BUILD_TOOL ": %s: %s\n", what, about);
	exit(1);
}

/* The whole of a file, malloc'ed. */
static inline char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		die("can't open", path);
	if (getdelim(&text, &size, '\0', file) < 0)
		die("can't read, or empty", path);
	fclose(file);
	return text;
}

#endif /* EBCC_BASE_BUILD_TOOL_H */
