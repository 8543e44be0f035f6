/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sub-commands print: errors, text from outside, JSON. Names and messages may come from files
 * that a stranger wrote, so control characters never reach the terminal.
 */
#ifndef EBCC_CLI_REPORT_H
#define EBCC_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

static inline void cli_cleanup_json(json_t **value)
{
	json_decref(*value);
}
#define AUTO_JSON CLEANUP(cli_cleanup_json)

/* Appends @text with control characters and invalid UTF-8 as \xNN. Line ends and tabs stay if
 * @lines is set. */
void cli_escape(struct ebcc_buf *ret, const char *text, size_t size, bool lines);
/* Prints one name or line, escaped. */
void cli_put(FILE *file, const char *text);
/* Prints text of several lines, escaped except for the line ends. */
void cli_put_lines(FILE *file, const char *text);

/* Prints "ebcc: ..." and a newline to standard error, escaped. */
void cli_complain(const char *format, ...) EBCC_PRINTF(1, 2);
/* Prints an error with its details, once, to standard error. Takes the error; returns
 * CLI_FAILED. */
int cli_fail(struct ebcc_error *error);
/* The same for a lack of memory. */
int cli_no_memory(void);
/* The text that cli_fail() would print. */
void cli_error_text(const struct ebcc_error *error, struct ebcc_buf *ret);

/* A JSON string, in which bytes that are not UTF-8 are written as \xNN; null for NULL. */
json_t *cli_json_text(const char *text);
json_t *cli_json_bytes(const char *text, size_t size);
/* An object {"code": ..., "message": ...}. */
json_t *cli_json_error(const struct ebcc_error *error);
/* Prints a value with a newline, over several lines or, for records in a stream, in one. Takes the
 * value. */
void cli_print_json(json_t *value);
void cli_print_json_line(json_t *value);

/* Writes out standard output. Returns @status, or CLI_FAILED if not all of it could be written. */
int cli_finish(int status);

#endif /* EBCC_CLI_REPORT_H */
