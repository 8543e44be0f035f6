/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.TracePipe: reads lines of the kernel's trace pipe, which bpf_trace_printk() writes to.
 */
#include "pyebcc.h"

static PyTypeObject *trace_pipe_type;

/* ebcc._ebcc.TracePipe */
struct trace_pipe_object {
	PyObject ob_base;
	struct ebcc_trace_pipe *handle; /* NULL once closed */
	bool reading;			/* a read is in progress, without the GIL */
};

static PyObject *trace_pipe_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct trace_pipe_object *pipe;
	struct ebcc_trace_pipe *handle;
	struct ebcc_error *error;
	int nonblocking = 0;

	if (!PyArg_ParseTuple(args, "|p", &nonblocking))
		return NULL;
	error = ebcc_trace_pipe_open(nonblocking, &handle);
	if (error)
		return error_raise(error, ERROR_ANY);
	pipe = (struct trace_pipe_object *)PyType_GenericAlloc(type, 0);
	if (pipe)
		pipe->handle = handle;
	else
		ebcc_trace_pipe_close(handle);
	return (PyObject *)pipe;
}

static PyObject *trace_pipe_close(PyObject *self, PyObject *unused)
{
	struct trace_pipe_object *pipe = (struct trace_pipe_object *)self;

	if (pipe->reading)
		return error_raise_code(EBCC_ERROR_STATE,
					"another thread is reading the trace pipe");
	if (pipe->handle)
		ebcc_trace_pipe_close(pipe->handle);
	pipe->handle = NULL;
	Py_RETURN_NONE;
}

static void trace_pipe_dealloc(PyObject *self)
{
	struct trace_pipe_object *pipe = (struct trace_pipe_object *)self;
	PyTypeObject *type = Py_TYPE(self);

	if (pipe->handle)
		ebcc_trace_pipe_close(pipe->handle);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

/* A line, or NULL: with an exception, or with *@p ret_again set after a signal whose handlers
 * raised nothing. */
static PyObject *line_read(struct trace_pipe_object *pipe, bool *ret_again)
{
	struct ebcc_error *error;
	const char *line = NULL;

	*ret_again = false;
	pipe->reading = true;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_trace_pipe_read(pipe->handle, &line);
	Py_END_ALLOW_THREADS
	pipe->reading = false;
	if (error && ebcc_error_code(error) == EBCC_ERROR_INTERRUPTED) {
		*ret_again = error_interrupted(error);
		return NULL;
	}
	if (error)
		return error_raise(error, ERROR_ANY);
	if (!line)
		Py_RETURN_NONE;
	return PyBytes_FromString(line);
}

static PyObject *trace_pipe_readline(PyObject *self, PyObject *unused)
{
	struct trace_pipe_object *pipe = (struct trace_pipe_object *)self;
	PyObject *line;
	bool again;

	if (!pipe->handle)
		return error_raise_code(EBCC_ERROR_STATE, "the trace pipe is closed");
	if (pipe->reading)
		return error_raise_code(EBCC_ERROR_STATE,
					"another thread is reading the trace pipe");
	do
		line = line_read(pipe, &again);
	while (again);
	return line;
}

static PyObject *trace_pipe_closed(PyObject *self, void *unused)
{
	return PyBool_FromLong(!((struct trace_pipe_object *)self)->handle);
}

static PyMethodDef trace_pipe_methods[] = {
	{"read_line", trace_pipe_readline, METH_NOARGS,
	 "read_line() -> bytes or None\n\nOne line without its newline. None if there is none and\n"
	 "the pipe was opened non-blocking. Raises StateError if the pipe is closed or another\n"
	 "thread is reading it."},
	{"close", trace_pipe_close, METH_NOARGS,
	 "close()\n\nRaises StateError if another thread is reading the pipe."},
	{0},
};

static PyGetSetDef trace_pipe_members[] = {
	{"closed", trace_pipe_closed, NULL, "Whether the pipe was closed.", NULL},
	{0},
};

static PyType_Slot trace_pipe_slots[] = {
	{Py_tp_doc, "TracePipe(nonblocking=False): reads the kernel's trace pipe."},
	{Py_tp_new, trace_pipe_new},
	{Py_tp_dealloc, trace_pipe_dealloc},
	{Py_tp_methods, trace_pipe_methods},
	{Py_tp_getset, trace_pipe_members},
	{0},
};

static PyType_Spec trace_pipe_spec = {
	.name = "ebcc._ebcc.TracePipe",
	.basicsize = sizeof(struct trace_pipe_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = trace_pipe_slots,
};

int trace_pipe_add(PyObject *extension)
{
	return type_add(extension, &trace_pipe_spec, "TracePipe", &trace_pipe_type);
}
