# SPDX-License-Identifier: Apache-2.0
"""User probes: at which places and in which processes they are set."""

import ctypes
import logging
import os
import struct
import subprocess
import sys

import pytest

import ebcc
from bcc import libbcc
from ebcc import BPF

COUNT = """
BPF_HASH(counts, u32, u64);
int count(void *ctx)
{
    u32 pid = ebcc_ns_pid_tgid() >> 32;
    counts.increment(pid);
    return 0;
}
"""

PROGRAM = """
#include <stdio.h>
__attribute__((noinline)) int work(int n) { asm volatile("" ::: "memory"); return n + 1; }
extern int same_work(int n) __attribute__((alias("work")));
int main(void)
{
    char line[16];
    int sum = 0;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        printf("%d\\n", sum = work(sum)), fflush(stdout);
    return 0;
}
"""


def build(folder, name, *flags):
    (folder / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-O1", "-o", folder / name, folder / "program.c", *flags], check=True)
    return str(folder / name)


@pytest.fixture
def start():
    """start(path): a running program, which calls work() once for each line."""
    running = []

    def run(path, **options):
        process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   bufsize=1, **options)
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def work(process, count):
    for _ in range(count):
        process.stdin.write("go\n")
        process.stdout.readline()


def counts(bpf):
    return {key.value: leaf.value for key, leaf in bpf["counts"].items()}


@pytest.mark.parametrize("flags", [["-pie"], ["-no-pie"]])
def test_a_probe_by_symbol_address_or_pattern(load, start, tmp_path, flags):
    path = build(tmp_path, "program", *flags)
    process = start(path)
    [(_, address)] = BPF.get_user_functions_and_addresses(path, "^work$")
    for where in {"sym": "work"}, {"addr": address}, {"sym_re": "^work$"}:
        bpf = load(COUNT)
        bpf.attach_uprobe(name=path, fn_name="count", **where)
        work(process, 3)
        assert counts(bpf) == {process.pid: 3}
        bpf.close()
    with pytest.raises(ebcc.AttachError, match="start of an instruction|in no executable segment"):
        load(COUNT).attach_uprobe(name=path, addr=0x7ffffff, fn_name="count")


def test_only_the_given_processes_are_probed(load, start, tmp_path):
    path = build(tmp_path, "program")
    processes = [start(path) for _ in range(3)]
    bpf = load(COUNT)
    for process in processes[:2]:
        bpf.attach_uprobe(name=path, sym="work", fn_name="count", pid=process.pid)
    for process in processes:
        work(process, 2)
    assert counts(bpf) == {process.pid: 2 for process in processes[:2]}
    bpf.detach_uprobe(name=path, sym="work", pid=processes[0].pid)
    for process in processes:
        work(process, 1)
    assert counts(bpf) == {processes[0].pid: 2, processes[1].pid: 3}


def test_aliases_of_a_function_get_one_probe(load, start, tmp_path):
    path = build(tmp_path, "program")
    process = start(path)
    bpf = load(COUNT)
    bpf.attach_uprobe(name=path, sym_re="work$|same_work$", fn_name="count")
    assert bpf.num_open_uprobes() == 1
    work(process, 2)
    assert counts(bpf) == {process.pid: 2}


def test_program_in_another_root(load, start, tmp_path):
    build(tmp_path, "program", "-static")
    process = start("/program", preexec_fn=lambda: os.chroot(tmp_path))
    for name in "/program", "program", "/proc/%d/root/program" % process.pid, \
            "/proc/%d/exe" % process.pid:
        bpf = load(COUNT)
        bpf.attach_uprobe(name=name, sym="work", fn_name="count", pid=process.pid)
        work(process, 1)
        assert counts(bpf) == {process.pid: 1}
        bpf.close()


def test_an_ifunc_is_probed_at_its_variant(load, caplog):
    """strlen() of the C library is an IFUNC: the probe is set at the variant that runs."""
    libc = ctypes.CDLL(None)
    length = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_char_p)(("strlen", libc))
    bpf = load(COUNT)
    bpf.attach_uprobe(name="c", sym="strlen", fn_name="count", pid=os.getpid())
    for _ in range(5):
        assert length(b"four") == 4
    assert counts(bpf)[os.getpid()] >= 5
    assert "IFUNC" not in caplog.text


@pytest.fixture
def choice(tmp_path):
    """A library with an indirect function, chosen(), which returns 1, and an ordinary one, usual()."""
    source = tmp_path / "choice.c"
    source.write_text('int usual(void) { return 2; }\n'
                      'static int one(void) { return 1; }\n'
                      'static void *choose(void) { return one; }\n'
                      'int chosen(void) __attribute__((ifunc("choose")));\n')
    path = tmp_path / "libchoice.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source], check=True)
    return str(path)


def test_an_ifunc_of_a_library_not_loaded_here_is_a_warning(load, choice, caplog):
    with caplog.at_level(logging.WARNING):
        load(COUNT).attach_uprobe(name=choice, sym="chosen", fn_name="count")
    assert "IFUNC" in caplog.text


def test_a_resolver_that_was_asked_for_is_probed(load, choice):
    """A script that has asked for the resolver itself, as bcc's scripts do, also means it in attach_uprobe()."""
    bpf = load(COUNT)
    chosen = ctypes.CDLL(choice).chosen
    assert chosen() == 1
    bpf.attach_uprobe(name=choice, sym="chosen", fn_name="count")
    assert chosen() == 1 and counts(bpf) == {os.getpid(): 1}
    bpf.detach_uprobe(name=choice, sym="chosen")
    symbol, option = libbcc.bcc_symbol(), libbcc.bcc_symbol_option(use_symbol_type=1 << 10)

    def resolve(name):
        return libbcc.lib.bcc_resolve_symname(os.fsencode(choice), name, 0, 0,
                                              ctypes.byref(option), ctypes.byref(symbol))

    assert resolve(b"usual") == -1 and resolve(b"chosen") == 0
    symbols = subprocess.run(["nm", choice], capture_output=True, text=True, check=True).stdout
    assert f"{symbol.offset:016x} i chosen\n" in symbols
    bpf["counts"].clear()
    bpf.attach_uprobe(name=choice, sym="chosen", fn_name="count")
    bpf.attach_uretprobe(name=choice, sym="usual", fn_name="count")
    assert chosen() == 1 and counts(bpf) == {}
    script = f"import ctypes; print(ctypes.CDLL({choice!r}).chosen())"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as other:
        assert other.communicate()[0] == b"1\n"
    assert counts(bpf) == {other.pid: 1}
    bpf.detach_uprobe(name=choice, sym="chosen")
    assert bpf.num_open_uprobes() == 1


# ---- Go ----

@pytest.fixture
def go_program(tmp_path):
    """A program with the section that Go's linker writes."""
    plain = build(tmp_path, "plain")
    info = tmp_path / "info"
    info.write_bytes(b"\xff Go buildinf:" + struct.pack("BB", 8, 2) + bytes(16))
    path = tmp_path / "go"
    subprocess.run(["objcopy", "--add-section", ".go.buildinfo=%s" % info, plain, path], check=True)
    return str(path)


def test_go_is_recognised(go_program, tmp_path, start):
    assert BPF.is_go_binary(go_program) is True
    assert BPF.is_go_binary(str(tmp_path / "plain")) is False
    assert BPF.is_go_binary("c") is False
    assert BPF.is_go_binary(b"go", pid=start(go_program).pid) is True
    with pytest.raises(ebcc.NotFoundError, match="/no/such"):
        BPF.is_go_binary("/no/such")


def test_a_return_probe_in_go_is_a_warning(load, go_program, tmp_path, caplog):
    bpf = load(COUNT)
    with caplog.at_level(logging.WARNING):
        bpf.attach_uprobe(name=go_program, sym="work", fn_name="count")
        bpf.attach_uretprobe(name=str(tmp_path / "plain"), sym="work", fn_name="count")
        assert "Go" not in caplog.text
        bpf.attach_uretprobe(name=go_program, sym="work", fn_name="count")
    assert "Go may move" in caplog.text and go_program in caplog.text
