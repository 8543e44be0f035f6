/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which probes this kernel has at all. It lists them in sysfs, with the options that each has.
 */
#ifndef EBCC_CLI_ABILITIES_H
#define EBCC_CLI_ABILITIES_H

#include <stdbool.h>
#include <unistd.h>

#define CLI_UNITS "/sys/bus/event_source/devices/"

static inline bool cli_has_kprobes(void)
{
	return !access(CLI_UNITS "kprobe/type", F_OK);
}

static inline bool cli_has_kretprobes(void)
{
	return !access(CLI_UNITS "kprobe/format/retprobe", F_OK);
}

static inline bool cli_has_uprobes(void)
{
	return !access(CLI_UNITS "uprobe/type", F_OK);
}

/* Whether the kernel counts tracers in the semaphores of USDT probes. */
static inline bool cli_has_semaphores(void)
{
	return !access(CLI_UNITS "uprobe/format/ref_ctr_offset", F_OK);
}

#endif /* EBCC_CLI_ABILITIES_H */
