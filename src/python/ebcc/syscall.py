# SPDX-License-Identifier: Apache-2.0
"""Names of system calls by number, for the architecture that the package was built for."""

from ._names import SYSTEM_CALLS as syscalls

__all__ = ["syscall_name", "syscalls"]


def syscall_name(syscall_num):
    """The name (bytes) of the system call with this number, or b"[unknown: 999]" if there is none."""
    return syscalls.get(syscall_num, b"[unknown: %d]" % syscall_num)
