/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.Program and ebcc._ebcc.Link: loading a program and attaching it. A program's
 * handle belongs to its module, which the program keeps alive; a link owns its attachment.
 */
#include <unistd.h>

#include "pyebcc.h"

#include <linux/bpf.h>

#include "base/kinds.h"

PyTypeObject *program_type, *link_type;

/* ebcc._ebcc.Link */
struct link_object {
	PyObject ob_base;
	struct module_object *module;
	struct ebcc_link *handle;
	PyObject *name;
};

PyObject *program_object_create(struct module_object *module, struct ebcc_program *handle)
{
	struct program_object *program =
		(struct program_object *)PyType_GenericAlloc(program_type, 0);

	if (!program)
		return NULL;
	Py_INCREF((PyObject *)module);
	program->module = module;
	program->handle = handle;
	return (PyObject *)program;
}

static int program_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct program_object *)self)->module);
	return 0;
}

static void program_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_XDECREF((PyObject *)((struct program_object *)self)->module);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

/*
 * If the module is closed, it has destroyed the link already and there is nothing to do.
 * While the module runs a long call, this does not wait for that call's lock: the library
 * allows a link to be destroyed while its module is being polled.
 */
static struct ebcc_error *link_end(struct link_object *link)
{
	struct ebcc_link *handle = link->handle;
	struct ebcc_error *error;

	link->handle = NULL;
	if (!handle || !link->module->handle)
		return NULL;
	module_enter(link->module);
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_link_detach(handle);
	ebcc_link_destroy(handle);
	Py_END_ALLOW_THREADS
	module_leave(link->module);
	return error;
}

/* Detaches links that are in use; their Links have given up the handles. */
static struct ebcc_error *handles_end(struct ebcc_link *const *handles, size_t count)
{
	struct ebcc_error *error;

	Py_BEGIN_ALLOW_THREADS
	error = ebcc_links_detach(handles, count);
	for (size_t i = 0; i < count; i++)
		ebcc_link_destroy(handles[i]);
	Py_END_ALLOW_THREADS
	return error;
}

/* The same as calling detach() of each, but in less time. */
static PyObject *detach_links(PyObject *self, PyObject *sequence)
{
	PyObject *list = PySequence_List(sequence);
	Py_ssize_t count = list ? PyList_Size(list) : 0, used = 0;
	struct ebcc_link **handles = PyMem_Calloc(count + 1, sizeof(*handles));
	struct module_object **modules = PyMem_Calloc(count + 1, sizeof(*modules));
	struct ebcc_error *error = NULL;
	bool all = list && handles && modules;

	for (Py_ssize_t i = 0; all && i < count; i++)
		all = Py_TYPE(PyList_GetItem(list, i)) == link_type;
	if (list && handles && modules && !all)
		PyErr_SetString(PyExc_TypeError, "detach_links() takes Links");
	else if (list && !all)
		PyErr_NoMemory();
	for (Py_ssize_t i = 0; all && i < count; i++) {
		struct link_object *link = (struct link_object *)PyList_GetItem(list, i);

		if (link->handle && link->module->handle) {
			module_enter(link->module);
			modules[used] = link->module;
			handles[used++] = link->handle;
		}
		link->handle = NULL;
	}
	error = handles_end(handles, used);
	for (Py_ssize_t i = 0; i < used; i++)
		module_leave(modules[i]);
	PyMem_Free(handles);
	PyMem_Free(modules);
	Py_XDECREF(list);
	if (error)
		return error_raise(error, ERROR_ATTACHING);
	if (!all)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *link_detach(PyObject *self, PyObject *unused)
{
	struct ebcc_error *error = link_end((struct link_object *)self);

	if (error)
		return error_raise(error, ERROR_ATTACHING);
	Py_RETURN_NONE;
}

static PyObject *link_destroy(PyObject *self, PyObject *unused)
{
	ebcc_error_destroy(link_end((struct link_object *)self));
	Py_RETURN_NONE;
}

static bool link_check(struct link_object *link)
{
	if (link->handle)
		return module_check(link->module);
	error_raise_code(EBCC_ERROR_STATE, "the link was detached");
	return false;
}

PATH_METHOD(link_pin, link_object, link_check, ebcc_link_pin)
PATH_METHOD(link_unpin, link_object, link_check, ebcc_link_unpin)

static int link_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct link_object *)self)->module);
	return 0;
}

/* Dropping the object leaves the link attached until the module closes: only destroy() detaches. */
static void link_dealloc(PyObject *self)
{
	struct link_object *link = (struct link_object *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_XDECREF(link->name);
	Py_XDECREF((PyObject *)link->module);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *link_create(struct module_object *module, struct ebcc_link *handle)
{
	struct link_object *link = (struct link_object *)PyType_GenericAlloc(link_type, 0);

	if (!link) {
		ebcc_link_destroy(handle);
		return NULL;
	}
	Py_INCREF((PyObject *)module);
	link->module = module;
	link->handle = handle;
	link->name = text_decode(ebcc_link_name(handle));
	if (!link->name) {
		Py_DECREF((PyObject *)link);
		return NULL;
	}
	return (PyObject *)link;
}

static PyObject *link_open(PyObject *self, PyObject *unused)
{
	struct link_object *link = (struct link_object *)self;
	struct ebcc_error *error;
	int fd;

	if (!module_check(link->module))
		return NULL;
	if (!link->handle) {
		PyErr_SetString(PyExc_ValueError, "the link was destroyed");
		return NULL;
	}
	MODULE_CALL(link->module, error, ebcc_link_open_iter(link->handle, &fd));
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromLong(fd);
}

static PyObject *link_functions(PyObject *self, PyObject *unused)
{
	struct link_object *link = (struct link_object *)self;
	size_t count = 0;
	PyObject *list;

	if (!module_check(link->module))
		return NULL;
	if (link->handle)
		count = ebcc_link_function_count(link->handle);
	list = PyList_New(count);
	for (size_t i = 0; list && i < count; i++) {
		PyObject *name = PyBytes_FromString(ebcc_link_function_at(link->handle, i));

		if (!name)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, name);
	}
	return list;
}

static PyObject *link_detach_function(PyObject *self, PyObject *args)
{
	struct link_object *link = (struct link_object *)self;
	struct ebcc_error *error;
	const char *function;

	if (!PyArg_ParseTuple(args, "y", &function) || !module_check(link->module))
		return NULL;
	if (!link->handle) {
		PyErr_SetString(PyExc_ValueError, "the link was destroyed");
		return NULL;
	}
	MODULE_CALL(link->module, error, ebcc_link_detach_function(link->handle, function));
	if (error)
		return error_raise(error, ERROR_ATTACHING);
	Py_RETURN_NONE;
}

static PyObject *link_fd(PyObject *self, void *unused)
{
	struct link_object *link = (struct link_object *)self;

	if (!link->handle || !link->module->handle)
		return PyLong_FromLong(-1);
	return PyLong_FromLong(ebcc_link_fd(link->handle));
}

static PyObject *link_attached(PyObject *self, void *unused)
{
	struct link_object *link = (struct link_object *)self;

	return PyBool_FromLong(link->handle && link->module->handle);
}

static PyObject *link_name(PyObject *self, void *unused)
{
	PyObject *name = ((struct link_object *)self)->name;

	Py_INCREF(name);
	return name;
}

/* Ends each attach call: returns a Link, or NULL with the exception. */
static PyObject *attach_result(struct module_object *module, struct ebcc_error *error,
			       struct ebcc_link *link)
{
	if (call_succeeded(error, ERROR_ATTACHING))
		return link_create(module, link);
	if (!error)
		ebcc_link_destroy(link);
	return NULL;
}

/* "O&" converter for a cookie, or another number. One outside 64 bits raises OverflowError. */
static int cookie_read(PyObject *object, void *ret)
{
	PyObject *number = PyNumber_Index(object);

	*(unsigned long long *)ret = number ? PyLong_AsUnsignedLongLong(number) : 0;
	Py_XDECREF(number);
	return !PyErr_Occurred();
}

static PyObject *attach_kprobe(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"function", "offset", "on_return", "max_active", "cookie", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts)};
	unsigned long long offset = 0, cookie = 0;
	struct ebcc_error *error;
	struct ebcc_link *link;
	int on_return = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y|KpIO&", names, &opts.function, &offset,
					 &on_return, &opts.max_active, cookie_read, &cookie) ||
	    !module_check(program->module))
		return NULL;
	opts.offset = offset;
	opts.on_return = on_return;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_kprobe(program->handle, &opts, &link));
	return attach_result(program->module, error, link);
}

#define WRONG_COOKIES "there must be as many cookies as functions"

/* The numbers of a sequence of @count ints; NULL for None. @wrong_count: the text of the error for
 * another count. PyMem_Free() the array. False with an exception. */
static bool numbers_from_sequence(PyObject *sequence, Py_ssize_t count, const char *wrong_count,
				  uint64_t **ret)
{
	unsigned long long number;
	PyObject *list;
	bool read;

	*ret = NULL;
	if (sequence == Py_None)
		return true;
	list = PySequence_List(sequence);
	if (!list)
		return false;
	read = PyList_Size(list) == count;
	if (!read)
		error_raise_code(EBCC_ERROR_INVALID_ARGUMENT, wrong_count);
	*ret = read ? PyMem_Calloc(count + 1, sizeof(**ret)) : NULL;
	if (read && !*ret)
		PyErr_NoMemory();
	read = *ret != NULL;
	for (Py_ssize_t i = 0; read && i < count; i++) {
		read = cookie_read(PyList_GetItem(list, i), &number);
		(*ret)[i] = number;
	}
	if (!read)
		PyMem_Free(*ret);
	Py_DECREF(list);
	return read;
}

static PyObject *attach_kprobe_multi(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"functions", "on_return", "cookies", "session", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	struct ebcc_link *link;
	PyObject *list, *copy, *sequence = Py_None;
	const char **functions;
	uint64_t *cookies;
	int on_return = 0, session = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|pOp", names, &list, &on_return, &sequence,
					 &session) ||
	    !module_check(program->module))
		return NULL;
	/* A copy that no other thread can change while the GIL is released. */
	copy = PySequence_List(list);
	functions = copy ? list_strings(copy) : NULL;
	if (!functions ||
	    !numbers_from_sequence(sequence, PyList_Size(copy), WRONG_COOKIES, &cookies)) {
		PyMem_Free(functions);
		Py_XDECREF(copy);
		return NULL;
	}
	opts.on_return = on_return;
	opts.cookies = cookies;
	opts.session = session;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_kprobe_multi(program->handle, functions, PyList_Size(copy),
						     &opts, &link));
	PyMem_Free(functions);
	PyMem_Free(cookies);
	Py_DECREF(copy);
	return attach_result(program->module, error, link);
}

/* What a call for many places of a file takes, as the library takes it. */
struct places {
	PyObject *addresses_list, *names_list; /* copies that no other thread can change */
	uint64_t *addresses, *cookies;
	const char **names;
};

static void places_deinit(struct places *places)
{
	PyMem_Free(places->addresses);
	PyMem_Free(places->cookies);
	PyMem_Free(places->names);
	Py_XDECREF(places->addresses_list);
	Py_XDECREF(places->names_list);
}

/* False with an exception. The names and cookies may be None. */
static bool places_read(struct places *places, PyObject *addresses, PyObject *names,
			PyObject *cookies)
{
	Py_ssize_t count;

	places->addresses_list = PySequence_List(addresses);
	if (!places->addresses_list)
		return false;
	count = PyList_Size(places->addresses_list);
	if (!numbers_from_sequence(places->addresses_list, count, "", &places->addresses) ||
	    !numbers_from_sequence(cookies, count, WRONG_COOKIES, &places->cookies))
		return false;
	if (names == Py_None)
		return true;
	places->names_list = PySequence_List(names);
	if (!places->names_list)
		return false;
	if (PyList_Size(places->names_list) != count) {
		error_raise_code(EBCC_ERROR_INVALID_ARGUMENT,
				 "there must be as many names as functions");
		return false;
	}
	places->names = list_strings(places->names_list);
	return places->names;
}

static PyObject *attach_uprobe_multi(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *keywords[] = {"binary", "addresses", "names",   "on_return",
				   "pid",    "cookies",	  "session", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_uprobe_multi_opts opts = {.sz = sizeof(opts)};
	PyObject *addresses, *names = Py_None, *cookies = Py_None;
	struct places places = {0};
	struct ebcc_error *error;
	struct ebcc_link *link;
	const char *binary;
	int on_return = 0, session = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "yO|OpiOp", keywords, &binary, &addresses,
					 &names, &on_return, &opts.pid, &cookies, &session) ||
	    !module_check(program->module))
		return NULL;
	if (!places_read(&places, addresses, names, cookies)) {
		places_deinit(&places);
		return NULL;
	}
	opts.on_return = on_return;
	opts.session = session;
	opts.names = places.names;
	opts.cookies = places.cookies;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_uprobe_multi(program->handle, binary, places.addresses,
						     PyList_Size(places.addresses_list), &opts,
						     &link));
	places_deinit(&places);
	return attach_result(program->module, error, link);
}

static PyObject *attach_uprobe(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"binary", "symbol",	      "address", "offset", "on_return",
				"pid",	  "semaphore_offset", "cookie",	 NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts)};
	unsigned long long address = 0, offset = 0, semaphore_offset = 0, cookie = 0;
	struct ebcc_error *error;
	struct ebcc_link *link;
	int on_return = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "yO&|KKpiKO&", names, &opts.binary,
					 bytes_or_none, &opts.symbol, &address, &offset, &on_return,
					 &opts.pid, &semaphore_offset, cookie_read, &cookie) ||
	    !module_check(program->module))
		return NULL;
	opts.address = address;
	opts.offset = offset;
	opts.on_return = on_return;
	opts.semaphore_offset = semaphore_offset;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_uprobe(program->handle, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_usdt(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"usdt", "probe", "every_process", "cookie", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_usdt_attach_opts opts = {.sz = sizeof(opts)};
	unsigned long long cookie = 0;
	struct ebcc_error *error;
	struct ebcc_link *link;
	PyObject *usdt;
	int every_process = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!y|pO&", names, usdt_type, &usdt,
					 &opts.probe, &every_process, cookie_read, &cookie) ||
	    !module_check(program->module))
		return NULL;
	opts.every_process = every_process;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_usdt(program->handle, ((struct usdt_object *)usdt)->handle,
					     &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_tracepoint(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"category", "event", "cookie", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_tracepoint_opts opts = {.sz = sizeof(opts)};
	unsigned long long cookie = 0;
	const char *category, *event;
	struct ebcc_error *error;
	struct ebcc_link *link;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "yy|O&", names, &category, &event,
					 cookie_read, &cookie) ||
	    !module_check(program->module))
		return NULL;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_tracepoint(program->handle, category, event, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_raw_tracepoint(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"event", "cookie", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_raw_tracepoint_opts opts = {.sz = sizeof(opts)};
	unsigned long long cookie = 0;
	struct ebcc_error *error;
	struct ebcc_link *link;
	const char *event;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y|O&", names, &event, cookie_read,
					 &cookie) ||
	    !module_check(program->module))
		return NULL;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_raw_tracepoint(program->handle, event, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_perf_event(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"type", "config",   "sample_period", "sample_freq", "pid",
				"cpu",	"group_fd", "attr",	     "cookie",	    NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts)};
	unsigned long long config = 0, period = 0, frequency = 0, cookie = 0;
	int pid = -1, cpu = -1;
	Py_buffer attr = {0};
	struct ebcc_error *error;
	struct ebcc_link *link;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "IK|KKiiiy*O&", names, &opts.type, &config,
					 &period, &frequency, &pid, &cpu, &opts.group_fd, &attr,
					 cookie_read, &cookie))
		return NULL;
	if (!module_check(program->module)) {
		PyBuffer_Release(&attr);
		return NULL;
	}
	opts.config = config;
	opts.sample_period = period;
	opts.sample_freq = frequency;
	opts.pid = pid == 0 ? gettid() : pid;
	opts.cpus = &cpu;
	opts.cpu_count = cpu >= 0;
	opts.attr = attr.buf;
	opts.attr_size = attr.len;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_perf_event(program->handle, &opts, &link));
	PyBuffer_Release(&attr);
	return attach_result(program->module, error, link);
}

static PyObject *attach_trace(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"cookie", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_trace_opts opts = {.sz = sizeof(opts)};
	unsigned long long cookie = 0;
	struct ebcc_error *error;
	struct ebcc_link *link;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O&", names, cookie_read, &cookie) ||
	    !module_check(program->module))
		return NULL;
	opts.cookie = cookie;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_trace(program->handle, &opts, &link));
	return attach_result(program->module, error, link);
}

/* attach_named(): a Link, or None if the name doesn't say where to attach. */
static PyObject *attach_named(PyObject *self, PyObject *unused)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_error *error;
	struct ebcc_link *link;

	if (!module_check(program->module))
		return NULL;
	MODULE_CALL(program->module, error, ebcc_program_attach_named(program->handle, &link));
	if (!error && !link) {
		if (!call_succeeded(NULL, ERROR_ATTACHING))
			return NULL;
		Py_RETURN_NONE;
	}
	return attach_result(program->module, error, link);
}

static PyObject *attach_iter(PyObject *self, PyObject *args)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_iter_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error = NULL;
	const char *table = NULL;
	struct ebcc_link *link = NULL;

	if (!PyArg_ParseTuple(args, "|O&", bytes_or_none, &table) || !module_check(program->module))
		return NULL;
	if (table)
		MODULE_CALL(program->module, error,
			    ebcc_module_find_table(program->module->handle, table, &opts.table));
	if (!error)
		MODULE_CALL(program->module, error,
			    ebcc_program_attach_iter(program->handle, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_xdp(PyObject *self, PyObject *args)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_xdp_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	struct ebcc_link *link;
	const char *device;

	if (!PyArg_ParseTuple(args, "y|I", &device, &opts.flags) || !module_check(program->module))
		return NULL;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_xdp(program->handle, device, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_socket(PyObject *self, PyObject *args)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_error *error;
	struct ebcc_link *link;
	int fd;

	if (!PyArg_ParseTuple(args, "i", &fd) || !module_check(program->module))
		return NULL;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_socket(program->handle, fd, NULL, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_raw_socket(PyObject *self, PyObject *args)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_raw_socket_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	struct ebcc_link *link;

	if (!PyArg_ParseTuple(args, "|O&", bytes_or_none, &opts.device) ||
	    !module_check(program->module))
		return NULL;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_raw_socket(program->handle, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *attach_descriptor(PyObject *self, PyObject *args)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_descriptor_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	struct ebcc_link *link;
	int fd, attach_type;

	if (!PyArg_ParseTuple(args, "ii|I", &fd, &attach_type, &opts.flags) ||
	    !module_check(program->module))
		return NULL;
	MODULE_CALL(program->module, error,
		    ebcc_program_attach_descriptor(program->handle, fd, attach_type, &opts, &link));
	return attach_result(program->module, error, link);
}

static PyObject *program_load(PyObject *self, PyObject *args)
{
	struct program_object *program = (struct program_object *)self;
	struct ebcc_program_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	unsigned type;
	int attach_type = -1;

	if (!PyArg_ParseTuple(args, "I|i", &type, &attach_type) || !module_check(program->module))
		return NULL;
	opts.has_attach_type = attach_type >= 0;
	opts.attach_type = attach_type;
	MODULE_CALL(program->module, error, ebcc_program_load(program->handle, type, &opts));
	if (!call_succeeded(error, ERROR_ANY))
		return NULL;
	Py_RETURN_NONE;
}

/* Room for what a program adds to its packet: the kernel lets a program put data before and after
 * it, but no more than this. */
#define PACKET_GROWTH 65536

static PyObject *test_run_result(struct ebcc_test_run_opts *opts)
{
	return Py_BuildValue("(iy#y#I)", (int)opts->retval, opts->data_out,
			     (Py_ssize_t)opts->data_size_out, opts->ctx_out,
			     (Py_ssize_t)opts->ctx_size_out, (unsigned)opts->duration);
}

static PyObject *program_test_run(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"data", "context", "repeat", "flags", "cpu", NULL};
	struct program_object *program = (struct program_object *)self;
	struct ebcc_test_run_opts opts = {.sz = sizeof(opts)};
	unsigned repeat = 0, flags = 0, cpu = 0;
	Py_buffer data = {0}, context = {0};
	struct ebcc_error *error = NULL;
	PyObject *result = NULL;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*y*|III", names, &data, &context, &repeat,
					 &flags, &cpu))
		return NULL;
	if (!module_check(program->module))
		goto out;
	opts.data_in = data.len ? data.buf : NULL;
	opts.data_size_in = data.len;
	opts.ctx_in = context.len ? context.buf : NULL;
	opts.ctx_size_in = context.len;
	opts.repeat = repeat;
	opts.flags = flags;
	opts.cpu = cpu;
	opts.data_size_out = data.len ? data.len + PACKET_GROWTH : 0;
	opts.data_out = PyMem_Malloc(opts.data_size_out + 1);
	opts.ctx_out = PyMem_Malloc(context.len + 1);
	opts.ctx_size_out = context.len;
	if (!opts.data_out || !opts.ctx_out) {
		PyErr_NoMemory();
		goto out;
	}
	/* For these the kernel returns no context, and refuses a buffer for one. */
	if (ebcc_program_type(program->handle) == BPF_PROG_TYPE_RAW_TRACEPOINT ||
	    ebcc_program_type(program->handle) == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
		opts.ctx_size_out = 0;
	MODULE_CALL(program->module, error, ebcc_program_test_run(program->handle, &opts));
	if (call_succeeded(error, ERROR_ANY))
		result = test_run_result(&opts);
out:
	PyMem_Free(opts.data_out);
	PyMem_Free(opts.ctx_out);
	PyBuffer_Release(&data);
	PyBuffer_Release(&context);
	return result;
}

static bool program_check(struct program_object *program)
{
	return module_check(program->module);
}

PATH_METHOD(program_pin, program_object, program_check, ebcc_program_pin)
PATH_METHOD(program_unpin, program_object, program_check, ebcc_program_unpin)

static PyObject *program_instructions(PyObject *self, PyObject *unused)
{
	struct program_object *program = (struct program_object *)self;
	const void *instructions;
	size_t size;

	if (!module_check(program->module))
		return NULL;
	instructions = ebcc_program_instructions(program->handle, &size);
	return PyBytes_FromStringAndSize(instructions, size);
}

static PyObject *program_name(PyObject *self, void *unused)
{
	struct program_object *program = (struct program_object *)self;

	if (!module_check(program->module))
		return NULL;
	return PyBytes_FromString(ebcc_program_name(program->handle));
}

static PyObject *program_fd(PyObject *self, void *unused)
{
	struct program_object *program = (struct program_object *)self;

	if (!program->module->handle)
		return PyLong_FromLong(-1);
	return PyLong_FromLong(ebcc_program_fd(program->handle));
}

static PyObject *program_type_number(PyObject *self, void *unused)
{
	struct program_object *program = (struct program_object *)self;

	if (!module_check(program->module))
		return NULL;
	return PyLong_FromUnsignedLong(ebcc_program_type(program->handle));
}

static PyObject *program_optional(PyObject *self, void *unused)
{
	struct program_object *program = (struct program_object *)self;

	if (!module_check(program->module))
		return NULL;
	return PyBool_FromLong(ebcc_program_is_optional(program->handle));
}

/* A function that takes keywords, in the type that method tables want. */
#define KEYWORDS(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef program_methods[] = {
	{"load", program_load, METH_VARARGS,
	 "load(type, attach_type=-1)\n\nLoads the program. Raises LoadError."},
	{"pin", program_pin, METH_O,
	 "pin(path)\n\nGives the loaded program a name in a BPF file system."},
	{"unpin", program_unpin, METH_O, "unpin(path)\n\nRemoves such a name."},
	{"instructions", program_instructions, METH_NOARGS,
	 "instructions() -> bytes\n\nAs compiled, 8 bytes each, before relocation."},
	{"test_run", KEYWORDS(program_test_run), METH_VARARGS | METH_KEYWORDS,
	 "test_run(data, context, repeat=0, flags=0, cpu=0)\n"
	 "    -> (retval, data, context, nanoseconds)\n\nRuns the program on a packet and a "
	 "context, "
	 "both given as bytes. Raises\nUnsupportedError, InvalidArgumentError, StateError."},
	{"attach_named", attach_named, METH_NOARGS,
	 "attach_named() -> Link or None\n\nAttaches the program to what its name says: "
	 "kprobe__FUNCTION and so on. None\nif the name doesn't say it. This and the other attach "
	 "methods raise AttachError."},
	{"attach_kprobe", KEYWORDS(attach_kprobe), METH_VARARGS | METH_KEYWORDS,
	 "attach_kprobe(function, offset=0, on_return=False, max_active=0, cookie=0) -> Link"},
	{"attach_kprobe_multi", KEYWORDS(attach_kprobe_multi), METH_VARARGS | METH_KEYWORDS,
	 "attach_kprobe_multi(functions, on_return=False, cookies=None, session=False) -> Link\n\n"
	 "Attaches to those in a sequence of names (bytes) that can be probed; the link's\n"
	 "functions() lists them. cookies: a number for each name. session: the program runs\n"
	 "at entry and at return."},
	{"attach_uprobe", KEYWORDS(attach_uprobe), METH_VARARGS | METH_KEYWORDS,
	 "attach_uprobe(binary, symbol, address=0, offset=0, on_return=False, pid=-1,\n"
	 "              semaphore_offset=0, cookie=0) -> Link"},
	{"attach_uprobe_multi", KEYWORDS(attach_uprobe_multi), METH_VARARGS | METH_KEYWORDS,
	 "attach_uprobe_multi(binary, addresses, names=None, on_return=False, pid=-1,\n"
	 "                    cookies=None, session=False) -> Link\n\n"
	 "Attaches to those places of a file, by their addresses there, that can be probed; the\n"
	 "link's functions() lists their names, or the addresses as text. cookies: a number for\n"
	 "each. session: the program runs at entry and at return."},
	{"attach_usdt", KEYWORDS(attach_usdt), METH_VARARGS | METH_KEYWORDS,
	 "attach_usdt(usdt, probe, every_process=False, cookie=0) -> Link\n\n"
	 "Attaches to every location of a probe, \"PROVIDER:NAME\" or \"NAME\"."},
	{"attach_tracepoint", KEYWORDS(attach_tracepoint), METH_VARARGS | METH_KEYWORDS,
	 "attach_tracepoint(category, event, cookie=0) -> Link"},
	{"attach_raw_tracepoint", KEYWORDS(attach_raw_tracepoint), METH_VARARGS | METH_KEYWORDS,
	 "attach_raw_tracepoint(event, cookie=0) -> Link"},
	{"attach_perf_event", KEYWORDS(attach_perf_event), METH_VARARGS | METH_KEYWORDS,
	 "attach_perf_event(type, config, sample_period=0, sample_freq=0, pid=-1, cpu=-1,\n"
	 "                  group_fd=-1, attr=None, cookie=0) -> Link"},
	{"attach_trace", KEYWORDS(attach_trace), METH_VARARGS | METH_KEYWORDS,
	 "attach_trace(cookie=0) -> Link\n\nAttaches to what the program's name says: "
	 "kfunc__FUNCTION, lsm__HOOK and so on."},
	{"attach_iter", attach_iter, METH_VARARGS, "attach_iter(table=None) -> Link"},
	{"attach_xdp", attach_xdp, METH_VARARGS, "attach_xdp(device, flags=0) -> Link"},
	{"attach_socket", attach_socket, METH_VARARGS, "attach_socket(fd) -> Link"},
	{"attach_raw_socket", attach_raw_socket, METH_VARARGS,
	 "attach_raw_socket(device=None) -> Link\n\nThe link's fd is the socket."},
	{"attach_descriptor", attach_descriptor, METH_VARARGS,
	 "attach_descriptor(fd, attach_type, flags=0) -> Link"},
	{0},
};

static PyGetSetDef program_getset[] = {
	{"name", program_name, NULL, "The function's name, bytes.", NULL},
	{"fd", program_fd, NULL, "The descriptor, or -1 before load and after close.", NULL},
	{"optional", program_optional, NULL, "Whether it is attached only on request.", NULL},
	{"type", program_type_number, NULL, "The type it was loaded as, or 0 before load.", NULL},
	{0},
};

static PyType_Slot program_slots[] = {
	{Py_tp_doc, "One program of a module."}, {Py_tp_dealloc, program_dealloc},
	{Py_tp_traverse, program_traverse},	 {Py_tp_methods, program_methods},
	{Py_tp_getset, program_getset},		 {0},
};

static PyType_Spec program_spec = {
	.name = "ebcc._ebcc.Program",
	.basicsize = sizeof(struct program_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = program_slots,
};

static PyMethodDef link_methods[] = {
	{"destroy", link_destroy, METH_NOARGS,
	 "destroy()\n\nDetaches, without telling whether that failed. Calling it again does "
	 "nothing."},
	{"detach", link_detach, METH_NOARGS,
	 "detach()\n\nDetaches. Raises AttachError if the kernel may still run the program. "
	 "Calling it again does nothing."},
	{"pin", link_pin, METH_O,
	 "pin(path)\n\nGives it a name in a BPF file system, which keeps the program attached."},
	{"unpin", link_unpin, METH_O, "unpin(path)\n\nRemoves such a name."},
	{"functions", link_functions, METH_NOARGS,
	 "functions() -> list of bytes\n\nThe functions that a link of attach_kprobe_multi() or "
	 "attach_uprobe_multi() is attached to."},
	{"detach_function", link_detach_function, METH_VARARGS,
	 "detach_function(name)\n\nDetaches the functions of that name of such a link. Raises "
	 "AttachError, ValueError."},
	{"open", link_open, METH_NOARGS,
	 "open() -> int\n\nFor an iterator: a descriptor to read from, which the caller closes. "
	 "Raises\nValueError if the link was destroyed."},
	{0},
};

static PyGetSetDef link_getset[] = {
	{"fd", link_fd, NULL, "The descriptor that keeps it attached, or -1.", NULL},
	{"attached", link_attached, NULL,
	 "False once the link is destroyed or the module is closed.", NULL},
	{"name", link_name, NULL, "What it is attached to, as text for people.", NULL},
	{0},
};

static PyType_Slot link_slots[] = {
	{Py_tp_doc, "One attachment of a program. It is detached with its module at the latest."},
	{Py_tp_dealloc, link_dealloc},
	{Py_tp_traverse, link_traverse},
	{Py_tp_methods, link_methods},
	{Py_tp_getset, link_getset},
	{0},
};

static PyType_Spec link_spec = {
	.name = "ebcc._ebcc.Link",
	.basicsize = sizeof(struct link_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = link_slots,
};

static PyObject *remove_xdp(PyObject *self, PyObject *args)
{
	struct ebcc_error *error;
	const char *device;
	unsigned flags = 0;

	if (!PyArg_ParseTuple(args, "y|I", &device, &flags))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_device_remove_xdp(device, flags);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ATTACHING);
	Py_RETURN_NONE;
}

/* The kinds of programs by name: prefix and type. */
static PyObject *program_kinds(void)
{
	static const struct {
		const char *name, *prefix;
		unsigned type;
	} kinds[] = {
#define X(id, name, prefix, section, type, ...) {name, prefix, type},
		EBCC_PROGRAM_KINDS(X)
#undef X
	};
	PyObject *dictionary = PyDict_New();

	for (size_t i = 0; dictionary && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		PyObject *kind;

		if (!kinds[i].prefix)
			continue;
		kind = Py_BuildValue("(yI)", kinds[i].prefix, kinds[i].type);
		if (!kind || PyDict_SetItemString(dictionary, kinds[i].name, kind) < 0)
			Py_CLEAR(dictionary);
		Py_XDECREF(kind);
	}
	return dictionary;
}

static PyMethodDef functions[] = {
	{"detach_links", detach_links, METH_O,
	 "detach_links(links)\n\nDetaches many Links together, as detach() does one. Raises the "
	 "first AttachError."},
	{"remove_xdp", remove_xdp, METH_VARARGS,
	 "remove_xdp(device, flags=0)\n\nRemoves the XDP program of a network interface. Raises "
	 "AttachError."},
	{0},
};

int program_add(PyObject *extension)
{
	PyObject *kinds = program_kinds();
	int added = PyModule_AddObjectRef(extension, "PROGRAM_KINDS", kinds);

	Py_XDECREF(kinds);
	if (added < 0)
		return -1;
	if (PyModule_AddFunctions(extension, functions) < 0)
		return -1;
	if (type_add(extension, &program_spec, "Program", &program_type) < 0)
		return -1;
	return type_add(extension, &link_spec, "Link", &link_type);
}
