// SPDX-License-Identifier: Apache-2.0
/*
 * Finding kernel headers. A tree is usable if it was configured, that is, if it has
 * include/generated/autoconf.h. Some distributions split it: one directory has the files that
 * configuring wrote, another has the headers that all flavours share. The Makefile of the first
 * one, or a link "source", names the second one.
 */
#include "kernel/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/kheaders.h"

#define MAKEFILE_LIMIT (1u << 20)

/* Files that configuring writes: they change with every configuration and release. */
static const char *const generated_files[] = {
	"include/generated/autoconf.h",
	"include/generated/utsrelease.h",
	"include/generated/uapi/linux/version.h",
};

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* Whether a file is readable; also false without memory. */
static bool has(const char *directory, const char *name)
{
	AUTO_FREE char *path = join(directory, name);

	return path && !access(path, R_OK);
}

static bool is_configured(const char *directory)
{
	return has(directory, generated_files[0]);
}

static bool has_sources(const char *directory)
{
	return has(directory, "include/linux/types.h");
}

/* The directory of the Makefile that the tree's own Makefile includes, malloc'ed, or NULL. */
static char *included_tree(const char *build)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	AUTO_FREE char *path = join(build, "Makefile");
	AUTO_ERROR struct ebcc_error *error = NULL;
	char *save, *line;

	if (!path)
		return NULL;
	error = ebcc_buf_read_file(&text, path, MAKEFILE_LIMIT);
	if (error || !text.size)
		return NULL;
	for (line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end = line + strlen(line) - strlen("/Makefile");

		if (strncmp(line, "include /", 9) || end <= line + 8 || strcmp(end, "/Makefile"))
			continue;
		return strndup(line + 8, end - line - 8);
	}
	return NULL;
}

/* The path of another tree next to this one, malloc'ed. Needed for packages that were unpacked
 * elsewhere: their Makefile names the place where they would be installed. */
static char *sibling(const char *build, const char *name)
{
	AUTO_FREE char *real = realpath(build, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (!slash)
		return NULL;
	*slash = '\0';
	return join(real, name);
}

/* Moves @candidate to @ret if it has the shared headers, else frees it. */
static bool take_if_sources(char *candidate, char **ret)
{
	if (candidate && has_sources(candidate)) {
		*ret = candidate;
		return true;
	}
	free(candidate);
	return false;
}

/* The tree with the headers that configuring does not write, malloc'ed, or NULL. */
static char *find_source(const char *build)
{
	AUTO_FREE char *included = included_tree(build);
	AUTO_FREE char *parent = strdup(build);
	char *slash, *ret;

	if (has_sources(build))
		return strdup(build);
	if (included && has_sources(included))
		return TAKE_PTR(included);
	slash = included ? strrchr(included, '/') : NULL;
	if (slash && take_if_sources(sibling(build, slash + 1), &ret))
		return ret;
	if (take_if_sources(join(build, "source"), &ret))
		return ret;
	/* /lib/modules/REL has the links build and source. */
	slash = parent ? strrchr(parent, '/') : NULL;
	if (!slash)
		return NULL;
	*slash = '\0';
	return take_if_sources(join(parent, "source"), &ret) ? ret : NULL;
}

static bool add_directory(struct ebcc_kernel_headers *headers, const char *tree, const char *format,
			  const char *arch)
{
	AUTO_FREE char *below = NULL;
	char *path;

	if (asprintf(&below, format, arch) < 0)
		return false;
	path = join(tree, below);
	if (!path)
		return false;
	headers->directories[headers->directory_count++] = path;
	/* As system headers, so that clang doesn't warn about them. */
	headers->flags[headers->flag_count++] = "-isystem";
	headers->flags[headers->flag_count++] = path;
	return true;
}

/* In the order of the kernel's own build. */
static bool add_directories(struct ebcc_kernel_headers *headers, enum ebcc_arch_id machine)
{
	const char *arch = ebcc_arch_of_id(machine)->kernel_name;
	const char *build = headers->build, *source = headers->source;

	return add_directory(headers, source, "arch/%s/include", arch) &&
	       add_directory(headers, build, "arch/%s/include/generated", arch) &&
	       add_directory(headers, source, "include", arch) &&
	       add_directory(headers, build, "include", arch) &&
	       add_directory(headers, source, "arch/%s/include/uapi", arch) &&
	       add_directory(headers, build, "arch/%s/include/generated/uapi", arch) &&
	       add_directory(headers, source, "include/uapi", arch) &&
	       add_directory(headers, build, "include/generated/uapi", arch);
}

/* The release of the kernel that was built in the tree, malloc'ed, or NULL. */
static char *read_release(const char *build)
{
	AUTO_FREE char *path = join(build, "include/generated/utsrelease.h");
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;
	const char *release;

	error = path ? ebcc_buf_read_file(&text, path, MAKEFILE_LIMIT) : NULL;
	release = strstr(ebcc_buf_string(&text), "UTS_RELEASE \"");
	if (!release)
		return NULL;
	release += strlen("UTS_RELEASE \"");
	return strndup(release, strcspn(release, "\"\n"));
}

/* Opens the tree at @path; *ret is NULL if there is none or it is not configured. */
static struct ebcc_error *open_tree(const char *path, enum ebcc_arch_id arch,
				    struct ebcc_kernel_headers **ret)
{
	struct ebcc_kernel_headers *headers;

	*ret = NULL;
	if (!is_configured(path))
		return NULL;
	headers = calloc(1, sizeof(*headers));
	if (!headers)
		return ebcc_error_no_memory();
	headers->build = strdup(path);
	headers->source = find_source(path);
	if (headers->build && !headers->source) {
		ebcc_kernel_headers_destroy(headers);
		return NULL;
	}
	if (!headers->build || !add_directories(headers, arch)) {
		ebcc_kernel_headers_destroy(headers);
		return ebcc_error_no_memory();
	}
	headers->release = read_release(path);
	/* Since 6.19 the kernel uses anonymous members of named types. */
	headers->flags[headers->flag_count++] = "-fms-extensions";
	*ret = headers;
	return NULL;
}

static struct ebcc_error *open_named(const char *path, enum ebcc_arch_id arch,
				     struct ebcc_kernel_headers **ret)
{
	TRY(open_tree(path, arch, ret));
	if (*ret)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(
			EBCC_ERROR_KERNEL_TYPES,
			"BCC_KERNEL_SOURCE names %s, which has no configured kernel headers "
			"(%s/%s, and include/linux/types.h there or in the tree that its "
			"Makefile includes); set it to such a tree, or unset it",
			path, path, generated_files[0]),
		path);
}

struct ebcc_error *ebcc_kernel_headers_find(const struct ebcc_kernel_info *kernel,
					    const struct ebcc_kernel_headers_opts *opts,
					    struct ebcc_disk_cache *cache,
					    struct ebcc_kernel_headers **ret)
{
	const char *root = kernel->root ? kernel->root : "";
	AUTO_FREE char *modules = NULL, *installed = NULL, *archive = NULL, *unpacked = NULL;

	*ret = NULL;
	if (opts->named)
		return open_named(opts->named, kernel->arch, ret);
	if (asprintf(&modules, "%s/lib/modules/%s/%s", root, kernel->release,
		     opts->suffix ? opts->suffix : "build") < 0)
		modules = NULL;
	if (asprintf(&installed, "%s/usr/src/linux-headers-%s", root, kernel->release) < 0)
		installed = NULL;
	archive = join(root, "sys/kernel/kheaders.tar.xz");
	if (!modules || !installed || !archive)
		return ebcc_error_no_memory();
	TRY(open_tree(modules, kernel->arch, ret));
	if (!*ret)
		TRY(open_tree(installed, kernel->arch, ret));
	if (*ret || !cache || access(archive, R_OK))
		return NULL;
	TRY(ebcc_kheaders_unpack(archive, ebcc_disk_cache_path(cache), &unpacked));
	return open_tree(unpacked, kernel->arch, ret);
}

void ebcc_kernel_headers_destroy(struct ebcc_kernel_headers *headers)
{
	if (!headers)
		return;
	for (size_t i = 0; i < headers->directory_count; i++)
		free(headers->directories[i]);
	free(headers->build);
	free(headers->source);
	free(headers->release);
	free(headers);
}

/* Whether an include is a kernel header, and its name can safely be written into an #include. */
static bool is_header(const struct ebcc_kernel_headers *headers, const char *name)
{
	if (!*name || *name == '/' || strpbrk(name, "\"<>\\\n") || strstr(name, ".."))
		return false;
	for (size_t i = 0; i < headers->directory_count; i++)
		if (has(headers->directories[i], name))
			return true;
	return false;
}

struct ebcc_error *ebcc_kernel_headers_preamble(const struct ebcc_kernel_headers *headers,
						const char *const *includes, size_t count,
						struct ebcc_buf *text)
{
	ebcc_buf_append_string(text, "#include <ebcc/kernel_begin.h>\n");
	for (size_t i = 0; i < count; i++) {
		if (is_header(headers, includes[i]))
			ebcc_buf_printf(text, "#include <%s>\n", includes[i]);
	}
	ebcc_buf_append_string(text, "#include <ebcc/kernel_end.h>\n");
	return ebcc_buf_check(text);
}

struct ebcc_error *ebcc_kernel_headers_identity(const struct ebcc_kernel_headers *headers,
						struct ebcc_buf *text)
{
	ebcc_buf_printf(text, "headers %s %s\n", headers->build, headers->source);
	for (size_t i = 0; i < sizeof(generated_files) / sizeof(generated_files[0]); i++) {
		AUTO_FREE char *path = join(headers->build, generated_files[i]);
		struct stat status;

		if (!path)
			return ebcc_error_no_memory();
		if (!stat(path, &status))
			ebcc_buf_printf(text, "%s %llu %llu %lld.%09ld\n", path,
					(unsigned long long)status.st_ino,
					(unsigned long long)status.st_size,
					(long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	}
	return ebcc_buf_check(text);
}

struct ebcc_error *ebcc_kernel_headers_inputs(const struct ebcc_kernel_headers *headers,
					      struct ebcc_buf *text)
{
	for (size_t i = 0; i < sizeof(generated_files) / sizeof(generated_files[0]); i++) {
		if (has(headers->build, generated_files[i]))
			ebcc_buf_printf(text, "file %s/%s\n", headers->build, generated_files[i]);
	}
	return ebcc_buf_check(text);
}

static bool is_below(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	return !strncmp(path, directory, size) && path[size] == '/';
}

bool ebcc_kernel_headers_contain(const struct ebcc_kernel_headers *headers, const char *path)
{
	return is_below(path, headers->build) || is_below(path, headers->source);
}
