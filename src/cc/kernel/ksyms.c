// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel symbols. /proc/kallsyms is read once, in pieces, into an array of addresses and one block
 * of names. In the file the kernel's own symbols are sorted by address, but those of modules and
 * BPF programs, which follow, are not; only the part that is out of order is sorted here. An index
 * by name is made when the first name is looked up.
 */
#include "kernel/ksyms.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/buf.h"
#include "base/clock.h"

#define KALLSYMS "/proc/kallsyms"
#define READ_SIZE (64u << 10)
#define CHECK_INTERVAL 100000000ull /* in nanoseconds */
#define COST_FACTOR 50
#define TEXT_PIECE 512
#define TEXT_LIMIT (1u << 30)
#define ADDRESS_DIGITS 16
#define LINE_MAX_SIZE 1024 /* KSYM_NAME_LEN is 512 and a module's name is at most 56 */

/* No function or variable outside the kernel image is this long: an address farther from the
 * preceding symbol is in a gap between modules. */
#define FAR_FROM_SYMBOL (16u << 20)

/* Kernel addresses are in the upper half; lower values are offsets of per-CPU variables. */
#define LOWEST_KERNEL_ADDRESS (1ull << 63)

struct symbol {
	uint64_t address;
	uint32_t name;	 /* offset in names */
	uint32_t module; /* offset in names; 0: the kernel */
};

struct ebcc_ksyms {
	struct symbol *symbols;
	size_t count, capacity;
	struct ebcc_buf names;
	uint32_t *by_name; /* open addressing; index + 1, 0: free */
	size_t by_name_size;
	uint32_t last_module; /* while parsing: that of the last symbol */
	size_t sorted;	      /* while parsing: the number of leading symbols that are in order */
	bool failed, addresses_seen;
	uint32_t *by_piece;	       /* for each piece of the kernel's code: its first symbol */
	uint64_t text_start, text_end; /* of the kernel's own code, which never changes */
	uint64_t loaded;  /* hash of the modules and BPF programs at the time of reading */
	uint64_t checked; /* when that was last compared, in nanoseconds */
	uint64_t cost;	  /* of reading all symbols, in nanoseconds */
};

/* The value of eight hexadecimal digits, which the kernel prints in lower case. Parsing them one by
 * one would take as long as the rest of the line, since branches on them can't be predicted. */
static uint64_t read_eight_digits(const char *digits)
{
	uint64_t value;

	memcpy(&value, digits, sizeof(value));
	value = be64toh(value);
	/* Letters have bit 6 set, unlike digits, and their low half begins at 1 instead of 10. */
	value = (value & 0x0f0f0f0f0f0f0f0full) + 9 * (value >> 6 & 0x0101010101010101ull);
	value = (value | value >> 4) & 0x00ff00ff00ff00ffull;
	value = (value | value >> 8) & 0x0000ffff0000ffffull;
	return (value | value >> 16) & 0xffffffffull;
}

/* Parses "ADDRESS TYPE NAME[\t[MODULE]]"; overwrites the separators with NULs. */
static bool parse_line(char *line, char *end, struct ebcc_ksyms_line *ret)
{
	char *at = line + ADDRESS_DIGITS, *tab;

	if (end - line < ADDRESS_DIGITS)
		return false;
	ret->address = read_eight_digits(line) << 32 | read_eight_digits(line + 8);
	if (end - at < 4 || at[0] != ' ' || at[2] != ' ')
		return false;
	ret->type = at[1];
	ret->name = at + 3;
	ret->module = "";
	*end = '\0';
	tab = memchr(at + 3, '\t', end - (at + 3));
	if (tab && end - tab >= 4 && tab[1] == '[' && end[-1] == ']') {
		*tab = '\0';
		end[-1] = '\0';
		ret->module = tab + 2;
	}
	return *ret->name != '\0';
}

struct ebcc_error *ebcc_ksyms_walk(ebcc_ksyms_line_fn fn, void *ctx)
{
	AUTO_CLOSE int fd = open(KALLSYMS, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *data = malloc(READ_SIZE + LINE_MAX_SIZE + 1);
	struct ebcc_ksyms_line parsed;
	size_t kept = 0;

	if (!data)
		return ebcc_error_no_memory();
	if (fd < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno,
				     "can't read the kernel's symbols from " KALLSYMS);
	for (;;) {
		ssize_t size = read(fd, data + kept, READ_SIZE);
		char *line = data, *end, *newline;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return ebcc_error_os(EBCC_ERROR_OS, errno,
					     "can't read the kernel's symbols from " KALLSYMS);
		if (!size)
			return NULL;
		end = data + kept + size;
		while ((newline = memchr(line, '\n', end - line))) {
			if (parse_line(line, newline, &parsed) && !fn(ctx, &parsed))
				return NULL;
			line = newline + 1;
		}
		kept = end - line;
		if (kept > LINE_MAX_SIZE)
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 KALLSYMS " has a line of more than %d bytes",
						 LINE_MAX_SIZE);
		memmove(data, line, kept);
	}
}

static uint32_t append_name(struct ebcc_ksyms *ksyms, const char *name)
{
	size_t offset = ksyms->names.size;

	ebcc_buf_append(&ksyms->names, name, strlen(name) + 1);
	if (ksyms->names.failed || ksyms->names.size > UINT32_MAX)
		ksyms->failed = true;
	return (uint32_t)offset;
}

static const char *name_at(const struct ebcc_ksyms *ksyms, uint32_t offset)
{
	return ksyms->names.data + offset;
}

static bool grow(struct ebcc_ksyms *ksyms)
{
	size_t capacity = ksyms->capacity ? ksyms->capacity + ksyms->capacity / 2 : 1u << 17;
	struct symbol *symbols = realloc(ksyms->symbols, capacity * sizeof(*symbols));

	if (!symbols)
		return false;
	ksyms->symbols = symbols;
	ksyms->capacity = capacity;
	return true;
}

static bool add_symbol(void *ctx, const struct ebcc_ksyms_line *line)
{
	struct ebcc_ksyms *ksyms = ctx;
	struct symbol *symbol;

	if (line->address)
		ksyms->addresses_seen = true;
	if (line->name[0] == '_' && !strcmp(line->name, "_stext"))
		ksyms->text_start = line->address;
	else if (line->name[0] == '_' && !strcmp(line->name, "_etext"))
		ksyms->text_end = line->address;
	if (line->address < LOWEST_KERNEL_ADDRESS)
		return true;
	if (ksyms->count == ksyms->capacity && !grow(ksyms)) {
		ksyms->failed = true;
		return false;
	}
	if (!*line->module)
		ksyms->last_module = 0;
	else if (!ksyms->last_module || strcmp(name_at(ksyms, ksyms->last_module), line->module))
		ksyms->last_module = append_name(ksyms, line->module);
	symbol = &ksyms->symbols[ksyms->count++];
	symbol->address = line->address;
	symbol->module = ksyms->last_module;
	symbol->name = append_name(ksyms, line->name);
	if (ksyms->sorted == ksyms->count - 1 &&
	    (!ksyms->sorted || symbol[-1].address <= symbol->address))
		ksyms->sorted++;
	return !ksyms->failed;
}

/* By address; aliases stay in the order of the file, which is that of their name offsets. */
static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

/* Sorts the part that is out of order. The kernel's own symbols are in order, so that is usually
 * everything from the first symbol of a module on. */
static void sort(struct ebcc_ksyms *ksyms)
{
	uint64_t lowest = UINT64_MAX;
	size_t from = ksyms->sorted;

	for (size_t i = from; i < ksyms->count; i++)
		if (ksyms->symbols[i].address < lowest)
			lowest = ksyms->symbols[i].address;
	while (from && ksyms->symbols[from - 1].address >= lowest)
		from--;
	if (from < ksyms->count)
		qsort(&ksyms->symbols[from], ksyms->count - from, sizeof(*ksyms->symbols),
		      compare_symbols);
}

static struct ebcc_error *hidden_error(void)
{
	char restriction[8] = "";
	AUTO_CLOSE int fd = open("/proc/sys/kernel/kptr_restrict", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, restriction, sizeof(restriction) - 1);

	while (size > 0 && restriction[size - 1] == '\n')
		restriction[--size] = '\0';
	return ebcc_error_create(
		EBCC_ERROR_PERMISSION,
		"the kernel hides the addresses of its symbols from this user: all in " KALLSYMS
		" are 0 (kernel.kptr_restrict is %s); run as root, and with "
		"kernel.kptr_restrict below 2",
		size > 0 ? restriction : "unknown");
}

/* ---- Modules and BPF programs ---- */

static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash ^ hash >> 15;
}

/* Hashes the names and addresses in /proc/modules, whose lines are "NAME SIZE USERS ... STATE
 * ADDRESS". The users change all the time. */
static uint64_t hash_modules(void)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_error *error = ebcc_buf_read_file(&text, "/proc/modules", 16u << 20);
	uint64_t hash = 0;
	char *line, *end;

	ebcc_error_destroy(error);
	for (line = text.data; line && (end = strchr(line, '\n')); line = end + 1) {
		char *address;

		*end = '\0';
		address = strstr(line, " 0x");
		hash = hash * 31 + hash_name(address ? address : "");
		line[strcspn(line, " ")] = '\0';
		hash = hash * 31 + hash_name(line);
	}
	return hash;
}

/* Hashes the ids of all BPF programs. Ids are allocated cyclically. Without the privilege to list
 * them the hash is 0. */
static uint64_t hash_programs(void)
{
	uint64_t hash = 0;

	for (uint32_t id = 0; !bpf_prog_get_next_id(id, &id);)
		hash = hash * 1000003 + id;
	return hash;
}

static uint64_t hash_loaded(void)
{
	return hash_modules() ^ hash_programs() << 1;
}

/* ---- Reading ---- */

/* Makes a table with the index of the first symbol in each piece of the kernel's code. Most lookups
 * are for random addresses there, and a binary search in the whole array would miss the cache at
 * each step. */
static bool index_text(struct ebcc_ksyms *ksyms)
{
	uint64_t size = ksyms->text_end - ksyms->text_start;
	size_t at = 0, pieces = size / TEXT_PIECE + 1;

	if (ksyms->text_end <= ksyms->text_start || size > TEXT_LIMIT)
		return true;
	ksyms->by_piece = malloc((pieces + 1) * sizeof(*ksyms->by_piece));
	if (!ksyms->by_piece)
		return false;
	for (size_t i = 0; i <= pieces; i++) {
		uint64_t start = ksyms->text_start + i * TEXT_PIECE;

		while (at < ksyms->count && ksyms->symbols[at].address < start)
			at++;
		ksyms->by_piece[i] = (uint32_t)at;
	}
	return true;
}

static struct ebcc_error *fill(struct ebcc_ksyms *ksyms)
{
	uint64_t begin = ebcc_work_ns();

	ksyms->loaded = hash_loaded();
	/* Offset 0 in names is the "module" of the kernel's own symbols. */
	ebcc_buf_append(&ksyms->names, "kernel", sizeof("kernel"));
	TRY(ebcc_ksyms_walk(add_symbol, ksyms));
	if (ksyms->failed)
		return ebcc_error_no_memory();
	if (!ksyms->addresses_seen)
		return hidden_error();
	sort(ksyms);
	if (!index_text(ksyms))
		return ebcc_error_no_memory();
	ksyms->checked = ebcc_now_ns();
	ksyms->cost = ebcc_work_ns() - begin;
	return NULL;
}

static void clear(struct ebcc_ksyms *ksyms)
{
	free(ksyms->symbols);
	free(ksyms->by_name);
	free(ksyms->by_piece);
	ebcc_buf_deinit(&ksyms->names);
	memset(ksyms, 0, sizeof(*ksyms));
}

struct ebcc_error *ebcc_ksyms_create(struct ebcc_ksyms **ret)
{
	struct ebcc_ksyms *ksyms = calloc(1, sizeof(*ksyms));
	struct ebcc_error *error;

	if (!ksyms)
		return ebcc_error_no_memory();
	error = fill(ksyms);
	if (error) {
		ebcc_ksyms_destroy(ksyms);
		return error;
	}
	*ret = ksyms;
	return NULL;
}

void ebcc_ksyms_destroy(struct ebcc_ksyms *ksyms)
{
	if (!ksyms)
		return;
	clear(ksyms);
	free(ksyms);
}

struct ebcc_error *ebcc_ksyms_refresh(struct ebcc_ksyms *ksyms)
{
	struct ebcc_ksyms fresh = {0};
	struct ebcc_error *error = fill(&fresh);

	if (error) {
		clear(&fresh);
		return error;
	}
	clear(ksyms);
	*ksyms = fresh;
	return NULL;
}

struct ebcc_error *ebcc_ksyms_update(struct ebcc_ksyms *ksyms)
{
	uint64_t now = ebcc_now_ns();

	/* If programs come and go all the time, at most a fiftieth of the time goes into reading.
	 */
	if (now - ksyms->checked < CHECK_INTERVAL ||
	    now - ksyms->checked < ksyms->cost * COST_FACTOR)
		return NULL;
	ksyms->checked = now;
	return hash_loaded() == ksyms->loaded ? NULL : ebcc_ksyms_refresh(ksyms);
}

bool ebcc_ksyms_is_permanent(const struct ebcc_ksyms *ksyms, uint64_t address)
{
	return address >= ksyms->text_start && address < ksyms->text_end;
}

bool ebcc_ksyms_find(struct ebcc_ksyms *ksyms, uint64_t address, struct ebcc_ksym *ret)
{
	size_t low = 0, high = ksyms->count;
	const struct symbol *symbol;

	if (ksyms->by_piece && ebcc_ksyms_is_permanent(ksyms, address)) {
		const uint32_t *piece =
			&ksyms->by_piece[(address - ksyms->text_start) / TEXT_PIECE];

		low = piece[0];
		high = piece[1];
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ksyms->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	symbol = &ksyms->symbols[low - 1];
	/* Prefers the first of several aliases, as the kernel does. */
	while (symbol > ksyms->symbols && symbol[-1].address == symbol->address)
		symbol--;
	if (address - symbol->address >= FAR_FROM_SYMBOL)
		return false;
	ret->name = name_at(ksyms, symbol->name);
	ret->module = name_at(ksyms, symbol->module);
	ret->address = symbol->address;
	ret->offset = address - symbol->address;
	return true;
}

static bool index_names(struct ebcc_ksyms *ksyms)
{
	size_t size = 1024;

	while (size < ksyms->count * 2)
		size *= 2;
	ksyms->by_name = calloc(size, sizeof(*ksyms->by_name));
	if (!ksyms->by_name)
		return false;
	ksyms->by_name_size = size;
	for (size_t i = 0; i < ksyms->count; i++) {
		size_t slot = hash_name(name_at(ksyms, ksyms->symbols[i].name)) & (size - 1);

		while (ksyms->by_name[slot])
			slot = (slot + 1) & (size - 1);
		ksyms->by_name[slot] = (uint32_t)i + 1;
	}
	return true;
}

bool ebcc_ksyms_find_name(struct ebcc_ksyms *ksyms, const char *module, const char *name,
			  uint64_t *ret)
{
	size_t mask, slot;

	if (!ksyms->by_name && !index_names(ksyms))
		return false;
	mask = ksyms->by_name_size - 1;
	for (slot = hash_name(name) & mask; ksyms->by_name[slot]; slot = (slot + 1) & mask) {
		const struct symbol *symbol = &ksyms->symbols[ksyms->by_name[slot] - 1];

		if (strcmp(name_at(ksyms, symbol->name), name))
			continue;
		if (module && strcmp(name_at(ksyms, symbol->module), module))
			continue;
		*ret = symbol->address;
		return true;
	}
	return false;
}
