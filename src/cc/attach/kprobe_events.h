/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel probes as events in tracefs (kprobe_events). They outlive the process that made them,
 * unlike perf events.
 */
#ifndef EBCC_ATTACH_KPROBE_EVENTS_H
#define EBCC_ATTACH_KPROBE_EVENTS_H

#include "base/error.h"

/* A name for an event on @function, new in this process: "GROUP/FUNCTION_NUMBER". @ret malloc'ed.
 */
MUST_CHECK struct ebcc_error *ebcc_kprobe_event_name(const char *function, char **ret);

/* Writes one command to kprobe_events. 0, or a positive errno. */
int ebcc_kprobe_events_write(const char *path, const char *command);

/* Removes the event "GROUP/EVENT". One that is still in use stays, for the next sweep. */
void ebcc_kprobe_event_remove(const char *path, const char *event);

/*
 * Removes the events that tracers of this library left behind when they were killed. Failures don't
 * matter: the next start tries again. Cheap when there are none.
 */
void ebcc_kprobe_events_sweep(void);

#endif /* EBCC_ATTACH_KPROBE_EVENTS_H */
