// SPDX-License-Identifier: Apache-2.0
/*
 * Encodes and decodes the frames between the library and the compiler helper. The decoder's cursor
 * stays failed once it has failed, so a message is decoded without checks in between and judged at
 * the end.
 */
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "compiler/answer.h"
#include "compiler/protocol.h"

/* The length of an absent string, which is not the same as an empty one. */
#define ABSENT UINT64_MAX

static void put_u64(struct ebcc_buf *buf, uint64_t value)
{
	ebcc_buf_append(buf, &value, sizeof(value));
}

static void put_bytes(struct ebcc_buf *buf, const char *data, size_t size)
{
	put_u64(buf, data ? size : ABSENT);
	if (!data)
		return;
	ebcc_buf_append(buf, data, size);
	ebcc_buf_append_char(buf, '\0');
}

static void put_string(struct ebcc_buf *buf, const char *string)
{
	put_bytes(buf, string, string ? strlen(string) : 0);
}

static void put_strings(struct ebcc_buf *buf, const char *const *strings, size_t count)
{
	put_u64(buf, count);
	for (size_t i = 0; i < count; i++)
		put_string(buf, strings[i]);
}

/* Leaves room for a header, and returns the offset where the frame begins. */
static size_t begin_frame(struct ebcc_buf *buf)
{
	struct ebcc_frame_header header = {0};
	size_t start = buf->size;

	ebcc_buf_append(buf, &header, sizeof(header));
	return start;
}

static struct ebcc_error *end_frame(struct ebcc_buf *buf, size_t start, enum ebcc_frame_kind kind)
{
	struct ebcc_frame_header header = {.magic = EBCC_FRAME_MAGIC, .kind = kind};
	const char *payload;

	TRY(ebcc_buf_check(buf));
	payload = buf->data + start + sizeof(header);
	header.size = buf->size - start - sizeof(header);
	if (header.size > EBCC_FRAME_LIMIT)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "the source with its kernel types is too large to compile "
					 "(%llu bytes, at most %u)",
					 (unsigned long long)header.size, EBCC_FRAME_LIMIT);
	header.hash = XXH64(payload, header.size, 0);
	memcpy(buf->data + start, &header, sizeof(header));
	return NULL;
}

struct ebcc_error *ebcc_frame_encode_request(struct ebcc_buf *buf,
					     const struct ebcc_cc_request *request)
{
	size_t start = begin_frame(buf);

	put_bytes(buf, request->source ? request->source : "", request->source_size);
	put_string(buf, request->source_path);
	put_u64(buf, request->arch);
	put_u64(buf, request->cpu_version);
	put_u64(buf, request->cpu_count);
	put_u64(buf, request->page_size);
	put_u64(buf, request->pipeline);
	put_u64(buf, request->flags);
	put_string(buf, request->working_directory);
	put_strings(buf, request->cflags, request->cflag_count);
	put_strings(buf, request->readable, request->readable_count);
	put_u64(buf, request->file_count);
	for (size_t i = 0; i < request->file_count; i++) {
		put_string(buf, request->files[i].path);
		put_bytes(buf, request->files[i].text ? request->files[i].text : "",
			  request->files[i].size);
	}
	return end_frame(buf, start, EBCC_FRAME_REQUEST);
}

struct ebcc_error *ebcc_frame_encode_answer(struct ebcc_buf *buf,
					    const struct ebcc_cc_answer *answer)
{
	size_t start = begin_frame(buf);

	put_u64(buf, answer->status);
	put_u64(buf, answer->parsed);
	put_u64(buf, answer->diagnostic_count);
	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		const struct ebcc_cc_diagnostic *diagnostic = &answer->diagnostics[i];

		put_u64(buf, diagnostic->severity);
		put_u64(buf, diagnostic->line);
		put_u64(buf, diagnostic->column);
		put_string(buf, diagnostic->path);
		put_string(buf, diagnostic->message);
		put_string(buf, diagnostic->rendered);
	}
	put_u64(buf, answer->dependency_count);
	for (size_t i = 0; i < answer->dependency_count; i++) {
		put_string(buf, answer->dependencies[i].path);
		put_u64(buf, answer->dependencies[i].hash);
		put_u64(buf, answer->dependencies[i].missing);
	}
	put_bytes(buf, answer->object, answer->object_size);
	put_string(buf, answer->ir);
	put_string(buf, answer->preprocessed);
	put_string(buf, answer->assembly);
	for (int i = 0; i < EBCC_STAGE_COUNT; i++) {
		put_u64(buf, answer->times[i].ns);
		put_u64(buf, answer->times[i].runs);
	}
	return end_frame(buf, start, EBCC_FRAME_ANSWER);
}

static struct ebcc_error *malformed(const char *what)
{
	return ebcc_error_create(EBCC_ERROR_FORMAT, "malformed compiler message: %s", what);
}

struct ebcc_error *ebcc_frame_check_header(const struct ebcc_frame_header *header,
					   enum ebcc_frame_kind kind)
{
	if (header->magic != EBCC_FRAME_MAGIC)
		return malformed("it is not from this version of ebcc");
	if (header->kind != kind)
		return malformed("unexpected kind");
	if (header->size > EBCC_FRAME_LIMIT)
		return malformed("too large");
	return NULL;
}

struct ebcc_error *ebcc_frame_check_payload(const struct ebcc_frame_header *header,
					    const void *payload)
{
	if (XXH64(payload, header->size, 0) != header->hash)
		return malformed("wrong checksum");
	return NULL;
}

struct cursor {
	const char *position;
	size_t left;
	bool failed;
};

static uint64_t get_u64(struct cursor *cursor)
{
	uint64_t value;

	if (cursor->failed || cursor->left < sizeof(value)) {
		cursor->failed = true;
		return 0;
	}
	memcpy(&value, cursor->position, sizeof(value));
	cursor->position += sizeof(value);
	cursor->left -= sizeof(value);
	return value;
}

/* A value that must not exceed @limit. */
static uint64_t get_bounded(struct cursor *cursor, uint64_t limit)
{
	uint64_t value = get_u64(cursor);

	if (value > limit) {
		cursor->failed = true;
		return 0;
	}
	return value;
}

/* The number of elements that follow, each of at least @element_size bytes. */
static size_t get_count(struct cursor *cursor, size_t element_size)
{
	return get_bounded(cursor, cursor->left / element_size);
}

/* Bytes followed by a NUL, in place. NULL if absent or on failure. */
static const char *get_bytes(struct cursor *cursor, size_t *ret_size)
{
	uint64_t size = get_u64(cursor);
	const char *data = cursor->position;

	*ret_size = 0;
	if (cursor->failed || size == ABSENT)
		return NULL;
	if (size >= cursor->left || data[size]) {
		cursor->failed = true;
		return NULL;
	}
	cursor->position += size + 1;
	cursor->left -= size + 1;
	*ret_size = size;
	return data;
}

/* A string without NULs inside; absent ones are NULL. */
static const char *get_string(struct cursor *cursor)
{
	size_t size;
	const char *string = get_bytes(cursor, &size);

	if (string && strlen(string) != size) {
		cursor->failed = true;
		return NULL;
	}
	return string;
}

/* A string that must be present; returns "" on failure. */
static const char *get_required_string(struct cursor *cursor)
{
	const char *string = get_string(cursor);

	if (string)
		return string;
	cursor->failed = true;
	return "";
}

static void decode_files(struct cursor *cursor, struct ebcc_decoded_request *ret, bool *no_memory)
{
	size_t count = get_count(cursor, 2 * sizeof(uint64_t) + 2);

	ret->files = calloc(count ? count : 1, sizeof(*ret->files));
	if (!ret->files) {
		*no_memory = true;
		return;
	}
	for (size_t i = 0; i < count && !cursor->failed; i++) {
		ret->files[i].path = get_required_string(cursor);
		ret->files[i].text = get_bytes(cursor, &ret->files[i].size);
		if (!ret->files[i].text)
			cursor->failed = true;
	}
	ret->request.files = ret->files;
	ret->request.file_count = count;
}

/* An array of strings in place; the caller frees the array. NULL when out of memory. */
static const char **get_strings(struct cursor *cursor, size_t *ret_count, bool *no_memory)
{
	size_t count = get_count(cursor, sizeof(uint64_t) + 1);
	const char **strings = calloc(count ? count : 1, sizeof(*strings));

	*ret_count = 0;
	if (!strings) {
		*no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < count && !cursor->failed; i++)
		strings[i] = get_required_string(cursor);
	*ret_count = count;
	return strings;
}

struct ebcc_error *ebcc_decode_request(const void *payload, size_t size,
				       struct ebcc_decoded_request *ret)
{
	struct cursor cursor = {.position = payload, .left = size};
	struct ebcc_decoded_request decoded = {0};
	struct ebcc_cc_request *request = &decoded.request;
	bool no_memory = false;

	*ret = (struct ebcc_decoded_request){0};
	request->source = get_bytes(&cursor, &request->source_size);
	if (!request->source)
		cursor.failed = true;
	request->source_path = get_string(&cursor);
	request->arch = get_bounded(&cursor, UINT32_MAX);
	request->cpu_version = get_bounded(&cursor, UINT32_MAX);
	request->cpu_count = get_bounded(&cursor, UINT32_MAX);
	request->page_size = get_bounded(&cursor, UINT32_MAX);
	request->pipeline = get_bounded(&cursor, UINT32_MAX);
	request->flags = get_bounded(&cursor, UINT32_MAX);
	request->working_directory = get_string(&cursor);
	request->cflags = decoded.cflags = get_strings(&cursor, &request->cflag_count, &no_memory);
	request->readable = decoded.readable =
		get_strings(&cursor, &request->readable_count, &no_memory);
	if (!no_memory)
		decode_files(&cursor, &decoded, &no_memory);
	if (no_memory || cursor.failed || cursor.left) {
		ebcc_decoded_request_deinit(&decoded);
		return no_memory ? ebcc_error_no_memory() : malformed("bad request");
	}
	*ret = decoded;
	return NULL;
}

void ebcc_decoded_request_deinit(struct ebcc_decoded_request *decoded)
{
	free(decoded->files);
	free(decoded->cflags);
	free(decoded->readable);
	*decoded = (struct ebcc_decoded_request){0};
}

static bool decode_diagnostics(struct cursor *cursor, struct ebcc_cc_answer *answer)
{
	size_t count = get_count(cursor, 6 * sizeof(uint64_t) + 3);

	for (size_t i = 0; i < count && !cursor->failed; i++) {
		enum ebcc_cc_severity severity = get_bounded(cursor, EBCC_CC_FATAL);
		unsigned line = get_bounded(cursor, UINT32_MAX);
		unsigned column = get_bounded(cursor, UINT32_MAX);
		const char *path = get_required_string(cursor);
		const char *message = get_required_string(cursor);
		const char *rendered = get_required_string(cursor);

		if (severity < EBCC_CC_NOTE)
			cursor->failed = true;
		if (!cursor->failed && !ebcc_cc_answer_add_diagnostic(answer, severity, path, line,
								      column, message, rendered))
			return false;
	}
	return true;
}

static bool decode_dependencies(struct cursor *cursor, struct ebcc_cc_answer *answer)
{
	size_t count = get_count(cursor, 3 * sizeof(uint64_t) + 1);

	for (size_t i = 0; i < count && !cursor->failed; i++) {
		const char *path = get_required_string(cursor);
		uint64_t hash = get_u64(cursor);
		bool missing = get_bounded(cursor, 1);

		if (!cursor->failed && !ebcc_cc_answer_add_dependency(answer, path, hash, missing))
			return false;
	}
	return true;
}

/* Copies bytes, if present. Returns false when out of memory. */
static bool decode_bytes(struct cursor *cursor, char **ret, size_t *ret_size)
{
	const char *bytes = get_bytes(cursor, ret_size);

	if (!bytes)
		return true;
	*ret = malloc(*ret_size + 1);
	if (*ret)
		memcpy(*ret, bytes, *ret_size + 1);
	return *ret;
}

/* The same for a text. */
static bool decode_text(struct cursor *cursor, char **ret)
{
	const char *text = get_string(cursor);

	if (!text)
		return true;
	*ret = strdup(text);
	return *ret;
}

struct ebcc_error *ebcc_decode_answer(const void *payload, size_t size, struct ebcc_cc_answer *ret)
{
	struct cursor cursor = {.position = payload, .left = size};
	struct ebcc_cc_answer answer = {0};
	bool ok;

	*ret = (struct ebcc_cc_answer){0};
	answer.status = get_bounded(&cursor, EBCC_CC_INTERNAL_ERROR);
	answer.parsed = get_bounded(&cursor, 1);
	ok = decode_diagnostics(&cursor, &answer) && decode_dependencies(&cursor, &answer) &&
	     decode_bytes(&cursor, &answer.object, &answer.object_size) &&
	     decode_text(&cursor, &answer.ir) && decode_text(&cursor, &answer.preprocessed) &&
	     decode_text(&cursor, &answer.assembly);
	for (int i = 0; i < EBCC_STAGE_COUNT; i++) {
		answer.times[i].ns = get_u64(&cursor);
		answer.times[i].runs = get_u64(&cursor);
	}
	if (ok && (cursor.left || (answer.status == EBCC_CC_OK) != (answer.object != NULL)))
		cursor.failed = true;
	if (!ok || cursor.failed) {
		ebcc_cc_answer_deinit(&answer);
		return ok ? malformed("bad answer") : ebcc_error_no_memory();
	}
	*ret = answer;
	return NULL;
}
