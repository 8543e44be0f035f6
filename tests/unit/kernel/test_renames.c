// SPDX-License-Identifier: Apache-2.0
/*
 * Compares the table of renames with a kernel: the one whose files are in the directory
 * EBCC_TEST_KERNEL_ROOT, else the running one, which may lack many options.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/hash.h"
#include "kernel/btf.h"
#include "kernel/renames.h"

#define NAME_LIMIT 512

static const char *root;
static unsigned version;
static struct ebcc_kernel_btf *btf;
static struct ebcc_hash functions, symbols, events;

/* Reads the first or the third word of each line of a file below the root. */
static void read_names(const char *path, bool third, struct ebcc_hash *ret)
{
	char full[4096], line[NAME_LIMIT * 2], name[NAME_LIMIT];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, third ? "%*s %*s %511s" : "%511s", name) == 1)
			ck_assert_ptr_nonnull(ebcc_hash_insert_string(ret, name));
	if (file)
		fclose(file);
}

static void read_version(void)
{
	char path[4096];
	struct utsname names;
	unsigned major, minor;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/sys/kernel/osrelease", root);
	file = *root ? fopen(path, "r") : NULL;
	ck_assert(!*root || file);
	if (file) {
		ck_assert_ptr_nonnull(fgets(names.release, sizeof(names.release), file));
		fclose(file);
	} else {
		ck_assert_int_eq(uname(&names), 0);
	}
	ck_assert_int_eq(sscanf(names.release, "%u.%u", &major, &minor), 2);
	version = EBCC_LINUX(major, minor);
}

static void setup(void)
{
	char path[4096];

	root = getenv("EBCC_TEST_KERNEL_ROOT");
	root = root ? root : "";
	read_version();
	snprintf(path, sizeof(path), "%s/sys/kernel/btf/vmlinux", root);
	ck_assert_ptr_null(ebcc_kernel_btf_create(path, NULL, &btf));
	read_names("/proc/kallsyms", true, &symbols);
	read_names("/sys/kernel/tracing/available_filter_functions", false, &functions);
	read_names("/sys/kernel/tracing/available_events", false, &events);
}

static void teardown(void)
{
	ebcc_kernel_btf_destroy(btf);
	ebcc_hash_deinit(&functions);
	ebcc_hash_deinit(&symbols);
	ebcc_hash_deinit(&events);
}

static bool has_member(const char *type, const char *member)
{
	return ebcc_kernel_btf_has_member(btf, ebcc_kernel_btf_find(btf, type, BTF_KIND_STRUCT),
					  member);
}

static bool has_function(const char *name)
{
	return ebcc_hash_find_string(functions.count ? &functions : &symbols, name);
}

/* Whether the kernel has the replacement: "STRUCT.MEMBER", "MEMBER" of the row's struct,
 * "CATEGORY:EVENT", "FUNCTION()", or a plain name of the row's kind. */
static bool has_new(const struct ebcc_rename *row)
{
	const char *dot = strchr(row->now, '.'), *end = strstr(row->now, "()");
	char name[128];

	if (strchr(row->now, ':'))
		return ebcc_hash_find_string(&events, row->now);
	snprintf(name, sizeof(name), "%.*s",
		 (int)(dot   ? dot - row->now
		       : end ? end - row->now
			     : (long)strlen(row->now)),
		 row->now);
	if (dot)
		return has_member(name, dot + 1);
	if (row->kind == EBCC_RENAMED_MEMBER)
		return has_member(row->scope, name);
	if (row->kind == EBCC_RENAMED_TYPE)
		return ebcc_kernel_btf_find(btf, name, BTF_KIND_STRUCT);
	return has_function(name);
}

static bool has_old(const struct ebcc_rename *row)
{
	char event[128];

	if (row->kind == EBCC_RENAMED_MEMBER)
		return has_member(row->scope, row->name);
	if (row->kind == EBCC_RENAMED_TYPE)
		return ebcc_kernel_btf_find(btf, row->name, BTF_KIND_STRUCT);
	if (row->kind == EBCC_RENAMED_FUNCTION)
		return has_function(row->name);
	snprintf(event, sizeof(event), "%s:%s", row->scope, row->name);
	return ebcc_hash_find_string(&events, event);
}

/* Whether this kernel was built with the feature that the row is about. */
static bool is_built(const struct ebcc_rename *row)
{
	if (row->kind == EBCC_RENAMED_MEMBER)
		return ebcc_kernel_btf_find(btf, row->scope, BTF_KIND_STRUCT);
	return row->kind == EBCC_RENAMED_TYPE || *root;
}

START_TEST(rows_are_true_of_the_kernel)
{
	const struct ebcc_rename *row;

	for (size_t i = 0; (row = ebcc_rename_at(i)); i++) {
		if (version < row->since || (row->until && version >= row->until) || !is_built(row))
			continue;
		ck_assert_msg(!has_old(row), "%s is still there", row->name);
		ck_assert_msg(!row->now || has_new(row), "%s is missing", row->now);
	}
}
END_TEST

/* Whether this row says when the name disappeared; later ones have newer replacements. */
static bool is_first(const struct ebcc_rename *row)
{
	const struct ebcc_rename *other;

	for (size_t i = 0; (other = ebcc_rename_at(i)); i++)
		if (other->kind == row->kind && other->since < row->since &&
		    !strcmp(other->name, row->name) &&
		    !strcmp(other->scope ? other->scope : "", row->scope ? row->scope : ""))
			return false;
	return true;
}

/* A kernel older than the change must have the old name, or the row is wrong. Most do: some names
 * are younger than an old kernel, functions may be inlined and events left out. */
START_TEST(rows_have_their_version)
{
	unsigned older = 0, found = 0;
	const struct ebcc_rename *row;

	for (size_t i = 0; (row = ebcc_rename_at(i)); i++) {
		if (version >= row->since || !is_first(row) || !is_built(row))
			continue;
		older++;
		found += has_old(row);
	}
	ck_assert_msg(found * 4 >= older * 3, "%u of %u names are missing", older - found, older);
}
END_TEST

START_TEST(explanations)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ck_assert(ebcc_rename_explain(EBCC_RENAMED_MEMBER, "task_struct", "state", "6.1.0-50-amd64",
				      &text));
	ck_assert_str_eq(ebcc_buf_string(&text), "since Linux 5.14 it is __state");
	ebcc_buf_clear(&text);
	ck_assert(!ebcc_rename_explain(EBCC_RENAMED_MEMBER, "data", "state", "6.1.0", &text));
	ck_assert(!ebcc_rename_explain(EBCC_RENAMED_FUNCTION, NULL, "state", "6.1.0", &text));
	ck_assert(ebcc_rename_explain(EBCC_RENAMED_FUNCTION, NULL, "kfree_skb", "6.1.0", &text));
	ck_assert_str_eq(ebcc_buf_string(&text), "since Linux 5.17 it is kfree_skb_reason");
	ebcc_buf_clear(&text);
	ck_assert(ebcc_rename_explain(EBCC_RENAMED_FUNCTION, NULL, "kfree_skb", NULL, &text));
	ck_assert_str_eq(ebcc_buf_string(&text), "since Linux 6.11 it is sk_skb_reason_drop");
	ebcc_buf_clear(&text);
	ck_assert(ebcc_rename_explain(EBCC_RENAMED_MEMBER, "file", "f_version", "6.12.3", &text));
	ck_assert_str_eq(ebcc_buf_string(&text),
			 "since Linux 6.12 it no longer exists, and nothing replaces it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("renames");
	TCase *tests = tcase_create("renames");
	SRunner *runner;
	int failed;

	/* Once for all tests: reading the kernel's symbols is slow in an emulated machine. */
	tcase_add_unchecked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, rows_are_true_of_the_kernel);
	tcase_add_test(tests, rows_have_their_version);
	tcase_add_test(tests, explanations);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
