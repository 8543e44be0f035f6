/* SPDX-License-Identifier: Apache-2.0 */
/* <sys/types.h> for BPF programs: the types come with the kernel types. */
#include <stddef.h>
#include <stdint.h>
