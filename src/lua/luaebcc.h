/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Lua module ebcc._ebcc share: its handles, how errors of the library
 * become Lua's, and how described values cross. The module is a thin layer over ebcc.h; what
 * runs once per call of a script is Lua, in ebcc/.
 *
 * Rules of the house. A handle is a full userdata that is created closed and then opened, so
 * that an error of Lua's own (memory) between the two leaks nothing; __gc and __close take
 * half-open ones. What belongs to a module (programs, links, tables) holds the module's
 * userdata in user value 1. Functions whose failure a script may want to live with return
 * nil, a message and an errno; everything else raises.
 */
#ifndef LUAEBCC_H
#define LUAEBCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "ebcc.h"

/* Names of the handles' metatables. */
#define MODULE_TYPE "ebcc.Module"
#define PROGRAM_TYPE "ebcc.Program"
#define LINK_TYPE "ebcc.Link"
#define TABLE_TYPE "ebcc.Table"
#define LAYOUT_TYPE "ebcc.Layout"

/* User values of a module's userdata. */
enum module_uservalue {
	MODULE_LAYOUTS = 1, /* table: address of an ebcc_type -> its layout */
	MODULE_READERS = 2, /* table: name of a table -> its open reader */
	MODULE_LOG = 3,	    /* function of the log, or nil */
	MODULE_USERVALUES = 3,
};

struct module_box {
	struct ebcc_module *handle; /* NULL: not open yet, or closed */
	lua_State *state;	    /* whose call is under way: the log's function runs there */
	lua_State *poll_state;	    /* whose poll is under way: events' callbacks run there */
	lua_Integer delivered;	    /* events of this poll */
	bool polling;
	bool closing; /* closed as soon as the poll under way returns */
	bool failed;  /* a callback of this poll raised; what it raised is on top of the stack */
};

struct program_box {
	struct module_box *module;
	struct ebcc_program *handle; /* borrowed from the module */
};

/* User values of a table's userdata. */
enum table_uservalue {
	TABLE_MODULE = 1,
	TABLE_KEY = 2,	/* layout of keys, nil where there are none */
	TABLE_LEAF = 3, /* layout of one element of a value */
	TABLE_USERVALUES = 3,
};

struct table_box {
	struct module_box *module;
	struct ebcc_table *handle; /* borrowed from the module */
	size_t key_size;
	size_t value_size; /* as the kernel has it: of all CPUs */
	size_t leaf_size;
	size_t stride; /* from one CPU's element to the next */
	unsigned cpus; /* elements of a value: 1 unless the table is per CPU */
	bool per_cpu;
	bool stacks; /* a table of stack traces: its values are lists of addresses */
	bool array;  /* keys are indices from 0 on; nothing can be deleted */
};

/* --- error.c --- */

/** Raises @p error, which is consumed, as a table with a __tostring. */
int error_raise(lua_State *L, struct ebcc_error *error);
/** Raises the text on top of the stack, with the script's line before it. */
int error_fail(lua_State *L);
/** As luaL_argerror(), with the line of the script where the package's own Lua is the caller. */
int argument_fail(lua_State *L, int arg, const char *text);
/** Raises what happened at the wrong time, or to a closed handle. */
int error_raise_state(lua_State *L, const char *message);
/** For calls whose failure a script may want to live with: nil, message, errno. Misuse, and what
 *  a script can't go on with, raises. @p error is consumed. */
int error_return(lua_State *L, struct ebcc_error *error);
/** The same for a call without a result: true where @p error is NULL. */
int success_return(lua_State *L, struct ebcc_error *error);
void error_add(lua_State *L);

/* --- luaebcc.c --- */

/** Makes the metatable @p name, with @p methods as __index and @p meta as its own functions. The
 * methods are in the table "methods" of the module, which is at index 1. */
void handle_register(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta);
/** Returns nil, where a bare return would make tostring(f()) an error. */
int nil_return(lua_State *L);
/** Member @p name of the table at @p index; these leave nothing on the stack. Text is borrowed from
 *  the table. */
const char *option_string(lua_State *L, int index, const char *name);
const char *option_needed(lua_State *L, int index, const char *name);
lua_Integer option_integer(lua_State *L, int index, const char *name, lua_Integer fallback);
/** The same for numbers of 32 bits: what doesn't fit raises, as a process of another number would
 * be meant otherwise. */
int option_int(lua_State *L, int index, const char *name, int fallback);
uint32_t option_unsigned(lua_State *L, int index, const char *name);
bool option_boolean(lua_State *L, int index, const char *name);
/** An argument of 32 bits; those that may be left out are the fallback, or 0, then. */
int int_check(lua_State *L, int arg);
int int_optional(lua_State *L, int arg, int fallback);
uint32_t unsigned_optional(lua_State *L, int arg);
/** Strings of the list at @p index, borrowed from it, in memory that Lua owns, which is pushed. */
const char **strings_push(lua_State *L, int index, size_t *ret_count);
/** Pushes a list of the library's strings, and frees it. */
void strings_return(lua_State *L, char **strings, size_t count);

/* --- module.c --- */

void module_add(lua_State *L);
/** Detaches and unloads everything. */
void module_release(struct module_box *module);
/** The open module at @p index, noted to be in use by @p L; raises for a closed one. */
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
/** Pushes a link that isn't open yet, of the module of the program at @p program_index. */
struct ebcc_link **link_push(lua_State *L, int program_index);

/* --- type.c --- */

/** How a value crosses. */
enum value_form {
	VALUE_UNSIGNED,
	VALUE_SIGNED,
	VALUE_BOOLEAN,
	VALUE_FLOAT,
	VALUE_TEXT,   /* an array of char: a string up to its NUL */
	VALUE_BYTES,  /* a string of all of its bytes: what Lua has no type for */
	VALUE_RECORD, /* a struct or union */
	VALUE_ARRAY,
};

struct layout_member {
	const char *name; /* owned by the layout's list of names */
	uint64_t bit_offset;
	uint32_t bit_size; /* of a bit field, or 0 */
	const struct layout *layout;
};

/* A type as the bindings need it, copied from the library: it outlives the module. A userdata. */
struct layout {
	enum value_form form;
	size_t size;		       /* in bytes */
	size_t count;		       /* members or elements */
	const struct layout *element;  /* of an array */
	struct layout_member *members; /* of a record; those of nameless parts are among them */
};

void type_add(lua_State *L);
/** Pushes the layout of @p type, built once per module. */
const struct layout *layout_push(lua_State *L, int module_index, const struct ebcc_type *type);
/** Pushes a layout for @p size bytes without a description: an integer where one has that size. */
const struct layout *layout_push_plain(lua_State *L, size_t size);
/** Pushes the metatable of the records or arrays of the layout at @p index, or nil. */
void layout_push_metatable(lua_State *L, int index);
/** Pushes the only thing in the table at @p index (absolute), if it is a list of one; else pushes
 *  nothing and returns false. */
bool only_element_push(lua_State *L, int index);
/** Writes the Lua value at @p index (absolute) to @p data, layout->size bytes. Of what doesn't fit,
 * a list of one is taken for what is in it. Where that doesn't fit either, it is argument @p arg of
 * the function that is wrong, and the words say which part of it. */
void value_read(lua_State *L, int arg, int index, const struct layout *layout, void *data);
/** The same for a value that is no argument; its @p name is part of the words. */
void constant_read(lua_State *L, int index, const struct layout *layout, void *data,
		   const char *name);
/** Sets one member of the record at @p data, or leaves it as it was and raises. */
void member_assign(lua_State *L, int index, const struct layout_member *member, void *data);
/** Sets the element at @p data of an array; @p number is its own, from 1 on. */
void element_assign(lua_State *L, int index, const struct layout *element, void *data,
		    lua_Integer number);

/* --- record.c --- */

/** Pushes the Lua value of @p data. Records and arrays are copies of the bytes.
 *  @param metatable index of their metatable on the stack; not looked at for other forms. */
void value_push(lua_State *L, const struct layout *layout, const void *data, int metatable);
/** An event of @p size bytes: what is missing of it is zero. */
void value_push_event(lua_State *L, const struct layout *layout, const void *data, size_t size,
		      int metatable);
/** Replaces names and children of a layout, on top of the stack, by the metatable of its records or
 *  arrays; the layout's userdata is below them. */
void value_metatable_create(lua_State *L, const struct layout *layout);
/** The bytes of the record or array at @p arg and its layout, or NULL if it is none. */
const void *value_bytes(lua_State *L, int arg, const struct layout **ret_layout);
/** An integer of @p bits at @p bit_offset of @p data. */
uint64_t bits_read(const void *data, uint64_t bit_offset, uint32_t bits);
void bits_write(void *data, uint64_t bit_offset, uint32_t bits, uint64_t value);
void record_add(lua_State *L);

/* --- the other subjects --- */

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
/** Program:attach_usdt(usdt, probe, every_process). */
int attach_usdt(lua_State *L);
void finding_add(lua_State *L);
void trace_pipe_add(lua_State *L);
void posix_add(lua_State *L);

#endif /* LUAEBCC_H */
