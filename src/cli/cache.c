// SPDX-License-Identifier: Apache-2.0
/*
 * `ebcc cache`: the results of earlier compiles, and what else is kept on the disk.
 */
#include <string.h>
#include <time.h>

#include "base/disk_cache.h"
#include "compile/cache.h"
#include "options.h"
#include "report.h"

struct cache_command {
	struct ebcc_disk_cache *cache;
	struct ebcc_disk_cache_entry *entries;
	size_t count;
	bool json;
	struct ebcc_buf why; /* the cache can't be used */
};

/* What is known about an entry after reading it. */
struct reading {
	enum ebcc_disk_cache_state state;
	char *source; /* or NULL */
};

static void reading_deinit(struct reading *reading)
{
	free(reading->source);
}
#define AUTO_READING CLEANUP(reading_deinit)

static struct reading read_entry(const struct cache_command *command,
				 const struct ebcc_disk_cache_entry *entry)
{
	AUTO_BUF struct ebcc_buf bytes = EBCC_BUF_INIT;
	struct reading reading = {0};

	reading.state = ebcc_disk_cache_check(command->cache, &entry->key, entry->kind, &bytes);
	if (reading.state != EBCC_CACHE_ENTRY_VALID)
		return reading;
	if (!ebcc_compile_cache_entry_is_valid(entry->kind, &bytes))
		reading.state = EBCC_CACHE_ENTRY_DAMAGED;
	reading.source = ebcc_compile_cache_entry_source(entry->kind, &bytes);
	return reading;
}

static const char *const states[] = {
	[EBCC_CACHE_ENTRY_VALID] = "valid",
	[EBCC_CACHE_ENTRY_MISSING] = "missing",
	[EBCC_CACHE_ENTRY_FOREIGN] = "foreign",
	[EBCC_CACHE_ENTRY_DAMAGED] = "damaged",
};

static char *entry_name(const struct ebcc_disk_cache_entry *entry)
{
	char *name;

	if (asprintf(&name, "%016llx%016llx.%s", (unsigned long long)entry->key.high,
		     (unsigned long long)entry->key.low, entry->kind) < 0)
		return NULL;
	return name;
}

static json_t *entry_json(const struct ebcc_disk_cache_entry *entry, const struct reading *reading)
{
	AUTO_FREE char *name = entry_name(entry);

	return json_pack("{s:o,s:o,s:I,s:I,s:o,s:s}", "name", cli_json_text(name), "kind",
			 cli_json_text(entry->kind), "size", (json_int_t)entry->size, "used",
			 (json_int_t)entry->used, "source", cli_json_text(reading->source), "state",
			 states[reading->state]);
}

/* Writes an age in the largest unit of which it has at least two. */
static void put_age(int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	seconds = seconds > 0 ? seconds : 0;
	while (i + 1 < sizeof(units) / sizeof(*units) && seconds < 2 * units[i].seconds)
		i++;
	printf(" %5lld %-4s", (long long)(seconds / units[i].seconds), units[i].name);
}

static void print_entry(const struct ebcc_disk_cache_entry *entry, const struct reading *reading)
{
	AUTO_BUF struct ebcc_buf kind = EBCC_BUF_INIT;

	cli_escape(&kind, entry->kind, strlen(entry->kind), false);
	printf("%-12s %10llu", ebcc_buf_string(&kind), (unsigned long long)entry->size);
	put_age(time(NULL) - entry->used);
	printf("  %016llx%016llx", (unsigned long long)entry->key.high,
	       (unsigned long long)entry->key.low);
	if (reading->state != EBCC_CACHE_ENTRY_VALID)
		printf("  %s", states[reading->state]);
	if (reading->source) {
		fputs("  ", stdout);
		cli_put(stdout, reading->source);
	}
	putchar('\n');
}

static uint64_t total_size(const struct cache_command *command)
{
	uint64_t total = 0;

	for (size_t i = 0; i < command->count; i++)
		total += command->entries[i].size;
	return total;
}

static void print_total(const struct cache_command *command, const char *done)
{
	printf("%zu %s%s, %.1f MiB, in ", command->count, command->count == 1 ? "entry" : "entries",
	       done, (double)total_size(command) / (1 << 20));
	cli_put(stdout, ebcc_disk_cache_path(command->cache));
	putchar('\n');
}

/* Reads all entries and shows them, or only those that can't be used. Returns how many can't. */
static size_t show_entries(const struct cache_command *command, bool only_unusable, json_t *array)
{
	size_t unusable = 0;

	for (size_t i = 0; i < command->count; i++) {
		const struct ebcc_disk_cache_entry *entry = &command->entries[i];
		AUTO_READING struct reading reading = read_entry(command, entry);
		bool good = reading.state == EBCC_CACHE_ENTRY_VALID;

		unusable += !good;
		if (good && only_unusable)
			continue;
		if (array)
			json_array_append_new(array, entry_json(entry, &reading));
		else
			print_entry(entry, &reading);
	}
	return unusable;
}

static void print_head(void)
{
	printf("%-12s %10s %10s  %-32s  SOURCE\n", "KIND", "BYTES", "LAST USED", "KEY");
}

static int list(const struct cache_command *command)
{
	json_t *array = command->json ? json_array() : NULL;

	if (!array)
		print_head();
	show_entries(command, false, array);
	if (!array)
		print_total(command, "");
	else
		cli_print_json(json_pack("{s:o,s:I,s:o}", "directory",
					 cli_json_text(ebcc_disk_cache_path(command->cache)),
					 "size", (json_int_t)total_size(command), "entries",
					 array));
	return CLI_OK;
}

static int verify(const struct cache_command *command)
{
	json_t *array = command->json ? json_array() : NULL;
	size_t unusable = show_entries(command, true, array);

	if (array)
		cli_print_json(json_pack("{s:o,s:I,s:I,s:o}", "directory",
					 cli_json_text(ebcc_disk_cache_path(command->cache)),
					 "checked", (json_int_t)command->count, "unusable_count",
					 (json_int_t)unusable, "unusable", array));
	else
		printf("%zu checked, %zu unusable%s\n", command->count, unusable,
		       unusable ? ": a compile makes them again; ebcc cache clear removes all"
				: "");
	return unusable ? CLI_FAILED : CLI_OK;
}

static int clear(const struct cache_command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		const struct ebcc_disk_cache_entry *entry = &command->entries[i];
		struct ebcc_error *error =
			ebcc_disk_cache_remove(command->cache, &entry->key, entry->kind);

		if (error)
			return cli_fail(error);
	}
	if (command->json)
		cli_print_json(json_pack("{s:o,s:I,s:I}", "directory",
					 cli_json_text(ebcc_disk_cache_path(command->cache)),
					 "removed", (json_int_t)command->count, "size",
					 (json_int_t)total_size(command)));
	else
		print_total(command, " removed");
	return CLI_OK;
}

static const struct {
	const char *name;
	int (*run)(const struct cache_command *command);
} actions[] = {{"list", list}, {"clear", clear}, {"verify", verify}};

static void remember_reason(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct ebcc_buf *why = ctx;

	if (level <= EBCC_LOG_INFO && !why->size)
		ebcc_buf_append_string(why, message);
}

static int with_cache(struct cache_command *command,
		      int (*action)(const struct cache_command *command))
{
	const struct ebcc_log log = {.fn = remember_reason, .ctx = &command->why};
	struct ebcc_error *error;

	command->cache = ebcc_disk_cache_create(NULL, &log);
	if (!command->cache) {
		cli_complain("%s", command->why.size ? ebcc_buf_string(&command->why)
						     : "the disk cache is off (EBCC_CACHE=off)");
		return CLI_FAILED;
	}
	error = ebcc_disk_cache_list(command->cache, &command->entries, &command->count);
	return error ? cli_fail(error) : action(command);
}

static int run_action(const struct cli_command *command, const char *name, bool json)
{
	struct cache_command self = {.json = json};
	int status = CLI_USAGE;

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(actions[i].name, name))
			continue;
		status = with_cache(&self, actions[i].run);
		ebcc_disk_cache_destroy(self.cache);
		ebcc_buf_deinit(&self.why);
		free(self.entries);
		return status;
	}
	return cli_usage(command, "'%s' is not one of list, clear and verify", name);
}

static int run_cache(const struct cli_command *command, int argc, char **argv)
{
	bool json;
	int option = cli_json_option(command, argc, argv, &json);

	if (option != CLI_OPTIONS_END)
		return cli_option_status(option);
	if (argc - optind != 1)
		return cli_usage(command, "give one of list, clear and verify");
	return run_action(command, argv[optind], json);
}

static const char cache_text[] =
	"The cache makes the second start of a script fast. It is in the directory that\n"
	"EBCC_CACHE names, else in /var/cache/ebcc for root and in ~/.cache/ebcc for others.\n"
	"\n"
	"  list    shows each entry: its kind, size, when it was last used and, for an\n"
	"          object (\"answer\"), the source that it was compiled from\n"
	"  clear   removes all entries; headers that were unpacked there stay\n"
	"  verify  reads each entry as a compile would, and shows those that are\n"
	"          damaged or that another user could have written; exit status 1 if there\n"
	"          are any\n"
	"  --json  print JSON\n"
	"\n"
	"examples:\n"
	"  ebcc cache list\n"
	"  ebcc cache verify --json\n"
	"  EBCC_CACHE=/tmp/cache ebcc cache clear\n";

const struct cli_command cli_cache = {
	.name = "cache",
	.summary = "lists, checks or removes what earlier compiles left on the disk",
	.arguments = "list|clear|verify [--json]",
	.text = cache_text,
	.run = run_cache,
};
