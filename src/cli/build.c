// SPDX-License-Identifier: Apache-2.0
/*
 * `ebcc build`: compiles a source to an object, as a compiler does.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/write_file.h"
#include "input.h"
#include "load/module.h"
#include "options.h"
#include "report.h"
#include "signals.h"
#include "verdict.h"

enum {
	OPTION_VERIFY = CLI_OPTION_OWN,
};

struct build {
	const char *path;
	const char *output; /* NULL: the default; "-": standard output */
	char *default_output;
	bool verify, json;
	struct cli_input input;
};

/* "DIR/trace.bpf.c" becomes "DIR/trace.bpf.o". */
static bool set_default_output(struct build *build)
{
	size_t length = strlen(build->path);

	if (length > 2 && !strcmp(build->path + length - 2, ".c"))
		length -= 2;
	if (asprintf(&build->default_output, "%.*s.o", (int)length, build->path) < 0) {
		build->default_output = NULL;
		return false;
	}
	build->output = build->default_output;
	return true;
}

static struct ebcc_error *write_object(const struct build *build, struct ebcc_module *module)
{
	AUTO_BUF struct ebcc_buf object = EBCC_BUF_INIT;

	if (strcmp(build->output, "-"))
		return ebcc_module_save(module, build->output);
	TRY(ebcc_module_join_objects(module, &object));
	if (!ebcc_write_exactly(STDOUT_FILENO, object.data, object.size))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "the object can't be written");
	return NULL;
}

/* Prints everything as one value. */
static int report_json(struct build *build, bool written, bool accepted, json_t *programs,
		       struct ebcc_error *error)
{
	const char *details = error ? ebcc_error_details(error) : NULL;
	AUTO_JSON json_t *found = NULL;
	json_t *report;

	if (error && ebcc_error_code(error) == EBCC_ERROR_COMPILE && details) {
		found = cli_json_diagnostics(details);
		json_array_extend(build->input.messages, found);
	}
	report = json_pack("{s:o,s:o,s:b,s:O}", "file", cli_json_text(build->path), "object",
			   written ? cli_json_text(build->output) : json_null(), "portable",
			   build->input.opts.portable, "diagnostics", build->input.messages);
	if (build->verify && !error)
		json_object_set(report, "programs", programs);
	json_object_set_new(report, "error", error ? cli_json_error(error) : json_null());
	cli_print_json(report);
	ebcc_error_destroy(error);
	return error || !accepted ? CLI_FAILED : CLI_OK;
}

static int build_file(struct build *build)
{
	AUTO_MODULE struct ebcc_module *module = NULL;
	AUTO_JSON json_t *programs = json_array();
	struct ebcc_error *error = cli_input_open(&build->input, build->path, &module);
	bool written = false, accepted = true;

	if (!error && build->output) {
		error = write_object(build, module);
		written = !error;
	}
	if (!error && build->verify)
		accepted = cli_verify(module, build->json ? programs : NULL);
	if (build->json)
		return report_json(build, written, accepted, programs, error);
	if (error)
		return cli_fail(error);
	return accepted ? CLI_OK : CLI_FAILED;
}

/* What can't be known while options are read. */
static int check(struct build *build, const struct cli_command *command)
{
	bool is_input = !strcmp(build->path, "-"), is_object = cli_is_object(build->path);

	if (is_object && !build->verify)
		return cli_usage(command,
				 "%s is an object already; --verify shows whether this kernel "
				 "accepts it",
				 build->path);
	if (is_object && build->output)
		return cli_usage(command, "-o is for sources, and %s is an object", build->path);
	if (build->output && !strcmp(build->output, "-") && (build->json || build->verify))
		return cli_usage(command,
				 "standard output can't take both the object and a report");
	if (is_input && !build->output && !build->verify)
		return cli_usage(command, "a source from standard input needs -o or --verify");
	if (!build->output && !is_object && !is_input && !set_default_output(build))
		return cli_no_memory();
	if (build->json && !cli_input_collect(&build->input))
		return cli_no_memory();
	return CLI_OK;
}

static int read_options(struct build *build, const struct cli_command *command, int argc,
			char **argv)
{
	static const struct option longs[] = {
		CLI_COMPILE_OPTIONS,
		{"output", required_argument, NULL, 'o'},
		{"verify", no_argument, NULL, OPTION_VERIFY},
		CLI_JSON_OPTION,
		CLI_HELP_OPTION,
		{0},
	};
	int option, status;

	while ((option = cli_option(command, argc, argv, ":ho:" CLI_COMPILE_SHORTS, longs)) >= 0) {
		if (option == 'o') {
			build->output = optarg;
		} else if (option == OPTION_VERIFY) {
			build->verify = true;
		} else if (option == 'j') {
			build->json = true;
		} else {
			status = cli_input_option(&build->input, command, option, argc, argv);
			if (status)
				return status;
		}
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (argc - optind != 1)
		return cli_usage(command, argc == optind ? "a FILE is missing"
							 : "there is one FILE too many");
	build->path = argv[optind];
	return check(build, command);
}

static int run_build(const struct cli_command *command, int argc, char **argv)
{
	struct build build = {0};
	int status;

	cli_input_init(&build.input);
	status = read_options(&build, command, argc, argv);
	if (status < 0) {
		status = cli_option_status(status);
	} else if (!status) {
		cli_catch_signals();
		status = build_file(&build);
	}
	cli_input_deinit(&build.input);
	free(build.default_output);
	return status;
}

static const char build_text[] =
	"Compiles a C source ahead, to an object that `ebcc run`, Python, Lua and C load\n"
	"without a compiler. With --verify, FILE may also be an object.\n"
	"\n"
	"  FILE                 the source; - for standard input\n"
	"  -o, --output OBJECT  where to write it; - for standard output; by default FILE\n"
	"                       with .o in place of .c\n"
	"  --verify             load each program too, and show the verdict of this\n"
	"                       kernel's verifier: instructions as compiled, those that it\n"
	"                       followed, bytes of stack, time, size of the machine code\n"
	"  --json               print diagnostics and verdicts as JSON\n" CLI_COMPILE_HELP "\n"
	"Exit status: 0, also with warnings; 1 if the source does not compile, the object\n"
	"can't be written or a program is rejected; 2 for wrong usage.\n"
	"\n"
	"examples:\n"
	"  ebcc build trace.c                         writes trace.o\n"
	"  ebcc build trace.c -o /tmp/t.o --portable  for any kernel from 5.10 on\n"
	"  ebcc build trace.c -DLIMIT=10 -Wextra      with flags for the compiler\n"
	"  ebcc build --verify trace.c                what does the verifier say?\n"
	"  ebcc build --verify trace.o --json         the same of an object, as JSON\n"
	"  ebcc build trace.c --kernel-root /srv/k1   for the kernel of another machine\n";

const struct cli_command cli_build = {
	.name = "build",
	.summary = "compiles a source to an object; shows what the verifier says",
	.arguments = "FILE [-o OBJECT] [OPTION]...",
	.text = build_text,
	.run = run_build,
};
