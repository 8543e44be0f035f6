"""Finding functions, tracepoints, libraries and symbols."""

import os
import re
import time

import pytest

import bcc
from ebcc import BPF, SymbolCache, utils
from opened_files import opened_by


def kallsyms():
    with open("/proc/kallsyms", encoding="ascii") as file:
        for line in file:
            address, kind, name = line.split()[:3]
            yield int(address, 16), kind, name


def test_kernel_symbols_both_ways():
    address = BPF.ksymname("schedule")
    assert (address, "schedule") in {(a, n) for a, _, n in kallsyms()}
    assert BPF.ksymname(b"schedule") == address
    assert BPF.ksym(address) == b"schedule"
    assert BPF.ksym(address + 4, show_offset=True) == b"schedule+0x4"
    assert BPF.ksym(address + 4, show_module=True, show_offset=True) == b"schedule+0x4 [kernel]"
    assert BPF.sym(address, -1, show_module=True) == b"schedule [kernel]"
    assert BPF.sym(address, 0xffffffff) == b"schedule"  # -1 in a u32, as in the key of a map


def test_missing_symbols():
    assert BPF.ksymname("no_such_symbol_anywhere") == -1
    assert BPF.ksym(4096) == b"[unknown]"
    assert BPF.sym(4096, os.getpid()) == b"[unknown]"
    assert SymbolCache(-1).resolve(4096) == (None, 4096, None)


def test_symbol_cache():
    cache = SymbolCache(-1)
    address = cache.resolve_name(None, "schedule")
    assert cache.resolve(address + 1, True) == (b"schedule", 1, b"kernel")


def test_tracepoints():
    assert BPF.tracepoint_exists("sched", b"sched_switch")
    assert not BPF.tracepoint_exists("sched", "sched_switc")
    found = BPF.get_tracepoints("sched:sched_switch$")
    assert found == ["sched:sched_switch"] and isinstance(found[0], str)
    # Kernel functions are bytes, and scripts decode names of both kinds.
    assert found[0].decode("utf-8", "replace") == "sched:sched_switch"
    listed = os.listdir("/sys/kernel/tracing/events/sched")
    assert sorted(BPF.get_tracepoints(rb"sched:\w+")) == \
        sorted("sched:" + name for name in listed if name not in ("enable", "filter"))


@pytest.mark.parametrize("pattern", [
    "sched:sched_(switch|wakeup)$", r"sched:sched_\w+g$", "(?i)SCHED:sched_wa.*", r"sched:sched_.*?t$",
    "sched:.*[^a-m]$", "net:|skb:", "sched:sched_process_e{1}x.*",
])
def test_regular_expressions_match_as_in_python(pattern):
    every = BPF.get_tracepoints("")
    expected = [name for name in every if re.match(pattern, name)]
    assert expected
    assert sorted(BPF.get_tracepoints(pattern)) == sorted(expected)


def test_user_functions():
    assert b"malloc" in BPF.get_user_functions("c", "^mallo")
    assert BPF.get_user_functions("c", "^getpgid$") == {b"getpgid"}
    [address] = BPF.get_user_addresses("c", b"^malloc$")
    assert BPF.get_user_functions_and_addresses("c", "^malloc$") == [(b"malloc", address)]


def test_libraries_and_programs():
    path = BPF.find_library("c")
    assert path.endswith(b"/libc.so.6") and os.path.exists(path)
    assert BPF.find_library("nosuchlibrary") is None
    assert BPF.find_exe("sh") in ("/bin/sh", "/usr/bin/sh")
    assert BPF.find_exe("no-such-program") is None
    assert BPF.find_exe(b"/bin/sh") == b"/bin/sh"


def test_system_calls():
    prefix = BPF.get_syscall_prefix()
    assert BPF.get_syscall_fnname("openat") == prefix + b"openat"
    assert (prefix + b"openat").decode() in {name for _, _, name in kallsyms()}
    assert BPF.fix_syscall_fnname("sys_openat") == prefix + b"openat"
    assert BPF.fix_syscall_fnname(b"__x64_sys_openat") == prefix + b"openat"
    assert BPF.fix_syscall_fnname("vfs_read") == b"vfs_read"
    assert BPF.add_prefix("p_", "p_x") == b"p_x"
    assert BPF.add_prefix(b"p_", "x") == b"p_x"


def test_monotonic_time():
    before = time.monotonic_ns()
    assert before <= BPF.monotonic_time() <= time.monotonic_ns()


def test_cpus():
    assert utils.get_online_cpus() == sorted(os.sched_getaffinity(0)) or \
        set(os.sched_getaffinity(0)) <= set(utils.get_online_cpus())
    assert len(utils.get_possible_cpus()) >= len(utils.get_online_cpus()) >= 1


def test_printb(capfdbinary):
    utils.printb(b"caf\xe9")
    utils.printb("text", nl=0)
    assert capfdbinary.readouterr().out == b"caf\xe9\ntext"


def test_arg_string():
    argument = bcc.ArgString("caf\udce9")
    assert bytes(argument) == b"caf\xe9"
    assert str(argument) == "caf\udce9"
    assert bytes(bcc.ArgString(argument)) == b"caf\xe9"


# The list of kernel functions, which is kept in the process and in the disk cache.

FIND = """
    import time
    from ebcc import BPF

    start = time.process_time()
    found = BPF.get_kprobe_functions("^vfs_(read|write)v?$")
    print((time.process_time() - start) * 1000, *found)
"""


@pytest.fixture
def cache(tmp_path):
    """An environment with a new disk cache, and the directory of that cache."""
    folder = tmp_path / "cache"
    return dict(os.environ, EBCC_CACHE=str(folder)), folder


@pytest.mark.parametrize("pattern", [
    "", "vfs_read", "^vfs_.*", "vfs_", "^vfs_(read|write)v?$", ".*read$", "^.*_read.*_.*", "v?fs_.*", "^x*vfs_r", "vfs_+read",
    "a|vfs_read$", "tcp_[a-d].*", "vfs_rea.*d", "no_such_function_anywhere", "(t|u)cp_v4_.*|^vfs_open$", ".*nd_c.*e.*",
    r"^vfs_\w+", r"vfs_\w+|tcp_v\d_.*", r"(?i)VFS_R.*", r"vfs_reads?\b", r"vfs_x*r\w+$", r"vfs_x{0}r\w+", "v.*?_open",
])
def test_functions_are_those_that_match(pattern):
    """The optimizations (order of names, required parts) don't change the result."""
    every = BPF.get_kprobe_functions("")
    assert every == sorted(set(every)) and len(every) > 10000
    assert BPF.get_kprobe_functions(pattern) == [name for name in every if re.match(pattern.encode(), name)]


def fastest(function):
    """The processor time of the fastest of five calls, in milliseconds."""
    times = []
    for _ in range(5):
        start = time.process_time()
        function()
        times.append((time.process_time() - start) * 1000)
    return min(times)


def test_functions_are_found_in_milliseconds():
    def read_symbols():
        with open("/proc/kallsyms", "rb") as file:
            file.read()

    BPF.get_kprobe_functions("^vfs_")
    # Compared with reading the kernel's list once, which takes tens of milliseconds.
    read = fastest(read_symbols)
    assert fastest(lambda: BPF.get_kprobe_functions("^vfs_.*")) * 20 < read
    assert fastest(lambda: BPF.get_kprobe_functions(r"^vfs_\w+")) * 20 < read
    assert fastest(lambda: BPF.get_kprobe_functions(".*_read$")) * 2 < read
    assert fastest(lambda: BPF.get_kprobe_functions("^(tcp|udp)_.*")) * 2 < read


def test_functions_without_reading_symbols(cache):
    """Another process gets the list from the disk cache."""
    environment, folder = cache
    first, names = opened_by(FIND, environment)
    assert "vfs_read vfs_" in first.replace("b'", "").replace("'", "") and "/proc/kallsyms" in names
    [entry] = folder.glob("*.functions")
    second, names = opened_by(FIND, environment)
    assert second.split()[1:] == first.split()[1:] and "/proc/kallsyms" not in names
    assert float(second.split()[0]) * 2 < float(first.split()[0])
    # A damaged list is not used, nor is one that others could have written.
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-100])
    assert "/proc/kallsyms" in opened_by(FIND, environment)[1] and entry.read_bytes() == whole
    entry.chmod(0o622)
    assert "/proc/kallsyms" in opened_by(FIND, environment)[1]


def test_functions_without_a_cache(cache):
    environment, _ = cache
    output, names = opened_by(FIND, dict(environment, EBCC_CACHE="off"))
    assert "b'vfs_read'" in output and "/proc/kallsyms" in names
