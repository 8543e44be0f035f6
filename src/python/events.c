/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an event gets from a perf or ring buffer to its Python callback. The callback
 * receives the address of the bytes as an int, which ctypes.cast() accepts. While the
 * callback runs, event() knows which bytes that address refers to; it copies them, so the
 * caller may keep what it returns. An exception in a callback ends the poll and is raised
 * from it.
 *
 * A batch callback is called once for all events that a poll has found. They are copied without
 * holding the GIL as they are read; then the callback gets their bytes, where each begins, and the
 * CPUs that they come from.
 */
#include <linux/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "pyebcc.h"

/* Events for a batch callback. Memory is kept from one batch to the next. */
struct batch {
	char *bytes;
	size_t size, capacity;
	uint64_t *offsets; /* where each event begins */
	uint32_t *cpus;	   /* of perf buffers; NULL for ring buffers, which don't tell */
	size_t count, room;
	bool failed; /* out of memory: some events are missing */
};

/* An open buffer of a table. */
struct reader {
	struct reader *next;
	struct module_object *module; /* borrowed: the module owns its readers */
	struct ebcc_table *table;
	PyObject *callback; /* for each event; NULL: batch_callback is set */
	PyObject *batch_callback;
	struct batch batch;
	PyObject *lost;	   /* or NULL */
	PyObject *context; /* first argument of a ring buffer's callback; NULL: pass the CPU */
	PyObject *length;  /* size of the last event as an int, kept since most sizes are equal */
	size_t length_value;
};

/* The event that this thread's callback is handling. Callbacks may poll other modules. */
struct current_event {
	const void *data;
	size_t size;
	struct current_event *outer;
};

static _Thread_local struct current_event *current_event;

/* --- delivering --------------------------------------------------------------------- */

static void gil_acquire(struct poll *poll)
{
	if (poll->released) {
		PyEval_RestoreThread(poll->released);
		poll->released = NULL;
	}
}

static PyObject *length_object(struct reader *reader, size_t size)
{
	if (!reader->length || reader->length_value != size) {
		Py_XDECREF(reader->length);
		reader->length = PyLong_FromSize_t(size);
		reader->length_value = size;
	}
	return reader->length;
}

static PyObject *callback_call(struct reader *reader, int cpu, const void *data, size_t size)
{
	PyObject *address = PyLong_FromVoidPtr((void *)data);
	PyObject *length = length_object(reader, size);
	PyObject *first = reader->context, *result = NULL;

	if (first)
		Py_INCREF(first);
	else
		first = PyLong_FromLong(cpu);
	if (address && length && first) {
		Py_INCREF(length);
		result = PyObject_CallFunctionObjArgs(reader->callback, first, address, length,
						      NULL);
		Py_DECREF(length);
	}
	Py_XDECREF(first);
	Py_XDECREF(address);
	return result;
}

/* A ring buffer's callback ends the poll without an exception by returning a negative int. */
static int result_stops(const struct reader *reader, PyObject *result)
{
	int overflow;

	return reader->context && PyLong_Check(result) &&
	       PyLong_AsLongAndOverflow(result, &overflow) < 0;
}

/* Makes room for another event. */
static bool batch_reserve(struct batch *batch, size_t size, bool with_cpus)
{
	if (size > batch->capacity - batch->size) {
		size_t capacity = batch->capacity ? batch->capacity : 65536;
		void *bytes;

		while (size > capacity - batch->size)
			capacity *= 2;
		bytes = realloc(batch->bytes, capacity);
		if (!bytes)
			return false;
		batch->bytes = bytes;
		batch->capacity = capacity;
	}
	if (batch->count == batch->room) {
		size_t room = batch->room ? 2 * batch->room : 1024;
		void *offsets = realloc(batch->offsets, room * sizeof(*batch->offsets)), *cpus;

		if (!offsets)
			return false;
		batch->offsets = offsets;
		if (with_cpus) {
			cpus = realloc(batch->cpus, room * sizeof(*batch->cpus));
			if (!cpus)
				return false;
			batch->cpus = cpus;
		}
		batch->room = room;
	}
	return true;
}

/* Runs without the GIL. */
static int on_batched_event(void *ctx, int cpu, const void *data, size_t size)
{
	struct reader *reader = ctx;
	struct batch *batch = &reader->batch;

	if (!batch_reserve(batch, size, !reader->context)) {
		batch->failed = true;
		return -1;
	}
	memcpy(batch->bytes + batch->size, data, size);
	batch->offsets[batch->count] = batch->size;
	if (!reader->context)
		batch->cpus[batch->count] = (uint32_t)cpu;
	batch->size += size;
	batch->count++;
	return 0;
}

/* Passes what was gathered to the callback. Returns false if an exception was raised. */
static bool batch_deliver(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	size_t count = batch->count, size = batch->size;
	PyObject *result;

	/* Events that come while the callback runs belong to the next batch. */
	batch->count = batch->size = 0;
	if (batch->failed) {
		batch->failed = false;
		PyErr_NoMemory();
		return false;
	}
	if (!count)
		return true;
	result = PyObject_CallFunction(
		reader->batch_callback, "y#y#y#", batch->bytes ? batch->bytes : "",
		(Py_ssize_t)size, (char *)batch->offsets, (Py_ssize_t)(count * sizeof(uint64_t)),
		batch->cpus ? (char *)batch->cpus : "",
		(Py_ssize_t)(batch->cpus ? count * sizeof(uint32_t) : 0));
	Py_XDECREF(result);
	return result;
}

/* Delivers the batches of all readers after a poll, even if another callback has raised an
 * exception, which then stays the one that is raised. */
static void batches_deliver(struct module_object *module)
{
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	for (struct reader *reader = module->readers; reader; reader = reader->next) {
		if (!reader->batch_callback || batch_deliver(reader))
			continue;
		if (type)
			PyErr_Clear();
		else
			PyErr_Fetch(&type, &value, &traceback);
	}
	PyErr_Restore(type, value, traceback);
}

static int on_event(void *ctx, int cpu, const void *data, size_t size)
{
	struct reader *reader = ctx;
	struct current_event current = {data, size, current_event};
	PyObject *result;
	int stop;

	gil_acquire(reader->module->poll);
	current_event = &current;
	result = callback_call(reader, cpu, data, size);
	current_event = current.outer;
	if (!result)
		return -1;
	stop = result_stops(reader, result);
	Py_DECREF(result);
	return stop;
}

static int on_lost(void *ctx, int cpu, uint64_t count)
{
	struct reader *reader = ctx;
	PyObject *result;

	gil_acquire(reader->module->poll);
	result = PyObject_CallFunction(reader->lost, "K", (unsigned long long)count);
	Py_XDECREF(result);
	return result ? 0 : -1;
}

/* --- opening and closing ------------------------------------------------------------- */

static void reader_destroy(struct reader *reader)
{
	Py_XDECREF(reader->callback);
	Py_XDECREF(reader->batch_callback);
	free(reader->batch.bytes);
	free(reader->batch.offsets);
	free(reader->batch.cpus);
	Py_XDECREF(reader->lost);
	Py_XDECREF(reader->context);
	Py_XDECREF(reader->length);
	PyMem_Free(reader);
}

static struct reader *reader_create(struct table_object *table, PyObject *callback, bool batched,
				    PyObject *lost, PyObject *context)
{
	struct reader *reader = PyMem_Calloc(1, sizeof(*reader));

	if (!reader) {
		PyErr_NoMemory();
		return NULL;
	}
	reader->module = table->module;
	reader->table = table->handle;
	*(batched ? &reader->batch_callback : &reader->callback) = callback;
	Py_INCREF(callback);
	if (lost != Py_None) {
		reader->lost = lost;
		Py_INCREF(lost);
	}
	if (ebcc_table_map_type(table->handle) == BPF_MAP_TYPE_RINGBUF) {
		reader->context = context;
		Py_INCREF(context);
	}
	return reader;
}

void readers_destroy(struct module_object *module)
{
	while (module->readers) {
		struct reader *reader = module->readers;

		module->readers = reader->next;
		reader_destroy(reader);
	}
}

int readers_traverse(struct module_object *module, visitproc visit, void *arg)
{
	for (struct reader *reader = module->readers; reader; reader = reader->next) {
		Py_VISIT(reader->callback);
		Py_VISIT(reader->batch_callback);
		Py_VISIT(reader->lost);
		Py_VISIT(reader->context);
	}
	return 0;
}

/* Readers change only between polls: during a poll, the library may be using them. */
static bool readers_idle(struct module_object *module)
{
	if (!module->poll)
		return true;
	error_raise_code(EBCC_ERROR_STATE, "event buffers can't be opened or closed while the "
					   "module is being polled");
	return false;
}

static void reader_close(struct table_object *table)
{
	struct reader **link = &table->module->readers;

	while (*link && (*link)->table != table->handle)
		link = &(*link)->next;
	if (*link) {
		struct reader *reader = *link;

		ebcc_table_close_events(table->handle);
		*link = reader->next;
		reader_destroy(reader);
	}
}

PyObject *table_open_events(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_events_opts opts = {.sz = sizeof(opts), .event = on_event};
	PyObject *callback, *lost, *context;
	struct ebcc_error *error;
	struct reader *reader;
	Py_ssize_t page_count;
	int batched;

	if (!PyArg_ParseTuple(args, "OpOOnI", &callback, &batched, &lost, &context, &page_count,
			      &opts.wakeup_events) ||
	    !module_check(table->module) || !readers_idle(table->module))
		return NULL;
	reader_close(table);
	reader = reader_create(table, callback, batched, lost, context);
	if (!reader)
		return NULL;
	opts.ctx = reader;
	if (batched)
		opts.event = on_batched_event;
	opts.lost = reader->lost ? on_lost : NULL;
	opts.page_count = page_count;
	MODULE_CALL(table->module, error, ebcc_table_open_events(table->handle, &opts));
	if (error) {
		reader_destroy(reader);
		return error_raise(error, ERROR_ANY);
	}
	reader->next = table->module->readers;
	table->module->readers = reader;
	Py_RETURN_NONE;
}

PyObject *table_close_events(PyObject *self, PyObject *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (!module_check(table->module) || !readers_idle(table->module))
		return NULL;
	reader_close(table);
	Py_RETURN_NONE;
}

PyObject *table_lost(PyObject *self, PyObject *unused)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_error *error;
	uint64_t count;

	if (!module_check(table->module))
		return NULL;
	error = ebcc_table_lost_count(table->handle, &count);
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromUnsignedLongLong(count);
}

/* --- polling ------------------------------------------------------------------------ */

/* A module is polled once at a time; a callback cannot poll its own module. */
static bool poll_begin(struct module_object *module, struct poll *poll)
{
	if (!module_check(module))
		return false;
	if (module->poll) {
		bool own = pthread_equal(module->poll->thread, pthread_self());

		error_raise_code(EBCC_ERROR_STATE, own ? "a callback can't poll its own module"
						       : "another thread is polling this module");
		return false;
	}
	poll->thread = pthread_self();
	module->poll = poll;
	module_enter(module);
	return true;
}

static void poll_end(struct module_object *module)
{
	module->poll = NULL;
	module_leave(module);
}

/* A poll without a timeout checks this often whether another thread has closed its module. */
#define POLL_SLICE_MS 200

/* The outcome of one call into the library. */
enum poll_outcome {
	POLL_DONE,   /* a callback ended it */
	POLL_FAILED, /* an exception is set */
	POLL_AGAIN,  /* a signal arrived whose handlers raised nothing */
	POLL_WAITED, /* events were delivered or discarded, or the wait timed out */
};

static enum poll_outcome poll_outcome(struct ebcc_error *error)
{
	if (PyErr_Occurred()) {
		ebcc_error_destroy(error);
		return POLL_FAILED;
	}
	if (!error)
		return POLL_WAITED;
	switch (ebcc_error_code(error)) {
	case EBCC_ERROR_CALLBACK:
		ebcc_error_destroy(error);
		return POLL_DONE;
	case EBCC_ERROR_INTERRUPTED:
		return error_interrupted(error) ? POLL_AGAIN : POLL_FAILED;
	default:
		error_raise(error, ERROR_ANY);
		return POLL_FAILED;
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Milliseconds to wait this time. *@p ret_last: whether the deadline (-1: none) allows no further
 * wait. */
static int next_wait(int64_t deadline, bool *ret_last)
{
	int64_t left = deadline < 0 ? INT64_MAX : deadline - now_ms();

	*ret_last = left <= POLL_SLICE_MS;
	return *ret_last ? (left > 0 ? (int)left : 0) : POLL_SLICE_MS;
}

/* Waits and delivers; the GIL is released until the first event takes it. */
static enum poll_outcome poll_once(struct module_object *module, enum ebcc_event_source source,
				   int timeout, size_t *ret_count)
{
	struct ebcc_error *error;

	module->poll->released = PyEval_SaveThread();
	error = ebcc_module_poll_source(module->handle, source, timeout, ret_count);
	gil_acquire(module->poll);
	batches_deliver(module);
	return poll_outcome(error);
}

PyObject *module_poll(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	enum poll_outcome outcome;
	struct poll poll;
	size_t count = 0;
	int source, timeout;
	int64_t deadline;
	bool last;

	if (!PyArg_ParseTuple(args, "ii", &source, &timeout) || !poll_begin(module, &poll))
		return NULL;
	deadline = timeout < 0 ? -1 : now_ms() + timeout;
	do {
		int wait = next_wait(deadline, &last);
		int64_t end = now_ms() + wait;

		outcome = poll_once(module, source, wait, &count);
		/* One that ends early without events has found only what programs discarded. */
		last = last || now_ms() < end;
	} while (!module->closing &&
		 (outcome == POLL_AGAIN || (outcome == POLL_WAITED && count == 0 && !last)));
	poll_end(module);
	return outcome == POLL_FAILED ? NULL : PyLong_FromSize_t(count);
}

PyObject *module_consume(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	enum poll_outcome outcome;
	struct poll poll = {0};
	size_t count = 0;
	int source;

	if (!PyArg_ParseTuple(args, "i", &source) || !poll_begin(module, &poll))
		return NULL;
	do {
		struct ebcc_error *error =
			ebcc_module_consume_source(module->handle, source, &count);

		batches_deliver(module);
		outcome = poll_outcome(error);
	} while (outcome == POLL_AGAIN);
	poll_end(module);
	return outcome == POLL_FAILED ? NULL : PyLong_FromSize_t(count);
}

/* --- decoding ----------------------------------------------------------------------- */

static bool event_prepare(struct table_object *table)
{
	const struct ebcc_type *type, *target;

	if (table->event_form != EVENT_UNKNOWN)
		return true;
	if (!module_check(table->module))
		return false;
	type = ebcc_table_event_type(table->handle);
	if (!type) {
		error_raise_code(EBCC_ERROR_NOT_FOUND,
				 "the source submits nothing of a known type to this table: pass "
				 "perf_submit or ringbuf_output the address of a variable, or cast "
				 "data yourself");
		return false;
	}
	table->event_class = type_class(table->module, type);
	if (!table->event_class)
		return false;
	table->event_size = ebcc_type_size(type);
	target = ebcc_type_kind(type) == EBCC_TYPE_ARRAY ? ebcc_type_target(type) : NULL;
	if (type_is_char(type) || (target && type_is_char(target)))
		table->event_form = EVENT_TEXT;
	else if (type_is_integer(type))
		table->event_form = ebcc_type_is_signed(type) ? EVENT_SIGNED : EVENT_UNSIGNED;
	else
		table->event_form = EVENT_OBJECT;
	return true;
}

/* An integer of 1 to 8 bytes. In an event that is shorter, the missing high bytes are zero. */
static PyObject *event_integer(const struct table_object *table, const void *data, size_t size)
{
	unsigned shift = 64 - 8 * table->event_size;
	uint64_t number = 0;

	memcpy(&number, data, size < table->event_size ? size : table->event_size);
	if (table->event_form == EVENT_SIGNED)
		return PyLong_FromLongLong((int64_t)(number << shift) >> shift);
	return PyLong_FromUnsignedLongLong(number);
}

static PyObject *event_create(const struct table_object *table, const void *data, size_t size)
{
	switch (table->event_form) {
	case EVENT_UNSIGNED:
	case EVENT_SIGNED:
		return event_integer(table, data, size);
	case EVENT_TEXT:
		if (size > table->event_size)
			size = table->event_size;
		return PyBytes_FromStringAndSize(data, strnlen(data, size));
	default:
		return instance_create(table->event_class, data, size);
	}
}

/*
 * An address other than the current event's is the caller's own, or was kept from an
 * earlier callback, and its memory may be gone. The kernel reads it for us, so that a bad
 * address raises an exception instead of crashing.
 */
static PyObject *event_from_address(const struct table_object *table, void *address)
{
	void *copy = PyMem_Malloc(table->event_size + 1);
	struct iovec local = {copy, table->event_size}, remote = {address, table->event_size};
	PyObject *event = NULL;

	if (!copy)
		return PyErr_NoMemory();
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)table->event_size)
		event = event_create(table, copy, table->event_size);
	else
		PyErr_Format(PyExc_ValueError,
			     "no event at %p (%s): call event() inside the callback", address,
			     ebcc_errno_message(errno));
	PyMem_Free(copy);
	return event;
}

static PyObject *event_from_buffer(const struct table_object *table, PyObject *data)
{
	PyObject *event;
	Py_buffer buffer;

	if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0)
		return NULL;
	event = event_create(table, buffer.buf, buffer.len);
	PyBuffer_Release(&buffer);
	return event;
}

PyObject *table_event(PyObject *self, PyObject *data)
{
	struct table_object *table = (struct table_object *)self;
	void *address;

	if (!event_prepare(table))
		return NULL;
	if (!PyLong_Check(data))
		return event_from_buffer(table, data);
	address = PyLong_AsVoidPtr(data);
	if (current_event && address == current_event->data)
		return event_create(table, address, current_event->size);
	if (!address && PyErr_Occurred())
		return NULL;
	return event_from_address(table, address);
}

/* --- batches -------------------------------------------------------------------------- */

PyObject *table_event_type(PyObject *self, PyObject *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (!event_prepare(table))
		return NULL;
	Py_INCREF(table->event_class);
	return table->event_class;
}

/* Copies @size bytes at @offset of each event. Inlined, so that a constant size makes the copy one
 * instruction. */
static inline __attribute__((always_inline)) bool gather(char *to, const Py_buffer *data,
							 const uint64_t *begins, size_t count,
							 size_t offset, size_t size)
{
	for (size_t i = 0; i < count; i++, to += size) {
		uint64_t end = i + 1 < count ? begins[i + 1] : (uint64_t)data->len;

		if (begins[i] > end || end > (uint64_t)data->len || end - begins[i] < offset + size)
			return false;
		memcpy(to, (char *)data->buf + begins[i] + offset, size);
	}
	return true;
}

/* The same with sizes that the compiler knows. */
static bool gather_column(char *to, const Py_buffer *data, const uint64_t *begins, size_t count,
			  size_t offset, size_t size)
{
	switch (size) {
	case 1:
		return gather(to, data, begins, count, offset, 1);
	case 2:
		return gather(to, data, begins, count, offset, 2);
	case 4:
		return gather(to, data, begins, count, offset, 4);
	case 8:
		return gather(to, data, begins, count, offset, 8);
	default:
		return gather(to, data, begins, count, offset, size);
	}
}

/* column(data, offsets, offset, size) -> bytes: the member of each event in a batch. */
PyObject *batch_column(PyObject *module, PyObject *args)
{
	Py_buffer data, offsets;
	Py_ssize_t offset, size, count;
	PyObject *column;

	if (!PyArg_ParseTuple(args, "y*y*nn", &data, &offsets, &offset, &size))
		return NULL;
	count = offsets.len / (Py_ssize_t)sizeof(uint64_t);
	column = offset < 0 || size < 0 || (size && count > PY_SSIZE_T_MAX / size) ||
				 offset > PY_SSIZE_T_MAX - size
			 ? PyErr_NoMemory()
			 : PyBytes_FromStringAndSize(NULL, count * size);
	if (column && !gather_column(PyBytes_AsString(column), &data, offsets.buf, (size_t)count,
				     (size_t)offset, (size_t)size)) {
		PyErr_SetString(PyExc_ValueError,
				"an event of the batch is too short for this member");
		Py_DECREF(column);
		column = NULL;
	}
	PyBuffer_Release(&data);
	PyBuffer_Release(&offsets);
	return column;
}
