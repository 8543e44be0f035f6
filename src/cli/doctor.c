// SPDX-License-Identifier: Apache-2.0
/*
 * `ebcc doctor`: what this kernel, this user and this installation can do.
 */
#include "doctor.h"

#include <stdarg.h>
#include <string.h>

#include "options.h"
#include "report.h"

static const char *const results[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_INFO] = "info",
	[DOCTOR_MISSING] = "missing",
	[DOCTOR_PROBLEM] = "problem",
};

static const struct doctor_check *const lists[] = {
	doctor_kernel_checks,
	doctor_user_checks,
	doctor_installation_checks,
};

void doctor_say(struct doctor_finding *finding, enum doctor_result result, const char *format, ...)
{
	va_list args;

	finding->result = result;
	ebcc_buf_clear(&finding->text);
	va_start(args, format);
	ebcc_buf_vprintf(&finding->text, format, args);
	va_end(args);
}

void doctor_advise(struct doctor_finding *finding, const char *format, ...)
{
	va_list args;

	ebcc_buf_clear(&finding->remedy);
	va_start(args, format);
	ebcc_buf_vprintf(&finding->remedy, format, args);
	va_end(args);
}

void doctor_feature(struct doctor_finding *finding, bool exists, const char *advice)
{
	doctor_say(finding, exists ? DOCTOR_OK : DOCTOR_MISSING, exists ? "yes" : "no");
	finding->value = json_boolean(exists);
	if (!exists)
		doctor_advise(finding, "%s", advice);
}

static void finding_deinit(struct doctor_finding *finding)
{
	ebcc_buf_deinit(&finding->text);
	ebcc_buf_deinit(&finding->remedy);
	json_decref(finding->value);
}

static json_t *finding_json(const struct doctor_check *check, const struct doctor_finding *finding)
{
	return json_pack("{s:s,s:s,s:s,s:o?,s:o,s:o}", "group", check->group, "name", check->name,
			 "result", results[finding->result], "value", json_incref(finding->value),
			 "text", cli_json_text(ebcc_buf_string(&finding->text)), "remedy",
			 finding->remedy.size ? cli_json_text(ebcc_buf_string(&finding->remedy))
					      : json_null());
}

static void print_finding(const struct doctor_check *check, const struct doctor_finding *finding)
{
	printf("%-8s %-22s ", results[finding->result], check->name);
	cli_put(stdout, ebcc_buf_string(&finding->text));
	if (finding->remedy.size) {
		fputs(": ", stdout);
		cli_put(stdout, ebcc_buf_string(&finding->remedy));
	}
	putchar('\n');
}

/* Runs one list. Returns the worst result. */
static enum doctor_result run_list(struct doctor *doctor, const struct doctor_check *list,
				   json_t *array)
{
	enum doctor_result worst = DOCTOR_OK;
	const char *group = "";

	for (const struct doctor_check *check = list; check->name; check++) {
		CLEANUP(finding_deinit) struct doctor_finding finding = {0};

		check->run(doctor, &finding);
		worst = finding.result > worst ? finding.result : worst;
		if (array) {
			json_array_append_new(array, finding_json(check, &finding));
			continue;
		}
		if (strcmp(group, check->group))
			printf("%s:\n", check->group);
		group = check->group;
		print_finding(check, &finding);
		fflush(stdout);
	}
	return worst;
}

static int examine(bool json)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	json_t *array = json ? json_array() : NULL;
	enum doctor_result worst = DOCTOR_OK;
	struct doctor doctor = {0};

	ebcc_error_destroy(ebcc_kernel_info_create(NULL, &kernel));
	doctor.kernel = kernel;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		enum doctor_result result = run_list(&doctor, lists[i], array);

		worst = result > worst ? result : worst;
	}
	if (array)
		cli_print_json(
			json_pack("{s:b,s:o}", "ok", worst != DOCTOR_PROBLEM, "checks", array));
	else
		puts(worst == DOCTOR_PROBLEM
			     ? "\nTracing does not work here until the problems are solved."
			     : "\nEverything that tracing needs is there.");
	return worst == DOCTOR_PROBLEM ? CLI_FAILED : CLI_OK;
}

static int run_doctor(const struct cli_command *command, int argc, char **argv)
{
	bool json;
	int option = cli_json_option(command, argc, argv, &json);

	if (option != CLI_OPTIONS_END)
		return cli_option_status(option);
	if (argc > optind)
		return cli_usage(command, "there is one argument too many");
	return examine(json);
}

static const char doctor_text[] =
	"Tries what ebcc uses and prints a line for each: \"ok\"; \"missing\", if something\n"
	"can't be used but the rest works; or \"problem\", if nothing can be traced without\n"
	"it; then what to do about it. Nothing is changed.\n"
	"\n"
	"  --json  print JSON\n"
	"\n"
	"Exit status: 0 if all that tracing needs is there, else 1.\n"
	"\n"
	"examples:\n"
	"  ebcc doctor\n"
	"  ebcc doctor --json | jq '.checks[] | select(.result != \"ok\")'\n";

const struct cli_command cli_doctor = {
	.name = "doctor",
	.summary = "shows what this kernel, user and installation can do, with remedies",
	.arguments = "[--json]",
	.text = doctor_text,
	.run = run_doctor,
};
