"""The test environment itself, on which all other guest tests rely."""

import hashlib
import os
import subprocess
from pathlib import Path


def test_kernel_is_the_one_asked_for():
    assert os.uname().release == os.environ["EBCC_VM_RELEASE"]
    assert Path(f"/boot/config-{os.uname().release}").read_text().count("CONFIG_KPROBES=y") == 1


def test_file_systems_are_mounted():
    mounted = {tuple(line.split()[1:3]) for line in Path("/proc/self/mounts").read_text().splitlines()}
    assert ("/sys/kernel/tracing", "tracefs") in mounted
    assert ("/sys/kernel/debug", "debugfs") in mounted
    assert ("/sys/fs/bpf", "bpf") in mounted
    assert ("/sys/fs/cgroup", "cgroup2") in mounted


def test_btf_file_is_the_kernels_own():
    """The file that `tests/vm/run --btf` returns on the host is this kernel's BTF."""
    ours = hashlib.sha256(Path(os.environ["EBCC_VM_BTF"]).read_bytes()).hexdigest()
    assert ours == hashlib.sha256(Path("/sys/kernel/btf/vmlinux").read_bytes()).hexdigest()


def write_event(path, text):
    """Writes one definition. Truncating the file would remove all events, and it does not support seeking."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def test_kprobe_event(tracefs):
    """A kprobe that is set by hand sees that we open a file."""
    events = tracefs / "kprobe_events"
    event = tracefs / "events/kprobes/vm_smoke"
    write_event(events, b"p:kprobes/vm_smoke do_sys_openat2 name=+0(%si):ustring")
    try:
        (event / "enable").write_text("1")
        Path("/etc/hostname").read_text()
        (event / "enable").write_text("0")
        assert 'name="/etc/hostname"' in (tracefs / "trace").read_text()
    finally:
        (event / "enable").write_text("0")
        write_event(events, b"-:kprobes/vm_smoke")
    assert "vm_smoke" not in events.read_text()


def test_scratch_disk_does_real_io():
    """The virtio disk accepts a write past the page cache, and counts it."""
    before = int(Path("/sys/block/vda/stat").read_text().split()[4])
    subprocess.run(
        ["dd", "if=/dev/zero", "of=/dev/vda", "bs=4096", "count=8", "oflag=direct"], check=True, capture_output=True
    )
    assert int(Path("/sys/block/vda/stat").read_text().split()[4]) - before == 8


def test_module_can_be_loaded():
    """modprobe finds the kernel's modules."""
    subprocess.run(["modprobe", "dummy"], check=True)
    assert Path("/sys/module/dummy").exists()
