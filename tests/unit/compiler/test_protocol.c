// SPDX-License-Identifier: Apache-2.0
/*
 * The frames between the library and the compiler helper: decoding restores what was encoded, and
 * damaged or hostile payloads only cause errors.
 */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "compiler/answer.h"
#include "compiler/protocol.h"

static struct ebcc_buf encode_request(void)
{
	static const char *const cflags[] = {"-DX=1", "", "-I/tmp"};
	static const struct ebcc_cc_file files[] = {
		{.path = EBCC_CC_KERNEL_TYPES, .text = "a\0b", .size = 3},
		{.path = "/x.h", .text = "", .size = 0},
	};
	const struct ebcc_cc_request request = {
		.source = "int x;\0y",
		.source_size = 8,
		.source_path = "main.c",
		.files = files,
		.file_count = 2,
		.cflags = cflags,
		.cflag_count = 3,
		.arch = EBCC_ARCH_ARM64,
		.cpu_version = 3,
		.cpu_count = 17,
		.page_size = 65536,
		.pipeline = EBCC_CC_PIPELINE_PLAIN,
		.flags = EBCC_CC_PORTABLE | EBCC_CC_WANT_IR,
	};
	struct ebcc_buf buf = EBCC_BUF_INIT;

	ck_assert_ptr_null(ebcc_frame_encode_request(&buf, &request));
	return buf;
}

static struct ebcc_buf encode_answer(void)
{
	struct ebcc_cc_answer answer = {
		.status = EBCC_CC_OK,
		.object = strdup("\177ELF"),
		.object_size = 4,
		.ir = strdup("define"),
		.times = {[EBCC_STAGE_PARSE] = {.ns = 1u << 31, .runs = 2}},
	};
	struct ebcc_buf buf = EBCC_BUF_INIT;

	for (int i = 0; i < 5; i++) {
		ck_assert(ebcc_cc_answer_add_diagnostic(&answer, EBCC_CC_WARNING, "main.c", i, 7,
							"message", "rendered\n"));
		ck_assert(ebcc_cc_answer_add_dependency(&answer, "/usr/x.h", 1234567890123 + i,
							i == 4));
	}
	ck_assert_ptr_null(ebcc_frame_encode_answer(&buf, &answer));
	ebcc_cc_answer_deinit(&answer);
	return buf;
}

static const char *payload(const struct ebcc_buf *buf, size_t *ret_size)
{
	*ret_size = buf->size - sizeof(struct ebcc_frame_header);
	return buf->data + sizeof(struct ebcc_frame_header);
}

static struct ebcc_frame_header header_of(const struct ebcc_buf *buf)
{
	struct ebcc_frame_header header;

	memcpy(&header, buf->data, sizeof(header));
	return header;
}

static void assert_malformed(struct ebcc_error *error)
{
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
}

START_TEST(request_round_trip)
{
	struct ebcc_buf buf AUTO_BUF = encode_request();
	struct ebcc_frame_header header = header_of(&buf);
	struct ebcc_decoded_request decoded;
	const struct ebcc_cc_request *request = &decoded.request;
	size_t size;
	const char *data = payload(&buf, &size);

	ck_assert_uint_eq(header.size, size);
	ck_assert_ptr_null(ebcc_frame_check_header(&header, EBCC_FRAME_REQUEST));
	ck_assert_ptr_null(ebcc_frame_check_payload(&header, data));
	ck_assert_ptr_null(ebcc_decode_request(data, size, &decoded));
	ck_assert_uint_eq(request->source_size, 8);
	ck_assert_mem_eq(request->source, "int x;\0y", 8);
	ck_assert_str_eq(request->source_path, "main.c");
	ck_assert_uint_eq(request->cflag_count, 3);
	ck_assert_str_eq(request->cflags[0], "-DX=1");
	ck_assert_str_eq(request->cflags[1], "");
	ck_assert_str_eq(request->cflags[2], "-I/tmp");
	ck_assert_uint_eq(request->file_count, 2);
	ck_assert_str_eq(request->files[0].path, EBCC_CC_KERNEL_TYPES);
	ck_assert_uint_eq(request->files[0].size, 3);
	ck_assert_mem_eq(request->files[0].text, "a\0b", 3);
	ck_assert_uint_eq(request->files[1].size, 0);
	ck_assert_int_eq(request->arch, EBCC_ARCH_ARM64);
	ck_assert_uint_eq(request->cpu_version, 3);
	ck_assert_uint_eq(request->cpu_count, 17);
	ck_assert_uint_eq(request->page_size, 65536);
	ck_assert_int_eq(request->pipeline, EBCC_CC_PIPELINE_PLAIN);
	ck_assert_uint_eq(request->flags, EBCC_CC_PORTABLE | EBCC_CC_WANT_IR);
	ebcc_decoded_request_deinit(&decoded);
}
END_TEST

START_TEST(answer_round_trip)
{
	struct ebcc_buf buf AUTO_BUF = encode_answer();
	struct ebcc_cc_answer answer;
	size_t size;
	const char *data = payload(&buf, &size);

	ck_assert_ptr_null(ebcc_decode_answer(data, size, &answer));
	ck_assert_int_eq(answer.status, EBCC_CC_OK);
	ck_assert_uint_eq(answer.object_size, 4);
	ck_assert_mem_eq(answer.object, "\177ELF", 4);
	ck_assert_str_eq(answer.ir, "define");
	ck_assert_ptr_null(answer.preprocessed);
	ck_assert_ptr_null(answer.assembly);
	ck_assert_uint_eq(answer.diagnostic_count, 5);
	ck_assert_int_eq(answer.diagnostics[3].severity, EBCC_CC_WARNING);
	ck_assert_uint_eq(answer.diagnostics[3].line, 3);
	ck_assert_uint_eq(answer.diagnostics[3].column, 7);
	ck_assert_str_eq(answer.diagnostics[3].path, "main.c");
	ck_assert_str_eq(answer.diagnostics[3].message, "message");
	ck_assert_str_eq(answer.diagnostics[3].rendered, "rendered\n");
	ck_assert_uint_eq(answer.dependency_count, 5);
	ck_assert_uint_eq(answer.dependencies[3].hash, 1234567890126);
	ck_assert(!answer.dependencies[3].missing);
	ck_assert(answer.dependencies[4].missing);
	ck_assert_uint_eq(answer.times[EBCC_STAGE_PARSE].ns, 1u << 31);
	ck_assert_uint_eq(answer.times[EBCC_STAGE_PARSE].runs, 2);
	ck_assert_uint_eq(answer.times[EBCC_STAGE_EMIT].runs, 0);
	ebcc_cc_answer_deinit(&answer);
	ebcc_cc_answer_deinit(&answer);
}
END_TEST

START_TEST(header_is_checked)
{
	struct ebcc_buf buf AUTO_BUF = encode_answer();
	struct ebcc_frame_header header = header_of(&buf);

	ck_assert_ptr_null(ebcc_frame_check_header(&header, EBCC_FRAME_ANSWER));
	assert_malformed(ebcc_frame_check_header(&header, EBCC_FRAME_REQUEST));
	header.magic ^= 1;
	assert_malformed(ebcc_frame_check_header(&header, EBCC_FRAME_ANSWER));
	header.magic ^= 1;
	header.size = EBCC_FRAME_LIMIT + 1ull;
	assert_malformed(ebcc_frame_check_header(&header, EBCC_FRAME_ANSWER));
	header.size = UINT64_MAX;
	assert_malformed(ebcc_frame_check_header(&header, EBCC_FRAME_ANSWER));
}
END_TEST

START_TEST(any_flipped_bit_fails_the_checksum)
{
	struct ebcc_buf buf AUTO_BUF = encode_answer();
	struct ebcc_frame_header header = header_of(&buf);
	char *data = buf.data + sizeof(header);

	for (size_t bit = 0; bit < header.size * 8; bit++) {
		data[bit / 8] ^= 1 << bit % 8;
		assert_malformed(ebcc_frame_check_payload(&header, data));
		data[bit / 8] ^= 1 << bit % 8;
	}
	ck_assert_ptr_null(ebcc_frame_check_payload(&header, data));
}
END_TEST

/* Decodes a private copy of exactly @size bytes, so that sanitizers detect any access beyond it. */
static struct ebcc_error *decode_copy(bool request, const char *data, size_t size)
{
	char *copy AUTO_FREE = malloc(size ? size : 1);
	struct ebcc_error *error;

	memcpy(copy, data, size);
	if (request) {
		struct ebcc_decoded_request decoded;

		error = ebcc_decode_request(copy, size, &decoded);
		if (!error)
			ebcc_decoded_request_deinit(&decoded);
		else
			ck_assert_ptr_null(decoded.files);
	} else {
		struct ebcc_cc_answer answer;

		error = ebcc_decode_answer(copy, size, &answer);
		if (!error)
			ebcc_cc_answer_deinit(&answer);
		else
			ck_assert_ptr_null(answer.diagnostics);
	}
	return error;
}

START_TEST(every_truncation_and_extension_fails)
{
	for (int request = 0; request < 2; request++) {
		struct ebcc_buf buf AUTO_BUF = request ? encode_request() : encode_answer();
		size_t size;
		const char *data;

		ebcc_buf_append_char(&buf, '\0');
		data = payload(&buf, &size);
		ck_assert_ptr_null(decode_copy(request, data, size - 1));
		assert_malformed(decode_copy(request, data, size));
		for (size_t cut = 0; cut < size - 1; cut++)
			assert_malformed(decode_copy(request, data, cut));
	}
}
END_TEST

/* Lengths and counts have 64 bits: put hostile values at every offset. */
START_TEST(hostile_numbers_do_no_harm)
{
	static const uint64_t numbers[] = {
		0,	    1, 255, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX - 1,
		UINT64_MAX,
	};
	size_t failures = 0;

	for (int request = 0; request < 2; request++) {
		struct ebcc_buf buf AUTO_BUF = request ? encode_request() : encode_answer();
		size_t size;
		const char *data = payload(&buf, &size);
		char *copy AUTO_FREE = malloc(size);

		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			for (size_t at = 0; at + 8 <= size; at++) {
				struct ebcc_error *error;

				memcpy(copy, data, size);
				memcpy(copy + at, &numbers[i], 8);
				error = decode_copy(request, copy, size);
				if (error) {
					assert_malformed(error);
					failures++;
				}
			}
		}
	}
	ck_assert_uint_gt(failures, 1000);
}
END_TEST

/* An answer may not claim success without an object, nor an object without success. */
START_TEST(status_agrees_with_object)
{
	struct ebcc_cc_answer answer = {.status = EBCC_CC_OK};
	struct ebcc_buf buf AUTO_BUF = EBCC_BUF_INIT;
	size_t size;
	const char *data;

	ck_assert_ptr_null(ebcc_frame_encode_answer(&buf, &answer));
	data = payload(&buf, &size);
	assert_malformed(decode_copy(false, data, size));
	ebcc_buf_clear(&buf);
	answer.status = EBCC_CC_SOURCE_ERROR;
	ck_assert_ptr_null(ebcc_frame_encode_answer(&buf, &answer));
	data = payload(&buf, &size);
	ck_assert_ptr_null(decode_copy(false, data, size));
}
END_TEST

/* It would be cut where it is used. */
START_TEST(texts_have_no_nul_inside)
{
	struct ebcc_buf buf AUTO_BUF = encode_answer();
	size_t size;
	const char *data = payload(&buf, &size);
	char *copy AUTO_FREE = malloc(size);
	char *text;

	memcpy(copy, data, size);
	ck_assert_ptr_null(decode_copy(false, copy, size));
	text = memmem(copy, size, "define", strlen("define"));
	ck_assert_ptr_nonnull(text);
	text[3] = '\0';
	assert_malformed(decode_copy(false, copy, size));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compiler_protocol");
	TCase *tcase = tcase_create("frames");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, request_round_trip);
	tcase_add_test(tcase, answer_round_trip);
	tcase_add_test(tcase, header_is_checked);
	tcase_add_test(tcase, any_flipped_bit_fails_the_checksum);
	tcase_add_test(tcase, every_truncation_and_extension_fails);
	tcase_add_test(tcase, hostile_numbers_do_no_harm);
	tcase_add_test(tcase, status_agrees_with_object);
	tcase_add_test(tcase, texts_have_no_nul_inside);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
