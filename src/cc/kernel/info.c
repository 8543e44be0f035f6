// SPDX-License-Identifier: Apache-2.0
/*
 * The identity of the kernel that is compiled for (stage 2). Some distributions put the version of
 * their kernel ABI into uname -r; the version that headers call LINUX_VERSION_CODE is then found in
 * uname -v or in /proc/version_signature.
 */
#include "kernel/info.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define SMALL_FILE (64 << 10)
#define MAX_CONFIG (4 << 20)

/* Reads ROOT/PATH. Returns false and leaves @text empty if it can't be read. */
static bool read_optional(const char *root, const char *path, size_t limit, struct ebcc_buf *text)
{
	AUTO_BUF struct ebcc_buf full = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;

	ebcc_buf_clear(text);
	ebcc_buf_printf(&full, "%s%s", root, path);
	if (full.failed)
		return false;
	error = ebcc_buf_read_file(text, full.data, limit);
	if (error)
		ebcc_buf_clear(text);
	return !error;
}

uint32_t ebcc_kernel_version_parse(const char *text)
{
	unsigned long part[3] = {0};

	for (int i = 0; i < 3; i++) {
		char *end;

		if (!isdigit((unsigned char)*text))
			return i >= 2 ? part[0] << 16 | part[1] << 8 : 0;
		part[i] = strtoul(text, &end, 10);
		if (part[i] > 0xffff)
			return 0;
		text = *end == '.' ? end + 1 : end;
		if (*end != '.' && i == 0)
			return 0;
		if (*end != '.' && i == 1)
			break;
	}
	if (part[0] > 255 || part[1] > 255)
		return 0;
	/* The kernel's own Makefile caps it like this. */
	if (part[2] > 255)
		part[2] = 255;
	return part[0] << 16 | part[1] << 8 | part[2];
}

/* Debian: uname -v is "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2024-01-01)". */
static uint32_t debian_version(const char *version)
{
	const char *name = strstr(version, "Debian ");

	return name ? ebcc_kernel_version_parse(name + strlen("Debian ")) : 0;
}

/* Ubuntu: "Ubuntu 5.15.0-60.66-generic 5.15.78"; the last word is the mainline version. */
static uint32_t ubuntu_version(const char *root)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	const char *word;

	if (!read_optional(root, "/proc/version_signature", SMALL_FILE, &text) || !text.size)
		return 0;
	while (text.size && isspace((unsigned char)text.data[text.size - 1]))
		text.data[--text.size] = '\0';
	word = strrchr(text.data, ' ');
	return word ? ebcc_kernel_version_parse(word + 1) : 0;
}

/* The version code from the environment; 0 if there is none, or if the program runs with privileges
 * that its caller doesn't have. */
static uint32_t version_from_environment(void)
{
	const char *text = secure_getenv("BCC_LINUX_VERSION_CODE");
	unsigned long code;
	char *end;

	if (!text || !*text)
		return 0;
	code = strtoul(text, &end, 0);
	return *end || code > UINT32_MAX ? 0 : code;
}

static uint32_t find_version(const char *root, const char *release, const char *version)
{
	uint32_t code = version_from_environment();

	if (!code)
		code = ubuntu_version(root);
	if (!code)
		code = debian_version(version);
	return code ? code : ebcc_kernel_version_parse(release);
}

static struct ebcc_error *find_arch(const char *machine, enum ebcc_arch_id *ret)
{
	const struct ebcc_arch *arch = ebcc_arch_of_name(machine);

	if (!arch)
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "the machine type %s is not supported: programs can be "
					 "compiled for x86_64 and aarch64",
					 machine);
	*ret = arch->id;
	return NULL;
}

/* Finds the build id among ELF notes and writes it in hex; @ret has room for 20 bytes of it. */
static void find_build_id(const char *notes, size_t size, char *ret)
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		size_t name, data;
		Elf64_Nhdr note;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		data = name + ((size_t)note.n_namesz + 3) / 4 * 4;
		if (data > size || note.n_descsz > size - data)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && note.n_descsz <= 20) {
			for (size_t i = 0; i < note.n_descsz; i++)
				sprintf(ret + 2 * i, "%02x", (unsigned char)notes[data + i]);
			return;
		}
		at = data + ((size_t)note.n_descsz + 3) / 4 * 4;
		if (at > size)
			return;
	}
}

/* The number of CPUs in a list such as "0-3,8": the highest CPU number plus one. */
static unsigned count_cpus(const char *list)
{
	unsigned count = 0;

	while (isdigit((unsigned char)*list)) {
		char *end;
		unsigned long cpu = strtoul(list, &end, 10);

		if (cpu >= 1 << 16)
			return 0;
		if (cpu + 1 > count)
			count = cpu + 1;
		list = *end == '-' || *end == ',' ? end + 1 : end;
	}
	return count;
}

static unsigned find_cpu_count(const char *root)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	unsigned count = 0;
	long configured;

	if (read_optional(root, "/sys/devices/system/cpu/possible", SMALL_FILE, &text))
		count = count_cpus(ebcc_buf_string(&text));
	if (count)
		return count;
	configured = sysconf(_SC_NPROCESSORS_CONF);
	return configured > 0 ? configured : 1;
}

/* Reads the first line of a file below the root, malloc'ed; *ret is NULL if it can't be read. */
static struct ebcc_error *read_line(const char *root, const char *path, char **ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	*ret = NULL;
	if (!read_optional(root, path, SMALL_FILE, &text))
		return NULL;
	*ret = strndup(ebcc_buf_string(&text), strcspn(ebcc_buf_string(&text), "\n"));
	return *ret ? NULL : ebcc_error_no_memory();
}

/* What uname(2) would return for the target kernel. */
struct identity {
	char *release, *version, *machine; /* malloc'ed */
};

#define AUTO_IDENTITY CLEANUP(cleanup_identity)
static void cleanup_identity(struct identity *identity)
{
	free(identity->release);
	free(identity->version);
	free(identity->machine);
}

/* Takes each from its option, else from a file below the root, else from the running kernel. */
static struct ebcc_error *find_identity(const struct ebcc_kernel_info_opts *opts, const char *root,
					struct identity *ret)
{
	const char *environment = secure_getenv("ARCH");
	struct utsname uts;
	const struct {
		const char *option, *file, *running;
		char **ret;
	} parts[] = {
		{opts->release, "/proc/sys/kernel/osrelease", *root ? NULL : uts.release,
		 &ret->release},
		{opts->version, "/proc/sys/kernel/version", *root ? "" : uts.version,
		 &ret->version},
		{opts->machine		       ? opts->machine
		 : environment && *environment ? environment
					       : NULL,
		 "/proc/sys/kernel/arch", uts.machine, &ret->machine},
	};

	if (uname(&uts))
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot get the kernel's version");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const char *text = parts[i].option;

		if (!text && *root)
			TRY(read_line(root, parts[i].file, parts[i].ret));
		if (*parts[i].ret)
			continue;
		text = text ? text : parts[i].running;
		if (!text)
			return ebcc_error_with_subject(
				ebcc_error_create(EBCC_ERROR_NOT_FOUND,
						  "%s%s is missing: copy it from a system with the "
						  "target kernel",
						  root, parts[i].file),
				root);
		*parts[i].ret = strdup(text);
		if (!*parts[i].ret)
			return ebcc_error_no_memory();
	}
	return NULL;
}

/* Sets the root, and where tracefs is below it. */
static struct ebcc_error *set_root(struct ebcc_kernel_info *info, const char *root)
{
	AUTO_BUF struct ebcc_buf tracefs = EBCC_BUF_INIT;

	info->root = strdup(root);
	if (!info->root)
		return ebcc_error_no_memory();
	if (!*root)
		return NULL;
	ebcc_buf_printf(&tracefs, "%s/sys/kernel/tracing", root);
	return ebcc_buf_take(&tracefs, &info->tracefs, NULL);
}

/* x86 has only one page size. For another arm64 kernel it is only in the configuration; 0 without
 * that. */
static struct ebcc_error *find_page_size(struct ebcc_kernel_info *info, size_t *ret)
{
	static const struct {
		const char *symbol;
		size_t size;
	} sizes[] = {
		{"CONFIG_ARM64_4K_PAGES", 4 << 10},
		{"CONFIG_ARM64_16K_PAGES", 16 << 10},
		{"CONFIG_ARM64_64K_PAGES", 64 << 10},
	};

	*ret = *info->root ? ebcc_arch_of_id(info->arch)->page_size : (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes) && !*ret; i++) {
		AUTO_FREE char *value = NULL;

		TRY(ebcc_kernel_config(info, sizes[i].symbol, &value));
		if (value)
			*ret = sizes[i].size;
	}
	return NULL;
}

static struct ebcc_error *info_init(struct ebcc_kernel_info *info,
				    const struct ebcc_kernel_info_opts *opts)
{
	AUTO_IDENTITY struct identity identity = {0};
	AUTO_BUF struct ebcc_buf notes = EBCC_BUF_INIT;

	TRY(set_root(info, opts->root ? opts->root : ""));
	TRY(find_identity(opts, info->root, &identity));
	TRY(find_arch(identity.machine, &info->arch));
	info->version_code = opts->version_code;
	if (!info->version_code)
		info->version_code = find_version(info->root, identity.release, identity.version);
	info->release = TAKE_PTR(identity.release);
	info->version = TAKE_PTR(identity.version);
	if (read_optional(info->root, "/sys/kernel/notes", SMALL_FILE, &notes))
		find_build_id(ebcc_buf_string(&notes), notes.size, info->build_id);
	info->cpu_count = find_cpu_count(info->root);
	return find_page_size(info, &info->page_size);
}

struct ebcc_error *ebcc_kernel_info_create(const struct ebcc_kernel_info_opts *opts,
					   struct ebcc_kernel_info **ret)
{
	static const struct ebcc_kernel_info_opts no_opts;
	struct ebcc_kernel_info *info = calloc(1, sizeof(*info));
	struct ebcc_error *error;

	if (!info)
		return ebcc_error_no_memory();
	error = info_init(info, opts ? opts : &no_opts);
	if (error) {
		ebcc_kernel_info_destroy(info);
		return error;
	}
	*ret = info;
	return NULL;
}

void ebcc_kernel_info_destroy(struct ebcc_kernel_info *info)
{
	if (!info)
		return;
	free(info->release);
	free(info->version);
	free(info->root);
	free(info->tracefs);
	free(info->config_path);
	free(info->config_text);
	free(info);
}

/* Reads a file that may be compressed with gzip; false if it can't be read or is damaged. */
static bool read_gzip(const char *path, struct ebcc_buf *text)
{
	char chunk[16384];
	/* Non-blocking, since it might be a FIFO. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), n;
	struct stat status;
	gzFile file;

	if (fd < 0)
		return false;
	file = fstat(fd, &status) || !S_ISREG(status.st_mode) ? NULL : gzdopen(fd, "rb");
	if (!file) {
		close(fd);
		return false;
	}
	while ((n = gzread(file, chunk, sizeof(chunk))) > 0 && text->size < MAX_CONFIG)
		ebcc_buf_append(text, chunk, n);
	gzclose(file);
	return n == 0 && !text->failed;
}

/* Where to look for the configuration of a release, below the root. A container's /boot is usually
 * empty, but the first process usually sees that of the machine. */
static const char *const config_places[] = {
	"/proc/config.gz",
	"/boot/config-%s",
	"/proc/1/root/boot/config-%s",
	"/lib/modules/%s/config",
	"/usr/lib/modules/%s/config",
	"/lib/modules/%s/build/.config",
};

static void append_place(const struct ebcc_kernel_info *info, const char *place,
			 struct ebcc_buf *path)
{
	const char *release = strstr(place, "%s");

	ebcc_buf_append_string(path, info->root);
	ebcc_buf_append(path, place, release ? (size_t)(release - place) : strlen(place));
	if (release)
		ebcc_buf_printf(path, "%s%s", info->release, release + 2);
}

/* Reads the file and takes over @path, if it is a configuration. */
static struct ebcc_error *take_config(struct ebcc_kernel_info *info, struct ebcc_buf *path)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	TRY(ebcc_buf_check(path));
	if (!read_gzip(path->data, &text) || !strstr(ebcc_buf_string(&text), "CONFIG_"))
		return NULL;
	TRY(ebcc_buf_take(&text, &info->config_text, &info->config_size));
	return ebcc_buf_take(path, &info->config_path, NULL);
}

/* Reads the configuration of the running kernel from the file that the environment names. */
static struct ebcc_error *read_named_config(struct ebcc_kernel_info *info, const char *name)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

	ebcc_buf_append_string(&path, name);
	TRY(take_config(info, &path));
	if (info->config_path)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				  "EBCC_KERNEL_CONFIG names %s, which is not a readable kernel "
				  "configuration; name one, or unset it",
				  name),
		name);
}

static struct ebcc_error *read_config(struct ebcc_kernel_info *info)
{
	const char *named = *info->root ? NULL : secure_getenv("EBCC_KERNEL_CONFIG");

	if (named && *named)
		return read_named_config(info, named);
	for (size_t i = 0; i < sizeof(config_places) / sizeof(*config_places); i++) {
		AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

		append_place(info, config_places[i], &path);
		TRY(take_config(info, &path));
		if (info->config_path)
			break;
	}
	info->config_read = true;
	return NULL;
}

void ebcc_kernel_config_places(const struct ebcc_kernel_info *info, struct ebcc_buf *text)
{
	size_t count = sizeof(config_places) / sizeof(*config_places);

	for (size_t i = 0; i < count; i++) {
		ebcc_buf_append_string(text, !i ? "" : i + 1 < count ? ", " : " and ");
		append_place(info, config_places[i], text);
	}
}

struct ebcc_error *ebcc_kernel_config(struct ebcc_kernel_info *info, const char *symbol, char **ret)
{
	size_t size = strlen(symbol);
	const char *line;

	if (!info->config_read)
		TRY(read_config(info));
	*ret = NULL;
	for (line = info->config_text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, symbol, size) || line[size] != '=')
			continue;
		line += size + 1;
		*ret = strndup(line, strcspn(line, "\r\n"));
		return *ret ? NULL : ebcc_error_no_memory();
	}
	return NULL;
}
