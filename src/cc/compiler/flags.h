/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of clang's front end (`clang -cc1`) for one request: the project's own
 * flags, then the caller's, which are written as for the clang driver.
 */
#ifndef EBCC_COMPILER_FLAGS_H
#define EBCC_COMPILER_FLAGS_H

#include "compiler/compiler.h"

struct ebcc_cc_arguments {
	const char **list; /* strings are literals, the request's, or in own */
	size_t count;
	size_t capacity;
	char **own; /* the formatted ones */
	size_t own_count;
};

/*
 * Builds the arguments. Flags that make no sense here (optimization level, target, debug info,
 * output, linking) are left out, and those that the front end calls differently are translated. A
 * word that is not a flag, or a flag that is not supported, is an error diagnostic in @answer.
 * Unknown flags that begin like supported ones are passed on, and clang reports them. Returns
 * false, with a diagnostic, on failure. @ret must be deinitialized either way and borrows from
 * @request.
 */
bool ebcc_cc_arguments_init(struct ebcc_cc_arguments *ret, const struct ebcc_cc_request *request,
			    struct ebcc_cc_answer *answer);
void ebcc_cc_arguments_deinit(struct ebcc_cc_arguments *arguments);

#endif /* EBCC_COMPILER_FLAGS_H */
