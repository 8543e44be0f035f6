/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching one program to many places, in the kernel or in a file: what both have in common.
 */
#ifndef EBCC_ATTACH_MULTI_H
#define EBCC_ATTACH_MULTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/features.h"
#include "load/link.h"

struct ebcc_multi_place {
	char *name;	    /* owned */
	uint64_t address;   /* of a kernel function, 0 if it is unknown; or an offset in a file */
	uint64_t semaphore; /* offset in the file of a counter of tracers, or 0 */
	uint64_t cookie;
	size_t part; /* index of the part that keeps it attached */
};

/* What keeps some of the places attached: a link for many, or the link of one place. */
struct ebcc_multi_part {
	int fd;			  /* of the link for many, or -1 */
	struct ebcc_link *single; /* or NULL */
	bool changed;		  /* a place of it was removed */
};

struct ebcc_multi {
	const struct ebcc_multi_kind *kind;
	struct ebcc_program *program;
	int program_fd; /* the variant of the program for links for many; borrowed */
	bool on_return;
	bool has_cookies, has_semaphores;
	struct ebcc_multi_place *places;
	size_t count;
	struct ebcc_multi_part *parts; /* allocated for one per place */
	size_t part_count;
	/* Where functions of a file are. */
	int file;   /* or -1 */
	char *path; /* or NULL */
	int pid;    /* one process, or 0 for all */
};

struct ebcc_multi_kind {
	enum ebcc_feature feature;
	int attach_type; /* that the program is loaded for */
	/* Creates a link for @count of the places; the arrays are NULL if no place has a value.
	 * Returns the descriptor, or -1 and sets errno. */
	int (*create)(const struct ebcc_multi *multi, const uint64_t *addresses,
		      const uint64_t *semaphores, const uint64_t *cookies, size_t count);
	/* Whether an errno of create() means that the kernel refuses some of the places. */
	bool (*refuses_some)(int errnum);
	/* Moves the places that a link for many can have to the front; NULL: all can. */
	struct ebcc_error *(*resolve)(struct ebcc_multi *multi, size_t *ret_resolved);
	struct ebcc_error *(*attach_single)(const struct ebcc_multi *multi,
					    const struct ebcc_multi_place *place,
					    struct ebcc_link **ret);
};

/* Allocates room for up to @count places, of which there are none yet. */
MUST_CHECK struct ebcc_error *ebcc_multi_init(struct ebcc_multi *multi,
					      const struct ebcc_multi_kind *kind,
					      struct ebcc_program *program, size_t count);
void ebcc_multi_deinit(struct ebcc_multi *multi);
#define AUTO_MULTI CLEANUP(ebcc_multi_deinit)

void ebcc_multi_swap(struct ebcc_multi *multi, size_t a, size_t b);

/* Whether links of this kind can be used for a program. */
bool ebcc_multi_is_possible(const struct ebcc_multi_kind *kind, const struct ebcc_program *program);

/*
 * Attaches to the places. Those that can't be attached to are removed; if that are all, the error
 * of the last one is returned. The link, whose name begins like a printf format, takes over what
 * @multi holds.
 */
MUST_CHECK struct ebcc_error *ebcc_multi_attach(struct ebcc_multi *multi, struct ebcc_link **ret,
						const char *name);

#endif /* EBCC_ATTACH_MULTI_H */
