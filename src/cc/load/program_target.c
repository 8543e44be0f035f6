// SPDX-License-Identifier: Apache-2.0
/*
 * Loading a BTF-typed program whose target is known. libbpf has no function that takes a target by
 * its BTF id, and parses all of vmlinux' BTF for each BTF-typed program. But it accepts custom
 * handlers for section names, and a handler can change what is passed to the kernel. So we load a
 * copy of the object in which the section has a name of our own, "Fentry/vfs_read", and our handler
 * fills in type, attach type and target just before the load. Handlers for libbpf's own section
 * names would disturb other users of libbpf in this process.
 */
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/kinds.h"
#include "elf/bpf_object.h"
#include "kernel/features.h"
#include "kernel/privilege.h"
#include "load/program_target.h"

/* The target of the program that this thread is loading. */
static _Thread_local const struct ebcc_attach_target *current;
static _Thread_local int current_btf;

static bool registered;

/* libbpf calls this when everything else is ready. */
static int prepare(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	if (!current)
		return -EINVAL;
	opts->expected_attach_type = ebcc_attach_target_attach_type(current);
	opts->attach_btf_id = current->id;
	opts->attach_btf_obj_fd = (uint32_t)current_btf;
	if (current->sleepable)
		opts->prog_flags |= BPF_F_SLEEPABLE;
	return bpf_program__set_type(program, ebcc_attach_target_type(current));
}

/* Registers "Fentry+" for "fentry/": to libbpf that means any name that begins with "Fentry/". */
static bool register_prefix(const char *prefix)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare);
	size_t length = strlen(prefix);
	AUTO_FREE char *section = strdup(prefix);

	if (!section)
		return false;
	section[0] = (char)toupper((unsigned char)section[0]);
	section[length - 1] = '+';
	/* A type for which libbpf has nothing to prepare. */
	return libbpf_register_prog_handler(section, BPF_PROG_TYPE_KPROBE, 0, &opts) >= 0;
}

static void register_sections(void)
{
	const char *prefix;

	registered = true;
	for (size_t i = 0; (prefix = ebcc_section_prefix(i)); i++)
		if (ebcc_attach_target_has(prefix))
			registered = register_prefix(prefix) && registered;
}

bool ebcc_target_loads(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, register_sections);
	return registered;
}

void ebcc_target_enter(const struct ebcc_attach_target *target, int btf_fd)
{
	current = target;
	current_btf = btf_fd;
}

/* Capitalizes the first letter of a section's name in the copy. */
static void capitalize(char *copy, const char *bytes, const char *place)
{
	place += *place == '?';
	copy[place - bytes] = (char)toupper((unsigned char)*place);
}

/* Renames the section in the strings of BTF, where .BTF.ext refers to it. */
static void rename_in_btf(char *copy, const char *bytes, size_t size, const char *section)
{
	size_t btf_size, length = strlen(section) + 1;
	struct btf_header header;
	const char *btf, *at, *end;

	if (!ebcc_elf_section(bytes, size, ".BTF", &btf, &btf_size) || btf_size < sizeof(header))
		return;
	memcpy(&header, btf, sizeof(header));
	if (header.hdr_len > btf_size || header.str_off > btf_size - header.hdr_len ||
	    header.str_len > btf_size - header.hdr_len - header.str_off)
		return;
	end = btf + header.hdr_len + header.str_off + header.str_len;
	for (at = end - header.str_len; at < end; at += strnlen(at, end - at) + 1)
		if ((size_t)(end - at) >= length && !memcmp(at, section, length))
			capitalize(copy, bytes, at);
}

struct ebcc_error *ebcc_target_object(const char *bytes, size_t size, const char *section,
				      char **ret)
{
	AUTO_FREE char *optional = NULL;
	const char *name = ebcc_elf_section_name(bytes, size, section);
	char *copy;

	if (!name) {
		if (asprintf(&optional, "?%s", section) < 0) {
			optional = NULL;
			return ebcc_error_no_memory();
		}
		section = optional;
		name = ebcc_elf_section_name(bytes, size, section);
	}
	if (!name)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "the object has no section %s",
					 section);
	copy = malloc(size);
	if (!copy)
		return ebcc_error_no_memory();
	memcpy(copy, bytes, size);
	/* A section of relocations may share these bytes, after its ".rel". That does no harm:
	 * libbpf finds it by the section's number. */
	capitalize(copy, bytes, name);
	rename_in_btf(copy, bytes, size, section);
	*ret = copy;
	return NULL;
}

#define TRAMPOLINES(since)                                                                         \
	"BTF trampolines (Linux " since " on x86-64, 6.4 on arm64, with "                          \
	"CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)"

/* What programs need of a kernel, apart from BTF. */
static const struct {
	enum ebcc_program_kind_id kind;
	enum ebcc_feature feature;
	const char *needs, *instead;
} needs[] = {
	{EBCC_KIND_KFUNC, EBCC_FEATURE_FENTRY, TRAMPOLINES("5.5"), "; use a kprobe"},
	{EBCC_KIND_KRETFUNC, EBCC_FEATURE_FENTRY, TRAMPOLINES("5.5"), "; use a kretprobe"},
	{EBCC_KIND_KMOD_RET, EBCC_FEATURE_MODIFY_RETURN, TRAMPOLINES("5.7"), ""},
	{EBCC_KIND_LSM, EBCC_FEATURE_LSM, TRAMPOLINES("5.7") " or CONFIG_BPF_LSM", ""},
};

struct ebcc_error *ebcc_target_unsupported(const struct ebcc_attach_target *target,
					   const char *program)
{
	const struct ebcc_program_kind *kind = ebcc_attach_target_kind(target);

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (needs[i].kind != kind->id || ebcc_feature(needs[i].feature))
			continue;
		/* Without the privileges, or where nothing is allowed, the answer is always no. */
		if (!ebcc_privilege_holds(true) || !ebcc_feature(EBCC_FEATURE_RAW_TRACEPOINT))
			return NULL;
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					  "program '%s': this kernel does not run %.*s programs "
					  "(%s): it lacks %s, or forbids such programs%s",
					  program, (int)strcspn(kind->section, "/"), kind->section,
					  kind->macro, needs[i].needs, needs[i].instead),
			program);
	}
	return NULL;
}
