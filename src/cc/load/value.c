// SPDX-License-Identifier: Apache-2.0
/*
 * Types and values. A type is checked completely when it is created: every member is within its
 * struct, sizes multiply without overflow, and no type contains itself. So reading, printing and
 * scanning check only the size of the value that they get. Only the targets of pointers, which may
 * refer back, are created later, on demand.
 */
#include "load/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/btf.h>

#include "base/buf.h"
#include "base/options.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bit fields are read low bit first");

/* How deep typedefs, arrays and structs may nest by value. */
#define DEPTH_LIMIT 48
#define SIZE_LIMIT ((uint64_t)1 << 30)
/* A hostile struct with overlapping or empty members could print almost without end. */
#define TEXT_LIMIT ((size_t)16 << 20)

struct ebcc_type {
	struct ebcc_types *types;
	const struct btf_type *btf_type; /* with typedefs and qualifiers removed */
	const char *name;
	enum ebcc_type_kind kind;
	enum ebcc_int_encoding encoding;
	bool is_signed;
	size_t size;
	size_t count;
	const struct ebcc_type *element; /* of an array */
	unsigned widest; /* the largest member of a union, which is the one that is printed */
};

struct ebcc_types {
	const struct btf *btf;
	uint32_t count;		  /* ids in btf, including 0 */
	struct ebcc_type **by_id; /* NULL: not created yet */
};

/* Marks types in by_id that are being created (if one is met again, it contains itself), or that
 * can't be. */
static struct ebcc_type invalid;

struct ebcc_error *ebcc_types_create(const struct btf *btf, struct ebcc_types **ret)
{
	struct ebcc_types *types = calloc(1, sizeof(*types));

	if (!types)
		return ebcc_error_no_memory();
	types->btf = btf;
	types->count = btf__type_cnt(btf);
	types->by_id = calloc(types->count, sizeof(*types->by_id));
	if (!types->by_id) {
		free(types);
		return ebcc_error_no_memory();
	}
	*ret = types;
	return NULL;
}

void ebcc_types_destroy(struct ebcc_types *types)
{
	if (!types)
		return;
	for (uint32_t i = 0; i < types->count; i++)
		if (types->by_id[i] != &invalid)
			free(types->by_id[i]);
	free(types->by_id);
	free(types);
}

static const struct ebcc_type *get(struct ebcc_types *types, uint32_t id, unsigned depth);

static const char *name_at(const struct ebcc_types *types, uint32_t offset)
{
	const char *name = btf__name_by_offset(types->btf, offset);

	return name ? name : "";
}

/* Strips typedefs and qualifiers; *@name becomes the name of the first typedef. */
static const struct btf_type *strip_modifiers(const struct ebcc_types *types, uint32_t id,
					      const char **name)
{
	const struct btf_type *type;

	for (unsigned depth = 0; depth < DEPTH_LIMIT; depth++) {
		type = btf__type_by_id(types->btf, id);
		if (!type)
			return NULL;
		if (btf_is_typedef(type)) {
			if (!*name)
				*name = name_at(types, type->name_off);
		} else if (!btf_is_mod(type) && !btf_is_type_tag(type)) {
			return type;
		}
		id = type->type;
	}
	return NULL;
}

static bool init_int(struct ebcc_type *type, const char *base_name)
{
	uint8_t encoding = btf_int_encoding(type->btf_type);

	type->kind = EBCC_TYPE_INT;
	type->size = type->btf_type->size;
	type->is_signed = encoding & BTF_INT_SIGNED;
	/* clang describes char as a signed integer of one byte; only the name tells that it is
	 * text. */
	if (encoding & BTF_INT_BOOL)
		type->encoding = EBCC_INT_BOOL;
	else if (encoding & BTF_INT_CHAR || !strcmp(base_name, "char"))
		type->encoding = EBCC_INT_CHAR;
	return type->size == 1 || type->size == 2 || type->size == 4 || type->size == 8 ||
	       type->size == 16;
}

static bool init_enum(struct ebcc_type *type)
{
	type->kind = EBCC_TYPE_ENUM;
	type->size = type->btf_type->size;
	type->count = btf_vlen(type->btf_type);
	type->is_signed = btf_kflag(type->btf_type);
	return type->size == 1 || type->size == 2 || type->size == 4 || type->size == 8;
}

static bool init_array(struct ebcc_type *type, unsigned depth)
{
	const struct btf_array *array = btf_array(type->btf_type);
	uint64_t size;

	type->kind = EBCC_TYPE_ARRAY;
	type->element = get(type->types, array->type, depth);
	if (!type->element || type->element->kind == EBCC_TYPE_VOID)
		return false;
	if (__builtin_mul_overflow((uint64_t)array->nelems, type->element->size, &size) ||
	    size > SIZE_LIMIT)
		return false;
	type->size = size;
	/* Elements of size 0 can't be told apart, whatever their number. */
	type->count = type->element->size ? array->nelems : 0;
	return true;
}

/* Sets *@ret_size in bytes, to 0 for a bit field. */
static bool member_is_valid(const struct ebcc_type *type, unsigned index, unsigned depth,
			    size_t *ret_size)
{
	const struct btf_type *btf_type = type->btf_type;
	uint64_t bit_offset = btf_member_bit_offset(btf_type, index);
	uint32_t bit_size = btf_member_bitfield_size(btf_type, index);
	const struct ebcc_type *member = get(type->types, btf_members(btf_type)[index].type, depth);

	if (!member || member->kind == EBCC_TYPE_VOID)
		return false;
	*ret_size = bit_size ? 0 : member->size;
	if (bit_size)
		return (member->kind == EBCC_TYPE_INT || member->kind == EBCC_TYPE_ENUM) &&
		       bit_size <= member->size * 8 && bit_size <= 64 &&
		       bit_offset + bit_size <= (uint64_t)type->size * 8;
	return bit_offset % 8 == 0 && bit_offset / 8 + member->size <= type->size;
}

static bool init_struct(struct ebcc_type *type, unsigned depth)
{
	size_t widest = 0;

	type->kind = btf_is_union(type->btf_type) ? EBCC_TYPE_UNION : EBCC_TYPE_STRUCT;
	type->size = type->btf_type->size;
	if (type->size > SIZE_LIMIT)
		return false;
	type->count = btf_vlen(type->btf_type);
	for (unsigned i = 0; i < type->count; i++) {
		size_t size;

		if (!member_is_valid(type, i, depth, &size))
			return false;
		if (size > widest)
			type->widest = i;
		widest = size > widest ? size : widest;
	}
	return true;
}

static bool init(struct ebcc_type *type, unsigned depth)
{
	const char *base_name = name_at(type->types, type->btf_type->name_off);

	if (!type->name)
		type->name = base_name;
	switch (btf_kind(type->btf_type)) {
	case BTF_KIND_UNKN: /* void */
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_FWD:
		type->kind = EBCC_TYPE_VOID;
		return true;
	case BTF_KIND_INT:
		return init_int(type, base_name);
	case BTF_KIND_FLOAT:
		type->kind = EBCC_TYPE_FLOAT;
		type->is_signed = true;
		type->size = type->btf_type->size;
		return type->size == sizeof(float) || type->size == sizeof(double);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return init_enum(type);
	case BTF_KIND_PTR:
		type->kind = EBCC_TYPE_POINTER;
		type->size = sizeof(uint64_t);
		return true;
	case BTF_KIND_ARRAY:
		return init_array(type, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return init_struct(type, depth);
	default:
		return false;
	}
}

static const struct ebcc_type *create(struct ebcc_types *types, uint32_t id, unsigned depth)
{
	struct ebcc_type *type = calloc(1, sizeof(*type));

	if (!type)
		return NULL;
	type->types = types;
	type->btf_type = strip_modifiers(types, id, &type->name);
	types->by_id[id] = &invalid;
	if (!type->btf_type || !init(type, depth + 1)) {
		free(type);
		return NULL;
	}
	types->by_id[id] = type;
	return type;
}

static const struct ebcc_type *get(struct ebcc_types *types, uint32_t id, unsigned depth)
{
	if (id >= types->count || depth >= DEPTH_LIMIT)
		return NULL;
	if (types->by_id[id])
		return types->by_id[id] == &invalid ? NULL : types->by_id[id];
	return create(types, id, depth);
}

const struct ebcc_type *ebcc_types_get(struct ebcc_types *types, uint32_t id)
{
	return types ? get(types, id, 0) : NULL;
}

enum ebcc_type_kind ebcc_type_kind(const struct ebcc_type *type)
{
	return type->kind;
}

const char *ebcc_type_name(const struct ebcc_type *type)
{
	return type->name;
}

size_t ebcc_type_size(const struct ebcc_type *type)
{
	return type->size;
}

bool ebcc_type_is_signed(const struct ebcc_type *type)
{
	return type->is_signed;
}

enum ebcc_int_encoding ebcc_type_encoding(const struct ebcc_type *type)
{
	return type->encoding;
}

const struct ebcc_type *ebcc_type_target(const struct ebcc_type *type)
{
	const struct ebcc_type *target = type->element;

	if (type->kind == EBCC_TYPE_POINTER)
		target = get(type->types, type->btf_type->type, 0);
	return target && target->kind != EBCC_TYPE_VOID ? target : NULL;
}

size_t ebcc_type_count(const struct ebcc_type *type)
{
	return type->count;
}

static bool has_members(const struct ebcc_type *type)
{
	return type->kind == EBCC_TYPE_STRUCT || type->kind == EBCC_TYPE_UNION;
}

static bool member_at(const struct ebcc_type *type, size_t index, struct ebcc_member *ret)
{
	const struct btf_member *member;

	if (!has_members(type) || index >= type->count)
		return false;
	member = &btf_members(type->btf_type)[index];
	*ret = (struct ebcc_member){
		.name = name_at(type->types, member->name_off),
		.type = get(type->types, member->type, 0),
		.bit_offset = btf_member_bit_offset(type->btf_type, (unsigned)index),
		.bit_size = btf_member_bitfield_size(type->btf_type, (unsigned)index),
	};
	return ret->type != NULL;
}

bool ebcc_type_member_at(const struct ebcc_type *type, size_t index, struct ebcc_member *ret,
			 size_t size)
{
	struct ebcc_member member;

	if (!member_at(type, index, &member))
		return false;
	ebcc_result_write(ret, size, &member, sizeof(member));
	return true;
}

bool ebcc_type_enumerator_at(const struct ebcc_type *type, size_t index, const char **ret_name,
			     int64_t *ret_value)
{
	uint32_t name;
	int64_t value;

	if (type->kind != EBCC_TYPE_ENUM || index >= type->count)
		return false;
	if (btf_is_enum64(type->btf_type)) {
		const struct btf_enum64 *enumerator = &btf_enum64(type->btf_type)[index];

		name = enumerator->name_off;
		value = (int64_t)btf_enum64_value(enumerator);
	} else {
		const struct btf_enum *enumerator = &btf_enum(type->btf_type)[index];

		name = enumerator->name_off;
		value = type->is_signed ? enumerator->val : (int64_t)(uint32_t)enumerator->val;
	}
	*ret_name = name_at(type->types, name);
	*ret_value = value;
	return true;
}

static bool is_text(const struct ebcc_type *type)
{
	return type->kind == EBCC_TYPE_ARRAY && type->element->kind == EBCC_TYPE_INT &&
	       type->element->encoding == EBCC_INT_CHAR && type->element->size == 1;
}

static uint64_t read_bits(const unsigned char *data, uint64_t bit_offset, uint32_t bit_size)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < bit_size; i++) {
		uint64_t bit = bit_offset + i;

		value |= (uint64_t)(data[bit / 8] >> bit % 8 & 1) << i;
	}
	return value;
}

static void write_bits(unsigned char *data, uint64_t bit_offset, uint32_t bit_size, uint64_t value)
{
	for (uint32_t i = 0; i < bit_size; i++) {
		uint64_t bit = bit_offset + i;
		unsigned char mask = (unsigned char)(1u << bit % 8);

		if (value >> i & 1)
			data[bit / 8] |= mask;
		else
			data[bit / 8] &= (unsigned char)~mask;
	}
}

static void print_number(struct ebcc_buf *buf, const unsigned char *data, size_t size)
{
	uint64_t low = 0, high = 0;

	memcpy(&low, data, size < 8 ? size : 8);
	if (size == 16)
		memcpy(&high, data + 8, 8);
	if (high)
		ebcc_buf_printf(buf, "0x%" PRIx64 "%016" PRIx64, high, low);
	else
		ebcc_buf_printf(buf, "0x%" PRIx64, low);
}

static void print_float(struct ebcc_buf *buf, const unsigned char *data, size_t size)
{
	double number;
	float narrow;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, data, size);
		number = narrow;
	} else {
		memcpy(&number, data, sizeof(number));
	}
	ebcc_buf_printf(buf, "%.17g", number);
}

static void print_text(struct ebcc_buf *buf, const unsigned char *data, size_t size)
{
	ebcc_buf_append_char(buf, '"');
	for (size_t i = 0; i < size && data[i]; i++) {
		if (data[i] == '"' || data[i] == '\\')
			ebcc_buf_printf(buf, "\\%c", data[i]);
		else if (data[i] < ' ' || data[i] == 0x7f)
			ebcc_buf_printf(buf, "\\x%02x", data[i]);
		else
			ebcc_buf_append_char(buf, (char)data[i]);
	}
	ebcc_buf_append_char(buf, '"');
}

static void print(struct ebcc_buf *buf, const struct ebcc_type *type, const unsigned char *data);

static void print_member(struct ebcc_buf *buf, const struct ebcc_type *type, size_t index,
			 const unsigned char *data)
{
	struct ebcc_member member;

	if (!member_at(type, index, &member))
		return;
	if (member.bit_size)
		ebcc_buf_printf(buf, "0x%" PRIx64,
				read_bits(data, member.bit_offset, member.bit_size));
	else
		print(buf, member.type, data + member.bit_offset / 8);
	ebcc_buf_append_char(buf, ' ');
}

static void print_members(struct ebcc_buf *buf, const struct ebcc_type *type,
			  const unsigned char *data)
{
	ebcc_buf_append_string(buf, "{ ");
	if (type->kind == EBCC_TYPE_UNION)
		print_member(buf, type, type->widest, data);
	else
		for (size_t i = 0; i < type->count && buf->size <= TEXT_LIMIT; i++)
			print_member(buf, type, i, data);
	ebcc_buf_append_char(buf, '}');
}

static void print_elements(struct ebcc_buf *buf, const struct ebcc_type *type,
			   const unsigned char *data)
{
	ebcc_buf_append_string(buf, "[ ");
	for (size_t i = 0; i < type->count && buf->size <= TEXT_LIMIT; i++) {
		print(buf, type->element, data + i * type->element->size);
		ebcc_buf_append_char(buf, ' ');
	}
	ebcc_buf_append_char(buf, ']');
}

static void print(struct ebcc_buf *buf, const struct ebcc_type *type, const unsigned char *data)
{
	switch (type->kind) {
	case EBCC_TYPE_VOID:
		break;
	case EBCC_TYPE_INT:
	case EBCC_TYPE_ENUM:
	case EBCC_TYPE_POINTER:
		print_number(buf, data, type->size);
		break;
	case EBCC_TYPE_FLOAT:
		print_float(buf, data, type->size);
		break;
	case EBCC_TYPE_ARRAY:
		if (is_text(type))
			print_text(buf, data, type->size);
		else
			print_elements(buf, type, data);
		break;
	case EBCC_TYPE_STRUCT:
	case EBCC_TYPE_UNION:
		print_members(buf, type, data);
		break;
	}
}

static struct ebcc_error *check_size(const struct ebcc_type *type, size_t size)
{
	if (size >= type->size)
		return NULL;
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				 "a value of type '%s' has %zu bytes, but %zu were given",
				 type->name, type->size, size);
}

struct ebcc_error *ebcc_type_print(const struct ebcc_type *type, const void *value, size_t size,
				   char **ret)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	size_t length;

	TRY(check_size(type, size));
	print(&buf, type, value);
	if (buf.size > TEXT_LIMIT)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "the value of type '%s' is too large to print",
					 type->name);
	ebcc_buf_append_string(&buf, "");
	return ebcc_buf_take(&buf, ret, &length);
}

struct scanner {
	const char *text;     /* all of it */
	const char *at;	      /* the current position */
	const char *expected; /* what should have been there, once the scan has failed */
};

static void scan_space(struct scanner *scanner)
{
	scanner->at += strspn(scanner->at, " \t\n\r,");
}

static bool scan_char(struct scanner *scanner, char c)
{
	scan_space(scanner);
	if (*scanner->at != c)
		return false;
	scanner->at++;
	return true;
}

static bool scan_expected(struct scanner *scanner, const char *what)
{
	scanner->expected = what;
	return false;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Scans an integer of up to @bits bits, signed or not; *@ret is in two's complement. */
static bool scan_integer(struct scanner *scanner, unsigned bits, unsigned __int128 *ret)
{
	bool negative = scan_char(scanner, '-');
	unsigned __int128 limit, value = 0;
	unsigned base = 10;
	const char *start;

	limit = bits == 128 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << bits) - 1;
	if (negative)
		limit = limit / 2 + 1;
	if (scanner->at[0] == '0' && (scanner->at[1] | 0x20) == 'x') {
		base = 16;
		scanner->at += 2;
	}
	start = scanner->at;
	for (int digit; (digit = digit_of(*scanner->at)) < (int)base; scanner->at++) {
		if (value > (limit - (unsigned)digit) / base)
			return scan_expected(scanner, "a number that fits the type");
		value = value * base + (unsigned)digit;
	}
	if (scanner->at == start)
		return scan_expected(scanner, "a number");
	*ret = negative ? -value : value;
	return true;
}

static bool scan_enumerator(struct scanner *scanner, const struct ebcc_type *type,
			    unsigned __int128 *ret)
{
	size_t length;
	const char *name;
	int64_t value;

	scan_space(scanner);
	length = strspn(scanner->at,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	if (!length || (*scanner->at >= '0' && *scanner->at <= '9'))
		return false;
	for (size_t i = 0; ebcc_type_enumerator_at(type, i, &name, &value); i++)
		if (strlen(name) == length && !memcmp(name, scanner->at, length)) {
			scanner->at += length;
			*ret = (unsigned __int128)value;
			return true;
		}
	return false;
}

static bool scan_number(struct scanner *scanner, const struct ebcc_type *type, unsigned bits,
			unsigned __int128 *ret)
{
	if (type->kind == EBCC_TYPE_ENUM && scan_enumerator(scanner, type, ret))
		return true;
	return scan_integer(scanner, bits, ret);
}

static bool scan_float(struct scanner *scanner, size_t size, unsigned char *data)
{
	double number;
	float narrow;
	char *end;

	scan_space(scanner);
	number = strtod(scanner->at, &end);
	if (end == scanner->at)
		return scan_expected(scanner, "a number");
	scanner->at = end;
	narrow = (float)number;
	memcpy(data, size == sizeof(narrow) ? (void *)&narrow : (void *)&number, size);
	return true;
}

static bool scan_escape(struct scanner *scanner, unsigned char *ret)
{
	if (scanner->at[1] == 'x') {
		int high = digit_of(scanner->at[2]);
		int low = high < 16 ? digit_of(scanner->at[3]) : 99;

		if (low >= 16)
			return scan_expected(scanner, "two hexadecimal digits after \\x");
		*ret = (unsigned char)(high << 4 | low);
		scanner->at += 4;
		return true;
	}
	if (!scanner->at[1])
		return scan_expected(scanner, "a character after the backslash");
	*ret = (unsigned char)scanner->at[1];
	scanner->at += 2;
	return true;
}

static bool scan_text(struct scanner *scanner, size_t size, unsigned char *data)
{
	size_t length = 0;
	unsigned char c;

	if (!scan_char(scanner, '"'))
		return scan_expected(scanner, "a string in double quotes");
	while (*scanner->at && *scanner->at != '"') {
		if (*scanner->at == '\\') {
			if (!scan_escape(scanner, &c))
				return false;
		} else {
			c = (unsigned char)*scanner->at++;
		}
		if (length == size)
			return scan_expected(scanner, "a string that fits the array");
		data[length++] = c;
	}
	return scan_char(scanner, '"') || scan_expected(scanner, "the closing quote");
}

static bool scan(struct scanner *scanner, const struct ebcc_type *type, unsigned char *data);

/* Scans ".name =" and sets *@index to that member; without a name it stays as it is. */
static bool scan_member_name(struct scanner *scanner, const struct ebcc_type *type, size_t *index)
{
	struct ebcc_member member;
	size_t length;

	if (!scan_char(scanner, '.'))
		return true;
	length = strcspn(scanner->at, " =\t");
	for (size_t i = 0; member_at(type, i, &member); i++)
		if (strlen(member.name) == length && !memcmp(member.name, scanner->at, length)) {
			scanner->at += length;
			*index = i;
			return scan_char(scanner, '=') || scan_expected(scanner, "'='");
		}
	return scan_expected(scanner, "the name of a member");
}

static bool scan_member(struct scanner *scanner, const struct ebcc_member *member,
			unsigned char *data)
{
	unsigned __int128 number;

	if (!member->bit_size)
		return scan(scanner, member->type, data + member->bit_offset / 8);
	if (!scan_number(scanner, member->type, member->bit_size, &number))
		return false;
	write_bits(data, member->bit_offset, member->bit_size, (uint64_t)number);
	return true;
}

static bool scan_members(struct scanner *scanner, const struct ebcc_type *type, unsigned char *data)
{
	size_t index = type->kind == EBCC_TYPE_UNION ? type->widest : 0;
	struct ebcc_member member;

	if (!scan_char(scanner, '{'))
		return scan_expected(scanner, "'{'");
	for (; !scan_char(scanner, '}'); index++) {
		if (!scan_member_name(scanner, type, &index))
			return false;
		if (!member_at(type, index, &member))
			return scan_expected(scanner, "'}'");
		if (!scan_member(scanner, &member, data))
			return false;
	}
	return true;
}

static bool scan_elements(struct scanner *scanner, const struct ebcc_type *type,
			  unsigned char *data)
{
	if (!scan_char(scanner, '['))
		return scan_expected(scanner, "'['");
	for (size_t i = 0; !scan_char(scanner, ']'); i++) {
		if (i == type->count)
			return scan_expected(scanner, "']'");
		if (!scan(scanner, type->element, data + i * type->element->size))
			return false;
	}
	return true;
}

static bool scan(struct scanner *scanner, const struct ebcc_type *type, unsigned char *data)
{
	unsigned __int128 number;

	switch (type->kind) {
	case EBCC_TYPE_INT:
	case EBCC_TYPE_ENUM:
	case EBCC_TYPE_POINTER:
		if (!scan_number(scanner, type, (unsigned)type->size * 8, &number))
			return false;
		memcpy(data, &number, type->size);
		return true;
	case EBCC_TYPE_FLOAT:
		return scan_float(scanner, type->size, data);
	case EBCC_TYPE_ARRAY:
		scan_space(scanner);
		if (is_text(type) && *scanner->at != '[')
			return scan_text(scanner, type->size, data);
		return scan_elements(scanner, type, data);
	case EBCC_TYPE_STRUCT:
	case EBCC_TYPE_UNION:
		return scan_members(scanner, type, data);
	case EBCC_TYPE_VOID:
		break;
	}
	return scan_expected(scanner, "nothing: the type has no values");
}

struct ebcc_error *ebcc_type_scan(const struct ebcc_type *type, const char *text, void *value,
				  size_t size)
{
	struct scanner scanner = {.text = text, .at = text};
	AUTO_FREE unsigned char *data = NULL;

	TRY(check_size(type, size));
	data = calloc(1, type->size ? type->size : 1);
	if (!data)
		return ebcc_error_no_memory();
	if (scan(&scanner, type, data)) {
		scan_space(&scanner);
		if (*scanner.at)
			scan_expected(&scanner, "the end");
	}
	if (scanner.expected)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"not a value of type '%s': %s was expected at character %zu of "
			"\"%.200s\"",
			type->name, scanner.expected, (size_t)(scanner.at - scanner.text) + 1,
			text);
	memcpy(value, data, type->size);
	return NULL;
}
