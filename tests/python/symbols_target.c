// SPDX-License-Identifier: Apache-2.0
/*
 * The target of the symbol tests. It has functions of every kind, and does on request what makes
 * symbolizing hard. Each line on stdin is a command, which it answers with a line.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void rust_legacy(void) __asm__("_ZN4core3fmt5write17h0123456789abcdefE");
void rust_v0(void) __asm__("_RNvC7mycrate3foo");
void cpp_function(void) __asm__("_ZNSt6vectorIiSaIiEE9push_backEOi");

__attribute__((noinline)) void rust_legacy(void)
{
	__asm__ volatile("nop");
}

__attribute__((noinline)) void rust_v0(void)
{
	__asm__ volatile("nop; nop");
}

__attribute__((noinline)) void cpp_function(void)
{
	__asm__ volatile("nop; nop; nop");
}

static __attribute__((noinline, used)) int hidden_function(int number)
{
	__asm__ volatile("nop");
	return number + 1;
}

__attribute__((noinline)) int visible_function(int number)
{
	__asm__ volatile("nop");
	return hidden_function(number) * 2;
}

/* A function written in assembly may have no size. */
__asm__(".text\n.globl unsized_function\n.type unsized_function, @function\nunsized_function:\n "
	"nop\n nop\n ret\n");

/* An anonymous executable mapping, like those of JIT compilers. */
static void *map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int count, char **arguments)
{
	char line[4096], *argument;
	void *library = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%d %p\n", getpid(), (void *)visible_function);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		argument = strchr(line, ' ');
		argument = argument ? argument + 1 : line + strlen(line);
		if (!strncmp(line, "open ", 5)) {
			library = dlopen(argument, RTLD_NOW);
			printf("%p\n", library ? dlsym(library, "library_function") : NULL);
		} else if (!strcmp(line, "close")) {
			printf("%d\n", dlclose(library));
		} else if (!strncmp(line, "exec ", 5)) {
			execl(argument, argument, NULL);
		} else if (!strcmp(line, "code")) {
			printf("%p\n", map_code());
		} else if (!strcmp(line, "quit")) {
			return visible_function(count) > 100;
		}
	}
	return 0;
}
