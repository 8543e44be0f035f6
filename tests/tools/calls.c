/*
 * Calls its functions as requested on standard input: NAME COUNT. work_one() and work_two() both
 * contain the USDT probe calls:work.
 */
#include <stdio.h>
#include <string.h>

/* The location of a probe: a nop, and a note that says where it is. */
#define PROBE                                                                                      \
	"1:	nop\n"                                                                                 \
	"	.pushsection .note.stapsdt, \"\", \"note\"\n"                                            \
	"	.balign 4\n"                                                                             \
	"	.4byte 3f - 2f, 5f - 4f, 3\n"                                                            \
	"2:	.asciz \"stapsdt\"\n"                                                                  \
	"3:	.balign 4\n"                                                                           \
	"4:	.8byte 1b, 0, 0\n"                                                                     \
	"	.asciz \"calls\"\n"                                                                      \
	"	.asciz \"work\"\n"                                                                       \
	"	.asciz \"\"\n"                                                                           \
	"5:	.balign 4\n"                                                                           \
	"	.popsection\n"

#define FUNCTION(name, instructions)                                                               \
	__attribute__((noinline, noclone)) void name(void)                                         \
	{                                                                                          \
		__asm__ volatile(instructions);                                                    \
	}
FUNCTION(work_one, PROBE)
FUNCTION(work_two, PROBE)
FUNCTION(rest, "")

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
