# SPDX-License-Identifier: Apache-2.0
from ebcc.syscall import syscall_name as syscall_name, syscalls as syscalls
