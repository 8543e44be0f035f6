/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernel a source is compiled for: its version, configuration, build identity and the
 * machine's figures that enter a compile. Every input can be replaced, for tests and for
 * compiling ahead.
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
	const char *root;      /* stands for "/" before /proc, /sys, /boot and /lib; NULL: "" */
	const char *release;   /* as uname -r; NULL: ROOT/proc/sys/kernel/osrelease */
	const char *version;   /* as uname -v; NULL: ROOT/proc/sys/kernel/version */
	const char *machine;   /* as uname -m; NULL: $ARCH, ROOT/proc/sys/kernel/arch if it is
				  there, or the running kernel's */
	uint32_t version_code; /* 0: $BCC_LINUX_VERSION_CODE, or derived */
};

struct ebcc_kernel_info {
	char *release;	       /* as uname -r */
	char *version;	       /* as uname -v; "" where a root does not say it */
	uint32_t version_code; /* LINUX_VERSION_CODE */
	enum ebcc_arch_id arch;
	char build_id[41];  /* hex, "" where /sys/kernel/notes has none */
	size_t page_size;   /* bytes; 0: not known, of another kernel */
	unsigned cpu_count; /* possible CPUs */
	char *root;
	char *tracefs; /* below the root, or NULL: where this system has it */
	/* Filled by the first ebcc_kernel_config(). */
	bool config_read;
	char *config_path; /* where the configuration was found, or NULL */
	char *config_text;
	size_t config_size;
};

/* Reads the identity (about 0.1 ms); the configuration is read when first asked for. @opts may be
 * NULL. The caller destroys @ret. EBCC_ERROR_UNSUPPORTED for a machine that has no BPF backend
 * here, EBCC_ERROR_NOT_FOUND for a root
 * that does not say which kernel it is of. */
MUST_CHECK struct ebcc_error *ebcc_kernel_info_create(const struct ebcc_kernel_info_opts *opts,
						      struct ebcc_kernel_info **ret);
void ebcc_kernel_info_destroy(struct ebcc_kernel_info *info);

static inline void ebcc_cleanup_kernel_info(struct ebcc_kernel_info **info)
{
	ebcc_kernel_info_destroy(*info);
}
#define AUTO_KERNEL_INFO CLEANUP(ebcc_cleanup_kernel_info)

/*
 * The value of a configuration symbol ("CONFIG_HZ"): "y", "m", a number, or a string with its
 * quotes. *ret = NULL where it is not set, or no configuration can be found: then
 * info->config_path is NULL afterwards, and config.h may know more. malloc'ed. The
 * configuration is what EBCC_KERNEL_CONFIG names (EBCC_ERROR_NOT_FOUND where that isn't one), for
 * the running kernel, or the first of ebcc_kernel_config_places().
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_config(struct ebcc_kernel_info *info, const char *symbol,
						 char **ret);

/* Appends the places where a configuration is looked for, as part of a sentence. */
void ebcc_kernel_config_places(const struct ebcc_kernel_info *info, struct ebcc_buf *text);

/* LINUX_VERSION_CODE of "6.1.192-2" and the like: 0 when it does not begin with a version. */
uint32_t ebcc_kernel_version_parse(const char *text);

#endif /* EBCC_KERNEL_INFO_H */
