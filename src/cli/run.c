// SPDX-License-Identifier: Apache-2.0
/*
 * `ebcc run`: loads a source or an object, attaches what it says, and prints what it finds.
 */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/kinds.h"
#include "input.h"
#include "load/link.h"
#include "load/module.h"
#include "options.h"
#include "report.h"
#include "signals.h"

enum {
	OPTION_SET = CLI_OPTION_OWN,
	OPTION_EVENT,
};

#define NS_PER_MS 1000000

/* How long to wait for events before the trace pipe is read again. */
#define POLL_MS 100

struct run {
	const char *path;
	unsigned long duration_ms; /* 0: until a signal */
	bool json;
	char **settings; /* "NAME=VALUE", borrowed; the array is malloc'ed */
	size_t setting_count;
	char **types; /* "BUFFER=TYPE", likewise */
	size_t type_count;
	struct cli_input input;
	struct cli_events events;
};

/* ---- Values of variables ---- */

static bool is_text(const struct ebcc_type *type)
{
	const struct ebcc_type *element = ebcc_type_target(type);

	return ebcc_type_kind(type) == EBCC_TYPE_ARRAY &&
	       ebcc_type_kind(element) == EBCC_TYPE_INT &&
	       ebcc_type_encoding(element) == EBCC_INT_CHAR;
}

/* Sets a variable of the source to what "NAME=VALUE" says. */
static struct ebcc_error *set_variable(struct ebcc_module *module, const char *setting)
{
	const char *equals = strchr(setting, '='), *text = equals + 1;
	AUTO_FREE char *name = strndup(setting, (size_t)(equals - setting)), *value = NULL;
	const struct ebcc_type *type = name ? ebcc_module_global_type(module, name) : NULL;
	size_t size = type ? ebcc_type_size(type) : 0;

	if (!name)
		return ebcc_error_no_memory();
	/* The library's error for an unknown name has similar ones. */
	value = calloc(1, size + 1);
	if (!value)
		return ebcc_error_no_memory();
	if (!type)
		return ebcc_module_write_global(module, name, value, size);
	if (is_text(type) && *text != '"') {
		if (strlen(text) > size)
			return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
						 "%s has room for %zu bytes, and '%s' is longer",
						 name, size, text);
		memcpy(value, text, strlen(text));
	} else {
		struct ebcc_error *error = ebcc_type_scan(type, text, value, size);

		if (error)
			return ebcc_error_prefix(error, "--set %s", name);
	}
	return ebcc_module_write_global(module, name, value, size);
}

/* ---- Iterators ---- */

static bool is_iterator(const struct ebcc_program *program)
{
	const struct ebcc_attach_target *target = &program->target;

	return target->kind && ebcc_attach_target_kind(target)->id == EBCC_KIND_ITER;
}

static struct ebcc_error *print_iterator(struct ebcc_program *program, bool json)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_link *link;
	AUTO_CLOSE int fd = -1;
	char block[4096];
	ssize_t size;

	TRY(ebcc_program_attach_iter(program, NULL, &link));
	TRY(ebcc_link_open_iter(link, &fd));
	while ((size = read(fd, block, sizeof(block))) > 0)
		ebcc_buf_append(&text, block, (size_t)size);
	/* Ctrl-C: what came so far is printed. */
	if (size < 0 && errno != EINTR)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "the iterator %s can't be read",
				     program->name);
	if (json)
		cli_print_json_line(json_pack("{s:o,s:o}", "iterator", cli_json_text(program->name),
					      "text",
					      cli_json_bytes(ebcc_buf_string(&text), text.size)));
	else
		cli_put_lines(stdout, ebcc_buf_string(&text));
	return NULL;
}

/* Runs each iterator once, and adds their number to @ret_count. */
static struct ebcc_error *run_iterators(struct run *run, struct ebcc_module *module,
					size_t *ret_count)
{
	for (size_t i = 0; i < module->program_count; i++) {
		if (!is_iterator(module->programs[i]))
			continue;
		TRY(print_iterator(module->programs[i], run->json));
		++*ret_count;
	}
	return NULL;
}

/* ---- Tracing ---- */

static size_t count_links(const struct ebcc_module *module)
{
	size_t count = 0;

	for (const struct ebcc_link *link = module->links; link; link = link->next)
		count++;
	return count;
}

static struct ebcc_error *nothing_attached(const struct ebcc_module *module, const char *path)
{
	if (!strcmp(path, "-"))
		path = CLI_INPUT_NAME;
	if (!module->program_count)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "%s has no programs", path);
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				 "nothing is attached: no program of %s says where it belongs, as "
				 "TRACEPOINT_PROBE(CATEGORY, EVENT), the name kprobe__FUNCTION and "
				 "SEC(\"kprobe/FUNCTION\") do",
				 path);
}

static void detach_all(struct ebcc_module *module)
{
	for (struct ebcc_link *link = module->links; link; link = link->next)
		ebcc_error_destroy(ebcc_link_detach(link));
}

static struct ebcc_error *print_until_end(struct run *run)
{
	uint64_t start = ebcc_now_ns();

	while (!cli_interrupted(NULL) && !ferror(stdout)) {
		uint64_t passed = (ebcc_now_ns() - start) / NS_PER_MS;
		uint64_t left = run->duration_ms - passed;

		if (run->duration_ms && passed >= run->duration_ms)
			return NULL;
		TRY(cli_events_poll(&run->events,
				    run->duration_ms && left < POLL_MS ? (int)left : POLL_MS));
	}
	return NULL;
}

/* "attached 3 programs", for a person who waits. */
static void say_attached(size_t count)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "attached %zu program%s, Ctrl-C ends\n", count,
			count == 1 ? "" : "s");
}

static struct ebcc_error *trace(struct run *run, struct ebcc_module *module)
{
	size_t links, iterators = 0;

	for (size_t i = 0; i < run->setting_count; i++)
		TRY(set_variable(module, run->settings[i]));
	TRY(ebcc_module_load(module));
	run->events = (struct cli_events){.module = module,
					  .json = run->json,
					  .types = run->types,
					  .type_count = run->type_count};
	TRY(cli_events_open(&run->events));
	TRY(ebcc_module_attach_named(module));
	links = count_links(module);
	if (links)
		say_attached(links);
	TRY(run_iterators(run, module, &iterators));
	if (!links && !iterators)
		return nothing_attached(module, run->path);
	if (links)
		TRY(print_until_end(run));
	detach_all(module);
	TRY(cli_events_drain(&run->events));
	cli_events_report_losses(&run->events);
	return cli_tables_print(module, run->json);
}

/* Ctrl-C while something is compiled or attached ends the program, and is not a failure. */
static int run_file(struct run *run)
{
	AUTO_MODULE struct ebcc_module *module = NULL;
	struct ebcc_error *error = cli_input_open(&run->input, run->path, &module);

	if (!error)
		error = trace(run, module);
	cli_events_close(&run->events);
	if (error && ebcc_error_code(error) == EBCC_ERROR_INTERRUPTED && cli_interrupted(NULL)) {
		ebcc_error_destroy(error);
		return CLI_OK;
	}
	return error ? cli_fail(error) : CLI_OK;
}

/* ---- Options ---- */

/* Appends "NAME=VALUE" to a list. */
static int add_setting(const struct cli_command *command, char *text, const char *form,
		       char ***list, size_t *count)
{
	char **more;

	if (!strchr(text, '=') || *text == '=')
		return cli_usage(command, "'%s' is not %s", text, form);
	more = realloc(*list, (*count + 1) * sizeof(*more));
	if (!more)
		return cli_no_memory();
	*list = more;
	more[(*count)++] = text;
	return CLI_OK;
}

static int take_option(struct run *run, const struct cli_command *command, int option, int argc,
		       char **argv)
{
	switch (option) {
	case 'd':
		if (!cli_parse_seconds(optarg, &run->duration_ms))
			return cli_usage(command, "'%s' is not a number of seconds", optarg);
		return CLI_OK;
	case 'j':
		run->json = true;
		return CLI_OK;
	case OPTION_SET:
		return add_setting(command, optarg, "NAME=VALUE", &run->settings,
				   &run->setting_count);
	case OPTION_EVENT:
		return add_setting(command, optarg, "BUFFER=TYPE", &run->types, &run->type_count);
	default:
		return cli_input_option(&run->input, command, option, argc, argv);
	}
}

static int read_options(struct run *run, const struct cli_command *command, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_COMPILE_OPTIONS,
		{"duration", required_argument, NULL, 'd'},
		{"set", required_argument, NULL, OPTION_SET},
		{"event", required_argument, NULL, OPTION_EVENT},
		CLI_JSON_OPTION,
		CLI_HELP_OPTION,
		{0},
	};
	int option, status;

	while ((option = cli_option(command, argc, argv, ":hd:" CLI_COMPILE_SHORTS, longs)) >= 0) {
		status = take_option(run, command, option, argc, argv);
		if (status)
			return status;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (argc - optind != 1)
		return cli_usage(command, argc == optind ? "a FILE is missing"
							 : "there is one FILE too many");
	run->path = argv[optind];
	return CLI_OK;
}

static int run_run(const struct cli_command *command, int argc, char **argv)
{
	struct run run = {0};
	int status;

	cli_input_init(&run.input);
	status = read_options(&run, command, argc, argv);
	if (status < 0) {
		status = cli_option_status(status);
	} else if (!status) {
		cli_catch_signals();
		status = run_file(&run);
	}
	cli_input_deinit(&run.input);
	free(run.settings);
	free(run.types);
	return status;
}

static const char run_text[] =
	"Loads FILE, a C source or an object, attaches each program to what its name or its\n"
	"section says, and prints, until Ctrl-C: events of perf and ring buffers by their\n"
	"types, and lines of bpf_trace_printk(), which come from all programs on the\n"
	"machine. At the end it prints all tables, sorted by their keys, without the entries\n"
	"of arrays that are 0; histograms have bars. Iterators run once.\n"
	"\n"
	"  FILE                 a source, an object, or - for a source from standard input\n"
	"  -d, --duration SECONDS\n"
	"                       end after this time; 0.5 is possible\n"
	"  --set NAME=VALUE     set a global variable or constant of the source first; may\n"
	"                       be repeated\n"
	"  --event BUFFER=TYPE  the type of a buffer's events, such as events=event, for\n"
	"                       sources that don't tell; may be repeated\n"
	"  --json               print an object in each line: \"event\", \"trace\", \"lost\",\n"
	"                       \"iterator\" or \"table\"\n" CLI_COMPILE_HELP "\n"
	"Exit status: 0; 1 if it does not compile, load or attach, or nothing says where to\n"
	"attach; 2 for wrong usage.\n"
	"\n"
	"examples:\n"
	"  ebcc run trace.c                      until Ctrl-C\n"
	"  ebcc run trace.o --duration 10        an object, for ten seconds\n"
	"  ebcc run trace.c --set target=1234    with `const volatile int target;`\n"
	"  ebcc run trace.c --json | jq .data    events for another program\n";

const struct cli_command cli_run = {
	.name = "run",
	.summary = "attaches the programs of a source or an object and prints what they find",
	.arguments = "FILE [--duration SECONDS] [OPTION]...",
	.text = run_text,
	.run = run_run,
};
