/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: what every kind of attaching gives. A link is on its module's list until it is destroyed,
 * so that nothing stays attached behind a module.
 */
#ifndef EBCC_LOAD_LINK_H
#define EBCC_LOAD_LINK_H

#include "load/module.h"

/*
 * What a program is attached to. Each kind of probe allocates a struct that begins with
 * this one and sets detach(), which releases everything but the base.
 */
struct ebcc_link {
	struct ebcc_program *program;
	struct ebcc_link *previous, *next; /* in module->links */
	char *name;			   /* "kprobe:vfs_read" */
	int fd;				   /* what ebcc_link_fd() answers; owned by detach() */
	void (*detach)(struct ebcc_link *link);
};

/* Sets the base up and puts the link on its module's list. @size: of the whole struct.
 * On failure of a later step the caller destroys it like any link. */
MUST_CHECK struct ebcc_error *ebcc_link_create(struct ebcc_program *program, size_t size,
					       void (*detach)(struct ebcc_link *link),
					       struct ebcc_link **ret, const char *name_format, ...)
	EBCC_PRINTF(5, 6);

#endif /* EBCC_LOAD_LINK_H */
