/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_AUTOATTACH_SECTION_H
#define EBCC_AUTOATTACH_SECTION_H

#include "base/kinds.h"
#include "load/module.h"

/* Attaches a program to the target in its section, which must have a kind and a target. *@ret is
 * NULL if the target is not complete, which means that the program is attached by a call. */
MUST_CHECK struct ebcc_error *ebcc_attach_section(struct ebcc_program *program,
						  const struct ebcc_section *section,
						  struct ebcc_link **ret);

#endif /* EBCC_AUTOATTACH_SECTION_H */
