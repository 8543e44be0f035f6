// SPDX-License-Identifier: Apache-2.0
#include "input.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/open_file.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SOURCE_LIMIT ((size_t)16 << 20)

/* ---- Messages ---- */

/* Whether clang wrote it, with a location. */
static bool is_diagnostic(const char *message)
{
	return strstr(message, ": warning: ") || strstr(message, ": error: ");
}

static void on_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct cli_input *input = ctx;

	if (level > EBCC_LOG_WARNING)
		return;
	if (input->messages) {
		AUTO_JSON json_t *found =
			is_diagnostic(message) ? cli_json_diagnostics(message) : NULL;

		if (found && json_array_size(found))
			json_array_extend(input->messages, found);
		else
			json_array_append_new(input->messages,
					      json_pack("{s:s,s:o}", "severity", "warning",
							"message", cli_json_text(message)));
		return;
	}
	if (!is_diagnostic(message)) {
		cli_complain("%s", message);
		return;
	}
	cli_put_lines(stderr, message);
	fputs(message[strlen(message) - 1] == '\n' ? "" : "\n", stderr);
}

void cli_input_init(struct cli_input *input)
{
	*input = (struct cli_input){.opts = {
					    .sz = sizeof(input->opts),
					    .log = on_message,
					    .log_ctx = input,
					    .interrupted = cli_interrupted,
				    }};
}

void cli_input_deinit(struct cli_input *input)
{
	for (size_t i = 0; i < input->flag_count; i++)
		free(input->flags[i]);
	free(input->flags);
	json_decref(input->messages);
}

bool cli_input_collect(struct cli_input *input)
{
	if (!input->messages)
		input->messages = json_array();
	return input->messages;
}

/* Finds "error: " and similar in a line. Returns what follows, and the severity. */
static const char *find_severity(const char *line, size_t length, const char **ret_severity,
				 size_t *ret_location)
{
	static const char *const severities[] = {"error", "warning", "note", "fatal error"};

	for (size_t i = 0; i < sizeof(severities) / sizeof(*severities); i++) {
		size_t size = strlen(severities[i]);

		for (size_t at = 0; at + size + 4 <= length; at++) {
			if (strncmp(line + at, ": ", 2) ||
			    strncmp(line + at + 2, severities[i], size) ||
			    strncmp(line + at + 2 + size, ": ", 2))
				continue;
			*ret_severity = severities[i];
			*ret_location = at;
			return line + at + 4 + size;
		}
	}
	return NULL;
}

/* Reads the number before @end, and a colon before it. Moves @end to the colon. */
static bool take_number(const char *line, size_t *end, unsigned *ret)
{
	size_t start = *end;

	while (start && isdigit((unsigned char)line[start - 1]))
		start--;
	if (start == *end || !start || line[start - 1] != ':')
		return false;
	*ret = (unsigned)strtoul(line + start, NULL, 10);
	*end = start - 1;
	return true;
}

/* The object for a line with a location, or NULL for other lines. */
static json_t *parse_head(const char *line, size_t length)
{
	const char *severity, *message;
	size_t location;
	unsigned row = 0, column = 0;

	message = find_severity(line, length, &severity, &location);
	if (!message || !take_number(line, &location, &column) ||
	    !take_number(line, &location, &row))
		return NULL;
	return json_pack("{s:s,s:o,s:i,s:i,s:o}", "severity", severity, "file",
			 cli_json_bytes(line, location), "line", (int)row, "column", (int)column,
			 "message", cli_json_bytes(message, length - (size_t)(message - line)));
}

json_t *cli_json_diagnostics(const char *text)
{
	json_t *found = json_array();
	AUTO_BUF struct ebcc_buf shown = EBCC_BUF_INIT;
	json_t *last = NULL;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		json_t *head = parse_head(line, length);

		if (head) {
			ebcc_buf_clear(&shown);
			last = head;
			json_array_append_new(found, head);
		}
		ebcc_buf_append(&shown, line, length);
		ebcc_buf_append_char(&shown, '\n');
		if (last)
			json_object_set_new(last, "text",
					    cli_json_bytes(ebcc_buf_string(&shown), shown.size));
		line += length;
		line += *line == '\n';
	}
	return found;
}

/* ---- Options ---- */

static bool add_flag(struct cli_input *input, const char *prefix, const char *value)
{
	char **more = realloc(input->flags, (input->flag_count + 1) * sizeof(*more));
	char *flag;

	if (!more)
		return false;
	input->flags = more;
	if (asprintf(&flag, "%s%s", prefix, value) < 0)
		return false;
	input->flags[input->flag_count++] = flag;
	return true;
}

static int add_short_flag(struct cli_input *input, int option)
{
	char prefix[] = {'-', (char)option, '\0'};

	return add_flag(input, prefix, optarg) ? CLI_OK : cli_no_memory();
}

static int add_include(struct cli_input *input, const char *header)
{
	if (!add_flag(input, "-include", "") || !add_flag(input, "", header))
		return cli_no_memory();
	return CLI_OK;
}

int cli_input_option(struct cli_input *input, const struct cli_command *command, int option,
		     int argc, char **argv)
{
	switch (option) {
	case 'D':
	case 'U':
	case 'I':
	case 'W':
		return add_short_flag(input, option);
	case 'i':
		if (strcmp(optarg, "nclude"))
			return cli_usage(command, "there is no option -i%s", optarg);
		if (optind >= argc)
			return cli_usage(command, "a header must follow -include");
		return add_include(input, argv[optind++]);
	case CLI_OPTION_INCLUDE:
		return add_include(input, optarg);
	case CLI_OPTION_PORTABLE:
		input->opts.portable = true;
		return CLI_OK;
	case CLI_OPTION_KERNEL_ROOT:
		input->opts.kernel_root = optarg;
		return CLI_OK;
	case CLI_OPTION_BTF:
		input->opts.btf_path = optarg;
		return CLI_OK;
	default:
		return cli_usage(command, "an option has no meaning here");
	}
}

/* ---- The file ---- */

bool cli_is_object(const char *path)
{
	AUTO_CLOSE int fd = ebcc_open_regular_at(AT_FDCWD, path);
	char magic[SELFMAG];

	return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	       !memcmp(magic, ELFMAG, sizeof(magic));
}

static struct ebcc_error *read_input(struct ebcc_buf *text)
{
	char block[65536];

	for (;;) {
		ssize_t size = read(STDIN_FILENO, block, sizeof(block));

		if (size < 0 && errno == EINTR && !cli_interrupted(NULL))
			continue;
		if (size < 0)
			return ebcc_error_os(EBCC_ERROR_OS, errno, "standard input can't be read");
		if (!size)
			return ebcc_buf_check(text);
		ebcc_buf_append(text, block, (size_t)size);
		if (text->size > SOURCE_LIMIT)
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 "standard input has more than the 16 MiB that a "
						 "source may have");
	}
}

struct ebcc_error *cli_input_open(struct cli_input *input, const char *path,
				  struct ebcc_module **ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	input->opts.cflags = (const char *const *)input->flags;
	input->opts.cflag_count = input->flag_count;
	if (strcmp(path, "-"))
		return cli_is_object(path)
			       ? ebcc_module_create_from_object_file(path, &input->opts, ret)
			       : ebcc_module_create_from_file(path, &input->opts, ret);
	TRY(read_input(&text));
	input->opts.file_name = CLI_INPUT_NAME;
	return ebcc_module_create(ebcc_buf_string(&text), text.size, &input->opts, ret);
}
