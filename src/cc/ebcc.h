/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ebcc.h
 *
 * ebcc compiles C source strings into BPF programs at run time, loads and attaches
 * them, and brings their data back. This is the one installed header.
 *
 * Conventions
 *
 * - A function that can fail returns `struct ebcc_error *`: NULL on success, else an
 *   error that the caller owns and frees with ebcc_error_destroy(). Results come last,
 *   through `ret` parameters, and are written on success only.
 * - Handles are opaque. `_destroy` accepts NULL. What a module gives out (programs,
 *   tables, types) is borrowed and lives as long as the module; links are owned by
 *   the caller until destroyed, and by the module when left alone: destroying a module
 *   detaches everything that was attached through it.
 * - Strings are NUL-terminated UTF-8 or raw bytes as the kernel has them; strings
 *   passed in are copied unless said otherwise.
 * - Option structs begin with `sz`, set to sizeof the struct by the caller, so that later versions
 *   can add members. A zeroed member, and one that the caller's version lacks, is its default;
 *   NULL options are all defaults. EBCC_ERROR_INVALID_ARGUMENT: sz is not set, or the struct is of
 *   a newer version and sets a member that this one does not know.
 * - Result structs can grow too. A function that fills one in takes its size, or that of each of
 *   several, as the caller has it: sizeof(struct ebcc_symbol). Members that a newer caller knows
 *   and this version does not are zero.
 * - What an object has several of is counted by a function that ends in `_count` and given by one
 *   that ends in `_at`, for indices from 0 on. Beyond the last, the latter gives NULL or false.
 * - Function names are `ebcc_OBJECT_VERB`, or `ebcc_OBJECT_PROPERTY` for what is only looked up.
 * - Nothing is printed. Messages go to the log callback of the module.
 *
 * Threads
 *
 * - Functions that take no handle may be called by any thread at any time, except
 *   ebcc_errno_message(), whose text the next call replaces.
 * - A module, with its programs, tables, types and links, is used by one thread at a time.
 *   Different modules are independent. Once the maps exist, other threads may use the entries of a
 *   module's tables (lookup, update, delete, next_key, read_all, clear, push, pop, peek, the calls
 * for many entries and for stacks), also while one polls. Destroying the module waits for nobody.
 * - A symbolizer, what ebcc_usdt_open() gave with its probes, and a trace pipe are each used by one
 *   thread at a time. They are independent of each other and of modules, except that attaching to a
 *   USDT probe uses both the module and the probe.
 * - An error belongs to nobody but its owner: it may be read and destroyed by any one thread, also
 *   after the object that gave it is gone.
 * - Callbacks run on the thread whose call caused them.
 * - After fork(), parent and child share what is in the kernel. The child may use tables and ring
 *   buffers, but gets EBCC_ERROR_STATE for perf buffers, which can be read only by the process that
 *   opened them. What the child destroys closes its copies of the descriptors; the parent's stay
 *   attached.
 *
 * Environment
 *
 * Variables are read by the call that needs them. An option for the same thing takes precedence. A
 * program that runs with more privilege than its user (AT_SECURE) ignores ARCH and those that begin
 * with EBCC_ or BCC_.
 *
 * - EBCC_CACHE: directory of the disk cache, or "off".
 * - EBCC_KERNEL_TYPES: "btf", "headers" or "auto", as opts->kernel_types of a module.
 * - EBCC_KERNEL_CONFIG: a file with the running kernel's configuration.
 * - BCC_KERNEL_SOURCE, BCC_KERNEL_MODULES_SUFFIX: where kernel headers are.
 * - BCC_LINUX_VERSION_CODE: the value of the macro LINUX_VERSION_CODE.
 * - ARCH: the architecture to compile for.
 * - EBCC_CC: path of the compiler's helper process; EBCC_CC_TIMEOUT and EBCC_CC_MEMORY: its limits,
 *   in seconds and MiB.
 * - BCC_DEBUGINFO_ROOT, BCC_SYMFS: debug_root and symfs of a symbolizer.
 * - XDG_CACHE_HOME and HOME: the default place of the cache; PATH: programs that are named without
 *   a directory.
 */
#ifndef EBCC_H
#define EBCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EBCC_API __attribute__((visibility("default")))

/** The version of this header; that of the library in use is ebcc_version(). */
#define EBCC_VERSION_MAJOR 0
#define EBCC_VERSION_MINOR 1
#define EBCC_VERSION_PATCH 0
/** Whether this header is of that version or a later one, for conditions of the preprocessor. */
#define EBCC_VERSION_AT_LEAST(major, minor, patch)                                                 \
	(EBCC_VERSION_MAJOR > (major) ||                                                           \
	 (EBCC_VERSION_MAJOR == (major) &&                                                         \
	  (EBCC_VERSION_MINOR > (minor) ||                                                         \
	   (EBCC_VERSION_MINOR == (minor) && EBCC_VERSION_PATCH >= (patch)))))

/**
 * @defgroup errors Errors
 * @{
 */

/** What kind of failure an error is. Values are ABI. */
enum ebcc_error_code {
	EBCC_ERROR_NO_MEMORY = 1,	 /**< memory, or another limited resource, ran out */
	EBCC_ERROR_INVALID_ARGUMENT = 2, /**< the call itself is wrong */
	EBCC_ERROR_OS = 3,		 /**< a system call failed; ebcc_error_errno() says how */
	EBCC_ERROR_PERMISSION = 4,	 /**< the privilege is missing */
	EBCC_ERROR_NOT_FOUND = 5,	 /**< a thing named by the caller isn't there */
	EBCC_ERROR_UNSUPPORTED = 6,	 /**< this kernel or machine can't do it */
	EBCC_ERROR_COMPILE = 7,		 /**< the source does not compile, or the compiler failed;
					  *  details: clang's diagnostics */
	EBCC_ERROR_KERNEL_TYPES = 8,	 /**< kernel types are not available */
	EBCC_ERROR_LOAD = 9,		 /**< the kernel refused a map or program; details: the
					  *  verifier's log */
	EBCC_ERROR_ATTACH = 10,		 /**< attaching failed */
	EBCC_ERROR_FORMAT = 11,		 /**< data from outside is malformed */
	EBCC_ERROR_STATE = 12,	     /**< called at the wrong time: too late, too early, twice */
	EBCC_ERROR_INTERRUPTED = 13, /**< a signal arrived */
	EBCC_ERROR_CALLBACK = 14,    /**< a caller's callback asked to stop */
	EBCC_ERROR_OTHER_KERNEL =
		15, /**< the object was compiled for another kernel than the running one, or
		     *  has the number of CPUs of another machine as a constant */
};

struct ebcc_error;

/** The kind of failure. */
EBCC_API enum ebcc_error_code ebcc_error_code(const struct ebcc_error *error);
/** The positive errno of the system call behind it, or 0. */
EBCC_API int ebcc_error_errno(const struct ebcc_error *error);
/** What failed and what to do, in plain words. Never NULL; lives as long as the error. */
EBCC_API const char *ebcc_error_message(const struct ebcc_error *error);
/** The path, program, function or symbol that it is about, or NULL. */
EBCC_API const char *ebcc_error_subject(const struct ebcc_error *error);
/** What an errno means: the text of strerror(), and for numbers from 512 on, which leak out of the
 * kernel, one of our own: 524 is ENOTSUPP. Never NULL;
 * borrowed until the next call of this or strerror(). */
EBCC_API const char *ebcc_errno_message(int errnum);
/** clang's diagnostics or the verifier's log, or NULL. The message sums them up already. */
EBCC_API const char *ebcc_error_details(const struct ebcc_error *error);
/** Frees the error. NULL is allowed. */
EBCC_API void ebcc_error_destroy(struct ebcc_error *error);

/** @} */

/**
 * @defgroup log Log
 * @{
 */

enum ebcc_log_level {
	EBCC_LOG_ERROR = 1,
	EBCC_LOG_WARNING = 2,
	EBCC_LOG_INFO = 3,
	EBCC_LOG_DEBUG = 4,
};

/** Receives one message (no trailing newline), on the thread whose call caused it. */
typedef void (*ebcc_log_fn)(void *ctx, enum ebcc_log_level level, const char *message);

/** @} */

/**
 * @defgroup module Modules
 * @{
 */

struct ebcc_module;
struct ebcc_program;
struct ebcc_table;
struct ebcc_link;
struct ebcc_type;

/** Where kernel types come from. */
enum ebcc_kernel_types {
	EBCC_KERNEL_TYPES_AUTO = 0, /**< BTF; kernel headers when that does not compile */
	EBCC_KERNEL_TYPES_BTF = 1,
	EBCC_KERNEL_TYPES_HEADERS = 2,
};

/** Where the compiler runs. */
enum ebcc_compiler {
	EBCC_COMPILER_HELPER = 0,     /**< in the helper process ebcc-cc, beside the library */
	EBCC_COMPILER_IN_PROCESS = 1, /**< in this process: LLVM stays loaded, and its fatal
				       *   errors end the process */
};

/** Debug bits: what to collect for ebcc_module_debug_text(). Values are those of the
 *  Python module's DEBUG_ constants. */
enum ebcc_debug {
	EBCC_DEBUG_LLVM_IR = 1,
	EBCC_DEBUG_BPF = 2, /**< disassembly with source lines */
	EBCC_DEBUG_PREPROCESSOR = 4,
	EBCC_DEBUG_SOURCE = 8,
	EBCC_DEBUG_BPF_REGISTER_STATE = 16, /**< the verifier's log of each load */
	EBCC_DEBUG_BTF = 32,
};

struct ebcc_module_opts {
	size_t sz;
	const char *file_name;	 /**< shown in diagnostics; its directory serves includes in quotes;
				  *  default "main.c" */
	const char *header_text; /**< text put before the source (the bindings' hdr_file) */
	const char *const *cflags; /**< extra clang flags: -D, -I, -include, -W... */
	size_t cflag_count;
	unsigned debug; /**< enum ebcc_debug, or'ed */
	enum ebcc_kernel_types kernel_types;
	enum ebcc_compiler compiler;
	const char *btf_path;	   /**< BTF (raw, or in an ELF file) to compile against, not that of
				    *  the running kernel; such a module can't be loaded here unless
				    *  the types agree (EBCC_ERROR_OTHER_KERNEL) */
	const char *kernel_root;   /**< a directory with files of another kernel, to compile ahead
				    *  for it, laid out as below its "/"; NULL: the running kernel.
				    *  What is read: proc/sys/kernel/osrelease, version and arch;
				    *  sys/kernel/btf/...; sys/kernel/tracing/events/.../format;
				    *  sys/kernel/notes; sys/devices/system/cpu/possible;
				    *  boot/config-RELEASE or proc/config.gz (without, names of the
				    *  configuration have no value). osrelease and
				    *  btf/vmlinux (or btf_path) must be there */
	const void *second_object; /**< for ebcc_module_create_from_object(): what
				    *  ebcc_module_second_object() gave, or NULL */
	size_t second_object_size; /**< in bytes */
	const char *device;	   /**< network device for hardware offload, or NULL */
	bool no_rlimit;		   /**< do not raise RLIMIT_MEMLOCK (kernels before 5.11 need it) */
	ebcc_log_fn log;	   /**< or NULL: messages are dropped */
	void *log_ctx;
	/** Asked with interrupted_ctx, about ten times a second, by calls of the module that take
	 *  long (compiling, attaching many probes), on the calling thread. True ends the call with
	 *  EBCC_ERROR_INTERRUPTED, and nothing of it stays. NULL: never asked */
	bool (*interrupted)(void *ctx);
	void *interrupted_ctx;
	bool any_kernel; /**< load what was compiled for another kernel, too, or doesn't say for
			  *  which: what it reads of that kernel's types may lie elsewhere here */
};

/**
 * Compiles @p source and prepares its maps and programs; nothing is in the kernel yet.
 *
 * @param source C text in the dialect; @p size bytes, no NUL needed.
 * @param[out] ret the module, owned by the caller.
 * @return EBCC_ERROR_COMPILE, EBCC_ERROR_KERNEL_TYPES, EBCC_ERROR_NO_MEMORY, ...
 */
EBCC_API struct ebcc_error *ebcc_module_create(const char *source, size_t size,
					       const struct ebcc_module_opts *opts,
					       struct ebcc_module **ret);

/** The same from a file. opts->file_name defaults to @p path. */
EBCC_API struct ebcc_error *ebcc_module_create_from_file(const char *path,
							 const struct ebcc_module_opts *opts,
							 struct ebcc_module **ret);

/**
 * The same from an object that was compiled earlier, maybe elsewhere: no compiler is needed, and no
 * kernel types. The object holds offsets and constants of the kernel that it was compiled for, and
 * says which that is: by its build id, or by release and version where that isn't known, and by its
 * BTF where that came from a file that was named. On any other kernel it is refused, unless
 * nothing in it depends on the kernel. Objects of other compilers don't say, and are taken: what
 * they read is either relocated at load (CO-RE), or up to those who made them.
 *
 * @param object from ebcc_module_object(); @p size bytes, copied.
 * @param opts those for compiling are not looked at. With second_object a program that the
 *        verifier rejects is tried once more from there.
 * @return EBCC_ERROR_FORMAT when it is not a BPF object, EBCC_ERROR_INVALID_ARGUMENT when it is
 * empty, EBCC_ERROR_OTHER_KERNEL, which names both kernels, unless opts->any_kernel is set.
 */
EBCC_API struct ebcc_error *ebcc_module_create_from_object(const void *object, size_t size,
							   const struct ebcc_module_opts *opts,
							   struct ebcc_module **ret);

/** Detaches, unloads and frees everything of the module. NULL is allowed. */
EBCC_API void ebcc_module_destroy(struct ebcc_module *module);

/**
 * Sets a `const volatile` global of the source, before load. @p size must be the
 * variable's. EBCC_ERROR_STATE after ebcc_module_load(), EBCC_ERROR_NOT_FOUND otherwise.
 */
EBCC_API struct ebcc_error *ebcc_module_set_constant(struct ebcc_module *module, const char *name,
						     const void *value, size_t size);

/** The type of a global variable of the source, or NULL if there is none of that name. */
EBCC_API const struct ebcc_type *ebcc_module_global_type(const struct ebcc_module *module,
							 const char *name);
/** How many global variables the source has, constant ones too. */
EBCC_API size_t ebcc_module_global_count(const struct ebcc_module *module);
/** The name of one, or NULL. Borrowed from the
 * module. Variables that no program uses may be missing. */
EBCC_API const char *ebcc_module_global_name_at(const struct ebcc_module *module, size_t index);
/**
 * Copies the value of a global variable: what programs see and leave there, at any time after load;
 * before it, what the variable begins with. A number of up to 8 bytes is copied in one piece.
 * @param size of @p value in bytes, which must be the variable's.
 * @return EBCC_ERROR_NOT_FOUND: no such variable, with near names; EBCC_ERROR_INVALID_ARGUMENT:
 * another size.
 */
EBCC_API struct ebcc_error *ebcc_module_read_global(struct ebcc_module *module, const char *name,
						    void *value, size_t size);
/** Sets a global variable, in the same way. EBCC_ERROR_STATE for a const one after load: programs
 * were verified with its value. */
EBCC_API struct ebcc_error *ebcc_module_write_global(struct ebcc_module *module, const char *name,
						     const void *value, size_t size);

/**
 * Creates the maps. Called by the first load of a program or use of a table; calling
 * it again does nothing. Programs are loaded one by one, when asked for.
 * @return besides the kernel's refusals what ebcc_process_pid_namespace() returns, for a source
 * that calls ebcc_ns_pid_tgid() or ebcc_ns_task_pid_tgid(); EBCC_ERROR_OTHER_KERNEL when
 * opts->btf_path, kernel_root or the variable ARCH made it a module for another kernel, unless
 * opts->any_kernel is set.
 */
EBCC_API struct ebcc_error *ebcc_module_load(struct ebcc_module *module);

/**
 * Loads and attaches every program whose name says where it goes (`kprobe__FN`,
 * `tracepoint__CAT__EV`, ...). The links belong to the module.
 */
EBCC_API struct ebcc_error *ebcc_module_attach_named(struct ebcc_module *module);
/** The same for one program. @p ret becomes NULL where the name says nothing, and for an iterator
 *  (`bpf_iter__...`), which is loaded only. */
EBCC_API struct ebcc_error *ebcc_program_attach_named(struct ebcc_program *program,
						      struct ebcc_link **ret);

/** The ELF object that the source became. Borrowed; @p ret_size in bytes. */
EBCC_API const void *ebcc_module_object(const struct ebcc_module *module, size_t *ret_size);

/**
 * The object of the second pipeline, which optimizes less and in some cases passes a verifier that
 * rejects the first one's: if you compile ahead, keep it beside ebcc_module_object(). Compiled
 * on the first call. Borrowed; @p ret_size in bytes.
 * @return EBCC_ERROR_STATE for a module made from an object without a second one.
 */
EBCC_API struct ebcc_error *ebcc_module_second_object(struct ebcc_module *module, const void **ret,
						      size_t *ret_size);

/** Text collected for one debug bit, or NULL. Borrowed. */
EBCC_API const char *ebcc_module_debug_text(const struct ebcc_module *module, enum ebcc_debug bit);

/** @} */

/**
 * @defgroup program Programs
 * @{
 */

/** How a program is loaded: the kernel's `enum bpf_prog_type`, by number (uapi/linux/bpf.h). */
struct ebcc_program_opts {
	size_t sz;
	int attach_type; /**< `enum bpf_attach_type`, or -1 / 0 with has_attach_type unset */
	bool has_attach_type;
};

/** How many functions of the source are programs: those that are not static. */
EBCC_API size_t ebcc_module_program_count(const struct ebcc_module *module);
/** The program of that index, or NULL. */
EBCC_API struct ebcc_program *ebcc_module_program_at(const struct ebcc_module *module,
						     size_t index);
/** By function name, or EBCC_ERROR_NOT_FOUND with near names (and a hint for a static function). */
EBCC_API struct ebcc_error *ebcc_module_find_program(const struct ebcc_module *module,
						     const char *name, struct ebcc_program **ret);

/** The function's name. Borrowed. */
EBCC_API const char *ebcc_program_name(const struct ebcc_program *program);
/** The descriptor, or -1 before load. Borrowed. */
EBCC_API int ebcc_program_fd(const struct ebcc_program *program);
/** The type it was loaded with (`enum bpf_prog_type`), or 0. */
EBCC_API unsigned ebcc_program_type(const struct ebcc_program *program);
/**
 * Loads the program with @p type, creating the maps first if need be. Loading it again
 * with the same type does nothing, with another type is EBCC_ERROR_STATE.
 * @return EBCC_ERROR_LOAD with the verifier's log in the details.
 */
EBCC_API struct ebcc_error *ebcc_program_load(struct ebcc_program *program, unsigned type,
					      const struct ebcc_program_opts *opts);
/** Gives the program a name in a BPF file system, by which the kernel keeps it loaded when this
 *  process ends. EBCC_ERROR_STATE before it is loaded. */
EBCC_API struct ebcc_error *ebcc_program_pin(struct ebcc_program *program, const char *path);
/** Removes such a name, as ebcc_link_unpin(). */
EBCC_API struct ebcc_error *ebcc_program_unpin(struct ebcc_program *program, const char *path);
/** The program's instructions as compiled (8 bytes each), before relocation. Borrowed. */
EBCC_API const void *ebcc_program_instructions(const struct ebcc_program *program,
					       size_t *ret_size);

/** What a program is run on, and what came of it. Sizes are in bytes. */
struct ebcc_test_run_opts {
	size_t sz;
	const void *data_in; /**< the packet, for programs that have one: at least 14 bytes */
	size_t data_size_in;
	void *data_out;	      /**< where the packet goes that the program leaves, or NULL */
	size_t data_size_out; /**< room in data_out; becomes the size of that packet */
	const void
		*ctx_in; /**< the context: struct __sk_buff or xdp_md, up to 12 arguments of
			  *  64 bits of a raw tracepoint, anything for a program of type SYSCALL */
	size_t ctx_size_in;
	void *ctx_out;	     /**< where the context goes afterwards, or NULL */
	size_t ctx_size_out; /**< room in ctx_out; becomes what was written */
	uint32_t repeat;     /**< how often to run it; 0 is once. Only with packets */
	uint32_t flags;	     /**< BPF_F_TEST_RUN_ON_CPU, BPF_F_TEST_XDP_LIVE_FRAMES, or 0 */
	uint32_t cpu;	   /**< where a raw tracepoint's program runs, with BPF_F_TEST_RUN_ON_CPU */
	int32_t retval;	   /**< set: what the program returned, the last time */
	uint32_t duration; /**< set: nanoseconds of a run on average, of packets' programs */
};
/**
 * Runs a loaded program now, on data of the caller's (BPF_PROG_TEST_RUN): socket filters, XDP, TC
 * and control groups' packet programs, raw tracepoints, programs of type SYSCALL and some others.
 * It need not be attached.
 * @param opts in and out; may be NULL. Unchanged on failure.
 * @return EBCC_ERROR_STATE: not loaded; EBCC_ERROR_UNSUPPORTED: not for programs of this type;
 *         EBCC_ERROR_INVALID_ARGUMENT: the kernel refuses the options, or a buffer is too small
 * (the message names the size; the program has run); EBCC_ERROR_INTERRUPTED: a signal arrived.
 */
EBCC_API struct ebcc_error *ebcc_program_test_run(struct ebcc_program *program,
						  struct ebcc_test_run_opts *opts);

/** @} */

/**
 * @defgroup attach Attaching
 *
 * Each call loads the program if it isn't, with the type that fits, and gives a link.
 * A missing function, symbol, file or event is EBCC_ERROR_NOT_FOUND with near names in
 * the message; EBCC_ERROR_ATTACH: the kernel refuses; EBCC_ERROR_UNSUPPORTED: it can't at
 * all; EBCC_ERROR_PERMISSION: not for this user. Besides, what ebcc_program_load() returns.
 * @{
 */

struct ebcc_kprobe_opts {
	size_t sz;
	const char *function; /**< kernel function, or MODULE:FUNCTION */
	uint64_t offset;      /**< in bytes from its start; not for return probes */
	bool on_return;
	unsigned max_active; /**< return probes outstanding at once; 0: the kernel's default */
	uint64_t cookie;     /**< what bpf_get_attach_cookie() gives the program (Linux 5.15) */
};
/** Runs a program at the entry of a kernel function, at an offset in it, or at its return. */
EBCC_API struct ebcc_error *ebcc_program_attach_kprobe(struct ebcc_program *program,
						       const struct ebcc_kprobe_opts *opts,
						       struct ebcc_link **ret);

struct ebcc_uprobe_opts {
	size_t sz;
	const char *binary; /**< path, or the name of a library ("c" or "libc.so.6") or program */
	const char *symbol; /**< or NULL: address counts */
	uint64_t address;   /**< virtual address as in the ELF file, without a symbol */
	uint64_t offset;    /**< bytes added to the symbol's or the given address */
	bool on_return;
	int pid;	 /**< one process, or 0 / -1 for all */
	uint64_t cookie; /**< what bpf_get_attach_cookie() gives the program (Linux 5.15) */
	uint64_t semaphore_offset; /**< file offset of a USDT semaphore, or 0 */
};
/** Runs a program at a place of a program or library, or at the return of a function there.
 *  EBCC_ERROR_FORMAT: the file is not an ELF file. */
EBCC_API struct ebcc_error *ebcc_program_attach_uprobe(struct ebcc_program *program,
						       const struct ebcc_uprobe_opts *opts,
						       struct ebcc_link **ret);

struct ebcc_tracepoint_opts {
	size_t sz;
	uint64_t cookie; /**< what bpf_get_attach_cookie() gives the program (Linux 5.15) */
};
/** Runs a program at a tracepoint; its context is the record that the event's format file shows. */
EBCC_API struct ebcc_error *ebcc_program_attach_tracepoint(struct ebcc_program *program,
							   const char *category, const char *event,
							   const struct ebcc_tracepoint_opts *opts,
							   struct ebcc_link **ret);
struct ebcc_raw_tracepoint_opts {
	size_t sz;
	uint64_t cookie; /**< what bpf_get_attach_cookie() gives the program (Linux 6.10) */
};
/** The same with the tracepoint's own arguments in the context, no record. Needs no tracefs. */
EBCC_API struct ebcc_error *
ebcc_program_attach_raw_tracepoint(struct ebcc_program *program, const char *event,
				   const struct ebcc_raw_tracepoint_opts *opts,
				   struct ebcc_link **ret);

/** As perf_event_open(2) has them, except for pid and cpus. */
struct ebcc_perf_event_opts {
	size_t sz;
	uint32_t type;
	uint64_t config;
	uint64_t sample_period; /**< every so many events; one of the two */
	uint64_t sample_freq;	/**< so many times a second */
	int pid;		/**< one process or thread, or 0 / -1 for all. 0 does not mean the
				 *  calling thread, as it does for the system call: gettid() does */
	const int *cpus;	/**< the CPUs to open an event on, each of which must be online, or
				 *  NULL: every online CPU */
	size_t cpu_count;	/**< of cpus */
	int group_fd;		/**< the leader of the group, or 0 / -1: none */
	const void *attr; /**< a whole struct perf_event_attr, or NULL; then type, config, period
			   *  and frequency are not looked at */
	size_t attr_size; /**< of attr, in bytes */
	uint64_t cookie;  /**< what bpf_get_attach_cookie() gives the program (Linux 5.15) */
};
/** Runs a program at each sample of a perf event: of every chosen CPU, by one link. */
EBCC_API struct ebcc_error *ebcc_program_attach_perf_event(struct ebcc_program *program,
							   const struct ebcc_perf_event_opts *opts,
							   struct ebcc_link **ret);

struct ebcc_trace_opts {
	size_t sz;
	uint64_t cookie; /**< what bpf_get_attach_cookie() gives the program (Linux 6.0) */
};
/**
 * Attaches a program whose target is described by the kernel's BTF. The target is part of the
 * program's name, which KFUNC_PROBE, KRETFUNC_PROBE, KMOD_RET and LSM_PROBE make:
 * `kfunc__FUNCTION`, `kfunc__MODULE__FUNCTION`, `lsm__HOOK`.
 * @return EBCC_ERROR_INVALID_ARGUMENT for a program of another name; EBCC_ERROR_LOAD where the
 * kernel can't trace the function.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_trace(struct ebcc_program *program,
						      const struct ebcc_trace_opts *opts,
						      struct ebcc_link **ret);

struct ebcc_iter_opts {
	size_t sz;
	struct ebcc_table *table; /**< whose elements the program walks, for `bpf_map_elem`
				   *  and similar, or NULL */
};
/** Prepares an iterator (BPF_ITER) for ebcc_link_open_iter(). @p opts may be NULL. */
EBCC_API struct ebcc_error *ebcc_program_attach_iter(struct ebcc_program *program,
						     const struct ebcc_iter_opts *opts,
						     struct ebcc_link **ret);
/** A new descriptor; reading it runs the iterator from the start and gives what it writes. Owned by
 *  the caller. @p link: of ebcc_program_attach_iter(). */
EBCC_API struct ebcc_error *ebcc_link_open_iter(struct ebcc_link *link, int *ret);

struct ebcc_xdp_opts {
	size_t sz;
	unsigned flags; /**< XDP_FLAGS_ bits (linux/if_link.h) */
};
/**
 * Runs an XDP program on a network interface of the caller's network namespace.
 * Destroying the link removes the program if it is still the interface's.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_xdp(struct ebcc_program *program,
						    const char *device,
						    const struct ebcc_xdp_opts *opts,
						    struct ebcc_link **ret);
/** Removes whatever XDP program an interface has, in the mode that @p flags name (0: any). */
EBCC_API struct ebcc_error *ebcc_device_remove_xdp(const char *device, unsigned flags);

/** No options yet. */
struct ebcc_socket_opts {
	size_t sz;
};
/** Makes a program the filter of a socket, which stays the caller's, until the link ends. */
EBCC_API struct ebcc_error *ebcc_program_attach_socket(struct ebcc_program *program, int socket_fd,
						       const struct ebcc_socket_opts *opts,
						       struct ebcc_link **ret);
struct ebcc_raw_socket_opts {
	size_t sz;
	const char *device; /**< the interface whose packets it gets, or NULL for all */
};
/**
 * Opens a raw packet socket with a program as its filter. ebcc_link_fd() is the socket
 * (non-blocking), which gives whole packets; it is closed with the link.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_raw_socket(struct ebcc_program *program,
							   const struct ebcc_raw_socket_opts *opts,
							   struct ebcc_link **ret);

struct ebcc_descriptor_opts {
	size_t sz;
	unsigned flags; /**< BPF_F_ALLOW_MULTI and others that BPF_PROG_ATTACH takes */
};
/**
 * Attaches a program to what a descriptor stands for: a control group's directory, a
 * table of sockets, a device, as the kernel's BPF_PROG_ATTACH does.
 * @param fd borrowed for the call; the link keeps a copy.
 * @param attach_type `enum bpf_attach_type`. A program that isn't loaded yet is loaded with the
 *                    type that fits it.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_descriptor(struct ebcc_program *program, int fd,
							   int attach_type,
							   const struct ebcc_descriptor_opts *opts,
							   struct ebcc_link **ret);

struct ebcc_kprobe_multi_opts {
	size_t sz;
	bool on_return;		 /**< when the functions return, not when they are called */
	const uint64_t *cookies; /**< what bpf_get_attach_cookie() gives the program, one for each
				  *  function (Linux 5.18), or NULL */
};
/**
 * Attaches a program to many kernel functions: with one link for all of them where the kernel has
 * such links (kprobe.multi), one by one otherwise. Functions that can't be probed after all
 * are left out.
 * @param functions names that one function has each, as ebcc_kernel_find_functions() gives them.
 * @return the last failure where none could be attached.
 */
EBCC_API struct ebcc_error *
ebcc_program_attach_kprobe_multi(struct ebcc_program *program, const char *const *functions,
				 size_t count, const struct ebcc_kprobe_multi_opts *opts,
				 struct ebcc_link **ret);
/** How many functions such a link is attached to; 0 for other links. */
EBCC_API size_t ebcc_link_function_count(const struct ebcc_link *link);
/** The name of one, or NULL. Borrowed until the next ebcc_link_detach_function() or the end of the
 *  link. */
EBCC_API const char *ebcc_link_function_at(const struct ebcc_link *link, size_t index);
/** Detaches one function. The others may miss calls while the kernel changes over.
 *  EBCC_ERROR_NOT_FOUND where the link isn't attached to it. */
EBCC_API struct ebcc_error *ebcc_link_detach_function(struct ebcc_link *link, const char *function);

/** Detaches, and tells where that fails: the kernel may still run the program then. What is left is
 *  a link to be destroyed. Detaching a link twice is not an error, nor is a program that somebody
 *  else has detached. */
EBCC_API struct ebcc_error *ebcc_link_detach(struct ebcc_link *link);
/** Detaches and frees. NULL is allowed. The program stays loaded. */
EBCC_API void ebcc_link_destroy(struct ebcc_link *link);
/** The descriptor that keeps it attached (a perf event's or a BPF link's; the first of several), or
 *  -1. Borrowed. */
EBCC_API int ebcc_link_fd(const struct ebcc_link *link);
/** What it is attached to, for people: "kprobe:vfs_read". */
EBCC_API const char *ebcc_link_name(const struct ebcc_link *link);
/**
 * Gives the link a name in a BPF file system: the program stays attached when the link is destroyed
 * and when this process ends, until ebcc_link_unpin() or the removal of the file.
 * @param path a new file in a directory of /sys/fs/bpf.
 * @return EBCC_ERROR_UNSUPPORTED for a link that is not one BPF link of the kernel: those of
 * several descriptors, and, depending on the kernel, other kinds; EBCC_ERROR_STATE for a detached
 * one.
 */
EBCC_API struct ebcc_error *ebcc_link_pin(struct ebcc_link *link, const char *path);
/** Removes such a name. EBCC_ERROR_NOT_FOUND: there is none; EBCC_ERROR_INVALID_ARGUMENT: it is
 *  another object's. */
EBCC_API struct ebcc_error *ebcc_link_unpin(struct ebcc_link *link, const char *path);

/** @} */

/**
 * @defgroup usdt USDT probes
 *
 * Places that the author of a program marked for tracing, with arguments (`.note.stapsdt`, as
 * systemtap's sys/sdt.h writes it). A probe is named PROVIDER:NAME, lies in one file, and may have
 * several locations there, each with its arguments in registers and memory of its own.
 *
 * What ebcc_usdt_open() gives describes the probes of a file or a process and is independent of any
 * module; strings and probes are borrowed from it. It may be closed while programs are attached.
 * @{
 */

struct ebcc_usdt;
struct ebcc_usdt_probe;

struct ebcc_usdt_opts {
	size_t sz;
	int pid; /**< one process, in which programs will run; or 0 / -1: every process */
	const char *binary; /**< path, or the name of a library or program, as the process sees it;
			     *  NULL: all files that the process has mapped to run */
};

/**
 * Reads the probes of a file or a process, which need not have any.
 * @return EBCC_ERROR_NOT_FOUND: no such file or process; EBCC_ERROR_FORMAT: the file named by
 * @p opts is not an ELF file, or its notes are malformed.
 */
EBCC_API struct ebcc_error *ebcc_usdt_open(const struct ebcc_usdt_opts *opts,
					   struct ebcc_usdt **ret);
/** Frees the probes. NULL is allowed. What is attached stays so. */
EBCC_API void ebcc_usdt_close(struct ebcc_usdt *usdt);

/** In the order of the files and of their notes. */
EBCC_API size_t ebcc_usdt_probe_count(const struct ebcc_usdt *usdt);
/** The probe of that index, or NULL. */
EBCC_API const struct ebcc_usdt_probe *ebcc_usdt_probe_at(const struct ebcc_usdt *usdt,
							  size_t index);
/**
 * The probe "PROVIDER:NAME", or "NAME"; the first one where several files have it.
 * @return EBCC_ERROR_NOT_FOUND with near names; EBCC_ERROR_INVALID_ARGUMENT for a NAME that several
 * providers have.
 */
EBCC_API struct ebcc_error *ebcc_usdt_find_probe(const struct ebcc_usdt *usdt, const char *name,
						 const struct ebcc_usdt_probe **ret);

/** The two parts of its name. Borrowed. */
EBCC_API const char *ebcc_usdt_probe_provider(const struct ebcc_usdt_probe *probe);
EBCC_API const char *ebcc_usdt_probe_name(const struct ebcc_usdt_probe *probe);
/** The file, as the process (or, without one, this system) names it. */
EBCC_API const char *ebcc_usdt_probe_binary(const struct ebcc_usdt_probe *probe);
/** Address, as in the file, of the counter of tracers (2 bytes) that the program looks at before it
 *  computes the arguments, or 0: there is none. */
EBCC_API uint64_t ebcc_usdt_probe_semaphore(const struct ebcc_usdt_probe *probe);
/** Where that counter is in the file, as semaphore_offset of a uprobe takes it, for callers that
 * attach to the probe's locations themselves; 0: there is none. */
EBCC_API uint64_t ebcc_usdt_probe_semaphore_offset(const struct ebcc_usdt_probe *probe);
/** In how many places of the file it is. */
EBCC_API size_t ebcc_usdt_probe_location_count(const struct ebcc_usdt_probe *probe);
/** The most arguments that one of its locations has. */
EBCC_API size_t ebcc_usdt_probe_argument_count(const struct ebcc_usdt_probe *probe);
/** The integer type that holds argument @p index (from 0) of every location: "int32_t", "uint64_t",
 *  ... Static. NULL: no location has the argument, or none that can be read. */
EBCC_API const char *ebcc_usdt_probe_argument_type(const struct ebcc_usdt_probe *probe,
						   size_t index);

struct ebcc_usdt_location {
	uint64_t address;      /**< as in the file */
	const char *arguments; /**< as in the note: "-4@%edi 8@-8(%rbp)" */
	size_t argument_count;
};
/** @return false when @p index is out of range. */
EBCC_API bool ebcc_usdt_probe_location_at(const struct ebcc_usdt_probe *probe, size_t index,
					  struct ebcc_usdt_location *ret, size_t size);

/** What an argument's description is made of, besides its size. */
enum ebcc_usdt_part {
	EBCC_USDT_PART_CONSTANT = 1, /**< constant; nothing else then */
	EBCC_USDT_PART_OFFSET = 2,   /**< offset: the argument is in memory */
	EBCC_USDT_PART_SYMBOL = 4,   /**< symbol, whose address counts too */
	EBCC_USDT_PART_BASE = 8,     /**< base: a register */
	EBCC_USDT_PART_INDEX = 16,   /**< index: a register */
	EBCC_USDT_PART_SCALE = 32,   /**< scale, of the index: 1, 2, 4 or 8 */
};

struct ebcc_usdt_operand {
	unsigned parts; /**< enum ebcc_usdt_part, or'ed; 0 where it isn't understood */
	unsigned size;	/**< bytes: 1, 2, 4 or 8 */
	bool is_signed;
	unsigned scale;
	int64_t constant, offset;
	char base[8], index[8]; /**< as in the note, without a "%" */
	char symbol[112];
	const char *unreadable; /**< why programs can't read it (static), or NULL: they can */
};
/** One argument (@p index from 0) of a location. @return false when there is no such. */
EBCC_API bool ebcc_usdt_probe_operand_at(const struct ebcc_usdt_probe *probe, size_t location,
					 size_t index, struct ebcc_usdt_operand *ret, size_t size);

struct ebcc_usdt_attach_opts {
	size_t sz;
	const char *probe;  /**< "PROVIDER:NAME", or "NAME"; in every file that has it */
	bool every_process; /**< not only in the process that was opened */
	uint64_t cookie; /**< what bpf_get_attach_cookie() gives the program (Linux 5.15). Only in
			  *  sources that don't read the arguments of USDT probes: the kernel has
			  *  one cookie, and their layout needs it (EBCC_ERROR_UNSUPPORTED) */
};
/**
 * Runs a program at every location of a probe, where bpf_usdt_readarg() reads its arguments. The
 * link holds all of them, and the probe's semaphores up; it ends as a whole.
 *
 * The kernel raises the semaphores, and lowers them even if this process is killed. Where it can't
 * (it is too old, or someone has set a probe there without the semaphore), they are counted in the
 * memory of the one process: then a killed tracer leaves them raised.
 *
 * @return EBCC_ERROR_NOT_FOUND with near names; EBCC_ERROR_UNSUPPORTED: on a kernel without attach
 * cookies (before 5.15) arguments need a process; EBCC_ERROR_STATE: no room for more
 * argument layouts, see ebcc_module_reserve_usdt().
 */
EBCC_API struct ebcc_error *ebcc_program_attach_usdt(struct ebcc_program *program,
						     const struct ebcc_usdt *usdt,
						     const struct ebcc_usdt_attach_opts *opts,
						     struct ebcc_link **ret);

/**
 * Makes room for @p count different layouts of arguments that programs of the module read; 256
 * unless more were asked for. Each takes some 250 bytes of the kernel's memory.
 * EBCC_ERROR_STATE after ebcc_module_load().
 */
EBCC_API struct ebcc_error *ebcc_module_reserve_usdt(struct ebcc_module *module, uint32_t count);

/** @} */

/**
 * @defgroup table Tables
 *
 * A per-CPU table's value is one element per possible CPU, each rounded up to 8 bytes,
 * one after the other: ebcc_table_value_size() is the size of it all.
 * @{
 */

/** How many tables the source declares. */
EBCC_API size_t ebcc_module_table_count(const struct ebcc_module *module);
/** The table of that index, in the order of the object, or NULL. */
EBCC_API struct ebcc_table *ebcc_module_table_at(const struct ebcc_module *module, size_t index);
/** By name, or EBCC_ERROR_NOT_FOUND with near names. Creates the maps if need be. */
EBCC_API struct ebcc_error *ebcc_module_find_table(struct ebcc_module *module, const char *name,
						   struct ebcc_table **ret);

/** The name that the source gives it. Borrowed. */
EBCC_API const char *ebcc_table_name(const struct ebcc_table *table);
/** `enum bpf_map_type`. */
EBCC_API unsigned ebcc_table_map_type(const struct ebcc_table *table);
/** The map's descriptor, or -1 before load. Borrowed. */
EBCC_API int ebcc_table_fd(const struct ebcc_table *table);
/** The kernel's number of the map, as bpftool shows it; 0 before load. */
EBCC_API uint32_t ebcc_table_id(const struct ebcc_table *table);
/** BPF_F_* as it was declared with. */
EBCC_API unsigned ebcc_table_flags(const struct ebcc_table *table);
/** How many entries it has room for; of a ring buffer its size in bytes. */
EBCC_API uint32_t ebcc_table_max_entries(const struct ebcc_table *table);
/** Bytes of a key; 0 for queues and stacks. */
EBCC_API size_t ebcc_table_key_size(const struct ebcc_table *table);
/** Bytes of a value as the calls here take and give it: see the group's text. */
EBCC_API size_t ebcc_table_value_size(const struct ebcc_table *table);
/** Bytes of one element as the source declares it. */
EBCC_API size_t ebcc_table_leaf_size(const struct ebcc_table *table);
/** Whether each entry has a value for each CPU. */
EBCC_API bool ebcc_table_is_per_cpu(const struct ebcc_table *table);
/** Whether keys are numbers of 32 bits from 0 to ebcc_table_max_entries() - 1: an array of values,
 * or of programs, tables, devices, sockets or perf events. */
EBCC_API bool ebcc_table_is_array(const struct ebcc_table *table);
/** The kernel's possible CPUs: the elements of a per-CPU value. */
EBCC_API struct ebcc_error *ebcc_kernel_possible_cpus(unsigned *ret);

/** Gives the table a name in a BPF file system, by which the kernel keeps it when this process
 * ends. Creates the maps if need be. */
EBCC_API struct ebcc_error *ebcc_table_pin(struct ebcc_table *table, const char *path);
/** Removes such a name, as ebcc_link_unpin(). */
EBCC_API struct ebcc_error *ebcc_table_unpin(struct ebcc_table *table, const char *path);

/** The declared type of keys, or NULL where there is none (a queue's). Borrowed. */
EBCC_API const struct ebcc_type *ebcc_table_key_type(const struct ebcc_table *table);
/** That of one element of a value, or NULL. Borrowed. */
EBCC_API const struct ebcc_type *ebcc_table_leaf_type(const struct ebcc_table *table);
/** What the source hands to perf_submit or ringbuf_output (a struct, or a plain type), or NULL. */
EBCC_API const struct ebcc_type *ebcc_table_event_type(const struct ebcc_table *table);

/** *@p ret_found is false, and @p value untouched, where the key is absent. */
EBCC_API struct ebcc_error *ebcc_table_lookup(struct ebcc_table *table, const void *key,
					      void *value, bool *ret_found);
/** @p flags: 0 (BPF_ANY), 1 (BPF_NOEXIST) or 2 (BPF_EXIST). */
EBCC_API struct ebcc_error *ebcc_table_update(struct ebcc_table *table, const void *key,
					      const void *value, uint64_t flags);
/** *@p ret_found may be NULL; then an absent key is EBCC_ERROR_NOT_FOUND. */
EBCC_API struct ebcc_error *ebcc_table_delete(struct ebcc_table *table, const void *key,
					      bool *ret_found);
/** The key after @p key (NULL: the first one). *@p ret_more is false at the end. */
EBCC_API struct ebcc_error *ebcc_table_next_key(struct ebcc_table *table, const void *key,
						void *next, bool *ret_more);
/**
 * Reads the whole table: by batch calls where the kernel has them, per entry otherwise.
 * @param remove also deletes what was read (lookup and delete).
 * @param[out] ret_keys count * size bytes, malloc'ed, owned by the caller.
 * @param[out] ret_values likewise.
 */
EBCC_API struct ebcc_error *ebcc_table_read_all(struct ebcc_table *table, bool remove,
						void **ret_keys, void **ret_values,
						size_t *ret_count);
/** Deletes every entry; an array's are zeroed. */
EBCC_API struct ebcc_error *ebcc_table_clear(struct ebcc_table *table);
/** Writes @p count entries, given one after the other as ebcc_table_read_all() gives them. When it
 *  fails, some may have been written. */
EBCC_API struct ebcc_error *ebcc_table_update_many(struct ebcc_table *table, const void *keys,
						   const void *values, size_t count);
/** Deletes those of @p count keys that are there; an array's entries are zeroed. */
EBCC_API struct ebcc_error *ebcc_table_delete_many(struct ebcc_table *table, const void *keys,
						   size_t count);

/** Adds a value to a queue or stack. @p flags: 0, or 2 (BPF_EXIST): the oldest makes room where it
 * is full. EBCC_ERROR_INVALID_ARGUMENT for another kind of table, as of the next two. */
EBCC_API struct ebcc_error *ebcc_table_push(struct ebcc_table *table, const void *value,
					    uint64_t flags);
/** Takes the next value out. *@p ret_found is false where it is empty. */
EBCC_API struct ebcc_error *ebcc_table_pop(struct ebcc_table *table, void *value, bool *ret_found);
/** The same, but leaves it there. */
EBCC_API struct ebcc_error *ebcc_table_peek(struct ebcc_table *table, void *value, bool *ret_found);

struct ebcc_counters_opts {
	size_t sz;
	uint32_t type;	 /**< as perf_event_open(2) has it */
	uint64_t config; /**< likewise */
	int pid; /**< one process or thread, or 0 / -1 for all, as in ebcc_perf_event_opts */
};
/**
 * Puts counters of a perf event into a BPF_PERF_ARRAY table, one per online CPU at the CPU's
 * number, for perf_read() and perf_counter_value(). They count as long as the table lives.
 */
EBCC_API struct ebcc_error *ebcc_table_open_counters(struct ebcc_table *table,
						     const struct ebcc_counters_opts *opts);

/**
 * The addresses of one stack of a stack trace table, innermost first.
 * @param[out] addresses room for @p capacity of them; *@p ret_count are written. 0 where
 * there is no such stack.
 */
EBCC_API struct ebcc_error *ebcc_table_read_stack(struct ebcc_table *table, int32_t stack_id,
						  uint64_t *addresses, size_t capacity,
						  size_t *ret_count);

/** What a frame of a BPF_STACK_TRACE_BUILDID table is. Values are the kernel's. */
enum ebcc_frame_status {
	EBCC_FRAME_EMPTY = 0,
	EBCC_FRAME_BUILD_ID = 1, /**< a file, known by its build id, and an offset in it */
	EBCC_FRAME_ADDRESS = 2, /**< an address: the file has no build id, or it couldn't be read */
};
struct ebcc_build_id_frame {
	int32_t status; /**< enum ebcc_frame_status */
	unsigned char build_id[20];
	uint64_t offset; /**< in the file, in bytes; or the address */
};
/** The same as ebcc_table_read_stack() for a table of build ids.
 *  @param[out] frames room for @p capacity frames of @p frame_size bytes each. */
EBCC_API struct ebcc_error *ebcc_table_read_build_id_stack(struct ebcc_table *table,
							   int32_t stack_id,
							   struct ebcc_build_id_frame *frames,
							   size_t frame_size, size_t capacity,
							   size_t *ret_count);

/** @} */

/**
 * @defgroup type Described values
 * @{
 */

enum ebcc_type_kind {
	EBCC_TYPE_VOID = 0,
	EBCC_TYPE_INT = 1, /**< signedness and size say which; _Bool and char included */
	EBCC_TYPE_FLOAT = 2,
	EBCC_TYPE_ENUM = 3,
	EBCC_TYPE_POINTER = 4,
	EBCC_TYPE_ARRAY = 5,
	EBCC_TYPE_STRUCT = 6,
	EBCC_TYPE_UNION = 7,
};

enum ebcc_int_encoding {
	EBCC_INT_PLAIN = 0,
	EBCC_INT_CHAR = 1,
	EBCC_INT_BOOL = 2,
};

/** Typedefs and qualifiers are looked through: a type is what it is. All borrowed. */
EBCC_API enum ebcc_type_kind ebcc_type_kind(const struct ebcc_type *type);
/** Tag or base type name; "" for an anonymous one. A typedef's name where that is what was written.
 */
EBCC_API const char *ebcc_type_name(const struct ebcc_type *type);
/** In bytes; 0 for void. */
EBCC_API size_t ebcc_type_size(const struct ebcc_type *type);
/** Of integers and enums. */
EBCC_API bool ebcc_type_is_signed(const struct ebcc_type *type);
/** What an integer is declared as: a number, a character or a truth value. */
EBCC_API enum ebcc_int_encoding ebcc_type_encoding(const struct ebcc_type *type);
/** Element type of an array; target of a pointer (may be NULL: void, or not described). */
EBCC_API const struct ebcc_type *ebcc_type_target(const struct ebcc_type *type);
/** Elements of an array, members of a struct or union, enumerators of an enum. */
EBCC_API size_t ebcc_type_count(const struct ebcc_type *type);

struct ebcc_member {
	const char *name; /**< "" for an anonymous struct or union */
	const struct ebcc_type *type;
	uint64_t bit_offset;
	uint32_t bit_size; /**< of a bit field; 0 for an ordinary member */
};
/** @return false when @p index is out of range. */
EBCC_API bool ebcc_type_member_at(const struct ebcc_type *type, size_t index,
				  struct ebcc_member *ret, size_t size);
/** @return false when @p index is out of range. The name is borrowed. */
EBCC_API bool ebcc_type_enumerator_at(const struct ebcc_type *type, size_t index,
				      const char **ret_name, int64_t *ret_value);

/**
 * Prints a value as `{ 0x1 "text" [ 0x2 0x3 ] }`, the form that existing scripts expect: members in
 * order, numbers in hexadecimal, of a union the member that covers most of it.
 * @param[out] ret malloc'ed, owned by the caller.
 */
EBCC_API struct ebcc_error *ebcc_type_print(const struct ebcc_type *type, const void *value,
					    size_t size, char **ret);
/**
 * Parses what ebcc_type_print() prints; numbers may be decimal, enumerators named, members given as
 * `.name = value`; members that are left out become 0.
 * @param[out] value @p size bytes, those of the type.
 * @return EBCC_ERROR_INVALID_ARGUMENT says where it failed.
 */
EBCC_API struct ebcc_error *ebcc_type_scan(const struct ebcc_type *type, const char *text,
					   void *value, size_t size);

/** @} */

/**
 * @defgroup events Events
 *
 * Perf and ring buffers of a module, behind one poll call. Callbacks run inside
 * ebcc_module_poll() and ebcc_module_consume(), on the calling thread; they may use tables of
 * the module and must not destroy it.
 * @{
 */

/**
 * One event. @p data is borrowed for the call. A non-zero return stops the poll, which
 * returns EBCC_ERROR_CALLBACK; the event counts as delivered.
 * @param cpu -1 for ring buffers.
 */
typedef int (*ebcc_event_fn)(void *ctx, int cpu, const void *data, size_t size);
/** @p count events were lost since the last call of this function (on @p cpu, or -1: all together).
 */
typedef int (*ebcc_lost_fn)(void *ctx, int cpu, uint64_t count);

struct ebcc_events_opts {
	size_t sz;
	ebcc_event_fn event; /**< needed */
	ebcc_lost_fn lost;   /**< or NULL */
	void *ctx;
	size_t page_count;	/**< perf buffers: pages per CPU, a power of two; default 8 */
	unsigned wakeup_events; /**< perf buffers: wake the reader after so many; 0: in batches,
				 * with a bound of some 30 ms on the delay. Ring buffers: 0: in
				 * batches while events keep coming; else for every event that the
				 * reader is in time for. */
};

/**
 * Opens the reader of a BPF_PERF_OUTPUT or BPF_RINGBUF_OUTPUT table; it lives as long as the
 * module. EBCC_ERROR_STATE: it is open already, or, of a perf buffer, another process that shares
 * the table since a fork has it open: there the events would come no more.
 */
EBCC_API struct ebcc_error *ebcc_table_open_events(struct ebcc_table *table,
						   const struct ebcc_events_opts *opts);
/** Ends the reading of a table; what wasn't delivered is dropped. A callback may call it. */
EBCC_API void ebcc_table_close_events(struct ebcc_table *table);

/**
 * Waits for events and delivers them.
 * @param timeout_ms -1: until something comes.
 * @param[out] ret_count events delivered; may be NULL.
 * @return EBCC_ERROR_INTERRUPTED when a signal arrived before anything was delivered.
 */
EBCC_API struct ebcc_error *ebcc_module_poll(struct ebcc_module *module, int timeout_ms,
					     size_t *ret_count);
/** Delivers what is there, without waiting and whatever the wake-up threshold. */
EBCC_API struct ebcc_error *ebcc_module_consume(struct ebcc_module *module, size_t *ret_count);
/** Which buffers are read. */
enum ebcc_event_source {
	EBCC_EVENTS_ALL = 0,
	EBCC_EVENTS_PERF = 1,
	EBCC_EVENTS_RING = 2,
};
/** As ebcc_module_poll(), of one kind of buffers. EBCC_ERROR_STATE where no ring buffer is open;
 *  without perf buffers it waits for its timeout. */
EBCC_API struct ebcc_error *ebcc_module_poll_source(struct ebcc_module *module,
						    enum ebcc_event_source source, int timeout_ms,
						    size_t *ret_count);
/** As ebcc_module_consume(), of one kind of buffers. */
EBCC_API struct ebcc_error *ebcc_module_consume_source(struct ebcc_module *module,
						       enum ebcc_event_source source,
						       size_t *ret_count);
/** A descriptor that polls readable when there are events, for event loops. Borrowed. */
EBCC_API struct ebcc_error *ebcc_module_poll_fd(struct ebcc_module *module, int *ret);
/** Events that output methods of the source failed to write, in all, since load: those for which
 *  there was no room, those that are too large for any record (65516 bytes for perf buffers, 16
 *  less than the buffer for ring buffers), and, while a reader is open, those of CPUs on which the
 *  perf buffer is not open yet. */
EBCC_API struct ebcc_error *ebcc_table_lost_count(struct ebcc_table *table, uint64_t *ret);

/** @} */

/**
 * @defgroup find Finding things
 * @{
 */

struct ebcc_find_opts {
	size_t sz;
	size_t limit; /**< at most so many, the first in order; 0: all */
};
/** How a file is found. */
struct ebcc_binary_opts {
	size_t sz;
	int pid; /**< files and libraries as that process sees them, or 0: as this one does */
};

/*
 * Regular expressions are POSIX extended ones and match from the start of a name on, not
 * necessarily to its end, as Python's re.match() does. A list of strings is NULL-terminated and one
 * allocation: free() it.
 */
/** Kernel functions that can be probed and match, sorted. A name that several functions have is
 * left out: the kernel couldn't tell which is meant. */
EBCC_API struct ebcc_error *ebcc_kernel_find_functions(const char *regex,
						       const struct ebcc_find_opts *opts,
						       char ***ret, size_t *ret_count);
/** Tracepoints as CATEGORY:EVENT that match. */
EBCC_API struct ebcc_error *ebcc_kernel_find_tracepoints(const char *regex,
							 const struct ebcc_find_opts *opts,
							 char ***ret, size_t *ret_count);
#define EBCC_NEAR_MAX 3
/**
 * Which of @p count names may have been meant by one that isn't there: those a few slips away, and
 * those that it is a part of.
 * @param[out] ret their indices, the nearest first.
 * @return how many there are: 0 to EBCC_NEAR_MAX.
 */
EBCC_API size_t ebcc_names_find_near(const char *wanted, const char *const *names, size_t count,
				     size_t ret[EBCC_NEAR_MAX]);
/** Whether tracefs has the event; false also where tracefs can't be read. */
EBCC_API bool ebcc_kernel_has_tracepoint(const char *category, const char *event);
/** The prefix of system call functions on this kernel: "__x64_sys_", "sys_", ... Static. */
EBCC_API const char *ebcc_kernel_syscall_prefix(void);
/** The system call whose function a name is, on a kernel of any architecture: "clone" of
 * "sys_clone" and of "__x64_sys_clone". Points into @p function; NULL: it is not the name of such a
 * function. */
EBCC_API const char *ebcc_syscall_name(const char *function);
/** Function symbols of an ELF file that match; addresses are as in the file. */
EBCC_API struct ebcc_error *ebcc_binary_find_functions(const char *binary, const char *regex,
						       const struct ebcc_binary_opts *opts,
						       char ***ret_names, uint64_t **ret_addresses,
						       size_t *ret_count);
/** The address, as in the file, of the resolver of an indirect function (an IFUNC, such as strlen()
 * of the C library): what chooses among the function's variants when the loader asks. Errors:
 * EBCC_ERROR_NOT_FOUND where there is no such function, or it is not indirect. */
EBCC_API struct ebcc_error *ebcc_binary_find_ifunc_resolver(const char *binary, const char *name,
							    const struct ebcc_binary_opts *opts,
							    uint64_t *ret);
/** The path of a library ("c", "libc.so.6", or a path), as the loader (or the process) finds it.
 *  malloc'ed. Without opts->pid: by this system's loader cache. */
EBCC_API struct ebcc_error *ebcc_library_find(const char *name, const struct ebcc_binary_opts *opts,
					      char **ret);

/**
 * Whether an ELF file was built by the Go compiler. Go moves stacks, and a return probe changes the
 * return address on one: the traced program can crash. Entry probes and USDT probes do no
 * harm.
 * @param binary path, or name of a library or program.
 */
EBCC_API struct ebcc_error *ebcc_binary_is_go(const char *binary,
					      const struct ebcc_binary_opts *opts, bool *ret);

/** Kinds of programs that not every kernel runs. Values are ABI. */
enum ebcc_capability {
	EBCC_CAPABILITY_KFUNC = 1,		      /**< KFUNC_PROBE, KRETFUNC_PROBE */
	EBCC_CAPABILITY_FMOD_RET = 2,		      /**< KMOD_RET */
	EBCC_CAPABILITY_LSM = 3,		      /**< LSM_PROBE */
	EBCC_CAPABILITY_RAW_TRACEPOINT = 4,	      /**< RAW_TRACEPOINT_PROBE */
	EBCC_CAPABILITY_RAW_TRACEPOINT_IN_MODULE = 5, /**< the same for events of kernel modules */
};
/** Whether the running kernel loads and attaches such programs, found out by doing it once. Without
 *  the privilege to try: false. */
EBCC_API bool ebcc_kernel_supports(enum ebcc_capability capability);

/**
 * Whether this thread may trace at all, for programs that would rather say so at once than fail
 * later at the first thing that they try.
 * @return EBCC_ERROR_PERMISSION without CAP_SYS_ADMIN, and without CAP_BPF and CAP_PERFMON.
 */
EBCC_API struct ebcc_error *ebcc_privilege_check(void);

/**
 * The PID namespace of this process. Where it is not the initial one, processes have other numbers
 * here than those that bpf_get_current_pid_tgid() and tracepoints give to BPF programs; sources
 * call ebcc_ns_pid_tgid() and ebcc_ns_task_pid_tgid(), which give those of this namespace.
 * @param[out] ret the inode number of the namespace; 0 for the initial one.
 * @return EBCC_ERROR_UNSUPPORTED where /proc is not mounted, or is that of another namespace.
 */
EBCC_API struct ebcc_error *ebcc_process_pid_namespace(uint32_t *ret);

/** Whether a struct or union of the running kernel has a member of that name, be it in a nameless
 *  part of it. @return 1 or 0; -1 where the kernel has no such type, or no BTF. */
EBCC_API int ebcc_kernel_has_member(const char *record, const char *member);
/** The same for an enumerator of an enum. */
EBCC_API int ebcc_kernel_has_enumerator(const char *enumeration, const char *enumerator);

/** @} */

/**
 * @defgroup symbolizer Symbols of processes
 *
 * A symbolizer names addresses: of processes, of the kernel, and of files known by their build
 * id. It reads a process's memory map when it is first asked about it and again when that may have
 * changed; symbol tables when an address is in their file, once for all processes that map it; the
 * perf map of a JIT compiler likewise. What it has read it keeps, within a bound, also when the
 * process ends. Files, maps and names are taken as hostile: at worst an address has no name, and
 * ebcc_symbolizer_read_statistics() tells what was left out.
 * @{
 */

struct ebcc_symbolizer;

struct ebcc_symbolizer_opts {
	size_t sz;
	const char *debug_root; /**< directory of debug files; NULL: the environment variable
				 *  BCC_DEBUGINFO_ROOT, or /usr/lib/debug */
	const char *symfs; /**< directory with unstripped copies of files, under their paths; NULL:
			    *  the environment variable BCC_SYMFS, or none */
	size_t memory_limit; /**< bytes for all that it keeps of processes and their files: memory
			      * maps, symbol tables, perf maps, names. What wasn't used for longest
			      * goes first. A perf map may take half of it. Within a call nothing
			      * goes, so there the limit is twice that. Default 128 MB, at least 1
			      */
	uint64_t time_limit; /**< milliseconds of processor time for reading all that at a stretch;
			      * while it is used up, nothing new is read. A tenth of the time that
			      * passes is added again. Default 10,000 */
	ebcc_log_fn log;     /**< or NULL. Gets one warning for each reason to leave something out;
			      * it must not call the symbolizer */
	void *log_ctx;
};

/** What a symbolizer keeps, and what it left out: addresses there have no name. */
struct ebcc_symbolizer_statistics {
	uint64_t memory;    /**< bytes of what is kept */
	uint64_t dropped;   /**< processes, tables and perf maps that made room for others; they
			     * are read again when they are asked about */
	uint64_t too_large; /**< perf maps and symbol tables larger than may be kept */
	uint64_t no_memory; /**< tables not read, as one call had used twice the limit on memory */
	uint64_t no_time;   /**< files and memory maps not read, as the time was used up */
};

enum ebcc_symbol_flags {
	EBCC_SYMBOL_MANGLED = 1, /**< C++ and Rust names as they are in the file */
};

/** An address's meaning. Strings are borrowed until the next call with the symbolizer. */
struct ebcc_symbol {
	const char *
		name; /**< of the function, or NULL: unknown. "NAME@plt" for a stub of the linker */
	const char *
		module; /**< path of the file as the process has it, "[vdso]", path of the perf map,
			 * for kernel addresses the kernel module or "kernel"; NULL: unknown */
	uint64_t
		offset; /**< bytes from the function's start; without a name those from the module's
			 *  (the address as nm shows it); without a module the address itself */
};

/** @param opts may be NULL. */
EBCC_API struct ebcc_error *ebcc_symbolizer_create(const struct ebcc_symbolizer_opts *opts,
						   struct ebcc_symbolizer **ret);
/** Frees it with all names that it gave. NULL is allowed. */
EBCC_API void ebcc_symbolizer_destroy(struct ebcc_symbolizer *symbolizer);

/** @param[out] ret @p size bytes. */
EBCC_API void ebcc_symbolizer_read_statistics(const struct ebcc_symbolizer *symbolizer,
					      struct ebcc_symbolizer_statistics *ret, size_t size);

/**
 * Names @p count addresses of a process, or of the kernel.
 * @param pid as this process sees it; negative: kernel addresses. Of a process that has ended, what
 * is known from before is used. If there is none, no address has a name.
 * @param flags enum ebcc_symbol_flags, or'ed.
 * @param[out] ret @p count symbols of @p symbol_size bytes each.
 * @return EBCC_ERROR_NO_MEMORY; EBCC_ERROR_PERMISSION where the kernel hides its addresses from
 * this user.
 */
EBCC_API struct ebcc_error *ebcc_symbolizer_resolve(struct ebcc_symbolizer *symbolizer, int pid,
						    const uint64_t *addresses, size_t count,
						    unsigned flags, struct ebcc_symbol *ret,
						    size_t symbol_size);

/** Reads a process's memory map now, so that its addresses can be named when it has ended.
 *  EBCC_ERROR_NOT_FOUND: there is no such process. */
EBCC_API struct ebcc_error *ebcc_symbolizer_add_process(struct ebcc_symbolizer *symbolizer,
							int pid);
/** Forgets a process. Does nothing for one that isn't known. */
EBCC_API void ebcc_symbolizer_forget_process(struct ebcc_symbolizer *symbolizer, int pid);

/**
 * The address of a function in a process or (negative @p pid) in the kernel.
 * @param module path or file name of what it is in, or NULL: the first that has it.
 * @return EBCC_ERROR_NOT_FOUND.
 */
EBCC_API struct ebcc_error *ebcc_symbolizer_find_name(struct ebcc_symbolizer *symbolizer, int pid,
						      const char *module, const char *name,
						      uint64_t *ret);

/** Makes an ELF file known by its build id. EBCC_ERROR_NOT_FOUND: no such file; EBCC_ERROR_FORMAT:
 * it has no build id. */
EBCC_API struct ebcc_error *ebcc_symbolizer_add_file(struct ebcc_symbolizer *symbolizer,
						     const char *path);
/**
 * Names a place in a file that ebcc_symbolizer_add_file() has seen.
 * @param build_id @p size bytes; a longer id than that is compared by its beginning.
 * @param file_offset in bytes, as a BPF_STACK_TRACE_BUILDID table has it.
 * @param[out] ret @p symbol_size bytes; without a module where no file has the id.
 */
EBCC_API struct ebcc_error *ebcc_symbolizer_resolve_build_id(struct ebcc_symbolizer *symbolizer,
							     const void *build_id, size_t size,
							     uint64_t file_offset, unsigned flags,
							     struct ebcc_symbol *ret,
							     size_t symbol_size);

/** @} */

/**
 * @defgroup trace_pipe The trace pipe
 * @{
 */

struct ebcc_trace_pipe;
/** Opens what bpf_trace_printk() of all programs of the machine writes to. Each line goes to one
 *  reader. @p nonblocking: reading doesn't wait. EBCC_ERROR_UNSUPPORTED: tracefs is not mounted;
 *  EBCC_ERROR_PERMISSION: it may not be read. */
EBCC_API struct ebcc_error *ebcc_trace_pipe_open(bool nonblocking, struct ebcc_trace_pipe **ret);
/** NULL is allowed. */
EBCC_API void ebcc_trace_pipe_close(struct ebcc_trace_pipe *pipe);
/** One line without its newline, borrowed until the next call; NULL when there is none
 *  (non-blocking). Signals: EBCC_ERROR_INTERRUPTED. */
EBCC_API struct ebcc_error *ebcc_trace_pipe_read(struct ebcc_trace_pipe *pipe, const char **ret);

/** @} */

/** "MAJOR.MINOR.PATCH". Static. */
EBCC_API const char *ebcc_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EBCC_H */
