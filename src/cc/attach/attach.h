/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ATTACH_ATTACH_H
#define EBCC_ATTACH_ATTACH_H

#include "load/module.h"

/* Before a program is attached: loads it as @type unless it is; EBCC_ERROR_STATE if it was loaded
 * as another. Removes what tracers that were killed have left behind. */
MUST_CHECK struct ebcc_error *ebcc_attach_prepare(struct ebcc_program *program, unsigned type);

#endif /* EBCC_ATTACH_ATTACH_H */
