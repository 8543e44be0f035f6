// SPDX-License-Identifier: Apache-2.0
/*
 * USDT probes without the compiler: notes, arguments of both architectures in every form, malformed
 * notes and arguments, the map of layouts, and lines of /proc/PID/maps.
 */
#include "load/runtime_fixture.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/user.h>

#include "elf/proc_maps.h"
#include "kernel/features.h"
#include "load/usdt_specs.h"
#include "usdt/args.h"
#include "usdt/notes.h"
#include "usdt/usdt.h"

#define NONE EBCC_USDT_NO_REGISTER

/* ---- Arguments ---- */

static const struct ebcc_usdt_place x86 = {EM_X86_64, false, 0x1000, 0x4000};
static const struct ebcc_usdt_place fixed_x86 = {EM_X86_64, true, 0x1000, 0x4000};
static const struct ebcc_usdt_place arm64 = {EM_AARCH64, false, 0x1000, 0x4000};

static const char *encode(const struct ebcc_usdt_place *place, const char *text,
			  struct ebcc_usdt_operand *operand, struct ebcc_usdt_argument *ret)
{
	ebcc_usdt_parse(place->machine, text, strlen(text), operand);
	return ebcc_usdt_encode(operand, place, ret);
}

static void becomes(const struct ebcc_usdt_place *place, const char *text,
		    const struct ebcc_usdt_argument *expected)
{
	struct ebcc_usdt_argument found;
	struct ebcc_usdt_operand operand;
	const char *reason = encode(place, text, &operand, &found);

	ck_assert_msg(!reason, "%s: %s", text, reason);
	ck_assert_msg(!memcmp(&found, expected, sizeof(found)),
		      "%s: kind %u value %lld base %u index %u size %u signed %u shift %u", text,
		      found.kind, (long long)found.value, found.base, found.index, found.size,
		      found.is_signed, found.shift);
}

static void fails(const struct ebcc_usdt_place *place, const char *text, const char *part)
{
	struct ebcc_usdt_argument found;
	struct ebcc_usdt_operand operand;
	const char *reason = encode(place, text, &operand, &found);

	ck_assert_msg(reason && strstr(reason, part), "%s: %s, not %s", text, reason, part);
	ck_assert_int_eq(found.kind, EBCC_USDT_NONE);
}

#define IS(place, text, ...) becomes(place, text, &(const struct ebcc_usdt_argument){__VA_ARGS__})
#define REGISTER(size_, signed_, base_)                                                            \
	.kind = EBCC_USDT_REGISTER, .size = (size_), .is_signed = (signed_), .base = (base_),      \
	.index = NONE
#define MEMORY(size_, signed_, base_, value_)                                                      \
	.kind = EBCC_USDT_MEMORY, .size = (size_), .is_signed = (signed_), .base = (base_),        \
	.index = NONE, .value = (uint64_t)(value_)
#define INDEXED(size_, base_, index_, shift_, value_)                                              \
	.kind = EBCC_USDT_INDEXED, .size = (size_), .base = (base_), .index = (index_),            \
	.shift = (shift_), .value = (uint64_t)(value_)
#define CONSTANT(size_, signed_, value_)                                                           \
	.kind = EBCC_USDT_CONSTANT, .size = (size_), .is_signed = (signed_), .base = NONE,         \
	.index = NONE, .value = (uint64_t)(value_)

#if defined(__x86_64__)
/* The table of registers, compared with the system's struct. */
START_TEST(registers_of_x86)
{
#define SAME(name) {#name, offsetof(struct user_regs_struct, name)}
	static const struct {
		const char *name;
		size_t offset;
	} registers[] = {
		SAME(rax), SAME(rbx), SAME(rcx), SAME(rdx), SAME(rsi), SAME(rdi),
		SAME(rbp), SAME(rsp), SAME(r8),	 SAME(r9),  SAME(r10), SAME(r11),
		SAME(r12), SAME(r13), SAME(r14), SAME(r15), SAME(rip),
	};
#undef SAME

	for (size_t i = 0; i < sizeof(registers) / sizeof(*registers); i++) {
		struct ebcc_usdt_argument expected = {REGISTER(8, 0, registers[i].offset)};
		char text[16];

		snprintf(text, sizeof(text), "8@%%%s", registers[i].name);
		becomes(&x86, text, &expected);
	}
}
END_TEST
#endif

START_TEST(operands_of_x86)
{
	IS(&x86, "8@%rax", REGISTER(8, 0, 80));
	IS(&x86, "-4@%eax", REGISTER(4, 1, 80));
	IS(&x86, "2@%ax", REGISTER(2, 0, 80));
	IS(&x86, "-1@%al", REGISTER(1, 1, 80));
	IS(&x86, "1@%ah", REGISTER(1, 0, 81));
	IS(&x86, "1@%bpl", REGISTER(1, 0, 32));
	IS(&x86, "-1@%dil", REGISTER(1, 1, 112));
	IS(&x86, "8@%r15", REGISTER(8, 0, 0));
	IS(&x86, "4@%r15d", REGISTER(4, 0, 0));
	IS(&x86, "2@%r8w", REGISTER(2, 0, 72));
	IS(&x86, "1@%r9b", REGISTER(1, 0, 64));
	IS(&x86, "1@%r10l", REGISTER(1, 0, 56));
	/* A register is not read beyond the width of its name. */
	IS(&x86, "8@%edx", REGISTER(4, 0, 96));
	IS(&x86, "%rdx", REGISTER(8, 0, 96));
	IS(&x86, "-4@$-7", CONSTANT(4, 1, -7));
	IS(&x86, "8@$0x10", CONSTANT(8, 0, 16));
	IS(&x86, "8@$010", CONSTANT(8, 0, 8));
	IS(&x86, "8@$2+3-1", CONSTANT(8, 0, 4));
	IS(&x86, "8@$--2", CONSTANT(8, 0, 2));
	IS(&x86, "8@(%rbx)", MEMORY(8, 0, 40, 0));
	IS(&x86, "-4@-20(%rbp)", MEMORY(4, 1, 32, -20));
	IS(&x86, "1@0x18(%rsp)", MEMORY(1, 0, 152, 24));
	IS(&x86, "8@6291456", MEMORY(8, 0, NONE, 6291456));
	IS(&x86, "8@16(%rip)", MEMORY(8, 0, 128, 16));
	IS(&x86, "8@(%rax,%rbx)", INDEXED(8, 80, 40, 0, 0));
	IS(&x86, "8@8(%rax,%rbx,4)", INDEXED(8, 80, 40, 2, 8));
	IS(&x86, "4@-8(,%r12,8)", INDEXED(4, NONE, 24, 3, -8));
	IS(&x86, "4@( %rax , %rbx , 2 )", INDEXED(4, 80, 40, 1, 0));
}
END_TEST

/* The symbol is at 0x4000, the probe at 0x1000. */
START_TEST(symbols_of_x86)
{
	IS(&x86, "4@counter(%rip)", MEMORY(4, 0, 128, 0x3000));
	IS(&x86, "4@counter+4(%rip)", MEMORY(4, 0, 128, 0x3004));
	IS(&x86, "4@-4+counter(%rip)", MEMORY(4, 0, 128, 0x2ffc));
	IS(&x86, "4@_ZL3tab.0(%rip)", MEMORY(4, 0, 128, 0x3000));
	IS(&x86, "4@counter", MEMORY(4, 0, 128, 0x3000));
	IS(&fixed_x86, "4@counter", MEMORY(4, 0, 128, 0x3000));
	IS(&fixed_x86, "8@$counter+2", CONSTANT(8, 0, 0x4002));
	IS(&fixed_x86, "4@counter(,%rax,4)", INDEXED(4, NONE, 80, 2, 0x4000));
	IS(&fixed_x86, "4@counter+8(%rbx)", MEMORY(4, 0, 40, 0x4008));
	fails(&x86, "8@$counter", "linker");
	fails(&x86, "4@counter(,%rax,4)", "linker");
	fails(&x86, "4@counter(%rbx)", "linker");
	fails(&x86, "8@counter@GOTPCREL(%rip)", "linker");
	fails(&x86, "8@one+two(%rip)", "malformed");
	fails(&x86, "8@8-one(%rip)", "malformed");
}
END_TEST

START_TEST(what_x86_programs_cannot_read)
{
	fails(&x86, "8f@%xmm0", "floating-point");
	fails(&x86, "4f@-4(%rbp)", "floating-point");
	fails(&x86, "-8f@$1", "floating-point");
	fails(&x86, "f@%st", "floating-point");
	fails(&x86, "8@%xmm3", "vector");
	fails(&x86, "8@%mm1", "vector");
	fails(&x86, "8@%st", "vector");
	fails(&x86, "4@%cr0", "register");
	fails(&x86, "4@%r16", "register");
	fails(&x86, "4@%r7", "register");
	fails(&x86, "4@%abcdefghijklmnop", "malformed");
	fails(&x86, "4@%abcdefgh", "malformed");
	fails(&x86, "4@%", "malformed");
	fails(&x86, "8@%fs:0", "segment");
	fails(&x86, "8@%gs:8(%rax)", "segment");
	fails(&x86, "16@%rax", "1, 2, 4 or 8");
	fails(&x86, "0@%rax", "1, 2, 4 or 8");
	fails(&x86, "3@%rax", "1, 2, 4 or 8");
	fails(&x86, "--4@%rax", "malformed");
	fails(&x86, "4x@%rax", "malformed");
	fails(&x86, "4@", "malformed");
	fails(&x86, "4@$", "malformed");
	fails(&x86, "4@()", "malformed");
	fails(&x86, "4@(,)", "malformed");
	fails(&x86, "4@8(rax)", "malformed");
	fails(&x86, "4@8(%rax", "malformed");
	fails(&x86, "4@8(%rax))", "malformed");
	fails(&x86, "4@(%rax,%rbx,3)", "malformed");
	fails(&x86, "4@(%rax,%rbx,)", "malformed");
	fails(&x86, "4@%rax,%rbx", "malformed");
	fails(&x86, "4@99999999999999999999(%rax)", "malformed");
	fails(&x86, "4@9x(%rax)", "malformed");
	fails(&x86, "", "malformed");
	fails(&(const struct ebcc_usdt_place){.machine = EM_PPC64}, "4@%r1", "machine");
}
END_TEST

START_TEST(operands_of_arm64)
{
	IS(&arm64, "8@x0", REGISTER(8, 0, 0));
	IS(&arm64, "-4@w19", REGISTER(4, 1, 152));
	IS(&arm64, "8@x30", REGISTER(8, 0, 240));
	IS(&arm64, "8@sp", REGISTER(8, 0, 248));
	IS(&arm64, "1@w3", REGISTER(1, 0, 24));
	IS(&arm64, "8@w3", REGISTER(4, 0, 24));
	IS(&arm64, "-8@xzr", REGISTER(8, 1, NONE));
	IS(&arm64, "-4@-5", CONSTANT(4, 1, -5));
	IS(&arm64, "8@#0x10", CONSTANT(8, 0, 16));
	IS(&arm64, "8@[x1]", MEMORY(8, 0, 8, 0));
	IS(&arm64, "-4@[sp, 12]", MEMORY(4, 1, 248, 12));
	IS(&arm64, "2@[x29, #-16]", MEMORY(2, 0, 232, -16));
	IS(&arm64, "1@[x2,8]", MEMORY(1, 0, 16, 8));
	IS(&arm64, "8@[x0, x1]", INDEXED(8, 0, 8, 0, 0));
	IS(&arm64, "8@[x0, x1, lsl 3]", INDEXED(8, 0, 8, 3, 0));
	IS(&arm64, "4@[x16, x2, lsl #2]", INDEXED(4, 128, 16, 2, 0));
	fails(&arm64, "8@x31", "register");
	fails(&arm64, "8@d0", "vector");
	fails(&arm64, "8f@d0", "floating-point");
	fails(&arm64, "4@[x0, w1, sxtw 2]", "extended");
	fails(&arm64, "4@[x0, w1]", "extended");
	fails(&arm64, "4@[x0, #:lo12:counter]", "linker");
	fails(&arm64, "4@[x0, 8", "malformed");
	fails(&arm64, "4@[x0, 8]!", "malformed");
	fails(&arm64, "4@[x0, x1, lsl 4]", "malformed");
	fails(&arm64, "4@[x0, counter]", "linker");
	fails(&arm64, "4@[%rax]", "malformed");
}
END_TEST

START_TEST(parts_of_operands)
{
	struct ebcc_usdt_argument unused;
	struct ebcc_usdt_operand operand;

	encode(&x86, "-8@counter+8(%rip)", &operand, &unused);
	ck_assert_uint_eq(operand.parts,
			  EBCC_USDT_PART_OFFSET | EBCC_USDT_PART_SYMBOL | EBCC_USDT_PART_BASE);
	ck_assert_str_eq(operand.symbol, "counter");
	ck_assert_str_eq(operand.base, "rip");
	ck_assert_int_eq(operand.offset, 8);
	ck_assert(operand.is_signed && operand.size == 8);
	encode(&x86, "4@-8(%eax,%r9d,4)", &operand, &unused);
	ck_assert_uint_eq(operand.parts, EBCC_USDT_PART_OFFSET | EBCC_USDT_PART_BASE |
						 EBCC_USDT_PART_INDEX | EBCC_USDT_PART_SCALE);
	ck_assert_str_eq(operand.base, "eax");
	ck_assert_str_eq(operand.index, "r9d");
	ck_assert_uint_eq(operand.scale, 4);
	encode(&x86, "8@$-3", &operand, &unused);
	ck_assert_uint_eq(operand.parts, EBCC_USDT_PART_CONSTANT);
	ck_assert_int_eq(operand.constant, -3);
	encode(&x86, "8@%xmm0", &operand, &unused);
	ck_assert_uint_eq(operand.parts, 0);
}
END_TEST

START_TEST(separate_arguments)
{
	const char *expected[] = {"8@%rax", "-4@8( %rbx, 4)", "8@[sp, 16]", "1@$1)",
				  "2@(%rax 4@%al"};
	const char *at = "  8@%rax -4@8( %rbx, 4)\t8@[sp, 16]  1@$1) 2@(%rax 4@%al", *text;
	size_t length;

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		ck_assert(ebcc_usdt_next_argument(&at, &text, &length));
		ck_assert_uint_eq(length, strlen(expected[i]));
		ck_assert_mem_eq(text, expected[i], length);
	}
	ck_assert(!ebcc_usdt_next_argument(&at, &text, &length));
}
END_TEST

/* Whatever a text says, the result refers only to registers in struct pt_regs. */
START_TEST(random_arguments)
{
	static const char *const words[] = {"8@",   "-4@", "%rax", "%r99", "(",
					    ")",    ",",   "$",	   "-",	   "9223372036854775808",
					    "sym",  "[",   "]",	   "x30",  "lsl",
					    "x111", "%ah", "rip",  "4f",   "@",
					    "8",    " ",   "#",	   "w1",   "%",
					    "+",    "sp",  "zr",   ":",	   "%xmm0"};
	struct ebcc_usdt_argument argument;
	struct ebcc_usdt_operand operand;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		const struct ebcc_usdt_place *place = i & 1 ? &arm64 : &fixed_x86;
		char text[256] = "";

		for (int word = rand() % 10; word >= 0; word--)
			strcat(text, words[rand() % (sizeof(words) / sizeof(*words))]);
		if (encode(place, text, &operand, &argument)) {
			ck_assert_int_eq(argument.kind, EBCC_USDT_NONE);
			continue;
		}
		ck_assert(argument.base == NONE || argument.base <= 264);
		ck_assert(argument.index == NONE || argument.index <= 264);
		ck_assert(argument.shift <= 3);
		ck_assert(argument.size == 1 || argument.size == 2 || argument.size == 4 ||
			  argument.size == 8);
	}
}
END_TEST

/* ---- Notes ---- */

/* Appends a note. @address_size is 4 or 8. */
static void add_note(struct ebcc_buf *buf, unsigned address_size, const char *owner, unsigned type,
		     const uint64_t addresses[3], const char *strings, size_t strings_size)
{
	uint32_t header[3] = {(uint32_t)strlen(owner) + 1,
			      (uint32_t)(3 * address_size + strings_size), type};
	static const char padding[4];

	ebcc_buf_append(buf, header, sizeof(header));
	ebcc_buf_append(buf, owner, header[0]);
	ebcc_buf_append(buf, padding, -header[0] & 3);
	for (int i = 0; i < 3; i++)
		ebcc_buf_append(buf, &addresses[i], address_size);
	ebcc_buf_append(buf, strings, strings_size);
	ebcc_buf_append(buf, padding, -header[1] & 3);
}

struct seen {
	char text[256];
	unsigned count, limit;
};

static bool see(void *ctx, const struct ebcc_usdt_note *note)
{
	struct seen *seen = ctx;
	size_t length = strlen(seen->text);

	snprintf(seen->text + length, sizeof(seen->text) - length, "%s:%s(%s)@%llx/%llx ",
		 note->provider, note->name, note->arguments, (unsigned long long)note->address,
		 (unsigned long long)note->semaphore);
	return ++seen->count < seen->limit;
}

static void sample_notes(struct ebcc_buf *buf, unsigned address_size)
{
	static const char first[] = "one\0first\0-4@%eax", second[] = "two\0second\0";

	add_note(buf, address_size, "stapsdt", 3, (uint64_t[]){0x1234, 0, 0x88}, first,
		 sizeof(first));
	add_note(buf, address_size, "GNU", 3, (uint64_t[]){1, 2, 3}, "bytes", 5);
	add_note(buf, address_size, "stapsdt", 2, (uint64_t[]){1, 2, 3}, first, sizeof(first));
	add_note(buf, address_size, "stapsdt", 3, (uint64_t[]){0x5678, 0, 0}, second,
		 sizeof(second));
}

START_TEST(notes)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	struct seen seen = {.limit = 9};
	unsigned size = _i ? 4 : 8;

	sample_notes(&buf, size);
	check_ok(ebcc_usdt_walk_notes(buf.data, buf.size, size, see, &seen));
	ck_assert_str_eq(seen.text, "one:first(-4@%eax)@1234/88 two:second()@5678/0 ");
	seen = (struct seen){.limit = 1};
	check_ok(ebcc_usdt_walk_notes(buf.data, buf.size, size, see, &seen));
	ck_assert_uint_eq(seen.count, 1);
	check_ok(ebcc_usdt_walk_notes(NULL, 0, size, see, &seen));
}
END_TEST

/* Truncated at each byte, in blocks of the exact size, so that sanitizers notice reads past the
 * end. */
START_TEST(cut_notes)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;

	sample_notes(&buf, 8);
	for (size_t size = 1; size < buf.size; size++) {
		struct seen seen = {.limit = 9};
		char *copy = malloc(size);
		struct ebcc_error *error;

		memcpy(copy, buf.data, size);
		error = ebcc_usdt_walk_notes(copy, size, 8, see, &seen);
		ck_assert(!error || ebcc_error_code(error) == EBCC_ERROR_FORMAT);
		ck_assert_uint_le(seen.count, 2);
		ebcc_error_destroy(error);
		free(copy);
	}
}
END_TEST

START_TEST(hostile_notes)
{
	static const char endless[] = "no\0end at all"; /* without the last NUL */
	static const char nameless[] = "no\0\0";
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	struct seen seen = {.limit = 9};
	uint32_t huge[] = {0xffffffff, 0xffffffff, 3, 0, 0};

	check_error(ebcc_usdt_walk_notes(huge, sizeof(huge), 8, see, &seen), EBCC_ERROR_FORMAT,
		    "cut short");
	huge[0] = 4;
	check_error(ebcc_usdt_walk_notes(huge, sizeof(huge), 8, see, &seen), EBCC_ERROR_FORMAT,
		    "cut short");
	add_note(&buf, 8, "stapsdt", 3, (uint64_t[]){1, 2, 3}, endless, sizeof(endless) - 1);
	check_error(ebcc_usdt_walk_notes(buf.data, buf.size, 8, see, &seen), EBCC_ERROR_FORMAT,
		    "malformed");
	ebcc_buf_clear(&buf);
	add_note(&buf, 8, "stapsdt", 3, (uint64_t[]){1, 2, 3}, nameless, sizeof(nameless));
	check_error(ebcc_usdt_walk_notes(buf.data, buf.size, 8, see, &seen), EBCC_ERROR_FORMAT,
		    "malformed");
	ck_assert_uint_eq(seen.count, 0);
}
END_TEST

/* ---- The map of layouts ---- */

static struct ebcc_usdt_spec layout(uint64_t value)
{
	return (struct ebcc_usdt_spec){
		.count = 1, .arguments = {{.kind = EBCC_USDT_CONSTANT, .value = value, .size = 8}}};
}

static uint64_t add(struct ebcc_module *module, uint64_t key, uint64_t value)
{
	struct ebcc_usdt_spec spec = layout(value);
	uint64_t ret = 0;

	check_ok(ebcc_usdt_specs_add(module, key, &spec, &ret));
	return ret;
}

static bool in_map(struct ebcc_module *module, uint64_t key, uint64_t value)
{
	struct ebcc_usdt_spec spec;

	return !bpf_map_lookup_elem(ebcc_module_map(module, EBCC_USDT_SPECS_NAME)->fd, &key,
				    &spec) &&
	       spec.arguments[0].value == value;
}

START_TEST(equal_layouts_share_a_cookie)
{
	struct ebcc_module *module = create_module(USDT_OBJECT, NULL, NULL, 0);
	uint64_t first, second;

	check_ok(ebcc_module_load(module));
	ck_assert(ebcc_usdt_specs_wanted(module));
	first = add(module, 0, 10);
	second = add(module, 0, 20);
	ck_assert_uint_ne(first, 0);
	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq(add(module, 0, 10), first);
	ck_assert(in_map(module, first, 10) && in_map(module, second, 20));
	ebcc_usdt_specs_remove(module, first);
	ck_assert(in_map(module, first, 10));
	ebcc_usdt_specs_remove(module, first);
	ck_assert(!in_map(module, first, 10));
	ck_assert_uint_eq(add(module, 0, 30), first);
	ck_assert(in_map(module, first, 30));
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(layouts_by_address)
{
	struct ebcc_module *module = create_module(USDT_OBJECT, NULL, NULL, 0);
	struct ebcc_usdt_spec other = layout(20);
	uint64_t key;

	check_ok(ebcc_module_load(module));
	ck_assert_uint_eq(add(module, 0x401000, 10), 0x401000);
	ck_assert_uint_eq(add(module, 0x402000, 10), 0x402000);
	ck_assert_uint_eq(add(module, 0x401000, 10), 0x401000);
	check_error(ebcc_usdt_specs_add(module, 0x401000, &other, &key), EBCC_ERROR_STATE,
		    "two processes");
	ebcc_usdt_specs_remove(module, 0x401000);
	ck_assert(in_map(module, 0x401000, 10));
	ebcc_usdt_specs_remove(module, 0x401000);
	ck_assert(!in_map(module, 0x401000, 10) && in_map(module, 0x402000, 10));
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(room_for_layouts)
{
	struct ebcc_module *module = create_module(USDT_OBJECT, NULL, NULL, 0);
	uint32_t room = _i ? 300 : EBCC_USDT_SPECS_SIZE;
	struct ebcc_usdt_spec more = layout(1000000);
	uint64_t key;

	check_ok(ebcc_module_reserve_usdt(module, 10));
	if (_i)
		check_ok(ebcc_module_reserve_usdt(module, room));
	check_ok(ebcc_module_load(module));
	for (uint32_t i = 0; i < room; i++)
		add(module, 0, i);
	check_error(ebcc_usdt_specs_add(module, 0, &more, &key), EBCC_ERROR_STATE, "room for");
	add(module, 0, room - 1);
	check_error(ebcc_module_reserve_usdt(module, 1000), EBCC_ERROR_STATE,
		    "before the module is loaded");
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(modules_that_read_no_arguments)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);

	check_ok(ebcc_module_reserve_usdt(module, 1000));
	ck_assert(!ebcc_usdt_specs_wanted(module));
	ebcc_module_destroy(module);
}
END_TEST

/* ---- Semaphores ---- */

START_TEST(counting_in_memory)
{
	static volatile uint16_t counter = 7;
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(memory, 0);
	check_ok(ebcc_semaphore_raise(memory, (uintptr_t)&counter));
	ck_assert_uint_eq(counter, 8);
	ebcc_semaphore_lower(memory, (uintptr_t)&counter);
	ck_assert_uint_eq(counter, 7);
	counter = UINT16_MAX;
	check_error(ebcc_semaphore_raise(memory, (uintptr_t)&counter), EBCC_ERROR_FORMAT, "65535");
	ck_assert_uint_eq(counter, UINT16_MAX);
	counter = 0;
	ebcc_semaphore_lower(memory, (uintptr_t)&counter);
	ck_assert_uint_eq(counter, 0);
	check_error(ebcc_semaphore_raise(memory, 16), EBCC_ERROR_OS, "semaphore");
	close(memory);
}
END_TEST

/* ---- Maps and files of processes ---- */

START_TEST(lines_of_maps)
{
	char text[] =
		"55d0-55e0 r-xp 00001000 fe:01 1234       /usr/bin/a program\n"
		"nonsense\n"
		"7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
		"7f0000002000-7f0000001000 rw-p 00000000 00:00 0\n"
		"7f0000003000-7f0000004000 rwxp 00000000 00:1f 5 /tmp/new\\012line (deleted)\n"
		"7fff00000000-7fff00001000 r-xp 00000000 00:00 0 [vdso]\n"
		"7fff00002000-7fff00003000 r--s 00000000 103:2 9 /last";
	struct ebcc_mapping mapping;
	char *at = text;

	ck_assert(ebcc_maps_next(&at, &mapping));
	ck_assert(mapping.start == 0x55d0 && mapping.end == 0x55e0 && mapping.offset == 0x1000);
	ck_assert(mapping.major == 0xfe && mapping.minor == 1 && mapping.inode == 1234);
	ck_assert(mapping.executable && !mapping.writable && !mapping.deleted);
	ck_assert_str_eq(mapping.path, "/usr/bin/a program");
	ck_assert(ebcc_maps_next(&at, &mapping));
	ck_assert(!mapping.path && mapping.writable && !mapping.executable);
	ck_assert(ebcc_maps_next(&at, &mapping));
	ck_assert(mapping.deleted);
	ck_assert_str_eq(mapping.path, "/tmp/new\nline");
	ck_assert(ebcc_maps_next(&at, &mapping));
	ck_assert_ptr_null(mapping.path);
	ck_assert(ebcc_maps_next(&at, &mapping));
	ck_assert_str_eq(mapping.path, "/last");
	ck_assert(!ebcc_maps_next(&at, &mapping));
	at = NULL;
	ck_assert(!ebcc_maps_next(&at, &mapping));
}
END_TEST

START_TEST(only_regular_files_are_opened)
{
	char folder[] = "/tmp/ebcc-usdt-XXXXXX", path[64];
	int fd = -1;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	for (int pid = 0; pid <= getpid(); pid += getpid()) {
		check_error(ebcc_process_open(pid, path, &fd), EBCC_ERROR_FORMAT, "regular");
		check_error(ebcc_process_open(pid, "/dev/null", &fd), EBCC_ERROR_FORMAT, "regular");
		check_error(ebcc_process_open(pid, folder, &fd), EBCC_ERROR_FORMAT, "regular");
		check_error(ebcc_process_open(pid, "/no/such", &fd), EBCC_ERROR_NOT_FOUND,
			    "/no/such");
		check_ok(ebcc_process_open(pid, "/etc/passwd", &fd));
		close(fd);
	}
	check_error(ebcc_process_open(0x7ffffff, "/etc/passwd", &fd), EBCC_ERROR_NOT_FOUND,
		    "no process");
	unlink(path);
	rmdir(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usdt");
	TCase *texts = tcase_create("texts"), *kernel = tcase_create("kernel");
	SRunner *runner;
	int failed;

#if defined(__x86_64__)
	tcase_add_test(texts, registers_of_x86);
#endif
	tcase_add_test(texts, operands_of_x86);
	tcase_add_test(texts, symbols_of_x86);
	tcase_add_test(texts, what_x86_programs_cannot_read);
	tcase_add_test(texts, operands_of_arm64);
	tcase_add_test(texts, parts_of_operands);
	tcase_add_test(texts, separate_arguments);
	tcase_add_test(texts, random_arguments);
	tcase_add_loop_test(texts, notes, 0, 2);
	tcase_add_test(texts, cut_notes);
	tcase_add_test(texts, hostile_notes);
	tcase_add_test(texts, lines_of_maps);
	tcase_add_test(texts, only_regular_files_are_opened);
	tcase_add_test(texts, counting_in_memory);
	suite_add_tcase(suite, texts);
	if (geteuid()) {
		fprintf(stderr, "skipped: creating maps requires root\n");
	} else {
		tcase_add_test(kernel, equal_layouts_share_a_cookie);
		tcase_add_test(kernel, layouts_by_address);
		tcase_add_loop_test(kernel, room_for_layouts, 0, 2);
		tcase_add_test(kernel, modules_that_read_no_arguments);
	}
	suite_add_tcase(suite, kernel);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
