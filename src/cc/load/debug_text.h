/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts that the EBCC_DEBUG_... bits ask for.
 */
#ifndef EBCC_LOAD_DEBUG_TEXT_H
#define EBCC_LOAD_DEBUG_TEXT_H

#include "load/module.h"

/* Appends to the debug text of one bit (enum ebcc_debug), if module->debug asks for it. */
MUST_CHECK struct ebcc_error *ebcc_debug_append(struct ebcc_module *module, enum ebcc_debug bit,
						const char *text);

#endif /* EBCC_LOAD_DEBUG_TEXT_H */
