// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching one program to many places. If the kernel has links for that, a single one attaches to
 * all of them, in one system call; for that, another variant of the program is loaded. If the
 * kernel refuses any place, the whole link fails. We then split the places in half, again and
 * again, until those that are refused are alone; these get a probe of their own, as all places do
 * on older kernels.
 */
#include "attach/multi.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "load/program.h"

#define NO_PART SIZE_MAX

struct multi_link {
	struct ebcc_link base;
	struct ebcc_multi multi;
};

struct ebcc_error *ebcc_multi_init(struct ebcc_multi *multi, const struct ebcc_multi_kind *kind,
				   struct ebcc_program *program, size_t count)
{
	*multi =
		(struct ebcc_multi){.kind = kind, .program = program, .program_fd = -1, .file = -1};
	multi->places = calloc(count, sizeof(*multi->places));
	multi->parts = calloc(count, sizeof(*multi->parts));
	return multi->places && multi->parts ? NULL : ebcc_error_no_memory();
}

static void release(struct ebcc_multi *multi, struct ebcc_closing *closing)
{
	for (size_t i = 0; i < multi->part_count; i++) {
		struct ebcc_multi_part *part = &multi->parts[i];

		ebcc_closing_add_link(closing, &part->fd);
		if (part->single && part->single->release && part->single->detach)
			part->single->release(part->single, closing);
	}
}

void ebcc_multi_deinit(struct ebcc_multi *multi)
{
	struct ebcc_closing closing = {0};

	release(multi, &closing);
	ebcc_closing_run(&closing);
	for (size_t i = 0; i < multi->part_count; i++)
		ebcc_link_destroy(multi->parts[i].single);
	for (size_t i = 0; i < multi->count; i++)
		free(multi->places[i].name);
	cleanup_close(&multi->file);
	free(multi->path);
	free(multi->places);
	free(multi->parts);
}

/* ---- Attaching ---- */

void ebcc_multi_swap(struct ebcc_multi *multi, size_t a, size_t b)
{
	struct ebcc_multi_place place = multi->places[a];

	multi->places[a] = multi->places[b];
	multi->places[b] = place;
}

/* Creates a link for the places whose indices are in a list. Returns -1 and sets errno if the
 * kernel refuses it. */
static int create_link(const struct ebcc_multi *multi, const size_t *indices, size_t count)
{
	AUTO_FREE uint64_t *numbers = calloc(3 * count, sizeof(*numbers));
	uint64_t *addresses = numbers, *cookies = numbers + count,
		 *semaphores = numbers + 2 * count;

	if (!numbers) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		const struct ebcc_multi_place *place = &multi->places[indices[i]];

		addresses[i] = place->address;
		cookies[i] = place->cookie;
		semaphores[i] = place->semaphore;
	}
	return multi->kind->create(multi, addresses, multi->has_semaphores ? semaphores : NULL,
				   multi->has_cookies ? cookies : NULL, count);
}

static void add_part(struct ebcc_multi *multi, const size_t *indices, size_t count,
		     struct ebcc_multi_part part)
{
	for (size_t i = 0; i < count; i++)
		multi->places[indices[i]].part = multi->part_count;
	multi->parts[multi->part_count++] = part;
}

/* Attaches to places one by one. *@failure is the error of the last one that failed. */
static void attach_singles(struct ebcc_multi *multi, const size_t *indices, size_t count,
			   struct ebcc_error **failure)
{
	for (size_t i = 0; i < count; i++) {
		struct ebcc_multi_part part = {.fd = -1};
		struct ebcc_error *error =
			multi->kind->attach_single(multi, &multi->places[indices[i]], &part.single);

		if (!error) {
			add_part(multi, &indices[i], 1, part);
			continue;
		}
		ebcc_error_destroy(*failure);
		*failure = error;
	}
}

/* Attaches to places with as few links as the kernel allows. */
static void attach_together(struct ebcc_multi *multi, const size_t *indices, size_t count,
			    struct ebcc_error **failure)
{
	int fd = count ? create_link(multi, indices, count) : -1;

	if (fd >= 0) {
		add_part(multi, indices, count, (struct ebcc_multi_part){.fd = fd});
	} else if (count > 1 && multi->kind->refuses_some(errno)) {
		attach_together(multi, indices, count / 2, failure);
		attach_together(multi, indices + count / 2, count - count / 2, failure);
	} else {
		attach_singles(multi, indices, count, failure);
	}
}

/* Removes the places that have no part. */
static void drop_unattached(struct ebcc_multi *multi)
{
	size_t kept = 0;

	for (size_t i = 0; i < multi->count; i++) {
		if (multi->places[i].part == NO_PART)
			free(multi->places[i].name);
		else
			multi->places[kept++] = multi->places[i];
	}
	multi->count = kept;
}

bool ebcc_multi_is_possible(const struct ebcc_multi_kind *kind, const struct ebcc_program *program)
{
	return ebcc_feature(kind->feature) && ebcc_program_can_vary(program);
}

static struct ebcc_error *attach_places(struct ebcc_multi *multi)
{
	AUTO_ERROR struct ebcc_error *failure = NULL;
	AUTO_FREE size_t *indices = calloc(multi->count, sizeof(*indices));
	size_t together = 0;

	if (!indices)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < multi->count; i++) {
		multi->places[i].part = NO_PART;
		indices[i] = i;
	}
	if (ebcc_multi_is_possible(multi->kind, multi->program)) {
		together = multi->count;
		if (multi->kind->resolve)
			TRY(multi->kind->resolve(multi, &together));
		TRY(ebcc_attach_prepare_variant(multi->program, BPF_PROG_TYPE_KPROBE,
						multi->kind->attach_type, &multi->program_fd));
		attach_together(multi, indices, together, &failure);
	}
	attach_singles(multi, indices + together, multi->count - together, &failure);
	drop_unattached(multi);
	return multi->count ? NULL : TAKE_PTR(failure);
}

static int part_fd(const struct ebcc_multi_part *part)
{
	return part->single ? ebcc_link_fd(part->single) : part->fd;
}

static void update_fd(struct multi_link *link)
{
	link->base.fd = -1;
	link->base.several = false;
	link->base.only_parts = true;
	for (size_t i = 0; i < link->multi.part_count; i++) {
		const struct ebcc_multi_part *part = &link->multi.parts[i];

		if (part_fd(part) < 0)
			continue;
		link->base.several = link->base.fd >= 0;
		link->base.only_parts = link->base.only_parts && part->single;
		if (!link->base.several)
			link->base.fd = part_fd(part);
	}
}

static void release_multi(struct ebcc_link *base, struct ebcc_closing *closing)
{
	release(&((struct multi_link *)base)->multi, closing);
}

static struct ebcc_error *detach_multi(struct ebcc_link *base)
{
	struct ebcc_multi *multi = &((struct multi_link *)base)->multi;

	ebcc_multi_deinit(multi);
	*multi = (struct ebcc_multi){.file = -1};
	return NULL;
}

struct ebcc_error *ebcc_multi_attach(struct ebcc_multi *multi, struct ebcc_link **ret,
				     const char *name)
{
	struct ebcc_link *link;

	TRY(attach_places(multi));
	/* Created last, because a module destroys its newest link first: parts are still intact. */
	TRY(ebcc_link_create(multi->program, sizeof(struct multi_link), detach_multi, &link,
			     "%s:%zu functions", name, multi->count));
	((struct multi_link *)link)->multi = *multi;
	*multi = (struct ebcc_multi){.file = -1};
	link->release = release_multi;
	update_fd((struct multi_link *)link);
	*ret = link;
	return NULL;
}

/* ---- Detaching single functions ---- */

static const struct ebcc_multi *multi_of(const struct ebcc_link *link)
{
	return link->detach == detach_multi ? &((const struct multi_link *)link)->multi : NULL;
}

size_t ebcc_link_function_count(const struct ebcc_link *link)
{
	const struct ebcc_multi *multi = multi_of(link);

	return multi ? multi->count : 0;
}

const char *ebcc_link_function_at(const struct ebcc_link *link, size_t index)
{
	return index < ebcc_link_function_count(link) ? multi_of(link)->places[index].name : NULL;
}

/* Removes all places of that name: functions of a file may share one. Returns how many. */
static size_t remove_places(struct ebcc_multi *multi, const char *name)
{
	size_t before = multi->count;

	for (size_t i = 0; i < multi->count; i++) {
		struct ebcc_multi_place *place = &multi->places[i];
		struct ebcc_multi_part *part = &multi->parts[place->part];

		if (strcmp(place->name, name))
			continue;
		place->part = NO_PART;
		part->changed = !part->single;
		ebcc_link_destroy(part->single);
		part->single = NULL;
	}
	drop_unattached(multi);
	return before - multi->count;
}

/* Replaces a part's link by one for the places that it still has. If that fails, they are removed.
 */
static struct ebcc_error *recreate_link(struct ebcc_multi *multi, size_t index)
{
	struct ebcc_multi_part *part = &multi->parts[index];
	AUTO_FREE size_t *indices = calloc(multi->count + 1, sizeof(*indices));
	size_t count = 0;
	int errnum;

	if (!indices)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < multi->count; i++)
		if (multi->places[i].part == index)
			indices[count++] = i;
	part->changed = false;
	close(TAKE_FD(part->fd));
	if (!count)
		return NULL;
	part->fd = create_link(multi, indices, count);
	if (part->fd >= 0)
		return NULL;
	errnum = errno;
	for (size_t i = 0; i < count; i++)
		multi->places[indices[i]].part = NO_PART;
	drop_unattached(multi);
	return ebcc_error_os(EBCC_ERROR_ATTACH, errnum,
			     "%zu functions that shared a link can't be attached again", count);
}

struct ebcc_error *ebcc_link_detach_function(struct ebcc_link *link, const char *function)
{
	struct ebcc_multi *multi = (struct ebcc_multi *)multi_of(link);
	struct ebcc_error *failure = NULL;

	if (!multi || !remove_places(multi, function))
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "%s is not attached to %s",
					 link->name, function);
	for (size_t i = 0; i < multi->part_count; i++) {
		struct ebcc_error *error = multi->parts[i].changed ? recreate_link(multi, i) : NULL;

		if (failure)
			ebcc_error_destroy(error);
		else
			failure = error;
	}
	update_fd((struct multi_link *)link);
	return failure;
}
