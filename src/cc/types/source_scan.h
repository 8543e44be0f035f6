/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1: which names a source uses. This is a lexical pass, not a parser. It finds every
 * identifier and how it is used, the tracepoints, and the headers. Stage 2 then provides
 * definitions for all names that may need one. Where the scan is wrong (pasted names,
 * conditionals), the diagnostics of a failed compile correct it (ebcc_ktypes_learn()).
 */
#ifndef EBCC_TYPES_SOURCE_SCAN_H
#define EBCC_TYPES_SOURCE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"

/* How a name is used, as bits of a value in ebcc_scan.names. */
enum ebcc_scan_use {
	EBCC_SCAN_TOKEN = 1 << 0,	/* neither a tag nor a member */
	EBCC_SCAN_TAG = 1 << 1,		/* after struct, union or enum */
	EBCC_SCAN_MEMBER = 1 << 2,	/* after . or -> */
	EBCC_SCAN_DEFINES_TAG = 1 << 3, /* struct, union or enum with a body */
	EBCC_SCAN_DEFINES_TYPEDEF = 1 << 4,
	EBCC_SCAN_DEFINES_ENUMERATOR = 1 << 5,
	EBCC_SCAN_DEFINES_MACRO = 1 << 6,
	EBCC_SCAN_DEFINES_OBJECT = 1 << 7, /* function, variable or map at file scope */
	EBCC_SCAN_ASKED = 1 << 8,	   /* learnt: needed, whatever the source seems to define */
	EBCC_SCAN_DROPPED_TAG = 1 << 9,	   /* learnt: the source defines a struct, union or enum */
	EBCC_SCAN_DROPPED_ORDINARY = 1 << 10, /* learnt: the source defines something else */
	EBCC_SCAN_DOUBTFUL = 1 << 11, /* after a struct's body, where an attribute may be meant */
};

/* A tracepoint whose struct the source needs. */
struct ebcc_scan_tracepoint {
	char *category; /* NULL: @event is CATEGORY__EVENT, not split yet */
	char *event;
};

struct ebcc_scan {
	struct ebcc_hash names; /* name -> enum ebcc_scan_use */
	struct ebcc_scan_tracepoint *tracepoints;
	size_t tracepoint_count;
	char **includes; /* as written, without <> or "" */
	size_t include_count;
	char **files; /* paths of local headers that were scanned */
	size_t file_count;
	char **defines; /* names that -D defines */
	size_t define_count;
	bool net_headers; /* a networking header is included, of <net/...> or <linux/...> */
};

struct ebcc_scan_opts {
	const char *path;	   /* of the source, for #include "..."; may be NULL */
	const char *const *cflags; /* -D, -I, -iquote and -include are used */
	size_t cflag_count;
};

/* Scans a source and the local headers that it includes. @opts may be NULL. @ret is initialized by
 * the call; release it with ebcc_scan_deinit() after success. Fails only if memory runs out. */
MUST_CHECK struct ebcc_error *ebcc_scan_source(const char *text, size_t size,
					       const struct ebcc_scan_opts *opts,
					       struct ebcc_scan *ret);

/* Adds the names in another text (a kernel macro, a tracepoint's struct) to a scan, including those
 * that it defines. Headers are not followed. */
MUST_CHECK struct ebcc_error *ebcc_scan_text(struct ebcc_scan *scan, const char *text, size_t size);

/* Adds a tracepoint whose struct is needed. The strings are copied; @category may be NULL. */
MUST_CHECK struct ebcc_error *ebcc_scan_add_tracepoint(struct ebcc_scan *scan, const char *category,
						       size_t category_size, const char *event,
						       size_t event_size);

/* Whether the source calls one of the functions of ebcc/pid_namespace.h. */
bool ebcc_scan_names_pid_namespace(const struct ebcc_scan *scan);

/* Adds the names that a text uses, but not those that it defines. */
MUST_CHECK struct ebcc_error *ebcc_scan_merge_names(struct ebcc_scan *scan, const char *text,
						    size_t size);

/* The uses of a name, as bits of enum ebcc_scan_use; 0 if it doesn't occur. */
unsigned ebcc_scan_uses(const struct ebcc_scan *scan, const char *name);

void ebcc_scan_init(struct ebcc_scan *scan);
void ebcc_scan_deinit(struct ebcc_scan *scan);
#define AUTO_SCAN CLEANUP(ebcc_scan_deinit)

#endif /* EBCC_TYPES_SOURCE_SCAN_H */
