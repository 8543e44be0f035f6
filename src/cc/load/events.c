// SPDX-License-Identifier: Apache-2.0
/*
 * Readers of perf and ring buffers.
 *
 * Programs write events to a map: a perf buffer has a ring for each CPU, a ring buffer has one ring
 * for all. A reader takes the events out and passes each to a callback. How they are taken out of a
 * ring is in ring.h, for perf buffers in libbpf and perf_cpus.c; this file decides when to sleep
 * and when to look, counts losses, and keeps readers consistent while callbacks do as they like.
 *
 * An example
 * ----------
 *
 *     BPF_RINGBUF_OUTPUT(ring, 16);
 *
 *     RAW_TRACEPOINT_PROBE(sys_enter)
 *     {
 *             u64 now = bpf_ktime_get_ns();
 *
 *             ring.ringbuf_output(&now, sizeof(now), 0);
 *             return 0;
 *     }
 *
 * Besides the map "ring", of 16 pages (64 KiB), the compiled object has two variables in its
 * section .data.ebcc (compiler/passes/pipeline.h), through which the programs and the reader talk
 * to each other. find_variable() finds them in the object's BTF and maps the section into memory:
 *
 *     __ebcc_batch_ring     how many bytes may wait before the reader is woken; 0: no batches
 *     __ebcc_lost_ring[]    a struct ebcc_loss_slot for each CPU, with the count of lost events
 *
 * ebcc_table_open_events() creates a struct reader for the table and appends it to the module's
 * list. ebcc_module_poll() then alternates, in poll_until(), between deliver_pending(), which
 * passes to the callbacks what the buffers hold, and wait_for_wakeup(), which sleeps in poll(2). It
 * returns as soon as it has delivered anything, and the caller polls again.
 *
 * When to wake up
 * ---------------
 *
 * Waking a reader costs more than anything else that happens to an event. So while events keep
 * coming, a reader reads them in batches: it sleeps until a quarter of the buffer is full, and
 * looks every 30 ms (BATCH_DELAY_MS) for less than that. Five events of the example, the first
 * after a long silence and the others 10 ms apart, go like this (strace shows the poll timeouts):
 *
 *       ms                                                    __ebcc_batch_ring   poll sleeps
 *     -----                                                   -----------------   -----------
 *        -   Nothing has happened for a while.                                0        500 ms
 *        0   Event 1. Batches are off, so the kernel wakes
 *            the reader: drain() delivers the event, and
 *            ask_for_batches() turns batches on.                          16384         30 ms
 *     10-20  Events 2 and 3. ringbuf_output() finds less
 *            than 16384 bytes waiting: it wakes no one.
 *        30  The sleep ends; events 2 and 3 are delivered.                16384         30 ms
 *     30-40  Events 4 and 5.
 *        60  Events 4 and 5 are delivered.                                16384         30 ms
 *        90  Nothing there.                                               16384         30 ms
 *       120  60 ms without an event: max_sleep() calls
 *            end_batches().                                                   0         30 ms
 *       150  Nothing there.                                                   0        500 ms
 *
 * After turning batches off, the reader looks once more after 30 ms, and then every 500 ms
 * (IDLE_DELAY_MS): a program may have read the old value of __ebcc_batch_ring just before, decided
 * to wake no one, and written its event after the reader's last look.
 *
 * That was a ring buffer. The other cases:
 *
 * - For perf buffers the kernel batches: wakeup_watermark is a quarter of a ring. The reader looks
 *   every 30 ms.
 * - With wakeup_events set, the caller decides, and only the kernel's wake-ups count. A perf buffer
 *   is then read only when the kernel says so; a ring buffer never asks for batches.
 * - Objects that ebcc did not compile have no such variables. Their programs follow the kernel's
 *   rule, which wakes the reader for every event for which it is asleep.
 * - ebcc_module_poll_fd() gives the caller an epoll descriptor for an event loop of its own. A loop
 *   that sleeps in epoll_wait() does not look every 30 ms, so ring buffers stop batching, and for
 *   perf buffers a timer makes the descriptor readable that often.
 *
 * A perf descriptor reports each wake-up only once, to the first who asks, even through a nested
 * epoll descriptor. So when a reader turns out to be ready, all that it holds is read.
 *
 * What was lost
 * -------------
 *
 * When the kernel refuses an event, because the ring is full, the program's output method adds 1 to
 * its CPU's slot of __ebcc_lost_ring. report_lost() compares the slots with what the lost callback
 * was last told (reader->lost_seen). The kernel's own records of losses (PERF_RECORD_LOST) are
 * ignored: they come only with the next event that gets through, late or never, and would count
 * losses twice. The slots also tell on which CPU a perf buffer has no ring; perf_cpus.c reads that.
 *
 * What callbacks may do
 * ---------------------
 *
 * A callback stops the poll by returning non-zero. The rest of the events then stays in the buffer,
 * but the kernel will not wake the reader for them again: reader->unfinished says that
 * the next poll must look anyway. A callback may close its own reader or any other; the struct
 * stays on the list, marked closed, until the poll ends and reap() frees it. Polling the same
 * module from a callback is an error.
 *
 * Forked processes inherit all of this. A ring buffer goes on working in the child. A perf buffer's
 * rings are mapped in the parent only: check_owner() refuses to poll them, and check_not_open()
 * refuses to open the table again as long as the parent reads it (struct ebcc_loss_slot, listener).
 */
#include "load/events.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buf.h"
#include "base/options.h"
#include "load/perf_cpus.h"
#include "load/ring.h"
#include "load/table.h"
#include "load/tables.h"
#include "load/variable.h"

#define DEFAULT_PAGES 8
#define MAX_PAGES (1u << 20)
/* The longest time that an event waits in a batch. */
#define BATCH_DELAY_MS 30
/* The longest sleep without batches. For rings, because a program may have decided to wake no one
 * just before batches were turned off; for perf buffers that rely on the kernel's wake-ups, because
 * a CPU without a ring wakes no one. */
#define IDLE_DELAY_MS 500
/* Space in a ring is given back to its writers in steps of this part of its size: each time costs
 * them a cache miss. */
#define RELEASE_PART 16
/* The smallest record of a ring: the header, and one byte, aligned. */
#define SMALLEST_RECORD 16

/* The mapped counters of one table's losses. */
struct lost {
	struct ebcc_loss_slot *slots;
	size_t count;
};

struct reader {
	struct reader *next;
	struct ebcc_table *table;
	struct ebcc_events *events;
	enum ebcc_event_source source;
	struct ebcc_events_opts opts;
	struct ebcc_perf_cpus *perf; /* NULL: a ring */
	struct ebcc_ring ring;
	bool batched;	       /* perf buffers: the reader looks without being woken */
	uint64_t *batch;       /* rings: __ebcc_batch_NAME, or NULL */
	int64_t batches_until; /* rings: batches are on until then, in milliseconds; 0: off */
	bool unfinished;       /* there may be more events, for which no wake-up will come */
	bool closed;	       /* during a poll: freed when the poll ends */
	struct lost lost;
	pid_t owner;	     /* the process that opened it */
	uint64_t *lost_seen; /* for each counter, the value that was last reported */
	char *split_record;  /* perf buffers: room for one (perf_ring.h) */
	uint64_t left; /* events that this round may still deliver, so that a busy ring can't keep
			* it forever */
};

struct ebcc_events {
	struct reader *readers;
	int epoll_fd; /* for the caller's event loop; -1 until requested */
	int timer_fd; /* makes epoll_fd readable every BATCH_DELAY_MS */
	bool polling;
	/* In the current or last poll: */
	bool stopped;	    /* a callback stopped it */
	size_t delivered;   /* number of events */
	bool reported_lost; /* a lost callback was called */
	bool saw_discarded; /* a ring held only events that the programs had discarded */
};

static bool is_output_table(const struct ebcc_table *table)
{
	return table->map_type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
	       table->map_type == BPF_MAP_TYPE_RINGBUF;
}

/* ---- losses ---- */

/*
 * Finds the dialect's variable named @prefix and the table's name in the mapped section: *@ret_size
 * bytes of u64 numbers. *@ret is NULL if no program writes to the table.
 */
static struct ebcc_error *find_variable(const struct ebcc_table *table, const char *prefix,
					uint64_t **ret, size_t *ret_size)
{
	struct ebcc_table *map = ebcc_module_map(table->module, ".data.ebcc");
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;
	struct ebcc_variable variable;
	void *data;

	*ret = NULL;
	*ret_size = 0;
	ebcc_buf_printf(&name, "%s%s", prefix, table->name);
	if (!map ||
	    !ebcc_btf_variable(table->module->btf, map->name, ebcc_buf_string(&name), &variable))
		return NULL;
	TRY(ebcc_table_map(map, &data));
	if (variable.offset % sizeof(uint64_t) || variable.offset > map->leaf_size ||
	    variable.size < sizeof(uint64_t) || variable.size > map->leaf_size - variable.offset)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "the variable %s is outside its section",
					 ebcc_buf_string(&name));
	*ret = (uint64_t *)((char *)data + variable.offset);
	*ret_size = variable.size;
	return NULL;
}

static struct ebcc_error *find_lost(const struct ebcc_table *table, struct lost *ret)
{
	uint64_t *counters;
	size_t size;

	*ret = (struct lost){0};
	TRY(find_variable(table, "__ebcc_lost_", &counters, &size));
	ret->slots = (struct ebcc_loss_slot *)counters;
	ret->count = size / sizeof(*ret->slots);
	return NULL;
}

static uint64_t lost_on(const struct lost *lost, size_t cpu)
{
	return __atomic_load_n(&lost->slots[cpu].lost, __ATOMIC_RELAXED);
}

struct ebcc_error *ebcc_table_lost_count(struct ebcc_table *table, uint64_t *ret)
{
	struct lost lost;
	uint64_t sum = 0;

	if (!is_output_table(table))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "table '%s' is not a perf or ring buffer", table->name);
	TRY(ebcc_module_load(table->module));
	TRY(find_lost(table, &lost));
	for (size_t i = 0; i < lost.count; i++)
		sum += lost_on(&lost, i);
	*ret = sum;
	return NULL;
}

/* Remembers the current counts: losses before the reader was opened are not reported to it. */
static struct ebcc_error *init_lost_seen(struct reader *reader)
{
	TRY(find_lost(reader->table, &reader->lost));
	reader->lost_seen = calloc(reader->lost.count + 1, sizeof(*reader->lost_seen));
	if (!reader->lost_seen)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < reader->lost.count; i++)
		reader->lost_seen[i] = lost_on(&reader->lost, i);
	return NULL;
}

/* Reports new losses to the lost callback. */
static void report_lost(struct reader *reader)
{
	struct ebcc_events *events = reader->events;

	if (!reader->opts.lost)
		return;
	for (size_t i = 0; i < reader->lost.count && !reader->closed && !events->stopped; i++) {
		uint64_t lost = lost_on(&reader->lost, i);
		uint64_t newly_lost = lost - reader->lost_seen[i];

		if (!newly_lost)
			continue;
		reader->lost_seen[i] = lost;
		events->reported_lost = true;
		if (reader->opts.lost(reader->opts.ctx, reader->perf ? (int)i : -1, newly_lost))
			events->stopped = true;
	}
}

/* ---- batches of ring buffers ---- */

static void write_batch(const struct reader *reader, uint64_t size)
{
	__atomic_store_n(reader->batch, size, __ATOMIC_SEQ_CST);
}

/* Called when events came. Does nothing if the caller waits on a descriptor, which must become
 * readable for each event. */
static void ask_for_batches(struct reader *reader, int64_t now)
{
	if (!reader->batch || reader->events->epoll_fd >= 0)
		return;
	if (!reader->batches_until)
		write_batch(reader, reader->table->max_entries / 4);
	reader->batches_until = now + 2 * (int64_t)BATCH_DELAY_MS;
}

/* Called when no events came for a while: the next one must wake the reader. */
static void end_batches(struct reader *reader)
{
	if (reader->batches_until && reader->owner == getpid())
		write_batch(reader, 0);
	reader->batches_until = 0;
}

/* ---- opening and closing ---- */

static void reader_destroy(struct reader *reader)
{
	if (!reader)
		return;
	end_batches(reader);
	/* A ring's descriptor is that of the map, which stays open. A forked child shares the epoll
	 * set with its parent, which may be reading on. */
	if (reader->ring.consumer && reader->events->epoll_fd >= 0 && reader->owner == getpid())
		epoll_ctl(reader->events->epoll_fd, EPOLL_CTL_DEL, reader->table->fd, NULL);
	ebcc_perf_cpus_destroy(reader->perf, reader->owner == getpid());
	ebcc_ring_close(&reader->ring);
	free(reader->split_record);
	free(reader->lost_seen);
	free(reader);
}

/* What the loop over a buffer's events keeps in registers. */
struct delivery {
	struct reader *reader;
	ebcc_event_fn fn;
	void *ctx;
	uint64_t left; /* events that this round may still deliver */
};

static struct delivery delivery_begin(struct reader *reader)
{
	return (struct delivery){reader, reader->opts.event, reader->opts.ctx, reader->left};
}

static void delivery_end(const struct delivery *delivery)
{
	delivery->reader->left = delivery->left;
}

/* Passes an event to the callback. Returns false to stop reading; the rest stays in the buffer for
 * the next round. */
static inline bool deliver(struct delivery *delivery, int cpu, const void *data, size_t size)
{
	bool stopped = delivery->fn(delivery->ctx, cpu, data, size);

	delivery->left--;
	if (!stopped && !delivery->reader->closed && delivery->left)
		return true;
	delivery->reader->events->stopped |= stopped;
	delivery->reader->unfinished = true;
	return false;
}

/* Delivers what a perf record holds, if that is an event. */
static inline bool deliver_record(struct delivery *delivery, int cpu,
				  const struct perf_event_header *header)
{
	const struct {
		struct perf_event_header header;
		uint32_t size;
		char data[];
	} *sample = (const void *)header;

	if (header->type != PERF_RECORD_SAMPLE || header->size < sizeof(*sample) ||
	    sample->size > header->size - sizeof(*sample))
		return true;
	return deliver(delivery, cpu, sample->data, sample->size);
}

static enum bpf_perf_event_ret on_perf_record(void *ctx, int cpu, struct perf_event_header *header)
{
	struct delivery delivery = delivery_begin(ctx);
	bool going_on = deliver_record(&delivery, cpu, header);

	delivery_end(&delivery);
	return going_on ? LIBBPF_PERF_EVENT_CONT : LIBBPF_PERF_EVENT_ERROR;
}

/* Delivers the records that a CPU's ring has now. Returns false to stop reading. */
static bool consume_perf_ring(struct reader *reader, struct ebcc_perf_ring ring)
{
	uint64_t position = ebcc_perf_ring_begin(&ring), released = position;
	struct delivery delivery = delivery_begin(reader);
	uint64_t end = ebcc_perf_ring_end(&ring);
	char *room = reader->split_record;
	bool going_on = true;

	while (going_on && position != end) {
		const struct perf_event_header *header =
			ebcc_perf_ring_next(&ring, &position, room);

		if (!header)
			break;
		going_on = deliver_record(&delivery, ring.cpu, header);
		if (position - released >= ring.size / RELEASE_PART) {
			ebcc_perf_ring_release(&ring, position);
			released = position;
		}
	}
	ebcc_perf_ring_release(&ring, position);
	delivery_end(&delivery);
	return going_on;
}

static void consume_perf(struct reader *reader)
{
	bool going_on = true;

	for (size_t i = 0; going_on && i < ebcc_perf_cpus_ring_count(reader->perf); i++) {
		struct ebcc_perf_ring ring = ebcc_perf_cpus_ring_at(reader->perf, i);

		if (ring.page)
			going_on = consume_perf_ring(reader, ring);
	}
}

/* Delivers the records of a ring that are complete. What is written meanwhile is read, too. */
static void consume_ring(struct reader *reader)
{
	const struct ebcc_ring ring = reader->ring; /* a copy: callbacks can't change it */
	struct delivery delivery = delivery_begin(reader);
	uint64_t position = ebcc_ring_begin(&ring), released = position;
	bool going_on = true;

	while (going_on && position < ebcc_ring_end(&ring)) {
		uint64_t end = ebcc_ring_end(&ring);

		while (going_on && position < end) {
			const void *data;
			size_t size;

			if (!ebcc_ring_next(&ring, &position, &data, &size)) {
				going_on = false;
				break;
			}
			if (data)
				going_on = deliver(&delivery, -1, data, size);
			if (position - released >= ring.size / RELEASE_PART) {
				ebcc_ring_release(&ring, position);
				released = position;
			}
		}
		ebcc_ring_release(&ring, position);
		released = position;
	}
	delivery_end(&delivery);
}

static struct ebcc_error *open_perf(struct reader *reader)
{
	struct ebcc_perf_opts opts = {
		.map_fd = reader->table->fd,
		.pages = reader->opts.page_count ? reader->opts.page_count : DEFAULT_PAGES,
		.attr = {.size = sizeof(opts.attr),
			 .type = PERF_TYPE_SOFTWARE,
			 .config = PERF_COUNT_SW_BPF_OUTPUT,
			 .sample_type = PERF_SAMPLE_RAW,
			 .sample_period = 1},
		.event = on_perf_record,
		.ctx = reader,
		.slots = reader->lost.slots,
		.slot_count = reader->lost.count,
	};

	if (opts.pages > MAX_PAGES || opts.pages & (opts.pages - 1))
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"the number of pages per CPU of a perf buffer must be a power of two, not "
			"%zu",
			opts.pages);
	reader->split_record = malloc(EBCC_PERF_RECORD_SIZE);
	if (!reader->split_record)
		return ebcc_error_no_memory();
	reader->batched = !reader->opts.wakeup_events;
	if (reader->batched) {
		opts.attr.watermark = 1;
		opts.attr.wakeup_watermark =
			(uint32_t)(opts.pages * (size_t)sysconf(_SC_PAGESIZE) / 4);
	} else {
		opts.attr.wakeup_events = reader->opts.wakeup_events;
	}
	return ebcc_error_prefix(ebcc_perf_cpus_create(&opts, &reader->perf),
				 "the perf buffer of '%s' can't be opened", reader->table->name);
}

static struct ebcc_error *open_ring(struct reader *reader)
{
	size_t size;

	if (!reader->opts.wakeup_events)
		TRY(find_variable(reader->table, "__ebcc_batch_", &reader->batch, &size));
	return ebcc_error_prefix(
		ebcc_ring_open(reader->table->fd, reader->table->max_entries, &reader->ring),
		"the ring buffer '%s' can't be opened", reader->table->name);
}

static int reader_fd(const struct reader *reader)
{
	return reader->perf ? ebcc_perf_cpus_fd(reader->perf) : reader->table->fd;
}

static struct ebcc_error *get_events(struct ebcc_module *module, struct ebcc_events **ret)
{
	if (!module->events) {
		module->events = calloc(1, sizeof(*module->events));
		if (!module->events)
			return ebcc_error_no_memory();
		module->events->epoll_fd = module->events->timer_fd = -1;
	}
	*ret = module->events;
	return NULL;
}

static struct reader *find_reader(const struct ebcc_table *table)
{
	struct ebcc_events *events = table->module->events;

	for (struct reader *reader = events ? events->readers : NULL; reader; reader = reader->next)
		if (reader->table == table && !reader->closed)
			return reader;
	return NULL;
}

static struct ebcc_error *check_open(const struct ebcc_table *table,
				     const struct ebcc_events_opts *opts)
{
	if (!is_output_table(table))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "table '%s' is not a perf or ring buffer", table->name);
	if (!opts->event)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "table '%s' is opened without an event callback",
					 table->name);
	return NULL;
}

/* Checks that no one else reads the table. A reader inherited from a process that has ended, or has
 * closed its own, does not count: it is closed here. */
static struct ebcc_error *check_not_open(struct ebcc_table *table)
{
	struct reader *reader = find_reader(table);
	struct lost lost;
	int other;

	TRY(find_lost(table, &lost));
	other = table->map_type == BPF_MAP_TYPE_RINGBUF
			? 0
			: ebcc_perf_cpus_other_listener(lost.slots, lost.count);
	if (other)
		return ebcc_error_create(
			EBCC_ERROR_STATE,
			"process %d has the perf buffer of '%s' open, and opening "
			"it here would take its events away: create another "
			"module in this process, or open it after that process has "
			"closed it or ended",
			other, table->name);
	if (reader && reader->perf && reader->owner != getpid())
		ebcc_table_close_events(table);
	else if (reader)
		return ebcc_error_create(EBCC_ERROR_STATE, "the events of '%s' are already open",
					 table->name);
	return NULL;
}

/* Adds a descriptor to the caller's epoll descriptor, if that was requested. */
static struct ebcc_error *add_to_epoll(struct ebcc_events *events, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (events->epoll_fd < 0 || !epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return NULL;
	return ebcc_error_os(EBCC_ERROR_OS, errno, "can't wait for events of a reader");
}

/* Starts a timer for the caller's epoll descriptor, if a perf buffer needs it: a batch below the
 * watermark wakes no one. */
static struct ebcc_error *start_batch_timer(struct ebcc_events *events)
{
	struct itimerspec tick = {
		.it_value.tv_nsec = BATCH_DELAY_MS * 1000000L,
		.it_interval.tv_nsec = BATCH_DELAY_MS * 1000000L,
	};
	bool batched = false;

	for (struct reader *reader = events->readers; reader; reader = reader->next)
		batched |= reader->batched;
	if (!batched || events->epoll_fd < 0 || events->timer_fd >= 0)
		return NULL;
	events->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (events->timer_fd < 0 || timerfd_settime(events->timer_fd, 0, &tick, NULL))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't create a timer");
	return add_to_epoll(events, events->timer_fd);
}

static struct ebcc_error *open_reader(struct reader *reader)
{
	LOG_SCOPE(&reader->table->module->log);

	TRY(init_lost_seen(reader));
	if (reader->source == EBCC_EVENTS_PERF)
		TRY(open_perf(reader));
	else
		TRY(open_ring(reader));
	return add_to_epoll(reader->events, reader_fd(reader));
}

struct ebcc_error *ebcc_table_open_events(struct ebcc_table *table,
					  const struct ebcc_events_opts *caller_opts)
{
	struct ebcc_events_opts opts = {.sz = sizeof(opts)};
	struct ebcc_events *events = NULL;
	struct ebcc_error *error;
	struct reader *reader, **last;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_events_opts"));
	TRY(check_open(table, &opts));
	TRY(ebcc_module_load(table->module));
	TRY(check_not_open(table));
	TRY(get_events(table->module, &events));
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return ebcc_error_no_memory();
	reader->opts = opts;
	reader->table = table;
	reader->events = events;
	reader->owner = getpid();
	reader->source =
		table->map_type == BPF_MAP_TYPE_RINGBUF ? EBCC_EVENTS_RING : EBCC_EVENTS_PERF;
	error = open_reader(reader);
	if (error) {
		reader_destroy(reader);
		return error;
	}
	for (last = &events->readers; *last;)
		last = &(*last)->next;
	*last = reader;
	error = start_batch_timer(events);
	if (error)
		ebcc_table_close_events(table);
	return error;
}

/* Frees closed readers, unless a poll is walking the list. */
static void reap(struct ebcc_events *events)
{
	for (struct reader **place = &events->readers; *place && !events->polling;) {
		struct reader *reader = *place;

		if (reader->closed) {
			*place = reader->next;
			reader_destroy(reader);
		} else {
			place = &reader->next;
		}
	}
}

void ebcc_table_close_events(struct ebcc_table *table)
{
	struct reader *reader = find_reader(table);

	if (!reader)
		return;
	reader->closed = true;
	reap(reader->events);
}

void ebcc_module_close_events(struct ebcc_module *module)
{
	struct ebcc_events *events = module->events;

	if (!events)
		return;
	for (struct reader *reader = events->readers; reader; reader = reader->next)
		reader->closed = true;
	reap(events);
	if (events->epoll_fd >= 0)
		close(events->epoll_fd);
	if (events->timer_fd >= 0)
		close(events->timer_fd);
	free(events);
	module->events = NULL;
}

/* ---- polling ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A perf buffer is read up to the head that it had at the start, but a ring for as long as it is
 * being filled. */
static uint64_t round_limit(const struct reader *reader)
{
	return reader->perf ? UINT64_MAX : reader->ring.size / SMALLEST_RECORD;
}

/* Delivers everything in the reader's buffers. */
static void drain(struct reader *reader)
{
	uint64_t limit = round_limit(reader), position;
	size_t delivered;

	reader->unfinished = false;
	reader->left = limit;
	position = reader->perf ? 0 : ebcc_ring_begin(&reader->ring);
	if (reader->perf)
		consume_perf(reader);
	else
		consume_ring(reader);
	delivered = limit - reader->left;
	reader->events->delivered += delivered;
	if (!delivered && !reader->perf && ebcc_ring_begin(&reader->ring) != position)
		reader->events->saw_discarded = true;
	else if (!delivered)
		return;
	ask_for_batches(reader, now_ms());
}

static bool is_selected(const struct reader *reader, enum ebcc_event_source source)
{
	return !reader->closed && (source == EBCC_EVENTS_ALL || source == reader->source);
}

/* Perf buffers can be read only by the process that opened them. */
static struct ebcc_error *check_owner(const struct ebcc_events *events,
				      enum ebcc_event_source source)
{
	for (const struct reader *reader = events->readers; reader; reader = reader->next)
		if (is_selected(reader, source) && reader->perf && reader->owner != getpid())
			return ebcc_error_create(
				EBCC_ERROR_STATE,
				"the perf buffer of '%s' was opened before a fork, "
				"and only process %d, which opened it, can read "
				"it: create another module in this process, or "
				"open it here after that process has closed it or "
				"ended",
				reader->table->name, (int)reader->owner);
	return NULL;
}

/* A poll without any reader waits forever. Scripts use a poll of perf buffers that way to wait for
 * Ctrl-C; but a caller that polls ring buffers has forgotten to open one. */
static struct ebcc_error *check_ring_is_open(const struct ebcc_events *events,
					     enum ebcc_event_source source)
{
	if (source != EBCC_EVENTS_RING)
		return NULL;
	for (const struct reader *reader = events->readers; reader; reader = reader->next)
		if (is_selected(reader, source))
			return NULL;
	return ebcc_error_create(EBCC_ERROR_STATE,
				 "there is nothing to poll: no ring buffer of this module is open");
}

/* Whether to look into the buffers even without a wake-up. */
static bool looks_without_wakeup(const struct reader *reader)
{
	return !reader->perf || reader->batched || reader->unfinished ||
	       reader->events->epoll_fd >= 0;
}

/* Delivers the events of every reader (@all), or only of those that don't need a wake-up. */
static struct ebcc_error *deliver_pending(struct ebcc_events *events, enum ebcc_event_source source,
					  bool all)
{
	for (struct reader *reader = events->readers; reader && !events->stopped;
	     reader = reader->next) {
		if (!is_selected(reader, source))
			continue;
		if (reader->perf)
			ebcc_perf_cpus_update(reader->perf);
		if (all || looks_without_wakeup(reader))
			drain(reader);
		report_lost(reader);
	}
	return NULL;
}

/* Waits for the kernel to wake a reader, and marks those that it woke as unfinished. */
static struct ebcc_error *wait_for_wakeup(struct ebcc_events *events, enum ebcc_event_source source,
					  int timeout_ms)
{
	AUTO_FREE struct pollfd *fds = NULL;
	size_t count = 0, i = 0;

	for (struct reader *reader = events->readers; reader; reader = reader->next)
		count += is_selected(reader, source);
	fds = calloc(count + 1, sizeof(*fds));
	if (!fds)
		return ebcc_error_no_memory();
	for (struct reader *reader = events->readers; reader; reader = reader->next)
		if (is_selected(reader, source))
			fds[i++] = (struct pollfd){.fd = reader_fd(reader), .events = POLLIN};
	if (poll(fds, count, timeout_ms) < 0) {
		if (errno == EINTR)
			return ebcc_error_create(EBCC_ERROR_INTERRUPTED,
						 "a signal arrived while waiting for events");
		return ebcc_error_os(EBCC_ERROR_OS, errno, "waiting for events failed");
	}
	for (struct reader *reader = events->readers; reader; reader = reader->next)
		for (i = 0; i < count && !reader->closed; i++)
			if (fds[i].fd == reader_fd(reader) && fds[i].revents)
				reader->unfinished = true;
	return NULL;
}

/* The longest time that a reader may sleep before it must look; -1: forever. */
static int64_t max_sleep(struct reader *reader, int64_t now)
{
	if (reader->batched)
		return BATCH_DELAY_MS;
	if (reader->perf)
		return reader->lost.count ? IDLE_DELAY_MS : -1;
	if (!reader->batch)
		return -1;
	if (!reader->batches_until)
		return IDLE_DELAY_MS;
	if (now >= reader->batches_until)
		end_batches(reader);
	return BATCH_DELAY_MS;
}

/* How long to wait for a wake-up: until the deadline, or until a reader must look. */
static int wait_time(struct ebcc_events *events, enum ebcc_event_source source, int64_t deadline)
{
	int64_t now = now_ms();
	int64_t wait = deadline < 0 ? -1 : deadline - now;

	if (deadline >= 0 && wait < 0)
		wait = 0;
	for (struct reader *reader = events->readers; reader; reader = reader->next) {
		int64_t sleep = is_selected(reader, source) ? max_sleep(reader, now) : -1;

		if (sleep >= 0 && (wait < 0 || wait > sleep))
			wait = sleep;
	}
	return (int)wait;
}

static struct ebcc_error *poll_until(struct ebcc_events *events, enum ebcc_event_source source,
				     int64_t deadline)
{
	for (;;) {
		bool last;

		TRY(deliver_pending(events, source, false));
		if (events->delivered || events->reported_lost || events->saw_discarded ||
		    events->stopped)
			return NULL;
		last = deadline >= 0 && now_ms() >= deadline;
		TRY(wait_for_wakeup(events, source, wait_time(events, source, deadline)));
		if (last)
			return deliver_pending(events, source, false);
	}
}

static void clear_timer(const struct ebcc_events *events)
{
	uint64_t expirations;

	while (events->timer_fd >= 0 &&
	       read(events->timer_fd, &expirations, sizeof(expirations)) > 0)
		;
}

enum poll_mode { POLL, CONSUME };

static struct ebcc_error *poll_once(struct ebcc_module *module, enum poll_mode mode,
				    enum ebcc_event_source source, int timeout_ms,
				    size_t *ret_count)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	struct ebcc_events *events = NULL;
	struct ebcc_error *error;
	LOG_SCOPE(&module->log);

	TRY(ebcc_choice_check(source, EBCC_EVENTS_RING, "enum ebcc_event_source"));
	TRY(get_events(module, &events));
	if (events->polling)
		return ebcc_error_create(EBCC_ERROR_STATE,
					 "a callback of a poll can't poll the same module");
	TRY(check_owner(events, source));
	TRY(check_ring_is_open(events, source));
	events->polling = true;
	events->stopped = false;
	events->reported_lost = false;
	events->saw_discarded = false;
	events->delivered = 0;
	clear_timer(events);
	error = mode == POLL ? poll_until(events, source, deadline)
			     : deliver_pending(events, source, true);
	events->polling = false;
	reap(events);
	if (!error && events->stopped)
		error = ebcc_error_create(EBCC_ERROR_CALLBACK, "a callback stopped the poll");
	if (!error && ret_count)
		*ret_count = events->delivered;
	return error;
}

struct ebcc_error *ebcc_module_poll_source(struct ebcc_module *module,
					   enum ebcc_event_source source, int timeout_ms,
					   size_t *ret_count)
{
	return poll_once(module, POLL, source, timeout_ms, ret_count);
}

struct ebcc_error *ebcc_module_poll(struct ebcc_module *module, int timeout_ms, size_t *ret_count)
{
	return poll_once(module, POLL, EBCC_EVENTS_ALL, timeout_ms, ret_count);
}

struct ebcc_error *ebcc_module_consume(struct ebcc_module *module, size_t *ret_count)
{
	return poll_once(module, CONSUME, EBCC_EVENTS_ALL, 0, ret_count);
}

struct ebcc_error *ebcc_module_consume_source(struct ebcc_module *module,
					      enum ebcc_event_source source, size_t *ret_count)
{
	return poll_once(module, CONSUME, source, 0, ret_count);
}

struct ebcc_error *ebcc_module_poll_fd(struct ebcc_module *module, int *ret)
{
	struct ebcc_events *events = NULL;

	TRY(get_events(module, &events));
	if (events->epoll_fd < 0) {
		events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (events->epoll_fd < 0)
			return ebcc_error_os(EBCC_ERROR_OS, errno, "epoll_create1 failed");
		for (struct reader *reader = events->readers; reader; reader = reader->next) {
			end_batches(reader);
			TRY(add_to_epoll(events, reader_fd(reader)));
		}
	}
	TRY(start_batch_timer(events));
	*ret = events->epoll_fd;
	return NULL;
}
