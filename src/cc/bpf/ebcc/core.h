/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about the types of the kernel that an object is loaded on. The answers are relocations:
 * the loader writes them into the program, and the verifier drops the branch that isn't taken. The
 * names and meanings are those of libbpf's bpf_core_read.h, as libbpf documents them; the numeric
 * arguments are those of clang's builtins (clang/docs/LanguageExtensions.rst).
 */
#ifndef EBCC_CORE_H
#define EBCC_CORE_H

/* A member, as FIELD (`task->comm`) or as TYPE, FIELD (`struct task_struct, comm`). */
#define __EBCC_CORE_FIELD_1(field) field
#define __EBCC_CORE_FIELD_2(type, field) ((__typeof__(type) *)0)->field
#define __EBCC_CORE_PICK(first, second, name, ...) name
#define __EBCC_CORE_FIELD(...)                                                                     \
	__EBCC_CORE_PICK(__VA_ARGS__, __EBCC_CORE_FIELD_2, __EBCC_CORE_FIELD_1, )(__VA_ARGS__)
#define __EBCC_CORE_TYPE(type) (*(__typeof__(type) *)0)
#define __EBCC_CORE_ENUMERATOR(type, name) (*(__typeof__(type) *)name)

#define bpf_core_field_offset(...)                                                                 \
	__builtin_preserve_field_info(__EBCC_CORE_FIELD(__VA_ARGS__), 0)
#define bpf_core_field_size(...) __builtin_preserve_field_info(__EBCC_CORE_FIELD(__VA_ARGS__), 1)
#define bpf_core_field_exists(...) __builtin_preserve_field_info(__EBCC_CORE_FIELD(__VA_ARGS__), 2)

#define bpf_core_type_exists(type) __builtin_preserve_type_info(__EBCC_CORE_TYPE(type), 0)
#define bpf_core_type_size(type) __builtin_preserve_type_info(__EBCC_CORE_TYPE(type), 1)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(__EBCC_CORE_TYPE(type), 2)
#define bpf_core_type_id_local(type) __builtin_btf_type_id(__EBCC_CORE_TYPE(type), 0)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(__EBCC_CORE_TYPE(type), 1)

#define bpf_core_enum_value_exists(type, name)                                                     \
	__builtin_preserve_enum_value(__EBCC_CORE_ENUMERATOR(type, name), 0)
#define bpf_core_enum_value(type, name)                                                            \
	__builtin_preserve_enum_value(__EBCC_CORE_ENUMERATOR(type, name), 1)

#endif /* EBCC_CORE_H */
