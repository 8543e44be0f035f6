/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FILE that `ebcc build` and `ebcc run` take: a source in C, or an object; and the options for
 * compiling it, as compilers have them.
 */
#ifndef EBCC_CLI_INPUT_H
#define EBCC_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "options.h"
#include "report.h"

/* -D, -U, -I, -W, and -include, which getopt takes for -i with the value "nclude". */
#define CLI_COMPILE_SHORTS "D:U:I:W:i:"

enum cli_compile_option {
	CLI_OPTION_PORTABLE = CLI_LONG_OPTIONS,
	CLI_OPTION_KERNEL_ROOT,
	CLI_OPTION_BTF,
	CLI_OPTION_INCLUDE,
	CLI_OPTION_OWN, /* the first number for options of the sub-command */
};

#define CLI_COMPILE_OPTIONS                                                                        \
	{"portable", no_argument, NULL, CLI_OPTION_PORTABLE},                                      \
		{"kernel-root", required_argument, NULL, CLI_OPTION_KERNEL_ROOT},                  \
		{"btf", required_argument, NULL, CLI_OPTION_BTF},                                  \
	{                                                                                          \
		"include", required_argument, NULL, CLI_OPTION_INCLUDE                             \
	}

#define CLI_COMPILE_HELP                                                                           \
	"  -D NAME[=VALUE], -U NAME, -I DIRECTORY, -W...\n"                                        \
	"                       as for compilers\n"                                                \
	"  -include, --include HEADER\n"                                                           \
	"                       include it before the source\n"                                    \
	"  --portable           adjust what the source reads of the kernel's types when the\n"     \
	"                       object is loaded, so that other kernels can load it\n"             \
	"  --kernel-root DIR    compile for the kernel whose /proc, /sys and /boot were copied\n"  \
	"                       to this directory\n"                                               \
	"  --btf FILE           compile against the types in this file (BTF, or an ELF file)\n"

struct cli_input {
	struct ebcc_module_opts opts; /* without the strings of flags */
	char **flags;		      /* malloc'ed, with its strings */
	size_t flag_count;
	/* What the compiler and the loader had to say. */
	json_t *messages; /* array of messages, or NULL: they are printed */
};

void cli_input_init(struct cli_input *input);
void cli_input_deinit(struct cli_input *input);
#define AUTO_INPUT CLEANUP(cli_input_deinit)

/* From now on, collects messages instead of printing them. Returns false if out of memory. */
bool cli_input_collect(struct cli_input *input);

/*
 * Takes an option of CLI_COMPILE_SHORTS or CLI_COMPILE_OPTIONS. Returns CLI_OK, or CLI_USAGE after
 * printing a message, also for an option that is none of these.
 */
int cli_input_option(struct cli_input *input, const struct cli_command *command, int option,
		     int argc, char **argv);

/* How messages name a source from standard input. */
#define CLI_INPUT_NAME "<stdin>"

/* Whether a file begins as ELF objects do. False if it can't be read. */
bool cli_is_object(const char *path);

/*
 * Creates a module from @path: a source, an object, or "-" for a source from standard input. The
 * caller destroys it before @input.
 */
MUST_CHECK struct ebcc_error *cli_input_open(struct cli_input *input, const char *path,
					     struct ebcc_module **ret);

/* The diagnostics in a text as clang prints them: an array of objects with "severity", "file",
 * "line", "column", "message" and "text". */
json_t *cli_json_diagnostics(const char *text);

static inline void cli_cleanup_module(struct ebcc_module **module)
{
	ebcc_module_destroy(*module);
}
#define AUTO_MODULE CLEANUP(cli_cleanup_module)

#endif /* EBCC_CLI_INPUT_H */
