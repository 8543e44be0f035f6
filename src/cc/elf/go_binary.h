/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ELF_GO_BINARY_H
#define EBCC_ELF_GO_BINARY_H

#include "elf/symbols.h"

/* Whether a file was built by the Go compiler. */
bool ebcc_elf_is_go(struct ebcc_elf *elf);

#endif /* EBCC_ELF_GO_BINARY_H */
