/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources written for libbpf may include this for the helpers, which are there without an include.
 */
#include "ebcc/dialect.h"
