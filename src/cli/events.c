// SPDX-License-Identifier: Apache-2.0
/*
 * Events of a module as lines. The trace pipe has the output of all programs on the machine, and no
 * line says which program wrote it: all of it is printed from the time on when this module's
 * programs are attached.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/bpf.h>

#include "load/module.h"
#include "load/value.h"
#include "report.h"
#include "run.h"
#include "value.h"

/* ---- Buffers ---- */

static void print_event(const struct cli_reader *reader, int cpu, const void *data, size_t size)
{
	const char *name = ebcc_table_name(reader->table);
	const struct ebcc_type *type = reader->type;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (reader->events->json) {
		cli_print_json_line(json_pack("{s:o,s:o,s:o}", "event", cli_json_text(name), "cpu",
					      cpu < 0 ? json_null() : json_integer(cpu), "data",
					      cli_value_json(type, data, size)));
		return;
	}
	cli_value_text(type, data, size, &text);
	cli_put(stdout, name);
	printf(": %s\n", ebcc_buf_string(&text));
}

static int on_event(void *ctx, int cpu, const void *data, size_t size)
{
	print_event(ctx, cpu, data, size);
	/* When nobody reads the output any more, there is no reason to go on. */
	return ferror(stdout);
}

static int on_lost(void *ctx, int cpu, uint64_t count)
{
	struct cli_reader *reader = ctx;

	reader->lost += count;
	if (reader->events->json)
		cli_print_json_line(json_pack("{s:o,s:I}", "lost",
					      cli_json_text(ebcc_table_name(reader->table)),
					      "count", (json_int_t)count));
	return 0;
}

/* Whether a table is a buffer of events. An array of counters is of the same type as a perf
 * buffer, but has a size of its own, and programs write nothing to it. */
static bool is_buffer(const struct ebcc_table *table)
{
	switch (ebcc_table_map_type(table)) {
	case BPF_MAP_TYPE_RINGBUF:
		return true;
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return ebcc_table_event_type(table) || !ebcc_table_max_entries(table);
	default:
		return false;
	}
}

static struct ebcc_error *open_reader(struct cli_events *events, struct ebcc_table *table)
{
	struct cli_reader *reader = &events->readers[events->reader_count];
	const struct ebcc_events_opts opts = {
		.sz = sizeof(opts),
		.event = on_event,
		.lost = on_lost,
		.ctx = reader,
		.page_count = 64,
	};

	*reader = (struct cli_reader){
		.events = events, .table = table, .type = ebcc_table_event_type(table)};
	TRY(ebcc_table_open_events(table, &opts));
	events->reader_count++;
	return NULL;
}

/* The type of that name, with or without "struct" before it, in the object's BTF; or NULL. */
static const struct ebcc_type *find_type(const struct ebcc_module *module, const char *name)
{
	static const unsigned kinds[] = {BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_TYPEDEF,
					 BTF_KIND_ENUM, BTF_KIND_INT};
	static const char prefix[] = "struct ";

	if (!strncmp(name, prefix, strlen(prefix)))
		name += strlen(prefix);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int id = btf__find_by_name_kind(module->btf, name, kinds[i]);

		if (id > 0)
			return ebcc_types_get(module->types, (uint32_t)id);
	}
	return NULL;
}

/* Does what one "BUFFER=TYPE" says. */
static struct ebcc_error *set_type(const struct cli_events *events, const char *text)
{
	const char *name = strchr(text, '=') + 1;
	size_t length = (size_t)(name - 1 - text);

	for (size_t i = 0; i < events->reader_count; i++) {
		struct cli_reader *reader = &events->readers[i];
		const char *buffer = ebcc_table_name(reader->table);

		if (strlen(buffer) != length || memcmp(buffer, text, length))
			continue;
		reader->type = find_type(events->module, name);
		if (reader->type)
			return NULL;
		return ebcc_error_create(
			EBCC_ERROR_NOT_FOUND,
			"the object does not describe a type '%s'; a global "
			"variable that points to it (%s *unused;) has the compiler "
			"keep it",
			name, name);
	}
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				 "the source has no perf or ring buffer '%.*s'", (int)length, text);
}

/* ---- The trace pipe ---- */

static bool calls_helper(const struct ebcc_program *program, int helper)
{
	size_t size;
	const struct bpf_insn *instructions = ebcc_program_instructions(program, &size);

	for (size_t i = 0; i < size / sizeof(*instructions); i++)
		if (instructions[i].code == (BPF_JMP | BPF_CALL) && !instructions[i].src_reg &&
		    instructions[i].imm == helper)
			return true;
	return false;
}

static bool prints(const struct ebcc_module *module)
{
	const struct ebcc_program *program;

	for (size_t i = 0; (program = ebcc_module_program_at(module, i)); i++)
		if (calls_helper(program, BPF_FUNC_trace_printk) ||
		    calls_helper(program, BPF_FUNC_trace_vprintk))
			return true;
	return false;
}

/* A line of the trace pipe: "  COMMAND-PID  [CPU] FLAGS SECONDS: EVENT: TEXT". */
struct trace_line {
	const char *command, *cpu, *flags, *seconds, *event; /* event: the rest */
	size_t command_length;
};

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " ");
}

/* Finds " [CPU] " in a line. A command's name may contain almost anything. */
static const char *find_cpu(const char *line)
{
	for (const char *at = strstr(line, " ["); at; at = strstr(at + 1, " [")) {
		size_t digits = strspn(at + 2, "0123456789");

		if (digits && !strncmp(at + 2 + digits, "] ", 2))
			return at + 2;
	}
	return NULL;
}

/* Whether the line has this form. A text of several lines has it only in the first. */
static bool parse_trace_line(const char *line, struct trace_line *ret)
{
	const char *at;

	ret->command = skip_blanks(line);
	ret->cpu = find_cpu(line);
	if (!ret->cpu)
		return false;
	ret->command_length = (size_t)(ret->cpu - 1 - ret->command);
	while (ret->command_length && ret->command[ret->command_length - 1] == ' ')
		ret->command_length--;
	ret->flags = skip_blanks(ret->cpu + strspn(ret->cpu, "0123456789") + 1);
	at = ret->flags + strcspn(ret->flags, " ");
	ret->seconds = skip_blanks(at);
	at = strstr(ret->seconds, ": ");
	if (!at || !isdigit((unsigned char)*ret->seconds))
		return false;
	ret->event = at + 2;
	return true;
}

#define PRINTK "bpf_trace_printk: "

/* "12.345678", with six digits after the point, in microseconds. */
static json_int_t read_microseconds(const char *text)
{
	char *end;
	unsigned long long seconds = strtoull(text, &end, 10);

	return (json_int_t)(seconds * 1000000 + (*end == '.' ? strtoull(end + 1, NULL, 10) : 0));
}

static void print_trace_json(const struct trace_line *line)
{
	const char *dash = memrchr(line->command, '-', line->command_length);
	size_t length = dash ? (size_t)(dash - line->command) : line->command_length;

	cli_print_json_line(json_pack("{s:{s:o,s:i,s:i,s:I,s:o}}", "trace", "comm",
				      cli_json_bytes(line->command, length), "pid",
				      dash ? atoi(dash + 1) : 0, "cpu", atoi(line->cpu), "time_us",
				      read_microseconds(line->seconds), "text",
				      cli_json_text(line->event + strlen(PRINTK))));
}

static void print_trace_line(struct cli_events *events, const char *text)
{
	struct trace_line line;

	/* The kernel ends each text with a newline, and most sources do, too. */
	if (!*text)
		return;
	if (parse_trace_line(text, &line)) {
		events->own_line = !strncmp(line.event, PRINTK, strlen(PRINTK));
		if (events->own_line && events->json) {
			print_trace_json(&line);
			return;
		}
	} else if (events->own_line && events->json) {
		cli_print_json_line(json_pack("{s:{s:o}}", "trace", "text", cli_json_text(text)));
		return;
	}
	if (!events->own_line)
		return;
	cli_put_lines(stdout, text);
	putchar('\n');
}

/* Prints what the trace pipe has; with @print false, drops it. */
static struct ebcc_error *read_trace_pipe(struct cli_events *events, bool print)
{
	const char *line = "";

	while (events->pipe && line && !ferror(stdout)) {
		TRY(ebcc_trace_pipe_read(events->pipe, &line));
		if (line && print)
			print_trace_line(events, line);
	}
	return NULL;
}

/* ---- All of it ---- */

struct ebcc_error *cli_events_open(struct cli_events *events)
{
	struct ebcc_module *module = events->module;
	struct ebcc_table *table;
	bool buffer;

	events->readers = calloc(ebcc_module_table_count(module) + 1, sizeof(*events->readers));
	if (!events->readers)
		return ebcc_error_no_memory();
	for (size_t i = 0; (table = ebcc_module_table_at(module, i)); i++) {
		buffer = is_buffer(table);
		if (buffer)
			TRY(open_reader(events, table));
	}
	for (size_t i = 0; i < events->type_count; i++)
		TRY(set_type(events, events->types[i]));
	if (!prints(module))
		return NULL;
	TRY(ebcc_trace_pipe_open(true, &events->pipe));
	return read_trace_pipe(events, false);
}

void cli_events_close(struct cli_events *events)
{
	ebcc_trace_pipe_close(events->pipe);
	for (size_t i = 0; i < events->reader_count; i++)
		ebcc_table_close_events(events->readers[i].table);
	free(events->readers);
	*events = (struct cli_events){0};
}

/* A signal ends the wait, and a reader who went away ends everything; neither is a failure. */
static struct ebcc_error *unless_stopped(struct ebcc_error *error)
{
	if (error && ebcc_error_code(error) != EBCC_ERROR_INTERRUPTED &&
	    ebcc_error_code(error) != EBCC_ERROR_CALLBACK)
		return error;
	ebcc_error_destroy(error);
	return NULL;
}

struct ebcc_error *cli_events_poll(struct cli_events *events, int timeout_ms)
{
	TRY(unless_stopped(ebcc_module_poll(events->module, timeout_ms, NULL)));
	TRY(unless_stopped(read_trace_pipe(events, true)));
	fflush(stdout);
	return NULL;
}

struct ebcc_error *cli_events_drain(struct cli_events *events)
{
	TRY(unless_stopped(ebcc_module_consume(events->module, NULL)));
	return unless_stopped(read_trace_pipe(events, true));
}

void cli_events_report_losses(const struct cli_events *events)
{
	for (size_t i = 0; i < events->reader_count; i++)
		if (events->readers[i].lost)
			cli_complain("%llu events of %s were lost",
				     (unsigned long long)events->readers[i].lost,
				     ebcc_table_name(events->readers[i].table));
}
