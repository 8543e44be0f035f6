// SPDX-License-Identifier: Apache-2.0
/*
 * A module's log callback, and libbpf's messages. libbpf has one print hook for the whole
 * process. Ours checks which module the calling thread is working for, and passes the messages of
 * all other threads on to the hook that was installed before.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

static __thread struct ebcc_log_scope *current_scope;
static pthread_once_t hook_once = PTHREAD_ONCE_INIT;
static libbpf_print_fn_t previous_hook;
static bool hooked;

static void log_text(const struct ebcc_log *log, enum ebcc_log_level level, const char *format,
		     va_list args)
{
	char text[4096];
	int length;

	if (!log || !log->fn)
		return;
	length = vsnprintf(text, sizeof(text), format, args);
	if (length < 0)
		return;
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
	log->fn(log->ctx, level, text);
}

void ebcc_log(const struct ebcc_log *log, enum ebcc_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_text(log, level, format, args);
	va_end(args);
}

static int route(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!current_scope)
		return previous_hook ? previous_hook(level, format, args) : 0;
	/* Below the warning level libbpf logs every relocation, which isn't worth the cost of
	 * formatting. */
	if (level == LIBBPF_WARN)
		log_text(current_scope->log, EBCC_LOG_DEBUG, format, args);
	return 0;
}

static void install_hook(void)
{
	previous_hook = libbpf_set_print(route);
	hooked = true;
}

/* When this library is unloaded, libbpf must not be left with a pointer into it. */
__attribute__((destructor)) static void remove_hook(void)
{
	libbpf_print_fn_t found;

	if (!hooked)
		return;
	found = libbpf_set_print(previous_hook);
	if (found != route)
		libbpf_set_print(found);
}

void ebcc_log_scope_enter(struct ebcc_log_scope *scope, const struct ebcc_log *log)
{
	pthread_once(&hook_once, install_hook);
	*scope = (struct ebcc_log_scope){.log = log, .outer = current_scope};
	current_scope = scope;
}

void ebcc_log_scope_leave(struct ebcc_log_scope *scope)
{
	current_scope = scope->outer;
}
