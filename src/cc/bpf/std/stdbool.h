/* SPDX-License-Identifier: Apache-2.0 */
/* <stdbool.h> for BPF programs. The kernel types have bool, true and false already, so there is
 * nothing to do. */
#ifndef EBCC_STD_STDBOOL_H
#define EBCC_STD_STDBOOL_H
#endif
