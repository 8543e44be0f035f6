/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USDT probes within the library: what ebcc_usdt_open() found, for attaching. The files stay open,
 * so probes are set in the files that were read, even if their paths are other files later.
 */
#ifndef EBCC_USDT_USDT_H
#define EBCC_USDT_USDT_H

#include "bpf/ebcc/usdt_spec.h"
#include "elf/symbols.h"
#include "load/module.h"

/* One file that has probes. */
struct ebcc_usdt_binary {
	char *path; /* as the process sees it */
	int fd;
	struct ebcc_elf *elf;
	struct ebcc_elf_kind kind;
};

struct ebcc_usdt_site {
	uint64_t address, semaphore; /* virtual addresses in the file; semaphore 0: none */
	const char *arguments;	     /* borrowed from the ELF file's notes */
};

struct ebcc_usdt_probe {
	const struct ebcc_usdt_binary *binary;
	const char *provider, *name; /* borrowed from the notes */
	const struct ebcc_usdt_site *sites;
	size_t site_count;
	size_t order; /* position of its first site among the file's notes */
};

struct ebcc_usdt {
	int pid; /* or 0 */
	struct ebcc_usdt_binary **binaries;
	size_t binary_count;
	struct ebcc_usdt_site **sites; /* one array for each binary */
	struct ebcc_usdt_probe *probes;
	size_t probe_count;
};

/* Whether "PROVIDER:NAME" or "NAME" refers to this probe. */
bool ebcc_usdt_is_named(const struct ebcc_usdt_probe *probe, const char *name);

/*
 * Encodes the arguments of one site for programs. Arguments that can't be read are of the kind
 * EBCC_USDT_NONE; *@ret_unreadable is the number of the last such argument, counting from 1, and
 * *@ret_reason says why; or it is 0.
 */
void ebcc_usdt_encode_site(const struct ebcc_usdt_probe *probe, const struct ebcc_usdt_site *site,
			   struct ebcc_usdt_spec *ret, size_t *ret_unreadable,
			   const char **ret_reason);

/* ---- semaphore.c: for kernels that don't count tracers ---- */

/*
 * Counts one more tracer in the memory of a process, at @address.
 * @memory: /proc/PID/mem, open for reading and writing.
 * Fails with EBCC_ERROR_OS, or EBCC_ERROR_FORMAT if the counter is at its maximum.
 */
MUST_CHECK struct ebcc_error *ebcc_semaphore_raise(int memory, uint64_t address);
/* Counts one less. Does nothing if the process has ended or runs another program by now. */
void ebcc_semaphore_lower(int memory, uint64_t address);

#endif /* EBCC_USDT_USDT_H */
