/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources written for libbpf expect of its header of this name: the arguments of USDT probes,
 * counted from 0. The names and their meanings are libbpf's, as its documentation gives them;
 * ebcc/usdt.h reads the arguments.
 */
#ifndef EBCC_USDT_BPF_H
#define EBCC_USDT_BPF_H

#include "bpf/bpf_tracing.h"

/* bpf_usdt_cookie(ctx), the cookie of the attachment, is in ebcc/usdt.h. */

/* The number of the probe's arguments. */
#define bpf_usdt_arg_cnt(ctx) __ebcc_usdt_count(ctx, __EBCC_USDT_HAS_COOKIE)
/* Reads an argument, extended to 64 bits by its own sign; 0, or a negative error. */
#define bpf_usdt_arg(ctx, n, result)                                                               \
	__ebcc_usdt_read((n) + 1ULL, ctx, __EBCC_USDT_HAS_COOKIE, (__u64 *)(result))
/* The size of an argument in bytes, or a negative error. */
#define bpf_usdt_arg_size(ctx, n) __ebcc_usdt_size((n) + 1ULL, ctx, __EBCC_USDT_HAS_COOKIE)

/* Parameters are the arguments of the probe. */
#define __EBCC_USDT_ARGUMENT(n)                                                                    \
	__EBCC_AND({                                                                               \
		__u64 __ebcc_argument;                                                             \
                                                                                                   \
		bpf_usdt_arg(ctx, n, &__ebcc_argument);                                            \
		(void *)__ebcc_argument;                                                           \
	})
#define __EBCC_USDT0
#define __EBCC_USDT1 __EBCC_USDT_ARGUMENT(0)
#define __EBCC_USDT2 __EBCC_USDT1 __EBCC_USDT_ARGUMENT(1)
#define __EBCC_USDT3 __EBCC_USDT2 __EBCC_USDT_ARGUMENT(2)
#define __EBCC_USDT4 __EBCC_USDT3 __EBCC_USDT_ARGUMENT(3)
#define __EBCC_USDT5 __EBCC_USDT4 __EBCC_USDT_ARGUMENT(4)
#define __EBCC_USDT6 __EBCC_USDT5 __EBCC_USDT_ARGUMENT(5)
#define __EBCC_USDT7 __EBCC_USDT6 __EBCC_USDT_ARGUMENT(6)
#define __EBCC_USDT8 __EBCC_USDT7 __EBCC_USDT_ARGUMENT(7)
#define __EBCC_USDT9 __EBCC_USDT8 __EBCC_USDT_ARGUMENT(8)
#define __EBCC_USDT10 __EBCC_USDT9 __EBCC_USDT_ARGUMENT(9)
#define __EBCC_USDT11 __EBCC_USDT10 __EBCC_USDT_ARGUMENT(10)
#define __EBCC_USDT12 __EBCC_USDT11 __EBCC_USDT_ARGUMENT(11)
#define BPF_USDT(name, ...)                                                                        \
	__EBCC_WITH_VALUES(name, __EBCC_CONCAT(__EBCC_USDT, __EBCC_COUNT(__VA_ARGS__)),            \
			   ##__VA_ARGS__)

#endif /* EBCC_USDT_BPF_H */
