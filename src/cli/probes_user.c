// SPDX-License-Identifier: Apache-2.0
/*
 * Probes in programs and libraries.
 */
#include <stdlib.h>
#include <string.h>

#include "probes.h"
#include "report.h"

struct ebcc_error *cli_list_user_functions(struct cli_probes *probes)
{
	const struct ebcc_binary_opts opts = {.sz = sizeof(opts), .pid = probes->pid};
	AUTO_FREE uint64_t *addresses = NULL;
	AUTO_FREE char **names = NULL;
	size_t count;

	TRY(ebcc_binary_find_functions(probes->file, "", &opts, &names, &addresses, &count));
	for (size_t i = 0; i < count; i++) {
		struct cli_probe probe = {.scope = probes->file, .name = names[i]};

		if (!cli_probes_match(probes, NULL, names[i]) ||
		    (i && !strcmp(names[i], names[i - 1])))
			continue;
		if (probes->verbose)
			probe.more = json_pack("{s:I}", "address", (json_int_t)addresses[i]);
		cli_probes_found(probes, &probe);
	}
	return NULL;
}

static json_t *usdt_arguments(const struct ebcc_usdt_probe *probe)
{
	json_t *array = json_array();

	for (size_t i = 0; i < ebcc_usdt_probe_argument_count(probe); i++) {
		const char *type = ebcc_usdt_probe_argument_type(probe, i);
		AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT, text = EBCC_BUF_INIT;

		ebcc_buf_printf(&name, "arg%zu", i + 1);
		ebcc_buf_printf(&text, "%s %s", type ? type : "(can't be read)",
				ebcc_buf_string(&name));
		json_array_append_new(array, json_pack("{s:o,s:o,s:o}", "name",
						       cli_json_text(ebcc_buf_string(&name)),
						       "type", cli_json_text(type), "declaration",
						       cli_json_text(ebcc_buf_string(&text))));
	}
	return array;
}

static json_t *usdt_locations(const struct ebcc_usdt_probe *probe)
{
	struct ebcc_usdt_location location;
	json_t *array = json_array();

	for (size_t i = 0; ebcc_usdt_probe_location_at(probe, i, &location, sizeof(location)); i++)
		json_array_append_new(array, json_pack("{s:I,s:o}", "address",
						       (json_int_t)location.address, "arguments",
						       cli_json_text(location.arguments)));
	return array;
}

static void found_usdt(struct cli_probes *probes, const struct ebcc_usdt_probe *usdt)
{
	AUTO_BUF struct ebcc_buf scope = EBCC_BUF_INIT;
	struct cli_probe probe = {.name = ebcc_usdt_probe_name(usdt)};

	ebcc_buf_printf(&scope, "%s:%s", ebcc_usdt_probe_binary(usdt),
			ebcc_usdt_probe_provider(usdt));
	probe.scope = ebcc_buf_string(&scope);
	if (probes->verbose) {
		probe.arguments = usdt_arguments(usdt);
		probe.more =
			json_pack("{s:b,s:o}", "semaphore", ebcc_usdt_probe_semaphore(usdt) != 0,
				  "locations", usdt_locations(usdt));
	}
	cli_probes_found(probes, &probe);
}

struct ebcc_error *cli_list_usdt(struct cli_probes *probes)
{
	const struct ebcc_usdt_opts opts = {
		.sz = sizeof(opts), .pid = probes->pid, .binary = probes->file};
	struct ebcc_usdt *usdt;

	TRY(ebcc_usdt_open(&opts, &usdt));
	for (size_t i = 0; i < ebcc_usdt_probe_count(usdt); i++) {
		const struct ebcc_usdt_probe *probe = ebcc_usdt_probe_at(usdt, i);

		if (cli_probes_match(probes, ebcc_usdt_probe_provider(probe),
				     ebcc_usdt_probe_name(probe)))
			found_usdt(probes, probe);
	}
	ebcc_usdt_close(usdt);
	return NULL;
}
