// SPDX-License-Identifier: Apache-2.0
/* Loading: maps under their names, programs one by one, constants, rejections, messages. */
#include "load/runtime_fixture.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "elf/bpf_object.h"
#include "kernel/features.h"
#include "load/object.h"
#include "load/program.h"
#include "load/value.h"

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* libbpf does not relocate addresses in data, so programs would read 0. */
START_TEST(test_addresses_in_data)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .any_kernel = true};
	struct ebcc_module *module;
	size_t size;
	char *bytes;

	read_object(RUNTIME_ADDRESSES_OBJECT, &bytes, &size);
	check_error(ebcc_module_create_from_object(bytes, size, &opts, &module),
		    EBCC_ERROR_UNSUPPORTED, "(section .rodata) are initialized with addresses");
	free(bytes);
}
END_TEST

/* Objects with more than 65,279 sections have their number, and that of the section with their
 * names, in the first section header. Any object may. */
START_TEST(test_addresses_in_data_of_an_object_with_extended_numbers)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .any_kernel = true};
	struct ebcc_module *module;
	Elf64_Shdr first;
	Elf64_Ehdr elf;
	size_t size;
	char *bytes;

	read_object(RUNTIME_ADDRESSES_OBJECT, &bytes, &size);
	memcpy(&elf, bytes, sizeof(elf));
	memcpy(&first, bytes + elf.e_shoff, sizeof(first));
	first.sh_size = elf.e_shnum;
	first.sh_link = elf.e_shstrndx;
	elf.e_shnum = 0;
	elf.e_shstrndx = SHN_XINDEX;
	memcpy(bytes, &elf, sizeof(elf));
	memcpy(bytes + elf.e_shoff, &first, sizeof(first));
	ck_assert_str_eq(ebcc_elf_relocated_data(bytes, size), ".rodata");
	check_error(ebcc_module_create_from_object(bytes, size, &opts, &module),
		    EBCC_ERROR_UNSUPPORTED, "(section .rodata) are initialized with addresses");
	first.sh_size = UINT64_MAX;
	memcpy(bytes + elf.e_shoff, &first, sizeof(first));
	ck_assert_ptr_null(ebcc_elf_relocated_data(bytes, size));
	free(bytes);
}
END_TEST

START_TEST(test_constants_and_run)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct point {
		int x, y;
	} origin = {30, 12};
	uint32_t pid = (uint32_t)getpid();
	uint64_t count = 0;
	struct ebcc_table *counts;
	bool found;
	int fd;

	target_self(module);
	check_ok(ebcc_module_set_constant(module, "origin", &origin, sizeof(origin)));
	check_error(ebcc_module_set_constant(module, "origin", &origin, 4),
		    EBCC_ERROR_INVALID_ARGUMENT, "8 bytes, but 4 were given");
	check_error(ebcc_module_set_constant(module, "hits", &origin, 8), EBCC_ERROR_NOT_FOUND,
		    "not declared const volatile");
	check_error(ebcc_module_set_constant(module, "absent", &origin, 8), EBCC_ERROR_NOT_FOUND,
		    "no global variable 'absent'");
	fd = attach(module, "count");
	check_error(ebcc_module_set_constant(module, "origin", &origin, sizeof(origin)),
		    EBCC_ERROR_STATE, "before the module is loaded");
	trigger(17);
	close(fd);
	trigger(3);
	counts = find_table(module, "counts");
	check_ok(ebcc_table_lookup(counts, &pid, &count, &found));
	ck_assert(found);
	ck_assert_uint_eq(count, 17);
	/* .bss and .data are mapped from the maps. */
	ck_assert_uint_eq(first_variable(module, ".bss"), 17);
	ck_assert_uint_eq(first_variable(module, ".data"), 42);
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_globals)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct point {
		int x, y;
	} origin = {30, 12};
	uint64_t hits = 5;
	long sum = 0;
	size_t count = 0;
	int fd;

	/* Before load they are what the object says, and constants can be set, too. */
	check_ok(ebcc_module_write_global(module, "hits", &hits, sizeof(hits)));
	check_ok(ebcc_module_read_global(module, "origin", &origin, sizeof(origin)));
	ck_assert_int_eq(origin.x + origin.y, 7);
	origin.x = 10;
	check_ok(ebcc_module_write_global(module, "origin", &origin, sizeof(origin)));
	target_self(module);
	fd = attach(module, "count");
	trigger(3);
	check_ok(ebcc_module_read_global(module, "hits", &hits, sizeof(hits)));
	ck_assert_uint_eq(hits, 8);
	hits = 100;
	check_ok(ebcc_module_write_global(module, "hits", &hits, sizeof(hits)));
	trigger(2);
	close(fd);
	check_ok(ebcc_module_read_global(module, "hits", &hits, sizeof(hits)));
	ck_assert_uint_eq(hits, 102);
	check_ok(ebcc_module_read_global(
		module, "sum_of_origin", &sum,
		ebcc_type_size(ebcc_module_global_type(module, "sum_of_origin"))));
	ck_assert_int_eq(sum, 14);
	check_ok(ebcc_module_read_global(module, "origin", &origin, sizeof(origin)));
	ck_assert_int_eq(origin.x, 10);
	check_error(ebcc_module_write_global(module, "origin", &origin, sizeof(origin)),
		    EBCC_ERROR_STATE, "'origin' is const");
	check_error(ebcc_module_read_global(module, "hits", &hits, 4), EBCC_ERROR_INVALID_ARGUMENT,
		    "'hits' has 8 bytes, but 4 were given");
	check_error(ebcc_module_read_global(module, "hit", &hits, 8), EBCC_ERROR_NOT_FOUND,
		    "did you mean hits");
	while (ebcc_module_global_name_at(module, count)) {
		ck_assert(strncmp(ebcc_module_global_name_at(module, count), "__ebcc", 6) != 0);
		count++;
	}
	ck_assert_uint_ge(count, 5);
	ck_assert_uint_eq(count, ebcc_module_global_count(module));
	ebcc_module_destroy(module);
}
END_TEST

/* Constants are set by either of two functions, with the same effect. */
START_TEST(test_constants_by_either_function)
{
	struct ebcc_error *(*const set[])(struct ebcc_module *, const char *, const void *,
					  size_t) = {ebcc_module_set_constant,
						     ebcc_module_write_global};
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct point {
		int x, y;
	} origin = {30, 12}, got = {0};
	long sum = 0;
	int fd;

	target_self(module);
	check_ok(set[_i](module, "origin", &origin, sizeof(origin)));
	check_ok(ebcc_module_read_global(module, "origin", &got, sizeof(got)));
	ck_assert_int_eq(got.x * 100 + got.y, 3012);
	fd = attach(module, "count");
	trigger(1);
	close(fd);
	check_ok(ebcc_module_read_global(module, "sum_of_origin", &sum, sizeof(sum)));
	ck_assert_int_eq(sum, 42);
	check_error(set[_i](module, "origin", &origin, sizeof(origin)), EBCC_ERROR_STATE,
		    "before the module is loaded");
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_unknown_debug_bits)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .debug = 63, .any_kernel = true};
	struct ebcc_module *module;
	size_t size;
	char *bytes;

	read_object(RUNTIME_OBJECT, &bytes, &size);
	check_ok(ebcc_module_create_from_object(bytes, size, &opts, &module));
	ebcc_module_destroy(module);
	opts.debug = 64 | EBCC_DEBUG_BTF;
	check_error(ebcc_module_create_from_object(bytes, size, &opts, &module),
		    EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x40");
	opts.debug = 0x80000000;
	check_error(ebcc_module_create("", 0, &opts, &module), EBCC_ERROR_INVALID_ARGUMENT,
		    "ebcc_module_opts.debug has bits");
	check_error(ebcc_module_create_from_file("/nowhere", &opts, &module),
		    EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x80000000");
	free(bytes);
}
END_TEST

START_TEST(test_unknown_choices)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .compiler = 2};
	struct ebcc_module *module;

	check_error(ebcc_module_create("", 0, &opts, &module), EBCC_ERROR_INVALID_ARGUMENT,
		    "ebcc_module_opts.compiler is 2");
	opts.compiler = EBCC_COMPILER_IN_PROCESS;
	opts.kernel_types = 3;
	check_error(ebcc_module_create_from_file("/nowhere", &opts, &module),
		    EBCC_ERROR_INVALID_ARGUMENT, "ebcc_module_opts.kernel_types is 3");
}
END_TEST

START_TEST(test_test_run)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct ebcc_test_run_opts opts = {.sz = sizeof(opts)};
	uint64_t arguments[2] = {0};
	struct ebcc_program *program;
	char packet[20] = {0};

	target_self(module);
	check_ok(ebcc_module_find_program(module, "count", &program));
	check_error(ebcc_program_test_run(program, &opts), EBCC_ERROR_STATE,
		    "'count': it is not loaded");
	check_ok(ebcc_program_load(program, BPF_PROG_TYPE_RAW_TRACEPOINT, NULL));
	arguments[1] = SYS_getpgid;
	opts.ctx_in = arguments;
	opts.ctx_size_in = sizeof(arguments);
	check_ok(ebcc_program_test_run(program, &opts));
	ck_assert_int_eq(opts.retval, 0);
	opts.data_in = packet;
	opts.data_size_in = sizeof(packet);
	check_error(ebcc_program_test_run(program, &opts), EBCC_ERROR_INVALID_ARGUMENT,
		    "raw_tracepoint with these options: data of 20 bytes, a context of 16");
	opts.data_in = NULL;
	check_error(ebcc_program_test_run(program, &opts), EBCC_ERROR_INVALID_ARGUMENT,
		    "a size is given without its buffer");
	opts.data_size_in = 0;
	opts.flags = 1 | 0x80;
	check_error(ebcc_program_test_run(program, &opts), EBCC_ERROR_INVALID_ARGUMENT,
		    "does not know: 0x80");
	opts.sz = 0;
	check_error(ebcc_program_test_run(program, &opts), EBCC_ERROR_INVALID_ARGUMENT,
		    "ebcc_test_run_opts.sz is not set");
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_variable_types)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	const struct ebcc_type *type = ebcc_module_global_type(module, "origin");

	ck_assert_ptr_nonnull(type);
	ck_assert_int_eq(ebcc_type_kind(type), EBCC_TYPE_STRUCT);
	ck_assert_str_eq(ebcc_type_name(type), "point");
	ck_assert_str_eq(ebcc_type_name(ebcc_module_global_type(module, "target_pid")), "u32");
	ck_assert_ptr_null(ebcc_module_global_type(module, "__ebcc_event_events"));
	ck_assert_ptr_null(ebcc_module_global_type(module, "counts"));
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_programs_are_shared_state)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct ebcc_program *program;
	int first, second, variant = -1;
	size_t size;

	target_self(module);
	ck_assert_uint_eq(ebcc_module_program_count(module), 8);
	first = attach(module, "count");
	second = attach(module, "submit");
	trigger(5);
	close(first);
	close(second);
	ck_assert_uint_eq(first_variable(module, ".bss"), 10);
	check_ok(ebcc_module_find_program(module, "calls", &program));
	ck_assert_int_eq(ebcc_program_fd(program), -1);
	check_ok(ebcc_program_load(program, BPF_PROG_TYPE_RAW_TRACEPOINT, NULL));
	check_ok(ebcc_program_load(program, BPF_PROG_TYPE_RAW_TRACEPOINT, NULL));
	check_error(ebcc_program_load(program, BPF_PROG_TYPE_TRACEPOINT, NULL), EBCC_ERROR_STATE,
		    "already loaded as raw_tracepoint");
	check_error(ebcc_program_load_variant(program, BPF_PROG_TYPE_SOCKET_FILTER, 0, &variant),
		    EBCC_ERROR_STATE, "already loaded as raw_tracepoint");
	ck_assert_ptr_nonnull(ebcc_program_instructions(program, &size));
	ck_assert_uint_eq(size, 24);
	ebcc_module_destroy(module);
}
END_TEST

/* Programs for links of many places are loaded besides those for single ones, each once, in either
 * order. */
START_TEST(test_variants)
{
	for (int first = 0; first < 2; first++) {
		const int types[] = {first ? BPF_TRACE_KPROBE_MULTI : 0,
				     first ? 0 : BPF_TRACE_KPROBE_MULTI};
		struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
		struct ebcc_program *program;
		int fds[2], again[2];

		check_ok(ebcc_module_find_program(module, "calls", &program));
		for (int i = 0; i < 2; i++)
			check_ok(ebcc_program_load_variant(program, BPF_PROG_TYPE_KPROBE, types[i],
							   &fds[i]));
		ck_assert_int_eq(fds[0], ebcc_program_fd(program));
		ck_assert_int_ge(fds[1], 0);
		ck_assert_int_ne(fds[0], fds[1]);
		for (int i = 0; i < 2; i++) {
			check_ok(ebcc_program_load_variant(program, BPF_PROG_TYPE_KPROBE, types[i],
							   &again[i]));
			ck_assert_int_eq(fds[i], again[i]);
		}
		ebcc_module_destroy(module);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(fcntl(fds[i], F_GETFD), -1);
	}
}
END_TEST

START_TEST(test_not_found)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct ebcc_program *program;
	struct ebcc_table *table;

	check_error(ebcc_module_find_program(module, "cuont", &program), EBCC_ERROR_NOT_FOUND,
		    "count");
	check_error(ebcc_module_find_program(module, "helper", &program), EBCC_ERROR_NOT_FOUND,
		    "static");
	check_error(ebcc_module_find_table(module, "numbesr", &table), EBCC_ERROR_NOT_FOUND,
		    "numbers");
	ck_assert_ptr_null(ebcc_module_table_at(module, ebcc_module_table_count(module)));
	ebcc_module_destroy(module);
}
END_TEST

/* In the kernel, maps have the names from the source (the kernel keeps 15 characters). */
START_TEST(test_map_names)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	check_ok(ebcc_module_load(module));
	for (size_t i = 0; i < ebcc_module_table_count(module); i++) {
		struct ebcc_table *table = ebcc_module_table_at(module, i);

		memset(&info, 0, sizeof(info));
		ck_assert_int_eq(bpf_obj_get_info_by_fd(ebcc_table_fd(table), &info, &size), 0);
		ck_assert_str_eq(info.name, ebcc_table_name(table));
	}
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_pinned_and_inner)
{
	const char *path = "/sys/fs/bpf/ebcc_test_routes";
	struct ebcc_module *module, *again;
	struct ebcc_table *outer, *inner, *routes;
	unsigned char prefix[8] = {32, 0, 0, 0, 10, 0, 0, 1};
	uint32_t zero = 0, id = 0, value = 7;
	struct stat status;
	bool found;
	int fd;

	unlink(path);
	module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	routes = find_table(module, "routes");
	ck_assert_int_eq(stat(path, &status), 0);
	check_ok(ebcc_table_update(routes, prefix, &value, 0));
	outer = find_table(module, "outer");
	inner = find_table(module, "inner");
	fd = ebcc_table_fd(inner);
	check_ok(ebcc_table_update(outer, &zero, &fd, 0));
	check_ok(ebcc_table_lookup(outer, &zero, &id, &found));
	ck_assert(found && id != 0);

	again = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	value = 0;
	check_ok(ebcc_table_lookup(find_table(again, "routes"), prefix, &value, &found));
	ck_assert(found);
	ck_assert_uint_eq(value, 7);
	ebcc_module_destroy(again);
	ebcc_module_destroy(module);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(test_scopes)
{
	struct ebcc_module *first = create_module(RUNTIME_SCOPE_OBJECT, NULL, NULL, 0);
	struct ebcc_module *second, *early;
	uint32_t key = 1;
	uint64_t value = 99;
	bool found;

	early = create_module(RUNTIME_EXTERN_OBJECT, NULL, NULL, 0);
	check_error(ebcc_module_load(early), EBCC_ERROR_NOT_FOUND, "declared extern");
	check_error(ebcc_module_load(early), EBCC_ERROR_STATE, "create the module again");
	ebcc_module_destroy(early);

	check_ok(ebcc_table_update(find_table(first, "common"), &key, &value, 0));
	second = create_module(RUNTIME_EXTERN_OBJECT, NULL, NULL, 0);
	value = 0;
	check_ok(ebcc_table_lookup(find_table(second, "common"), &key, &value, &found));
	ck_assert(found);
	ck_assert_uint_eq(value, 99);
	/* The table outlives the module that published it, the name doesn't. */
	ebcc_module_destroy(first);
	check_ok(ebcc_table_lookup(find_table(second, "common"), &key, &value, &found));
	ck_assert(found);
	early = create_module(RUNTIME_EXTERN_OBJECT, NULL, NULL, 0);
	check_error(ebcc_module_load(early), EBCC_ERROR_NOT_FOUND, "declared extern");
	ebcc_module_destroy(early);
	ebcc_module_destroy(second);
}
END_TEST

static struct ebcc_error *load_by_name(struct ebcc_module *module, const char *name)
{
	struct ebcc_program *program;

	check_ok(ebcc_module_find_program(module, name, &program));
	return ebcc_program_load(program, BPF_PROG_TYPE_RAW_TRACEPOINT, NULL);
}

START_TEST(test_rejection)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct ebcc_error *error;
	const char *message;
	int fd;

	target_self(module);
	error = load_by_name(module, "unchecked");
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_LOAD);
	ck_assert_str_eq(ebcc_error_subject(error), "unchecked");
	message = ebcc_error_message(error);
	ck_assert_ptr_nonnull(strstr(message, "map_value_or_null"));
	ck_assert_ptr_nonnull(strstr(message, "runtime.bpf.c:"));
	ck_assert_ptr_nonnull(strstr(message, "*old += 1; /* the culprit */"));
	ck_assert_ptr_nonnull(strstr(message, "test its result for NULL"));
	ck_assert_ptr_nonnull(strstr(ebcc_error_details(error), "processed"));
	ck_assert_uint_lt(strlen(ebcc_error_details(error)), 8300);
	ebcc_error_destroy(error);
	check_error(load_by_name(module, "endless"), EBCC_ERROR_LOAD, "loop");
	/* The second pipeline ran once for the module. */
	ck_assert_int_eq(second_compiles, 1);
	/* A program that fails doesn't affect others. */
	fd = attach(module, "count");
	close(fd);
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_second_pipeline)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	uint32_t pid = (uint32_t)getpid();
	struct ebcc_program *program;
	uint64_t value = 0;
	bool found;
	int fd;

	second_object = RUNTIME_SECOND_OBJECT;
	target_self(module);
	fd = attach(module, "unchecked");
	trigger(4);
	close(fd);
	check_ok(ebcc_module_find_program(module, "unchecked", &program));
	ck_assert(program->second_pipeline);
	check_ok(ebcc_module_find_program(module, "count", &program));
	ck_assert(!program->second_pipeline);
	/* It saw the constants and wrote to the module's own map and variables. */
	check_ok(ebcc_table_lookup(find_table(module, "counts"), &pid, &value, &found));
	ck_assert(found);
	ck_assert_uint_eq(value, 4);
	ck_assert_uint_eq(first_variable(module, ".bss"), 4);
	second_object = NULL;
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_debug_texts)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL,
						   EBCC_DEBUG_BTF | EBCC_DEBUG_BPF_REGISTER_STATE);

	check_ok(load_by_name(module, "calls"));
	ck_assert_ptr_nonnull(strstr(module->debug_texts[5], "struct point {"));
	ck_assert_ptr_nonnull(strstr(module->debug_texts[4], "calls:"));
	ck_assert_ptr_nonnull(strstr(module->debug_texts[4], "R0"));
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_bad_objects)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .any_kernel = true};
	struct ebcc_module *broken;
	size_t size = module->object_size;

	for (size_t cut = 0; cut < size; cut += 97) {
		/* Of exactly this size, so that a sanitizer notices reads past the end. */
		char *bytes = malloc(cut + !cut);
		struct ebcc_error *error;

		memcpy(bytes, module->object_bytes, cut);
		error = ebcc_module_create_from_object(bytes, cut, &opts, &broken);
		ck_assert_ptr_nonnull(error);
		ebcc_error_destroy(error);
		free(bytes);
	}
	ebcc_module_destroy(module);
}
END_TEST

/* Sixty modules leave no descriptors open, whether or not they loaded. */
START_TEST(test_no_leaks)
{
	int before = 0;

	for (int i = 0; i < 60; i++) {
		struct ebcc_module *module;

		if (i == 1)
			before = open_fds();
		module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
		check_ok(load_by_name(module, "count"));
		ebcc_error_destroy(load_by_name(module, "unchecked"));
		ebcc_module_destroy(module);
	}
	ck_assert_int_eq(open_fds(), before);
	unlink("/sys/fs/bpf/ebcc_test_routes");
}
END_TEST

/* A program whose context the kernel's BTF describes. */
START_TEST(test_iterator)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);
	struct ebcc_program *program;
	char text[64];
	int link, iterator;

	check_ok(ebcc_module_find_program(module, "bpf_iter__bpf_map", &program));
	check_ok(ebcc_program_load(program, BPF_PROG_TYPE_TRACING, NULL));
	ck_assert_int_eq(program->attach_type, BPF_TRACE_ITER);
	link = bpf_link_create(ebcc_program_fd(program), 0, BPF_TRACE_ITER, NULL);
	ck_assert_int_ge(link, 0);
	iterator = bpf_iter_create(link);
	ck_assert_int_ge(iterator, 0);
	ck_assert_int_eq(read(iterator, text, sizeof(text)), 0);
	/* The module's own maps, at least, were visited. */
	ck_assert_uint_ge(first_variable(module, ".bss"), module->table_count);
	close(iterator);
	close(link);
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(test_no_privilege)
{
	struct ebcc_module *module = create_module(RUNTIME_OBJECT, NULL, NULL, 0);

	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	check_error(load_by_name(module, "count"), EBCC_ERROR_PERMISSION, "run as root");
	ebcc_module_destroy(module);
}
END_TEST

static int foreign_messages;

static int foreign_hook(enum libbpf_print_level level, const char *format, va_list args)
{
	foreign_messages++;
	return 0;
}

static void *foreign_thread(void *ctx)
{
	bpf_object__open_mem("not an object", 13, NULL);
	return NULL;
}

static void count_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	ck_assert_int_eq(level, EBCC_LOG_DEBUG);
	++*(int *)ctx;
}

START_TEST(test_log_routing)
{
	struct ebcc_log outer = {.fn = count_message, .ctx = &(int){0}};
	struct ebcc_log inner = {.fn = count_message, .ctx = &(int){0}};
	pthread_t thread;

	libbpf_set_print(foreign_hook);
	{
		LOG_SCOPE(&outer);

		foreign_thread(NULL);
		ck_assert_int_ge(*(int *)outer.ctx, 1);
		ck_assert_int_eq(foreign_messages, 0);
		{
			struct ebcc_log_scope scope;

			ebcc_log_scope_enter(&scope, &inner);
			*(int *)outer.ctx = 0;
			foreign_thread(NULL);
			ebcc_log_scope_leave(&scope);
		}
		ck_assert_int_eq(*(int *)outer.ctx, 0);
		ck_assert_int_ge(*(int *)inner.ctx, 1);
		pthread_create(&thread, NULL, foreign_thread, NULL);
		pthread_join(thread, NULL);
		ck_assert_int_ge(foreign_messages, 1);
	}
	foreign_messages = 0;
	foreign_thread(NULL);
	ck_assert_int_ge(foreign_messages, 1);
}
END_TEST

START_TEST(test_features)
{
	/* Every kernel that the tests run on (5.10 and later) has these. */
	ck_assert(ebcc_feature(EBCC_FEATURE_BATCH));
	ck_assert_uint_ge(ebcc_feature_cpu_version(), 3);
	/* A later feature implies the earlier ones, in the order in which the kernel got them. */
	if (ebcc_feature(EBCC_FEATURE_CPU_V4))
		ck_assert(ebcc_feature(EBCC_FEATURE_COOKIE));
	if (ebcc_feature(EBCC_FEATURE_COOKIE))
		ck_assert(ebcc_feature(EBCC_FEATURE_PERF_LINK));
	if (ebcc_feature(EBCC_FEATURE_PERF_LINK))
		ck_assert(ebcc_feature(EBCC_FEATURE_MEMCG_ACCOUNT));
	ebcc_feature_override(EBCC_FEATURE_BATCH, false);
	ck_assert(!ebcc_feature(EBCC_FEATURE_BATCH));
}
END_TEST

/* Objects from elsewhere in whose BTF a type contains itself: each of several types in turn. */
START_TEST(test_object_with_endless_types)
{
	AUTO_BUF struct ebcc_buf object = EBCC_BUF_INIT;
	unsigned refused = 0;
	size_t size, offset;
	const char *section;
	struct btf *btf;

	check_ok(ebcc_buf_read_file(&object, RUNTIME_OBJECT, 1 << 24));
	ck_assert(ebcc_elf_section(object.data, object.size, ".BTF", &section, &size));
	offset = (size_t)(section - object.data) + sizeof(struct btf_header);
	btf = btf__new(section, (uint32_t)size);
	ck_assert_ptr_nonnull(btf);
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		/* Types are stored one after the other, in the section as in memory. */
		char *place = object.data + offset +
			      ((const char *)type - (const char *)btf__type_by_id(btf, 1)) +
			      offsetof(struct btf_type, type);
		uint32_t kept;

		if (!btf_is_ptr(type) && !btf_is_mod(type) && !btf_is_typedef(type))
			continue;
		memcpy(&kept, place, sizeof(kept));
		ck_assert_uint_eq(kept, type->type);
		memcpy(place, &id, sizeof(id));
		check_error(ebcc_object_check(object.data, object.size), EBCC_ERROR_FORMAT,
			    "contains itself");
		memcpy(place, &kept, sizeof(kept));
		refused++;
	}
	ck_assert_uint_gt(refused, 5);
	btf__free(btf);
	check_ok(ebcc_object_check(object.data, object.size));
	check_ok(ebcc_object_check("no object", 9));
}
END_TEST

static TCase *case_load(void)
{
	TCase *tcase = tcase_create("load");

	tcase_add_test(tcase, test_addresses_in_data);
	tcase_add_test(tcase, test_addresses_in_data_of_an_object_with_extended_numbers);
	tcase_add_test(tcase, test_constants_and_run);
	tcase_add_test(tcase, test_globals);
	tcase_add_loop_test(tcase, test_constants_by_either_function, 0, 2);
	tcase_add_test(tcase, test_unknown_debug_bits);
	tcase_add_test(tcase, test_unknown_choices);
	tcase_add_test(tcase, test_test_run);
	tcase_add_test(tcase, test_variable_types);
	tcase_add_test(tcase, test_programs_are_shared_state);
	tcase_add_test(tcase, test_variants);
	tcase_add_test(tcase, test_not_found);
	tcase_add_test(tcase, test_object_with_endless_types);
	tcase_add_test(tcase, test_map_names);
	tcase_add_test(tcase, test_pinned_and_inner);
	tcase_add_test(tcase, test_scopes);
	tcase_add_test(tcase, test_rejection);
	tcase_add_test(tcase, test_second_pipeline);
	tcase_add_test(tcase, test_debug_texts);
	tcase_add_test(tcase, test_bad_objects);
	tcase_add_test(tcase, test_no_leaks);
	tcase_add_test(tcase, test_iterator);
	tcase_add_test(tcase, test_no_privilege);
	tcase_add_test(tcase, test_log_routing);
	tcase_add_test(tcase, test_features);
	return tcase;
}

int main(void)
{
	TCase *(*const cases[])(void) = {case_load};

	return run_suite(cases, 1, "load");
}
