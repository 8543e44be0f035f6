// SPDX-License-Identifier: Apache-2.0
/*
 * Tables of a module: all entries in the order of their keys, histograms with bars.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "elf/bpf_object.h"
#include "load/module.h"
#include "report.h"
#include "run.h"
#include "value.h"

#define BAR_WIDTH 40
/* A histogram of 64-bit numbers has so many slots. */
#define SLOTS 65

/* The entries of a table that are shown. */
struct entries {
	const struct ebcc_table *table;
	const struct ebcc_type *key_type, *leaf_type;
	size_t key_size, value_size, leaf_size;
	char *keys, *values; /* as read */
	size_t count;
	size_t *order; /* their indices, sorted; those that are left out are missing */
	size_t shown;
};

static void entries_deinit(struct entries *entries)
{
	free(entries->keys);
	free(entries->values);
	free(entries->order);
}
#define AUTO_ENTRIES CLEANUP(entries_deinit)

static const char *key_at(const struct entries *entries, size_t position)
{
	return entries->keys + entries->order[position] * entries->key_size;
}

static const char *value_at(const struct entries *entries, size_t position)
{
	return entries->values + entries->order[position] * entries->value_size;
}

/* ---- Reading ---- */

static bool is_queue(const struct ebcc_table *table)
{
	unsigned type = ebcc_table_map_type(table);

	return type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK;
}

static bool is_array(const struct ebcc_table *table)
{
	unsigned type = ebcc_table_map_type(table);

	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Whether a table holds values of the source, and not descriptors, stacks or events. */
static bool holds_values(const struct ebcc_table *table)
{
	switch (ebcc_table_map_type(table)) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		return true;
	default:
		return is_queue(table) || is_array(table);
	}
}

static int compare_keys(const void *left, const void *right, void *ctx)
{
	const struct entries *entries = ctx;
	size_t size = entries->key_size;

	return cli_value_compare(entries->key_type, entries->keys + *(const size_t *)left * size,
				 entries->keys + *(const size_t *)right * size, size);
}

static bool is_zero(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Reads a table that is no longer used, so a queue may lose its values. */
static struct ebcc_error *read_entries(struct ebcc_table *table, struct entries *ret)
{
	*ret = (struct entries){
		.table = table,
		.key_type = ebcc_table_key_type(table),
		.leaf_type = ebcc_table_leaf_type(table),
		.key_size = ebcc_table_key_size(table),
		.value_size = ebcc_table_value_size(table),
		.leaf_size = ebcc_table_leaf_size(table),
	};
	TRY(ebcc_table_read_all(table, is_queue(table), (void **)&ret->keys, (void **)&ret->values,
				&ret->count));
	ret->order = calloc(ret->count + 1, sizeof(*ret->order));
	if (!ret->order)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < ret->count; i++) {
		/* An array always has all its entries; those that were not used say nothing. */
		if (is_array(table) && is_zero(ret->values + i * ret->value_size, ret->value_size))
			continue;
		ret->order[ret->shown++] = i;
	}
	if (!is_queue(table))
		qsort_r(ret->order, ret->shown, sizeof(*ret->order), compare_keys, ret);
	return NULL;
}

/* ---- Entries ---- */

/* Elements of all CPUs follow one another, each at a multiple of 8 bytes. */
static size_t cpu_stride(const struct entries *entries)
{
	return (entries->leaf_size + 7) / 8 * 8;
}

static json_t *value_json(const struct entries *entries, size_t position)
{
	const char *value = value_at(entries, position);
	size_t stride = cpu_stride(entries);
	json_t *array;

	if (!ebcc_table_is_per_cpu(entries->table))
		return cli_value_json(entries->leaf_type, value, entries->leaf_size);
	array = json_array();
	for (size_t at = 0; at + stride <= entries->value_size; at += stride)
		json_array_append_new(
			array, cli_value_json(entries->leaf_type, value + at, entries->leaf_size));
	return array;
}

static void append_value(const struct entries *entries, size_t position, struct ebcc_buf *text)
{
	const char *value = value_at(entries, position);
	size_t stride = cpu_stride(entries);

	if (!ebcc_table_is_per_cpu(entries->table)) {
		cli_value_text(entries->leaf_type, value, entries->leaf_size, text);
		return;
	}
	ebcc_buf_append_char(text, '[');
	for (size_t at = 0; at + stride <= entries->value_size; at += stride) {
		ebcc_buf_append_string(text, at ? " " : "");
		cli_value_text(entries->leaf_type, value + at, entries->leaf_size, text);
	}
	ebcc_buf_append_char(text, ']');
}

static void print_entries(const struct entries *entries)
{
	for (size_t i = 0; i < entries->shown; i++) {
		AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

		ebcc_buf_append_string(&text, "    ");
		if (entries->key_size) {
			cli_value_text(entries->key_type, key_at(entries, i), entries->key_size,
				       &text);
			ebcc_buf_append_string(&text, ": ");
		}
		append_value(entries, i, &text);
		puts(ebcc_buf_string(&text));
	}
}

/* ---- Histograms ---- */

/* Whether the source declares the table with BPF_HISTOGRAM. */
static bool is_histogram(const struct ebcc_table *table)
{
	const struct ebcc_module *module = table->module;
	AUTO_BUF struct ebcc_buf variable = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;
	AUTO_FREE char *kind = NULL;

	ebcc_buf_printf(&variable, "__ebcc_table_%s", table->name);
	error = ebcc_elf_fact(module->object_bytes, module->object_size, ebcc_buf_string(&variable),
			      "table", &kind);
	return !error && kind && !strcmp(kind, "histogram");
}

/* A key that is a slot, or a struct of a bucket and a slot. */
struct slot_place {
	size_t offset, size;
	struct ebcc_member bucket; /* type NULL: there is none */
};

static bool find_slot(const struct entries *entries, struct slot_place *ret)
{
	const struct ebcc_type *type = entries->key_type;
	struct ebcc_member slot;

	*ret = (struct slot_place){0};
	if (!type || ebcc_table_is_per_cpu(entries->table) ||
	    entries->value_size != sizeof(uint64_t))
		return false;
	if (ebcc_type_kind(type) == EBCC_TYPE_INT && entries->key_size <= sizeof(uint64_t)) {
		ret->size = entries->key_size;
		return true;
	}
	if (ebcc_type_kind(type) != EBCC_TYPE_STRUCT || ebcc_type_count(type) != 2 ||
	    !ebcc_type_member_at(type, 0, &ret->bucket, sizeof(ret->bucket)) ||
	    !ebcc_type_member_at(type, 1, &slot, sizeof(slot)) || ret->bucket.bit_size ||
	    slot.bit_size || ebcc_type_kind(slot.type) != EBCC_TYPE_INT ||
	    ebcc_type_size(slot.type) > sizeof(uint64_t))
		return false;
	ret->offset = slot.bit_offset / 8;
	ret->size = ebcc_type_size(slot.type);
	return true;
}

static uint64_t slot_of(const struct slot_place *place, const char *key)
{
	uint64_t slot = 0;

	memcpy(&slot, key + place->offset, place->size);
	return slot;
}

static bool same_bucket(const struct slot_place *place, const char *left, const char *right)
{
	size_t offset = place->bucket.bit_offset / 8;

	return !place->bucket.type ||
	       !memcmp(left + offset, right + offset, ebcc_type_size(place->bucket.type));
}

/* The numbers that bpf_log2l() maps to a slot. A slot of a linear histogram is the number itself,
 * so both are shown. */
static void print_bars(const uint64_t counts[SLOTS])
{
	uint64_t largest = 0;
	size_t first = SLOTS, last = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		if (!counts[i])
			continue;
		first = i < first ? i : first;
		last = i;
		largest = counts[i] > largest ? counts[i] : largest;
	}
	printf("    slot   if a power of two        : count      distribution\n");
	for (size_t i = first; i <= last && i < SLOTS; i++) {
		unsigned long long low = i > 1 ? 1ull << (i - 1) : 0;
		unsigned long long high = i < 64 ? (1ull << i) - 1 : UINT64_MAX;
		int width = (int)((unsigned __int128)BAR_WIDTH * counts[i] / largest);

		printf("    %4zu %10llu -> %-10llu : %-10llu |%.*s%*s|\n", i, low, high,
		       (unsigned long long)counts[i], width,
		       "****************************************", BAR_WIDTH - width, "");
	}
}

/* Whether all slots can be shown. */
static bool slots_fit(const struct entries *entries, const struct slot_place *place)
{
	for (size_t i = 0; i < entries->shown; i++)
		if (slot_of(place, key_at(entries, i)) >= SLOTS)
			return false;
	return entries->shown;
}

static void print_bucket(const struct slot_place *place, const char *key)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (!place->bucket.type)
		return;
	cli_value_text(place->bucket.type, key + place->bucket.bit_offset / 8,
		       ebcc_type_size(place->bucket.type), &text);
	fputs("  ", stdout);
	cli_put(stdout, place->bucket.name);
	printf(" = %s\n", ebcc_buf_string(&text));
}

/* Prints one histogram for each bucket. Returns false if the table isn't one that can be shown so.
 * Entries are sorted by bucket first. */
static bool print_histogram(const struct entries *entries)
{
	struct slot_place place;

	if (!find_slot(entries, &place) || !slots_fit(entries, &place))
		return false;
	for (size_t i = 0; i < entries->shown;) {
		const char *start = key_at(entries, i);
		uint64_t counts[SLOTS] = {0};

		for (; i < entries->shown && same_bucket(&place, start, key_at(entries, i)); i++)
			memcpy(&counts[slot_of(&place, key_at(entries, i))], value_at(entries, i),
			       sizeof(counts[0]));
		print_bucket(&place, start);
		print_bars(counts);
	}
	return true;
}

/* ---- Tables ---- */

static void print_json(const struct entries *entries, bool histogram)
{
	json_t *array = json_array();

	for (size_t i = 0; i < entries->shown; i++) {
		json_t *entry = json_object();

		if (entries->key_size)
			json_object_set_new(entry, "key",
					    cli_value_json(entries->key_type, key_at(entries, i),
							   entries->key_size));
		json_object_set_new(entry, "value", value_json(entries, i));
		json_array_append_new(array, entry);
	}
	cli_print_json_line(json_pack("{s:o,s:b,s:o}", "table",
				      cli_json_text(ebcc_table_name(entries->table)), "histogram",
				      histogram, "entries", array));
}

static struct ebcc_error *print_table(struct ebcc_table *table, bool json)
{
	AUTO_ENTRIES struct entries entries = {0};
	bool histogram = is_histogram(table);

	TRY(read_entries(table, &entries));
	if (json) {
		print_json(&entries, histogram);
		return NULL;
	}
	cli_put(stdout, ebcc_table_name(table));
	printf(": %zu %s\n", entries.shown, entries.shown == 1 ? "entry" : "entries");
	if (!histogram || !print_histogram(&entries))
		print_entries(&entries);
	return NULL;
}

struct ebcc_error *cli_tables_print(struct ebcc_module *module, bool json)
{
	struct ebcc_table *table;

	for (size_t i = 0; (table = ebcc_module_table_at(module, i)); i++)
		if (holds_values(table))
			TRY(print_table(table, json));
	return NULL;
}
