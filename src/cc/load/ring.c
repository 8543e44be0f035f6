// SPDX-License-Identifier: Apache-2.0
#include "load/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

struct ebcc_error *ebcc_ring_open(int map_fd, uint32_t size, struct ebcc_ring *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	*ret = (struct ebcc_ring){0};
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (consumer == MAP_FAILED)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "its reader's page can't be mapped");
	producer = mmap(NULL, page + 2 * (size_t)size, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int errnum = errno;

		munmap(consumer, page);
		return ebcc_error_os(EBCC_ERROR_OS, errnum, "its %u bytes can't be mapped", size);
	}
	*ret = (struct ebcc_ring){.consumer = consumer,
				  .producer = producer,
				  .data = (const char *)producer + page,
				  .size = size};
	return NULL;
}

void ebcc_ring_close(struct ebcc_ring *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!ring->consumer)
		return;
	munmap(ring->consumer, page);
	munmap((void *)ring->producer, page + 2 * ring->size);
	*ring = (struct ebcc_ring){0};
}
