/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros that begin a program, and access to variable-size fields of a tracepoint's record. A
 * program whose arguments the kernel describes by BTF gets them as an array of 64-bit values, which
 * is unpacked into the parameters that the source declares.
 */
#ifndef EBCC_PROGRAMS_H
#define EBCC_PROGRAMS_H

#define __EBCC_CONCAT_(a, b) a##b
#define __EBCC_CONCAT(a, b) __EBCC_CONCAT_(a, b)
#define __EBCC_COUNT_(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, count, ...) count
#define __EBCC_COUNT(...)                                                                          \
	__EBCC_COUNT_(0, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

#define TRACEPOINT_PROBE(category, event)                                                          \
	int tracepoint__##category##__##event(struct tracepoint__##category##__##event *args)

#define RAW_TRACEPOINT_PROBE(event)                                                                \
	int raw_tracepoint__##event(struct bpf_raw_tracepoint_args *ctx)

#define __EBCC_VALUES0
#define __EBCC_VALUES1 , (void *)ctx[0]
#define __EBCC_VALUES2 __EBCC_VALUES1, (void *)ctx[1]
#define __EBCC_VALUES3 __EBCC_VALUES2, (void *)ctx[2]
#define __EBCC_VALUES4 __EBCC_VALUES3, (void *)ctx[3]
#define __EBCC_VALUES5 __EBCC_VALUES4, (void *)ctx[4]
#define __EBCC_VALUES6 __EBCC_VALUES5, (void *)ctx[5]
#define __EBCC_VALUES7 __EBCC_VALUES6, (void *)ctx[6]
#define __EBCC_VALUES8 __EBCC_VALUES7, (void *)ctx[7]
#define __EBCC_VALUES9 __EBCC_VALUES8, (void *)ctx[8]
#define __EBCC_VALUES10 __EBCC_VALUES9, (void *)ctx[9]
#define __EBCC_VALUES11 __EBCC_VALUES10, (void *)ctx[10]
#define __EBCC_VALUES12 __EBCC_VALUES11, (void *)ctx[11]

#define BPF_PROG(name, ...)                                                                        \
	static inline __attribute__((always_inline)) int __ebcc_body__##name(                      \
		unsigned long long *ctx, ##__VA_ARGS__);                                           \
	int name(unsigned long long *ctx)                                                          \
	{                                                                                          \
		_Pragma("clang diagnostic push")                                                   \
		_Pragma("clang diagnostic ignored \"-Wint-conversion\"")                           \
		return __ebcc_body__##name(                                                        \
			ctx __EBCC_CONCAT(__EBCC_VALUES, __EBCC_COUNT(__VA_ARGS__)));              \
		_Pragma("clang diagnostic pop")                                                    \
	}                                                                                          \
	static inline int __ebcc_body__##name(unsigned long long *ctx, ##__VA_ARGS__)

/* The arguments pass takes the parameters from the array, structs passed by value too. */
#define __EBCC_TYPED(name, ...) int name(unsigned long long *ctx, ##__VA_ARGS__)
#define KFUNC_PROBE(function, ...) __EBCC_TYPED(kfunc__##function, ##__VA_ARGS__)
#define KRETFUNC_PROBE(function, ...) __EBCC_TYPED(kretfunc__##function, ##__VA_ARGS__)
#define MODULE_KFUNC_PROBE(module, function, ...)                                                  \
	__EBCC_TYPED(kfunc__##module##__##function, ##__VA_ARGS__)
#define MODULE_KRETFUNC_PROBE(module, function, ...)                                               \
	__EBCC_TYPED(kretfunc__##module##__##function, ##__VA_ARGS__)
#define KMOD_RET(function, ...) __EBCC_TYPED(kmod_ret__##function, ##__VA_ARGS__)
#define LSM_PROBE(hook, ...) __EBCC_TYPED(lsm__##hook, ##__VA_ARGS__)
#define BPF_ITER(target) int bpf_iter__##target(struct bpf_iter__##target *ctx)

/* printf to the text of an iterator, with a literal as the format and up to twelve values. The helper
 * takes them as an array of 64-bit values, pointers too. */
#define BPF_SEQ_PRINTF(seq, format, ...)                                                           \
	({                                                                                         \
		_Pragma("clang diagnostic push")                                                   \
		_Pragma("clang diagnostic ignored \"-Wint-conversion\"")                           \
		unsigned long long __ebcc_values[] = {__VA_ARGS__};                                \
		_Pragma("clang diagnostic pop")                                                    \
		bpf_seq_printf(seq, "" format, sizeof("" format),                                  \
			       sizeof(__ebcc_values) ? __ebcc_values : (void *)0,                  \
			       sizeof(__ebcc_values));                                             \
	})

/* The size of a destination, if it is an array; else the largest size of a field. */
#define __EBCC_ROOM(destination)                                                                   \
	(__builtin_types_compatible_p(__typeof__(destination), __typeof__((destination) + 0)) ?    \
		 0xffff :                                                                          \
		 sizeof(destination))

/* The empty assembly statement makes the comparison apply to the same value that the helper gets,
 * so that the verifier sees the bound. */
__EBCC_INLINE __u32 __ebcc_at_most(__u32 size, __u32 room)
{
	asm volatile("" : "+r"(size));
	return size > room ? room : size;
}

/* A field of variable size: a word has its offset in the record in the low half and its size in the
 * high half. */
#define TP_DATA_LOC_READ_CONST(destination, field, length)                                         \
	((void)bpf_probe_read_kernel(                                                              \
		(void *)(destination), length,                                                     \
		(const char *)args + (__u16)(args->data_loc_##field & 0xffff)))
#define TP_DATA_LOC_READ(destination, field)                                                       \
	((void)bpf_probe_read_kernel(                                                              \
		(void *)(destination),                                                             \
		__ebcc_at_most((__u16)(args->data_loc_##field >> 16), __EBCC_ROOM(destination)),   \
		(const char *)args + (__u16)(args->data_loc_##field & 0xffff)))
#define TP_DATA_LOC_READ_STR(destination, field, length)                                           \
	((void)bpf_probe_read_kernel_str(                                                          \
		(void *)(destination), length,                                                     \
		(const char *)args + (__u16)(args->data_loc_##field & 0xffff)))

#endif /* EBCC_PROGRAMS_H */
