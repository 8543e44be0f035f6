/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: every way of attaching a program returns one. A link is on its module's list until it is
 * destroyed, so that destroying the module detaches everything.
 */
#ifndef EBCC_LOAD_LINK_H
#define EBCC_LOAD_LINK_H

#include "load/closing.h"
#include "load/module.h"

/*
 * What a program is attached to. Each kind of probe has a struct that begins with this one, and a
 * detach() that releases everything except this base. detach() is called once; if something fails,
 * it releases what it can and returns the first failure.
 *
 * Before that, release() hands over the descriptors that keep the program attached, so that those
 * of many links are closed together; they are closed when detach() is called. Links that are
 * detached in another way have none.
 */
struct ebcc_link {
	struct ebcc_program *program;
	struct ebcc_link *previous, *next; /* in module->links */
	char *name;			   /* "kprobe:vfs_read" */
	int fd;				   /* the result of ebcc_link_fd(); detach() closes it */
	bool several;			   /* fd is one of several that keep the program attached */
	bool only_parts;		   /* consists of links that are on the list themselves */
	void (*release)(struct ebcc_link *link, struct ebcc_closing *closing); /* or NULL */
	struct ebcc_error *(*detach)(struct ebcc_link *link); /* NULL once called */
};

/* For links of which a single descriptor, link->fd, is all: they are released by closing it. */
void ebcc_link_release_fd(struct ebcc_link *link, struct ebcc_closing *closing);
struct ebcc_error *ebcc_link_detach_nothing(struct ebcc_link *link);

/* Allocates a struct of @size bytes, initializes its base, and puts the link on its module's list.
 * If a later step fails, the caller destroys the link like any other. */
MUST_CHECK struct ebcc_error *ebcc_link_create(struct ebcc_program *program, size_t size,
					       struct ebcc_error *(*detach)(struct ebcc_link *link),
					       struct ebcc_link **ret, const char *name_format, ...)
	EBCC_PRINTF(5, 6);

/* Takes the programs of a module off everything that descriptors keep them attached to. Its links
 * must still be destroyed. */
void ebcc_module_release_links(struct ebcc_module *module);

#endif /* EBCC_LOAD_LINK_H */
