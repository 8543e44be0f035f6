# SPDX-License-Identifier: Apache-2.0
"""The license of a source, in every way of declaring it, as the kernel gets it."""

import json
import subprocess

import pytest

import ebcc
from ebcc import BPF

GPL_ONLY = """
    int prog(struct bpf_raw_tracepoint_args *ctx) {
        bpf_trace_printk("never runs\\n");
        return 0;
    }"""
ANY_LICENSE = "int prog(struct bpf_raw_tracepoint_args *ctx) { return bpf_get_smp_processor_id(); }"

LICENSES = [
    ("%s", "GPL", True),
    ("BPF_LICENSE(GPL);%s", "GPL", True),
    ('BPF_LICENSE("GPL");%s', "GPL", True),
    ("%s BPF_LICENSE(Dual BSD/GPL);", "Dual BSD/GPL", True),
    ("BPF_LICENSE(Proprietary);%s", "Proprietary", False),
    ('char words[] __attribute__((section("license"))) = "Dual MIT/GPL";%s', "Dual MIT/GPL", True),
    ("#define BPF_LICENSE Proprietary\n%s", "Proprietary", False),
    ("%s\n#define BPF_LICENSE Dual MIT/GPL\n", "Dual MIT/GPL", True),
    ('#define BPF_LICENSE "Dual MIT/GPL"\n%s', "Dual MIT/GPL", True),
    ("#define OURS GPL v2\n#define BPF_LICENSE OURS // why not\n%s", "GPL v2", True),
    ("#define BPF_LICENSE GPL-2.0\n%s", "GPL-2.0", False),
    ("#define BPF_LICENSE MIT\n%s\n#undef BPF_LICENSE\n", "GPL", True),
    ('#define BPF_LICENSE MIT\nchar words[] __attribute__((section("license"))) = "MIT";%s', "MIT", False),
]


@pytest.mark.parametrize("text, license, compatible", LICENSES)
def test_the_kernel_gets_the_license(load, caplog, text, license, compatible):
    """Whatever the source says, and however it says it."""
    fd = load(text % ANY_LICENSE).load_func("prog", BPF.RAW_TRACEPOINT).fd
    with open("/proc/self/fdinfo/%d" % fd, encoding="ascii") as info:
        number = next(line.split()[1] for line in info if line.startswith("prog_id:"))
    shown = json.loads(subprocess.run(["bpftool", "-j", "prog", "show", "id", number], check=True,
                                      capture_output=True).stdout)
    assert shown["gpl_compatible"] == compatible
    assert not caplog.records
    bpf = load(text % GPL_ONLY)
    if compatible:
        assert bpf.load_func("prog", BPF.RAW_TRACEPOINT).fd > 0
        return
    with pytest.raises(ebcc.LoadError, match='license is "%s".*exactly.*"Dual MPL/GPL"' % license):
        bpf.load_func("prog", BPF.RAW_TRACEPOINT)


def test_license_from_a_header_or_a_flag(load, tmp_path):
    (tmp_path / "ours.h").write_text("#define BPF_LICENSE Secret\n")
    for options in ({"text": '#include "ours.h"\n' + GPL_ONLY, "cflags": ["-I%s" % tmp_path]},
                    {"text": GPL_ONLY, "hdr_file": tmp_path / "ours.h"},
                    {"text": GPL_ONLY, "cflags": ["-DBPF_LICENSE=Secret"]}):
        with pytest.raises(ebcc.LoadError, match='license is "Secret"'):
            load(**options).load_func("prog", BPF.RAW_TRACEPOINT)


@pytest.mark.parametrize("text, message", [
    ("#define BPF_LICENSE\n", "without a license"),
    ('#define BPF_LICENSE GPL\nBPF_LICENSE(MIT);\n', "."),
    ('#define BPF_LICENSE GPL\nchar words[] __attribute__((section("license"))) = "MIT";\n',
     "main.c:2.* differs from that of the macro BPF_LICENSE"),
])
def test_contradictory_licenses_are_an_error(load, text, message):
    with pytest.raises(ebcc.CompileError, match=message):
        load(text + ANY_LICENSE)
