/* SPDX-License-Identifier: Apache-2.0 */
/* <stddef.h> for BPF programs. */
#ifndef EBCC_STD_STDDEF_H
#define EBCC_STD_STDDEF_H

typedef __SIZE_TYPE__ size_t;
typedef long ptrdiff_t;

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

#endif
