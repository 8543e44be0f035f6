/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_LOAD_PROGRAM_H
#define EBCC_LOAD_PROGRAM_H

#include "load/module.h"

/* Fills module->programs from module->object; frees them. */
MUST_CHECK struct ebcc_error *ebcc_programs_create(struct ebcc_module *module);
void ebcc_programs_destroy(struct ebcc_module *module);

/*
 * Loads a variant of @program beside the one that program->fd is, for attach
 * types that need one of their own (kprobe.multi). @attach_type: -1 for what the section says.
 * @ret_fd: owned by the caller. Creates the maps if need be.
 */
MUST_CHECK struct ebcc_error *ebcc_program_load_variant(struct ebcc_program *program, unsigned type,
							int attach_type, int *ret_fd);

/* Compiles the source of @module again, through the second pipeline, into module->second_bytes.
 * EBCC_ERROR_STATE where there is no source. */
MUST_CHECK struct ebcc_error *ebcc_program_make_second(struct ebcc_module *module);

#endif /* EBCC_LOAD_PROGRAM_H */
