/* SPDX-License-Identifier: Apache-2.0 */
/* <sys/socket.h> for BPF programs: the kernel types have what of it makes sense there. */
