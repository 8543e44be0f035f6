/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a BPF ring buffer, by the interface of its map (Documentation/bpf/ringbuf.rst and
 * kernel/bpf/ringbuf.c; the reader's position is in a page of its own, which the reader writes; the
 * writers' position is in the next one, and the data follows, mapped twice in a row, so that no
 * record is ever split).
 *
 * A record begins with its length, in which the highest bit says that its writer is not done, and
 * the next that it was discarded. Records are aligned to 8 bytes.
 *
 * Inlined, because this loop runs once for each event.
 */
#ifndef EBCC_LOAD_RING_H
#define EBCC_LOAD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>

#include "base/error.h"

struct ebcc_ring {
	uint64_t *consumer;	  /* mapped: the reader's position in bytes */
	const uint64_t *producer; /* mapped: the writers' */
	const char *data;
	uint64_t size; /* of the data, a power of two */
};

/* Maps the ring of a map of @size bytes. EBCC_ERROR_OS if it can't be mapped; @ret is then all
 * zero. */
MUST_CHECK struct ebcc_error *ebcc_ring_open(int map_fd, uint32_t size, struct ebcc_ring *ret);
/* Unmaps it. Does nothing for one that is all zero. */
void ebcc_ring_close(struct ebcc_ring *ring);

/* The writers' position. Records before it exist, though the first may not be complete yet. */
static inline uint64_t ebcc_ring_end(const struct ebcc_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}

/* The reader's position, and setting it, which gives the space before it back to the writers. */
static inline uint64_t ebcc_ring_begin(const struct ebcc_ring *ring)
{
	return __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
}

static inline void ebcc_ring_release(const struct ebcc_ring *ring, uint64_t position)
{
	__atomic_store_n(ring->consumer, position, __ATOMIC_SEQ_CST);
}

/*
 * Takes the record at *@position, which must be before the end, and moves *@position behind it.
 * *@ret is NULL if it was discarded. Returns false if its writer is not done.
 */
static inline bool ebcc_ring_next(const struct ebcc_ring *ring, uint64_t *position,
				  const void **ret, size_t *ret_size)
{
	const char *record = ring->data + (*position & (ring->size - 1));
	uint32_t length = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
	uint32_t size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	if (length & BPF_RINGBUF_BUSY_BIT)
		return false;
	*position += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7ull;
	*ret = length & BPF_RINGBUF_DISCARD_BIT ? NULL : record + BPF_RINGBUF_HDR_SZ;
	*ret_size = size;
	return true;
}

#endif /* EBCC_LOAD_RING_H */
