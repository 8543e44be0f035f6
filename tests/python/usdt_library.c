// SPDX-License-Identifier: Apache-2.0
/* A library with a USDT probe. */
#include <sys/sdt.h>

void fire(int count);

void fire(int count)
{
	for (int i = 0; i < count; i++)
		DTRACE_PROBE2(library, step, i, "within");
}
