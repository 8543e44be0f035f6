// SPDX-License-Identifier: Apache-2.0
/* Types from BTF, values to text and back, and malformed BTF. */
#include "load/runtime_fixture.h"

#include <bpf/btf.h>

#include "load/value.h"

struct key {
	uint32_t pid;
	char name[8];
	struct {
		int x, y;
	} at;
	union {
		uint64_t whole;
		uint32_t half;
	};
	struct {
		unsigned char low : 3;
		unsigned char high : 5;
		short plain;
	};
	int color;
	bool flag;
	uint32_t numbers[3];
	void *next;
};

static struct ebcc_module *module;
static const struct ebcc_type *key_type;

static void setup(void)
{
	module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	key_type = ebcc_table_key_type(ebcc_module_map(module, "described"));
	ck_assert_ptr_nonnull(key_type);
}

static void teardown(void)
{
	ebcc_module_destroy(module);
}

static struct ebcc_member member_at(const struct ebcc_type *type, size_t index)
{
	struct ebcc_member member;

	ck_assert(ebcc_type_member_at(type, index, &member, sizeof(member)));
	return member;
}

START_TEST(test_description)
{
	struct ebcc_member member;
	const char *name;
	int64_t value;

	ck_assert_int_eq(ebcc_type_kind(key_type), EBCC_TYPE_STRUCT);
	ck_assert_str_eq(ebcc_type_name(key_type), "key");
	ck_assert_uint_eq(ebcc_type_size(key_type), sizeof(struct key));
	ck_assert_uint_eq(ebcc_type_count(key_type), 9);
	ck_assert(!ebcc_type_member_at(key_type, 9, &member, sizeof(member)));

	member = member_at(key_type, 0);
	ck_assert_str_eq(member.name, "pid");
	ck_assert_str_eq(ebcc_type_name(member.type), "u32");
	ck_assert_int_eq(ebcc_type_kind(member.type), EBCC_TYPE_INT);
	ck_assert(!ebcc_type_is_signed(member.type));
	member = member_at(key_type, 1);
	ck_assert_int_eq(ebcc_type_kind(member.type), EBCC_TYPE_ARRAY);
	ck_assert_uint_eq(ebcc_type_count(member.type), 8);
	ck_assert_int_eq(ebcc_type_encoding(ebcc_type_target(member.type)), EBCC_INT_CHAR);
	member = member_at(key_type, 3);
	ck_assert_str_eq(member.name, "");
	ck_assert_str_eq(ebcc_type_name(member.type), "");
	ck_assert_int_eq(ebcc_type_kind(member.type), EBCC_TYPE_UNION);
	member = member_at(member_at(key_type, 4).type, 1);
	ck_assert_str_eq(member.name, "high");
	ck_assert_uint_eq(member.bit_size, 5);
	ck_assert_uint_eq(member.bit_offset, 3);
	ck_assert_int_eq(ebcc_type_encoding(member.type), EBCC_INT_PLAIN);
	member = member_at(key_type, 5);
	ck_assert_int_eq(ebcc_type_kind(member.type), EBCC_TYPE_ENUM);
	ck_assert_uint_eq(ebcc_type_count(member.type), 3);
	ck_assert(ebcc_type_enumerator_at(member.type, 2, &name, &value));
	ck_assert_str_eq(name, "FAR");
	ck_assert_int_eq(value, -3);
	ck_assert(!ebcc_type_enumerator_at(member.type, 3, &name, &value));
	ck_assert_int_eq(ebcc_type_encoding(member_at(key_type, 6).type), EBCC_INT_BOOL);
	/* A pointer back to the struct itself. */
	member = member_at(key_type, 8);
	ck_assert_int_eq(ebcc_type_kind(member.type), EBCC_TYPE_POINTER);
	ck_assert_str_eq(ebcc_type_name(ebcc_type_target(member.type)), "key");
}
END_TEST

static const char key_text[] = "{ 0x11 \"a\\\"b\\x01\" { 0xfffffffe 0x3 } { 0xffffffffffffffff } "
			       "{ 0x5 0x11 0xffff } 0xfffffffd 0x1 [ 0x1 0x2 0x3 ] 0x1234 }";

static struct key sample(void)
{
	struct key key;

	memset(&key, 0, sizeof(key));
	key.pid = 17;
	strcpy(key.name, "a\"b\001");
	key.at.x = -2;
	key.at.y = 3;
	key.whole = UINT64_MAX;
	key.low = 5;
	key.high = 17;
	key.plain = -1;
	key.color = -3;
	key.flag = true;
	for (uint32_t i = 0; i < 3; i++)
		key.numbers[i] = i + 1;
	key.next = (void *)0x1234;
	return key;
}

START_TEST(test_round_trip)
{
	struct key key = sample(), back;
	char *text;

	check_ok(ebcc_type_print(key_type, &key, sizeof(key), &text));
	ck_assert_str_eq(text, key_text);
	memset(&back, 0xaa, sizeof(back));
	check_ok(ebcc_type_scan(key_type, text, &back, sizeof(back)));
	ck_assert_mem_eq(&back, &key, sizeof(key));
	free(text);
}
END_TEST

START_TEST(test_scan_forms)
{
	struct key key = sample(), back;

	/* Decimal numbers, names, commas, enumerators, in any order; omitted members are zero. */
	check_ok(ebcc_type_scan(
		key_type,
		"{ .name = \"a\\\"b\\x01\", .pid = 17, .at = { -2, .y = 3 }, .color = FAR, "
		".flag = 1, .numbers = [ 1, 2, 3 ], .next = 4660 }",
		&back, sizeof(back)));
	key.whole = 0;
	key.low = key.high = 0;
	key.plain = 0;
	ck_assert_mem_eq(&back, &key, sizeof(key));
}
END_TEST

START_TEST(test_scan_errors)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "'{' was expected at character 1"},
		{"{ 1 \"x\" { 1 2 } { 3 } { 1 2 3 } 1 1 [ 1 2 3 ] 0 0 }", "'}' was expected"},
		{"{ 99999999999 }", "a number that fits the type was expected"},
		{"{ -2147483649 }", "a number that fits the type was expected"},
		{"{ 0x }", "a number was expected"},
		{"{ 1 \"much too long\" }", "a string that fits the array"},
		{"{ 1 \"open", "the closing quote"},
		{"{ 1 \"\\x1\" }", "two hexadecimal digits"},
		{"{ .absent = 1 }", "the name of a member"},
		{"{ .pid 1 }", "'=' was expected"},
		{"{ .numbers = [ 1 2 3 4 ] }", "']' was expected"},
		{"{ .color = PURPLE }", "a number was expected"},
		{"{ } x", "the end was expected"},
		{"{", "a number was expected"},
	};
	struct key key = sample(), before = sample();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_error(ebcc_type_scan(key_type, cases[i].text, &key, sizeof(key)),
			    EBCC_ERROR_INVALID_ARGUMENT, cases[i].message);
	ck_assert_mem_eq(&key, &before, sizeof(key));
	check_error(ebcc_type_scan(key_type, "{ }", &key, sizeof(key) - 1),
		    EBCC_ERROR_INVALID_ARGUMENT, "were given");
}
END_TEST

/* Each kind of plain value, and its text. */
START_TEST(test_plain_values)
{
	struct btf *btf = btf__new_empty();
	int wide = btf__add_int(btf, "unsigned __int128", 16, 0);
	int small = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	int number = btf__add_float(btf, "double", 8);
	int alias = btf__add_typedef(btf, "tiny_t", btf__add_const(btf, small));
	unsigned __int128 big = ((unsigned __int128)0xabc << 64) | 0xdef;
	struct ebcc_types *types;
	double pi = 3.25, got = 0;
	signed char minus = -1;
	char *text;

	check_ok(ebcc_types_create(btf, &types));
	check_ok(ebcc_type_print(ebcc_types_get(types, wide), &big, 16, &text));
	ck_assert_str_eq(text, "0xabc0000000000000def");
	big = 0;
	check_ok(ebcc_type_scan(ebcc_types_get(types, wide), text, &big, 16));
	ck_assert(big == (((unsigned __int128)0xabc << 64) | 0xdef));
	free(text);
	ck_assert_str_eq(ebcc_type_name(ebcc_types_get(types, alias)), "tiny_t");
	ck_assert_str_eq(ebcc_type_name(ebcc_types_get(types, small)), "signed char");
	check_ok(ebcc_type_print(ebcc_types_get(types, alias), &minus, 1, &text));
	ck_assert_str_eq(text, "0xff");
	free(text);
	minus = 0;
	check_ok(ebcc_type_scan(ebcc_types_get(types, alias), "-1", &minus, 1));
	ck_assert_int_eq(minus, -1);
	check_ok(ebcc_type_print(ebcc_types_get(types, number), &pi, 8, &text));
	check_ok(ebcc_type_scan(ebcc_types_get(types, number), text, &got, 8));
	ck_assert(got == pi);
	free(text);
	ebcc_types_destroy(types);
	btf__free(btf);
}
END_TEST

/* A description that contradicts itself does not give a type. */
START_TEST(test_contradictions)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int outside, itself, looping, endless, huge, bits, deep, proto, empty, many;
	struct ebcc_types *types;

	outside = btf__add_struct(btf, "outside", 4);
	btf__add_field(btf, "x", number, 32, 0);
	itself = btf__add_struct(btf, "itself", 8);
	btf__add_field(btf, "x", itself, 0, 0);
	looping = btf__add_typedef(btf, "looping", (int)btf__type_cnt(btf) + 1);
	btf__add_const(btf, looping);
	endless = btf__add_array(btf, number, (int)btf__type_cnt(btf), 2);
	huge = btf__add_array(btf, number, btf__add_array(btf, number, number, UINT32_MAX),
			      UINT32_MAX);
	bits = btf__add_struct(btf, "bits", 4);
	btf__add_field(btf, "x", number, 30, 5);
	deep = number;
	for (int i = 0; i < 100; i++)
		deep = btf__add_array(btf, number, deep, 1);
	proto = btf__add_func(btf, "f", BTF_FUNC_STATIC, btf__add_func_proto(btf, number));
	empty = btf__add_struct(btf, "empty", 0);
	many = btf__add_array(btf, number, empty, UINT32_MAX);
	check_ok(ebcc_types_create(btf, &types));
	ck_assert_ptr_null(ebcc_types_get(types, outside));
	ck_assert_ptr_null(ebcc_types_get(types, itself));
	ck_assert_ptr_null(ebcc_types_get(types, looping));
	ck_assert_ptr_null(ebcc_types_get(types, endless));
	ck_assert_ptr_null(ebcc_types_get(types, huge));
	ck_assert_ptr_null(ebcc_types_get(types, bits));
	ck_assert_ptr_null(ebcc_types_get(types, deep));
	ck_assert_ptr_null(ebcc_types_get(types, proto));
	ck_assert_ptr_null(ebcc_types_get(types, 100000));
	ck_assert_uint_eq(ebcc_type_count(ebcc_types_get(types, many)), 0);
	ck_assert_ptr_nonnull(ebcc_types_get(types, number));
	ebcc_types_destroy(types);
	btf__free(btf);
}
END_TEST

/* Overlapping members could print almost without end: 30 levels of two members each. */
START_TEST(test_endless_text)
{
	struct btf *btf = btf__new_empty();
	int id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	struct ebcc_types *types;
	uint32_t value = 0;
	char *text;

	for (int i = 0; i < 30; i++) {
		int inner = id;

		id = btf__add_struct(btf, "layer", 4);
		btf__add_field(btf, "a", inner, 0, 0);
		btf__add_field(btf, "b", inner, 0, 0);
	}
	check_ok(ebcc_types_create(btf, &types));
	check_error(ebcc_type_print(ebcc_types_get(types, (uint32_t)id), &value, 4, &text),
		    EBCC_ERROR_FORMAT, "too large to print");
	ebcc_types_destroy(types);
	btf__free(btf);
}
END_TEST

static void exercise(struct ebcc_types *types, uint32_t id)
{
	const struct ebcc_type *type = ebcc_types_get(types, id);
	struct ebcc_member member;
	char *text = NULL;
	void *value;

	if (!type)
		return;
	ebcc_type_target(type);
	for (size_t i = 0; i < 70000 && ebcc_type_member_at(type, i, &member, sizeof(member)); i++)
		ck_assert_uint_le(member.bit_offset / 8, ebcc_type_size(type));
	if (ebcc_type_size(type) > 1 << 14)
		return;
	value = calloc(1, ebcc_type_size(type) + 1);
	ebcc_error_destroy(ebcc_type_print(type, value, ebcc_type_size(type), &text));
	if (text)
		ebcc_error_destroy(ebcc_type_scan(type, text, value, ebcc_type_size(type)));
	free(text);
	free(value);
}

/* Real BTF with random bytes changed: any result will do, as long as no access is out of bounds
 * (which the sanitizers would report). */
START_TEST(test_mutations)
{
	uint32_t size;
	const void *raw = btf__raw_data(module->btf, &size);
	char *copy = malloc(size);
	unsigned seed = 1, opened = 0;

	for (int round = 0; round < 300; round++) {
		struct ebcc_types *types;
		struct btf *btf;

		memcpy(copy, raw, size);
		for (int i = 0; i <= round % 8; i++)
			copy[24 + rand_r(&seed) % (size - 24)] ^= (char)(1 << rand_r(&seed) % 8);
		btf = btf__new(copy, size);
		if (!btf)
			continue;
		opened++;
		check_ok(ebcc_types_create(btf, &types));
		for (uint32_t id = 0; id < btf__type_cnt(btf); id++)
			exercise(types, id);
		ebcc_types_destroy(types);
		btf__free(btf);
	}
	ck_assert_uint_gt(opened, 100);
	free(copy);
}
END_TEST

static TCase *case_value(void)
{
	TCase *tcase = tcase_create("value");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_description);
	tcase_add_test(tcase, test_round_trip);
	tcase_add_test(tcase, test_scan_forms);
	tcase_add_test(tcase, test_scan_errors);
	tcase_add_test(tcase, test_plain_values);
	tcase_add_test(tcase, test_contradictions);
	tcase_add_test(tcase, test_endless_text);
	tcase_add_test(tcase, test_mutations);
	return tcase;
}

int main(void)
{
	TCase *(*const cases[])(void) = {case_value};

	return run_suite(cases, 1, "value");
}
