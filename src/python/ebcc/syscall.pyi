# SPDX-License-Identifier: Apache-2.0
syscalls: dict[int, bytes]

def syscall_name(syscall_num: int) -> bytes: ...
