/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of `ebcc doctor`. Each looks at one thing and says what it found.
 */
#ifndef EBCC_CLI_DOCTOR_H
#define EBCC_CLI_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "kernel/info.h"

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_INFO,	/* neither good nor bad */
	DOCTOR_MISSING, /* something can't be used; the rest works */
	DOCTOR_PROBLEM, /* something is missing that all tracing needs */
};

struct doctor {
	struct ebcc_kernel_info *kernel; /* NULL: this machine isn't supported */
	bool has_btf;
};

struct doctor_finding {
	enum doctor_result result;
	struct ebcc_buf text, remedy;
	json_t *value; /* the fact itself, for programs; or NULL */
};

struct doctor_check {
	const char *group, *name;
	void (*run)(struct doctor *doctor, struct doctor_finding *ret);
};

/* Each list ends with a check without a name. */
extern const struct doctor_check doctor_kernel_checks[];
extern const struct doctor_check doctor_user_checks[];
extern const struct doctor_check doctor_installation_checks[];

/* Sets the result and its text. */
void doctor_say(struct doctor_finding *finding, enum doctor_result result, const char *format, ...)
	EBCC_PRINTF(3, 4);
/* Sets what to do about it. */
void doctor_advise(struct doctor_finding *finding, const char *format, ...) EBCC_PRINTF(2, 3);

/* Whether something exists: OK, or MISSING with advice. */
void doctor_feature(struct doctor_finding *finding, bool exists, const char *advice);

#endif /* EBCC_CLI_DOCTOR_H */
