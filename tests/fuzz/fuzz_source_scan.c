// SPDX-License-Identifier: Apache-2.0
/* Fuzz target of the scan of a source: whatever the text, it ends, and each name in the result is
 * one of the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "types/source_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const flags[] = {"-DNAME=1", "-include", "nosuch.h"};
	struct ebcc_scan_opts opts = {.path = "/nosuch/main.c", .cflags = flags, .cflag_count = 3};
	const char *text = (const char *)data;
	struct ebcc_scan scan;

	if (ebcc_scan_source(text, size, &opts, &scan))
		abort();
	for (size_t i = 0; i < scan.tracepoint_count; i++)
		if (strlen(scan.tracepoints[i].event) > size ||
		    !memmem(text, size, scan.tracepoints[i].event,
			    strlen(scan.tracepoints[i].event)))
			abort();
	for (size_t i = 0; i < scan.include_count; i++)
		if (strlen(scan.includes[i]) > size && strcmp(scan.includes[i], "nosuch.h"))
			abort();
	ebcc_scan_names_pid_namespace(&scan);
	if (ebcc_scan_merge_names(&scan, text, size) || ebcc_scan_text(&scan, text, size))
		abort();
	ebcc_scan_deinit(&scan);
	return 0;
}
