/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `ebcc`: a table of sub-commands, each in a file of its own.
 */
#ifndef EBCC_CLI_CLI_H
#define EBCC_CLI_CLI_H

/* The exit status of every sub-command. */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2, /* called wrongly */
};

struct cli_command {
	const char *name;
	const char *summary;   /* one line, for the list of sub-commands */
	const char *arguments; /* what follows the name in the usage line */
	const char *text;      /* what it does, its options and examples; ends with a newline */
	/* @argv[0] is "ebcc NAME". Returns an enum cli_status. */
	int (*run)(const struct cli_command *command, int argc, char **argv);
};

extern const struct cli_command cli_build, cli_cache, cli_doctor, cli_probes, cli_run;

#endif /* EBCC_CLI_CLI_H */
