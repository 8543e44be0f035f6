/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log callback of a module, and the routing of libbpf's process-wide print hook to
 * the module that the calling thread works for.
 */
#ifndef EBCC_BASE_LOG_H
#define EBCC_BASE_LOG_H

#include "base/error.h"

struct ebcc_log {
	ebcc_log_fn fn; /* NULL: messages are dropped */
	void *ctx;
	/* ebcc_module_opts.interrupted goes the same ways; NULL: nobody interrupts */
	bool (*interrupted)(void *ctx);
	void *interrupted_ctx;
};

/* Sends one message; a NULL @log is allowed. */
void ebcc_log(const struct ebcc_log *log, enum ebcc_log_level level, const char *format, ...)
	EBCC_PRINTF(3, 4);

/* Asks the caller of a long call whether to give it up; a NULL @log is allowed.
 * EBCC_ERROR_INTERRUPTED when so. */
MUST_CHECK static inline struct ebcc_error *ebcc_check_interrupted(const struct ebcc_log *log)
{
	if (!log || !log->interrupted || !log->interrupted(log->interrupted_ctx))
		return NULL;
	return ebcc_error_create(EBCC_ERROR_INTERRUPTED, "a signal interrupted the call");
}

/*
 * While a scope is open, what libbpf prints on this thread goes to @log (libbpf's warnings as
 * EBCC_LOG_DEBUG: what matters of them comes back in errors); other threads' messages go to whoever
 * had the hook before. Scopes nest. @log must outlive the scope.
 */
struct ebcc_log_scope {
	const struct ebcc_log *log;
	struct ebcc_log_scope *outer;
};
void ebcc_log_scope_enter(struct ebcc_log_scope *scope, const struct ebcc_log *log);
void ebcc_log_scope_leave(struct ebcc_log_scope *scope);

#define LOG_SCOPE(log)                                                                             \
	CLEANUP(ebcc_log_scope_leave) struct ebcc_log_scope log_scope_;                            \
	ebcc_log_scope_enter(&log_scope_, (log))

#endif /* EBCC_BASE_LOG_H */
