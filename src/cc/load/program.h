/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_LOAD_PROGRAM_H
#define EBCC_LOAD_PROGRAM_H

#include "load/module.h"

/* Fills module->programs from module->object, and frees them. */
MUST_CHECK struct ebcc_error *ebcc_programs_create(struct ebcc_module *module);
void ebcc_programs_destroy(struct ebcc_module *module);

/*
 * Loads another variant of @program, besides program->fd, for attach types that need their own
 * (kprobe.multi). If @attach_type is -1, the section decides. The caller owns @ret_fd. Creates the
 * maps if necessary.
 */
MUST_CHECK struct ebcc_error *ebcc_program_load_variant(struct ebcc_program *program, unsigned type,
							int attach_type, int *ret_fd);

/* Compiles the source of @module again, through the second pipeline, into module->second_bytes.
 * Fails with EBCC_ERROR_STATE if there is no source. */
MUST_CHECK struct ebcc_error *ebcc_program_make_second(struct ebcc_module *module);

#endif /* EBCC_LOAD_PROGRAM_H */
