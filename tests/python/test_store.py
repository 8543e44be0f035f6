# SPDX-License-Identifier: Apache-2.0
"""Object stores: what was compiled elsewhere is used where no compiler is, if it is of the same source and can be
trusted. The compiler is taken away by EBCC_CC, and the disk cache, which would hide it, by EBCC_CACHE."""

import ctypes as ct
import os
import shutil
import subprocess
import sys
from pathlib import Path

import ebcc
import pytest
from conftest import source
from ebcc import BPF
from test_debug import SPLIT_CHECK
from test_portable import Kernel

COUNTING = """
#define ADDED 1
BPF_ARRAY(calls, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { FILTER calls.increment(0, ADDED); return 0; }
"""


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("EBCC_CC", "/nonexistent")
    monkeypatch.setenv("EBCC_CACHE", "off")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The directory of a store that is looked into; empty."""
    monkeypatch.setenv("EBCC_OBJECTS", str(tmp_path / "objects"))
    return tmp_path / "objects"


def record(store, text=COUNTING, **options):
    """Compiles a source for a store."""
    with BPF(text=source(text), portable=True, attach=False, **options) as bpf:
        bpf.store(store)


def counted(text=COUNTING, **options):
    """What the counting source counts of two calls."""
    with BPF(text=source(text), **options) as bpf:
        for _ in range(2):
            os.getpgid(0)
        return bpf["calls"][0].value


def objects(store):
    return sorted(store.glob("*.object"))


def test_no_compiler_is_needed(store, no_compiler, monkeypatch):
    with pytest.raises(ebcc.CompileError, match="No object that was compiled from main.c .* is in %s" % store):
        counted()
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store)
    assert len(objects(store)) == 2, "one for each pipeline"
    assert counted() == 2


def test_everything_that_is_compiled_can_be_recorded(store, monkeypatch):
    """EBCC_RECORD, for programs that can't be changed."""
    monkeypatch.setenv("EBCC_RECORD", str(store))
    assert counted() == 2
    monkeypatch.delenv("EBCC_RECORD")
    monkeypatch.setenv("EBCC_CC", "/nonexistent")
    monkeypatch.setenv("EBCC_CACHE", "off")
    assert counted() == 2


def test_a_lua_script_can_add_its_objects(tmp_path, no_compiler, store, monkeypatch):
    script = tmp_path / "script.lua"
    script.write_text("""
        local BPF = require("ebcc").BPF
        local bpf = assert(BPF:new{text = [[%s]], portable = arg[1] ~= nil, attach = false})
        if arg[1] then assert(bpf:store(arg[1])) end
        print(bpf:get_table("calls") ~= nil)""" % source(COUNTING))
    monkeypatch.delenv("EBCC_CC")
    subprocess.run(["lua5.4", script, store], check=True)
    monkeypatch.setenv("EBCC_CC", "/nonexistent")
    assert subprocess.run(["lua5.4", script], check=True, capture_output=True).stdout == b"true\n"
    assert counted(COUNTING.lstrip()) == 2, "Lua drops the newline at the start"


@pytest.mark.parametrize("other", [
    {"text": COUNTING.replace("ADDED 1", "ADDED 2")}, {"cflags": ["-DOTHER"]}, {"header": "/* other */"},
    {"kernel_types": "headers"}], ids=["source", "flags", "header", "headers"])
def test_another_compile_is_another_object(other, store, no_compiler, monkeypatch, tmp_path):
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store)
    if "header" in other:
        (tmp_path / "header.h").write_text(other.pop("header"))
        other["hdr_file"] = str(tmp_path / "header.h")
    with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
        counted(**other)


def test_texts_of_the_compiler_need_a_compile(store, no_compiler, monkeypatch):
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store)
    with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
        counted(debug=ebcc.DEBUG_LLVM_IR)


class Included:
    """A source file that includes another one."""

    def __init__(self, directory):
        self.path, self.header = directory / "counting.c", directory / "added.h"
        directory.mkdir()
        self.header.write_text("#define ADDED 3\n")
        self.path.write_text(source('#include "added.h"\n' + COUNTING.replace("#define ADDED 1", "")))

    def counted(self):
        with BPF(src_file=str(self.path)) as bpf:
            os.getpgid(0)
            return bpf["calls"][0].value


def test_included_files(store, no_compiler, monkeypatch, tmp_path):
    """An object is that of the files that the source includes, wherever these are."""
    first = Included(tmp_path / "first")
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        with BPF(src_file=str(first.path), portable=True, attach=False) as bpf:
            bpf.store(store)
    second = Included(tmp_path / "second")
    assert second.counted() == 3
    second.header.unlink()
    assert second.counted() == 3, "the object has what it needs of a file that is not there"
    second.header.write_text("#define ADDED 4\n")
    with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
        second.counted()


def test_a_file_that_would_be_included_now(store, no_compiler, monkeypatch, tmp_path):
    """The object was compiled when the first directory of the search didn't have the file."""
    for name in "early", "late":
        (tmp_path / name).mkdir()
    (tmp_path / "late/added.h").write_text("#define ADDED 5\n")
    text = "#include <added.h>\n" + COUNTING.replace("#define ADDED 1", "")
    flags = ["-I%s" % (tmp_path / name) for name in ("early", "late")]
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store, text, cflags=flags)
    assert counted(text, cflags=flags) == 10
    (tmp_path / "early/added.h").write_text("#define ADDED 6\n")
    with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
        counted(text, cflags=flags)


@pytest.mark.parametrize("change", ["directory", "file", "owner", "above"])
def test_what_others_can_write_is_not_read(change, store, no_compiler, monkeypatch, tmp_path):
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store)
    nobody = 65534
    if change == "directory":
        store.chmod(0o777)
    elif change == "file":
        for path in objects(store):
            path.chmod(0o666)
    elif change == "owner":
        for path in objects(store):
            os.chown(path, nobody, nobody)
    else:
        tmp_path.chmod(0o777)
    with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
        counted()


def test_a_user_reads_the_store_of_root(store, tmp_path):
    """Compiling needs no privilege. pytest's directories are closed to other users."""
    text = "BPF_ARRAY(numbers, u64, 3);\n"
    open_store = Path("/var/tmp") / ("ebcc-store-%d" % os.getpid())
    try:
        record(open_store, text)
        script = """
import os, sys
from ebcc import _ebcc
os.setgid(65534); os.setuid(65534)
module = _ebcc.Module(source=sys.argv[1].encode(), file_name=None, header=None, cflags=[], debug=0, kernel_types=0,
                      compiler=0, btf_path=None, device=None, no_rlimit=False, kernel_root=None)
print([name.decode() for name, _ in module.tables()])"""
        done = subprocess.run(
            [sys.executable, "-c", script, source(text)], check=True, capture_output=True,
            env={**os.environ, "EBCC_OBJECTS": str(open_store), "EBCC_CC": "/nonexistent", "EBCC_CACHE": "off"})
        assert done.stdout == b"['numbers']\n"
    finally:
        shutil.rmtree(open_store, ignore_errors=True)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:100], lambda data: b"",
                                    lambda data: data[:300] + b"\xff" + data[301:], lambda data: data + b"x"])
def test_a_damaged_object(damage, store, monkeypatch):
    record(store)
    for path in objects(store):
        path.write_bytes(damage(path.read_bytes()))
    before = objects(store)
    assert counted() == 2, "it is compiled here"
    assert objects(store) == before, "stores are only read"
    monkeypatch.setenv("EBCC_CC", "/nonexistent")
    monkeypatch.setenv("EBCC_CACHE", "off")
    with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
        counted()


def test_directories_in_their_order(tmp_path, no_compiler, monkeypatch):
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(tmp_path / "second")
    monkeypatch.setenv("EBCC_OBJECTS", "%s:%s" % (tmp_path / "first", tmp_path / "second"))
    assert counted() == 2
    monkeypatch.setenv("EBCC_OBJECTS", "off")
    with pytest.raises(ebcc.CompileError) as caught:
        counted()
    assert "No object" not in str(caught.value)


def test_the_second_pipeline(store, no_compiler, monkeypatch):
    """A program that the verifier rejects is loaded from the other object of the store."""
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store, SPLIT_CHECK)
    with BPF(text=source(SPLIT_CHECK)) as bpf:
        bpf["input"][ct.c_int(0)] = ct.c_uint64(7 << 32 | 99)
        os.getpgid(0)
        assert list(bpf["values"][0].slot) == [0] * 7 + [1] + [0] * 8
    errors = []
    for path in objects(store):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(ebcc.Error) as caught:
            BPF(text=source(SPLIT_CHECK))
        errors.append(type(caught.value))
        path.write_bytes(content)
    assert set(errors) == {ebcc.CompileError, ebcc.LoadError}, "without the first, without the second"


def test_an_object_that_does_not_fit(store, tmp_path, monkeypatch):
    """The size of a struct of another kernel is a constant in the object: the source is compiled here."""
    kernel = Kernel("bookworm", tmp_path / "root")
    text = """
        #include <linux/sched.h>
        BPF_ARRAY(sizes, u64, 1);
        int size(struct bpf_raw_tracepoint_args *ctx) { sizes.increment(0, sizeof(struct task_struct)); return 0; }"""
    module = ebcc._ebcc.Module(source=source(text).encode(), file_name=None, header=None, cflags=[], debug=0,
                               kernel_types=0, compiler=0, btf_path=None, device=None, no_rlimit=False,
                               kernel_root=os.fsencode(kernel.root), portable=True)
    module.store(str(store))
    module.close()
    with BPF(text=source(text)) as bpf:
        assert bpf.load_func("size", BPF.RAW_TRACEPOINT)
    monkeypatch.setenv("EBCC_CC", "/nonexistent")
    monkeypatch.setenv("EBCC_CACHE", "off")
    with pytest.raises(ebcc.OtherKernelError, match="struct task_struct.* Compiling the source here failed too: "
                                                    "can't find the compiler"):
        BPF(text=source(text))


@pytest.mark.parametrize("mistake, message", [
    ({"portable": False}, "only a module that is compiled with the option portable"),
    ({"object": True}, "can't be added to an object store, where objects are found by their sources")])
def test_what_can_not_be_stored(mistake, message, store, tmp_path):
    options = {"text": source(COUNTING), "attach": False, "portable": True, **mistake}
    if "object" in mistake:
        with BPF(**{**options, "object": None}) as bpf:
            bpf.save(tmp_path / "counting.o")
        options = {"object": tmp_path / "counting.o", "attach": False}
    with BPF(**options) as bpf, pytest.raises(ebcc.InvalidArgumentError, match=message):
        bpf.store(store)


def test_a_store_that_can_not_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with BPF(text=source(COUNTING), portable=True, attach=False) as bpf, \
            pytest.raises(ebcc.SystemCallError, match="can't be stored in .*file.*: Not a directory"):
        bpf.store(tmp_path / "file")


def test_a_store_in_memory(store, tmp_path, no_compiler, monkeypatch):
    """The files of a store, one after the other; what follows a damaged one is not found."""
    monkeypatch.delenv("EBCC_OBJECTS")
    with monkeypatch.context() as compiler:
        compiler.delenv("EBCC_CC")
        record(store)
        record(store, COUNTING.replace("ADDED 1", "ADDED 7"))
    whole = b"".join(path.read_bytes() for path in objects(store))
    arguments = {"file_name": None, "header": None, "cflags": [], "debug": 0, "kernel_types": 0, "compiler": 0,
                 "btf_path": None, "device": None, "no_rlimit": False, "kernel_root": None}

    def tables(memory):
        module = ebcc._ebcc.Module(source=source(COUNTING).encode(), objects=memory, **arguments)
        try:
            return [name for name, _ in module.tables()]
        finally:
            module.close()

    assert tables(whole) == [b"calls"]
    for memory in (b"", whole[:-len(whole) + 20], b"\0" * 100, whole[1:], whole.replace(b"calls", b"cells")):
        with pytest.raises(ebcc.CompileError, match="can't find the compiler"):
            tables(memory)
