/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps. A map NAME is two variables: __ebcc_map_NAME in section .maps, as libbpf expects it, and
 * NAME, a constant table of inline functions that the optimizer resolves, so that
 * `NAME.lookup(&key)` is C and becomes one helper call. The maps pass (compiler/passes/maps.c,
 * which begins with an example) then gives the map its name back.
 *
 * A type parameter may be a struct definition, so it must be expanded only once: in the map's own
 * definition, from where __EBCC_KEY() and __EBCC_LEAF() take it. Commas between its braces are kept
 * together if a macro's parameters are `...` (clang_shim.cc, CommasInBraces), hence the second
 * macro after each that has such a parameter.
 *
 * Methods come in groups, each three macros: __EBCC_FUNCTIONS_group() defines their functions,
 * __EBCC_MEMBERS_group() and __EBCC_VALUES_group() are what a table of methods has of them. All the
 * methods of a few maps take clang longer than a small source. So the compiler takes back the
 * groups of which a source names no method (compiler/selection.h).
 *
 * Methods that C can't express are undefined functions (__ebcc_lookup_or_init__NAME,
 * __ebcc_increment__NAME, __ebcc_atomic_increment__NAME); the markers pass replaces their calls.
 */
#ifndef EBCC_MAPS_H
#define EBCC_MAPS_H

#include "ebcc/map_types.h"

#define __EBCC_TYPE_HASH 1
#define __EBCC_TYPE_ARRAY 2
#define __EBCC_TYPE_PROG_ARRAY 3
#define __EBCC_TYPE_PERF_EVENT_ARRAY 4
#define __EBCC_TYPE_PERCPU_HASH 5
#define __EBCC_TYPE_PERCPU_ARRAY 6
#define __EBCC_TYPE_STACK_TRACE 7
#define __EBCC_TYPE_CGROUP_ARRAY 8
#define __EBCC_TYPE_LRU_HASH 9
#define __EBCC_TYPE_LRU_PERCPU_HASH 10
#define __EBCC_TYPE_LPM_TRIE 11
#define __EBCC_TYPE_ARRAY_OF_MAPS 12
#define __EBCC_TYPE_HASH_OF_MAPS 13
#define __EBCC_TYPE_DEVMAP 14
#define __EBCC_TYPE_SOCKMAP 15
#define __EBCC_TYPE_CPUMAP 16
#define __EBCC_TYPE_XSKMAP 17
#define __EBCC_TYPE_SOCKHASH 18
#define __EBCC_TYPE_CGROUP_STORAGE 19
#define __EBCC_TYPE_PERCPU_CGROUP_STORAGE 21
#define __EBCC_TYPE_QUEUE 22
#define __EBCC_TYPE_STACK 23
#define __EBCC_TYPE_SK_STORAGE 24
#define __EBCC_TYPE_DEVMAP_HASH 25
#define __EBCC_TYPE_RINGBUF 27
#define __EBCC_TYPE_INODE_STORAGE 28
#define __EBCC_TYPE_TASK_STORAGE 29

#define __EBCC_NO_PREALLOC (1U << 0)
#define __EBCC_STACK_BUILD_ID (1U << 5)
#define __EBCC_ANY 0ULL
#define __EBCC_NOEXIST 1ULL
#define __EBCC_CURRENT_CPU 0xffffffffULL
#define __EBCC_ENOENT 2
#define __EBCC_E2BIG 7
#define __EBCC_EOPNOTSUPP 95
#define __EBCC_EINVAL 22
#define __EBCC_RB_NO_WAKEUP 1
#define __EBCC_RB_FORCE_WAKEUP 2
#define __EBCC_RB_AVAIL_DATA 0
#define __EBCC_RB_HEADER_SIZE 8

#define __EBCC_IS(string, type) (!__builtin_strcmp(string, type))
#define __EBCC_HAS_PREFIX(string, prefix)                                                          \
	(!__builtin_strncmp(string, prefix, sizeof(prefix) - 1))

/* The kernel's number for a type string, 0 for an unknown one, as a constant expression. A table
 * that another module owns ("extern") gets its type from there; until then it is a hash. A sum, of
 * which at most one term is not 0: clang checks nested ?: again at each level. */
#define __EBCC_TYPE_NUMBER(string, key)                                                            \
	(__EBCC_IS(string, "histogram") * __EBCC_HISTOGRAM_TYPE(key)                               \
	 __EBCC_MAP_TYPES(__EBCC_NUMBER_OF, string) +                                              \
	 __EBCC_HAS_PREFIX(string, "array_of_maps$") * __EBCC_TYPE_ARRAY_OF_MAPS +                 \
	 __EBCC_HAS_PREFIX(string, "hash_of_maps$") * __EBCC_TYPE_HASH_OF_MAPS)
#define __EBCC_NUMBER_OF(string, name, type) +__EBCC_IS(string, name) * __EBCC_TYPE_##type
#define __EBCC_HISTOGRAM_TYPE(key)                                                                 \
	_Generic((__typeof__(key) *)0, int *: __EBCC_TYPE_ARRAY, default: __EBCC_TYPE_HASH)

#define __EBCC_KEY(name) __typeof__(*__ebcc_map_##name.key)
#define __EBCC_LEAF(name) __typeof__(*__ebcc_map_##name.value)
#define __EBCC_MAP(name) ((void *)&__ebcc_map_##name)
#define __EBCC_SECTION_MAPS __attribute__((section(".maps")))
#define __EBCC_ROUND_UP_TO_POWER_OF_TWO(n)                                                         \
	((n) <= 1 ? 1ULL : 1ULL << (64 - __builtin_clzll((n) - 1ULL)))

/* Checks the number of entries; adds no member to the struct. The kernel and BTF count entries in
 * 32 bits, so larger numbers would be truncated. Negative ones are an error in the next member,
 * since they are not a valid array size. */
#define __EBCC_CHECK_ENTRIES(entries)                                                              \
	_Static_assert((entries) < 0 || (entries) / 2 <= 0x7fffffff,                               \
		       "a table has at most 4294967295 entries")

#define __EBCC_DEFINE(name, number, key_type, leaf_type, entries, map_flags_)                      \
	struct {                                                                                   \
		__EBCC_CHECK_ENTRIES(entries);                                                     \
		int(*type)[number];                                                                \
		__typeof__(key_type) *key;                                                         \
		__typeof__(leaf_type) *value;                                                      \
		int(*max_entries)[entries];                                                        \
		int(*map_flags)[map_flags_];                                                       \
	} __ebcc_map_##name __EBCC_SECTION_MAPS

/* The type of map is computed from a string, and may depend on the key. */
#define __EBCC_DEFINE_BY_STRING(name, string, key_type, leaf_type, entries, map_flags_)            \
	extern __typeof__(key_type) __ebcc_key_##name;                                             \
	enum { __ebcc_type_##name = __EBCC_TYPE_NUMBER(string, __ebcc_key_##name) };               \
	_Static_assert(__ebcc_type_##name, "unknown table type \"" string "\"");                   \
	__EBCC_DEFINE(name, __ebcc_type_##name, __ebcc_key_##name, leaf_type, entries,             \
		      (map_flags_) | (__EBCC_NEEDS_NO_PREALLOC(string) ? __EBCC_NO_PREALLOC : 0))

#define __EBCC_NEEDS_NO_PREALLOC(string)                                                           \
	(__EBCC_IS(string, "lpm_trie") || __EBCC_IS(string, "sk_storage") ||                       \
	 __EBCC_IS(string, "inode_storage") || __EBCC_IS(string, "task_storage"))

/* Facts that don't fit into libbpf's definition: lines of key=value for the loader. */
#define __EBCC_FACTS(name, lines)                                                                  \
	char __ebcc_table_##name[] __attribute__((section(".ebcc.meta"))) = lines

/* Methods: keyed maps. */

#define __EBCC_FUNCTIONS_lookup(name)                                                              \
	__EBCC_INLINE __EBCC_LEAF(name) * __ebcc_lookup__##name(__EBCC_KEY(name) * key)            \
	{                                                                                          \
		return bpf_map_lookup_elem(__EBCC_MAP(name), key);                                 \
	}

#define __EBCC_FUNCTIONS_update(name)                                                              \
	__EBCC_INLINE int __ebcc_update__##name(__EBCC_KEY(name) * key, __EBCC_LEAF(name) * leaf)  \
	{                                                                                          \
		return bpf_map_update_elem(__EBCC_MAP(name), key, leaf, __EBCC_ANY);               \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_delete__##name(__EBCC_KEY(name) * key)                            \
	{                                                                                          \
		return bpf_map_delete_elem(__EBCC_MAP(name), key);                                 \
	}

/* An integer type as large as the leaf, for leaves that can be added to. */
#define __EBCC_ADDEND(name)                                                                        \
	__typeof__(__builtin_choose_expr(                                                          \
		sizeof(__EBCC_LEAF(name)) == 1, (__u8)0,                                           \
		__builtin_choose_expr(sizeof(__EBCC_LEAF(name)) == 2, (__u16)0,                    \
				      __builtin_choose_expr(sizeof(__EBCC_LEAF(name)) == 4,        \
							    (__u32)0, (__u64)0))))
#define __EBCC_ATOMIC_ADDEND(name)                                                                 \
	__typeof__(__builtin_choose_expr(sizeof(__EBCC_LEAF(name)) == 4, (__u32)0, (__u64)0))

#define __EBCC_IS_INTEGER(type)                                                                    \
	_Generic((type *)0, char *: 1, signed char *: 1, unsigned char *: 1, short *: 1,           \
		 unsigned short *: 1, int *: 1, unsigned int *: 1, long *: 1, unsigned long *: 1,  \
		 long long *: 1, unsigned long long *: 1, _Bool *: 1, default: 0)

/* Lowered by the markers pass to an error at the line of the call. */
extern void __ebcc_error__increment(void);

/* The address of the key in a parameter: C passes an array as the address of its first element. */
#define __EBCC_ADDRESS_OF_KEY(name, key)                                                           \
	__builtin_choose_expr(                                                                     \
		__builtin_types_compatible_p(__typeof__(&key), __EBCC_KEY(name) *), &key,          \
		*(void **)&key)

#define __EBCC_FUNCTIONS_insert(name)                                                              \
	__EBCC_INLINE int __ebcc_insert__##name(__EBCC_KEY(name) * key, __EBCC_LEAF(name) * leaf)  \
	{                                                                                          \
		return bpf_map_update_elem(__EBCC_MAP(name), key, leaf, __EBCC_NOEXIST);           \
	}

#define __EBCC_FUNCTIONS_lookup_or_init(name)                                                      \
	__EBCC_INLINE __EBCC_LEAF(name) *                                                          \
		__ebcc_lookup_or_try_init__##name(__EBCC_KEY(name) * key,                          \
						  __EBCC_LEAF(name) * initial)                     \
	{                                                                                          \
		__EBCC_LEAF(name) *leaf = bpf_map_lookup_elem(__EBCC_MAP(name), key);              \
                                                                                                   \
		if (leaf)                                                                          \
			return leaf;                                                               \
		bpf_map_update_elem(__EBCC_MAP(name), key, initial, __EBCC_NOEXIST);               \
		return bpf_map_lookup_elem(__EBCC_MAP(name), key);                                 \
	}                                                                                          \
	extern __EBCC_LEAF(name) * __ebcc_lookup_or_init__##name(__EBCC_KEY(name) *,               \
								 __EBCC_LEAF(name) *);

#define __EBCC_FUNCTIONS_add(name)                                                                 \
	__EBCC_INLINE __EBCC_LEAF(name) * __ebcc_lookup_or_zero__##name(__EBCC_KEY(name) * key)    \
	{                                                                                          \
		__EBCC_LEAF(name) *leaf = bpf_map_lookup_elem(__EBCC_MAP(name), key);              \
		__EBCC_LEAF(name) zero;                                                            \
                                                                                                   \
		if (leaf)                                                                          \
			return leaf;                                                               \
		__builtin_memset(&zero, 0, sizeof(zero));                                          \
		bpf_map_update_elem(__EBCC_MAP(name), key, &zero, __EBCC_NOEXIST);                 \
		return bpf_map_lookup_elem(__EBCC_MAP(name), key);                                 \
	}                                                                                          \
	__EBCC_INLINE void __ebcc_add__##name(__EBCC_KEY(name) key, long long addend)              \
	{                                                                                          \
		__EBCC_LEAF(name) *leaf =                                                          \
			__ebcc_lookup_or_zero__##name(__EBCC_ADDRESS_OF_KEY(name, key));           \
                                                                                                   \
		if (!__EBCC_IS_INTEGER(__EBCC_LEAF(name)))                                         \
			__ebcc_error__increment();                                                 \
		if (leaf)                                                                          \
			*(__EBCC_ADDEND(name) *)leaf += addend;                                    \
	}                                                                                          \
	__EBCC_INLINE void __ebcc_atomic_add__##name(__EBCC_KEY(name) key, long long addend)       \
	{                                                                                          \
		__EBCC_LEAF(name) *leaf =                                                          \
			__ebcc_lookup_or_zero__##name(__EBCC_ADDRESS_OF_KEY(name, key));           \
                                                                                                   \
		if (!__EBCC_IS_INTEGER(__EBCC_LEAF(name)) || sizeof(*leaf) < 4)                    \
			__ebcc_error__increment();                                                 \
		if (leaf)                                                                          \
			(void)__sync_fetch_and_add((__EBCC_ATOMIC_ADDEND(name) *)leaf, addend);    \
	}                                                                                          \
	extern void __ebcc_increment__##name(__EBCC_KEY(name), ...);                               \
	extern void __ebcc_atomic_increment__##name(__EBCC_KEY(name), ...);

/* Key and leaf must be complete, whichever methods the source uses. */
#define __EBCC_CHECK_TYPES(name)                                                                   \
	__EBCC_INLINE void __ebcc_types__##name(__EBCC_KEY(name) key)                              \
	{                                                                                          \
		__EBCC_LEAF(name) leaf __attribute__((__unused__));                                \
	}

#define __EBCC_FUNCTIONS_map(name)                                                                 \
	__EBCC_CHECK_TYPES(name)                                                                   \
	__EBCC_FUNCTIONS_lookup(name)                                                              \
	__EBCC_FUNCTIONS_update(name)                                                              \
	__EBCC_FUNCTIONS_insert(name)                                                              \
	__EBCC_FUNCTIONS_lookup_or_init(name)                                                      \
	__EBCC_FUNCTIONS_add(name)

#define __EBCC_MEMBERS_lookup(name) __EBCC_LEAF(name) * (*const lookup)(__EBCC_KEY(name) *);
#define __EBCC_MEMBERS_update(name)                                                                \
	int (*const update)(__EBCC_KEY(name) *, __EBCC_LEAF(name) *);                              \
	int (*const delete)(__EBCC_KEY(name) *);
#define __EBCC_MEMBERS_insert(name) int (*const insert)(__EBCC_KEY(name) *, __EBCC_LEAF(name) *);
#define __EBCC_MEMBERS_lookup_or_init(name)                                                        \
	__EBCC_LEAF(name) * (*const lookup_or_try_init)(__EBCC_KEY(name) *, __EBCC_LEAF(name) *);  \
	__EBCC_LEAF(name) * (*const lookup_or_init)(__EBCC_KEY(name) *, __EBCC_LEAF(name) *);
#define __EBCC_MEMBERS_add(name)                                                                   \
	void (*const increment)(__EBCC_KEY(name), ...);                                            \
	void (*const atomic_increment)(__EBCC_KEY(name), ...);                                     \
	void (*const __ebcc_add)(__EBCC_KEY(name), long long);                                     \
	void (*const __ebcc_atomic_add)(__EBCC_KEY(name), long long);
#define __EBCC_MEMBERS_map(name)                                                                   \
	__EBCC_MEMBERS_lookup(name)                                                                \
	__EBCC_MEMBERS_update(name)                                                                \
	__EBCC_MEMBERS_insert(name)                                                                \
	__EBCC_MEMBERS_lookup_or_init(name)                                                        \
	__EBCC_MEMBERS_add(name)

#define __EBCC_VALUES_lookup(name) .lookup = __ebcc_lookup__##name,
#define __EBCC_VALUES_update(name)                                                                 \
	.update = __ebcc_update__##name, .delete = __ebcc_delete__##name,
#define __EBCC_VALUES_insert(name) .insert = __ebcc_insert__##name,
#define __EBCC_VALUES_lookup_or_init(name)                                                         \
	.lookup_or_try_init = __ebcc_lookup_or_try_init__##name,                                   \
	.lookup_or_init = __ebcc_lookup_or_init__##name,
#define __EBCC_VALUES_add(name)                                                                    \
	.increment = __ebcc_increment__##name,                                                     \
	.atomic_increment = __ebcc_atomic_increment__##name,                                       \
	.__ebcc_add = __ebcc_add__##name, .__ebcc_atomic_add = __ebcc_atomic_add__##name,
#define __EBCC_VALUES_map(name)                                                                    \
	__EBCC_VALUES_lookup(name)                                                                 \
	__EBCC_VALUES_update(name)                                                                 \
	__EBCC_VALUES_insert(name)                                                                 \
	__EBCC_VALUES_lookup_or_init(name)                                                         \
	__EBCC_VALUES_add(name)

/* Methods: events. */

/* Counters of events that the kernel refused, a cache line per CPU. Their number is a power of two,
 * so that a mask proves the bound to every verifier. */
#define __EBCC_CPU_SLOTS __EBCC_ROUND_UP_TO_POWER_OF_TWO(EBCC_CPU_COUNT)
#define __EBCC_FUNCTION_lost(name)                                                                 \
	__u64 __ebcc_lost_##name[__EBCC_CPU_SLOTS][8] __attribute__((section(".data.ebcc"))) = {}; \
	__EBCC_INLINE void __ebcc_count_lost__##name(__u32 which)                                  \
	{                                                                                          \
		__u32 cpu = bpf_get_smp_processor_id();                                            \
                                                                                                   \
		__sync_fetch_and_add(&__ebcc_lost_##name[cpu & (__EBCC_CPU_SLOTS - 1)][which], 1); \
	}
/* The numbers in a slot: all lost events; those lost because the CPU has no ring; in the first slot
 * only, whether a reader is listening (perf_cpus.h). */
#define __EBCC_LOST 0
#define __EBCC_LOST_RINGLESS 1
#define __EBCC_LOST_LISTENING 2

/* The largest event: a record's size is a 16-bit number that includes 8 bytes of header and 4 bytes
 * for the event's own size, and the kernel pads to a multiple of 8. Larger events are silently
 * dropped. */
#define __EBCC_PERF_MAX 65516
/* The largest event of a ring buffer: a record is 8 bytes larger, and never fills the buffer. */
#define __EBCC_RINGBUF_MAX(pages)                                                                  \
	(__EBCC_ROUND_UP_TO_POWER_OF_TWO((pages) * (__u64)EBCC_PAGE_SIZE) -                        \
	 2 * __EBCC_RB_HEADER_SIZE)

/* The events pass reports an error if @size is a constant above @max. */
extern void __ebcc_event_size(void *map, __u64 size, __u64 max);

/* Tells the events pass the type of a map's events: from the debug info of the
 * __builtin_btf_type_id() that gives @type, or of the variable that @data points to. */
extern void __ebcc_event(void *map, void *data, __u64 type);
#define __EBCC_EVENT_TYPE(pointer) __builtin_btf_type_id(pointer, 0)
#define perf_submit(ctx, data, ...) perf_submit(ctx, data, __VA_ARGS__, __EBCC_EVENT_TYPE(data))
#define perf_submit_skb(skb, length, data, ...)                                                    \
	perf_submit_skb(skb, length, data, __VA_ARGS__, __EBCC_EVENT_TYPE(data))
#define ringbuf_output(data, ...) ringbuf_output(data, __VA_ARGS__, __EBCC_EVENT_TYPE(data))
#define ringbuf_submit(data, ...) ringbuf_submit(data, __VA_ARGS__, __EBCC_EVENT_TYPE(data))

/* -ENOENT: no reader has opened the buffer on this CPU; -EOPNOTSUPP: the CPU has been offline
 * since. If no reader is listening, these don't count as losses. @length: bytes of a packet that
 * follow the event. */
#define __EBCC_FUNCTIONS_perf_output(name)                                                         \
	__EBCC_FUNCTION_lost(name)                                                                 \
	__EBCC_INLINE int __ebcc_perf_output__##name(void *ctx, __u32 length, void *data,          \
						     __u32 size, __u64 type)                       \
	{                                                                                          \
		long error = -__EBCC_E2BIG;                                                        \
                                                                                                   \
		__ebcc_event(__EBCC_MAP(name), data, type);                                        \
		__ebcc_event_size(__EBCC_MAP(name), (__u64)length + size, __EBCC_PERF_MAX);        \
		if ((__u64)length + size <= __EBCC_PERF_MAX)                                       \
			error = bpf_perf_event_output(ctx, __EBCC_MAP(name),                       \
						      __EBCC_CURRENT_CPU | (__u64)length << 32,    \
						      data, size);                                 \
		if (!error)                                                                        \
			return 0;                                                                  \
		if (error == -__EBCC_ENOENT || error == -__EBCC_EOPNOTSUPP) {                      \
			if (!*(volatile __u64 *)&__ebcc_lost_##name[0][__EBCC_LOST_LISTENING])     \
				return error;                                                      \
			__ebcc_count_lost__##name(__EBCC_LOST_RINGLESS);                           \
		}                                                                                  \
		__ebcc_count_lost__##name(__EBCC_LOST);                                            \
		return error;                                                                      \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_perf_submit__##name(void *ctx, void *data, __u32 size,            \
						     __u64 type)                                   \
	{                                                                                          \
		return __ebcc_perf_output__##name(ctx, 0, data, size, type);                       \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_perf_submit_skb__##name(void *ctx, __u32 length, void *data,      \
							 __u32 size, __u64 type)                   \
	{                                                                                          \
		return __ebcc_perf_output__##name(ctx, length, data, size, type);                  \
	}

#define __EBCC_MEMBERS_perf_output(name)                                                           \
	int (*const perf_submit)(void *, void *, __u32, __u64);                                    \
	int (*const perf_submit_skb)(void *, __u32, void *, __u32, __u64);
#define __EBCC_VALUES_perf_output(name)                                                            \
	.perf_submit = __ebcc_perf_submit__##name, .perf_submit_skb = __ebcc_perf_submit_skb__##name,

/* Whether to wake a ring buffer's reader if the source's flags don't say. A reader that polls
 * regularly asks for batches: to be woken only when that many bytes, a power of two, are waiting.
 * The kernel's own rule would wake it for every event as long as it keeps up. @size: of the event
 * with its header, if it is not in the buffer yet, else 0. */
#define __EBCC_FUNCTION_wakeup(name)                                                               \
	volatile __u64 __ebcc_batch_##name[8] __attribute__((section(".data.ebcc"))) = {};         \
	__EBCC_INLINE __u64 __ebcc_wakeup__##name(__u64 flags, __u64 size)                         \
	{                                                                                          \
		__u64 batch = __ebcc_batch_##name[0], waiting;                                     \
                                                                                                   \
		if (flags || !batch)                                                               \
			return flags;                                                              \
		waiting = bpf_ringbuf_query(__EBCC_MAP(name), __EBCC_RB_AVAIL_DATA);               \
		if (size ? (waiting ^ (waiting + size)) >= batch : waiting >= batch)               \
			return __EBCC_RB_FORCE_WAKEUP;                                             \
		return __EBCC_RB_NO_WAKEUP;                                                        \
	}

#define __EBCC_FUNCTIONS_ringbuf_output(name, pages)                                               \
	__EBCC_INLINE int __ebcc_ringbuf_output__##name(void *data, __u64 size, __u64 flags,       \
							__u64 type)                                \
	{                                                                                          \
		long error;                                                                        \
                                                                                                   \
		__ebcc_event(__EBCC_MAP(name), data, type);                                        \
		__ebcc_event_size(__EBCC_MAP(name), size, __EBCC_RINGBUF_MAX(pages));              \
		error = bpf_ringbuf_output(                                                        \
			__EBCC_MAP(name), data, size,                                              \
			__ebcc_wakeup__##name(flags, size + __EBCC_RB_HEADER_SIZE));               \
		if (error)                                                                         \
			__ebcc_count_lost__##name(__EBCC_LOST);                                    \
		return error;                                                                      \
	}
#define __EBCC_MEMBERS_ringbuf_output(name)                                                        \
	int (*const ringbuf_output)(void *, __u64, __u64, __u64);
#define __EBCC_VALUES_ringbuf_output(name) .ringbuf_output = __ebcc_ringbuf_output__##name,

#define __EBCC_FUNCTIONS_ringbuf_reserve(name, pages)                                              \
	__EBCC_INLINE void *__ebcc_ringbuf_reserve__##name(__u64 size)                             \
	{                                                                                          \
		void *record;                                                                      \
                                                                                                   \
		__ebcc_event_size(__EBCC_MAP(name), size, __EBCC_RINGBUF_MAX(pages));              \
		record = bpf_ringbuf_reserve(__EBCC_MAP(name), size, 0);                           \
		if (!record)                                                                       \
			__ebcc_count_lost__##name(__EBCC_LOST);                                    \
		return record;                                                                     \
	}                                                                                          \
	__EBCC_INLINE void __ebcc_ringbuf_submit__##name(void *record, __u64 flags, __u64 type)    \
	{                                                                                          \
		__ebcc_event(__EBCC_MAP(name), record, type);                                      \
		bpf_ringbuf_submit(record, __ebcc_wakeup__##name(flags, 0));                       \
	}                                                                                          \
	__EBCC_INLINE void __ebcc_ringbuf_discard__##name(void *record, __u64 flags)               \
	{                                                                                          \
		bpf_ringbuf_discard(record, __ebcc_wakeup__##name(flags, 0));                      \
	}
#define __EBCC_MEMBERS_ringbuf_reserve(name)                                                       \
	void *(*const ringbuf_reserve)(__u64);                                                     \
	void (*const ringbuf_submit)(void *, __u64, __u64);                                        \
	void (*const ringbuf_discard)(void *, __u64);
#define __EBCC_VALUES_ringbuf_reserve(name)                                                        \
	.ringbuf_reserve = __ebcc_ringbuf_reserve__##name,                                         \
	.ringbuf_submit = __ebcc_ringbuf_submit__##name,                                           \
	.ringbuf_discard = __ebcc_ringbuf_discard__##name,

#define __EBCC_FUNCTIONS_ringbuf_query(name)                                                       \
	__EBCC_INLINE __u64 __ebcc_ringbuf_query__##name(__u64 flags)                              \
	{                                                                                          \
		return bpf_ringbuf_query(__EBCC_MAP(name), flags);                                 \
	}
#define __EBCC_MEMBERS_ringbuf_query(name) __u64 (*const ringbuf_query)(__u64);
#define __EBCC_VALUES_ringbuf_query(name) .ringbuf_query = __ebcc_ringbuf_query__##name,

/* Methods: the rest. */

#define __EBCC_FUNCTIONS_stack_trace(name)                                                         \
	__EBCC_INLINE int __ebcc_get_stackid__##name(void *ctx, __u64 flags)                       \
	{                                                                                          \
		return bpf_get_stackid(ctx, __EBCC_MAP(name), flags);                              \
	}
#define __EBCC_MEMBERS_stack_trace(name) int (*const get_stackid)(void *, __u64);
#define __EBCC_VALUES_stack_trace(name) .get_stackid = __ebcc_get_stackid__##name,

#define __EBCC_FUNCTIONS_perf_array(name)                                                          \
	__EBCC_INLINE __u64 __ebcc_perf_read__##name(int index)                                    \
	{                                                                                          \
		return bpf_perf_event_read(__EBCC_MAP(name), (__u32)index);                        \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_perf_counter_value__##name(int index, void *value, __u32 size)    \
	{                                                                                          \
		return bpf_perf_event_read_value(__EBCC_MAP(name), (__u32)index, value, size);     \
	}
#define __EBCC_MEMBERS_perf_array(name)                                                            \
	__u64 (*const perf_read)(int);                                                             \
	int (*const perf_counter_value)(int, void *, __u32);
#define __EBCC_VALUES_perf_array(name)                                                             \
	.perf_read = __ebcc_perf_read__##name,                                                     \
	.perf_counter_value = __ebcc_perf_counter_value__##name,

#define __EBCC_FUNCTIONS_prog_array(name)                                                          \
	__EBCC_INLINE void __ebcc_call__##name(void *ctx, int index)                               \
	{                                                                                          \
		bpf_tail_call(ctx, __EBCC_MAP(name), index);                                       \
	}
#define __EBCC_MEMBERS_prog_array(name) void (*const call)(void *, int);
#define __EBCC_VALUES_prog_array(name) .call = __ebcc_call__##name,

#define __EBCC_FUNCTIONS_cgroup_array(name)                                                        \
	__EBCC_INLINE int __ebcc_check_current_task__##name(int index)                             \
	{                                                                                          \
		return bpf_current_task_under_cgroup(__EBCC_MAP(name), index);                     \
	}
#define __EBCC_MEMBERS_cgroup_array(name) int (*const check_current_task)(int);
#define __EBCC_VALUES_cgroup_array(name) .check_current_task = __ebcc_check_current_task__##name,

#define __EBCC_FUNCTIONS_redirect(name)                                                            \
	__EBCC_INLINE __u64 __ebcc_redirect_map__##name(int index, int flags)                      \
	{                                                                                          \
		return bpf_redirect_map(__EBCC_MAP(name), (__u32)index, flags);                    \
	}
#define __EBCC_MEMBERS_redirect(name) __u64 (*const redirect_map)(int, int);
#define __EBCC_VALUES_redirect(name) .redirect_map = __ebcc_redirect_map__##name,

#define __EBCC_FUNCTIONS_queue(name)                                                               \
	__EBCC_INLINE int __ebcc_push__##name(__EBCC_LEAF(name) * leaf, __u64 push_flags)          \
	{                                                                                          \
		return bpf_map_push_elem(__EBCC_MAP(name), leaf, push_flags);                      \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_pop__##name(__EBCC_LEAF(name) * leaf)                             \
	{                                                                                          \
		return bpf_map_pop_elem(__EBCC_MAP(name), leaf);                                   \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_peek__##name(__EBCC_LEAF(name) * leaf)                            \
	{                                                                                          \
		return bpf_map_peek_elem(__EBCC_MAP(name), leaf);                                  \
	}
#define __EBCC_MEMBERS_queue(name)                                                                 \
	int (*const push)(__EBCC_LEAF(name) *, __u64);                                             \
	int (*const pop)(__EBCC_LEAF(name) *);                                                     \
	int (*const peek)(__EBCC_LEAF(name) *);
#define __EBCC_VALUES_queue(name)                                                                  \
	.push = __ebcc_push__##name, .pop = __ebcc_pop__##name, .peek = __ebcc_peek__##name,

/* The names of helpers are written out, since the compiler looks for them
 * (compiler/selection.h). */
#define __EBCC_STORAGE_FUNCTIONS(name, get, delete_, bpf_get, bpf_delete)                          \
	__EBCC_INLINE void *__ebcc_##get##__##name(void *owner, void *initial, int flags)          \
	{                                                                                          \
		return bpf_get(__EBCC_MAP(name), owner, initial, flags);                           \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_##delete_##__##name(void *owner)                                  \
	{                                                                                          \
		return bpf_delete(__EBCC_MAP(name), owner);                                        \
	}
#define __EBCC_FUNCTIONS_sk_storage(name)                                                          \
	__EBCC_STORAGE_FUNCTIONS(name, sk_storage_get, sk_storage_delete, bpf_sk_storage_get,      \
				 bpf_sk_storage_delete)
#define __EBCC_MEMBERS_sk_storage(name)                                                            \
	void *(*const sk_storage_get)(void *, void *, int);                                        \
	int (*const sk_storage_delete)(void *);
#define __EBCC_VALUES_sk_storage(name)                                                             \
	.sk_storage_get = __ebcc_sk_storage_get__##name,                                           \
	.sk_storage_delete = __ebcc_sk_storage_delete__##name,
#define __EBCC_FUNCTIONS_inode_storage(name)                                                       \
	__EBCC_STORAGE_FUNCTIONS(name, inode_storage_get, inode_storage_delete,                    \
				 bpf_inode_storage_get, bpf_inode_storage_delete)
#define __EBCC_MEMBERS_inode_storage(name)                                                         \
	void *(*const inode_storage_get)(void *, void *, int);                                     \
	int (*const inode_storage_delete)(void *);
#define __EBCC_VALUES_inode_storage(name)                                                          \
	.inode_storage_get = __ebcc_inode_storage_get__##name,                                     \
	.inode_storage_delete = __ebcc_inode_storage_delete__##name,
#define __EBCC_FUNCTIONS_task_storage(name)                                                        \
	__EBCC_STORAGE_FUNCTIONS(name, task_storage_get, task_storage_delete,                      \
				 bpf_task_storage_get, bpf_task_storage_delete)
#define __EBCC_MEMBERS_task_storage(name)                                                          \
	void *(*const task_storage_get)(void *, void *, int);                                      \
	int (*const task_storage_delete)(void *);
#define __EBCC_VALUES_task_storage(name)                                                           \
	.task_storage_get = __ebcc_task_storage_get__##name,                                       \
	.task_storage_delete = __ebcc_task_storage_delete__##name,

/* Takes back the groups that the source doesn't need. */
#include "ebcc/methods.h"

/* Tables of methods by kind of map. */

/* Never empty, even if all groups were taken back. */
#define __EBCC_TABLE(name, members, ...)                                                           \
	static const struct __ebcc_methods_##name {                                                \
		char __ebcc_none[0];                                                               \
		members                                                                            \
	} name __attribute__((unused, nodebug)) = {__VA_ARGS__}

#define __EBCC_TABLE_map(name)                                                                     \
	__EBCC_FUNCTIONS_map(name)                                                                 \
	__EBCC_TABLE(name, __EBCC_MEMBERS_map(name), __EBCC_VALUES_map(name))

/* BPF_TABLE's type is a string, so it has the methods of every type. */
#define __EBCC_TABLE_any(name)                                                                     \
	__EBCC_FUNCTIONS_map(name)                                                                 \
	__EBCC_FUNCTIONS_perf_output(name)                                                         \
	__EBCC_FUNCTIONS_stack_trace(name)                                                         \
	__EBCC_FUNCTIONS_perf_array(name)                                                          \
	__EBCC_FUNCTIONS_prog_array(name)                                                          \
	__EBCC_FUNCTIONS_cgroup_array(name)                                                        \
	__EBCC_FUNCTIONS_redirect(name)                                                            \
	__EBCC_FUNCTIONS_queue(name)                                                               \
	__EBCC_FUNCTIONS_sk_storage(name)                                                          \
	__EBCC_FUNCTIONS_inode_storage(name)                                                       \
	__EBCC_FUNCTIONS_task_storage(name)                                                        \
	static const struct __ebcc_methods_##name {                                                \
		char __ebcc_none[0];                                                               \
		__EBCC_MEMBERS_map(name)                                                           \
		__EBCC_MEMBERS_perf_output(name)                                                   \
		__EBCC_MEMBERS_stack_trace(name)                                                   \
		__EBCC_MEMBERS_perf_array(name)                                                    \
		__EBCC_MEMBERS_prog_array(name)                                                    \
		__EBCC_MEMBERS_cgroup_array(name)                                                  \
		__EBCC_MEMBERS_redirect(name)                                                      \
		__EBCC_MEMBERS_queue(name)                                                         \
		__EBCC_MEMBERS_sk_storage(name)                                                    \
		__EBCC_MEMBERS_inode_storage(name)                                                 \
		__EBCC_MEMBERS_task_storage(name)                                                  \
	} name __attribute__((unused, nodebug)) = {                                                \
		__EBCC_VALUES_map(name) __EBCC_VALUES_perf_output(name)                            \
		__EBCC_VALUES_stack_trace(name) __EBCC_VALUES_perf_array(name)                     \
		__EBCC_VALUES_prog_array(name) __EBCC_VALUES_cgroup_array(name)                    \
		__EBCC_VALUES_redirect(name) __EBCC_VALUES_queue(name)                             \
		__EBCC_VALUES_sk_storage(name)                                                     \
		__EBCC_VALUES_inode_storage(name) __EBCC_VALUES_task_storage(name)                 \
	}

/* For kinds of maps whose methods are one group. */
#define __EBCC_TABLE_group(name, group)                                                            \
	__EBCC_FUNCTIONS_##group(name)                                                             \
	__EBCC_TABLE(name, __EBCC_MEMBERS_##group(name), __EBCC_VALUES_##group(name))

#define __EBCC_PICK3(_1, _2, _3, pick, ...) pick
#define __EBCC_PICK4(_1, _2, _3, _4, pick, ...) pick
#define __EBCC_PICK5(_1, _2, _3, _4, _5, pick, ...) pick
#define __EBCC_PICK6(_1, _2, _3, _4, _5, _6, pick, ...) pick
#define __EBCC_PICK7(_1, _2, _3, _4, _5, _6, _7, pick, ...) pick

/* Tables by type string. */

#define __EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, flags, facts)              \
	__EBCC_DEFINE_BY_STRING(name, string, key_type, leaf_type, entries, flags);                \
	__EBCC_FACTS(name, "table=" string "\n" facts);                                            \
	__EBCC_TABLE_any(name)

#define __EBCC_BPF_F_TABLE(string, key_type, leaf_type, name, entries, flags)                      \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, flags, "")
#define BPF_F_TABLE(...) __EBCC_BPF_F_TABLE(__VA_ARGS__)
#define __EBCC_BPF_TABLE(string, key_type, leaf_type, name, entries)                               \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, 0, "")
#define BPF_TABLE(...) __EBCC_BPF_TABLE(__VA_ARGS__)
#define __EBCC_BPF_TABLE_PUBLIC(string, key_type, leaf_type, name, entries)                        \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, 0, "scope=public\n")
#define BPF_TABLE_PUBLIC(...) __EBCC_BPF_TABLE_PUBLIC(__VA_ARGS__)
#define __EBCC_TABLE_SHARED5(string, key_type, leaf_type, name, entries)                           \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, 0, "scope=shared\n")
#define __EBCC_TABLE_SHARED6(string, key_type, leaf_type, name, entries, flags)                    \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, flags, "scope=shared\n")
#define BPF_TABLE_SHARED(...)                                                                      \
	__EBCC_PICK6(__VA_ARGS__, __EBCC_TABLE_SHARED6, __EBCC_TABLE_SHARED5, )(__VA_ARGS__)
#define __EBCC_TABLE_PINNED6(string, key_type, leaf_type, name, entries, path)                     \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, 0, "pinned=" path "\n")
#define __EBCC_TABLE_PINNED7(string, key_type, leaf_type, name, entries, path, flags)              \
	__EBCC_STRING_TABLE(string, key_type, leaf_type, name, entries, flags, "pinned=" path "\n")
#define BPF_TABLE_PINNED(...)                                                                      \
	__EBCC_PICK7(__VA_ARGS__, __EBCC_TABLE_PINNED7, __EBCC_TABLE_PINNED6, )(__VA_ARGS__)

/* Hashes: (name, key=u64, leaf=u64, size=10240). */

#define __EBCC_HASH5(number, name, key_type, leaf_type, entries)                                   \
	__EBCC_DEFINE(name, number, key_type, leaf_type, entries,                                  \
		      (number) == __EBCC_TYPE_LPM_TRIE ? __EBCC_NO_PREALLOC : 0);                  \
	__EBCC_TABLE_map(name)
#define __EBCC_HASH4(number, name, key_type, leaf_type)                                            \
	__EBCC_HASH5(number, name, key_type, leaf_type, 10240)
#define __EBCC_HASH3(number, name, key_type) __EBCC_HASH5(number, name, key_type, u64, 10240)
#define __EBCC_HASH2(number, name) __EBCC_HASH5(number, name, u64, u64, 10240)
#define __EBCC_HASH(...)                                                                           \
	__EBCC_PICK5(__VA_ARGS__, __EBCC_HASH5, __EBCC_HASH4, __EBCC_HASH3, __EBCC_HASH2, )        \
	(__VA_ARGS__)
#define BPF_HASH(...) __EBCC_HASH(__EBCC_TYPE_HASH, __VA_ARGS__)
#define BPF_PERCPU_HASH(...) __EBCC_HASH(__EBCC_TYPE_PERCPU_HASH, __VA_ARGS__)
#define BPF_LPM_TRIE(...) __EBCC_HASH(__EBCC_TYPE_LPM_TRIE, __VA_ARGS__)

/* Arrays: (name, leaf=u64, size=10240). */

#define __EBCC_ARRAY4(number, name, leaf_type, entries)                                            \
	__EBCC_DEFINE(name, number, int, leaf_type, entries, 0);                                   \
	__EBCC_TABLE_map(name)
#define __EBCC_ARRAY3(number, name, leaf_type) __EBCC_ARRAY4(number, name, leaf_type, 10240)
#define __EBCC_ARRAY2(number, name) __EBCC_ARRAY4(number, name, u64, 10240)
#define __EBCC_ARRAY(...)                                                                          \
	__EBCC_PICK4(__VA_ARGS__, __EBCC_ARRAY4, __EBCC_ARRAY3, __EBCC_ARRAY2, )(__VA_ARGS__)
#define BPF_ARRAY(...) __EBCC_ARRAY(__EBCC_TYPE_ARRAY, __VA_ARGS__)
#define BPF_PERCPU_ARRAY(...) __EBCC_ARRAY(__EBCC_TYPE_PERCPU_ARRAY, __VA_ARGS__)

/* Histograms: (name, key=int, size=64); an array for int slots, a hash for any other key. */

#define __EBCC_HISTOGRAM3(name, key_type, entries)                                                 \
	extern __typeof__(key_type) __ebcc_key_##name;                                             \
	__EBCC_DEFINE(name, __EBCC_HISTOGRAM_TYPE(__ebcc_key_##name), __ebcc_key_##name, u64,      \
		      entries, 0);                                                                 \
	__EBCC_FACTS(name, "table=histogram\n");                                                   \
	__EBCC_TABLE_map(name)
#define __EBCC_HISTOGRAM2(name, key_type) __EBCC_HISTOGRAM3(name, key_type, 64)
#define __EBCC_HISTOGRAM1(name) __EBCC_HISTOGRAM3(name, int, 64)
#define BPF_HISTOGRAM(...)                                                                         \
	__EBCC_PICK3(__VA_ARGS__, __EBCC_HISTOGRAM3, __EBCC_HISTOGRAM2, __EBCC_HISTOGRAM1, )       \
	(__VA_ARGS__)

/* Stack traces; the kernel requires a power of two of buckets. */

#ifndef BPF_MAX_STACK_DEPTH
#define BPF_MAX_STACK_DEPTH 127
#endif
struct bpf_stacktrace {
	__u64 ip[BPF_MAX_STACK_DEPTH];
};
struct bpf_stacktrace_buildid {
	struct {
		__s32 status;
		unsigned char build_id[20];
		union {
			__u64 offset;
			__u64 ip;
		};
	} trace[BPF_MAX_STACK_DEPTH];
};
#define BPF_STACK_TRACE(name, entries)                                                             \
	__EBCC_DEFINE(name, __EBCC_TYPE_STACK_TRACE, int, struct bpf_stacktrace,                   \
		      __EBCC_ROUND_UP_TO_POWER_OF_TWO(entries), 0);                                \
	__EBCC_TABLE_group(name, stack_trace)
#define BPF_STACK_TRACE_BUILDID(name, entries)                                                     \
	__EBCC_DEFINE(name, __EBCC_TYPE_STACK_TRACE, int, struct bpf_stacktrace_buildid,           \
		      __EBCC_ROUND_UP_TO_POWER_OF_TWO(entries), __EBCC_STACK_BUILD_ID);            \
	__EBCC_TABLE_group(name, stack_trace)

/* Events. The number of a perf buffer's entries, one per CPU, is set when it is created. */

#define BPF_PERF_OUTPUT(name)                                                                      \
	__EBCC_DEFINE(name, __EBCC_TYPE_PERF_EVENT_ARRAY, int, __u32, 0, 0);                       \
	__EBCC_TABLE_group(name, perf_output)

#define BPF_RINGBUF_OUTPUT(name, pages)                                                            \
	struct {                                                                                   \
		_Static_assert((pages) < 0 || (pages) <= 0xffffffff / EBCC_PAGE_SIZE,              \
			       "a ring buffer has less than 4 GB");                                \
		int(*type)[__EBCC_TYPE_RINGBUF];                                                   \
		int(*max_entries)[(pages) * (__s64)EBCC_PAGE_SIZE];                                \
	} __ebcc_map_##name __EBCC_SECTION_MAPS;                                                   \
	__EBCC_FUNCTION_lost(name)                                                                 \
	__EBCC_FUNCTION_wakeup(name)                                                               \
	__EBCC_FUNCTIONS_ringbuf_output(name, pages)                                               \
	__EBCC_FUNCTIONS_ringbuf_reserve(name, pages)                                              \
	__EBCC_FUNCTIONS_ringbuf_query(name)                                                       \
	__EBCC_TABLE(name,                                                                         \
		     __EBCC_MEMBERS_ringbuf_output(name) __EBCC_MEMBERS_ringbuf_reserve(name)      \
			     __EBCC_MEMBERS_ringbuf_query(name),                                   \
		     __EBCC_VALUES_ringbuf_output(name) __EBCC_VALUES_ringbuf_reserve(name)        \
			     __EBCC_VALUES_ringbuf_query(name))

/* Arrays of descriptors. */

#define BPF_PERF_ARRAY(name, entries)                                                              \
	__EBCC_DEFINE(name, __EBCC_TYPE_PERF_EVENT_ARRAY, int, __u32, entries, 0);                 \
	__EBCC_TABLE_group(name, perf_array)
#define BPF_PROG_ARRAY(name, entries)                                                              \
	__EBCC_DEFINE(name, __EBCC_TYPE_PROG_ARRAY, __u32, __u32, entries, 0);                     \
	__EBCC_TABLE_group(name, prog_array)
#define BPF_CGROUP_ARRAY(name, entries)                                                            \
	__EBCC_DEFINE(name, __EBCC_TYPE_CGROUP_ARRAY, int, __u32, entries, 0);                     \
	__EBCC_TABLE_group(name, cgroup_array)

/* Queues and stacks: (name, leaf, size[, flags]). */

#define __EBCC_QUEUESTACK(string, name, leaf_type, entries, flags, facts)                          \
	_Static_assert(__EBCC_IS(string, "queue") || __EBCC_IS(string, "stack"),                   \
		       "unknown table type \"" string "\"");                                       \
	struct {                                                                                   \
		__EBCC_CHECK_ENTRIES(entries);                                                     \
		int(*type)[__EBCC_IS(string, "stack") ? __EBCC_TYPE_STACK : __EBCC_TYPE_QUEUE];    \
		__typeof__(leaf_type) *value;                                                      \
		int(*max_entries)[entries];                                                        \
		int(*map_flags)[flags];                                                            \
	} __ebcc_map_##name __EBCC_SECTION_MAPS;                                                   \
	__EBCC_FACTS(name, "table=" string "\n" facts);                                            \
	__EBCC_TABLE_group(name, queue)
#define __EBCC_BPF_QUEUESTACK(string, name, leaf_type, entries, flags)                             \
	__EBCC_QUEUESTACK(string, name, leaf_type, entries, flags, "")
#define BPF_QUEUESTACK(...) __EBCC_BPF_QUEUESTACK(__VA_ARGS__)
#define __EBCC_BPF_QUEUESTACK_PINNED(string, name, leaf_type, entries, flags, path)                \
	__EBCC_QUEUESTACK(string, name, leaf_type, entries, flags, "pinned=" path "\n")
#define BPF_QUEUESTACK_PINNED(...) __EBCC_BPF_QUEUESTACK_PINNED(__VA_ARGS__)
#define __EBCC_BPF_QUEUESTACK_PUBLIC(string, name, leaf_type, entries, flags)                      \
	__EBCC_QUEUESTACK(string, name, leaf_type, entries, flags, "scope=public\n")
#define BPF_QUEUESTACK_PUBLIC(...) __EBCC_BPF_QUEUESTACK_PUBLIC(__VA_ARGS__)
#define __EBCC_BPF_QUEUESTACK_SHARED(string, name, leaf_type, entries, flags)                      \
	__EBCC_QUEUESTACK(string, name, leaf_type, entries, flags, "scope=shared\n")
#define BPF_QUEUESTACK_SHARED(...) __EBCC_BPF_QUEUESTACK_SHARED(__VA_ARGS__)
#define __EBCC_QUEUESTACK4(string, name, leaf_type, entries)                                       \
	__EBCC_BPF_QUEUESTACK(string, name, leaf_type, entries, 0)
#define __EBCC_QUEUESTACK_ANY(...)                                                                 \
	__EBCC_PICK5(__VA_ARGS__, __EBCC_BPF_QUEUESTACK, __EBCC_QUEUESTACK4, )(__VA_ARGS__)
#define BPF_QUEUE(...) __EBCC_QUEUESTACK_ANY("queue", __VA_ARGS__)
#define BPF_STACK(...) __EBCC_QUEUESTACK_ANY("stack", __VA_ARGS__)

/* Maps of maps. User space reads ids as their values; programs get the inner map. */

#define BPF_ARRAY_OF_MAPS(name, inner, entries)                                                    \
	__EBCC_DEFINE(name, __EBCC_TYPE_ARRAY_OF_MAPS, int, int, entries, 0);                      \
	__EBCC_FACTS(name, "table=array_of_maps$" inner "\n");                                     \
	__EBCC_TABLE_map(name)
#define __EBCC_HASH_OF_MAPS4(name, key_type, inner, entries)                                       \
	__EBCC_DEFINE(name, __EBCC_TYPE_HASH_OF_MAPS, key_type, int, entries, 0);                  \
	__EBCC_FACTS(name, "table=hash_of_maps$" inner "\n");                                      \
	__EBCC_TABLE_map(name)
/* (name, key, "inner") or (name, "inner", size): the one in quotes is the inner map. */
#define __EBCC_HASH_OF_MAPS3(name, second, third)                                                  \
	__EBCC_DEFINE(name, __EBCC_TYPE_HASH_OF_MAPS,                                              \
		      __typeof__(__builtin_choose_expr(__EBCC_HAS_PREFIX(#second, "\""), 0,        \
						       *(__typeof__(second) *)0)),                 \
		      int, __builtin_choose_expr(__EBCC_HAS_PREFIX(#second, "\""), third, 10240),  \
		      0);                                                                          \
	__EBCC_FACTS(name, __builtin_choose_expr(__EBCC_HAS_PREFIX(#second, "\""),                 \
						 "table=hash_of_maps$" #second "\n",               \
						 "table=hash_of_maps$" #third "\n"));              \
	__EBCC_TABLE_map(name)
#define __EBCC_HASH_OF_MAPS2(name, inner) __EBCC_HASH_OF_MAPS4(name, int, inner, 10240)
#define BPF_HASH_OF_MAPS(...)                                                                      \
	__EBCC_PICK4(__VA_ARGS__, __EBCC_HASH_OF_MAPS4, __EBCC_HASH_OF_MAPS3,                      \
		     __EBCC_HASH_OF_MAPS2, )                                                       \
	(__VA_ARGS__)

/* Redirection. */

#define BPF_DEVMAP(name, entries)                                                                  \
	__EBCC_DEFINE(name, __EBCC_TYPE_DEVMAP, __u32, int, entries, 0);                           \
	__EBCC_TABLE_group(name, redirect)
#define BPF_CPUMAP(name, entries)                                                                  \
	__EBCC_DEFINE(name, __EBCC_TYPE_CPUMAP, __u32, __u32, entries, 0);                         \
	__EBCC_TABLE_group(name, redirect)
/* The key is an int for each kind of redirection map. */
#define BPF_XDP_REDIRECT_MAP(string, leaf_type, name, entries)                                     \
	BPF_TABLE(string, int, leaf_type, name, entries)
#define __EBCC_XSKMAP(name, entries, facts)                                                        \
	__EBCC_DEFINE(name, __EBCC_TYPE_XSKMAP, int, int, entries, 0);                             \
	__EBCC_FACTS(name, "table=xskmap\n" facts);                                                \
	__EBCC_FUNCTIONS_lookup(name)                                                              \
	__EBCC_FUNCTIONS_redirect(name)                                                            \
	__EBCC_TABLE(name, __EBCC_MEMBERS_lookup(name) __EBCC_MEMBERS_redirect(name),              \
		     __EBCC_VALUES_lookup(name) __EBCC_VALUES_redirect(name))
#define __EBCC_XSKMAP2(name, entries) __EBCC_XSKMAP(name, entries, "")
#define __EBCC_XSKMAP3(name, entries, path) __EBCC_XSKMAP(name, entries, "pinned=" path "\n")
#define BPF_XSKMAP(...) __EBCC_PICK3(__VA_ARGS__, __EBCC_XSKMAP3, __EBCC_XSKMAP2, )(__VA_ARGS__)

/* Sockets. */

#define BPF_SOCKMAP(name, entries)                                                                 \
	__EBCC_DEFINE(name, __EBCC_TYPE_SOCKMAP, __u32, int, entries, 0);                          \
	__EBCC_FUNCTIONS_update(name)                                                              \
	__EBCC_INLINE int __ebcc_sock_map_update__##name(void *ops, void *key, __u64 flags)        \
	{                                                                                          \
		return bpf_sock_map_update(ops, __EBCC_MAP(name), key, flags);                     \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_msg_redirect_map__##name(void *msg, __u32 key, __u64 flags)       \
	{                                                                                          \
		return bpf_msg_redirect_map(msg, __EBCC_MAP(name), key, flags);                    \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_sk_redirect_map__##name(void *skb, __u32 key, __u64 flags)        \
	{                                                                                          \
		return bpf_sk_redirect_map(skb, __EBCC_MAP(name), key, flags);                     \
	}                                                                                          \
	static const struct __ebcc_methods_##name {                                                \
		__EBCC_MEMBERS_update(name)                                                        \
		int (*const sock_map_update)(void *, void *, __u64);                               \
		int (*const msg_redirect_map)(void *, __u32, __u64);                               \
		int (*const sk_redirect_map)(void *, __u32, __u64);                                \
	} name __attribute__((unused, nodebug)) = {                                                \
		__EBCC_VALUES_update(name).sock_map_update = __ebcc_sock_map_update__##name,       \
		.msg_redirect_map = __ebcc_msg_redirect_map__##name,                               \
		.sk_redirect_map = __ebcc_sk_redirect_map__##name,                                 \
	}
#define __EBCC_SOCKHASH3(name, key_type, entries)                                                  \
	__EBCC_DEFINE(name, __EBCC_TYPE_SOCKHASH, key_type, int, entries, 0);                      \
	__EBCC_FUNCTIONS_update(name)                                                              \
	__EBCC_INLINE int __ebcc_sock_hash_update__##name(void *ops, void *key, __u64 flags)       \
	{                                                                                          \
		return bpf_sock_hash_update(ops, __EBCC_MAP(name), key, flags);                    \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_msg_redirect_hash__##name(void *msg, void *key, __u64 flags)      \
	{                                                                                          \
		return bpf_msg_redirect_hash(msg, __EBCC_MAP(name), key, flags);                   \
	}                                                                                          \
	__EBCC_INLINE int __ebcc_sk_redirect_hash__##name(void *skb, void *key, __u64 flags)       \
	{                                                                                          \
		return bpf_sk_redirect_hash(skb, __EBCC_MAP(name), key, flags);                    \
	}                                                                                          \
	static const struct __ebcc_methods_##name {                                                \
		__EBCC_MEMBERS_update(name)                                                        \
		int (*const sock_hash_update)(void *, void *, __u64);                              \
		int (*const msg_redirect_hash)(void *, void *, __u64);                             \
		int (*const sk_redirect_hash)(void *, void *, __u64);                              \
	} name __attribute__((unused, nodebug)) = {                                                \
		__EBCC_VALUES_update(name).sock_hash_update = __ebcc_sock_hash_update__##name,     \
		.msg_redirect_hash = __ebcc_msg_redirect_hash__##name,                             \
		.sk_redirect_hash = __ebcc_sk_redirect_hash__##name,                               \
	}
#define __EBCC_SOCKHASH2(name, key_type) __EBCC_SOCKHASH3(name, key_type, 10240)
#define __EBCC_SOCKHASH1(name) __EBCC_SOCKHASH3(name, __u32, 10240)
#define BPF_SOCKHASH(...)                                                                          \
	__EBCC_PICK3(__VA_ARGS__, __EBCC_SOCKHASH3, __EBCC_SOCKHASH2, __EBCC_SOCKHASH1, )          \
	(__VA_ARGS__)

/* Storage that belongs to a kernel object. */

#define __EBCC_STORAGE(name, number, group, leaf_type)                                             \
	__EBCC_DEFINE(name, number, int, leaf_type, 0, __EBCC_NO_PREALLOC);                        \
	__EBCC_TABLE_group(name, group)
#define __EBCC_BPF_SK_STORAGE(name, leaf_type)                                                     \
	__EBCC_STORAGE(name, __EBCC_TYPE_SK_STORAGE, sk_storage, leaf_type)
#define BPF_SK_STORAGE(...) __EBCC_BPF_SK_STORAGE(__VA_ARGS__)
#define __EBCC_BPF_INODE_STORAGE(name, leaf_type)                                                  \
	__EBCC_STORAGE(name, __EBCC_TYPE_INODE_STORAGE, inode_storage, leaf_type)
#define BPF_INODE_STORAGE(...) __EBCC_BPF_INODE_STORAGE(__VA_ARGS__)
#define __EBCC_BPF_TASK_STORAGE(name, leaf_type)                                                   \
	__EBCC_STORAGE(name, __EBCC_TYPE_TASK_STORAGE, task_storage, leaf_type)
#define BPF_TASK_STORAGE(...) __EBCC_BPF_TASK_STORAGE(__VA_ARGS__)

/* The kernel's key of cgroup storage: it checks size and layout. */
struct __ebcc_cgroup_storage_key {
	__u64 cgroup_inode_id;
	__u32 attach_type;
};
#define __EBCC_CGROUP_STORAGE(name, number, leaf_type)                                             \
	__EBCC_DEFINE(name, number, struct __ebcc_cgroup_storage_key, leaf_type, 0, 0);            \
	__EBCC_FUNCTIONS_lookup(name)                                                              \
	__EBCC_FUNCTIONS_update(name)                                                              \
	__EBCC_INLINE void *__ebcc_get_local_storage__##name(__u64 flags)                          \
	{                                                                                          \
		return bpf_get_local_storage(__EBCC_MAP(name), flags);                             \
	}                                                                                          \
	static const struct __ebcc_methods_##name {                                                \
		__EBCC_MEMBERS_lookup(name)                                                        \
		__EBCC_MEMBERS_update(name)                                                        \
		void *(*const get_local_storage)(__u64);                                           \
	} name __attribute__((unused, nodebug)) = {                                                \
		__EBCC_VALUES_lookup(name) __EBCC_VALUES_update(name).get_local_storage =          \
			__ebcc_get_local_storage__##name,                                          \
	}
#define __EBCC_BPF_CGROUP_STORAGE(name, leaf_type)                                                 \
	__EBCC_CGROUP_STORAGE(name, __EBCC_TYPE_CGROUP_STORAGE, leaf_type)
#define BPF_CGROUP_STORAGE(...) __EBCC_BPF_CGROUP_STORAGE(__VA_ARGS__)
#define __EBCC_BPF_PERCPU_CGROUP_STORAGE(name, leaf_type)                                          \
	__EBCC_CGROUP_STORAGE(name, __EBCC_TYPE_PERCPU_CGROUP_STORAGE, leaf_type)
#define BPF_PERCPU_CGROUP_STORAGE(...) __EBCC_BPF_PERCPU_CGROUP_STORAGE(__VA_ARGS__)

#endif /* EBCC_MAPS_H */
