/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_LOAD_PROGRAM_H
#define EBCC_LOAD_PROGRAM_H

#include "load/module.h"

/* Fills module->programs from module->object, and frees them. */
MUST_CHECK struct ebcc_error *ebcc_programs_create(struct ebcc_module *module);
void ebcc_programs_destroy(struct ebcc_module *module);

/*
 * The descriptor of a program that is loaded with a type and an attach type, which may be one of
 * the kinds of links for many places (kprobe.multi): such a link takes only programs that were
 * loaded for it, and nothing else takes those. The first one that is loaded is program->fd; others
 * are variants that are kept until the module is destroyed. Fails with EBCC_ERROR_STATE if
 * program->fd has another type.
 * @ret: borrowed.
 */
MUST_CHECK struct ebcc_error *ebcc_program_load_variant(struct ebcc_program *program, unsigned type,
							int attach_type, int *ret);

/* Whether a program may be loaded for links of many places. A program that can be called by another
 * one, through a table of programs, must have been loaded like that one. */
bool ebcc_program_can_vary(const struct ebcc_program *program);

/* Compiles the source of @module again, through the second pipeline, into module->second_bytes.
 * Fails with EBCC_ERROR_STATE if there is no source. */
MUST_CHECK struct ebcc_error *ebcc_program_make_second(struct ebcc_module *module);

#endif /* EBCC_LOAD_PROGRAM_H */
