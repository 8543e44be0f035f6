/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: every way of attaching a program returns one. A link is on its module's list until it is
 * destroyed, so nothing stays attached when a module is gone.
 */
#ifndef EBCC_LOAD_LINK_H
#define EBCC_LOAD_LINK_H

#include "load/module.h"

/*
 * What a program is attached to. Each kind of probe allocates a struct that begins with
 * this one and sets detach(), which releases everything except this base. It is called once, and
 * returns the first failure after it has released what it could.
 */
struct ebcc_link {
	struct ebcc_program *program;
	struct ebcc_link *previous, *next; /* in module->links */
	char *name;			   /* "kprobe:vfs_read" */
	int fd;				   /* the result of ebcc_link_fd(); detach() closes it */
	bool several;			   /* fd is only one of those that keep it attached */
	struct ebcc_error *(*detach)(struct ebcc_link *link); /* NULL: it was called */
};

/* Initializes the base and puts the link on its module's list. @size is that of the whole struct.
 * If a later step fails, the caller destroys the link like any other. */
MUST_CHECK struct ebcc_error *ebcc_link_create(struct ebcc_program *program, size_t size,
					       struct ebcc_error *(*detach)(struct ebcc_link *link),
					       struct ebcc_link **ret, const char *name_format, ...)
	EBCC_PRINTF(5, 6);

#endif /* EBCC_LOAD_LINK_H */
