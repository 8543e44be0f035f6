/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of ebcc._ebcc that find what can be traced: kernel functions, tracepoints,
 * functions of ELF files, libraries.
 */
#include <stdlib.h>

#include "pyebcc.h"

typedef struct ebcc_error *(*find_fn)(const char *, const struct ebcc_find_opts *, char ***,
				      size_t *);

static PyObject *find(PyObject *args, find_fn function)
{
	char **names;
	const char *regex;
	size_t count;
	struct ebcc_error *error;

	if (!PyArg_ParseTuple(args, "y", &regex))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = function(regex, NULL, &names, &count);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ANY);
	return bytes_list(names, count);
}

static PyObject *find_kprobe_functions(PyObject *self, PyObject *args)
{
	return find(args, ebcc_kernel_find_functions);
}

static PyObject *find_tracepoints(PyObject *self, PyObject *args)
{
	return find(args, ebcc_kernel_find_tracepoints);
}

static PyObject *near_names(PyObject *self, PyObject *args)
{
	size_t near[EBCC_NEAR_MAX], count;
	const char *wanted, **names;
	PyObject *list, *result;

	if (!PyArg_ParseTuple(args, "yO!", &wanted, &PyList_Type, &list))
		return NULL;
	names = list_strings(list);
	if (!names)
		return NULL;
	count = ebcc_names_find_near(wanted, names, PyList_Size(list), near);
	PyMem_Free(names);
	result = PyList_New(count);
	for (size_t i = 0; result && i < count; i++) {
		PyObject *item = PyList_GetItem(list, near[i]);

		Py_INCREF(item);
		PyList_SetItem(result, i, item);
	}
	return result;
}

static PyObject *error_text(PyObject *self, PyObject *args)
{
	int errnum;

	if (!PyArg_ParseTuple(args, "i", &errnum))
		return NULL;
	return PyUnicode_FromString(ebcc_errno_message(errnum));
}

static PyObject *tracepoint_exists(PyObject *self, PyObject *args)
{
	const char *category, *event;

	if (!PyArg_ParseTuple(args, "yy", &category, &event))
		return NULL;
	return PyBool_FromLong(ebcc_kernel_has_tracepoint(category, event));
}

static PyObject *syscall_name(PyObject *self, PyObject *args)
{
	const char *name;

	if (!PyArg_ParseTuple(args, "y", &name))
		return NULL;
	name = ebcc_syscall_name(name);
	if (!name)
		Py_RETURN_NONE;
	return PyBytes_FromString(name);
}

static PyObject *syscall_prefix(PyObject *self, PyObject *unused)
{
	return PyBytes_FromString(ebcc_kernel_syscall_prefix());
}

static PyObject *user_functions_list(char **names, uint64_t *addresses, size_t count)
{
	PyObject *list = PyList_New(count);

	for (size_t i = 0; list && i < count; i++) {
		PyObject *item = Py_BuildValue("(yK)", names[i], (unsigned long long)addresses[i]);

		if (!item)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, item);
	}
	free(names);
	free(addresses);
	return list;
}

static PyObject *find_user_functions(PyObject *self, PyObject *args)
{
	const char *binary, *regex;
	uint64_t *addresses;
	char **names;
	size_t count;
	struct ebcc_error *error;

	if (!PyArg_ParseTuple(args, "yy", &binary, &regex))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_binary_find_functions(binary, regex, NULL, &names, &addresses, &count);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ANY);
	return user_functions_list(names, addresses, count);
}

static PyObject *find_ifunc_resolver(PyObject *self, PyObject *args)
{
	const char *binary, *name;
	struct ebcc_error *error;
	uint64_t address;

	if (!PyArg_ParseTuple(args, "yy", &binary, &name))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_binary_find_ifunc_resolver(binary, name, NULL, &address);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromUnsignedLongLong(address);
}

static PyObject *find_library(PyObject *self, PyObject *args)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	const char *name;
	struct ebcc_error *error;
	PyObject *bytes;
	char *path;

	if (!PyArg_ParseTuple(args, "y|i", &name, &opts.pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_library_find(name, &opts, &path);
	Py_END_ALLOW_THREADS
	if (error && ebcc_error_code(error) == EBCC_ERROR_NOT_FOUND) {
		ebcc_error_destroy(error);
		Py_RETURN_NONE;
	}
	if (error)
		return error_raise(error, ERROR_ANY);
	bytes = PyBytes_FromString(path);
	free(path);
	return bytes;
}

static PyObject *is_go_binary(PyObject *self, PyObject *args)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	const char *binary;
	bool answer;

	if (!PyArg_ParseTuple(args, "y|i", &binary, &opts.pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = ebcc_binary_is_go(binary, &opts, &answer);
	Py_END_ALLOW_THREADS
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyBool_FromLong(answer);
}

static PyObject *possible_cpus(PyObject *self, PyObject *unused)
{
	struct ebcc_error *error;
	unsigned count;

	error = ebcc_kernel_possible_cpus(&count);
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromUnsignedLong(count);
}

static PyObject *check_privilege(PyObject *self, PyObject *unused)
{
	struct ebcc_error *error = ebcc_privilege_check();

	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyObject *pid_namespace(PyObject *self, PyObject *unused)
{
	struct ebcc_error *error;
	uint32_t inode;

	error = ebcc_process_pid_namespace(&inode);
	if (error)
		return error_raise(error, ERROR_ANY);
	return PyLong_FromUnsignedLong(inode);
}

static PyObject *kernel_supports(PyObject *self, PyObject *args)
{
	int capability;
	bool supported;

	if (!PyArg_ParseTuple(args, "i", &capability))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	supported = ebcc_kernel_supports((enum ebcc_capability)capability);
	Py_END_ALLOW_THREADS
	return PyBool_FromLong(supported);
}

static PyObject *query(PyObject *args, int (*function)(const char *, const char *))
{
	const char *type, *name;
	int answer;

	if (!PyArg_ParseTuple(args, "yy", &type, &name))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	answer = function(type, name);
	Py_END_ALLOW_THREADS
	return PyLong_FromLong(answer);
}

static PyObject *kernel_has_member(PyObject *self, PyObject *args)
{
	return query(args, ebcc_kernel_has_member);
}

static PyObject *kernel_has_enumerator(PyObject *self, PyObject *args)
{
	return query(args, ebcc_kernel_has_enumerator);
}

static PyMethodDef functions[] = {
	{"find_kprobe_functions", find_kprobe_functions, METH_VARARGS,
	 "find_kprobe_functions(regex) -> list of bytes\n\nregex: an extended regular expression, "
	 "as in egrep."},
	{"near_names", near_names, METH_VARARGS,
	 "near_names(wanted, list) -> list\n\nThe names in the list that may have been meant, at "
	 "most three."},
	{"error_text", error_text, METH_VARARGS,
	 "error_text(errno) -> str\n\nLike os.strerror(), but also for numbers that only the "
	 "kernel "
	 "has."},
	{"find_tracepoints", find_tracepoints, METH_VARARGS,
	 "find_tracepoints(regex) -> list of bytes\n\nEach is CATEGORY:EVENT. regex: as in "
	 "find_kprobe_functions()."},
	{"tracepoint_exists", tracepoint_exists, METH_VARARGS,
	 "tracepoint_exists(category, event) -> bool"},
	{"syscall_name", syscall_name, METH_VARARGS,
	 "syscall_name(function) -> bytes or None\n\nThe system call that a kernel function "
	 "implements, with any processor's prefix."},
	{"syscall_prefix", syscall_prefix, METH_NOARGS,
	 "syscall_prefix() -> bytes\n\nThe prefix of this kernel's system call functions."},
	{"find_user_functions", find_user_functions, METH_VARARGS,
	 "find_user_functions(binary, regex) -> list of (name, address)\n\nAddresses are those in "
	 "the file. regex: as in find_kprobe_functions()."},
	{"find_ifunc_resolver", find_ifunc_resolver, METH_VARARGS,
	 "find_ifunc_resolver(binary, name) -> address in the file"},
	{"find_library", find_library, METH_VARARGS, "find_library(name, pid=0) -> path or None"},
	{"is_go_binary", is_go_binary, METH_VARARGS,
	 "is_go_binary(binary, pid=0) -> bool\n\nWhether the Go compiler built it."},
	{"kernel_supports", kernel_supports, METH_VARARGS,
	 "kernel_supports(capability) -> bool\n\ncapability: a number of enum ebcc_capability."},
	{"kernel_has_member", kernel_has_member, METH_VARARGS,
	 "kernel_has_member(record, member) -> 1, 0, or -1 if there is no such struct or union"},
	{"kernel_has_enumerator", kernel_has_enumerator, METH_VARARGS,
	 "kernel_has_enumerator(enum, name) -> 1, 0, or -1 if there is no such enum"},
	{"possible_cpus", possible_cpus, METH_NOARGS,
	 "possible_cpus() -> int\n\nThe number of CPUs that the kernel has room for."},
	{"column", batch_column, METH_VARARGS,
	 "column(data, offsets, offset, size) -> bytes\n\nA member of each event of a batch."},
	{"check_privilege", check_privilege, METH_NOARGS,
	 "check_privilege()\n\nRaises an error if this process is not allowed to trace."},
	{"pid_namespace", pid_namespace, METH_NOARGS,
	 "pid_namespace() -> int\n\nThe inode number of this process's PID namespace; 0 for the "
	 "initial one."},
	{0},
};

int finding_add(PyObject *extension)
{
	return PyModule_AddFunctions(extension, functions);
}
