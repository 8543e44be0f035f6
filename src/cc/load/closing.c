// SPDX-License-Identifier: Apache-2.0
#include "load/closing.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* They only wait, so there may be many more than CPUs. The kernel's grace periods are shared by all
 * that wait for one. */
#define THREADS 64
#define STACK_SIZE 65536

static void add(struct ebcc_closing_list *list, int *fd)
{
	if (*fd < 0)
		return;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 8;
		int *fds = realloc(list->fds, capacity * sizeof(*fds));

		if (!fds) {
			close(TAKE_FD(*fd));
			return;
		}
		list->fds = fds;
		list->capacity = capacity;
	}
	list->fds[list->count++] = TAKE_FD(*fd);
}

void ebcc_closing_add_link(struct ebcc_closing *closing, int *fd)
{
	add(&closing->links, fd);
}

void ebcc_closing_add_event(struct ebcc_closing *closing, int *fd)
{
	add(&closing->events, fd);
}

/* A list whose descriptors several threads close. */
struct work {
	struct ebcc_closing_list *list;
	size_t next; /* atomic: the first that no thread has taken */
};

static void *close_some(void *argument)
{
	struct work *work = argument;
	size_t index;

	while ((index = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED)) < work->list->count)
		close(work->list->fds[index]);
	return NULL;
}

/* Starts threads besides the calling one, which take no signals; returns how many. */
static size_t start(struct work *work, pthread_t *threads, size_t count)
{
	pthread_attr_t attr;
	sigset_t all, before;
	size_t started = 0;

	if (!count || pthread_attr_init(&attr))
		return 0;
	/* If it is too small for this machine, the default remains. */
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (started < count && !pthread_create(&threads[started], &attr, close_some, work))
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return started;
}

static void close_together(struct ebcc_closing_list *list)
{
	struct work work = {.list = list};
	size_t count = list->count < THREADS ? list->count : THREADS;
	pthread_t threads[THREADS];
	size_t started = start(&work, threads, count ? count - 1 : 0);

	close_some(&work);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static void deinit(struct ebcc_closing_list *list)
{
	free(list->fds);
	*list = (struct ebcc_closing_list){0};
}

void ebcc_closing_run(struct ebcc_closing *closing)
{
	close_together(&closing->links);
	for (size_t i = 0; i < closing->events.count; i++)
		close(closing->events.fds[i]);
	deinit(&closing->links);
	deinit(&closing->events);
}
