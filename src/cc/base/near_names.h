/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suggestions for a mistyped name: of any number of candidates the few nearest are
 * kept, by edit distance, with a bonus for names that contain what was asked for.
 * Candidates stream through, none but the kept ones are copied: 200,000 of them cost milliseconds.
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
#define EBCC_NEAR_NAMES_LENGTH 128 /* longer names, wanted or candidate, are not compared */

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

/* @wanted: what was asked for; borrowed until the last use of @near. Nothing needs releasing. */
void ebcc_near_names_init(struct ebcc_near_names *near, const char *wanted);

/* Takes one candidate into account; @name is copied if it is kept. Duplicates count once. */
void ebcc_near_names_add(struct ebcc_near_names *near, const char *name);

/*
 * Appends "; did you mean A, B or C?" (or with fewer) to @buf, or nothing when no
 * candidate is near enough to be what was meant.
 */
void ebcc_near_names_suggest(const struct ebcc_near_names *near, struct ebcc_buf *buf);

#endif /* EBCC_BASE_NEAR_NAMES_H */
