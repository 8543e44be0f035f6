// SPDX-License-Identifier: Apache-2.0
/*
 * Counting tracers in a process's memory, when the kernel can't. A semaphore is a 16-bit counter in
 * the program's data; programs compute the arguments of a probe only if it is above 0.
 */
#include "usdt/usdt.h"

#include <errno.h>
#include <unistd.h>

/* Adds @step. This is not atomic: another tracer could change the counter in between. */
static int add_to_counter(int memory, uint64_t address, int step)
{
	uint16_t value;

	if (pread(memory, &value, sizeof(value), (off_t)address) != sizeof(value))
		return errno ? errno : EIO;
	if ((step > 0 && value == UINT16_MAX) || (step < 0 && !value))
		return ERANGE;
	value = (uint16_t)(value + step);
	if (pwrite(memory, &value, sizeof(value), (off_t)address) != sizeof(value))
		return errno ? errno : EIO;
	return 0;
}

struct ebcc_error *ebcc_semaphore_raise(int memory, uint64_t address)
{
	int errnum;

	errno = 0;
	errnum = add_to_counter(memory, address, 1);
	if (errnum == ERANGE)
		return ebcc_error_create(
			EBCC_ERROR_FORMAT,
			"the USDT probe's semaphore is already at its maximum, 65535");
	return errnum ? ebcc_error_os(EBCC_ERROR_OS, errnum,
				      "can't increment the semaphore of a USDT probe")
		      : NULL;
}

void ebcc_semaphore_lower(int memory, uint64_t address)
{
	add_to_counter(memory, address, -1);
}
