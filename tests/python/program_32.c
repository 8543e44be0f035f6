/*
 * A 32-bit program that uses no library, so that a compiler without 32-bit libraries can build
 * it. For each byte that it reads, it calls spin(), which calls target() and has a USDT probe.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define FUNCTION __attribute__((noinline)) void

unsigned short narrow_hit_semaphore __attribute__((section(".probes")));
static volatile struct {
	int whole;
	long long wide;
} global = {-7, 0x1122334455667788};

static long call_kernel(long number, long one, void *two, long three)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "0"(number), "b"(one), "c"(two), "d"(three)
			 : "memory");
	return ret;
}

FUNCTION target(void)
{
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)) : "memory");
}

FUNCTION spin(int number, const char *text)
{
	target();
	/* Touches the text: no probe can read a page that was never touched. */
	if (*text && narrow_hit_semaphore)
		DTRACE_PROBE5(narrow, hit, number, text, global.whole, global.wide,
			      (unsigned char)number);
	__asm__ volatile("" : : : "memory");
}

void _start(void)
{
	int number = 0;
	char byte;

	while (call_kernel(3, 0, &byte, 1) == 1) { /* read */
		spin(--number, "text");
		call_kernel(4, 1, &byte, 1); /* write */
	}
	call_kernel(1, 0, 0, 0); /* exit */
}
