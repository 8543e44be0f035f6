/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks for measuring intervals: how long ago something was done, and how long it took.
 */
#ifndef EBCC_BASE_CLOCK_H
#define EBCC_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t ebcc_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Nanoseconds since an unspecified moment; never goes back. */
static inline uint64_t ebcc_now_ns(void)
{
	return ebcc_clock_ns(CLOCK_MONOTONIC);
}

/* CPU time used by this thread, in nanoseconds: what something costs, however busy the machine
 * is. */
static inline uint64_t ebcc_work_ns(void)
{
	return ebcc_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif /* EBCC_BASE_CLOCK_H */
