# SPDX-License-Identifier: Apache-2.0
"""Numbers of the kernel's interface in Python and Lua. They are generated from the headers of the build and
src/uapi/newer.h, and compared here with BTF of the running kernel."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ebcc
from ebcc import table

UAPI = Path(__file__).resolve().parents[2] / "src/uapi"
CLASSES = {"bpf_prog_type": ("BPF_PROG_TYPE_", ebcc.BPFProgType), "bpf_attach_type": ("BPF_", ebcc.BPFAttachType),
           "xdp_action": ("", ebcc.XDPAction), "perf_type_id": ("PERF_TYPE_", ebcc.PerfType),
           "perf_hw_id": ("PERF_COUNT_HW_", ebcc.PerfHWConfig), "perf_sw_ids": ("PERF_COUNT_SW_", ebcc.PerfSWConfig),
           "perf_event_sample_format": ("PERF_SAMPLE_", ebcc.PerfEventSampleFormat)}
NO_CONSTANT = re.compile(r"__MAX|_UNSPEC$|PERF_\w+_MAX$|_DEPRECATED$")
# newer.h is complete up to this version.
KNOWN_TO = (7, 0)


@pytest.fixture(scope="module")
def kernel():
    """{enumeration: {name: number}} of the running kernel."""
    text = subprocess.run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"],
                          check=True, capture_output=True, text=True).stdout
    return {enum: {name: int(number) for name, number in re.findall(r"(\w+) = (\d+)", body)
                   if not NO_CONSTANT.search(name)}
            for enum, body in re.findall(r"^enum (\w+) \{(.*?)\}", text, re.M | re.S)}


def release():
    with open("/proc/sys/kernel/osrelease", encoding="ascii") as file:
        return tuple(map(int, re.match(r"(\d+)\.(\d+)", file.read()).groups()))


def compare(ours, theirs):
    """Asserts that the numbers are the same, and, up to KNOWN_TO, that no name is missing."""
    assert {name: ours[name] for name in ours if name in theirs} == \
        {name: number for name, number in theirs.items() if name in ours}
    if release() <= KNOWN_TO:
        assert set(theirs) <= set(ours)


@pytest.mark.parametrize("enum", CLASSES)
def test_python_classes(kernel, enum):
    prefix, kind = CLASSES[enum]
    compare({prefix + name: number for name, number in vars(kind).items() if not name.startswith("_")}, kernel[enum])


def test_map_types(kernel):
    compare({name: number for name, number in vars(table).items() if name.startswith("BPF_MAP_TYPE_")},
            kernel["bpf_map_type"])
    assert table.get_table_type_name(1) == "HASH" and table.get_table_type_name(999) == "<unknown>"


def test_lua_constants(kernel):
    script = "for name, number in pairs(require('ebcc').constants) do print(name, number) end"
    done = subprocess.run(["/usr/bin/lua5.4", "-e", script], check=True, capture_output=True, text=True).stdout
    constants = {name: int(number) for name, number in map(str.split, done.splitlines())}
    for enum in (*CLASSES, "bpf_map_type"):
        compare(constants, kernel[enum])
    assert constants["BPF_F_ALLOW_MULTI"] == 2 and constants["BPF_EXIST"] == 2 and constants["XDP_FLAGS_SKB_MODE"] == 2


def test_contradictory_headers_fail_the_build(tmp_path):
    """The build fails if the installed headers and newer.h disagree."""
    generate = tmp_path / "generate.py"
    generate.write_text((UAPI / "generate.py").read_text(encoding="utf-8"))
    (tmp_path / "newer.h").write_text("enum bpf_prog_type { BPF_PROG_TYPE_XDP = 7 };\n")
    done = subprocess.run([sys.executable, generate, "cc", "lua", tmp_path / "output"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "BPF_PROG_TYPE_XDP is 6 in one header and 7 in another" in done.stderr
