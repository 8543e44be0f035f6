// SPDX-License-Identifier: Apache-2.0
#include "attach/session.h"

#include "load/program.h"

struct ebcc_error *ebcc_session_check(const struct ebcc_multi_kind *kind,
				      const struct ebcc_program *program, bool on_return,
				      const char *what, const char *since)
{
	if (on_return)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a session runs a program both when functions are called "
					 "and when they return, so on_return can't be set");
	if (!ebcc_feature(kind->feature))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"this kernel can't run one program both at entry and at return of %s "
			"(Linux %s, and later can): attach one program to each",
			what, since);
	if (!ebcc_program_can_vary(program))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"program %s can't run both at entry and at return, because its source has "
			"a table of programs, whose programs must all be loaded alike",
			program->name);
	return NULL;
}

struct ebcc_error *ebcc_session_refused(const char *place)
{
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_ATTACH,
				  "the kernel refuses to run a program at both entry and return "
				  "of %s",
				  place),
		place);
}
