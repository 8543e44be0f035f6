// SPDX-License-Identifier: Apache-2.0
#include "kernel/syscalls.h"

#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "ebcc.h"
#include "kernel/ksyms.h"

static bool find_prefix(void *ctx, const struct ebcc_ksyms_line *line)
{
	static const char *const prefixes[] = {"__x64_sys_",   "__arm64_sys_",	 "__s390x_sys_",
					       "__riscv_sys_", "__powerpc_sys_", "sys_"};
	const char **found = ctx;
	size_t length = strlen(line->name);

	if (length < 4 || strcmp(line->name + length - 4, "_bpf"))
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (length == strlen(prefixes[i]) + 3 &&
		    !strncmp(line->name, prefixes[i], strlen(prefixes[i])))
			*found = prefixes[i];
	return !*found;
}

const char *ebcc_kernel_syscall_prefix(void)
{
	static const char *known;
	const char *found = __atomic_load_n(&known, __ATOMIC_ACQUIRE);

	if (found)
		return found;
	ebcc_error_destroy(ebcc_ksyms_walk(find_prefix, &found));
	if (!found)
		found = ebcc_arch_own()->syscall_prefix;
	__atomic_store_n(&known, found, __ATOMIC_RELEASE);
	return found;
}

struct ebcc_error *ebcc_syscall_function(const char *name, char **ret)
{
	const char *call = ebcc_syscall_name(name);

	if (asprintf(ret, "%s%s", call ? ebcc_kernel_syscall_prefix() : "", call ? call : name) >=
	    0)
		return NULL;
	*ret = NULL;
	return ebcc_error_no_memory();
}
