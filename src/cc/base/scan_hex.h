/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing hexadecimal numbers in /proc's lists and in perf maps. There may be millions, in text
 * that is not NUL-terminated, so strtoull() is not an option.
 */
#ifndef EBCC_BASE_SCAN_HEX_H
#define EBCC_BASE_SCAN_HEX_H

#include <stdbool.h>
#include <stdint.h>

static inline int hexadecimal_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads up to 16 digits at *@at, none of them at or after @limit, and advances *@at past them.
 * Returns false if there is no digit. */
static inline bool ebcc_scan_hex(const char **at, const char *limit, uint64_t *ret)
{
	const char *start = *at;
	uint64_t value = 0;
	int digit;

	while (*at < limit && *at - start < 16 && (digit = hexadecimal_digit(**at)) >= 0) {
		value = value << 4 | (unsigned)digit;
		++*at;
	}
	*ret = value;
	return *at > start;
}

#endif /* EBCC_BASE_SCAN_HEX_H */
