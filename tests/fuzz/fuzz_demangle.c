// SPDX-License-Identifier: Apache-2.0
/* Fuzz target of demangling: any name comes to an end, within the bound on what it expands to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elf/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	char *name = malloc(size + 3);

	if (!name)
		return 0;
	/* Most bytes are no mangled name; so the beginning of one is given. */
	memcpy(name, size && data[0] & 1 ? "_R" : "_Z", 2);
	memcpy(name + 2, data, size);
	name[size + 2] = '\0';
	if (ebcc_demangle(name, &text) && (!text.size || text.size > 64u << 10))
		abort();
	free(name);
	return 0;
}
