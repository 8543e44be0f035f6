/* SPDX-License-Identifier: Apache-2.0 */
#include "base/helper_names.h"

#include <stddef.h>

#include <linux/bpf.h>

#define FUNCTION_NAME(name) "bpf_" #name
static const char *const names[] = {__BPF_FUNC_MAPPER(FUNCTION_NAME)};

const char *ebcc_helper_name(unsigned number)
{
	return number && number < sizeof(names) / sizeof(*names) ? names[number] : NULL;
}
