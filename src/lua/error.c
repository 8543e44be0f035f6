/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's errors in Lua. A table has the name of each code, the errno that is used if no
 * system call failed, and whether a script may want to handle it. If so, the call returns nil,
 * message, errno, as Lua's own libraries do. All other errors raise a table with the fields kind,
 * code, message, errno, subject, details and where, which is the script's line.
 */
#include <errno.h>
#include <string.h>

#include "luaebcc.h"

#define ERROR_TYPE "ebcc.Error"

struct kind_desc {
	enum ebcc_error_code code;
	const char *name;
	int number; /* the errno if the error has none */
	bool returned;
};

static const struct kind_desc kind_descs[] = {
	{EBCC_ERROR_NO_MEMORY, "NoMemoryError", ENOMEM, false},
	{EBCC_ERROR_INVALID_ARGUMENT, "InvalidArgumentError", EINVAL, false},
	{EBCC_ERROR_OS, "SystemCallError", EIO, true},
	{EBCC_ERROR_PERMISSION, "PrivilegeError", EPERM, true},
	{EBCC_ERROR_NOT_FOUND, "NotFoundError", ENOENT, true},
	{EBCC_ERROR_UNSUPPORTED, "UnsupportedError", EOPNOTSUPP, true},
	{EBCC_ERROR_COMPILE, "CompileError", EINVAL, false},
	{EBCC_ERROR_KERNEL_TYPES, "KernelTypesError", ENOENT, false},
	{EBCC_ERROR_LOAD, "LoadError", EINVAL, false},
	{EBCC_ERROR_ATTACH, "AttachError", EIO, true},
	{EBCC_ERROR_FORMAT, "FormatError", EBADMSG, false},
	{EBCC_ERROR_STATE, "StateError", EBUSY, false},
	{EBCC_ERROR_INTERRUPTED, "SignalError", EINTR, true},
	{EBCC_ERROR_CALLBACK, "CallbackError", ECANCELED, false},
	{EBCC_ERROR_OTHER_KERNEL, "OtherKernelError", ENOEXEC, false},
};

/* For codes of later versions of the library. */
static const struct kind_desc unknown_desc = {0, "Error", EIO, false};

static const struct kind_desc *desc_of(enum ebcc_error_code code)
{
	for (size_t i = 0; i < sizeof(kind_descs) / sizeof(kind_descs[0]); i++) {
		if (kind_descs[i].code == code)
			return &kind_descs[i];
	}
	return &unknown_desc;
}

static int number_of(const struct ebcc_error *error)
{
	int number = ebcc_error_errno(error);

	return number > 0 ? number : desc_of(ebcc_error_code(error))->number;
}

/* Pushes the message; it includes the compiler's diagnostics, once. */
static void message_push(lua_State *L, const struct ebcc_error *error)
{
	const char *message = ebcc_error_message(error);
	const char *details = ebcc_error_details(error);

	if (ebcc_error_code(error) == EBCC_ERROR_COMPILE && details && !strstr(message, details))
		lua_pushfstring(L, "%s\n%s", message, details);
	else
		lua_pushstring(L, message);
}

static void text_set(lua_State *L, const char *name, const char *text)
{
	lua_pushstring(L, text); /* nil for NULL */
	lua_setfield(L, -2, name);
}

/* In the registry: a list of the directories of the package's own Lua files. Errors don't refer to
 * lines of these. */
static const char packages_key;

/* add_package(directory) */
static int error_add_package(lua_State *L)
{
	luaL_checkstring(L, 1);
	lua_settop(L, 1);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &packages_key) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &packages_key);
	}
	lua_insert(L, 1);
	lua_rawseti(L, 1, lua_rawlen(L, 1) + 1);
	return 0;
}

/* Whether a source file belongs to the package. The list of its directories is on top of the
 * stack. */
static bool is_of_package(lua_State *L, const char *source)
{
	const char *directory;

	if (!lua_istable(L, -1))
		return false;
	for (lua_Integer i = lua_rawlen(L, -1); i > 0; i--) {
		lua_rawgeti(L, -1, i);
		directory = lua_tostring(L, -1);
		lua_pop(L, 1); /* the list holds the string */
		if (strncmp(source, directory, strlen(directory)) == 0)
			return true;
	}
	return false;
}

/* Pushes "FILE:LINE: " of the innermost Lua function outside the package, or "". */
static void where_push(lua_State *L)
{
	lua_Debug frame;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &packages_key);
	for (int level = 0; lua_getstack(L, level, &frame); level++) {
		lua_getinfo(L, "Sl", &frame);
		if (frame.currentline <= 0 || is_of_package(L, frame.source))
			continue;
		lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
		lua_remove(L, -2);
		return;
	}
	lua_pushliteral(L, "");
	lua_remove(L, -2);
}

/* where(): the line of the script that called into the package. */
static int error_where(lua_State *L)
{
	where_push(L);
	return 1;
}

int error_fail(lua_State *L)
{
	where_push(L);
	lua_insert(L, -2);
	lua_concat(L, 2);
	return lua_error(L);
}

int argument_fail(lua_State *L, int arg, const char *text)
{
	lua_Debug frame;

	lua_getstack(L, 0, &frame);
	lua_getinfo(L, "n", &frame);
	/* The object of a method call does not count as an argument. */
	if (strcmp(frame.namewhat, "method") == 0)
		arg--;
	lua_pushfstring(L, "bad argument #%d to '%s' (%s)", arg, frame.name ? frame.name : "?",
			text);
	return error_fail(L);
}

int error_raise(lua_State *L, struct ebcc_error *error)
{
	lua_createtable(L, 0, 7);
	message_push(L, error);
	lua_setfield(L, -2, "message");
	text_set(L, "kind", desc_of(ebcc_error_code(error))->name);
	text_set(L, "subject", ebcc_error_subject(error));
	text_set(L, "details", ebcc_error_details(error));
	lua_pushinteger(L, ebcc_error_code(error));
	lua_setfield(L, -2, "code");
	lua_pushinteger(L, number_of(error));
	lua_setfield(L, -2, "errno");
	where_push(L);
	lua_setfield(L, -2, "where");
	ebcc_error_destroy(error);
	luaL_setmetatable(L, ERROR_TYPE);
	return lua_error(L);
}

int error_raise_state(lua_State *L, const char *message)
{
	lua_createtable(L, 0, 5);
	text_set(L, "message", message);
	text_set(L, "kind", desc_of(EBCC_ERROR_STATE)->name);
	lua_pushinteger(L, EBCC_ERROR_STATE);
	lua_setfield(L, -2, "code");
	lua_pushinteger(L, desc_of(EBCC_ERROR_STATE)->number);
	lua_setfield(L, -2, "errno");
	where_push(L);
	lua_setfield(L, -2, "where");
	luaL_setmetatable(L, ERROR_TYPE);
	return lua_error(L);
}

int error_return(lua_State *L, struct ebcc_error *error)
{
	if (!desc_of(ebcc_error_code(error))->returned)
		return error_raise(L, error);
	lua_pushnil(L);
	message_push(L, error);
	lua_pushinteger(L, number_of(error));
	ebcc_error_destroy(error);
	return 3;
}

int success_return(lua_State *L, struct ebcc_error *error)
{
	if (error)
		return error_return(L, error);
	lua_pushboolean(L, true);
	return 1;
}

static int error_tostring(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "where");
	lua_getfield(L, 1, "message");
	lua_concat(L, 2);
	return 1;
}

/* Scripts concatenate errors: "..." .. err. */
static int error_concat(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	luaL_tolstring(L, 2, NULL);
	lua_concat(L, 2);
	return 1;
}

/* #err: the length of its text. */
static int error_len(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	lua_pushinteger(L, luaL_len(L, -1));
	return 1;
}

/* Calls a string method, the upvalue, on the text of an error. */
static int error_text_method(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	lua_replace(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* Scripts search errors for words: err:match("..."). So errors have the methods of strings. */
static int error_index(lua_State *L)
{
	lua_pushliteral(L, "");
	if (luaL_getmetafield(L, -1, "__index") != LUA_TTABLE)
		return nil_return(L);
	lua_pushvalue(L, 2);
	if (lua_gettable(L, -2) != LUA_TFUNCTION)
		return nil_return(L);
	lua_pushcclosure(L, error_text_method, 1);
	return 1;
}

void error_add(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{"__tostring", error_tostring},
		{"__concat", error_concat},
		{"__len", error_len},
		{"__index", error_index},
		{NULL, NULL},
	};

	luaL_newmetatable(L, ERROR_TYPE);
	luaL_setfuncs(L, meta, 0);
	lua_pop(L, 1);
	lua_pushcfunction(L, error_where);
	lua_setfield(L, -2, "where");
	lua_pushcfunction(L, error_add_package);
	lua_setfield(L, -2, "add_package");
}
