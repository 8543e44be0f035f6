// SPDX-License-Identifier: Apache-2.0
#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report.h"

/* How many values one value may consist of. Structs of an object from elsewhere may overlap, and
 * contain one another very often. */
#define PART_LIMIT (1u << 20)

struct walk {
	size_t parts;
};

static json_t *convert(struct walk *walk, const struct ebcc_type *type, const void *value);

/* ---- Numbers ---- */

static uint64_t read_unsigned(const void *value, size_t size)
{
	uint64_t number = 0;

	memcpy(&number, value, size < sizeof(number) ? size : sizeof(number));
	return number;
}

static int64_t extend_sign(uint64_t number, unsigned bits)
{
	return bits >= 64 ? (int64_t)number : (int64_t)(number << (64 - bits)) >> (64 - bits);
}

static json_t *hexadecimal(const unsigned char *bytes, size_t size, bool as_number)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (as_number)
		ebcc_buf_append_string(&text, "0x");
	for (size_t i = 0; i < size; i++)
		ebcc_buf_printf(&text, "%02x", bytes[as_number ? size - 1 - i : i]);
	return json_string(ebcc_buf_string(&text));
}

/* JSON's integers here are signed; what doesn't fit is written as a real number would lose digits,
 * so it becomes a string. */
static json_t *from_unsigned(uint64_t number)
{
	char text[24];

	if (number <= INT64_MAX)
		return json_integer((json_int_t)number);
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_string(text);
}

static json_t *from_number(const struct ebcc_type *type, uint64_t number, unsigned bits)
{
	if (ebcc_type_encoding(type) == EBCC_INT_BOOL)
		return json_boolean(number);
	return ebcc_type_is_signed(type) ? json_integer(extend_sign(number, bits))
					 : from_unsigned(number);
}

static json_t *from_enum(const struct ebcc_type *type, uint64_t number, unsigned bits)
{
	int64_t wanted = ebcc_type_is_signed(type) ? extend_sign(number, bits) : (int64_t)number;
	const char *name;
	int64_t value;

	for (size_t i = 0; ebcc_type_enumerator_at(type, i, &name, &value); i++)
		if (value == wanted)
			return cli_json_text(name);
	return from_number(type, number, bits);
}

static json_t *from_float(const void *value, size_t size)
{
	float single;
	double number = 0;

	if (size == sizeof(single)) {
		memcpy(&single, value, sizeof(single));
		number = (double)single;
	} else {
		memcpy(&number, value, sizeof(number));
	}
	return isfinite(number) ? json_real(number) : json_null();
}

/* ---- Composed values ---- */

static json_t *from_array(struct walk *walk, const struct ebcc_type *type, const char *value)
{
	const struct ebcc_type *element = ebcc_type_target(type);
	size_t size = ebcc_type_size(element), count = ebcc_type_count(type);
	json_t *array;

	if (ebcc_type_kind(element) == EBCC_TYPE_INT &&
	    ebcc_type_encoding(element) == EBCC_INT_CHAR && size == 1)
		return cli_json_bytes(value, strnlen(value, count));
	array = json_array();
	for (size_t i = 0; i < count && walk->parts < PART_LIMIT; i++)
		json_array_append_new(array, convert(walk, element, value + i * size));
	return array;
}

static json_t *from_bit_field(const struct ebcc_member *member, const char *value)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < member->bit_size; i++) {
		uint64_t bit = member->bit_offset + i;

		number |= (uint64_t)(value[bit / 8] >> bit % 8 & 1) << i;
	}
	if (ebcc_type_kind(member->type) == EBCC_TYPE_ENUM)
		return from_enum(member->type, number, member->bit_size);
	return from_number(member->type, number, member->bit_size);
}

static void add_members(struct walk *walk, const struct ebcc_type *type, const char *value,
			json_t *object)
{
	struct ebcc_member member;

	for (size_t i = 0;
	     walk->parts < PART_LIMIT && ebcc_type_member_at(type, i, &member, sizeof(member));
	     i++) {
		AUTO_JSON json_t *name = NULL;

		if (!*member.name && !member.bit_size) {
			/* The members of an anonymous one are used like those of the outer one. */
			walk->parts++;
			add_members(walk, member.type, value + member.bit_offset / 8, object);
			continue;
		}
		if (!*member.name)
			continue;
		name = cli_json_text(member.name);
		json_object_set_new(object, json_string_value(name),
				    member.bit_size ? from_bit_field(&member, value)
						    : convert(walk, member.type,
							      value + member.bit_offset / 8));
		walk->parts += member.bit_size != 0;
	}
}

static json_t *convert(struct walk *walk, const struct ebcc_type *type, const void *value)
{
	size_t size = ebcc_type_size(type);
	json_t *object;

	walk->parts++;
	switch (ebcc_type_kind(type)) {
	case EBCC_TYPE_VOID:
		return json_null();
	case EBCC_TYPE_INT:
		if (size > sizeof(uint64_t))
			return hexadecimal(value, size, true);
		return from_number(type, read_unsigned(value, size), (unsigned)size * 8);
	case EBCC_TYPE_FLOAT:
		return from_float(value, size);
	case EBCC_TYPE_ENUM:
		return from_enum(type, read_unsigned(value, size), (unsigned)size * 8);
	case EBCC_TYPE_POINTER:
		return hexadecimal(value, size, true);
	case EBCC_TYPE_ARRAY:
		return from_array(walk, type, value);
	case EBCC_TYPE_STRUCT:
	case EBCC_TYPE_UNION:
		object = json_object();
		add_members(walk, type, value, object);
		return object;
	}
	return json_null();
}

json_t *cli_value_json(const struct ebcc_type *type, const void *value, size_t size)
{
	struct walk walk = {0};
	json_t *result;

	if (!type || size < ebcc_type_size(type) || !ebcc_type_size(type))
		return hexadecimal(value, size, false);
	result = convert(&walk, type, value);
	if (walk.parts < PART_LIMIT)
		return result;
	json_decref(result);
	return hexadecimal(value, size, false);
}

/* ---- Text ---- */

static void append_text(const json_t *value, bool outer, struct ebcc_buf *ret);

static void append_object(json_t *object, bool outer, struct ebcc_buf *ret)
{
	const char *name, *gap = "";
	json_t *member;

	ebcc_buf_append_string(ret, outer ? "" : "{");
	json_object_foreach(object, name, member)
	{
		ebcc_buf_append_string(ret, gap);
		cli_escape(ret, name, strlen(name), false);
		ebcc_buf_append_char(ret, '=');
		append_text(member, false, ret);
		gap = " ";
	}
	ebcc_buf_append_string(ret, outer ? "" : "}");
}

static void append_array(const json_t *array, struct ebcc_buf *ret)
{
	ebcc_buf_append_char(ret, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		ebcc_buf_append_string(ret, i ? " " : "");
		append_text(json_array_get(array, i), false, ret);
	}
	ebcc_buf_append_char(ret, ']');
}

/* Whether a string is a number or an enumerator, which need no quotes. */
static bool is_word(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_");

	return length && !text[length];
}

static void append_text(const json_t *value, bool outer, struct ebcc_buf *ret)
{
	const char *text;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		append_object((json_t *)value, outer, ret);
		return;
	case JSON_ARRAY:
		append_array(value, ret);
		return;
	case JSON_STRING:
		text = json_string_value(value);
		ebcc_buf_append_string(ret, is_word(text) ? "" : "\"");
		cli_escape(ret, text, json_string_length(value), false);
		ebcc_buf_append_string(ret, is_word(text) ? "" : "\"");
		return;
	case JSON_INTEGER:
		ebcc_buf_printf(ret, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	case JSON_REAL:
		ebcc_buf_printf(ret, "%g", json_real_value(value));
		return;
	default:
		ebcc_buf_append_string(ret, json_is_true(value)	   ? "true"
					    : json_is_false(value) ? "false"
								   : "?");
	}
}

void cli_value_text(const struct ebcc_type *type, const void *value, size_t size,
		    struct ebcc_buf *ret)
{
	AUTO_JSON json_t *json = cli_value_json(type, value, size);

	if (json)
		append_text(json, true, ret);
}

/* ---- Order ---- */

static int compare_numbers(const struct ebcc_type *type, const void *left, const void *right)
{
	size_t size = ebcc_type_size(type);
	uint64_t a = read_unsigned(left, size), b = read_unsigned(right, size);
	int64_t c = extend_sign(a, (unsigned)size * 8), d = extend_sign(b, (unsigned)size * 8);

	if (ebcc_type_is_signed(type))
		return (c > d) - (c < d);
	return (a > b) - (a < b);
}

static bool is_number(const struct ebcc_type *type)
{
	enum ebcc_type_kind kind = ebcc_type_kind(type);

	return (kind == EBCC_TYPE_INT || kind == EBCC_TYPE_ENUM || kind == EBCC_TYPE_POINTER) &&
	       ebcc_type_size(type) <= sizeof(uint64_t);
}

/* Orders structs by their first members, as far as these are numbers or text. */
static int compare_members(const struct ebcc_type *type, const char *left, const char *right)
{
	struct ebcc_member member;

	for (size_t i = 0; ebcc_type_member_at(type, i, &member, sizeof(member)); i++) {
		size_t offset = member.bit_offset / 8;
		int order;

		if (member.bit_size)
			continue;
		order = is_number(member.type)
				? compare_numbers(member.type, left + offset, right + offset)
				: memcmp(left + offset, right + offset,
					 ebcc_type_size(member.type));
		if (order)
			return order;
	}
	return 0;
}

int cli_value_compare(const struct ebcc_type *type, const void *left, const void *right,
		      size_t size)
{
	int order = 0;

	if (type && ebcc_type_size(type) <= size) {
		if (is_number(type))
			order = compare_numbers(type, left, right);
		else if (ebcc_type_kind(type) == EBCC_TYPE_STRUCT)
			order = compare_members(type, left, right);
	}
	return order ? order : memcmp(left, right, size);
}
