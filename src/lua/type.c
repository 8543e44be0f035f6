/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the library's types to layouts, and from Lua values to bytes. A layout is a copy of a type,
 * made once per type and module, so that records outlive the module that they come from. Types come
 * from an object file, so inconsistent ones are rejected.
 */
#include <stdarg.h>
#include <string.h>

#include "luaebcc.h"

/* No C source nests types deeper than this. */
#define DEPTH_MAX 64

/* User values of a layout's userdata. */
enum layout_uservalue {
	LAYOUT_METATABLE = 1, /* of its records or arrays */
	LAYOUT_CHILDREN = 2,  /* list: the layouts of members, or of elements */
	LAYOUT_NAMES = 3, /* list: names of members in order; and name -> number of the member */
	LAYOUT_USERVALUES = 3,
};

static const struct layout *layout_build(lua_State *L, int cache, const struct ebcc_type *type,
					 int depth);

static int damaged(lua_State *L)
{
	return luaL_error(L, "the BPF object has a malformed type");
}

static bool is_char(const struct ebcc_type *type)
{
	return type && ebcc_type_kind(type) == EBCC_TYPE_INT && ebcc_type_size(type) == 1 &&
	       ((ebcc_type_encoding(type) == EBCC_INT_CHAR && ebcc_type_is_signed(type)) ||
		strcmp(ebcc_type_name(type), "char") == 0);
}

static bool is_record(const struct ebcc_type *type)
{
	return type && (ebcc_type_kind(type) == EBCC_TYPE_STRUCT ||
			ebcc_type_kind(type) == EBCC_TYPE_UNION);
}

static enum value_form integer_form(const struct ebcc_type *type)
{
	size_t size = ebcc_type_size(type);

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return VALUE_BYTES;
	if (ebcc_type_encoding(type) == EBCC_INT_BOOL)
		return VALUE_BOOLEAN;
	return ebcc_type_is_signed(type) ? VALUE_SIGNED : VALUE_UNSIGNED;
}

static enum value_form form_of(const struct ebcc_type *type)
{
	size_t size = ebcc_type_size(type);

	switch (ebcc_type_kind(type)) {
	case EBCC_TYPE_INT:
	case EBCC_TYPE_ENUM:
		return integer_form(type);
	case EBCC_TYPE_POINTER:
		return size == 8 || size == 4 ? VALUE_UNSIGNED : VALUE_BYTES;
	case EBCC_TYPE_FLOAT:
		return size == sizeof(float) || size == sizeof(double) ? VALUE_FLOAT : VALUE_BYTES;
	case EBCC_TYPE_ARRAY:
		return is_char(ebcc_type_target(type)) ? VALUE_TEXT : VALUE_ARRAY;
	case EBCC_TYPE_STRUCT:
	case EBCC_TYPE_UNION:
		return VALUE_RECORD;
	default:
		return VALUE_BYTES;
	}
}

/* Pushes an empty layout. */
static struct layout *layout_create(lua_State *L, enum value_form form, size_t size)
{
	struct layout *layout = lua_newuserdatauv(L, sizeof(*layout), LAYOUT_USERVALUES);

	memset(layout, 0, sizeof(*layout));
	layout->form = form;
	layout->size = size;
	luaL_setmetatable(L, LAYOUT_TYPE);
	return layout;
}

/* The number of members of a record, including those of anonymous members, without padding. */
static size_t members_count(lua_State *L, const struct ebcc_type *type, int depth)
{
	struct ebcc_member member;
	size_t total = 0;

	if (depth > DEPTH_MAX)
		damaged(L);
	for (size_t i = 0; ebcc_type_member_at(type, i, &member, sizeof(member)); i++) {
		if (member.name[0])
			total++;
		else if (is_record(member.type))
			total += members_count(L, member.type, depth + 1);
	}
	return total;
}

/* Where the members of a record are collected; the integers are stack indices. */
struct record_build {
	struct layout *layout;
	int cache;
	int children;
	int names;
	int depth;
};

static void member_add(lua_State *L, struct record_build *build, const struct ebcc_member *member,
		       uint64_t base)
{
	struct layout *record = build->layout;
	struct layout_member *ret = &record->members[record->count];
	uint64_t width;

	ret->layout = layout_build(L, build->cache, member->type, build->depth + 1);
	lua_rawseti(L, build->children, record->count + 1);
	ret->bit_offset = base + member->bit_offset;
	ret->bit_size = member->bit_size;
	width = ret->bit_size ? ret->bit_size : ret->layout->size * 8;
	if (ret->bit_offset > record->size * 8 || width > record->size * 8 - ret->bit_offset ||
	    ret->bit_size > 64)
		damaged(L);
	ret->name = lua_pushstring(L, member->name);
	lua_rawseti(L, build->names, record->count + 1);
	lua_pushinteger(L, record->count + 1);
	lua_setfield(L, build->names, member->name);
	record->count++;
}

static void members_add(lua_State *L, struct record_build *build, const struct ebcc_type *type,
			uint64_t base)
{
	struct ebcc_member member;

	for (size_t i = 0; ebcc_type_member_at(type, i, &member, sizeof(member)); i++) {
		if (member.name[0])
			member_add(L, build, &member, base);
		else if (is_record(member.type))
			members_add(L, build, member.type, base + member.bit_offset);
	}
}

/* Completes the layout on top of the stack. */
static void record_complete(lua_State *L, struct layout *layout, int cache,
			    const struct ebcc_type *type, int depth)
{
	struct record_build build = {.layout = layout, .cache = cache, .depth = depth};
	size_t count = members_count(L, type, 0);
	int self = lua_gettop(L);

	lua_newtable(L);
	build.children = self + 1;
	lua_newtable(L);
	build.names = self + 2;
	/* The memory of the members is stored with the children, at index 0, which no child has. */
	layout->members = lua_newuserdatauv(L, (count + 1) * sizeof(*layout->members), 0);
	lua_rawseti(L, build.children, 0);
	members_add(L, &build, type, 0);
	lua_setiuservalue(L, self, LAYOUT_NAMES);
	lua_setiuservalue(L, self, LAYOUT_CHILDREN);
}

static void array_complete(lua_State *L, struct layout *layout, int cache,
			   const struct ebcc_type *type, int depth)
{
	lua_newtable(L);
	layout->element = layout_build(L, cache, ebcc_type_target(type), depth + 1);
	lua_rawseti(L, -2, 1);
	layout->count = ebcc_type_count(type);
	lua_setiuservalue(L, -2, LAYOUT_CHILDREN);
	if (layout->count && layout->element->size > layout->size / layout->count)
		damaged(L);
}

/* Leaves the userdata of the layout on the stack. */
static const struct layout *layout_build(lua_State *L, int cache, const struct ebcc_type *type,
					 int depth)
{
	struct layout *layout;

	luaL_checkstack(L, 12, "types");
	if (!type || depth > DEPTH_MAX)
		damaged(L);
	if (lua_rawgetp(L, cache, type) == LUA_TUSERDATA)
		return lua_touserdata(L, -1);
	lua_pop(L, 1);
	layout = layout_create(L, form_of(type), ebcc_type_size(type));
	if (layout->form == VALUE_RECORD)
		record_complete(L, layout, cache, type, depth);
	else if (layout->form == VALUE_ARRAY)
		array_complete(L, layout, cache, type, depth);
	if (layout->form == VALUE_RECORD || layout->form == VALUE_ARRAY) {
		lua_getiuservalue(L, -1, LAYOUT_NAMES);
		lua_getiuservalue(L, -2, LAYOUT_CHILDREN);
		value_metatable_create(L, layout);
		lua_setiuservalue(L, -2, LAYOUT_METATABLE);
	}
	lua_pushvalue(L, -1);
	lua_rawsetp(L, cache, type);
	return layout;
}

const struct layout *layout_push(lua_State *L, int module_index, const struct ebcc_type *type)
{
	const struct layout *layout;

	module_index = lua_absindex(L, module_index);
	lua_getiuservalue(L, module_index, MODULE_LAYOUTS);
	layout = layout_build(L, lua_gettop(L), type, 0);
	lua_remove(L, -2);
	return layout;
}

const struct layout *layout_push_plain(lua_State *L, size_t size)
{
	bool integer = size == 1 || size == 2 || size == 4 || size == 8;

	return layout_create(L, integer ? VALUE_UNSIGNED : VALUE_BYTES, size);
}

void layout_push_metatable(lua_State *L, int index)
{
	lua_getiuservalue(L, index, LAYOUT_METATABLE);
}

/* --- from Lua to bytes --- */

/*
 * Errors say which part of a value is wrong. A conversion that fails returns false and leaves two
 * strings on top of the stack: the path to the part that is wrong ("", ".list[2].x"), and what is
 * wrong with it. Each caller that knows the place of a part prepends it to the path.
 */
static bool refuse(lua_State *L, const char *format, ...)
{
	va_list arguments;

	lua_pushliteral(L, "");
	va_start(arguments, format);
	lua_pushvfstring(L, format, arguments);
	va_end(arguments);
	return false;
}

/* Prepends the string on top of the stack to the path of the part that is wrong. */
static bool refuse_within(lua_State *L)
{
	lua_pushvalue(L, -3);
	lua_concat(L, 2);
	lua_replace(L, -3);
	return false;
}

/* Joins the two strings. */
static const char *refusal(lua_State *L)
{
	const char *way = lua_tostring(L, -2), *text = lua_tostring(L, -1);

	return way[0] ? lua_pushfstring(L, "%s: %s", way + (way[0] == '.'), text) : text;
}

/* Accepts both signed and unsigned numbers of that many bits, as -1 is a way to write all ones. */
static bool integer_convert(lua_State *L, int arg, unsigned bits, uint64_t *ret)
{
	int whole = lua_isboolean(L, arg);
	lua_Integer value = whole ? lua_toboolean(L, arg) : lua_tointegerx(L, arg, &whole);

	if (!whole || lua_type(L, arg) == LUA_TSTRING)
		return refuse(L, "a whole number is needed, not %s", luaL_tolstring(L, arg, NULL));
	if (bits < 64 && (value < -(INT64_C(1) << (bits - 1)) || value >= INT64_C(1) << bits))
		return refuse(L, "%I does not fit %d bits", value, (int)bits);
	*ret = value;
	return true;
}

static bool whole_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	uint64_t number;

	if (!integer_convert(L, arg, layout->size * 8, &number))
		return false;
	memcpy(data, &number, layout->size);
	return true;
}

static bool boolean_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	uint64_t number;

	if (!integer_convert(L, arg, 64, &number))
		return false;
	memset(data, 0, layout->size);
	*(char *)data = number != 0;
	return true;
}

static bool float_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	double value = lua_tonumber(L, arg);
	float narrow = value;

	if (lua_type(L, arg) != LUA_TNUMBER)
		return refuse(L, "a number is needed, not %s", luaL_tolstring(L, arg, NULL));
	if (layout->size == sizeof(narrow))
		memcpy(data, &narrow, sizeof(narrow));
	else
		memcpy(data, &value, sizeof(value));
	return true;
}

static bool text_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	size_t size;
	const char *text = lua_tolstring(L, arg, &size);

	if (!text)
		return refuse(L, "a string is needed, not a %s", luaL_typename(L, arg));
	if (size > layout->size)
		return refuse(L, "a string of %d bytes does not fit %d", (int)size,
			      (int)layout->size);
	memset(data, 0, layout->size);
	memcpy(data, text, size);
	return true;
}

static bool value_convert(lua_State *L, int arg, const struct layout *layout, void *data);

static bool member_convert(lua_State *L, int arg, const struct layout_member *member, void *data)
{
	uint64_t number;
	bool well;

	if (member->bit_size) {
		well = integer_convert(L, arg, member->bit_size, &number);
		if (well)
			bits_write(data, member->bit_offset, member->bit_size, number);
	} else {
		well = value_convert(L, arg, member->layout, (char *)data + member->bit_offset / 8);
	}
	if (well)
		return true;
	lua_pushfstring(L, ".%s", member->name);
	return refuse_within(L);
}

/* Rejects names that aren't members, and positions after the last member, instead of ignoring
 * them. */
static bool names_check(lua_State *L, int arg, const struct layout *layout)
{
	if (luaL_len(L, arg) > (lua_Integer)layout->count)
		return refuse(L, "%I values do not fit a struct of %d members", luaL_len(L, arg),
			      (int)layout->count);
	lua_pushnil(L);
	while (lua_next(L, arg)) {
		size_t i = 0;

		lua_pop(L, 1);
		if (lua_type(L, -1) != LUA_TSTRING)
			continue;
		while (i < layout->count && strcmp(lua_tostring(L, -1), layout->members[i].name))
			i++;
		if (i == layout->count)
			return refuse(L, "the struct has no member '%s'", lua_tostring(L, -1));
	}
	return true;
}

/* Converts {name = value} or {value, value}; missing members are zero. */
static bool record_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	if (!names_check(L, arg, layout))
		return false;
	memset(data, 0, layout->size);
	for (size_t i = 0; i < layout->count; i++) {
		if (lua_getfield(L, arg, layout->members[i].name) == LUA_TNIL) {
			lua_pop(L, 1);
			lua_geti(L, arg, i + 1);
		}
		if (!lua_isnil(L, -1) &&
		    !member_convert(L, lua_gettop(L), &layout->members[i], data))
			return false;
		lua_pop(L, 1);
	}
	return true;
}

static bool array_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	size_t count = luaL_len(L, arg);

	if (count > layout->count)
		return refuse(L, "%d elements do not fit an array of %d", (int)count,
			      (int)layout->count);
	memset(data, 0, layout->size);
	for (size_t i = 0; i < count; i++) {
		lua_geti(L, arg, i + 1);
		if (!value_convert(L, lua_gettop(L), layout->element,
				   (char *)data + i * layout->element->size)) {
			lua_pushfstring(L, "[%d]", (int)i + 1);
			return refuse_within(L);
		}
		lua_pop(L, 1);
	}
	return true;
}

/* Accepts a record or array of the same size, or a string of all its bytes. */
static bool composite_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	const struct layout *given;
	const void *bytes = value_bytes(L, arg, &given);
	size_t size = 0;

	if (bytes)
		size = given->size;
	else if (lua_type(L, arg) == LUA_TSTRING)
		bytes = lua_tolstring(L, arg, &size);
	if (bytes && size != layout->size)
		return refuse(L, "a value of %d bytes is needed, not of %d", (int)layout->size,
			      (int)size);
	if (bytes)
		memcpy(data, bytes, size);
	else if (layout->form == VALUE_BYTES || !lua_istable(L, arg))
		return refuse(L, "a %s cannot stand for a value of %d bytes here",
			      luaL_typename(L, arg), (int)layout->size);
	else if (layout->form == VALUE_RECORD)
		return record_convert(L, arg, layout, data);
	else
		return array_convert(L, arg, layout, data);
	return true;
}

static bool value_convert(lua_State *L, int arg, const struct layout *layout, void *data)
{
	luaL_checkstack(L, 10, "values");
	switch (layout->form) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
		return whole_convert(L, arg, layout, data);
	case VALUE_BOOLEAN:
		return boolean_convert(L, arg, layout, data);
	case VALUE_FLOAT:
		return float_convert(L, arg, layout, data);
	case VALUE_TEXT:
		return text_convert(L, arg, layout, data);
	default:
		return composite_convert(L, arg, layout, data);
	}
}

bool only_element_push(lua_State *L, int index)
{
	int top = lua_gettop(L);
	bool only;

	if (!lua_istable(L, index))
		return false;
	lua_pushnil(L);
	only = lua_next(L, index) && lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1;
	if (only) {
		lua_pop(L, 1);
		only = !lua_next(L, index);
	}
	lua_settop(L, top);
	if (only)
		lua_rawgeti(L, index, 1);
	return only;
}

/* Scripts for LuaJIT pass initializers of an array of one value: {5}, {{pid, name}}. */
void value_read(lua_State *L, int arg, int index, const struct layout *layout, void *data)
{
	int top;

	if (value_convert(L, index, layout, data))
		return;
	top = lua_gettop(L);
	if (only_element_push(L, index) && value_convert(L, lua_gettop(L), layout, data))
		return;
	lua_settop(L, top);
	argument_fail(L, arg, refusal(L));
}

void constant_read(lua_State *L, int index, const struct layout *layout, void *data,
		   const char *name)
{
	if (value_convert(L, index, layout, data))
		return;
	lua_pushfstring(L, ".%s", name);
	refuse_within(L);
	refusal(L);
	error_fail(L);
}

/* Assigns through a copy, as parts of the value may be views of the record itself. */
static void assign(lua_State *L, int index, const struct layout *layout, void *data,
		   const char *place)
{
	void *copy = lua_newuserdatauv(L, layout->size ? layout->size : 1, 0);

	if (!value_convert(L, index, layout, copy)) {
		lua_pushstring(L, place);
		refuse_within(L);
		luaL_error(L, "%s", refusal(L));
	}
	memcpy(data, copy, layout->size);
}

void member_assign(lua_State *L, int index, const struct layout_member *member, void *data)
{
	if (!member->bit_size)
		assign(L, index, member->layout, (char *)data + member->bit_offset / 8,
		       lua_pushfstring(L, ".%s", member->name));
	else if (!member_convert(L, index, member, data))
		luaL_error(L, "%s", refusal(L));
}

void element_assign(lua_State *L, int index, const struct layout *element, void *data,
		    lua_Integer number)
{
	assign(L, index, element, data, lua_pushfstring(L, "[%I]", number));
}

/* #layout: the size of a value in bytes. */
static int layout_len(lua_State *L)
{
	const struct layout *layout = luaL_checkudata(L, 1, LAYOUT_TYPE);

	lua_pushinteger(L, layout->size);
	return 1;
}

void type_add(lua_State *L)
{
	static const luaL_Reg none[] = {{NULL, NULL}};
	static const luaL_Reg meta[] = {{"__len", layout_len}, {NULL, NULL}};

	handle_register(L, LAYOUT_TYPE, none, meta);
}
