/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers for the programs that run at build time: they read whole text files, and stop the
 * build with a message if something is wrong. Each program defines BUILD_TOOL, its name, before
 * it includes this file.
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

/* Returns the contents of a file, malloc'ed. */
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
