/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.Usdt: the USDT probes of a file or a process, and attaching programs to them.
 */
#include <string.h>

#include "luaebcc.h"

#define USDT_TYPE "ebcc.Usdt"

struct usdt_box {
	struct ebcc_usdt *handle; /* NULL: not open yet, or closed */
};

/* _ebcc.usdt{pid=, path=}: the probes; or nil, message, errno if there is no such file or process.
 */
static int usdt_open(lua_State *L)
{
	struct ebcc_usdt_opts opts = {.sz = sizeof(opts)};
	struct usdt_box *usdt;
	struct ebcc_error *error;

	luaL_checktype(L, 1, LUA_TTABLE);
	opts.pid = option_int(L, 1, "pid", -1);
	opts.binary = option_string(L, 1, "path");
	usdt = lua_newuserdatauv(L, sizeof(*usdt), 0);
	usdt->handle = NULL;
	luaL_setmetatable(L, USDT_TYPE);
	error = ebcc_usdt_open(&opts, &usdt->handle);
	return error ? error_return(L, error) : 1;
}

static int usdt_close(lua_State *L)
{
	struct usdt_box *usdt = luaL_checkudata(L, 1, USDT_TYPE);

	if (usdt->handle)
		ebcc_usdt_close(usdt->handle);
	usdt->handle = NULL;
	return 0;
}

static struct ebcc_usdt *usdt_check(lua_State *L, int index)
{
	struct usdt_box *usdt = luaL_checkudata(L, index, USDT_TYPE);

	if (!usdt->handle)
		error_raise_state(L, "these probes are closed");
	return usdt->handle;
}

/* Pushes the types that hold the arguments of a probe; false for those that programs can't read. */
static void argument_types_push(lua_State *L, const struct ebcc_usdt_probe *probe)
{
	size_t count = ebcc_usdt_probe_argument_count(probe);

	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		const char *type = ebcc_usdt_probe_argument_type(probe, i);

		if (type)
			lua_pushstring(L, type);
		else
			lua_pushboolean(L, false);
		lua_rawseti(L, -2, i + 1);
	}
}

static void locations_push(lua_State *L, const struct ebcc_usdt_probe *probe)
{
	struct ebcc_usdt_location location;

	lua_createtable(L, ebcc_usdt_probe_location_count(probe), 0);
	for (size_t i = 0; ebcc_usdt_probe_location_at(probe, i, &location, sizeof(location));
	     i++) {
		lua_createtable(L, 0, 2);
		lua_pushinteger(L, location.address);
		lua_setfield(L, -2, "address");
		lua_pushstring(L, location.arguments);
		lua_setfield(L, -2, "arguments");
		lua_rawseti(L, -2, i + 1);
	}
}

static void probe_push(lua_State *L, const struct ebcc_usdt_probe *probe)
{
	lua_createtable(L, 0, 6);
	lua_pushstring(L, ebcc_usdt_probe_provider(probe));
	lua_setfield(L, -2, "provider");
	lua_pushstring(L, ebcc_usdt_probe_name(probe));
	lua_setfield(L, -2, "name");
	lua_pushstring(L, ebcc_usdt_probe_binary(probe));
	lua_setfield(L, -2, "path");
	lua_pushinteger(L, ebcc_usdt_probe_semaphore(probe));
	lua_setfield(L, -2, "semaphore");
	argument_types_push(L, probe);
	lua_setfield(L, -2, "arguments");
	locations_push(L, probe);
	lua_setfield(L, -2, "locations");
}

/* Usdt:probes(): a list of tables. */
static int usdt_probes(lua_State *L)
{
	struct ebcc_usdt *usdt = usdt_check(L, 1);
	size_t count = ebcc_usdt_probe_count(usdt);

	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		probe_push(L, ebcc_usdt_probe_at(usdt, i));
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

/* Usdt:find(name): the probe "PROVIDER:NAME" or "NAME" as a table; or nil, message, errno. */
static int usdt_find(lua_State *L)
{
	const struct ebcc_usdt_probe *probe;
	struct ebcc_error *error;

	error = ebcc_usdt_find_probe(usdt_check(L, 1), luaL_checkstring(L, 2), &probe);
	if (error)
		return error_return(L, error);
	probe_push(L, probe);
	return 1;
}

int attach_usdt(lua_State *L)
{
	struct ebcc_usdt_attach_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	const struct ebcc_usdt *usdt = usdt_check(L, 2);
	struct ebcc_error *error;

	opts.probe = luaL_checkstring(L, 3);
	opts.every_process = lua_toboolean(L, 4);
	opts.cookie = luaL_optinteger(L, 5, 0);
	error = ebcc_program_attach_usdt(program->handle, usdt, &opts, link_push(L, 1));
	return error ? error_return(L, error) : 1;
}

void usdt_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"probes", usdt_probes},
		{"find", usdt_find},
		{"close", usdt_close},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__gc", usdt_close},
		{"__close", usdt_close},
		{NULL, NULL},
	};

	handle_register(L, USDT_TYPE, methods, meta);
	lua_pushcfunction(L, usdt_open);
	lua_setfield(L, -2, "usdt");
}
