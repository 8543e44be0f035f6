/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extension module bcc._ebcc: its initialisation, and the way from the library's
 * log to Python's. It uses Python's limited API of 3.11, so one build serves later
 * versions too.
 */
#include <stdlib.h>

#include "pyebcc.h"

int type_add(PyObject *extension, PyType_Spec *spec, const char *name, PyTypeObject **ret)
{
	*ret = (PyTypeObject *)PyType_FromSpec(spec);
	if (!*ret)
		return -1;
	return PyModule_AddObjectRef(extension, name, (PyObject *)*ret);
}

int bytes_or_none(PyObject *object, void *ret)
{
	const char **text = ret;

	*text = object == Py_None ? NULL : PyBytes_AsString(object);
	return *text || object == Py_None;
}

PyObject *bytes_list(char **strings, size_t count)
{
	PyObject *list = PyList_New(count);

	for (size_t i = 0; list && i < count; i++) {
		PyObject *item = PyBytes_FromString(strings[i]);

		if (!item)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, item);
	}
	free(strings);
	return list;
}

/*
 * May run with or without the interpreter lock, and while an exception of a callback
 * is on its way; neither may be disturbed.
 */
void log_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	PyGILState_STATE state = PyGILState_Ensure();
	PyObject *type, *value, *traceback, *sink, *text, *result = NULL;

	PyErr_Fetch(&type, &value, &traceback);
	sink = PyImport_ImportModule("bcc.log");
	text = text_decode(message);
	if (sink && text)
		result = PyObject_CallMethod(sink, "message", "iO", (int)level, text);
	if (!result)
		PyErr_WriteUnraisable(sink);
	Py_XDECREF(result);
	Py_XDECREF(text);
	Py_XDECREF(sink);
	PyErr_Restore(type, value, traceback);
	PyGILState_Release(state);
}

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "bcc._ebcc",
	.m_doc = "The ebcc library: what the bcc package is built on.",
	.m_size = -1,
};

PyMODINIT_FUNC PyInit__ebcc(void)
{
	static int (*const parts[])(PyObject *) = {
		errors_add,  module_add,  program_add,	  table_add, directory_add,
		symbols_add, finding_add, trace_pipe_add, usdt_add,
	};
	PyObject *extension = PyModule_Create(&definition);

	if (!extension)
		return NULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i](extension) < 0) {
			Py_DECREF(extension);
			return NULL;
		}
	}
	if (PyModule_AddStringConstant(extension, "version", ebcc_version()) < 0 ||
	    PyModule_AddIntConstant(extension, "FRAME_BUILD_ID", EBCC_FRAME_BUILD_ID) < 0)
		Py_CLEAR(extension);
	return extension;
}
