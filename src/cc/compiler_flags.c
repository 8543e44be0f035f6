// SPDX-License-Identifier: Apache-2.0
/*
 * Building the front end's arguments. Users write flags for the clang driver; the front
 * end is called without one (starting a driver costs time and looks around in the system),
 * so the flags that differ between the two are sorted out here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "compiler_answer.h"
#include "compiler_flags.h"

static const char *const base_flags[] = {
	"-triple",
	"bpfel",
	"-emit-llvm-bc",
	"-disable-llvm-passes",
	"-O2",
	"-debug-info-kind=constructor",
	"-dwarf-version=4",
	"-debugger-tuning=gdb",
	/* The backend quotes source lines in BTF: from here, not from a file of that name. */
	"-gembed-source",
	"-fdebug-compilation-dir=.",
	/* The kernel, and scripts written for it, break the aliasing rules. */
	"-relaxed-aliasing",
	/* Only the virtual tree and what flags name. */
	"-nostdsysteminc",
	"-nobuiltininc",
	"-fgnuc-version=4.2.1",
	"-ferror-limit",
	"200",
	/* Errors of newer clangs that existing sources rely on not being errors. */
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

static const char *const x86_64_flags[] = {
	"-D__x86_64__=1",
	"-D__x86_64=1",
	"-D__amd64__=1",
	"-D__TARGET_ARCH_x86=1",
};

static const char *const arm64_flags[] = {
	"-D__aarch64__=1",
	"-D__TARGET_ARCH_arm64=1",
};

/* After the user's -I and -isystem: the project's headers, then the kernel's. */
static const char *const include_flags[] = {
	"-internal-isystem",
	EBCC_CC_DIALECT_INCLUDE,
	"-internal-isystem",
	EBCC_CC_STD_INCLUDE,
};

/* Driver flags without a meaning here. A trailing '*' stands for any rest. */
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
	"-fno-stack-protector",
	"-fno-asynchronous-unwind-tables",
	"-fno-unwind-tables",
	"-fomit-frame-pointer",
	"-fno-omit-frame-pointer",
	"-fno-pic",
	"-fPIC",
	"-fpic",
	"-fno-pie",
	"-fPIE",
	"-fpie",
	"-emit-llvm",
	"-MD",
	"-MMD",
	"-MP",
	"-m64",
	"-mcpu=*",
	"--target=*",
	"-fno-plt",
	"-fcolor-diagnostics",
	"-fno-color-diagnostics",
	"-fdiagnostics-color*",
	"-v",
};

/* The same, with an argument of their own as the next word. */
static const char *const ignored_pairs[] = {"-target", "-x", "-o", "-MF", "-MT", "-MQ", "-Xlinker"};

/* Flags whose argument may be the next word. */
static const char *const separate_flags[] = {
	"-D",	   "-U",	 "-I",	     "-include",     "-imacros",	   "-isystem",
	"-iquote", "-idirafter", "-iprefix", "-iwithprefix", "-iwithprefixbefore", "-isysroot",
	"-F",	   "-Xclang",	 "-mllvm",
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

static bool push_numbered(struct ebcc_cc_arguments *arguments, const char *prefix, unsigned value)
{
	char *text;

	if (asprintf(&text, "%s%u", prefix, value) < 0)
		return false;
	arguments->own[arguments->own_count++] = text;
	return push(arguments, text);
}

static bool matches(const char *flag, const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strcspn(patterns[i], "*");

		if (!strncmp(flag, patterns[i], length) && (patterns[i][length] || !flag[length]))
			return true;
	}
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

/* The flags of the request, from the driver's ways to those of the front end. */
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
		if (strcmp(flag, "-Xclang") && !push(arguments, flag))
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

/* What comes before the source: kernel headers, kernel types, the dialect. */
static bool push_includes(struct ebcc_cc_arguments *arguments,
			  const struct ebcc_cc_request *request)
{
	if (request->flags & EBCC_CC_BUILD_PCH)
		return true;
	if (has_file(request, EBCC_CC_PREAMBLE_PCH)) {
		/* Whether it fits the flags and files is for who gave it to know. */
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

bool ebcc_cc_arguments_init(struct ebcc_cc_arguments *ret, const struct ebcc_cc_request *request,
			    struct ebcc_cc_answer *answer)
{
	size_t before = answer->diagnostic_count;
	bool arm64 = request->arch == EBCC_CC_ARCH_ARM64;
	bool headers = request->flags & EBCC_CC_HEADERS;

	*ret = (struct ebcc_cc_arguments){0};
	if (PUSH_ALL(ret, base_flags) && push(ret, "-target-cpu") &&
	    push_numbered(ret, "v", request->cpu_version) &&
	    push_numbered(ret, "-DEBCC_CPU_COUNT=", request->cpu_count) &&
	    (arm64 ? PUSH_ALL(ret, arm64_flags) : PUSH_ALL(ret, x86_64_flags)) &&
	    push_includes(ret, request) && push_user_flags(ret, request, answer) &&
	    PUSH_ALL(ret, include_flags) &&
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
	free(arguments->list);
	*arguments = (struct ebcc_cc_arguments){0};
}
