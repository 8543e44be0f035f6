/*
 * Calls its functions as requested on standard input: NAME COUNT. Each sleeps for some
 * milliseconds, itself or in functions that it calls.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FUNCTION __attribute__((noinline, noclone)) void

static jmp_buf before;

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

FUNCTION nap_short(void)
{
	sleep_ms(2);
}

FUNCTION nap_long(void)
{
	sleep_ms(40);
}

/* Sleeps for 10 ms itself, then takes a long nap. */
FUNCTION nap_outer(void)
{
	sleep_ms(10);
	nap_long();
}

/* Never returns. */
FUNCTION nap_escape(void)
{
	longjmp(before, 1);
}

/* Sleeps for 5 ms at each of three levels. */
FUNCTION nap_nested(int level)
{
	sleep_ms(5);
	if (level < 2)
		nap_nested(level + 1);
	__asm__ volatile("");
}

int main(void)
{
	char name[32];
	int count;

	while (scanf("%31s %d", name, &count) == 2) {
		while (count-- > 0) {
			if (!strcmp(name, "nap_short"))
				nap_short();
			else if (!strcmp(name, "nap_long"))
				nap_long();
			else if (!strcmp(name, "nap_outer"))
				nap_outer();
			else if (!strcmp(name, "nap_nested"))
				nap_nested(0);
			else if (!setjmp(before))
				nap_escape();
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}
