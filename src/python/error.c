/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the library as Python exceptions. One table maps each code to a class. All
 * classes derive from ebcc.Error and carry code, errno, subject and details.
 */
#include <string.h>

#include "pyebcc.h"

struct class_desc {
	enum ebcc_error_code code;
	const char *name;
	PyObject **builtin; /* a second base, for code that knows only Python's own classes */
	const char *doc;
};

static const struct class_desc class_descs[] = {
	{EBCC_ERROR_NO_MEMORY, "NoMemoryError", &PyExc_MemoryError,
	 "Memory, or another limited resource, ran out."},
	{EBCC_ERROR_INVALID_ARGUMENT, "InvalidArgumentError", &PyExc_ValueError,
	 "The call or one of its arguments is invalid."},
	{EBCC_ERROR_OS, "SystemCallError", NULL, "A system call failed; errno says how."},
	{EBCC_ERROR_PERMISSION, "PrivilegeError", NULL, "The process lacks a privilege."},
	{EBCC_ERROR_NOT_FOUND, "NotFoundError", NULL,
	 "Something that the caller named doesn't exist."},
	{EBCC_ERROR_UNSUPPORTED, "UnsupportedError", NULL, "This kernel or machine can't do it."},
	{EBCC_ERROR_COMPILE, "CompileError", NULL,
	 "The source does not compile, or the compiler failed. The text has clang's "
	 "diagnostics."},
	{EBCC_ERROR_KERNEL_TYPES, "KernelTypesError", NULL,
	 "No description of the kernel's types is available."},
	{EBCC_ERROR_LOAD, "LoadError", NULL,
	 "The kernel refused a map or program; details is the verifier's log."},
	{EBCC_ERROR_ATTACH, "AttachError", NULL,
	 "Attaching failed. If something was not found, similar names are listed."},
	{EBCC_ERROR_FORMAT, "FormatError", &PyExc_ValueError, "Data from outside is malformed."},
	{EBCC_ERROR_STATE, "StateError", NULL,
	 "Called at the wrong time: too late, too early, or twice."},
	{EBCC_ERROR_INTERRUPTED, "SignalError", NULL, "A signal arrived."},
	{EBCC_ERROR_CALLBACK, "CallbackError", NULL, "A callback asked to stop."},
	{EBCC_ERROR_OTHER_KERNEL, "OtherKernelError", NULL,
	 "The object was compiled for a kernel other than the running one."},
};

#define CODE_MAX EBCC_ERROR_OTHER_KERNEL

static PyObject *base_class;
static PyObject *classes[CODE_MAX + 1];
/* What attaching raises where this kernel can't do it: as AttachError and as UnsupportedError. */
static PyObject *unsupported_attach_class;

static PyObject *class_create(const struct class_desc *desc)
{
	char name[64];
	PyObject *bases, *attributes, *class;

	PyOS_snprintf(name, sizeof(name), "ebcc.%s", desc->name);
	bases = desc->builtin ? PyTuple_Pack(2, base_class, *desc->builtin)
			      : PyTuple_Pack(1, base_class);
	if (!bases)
		return NULL;
	attributes = Py_BuildValue("{si}", "code", (int)desc->code);
	class = attributes ? PyErr_NewExceptionWithDoc(name, desc->doc, bases, attributes) : NULL;
	Py_XDECREF(attributes);
	Py_DECREF(bases);
	return class;
}

static int base_create(PyObject *extension)
{
	PyObject *attributes = Py_BuildValue("{sOsisOsO}", "code", Py_None, "errno", 0, "subject",
					     Py_None, "details", Py_None);

	if (!attributes)
		return -1;
	base_class = PyErr_NewExceptionWithDoc(
		"ebcc.Error",
		"A failure of ebcc.\n\n"
		"code: the library's error code, an int.\n"
		"errno: the errno of the system call that failed, or 0.\n"
		"subject: the path, program, function or symbol that it concerns, or None.\n"
		"details: clang's diagnostics or the verifier's log, or None.",
		NULL, attributes);
	Py_DECREF(attributes);
	return base_class ? PyModule_AddObjectRef(extension, "Error", base_class) : -1;
}

static int unsupported_attach_create(PyObject *extension)
{
	PyObject *bases, *attributes;

	bases = PyTuple_Pack(2, classes[EBCC_ERROR_ATTACH], classes[EBCC_ERROR_UNSUPPORTED]);
	attributes = Py_BuildValue("{si}", "code", (int)EBCC_ERROR_UNSUPPORTED);
	if (bases && attributes)
		unsupported_attach_class = PyErr_NewExceptionWithDoc(
			"ebcc.UnsupportedAttachError",
			"Attaching failed: this kernel or machine can't do it.", bases, attributes);
	Py_XDECREF(bases);
	Py_XDECREF(attributes);
	return unsupported_attach_class ? PyModule_AddObjectRef(extension, "UnsupportedAttachError",
								unsupported_attach_class)
					: -1;
}

int errors_add(PyObject *extension)
{
	if (base_create(extension) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(class_descs) / sizeof(class_descs[0]); i++) {
		const struct class_desc *desc = &class_descs[i];
		PyObject *class = class_create(desc);

		if (!class || PyModule_AddObjectRef(extension, desc->name, class) < 0)
			return -1;
		classes[desc->code] = class;
	}
	return unsupported_attach_create(extension);
}

static PyObject *class_for(enum ebcc_error_code code, enum error_context context)
{
	/* Whatever keeps a probe from being attached is an AttachError; its code tells why. */
	if (context == ERROR_ATTACHING && code == EBCC_ERROR_UNSUPPORTED)
		return unsupported_attach_class;
	if (context == ERROR_ATTACHING && (code == EBCC_ERROR_NOT_FOUND || code == EBCC_ERROR_OS ||
					   code == EBCC_ERROR_INVALID_ARGUMENT))
		code = EBCC_ERROR_ATTACH;
	return code >= 1 && code <= CODE_MAX ? classes[code] : base_class;
}

PyObject *text_decode(const char *text)
{
	if (!text)
		Py_RETURN_NONE;
	return PyUnicode_DecodeUTF8(text, strlen(text), "replace");
}

/* The text of the exception. It includes the diagnostics, but only once. */
static PyObject *exception_text(const struct ebcc_error *error)
{
	const char *message = ebcc_error_message(error);
	const char *details = ebcc_error_details(error);
	PyObject *head, *tail, *text;

	if (ebcc_error_code(error) != EBCC_ERROR_COMPILE || !details || strstr(message, details))
		return text_decode(message);
	head = text_decode(message);
	tail = text_decode(details);
	text = head && tail ? PyUnicode_FromFormat("%U\n%U", head, tail) : NULL;
	Py_XDECREF(head);
	Py_XDECREF(tail);
	return text;
}

/* Sets an attribute to @p value, whose reference is consumed. */
static int attribute_set(PyObject *exception, const char *name, PyObject *value)
{
	int failed = value ? PyObject_SetAttrString(exception, name, value) : -1;

	Py_XDECREF(value);
	return failed;
}

static PyObject *exception_create(const struct ebcc_error *error, PyObject *class)
{
	PyObject *text = exception_text(error);
	PyObject *exception;

	if (!text)
		return NULL;
	exception = PyObject_CallFunctionObjArgs(class, text, NULL);
	Py_DECREF(text);
	if (!exception)
		return NULL;
	if (attribute_set(exception, "code", PyLong_FromLong(ebcc_error_code(error))) < 0 ||
	    attribute_set(exception, "errno", PyLong_FromLong(ebcc_error_errno(error))) < 0 ||
	    attribute_set(exception, "subject", text_decode(ebcc_error_subject(error))) < 0 ||
	    attribute_set(exception, "details", text_decode(ebcc_error_details(error))) < 0) {
		Py_DECREF(exception);
		return NULL;
	}
	return exception;
}

PyObject *error_raise(struct ebcc_error *error, enum error_context context)
{
	PyObject *class, *exception;

	if (!messages_deliver() ||
	    (ebcc_error_code(error) == EBCC_ERROR_INTERRUPTED && PyErr_CheckSignals() < 0)) {
		ebcc_error_destroy(error);
		return NULL;
	}
	class = class_for(ebcc_error_code(error), context);
	exception = exception_create(error, class);
	ebcc_error_destroy(error);
	if (exception) {
		PyErr_SetObject(class, exception);
		Py_DECREF(exception);
	}
	return NULL;
}

PyObject *error_raise_code(enum ebcc_error_code code, const char *message)
{
	PyErr_SetString(class_for(code, ERROR_ANY), message);
	return NULL;
}

bool error_interrupted(struct ebcc_error *error)
{
	ebcc_error_destroy(error);
	return !PyErr_Occurred() && PyErr_CheckSignals() == 0;
}

bool call_succeeded(struct ebcc_error *error, enum error_context context)
{
	if (error)
		error_raise(error, context);
	return !error && messages_deliver();
}
