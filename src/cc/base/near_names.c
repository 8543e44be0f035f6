// SPDX-License-Identifier: Apache-2.0
/*
 * Near names: edit distance in which a transposition of neighbours, a common typing mistake,
 * counts as one edit; and containment, for names with a missing part. Most candidates are
 * rejected by their length alone, most others after a few characters.
 */
#include "base/near_names.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The largest distance from the wanted name at which a name is suggested. */
static unsigned distance_limit(size_t length)
{
	return length < 4 ? 1 : (unsigned)(length / 4) + 1;
}

void ebcc_near_names_init(struct ebcc_near_names *near, const char *wanted)
{
	memset(near, 0, sizeof(*near));
	near->wanted = wanted;
	near->wanted_length = strlen(wanted);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * The edit distance (insert, delete, replace, swap neighbours) between two strings shorter than
 * EBCC_NEAR_NAMES_LENGTH, or UINT_MAX as soon as it must be above @limit.
 */
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length,
			      unsigned limit)
{
	unsigned rows[3][EBCC_NEAR_NAMES_LENGTH + 1];
	unsigned *before = rows[0], *previous = rows[1], *current = rows[2], *spare;

	for (size_t j = 0; j <= b_length; j++)
		previous[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned least = i;

		current[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned replace = previous[j - 1] + (a[i - 1] != b[j - 1]);

			current[j] = min3(replace, previous[j] + 1, current[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < current[j])
				current[j] = before[j - 2] + 1;
			if (current[j] < least)
				least = current[j];
		}
		if (least > limit)
			return UINT_MAX;
		spare = before;
		before = previous;
		previous = current;
		current = spare;
	}
	return previous[b_length];
}

/*
 * The distance of @name if it is at most @limit, else UINT_MAX. The distance of a name that
 * contains the wanted one grows with the number of additional characters.
 */
static unsigned distance_of(const struct ebcc_near_names *near, const char *name, size_t length,
			    unsigned limit)
{
	size_t difference = length > near->wanted_length ? length - near->wanted_length
							 : near->wanted_length - length;
	unsigned distance = UINT_MAX, missing;

	if (difference <= limit && difference <= distance_limit(near->wanted_length))
		distance = edit_distance(near->wanted, near->wanted_length, name, length,
					 distance_limit(near->wanted_length));
	if (distance > distance_limit(near->wanted_length))
		distance = UINT_MAX;
	if (near->wanted_length >= 3 && length > near->wanted_length &&
	    strstr(name, near->wanted)) {
		missing = 1 + difference / 4;
		if (missing < distance)
			distance = missing;
	}
	return distance <= limit ? distance : UINT_MAX;
}

void ebcc_near_names_add(struct ebcc_near_names *near, const char *name)
{
	size_t length = strnlen(name, EBCC_NEAR_NAMES_LENGTH), place;
	unsigned limit = UINT_MAX, distance;

	if (!length || length >= EBCC_NEAR_NAMES_LENGTH || !near->wanted_length ||
	    near->wanted_length >= EBCC_NEAR_NAMES_LENGTH)
		return;
	if (near->count == EBCC_NEAR_NAMES_MAX) {
		limit = near->best[near->count - 1].distance;
		if (!limit--)
			return;
	}
	distance = distance_of(near, name, length, limit);
	if (distance == UINT_MAX)
		return;
	for (size_t i = 0; i < near->count; i++)
		if (!strcmp(near->best[i].name, name))
			return;
	for (place = 0; place < near->count; place++)
		if (distance < near->best[place].distance)
			break;
	if (near->count < EBCC_NEAR_NAMES_MAX)
		near->count++;
	memmove(&near->best[place + 1], &near->best[place],
		(near->count - place - 1) * sizeof(near->best[0]));
	memcpy(near->best[place].name, name, length + 1);
	near->best[place].distance = distance;
}

void ebcc_near_names_suggest(const struct ebcc_near_names *near, struct ebcc_buf *buf)
{
	for (size_t i = 0; i < near->count; i++) {
		const char *joint = i + 1 == near->count ? " or " : ", ";

		ebcc_buf_printf(buf, "%s%s", i ? joint : "; did you mean ", near->best[i].name);
	}
	if (near->count)
		ebcc_buf_append_char(buf, '?');
}
