/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suggestions for a mistyped name. Of any number of candidates the few nearest ones by edit
 * distance are kept, with a bonus for names that contain the wanted one. Candidates are streamed
 * and only the kept ones are copied, so 200,000 of them take only milliseconds.
 *
 *	struct ebcc_near_names near;
 *
 *	ebcc_near_names_init(&near, "vfs_raed");
 *	for each function: ebcc_near_names_add(&near, function);
 *	ebcc_near_names_suggest(&near, &message);	// "; did you mean vfs_read or vfs_readv?"
 */
#ifndef EBCC_BASE_NEAR_NAMES_H
#define EBCC_BASE_NEAR_NAMES_H

#include <stddef.h>

#include "base/buf.h"

#define EBCC_NEAR_NAMES_MAX 3	   /* suggestions kept */
#define EBCC_NEAR_NAMES_LENGTH 128 /* names of this length or more are not compared */

struct ebcc_near_name {
	char name[EBCC_NEAR_NAMES_LENGTH];
	unsigned distance; /* smaller is nearer */
};

struct ebcc_near_names {
	const char *wanted; /* borrowed */
	size_t wanted_length;
	struct ebcc_near_name best[EBCC_NEAR_NAMES_MAX]; /* nearest first */
	size_t count;
};

/* @wanted: the mistyped name; borrowed until the last use of @near. There is nothing to release. */
void ebcc_near_names_init(struct ebcc_near_names *near, const char *wanted);

/* Considers one candidate; @name is copied if it is kept. Duplicates count once. */
void ebcc_near_names_add(struct ebcc_near_names *near, const char *name);

/*
 * Appends "; did you mean A, B or C?" (or fewer names) to @buf, or nothing if no candidate is
 * near enough.
 */
void ebcc_near_names_suggest(const struct ebcc_near_names *near, struct ebcc_buf *buf);

#endif /* EBCC_BASE_NEAR_NAMES_H */
