/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bcc._ebcc.KernelSymbols: names of kernel addresses and addresses of kernel names.
 */
#include "pyebcc.h"

static PyTypeObject *kernel_symbols_type;

/* bcc._ebcc.KernelSymbols */
struct kernel_symbols_object {
	PyObject ob_base;
	struct ebcc_ksyms *handle;
};

static PyObject *kernel_symbols_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct kernel_symbols_object *symbols;
	struct ebcc_ksyms *handle;
	struct ebcc_error *error;

	Py_BEGIN_ALLOW_THREADS
	error = ebcc_ksyms_create(&handle);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ANY);
	symbols = (struct kernel_symbols_object *)PyType_GenericAlloc(type, 0);
	if (symbols)
		symbols->handle = handle;
	else
		ebcc_ksyms_destroy(handle);
	return (PyObject *)symbols;
}

static void kernel_symbols_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	ebcc_ksyms_destroy(((struct kernel_symbols_object *)self)->handle);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *kernel_symbols_find(PyObject *self, PyObject *args)
{
	struct kernel_symbols_object *symbols = (struct kernel_symbols_object *)self;
	unsigned long long address;
	struct ebcc_ksym symbol;

	if (!PyArg_ParseTuple(args, "K", &address))
		return NULL;
	if (!ebcc_ksyms_find(symbols->handle, address, &symbol))
		Py_RETURN_NONE;
	return Py_BuildValue("(yyK)", symbol.name, symbol.module,
			     (unsigned long long)symbol.offset);
}

static PyObject *kernel_symbols_find_name(PyObject *self, PyObject *args)
{
	struct kernel_symbols_object *symbols = (struct kernel_symbols_object *)self;
	const char *name, *module = NULL;
	uint64_t address;

	if (!PyArg_ParseTuple(args, "y|O&", &name, bytes_or_none, &module))
		return NULL;
	if (!ebcc_ksyms_find_name(symbols->handle, module, name, &address))
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(address);
}

static PyObject *kernel_symbols_refresh(PyObject *self, PyObject *unused)
{
	struct ebcc_error *error =
		ebcc_ksyms_refresh(((struct kernel_symbols_object *)self)->handle);

	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyMethodDef kernel_symbols_methods[] = {
	{"find", kernel_symbols_find, METH_VARARGS,
	 "find(address) -> (name, module, offset) or None"},
	{"find_name", kernel_symbols_find_name, METH_VARARGS,
	 "find_name(name, module=None) -> address or None"},
	{"refresh", kernel_symbols_refresh, METH_NOARGS,
	 "refresh()\n\nReads the symbols again: modules come and go."},
	{0},
};

static PyType_Slot kernel_symbols_slots[] = {
	{Py_tp_doc, "The kernel's symbols, as /proc/kallsyms has them."},
	{Py_tp_new, kernel_symbols_new},
	{Py_tp_dealloc, kernel_symbols_dealloc},
	{Py_tp_methods, kernel_symbols_methods},
	{0},
};

static PyType_Spec kernel_symbols_spec = {
	.name = "bcc._ebcc.KernelSymbols",
	.basicsize = sizeof(struct kernel_symbols_object),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = kernel_symbols_slots,
};

int symbols_add(PyObject *extension)
{
	return type_add(extension, &kernel_symbols_spec, "KernelSymbols", &kernel_symbols_type);
}
