// SPDX-License-Identifier: Apache-2.0
/* Events of perf and ring buffers, counted exactly, including losses. The programs react only to
 * this process calling getpgid(). */
#include "load/runtime_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

struct event {
	uint64_t sequence;
	uint32_t pid;
	char text[20];
};

struct received {
	size_t count, stop_at;
	uint64_t lost;
	size_t lost_calls;
	uint64_t sequences; /* the sum of all sequence numbers */
	int cpu;
	struct ebcc_module *poll_again;
	struct ebcc_table *close;
};

static struct ebcc_module *module;
static struct received got;
static int probe;

/* Indexed by _i: 0 is the perf buffer, 1 the ring buffer. */
static const char *const tables[] = {"events", "ring"};
static const char *const programs[] = {"submit", "ring_submit"};

static void setup(void)
{
	module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	target_self(module);
	memset(&got, 0, sizeof(got));
	probe = -1;
}

static void teardown(void)
{
	if (probe >= 0)
		close(probe);
	ebcc_module_destroy(module);
	unlink("/sys/fs/bpf/ebcc_test_routes");
}

static int on_event(void *ctx, int cpu, const void *data, size_t size)
{
	struct received *received = ctx;
	struct event event;

	ck_assert_uint_ge(size, sizeof(event));
	ck_assert_uint_le(size, sizeof(event) + 8);
	memcpy(&event, data, sizeof(event));
	ck_assert_uint_eq(event.pid, (uint32_t)getpid());
	received->count++;
	received->sequences += event.sequence;
	received->cpu = cpu;
	if (received->poll_again)
		check_error(ebcc_module_poll(received->poll_again, 0, NULL), EBCC_ERROR_STATE,
			    "can't poll");
	if (received->close)
		ebcc_table_close_events(received->close);
	return received->stop_at && received->count == received->stop_at;
}

static int on_lost(void *ctx, int cpu, uint64_t count)
{
	struct received *received = ctx;

	received->lost += count;
	received->lost_calls++;
	return 0;
}

static struct ebcc_table *start(int which, unsigned wakeup_events, size_t pages)
{
	struct ebcc_table *table = find_table(module, tables[which]);
	struct ebcc_events_opts opts = {
		.sz = sizeof(opts),
		.event = on_event,
		.lost = on_lost,
		.ctx = &got,
		.page_count = pages,
		.wakeup_events = wakeup_events,
	};

	check_ok(ebcc_table_open_events(table, &opts));
	probe = attach(module, programs[which]);
	return table;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

START_TEST(test_exact)
{
	struct ebcc_table *table = start(_i, 0, 0);
	size_t total = 0, count;
	uint64_t lost;

	ck_assert_str_eq(ebcc_type_name(ebcc_table_event_type(table)), "event");
	ck_assert_uint_eq(ebcc_type_size(ebcc_table_event_type(table)), sizeof(struct event));
	for (int round = 0; round < 50; round++) {
		trigger(20);
		check_ok(ebcc_module_poll(module, 1000, &count));
		total += count;
	}
	while (total < 1000) {
		check_ok(ebcc_module_poll(module, 1000, &count));
		ck_assert_uint_gt(count, 0);
		total += count;
	}
	ck_assert_uint_eq(got.count, 1000);
	ck_assert_uint_eq(got.sequences, 999 * 1000 / 2);
	ck_assert(_i ? got.cpu == -1 : got.cpu >= 0);
	ck_assert_uint_eq(got.lost_calls, 0);
	check_ok(ebcc_table_lost_count(table, &lost));
	ck_assert_uint_eq(lost, 0);
	check_ok(ebcc_module_poll(module, 0, &count));
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* A burst that overflows the buffer, then silence: each event is either received or reported as
 * lost. */
START_TEST(test_losses)
{
	struct ebcc_table *table;
	uint64_t lost;
	size_t count;

	table = start(_i, 0, 2);
	trigger(20000);
	check_ok(ebcc_module_poll(module, 1000, &count));
	ck_assert_uint_eq(count, got.count);
	ck_assert_uint_gt(got.lost, 0);
	ck_assert_uint_eq(got.count + got.lost, 20000);
	check_ok(ebcc_table_lost_count(table, &lost));
	ck_assert_uint_eq(lost, got.lost);
	/* No loss is reported twice. */
	got.lost_calls = 0;
	check_ok(ebcc_module_poll(module, 100, &count));
	ck_assert_uint_eq(got.lost_calls, 0);
	/* Sustained overload: the producer and the reader take turns. */
	for (int round = 0; round < 100; round++) {
		trigger(1000);
		check_ok(ebcc_module_poll(module, 0, NULL));
	}
	check_ok(ebcc_module_consume(module, NULL));
	ck_assert_uint_eq(got.count + got.lost, 120000);
}
END_TEST

static int on_event_that_makes_another(void *ctx, int cpu, const void *data, size_t size)
{
	struct received *received = ctx;

	received->count++;
	trigger(1);
	return received->count == received->stop_at;
}

/* A ring buffer that is being filled while it is read has its turn, and then the others have
 * theirs. */
START_TEST(test_readers_take_turns)
{
	struct ebcc_table *ring = find_table(module, "ring");
	struct received endless = {.stop_at = 4 * 64 * 1024 / sizeof(struct event)};
	struct ebcc_events_opts opts = {
		.sz = sizeof(opts),
		.event = on_event_that_makes_another,
		.ctx = &endless,
	};
	int ring_probe;

	start(0, 0, 0);
	check_ok(ebcc_table_open_events(ring, &opts));
	ring_probe = attach(module, "ring_submit");
	trigger(1);
	check_ok(ebcc_module_poll(module, 1000, NULL));
	close(ring_probe);
	ck_assert_uint_gt(endless.count, 0);
	ck_assert_uint_lt(endless.count, endless.stop_at);
	ck_assert_uint_gt(got.count, 0);
}
END_TEST

START_TEST(test_callback_stops)
{
	size_t count = 77;

	start(_i, _i ? 0 : 1, 0);
	trigger(10);
	got.stop_at = 4;
	check_error(ebcc_module_poll(module, 1000, &count), EBCC_ERROR_CALLBACK, "stopped");
	ck_assert_uint_eq(got.count, 4);
	ck_assert_uint_eq(count, 77);
	/* The rest is still there, and is found without a new event. */
	check_ok(ebcc_module_poll(module, 1000, &count));
	ck_assert_uint_eq(count, 6);
	ck_assert_uint_eq(got.count, 10);
}
END_TEST

/* An event waits in a batch for a few tens of milliseconds at most; then a blocked poll returns.
 * The reader of a ring asks for batches once it has seen an event. */
START_TEST(test_batch_delay)
{
	double start_time;
	size_t count;

	start(_i, 0, 64);
	check_ok(ebcc_module_poll(module, 0, &count));
	for (int round = 0; round < 5; round++) {
		trigger(1);
		start_time = now();
		check_ok(ebcc_module_poll(module, -1, &count));
		ck_assert_uint_eq(count, 1);
		ck_assert(now() - start_time < 0.5);
	}
}
END_TEST

/* How often this thread slept. */
static long sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

enum { SPREAD_EVENTS = 300 };

/* Makes events a millisecond apart; if @ctx is set, each after the previous one has been read. */
static void *trigger_slowly(void *ctx)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (size_t i = 0; i < SPREAD_EVENTS; i++) {
		while (ctx && __atomic_load_n(&got.count, __ATOMIC_RELAXED) < i)
			sched_yield();
		nanosleep(&pause, NULL);
		trigger(1);
	}
	return NULL;
}

/* Events that come one by one wake the reader of a ring only a few times, unless it asks for each.
 */
START_TEST(test_ring_batches)
{
	double begin = now();
	pthread_t thread;
	long before;

	start(1, _i, 0);
	pthread_create(&thread, NULL, trigger_slowly, _i ? &got : NULL);
	before = sleeps();
	while (got.count < SPREAD_EVENTS)
		check_ok(ebcc_module_poll(module, 1000, NULL));
	if (_i)
		ck_assert_int_gt(sleeps() - before, SPREAD_EVENTS / 2);
	else /* one every 30 ms, however long it takes on a busy machine */
		ck_assert_int_lt(sleeps() - before, 50 + (now() - begin) / 0.025);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(got.count, SPREAD_EVENTS);
}
END_TEST

/* A reader that asked for batches is woken when a quarter of the ring is full, and at once after a
 * silence. */
START_TEST(test_ring_wakeups)
{
	struct ebcc_table *table = start(1, 0, 0);
	size_t count = 0, quarter = ebcc_table_max_entries(table) / 4 / sizeof(struct event);
	struct pollfd pollfd = {.events = POLLIN};
	double fastest = 1, begin;

	trigger(1);
	check_ok(ebcc_module_poll(module, 1000, &count));
	trigger((int)quarter);
	check_ok(ebcc_module_poll(module, 1000, &count));
	ck_assert_uint_eq(count, quarter);
	/* On a busy machine this sometimes takes longer; without such wake-ups it always would. */
	for (int i = 0; i < 50 && fastest >= 0.02; i++) {
		check_ok(ebcc_module_poll(module, 300, &count));
		ck_assert_uint_eq(count, 0);
		begin = now();
		trigger(1);
		check_ok(ebcc_module_poll(module, -1, &count));
		if (now() - begin < fastest)
			fastest = now() - begin;
	}
	ck_assert(fastest < 0.02);
	/* A caller that waits on the descriptor sees every wake-up. */
	check_ok(ebcc_module_poll_fd(module, &pollfd.fd));
	for (int i = 0; i < 3; i++) {
		trigger(1);
		ck_assert_int_eq(poll(&pollfd, 1, 0), 1);
		check_ok(ebcc_module_poll(module, 0, &count));
		ck_assert_uint_eq(count, 1);
	}
}
END_TEST

START_TEST(test_wakeup_events)
{
	size_t count;

	start(0, 100, 64);
	trigger(10);
	check_ok(ebcc_module_poll(module, 50, &count));
	ck_assert_uint_eq(count, 0);
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 10);
	check_ok(ebcc_module_poll(module, 50, &count));
	ck_assert_uint_eq(count, 0);
	/* The events may be spread over the CPUs; at least one of them has a hundred. */
	trigger(100 * (int)sysconf(_SC_NPROCESSORS_CONF));
	check_ok(ebcc_module_poll(module, 1000, &count));
	ck_assert_uint_ge(count, 100);
}
END_TEST

START_TEST(test_sources)
{
	struct ebcc_events_opts opts = {.sz = sizeof(opts), .event = on_event, .ctx = &got};
	size_t count;
	int second;

	start(0, 0, 0);
	check_ok(ebcc_table_open_events(find_table(module, "ring"), &opts));
	second = attach(module, "ring_submit");
	trigger(5);
	check_error(ebcc_module_poll_source(module, EBCC_EVENTS_RING + 1, 1000, &count),
		    EBCC_ERROR_INVALID_ARGUMENT, "enum ebcc_event_source is 3");
	check_ok(ebcc_module_poll_source(module, EBCC_EVENTS_RING, 1000, &count));
	ck_assert_uint_eq(count, 5);
	ck_assert_int_eq(got.cpu, -1);
	check_ok(ebcc_module_poll_source(module, EBCC_EVENTS_PERF, 1000, &count));
	ck_assert_uint_eq(count, 5);
	ck_assert_int_ge(got.cpu, 0);
	trigger(3);
	check_ok(ebcc_module_consume_source(module, EBCC_EVENTS_RING, &count));
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(got.cpu, -1);
	check_ok(ebcc_module_consume_source(module, EBCC_EVENTS_PERF, &count));
	ck_assert_uint_eq(count, 3);
	ck_assert_int_ge(got.cpu, 0);
	trigger(3);
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 6);
	close(second);
}
END_TEST

/* An event loop of the caller's own. */
START_TEST(test_poll_fd)
{
	struct pollfd pollfd = {.events = POLLIN};
	size_t total = 0, count;
	double end = now() + 5;

	start(_i, _i ? 0 : 1, 0);
	check_ok(ebcc_module_poll_fd(module, &pollfd.fd));
	for (int i = 0; i < 20; i++) {
		trigger(1);
		while (total < (size_t)i + 1 && now() < end) {
			ck_assert_int_eq(poll(&pollfd, 1, 1000), 1);
			check_ok(ebcc_module_poll(module, 0, &count));
			total += count;
		}
	}
	ck_assert_uint_eq(total, 20);
}
END_TEST

START_TEST(test_poll_fd_batches)
{
	struct pollfd pollfd = {.events = POLLIN};
	size_t count = 0;

	check_ok(ebcc_module_poll_fd(module, &pollfd.fd));
	ck_assert_int_eq(poll(&pollfd, 1, 50), 0);
	start(0, 0, 64);
	trigger(3);
	for (int i = 0; i < 20 && !count; i++) {
		ck_assert_int_eq(poll(&pollfd, 1, 1000), 1);
		check_ok(ebcc_module_poll(module, 0, &count));
	}
	ck_assert_uint_eq(count, 3);
}
END_TEST

static void on_alarm(int number)
{
}

START_TEST(test_interrupted)
{
	struct itimerval timer = {.it_value.tv_usec = 50000};
	struct sigaction action = {.sa_handler = on_alarm};
	size_t count;

	start(_i, _i ? 0 : 1, 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	check_error(ebcc_module_poll(module, 5000, &count), EBCC_ERROR_INTERRUPTED, "signal");
}
END_TEST

START_TEST(test_opening)
{
	struct ebcc_events_opts opts = {.sz = sizeof(opts), .event = on_event, .ctx = &got};
	struct ebcc_table *table = find_table(module, "events");
	uint64_t lost;
	size_t count;

	check_error(ebcc_table_open_events(find_table(module, "counts"), &opts),
		    EBCC_ERROR_INVALID_ARGUMENT, "not a perf or ring buffer");
	check_error(ebcc_table_lost_count(find_table(module, "counts"), &lost),
		    EBCC_ERROR_INVALID_ARGUMENT, "not a perf or ring buffer");
	opts.page_count = 3;
	check_error(ebcc_table_open_events(table, &opts), EBCC_ERROR_INVALID_ARGUMENT,
		    "power of two");
	opts.page_count = 0;
	opts.event = NULL;
	check_error(ebcc_table_open_events(table, &opts), EBCC_ERROR_INVALID_ARGUMENT, "callback");
	opts.event = on_event;
	opts.sz = 0;
	check_error(ebcc_table_open_events(table, &opts), EBCC_ERROR_INVALID_ARGUMENT,
		    "ebcc_events_opts.sz is not set");
	opts.sz = sizeof(opts);
	check_ok(ebcc_table_open_events(table, &opts));
	check_error(ebcc_table_open_events(table, &opts), EBCC_ERROR_STATE, "already open");
	probe = attach(module, "submit");
	trigger(2);
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 2);
	ebcc_table_close_events(table);
	ebcc_table_close_events(table);
	trigger(2);
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 0);
	check_ok(ebcc_table_lost_count(table, &lost));
	ck_assert_uint_eq(lost, 2);
	check_ok(ebcc_table_open_events(table, &opts));
	trigger(2);
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 2);
}
END_TEST

/* Callbacks that poll their own module, or close their own reader. */
START_TEST(test_reentrance)
{
	struct ebcc_table *table = start(_i, 0, 0);
	size_t count;

	trigger(5);
	got.poll_again = module;
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 5);
	got.poll_again = NULL;
	trigger(5);
	got.close = table;
	check_ok(ebcc_module_consume(module, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(got.count, 6);
}
END_TEST

static TCase *case_events(void)
{
	TCase *tcase = tcase_create("events");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_exact, 0, 2);
	tcase_add_loop_test(tcase, test_losses, 0, 2);
	tcase_add_test(tcase, test_readers_take_turns);
	tcase_add_loop_test(tcase, test_callback_stops, 0, 2);
	tcase_add_loop_test(tcase, test_batch_delay, 0, 2);
	tcase_add_loop_test(tcase, test_ring_batches, 0, 2);
	tcase_add_test(tcase, test_ring_wakeups);
	tcase_add_test(tcase, test_wakeup_events);
	tcase_add_test(tcase, test_sources);
	tcase_add_loop_test(tcase, test_poll_fd, 0, 2);
	tcase_add_test(tcase, test_poll_fd_batches);
	tcase_add_loop_test(tcase, test_interrupted, 0, 2);
	tcase_add_test(tcase, test_opening);
	tcase_add_loop_test(tcase, test_reentrance, 0, 2);
	return tcase;
}

int main(void)
{
	TCase *(*const cases[])(void) = {case_events};

	return run_suite(cases, 1, "events");
}
