/* SPDX-License-Identifier: Apache-2.0 */
/* <stdarg.h> for BPF programs. */
#ifndef EBCC_STD_STDARG_H
#define EBCC_STD_STDARG_H

typedef __builtin_va_list va_list;

#ifndef va_start
#define va_start(list, last) __builtin_va_start(list, last)
#define va_arg(list, type) __builtin_va_arg(list, type)
#define va_end(list) __builtin_va_end(list)
#define va_copy(to, from) __builtin_va_copy(to, from)
#endif

#endif
