"""Targets of BTF-typed programs: finding them by name, keeping them in the disk cache, and errors for missing ones.

The running kernel may refuse fentry; tests/vm/guest_kinds.py runs such programs.
"""

import os
import subprocess

import ebcc
import pytest
from ebcc import BPF, _ebcc
from opened_files import opened_by

VMLINUX = "/sys/kernel/btf/vmlinux"
COUNT_TASKS = """
    import os, time
    from ebcc import BPF

    with BPF(text='''
        BPF_ARRAY(tasks, u64, 1);
        BPF_ITER(task) {
            if (ctx->task && ctx->task->tgid == OWN)
                tasks.increment(0);
            return 0;
        }'''.replace("OWN", str(os.getppid()))) as bpf:
        with os.fdopen(bpf.attach_iter("task").open()) as file:
            file.read()
        print(bpf["tasks"][0].value)
"""


@pytest.fixture
def cache(tmp_path):
    """An environment with a new disk cache, and the directory of that cache."""
    folder = tmp_path / "cache"
    return dict(os.environ, EBCC_CACHE=str(folder)), folder


def own_threads():
    return str(len(os.listdir("/proc/self/task")))


def test_cached_target_is_not_searched_for(cache):
    environment, _ = cache
    # The first process also compiles, which would not be repeated for another build of the same kernel.
    first, names = opened_by(COUNT_TASKS, environment)
    assert first.strip() == own_threads() and VMLINUX in names
    second, names = opened_by(COUNT_TASKS, environment)
    assert second == first
    assert any(name.endswith(".target") for name in names)
    assert VMLINUX not in names


def test_supported_kinds_are_cached(cache):
    """Scripts check this before they choose between fentry and kprobes."""
    environment, _ = cache
    script = "from ebcc import BPF; print(BPF.support_kfunc(), BPF.support_lsm(), BPF.support_fmod_ret())"
    first, names = opened_by(script, environment)
    assert VMLINUX in names
    second, names = opened_by(script, environment)
    assert second == first and VMLINUX not in names


@pytest.mark.parametrize("damage", [
    lambda data: data[:-1], lambda data: data[:-1] + b"9", lambda data: b"", lambda data: data + b"1"])
def test_damaged_entry_is_replaced(cache, damage):
    """A damaged entry is ignored, as if it were missing."""
    environment, folder = cache
    first, _ = opened_by(COUNT_TASKS, environment)
    [entry] = folder.glob("*.target")
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    second, names = opened_by(COUNT_TASKS, environment)
    assert second == first and VMLINUX in names
    assert entry.read_bytes() == whole


def test_entry_that_others_can_write_is_not_used(cache):
    environment, folder = cache
    opened_by(COUNT_TASKS, environment)
    [entry] = folder.glob("*.target")
    entry.chmod(0o666)
    _, names = opened_by(COUNT_TASKS, environment)
    assert VMLINUX in names


def test_without_a_cache(cache):
    environment, _ = cache
    output, names = opened_by(COUNT_TASKS, dict(environment, EBCC_CACHE="off"))
    assert output.strip() == own_threads() and VMLINUX in names


@pytest.mark.parametrize("text, words", [
    ("KFUNC_PROBE(vfs_raed, int a) { return 0; }", ["has no function vfs_raed", "did you mean vfs_read"]),
    ("KRETFUNC_PROBE(vfs_raed, int a) { return 0; }", ["has no function vfs_raed", "did you mean vfs_read"]),
    ("KMOD_RET(security_file_opn, int a) { return 0; }", ["no function security_file_opn", "security_file_open"]),
    ("LSM_PROBE(file_opn, int a) { return 0; }", ["no LSM hook file_opn", "did you mean file_open"]),
    ("struct bpf_iter__taks { int a; }; BPF_ITER(taks) { return 0; }", ["no iterator taks", "did you mean task"]),
    ("KFUNC_PROBE(no_such_function_anywhere, int a) { return 0; }", ["no function no_such_function_anywhere"]),
])
def test_missing_target(text, words):
    with pytest.raises(ebcc.Error) as caught:
        BPF(text=text)
    for word in words:
        assert word in str(caught.value)
    assert "libbpf" not in str(caught.value)


def test_loading_as_another_type():
    """libbpf would crash on this."""
    module = _ebcc.Module(
        source=b"KFUNC_PROBE(vfs_read, struct file *file) { return 0; }", file_name=None, header=None, cflags=[], debug=0,
        kernel_types=0, compiler=0, btf_path=None, device=None, no_rlimit=False,
    )  # fmt: skip
    with pytest.raises(ebcc.Error, match="can only be loaded as tracing, not as kprobe"):
        module.program(b"kfunc__vfs_read").load(BPF.KPROBE)
    module.close()


def test_prefixes_of_kinds():
    assert _ebcc.PROGRAM_KINDS["kfunc"] == (b"kfunc__", BPF.TRACING)
    assert _ebcc.PROGRAM_KINDS["lsm"] == (b"lsm__", BPF.LSM)
    assert "tp_btf" not in _ebcc.PROGRAM_KINDS    # has none


def test_methods_are_for_one_kind(load):
    bpf = load("BPF_ITER(task) { return 0; }")
    bpf.attach_iter("bpf_iter__task")
    for method, name in (("attach_kfunc", "kfunc__task"), ("attach_fmod_ret", "kmod_ret__task"), ("attach_lsm", "lsm__task")):
        with pytest.raises(ebcc.Error, match=f"no program '{name}'"):
            getattr(bpf, method)("task")


def test_kind_that_the_kernel_refuses():
    """Some kernels have BTF but don't allow fentry. The error doesn't tell root to become root."""
    text = "KFUNC_PROBE(vfs_read, int a) { return 0; }"
    if BPF.support_kfunc():
        BPF(text=text).close()
        return
    with pytest.raises(ebcc.Error, match=r"'kfunc__vfs_read': this kernel does not run fentry programs \(KFUNC_PROBE\): "
                                         "it lacks BTF trampolines .*, or forbids such programs; use a kprobe"):
        BPF(text=text)
    with pytest.raises(ebcc.Error, match=r"does not run fexit programs \(KRETFUNC_PROBE\): .*; use a kretprobe"):
        BPF(text=text.replace("KFUNC", "KRETFUNC"))


def test_saved_object_names_its_target(load, tmp_path, bpffs):
    """The library loads targets by number, but other loaders find them by name in a saved object."""
    bpf = load("BPF_ITER(task) { return 0; }")
    (tmp_path / "saved.bpf.o").write_bytes(bpf.module.object())
    subprocess.run(["bpftool", "prog", "load", tmp_path / "saved.bpf.o", bpffs + "/saved"], check=True)


def test_line_info_of_a_typed_program(load):
    """Renaming the section for libbpf doesn't lose its line info."""
    bpf = load("""
        BPF_ARRAY(tasks, u64, 1);
        BPF_ITER(task) {
            tasks.increment(0);
            return 0;
        }""")
    fd = bpf.module.program(b"bpf_iter__task").fd
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as file:
        [number] = [line.split()[1] for line in file if line.startswith("prog_id:")]
    dump = subprocess.run(["bpftool", "prog", "dump", "xlated", "id", number, "linum"], capture_output=True, text=True, check=True)
    assert "tasks.increment(0)" in dump.stdout
