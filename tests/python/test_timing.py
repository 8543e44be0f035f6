# SPDX-License-Identifier: Apache-2.0
"""The line of times that EBCC_TRACE asks for."""
import os
import re
import subprocess
import sys

SCRIPT = """
import sys
from ebcc import BPF
b = BPF(text='''
BPF_HASH(counts, u32, u64);
TRACEPOINT_PROBE(syscalls, sys_enter_getpid) {
    counts.increment(1);
    return 0;
}
''')
b.close()
"""
COLD = ["cache", "scan", "types", "helper", "parse", "passes", "optimize", "emit", "open", "load", "attach", "detach"]
CACHED = ["cache", "open", "load", "attach", "detach"]


def run(cache, trace):
    """What the script prints to standard error."""
    environment = {**os.environ, "EBCC_CACHE": str(cache), "EBCC_TRACE": trace}
    return subprocess.run([sys.executable, "-c", SCRIPT], env=environment, text=True, stderr=subprocess.PIPE, check=True).stderr


def stages(line):
    """{stage: milliseconds} of a line."""
    text = re.fullmatch(r"ebcc: main\.c: (.*) ms\n", line).group(1)
    return {name: float(time) for name, time in re.findall(r"(\w+) (\d+\.\d\d)(?: \(\d+\))?(?:, |$)", text)}


def test_each_stage_is_shown(tmp_path):
    tmp_path.chmod(0o700)
    cold = stages(run(tmp_path, "1"))
    cached = stages(run(tmp_path, "1"))

    assert list(cold) == COLD
    assert list(cached) == CACHED
    assert all(cold[stage] > 0 for stage in ("types", "parse", "optimize", "emit", "load"))


def test_nothing_is_shown_otherwise(tmp_path):
    tmp_path.chmod(0o700)
    assert not run(tmp_path, "")
    assert not run(tmp_path, "0")
