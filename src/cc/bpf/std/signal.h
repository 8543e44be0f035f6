/* SPDX-License-Identifier: Apache-2.0 */
/* <signal.h> for BPF programs: the kernel types have what of it makes sense there. */
