"""Sources written for libbpf, on a full kernel: probes of functions of the kernel and of programs by their sections, with
the arguments and results that the macros give. And what tests/python/test_libbpf.py tests, on this kernel."""

import ctypes as ct
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from ebcc import BPF, AttachError

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "python"))
from test_libbpf import (  # noqa: E402,F401
    load,
    test_a_declared_kernel_function_stays,
    test_arguments_of_raw_tracepoints,
    test_both_dialects,
    test_callbacks,
    test_choice_of_programs,
    test_functions,
    test_kernel_functions_are_declared,
    test_kernel_symbols_and_configuration,
    test_loops,
    test_maps_in_maps,
    test_quotients_as_indexes,
    test_reads_along_members,
    test_saved_object,
    test_sections_without_a_target,
    test_sizes_of_maps,
    test_variables,
)

PID = os.getpid()
OWN = "(bpf_get_current_pid_tgid() >> 32 == OWN_PID)"

PROGRAM = r"""
#include <stdio.h>
#include <sys/sdt.h>
__attribute__((noinline)) long work(int small, long large, const char *name)
{
    DTRACE_PROBE3(sample, worked, small, large, name);
    asm volatile("" ::: "memory");
    return large - small;
}
int main(void)
{
    char line[16];
    while (fgets(line, sizeof(line), stdin))
        printf("%ld\n", work(-5, 1L << 40, "a name")), fflush(stdout);
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("libbpf")
    (folder / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-O1", "-o", folder / "program", folder / "program.c"], check=True)
    return folder / "program"


def run(program, times=1):
    done = subprocess.run([program], input="x\n" * times, capture_output=True, text=True, check=True)
    assert done.stdout == "%d\n" % (2 ** 40 + 5) * times


def write(size):
    with open("/dev/null", "wb", buffering=0) as file:
        file.write(bytes(size))


def test_kernel_functions(load):
    """Entry, return and an inner place of vfs_write()."""
    bpf = load("""
        u64 size, calls, returned, inner;
        u32 mode;
        SEC("kprobe/vfs_write") int BPF_KPROBE(enter, struct file *file, const char *buffer, size_t count)
        {
            if (!OWN || count != 4321)
                return 0;
            size = count;
            mode = BPF_CORE_READ(file, f_inode, i_mode);
            calls++;
            return 0;
        }
        SEC("kretprobe/vfs_write") int BPF_KRETPROBE(leave, ssize_t result)
        {
            if (OWN && result == 4321)
                returned = result;
            return 0;
        }
        SEC("kretprobe/vfs_write") int BPF_KRETPROBE(also)
        {
            return 0;
        }
        """.replace("OWN ", OWN + " "))
    write(4321)
    assert (bpf.globals.size, bpf.globals.calls, bpf.globals.returned) == (4321, 1, 4321)
    assert bpf.globals.mode == os.stat("/dev/null").st_mode


def test_system_calls(load):
    """The arguments and the result of a system call, by its name without a prefix."""
    bpf = load("""
        int target, number, result = 1;
        SEC("ksyscall/kill") int BPF_KSYSCALL(enter, int pid, int sig)
        {
            if (OWN) {
                target = pid;
                number = sig;
            }
            return 0;
        }
        SEC("kretsyscall/kill") int BPF_KRETPROBE(leave, int ret)
        {
            if (OWN)
                result = ret;
            return 0;
        }""".replace("OWN", OWN))
    os.kill(PID, 0)
    assert (bpf.globals.target, bpf.globals.number, bpf.globals.result) == (PID, 0, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(2 ** 22 + 1, signal.SIGTERM)
    assert (bpf.globals.target, bpf.globals.number, bpf.globals.result) == (2 ** 22 + 1, signal.SIGTERM, -3)


def test_typed_arguments(load):
    """fentry and fexit, with the result as the last parameter, and a tracepoint with typed arguments."""
    bpf = load("""
        u64 size, mode, result, switched;
        SEC("fentry/vfs_write") int BPF_PROG(enter, struct file *file, const char *buffer, size_t count)
        {
            if (OWN && count == 4321) {
                size = count;
                mode = file->f_inode->i_mode;
            }
            return 0;
        }
        SEC("fexit/vfs_write")
        int BPF_PROG(leave, struct file *file, const char *buffer, size_t count, loff_t *pos, ssize_t ret)
        {
            if (OWN && count == 4321)
                result = ret;
            return 0;
        }
        SEC("tp_btf/sched_switch")
        int BPF_PROG(switching, bool preempt, struct task_struct *prev, struct task_struct *next)
        {
            if (prev->tgid == OWN_PID)
                __sync_fetch_and_add(&switched, 1);
            return 0;
        }""".replace("OWN ", OWN + " "))
    write(4321)
    assert (bpf.globals.size, bpf.globals.mode, bpf.globals.result) == (4321, os.stat("/dev/null").st_mode, 4321)
    subprocess.run(["true"], check=True)
    assert bpf.globals.switched > 0


def test_functions_of_modules(load):
    """A function is named with its module; a name that only looks like MODULE__FUNCTION is a name."""
    for module in ("overlay", "fat"):
        subprocess.run(["modprobe", module], check=False)
    if not os.path.exists("/sys/kernel/btf/fat"):
        pytest.skip("Kernels before 5.11 have no BTF of modules.")
    bpf = load("""
        u64 opened;
        SEC("fentry/overlay:ovl_open") int BPF_PROG(enter, struct inode *inode, struct file *file)
        {
            if (OWN)
                opened++;
            return 0;
        }
        SEC("fentry/fat__get_entry") int other(void *ctx) { return 0; }""".replace("OWN", OWN))
    before = bpf.globals.opened
    pathlib.Path("/etc/passwd").read_bytes()
    assert bpf.globals.opened > before
    with pytest.raises(AttachError, match="the BTF of kernel module overlay has no function ovl_opn; did you mean ovl_open"):
        load('SEC("fentry/overlay:ovl_opn") int other(void *ctx) { return 0; }')


def test_many_functions(load):
    """A pattern of kernel functions; calls are counted by their addresses."""
    bpf = load("""
        BPF_HASH(hits, u64, u64);
        SEC("kprobe.multi/vfs_writ*") int each(struct pt_regs *ctx)
        {
            u64 address = PT_REGS_IP(ctx);

            if (OWN)
                hits.increment(address);
            return 0;
        }""".replace("OWN", OWN))
    bpf["hits"].clear()
    write(1)
    os.writev(os.open("/dev/null", os.O_WRONLY), [b"1", b"2"])
    names = {BPF.ksym(address.value).decode() for address in bpf["hits"]}
    assert "vfs_write" in names and all(name.startswith("vfs_writ") for name in names)
    with pytest.raises(AttachError, match='no kernel function that can be probed matches "no_such_\\*"'):
        load('SEC("kprobe.multi/no_such_*") int each(struct pt_regs *ctx) { return 0; }')


def test_functions_of_programs(load, program):
    bpf = load("""
        s64 first, second, result, calls;
        char text[16];
        SEC("uprobe/PROGRAM:work") int BPF_UPROBE(enter, int small, long large, const char *name)
        {
            first = small;
            second = large;
            bpf_probe_read_user_str(text, sizeof(text), name);
            calls++;
            return 0;
        }
        SEC("uretprobe/PROGRAM:work") int BPF_URETPROBE(leave, long ret)
        {
            result = ret;
            return 0;
        }""".replace("PROGRAM", str(program)))
    run(program, 3)
    seen = bpf.globals
    assert (seen.first, seen.second, seen.result, seen.calls) == (-5, 2 ** 40, 2 ** 40 + 5, 3)
    assert seen.text == b"a name"


@pytest.mark.skipif(tuple(int(part) for part in os.uname().release.split(".")[:2]) < (5, 15),
                    reason="without attach cookies, arguments are read in one process only")
def test_static_probes(load, program):
    bpf = load("""
        #include <bpf/usdt.bpf.h>
        s64 first, second, third, count, size, none;
        char text[16];
        SEC("usdt/PROGRAM:sample:worked") int BPF_USDT(worked, int small, long large, const char *name)
        {
            first = small;
            second = large;
            bpf_probe_read_user_str(text, sizeof(text), name);
            return 0;
        }
        SEC("usdt/PROGRAM:sample:worked") int plain(struct pt_regs *ctx)
        {
            long value = 0;

            count = bpf_usdt_arg_cnt(ctx);
            size = bpf_usdt_arg_size(ctx, 0);
            bpf_usdt_arg(ctx, 0, &value);
            third = value;
            none = bpf_usdt_arg(ctx, 3, &value);
            return 0;
        }""".replace("PROGRAM", str(program)))
    # The page with the text is in memory once the program has printed.
    run(program, 2)
    seen = bpf.globals
    assert (seen.first, seen.second) == (-5, 2 ** 40)
    assert seen.text == b"a name"
    assert (seen.count, seen.size, ct.c_int32(seen.third).value, seen.none) == (3, 4, -5, -2)


def test_iterators(load):
    """A program of a section iter/ is loaded, and run by reading it."""
    bpf = load("""
        SEC("iter/task") int tasks(struct bpf_iter__task *ctx)
        {
            struct task_struct *task = ctx->task;

            if (task && task->tgid == OWN_PID && task->pid == task->tgid)
                BPF_SEQ_PRINTF(ctx->meta->seq, "%d of %d\\n", task->pid, task->real_parent->tgid);
            return 0;
        }""")
    with os.fdopen(bpf.attach_iter("tasks").open()) as text:
        assert text.read() == "%d of %d\n" % (PID, os.getppid())
