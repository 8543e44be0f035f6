/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to the compiler library, either in a helper process (the default, which keeps crashes,
 * memory and load time out of the tracing program), or loaded into this process. Whatever happens
 * to the helper (killed, crashed, hung, out of memory, invalid answers), a call here returns with
 * an error that says so.
 *
 * In process there are no such limits: compiles of all threads wait for one another, LLVM is never
 * unloaded, and an error that is fatal to LLVM, such as running out of memory, ends this process.
 *
 * Environment (ignored if AT_SECURE is set, as in setuid programs): EBCC_CC is the path of the
 * helper, EBCC_CC_TIMEOUT its seconds per compile (default 60), EBCC_CC_MEMORY its address space in
 * MiB (default 4096).
 */
#ifndef EBCC_COMPILE_CLIENT_H
#define EBCC_COMPILE_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "compiler/compiler.h"

struct ebcc_compiler_client;

/*
 * Creates a client. Nothing is started or loaded before the first compile. @log is borrowed, must
 * outlive the client and may be NULL.
 */
MUST_CHECK struct ebcc_error *ebcc_compiler_client_create(const struct ebcc_log *log,
							  enum ebcc_compiler mode,
							  struct ebcc_compiler_client **ret);

/*
 * Starts the helper, so that it initializes LLVM while the caller does something else. Optional;
 * does nothing in process, or if the helper is already running. Fails only if it can't be started.
 */
MUST_CHECK struct ebcc_error *ebcc_compiler_client_start(struct ebcc_compiler_client *client);

/*
 * Appends what identifies the compiler for a cache key: its path, size and modification time.
 * Doesn't start it. EBCC_ERROR_COMPILE if the compiler is missing.
 */
MUST_CHECK struct ebcc_error *
ebcc_compiler_client_identity(const struct ebcc_compiler_client *client, struct ebcc_buf *identity);

/*
 * Compiles. May be called any number of times: one helper serves all requests of a client, and is
 * started again if it has died.
 *
 * Returns NULL if there is an answer, even that of a failed compile: check @answer->status. The
 * caller frees @answer with ebcc_cc_answer_deinit(). If the call fails, @answer is initialized and
 * empty.
 *
 * EBCC_ERROR_COMPILE: no helper, or it crashed, hung, ran out of memory or time, or gave an invalid
 * answer; what it printed is in the details. EBCC_ERROR_INTERRUPTED: a handler for SIGINT, SIGTERM,
 * SIGHUP or SIGQUIT ran in this thread, or @log's interrupted() returned true; the helper is
 * killed. Other signals are held back until the compile is over.
 */
MUST_CHECK struct ebcc_error *ebcc_compiler_client_compile(struct ebcc_compiler_client *client,
							   const struct ebcc_cc_request *request,
							   struct ebcc_cc_answer *answer);

/* Begins to end the helper, which takes the kernel some milliseconds: nothing more is to be
 * compiled, and the caller has something else to do before it destroys the client. */
void ebcc_compiler_client_finish(struct ebcc_compiler_client *client);

/* Ends the helper and frees the client. NULL is allowed. In a forked child, only closes
 * descriptors. */
void ebcc_compiler_client_destroy(struct ebcc_compiler_client *client);

#endif /* EBCC_COMPILE_CLIENT_H */
