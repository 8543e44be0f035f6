// SPDX-License-Identifier: Apache-2.0
#include "load/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct ebcc_error *ebcc_link_create(struct ebcc_program *program, size_t size,
				    struct ebcc_error *(*detach)(struct ebcc_link *link),
				    struct ebcc_link **ret, const char *name_format, ...)
{
	struct ebcc_module *module = program->module;
	struct ebcc_link *link = calloc(1, size);
	va_list args;
	int length;

	if (!link)
		return ebcc_error_no_memory();
	va_start(args, name_format);
	length = vasprintf(&link->name, name_format, args);
	va_end(args);
	if (length < 0) {
		free(link);
		return ebcc_error_no_memory();
	}
	link->program = program;
	link->fd = -1;
	link->detach = detach;
	link->next = module->links;
	if (link->next)
		link->next->previous = link;
	module->links = link;
	*ret = link;
	return NULL;
}

struct ebcc_error *ebcc_link_detach(struct ebcc_link *link)
{
	struct ebcc_error *(*detach)(struct ebcc_link *link) = link->detach;
	struct ebcc_error *error = NULL;
	LOG_STAGE(&link->program->module->log, DETACH);

	link->detach = NULL;
	if (detach)
		error = detach(link);
	link->fd = -1;
	return ebcc_error_prefix(error, "%s", link->name);
}

void ebcc_link_destroy(struct ebcc_link *link)
{
	if (!link)
		return;
	ebcc_error_destroy(ebcc_link_detach(link));
	if (link->next)
		link->next->previous = link->previous;
	if (link->previous)
		link->previous->next = link->next;
	else
		link->program->module->links = link->next;
	free(link->name);
	free(link);
}

int ebcc_link_fd(const struct ebcc_link *link)
{
	return link->fd;
}

const char *ebcc_link_name(const struct ebcc_link *link)
{
	return link->name;
}
