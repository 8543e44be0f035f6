/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the kernel's helper functions, from the header that the library was built with. */
#ifndef EBCC_BASE_HELPER_NAMES_H
#define EBCC_BASE_HELPER_NAMES_H

/* The name of the helper with that number ("bpf_map_lookup_elem" of 1). They are numbered from 1
 * without gaps; NULL: there is none. */
const char *ebcc_helper_name(unsigned number);

#endif /* EBCC_BASE_HELPER_NAMES_H */
