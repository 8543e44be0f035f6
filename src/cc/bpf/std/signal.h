/* SPDX-License-Identifier: Apache-2.0 */
/* <signal.h> for BPF programs. Empty: the kernel types have the usable part of it. */
