# SPDX-License-Identifier: Apache-2.0
"""What scripts check before they choose a source: the kernel's features, types and functions."""

import os

import pytest

import ebcc
from ebcc import BPF


@pytest.mark.parametrize("record, member, answer", [
    ("task_struct", "pid", 1), (b"task_struct", b"pid", 1), ("task_struct", "no_such_member", 0),
    ("sk_buff", "dev", 1),  # in an anonymous struct in an anonymous union
    ("page", "mapping", 1), ("no_such_struct", "pid", -1), ("pid_t", "pid", -1),
    ("task_struct", "", -1), ("iov_iter", "nr_segs", 1)])
def test_struct_members(record, member, answer):
    assert BPF.kernel_struct_has_field(record, member) == answer


@pytest.mark.parametrize("enum, name, answer", [
    ("bpf_map_type", "BPF_MAP_TYPE_HASH", 1), (b"bpf_map_type", b"BPF_MAP_TYPE_HASH", 1),
    ("bpf_map_type", "NO_SUCH_TYPE", 0), ("no_such_enum", "BPF_MAP_TYPE_HASH", -1)])
def test_enumerators(enum, name, answer):
    assert BPF.kernel_enum_has_val(enum, name) == answer


# A program of each kind that scripts check for before they use it, on functions that all kernels have.
KINDS = {
    "support_raw_tracepoint": "RAW_TRACEPOINT_PROBE(sched_switch) { return 0; }",
    "support_kfunc": "KFUNC_PROBE(bpf_fentry_test1, int a) { return 0; }",
    "support_fmod_ret": "KMOD_RET(bpf_modify_return_test, int a, int *b, int ret) { return 0; }",
    "support_lsm": "LSM_PROBE(syslog, int type) { return 0; }",
}


@pytest.mark.parametrize("question", sorted(KINDS))
def test_reported_support_agrees_with_attaching(question):
    try:
        BPF(text=KINDS[question]).close()
        attaches = True
    except ebcc.Error:
        attaches = False
    assert getattr(BPF, question)() is attaches


def test_raw_tracepoints_of_modules():
    with open("/proc/kallsyms", encoding="ascii", errors="replace") as file:
        has = any(line.split()[2] == "bpf_get_raw_tracepoint" for line in file)
    assert BPF.support_raw_tracepoint_in_module() is has


def test_names_of_system_calls_are_fixed():
    for name in ("sys_read", "__x64_sys_read", b"__arm64_sys_read", "__ia32_compat_sys_read"):
        assert BPF.fix_syscall_fnname(name) == BPF.get_syscall_fnname("read")
    assert BPF.fix_syscall_fnname("vfs_read") == b"vfs_read"


def test_prefix_is_added_once():
    assert BPF.add_prefix("kfunc__", "vfs_read") == b"kfunc__vfs_read"
    assert BPF.add_prefix(b"kfunc__", b"kfunc__vfs_read") == b"kfunc__vfs_read"


def test_includes_for_words():
    assert BPF.generate_auto_includes(["my_time", b"bio", "x"]) == \
        "#include <linux/time.h>\n#include <linux/blkdev.h>\n"
    assert BPF.generate_auto_includes(["x", "y"]) == ""


@pytest.mark.parametrize("value, limit", [(None, 1000), ("17", 17), ("no", 1000), ("", 1000)])
def test_probe_limit_comes_from_the_environment(monkeypatch, value, limit):
    monkeypatch.delenv("BCC_PROBE_LIMIT", raising=False)
    if value is not None:
        monkeypatch.setenv("BCC_PROBE_LIMIT", value)
    assert BPF.get_probe_limit() == limit


def test_find_exe_returns_the_type_of_its_argument(tmp_path, monkeypatch):
    program = tmp_path / "my-program"
    program.write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert BPF.find_exe("my-program") is None  # not executable yet
    program.chmod(0o755)
    assert BPF.find_exe("my-program") == str(program)
    assert BPF.find_exe(b"my-program") == os.fsencode(program)
    assert BPF.find_exe(str(program)) == str(program)


def test_functions_and_addresses_of_a_library():
    pairs = BPF.get_user_functions_and_addresses("c", b"^(malloc|free)$")
    assert {name for name, _ in pairs} == {b"malloc", b"free"}
    assert BPF.get_user_addresses("c", "^(malloc|free)$") == {address for _, address in pairs}
    with pytest.raises(ebcc.NotFoundError):
        BPF.get_user_functions("no-such-library", "x")


def test_attaching_without_a_match(load):
    bpf = load("int probe(struct pt_regs *ctx) { return 0; }")
    for attach in (bpf.attach_kprobe, bpf.attach_kretprobe):
        with pytest.raises(ebcc.AttachError, match="matches"):
            attach(event_re="^no_such_function_", fn_name="probe")
    assert bpf.num_open_kprobes() == 0


def test_probe_limit_counts_all_matches(load, monkeypatch):
    monkeypatch.setenv("BCC_PROBE_LIMIT", "2")
    bpf = load("int probe(struct pt_regs *ctx) { return 0; }")
    with pytest.raises(ebcc.AttachError, match="BCC_PROBE_LIMIT=2"):
        bpf.attach_kprobe(event_re="^vfs_", fn_name="probe")


@pytest.mark.parametrize("name", ["ebcc", "bcc"])
def test_modules_that_are_imported_on_first_use(python, name):
    done = python("""
        import sys
        import %(name)s as package
        late = ["disassembler", "perf", "syscall", "tcp", "usdt"]
        assert not [name for name in late if "%(name)s." + name in sys.modules or "ebcc." + name in sys.modules]
        assert package.tcp.tcpstate[1] == "ESTABLISHED" and package.Perf.PERF_TYPE_SOFTWARE == 1
        from %(name)s import USDT, syscall_name, usdt
        assert usdt.USDT is USDT and syscall_name(0)
        try:
            package.no_such_name
        except AttributeError as error:
            print(error)""" % {"name": name})
    assert done.stdout == "module '%s' has no attribute 'no_such_name'\n" % name, done.stderr
