// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of what the compiler's helper process answers, and of the requests it gets: what can
 * be decoded is encoded to the same bytes again. The payload alone: its header has a hash.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/answer.h"
#include "compiler/protocol.h"

static void check_same(const struct ebcc_buf *frame, const uint8_t *data, size_t size)
{
	struct ebcc_frame_header header;

	memcpy(&header, frame->data, sizeof(header));
	if (frame->size != sizeof(header) + size ||
	    memcmp(frame->data + sizeof(header), data, size))
		abort();
	ebcc_error_destroy(ebcc_frame_check_payload(&header, data));
}

static void check_answer(const uint8_t *data, size_t size)
{
	AUTO_BUF struct ebcc_buf frame = EBCC_BUF_INIT;
	struct ebcc_cc_answer answer;
	struct ebcc_error *error = ebcc_decode_answer(data, size, &answer);

	if (error) {
		ebcc_error_destroy(error);
		return;
	}
	if (ebcc_frame_encode_answer(&frame, &answer))
		abort();
	check_same(&frame, data, size);
	ebcc_cc_answer_deinit(&answer);
}

static void check_request(const uint8_t *data, size_t size)
{
	AUTO_BUF struct ebcc_buf frame = EBCC_BUF_INIT;
	struct ebcc_decoded_request decoded;
	struct ebcc_error *error = ebcc_decode_request(data, size, &decoded);

	if (error) {
		ebcc_error_destroy(error);
		return;
	}
	if (ebcc_frame_encode_request(&frame, &decoded.request))
		abort();
	check_same(&frame, data, size);
	ebcc_decoded_request_deinit(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_answer(data, size);
	check_request(data, size);
	return 0;
}
