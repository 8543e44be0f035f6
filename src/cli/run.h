/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of `ebcc run` share.
 */
#ifndef EBCC_CLI_RUN_H
#define EBCC_CLI_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* ---- events.c: perf buffers, ring buffers and the trace pipe ---- */

struct cli_reader {
	struct cli_events *events;
	struct ebcc_table *table;
	const struct ebcc_type *type; /* of its events; NULL: unknown */
	uint64_t lost;
};

struct cli_events {
	struct ebcc_module *module;
	bool json;
	char *const *types; /* "BUFFER=TYPE", from the command line; borrowed */
	size_t type_count;
	struct cli_reader *readers;
	size_t reader_count;
	struct ebcc_trace_pipe *pipe; /* NULL: no program prints to it */
	bool own_line;		      /* the last line of the trace pipe was printed */
};

/* Opens the readers of all buffers of events->module, and the trace pipe if a program prints to it.
 * EBCC_ERROR_NOT_FOUND: a buffer or type that events->types names doesn't exist. */
MUST_CHECK struct ebcc_error *cli_events_open(struct cli_events *events);
void cli_events_close(struct cli_events *events);

/* Waits at most @timeout_ms for events, and prints what came. */
MUST_CHECK struct ebcc_error *cli_events_poll(struct cli_events *events, int timeout_ms);
/* Prints what is left, without waiting. */
MUST_CHECK struct ebcc_error *cli_events_drain(struct cli_events *events);
/* Says how many events were lost. */
void cli_events_report_losses(const struct cli_events *events);

/* ---- tables.c ---- */

/* Prints the entries of all tables that hold values. */
MUST_CHECK struct ebcc_error *cli_tables_print(struct ebcc_module *module, bool json);

#endif /* EBCC_CLI_RUN_H */
