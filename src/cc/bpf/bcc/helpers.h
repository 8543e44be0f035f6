/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources include this by habit. Everything in it is available without an include.
 */
#ifndef BCC_HELPERS_H
#define BCC_HELPERS_H

#include "ebcc/dialect.h"

#endif /* BCC_HELPERS_H */
