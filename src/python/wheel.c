// SPDX-License-Identifier: Apache-2.0
/*
 * For the wheel, whose extension contains the archives of libraries. Debian's libbpf.a is built for
 * programs: it expects the C library's stderr at a fixed distance, where a shared object doesn't
 * have it. The linker (--wrap=stderr) gives it a variable of the extension's own in its place.
 */
#include <stdio.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): names that the linker makes */
extern FILE *__real_stderr;
__attribute__((visibility("hidden"))) FILE *__wrap_stderr;
/* NOLINTEND(bugprone-reserved-identifier) */

__attribute__((constructor)) static void set_stderr(void)
{
	__wrap_stderr = __real_stderr;
}
