/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to Lua values. Numbers, booleans and text become Lua's own types. Structs and arrays
 * become userdata with a copy of the bytes; members are decoded when they are read, so an event
 * with thirty members costs only what the script looks at. A struct or array inside another is a
 * view of it. Arrays start at 1, as in Lua. Records can be modified, compared, and iterated over
 * with pairs().
 */
#include <string.h>

#include "luaebcc.h"

/* A record or array. Without a parent, its bytes follow in the userdata. */
struct value {
	const struct layout *layout; /* kept alive by the metatable */
	unsigned char *data;
};

/* Upvalues of the metamethods of one layout. */
#define NAMES lua_upvalueindex(1)
#define CHILDREN lua_upvalueindex(2)
/* Of the iterators of pairs(): the layout. */
#define WALKED lua_upvalueindex(3)

/* A key that only the metatables of records and arrays have. */
static const char value_key;

uint64_t bits_read(const void *data, uint64_t bit_offset, uint32_t bits)
{
	const unsigned char *bytes = data;
	uint64_t value = 0;

	for (uint32_t i = 0; i < bits; i++) {
		uint64_t at = bit_offset + i;

		value |= (uint64_t)(bytes[at / 8] >> (at % 8) & 1) << i;
	}
	return value;
}

void bits_write(void *data, uint64_t bit_offset, uint32_t bits, uint64_t value)
{
	unsigned char *bytes = data;

	for (uint32_t i = 0; i < bits; i++) {
		uint64_t at = bit_offset + i;

		bytes[at / 8] &= ~(1 << (at % 8));
		bytes[at / 8] |= (value >> i & 1) << (at % 8);
	}
}

static lua_Integer extend(uint64_t value, unsigned bits, bool is_signed)
{
	unsigned shift = 64 - bits;

	return is_signed ? (int64_t)(value << shift) >> shift : (int64_t)value;
}

/* Reads a number. This runs for every field that is read; memcpy() of a constant size compiles to a
 * single instruction. */
static uint64_t number_load(const void *data, size_t size)
{
	uint64_t value = 0;

	if (size == 8)
		memcpy(&value, data, 8);
	else if (size == 4)
		memcpy(&value, data, 4);
	else
		memcpy(&value, data, size);
	return value;
}

static void number_push(lua_State *L, const struct layout *layout, const void *data)
{
	uint64_t value = number_load(data, layout->size);

	if (layout->form == VALUE_BOOLEAN)
		lua_pushboolean(L, value != 0);
	else
		lua_pushinteger(L, extend(value, layout->size * 8, layout->form == VALUE_SIGNED));
}

static void float_push(lua_State *L, const struct layout *layout, const void *data)
{
	float narrow;
	double wide;

	if (layout->size == sizeof(narrow)) {
		memcpy(&narrow, data, sizeof(narrow));
		wide = narrow;
	} else {
		memcpy(&wide, data, sizeof(wide));
	}
	lua_pushnumber(L, wide);
}

/* Pushes a value other than a record or array. */
static void plain_push(lua_State *L, const struct layout *layout, const void *data)
{
	switch (layout->form) {
	case VALUE_FLOAT:
		float_push(L, layout, data);
		break;
	case VALUE_TEXT:
		lua_pushlstring(L, data, strnlen(data, layout->size));
		break;
	case VALUE_BYTES:
		lua_pushlstring(L, data, layout->size);
		break;
	default:
		number_push(L, layout, data);
		break;
	}
}

static bool is_composite(const struct layout *layout)
{
	return layout->form == VALUE_RECORD || layout->form == VALUE_ARRAY;
}

static struct value *value_create(lua_State *L, const struct layout *layout, int metatable)
{
	struct value *value = lua_newuserdatauv(L, sizeof(*value) + layout->size, 0);

	value->layout = layout;
	value->data = (unsigned char *)(value + 1);
	lua_pushvalue(L, metatable);
	lua_setmetatable(L, -2);
	return value;
}

void value_push(lua_State *L, const struct layout *layout, const void *data, int metatable)
{
	if (is_composite(layout))
		memcpy(value_create(L, layout, metatable)->data, data, layout->size);
	else
		plain_push(L, layout, data);
}

void value_push_event(lua_State *L, const struct layout *layout, const void *data, size_t size,
		      int metatable)
{
	struct value *value;

	if (size >= layout->size) {
		value_push(L, layout, data, metatable);
	} else if (is_composite(layout)) {
		value = value_create(L, layout, metatable);
		memcpy(value->data, data, size);
		memset(value->data + size, 0, layout->size - size);
	} else {
		char *whole = lua_newuserdatauv(L, layout->size, 0);

		memcpy(whole, data, size);
		memset(whole + size, 0, layout->size - size);
		plain_push(L, layout, whole);
		lua_remove(L, -2);
	}
}

/* The record or array at @p index, or NULL. */
static struct value *value_test(lua_State *L, int index)
{
	struct value *value = lua_touserdata(L, index);
	bool ours;

	if (!value || !lua_getmetatable(L, index))
		return NULL;
	ours = lua_rawgetp(L, -1, &value_key) != LUA_TNIL;
	lua_pop(L, 2);
	return ours ? value : NULL;
}

static struct value *value_check(lua_State *L, int index)
{
	struct value *value = value_test(L, index);

	if (!value)
		luaL_typeerror(L, index, "ebcc record");
	return value;
}

const void *value_bytes(lua_State *L, int arg, const struct layout **ret_layout)
{
	struct value *value = value_test(L, arg);

	if (!value)
		return NULL;
	*ret_layout = value->layout;
	return value->data;
}

/* --- members and elements --- */

/* Pushes the part at @p data of the value at index 1; its layout is child @p number. */
static void part_push(lua_State *L, const struct layout *layout, lua_Integer number,
		      unsigned char *data)
{
	struct value *view;

	if (!is_composite(layout)) {
		plain_push(L, layout, data);
		return;
	}
	view = lua_newuserdatauv(L, sizeof(*view), 1);
	view->layout = layout;
	view->data = data;
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	lua_rawgeti(L, CHILDREN, number);
	layout_push_metatable(L, -1);
	lua_setmetatable(L, -3);
	lua_pop(L, 1);
}

static void member_push(lua_State *L, const struct value *value, lua_Integer number)
{
	const struct layout_member *member = &value->layout->members[number - 1];
	uint64_t bits;

	if (member->bit_size) {
		bits = bits_read(value->data, member->bit_offset, member->bit_size);
		if (member->layout->form == VALUE_BOOLEAN)
			lua_pushboolean(L, bits != 0);
		else
			lua_pushinteger(L, extend(bits, member->bit_size,
						  member->layout->form == VALUE_SIGNED));
		return;
	}
	part_push(L, member->layout, number, value->data + member->bit_offset / 8);
}

static lua_Integer no_member(lua_State *L, int index)
{
	if (lua_type(L, index) != LUA_TSTRING)
		return luaL_error(L, "members of a struct have names; this is a %s",
				  luaL_typename(L, index));
	return luaL_error(L, "the struct has no member '%s'", lua_tostring(L, index));
}

/* The number of the member named by the string at @p index; raises if there is none. Leaves the
 * number on the stack, since most callers return next. */
static lua_Integer member_number(lua_State *L, int index)
{
	lua_pushvalue(L, index);
	if (lua_rawget(L, NAMES) != LUA_TNUMBER)
		return no_member(L, index);
	return lua_tointeger(L, -1);
}

static int record_index(lua_State *L)
{
	member_push(L, lua_touserdata(L, 1), member_number(L, 2));
	return 1;
}

static int record_newindex(lua_State *L)
{
	struct value *value = lua_touserdata(L, 1);
	const struct layout_member *member = &value->layout->members[member_number(L, 2) - 1];

	member_assign(L, 3, member, value->data);
	return 0;
}

/* The value that an iterator of pairs() gets. It must have the layout for which the iterator was
 * made, as names and children in the upvalues belong to that one. */
static struct value *walked_value(lua_State *L)
{
	struct value *value = value_check(L, 1);

	lua_settop(L, 2);
	if (value->layout != lua_touserdata(L, WALKED))
		luaL_argerror(L, 1, "this iterator is for values of another type");
	return value;
}

/* pairs(value): an iterator over the value at index 1. */
static int walk_begin(lua_State *L, lua_CFunction next)
{
	value_check(L, 1);
	lua_pushvalue(L, NAMES);
	lua_pushvalue(L, CHILDREN);
	lua_getmetatable(L, 1);
	lua_rawgetp(L, -1, &value_key);
	lua_remove(L, -2);
	lua_pushcclosure(L, next, 3);
	lua_pushvalue(L, 1);
	return 2;
}

/* Names and values in the order of the declaration. */
static int record_next(lua_State *L)
{
	struct value *value = walked_value(L);
	lua_Integer number = lua_isnil(L, 2) ? 1 : member_number(L, 2) + 1;

	if (number > (lua_Integer)value->layout->count)
		return 0;
	lua_rawgeti(L, NAMES, number);
	member_push(L, value, number);
	return 2;
}

static int record_pairs(lua_State *L)
{
	return walk_begin(L, record_next);
}

/* The position at @p index, converted to start at 0; -1 after the end, where ipairs() stops. */
static lua_Integer element_position(lua_State *L, const struct layout *layout, int index)
{
	lua_Integer position = luaL_checkinteger(L, index);

	if (position < 1)
		luaL_error(L, "arrays start at 1; there is no element %I", position);
	return position <= (lua_Integer)layout->count ? position - 1 : -1;
}

static void element_push(lua_State *L, const struct value *value, lua_Integer position)
{
	const struct layout *element = value->layout->element;

	part_push(L, element, 1, value->data + position * element->size);
}

static int array_index(lua_State *L)
{
	struct value *value = lua_touserdata(L, 1);
	lua_Integer position = element_position(L, value->layout, 2);

	if (position < 0)
		return 0;
	element_push(L, value, position);
	return 1;
}

static int array_newindex(lua_State *L)
{
	struct value *value = lua_touserdata(L, 1);
	const struct layout *element = value->layout->element;
	lua_Integer position = element_position(L, value->layout, 2);

	if (position < 0)
		return luaL_error(L, "the array ends at %d", (int)value->layout->count);
	element_assign(L, 3, element, value->data + position * element->size, position + 1);
	return 0;
}

static int array_next(lua_State *L)
{
	struct value *value = walked_value(L);
	lua_Integer position = lua_isnil(L, 2) ? 0 : luaL_checkinteger(L, 2);

	if (position < 0 || position >= (lua_Integer)value->layout->count)
		return 0;
	lua_pushinteger(L, position + 1);
	element_push(L, value, position);
	return 2;
}

static int array_pairs(lua_State *L)
{
	return walk_begin(L, array_next);
}

static int array_len(lua_State *L)
{
	struct value *value = lua_touserdata(L, 1);

	lua_pushinteger(L, value->layout->count);
	return 1;
}

/* --- whole values --- */

static int value_eq(lua_State *L)
{
	struct value *one = value_test(L, 1), *other = value_test(L, 2);

	lua_pushboolean(L, one && other && one->layout->size == other->layout->size &&
				   memcmp(one->data, other->data, one->layout->size) == 0);
	return 1;
}

/* Replaces the string on top of the stack with one in quotes. It may be untrusted, such as the name
 * of a process, so bytes that could control a terminal are escaped. */
static void quote(lua_State *L)
{
	static const char digits[] = "0123456789abcdef";
	size_t size;
	const unsigned char *text = (const unsigned char *)lua_tolstring(L, -1, &size);
	luaL_Buffer buffer;

	luaL_buffinit(L, &buffer);
	luaL_addchar(&buffer, '"');
	for (size_t i = 0; i < size; i++) {
		if (text[i] < ' ' || text[i] == 0x7f) {
			luaL_addstring(&buffer, "\\x");
			luaL_addchar(&buffer, digits[text[i] >> 4]);
			luaL_addchar(&buffer, digits[text[i] & 15]);
			continue;
		}
		if (text[i] == '"' || text[i] == '\\')
			luaL_addchar(&buffer, '\\');
		luaL_addchar(&buffer, text[i]);
	}
	luaL_addchar(&buffer, '"');
	luaL_pushresult(&buffer);
	lua_remove(L, -2);
}

/* Appends the text of the value on top of the stack to a list, and pops it. */
static void text_add(lua_State *L, int list)
{
	if (lua_type(L, -1) == LUA_TSTRING) {
		quote(L);
	} else {
		luaL_tolstring(L, -1, NULL);
		lua_remove(L, -2);
	}
	lua_seti(L, list, luaL_len(L, list) + 1);
}

static int parts_join(lua_State *L, int list)
{
	size_t count = luaL_len(L, list);
	luaL_Buffer buffer;

	luaL_buffinit(L, &buffer);
	luaL_addchar(&buffer, '{');
	for (size_t i = 1; i <= count; i++) {
		lua_geti(L, list, i);
		luaL_addvalue(&buffer);
		if (i < count)
			luaL_addstring(&buffer, ", ");
	}
	luaL_addchar(&buffer, '}');
	luaL_pushresult(&buffer);
	return 1;
}

/* tostring(value): {pid = 1, comm = "x"} or {1, 2}. */
static int value_tostring(lua_State *L)
{
	struct value *value = lua_touserdata(L, 1);
	bool record = value->layout->form == VALUE_RECORD;

	luaL_checkstack(L, 8, "nested values");
	lua_settop(L, 1);
	lua_newtable(L);
	for (size_t i = 0; i < value->layout->count; i++) {
		if (record)
			member_push(L, value, i + 1);
		else
			element_push(L, value, i);
		text_add(L, 2);
		if (!record)
			continue;
		lua_geti(L, 2, i + 1);
		lua_pushfstring(L, "%s = %s", value->layout->members[i].name, lua_tostring(L, -1));
		lua_seti(L, 2, i + 1);
		lua_pop(L, 1);
	}
	return parts_join(L, 2);
}

static void closure_set(lua_State *L, int names, const char *name, lua_CFunction function)
{
	lua_pushvalue(L, names);
	lua_pushvalue(L, names + 1);
	lua_pushcclosure(L, function, 2);
	lua_setfield(L, names + 2, name);
}

void value_metatable_create(lua_State *L, const struct layout *layout)
{
	bool record = layout->form == VALUE_RECORD;
	int names = lua_gettop(L) - 1;

	lua_newtable(L);
	/* Keeps the layout alive, as values point to it. */
	lua_pushvalue(L, names - 1);
	lua_rawsetp(L, -2, &value_key);
	lua_pushliteral(L, "ebcc record");
	lua_setfield(L, -2, "__name");
	lua_pushliteral(L, "ebcc record");
	lua_setfield(L, -2, "__metatable");
	closure_set(L, names, "__index", record ? record_index : array_index);
	closure_set(L, names, "__newindex", record ? record_newindex : array_newindex);
	closure_set(L, names, "__pairs", record ? record_pairs : array_pairs);
	closure_set(L, names, "__eq", value_eq);
	closure_set(L, names, "__tostring", value_tostring);
	if (!record)
		closure_set(L, names, "__len", array_len);
	lua_replace(L, names);
	lua_settop(L, names);
}

/* --- functions --- */

/* _ebcc.bytes(record): its bytes as a string, usable as the key of a Lua table. */
static int record_bytes(lua_State *L)
{
	struct value *value = value_check(L, 1);

	lua_pushlstring(L, (const char *)value->data, value->layout->size);
	return 1;
}

/* _ebcc.form(value): "struct" or "array" for a record, nil for anything else. */
static int record_form(lua_State *L)
{
	struct value *value = value_test(L, 1);

	if (!value)
		return nil_return(L);
	lua_pushstring(L, value->layout->form == VALUE_RECORD ? "struct" : "array");
	return 1;
}

void record_add(lua_State *L)
{
	lua_pushcfunction(L, record_bytes);
	lua_setfield(L, -2, "bytes");
	lua_pushcfunction(L, record_form);
	lua_setfield(L, -2, "form");
}
