// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of portable objects: relocations, the types that they are about, and the record of
 * what the object needs. Whatever an object says, it is relocated or an error.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/bpf_object.h"
#include "load/relocate.h"
#include "types/kernel_needs.h"

/* The kernel's types are those of the object itself, as it was before it was changed. */
static struct ebcc_kernel_btf *kernel_types(const char *bytes, size_t size)
{
	struct ebcc_kernel_btf *btf = NULL;
	const char *section;
	size_t section_size;

	if (ebcc_elf_section(bytes, size, ".BTF", &section, &section_size))
		ebcc_error_destroy(
			ebcc_kernel_btf_create_from_bytes(section, section_size, "a kernel", &btf));
	return btf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct ebcc_kernel_info kernel = {.version_code = 6 << 16};
	struct ebcc_unresolved unresolved = {0};
	struct ebcc_kernel_btf *btf = kernel_types(bytes, size);
	struct ebcc_buf inputs = EBCC_BUF_INIT;
	char *copy = NULL;

	if (!btf)
		return 0;
	ebcc_error_destroy(ebcc_kernel_needs_check(bytes, size, &kernel, btf));
	if (ebcc_has_relocations(bytes, size)) {
		ebcc_error_destroy(ebcc_relocate(bytes, size, btf, &unresolved, &inputs, &copy));
		if (copy && ebcc_has_relocations(copy, size))
			abort();
	}
	ebcc_unresolved_deinit(&unresolved);
	ebcc_buf_deinit(&inputs);
	ebcc_kernel_btf_destroy(btf);
	free(copy);
	return 0;
}
