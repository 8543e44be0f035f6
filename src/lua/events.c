/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivering events of perf and ring buffers to Lua callbacks, as Lua values: a record, a number, a
 * string. An error in a callback ends the poll and is raised from it, with the traceback of the
 * callback. A callback that returns false ends the poll, too.
 */
#include <linux/bpf.h>
#include <string.h>

#include "luaebcc.h"

/* Stack indices in the frame of a poll, where the library's callbacks run. */
enum poll_index {
	POLL_MODULE = 1,
	POLL_READERS = 2,
	POLL_TRACEBACK = 3,
	POLL_TOP = 3,
};

/* A table's open buffer: a userdata in the module's list of readers. */
struct reader {
	struct module_box *module;
	const struct layout *layout; /* of events; NULL: they are passed as strings */
	bool ring;		     /* a ring buffer, whose callback does not get the CPU */
};

/* Upvalues of the function that delivers the events of a reader. */
#define CALLBACK lua_upvalueindex(1)
#define LOST lua_upvalueindex(2)
#define METATABLE lua_upvalueindex(3)
/* The fourth is the layout, the fifth the reader, to keep them alive. */
#define UPVALUES 5

struct delivery {
	const struct reader *reader;
	int cpu;
	const void *data; /* NULL: events were lost */
	uint64_t size;	  /* in bytes, or the number of lost events */
};

/* --- delivering --- */

static void event_push(lua_State *L, const struct delivery *delivery)
{
	const struct layout *layout = delivery->reader->layout;

	if (layout)
		value_push_event(L, layout, delivery->data, delivery->size, METATABLE);
	else
		lua_pushlstring(L, delivery->data, delivery->size);
}

/* Runs in protected mode. Returns the callback's first result. */
static int deliver(lua_State *L)
{
	const struct delivery *delivery = lua_touserdata(L, 1);

	lua_pushvalue(L, delivery->data ? CALLBACK : LOST);
	if (!delivery->reader->ring)
		lua_pushinteger(L, delivery->cpu);
	if (delivery->data)
		event_push(L, delivery);
	lua_pushinteger(L, delivery->size);
	lua_call(L, lua_gettop(L) - 2, 1);
	return 1;
}

/* Appends a traceback to messages; other values are passed on unchanged. */
static int add_traceback(lua_State *L)
{
	const char *message = lua_tostring(L, 1);

	if (message)
		luaL_traceback(L, L, message, 1);
	return 1;
}

static int deliver_protected(const struct delivery *delivery)
{
	struct module_box *module = delivery->reader->module;
	lua_State *L = module->poll_state;
	bool stop;

	if (module->failed)
		return -1;
	module->delivered += delivery->data != NULL;
	lua_rawgetp(L, POLL_READERS, delivery->reader);
	lua_pushlightuserdata(L, (void *)delivery);
	module->failed = lua_pcall(L, 1, 1, POLL_TRACEBACK) != LUA_OK;
	/* The callback may have used the module in a coroutine that no longer exists. */
	module->state = L;
	if (module->failed)
		return -1;
	stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
	lua_pop(L, 1);
	return stop || module->closing ? -1 : 0;
}

static int on_event(void *ctx, int cpu, const void *data, size_t size)
{
	struct delivery delivery = {ctx, cpu, data ? data : "", size};

	return deliver_protected(&delivery);
}

static int on_lost(void *ctx, int cpu, uint64_t count)
{
	struct delivery delivery = {ctx, cpu, NULL, count};

	return deliver_protected(&delivery);
}

/* --- opening and closing --- */

/* Pushes the layout of a table's events: that of the caller, or of the type in the source. */
static const struct layout *event_layout_push(lua_State *L, struct table_box *table)
{
	const struct ebcc_type *type = ebcc_table_event_type(table->handle);
	const struct layout *layout;

	if (lua_getfield(L, 2, "layout") != LUA_TNIL)
		return luaL_checkudata(L, -1, LAYOUT_TYPE);
	if (!type || option_boolean(L, 2, "raw"))
		return NULL;
	lua_getiuservalue(L, 1, TABLE_MODULE);
	layout = layout_push(L, -1, type);
	lua_replace(L, -3);
	lua_pop(L, 1);
	return layout;
}

/* Pushes a reader, and then the function that delivers its events. */
static struct reader *reader_push(lua_State *L, struct table_box *table)
{
	struct reader *reader = lua_newuserdatauv(L, sizeof(*reader), 0);

	reader->module = table->module;
	reader->ring = ebcc_table_map_type(table->handle) == BPF_MAP_TYPE_RINGBUF;
	lua_getfield(L, 2, "event");
	lua_getfield(L, 2, "lost");
	reader->layout = event_layout_push(L, table);
	if (lua_isuserdata(L, -1))
		layout_push_metatable(L, -1);
	else
		lua_pushnil(L);
	lua_insert(L, -2);
	lua_pushvalue(L, -5);
	lua_pushcclosure(L, deliver, UPVALUES);
	return reader;
}

/* Removes the reader of a table from the list of readers, which is on top of the stack. */
static void reader_forget(lua_State *L, const char *name)
{
	if (lua_getfield(L, -1, name) == LUA_TUSERDATA) {
		lua_pushnil(L);
		lua_rawsetp(L, -3, lua_touserdata(L, -2));
	}
	lua_pop(L, 1);
	lua_pushnil(L);
	lua_setfield(L, -2, name);
}

/* Table:open_events{event=, lost=, layout=, raw=, page_count=, wakeup_events=}. */
int table_open_events(lua_State *L)
{
	struct ebcc_events_opts opts = {.sz = sizeof(opts), .event = on_event};
	struct table_box *table = table_check(L, 1);
	const char *name = ebcc_table_name(table->handle);
	struct ebcc_error *error;

	luaL_checktype(L, 2, LUA_TTABLE);
	opts.page_count = option_integer(L, 2, "page_count", 0);
	opts.wakeup_events = option_unsigned(L, 2, "wakeup_events");
	if (lua_getfield(L, 2, "event") != LUA_TFUNCTION)
		return luaL_error(L, "a callback function is needed");
	if (lua_getfield(L, 2, "lost") == LUA_TFUNCTION)
		opts.lost = on_lost;
	lua_settop(L, 2);
	lua_getiuservalue(L, 1, TABLE_MODULE);
	lua_getiuservalue(L, -1, MODULE_READERS);
	if (lua_getfield(L, -1, name) != LUA_TNIL)
		return error_raise_state(L, "the events of this table are already open");
	lua_pop(L, 1);
	/* Add it to the list before it is opened, as the library then has its address. */
	opts.ctx = reader_push(L, table);
	lua_rawsetp(L, -3, opts.ctx);
	lua_setfield(L, -2, name);
	error = ebcc_table_open_events(table->handle, &opts);
	if (error)
		reader_forget(L, name);
	return success_return(L, error);
}

int table_close_events(lua_State *L)
{
	struct table_box *table = table_check(L, 1);

	if (table->module->polling)
		return error_raise_state(L, "events can't be closed in a callback of their poll: "
					    "return false there, and close them afterwards");
	ebcc_table_close_events(table->handle);
	lua_getiuservalue(L, 1, TABLE_MODULE);
	lua_getiuservalue(L, -1, MODULE_READERS);
	reader_forget(L, ebcc_table_name(table->handle));
	return 0;
}

/* --- polling --- */

static struct module_box *poll_begin(lua_State *L)
{
	struct module_box *module = module_check(L, POLL_MODULE);

	if (module->polling)
		error_raise_state(L, "this BPF module is already being polled");
	lua_settop(L, POLL_MODULE);
	lua_getiuservalue(L, POLL_MODULE, MODULE_READERS);
	lua_pushcfunction(L, add_traceback);
	luaL_checkstack(L, LUA_MINSTACK, "poll");
	module->poll_state = L;
	module->polling = true;
	module->failed = false;
	module->delivered = 0;
	return module;
}

/* Returns the number of events, or raises what a callback raised. An interrupted wait returns no
 * events; the interpreter runs its own signal handler next. */
static int poll_end(lua_State *L, struct module_box *module, struct ebcc_error *error)
{
	module->polling = false;
	module->poll_state = NULL;
	if (module->closing)
		module_release(module);
	if (error && (ebcc_error_code(error) == EBCC_ERROR_CALLBACK ||
		      ebcc_error_code(error) == EBCC_ERROR_INTERRUPTED)) {
		ebcc_error_destroy(error);
		error = NULL;
	}
	if (module->failed) {
		ebcc_error_destroy(error);
		return lua_error(L);
	}
	if (error)
		return error_raise(L, error);
	lua_pushinteger(L, module->delivered);
	return 1;
}

/* Module:poll(source, timeout_ms). */
int module_poll(lua_State *L)
{
	enum ebcc_event_source source = luaL_checkinteger(L, 2);
	int timeout = int_check(L, 3);
	struct module_box *module = poll_begin(L);
	struct ebcc_error *error;

	error = ebcc_module_poll_source(module->handle, source, timeout < 0 ? -1 : timeout, NULL);
	return poll_end(L, module, error);
}

/* Module:consume(source). */
int module_consume(lua_State *L)
{
	enum ebcc_event_source source = luaL_checkinteger(L, 2);
	struct module_box *module = poll_begin(L);
	struct ebcc_error *error;

	error = ebcc_module_consume_source(module->handle, source, NULL);
	return poll_end(L, module, error);
}
