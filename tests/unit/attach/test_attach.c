// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching, on the running kernel: small BPF programs, written as instructions and loaded by the
 * test, count what happens in this process into a map, and the counts must be exact. Programs
 * recognize this process by its command name, which the test makes unique.
 */
#include "attach/perf_link.h"

#include <bpf/bpf.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/bpf.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/kprobe_events.h"
#include "base/cpus.h"
#include "base/hash.h"
#include "error_checks.h"
#include "kernel/features.h"
#include "kernel/ksyms.h"
#include "kernel/multi_link.h"
#include "kernel/probeable.h"
#include "kernel/tracefs.h"

static struct ebcc_module module;
static struct ebcc_program program;
/* The program as it is loaded for links of many places; the library would load it from an object.
 */
static struct ebcc_program_variant variant = {.attach_type = EBCC_UPROBE_MULTI, .fd = -1};
static int map;

/* ---- A program that counts ---- */

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

/* Adds one to the only element of the map if the first 8 bytes of the command name are ours. */
static int load_counter(enum bpf_prog_type type, int attach_type)
{
	char command[16] = "";
	int halves[2];
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log),
		    .log_level = 1, .expected_attach_type = (enum bpf_attach_type)attach_type);
	int fd;

	prctl(PR_GET_NAME, command);
	memcpy(halves, command, sizeof(halves));
	struct bpf_insn code[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -16),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 16),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_comm),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 1, 10, -16, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 10, -12, 0),
		INSN(BPF_ALU | BPF_MOV | BPF_K, 3, 0, 0, halves[0]),
		INSN(BPF_ALU | BPF_MOV | BPF_K, 4, 0, 0, halves[1]),
		INSN(BPF_JMP | BPF_JNE | BPF_X, 1, 3, 10, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_X, 2, 4, 9, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	fd = bpf_prog_load(type, "counter", "GPL", code, sizeof(code) / sizeof(code[0]), &opts);
	ck_assert_msg(fd >= 0, "%s: %s", strerror(errno), log);
	return fd;
}

static void use_variant(int fd)
{
	if (variant.fd >= 0)
		close(variant.fd);
	variant.fd = fd;
	program.variants = &variant;
	program.variant_count = 1;
}

static void use_counter(enum bpf_prog_type type)
{
	program.fd = load_counter(type, 0);
	program.type = type;
	if (type == BPF_PROG_TYPE_KPROBE)
		use_variant(load_counter(type, variant.attach_type));
}

static uint64_t count(void)
{
	uint64_t value = 0;
	uint32_t key = 0;

	ck_assert_int_eq(bpf_map_lookup_elem(map, &key, &value), 0);
	return value;
}

static void reset_count(void)
{
	uint64_t value = 0;
	uint32_t key = 0;

	ck_assert_int_eq(bpf_map_update_elem(map, &key, &value, 0), 0);
}

static void setup(void)
{
	char command[16];

	snprintf(command, sizeof(command), "%08x", (unsigned)getpid());
	ck_assert_int_eq(prctl(PR_SET_NAME, command), 0);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "count", 4, 8, 1, NULL);
	ck_assert_int_ge(map, 0);
	module = (struct ebcc_module){.owner = getpid()};
	program = (struct ebcc_program){.module = &module, .name = "counter", .fd = -1};
}

static void teardown(void)
{
	while (module.links)
		ebcc_link_destroy(module.links);
	if (program.fd >= 0)
		close(program.fd);
	if (variant.fd >= 0)
		close(variant.fd);
	variant.fd = -1;
	close(map);
}

static void call_getpgid(int times)
{
	for (int i = 0; i < times; i++)
		syscall(SYS_getpgid, 0);
}

/* Uses this much processor time, no matter how long that takes on a busy machine. */
static void spin(double seconds)
{
	struct timespec start, now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec - start.tv_sec + (now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
}

/*
 * Uses the processor until the program has counted so many events, however few of them an emulated
 * machine on a busy host gives. 30 seconds of processor time are too many for a program that is
 * attached.
 */
static void spin_until_counted(uint64_t events)
{
	for (int i = 0; i < 3000 && count() < events; i++)
		spin(0.01);
	ck_assert_uint_ge(count(), events);
}

/* ---- Tracepoints ---- */

static void check_tracepoint(void)
{
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_TRACEPOINT);
	ck_assert_ok(ebcc_program_attach_tracepoint(&program, "syscalls", "sys_enter_getpgid", NULL,
						    &link));
	ck_assert_str_eq(ebcc_link_name(link), "tracepoint:syscalls:sys_enter_getpgid");
	ck_assert_int_ge(ebcc_link_fd(link), 0);
	call_getpgid(1234);
	ck_assert_uint_eq(count(), 1234);
	ebcc_link_destroy(link);
	call_getpgid(10);
	ck_assert_uint_eq(count(), 1234);
	ck_assert_ptr_null(module.links);
}

START_TEST(tracepoint_counts_exactly)
{
	check_tracepoint();
}
END_TEST

START_TEST(tracepoint_counts_exactly_without_bpf_links)
{
	ebcc_feature_override(EBCC_FEATURE_PERF_LINK, false);
	check_tracepoint();
}
END_TEST

START_TEST(links_go_in_any_order)
{
	struct ebcc_program programs[3];
	struct ebcc_link *links[3], *again = NULL;

	for (int i = 0; i < 3; i++) {
		use_counter(BPF_PROG_TYPE_TRACEPOINT);
		programs[i] = program;
		ck_assert_ok(ebcc_program_attach_tracepoint(&programs[i], "syscalls",
							    "sys_enter_getpgid", NULL, &links[i]));
	}
	assert_fails(ebcc_program_attach_tracepoint(&programs[0], "syscalls", "sys_enter_getpgid",
						    NULL, &again),
		     EBCC_ERROR_ATTACH, "already attached to this event");
	call_getpgid(10);
	ck_assert_uint_eq(count(), 30);
	ebcc_link_destroy(links[1]);
	call_getpgid(10);
	ck_assert_uint_eq(count(), 50);
	ebcc_link_destroy(links[0]);
	ebcc_link_destroy(links[2]);
	call_getpgid(10);
	ck_assert_uint_eq(count(), 50);
	ck_assert_ptr_null(module.links);
}
END_TEST

START_TEST(missing_tracepoint_names_near_ones)
{
	struct ebcc_link *link = NULL;

	use_counter(BPF_PROG_TYPE_TRACEPOINT);
	assert_fails(ebcc_program_attach_tracepoint(&program, "syscalls", "sys_enter_getpigd", NULL,
						    &link),
		     EBCC_ERROR_NOT_FOUND, "syscalls:sys_enter_getpgid");
	assert_fails(ebcc_program_attach_tracepoint(&program, "sched", "sched_swich", NULL, &link),
		     EBCC_ERROR_NOT_FOUND,
		     "no tracepoint sched:sched_swich; did you mean sched:sched_switch");
	assert_fails(ebcc_program_attach_tracepoint(&program, "../events/sched", "sched_switch",
						    NULL, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "CATEGORY:EVENT");
	ck_assert_ptr_null(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

START_TEST(raw_tracepoint_counts)
{
	struct ebcc_link *link;
	uint64_t counted;

	use_counter(BPF_PROG_TYPE_RAW_TRACEPOINT);
	ck_assert_ok(ebcc_program_attach_raw_tracepoint(&program, "sys_enter", NULL, &link));
	ck_assert_str_eq(ebcc_link_name(link), "raw_tracepoint:sys_enter");
	reset_count();
	call_getpgid(1000);
	counted = count();
	/* All system calls of this process: these, those of Check, and the read of the map. */
	ck_assert_uint_ge(counted, 1001);
	ck_assert_uint_lt(counted, 1010);
	ebcc_link_destroy(link);
	reset_count();
	call_getpgid(10);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(missing_raw_tracepoint_names_near_ones)
{
	struct ebcc_link *link = NULL;

	use_counter(BPF_PROG_TYPE_RAW_TRACEPOINT);
	assert_fails(ebcc_program_attach_raw_tracepoint(&program, "sched_swtich", NULL, &link),
		     EBCC_ERROR_NOT_FOUND,
		     "no raw tracepoint sched_swtich; did you mean sched_switch");
	ck_assert_ptr_null(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

/* ---- User probes ---- */

#define OWN_BINARY "/proc/self/exe"

/* Without counters for coverage, whose instructions the kernel can't step over. */
__attribute__((noinline, noclone, no_profile_instrument_function)) int probed_function(int x);
int probed_function(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

__attribute__((noinline, noclone, no_profile_instrument_function)) int other_function(int x);
int other_function(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x * 2;
}

/* By how much the addresses in this process are above those in the file. */
static uint64_t load_bias(void)
{
	extern const char __ehdr_start[];

	return (uint64_t)(uintptr_t)__ehdr_start;
}

static void call_probed(int times)
{
	for (int i = 0; i < times; i++)
		ck_assert_int_eq(probed_function(i), i + 1);
}

static void check_uprobe(struct ebcc_uprobe_opts opts, const char *name_end)
{
	char path[4096];
	ssize_t size = readlink(OWN_BINARY, path, sizeof(path) - 1);
	struct ebcc_link *link;
	const char *name;

	path[size] = '\0';
	opts.sz = sizeof(opts);
	opts.binary = path;
	ck_assert_ok(ebcc_program_attach_uprobe(&program, &opts, &link));
	name = ebcc_link_name(link);
	ck_assert_msg(strlen(name) > strlen(name_end) &&
			      !strcmp(name + strlen(name) - strlen(name_end), name_end),
		      "%s does not end in %s", name, name_end);
	reset_count();
	call_probed(321);
	ck_assert_uint_eq(count(), 321);
	ebcc_link_destroy(link);
	call_probed(5);
	ck_assert_uint_eq(count(), 321);
}

START_TEST(uprobe_counts_exactly)
{
	char address[32];

	use_counter(BPF_PROG_TYPE_KPROBE);
	snprintf(address, sizeof(address), ":0x%llx",
		 (unsigned long long)((uint64_t)(uintptr_t)probed_function - load_bias()));
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function"}, ":probed_function");
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function", .on_return = true},
		     ":probed_function");
	check_uprobe((struct ebcc_uprobe_opts){.address = (uint64_t)(uintptr_t)probed_function -
							  load_bias()},
		     address);
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function", .pid = getpid()},
		     ":probed_function");
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function", .pid = -1},
		     ":probed_function");
}
END_TEST

START_TEST(uprobe_counts_exactly_by_an_event)
{
	ebcc_feature_override(EBCC_FEATURE_UPROBE_MULTI, false);
	use_counter(BPF_PROG_TYPE_KPROBE);
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function"}, ":probed_function");
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function", .on_return = true},
		     ":probed_function");
}
END_TEST

START_TEST(uprobe_counts_exactly_without_bpf_links)
{
	ebcc_feature_override(EBCC_FEATURE_UPROBE_MULTI, false);
	ebcc_feature_override(EBCC_FEATURE_PERF_LINK, false);
	use_counter(BPF_PROG_TYPE_KPROBE);
	check_uprobe((struct ebcc_uprobe_opts){.symbol = "probed_function"}, ":probed_function");
}
END_TEST

START_TEST(uprobe_of_a_pid_counts_no_other)
{
	struct ebcc_uprobe_opts opts = {
		.sz = sizeof(opts), .binary = OWN_BINARY, .symbol = "probed_function"};
	struct ebcc_link *link;
	int gate[2], status;
	pid_t child;
	char c;

	use_counter(BPF_PROG_TYPE_KPROBE);
	ck_assert_int_eq(pipe(gate), 0);
	child = fork();
	if (!child) {
		close(gate[1]);
		if (read(gate[0], &c, 1) != 1)
			_exit(1);
		for (int i = 0; i < 77; i++)
			probed_function(i);
		_exit(0);
	}
	close(gate[0]);
	opts.pid = child;
	ck_assert_ok(ebcc_program_attach_uprobe(&program, &opts, &link));
	call_probed(100);
	ck_assert_uint_eq(count(), 0);
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(count(), 77);
	close(gate[1]);
}
END_TEST

START_TEST(uprobe_in_a_library_by_its_name)
{
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts), .binary = "c", .symbol = "getpgid"};
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_KPROBE);
	ck_assert_ok(ebcc_program_attach_uprobe(&program, &opts, &link));
	reset_count();
	for (int i = 0; i < 50; i++)
		ck_assert_int_gt(getpgid(0), 0);
	ck_assert_uint_eq(count(), 50);
}
END_TEST

/* The semaphore of a USDT probe: above 0 while a tracer is attached. */
static volatile uint16_t semaphore __attribute__((section(".probes")));

/* The offset in the file of what is at this address of the running program. */
static uint64_t file_offset(const volatile void *place)
{
	uint64_t address = (uint64_t)(uintptr_t)place - load_bias();
	const ElfW(Ehdr) *header = (const void *)(uintptr_t)load_bias();
	const ElfW(Phdr) *segment = (const void *)(uintptr_t)(load_bias() + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++, segment++)
		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	ck_abort_msg("no segment has address 0x%llx", (unsigned long long)address);
	return 0;
}

START_TEST(uprobe_counts_references)
{
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts),
					.binary = OWN_BINARY,
					.symbol = "probed_function",
					.semaphore_offset = file_offset(&semaphore)};
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_KPROBE);
	ck_assert_uint_eq(semaphore, 0);
	ck_assert_ok(ebcc_program_attach_uprobe(&program, &opts, &link));
	ck_assert_uint_eq(semaphore, 1);
	call_probed(9);
	ck_assert_uint_eq(count(), 9);
	ebcc_link_destroy(link);
	ck_assert_uint_eq(semaphore, 0);
}
END_TEST

/* Loads a program that writes its attach cookie to the only element of the map. */
static int load_cookie_reader(enum bpf_prog_type type, int attach_type)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)attach_type);
	struct bpf_insn code[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_attach_cookie),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 0, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 6, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(type, "cookie", "GPL", code, sizeof(code) / sizeof(code[0]), &opts);
}

static void use_cookie_reader(enum bpf_prog_type type)
{
	if (program.fd >= 0)
		close(program.fd);
	program.fd = load_cookie_reader(type, 0);
	program.type = type;
	ck_assert_int_ge(program.fd, 0);
	if (type == BPF_PROG_TYPE_KPROBE)
		use_variant(load_cookie_reader(type, variant.attach_type));
}

START_TEST(tracepoint_cookies)
{
	struct ebcc_tracepoint_opts opts = {.sz = sizeof(opts), .cookie = 0x1122334455667788};
	struct ebcc_link *link = NULL;

	if (ebcc_feature(EBCC_FEATURE_COOKIE)) {
		use_cookie_reader(BPF_PROG_TYPE_TRACEPOINT);
		ck_assert_ok(ebcc_program_attach_tracepoint(&program, "syscalls",
							    "sys_enter_getpgid", &opts, &link));
		call_getpgid(1);
		ck_assert_uint_eq(count(), opts.cookie);
		ebcc_link_destroy(link);
	}
	opts.sz = 1;
	assert_fails(ebcc_program_attach_tracepoint(&program, "syscalls", "sys_enter_getpgid",
						    &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "ebcc_tracepoint_opts.sz is not set");
}
END_TEST

/* On kernels before 6.10 the program isn't loaded, as raw tracepoints have no such helper. */
START_TEST(raw_tracepoint_cookies)
{
	struct ebcc_raw_tracepoint_opts opts = {.sz = sizeof(opts), .cookie = 7};
	struct ebcc_link *link = NULL;

	program.fd = load_cookie_reader(BPF_PROG_TYPE_RAW_TRACEPOINT, 0);
	if (program.fd >= 0) {
		program.type = BPF_PROG_TYPE_RAW_TRACEPOINT;
		ck_assert_ok(
			ebcc_program_attach_raw_tracepoint(&program, "sys_enter", &opts, &link));
		call_getpgid(1);
		ck_assert_uint_eq(count(), 7);
		ebcc_link_destroy(link);
		return;
	}
	use_counter(BPF_PROG_TYPE_RAW_TRACEPOINT);
	assert_fails(ebcc_program_attach_raw_tracepoint(&program, "sys_enter", &opts, &link),
		     EBCC_ERROR_UNSUPPORTED, "Linux 6.10");
}
END_TEST

START_TEST(perf_event_cookies)
{
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts),
					    .type = PERF_TYPE_SOFTWARE,
					    .config = PERF_COUNT_SW_CPU_CLOCK,
					    .sample_freq = 500,
					    .cookie = 9};
	struct ebcc_link *link;

	if (!ebcc_feature(EBCC_FEATURE_COOKIE))
		return;
	use_cookie_reader(BPF_PROG_TYPE_PERF_EVENT);
	ck_assert_ok(ebcc_program_attach_perf_event(&program, &opts, &link));
	spin_until_counted(9);
	ck_assert_uint_eq(count(), 9);
	ebcc_link_destroy(link);
}
END_TEST

/* A link that was detached is there still, and is not detached again. */
START_TEST(links_are_detached_and_destroyed)
{
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_TRACEPOINT);
	ck_assert_ok(ebcc_program_attach_tracepoint(&program, "syscalls", "sys_enter_getpgid", NULL,
						    &link));
	ck_assert_ok(ebcc_link_detach(link));
	call_getpgid(10);
	ck_assert_uint_eq(count(), 0);
	ck_assert_int_eq(ebcc_link_fd(link), -1);
	ck_assert_str_eq(ebcc_link_name(link), "tracepoint:syscalls:sys_enter_getpgid");
	ck_assert_ok(ebcc_link_detach(link));
	ebcc_link_destroy(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

static struct ebcc_error *detach_badly(struct ebcc_link *link)
{
	(void)link;
	return ebcc_error_create(EBCC_ERROR_ATTACH, "stuck");
}

START_TEST(failures_to_detach_are_told)
{
	struct ebcc_link *link;

	ck_assert_ok(ebcc_link_create(&program, sizeof(*link), detach_badly, &link, "probe:x"));
	assert_fails(ebcc_link_detach(link), EBCC_ERROR_ATTACH, "probe:x: stuck");
	ck_assert_ok(ebcc_link_detach(link));
	ebcc_link_destroy(link);
	ck_assert_ok(ebcc_link_create(&program, sizeof(*link), detach_badly, &link, "probe:y"));
	ebcc_link_destroy(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

START_TEST(uprobe_cookies)
{
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts),
					.binary = OWN_BINARY,
					.symbol = "probed_function",
					.pid = getpid(),
					.cookie = 0x1122334455667788};
	struct ebcc_link *link = NULL;

	if (ebcc_feature(EBCC_FEATURE_COOKIE)) {
		use_cookie_reader(BPF_PROG_TYPE_KPROBE);
		ck_assert_ok(ebcc_program_attach_uprobe(&program, &opts, &link));
		call_probed(1);
		ck_assert_uint_eq(count(), opts.cookie);
		ebcc_link_destroy(link);
	} else {
		use_counter(BPF_PROG_TYPE_KPROBE);
	}
	ebcc_feature_override(EBCC_FEATURE_COOKIE, false);
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_UNSUPPORTED,
		     "no attach cookies");
	ck_assert_ptr_null(module.links);
}
END_TEST

/* Many places, by one link or one by one: an address that is given twice counts once, one outside
 * the code is left out, and each place has its name and cookie. */
static void check_many_places(bool on_return)
{
	uint64_t inside = (uint64_t)(uintptr_t)probed_function - load_bias();
	uint64_t other = (uint64_t)(uintptr_t)other_function - load_bias();
	const uint64_t addresses[] = {inside, 1ull << 46, inside, other};
	const uint64_t cookies[] = {1000, 1, 2, 3000};
	const char *const names[] = {"first", "nowhere", "again", NULL};
	struct ebcc_uprobe_multi_opts opts = {.sz = sizeof(opts),
					      .on_return = on_return,
					      .pid = getpid(),
					      .names = names,
					      .cookies = cookies};
	struct ebcc_link *link = NULL;

	use_cookie_reader(BPF_PROG_TYPE_KPROBE);
	ck_assert_ok(
		ebcc_program_attach_uprobe_multi(&program, OWN_BINARY, addresses, 4, &opts, &link));
	ck_assert_uint_eq(ebcc_link_function_count(link), 2);
	ck_assert_str_eq(ebcc_link_function_at(link, 0), "first");
	ck_assert_uint_eq(strtoull(ebcc_link_function_at(link, 1), NULL, 0), other);
	ck_assert_ptr_nonnull(
		strstr(ebcc_link_name(link), on_return ? "uretprobe.multi:/" : "uprobe.multi:/"));
	call_probed(1);
	ck_assert_uint_eq(count(), 1000);
	ck_assert_int_eq(other_function(4), 8);
	ck_assert_uint_eq(count(), 3000);
	ck_assert_ok(ebcc_link_detach_function(link, "first"));
	call_probed(1);
	ck_assert_uint_eq(count(), 3000);
	reset_count();
	ck_assert_int_eq(other_function(5), 10);
	ck_assert_uint_eq(count(), 3000);
	ck_assert_ok(ebcc_links_detach(&link, 1));
	reset_count();
	ck_assert_int_eq(other_function(6), 12);
	ck_assert_uint_eq(count(), 0);
	ebcc_link_destroy(link);
}

START_TEST(uprobes_at_many_places)
{
	if (!ebcc_feature(EBCC_FEATURE_COOKIE))
		return;
	check_many_places(false);
	check_many_places(true);
	ebcc_feature_override(EBCC_FEATURE_UPROBE_MULTI, false);
	check_many_places(false);
	check_many_places(true);
}
END_TEST

START_TEST(uprobes_at_many_places_say_what_fails)
{
	struct ebcc_uprobe_multi_opts opts = {.sz = sizeof(opts), .session = true};
	const uint64_t outside = 1ull << 46;
	struct ebcc_link *link = NULL;

	use_counter(BPF_PROG_TYPE_KPROBE);
	assert_fails(
		ebcc_program_attach_uprobe_multi(&program, OWN_BINARY, &outside, 1, NULL, &link),
		EBCC_ERROR_NOT_FOUND, "in no executable segment");
	assert_fails(
		ebcc_program_attach_uprobe_multi(&program, OWN_BINARY, &outside, 0, NULL, &link),
		EBCC_ERROR_INVALID_ARGUMENT, "no addresses");
	assert_fails(ebcc_program_attach_uprobe_multi(&program, "", &outside, 1, NULL, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "need a binary");
	ebcc_feature_override(EBCC_FEATURE_UPROBE_SESSION, false);
	assert_fails(
		ebcc_program_attach_uprobe_multi(&program, OWN_BINARY, &outside, 1, &opts, &link),
		EBCC_ERROR_UNSUPPORTED, "6.13, and later can");
	opts.on_return = true;
	assert_fails(
		ebcc_program_attach_uprobe_multi(&program, OWN_BINARY, &outside, 1, &opts, &link),
		EBCC_ERROR_INVALID_ARGUMENT, "on_return can't be set");
}
END_TEST

START_TEST(uprobe_failures_say_why)
{
	struct ebcc_uprobe_opts opts = {
		.sz = sizeof(opts), .binary = OWN_BINARY, .symbol = "probed_fucntion"};
	struct ebcc_link *link = NULL;
	pid_t child;

	use_counter(BPF_PROG_TYPE_KPROBE);
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "has no function probed_fucntion; did you mean probed_function?");
	opts.symbol = NULL;
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "needs a symbol or an address");
	opts.address = 1ull << 46;
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "in no executable segment");
	opts.binary = "/nowhere/at/all";
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "/nowhere/at/all");
	opts.binary = "nosuchlibrary";
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "no library and no program in PATH is named nosuchlibrary");
	opts.binary = "/dev/null";
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_FORMAT,
		     "/dev/null is not a regular file");
	opts.binary = "/etc/passwd";
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_FORMAT,
		     "not an ELF file");
	opts.binary = NULL;
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "needs a binary");
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	opts.binary = OWN_BINARY;
	opts.symbol = "probed_function";
	opts.pid = child;
	assert_fails(ebcc_program_attach_uprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "there is no process");
	ck_assert_ptr_null(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

/* ---- Perf events ---- */

START_TEST(perf_event_samples)
{
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts),
					    .type = PERF_TYPE_SOFTWARE,
					    .config = PERF_COUNT_SW_CPU_CLOCK,
					    .sample_freq = 500};
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_PERF_EVENT);
	ck_assert_ok(ebcc_program_attach_perf_event(&program, &opts, &link));
	spin(0.4);
	ck_assert_uint_lt(count(), 400);
	spin_until_counted(20);
	ebcc_link_destroy(link);
	reset_count();
	spin(0.05);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* A process and the CPUs can be chosen; zeroes choose nothing. */
START_TEST(perf_event_of_a_process_and_cpus)
{
	int cpus[] = {0, -1};
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts),
					    .type = PERF_TYPE_SOFTWARE,
					    .config = PERF_COUNT_SW_CPU_CLOCK,
					    .sample_freq = 500,
					    .pid = getppid()};
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_PERF_EVENT);
	ck_assert_ok(ebcc_program_attach_perf_event(&program, &opts, &link));
	spin(0.1);
	ck_assert_uint_lt(count(), 10);
	ebcc_link_destroy(link);
	reset_count();
	opts.pid = getpid();
	ck_assert_ok(ebcc_program_attach_perf_event(&program, &opts, &link));
	spin_until_counted(20);
	ebcc_link_destroy(link);
	opts.cpus = cpus;
	opts.cpu_count = 1;
	ck_assert_ok(ebcc_program_attach_perf_event(&program, &opts, &link));
	ebcc_link_destroy(link);
	opts.cpu_count = 2;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "-1 is not the number of a CPU");
	opts.cpus = NULL;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "but cpus is NULL");
}
END_TEST

START_TEST(perf_event_with_a_whole_attr)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_TASK_CLOCK,
				       .size = sizeof(attr),
				       .sample_period = 1000000};
	struct ebcc_perf_event_opts opts = {
		.sz = sizeof(opts), .pid = getpid(), .attr = &attr, .attr_size = sizeof(attr)};
	struct ebcc_link *link;

	use_counter(BPF_PROG_TYPE_PERF_EVENT);
	ck_assert_ok(ebcc_program_attach_perf_event(&program, &opts, &link));
	spin_until_counted(20);
	opts.attr_size = 12;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "attr_size");
}
END_TEST

START_TEST(perf_event_failures_say_why)
{
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts), .type = PERF_TYPE_SOFTWARE};
	struct ebcc_link *link = NULL;
	int missing = 5000;

	use_counter(BPF_PROG_TYPE_PERF_EVENT);
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "neither sample_period nor sample_freq");
	opts.sample_freq = opts.sample_period = 99;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "both sample_period and sample_freq");
	opts.sample_period = 0;
	opts.sample_freq = 1u << 30;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "perf_event_max_sample_rate");
	opts.sample_freq = 99;
	opts.type = 12345;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link), EBCC_ERROR_UNSUPPORTED,
		     "no perf event of type 12345");
	opts.type = PERF_TYPE_SOFTWARE;
	opts.cpus = &missing;
	opts.cpu_count = 1;
	assert_fails(ebcc_program_attach_perf_event(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "CPU 5000 does not exist");
	ck_assert_ptr_null(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

START_TEST(cpu_lists)
{
	static const int expected[] = {0, 1, 2, 5, 8, 9};
	AUTO_FREE int *cpus = NULL;
	size_t cpu_count = 0;

	ck_assert_ok(ebcc_parse_cpus("0-2,5,8-9", &cpus, &cpu_count));
	ck_assert_uint_eq(cpu_count, 6);
	ck_assert_mem_eq(cpus, expected, sizeof(expected));
	assert_fails(ebcc_parse_cpus("", &cpus, &cpu_count), EBCC_ERROR_FORMAT, "empty");
	assert_fails(ebcc_parse_cpus("3-1", &cpus, &cpu_count), EBCC_ERROR_FORMAT, "3-1");
	assert_fails(ebcc_parse_cpus("0-99999999999", &cpus, &cpu_count), EBCC_ERROR_FORMAT, "0-9");
	assert_fails(ebcc_parse_cpus("0-", &cpus, &cpu_count), EBCC_ERROR_FORMAT, "0-");
	assert_fails(ebcc_parse_cpus("x", &cpus, &cpu_count), EBCC_ERROR_FORMAT, "x");
}
END_TEST

/* ---- By name, and after a fork ---- */

START_TEST(named_programs_attach_themselves)
{
	struct ebcc_program named[] = {
		{.module = &module, .name = "tracepoint__syscalls__sys_enter_getpgid"},
		{.module = &module, .name = "tracepoint__raw_syscalls__sys_exit"},
		{.module = &module, .name = "raw_tracepoint__sched_process_fork"},
		{.module = &module, .name = "syscall__getpgid"},
		{.module = &module, .name = "on_event"},
	};
	static const char *const sections[] = {"tracepoint/syscalls/sys_enter_getpgid",
					       "tracepoint/raw_syscalls/sys_exit",
					       "raw_tp/sched_process_fork", "kprobe", "kprobe"};
	struct ebcc_program *programs[] = {&named[0], &named[1], &named[2], &named[3], &named[4]};
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT};
	size_t link_count = 0;

	for (int i = 0; i < 3; i++) {
		named[i].fd = load_counter(types[i], 0);
		named[i].type = types[i];
	}
	for (int i = 0; i < 5; i++)
		ebcc_attach_target_init(&named[i].target, sections[i]);
	named[3].fd = named[4].fd = -1;
	module.programs = programs;
	module.program_count = 5;
	ck_assert_ok(ebcc_module_attach_named(&module));
	for (struct ebcc_link *link = module.links; link; link = link->next)
		link_count++;
	ck_assert_uint_eq(link_count, 3);
	ck_assert_str_eq(module.links->name, "raw_tracepoint:sched_process_fork");
	ck_assert_str_eq(module.links->next->name, "tracepoint:raw_syscalls:sys_exit");
	while (module.links)
		ebcc_link_destroy(module.links);

	named[2].name = "tracepoint__sched__sched_swich";
	ebcc_attach_target_init(&named[2].target, "tracepoint/sched/sched_swich");
	assert_fails(ebcc_module_attach_named(&module), EBCC_ERROR_NOT_FOUND,
		     "program tracepoint__sched__sched_swich: no tracepoint sched:sched_swich");
	ck_assert_ptr_null(module.links);
	for (int i = 0; i < 3; i++)
		close(named[i].fd);
}
END_TEST

START_TEST(a_forked_child_detaches_nothing)
{
	struct ebcc_link *link;
	pid_t child;
	int status;

	use_counter(BPF_PROG_TYPE_TRACEPOINT);
	ck_assert_ok(ebcc_program_attach_tracepoint(&program, "syscalls", "sys_enter_getpgid", NULL,
						    &link));
	child = fork();
	if (!child) {
		ebcc_link_destroy(link);
		_exit(module.links ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	call_getpgid(20);
	ck_assert_uint_eq(count(), 20);
}
END_TEST

START_TEST(options_without_size_are_refused)
{
	struct ebcc_kprobe_opts opts = {.function = "vfs_read"};
	struct ebcc_link *link;

	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "ebcc_kprobe_opts.sz");
}
END_TEST

START_TEST(unknown_flags_are_refused)
{
	struct ebcc_xdp_opts xdp = {.sz = sizeof(xdp), .flags = 0x102};
	struct ebcc_descriptor_opts descriptor = {.sz = sizeof(descriptor), .flags = 0x10002};
	struct ebcc_link *link = NULL;

	use_counter(BPF_PROG_TYPE_TRACEPOINT);
	assert_fails(ebcc_program_attach_xdp(&program, "lo", &xdp, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "ebcc_xdp_opts.flags has bits");
	assert_fails(ebcc_program_attach_xdp(&program, "lo", &xdp, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x100");
	assert_fails(ebcc_device_remove_xdp("lo", 0x20), EBCC_ERROR_INVALID_ARGUMENT,
		     "does not know: 0x20");
	assert_fails(ebcc_program_attach_descriptor(&program, 0, BPF_CGROUP_INET_INGRESS,
						    &descriptor, &link),
		     EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x10000");
	ck_assert_ptr_null(link);
	ck_assert_ptr_null(module.links);
}
END_TEST

/* ---- Kernel probes, if the kernel has them ---- */

static bool has_kprobes(void)
{
	uint64_t return_bit;
	uint32_t type;

	return ebcc_perf_source("kprobe", &type, &return_bit);
}

/* The number of lines of kprobe_events that contain @part. */
static size_t kprobe_events_with(const char *part)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	const char *tracefs, *at;
	char path[4096];
	size_t found = 0;

	ck_assert_ok(ebcc_tracefs_find(&tracefs));
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs);
	ck_assert_ok(ebcc_buf_read_file(&text, path, 1u << 20));
	for (at = ebcc_buf_string(&text); (at = strstr(at, part)); at += strlen(part))
		found++;
	return found;
}

static void check_kprobe(struct ebcc_kprobe_opts opts, const char *name)
{
	struct ebcc_link *link;

	opts.sz = sizeof(opts);
	ck_assert_ok(ebcc_program_attach_kprobe(&program, &opts, &link));
	ck_assert_str_eq(ebcc_link_name(link), name);
	reset_count();
	call_getpgid(100);
	ck_assert_uint_eq(count(), 100);
	ebcc_link_destroy(link);
	call_getpgid(10);
	ck_assert_uint_eq(count(), 100);
}

START_TEST(kprobe_counts_exactly)
{
	char function[64], name[128];

	snprintf(function, sizeof(function), "%sgetpgid", ebcc_kernel_syscall_prefix());
	use_counter(BPF_PROG_TYPE_KPROBE);
	snprintf(name, sizeof(name), "kprobe:%s", function);
	check_kprobe((struct ebcc_kprobe_opts){.function = function}, name);
	snprintf(name, sizeof(name), "kretprobe:%s", function);
	check_kprobe((struct ebcc_kprobe_opts){.function = function, .on_return = true}, name);
	check_kprobe((struct ebcc_kprobe_opts){.function = function,
					       .on_return = true,
					       .max_active = 50},
		     name);
	ck_assert_uint_eq(kprobe_events_with("ebcc_"), 0);
}
END_TEST

START_TEST(kprobe_cookies)
{
	char function[64];
	struct ebcc_kprobe_opts opts = {
		.sz = sizeof(opts), .function = function, .cookie = 0x1122334455667788};
	struct ebcc_link *link = NULL;

	snprintf(function, sizeof(function), "%sgetpgid", ebcc_kernel_syscall_prefix());
	for (int on_return = 0; on_return < 2 && ebcc_feature(EBCC_FEATURE_COOKIE); on_return++) {
		use_cookie_reader(BPF_PROG_TYPE_KPROBE);
		opts.on_return = on_return;
		opts.cookie++;
		ck_assert_ok(ebcc_program_attach_kprobe(&program, &opts, &link));
		call_getpgid(1);
		ck_assert_uint_eq(count(), opts.cookie);
		ebcc_link_destroy(link);
	}
	ebcc_feature_override(EBCC_FEATURE_COOKIE, false);
	if (program.fd < 0)
		use_counter(BPF_PROG_TYPE_KPROBE);
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_UNSUPPORTED,
		     "no attach cookies");
	ck_assert_ptr_null(module.links);
}
END_TEST

START_TEST(kprobe_failures_say_why)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .function = "vfs_raed"};
	struct ebcc_link *link = NULL;

	use_counter(BPF_PROG_TYPE_KPROBE);
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "vfs_read");
	opts.on_return = true;
	opts.max_active = 8;
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "vfs_read");
	opts.on_return = false;
	opts.max_active = 0;
	opts.function = "nosuchmodule:vfs_read";
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_NOT_FOUND,
		     "nosuchmodule");
	opts.function = "vfs_read";
	opts.offset = 1;
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_ATTACH,
		     "offset 0x1");
	opts.offset = 0;
	opts.function = "get_kprobe";
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_ATTACH,
		     "blacklist");
	ck_assert_ptr_null(link);
	ck_assert_uint_eq(kprobe_events_with("ebcc_"), 0);
}
END_TEST

struct function_choice {
	const struct ebcc_hash *traceable;
	struct ebcc_hash *seen;
	char module_function[256], ambiguous[256];
};

/* Chooses a traceable function of a module, and a traceable name of two functions. */
static bool choose_functions(void *ctx, const struct ebcc_ksyms_line *line)
{
	struct function_choice *choice = ctx;

	if (!ebcc_ksyms_is_function(line->type) || !strcmp(line->module, "bpf") ||
	    !ebcc_hash_find_string(choice->traceable, line->name))
		return true;
	if (*line->module && !*choice->module_function)
		snprintf(choice->module_function, sizeof(choice->module_function), "%s:%s",
			 line->module, line->name);
	if (!*line->module && !*choice->ambiguous &&
	    ++*ebcc_hash_insert_string(choice->seen, line->name) > 1)
		snprintf(choice->ambiguous, sizeof(choice->ambiguous), "%s", line->name);
	return !*choice->module_function || !*choice->ambiguous;
}

START_TEST(kprobe_in_modules_and_of_ambiguous_names)
{
	AUTO_HASH struct ebcc_hash traceable = {0}, seen = {0};
	struct function_choice choice = {.traceable = &traceable, .seen = &seen};
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .function = choice.module_function};
	struct ebcc_error *error;
	struct ebcc_link *link;
	bool known;

	use_counter(BPF_PROG_TYPE_KPROBE);
	ck_assert_ok(ebcc_read_traceable_functions(&traceable, &known));
	ck_assert(known);
	ck_assert_ok(ebcc_ksyms_walk(choose_functions, &choice));
	ck_assert_str_ne(choice.module_function, "");
	ck_assert_str_ne(choice.ambiguous, "");
	ck_assert_ok(ebcc_program_attach_kprobe(&program, &opts, &link));
	ebcc_link_destroy(link);
	/* Kernels before 6.7 use the first function of that name. */
	opts.function = choice.ambiguous;
	error = ebcc_program_attach_kprobe(&program, &opts, &link);
	if (error)
		assert_fails(error, EBCC_ERROR_ATTACH, "is ambiguous: there are");
}
END_TEST

START_TEST(kprobe_events_of_killed_tracers_are_swept)
{
	struct ebcc_kprobe_opts opts = {
		.sz = sizeof(opts), .function = "vfs_read", .on_return = true, .max_active = 8};
	struct ebcc_link *link;
	int ready[2];
	pid_t child;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (!child) {
		module.owner = getpid();
		use_counter(BPF_PROG_TYPE_KPROBE);
		ck_assert_ok(ebcc_program_attach_kprobe(&program, &opts, &link));
		ck_assert_int_eq(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ebcc_kprobe_events_sweep();
	ck_assert_uint_eq(kprobe_events_with("ebcc_"), 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ck_assert_uint_eq(kprobe_events_with("ebcc_"), 1);
	ebcc_kprobe_events_sweep();
	ck_assert_uint_eq(kprobe_events_with("ebcc_"), 0);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(without_kprobes_the_reason_is_said)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .function = "vfs_read"};
	struct ebcc_link *link = NULL;

	use_counter(BPF_PROG_TYPE_TRACEPOINT);
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_UNSUPPORTED,
		     "this kernel has no kprobes");
	opts.on_return = true;
	opts.max_active = 8;
	program.type = BPF_PROG_TYPE_KPROBE;
	assert_fails(ebcc_program_attach_kprobe(&program, &opts, &link), EBCC_ERROR_UNSUPPORTED,
		     "this kernel has no kprobes");
	ck_assert_ptr_null(module.links);
}
END_TEST

static Suite *attach_suite(void)
{
	Suite *suite = suite_create("attach");
	TCase *events = tcase_create("events"), *kprobes = tcase_create("kprobes");

	tcase_add_checked_fixture(events, setup, teardown);
	tcase_set_timeout(events, 60);
	tcase_add_test(events, tracepoint_counts_exactly);
	tcase_add_test(events, tracepoint_cookies);
	tcase_add_test(events, raw_tracepoint_cookies);
	tcase_add_test(events, perf_event_cookies);
	tcase_add_test(events, links_are_detached_and_destroyed);
	tcase_add_test(events, failures_to_detach_are_told);
	tcase_add_test(events, tracepoint_counts_exactly_without_bpf_links);
	tcase_add_test(events, links_go_in_any_order);
	tcase_add_test(events, missing_tracepoint_names_near_ones);
	tcase_add_test(events, raw_tracepoint_counts);
	tcase_add_test(events, missing_raw_tracepoint_names_near_ones);
	tcase_add_test(events, uprobe_counts_exactly);
	tcase_add_test(events, uprobe_counts_exactly_by_an_event);
	tcase_add_test(events, uprobe_counts_exactly_without_bpf_links);
	tcase_add_test(events, uprobes_at_many_places);
	tcase_add_test(events, uprobes_at_many_places_say_what_fails);
	tcase_add_test(events, uprobe_of_a_pid_counts_no_other);
	tcase_add_test(events, uprobe_in_a_library_by_its_name);
	tcase_add_test(events, uprobe_counts_references);
	tcase_add_test(events, uprobe_cookies);
	tcase_add_test(events, uprobe_failures_say_why);
	tcase_add_test(events, perf_event_samples);
	tcase_add_test(events, perf_event_of_a_process_and_cpus);
	tcase_add_test(events, perf_event_with_a_whole_attr);
	tcase_add_test(events, perf_event_failures_say_why);
	tcase_add_test(events, cpu_lists);
	tcase_add_test(events, named_programs_attach_themselves);
	tcase_add_test(events, a_forked_child_detaches_nothing);
	tcase_add_test(events, options_without_size_are_refused);
	tcase_add_test(events, unknown_flags_are_refused);
	suite_add_tcase(suite, events);

	tcase_add_checked_fixture(kprobes, setup, teardown);
	tcase_set_timeout(kprobes, 120);
	if (has_kprobes()) {
		tcase_add_test(kprobes, kprobe_counts_exactly);
		tcase_add_test(kprobes, kprobe_cookies);
		tcase_add_test(kprobes, kprobe_failures_say_why);
		tcase_add_test(kprobes, kprobe_in_modules_and_of_ambiguous_names);
		tcase_add_test(kprobes, kprobe_events_of_killed_tracers_are_swept);
	} else {
		printf("SKIPPED: kprobe tests: this kernel has no perf event source \"kprobe\"\n");
		tcase_add_test(kprobes, without_kprobes_the_reason_is_said);
	}
	suite_add_tcase(suite, kprobes);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(attach_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
