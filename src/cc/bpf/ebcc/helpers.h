/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions and macros of the dialect that don't belong to maps or kinds of programs: byte order,
 * histogram slots, atomics, the trace pipe.
 */
#ifndef EBCC_HELPERS_H
#define EBCC_HELPERS_H

#ifndef likely
#define likely(condition) __builtin_expect(!!(condition), 1)
#endif
#ifndef unlikely
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#endif
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __inline
#define __inline inline
#endif
/* A flag of kernel builds about how functions are traced; sources check it. */
#ifndef CC_USING_FENTRY
#define CC_USING_FENTRY 1
#endif

/* Network byte order is the reverse of the machine's: objects are for little-endian machines
 * only. */
#define bpf_ntohs(value) ((__u16)__builtin_bswap16(value))
#define bpf_htons(value) ((__u16)__builtin_bswap16(value))
#define bpf_ntohl(value) ((__u32)__builtin_bswap32(value))
#define bpf_htonl(value) ((__u32)__builtin_bswap32(value))
#define bpf_ntohll(value) ((__u64)__builtin_bswap64(value))
#define bpf_htonll(value) ((__u64)__builtin_bswap64(value))
#define bpf_ntoh128(value)                                                                         \
	({                                                                                         \
		unsigned __int128 __ebcc_wide = (value);                                           \
                                                                                                   \
		(unsigned __int128)__builtin_bswap64(__ebcc_wide) << 64 |                          \
			__builtin_bswap64(__ebcc_wide >> 64);                                      \
	})
#define bpf_hton128(value) bpf_ntoh128(value)
#define bpf_cpu_to_be64(value) bpf_htonll(value)
#define bpf_be64_to_cpu(value) bpf_ntohll(value)

/* Adds without returning the old value, which every version of the instruction set supports. */
#define lock_xadd(pointer, value) ((void)__sync_fetch_and_add(pointer, value))

/* A number with that many of its lowest bits set. */
#ifndef MASK
#define MASK(bits) ((bits) < 64 ? (1ULL << (bits)) - 1 : ~0ULL)
#endif
#define MASK128(bits) ((bits) < 128 ? ((unsigned __int128)1 << (bits)) - 1 : ~(unsigned __int128)0)

/* The current CPU, for helpers that take a CPU number. */
#define CUR_CPU_IDENTIFIER BPF_F_CURRENT_CPU

/* The number of possible CPUs, which is also how many elements a per-CPU value has. */
#ifdef EBCC_PORTABLE
#define bpf_num_cpus()                                                                             \
	_Pragma("GCC error \"a portable object can't contain the number of CPUs\"") 0
#else
#define bpf_num_cpus() ((int)EBCC_CPU_COUNT)
#endif

/* printf to the trace pipe; the markers pass lowers it to helper 6 or 177, with the size of a
 * literal format. If the format is in an array, its size is the second argument, as for the
 * helper. */
extern int __ebcc_trace_printk(const char *format, ...);
#define bpf_trace_printk __ebcc_trace_printk

/* Position of the highest bit set, 0 for 0 and 1. */
__EBCC_INLINE unsigned int bpf_log2(unsigned int value)
{
	unsigned int position = 0;

#pragma clang loop unroll(full)
	for (unsigned int step = 16; step; step >>= 1) {
		unsigned int high = (value >> step) != 0;

		value >>= high * step;
		position += high * step;
	}
	return position;
}

/* The slot of a value in a histogram of powers of two: 1 for 0 and 1, 2 for 2 and 3, ... */
__EBCC_INLINE unsigned int bpf_log2l(unsigned long value)
{
	unsigned int high = value >> 32;

	return high ? bpf_log2(high) + 32 + 1 : bpf_log2(value) + 1;
}

/*
 * A source uses this, or defines a macro of this name whose text is the license: the sections pass
 * accepts both, with or without quotes. push_macro lets a source redefine it without a warning.
 */
#ifndef BPF_LICENSE
#define BPF_LICENSE(license)                                                                       \
	char _license[] __attribute__((__section__("license"), used)) = #license
#pragma push_macro("BPF_LICENSE")
#endif

#endif /* EBCC_HELPERS_H */
