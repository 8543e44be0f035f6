"""Modules that are compiled for a kernel other than the running one."""

import os
import shutil
import struct

import pytest

import ebcc
from ebcc import BPF, _ebcc

SOURCE = b"int size(struct __sk_buff *skb) { return sizeof(struct %s); }"


def write_btf(path):
    """Writes the BTF of a kernel that has only `struct thing { int value; }`."""
    strings = b"\0int\0thing\0value\0"
    types = struct.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32)
    types += struct.pack("<III", 5, 4 << 24 | 1, 4) + struct.pack("<III", 11, 1, 0)
    header = struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(strings))
    path.write_bytes(header + types + strings)


def module_of(text, **options):
    """A module as BPF() makes it, but not loaded."""
    return _ebcc.Module(source=text, file_name=None, header=None, cflags=[], debug=0,
                        kernel_types=0, compiler=0, device=None, no_rlimit=False,
                        **{"btf_path": None, **options})


def test_types_of_another_kernel_are_refused(load, tmp_path):
    write_btf(tmp_path / "btf")
    with pytest.raises(ebcc.OtherKernelError, match="types of btf .*kernel " + os.uname().release):
        load((SOURCE % b"thing").decode(), btf_path=tmp_path / "btf")
    bpf = load((SOURCE % b"thing").decode(), btf_path=tmp_path / "btf", any_kernel=True)
    assert bpf.load_func("size", BPF.SOCKET_FILTER).fd > 0
    # The running kernel's types in a file, and a source that uses no types of the kernel.
    shutil.copy("/sys/kernel/btf/vmlinux", tmp_path / "vmlinux")
    load((SOURCE % b"task_struct").decode(), btf_path=tmp_path / "vmlinux")
    load("int f(struct __sk_buff *skb) { return 3; }", btf_path=tmp_path / "btf")


def test_objects_of_another_kernel_are_refused(tmp_path):
    write_btf(tmp_path / "btf")
    other = module_of(SOURCE % b"thing", btf_path=os.fsencode(tmp_path / "btf"))
    own = module_of(SOURCE % b"task_struct")
    for first, second in ((other, other), (own, other), (other, own)):
        with pytest.raises(ebcc.OtherKernelError, match=os.uname().release):
            module_of(b"", object=first.object(), second_object=second.second_object())
        module_of(b"", object=first.object(), second_object=second.second_object(),
                  any_kernel=True).load()
    module_of(b"", object=own.object(), second_object=own.second_object()).load()


def test_an_object_that_does_not_name_its_kernel_is_refused():
    """Earlier versions made such objects. Here the kernel's record has a name that is not looked for."""
    old = module_of(b"BPF_PERF_OUTPUT(e);\nint f(struct pt_regs *ctx) { int i = 0; "
                    b"return e.perf_submit(ctx, &i, 4); }").object()
    old = old.replace(b"__ebcc_kernel", b"__ebcc_other1")
    with pytest.raises(ebcc.OtherKernelError, match="does not say which kernel"):
        module_of(b"", object=old)
    module_of(b"", object=old, any_kernel=True).load()
