/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources written for libbpf expect of its header of this name: reads of the kernel's memory
 * along a path of members, whose offsets are those of the kernel that the object is loaded on. The
 * names and their meanings are libbpf's, as its documentation gives them. The questions about types
 * and members (bpf_core_field_exists() and similar) are in ebcc/core.h.
 *
 * BPF_CORE_READ(task, mm, owner, pid) reads task->mm, from there ->owner, and from there ->pid:
 *
 *	({
 *		typeof(task->mm->owner->pid) value;
 *		const void *base;
 *
 *		read(&base, sizeof(base), &task->mm);
 *		read(&base, sizeof(base), &((typeof(task->mm))base)->owner);
 *		read(&value, sizeof(value), &((typeof(task->mm->owner))base)->pid);
 *		value;
 *	})
 */
#ifndef EBCC_BPF_CORE_READ_H
#define EBCC_BPF_CORE_READ_H

#include "bpf/bpf_helpers.h"

/* As bpf_probe_read_kernel() and similar, where the address in @source is relocated. */
#define bpf_core_read(destination, size, source)                                                   \
	bpf_probe_read_kernel(destination, size,                                                   \
			      (const void *)__builtin_preserve_access_index(source))
#define bpf_core_read_user(destination, size, source)                                              \
	bpf_probe_read_user(destination, size,                                                     \
			    (const void *)__builtin_preserve_access_index(source))
#define bpf_core_read_str(destination, size, source)                                               \
	bpf_probe_read_kernel_str(destination, size,                                               \
				  (const void *)__builtin_preserve_access_index(source))
#define bpf_core_read_user_str(destination, size, source)                                          \
	bpf_probe_read_user_str(destination, size,                                                 \
				(const void *)__builtin_preserve_access_index(source))

/* The expression for a path of up to ten members: __EBCC_PATH(task, mm, owner) is task->mm->owner. */
#define __EBCC_PATH1(s, a) (s)->a
#define __EBCC_PATH2(s, a, ...) __EBCC_PATH1((s)->a, __VA_ARGS__)
#define __EBCC_PATH3(s, a, ...) __EBCC_PATH2((s)->a, __VA_ARGS__)
#define __EBCC_PATH4(s, a, ...) __EBCC_PATH3((s)->a, __VA_ARGS__)
#define __EBCC_PATH5(s, a, ...) __EBCC_PATH4((s)->a, __VA_ARGS__)
#define __EBCC_PATH6(s, a, ...) __EBCC_PATH5((s)->a, __VA_ARGS__)
#define __EBCC_PATH7(s, a, ...) __EBCC_PATH6((s)->a, __VA_ARGS__)
#define __EBCC_PATH8(s, a, ...) __EBCC_PATH7((s)->a, __VA_ARGS__)
#define __EBCC_PATH9(s, a, ...) __EBCC_PATH8((s)->a, __VA_ARGS__)
#define __EBCC_PATH10(s, a, ...) __EBCC_PATH9((s)->a, __VA_ARGS__)
#define __EBCC_PATH(s, ...)                                                                        \
	__EBCC_CONCAT(__EBCC_PATH, __EBCC_COUNT(__VA_ARGS__))(s, __VA_ARGS__)

/* Reads the path: all but the last member by @step, the last one into @to by @last. @base holds the
 * address so far; @s, whose type is that of the expression so far, gives its type. */
#define __EBCC_READ1(step, last, to, base, s, a)                                                   \
	last(to, sizeof(*(to)), &((__typeof__(s))(base))->a)
#define __EBCC_READ2(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ1(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ3(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ2(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ4(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ3(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ5(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ4(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ6(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ5(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ7(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ6(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ8(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ7(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ9(step, last, to, base, s, a, ...)                                              \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ8(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ10(step, last, to, base, s, a, ...)                                             \
	__EBCC_READ_STEP(step, base, s, a);                                                        \
	__EBCC_READ9(step, last, to, __ebcc_base, (s)->a, __VA_ARGS__)
#define __EBCC_READ_STEP(step, base, s, a)                                                         \
	step(&__ebcc_base, sizeof(__ebcc_base), &((__typeof__(s))(base))->a)

/* The result is that of the last read: 0, a length, or a negative error. */
#define __EBCC_READ(step, last, to, s, ...)                                                        \
	({                                                                                         \
		const void *__ebcc_base __attribute__((unused));                                   \
                                                                                                   \
		__EBCC_CONCAT(__EBCC_READ, __EBCC_COUNT(__VA_ARGS__))                              \
		(step, last, to, s, s, __VA_ARGS__);                                               \
	})
#define __EBCC_READ_VALUE(step, s, ...)                                                            \
	({                                                                                         \
		__typeof__(__EBCC_PATH(s, __VA_ARGS__)) __ebcc_value;                              \
                                                                                                   \
		__EBCC_READ(step, step, &__ebcc_value, s, __VA_ARGS__);                            \
		__ebcc_value;                                                                      \
	})

/* Members of the kernel's structs in its memory; of such structs in a process's memory. */
#define BPF_CORE_READ(s, ...) __EBCC_READ_VALUE(bpf_core_read, s, __VA_ARGS__)
#define BPF_CORE_READ_USER(s, ...) __EBCC_READ_VALUE(bpf_core_read_user, s, __VA_ARGS__)
#define BPF_CORE_READ_INTO(to, s, ...)                                                             \
	__EBCC_READ(bpf_core_read, bpf_core_read, to, s, __VA_ARGS__)
#define BPF_CORE_READ_USER_INTO(to, s, ...)                                                        \
	__EBCC_READ(bpf_core_read_user, bpf_core_read_user, to, s, __VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(to, s, ...)                                                         \
	__EBCC_READ(bpf_core_read, bpf_core_read_str, to, s, __VA_ARGS__)
#define BPF_CORE_READ_USER_STR_INTO(to, s, ...)                                                    \
	__EBCC_READ(bpf_core_read_user, bpf_core_read_user_str, to, s, __VA_ARGS__)

/* The same without relocations, for structs that are the same on every kernel. */
#define BPF_PROBE_READ(s, ...) __EBCC_READ_VALUE(bpf_probe_read_kernel, s, __VA_ARGS__)
#define BPF_PROBE_READ_USER(s, ...) __EBCC_READ_VALUE(bpf_probe_read_user, s, __VA_ARGS__)
#define BPF_PROBE_READ_INTO(to, s, ...)                                                            \
	__EBCC_READ(bpf_probe_read_kernel, bpf_probe_read_kernel, to, s, __VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(to, s, ...)                                                       \
	__EBCC_READ(bpf_probe_read_user, bpf_probe_read_user, to, s, __VA_ARGS__)
#define BPF_PROBE_READ_STR_INTO(to, s, ...)                                                        \
	__EBCC_READ(bpf_probe_read_kernel, bpf_probe_read_kernel_str, to, s, __VA_ARGS__)
#define BPF_PROBE_READ_USER_STR_INTO(to, s, ...)                                                   \
	__EBCC_READ(bpf_probe_read_user, bpf_probe_read_user_str, to, s, __VA_ARGS__)

/* Bit fields: the kernel's size and place of the number that has them, and the shifts that move the
 * bits up to the top of 64 bits and then down (clang/docs/LanguageExtensions.rst). */
#define __EBCC_BITS(s, field, what) __builtin_preserve_field_info((s)->field, what)
#define __EBCC_BITS_OFFSET 0
#define __EBCC_BITS_SIZE 1
#define __EBCC_BITS_SIGNED 3
#define __EBCC_BITS_LEFT 4
#define __EBCC_BITS_RIGHT 5

#define __EBCC_BITS_VALUE(s, field, number)                                                        \
	({                                                                                         \
		unsigned long long __ebcc_bits = (number) << __EBCC_BITS(s, field, __EBCC_BITS_LEFT); \
                                                                                                   \
		__EBCC_BITS(s, field, __EBCC_BITS_SIGNED) ?                                        \
			(unsigned long long)((long long)__ebcc_bits >>                             \
					     __EBCC_BITS(s, field, __EBCC_BITS_RIGHT)) :           \
			__ebcc_bits >> __EBCC_BITS(s, field, __EBCC_BITS_RIGHT);                   \
	})

/* The value of a bit field of the kernel's memory, and of memory that the program may access. */
#define BPF_CORE_READ_BITFIELD_PROBED(s, field)                                                    \
	({                                                                                         \
		unsigned long long __ebcc_number = 0;                                              \
                                                                                                   \
		bpf_probe_read_kernel(&__ebcc_number, __EBCC_BITS(s, field, __EBCC_BITS_SIZE),     \
				      (const char *)(s) +                                          \
					      __EBCC_BITS(s, field, __EBCC_BITS_OFFSET));          \
		__EBCC_BITS_VALUE(s, field, __ebcc_number);                                        \
	})
#define BPF_CORE_READ_BITFIELD(s, field)                                                           \
	({                                                                                         \
		const char *__ebcc_place =                                                         \
			(const char *)(s) + __EBCC_BITS(s, field, __EBCC_BITS_OFFSET);             \
		unsigned long long __ebcc_number = 0;                                              \
                                                                                                   \
		barrier_var(__ebcc_place);                                                         \
		switch (__EBCC_BITS(s, field, __EBCC_BITS_SIZE)) {                                 \
		case 1:                                                                            \
			__ebcc_number = *(const unsigned char *)__ebcc_place;                      \
			break;                                                                     \
		case 2:                                                                            \
			__ebcc_number = *(const unsigned short *)__ebcc_place;                     \
			break;                                                                     \
		case 4:                                                                            \
			__ebcc_number = *(const unsigned int *)__ebcc_place;                       \
			break;                                                                     \
		case 8:                                                                            \
			__ebcc_number = *(const unsigned long long *)__ebcc_place;                 \
			break;                                                                     \
		}                                                                                  \
		__EBCC_BITS_VALUE(s, field, __ebcc_number);                                        \
	})

/* A pointer to the kernel's memory as one that the verifier follows by @type (Linux 6.2). */
#define bpf_core_cast(pointer, type)                                                               \
	((__typeof__(type) *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)))

#endif /* EBCC_BPF_CORE_READ_H */
