/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the library's type descriptions into ctypes classes, and raw bytes into their
 * instances. ebcc.ctype builds a class once per type and module; it knows how to lay out
 * types that ctypes itself would lay out differently. Instances are created here, because
 * there is one per key, leaf and event.
 */
#include <string.h>

#include "pyebcc.h"

/* No C source nests types deeper than this: only a damaged description does. */
#define TYPE_DEPTH_MAX 64

static PyObject *class_build(struct module_object *module, const struct ebcc_type *type, int depth);

bool type_is_char(const struct ebcc_type *type)
{
	return type && ebcc_type_kind(type) == EBCC_TYPE_INT && ebcc_type_size(type) == 1 &&
	       ((ebcc_type_encoding(type) == EBCC_INT_CHAR && ebcc_type_is_signed(type)) ||
		strcmp(ebcc_type_name(type), "char") == 0);
}

bool type_is_integer(const struct ebcc_type *type)
{
	size_t size;

	if (!type ||
	    (ebcc_type_kind(type) != EBCC_TYPE_INT && ebcc_type_kind(type) != EBCC_TYPE_ENUM &&
	     ebcc_type_kind(type) != EBCC_TYPE_POINTER))
		return false;
	if (type_is_char(type))
		return false; /* c_char holds bytes */
	size = ebcc_type_size(type);
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* [(name, class, bit offset, bit size)] of a struct or union. */
static PyObject *members_build(struct module_object *module, const struct ebcc_type *type,
			       int depth)
{
	size_t count = ebcc_type_count(type);
	PyObject *members = PyList_New(0);
	struct ebcc_member member;

	for (size_t i = 0;
	     members && i < count && ebcc_type_member_at(type, i, &member, sizeof(member)); i++) {
		PyObject *class = class_build(module, member.type, depth);
		PyObject *item = NULL;

		if (class)
			item = Py_BuildValue("(NNKI)", text_decode(member.name), class,
					     (unsigned long long)member.bit_offset,
					     member.bit_size);
		if (!item || PyList_Append(members, item) < 0)
			Py_CLEAR(members);
		Py_XDECREF(item);
	}
	return members;
}

static PyObject *record_build(struct module_object *module, PyObject *builder,
			      const struct ebcc_type *type, int depth)
{
	PyObject *members = members_build(module, type, depth);
	PyObject *class;

	if (!members)
		return NULL;
	class = PyObject_CallMethod(builder, "record", "NnOO", text_decode(ebcc_type_name(type)),
				    (Py_ssize_t)ebcc_type_size(type),
				    ebcc_type_kind(type) == EBCC_TYPE_UNION ? Py_True : Py_False,
				    members);
	Py_DECREF(members);
	return class;
}

static PyObject *array_build(struct module_object *module, PyObject *builder,
			     const struct ebcc_type *type, int depth)
{
	PyObject *item = class_build(module, ebcc_type_target(type), depth);

	if (!item)
		return NULL;
	return PyObject_CallMethod(builder, "array", "Nn", item, (Py_ssize_t)ebcc_type_count(type));
}

static PyObject *class_build_new(struct module_object *module, PyObject *builder,
				 const struct ebcc_type *type, int depth)
{
	Py_ssize_t size = ebcc_type_size(type);

	switch (ebcc_type_kind(type)) {
	case EBCC_TYPE_INT:
	case EBCC_TYPE_ENUM:
		return PyObject_CallMethod(builder, "integer", "nOi", size,
					   ebcc_type_is_signed(type) ? Py_True : Py_False,
					   type_is_char(type) ? (int)EBCC_INT_CHAR
							      : (int)ebcc_type_encoding(type));
	case EBCC_TYPE_FLOAT:
		return PyObject_CallMethod(builder, "floating", "n", size);
	case EBCC_TYPE_POINTER:
		return PyObject_CallMethod(builder, "integer", "nOi", size, Py_False,
					   (int)EBCC_INT_PLAIN);
	case EBCC_TYPE_ARRAY:
		return array_build(module, builder, type, depth);
	case EBCC_TYPE_STRUCT:
	case EBCC_TYPE_UNION:
		return record_build(module, builder, type, depth);
	default:
		return PyObject_CallMethod(builder, "opaque", "n", size);
	}
}

static PyObject *class_build(struct module_object *module, const struct ebcc_type *type, int depth)
{
	PyObject *key, *class, *builder;

	if (!type || depth > TYPE_DEPTH_MAX)
		return error_raise_code(EBCC_ERROR_FORMAT,
					"a type of the BPF object is described incompletely");
	key = PyLong_FromVoidPtr((void *)type);
	if (!key)
		return NULL;
	class = PyDict_GetItemWithError(module->types, key);
	if (class || PyErr_Occurred()) {
		Py_XINCREF(class);
		Py_DECREF(key);
		return class;
	}
	builder = PyImport_ImportModule("ebcc.ctype");
	if (builder)
		class = class_build_new(module, builder, type, depth + 1);
	if (class && PyDict_SetItem(module->types, key, class) < 0)
		Py_CLEAR(class);
	Py_XDECREF(builder);
	Py_DECREF(key);
	return class;
}

PyObject *type_class(struct module_object *module, const struct ebcc_type *type)
{
	return class_build(module, type, 0);
}

int instance_buffer(PyObject *instance, bool writable, Py_buffer *ret)
{
	return PyObject_GetBuffer(instance, ret, writable ? PyBUF_WRITABLE : PyBUF_SIMPLE);
}

PyObject *instance_create(PyObject *class, const void *data, size_t size)
{
	static PyObject *no_arguments;
	newfunc allocate = (newfunc)PyType_GetSlot((PyTypeObject *)class, Py_tp_new);
	PyObject *instance;
	Py_buffer buffer;

	/* __init__() is not called: every byte is written here. */
	if (!no_arguments)
		no_arguments = PyTuple_New(0);
	instance = no_arguments ? allocate((PyTypeObject *)class, no_arguments, NULL) : NULL;
	if (!instance)
		return NULL;
	if (instance_buffer(instance, true, &buffer) < 0) {
		Py_DECREF(instance);
		return NULL;
	}
	memcpy(buffer.buf, data, size < (size_t)buffer.len ? size : (size_t)buffer.len);
	PyBuffer_Release(&buffer);
	return instance;
}
