/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources written for libbpf expect of its header of this name: sections, maps as structs,
 * attributes, loops by the kernel's iterators. The names and their meanings are libbpf's, as its
 * documentation gives them; the helpers themselves are there without an include.
 */
#ifndef EBCC_BPF_HELPERS_H
#define EBCC_BPF_HELPERS_H

#include "ebcc/dialect.h"

/* Of a program, what it is attached to ("kprobe/vfs_read"); of a map, ".maps"; of a variable, the
 * section of data. */
#define SEC(name) __attribute__((section(name), used))

/* Members of a map's definition: a number, a type, and an array of what the map holds. BTF has
 * numbers only as the lengths of arrays. */
#define __uint(name, value) int(*name)[value]
#define __ulong(name, value)                                                                       \
	enum { __EBCC_CONCAT(__ebcc_unique_, __COUNTER__) = (value) } name
#define __type(name, value) __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]

/* Whether libbpf gives a map a name in the BPF file system: the values of `pinning`. */
enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME,
};

/* The values of the kernel's configuration options that may be modules (`extern ... __kconfig`). The
 * kernel types of portable objects have it, too. */
#ifndef EBCC_PORTABLE
enum libbpf_tristate {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MODULE = 2,
};
#endif

#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))

/* Of the parameters of global functions, which the verifier checks on their own. */
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))
#undef __weak
#define __weak __attribute__((weak))
#undef __hidden
#define __hidden __attribute__((visibility("hidden")))

#ifndef NULL
#define NULL ((void *)0)
#endif

/* As expressions, so that they are relocated for structs with preserve_access_index. */
#undef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#undef container_of
#define container_of(pointer, type, member)                                                        \
	((type *)((char *)(pointer) - (unsigned long)&((type *)0)->member))

#undef barrier
#define barrier() asm volatile("" ::: "memory")
#undef barrier_var
#define barrier_var(variable) asm volatile("" : "+r"(variable))

/* A place that is never reached: an error of the compiler if it isn't optimized away. */
#define __bpf_unreachable() __builtin_trap()

#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif

#define bpf_printk(format, ...) ((long)bpf_trace_printk(format, ##__VA_ARGS__))

/* An array of 64-bit values, pointers too, as the helpers take it. */
#define __EBCC_VALUE_ARRAY(name, ...)                                                              \
	_Pragma("clang diagnostic push")                                                           \
	_Pragma("clang diagnostic ignored \"-Wint-conversion\"")                                   \
	unsigned long long name[] = {__VA_ARGS__};                                                 \
	_Pragma("clang diagnostic pop")

/* snprintf() with a literal as the format; returns the size of the text with its NUL. */
#define BPF_SNPRINTF(out, out_size, format, ...)                                                   \
	({                                                                                         \
		static const char __ebcc_format[] = format;                                        \
		__EBCC_VALUE_ARRAY(__ebcc_values, __VA_ARGS__)                                     \
		bpf_snprintf(out, out_size, __ebcc_format,                                         \
			     sizeof(__ebcc_values) ? __ebcc_values : (void *)0,                    \
			     sizeof(__ebcc_values));                                               \
	})

/* Calls a program of an array by a constant index. */
#define bpf_tail_call_static(ctx, map, index) ((void)bpf_tail_call(ctx, map, index))

/* Whether the kernel has a variable or function that is declared `__ksym __weak`. */
#define bpf_ksym_exists(symbol) (!!(&(symbol)))

/*
 * Loops over what an iterator of the kernel gives (Linux 6.4). It must be destroyed on every way out
 * of the loop, and a variable's cleanup attribute does that.
 */
#define bpf_for_each(type, current, ...)                                                           \
	for (struct bpf_iter_##type __ebcc_iter __attribute__((                                    \
		     aligned(8), cleanup(bpf_iter_##type##_destroy))),                             \
	     *__ebcc_begun __attribute__((unused)) =                                               \
		     (bpf_iter_##type##_new(&__ebcc_iter, ##__VA_ARGS__), (void *)0);              \
	     ((current) = bpf_iter_##type##_next(&__ebcc_iter));)

/* Runs `i` from @start to @end - 1. The comparisons tell the verifier its bounds. */
#define bpf_for(i, start, end)                                                                     \
	for (struct bpf_iter_num __ebcc_iter                                                       \
	     __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),                           \
	     *__ebcc_begun __attribute__((unused)) =                                               \
		     (bpf_iter_num_new(&__ebcc_iter, (start), (end)), (void *)0);                  \
	     ({                                                                                    \
		     int *__ebcc_next = bpf_iter_num_next(&__ebcc_iter);                           \
		     int __ebcc_goes_on = __ebcc_next != (void *)0;                                \
                                                                                                   \
		     if (__ebcc_goes_on) {                                                         \
			     (i) = *__ebcc_next;                                                   \
			     __ebcc_goes_on = (i) >= (start) && (i) < (end);                       \
		     }                                                                             \
		     __ebcc_goes_on;                                                               \
	     });)

#define bpf_repeat(times)                                                                          \
	for (struct bpf_iter_num __ebcc_iter                                                       \
	     __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),                           \
	     *__ebcc_begun __attribute__((unused)) =                                               \
		     (bpf_iter_num_new(&__ebcc_iter, 0, (times)), (void *)0);                      \
	     bpf_iter_num_next(&__ebcc_iter);)

#endif /* EBCC_BPF_HELPERS_H */
