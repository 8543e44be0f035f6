/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the names of programs and macros mean: the kinds of programs and their name prefixes, the
 * types of contexts, the prefixes of system call functions, the macros that declare tables, and the
 * methods of tables. These tables are the only place for these facts: the bindings include them,
 * and scripts/kinds writes the tables of docs/reference from them.
 */
#ifndef EBCC_BASE_KINDS_H
#define EBCC_BASE_KINDS_H

#include <linux/bpf.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* How a program is attached if its name states its kind and target. */
enum ebcc_kind_attach {
	EBCC_ATTACH_BY_HAND, /* its name says nothing about where */
	EBCC_ATTACH_FUNCTION,
	EBCC_ATTACH_FUNCTION_RETURN,
	EBCC_ATTACH_TRACEPOINT,
	EBCC_ATTACH_RAW_TRACEPOINT,
	EBCC_ATTACH_TRACE, /* its target is set when it is loaded */
	EBCC_ATTACH_ITER,  /* the same, and it runs when it is read */
	/* Only sections name these. */
	EBCC_ATTACH_FUNCTIONS, /* all that match a pattern */
	EBCC_ATTACH_FUNCTIONS_RETURN,
	EBCC_ATTACH_FUNCTIONS_SESSION, /* at entry and at return */
	EBCC_ATTACH_SYSCALL,
	EBCC_ATTACH_SYSCALL_RETURN,
	EBCC_ATTACH_USER_FUNCTION,
	EBCC_ATTACH_USER_FUNCTION_RETURN,
	EBCC_ATTACH_USER_FUNCTIONS,
	EBCC_ATTACH_USER_FUNCTIONS_RETURN,
	EBCC_ATTACH_USER_FUNCTIONS_SESSION,
	EBCC_ATTACH_USDT,
};

/* Attach types that are newer than the headers of Linux 6.1; enum bpf_attach_type of
 * include/uapi/linux/bpf.h. Programs are loaded for one of them, too. */
enum ebcc_multi_attach_type {
	EBCC_UPROBE_MULTI = 48,	  /* Linux 6.6 */
	EBCC_KPROBE_SESSION = 56, /* Linux 6.10 */
	EBCC_UPROBE_SESSION = 57, /* Linux 6.13 */
};

/* How a kind of program treats system calls. */
enum ebcc_kind_syscall {
	EBCC_SYSCALL_NOT,
	EBCC_SYSCALL_TARGET,	/* a target "sys_clone" means the kernel's wrapper of the call */
	EBCC_SYSCALL_ARGUMENTS, /* and parameters after the context are the call's arguments */
	EBCC_SYSCALL_ALWAYS,	/* parameters are always the arguments of a system call */
};

/*
 * X(ID, name, prefix of the program's name, prefix of its section, type, expected attach type, how
 * it is attached, system calls, macro that generates such a name or NULL). The target follows the
 * prefix. A kind without a prefix is given only by the section.
 */
#define EBCC_PROGRAM_KINDS(X)                                                                      \
	X(KPROBE, "kprobe", "kprobe__", "kprobe/", BPF_PROG_TYPE_KPROBE, 0, EBCC_ATTACH_FUNCTION,  \
	  EBCC_SYSCALL_ARGUMENTS, NULL)                                                            \
	X(KRETPROBE, "kretprobe", "kretprobe__", "kretprobe/", BPF_PROG_TYPE_KPROBE, 0,            \
	  EBCC_ATTACH_FUNCTION_RETURN, EBCC_SYSCALL_TARGET, NULL)                                  \
	X(SYSCALL, "syscall", "syscall__", "kprobe/", BPF_PROG_TYPE_KPROBE, 0,                     \
	  EBCC_ATTACH_BY_HAND, EBCC_SYSCALL_ALWAYS, NULL)                                          \
	X(TRACEPOINT, "tracepoint", "tracepoint__", "tracepoint/", BPF_PROG_TYPE_TRACEPOINT, 0,    \
	  EBCC_ATTACH_TRACEPOINT, EBCC_SYSCALL_NOT, "TRACEPOINT_PROBE")                            \
	X(RAW_TRACEPOINT, "raw_tracepoint", "raw_tracepoint__", "raw_tp/",                         \
	  BPF_PROG_TYPE_RAW_TRACEPOINT, 0, EBCC_ATTACH_RAW_TRACEPOINT, EBCC_SYSCALL_NOT,           \
	  "RAW_TRACEPOINT_PROBE")                                                                  \
	X(KFUNC, "kfunc", "kfunc__", "fentry/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY,           \
	  EBCC_ATTACH_TRACE, EBCC_SYSCALL_NOT, "KFUNC_PROBE")                                      \
	X(KRETFUNC, "kretfunc", "kretfunc__", "fexit/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT,    \
	  EBCC_ATTACH_TRACE, EBCC_SYSCALL_NOT, "KRETFUNC_PROBE")                                   \
	X(KMOD_RET, "kmod_ret", "kmod_ret__", "fmod_ret/", BPF_PROG_TYPE_TRACING,                  \
	  BPF_MODIFY_RETURN, EBCC_ATTACH_TRACE, EBCC_SYSCALL_NOT, "KMOD_RET")                      \
	X(LSM, "lsm", "lsm__", "lsm/", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, EBCC_ATTACH_TRACE,          \
	  EBCC_SYSCALL_NOT, "LSM_PROBE")                                                           \
	X(ITER, "bpf_iter", "bpf_iter__", "iter/", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER,          \
	  EBCC_ATTACH_ITER, EBCC_SYSCALL_NOT, "BPF_ITER")                                          \
	X(TP_BTF, "tp_btf", NULL, "tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,              \
	  EBCC_ATTACH_TRACE, EBCC_SYSCALL_NOT, NULL)                                               \
	X(KPROBE_MULTI, "kprobe.multi", NULL, "kprobe.multi/", BPF_PROG_TYPE_KPROBE, 0,            \
	  EBCC_ATTACH_FUNCTIONS, EBCC_SYSCALL_NOT, NULL)                                           \
	X(KRETPROBE_MULTI, "kretprobe.multi", NULL, "kretprobe.multi/", BPF_PROG_TYPE_KPROBE, 0,   \
	  EBCC_ATTACH_FUNCTIONS_RETURN, EBCC_SYSCALL_NOT, NULL)                                    \
	X(KPROBE_SESSION, "kprobe.session", NULL, "kprobe.session/", BPF_PROG_TYPE_KPROBE,         \
	  (enum bpf_attach_type)EBCC_KPROBE_SESSION, EBCC_ATTACH_FUNCTIONS_SESSION,                \
	  EBCC_SYSCALL_NOT, NULL)                                                                  \
	X(KSYSCALL, "ksyscall", NULL, "ksyscall/", BPF_PROG_TYPE_KPROBE, 0, EBCC_ATTACH_SYSCALL,   \
	  EBCC_SYSCALL_NOT, NULL)                                                                  \
	X(KRETSYSCALL, "kretsyscall", NULL, "kretsyscall/", BPF_PROG_TYPE_KPROBE, 0,               \
	  EBCC_ATTACH_SYSCALL_RETURN, EBCC_SYSCALL_NOT, NULL)                                      \
	X(UPROBE, "uprobe", NULL, "uprobe/", BPF_PROG_TYPE_KPROBE, 0, EBCC_ATTACH_USER_FUNCTION,   \
	  EBCC_SYSCALL_NOT, NULL)                                                                  \
	X(URETPROBE, "uretprobe", NULL, "uretprobe/", BPF_PROG_TYPE_KPROBE, 0,                     \
	  EBCC_ATTACH_USER_FUNCTION_RETURN, EBCC_SYSCALL_NOT, NULL)                                \
	X(UPROBE_MULTI, "uprobe.multi", NULL, "uprobe.multi/", BPF_PROG_TYPE_KPROBE, 0,            \
	  EBCC_ATTACH_USER_FUNCTIONS, EBCC_SYSCALL_NOT, NULL)                                      \
	X(URETPROBE_MULTI, "uretprobe.multi", NULL, "uretprobe.multi/", BPF_PROG_TYPE_KPROBE, 0,   \
	  EBCC_ATTACH_USER_FUNCTIONS_RETURN, EBCC_SYSCALL_NOT, NULL)                               \
	X(UPROBE_SESSION, "uprobe.session", NULL, "uprobe.session/", BPF_PROG_TYPE_KPROBE,         \
	  (enum bpf_attach_type)EBCC_UPROBE_SESSION, EBCC_ATTACH_USER_FUNCTIONS_SESSION,           \
	  EBCC_SYSCALL_NOT, NULL)                                                                  \
	X(USDT, "usdt", NULL, "usdt/", BPF_PROG_TYPE_KPROBE, 0, EBCC_ATTACH_USDT,                  \
	  EBCC_SYSCALL_NOT, NULL)

/*
 * Other prefixes of sections that mean these kinds, from libbpf's documentation ("Program Types and
 * ELF Sections"): X(prefix, kind, whether such a program may sleep).
 */
#define EBCC_SECTION_ALIASES(X)                                                                    \
	X("tp/", TRACEPOINT, false)                                                                \
	X("raw_tracepoint/", RAW_TRACEPOINT, false)                                                \
	X("raw_tp.w/", RAW_TRACEPOINT, false)                                                      \
	X("raw_tracepoint.w/", RAW_TRACEPOINT, false)                                              \
	X("fentry.s/", KFUNC, true)                                                                \
	X("fexit.s/", KRETFUNC, true)                                                              \
	X("fmod_ret.s/", KMOD_RET, true)                                                           \
	X("lsm.s/", LSM, true)                                                                     \
	X("iter.s/", ITER, true)                                                                   \
	X("uprobe.s/", UPROBE, true)                                                               \
	X("uretprobe.s/", URETPROBE, true)                                                         \
	X("uprobe.multi.s/", UPROBE_MULTI, true)                                                   \
	X("uretprobe.multi.s/", URETPROBE_MULTI, true)                                             \
	X("uprobe.session.s/", UPROBE_SESSION, true)                                               \
	X("usdt.s/", USDT, true)

enum ebcc_program_kind_id {
#define X(id, ...) EBCC_KIND_##id,
	EBCC_PROGRAM_KINDS(X)
#undef X
		EBCC_KIND_COUNT,
};

struct ebcc_program_kind {
	enum ebcc_program_kind_id id;
	const char *name;
	const char *prefix;  /* of the program's name; NULL: none */
	const char *section; /* prefix of the section's name */
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type; /* 0: the kernel requires none */
	enum ebcc_kind_attach attach;
	enum ebcc_kind_syscall syscall;
	const char *macro; /* or NULL */
};

/* By enum ebcc_program_kind_id. */
extern const struct ebcc_program_kind ebcc_program_kinds[EBCC_KIND_COUNT];

/* Returns the kind for the prefix of a program's name, and the target, which follows the prefix;
 * NULL if the name has no such prefix or no target. @ret_target may be NULL. */
const struct ebcc_program_kind *ebcc_program_kind_of(const char *program, const char **ret_target);

/* A section's name, taken apart. */
struct ebcc_section {
	const struct ebcc_program_kind
		*kind;	    /* NULL: it doesn't say what programs are attached to */
	const char *prefix; /* with the slash */
	const char *target; /* what follows it, borrowed; may be empty */
	bool sleepable;
};

/* Takes the name of a section apart; "kprobe" is one without a target, as is "kprobe/". A question
 * mark before the name, by which sources ask libbpf to leave a program out, is skipped. */
struct ebcc_section ebcc_section_of(const char *name);

/* The prefixes of sections that say what programs are attached to, by index; NULL after the last
 * one. */
const char *ebcc_section_prefix(size_t index);

/* The section that the name of a program of @kind stands for: "kprobe/vfs_read" for
 * kprobe__vfs_read. The caller frees it. NULL: out of memory, or the name of a tracepoint without a
 * category. */
char *ebcc_program_section(const struct ebcc_program_kind *kind, const char *target);

/* Whether programs of a kind are attached to something that the kernel's BTF describes, so that
 * their context is an array of arguments. Iterators have a different context. */
bool ebcc_program_kind_is_typed(const struct ebcc_program_kind *kind);

/* Whether the parameters after the context are the arguments of a system call in a program of that
 * name. */
bool ebcc_program_has_syscall_arguments(const char *program);

/*
 * Types of contexts: X(struct, section of programs whose name doesn't say their kind, or NULL,
 * whether such programs handle packets, sockets or cgroups).
 */
#define EBCC_CONTEXTS(X)                                                                           \
	X("pt_regs", "kprobe", false)                                                              \
	X("bpf_perf_event_data", "perf_event", false)                                              \
	X("bpf_raw_tracepoint_args", "raw_tp", false)                                              \
	X("__sk_buff", NULL, true)                                                                 \
	X("xdp_md", "xdp", true)                                                                   \
	X("bpf_sock", NULL, true)                                                                  \
	X("bpf_sock_addr", NULL, true)                                                             \
	X("bpf_sock_ops", "sockops", true)                                                         \
	X("bpf_sockopt", NULL, true)                                                               \
	X("bpf_sk_lookup", "sk_lookup", true)                                                      \
	X("bpf_flow_keys", NULL, true)                                                             \
	X("sk_msg_md", "sk_msg", true)                                                             \
	X("sk_reuseport_md", "sk_reuseport", true)                                                 \
	X("bpf_sysctl", "cgroup/sysctl", true)                                                     \
	X("bpf_cgroup_dev_ctx", "cgroup/dev", true)

struct ebcc_context {
	const char *type;    /* the struct's tag */
	const char *section; /* or NULL */
	bool packets;	     /* or sockets, or cgroups */
};

/* Returns the entry of that type, or NULL. */
const struct ebcc_context *ebcc_context_of(const char *type);

/* Prefixes of system call functions, for kernels of all architectures: X(prefix). */
#define EBCC_SYSCALL_PREFIXES(X)                                                                   \
	X("sys_")                                                                                  \
	X("__x64_sys_")                                                                            \
	X("__x32_compat_sys_")                                                                     \
	X("__ia32_compat_sys_")                                                                    \
	X("__arm64_sys_")                                                                          \
	X("__s390x_sys_")                                                                          \
	X("__s390_sys_")

/* ---- Tables ---- */

/* Methods come in groups; a kind of table has one or more of them. */
enum ebcc_method_group {
	EBCC_METHODS_LOOKUP = 1 << 0,
	EBCC_METHODS_UPDATE = 1 << 1,
	EBCC_METHODS_KEYED = 1 << 2,
	EBCC_METHODS_PERF_OUTPUT = 1 << 3,
	EBCC_METHODS_RINGBUF = 1 << 4,
	EBCC_METHODS_STACK_TRACE = 1 << 5,
	EBCC_METHODS_PERF_ARRAY = 1 << 6,
	EBCC_METHODS_PROG_ARRAY = 1 << 7,
	EBCC_METHODS_CGROUP_ARRAY = 1 << 8,
	EBCC_METHODS_REDIRECT = 1 << 9,
	EBCC_METHODS_QUEUE = 1 << 10,
	EBCC_METHODS_SK_STORAGE = 1 << 11,
	EBCC_METHODS_INODE_STORAGE = 1 << 12,
	EBCC_METHODS_TASK_STORAGE = 1 << 13,
	EBCC_METHODS_CGROUP_STORAGE = 1 << 14,
	EBCC_METHODS_SOCKMAP = 1 << 15,
	EBCC_METHODS_SOCKHASH = 1 << 16,
};

#define EBCC_METHODS_MAP (EBCC_METHODS_LOOKUP | EBCC_METHODS_UPDATE | EBCC_METHODS_KEYED)
/* The type is a string, so it may be of any kind. */
#define EBCC_METHODS_ANY                                                                           \
	(EBCC_METHODS_MAP | EBCC_METHODS_PERF_OUTPUT | EBCC_METHODS_STACK_TRACE |                  \
	 EBCC_METHODS_PERF_ARRAY | EBCC_METHODS_PROG_ARRAY | EBCC_METHODS_CGROUP_ARRAY |           \
	 EBCC_METHODS_REDIRECT | EBCC_METHODS_QUEUE | EBCC_METHODS_SK_STORAGE |                    \
	 EBCC_METHODS_INODE_STORAGE | EBCC_METHODS_TASK_STORAGE)

/* X(name, arguments for hints, group). */
#define EBCC_TABLE_METHODS(X)                                                                      \
	X("lookup", "(&key)", LOOKUP)                                                              \
	X("lookup_or_try_init", "(&key, &initial_leaf)", KEYED)                                    \
	X("lookup_or_init", "(&key, &initial_leaf)", KEYED)                                        \
	X("update", "(&key, &leaf)", UPDATE)                                                       \
	X("insert", "(&key, &leaf)", KEYED)                                                        \
	X("delete", "(&key)", UPDATE)                                                              \
	X("increment", "(key) or (key, n)", KEYED)                                                 \
	X("atomic_increment", "(key) or (key, n)", KEYED)                                          \
	X("perf_submit", "(ctx, &data, sizeof(data))", PERF_OUTPUT)                                \
	X("perf_submit_skb", "(skb, skb->len, &data, sizeof(data))", PERF_OUTPUT)                  \
	X("ringbuf_output", "(&data, sizeof(data), 0)", RINGBUF)                                   \
	X("ringbuf_reserve", "(sizeof(struct NAME))", RINGBUF)                                     \
	X("ringbuf_submit", "(record, 0)", RINGBUF)                                                \
	X("ringbuf_discard", "(record, 0)", RINGBUF)                                               \
	X("ringbuf_query", "(flags)", RINGBUF)                                                     \
	X("get_stackid", "(ctx, flags)", STACK_TRACE)                                              \
	X("perf_read", "(cpu)", PERF_ARRAY)                                                        \
	X("perf_counter_value", "(cpu, &value, sizeof(value))", PERF_ARRAY)                        \
	X("call", "(ctx, index)", PROG_ARRAY)                                                      \
	X("check_current_task", "(index)", CGROUP_ARRAY)                                           \
	X("redirect_map", "(index, flags)", REDIRECT)                                              \
	X("push", "(&leaf, 0)", QUEUE)                                                             \
	X("pop", "(&leaf)", QUEUE)                                                                 \
	X("peek", "(&leaf)", QUEUE)                                                                \
	X("sk_storage_get", "(sk, &initial_leaf, flags)", SK_STORAGE)                              \
	X("sk_storage_delete", "(sk)", SK_STORAGE)                                                 \
	X("inode_storage_get", "(inode, &initial_leaf, flags)", INODE_STORAGE)                     \
	X("inode_storage_delete", "(inode)", INODE_STORAGE)                                        \
	X("task_storage_get", "(task, &initial_leaf, flags)", TASK_STORAGE)                        \
	X("task_storage_delete", "(task)", TASK_STORAGE)                                           \
	X("get_local_storage", "(0)", CGROUP_STORAGE)                                              \
	X("sock_map_update", "(ctx, &key, flags)", SOCKMAP)                                        \
	X("msg_redirect_map", "(msg, key, flags)", SOCKMAP)                                        \
	X("sk_redirect_map", "(skb, key, flags)", SOCKMAP)                                         \
	X("sock_hash_update", "(ctx, &key, flags)", SOCKHASH)                                      \
	X("msg_redirect_hash", "(msg, &key, flags)", SOCKHASH)                                     \
	X("sk_redirect_hash", "(skb, &key, flags)", SOCKHASH)

/* As the index of an argument: there is none. As the number of arguments: any. */
#define EBCC_NO_ARGUMENT UINT_MAX
#define EBCC_ANY_NUMBER UINT_MAX

/*
 * The macros that declare tables: X(name, arguments, minimum and maximum number of them, index of
 * the name, index of an argument that is a string or EBCC_NO_ARGUMENT, methods).
 */
#define EBCC_TABLE_MACROS(X)                                                                       \
	X("BPF_TABLE", "\"type\", key, leaf, name, size", 5, 5, 3, 0, EBCC_METHODS_ANY)            \
	X("BPF_TABLE_PUBLIC", "\"type\", key, leaf, name, size", 5, 5, 3, 0, EBCC_METHODS_ANY)     \
	X("BPF_TABLE_SHARED", "\"type\", key, leaf, name, size, flags=0", 5, 6, 3, 0,              \
	  EBCC_METHODS_ANY)                                                                        \
	X("BPF_TABLE_PINNED", "\"type\", key, leaf, name, size, \"path\", flags=0", 6, 7, 3, 0,    \
	  EBCC_METHODS_ANY)                                                                        \
	X("BPF_F_TABLE", "\"type\", key, leaf, name, size, flags", 6, 6, 3, 0, EBCC_METHODS_ANY)   \
	X("BPF_HASH", "name, key=u64, leaf=u64, size=10240", 1, 4, 0, EBCC_NO_ARGUMENT,            \
	  EBCC_METHODS_MAP)                                                                        \
	X("BPF_PERCPU_HASH", "name, key=u64, leaf=u64, size=10240", 1, 4, 0, EBCC_NO_ARGUMENT,     \
	  EBCC_METHODS_MAP)                                                                        \
	X("BPF_LPM_TRIE", "name, key=u64, leaf=u64, size=10240", 1, 4, 0, EBCC_NO_ARGUMENT,        \
	  EBCC_METHODS_MAP)                                                                        \
	X("BPF_ARRAY", "name, leaf=u64, size=10240", 1, 3, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_MAP)  \
	X("BPF_PERCPU_ARRAY", "name, leaf=u64, size=10240", 1, 3, 0, EBCC_NO_ARGUMENT,             \
	  EBCC_METHODS_MAP)                                                                        \
	X("BPF_HISTOGRAM", "name, key=int, size=64", 1, 3, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_MAP)  \
	X("BPF_STACK_TRACE", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_STACK_TRACE)    \
	X("BPF_STACK_TRACE_BUILDID", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT,                      \
	  EBCC_METHODS_STACK_TRACE)                                                                \
	X("BPF_PERF_OUTPUT", "name", 1, 1, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_PERF_OUTPUT)          \
	X("BPF_RINGBUF_OUTPUT", "name, pages", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_RINGBUF)    \
	X("BPF_PERF_ARRAY", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_PERF_ARRAY)      \
	X("BPF_PROG_ARRAY", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_PROG_ARRAY)      \
	X("BPF_CGROUP_ARRAY", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_CGROUP_ARRAY)  \
	X("BPF_QUEUE", "name, leaf, size, flags=0", 3, 4, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_QUEUE) \
	X("BPF_STACK", "name, leaf, size, flags=0", 3, 4, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_QUEUE) \
	X("BPF_QUEUESTACK", "\"type\", name, leaf, size, flags", 5, 5, 1, 0, EBCC_METHODS_QUEUE)   \
	X("BPF_QUEUESTACK_PUBLIC", "\"type\", name, leaf, size, flags", 5, 5, 1, 0,                \
	  EBCC_METHODS_QUEUE)                                                                      \
	X("BPF_QUEUESTACK_SHARED", "\"type\", name, leaf, size, flags", 5, 5, 1, 0,                \
	  EBCC_METHODS_QUEUE)                                                                      \
	X("BPF_QUEUESTACK_PINNED", "\"type\", name, leaf, size, flags, \"path\"", 6, 6, 1, 0,      \
	  EBCC_METHODS_QUEUE)                                                                      \
	X("BPF_ARRAY_OF_MAPS", "name, \"inner\", size", 3, 3, 0, 1, EBCC_METHODS_MAP)              \
	X("BPF_HASH_OF_MAPS", "name, key=int, \"inner\", size=10240", 2, 4, 0, EBCC_NO_ARGUMENT,   \
	  EBCC_METHODS_MAP)                                                                        \
	X("BPF_XDP_REDIRECT_MAP", "\"type\", leaf, name, size", 4, 4, 2, 0, EBCC_METHODS_ANY)      \
	X("BPF_DEVMAP", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_REDIRECT)            \
	X("BPF_CPUMAP", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_REDIRECT)            \
	X("BPF_XSKMAP", "name, size, \"path\"", 2, 3, 0, EBCC_NO_ARGUMENT,                         \
	  EBCC_METHODS_LOOKUP | EBCC_METHODS_REDIRECT)                                             \
	X("BPF_SOCKMAP", "name, size", 2, 2, 0, EBCC_NO_ARGUMENT,                                  \
	  EBCC_METHODS_UPDATE | EBCC_METHODS_SOCKMAP)                                              \
	X("BPF_SOCKHASH", "name, key=u32, size=10240", 1, 3, 0, EBCC_NO_ARGUMENT,                  \
	  EBCC_METHODS_UPDATE | EBCC_METHODS_SOCKHASH)                                             \
	X("BPF_SK_STORAGE", "name, leaf", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_SK_STORAGE)      \
	X("BPF_INODE_STORAGE", "name, leaf", 2, 2, 0, EBCC_NO_ARGUMENT,                            \
	  EBCC_METHODS_INODE_STORAGE)                                                              \
	X("BPF_TASK_STORAGE", "name, leaf", 2, 2, 0, EBCC_NO_ARGUMENT, EBCC_METHODS_TASK_STORAGE)  \
	X("BPF_CGROUP_STORAGE", "name, leaf", 2, 2, 0, EBCC_NO_ARGUMENT,                           \
	  EBCC_METHODS_LOOKUP | EBCC_METHODS_UPDATE | EBCC_METHODS_CGROUP_STORAGE)                 \
	X("BPF_PERCPU_CGROUP_STORAGE", "name, leaf", 2, 2, 0, EBCC_NO_ARGUMENT,                    \
	  EBCC_METHODS_LOOKUP | EBCC_METHODS_UPDATE | EBCC_METHODS_CGROUP_STORAGE)

struct ebcc_table_macro {
	const char *name, *arguments;
	unsigned least, most;
	unsigned identifier; /* index of the argument that names the table */
	unsigned string;     /* index of the argument that is a string, or EBCC_NO_ARGUMENT */
	unsigned methods;    /* bits of enum ebcc_method_group */
};

struct ebcc_table_method {
	const char *name, *arguments;
	enum ebcc_method_group group;
};

/* Each ends with an entry without a name. */
extern const struct ebcc_table_macro ebcc_table_macros[];
extern const struct ebcc_table_method ebcc_table_methods[];

/* Return the macro or method of that name, which is @length bytes long; NULL if there is none. */
const struct ebcc_table_macro *ebcc_table_macro_of(const char *name, size_t length);
const struct ebcc_table_method *ebcc_table_method_of(const char *name, size_t length);

#endif /* EBCC_BASE_KINDS_H */
