// SPDX-License-Identifier: Apache-2.0
#include "types/ktypes_basic.h"

#include <string.h>

const char ebcc_ktypes_basic[] = "typedef signed char __s8;\n"
				 "typedef unsigned char __u8;\n"
				 "typedef short __s16;\n"
				 "typedef unsigned short __u16;\n"
				 "typedef int __s32;\n"
				 "typedef unsigned int __u32;\n"
				 "typedef long long __s64;\n"
				 "typedef unsigned long long __u64;\n"
				 "typedef __s8 s8;\n"
				 "typedef __u8 u8;\n"
				 "typedef __s16 s16;\n"
				 "typedef __u16 u16;\n"
				 "typedef __s32 s32;\n"
				 "typedef __u32 u32;\n"
				 "typedef __s64 s64;\n"
				 "typedef __u64 u64;\n"
				 "typedef __u16 __le16;\n"
				 "typedef __u16 __be16;\n"
				 "typedef __u32 __le32;\n"
				 "typedef __u32 __be32;\n"
				 "typedef __u64 __le64;\n"
				 "typedef __u64 __be64;\n"
				 "typedef __u16 __sum16;\n"
				 "typedef __u32 __wsum;\n"
				 "typedef unsigned long size_t;\n"
				 "typedef long ssize_t;\n"
				 "typedef unsigned long uintptr_t;\n"
				 "typedef long ptrdiff_t;\n"
				 "typedef __s8 int8_t;\n"
				 "typedef __u8 uint8_t;\n"
				 "typedef __s16 int16_t;\n"
				 "typedef __u16 uint16_t;\n"
				 "typedef __s32 int32_t;\n"
				 "typedef __u32 uint32_t;\n"
				 "typedef __s64 int64_t;\n"
				 "typedef __u64 uint64_t;\n"
				 "typedef _Bool bool;\n"
				 "enum { false = 0, true = 1 };\n"
				 /* For container_of(): in portable objects a relocation. */
				 "#ifdef EBCC_PORTABLE\n"
				 "#define __ebcc_offset_of(__type, __member) "
				 "__builtin_preserve_field_info(((__type *)0)->__member, 0)\n"
				 "#else\n"
				 "#define __ebcc_offset_of(__type, __member) "
				 "__builtin_offsetof(__type, __member)\n"
				 "#endif\n"
				 "#define NULL ((void *)0)\n"
				 "struct pt_regs;\n";

bool ebcc_ktypes_is_basic(const char *name)
{
	size_t size = strlen(name);

	for (const char *at = ebcc_ktypes_basic + 1; size && (at = strstr(at, name)); at += size)
		if (at[-1] == ' ' && at[size] == ';')
			return true;
	return false;
}
