// SPDX-License-Identifier: Apache-2.0
/*
 * Pins: names in a BPF file system, by which the kernel keeps links, programs and tables when the
 * process that made them ends, and by which others find them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "load/link.h"
#include "load/program.h"
#include "load/tables.h"

/* What is pinned, for messages: "table 'counts'". */
struct pinned {
	int fd;
	const char *kind, *name;
};

static struct ebcc_error *pin(struct pinned pinned, const char *path)
{
	const char *hint = "";
	int err = bpf_obj_pin(pinned.fd, path);

	if (!err)
		return NULL;
	if (err == -EPERM)
		hint = " (the directory must be in a BPF file system, such as /sys/fs/bpf, and "
		       "names there can't contain dots)";
	return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_OS, -err,
						     "can't pin %s '%s' as %s%s", pinned.kind,
						     pinned.name, path, hint),
				       path);
}

/* Gets an object's kind, from the name of its descriptor, and its id. */
static bool identify(int fd, char *kind, size_t size, uint32_t *ret_id)
{
	/* The structs for programs, maps and links all begin like this. */
	struct {
		uint32_t type, id;
	} info = {0};
	uint32_t info_size = sizeof(info);
	char path[32];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, kind, size - 1);
	if (length < 0 || bpf_obj_get_info_by_fd(fd, &info, &info_size))
		return false;
	kind[length] = '\0';
	/* A descriptor from creating a link is named "bpf_link", one of a pin "bpf-link". */
	for (char *at = strchr(kind, '_'); at; at = strchr(at, '_'))
		*at = '-';
	*ret_id = info.id;
	return true;
}

static bool is_same_object(int a, int b)
{
	char kinds[2][64];
	uint32_t ids[2];

	return identify(a, kinds[0], sizeof(kinds[0]), &ids[0]) &&
	       identify(b, kinds[1], sizeof(kinds[1]), &ids[1]) && ids[0] == ids[1] &&
	       !strcmp(kinds[0], kinds[1]);
}

static struct ebcc_error *unpin(struct pinned pinned, const char *path)
{
	AUTO_CLOSE int fd = bpf_obj_get(path);

	if (fd < 0)
		return ebcc_error_with_subject(
			ebcc_error_os(errno == ENOENT ? EBCC_ERROR_NOT_FOUND : EBCC_ERROR_OS, errno,
				      "can't open the pin %s", path),
			path);
	if (!is_same_object(fd, pinned.fd))
		return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
								 "%s is not the pin of %s '%s'",
								 path, pinned.kind, pinned.name),
					       path);
	if (!unlink(path))
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_os(EBCC_ERROR_OS, errno, "can't remove the pin %s", path), path);
}

/* ---- Links ---- */

static struct ebcc_error *link_pinned(const struct ebcc_link *link, struct pinned *ret)
{
	char kind[64];
	uint32_t id;

	if (!link->detach)
		return ebcc_error_create(EBCC_ERROR_STATE, "%s is detached", link->name);
	if (link->several)
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"%s is kept attached by several descriptors, but a pin can "
			"keep only one",
			link->name);
	if (link->fd < 0 || !identify(link->fd, kind, sizeof(kind), &id) ||
	    strcmp(kind, "anon-inode:bpf-link"))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"%s is attached without a BPF link, and only BPF links can "
			"be pinned",
			link->name);
	*ret = (struct pinned){link->fd, "link", link->name};
	return NULL;
}

struct ebcc_error *ebcc_link_pin(struct ebcc_link *link, const char *path)
{
	struct pinned pinned = {.fd = -1};

	TRY(link_pinned(link, &pinned));
	return pin(pinned, path);
}

struct ebcc_error *ebcc_link_unpin(struct ebcc_link *link, const char *path)
{
	struct pinned pinned = {.fd = -1};

	TRY(link_pinned(link, &pinned));
	return unpin(pinned, path);
}

/* ---- Programs ---- */

static struct ebcc_error *program_pinned(const struct ebcc_program *program, struct pinned *ret)
{
	if (program->fd < 0)
		return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_STATE,
								 "program '%s' is not loaded",
								 program->name),
					       program->name);
	*ret = (struct pinned){program->fd, "program", program->name};
	return NULL;
}

struct ebcc_error *ebcc_program_pin(struct ebcc_program *program, const char *path)
{
	struct pinned pinned = {.fd = -1};

	TRY(program_pinned(program, &pinned));
	return pin(pinned, path);
}

struct ebcc_error *ebcc_program_unpin(struct ebcc_program *program, const char *path)
{
	struct pinned pinned = {.fd = -1};

	TRY(program_pinned(program, &pinned));
	return unpin(pinned, path);
}

/* ---- Tables ---- */

struct ebcc_error *ebcc_table_pin(struct ebcc_table *table, const char *path)
{
	TRY(ebcc_module_load(table->module));
	return pin((struct pinned){ebcc_table_fd(table), "table", table->name}, path);
}

struct ebcc_error *ebcc_table_unpin(struct ebcc_table *table, const char *path)
{
	TRY(ebcc_module_load(table->module));
	return unpin((struct pinned){ebcc_table_fd(table), "table", table->name}, path);
}
