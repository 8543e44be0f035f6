/*
 * Executes requests from standard input, NAME COUNT, each in a chain of functions that the tests
 * know. "spin" uses COUNT milliseconds of processor time, however long that takes; "rest" sleeps
 * for a millisecond COUNT times; "copy" reads COUNT megabytes of zeros; "one" and "other" call a
 * function COUNT times, each in its own way. Must be built with frame pointers.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define MEGABYTE (1 << 20)

/* Gives a function a frame even if it calls nothing, and something to do after its last call. */
#define END __asm__ volatile("" : : "r"(__builtin_frame_address(0)))
#define FUNCTION __attribute__((noinline, noclone)) void

static volatile unsigned long sink;
static char buffer[MEGABYTE];

/* The C library has no frame pointers. */
static inline long call_kernel(long number, long one, long two, long three, long four)
{
#if defined(__x86_64__)
	register long fourth __asm__("r10") = four;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(number), "D"(one), "S"(two), "d"(three), "r"(fourth)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = one;
	register long x1 __asm__("x1") = two;
	register long x2 __asm__("x2") = three;
	register long x3 __asm__("x3") = four;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#endif
}

FUNCTION often(int count)
{
	for (int i = 0; i < 2 * count; i++)
		sink += i;
	END;
}

FUNCTION seldom(int count)
{
	for (int i = 0; i < count; i++)
		sink += i;
	END;
}

/* Of a length that varies, so that it can't keep step with a profiler's timer. */
FUNCTION work(void)
{
	static unsigned state = 1;
	int count;

	state = state * 1103515245 + 12345;
	count = 5000 + (int)(state >> 16) % 10000;
	often(count);
	seldom(count);
	END;
}

FUNCTION spin(int milliseconds)
{
	struct timespec now, begin;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	do {
		for (int i = 0; i < 20; i++)
			work();
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 <
		 milliseconds);
	END;
}

FUNCTION nap(void)
{
	struct timespec time = {.tv_nsec = 1000000};

	call_kernel(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&time, 0);
	END;
}

FUNCTION rest(int count)
{
	while (count-- > 0)
		nap();
	END;
}

FUNCTION copy(int megabytes)
{
	int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (megabytes-- > 0)
		call_kernel(SYS_read, file, (long)buffer, sizeof(buffer), 0);
	call_kernel(SYS_close, file, 0, 0, 0);
	END;
}

FUNCTION target(void)
{
	END;
}

FUNCTION one_way(void)
{
	target();
	END;
}

FUNCTION other_way(void)
{
	target();
	END;
}

/* Calls go through these pointers, so the compiler does not see what they call. */
static void (*volatile ways[])(void) = {one_way, other_way};

FUNCTION call(int way, int count)
{
	while (count-- > 0)
		ways[way]();
	END;
}

int main(void)
{
	char name[32];
	int count;

	while (scanf("%31s %d", name, &count) == 2) {
		if (!strcmp(name, "spin"))
			spin(count);
		else if (!strcmp(name, "rest"))
			rest(count);
		else if (!strcmp(name, "copy"))
			copy(count);
		else
			call(!strcmp(name, "other"), count);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
