// SPDX-License-Identifier: Apache-2.0
/*
 * The C API in one page: compiles a program, attaches it, and prints each program that is
 * started on this machine until Ctrl-C, or until as many were seen as the argument says.
 *
 *	cc hello.c $(pkg-config --cflags --libs ebcc) -o hello && sudo ./hello 5
 */
#include <ebcc.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char source[] =
	"struct event {\n"
	"	u32 pid;\n"
	"	char command[TASK_COMM_LEN];\n"
	"};\n"
	"BPF_PERF_OUTPUT(events);\n"
	"\n"
	"/* Attaches itself: its name says tracepoint sched:sched_process_exec. */\n"
	"TRACEPOINT_PROBE(sched, sched_process_exec)\n"
	"{\n"
	"	struct event event = {};\n"
	"\n"
	"	event.pid = bpf_get_current_pid_tgid() >> 32;\n"
	"	bpf_get_current_comm(&event.command, sizeof(event.command));\n"
	"	events.perf_submit(args, &event, sizeof(event));\n"
	"	return 0;\n"
	"}\n";

/* As in the source above. */
struct event {
	uint32_t pid;
	char command[16];
};

struct output {
	unsigned long wanted, printed; /* wanted 0: no end */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static int print_event(void *ctx, int cpu, const void *data, size_t size)
{
	struct output *output = ctx;
	struct event event;

	if (size < sizeof(event) || (output->wanted && output->printed == output->wanted))
		return 0;
	memcpy(&event, data, sizeof(event));
	printf("hello, %.*s (pid %u, cpu %d)\n", (int)sizeof(event.command), event.command,
	       event.pid, cpu);
	fflush(stdout);
	output->printed++;
	return 0;
}

static int print_lost(void *ctx, int cpu, uint64_t count)
{
	(void)ctx;
	(void)cpu;
	fprintf(stderr, "lost %llu events\n", (unsigned long long)count);
	return 0;
}

static void print_log(void *ctx, enum ebcc_log_level level, const char *message)
{
	(void)ctx;
	if (level <= EBCC_LOG_WARNING)
		fprintf(stderr, "%s\n", message);
}

/* Attaches and prints. The first call that fails ends it; its error goes to the caller. */
static struct ebcc_error *trace(struct ebcc_module *module, struct output *output)
{
	struct ebcc_events_opts opts = {
		.sz = sizeof(opts), .event = print_event, .lost = print_lost, .ctx = output};
	struct ebcc_error *error;
	struct ebcc_table *events;

	error = ebcc_module_find_table(module, "events", &events);
	if (!error)
		error = ebcc_table_open_events(events, &opts);
	if (!error)
		error = ebcc_module_attach_named(module);
	if (!error)
		fprintf(stderr, "tracing; Ctrl-C to end\n");
	while (!error && !stopped && (!output->wanted || output->printed < output->wanted))
		error = ebcc_module_poll(module, 500, NULL);
	if (error && ebcc_error_code(error) == EBCC_ERROR_INTERRUPTED) {
		ebcc_error_destroy(error);
		error = NULL;
	}
	return error;
}

int main(int argc, char **argv)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .log = print_log};
	struct output output = {.wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0};
	struct sigaction action = {.sa_handler = stop};
	struct ebcc_module *module = NULL;
	struct ebcc_error *error;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	error = ebcc_module_create(source, strlen(source), &opts, &module);
	if (!error)
		error = trace(module, &output);
	if (error)
		fprintf(stderr, "hello: %s\n", ebcc_error_message(error));
	ebcc_module_destroy(module);
	if (!error)
		return 0;
	ebcc_error_destroy(error);
	return 1;
}
