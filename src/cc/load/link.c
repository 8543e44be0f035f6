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

void ebcc_link_release_fd(struct ebcc_link *link, struct ebcc_closing *closing)
{
	ebcc_closing_add_link(closing, &link->fd);
}

struct ebcc_error *ebcc_link_detach_nothing(struct ebcc_link *link)
{
	return NULL;
}

static struct ebcc_error *finish_detaching(struct ebcc_link *link)
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

static void release(struct ebcc_link *link, struct ebcc_closing *closing)
{
	if (link->detach && link->release)
		link->release(link, closing);
}

struct ebcc_error *ebcc_link_detach(struct ebcc_link *link)
{
	struct ebcc_closing closing = {0};

	release(link, &closing);
	ebcc_closing_run(&closing);
	return finish_detaching(link);
}

struct ebcc_error *ebcc_links_detach(struct ebcc_link *const *links, size_t count)
{
	struct ebcc_closing closing = {0};
	struct ebcc_error *failure = NULL;

	for (size_t i = 0; i < count; i++)
		release(links[i], &closing);
	ebcc_closing_run(&closing);
	for (size_t i = 0; i < count; i++) {
		struct ebcc_error *error = finish_detaching(links[i]);

		if (failure)
			ebcc_error_destroy(error);
		else
			failure = error;
	}
	return failure;
}

size_t ebcc_module_link_count(const struct ebcc_module *module)
{
	size_t count = 0;

	for (const struct ebcc_link *link = module->links; link; link = link->next)
		count += link->detach && !link->only_parts;
	return count;
}

void ebcc_module_release_links(struct ebcc_module *module)
{
	struct ebcc_closing closing = {0};

	for (struct ebcc_link *link = module->links; link; link = link->next)
		release(link, &closing);
	ebcc_closing_run(&closing);
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
