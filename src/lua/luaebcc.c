/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Lua module ebcc._ebcc: its entry point, and helpers for all its files: options in tables,
 * lists of strings and metatables of handles.
 */
#include <stdlib.h>

#include "luaebcc.h"

void handle_register(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta)
{
	luaL_newmetatable(L, name);
	luaL_setfuncs(L, meta, 0);
	lua_newtable(L);
	luaL_setfuncs(L, methods, 0);
	/* Lua files add more methods there. */
	luaL_getsubtable(L, 1, "methods");
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
	lua_setfield(L, -2, "__index");
	/* Hide the metatable: methods check their handle, but metamethods could be called with
	 * anything. */
	lua_pushstring(L, name);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

int nil_return(lua_State *L)
{
	lua_pushnil(L);
	return 1;
}

const char *option_string(lua_State *L, int index, const char *name)
{
	const char *text;
	int type = lua_getfield(L, index, name);

	if (type != LUA_TSTRING && type != LUA_TNIL)
		luaL_error(L, "%s must be a string, not a %s", name, lua_typename(L, type));
	text = lua_tostring(L, -1);
	lua_pop(L, 1);
	return text;
}

const char *option_needed(lua_State *L, int index, const char *name)
{
	const char *text = option_string(L, index, name);

	if (!text || !text[0])
		luaL_error(L, "%s is needed", name);
	return text;
}

lua_Integer option_integer(lua_State *L, int index, const char *name, lua_Integer fallback)
{
	int type = lua_getfield(L, index, name), whole = 1;
	lua_Integer value = type == LUA_TNIL ? fallback : lua_tointegerx(L, -1, &whole);

	if (!whole)
		luaL_error(L, "%s must be a whole number", name);
	lua_pop(L, 1);
	return value;
}

static lua_Integer option_in_range(lua_State *L, int index, const char *name, lua_Integer fallback,
				   lua_Integer low, lua_Integer high)
{
	lua_Integer value = option_integer(L, index, name, fallback);

	if (value < low || value > high) {
		lua_pushfstring(L, "%s: %I is not a number from %I to %I", name, value, low, high);
		error_fail(L);
	}
	return value;
}

int option_int(lua_State *L, int index, const char *name, int fallback)
{
	return option_in_range(L, index, name, fallback, INT32_MIN, INT32_MAX);
}

uint32_t option_unsigned(lua_State *L, int index, const char *name)
{
	return option_in_range(L, index, name, 0, 0, UINT32_MAX);
}

static lua_Integer argument_in_range(lua_State *L, int arg, lua_Integer low, lua_Integer high)
{
	lua_Integer value = luaL_checkinteger(L, arg);

	if (value < low || value > high)
		argument_fail(
			L, arg,
			lua_pushfstring(L, "%I is not a number from %I to %I", value, low, high));
	return value;
}

int int_check(lua_State *L, int arg)
{
	return argument_in_range(L, arg, INT32_MIN, INT32_MAX);
}

int int_optional(lua_State *L, int arg, int fallback)
{
	return lua_isnoneornil(L, arg) ? fallback : int_check(L, arg);
}

uint32_t unsigned_optional(lua_State *L, int arg)
{
	return lua_isnoneornil(L, arg) ? 0 : argument_in_range(L, arg, 0, UINT32_MAX);
}

bool option_boolean(lua_State *L, int index, const char *name)
{
	bool value;

	lua_getfield(L, index, name);
	value = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return value;
}

const char **strings_push(lua_State *L, int index, size_t *ret_count)
{
	lua_Integer count = luaL_len(L, index);
	const char **strings = lua_newuserdatauv(L, (count + 1) * sizeof(*strings), 0);

	for (lua_Integer i = 0; i < count; i++) {
		if (lua_geti(L, index, i + 1) != LUA_TSTRING)
			luaL_error(L, "a list of strings is needed");
		strings[i] = lua_tostring(L, -1);
		lua_pop(L, 1);
	}
	strings[count] = NULL;
	*ret_count = count;
	return strings;
}

void strings_return(lua_State *L, char **strings, size_t count)
{
	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, strings[i]);
		lua_rawseti(L, -2, i + 1);
	}
	free(strings);
}

EBCC_API int luaopen_ebcc__ebcc(lua_State *L);

int luaopen_ebcc__ebcc(lua_State *L)
{
	static void (*const parts[])(lua_State *) = {
		error_add, module_add,	program_add, link_add,	  type_add,	  record_add,
		table_add, symbols_add, usdt_add,    finding_add, trace_pipe_add, posix_add,
	};

	luaL_checkversion(L);
	lua_settop(L, 0);
	lua_newtable(L);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		parts[i](L);
	lua_pushstring(L, ebcc_version());
	lua_setfield(L, -2, "version");
	return 1;
}
