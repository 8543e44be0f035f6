/* Calls its functions so often as the lines on its standard input say: NAME COUNT. */
#include <stdio.h>
#include <string.h>

#define FUNCTION(name)                                                                             \
	__attribute__((noinline, noclone)) void name(void)                                         \
	{                                                                                          \
		__asm__ volatile("");                                                              \
	}
FUNCTION(work_one)
FUNCTION(work_two)
FUNCTION(rest)

int main(void)
{
	char name[32];
	int count;

	while (scanf("%31s %d", name, &count) == 2) {
		while (count-- > 0) {
			if (!strcmp(name, "work_one"))
				work_one();
			else if (!strcmp(name, "work_two"))
				work_two();
			else
				rest();
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}
