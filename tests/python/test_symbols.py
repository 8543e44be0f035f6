"""Names of addresses in processes, compared with those of nm and objdump: in processes that change meanwhile, live in
containers, or try to harm a symbolizer."""

import ctypes
import itertools
import lzma
import os
import re
import resource
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ebcc import BPF, _ebcc
from conftest import LIMIT

TARGET = Path(__file__).with_name("symbols_target.c")
KINDS = {
    "pie": ["-pie", "-fPIE"],
    "fixed": ["-no-pie", "-fno-pie"],
    "static": ["-static"],
    "static-pie": ["-static-pie"],
    "prelinked": ["-no-pie", "-Wl,-Ttext-segment=0x10000000"],
}


class Process:
    """A running target."""

    def __init__(self, *command, namespace_pid=False):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        inner, function = self.process.stdout.readline().split()
        self.inner_pid = int(inner)
        self.function = int(function, 16)
        self.pid = self.process.pid if not namespace_pid else self.child_pid()

    def child_pid(self):
        """The pid, as seen here, of the process that unshare forked."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def ask(self, command):
        """Sends a command. Returns the answer."""
        print(command, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def start_of(self, path):
        """The lowest address of a file in the process."""
        for line in Path(f"/proc/{self.pid}/maps").read_text().splitlines():
            if line.endswith(f" {path}"):
                return int(line.split("-")[0], 16)
        raise AssertionError(f"{path} is not mapped")

    def end(self):
        """Ends the process."""
        if self.process.poll() is None:
            print("quit", file=self.process.stdin, flush=True)
        self.process.communicate(timeout=LIMIT)


@pytest.fixture
def start():
    """start(command...): a target that ends with the test."""
    running = []

    def create(*command, **options):
        running.append(Process(*command, **options))
        return running[-1]

    yield create
    for process in running:
        process.end()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the target of each kind, in a file of that name."""
    folder = tmp_path_factory.mktemp("built")
    for kind, flags in KINDS.items():
        run("gcc", "-O1", "-w", "-Wl,--build-id", *flags, "-o", folder / kind, TARGET)
    return folder


@pytest.fixture
def symbolizer(tmp_path):
    """A symbolizer that doesn't use the system's debug files."""
    return _ebcc.Symbolizer(debug_root=bytes(tmp_path / "debug"))


def run(*command):
    """Runs a command. Returns its output."""
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def functions(path):
    """(address, size, name) of each function that nm lists."""
    for line in run("nm", "-S", "--defined-only", path).splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "tTwWi":
            yield int(fields[0], 16), int(fields[1], 16), fields[3].split("@")[0].encode()


def copy(source, target):
    """Copies a program. Returns the copy's path."""
    run("cp", source, target)
    return target


def name_at(symbolizer, process, offset=1):
    """The name of an address in the target's visible_function()."""
    return symbolizer.resolve(process.pid, process.function + offset)[0]


# Names in files.


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_those_of_nm(symbolizer, start, built, kind):
    path = built / kind
    process = start(path)
    listed = list(functions(path))
    visible = next(address for address, _size, name in listed if name == b"visible_function")
    bias = process.function - visible
    starts = {address: {name for other, _size, name in listed if other == address} for address, _size, _name in listed}
    compared = 0
    for address, size, name in listed[:: max(1, len(listed) // 300)]:
        inside = address + size // 2
        # Functions written in assembly may be nested, and nm doesn't say which name counts.
        if any(other < inside < other + other_size for other, other_size, _name in listed if other != address):
            continue
        found, offset, module = symbolizer.resolve(process.pid, bias + inside, False)
        assert (found in starts[address], offset, module) == (True, size // 2, bytes(path)), (found, name)
        compared += 1
    assert compared >= 6


def test_names_are_those_of_addr2line(symbolizer, start, built):
    process = start(built / "pie")
    path = next(line.split()[-1] for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines() if "libc.so" in line)
    base = process.start_of(path)
    wanted = [address + 1 for address, size, _name in dynamic_functions(path) if size > 4][::40]
    text = run("addr2line", "-f", "-e", path, *(hex(address) for address in wanted))
    found = [symbolizer.resolve(process.pid, base + address)[0] for address in wanted]
    names = {address: names for address, names in aliases(dynamic_functions(path)).items()}
    assert len(wanted) > 30
    for address, name, line in zip(wanted, found, text.splitlines()[::2]):
        assert name == line.split("@")[0].encode() or name in names[address - 1]


def dynamic_functions(path):
    """(address, size, name) of each function in .dynsym."""
    for line in run("nm", "-D", "-S", "--defined-only", path).splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "TWi":
            yield int(fields[0], 16), int(fields[1], 16), fields[3].split("@")[0].encode()


def aliases(listed):
    """{address: the names there}."""
    names = {}
    for address, _size, name in listed:
        names.setdefault(address, set()).add(name)
    return names


def test_a_function_without_a_size_reaches_to_the_next(symbolizer, start, built):
    process = start(built / "pie")
    address = int(next(line.split()[0] for line in run("nm", built / "pie").splitlines() if "unsized_function" in line), 16)
    visible = next(address for address, _size, name in functions(built / "pie") if name == b"visible_function")
    found = symbolizer.resolve(process.pid, process.function - visible + address + 2)
    assert found == (b"unsized_function", 2, bytes(built / "pie"))


def test_names_are_demangled(symbolizer, start, built):
    process = start(built / "pie")
    readable = {b"core::fmt::write", b"mycrate::foo", b"std::vector<int, std::allocator<int> >::push_back(int&&)"}
    names = {
        demangle: {
            symbolizer.resolve(process.pid, process.function + delta, demangle)[0] for delta in range(-200, 1)
        }
        for demangle in (True, False)
    }
    assert readable <= names[True]
    assert {b"_RNvC7mycrate3foo", b"_ZN4core3fmt5write17h0123456789abcdefE"} <= names[False] and not readable & names[False]


@pytest.mark.parametrize("kind", ["pie", "fixed"])
def test_plt_stubs_have_the_names_of_what_they_call(symbolizer, start, built, kind):
    process = start(built / kind)
    text = run("objdump", "-d", "-j", ".plt", "-j", ".plt.sec", "-j", ".plt.got", built / kind)
    stubs = [(int(address, 16), name.encode()) for address, name in re.findall(r"^([0-9a-f]+) <(\w+@plt)>:", text, re.M)]
    visible = next(address for address, _size, name in functions(built / kind) if name == b"visible_function")
    assert len(stubs) >= 5
    for address, name in stubs:
        assert symbolizer.resolve(process.pid, process.function - visible + address + 4)[0] == name


def test_functions_of_the_vdso_have_names(symbolizer, start, built):
    process = start(built / "pie")
    base = process.start_of("[vdso]")
    found = symbolizer.resolve_many(process.pid, [base + offset for offset in range(0, 4096, 8)])
    assert any(name and name.endswith(b"clock_gettime") for name, _offset, _module in found)
    assert {module for _name, _offset, module in found} == {b"[vdso]"}


# Symbols in other files and sections.


def hidden_offset(path):
    """The distance from visible_function() to hidden_function(), which only .symtab has."""
    addresses = {name: address for address, _size, name in functions(path)}
    return addresses[b"hidden_function"] - addresses[b"visible_function"]


def hidden_name(symbolizer, process, built):
    """The name of an address in the target's hidden_function()."""
    return name_at(symbolizer, process, hidden_offset(built / "pie") + 1)


def build_id(path):
    """A file's build id, in hexadecimal."""
    return re.search(r"Build ID: (\w+)", run("readelf", "-n", path)).group(1)


def strip(source, target):
    """Makes a stripped copy. Returns its path."""
    run("strip", "-o", target, source)
    return target


def test_stripped_files_have_no_names_for_local_functions(symbolizer, start, built, tmp_path):
    process = start(strip(built / "pie", tmp_path / "stripped"))
    assert hidden_name(symbolizer, process, built) is None
    assert symbolizer.describe(process.pid, process.function, True, True, True) == b"[unknown] [stripped]"


def test_debug_file_is_found_by_build_id(symbolizer, start, built, tmp_path):
    process = start(strip(built / "pie", tmp_path / "stripped"))
    identity = build_id(built / "pie")
    folder = tmp_path / "debug/.build-id" / identity[:2]
    folder.mkdir(parents=True)
    run("objcopy", "--only-keep-debug", built / "pie", folder / f"{identity[2:]}.debug")
    assert hidden_name(symbolizer, process, built) == b"hidden_function"


def test_debug_file_of_another_build_is_not_used(symbolizer, start, built, tmp_path):
    process = start(strip(built / "pie", tmp_path / "stripped"))
    identity = build_id(built / "pie")
    folder = tmp_path / "debug/.build-id" / identity[:2]
    folder.mkdir(parents=True)
    copy(built / "fixed", folder / f"{identity[2:]}.debug")
    assert hidden_name(symbolizer, process, built) is None


@pytest.mark.parametrize("place", ["program.debug", ".debug/program.debug"])
@pytest.mark.parametrize("damaged", [False, True])
def test_debug_file_by_link_needs_the_right_checksum(symbolizer, start, built, tmp_path, place, damaged):
    # Without a build id, the checksum decides.
    bare = tmp_path / "bare"
    run("objcopy", "--remove-section=.note.gnu.build-id", built / "pie", bare)
    debug = tmp_path / place
    debug.parent.mkdir(exist_ok=True)
    run("objcopy", "--only-keep-debug", bare, debug)
    program = strip(bare, tmp_path / "program")
    run("objcopy", f"--add-gnu-debuglink={debug}", program)
    if damaged:
        with debug.open("ab") as file:
            file.write(b"more")
    process = start(program)
    assert hidden_name(symbolizer, process, built) == (None if damaged else b"hidden_function")


def test_compressed_symbols_are_read(symbolizer, start, built, tmp_path):
    debug, program = tmp_path / "debug.elf", strip(built / "pie", tmp_path / "program")
    run("objcopy", "--only-keep-debug", built / "pie", debug)
    Path(f"{debug}.xz").write_bytes(lzma.compress(debug.read_bytes()))
    run("objcopy", f"--add-section=.gnu_debugdata={debug}.xz", program)
    assert hidden_name(symbolizer, start(program), built) == b"hidden_function"


def test_compressed_symbols_that_expand_too_far_are_not_read(symbolizer, start, built, tmp_path):
    program = strip(built / "pie", tmp_path / "program")
    (tmp_path / "bomb.xz").write_bytes(lzma.compress(bytes(200 << 20), preset=0))
    run("objcopy", f"--add-section=.gnu_debugdata={tmp_path / 'bomb.xz'}", program)
    assert hidden_name(symbolizer, start(program), built) is None


def test_copies_with_symbols_are_found(start, built, tmp_path):
    program = strip(built / "pie", tmp_path / "program")
    kept = tmp_path / "symfs" / str(program).lstrip("/")
    kept.parent.mkdir(parents=True)
    copy(built / "pie", kept)
    process = start(program)
    script = "import sys; from ebcc import BPF; print(BPF.sym(int(sys.argv[2]), int(sys.argv[1])).decode())"
    command = [sys.executable, "-c", script, str(process.pid), str(process.function + hidden_offset(built / "pie") + 1)]
    for symfs, name in ((tmp_path / "symfs", "hidden_function"), (tmp_path / "other", "[unknown]")):
        done = subprocess.run(
            command, env={**os.environ, "BCC_SYMFS": str(symfs)}, check=True, capture_output=True, text=True
        )
        assert done.stdout.strip() == name


# Processes that change.


def test_names_of_deleted_and_replaced_files(symbolizer, start, built, tmp_path):
    program = copy(built / "pie", tmp_path / "program")
    process = start(program)
    program.unlink()
    assert name_at(symbolizer, process) == b"visible_function"
    copy(built / "static", program)
    assert name_at(_ebcc.Symbolizer(), process) == b"visible_function"
    assert symbolizer.resolve(process.pid, process.function)[2] == bytes(program)


def make_library(path, name):
    """A library of one page of code: library_function(), and a local function of that name."""
    source = f"static __attribute__((used, noinline)) int {name}(void) {{ return 1; }} int library_function(void) {{ return {name}(); }}"
    path.with_suffix(".c").write_text(source)
    run("gcc", "-O1", "-shared", "-fPIC", "-o", path, path.with_suffix(".c"))
    return path


def test_libraries_come_and_go(symbolizer, start, built, tmp_path):
    one, two = make_library(tmp_path / "one.so", "first_local"), make_library(tmp_path / "two.so", "other_local")
    process = start(built / "pie")
    assert name_at(symbolizer, process) == b"visible_function"
    address = int(process.ask(f"open {one}"), 16)
    assert until(lambda: symbolizer.resolve(process.pid, address) == (b"library_function", 0, bytes(one)))
    process.ask("close")
    again = int(process.ask(f"open {two}"), 16)
    assert until(lambda: symbolizer.resolve(process.pid, again) == (b"library_function", 0, bytes(two)))


def test_a_process_that_runs_another_program(symbolizer, start, built):
    process = start(built / "fixed")
    assert name_at(symbolizer, process) == b"visible_function"
    inner, function = process.ask(f"exec {built / 'static'}").split()
    assert int(inner) == process.pid
    assert until(lambda: symbolizer.resolve(process.pid, int(function, 16))[::2] ==
                 (b"visible_function", bytes(built / "static")))


def test_names_of_a_process_that_has_ended(symbolizer, start, built):
    process = start(built / "pie")
    assert name_at(symbolizer, process) == b"visible_function"
    process.end()
    time.sleep(0.05)
    assert name_at(symbolizer, process) == b"visible_function"
    symbolizer.forget_process(process.pid)
    assert symbolizer.resolve(process.pid, process.function) == (None, process.function, None)


def test_names_of_a_process_that_was_only_added(symbolizer, start, built):
    process = start(built / "pie")
    symbolizer.add_process(process.pid)
    process.end()
    time.sleep(0.05)
    assert name_at(symbolizer, process) == b"visible_function"
    with pytest.raises(_ebcc.NotFoundError):
        symbolizer.add_process(process.pid)
        _ebcc.Symbolizer().add_process(process.pid)


def test_a_reused_pid_has_the_names_of_the_new_process(built, tmp_path):
    script = tmp_path / "reuse.py"
    script.write_text(textwrap.dedent(f"""
        import subprocess, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_symbols import Process, name_at
        from ebcc import _ebcc
        symbolizer = _ebcc.Symbolizer()
        first = Process({str(built / "fixed")!r})
        assert name_at(symbolizer, first) == b"visible_function"
        first.end()
        time.sleep(0.1)
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(first.pid - 1))
        second = Process({str(built / "prelinked")!r})
        assert second.pid == first.pid, (first.pid, second.pid)
        assert symbolizer.resolve(second.pid, second.function)[::2] == (b"visible_function", {bytes(built / "prelinked")!r})
        assert symbolizer.resolve(second.pid, first.function)[0] is None
        second.end()
        """))
    run("unshare", "-pfm", "--mount-proc", sys.executable, script)


# Containers.


@pytest.fixture
def container(start, built, tmp_path):
    """container(program): a root directory, and the static target in it and in namespaces of its own."""
    root = tmp_path / "root"
    for name in ("bin", "tmp"):
        (root / name).mkdir(parents=True)
    copy(built / "static", root / "bin/target")

    def create(program="/bin/target"):
        return root, start("unshare", "-mpf", "--kill-child", "chroot", root, program, namespace_pid=True)

    return create


def test_names_of_a_file_inside_a_container(symbolizer, container):
    _root, process = container()
    assert process.inner_pid == 1 and process.pid != 1
    assert symbolizer.resolve(process.pid, process.function) == (b"visible_function", 0, b"/bin/target")


def test_debug_file_inside_a_container_is_found(symbolizer, container, built, tmp_path):
    root = tmp_path / "root"
    debug = root / "bin/target.debug"
    run("objcopy", "--only-keep-debug", built / "static", debug)
    run("strip", root / "bin/target")
    run("objcopy", f"--add-gnu-debuglink={debug}", root / "bin/target")
    _root, process = container()
    assert name_at(symbolizer, process) == b"visible_function"


def test_debug_file_that_leads_out_of_a_container_is_not_used(symbolizer, container, built, tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside.debug"
    run("objcopy", "--only-keep-debug", built / "static", outside)
    run("strip", root / "bin/target")
    run("objcopy", f"--add-gnu-debuglink={outside}", root / "bin/target")
    (root / "bin/outside.debug").symlink_to(outside)
    _root, process = container()
    assert name_at(symbolizer, process) is None


# perf maps.


def perf_map(container, text):
    """A process in a container with code made at run time, the code's address, and the path of the perf map, which has
    text(address)."""
    root, process = container()
    address = int(process.ask("code"), 16)
    path = root / "tmp/perf-1.map"
    path.write_bytes(text(address))
    return process, address, path


def test_a_perf_map_names_code_made_at_run_time(symbolizer, container):
    process, address, path = perf_map(container, lambda start: b"%x 10 js::first function\n" % start)
    found = symbolizer.resolve(process.pid, address + 3)
    assert found == (b"js::first function", 3, b"/tmp/perf-1.map")
    assert symbolizer.describe(process.pid, address + 0x20, True, True, True) == b"[unknown] [perf-1.map]"
    with path.open("ab") as file:
        file.write(b"0x%x 0x10 second" % (address + 0x20))
    time.sleep(0.1)
    assert symbolizer.resolve(process.pid, address + 0x21)[0] is None  # the line isn't complete
    with path.open("ab") as file:
        file.write(b"\r\n%x 8 moved\n" % address)
    assert until(lambda: symbolizer.resolve(process.pid, address + 0x21)[0] == b"second")
    assert symbolizer.resolve(process.pid, address + 3)[0] == b"moved"


def test_perf_map_with_lines_of_any_kind_and_order(symbolizer, container):
    def text(start):
        return b"".join([
            b"nonsense\n\n\0\0\0\n-1 -1 x\n", b"%x 0 empty\n" % start, b"%x 100 outer\n" % start,
            b"%x 10 inner\n" % (start + 0x20), b"%x 8 cut\0off\n" % (start + 0x40), b"%x 8 \n" % (start + 0x48),
            b"ffffffffffffffff ffffffffffffffff end\n", b"%x 10 %s\n" % (start + 0x60, b"long" * 5000),
        ])  # fmt: skip

    process, address, _path = perf_map(container, text)
    names = [symbolizer.resolve(process.pid, address + offset)[0] for offset in (1, 0x21, 0x31, 0x41, 0x49, 0x61, 0xFF, 0x100)]
    assert names == [b"outer", b"inner", b"outer", b"cut", b"outer", b"outer", b"outer", None]


def test_perf_map_that_leads_out_of_the_root_is_not_used(symbolizer, container, tmp_path):
    process, address, path = perf_map(container, lambda start: b"")
    (tmp_path / "outside.map").write_bytes(b"%x 100 outside\n" % address)
    path.unlink()
    path.symlink_to(tmp_path / "outside.map")
    assert symbolizer.resolve(process.pid, address) == (None, address, None)


def test_perf_map_that_is_a_pipe_is_not_read(symbolizer, container):
    process, address, path = perf_map(container, lambda start: b"")
    path.unlink()
    os.mkfifo(path)
    begin = time.monotonic()
    assert symbolizer.resolve(process.pid, address) == (None, address, None)
    assert time.monotonic() - begin < 5


def test_perf_map_of_gigabytes_gives_no_names(symbolizer, container):
    """Lines that weren't read might replace those that were: there are no names, and the statistics say so."""
    process, address, path = perf_map(container, lambda start: b"%x 100 early\n" % start)
    os.truncate(path, 8 << 30)
    deadline = time.monotonic() + 60
    while not symbolizer.statistics()["too_large"]:
        begin = time.thread_time()
        assert symbolizer.resolve(process.pid, address)[0] is None
        assert time.thread_time() - begin < 2
        assert time.monotonic() < deadline
    assert symbolizer.resolve(process.pid, address) == (None, address, b"/tmp/perf-1.map")
    assert symbolizer.statistics()["memory"] < 4 << 20


def test_perf_map_of_another_user_is_not_used(symbolizer, container):
    process, address, path = perf_map(container, lambda start: b"%x 100 planted\n" % start)
    os.chown(path, 1234, 1234)
    assert symbolizer.resolve(process.pid, address)[0] is None


# How much other processes can make a symbolizer keep, and how long they can make it read.

CODE = 0x500000000000  # an address that no process has mapped, but where its perf map may have functions


def lines(count, name=b"function", size=16):
    return b"".join(b"%x %x %s%d\n" % (CODE + i * size, size, name, i) for i in range(count))


@pytest.fixture
def jits():
    """jits(text, ...): starts a process for each text, with this text as its perf map, and gives the pids. A path
    instead of a text is linked there."""
    started, paths = [], []

    def create(*texts):
        for text in texts:
            process = subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE)
            started.append(process)
            path = Path(f"/tmp/perf-{process.pid}.map")
            path.unlink(missing_ok=True)
            paths.append(path)
            if isinstance(text, bytes):
                path.write_bytes(text)
            else:
                path.hardlink_to(text)
        return [process.pid for process in started[-len(texts):]]

    yield create
    for process in started:
        process.communicate(b"\n")
    for path in paths:
        path.unlink(missing_ok=True)


def test_a_shared_perf_map_is_kept_once(symbolizer, jits):
    first = jits(lines(150_000))[0]
    rest = jits(*[Path(f"/tmp/perf-{first}.map")] * 7)
    assert symbolizer.resolve(first, CODE + 16)[0] == b"function1"
    once = symbolizer.statistics()["memory"]
    assert once > 150_000 * 24
    begin = time.thread_time()
    for pid in rest:
        assert symbolizer.resolve(pid, CODE + 149_999 * 16 + 1) == (b"function149999", 1, b"/tmp/perf-%d.map" % pid)
    assert symbolizer.statistics()["memory"] < once + (1 << 20)
    assert time.thread_time() - begin < 1


def test_a_large_jit_fits(symbolizer, jits):
    """150,000 functions with names of 150 characters: maps of Java and Node become that large."""
    pid = jits(lines(150_000, b"Lorg/example/" + b"package/" * 16))[0]
    assert symbolizer.resolve(pid, CODE)[0].endswith(b"package/0")
    assert symbolizer.resolve(pid, CODE + 149_999 * 16)[0].endswith(b"package/149999")
    assert symbolizer.statistics()["too_large"] == 0


def test_perf_maps_together_stay_within_the_limit(jits, caplog):
    limit = 4 << 20
    symbolizer = _ebcc.Symbolizer(memory_limit=limit)
    pids = jits(*[lines(40_000, b"of%d_" % number) for number in range(8)])
    for _ in range(2):
        for number, pid in enumerate(pids):
            assert symbolizer.resolve(pid, CODE + 39_999 * 16)[0] == b"of%d_39999" % number
            assert symbolizer.statistics()["memory"] < 2 * limit
    symbolizer.resolve(os.getpid(), CODE)
    statistics = symbolizer.statistics()
    assert statistics["memory"] <= limit and statistics["dropped"] >= 8
    assert not statistics["too_large"] and not caplog.records


def test_a_perf_map_beyond_the_limit_gives_no_names(jits, caplog):
    symbolizer = _ebcc.Symbolizer(memory_limit=4 << 20)
    large, also_large, small = jits(lines(100_000), lines(100_000, b"other"), lines(10))
    for _ in range(3):
        assert symbolizer.resolve(large, CODE) == (None, CODE, b"/tmp/perf-%d.map" % large)
        assert symbolizer.resolve(also_large, CODE)[0] is None
        assert symbolizer.resolve(small, CODE)[0] == b"function0"
    assert symbolizer.statistics()["too_large"] == 2
    assert symbolizer.statistics()["memory"] < 1 << 20
    assert len(caplog.records) == 1 and f"/tmp/perf-{large}.map is too large" in caplog.text
    # A map that its compiler begins again is read again.
    Path(f"/tmp/perf-{large}.map").write_bytes(lines(5, b"fresh"))
    assert until(lambda: symbolizer.resolve(large, CODE)[0]) == b"fresh0"


def until(condition, seconds=LIMIT):
    """Waits until a condition is true. Returns its value."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_replaced_functions_take_no_memory(jits):
    """A compiler that reuses its memory writes lines for ever, but only the functions that are there now count."""
    symbolizer = _ebcc.Symbolizer(memory_limit=2 << 20)
    pid = jits(b"".join(lines(2000, b"round%d_" % number) for number in range(200)))[0]
    assert symbolizer.resolve(pid, CODE)[0] == b"round199_0"
    assert symbolizer.resolve(pid, CODE + 1999 * 16)[0] == b"round199_1999"
    assert symbolizer.statistics()["too_large"] == 0 and symbolizer.statistics()["memory"] < 1 << 20


def test_appending_costs_only_what_is_appended(symbolizer, jits):
    pid = jits(lines(400_000))[0]
    begin = time.thread_time()
    assert symbolizer.resolve(pid, CODE)[0] == b"function0"
    first = time.thread_time() - begin
    spent = 0
    with open(f"/tmp/perf-{pid}.map", "ab") as file:
        for number in range(10):
            file.write(b"%x 10 new%d\n" % (CODE - 16 * (number + 1), number))
            file.flush()
            name = None
            while name is None:
                time.sleep(0.01)
                begin = time.thread_time()
                name = symbolizer.resolve(pid, CODE - 16 * (number + 1))[0]
                spent += time.thread_time() - begin
            assert name == b"new%d" % number
    # Reading all of it each time would cost ten times the first.
    assert spent < first * 3
    assert symbolizer.resolve(pid, CODE + 399_999 * 16)[0] == b"function399999"


def test_a_function_that_replaces_a_named_one_is_found(symbolizer, jits):
    """No address is unknown then, so the map must be looked at without that reason."""
    pid = jits(lines(10))[0]
    assert symbolizer.resolve(pid, CODE)[0] == b"function0"
    with open(f"/tmp/perf-{pid}.map", "ab") as file:
        file.write(b"%x 10 replacement\n" % CODE)
    assert until(lambda: symbolizer.resolve(pid, CODE)[0] == b"replacement")
    # A file that was rewritten, and is longer.
    Path(f"/tmp/perf-{pid}.map").write_bytes(lines(100, b"another"))
    assert until(lambda: symbolizer.resolve(pid, CODE)[0] == b"another0")


def test_time_for_reading_is_limited(jits, caplog):
    symbolizer = _ebcc.Symbolizer(time_limit=1)
    large, small = jits(lines(200_000), lines(10))
    assert symbolizer.resolve(large, CODE)[0] == b"function0"
    assert symbolizer.resolve(small, CODE)[0] is None
    assert symbolizer.statistics()["no_time"] >= 1
    assert len(caplog.records) == 1 and "time for reading symbols is used up" in caplog.text
    # Known names stay known meanwhile, and the rest come later.
    assert symbolizer.resolve(large, CODE + 16)[0] == b"function1"
    assert until(lambda: symbolizer.resolve(small, CODE)[0]) == b"function0"
    assert len(caplog.records) == 1


def test_a_huge_symbol_table_is_not_read(symbolizer, start, built, tmp_path):
    """A sparse file claims to have a symbol table of a gigabyte."""
    program = bytearray((built / "static").read_bytes())
    sections, = struct.unpack_from("<Q", program, 0x28)
    entry_size, count = struct.unpack_from("<HH", program, 0x3A)
    for number in range(count):
        at = sections + number * entry_size
        if struct.unpack_from("<I", program, at + 4)[0] == 2:  # SHT_SYMTAB
            struct.pack_into("<QQ", program, at + 0x18, 0, 24 * (40 << 20))
    path = tmp_path / "sparse"
    path.write_bytes(program)
    path.chmod(0o755)
    os.truncate(path, 2 << 30)
    process = start(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert name_at(symbolizer, process) is None
    assert symbolizer.statistics()["too_large"] == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


# Hostile files.


def damage(data, number):
    """The file cut short, or with some bytes changed."""
    if number % 2:
        return data[: len(data) * number // 40]
    changed = bytearray(data)
    for position in range(number * 7, min(len(data), 4096), 61):
        changed[position] ^= 0x80 | number
    return bytes(changed)


def test_damaged_files_do_no_harm(symbolizer, built, tmp_path):
    data = (built / "pie").read_bytes()
    for number in range(40):
        path = tmp_path / f"damaged{number}"
        path.write_bytes(damage(data, number))
        try:
            symbolizer.add_file(bytes(path))
        except _ebcc.FormatError as error:
            assert "build id" in str(error)
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(_ebcc.FormatError, match="not a regular file"):
            symbolizer.add_file(bytes(path))


# Names by the functions that scripts use.


def test_names_for_scripts(start, built):
    process = start(built / "pie")
    address = process.function + 1
    assert BPF.sym(address, process.pid) == b"visible_function"
    assert BPF.sym(address, process.pid, show_module=True, show_offset=True) == b"visible_function+0x1 [pie]"
    assert BPF.sym(ctypes.c_ulonglong(address), process.pid, show_offset=True) == b"visible_function+0x1"
    assert BPF.sym(0x10, process.pid, True, True) == b"[unknown]"
    cache = BPF._sym_cache(process.pid)
    assert cache.resolve(0x10, True) == (None, 0x10, None)
    assert cache.resolve(address, False) == (b"visible_function", 1, bytes(built / "pie"))
    assert cache.resolve_name(b"pie", b"visible_function") == process.function
    assert cache.resolve_name(None, "hidden_function") == process.function + hidden_offset(built / "pie")
    assert cache.resolve_name(b"libc.so.6", b"visible_function") == -1
    assert BPF.sym(address, 0x3FFFFFFF) == b"[unknown]"


def test_kernel_symbols_of_what_was_loaded_later(load):
    assert BPF.ksym(BPF.ksymname("schedule"), show_module=True) == b"schedule [kernel]"
    bpf = load("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { FILTER return 0; }")
    program = next(iter(bpf.module.programs()))
    tag = re.search(r"prog_tag:\s*(\w+)", Path(f"/proc/self/fdinfo/{program.fd}").read_text()).group(1)
    names = (line.split() for line in Path("/proc/kallsyms").read_text().splitlines() if line.endswith("[bpf]"))
    mine = [(int(fields[0], 16), fields[2].encode()) for fields in names if tag in fields[2]]
    assert mine, "the kernel lists no BPF programs: net.core.bpf_jit_kallsyms is 0"
    deadline = time.monotonic() + 30
    while BPF.ksym(mine[-1][0]) != mine[-1][1] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert BPF.ksym(mine[-1][0] + 1, True, True) == mine[-1][1] + b"+0x1 [bpf]"


def test_names_of_stacks_of_build_ids(load):
    bpf = load("""
        BPF_STACK_TRACE_BUILDID(stacks, 64);
        BPF_ARRAY(ids, int, 1);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
        {
            FILTER
            int zero = 0, id = stacks.get_stackid(args, BPF_F_USER_STACK);
            ids.update(&zero, &id);
            return 0;
        }""")
    os.getpgid(0)
    frames = list(bpf["stacks"].walk(bpf["ids"][0].value))
    libc = next(
        line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libc.so" in line
    )  # fmt: skip
    assert frames[0].status == 1 and bytes(frames[0].build_id).hex() == build_id(libc)
    bpf.add_module(libc)
    names = [bpf.sym(frame, os.getpid(), show_module=True, show_offset=True) for frame in frames]
    assert re.fullmatch(rb"(__)?getpgid\+0x\w+ \[libc\.so\.6\]", names[0])
    assert list(bpf["stacks"].walk(bpf["ids"][0].value, lambda frame: frame.status)) == [frame.status for frame in frames]
    bpf.add_module("/no/such/file")  # only a line in the log


def many_functions(path, strings, places):
    """Writes an ELF file with functions of 16 bytes each, whose names are at these places of the strings. Returns its
    build id."""
    base, count, symbols = 0x10000, len(places), [bytes(24)]
    for number, place in enumerate(places):
        symbols.append(struct.pack("<IBBHQQ", place, 0x12, 0, 4, base + number * 16, 16))
    note = struct.pack("<III4s", 4, 20, 3, b"GNU\0") + b"million functions...!"[:20]
    table = b"".join(symbols)
    sections = "\0.strtab\0.symtab\0.note\0.text\0.shstrtab\0".encode()
    offset, headers = 64 + 56, [bytes(64)]
    body = b""
    for name, kind, data, link, size, flags, address in (
        (1, 3, strings, 0, 0, 0, 0), (9, 2, table, 1, 24, 0, 0), (17, 7, note, 0, 0, 2, 0), (29, 3, sections, 0, 0, 0, 0),
    ):  # fmt: skip
        headers.append(struct.pack("<IIQQQQIIQQ", name, kind, flags, address, offset, len(data), link, 1, 1, size))
        body += data
        offset += len(data)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, offset, 0, 64, 56, 1, 64, 5, 4)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0x10000, base, base, count * 16, count * 16, 4096)
    with path.open("wb") as file:
        file.write(header + segment + body + b"".join(headers))
    return note[16:36]


def test_a_million_functions_take_little_memory(tmp_path):
    names = [b"_ZN7project9component%dEv_function_with_a_name_of_browsers_%d" % (number % 977, number) for number in range(1_000_000)]
    places = itertools.accumulate((len(name) + 1 for name in names[:-1]), initial=1)
    identity = many_functions(tmp_path / "large", b"\0" + b"\0".join(names) + b"\0", list(places))
    script = textwrap.dedent("""
        import sys, time
        from ebcc import _ebcc
        symbolizer = _ebcc.Symbolizer()
        path, identity, count = sys.argv[1].encode(), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
        peak = lambda: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
        before = peak()
        symbolizer.add_file(path)
        numbers = range(0, count, 101)
        begin = time.process_time()
        found = [symbolizer.describe_build_id(identity, 0x10000 + number * 16 + 5, False, True, False) for number in numbers]
        each = (time.process_time() - begin) / len(found)
        print(peak() - before, each * 1e6, found[0].decode(), found[-1].decode())
        """)
    done = run(sys.executable, "-c", script, tmp_path / "large", identity.hex(), len(names))
    memory, microseconds, first, last = done.split()
    assert (first, last) == (names[0].decode() + "+0x5", names[range(0, len(names), 101)[-1]].decode() + "+0x5")
    print(f"a million functions: {int(memory) / 1024:.0f} MB at most, {float(microseconds):.1f} us for a name")
    assert int(memory) < 100 * 1024
    assert float(microseconds) < 20


def test_one_long_name_of_many_functions_is_not_read_for_ever(tmp_path):
    """A small file could keep a search busy for hours."""
    many_functions(tmp_path / "hostile", b"\0" + b"a" * 65000 + b"\0", [1] * 200_000)
    begin = time.process_time()
    assert BPF.get_user_functions_and_addresses(str(tmp_path / "hostile"), b"^wanted$") == []
    assert time.process_time() - begin < 10
