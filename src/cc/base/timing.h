/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the stages of a module take, by the clock. Stages nest: while an inner one runs, the
 * outer one's time stands still, so the times of all stages add up. Both ends of the compiler's
 * pipe measure, and the helper's times arrive with its answer.
 *
 * With EBCC_TRACE in the environment, a module that is destroyed writes them to standard error,
 * as one line:
 *
 *	ebcc: main.c: scan 0.21, types 2.87, helper 4.10, parse 14.92, ... attach 1.20 (3) ms
 */
#ifndef EBCC_BASE_TIMING_H
#define EBCC_BASE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* X(constant, name, whether the line says how often it ran), in the order of the line. */
/* Cache: looking at the kernel and for the object, and storing it; scan: of the source, for names
 * of types; types: making the kernel's; helper: its start and end, sending, waiting; parse: from C
 * to LLVM's IR; passes: the dialect's; optimize: LLVM's; emit: from IR to the object; open: reading
 * its maps, programs and types; load: creating the maps, and verifying each program. */
#define EBCC_STAGES(X)                                                                             \
	X(CACHE, "cache", false)                                                                   \
	X(SCAN, "scan", false)                                                                     \
	X(TYPES, "types", false)                                                                   \
	X(HELPER, "helper", false)                                                                 \
	X(PARSE, "parse", true)                                                                    \
	X(PASSES, "passes", false)                                                                 \
	X(OPTIMIZE, "optimize", false)                                                             \
	X(EMIT, "emit", false)                                                                     \
	X(OPEN, "open", false)                                                                     \
	X(LOAD, "load", true)                                                                      \
	X(ATTACH, "attach", true)                                                                  \
	X(DETACH, "detach", true)

enum ebcc_stage {
	EBCC_STAGE_NONE,
#define EBCC_STAGE_CONSTANT(constant, name, counted) EBCC_STAGE_##constant,
	EBCC_STAGES(EBCC_STAGE_CONSTANT)
#undef EBCC_STAGE_CONSTANT
		EBCC_STAGE_COUNT,
};

struct ebcc_stage_time {
	uint64_t ns;
	uint64_t runs;
};

struct ebcc_timing {
	struct ebcc_stage_time stages[EBCC_STAGE_COUNT];
	enum ebcc_stage current; /* what runs now */
	uint64_t since;
};

/* Whether the environment asks for the line. */
bool ebcc_timing_wanted(void);

/* Adds what another process measured while the current stage ran, of which it is a part. */
void ebcc_timing_add(struct ebcc_timing *timing, const struct ebcc_stage_time *stages);

/* Appends the line's stages: "scan 0.21, types 2.87 ms"; nothing if none ran. */
void ebcc_timing_describe(const struct ebcc_timing *timing, struct ebcc_buf *buf);

/* Until the end of the enclosing block, time counts for a stage. A NULL timing is allowed. */
struct ebcc_timing_scope {
	struct ebcc_timing *timing;
	enum ebcc_stage outer;
};
struct ebcc_timing_scope ebcc_timing_enter(struct ebcc_timing *timing, enum ebcc_stage stage);
void ebcc_timing_leave(struct ebcc_timing_scope *scope);

#define TIME_STAGE(timing, stage)                                                                  \
	CLEANUP(ebcc_timing_leave)                                                                 \
	struct ebcc_timing_scope timing_scope_ = ebcc_timing_enter((timing), EBCC_STAGE_##stage)

#endif /* EBCC_BASE_TIMING_H */
