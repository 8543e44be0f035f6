"""Fixtures of the Python tests. They trace this machine's own kernel, each test its own process."""

import json
import os
import platform
import signal
import subprocess
import sys
import textwrap
import time

import kernel_calls
import pytest

from ebcc import BPF

# Where tests run in the background a shell has had SIGINT ignored, and what they start would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long a test waits for what must come, on a machine that may be busy with other things.
LIMIT = 300

# System calls in which a thread waits: read, select, pselect6, poll, ppoll, epoll_wait, epoll_pwait, epoll_pwait2, clock_nanosleep.
WAITS = {"x86_64": {"0", "23", "270", "7", "271", "232", "281", "441", "230"},
         "aarch64": {"63", "72", "73", "22", "441", "115"}}[platform.machine()]

# os.getpgid(N) makes the system call getpgid with N, which nothing else in a test does.
FILTER = "if (bpf_get_current_pid_tgid() >> 32 != OWN_PID) return 0;"


def source(text):
    """A test's text, with OWN_PID and FILTER filled in."""
    return textwrap.dedent(text).replace("FILTER", FILTER).replace("OWN_PID", str(os.getpid()))


def getpgid(*numbers):
    """One system call per number, whatever it returns."""
    for number in numbers:
        try:
            os.getpgid(number)
        except ProcessLookupError:
            pass


def wait_until(condition):
    """Looks again and again until a condition holds; gives its value."""
    deadline = time.monotonic() + LIMIT
    while not (value := condition()):
        assert time.monotonic() < deadline, "not so after %d s" % LIMIT
        time.sleep(0.01)
    return value


def wait_until_asleep(pid, thread=None):
    """Waits until a thread (the main thread of a process, if none is named) waits in a system call
    for something to come, or for a time to pass."""
    path = "/proc/%d/task/%d/syscall" % (pid, thread or pid)

    def asleep():
        with open(path, encoding="ascii") as file:
            return file.read().split()[0] in WAITS

    wait_until(asleep)


@pytest.fixture
def load():
    """load(text, **options): a BPF object that is closed when the test ends."""
    opened = []

    def create(text, **options):
        bpf = BPF(text=source(text), **options)
        opened.append(bpf)
        return bpf

    yield create
    for bpf in opened:
        bpf.close()


@pytest.fixture
def cgroup2(tmp_path):
    """Has a file system of control groups (version 2) mounted."""
    mounted = kernel_calls.cgroup_root() is None
    if mounted:
        subprocess.run(["mount", "-t", "cgroup2", "none", tmp_path], check=True)
    yield
    if mounted:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.fixture
def bpffs(tmp_path):
    """A bpf file system of the test's own: nothing pinned stays."""
    folder = tmp_path / "bpffs"
    folder.mkdir()
    subprocess.run(["mount", "-t", "bpf", "none", folder], check=True)
    yield str(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def python():
    """python(script): runs a script in a process of its own."""

    def run(script, **options):
        return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True,
                              text=True, timeout=LIMIT, **options)

    return run


def programs_of(pid="self"):
    """Ids of the programs that a process holds, by themselves or through links."""
    ids = set()
    folder = "/proc/%s/fdinfo" % pid
    for descriptor in os.listdir(folder):
        try:
            with open(os.path.join(folder, descriptor), encoding="ascii") as file:
                ids.update(int(line.split()[1]) for line in file if line.startswith("prog_id:"))
        except FileNotFoundError:
            continue
    return ids


def gone(ids):
    """Whether the kernel has none of these programs, at last: it frees them a little after their
    last reference goes."""
    def absent():
        listing = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, check=True)
        return not ids & {program["id"] for program in json.loads(listing.stdout)}

    wait_until(absent)
    return True
