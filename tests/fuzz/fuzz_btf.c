// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of BTF. It may be a kernel's, named by a path, of which a source's types are written
 * as C by libbpf; or a BPF object's, whose types describe keys and leaves. Whatever it says, it
 * comes as a text or as an error, and sizes add up.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/btf_check.h"
#include "types/ktypes_internal.h"
#include "load/value.h"

#define VALUE_LIMIT 65536

/* What a source may name of the seeds' types. */
static void add_names(struct ebcc_hash *names)
{
	static const struct {
		const char *name;
		unsigned uses;
	} uses[] = {
		{"list", EBCC_SCAN_TAG},	 {"next", EBCC_SCAN_MEMBER},
		{"callback_t", EBCC_SCAN_TOKEN}, {"shape", EBCC_SCAN_TAG},
		{"ROUND", EBCC_SCAN_TOKEN},	 {"owner", EBCC_SCAN_MEMBER},
		{"task_struct", EBCC_SCAN_TAG},
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		uint64_t *value = ebcc_hash_insert_string(names, uses[i].name);

		if (!value)
			abort();
		*value = uses[i].uses;
	}
}

static void print_as_kernel(const char *path, bool whole)
{
	struct ebcc_ktypes ktypes = {0};
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_error *error;

	add_names(&ktypes.scan.names);
	error = ebcc_kernel_btf_create(path, NULL, &ktypes.btf);
	if (!error) {
		uint32_t list = ebcc_kernel_btf_find(ktypes.btf, "list", BTF_KIND_STRUCT);

		ebcc_kernel_btf_has_member(ktypes.btf, list, "absent");
		error = ebcc_ktypes_print_btf(&ktypes, whole, &text);
	}
	ebcc_error_destroy(error);
	ebcc_kernel_btf_destroy(ktypes.btf);
	ebcc_hash_deinit(&ktypes.scan.names);
}

static void describe(const struct ebcc_type *type)
{
	size_t size = ebcc_type_size(type);
	char *value, *text = NULL;
	struct ebcc_member member;

	for (size_t i = 0; ebcc_type_member_at(type, i, &member, sizeof(member)); i++)
		if (member.bit_size ? (member.bit_offset + member.bit_size + 7) / 8 > size
				    : member.bit_offset / 8 + ebcc_type_size(member.type) > size)
			abort();
	if (size > VALUE_LIMIT)
		return;
	value = calloc(1, size + 1);
	if (!value)
		return;
	ebcc_error_destroy(ebcc_type_print(type, value, size, &text));
	if (text)
		ebcc_error_destroy(ebcc_type_scan(type, text, value, size));
	free(text);
	free(value);
}

static void describe_as_object(const uint8_t *data, size_t size)
{
	struct btf *btf = btf__new(data, (uint32_t)size);
	struct ebcc_types *types = NULL;
	struct ebcc_error *error;

	if (!btf)
		return;
	error = ebcc_btf_check(btf, "input");
	if (!error)
		error = ebcc_types_create(btf, &types);
	for (uint32_t id = 0; !error && id < btf__type_cnt(btf); id++) {
		const struct ebcc_type *type = ebcc_types_get(types, id);

		if (type)
			describe(type);
	}
	ebcc_error_destroy(error);
	ebcc_types_destroy(types);
	btf__free(btf);
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return (void)level, (void)format, (void)args, 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("btf", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	libbpf_set_print(silent);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	print_as_kernel(path, false);
	print_as_kernel(path, true);
	close(fd);
	describe_as_object(data, size);
	return 0;
}
