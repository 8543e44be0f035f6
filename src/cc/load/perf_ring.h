/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one CPU's ring of a perf buffer, by the interface in linux/perf_event.h (struct
 * perf_event_mmap_page): a page with the kernel's and the reader's position, and the data behind
 * it. A record may be split at the end of the data.
 *
 * Inlined, because this loop runs once for each event.
 */
#ifndef EBCC_LOAD_PERF_RING_H
#define EBCC_LOAD_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/perf_event.h>

struct ebcc_perf_ring {
	struct perf_event_mmap_page *page; /* NULL: there is none */
	const char *data;
	uint64_t size; /* of the data, a power of two */
	int cpu;
};

/* Room for a record that is split: its size has 16 bits. */
#define EBCC_PERF_RECORD_SIZE 65536

/* The kernel's position: records before it are complete. */
static inline uint64_t ebcc_perf_ring_end(const struct ebcc_perf_ring *ring)
{
	return __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
}

/* The reader's position, and setting it, which gives the space before it back to the kernel. */
static inline uint64_t ebcc_perf_ring_begin(const struct ebcc_perf_ring *ring)
{
	return ring->page->data_tail;
}

static inline void ebcc_perf_ring_release(const struct ebcc_perf_ring *ring, uint64_t position)
{
	__atomic_store_n(&ring->page->data_tail, position, __ATOMIC_RELEASE);
}

/*
 * Takes the record at *@position, which must be before the end, and moves *@position behind it. A
 * record that is split is put together in @room, of EBCC_PERF_RECORD_SIZE bytes. Returns NULL if
 * the record can't be one.
 */
static inline const struct perf_event_header *ebcc_perf_ring_next(const struct ebcc_perf_ring *ring,
								  uint64_t *position, char *room)
{
	uint64_t at = *position & (ring->size - 1);
	const struct perf_event_header *header = (const void *)(ring->data + at);
	uint64_t first = ring->size - at;

	/* Records are aligned to 8 bytes, so the header is never split. */
	if (header->size < sizeof(*header) || header->size > ring->size)
		return NULL;
	*position += header->size;
	if (header->size <= first)
		return header;
	memcpy(room, header, first);
	memcpy(room + first, ring->data, header->size - first);
	return (const void *)room;
}

#endif /* EBCC_LOAD_PERF_RING_H */
