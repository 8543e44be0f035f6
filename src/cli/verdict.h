/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says when the programs of a module are loaded.
 */
#ifndef EBCC_CLI_VERDICT_H
#define EBCC_CLI_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * Loads each program of a module and prints the verdicts as a table, with the verifier's words
 * about those that it rejects. Programs whose kind isn't known are not loaded. Returns whether none
 * was rejected.
 *
 * @json: an array that gets an object for each program instead; NULL: prints.
 */
bool cli_verify(struct ebcc_module *module, json_t *json);

#endif /* EBCC_CLI_VERDICT_H */
