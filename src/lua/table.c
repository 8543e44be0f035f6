/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.Table: keys and values of a BPF map as Lua values. Values of per-CPU tables are lists with
 * an element for each possible CPU. Iteration walks a copy of the table, so a script may change the
 * table meanwhile.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "luaebcc.h"

#define SNAPSHOT_TYPE "ebcc.Snapshot"

struct table_box *table_check(lua_State *L, int index)
{
	struct table_box *table = luaL_checkudata(L, index, TABLE_TYPE);

	module_of(L, index, table->module);
	return table;
}

/* Sets the layout in @p slot of the table on top of the stack. */
static void layout_set(lua_State *L, int slot, const struct ebcc_type *type, size_t size)
{
	const struct layout *layout;

	if (!size)
		return;
	layout = type ? layout_push(L, 1, type) : layout_push_plain(L, size);
	if (layout->size != size) {
		lua_pop(L, 1);
		layout_push_plain(L, size);
	}
	lua_setiuservalue(L, -2, slot);
}

static void table_open(lua_State *L, struct table_box *table, struct ebcc_table *handle)
{
	table->handle = handle;
	table->key_size = ebcc_table_key_size(handle);
	table->value_size = ebcc_table_value_size(handle);
	table->leaf_size = ebcc_table_leaf_size(handle);
	table->per_cpu = ebcc_table_is_per_cpu(handle);
	table->stride = table->per_cpu ? (table->leaf_size + 7) / 8 * 8 : table->leaf_size;
	table->cpus = table->per_cpu && table->stride ? table->value_size / table->stride : 1;
	table->array = ebcc_table_is_array(handle);
	table->stacks = ebcc_table_map_type(handle) == BPF_MAP_TYPE_STACK_TRACE;
	layout_set(L, TABLE_KEY, ebcc_table_key_type(handle), table->key_size);
	layout_set(L, TABLE_LEAF, ebcc_table_leaf_type(handle), table->leaf_size);
}

/* Module:table(name): the table; or nil, message, errno if the source has no such table. */
int module_table(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	struct ebcc_table *handle;
	struct table_box *table;
	struct ebcc_error *error;

	error = ebcc_module_find_table(module->handle, luaL_checkstring(L, 2), &handle);
	if (error)
		return error_return(L, error);
	table = lua_newuserdatauv(L, sizeof(*table), TABLE_USERVALUES);
	memset(table, 0, sizeof(*table));
	luaL_setmetatable(L, TABLE_TYPE);
	table->module = module;
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, TABLE_MODULE);
	table_open(L, table, handle);
	return 1;
}

/* --- keys and values --- */

/* Pushes the layout in @p slot of the table at index 1 and its metatable. */
static const struct layout *table_layout(lua_State *L, int slot)
{
	if (lua_getiuservalue(L, 1, slot) != LUA_TUSERDATA)
		luaL_error(L, "this kind of table has no %s",
			   slot == TABLE_KEY ? "keys" : "values");
	layout_push_metatable(L, -1);
	return lua_touserdata(L, -2);
}

/* Pushes a block of scratch memory of at least one byte. */
static void *scratch(lua_State *L, size_t size)
{
	return lua_newuserdatauv(L, size ? size : 1, 0);
}

/* Reads an index of an array; negative ones count from the end. */
static void index_read(lua_State *L, struct table_box *table, int arg, void *key)
{
	lua_Integer size = ebcc_table_max_entries(table->handle);
	lua_Integer index;
	uint32_t number;

	if (only_element_push(L, arg)) /* like value_read() */
		lua_replace(L, arg);
	index = luaL_checkinteger(L, arg);
	number = index < 0 ? index + size : index;
	if (index < -size || index >= size)
		argument_fail(L, arg,
			      lua_pushfstring(L,
					      "index %I is out of range: the table has %I elements",
					      index, size));
	memcpy(key, &number, sizeof(number));
}

/* The key at @p arg as bytes, in memory on the stack. */
static void *key_read(lua_State *L, struct table_box *table, int arg)
{
	const struct layout *layout = table_layout(L, TABLE_KEY);
	void *key = scratch(L, table->key_size);

	if (table->array && table->key_size == sizeof(uint32_t))
		index_read(L, table, arg, key);
	else
		value_read(L, arg, arg, layout, key);
	return key;
}

/* In tables of descriptors, a program or another table stands for its descriptor. */
static bool descriptor_read(lua_State *L, struct table_box *table, int arg, void *value)
{
	int fd;

	if (table->leaf_size != sizeof(fd))
		return false;
	if (luaL_testudata(L, arg, PROGRAM_TYPE))
		fd = ebcc_program_fd(program_check(L, arg)->handle);
	else if (luaL_testudata(L, arg, TABLE_TYPE))
		fd = ebcc_table_fd(table_check(L, arg)->handle);
	else
		return false;
	memcpy(value, &fd, sizeof(fd));
	return true;
}

/* Whether a list has a value for each CPU, rather than members or elements of one value. */
static bool is_cpu_list(lua_State *L, int arg, const struct layout *layout)
{
	bool composite = layout->form == VALUE_RECORD || layout->form == VALUE_ARRAY;
	bool list = lua_istable(L, arg) && lua_geti(L, arg, 1) != LUA_TNIL &&
		    !(composite && lua_isnumber(L, -1));

	return list;
}

/* Reads a list with an element for each CPU, or one value for all CPUs. */
static void cpus_read(lua_State *L, struct table_box *table, int arg, const struct layout *layout,
		      char *value)
{
	bool list = is_cpu_list(L, arg, layout);

	if (list && luaL_len(L, arg) > table->cpus)
		argument_fail(L, arg,
			      lua_pushfstring(L, "there are %I values, but only %d CPUs",
					      luaL_len(L, arg), (int)table->cpus));
	memset(value, 0, table->value_size);
	for (unsigned i = 0; i < table->cpus; i++) {
		if (list && lua_geti(L, arg, i + 1) != LUA_TNIL)
			value_read(L, arg, lua_gettop(L), layout, value + i * table->stride);
		else if (!list)
			value_read(L, arg, arg, layout, value + i * table->stride);
	}
}

/* The value at @p arg as bytes, in memory on the stack. */
static void *leaf_read(lua_State *L, struct table_box *table, int arg)
{
	const struct layout *layout = table_layout(L, TABLE_LEAF);
	void *value = scratch(L, table->value_size);

	luaL_checkstack(L, table->cpus + LUA_MINSTACK, "values");
	if (descriptor_read(L, table, arg, value))
		return value;
	if (table->per_cpu)
		cpus_read(L, table, arg, layout, value);
	else
		value_read(L, arg, arg, layout, value);
	return value;
}

/* Pushes a value in the format of the kernel. */
static void leaf_push(lua_State *L, const struct table_box *table, const struct layout *layout,
		      const char *value, int metatable)
{
	if (!table->per_cpu) {
		value_push(L, layout, value, metatable);
		return;
	}
	lua_createtable(L, table->cpus, 0);
	for (unsigned i = 0; i < table->cpus; i++) {
		value_push(L, layout, value + i * table->stride, metatable);
		lua_rawseti(L, -2, i + 1);
	}
}

/* --- stack traces --- */

/* Replaces each address of the list on top of the stack with what the function at index 3 returns
 * for it. */
static void resolve(lua_State *L, size_t count)
{
	for (size_t i = 1; i <= count; i++) {
		lua_pushvalue(L, 3);
		lua_rawgeti(L, -2, i);
		lua_call(L, 1, 1);
		lua_rawseti(L, -2, i);
	}
}

/* Pushes a frame of a build-id table: {build_id=, offset=}, or an address as in other tables. */
static void frame_push(lua_State *L, const struct ebcc_build_id_frame *frame)
{
	if (frame->status != EBCC_FRAME_BUILD_ID) {
		lua_pushinteger(L, frame->offset);
		return;
	}
	lua_createtable(L, 0, 2);
	lua_pushlstring(L, (const char *)frame->build_id, sizeof(frame->build_id));
	lua_setfield(L, -2, "build_id");
	lua_pushinteger(L, frame->offset);
	lua_setfield(L, -2, "offset");
}

/* Pushes the list of frames of a stack. */
static struct ebcc_error *frames_push(lua_State *L, struct table_box *table, int32_t id)
{
	size_t capacity = table->value_size / sizeof(struct ebcc_build_id_frame), count = 0;
	struct ebcc_build_id_frame *frames = scratch(L, capacity * sizeof(*frames));
	struct ebcc_error *error = NULL;

	if (id >= 0)
		error = ebcc_table_read_build_id_stack(table->handle, id, frames, sizeof(*frames),
						       capacity, &count);
	if (error)
		return error;
	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		frame_push(L, &frames[i]);
		lua_rawseti(L, -2, i + 1);
	}
	return NULL;
}

/* Pushes the list of addresses of a stack. */
static struct ebcc_error *addresses_push(lua_State *L, struct table_box *table, int32_t id)
{
	size_t capacity = table->value_size / sizeof(uint64_t), count = 0;
	uint64_t *addresses = scratch(L, table->value_size);
	struct ebcc_error *error = NULL;

	if (id >= 0)
		error = ebcc_table_read_stack(table->handle, id, addresses, capacity, &count);
	if (error)
		return error;
	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushinteger(L, addresses[i]);
		lua_rawseti(L, -2, i + 1);
	}
	return NULL;
}

/* Table:get(id, resolver): the addresses of a stack, innermost first, or what the resolver returns
 * for them; an empty list if there is no such stack. */
static int stack_get(lua_State *L, struct table_box *table)
{
	int id = int_check(L, 2);
	struct ebcc_error *error;

	if (ebcc_table_flags(table->handle) & BPF_F_STACK_BUILD_ID)
		error = frames_push(L, table, id);
	else
		error = addresses_push(L, table, id);
	if (error)
		return error_return(L, error);
	if (!lua_isnil(L, 3))
		resolve(L, luaL_len(L, -1));
	return 1;
}

/* --- single entries --- */

static int table_get(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	const struct layout *layout;
	struct ebcc_error *error;
	void *key, *value;
	bool found;

	lua_settop(L, 3);
	if (table->stacks)
		return stack_get(L, table);
	key = key_read(L, table, 2);
	value = scratch(L, table->value_size);
	error = ebcc_table_lookup(table->handle, key, value, &found);
	if (error)
		return error_return(L, error);
	if (!found)
		return nil_return(L);
	layout = table_layout(L, TABLE_LEAF);
	leaf_push(L, table, layout, value, lua_gettop(L));
	return 1;
}

/* Table:set(key, value, flags): true; or nil, message, errno if the kernel refuses. */
static int table_set(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	uint64_t flags = luaL_optinteger(L, 4, 0);
	struct ebcc_error *error;
	void *key, *value;

	lua_settop(L, 4);
	key = key_read(L, table, 2);
	value = leaf_read(L, table, 3);
	error = ebcc_table_update(table->handle, key, value, flags);
	return success_return(L, error);
}

static int table_delete(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	struct ebcc_error *error;
	bool found;

	lua_settop(L, 2);
	error = ebcc_table_delete(table->handle, key_read(L, table, 2), &found);
	if (error)
		return error_return(L, error);
	lua_pushboolean(L, found);
	return 1;
}

/* Table:next(key): the key after it, or the first one if it is nil. */
static int table_next(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	const struct layout *layout;
	struct ebcc_error *error;
	void *key, *next;
	int metatable;
	bool more;

	lua_settop(L, 2);
	layout = table_layout(L, TABLE_KEY);
	metatable = lua_gettop(L);
	key = lua_isnil(L, 2) ? NULL : key_read(L, table, 2);
	next = scratch(L, table->key_size);
	error = ebcc_table_next_key(table->handle, key, next, &more);
	if (error)
		return error_return(L, error);
	if (!more)
		return nil_return(L);
	value_push(L, layout, next, metatable);
	return 1;
}

static int table_clear(lua_State *L)
{
	struct ebcc_error *error = ebcc_table_clear(table_check(L, 1)->handle);

	return success_return(L, error);
}

/* --- queues and stacks --- */

static int table_push(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	uint64_t flags = luaL_optinteger(L, 3, 0);
	struct ebcc_error *error;

	lua_settop(L, 2);
	error = ebcc_table_push(table->handle, leaf_read(L, table, 2), flags);
	return success_return(L, error);
}

static int pop_or_peek(lua_State *L,
		       struct ebcc_error *(*function)(struct ebcc_table *, void *, bool *))
{
	struct table_box *table = table_check(L, 1);
	const struct layout *layout = table_layout(L, TABLE_LEAF);
	int metatable = lua_gettop(L);
	void *value = scratch(L, table->value_size);
	struct ebcc_error *error;
	bool found;

	error = function(table->handle, value, &found);
	if (error)
		return error_return(L, error);
	if (!found)
		return nil_return(L);
	leaf_push(L, table, layout, value, metatable);
	return 1;
}

static int table_pop(lua_State *L)
{
	return pop_or_peek(L, ebcc_table_pop);
}

static int table_peek(lua_State *L)
{
	return pop_or_peek(L, ebcc_table_peek);
}

/* --- walking --- */

enum walk_kind {
	WALK_ITEMS,    /* key, value */
	WALK_KEYS,     /* key */
	WALK_VALUES,   /* value */
	WALK_NUMBERED, /* 1, 2, ... and value */
};

/* A copy of a table's entries: a userdata. */
struct snapshot {
	char *keys; /* malloc'ed by the library, as are the values */
	char *values;
	size_t count;
	size_t next;
	enum walk_kind kind;
};

static void snapshot_release(struct snapshot *snapshot)
{
	free(snapshot->keys);
	free(snapshot->values);
	snapshot->keys = snapshot->values = NULL;
	snapshot->count = 0;
}

static int snapshot_free(lua_State *L)
{
	snapshot_release(luaL_checkudata(L, 1, SNAPSHOT_TYPE));
	return 0;
}

/* Upvalues of the iterator: the table, the snapshot, layouts and metatables of keys and values. */
enum walk_upvalue {
	WALK_TABLE = 1,
	WALK_SNAPSHOT,
	WALK_KEY_LAYOUT,
	WALK_KEY_METATABLE,
	WALK_LEAF_LAYOUT,
	WALK_LEAF_METATABLE,
	WALK_UPVALUES = WALK_LEAF_METATABLE,
};

static int walk_next(lua_State *L)
{
	const struct table_box *table = lua_touserdata(L, lua_upvalueindex(WALK_TABLE));
	struct snapshot *snapshot = lua_touserdata(L, lua_upvalueindex(WALK_SNAPSHOT));
	size_t i = snapshot->next;

	if (i >= snapshot->count) {
		snapshot_release(snapshot);
		return 0;
	}
	snapshot->next++;
	if (snapshot->kind == WALK_NUMBERED)
		lua_pushinteger(L, i + 1);
	else if (snapshot->kind != WALK_VALUES)
		value_push(L, lua_touserdata(L, lua_upvalueindex(WALK_KEY_LAYOUT)),
			   snapshot->keys + i * table->key_size,
			   lua_upvalueindex(WALK_KEY_METATABLE));
	if (snapshot->kind == WALK_KEYS)
		return 1;
	leaf_push(L, table, lua_touserdata(L, lua_upvalueindex(WALK_LEAF_LAYOUT)),
		  snapshot->values + i * table->value_size, lua_upvalueindex(WALK_LEAF_METATABLE));
	return snapshot->kind == WALK_VALUES ? 1 : 2;
}

/* Pushes the values of a generic for over a copy of the table at index 1: an iterator, and the copy
 * as its closing value. The collector doesn't know how large the copy is, so the loop frees it. */
static int walk(lua_State *L, enum walk_kind kind, bool remove)
{
	struct table_box *table = table_check(L, 1);
	struct snapshot *snapshot;
	struct ebcc_error *error;
	void *keys, *values;

	lua_settop(L, 1);
	snapshot = lua_newuserdatauv(L, sizeof(*snapshot), 0);
	memset(snapshot, 0, sizeof(*snapshot));
	luaL_setmetatable(L, SNAPSHOT_TYPE);
	table_layout(L, TABLE_KEY);
	table_layout(L, TABLE_LEAF);
	error = ebcc_table_read_all(table->handle, remove, &keys, &values, &snapshot->count);
	if (error)
		return error_raise(L, error);
	snapshot->keys = keys;
	snapshot->values = values;
	snapshot->kind = kind;
	lua_pushvalue(L, WALK_SNAPSHOT);
	lua_insert(L, 1);
	lua_pushcclosure(L, walk_next, WALK_UPVALUES);
	lua_pushnil(L);
	lua_pushnil(L);
	lua_pushvalue(L, 1);
	return 4;
}

/* Table:items(with_index): keys and values. For arrays, as existing scripts expect: only values; or
 * if with_index is true, positions, starting at 1, and values. */
static int table_items(lua_State *L)
{
	bool with_index = lua_toboolean(L, 2);

	if (!table_check(L, 1)->array)
		return walk(L, WALK_ITEMS, false);
	return walk(L, with_index ? WALK_NUMBERED : WALK_VALUES, false);
}

static int table_keys(lua_State *L)
{
	return walk(L, WALK_KEYS, false);
}

static int table_values(lua_State *L)
{
	return walk(L, WALK_VALUES, false);
}

/* Table:each() and pairs(table): keys and values of every kind of table. */
static int table_each(lua_State *L)
{
	return walk(L, WALK_ITEMS, false);
}

/* Table:drain(): the same, and deletes what it reads. */
static int table_drain(lua_State *L)
{
	return walk(L, WALK_ITEMS, true);
}

/* Table:size(): the number of entries. */
static int table_size(lua_State *L)
{
	struct snapshot *snapshot;

	walk(L, WALK_KEYS, false);
	snapshot = lua_touserdata(L, -1);
	lua_pushinteger(L, snapshot->count);
	snapshot_release(snapshot);
	return 1;
}

/* --- text --- */

static int print_value(lua_State *L, const struct ebcc_type *type, const void *data, size_t size)
{
	struct ebcc_error *error;
	char *text;

	if (!type)
		return luaL_error(L, "the source doesn't describe this type");
	error = ebcc_type_print(type, data, size, &text);
	if (error)
		return error_raise(L, error);
	lua_pushstring(L, text);
	free(text);
	return 1;
}

static int table_key_sprintf(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	void *key;

	lua_settop(L, 2);
	key = key_read(L, table, 2);
	return print_value(L, ebcc_table_key_type(table->handle), key, table->key_size);
}

/* For per-CPU tables, this takes one element. */
static int table_leaf_sprintf(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	const struct layout *layout;
	void *leaf;

	lua_settop(L, 2);
	layout = table_layout(L, TABLE_LEAF);
	leaf = scratch(L, table->leaf_size);
	value_read(L, 2, 2, layout, leaf);
	return print_value(L, ebcc_table_leaf_type(table->handle), leaf, table->leaf_size);
}

static int scan_value(lua_State *L, int slot, const struct ebcc_type *type, size_t size)
{
	const char *text = luaL_checkstring(L, 2);
	const struct layout *layout = table_layout(L, slot);
	int metatable = lua_gettop(L);
	void *value = scratch(L, size);
	struct ebcc_error *error;

	if (!type)
		return luaL_error(L, "the source doesn't describe this type");
	error = ebcc_type_scan(type, text, value, size);
	if (error)
		return error_raise(L, error);
	value_push(L, layout, value, metatable);
	return 1;
}

static int table_key_scanf(lua_State *L)
{
	struct table_box *table = table_check(L, 1);

	return scan_value(L, TABLE_KEY, ebcc_table_key_type(table->handle), table->key_size);
}

static int table_leaf_scanf(lua_State *L)
{
	struct table_box *table = table_check(L, 1);

	return scan_value(L, TABLE_LEAF, ebcc_table_leaf_type(table->handle), table->leaf_size);
}

/* --- other methods --- */

static int table_open_counters(lua_State *L)
{
	struct ebcc_counters_opts opts = {.sz = sizeof(opts)};
	struct table_box *table = table_check(L, 1);
	int pid;

	opts.type = unsigned_optional(L, 2);
	opts.config = luaL_checkinteger(L, 3);
	pid = int_optional(L, 4, -1);
	opts.pid = pid == 0 ? gettid() : pid;
	return success_return(L, ebcc_table_open_counters(table->handle, &opts));
}

/* Table:pin(path) */
static int table_pin(lua_State *L)
{
	struct table_box *table = table_check(L, 1);

	return success_return(L, ebcc_table_pin(table->handle, luaL_checkstring(L, 2)));
}

static int table_unpin(lua_State *L)
{
	struct table_box *table = table_check(L, 1);

	return success_return(L, ebcc_table_unpin(table->handle, luaL_checkstring(L, 2)));
}

static int table_lost(lua_State *L)
{
	struct ebcc_error *error;
	uint64_t count;

	error = ebcc_table_lost_count(table_check(L, 1)->handle, &count);
	if (error)
		return error_return(L, error);
	lua_pushinteger(L, count);
	return 1;
}

/* Table:facts(): its constant properties, as a Lua table. */
static int table_facts(lua_State *L)
{
	struct table_box *table = table_check(L, 1);
	const struct {
		const char *name;
		lua_Integer value;
	} facts[] = {
		{"map_type", ebcc_table_map_type(table->handle)},
		{"fd", ebcc_table_fd(table->handle)},
		{"map_id", ebcc_table_id(table->handle)},
		{"flags", ebcc_table_flags(table->handle)},
		{"max_entries", ebcc_table_max_entries(table->handle)},
		{"key_size", table->key_size},
		{"leaf_size", table->leaf_size},
	};

	lua_newtable(L);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		lua_pushinteger(L, facts[i].value);
		lua_setfield(L, -2, facts[i].name);
	}
	lua_pushstring(L, ebcc_table_name(table->handle));
	lua_setfield(L, -2, "name");
	lua_pushboolean(L, table->per_cpu);
	lua_setfield(L, -2, "per_cpu");
	lua_pushboolean(L, table->array);
	lua_setfield(L, -2, "array");
	return 1;
}

static int table_tostring(lua_State *L)
{
	struct table_box *table = luaL_checkudata(L, 1, TABLE_TYPE);

	if (table->module && table->module->handle)
		lua_pushfstring(L, "ebcc.Table: %s", ebcc_table_name(table->handle));
	else
		lua_pushliteral(L, "ebcc.Table (closed)");
	return 1;
}

void table_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"get", table_get},
		{"set", table_set},
		{"delete", table_delete},
		{"next", table_next},
		{"clear", table_clear},
		{"push", table_push},
		{"pop", table_pop},
		{"peek", table_peek},
		{"items", table_items},
		{"keys", table_keys},
		{"values", table_values},
		{"each", table_each},
		{"drain", table_drain},
		{"size", table_size},
		{"key_sprintf", table_key_sprintf},
		{"leaf_sprintf", table_leaf_sprintf},
		{"key_scanf", table_key_scanf},
		{"leaf_scanf", table_leaf_scanf},
		{"open_counters", table_open_counters},
		{"pin", table_pin},
		{"unpin", table_unpin},
		{"lost", table_lost},
		{"facts", table_facts},
		{"open_events", table_open_events},
		{"close_events", table_close_events},
		{NULL, NULL},
	};
	static const luaL_Reg none[] = {{NULL, NULL}};
	static const luaL_Reg meta[] = {
		{"__pairs", table_each},
		{"__tostring", table_tostring},
		{NULL, NULL},
	};
	static const luaL_Reg snapshot_meta[] = {
		{"__gc", snapshot_free},
		{"__close", snapshot_free},
		{NULL, NULL},
	};

	handle_register(L, TABLE_TYPE, methods, meta);
	handle_register(L, SNAPSHOT_TYPE, none, snapshot_meta);
}
