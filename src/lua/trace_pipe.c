/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.TracePipe: the lines of the kernel's trace pipe, to which bpf_trace_printk() writes.
 */
#include "luaebcc.h"

#define TRACE_PIPE_TYPE "ebcc.TracePipe"

struct trace_pipe {
	struct ebcc_trace_pipe *handle; /* NULL: not open yet, or closed */
};

static int trace_pipe_open(lua_State *L)
{
	struct trace_pipe *pipe = lua_newuserdatauv(L, sizeof(*pipe), 0);
	struct ebcc_error *error;

	pipe->handle = NULL;
	luaL_setmetatable(L, TRACE_PIPE_TYPE);
	error = ebcc_trace_pipe_open(lua_toboolean(L, 1), &pipe->handle);
	return error ? error_return(L, error) : 1;
}

static int trace_pipe_close(lua_State *L)
{
	struct trace_pipe *pipe = luaL_checkudata(L, 1, TRACE_PIPE_TYPE);

	if (pipe->handle)
		ebcc_trace_pipe_close(pipe->handle);
	pipe->handle = NULL;
	return 0;
}

/* TracePipe:read(): a line; nil if there is none (non-blocking); or nil, message, errno after a
 * signal, whose handler runs next. */
static int trace_pipe_read(lua_State *L)
{
	struct trace_pipe *pipe = luaL_checkudata(L, 1, TRACE_PIPE_TYPE);
	struct ebcc_error *error;
	const char *line;

	if (!pipe->handle)
		return error_raise_state(L, "the trace pipe is closed");
	error = ebcc_trace_pipe_read(pipe->handle, &line);
	if (error)
		return error_return(L, error);
	if (!line)
		return nil_return(L);
	lua_pushstring(L, line);
	return 1;
}

void trace_pipe_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"read", trace_pipe_read},
		{"close", trace_pipe_close},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__gc", trace_pipe_close},
		{"__close", trace_pipe_close},
		{NULL, NULL},
	};

	handle_register(L, TRACE_PIPE_TYPE, methods, meta);
	lua_pushcfunction(L, trace_pipe_open);
	lua_setfield(L, -2, "trace_pipe");
}
