/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of clang's front end (`clang -cc1`) for one request: the project's own
 * flags, then the caller's, which are written as for the clang driver.
 */
#ifndef EBCC_COMPILER_FLAGS_H
#define EBCC_COMPILER_FLAGS_H

#include "compiler/compiler.h"

struct ebcc_cc_arguments {
	const char **list; /* its strings are literals, the request's, or in own */
	size_t count;
	size_t capacity;
	char **own; /* the formatted ones */
	size_t own_count;
};

/*
 * Builds the arguments. Flags that make no sense here (optimization level, target, debug info,
 * output, linking) are left out, those that the front end knows by another name are translated, and
 * a word that is not a flag, or one that is not on the list, is an error diagnostic in @answer. Of
 * the kinds on the list (-f..., -m..., -W...), unknown ones are passed on: clang's own diagnostic
 * names them. Returns false, with a diagnostic, on failure; @ret is to be deinitialized either way
 * and borrows from @request.
 */
bool ebcc_cc_arguments_init(struct ebcc_cc_arguments *ret, const struct ebcc_cc_request *request,
			    struct ebcc_cc_answer *answer);
void ebcc_cc_arguments_deinit(struct ebcc_cc_arguments *arguments);

#endif /* EBCC_COMPILER_FLAGS_H */
