// SPDX-License-Identifier: Apache-2.0
/*
 * Queries about the running kernel that scripts use to choose between sources: which kinds of
 * programs it supports, and which members and enumerators its types have. The former are probed
 * (features.c), the latter are looked up in BTF, including that of modules.
 */
#include <string.h>

#include "ebcc.h"
#include "kernel/btf.h"
#include "kernel/features.h"
#include "kernel/ksyms.h"

static bool look_for_module_lookup(void *ctx, const struct ebcc_ksyms_line *line)
{
	bool *found = ctx;

	/* This function got a new name when it learned to find tracepoints in modules. */
	*found = !strcmp(line->name, "bpf_get_raw_tracepoint");
	return !*found;
}

static bool has_raw_tracepoint_in_module(void)
{
	bool found = false;

	ebcc_error_destroy(ebcc_ksyms_walk(look_for_module_lookup, &found));
	return found;
}

bool ebcc_kernel_supports(enum ebcc_capability capability)
{
	switch (capability) {
	case EBCC_CAPABILITY_KFUNC:
		return ebcc_feature(EBCC_FEATURE_FENTRY);
	case EBCC_CAPABILITY_FMOD_RET:
		return ebcc_feature(EBCC_FEATURE_MODIFY_RETURN);
	case EBCC_CAPABILITY_LSM:
		return ebcc_feature(EBCC_FEATURE_LSM);
	case EBCC_CAPABILITY_RAW_TRACEPOINT:
		return ebcc_feature(EBCC_FEATURE_RAW_TRACEPOINT);
	case EBCC_CAPABILITY_RAW_TRACEPOINT_IN_MODULE:
		return ebcc_feature(EBCC_FEATURE_RAW_TRACEPOINT) && has_raw_tracepoint_in_module();
	}
	return false;
}

static bool enum_has_value(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	for (unsigned i = 0; type && i < btf_vlen(type); i++) {
		uint32_t offset = btf_is_enum64(type) ? btf_enum64(type)[i].name_off
						      : btf_enum(type)[i].name_off;

		if (!strcmp(ebcc_kernel_btf_name(btf, part, offset), name))
			return true;
	}
	return false;
}

static uint32_t find_either(const struct ebcc_kernel_btf *btf, const char *name, unsigned kind,
			    unsigned other_kind)
{
	uint32_t id = ebcc_kernel_btf_find(btf, name, kind);

	return id ? id : ebcc_kernel_btf_find(btf, name, other_kind);
}

/* Opens the kernel's BTF and finds a type, in modules if vmlinux lacks it. *@ret_id is 0 if there
 * is none. */
static struct ebcc_error *open_with(const char *name, unsigned kind, unsigned other_kind,
				    struct ebcc_kernel_btf **ret_btf, uint32_t *ret_id)
{
	TRY(ebcc_kernel_btf_create(NULL, NULL, ret_btf));
	*ret_id = find_either(*ret_btf, name, kind, other_kind);
	if (*ret_id)
		return NULL;
	TRY(ebcc_kernel_btf_open_modules(*ret_btf));
	*ret_id = find_either(*ret_btf, name, kind, other_kind);
	return NULL;
}

int ebcc_kernel_has_member(const char *record, const char *member)
{
	struct ebcc_kernel_btf *btf = NULL;
	struct ebcc_error *error;
	uint32_t id = 0;
	int answer = -1;

	error = open_with(record, BTF_KIND_STRUCT, BTF_KIND_UNION, &btf, &id);
	if (!error && id && *member)
		answer = ebcc_kernel_btf_has_member(btf, id, member);
	ebcc_error_destroy(error);
	ebcc_kernel_btf_destroy(btf);
	return answer;
}

int ebcc_kernel_has_enumerator(const char *enumeration, const char *enumerator)
{
	struct ebcc_kernel_btf *btf = NULL;
	struct ebcc_error *error;
	uint32_t id = 0;
	int answer = -1;

	error = open_with(enumeration, BTF_KIND_ENUM, BTF_KIND_ENUM64, &btf, &id);
	if (!error && id)
		answer = enum_has_value(btf, id, enumerator);
	ebcc_error_destroy(error);
	ebcc_kernel_btf_destroy(btf);
	return answer;
}
