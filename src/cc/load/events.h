/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_LOAD_EVENTS_H
#define EBCC_LOAD_EVENTS_H

#include "load/module.h"

/* Closes the module's readers of events. */
void ebcc_module_close_events(struct ebcc_module *module);

#endif /* EBCC_LOAD_EVENTS_H */
