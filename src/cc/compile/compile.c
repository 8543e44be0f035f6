// SPDX-License-Identifier: Apache-2.0
/*
 * From source to object. The first compile is against the kernel types that the scan thinks the
 * source needs. If it fails, names in its diagnostics are added and the source is compiled again;
 * the last attempt is against every type of the kernel. So a wrong guess costs time but never
 * causes a failure. Sources that need more than BTF has are compiled against the kernel's headers,
 * if these are available.
 */
#include "compile/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice/diagnostics.h"
#include "advice/source_warnings.h"
#include "base/buf.h"
#include "compile/cache.h"
#include "compile/client.h"
#include "compile/headers.h"
#include "compile/store.h"
#include "compiler/answer.h"
#include "compiler/read_scope.h"
#include "kernel/info.h"
#include "kernel/pid_namespace.h"
#include "types/kernel_record.h"
#include "types/ktypes.h"
#include "types/source_scan.h"

/* Compiles against a growing selection before all of BTF is used. */
#define LEARNING_ROUNDS 4

/* BPF instruction set 3 (32-bit jumps), which every kernel since 5.1 supports. */
#define CPU_VERSION 3

/* The second pipeline does without 32-bit instructions where it can: after a comparison of the
 * lower half of a register, many verifiers know nothing about the whole. Some sources need them,
 * for atomic operations. */
#define PLAIN_CPU_VERSION 2

/* The number of CPUs that have a counter of lost events of their own in a portable object; further
 * CPUs share them. */
#define PORTABLE_CPUS 512

#define DEFAULT_FILE_NAME "main.c"
#define UNDEF_WARNINGS "-Wundef"
#define HEADER_TEXT_PATH EBCC_CC_ROOT "/header_text.h"

/* The caller's options, and everything that the request to the compiler points into. */
struct ebcc_compilation {
	const struct ebcc_log *log;
	enum ebcc_compiler where;
	char *source, *file_name, *header_text, *btf_path;
	char *kernel_root;	       /* or NULL: the running kernel */
	char *root_btf, *root_modules; /* where its BTF is */
	bool named;		       /* file_name is the caller's, not the default */
	enum ebcc_kernel_types types;
	struct ebcc_buf kernel_types;
	char *release;	     /* of the kernel; NULL until known */
	const char **cflags; /* strings of cflag_texts, and literals */
	char **cflag_texts;
	size_t cflag_count; /* the caller's */
	struct ebcc_cc_file files[2];
	char *working_directory;
	struct ebcc_read_scope readable;
	struct ebcc_cc_request request;
	struct ebcc_memory_store objects; /* the caller's */
	bool uses_stores;		  /* an object from a store will do */
	struct ebcc_cache_key store_keys[EBCC_CC_PIPELINE_PLAIN + 1];
	/* What a store needs of a portable compile besides the object: its warnings and the files
	 * that it read. */
	struct ebcc_cc_answer portable_answer;
	bool has_portable_answer;
	bool is_from_store; /* the first pipeline's object */
};

void ebcc_compilation_destroy(struct ebcc_compilation *compilation)
{
	if (!compilation)
		return;
	for (size_t i = 0; compilation->cflag_texts && i < compilation->cflag_count; i++)
		free(compilation->cflag_texts[i]);
	free(compilation->cflag_texts);
	free(compilation->cflags);
	free(compilation->release);
	free(compilation->source);
	free(compilation->file_name);
	free(compilation->header_text);
	free(compilation->btf_path);
	free(compilation->kernel_root);
	free(compilation->root_btf);
	free(compilation->root_modules);
	free(compilation->working_directory);
	ebcc_read_scope_deinit(&compilation->readable);
	ebcc_cc_answer_deinit(&compilation->portable_answer);
	ebcc_buf_deinit(&compilation->kernel_types);
	free(compilation);
}

static struct ebcc_error *copy_cflags(struct ebcc_compilation *compilation,
				      const struct ebcc_module_opts *opts)
{
	static const char *const include_header[] = {"-include", HEADER_TEXT_PATH};
	size_t own = opts->header_text ? 2 : 0;

	compilation->cflag_texts = calloc(opts->cflag_count + 1, sizeof(char *));
	/* One more for WARN_OF_UNDEFINED. */
	compilation->cflags = calloc(opts->cflag_count + own + 2, sizeof(char *));
	if (!compilation->cflag_texts || !compilation->cflags)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < opts->cflag_count; i++) {
		compilation->cflag_texts[i] = strdup(opts->cflags[i]);
		if (!compilation->cflag_texts[i])
			return ebcc_error_no_memory();
		compilation->cflags[i] = compilation->cflag_texts[i];
		compilation->cflag_count++;
	}
	for (size_t i = 0; i < own; i++)
		compilation->cflags[compilation->cflag_count + i] = include_header[i];
	compilation->request.cflags = compilation->cflags;
	compilation->request.cflag_count = compilation->cflag_count + own;
	return NULL;
}

static unsigned wanted_texts(unsigned debug)
{
	unsigned flags = 0;

	if (debug & EBCC_DEBUG_LLVM_IR)
		flags |= EBCC_CC_WANT_IR;
	if (debug & (EBCC_DEBUG_BPF | EBCC_DEBUG_SOURCE))
		flags |= EBCC_CC_WANT_ASM;
	if (debug & EBCC_DEBUG_PREPROCESSOR)
		flags |= EBCC_CC_WANT_PREPROCESSED;
	return flags;
}

/* Sets the paths of another kernel's BTF, used unless a BTF file was named. */
static struct ebcc_error *set_kernel_root(struct ebcc_compilation *compilation, const char *root)
{
	AUTO_BUF struct ebcc_buf modules = EBCC_BUF_INIT, vmlinux = EBCC_BUF_INIT;

	if (!root)
		return NULL;
	TRY(ebcc_copy_string(root, &compilation->kernel_root));
	ebcc_buf_printf(&modules, "%s/sys/kernel/btf", root);
	TRY(ebcc_buf_take(&modules, &compilation->root_modules, NULL));
	ebcc_buf_printf(&vmlinux, "%s/vmlinux", compilation->root_modules);
	return ebcc_buf_take(&vmlinux, &compilation->root_btf, NULL);
}

/* Whether an object for any kernel serves a compile with these options: it is to run here, against
 * this kernel's own types, and nothing else of the compile is wanted. */
static bool a_portable_object_serves(const struct ebcc_compilation *compilation,
				     const struct ebcc_module_opts *opts)
{
	return compilation->types != EBCC_KERNEL_TYPES_HEADERS && !opts->btf_path &&
	       !opts->kernel_root && !secure_getenv("ARCH") &&
	       !secure_getenv("BCC_LINUX_VERSION_CODE") && !wanted_texts(opts->debug) &&
	       !ebcc_store_recording();
}

/* Copies the caller's options, and sets up the request except for kernel and pipeline. */
static struct ebcc_error *compilation_init(struct ebcc_compilation *compilation,
					   const struct ebcc_log *log, const char *source,
					   size_t size, const struct ebcc_module_opts *opts)
{
	compilation->log = log;
	compilation->where = opts->compiler;
	compilation->named = opts->file_name;
	TRY(ebcc_compile_types(opts->kernel_types, &compilation->types));
	if (opts->portable && compilation->types == EBCC_KERNEL_TYPES_HEADERS)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a portable object can't be compiled against kernel "
					 "headers: these describe one kernel only");
	compilation->source = malloc(size + 1);
	if (!compilation->source)
		return ebcc_error_no_memory();
	if (size)
		memcpy(compilation->source, source, size);
	compilation->source[size] = '\0';
	TRY(ebcc_copy_string(opts->file_name ? opts->file_name : DEFAULT_FILE_NAME,
			     &compilation->file_name));
	TRY(ebcc_copy_string(opts->header_text, &compilation->header_text));
	TRY(ebcc_copy_string(opts->btf_path, &compilation->btf_path));
	TRY(set_kernel_root(compilation, opts->kernel_root));
	compilation->request = (struct ebcc_cc_request){
		.source = compilation->source,
		.source_size = size,
		.source_path = compilation->file_name,
		.files = compilation->files,
		.file_count = opts->header_text ? 2 : 1,
		/* Both architectures have one address space for kernel and user (kernel commit
		 * 0ebeea8ca8a4 lists those that don't), so helper 4 reads both. */
		.flags = wanted_texts(opts->debug) | (opts->portable ? EBCC_CC_PORTABLE : 0),
	};
	compilation->objects = (struct ebcc_memory_store){opts->objects, opts->objects_size};
	compilation->uses_stores = a_portable_object_serves(compilation, opts);
	compilation->files[0].path = EBCC_CC_KERNEL_TYPES;
	if (opts->header_text)
		compilation->files[1] = (struct ebcc_cc_file){.path = HEADER_TEXT_PATH,
							      .text = compilation->header_text,
							      .size = strlen(opts->header_text)};
	return copy_cflags(compilation, opts);
}

static bool is_portable(const struct ebcc_compilation *compilation)
{
	return compilation->request.flags & EBCC_CC_PORTABLE;
}

/* What one run through stages 1 to 4 works with; everything is borrowed. */
struct run_context {
	struct ebcc_kernel_info *kernel;
	struct ebcc_compiler_client *client;
	struct ebcc_disk_cache *cache;
	const struct ebcc_cache_key *key;
};

static struct ebcc_compiled compiled(const struct ebcc_compilation *compilation)
{
	return (struct ebcc_compiled){
		.source = compilation->source,
		.types = ebcc_buf_string(&compilation->kernel_types),
		.release = compilation->release,
	};
}

static void log_warnings(const struct ebcc_compilation *compilation,
			 const struct ebcc_cc_answer *answer)
{
	const struct ebcc_compiled about = compiled(compilation);

	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

		if (answer->diagnostics[i].severity != EBCC_CC_WARNING)
			continue;
		ebcc_diagnostics_render_warning(answer, i, &about, &text);
		if (text.size)
			ebcc_log(compilation->log, EBCC_LOG_WARNING, "%s", ebcc_buf_string(&text));
	}
}

/* Replaces clang's diagnostics. */
static struct ebcc_error *lacks_sections(const struct ebcc_compilation *compilation)
{
	struct ebcc_error *error = ebcc_error_create(
		EBCC_ERROR_COMPILE,
		"%s does not compile: it uses SEC(\"...\") and similar words of libbpf without the "
		"header that defines them: add #include <bpf/bpf_helpers.h>, which needs no other "
		"package",
		compilation->file_name);

	return ebcc_error_with_subject(error, compilation->file_name);
}

/* The error for a source that does not compile: the diagnostics without repetitions, and what stage
 * 2 had to leave out. */
static struct ebcc_error *compile_error(const struct ebcc_compilation *compilation,
					const struct ebcc_cc_answer *answer, const char *notes)
{
	const struct ebcc_compiled about = compiled(compilation);
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_error *error;

	if (ebcc_diagnostics_lack_sections(answer, &about))
		return lacks_sections(compilation);
	ebcc_diagnostics_render(answer, &about, EBCC_CC_WARNING, &text);
	if (*notes)
		ebcc_buf_printf(&text, "%s%s", text.size ? "\n" : "", notes);
	while (text.size && text.data[text.size - 1] == '\n')
		text.data[--text.size] = '\0';
	TRY(ebcc_buf_check(&text));
	if (answer->status == EBCC_CC_INTERNAL_ERROR)
		error = ebcc_error_create(EBCC_ERROR_COMPILE,
					  "the compiler failed on %s; this is a bug in it, please "
					  "report it with the source:\n%s",
					  compilation->file_name, ebcc_buf_string(&text));
	else
		error = ebcc_error_create(EBCC_ERROR_COMPILE, "%s does not compile:\n%s",
					  compilation->file_name, ebcc_buf_string(&text));
	error = ebcc_error_with_subject(error, compilation->file_name);
	return ebcc_error_with_details(error, ebcc_buf_string(&text));
}

/* Enables or disables clang's warning about undefined names in #if. */
static void set_undef_warnings(struct ebcc_compilation *compilation, bool wanted)
{
	struct ebcc_cc_request *request = &compilation->request;
	size_t own = compilation->header_text ? 2 : 0;

	request->cflag_count = compilation->cflag_count + own;
	if (wanted)
		compilation->cflags[request->cflag_count++] = UNDEF_WARNINGS;
}

/* Stage 2: writes the current selection of kernel types into the request. */
static struct ebcc_error *make_types(struct ebcc_compilation *compilation,
				     const struct run_context *with, struct ebcc_ktypes *ktypes,
				     bool whole)
{
	LOG_STAGE(compilation->log, TYPES);

	ebcc_buf_clear(&compilation->kernel_types);
	TRY(ebcc_ktypes_generate(ktypes, whole, &compilation->kernel_types));
	TRY(ebcc_kernel_record_write(with->kernel, ktypes, compilation->btf_path,
				     is_portable(compilation), &compilation->kernel_types));
	TRY(ebcc_buf_check(&compilation->kernel_types));
	compilation->files[0].text = ebcc_buf_string(&compilation->kernel_types);
	compilation->files[0].size = compilation->kernel_types.size;
	set_undef_warnings(compilation, *ebcc_ktypes_unknown(ktypes));
	return NULL;
}

/* Compiles against the current selection of kernel types. The caller frees @answer on success. */
static struct ebcc_error *compile_once(struct ebcc_compilation *compilation,
				       const struct run_context *with, struct ebcc_ktypes *ktypes,
				       bool whole, struct ebcc_cc_answer *answer)
{
	TRY(make_types(compilation, with, ktypes, whole));
	ebcc_log(compilation->log, EBCC_LOG_DEBUG, "%s: compiling against %s of BTF",
		 compilation->file_name, whole ? "all" : "a selection");
	return ebcc_compiler_client_compile(with->client, &compilation->request, answer);
}

/* Whether the source might compile with more kernel types, or with headers. */
static bool types_may_help(const struct ebcc_compilation *compilation,
			   const struct ebcc_cc_answer *answer,
			   bool (*may_help)(const struct ebcc_cc_answer *answer))
{
	const struct ebcc_compiled about = compiled(compilation);

	return may_help(answer) && !ebcc_diagnostics_lack_sections(answer, &about);
}

/* Compiles against selected types, then with learned ones added, and finally against all types.
 * @answer is that of the last round. */
static struct ebcc_error *compile_rounds(struct ebcc_compilation *compilation,
					 const struct run_context *with, struct ebcc_ktypes *ktypes,
					 struct ebcc_cc_answer *answer)
{
	for (int round = 0; round < LEARNING_ROUNDS; round++) {
		bool learned;

		ebcc_cc_answer_deinit(answer);
		TRY(compile_once(compilation, with, ktypes, false, answer));
		if (!types_may_help(compilation, answer, ebcc_ktypes_may_help))
			return NULL;
		TRY(ebcc_ktypes_learn(ktypes, answer->diagnostics, answer->diagnostic_count,
				      &learned));
		if (!learned)
			break;
	}
	ebcc_cc_answer_deinit(answer);
	return compile_once(compilation, with, ktypes, true, answer);
}

void ebcc_compile_output_deinit(struct ebcc_compile_output *output)
{
	free(output->object);
	free(output->ir);
	free(output->preprocessed);
	free(output->assembly);
}

/* Moves the answer's contents to the output. */
static void move_answer(struct ebcc_cc_answer *answer, struct ebcc_compile_output *output)
{
	output->object = TAKE_PTR(answer->object);
	output->object_size = answer->object_size;
	output->ir = TAKE_PTR(answer->ir);
	output->preprocessed = TAKE_PTR(answer->preprocessed);
	output->assembly = TAKE_PTR(answer->assembly);
}

/* The same for the first pipeline. What is left of a portable answer is kept. */
static void move_first_answer(struct ebcc_compilation *compilation, struct ebcc_cc_answer *answer,
			      struct ebcc_compile_output *output)
{
	move_answer(answer, output);
	compilation->is_from_store = output->from_store;
	compilation->has_portable_answer = is_portable(compilation) || output->from_store;
	if (!compilation->has_portable_answer)
		return;
	ebcc_cc_answer_deinit(&compilation->portable_answer);
	compilation->portable_answer = *answer;
	*answer = (struct ebcc_cc_answer){0};
}

#define AUTO_CLIENT CLEANUP(cleanup_client)
static void cleanup_client(struct ebcc_compiler_client **client)
{
	ebcc_compiler_client_destroy(*client);
}

#define AUTO_ANSWER CLEANUP(ebcc_cc_answer_deinit)

#define AUTO_KTYPES CLEANUP(cleanup_ktypes)
static void cleanup_ktypes(struct ebcc_ktypes **ktypes)
{
	ebcc_ktypes_destroy(*ktypes);
}

#define AUTO_HEADERS CLEANUP(cleanup_headers)
static void cleanup_headers(struct ebcc_kernel_headers **headers)
{
	ebcc_kernel_headers_destroy(*headers);
}

/* Stage 1 for the source and the text that precedes it. */
static struct ebcc_error *scan(const struct ebcc_compilation *compilation, struct ebcc_scan *ret)
{
	struct ebcc_scan_opts opts = {
		.path = compilation->named ? compilation->file_name : NULL,
		.cflags = compilation->cflags,
		.cflag_count = compilation->cflag_count,
	};
	LOG_STAGE(compilation->log, SCAN);

	TRY(ebcc_scan_source(compilation->source, compilation->request.source_size, &opts, ret));
	if (!compilation->header_text)
		return NULL;
	return ebcc_scan_text(ret, compilation->header_text, strlen(compilation->header_text));
}

/* Adds a warning about the whole source to the compiler's answer, so that it is cached too. */
static struct ebcc_error *add_warning(struct ebcc_cc_answer *answer, struct ebcc_buf *message)
{
	TRY(ebcc_buf_check(message));
	if (!ebcc_cc_answer_add_diagnostic(answer, EBCC_CC_WARNING, "", 0, 0,
					   ebcc_buf_string(message), NULL))
		return ebcc_error_no_memory();
	return NULL;
}

/* Whether @list, names separated by spaces, has the one of @size bytes at @name. */
static bool list_has(const char *list, const char *name, size_t size)
{
	for (const char *at = list; *at; at += strcspn(at, " ")) {
		at += *at == ' ';
		if (strcspn(at, " ") == size && !memcmp(at, name, size))
			return true;
	}
	return false;
}

/* Whether @message quotes one of the names in @list, as in "'CONFIG_HZ'". */
static bool quotes_any_of(const char *message, const char *list)
{
	for (const char *quote = strchr(message, '\''); quote; quote = strchr(quote + 1, '\''))
		if (list_has(list, quote + 1, strcspn(quote + 1, "'")))
			return true;
	return false;
}

static void append_config_places(const struct ebcc_kernel_info *kernel, struct ebcc_buf *text)
{
	ebcc_buf_append_string(text, "the kernel's configuration was not found (looked at ");
	ebcc_kernel_config_places(kernel, text);
	ebcc_buf_append_string(text, *kernel->root ? ")"
						   : "; the environment variable "
						     "EBCC_KERNEL_CONFIG can name a copy of it)");
}

/* Turns clang's warning that an undefined name evaluates to 0 in an #if into an error, for a name
 * whose value is unknown. */
static struct ebcc_error *report_unknown_value(struct ebcc_cc_answer *answer, size_t index)
{
	struct ebcc_cc_diagnostic *warning = &answer->diagnostics[index];
	static const char prefix[] = "warning: ";
	const char *rendered = strstr(warning->rendered, prefix);
	AUTO_BUF struct ebcc_buf message = EBCC_BUF_INIT, text = EBCC_BUF_INIT;

	ebcc_buf_printf(&message, "the value of %.*s is unknown",
			(int)strcspn(warning->message, " "), warning->message);
	if (rendered)
		ebcc_buf_append(&text, warning->rendered, rendered - warning->rendered);
	ebcc_buf_printf(&text, "error: %s%s", ebcc_buf_string(&message),
			rendered ? rendered + strcspn(rendered, "\n") : "\n");
	TRY(ebcc_buf_check(&message));
	TRY(ebcc_buf_check(&text));
	if (!ebcc_cc_answer_add_diagnostic(answer, EBCC_CC_ERROR, warning->path, warning->line,
					   warning->column, ebcc_buf_string(&message),
					   ebcc_buf_string(&text)))
		return ebcc_error_no_memory();
	answer->status = EBCC_CC_SOURCE_ERROR;
	return NULL;
}

static bool requests_undef_warnings(const struct ebcc_compilation *compilation)
{
	for (size_t i = 0; i < compilation->cflag_count; i++)
		if (!strcmp(compilation->cflags[i], UNDEF_WARNINGS))
			return true;
	return false;
}

/*
 * Handles names whose value is unknown. If one is used as a value, that is an error; if only tested
 * by #ifdef, where it counts as not set, a warning. @notes gets what is needed to understand an
 * error.
 */
static struct ebcc_error *handle_unknown_values(const struct ebcc_compilation *compilation,
						const struct ebcc_kernel_info *kernel,
						const char *unknown, struct ebcc_cc_answer *answer,
						struct ebcc_buf *notes)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	bool quoted = false;

	if (!*unknown)
		return NULL;
	for (size_t i = 0; i < answer->diagnostic_count;) {
		bool undefined =
			strstr(answer->diagnostics[i].message, "is not defined, evaluates");
		bool own = quotes_any_of(answer->diagnostics[i].message, unknown);

		if (undefined && own)
			TRY(report_unknown_value(answer, i));
		quoted |= own;
		if (undefined && (own || !requests_undef_warnings(compilation)))
			ebcc_cc_answer_remove_diagnostic(answer, i);
		else
			i++;
	}
	if (is_portable(compilation) && !quoted)
		return NULL;
	if (is_portable(compilation))
		ebcc_buf_append_string(&text,
				       "a portable object learns the kernel's version and "
				       "configuration when it is loaded: test them with 'if' in a "
				       "program, not with '#if'");
	else
		append_config_places(kernel, &text);
	if (answer->status == EBCC_CC_OK) {
		AUTO_BUF struct ebcc_buf warning = EBCC_BUF_INIT;

		ebcc_buf_printf(&warning, "unknown, and treated as not set: %s; %s", unknown,
				ebcc_buf_string(&text));
		return add_warning(answer, &warning);
	}
	if (quoted)
		ebcc_buf_printf(notes, "%s\n", ebcc_buf_string(&text));
	return ebcc_buf_check(notes);
}

static struct ebcc_error *select_types(const struct ebcc_compilation *compilation,
				       const struct run_context *with, struct ebcc_scan *names,
				       const struct ebcc_ktypes_opts *opts,
				       struct ebcc_ktypes **ret)
{
	LOG_STAGE(compilation->log, TYPES);

	return ebcc_ktypes_create(names, with->kernel, opts, ret);
}

/* Appends what stage 2 read to @inputs, and what it had to leave out to @notes. */
static struct ebcc_error *compile_from_btf(struct ebcc_compilation *compilation,
					   const struct run_context *with,
					   struct ebcc_cc_answer *answer, struct ebcc_buf *inputs,
					   struct ebcc_buf *notes)
{
	AUTO_KTYPES struct ebcc_ktypes *ktypes = NULL;
	AUTO_SCAN struct ebcc_scan names = {0};
	struct ebcc_ktypes_opts opts = {
		.btf_path = compilation->btf_path,
		.tracefs_path = with->kernel->tracefs,
		.portable = is_portable(compilation),
	};

	if (!opts.btf_path) {
		opts.btf_path = compilation->root_btf;
		opts.module_btf_dir = compilation->root_modules;
	}
	TRY(scan(compilation, &names));
	TRY(select_types(compilation, with, &names, &opts, &ktypes));
	TRY(compile_rounds(compilation, with, ktypes, answer));
	TRY(handle_unknown_values(compilation, with->kernel, ebcc_ktypes_unknown(ktypes), answer,
				  notes));
	ebcc_buf_append_string(inputs, ebcc_ktypes_inputs(ktypes));
	ebcc_buf_append_string(notes, ebcc_ktypes_notes(ktypes));
	TRY(ebcc_buf_check(inputs));
	return ebcc_buf_check(notes);
}

/* Only a warning, since a user who sets BCC_KERNEL_SOURCE may know better: patched kernels have
 * other release names. */
static struct ebcc_error *warn_of_other_headers(const struct ebcc_kernel_info *kernel,
						const struct ebcc_kernel_headers *headers,
						struct ebcc_cc_answer *answer)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (!headers->release || !strcmp(headers->release, kernel->release))
		return NULL;
	ebcc_buf_printf(&text,
			"the kernel headers in %s are for %s, but the kernel is %s: where types "
			"differ, programs read from the wrong places",
			headers->build, headers->release, kernel->release);
	return add_warning(answer, &text);
}

static struct ebcc_error *compile_from_headers(struct ebcc_compilation *compilation,
					       const struct run_context *with,
					       const struct ebcc_kernel_headers *headers,
					       struct ebcc_cc_answer *answer,
					       struct ebcc_buf *inputs, struct ebcc_buf *notes)
{
	struct ebcc_cc_request request = compilation->request;
	struct ebcc_headers_compile compile = {
		.request = &request,
		.headers = headers,
		.kernel = with->kernel,
		.client = with->client,
		.cache = with->cache,
		.log = compilation->log,
	};
	AUTO_SCAN struct ebcc_scan names = {0};

	/* Leave out the first file: the types from BTF. */
	request.files++;
	request.file_count--;
	ebcc_log(compilation->log, EBCC_LOG_DEBUG, "%s: compiling against kernel headers",
		 compilation->file_name);
	TRY(scan(compilation, &names));
	TRY(ebcc_compile_with_headers(&compile, &names, answer, inputs, notes));
	return warn_of_other_headers(with->kernel, headers, answer);
}

/* Says where headers were searched for, and how to provide them. */
static void append_no_headers(const struct ebcc_compilation *compilation,
			      const struct run_context *with, struct ebcc_buf *text)
{
	const char *release = with->kernel->release;
	const char *root = compilation->kernel_root ? compilation->kernel_root : "";

	if (compilation->btf_path) {
		ebcc_buf_append_string(text, "no kernel headers are used with a BTF file unless "
					     "BCC_KERNEL_SOURCE names those of that kernel");
		return;
	}
	ebcc_buf_printf(
		text,
		"no headers for kernel %s were found (looked at %s/lib/modules/%s/build, "
		"%s/usr/src/linux-headers-%s and %s/sys/kernel/kheaders.tar.xz): install the "
		"package that has them (linux-headers-%s on Debian and Ubuntu, "
		"kernel-devel-%s on Fedora and RHEL), or load the module kheaders, or name a "
		"configured tree in BCC_KERNEL_SOURCE",
		release, root, release, root, release, root, release, release);
}

/* Whether an error is about a name that headers may define. */
static bool lacks_names(const struct ebcc_compilation *compilation,
			const struct ebcc_cc_answer *answer)
{
	const struct ebcc_compiled about = compiled(compilation);

	for (size_t i = 0; i < answer->diagnostic_count; i++)
		if (answer->diagnostics[i].severity >= EBCC_CC_ERROR &&
		    ebcc_diagnostic_needs_headers(&answer->diagnostics[i], &about))
			return true;
	return false;
}

/* Says in one sentence how headers could help. */
static void append_headers_advice(const struct ebcc_compilation *compilation,
				  const struct run_context *with, struct ebcc_buf *notes)
{
	ebcc_buf_append_string(notes, "BTF has no macros or inline functions; if this is a name "
				      "from the kernel, ");
	if (compilation->btf_path)
		ebcc_buf_append_string(notes, "name that kernel's headers in BCC_KERNEL_SOURCE");
	else
		ebcc_buf_printf(notes,
				"install its headers (package linux-headers-%s, or kernel-devel-%s "
				"on Fedora), or name a configured tree in BCC_KERNEL_SOURCE",
				with->kernel->release, with->kernel->release);
}

static void append_headers_failure(const struct ebcc_cc_answer *answer,
				   const struct ebcc_kernel_headers *headers,
				   struct ebcc_buf *notes)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		const struct ebcc_cc_diagnostic *diagnostic = &answer->diagnostics[i];

		if (diagnostic->severity < EBCC_CC_ERROR)
			continue;
		ebcc_buf_printf(notes,
				"it does not compile against the kernel headers in %s either: "
				"%s:%u:%u: %s",
				headers->build, diagnostic->path, diagnostic->line,
				diagnostic->column, diagnostic->message);
		return;
	}
}

/* Compiles against headers, if there are any, a source that doesn't compile against BTF. On
 * success, replaces @answer and @inputs; otherwise @notes says why not. */
static struct ebcc_error *try_headers(struct ebcc_compilation *compilation,
				      const struct run_context *with, struct ebcc_cc_answer *answer,
				      struct ebcc_buf *inputs, struct ebcc_buf *notes)
{
	AUTO_HEADERS struct ebcc_kernel_headers *headers = NULL;
	AUTO_BUF struct ebcc_buf read = EBCC_BUF_INIT, headers_notes = EBCC_BUF_INIT;
	AUTO_ANSWER struct ebcc_cc_answer second = {0};
	AUTO_ERROR struct ebcc_error *error = NULL;

	error = ebcc_compile_find_headers(with->kernel, with->cache, compilation->btf_path,
					  &headers);
	if (error) {
		ebcc_buf_append_string(notes, ebcc_error_message(error));
		return ebcc_buf_check(notes);
	}
	if (!headers) {
		if (!answer->diagnostic_count) {
			ebcc_buf_append_string(notes, "kernel headers would do instead, but ");
			append_no_headers(compilation, with, notes);
		} else if (!notes->size && lacks_names(compilation, answer)) {
			append_headers_advice(compilation, with, notes);
		}
		return ebcc_buf_check(notes);
	}
	TRY(compile_from_headers(compilation, with, headers, &second, &read, &headers_notes));
	if (answer->diagnostic_count && second.status != EBCC_CC_OK) {
		append_headers_failure(&second, headers, notes);
		return ebcc_buf_check(notes);
	}
	ebcc_log(compilation->log, EBCC_LOG_INFO, "%s: compiled against the kernel headers in %s",
		 compilation->file_name, headers->build);
	ebcc_cc_answer_deinit(answer);
	*answer = second;
	second = (struct ebcc_cc_answer){0};
	ebcc_buf_clear(inputs);
	ebcc_buf_append(inputs, ebcc_buf_string(&read), read.size);
	ebcc_buf_clear(notes);
	ebcc_buf_append_string(notes, ebcc_buf_string(&headers_notes));
	return ebcc_buf_check(inputs);
}

/* Whether the kernel has no BTF, as opposed to a missing BTF file that was named. */
static bool is_without_btf(const struct ebcc_compilation *compilation,
			   const struct ebcc_error *error)
{
	return ebcc_error_code(error) == EBCC_ERROR_KERNEL_TYPES ||
	       (!compilation->btf_path && ebcc_error_errno(error) == ENOENT);
}

/* BTF, then headers. */
static struct ebcc_error *compile_from_either(struct ebcc_compilation *compilation,
					      const struct run_context *with,
					      struct ebcc_cc_answer *answer,
					      struct ebcc_buf *inputs, struct ebcc_buf *notes)
{
	AUTO_ERROR struct ebcc_error *error =
		compile_from_btf(compilation, with, answer, inputs, notes);

	/* Nothing in headers can be adjusted to another kernel. */
	if (is_portable(compilation) || (error && !is_without_btf(compilation, error)))
		return TAKE_PTR(error);
	if (!error && !types_may_help(compilation, answer, ebcc_ktypes_headers_may_help))
		return NULL;
	TRY(try_headers(compilation, with, answer, inputs, notes));
	if (!error || answer->object || answer->diagnostic_count)
		return NULL;
	return ebcc_error_create(EBCC_ERROR_KERNEL_TYPES, "%s\n%s", ebcc_error_message(error),
				 ebcc_buf_string(notes));
}

static struct ebcc_error *compile_forced(struct ebcc_compilation *compilation,
					 const struct run_context *with,
					 struct ebcc_cc_answer *answer, struct ebcc_buf *inputs,
					 struct ebcc_buf *notes)
{
	AUTO_HEADERS struct ebcc_kernel_headers *headers = NULL;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (compilation->types == EBCC_KERNEL_TYPES_BTF)
		return compile_from_btf(compilation, with, answer, inputs, notes);
	TRY(ebcc_compile_find_headers(with->kernel, with->cache, compilation->btf_path, &headers));
	if (headers)
		return compile_from_headers(compilation, with, headers, answer, inputs, notes);
	append_no_headers(compilation, with, &text);
	TRY(ebcc_buf_check(&text));
	return ebcc_error_create(EBCC_ERROR_KERNEL_TYPES, "%s", ebcc_buf_string(&text));
}

/* Whether a text may refer to a file in its own directory: by an include not of the form <...>, or
 * by another directive that opens files. If in doubt, true: that only lets the compiler read
 * more. */
static bool may_name_files(const char *text)
{
	static const char *const words[] = {"include", "include_next", "import", "embed",
					    "dependency"};

	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
		for (const char *at = text; (at = strstr(at, words[i]));) {
			at += strlen(words[i]);
			at += strspn(at, " \t(");
			if (*at != '<' && *at != '_')
				return true;
		}
	}
	return false;
}

/* Sets what the compile may read: the source's directory, if needed, and what flags name. */
static struct ebcc_error *set_readable(struct ebcc_compilation *compilation)
{
	const char *slash = strrchr(compilation->file_name, '/');
	AUTO_FREE char *directory =
		strndup(compilation->file_name, slash ? slash - compilation->file_name : 0);
	struct ebcc_read_scope *readable = &compilation->readable;

	if (!directory)
		return ebcc_error_no_memory();
	ebcc_read_scope_deinit(readable);
	if (may_name_files(compilation->source))
		TRY(ebcc_read_scope_add(readable, slash ? directory : "."));
	TRY(ebcc_read_scope_add_flags(readable, compilation->cflags, compilation->cflag_count));
	compilation->request.readable = (const char *const *)readable->paths;
	compilation->request.readable_count = readable->count;
	/* A removed directory has no path, but nothing can be in it either. */
	free(compilation->working_directory);
	compilation->working_directory = getcwd(NULL, 0);
	compilation->request.working_directory =
		compilation->working_directory ? compilation->working_directory : "/";
	return NULL;
}

static void store_answer(const struct ebcc_compilation *compilation, const struct run_context *with,
			 const char *inputs, const struct ebcc_cc_answer *answer)
{
	LOG_STAGE(compilation->log, CACHE);

	ebcc_compile_cache_store(with->cache, with->key, with->kernel, inputs, answer);
}

/* Runs stages 1 to 4, and caches a successful answer. */
static struct ebcc_error *compile_uncached(struct ebcc_compilation *compilation,
					   const struct run_context *with,
					   struct ebcc_cc_answer *answer)
{
	AUTO_BUF struct ebcc_buf inputs = EBCC_BUF_INIT, notes = EBCC_BUF_INIT;
	struct ebcc_compiled about;

	TRY(set_readable(compilation));
	/* LLVM starts while this process reads BTF. */
	TRY(ebcc_compiler_client_start(with->client));
	if (compilation->types == EBCC_KERNEL_TYPES_AUTO)
		TRY(compile_from_either(compilation, with, answer, &inputs, &notes));
	else
		TRY(compile_forced(compilation, with, answer, &inputs, &notes));
	ebcc_compiler_client_finish(with->client);
	if (answer->status != EBCC_CC_OK)
		return compile_error(compilation, answer, ebcc_buf_string(&notes));
	about = compiled(compilation);
	TRY(ebcc_source_warnings(&about, compilation->file_name, answer));
	store_answer(compilation, with, ebcc_buf_string(&inputs), answer);
	ebcc_buf_deinit(&compilation->kernel_types);
	return NULL;
}

/* Reads what the compile depends on of the kernel and the machine. */
static struct ebcc_error *read_kernel(struct ebcc_compilation *compilation,
				      struct ebcc_kernel_info **ret)
{
	struct ebcc_kernel_info_opts opts = {.root = compilation->kernel_root};
	struct ebcc_cc_request *request = &compilation->request;
	LOG_STAGE(compilation->log, CACHE);

	TRY(ebcc_kernel_info_create(&opts, ret));
	free(compilation->release);
	compilation->release = NULL;
	TRY(ebcc_copy_string((*ret)->release, &compilation->release));
	request->arch = (*ret)->arch;
	request->cpu_count = is_portable(compilation) ? PORTABLE_CPUS : (*ret)->cpu_count;
	request->page_size = (unsigned)(*ret)->page_size;
	return NULL;
}

/* Makes the key in the disk cache. @compiler: its identity. */
static struct ebcc_error *make_cache_key(const struct ebcc_compilation *compilation,
					 const struct ebcc_kernel_info *kernel,
					 const char *compiler, struct ebcc_cache_key *ret)
{
	AUTO_BUF struct ebcc_buf types = EBCC_BUF_INIT;

	if (compilation->btf_path)
		ebcc_buf_printf(&types, "btf %s\n", compilation->btf_path);
	if (compilation->kernel_root)
		ebcc_buf_printf(&types, "root %s\n", compilation->kernel_root);
	if (compilation->header_text)
		ebcc_buf_printf(&types, "header %s\n", compilation->header_text);
	ebcc_buf_printf(&types, "types %d\n", compilation->types);
	ebcc_compile_headers_key(&types);
	TRY(ebcc_buf_check(&types));
	return ebcc_compile_cache_key(&compilation->request, kernel, compiler,
				      ebcc_buf_string(&types), ret);
}

/* Adds to an error of a missing compiler that no store has the object either. */
static struct ebcc_error *explain_stores(const struct ebcc_compilation *compilation,
					 struct ebcc_error *error)
{
	AUTO_BUF struct ebcc_buf places = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *original = error;

	if (!error || !compilation->uses_stores)
		return TAKE_PTR(original);
	ebcc_store_places(&compilation->objects, &places);
	if (!places.size)
		return TAKE_PTR(original);
	return ebcc_error_create(
		ebcc_error_code(original),
		"%s. No object that was compiled from %s with these flags, for "
		"this machine type and version of ebcc (" EBCC_VERSION "), is in %s",
		ebcc_error_message(original), compilation->file_name, ebcc_buf_string(&places));
}

/* Warns if the source uses process ids that mean other processes here. */
static struct ebcc_error *warn_of_namespace(const struct ebcc_compilation *compilation)
{
	AUTO_SCAN struct ebcc_scan names = {0};

	if (compilation->kernel_root || !ebcc_pid_namespace_is_inner())
		return NULL;
	TRY(scan(compilation, &names));
	if (ebcc_scan_uses(&names, "bpf_get_current_pid_tgid") &&
	    !ebcc_scan_names_pid_namespace(&names))
		ebcc_log(compilation->log, EBCC_LOG_WARNING,
			 "%s: bpf_get_current_pid_tgid() returns ids of the initial PID namespace, "
			 "but this program runs in another one: ebcc_ns_pid_tgid() returns the ids "
			 "that are valid here",
			 compilation->file_name);
	return NULL;
}

/* Compiles with one pipeline, or gets the answer from the cache. @answer is initialized by the
 * call; the caller always frees it. */
static struct ebcc_error *compile(struct ebcc_compilation *compilation,
				  struct ebcc_kernel_info *kernel, enum ebcc_cc_pipeline pipeline,
				  unsigned cpu_version, struct ebcc_cc_answer *answer)
{
	AUTO_CLIENT struct ebcc_compiler_client *client = NULL;
	AUTO_DISK_CACHE struct ebcc_disk_cache *cache = NULL;
	AUTO_BUF struct ebcc_buf identity = EBCC_BUF_INIT;
	struct ebcc_cache_key key;

	LOG_STAGE(compilation->log, CACHE);
	LOG_SCOPE(compilation->log);
	*answer = (struct ebcc_cc_answer){0};
	compilation->request.pipeline = pipeline;
	compilation->request.cpu_version = cpu_version;
	TRY(ebcc_compiler_client_create(compilation->log, compilation->where, &client));
	TRY(explain_stores(compilation, ebcc_compiler_client_identity(client, &identity)));
	TRY(make_cache_key(compilation, kernel, ebcc_buf_string(&identity), &key));
	cache = ebcc_disk_cache_create(NULL, compilation->log);
	if (ebcc_compile_cache_find(cache, &key, kernel, answer)) {
		ebcc_log(compilation->log, EBCC_LOG_DEBUG, "%s: compiled earlier",
			 compilation->file_name);
		return NULL;
	}
	return compile_uncached(compilation, &(struct run_context){kernel, client, cache, &key},
				answer);
}

/* Makes the keys of both pipelines' objects in the stores. */
static struct ebcc_error *make_store_keys(struct ebcc_compilation *compilation)
{
	struct ebcc_cc_request request = compilation->request;

	for (unsigned i = 0; i <= EBCC_CC_PIPELINE_PLAIN; i++) {
		request.pipeline = i;
		TRY(ebcc_store_key(&request, compilation->header_text,
				   &compilation->store_keys[i]));
	}
	return NULL;
}

/* Looks for the object of one pipeline in the stores. */
static bool find_stored(const struct ebcc_compilation *compilation, enum ebcc_cc_pipeline pipeline,
			struct ebcc_cc_answer *answer)
{
	AUTO_BUF struct ebcc_buf where = EBCC_BUF_INIT;

	if (!compilation->uses_stores || !ebcc_store_find(compilation->log, &compilation->objects,
							  &compilation->store_keys[pipeline],
							  compilation->file_name, answer, &where))
		return false;
	ebcc_log(compilation->log, EBCC_LOG_DEBUG, "%s: the object is in %s",
		 compilation->file_name, ebcc_buf_string(&where));
	return true;
}

/* Compiles through the first pipeline. */
static struct ebcc_error *compile_first(struct ebcc_compilation *compilation,
					struct ebcc_kernel_info *kernel,
					struct ebcc_cc_answer *answer)
{
	return compile(compilation, kernel, EBCC_CC_PIPELINE_O2, CPU_VERSION, answer);
}

struct ebcc_error *ebcc_compile(const struct ebcc_log *log, const char *source, size_t size,
				const struct ebcc_module_opts *opts, struct ebcc_compilation **ret,
				struct ebcc_compile_output *output)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_ANSWER struct ebcc_cc_answer answer = {0};

	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return ebcc_error_no_memory();
	TRY(compilation_init(*ret, log, source, size, opts));
	TRY(read_kernel(*ret, &kernel));
	TRY(make_store_keys(*ret));
	output->from_store = find_stored(*ret, EBCC_CC_PIPELINE_O2, &answer);
	if (!output->from_store)
		TRY(compile_first(*ret, kernel, &answer));
	log_warnings(*ret, &answer);
	TRY(warn_of_namespace(*ret));
	move_first_answer(*ret, &answer, output);
	return NULL;
}

struct ebcc_error *ebcc_compile_here(struct ebcc_compilation *compilation,
				     struct ebcc_compile_output *output)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_ANSWER struct ebcc_cc_answer answer = {0};

	compilation->uses_stores = false;
	TRY(read_kernel(compilation, &kernel));
	TRY(compile_first(compilation, kernel, &answer));
	log_warnings(compilation, &answer);
	output->from_store = false;
	move_first_answer(compilation, &answer, output);
	return NULL;
}

struct ebcc_error *ebcc_compile_second(struct ebcc_compilation *compilation,
				       struct ebcc_compile_output *output)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_ANSWER struct ebcc_cc_answer answer = {0};
	AUTO_ERROR struct ebcc_error *error = NULL;

	output->from_store = compilation->is_from_store &&
			     find_stored(compilation, EBCC_CC_PIPELINE_PLAIN, &answer);
	if (output->from_store) {
		move_answer(&answer, output);
		return NULL;
	}
	TRY(read_kernel(compilation, &kernel));
	error = compile(compilation, kernel, EBCC_CC_PIPELINE_PLAIN, PLAIN_CPU_VERSION, &answer);
	if (error && ebcc_error_code(error) == EBCC_ERROR_COMPILE) {
		ebcc_cc_answer_deinit(&answer);
		TRY(compile(compilation, kernel, EBCC_CC_PIPELINE_PLAIN, CPU_VERSION, &answer));
	} else if (error) {
		return TAKE_PTR(error);
	}
	move_answer(&answer, output);
	return NULL;
}

struct ebcc_error *ebcc_compile_add_to_store(const struct ebcc_compilation *compilation,
					     bool second, const void *object, size_t size,
					     const char *directory)
{
	struct ebcc_cc_answer answer = compilation->portable_answer;

	if (!compilation->has_portable_answer)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "only a module that is compiled with the option portable "
					 "can be added to an object store");
	/* The object is only read. */
	answer.object = (char *)object;
	answer.object_size = size;
	return ebcc_store_add(
		directory,
		&compilation->store_keys[second ? EBCC_CC_PIPELINE_PLAIN : EBCC_CC_PIPELINE_O2],
		compilation->file_name, &answer);
}

const char *ebcc_compilation_file_name(const struct ebcc_compilation *compilation)
{
	return compilation->file_name;
}

const char *ebcc_compilation_source(const struct ebcc_compilation *compilation)
{
	return compilation->source;
}
