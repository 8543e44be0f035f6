/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USDT probes within the library: what ebcc_usdt_open() found, for those who attach to it. The
 * files stay open, so that probes are set in what was read, whatever its path leads to later.
 */
#ifndef EBCC_USDT_USDT_H
#define EBCC_USDT_USDT_H

#include "bpf/ebcc/usdt_spec.h"
#include "elf/symbols.h"
#include "load/module.h"

/* One file that has probes. */
struct ebcc_usdt_binary {
	char *path; /* as the process names it */
	int fd;
	struct ebcc_elf *elf;
	struct ebcc_elf_kind kind;
};

struct ebcc_usdt_site {
	uint64_t address, semaphore; /* as in the file; semaphore 0: none */
	const char *arguments;	     /* borrowed from the ELF file's notes */
};

struct ebcc_usdt_probe {
	const struct ebcc_usdt_binary *binary;
	const char *provider, *name; /* borrowed from the notes */
	const struct ebcc_usdt_site *sites;
	size_t site_count;
	size_t order; /* of its first site among the file's notes */
};

struct ebcc_usdt {
	int pid; /* or 0 */
	struct ebcc_usdt_binary **binaries;
	size_t binary_count;
	struct ebcc_usdt_site **sites; /* one array for each binary */
	struct ebcc_usdt_probe *probes;
	size_t probe_count;
};

/* Whether a probe is meant by "PROVIDER:NAME" or "NAME". */
bool ebcc_usdt_is_named(const struct ebcc_usdt_probe *probe, const char *name);

/*
 * What programs read the arguments of one site by. Arguments that can't be read are of the kind
 * EBCC_USDT_NONE; *@ret_reason says why for the last such one, and *@ret_unreadable is its number
 * from 1 on, or 0.
 */
void ebcc_usdt_encode_site(const struct ebcc_usdt_probe *probe, const struct ebcc_usdt_site *site,
			   struct ebcc_usdt_spec *ret, size_t *ret_unreadable,
			   const char **ret_reason);

/* ---- semaphore.c: for kernels that don't count tracers ---- */

/*
 * Counts one more tracer in the memory of a process, at @address there.
 * @memory: /proc/PID/mem, open for reading and writing.
 * Errors: EBCC_ERROR_OS; EBCC_ERROR_FORMAT where the counter is at its end.
 */
MUST_CHECK struct ebcc_error *ebcc_semaphore_raise(int memory, uint64_t address);
/* And one less. A process that has ended or runs another program by now is left alone. */
void ebcc_semaphore_lower(int memory, uint64_t address);

#endif /* EBCC_USDT_USDT_H */
