// SPDX-License-Identifier: Apache-2.0
/*
 * libiberty's demanglers behind a bound on their output: substitutions let a short name expand to
 * any length. Of its interfaces those with a callback are used: they allocate nothing (the
 * others end the process when memory runs out), so that leaving them by a jump loses nothing.
 */
#include "elf/demangle.h"

#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

#define OUTPUT_LIMIT (64u << 10)
/* The C++ demangler keeps two arrays of the name's length on the stack, and refuses more than 1024
 * characters by itself; the Rust one has no such limit. */
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
	/* "_R" begins the newer names of Rust, "___Z" blocks of Objective-C++. */
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
