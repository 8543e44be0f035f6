// SPDX-License-Identifier: Apache-2.0
/*
 * The capabilities of this process. See privilege.h.
 */
#include "kernel/privilege.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "ebcc.h"

bool ebcc_privilege_holds(bool packets)
{
	static const unsigned needed[] = {CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	size_t count = sizeof(needed) / sizeof(*needed) - (packets ? 0 : 1);

	if (syscall(SYS_capget, &header, data))
		return false;
	if (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN))
		return true;
	for (size_t i = 0; i < count; i++)
		if (!(data[CAP_TO_INDEX(needed[i])].effective & CAP_TO_MASK(needed[i])))
			return false;
	return true;
}

struct ebcc_error *ebcc_privilege_check(void)
{
	if (ebcc_privilege_holds(false))
		return NULL;
	return ebcc_error_create(EBCC_ERROR_PERMISSION,
				 "tracing needs root, or the capabilities CAP_BPF and CAP_PERFMON");
}
