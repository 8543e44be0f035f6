// SPDX-License-Identifier: Apache-2.0
/*
 * libiberty's demanglers with a limit on their output, since substitutions let a short name expand
 * to any length. The interfaces with a callback are used: they allocate no memory (the others abort
 * the process when it runs out), so leaving them with longjmp() leaks nothing.
 */
#include "elf/demangle.h"

#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

#define OUTPUT_LIMIT (64u << 10)
/* The C++ demangler puts two arrays proportional to the name's length on the stack, and itself
 * refuses names of more than 1024 characters; the Rust demangler has no such limit. */
#define INPUT_LIMIT 4096

struct output {
	struct ebcc_buf *text;
	jmp_buf too_long;
};

static void add_output(const char *text, size_t size, void *ctx)
{
	struct output *output = ctx;

	if (size > OUTPUT_LIMIT - output->text->size)
		longjmp(output->too_long, 1);
	ebcc_buf_append(output->text, text, size);
}

bool ebcc_is_mangled(const char *name)
{
	if (name[0] != '_')
		return false;
	/* "_R": Rust's v0 mangling; "___Z": blocks of Objective-C++. */
	return name[1] == 'Z' || name[1] == 'R' || !strncmp(name, "___Z", 4);
}

bool ebcc_demangle(const char *name, struct ebcc_buf *ret)
{
	int options = DMGL_PARAMS | DMGL_ANSI;
	struct output output = {.text = ret};

	ebcc_buf_clear(ret);
	if (!ebcc_is_mangled(name) || strnlen(name, INPUT_LIMIT) == INPUT_LIMIT)
		return false;
	if (setjmp(output.too_long))
		return false;
	if (!rust_demangle_callback(name, options, add_output, &output)) {
		ebcc_buf_clear(ret);
		if (!cplus_demangle_v3_callback(name, options, add_output, &output))
			return false;
	}
	return ret->size && !ret->failed;
}
