# SPDX-License-Identifier: Apache-2.0
from typing import Any, NamedTuple

class TestRun(NamedTuple):
    """The result of a test run."""
    retval: int
    data: bytes
    ctx: Any
    duration: int

def run(program: Any, data: Any, ctx: Any, repeat: int, cpu: int | None) -> TestRun: ...
