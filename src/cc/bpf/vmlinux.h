/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources written for libbpf include this for the kernel's types. Those that a source uses are
 * there without an include, as the running kernel has them. dialect.h defines __VMLINUX_H__, the
 * guard of the files that bpftool generates, so a copy beside the source is left out.
 */
#include "ebcc/dialect.h"
