// SPDX-License-Identifier: Apache-2.0
/*
 * Builds and caches precompiled headers. The key covers everything that the result depends on, so a
 * cached entry is always valid. That makes it safe to disable clang's own checks, which would look
 * at a thousand files again.
 */
#include "compile/pch.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Must change whenever the key's inputs change. */
#define PCH_FORMAT "ebcc pch 1 " EBCC_VERSION
#define PCH "pch"

#define AUTO_ANSWER CLEANUP(ebcc_cc_answer_deinit)

static bool defines_for_headers(const char *name)
{
	return *name == '_' || !strncmp(name, "CONFIG_", 7);
}

/* The number of words of a flag that applies to headers; 0 if it applies to the source only. */
static size_t words_for_headers(const char *const *flags, size_t count)
{
	const char *flag = flags[0];
	bool separate = flag[0] == '-' && flag[1] && !flag[2] && count > 1;

	if (!strcmp(flag, "-isystem") && count > 1)
		return 2;
	if (!strncmp(flag, "-D", 2) || !strncmp(flag, "-U", 2)) {
		if (!defines_for_headers(separate ? flags[1] : flag + 2))
			return 0;
		return separate ? 2 : 1;
	}
	return !strncmp(flag, "-f", 2) || !strncmp(flag, "-m", 2) || !strncmp(flag, "-std", 4);
}

/* Fills @ret (room for request->cflag_count) with the flags that apply to headers. */
static size_t select_flags(const struct ebcc_cc_request *request, const char **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < request->cflag_count;) {
		size_t words = words_for_headers(request->cflags + i, request->cflag_count - i);

		for (size_t j = 0; j < words; j++)
			ret[count++] = request->cflags[i + j];
		i += words ? words : 1;
	}
	return count;
}

static struct ebcc_error *pch_key(struct ebcc_compiler_client *client,
				  const struct ebcc_pch_opts *opts,
				  const struct ebcc_cc_request *request, struct ebcc_cache_key *ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ebcc_buf_printf(&text, "%s\narch %d\ncpu %u %u %u\n", PCH_FORMAT, request->arch,
			request->cpu_version, request->cpu_count, request->page_size);
	TRY(ebcc_compiler_client_identity(client, &text));
	TRY(ebcc_kernel_headers_identity(opts->headers, &text));
	for (size_t i = 0; i < request->cflag_count; i++) {
		ebcc_buf_append_string(&text, request->cflags[i]);
		ebcc_buf_append_char(&text, '\0');
	}
	ebcc_buf_append_string(&text, opts->preamble);
	TRY(ebcc_buf_check(&text));
	*ret = ebcc_cache_key_of(&text);
	return NULL;
}

struct ebcc_error *ebcc_compile_pch(struct ebcc_compiler_client *client,
				    struct ebcc_disk_cache *cache, const struct ebcc_pch_opts *opts,
				    struct ebcc_buf *ret)
{
	AUTO_FREE const char **flags = calloc(opts->request->cflag_count + 1, sizeof(*flags));
	AUTO_ANSWER struct ebcc_cc_answer answer = {0};
	struct ebcc_cc_request request = *opts->request;
	struct ebcc_cache_key key;

	if (!cache)
		return NULL;
	if (!flags)
		return ebcc_error_no_memory();
	request.cflags = flags;
	request.cflag_count = select_flags(opts->request, flags);
	request.source = opts->preamble;
	request.source_size = strlen(opts->preamble);
	request.source_path = EBCC_CC_PREAMBLE;
	request.files = NULL;
	request.file_count = 0;
	request.pipeline = EBCC_CC_PIPELINE_O2;
	request.flags = EBCC_CC_HEADERS | EBCC_CC_BUILD_PCH;
	TRY(pch_key(client, opts, &request, &key));
	if (ebcc_disk_cache_get(cache, &key, PCH, ret) && ret->size)
		return NULL;
	TRY(ebcc_compiler_client_compile(client, &request, &answer));
	if (answer.status != EBCC_CC_OK) {
		ebcc_log(opts->log, EBCC_LOG_DEBUG, "precompiling the headers in %s failed: %s",
			 opts->headers->build,
			 answer.diagnostic_count ? answer.diagnostics[0].rendered : "");
		return NULL;
	}
	ebcc_disk_cache_put(cache, &key, PCH, answer.object, answer.object_size);
	ebcc_buf_append(ret, answer.object, answer.object_size);
	return ebcc_buf_check(ret);
}
