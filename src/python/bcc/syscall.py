# SPDX-License-Identifier: Apache-2.0
"""Names of system calls by number."""

from ebcc.syscall import syscall_name, syscalls

__all__ = ["syscall_name", "syscalls"]
