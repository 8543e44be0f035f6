/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distinguishing a process from a later one with the same PID.
 */
#ifndef EBCC_BASE_PROCESS_H
#define EBCC_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* When a process started, in clock ticks since boot (field 22 of /proc/PID/stat, see proc(5)), or 0
 * if there is no such process. */
uint64_t ebcc_process_start_time(int pid);

/* Whether a process that started at @start_time (the lower 32 bits) is still running. A zombie is
 * not. */
bool ebcc_process_runs(int pid, uint32_t start_time);

#endif /* EBCC_BASE_PROCESS_H */
