// SPDX-License-Identifier: Apache-2.0
/* Only the map of argument layouts, as the dialect's header defines it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ebcc/usdt_spec.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, unsigned long long);
	__type(value, struct ebcc_usdt_spec);
	__uint(max_entries, EBCC_USDT_SPECS_SIZE);
} __ebcc_usdt_specs SEC(".maps");
