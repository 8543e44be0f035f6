// SPDX-License-Identifier: Apache-2.0
/*
 * Targets of BTF-typed programs; see attach_target.h. A cache entry is one line, "ID" or "ID
 * MODULE HASH". An id in vmlinux's BTF is valid for a kernel with the same build id; one in a
 * module's BTF is valid while that BTF has the same hash.
 */
#include "kernel/attach_target.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/disk_cache.h"
#include "base/kinds.h"
#include "base/near_names.h"
#include "kernel/btf.h"
#include "kernel/info.h"
#include "kernel/ksyms.h"
#include "kernel/probeable.h"

/* Must change whenever the format of an entry or the contents of a key change. */
#define ENTRY_FORMAT "ebcc attach target 1"
#define ENTRY_KIND "target"
#define BTF_DIRECTORY "/sys/kernel/btf/"

/* The type name prefixes are from kernel/trace/bpf_trace.c, include/linux/bpf_lsm.h,
 * include/linux/bpf.h (DEFINE_BPF_ITER_FUNC) and include/trace/bpf_probe.h in the kernel. */
struct ebcc_target_kind {
	enum ebcc_program_kind_id id;
	const char *type; /* prefix of the type's name */
	unsigned btf_kind;
	const char *what; /* for messages */
};

static const struct ebcc_target_kind kinds[] = {
	{EBCC_KIND_KFUNC, "", BTF_KIND_FUNC, "function"},
	{EBCC_KIND_KRETFUNC, "", BTF_KIND_FUNC, "function"},
	{EBCC_KIND_KMOD_RET, "", BTF_KIND_FUNC, "function"},
	{EBCC_KIND_LSM, "bpf_lsm_", BTF_KIND_FUNC, "LSM hook"},
	{EBCC_KIND_ITER, "bpf_iter_", BTF_KIND_FUNC, "iterator"},
	{EBCC_KIND_TP_BTF, "btf_trace_", BTF_KIND_TYPEDEF, "tracepoint"},
};

static const struct ebcc_target_kind *kind_of(const struct ebcc_program_kind *kind)
{
	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].id == kind->id)
			return &kinds[i];
	return NULL;
}

bool ebcc_attach_target_has(const char *prefix)
{
	return kind_of(ebcc_section_of(prefix).kind);
}

void ebcc_attach_target_init(struct ebcc_attach_target *target, const char *section)
{
	struct ebcc_section parts = ebcc_section_of(section);

	*target = (struct ebcc_attach_target){.section = section};
	if (!parts.kind || !*parts.target)
		return;
	target->kind = kind_of(parts.kind);
	target->name = parts.target;
	target->prefix = parts.prefix;
	target->sleepable = parts.sleepable;
}

const struct ebcc_program_kind *ebcc_attach_target_kind(const struct ebcc_attach_target *target)
{
	return &ebcc_program_kinds[target->kind->id];
}

enum bpf_prog_type ebcc_attach_target_type(const struct ebcc_attach_target *target)
{
	return ebcc_program_kinds[target->kind->id].type;
}

enum bpf_attach_type ebcc_attach_target_attach_type(const struct ebcc_attach_target *target)
{
	return ebcc_program_kinds[target->kind->id].attach_type;
}

/* ---- Names ---- */

/* The type to find: its name, and the module to search; NULL: vmlinux and all modules. */
struct wanted {
	char *type;
	char *module;
};

static void wanted_deinit(struct wanted *wanted)
{
	free(wanted->type);
	free(wanted->module);
}
#define AUTO_WANTED CLEANUP(wanted_deinit)

/* Whether the kernel has the BTF of a module; @name is @length bytes long. */
static bool is_module(const char *name, size_t length)
{
	char path[sizeof(BTF_DIRECTORY) + EBCC_MODULE_NAME_SIZE];

	if (!length || length >= EBCC_MODULE_NAME_SIZE || memchr(name, '/', length))
		return false;
	snprintf(path, sizeof(path), BTF_DIRECTORY "%.*s", (int)length, name);
	return !access(path, F_OK);
}

/* The length of MODULE in "MODULE:NAME", or in "MODULE__NAME"; 0 if the name doesn't begin with a
 * module of this kernel. Module names can also contain double underscores. */
static size_t module_length(const char *name)
{
	const char *colon = strchr(name, ':');

	if (colon)
		return colon - name;
	for (const char *at = strstr(name, "__"); at; at = strstr(at + 1, "__"))
		if (at[2] && is_module(name, (size_t)(at - name)))
			return (size_t)(at - name);
	return 0;
}

static struct ebcc_error *wanted_init(struct wanted *wanted,
				      const struct ebcc_attach_target *target)
{
	const char *name = target->name;
	size_t length = module_length(name);

	if (length) {
		wanted->module = strndup(name, length);
		if (!wanted->module)
			return ebcc_error_no_memory();
		name += length + (name[length] == ':' ? strlen(":") : strlen("__"));
	}
	if (asprintf(&wanted->type, "%s%s", target->kind->type, name) >= 0)
		return NULL;
	wanted->type = NULL;
	return ebcc_error_no_memory();
}

/* ---- The cache ---- */

static struct ebcc_cache_key entry_key(const struct ebcc_kernel_info *kernel,
				       const struct ebcc_attach_target *target)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ebcc_buf_printf(&text, ENTRY_FORMAT "\n%s\n%s\n%s", kernel->release, kernel->build_id,
			target->section);
	return ebcc_cache_key_of(&text);
}

/* Hashes the BTF of a loaded module. */
static bool hash_module(const char *module, uint64_t *ret)
{
	char path[sizeof(BTF_DIRECTORY) + EBCC_MODULE_NAME_SIZE];

	snprintf(path, sizeof(path), BTF_DIRECTORY "%s", module);
	return ebcc_disk_cache_hash_file(path, ret);
}

static void read_entry(struct ebcc_disk_cache *cache, const struct ebcc_kernel_info *kernel,
		       struct ebcc_attach_target *target)
{
	const struct ebcc_cache_key key = entry_key(kernel, target);
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	unsigned long long expected;
	char module[EBCC_MODULE_NAME_SIZE];
	uint64_t hash;
	unsigned id;
	int fields;

	if (!ebcc_disk_cache_get(cache, &key, ENTRY_KIND, &text))
		return;
	fields = sscanf(ebcc_buf_string(&text), "%u %63s %16llx", &id, module, &expected);
	if (fields == 3) {
		if (!hash_module(module, &hash) || hash != expected)
			return;
		memcpy(target->module, module, sizeof(module));
	}
	if (fields == 1 || fields == 3)
		target->id = id;
}

static void write_entry(struct ebcc_disk_cache *cache, const struct ebcc_kernel_info *kernel,
			const struct ebcc_attach_target *target)
{
	const struct ebcc_cache_key key = entry_key(kernel, target);
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	uint64_t hash;

	ebcc_buf_printf(&text, "%u", target->id);
	if (*target->module) {
		if (!hash_module(target->module, &hash))
			return;
		ebcc_buf_printf(&text, " %s %016llx", target->module, (unsigned long long)hash);
	}
	if (!text.failed)
		ebcc_disk_cache_put(cache, &key, ENTRY_KIND, text.data, text.size);
}

/* ---- The kernel's BTF ---- */

/* The module of a part, or "" for vmlinux. */
static const char *part_module(const struct ebcc_kernel_btf *btf, const struct ebcc_btf_part *part)
{
	return part == btf->parts ? "" : strrchr(part->path, '/') + 1;
}

/* Finds the first matching type in one part, and sets the target's id and module. */
static bool find_in_part(const struct ebcc_kernel_btf *btf, const struct ebcc_btf_part *part,
			 const struct wanted *wanted, struct ebcc_attach_target *target)
{
	for (uint32_t i = 0; i < part->count; i++) {
		const struct btf_type *t =
			(const struct btf_type *)(part->types + part->offsets[i]);

		if (btf_kind(t) != target->kind->btf_kind ||
		    strcmp(ebcc_kernel_btf_name(btf, part, t->name_off), wanted->type))
			continue;
		target->id = part->first_local + i;
		snprintf(target->module, sizeof(target->module), "%s", part_module(btf, part));
		return true;
	}
	return false;
}

/* Sets the target's id and module, or leaves them unchanged if no BTF has the type. */
static struct ebcc_error *find_wanted(struct ebcc_kernel_btf *btf, const struct wanted *wanted,
				      struct ebcc_attach_target *target)
{
	if (!wanted->module && find_in_part(btf, &btf->parts[0], wanted, target))
		return NULL;
	TRY(ebcc_kernel_btf_open_modules(btf));
	for (size_t i = 1; i < btf->part_count; i++)
		if ((!wanted->module ||
		     !strcmp(part_module(btf, &btf->parts[i]), wanted->module)) &&
		    find_in_part(btf, &btf->parts[i], wanted, target))
			break;
	return NULL;
}

/* Whether the target is a kernel function under its own name, not an LSM hook or an iterator. */
static bool is_function_target(const struct ebcc_attach_target *target)
{
	return target->kind->btf_kind == BTF_KIND_FUNC && !*target->kind->type;
}

/* Changes the name of the type to another one. */
static struct ebcc_error *rename_wanted(struct wanted *wanted, const char *prefix, const char *name,
					const char *suffix)
{
	char *type;

	if (asprintf(&type, "%s%s%s", prefix, name, suffix) < 0)
		return ebcc_error_no_memory();
	free(wanted->type);
	wanted->type = type;
	return NULL;
}

static struct ebcc_error *find_in_btf(struct ebcc_kernel_btf *btf,
				      struct ebcc_attach_target *target)
{
	AUTO_WANTED struct wanted wanted = {0};

	TRY(wanted_init(&wanted, target));
	TRY(find_wanted(btf, &wanted, target));
	if (!target->id && wanted.module && !strchr(target->name, ':')) {
		/* What looks like MODULE__NAME is the name of a function of the kernel. */
		free(wanted.module);
		wanted.module = NULL;
		TRY(rename_wanted(&wanted, target->kind->type, target->name, ""));
		TRY(find_wanted(btf, &wanted, target));
		free(wanted.type);
		wanted.type = NULL;
		if (!target->id)
			TRY(wanted_init(&wanted, target));
	}
	if (target->id || !is_function_target(target))
		return NULL;
	/* The name may be a macro that calls the function. */
	TRY(rename_wanted(&wanted, "", wanted.type, EBCC_ALLOCATION_SUFFIX));
	return find_wanted(btf, &wanted, target);
}

struct ebcc_error *ebcc_attach_targets_find(struct ebcc_attach_target **targets, size_t count,
					    const struct ebcc_log *log)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_DISK_CACHE struct ebcc_disk_cache *cache = NULL;
	AUTO_KERNEL_BTF struct ebcc_kernel_btf *btf = NULL;

	TRY(ebcc_kernel_info_create(NULL, &kernel));
	/* Without a build id there is no telling whether an entry is for this kernel. */
	if (*kernel->build_id)
		cache = ebcc_disk_cache_create(NULL, log);
	for (size_t i = 0; i < count; i++) {
		if (!targets[i]->id)
			read_entry(cache, kernel, targets[i]);
		if (targets[i]->id)
			continue;
		if (!btf)
			TRY(ebcc_kernel_btf_create(NULL, NULL, &btf));
		TRY(find_in_btf(btf, targets[i]));
		if (targets[i]->id)
			write_entry(cache, kernel, targets[i]);
	}
	return NULL;
}

/* ---- Missing targets ---- */

static void add_near(const struct ebcc_kernel_btf *btf, const struct ebcc_btf_part *part,
		     const struct ebcc_target_kind *kind, struct ebcc_near_names *near)
{
	size_t prefix = strlen(kind->type);

	for (uint32_t i = 0; i < part->count; i++) {
		const struct btf_type *t =
			(const struct btf_type *)(part->types + part->offsets[i]);
		const char *name;

		if (btf_kind(t) != kind->btf_kind)
			continue;
		name = ebcc_kernel_btf_name(btf, part, t->name_off);
		if (!strncmp(name, kind->type, prefix))
			ebcc_near_names_add(near, name + prefix);
	}
}

static bool is_symbol(void *ctx, const struct ebcc_ksyms_line *line)
{
	const char **name = ctx;

	if (!ebcc_ksyms_is_function(line->type) || strcmp(line->name, *name))
		return true;
	*name = NULL;
	return false;
}

/* Whether kallsyms has the function, even if BTF doesn't. */
static bool is_function(const char *name)
{
	struct ebcc_error *error = ebcc_ksyms_walk(is_symbol, &name);

	ebcc_error_destroy(error);
	return !name;
}

static struct ebcc_error *describe_missing(const struct ebcc_attach_target *target,
					   const struct wanted *wanted, const char *name,
					   const struct ebcc_near_names *near)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	const char *what = target->kind->what;

	if (wanted->module)
		ebcc_buf_printf(&text, "the BTF of kernel module %s has no %s %s", wanted->module,
				what, name);
	else if (ebcc_attach_target_attach_type(target) == BPF_LSM_MAC ||
		 ebcc_attach_target_attach_type(target) == BPF_TRACE_ITER)
		ebcc_buf_printf(&text, "this kernel has no %s %s", what, name);
	else
		ebcc_buf_printf(&text,
				"the kernel's BTF, which lists what can be traced this way, has no "
				"%s %s",
				what, name);
	if (is_function_target(target) && is_function(name))
		ebcc_buf_append_string(&text, ", although the function exists: use a kprobe");
	else
		ebcc_near_names_suggest(near, &text);
	TRY(ebcc_buf_check(&text));
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND, "%s", ebcc_buf_string(&text)), name);
}

struct ebcc_error *ebcc_attach_target_missing(const struct ebcc_attach_target *target)
{
	AUTO_KERNEL_BTF struct ebcc_kernel_btf *btf = NULL;
	AUTO_WANTED struct wanted wanted = {0};
	struct ebcc_near_names near;
	const char *name;

	TRY(wanted_init(&wanted, target));
	name = wanted.type + strlen(target->kind->type);
	ebcc_near_names_init(&near, name);
	TRY(ebcc_kernel_btf_create(NULL, NULL, &btf));
	TRY(ebcc_kernel_btf_open_modules(btf));
	for (size_t i = 0; i < btf->part_count; i++)
		if (!wanted.module || !strcmp(part_module(btf, &btf->parts[i]), wanted.module))
			add_near(btf, &btf->parts[i], target->kind, &near);
	return describe_missing(target, &wanted, name, &near);
}

/* ---- The BTF of a loaded module ---- */

static bool is_btf_of(int fd, const char *module)
{
	char name[EBCC_MODULE_NAME_SIZE] = "";
	struct bpf_btf_info info = {.name = (uint64_t)(uintptr_t)name, .name_len = sizeof(name)};
	uint32_t size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.kernel_btf &&
	       !strcmp(name, module);
}

struct ebcc_error *ebcc_attach_target_btf(const struct ebcc_attach_target *target, int *ret)
{
	uint32_t id = 0;

	*ret = 0;
	if (!*target->module)
		return NULL;
	while (!bpf_btf_get_next_id(id, &id)) {
		AUTO_CLOSE int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0 || !is_btf_of(fd, target->module))
			continue;
		*ret = TAKE_FD(fd);
		return NULL;
	}
	return ebcc_error_with_subject(
		ebcc_error_os(errno == EPERM ? EBCC_ERROR_PERMISSION : EBCC_ERROR_NOT_FOUND, errno,
			      "cannot get the BTF of kernel module %s from the kernel",
			      target->module),
		target->module);
}
