/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel probes as events in tracefs (kprobe_events). Unlike perf events, they outlive the process
 * that created them.
 */
#ifndef EBCC_ATTACH_KPROBE_EVENTS_H
#define EBCC_ATTACH_KPROBE_EVENTS_H

#include "base/error.h"

/* Makes a name for an event on @function, unique in this process: "GROUP/FUNCTION_NUMBER". @ret is
 * malloc'ed. */
MUST_CHECK struct ebcc_error *ebcc_kprobe_event_name(const char *function, char **ret);

/* Writes one command to kprobe_events. Returns 0 or a positive errno. */
int ebcc_kprobe_events_write(const char *path, const char *command);

/* Removes the event "GROUP/EVENT". If it is still in use, it stays until the next sweep.
 * Returns 0 or a positive errno. */
int ebcc_kprobe_event_remove(const char *path, const char *event);

/*
 * Removes events that tracers using this library left behind when they were killed. Failures don't
 * matter: the next one tries again. Cheap if there are none.
 */
void ebcc_kprobe_events_sweep(void);

#endif /* EBCC_ATTACH_KPROBE_EVENTS_H */
