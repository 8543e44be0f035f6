// SPDX-License-Identifier: Apache-2.0
/*
 * The memory of a compiler's answer: growing its lists and freeing it. Both sides of the
 * pipe link this.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/answer.h"

/* Makes room for one more element after @count: the list is full when @count is 0 or a power of
 * two. */
static void *grow(void *list, size_t count, size_t element_size)
{
	if (count & (count - 1))
		return list;
	return reallocarray(list, count ? count * 2 : 1, element_size);
}

static void diagnostic_deinit(struct ebcc_cc_diagnostic *diagnostic)
{
	free(diagnostic->path);
	free(diagnostic->message);
	free(diagnostic->rendered);
}

bool ebcc_cc_answer_add_diagnostic(struct ebcc_cc_answer *answer, enum ebcc_cc_severity severity,
				   const char *path, unsigned line, unsigned column,
				   const char *message, const char *rendered)
{
	struct ebcc_cc_diagnostic *diagnostic =
		grow(answer->diagnostics, answer->diagnostic_count, sizeof(*diagnostic));

	if (!diagnostic)
		return false;
	answer->diagnostics = diagnostic;
	diagnostic += answer->diagnostic_count;
	*diagnostic = (struct ebcc_cc_diagnostic){
		.severity = severity,
		.path = strdup(path ? path : ""),
		.line = line,
		.column = column,
		.message = strdup(message ? message : ""),
		.rendered = strdup(rendered ? rendered : ""),
	};
	if (!diagnostic->path || !diagnostic->message || !diagnostic->rendered) {
		diagnostic_deinit(diagnostic);
		return false;
	}
	answer->diagnostic_count++;
	return true;
}

void ebcc_cc_answer_remove_diagnostic(struct ebcc_cc_answer *answer, size_t index)
{
	struct ebcc_cc_diagnostic *removed = &answer->diagnostics[index];

	diagnostic_deinit(removed);
	answer->diagnostic_count--;
	memmove(removed, removed + 1, (answer->diagnostic_count - index) * sizeof(*removed));
}

bool ebcc_cc_answer_add_dependency(struct ebcc_cc_answer *answer, const char *path, uint64_t hash,
				   bool missing)
{
	struct ebcc_cc_dependency *dependency =
		grow(answer->dependencies, answer->dependency_count, sizeof(*dependency));
	char *copy = strdup(path);

	if (dependency)
		answer->dependencies = dependency;
	if (!dependency || !copy) {
		free(copy);
		return false;
	}
	answer->dependencies[answer->dependency_count++] = (struct ebcc_cc_dependency){
		.path = copy,
		.hash = hash,
		.missing = missing,
	};
	return true;
}

void ebcc_cc_answer_deinit(struct ebcc_cc_answer *answer)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++)
		diagnostic_deinit(&answer->diagnostics[i]);
	free(answer->diagnostics);
	for (size_t i = 0; i < answer->dependency_count; i++)
		free(answer->dependencies[i].path);
	free(answer->dependencies);
	free(answer->object);
	free(answer->ir);
	free(answer->preprocessed);
	free(answer->assembly);
	memset(answer, 0, sizeof(*answer));
}

const char *ebcc_cc_severity_name(enum ebcc_cc_severity severity)
{
	switch (severity) {
	case EBCC_CC_NOTE:
		return "note";
	case EBCC_CC_WARNING:
		return "warning";
	case EBCC_CC_ERROR:
		return "error";
	default:
		return "fatal error";
	}
}
