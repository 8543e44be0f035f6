/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler's requests and answers as bytes, for a socket between two processes on one machine.
 * A frame is a header (magic, kind, size and XXH64 of the payload) and the payload: integers in the
 * machine's byte order, strings preceded by their length and followed by a NUL. Neither side trusts
 * the other: every size is checked against the number of bytes left.
 */
#ifndef EBCC_COMPILER_PROTOCOL_H
#define EBCC_COMPILER_PROTOCOL_H

#include "base/buf.h"
#include "compiler/compiler.h"

/* Changes with any change of the encoding. */
#define EBCC_FRAME_MAGIC 0x35636345u /* "Ecc5" */
/* Far more than any real source or object; limits how much one side can make the other allocate. */
#define EBCC_FRAME_LIMIT (256u << 20)

enum ebcc_frame_kind {
	EBCC_FRAME_REQUEST = 1,
	EBCC_FRAME_ANSWER = 2,
};

struct ebcc_frame_header {
	uint32_t magic;
	uint32_t kind; /* enum ebcc_frame_kind */
	uint64_t size; /* of the payload, in bytes */
	uint64_t hash; /* XXH64 of the payload */
};

/* Appends a whole frame. EBCC_ERROR_NO_MEMORY, or EBCC_ERROR_INVALID_ARGUMENT above the limit. */
MUST_CHECK struct ebcc_error *ebcc_frame_encode_request(struct ebcc_buf *buf,
							const struct ebcc_cc_request *request);
MUST_CHECK struct ebcc_error *ebcc_frame_encode_answer(struct ebcc_buf *buf,
						       const struct ebcc_cc_answer *answer);

/* Checks a header: magic, kind and size. EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_frame_check_header(const struct ebcc_frame_header *header,
						      enum ebcc_frame_kind kind);
/* Checks the payload against its header. EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_frame_check_payload(const struct ebcc_frame_header *header,
						       const void *payload);

/* A request that points into the payload it was decoded from. */
struct ebcc_decoded_request {
	struct ebcc_cc_request request;
	struct ebcc_cc_file *files;
	const char **cflags;
	const char **readable;
};

/*
 * Decodes the payload of a request frame. @payload must outlive @ret, which is freed with
 * ebcc_decoded_request_deinit(). On EBCC_ERROR_FORMAT or EBCC_ERROR_NO_MEMORY, @ret is empty.
 */
MUST_CHECK struct ebcc_error *ebcc_decode_request(const void *payload, size_t size,
						  struct ebcc_decoded_request *ret);
void ebcc_decoded_request_deinit(struct ebcc_decoded_request *decoded);

/*
 * Decodes the payload of an answer frame. Everything is copied; @ret is freed with
 * ebcc_cc_answer_deinit(). On EBCC_ERROR_FORMAT or EBCC_ERROR_NO_MEMORY, @ret is empty.
 */
MUST_CHECK struct ebcc_error *ebcc_decode_answer(const void *payload, size_t size,
						 struct ebcc_cc_answer *ret);

#endif /* EBCC_COMPILER_PROTOCOL_H */
