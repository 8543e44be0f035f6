// SPDX-License-Identifier: Apache-2.0
/*
 * Recognizes binaries built by the Go compiler by sections that its linker writes and that
 * stripping preserves (cmd/link: .go.buildinfo and .gopclntab since Go 1.13, .note.go.buildid since
 * 1.5; position-independent executables have the .data.rel.ro prefix).
 */
#include "elf/go_binary.h"

#include <stdint.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "elf/library.h"

bool ebcc_elf_is_go(struct ebcc_elf *elf)
{
	static const char *const sections[] = {".go.buildinfo", ".note.go.buildid", ".gopclntab",
					       ".data.rel.ro.gopclntab"};
	struct ebcc_elf_part unused;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (ebcc_elf_find_section(elf, sections[i], &unused))
			return true;
	return false;
}

struct ebcc_error *ebcc_binary_is_go(const char *binary, const struct ebcc_binary_opts *caller_opts,
				     bool *ret)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	AUTO_ELF struct ebcc_elf *elf = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_binary_opts"));
	TRY(ebcc_open_binary(binary, opts.pid, &fd, &path));
	TRY(ebcc_elf_open_fd(fd, path, &elf));
	*ret = ebcc_elf_is_go(elf);
	return NULL;
}
