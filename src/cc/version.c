// SPDX-License-Identifier: Apache-2.0
#include "ebcc.h"

const char *ebcc_version(void)
{
	return EBCC_VERSION;
}
