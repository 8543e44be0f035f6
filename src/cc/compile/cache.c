// SPDX-License-Identifier: Apache-2.0
/*
 * Decides when a cached answer of the compiler is valid: records what the answer depends on as
 * conditions, and checks whether they hold now. If something can't be expressed as a condition, the
 * answer is not cached: correctness comes before speed.
 *
 * A manifest is text. Each record begins with "object KEY", followed by its conditions, one per
 * line:
 *
 *	file HASH PATH		XXH64 of the file's contents
 *	absent PATH		the file was looked for and not found
 *	directory PATH		the working directory: files may be relative to it
 *	config SYMBOL VALUE	VALUE is n if the symbol is not set
 *	unconfigured		the kernel's configuration can't be found
 */
#include "compile/cache.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "compiler/protocol.h"
#include "elf/bpf_object.h"
#include "kernel/tracefs.h"

/* Must change whenever the stored data or the keys' inputs change. */
#define CACHE_FORMAT "ebcc cache 3 " EBCC_VERSION

/* Answers kept per manifest: a header that alternates between a few versions still hits. */
#define MANIFEST_RECORDS 8

#define MANIFEST "manifest"
#define OBJECT "answer"

#define AUTO_XXH CLEANUP(cleanup_xxh)
static void cleanup_xxh(XXH3_state_t **state)
{
	XXH3_freeState(*state);
}

/* The size comes before the bytes, so that different lists of strings never give the same input. */
static void add_bytes(XXH3_state_t *state, const void *data, size_t size)
{
	XXH3_128bits_update(state, &size, sizeof(size));
	XXH3_128bits_update(state, data, size);
}

static void add_string(XXH3_state_t *state, const char *string)
{
	add_bytes(state, string, strlen(string));
}

static void add_number(XXH3_state_t *state, uint64_t number)
{
	XXH3_128bits_update(state, &number, sizeof(number));
}

static struct ebcc_cache_key digest(const XXH3_state_t *state)
{
	XXH128_hash_t hash = XXH3_128bits_digest(state);

	return (struct ebcc_cache_key){.low = hash.low64, .high = hash.high64};
}

struct ebcc_error *ebcc_compile_cache_key(const struct ebcc_cc_request *request,
					  const struct ebcc_kernel_info *kernel,
					  const char *compiler, const char *types,
					  struct ebcc_cache_key *ret)
{
	AUTO_XXH XXH3_state_t *state = XXH3_createState();

	if (!state)
		return ebcc_error_no_memory();
	XXH3_128bits_reset(state);
	add_string(state, CACHE_FORMAT);
	add_string(state, compiler);
	add_string(state, types);
	add_string(state, kernel->release);
	add_string(state, kernel->version);
	add_string(state, kernel->build_id);
	add_number(state, kernel->version_code);
	add_number(state, kernel->page_size);
	add_bytes(state, request->source, request->source_size);
	add_string(state, request->source_path);
	add_number(state, request->cflag_count);
	for (size_t i = 0; i < request->cflag_count; i++)
		add_string(state, request->cflags[i]);
	add_number(state, request->arch);
	add_number(state, request->cpu_version);
	add_number(state, request->cpu_count);
	add_number(state, request->pipeline);
	add_number(state, request->flags);
	*ret = digest(state);
	return NULL;
}

static bool config_holds(struct ebcc_kernel_info *kernel, char *condition)
{
	AUTO_FREE char *value = NULL;
	AUTO_ERROR struct ebcc_error *error = NULL;
	char *expected = strchr(condition, ' ');

	if (!expected)
		return false;
	*expected++ = '\0';
	error = ebcc_kernel_config(kernel, condition, &value);
	return !error && !strcmp(value ? value : "n", expected);
}

static bool is_unconfigured(struct ebcc_kernel_info *kernel)
{
	AUTO_FREE char *value = NULL;
	AUTO_ERROR struct ebcc_error *error = ebcc_kernel_config(kernel, "CONFIG_BPF", &value);

	return !error && !kernel->config_path;
}

static bool directory_holds(const char *expected)
{
	AUTO_FREE char *now = getcwd(NULL, 0);

	return now && !strcmp(now, expected);
}

/* Whether a condition holds now. Modifies the line. */
static bool holds(struct ebcc_kernel_info *kernel, char *line)
{
	unsigned long long hash;
	uint64_t now;
	int at = 0;

	if (!strncmp(line, "absent ", 7))
		return access(line + 7, F_OK) != 0;
	if (!strncmp(line, "config ", 7))
		return config_holds(kernel, line + 7);
	if (!strncmp(line, "directory ", 10))
		return directory_holds(line + 10);
	if (!strcmp(line, "unconfigured"))
		return is_unconfigured(kernel);
	return sscanf(line, "file %16llx %n", &hash, &at) == 1 && at &&
	       ebcc_disk_cache_hash_file(line + at, &now) && now == hash;
}

/* Parses "object KEY". */
static bool parse_object(const char *line, struct ebcc_cache_key *ret)
{
	unsigned long long high, low;

	if (sscanf(line, "object %16llx%16llx", &high, &low) != 2)
		return false;
	*ret = (struct ebcc_cache_key){.low = low, .high = high};
	return true;
}

bool ebcc_compile_cache_parse_answer(const struct ebcc_buf *frame, struct ebcc_cc_answer *ret)
{
	AUTO_ERROR struct ebcc_error *error = NULL;
	struct ebcc_frame_header header;

	*ret = (struct ebcc_cc_answer){0};
	if (frame->size < sizeof(header))
		return false;
	memcpy(&header, frame->data, sizeof(header));
	error = ebcc_frame_check_header(&header, EBCC_FRAME_ANSWER);
	if (error || header.size != frame->size - sizeof(header))
		return false;
	error = ebcc_decode_answer(frame->data + sizeof(header), header.size, ret);
	return !error && ret->status == EBCC_CC_OK;
}

static bool read_answer(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			struct ebcc_cc_answer *ret)
{
	AUTO_BUF struct ebcc_buf frame = EBCC_BUF_INIT;

	return ebcc_disk_cache_get(cache, key, OBJECT, &frame) &&
	       ebcc_compile_cache_parse_answer(&frame, ret);
}

bool ebcc_compile_cache_find(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			     struct ebcc_kernel_info *kernel, struct ebcc_cc_answer *ret)
{
	AUTO_BUF struct ebcc_buf manifest = EBCC_BUF_INIT;
	struct ebcc_cache_key object;
	bool candidate = false;
	char *save, *line;

	*ret = (struct ebcc_cc_answer){0};
	if (!ebcc_disk_cache_get(cache, key, MANIFEST, &manifest) || !manifest.size)
		return false;
	for (line = strtok_r(manifest.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "object ", 7)) {
			if (candidate)
				break;
			candidate = parse_object(line, &object);
		} else if (candidate) {
			candidate = holds(kernel, line);
		}
	}
	if (!candidate)
		return false;
	if (read_answer(cache, &object, ret))
		return true;
	ebcc_cc_answer_deinit(ret);
	return false;
}

/* Appends "file HASH PATH". Returns false if the path contains a newline or can't be read. */
static bool add_file(struct ebcc_buf *conditions, const char *path)
{
	uint64_t hash;

	if (strchr(path, '\n') || !ebcc_disk_cache_hash_file(path, &hash))
		return false;
	ebcc_buf_printf(conditions, "file %016llx %s\n", (unsigned long long)hash, path);
	return true;
}

/* Turns "CATEGORY:EVENT HASH" into a condition on the event's format file. */
static bool add_tracepoint(struct ebcc_buf *conditions, const struct ebcc_kernel_info *kernel,
			   const char *input)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;
	const char *colon = strchr(input, ':');
	const char *root = kernel->tracefs;

	if (!root)
		error = ebcc_tracefs_find(&root);
	if (error || !colon)
		return false;
	ebcc_buf_printf(&path, "%s/events/%.*s/%.*s/format", root, (int)(colon - input), input,
			(int)strcspn(colon + 1, " "), colon + 1);
	if (path.failed)
		return false;
	if (access(path.data, F_OK)) {
		ebcc_buf_printf(conditions, "absent %s\n", path.data);
		return true;
	}
	return add_file(conditions, path.data);
}

/* Turns a line of ebcc_ktypes_inputs() into a condition. */
static bool add_input(struct ebcc_buf *conditions, const struct ebcc_kernel_info *kernel,
		      const char *line)
{
	if (!strncmp(line, "config ", 7) || !strcmp(line, "unconfigured")) {
		ebcc_buf_printf(conditions, "%s\n", line);
		return true;
	}
	if (!strncmp(line, "tracepoint ", 11))
		return add_tracepoint(conditions, kernel, line + 11);
	if (!strncmp(line, "module ", 7))
		return add_file(conditions, line + 7);
	if (!strncmp(line, "file ", 5))
		return add_file(conditions, line + 5);
	if (!strncmp(line, "btf ", 4)) {
		/* The kernel's own BTF is identified by the build id, which is part of the first
		 * key. */
		if (*kernel->build_id && !strcmp(line + 4, "/sys/kernel/btf/vmlinux"))
			return true;
		return add_file(conditions, line + 4);
	}
	return false;
}

static bool add_directory(struct ebcc_buf *conditions)
{
	AUTO_FREE char *directory = getcwd(NULL, 0);

	if (!directory || strchr(directory, '\n'))
		return false;
	ebcc_buf_printf(conditions, "directory %s\n", directory);
	return true;
}

/* Writes all conditions of an answer. Returns false if one can't be expressed. */
static bool write_conditions(struct ebcc_buf *conditions, const struct ebcc_kernel_info *kernel,
			     const char *inputs, const struct ebcc_cc_answer *answer)
{
	AUTO_FREE char *copy = strdup(inputs);
	char *save, *line;

	if (!copy)
		return false;
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!add_input(conditions, kernel, line))
			return false;
	}
	if (answer->dependency_count && !add_directory(conditions))
		return false;
	for (size_t i = 0; i < answer->dependency_count; i++) {
		const struct ebcc_cc_dependency *dependency = &answer->dependencies[i];

		if (strchr(dependency->path, '\n'))
			return false;
		if (dependency->missing)
			ebcc_buf_printf(conditions, "absent %s\n", dependency->path);
		else
			ebcc_buf_printf(conditions, "file %016llx %s\n",
					(unsigned long long)dependency->hash, dependency->path);
	}
	return !conditions->failed;
}

/* Appends the old manifest's records, except those of @object and those beyond the limit. */
static void keep_records(struct ebcc_buf *manifest, char *old, const struct ebcc_cache_key *object)
{
	unsigned records = 1;
	bool keep = false;
	char *save, *line;

	for (line = strtok_r(old, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct ebcc_cache_key key;

		if (!strncmp(line, "object ", 7)) {
			keep = parse_object(line, &key) &&
			       (key.low != object->low || key.high != object->high) &&
			       records++ < MANIFEST_RECORDS;
		}
		if (keep)
			ebcc_buf_printf(manifest, "%s\n", line);
	}
}

void ebcc_compile_cache_store(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			      const struct ebcc_kernel_info *kernel, const char *inputs,
			      const struct ebcc_cc_answer *answer)
{
	AUTO_BUF struct ebcc_buf conditions = EBCC_BUF_INIT, manifest = EBCC_BUF_INIT;
	AUTO_BUF struct ebcc_buf old = EBCC_BUF_INIT, frame = EBCC_BUF_INIT;
	AUTO_XXH XXH3_state_t *state = XXH3_createState();
	AUTO_ERROR struct ebcc_error *error = NULL;
	struct ebcc_cache_key object;

	if (!cache || !state || !write_conditions(&conditions, kernel, inputs, answer))
		return;
	error = ebcc_frame_encode_answer(&frame, answer);
	if (error)
		return;
	XXH3_128bits_reset(state);
	add_bytes(state, key, sizeof(*key));
	add_bytes(state, ebcc_buf_string(&conditions), conditions.size);
	object = digest(state);
	ebcc_buf_printf(&manifest, "object %016llx%016llx\n%s", (unsigned long long)object.high,
			(unsigned long long)object.low, ebcc_buf_string(&conditions));
	if (ebcc_disk_cache_get(cache, key, MANIFEST, &old) && old.size)
		keep_records(&manifest, old.data, &object);
	if (manifest.failed)
		return;
	ebcc_disk_cache_put(cache, &object, OBJECT, frame.data, frame.size);
	ebcc_disk_cache_put(cache, key, MANIFEST, manifest.data, manifest.size);
}

/* ---- Looking at entries ---- */

bool ebcc_compile_cache_entry_is_valid(const char *kind, const struct ebcc_buf *bytes)
{
	struct ebcc_cc_answer answer = {0};
	struct ebcc_cache_key object;
	bool valid = true;

	if (!strcmp(kind, MANIFEST))
		return parse_object(ebcc_buf_string(bytes), &object);
	if (!strcmp(kind, OBJECT))
		valid = ebcc_compile_cache_parse_answer(bytes, &answer);
	ebcc_cc_answer_deinit(&answer);
	return valid;
}

char *ebcc_compile_cache_entry_source(const char *kind, const struct ebcc_buf *bytes)
{
	struct ebcc_cc_answer answer = {0};
	char *source = NULL;

	if (!strcmp(kind, OBJECT) && ebcc_compile_cache_parse_answer(bytes, &answer) &&
	    answer.object)
		source = ebcc_elf_source_file(answer.object, answer.object_size);
	ebcc_cc_answer_deinit(&answer);
	return source;
}
