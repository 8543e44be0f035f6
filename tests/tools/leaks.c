/*
 * Allocates and frees as requested on standard input: FUNCTION SIZE COUNT allocates blocks and
 * keeps them, "drop 0 0" frees all that are kept. Each way of allocating has its own function.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FUNCTION __attribute__((noinline, noclone)) void *

static struct {
	void *address;
	size_t mapped; /* by mmap() */
} kept[1024];
static int kept_count;

static void *volatile last;

FUNCTION by_malloc(size_t size)
{
	return last = malloc(size);
}

FUNCTION by_calloc(size_t size)
{
	return last = calloc(2, size / 2);
}

/* This frees two blocks. */
FUNCTION by_realloc(size_t size)
{
	last = realloc(realloc(malloc(size / 4), size / 2), size);
	return last;
}

FUNCTION by_posix_memalign(size_t size)
{
	void *result = NULL;

	if (posix_memalign(&result, 64, size))
		return NULL;
	return last = result;
}

FUNCTION by_aligned_alloc(size_t size)
{
	return last = aligned_alloc(64, size);
}

FUNCTION by_memalign(size_t size)
{
	return last = memalign(64, size);
}

FUNCTION by_mmap(size_t size)
{
	return last = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Frees what it allocates, so nothing leaks. */
FUNCTION by_nothing(size_t size)
{
	free(last = malloc(size));
	return NULL;
}

static void keep(void *address, size_t mapped)
{
	if (!address)
		return;
	kept[kept_count].address = address;
	kept[kept_count++].mapped = mapped;
}

static void drop(void)
{
	while (kept_count) {
		kept_count--;
		if (kept[kept_count].mapped)
			munmap(kept[kept_count].address, kept[kept_count].mapped);
		else
			free(kept[kept_count].address);
	}
}

static const struct {
	const char *name;
	void *(*function)(size_t size);
} functions[] = {
	{"malloc", by_malloc},
	{"calloc", by_calloc},
	{"realloc", by_realloc},
	{"posix_memalign", by_posix_memalign},
	{"aligned_alloc", by_aligned_alloc},
	{"memalign", by_memalign},
	{"mmap", by_mmap},
	{"nothing", by_nothing},
};

int main(void)
{
	static char input[4096], output[4096];
	char name[32];
	size_t size;
	int count;

	setvbuf(stdin, input, _IOLBF, sizeof(input));
	setvbuf(stdout, output, _IOLBF, sizeof(output));
	while (scanf("%31s %zu %d", name, &size, &count) == 3) {
		if (!strcmp(name, "drop"))
			drop();
		for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
			for (int n = 0; !strcmp(name, functions[i].name) && n < count; n++)
				keep(functions[i].function(size),
				     functions[i].function == by_mmap ? size : 0);
		puts("done");
	}
	return 0;
}
