// SPDX-License-Identifier: Apache-2.0
/*
 * Readers of perf and ring buffers.
 *
 * A reader is woken in batches: when a quarter of a buffer is full, and a poll looks by itself
 * every few tens of milliseconds for what is less than that. For perf buffers the kernel does so;
 * with wakeup_events the caller decides, and only the kernel's wake-ups count. Writers to a ring
 * buffer do so as long as its reader asks them to (compiler/passes/pipeline.h: __ebcc_batch_NAME),
 * which it does while events keep coming: what comes after a silence wakes it at once. A perf
 * descriptor tells each wake-up once, to whoever asks first, be it through a nested epoll; so when
 * a reader turns out to be ready all of it is read.
 *
 * Lost events are counted by the programs (compiler/passes/pipeline.h: __ebcc_lost_NAME), one
 * counter per CPU, in a section that is mapped here. The perf buffer's own records of losses come
 * late or never, and would count twice.
 */
#include "load/events.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buf.h"
#include "load/perf_cpus.h"
#include "load/table.h"
#include "load/tables.h"
#include "load/variable.h"

#define DEFAULT_PAGES 8
#define MAX_PAGES (1u << 20)
/* The longest that an event waits in a batch. */
#define BATCH_DELAY_MS 30
/* The longest wait of a ring's reader that asks for no batches: a writer that had
 * decided to wake nobody just before may have written after the last look. And of a perf buffer's
 * reader that leaves the waking to the kernel: a CPU without a ring wakes nobody. */
#define IDLE_DELAY_MS 500
/* What callbacks return to libbpf to make it stop; any other error is libbpf's own. */
#define STOPPED (-ECANCELED)

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
	struct ebcc_perf_cpus *perf;
	struct ring_buffer *ring;
	bool batched;		  /* perf buffers: looks by itself */
	const uint64_t *position; /* rings: up to where they were read, in bytes; mapped, or NULL */
	uint64_t *batch;	  /* rings: where writers look whom to wake; or NULL */
	int64_t busy_until; /* rings: batches are asked for until then, in milliseconds; 0: are not
			     */
	bool unfinished;    /* stopped by a callback: there may be more, without a wake-up */
	bool closed;	    /* by a callback of its own: freed when the poll ends */
	struct lost lost;
	pid_t owner;	     /* the process that opened it */
	uint64_t *lost_seen; /* per counter, what the lost callback was told */
	uint64_t budget; /* bytes that one round may deliver, so that no ring keeps it for ever */
};

struct ebcc_events {
	struct reader *readers;
	int epoll_fd; /* for event loops; -1 until asked for */
	int timer_fd; /* makes it readable for batches */
	bool polling;
	bool stopped;	  /* a callback said so */
	size_t delivered; /* events, in this poll */
	bool reported;	  /* losses, in this poll */
	bool discarded;	  /* events were given up by the programs, in this poll */
};

static bool is_output_table(const struct ebcc_table *table)
{
	return table->map_type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
	       table->map_type == BPF_MAP_TYPE_RINGBUF;
}

/* ---- losses ---- */

/*
 * Finds the dialect's variable @prefix followed by the table's name in the mapped section: u64
 * numbers, *@ret_size bytes of them. NULL and 0 where the source doesn't write to the table.
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
					 "the variable %s lies outside of its section",
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

struct ebcc_error *ebcc_table_lost(struct ebcc_table *table, uint64_t *ret)
{
	struct lost lost;
	uint64_t sum = 0;

	if (!is_output_table(table))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "table '%s' is no perf or ring buffer", table->name);
	TRY(ebcc_module_load(table->module));
	TRY(find_lost(table, &lost));
	for (size_t i = 0; i < lost.count; i++)
		sum += lost_on(&lost, i);
	*ret = sum;
	return NULL;
}

/* What was lost before the reader was opened is not news to its callback. */
static struct ebcc_error *watch_losses(struct reader *reader)
{
	TRY(find_lost(reader->table, &reader->lost));
	reader->lost_seen = calloc(reader->lost.count + 1, sizeof(*reader->lost_seen));
	if (!reader->lost_seen)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < reader->lost.count; i++)
		reader->lost_seen[i] = lost_on(&reader->lost, i);
	return NULL;
}

/* Tells the lost callback what is new. */
static void report_lost(struct reader *reader)
{
	struct ebcc_events *events = reader->events;

	if (!reader->opts.lost)
		return;
	for (size_t i = 0; i < reader->lost.count && !reader->closed && !events->stopped; i++) {
		uint64_t lost = lost_on(&reader->lost, i);
		uint64_t news = lost - reader->lost_seen[i];

		if (!news)
			continue;
		reader->lost_seen[i] = lost;
		events->reported = true;
		if (reader->opts.lost(reader->opts.ctx, reader->ring ? -1 : (int)i, news))
			events->stopped = true;
	}
}

/* ---- batches of ring buffers ---- */

static void write_batch(const struct reader *reader, uint64_t size)
{
	__atomic_store_n(reader->batch, size, __ATOMIC_SEQ_CST);
}

/* Events came. With a descriptor given out, whoever waits on it is to see each wake-up. */
static void ask_for_batches(struct reader *reader, int64_t now)
{
	if (!reader->batch || reader->events->epoll_fd >= 0)
		return;
	if (!reader->busy_until)
		write_batch(reader, reader->table->max_entries / 4);
	reader->busy_until = now + 2 * BATCH_DELAY_MS;
}

/* No events came for a while: the next one is to wake the reader. */
static void end_batches(struct reader *reader)
{
	if (reader->busy_until && reader->owner == getpid())
		write_batch(reader, 0);
	reader->busy_until = 0;
}

/* ---- opening and closing ---- */

static void reader_destroy(struct reader *reader)
{
	if (!reader)
		return;
	end_batches(reader);
	ebcc_perf_cpus_destroy(reader->perf, reader->owner == getpid());
	if (reader->position)
		munmap((void *)reader->position, (size_t)sysconf(_SC_PAGESIZE));
	ring_buffer__free(reader->ring);
	free(reader->lost_seen);
	free(reader);
}

/* False: stop reading; what is left stays in the buffer for the next round. */
static bool deliver(struct reader *reader, int cpu, const void *data, size_t size)
{
	struct ebcc_events *events = reader->events;

	events->delivered++;
	if (reader->opts.event(reader->opts.ctx, cpu, data, size))
		events->stopped = true;
	reader->budget -= size < reader->budget ? size : reader->budget;
	reader->unfinished = events->stopped || reader->closed || !reader->budget;
	return !reader->unfinished;
}

static enum bpf_perf_event_ret on_perf_record(void *ctx, int cpu, struct perf_event_header *header)
{
	struct {
		struct perf_event_header header;
		uint32_t size;
		char data[];
	} *sample = (void *)header;

	if (header->type != PERF_RECORD_SAMPLE || header->size < sizeof(*sample) ||
	    sample->size > header->size - sizeof(*sample))
		return LIBBPF_PERF_EVENT_CONT;
	return deliver(ctx, cpu, sample->data, sample->size) ? LIBBPF_PERF_EVENT_CONT
							     : LIBBPF_PERF_EVENT_ERROR;
}

static int on_ring_record(void *ctx, void *data, size_t size)
{
	return deliver(ctx, -1, data, size) ? 0 : STOPPED;
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
			"a perf buffer has a power of two of pages per CPU, not %zu", opts.pages);
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

/* Maps the page that begins with the consumer's position (linux/bpf.h does not name it; it is the
 * interface of BPF_MAP_TYPE_RINGBUF). libbpf tells events only, not what was discarded. */
static void map_position(struct reader *reader)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED,
			  reader->table->fd, 0);

	reader->position = page == MAP_FAILED ? NULL : page;
}

static uint64_t position_of(const struct reader *reader)
{
	return reader->position ? __atomic_load_n(reader->position, __ATOMIC_RELAXED) : 0;
}

static struct ebcc_error *open_ring(struct reader *reader)
{
	size_t size;

	if (!reader->opts.wakeup_events)
		TRY(find_variable(reader->table, "__ebcc_batch_", &reader->batch, &size));
	reader->ring = ring_buffer__new(reader->table->fd, on_ring_record, reader, NULL);
	if (!reader->ring)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "the ring buffer '%s' can't be opened",
				     reader->table->name);
	map_position(reader);
	return NULL;
}

static int reader_fd(const struct reader *reader)
{
	return reader->perf ? ebcc_perf_cpus_fd(reader->perf) : ring_buffer__epoll_fd(reader->ring);
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
					 "table '%s' is no perf or ring buffer", table->name);
	if (!opts || opts->sz < offsetof(struct ebcc_events_opts, lost) || !opts->event)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "table '%s' is opened without an event callback, or with "
					 "ebcc_events_opts.sz not set",
					 table->name);
	return NULL;
}

/* Who may open a table: nobody else has it open. What this process has inherited from one that
 * is gone, or has closed it, is in nobody's way. */
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
		return ebcc_error_create(EBCC_ERROR_STATE,
					 "process %d has the perf buffer of '%s' open, and opening "
					 "it here would take its events away: make a BPF object of "
					 "this process's own, or open it when that process has "
					 "closed it or ended",
					 other, table->name);
	if (reader && reader->perf && reader->owner != getpid())
		ebcc_table_close_events(table);
	else if (reader)
		return ebcc_error_create(EBCC_ERROR_STATE, "the events of '%s' are open already",
					 table->name);
	return NULL;
}

static struct ebcc_error *watch(struct ebcc_events *events, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (events->epoll_fd < 0 || !epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return NULL;
	return ebcc_error_os(EBCC_ERROR_OS, errno, "a reader can't be watched");
}

/* Batches below the watermark wake nobody: with a descriptor given out, a timer has to. */
static struct ebcc_error *watch_batches(struct ebcc_events *events)
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
		return ebcc_error_os(EBCC_ERROR_OS, errno, "a timer can't be made");
	return watch(events, events->timer_fd);
}

static struct ebcc_error *open_reader(struct reader *reader)
{
	LOG_SCOPE(&reader->table->module->log);

	TRY(watch_losses(reader));
	if (reader->source == EBCC_EVENTS_PERF)
		TRY(open_perf(reader));
	else
		TRY(open_ring(reader));
	return watch(reader->events, reader_fd(reader));
}

struct ebcc_error *ebcc_table_open_events(struct ebcc_table *table,
					  const struct ebcc_events_opts *opts)
{
	struct ebcc_events *events = NULL;
	struct ebcc_error *error;
	struct reader *reader, **last;

	TRY(check_open(table, opts));
	TRY(ebcc_module_load(table->module));
	TRY(check_not_open(table));
	TRY(get_events(table->module, &events));
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return ebcc_error_no_memory();
	memcpy(&reader->opts, opts, opts->sz < sizeof(*opts) ? opts->sz : sizeof(*opts));
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
	error = watch_batches(events);
	if (error)
		ebcc_table_close_events(table);
	return error;
}

/* Frees what was closed, unless a poll is on its way through the list. */
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

/* libbpf reads a perf buffer up to where it was at the start, but a ring as long as it is being
 * filled. */
static uint64_t round_budget(const struct reader *reader)
{
	return reader->ring ? reader->table->max_entries : UINT64_MAX;
}

/* Delivers everything that is in the reader's buffers. */
static struct ebcc_error *drain(struct reader *reader)
{
	size_t delivered = reader->events->delivered;
	uint64_t position = position_of(reader);
	bool discarded;
	int err;

	reader->unfinished = false;
	reader->budget = round_budget(reader);
	err = reader->perf ? ebcc_perf_cpus_consume(reader->perf)
			   : ring_buffer__consume(reader->ring);
	if (err < 0 && !reader->unfinished)
		return ebcc_error_os(EBCC_ERROR_OS, -err, "the events of '%s' can't be read",
				     reader->table->name);
	discarded = reader->events->delivered == delivered && position_of(reader) != position;
	reader->events->discarded |= discarded;
	if (reader->events->delivered != delivered || discarded)
		ask_for_batches(reader, now_ms());
	return NULL;
}

static bool concerns(const struct reader *reader, enum ebcc_event_source source)
{
	return !reader->closed && (source == EBCC_EVENTS_ALL || source == reader->source);
}

/* Perf buffers are read by the process that opened them. */
static struct ebcc_error *check_owner(const struct ebcc_events *events,
				      enum ebcc_event_source source)
{
	for (const struct reader *reader = events->readers; reader; reader = reader->next)
		if (concerns(reader, source) && reader->perf && reader->owner != getpid())
			return ebcc_error_create(EBCC_ERROR_STATE,
						 "the perf buffer of '%s' was opened before a "
						 "fork, by process %d, which alone can read it: "
						 "make a BPF object of this process's own, or open "
						 "it here when that process has closed it or ended",
						 reader->table->name, (int)reader->owner);
	return NULL;
}

/* A poll of nothing would wait for ever. Without perf buffers that is how scripts wait for Ctrl-C,
 * but who polls ring buffers has forgotten to open one. */
static struct ebcc_error *check_something_to_poll(const struct ebcc_events *events,
						  enum ebcc_event_source source)
{
	if (source != EBCC_EVENTS_RING)
		return NULL;
	for (const struct reader *reader = events->readers; reader; reader = reader->next)
		if (concerns(reader, source))
			return NULL;
	return ebcc_error_create(EBCC_ERROR_STATE,
				 "no ring buffer of this module is open, so that there is nothing "
				 "to poll: open one first");
}

/* Whether to look into the buffers although nobody was woken. */
static bool look_anyway(const struct reader *reader)
{
	return reader->ring || reader->batched || reader->unfinished ||
	       reader->events->epoll_fd >= 0;
}

/* Delivers from every reader (@all), or from those that need no wake-up. */
static struct ebcc_error *deliver_pending(struct ebcc_events *events, enum ebcc_event_source source,
					  bool all)
{
	for (struct reader *reader = events->readers; reader && !events->stopped;
	     reader = reader->next) {
		if (!concerns(reader, source))
			continue;
		if (reader->perf)
			ebcc_perf_cpus_update(reader->perf);
		if (all || look_anyway(reader))
			TRY(drain(reader));
		report_lost(reader);
	}
	return NULL;
}

/* Waits for the kernel to wake a reader; those that it woke count as unfinished. */
static struct ebcc_error *wait_for_wakeup(struct ebcc_events *events, enum ebcc_event_source source,
					  int timeout_ms)
{
	AUTO_FREE struct pollfd *fds = NULL;
	size_t count = 0, i = 0;

	for (struct reader *reader = events->readers; reader; reader = reader->next)
		count += concerns(reader, source);
	fds = calloc(count + 1, sizeof(*fds));
	if (!fds)
		return ebcc_error_no_memory();
	for (struct reader *reader = events->readers; reader; reader = reader->next)
		if (concerns(reader, source))
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

/* The longest that a reader may wait for a wake-up before it looks by itself; -1: for ever. */
static int64_t look_after(struct reader *reader, int64_t now)
{
	if (reader->batched)
		return BATCH_DELAY_MS;
	if (reader->perf)
		return reader->lost.count ? IDLE_DELAY_MS : -1;
	if (!reader->batch)
		return -1;
	if (!reader->busy_until)
		return IDLE_DELAY_MS;
	if (now >= reader->busy_until)
		end_batches(reader);
	return BATCH_DELAY_MS;
}

/* How long to wait for a wake-up: until the deadline, or until the next look at the batches. */
static int wait_time(struct ebcc_events *events, enum ebcc_event_source source, int64_t deadline)
{
	int64_t now = now_ms();
	int64_t wait = deadline < 0 ? -1 : deadline - now;

	if (deadline >= 0 && wait < 0)
		wait = 0;
	for (struct reader *reader = events->readers; reader; reader = reader->next) {
		int64_t look = concerns(reader, source) ? look_after(reader, now) : -1;

		if (look >= 0 && (wait < 0 || wait > look))
			wait = look;
	}
	return (int)wait;
}

static struct ebcc_error *poll_until(struct ebcc_events *events, enum ebcc_event_source source,
				     int64_t deadline)
{
	for (;;) {
		bool last;

		TRY(deliver_pending(events, source, false));
		if (events->delivered || events->reported || events->discarded || events->stopped)
			return NULL;
		last = deadline >= 0 && now_ms() >= deadline;
		TRY(wait_for_wakeup(events, source, wait_time(events, source, deadline)));
		if (last)
			return deliver_pending(events, source, false);
	}
}

static void drop_ticks(const struct ebcc_events *events)
{
	uint64_t ticks;

	while (events->timer_fd >= 0 && read(events->timer_fd, &ticks, sizeof(ticks)) > 0)
		;
}

enum mode { POLL, CONSUME };

static struct ebcc_error *run(struct ebcc_module *module, enum mode mode,
			      enum ebcc_event_source source, int timeout_ms, size_t *ret_count)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	struct ebcc_events *events = NULL;
	struct ebcc_error *error;
	LOG_SCOPE(&module->log);

	TRY(get_events(module, &events));
	if (events->polling)
		return ebcc_error_create(EBCC_ERROR_STATE,
					 "a callback of a poll can't poll the same module");
	TRY(check_owner(events, source));
	TRY(check_something_to_poll(events, source));
	events->polling = true;
	events->stopped = false;
	events->reported = false;
	events->discarded = false;
	events->delivered = 0;
	drop_ticks(events);
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
	return run(module, POLL, source, timeout_ms, ret_count);
}

struct ebcc_error *ebcc_module_poll(struct ebcc_module *module, int timeout_ms, size_t *ret_count)
{
	return run(module, POLL, EBCC_EVENTS_ALL, timeout_ms, ret_count);
}

struct ebcc_error *ebcc_module_consume(struct ebcc_module *module, size_t *ret_count)
{
	return run(module, CONSUME, EBCC_EVENTS_ALL, 0, ret_count);
}

struct ebcc_error *ebcc_module_consume_source(struct ebcc_module *module,
					      enum ebcc_event_source source, size_t *ret_count)
{
	return run(module, CONSUME, source, 0, ret_count);
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
			TRY(watch(events, reader_fd(reader)));
		}
	}
	TRY(watch_batches(events));
	*ret = events->epoll_fd;
	return NULL;
}
