// SPDX-License-Identifier: Apache-2.0
/*
 * The object that the runtime's tests load: maps of each kind, and programs on the raw tracepoint
 * of system calls that look only at one process. It stands in for an object from ebcc's compiler.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

typedef __u32 u32;
typedef __u64 u64;

enum color { RED = 1, GREEN = 2, FAR = -3 };

struct point {
	int x, y;
};

struct key {
	u32 pid;
	char name[8];
	struct point at;
	union {
		u64 whole;
		u32 half;
	};
	struct {
		unsigned char low : 3;
		unsigned char high : 5;
		short plain;
	};
	enum color color;
	_Bool flag;
	u32 numbers[3];
	struct key *next;
};

struct event {
	u64 sequence;
	u32 pid;
	char text[20];
};

#define MAP(name, kind, k, v, size)                                                                \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, size);                                                         \
		__type(key, k);                                                                    \
		__type(value, v);                                                                  \
	} name SEC(".maps")

MAP(counts, BPF_MAP_TYPE_HASH, u32, u64, 65536);
MAP(described, BPF_MAP_TYPE_HASH, struct key, u64, 64);
MAP(numbers, BPF_MAP_TYPE_ARRAY, u32, u64, 5000);
MAP(cpu_counts, BPF_MAP_TYPE_PERCPU_HASH, u32, u32, 1024);
MAP(cpu_numbers, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 16);
MAP(recent, BPF_MAP_TYPE_LRU_HASH, u32, u64, 1024);

struct prefix {
	u32 length;
	unsigned char address[4];
};
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, u32);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, u64);
} line SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, u64);
} pile SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__type(key, u32);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} ring SEC(".maps");

MAP(inner, BPF_MAP_TYPE_ARRAY, u32, u32, 4);
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u32);
} outer SEC(".maps");

#define META __attribute__((section(".ebcc.meta"), used))
META struct event *__ebcc_event_events;
META struct event *__ebcc_event_ring;
META char __ebcc_table_outer[] = "table=array_of_maps$inner\n";
META char __ebcc_table_routes[] = "pinned=/sys/fs/bpf/ebcc_test_routes\n";

#define CPUS 64
__attribute__((section(".data.ebcc"))) u64 __ebcc_lost_events[CPUS * 8];
__attribute__((section(".data.ebcc"))) u64 __ebcc_lost_ring[CPUS * 8];
__attribute__((section(".data.ebcc"))) volatile u64 __ebcc_batch_ring[8];

const volatile u32 target_pid;
const volatile long wanted_syscall;
const volatile struct point origin = {3, 4};
const volatile u32 event_size = sizeof(struct event);
u64 hits;
u64 sum_of_origin = 1;

static __always_inline int is_wanted(const u64 *args)
{
	return bpf_get_current_pid_tgid() >> 32 == target_pid && (long)args[1] == wanted_syscall;
}

static __always_inline void lose(u64 *counters)
{
	__sync_fetch_and_add(&counters[(bpf_get_smp_processor_id() & (CPUS - 1)) * 8], 1);
}

SEC(".ebcc/bpf_raw_tracepoint_args/count")
int count(u64 *args)
{
	u32 pid = target_pid;
	u64 one = 1, *old;

	if (!is_wanted(args))
		return 0;
	old = bpf_map_lookup_elem(&counts, &pid);
	if (old)
		__sync_fetch_and_add(old, 1);
	else
		bpf_map_update_elem(&counts, &pid, &one, BPF_ANY);
	__sync_fetch_and_add(&hits, 1);
	sum_of_origin = origin.x + origin.y;
	return 0;
}

SEC(".ebcc/bpf_raw_tracepoint_args/submit")
int submit(u64 *args)
{
	struct event event = {};

	if (!is_wanted(args))
		return 0;
	event.sequence = hits++; /* kernels before 5.12 have no atomic that returns */
	event.pid = target_pid;
	__builtin_memcpy(event.text, "hello", 6);
	if (bpf_perf_event_output(args, &events, BPF_F_CURRENT_CPU, &event, sizeof(event)))
		lose(__ebcc_lost_events);
	return 0;
}

SEC(".ebcc/bpf_raw_tracepoint_args/ring_submit")
int ring_submit(u64 *args)
{
	u64 batch = __ebcc_batch_ring[0], flags = 0;
	struct event event = {};

	if (!is_wanted(args))
		return 0;
	event.sequence = hits++; /* kernels before 5.12 have no atomic that returns */
	event.pid = target_pid;
	if (batch)
		flags = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= batch ? BPF_RB_FORCE_WAKEUP
									     : BPF_RB_NO_WAKEUP;
	if (bpf_ringbuf_output(&ring, &event, sizeof(event), flags))
		lose(__ebcc_lost_ring);
	return 0;
}

SEC(".ebcc/bpf_raw_tracepoint_args/take_stack")
int take_stack(u64 *args)
{
	u32 key = 0;
	u64 id;

	if (!is_wanted(args))
		return 0;
	id = bpf_get_stackid(args, &stacks, BPF_F_USER_STACK | BPF_F_REUSE_STACKID);
	bpf_map_update_elem(&numbers, &key, &id, BPF_ANY);
	return 0;
}

/* Rejected, because the lookup may fail; except in the object that stands in for the second
 * pipeline's, where the constants have other offsets, too. */
#ifdef SECOND
const volatile u32 earlier = 5;
#endif
SEC(".ebcc/bpf_raw_tracepoint_args/unchecked")
int unchecked(u64 *args)
{
	u32 pid = target_pid;
	u64 *old = bpf_map_lookup_elem(&counts, &pid);

#ifdef SECOND
	u64 first = earlier - 4;

	if (!is_wanted(args))
		return 0;
	__sync_fetch_and_add(&hits, 1);
	if (!old) {
		bpf_map_update_elem(&counts, &pid, &first, BPF_ANY);
		return 0;
	}
#endif
	*old += 1; /* the culprit */
	return 0;
}

/* Rejected: an endless loop. */
SEC(".ebcc/bpf_raw_tracepoint_args/endless")
int endless(u64 *args)
{
	u64 i = 0;

	while (*(volatile u64 *)&hits != 77777)
		i++;
	return (int)i;
}

static __attribute__((noinline)) int helper(int x)
{
	return x + (int)hits;
}

SEC(".ebcc/bpf_raw_tracepoint_args/calls")
int calls(u64 *args)
{
	return helper(1) & 1;
}

struct iterated_map; /* the kernel's struct bpf_map */
struct bpf_iter__bpf_map {
	void *meta;
	struct iterated_map *map;
};

/* A BTF-typed program, whose target libbpf finds in the kernel's BTF. */
SEC("iter/bpf_map")
int bpf_iter__bpf_map(struct bpf_iter__bpf_map *ctx)
{
	if (ctx->map)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
