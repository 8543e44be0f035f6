# SPDX-License-Identifier: Apache-2.0
"""Every name of Debian's module that this one lacks has a reason in interface.toml."""

import glob
import os
import subprocess
import sys
import textwrap

import pytest

import bcc

SCRIPT = os.path.join(os.path.dirname(__file__), "interface")
OTHER = "/usr/lib/python3/dist-packages/bcc"
LIBRARY = "/usr/lib/*-linux-gnu/libbcc.so.0"


def compare(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_nothing_of_debians_module_is_missing():
    assert not bcc.__file__.startswith("/usr/lib/")
    done = compare(OTHER, "--library", *glob.glob(LIBRARY))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    everything = compare("--all", OTHER).stdout
    assert "bcc.BPF.timespec: is missing (internal functions" in everything


MISSING = """
    import ctypes as ct
    from .other import imported
    from .version import __version__
    DEBUG_BPF = 3
    DEBUG_BTF = 0x20
    class BPF:
        KPROBE = 2
        def __init__(self): self.funcs = self.no_such = 1
        def attach_kprobe(self, event=b"", event_off=0, fn_name=b"", event_re=b""): pass
        def perf_buffer_poll(self, timeout=100): pass
        def find_exe(self, bin_path, more): pass
        def add_prefix(self, prefix): pass
        def no_such_method(self): pass
        def _own(self): pass
        class Function: fd = None
    def new_function(): pass
"""


def test_what_another_package_adds(tmp_path):
    (tmp_path / "__init__.py").write_text(textwrap.dedent(MISSING))
    (tmp_path / "new_module.py").write_text("")
    (tmp_path / "libbcc.py").write_text("import ctypes as ct\nlib = ct.CDLL('x')\nlib.no_such_function.restype = None\n"
                                        "class bcc_symbol(ct.Structure):\n"
                                        "    _fields_ = [('name', ct.c_int), ('added', ct.c_int)]\n")
    done = compare(str(tmp_path))
    assert done.returncode == 1 and done.stderr == ""
    assert done.stdout.splitlines() == [
        "bcc.BPF.add_prefix: needs name too",
        "bcc.BPF.find_exe: lacks more",
        "bcc.BPF.no_such: is missing (an attribute)",
        "bcc.BPF.no_such_method: is missing",
        "bcc.BPF.perf_buffer_poll: timeout does not have the default 100",
        "bcc.DEBUG_BPF: is 2, not 3",
        "bcc.imported: is missing",
        "bcc.libbcc.bcc_symbol: lacks the members added",
        "bcc.new_function: is missing",
        "bcc.new_module: is missing (a module)",
        "lib.no_such_function: is missing"]


@pytest.mark.parametrize("text, names", [
    (b"#define likely(x) x\n#  define NO_SUCH_MACRO 1\n#define _OWN\n", ["NO_SUCH_MACRO"]),
    (b"static inline int no_such_function(int x) {\n", ["no_such_function"]),
    (b"u64 load_byte(void *p, u64 o) asm(\"x\");\nstruct no_such_struct {\nstruct ip_t {\n", ["struct no_such_struct"]),
    (b"static int (*bpf_no_such)(void *map) =\n  (void *) BPF_FUNC_no_such;", ["bpf_no_such"])])
def test_names_in_c(tmp_path, text, names):
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "library").write_bytes(b"\0\1\n" + text + b"\0")
    done = compare(str(tmp_path), "--library", str(tmp_path / "library"))
    assert done.stderr == "" and done.stdout.splitlines() == ["%s: is missing (in C)" % name for name in names]
