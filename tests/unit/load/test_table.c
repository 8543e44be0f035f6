// SPDX-License-Identifier: Apache-2.0
/* Tables of each kind: single entries and many, with batch commands and without. */
#include "load/runtime_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "kernel/features.h"
#include "load/link.h"

#define MANY 50000
#define PIN "/sys/fs/bpf/ebcc_test_pin"

static struct ebcc_module *module;

static void setup(void)
{
	module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
}

static void teardown(void)
{
	ebcc_module_destroy(module);
	unlink("/sys/fs/bpf/ebcc_test_routes");
	unlink(PIN);
}

START_TEST(test_hash)
{
	struct ebcc_table *table = find_table(module, "counts");
	uint32_t key = 3, next;
	uint64_t value = 30, got = 1;
	bool found, more;

	ck_assert_uint_eq(ebcc_table_key_size(table), 4);
	ck_assert_uint_eq(ebcc_table_value_size(table), 8);
	ck_assert_uint_eq(ebcc_table_max_entries(table), 65536);
	check_ok(ebcc_table_lookup(table, &key, &got, &found));
	ck_assert(!found);
	ck_assert_uint_eq(got, 1);
	check_ok(ebcc_table_next_key(table, NULL, &next, &more));
	ck_assert(!more);
	check_ok(ebcc_table_update(table, &key, &value, BPF_NOEXIST));
	check_error(ebcc_table_update(table, &key, &value, BPF_NOEXIST), EBCC_ERROR_OS, "counts");
	check_ok(ebcc_table_lookup(table, &key, &got, &found));
	ck_assert(found);
	ck_assert_uint_eq(got, 30);
	check_ok(ebcc_table_next_key(table, NULL, &next, &more));
	ck_assert(more);
	ck_assert_uint_eq(next, 3);
	check_ok(ebcc_table_delete(table, &key, NULL));
	check_error(ebcc_table_delete(table, &key, NULL), EBCC_ERROR_NOT_FOUND, "no such key");
	check_ok(ebcc_table_delete(table, &key, &found));
	ck_assert(!found);
}
END_TEST

struct entry {
	uint32_t key;
	uint64_t value;
};

static int compare_entries(const void *a, const void *b)
{
	uint32_t first = ((const struct entry *)a)->key, second = ((const struct entry *)b)->key;

	return (first > second) - (first < second);
}

/* Everything in a table of u32 to u64, by key. */
static struct entry *read_sorted(struct ebcc_table *table, bool remove, size_t *ret_count)
{
	struct entry *entries;
	uint32_t *keys;
	uint64_t *values;

	check_ok(ebcc_table_read_all(table, remove, (void **)&keys, (void **)&values, ret_count));
	entries = calloc(*ret_count + 1, sizeof(*entries));
	for (size_t i = 0; i < *ret_count; i++) {
		entries[i].key = keys[i];
		entries[i].value = values[i];
	}
	qsort(entries, *ret_count, sizeof(*entries), compare_entries);
	free(keys);
	free(values);
	return entries;
}

static void fill(struct ebcc_table *table, size_t count)
{
	uint32_t *keys = calloc(count, sizeof(*keys));
	uint64_t *values = calloc(count, sizeof(*values));

	for (size_t i = 0; i < count; i++) {
		keys[i] = (uint32_t)i;
		values[i] = i * 7 + 1;
	}
	check_ok(ebcc_table_update_many(table, keys, values, count));
	free(keys);
	free(values);
}

static void check_filled(const struct entry *entries, size_t count, size_t expected)
{
	ck_assert_uint_eq(count, expected);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(entries[i].key, i);
		ck_assert_uint_eq(entries[i].value, i * 7 + 1);
	}
}

/* _i: 0 with batch commands, 1 without. */
START_TEST(test_many)
{
	struct ebcc_table *table = find_table(module, "counts");
	uint32_t some[] = {1, 2, 99999, 5, 88888, 7};
	struct entry *entries;
	size_t count;

	if (_i)
		ebcc_feature_override(EBCC_FEATURE_BATCH, false);
	fill(table, MANY);
	entries = read_sorted(table, false, &count);
	check_filled(entries, count, MANY);
	free(entries);
	check_ok(ebcc_table_delete_many(table, some, 6));
	entries = read_sorted(table, true, &count);
	ck_assert_uint_eq(count, MANY - 4);
	ck_assert_uint_eq(entries[0].key, 0);
	ck_assert_uint_eq(entries[1].key, 3);
	ck_assert_uint_eq(entries[2].key, 4);
	ck_assert_uint_eq(entries[3].key, 6);
	ck_assert_uint_eq(entries[4].key, 8);
	free(entries);
	entries = read_sorted(table, false, &count);
	ck_assert_uint_eq(count, 0);
	free(entries);
	fill(table, MANY);
	check_ok(ebcc_table_clear(table));
	entries = read_sorted(table, false, &count);
	ck_assert_uint_eq(count, 0);
	free(entries);
	check_ok(ebcc_table_clear(table));
}
END_TEST

START_TEST(test_array)
{
	struct ebcc_table *table = find_table(module, "numbers");
	struct entry *entries;
	uint32_t some[] = {0, 4999};
	size_t count;

	if (_i)
		ebcc_feature_override(EBCC_FEATURE_BATCH, false);
	fill(table, 5000);
	entries = read_sorted(table, false, &count);
	check_filled(entries, count, 5000);
	free(entries);
	check_ok(ebcc_table_delete_many(table, some, 2));
	entries = read_sorted(table, true, &count);
	ck_assert_uint_eq(count, 5000);
	ck_assert_uint_eq(entries[0].value, 0);
	ck_assert_uint_eq(entries[1].value, 8);
	ck_assert_uint_eq(entries[4999].value, 0);
	free(entries);
	entries = read_sorted(table, false, &count);
	ck_assert_uint_eq(count, 5000);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(entries[i].value, 0);
	free(entries);
}
END_TEST

/* A per-CPU value has one element per possible CPU, 8 bytes apart even if it is a u32. */
START_TEST(test_per_cpu)
{
	const char *name = _i % 2 ? "cpu_numbers" : "cpu_counts";
	struct ebcc_table *table = find_table(module, name);
	size_t leaf = _i % 2 ? 8 : 4, count;
	unsigned cpus;
	uint64_t *value, *all;
	uint32_t key = 5, *keys;
	bool found;

	if (_i / 2)
		ebcc_feature_override(EBCC_FEATURE_BATCH, false);
	check_ok(ebcc_kernel_possible_cpus(&cpus));
	ck_assert(ebcc_table_is_per_cpu(table));
	ck_assert_uint_eq(ebcc_table_leaf_size(table), leaf);
	ck_assert_uint_eq(ebcc_table_value_size(table), cpus * 8);
	value = calloc(cpus, 8);
	for (unsigned i = 0; i < cpus; i++)
		value[i] = 100 + i;
	check_ok(ebcc_table_update(table, &key, value, 0));
	memset(value, 0, cpus * 8);
	check_ok(ebcc_table_lookup(table, &key, value, &found));
	ck_assert(found);
	for (unsigned i = 0; i < cpus; i++)
		ck_assert_uint_eq(value[i], 100 + i);
	check_ok(ebcc_table_read_all(table, false, (void **)&keys, (void **)&all, &count));
	ck_assert_uint_eq(count, _i % 2 ? 16 : 1);
	for (size_t i = 0; i < count; i++)
		for (unsigned cpu = 0; cpu < cpus; cpu++)
			ck_assert_uint_eq(all[i * cpus + cpu], keys[i] == 5 ? 100 + cpu : 0);
	free(keys);
	free(all);
	check_ok(ebcc_table_clear(table));
	memset(value, 0xff, cpus * 8);
	check_ok(ebcc_table_lookup(table, &key, value, &found));
	ck_assert(found == (_i % 2));
	if (found)
		ck_assert_uint_eq(value[0], 0);
	free(value);
}
END_TEST

START_TEST(test_lru)
{
	struct ebcc_table *table = find_table(module, "recent");
	struct entry *entries;
	size_t count;

	if (_i)
		ebcc_feature_override(EBCC_FEATURE_BATCH, false);
	fill(table, 200);
	entries = read_sorted(table, false, &count);
	check_filled(entries, count, 200);
	free(entries);
	/* More than it holds: the oldest entries go, and nothing fails. */
	fill(table, 3000);
	entries = read_sorted(table, true, &count);
	ck_assert_uint_gt(count, 0);
	ck_assert_uint_le(count, 1024);
	free(entries);
}
END_TEST

struct prefix {
	uint32_t length;
	unsigned char address[4];
};

START_TEST(test_lpm)
{
	struct ebcc_table *table = find_table(module, "routes");
	struct prefix wide = {8, {10, 0, 0, 0}}, narrow = {24, {10, 1, 2, 0}};
	struct prefix host = {32, {10, 1, 2, 3}}, other = {32, {10, 9, 9, 9}};
	uint32_t value = 1, *values;
	struct prefix *keys;
	size_t count;
	bool found;

	check_ok(ebcc_table_update(table, &wide, &value, 0));
	value = 2;
	check_ok(ebcc_table_update(table, &narrow, &value, 0));
	check_ok(ebcc_table_lookup(table, &host, &value, &found));
	ck_assert(found);
	ck_assert_uint_eq(value, 2);
	check_ok(ebcc_table_lookup(table, &other, &value, &found));
	ck_assert_uint_eq(value, 1);
	check_ok(ebcc_table_read_all(table, false, (void **)&keys, (void **)&values, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(values[0] + values[1], 3);
	ck_assert_uint_eq(keys[0].length + keys[1].length, 32);
	free(keys);
	free(values);
	check_ok(ebcc_table_clear(table));
	check_ok(ebcc_table_lookup(table, &host, &value, &found));
	ck_assert(!found);
}
END_TEST

START_TEST(test_queue_and_stack)
{
	struct ebcc_table *line = find_table(module, "line"), *pile = find_table(module, "pile");
	uint64_t value, *values;
	void *keys;
	size_t count;
	bool found;

	ck_assert_ptr_null(ebcc_table_key_type(line));
	for (value = 1; value <= 8; value++) {
		check_ok(ebcc_table_push(line, &value, 0));
		check_ok(ebcc_table_push(pile, &value, 0));
	}
	check_error(ebcc_table_push(line, &value, 0), EBCC_ERROR_OS, "full (8 entries)");
	check_ok(ebcc_table_push(line, &value, BPF_EXIST)); /* replaces the oldest */
	check_ok(ebcc_table_peek(line, &value, &found));
	ck_assert_uint_eq(value, 2);
	check_ok(ebcc_table_pop(line, &value, &found));
	ck_assert_uint_eq(value, 2);
	check_ok(ebcc_table_pop(pile, &value, &found));
	ck_assert_uint_eq(value, 8);
	check_error(ebcc_table_read_all(pile, false, &keys, (void **)&values, &count),
		    EBCC_ERROR_UNSUPPORTED, "only by removing");
	check_ok(ebcc_table_read_all(pile, true, &keys, (void **)&values, &count));
	ck_assert_uint_eq(count, 7);
	ck_assert_uint_eq(values[0], 7);
	ck_assert_uint_eq(values[6], 1);
	free(keys);
	free(values);
	check_ok(ebcc_table_clear(line));
	check_ok(ebcc_table_pop(line, &value, &found));
	ck_assert(!found);
	check_error(ebcc_table_pop(find_table(module, "counts"), &value, &found),
		    EBCC_ERROR_INVALID_ARGUMENT, "neither a queue nor a stack");
}
END_TEST

START_TEST(test_stack_trace)
{
	struct ebcc_table *numbers = find_table(module, "numbers");
	struct ebcc_table *stacks;
	uint64_t addresses[127], id;
	uint32_t zero = 0;
	size_t count;
	bool found;
	int fd;

	ebcc_module_destroy(module);
	module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	target_self(module);
	fd = attach(module, "take_stack");
	trigger(1);
	close(fd);
	numbers = find_table(module, "numbers");
	stacks = find_table(module, "stacks");
	check_ok(ebcc_table_lookup(numbers, &zero, &id, &found));
	check_ok(ebcc_table_read_stack(stacks, (int32_t)id, addresses, 127, &count));
	ck_assert_uint_ge(count, 1);
	ck_assert_uint_ne(addresses[0], 0);
	check_ok(ebcc_table_read_stack(stacks, (int32_t)id, addresses, 1, &count));
	ck_assert_uint_eq(count, 1);
	check_ok(ebcc_table_read_stack(stacks, -14, addresses, 127, &count));
	ck_assert_uint_eq(count, 0);
	check_ok(ebcc_table_read_stack(stacks, 63 - (int32_t)id, addresses, 127, &count));
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* Reading and clearing finish even while a program keeps changing the table. */
START_TEST(test_arrays_are_known)
{
	ck_assert(ebcc_table_is_array(find_table(module, "numbers")));
	ck_assert(ebcc_table_is_array(find_table(module, "cpu_numbers")));
	ck_assert(!ebcc_table_is_array(find_table(module, "counts")));
	ck_assert(!ebcc_table_is_array(find_table(module, "line")));
}
END_TEST

/* A pin is the very table, and only its own is removed. */
START_TEST(test_pins_of_tables)
{
	struct ebcc_table *table = find_table(module, "counts");
	uint32_t key = 1;
	uint64_t value = 0;
	int fd;

	check_ok(ebcc_table_pin(table, PIN));
	fill(table, 2);
	fd = bpf_obj_get(PIN);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bpf_map_lookup_elem(fd, &key, &value), 0);
	close(fd);
	check_error(ebcc_table_pin(table, PIN), EBCC_ERROR_OS, "can't pin table 'counts' as " PIN);
	check_error(ebcc_table_unpin(find_table(module, "numbers"), PIN),
		    EBCC_ERROR_INVALID_ARGUMENT, "is not the pin of table 'numbers'");
	check_ok(ebcc_table_unpin(table, PIN));
	check_error(ebcc_table_unpin(table, PIN), EBCC_ERROR_NOT_FOUND, PIN);
	check_error(ebcc_table_pin(table, "/tmp/ebcc_test_pin"), EBCC_ERROR_PERMISSION,
		    "BPF file system");
}
END_TEST

START_TEST(test_pins_of_programs)
{
	struct ebcc_program *program;

	check_ok(ebcc_module_find_program(module, "submit", &program));
	check_error(ebcc_program_pin(program, PIN), EBCC_ERROR_STATE, "'submit' is not loaded");
	check_ok(ebcc_program_load(program, BPF_PROG_TYPE_RAW_TRACEPOINT, NULL));
	check_ok(ebcc_program_pin(program, PIN));
	check_error(ebcc_table_unpin(find_table(module, "counts"), PIN),
		    EBCC_ERROR_INVALID_ARGUMENT, "is not the pin of table 'counts'");
	check_ok(ebcc_program_unpin(program, PIN));
}
END_TEST

START_TEST(test_unknown_flags)
{
	struct ebcc_table *counts = find_table(module, "counts"),
			  *line = find_table(module, "line");
	uint32_t key = 3;
	uint64_t value = 30;
	bool found;

	check_error(ebcc_table_update(counts, &key, &value, BPF_NOEXIST | 0x40000000000),
		    EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x40000000000");
	check_ok(ebcc_table_lookup(counts, &key, &value, &found));
	ck_assert(!found);
	check_error(ebcc_table_push(line, &value, 12), EBCC_ERROR_INVALID_ARGUMENT,
		    "flags of ebcc_table_push() has bits");
	check_ok(ebcc_table_peek(line, &value, &found));
	ck_assert(!found);
}
END_TEST

START_TEST(test_pins_of_links)
{
	struct ebcc_program *program;
	struct ebcc_link *link;
	int fd;

	check_ok(ebcc_module_find_program(module, "submit", &program));
	check_ok(ebcc_program_attach_raw_tracepoint(program, "sys_enter", NULL, &link));
	check_ok(ebcc_link_pin(link, PIN));
	check_ok(ebcc_link_unpin(link, PIN));
	link->several = true;
	check_error(ebcc_link_pin(link, PIN), EBCC_ERROR_UNSUPPORTED, "several descriptors");
	link->several = false;
	/* As of an XDP program, which no descriptor keeps attached. */
	fd = link->fd;
	link->fd = -1;
	check_error(ebcc_link_pin(link, PIN), EBCC_ERROR_UNSUPPORTED, "without a BPF link");
	link->fd = fd;
	check_ok(ebcc_link_detach(link));
	check_error(ebcc_link_pin(link, PIN), EBCC_ERROR_STATE, "is detached");
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(test_concurrent)
{
	struct ebcc_table *table = find_table(module, "counts");
	time_t end = time(NULL) + 1;
	size_t count, seen = 0;
	pid_t child;

	if (_i)
		ebcc_feature_override(EBCC_FEATURE_BATCH, false);
	fill(table, 3000);
	child = fork();
	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!child)
		for (uint32_t key = 0;; key++) {
			uint32_t low = key % 3000, high = 10000 + key % 40000;
			uint64_t value = 1;

			bpf_map_delete_elem(ebcc_table_fd(table), &low);
			bpf_map_update_elem(ebcc_table_fd(table), &high, &value, BPF_ANY);
			bpf_map_update_elem(ebcc_table_fd(table), &low, &value, BPF_ANY);
		}
	while (time(NULL) <= end) {
		struct entry *entries = read_sorted(table, false, &count);

		seen += count;
		for (size_t i = 1; i < count; i++)
			ck_assert_uint_ne(entries[i].key, entries[i - 1].key);
		free(entries);
		check_ok(ebcc_table_clear(table));
		free(read_sorted(table, true, &count));
	}
	ck_assert_uint_gt(seen, 3000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
END_TEST

static TCase *case_table(void)
{
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_hash);
	tcase_add_loop_test(tcase, test_many, 0, 2);
	tcase_add_loop_test(tcase, test_array, 0, 2);
	tcase_add_loop_test(tcase, test_per_cpu, 0, 4);
	tcase_add_loop_test(tcase, test_lru, 0, 2);
	tcase_add_test(tcase, test_lpm);
	tcase_add_test(tcase, test_queue_and_stack);
	tcase_add_test(tcase, test_stack_trace);
	tcase_add_test(tcase, test_arrays_are_known);
	tcase_add_test(tcase, test_unknown_flags);
	tcase_add_test(tcase, test_pins_of_tables);
	tcase_add_test(tcase, test_pins_of_programs);
	tcase_add_test(tcase, test_pins_of_links);
	tcase_add_loop_test(tcase, test_concurrent, 0, 2);
	return tcase;
}

int main(void)
{
	TCase *(*const cases[])(void) = {case_table};

	return run_suite(cases, 1, "table");
}
