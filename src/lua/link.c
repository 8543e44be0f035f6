/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.Link: keeps a program attached. A link belongs to its module: if the handle is collected,
 * the program stays attached until the module is closed. detach(), close() or __close detach it;
 * the first two report it if that fails.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "luaebcc.h"

#define ITERATOR_TYPE "ebcc.Iterator"

struct link_box {
	struct module_box *module;
	struct ebcc_link *handle; /* NULL: not attached yet, or detached */
};

struct ebcc_link **link_push(lua_State *L, int program_index)
{
	struct program_box *program = lua_touserdata(L, program_index);
	struct link_box *link = lua_newuserdatauv(L, sizeof(*link), 1);

	link->module = program->module;
	link->handle = NULL;
	luaL_setmetatable(L, LINK_TYPE);
	lua_getiuservalue(L, program_index, 1);
	lua_setiuservalue(L, -2, 1);
	return &link->handle;
}

/* The open link at @p index. */
static struct link_box *link_check(lua_State *L, int index)
{
	struct link_box *link = luaL_checkudata(L, index, LINK_TYPE);

	module_of(L, index, link->module);
	if (!link->handle)
		error_raise_state(L, "this link is detached");
	return link;
}

/* Detaching again, or after the module was closed, does nothing. */
static struct ebcc_error *link_end(lua_State *L)
{
	struct link_box *link = luaL_checkudata(L, 1, LINK_TYPE);
	struct ebcc_link *handle = link->handle;
	struct ebcc_error *error;

	link->handle = NULL;
	if (!handle || !link->module->handle)
		return NULL;
	link->module->state = L;
	error = ebcc_link_detach(handle);
	ebcc_link_destroy(handle);
	return error;
}

/* Link:detach(): true; or nil, message, errno if the kernel may still run the program. */
static int link_detach(lua_State *L)
{
	return success_return(L, link_end(L));
}

static int link_close(lua_State *L)
{
	ebcc_error_destroy(link_end(L));
	return 0;
}

/* detach_links(list): the same for several links, in less time. */
static int detach_links(lua_State *L)
{
	size_t count, used = 0;
	struct ebcc_link **handles;
	struct ebcc_error *error;

	luaL_checktype(L, 1, LUA_TTABLE);
	count = lua_rawlen(L, 1);
	handles = lua_newuserdatauv(L, (count + 1) * sizeof(struct ebcc_link *), 0);
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, 1, i + 1);
		luaL_checkudata(L, -1, LINK_TYPE);
		lua_pop(L, 1);
	}
	for (size_t i = 0; i < count; i++) {
		struct link_box *link;

		lua_rawgeti(L, 1, i + 1);
		link = lua_touserdata(L, -1);
		if (link->handle && link->module->handle) {
			link->module->state = L;
			handles[used++] = link->handle;
		}
		link->handle = NULL;
		lua_pop(L, 1);
	}
	error = ebcc_links_detach(handles, used);
	for (size_t i = 0; i < used; i++)
		ebcc_link_destroy(handles[i]);
	return success_return(L, error);
}

/* Link:pin(path) */
static int link_pin(lua_State *L)
{
	struct link_box *link = link_check(L, 1);

	return success_return(L, ebcc_link_pin(link->handle, luaL_checkstring(L, 2)));
}

static int link_unpin(lua_State *L)
{
	struct link_box *link = link_check(L, 1);

	return success_return(L, ebcc_link_unpin(link->handle, luaL_checkstring(L, 2)));
}

static int link_attached(lua_State *L)
{
	struct link_box *link = luaL_checkudata(L, 1, LINK_TYPE);

	lua_pushboolean(L, link->handle && link->module->handle && !link->module->closing);
	return 1;
}

static int link_fd(lua_State *L)
{
	lua_pushinteger(L, ebcc_link_fd(link_check(L, 1)->handle));
	return 1;
}

static int link_name(lua_State *L)
{
	lua_pushstring(L, ebcc_link_name(link_check(L, 1)->handle));
	return 1;
}

static int link_functions(lua_State *L)
{
	const struct ebcc_link *link = link_check(L, 1)->handle;
	size_t count = ebcc_link_function_count(link);

	lua_createtable(L, count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, ebcc_link_function_at(link, i));
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static int link_detach_function(lua_State *L)
{
	struct link_box *link = link_check(L, 1);
	struct ebcc_error *error = ebcc_link_detach_function(link->handle, luaL_checkstring(L, 2));

	return success_return(L, error);
}

/* Reads all of @p fd into a Lua buffer and pushes it. Returns 0 or an errno. */
static int read_to_end(lua_State *L, int fd)
{
	luaL_Buffer buffer;
	ssize_t got;

	luaL_buffinit(L, &buffer);
	do {
		got = read(fd, luaL_prepbuffer(&buffer), LUAL_BUFFERSIZE);
		if (got > 0)
			luaL_addsize(&buffer, got);
	} while (got > 0 || (got < 0 && errno == EINTR));
	luaL_pushresult(&buffer);
	return got < 0 ? errno : 0;
}

static int iterator_close(lua_State *L)
{
	int *fd = luaL_checkudata(L, 1, ITERATOR_TYPE);

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return 0;
}

/* Link:read(): runs an iterator, and returns what it writes as a string. */
static int link_read(lua_State *L)
{
	struct link_box *link = link_check(L, 1);
	int *fd = lua_newuserdatauv(L, sizeof(*fd), 0);
	struct ebcc_error *error;
	int number;

	*fd = -1;
	luaL_setmetatable(L, ITERATOR_TYPE);
	lua_toclose(L, -1);
	error = ebcc_link_open_iter(link->handle, fd);
	if (error)
		return error_return(L, error);
	number = read_to_end(L, *fd);
	if (number) {
		errno = number;
		return luaL_fileresult(L, 0, ebcc_link_name(link->handle));
	}
	return 1;
}

/* Interfaces don't deliver longer ones. */
#define PACKET_MAX 65536

/* Link:receive(): a packet of a raw socket, or nil if none is waiting. */
static int link_receive(lua_State *L)
{
	struct link_box *link = link_check(L, 1);
	luaL_Buffer buffer;
	char *room = luaL_buffinitsize(L, &buffer, PACKET_MAX);
	ssize_t got = read(ebcc_link_fd(link->handle), room, PACKET_MAX);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return nil_return(L);
	if (got < 0)
		return luaL_fileresult(L, 0, ebcc_link_name(link->handle));
	luaL_pushresultsize(&buffer, got);
	return 1;
}

static int link_tostring(lua_State *L)
{
	struct link_box *link = luaL_checkudata(L, 1, LINK_TYPE);

	if (link->handle && link->module->handle)
		lua_pushfstring(L, "ebcc.Link: %s", ebcc_link_name(link->handle));
	else
		lua_pushliteral(L, "ebcc.Link (detached)");
	return 1;
}

void link_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"detach", link_detach},
		{"close", link_detach},
		{"pin", link_pin},
		{"unpin", link_unpin},
		{"attached", link_attached},
		{"fd", link_fd},
		{"name", link_name},
		{"functions", link_functions},
		{"detach_function", link_detach_function},
		{"read", link_read},
		{"receive", link_receive},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__close", link_close},
		{"__tostring", link_tostring},
		{NULL, NULL},
	};
	static const luaL_Reg none[] = {{NULL, NULL}};
	static const luaL_Reg iterator_meta[] = {
		{"__close", iterator_close},
		{"__gc", iterator_close},
		{NULL, NULL},
	};

	lua_pushcfunction(L, detach_links);
	lua_setfield(L, -2, "detach_links");
	handle_register(L, LINK_TYPE, methods, meta);
	handle_register(L, ITERATOR_TYPE, none, iterator_meta);
}
