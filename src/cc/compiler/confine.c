// SPDX-License-Identifier: Apache-2.0
/*
 * Three barriers around the compiler. Capabilities are dropped first. Landlock (Linux 5.13) then
 * allows the process to read only the directories that the compile needs. A seccomp filter allows a
 * list of system calls; all others fail with EPERM, which LLVM handles like any system error. None
 * of the three is relied on alone: read_scope.c doesn't try to open other files in the first place.
 */
#include "compiler/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/cleanup.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- capabilities --- */

/* Whether any path belongs to another user, and so may not be readable without capabilities. */
static bool has_foreign_owner(const char *const *paths, size_t count)
{
	struct stat status;

	for (size_t i = 0; i < count; i++)
		if (stat(paths[i], &status) || status.st_uid != geteuid())
			return true;
	return false;
}

static void drop_capabilities(uint32_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {{0}};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, sets))
		return;
	keep &= sets[0].permitted;
	sets[0] = (struct __user_cap_data_struct){.effective = keep, .permitted = keep};
	sets[1] = (struct __user_cap_data_struct){0};
	syscall(SYS_capset, &header, sets);
}

/* --- Landlock --- */

/* The file access rights that the kernel handles, by ABI version. From linux/landlock.h; the
 * installed header may be older than the kernel. */
static uint64_t file_rights(int abi)
{
	uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* ABI 1: bits 0 to 12 */

	if (abi >= 2)
		rights |= 1ull << 13; /* linking and renaming to other directories */
	if (abi >= 3)
		rights |= 1ull << 14; /* truncating */
	if (abi >= 5)
		rights |= 1ull << 15; /* ioctls of devices */
	return rights;
}

static void allow_reading(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return;
	if (S_ISDIR(status.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	rule.parent_fd = fd;
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void restrict_files(const char *const *paths, size_t count)
{
	int abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	/* Files, network, and (ABI 6) signals to and abstract sockets of other processes. */
	struct {
		uint64_t files, network, scoped;
	} attributes = {.files = file_rights(abi), .network = 3, .scoped = 3};
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	AUTO_CLOSE int ruleset = -1;

	if (abi < 1)
		return;
	ruleset = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
	if (ruleset < 0)
		return;
	for (size_t i = 0; i < count; i++)
		allow_reading(ruleset, paths[i]);
	syscall(SYS_landlock_restrict_self, ruleset, 0);
}

/* --- seccomp --- */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
/* The lower half of an argument, which comes first on both architectures. */
#define LOAD_ARGUMENT(index)                                                                       \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                                         \
		 offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (index))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

/* Allows a call whatever its arguments. */
#define CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ALLOW
/* Allows a call if none of the given bits are set in an argument; refuses it otherwise. */
#define CALL_WITHOUT(name, index, bits)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD_ARGUMENT(index),               \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), REFUSE, ALLOW
/* Allows a call if an argument has the given value; refuses it otherwise. */
#define CALL_WITH(name, index, value)                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD_ARGUMENT(index),               \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0), REFUSE, ALLOW

#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static void restrict_calls(void)
{
	struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ebcc_arch_own()->audit_arch, 1, 0),
		REFUSE,
		LOAD(nr),
		/* The frequent ones first. */
		CALL(newfstatat),
		CALL_WITHOUT(openat, 2, WRITING),
		CALL(read),
		CALL(close),
		CALL(fstat),
		CALL_WITHOUT(mmap, 2, PROT_EXEC),
		CALL(munmap),
		CALL(brk),
		CALL(madvise),
		CALL_WITHOUT(mprotect, 2, PROT_EXEC),
		CALL(mremap),
		CALL(pread64),
		CALL(lseek),
		CALL(recvfrom),
		CALL(sendto),
		CALL(write),
		CALL(writev),
		CALL(readlinkat),
		CALL(statx),
		CALL(faccessat),
#ifdef SYS_faccessat2
		CALL(faccessat2),
#endif
		CALL(getdents64),
		CALL(getcwd),
		CALL(futex),
		CALL(getrandom),
		CALL(clock_gettime),
		CALL(gettimeofday),
		CALL(getrusage),
		CALL(sysinfo),
		CALL(uname),
		CALL(sched_getaffinity),
		CALL(sched_yield),
		CALL(rt_sigaction),
		CALL(rt_sigprocmask),
		CALL(rt_sigreturn),
		CALL(sigaltstack),
		CALL(restart_syscall),
		CALL(getpid),
		CALL(gettid),
		CALL(getuid),
		CALL(geteuid),
		CALL(getgid),
		CALL(getegid),
		CALL(exit),
		CALL(exit_group),
#ifdef SYS_readlink
		CALL(readlink),
		CALL(stat),
		CALL(lstat),
		CALL(access),
		CALL(time),
#endif
		/* Setting its own CPU time limit, and aborting itself. */
		CALL_WITH(prlimit64, 0, 0),
		CALL_WITH(tgkill, 0, (uint32_t)getpid()),
		REFUSE,
	};
	struct sock_fprog program = {.len = COUNT(filter), .filter = filter};

	/* Without the flag, kernels before 5.16 enable costly speculation mitigations for the
	 * process. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

void ebcc_confine(const char *const *paths, size_t count)
{
	bool search = has_foreign_owner(paths, count);

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	drop_capabilities(search ? 1u << CAP_DAC_READ_SEARCH : 0);
	restrict_files(paths, count);
	restrict_calls();
}
