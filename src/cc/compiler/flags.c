// SPDX-License-Identifier: Apache-2.0
/*
 * Builds the front end's arguments. Users write flags for the clang driver. The front end runs
 * without the driver, which takes time to start and searches the system, so this file translates
 * the flags that differ between the two. Flags may come from an untrusted source, and many of the
 * front end's flags load code or open files, so only those on a list are accepted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compiler/answer.h"
#include "compiler/flags.h"

static const char *const base_flags[] = {
	"-triple",
	"bpfel",
	"-emit-llvm-bc",
	"-disable-llvm-passes",
	/* pipeline.c verifies once, after the dialect's passes. */
	"-disable-llvm-verifier",
	"-O2",
	"-debug-info-kind=constructor",
	"-dwarf-version=4",
	"-debugger-tuning=gdb",
	/* The backend quotes source lines in BTF: from the text in memory, not from a file of that
	 * name. */
	"-gembed-source",
	"-fdebug-compilation-dir=.",
	/* The kernel, and scripts written for it, break the aliasing rules. */
	"-relaxed-aliasing",
	/* Search only the virtual tree and the directories that flags name. */
	"-nostdsysteminc",
	"-nobuiltininc",
	"-fgnuc-version=4.2.1",
	"-ferror-limit",
	"200",
	/* Errors in newer versions of clang that existing sources need to be warnings. */
	"-Wno-error=int-conversion",
	"-Wno-error=incompatible-pointer-types",
	"-Wno-error=incompatible-function-pointer-types",
	/* Noise in code written against kernel headers. */
	"-Wno-unused-value",
	"-Wno-pointer-sign",
	"-Wno-address-of-packed-member",
	"-Wno-gnu",
	"-Wno-macro-redefined",
	"-Wno-compare-distinct-pointer-types",
	"-Wno-tautological-compare",
	"-Wno-incompatible-library-redeclaration",
	"-Wno-duplicate-decl-specifier",
};

/* After the user's -I and -isystem: the project's headers, then the kernel's. */
static const char *const include_flags[] = {
	"-internal-isystem",
	EBCC_CC_DIALECT_INCLUDE,
	"-internal-isystem",
	EBCC_CC_STD_INCLUDE,
};

/* Driver flags that have no effect here. A trailing '*' matches anything. */
static const char *const ignored_flags[] = {
	"-O*",
	"-g*",
	"-c",
	"-S",
	"-E",
	"-pipe",
	"-nostdinc",
	"-nostdlib",
	"-fno-strict-aliasing",
	"-fstrict-aliasing",
	"-fstack-protector*",
	"-fno-stack-protector*",
	"-fstack-clash-protection",
	"-fno-stack-clash-protection",
	"-fcf-protection*",
	"-mbranch-protection=*",
	"-flto*",
	"-fasynchronous-unwind-tables",
	"-fno-asynchronous-unwind-tables",
	"-funwind-tables",
	"-fno-unwind-tables",
	"-fomit-frame-pointer",
	"-fno-omit-frame-pointer",
	"-fno-pic",
	"-fno-PIC",
	"-fPIC",
	"-fpic",
	"-fno-pie",
	"-fno-PIE",
	"-fPIE",
	"-fpie",
	"-emit-llvm",
	"-fsyntax-only",
	"-fverbose-asm",
	"-Qunused-arguments",
	"-Wa,*",
	"-Wl,*",
	"-L*",
	"-l*",
	"-static",
	"-shared",
	"-s",
	"--sysroot=*",
	"-MD",
	"-MMD",
	"-MP",
	"-m64",
	"-mcpu=*",
	"--target=*",
	"-march=*",
	"-mtune=*",
	"-mcmodel=*",
	"-mlittle-endian",
	"-mno-*",
	"-fplt",
	"-fno-plt",
	"-fcolor-diagnostics",
	"-fno-color-diagnostics",
	"-fno-diagnostics-color",
	"-fdiagnostics-*",
	"-ferror-limit=*",
	"-fmax-errors=*",
	"-fspell-checking",
	"-fshow-column",
	"-v",
	/* These are the front end's default: it has only the opposite flag, or none. */
	"-fsigned-char",
	"-fno-unsigned-char",
	"-fbuiltin",
	"-fhosted",
	"-fno-wrapv",
	"-fstrict-overflow",
	"-fdelete-null-pointer-checks",
	"-fno-exceptions",
	"-fno-function-sections",
	"-fno-data-sections",
	"-fno-ms-extensions",
	"-fno-short-enums",
	"-fno-short-wchar",
	"-fasm",
	"-fno-gnu-inline",
	"-fno-discard-value-names",
	"-fno-dwarf2-cfi-asm",
	"-fno-merge-all-constants",
	"-fno-semantic-interposition",
	"-fno-strict-enums",
	"-fstrict-return",
	"-fno-addrsig",
	"-fno-emulated-tls",
	"-fno-math-errno",
	"-fno-trapping-math",
	"-fno-signaling-nans",
	"-fno-split-stack",
	"-frandom-seed=*",
	"-frecord-command-line",
	/* Tuning for speed, which doesn't apply to BPF. */
	"-fvectorize",
	"-fno-vectorize",
	"-fslp-vectorize",
	"-fno-slp-vectorize",
	"-fjump-tables",
	"-ftree-vectorize",
	"-fno-tree-vectorize",
	"-foptimize-sibling-calls",
	"-falign-*",
	"-fno-gcse",
	"-fno-reorder-blocks",
	"-fno-var-tracking*",
	"-fno-allow-store-data-races",
	"-fno-ipa-*",
	"-fno-merge-constants",
	"-fno-tree-*",
	"-fconserve-stack",
};

/* Driver flags that the front end calls differently. A trailing '*' matches anything, which is
 * kept. */
static const struct {
	const char *driver, *front_end;
} translated_flags[] = {
	{"-funsigned-char", "-fno-signed-char"},
	{"-fno-strict-overflow", "-fwrapv"},
	{"-ffile-prefix-map=*", "-fmacro-prefix-map=*"},
	/* The dialect and the kernel's headers need GNU's keywords. */
	{"-ansi", "-std=gnu89"},
	{"-std=c*", "-std=gnu*"},
	{"-std=iso9899:1990", "-std=gnu89"},
	{"-std=iso9899:*", "-std=gnu17"},
};

/* Flags that pass another flag on. They would be mistaken for other flags. */
static const char *const passing_flags[] = {"-Wp,*", "-Xpreprocessor", "-Xassembler"};

/* Driver flags that have no effect here, followed by an argument. */
static const char *const ignored_pairs[] = {"-target", "-x", "-o", "-MF", "-MT", "-MQ", "-Xlinker"};

/* Flags whose argument may be the next word. */
static const char *const separate_flags[] = {
	"-D", "-U", "-I", "-include", "-imacros", "-isystem", "-iquote", "-idirafter", "-Xclang",
};

/* Flags that are accepted, unless refused_flags has them. */
static const char *const accepted_flags[] = {
	"-D*",
	"-U*",
	"-I*",
	"-include",
	"-imacros",
	"-isystem*",
	"-iquote*",
	"-idirafter*",
	"-W*",
	"-w",
	"-f*",
	"-m*",
	"-std=*",
	"-pedantic*",
	"-R*",
	"-trigraphs",
	"-undef",
	"-pthread",
	"-nobuiltininc",
	"-nostdsysteminc",
	"-no-implicit-float",
	"-ansi",
};

/* The front end's own flags, given after -Xclang, that take an argument, also given after
 * -Xclang. */
static const char *const accepted_pairs[] = {"-target-feature", "-target-cpu"};

/* Flags that make the front end load code, write files, or read files without our checks. */
static const char *const refused_flags[] = {
	"-save-temps*",
	"--save-temps*",
	"-load*",
	"-plugin*",
	"-add-plugin",
	"-opt-record-*",
	"-dependency-*",
	"-serialize-diagnostic*",
	"--serialize-diagnostic*",
	"-diagnostic-*",
	"-include-pch",
	"-ivfsoverlay*",
	"-B*",
	"-specs*",
	"-mllvm*",
	"-mlink-*",
	"-mdebug-pass*",
	"-migrate*",
	"-mt-migrate*",
	"-main-file-name",
	"-module-*",
	"-fapinotes*",
	"-fbasic-block-sections*",
	"-fbuild-session-file*",
	"-fcoverage*",
	"-fcrash-diagnostics*",
	"-fdump*",
	"-fembed*",
	"-fexperimental-sanitize*",
	"-ffixit*",
	"-fimplicit-module*",
	"-fixit*",
	"-fmemory-profile*",
	"-fmodule*",
	"-fopenmp*",
	"-foptimization-record*",
	"-foverride-record-layout*",
	"-fpass-plugin*",
	"-fplugin*",
	"-fprebuilt*",
	"-fprofile*",
	"-frandomize-layout-seed-file*",
	"-fsanitize-*",
	"-fsave-optimization-record*",
	"-fthin-link*",
	"-fthinlto*",
	"-ftime-report*",
	"-ftime-trace*",
	"-fverify-debuginfo*",
	"-fxray*",
};

static bool push(struct ebcc_cc_arguments *arguments, const char *argument)
{
	if (arguments->count == arguments->capacity) {
		size_t capacity = arguments->capacity ? arguments->capacity * 2 : 64;
		const char **list = reallocarray(arguments->list, capacity, sizeof(*list));

		if (!list)
			return false;
		arguments->list = list;
		arguments->capacity = capacity;
	}
	arguments->list[arguments->count++] = argument;
	return true;
}

static bool push_all(struct ebcc_cc_arguments *arguments, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!push(arguments, list[i]))
			return false;
	return true;
}

#define PUSH_ALL(arguments, array) push_all(arguments, array, sizeof(array) / sizeof((array)[0]))

/* Pushes a string and takes ownership of it. */
static bool push_own(struct ebcc_cc_arguments *arguments, char *text)
{
	char **own = reallocarray(arguments->own, arguments->own_count + 1, sizeof(*own));

	if (!own) {
		free(text);
		return false;
	}
	arguments->own = own;
	arguments->own[arguments->own_count++] = text;
	return push(arguments, text);
}

static bool push_numbered(struct ebcc_cc_arguments *arguments, const char *prefix, unsigned value)
{
	char *text;

	if (asprintf(&text, "%s%u", prefix, value) < 0)
		return false;
	return push_own(arguments, text);
}

static bool matches_one(const char *flag, const char *pattern)
{
	size_t length = strcspn(pattern, "*");

	return !strncmp(flag, pattern, length) && (pattern[length] || !flag[length]);
}

static bool matches(const char *flag, const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (matches_one(flag, patterns[i]))
			return true;
	return false;
}

#define MATCHES(flag, array) matches(flag, array, sizeof(array) / sizeof((array)[0]))

static bool fail(struct ebcc_cc_answer *answer, const char *message, const char *flag)
{
	char *text AUTO_FREE = NULL, *rendered AUTO_FREE = NULL;

	if (asprintf(&text, "%s: '%s'", message, flag) < 0)
		text = NULL;
	if (asprintf(&rendered, "error: %s: '%s'\n", message, flag) < 0)
		rendered = NULL;
	ebcc_cc_answer_add_diagnostic(answer, EBCC_CC_ERROR, "", 0, 0, text, rendered);
	return false;
}

/* Pushes a flag under the front end's name for it. */
static bool push_translated(struct ebcc_cc_arguments *arguments, const char *flag)
{
	for (size_t i = 0; i < sizeof(translated_flags) / sizeof(translated_flags[0]); i++) {
		const char *driver = translated_flags[i].driver;
		const char *front_end = translated_flags[i].front_end;
		char *text;

		if (!matches_one(flag, driver))
			continue;
		if (asprintf(&text, "%.*s%s", (int)strcspn(front_end, "*"), front_end,
			     strchr(front_end, '*') ? flag + strcspn(driver, "*") : "") < 0)
			return false;
		return push_own(arguments, text);
	}
	return push(arguments, flag);
}

/* Whether a flag is accepted; reports the reason if not. */
static bool is_accepted(const char *flag, struct ebcc_cc_answer *answer)
{
	if (MATCHES(flag, refused_flags))
		return fail(answer,
			    "this flag is not allowed, because it loads code or accesses other "
			    "files",
			    flag);
	if (!MATCHES(flag, accepted_flags))
		return fail(answer, "this compiler flag is not supported", flag);
	return true;
}

/* Pushes the flag after the -Xclang at @index, with its argument, and moves @index to the last word
 * used. */
static bool push_front_end_flag(struct ebcc_cc_arguments *arguments,
				const struct ebcc_cc_request *request, size_t *index,
				struct ebcc_cc_answer *answer)
{
	const char *const *words = request->cflags + *index;
	size_t left = request->cflag_count - *index;

	if (!MATCHES(words[1], accepted_pairs)) {
		*index += 1;
		return is_accepted(words[1], answer) && push(arguments, words[1]);
	}
	if (left < 4 || strcmp(words[2], "-Xclang"))
		return fail(answer, "compiler flag without its argument", words[1]);
	*index += 3;
	return push(arguments, words[1]) && push(arguments, words[3]);
}

/* Pushes the request's flags, translated from the driver's form to the front end's. */
static bool push_user_flags(struct ebcc_cc_arguments *arguments,
			    const struct ebcc_cc_request *request, struct ebcc_cc_answer *answer)
{
	for (size_t i = 0; i < request->cflag_count; i++) {
		const char *flag = request->cflags[i];
		bool separate = MATCHES(flag, separate_flags);
		bool pair = MATCHES(flag, ignored_pairs);

		if ((separate || pair) && i + 1 == request->cflag_count)
			return fail(answer, "compiler flag without its argument", flag);
		if (pair || MATCHES(flag, ignored_flags)) {
			i += pair;
			continue;
		}
		if (flag[0] == '\0')
			continue;
		if (flag[0] != '-' || !flag[1])
			return fail(answer, "compiler flag expected", flag);
		if (MATCHES(flag, passing_flags))
			return fail(answer,
				    "this flag passes another one on; give that one directly",
				    flag);
		if (!strcmp(flag, "-Xclang")) {
			if (!push_front_end_flag(arguments, request, &i, answer))
				return false;
			continue;
		}
		if (!is_accepted(flag, answer) || !push_translated(arguments, flag))
			return false;
		if (separate && !push(arguments, request->cflags[++i]))
			return false;
	}
	return true;
}

static bool has_file(const struct ebcc_cc_request *request, const char *path)
{
	for (size_t i = 0; i < request->file_count; i++)
		if (!strcmp(request->files[i].path, path))
			return true;
	return false;
}

static bool push_include(struct ebcc_cc_arguments *arguments, const char *path)
{
	return push(arguments, "-include") && push(arguments, path);
}

/* Pushes what is included before the source: kernel headers, kernel types, the dialect. */
static bool push_includes(struct ebcc_cc_arguments *arguments,
			  const struct ebcc_cc_request *request)
{
	if (request->flags & EBCC_CC_BUILD_PCH)
		return true;
	if (has_file(request, EBCC_CC_PREAMBLE_PCH)) {
		/* The caller ensures that it matches the flags and files. */
		if (!push(arguments, "-fno-validate-pch") || !push(arguments, "-include-pch") ||
		    !push(arguments, EBCC_CC_PREAMBLE_PCH))
			return false;
	} else if (has_file(request, EBCC_CC_PREAMBLE)) {
		if (!push_include(arguments, EBCC_CC_PREAMBLE))
			return false;
	}
	return (!has_file(request, EBCC_CC_KERNEL_TYPES) ||
		push_include(arguments, EBCC_CC_KERNEL_TYPES)) &&
	       push_include(arguments, EBCC_CC_DIALECT_INCLUDE "/ebcc/dialect.h");
}

static bool push_arch_flags(struct ebcc_cc_arguments *arguments, enum ebcc_arch_id arch)
{
	const char *const *flag = ebcc_arch_of_id(arch)->cflags;

	while (*flag)
		if (!push(arguments, *flag++))
			return false;
	return true;
}

bool ebcc_cc_arguments_init(struct ebcc_cc_arguments *ret, const struct ebcc_cc_request *request,
			    struct ebcc_cc_answer *answer)
{
	size_t before = answer->diagnostic_count;
	bool headers = request->flags & EBCC_CC_HEADERS;

	*ret = (struct ebcc_cc_arguments){0};
	if (PUSH_ALL(ret, base_flags) && push(ret, "-target-cpu") &&
	    push_numbered(ret, "v", request->cpu_version) &&
	    push_numbered(ret, "-DEBCC_CPU_COUNT=", request->cpu_count) &&
	    (!request->page_size || push_numbered(ret, "-DEBCC_PAGE_SIZE=", request->page_size)) &&
	    (!(request->flags & EBCC_CC_PORTABLE) || push(ret, "-DEBCC_PORTABLE")) &&
	    push_arch_flags(ret, request->arch) && push_includes(ret, request) &&
	    push_user_flags(ret, request, answer) && PUSH_ALL(ret, include_flags) &&
	    (headers || (push(ret, "-internal-isystem") && push(ret, EBCC_CC_KERNEL_INCLUDE))))
		return true;
	if (answer->diagnostic_count == before)
		ebcc_cc_answer_add_diagnostic(answer, EBCC_CC_FATAL, "", 0, 0, "out of memory",
					      "fatal error: out of memory\n");
	return false;
}

void ebcc_cc_arguments_deinit(struct ebcc_cc_arguments *arguments)
{
	for (size_t i = 0; i < arguments->own_count; i++)
		free(arguments->own[i]);
	free(arguments->own);
	free(arguments->list);
	*arguments = (struct ebcc_cc_arguments){0};
}
