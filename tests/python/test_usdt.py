# SPDX-License-Identifier: Apache-2.0
"""USDT probes: what is found in files and processes, and the values that programs read at them. The
traced programs are built here, and the traced processes are children of the test."""

import itertools
import logging
import os
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import ebcc
from ebcc import BPF, USDT, USDTException

HERE = Path(__file__).parent
WORD = 1 << 64

# For each call, by its number: the first twelve arguments, and the results of reading them.
READ_ALL = """
struct arguments { u64 values[12]; int errors[12]; u32 pid; };
BPF_ARRAY(found, struct arguments, 32);
BPF_ARRAY(count, u32, 1);
static inline int read_all(struct pt_regs *ctx)
{
    int zero = 0;
    u32 *number = count.lookup(&zero);
    if (!number)
        return 0;
    int slot = *number;
    struct arguments *all = found.lookup(&slot);
    if (!all)
        return 0;
    all->pid = ebcc_ns_pid_tgid() >> 32;
#define ONE(n) all->errors[n - 1] = bpf_usdt_readarg(n, ctx, &all->values[n - 1]);
    ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) ONE(12)
    lock_xadd(number, 1);
    return 0;
}
int on_probe(struct pt_regs *ctx) { return read_all(ctx); }
int on_other(struct pt_regs *ctx) { return read_all(ctx); }
"""
ENOENT = -2


def build(path, source, *flags):
    subprocess.run(["cc", "-O2", "-o", path, HERE / source, *flags], check=True)
    return str(path)


@pytest.fixture(scope="session")
def binaries(tmp_path_factory):
    """{name: path} of the programs and the library."""
    folder = tmp_path_factory.mktemp("usdt")
    return {"target": build(folder / "target", "usdt_target.c"),
            "static": build(folder / "static", "usdt_target.c", "-static"),
            "library": build(folder / "libsteps.so", "usdt_library.c", "-fPIC", "-shared"),
            "fixed": build(folder / "fixed", "usdt_forms.S", "-nostdlib", "-static", "-DFIXED"),
            "pie": build(folder / "pie", "usdt_forms.S", "-nostdlib", "-static-pie")}


class Target:
    """A running program that takes a command on each line."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1, **options)
        self.pid = self.process.pid

    def read(self):
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        return self.read()

    def stop(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start():
    """start(command...): a Target that is ready."""
    running = []

    def run(*command, **options):
        target = Target(*command, **options)
        running.append(target)
        assert target.read() == "ready"
        return target

    yield run
    for target in running:
        target.stop()


@pytest.fixture
def trace():
    """trace(usdt...): a BPF object that is closed when the test ends."""
    opened = []

    def create(*contexts, text=READ_ALL, **options):
        bpf = BPF(text=text, usdt_contexts=contexts, **options)
        opened.append(bpf)
        return bpf

    yield create
    for bpf in opened:
        bpf.close()


def enabled(probe, fn_name="on_probe", **where):
    usdt = USDT(**where)
    usdt.enable_probe(probe, fn_name)
    return usdt


def calls(bpf):
    """[(pid, values, errors)] of the traced calls."""
    return [(call.pid, list(call.values), list(call.errors))
            for call in (bpf["found"][slot] for slot in range(bpf["count"][0].value))]


def values(bpf, count):
    """The first `count` arguments of each call; these must have been read, and no others."""
    for _, _, errors in calls(bpf):
        assert errors == [0] * count + [ENOENT] * (12 - count)
    return [found[:count] for _, found, _ in calls(bpf)]


# ---- Probes that the macros of sys/sdt.h make ----

def test_arguments_of_a_process(binaries, start, trace):
    target = start(binaries["target"])
    bpf = trace(enabled("test:plain", pid=target.pid), text=READ_ALL + """
        BPF_ARRAY(names, char[16], 1);
        int on_name(struct pt_regs *ctx)
        {
            int zero = 0;
            char *name = (char *)names.lookup(&zero);
            if (name)
                bpf_usdt_readarg_p(5, ctx, name, 16);
            return 0;
        }
        """)
    bpf.attach_usdt(USDT(pid=target.pid), "test:plain", "on_name")
    assert target.ask("fire 3") == "fired"
    found = values(bpf, 5)
    assert [call[:4] for call in found] == [
        [i, 250 + i, -300 - i + WORD, -1 - i + WORD] for i in range(3)]
    assert len({call[4] for call in found}) == 1
    assert bpf["names"][0].value == b"spoken"
    assert {pid for pid, *_ in calls(bpf)} == {target.pid}


def test_only_the_given_process_is_traced(binaries, start, trace):
    first, second = start(binaries["target"]), start(binaries["target"])
    bpf = trace(enabled("test:plain", pid=second.pid))
    first.ask("fire 3")
    second.ask("fire 2")
    first.ask("fire 1")
    assert [pid for pid, *_ in calls(bpf)] == [second.pid] * 2


def test_a_path_traces_every_process(binaries, start, trace):
    first = start(binaries["target"])
    bpf = trace(enabled("test:plain", path=binaries["target"]))
    second = start(binaries["target"])
    first.ask("fire 1")
    second.ask("fire 2")
    assert [pid for pid, *_ in calls(bpf)] == [first.pid, second.pid, second.pid]
    assert [call[:2] for call in values(bpf, 5)] == [[0, 250], [0, 250], [1, 251]]


def test_several_processes_each_with_a_context(binaries, start, trace):
    targets = [start(binaries["target"]) for _ in range(3)]
    bpf = trace(*[enabled("test:plain", pid=target.pid) for target in targets[:2]])
    assert bpf.num_open_uprobes() == 2
    for target in targets:
        target.ask("fire 1")
    assert [pid for pid, *_ in calls(bpf)] == [target.pid for target in targets[:2]]


def test_ignoring_the_pid(binaries, start, trace):
    first, second = start(binaries["target"]), start(binaries["target"])
    bpf = trace(enabled("other:plain", pid=first.pid), attach_usdt_ignore_pid=True)
    first.ask("fire 1")
    second.ask("fire 1")
    assert [pid for pid, *_ in calls(bpf)] == [first.pid, second.pid]
    assert values(bpf, 1) == [[1000], [1000]]


def test_locations_with_different_arguments(binaries, start, trace):
    target = start(binaries["target"])
    bpf = trace(enabled("twice", pid=target.pid))
    target.ask("fire 2")
    found = calls(bpf)
    assert [call[1][0] for call in found] == [0, 100, 1, 101]
    assert [call[2][:2] for call in found] == [[0, ENOENT], [0, 0]] * 2
    usdt = USDT(pid=target.pid)
    assert usdt.get_probe_arg_ctype("twice", 0) == "int64_t"
    assert usdt.get_probe_arg_ctype("test:twice", 1) == "uint64_t"


def test_several_programs_at_one_probe(binaries, start, trace):
    target = start(binaries["target"])
    usdt = enabled("other:plain", pid=target.pid)
    usdt.enable_probe("other:plain", "on_other")
    bpf = trace(usdt)
    target.ask("fire 1")
    assert values(bpf, 1) == [[1000], [1000]]
    bpf.detach_usdt(usdt, "other:plain", "on_other")
    target.ask("fire 1")
    assert len(calls(bpf)) == 3
    bpf.detach_usdt(usdt, "other:plain")
    target.ask("fire 1")
    assert len(calls(bpf)) == 3
    with pytest.raises(ebcc.AttachError, match="no USDT probe is attached to"):
        bpf.detach_usdt(usdt, "other:plain")


def test_cookies(binaries, start, trace):
    """In sources that read arguments the kernel's only cookie says where these are."""
    target = start(binaries["target"])
    usdt = USDT(pid=target.pid)
    bpf = trace(text="""
        BPF_HASH(seen, u64, u64);
        int on_probe(struct pt_regs *ctx) { u64 cookie = bpf_get_attach_cookie(ctx); seen.increment(cookie); return 0; }
        int on_other(struct pt_regs *ctx) { u64 cookie = bpf_get_attach_cookie(ctx); seen.increment(cookie); return 0; }
        """)
    bpf.attach_usdt(usdt, "other:plain", "on_probe", cookie=(1 << 64) - 2)
    bpf.attach_usdt(usdt, "twice", "on_other", cookie=3)
    target.ask("fire 2")
    assert {key.value: leaf.value for key, leaf in bpf["seen"].items()} == {(1 << 64) - 2: 2, 3: 4}
    reading = trace()
    for error in (ebcc.UnsupportedError, ebcc.AttachError):
        with pytest.raises(error, match="a cookie is read by bpf_usdt_cookie.ctx.; this one doesn't do that"):
            reading.attach_usdt(usdt, "other:plain", "on_probe", cookie=3)
    assert reading.num_open_uprobes() == 0


def test_cookies_beside_arguments(binaries, start, trace):
    """The same program at probes with equal and with other arguments, and without a cookie."""
    target = start(binaries["target"])
    usdt = USDT(pid=target.pid)
    bpf = trace(text="""
        struct seen { u64 cookie, count, first; };
        BPF_HASH(seen, struct seen, u64);
        int on_probe(struct pt_regs *ctx)
        {
            struct seen now = {bpf_usdt_cookie(ctx)};
            bpf_usdt_readarg(1, ctx, &now.first);
            seen.increment(now);
            return 0;
        }
        int on_other(struct pt_regs *ctx) { return on_probe(ctx); }
        """)
    bpf.attach_usdt(usdt, "other:plain", "on_probe", cookie=(1 << 64) - 2)
    bpf.attach_usdt(usdt, "twice", "on_other", cookie=3)
    target.ask("fire 2")
    cookies = {}
    for key, leaf in bpf["seen"].items():
        cookies[key.cookie] = cookies.get(key.cookie, 0) + leaf.value
    assert cookies == {(1 << 64) - 2: 2, 3: 4}
    bpf.detach_usdt(usdt, "twice")
    bpf.attach_usdt(usdt, "twice", "on_other")
    bpf["seen"].clear()
    target.ask("fire 1")
    assert {key.cookie for key in bpf["seen"].keys()} == {0, (1 << 64) - 2}


def test_a_library_of_a_process(binaries, start, trace):
    target = start(binaries["target"])
    assert target.ask("load " + binaries["library"]) == "loaded"
    usdt = enabled("library:step", pid=target.pid)
    bpf = trace(usdt)
    target.ask("library 3")
    found = values(bpf, 2)
    assert [call[0] for call in found] == [0, 1, 2]
    paths = [path for path, *_ in usdt.enumerate_active_probes()]
    assert paths == [b"/proc/%d/root%s" % (target.pid, os.fsencode(binaries["library"]))]


def test_a_library_that_is_loaded_later(binaries, start, trace):
    target = start(binaries["target"])
    bpf = trace(enabled("library:step", path=binaries["library"]))
    target.ask("load " + binaries["library"])
    target.ask("library 2")
    assert [call[0] for call in values(bpf, 2)] == [0, 1]


def test_a_library_by_its_name_in_a_process(binaries, start):
    target = start(binaries["target"])
    target.ask("load " + binaries["library"])
    probes = USDT(pid=target.pid, path="steps").enumerate_probes()
    assert [probe.short_name() for probe in probes] == ["library:step"]


def test_a_file_that_was_deleted(binaries, start, trace, tmp_path):
    copy = tmp_path / "copy"
    copy.write_bytes(Path(binaries["target"]).read_bytes())
    copy.chmod(0o755)
    target = start(str(copy))
    copy.unlink()
    copy.write_text("another file\n")
    bpf = trace(enabled("other:plain", pid=target.pid))
    target.ask("fire 1")
    assert values(bpf, 1) == [[1000]]


def test_a_process_with_another_root(binaries, start, trace, tmp_path):
    """Paths are followed within its root, wherever links point."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "real").write_bytes(Path(binaries["static"]).read_bytes())
    (tmp_path / "bin" / "real").chmod(0o755)
    (tmp_path / "target").symlink_to("/bin/real")
    (tmp_path / "outside").symlink_to("/etc/passwd")
    target = start("/bin/real", preexec_fn=lambda: os.chroot(tmp_path))
    for where in {}, {"path": "/target"}, {"path": "/proc/%d/root/target" % target.pid}:
        bpf = trace(enabled("other:plain", pid=target.pid, **where))
        target.ask("fire 1")
        assert values(bpf, 1) == [[1000]]
    with pytest.raises(USDTException, match="there is no file /outside"):
        USDT(pid=target.pid, path="/outside")
    with pytest.raises(USDTException, match="there is no file /proc/version"):
        USDT(pid=target.pid, path="/proc/%d/root/proc/version" % target.pid)


# ---- Semaphores ----

def test_semaphore_of_a_process(binaries, start, trace):
    target, bystander = start(binaries["target"]), start(binaries["target"])
    assert target.ask("tracers") == "0"
    target.ask("fire 2")
    usdt = enabled("test:guarded", pid=target.pid)
    first, second = trace(usdt), trace(usdt)
    # The kernel counts a place once, however many tracers it has.
    assert (target.ask("tracers"), bystander.ask("tracers")) == ("1", "0")
    target.ask("fire 2")
    assert values(first, 1) == values(second, 1) == [[0], [1]]
    first.close()
    assert target.ask("tracers") == "1"
    second.close()
    assert target.ask("tracers") == "0"


def test_semaphore_of_every_process(binaries, start, trace):
    first = start(binaries["target"])
    bpf = trace(enabled("test:guarded", path=binaries["target"]))
    second = start(binaries["target"])
    assert (first.ask("tracers"), second.ask("tracers")) == ("1", "1")
    second.ask("fire 1")
    assert values(bpf, 1) == [[0]]
    bpf.close()
    assert (first.ask("tracers"), second.ask("tracers")) == ("0", "0")


def test_a_killed_tracer_leaves_no_semaphore_raised(binaries, start):
    target = start(binaries["target"])
    tracer = start(sys.executable, "-c", """
import sys
from ebcc import BPF, USDT
usdt = USDT(pid=int(sys.argv[1]))
usdt.enable_probe("test:guarded", "on_probe")
b = BPF(text="int on_probe(void *ctx) { return 0; }", usdt_contexts=[usdt])
print("ready", flush=True)
sys.stdin.read()
""", str(target.pid))
    assert target.ask("tracers") == "1"
    tracer.stop()
    assert target.ask("tracers") == "0"


def test_semaphore_that_the_kernel_cannot_count(binaries, start, trace):
    """A probe that was set at the place without its semaphore keeps the kernel from counting there."""
    target = start(binaries["target"])
    usdt = enabled("test:guarded", pid=target.pid)
    path, _, address, _ = usdt.enumerate_active_probes()[0]
    bare = trace()
    bare.attach_uprobe(name=path, addr=int(address), fn_name="on_other")
    bpf = trace(usdt)
    assert target.ask("tracers") == "1"
    again = trace(usdt)
    assert target.ask("tracers") == "2"
    target.ask("fire 2")
    assert values(bpf, 1) == values(again, 1) == [[0], [1]]
    bpf.close()
    again.close()
    assert target.ask("tracers") == "0"
    with pytest.raises(ebcc.AttachError, match="give a pid"):
        trace(enabled("test:guarded", path=binaries["target"]))


def test_locations_attached_one_by_one(binaries, start, trace):
    """As scripts do that attach to the addresses of a probe in several processes."""
    target = start(binaries["target"])
    usdt = enabled("test:guarded", pid=target.pid)
    bpf = trace()
    for path, _, address, _ in usdt.enumerate_active_probes():
        bpf.attach_uprobe(name=path, addr=address, fn_name="on_other")
    assert target.ask("tracers") == "1"
    bpf.close()
    assert target.ask("tracers") == "0"


def test_a_forked_child_lowers_no_semaphore(binaries, start, trace):
    target = start(binaries["target"])
    usdt = enabled("test:guarded", pid=target.pid)
    path, _, address, _ = usdt.enumerate_active_probes()[0]
    bare = trace()
    bare.attach_uprobe(name=path, addr=int(address), fn_name="on_other")
    bpf = trace(usdt)
    child = os.fork()
    if child == 0:
        bpf.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert target.ask("tracers") == "1"
    target.ask("fire 1")
    assert values(bpf, 1) == [[0]]


# ---- Processes that end ----

def test_a_process_that_ends(binaries, start, trace):
    target = start(binaries["target"])
    usdt = enabled("test:guarded", pid=target.pid)
    bpf = trace(usdt)
    target.ask("fire 1")
    target.stop()
    assert values(bpf, 1) == [[0]]
    bpf.close()
    with pytest.raises(ebcc.AttachError, match="no process %d" % target.pid):
        trace(usdt)
    with pytest.raises(USDTException, match="no process %d" % target.pid):
        USDT(pid=target.pid)


# ---- Arguments in every form ----

def fire(path, count=1):
    """Runs a program built from usdt_forms.S, which passes its probes `count` times."""
    subprocess.run([path], input=b"x" * count, stdout=subprocess.DEVNULL, check=True)


def number(text):
    """The 64 bits of a decimal or hexadecimal number."""
    return int(text, 0) % WORD


FORMS = {
    "whole": """0x1112131415161718 2 -16 0x5152535455565758 0x6162636465666768 0x8182838485868788
        0x9192939495969798 0xa1a2a3a4a5a6a7a8 0xb1b2b3b4b5b6b7b8 0xc1c2c3c4c5c6c7c8
        0xd1d2d3d4d5d6d7d8 0xe1e2e3e4e5e6e7e8""",
    # 4@%eax -4@%esi 4@%r8d -4@%r9d 2@%ax -2@%di 2@%r10w -2@%r11w -8@%r15 -4@%r15d 8@%eax -8@%r8d
    "halves": """0x15161718 0x55565758 0x85868788 -0x6a696868 0x1718 0x6768 0xa7a8 -0x4848 -1 -1
        0x15161718 -0x7a797878""",
    # 1@%al 1@%ah 1@%cl 1@%ch 1@%sil 1@%dil -1@%r8b 1@%r9b -1@%r10b -1@%dl 2@%dh %rax
    "bytes": """0x18 0x17 2 0 0x58 0x68 -0x78 0x98 -0x58 -16 0xff 0x1112131415161718""",
    "constants": """-1 0x7fffffff -9223372036854775808 65535 255 -5 0xffffffffffffffff 0xffffffff
        10 -7""",
    # 8@(%rbp) 8@8(%rbp) -8@(%rbx) -4@8(%rbx) -8@-8(%rbx) 8@0x20(%rbp) 1@(%rbp) -1@1(%rbp)
    # 2@6(%rbp) 8@(%rsp) -4@-16(%rbx) 4@12(%rbx)
    "memory": """0xf1f2f3f4f5f6f7f8 22 -33 -0x7fffffff 22 44 0xf8 -9 0xf1f2 0x77 -0xa090808 0""",
    # -8@(%rbp,%rcx,8) 4@(%rbp,%rcx,4) 8@(%rbp,%rcx,4) 8@-8(%rbp,%rcx,8) 1@4(%rbp,%rcx)
    # -8@(%rbx,%rdx) 8@16(%rbx,%rdx,1) 8@32(%rbp,%rdx,1) 2@(%rbp,%rcx,1) 8@(%rbp,%rcx,2)
    "indexed": """-33 22 22 22 0xf2 0xf1f2f3f4f5f6f7f8 -33 -33 0xf5f6 0x16f1f2f3f4""",
    "symbols": """0xf1f2f3f4f5f6f7f8 22 22 -33 0xf1f2f3f4f5f6f7f8 0x80000001""",
}


@pytest.mark.parametrize("kind", ["fixed", "pie"])
@pytest.mark.parametrize("form", FORMS)
def test_arguments_of_every_form(binaries, trace, kind, form):
    expected = [number(word) for word in FORMS[form].split()]
    bpf = trace(enabled(form, path=binaries[kind]))
    fire(binaries[kind])
    assert [hex(value) for value in values(bpf, len(expected))[0]] == [hex(v) for v in expected]


def test_arguments_at_fixed_addresses(binaries, trace):
    # 8@table(,%rcx,8) 8@table+8(,%rcx,4) 8@table-0x20(%rcx,%rcx,8) 8@$table -8@table-14(,%rcx,8)
    nm = subprocess.run(["nm", binaries["fixed"]], capture_output=True, text=True, check=True)
    table = int(next(line for line in nm.stdout.splitlines() if line.endswith(" table"))[:16], 16)
    bpf = trace(enabled("fixed", path=binaries["fixed"]))
    fire(binaries["fixed"])
    [(_, found, errors)] = calls(bpf)
    assert (found[0], found[1], found[3]) == (-33 % WORD, -33 % WORD, table)
    assert errors[:2] == [0, 0] and errors[3] == 0


def test_unreadable_arguments(binaries, trace, caplog):
    with caplog.at_level(logging.WARNING):
        bpf = trace(enabled("unreadable", path=binaries["pie"]),
                    enabled("after", "on_other", path=binaries["pie"]))
    fire(binaries["pie"])
    unreadable, after = sorted(calls(bpf), key=lambda call: call[2][0])
    assert unreadable[2] == [ENOENT] * 12
    # An argument that can't be read doesn't move the others.
    assert (after[1][:3], after[2][:3]) == ([1, 0, 2], [0, ENOENT, 0])
    assert "argument 2 of forms:after can't be read" in caplog.text
    assert "floating-point" in caplog.text
    usdt = USDT(path=binaries["pie"])
    probe = next(probe for probe in usdt.enumerate_probes() if probe.name == b"unreadable")
    location = probe.get_location(0)
    reasons = [location.get_argument(index).unreadable
               for index in range(location.num_arguments)]
    words = ["floating", "vector", "1, 2, 4 or 8", "1, 2, 4 or 8", "symbol", "linker", "segment",
             "malformed", "malformed", "registers? ", "malformed", "malformed"]
    assert len(reasons) == len(words)
    for reason, word in zip(reasons, words):
        assert reason and word.rstrip("s? ") in reason


def test_many_locations(trace, tmp_path):
    """Each location has a constant; some of the constants are the same."""
    source = tmp_path / "many.c"
    source.write_text("#include <sys/sdt.h>\nint main(void)\n{\n" + "".join(
        "\tDTRACE_PROBE1(many, place, %d);\n" % (i // 2) for i in range(12)) + "\treturn 0;\n}\n")
    path = build(tmp_path / "many", source)
    bpf = trace(enabled("place", path=path))
    subprocess.run([path], check=True)
    assert values(bpf, 1) == [[i // 2] for i in range(12)]
    with pytest.raises(ebcc.StateError, match="before the module is loaded"):
        bpf.module.reserve_usdt(1000)


# ---- Probes of Debian's programs ----

def test_probes_of_python(start, trace):
    target = start("/usr/bin/python3", "-c", """
import gc, sys
print("ready", flush=True)
for line in sys.stdin:
    sys.audit("usdt.spoken", 1)
    gc.collect(1)
    print("done", flush=True)
""")
    if not USDT(pid=target.pid).enumerate_probes():
        pytest.skip("this Python was built without probes (--with-dtrace)")
    usdt = enabled("python:gc__start", pid=target.pid)
    usdt.enable_probe("python:audit", "on_audit")
    bpf = trace(usdt, text=READ_ALL + """
        struct name { char text[11]; };
        BPF_HASH(events, struct name);
        int on_audit(struct pt_regs *ctx)
        {
            struct name name;
            bpf_usdt_readarg_p(1, ctx, &name, sizeof(name));
            events.increment(name);
            return 0;
        }
        """)
    target.ask("go")
    assert values(bpf, 1)[-1] == [1]
    assert {key.text: leaf.value for key, leaf in bpf["events"].items()}[b"usdt.spoken"] == 1


# ---- Finding ----

def test_probes_are_enumerated(binaries):
    usdt = USDT(path=binaries["target"])
    probes = {probe.short_name(): probe for probe in usdt.enumerate_probes()}
    assert list(probes) == ["test:plain", "other:plain", "test:twice", "test:guarded"]
    plain, twice = probes["test:plain"], probes["test:twice"]
    assert (plain.provider, plain.name) == (b"test", b"plain")
    assert plain.bin_path == os.fsencode(binaries["target"])
    assert (plain.num_locations, plain.num_arguments, twice.num_locations) == (1, 5, 2)
    assert str(plain) == "test:plain [sema 0x%x]" % plain.semaphore
    assert twice.semaphore == symbol(binaries["target"], "test_twice_semaphore")
    location = plain.get_location(0)
    assert (location.index, location.num_arguments) == (0, 5)
    assert str(location) == "%s 0x%x" % (binaries["target"], location.address)
    argument = location.get_argument(0)
    assert (argument.size, argument.signed, argument.unreadable) == (4, True, None)
    assert [usdt.get_probe_arg_ctype("test:plain", index) for index in range(5)] == [
        "int32_t", "uint8_t", "int16_t", "int64_t", "uint64_t"]
    for wrong in (lambda: plain.get_location(1), lambda: plain.get_location(-1),
                  lambda: location.get_argument(5), lambda: location.get_argument(-1),
                  lambda: usdt.get_probe_arg_ctype("test:plain", 5)):
        with pytest.raises(USDTException):
            wrong()


def symbol(path, name):
    nm = subprocess.run(["nm", path], capture_output=True, text=True, check=True)
    return int(next(line for line in nm.stdout.splitlines()
                    if line.split()[-1] == name).split()[0], 16)


def test_texts_of_arguments(binaries):
    """As tplist shows them."""
    probes = {probe.name: probe for probe in USDT(path=binaries["fixed"]).enumerate_probes()}

    def texts(name):
        location = probes[name].get_location(0)
        return [str(location.get_argument(index)) for index in range(location.num_arguments)]

    assert texts(b"whole")[2] == "8 signed   bytes @ dx"
    assert texts(b"halves")[2] == "4 unsigned bytes @ r8"
    assert texts(b"bytes")[1] == "1 unsigned bytes @ ax"
    assert texts(b"constants")[0] == "1 signed   bytes @ -1"
    assert texts(b"memory")[10] == "4 signed   bytes @ *(bx - 16)"
    assert texts(b"indexed")[:2] == ["8 signed   bytes @ *(bp + 0 + cx * 8)",
                                     "4 unsigned bytes @ *(bp + 0 + cx * 4)"]
    assert texts(b"symbols")[1] == "8 unsigned bytes @ *(&table + 8)"


def test_errors_suggest_near_names(binaries, tmp_path):
    usdt = USDT(path=binaries["target"])
    for probe, words in (("test:guarde", "did you mean test:guarded"), ("gaurded", "guarded"),
                         ("plain", "test:plain or other:plain"), ("tset:plain", "test:plain")):
        with pytest.raises(USDTException, match=words):
            usdt.enable_probe(probe, "on_probe")
    with pytest.raises(USDTException, match="no file /no/such"):
        USDT(path="/no/such")
    with pytest.raises(USDTException, match="not a regular file"):
        USDT(path="/dev/null")
    with pytest.raises(USDTException, match="named nosuchprogram"):
        USDT(path="nosuchprogram")
    with pytest.raises(USDTException, match="a pid or a path"):
        USDT()
    with pytest.raises(USDTException, match="there are no probes at all"):
        USDT(path="/bin/true").enable_probe("any", "on_probe")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(USDTException, match="not an ELF file"):
        USDT(path=str(script))


def test_enable_probe_or_bail_exits(binaries, capsys):
    with pytest.raises(SystemExit) as caught:
        USDT(path=binaries["target"]).enable_probe_or_bail("test:guarde", "on_probe")
    assert caught.value.code == 1
    assert "test:guarded" in capsys.readouterr().err


def test_a_missing_program_is_an_error(binaries, trace):
    with pytest.raises(ebcc.NotFoundError, match="on_probe"):
        trace(enabled("test:plain", "on_prob", path=binaries["target"]))


def test_text_may_stand_before_a_source(binaries, start, trace):
    """Scripts written for generated text put it there."""
    target = start(binaries["target"])
    usdt = enabled("other:plain", pid=target.pid)
    assert "other:plain" in usdt.get_text()
    assert "\n" not in usdt.get_text()
    bpf = trace(usdt, text=usdt.get_text() + READ_ALL)
    target.ask("fire 1")
    assert values(bpf, 1) == [[1000]]


def places(path):
    """{(provider, name): (first location, semaphore)} of the probes that USDT finds in a file."""
    return {(probe.provider.decode(), probe.name.decode()):
            (probe.get_location(0).address, probe.semaphore)
            for probe in USDT(path=str(path)).enumerate_probes()}


def raw_places(path):
    """The same from the notes as readelf shows them, which adjusts nothing."""
    text = subprocess.run(["readelf", "-n", path], check=True, capture_output=True,
                          text=True).stdout
    found = {}
    for provider, name, location, semaphore in re.findall(
            r"Provider: (\S+)\s+Name: (\S+)\s+Location: (\w+), Base: \w+, Semaphore: (\w+)",
            text):
        found.setdefault((provider, name), (int(location, 16), int(semaphore, 16)))
    return found


def with_notes(path, folder, change):
    """A copy of a program with other addresses in its notes: change(location, base, semaphore) gives the new ones."""
    copy = folder / (Path(path).name + ".copy")
    subprocess.run(["objcopy", "--update-section",
                    f".note.stapsdt={rewritten_notes(path, folder, change)}", path, copy],
                   check=True)
    return str(copy)


def rewritten_notes(path, folder, change):
    section = folder / "notes"
    subprocess.run(["objcopy", "-O", "binary", "--set-section-flags", ".note.stapsdt=alloc",
                    "-j", ".note.stapsdt", path, section], check=True)
    notes = bytearray(section.read_bytes())
    position = 0
    while position < len(notes):
        size = int.from_bytes(notes[position + 4:position + 8], "little")
        addresses = change(*struct.unpack_from("<3Q", notes, position + 20))
        struct.pack_into("<3Q", notes, position + 20, *(value % WORD for value in addresses))
        position += 20 + (size + 3 & ~3)
    section.write_bytes(notes)
    return section


@pytest.mark.parametrize("shift", [0x100000, -0x100000])
@pytest.mark.parametrize("kind", ["target", "static"])
def test_prelinked_file(binaries, tmp_path, start, trace, kind, shift):
    """The base section was moved after the notes were written, so their addresses are moved by as much."""
    moved = with_notes(binaries[kind], tmp_path,
                       lambda *addresses: [address - shift for address in addresses])
    assert places(moved) == raw_places(binaries[kind]) != raw_places(moved)
    target = start(moved)
    bpf = trace(enabled("test:guarded", pid=target.pid))
    assert target.ask("tracers") == "1"
    target.ask("fire 1")
    assert values(bpf, 1) == [[0]]


@pytest.mark.parametrize("kind", ["target", "static"])
def test_notes_without_a_base(binaries, tmp_path, start, trace, kind):
    """Some headers write 0 as the base; the file has the section because of other headers."""
    baseless = with_notes(binaries[kind], tmp_path,
                          lambda location, _, semaphore: (location, 0, semaphore))
    assert places(baseless) == raw_places(baseless) == raw_places(binaries[kind])
    target = start(baseless)
    bpf = trace(enabled("test:guarded", pid=target.pid))
    assert target.ask("tracers") == "1"
    target.ask("fire 1")
    assert values(bpf, 1) == [[0]]


def test_notes_with_and_without_a_base(binaries, tmp_path):
    """Each note is adjusted separately: every other one has no base, and the rest were moved."""
    count = itertools.count()
    mixed = with_notes(binaries["target"], tmp_path, lambda location, base, semaphore: (
        (location, 0, semaphore) if next(count) % 2
        else (location - 0x100000, base - 0x100000, semaphore - 0x100000)))
    assert places(mixed) == raw_places(binaries["target"]) != raw_places(mixed)


def test_a_moved_file_without_semaphores_has_none(binaries, tmp_path):
    moved = with_notes(binaries["target"], tmp_path,
                       lambda location, base, _: (location - 0x1000, base - 0x1000, 0))
    assert {semaphore for _, semaphore in places(moved).values()} == {0}


def test_a_file_without_the_base_section(binaries, tmp_path):
    """There is nothing to compare a note's base with, so its addresses stay."""
    bare = tmp_path / "bare"
    subprocess.run(["objcopy", "-R", ".stapsdt.base", binaries["target"], bare], check=True)
    assert places(bare) == raw_places(bare) == raw_places(binaries["target"])


@pytest.mark.parametrize("cut", [4, 7, 12, 40, 60])
def test_damaged_notes_are_refused(binaries, tmp_path, cut):
    section = rewritten_notes(binaries["target"], tmp_path, lambda *addresses: addresses)
    section.write_bytes(section.read_bytes()[:-cut])
    damaged = tmp_path / "damaged"
    subprocess.run(["objcopy", "--update-section", ".note.stapsdt=" + str(section),
                    binaries["target"], damaged], check=True)
    with pytest.raises(USDTException, match="cut short|malformed"):
        USDT(path=str(damaged))


def test_probes_of_a_stopped_process_are_found(binaries, start):
    """Reading its probes leaves the process as it was."""
    target = start(binaries["target"])
    os.kill(target.pid, signal.SIGSTOP)
    assert len(USDT(pid=target.pid).enumerate_probes()) == 4
    os.kill(target.pid, signal.SIGCONT)
    assert target.ask("fire 1") == "fired"
