/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebcc.Program: loading a program, and attaching it, which returns an ebcc.Link. The attach methods
 * take their options as a table or in order. They return nil, message, errno if the target does not
 * exist or can't be traced.
 */
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "base/kinds.h"
#include "luaebcc.h"

void program_push(lua_State *L, int module_index, struct ebcc_program *handle)
{
	struct program_box *program = lua_newuserdatauv(L, sizeof(*program), 1);

	program->module = lua_touserdata(L, module_index);
	program->handle = handle;
	luaL_setmetatable(L, PROGRAM_TYPE);
	lua_pushvalue(L, module_index);
	lua_setiuservalue(L, -2, 1);
}

struct program_box *program_check(lua_State *L, int index)
{
	struct program_box *program = luaL_checkudata(L, index, PROGRAM_TYPE);

	module_of(L, index, program->module);
	return program;
}

static int program_load(lua_State *L)
{
	struct ebcc_program_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	int type = int_check(L, 2);
	struct ebcc_error *error;

	opts.has_attach_type = !lua_isnoneornil(L, 3);
	opts.attach_type = int_optional(L, 3, 0);
	error = ebcc_program_load(program->handle, type, &opts);
	return error ? error_raise(L, error) : 0;
}

static int program_name(lua_State *L)
{
	lua_pushstring(L, ebcc_program_name(program_check(L, 1)->handle));
	return 1;
}

static int program_optional(lua_State *L)
{
	lua_pushboolean(L, ebcc_program_is_optional(program_check(L, 1)->handle));
	return 1;
}

static int program_fd(lua_State *L)
{
	lua_pushinteger(L, ebcc_program_fd(program_check(L, 1)->handle));
	return 1;
}

static int program_type(lua_State *L)
{
	lua_pushinteger(L, ebcc_program_type(program_check(L, 1)->handle));
	return 1;
}

static int program_instructions(lua_State *L)
{
	struct program_box *program = program_check(L, 1);
	const void *instructions;
	size_t size;

	instructions = ebcc_program_instructions(program->handle, &size);
	lua_pushlstring(L, instructions, size);
	return 1;
}

/* How much a program can add to a packet, before and after it. */
#define PACKET_GROWTH 65536

/* A string in the table of options at index 2, which keeps it alive; NULL if it is missing. */
static const void *option_bytes(lua_State *L, const char *name, size_t *ret_size)
{
	const void *bytes;

	lua_getfield(L, 2, name);
	bytes = luaL_optlstring(L, -1, NULL, ret_size);
	lua_pop(L, 1);
	return *ret_size ? bytes : NULL;
}

/* Program:test_run{data=, ctx=, repeats=, flags=, cpu=}: {retval=, data=, ctx=, duration=} */
static int program_test_run(lua_State *L)
{
	struct program_box *program = program_check(L, 1);
	struct ebcc_test_run_opts opts = {.sz = sizeof(opts)};
	unsigned type = ebcc_program_type(program->handle);
	struct ebcc_error *error;

	luaL_checktype(L, 2, LUA_TTABLE);
	opts.data_in = option_bytes(L, "data", &opts.data_size_in);
	opts.ctx_in = option_bytes(L, "ctx", &opts.ctx_size_in);
	opts.repeat = option_unsigned(L, 2, "repeats");
	opts.flags = option_unsigned(L, 2, "flags");
	opts.cpu = option_unsigned(L, 2, "cpu");
	if (opts.data_size_in)
		opts.data_size_out = opts.data_size_in + PACKET_GROWTH;
	/* For these, the kernel does not return a context, and rejects a request for it. */
	if (type != BPF_PROG_TYPE_RAW_TRACEPOINT && type != BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
		opts.ctx_size_out = opts.ctx_size_in;
	opts.data_out = lua_newuserdatauv(L, opts.data_size_out, 0);
	opts.ctx_out = lua_newuserdatauv(L, opts.ctx_size_out, 0);
	error = ebcc_program_test_run(program->handle, &opts);
	if (error)
		return error_return(L, error);
	lua_createtable(L, 0, 4);
	lua_pushinteger(L, opts.retval);
	lua_setfield(L, -2, "retval");
	lua_pushlstring(L, opts.data_out, opts.data_size_out);
	lua_setfield(L, -2, "data");
	if (opts.ctx_size_out) {
		lua_pushlstring(L, opts.ctx_out, opts.ctx_size_out);
		lua_setfield(L, -2, "ctx");
	}
	lua_pushinteger(L, opts.duration);
	lua_setfield(L, -2, "duration");
	return 1;
}

/* Program:pin(path) */
static int program_pin(lua_State *L)
{
	struct program_box *program = program_check(L, 1);

	return success_return(L, ebcc_program_pin(program->handle, luaL_checkstring(L, 2)));
}

static int program_unpin(lua_State *L)
{
	struct program_box *program = program_check(L, 1);

	return success_return(L, ebcc_program_unpin(program->handle, luaL_checkstring(L, 2)));
}

/* Returns the result of an attach method: its link, on top of the stack, or the error. */
static int attach_return(lua_State *L, struct ebcc_error *error)
{
	return error ? error_return(L, error) : 1;
}

static int attach_kprobe(lua_State *L)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);

	luaL_checktype(L, 2, LUA_TTABLE);
	opts.function = option_needed(L, 2, "event");
	opts.offset = option_integer(L, 2, "event_off", 0);
	opts.on_return = option_boolean(L, 2, "retprobe");
	opts.max_active = option_unsigned(L, 2, "maxactive");
	opts.cookie = option_integer(L, 2, "cookie", 0);
	return attach_return(L,
			     ebcc_program_attach_kprobe(program->handle, &opts, link_push(L, 1)));
}

/* Pushes a block with the numbers of the list at @p index, one for each of @p count functions.
 * Returns NULL, and pushes nothing, for nil. @p what: one of the numbers, as errors call it. */
static const uint64_t *numbers_push(lua_State *L, int index, size_t count, const char *what)
{
	uint64_t *numbers;
	int whole;

	if (lua_isnil(L, index))
		return NULL;
	luaL_checktype(L, index, LUA_TTABLE);
	if (lua_rawlen(L, index) != count)
		luaL_error(L, "there must be as many %ss as functions", what);
	numbers = lua_newuserdatauv(L, (count + 1) * sizeof(*numbers), 0);
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, index, i + 1);
		numbers[i] = lua_tointegerx(L, -1, &whole);
		if (!whole)
			luaL_error(L, "%s must be a whole number", what);
		lua_pop(L, 1);
	}
	return numbers;
}

/* Program:attach_kprobe_multi(functions, on_return, cookies, session) */
static int attach_kprobe_multi(lua_State *L)
{
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	const char **functions;
	size_t count;

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 5);
	opts.on_return = lua_toboolean(L, 3);
	opts.session = lua_toboolean(L, 5);
	functions = strings_push(L, 2, &count);
	opts.cookies = numbers_push(L, 4, count, "cookie");
	return attach_return(L, ebcc_program_attach_kprobe_multi(program->handle, functions, count,
								 &opts, link_push(L, 1)));
}

static int attach_uprobe(lua_State *L)
{
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);

	luaL_checktype(L, 2, LUA_TTABLE);
	opts.binary = option_needed(L, 2, "name");
	opts.symbol = option_string(L, 2, "sym");
	opts.address = option_integer(L, 2, "addr", 0);
	opts.offset = option_integer(L, 2, "sym_off", 0);
	opts.on_return = option_boolean(L, 2, "retprobe");
	opts.pid = option_int(L, 2, "pid", -1);
	opts.cookie = option_integer(L, 2, "cookie", 0);
	return attach_return(L,
			     ebcc_program_attach_uprobe(program->handle, &opts, link_push(L, 1)));
}

/* Program:attach_uprobe_multi{name=, names=, numbers=, cookies=, retprobe=, pid=, session=}; names
 * and numbers are the functions and their addresses in the file. */
static int attach_uprobe_multi(lua_State *L)
{
	struct ebcc_uprobe_multi_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	const uint64_t *addresses;
	const char *binary;
	size_t count;

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	binary = option_needed(L, 2, "name");
	opts.on_return = option_boolean(L, 2, "retprobe");
	opts.session = option_boolean(L, 2, "session");
	opts.pid = option_int(L, 2, "pid", -1);
	lua_getfield(L, 2, "names");
	lua_getfield(L, 2, "numbers");
	lua_getfield(L, 2, "cookies");
	opts.names = strings_push(L, 3, &count);
	addresses = numbers_push(L, 4, count, "number");
	opts.cookies = numbers_push(L, 5, count, "cookie");
	return attach_return(L, ebcc_program_attach_uprobe_multi(program->handle, binary, addresses,
								 count, &opts, link_push(L, 1)));
}

/* Program:attach_tracepoint(category, event, cookie) */
static int attach_tracepoint(lua_State *L)
{
	struct ebcc_tracepoint_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	const char *category = luaL_checkstring(L, 2);
	const char *event = luaL_checkstring(L, 3);

	opts.cookie = luaL_optinteger(L, 4, 0);
	return attach_return(L, ebcc_program_attach_tracepoint(program->handle, category, event,
							       &opts, link_push(L, 1)));
}

/* Program:attach_raw_tracepoint(event, cookie) */
static int attach_raw_tracepoint(lua_State *L)
{
	struct ebcc_raw_tracepoint_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	const char *event = luaL_checkstring(L, 2);

	opts.cookie = luaL_optinteger(L, 3, 0);
	return attach_return(L, ebcc_program_attach_raw_tracepoint(program->handle, event, &opts,
								   link_push(L, 1)));
}

static int attach_perf_event(lua_State *L)
{
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	int pid, cpu;

	luaL_checktype(L, 2, LUA_TTABLE);
	opts.type = option_unsigned(L, 2, "ev_type");
	opts.config = option_integer(L, 2, "ev_config", 0);
	opts.sample_period = option_integer(L, 2, "sample_period", 0);
	opts.sample_freq = option_integer(L, 2, "sample_freq", 0);
	pid = option_int(L, 2, "pid", -1);
	opts.pid = pid == 0 ? gettid() : pid;
	cpu = option_int(L, 2, "cpu", -1);
	opts.cpus = &cpu;
	opts.cpu_count = cpu >= 0;
	opts.group_fd = option_int(L, 2, "group_fd", -1);
	opts.cookie = option_integer(L, 2, "cookie", 0);
	return attach_return(
		L, ebcc_program_attach_perf_event(program->handle, &opts, link_push(L, 1)));
}

/* Program:attach_trace(cookie) */
static int attach_trace(lua_State *L)
{
	struct ebcc_trace_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);

	opts.cookie = luaL_optinteger(L, 2, 0);
	return attach_return(L, ebcc_program_attach_trace(program->handle, &opts, link_push(L, 1)));
}

/* Program:attach_named(): a link, or nil if the name doesn't say what to attach to. Raises on
 * failure. */
static int attach_named(lua_State *L)
{
	struct program_box *program = program_check(L, 1);
	struct ebcc_link **link = link_push(L, 1);
	struct ebcc_error *error = ebcc_program_attach_named(program->handle, link);

	if (error)
		return error_raise(L, error);
	return *link ? 1 : nil_return(L);
}

static int attach_iter(lua_State *L)
{
	struct ebcc_iter_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);

	if (!lua_isnoneornil(L, 2))
		opts.table = table_check(L, 2)->handle;
	return attach_return(L, ebcc_program_attach_iter(program->handle, &opts, link_push(L, 1)));
}

static int attach_xdp(lua_State *L)
{
	struct ebcc_xdp_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	const char *device = luaL_checkstring(L, 2);

	opts.flags = unsigned_optional(L, 3);
	return attach_return(
		L, ebcc_program_attach_xdp(program->handle, device, &opts, link_push(L, 1)));
}

static int attach_socket(lua_State *L)
{
	struct program_box *program = program_check(L, 1);
	int fd = int_check(L, 2);

	return attach_return(
		L, ebcc_program_attach_socket(program->handle, fd, NULL, link_push(L, 1)));
}

static int attach_raw_socket(lua_State *L)
{
	struct ebcc_raw_socket_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);

	opts.device = luaL_optstring(L, 2, NULL);
	return attach_return(
		L, ebcc_program_attach_raw_socket(program->handle, &opts, link_push(L, 1)));
}

static int attach_descriptor(lua_State *L)
{
	struct ebcc_descriptor_opts opts = {.sz = sizeof(opts)};
	struct program_box *program = program_check(L, 1);
	int fd = int_check(L, 2), type = int_check(L, 3);

	opts.flags = unsigned_optional(L, 4);
	return attach_return(L, ebcc_program_attach_descriptor(program->handle, fd, type, &opts,
							       link_push(L, 1)));
}

static int remove_xdp(lua_State *L)
{
	struct ebcc_error *error;

	error = ebcc_device_remove_xdp(luaL_checkstring(L, 1), unsigned_optional(L, 2));
	return success_return(L, error);
}

static int program_tostring(lua_State *L)
{
	struct program_box *program = luaL_checkudata(L, 1, PROGRAM_TYPE);

	if (program->module && program->module->handle)
		lua_pushfstring(L, "ebcc.Program: %s", ebcc_program_name(program->handle));
	else
		lua_pushliteral(L, "ebcc.Program (closed)");
	return 1;
}

/* Adds the prefixes of programs' names, by kind, to the module on the stack. */
static void add_prefixes(lua_State *L)
{
	static const struct {
		const char *name, *prefix;
	} kinds[] = {
#define X(id, name, prefix, ...) {name, prefix},
		EBCC_PROGRAM_KINDS(X)
#undef X
	};

	lua_newtable(L);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].prefix)
			continue;
		lua_pushstring(L, kinds[i].prefix);
		lua_setfield(L, -2, kinds[i].name);
	}
	lua_setfield(L, -2, "program_prefixes");
}

void program_add(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"load", program_load},
		{"name", program_name},
		{"optional", program_optional},
		{"fd", program_fd},
		{"type", program_type},
		{"instructions", program_instructions},
		{"test_run", program_test_run},
		{"pin", program_pin},
		{"unpin", program_unpin},
		{"attach_named", attach_named},
		{"attach_kprobe", attach_kprobe},
		{"attach_kprobe_multi", attach_kprobe_multi},
		{"attach_uprobe", attach_uprobe},
		{"attach_uprobe_multi", attach_uprobe_multi},
		{"attach_usdt", attach_usdt},
		{"attach_tracepoint", attach_tracepoint},
		{"attach_raw_tracepoint", attach_raw_tracepoint},
		{"attach_perf_event", attach_perf_event},
		{"attach_trace", attach_trace},
		{"attach_iter", attach_iter},
		{"attach_xdp", attach_xdp},
		{"attach_socket", attach_socket},
		{"attach_raw_socket", attach_raw_socket},
		{"attach_descriptor", attach_descriptor},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {{"__tostring", program_tostring}, {NULL, NULL}};

	handle_register(L, PROGRAM_TYPE, methods, meta);
	lua_pushcfunction(L, remove_xdp);
	lua_setfield(L, -2, "remove_xdp");
	add_prefixes(L);
}
