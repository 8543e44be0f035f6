/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Lua module ebcc._ebcc share: its handles, the conversion of the library's
 * errors to Lua's, and of typed values in both directions. The module is a thin layer over ebcc.h;
 * what runs once per call of a script is written in Lua, in ebcc/.
 *
 * Conventions: a handle is a full userdata that is created closed and then opened, so a Lua error
 * (out of memory) between the two leaks nothing; __gc and __close accept half-open ones. Handles
 * that belong to a module (programs, links, tables) hold the module's userdata in user value 1.
 * Functions whose failure a script may want to handle return nil, a message and an errno; all
 * others raise.
 */
#ifndef LUAEBCC_H
#define LUAEBCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "ebcc.h"

/* Names of the metatables of handles. */
#define MODULE_TYPE "ebcc.Module"
#define PROGRAM_TYPE "ebcc.Program"
#define LINK_TYPE "ebcc.Link"
#define TABLE_TYPE "ebcc.Table"
#define LAYOUT_TYPE "ebcc.Layout"

/* User values of a module's userdata. */
enum module_uservalue {
	MODULE_LAYOUTS = 1, /* table: address of an ebcc_type -> its layout */
	MODULE_READERS = 2, /* table: name of a table -> its open reader */
	MODULE_LOG = 3,	    /* the log function, or nil */
	MODULE_USERVALUES = 3,
};

struct module_box {
	struct ebcc_module *handle; /* NULL: not open yet, or closed */
	lua_State *state;	    /* the state of the current call: the log function runs there */
	lua_State *poll_state;	    /* the state of the current poll: event callbacks run there */
	lua_Integer delivered;	    /* events of this poll */
	bool polling;
	bool closing; /* to be closed when the current poll returns */
	bool failed;  /* a callback of this poll raised an error, which is on top of the stack */
};

struct program_box {
	struct module_box *module;
	struct ebcc_program *handle; /* borrowed from the module */
};

/* User values of a table's userdata. */
enum table_uservalue {
	TABLE_MODULE = 1,
	TABLE_KEY = 2,	/* layout of keys, or nil if the table has none */
	TABLE_LEAF = 3, /* layout of one element of a value */
	TABLE_USERVALUES = 3,
};

struct table_box {
	struct module_box *module;
	struct ebcc_table *handle; /* borrowed from the module */
	size_t key_size;
	size_t value_size; /* as in the kernel: for all CPUs */
	size_t leaf_size;
	size_t stride; /* distance between the elements of two CPUs, in bytes */
	unsigned cpus; /* elements of a value: 1 unless the table is per CPU */
	bool per_cpu;
	bool stacks; /* a table of stack traces: its values are lists of addresses */
	bool array;  /* keys are indices, starting at 0; nothing can be deleted */
};

/* --- error.c --- */

/** Raises @p error, which is consumed, as a table with a __tostring. */
int error_raise(lua_State *L, struct ebcc_error *error);
/** Raises the text on top of the stack, prefixed with the script's line. */
int error_fail(lua_State *L);
/** Like luaL_argerror(), but with the script's line if the caller is the package's own Lua code. */
int argument_fail(lua_State *L, int arg, const char *text);
/** Raises an error for a call at the wrong time, or on a closed handle. */
int error_raise_state(lua_State *L, const char *message);
/** For calls whose failure a script may want to handle: returns nil, message, errno. Raises on
 *  misuse, and for failures that a script can't handle. @p error is consumed. */
int error_return(lua_State *L, struct ebcc_error *error);
/** The same for a call without a result: returns true if @p error is NULL. */
int success_return(lua_State *L, struct ebcc_error *error);
void error_add(lua_State *L);

/* --- luaebcc.c --- */

/** Creates the metatable @p name, with @p methods as __index and @p meta as metamethods. The
 *  methods are also stored in the table "methods" of the module, which is at index 1. */
void handle_register(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta);
/** Returns nil, because tostring(f()) is an error if f returns nothing. */
int nil_return(lua_State *L);
/** Read the field @p name of the table at @p index, and leave nothing on the stack. Strings are
 *  borrowed from the table. */
const char *option_string(lua_State *L, int index, const char *name);
const char *option_needed(lua_State *L, int index, const char *name);
lua_Integer option_integer(lua_State *L, int index, const char *name, lua_Integer fallback);
/** The same for 32-bit numbers. They raise if the number doesn't fit: truncated, it might be the id
 *  of another process. */
int option_int(lua_State *L, int index, const char *name, int fallback);
uint32_t option_unsigned(lua_State *L, int index, const char *name);
bool option_boolean(lua_State *L, int index, const char *name);
/** A 32-bit argument; int_optional() returns @p fallback if it is missing. */
int int_check(lua_State *L, int arg);
int int_optional(lua_State *L, int arg, int fallback);
uint32_t unsigned_optional(lua_State *L, int arg);
/** Pushes a block with pointers to the strings of the list at @p index, which are borrowed. */
const char **strings_push(lua_State *L, int index, size_t *ret_count);
/** Pushes a list of the library's strings, and frees it. */
void strings_return(lua_State *L, char **strings, size_t count);

/* --- module.c --- */

void module_add(lua_State *L);
/** Detaches and unloads everything. */
void module_release(struct module_box *module);
/** The open module at @p index; records that @p L uses it. Raises if it is closed. */
struct module_box *module_check(lua_State *L, int index);
/** The same for the module in user value 1 of the userdata at @p index. */
struct module_box *module_of(lua_State *L, int index, struct module_box *module);

/* --- program.c, link.c --- */

void program_add(lua_State *L);
/** Pushes a program of the module at @p module_index. */
void program_push(lua_State *L, int module_index, struct ebcc_program *handle);
/** The program at @p index of an open module. */
struct program_box *program_check(lua_State *L, int index);
void link_add(lua_State *L);
/** Pushes a link that is not open yet, of the module of the program at @p program_index. */
struct ebcc_link **link_push(lua_State *L, int program_index);

/* --- type.c --- */

/** How a value is represented in Lua. */
enum value_form {
	VALUE_UNSIGNED,
	VALUE_SIGNED,
	VALUE_BOOLEAN,
	VALUE_FLOAT,
	VALUE_TEXT,   /* an array of char: a string up to its NUL */
	VALUE_BYTES,  /* a string of all its bytes, for types that Lua doesn't have */
	VALUE_RECORD, /* a struct or union */
	VALUE_ARRAY,
};

struct layout_member {
	const char *name; /* owned by the layout's list of names */
	uint64_t bit_offset;
	uint32_t bit_size; /* of a bit field, or 0 */
	const struct layout *layout;
};

/* A userdata: a copy of what the bindings need of a type, which outlives the module. */
struct layout {
	enum value_form form;
	size_t size;		       /* in bytes */
	size_t count;		       /* members or elements */
	const struct layout *element;  /* of an array */
	struct layout_member *members; /* of a record, including those of anonymous members */
};

void type_add(lua_State *L);
/** Pushes the layout of @p type, which is built once per module. */
const struct layout *layout_push(lua_State *L, int module_index, const struct ebcc_type *type);
/** Pushes a layout for @p size bytes of unknown type: an integer if there is one of that size. */
const struct layout *layout_push_plain(lua_State *L, size_t size);
/** Pushes the metatable of the records or arrays of the layout at @p index, or nil. */
void layout_push_metatable(lua_State *L, int index);
/** If the table at @p index (absolute) is a list with one element, pushes that; else pushes nothing
 *  and returns false. */
bool only_element_push(lua_State *L, int index);
/** Writes the Lua value at @p index (absolute) to @p data, layout->size bytes. If it doesn't fit
 * and is a list with one element, tries that element. If that doesn't fit either, raises an error
 * for argument @p arg that says which part of the value is wrong. */
void value_read(lua_State *L, int arg, int index, const struct layout *layout, void *data);
/** The same for a value that isn't an argument; the error mentions its @p name. */
void constant_read(lua_State *L, int index, const struct layout *layout, void *data,
		   const char *name);
/** Sets one member of the record at @p data, or raises and leaves it unchanged. */
void member_assign(lua_State *L, int index, const struct layout_member *member, void *data);
/** Sets the array element at @p data, whose index is @p number, counting from 1. */
void element_assign(lua_State *L, int index, const struct layout *element, void *data,
		    lua_Integer number);

/* --- record.c --- */

/** Pushes the Lua value of @p data. Records and arrays are copies of the bytes.
 *  @param metatable stack index of their metatable; ignored for other forms. */
void value_push(lua_State *L, const struct layout *layout, const void *data, int metatable);
/** The same for an event of @p size bytes; if it is too short, the rest is zero. */
void value_push_event(lua_State *L, const struct layout *layout, const void *data, size_t size,
		      int metatable);
/** Replaces names and children of a layout, which are on top of the stack above its userdata, with
 *  the metatable of its records or arrays. */
void value_metatable_create(lua_State *L, const struct layout *layout);
/** The bytes of the record or array at @p arg, and its layout; NULL if it is something else. */
const void *value_bytes(lua_State *L, int arg, const struct layout **ret_layout);
/** An integer of @p bits at @p bit_offset of @p data. */
uint64_t bits_read(const void *data, uint64_t bit_offset, uint32_t bits);
void bits_write(void *data, uint64_t bit_offset, uint32_t bits, uint64_t value);
void record_add(lua_State *L);

/* --- other files --- */

void table_add(lua_State *L);
/** Module:table(name). */
int module_table(lua_State *L);
/** The table at @p index of an open module. */
struct table_box *table_check(lua_State *L, int index);
int table_open_events(lua_State *L);
int table_close_events(lua_State *L);
int module_poll(lua_State *L);
int module_consume(lua_State *L);
void symbols_add(lua_State *L);
void usdt_add(lua_State *L);
/** Program:attach_usdt(usdt, probe, every_process, cookie). */
int attach_usdt(lua_State *L);
void finding_add(lua_State *L);
void trace_pipe_add(lua_State *L);
void posix_add(lua_State *L);

#endif /* LUAEBCC_H */
