/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.Usdt: the USDT probes of a file or a process. Probes, locations and arguments are
 * identified by their indices; ebcc/usdt.py makes objects of them.
 */
#include "pyebcc.h"

PyTypeObject *usdt_type;

static PyObject *usdt_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"pid", "binary", NULL};
	struct ebcc_usdt_opts opts = {.sz = sizeof(opts)};
	struct usdt_object *usdt;
	struct ebcc_usdt *handle;
	struct ebcc_error *error;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|O&", names, &opts.pid, bytes_or_none,
					 &opts.binary))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_usdt_open(&opts, &handle);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ANY);
	usdt = (struct usdt_object *)PyType_GenericAlloc(type, 0);
	if (!usdt) {
		ebcc_usdt_close(handle);
		return NULL;
	}
	usdt->handle = handle;
	return (PyObject *)usdt;
}

static void usdt_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	ebcc_usdt_close(((struct usdt_object *)self)->handle);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *usdt_probes(PyObject *self, PyObject *unused)
{
	const struct ebcc_usdt *usdt = ((struct usdt_object *)self)->handle;
	size_t count = ebcc_usdt_probe_count(usdt);
	PyObject *list = PyList_New(count);

	for (size_t i = 0; list && i < count; i++) {
		const struct ebcc_usdt_probe *probe = ebcc_usdt_probe_at(usdt, i);
		struct ebcc_usdt_location first = {0};
		PyObject *item;

		ebcc_usdt_probe_location_at(probe, 0, &first, sizeof(first));
		item = Py_BuildValue("(yyyKKnn)", ebcc_usdt_probe_provider(probe),
				     ebcc_usdt_probe_name(probe), ebcc_usdt_probe_binary(probe),
				     (unsigned long long)ebcc_usdt_probe_semaphore(probe),
				     (unsigned long long)ebcc_usdt_probe_semaphore_offset(probe),
				     (Py_ssize_t)ebcc_usdt_probe_location_count(probe),
				     (Py_ssize_t)first.argument_count);
		if (!item)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, item);
	}
	return list;
}

static PyObject *usdt_find(PyObject *self, PyObject *args)
{
	const struct ebcc_usdt *usdt = ((struct usdt_object *)self)->handle;
	const struct ebcc_usdt_probe *probe;
	struct ebcc_error *error;
	const char *name;

	if (!PyArg_ParseTuple(args, "y", &name))
		return NULL;
	error = ebcc_usdt_find_probe(usdt, name, &probe);
	if (error)
		return error_raise(error, ERROR_ANY);
	for (size_t i = 0; i < ebcc_usdt_probe_count(usdt); i++)
		if (ebcc_usdt_probe_at(usdt, i) == probe)
			return PyLong_FromSize_t(i);
	Py_RETURN_NONE;
}

/* The probe at an index that Python passed, or NULL with an IndexError. */
static const struct ebcc_usdt_probe *probe_at(PyObject *self, Py_ssize_t index)
{
	const struct ebcc_usdt_probe *probe =
		index < 0 ? NULL : ebcc_usdt_probe_at(((struct usdt_object *)self)->handle, index);

	if (!probe)
		PyErr_SetString(PyExc_IndexError, "no such probe");
	return probe;
}

static PyObject *usdt_location(PyObject *self, PyObject *args)
{
	const struct ebcc_usdt_probe *probe;
	struct ebcc_usdt_location location;
	Py_ssize_t index, number;

	if (!PyArg_ParseTuple(args, "nn", &index, &number))
		return NULL;
	probe = probe_at(self, index);
	if (!probe)
		return NULL;
	if (number < 0 || !ebcc_usdt_probe_location_at(probe, number, &location, sizeof(location)))
		Py_RETURN_NONE;
	return Py_BuildValue("(Kyn)", (unsigned long long)location.address, location.arguments,
			     (Py_ssize_t)location.argument_count);
}

static PyObject *usdt_operand(PyObject *self, PyObject *args)
{
	const struct ebcc_usdt_probe *probe;
	struct ebcc_usdt_operand operand;
	Py_ssize_t index, location, number;

	if (!PyArg_ParseTuple(args, "nnn", &index, &location, &number))
		return NULL;
	probe = probe_at(self, index);
	if (!probe)
		return NULL;
	if (location < 0 || number < 0 ||
	    !ebcc_usdt_probe_operand_at(probe, location, number, &operand, sizeof(operand)))
		Py_RETURN_NONE;
	return Py_BuildValue("(IIOLLyyyIz)", operand.parts, operand.size,
			     operand.is_signed ? Py_True : Py_False, (long long)operand.constant,
			     (long long)operand.offset, operand.symbol, operand.base, operand.index,
			     operand.scale, operand.unreadable);
}

static PyObject *usdt_argument_type(PyObject *self, PyObject *args)
{
	const struct ebcc_usdt_probe *probe;
	Py_ssize_t index, number;
	const char *name;

	if (!PyArg_ParseTuple(args, "nn", &index, &number))
		return NULL;
	probe = probe_at(self, index);
	if (!probe)
		return NULL;
	name = number < 0 ? NULL : ebcc_usdt_probe_argument_type(probe, number);
	return text_decode(name);
}

static PyMethodDef usdt_methods[] = {
	{"probes", usdt_probes, METH_NOARGS,
	 "probes() -> list of (provider, name, path, semaphore, its offset in the file,\n"
	 "number of locations, number of arguments at the first location)"},
	{"find", usdt_find, METH_VARARGS,
	 "find(name) -> index of the probe\n\nRaises NotFoundError, InvalidArgumentError."},
	{"location", usdt_location, METH_VARARGS,
	 "location(probe, number) -> (address, text of the arguments, number of arguments) or "
	 "None\n\nRaises IndexError if there is no such probe."},
	{"operand", usdt_operand, METH_VARARGS,
	 "operand(probe, location, number) -> (parts, size, signed, constant, offset, symbol,\n"
	 "base, index, scale, why it can't be read) or None\n\nRaises IndexError if there is no "
	 "such probe."},
	{"argument_type", usdt_argument_type, METH_VARARGS,
	 "argument_type(probe, number) -> str or None\n\nThe integer type that can hold the "
	 "argument at every location.\nRaises IndexError if there is no such probe."},
	{0},
};

static PyType_Slot usdt_slots[] = {
	{Py_tp_doc, "The USDT probes of a file or a process."},
	{Py_tp_new, usdt_new},
	{Py_tp_dealloc, usdt_dealloc},
	{Py_tp_methods, usdt_methods},
	{0},
};

static PyType_Spec usdt_spec = {
	.name = "ebcc._ebcc.Usdt",
	.basicsize = sizeof(struct usdt_object),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = usdt_slots,
};

int usdt_add(PyObject *extension)
{
	return type_add(extension, &usdt_spec, "Usdt", &usdt_type);
}
