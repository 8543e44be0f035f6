/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module's map of the layouts of USDT arguments.
 */
#ifndef EBCC_LOAD_USDT_SPECS_H
#define EBCC_LOAD_USDT_SPECS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/ebcc/usdt_spec.h"
#include "load/module.h"

struct ebcc_usdt_specs;

/* Whether any program of the module reads USDT arguments, or the cookie beside them. */
bool ebcc_usdt_specs_wanted(const struct ebcc_module *module);
/* Whether any program reads that cookie. */
bool ebcc_usdt_cookie_wanted(const struct ebcc_module *module);

/*
 * Adds a layout, or one more user of an equal one.
 * @key: an instruction pointer, or 0 to let the module choose a cookie.
 * @ret_key: to be passed to ebcc_usdt_specs_remove() and, if it is a cookie, to be attached with.
 * Fails with EBCC_ERROR_STATE if the map is full or the instruction pointer has another layout.
 */
MUST_CHECK struct ebcc_error *ebcc_usdt_specs_add(struct ebcc_module *module, uint64_t key,
						  const struct ebcc_usdt_spec *spec,
						  uint64_t *ret_key);
void ebcc_usdt_specs_remove(struct ebcc_module *module, uint64_t key);
void ebcc_usdt_specs_destroy(struct ebcc_usdt_specs *specs);

#endif /* EBCC_LOAD_USDT_SPECS_H */
