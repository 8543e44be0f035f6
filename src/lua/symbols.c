/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bcc.KernelSymbols: names of kernel addresses and addresses of kernel names.
 */
#include "luaebcc.h"

#define KERNEL_SYMBOLS_TYPE "bcc.KernelSymbols"

struct kernel_symbols {
	struct ebcc_ksyms *handle; /* NULL: not open yet, or closed */
};

static int kernel_symbols_create(lua_State *L)
{
	struct kernel_symbols *symbols = lua_newuserdatauv(L, sizeof(*symbols), 0);
	struct ebcc_error *error;

	symbols->handle = NULL;
	luaL_setmetatable(L, KERNEL_SYMBOLS_TYPE);
	error = ebcc_ksyms_create(&symbols->handle);
	return error ? error_return(L, error) : 1;
}

static int kernel_symbols_close(lua_State *L)
{
	struct kernel_symbols *symbols = luaL_checkudata(L, 1, KERNEL_SYMBOLS_TYPE);

	ebcc_ksyms_destroy(symbols->handle);
	symbols->handle = NULL;
	return 0;
}

static struct ebcc_ksyms *kernel_symbols_check(lua_State *L)
{
	struct kernel_symbols *symbols = luaL_checkudata(L, 1, KERNEL_SYMBOLS_TYPE);

	if (!symbols->handle)
		error_raise_state(L, "these symbols are closed");
	return symbols->handle;
}

/* KernelSymbols:find(address): name, module, offset; nothing where there is no symbol. */
static int kernel_symbols_find(lua_State *L)
{
	struct ebcc_ksyms *ksyms = kernel_symbols_check(L);
	struct ebcc_ksym symbol;

	if (!ebcc_ksyms_find(ksyms, luaL_checkinteger(L, 2), &symbol))
		return 0;
	lua_pushstring(L, symbol.name);
	lua_pushstring(L, symbol.module);
	lua_pushinteger(L, symbol.offset);
	return 3;
}

/* KernelSymbols:find_name(name, module): the address, or nothing. */
static int kernel_symbols_find_name(lua_State *L)
{
	struct ebcc_ksyms *ksyms = kernel_symbols_check(L);
	uint64_t address;

	if (!ebcc_ksyms_find_name(ksyms, luaL_optstring(L, 3, NULL), luaL_checkstring(L, 2),
				  &address))
		return 0;
	lua_pushinteger(L, address);
	return 1;
}

static int kernel_symbols_refresh(lua_State *L)
{
	struct ebcc_error *error = ebcc_ksyms_refresh(kernel_symbols_check(L));

	if (error)
		return error_return(L, error);
	lua_pushboolean(L, true);
	return 1;
}

void symbols_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"find", kernel_symbols_find},
		{"find_name", kernel_symbols_find_name},
		{"refresh", kernel_symbols_refresh},
		{"close", kernel_symbols_close},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__gc", kernel_symbols_close},
		{"__close", kernel_symbols_close},
		{NULL, NULL},
	};

	handle_register(L, KERNEL_SYMBOLS_TYPE, methods, meta);
	lua_pushcfunction(L, kernel_symbols_create);
	lua_setfield(L, -2, "kernel_symbols");
}
