// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of the disk cache: its files as they may be after whatever happened to the disk,
 * and manifests and answers that were stored as they are. An input is what to put where, in its
 * first byte, and the bytes. What is found is an answer that compiled.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile/cache.h"
#include "compiler/answer.h"
#include "kernel/tracefs.h"

#define MANIFEST_KEY ((struct ebcc_cache_key){.low = 1, .high = 2})
/* Whose manifest names it: "object 00000000000000040000000000000003". */
#define OBJECT_KEY ((struct ebcc_cache_key){.low = 3, .high = 4})
#define MANIFEST "object 00000000000000040000000000000003\nabsent /nosuch\n"

enum { RAW_FILE, STORED_MANIFEST, STORED_ANSWER, MODES };

/* The kernel has one option. */
struct ebcc_error *ebcc_kernel_config(struct ebcc_kernel_info *kernel, const char *symbol,
				      char **ret)
{
	*ret = !strcmp(symbol, "CONFIG_BPF") ? strdup("y") : NULL;
	return NULL;
}

struct ebcc_error *ebcc_tracefs_find(const char **ret)
{
	*ret = "/nosuch";
	return NULL;
}

static void write_raw(const char *directory, const uint8_t *data, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/00000000000000020000000000000001.manifest", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char directory[96];
	static struct ebcc_disk_cache *cache;
	static struct ebcc_log log;
	struct ebcc_cache_key key = MANIFEST_KEY, object = OBJECT_KEY;
	struct ebcc_kernel_info kernel = {0};
	struct ebcc_cc_answer answer;

	if (!cache) {
		struct ebcc_disk_cache_opts opts = {.directory = directory};
		const char *temporary = getenv("TMPDIR");

		snprintf(directory, sizeof(directory), "%s/ebcc-fuzz-cache.XXXXXX",
			 temporary ? temporary : "/tmp");
		if (!mkdtemp(directory))
			abort();
		cache = ebcc_disk_cache_create(&opts, &log);
		if (!cache)
			abort();
	}
	if (!size)
		return 0;
	if (*data % MODES == RAW_FILE)
		write_raw(directory, data + 1, size - 1);
	else if (*data % MODES == STORED_MANIFEST)
		ebcc_disk_cache_put(cache, &key, "manifest", data + 1, size - 1);
	else {
		ebcc_disk_cache_put(cache, &key, "manifest", MANIFEST, strlen(MANIFEST));
		ebcc_disk_cache_put(cache, &object, "answer", data + 1, size - 1);
	}
	if (ebcc_compile_cache_find(cache, &key, &kernel, &answer)) {
		if (answer.status != EBCC_CC_OK)
			abort();
		ebcc_compile_cache_store(cache, &key, &kernel, "config CONFIG_BPF y\n", &answer);
		ebcc_cc_answer_deinit(&answer);
	}
	return 0;
}
