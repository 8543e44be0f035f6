/* SPDX-License-Identifier: Apache-2.0 */
/* <sys/socket.h> for BPF programs. Empty: the kernel types have the usable part of it. */
