# SPDX-License-Identifier: Apache-2.0
SYSTEM_CALLS: dict[int, bytes]
HELPERS: tuple[str, ...]
