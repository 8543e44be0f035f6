/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ATTACH_ATTACH_H
#define EBCC_ATTACH_ATTACH_H

#include "load/module.h"

/* Call this before attaching a program. It loads the program as @type unless it is loaded; fails
 * with EBCC_ERROR_STATE if it was loaded as another type. Also removes probes left behind by
 * tracers that were killed. */
MUST_CHECK struct ebcc_error *ebcc_attach_prepare(struct ebcc_program *program, unsigned type);

/* The same for a program that must be loaded with a certain attach type:
 * ebcc_program_load_variant().
 */
MUST_CHECK struct ebcc_error *ebcc_attach_prepare_variant(struct ebcc_program *program,
							  unsigned type, int attach_type, int *ret);

#endif /* EBCC_ATTACH_ATTACH_H */
