// SPDX-License-Identifier: Apache-2.0
#include "verdict.h"

#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "load/module.h"
#include "report.h"

/* Longer names move the columns of their line. */
#define NAME_WIDTH 60

struct verdict {
	const char *name;
	const char *type;    /* "kprobe"; NULL: unknown */
	const char *section; /* of the object */
	size_t instructions; /* as compiled */
	struct ebcc_verifier_statistics statistics;
	uint32_t translated, jited; /* bytes; 0: the kernel doesn't say */
	bool second_pipeline;
	struct ebcc_error *error; /* NULL: accepted */
};

static void ask_kernel(int fd, struct verdict *ret)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	ret->translated = info.xlated_prog_len;
	ret->jited = info.jited_prog_len;
	if (!ret->statistics.processed)
		ret->statistics.processed = info.verified_insns;
}

static struct verdict judge(struct ebcc_program *program)
{
	enum bpf_prog_type type = program->section_type;
	struct verdict verdict = {
		.name = program->name,
		.type = type ? libbpf_bpf_prog_type_str(type) : NULL,
		.section = program->target.section,
	};

	if (!type) {
		verdict.error = ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"it was not loaded: neither its name nor its context says what kind of "
			"program it is");
		return verdict;
	}
	verdict.error = ebcc_program_load(program, type, NULL);
	verdict.instructions = program->instructions_size / sizeof(struct bpf_insn);
	verdict.second_pipeline = program->second_pipeline;
	verdict.statistics = program->statistics;
	if (!verdict.error)
		ask_kernel(program->fd, &verdict);
	return verdict;
}

/* ---- As text ---- */

/* Appends a number, or a dash for one that isn't known. */
static void put_number(uint64_t number, int width)
{
	if (number)
		printf(" %*llu", width, (unsigned long long)number);
	else
		printf(" %*s", width, "-");
}

/* How wide the column of names is. */
static int name_width(const struct ebcc_module *module)
{
	size_t width = strlen("PROGRAM");

	for (size_t i = 0; i < ebcc_module_program_count(module); i++) {
		size_t length = strlen(ebcc_program_name(ebcc_module_program_at(module, i)));

		width = length > width && length <= NAME_WIDTH ? length : width;
	}
	return (int)width;
}

static void print_head(int width)
{
	printf("%-*s %-16s %-8s %12s %10s %6s %8s %8s\n", width, "PROGRAM", "TYPE", "VERDICT",
	       "INSTRUCTIONS", "PROCESSED", "STACK", "TIME(us)", "JITED(B)");
}

static void print_name(const struct verdict *verdict, int width)
{
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;

	cli_escape(&name, verdict->name, strlen(verdict->name), false);
	printf("%-*s %-16s ", width, ebcc_buf_string(&name), verdict->type ? verdict->type : "-");
}

static void print_verdict(const struct verdict *verdict, int width)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	print_name(verdict, width);
	printf("%-8s", !verdict->error ? "accepted" : verdict->type ? "rejected" : "unknown");
	put_number(verdict->instructions, 12);
	put_number(verdict->statistics.processed, 10);
	put_number(verdict->statistics.stack, 6);
	put_number(verdict->statistics.microseconds, 8);
	put_number(verdict->jited, 8);
	putchar('\n');
	if (!verdict->error)
		return;
	cli_error_text(verdict->error, &text);
	cli_put_lines(stdout, ebcc_buf_string(&text));
	putchar('\n');
}

/* ---- As JSON ---- */

static json_t *number_or_null(uint64_t number)
{
	return number ? json_integer((json_int_t)number) : json_null();
}

static json_t *to_json(const struct verdict *verdict)
{
	json_t *object = json_pack(
		"{s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:b}", "name",
		cli_json_text(verdict->name), "type", cli_json_text(verdict->type), "section",
		cli_json_text(verdict->section), "accepted",
		verdict->type ? json_boolean(!verdict->error) : json_null(), "instructions",
		(json_int_t)verdict->instructions, "processed",
		number_or_null(verdict->statistics.processed), "stack_bytes",
		number_or_null(verdict->statistics.stack), "verification_us",
		number_or_null(verdict->statistics.microseconds), "translated_bytes",
		number_or_null(verdict->translated), "jited_bytes", number_or_null(verdict->jited),
		"second_pipeline", verdict->second_pipeline);

	if (object && verdict->error) {
		json_object_set_new(object, "error", cli_json_error(verdict->error));
		json_object_set_new(object, "log",
				    cli_json_text(ebcc_error_details(verdict->error)));
	}
	return object;
}

bool cli_verify(struct ebcc_module *module, json_t *json)
{
	size_t count = ebcc_module_program_count(module);
	int width = name_width(module);
	bool accepted = true;

	if (!json && count)
		print_head(width);
	for (size_t i = 0; i < count; i++) {
		struct verdict verdict = judge(ebcc_module_program_at(module, i));

		if (json)
			json_array_append_new(json, to_json(&verdict));
		else
			print_verdict(&verdict, width);
		accepted &= !verdict.error || !verdict.type;
		ebcc_error_destroy(verdict.error);
	}
	return accepted;
}
