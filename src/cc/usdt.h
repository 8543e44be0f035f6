/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USDT probes within the library: what ebcc_usdt_open() found, for those who attach to it. The
 * files stay open, so that probes are set in what was read, whatever its path leads to later.
 */
#ifndef EBCC_USDT_INTERNAL_H
#define EBCC_USDT_INTERNAL_H

#include "bpf/ebcc/usdt_spec.h"
#include "elf_symbols.h"
#include "module.h"

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

/* ---- usdt_specs.c: the module's map of argument layouts ---- */

struct ebcc_usdt_specs;

/* Whether a program of the module reads arguments at all. */
bool ebcc_usdt_specs_wanted(const struct ebcc_module *module);

/*
 * Enters a layout, or counts one more user of an equal one.
 * @key: an instruction pointer; 0: the module chooses a cookie.
 * @ret_key: what to give to ebcc_usdt_specs_remove(), and to attach with where it is a cookie.
 * Errors: EBCC_ERROR_STATE: the map is full, or the instruction pointer has another layout.
 */
MUST_CHECK struct ebcc_error *ebcc_usdt_specs_add(struct ebcc_module *module, uint64_t key,
						  const struct ebcc_usdt_spec *spec,
						  uint64_t *ret_key);
void ebcc_usdt_specs_remove(struct ebcc_module *module, uint64_t key);
void ebcc_usdt_specs_destroy(struct ebcc_usdt_specs *specs);

/* ---- usdt_semaphore.c: for kernels that don't count tracers ---- */

/*
 * Counts one more tracer in the memory of a process, at @address there.
 * @memory: /proc/PID/mem, open for reading and writing.
 * Errors: EBCC_ERROR_OS; EBCC_ERROR_FORMAT where the counter is at its end.
 */
MUST_CHECK struct ebcc_error *ebcc_semaphore_raise(int memory, uint64_t address);
/* And one less. A process that has ended or runs another program by now is left alone. */
void ebcc_semaphore_lower(int memory, uint64_t address);

#endif /* EBCC_USDT_INTERNAL_H */
