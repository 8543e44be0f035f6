/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.Symbolizer: names of addresses in processes, in the kernel and in files identified by their
 * build id, and addresses of names.
 */
#include "luaebcc.h"

#define SYMBOLIZER_TYPE "ebcc.Symbolizer"

struct symbolizer_box {
	struct ebcc_symbolizer *handle; /* NULL: not open yet, or closed */
};

/* Messages of the library become Lua warnings. These run no Lua code, so they are safe during a
 * call. */
static void log_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	(void)level;
	lua_warning(ctx, message, 0);
}

/* A coroutine may no longer exist when something is logged. */
static lua_State *main_thread(lua_State *L)
{
	lua_State *thread;

	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
	thread = lua_tothread(L, -1);
	lua_pop(L, 1);
	return thread;
}

/* _ebcc.symbolizer{debug_root=, symfs=, memory_limit=, time_limit=} */
static int symbolizer_create(lua_State *L)
{
	struct ebcc_symbolizer_opts opts = {.sz = sizeof(opts)};
	struct symbolizer_box *symbolizer;
	struct ebcc_error *error;

	if (!lua_isnoneornil(L, 1)) {
		luaL_checktype(L, 1, LUA_TTABLE);
		opts.debug_root = option_string(L, 1, "debug_root");
		opts.symfs = option_string(L, 1, "symfs");
		opts.memory_limit = option_integer(L, 1, "memory_limit", 0);
		opts.time_limit = option_integer(L, 1, "time_limit", 0);
	}
	symbolizer = lua_newuserdatauv(L, sizeof(*symbolizer), 0);
	symbolizer->handle = NULL;
	luaL_setmetatable(L, SYMBOLIZER_TYPE);
	opts.log = log_message;
	opts.log_ctx = main_thread(L);
	error = ebcc_symbolizer_create(&opts, &symbolizer->handle);
	return error ? error_return(L, error) : 1;
}

static int symbolizer_close(lua_State *L)
{
	struct symbolizer_box *symbolizer = luaL_checkudata(L, 1, SYMBOLIZER_TYPE);

	ebcc_symbolizer_destroy(symbolizer->handle);
	symbolizer->handle = NULL;
	return 0;
}

static struct ebcc_symbolizer *symbolizer_check(lua_State *L)
{
	struct symbolizer_box *symbolizer = luaL_checkudata(L, 1, SYMBOLIZER_TYPE);

	if (!symbolizer->handle)
		error_raise_state(L, "this symbolizer is closed");
	return symbolizer->handle;
}

/* Returns name (or nil), offset and module (or nil). */
static int symbol_return(lua_State *L, const struct ebcc_symbol *symbol)
{
	lua_pushstring(L, symbol->name);
	lua_pushinteger(L, symbol->offset);
	lua_pushstring(L, symbol->module);
	return 3;
}

/* Symbolizer:resolve(pid, address, mangled): name, offset, module. A negative pid is the kernel. */
static int symbolizer_resolve(lua_State *L)
{
	struct ebcc_symbolizer *symbolizer = symbolizer_check(L);
	uint64_t address = luaL_checkinteger(L, 3);
	struct ebcc_symbol symbol;
	struct ebcc_error *error;

	error = ebcc_symbolizer_resolve(symbolizer, int_check(L, 2), &address, 1,
					lua_toboolean(L, 4) ? EBCC_SYMBOL_MANGLED : 0, &symbol,
					sizeof(symbol));
	return error ? error_raise(L, error) : symbol_return(L, &symbol);
}

/* Symbolizer:find_name(pid, name, module): the address; or nil, message, errno. */
static int symbolizer_find_name(lua_State *L)
{
	struct ebcc_symbolizer *symbolizer = symbolizer_check(L);
	struct ebcc_error *error;
	uint64_t address;

	error = ebcc_symbolizer_find_name(symbolizer, int_check(L, 2), luaL_optstring(L, 4, NULL),
					  luaL_checkstring(L, 3), &address);
	if (error)
		return error_return(L, error);
	lua_pushinteger(L, address);
	return 1;
}

/* Symbolizer:add_process(pid): reads its memory map now. */
static int symbolizer_add_process(lua_State *L)
{
	struct ebcc_symbolizer *symbolizer = symbolizer_check(L);
	struct ebcc_error *error;

	error = ebcc_symbolizer_add_process(symbolizer, int_check(L, 2));
	return success_return(L, error);
}

static int symbolizer_forget_process(lua_State *L)
{
	ebcc_symbolizer_forget_process(symbolizer_check(L), int_check(L, 2));
	return 0;
}

/* Symbolizer:add_file(path): registers a file under its build id. */
static int symbolizer_add_file(lua_State *L)
{
	struct ebcc_symbolizer *symbolizer = symbolizer_check(L);
	struct ebcc_error *error;

	error = ebcc_symbolizer_add_file(symbolizer, luaL_checkstring(L, 2));
	return success_return(L, error);
}

/* Symbolizer:resolve_build_id(id, offset): id is a string of bytes, offset a file offset. */
static int symbolizer_resolve_build_id(lua_State *L)
{
	struct ebcc_symbolizer *symbolizer = symbolizer_check(L);
	struct ebcc_symbol symbol;
	struct ebcc_error *error;
	const char *id;
	size_t size;

	id = luaL_checklstring(L, 2, &size);
	error = ebcc_symbolizer_resolve_build_id(symbolizer, id, size, luaL_checkinteger(L, 3), 0,
						 &symbol, sizeof(symbol));
	return error ? error_raise(L, error) : symbol_return(L, &symbol);
}

static void set_count(lua_State *L, const char *name, uint64_t count)
{
	lua_pushinteger(L, (lua_Integer)count);
	lua_setfield(L, -2, name);
}

/* Symbolizer:statistics(): a table with the numbers of struct ebcc_symbolizer_statistics. */
static int symbolizer_statistics(lua_State *L)
{
	struct ebcc_symbolizer_statistics statistics;

	ebcc_symbolizer_read_statistics(symbolizer_check(L), &statistics, sizeof(statistics));
	lua_createtable(L, 0, 5);
	set_count(L, "memory", statistics.memory);
	set_count(L, "dropped", statistics.dropped);
	set_count(L, "too_large", statistics.too_large);
	set_count(L, "no_memory", statistics.no_memory);
	set_count(L, "no_time", statistics.no_time);
	return 1;
}

void symbols_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"resolve", symbolizer_resolve},
		{"find_name", symbolizer_find_name},
		{"add_process", symbolizer_add_process},
		{"forget_process", symbolizer_forget_process},
		{"add_file", symbolizer_add_file},
		{"resolve_build_id", symbolizer_resolve_build_id},
		{"statistics", symbolizer_statistics},
		{"close", symbolizer_close},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__gc", symbolizer_close},
		{"__close", symbolizer_close},
		{NULL, NULL},
	};

	handle_register(L, SYMBOLIZER_TYPE, methods, meta);
	lua_pushcfunction(L, symbolizer_create);
	lua_setfield(L, -2, "symbolizer");
}
