/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `ebcc probes` lists, and how each kind is found and shown.
 */
#ifndef EBCC_CLI_PROBES_H
#define EBCC_CLI_PROBES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/near_names.h"
#include "kernel/btf.h"

enum cli_probe_kind {
	CLI_KPROBE,
	CLI_KRETPROBE,
	CLI_TRACEPOINT,
	CLI_RAW_TRACEPOINT,
	CLI_FENTRY,
	CLI_FEXIT,
	CLI_LSM,
	CLI_ITER,
	CLI_UPROBE,
	CLI_URETPROBE,
	CLI_USDT,
	CLI_PROBE_KINDS,
};

struct cli_probes {
	unsigned found;	     /* bits of the kinds of which there are some */
	unsigned kinds;	     /* bits of enum cli_probe_kind */
	const char *pattern; /* a glob, for names */
	const char *file;    /* for uprobe and usdt; NULL: all files of pid */
	int pid;	     /* or 0 */
	bool verbose, json;
	bool is_literal;	     /* the pattern has no wildcards */
	enum cli_probe_kind kind;    /* the kind that is being listed */
	struct ebcc_kernel_btf *btf; /* NULL until it is needed, or if there is none */
	bool btf_tried;
	struct ebcc_hash functions; /* id of each function of the BTF by name; filled when needed */
	struct ebcc_near_names near;
	size_t count; /* of what was found */
};

/* A probe that was found. */
struct cli_probe {
	const char *scope; /* category, module, or file with the provider; or NULL */
	const char *name;
	json_t *arguments;    /* array of {"name", "type", ...}, or NULL; owned by the probe */
	const char *returned; /* type; or NULL */
	json_t *more;	      /* an object with further facts for JSON, or NULL; owned */
};

/* Whether a name matches the pattern. A pattern with a colon is compared with "SCOPE:NAME". */
bool cli_probes_match(struct cli_probes *probes, const char *scope, const char *name);

/* Shows a probe that matches, and releases what it owns. */
void cli_probes_found(struct cli_probes *probes, struct cli_probe *probe);

/* The kernel's BTF, or NULL. */
const struct ebcc_kernel_btf *cli_probes_btf(struct cli_probes *probes);

/* Find the probes of one kind, probes->kind. */
MUST_CHECK struct ebcc_error *cli_list_functions(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_tracepoints(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_raw_tracepoints(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_typed_functions(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_hooks(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_iterators(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_user_functions(struct cli_probes *probes);
MUST_CHECK struct ebcc_error *cli_list_usdt(struct cli_probes *probes);

#endif /* EBCC_CLI_PROBES_H */
