# SPDX-License-Identifier: Apache-2.0
"""32-bit programs on a 64-bit kernel: names, stacks, user probes and USDT."""

import errno
import platform
import subprocess
from pathlib import Path

import pytest

from ebcc import BPF, USDT

SOURCE = Path(__file__).with_name("program_32.c")
pytestmark = pytest.mark.skipif(platform.machine() != "x86_64",
                                reason="32-bit programs are built for x86 only")

STACKS = """
BPF_STACK_TRACE(stacks, 16384);
BPF_HASH(ids, int, u64);
int on_target(struct pt_regs *ctx)
{
    int id = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    ids.increment(id);
    return 0;
}
"""
ARGUMENTS = """
struct event {
    s64 number, whole, wide, byte;
    char text[8];
};
BPF_PERF_OUTPUT(events);
int on_hit(struct pt_regs *ctx)
{
    struct event event = {};
    int number = 0, whole = 0;
    u8 byte = 0;

    bpf_usdt_readarg(1, ctx, &number);
    bpf_usdt_readarg_p(2, ctx, &event.text, sizeof(event.text) - 3);
    bpf_usdt_readarg(3, ctx, &whole);
    bpf_usdt_readarg(4, ctx, &event.wide);
    bpf_usdt_readarg(5, ctx, &byte);
    event.number = number;
    event.whole = whole;
    event.byte = byte;
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
"""


class Program:
    """The running program."""

    def __init__(self, path):
        self.path = str(path)
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        bufsize=0)
        self.pid = self.process.pid
        self.call()

    def call(self):
        """Makes it call spin() once."""
        self.process.stdin.write(b"x")
        assert self.process.stdout.read(1) == b"x"


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "narrow"
    subprocess.run(["cc", "-m32", "-O1", "-fno-omit-frame-pointer", "-ffreestanding", "-nostdlib",
                    "-static", "-fno-pie", "-no-pie", "-isystem", "/usr/include/x86_64-linux-gnu",
                    "-o", path, SOURCE], check=True)
    try:
        program = Program(path)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        pytest.skip("this kernel executes no 32-bit programs")
    yield program
    program.process.kill()
    program.process.communicate()


def test_names_and_stacks(program):
    addresses = dict(BPF.get_user_functions_and_addresses(program.path, b".*"))
    assert set(addresses) == {b"_start", b"spin", b"target"}
    for name, address in addresses.items():
        assert BPF.sym(address, program.pid, show_module=True, show_offset=True) == \
            name + b"+0x0 [narrow]"
    with BPF(text=STACKS) as bpf:
        bpf.attach_uprobe(name=program.path, sym="target", fn_name="on_target", pid=program.pid)
        for _ in range(3):
            program.call()
        (stack, count), = bpf["ids"].items()
        names = [BPF.sym(address, program.pid) for address in bpf["stacks"].walk(stack.value)]
    # At its first instruction, a function has no frame yet, so not all kernels see its caller.
    assert [name for name in names if name != b"spin"][:2] == [b"target", b"_start"]
    assert count.value == 3


def test_usdt_arguments(program):
    """Arguments in registers, on the stack and in memory, of a probe with a semaphore."""
    usdt = USDT(pid=program.pid)
    usdt.enable_probe(probe="hit", fn_name="on_hit")
    found = []
    with BPF(text=ARGUMENTS, usdt_contexts=[usdt]) as bpf:
        events = bpf["events"]
        events.open_perf_buffer(lambda cpu, data, size: found.append(events.event(data)))
        program.call()
        program.call()
        bpf.perf_buffer_consume()
    # Each processor has a buffer of its own, so the order of two events may be another.
    assert sorted((event.number, event.text, event.whole, event.wide, event.byte) for event in found) == \
        [(-3, b"text", -7, 0x1122334455667788, 253), (-2, b"text", -7, 0x1122334455667788, 254)]
