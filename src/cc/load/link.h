/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: every way of attaching a program returns one. A link is on its module's list until it is
 * destroyed, so that destroying the module detaches everything.
 */
#ifndef EBCC_LOAD_LINK_H
#define EBCC_LOAD_LINK_H

#include "load/module.h"

/*
 * What a program is attached to. Each kind of probe has a struct that begins with this one, and a
 * detach() that releases everything except this base. detach() is called once; if something fails,
 * it releases what it can and returns the first failure.
 */
struct ebcc_link {
	struct ebcc_program *program;
	struct ebcc_link *previous, *next; /* in module->links */
	char *name;			   /* "kprobe:vfs_read" */
	int fd;				   /* the result of ebcc_link_fd(); detach() closes it */
	bool several;			   /* fd is one of several that keep the program attached */
	struct ebcc_error *(*detach)(struct ebcc_link *link); /* NULL once called */
};

/* Allocates a struct of @size bytes, initializes its base, and puts the link on its module's list.
 * If a later step fails, the caller destroys the link like any other. */
MUST_CHECK struct ebcc_error *ebcc_link_create(struct ebcc_program *program, size_t size,
					       struct ebcc_error *(*detach)(struct ebcc_link *link),
					       struct ebcc_link **ret, const char *name_format, ...)
	EBCC_PRINTF(5, 6);

#endif /* EBCC_LOAD_LINK_H */
