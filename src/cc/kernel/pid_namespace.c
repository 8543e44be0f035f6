// SPDX-License-Identifier: Apache-2.0
/*
 * Which PID namespace this process is in, and whether /proc belongs to it. See pid_namespace.h.
 */
#include "kernel/pid_namespace.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "ebcc.h"
#include "kernel/btf.h"

/* PROC_PID_INIT_INO of the kernel's proc_ns.h: the same on every machine. */
#define INITIAL_NAMESPACE 0xeffffffcu

#define PROC_MAGIC 0x9fa0 /* PROC_SUPER_MAGIC */
#define STATUS_LIMIT (64u << 10)

uint32_t ebcc_pid_namespace_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (uint32_t)st.st_ino;
}

bool ebcc_pid_namespace_is_inner(void)
{
	uint32_t inode = ebcc_pid_namespace_inode();

	return inode && inode != INITIAL_NAMESPACE;
}

/* Whether /proc is mounted, for whatever namespace. */
static bool proc_is_mounted(void)
{
	struct statfs fs;

	return !statfs("/proc", &fs) && fs.f_type == PROC_MAGIC;
}

/* NSpid lists the PIDs of this process in each namespace from that of /proc down to its own: only
 * one if they are the same. */
static bool proc_is_of_outer_namespace(void)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_error *error = ebcc_buf_read_file(&text, "/proc/self/status", STATUS_LIMIT);
	unsigned first, second;
	const char *line;

	if (error) {
		ebcc_error_destroy(error);
		return false;
	}
	line = strstr(ebcc_buf_string(&text), "\nNSpid:");
	return line && sscanf(line, "\nNSpid:\t%u\t%u", &first, &second) == 2;
}

struct ebcc_error *ebcc_pid_namespace_check(void)
{
	uint32_t inode = ebcc_pid_namespace_inode();

	if (inode == INITIAL_NAMESPACE)
		return NULL;
	/* A /proc of a namespace that this process is not in has no "self". */
	if (inode ? !proc_is_of_outer_namespace()
		  : !proc_is_mounted() || !stat("/proc/self", &(struct stat){0}))
		return NULL;
	return ebcc_error_create(
		EBCC_ERROR_UNSUPPORTED,
		"/proc belongs to another PID namespace, where processes have different PIDs: "
		"mount "
		"one for this namespace (mount -t proc proc /proc), or start this with "
		"unshare --mount-proc");
}

struct ebcc_error *ebcc_process_pid_namespace(uint32_t *ret)
{
	uint32_t inode = ebcc_pid_namespace_inode();

	TRY(ebcc_pid_namespace_check());
	/* On a kernel without PID namespaces, /proc/self exists but has no link to one. */
	if (!inode && stat("/proc/self", &(struct stat){0}))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"/proc is not mounted, so the PIDs of processes in this namespace "
			"are not known (mount -t proc proc /proc)");
	*ret = inode == INITIAL_NAMESPACE ? 0 : inode;
	return NULL;
}

/* Reads the offsets that finding a PID needs. Returns false if the BTF lacks any. */
static bool read_layout(const struct ebcc_kernel_btf *btf, struct ebcc_pid_layout *ret)
{
	const struct {
		const char *record, *member;
		uint32_t *offset;
	} wanted[] = {
		{"task_struct", "group_leader", &ret->task_group_leader},
		{"task_struct", "thread_pid", &ret->task_pid},
		{"pid", "level", &ret->pid_level},
		{"pid", "numbers", &ret->pid_numbers},
		{"upid", "nr", &ret->number_value},
		{"upid", "ns", &ret->number_namespace},
	};
	uint32_t id = ebcc_kernel_btf_find(btf, "upid", BTF_KIND_STRUCT), common, number;
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!ebcc_kernel_btf_offset(btf, wanted[i].record, wanted[i].member,
					    wanted[i].offset))
			return false;
	if (!type || !ebcc_kernel_btf_offset(btf, "pid_namespace", "ns", &common) ||
	    !ebcc_kernel_btf_offset(btf, "ns_common", "inum", &number))
		return false;
	ret->number_size = type->size;
	ret->namespace_number = common + number;
	return true;
}

struct ebcc_error *ebcc_pid_layout(struct ebcc_pid_layout *ret)
{
	AUTO_KERNEL_BTF struct ebcc_kernel_btf *btf = NULL;
	AUTO_ERROR struct ebcc_error *error = NULL;

	*ret = (struct ebcc_pid_layout){0};
	TRY(ebcc_process_pid_namespace(&ret->namespace_inode));
	if (!ret->namespace_inode)
		return NULL;
	error = ebcc_kernel_btf_create(NULL, NULL, &btf);
	if (!error && read_layout(btf, ret))
		return NULL;
	return ebcc_error_create(
		EBCC_ERROR_UNSUPPORTED,
		"this program runs in a PID namespace, and the PIDs of processes in it "
		"can't be determined: %s",
		error ? ebcc_error_message(error)
		      : "the kernel's BTF does not describe its struct pid");
}
