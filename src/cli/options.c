// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define YEAR_SECONDS (366.0 * 24 * 3600)

void cli_help(const struct cli_command *command)
{
	printf("usage: ebcc %s%s%s\n\n%s", command->name, *command->arguments ? " " : "",
	       command->arguments, command->text);
}

int cli_usage(const struct cli_command *command, const char *format, ...)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	va_list args;

	va_start(args, format);
	ebcc_buf_vprintf(&text, format, args);
	va_end(args);
	fprintf(stderr, "ebcc %s: ", command->name);
	cli_put(stderr, ebcc_buf_string(&text));
	fprintf(stderr, " (ebcc help %s shows the options)\n", command->name);
	return CLI_USAGE;
}

int cli_option_status(int option)
{
	return option == CLI_OPTIONS_HELP ? CLI_OK : CLI_USAGE;
}

static void complain(const struct cli_command *command, char **argv, const char *problem)
{
	char name[] = {'-', (char)optopt, '\0'};
	bool is_short = optopt > 0 && optopt < CLI_LONG_OPTIONS && argv[optind - 1][0] == '-' &&
			argv[optind - 1][1] != '-';

	cli_usage(command, "%s %s", problem, is_short ? name : argv[optind - 1]);
}

int cli_option(const struct cli_command *command, int argc, char **argv, const char *shorts,
	       const struct option *longs)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, shorts, longs, NULL);
	switch (option) {
	case 'h':
		cli_help(command);
		return CLI_OPTIONS_HELP;
	case '?':
		complain(command, argv, "there is no option");
		return CLI_OPTIONS_WRONG;
	case ':':
		complain(command, argv, "a value must follow");
		return CLI_OPTIONS_WRONG;
	default:
		return option;
	}
}

int cli_json_option(const struct cli_command *command, int argc, char **argv, bool *ret_json)
{
	static const struct option longs[] = {CLI_JSON_OPTION, CLI_HELP_OPTION, {0}};
	int option;

	*ret_json = false;
	while ((option = cli_option(command, argc, argv, ":h", longs)) >= 0)
		*ret_json |= option == 'j';
	return option;
}

bool cli_parse_seconds(const char *text, unsigned long *ret_ms)
{
	char *end;
	double seconds;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > YEAR_SECONDS)
		return false;
	*ret_ms = (unsigned long)ceil(seconds * 1000);
	return true;
}

bool cli_parse_pid(const char *text, int *ret)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (*end || errno || value <= 0 || value > INT_MAX)
		return false;
	*ret = (int)value;
	return true;
}
