// SPDX-License-Identifier: Apache-2.0
/*
 * How much a symbolizer may keep, and how long it may read. Traced processes decide how many maps,
 * files and perf maps there are and how large. So there is one limit on the memory that all of them
 * take (the least recently used are dropped first), and one on the processor time for reading. What
 * is left out because of these limits is counted.
 */
#include "base/clock.h"
#include "symbols/symbolizer_internal.h"

/* Reading may take one part in WORK_PART of the time that passes. */
#define WORK_PART 10

void symbolizer_charge(struct ebcc_symbolizer *symbolizer, size_t *charged, size_t size)
{
	symbolizer->memory += size - *charged;
	*charged = size;
}

void symbolizer_leave_out(struct ebcc_symbolizer *symbolizer, enum left_out reason,
			  const char *subject)
{
	static const char *const texts[] = {
		[LEFT_TOO_LARGE] = "is too large to be kept",
		[LEFT_NO_MEMORY] = "is not read because the limit on memory for symbols is reached",
		[LEFT_NO_TIME] = "is not read now because the time for reading symbols is used up",
	};

	if (symbolizer->left_out[reason]++)
		return;
	ebcc_log(&symbolizer->log, EBCC_LOG_WARNING,
		 "%s %s: addresses in it are shown without names (this is logged only once for "
		 "each reason)",
		 subject, texts[reason]);
}

/* ---- Time ---- */

bool symbolizer_may_work(struct ebcc_symbolizer *symbolizer, const char *subject)
{
	struct work_budget *work = &symbolizer->work;
	uint64_t now = ebcc_now_ns();
	int64_t more = (int64_t)((now - work->filled) / WORK_PART);

	work->left = more > work->limit - work->left ? work->limit : work->left + more;
	work->filled = now;
	if (work->left > 0)
		return true;
	symbolizer_leave_out(symbolizer, LEFT_NO_TIME, subject);
	return false;
}

uint64_t symbolizer_worked(struct ebcc_symbolizer *symbolizer, uint64_t begin)
{
	uint64_t spent = ebcc_work_ns() - begin;

	symbolizer->work.left -= (int64_t)spent;
	return spent;
}
