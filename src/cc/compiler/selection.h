/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect's headers without what a request doesn't name. Parsing the whole table of BPF helpers
 * (more than 200 function pointer types), and all the methods of each map, takes longer than
 * parsing most sources.
 */
#ifndef EBCC_COMPILER_SELECTION_H
#define EBCC_COMPILER_SELECTION_H

#include "base/buf.h"
#include "compiler/compiler.h"

/* Where they are in the virtual tree: the table of helpers; the definitions of maps and their
 * methods; the file in which methods are taken back; the arguments of USDT probes. */
#define EBCC_CC_HELPER_DEFS EBCC_CC_DIALECT_INCLUDE "/ebcc/helper_defs.h"
#define EBCC_CC_MAPS EBCC_CC_DIALECT_INCLUDE "/ebcc/maps.h"
#define EBCC_CC_METHODS EBCC_CC_DIALECT_INCLUDE "/ebcc/methods.h"
#define EBCC_CC_USDT EBCC_CC_DIALECT_INCLUDE "/ebcc/usdt.h"

/* The texts that take the place of embedded ones. */
struct ebcc_cc_selection {
	struct ebcc_buf helpers, methods;
};
void ebcc_cc_selection_deinit(struct ebcc_cc_selection *selection);

/*
 * Replaces three of the @builtin headers: the table of helpers, by one without those whose names
 * occur neither in the @request's texts and flags nor in the other headers; the file in which
 * methods are taken back, by one for the methods that the request doesn't name; and the functions
 * for arguments of USDT probes, by nothing if the request doesn't speak of these. What is named
 * only in files on the disk, or by token pasting, is missed: see ebcc_cc_selection_lacks().
 */
MUST_CHECK struct ebcc_error *ebcc_cc_select(const struct ebcc_cc_request *request,
					     struct ebcc_cc_file *builtin, size_t builtin_count,
					     struct ebcc_cc_selection *ret);

/* Whether a diagnostic names a helper or the methods of a map, so that the whole headers might fix
 * it. */
bool ebcc_cc_selection_lacks(const struct ebcc_cc_answer *answer);

#endif /* EBCC_COMPILER_SELECTION_H */
