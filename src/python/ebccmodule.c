/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extension module ebcc._ebcc: its initialization, how messages get from the library's log
 * to Python's logging, and signals during long calls. It uses Python's limited API of 3.11, so
 * that one build works with later versions too.
 */
#include <stdlib.h>
#include <string.h>

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

const char **list_strings(PyObject *list)
{
	Py_ssize_t count = PyList_Size(list);
	const char **strings = PyMem_Calloc(count + 1, sizeof(*strings));

	if (!strings)
		return (const char **)PyErr_NoMemory();
	for (Py_ssize_t i = 0; i < count; i++) {
		strings[i] = PyBytes_AsString(PyList_GetItem(list, i));
		if (!strings[i]) {
			PyMem_Free(strings);
			return NULL;
		}
	}
	return strings;
}

/*
 * Any Python code may raise an exception that is not its own: what a signal handler raises comes
 * out of whichever code is running. A callback in the middle of the library cannot raise anything,
 * so messages wait here, per thread, for the end of the call that logged them. If there is no
 * memory to keep one, that call raises MemoryError.
 */
struct message {
	struct message *next;
	enum ebcc_log_level level;
	char text[];
};

static _Thread_local struct message *messages;
static _Thread_local bool message_lost; /* there was no memory for one */

void log_message(void *ctx, enum ebcc_log_level level, const char *text)
{
	size_t size = strlen(text) + 1;
	struct message *message = malloc(sizeof(*message) + size), **end = &messages;

	if (!message) {
		message_lost = true;
		return;
	}
	message->next = NULL;
	message->level = level;
	memcpy(message->text, text, size);
	while (*end)
		end = &(*end)->next;
	*end = message;
}

bool message_log(int level, const char *message)
{
	PyObject *sink = PyImport_ImportModule("ebcc.log");
	PyObject *text = sink ? text_decode(message) : NULL, *result = NULL;

	if (text)
		result = PyObject_CallMethod(sink, "message", "iO", level, text);
	Py_XDECREF(text);
	Py_XDECREF(sink);
	Py_XDECREF(result);
	return result;
}

bool messages_deliver(void)
{
	if (PyErr_Occurred())
		return false;
	while (messages) {
		struct message *message = messages;
		bool delivered;

		if (PyErr_CheckSignals() < 0)
			return false;
		messages = message->next;
		delivered = message_log(message->level, message->text);
		free(message);
		if (!delivered)
			return false;
	}
	if (message_lost) {
		message_lost = false;
		PyErr_NoMemory();
		return false;
	}
	return true;
}

bool signal_raised(void *ctx)
{
	PyGILState_STATE state = PyGILState_Ensure();
	bool raised = PyErr_CheckSignals() < 0;

	PyGILState_Release(state);
	return raised;
}

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "ebcc._ebcc",
	.m_doc = "The ebcc library, on which the package ebcc is built.",
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
