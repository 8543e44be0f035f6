/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the types that a source declares, as JSON and as text for people.
 */
#ifndef EBCC_CLI_VALUE_H
#define EBCC_CLI_VALUE_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "ebcc.h"

/*
 * The value as JSON: numbers, enumerators by name, arrays of char as strings, structs and unions as
 * objects, other arrays as arrays, pointers and numbers of 128 bits as strings in hexadecimal.
 *
 * @type: NULL for bytes of an unknown type, which become a string in hexadecimal.
 * @size: of @value, in bytes. A value that is shorter than its type is treated as bytes, and so is
 * a type with so many members that it can only be meant to do harm.
 */
json_t *cli_value_json(const struct ebcc_type *type, const void *value, size_t size);

/* Appends what cli_value_json() returns as text: members of the outermost struct as "name=value",
 * separated by spaces; inner ones in braces. */
void cli_value_text(const struct ebcc_type *type, const void *value, size_t size,
		    struct ebcc_buf *ret);

/* Orders two values of a type that is also a key's: numbers by value, anything else by its bytes.
 */
int cli_value_compare(const struct ebcc_type *type, const void *left, const void *right,
		      size_t size);

#endif /* EBCC_CLI_VALUE_H */
