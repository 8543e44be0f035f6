# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterable
from typing import TypedDict

from ebcc.utils import (detect_language as detect_language, get_online_cpus as get_online_cpus,
                        get_possible_cpus as get_possible_cpus, printb as printb)

FILESYSTEMENCODING: str

class _Rewritten(TypedDict):
    expr: str
    streq_functions: str
    probeid: int

class ArgString:
    """A command line argument that works as str and as bytes (an argparse type)."""
    def __init__(self, arg: str | bytes) -> None: ...
    @property
    def s(self) -> str: ...
    def __bytes__(self) -> bytes: ...
    def __str__(self) -> str: ...

class StrcmpRewrite:
    """Comparing strings in expressions that scripts take from their users."""
    @staticmethod
    def rewrite_expr(expr: str, bin_cmp: bool, is_user: bool, probe_user_list: Iterable[str],
                     streq_functions: str, probeid: int) -> _Rewritten: ...
