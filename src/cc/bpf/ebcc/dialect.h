/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source in the dialect may use without an include, apart from the kernel's own types. The
 * compiler includes this after the kernel types and before the source. It relies only on u8 to u64
 * and similar types, size_t, bool, NULL and struct pt_regs. The IR passes know the names that begin
 * with __ebcc_.
 */
#ifndef EBCC_DIALECT_H
#define EBCC_DIALECT_H

/* The guard of the files with all of a kernel's types that bpftool generates. */
#define __VMLINUX_H__

#ifndef EBCC_CPU_COUNT
#define EBCC_CPU_COUNT 1
#endif
#ifndef EBCC_PAGE_SIZE
#define EBCC_PAGE_SIZE 4096
#endif

/* Methods and other helpers have no debug info of their own, so errors in them are reported at the
 * line that uses them. */
#define __EBCC_INLINE static inline __attribute__((always_inline, unused, nodebug))

/* `&NAME` of a map is the address of a constant table. */
#pragma clang diagnostic ignored "-Wincompatible-pointer-types-discards-qualifiers"

/* The kernel's headers declare these. */
#ifndef EBCC_KERNEL_BEGIN_H
#include <string.h>
#endif

#include "ebcc/helper_defs.h"
#include "ebcc/helpers.h"
#include "ebcc/core.h"
#include "ebcc/registers.h"
#include "ebcc/programs.h"
#include "ebcc/maps.h"
#include "ebcc/packets.h"
#include "ebcc/usdt.h"
#ifdef __EBCC_PID_NAMESPACE /* defined by the text of the kernel types */
#include "ebcc/pid_namespace.h"
#endif

#endif /* EBCC_DIALECT_H */
