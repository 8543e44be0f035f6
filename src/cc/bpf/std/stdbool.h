/* SPDX-License-Identifier: Apache-2.0 */
/* <stdbool.h> for BPF programs. Kernel types have bool, true and false already: then nothing is
 * left to do. */
#ifndef EBCC_STD_STDBOOL_H
#define EBCC_STD_STDBOOL_H
#endif
