// SPDX-License-Identifier: Apache-2.0
/*
 * Errors: the type through which the library reports every failure. An error owns its strings.
 * The out-of-memory error is static, since there would be no memory to allocate it.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ebcc_error {
	enum ebcc_error_code code;
	int errnum;
	char *message;
	char *subject;
	char *details;
};

static struct ebcc_error no_memory = {
	.code = EBCC_ERROR_NO_MEMORY,
	.errnum = ENOMEM,
	.message = "out of memory",
};

struct ebcc_error *ebcc_error_no_memory(void)
{
	return &no_memory;
}

static struct ebcc_error *create(enum ebcc_error_code code, int errnum, const char *format,
				 va_list args)
{
	struct ebcc_error *error = calloc(1, sizeof(*error));
	char *message;

	if (!error)
		return &no_memory;
	if (vasprintf(&message, format, args) < 0) {
		free(error);
		return &no_memory;
	}
	error->code = code;
	error->errnum = errnum;
	error->message = message;
	return error;
}

struct ebcc_error *ebcc_error_create(enum ebcc_error_code code, const char *format, ...)
{
	struct ebcc_error *error;
	va_list args;

	va_start(args, format);
	error = create(code, 0, format, args);
	va_end(args);
	return error;
}

/* Errors that are internal to Linux and occasionally reach user space; see include/linux/errno.h in
 * the kernel's sources. */
static const struct {
	int number;
	const char *text;
} kernel_errors[] = {
	{512, "Interrupted system call should be restarted (ERESTARTSYS)"},
	{513, "Interrupted system call should be restarted (ERESTARTNOINTR)"},
	{514, "Interrupted system call should be restarted (ERESTARTNOHAND)"},
	{515, "The device does not support this operation (ENOIOCTLCMD)"},
	{516, "Interrupted system call should be restarted (ERESTART_RESTARTBLOCK)"},
	{517, "A device or driver is not ready yet (EPROBE_DEFER)"},
	{518, "The file changed while it was being opened (EOPENSTALE)"},
	{519, "Unknown parameter (ENOPARAM)"},
	{521, "Invalid file handle (EBADHANDLE)"},
	{522, "The attributes were changed in the meantime (ENOTSYNC)"},
	{523, "The directory changed while it was being read (EBADCOOKIE)"},
	{524, "The kernel does not support this (ENOTSUPP)"},
	{525, "The buffer or request is too small (ETOOSMALL)"},
	{526, "The server failed (ESERVERFAULT)"},
	{527, "The type is not supported (EBADTYPE)"},
	{528, "The request has started but will take a long time (EJUKEBOX)"},
	{529, "The request was queued (EIOCBQUEUED)"},
	{530, "Conflict with recalled state (ERECALLCONFLICT)"},
	{531, "The state can no longer be reclaimed (ENOGRACE)"},
};

const char *ebcc_errno_message(int errnum)
{
	for (size_t i = 0; i < sizeof(kernel_errors) / sizeof(*kernel_errors); i++)
		if (kernel_errors[i].number == errnum)
			return kernel_errors[i].text;
	return strerror(errnum);
}

struct ebcc_error *ebcc_error_os(enum ebcc_error_code code, int errnum, const char *format, ...)
{
	struct ebcc_error *error;
	char *message;
	va_list args;

	if (errnum == ENOMEM)
		return &no_memory;
	if (code == EBCC_ERROR_OS && (errnum == EPERM || errnum == EACCES))
		code = EBCC_ERROR_PERMISSION;
	va_start(args, format);
	error = create(code, errnum, format, args);
	va_end(args);
	if (error == &no_memory)
		return error;
	if (asprintf(&message, "%s: %s", error->message, ebcc_errno_message(errnum)) < 0) {
		ebcc_error_destroy(error);
		return &no_memory;
	}
	free(error->message);
	error->message = message;
	return error;
}

/* Replaces *@text with a copy of @value. If the allocation fails, the old text stays: the error
 * says less, but is not lost. */
static void replace_text(char **text, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (!copy)
		return;
	free(*text);
	*text = copy;
}

struct ebcc_error *ebcc_error_with_subject(struct ebcc_error *error, const char *subject)
{
	if (error && error != &no_memory)
		replace_text(&error->subject, subject);
	return error;
}

struct ebcc_error *ebcc_error_with_details(struct ebcc_error *error, const char *details)
{
	if (error && error != &no_memory)
		replace_text(&error->details, details);
	return error;
}

struct ebcc_error *ebcc_error_prefix(struct ebcc_error *error, const char *format, ...)
{
	char *prefix, *message;
	va_list args;
	int length;

	if (!error || error == &no_memory)
		return error;
	va_start(args, format);
	length = vasprintf(&prefix, format, args);
	va_end(args);
	if (length < 0)
		return error;
	length = asprintf(&message, "%s: %s", prefix, error->message);
	free(prefix);
	if (length < 0)
		return error;
	free(error->message);
	error->message = message;
	return error;
}

void ebcc_error_destroy(struct ebcc_error *error)
{
	if (!error || error == &no_memory)
		return;
	free(error->message);
	free(error->subject);
	free(error->details);
	free(error);
}

enum ebcc_error_code ebcc_error_code(const struct ebcc_error *error)
{
	return error->code;
}

int ebcc_error_errno(const struct ebcc_error *error)
{
	return error->errnum;
}

const char *ebcc_error_message(const struct ebcc_error *error)
{
	return error->message;
}

const char *ebcc_error_subject(const struct ebcc_error *error)
{
	return error->subject;
}

const char *ebcc_error_details(const struct ebcc_error *error)
{
	return error->details;
}
