# SPDX-License-Identifier: Apache-2.0
"""What the debug flags show on stderr; the second pipeline; flags for clang."""

import ctypes as ct
import logging
import re

import ebcc
import pytest
from ebcc import BPF
from conftest import getpgid, source

COUNTING = """BPF_HASH(counts, u32, u64);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u32 key = args->pid;
    counts.increment(key + STEP);
    return 0;
}
"""


def shown(capfd, debug, text=COUNTING, cflags=("-DSTEP=42",)):
    """What a module prints on stderr; nothing may go to stdout."""
    with BPF(text=text, debug=debug, cflags=cflags):
        pass
    out, err = capfd.readouterr()
    assert out == ""
    return err


def test_nothing_is_shown_without_a_flag(capfd):
    assert shown(capfd, 0) == ""


def test_llvm_ir(capfd):
    text = shown(capfd, ebcc.DEBUG_LLVM_IR)
    assert re.search(r"^define .*i32 @tracepoint__syscalls__sys_enter_getpgid\(ptr .*%args\)", text, re.M)
    assert "= add i32 %conv, 42" in text


@pytest.mark.parametrize("flag", [ebcc.DEBUG_BPF, ebcc.DEBUG_SOURCE])
def test_disassembly_with_source_lines(capfd, flag):
    for _ in range(2):  # the second time from the cache
        text = shown(capfd, flag)
        assert text.startswith("section tracepoint/syscalls/sys_enter_getpgid\n"
                               "tracepoint__syscalls__sys_enter_getpgid:\n"
                               "; u32 key = args->pid; @ main.c:3\n"
                               "\tr1 = *(u64 *)(r1 + 16)\n"
                               "; counts.increment(key + STEP); @ main.c:4\n"
                               "\tw1 += 42\n")
        assert "\tcall 1 # bpf_map_lookup_elem\n" in text
        assert text.rstrip().endswith("; return 0; @ main.c:5\n\tw0 = 0\n\texit")
        assert not re.search(r"\.debug|\.loc|\.file|\.Ltmp|__ebcc", text)


def test_preprocessed_source(capfd):
    text = shown(capfd, ebcc.DEBUG_PREPROCESSOR)
    assert "counts.increment(key + 42);" in text
    assert "int tracepoint__syscalls__sys_enter_getpgid(struct tracepoint__syscalls__sys_enter_getpgid *args)" in text


def test_verifier_log(capfd):
    text = shown(capfd, ebcc.DEBUG_BPF_REGISTER_STATE)
    assert text.startswith("tracepoint__syscalls__sys_enter_getpgid:\n")
    assert "R1=ctx(" in text and "R10=fp0" in text
    assert "u32 key = args->pid;" in text
    assert re.search(r"processed \d+ insns", text)


def test_verifier_log_of_a_rejected_program(capfd):
    with pytest.raises(ebcc.LoadError):
        shown(capfd, ebcc.DEBUG_BPF_REGISTER_STATE,
              COUNTING.replace("counts.increment(key + STEP)", "u64 *leaf = counts.lookup(&key); return *leaf"))
    text = capfd.readouterr().err
    assert "R0 invalid mem access 'map_value_or_null'" in text


def test_btf(capfd):
    text = shown(capfd, ebcc.DEBUG_BTF)
    assert re.search(r"struct tracepoint__syscalls__sys_enter_getpgid \{.*u64 pid;.*\}", text, re.S)


def test_several_flags(capfd):
    text = shown(capfd, ebcc.DEBUG_LLVM_IR | ebcc.DEBUG_BPF | ebcc.DEBUG_BTF)
    assert "define " in text and "\tw1 += 42\n" in text and "u64 pid;" in text


# After instcombine, the lower bound of the index is checked in another register than the one used as the index.
SPLIT_CHECK = """
struct slots_t { u64 slot[16]; };
BPF_ARRAY(input, u64, 1);
BPF_ARRAY(values, struct slots_t, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
{
    u32 zero = 0;
    u64 *number = input.lookup(&zero);
    struct slots_t *value = values.lookup(&zero);
    int high;

    FILTER
    if (!number || !value)
        return 0;
    high = *number >> 32;
    if (high >= 16)
        return 0;
    if (high < 0)
        return 0;
    value->slot[high]++;
    return 0;
}
int other(struct bpf_raw_tracepoint_args *ctx) { return 0; }
"""


def test_second_pipeline(caplog, capfd):
    """A program that the verifier rejects because of instcombine runs anyway, and a message names it."""
    with caplog.at_level(logging.INFO, logger="ebcc"), BPF(text=source(SPLIT_CHECK), debug=ebcc.DEBUG_BPF) as bpf:
        bpf["input"][ct.c_int(0)] = ct.c_uint64(7 << 32 | 99)
        bpf.load_func("other", BPF.RAW_TRACEPOINT)
        getpgid(1, 1)
        assert list(bpf["values"][0].slot) == [0] * 7 + [2] + [0] * 8
    messages = [record.getMessage() for record in caplog.records if "second pipeline" in record.getMessage()]
    assert len(messages) == 1
    assert "program 'tracepoint__syscalls__sys_enter_getpgid' was loaded from the second pipeline" in messages[0]
    assert "unbounded memory access" in messages[0]
    text = capfd.readouterr().err
    first, second = text.split("\nsecond pipeline:\n")
    assert "if r2 s< 0 goto" in first and "if r1 s< 0 goto" in second
    assert second.rstrip().endswith("program 'tracepoint__syscalls__sys_enter_getpgid' is loaded from the second pipeline")
    assert "'other'" not in text


def test_second_pipeline_is_silent_without_flags(capfd):
    with BPF(text=source(SPLIT_CHECK)):
        pass
    assert capfd.readouterr() == ("", "")


def test_definitions_and_undefinitions():
    text = """
        #ifdef GONE
        #error not undefined
        #endif
        BPF_ARRAY(numbers, u64, SIZE + TWO(1));
        char text[] = STRING;
        int f(void *ctx) { return sizeof(text); }"""
    flags = ["-DSIZE=7", "-D", "TWO(x)=(x)+(x)", '-DSTRING="a b"', "-DGONE", "-UGONE"]
    with BPF(text=text, cflags=flags) as bpf:
        assert len(bpf["numbers"]) == 9


def test_include_directories_and_forced_includes(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "sizes.h").write_text("#include <more.h>\n#define SIZE (3 + MORE)\n")
    (tmp_path / "two" / "more.h").write_text("#define MORE 4\nstruct shared_t { u64 first; struct task_struct *task; };\n")
    (tmp_path / "forced.h").write_text("#define FORCED 5\n")
    text = """
        #include "sizes.h"
        BPF_ARRAY(numbers, struct shared_t, SIZE + FORCED);
        int f(void *ctx) { struct shared_t s = { .task = (void *)bpf_get_current_task() }; return s.task->tgid; }"""
    flags = ["-I%s" % (tmp_path / "one"), "-I", str(tmp_path / "two"), "-include", str(tmp_path / "forced.h")]
    with BPF(text=text, cflags=flags) as bpf:
        assert len(bpf["numbers"]) == 12
        assert bpf.load_func("f", BPF.RAW_TRACEPOINT).fd > 0


def test_headers_beside_the_source(tmp_path, monkeypatch):
    """They are found from any current directory, and changes are noticed. Flags can add the parent directory."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "main.c").write_text(
        '#include "beside.h"\n#include "../above.h"\nBPF_ARRAY(numbers, u64, BESIDE * ABOVE);\nint f(void *ctx) { return 0; }\n')
    (tmp_path / "above.h").write_text("#define ABOVE 2\n")
    monkeypatch.chdir("/")
    for size in (3, 4):
        (tmp_path / "inner" / "beside.h").write_text("#define BESIDE %d\n" % size)
        with BPF(src_file=str(tmp_path / "inner" / "main.c"), cflags=[f"-I{tmp_path}"]) as bpf:
            assert len(bpf["numbers"]) == 2 * size
    monkeypatch.chdir(tmp_path)
    with BPF(src_file="inner/main.c", cflags=["-I."]) as bpf:
        assert len(bpf["numbers"]) == 8


def test_flag_that_clang_does_not_know():
    with pytest.raises(ebcc.CompileError, match="-fnosuch-flag"):
        BPF(text="int f(void *ctx) { return 0; }", cflags=["-fnosuch-flag"])


def test_warning_flags():
    with pytest.raises(ebcc.CompileError, match="error: unused variable 'unused'"):
        BPF(text="int f(void *ctx) { int unused; return 0; }", cflags=["-Wall", "-Werror"])
