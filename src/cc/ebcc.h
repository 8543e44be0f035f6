/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ebcc.h
 *
 * ebcc compiles C source strings into BPF programs at run time, loads and attaches them, and
 * brings their data back. This is the only installed header.
 *
 * Conventions
 *
 * - A function that can fail returns `struct ebcc_error *`: NULL on success, otherwise an error
 *   that the caller owns and frees with ebcc_error_destroy(). Results come last, through `ret`
 *   parameters, and are written only on success.
 * - The documentation of a function names the errors that are specific to it. Besides these, any
 *   function that returns an error can return EBCC_ERROR_NO_MEMORY, and EBCC_ERROR_OS if a system
 *   call fails, or EBCC_ERROR_PERMISSION if it fails with EPERM or EACCES.
 * - Handles are opaque. The `_destroy` and `_close` functions of handles accept NULL. Programs,
 *   tables and types are borrowed from their module and live as long as it. Links belong to the
 *   caller, but destroying a module also destroys the links of its programs that still exist, so
 *   nothing stays attached.
 * - Strings are NUL-terminated: UTF-8, or raw bytes as the kernel has them. Strings that are passed
 *   in are copied unless stated otherwise.
 * - An option struct begins with `sz`, which the caller sets to sizeof the struct, so that later
 *   versions can add members. A member that is zero, or that the caller's version lacks, has its
 *   default; options of NULL mean all defaults. EBCC_ERROR_INVALID_ARGUMENT: sz is not set, or the
 *   struct is from a newer version and sets a member that this version does not know.
 * - Result structs can grow, too. A function that fills one in takes its size as the caller knows
 *   it, such as sizeof(struct ebcc_symbol); for an array, that of each element. Members that only
 *   the caller's newer version knows are set to zero.
 * - Flags and values of enumerations are checked: EBCC_ERROR_INVALID_ARGUMENT names the bits, or
 *   the value, that this version does not know.
 * - If an object has several of something, a function whose name ends in `_count` returns their
 *   number, and one that ends in `_at` returns one of them, by an index from 0 on. Past the last
 *   one, the latter returns NULL or false.
 * - Functions are named `ebcc_OBJECT_VERB`, or `ebcc_OBJECT_PROPERTY` if they only look something
 *   up.
 * - Nothing is printed. Messages go to the log callback of the module or symbolizer.
 *
 * Threads
 *
 * - Functions that take no handle may be called by any thread at any time, except
 *   ebcc_errno_message(), whose text the next call replaces.
 * - A module, with its programs, tables, types and links, is used by one thread at a time.
 *   Different modules are independent. Once the maps exist, other threads may access the entries of
 *   a module's tables (lookup, update, delete, next_key, read_all, clear, push, pop, peek, and the
 *   functions for many entries and for stacks), even while one thread polls. Destroying the module
 *   does not wait for them.
 * - A symbolizer, a struct ebcc_usdt with its probes, and a trace pipe are each used by one thread
 *   at a time. They are independent of each other and of modules, except that attaching to a USDT
 *   probe uses both the module and the probe.
 * - An error depends on nothing else: any one thread may read and destroy it, even after the object
 *   that it came from is gone.
 * - Callbacks run on the thread whose call caused them.
 * - After fork(), parent and child share what is in the kernel. The child may use tables and ring
 *   buffers, but gets EBCC_ERROR_STATE for perf buffers, which only the process that opened them
 *   can read. What the child destroys closes its copies of the descriptors; whatever the parent
 *   attached stays attached.
 *
 * Environment
 *
 * Variables are read by the call that needs them. An option for the same thing takes precedence.
 * All except PATH are ignored if the program runs with more privilege than its user (AT_SECURE), as
 * a setuid program does.
 *
 * - EBCC_CACHE: directory of the disk cache, or "off".
 * - EBCC_KERNEL_TYPES: "btf", "headers" or "auto", like opts->kernel_types of a module.
 * - EBCC_KERNEL_CONFIG: a file with the running kernel's configuration.
 * - BCC_KERNEL_SOURCE, BCC_KERNEL_MODULES_SUFFIX: where the kernel headers are.
 * - BCC_LINUX_VERSION_CODE: the value of the macro LINUX_VERSION_CODE.
 * - ARCH: the architecture to compile for.
 * - EBCC_CC: path of the compiler's helper process; EBCC_CC_TIMEOUT and EBCC_CC_MEMORY: its limits,
 *   in seconds (default 60) and MiB (default 4096).
 * - EBCC_TRACE: if it is 1, a module that is destroyed prints one line to standard error: how many
 *   milliseconds each of its stages took. The library prints nothing else.
 * - BCC_DEBUGINFO_ROOT, BCC_SYMFS: debug_root and symfs of a symbolizer.
 * - XDG_CACHE_HOME and HOME: where the cache is by default, except for root, who has it in
 *   /var/cache/ebcc; PATH: where programs that are named without a directory are searched for.
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

/** The version of this header. ebcc_version() returns that of the library in use. */
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
	EBCC_ERROR_OS = 3,		 /**< a system call failed; see ebcc_error_errno() */
	EBCC_ERROR_PERMISSION = 4,	 /**< the required privilege is missing */
	EBCC_ERROR_NOT_FOUND = 5,	 /**< something that the caller named does not exist */
	EBCC_ERROR_UNSUPPORTED = 6,	 /**< this kernel or machine can't do it */
	EBCC_ERROR_COMPILE = 7,		 /**< the source does not compile, or the compiler failed;
					  *  details: clang's diagnostics */
	EBCC_ERROR_KERNEL_TYPES = 8,	 /**< kernel types are not available */
	EBCC_ERROR_LOAD = 9,		 /**< the kernel refused a map or program; details: the
					  *  verifier's log */
	EBCC_ERROR_ATTACH = 10,		 /**< attaching failed */
	EBCC_ERROR_FORMAT = 11,		 /**< data from outside is malformed */
	EBCC_ERROR_STATE = 12,	     /**< called at the wrong time: too late, too early, twice */
	EBCC_ERROR_INTERRUPTED = 13, /**< a signal arrived, or the caller asked to stop */
	EBCC_ERROR_CALLBACK = 14,    /**< a callback of the caller asked to stop */
	/** The object was compiled for another kernel than the running one, or contains the number
	 *  of CPUs of another machine as a constant. */
	EBCC_ERROR_OTHER_KERNEL = 15,
};

struct ebcc_error;

/** The kind of failure. */
EBCC_API enum ebcc_error_code ebcc_error_code(const struct ebcc_error *error);
/** The positive errno of the system call that failed, or 0. */
EBCC_API int ebcc_error_errno(const struct ebcc_error *error);
/** What failed and what to do about it, in plain words. Never NULL; lives as long as the error. */
EBCC_API const char *ebcc_error_message(const struct ebcc_error *error);
/** The path, program, function or symbol that the error is about, or NULL. Lives as long as the
 *  error. */
EBCC_API const char *ebcc_error_subject(const struct ebcc_error *error);
/** What an errno means: the text of strerror(), or, for numbers from 512 on, which leak out of the
 *  kernel, a text of the library's own, such as that of 524, ENOTSUPP. Never NULL; borrowed until
 *  the next call of this function or of strerror(). */
EBCC_API const char *ebcc_errno_message(int errnum);
/** clang's diagnostics or the verifier's log, or NULL. The message already sums them up. Lives as
 *  long as the error. */
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

/** Receives one message, without a trailing newline, on the thread whose call caused it. @p message
 *  is borrowed for the call. */
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
	EBCC_KERNEL_TYPES_AUTO = 0, /**< BTF; kernel headers if that does not compile */
	EBCC_KERNEL_TYPES_BTF = 1,
	EBCC_KERNEL_TYPES_HEADERS = 2,
};

/** Where the compiler runs. */
enum ebcc_compiler {
	EBCC_COMPILER_HELPER = 0,     /**< in the helper process ebcc-cc, beside the library */
	EBCC_COMPILER_IN_PROCESS = 1, /**< in this process: LLVM stays loaded, and its fatal
				       *   errors end the process */
};

/** Debug bits: what to collect for ebcc_module_debug_text(). Their values are those of the Python
 *  module's DEBUG_ constants. */
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
	const char *file_name;	 /**< shown in diagnostics; includes in quotes are looked for in its
				  *  directory; default "main.c" */
	const char *header_text; /**< text that is put before the source (the bindings' hdr_file) */
	const char *const *cflags; /**< extra flags for clang: -D, -I, -include, -W... */
	size_t cflag_count;	   /**< of cflags */
	unsigned debug;		   /**< enum ebcc_debug, or'ed */
	enum ebcc_kernel_types kernel_types;
	enum ebcc_compiler compiler;
	/** A file with BTF (raw, or in an ELF file) to compile against in place of the running
	 *  kernel's. Such a module can be loaded here only if the types are the same
	 *  (EBCC_ERROR_OTHER_KERNEL). Version and configuration stay those of the running kernel,
	 *  unless kernel_root is set. */
	const char *btf_path;
	/** To compile ahead for another kernel: a directory with copies of files of that kernel's
	 *  system, under their own paths. NULL: the running kernel. These are read:
	 *  proc/sys/kernel/osrelease, version and arch; sys/kernel/btf/...;
	 *  sys/kernel/tracing/events/.../format; sys/kernel/notes; sys/devices/system/cpu/possible;
	 *  boot/config-RELEASE or proc/config.gz (without either, the names of the configuration
	 *  have no value). osrelease and btf/vmlinux (or btf_path) must exist. */
	const char *kernel_root;
	const void *second_object; /**< for ebcc_module_create_from_object(): the result of
				    *  ebcc_module_second_object(), or NULL; copied. Objects that
				    *  ebcc_module_save() wrote contain it */
	size_t second_object_size; /**< in bytes */
	const char *device;	   /**< network device for hardware offload, or NULL */
	bool no_rlimit;		   /**< do not raise RLIMIT_MEMLOCK (needed before Linux 5.11) */
	ebcc_log_fn log;	   /**< NULL: messages are dropped */
	void *log_ctx;		   /**< passed to log */
	/** Called with interrupted_ctx, on the calling thread, by functions that take long: about
	 *  ten times a second while the helper process compiles, and before each program that
	 *  ebcc_module_attach_named() attaches. If it returns true, the function fails with
	 *  EBCC_ERROR_INTERRUPTED, and creates or attaches nothing. NULL: never called. */
	bool (*interrupted)(void *ctx);
	void *interrupted_ctx;
	/** Also load what was compiled for another kernel of the same machine type, or does not say
	 *  for which. What it reads of that kernel's types may be at other offsets here. */
	bool any_kernel;
	/** Compile an object that other kernels of the same machine type can load: accesses to
	 *  members of kernel types are adjusted to the kernel when programs are loaded. Only BTF
	 *  can provide the types. EBCC_ERROR_COMPILE names what can't be adjusted. */
	bool portable;
	/** For ebcc_module_create(): an object store in memory, the files of a store's directory
	 *  one after the other (in any order), which is looked into before other stores. Borrowed
	 *  for the call. NULL: none. */
	const void *objects;
	size_t objects_size; /**< in bytes */
};

/**
 * Compiles @p source and prepares its maps and programs. Nothing is in the kernel yet.
 *
 * @param source C text in the dialect, @p size bytes; needs no terminating NUL. Copied.
 * @param[out] ret the module, owned by the caller.
 * @return
 * - EBCC_ERROR_COMPILE
 * - EBCC_ERROR_KERNEL_TYPES
 * - EBCC_ERROR_NOT_FOUND: a file that must be in opts->kernel_root, or that EBCC_KERNEL_CONFIG
 *   names, is missing
 * - EBCC_ERROR_FORMAT: BTF is malformed
 * - EBCC_ERROR_UNSUPPORTED: programs can't be compiled for this machine type
 * - EBCC_ERROR_INTERRUPTED: opts->interrupted returned true, or a handler of a signal such as
 *   SIGINT ran in this thread while the helper process compiled
 */
EBCC_API struct ebcc_error *ebcc_module_create(const char *source, size_t size,
					       const struct ebcc_module_opts *opts,
					       struct ebcc_module **ret);

/**
 * Compiles a source file of at most 16 MiB. opts->file_name defaults to @p path.
 * @return what ebcc_module_create() returns; EBCC_ERROR_FORMAT: not a regular file, or larger.
 */
EBCC_API struct ebcc_error *ebcc_module_create_from_file(const char *path,
							 const struct ebcc_module_opts *opts,
							 struct ebcc_module **ret);

/**
 * Creates a module from an object that was compiled earlier, maybe elsewhere. This needs neither a
 * compiler nor kernel types. The object contains offsets and constants of the kernel that it was
 * compiled for, and records which kernel that is: by its build id, or by release and version if
 * that is unknown, and by its BTF if that came from a file named by the caller. On any other kernel
 * it is refused, unless nothing in it depends on the kernel. Objects of other compilers have no
 * such record and are accepted: what they read is either relocated at load (CO-RE), or the
 * responsibility of whoever made them.
 *
 * @param object the bytes that ebcc_module_object() returned; @p size bytes, copied.
 * @param opts those for compiling are ignored. If a program is rejected by the verifier,
 *        second_object is tried.
 * @return
 * - EBCC_ERROR_INVALID_ARGUMENT: the object is empty
 * - EBCC_ERROR_FORMAT: it is not a BPF object, or is malformed
 * - EBCC_ERROR_OTHER_KERNEL: it is for another kernel, and the message names both; or ebcc made
 *   it without such a record. With opts->any_kernel, this is returned only for another machine
 *   type
 */
EBCC_API struct ebcc_error *ebcc_module_create_from_object(const void *object, size_t size,
							   const struct ebcc_module_opts *opts,
							   struct ebcc_module **ret);

/**
 * The same with an object in a file, such as ebcc_module_save() writes.
 * @return also EBCC_ERROR_OS if it can't be read, and EBCC_ERROR_FORMAT if it is not a regular
 *         file.
 */
EBCC_API struct ebcc_error *ebcc_module_create_from_object_file(const char *path,
								const struct ebcc_module_opts *opts,
								struct ebcc_module **ret);

/**
 * Writes the module's object to a file, to be loaded later, maybe on other machines: on kernels
 * like the one that it was compiled for, or on any kernel if it was compiled with opts->portable.
 * The code of the second pipeline, for programs that the verifier of some kernel rejects
 * otherwise, is compiled if necessary, and is in the same file. The file is written completely or
 * not at all. The module may be loaded or not.
 * @return EBCC_ERROR_OS: the file can't be written; else what ebcc_module_create() returns
 */
EBCC_API struct ebcc_error *ebcc_module_save(struct ebcc_module *module, const char *path);

/**
 * Adds the object of a module that was compiled from a source with opts->portable to an object
 * store (a directory, which is created if necessary), under a key made from the source, the name of
 * its file without directories, opts->header_text, the flags, the machine type and ebcc's version.
 * ebcc_module_create() with the same ones then takes it from there, without a compiler, on any
 * machine that has a copy of the store: where the environment variable EBCC_OBJECTS names it, or
 * PREFIX/lib/ebcc/objects of the installed library, or opts->objects. If it doesn't fit the kernel
 * there, the source is compiled. The code of both pipelines is stored, as by ebcc_module_save().
 *
 * If the environment variable EBCC_RECORD names a directory, ebcc_module_create() compiles all
 * sources with opts->portable and adds them to it.
 *
 * @param directory an absolute path.
 * @return
 * - EBCC_ERROR_INVALID_ARGUMENT: the module is not portable or has no source, or the path is not
 *   absolute
 * - EBCC_ERROR_OS: the store can't be written, or other users can write to it
 * - what ebcc_module_save() returns
 */
EBCC_API struct ebcc_error *ebcc_module_store(struct ebcc_module *module, const char *directory);

/** Detaches, unloads and frees everything of the module, including its links. NULL is allowed. */
EBCC_API void ebcc_module_destroy(struct ebcc_module *module);

/*
 * Global variables of the source. `const volatile` ones are constants, whose values the verifier
 * uses: they can be set only before load. All others can be set at any time. Both are set by
 * ebcc_module_write_global(). ebcc_module_set_constant() does the same for constants, and refuses
 * all other variables.
 */
/**
 * Sets a `const volatile` global variable of the source before load.
 * @param size of @p value in bytes, which must be the variable's.
 * @return
 * - EBCC_ERROR_STATE: the module has been loaded, or loading it was tried
 * - EBCC_ERROR_NOT_FOUND: there is no such variable, with similar names in the message, or it is
 *   not const
 * - EBCC_ERROR_INVALID_ARGUMENT: the size is wrong
 * - EBCC_ERROR_FORMAT: the object has no data for it
 */
EBCC_API struct ebcc_error *ebcc_module_set_constant(struct ebcc_module *module, const char *name,
						     const void *value, size_t size);

/** The type of a global variable of the source, or NULL if there is none of that name. Borrowed
 *  from the module. */
EBCC_API const struct ebcc_type *ebcc_module_global_type(const struct ebcc_module *module,
							 const char *name);
/** How many global variables the source has, including constants. Variables that no program uses
 *  may be missing. */
EBCC_API size_t ebcc_module_global_count(const struct ebcc_module *module);
/** The name of a global variable by its index, or NULL. Borrowed from the module. */
EBCC_API const char *ebcc_module_global_name_at(const struct ebcc_module *module, size_t index);
/**
 * Copies the value of a global variable: after load, at any time, what programs see and write;
 * before, its initial value. A value of 1, 2, 4 or 8 bytes is copied atomically if @p value is
 * aligned to its size.
 * @param size of @p value in bytes, which must be the variable's.
 * @return
 * - EBCC_ERROR_NOT_FOUND: there is no such variable, with similar names in the message
 * - EBCC_ERROR_INVALID_ARGUMENT: the size is wrong
 * - EBCC_ERROR_FORMAT: the object has no data for it
 * - EBCC_ERROR_UNSUPPORTED: the kernel can't map variables into memory (before Linux 5.5)
 */
EBCC_API struct ebcc_error *ebcc_module_read_global(struct ebcc_module *module, const char *name,
						    void *value, size_t size);
/**
 * Sets a global variable, in the same way.
 * @return what ebcc_module_read_global() returns; EBCC_ERROR_STATE: the variable is const and the
 * module has been loaded, since programs were verified with its value.
 */
EBCC_API struct ebcc_error *ebcc_module_write_global(struct ebcc_module *module, const char *name,
						     const void *value, size_t size);

/**
 * Creates the maps. Called when a program is loaded or a table is used; calling it again does
 * nothing. Programs are loaded one by one, when they are needed.
 * @return
 * - EBCC_ERROR_LOAD or EBCC_ERROR_PERMISSION: the kernel refuses a map
 * - EBCC_ERROR_UNSUPPORTED: it has no maps of this type; or the source calls ebcc_ns_pid_tgid()
 *   or ebcc_ns_task_pid_tgid(), and ebcc_process_pid_namespace() fails or the kernel's BTF does
 *   not describe its PIDs
 * - EBCC_ERROR_NOT_FOUND: opts->device or the inner map of a table does not exist, or no module
 *   of this process has published a table that is declared extern
 * - EBCC_ERROR_INVALID_ARGUMENT: such a table has other sizes
 * - EBCC_ERROR_OTHER_KERNEL: opts->btf_path, opts->kernel_root or the variable ARCH made it a
 *   module for another kernel, unless opts->any_kernel is set
 * - EBCC_ERROR_STATE: an earlier attempt failed
 */
EBCC_API struct ebcc_error *ebcc_module_load(struct ebcc_module *module);

/**
 * Loads and attaches every program whose name (`kprobe__FN`, `tracepoint__CAT__EV`, ...) or section
 * (`SEC("kprobe/FN")`, `SEC("uprobe/BINARY:SYMBOL")`, ...) says where it goes, except those for
 * which ebcc_program_is_optional() is true. If one fails, all that this call attached are detached
 * again. The links belong to the module.
 * @return what ebcc_program_attach_named() returns; EBCC_ERROR_INTERRUPTED.
 */
EBCC_API struct ebcc_error *ebcc_module_attach_named(struct ebcc_module *module);
/**
 * Loads and attaches one program if its name or its section says where it goes. If the source gives
 * a section that says something else than the name, the section decides.
 * @param[out] ret the link; NULL if neither says it, and for an iterator (`bpf_iter__...`,
 * `SEC("iter/...")`), which is only loaded.
 * @return what the function that attaches programs of this kind returns;
 * EBCC_ERROR_INVALID_ARGUMENT: the target is not complete, such as a tracepoint without its
 * category.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_named(struct ebcc_program *program,
						      struct ebcc_link **ret);
/** Whether the program's section begins with a question mark: it is attached only on request. */
EBCC_API bool ebcc_program_is_optional(const struct ebcc_program *program);

/** The ELF object that the source was compiled to. Borrowed from the module.
 *  @param[out] ret_size in bytes. */
EBCC_API const void *ebcc_module_object(const struct ebcc_module *module, size_t *ret_size);

/**
 * The object of the second pipeline, which optimizes less and sometimes passes the verifier when
 * the first one's doesn't. If you compile ahead, keep it together with ebcc_module_object(). It is
 * compiled when first needed.
 * @param[out] ret borrowed from the module.
 * @param[out] ret_size in bytes.
 * @return EBCC_ERROR_STATE: the module was created from an object without a second one; what
 * ebcc_module_create() returns.
 */
EBCC_API struct ebcc_error *ebcc_module_second_object(struct ebcc_module *module, const void **ret,
						      size_t *ret_size);

/** The text collected for one debug bit, or NULL. Borrowed until more is added to it: when a
 *  program is loaded or attached, or the second object is compiled. */
EBCC_API const char *ebcc_module_debug_text(const struct ebcc_module *module, enum ebcc_debug bit);

/** @} */

/**
 * @defgroup program Programs
 *
 * Types of programs are the kernel's `enum bpf_prog_type`, as numbers (linux/bpf.h).
 * @{
 */

struct ebcc_program_opts {
	size_t sz;
	int attach_type;      /**< `enum bpf_attach_type`; ignored unless has_attach_type is set */
	bool has_attach_type; /**< false: the attach type is that of the program's section */
};

/** How many of the source's functions are programs: those that are not static. */
EBCC_API size_t ebcc_module_program_count(const struct ebcc_module *module);
/** The program at an index, or NULL. Borrowed from the module. */
EBCC_API struct ebcc_program *ebcc_module_program_at(const struct ebcc_module *module,
						     size_t index);
/**
 * Finds a program by the name of its function.
 * @param[out] ret borrowed from the module.
 * @return EBCC_ERROR_NOT_FOUND, with similar names in the message, or a hint if the function is
 * static.
 */
EBCC_API struct ebcc_error *ebcc_module_find_program(const struct ebcc_module *module,
						     const char *name, struct ebcc_program **ret);

/** The name of the program's function. Borrowed from the module. */
EBCC_API const char *ebcc_program_name(const struct ebcc_program *program);
/** The program's descriptor, or -1 before it is loaded. Borrowed: don't close it. */
EBCC_API int ebcc_program_fd(const struct ebcc_program *program);
/** The type that the program was loaded with, or 0. */
EBCC_API unsigned ebcc_program_type(const struct ebcc_program *program);
/**
 * Loads the program with a type, after creating the maps if necessary. Does nothing if it is loaded
 * with the same type already, and the same attach type if that is given.
 * @param type 0: the type that the program's section says (`SEC("xdp")`).
 * @return
 * - EBCC_ERROR_LOAD: the kernel refuses the program; details: the verifier's log
 * - EBCC_ERROR_STATE: it is loaded with another type or attach type
 * - EBCC_ERROR_INVALID_ARGUMENT: @p type is 0 and the section says none; it is not that of the
 *   program's section; or programs of this type need an attach type
 * - EBCC_ERROR_NOT_FOUND: the function or hook that it is for does not exist
 * - EBCC_ERROR_UNSUPPORTED
 * - EBCC_ERROR_PERMISSION
 * - what ebcc_module_load() returns
 */
EBCC_API struct ebcc_error *ebcc_program_load(struct ebcc_program *program, unsigned type,
					      const struct ebcc_program_opts *opts);
/** Pins the program: gives it a name in a BPF file system, by which the kernel keeps it loaded
 *  after this process ends. @p path is as for ebcc_link_pin(). EBCC_ERROR_STATE: it is not loaded.
 */
EBCC_API struct ebcc_error *ebcc_program_pin(struct ebcc_program *program, const char *path);
/** Removes a pin of the program. The errors are those of ebcc_link_unpin(); EBCC_ERROR_STATE: it is
 *  not loaded. */
EBCC_API struct ebcc_error *ebcc_program_unpin(struct ebcc_program *program, const char *path);
/** The program's instructions as compiled, 8 bytes each, before relocation; once it is loaded,
 *  those of the pipeline that it was loaded from. Borrowed until it is loaded or attached.
 *  @param[out] ret_size in bytes. */
EBCC_API const void *ebcc_program_instructions(const struct ebcc_program *program,
					       size_t *ret_size);

/** The input and the results of a test run. Sizes are in bytes. */
struct ebcc_test_run_opts {
	size_t sz;
	const void *data_in;  /**< the packet, at least 14 bytes, for programs that take packets */
	size_t data_size_in;  /**< of data_in */
	void *data_out;	      /**< receives the packet as the program leaves it; or NULL */
	size_t data_size_out; /**< room in data_out; set to the size of that packet, 0 if there is
			       *  none */
	/** The context: a struct __sk_buff or xdp_md; up to 12 arguments of 64 bits of a raw
	 *  tracepoint; for a program of type SYSCALL, whatever it takes. Or NULL. */
	const void *ctx_in;
	size_t ctx_size_in;  /**< of ctx_in, at most 65535 */
	void *ctx_out;	     /**< receives the context as the program leaves it; or NULL */
	size_t ctx_size_out; /**< room in ctx_out; set to what was written */
	uint32_t repeat;     /**< how many times to run it, with packets only; 0: once */
	uint32_t flags;	     /**< BPF_F_TEST_RUN_ON_CPU, BPF_F_TEST_XDP_LIVE_FRAMES, or 0 */
	uint32_t cpu;	   /**< where a raw tracepoint's program runs, with BPF_F_TEST_RUN_ON_CPU */
	int32_t retval;	   /**< set to what the program returned from its last run */
	uint32_t duration; /**< set to the average nanoseconds of a run, with packets only */
};
/**
 * Has the kernel run a loaded program now, on data of the caller (BPF_PROG_TEST_RUN). It need not
 * be attached. Possible for socket filters, XDP, TC, the packet programs of control groups, raw
 * tracepoints, programs of type SYSCALL and some others.
 * @param[in,out] opts may be NULL. Unchanged on failure.
 * @return
 * - EBCC_ERROR_STATE: the program is not loaded
 * - EBCC_ERROR_UNSUPPORTED: the kernel can't do this for programs of its type
 * - EBCC_ERROR_INVALID_ARGUMENT: the kernel refuses the options, a size is given without its
 *   buffer, or a buffer for results is too small (the message names the size; the program has
 *   run)
 * - EBCC_ERROR_INTERRUPTED: a signal arrived
 */
EBCC_API struct ebcc_error *ebcc_program_test_run(struct ebcc_program *program,
						  struct ebcc_test_run_opts *opts);

/** @} */

/**
 * @defgroup attach Attaching
 *
 * Each function loads the program, if it isn't loaded, with the type that fits, and returns a link,
 * which the caller owns. Errors, besides those of ebcc_program_load():
 * - EBCC_ERROR_NOT_FOUND: a function, symbol, file or event does not exist; similar names are in
 *   the message
 * - EBCC_ERROR_ATTACH: the kernel refuses
 * - EBCC_ERROR_UNSUPPORTED: this kernel can't do it at all, or has no attach cookies for this kind
 *   of program and one is set
 * - EBCC_ERROR_PERMISSION: this user may not
 * - EBCC_ERROR_STATE: the program is loaded with another type
 *
 * An attach cookie is a number that the program gets from bpf_get_attach_cookie(); 0: none.
 * @{
 */

struct ebcc_kprobe_opts {
	size_t sz;
	const char *function; /**< kernel function, as FUNCTION or MODULE:FUNCTION; required */
	uint64_t offset;      /**< of the probe in the function, in bytes; not for return probes */
	bool on_return;	      /**< when the function returns, not when it is called */
	unsigned max_active; /**< how many calls can be waiting for their return at once, for return
			      *  probes; 0: the kernel's default */
	uint64_t cookie;     /**< attach cookie (Linux 5.15) */
};
/**
 * Runs a program at the entry of a kernel function, at an offset in it, or at its return. If the
 * function does not exist, but one with the suffix "_noprof" does, because the name is a macro
 * since Linux 6.10, attaches to that one.
 * @return EBCC_ERROR_INVALID_ARGUMENT: no function, or options that contradict each other.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_kprobe(struct ebcc_program *program,
						       const struct ebcc_kprobe_opts *opts,
						       struct ebcc_link **ret);

struct ebcc_uprobe_opts {
	size_t sz;
	const char *binary; /**< path, or the name of a library ("c" or "libc.so.6") or program, as
			     *  the process sees it; required */
	const char *symbol; /**< a function, or NULL: the address is used */
	uint64_t address;   /**< without a symbol: virtual address as in the ELF file */
	uint64_t offset;    /**< added to the symbol's or the given address, in bytes */
	bool on_return;	    /**< when the function returns, not when it is called */
	int pid;	    /**< one process, or 0 or -1 for all */
	uint64_t cookie;    /**< attach cookie (Linux 5.15) */
	uint64_t semaphore_offset; /**< offset of a USDT semaphore in the file, below 2^32; or 0 */
};
/**
 * Runs a program at a place in a program or library, or at the return of a function there. Warns in
 * the log if the function has variants (IFUNC) and the probe is in the one that chooses, and of
 * return probes in Go programs (ebcc_binary_is_go()).
 * @return EBCC_ERROR_FORMAT: the file is not an ELF file; EBCC_ERROR_INVALID_ARGUMENT: no binary,
 * or neither symbol nor address.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_uprobe(struct ebcc_program *program,
						       const struct ebcc_uprobe_opts *opts,
						       struct ebcc_link **ret);

struct ebcc_tracepoint_opts {
	size_t sz;
	uint64_t cookie; /**< attach cookie (Linux 5.15) */
};
/** Runs a program at a tracepoint. Its context is the record that the event's format file
 *  describes. EBCC_ERROR_INVALID_ARGUMENT: category or event can't be names. */
EBCC_API struct ebcc_error *ebcc_program_attach_tracepoint(struct ebcc_program *program,
							   const char *category, const char *event,
							   const struct ebcc_tracepoint_opts *opts,
							   struct ebcc_link **ret);
struct ebcc_raw_tracepoint_opts {
	size_t sz;
	uint64_t cookie; /**< attach cookie (Linux 6.10) */
};
/** Runs a program at a tracepoint, with the tracepoint's own arguments in the context in place of
 *  the record. Does not need tracefs. A program that is loaded as a writable raw tracepoint is
 *  accepted, too. */
EBCC_API struct ebcc_error *
ebcc_program_attach_raw_tracepoint(struct ebcc_program *program, const char *event,
				   const struct ebcc_raw_tracepoint_opts *opts,
				   struct ebcc_link **ret);

/** The options of perf_event_open(2), except that pid and cpus differ. */
struct ebcc_perf_event_opts {
	size_t sz;
	uint32_t type;
	uint64_t config;
	uint64_t sample_period; /**< run once every so many events; either this or sample_freq */
	uint64_t sample_freq;	/**< run so many times a second */
	int pid;		/**< one process or thread, or 0 or -1 for all. Unlike in the system
				 *  call, 0 is not the calling thread: use gettid() for that */
	const int *cpus;	/**< the CPUs to open the event on, all of which must be online; or
				 *  NULL: every online CPU */
	size_t cpu_count;	/**< of cpus */
	int group_fd;		/**< the leader of the group, or 0 or -1: none */
	const void *attr;	/**< a whole struct perf_event_attr, which replaces type, config,
				 *  sample_period and sample_freq; or NULL */
	size_t attr_size;	/**< of attr, in bytes */
	uint64_t cookie;	/**< attach cookie (Linux 5.15) */
};
/**
 * Runs a program at each sample of a perf event. One link holds the events of all chosen CPUs.
 * @return
 * - EBCC_ERROR_NOT_FOUND: a CPU is not online, or the process does not exist
 * - EBCC_ERROR_UNSUPPORTED: this machine doesn't have the event
 * - EBCC_ERROR_INVALID_ARGUMENT: both sample_period and sample_freq, or neither; a frequency
 *   above the limit; other invalid options
 */
EBCC_API struct ebcc_error *ebcc_program_attach_perf_event(struct ebcc_program *program,
							   const struct ebcc_perf_event_opts *opts,
							   struct ebcc_link **ret);

struct ebcc_trace_opts {
	size_t sz;
	uint64_t cookie; /**< attach cookie (Linux 6.0) */
};
/**
 * Attaches a program to a target that the kernel's BTF describes. The target is part of the
 * program's name, which the macros KFUNC_PROBE, KRETFUNC_PROBE, KMOD_RET and LSM_PROBE make:
 * `kfunc__FUNCTION`, `kfunc__MODULE__FUNCTION`, `lsm__HOOK`.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the program's name is not of this form; EBCC_ERROR_LOAD: the
 * kernel can't trace the function.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_trace(struct ebcc_program *program,
						      const struct ebcc_trace_opts *opts,
						      struct ebcc_link **ret);

struct ebcc_iter_opts {
	size_t sz;
	struct ebcc_table *table; /**< the table whose elements the program visits, for
				   *  `bpf_map_elem` and similar; or NULL */
};
/** Prepares an iterator (BPF_ITER) for ebcc_link_open_iter(). EBCC_ERROR_INVALID_ARGUMENT: the
 *  program's name is not that of an iterator. */
EBCC_API struct ebcc_error *ebcc_program_attach_iter(struct ebcc_program *program,
						     const struct ebcc_iter_opts *opts,
						     struct ebcc_link **ret);
/**
 * Opens a descriptor. Reading it runs the iterator from the start and returns what it writes.
 * @param link from ebcc_program_attach_iter().
 * @param[out] ret owned by the caller, who closes it.
 */
EBCC_API struct ebcc_error *ebcc_link_open_iter(struct ebcc_link *link, int *ret);

struct ebcc_xdp_opts {
	size_t sz;
	unsigned flags; /**< XDP_FLAGS_ bits (linux/if_link.h); 0: the kernel chooses the mode */
};
/**
 * Runs an XDP program on a network interface of the caller's network namespace.
 * Destroying the link removes the program if the interface still has it.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_xdp(struct ebcc_program *program,
						    const char *device,
						    const struct ebcc_xdp_opts *opts,
						    struct ebcc_link **ret);
/** Removes whatever XDP program an interface has, in the mode that @p flags names (0: any).
 *  EBCC_ERROR_NOT_FOUND: there is no such interface; EBCC_ERROR_ATTACH: the kernel refuses. */
EBCC_API struct ebcc_error *ebcc_device_remove_xdp(const char *device, unsigned flags);

/** No options yet. */
struct ebcc_socket_opts {
	size_t sz;
};
/** Makes a program the filter of a socket until the link is destroyed. The socket remains the
 *  caller's; the link has a copy of its descriptor. EBCC_ERROR_INVALID_ARGUMENT: @p socket_fd is
 *  not a descriptor. */
EBCC_API struct ebcc_error *ebcc_program_attach_socket(struct ebcc_program *program, int socket_fd,
						       const struct ebcc_socket_opts *opts,
						       struct ebcc_link **ret);
struct ebcc_raw_socket_opts {
	size_t sz;
	const char *device; /**< the interface whose packets it gets; NULL or "": all interfaces */
};
/**
 * Opens a raw packet socket with a program as its filter. ebcc_link_fd() returns the socket, which
 * is non-blocking and delivers whole packets. It is closed with the link.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_raw_socket(struct ebcc_program *program,
							   const struct ebcc_raw_socket_opts *opts,
							   struct ebcc_link **ret);

struct ebcc_descriptor_opts {
	size_t sz;
	unsigned flags; /**< BPF_F_ALLOW_MULTI and others that BPF_PROG_ATTACH takes */
};
/**
 * Attaches a program with the kernel's BPF_PROG_ATTACH to what a descriptor stands for: a control
 * group's directory, a table of sockets, a device.
 * @param fd borrowed for the call; the link keeps a copy.
 * @param attach_type `enum bpf_attach_type`. A program that isn't loaded yet is loaded with the
 *                    type that this implies.
 * @return EBCC_ERROR_INVALID_ARGUMENT: @p fd is not a descriptor; or the program isn't loaded, and
 * the attach type does not imply a type.
 */
EBCC_API struct ebcc_error *ebcc_program_attach_descriptor(struct ebcc_program *program, int fd,
							   int attach_type,
							   const struct ebcc_descriptor_opts *opts,
							   struct ebcc_link **ret);

struct ebcc_kprobe_multi_opts {
	size_t sz;
	bool on_return;		 /**< when the functions return, not when they are called */
	const uint64_t *cookies; /**< attach cookies (Linux 5.18), one for each function; or NULL */
	bool session;		 /**< when they are called and when they return (Linux 6.10) */
};
/**
 * Attaches a program to many kernel functions: with a single link for all of them if the kernel has
 * such links (kprobe.multi), otherwise one by one. Functions that turn out not to be probeable are
 * left out.
 *
 * In a session, one program runs when a function is called and again when it returns;
 * bpf_session_is_return() says which, and bpf_session_cookie() is the address of 8 bytes that both
 * runs for one call share. A call for which the first run returns 1 has no second one. There is no
 * slow way to do this.
 * @param functions @p count names, each of a single function, such as those that
 *        ebcc_kernel_find_functions() returns. A name that is given twice is used once.
 * @return if none could be attached to: the error of the last one; EBCC_ERROR_INVALID_ARGUMENT:
 *         @p count is 0, or both on_return and session are set; EBCC_ERROR_UNSUPPORTED: session is
 *         set, and the kernel has none, or the source has a table of programs.
 */
EBCC_API struct ebcc_error *
ebcc_program_attach_kprobe_multi(struct ebcc_program *program, const char *const *functions,
				 size_t count, const struct ebcc_kprobe_multi_opts *opts,
				 struct ebcc_link **ret);

struct ebcc_uprobe_multi_opts {
	size_t sz;
	bool on_return;		  /**< when the functions return, not when they are called */
	int pid;		  /**< one process, or 0 or -1 for all */
	const char *const *names; /**< what ebcc_link_function_at() shows, one for each address;
				   *  NULL: the addresses as text */
	const uint64_t *cookies;  /**< attach cookies (Linux 5.15), one for each address; or NULL */
	const uint64_t *semaphore_offsets; /**< offsets of USDT semaphores in the file, one for each
					    *  address, 0 for none; or NULL */
	bool session; /**< when they are called and when they return (Linux 6.13) */
};
/**
 * Attaches a program to many places of one program or library: with a single link for all of them
 * if the kernel has such links (uprobe.multi, Linux 6.6), otherwise one by one. Places that the
 * kernel refuses are left out. For sessions see ebcc_program_attach_kprobe_multi().
 * @param binary path, or the name of a library or program, as the process sees it.
 * @param addresses @p count virtual addresses as in the ELF file, such as those that
 *        ebcc_binary_find_functions() returns. One that is given twice is used once, with what is
 *        said of it first.
 * @return if none could be attached to: the error of the last one; EBCC_ERROR_FORMAT: the file is
 *         not an ELF file; EBCC_ERROR_INVALID_ARGUMENT and EBCC_ERROR_UNSUPPORTED: as for
 *         ebcc_program_attach_kprobe_multi().
 */
EBCC_API struct ebcc_error *
ebcc_program_attach_uprobe_multi(struct ebcc_program *program, const char *binary,
				 const uint64_t *addresses, size_t count,
				 const struct ebcc_uprobe_multi_opts *opts, struct ebcc_link **ret);
/** How many functions such a link is attached to; 0 for other links. */
EBCC_API size_t ebcc_link_function_count(const struct ebcc_link *link);
/** The name of one of these functions, or NULL. Borrowed until the next call of
 *  ebcc_link_detach_function(), or until the link is detached or destroyed. */
EBCC_API const char *ebcc_link_function_at(const struct ebcc_link *link, size_t index);
/**
 * Detaches one function, and others of the same name. Calls of the rest may be missed while the
 * kernel replaces their link.
 * @return EBCC_ERROR_NOT_FOUND: the link is not attached to the function; EBCC_ERROR_ATTACH: the
 * functions that shared a link with it can't be attached again, and are detached, too.
 */
EBCC_API struct ebcc_error *ebcc_link_detach_function(struct ebcc_link *link, const char *function);

/**
 * Detaches the link. It must still be destroyed. It is not an error if the link is already
 * detached, or if someone else has detached the program.
 * @return EBCC_ERROR_ATTACH: detaching failed, and the kernel may still run the program.
 */
EBCC_API struct ebcc_error *ebcc_link_detach(struct ebcc_link *link);
/**
 * Detaches many links together, which takes the kernel less time than one after the other: their
 * programs no longer run within some milliseconds. What then takes long is the removal of perf
 * events, of which tracepoints, kprobes and, before Linux 6.6, user probes need one each: the
 * kernel removes one at a time. ebcc_module_destroy() detaches in the same way.
 * @return the first error of any; the other links are detached nevertheless.
 */
EBCC_API struct ebcc_error *ebcc_links_detach(struct ebcc_link *const *links, size_t count);
/** How many links of the module's programs are attached, so that who waits for
 *  ebcc_module_destroy() can be told. One for many functions that the kernel has no link for counts
 *  once for each. */
EBCC_API size_t ebcc_module_link_count(const struct ebcc_module *module);
/** Detaches and frees the link. The program stays loaded. NULL is allowed. */
EBCC_API void ebcc_link_destroy(struct ebcc_link *link);
/** The descriptor that keeps the program attached (of a perf event or a BPF link; if there are
 *  several, the first), or -1. Borrowed: don't close it. */
EBCC_API int ebcc_link_fd(const struct ebcc_link *link);
/** What the program is attached to, for people: "kprobe:vfs_read". Lives as long as the link. */
EBCC_API const char *ebcc_link_name(const struct ebcc_link *link);
/**
 * Pins the link: gives it a name in a BPF file system. The program then stays attached after the
 * link is destroyed and after this process ends, until ebcc_link_unpin() is called or the file is
 * removed.
 * @param path a new file in a directory of a BPF file system, usually /sys/fs/bpf.
 * @return EBCC_ERROR_UNSUPPORTED: the link is not a single BPF link of the kernel: it has several
 * descriptors, or, depending on the kernel, is of another kind; EBCC_ERROR_STATE: it is detached.
 */
EBCC_API struct ebcc_error *ebcc_link_pin(struct ebcc_link *link, const char *path);
/** Removes a pin of the link. EBCC_ERROR_NOT_FOUND: there is no such file;
 *  EBCC_ERROR_INVALID_ARGUMENT: it is the pin of another object. Also the errors of
 *  ebcc_link_pin(). */
EBCC_API struct ebcc_error *ebcc_link_unpin(struct ebcc_link *link, const char *path);

/** @} */

/**
 * @defgroup usdt USDT probes
 *
 * Places that the author of a program marked for tracing, with arguments (`.note.stapsdt`, as
 * systemtap's sys/sdt.h writes it). A probe is named PROVIDER:NAME, is in one file, and may have
 * several locations there, each with its arguments in different registers and memory.
 *
 * A struct ebcc_usdt describes the probes of a file or a process and is independent of any module.
 * Its probes, and their strings, are borrowed from it. It may be closed while programs are
 * attached.
 * @{
 */

struct ebcc_usdt;
struct ebcc_usdt_probe;

/** At least one of pid and binary is required. */
struct ebcc_usdt_opts {
	size_t sz;
	int pid;	    /**< the process in which programs will run; 0 or -1: every process */
	const char *binary; /**< path, or the name of a library or program, as the process sees it;
			     *  NULL: all files that the process maps as code */
};

/**
 * Reads the probes of a file or a process. There may be none. If no file is named, those that can't
 * be read are skipped.
 * @param[out] ret owned by the caller.
 * @return
 * - EBCC_ERROR_NOT_FOUND: there is no such file or process
 * - EBCC_ERROR_FORMAT: the named file is not an ELF file, its notes are malformed, or there
 *   are more than a million of them
 * - EBCC_ERROR_UNSUPPORTED: /proc belongs to another PID namespace
 * - EBCC_ERROR_INVALID_ARGUMENT: neither a process nor a file
 */
EBCC_API struct ebcc_error *ebcc_usdt_open(const struct ebcc_usdt_opts *opts,
					   struct ebcc_usdt **ret);
/** Frees the probes. Programs that are attached to them stay attached. NULL is allowed. */
EBCC_API void ebcc_usdt_close(struct ebcc_usdt *usdt);

/** How many probes there are. They are in the order of the files, and of the notes in each file. */
EBCC_API size_t ebcc_usdt_probe_count(const struct ebcc_usdt *usdt);
/** The probe at an index, or NULL. */
EBCC_API const struct ebcc_usdt_probe *ebcc_usdt_probe_at(const struct ebcc_usdt *usdt,
							  size_t index);
/**
 * Finds a probe by "PROVIDER:NAME" or "NAME"; the first one, if several files have it.
 * @return EBCC_ERROR_NOT_FOUND, with similar names in the message; EBCC_ERROR_INVALID_ARGUMENT:
 * several providers have a probe of this NAME.
 */
EBCC_API struct ebcc_error *ebcc_usdt_find_probe(const struct ebcc_usdt *usdt, const char *name,
						 const struct ebcc_usdt_probe **ret);

/** The two parts of a probe's name. */
EBCC_API const char *ebcc_usdt_probe_provider(const struct ebcc_usdt_probe *probe);
EBCC_API const char *ebcc_usdt_probe_name(const struct ebcc_usdt_probe *probe);
/** The path of the file, as the process sees it, or, without a process, as this one does. */
EBCC_API const char *ebcc_usdt_probe_binary(const struct ebcc_usdt_probe *probe);
/** The virtual address, as in the file, of the semaphore of the probe's first location, or 0: a
 *  counter of tracers (2 bytes) that the program checks before it computes the arguments. */
EBCC_API uint64_t ebcc_usdt_probe_semaphore(const struct ebcc_usdt_probe *probe);
/** The offset of the same semaphore in the file, or 0, for callers that attach uprobes with
 *  semaphore_offset to the locations themselves. */
EBCC_API uint64_t ebcc_usdt_probe_semaphore_offset(const struct ebcc_usdt_probe *probe);
/** How many locations the probe has in its file. */
EBCC_API size_t ebcc_usdt_probe_location_count(const struct ebcc_usdt_probe *probe);
/** The largest number of arguments that any of its locations has. */
EBCC_API size_t ebcc_usdt_probe_argument_count(const struct ebcc_usdt_probe *probe);
/** The integer type that holds an argument of every location: "int32_t", "uint64_t", ... Static.
 *  @param index of the argument, from 0.
 *  @return NULL: no location has the argument, or none has it where it can be read. */
EBCC_API const char *ebcc_usdt_probe_argument_type(const struct ebcc_usdt_probe *probe,
						   size_t index);

struct ebcc_usdt_location {
	uint64_t address;      /**< virtual address as in the file */
	const char *arguments; /**< as in the note: "-4@%edi 8@-8(%rbp)"; borrowed */
	size_t argument_count;
};
/** @param[out] ret @p size bytes.
 *  @return false if @p index is out of range. */
EBCC_API bool ebcc_usdt_probe_location_at(const struct ebcc_usdt_probe *probe, size_t index,
					  struct ebcc_usdt_location *ret, size_t size);

/** Which members of struct ebcc_usdt_operand an argument's description uses, besides its size. */
enum ebcc_usdt_part {
	EBCC_USDT_PART_CONSTANT = 1, /**< constant; then nothing else */
	EBCC_USDT_PART_OFFSET = 2,   /**< offset: the argument is in memory */
	EBCC_USDT_PART_SYMBOL = 4,   /**< symbol, whose address is added */
	EBCC_USDT_PART_BASE = 8,     /**< base: a register */
	EBCC_USDT_PART_INDEX = 16,   /**< index: a register */
	EBCC_USDT_PART_SCALE = 32,   /**< scale of the index: 1, 2, 4 or 8 */
};

struct ebcc_usdt_operand {
	unsigned parts; /**< enum ebcc_usdt_part, or'ed; 0: the description isn't understood */
	unsigned size;	/**< in bytes: 1, 2, 4 or 8 */
	bool is_signed;
	unsigned scale;
	int64_t constant, offset;
	char base[8], index[8]; /**< as in the note, without "%" */
	char symbol[112];
	const char *unreadable; /**< why programs can't read it (static), or NULL: they can */
};
/** Describes one argument of a location. Both are given by their indices, from 0.
 *  @param[out] ret @p size bytes.
 *  @return false if there is no such argument. */
EBCC_API bool ebcc_usdt_probe_operand_at(const struct ebcc_usdt_probe *probe, size_t location,
					 size_t index, struct ebcc_usdt_operand *ret, size_t size);

struct ebcc_usdt_attach_opts {
	size_t sz;
	const char *probe;  /**< "PROVIDER:NAME" or "NAME", in every file that has it; required */
	bool every_process; /**< not only in the process that was opened */
	uint64_t cookie;    /**< attach cookie (Linux 5.15). In sources that read arguments of USDT
			     *  probes, these take up the kernel's only cookie: programs read this one
			     *  by bpf_usdt_cookie(ctx), on any kernel (EBCC_ERROR_UNSUPPORTED if
			     *  none does) */
};
/**
 * Runs a program at every location of a probe; bpf_usdt_readarg() reads the arguments there. The
 * link holds all locations and keeps the probe's semaphores raised. It is detached as a whole.
 *
 * The kernel raises the semaphores, and lowers them even if this process is killed. If it can't (it
 * is too old, the offset in the file needs more than 32 bits, or someone has set a probe there
 * without the semaphore), they are raised in the memory of the process. A tracer that is killed
 * then leaves them raised.
 *
 * @return
 * - EBCC_ERROR_NOT_FOUND, with similar names in the message
 * - EBCC_ERROR_INVALID_ARGUMENT: no name, or several providers have a probe of this NAME
 * - EBCC_ERROR_UNSUPPORTED: without a process, the kernel can't raise the semaphores, or has no
 *   attach cookies (before 5.15), which reading arguments needs unless the file is loaded at
 *   fixed addresses
 * - EBCC_ERROR_STATE: there is no room for more layouts of arguments (see
 *   ebcc_module_reserve_usdt()), or, without cookies, two processes have different arguments at
 *   the same address
 */
EBCC_API struct ebcc_error *ebcc_program_attach_usdt(struct ebcc_program *program,
						     const struct ebcc_usdt *usdt,
						     const struct ebcc_usdt_attach_opts *opts,
						     struct ebcc_link **ret);

/**
 * Makes room for @p count different layouts of arguments that the module's programs read; there is
 * always room for 256. Each takes about 250 bytes of kernel memory. Locations with the same layout
 * share it.
 * @return EBCC_ERROR_STATE: the module has been loaded, or loading it was tried.
 */
EBCC_API struct ebcc_error *ebcc_module_reserve_usdt(struct ebcc_module *module, uint32_t count);

/** @} */

/**
 * @defgroup table Tables
 *
 * A value of a per-CPU table consists of one element for each possible CPU, each rounded up to 8
 * bytes, one after the other. ebcc_table_value_size() is the size of all of them.
 *
 * Functions that need the maps create them if necessary, and then also return what
 * ebcc_module_load() returns. EBCC_ERROR_UNSUPPORTED: the kernel can't do this with tables of this
 * type. Other refusals of the kernel are EBCC_ERROR_OS with its errno.
 *
 * Sizes and numbers of entries that the source leaves open are final when the maps exist.
 * @{
 */

/** How many tables the source declares. */
EBCC_API size_t ebcc_module_table_count(const struct ebcc_module *module);
/** The table at an index, in the order of the object, or NULL. Borrowed from the module. */
EBCC_API struct ebcc_table *ebcc_module_table_at(const struct ebcc_module *module, size_t index);
/**
 * Finds a table by name. Creates the maps if necessary.
 * @param[out] ret borrowed from the module.
 * @return EBCC_ERROR_NOT_FOUND, with similar names in the message.
 */
EBCC_API struct ebcc_error *ebcc_module_find_table(struct ebcc_module *module, const char *name,
						   struct ebcc_table **ret);

/**
 * Sets how many entries a table will have room for, in place of what the source says; for a ring
 * buffer its size in bytes. A source for libbpf may leave it out: then it is 10240, and 256 kB for
 * a ring buffer.
 * @return EBCC_ERROR_NOT_FOUND: there is no such table; EBCC_ERROR_STATE: the module is loaded, or
 * that was tried; EBCC_ERROR_INVALID_ARGUMENT: @p entries is 0, or tables of this type have no such
 * number.
 */
EBCC_API struct ebcc_error *ebcc_module_set_max_entries(struct ebcc_module *module,
							const char *name, uint32_t entries);

/** The name that the source gives the table. Borrowed from the module. */
EBCC_API const char *ebcc_table_name(const struct ebcc_table *table);
/** The type of its map: `enum bpf_map_type`. */
EBCC_API unsigned ebcc_table_map_type(const struct ebcc_table *table);
/** The map's descriptor, or -1 before the maps exist. Borrowed: don't close it. */
EBCC_API int ebcc_table_fd(const struct ebcc_table *table);
/** The kernel's id of the map, as bpftool shows it; 0 before the maps exist. */
EBCC_API uint32_t ebcc_table_id(const struct ebcc_table *table);
/** The BPF_F_* flags that the table is declared with. */
EBCC_API unsigned ebcc_table_flags(const struct ebcc_table *table);
/** How many entries the table has room for; for a ring buffer, its size in bytes. */
EBCC_API uint32_t ebcc_table_max_entries(const struct ebcc_table *table);
/** The size of a key in bytes; 0 for queues and stacks, once the maps exist. */
EBCC_API size_t ebcc_table_key_size(const struct ebcc_table *table);
/** The size of a value in bytes, as the functions here take and return it: for a per-CPU table, of
 *  the elements of all CPUs. */
EBCC_API size_t ebcc_table_value_size(const struct ebcc_table *table);
/** The size of one element in bytes, as the source declares it. */
EBCC_API size_t ebcc_table_leaf_size(const struct ebcc_table *table);
/** Whether each entry has an element for each CPU. */
EBCC_API bool ebcc_table_is_per_cpu(const struct ebcc_table *table);
/** Whether keys are 32-bit numbers from 0 to ebcc_table_max_entries() - 1: an array of values,
 *  programs, tables, control groups, devices, CPUs, sockets or perf events. */
EBCC_API bool ebcc_table_is_array(const struct ebcc_table *table);
/** The number of CPUs that the kernel considers possible, which is also how many elements a per-CPU
 *  value has. EBCC_ERROR_OS: it can't be read from sysfs. */
EBCC_API struct ebcc_error *ebcc_kernel_possible_cpus(unsigned *ret);

/** Pins the table: gives it a name in a BPF file system, by which the kernel keeps it after this
 *  process ends. @p path is as for ebcc_link_pin(). Creates the maps if necessary. */
EBCC_API struct ebcc_error *ebcc_table_pin(struct ebcc_table *table, const char *path);
/** Removes a pin of the table. The errors are those of ebcc_link_unpin(). */
EBCC_API struct ebcc_error *ebcc_table_unpin(struct ebcc_table *table, const char *path);

/** The declared type of keys, or NULL if there is none, as in a queue. Borrowed from the module. */
EBCC_API const struct ebcc_type *ebcc_table_key_type(const struct ebcc_table *table);
/** The declared type of one element of a value, or NULL. Borrowed from the module. */
EBCC_API const struct ebcc_type *ebcc_table_leaf_type(const struct ebcc_table *table);
/** The type of what the source passes to perf_submit or ringbuf_output (a struct, or a plain type),
 *  or NULL. Borrowed from the module. */
EBCC_API const struct ebcc_type *ebcc_table_event_type(const struct ebcc_table *table);

/** Reads one entry. If there is no such key, sets *@p ret_found to false and does not touch
 *  @p value. */
EBCC_API struct ebcc_error *ebcc_table_lookup(struct ebcc_table *table, const void *key,
					      void *value, bool *ret_found);
/** Writes one entry.
 *  @param flags 0 (BPF_ANY), 1 (BPF_NOEXIST: the key must be new) or 2 (BPF_EXIST: it must not).
 *  @return EBCC_ERROR_OS with errno EEXIST or ENOENT accordingly, or E2BIG: the table is full. */
EBCC_API struct ebcc_error *ebcc_table_update(struct ebcc_table *table, const void *key,
					      const void *value, uint64_t flags);
/** Deletes one entry.
 *  @param[out] ret_found whether the key existed; NULL: a missing key is EBCC_ERROR_NOT_FOUND. */
EBCC_API struct ebcc_error *ebcc_table_delete(struct ebcc_table *table, const void *key,
					      bool *ret_found);
/** Gets the key that follows @p key, or the first one if @p key is NULL. Sets *@p ret_more to false
 *  if there is none. */
EBCC_API struct ebcc_error *ebcc_table_next_key(struct ebcc_table *table, const void *key,
						void *next, bool *ret_more);
/**
 * Reads the whole table, with the kernel's batch commands if it has them, otherwise entry by entry.
 * @param remove also deletes what was read (lookup and delete); an array's entries are zeroed.
 * @param[out] ret_keys *@p ret_count keys, one after the other, in malloc'ed memory that the caller
 *             frees. A queue or stack has keys of 0 bytes.
 * @param[out] ret_values their values, likewise.
 * @return EBCC_ERROR_UNSUPPORTED: the table is a queue or stack, and @p remove is false.
 */
EBCC_API struct ebcc_error *ebcc_table_read_all(struct ebcc_table *table, bool remove,
						void **ret_keys, void **ret_values,
						size_t *ret_count);
/** Deletes all entries; those of an array are zeroed. */
EBCC_API struct ebcc_error *ebcc_table_clear(struct ebcc_table *table);
/** Writes @p count entries, whose keys and values are laid out as by ebcc_table_read_all(). On
 *  failure, some may have been written. EBCC_ERROR_INVALID_ARGUMENT: more than 2^32 - 1. */
EBCC_API struct ebcc_error *ebcc_table_update_many(struct ebcc_table *table, const void *keys,
						   const void *values, size_t count);
/** Deletes those of @p count keys that exist; the entries of an array are zeroed. On failure, some
 *  may have been deleted. EBCC_ERROR_INVALID_ARGUMENT: more than 2^32 - 1. */
EBCC_API struct ebcc_error *ebcc_table_delete_many(struct ebcc_table *table, const void *keys,
						   size_t count);

/**
 * Adds a value to a queue or stack.
 * @param flags 0, or 2 (BPF_EXIST): if it is full, the oldest value is dropped.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the table is of another kind (for the next two functions,
 * too); EBCC_ERROR_OS with errno E2BIG: it is full.
 */
EBCC_API struct ebcc_error *ebcc_table_push(struct ebcc_table *table, const void *value,
					    uint64_t flags);
/** Takes the next value out of a queue or stack. *@p ret_found is false if it is empty. */
EBCC_API struct ebcc_error *ebcc_table_pop(struct ebcc_table *table, void *value, bool *ret_found);
/** Reads the next value and leaves it there. *@p ret_found is false if there is none. */
EBCC_API struct ebcc_error *ebcc_table_peek(struct ebcc_table *table, void *value, bool *ret_found);

struct ebcc_counters_opts {
	size_t sz;
	uint32_t type;	 /**< as in perf_event_open(2) */
	uint64_t config; /**< likewise */
	int pid; /**< one process or thread, or 0 or -1 for all, as in ebcc_perf_event_opts */
};
/**
 * Puts counters of a perf event into a BPF_PERF_ARRAY table, for perf_read() and
 * perf_counter_value(): one for each online CPU, whose number is the key. They count as long as the
 * table exists.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the table is of another kind; EBCC_ERROR_UNSUPPORTED: this
 * machine doesn't have the event.
 */
EBCC_API struct ebcc_error *ebcc_table_open_counters(struct ebcc_table *table,
						     const struct ebcc_counters_opts *opts);

/**
 * Reads the addresses of one stack of a stack trace table, innermost first.
 * @param[out] addresses has room for @p capacity addresses.
 * @param[out] ret_count how many were written; 0 if there is no such stack.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the table is of another kind, or has build ids.
 */
EBCC_API struct ebcc_error *ebcc_table_read_stack(struct ebcc_table *table, int32_t stack_id,
						  uint64_t *addresses, size_t capacity,
						  size_t *ret_count);

/** What a frame of a BPF_STACK_TRACE_BUILDID table is. Values are the kernel's. */
enum ebcc_frame_status {
	EBCC_FRAME_EMPTY = 0,
	EBCC_FRAME_BUILD_ID = 1, /**< a file, identified by its build id, and an offset in it */
	EBCC_FRAME_ADDRESS = 2,	 /**< an address: the file has no build id, or it can't be read */
};
struct ebcc_build_id_frame {
	int32_t status; /**< enum ebcc_frame_status */
	unsigned char build_id[20];
	uint64_t offset; /**< in the file, in bytes; or the address */
};
/** Reads one stack of a table of build ids, as ebcc_table_read_stack() does.
 *  @param[out] frames has room for @p capacity frames of @p frame_size bytes each. */
EBCC_API struct ebcc_error *ebcc_table_read_build_id_stack(struct ebcc_table *table,
							   int32_t stack_id,
							   struct ebcc_build_id_frame *frames,
							   size_t frame_size, size_t capacity,
							   size_t *ret_count);

/** @} */

/**
 * @defgroup type Described values
 *
 * Typedefs and qualifiers are resolved: a type is what they stand for. Types and their strings are
 * borrowed from the module.
 * @{
 */

enum ebcc_type_kind {
	EBCC_TYPE_VOID = 0,
	EBCC_TYPE_INT = 1, /**< including _Bool and char; size and signedness tell integers apart */
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

/** The kind of a type. */
EBCC_API enum ebcc_type_kind ebcc_type_kind(const struct ebcc_type *type);
/** The typedef's name if the source uses one, otherwise the tag or the base type's name; "" for an
 *  anonymous type. */
EBCC_API const char *ebcc_type_name(const struct ebcc_type *type);
/** In bytes; 0 for void. */
EBCC_API size_t ebcc_type_size(const struct ebcc_type *type);
/** Whether an integer or enum is signed. */
EBCC_API bool ebcc_type_is_signed(const struct ebcc_type *type);
/** What an integer is declared as: a number, a character or a truth value. */
EBCC_API enum ebcc_int_encoding ebcc_type_encoding(const struct ebcc_type *type);
/** The element type of an array, or what a pointer points to: NULL if that is void or not
 *  described. NULL for other types. */
EBCC_API const struct ebcc_type *ebcc_type_target(const struct ebcc_type *type);
/** The number of elements of an array, members of a struct or union, or enumerators of an enum. */
EBCC_API size_t ebcc_type_count(const struct ebcc_type *type);

struct ebcc_member {
	const char *name; /**< "" for an anonymous struct or union */
	const struct ebcc_type *type;
	uint64_t bit_offset; /**< from the start of the struct or union */
	uint32_t bit_size;   /**< of a bit field; 0 for an ordinary member */
};
/** A member of a struct or union.
 *  @param[out] ret @p size bytes.
 *  @return false if @p index is out of range. */
EBCC_API bool ebcc_type_member_at(const struct ebcc_type *type, size_t index,
				  struct ebcc_member *ret, size_t size);
/** An enumerator of an enum.
 *  @return false if @p index is out of range. */
EBCC_API bool ebcc_type_enumerator_at(const struct ebcc_type *type, size_t index,
				      const char **ret_name, int64_t *ret_value);

/**
 * Prints a value as `{ 0x1 "text" [ 0x2 0x3 ] }`, the form that existing scripts expect: members in
 * order, numbers in hexadecimal; for a union, its largest member.
 * @param size of @p value in bytes, at least the type's.
 * @param[out] ret malloc'ed text, which the caller frees.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the size is too small; EBCC_ERROR_FORMAT: the text would be
 * longer than 16 MiB.
 */
EBCC_API struct ebcc_error *ebcc_type_print(const struct ebcc_type *type, const void *value,
					    size_t size, char **ret);
/**
 * Parses what ebcc_type_print() prints. Numbers may also be decimal, enumerators may be given by
 * name, and members as `.name = value`. Members that are left out are 0.
 * @param[out] value as many bytes as the type has are written.
 * @param size of @p value in bytes, at least the type's.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the size is too small, or the text is not a value of the
 * type; the message says where it fails.
 */
EBCC_API struct ebcc_error *ebcc_type_scan(const struct ebcc_type *type, const char *text,
					   void *value, size_t size);

/** @} */

/**
 * @defgroup events Events
 *
 * The perf and ring buffers of a module, read through one poll function. Callbacks run inside the
 * functions that poll and consume, on the calling thread. They may use the module's tables and
 * close readers, but must not destroy the module; polling it from a callback is EBCC_ERROR_STATE.
 * @{
 */

/**
 * Receives one event.
 * @param cpu where it was written; -1 for ring buffers.
 * @param data borrowed for the call.
 * @return non-zero to stop the poll, which then returns EBCC_ERROR_CALLBACK. The event counts as
 * delivered and does not come again.
 */
typedef int (*ebcc_event_fn)(void *ctx, int cpu, const void *data, size_t size);
/**
 * Is told that @p count more events were lost.
 * @param cpu where they were lost; -1 for ring buffers, for which one poll may call several times.
 * @return non-zero to stop the poll, as for events.
 */
typedef int (*ebcc_lost_fn)(void *ctx, int cpu, uint64_t count);

struct ebcc_events_opts {
	size_t sz;
	ebcc_event_fn event; /**< required */
	ebcc_lost_fn lost;   /**< or NULL */
	void *ctx;	     /**< passed to both */
	size_t page_count;   /**< perf buffers: pages per CPU, a power of two; default 8 */
	/** When to wake the reader. Perf buffers: after this many events; 0: in batches, with a
	 *  delay of at most about 30 ms. Ring buffers: at each event that is written when the
	 *  reader has caught up with the buffer; with 0, in batches while events keep coming. */
	unsigned wakeup_events;
};

/**
 * Opens the reader of a BPF_PERF_OUTPUT or BPF_RINGBUF_OUTPUT table. It stays open until
 * ebcc_table_close_events() or the end of the module. Creates the maps if necessary.
 * @return EBCC_ERROR_STATE: it is already open, or, for a perf buffer, another process that has
 * shared the table since a fork has it open and would receive no more events;
 * EBCC_ERROR_INVALID_ARGUMENT: the table is of another kind, there is no event callback, or
 * page_count is not a power of two up to 2^20.
 */
EBCC_API struct ebcc_error *ebcc_table_open_events(struct ebcc_table *table,
						   const struct ebcc_events_opts *opts);
/** Closes the reader of a table. Events that have not been delivered are dropped. May be called
 *  from a callback. Does nothing if there is no reader. */
EBCC_API void ebcc_table_close_events(struct ebcc_table *table);

/**
 * Waits for events and delivers them. Returns as soon as any were delivered, losses were reported,
 * or events turned out to be discarded by the programs; or at the timeout. Without a reader, it
 * only waits.
 * @param timeout_ms in milliseconds; negative: no limit.
 * @param[out] ret_count how many events were delivered; may be NULL.
 * @return
 * - EBCC_ERROR_INTERRUPTED: a signal arrived before anything was delivered
 * - EBCC_ERROR_CALLBACK: a callback stopped the poll
 * - EBCC_ERROR_STATE: called from a callback, or a perf buffer was opened by another process,
 *   before a fork
 */
EBCC_API struct ebcc_error *ebcc_module_poll(struct ebcc_module *module, int timeout_ms,
					     size_t *ret_count);
/** Delivers what the buffers hold, without waiting and regardless of wakeup_events. The errors are
 *  those of ebcc_module_poll(), except EBCC_ERROR_INTERRUPTED. */
EBCC_API struct ebcc_error *ebcc_module_consume(struct ebcc_module *module, size_t *ret_count);
/** Which buffers are read. */
enum ebcc_event_source {
	EBCC_EVENTS_ALL = 0,
	EBCC_EVENTS_PERF = 1,
	EBCC_EVENTS_RING = 2,
};
/** ebcc_module_poll() for one kind of buffers. EBCC_ERROR_STATE: @p source is EBCC_EVENTS_RING, and
 *  no ring buffer is open. Without perf buffers, EBCC_EVENTS_PERF waits for the timeout. */
EBCC_API struct ebcc_error *ebcc_module_poll_source(struct ebcc_module *module,
						    enum ebcc_event_source source, int timeout_ms,
						    size_t *ret_count);
/** ebcc_module_consume() for one kind of buffers. EBCC_ERROR_STATE as for
 *  ebcc_module_poll_source(). */
EBCC_API struct ebcc_error *ebcc_module_consume_source(struct ebcc_module *module,
						       enum ebcc_event_source source,
						       size_t *ret_count);
/** A descriptor for event loops: it is readable when there are events. From then on, ring buffers
 *  wake the reader for each event and not in batches. Borrowed from the module: don't close it. */
EBCC_API struct ebcc_error *ebcc_module_poll_fd(struct ebcc_module *module, int *ret);
/**
 * How many events the source's output methods failed to write, in total since load: those for which
 * there was no room; those that are too large for any record (more than 65516 bytes for perf
 * buffers, more than the buffer's size less 16 for ring buffers); and, while a reader is open,
 * those on CPUs where the perf buffer is not open yet. Creates the maps if necessary.
 * @return EBCC_ERROR_INVALID_ARGUMENT: the table is neither a perf nor a ring buffer.
 */
EBCC_API struct ebcc_error *ebcc_table_lost_count(struct ebcc_table *table, uint64_t *ret);

/** @} */

/**
 * @defgroup find Finding things
 *
 * Regular expressions are POSIX extended ones. They match from the start of a name, but not
 * necessarily to its end, like Python's re.match(); EBCC_ERROR_INVALID_ARGUMENT if one is invalid.
 * A list of strings ends with NULL and is one allocation, which the caller passes to free().
 * @{
 */

struct ebcc_find_opts {
	size_t sz;
	size_t limit; /**< at most this many, the first in order; 0: all */
};
/** How a file is found. */
struct ebcc_binary_opts {
	size_t sz;
	int pid; /**< files and libraries as that process sees them; 0: as this one does */
};

/** Lists the kernel functions that match and can be probed, sorted. A name that several of them
 *  have is left out, since the kernel couldn't tell which one is meant. */
EBCC_API struct ebcc_error *ebcc_kernel_find_functions(const char *regex,
						       const struct ebcc_find_opts *opts,
						       char ***ret, size_t *ret_count);
/** Lists the tracepoints that match, as CATEGORY:EVENT, sorted. EBCC_ERROR_UNSUPPORTED: tracefs is
 *  not mounted; EBCC_ERROR_PERMISSION: it can't be read. */
EBCC_API struct ebcc_error *ebcc_kernel_find_tracepoints(const char *regex,
							 const struct ebcc_find_opts *opts,
							 char ***ret, size_t *ret_count);
#define EBCC_NEAR_MAX 3
/**
 * Finds which of @p count names a wrong name may have been meant to be: those that differ by a few
 * typing mistakes, and those that contain it.
 * @param[out] ret their indices, the most similar first.
 * @return how many there are: 0 to EBCC_NEAR_MAX.
 */
EBCC_API size_t ebcc_names_find_near(const char *wanted, const char *const *names, size_t count,
				     size_t ret[EBCC_NEAR_MAX]);
/** Whether tracefs has the event. Also false if tracefs can't be read. */
EBCC_API bool ebcc_kernel_has_tracepoint(const char *category, const char *event);
/** The prefix of the functions of system calls on this kernel: "__x64_sys_", "sys_", ... Static. */
EBCC_API const char *ebcc_kernel_syscall_prefix(void);
/** The system call that a function belongs to, on a kernel of any architecture: "clone" for
 *  "sys_clone" and for "__x64_sys_clone". Points into @p function. NULL: it is not named like the
 *  function of a system call. */
EBCC_API const char *ebcc_syscall_name(const char *function);
/**
 * Lists the function symbols of an ELF file that match, sorted by name.
 * @param binary path, or the name of a library or program.
 * @param[out] ret_addresses the virtual address of each, as in the file; malloc'ed, freed by the
 *             caller.
 * @return EBCC_ERROR_NOT_FOUND: there is no such file or process; EBCC_ERROR_FORMAT: it is not an
 * ELF file.
 */
EBCC_API struct ebcc_error *ebcc_binary_find_functions(const char *binary, const char *regex,
						       const struct ebcc_binary_opts *opts,
						       char ***ret_names, uint64_t **ret_addresses,
						       size_t *ret_count);
/**
 * Finds the resolver of an indirect function (an IFUNC, such as strlen() of the C library), which
 * chooses one of the function's variants when the loader calls it.
 * @param binary path, or the name of a library or program.
 * @param[out] ret its virtual address, as in the file.
 * @return EBCC_ERROR_NOT_FOUND: there is no such file or function, or it is not indirect;
 * EBCC_ERROR_FORMAT: the file is not an ELF file.
 */
EBCC_API struct ebcc_error *ebcc_binary_find_ifunc_resolver(const char *binary, const char *name,
							    const struct ebcc_binary_opts *opts,
							    uint64_t *ret);
/**
 * Finds the path of a library ("c", "libc.so.6", or a path): in the mappings of the process
 * opts->pid, or, without one, in the loader's cache and directories on this system.
 * @param[out] ret malloc'ed, freed by the caller.
 * @return
 * - EBCC_ERROR_NOT_FOUND
 * - EBCC_ERROR_INVALID_ARGUMENT: the name is empty
 * - EBCC_ERROR_UNSUPPORTED: with a process, /proc belongs to another PID namespace
 */
EBCC_API struct ebcc_error *ebcc_library_find(const char *name, const struct ebcc_binary_opts *opts,
					      char **ret);

/**
 * Finds out whether an ELF file was built by the Go compiler. Go moves stacks, and a return probe
 * changes the return address on one, so the traced program can crash. Entry probes and USDT probes
 * are harmless.
 * @param binary path, or the name of a library or program.
 * @return EBCC_ERROR_NOT_FOUND: there is no such file or process; EBCC_ERROR_FORMAT: it is not an
 * ELF file.
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
/** Whether the running kernel loads and attaches such programs. The first call tries it; for events
 *  of kernel modules, the kernel's symbols tell. False without the privilege to try. */
EBCC_API bool ebcc_kernel_supports(enum ebcc_capability capability);

/**
 * Checks whether this thread may trace at all, for programs that prefer to say so immediately
 * rather than fail at the first thing that they try.
 * @return EBCC_ERROR_PERMISSION: it has neither CAP_SYS_ADMIN nor both CAP_BPF and CAP_PERFMON.
 */
EBCC_API struct ebcc_error *ebcc_privilege_check(void);

/**
 * Finds the PID namespace of this process. Unless it is the initial one, processes have other PIDs
 * here than those that bpf_get_current_pid_tgid() and tracepoints give to BPF programs. Sources can
 * call ebcc_ns_pid_tgid() and ebcc_ns_task_pid_tgid(), which return those of this namespace.
 * @param[out] ret the inode number of the namespace; 0 for the initial one.
 * @return EBCC_ERROR_UNSUPPORTED: /proc is not mounted, or belongs to another namespace.
 */
EBCC_API struct ebcc_error *ebcc_process_pid_namespace(uint32_t *ret);

/** Whether a struct or union of the running kernel has a member of that name, directly or in an
 *  anonymous member.
 *  @param record its tag.
 *  @return 1 or 0; -1 if the kernel has no such type, or no BTF. */
EBCC_API int ebcc_kernel_has_member(const char *record, const char *member);
/** Whether an enum of the running kernel has an enumerator of that name.
 *  @param enumeration its tag.
 *  @return 1 or 0; -1 if the kernel has no such type, or no BTF. */
EBCC_API int ebcc_kernel_has_enumerator(const char *enumeration, const char *enumerator);

/** @} */

/**
 * @defgroup symbolizer Symbols of processes
 *
 * A symbolizer finds the names of addresses: of processes, of the kernel, and of files identified
 * by their build id. It reads a process's memory map when first asked about the process, and again
 * when it may have changed; a file's symbol table when an address is in the file, once for all
 * processes that map it; and the perf map of a JIT compiler likewise. It keeps what it has read,
 * within limits, even after the process has ended. Files, maps and names are not trusted: at worst,
 * an address has no name, and ebcc_symbolizer_read_statistics() tells what was left out.
 * @{
 */

struct ebcc_symbolizer;

struct ebcc_symbolizer_opts {
	size_t sz;
	const char *debug_root; /**< directory with debug files; NULL: the environment variable
				 *  BCC_DEBUGINFO_ROOT, or /usr/lib/debug */
	const char *symfs; /**< directory with unstripped copies of files, under their own paths;
			    *  NULL: the environment variable BCC_SYMFS, or none */
	/** How many bytes to keep for processes and their files: memory maps, symbol tables, perf
	 *  maps, names. The least recently used are dropped first. A perf map may take half of it.
	 *  Nothing is dropped during a call, so the limit within one is twice as high. 0: 128 MiB;
	 *  less than 1 MiB means 1 MiB. */
	size_t memory_limit;
	/** How many milliseconds of processor time may be spent on reading all that; when they are
	 *  used up, nothing new is read. One tenth of the time that passes is added again, up to
	 *  this limit. 0: 10,000. */
	uint64_t time_limit;
	ebcc_log_fn log; /**< receives one warning for each reason to leave something out; must not
			  *  call the symbolizer. NULL: warnings are dropped */
	void *log_ctx;	 /**< passed to log */
};

/** What a symbolizer keeps, and how often it left something out, so that addresses have no name. */
struct ebcc_symbolizer_statistics {
	uint64_t memory;  /**< bytes that are kept */
	uint64_t dropped; /**< processes, tables and perf maps that were dropped to make room; they
			   *  are read again when needed */
	uint64_t too_large; /**< perf maps and symbol tables larger than may be kept */
	uint64_t no_memory; /**< tables and names not read: a call had used twice the limit */
	uint64_t no_time;   /**< files and memory maps not read: the time was used up */
};

enum ebcc_symbol_flags {
	EBCC_SYMBOL_MANGLED = 1, /**< leave C++ and Rust names as they are in the file */
};

/** What an address means. Strings are borrowed until the next call with the symbolizer. */
struct ebcc_symbol {
	/** The function's name; "NAME@plt" for a stub of the linker. NULL: unknown. */
	const char *name;
	/** The path of the file as the process sees it; "[vdso]"; or the path of the perf map. For
	 *  kernel addresses, the name of the kernel module, "bpf" for BPF programs, or "kernel".
	 *  NULL: unknown. */
	const char *module;
	/** In bytes. With a name: from the function's start. Without: the address in the file, as
	 *  nm shows it, or the offset in the file if its segments are unknown; without a module, or
	 *  in a perf map, the address itself. */
	uint64_t offset;
};

/** Creates a symbolizer. Nothing is read yet.
 *  @param[out] ret owned by the caller. */
EBCC_API struct ebcc_error *ebcc_symbolizer_create(const struct ebcc_symbolizer_opts *opts,
						   struct ebcc_symbolizer **ret);
/** Frees the symbolizer with all names that it returned. NULL is allowed. */
EBCC_API void ebcc_symbolizer_destroy(struct ebcc_symbolizer *symbolizer);

/** Reads the statistics since the symbolizer was created.
 *  @param[out] ret @p size bytes. */
EBCC_API void ebcc_symbolizer_read_statistics(const struct ebcc_symbolizer *symbolizer,
					      struct ebcc_symbolizer_statistics *ret, size_t size);

/**
 * Finds the names of @p count addresses of a process or of the kernel.
 * @param pid as this process sees it; negative: kernel addresses. For a process that has ended,
 *        what is known from before is used. If there is no such process, no address has a name.
 * @param flags enum ebcc_symbol_flags, or'ed.
 * @param[out] ret @p count symbols of @p symbol_size bytes each.
 * @return EBCC_ERROR_PERMISSION: the kernel hides its addresses from this user;
 * EBCC_ERROR_UNSUPPORTED: /proc belongs to another PID namespace.
 */
EBCC_API struct ebcc_error *ebcc_symbolizer_resolve(struct ebcc_symbolizer *symbolizer, int pid,
						    const uint64_t *addresses, size_t count,
						    unsigned flags, struct ebcc_symbol *ret,
						    size_t symbol_size);

/** Reads a process's memory map now, so that its addresses can be named after it has ended.
 *  EBCC_ERROR_NOT_FOUND: there is no such process; EBCC_ERROR_UNSUPPORTED: /proc belongs to another
 *  PID namespace. */
EBCC_API struct ebcc_error *ebcc_symbolizer_add_process(struct ebcc_symbolizer *symbolizer,
							int pid);
/** Forgets a process. Does nothing if it is unknown. */
EBCC_API void ebcc_symbolizer_forget_process(struct ebcc_symbolizer *symbolizer, int pid);

/**
 * Finds the address of a function in a process or, if @p pid is negative, in the kernel.
 * @param module path or file name of the file that it is in, or name of the kernel module; NULL:
 *        the first that has such a function.
 * @return EBCC_ERROR_NOT_FOUND: there is no such process or function; what
 * ebcc_symbolizer_resolve() returns.
 */
EBCC_API struct ebcc_error *ebcc_symbolizer_find_name(struct ebcc_symbolizer *symbolizer, int pid,
						      const char *module, const char *name,
						      uint64_t *ret);

/** Adds an ELF file, so that ebcc_symbolizer_resolve_build_id() finds it by its build id.
 *  EBCC_ERROR_NOT_FOUND: there is no such file; EBCC_ERROR_FORMAT: it has no build id. */
EBCC_API struct ebcc_error *ebcc_symbolizer_add_file(struct ebcc_symbolizer *symbolizer,
						     const char *path);
/**
 * Finds the name of a place in a file that was added by ebcc_symbolizer_add_file().
 * @param build_id @p size bytes. If the file's id has another size, the shorter of the two is
 *        compared with the beginning of the longer.
 * @param file_offset in bytes, as in a BPF_STACK_TRACE_BUILDID table.
 * @param flags enum ebcc_symbol_flags, or'ed.
 * @param[out] ret @p symbol_size bytes; has no module if no file has the id.
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
/**
 * Opens the trace pipe, to which bpf_trace_printk() of all programs on the machine writes. Only one
 * reader gets each line.
 * @param nonblocking whether ebcc_trace_pipe_read() returns NULL instead of waiting.
 * @param[out] ret owned by the caller.
 * @return EBCC_ERROR_UNSUPPORTED: tracefs is not mounted; EBCC_ERROR_PERMISSION: it can't be read.
 */
EBCC_API struct ebcc_error *ebcc_trace_pipe_open(bool nonblocking, struct ebcc_trace_pipe **ret);
/** Closes the trace pipe. NULL is allowed. */
EBCC_API void ebcc_trace_pipe_close(struct ebcc_trace_pipe *pipe);
/**
 * Reads one line. Lines of more than 16 KiB come in pieces.
 * @param[out] ret the line without its newline, borrowed until the next call; NULL if there is none
 * (non-blocking), or if tracing was turned off.
 * @return EBCC_ERROR_INTERRUPTED: a signal arrived.
 */
EBCC_API struct ebcc_error *ebcc_trace_pipe_read(struct ebcc_trace_pipe *pipe, const char **ret);

/** @} */

/** The version of the library in use: "MAJOR.MINOR.PATCH". Static. */
EBCC_API const char *ebcc_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EBCC_H */
