/* SPDX-License-Identifier: Apache-2.0 */
/* <fcntl.h> for BPF programs. Empty: the kernel types have the usable part of it. */
