/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bench/batches runs in C: fills a buffer with events, reads them with libebcc and with
 * libbpf's own reader of the same map, by turns, and prints the processor time for an event of each
 * as JSON. The argument is the kind of buffer, perf or ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <ebcc.h>

#define EVENTS 500000
#define PAGES 8192
#define ROUNDS 7

static const char source[] = "struct event { u64 time; u32 pid; u32 size; };\n"
			     "#ifdef PERF\n"
			     "BPF_PERF_OUTPUT(events);\n"
			     "#else\n"
			     "BPF_RINGBUF_OUTPUT(events, 8192);\n"
			     "#endif\n"
			     "int fill(struct __sk_buff *skb) {\n"
			     "	struct event event = {.time = 1, .pid = 2, .size = 3};\n"
			     "#ifdef PERF\n"
			     "	events.perf_submit(skb, &event, sizeof(event));\n"
			     "#else\n"
			     "	events.ringbuf_output(&event, sizeof(event), 0);\n"
			     "#endif\n"
			     "	return 0;\n"
			     "}\n";

static unsigned long long sum, count;

static void add(const void *data)
{
	unsigned pid;

	memcpy(&pid, (const char *)data + 8, sizeof(pid));
	sum += pid;
	count++;
}

static int on_ebcc(void *ctx, int cpu, const void *data, size_t size)
{
	add(data);
	return 0;
}

static void on_perf(void *ctx, int cpu, void *data, __u32 size)
{
	add(data);
}

static int on_ring(void *ctx, void *data, size_t size)
{
	add(data);
	return 0;
}

static void check(struct ebcc_error *error)
{
	if (!error)
		return;
	fprintf(stderr, "%s\n", ebcc_error_message(error));
	exit(EXIT_FAILURE);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void fill(struct ebcc_program *program)
{
	char packet[64] = {0};
	struct ebcc_test_run_opts opts = {.sz = sizeof(opts),
					  .data_in = packet,
					  .data_size_in = sizeof(packet),
					  .repeat = EVENTS};

	check(ebcc_program_test_run(program, &opts));
}

/* Seconds for an event. */
static double per_event(double seconds)
{
	if (count != EVENTS || sum != 2ull * EVENTS) {
		fprintf(stderr, "%llu of %d events were read\n", count, EVENTS);
		exit(EXIT_FAILURE);
	}
	count = sum = 0;
	return seconds / EVENTS;
}

static double read_ebcc(struct ebcc_module *module, struct ebcc_table *table,
			struct ebcc_program *program)
{
	struct ebcc_events_opts opts = {.sz = sizeof(opts), .event = on_ebcc, .page_count = PAGES};
	double seconds;

	check(ebcc_table_open_events(table, &opts));
	fill(program);
	seconds = cpu_seconds();
	while (count < EVENTS)
		check(ebcc_module_consume(module, NULL));
	seconds = cpu_seconds() - seconds;
	ebcc_table_close_events(table);
	return per_event(seconds);
}

static double read_libbpf(int fd, struct ebcc_program *program, int perf)
{
	struct perf_buffer *perf_reader = NULL;
	struct ring_buffer *ring_reader = NULL;
	double seconds;

	if (perf)
		perf_reader = perf_buffer__new(fd, PAGES, on_perf, NULL, NULL, NULL);
	else
		ring_reader = ring_buffer__new(fd, on_ring, NULL, NULL);
	if (!perf_reader && !ring_reader) {
		fprintf(stderr, "libbpf can't open the buffer\n");
		exit(EXIT_FAILURE);
	}
	fill(program);
	seconds = cpu_seconds();
	if (perf)
		perf_buffer__consume(perf_reader);
	else
		ring_buffer__consume(ring_reader);
	seconds = cpu_seconds() - seconds;
	perf_buffer__free(perf_reader);
	ring_buffer__free(ring_reader);
	return per_event(seconds);
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	int perf = argc > 1 && !strcmp(argv[1], "perf");
	const char *flags[] = {"-DPERF"};
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .cflags = flags, .cflag_count = perf};
	double ours[ROUNDS], theirs[ROUNDS];
	struct ebcc_program *program;
	struct ebcc_module *module;
	struct ebcc_table *table;

	check(ebcc_module_create(source, strlen(source), &opts, &module));
	check(ebcc_module_find_program(module, "fill", &program));
	check(ebcc_program_load(program, BPF_PROG_TYPE_SOCKET_FILTER, NULL));
	check(ebcc_module_find_table(module, "events", &table));
	read_ebcc(module, table, program);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = read_ebcc(module, table, program);
		theirs[i] = read_libbpf(ebcc_table_fd(table), program, perf);
	}
	printf("{\"ebcc\": %.3e, \"libbpf\": %.3e}\n", median(ours), median(theirs));
	ebcc_module_destroy(module);
	return EXIT_SUCCESS;
}
