// SPDX-License-Identifier: Apache-2.0
/*
 * An object with one program for each relocation that test_relocate.c looks at. The types are those
 * of a kernel that differs from the one in relocate_kernel.h.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define RELOCATED __attribute__((preserve_access_index))

struct inner {
	int a;
	int b;
} RELOCATED;

struct moved {
	long before;
	int x;
	struct inner in;
	char name[16];
	struct inner list[4];
	unsigned f1 : 3;
	unsigned f2 : 7;
	signed s3 : 4;
	unsigned char c;
	signed char d;
	struct moved *next;
	struct {
		int i;
	} variant;
	int *changed;
	int tail[];
} RELOCATED;

struct moved___older {
	int x;
	int gone;
} RELOCATED;

struct absent {
	int x;
} RELOCATED;

enum state { IDLE = 1, BUSY = 2, GONE = 7 };
enum large { SMALL = 1, HUGE = 0x123456789ll };

struct same {
	int number;
	struct moved *pointer;
};

struct different {
	int number;
};

typedef struct moved moved_t;

#define PROGRAM(name, expression)                                                                  \
	SEC("socket") int name(struct moved *m)                                                    \
	{                                                                                          \
		return expression;                                                                 \
	}

#define INFO(member, kind) __builtin_preserve_field_info(m->member, kind)

PROGRAM(offset_of_x, INFO(x, BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_of_inner, INFO(in.b, BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_of_element, INFO(list[2].a, BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_of_character, INFO(name[3], BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_in_tail, INFO(tail[5], BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_of_variant, INFO(variant.i, BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_of_second, __builtin_preserve_field_info(m[2].next, BPF_FIELD_BYTE_OFFSET))
PROGRAM(size_of_c, INFO(c, BPF_FIELD_BYTE_SIZE))
PROGRAM(size_of_name, INFO(name, BPF_FIELD_BYTE_SIZE))
PROGRAM(size_of_f2, INFO(f2, BPF_FIELD_BYTE_SIZE))
PROGRAM(offset_of_f1, INFO(f1, BPF_FIELD_BYTE_OFFSET))
PROGRAM(offset_of_f2, INFO(f2, BPF_FIELD_BYTE_OFFSET))
PROGRAM(left_shift_of_f1, INFO(f1, BPF_FIELD_LSHIFT_U64))
PROGRAM(right_shift_of_f1, INFO(f1, BPF_FIELD_RSHIFT_U64))
PROGRAM(left_shift_of_f2, INFO(f2, BPF_FIELD_LSHIFT_U64))
PROGRAM(right_shift_of_f2, INFO(f2, BPF_FIELD_RSHIFT_U64))
PROGRAM(signed_s3, INFO(s3, BPF_FIELD_SIGNED))
PROGRAM(signed_f2, INFO(f2, BPF_FIELD_SIGNED))
PROGRAM(exists_x, INFO(x, BPF_FIELD_EXISTS))
PROGRAM(exists_before, INFO(before, BPF_FIELD_EXISTS))
PROGRAM(exists_changed, INFO(changed, BPF_FIELD_EXISTS))
PROGRAM(exists_gone, bpf_core_field_exists(((struct moved___older *)m)->gone))
PROGRAM(offset_in_older,
	__builtin_preserve_field_info(((struct moved___older *)m)->x, BPF_FIELD_BYTE_OFFSET))
PROGRAM(type_exists, bpf_core_type_exists(struct moved))
PROGRAM(type_exists_typedef, bpf_core_type_exists(moved_t))
PROGRAM(type_exists_older, bpf_core_type_exists(struct moved___older))
PROGRAM(type_absent, bpf_core_type_exists(struct absent))
PROGRAM(type_size, bpf_core_type_size(struct moved))
PROGRAM(type_matches, bpf_core_type_matches(struct same))
PROGRAM(type_differs, bpf_core_type_matches(struct different))
PROGRAM(value_of_busy, bpf_core_enum_value(enum state, BUSY))
PROGRAM(exists_busy, bpf_core_enum_value_exists(enum state, BUSY))
PROGRAM(exists_gone_value, bpf_core_enum_value_exists(enum state, GONE))
PROGRAM(value_of_huge, bpf_core_enum_value(enum large, HUGE) >> 32)
PROGRAM(load_x, m->x)
PROGRAM(load_c, m->c)
PROGRAM(load_d, m->d)
PROGRAM(load_before, m->before)
PROGRAM(load_absent, ((struct absent *)m)->x)
PROGRAM(value_of_gone, bpf_core_enum_value(enum state, GONE))

char _license[] SEC("license") = "GPL";
