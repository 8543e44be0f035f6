/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.Module: one compiled source with its maps and programs. Closing it, or
 * dropping the last reference, detaches and unloads everything.
 *
 * Long calls run without the GIL. If a module is closed during one (from another thread,
 * or from an event callback), it is destroyed when that call returns.
 */
#include "pyebcc.h"

#include <structmember.h>
#include <unistd.h>

PyTypeObject *module_type;

bool module_check(struct module_object *module)
{
	if (module->handle && !module->closing)
		return true;
	error_raise_code(EBCC_ERROR_STATE, "this BPF module is closed");
	return false;
}

void module_enter(struct module_object *module)
{
	Py_INCREF((PyObject *)module);
	module->users++;
}

/* The modules to close at the end of the process. */
static struct module_object *open_modules;

static void list_add(struct module_object *module)
{
	module->next = open_modules;
	if (open_modules)
		open_modules->previous = module;
	open_modules = module;
}

static void list_remove(struct module_object *module)
{
	if (module->previous)
		module->previous->next = module->next;
	else if (open_modules == module)
		open_modules = module->next;
	if (module->next)
		module->next->previous = module->previous;
	module->previous = module->next = NULL;
}

/* Detaching may wait for the kernel (RCU, uprobe removal), so it runs without the GIL. */
static void module_destroy_handle(struct module_object *module)
{
	struct ebcc_module *handle = module->handle;

	module->handle = NULL;
	if (handle) {
		Py_BEGIN_ALLOW_THREADS
		ebcc_module_destroy(handle);
		Py_END_ALLOW_THREADS
	}
	readers_destroy(module);
}

void module_leave(struct module_object *module)
{
	/* The last user destroys it, and counts as a user until that is done: close() waits. */
	if (module->closing && module->users == 1) {
		PyObject *type, *value, *traceback;

		PyErr_Fetch(&type, &value, &traceback);
		module_destroy_handle(module);
		PyErr_Restore(type, value, traceback);
	}
	module->users--;
	Py_DECREF((PyObject *)module);
}

/* How long close() waits for another thread's call to end. A poll checks more often than that. */
#define CLOSE_WAIT_MS 1000
#define CLOSE_STEP_MS 5

static bool polled_by_this_thread(const struct module_object *module)
{
	return module->poll && pthread_equal(module->poll->thread, pthread_self());
}

static void close_now(struct module_object *module)
{
	list_remove(module);
	module->closing = true;
	for (int waited = 0;
	     module->users > 0 && !polled_by_this_thread(module) && waited < CLOSE_WAIT_MS;
	     waited += CLOSE_STEP_MS) {
		Py_BEGIN_ALLOW_THREADS
		usleep(CLOSE_STEP_MS * 1000);
		Py_END_ALLOW_THREADS
	}
	if (module->users == 0)
		module_destroy_handle(module);
}

/* Signals that arrive while it detaches are handled right after that, not at some later point. */
static PyObject *module_close(PyObject *self, PyObject *unused)
{
	close_now((struct module_object *)self);
	if (PyErr_CheckSignals() < 0)
		return NULL;
	Py_RETURN_NONE;
}

/*
 * For the end of the process. It is not Python code, so no signal handler interrupts it. If
 * handlers raise an exception to end the process, that is happening already.
 */
static PyObject *modules_close(PyObject *self, PyObject *unused)
{
	while (open_modules) {
		struct module_object *module = open_modules;

		Py_INCREF((PyObject *)module);
		close_now(module);
		Py_DECREF((PyObject *)module);
	}
	if (PyErr_CheckSignals() < 0) {
		if (!PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) &&
		    !PyErr_ExceptionMatches(PyExc_SystemExit))
			return NULL;
		PyErr_Clear();
	}
	Py_RETURN_NONE;
}

static PyObject *links_count(PyObject *self, PyObject *unused)
{
	size_t count = 0;

	for (const struct module_object *module = open_modules; module; module = module->next)
		if (module->handle)
			count += ebcc_module_link_count(module->handle);
	return PyLong_FromSize_t(count);
}

/* A signal whose handler doesn't raise has no effect: the compile is repeated. If a handler raises,
 * NULL is returned with the exception set and *@p ret unchanged. */
static struct ebcc_error *create_handle(const char *source, Py_ssize_t size, const char *object,
					Py_ssize_t object_size, const struct ebcc_module_opts *opts,
					struct ebcc_module **ret)
{
	for (;;) {
		struct ebcc_error *error;

		Py_BEGIN_ALLOW_THREADS
		error = object ? ebcc_module_create_from_object(object, object_size, opts, ret)
			       : ebcc_module_create(source, size, opts, ret);
		Py_END_ALLOW_THREADS
		if (!error || ebcc_error_code(error) != EBCC_ERROR_INTERRUPTED)
			return error;
		if (!error_interrupted(error))
			return NULL;
	}
}

static PyObject *module_create(PyTypeObject *type, struct ebcc_module *handle)
{
	struct module_object *module = (struct module_object *)PyType_GenericAlloc(type, 0);
	pthread_mutexattr_t recursive;

	if (!module) {
		ebcc_module_destroy(handle);
		return NULL;
	}
	module->handle = handle;
	list_add(module);
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&module->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	module->types = PyDict_New();
	if (!module->types) {
		Py_DECREF((PyObject *)module);
		return NULL;
	}
	return (PyObject *)module;
}

static PyObject *module_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {
		"source",	"file_name", "header",	      "cflags",	    "debug",
		"kernel_types", "compiler",  "btf_path",      "device",	    "no_rlimit",
		"kernel_root",	"object",    "second_object", "any_kernel", "portable",
		"objects",	NULL};
	struct ebcc_module_opts opts = {
		.sz = sizeof(opts), .log = log_message, .interrupted = signal_raised};
	struct ebcc_module *handle = NULL;
	PyObject *cflags;
	const char *source, *object = NULL;
	Py_ssize_t size, object_size = 0, second_size = 0, objects_size = 0;
	int kernel_types, compiler, no_rlimit, any_kernel = 0, portable = 0;
	struct ebcc_error *error;

	if (!PyArg_ParseTupleAndKeywords(
		    args, kwargs, "y#O&O&O!IiiO&O&p|O&z#z#ppz#", names, &source, &size,
		    bytes_or_none, &opts.file_name, bytes_or_none, &opts.header_text, &PyList_Type,
		    &cflags, &opts.debug, &kernel_types, &compiler, bytes_or_none, &opts.btf_path,
		    bytes_or_none, &opts.device, &no_rlimit, bytes_or_none, &opts.kernel_root,
		    &object, &object_size, &opts.second_object, &second_size, &any_kernel,
		    &portable, &opts.objects, &objects_size))
		return NULL;
	opts.objects_size = objects_size;
	opts.second_object_size = second_size;
	opts.kernel_types = kernel_types;
	opts.compiler = compiler;
	opts.no_rlimit = no_rlimit;
	opts.any_kernel = any_kernel;
	opts.portable = portable;
	opts.cflag_count = PyList_Size(cflags);
	opts.cflags = list_strings(cflags);
	if (!opts.cflags)
		return NULL;
	error = create_handle(source, size, object, object_size, &opts, &handle);
	PyMem_Free((void *)opts.cflags);
	if (!call_succeeded(error, ERROR_ANY)) {
		ebcc_module_destroy(handle);
		return NULL;
	}
	return module_create(type, handle);
}

static int module_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct module_object *module = (struct module_object *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(module->types);
	return readers_traverse(module, visit, arg);
}

static int module_clear(PyObject *self)
{
	struct module_object *module = (struct module_object *)self;

	Py_CLEAR(module->types);
	if (module->users == 0)
		module_destroy_handle(module);
	return 0;
}

static void module_dealloc(PyObject *self)
{
	struct module_object *module = (struct module_object *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (module->weakrefs)
		PyObject_ClearWeakRefs(self);
	list_remove(module);
	module_clear(self);
	pthread_mutex_destroy(&module->lock);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *module_load(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;

	if (!module_check(module))
		return NULL;
	MODULE_CALL(module, error, ebcc_module_load(module->handle));
	if (!call_succeeded(error, ERROR_ANY))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *module_attach_named(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;

	if (!module_check(module))
		return NULL;
	MODULE_CALL(module, error, ebcc_module_attach_named(module->handle));
	if (!call_succeeded(error, ERROR_ATTACHING))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *module_reserve_usdt(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	unsigned count;

	if (!PyArg_ParseTuple(args, "I", &count) || !module_check(module))
		return NULL;
	error = ebcc_module_reserve_usdt(module->handle, count);
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyObject *module_set_max_entries(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	unsigned entries;
	const char *name;

	if (!PyArg_ParseTuple(args, "yI", &name, &entries) || !module_check(module))
		return NULL;
	error = ebcc_module_set_max_entries(module->handle, name, entries);
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyObject *module_set_constant(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	const char *name;
	Py_buffer value;

	if (!PyArg_ParseTuple(args, "yy*", &name, &value))
		return NULL;
	if (!module_check(module)) {
		PyBuffer_Release(&value);
		return NULL;
	}
	error = ebcc_module_set_constant(module->handle, name, value.buf, value.len);
	PyBuffer_Release(&value);
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyObject *module_variable_class(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	const struct ebcc_type *type;
	const char *name;

	if (!PyArg_ParseTuple(args, "y", &name) || !module_check(module))
		return NULL;
	type = ebcc_module_global_type(module->handle, name);
	if (!type)
		Py_RETURN_NONE;
	return type_class(module, type);
}

static PyObject *module_global_names(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	PyObject *list;
	const char *name;

	if (!module_check(module))
		return NULL;
	list = PyList_New(0);
	for (size_t i = 0; list && (name = ebcc_module_global_name_at(module->handle, i)); i++) {
		PyObject *object = PyBytes_FromString(name);

		if (!object || PyList_Append(list, object) < 0)
			Py_CLEAR(list);
		Py_XDECREF(object);
	}
	return list;
}

/* Calls @p use with the name of a global variable and a buffer of its bytes: the two items of
 * @p args. */
static PyObject *use_global(PyObject *self, PyObject *args, const char *format,
			    struct ebcc_error *(*use)(struct ebcc_module *module, const char *name,
						      void *value, size_t size))
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	const char *name;
	Py_buffer value;

	if (!PyArg_ParseTuple(args, format, &name, &value))
		return NULL;
	if (!module_check(module)) {
		PyBuffer_Release(&value);
		return NULL;
	}
	MODULE_CALL(module, error, use(module->handle, name, value.buf, value.len));
	PyBuffer_Release(&value);
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyObject *module_read_global(PyObject *self, PyObject *args)
{
	return use_global(self, args, "yw*", ebcc_module_read_global);
}

static struct ebcc_error *write_global(struct ebcc_module *module, const char *name, void *value,
				       size_t size)
{
	return ebcc_module_write_global(module, name, value, size);
}

static PyObject *module_write_global(PyObject *self, PyObject *args)
{
	return use_global(self, args, "yy*", write_global);
}

static PyObject *module_program(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_program *program;
	struct ebcc_error *error;
	const char *name;

	if (!PyArg_ParseTuple(args, "y", &name) || !module_check(module))
		return NULL;
	error = ebcc_module_find_program(module->handle, name, &program);
	if (error)
		return error_raise(error, ERROR_ANY);
	return program_object_create(module, program);
}

static PyObject *module_programs(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	PyObject *list;
	size_t count;

	if (!module_check(module))
		return NULL;
	count = ebcc_module_program_count(module->handle);
	list = PyList_New(count);
	for (size_t i = 0; list && i < count; i++) {
		PyObject *item =
			program_object_create(module, ebcc_module_program_at(module->handle, i));

		if (!item)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, item);
	}
	return list;
}

static PyObject *module_tables(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	PyObject *list;
	size_t count;

	if (!module_check(module))
		return NULL;
	count = ebcc_module_table_count(module->handle);
	list = PyList_New(count);
	for (size_t i = 0; list && i < count; i++) {
		const struct ebcc_table *table = ebcc_module_table_at(module->handle, i);
		PyObject *item =
			Py_BuildValue("(yI)", ebcc_table_name(table), ebcc_table_map_type(table));

		if (!item)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, item);
	}
	return list;
}

static PyObject *module_object_bytes(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	const void *object;
	size_t size;

	if (!module_check(module))
		return NULL;
	object = ebcc_module_object(module->handle, &size);
	return PyBytes_FromStringAndSize(object, size);
}

static PyObject *module_second_object(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	const void *object;
	size_t size;

	if (!module_check(module))
		return NULL;
	MODULE_CALL(module, error, ebcc_module_second_object(module->handle, &object, &size));
	if (!call_succeeded(error, ERROR_ANY))
		return NULL;
	return PyBytes_FromStringAndSize(object, size);
}

/* Calls a function of a module and a path. */
static PyObject *call_with_path(PyObject *self, PyObject *argument,
				struct ebcc_error *(*fn)(struct ebcc_module *module,
							 const char *path))
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	PyObject *path;

	if (!PyUnicode_FSConverter(argument, &path))
		return NULL;
	if (!module_check(module)) {
		Py_DECREF(path);
		return NULL;
	}
	MODULE_CALL(module, error, fn(module->handle, PyBytes_AsString(path)));
	Py_DECREF(path);
	if (!call_succeeded(error, ERROR_ANY))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *module_save(PyObject *self, PyObject *argument)
{
	return call_with_path(self, argument, ebcc_module_save);
}

static PyObject *module_store(PyObject *self, PyObject *argument)
{
	return call_with_path(self, argument, ebcc_module_store);
}

static PyObject *module_debug_text(PyObject *self, PyObject *args)
{
	struct module_object *module = (struct module_object *)self;
	int bit;

	if (!PyArg_ParseTuple(args, "i", &bit) || !module_check(module))
		return NULL;
	return text_decode(ebcc_module_debug_text(module->handle, bit));
}

static PyObject *module_poll_fd(PyObject *self, PyObject *unused)
{
	struct module_object *module = (struct module_object *)self;
	struct ebcc_error *error;
	int fd;

	if (!module_check(module))
		return NULL;
	error = ebcc_module_poll_fd(module->handle, &fd);
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromLong(fd);
}

static PyObject *module_closed(PyObject *self, void *unused)
{
	struct module_object *module = (struct module_object *)self;

	return PyBool_FromLong(!module->handle || module->closing);
}

static PyMethodDef module_methods[] = {
	{"close", module_close, METH_NOARGS,
	 "close()\n\nDetaches, unloads and frees everything. During a poll or another long call,\n"
	 "it takes effect when that call returns."},
	{"load", module_load, METH_NOARGS,
	 "load()\n\nCreates the maps. Raises LoadError, OtherKernelError."},
	{"attach_named", module_attach_named, METH_NOARGS,
	 "attach_named()\n\nLoads and attaches every program whose name says where to attach it.\n"
	 "Raises LoadError, AttachError."},
	{"set_max_entries", module_set_max_entries, METH_VARARGS,
	 "set_max_entries(name, entries)\n\nSets how many entries a table has room for, before the "
	 "module is loaded."},
	{"reserve_usdt", module_reserve_usdt, METH_VARARGS,
	 "reserve_usdt(count)\n\nMakes room for the arguments of this many USDT probe "
	 "locations.\nRaises StateError after load()."},
	{"set_constant", module_set_constant, METH_VARARGS,
	 "set_constant(name, value)\n\nSets a const volatile global. value: its bytes. Raises "
	 "NotFoundError,\nand StateError after load()."},
	{"variable_class", module_variable_class, METH_VARARGS,
	 "variable_class(name)\n\nThe ctypes class of a global variable, or None."},
	{"global_names", module_global_names, METH_NOARGS,
	 "global_names() -> list of bytes\n\nThe names of the source's global variables."},
	{"read_global", module_read_global, METH_VARARGS,
	 "read_global(name, buffer)\n\nFills a buffer of the variable's size with its value. "
	 "Raises "
	 "NotFoundError,\nand InvalidArgumentError for a buffer of another size."},
	{"write_global", module_write_global, METH_VARARGS,
	 "write_global(name, value)\n\nSets a global variable. value: its bytes. Raises the errors "
	 "of read_global(),\nand StateError for a const variable after load()."},
	{"program", module_program, METH_VARARGS,
	 "program(name) -> Program\n\nRaises NotFoundError."},
	{"programs", module_programs, METH_NOARGS, "programs() -> list of Program"},
	{"tables", module_tables, METH_NOARGS,
	 "tables() -> list of (name, map type)\n\nIn the order of the source."},
	{"object", module_object_bytes, METH_NOARGS,
	 "object() -> bytes\n\nThe ELF object that the source was compiled to."},
	{"second_object", module_second_object, METH_NOARGS,
	 "second_object() -> bytes\n\nThe object from the second pipeline, for verifiers that "
	 "reject the first."},
	{"save", module_save, METH_O,
	 "save(path)\n\nWrites the objects of both pipelines to one file."},
	{"store", module_store, METH_O,
	 "store(directory)\n\nAdds the objects of both pipelines to an object store."},
	{"debug_text", module_debug_text, METH_VARARGS,
	 "debug_text(bit) -> str or None\n\nThe text collected for a debug flag."},
	{"poll_fd", module_poll_fd, METH_NOARGS,
	 "poll_fd() -> int\n\nA descriptor that is readable when there are events. The module "
	 "closes it."},
	{"poll", module_poll, METH_VARARGS,
	 "poll(source, timeout_ms) -> int\n\nWaits for events and delivers them; returns their "
	 "number. timeout_ms: a negative\nnumber means no limit. Raises what a callback raised, "
	 "and StateError during another poll."},
	{"consume", module_consume, METH_VARARGS,
	 "consume(source) -> int\n\nLike poll(), but delivers only the events that are there, "
	 "without "
	 "waiting."},
	{0},
};

static PyGetSetDef module_getset[] = {
	{"closed", module_closed, NULL, "True after close().", NULL},
	{0},
};

static PyMemberDef module_members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct module_object, weakrefs), READONLY,
	 NULL},
	{0},
};

static PyType_Slot module_slots[] = {
	{Py_tp_doc, "A compiled source with its maps, programs and event readers."},
	{Py_tp_new, module_new},
	{Py_tp_dealloc, module_dealloc},
	{Py_tp_traverse, module_traverse},
	{Py_tp_clear, module_clear},
	{Py_tp_methods, module_methods},
	{Py_tp_getset, module_getset},
	{Py_tp_members, module_members},
	{0},
};

static PyType_Spec module_spec = {
	.name = "ebcc._ebcc.Module",
	.basicsize = sizeof(struct module_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = module_slots,
};

static PyMethodDef functions[] = {
	{"count_links", links_count, METH_NOARGS,
	 "count_links() -> int\n\nHow many links of all open modules are attached."},
	{"close_modules", modules_close, METH_NOARGS,
	 "close_modules()\n\nCloses all open modules, at the end of the process. If a signal "
	 "handler raises\nKeyboardInterrupt or SystemExit in the meantime, that is dropped."},
	{0},
};

int module_add(PyObject *extension)
{
	if (PyModule_AddFunctions(extension, functions) < 0)
		return -1;
	return type_add(extension, &module_spec, "Module", &module_type);
}
