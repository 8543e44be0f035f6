// SPDX-License-Identifier: Apache-2.0
/*
 * The program `ebcc`: finds the sub-command that its first argument names. One that isn't in the
 * table may be a program of its own, `ebcc-NAME`, or a tool that is installed with this program.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/near_names.h"
#include "cli.h"
#include "options.h"
#include "report.h"

static int run_help(const struct cli_command *command, int argc, char **argv);
static int run_version(const struct cli_command *command, int argc, char **argv);

static const char help_text[] =
	"Shows what a sub-command does. Without COMMAND, lists all of them.\n"
	"\n"
	"examples:\n"
	"  ebcc help\n"
	"  ebcc help probes\n";

static const struct cli_command help_command = {
	.name = "help",
	.summary = "shows the options of a sub-command, with examples",
	.arguments = "[COMMAND]",
	.text = help_text,
	.run = run_help,
};

static const char version_text[] = "Shows the version of ebcc.\n"
				   "\n"
				   "  --json  as JSON\n"
				   "\n"
				   "examples:\n"
				   "  ebcc version\n"
				   "  ebcc version --json\n";

static const struct cli_command version_command = {
	.name = "version",
	.summary = "shows the version of ebcc",
	.arguments = "[--json]",
	.text = version_text,
	.run = run_version,
};

/* What is a program of its own has no options here. */
static const struct cli_command bundle_command = {
	.name = "bundle",
	.summary = "writes a Python script with all that it compiles into one file",
};

/* In the order in which `ebcc help` lists them. */
static const struct cli_command *const commands[] = {
	&cli_run,    &cli_build, &bundle_command, &cli_probes,
	&cli_doctor, &cli_cache, &help_command,	  &version_command,
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

/* Finds a sub-command that is part of this program. */
static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i]->run && !strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* The names of the tools that come with this program, separated by spaces. */
static const char tools[] = EBCC_TOOLS;

static bool is_tool(const char *name)
{
	size_t length = strlen(name);

	for (const char *at = tools; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == length && !memcmp(at, name, length))
			return true;
		at += word;
	}
	return false;
}

/* Prints the names of the tools, several in each line. */
static void list_tools(FILE *file)
{
	size_t column = 0;

	for (const char *at = tools; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		if (column + length > 76) {
			fputc('\n', file);
			column = 0;
		}
		fprintf(file, "%s%.*s", column ? " " : "  ", (int)length, at);
		column += length + (column ? 1 : 2);
		at += length;
	}
	fputc('\n', file);
}

static void list_commands(FILE *file)
{
	fputs("usage: ebcc COMMAND [ARGUMENT]...\n\n"
	      "Traces Linux with programs written in C.\n\n",
	      file);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(file, "  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nA tool is a COMMAND, too: `ebcc opensnoop -p 1` runs opensnoop. There are\n",
	      file);
	list_tools(file);
	fputs("\n`ebcc help COMMAND` or `ebcc COMMAND --help` shows options and examples.\n"
	      "\n"
	      "examples:\n"
	      "  ebcc doctor                    what does this machine support?\n"
	      "  ebcc probes 'tracepoint:*' -v  what can be traced, with arguments\n"
	      "  ebcc run trace.c               run a program and print what it finds\n",
	      file);
}

/* ---- Sub-commands that are programs ---- */

/* Whether @name can be a part of a file's name, and not a path. */
static bool is_plain_name(const char *name)
{
	return *name && *name != '-' && *name != '.' && !strchr(name, '/') &&
	       strlen(name) < NAME_MAX - strlen("ebcc-");
}

static bool is_program(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, X_OK);
}

/* The directory of this program, malloc'ed; NULL if it isn't known. */
static char *own_directory(void)
{
	char *path = realpath("/proc/self/exe", NULL);
	char *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		*slash = '\0';
	return path;
}

/* Where a sub-command's program is, relative to this program: first those that only `ebcc` runs,
 * then those that have its name before their own, then tools under their plain names. */
static const struct {
	const char *format;
	bool only_tools; /* the directory has programs of others, too */
} places[] = {
	{"../libexec/ebcc/ebcc-%s", false},
	{"../libexec/ebcc/tools/%s", false},
	{"../sbin/ebcc-%s", false},
	{"ebcc-%s", false},
	{"../sbin/%s", true},
};

/* Finds a program beside this one. The path is malloc'ed; NULL: there is none. */
static char *find_beside(const char *name)
{
	AUTO_FREE char *directory = own_directory();

	for (size_t i = 0; directory && i < sizeof(places) / sizeof(*places); i++) {
		AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

		if (places[i].only_tools && !is_tool(name))
			continue;
		ebcc_buf_printf(&path, "%s/", directory);
		ebcc_buf_printf(&path, places[i].format, name);
		if (!path.failed && is_program(path.data))
			return strdup(path.data);
	}
	return NULL;
}

/* Runs the program of a sub-command in place of this one. Returns if there is none. */
static void run_program(const char *name, char **argv)
{
	AUTO_FREE char *path = find_beside(name);
	AUTO_FREE char *command = NULL;

	if (path) {
		argv[0] = path;
		execv(path, argv);
		cli_complain("%s can't be run: %s", path, ebcc_errno_message(errno));
		exit(CLI_FAILED);
	}
	if (asprintf(&command, "ebcc-%s", name) < 0) {
		command = NULL;
		return;
	}
	argv[0] = command;
	execvp(command, argv);
}

/* ---- What has no file of its own ---- */

static int unknown(const char *name)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_near_names near;

	if (!strcmp(name, bundle_command.name)) {
		cli_complain("the sub-command '%s' is a program of ebcc's Python package, which is "
			     "not installed (python3-ebcc)",
			     name);
		return CLI_FAILED;
	}
	ebcc_near_names_init(&near, name);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		ebcc_near_names_add(&near, commands[i]->name);
	ebcc_near_names_suggest(&near, &text);
	cli_complain("there is neither a sub-command nor a tool '%s'%s (ebcc help lists them)",
		     name, ebcc_buf_string(&text));
	return CLI_USAGE;
}

static int run_help(const struct cli_command *command, int argc, char **argv)
{
	static const struct option longs[] = {CLI_HELP_OPTION, {0}};
	char help[] = "--help", *tool[] = {NULL, help, NULL};
	const struct cli_command *about;
	int option = cli_option(command, argc, argv, ":h", longs);

	if (option != CLI_OPTIONS_END)
		return cli_option_status(option);
	if (argc - optind > 1)
		return cli_usage(command, "there is one COMMAND too many");
	if (argc == optind) {
		list_commands(stdout);
		return CLI_OK;
	}
	about = find_command(argv[optind]);
	if (about) {
		cli_help(about);
		return CLI_OK;
	}
	if (is_plain_name(argv[optind]))
		run_program(argv[optind], tool);
	return unknown(argv[optind]);
}

static int print_version(bool json)
{
	if (json)
		cli_print_json(json_pack("{s:s}", "version", ebcc_version()));
	else
		printf("ebcc %s\n", ebcc_version());
	return CLI_OK;
}

static int run_version(const struct cli_command *command, int argc, char **argv)
{
	bool json;
	int option = cli_json_option(command, argc, argv, &json);

	if (option != CLI_OPTIONS_END)
		return cli_option_status(option);
	if (argc > optind)
		return cli_usage(command, "there is one argument too many");
	return print_version(json);
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
	AUTO_FREE char *name = NULL;

	if (asprintf(&name, "ebcc %s", command->name) < 0) {
		name = NULL;
		return cli_no_memory();
	}
	argv[0] = name;
	return command->run(command, argc, argv);
}

static int dispatch(int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2) {
		list_commands(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print_version(false);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		list_commands(stdout);
		return CLI_OK;
	}
	command = find_command(argv[1]);
	if (command)
		return run_command(command, argc - 1, argv + 1);
	if (is_plain_name(argv[1])) {
		AUTO_FREE char *name = strdup(argv[1]);

		if (name)
			run_program(name, argv + 1);
		return unknown(name ? name : "");
	}
	return unknown(argv[1]);
}

int main(int argc, char **argv)
{
	return cli_finish(dispatch(argc, argv));
}
