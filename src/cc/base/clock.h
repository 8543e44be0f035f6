/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time for intervals: when something was last done, and how long it took.
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

/* Nanoseconds since some moment, which never go back. */
static inline uint64_t ebcc_now_ns(void)
{
	return ebcc_clock_ns(CLOCK_MONOTONIC);
}

/* Nanoseconds of processor time of this thread: what something costs, however busy the machine. */
static inline uint64_t ebcc_work_ns(void)
{
	return ebcc_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif /* EBCC_BASE_CLOCK_H */
