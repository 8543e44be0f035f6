// SPDX-License-Identifier: Apache-2.0
/*
 * Counting tracers in a process's memory, for what the kernel can't do. A semaphore is two bytes in
 * the program's data; above 0, the program goes to the trouble of computing its probe's arguments.
 */
#include "usdt/usdt.h"

#include <errno.h>
#include <unistd.h>

/* Adds @step. Nobody else is kept from doing so in between: the memory is the process's. */
static int count(int memory, uint64_t address, int step)
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
	errnum = count(memory, address, 1);
	if (errnum == ERANGE)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "the USDT probe's semaphore counts 65535 tracers already");
	return errnum ? ebcc_error_os(EBCC_ERROR_OS, errnum,
				      "can't count in the semaphore of a USDT probe")
		      : NULL;
}

void ebcc_semaphore_lower(int memory, uint64_t address)
{
	count(memory, address, -1);
}
