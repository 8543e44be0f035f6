/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources written for libbpf include this for bpf_ntohs() and similar, which are there without an
 * include (ebcc/helpers.h).
 */
#include "ebcc/dialect.h"
