"""Fixtures of the Python tests. The tests trace the running kernel; each test traces its own process."""

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

# A shell that runs the tests in the background makes them ignore SIGINT, which child processes would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The longest time, in seconds, that a test waits for something that must happen. The machine may be busy.
LIMIT = 300

# System calls in which a thread waits: read, select, pselect6, poll, ppoll, epoll_wait, epoll_pwait, epoll_pwait2, clock_nanosleep.
WAITS = {"x86_64": {"0", "23", "270", "7", "271", "232", "281", "441", "230"},
         "aarch64": {"63", "72", "73", "22", "441", "115"}}[platform.machine()]

# os.getpgid(N) makes the system call getpgid(N), which nothing else in a test makes.
FILTER = "if (bpf_get_current_pid_tgid() >> 32 != OWN_PID) return 0;"


def source(text):
    """The text of a test, with OWN_PID and FILTER replaced."""
    return textwrap.dedent(text).replace("FILTER", FILTER).replace("OWN_PID", str(os.getpid()))


def getpgid(*numbers):
    """Makes one system call per number, and ignores the result."""
    for number in numbers:
        try:
            os.getpgid(number)
        except ProcessLookupError:
            pass


def has_uprobe_multi():
    """Whether this kernel has links for many user functions, which single ones use too. They came with 6.6; the first
    ones could not filter by process."""
    return tuple(int(part) for part in os.uname().release.split(".")[:2]) >= (6, 10)


def wait_until(condition):
    """Waits until a condition is true, and returns its value."""
    deadline = time.monotonic() + LIMIT
    while not (value := condition()):
        assert time.monotonic() < deadline, "still not true after %d s" % LIMIT
        time.sleep(0.01)
    return value


def wait_until_asleep(pid, thread=None):
    """Waits until a thread (by default, the main thread of the process) sleeps in a system call of
    WAITS."""
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
    """Makes sure that a cgroup file system (version 2) is mounted."""
    mounted = kernel_calls.cgroup_root() is None
    if mounted:
        subprocess.run(["mount", "-t", "cgroup2", "none", tmp_path], check=True)
    yield
    if mounted:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.fixture
def bpffs(tmp_path):
    """The path of a bpf file system that only the test uses, so nothing stays pinned."""
    folder = tmp_path / "bpffs"
    folder.mkdir()
    subprocess.run(["mount", "-t", "bpf", "none", folder], check=True)
    yield str(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def python():
    """python(script): runs a script in a separate process."""

    def run(script, timeout=LIMIT, **options):
        return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True,
                              text=True, timeout=timeout, **options)

    return run


def programs_of(pid="self"):
    """The ids of the programs that a process holds, directly or through links."""
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
    """Waits until the kernel has freed these programs, which happens shortly after their last
    reference is dropped. Returns True."""
    def absent():
        listing = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, check=True)
        return not ids & {program["id"] for program in json.loads(listing.stdout)}

    wait_until(absent)
    return True
