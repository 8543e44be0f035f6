/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's way to the compiler library: in a helper process (the default; compiler
 * crashes, memory and load time stay out of the tracing program), or loaded into this
 * process. Whatever happens to the compiler - killed, crashed, hung, out of memory,
 * talking nonsense - a call here returns, with an error in plain words.
 *
 * That holds for the helper. In process, compiles of all threads wait for one another, LLVM
 * stays loaded for good, and an error that LLVM takes for fatal, memory running out among them,
 * ends this process; there are no limits.
 *
 * Environment (not looked at in a privileged program, where AT_SECURE is set):
 * EBCC_CC path of the helper, EBCC_CC_TIMEOUT seconds per compile (default 60),
 * EBCC_CC_MEMORY MiB of address space of the helper (default 4096).
 */
#ifndef EBCC_COMPILE_CLIENT_H
#define EBCC_COMPILE_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "compiler/compiler.h"

struct ebcc_compiler_client;

/*
 * Makes a client; nothing is started or loaded before the first compile. @log is
 * borrowed, must outlive the client and may be NULL.
 */
MUST_CHECK struct ebcc_error *ebcc_compiler_client_create(const struct ebcc_log *log,
							  enum ebcc_compiler mode,
							  struct ebcc_compiler_client **ret);

/*
 * Starts the helper, so that it initializes LLVM while the caller does something else.
 * Optional; does nothing in process, or when the helper runs already. Errors are those of
 * starting it.
 */
MUST_CHECK struct ebcc_error *ebcc_compiler_client_start(struct ebcc_compiler_client *client);

/*
 * Appends what tells this compiler from another one, for a cache key: its file, size and time of
 * change. Starts nothing. EBCC_ERROR_COMPILE when the compiler is not there.
 */
MUST_CHECK struct ebcc_error *
ebcc_compiler_client_identity(const struct ebcc_compiler_client *client, struct ebcc_buf *identity);

/*
 * Compiles. Any number of times: one helper serves all requests of a client, and is
 * started again when it has died meanwhile.
 *
 * Returns NULL when there is an answer, which is a failed compile too: look at
 * @answer->status. The caller frees @answer with ebcc_cc_answer_deinit(); it is
 * initialized, and empty, when the call fails.
 *
 * EBCC_ERROR_COMPILE: no helper, or it crashed, hung, ran out of memory or time, or
 * answered nonsense; what it printed is in the details. EBCC_ERROR_INTERRUPTED: a handler for
 * SIGINT, SIGTERM, SIGHUP or SIGQUIT ran in this thread, or @log's interrupted() said so; the
 * helper is killed. (Other signals wait until the compile is over.)
 */
MUST_CHECK struct ebcc_error *ebcc_compiler_client_compile(struct ebcc_compiler_client *client,
							   const struct ebcc_cc_request *request,
							   struct ebcc_cc_answer *answer);

/* Ends the helper and frees the client. NULL is allowed. In a forked child it only closes. */
void ebcc_compiler_client_destroy(struct ebcc_compiler_client *client);

#endif /* EBCC_COMPILE_CLIENT_H */
