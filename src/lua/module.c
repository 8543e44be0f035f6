/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.Module: a compiled source, its maps and programs. Closing it, by close(), __close or the
 * collector, detaches and unloads everything. If a module is closed in a callback of its own poll,
 * that happens when the poll returns.
 */
#include <string.h>

#include "luaebcc.h"

void module_release(struct module_box *module)
{
	struct ebcc_module *handle = module->handle;

	module->handle = NULL;
	module->closing = false;
	ebcc_module_destroy(handle);
}

static int module_close(lua_State *L)
{
	struct module_box *module = luaL_checkudata(L, 1, MODULE_TYPE);

	/* Drop messages from now on: this may run in the collector. */
	module->state = NULL;
	if (module->polling)
		module->closing = true;
	else
		module_release(module);
	return 0;
}

static int module_gc(lua_State *L)
{
	struct module_box *module = luaL_checkudata(L, 1, MODULE_TYPE);

	module->state = NULL;
	module_release(module);
	return 0;
}

static struct module_box *module_use(lua_State *L, struct module_box *module)
{
	if (!module->handle || module->closing)
		error_raise_state(L, "this BPF module is closed");
	module->state = L;
	return module;
}

struct module_box *module_check(lua_State *L, int index)
{
	return module_use(L, luaL_checkudata(L, index, MODULE_TYPE));
}

struct module_box *module_of(lua_State *L, int index, struct module_box *module)
{
	if (!module)
		error_raise_state(L, "this handle was never opened");
	return module_use(L, module);
}

/* In the registry, a table with weak values: address of a module_box -> its userdata. This way, a
 * log function that refers to its module doesn't keep it alive. */
static const char modules_key;

static int log_deliver(lua_State *L)
{
	struct module_box *module = lua_touserdata(L, 1);

	lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
	if (lua_rawgetp(L, -1, module) != LUA_TUSERDATA)
		return 0;
	if (lua_getiuservalue(L, -1, MODULE_LOG) != LUA_TFUNCTION)
		return 0;
	lua_pushvalue(L, 2);
	lua_pushstring(L, lua_touserdata(L, 3));
	lua_call(L, 2, 0);
	return 0;
}

/* Interrupts the running function, like the hook that lua5.4 sets on SIGINT. */
static void raise_interrupt(lua_State *L, lua_Debug *where)
{
	lua_sethook(L, NULL, 0, 0);
	luaL_error(L, "interrupted!");
}

/* An error in a log function can't be raised through the library's call, so it becomes a Lua
 * warning. An interrupt that arrived in the function is raised again after the call. */
static void log_failed(lua_State *L)
{
	const char *text = lua_tostring(L, -1);

	if (text && strstr(text, "interrupted!"))
		lua_sethook(L, raise_interrupt,
			    LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
	else
		lua_warning(L, text ? text : "the log function raised an error", 0);
	lua_pop(L, 1);
}

static void log_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct module_box *module = ctx;
	lua_State *L = module->state;

	if (!L || !lua_checkstack(L, 6))
		return;
	lua_pushcfunction(L, log_deliver);
	lua_pushlightuserdata(L, module);
	lua_pushinteger(L, level);
	lua_pushlightuserdata(L, (void *)message);
	if (lua_pcall(L, 3, 0, 0) != LUA_OK)
		log_failed(L);
}

static void options_read(lua_State *L, int index, struct ebcc_module_opts *opts)
{
	opts->file_name = option_string(L, index, "file_name");
	opts->header_text = option_string(L, index, "header");
	opts->debug = option_unsigned(L, index, "debug");
	opts->kernel_types = option_integer(L, index, "kernel_types", EBCC_KERNEL_TYPES_AUTO);
	opts->compiler = option_integer(L, index, "compiler", EBCC_COMPILER_HELPER);
	opts->btf_path = option_string(L, index, "btf_path");
	opts->kernel_root = option_string(L, index, "kernel_root");
	opts->device = option_string(L, index, "device");
	opts->no_rlimit = option_boolean(L, index, "no_rlimit");
	opts->any_kernel = option_boolean(L, index, "any_kernel");
	opts->portable = option_boolean(L, index, "portable");
}

/* Pushes a module that is not open yet. */
static struct module_box *module_push(lua_State *L)
{
	struct module_box *module = lua_newuserdatauv(L, sizeof(*module), MODULE_USERVALUES);

	memset(module, 0, sizeof(*module));
	luaL_setmetatable(L, MODULE_TYPE);
	lua_newtable(L);
	lua_setiuservalue(L, -2, MODULE_LAYOUTS);
	lua_newtable(L);
	lua_setiuservalue(L, -2, MODULE_READERS);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
	lua_pushvalue(L, -2);
	lua_rawsetp(L, -2, module);
	lua_pop(L, 1);
	return module;
}

/* _ebcc.module{source=|object=, ...}: a module. All failures raise, as scripts need a module. */
static int module_create(lua_State *L)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	const char *source = NULL, *object = NULL;
	size_t size = 0, object_size = 0;
	struct module_box *module;
	struct ebcc_error *error;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	options_read(L, 1, &opts);
	if (lua_getfield(L, 1, "source") == LUA_TSTRING)
		source = lua_tolstring(L, -1, &size);
	if (lua_getfield(L, 1, "object") == LUA_TSTRING)
		object = lua_tolstring(L, -1, &object_size);
	if (lua_getfield(L, 1, "second_object") == LUA_TSTRING)
		opts.second_object = lua_tolstring(L, -1, &opts.second_object_size);
	if (lua_getfield(L, 1, "cflags") == LUA_TTABLE)
		opts.cflags = strings_push(L, 5, &opts.cflag_count);
	if (!source && !object)
		return luaL_error(L, "source is needed");
	module = module_push(L);
	lua_getfield(L, 1, "log");
	lua_setiuservalue(L, -2, MODULE_LOG);
	opts.log = log_message;
	opts.log_ctx = module;
	module->state = L;
	error = object ? ebcc_module_create_from_object(object, object_size, &opts, &module->handle)
		       : ebcc_module_create(source, size, &opts, &module->handle);
	return error ? error_raise(L, error) : 1;
}

static int module_set_constant(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const char *name = luaL_checkstring(L, 2);
	const struct ebcc_type *type = ebcc_module_global_type(module->handle, name);
	const struct layout *layout;
	struct ebcc_error *error;
	void *value;

	luaL_checkany(L, 3);
	if (!type) {
		lua_pushfstring(L, "the source has no global variable '%s'", name);
		return error_fail(L);
	}
	layout = layout_push(L, 1, type);
	value = lua_newuserdatauv(L, layout->size, 0);
	constant_read(L, 3, layout, value, name);
	error = ebcc_module_set_constant(module->handle, name, value, layout->size);
	return error ? error_raise(L, error) : 0;
}

/* Pushes the layout of the global variable that argument 2 names; raises where there is none. */
static const struct layout *global_layout_push(lua_State *L, struct module_box *module)
{
	const char *name = luaL_checkstring(L, 2);
	const struct ebcc_type *type = ebcc_module_global_type(module->handle, name);

	if (!type)
		error_raise(L, ebcc_module_read_global(module->handle, name, NULL, 0));
	return layout_push(L, 1, type);
}

/* Module:read_global(name) */
static int module_read_global(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const struct layout *layout;
	struct ebcc_error *error;
	void *value;

	lua_settop(L, 2);
	layout = global_layout_push(L, module);
	layout_push_metatable(L, 3);
	value = lua_newuserdatauv(L, layout->size, 0);
	error = ebcc_module_read_global(module->handle, lua_tostring(L, 2), value, layout->size);
	if (error)
		return error_raise(L, error);
	value_push(L, layout, value, 4);
	return 1;
}

/* Module:write_global(name, value) */
static int module_write_global(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const struct layout *layout;
	struct ebcc_error *error;
	void *value;

	luaL_checkany(L, 3);
	lua_settop(L, 3);
	layout = global_layout_push(L, module);
	value = lua_newuserdatauv(L, layout->size, 0);
	constant_read(L, 3, layout, value, lua_tostring(L, 2));
	error = ebcc_module_write_global(module->handle, lua_tostring(L, 2), value, layout->size);
	return error ? error_raise(L, error) : 0;
}

/* Module:global_names() */
static int module_global_names(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const char *name;

	lua_newtable(L);
	for (size_t i = 0; (name = ebcc_module_global_name_at(module->handle, i)); i++) {
		lua_pushstring(L, name);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static int module_load(lua_State *L)
{
	struct ebcc_error *error = ebcc_module_load(module_check(L, 1)->handle);

	return error ? error_raise(L, error) : 0;
}

/* Module:program(name): raises if the source has no such program. */
static int module_program(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	struct ebcc_program *program;
	struct ebcc_error *error;

	error = ebcc_module_find_program(module->handle, luaL_checkstring(L, 2), &program);
	if (error)
		return error_raise(L, error);
	program_push(L, 1, program);
	return 1;
}

static const char *program_name_of(struct ebcc_module *module, size_t index)
{
	return ebcc_program_name(ebcc_module_program_at(module, index));
}

static const char *table_name_of(struct ebcc_module *module, size_t index)
{
	return ebcc_table_name(ebcc_module_table_at(module, index));
}

static int names_return(lua_State *L, struct ebcc_module *module, size_t count,
			const char *(*name_of)(struct ebcc_module *, size_t))
{
	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, name_of(module, i));
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static int module_program_names(lua_State *L)
{
	struct ebcc_module *module = module_check(L, 1)->handle;

	return names_return(L, module, ebcc_module_program_count(module), program_name_of);
}

static int module_table_names(lua_State *L)
{
	struct ebcc_module *module = module_check(L, 1)->handle;

	return names_return(L, module, ebcc_module_table_count(module), table_name_of);
}

static int module_object(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const void *object;
	size_t size;

	object = ebcc_module_object(module->handle, &size);
	lua_pushlstring(L, object, size);
	return 1;
}

static int module_second_object(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	struct ebcc_error *error;
	const void *object;
	size_t size;

	error = ebcc_module_second_object(module->handle, &object, &size);
	if (error)
		return error_raise(L, error);
	lua_pushlstring(L, object, size);
	return 1;
}

/* Module:store(directory) */
static int module_store(lua_State *L)
{
	struct module_box *module = module_check(L, 1);

	return success_return(L, ebcc_module_store(module->handle, luaL_checkstring(L, 2)));
}

/* Module:save(path) */
static int module_save(lua_State *L)
{
	struct module_box *module = module_check(L, 1);

	return success_return(L, ebcc_module_save(module->handle, luaL_checkstring(L, 2)));
}

static int module_debug_text(lua_State *L)
{
	struct module_box *module = module_check(L, 1);

	lua_pushstring(L, ebcc_module_debug_text(module->handle, luaL_checkinteger(L, 2)));
	return 1;
}

/* Module:leaf_layout(name): the layout of a table's leaves; does not create maps. */
static int module_leaf_layout(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const char *name = luaL_checkstring(L, 2);

	for (size_t i = 0; i < ebcc_module_table_count(module->handle); i++) {
		struct ebcc_table *table = ebcc_module_table_at(module->handle, i);
		const struct ebcc_type *type = ebcc_table_leaf_type(table);

		if (type && strcmp(ebcc_table_name(table), name) == 0) {
			layout_push(L, 1, type);
			return 1;
		}
	}
	return nil_return(L);
}

static int module_poll_fd(lua_State *L)
{
	struct ebcc_error *error;
	int fd;

	error = ebcc_module_poll_fd(module_check(L, 1)->handle, &fd);
	if (error)
		return error_return(L, error);
	lua_pushinteger(L, fd);
	return 1;
}

/* Module:set_max_entries(table, entries): sets the size of a table, before load. */
static int module_set_max_entries(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	const char *name = luaL_checkstring(L, 2);
	lua_Integer entries = luaL_checkinteger(L, 3);
	struct ebcc_error *error;

	luaL_argcheck(L, entries > 0 && entries <= UINT32_MAX, 3, "not a number of entries");
	error = ebcc_module_set_max_entries(module->handle, name, (uint32_t)entries);
	return error ? error_raise(L, error) : 0;
}

/* Module:reserve_usdt(count): reserves room for layouts of USDT arguments, before load. */
static int module_reserve_usdt(lua_State *L)
{
	struct module_box *module = module_check(L, 1);
	struct ebcc_error *error;

	error = ebcc_module_reserve_usdt(module->handle, luaL_checkinteger(L, 2));
	return error ? error_raise(L, error) : 0;
}

/* Whether a module is closed, or not open yet. */
static int module_closed(lua_State *L)
{
	struct module_box *module = luaL_checkudata(L, 1, MODULE_TYPE);

	lua_pushboolean(L, !module->handle || module->closing);
	return 1;
}

void module_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"close", module_close},
		{"closed", module_closed},
		{"set_constant", module_set_constant},
		{"read_global", module_read_global},
		{"write_global", module_write_global},
		{"global_names", module_global_names},
		{"load", module_load},
		{"program", module_program},
		{"table", module_table},
		{"program_names", module_program_names},
		{"table_names", module_table_names},
		{"object", module_object},
		{"second_object", module_second_object},
		{"save", module_save},
		{"store", module_store},
		{"debug_text", module_debug_text},
		{"leaf_layout", module_leaf_layout},
		{"poll", module_poll},
		{"consume", module_consume},
		{"poll_fd", module_poll_fd},
		{"reserve_usdt", module_reserve_usdt},
		{"set_max_entries", module_set_max_entries},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__gc", module_gc},
		{"__close", module_close},
		{NULL, NULL},
	};

	handle_register(L, MODULE_TYPE, methods, meta);
	lua_newtable(L);
	lua_createtable(L, 0, 1);
	lua_pushliteral(L, "v");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &modules_key);
	lua_pushcfunction(L, module_create);
	lua_setfield(L, -2, "module");
}
