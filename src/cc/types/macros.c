// SPDX-License-Identifier: Apache-2.0
#include "types/macros.h"

#include <stdlib.h>
#include <string.h>

/* A name to look up. */
struct name {
	const char *start;
	size_t size;
};

static int compare_name(const void *key, const void *macro)
{
	const struct name *name = key;
	const char *other = ebcc_macro_name(macro);
	int order = strncmp(name->start, other, name->size);

	return order ? order : -(other[name->size] != '\0');
}

const struct ebcc_macro *ebcc_macro_find(const char *name, size_t size)
{
	struct name key = {name, size};
	const struct ebcc_macro *found = bsearch(&key, ebcc_macro_table, ebcc_macro_count,
						 sizeof(*ebcc_macro_table), compare_name);

	while (found && found > ebcc_macro_table &&
	       !strcmp(ebcc_macro_name(found - 1), ebcc_macro_name(found)))
		found--;
	return found;
}
