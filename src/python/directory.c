/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.TableDirectory, the base class of ebcc.BPF, for b["name"]. Event callbacks look up
 * their table that way once per event, so a table that was looked up before is found in C. The
 * first time, it comes from the subclass's get_table().
 */
#include "pyebcc.h"

struct directory_object {
	PyObject ob_base;
	PyObject *tables; /* dict: the name it was asked for by, str or bytes -> the table */
};

static PyObject *directory_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct directory_object *directory;

	directory = (struct directory_object *)PyType_GenericAlloc(type, 0);
	if (!directory)
		return NULL;
	directory->tables = PyDict_New();
	if (!directory->tables)
		Py_CLEAR(directory);
	return (PyObject *)directory;
}

static int directory_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct directory_object *)self)->tables);
	return 0;
}

static int directory_drop(PyObject *self)
{
	Py_CLEAR(((struct directory_object *)self)->tables);
	return 0;
}

static void directory_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	directory_drop(self);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

/* The garbage collector may have cleared the dict of an object that is still in use. */
static PyObject *tables_of(PyObject *self)
{
	struct directory_object *directory = (struct directory_object *)self;

	if (!directory->tables)
		directory->tables = PyDict_New();
	return directory->tables;
}

static PyObject *directory_lookup(PyObject *self, PyObject *key)
{
	PyObject *tables = tables_of(self);
	PyObject *table = tables ? PyDict_GetItemWithError(tables, key) : NULL;

	if (table) {
		Py_INCREF(table);
		return table;
	}
	if (PyErr_Occurred())
		return NULL;
	table = PyObject_CallMethod(self, "get_table", "(O)", key);
	if (table && PyDict_SetItem(tables, key, table) < 0)
		Py_CLEAR(table);
	return table;
}

static PyObject *directory_get_tables(PyObject *self, void *unused)
{
	PyObject *tables = tables_of(self);

	Py_XINCREF(tables);
	return tables;
}

static PyGetSetDef directory_getset[] = {
	{"tables", directory_get_tables, NULL,
	 "The tables that were looked up so far, by the name that was used."},
	{NULL},
};

static PyType_Slot directory_slots[] = {
	{Py_tp_doc, "Where b[\"name\"] finds tables."},
	{Py_tp_new, directory_new},
	{Py_tp_dealloc, directory_dealloc},
	{Py_tp_traverse, directory_traverse},
	{Py_tp_clear, directory_drop},
	{Py_tp_getset, directory_getset},
	{Py_mp_subscript, directory_lookup},
	{0, NULL},
};

static PyType_Spec directory_spec = {
	.name = "ebcc._ebcc.TableDirectory",
	.basicsize = sizeof(struct directory_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = directory_slots,
};

int directory_add(PyObject *extension)
{
	static PyTypeObject *directory_type;

	return type_add(extension, &directory_spec, "TableDirectory", &directory_type);
}
