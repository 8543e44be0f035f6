// SPDX-License-Identifier: Apache-2.0
/*
 * `ebcc probes`: what can be traced.
 */
#include "probes.h"

#include <fnmatch.h>
#include <string.h>

#include "abilities.h"
#include "kernel/features.h"
#include "kernel/privilege.h"
#include "options.h"
#include "report.h"

enum {
	OPTION_KIND = CLI_LONG_OPTIONS,
};

/* ---- Kinds ---- */

static bool has_btf(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

static bool has_fentry(void)
{
	return ebcc_feature(EBCC_FEATURE_FENTRY);
}

static bool has_lsm(void)
{
	return ebcc_feature(EBCC_FEATURE_LSM);
}

static bool has_raw_tracepoints(void)
{
	return ebcc_feature(EBCC_FEATURE_RAW_TRACEPOINT);
}

static bool always(void)
{
	return true;
}

struct kind {
	const char *name;
	const char *others[3]; /* under which it is also known */
	const char *what;
	bool by_default; /* listed if no kind is named */
	bool in_files;	 /* in programs and libraries, not in the kernel */
	bool (*exists)(void);
	const char *lacks; /* what a kernel without it lacks */
	bool cookies, multi;
	struct ebcc_error *(*list)(struct cli_probes *probes);
};

/* By enum cli_probe_kind. */
static const struct kind kinds[CLI_PROBE_KINDS] = {
	[CLI_KPROBE] = {"kprobe",
			{"k"},
			"entry of kernel functions: kprobe__FUNCTION",
			true,
			false,
			cli_has_kprobes,
			"CONFIG_KPROBES",
			true,
			true,
			cli_list_functions},
	[CLI_KRETPROBE] = {"kretprobe",
			   {"kr"},
			   "return of kernel functions: kretprobe__FUNCTION",
			   false,
			   false,
			   cli_has_kretprobes,
			   "CONFIG_KRETPROBES",
			   true,
			   true,
			   cli_list_functions},
	[CLI_TRACEPOINT] = {"tracepoint",
			    {"t", "tp"},
			    "tracepoints, with a record: TRACEPOINT_PROBE(CATEGORY, EVENT)",
			    true,
			    false,
			    always,
			    NULL,
			    true,
			    false,
			    cli_list_tracepoints},
	[CLI_RAW_TRACEPOINT] = {"rawtracepoint",
				{"rt", "raw_tp", "raw_tracepoint"},
				"tracepoints, with their own arguments: "
				"RAW_TRACEPOINT_PROBE(EVENT)",
				true,
				false,
				has_raw_tracepoints,
				"raw tracepoints",
				false,
				false,
				cli_list_raw_tracepoints},
	[CLI_FENTRY] = {"fentry",
			{"f", "kfunc"},
			"entry of kernel functions, with typed arguments: KFUNC_PROBE(FUNCTION)",
			true,
			false,
			has_fentry,
			"CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS, or BTF",
			true,
			false,
			cli_list_typed_functions},
	[CLI_FEXIT] = {"fexit",
		       {"fr", "kretfunc"},
		       "return of kernel functions, with typed arguments: KRETFUNC_PROBE(FUNCTION)",
		       false,
		       false,
		       has_fentry,
		       "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS, or BTF",
		       true,
		       false,
		       cli_list_typed_functions},
	[CLI_LSM] = {"lsm",
		     {NULL},
		     "hooks of security modules: LSM_PROBE(HOOK)",
		     true,
		     false,
		     has_lsm,
		     "CONFIG_BPF_LSM, or \"bpf\" in lsm=",
		     true,
		     false,
		     cli_list_hooks},
	[CLI_ITER] = {"iter",
		      {"it", "bpf_iter"},
		      "iterators over objects of the kernel: "
		      "BPF_ITER(NAME)",
		      true,
		      false,
		      has_btf,
		      "BTF",
		      false,
		      false,
		      cli_list_iterators},
	[CLI_UPROBE] = {"uprobe",
			{"u"},
			"entry of functions of programs and libraries",
			false,
			true,
			cli_has_uprobes,
			"CONFIG_UPROBES",
			true,
			false,
			cli_list_user_functions},
	[CLI_URETPROBE] = {"uretprobe",
			   {"ur"},
			   "return of functions of programs and libraries",
			   false,
			   true,
			   cli_has_uprobes,
			   "CONFIG_UPROBES",
			   true,
			   false,
			   cli_list_user_functions},
	[CLI_USDT] = {"usdt",
		      {"U"},
		      "probes that programs and libraries are built with",
		      false,
		      true,
		      cli_has_uprobes,
		      "CONFIG_UPROBES",
		      true,
		      false,
		      cli_list_usdt},
};

/* What is lacking to use probes of a kind here, or NULL. Without privileges most can't be tried. */
static const char *lacking(const struct kind *kind)
{
	if (!ebcc_privilege_holds(false))
		return "privileges";
	return kind->exists() ? NULL : kind->lacks;
}

static bool is_named(const struct kind *kind, const char *name, size_t length)
{
	if (strlen(kind->name) == length && !memcmp(kind->name, name, length))
		return true;
	for (size_t i = 0; i < sizeof(kind->others) / sizeof(*kind->others); i++)
		if (kind->others[i] && strlen(kind->others[i]) == length &&
		    !memcmp(kind->others[i], name, length))
			return true;
	return false;
}

/* The bit of the kind of that name, or 0. */
static unsigned kind_of(const char *name, size_t length)
{
	for (unsigned i = 0; i < CLI_PROBE_KINDS; i++)
		if (is_named(&kinds[i], name, length))
			return 1u << i;
	return 0;
}

static unsigned default_kinds(void)
{
	unsigned all = 0;

	for (unsigned i = 0; i < CLI_PROBE_KINDS; i++)
		all |= kinds[i].by_default ? 1u << i : 0;
	return all;
}

/* ---- Matching ---- */

bool cli_probes_match(struct cli_probes *probes, const char *scope, const char *name)
{
	const char *pattern = probes->pattern, *colon = strrchr(pattern, ':');
	bool matches;

	if (!colon)
		matches = !fnmatch(pattern, name, FNM_NOESCAPE);
	else if (!scope || fnmatch(colon + 1, name, FNM_NOESCAPE))
		matches = false;
	else {
		AUTO_FREE char *wanted = strndup(pattern, (size_t)(colon - pattern));

		matches = wanted && !fnmatch(wanted, scope, FNM_NOESCAPE);
	}
	if (!matches && probes->is_literal && !probes->count)
		ebcc_near_names_add(&probes->near, name);
	return matches;
}

/* ---- Output ---- */

static void print_arguments(const struct cli_probe *probe)
{
	for (size_t i = 0; i < json_array_size(probe->arguments); i++) {
		const json_t *argument = json_array_get(probe->arguments, i);

		fputs("    ", stdout);
		cli_put(stdout, json_string_value(json_object_get(argument, "declaration")));
		putchar('\n');
	}
	if (probe->returned) {
		fputs("    returns ", stdout);
		cli_put(stdout, probe->returned);
		putchar('\n');
	}
}

static json_t *probe_json(const struct cli_probes *probes, const struct cli_probe *probe)
{
	json_t *object = json_pack("{s:s,s:o,s:o}", "kind", kinds[probes->kind].name, "scope",
				   cli_json_text(probe->scope), "name", cli_json_text(probe->name));

	if (probe->arguments)
		json_object_set(object, "arguments", probe->arguments);
	if (probe->returned)
		json_object_set_new(object, "returns", cli_json_text(probe->returned));
	if (probe->more)
		json_object_update(object, probe->more);
	return object;
}

/* In -v, before the first probe of a kind: what the kind can do here. */
static void print_kind(const struct kind *kind)
{
	const char *lacks = lacking(kind);

	printf("# %s: %s", kind->name, kind->what);
	if (lacks)
		printf("; can't be used here, for lack of %s", lacks);
	else if (kind->cookies)
		printf("; cookies: %s", ebcc_feature(EBCC_FEATURE_COOKIE) ? "yes" : "no");
	if (!lacks && kind->multi)
		printf("; one link for many: %s",
		       ebcc_feature(EBCC_FEATURE_KPROBE_MULTI) ? "yes" : "no");
	putchar('\n');
}

void cli_probes_found(struct cli_probes *probes, struct cli_probe *probe)
{
	probes->count++;
	probes->found |= 1u << probes->kind;
	if (probes->json) {
		json_t *object = probe_json(probes, probe);

		fputs(probes->count > 1 ? ",\n" : "\n", stdout);
		json_dumpf(object, stdout, JSON_COMPACT);
		json_decref(object);
	} else {
		printf("%s:", kinds[probes->kind].name);
		if (probe->scope) {
			cli_put(stdout, probe->scope);
			putchar(':');
		}
		cli_put(stdout, probe->name);
		putchar('\n');
		print_arguments(probe);
	}
	json_decref(probe->arguments);
	json_decref(probe->more);
}

static json_t *kind_json(const struct kind *kind)
{
	const char *lacks = lacking(kind);

	return json_pack("{s:b,s:o,s:s,s:b,s:b}", "available", !lacks, "lacks",
			 cli_json_text(lacks), "what", kind->what, "cookies",
			 !lacks && kind->cookies && ebcc_feature(EBCC_FEATURE_COOKIE), "multi",
			 !lacks && kind->multi && ebcc_feature(EBCC_FEATURE_KPROBE_MULTI));
}

/* What each listed kind can do on this kernel. */
static json_t *kinds_json(const struct cli_probes *probes)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < CLI_PROBE_KINDS; i++)
		if (probes->kinds & 1u << i)
			json_object_set_new(object, kinds[i].name, kind_json(&kinds[i]));
	return object;
}

/* ---- The command ---- */

/* Says which kinds were listed that can't be used here, and why. */
static void note_kinds(const struct cli_probes *probes)
{
	for (unsigned i = 0; i < CLI_PROBE_KINDS; i++) {
		const char *lacks = probes->found & 1u << i ? lacking(&kinds[i]) : NULL;

		if (lacks)
			cli_complain("note: %s probes can't be used here, for lack of %s",
				     kinds[i].name, lacks);
	}
}

static int nothing_found(const struct cli_probes *probes, const char *pattern)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ebcc_near_names_suggest(&probes->near, &text);
	cli_complain("nothing matches %s%s", pattern, ebcc_buf_string(&text));
	return CLI_FAILED;
}

/* Lists one kind after the other. What can't be listed is fatal only if it was asked for alone. */
static struct ebcc_error *list_kinds(struct cli_probes *probes)
{
	bool only_one = !(probes->kinds & (probes->kinds - 1));

	for (unsigned i = 0; i < CLI_PROBE_KINDS; i++) {
		struct ebcc_error *error;

		if (!(probes->kinds & 1u << i))
			continue;
		probes->kind = i;
		if (probes->verbose && !probes->json)
			print_kind(&kinds[i]);
		error = kinds[i].list(probes);
		if (error && only_one)
			return error;
		if (error)
			cli_complain("%s: %s", kinds[i].name, ebcc_error_message(error));
		ebcc_error_destroy(error);
	}
	return NULL;
}

static int list(struct cli_probes *probes, const char *pattern)
{
	struct ebcc_error *error;

	ebcc_near_names_init(&probes->near, probes->pattern);
	probes->is_literal = !strpbrk(probes->pattern, "*?[:");
	if (probes->json)
		fputs("{\"probes\": [", stdout);
	error = list_kinds(probes);
	if (probes->json) {
		json_t *abilities = kinds_json(probes);

		fputs("\n],\n\"kinds\": ", stdout);
		json_dumpf(abilities, stdout, JSON_COMPACT);
		puts("}");
		json_decref(abilities);
	}
	if (error)
		return cli_fail(error);
	if (!probes->count)
		return nothing_found(probes, pattern);
	if (!probes->verbose && !probes->json)
		note_kinds(probes);
	return CLI_OK;
}

/* Splits "FILE:NAME" for kinds in files. */
static int split_file(struct cli_probes *probes, const struct cli_command *command, char *rest)
{
	char *colon = strchr(rest, ':');
	bool no_file = probes->pid && *rest != '/';

	if (no_file && probes->kinds != 1u << CLI_USDT)
		return cli_usage(command, "a file must be named: uprobe:/path:PATTERN");
	if (no_file) {
		probes->pattern = *rest ? rest : "*";
		return CLI_OK;
	}
	if (!*rest || *rest == '*')
		return cli_usage(command, "a file must be named: uprobe:/path:PATTERN, "
					  "usdt:/path:PATTERN, or a process by -p");
	probes->file = rest;
	probes->pattern = "*";
	if (colon) {
		*colon = '\0';
		probes->pattern = colon[1] ? colon + 1 : "*";
	}
	return CLI_OK;
}

/* Reads "KIND:REST", or a pattern for all kinds. */
static int read_pattern(struct cli_probes *probes, const struct cli_command *command, char *text)
{
	char *colon = strchr(text, ':');
	unsigned named = colon ? kind_of(text, (size_t)(colon - text)) : 0;

	probes->pattern = text;
	if (colon && !named && (size_t)(colon - text) == strcspn(text, "*?[:")) {
		if (!probes->kinds)
			return cli_usage(command, "there is no kind '%.*s'", (int)(colon - text),
					 text);
	} else if (colon && !named && !strncmp(text, "*:", 2)) {
		probes->pattern = colon + 1;
	}
	if (named) {
		probes->kinds = named;
		probes->pattern = colon[1] ? colon + 1 : "*";
	}
	if (!probes->kinds)
		probes->kinds = default_kinds();
	for (unsigned i = 0; i < CLI_PROBE_KINDS; i++)
		if (kinds[i].in_files && probes->kinds & 1u << i)
			return split_file(probes, command,
					  named ? colon + 1 : (char *)probes->pattern);
	return CLI_OK;
}

static int read_kind(struct cli_probes *probes, const struct cli_command *command)
{
	unsigned kind = kind_of(optarg, strlen(optarg));

	probes->kinds |= kind;
	return kind ? CLI_OK : cli_usage(command, "there is no kind '%s'", optarg);
}

static int read_options(struct cli_probes *probes, const struct cli_command *command, int argc,
			char **argv)
{
	static const struct option longs[] = {
		{"verbose", no_argument, NULL, 'v'},
		{"kind", required_argument, NULL, OPTION_KIND},
		{"pid", required_argument, NULL, 'p'},
		CLI_JSON_OPTION,
		CLI_HELP_OPTION,
		{0},
	};
	int option;

	while ((option = cli_option(command, argc, argv, ":hvp:", longs)) >= 0) {
		if (option == 'v')
			probes->verbose = true;
		else if (option == 'j')
			probes->json = true;
		else if (option == OPTION_KIND && read_kind(probes, command))
			return CLI_USAGE;
		else if (option == 'p' && !cli_parse_pid(optarg, &probes->pid))
			return cli_usage(command, "'%s' is not the id of a process", optarg);
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (argc - optind > 1)
		return cli_usage(command, "there is one PATTERN too many; the shell may have "
					  "replaced a * that had no quotes");
	return CLI_OK;
}

static int run_probes(const struct cli_command *command, int argc, char **argv)
{
	struct cli_probes probes = {0};
	AUTO_FREE char *pattern = NULL, *shown = NULL;
	int status = read_options(&probes, command, argc, argv);

	if (status < 0)
		return cli_option_status(status);
	if (status)
		return status;
	pattern = strdup(argc > optind ? argv[optind] : "*");
	shown = strdup(pattern ? pattern : "");
	if (!pattern || !shown)
		return cli_no_memory();
	status = read_pattern(&probes, command, pattern);
	if (!status)
		status = list(&probes, shown);
	ebcc_hash_deinit(&probes.functions);
	ebcc_kernel_btf_destroy(probes.btf);
	return status;
}

static const char probes_text[] =
	"Lists probes whose names match PATTERN: KIND:NAME, or NAME for all kinds in the\n"
	"kernel. In names, * stands for any text, ? for one character, [ab] for one of\n"
	"these. Without PATTERN, lists everything in the kernel.\n"
	"\n"
	"  kprobe:FUNCTION, kretprobe:FUNCTION    functions of the kernel\n"
	"  fentry:FUNCTION, fexit:FUNCTION        the same with typed arguments;\n"
	"                                         MODULE:FUNCTION for those of modules\n"
	"  tracepoint:CATEGORY:EVENT              tracepoints\n"
	"  rawtracepoint:EVENT                    the same with their own arguments\n"
	"  lsm:HOOK                               hooks of security modules\n"
	"  iter:NAME                              iterators\n"
	"  uprobe:FILE:FUNCTION, uretprobe:...    functions of a program or library\n"
	"  usdt:FILE:PROVIDER:NAME                USDT probes of a program or library\n"
	"\n"
	"  -v, --verbose   also what each kind can do on this kernel, and the arguments of\n"
	"                  each probe with their types\n"
	"  --kind KIND     only this kind; may be repeated\n"
	"  -p, --pid PID   usdt: in all files of a process; FILE is as it sees it\n"
	"  --json          print JSON\n"
	"\n"
	"Exit status: 0; 1 if nothing matches; 2 for wrong usage.\n"
	"\n"
	"examples:\n"
	"  ebcc probes 'vfs_*'                          in all kinds\n"
	"  ebcc probes 'kprobe:tcp_*' -v                with parameters\n"
	"  ebcc probes 'tracepoint:syscalls:sys_enter_open*' -v\n"
	"  ebcc probes 'uprobe:/bin/bash:read*'         functions of a program\n"
	"  ebcc probes usdt:/usr/lib/x86_64-linux-gnu/libc.so.6 -v\n"
	"  ebcc probes usdt: -p 1234 --json             what a process is built with\n";

const struct cli_command cli_probes = {
	.name = "probes",
	.summary = "lists what can be traced, with arguments and types",
	.arguments = "[PATTERN] [-v] [--kind KIND]... [-p PID] [--json]",
	.text = probes_text,
	.run = run_probes,
};
