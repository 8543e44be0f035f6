/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ATTACH_TRACE_H
#define EBCC_ATTACH_TRACE_H

#include "load/module.h"

/* Loads an iterator: its name begins with bpf_iter__, or its section with iter/. */
MUST_CHECK struct ebcc_error *ebcc_iter_load(struct ebcc_program *program);

#endif /* EBCC_ATTACH_TRACE_H */
