# SPDX-License-Identifier: Apache-2.0
"""Portable objects: compiled for other kernels, saved, and loaded on this one, where they must read the same as a source
that is compiled here. The kernels are Debian's; EBCC_TEST_KERNELS="bullseye bookworm trixie sid" tests all of them.
tests/vm/guest_portable.py does the same on those kernels."""

import os
import subprocess
from pathlib import Path

import ebcc
import pytest
import read_cases
from ebcc import BPF
from kernel_calls import run_raw_tracepoint
from opened_files import opened_by
from read_cases import CALLBACK_CASES, CASES

VMLINUX = "/sys/kernel/btf/vmlinux"
VM_RUN = Path(__file__).resolve().parents[1] / "vm/run"
SUITES = os.environ.get("EBCC_TEST_KERNELS", "bookworm sid").split()
RELEASE = tuple(int(part) for part in os.uname().release.split(".")[:2])
HEAD = "int %s(struct bpf_raw_tracepoint_args *ctx)"


class Kernel:
    """A directory that stands for "/" on a machine with another kernel."""

    def __init__(self, suite, root):
        done = subprocess.run([VM_RUN, "--kernel", suite, "--btf"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        btf = Path(done.stdout.strip())
        self.root, self.release = root, btf.parent.name
        for name, text in (("proc/sys/kernel/osrelease", btf.parent.name), ("proc/sys/kernel/version", "#1 SMP Debian"),
                           ("proc/sys/kernel/arch", os.uname().machine), ("sys/devices/system/cpu/possible", "0-1")):
            self.write(name, text)
        (root / "sys/kernel/btf").mkdir(parents=True)
        (root / "sys/kernel/btf/vmlinux").symlink_to(btf)

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text + "\n")


@pytest.fixture(params=SUITES, scope="module")
def kernel(request, tmp_path_factory):
    return Kernel(request.param, tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    with read_cases.world(str(tmp_path_factory.mktemp("reads"))) as world:
        yield world


def compiled_elsewhere(text, kernel, path):
    """Writes the object of a source that was compiled for another kernel."""
    module = ebcc._ebcc.Module(source=text.encode(), file_name=None, header=None, cflags=[], debug=0, kernel_types=0,
                               compiler=0, btf_path=None, device=None, no_rlimit=False,
                               kernel_root=os.fsencode(kernel.root), portable=True)
    try:
        module.save(path)
    finally:
        module.close()


# offsetof() gives a constant, which is right on one kernel only.
UNPORTABLE = {"offsetof_and_cast", "offset_on_a_number"}
# Callbacks came with Linux 5.13 and 5.17.
READS = [case for case in CASES + CALLBACK_CASES * (RELEASE >= (5, 17)) if case.name not in UNPORTABLE]


@pytest.mark.parametrize("first", range(0, len(READS), 20))
def test_reads_of_members(first, kernel, seen, tmp_path):
    """The table of reads, each in a program of its own."""
    cases = READS[first:first + 20]
    compiled_elsewhere(read_cases.module_text(cases, seen, HEAD), kernel, tmp_path / "reads.o")
    with BPF(object=tmp_path / "reads.o") as bpf:
        for number, case in enumerate(cases):
            run_raw_tracepoint(bpf.load_func(case.function, BPF.RAW_TRACEPOINT), 0)
            read_cases.check(case, bpf["results"][number], seen)


RESULT = """
BPF_ARRAY(numbers, u64, 64);
int run(struct bpf_raw_tracepoint_args *ctx) {
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    BODY
    return 0;
}
"""


def source(*expressions, before=""):
    """A source whose program stores numbers."""
    body = "".join("{ int i = %d; u64 value = %s; numbers.update(&i, &value); }\n" % pair
                   for pair in enumerate(expressions))
    return before + RESULT.replace("BODY", body)


def values(bpf, count):
    """The numbers, after the program ran for this process."""
    run_raw_tracepoint(bpf.load_func("run", BPF.RAW_TRACEPOINT), 0)
    return [bpf["numbers"][i].value for i in range(count)]


# Numbers, bit fields and arrays, in structs whose members moved.
EXPRESSIONS = (
    "task->tgid", "task->real_parent->tgid", "task->group_leader->pid", "task->comm[1]",
    "task->sched_reset_on_fork", "task->in_execve", "task->signal->rlim[7].rlim_cur", "task->mm->arg_start",
    "task->mm->env_end", "task->cred->uid.val", "task->nsproxy->uts_ns->name.release[0]", "task->policy",
    "task->static_prio", "task->start_time", "task->files->fdt->max_fds",
    "task->fs->pwd.dentry->d_inode->i_ino", "task->fs->root.mnt->mnt_sb->s_magic", "task->exit_signal",
)


def test_numbers(kernel, tmp_path):
    """The values are those of a source that is compiled here."""
    text = source(*EXPRESSIONS)
    compiled_elsewhere(text, kernel, tmp_path / "numbers.o")
    with BPF(text=text) as here, BPF(object=str(tmp_path / "numbers.o")) as object, BPF(text=text, portable=True) as both:
        expected = values(here, len(EXPRESSIONS))
        assert expected[0] == os.getpid() and expected[1] == os.getppid()
        assert values(object, len(EXPRESSIONS)) == expected
        assert values(both, len(EXPRESSIONS)) == expected


def test_layouts_and_constants(kernel, tmp_path):
    """What is the same on both kernels may be copied, measured and compared."""
    text = source("address.s_addr", "sizeof(struct in6_addr)", "socket.sin_port", "TCP_LISTEN", "TASK_COMM_LEN",
                  before="#include <linux/in.h>\n")
    text = text.replace("BODY", "").replace("struct task_struct *task = (struct task_struct *)bpf_get_current_task();", """
        struct in_addr address = {.s_addr = 7};
        struct sockaddr_in socket = {.sin_port = 9};""")
    compiled_elsewhere(text, kernel, tmp_path / "layouts.o")
    with BPF(object=tmp_path / "layouts.o") as bpf:
        assert values(bpf, 5) == [7, 16, 9, 10, 16]


REFUSED = [
    ("sizeof(struct net_device)", "the size of struct net_device is [0-9]+ bytes here, but was [0-9]+ bytes"),
    ("offsetof(struct task_struct, tgid)", "the offset of struct task_struct.tgid is [0-9]+ bytes here, but was"),
    ("((struct net_device *)0 + 1) == 0", "the size of struct net_device"),
]


@pytest.mark.parametrize("expression, message", REFUSED)
def test_what_differs_is_refused(expression, message, kernel, tmp_path):
    """Before anything is loaded, and by name; not on the kernel that it is right for."""
    compiled_elsewhere(source(expression), kernel, tmp_path / "refused.o")
    if kernel.release == os.uname().release:
        BPF(object=tmp_path / "refused.o").close()
        return
    with pytest.raises(ebcc.OtherKernelError, match=message):
        BPF(object=tmp_path / "refused.o")


MOVED = """
struct task_struct___mine { RELOCATED_MEMBERS } __attribute__((preserve_access_index));
"""


def test_a_missing_member_is_named():
    """By the program that uses it, when that is loaded; other programs are not affected."""
    text = source("((struct task_struct___mine *)task)->not_there",
                  before=MOVED.replace("RELOCATED_MEMBERS", "int not_there; int pid;"))
    text += "int other(struct bpf_raw_tracepoint_args *ctx) { return 0; }\n"
    with BPF(text=text, portable=True) as bpf:
        assert bpf.load_func("other", BPF.RAW_TRACEPOINT).fd > 0
        with pytest.raises(ebcc.OtherKernelError, match="struct task_struct has no member 'not_there' of a compatible type, at .*:"):
            bpf.load_func("run", BPF.RAW_TRACEPOINT)


@pytest.mark.skipif(RELEASE < (5, 14), reason="task_struct.state is renamed in Linux 5.14")
def test_a_renamed_member_is_explained():
    text = source("((struct task_struct___mine *)task)->state",
                  before=MOVED.replace("RELOCATED_MEMBERS", "long state;"))
    with BPF(text=text) as bpf:
        with pytest.raises(ebcc.OtherKernelError, match="has no member 'state' of a compatible type; since Linux 5.14 it is __state"):
            bpf.load_func("run", BPF.RAW_TRACEPOINT)


def test_existence_decides():
    """Members that only some kernels have, behind bpf_core_field_exists()."""
    text = source("bpf_core_field_exists(mine->nowhere) ? mine->nowhere : mine->pid",
                  before=MOVED.replace("RELOCATED_MEMBERS", "int pid; int nowhere;"))
    text = text.replace("BODY", "").replace("bpf_get_current_task();", """bpf_get_current_task();
        struct task_struct___mine *mine = (void *)task;""")
    with BPF(text=text, portable=True) as bpf:
        assert values(bpf, 1) == [os.getpid()]


REFUSED_SOURCES = [
    ("int flags = GFP_ATOMIC;", "'GFP_ATOMIC' can't be used in a portable object, because it differs"),
    ("#ifdef CONFIG_SMP\n#endif\n", "CONFIG_SMP can't be tested by the preprocessor in a portable object"),
    ("#if IS_ENABLED(CONFIG_SMP)\n#endif\n", "test them with 'if' in a program, not with '#if'"),
    ("#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 4, 0)\n#endif\n", "test them with 'if' in a program, not with '#if'"),
    ("int f(struct pt_regs *ctx) { return bpf_num_cpus(); }", "can't contain the number of CPUs"),
]


@pytest.mark.parametrize("text, message", REFUSED_SOURCES)
def test_sources_that_are_refused(text, message):
    """What can't travel is an error where it is used."""
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text=text, portable=True)
    assert message in str(caught.value)
    BPF(text=text).close()


def test_version_and_configuration():
    """They are known when the object is loaded."""
    text = source("LINUX_VERSION_CODE >= KERNEL_VERSION(5, 10, 0)", "LINUX_VERSION_CODE >= KERNEL_VERSION(77, 0, 0)",
                  "LINUX_VERSION_CODE")
    with BPF(text=text, portable=True) as bpf:
        found = values(bpf, 3)
    assert found[:2] == [1, 0] and found[2] >> 8 == RELEASE[0] << 8 | RELEASE[1]


def test_headers_are_refused():
    with pytest.raises(ValueError, match="can't be compiled against kernel headers"):
        BPF(text="int f(void *ctx) { return 0; }", portable=True, kernel_types="headers")


NOBODY = 2**31 - 1  # no process has this id
FORMAT = """name: sys_enter_getpgid
ID: 1
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int __syscall_nr;\toffset:24;\tsize:4;\tsigned:1;
\tfield:pid_t pid;\toffset:40;\tsize:SIZE;\tsigned:0;

print fmt: "pid: 0x%08lx"
"""
TRACED = """
BPF_ARRAY(numbers, u64, 2);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    int i = 0;
    u64 value = args->pid;
    if (bpf_get_current_pid_tgid() >> 32 == PID)
        numbers.update(&i, &value);
    return 0;
}
"""


def test_fields_of_a_tracepoint_that_moved(kernel, tmp_path):
    """The running kernel's format file says where they are."""
    kernel.write("sys/kernel/tracing/events/syscalls/sys_enter_getpgid/format", FORMAT.replace("SIZE", "8"))
    compiled_elsewhere(TRACED.replace("PID", str(os.getpid())), kernel, tmp_path / "traced.o")
    with BPF(object=tmp_path / "traced.o") as bpf:
        with pytest.raises(ProcessLookupError):
            os.getpgid(NOBODY)
        assert bpf["numbers"][0].value == NOBODY
    kernel.write("sys/kernel/tracing/events/syscalls/sys_enter_getpgid/format", FORMAT.replace("SIZE", "4"))
    compiled_elsewhere(TRACED.replace("PID", str(os.getpid())), kernel, tmp_path / "traced.o")
    with pytest.raises(ebcc.OtherKernelError, match="tracepoint syscalls__sys_enter_getpgid has no field 'pid'"):
        BPF(object=tmp_path / "traced.o")


RENAMED_FORMAT = """name: task_rename
ID: 1
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:TYPE newcomm[LENGTH];\toffset:8;\tsize:LENGTH;\tsigned:0;

print fmt: "%s"
"""
RENAMED = """
struct name { char text[32]; u64 letter; };
BPF_ARRAY(names, struct name, 1);
TRACEPOINT_PROBE(task, task_rename) {
    int i = 0;
    struct name name = {.letter = args->newcomm[INDEX]};
    if (bpf_get_current_pid_tgid() >> 32 != PID)
        return 0;
    bpf_probe_read_kernel_str(name.text, sizeof(name.text), args->newcomm);
    names.update(&i, &name);
    return 0;
}
"""


@pytest.mark.parametrize("length", [8, 16, 32])
def test_strings_of_a_tracepoint(kernel, tmp_path, length):
    """Their lengths may differ; other arrays may not, and an element must be there."""
    path, comm = tmp_path / "traced.o", Path("/proc/self/comm")
    there = "sys/kernel/tracing/events/task/task_rename/format"

    def compiled(kind, index):
        kernel.write(there, RENAMED_FORMAT.replace("TYPE", kind).replace("LENGTH", str(length)))
        compiled_elsewhere(RENAMED.replace("PID", str(os.getpid())).replace("INDEX", str(index)), kernel, path)
        return BPF(object=path)
    before = comm.read_text().removesuffix("\n")
    with compiled("char", 4) as bpf:
        comm.write_text("a long name")
        found = bpf["names"][0]
        comm.write_text(before)
        assert (found.text, chr(found.letter)) == (b"a long name", "n")
    if length > 16:
        with pytest.raises(ebcc.OtherKernelError, match="tracepoint task__task_rename has no field 'newcomm'"):
            compiled("char", 16)
    if length != 16:
        with pytest.raises(ebcc.OtherKernelError, match="tracepoint task__task_rename has no field 'newcomm'"):
            compiled("unsigned char", 4)


COPIES = """
struct pair { char first[4]; char second[4]; };
BPF_ARRAY(pairs, struct pair, 1);
TRACEPOINT_PROBE(tcp, tcp_retransmit_skb) {
    int i = 0;
    struct pair pair = {}, *found = pairs.lookup(&i);
    char six[16];

    if (!found)
        return 0;
    __builtin_memcpy(pair.first, args->saddr, sizeof(pair.first));
    __builtin_memcpy(&pair.second, args->daddr, sizeof(pair.second));
    *found = pair;
    __builtin_memcpy(six, args->saddr_v6, sizeof(six));
    found->first[0] += six[15];
    return 0;
}
"""


def test_copies_of_a_contexts_arrays():
    """The verifier allows no access through an address that is computed from the context."""
    with BPF(text=COPIES, portable=True) as bpf:
        assert bpf.num_open_tracepoints() == 1


def test_object_and_save(tmp_path):
    """Paths and bytes; both pipelines in one file."""
    text = source("task->tgid")
    with BPF(text=text, portable=True) as bpf:
        bpf.save(tmp_path / "a.o")
    data = (tmp_path / "a.o").read_bytes()
    assert b".ebcc.second" in data and (tmp_path / "a.o").stat().st_mode & 0o777 == 0o666 & ~current_umask()
    for object in (tmp_path / "a.o", str(tmp_path / "a.o"), os.fsencode(tmp_path / "a.o"), data):
        with BPF(object=object) as bpf:
            assert values(bpf, 1) == [os.getpid()]
    with BPF(object=data) as bpf:
        bpf.save(str(tmp_path / "b.o"))
        assert (tmp_path / "b.o").read_bytes() == data
        assert len(bpf.module.second_object()) > 1000
    with pytest.raises(ebcc.Error, match="can't write"):
        with BPF(text=text) as bpf:
            bpf.save(tmp_path / "missing/a.o")
    with pytest.raises(FileNotFoundError):
        BPF(object=tmp_path / "missing.o")
    with pytest.raises(ValueError, match="together with text"):
        BPF(object=data, text=text)
    with pytest.raises(ebcc.FormatError):
        BPF(object=data[:len(data) // 2])


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


LOAD_SAVED = """
    from ebcc import BPF
    with BPF(object="PATH") as bpf:
        print(bpf.load_func("portable", BPF.RAW_TRACEPOINT).fd > 0, len(bpf.module.programs()))
"""


def damaged(data):
    return data[:-1]


@pytest.mark.parametrize("damage", [None, damaged, lambda data: data.replace(b"object ", b"objekt "),
                                    lambda data: data.replace(b"tracepoint syscalls", b"tracepoint no_such_", 1)],
                         ids=["whole", "cut", "unreadable", "other tracepoint"])
def test_an_object_is_relocated_once(tmp_path, damage):
    """The relocated object is kept for this build of the kernel: the next load reads no BTF, unless the entry is damaged
    or a tracepoint's format is not the same."""
    environment = dict(os.environ, EBCC_CACHE=str(tmp_path / "cache"))
    with BPF(text="""
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return args->pid; }
        int portable(struct bpf_raw_tracepoint_args *ctx)
        {
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            return task->tgid;
        }""", portable=True) as bpf:
        bpf.save(tmp_path / "object.o")
    script = LOAD_SAVED.replace("PATH", str(tmp_path / "object.o"))
    first, names = opened_by(script, environment)
    assert first == "True 2\n" and VMLINUX in names
    [entry] = (tmp_path / "cache").glob("*.relocated")
    if damage:
        entry.write_bytes(damage(entry.read_bytes()))
    second, names = opened_by(script, environment)
    assert second == first and (VMLINUX in names) == bool(damage)
