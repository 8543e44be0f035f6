/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.Symbolizer: names of addresses in processes, in the kernel, and in files known by
 * their build id. Symbol tables may take long to load, so the GIL is released. The symbolizer's
 * own lock keeps other threads out until the results, which the library owns, are copied.
 */
#include <stdlib.h>
#include <string.h>

#include "pyebcc.h"

static PyTypeObject *symbolizer_type;

/* ebcc._ebcc.Symbolizer */
struct symbolizer_object {
	PyObject ob_base;
	struct ebcc_symbolizer *handle;
	pthread_mutex_t lock; /* taken only while the GIL is released */
	char *notice;	      /* what the library logged during a call, malloc'ed, or NULL */
};

/* Keeps a message until the call has ended and Python code may run. */
static void keep_notice(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct symbolizer_object *symbolizer = ctx;

	(void)level;
	free(symbolizer->notice);
	symbolizer->notice = strdup(message);
}

/* Ends a call into the library: unlocks, and logs its message. False with an exception set. */
static bool unlock(struct symbolizer_object *symbolizer)
{
	char *notice = symbolizer->notice;
	bool delivered;

	symbolizer->notice = NULL;
	pthread_mutex_unlock(&symbolizer->lock);
	if (!notice)
		return true;
	delivered = message_log(EBCC_LOG_WARNING, notice);
	free(notice);
	return delivered;
}

/*
 * The same for a call with a result, which is dropped if logging raised an exception. That
 * exception replaces an earlier one: it may be what a signal handler raised.
 */
static PyObject *unlock_with(struct symbolizer_object *symbolizer, PyObject *result)
{
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	if (unlock(symbolizer)) {
		PyErr_Restore(type, value, traceback);
		return result;
	}
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	Py_XDECREF(result);
	return NULL;
}

static PyObject *symbolizer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"debug_root", "symfs", "memory_limit", "time_limit", NULL};
	struct ebcc_symbolizer_opts opts = {.sz = sizeof(opts)};
	struct symbolizer_object *symbolizer;
	unsigned long long memory_limit = 0, time_limit = 0;
	struct ebcc_error *error;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O&O&KK", names, bytes_or_none,
					 &opts.debug_root, bytes_or_none, &opts.symfs,
					 &memory_limit, &time_limit))
		return NULL;
	opts.memory_limit = memory_limit;
	opts.time_limit = time_limit;
	opts.log = keep_notice;
	symbolizer = (struct symbolizer_object *)PyType_GenericAlloc(type, 0);
	if (!symbolizer)
		return NULL;
	pthread_mutex_init(&symbolizer->lock, NULL);
	opts.log_ctx = symbolizer;
	error = ebcc_symbolizer_create(&opts, &symbolizer->handle);
	if (error) {
		Py_DECREF(symbolizer);
		return error_raise(error, ERROR_ANY);
	}
	return (PyObject *)symbolizer;
}

static void symbolizer_dealloc(PyObject *self)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	PyTypeObject *type = Py_TYPE(self);

	ebcc_symbolizer_destroy(symbolizer->handle);
	pthread_mutex_destroy(&symbolizer->lock);
	free(symbolizer->notice);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

/* Converts a pid. A script that reads -1 (the kernel) from a map's u32 passes 4294967295. */
static int pid_wrapped(PyObject *object, void *ret)
{
	unsigned long pid = PyLong_AsUnsignedLongMask(object);

	if (pid == (unsigned long)-1 && PyErr_Occurred())
		return 0;
	*(int *)ret = (int)pid;
	return 1;
}

/* Resolves addresses. On success it returns with the lock held: the library owns the symbols. */
static bool resolve(struct symbolizer_object *symbolizer, int pid, const uint64_t *addresses,
		    size_t count, int demangle, struct ebcc_symbol *ret)
{
	struct ebcc_error *error;

	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	error = ebcc_symbolizer_resolve(symbolizer->handle, pid, addresses, count,
					demangle ? 0 : EBCC_SYMBOL_MANGLED, ret, sizeof(*ret));
	Py_END_ALLOW_THREADS
	if (!error)
		return true;
	pthread_mutex_unlock(&symbolizer->lock);
	error_raise(error, ERROR_ANY);
	return false;
}

static PyObject *symbol_tuple(const struct ebcc_symbol *symbol)
{
	return Py_BuildValue("(yKy)", symbol->name, (unsigned long long)symbol->offset,
			     symbol->module);
}

static PyObject *symbolizer_resolve(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	unsigned long long address;
	struct ebcc_symbol symbol;
	int pid, demangle = 1;

	if (!PyArg_ParseTuple(args, "O&K|p", pid_wrapped, &pid, &address, &demangle) ||
	    !resolve(symbolizer, pid, (uint64_t *)&address, 1, demangle, &symbol))
		return NULL;
	return unlock_with(symbolizer, symbol_tuple(&symbol));
}

/* The items of a sequence as addresses; PyMem_Free() them. NULL with an exception on failure. */
static uint64_t *read_addresses(PyObject *sequence, Py_ssize_t count)
{
	uint64_t *addresses = PyMem_Malloc((count + 1) * sizeof(*addresses));

	if (!addresses)
		return (uint64_t *)PyErr_NoMemory();
	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *item = PySequence_GetItem(sequence, i);

		addresses[i] = item ? PyLong_AsUnsignedLongLongMask(item) : 0;
		Py_XDECREF(item);
		if (PyErr_Occurred()) {
			PyMem_Free(addresses);
			return NULL;
		}
	}
	return addresses;
}

static PyObject *symbolizer_resolve_many(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	struct ebcc_symbol *symbols = NULL;
	PyObject *sequence, *list = NULL;
	uint64_t *addresses;
	int pid, demangle = 1;
	Py_ssize_t count;

	if (!PyArg_ParseTuple(args, "O&O|p", pid_wrapped, &pid, &sequence, &demangle))
		return NULL;
	count = PySequence_Size(sequence);
	addresses = count < 0 ? NULL : read_addresses(sequence, count);
	if (!addresses)
		return NULL;
	symbols = PyMem_Calloc(count + 1, sizeof(*symbols));
	if (!symbols) {
		PyErr_NoMemory();
	} else if (resolve(symbolizer, pid, addresses, count, demangle, symbols)) {
		list = PyList_New(count);
		for (Py_ssize_t i = 0; list && i < count; i++) {
			PyObject *tuple = symbol_tuple(&symbols[i]);

			if (!tuple)
				Py_CLEAR(list);
			else
				PyList_SetItem(list, i, tuple);
		}
		list = unlock_with(symbolizer, list);
	}
	PyMem_Free(symbols);
	PyMem_Free(addresses);
	return list;
}

/* Writes "+0xOFFSET" and returns its end. */
static char *write_offset(char *to, uint64_t offset)
{
	int digits = 1;

	while (digits < 16 && offset >> digits * 4)
		digits++;
	to = stpcpy(to, "+0x");
	for (int i = digits - 1; i >= 0; i--)
		*to++ = "0123456789abcdef"[offset >> i * 4 & 15];
	return to;
}

/* NAME+0xOFFSET [MODULE], the latter two if wanted and known. It is put together by hand, because
 * PyBytes_FromFormat() takes longer than finding the name. */
static PyObject *symbol_text(const struct ebcc_symbol *symbol, int show_module, int show_offset)
{
	const char *name = symbol->name ? symbol->name : "[unknown]", *module = NULL, *slash;
	size_t name_length = strlen(name), module_length = 0;
	char space[512], *text = space, *at;
	PyObject *bytes;

	if (show_module && symbol->module) {
		slash = strrchr(symbol->module, '/');
		module = slash ? slash + 1 : symbol->module;
		module_length = strlen(module);
	}
	/* In addition there are at most "+0x", 16 digits, and " []". */
	if (name_length + module_length + 24 > sizeof(space))
		text = PyMem_Malloc(name_length + module_length + 24);
	if (!text)
		return PyErr_NoMemory();
	at = mempcpy(text, name, name_length);
	if (show_offset && symbol->name)
		at = write_offset(at, symbol->offset);
	if (module) {
		at = stpcpy(at, " [");
		at = mempcpy(at, module, module_length);
		*at++ = ']';
	}
	bytes = PyBytes_FromStringAndSize(text, at - text);
	if (text != space)
		PyMem_Free(text);
	return bytes;
}

static PyObject *describe_object(PyObject *self, PyObject *const *args);

/* Called for each address of each stack, so its arguments come without a tuple. */
static PyObject *symbolizer_describe(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	int pid, show_module, show_offset, demangle;
	struct ebcc_symbol symbol;
	uint64_t address;

	if (count != 5) {
		PyErr_SetString(PyExc_TypeError, "describe() takes 5 arguments");
		return NULL;
	}
	if (!pid_wrapped(args[0], &pid))
		return NULL;
	address = PyLong_AsUnsignedLongLongMask(args[1]);
	if (address == (uint64_t)-1 && PyErr_Occurred()) {
		if (!PyErr_ExceptionMatches(PyExc_TypeError))
			return NULL;
		PyErr_Clear();
		return describe_object(self, args);
	}
	show_module = PyObject_IsTrue(args[2]);
	show_offset = PyObject_IsTrue(args[3]);
	demangle = PyObject_IsTrue(args[4]);
	if (PyErr_Occurred() || !resolve(symbolizer, pid, &address, 1, demangle, &symbol))
		return NULL;
	return unlock_with(symbolizer, symbol_text(&symbol, show_module, show_offset));
}

static PyObject *symbolizer_describe_build_id(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	int show_module, show_offset, demangle;
	unsigned long long offset;
	struct ebcc_symbol symbol;
	struct ebcc_error *error;
	PyObject *result = NULL;
	const char *build_id;
	Py_ssize_t size;

	if (!PyArg_ParseTuple(args, "y#Kppp", &build_id, &size, &offset, &show_module, &show_offset,
			      &demangle))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	error = ebcc_symbolizer_resolve_build_id(symbolizer->handle, build_id, size, offset,
						 demangle ? 0 : EBCC_SYMBOL_MANGLED, &symbol,
						 sizeof(symbol));
	Py_END_ALLOW_THREADS
	if (!error)
		result = symbol_text(&symbol, show_module, show_offset);
	result = unlock_with(symbolizer, result);
	return error ? error_raise(error, ERROR_ANY) : result;
}

/* Whether a frame of a build-id stack has a build id; -1 with an exception set on failure. */
static int has_build_id(PyObject *frame)
{
	PyObject *status = PyObject_GetAttrString(frame, "status");
	long value = status ? PyLong_AsLong(status) : -1;

	Py_XDECREF(status);
	return PyErr_Occurred() ? -1 : value == EBCC_FRAME_BUILD_ID;
}

/* describe() for what is not a plain int: a frame of a build-id stack, which has an offset in the
 * file or an address, or a ctypes integer. */
static PyObject *describe_object(PyObject *self, PyObject *const *args)
{
	PyObject *build_id = PyObject_GetAttrString(args[1], "build_id"), *address, *tuple, *id;
	PyObject *result = NULL;
	int in_file = 0;

	if (!build_id && !PyErr_ExceptionMatches(PyExc_AttributeError))
		return NULL;
	PyErr_Clear();
	address = PyObject_GetAttrString(args[1], build_id ? "offset" : "value");
	if (address && build_id)
		in_file = has_build_id(args[1]);
	if (address && in_file > 0) {
		id = PyBytes_FromObject(build_id);
		tuple = id ? Py_BuildValue("(NOOOO)", id, address, args[2], args[3], args[4])
			   : NULL;
		result = tuple ? symbolizer_describe_build_id(self, tuple) : NULL;
		Py_XDECREF(tuple);
	} else if (address && !in_file && PyLong_Check(address)) {
		result = symbolizer_describe(
			self, (PyObject *[]){args[0], address, args[2], args[3], args[4]}, 5);
	} else if (!PyErr_Occurred()) {
		PyErr_SetString(PyExc_TypeError, "an address must be a number");
	}
	Py_XDECREF(address);
	Py_XDECREF(build_id);
	return result;
}

static PyObject *symbolizer_find_name(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	const char *name, *module = NULL;
	struct ebcc_error *error;
	uint64_t address;
	int pid;

	if (!PyArg_ParseTuple(args, "O&y|O&", pid_wrapped, &pid, &name, bytes_or_none, &module))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	error = ebcc_symbolizer_find_name(symbolizer->handle, pid, module, name, &address);
	Py_END_ALLOW_THREADS
	if (!unlock(symbolizer)) {
		ebcc_error_destroy(error);
		return NULL;
	}
	if (error && ebcc_error_code(error) == EBCC_ERROR_NOT_FOUND) {
		ebcc_error_destroy(error);
		Py_RETURN_NONE;
	}
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromUnsignedLongLong(address);
}

/* Ends a call that returns nothing. */
static PyObject *finish(struct symbolizer_object *symbolizer, struct ebcc_error *error)
{
	bool logged = unlock(symbolizer);

	if (error && logged)
		return error_raise(error, ERROR_ANY);
	ebcc_error_destroy(error);
	if (!logged)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *symbolizer_add_file(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	struct ebcc_error *error;
	const char *path;

	if (!PyArg_ParseTuple(args, "y", &path))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	error = ebcc_symbolizer_add_file(symbolizer->handle, path);
	Py_END_ALLOW_THREADS
	return finish(symbolizer, error);
}

static PyObject *symbolizer_add_process(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	struct ebcc_error *error;
	int pid;

	if (!PyArg_ParseTuple(args, "i", &pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	error = ebcc_symbolizer_add_process(symbolizer->handle, pid);
	Py_END_ALLOW_THREADS
	return finish(symbolizer, error);
}

static PyObject *symbolizer_forget_process(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	int pid;

	if (!PyArg_ParseTuple(args, "i", &pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	ebcc_symbolizer_forget_process(symbolizer->handle, pid);
	pthread_mutex_unlock(&symbolizer->lock);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

static PyObject *symbolizer_statistics(PyObject *self, PyObject *args)
{
	struct symbolizer_object *symbolizer = (struct symbolizer_object *)self;
	struct ebcc_symbolizer_statistics statistics;

	(void)args;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&symbolizer->lock);
	ebcc_symbolizer_read_statistics(symbolizer->handle, &statistics, sizeof(statistics));
	pthread_mutex_unlock(&symbolizer->lock);
	Py_END_ALLOW_THREADS
	return Py_BuildValue("{sKsKsKsKsK}", "memory", (unsigned long long)statistics.memory,
			     "dropped", (unsigned long long)statistics.dropped, "too_large",
			     (unsigned long long)statistics.too_large, "no_memory",
			     (unsigned long long)statistics.no_memory, "no_time",
			     (unsigned long long)statistics.no_time);
}

static PyMethodDef symbolizer_methods[] = {
	{"resolve", symbolizer_resolve, METH_VARARGS,
	 "resolve(pid, address, demangle=True) -> (name or None, offset, module or None)\n\n"
	 "A negative pid means the kernel. The offset is relative to the name, or to the module if "
	 "there\nis no name; without a module it is the address."},
	{"resolve_many", symbolizer_resolve_many, METH_VARARGS,
	 "resolve_many(pid, addresses, demangle=True) -> list of what resolve() returns"},
	{"describe", (PyCFunction)(void (*)(void))symbolizer_describe, METH_FASTCALL,
	 "describe(pid, address, show_module, show_offset, demangle) -> bytes\n\n"
	 "address: a number, a ctypes integer, or a frame of a build-id stack."},
	{"describe_build_id", symbolizer_describe_build_id, METH_VARARGS,
	 "describe_build_id(build_id, file_offset, show_module, show_offset, demangle) -> bytes"},
	{"find_name", symbolizer_find_name, METH_VARARGS,
	 "find_name(pid, name, module=None) -> address or None"},
	{"add_file", symbolizer_add_file, METH_VARARGS,
	 "add_file(path)\n\nRegisters a file by its build id. Raises NotFoundError, FormatError."},
	{"add_process", symbolizer_add_process, METH_VARARGS,
	 "add_process(pid)\n\nReads a process's memory map now, so that its addresses have names "
	 "when it\nhas ended. Raises NotFoundError."},
	{"forget_process", symbolizer_forget_process, METH_VARARGS,
	 "forget_process(pid)\n\nDrops what is kept of a process."},
	{"statistics", symbolizer_statistics, METH_NOARGS,
	 "statistics() -> dict\n\n"
	 "memory: bytes in use now; dropped: processes, tables and perf maps that were dropped to "
	 "make room for others; too_large, no_memory, no_time: how many were left out for that "
	 "reason, so that their addresses have no names."},
	{0},
};

static PyType_Slot symbolizer_slots[] = {
	{Py_tp_doc, "Names for addresses.\n\nSymbolizer(debug_root=None, symfs=None, "
		    "memory_limit=0, time_limit=0)\n\ndebug_root, symfs: directories, bytes. "
		    "memory_limit: bytes of memory for what is kept of processes. time_limit: "
		    "milliseconds of processor time for reading at a stretch. 0: the library's "
		    "default."},
	{Py_tp_new, symbolizer_new},
	{Py_tp_dealloc, symbolizer_dealloc},
	{Py_tp_methods, symbolizer_methods},
	{0},
};

static PyType_Spec symbolizer_spec = {
	.name = "ebcc._ebcc.Symbolizer",
	.basicsize = sizeof(struct symbolizer_object),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = symbolizer_slots,
};

int symbols_add(PyObject *extension)
{
	return type_add(extension, &symbolizer_spec, "Symbolizer", &symbolizer_type);
}
