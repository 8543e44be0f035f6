/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the extension module ebcc._ebcc share: its object types, how errors
 * of the library become exceptions, and the rules for the interpreter lock.
 *
 * The extension is a thin layer over ebcc.h. It owns what runs once per event or per
 * table entry; everything that runs once per call of a script is Python, in ebcc/.
 * Byte strings cross the boundary as bytes: ebcc/ converts what scripts pass as str.
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
 * A poll in progress. The interpreter lock is let go for the wait and taken again by
 * the first event; it then stays held until the poll returns, because a poll does not
 * wait again once it has delivered something.
 */
struct poll {
	PyThreadState *released; /* NULL while the lock is held */
	pthread_t thread;
};

/* ebcc._ebcc.Module */
struct module_object {
	PyObject ob_base;
	struct ebcc_module *handle;	       /* NULL once closed */
	struct module_object *previous, *next; /* of the modules that are open */
	PyObject *types;	/* dict: address of an ebcc_type -> its ctypes class */
	struct reader *readers; /* open perf and ring buffers */
	struct poll *poll;	/* or NULL */
	pthread_mutex_t lock;	/* held by calls that run without the interpreter lock; one
				 * that handles a signal meanwhile may make another */
	unsigned users;		/* such calls in progress, polls included */
	bool closing;		/* closed as soon as users is 0 */
	PyObject *weakrefs;
};

/* ebcc._ebcc.Program; borrows the program from its module. */
struct program_object {
	PyObject ob_base;
	struct module_object *module;
	struct ebcc_program *handle;
};

/* How keys and leaves cross: a ctypes class, and whether plain ints fit it. */
struct element {
	PyObject *class; /* or NULL: not asked for yet */
	size_t size;	 /* bytes of one instance */
	bool integer;	 /* an int, bool or enum of 1, 2, 4 or 8 bytes */
};

/* How event() presents an event. */
enum event_form {
	EVENT_UNKNOWN, /* not looked at yet */
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
	struct element leaf;   /* as the source declares it: of one CPU */
	PyObject *value_class; /* what a lookup gives: leaf.class, or leaf.class * CPUs */
	size_t value_size;     /* as the kernel has it */
	unsigned cpus;	       /* elements of a value: 1 unless the table is per CPU */
	bool per_cpu;
	bool array; /* keys are indices: int keys count from the end when negative */
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

/* What was being done when an error came: some codes become another class there. */
enum error_context {
	ERROR_ANY,
	ERROR_ATTACHING,
};

/** Adds the exception classes to the extension module. -1 with an exception set on failure. */
int errors_add(PyObject *extension);
/** Raises @p error, which is consumed; a signal's handler runs first where that is the cause.
 *  @return NULL. */
PyObject *error_raise(struct ebcc_error *error, enum error_context context);
/** Raises the class of @p code with a text of our own. @return NULL. */
PyObject *error_raise_code(enum ebcc_error_code code, const char *message);
/** The end of a call into the library: raises @p error, which is consumed, or what the delivery of
 *  messages raised.
 *  @return false with an exception set. */
bool call_succeeded(struct ebcc_error *error, enum error_context context);
/** A signal interrupted a call: frees @p error and runs the handlers.
 *  @return true when none of them raised and the call may be repeated. */
bool error_interrupted(struct ebcc_error *error);

int module_add(PyObject *extension);
/** True while the module is open; else raises ebcc.StateError. */
bool module_check(struct module_object *module);
/** Marks a call that runs without the interpreter lock; the module outlives it. */
void module_enter(struct module_object *module);
/** Ends it, and closes the module if that was asked for meanwhile. */
void module_leave(struct module_object *module);

/** Runs @p call (an expression that gives a struct ebcc_error *) without the interpreter lock. */
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

int program_add(PyObject *extension);
/** A new Program for @p handle, or NULL with an exception. */
PyObject *program_object_create(struct module_object *module, struct ebcc_program *handle);

int table_add(PyObject *extension);
int directory_add(PyObject *extension);

/** The ctypes class of @p type, built once per module. A new reference, or NULL with an exception.
 */
PyObject *type_class(struct module_object *module, const struct ebcc_type *type);
/** True for char, whose arrays are text. */
bool type_is_char(const struct ebcc_type *type);
/** True where a Python int can stand for a value of @p type. */
bool type_is_integer(const struct ebcc_type *type);
/** The bytes behind a ctypes instance (or another buffer), borrowed until it is released.
 *  -1 with an exception on failure. */
int instance_buffer(PyObject *instance, bool writable, Py_buffer *ret);
/** A new instance of @p class whose first bytes are @p data; the rest is zero. */
PyObject *instance_create(PyObject *class, const void *data, size_t size);

/** Table.open_events(callback, lost, ctx, page_count, wakeup_events). */
PyObject *table_open_events(PyObject *self, PyObject *args);
/** Table.close_events(). */
PyObject *table_close_events(PyObject *self, PyObject *unused);
/** Table.event(data). */
PyObject *table_event(PyObject *self, PyObject *data);
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
/** A list of bytes from a list of strings of the library, which is freed. */
PyObject *bytes_list(char **strings, size_t count);

/** The library's log callback: keeps the message until messages_deliver(). Runs no Python. */
void log_message(void *ctx, enum ebcc_log_level level, const char *text);
/** Hands one message to Python's logging, through ebcc.log.
 *  @return false with an exception set */
bool message_log(int level, const char *message);
/** Hands the messages that this thread's calls left to Python's logging, through ebcc.log. Handlers
 *  of signals run first.
 *  @return false with an exception set, which came from there or was there before. */
bool messages_deliver(void);
/** The library's question during long calls: runs the handlers of signals. True with the exception
 *  set that one of them raised. */
bool signal_raised(void *ctx);

/** Creates a type from its spec and adds it. *@p ret is a strong reference. */
int type_add(PyObject *extension, PyType_Spec *spec, const char *name, PyTypeObject **ret);

/** Converter for "O&": *(const char **)@p ret is the text of bytes, borrowed, or NULL for None. */
int bytes_or_none(PyObject *object, void *ret);
/** Decodes text of the library; whatever isn't UTF-8 is replaced. NULL becomes None. */
PyObject *text_decode(const char *text);

#endif /* PYEBCC_H */
