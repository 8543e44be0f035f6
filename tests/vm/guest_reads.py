"""Following pointers in kprobe programs: the table of tests/python/read_cases.py, and arguments of functions and system calls."""

import ctypes
import os
import struct
import sys

import pytest
from ebcc import BPF

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "python"))
import read_cases  # noqa: E402

CASES = read_cases.CASES
# Compiling is slow in a guest, especially the fixed cost of each source.
GROUP = 24
KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])
GETPGID = BPF.get_syscall_fnname("getpgid")
RESULTS = """
struct result_t { u64 value; u64 other; u8 text[64]; };
BPF_HASH(results, u32, struct result_t);
static u32 zero;
#define OWN_PROCESS (bpf_get_current_pid_tgid() >> 32 == OWN_PID)
""".replace("OWN_PID", str(os.getpid()))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    with read_cases.world(str(tmp_path_factory.mktemp("reads"))) as world:
        yield world


def wrong_cases(cases, seen):
    """Runs each case in its own kprobe program. Returns those that saw something else, and how."""
    wrong = []
    with BPF(text=read_cases.module_text(cases, seen, "int %s(struct pt_regs *ctx)")) as bpf:
        for case in cases:
            bpf.attach_kprobe(event=GETPGID, fn_name=case.function)
        os.getpgid(0)
        for number, case in enumerate(cases):
            try:
                read_cases.check(case, bpf["results"][number], seen)
            except (AssertionError, KeyError) as error:
                wrong.append((case.name, error))
    return wrong


@pytest.mark.parametrize("first", range(0, len(CASES), GROUP))
def test_reads(first, seen):
    """Every form of a read."""
    assert not wrong_cases(CASES[first : first + GROUP], seen)


@pytest.mark.skipif(KERNEL < (5, 17), reason="bpf_loop() came with Linux 5.17")
def test_reads_in_callbacks(seen):
    assert not wrong_cases(read_cases.CALLBACK_CASES, seen)


def result_of(bpf):
    """What the program saw, and its text up to the first NUL."""
    result = bpf["results"][0]
    return result.value, result.other, bytes(result.text).split(b"\0")[0]


def test_arguments_of_a_kernel_function(seen):
    """Kernel pointers that are arguments of a function, by parameters and by registers."""
    text = RESULTS + """
        int kprobe__vfs_open(struct pt_regs *ctx, const struct path *path, struct file *file)
        {
            struct result_t result = {};
            const struct path *again = (const struct path *)PT_REGS_PARM1(ctx);
            struct qstr name = path->dentry->d_name;

            if (!OWN_PROCESS || name.len != LENGTH)
                return 0;
            result.value = again->dentry->d_inode->i_ino;
            result.other = name.len << 16 | (path == again) << 8 | !file->f_inode;
            for (int i = 0; i < 12; i++)
                result.text[i] = path->dentry->d_name.name[i];
            results.update(&zero, &result);
            return 0;
        }
    """.replace("LENGTH", str(len(seen.file_name)))
    with BPF(text=text) as bpf:
        os.close(os.open("/proc/self/fd/%d" % seen.file, os.O_RDONLY))
        value, other, name = result_of(bpf)
    assert (value, name) == (seen.inode, seen.file_name)
    assert other & ~0xFF == len(seen.file_name) << 16 | 1 << 8


def test_pointer_kept_between_entry_and_return(seen):
    text = RESULTS + """
        struct call_t { const struct path *path; struct file *file; };
        BPF_HASH(calls, u32, struct call_t);

        int kprobe__vfs_open(struct pt_regs *ctx, const struct path *path, struct file *file)
        {
            u32 thread = bpf_get_current_pid_tgid();
            struct call_t call = { path, file };

            if (OWN_PROCESS)
                calls.update(&thread, &call);
            return 0;
        }

        int kretprobe__vfs_open(struct pt_regs *ctx)
        {
            u32 thread = bpf_get_current_pid_tgid();
            struct call_t *call = calls.lookup(&thread);
            struct result_t result = {};

            if (!call || call->path->dentry->d_name.len != LENGTH)
                return 0;
            result.value = call->file->f_inode->i_ino;
            result.other = PT_REGS_RC(ctx);
            bpf_probe_read_kernel_str(result.text, sizeof(result.text), call->path->dentry->d_name.name);
            results.update(&zero, &result);
            return 0;
        }
    """.replace("LENGTH", str(len(seen.file_name)))
    with BPF(text=text) as bpf:
        os.close(os.open("/proc/self/fd/%d" % seen.file, os.O_RDONLY))
        assert result_of(bpf) == (seen.inode, 0, seen.file_name)


NAP = """
    const struct nap_t copy = *nap;

    if (!OWN_PROCESS)
        return 0;
    result.value = nap->nanoseconds;
    result.other = copy.seconds + copy.nanoseconds;
    results.update(&zero, &result);
    return 0;
"""


@pytest.mark.parametrize(
    "head",
    [
        "int syscall__nanosleep(struct pt_regs *ctx, const struct nap_t __user *nap) {",
        "int on_call(struct pt_regs *ctx) { const struct nap_t *nap = (void *)PT_REGS_PARM1_SYSCALL(PT_REGS_SYSCALL_CTX(ctx));",
        "int on_call(struct pt_regs *ctx) { struct pt_regs *regs = (struct pt_regs *)PT_REGS_PARM1(ctx); "
        "const struct nap_t *nap = (void *)PT_REGS_PARM1(regs);",
    ],
    ids=["parameter", "syscall register", "inner registers"],
)
def test_user_struct_of_a_system_call(head):
    text = RESULTS + "struct nap_t { s64 seconds; s64 nanoseconds; };\n" + head + " struct result_t result = {};" + NAP + "}"
    with BPF(text=text) as bpf:
        name = "syscall__nanosleep" if "syscall__" in head else "on_call"
        bpf.attach_kprobe(event=BPF.get_syscall_fnname("nanosleep"), fn_name=name)
        ctypes.CDLL(None).syscall(35, struct.pack("qq", 0, 1234), None)
        assert result_of(bpf) == (1234, 1234, b"")


def test_user_string_by_characters():
    """User pointers are followed in plain C, like kernel pointers."""
    text = RESULTS + """
        int syscall__access(struct pt_regs *ctx, const char __user *name, int mode)
        {
            struct result_t result = {};

            if (!OWN_PROCESS || name[0] != '/' || name[1] != 'n' || *(name + 2) != 'o')
                return 0;
            result.value = mode;
            for (int i = 0; i < 32 && name[i]; i++)
                result.text[i] = name[i];
            results.update(&zero, &result);
            return 0;
        }
    """
    with BPF(text=text) as bpf:
        bpf.attach_kprobe(event=BPF.get_syscall_fnname("access"), fn_name="syscall__access")
        os.access("/no/such/file", os.W_OK)
        assert result_of(bpf) == (os.W_OK, 0, b"/no/such/file")
