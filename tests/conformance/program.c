/* SPDX-License-Identifier: Apache-2.0
 *
 * A process for scripts that trace a database or the locks of a process. "queries" has what tools
 * look for in a MySQL server: the USDT probes mysql:query__start and mysql:query__done, and a
 * function named dispatch_command whose third argument is the query. "locks" takes two mutexes in
 * one order in one thread, and in the other order in another.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The location of a probe: a nop, and the note that says where it is and where its argument
 * is. */
#define PROBE(name, argument)                                                                      \
	__asm__ volatile("1:	nop\n"                                                                \
			 "	.pushsection .note.stapsdt, \"\", \"note\"\n"                           \
			 "	.balign 4\n"                                                            \
			 "	.4byte 3f - 2f, 5f - 4f, 3\n"                                           \
			 "2:	.asciz \"stapsdt\"\n"                                                 \
			 "3:	.balign 4\n"                                                          \
			 "4:	.8byte 1b, 0, 0\n"                                                    \
			 "	.asciz \"mysql\"\n"                                                     \
			 "	.asciz \"" name "\"\n"                                             \
			 "	.asciz \"8@%0\"\n"                                                      \
			 "5:	.balign 4\n"                                                          \
			 "	.popsection\n"                                                          \
			 :                                                                         \
			 : "r"(argument))

#define PAUSE_US 200000
#define QUERY_US 2000

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) void _Z16dispatch_command19enum_server_commandP3THDPcj(int command,
										 void *thread,
										 const char *query,
										 unsigned int size)
{
	(void)command;
	(void)thread;
	(void)size;
	PROBE("query__start", query);
	usleep(QUERY_US);
	PROBE("query__done", query);
}

static void run_queries(void)
{
	static const char query[] = "select ebcc";

	for (;;) {
		_Z16dispatch_command19enum_server_commandP3THDPcj(3, NULL, query, strlen(query));
		usleep(PAUSE_US);
	}
}

static void take(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
	pthread_mutex_lock(outer);
	pthread_mutex_lock(inner);
	pthread_mutex_unlock(inner);
	pthread_mutex_unlock(outer);
}

static void *take_in_order(void *unused)
{
	take(&first, &second);
	return unused;
}

static void *take_reversed(void *unused)
{
	take(&second, &first);
	return unused;
}

/* The threads run one after the other, so they never really deadlock. */
static void run_locks(void)
{
	void *(*const orders[])(void *) = {take_in_order, take_reversed};
	pthread_t thread;

	for (unsigned int i = 0;; i++) {
		if (!pthread_create(&thread, NULL, orders[i % 2], NULL))
			pthread_join(thread, NULL);
		usleep(PAUSE_US);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "queries"))
		run_queries();
	if (argc == 2 && !strcmp(argv[1], "locks"))
		run_locks();
	fprintf(stderr, "usage: program queries|locks\n");
	return 2;
}
