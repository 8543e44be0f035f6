# SPDX-License-Identifier: Apache-2.0
"""The kernel's perf_event_attr, and functions that open perf events without a program."""

from ebcc.perf import Perf

__all__ = ["Perf"]
