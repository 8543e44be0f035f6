/* SPDX-License-Identifier: Apache-2.0 */
/* <string.h> for BPF programs: functions that the compiler expands in place. Others that it knows
 * (compiler/passes/library.c) are not declared, so that a source may define functions of these
 * names; clang declares them implicitly. */
#ifndef EBCC_STD_STRING_H
#define EBCC_STD_STRING_H

void *memcpy(void *to, const void *from, __SIZE_TYPE__ size);
void *memmove(void *to, const void *from, __SIZE_TYPE__ size);
void *memset(void *to, int byte, __SIZE_TYPE__ size);
int memcmp(const void *left, const void *right, __SIZE_TYPE__ size);
__SIZE_TYPE__ strlen(const char *string);

#endif
