// SPDX-License-Identifier: Apache-2.0
/*
 * One program on many kernel functions, against a stand-in for the kernel: this test has its own
 * call that creates links, which refuses addresses as told and records what each link holds. Names
 * and addresses are those of the running kernel.
 */
#include "load/link.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "kernel/features.h"
#include "kernel/ksyms.h"
#include "kernel/multi_link.h"

#define FUNCTIONS 40
#define LINKS 256

static struct ebcc_module module;
static struct ebcc_program program;
static char **names;
static size_t name_count;
static int variant = 1000000; /* its descriptor: borrowed, so never closed */
static uint64_t addresses[FUNCTIONS];

/* Links, as the kernel would have them. */
static struct {
	int fd;
	uint32_t count;
	bool on_return;
	uint64_t addresses[FUNCTIONS];
	uint64_t cookies[FUNCTIONS]; /* 0: none */
} links[LINKS];
static size_t link_count, single_count;
static uint64_t refused[4];
static uint64_t single_cookies[FUNCTIONS]; /* of single probes, by the number of the name */
static const char *unprobable;		   /* the name of a function at which no probe can be set */
static int link_errno;			   /* with which creating any link fails, or 0 */

static bool is_refused(uint64_t address)
{
	for (size_t i = 0; i < 4; i++)
		if (refused[i] && refused[i] == address)
			return true;
	return false;
}

int __wrap_ebcc_kprobe_multi_link(int program_fd, const struct ebcc_kprobe_multi_request *request)
{
	ck_assert_int_eq(program_fd, variant);
	ck_assert_int_eq(request->attach_type, BPF_TRACE_KPROBE_MULTI);
	ck_assert_uint_le(request->count, FUNCTIONS);
	errno = link_errno;
	if (link_errno)
		return -1;
	for (uint32_t i = 0; i < request->count; i++) {
		if (!is_refused(request->addresses[i]))
			continue;
		errno = EINVAL;
		return -1;
	}
	ck_assert_uint_lt(link_count, LINKS);
	links[link_count].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* The descriptor of a closed link is reused. */
	for (size_t i = 0; i < link_count; i++)
		if (links[i].fd == links[link_count].fd)
			links[i].count = 0;
	links[link_count].count = request->count;
	links[link_count].on_return = request->on_return;
	memcpy(links[link_count].addresses, request->addresses, request->count * sizeof(uint64_t));
	memset(links[link_count].cookies, 0, sizeof(links[link_count].cookies));
	if (request->cookies)
		memcpy(links[link_count].cookies, request->cookies,
		       request->count * sizeof(uint64_t));
	return links[link_count++].fd;
}

struct ebcc_error *__wrap_ebcc_program_load_variant(struct ebcc_program *of, unsigned type,
						    int attach_type, int *ret_fd)
{
	ck_assert_uint_eq(type, BPF_PROG_TYPE_KPROBE);
	ck_assert_int_eq(attach_type, BPF_TRACE_KPROBE_MULTI);
	*ret_fd = variant;
	return NULL;
}

static struct ebcc_error *detach_single(struct ebcc_link *link)
{
	single_count--;
	close(link->fd);
	return NULL;
}

struct ebcc_error *__wrap_ebcc_program_attach_kprobe(struct ebcc_program *of,
						     const struct ebcc_kprobe_opts *opts,
						     struct ebcc_link **ret)
{
	if (unprobable && !strcmp(opts->function, unprobable))
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "no %s", opts->function);
	TRY(ebcc_link_create(of, sizeof(**ret), detach_single, ret, "kprobe:%s", opts->function));
	(*ret)->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	single_count++;
	for (size_t i = 0; i < name_count; i++)
		if (!strcmp(opts->function, names[i]))
			single_cookies[i] = opts->cookie;
	return NULL;
}

static bool collect(void *ctx, const struct ebcc_ksyms_line *line)
{
	for (size_t i = 0; i < name_count; i++)
		if (ebcc_ksyms_is_function(line->type) && !strcmp(line->name, names[i]))
			addresses[i] = line->address;
	return true;
}

static void setup(void)
{
	struct ebcc_error *error;

	module.owner = getpid();
	program.module = &module;
	program.fd = -1;
	program.name = (char *)"count";
	error = ebcc_kernel_find_functions("vfs_", NULL, &names, &name_count);
	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	ck_assert_uint_ge(name_count, 16);
	name_count = 16;
	error = ebcc_ksyms_walk(collect, NULL);
	ck_assert_ptr_null(error);
	for (size_t i = 0; i < name_count; i++)
		ck_assert_msg(addresses[i], "%s has no address: are you root?", names[i]);
	ebcc_feature_override(EBCC_FEATURE_KPROBE_MULTI, true);
	ebcc_feature_override(EBCC_FEATURE_PERF_LINK, true);
	ebcc_feature_override(EBCC_FEATURE_COOKIE, true);
	memset(refused, 0, sizeof(refused));
	unprobable = NULL;
	link_errno = 0;
	link_count = single_count = 0;
	memset(single_cookies, 0, sizeof(single_cookies));
}

static void teardown(void)
{
	ck_assert_ptr_null(module.links);
	for (size_t i = 0; i < link_count; i++)
		ck_assert_int_eq(fcntl(links[i].fd, F_GETFD), -1);
	ck_assert_uint_eq(single_count, 0);
	free(names);
}

static struct ebcc_link *attach(size_t count)
{
	struct ebcc_link *link = NULL;
	struct ebcc_error *error = ebcc_program_attach_kprobe_multi(
		&program, (const char *const *)names, count, NULL, &link);

	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	return link;
}

static bool is_attached(struct ebcc_link *link, const char *name)
{
	const char *function;

	for (size_t i = 0; (function = ebcc_link_function_at(link, i)); i++)
		if (!strcmp(function, name))
			return true;
	return false;
}

static size_t attached_count(struct ebcc_link *link)
{
	return ebcc_link_function_count(link);
}

static bool open_link_has(uint64_t address)
{
	for (size_t i = 0; i < link_count; i++) {
		if (fcntl(links[i].fd, F_GETFD) < 0)
			continue;
		for (uint32_t j = 0; j < links[i].count; j++)
			if (links[i].addresses[j] == address)
				return true;
	}
	return false;
}

START_TEST(one_link_holds_all)
{
	struct ebcc_link *link = attach(16);

	ck_assert_uint_eq(link_count, 1);
	ck_assert_uint_eq(links[0].count, 16);
	ck_assert(!links[0].on_return);
	ck_assert_uint_eq(attached_count(link), 16);
	for (size_t i = 0; i < 16; i++)
		ck_assert(is_attached(link, names[i]) && open_link_has(addresses[i]));
	ck_assert_int_eq(ebcc_link_fd(link), links[0].fd);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(return_probes_say_so)
{
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts), .on_return = true};
	struct ebcc_link *link;

	ck_assert_ptr_null(ebcc_program_attach_kprobe_multi(&program, (const char *const *)names, 2,
							    &opts, &link));
	ck_assert(links[0].on_return);
	ck_assert(!strncmp(ebcc_link_name(link), "kretprobe.multi:2", 17));
	ebcc_link_destroy(link);
}
END_TEST

/* The cookie that an open link has for an address; 0 if no link has the address. */
static uint64_t open_cookie(uint64_t address)
{
	for (size_t i = 0; i < link_count; i++) {
		if (fcntl(links[i].fd, F_GETFD) < 0)
			continue;
		for (uint32_t j = 0; j < links[i].count; j++)
			if (links[i].addresses[j] == address)
				return links[i].cookies[j];
	}
	return 0;
}

/* Each function keeps its cookie: among names without an address, which are moved to the end, by a
 * probe of its own, and when the link is made again. */
START_TEST(cookies_stay_with_their_functions)
{
	const char *functions[18] = {"no_such_function"};
	uint64_t cookies[18] = {999};
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts), .cookies = cookies};
	struct ebcc_link *link;

	for (size_t i = 0; i < 16; i++) {
		functions[i + 1] = names[i];
		cookies[i + 1] = UINT64_MAX - i;
	}
	/* What is given twice has the first cookie. */
	functions[17] = names[2];
	cookies[17] = 555;
	unprobable = "no_such_function";
	refused[0] = addresses[9];
	ck_assert_ptr_null(ebcc_program_attach_kprobe_multi(&program, functions, 18, &opts, &link));
	ck_assert_uint_eq(attached_count(link), 16);
	ck_assert_uint_eq(single_count, 1);
	for (size_t i = 0; i < 16; i++) {
		ck_assert_uint_eq(open_cookie(addresses[i]), i == 9 ? 0 : UINT64_MAX - i);
		ck_assert_uint_eq(single_cookies[i], i == 9 ? UINT64_MAX - 9 : 0);
	}
	ck_assert_ptr_null(ebcc_link_detach_function(link, names[0]));
	ck_assert_ptr_null(ebcc_link_detach_function(link, names[5]));
	for (size_t i = 0; i < 16; i++)
		ck_assert_uint_eq(open_cookie(addresses[i]),
				  i == 0 || i == 5 || i == 9 ? 0 : UINT64_MAX - i);
	ebcc_link_destroy(link);
}
END_TEST

/* Without cookies in the kernel nothing is attached, not even functions whose cookie is 0. */
START_TEST(kernels_without_cookies_refuse_them)
{
	uint64_t cookies[4] = {0, 0, 7, 0};
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts), .cookies = cookies};
	struct ebcc_link *link = NULL;
	struct ebcc_error *error;

	ebcc_feature_override(EBCC_FEATURE_KPROBE_MULTI, false);
	ebcc_feature_override(EBCC_FEATURE_COOKIE, false);
	error = ebcc_program_attach_kprobe_multi(&program, (const char *const *)names, 4, &opts,
						 &link);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "no attach cookies"));
	ebcc_error_destroy(error);
	ck_assert_ptr_null(link);
	ck_assert_uint_eq(single_count, 0);
	cookies[2] = 0;
	ck_assert_ptr_null(ebcc_program_attach_kprobe_multi(&program, (const char *const *)names, 4,
							    &opts, &link));
	ck_assert_uint_eq(single_count, 4);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(refused_functions_do_not_fail_the_others)
{
	struct ebcc_link *link;

	refused[0] = addresses[3];
	refused[1] = addresses[11];
	unprobable = names[11];
	link = attach(16);
	/* One gets a probe of its own, the other can't be probed. */
	ck_assert_uint_eq(single_count, 1);
	ck_assert_uint_eq(attached_count(link), 15);
	ck_assert(is_attached(link, names[3]) && !is_attached(link, names[11]));
	for (size_t i = 0; i < 16; i++)
		ck_assert_int_eq(open_link_has(addresses[i]), i != 3 && i != 11);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(detaching_one)
{
	struct ebcc_link *link = attach(16);
	struct ebcc_error *error;

	ck_assert_ptr_null(ebcc_link_detach_function(link, names[5]));
	ck_assert_uint_eq(attached_count(link), 15);
	for (size_t i = 0; i < 16; i++)
		ck_assert_int_eq(open_link_has(addresses[i]), i != 5);
	error = ebcc_link_detach_function(link, names[5]);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NOT_FOUND);
	ebcc_error_destroy(error);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(detaching_all_in_turn)
{
	struct ebcc_link *link;

	refused[0] = addresses[0];
	link = attach(8);
	for (size_t i = 0; i < 8; i++) {
		ck_assert_ptr_null(ebcc_link_detach_function(link, names[i]));
		ck_assert_uint_eq(attached_count(link), 7 - i);
		ck_assert_int_eq(ebcc_link_fd(link) >= 0, i < 7);
		ck_assert(!open_link_has(addresses[i]));
	}
	ck_assert_uint_eq(single_count, 0);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(link_that_cannot_be_made_again)
{
	struct ebcc_link *link = attach(8);
	struct ebcc_error *error;

	link_errno = EBUSY;
	error = ebcc_link_detach_function(link, names[2]);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_ATTACH);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "7 functions"));
	ebcc_error_destroy(error);
	/* The list contains only what is attached. */
	ck_assert_uint_eq(attached_count(link), 0);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(older_kernels_get_single_probes)
{
	struct ebcc_link *link;

	ebcc_feature_override(EBCC_FEATURE_KPROBE_MULTI, false);
	link = attach(16);
	ck_assert_uint_eq(link_count, 0);
	ck_assert_uint_eq(single_count, 16);
	ck_assert_ptr_null(ebcc_link_detach_function(link, names[0]));
	ck_assert_uint_eq(single_count, 15);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(module_destroys_the_link_before_its_parts)
{
	ebcc_feature_override(EBCC_FEATURE_KPROBE_MULTI, false);
	attach(4);
	/* Like ebcc_module_destroy(). */
	while (module.links)
		ebcc_link_destroy(module.links);
	ck_assert_uint_eq(single_count, 0);
}
END_TEST

START_TEST(names_without_an_address_are_tried_singly)
{
	const char *functions[] = {names[0], "no_such_function", names[1], names[0]};
	struct ebcc_link *link;

	unprobable = "no_such_function";
	ck_assert_ptr_null(ebcc_program_attach_kprobe_multi(&program, functions, 4, NULL, &link));
	ck_assert_uint_eq(link_count, 1);
	ck_assert_uint_eq(links[0].count, 2);
	ck_assert(!is_attached(link, "no_such_function"));
	/* A function that is given twice is attached to once. */
	ck_assert_uint_eq(attached_count(link), 2);
	ck_assert_uint_eq(single_count, 0);
	ebcc_link_destroy(link);
}
END_TEST

START_TEST(nothing_attached_is_an_error)
{
	const char *function = "no_such_function";
	struct ebcc_link *link = NULL;
	struct ebcc_error *error;

	unprobable = function;
	error = ebcc_program_attach_kprobe_multi(&program, &function, 1, NULL, &link);
	ck_assert_ptr_nonnull(error);
	ck_assert_str_eq(ebcc_error_message(error), "no no_such_function");
	ebcc_error_destroy(error);
	error = ebcc_program_attach_kprobe_multi(&program, NULL, 0, NULL, &link);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_INVALID_ARGUMENT);
	ebcc_error_destroy(error);
	ck_assert_ptr_null(link);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kprobe_multi");
	TCase *tcase = tcase_create("kprobe_multi");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_link_holds_all);
	tcase_add_test(tcase, return_probes_say_so);
	tcase_add_test(tcase, cookies_stay_with_their_functions);
	tcase_add_test(tcase, kernels_without_cookies_refuse_them);
	tcase_add_test(tcase, refused_functions_do_not_fail_the_others);
	tcase_add_test(tcase, detaching_one);
	tcase_add_test(tcase, detaching_all_in_turn);
	tcase_add_test(tcase, link_that_cannot_be_made_again);
	tcase_add_test(tcase, older_kernels_get_single_probes);
	tcase_add_test(tcase, module_destroys_the_link_before_its_parts);
	tcase_add_test(tcase, names_without_an_address_are_tried_singly);
	tcase_add_test(tcase, nothing_attached_is_an_error);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
