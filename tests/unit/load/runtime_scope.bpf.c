// SPDX-License-Identifier: Apache-2.0
/* A single table: published under its name or, with FACT="table=extern", another module's. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} common SEC(".maps");

__attribute__((section(".ebcc.meta"), used)) char __ebcc_table_common[] = FACT "\n";

SEC(".ebcc/void/nothing")
int nothing(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
