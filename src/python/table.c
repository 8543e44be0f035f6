/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc._ebcc.Table: the entries of a map, one by one or all at once. Keys and leaves are
 * ctypes instances. If Python passes an int or an instance of the right class, it is
 * converted here; anything else is converted by the hooks _make_key() and _make_leaf()
 * of the subclass in ebcc.table.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pyebcc.h"

PyTypeObject *table_type;

/* A buffer for one key or value; most fit on the stack. */
struct scratch {
	unsigned char small[256];
	unsigned char *data;
};

static bool scratch_init(struct scratch *scratch, size_t size)
{
	scratch->data = size <= sizeof(scratch->small) ? scratch->small : PyMem_Malloc(size);
	if (scratch->data)
		return true;
	PyErr_NoMemory();
	return false;
}

static void scratch_deinit(struct scratch *scratch)
{
	if (scratch->data != scratch->small)
		PyMem_Free(scratch->data);
}

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct module_object *module;
	struct table_object *table;
	struct ebcc_table *handle;
	struct ebcc_error *error;
	unsigned cpus = 1, map_type;
	const char *name;

	if (!PyArg_ParseTuple(args, "O!y", module_type, &module, &name) || !module_check(module))
		return NULL;
	MODULE_CALL(module, error, ebcc_module_find_table(module->handle, name, &handle));
	if (!error && ebcc_table_is_per_cpu(handle))
		error = ebcc_kernel_possible_cpus(&cpus);
	if (error)
		return error_raise(error, ERROR_ANY);
	table = (struct table_object *)PyType_GenericAlloc(type, 0);
	if (!table)
		return NULL;
	Py_INCREF((PyObject *)module);
	table->module = module;
	table->handle = handle;
	table->cpus = cpus;
	table->per_cpu = ebcc_table_is_per_cpu(handle);
	table->key.size = ebcc_table_key_size(handle);
	table->leaf.size = ebcc_table_leaf_size(handle);
	table->value_size = ebcc_table_value_size(handle);
	map_type = ebcc_table_map_type(handle);
	table->array =
		map_type == BPF_MAP_TYPE_ARRAY || map_type == BPF_MAP_TYPE_PERCPU_ARRAY ||
		map_type == BPF_MAP_TYPE_PROG_ARRAY || map_type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
		map_type == BPF_MAP_TYPE_CGROUP_ARRAY || map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
		map_type == BPF_MAP_TYPE_DEVMAP || map_type == BPF_MAP_TYPE_CPUMAP ||
		map_type == BPF_MAP_TYPE_XSKMAP || map_type == BPF_MAP_TYPE_SOCKMAP;
	return (PyObject *)table;
}

static int table_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct table_object *table = (struct table_object *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(table->module);
	Py_VISIT(table->key.class);
	Py_VISIT(table->leaf.class);
	Py_VISIT(table->value_class);
	Py_VISIT(table->event_class);
	return 0;
}

static int table_drop(PyObject *self)
{
	struct table_object *table = (struct table_object *)self;

	Py_CLEAR(table->key.class);
	Py_CLEAR(table->leaf.class);
	Py_CLEAR(table->value_class);
	Py_CLEAR(table->event_class);
	return 0;
}

static void table_dealloc(PyObject *self)
{
	struct table_object *table = (struct table_object *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	table_drop(self);
	Py_XDECREF((PyObject *)table->module);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

/* --- classes ------------------------------------------------------------------------ */

/* A class for values whose type the BPF object does not describe. */
static PyObject *plain_class(size_t size)
{
	PyObject *builder = PyImport_ImportModule("ebcc.ctype");
	PyObject *class = NULL;

	if (builder)
		class = PyObject_CallMethod(builder, "plain", "n", (Py_ssize_t)size);
	Py_XDECREF(builder);
	return class;
}

static bool element_prepare(struct table_object *table, struct element *element,
			    const struct ebcc_type *type)
{
	if (element->class)
		return true;
	element->integer = type ? type_is_integer(type) : element->size == 4 || element->size == 8;
	element->class = type ? type_class(table->module, type) : plain_class(element->size);
	return element->class;
}

static bool key_prepare(struct table_object *table)
{
	return table->key.class ||
	       (module_check(table->module) &&
		element_prepare(table, &table->key, ebcc_table_key_type(table->handle)));
}

static bool leaf_prepare(struct table_object *table)
{
	PyObject *count;

	if (table->value_class)
		return true;
	if (!table->leaf.class &&
	    (!module_check(table->module) ||
	     !element_prepare(table, &table->leaf, ebcc_table_leaf_type(table->handle))))
		return false;
	if (!table->per_cpu) {
		Py_INCREF(table->leaf.class);
		table->value_class = table->leaf.class;
		return true;
	}
	count = PyLong_FromUnsignedLong(table->cpus);
	if (count)
		table->value_class = PyNumber_Multiply(table->leaf.class, count);
	Py_XDECREF(count);
	return table->value_class;
}

/* Prepares both, for functions that access entries, and checks that the module is open. */
static bool table_prepare(struct table_object *table)
{
	return module_check(table->module) && key_prepare(table) && leaf_prepare(table);
}

/* Sets a caller's own class for keys or leaves: any ctypes class of the same size. */
static int element_replace(struct element *element, PyObject *class)
{
	PyObject *instance;
	Py_buffer buffer;
	bool fits;

	if (!class) {
		PyErr_SetString(PyExc_AttributeError, "the class can't be deleted");
		return -1;
	}
	instance = PyObject_CallNoArgs(class);
	if (!instance)
		return -1;
	if (instance_buffer(instance, false, &buffer) < 0) {
		Py_DECREF(instance);
		return -1;
	}
	fits = (size_t)buffer.len == element->size;
	PyBuffer_Release(&buffer);
	Py_DECREF(instance);
	if (!fits) {
		PyErr_Format(PyExc_ValueError,
			     "%R does not have the size that the table needs, %zu bytes", class,
			     element->size);
		return -1;
	}
	Py_INCREF(class);
	Py_XDECREF(element->class);
	element->class = class;
	return 0;
}

static PyObject *table_get_key_class(PyObject *self, void *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (table->key.size == 0)
		Py_RETURN_NONE;
	if (!key_prepare(table))
		return NULL;
	Py_INCREF(table->key.class);
	return table->key.class;
}

static int table_set_key_class(PyObject *self, PyObject *class, void *unused)
{
	struct table_object *table = (struct table_object *)self;

	return key_prepare(table) ? element_replace(&table->key, class) : -1;
}

static PyObject *table_get_leaf_class(PyObject *self, void *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (!leaf_prepare(table))
		return NULL;
	Py_INCREF(table->leaf.class);
	return table->leaf.class;
}

static int table_set_leaf_class(PyObject *self, PyObject *class, void *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (!leaf_prepare(table) || element_replace(&table->leaf, class) < 0)
		return -1;
	Py_CLEAR(table->value_class);
	return leaf_prepare(table) ? 0 : -1;
}

static PyObject *table_get_value_class(PyObject *self, void *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (!leaf_prepare(table))
		return NULL;
	Py_INCREF(table->value_class);
	return table->value_class;
}

/* --- Python to bytes ---------------------------------------------------------------- */

/* Stores an int of at most 8 bytes. A negative number is stored as its two's complement, even if
 * the type is unsigned. A number that does not fit is an error: nothing is cut off. */
static bool integer_store(PyObject *value, size_t size, void *out)
{
	int overflow, shift = 8 * size;
	long long number = PyLong_AsLongLongAndOverflow(value, &overflow);

	if (number == -1 && PyErr_Occurred())
		return false;
	if (overflow > 0 && size == sizeof(number)) {
		number = (long long)PyLong_AsUnsignedLongLong(value);
		overflow = 0;
		if (number == -1 && PyErr_Occurred())
			return false;
	}
	if (overflow ||
	    (size < sizeof(number) && (number >= 1LL << shift || number < -(1LL << (shift - 1))))) {
		PyErr_Format(PyExc_OverflowError, "%S does not fit into %zu bytes", value, size);
		return false;
	}
	/* The low bytes come first on the little-endian machines that BPF objects are built for. */
	memcpy(out, &number, size);
	return true;
}

static bool instance_store(PyObject *instance, size_t size, void *out)
{
	Py_buffer buffer;
	bool fits;

	if (instance_buffer(instance, false, &buffer) < 0)
		return false;
	fits = (size_t)buffer.len == size;
	if (fits)
		memcpy(out, buffer.buf, size);
	else
		PyErr_Format(PyExc_ValueError, "%zd bytes given where the table needs %zu",
			     buffer.len, size);
	PyBuffer_Release(&buffer);
	return fits;
}

/* Stores what is neither an int nor of the right class: the subclass's hook converts it first. */
static bool converted_store(struct table_object *table, const char *hook, PyObject *value,
			    size_t size, void *out)
{
	PyObject *instance = PyObject_CallMethod((PyObject *)table, hook, "(O)", value);
	bool stored = instance && instance_store(instance, size, out);

	Py_XDECREF(instance);
	return stored;
}

static bool key_store(struct table_object *table, PyObject *key, void *out)
{
	if ((PyObject *)Py_TYPE(key) == table->key.class)
		return instance_store(key, table->key.size, out);
	if (table->key.integer && PyLong_Check(key)) {
		if (!integer_store(key, table->key.size, out))
			return false;
		if (table->array && table->key.size == sizeof(int32_t) && *(int32_t *)out < 0)
			*(int32_t *)out += ebcc_table_max_entries(table->handle);
		return true;
	}
	return converted_store(table, "_make_key", key, table->key.size, out);
}

/* Copies an array of leaves into the kernel's layout, where each takes a multiple of 8 bytes. */
static void leaves_spread(const struct table_object *table, const void *leaves, void *value)
{
	size_t stride = table->value_size / table->cpus;

	memset(value, 0, table->value_size);
	for (unsigned i = 0; i < table->cpus; i++)
		memcpy((char *)value + i * stride, (const char *)leaves + i * table->leaf.size,
		       table->leaf.size);
}

static bool value_store_per_cpu(struct table_object *table, PyObject *leaves, void *out)
{
	size_t size = table->cpus * table->leaf.size;
	void *packed = PyMem_Malloc(size);
	bool stored;

	if (!packed) {
		PyErr_NoMemory();
		return false;
	}
	if ((PyObject *)Py_TYPE(leaves) == table->value_class)
		stored = instance_store(leaves, size, packed);
	else
		stored = converted_store(table, "_make_leaf", leaves, size, packed);
	if (stored)
		leaves_spread(table, packed, out);
	PyMem_Free(packed);
	return stored;
}

static bool value_store(struct table_object *table, PyObject *leaf, void *out)
{
	if (table->per_cpu)
		return value_store_per_cpu(table, leaf, out);
	if ((PyObject *)Py_TYPE(leaf) == table->leaf.class)
		return instance_store(leaf, table->leaf.size, out);
	if (table->leaf.integer && PyLong_Check(leaf))
		return integer_store(leaf, table->leaf.size, out);
	return converted_store(table, "_make_leaf", leaf, table->leaf.size, out);
}

/* --- bytes to Python ---------------------------------------------------------------- */

static PyObject *key_create(struct table_object *table, const void *key)
{
	return instance_create(table->key.class, key, table->key.size);
}

static PyObject *value_create(struct table_object *table, const void *value)
{
	size_t stride = table->value_size / table->cpus;
	PyObject *leaves;
	Py_buffer buffer;

	if (stride == table->leaf.size || !table->per_cpu)
		return instance_create(table->value_class, value, table->leaf.size * table->cpus);
	leaves = PyObject_CallNoArgs(table->value_class);
	if (!leaves)
		return NULL;
	if (instance_buffer(leaves, true, &buffer) < 0) {
		Py_DECREF(leaves);
		return NULL;
	}
	for (unsigned i = 0; i < table->cpus; i++)
		memcpy((char *)buffer.buf + i * table->leaf.size, (const char *)value + i * stride,
		       table->leaf.size);
	PyBuffer_Release(&buffer);
	return leaves;
}

/* --- one entry ---------------------------------------------------------------------- */

/* If the key is absent, it succeeds with *@p ret NULL. */
static bool lookup(struct table_object *table, PyObject *key, PyObject **ret)
{
	struct scratch key_bytes, value_bytes;
	struct ebcc_error *error;
	bool done = false, found;

	*ret = NULL;
	if (!table_prepare(table) || !scratch_init(&key_bytes, table->key.size))
		return false;
	if (!scratch_init(&value_bytes, table->value_size))
		goto out_key;
	if (!key_store(table, key, key_bytes.data))
		goto out_value;
	error = ebcc_table_lookup(table->handle, key_bytes.data, value_bytes.data, &found);
	if (error) {
		error_raise(error, ERROR_ANY);
		goto out_value;
	}
	if (found)
		*ret = value_create(table, value_bytes.data);
	done = !found || *ret;
out_value:
	scratch_deinit(&value_bytes);
out_key:
	scratch_deinit(&key_bytes);
	return done;
}

static PyObject *table_subscript(PyObject *self, PyObject *key)
{
	PyObject *value;

	if (lookup((struct table_object *)self, key, &value) && !value)
		PyErr_SetObject(PyExc_KeyError, key);
	return value;
}

static PyObject *table_get(PyObject *self, PyObject *args)
{
	PyObject *key, *fallback = Py_None, *value;

	if (!PyArg_ParseTuple(args, "O|O", &key, &fallback) ||
	    !lookup((struct table_object *)self, key, &value))
		return NULL;
	if (value)
		return value;
	Py_INCREF(fallback);
	return fallback;
}

static int table_contains(PyObject *self, PyObject *key)
{
	PyObject *value;

	if (!lookup((struct table_object *)self, key, &value))
		return -1;
	if (!value)
		return 0;
	Py_DECREF(value);
	return 1;
}

static int update(struct table_object *table, PyObject *key, PyObject *value)
{
	struct scratch key_bytes, value_bytes;
	struct ebcc_error *error = NULL;
	int failed = -1;

	if (!table_prepare(table) || !scratch_init(&key_bytes, table->key.size))
		return -1;
	if (!scratch_init(&value_bytes, table->value_size))
		goto out_key;
	if (key_store(table, key, key_bytes.data) && value_store(table, value, value_bytes.data)) {
		error = ebcc_table_update(table->handle, key_bytes.data, value_bytes.data, BPF_ANY);
		failed = error ? -1 : 0;
	}
	if (error)
		error_raise(error, ERROR_ANY);
	scratch_deinit(&value_bytes);
out_key:
	scratch_deinit(&key_bytes);
	return failed;
}

static int delete(struct table_object *table, PyObject *key)
{
	struct scratch key_bytes;
	struct ebcc_error *error = NULL;
	bool found = true;
	int failed = -1;

	if (!table_prepare(table) || !scratch_init(&key_bytes, table->key.size))
		return -1;
	if (key_store(table, key, key_bytes.data)) {
		error = ebcc_table_delete(table->handle, key_bytes.data, &found);
		failed = error || !found ? -1 : 0;
	}
	if (error)
		error_raise(error, ERROR_ANY);
	else if (!found)
		PyErr_SetObject(PyExc_KeyError, key);
	scratch_deinit(&key_bytes);
	return failed;
}

static int table_assign(PyObject *self, PyObject *key, PyObject *value)
{
	struct table_object *table = (struct table_object *)self;

	return value ? update(table, key, value) : delete (table, key);
}

/* --- all entries -------------------------------------------------------------------- */

enum listing {
	LIST_KEYS,
	LIST_VALUES,
	LIST_ITEMS,
};

/*
 * Removes an object from the garbage collector's list: numbers and bytes can't be part of a
 * cycle, and the next collection would spend as much time on the entries as creating them did.
 */
static PyObject *gc_untrack(PyObject *object)
{
	if (object && PyType_GetFlags(Py_TYPE(object)) & Py_TPFLAGS_HAVE_GC)
		PyObject_GC_UnTrack(object);
	return object;
}

static PyObject *entry_create(struct table_object *table, enum listing listing, const void *key,
			      const void *value)
{
	PyObject *first, *second, *item;

	if (listing == LIST_KEYS)
		return gc_untrack(key_create(table, key));
	if (listing == LIST_VALUES)
		return gc_untrack(value_create(table, value));
	first = gc_untrack(key_create(table, key));
	second = first ? gc_untrack(value_create(table, value)) : NULL;
	item = second ? gc_untrack(PyTuple_Pack(2, first, second)) : NULL;
	Py_XDECREF(first);
	Py_XDECREF(second);
	return item;
}

static PyObject *entries_list(struct table_object *table, enum listing listing, const void *keys,
			      const void *values, size_t count)
{
	/* Nothing created here is garbage yet: a collection in between would be wasted. */
	int collecting = PyGC_Disable();
	PyObject *list = PyList_New(count);

	for (size_t i = 0; list && i < count; i++) {
		PyObject *item =
			entry_create(table, listing, (const char *)keys + i * table->key.size,
				     (const char *)values + i * table->value_size);

		if (!item)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, item);
	}
	if (collecting)
		PyGC_Enable();
	return list;
}

static PyObject *table_read(struct table_object *table, bool remove, enum listing listing)
{
	void *keys = NULL, *values = NULL;
	struct ebcc_error *error;
	size_t count = 0;
	PyObject *list;

	if (!table_prepare(table))
		return NULL;
	MODULE_CALL(table->module, error,
		    ebcc_table_read_all(table->handle, remove, &keys, &values, &count));
	if (error)
		return error_raise(error, ERROR_ANY);
	list = entries_list(table, listing, keys, values, count);
	free(keys);
	free(values);
	return list;
}

/* For tables whose values can't be read: walks them key by key. */
static PyObject *table_walk_keys(struct table_object *table)
{
	PyObject *list = PyList_New(0);
	struct scratch from, to;
	bool more = true, first = true;

	if (!list || !scratch_init(&from, table->key.size))
		goto fail;
	if (!scratch_init(&to, table->key.size)) {
		scratch_deinit(&from);
		goto fail;
	}
	/* If the current key is deleted, the walk starts again: max_entries bounds it. */
	for (size_t left = ebcc_table_max_entries(table->handle); list && more && left > 0;
	     left--) {
		struct ebcc_error *error = ebcc_table_next_key(
			table->handle, first ? NULL : from.data, to.data, &more);
		PyObject *key;

		if (error)
			error_raise(error, ERROR_ANY);
		key = error || !more ? NULL : key_create(table, to.data);
		if ((more || error) && (!key || PyList_Append(list, key) < 0))
			Py_CLEAR(list);
		Py_XDECREF(key);
		memcpy(from.data, to.data, table->key.size);
		first = false;
	}
	scratch_deinit(&from);
	scratch_deinit(&to);
	return list;
fail:
	Py_XDECREF(list);
	return NULL;
}

static PyObject *table_index_keys(struct table_object *table)
{
	uint32_t count = ebcc_table_max_entries(table->handle);
	PyObject *list = PyList_New(count);

	for (uint32_t i = 0; list && i < count; i++) {
		PyObject *key = key_create(table, &i);

		if (!key)
			Py_CLEAR(list);
		else
			PyList_SetItem(list, i, key);
	}
	return list;
}

static PyObject *table_keys(PyObject *self, PyObject *unused)
{
	struct table_object *table = (struct table_object *)self;

	if (!table_prepare(table))
		return NULL;
	if (table->array)
		return table_index_keys(table);
	switch (ebcc_table_map_type(table->handle)) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return table_read(table, false, LIST_KEYS);
	default:
		return table_walk_keys(table);
	}
}

static PyObject *table_values(PyObject *self, PyObject *unused)
{
	return table_read((struct table_object *)self, false, LIST_VALUES);
}

static PyObject *table_items(PyObject *self, PyObject *args)
{
	int remove = 0;

	if (!PyArg_ParseTuple(args, "|p", &remove))
		return NULL;
	return table_read((struct table_object *)self, remove, LIST_ITEMS);
}

static PyObject *table_iterate(PyObject *self)
{
	PyObject *keys = table_keys(self, NULL);
	PyObject *iterator = keys ? PyObject_GetIter(keys) : NULL;

	Py_XDECREF(keys);
	return iterator;
}

static PyObject *table_next_key(PyObject *self, PyObject *key)
{
	struct table_object *table = (struct table_object *)self;
	struct scratch from, to;
	struct ebcc_error *error;
	PyObject *next = NULL;
	bool more;

	if (!table_prepare(table) || !scratch_init(&from, table->key.size))
		return NULL;
	if (!scratch_init(&to, table->key.size))
		goto out_from;
	if (key != Py_None && !key_store(table, key, from.data))
		goto out_to;
	error = ebcc_table_next_key(table->handle, key == Py_None ? NULL : from.data, to.data,
				    &more);
	if (error)
		error_raise(error, ERROR_ANY);
	else if (!more)
		PyErr_SetNone(PyExc_StopIteration);
	else
		next = key_create(table, to.data);
out_to:
	scratch_deinit(&to);
out_from:
	scratch_deinit(&from);
	return next;
}

static PyObject *table_clear(PyObject *self, PyObject *unused)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_error *error;

	if (!module_check(table->module))
		return NULL;
	MODULE_CALL(table->module, error, ebcc_table_clear(table->handle));
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

/* The values of an update in the kernel's layout; PyMem_Free() them. */
static void *values_spread(struct table_object *table, const Py_buffer *leaves, size_t count)
{
	size_t size = table->leaf.size * table->cpus;
	char *values;

	if ((size_t)leaves->len != count * size) {
		PyErr_Format(PyExc_ValueError, "%zd bytes of leaves given where %zu are needed",
			     leaves->len, count * size);
		return NULL;
	}
	values = PyMem_Malloc(count * table->value_size + 1);
	if (!values) {
		PyErr_NoMemory();
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		leaves_spread(table, (const char *)leaves->buf + i * size,
			      values + i * table->value_size);
	return values;
}

/* The number of keys in a buffer, or -1 with an exception. */
static Py_ssize_t keys_count(struct table_object *table, const Py_buffer *keys)
{
	if (table->key.size > 0 && keys->len % table->key.size == 0)
		return keys->len / table->key.size;
	PyErr_Format(PyExc_ValueError, "%zd bytes are not a whole number of keys of %zu bytes",
		     keys->len, table->key.size);
	return -1;
}

static PyObject *table_update_many(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_error *error = NULL;
	Py_buffer keys, leaves;
	Py_ssize_t count;
	void *values = NULL;

	if (!PyArg_ParseTuple(args, "y*y*", &keys, &leaves))
		return NULL;
	count = module_check(table->module) ? keys_count(table, &keys) : -1;
	if (count >= 0)
		values = values_spread(table, &leaves, count);
	if (values) {
		MODULE_CALL(table->module, error,
			    ebcc_table_update_many(table->handle, keys.buf, values, count));
		PyMem_Free(values);
	}
	PyBuffer_Release(&keys);
	PyBuffer_Release(&leaves);
	if (error)
		return error_raise(error, ERROR_ANY);
	return values ? PyLong_FromSsize_t(count) : NULL;
}

static PyObject *table_delete_many(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_error *error = NULL;
	Py_ssize_t count;
	Py_buffer keys;

	if (!PyArg_ParseTuple(args, "y*", &keys))
		return NULL;
	count = module_check(table->module) ? keys_count(table, &keys) : -1;
	if (count >= 0)
		MODULE_CALL(table->module, error,
			    ebcc_table_delete_many(table->handle, keys.buf, count));
	PyBuffer_Release(&keys);
	if (error)
		return error_raise(error, ERROR_ANY);
	return count >= 0 ? PyLong_FromSsize_t(count) : NULL;
}

/* --- queues, stacks, stack traces ---------------------------------------------------- */

static PyObject *table_push(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_error *error = NULL;
	unsigned long long flags = 0;
	struct scratch value;
	PyObject *leaf;
	bool stored;

	if (!PyArg_ParseTuple(args, "O|K", &leaf, &flags) || !module_check(table->module) ||
	    !leaf_prepare(table) || !scratch_init(&value, table->value_size))
		return NULL;
	stored = value_store(table, leaf, value.data);
	if (stored)
		error = ebcc_table_push(table->handle, value.data, flags);
	scratch_deinit(&value);
	if (!stored)
		return NULL;
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

static PyObject *table_open_counters(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_counters_opts opts = {.sz = sizeof(opts)};
	unsigned long long config;
	struct ebcc_error *error;
	int pid = -1;

	if (!PyArg_ParseTuple(args, "IK|i", &opts.type, &config, &pid) ||
	    !module_check(table->module))
		return NULL;
	opts.config = config;
	opts.pid = pid == 0 ? gettid() : pid;
	error = ebcc_table_open_counters(table->handle, &opts);
	if (error)
		return error_raise(error, ERROR_ANY);
	Py_RETURN_NONE;
}

/* pop() and peek(): None if the queue is empty. */
static PyObject *table_take(PyObject *self,
			    struct ebcc_error *(*take)(struct ebcc_table *, void *, bool *))
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_error *error;
	struct scratch value;
	PyObject *leaf = NULL;
	bool found = false;

	if (!module_check(table->module) || !leaf_prepare(table) ||
	    !scratch_init(&value, table->value_size))
		return NULL;
	error = take(table->handle, value.data, &found);
	if (error)
		error_raise(error, ERROR_ANY);
	else if (found)
		leaf = value_create(table, value.data);
	else
		leaf = text_decode(NULL);
	scratch_deinit(&value);
	return leaf;
}

static PyObject *table_pop(PyObject *self, PyObject *unused)
{
	return table_take(self, ebcc_table_pop);
}

static PyObject *table_peek(PyObject *self, PyObject *unused)
{
	return table_take(self, ebcc_table_peek);
}

static PyObject *table_stack(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	size_t capacity = table->value_size / sizeof(uint64_t), count = 0;
	struct ebcc_error *error;
	struct scratch scratch;
	uint64_t *addresses;
	PyObject *list;
	int stack_id;

	if (!PyArg_ParseTuple(args, "i", &stack_id) || !module_check(table->module) ||
	    !scratch_init(&scratch, capacity * sizeof(uint64_t)))
		return NULL;
	addresses = (uint64_t *)scratch.data;
	error = ebcc_table_read_stack(table->handle, stack_id, addresses, capacity, &count);
	list = error ? error_raise(error, ERROR_ANY) : PyList_New(count);
	for (size_t i = 0; list && i < count; i++)
		PyList_SetItem(list, i, PyLong_FromUnsignedLongLong(addresses[i]));
	scratch_deinit(&scratch);
	return list;
}

static PyObject *table_build_id_stack(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	struct ebcc_build_id_frame *frames;
	size_t capacity, count = 0;
	struct ebcc_error *error;
	struct scratch scratch;
	PyObject *list;
	int stack_id;

	capacity = table->value_size / sizeof(*frames);
	if (!PyArg_ParseTuple(args, "i", &stack_id) || !module_check(table->module) ||
	    !scratch_init(&scratch, capacity * sizeof(*frames)))
		return NULL;
	frames = (struct ebcc_build_id_frame *)scratch.data;
	error = ebcc_table_read_build_id_stack(table->handle, stack_id, frames, sizeof(*frames),
					       capacity, &count);
	list = error ? error_raise(error, ERROR_ANY) : PyList_New(count);
	for (size_t i = 0; list && i < count; i++)
		PyList_SetItem(
			list, i,
			PyBytes_FromStringAndSize((const char *)&frames[i], sizeof(*frames)));
	scratch_deinit(&scratch);
	return list;
}

/* --- text --------------------------------------------------------------------------- */

static PyObject *bytes_print(struct table_object *table, const struct ebcc_type *type,
			     const void *value, size_t size)
{
	struct ebcc_error *error;
	PyObject *bytes;
	char *text;

	if (!type)
		return error_raise_code(EBCC_ERROR_UNSUPPORTED,
					"the type is not described in the BPF object");
	error = ebcc_type_print(type, value, size, &text);
	if (error)
		return error_raise(error, ERROR_ANY);
	bytes = PyBytes_FromString(text);
	free(text);
	return bytes;
}

static PyObject *table_key_print(PyObject *self, PyObject *key)
{
	struct table_object *table = (struct table_object *)self;
	PyObject *text = NULL;
	struct scratch bytes;

	if (!table_prepare(table) || !scratch_init(&bytes, table->key.size))
		return NULL;
	if (key_store(table, key, bytes.data))
		text = bytes_print(table, ebcc_table_key_type(table->handle), bytes.data,
				   table->key.size);
	scratch_deinit(&bytes);
	return text;
}

static PyObject *table_leaf_print(PyObject *self, PyObject *leaf)
{
	struct table_object *table = (struct table_object *)self;
	PyObject *text = NULL;
	struct scratch bytes;
	bool stored;

	if (!module_check(table->module) || !leaf_prepare(table) ||
	    !scratch_init(&bytes, table->leaf.size))
		return NULL;
	if ((PyObject *)Py_TYPE(leaf) == table->leaf.class)
		stored = instance_store(leaf, table->leaf.size, bytes.data);
	else if (table->leaf.integer && PyLong_Check(leaf))
		stored = integer_store(leaf, table->leaf.size, bytes.data);
	else
		stored = converted_store(table, "_make_leaf", leaf, table->leaf.size, bytes.data);
	if (stored)
		text = bytes_print(table, ebcc_table_leaf_type(table->handle), bytes.data,
				   table->leaf.size);
	scratch_deinit(&bytes);
	return text;
}

static PyObject *bytes_scan(const struct ebcc_type *type, const char *text, PyObject *class,
			    size_t size)
{
	struct ebcc_error *error;
	PyObject *instance = NULL;
	struct scratch bytes;

	if (!type)
		return error_raise_code(EBCC_ERROR_UNSUPPORTED,
					"the type is not described in the BPF object");
	if (!scratch_init(&bytes, size))
		return NULL;
	error = ebcc_type_scan(type, text, bytes.data, size);
	if (error)
		error_raise(error, ERROR_ANY);
	else
		instance = instance_create(class, bytes.data, size);
	scratch_deinit(&bytes);
	return instance;
}

static PyObject *table_key_scan(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	const char *text;

	if (!PyArg_ParseTuple(args, "y", &text) || !table_prepare(table))
		return NULL;
	return bytes_scan(ebcc_table_key_type(table->handle), text, table->key.class,
			  table->key.size);
}

static PyObject *table_leaf_scan(PyObject *self, PyObject *args)
{
	struct table_object *table = (struct table_object *)self;
	const char *text;

	if (!PyArg_ParseTuple(args, "y", &text) || !module_check(table->module) ||
	    !leaf_prepare(table))
		return NULL;
	return bytes_scan(ebcc_table_leaf_type(table->handle), text, table->leaf.class,
			  table->leaf.size);
}

/* --- properties --------------------------------------------------------------------- */

/* Which property a getter returns: its closure. */
enum property {
	PROPERTY_NAME,
	PROPERTY_FD,
	PROPERTY_ID,
	PROPERTY_MAP_TYPE,
	PROPERTY_FLAGS,
	PROPERTY_MAX_ENTRIES,
	PROPERTY_KEY_SIZE,
	PROPERTY_LEAF_SIZE,
	PROPERTY_CPUS,
	PROPERTY_PER_CPU,
};

static PyObject *table_property(PyObject *self, void *which)
{
	struct table_object *table = (struct table_object *)self;

	if (!module_check(table->module))
		return NULL;
	switch ((enum property)(uintptr_t)which) {
	case PROPERTY_NAME:
		return PyBytes_FromString(ebcc_table_name(table->handle));
	case PROPERTY_FD:
		return PyLong_FromLong(ebcc_table_fd(table->handle));
	case PROPERTY_ID:
		return PyLong_FromUnsignedLong(ebcc_table_id(table->handle));
	case PROPERTY_MAP_TYPE:
		return PyLong_FromUnsignedLong(ebcc_table_map_type(table->handle));
	case PROPERTY_FLAGS:
		return PyLong_FromUnsignedLong(ebcc_table_flags(table->handle));
	case PROPERTY_MAX_ENTRIES:
		return PyLong_FromUnsignedLong(ebcc_table_max_entries(table->handle));
	case PROPERTY_KEY_SIZE:
		return PyLong_FromSize_t(table->key.size);
	case PROPERTY_LEAF_SIZE:
		return PyLong_FromSize_t(table->leaf.size);
	case PROPERTY_CPUS:
		return PyLong_FromUnsignedLong(table->cpus);
	case PROPERTY_PER_CPU:
		return PyBool_FromLong(table->per_cpu);
	}
	return PyErr_Format(PyExc_AttributeError, "no such property");
}

static bool table_check(struct table_object *table)
{
	return module_check(table->module);
}

PATH_METHOD(table_pin, table_object, table_check, ebcc_table_pin)
PATH_METHOD(table_unpin, table_object, table_check, ebcc_table_unpin)

static PyMethodDef table_methods[] = {
	{"get", table_get, METH_VARARGS, "get(key, default=None)\n\nThe value of key, or default."},
	{"keys", table_keys, METH_NOARGS, "keys() -> list"},
	{"values", table_values, METH_NOARGS, "values() -> list"},
	{"items", table_items, METH_VARARGS,
	 "items(remove=False) -> list of (key, value)\n\nremove: also delete the entries that are "
	 "read."},
	{"next", table_next_key, METH_O,
	 "next(key)\n\nThe key after key (None: the first). Raises StopIteration at the end."},
	{"clear", table_clear, METH_NOARGS,
	 "clear()\n\nDeletes every entry; those of an array are set to zero."},
	{"_update_many", table_update_many, METH_VARARGS,
	 "_update_many(keys, leaves) -> int\n\nWrites entries from buffers of packed keys and "
	 "leaves; returns their number.\nRaises ValueError for a buffer of the wrong size."},
	{"_delete_many", table_delete_many, METH_VARARGS,
	 "_delete_many(keys) -> int\n\nDeletes the entries whose keys are in a buffer; returns the "
	 "number of keys.\nRaises ValueError for a buffer of the wrong size."},
	{"_push", table_push, METH_VARARGS, "_push(leaf, flags=0)"},
	{"_pop", table_pop, METH_NOARGS, "_pop() -> leaf or None"},
	{"_peek", table_peek, METH_NOARGS, "_peek() -> leaf or None"},
	{"_build_id_stack", table_build_id_stack, METH_VARARGS,
	 "_build_id_stack(stack_id) -> list of bytes\n\nThe kernel's frames, innermost first; "
	 "empty "
	 "if there is no such stack."},
	{"_stack", table_stack, METH_VARARGS,
	 "_stack(stack_id) -> list of int\n\nAddresses, innermost first; empty if there is no such "
	 "stack."},
	{"key_sprintf", table_key_print, METH_O,
	 "key_sprintf(key) -> bytes\n\nA key as text, which key_scanf() reads."},
	{"leaf_sprintf", table_leaf_print, METH_O,
	 "leaf_sprintf(leaf) -> bytes\n\nA leaf, for one CPU, as text, which leaf_scanf() reads."},
	{"_key_scan", table_key_scan, METH_VARARGS, "_key_scan(text) -> Key"},
	{"_leaf_scan", table_leaf_scan, METH_VARARGS, "_leaf_scan(text) -> Leaf"},
	{"event", table_event, METH_O,
	 "event(data)\n\nThe event that a callback received as data: an instance of a ctypes\n"
	 "structure, or a plain value if the source submits a plain type. It has its own\n"
	 "copy of the bytes. data may also be a bytes-like object. Raises NotFoundError if\n"
	 "the type is not known, and ValueError if there is no event at the address."},
	{"_open_counters", table_open_counters, METH_VARARGS,
	 "_open_counters(type, config, pid=-1)"},
	{"_open_events", table_open_events, METH_VARARGS,
	 "_open_events(callback, batched, lost, ctx, page_count, wakeup_events)"},
	{"_event_type", table_event_type, METH_NOARGS,
	 "_event_type() -> class\n\nThat of event()'s results. Raises NotFoundError."},
	{"close_events", table_close_events, METH_NOARGS,
	 "close_events()\n\nCloses the perf or ring buffer. Raises StateError during a poll."},
	{"pin", table_pin, METH_O,
	 "pin(path)\n\nGives the table a name in a BPF file system, by which the kernel keeps it\n"
	 "when this process ends. path: a new file in a directory of /sys/fs/bpf."},
	{"unpin", table_unpin, METH_O, "unpin(path)\n\nRemoves such a name."},
	{"lost", table_lost, METH_NOARGS,
	 "lost() -> int\n\nThe number of events that the source has failed to write since load."},
	{0},
};

static PyGetSetDef table_getset[] = {
	{"Key", table_get_key_class, table_set_key_class, "The ctypes class of keys.", NULL},
	{"Leaf", table_get_value_class, NULL,
	 "The ctypes class of what a lookup returns: sLeaf, or an array of it for per-CPU tables.",
	 NULL},
	{"sLeaf", table_get_leaf_class, table_set_leaf_class,
	 "The ctypes class of leaves as the source declares them.", NULL},
	{"name", table_property, NULL, "The name in the source, bytes.", (void *)PROPERTY_NAME},
	{"map_fd", table_property, NULL, "The descriptor.", (void *)PROPERTY_FD},
	{"map_id", table_property, NULL, "The map's id in the kernel, as bpftool shows it.",
	 (void *)PROPERTY_ID},
	{"ttype", table_property, NULL, "The kernel's map type.", (void *)PROPERTY_MAP_TYPE},
	{"flags", table_property, NULL, "The kernel's map flags.", (void *)PROPERTY_FLAGS},
	{"max_entries", table_property, NULL, "How many entries there is room for.",
	 (void *)PROPERTY_MAX_ENTRIES},
	{"key_size", table_property, NULL, "In bytes.", (void *)PROPERTY_KEY_SIZE},
	{"leaf_size", table_property, NULL, "In bytes, for one CPU.", (void *)PROPERTY_LEAF_SIZE},
	{"total_cpu", table_property, NULL, "Leaves in a value: the number of possible CPUs, or 1.",
	 (void *)PROPERTY_CPUS},
	{"per_cpu", table_property, NULL, "Whether each CPU has its own value.",
	 (void *)PROPERTY_PER_CPU},
	{0},
};

static PyType_Slot table_slots[] = {
	{Py_tp_doc, "A map of a module."},  {Py_tp_new, table_new},
	{Py_tp_dealloc, table_dealloc},	    {Py_tp_traverse, table_traverse},
	{Py_tp_clear, table_drop},	    {Py_tp_methods, table_methods},
	{Py_tp_getset, table_getset},	    {Py_tp_iter, table_iterate},
	{Py_mp_subscript, table_subscript}, {Py_mp_ass_subscript, table_assign},
	{Py_sq_contains, table_contains},   {0},
};

static PyType_Spec table_spec = {
	.name = "ebcc._ebcc.Table",
	.basicsize = sizeof(struct table_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
	.slots = table_slots,
};

int table_add(PyObject *extension)
{
	return type_add(extension, &table_spec, "Table", &table_type);
}
