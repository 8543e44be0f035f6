/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel that a source is compiled for: its version, configuration, build id, and properties of
 * the machine that a compile depends on. Every input can be replaced, for tests and for compiling
 * ahead of time.
 */
#ifndef EBCC_KERNEL_INFO_H
#define EBCC_KERNEL_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"

struct ebcc_kernel_info_opts {
	const char *root;      /* prefix of /proc, /sys, /boot and /lib; NULL: "" */
	const char *release;   /* as uname -r prints it; NULL: ROOT/proc/sys/kernel/osrelease */
	const char *version;   /* as uname -v prints it; NULL: ROOT/proc/sys/kernel/version */
	const char *machine;   /* as uname -m prints it; NULL: $ARCH, else
				  ROOT/proc/sys/kernel/arch, else the running kernel's */
	uint32_t version_code; /* 0: $BCC_LINUX_VERSION_CODE, or derived from the others */
};

struct ebcc_kernel_info {
	char *release;	       /* as uname -r prints it */
	char *version;	       /* as uname -v prints it; "": the root doesn't have it */
	uint32_t version_code; /* LINUX_VERSION_CODE */
	enum ebcc_arch_id arch;
	char build_id[41];  /* in hex; "": /sys/kernel/notes has none */
	size_t page_size;   /* in bytes; 0: not known, for another kernel */
	unsigned cpu_count; /* possible CPUs */
	char *root;
	char *tracefs; /* below the root; NULL: where this system has it mounted */
	/* Set by the first ebcc_kernel_config(). */
	bool config_read;
	char *config_path; /* where the configuration was found, or NULL */
	char *config_text;
	size_t config_size;
};

/* Reads everything but the configuration (about 0.1 ms), which is read when it is first asked for.
 * @opts may be NULL. The caller destroys @ret. EBCC_ERROR_UNSUPPORTED if the architecture is not
 * supported, EBCC_ERROR_NOT_FOUND if a root lacks the file with the kernel's release. */
MUST_CHECK struct ebcc_error *ebcc_kernel_info_create(const struct ebcc_kernel_info_opts *opts,
						      struct ebcc_kernel_info **ret);
void ebcc_kernel_info_destroy(struct ebcc_kernel_info *info);

static inline void ebcc_cleanup_kernel_info(struct ebcc_kernel_info **info)
{
	ebcc_kernel_info_destroy(*info);
}
#define AUTO_KERNEL_INFO CLEANUP(ebcc_cleanup_kernel_info)

/*
 * Returns the value of a configuration symbol ("CONFIG_HZ"): "y", "m", a number, or a string with
 * its quotes, malloc'ed. *ret is NULL if it is not set or there is no configuration; in the latter
 * case info->config_path is NULL afterwards, and config.h may be able to deduce the value. The
 * configuration is the file that EBCC_KERNEL_CONFIG names (for the running kernel only;
 * EBCC_ERROR_NOT_FOUND if that is not a configuration), or the first of
 * ebcc_kernel_config_places().
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_config(struct ebcc_kernel_info *info, const char *symbol,
						 char **ret);

/* Appends the places that are searched for a configuration, as part of a sentence. */
void ebcc_kernel_config_places(const struct ebcc_kernel_info *info, struct ebcc_buf *text);

/* Returns the LINUX_VERSION_CODE of a text like "6.1.192-2", or 0 if it doesn't begin with a
 * version. */
uint32_t ebcc_kernel_version_parse(const char *text);

#endif /* EBCC_KERNEL_INFO_H */
