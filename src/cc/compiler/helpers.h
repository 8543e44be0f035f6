/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of BPF helpers, reduced to those that a request can name. Parsing the whole table (more
 * than 200 function pointer types) takes longer than parsing most sources.
 */
#ifndef EBCC_COMPILER_HELPERS_H
#define EBCC_COMPILER_HELPERS_H

#include "base/buf.h"
#include "compiler/compiler.h"

/* Where the table is in the virtual tree. */
#define EBCC_CC_HELPER_DEFS EBCC_CC_DIALECT_INCLUDE "/ebcc/helper_defs.h"

/*
 * Appends the @table's text without the helpers whose names occur neither in the @request's texts
 * and flags nor in the other @builtin headers. Names in real headers, and names made by token
 * pasting, are missed: see ebcc_cc_misses_helper().
 */
MUST_CHECK struct ebcc_error *ebcc_cc_select_helpers(const struct ebcc_cc_request *request,
						     const struct ebcc_cc_file *builtin,
						     size_t builtin_count,
						     const struct ebcc_cc_file *table,
						     struct ebcc_buf *ret);

/* Whether a diagnostic names a helper, so that the whole table might fix it. */
bool ebcc_cc_misses_helper(const struct ebcc_cc_answer *answer);

#endif /* EBCC_COMPILER_HELPERS_H */
