/* SPDX-License-Identifier: Apache-2.0 */
/* <stdlib.h> for BPF programs. Empty: the kernel types have the usable part of it. */
