/*
 * A process that executes commands from standard input, one per line: "work N TEXT" passes a USDT
 * probe (provider lua, name work, arguments N and TEXT) and a function of that name, "leak SIZE"
 * allocates memory and forgets it, "strlen TEXT" calls strlen(). The first argument names a file,
 * to which it writes its pid, and a line for each command that is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __aarch64__
#define FIRST "w0"
#define SECOND "x1"
#define ARGUMENTS "-4@w0 8@x1"
#else
#define FIRST "edi"
#define SECOND "rsi"
#define ARGUMENTS "-4@%%edi 8@%%rsi"
#endif

/* The location of a probe: a nop, and a note that says where it is. */
#define PROBE                                                                                      \
	"1:	nop\n"                                                                                 \
	"	.pushsection .note.stapsdt, \"\", \"note\"\n"                                            \
	"	.balign 4\n"                                                                             \
	"	.4byte 3f - 2f, 5f - 4f, 3\n"                                                            \
	"2:	.asciz \"stapsdt\"\n"                                                                  \
	"3:	.balign 4\n"                                                                           \
	"4:	.8byte 1b, 0, 0\n"                                                                     \
	"	.asciz \"lua\"\n"                                                                        \
	"	.asciz \"work\"\n"                                                                       \
	"	.asciz \"" ARGUMENTS "\"\n"                                                        \
	"5:	.balign 4\n"                                                                           \
	"	.popsection\n"

__attribute__((noinline, noclone)) int work(int number, const char *text)
{
	register int first __asm__(FIRST) = number;
	register const char *second __asm__(SECOND) = text;

	__asm__ volatile(PROBE : : "r"(first), "r"(second) : "memory");
	return number * 2;
}

static void *volatile leaked;

/* strlen() of the C library has several variants, and a probe at its name sees no calls. */
__attribute__((noinline, noclone, optimize("no-tree-loop-distribute-patterns"))) size_t
strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

static size_t (*volatile measure)(const char *) = strlen;

__attribute__((noinline)) static void act(const char *line)
{
	char text[64];
	int number;

	if (sscanf(line, "work %d %63s", &number, text) == 2)
		work(number, text);
	else if (sscanf(line, "leak %d", &number) == 1)
		leaked = malloc(number);
	else if (sscanf(line, "strlen %63s", text) == 1)
		measure(text);
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "w") : NULL;
	char line[128];

	if (!file)
		return 1;
	setvbuf(stdin, NULL, _IOLBF, 0);
	fprintf(file, "%d\n", getpid());
	fflush(file);
	while (fgets(line, sizeof(line), stdin)) {
		act(line);
		fputs("done\n", file);
		fflush(file);
	}
	return 0;
}
