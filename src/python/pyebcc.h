/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarations that the files of the extension module ebcc._ebcc share: its object types, how
 * errors of the library become exceptions, and the rules for the interpreter lock (GIL).
 *
 * The extension is a thin layer over ebcc.h. Code that runs once per event or per table entry
 * is here; code that runs once per call from a script is Python, in ebcc/. Strings cross the
 * boundary as bytes: ebcc/ converts a str that a script passes.
 */
#ifndef PYEBCC_H
#define PYEBCC_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdbool.h>

#include "ebcc.h"

struct reader;

/*
 * A poll in progress. The GIL is released for the wait and taken again by the first
 * event. It then stays held until the poll returns, because a poll does not wait again
 * once it has delivered something.
 */
struct poll {
	PyThreadState *released; /* NULL while the GIL is held */
	pthread_t thread;
};

/* ebcc._ebcc.Module */
struct module_object {
	PyObject ob_base;
	struct ebcc_module *handle;	       /* NULL once closed */
	struct module_object *previous, *next; /* in the list of open modules */
	PyObject *types;	/* dict: address of an ebcc_type -> its ctypes class */
	struct reader *readers; /* open perf and ring buffers */
	struct poll *poll;	/* or NULL */
	pthread_mutex_t lock;	/* held by calls that run without the GIL; recursive: a
				 * signal handler that runs during one may make another */
	unsigned users;		/* such calls in progress, including polls */
	bool closing;		/* to be closed as soon as users is 0 */
	PyObject *weakrefs;
};

/* ebcc._ebcc.Program; borrows the program from its module. */
struct program_object {
	PyObject ob_base;
	struct module_object *module;
	struct ebcc_program *handle;
};

/* How a key or leaf appears in Python: a ctypes class, and whether a plain int will do. */
struct element {
	PyObject *class; /* NULL until it is first needed */
	size_t size;	 /* bytes of one instance */
	bool integer;	 /* an int, bool or enum of 1, 2, 4 or 8 bytes */
};

/* What event() returns. */
enum event_form {
	EVENT_UNKNOWN, /* not determined yet */
	EVENT_OBJECT,  /* an instance of the ctypes class */
	EVENT_UNSIGNED,
	EVENT_SIGNED,
	EVENT_TEXT, /* a char array: bytes up to its NUL */
};

/* ebcc._ebcc.Table; borrows the table from its module. */
struct table_object {
	PyObject ob_base;
	struct module_object *module;
	struct ebcc_table *handle;
	struct element key;
	struct element leaf;   /* as the source declares it, for one CPU */
	PyObject *value_class; /* what a lookup returns: leaf.class, or leaf.class * CPUs */
	size_t value_size;     /* in the kernel */
	unsigned cpus;	       /* elements of a value: 1 unless the table is per CPU */
	bool per_cpu;
	bool array; /* keys are indices; a negative int counts from the end */
	PyObject *event_class;
	size_t event_size;
	enum event_form event_form;
};

/* ebcc._ebcc.Usdt */
struct usdt_object {
	PyObject ob_base;
	struct ebcc_usdt *handle;
};

extern PyTypeObject *module_type, *program_type, *link_type, *table_type, *usdt_type;

/* What was being done when an error occurred: it changes the class that some codes become. */
enum error_context {
	ERROR_ANY,
	ERROR_ATTACHING,
};

/** Adds the exception classes to the extension module. -1 with an exception set on failure. */
int errors_add(PyObject *extension);
/** Raises @p error, which is consumed. If a signal caused it, the signal handlers run first.
 *  @return NULL. */
PyObject *error_raise(struct ebcc_error *error, enum error_context context);
/** Raises the class of @p code with @p message as its text. @return NULL. */
PyObject *error_raise_code(enum ebcc_error_code code, const char *message);
/** Ends a call into the library: raises @p error, which is consumed, or whatever delivering log
 *  messages raised.
 *  @return true if there was neither; false with an exception set. */
bool call_succeeded(struct ebcc_error *error, enum error_context context);
/** Handles a call that a signal interrupted: frees @p error and runs the signal handlers.
 *  @return true if none of them raised, so that the call may be repeated. */
bool error_interrupted(struct ebcc_error *error);

int module_add(PyObject *extension);
/** True while the module is open; otherwise raises ebcc.StateError. */
bool module_check(struct module_object *module);
/** Begins a call that runs without the GIL. The module stays alive until module_leave(). */
void module_enter(struct module_object *module);
/** Ends that call, and closes the module if close() was called in the meantime. */
void module_leave(struct module_object *module);

/** Evaluates @p call, an expression of type struct ebcc_error *, without the GIL. */
#define MODULE_CALL(module, error, call)                                                           \
	do {                                                                                       \
		module_enter(module);                                                              \
		Py_BEGIN_ALLOW_THREADS                                                             \
		pthread_mutex_lock(&(module)->lock);                                               \
		error = (call);                                                                    \
		pthread_mutex_unlock(&(module)->lock);                                             \
		Py_END_ALLOW_THREADS                                                               \
		module_leave(module);                                                              \
	} while (0)

/** Defines a method of a struct @p type that calls @p function with the object's handle and a path:
 *  str, bytes or a path object. @p check returns whether the object is in use, or raises. */
#define PATH_METHOD(name, type, check, function)                                                   \
	static PyObject *name(PyObject *self, PyObject *argument)                                  \
	{                                                                                          \
		struct type *object = (struct type *)self;                                         \
		struct ebcc_error *error;                                                          \
		const char *path;                                                                  \
		PyObject *bytes;                                                                   \
                                                                                                   \
		if (!PyUnicode_FSConverter(argument, &bytes))                                      \
			return NULL;                                                               \
		if (!check(object)) {                                                              \
			Py_DECREF(bytes);                                                          \
			return NULL;                                                               \
		}                                                                                  \
		path = PyBytes_AsString(bytes);                                                    \
		MODULE_CALL(object->module, error, function(object->handle, path));                \
		Py_DECREF(bytes);                                                                  \
		if (error)                                                                         \
			return error_raise(error, ERROR_ANY);                                      \
		Py_RETURN_NONE;                                                                    \
	}

int program_add(PyObject *extension);
/** Returns a new Program for @p handle, or NULL with an exception. */
PyObject *program_object_create(struct module_object *module, struct ebcc_program *handle);

int table_add(PyObject *extension);
int directory_add(PyObject *extension);

/** The ctypes class of @p type, built once per module: a new reference, or NULL with an exception.
 */
PyObject *type_class(struct module_object *module, const struct ebcc_type *type);
/** True for char, whose arrays are text. */
bool type_is_char(const struct ebcc_type *type);
/** True if a Python int can represent a value of @p type. */
bool type_is_integer(const struct ebcc_type *type);
/** The bytes of a ctypes instance or another buffer, borrowed until PyBuffer_Release().
 *  @return 0, or -1 with an exception. */
int instance_buffer(PyObject *instance, bool writable, Py_buffer *ret);
/** A new instance of @p class whose first bytes are @p data; the rest is zero. NULL with an
 *  exception on failure. */
PyObject *instance_create(PyObject *class, const void *data, size_t size);

/** Table._open_events(callback, lost, ctx, page_count, wakeup_events). */
PyObject *table_open_events(PyObject *self, PyObject *args);
/** Table.close_events(). */
PyObject *table_close_events(PyObject *self, PyObject *unused);
/** Table.event(data). */
PyObject *table_event(PyObject *self, PyObject *data);
PyObject *table_event_type(PyObject *self, PyObject *unused);
PyObject *batch_column(PyObject *module, PyObject *args);
/** Table.lost(). */
PyObject *table_lost(PyObject *self, PyObject *unused);
/** Module.poll(source, timeout_ms) and Module.consume(source). */
PyObject *module_poll(PyObject *self, PyObject *args);
PyObject *module_consume(PyObject *self, PyObject *args);
/** Frees the readers of a module whose handle is gone. */
void readers_destroy(struct module_object *module);
int readers_traverse(struct module_object *module, visitproc visit, void *arg);

int symbols_add(PyObject *extension);
int finding_add(PyObject *extension);
int usdt_add(PyObject *extension);
int trace_pipe_add(PyObject *extension);
/** A list of bytes from an array of strings that the library returned. The array is freed. */
PyObject *bytes_list(char **strings, size_t count);
/** The strings of a list of bytes: an array to be freed with PyMem_Free(), whose strings are
 * borrowed from the list, and a NULL after the last. NULL with an exception set on failure. */
const char **list_strings(PyObject *list);

/** The library's log callback: keeps the message until messages_deliver(). Runs no Python code. */
void log_message(void *ctx, enum ebcc_log_level level, const char *text);
/** Passes one message to Python's logging, through ebcc.log.
 *  @return false with an exception set. */
bool message_log(int level, const char *message);
/** Passes the messages that this thread's calls have kept to Python's logging, through ebcc.log.
 *  Signal handlers run first.
 *  @return false with an exception set: one raised here, or one that was set before. */
bool messages_deliver(void);
/** The interrupted callback that the library calls during long calls: runs the signal handlers.
 *  @return true with the exception set that one of them raised. */
bool signal_raised(void *ctx);

/** Creates a type from its spec and adds it to the extension. *@p ret is a strong reference.
 *  @return 0, or -1 with an exception. */
int type_add(PyObject *extension, PyType_Spec *spec, const char *name, PyTypeObject **ret);

/** "O&" converter: sets *(const char **)@p ret to the text of a bytes object, borrowed, or to NULL
 *  for None. */
int bytes_or_none(PyObject *object, void *ret);
/** Decodes text from the library. Bytes that are not UTF-8 are replaced; NULL becomes None. */
PyObject *text_decode(const char *text);

#endif /* PYEBCC_H */
