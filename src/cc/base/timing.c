// SPDX-License-Identifier: Apache-2.0
#include "base/timing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NS_PER_MS 1e6

static const struct {
	const char *name;
	bool counted;
} descriptions[] = {
#define DESCRIPTION(constant, name, counted) [EBCC_STAGE_##constant] = {name, counted},
	EBCC_STAGES(DESCRIPTION)
#undef DESCRIPTION
};

bool ebcc_timing_wanted(void)
{
	const char *value = secure_getenv("EBCC_TRACE");

	return value && *value && strcmp(value, "0");
}

/* Counts the time until now for the current stage. */
static void settle(struct ebcc_timing *timing)
{
	uint64_t now = ebcc_now_ns();

	timing->stages[timing->current].ns += now - timing->since;
	timing->since = now;
}

struct ebcc_timing_scope ebcc_timing_enter(struct ebcc_timing *timing, enum ebcc_stage stage)
{
	struct ebcc_timing_scope scope = {.timing = timing};

	if (!timing)
		return scope;
	settle(timing);
	scope.outer = timing->current;
	timing->stages[stage].runs++;
	timing->current = stage;
	return scope;
}

void ebcc_timing_leave(struct ebcc_timing_scope *scope)
{
	if (!scope->timing)
		return;
	settle(scope->timing);
	scope->timing->current = scope->outer;
}

void ebcc_timing_add(struct ebcc_timing *timing, const struct ebcc_stage_time *stages)
{
	uint64_t sum = 0;

	for (int i = EBCC_STAGE_NONE + 1; i < EBCC_STAGE_COUNT; i++) {
		timing->stages[i].ns += stages[i].ns;
		timing->stages[i].runs += stages[i].runs;
		sum += stages[i].ns;
	}
	settle(timing);
	if (sum < timing->stages[timing->current].ns)
		timing->stages[timing->current].ns -= sum;
}

void ebcc_timing_describe(const struct ebcc_timing *timing, struct ebcc_buf *buf)
{
	const char *separator = "";

	for (int i = EBCC_STAGE_NONE + 1; i < EBCC_STAGE_COUNT; i++) {
		const struct ebcc_stage_time *stage = &timing->stages[i];

		if (!stage->runs)
			continue;
		ebcc_buf_printf(buf, "%s%s %.2f", separator, descriptions[i].name,
				(double)stage->ns / NS_PER_MS);
		if (descriptions[i].counted && stage->runs > 1)
			ebcc_buf_printf(buf, " (%llu)", (unsigned long long)stage->runs);
		separator = ", ";
	}
	if (*separator)
		ebcc_buf_append_string(buf, " ms");
}
