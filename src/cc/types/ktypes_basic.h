/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_TYPES_KTYPES_BASIC_H
#define EBCC_TYPES_KTYPES_BASIC_H

#include <stdbool.h>

/* Every text begins with this. true and false are enumerators, as in the kernel. */
extern const char ebcc_ktypes_basic[];

/* Whether it defines the typedef @name. */
bool ebcc_ktypes_is_basic(const char *name);

#endif /* EBCC_TYPES_KTYPES_BASIC_H */
