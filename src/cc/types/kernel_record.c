// SPDX-License-Identifier: Apache-2.0
/*
 * The record of a kernel in an object (kernel_record.h). A kernel is identified by its build id, or
 * by its release and version if the build id of either kernel is not known. If the types came from
 * a file that the caller named, or if there was no build id, a hash of the BTF must match as well.
 */
#include "types/kernel_record.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>
#include <xxhash.h>

#include "base/disk_cache.h"
#include "elf/bpf_object.h"
#include "types/kernel_needs.h"

#define VARIABLE "__ebcc_kernel"
#define MODULE_BTF_DIRECTORY "/sys/kernel/btf/"
/* The hash for a kernel without BTF. */
#define NO_BTF 0

static uint64_t hash_btf(const struct ebcc_kernel_btf *btf)
{
	const struct ebcc_btf_part *vmlinux = &btf->parts[0];
	uint64_t hash = XXH64(vmlinux->types, vmlinux->types_size, 0);

	hash = XXH64(vmlinux->strings, vmlinux->strings_size, hash);
	return hash == NO_BTF ? 1 : hash;
}

/* ---- Writing ---- */

/* Writes a line "KEY=VALUE" inside a C string literal. The values may come from files of another
 * kernel, so special characters are replaced. */
static void write_fact(struct ebcc_buf *text, const char *key, const char *value)
{
	if (!*value)
		return;
	ebcc_buf_printf(text, "%s=", key);
	for (; *value; value++)
		ebcc_buf_append_char(
			text,
			isprint((unsigned char)*value) && !strchr("\"\\?", *value) ? *value : '_');
	ebcc_buf_append_string(text, "\\n");
}

/* Writes the constants of a portable object as lines of a variable of their own. */
static void write_constants(struct ebcc_buf *text, const char *lines)
{
	if (!*lines)
		return;
	ebcc_buf_append_string(text, "char " EBCC_NEEDED_CONSTANTS
				     "[] __attribute__((__section__(\".ebcc.meta\"))) = \"");
	for (; *lines; lines++)
		ebcc_buf_printf(text, *lines == '\n' ? "\\n" : "%c", *lines);
	ebcc_buf_append_string(text, "\";\n");
}

/* Writes the kernel modules whose types the text uses: "modules=kvm:HASH xfs:HASH". */
static void write_modules(struct ebcc_buf *text, const struct ebcc_kernel_btf *btf)
{
	AUTO_BUF struct ebcc_buf list = EBCC_BUF_INIT;

	for (size_t i = 1; btf && i < btf->part_count; i++) {
		const struct ebcc_btf_part *part = &btf->parts[i];
		uint64_t hash;

		if (part->in_use && ebcc_disk_cache_hash_file(part->path, &hash))
			ebcc_buf_printf(&list, "%s%s:%016" PRIx64, list.size ? " " : "",
					strrchr(part->path, '/') + 1, hash);
	}
	write_fact(text, "modules", ebcc_buf_string(&list));
}

struct ebcc_error *ebcc_kernel_record_write(const struct ebcc_kernel_info *kernel,
					    const struct ebcc_ktypes *ktypes, const char *btf_path,
					    bool portable, struct ebcc_buf *text)
{
	const struct ebcc_kernel_btf *btf = ebcc_ktypes_btf(ktypes);
	const char *name = btf_path ? strrchr(btf_path, '/') : NULL;

	ebcc_buf_printf(text,
			"char " VARIABLE "[] __attribute__((__section__(\".ebcc.meta\"))) = "
			"\"arch=%d\\n",
			kernel->arch);
	if (ebcc_ktypes_names_cpu_count(ktypes))
		ebcc_buf_printf(text, "cpus=%u\\n", kernel->cpu_count);
	if (ebcc_ktypes_independent(ktypes)) {
		write_fact(text, "kernel", "any");
	} else if (portable) {
		write_fact(text, "kernel", "portable");
	} else {
		write_fact(text, "release", kernel->release);
		write_fact(text, "version", kernel->version);
		write_fact(text, "build_id", kernel->build_id);
		write_fact(text, "btf_file", name ? name + 1 : btf_path ? btf_path : "");
		if (btf && (btf_path || !*kernel->build_id))
			ebcc_buf_printf(text, "btf=%016" PRIx64 "\\n", hash_btf(btf));
		write_modules(text, btf);
	}
	ebcc_buf_append_string(text, "\";\n");
	if (portable)
		write_constants(text, ebcc_ktypes_constants(ktypes));
	return ebcc_buf_check(text);
}

/* ---- Comparing ---- */

/* The record in an object; a member is NULL if the record lacks it. */
struct record {
	char *arch, *cpus, *kernel, *release, *version, *build_id, *btf, *btf_file, *modules;
};

#define AUTO_RECORD CLEANUP(record_deinit)
static void record_deinit(struct record *record)
{
	free(record->arch);
	free(record->cpus);
	free(record->kernel);
	free(record->release);
	free(record->version);
	free(record->build_id);
	free(record->btf);
	free(record->btf_file);
	free(record->modules);
}

static struct ebcc_error *read_record(const char *object, size_t size, struct record *ret)
{
	const struct {
		const char *key;
		char **ret;
	} facts[] = {
		{"arch", &ret->arch},	      {"kernel", &ret->kernel},
		{"release", &ret->release},   {"version", &ret->version},
		{"build_id", &ret->build_id}, {"btf", &ret->btf},
		{"btf_file", &ret->btf_file}, {"modules", &ret->modules},
		{"cpus", &ret->cpus},
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
		TRY(ebcc_elf_fact(object, size, VARIABLE, facts[i].key, facts[i].ret));
	return NULL;
}

static struct ebcc_error *find_running(struct ebcc_kernel_info **ret)
{
	struct utsname uts;
	struct ebcc_kernel_info_opts opts = {.machine = uts.machine};

	if (uname(&uts))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot get the kernel's version");
	return ebcc_kernel_info_create(&opts, ret);
}

/* Hashes the BTF of the running kernel; NO_BTF if it has none. */
static struct ebcc_error *hash_running(uint64_t *ret)
{
	AUTO_KERNEL_BTF struct ebcc_kernel_btf *btf = NULL;
	struct ebcc_error *error = ebcc_kernel_btf_create(NULL, "", &btf);

	*ret = NO_BTF;
	if (!error)
		*ret = hash_btf(btf);
	else if (ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
		return error;
	ebcc_error_destroy(error);
	return NULL;
}

static bool same(const char *recorded, const char *running)
{
	return recorded && !strcmp(recorded, running);
}

/* Whether @record matches the kernel @running, apart from its modules. */
static struct ebcc_error *compare(const struct record *record,
				  const struct ebcc_kernel_info *running, bool *ret)
{
	uint64_t hash = NO_BTF;

	*ret = false;
	if (record->btf)
		TRY(hash_running(&hash));
	if (hash != NO_BTF && strtoull(record->btf, NULL, 16) != hash)
		return NULL;
	if (record->build_id && *running->build_id)
		*ret = same(record->build_id, running->build_id);
	else
		*ret = same(record->release, running->release) &&
		       (!record->version || same(record->version, running->version));
	return NULL;
}

static const char *arch_name(int arch)
{
	const struct ebcc_arch *found = ebcc_arch_of_id(arch);

	return found ? found->name : "?";
}

static void describe(struct ebcc_buf *text, const char *release, const char *version,
		     const char *build_id)
{
	ebcc_buf_append_string(text, release ? release : "?");
	if (version && *version)
		ebcc_buf_printf(text, " %s", version);
	if (build_id && *build_id)
		ebcc_buf_printf(text, " (build id %.12s)", build_id);
}

static const char advice[] = "its offsets may be wrong here: compile the source for this kernel, "
			     "or set any_kernel to load it anyway";

static struct ebcc_error *other_kernel(const struct record *record,
				       const struct ebcc_kernel_info *running)
{
	AUTO_BUF struct ebcc_buf compiled = EBCC_BUF_INIT, here = EBCC_BUF_INIT;

	if (record->btf_file)
		ebcc_buf_printf(&compiled, "the types of %s (BTF %s), not those of ",
				record->btf_file, record->btf ? record->btf : "?");
	else
		describe(&compiled, record->release, record->version, record->build_id);
	describe(&here, running->release, running->version, running->build_id);
	TRY(ebcc_buf_check(&compiled));
	TRY(ebcc_buf_check(&here));
	if (record->btf_file)
		return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
					 "the object was compiled for %sthe running kernel %s; %s",
					 ebcc_buf_string(&compiled), ebcc_buf_string(&here),
					 advice);
	return ebcc_error_create(
		EBCC_ERROR_OTHER_KERNEL,
		"the object was compiled for the kernel %s, but this one is %s; %s",
		ebcc_buf_string(&compiled), ebcc_buf_string(&here), advice);
}

/* A kernel module may have been rebuilt for the same kernel. Modules that aren't loaded are not
 * compared. */
static struct ebcc_error *compare_modules(char *modules)
{
	char *save = NULL;

	for (char *module = modules ? strtok_r(modules, " ", &save) : NULL; module;
	     module = strtok_r(NULL, " ", &save)) {
		AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
		char *hash = strchr(module, ':');
		uint64_t now;

		if (!hash)
			continue;
		*hash++ = '\0';
		ebcc_buf_printf(&path, MODULE_BTF_DIRECTORY "%s", module);
		TRY(ebcc_buf_check(&path));
		if (strchr(module, '/') ||
		    !ebcc_disk_cache_hash_file(ebcc_buf_string(&path), &now) ||
		    strtoull(hash, NULL, 16) == now)
			continue;
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_OTHER_KERNEL,
				"the object was compiled for a different build of the kernel "
				"module %s than the loaded one (BTF %s and %016" PRIx64 "); %s",
				module, hash, now, advice),
			module);
	}
	return NULL;
}

struct ebcc_error *ebcc_kernel_record_check(const char *object, size_t size, bool any_kernel)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *running = NULL;
	AUTO_RECORD struct record record = {0};
	const char *meta;
	size_t meta_size;
	bool equal;

	if (!ebcc_elf_section(object, size, ".ebcc.meta", &meta, &meta_size))
		return NULL;
	TRY(read_record(object, size, &record));
	if (!record.arch && any_kernel)
		return NULL;
	if (!record.arch)
		return ebcc_error_create(
			EBCC_ERROR_OTHER_KERNEL,
			"the object does not say which kernel it was compiled for, "
			"since an earlier version created it, so its offsets may be "
			"wrong here: compile the source again, or set any_kernel to "
			"load it anyway");
	TRY(find_running(&running));
	if (atoi(record.arch) != (int)running->arch)
		return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
					 "the object was compiled for the machine type %s, but "
					 "this one is %s; compile the source for this machine",
					 arch_name(atoi(record.arch)), arch_name(running->arch));
	if (any_kernel)
		return NULL;
	if (record.cpus && strtoul(record.cpus, NULL, 10) != running->cpu_count)
		return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
					 "the object was compiled for %s CPUs, but this machine "
					 "has %u; compile the source for this machine, or set "
					 "any_kernel to load it anyway",
					 record.cpus, running->cpu_count);
	if (same(record.kernel, "any") || same(record.kernel, "portable"))
		return NULL;
	TRY(compare(&record, running, &equal));
	if (!equal)
		return other_kernel(&record, running);
	return compare_modules(record.modules);
}
