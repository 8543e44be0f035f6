/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending on Ctrl-C in an orderly way.
 */
#ifndef EBCC_CLI_SIGNALS_H
#define EBCC_CLI_SIGNALS_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP only make cli_interrupted() true, and interrupt system
 * calls. A second signal ends the program. */
void cli_catch_signals(void);

/* Whether such a signal came. The parameter is unused: the function is what
 * ebcc_module_opts.interrupted takes. */
bool cli_interrupted(void *ctx);

#endif /* EBCC_CLI_SIGNALS_H */
