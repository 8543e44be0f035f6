/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the command line, in the same way for all sub-commands.
 */
#ifndef EBCC_CLI_OPTIONS_H
#define EBCC_CLI_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "base/error.h"
#include "cli.h"

/* What cli_option() returns besides options. */
enum {
	CLI_OPTIONS_END = -1,
	CLI_OPTIONS_HELP = -2,	/* the help was printed */
	CLI_OPTIONS_WRONG = -3, /* and a message was printed */
};

/* Long options without a short form are numbered from here on. */
#define CLI_LONG_OPTIONS 256

#define CLI_HELP_OPTION {"help", no_argument, NULL, 'h'}
#define CLI_JSON_OPTION {"json", no_argument, NULL, 'j'}

/* Returns the next option as getopt_long(3) does, or one of the above. @shorts begins with ":" and
 * contains "h". */
int cli_option(const struct cli_command *command, int argc, char **argv, const char *shorts,
	       const struct option *longs);

/* Reads the options of a sub-command that has only --json and --help. Returns CLI_OPTIONS_END, or
 * what ended them earlier. */
int cli_json_option(const struct cli_command *command, int argc, char **argv, bool *ret_json);

/* The exit status after CLI_OPTIONS_HELP or CLI_OPTIONS_WRONG. */
int cli_option_status(int option);

/* Says in one line how the command was called wrongly. Returns CLI_USAGE. */
int cli_usage(const struct cli_command *command, const char *format, ...) EBCC_PRINTF(2, 3);

/* Prints the help of a sub-command to standard output. */
void cli_help(const struct cli_command *command);

/* Parses a number of seconds above 0, such as "2.5", to milliseconds. Returns false if the text is
 * not one, or is more than a year. */
bool cli_parse_seconds(const char *text, unsigned long *ret_ms);
/* Parses the id of a process. */
bool cli_parse_pid(const char *text, int *ret);

#endif /* EBCC_CLI_OPTIONS_H */
