/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for PLT stubs, through which calls to other libraries go: "malloc@plt".
 */
#ifndef EBCC_SYMBOLS_PLT_H
#define EBCC_SYMBOLS_PLT_H

#include <libelf.h>
#include <stdbool.h>

#include "symbols/table_internal.h"

/* Adds the stubs of a file, whose .dynsym must be the last source of names. False: out of memory.
 */
bool ebcc_symbol_plt_add(struct ebcc_symbol_table *table, Elf *elf);

#endif /* EBCC_SYMBOLS_PLT_H */
