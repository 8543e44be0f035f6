// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of the reader of verifier logs, which quote the source and may be cut anywhere, and
 * of the line info of objects. An input is a log, a NUL, and an object.
 */
#include <bpf/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "advice/verifier_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct btf *btf;
	const uint8_t *end = memchr(data, '\0', size);
	size_t length = end ? (size_t)(end - data) : size;
	char *log = strndup((const char *)data, length);
	struct ebcc_rejection rejection = {
		.program = "p",
		.section = "xdp",
		.instruction_count = 10,
		.log = log,
		.object_bytes = (const char *)(end ? end + 1 : data + size),
		.object_size = end ? size - length - 1 : 0,
	};
	struct ebcc_verifier_statistics statistics;
	struct ebcc_error *error;

	if (!btf) {
		btf = btf__new_empty();
		btf__add_str(btf, "xdp");
		btf__add_str(btf, "main.c");
	}
	rejection.btf = btf;
	error = ebcc_verifier_error(&rejection);
	if (!error || strncmp(ebcc_error_message(error), "program 'p': the kernel's verifier", 34))
		abort();
	if (ebcc_error_details(error) && !strstr(log, ebcc_error_details(error)))
		abort();
	ebcc_error_destroy(error);
	ebcc_verifier_statistics_read(log, &statistics);
	free(log);
	return 0;
}
