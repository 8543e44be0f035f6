/* SPDX-License-Identifier: Apache-2.0 */
/* <inttypes.h> for BPF programs: the types only. */
#include <stdint.h>
