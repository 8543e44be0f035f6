// SPDX-License-Identifier: Apache-2.0
/*
 * Finds the USDT probes of a file, or of all files that a process maps as code. The notes of each
 * file are collected and sorted, so that the locations of a probe are adjacent. Even a hostile file
 * with a million notes takes memory only in proportion to its size.
 */
#include "usdt/usdt.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/near_names.h"
#include "base/options.h"
#include "elf/library.h"
#include "elf/proc_maps.h"
#include "usdt/args.h"
#include "usdt/notes.h"

#define NOTE_LIMIT (1u << 20) /* in one file; the largest known programs have a few thousand */

static void close_binary(struct ebcc_usdt_binary *binary)
{
	if (!binary)
		return;
	ebcc_elf_close(binary->elf);
	cleanup_close(&binary->fd);
	free(binary->path);
	free(binary);
}

static void cleanup_binary(struct ebcc_usdt_binary **binary)
{
	close_binary(*binary);
}

/* Consumes @fd, even on failure. */
static struct ebcc_error *open_binary(int fd, const char *path, struct ebcc_usdt_binary **ret)
{
	CLEANUP(cleanup_binary) struct ebcc_usdt_binary *binary = calloc(1, sizeof(*binary));

	if (!binary) {
		close(fd);
		return ebcc_error_no_memory();
	}
	binary->fd = fd;
	binary->path = strdup(path);
	if (!binary->path)
		return ebcc_error_no_memory();
	TRY(ebcc_elf_open_fd(fd, path, &binary->elf));
	binary->kind = ebcc_elf_kind(binary->elf);
	*ret = TAKE_PTR(binary);
	return NULL;
}

/* ---- From notes to probes ---- */

/* A note, and its position among the others. */
struct found {
	const char *provider, *name;
	struct ebcc_usdt_site site;
	size_t order;
};

struct gather {
	struct ebcc_buf notes; /* struct found each */
	size_t count;
};

static bool gather_note(void *ctx, const struct ebcc_usdt_note *note)
{
	struct gather *gather = ctx;
	struct found found = {
		.provider = note->provider,
		.name = note->name,
		.site = {note->address, note->semaphore, note->arguments},
		.order = gather->count,
	};

	ebcc_buf_append(&gather->notes, &found, sizeof(found));
	return ++gather->count <= NOTE_LIMIT;
}

static int compare_names(const struct found *left, const struct found *right)
{
	int order = strcmp(left->provider, right->provider);

	return order ? order : strcmp(left->name, right->name);
}

static int compare_found(const void *a, const void *b)
{
	const struct found *left = a, *right = b;
	int order = compare_names(left, right);

	if (order)
		return order;
	return left->order < right->order ? -1 : left->order > right->order;
}

static int compare_probes(const void *a, const void *b)
{
	const struct ebcc_usdt_probe *left = a, *right = b;

	return left->order < right->order ? -1 : left->order > right->order;
}

/* Makes room for one more element in an array of @count pointers. */
static bool grow(void *array_pointer, size_t count, size_t size)
{
	void **array = array_pointer;
	void *grown = realloc(*array, (count + 1) * size);

	if (grown)
		*array = grown;
	return grown;
}

/* Groups sorted notes into probes. @probes has room for @count. Returns the number of probes. */
static size_t group(const struct found *notes, size_t count, const struct ebcc_usdt_binary *binary,
		    struct ebcc_usdt_site *sites, struct ebcc_usdt_probe *probes)
{
	size_t made = 0;

	for (size_t i = 0; i < count; i++) {
		sites[i] = notes[i].site;
		if (i && !compare_names(&notes[i - 1], &notes[i])) {
			probes[made - 1].site_count++;
			continue;
		}
		probes[made++] = (struct ebcc_usdt_probe){
			.binary = binary,
			.provider = notes[i].provider,
			.name = notes[i].name,
			.sites = &sites[i],
			.site_count = 1,
			.order = notes[i].order,
		};
	}
	qsort(probes, made, sizeof(*probes), compare_probes);
	return made;
}

/* Adds the probes of a file. @binary is consumed on success. */
static struct ebcc_error *add_probes(struct ebcc_usdt *usdt, struct ebcc_usdt_binary *binary,
				     struct found *notes, size_t count)
{
	AUTO_FREE struct ebcc_usdt_site *sites = calloc(count, sizeof(*sites));
	struct ebcc_usdt_probe *probes =
		realloc(usdt->probes, (usdt->probe_count + count) * sizeof(*probes));

	if (probes)
		usdt->probes = probes;
	if (!probes || !sites ||
	    !grow(&usdt->binaries, usdt->binary_count, sizeof(*usdt->binaries)) ||
	    !grow(&usdt->sites, usdt->binary_count, sizeof(*usdt->sites)))
		return ebcc_error_no_memory();
	qsort(notes, count, sizeof(*notes), compare_found);
	usdt->probe_count += group(notes, count, binary, sites, probes + usdt->probe_count);
	usdt->sites[usdt->binary_count] = TAKE_PTR(sites);
	usdt->binaries[usdt->binary_count++] = binary;
	return NULL;
}

/* Reads one file. Consumes @fd, even on failure. */
static struct ebcc_error *add_file(struct ebcc_usdt *usdt, int fd, const char *path)
{
	CLEANUP(cleanup_binary) struct ebcc_usdt_binary *binary = NULL;
	AUTO_BUF struct ebcc_buf notes = EBCC_BUF_INIT;
	struct gather gather = {.notes = EBCC_BUF_INIT};
	struct ebcc_error *error;

	TRY(open_binary(fd, path, &binary));
	error = ebcc_usdt_walk_file(binary->elf, gather_note, &gather);
	notes = gather.notes;
	if (!error && gather.count > NOTE_LIMIT)
		error = ebcc_error_create(EBCC_ERROR_FORMAT,
					  "it has more than %u notes on USDT probes", NOTE_LIMIT);
	if (error)
		return ebcc_error_with_subject(ebcc_error_prefix(error, "%s", path), path);
	TRY(ebcc_buf_check(&notes));
	if (!gather.count)
		return NULL;
	TRY(add_probes(usdt, binary, (struct found *)notes.data, gather.count));
	binary = NULL;
	return NULL;
}

/* ---- Files ---- */

/* Adds each file that the process maps as code, once. Files that can't be read are skipped. */
static struct ebcc_error *add_process(struct ebcc_usdt *usdt)
{
	AUTO_BUF struct ebcc_buf maps = EBCC_BUF_INIT;
	AUTO_HASH struct ebcc_hash seen = {0};
	struct ebcc_mapping mapping;
	char *at;

	TRY(ebcc_maps_read(usdt->pid, &maps));
	at = maps.data;
	while (ebcc_maps_next(&at, &mapping)) {
		struct ebcc_error *error;
		uint64_t *count;
		int fd;

		if (!mapping.executable || !mapping.path)
			continue;
		count = ebcc_hash_insert_string(&seen, mapping.path);
		if (!count)
			return ebcc_error_no_memory();
		if ((*count)++)
			continue;
		error = ebcc_mapping_open(usdt->pid, &mapping, &fd);
		if (!error)
			error = add_file(usdt, fd, mapping.path);
		if (error && ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
			return error;
		ebcc_error_destroy(error);
	}
	return NULL;
}

static struct ebcc_error *read_probes(struct ebcc_usdt *usdt, const char *binary)
{
	AUTO_FREE char *path = NULL;
	int fd;

	if (!binary)
		return add_process(usdt);
	TRY(ebcc_open_binary(binary, usdt->pid, &fd, &path));
	return add_file(usdt, fd, path);
}

struct ebcc_error *ebcc_usdt_open(const struct ebcc_usdt_opts *caller_opts, struct ebcc_usdt **ret)
{
	struct ebcc_usdt_opts opts = {.sz = sizeof(opts)};
	struct ebcc_usdt *usdt;
	struct ebcc_error *error;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_usdt_opts"));
	if (opts.pid <= 0 && (!opts.binary || !*opts.binary))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a pid or a path is needed to look for USDT probes");
	usdt = calloc(1, sizeof(*usdt));
	if (!usdt)
		return ebcc_error_no_memory();
	usdt->pid = opts.pid > 0 ? opts.pid : 0;
	error = read_probes(usdt, opts.binary && *opts.binary ? opts.binary : NULL);
	if (error) {
		ebcc_usdt_close(usdt);
		return error;
	}
	*ret = usdt;
	return NULL;
}

void ebcc_usdt_close(struct ebcc_usdt *usdt)
{
	if (!usdt)
		return;
	for (size_t i = 0; i < usdt->binary_count; i++) {
		close_binary(usdt->binaries[i]);
		free(usdt->sites[i]);
	}
	free(usdt->binaries);
	free(usdt->sites);
	free(usdt->probes);
	free(usdt);
}

/* ---- Results ---- */

size_t ebcc_usdt_probe_count(const struct ebcc_usdt *usdt)
{
	return usdt->probe_count;
}

const struct ebcc_usdt_probe *ebcc_usdt_probe_at(const struct ebcc_usdt *usdt, size_t index)
{
	return index < usdt->probe_count ? &usdt->probes[index] : NULL;
}

bool ebcc_usdt_is_named(const struct ebcc_usdt_probe *probe, const char *name)
{
	size_t length = strlen(probe->provider);

	if (!strcmp(probe->name, name))
		return true;
	return !strncmp(probe->provider, name, length) && name[length] == ':' &&
	       !strcmp(probe->name, name + length + 1);
}

static struct ebcc_error *probe_not_found(const struct ebcc_usdt *usdt, const char *name)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT, candidate = EBCC_BUF_INIT;
	struct ebcc_near_names near;

	ebcc_near_names_init(&near, name);
	for (size_t i = 0; i < usdt->probe_count; i++) {
		const struct ebcc_usdt_probe *probe = &usdt->probes[i];

		ebcc_buf_clear(&candidate);
		if (strchr(name, ':'))
			ebcc_buf_printf(&candidate, "%s:", probe->provider);
		ebcc_buf_append_string(&candidate, probe->name);
		ebcc_near_names_add(&near, ebcc_buf_string(&candidate));
	}
	if (!usdt->probe_count)
		ebcc_buf_append_string(
			&text, ": there are no probes at all; programs have them only if they were "
			       "built with them (--with-dtrace, --enable-dtrace)");
	else
		ebcc_near_names_suggest(&near, &text);
	TRY(ebcc_buf_check(&text));
	if (usdt->pid)
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "process %d has no USDT probe %s%s",
					 usdt->pid, name, ebcc_buf_string(&text));
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no USDT probe %s%s", name,
				 ebcc_buf_string(&text));
}

struct ebcc_error *ebcc_usdt_find_probe(const struct ebcc_usdt *usdt, const char *name,
					const struct ebcc_usdt_probe **ret)
{
	const struct ebcc_usdt_probe *found = NULL;

	for (size_t i = 0; i < usdt->probe_count; i++) {
		const struct ebcc_usdt_probe *probe = &usdt->probes[i];

		if (!ebcc_usdt_is_named(probe, name))
			continue;
		if (found && strcmp(found->provider, probe->provider))
			return ebcc_error_with_subject(
				ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
						  "several providers have a USDT probe %s: use "
						  "%s:%s or %s:%s",
						  name, found->provider, found->name,
						  probe->provider, probe->name),
				name);
		if (!found)
			found = probe;
	}
	if (!found)
		return ebcc_error_with_subject(probe_not_found(usdt, name), name);
	*ret = found;
	return NULL;
}

const char *ebcc_usdt_probe_provider(const struct ebcc_usdt_probe *probe)
{
	return probe->provider;
}

const char *ebcc_usdt_probe_name(const struct ebcc_usdt_probe *probe)
{
	return probe->name;
}

const char *ebcc_usdt_probe_binary(const struct ebcc_usdt_probe *probe)
{
	return probe->binary->path;
}

uint64_t ebcc_usdt_probe_semaphore(const struct ebcc_usdt_probe *probe)
{
	return probe->sites[0].semaphore;
}

uint64_t ebcc_usdt_probe_semaphore_offset(const struct ebcc_usdt_probe *probe)
{
	uint64_t semaphore = probe->sites[0].semaphore, offset;

	if (!semaphore || !ebcc_elf_data_offset(probe->binary->elf, semaphore, &offset))
		return 0;
	return offset;
}

size_t ebcc_usdt_probe_location_count(const struct ebcc_usdt_probe *probe)
{
	return probe->site_count;
}

/* ---- Arguments ---- */

static size_t count_arguments(const struct ebcc_usdt_site *site)
{
	const char *at = site->arguments, *text;
	size_t count = 0, length;

	while (ebcc_usdt_next_argument(&at, &text, &length))
		count++;
	return count;
}

size_t ebcc_usdt_probe_argument_count(const struct ebcc_usdt_probe *probe)
{
	size_t most = 0;

	for (size_t i = 0; i < probe->site_count; i++) {
		size_t count = count_arguments(&probe->sites[i]);

		most = count > most ? count : most;
	}
	return most;
}

bool ebcc_usdt_probe_location_at(const struct ebcc_usdt_probe *probe, size_t index,
				 struct ebcc_usdt_location *ret, size_t size)
{
	struct ebcc_usdt_location location;

	if (index >= probe->site_count)
		return false;
	location = (struct ebcc_usdt_location){
		.address = probe->sites[index].address,
		.arguments = probe->sites[index].arguments,
		.argument_count = count_arguments(&probe->sites[index]),
	};
	ebcc_result_write(ret, size, &location, sizeof(location));
	return true;
}

/* Parses and encodes one argument's text. */
static void encode_argument(const struct ebcc_usdt_probe *probe, const struct ebcc_usdt_site *site,
			    const char *text, size_t length, struct ebcc_usdt_operand *operand,
			    struct ebcc_usdt_argument *argument)
{
	const struct ebcc_usdt_binary *binary = probe->binary;
	struct ebcc_usdt_place place = {
		.machine = binary->kind.machine,
		.fixed = binary->kind.fixed,
		.location = site->address,
	};

	ebcc_usdt_parse(place.machine, text, length, operand);
	if (operand->parts & EBCC_USDT_PART_SYMBOL &&
	    !ebcc_elf_find_data(binary->elf, operand->symbol, &place.symbol))
		operand->unreadable =
			"its symbol is missing from the file's symbol tables, or ambiguous";
	operand->unreadable = ebcc_usdt_encode(operand, &place, argument);
}

static bool operand_at(const struct ebcc_usdt_probe *probe, size_t location, size_t index,
		       struct ebcc_usdt_operand *ret)
{
	struct ebcc_usdt_argument unused;
	const char *at, *text;
	size_t length;

	if (location >= probe->site_count)
		return false;
	at = probe->sites[location].arguments;
	for (size_t i = 0; ebcc_usdt_next_argument(&at, &text, &length); i++) {
		if (i != index)
			continue;
		encode_argument(probe, &probe->sites[location], text, length, ret, &unused);
		return true;
	}
	return false;
}

bool ebcc_usdt_probe_operand_at(const struct ebcc_usdt_probe *probe, size_t location, size_t index,
				struct ebcc_usdt_operand *ret, size_t size)
{
	struct ebcc_usdt_operand operand;

	if (!operand_at(probe, location, index, &operand))
		return false;
	ebcc_result_write(ret, size, &operand, sizeof(operand));
	return true;
}

void ebcc_usdt_encode_site(const struct ebcc_usdt_probe *probe, const struct ebcc_usdt_site *site,
			   struct ebcc_usdt_spec *ret, size_t *ret_unreadable,
			   const char **ret_reason)
{
	const char *at = site->arguments, *text;
	struct ebcc_usdt_operand operand;
	size_t length;

	*ret = (struct ebcc_usdt_spec){0};
	*ret_unreadable = 0;
	while (ret->count < EBCC_USDT_MAX_ARGUMENTS &&
	       ebcc_usdt_next_argument(&at, &text, &length)) {
		encode_argument(probe, site, text, length, &operand, &ret->arguments[ret->count++]);
		if (!operand.unreadable)
			continue;
		*ret_unreadable = ret->count;
		*ret_reason = operand.unreadable;
	}
}

const char *ebcc_usdt_probe_argument_type(const struct ebcc_usdt_probe *probe, size_t index)
{
	static const char *const types[2][4] = {{"uint8_t", "uint16_t", "uint32_t", "uint64_t"},
						{"int8_t", "int16_t", "int32_t", "int64_t"}};
	struct ebcc_usdt_operand operand;
	bool is_signed = false;
	unsigned size = 0;

	for (size_t i = 0; i < probe->site_count; i++) {
		if (!operand_at(probe, i, index, &operand) || operand.unreadable)
			continue;
		is_signed |= operand.is_signed;
		size = operand.size > size ? operand.size : size;
	}
	return size ? types[is_signed][__builtin_ctz(size)] : NULL;
}
