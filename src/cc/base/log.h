/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module's log callback and its timing, and the routing of libbpf's messages, which have one
 * print hook for the whole process, to the module that the calling thread is working for.
 */
#ifndef EBCC_BASE_LOG_H
#define EBCC_BASE_LOG_H

#include "base/error.h"
#include "base/timing.h"

struct ebcc_log {
	ebcc_log_fn fn; /* NULL: messages are dropped */
	void *ctx;
	/* ebcc_module_opts.interrupted, passed along with the log; NULL: never interrupted */
	bool (*interrupted)(void *ctx);
	void *interrupted_ctx;
	struct ebcc_timing *timing; /* of the module; NULL: nobody wants to know */
};

/* Sends one message; a NULL @log is allowed. */
void ebcc_log(const struct ebcc_log *log, enum ebcc_log_level level, const char *format, ...)
	EBCC_PRINTF(3, 4);

/* Asks the caller whether to abort a long operation; EBCC_ERROR_INTERRUPTED if so. A NULL @log is
 * allowed. */
MUST_CHECK static inline struct ebcc_error *ebcc_check_interrupted(const struct ebcc_log *log)
{
	if (!log || !log->interrupted || !log->interrupted(log->interrupted_ctx))
		return NULL;
	return ebcc_error_create(EBCC_ERROR_INTERRUPTED, "a signal interrupted the call");
}

/*
 * While a scope is open, libbpf's warnings on this thread go to @log, as EBCC_LOG_DEBUG: what
 * matters in them is also in the errors that are returned. Messages of other threads go to the hook
 * that was installed before. Scopes nest. @log must outlive the scope.
 */
struct ebcc_log_scope {
	const struct ebcc_log *log;
	struct ebcc_log_scope *outer;
};
void ebcc_log_scope_enter(struct ebcc_log_scope *scope, const struct ebcc_log *log);
void ebcc_log_scope_leave(struct ebcc_log_scope *scope);

/* Times a stage of the module whose log this is; a NULL @log is allowed. */
#define LOG_STAGE(log, stage) TIME_STAGE((log) ? (log)->timing : NULL, stage)

#define LOG_SCOPE(log)                                                                             \
	CLEANUP(ebcc_log_scope_leave) struct ebcc_log_scope log_scope_;                            \
	ebcc_log_scope_enter(&log_scope_, (log))

#endif /* EBCC_BASE_LOG_H */
