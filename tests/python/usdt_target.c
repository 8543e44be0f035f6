// SPDX-License-Identifier: Apache-2.0
/*
 * A program with USDT probes. Each line of its standard input is a command, which it answers with a
 * line: "fire N" passes its probes N times, "tracers" prints the semaphore of test:guarded, "load
 * PATH" loads a library, and "library N" calls that library's fire(N).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* The counters that the macros refer to. */
#define SEMAPHORE(name) __extension__ unsigned short name __attribute__((section(".probes")))
SEMAPHORE(test_guarded_semaphore);
SEMAPHORE(test_plain_semaphore);
SEMAPHORE(test_twice_semaphore);
SEMAPHORE(other_plain_semaphore);

struct record {
	int number;
	char name[16];
};

__attribute__((noinline)) static void fire(int i, const struct record *record)
{
	unsigned char byte = (unsigned char)(250 + i);
	short negative = (short)(-300 - i);

	DTRACE_PROBE5(test, plain, i, byte, negative, -1LL - i, record->name);
	DTRACE_PROBE1(other, plain, i + 1000);
	DTRACE_PROBE1(test, twice, i);
	DTRACE_PROBE2(test, twice, 100L + i, record);
	if (test_guarded_semaphore)
		DTRACE_PROBE1(test, guarded, i);
}

static void obey(const char *line)
{
	static struct record record = {.name = "spoken"};
	static void (*library)(int);
	char path[512];
	int count;

	if (sscanf(line, "fire %d", &count) == 1) {
		for (int i = 0; i < count; i++) {
			record.number = i;
			fire(i, &record);
		}
		puts("fired");
	} else if (!strcmp(line, "tracers\n")) {
		printf("%u\n", test_guarded_semaphore);
	} else if (sscanf(line, "load %511s", path) == 1) {
		void *handle = dlopen(path, RTLD_NOW);

		library = handle ? (void (*)(int))dlsym(handle, "fire") : NULL;
		puts(library ? "loaded" : dlerror());
	} else if (sscanf(line, "library %d", &count) == 1 && library) {
		library(count);
		puts("fired");
	}
	fflush(stdout);
}

int main(void)
{
	char line[600];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
