// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the verifier's log from its end. The log consists of instructions ("5: (61) r1 = ..."),
 * source lines ("; int x = *p;", newer kernels add "@ file:line"), register states, and finally the
 * reason, followed by statistics. For kernels that don't print file and line, the object's own line
 * info is used, a table of struct bpf_line_info per section in .BTF.ext.
 */
#include "advice/verifier_log.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/bpf.h>

#include "base/buf.h"
#include "base/helper_names.h"
#include "elf/bpf_object.h"

/* How much of the log an error includes. */
#define DETAILS_LINES 60
#define DETAILS_SIZE 8192

struct line {
	const char *text;
	size_t length;
};

/* What was found in the log; each part may be empty. */
struct findings {
	struct line reason;
	struct line source;   /* the text of the source line */
	struct line location; /* "file:line" */
	long instruction;     /* -1: unknown */
};

/* Gets the line that ends before *@end, and moves *@end to its beginning. */
static bool previous_line(const char *start, const char **end, struct line *ret)
{
	const char *stop = *end, *begin;

	while (stop > start && (stop[-1] == '\n' || stop[-1] == '\r'))
		stop--;
	if (stop == start)
		return false;
	for (begin = stop; begin > start && begin[-1] != '\n';)
		begin--;
	*ret = (struct line){.text = begin, .length = (size_t)(stop - begin)};
	*end = begin;
	return true;
}

static bool begins(const struct line *line, const char *prefix)
{
	size_t length = strlen(prefix);

	return line->length >= length && !memcmp(line->text, prefix, length);
}

/* Whether a line follows the reason: states of an infinite loop, statistics. */
static bool is_statistics(const struct line *line)
{
	return begins(line, "cur state:") || begins(line, "old state:") ||
	       begins(line, "processed ") || begins(line, "verification time") ||
	       begins(line, "stack depth") || begins(line, "insns processed") ||
	       begins(line, "peak_states") || begins(line, "mark_precise") || begins(line, "-- ");
}

/* The number of the instruction in "12: (85) call ..." or "12: R0=...", or -1. */
static long instruction_of(const struct line *line)
{
	size_t i = 0;
	long number = 0;

	for (; i < line->length && isdigit((unsigned char)line->text[i]) && i < 9; i++)
		number = number * 10 + (line->text[i] - '0');
	if (!i || i + 2 >= line->length || line->text[i] != ':' || line->text[i + 1] != ' ')
		return -1;
	return line->text[i + 2] == '(' || line->text[i + 2] == 'R' ? number : -1;
}

static void split_source(struct findings *findings, const struct line *line)
{
	const char *at = NULL;

	findings->source = (struct line){.text = line->text + 2, .length = line->length - 2};
	for (size_t i = 0; i + 3 <= findings->source.length; i++)
		if (!memcmp(findings->source.text + i, " @ ", 3))
			at = findings->source.text + i;
	if (!at)
		return;
	findings->location.text = at + 3;
	findings->location.length =
		(size_t)(findings->source.text + findings->source.length - findings->location.text);
	findings->source.length = (size_t)(at - findings->source.text);
}

static void read_log(const char *log, struct findings *ret)
{
	const char *end = log + strlen(log);
	struct line line;

	*ret = (struct findings){.instruction = -1};
	while (previous_line(log, &end, &line)) {
		long instruction = instruction_of(&line);

		if (begins(&line, "; ")) {
			split_source(ret, &line);
			return;
		}
		if (instruction >= 0) {
			if (ret->instruction < 0)
				ret->instruction = instruction;
		} else if (!ret->reason.text && !is_statistics(&line) && !begins(&line, "from ")) {
			ret->reason = line;
		}
	}
}

struct line_info {
	const char *file, *text;
	unsigned line;
};

/* Reads a u32 of .BTF.ext at @offset, checked. */
static bool read_u32(const char *data, size_t size, uint64_t offset, uint32_t *ret)
{
	if (offset > size || size - offset < sizeof(*ret))
		return false;
	memcpy(ret, data + offset, sizeof(*ret));
	return true;
}

static const char *trimmed(const char *text, size_t *length)
{
	while (*length && isspace((unsigned char)*text)) {
		text++;
		--*length;
	}
	while (*length && isspace((unsigned char)text[*length - 1]))
		--*length;
	return text;
}

static bool same_text(const struct line *wanted, const char *text)
{
	size_t wanted_length = wanted->length, length = strlen(text);
	const char *a = trimmed(wanted->text, &wanted_length);
	const char *b = trimmed(text, &length);

	return length == wanted_length && !memcmp(a, b, length);
}

/*
 * Searches the records of one section for the line info at or before the instruction if it has the
 * text that the log shows, otherwise for any record with this text (an inlined line, a subprogram).
 */
static void search_records(const struct ebcc_rejection *rejection, const struct findings *findings,
			   const char *records, size_t count, size_t record_size, bool own_section,
			   struct line_info *ret)
{
	uint64_t start = 0, wanted;
	bool have_instruction = own_section && findings->instruction >= 0 &&
				(size_t)findings->instruction < rejection->instruction_count;

	/* Other programs may precede it in its section. */
	ebcc_elf_symbol_offset(rejection->object_bytes, rejection->object_size, rejection->program,
			       &start);
	wanted = start + (uint64_t)findings->instruction * 8;
	for (size_t i = 0; i < count; i++) {
		struct bpf_line_info info;
		const char *file, *text;

		memcpy(&info, records + i * record_size, sizeof(info));
		file = btf__name_by_offset(rejection->btf, info.file_name_off);
		text = btf__name_by_offset(rejection->btf, info.line_off);
		if (!file || !text)
			continue;
		if (findings->source.text ? !same_text(&findings->source, text) : !have_instruction)
			continue;
		if (ret->file && !(have_instruction && info.insn_off <= wanted))
			continue;
		*ret = (struct line_info){
			.file = file, .text = text, .line = BPF_LINE_INFO_LINE_NUM(info.line_col)};
	}
}

static void search_line_info(const struct ebcc_rejection *rejection,
			     const struct findings *findings, struct line_info *ret)
{
	uint32_t header_size, offset, length, record_size, name, count;
	uint64_t at, end;
	const char *data;
	size_t size;

	/* struct btf_ext_header: magic, version, flags and header_size (8 bytes), then offset and
	 * length of function info and of line info, relative to the header's end. */
	if (!rejection->btf ||
	    !ebcc_elf_section(rejection->object_bytes, rejection->object_size, ".BTF.ext", &data,
			      &size) ||
	    !read_u32(data, size, 4, &header_size) || !read_u32(data, size, 16, &offset) ||
	    !read_u32(data, size, 20, &length))
		return;
	at = (uint64_t)header_size + offset;
	end = at + length;
	if (!read_u32(data, size, at, &record_size) || record_size < sizeof(struct bpf_line_info) ||
	    record_size % 4)
		return;
	for (at += 4; at < end; at += 8 + (uint64_t)count * record_size) {
		const char *section;

		if (!read_u32(data, size, at, &name) || !read_u32(data, size, at + 4, &count) ||
		    at + 8 > size || (uint64_t)count * record_size > size - (at + 8))
			return;
		section = btf__name_by_offset(rejection->btf, name);
		search_records(rejection, findings, data + at + 8, count, record_size,
			       section && !strcmp(section, rejection->section), ret);
	}
}

static const char own_memory_hint[] =
	"the helper needs a pointer to a variable of the program or to a leaf: take the address "
	"with &, and copy kernel memory to a variable first";

static const char unreleased_hint[] =
	"every path through the program must release what was reserved or looked up, for example "
	"with ringbuf_submit() or ringbuf_discard()";

static const char plain_number_hint[] =
	"the pointer is a plain number to the kernel: a NULL that wasn't tested for, something "
	"already released, or an address that must be read with bpf_probe_read_kernel() or "
	"bpf_probe_read_user()";

static const struct {
	const char *pattern; /* in the reason */
	const char *hint;
} hints[] = {
	{"map_value_or_null", "a lookup can fail: test its result for NULL before using it"},
	{"_or_null'", "the pointer can be NULL: test it before using it"},
	{"null-check it first", "a lookup can fail: test its result for NULL before using it"},
	{"expected=ctx", "the helper needs the program's own context"},
	{"type=scalar expected=", own_memory_hint},
	{"type=inv expected=", own_memory_hint},
	{"size of register spill", "a pointer is used as a number of fewer bits: is a * missing, "
				   "or is there one & too many?"},
	{"on pointer prohibited", "a pointer is used as a number: is a * missing?"},
	{"Unreleased reference", unreleased_hint},
	{"reference leak", unreleased_hint},
	{"modified ctx ptr", "read members of the context by their names, with constant indexes"},
	{"variable-offset",
	 "the index into a variable on the stack has no bound: compare it with the size, as "
	 "unsigned, or mask it"},
	{"misaligned", "the member isn't aligned for a read of this size: copy it with "
		       "__builtin_memcpy()"},
	{"back-edge",
	 "this kernel doesn't support this loop: give it a constant bound, or unroll it"},
	{"infinite loop", "the verifier can't see that the loop ends: give it a constant bound"},
	{"sequence of",
	 "the program branches or loops too much: bound its loops by a smaller constant"},
	{"too large",
	 "the program branches or loops too much: bound its loops by a smaller constant"},
	{"stack size", "the stack has 512 bytes: move large variables to a BPF_PERCPU_ARRAY"},
	{"indirect read from stack", "a variable or padding on the stack was never set: initialize "
				     "it with = {} or __builtin_memset"},
	{"indirect access to stack", "a variable or padding on the stack was never set: initialize "
				     "it with = {} or __builtin_memset"},
	{"read from stack", "a variable on the stack was never set: initialize it with = {}"},
	{"R0 !read_ok", "the program ends without a return value: add return 0"},
	{"!read_ok", "a value is used that was never set"},
	{"unknown func", "this kernel doesn't have the helper, or not for programs of this type"},
	{"invalid func", "this kernel doesn't have the helper"},
	{"cannot use helper", "programs of this type may not call the helper"},
	{"invalid access to packet", "compare the pointer with data_end before reading"},
	{"outside of the packet", "compare the pointer with data_end before reading"},
	{"type STRUCT is unsupported",
	 "this kernel can't attach such programs to functions with a struct among their arguments: "
	 "use a kprobe"},
	{"invalid bpf_context access",
	 "programs of this type have no such context member, or may only read it"},
	{"min value is negative",
	 "the size or index may be negative: make it unsigned, or mask it"},
	{"unbounded m", "the size or index has no bound: compare it with one, as unsigned"},
	{"value is outside of the",
	 "the index may be outside the array: compare it with the size first"},
	{"invalid access to map value",
	 "the index may be outside the value: compare it with the size first"},
	{"invalid zero-sized read", "the size may be 0: test it first"},
	{"invalid mem access 'scalar'", plain_number_hint},
	{"invalid mem access 'inv'", plain_number_hint},
};

/* For logs with "func 'vfs_write' arg3 type INT is not a struct" before the reason. */
static const char argument_hint[] =
	"before Linux 5.17 such programs can't read an argument that points to anything but a "
	"struct: use a kprobe, or don't read the argument";

static const char *find_hint(const struct line *reason, const char *log)
{
	if (memmem(reason->text, reason->length, "invalid bpf_context access", 26) &&
	    strstr(log, " is not a struct\n"))
		return argument_hint;
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (memmem(reason->text, reason->length, hints[i].pattern,
			   strlen(hints[i].pattern)))
			return hints[i].hint;
	return NULL;
}

/* The number in "invalid func unknown#177". Returns false if that is not the reason. */
static bool unknown_helper(const struct line *reason, uint64_t *ret)
{
	static const char unknown[] = " unknown#";
	const char *at = memmem(reason->text, reason->length, unknown, strlen(unknown));
	const char *end = reason->text + reason->length;

	if (!at)
		return false;
	*ret = 0;
	for (at += strlen(unknown); at < end && isdigit((unsigned char)*at) && *ret < UINT32_MAX;
	     at++)
		*ret = *ret * 10 + (unsigned)(*at - '0');
	return true;
}

/* What the kernel lacks, if the loader put such a call in its place. */
static const char *find_unresolved(const struct ebcc_rejection *rejection,
				   const struct line *reason)
{
	uint64_t number;

	if (!reason->text || !unknown_helper(reason, &number) || number < EBCC_UNRESOLVED_HELPER ||
	    number - EBCC_UNRESOLVED_HELPER >= rejection->unresolved_count)
		return NULL;
	return rejection->unresolved[number - EBCC_UNRESOLVED_HELPER];
}

/* Appends a hint for a helper of which the kernel doesn't have the number, and so no name either.
 * Returns whether that was the reason. */
static bool append_helper_hint(struct ebcc_buf *buf, const struct line *reason)
{
	const char *name;
	uint64_t number;

	if (!unknown_helper(reason, &number))
		return false;
	name = ebcc_helper_name((unsigned)number);
	if (number == BPF_FUNC_trace_vprintk)
		ebcc_buf_append_string(
			buf, " (the helper bpf_trace_vprintk(): bpf_trace_printk() with more than "
			     "three values needs Linux 5.16: print fewer per line, or pass them to "
			     "user space through a BPF_PERF_OUTPUT)");
	else if (name)
		ebcc_buf_printf(buf, " (this kernel does not have the helper %s())", name);
	else
		ebcc_buf_printf(buf,
				" (helper function number %u, which this kernel does not have)",
				(unsigned)number);
	return true;
}

/* The end of the log, from the start of a line. */
static const char *log_end(const char *log)
{
	const char *end = log + strlen(log), *start = end;
	struct line line;

	for (int i = 0; i < DETAILS_LINES && previous_line(log, &start, &line); i++)
		if (end - line.text > DETAILS_SIZE)
			return line.text + line.length;
	return start;
}

/* Depending on version and kind: "GPL-restricted function", "GPL only function", "GPL compatible
 * license". */
static bool is_about_license(const struct line *reason)
{
	return memmem(reason->text, reason->length, "GPL", 3);
}

static void append_license_hint(struct ebcc_buf *buf, const struct ebcc_rejection *rejection)
{
	const char *license;
	size_t size;

	if (!ebcc_elf_section(rejection->object_bytes, rejection->object_size, "license", &license,
			      &size)) {
		license = "";
		size = 0;
	}
	ebcc_buf_printf(
		buf,
		" (the source's license is \"%.*s\", and this is only allowed for programs whose "
		"license is exactly \"GPL\", \"GPL v2\", \"GPL and additional rights\", \"Dual "
		"BSD/GPL\", \"Dual MIT/GPL\" or \"Dual MPL/GPL\"; reading kernel memory through "
		"a pointer is such a call too: use BPF_LICENSE(GPL), or don't declare a license)",
		(int)strnlen(license, size), license);
}

static void append_hint(struct ebcc_buf *buf, const struct line *reason,
			const struct ebcc_rejection *rejection)
{
	const char *hint;

	if (is_about_license(reason)) {
		append_license_hint(buf, rejection);
		return;
	}
	if (append_helper_hint(buf, reason))
		return;
	hint = find_hint(reason, rejection->log);
	if (hint)
		ebcc_buf_printf(buf, " (%s)", hint);
}

static void append_line(struct ebcc_buf *buf, const struct line *line)
{
	size_t length = line->length;
	const char *text = trimmed(line->text, &length);

	ebcc_buf_append(buf, text, length);
}

struct ebcc_error *ebcc_verifier_error(const struct ebcc_rejection *rejection)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct line_info info = {0};
	struct findings findings;
	struct ebcc_error *error;
	const char *unresolved;

	read_log(rejection->log, &findings);
	unresolved = find_unresolved(rejection, &findings.reason);
	ebcc_buf_append_string(&text,
			       unresolved ? unresolved : "the kernel's verifier rejected it");
	if (findings.reason.text && !unresolved) {
		while (findings.reason.length &&
		       findings.reason.text[findings.reason.length - 1] == '.')
			findings.reason.length--;
		ebcc_buf_append_string(&text, ": ");
		append_line(&text, &findings.reason);
	}
	if (!findings.location.text)
		search_line_info(rejection, &findings, &info);
	if (findings.location.text) {
		ebcc_buf_append_string(&text, ", at ");
		append_line(&text, &findings.location);
	} else if (info.file) {
		ebcc_buf_printf(&text, ", at %s:%u", info.file, info.line);
		if (!findings.source.text)
			findings.source =
				(struct line){.text = info.text, .length = strlen(info.text)};
	}
	if (findings.source.length) {
		ebcc_buf_append_string(&text, ": ");
		append_line(&text, &findings.source);
	}
	if (findings.reason.text && !unresolved)
		append_hint(&text, &findings.reason, rejection);
	error = ebcc_error_create(unresolved ? EBCC_ERROR_OTHER_KERNEL : EBCC_ERROR_LOAD,
				  "program '%s': %s", rejection->program, ebcc_buf_string(&text));
	error = ebcc_error_with_subject(error, rejection->program);
	return ebcc_error_with_details(error, log_end(rejection->log));
}

/* The number after @words at the start of a line of @log, or 0; *@ret_end is what follows. */
static uint64_t number_after(const char *log, const char *words, const char **ret_end)
{
	size_t length = strlen(words);
	const char *at = log;

	while (at && strncmp(at, words, length)) {
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	*ret_end = "";
	return at ? strtoull(at + length, (char **)ret_end, 10) : 0;
}

void ebcc_verifier_statistics_read(const char *log, struct ebcc_verifier_statistics *ret)
{
	const char *end;

	ret->processed = number_after(log, "processed ", &end);
	ret->microseconds = number_after(log, "verification time ", &end);
	ret->stack = number_after(log, "stack depth ", &end);
	/* One number for the program and one for each of its functions: "32+8". */
	while (*end == '+')
		ret->stack += strtoull(end + 1, (char **)&end, 10);
}
