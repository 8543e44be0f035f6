"""Kinds of programs that need a full kernel: those with BTF-typed arguments, iterators, LSM hooks."""

import ctypes
import json
import os
import pathlib
import socket
import subprocess
import sys
import textwrap

import ebcc
import pytest
from ebcc import BPF

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "python"))
from opened_files import opened_by  # noqa: E402

PID = os.getpid()


@pytest.fixture
def load():
    """load(text): a BPF object, which is closed at the end. OWN_PROCESS selects this process."""
    opened = []

    def create(text):
        own = f"(bpf_get_current_pid_tgid() >> 32 == {PID})"
        opened.append(BPF(text=textwrap.dedent(text).replace("OWN_PROCESS", own).replace("OWN_PID", str(PID))))
        return opened[-1]

    yield create
    for bpf in opened:
        bpf.close()


@pytest.fixture
def memory_files(tmp_path):
    """A directory outside the overlay: opening a file of an overlay opens another one below it, which is traced too."""
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def kernel():
    """The kernel's version, for what its verifier and its tables don't support yet."""
    return tuple(int(part) for part in os.uname().release.split(".")[:2])


def traced_functions():
    """Functions that ftrace can trace, and so can fentry."""
    return {line.split()[0] for line in pathlib.Path("/sys/kernel/tracing/available_filter_functions").read_text().splitlines()}


def test_entry_and_return_of_a_function(load, memory_files):
    """Programs get typed arguments, with pointers that they may follow, and the result."""
    text = """
        struct call_t { u64 count, pos, ino; s64 result; u32 mode; char name[16]; };
        BPF_HASH(calls, u32, struct call_t);
        KFUNC_PROBE(vfs_write, struct file *file, const char *buf, size_t count, loff_t *pos)
        {
            struct call_t call = {};
            u32 key = 1;
            if (!OWN_PROCESS || count != 4321)
                return 0;
            call.count = count;
            call.ino = file->f_inode->i_ino;
            call.mode = file->f_inode->i_mode;
            POSITION
            bpf_probe_read_kernel_str(call.name, sizeof(call.name), file->f_path.dentry->d_name.name);
            calls.update(&key, &call);
            return 0;
        }
        KRETFUNC_PROBE(vfs_write, struct file *file, const char *buf, size_t count, loff_t *pos, ssize_t ret)
        {
            struct call_t call = {};
            u32 key = 2;
            if (!OWN_PROCESS || count != 4321)
                return 0;
            call.count = count;
            call.result = ret;
            calls.update(&key, &call);
            return 0;
        }"""
    reading = text.replace("POSITION", "bpf_probe_read_kernel(&call.pos, sizeof(call.pos), pos);")
    if kernel() < (5, 17):
        with pytest.raises(ebcc.LoadError, match="can't read an argument that points to anything but a struct"):
            load(reading)
        reading = text.replace("POSITION", "call.pos = 5;")
    bpf = load(reading)
    path = memory_files / "written"
    with open(path, "wb", buffering=0) as file:
        file.write(b"12345")
        assert file.write(bytes(4321)) == 4321
    calls = {key.value: leaf for key, leaf in bpf["calls"].items()}
    entry = calls[1]
    assert (entry.count, entry.pos, entry.ino, entry.name) == (4321, 5, os.stat(path).st_ino, b"written")
    assert entry.mode == os.stat(path).st_mode
    assert (calls[2].count, calls[2].result) == (4321, 4321)
    # After detaching, they see nothing.
    bpf.detach_kfunc("vfs_write")
    bpf.detach_kretfunc("vfs_write")
    bpf["calls"].clear()
    with open(path, "wb", buffering=0) as file:
        file.write(bytes(4321))
    assert len(bpf["calls"]) == 0


def test_struct_passed_by_value(load):
    """An argument that is a struct of two words."""
    if not ({"do_sock_setsockopt", "sock_setsockopt"} & traced_functions()):
        pytest.fail("this test knows no function with a struct argument here")
    head = "do_sock_setsockopt, struct socket *sock, bool compat, int level" \
        if "do_sock_setsockopt" in traced_functions() else "sock_setsockopt, struct socket *sock, int level"
    text = """
        #include <linux/sockptr.h>
        struct call_t { u32 level, name, length, kernel, protocol; u64 user; };
        BPF_HASH(calls, u32, struct call_t);
        KFUNC_PROBE(HEAD, int optname, sockptr_t optval, unsigned int optlen)
        {
            struct call_t call = {};
            u32 key = 1;
            if (!OWN_PROCESS || optname != 8 || level != 1)
                return 0;
            call.level = level;
            call.name = optname;
            call.length = optlen;
            call.kernel = optval.is_kernel;
            call.user = (u64)optval.user;
            call.protocol = sock->sk->sk_protocol;
            calls.update(&key, &call);
            return 0;
        }""".replace("HEAD", head)
    if kernel() < (6, 0):
        with pytest.raises(ebcc.LoadError, match="functions with a struct among their arguments"):
            load(text)
        return
    bpf = load(text)
    value = ctypes.c_int(70000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        # SO_RCVBUF
        assert ctypes.CDLL(None).setsockopt(own.fileno(), 1, 8, ctypes.byref(value), 4) == 0
    call = bpf["calls"][1]
    assert (call.level, call.name, call.length, call.kernel, call.protocol) == (1, 8, 4, 0, 17)
    assert call.user == ctypes.addressof(value)


def test_function_of_a_module(load):
    """MODULE_KFUNC_PROBE finds its function in the BTF of the module."""
    subprocess.run(["modprobe", "overlay"], check=False)
    if not os.path.exists("/sys/kernel/btf/overlay"):
        # Kernels before 5.11 have no BTF of modules.
        with pytest.raises(ebcc.AttachError, match="has no function overlay__ovl_open"):
            load("MODULE_KFUNC_PROBE(overlay, ovl_open, int a) { return 0; }")
        return
    with pytest.raises(ebcc.AttachError, match="the BTF of kernel module overlay has no function ovl_opn; did you mean ovl_open"):
        load("MODULE_KFUNC_PROBE(overlay, ovl_opn, int a) { return 0; }")
    bpf = load("""
        BPF_HASH(calls, u32, u64);
        MODULE_KFUNC_PROBE(overlay, ovl_open, struct inode *inode, struct file *file)
        {
            if (OWN_PROCESS)
                calls.increment(1, inode->i_ino);
            return 0;
        }
        MODULE_KRETFUNC_PROBE(overlay, ovl_open, struct inode *inode, struct file *file, int ret)
        {
            if (OWN_PROCESS)
                calls.increment(2, ret + 1);
            return 0;
        }""")
    with open("/etc/passwd", "rb") as file:
        ino = os.fstat(file.fileno()).st_ino
    assert ino
    calls = {key.value: leaf.value for key, leaf in bpf["calls"].items()}
    assert calls[2] >= 1 and calls[1] > 0


def test_missing_function(load):
    with pytest.raises(ebcc.AttachError, match="has no function vfs_wriet; did you mean vfs_write"):
        load("KFUNC_PROBE(vfs_wriet, int a) { return 0; }")


COUNT_WRITES = """
    import os
    from ebcc import BPF

    null = os.open("/dev/null", os.O_WRONLY)
    with BPF(constants={"own": os.getpid()}, text='''
        const volatile u32 own = 0;
        BPF_ARRAY(calls, u64, 3);
        static bool is_own(void) { return bpf_get_current_pid_tgid() >> 32 == own; }
        KFUNC_PROBE(vfs_write) { if (is_own()) calls.increment(0); return 0; }
        KRETFUNC_PROBE(vfs_write) { if (is_own()) calls.increment(1); return 0; }
        #ifdef MODULE_BTF
        MODULE_KFUNC_PROBE(overlay, ovl_open) { if (is_own()) calls.increment(2); return 0; }
        #endif
        ''', cflags=["-DMODULE_BTF"] if os.path.exists("/sys/kernel/btf/overlay") else []) as bpf:
        for i in range(5):
            os.write(null, b"a")
        os.close(os.open("/etc/passwd", os.O_RDONLY))
        print([leaf.value for leaf in bpf["calls"].values()])
"""


def test_no_search_once_it_is_cached(tmp_path):
    """If the target of a program was found before, it loads without reading the BTF of vmlinux."""
    subprocess.run(["modprobe", "overlay"], check=False)
    # Kernels before 5.11 have no BTF of modules.
    of_module = int(os.path.exists("/sys/kernel/btf/overlay"))
    environment = dict(os.environ, EBCC_CACHE=str(tmp_path / "cache"))
    first, names = opened_by(COUNT_WRITES, environment)
    assert first.strip() == f"[5, 5, {of_module}]" and "/sys/kernel/btf/vmlinux" in names
    second, names = opened_by(COUNT_WRITES, environment)
    assert second == first and "/sys/kernel/btf/vmlinux" not in names
    assert sum(name.endswith(".target") for name in names) == 2 + of_module


def test_result_replaced(load):
    """KMOD_RET at a security hook: the call fails with the program's result."""
    bpf = load("""
        BPF_HASH(calls, u32, u64);
        KMOD_RET(security_task_setnice, struct task_struct *p, int nice, int ret)
        {
            if (!OWN_PROCESS || nice != 7)
                return ret;
            calls.increment(1, p->tgid);
            return -1; // EPERM
        }""")
    with pytest.raises(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 7)
    os.setpriority(os.PRIO_PROCESS, 0, 6)
    assert os.getpriority(os.PRIO_PROCESS, 0) == 6
    assert bpf["calls"][1].value == PID


def has_bpf_lsm():
    return "bpf" in pathlib.Path("/sys/kernel/security/lsm").read_text().strip().split(",")


def test_lsm_hook(load, memory_files):
    """Refuses to open one file, by name; storage of the inode and the task counts the opens."""
    if not os.path.exists("/sys/kernel/security/lsm"):
        subprocess.run(["mount", "-t", "securityfs", "none", "/sys/kernel/security"], check=True)
    assert has_bpf_lsm(), "the harness boots with lsm=...,bpf"
    text = """
        BPF_INODE_STORAGE(inodes, u64);
        #ifdef TASKS
        BPF_TASK_STORAGE(tasks, u64);
        #endif
        BPF_HASH(seen, u32, u64);
        LSM_PROBE(file_open, struct file *file)
        {
            char name[12] = {};
            u64 *count, value;
            u32 key = 1;
            if (!OWN_PROCESS)
                return 0;
            bpf_probe_read_kernel_str(name, sizeof(name), file->f_path.dentry->d_name.name);
            if (name[0] != 's' || name[1] != 'e' || name[2] != 'c' || name[5] != 't' || name[6])
                return 0;
            count = inodes.inode_storage_get(file->f_inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
            if (!count)
                return 0;
            (*count)++;
            value = *count;
            seen.update(&key, &value);
            #ifdef TASKS
            count = tasks.task_storage_get(bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
            if (count) {
                *count += 10;
                key = 2;
                value = *count;
                seen.update(&key, &value);
            }
            #endif
            return value > LIMIT ? -13 : 0; // EACCES
        }"""
    has_tasks = kernel() >= (5, 11)
    bpf = load(("#define TASKS\n#define LIMIT 20\n" if has_tasks else "#define LIMIT 2\n") + textwrap.dedent(text))
    for name in ("secret", "public"):
        os.mknod(memory_files / name)
    for _ in range(2):
        os.close(os.open(memory_files / "secret", os.O_RDONLY))
    with pytest.raises(PermissionError):
        os.open(memory_files / "secret", os.O_RDONLY)
    os.close(os.open(memory_files / "public", os.O_RDONLY))
    assert {key.value: leaf.value for key, leaf in bpf["seen"].items()} == ({1: 3, 2: 30} if has_tasks else {1: 3})


def test_task_storage(load):
    text = """
        BPF_TASK_STORAGE(calls, u64);
        BPF_HASH(counts, u32, u64);
        KFUNC_PROBE(__x64_sys_getpgid, struct pt_regs *regs)
        {
            struct task_struct *task = bpf_get_current_task_btf();
            u64 *count;
            u32 tid = task->pid;
            if (!OWN_PROCESS)
                return 0;
            count = calls.task_storage_get(task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
            if (count) {
                *count += 3;
                counts.update(&tid, count);
                if (*count == 9)
                    calls.task_storage_delete(task);
            }
            return 0;
        }"""
    if kernel() < (5, 11):
        with pytest.raises(ebcc.Error, match="table 'calls': this kernel has no tables of type task_storage"):
            load(text)
        return
    bpf = load(text)
    for _ in range(4):
        os.getpgid(0)
    assert bpf["counts"][PID].value == 3


def test_iterator_over_tasks(load):
    bpf = load("""
        BPF_ITER(task) {
            struct seq_file *seq = ctx->meta->seq;
            struct task_struct *task = ctx->task;
            if (!task || task->tgid != OWN_PID)
                return 0;
            char format[] = "%d %d %s\\n";
            u64 values[] = {task->pid, task->real_parent->tgid, (u64)task->comm};
            bpf_seq_printf(seq, format, sizeof(format), values, sizeof(values));
            return 0;
        }""")
    link = bpf.attach_iter("task")
    expected = f"{PID} {os.getppid()} {pathlib.Path('/proc/self/comm').read_text()}"
    for _ in range(2):
        with os.fdopen(link.open()) as file:
            assert file.read() == expected


def test_iterator_over_a_table(load):
    bpf = load("""
        BPF_HASH(table, u32, u64);
        BPF_ARRAY(sum, u64, 2);
        int bpf_iter__bpf_map_elem(struct bpf_iter__bpf_map_elem *ctx) {
            u32 *key = ctx->key; u64 *value = ctx->value;
            if (!key || !value)
                return 0;
            sum.increment(0, *key);
            sum.increment(1, *value);
            return 0;
        }""")
    for i in range(10):
        bpf["table"][i] = i * i
    link = bpf.attach_iter("bpf_map_elem", table="table")
    with os.fdopen(link.open(), "rb") as file:
        assert file.read() == b""
    assert [leaf.value for leaf in bpf["sum"].values()] == [45, 285]


def test_kprobes_shown_by_bpftool(load):
    bpf = load("int kprobe__do_nanosleep(struct pt_regs *ctx) { return 0; }\n"
               "int kretprobe__do_nanosleep(struct pt_regs *ctx) { return 0; }")
    shown = json.loads(subprocess.run(["bpftool", "-j", "perf", "show"], capture_output=True, check=True).stdout)
    mine = {(entry["fd_type"], entry["func"]) for entry in shown if entry["pid"] == PID}
    assert mine == {("kprobe", "do_nanosleep"), ("kretprobe", "do_nanosleep")}
    assert bpf.num_open_kprobes() == 2


def test_fentry_shown_by_bpftool(load):
    bpf = load("KFUNC_PROBE(do_nanosleep, void *timer, int mode) { return 0; }")
    shown = json.loads(subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, check=True).stdout)
    assert ["tracing"] == [entry["type"] for entry in shown if entry["name"].startswith("kfunc__do_nanos")]
    bpf.close()


def test_saved_object_of_typed_programs(load, tmp_path):
    """bpftool loads kprobe and fentry programs from a saved object."""
    bpf = load("""
        BPF_HASH(counts, u32, u64);
        int kprobe__do_nanosleep(struct pt_regs *ctx) { counts.increment(1); return 0; }
        KFUNC_PROBE(do_nanosleep, void *timer, int mode) { counts.increment(mode); return 0; }""")
    (tmp_path / "saved.bpf.o").write_bytes(bpf.module.object())
    subprocess.run(["mount", "-t", "bpf", "none", "/sys/fs/bpf"], check=False)
    subprocess.run(["bpftool", "prog", "loadall", tmp_path / "saved.bpf.o", "/sys/fs/bpf/saved"], check=True)
    assert len(os.listdir("/sys/fs/bpf/saved")) == 2
    subprocess.run(["rm", "-r", "/sys/fs/bpf/saved"], check=True)


def test_socket_storage_in_a_typed_program(load):
    """Storage that belongs to a kernel sock."""
    text = """
        BPF_SK_STORAGE(storage, u64);
        BPF_HASH(counts, u32, u64);
        KFUNC_PROBE(udp_sendmsg, struct sock *sk, struct msghdr *msg, size_t len)
        {
            u64 *bytes;
            u32 family = sk->__sk_common.skc_family;
            if (!OWN_PROCESS)
                return 0;
            bytes = storage.sk_storage_get(sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
            if (!bytes)
                return 0;
            *bytes += len;
            counts.update(&family, bytes);
            return 0;
        }"""
    if kernel() < (5, 11):
        with pytest.raises(ebcc.LoadError, match="this kernel doesn't have the helper, or not for programs of this type"):
            load(text)
        return
    bpf = load(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for size in (10, 20, 30):
            out.sendto(bytes(size), ("127.0.0.1", 9))
    assert {key.value: leaf.value for key, leaf in bpf["counts"].items()} == {int(socket.AF_INET): 60}
