"""The Python interface to kprobes: names, offsets, several programs, detaching, and functions that can be probed."""

import os
import sys
from pathlib import Path

import ebcc
import pytest
from ebcc import BPF

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from test_api_finding import test_reported_support_agrees_with_attaching  # noqa: E402,F401

PID = os.getpid()
COUNT = f"""
BPF_HASH(counts, u32, u64);

static int count(u32 which)
{{
    if (bpf_get_current_pid_tgid() >> 32 == {PID})
        counts.increment(which);
    return 0;
}}

int first(struct pt_regs *ctx) {{ return count(1); }}
int second(struct pt_regs *ctx) {{ return count(2); }}
"""
# Nothing else in this process makes this system call; attaching opens files.
GETPGID = BPF.get_syscall_fnname("getpgid").decode()
GETSID = BPF.get_syscall_fnname("getsid").decode()


def act(times=1):
    for _ in range(times):
        os.getpgid(0)


def counted(bpf):
    return {key.value: leaf.value for key, leaf in bpf["counts"].items()}


@pytest.fixture(scope="module")
def module():
    with BPF(text=COUNT) as bpf:
        yield bpf


@pytest.fixture
def bpf(module):
    module["counts"].clear()
    yield module
    for name in list(module.kprobe_fds):
        module.detach_kprobe_event(name)


def test_two_programs_on_one_function(bpf):
    bpf.attach_kprobe(event=GETPGID, fn_name="first")
    bpf.attach_kprobe(event=GETPGID.encode(), fn_name=b"second")
    bpf.attach_kretprobe(event=GETPGID, fn_name="second")
    assert bpf.num_open_kprobes() == 2
    act()
    assert counted(bpf) == {1: 1, 2: 2}
    bpf.detach_kprobe(GETPGID, fn_name="first")
    act()
    assert counted(bpf) == {1: 1, 2: 4}
    bpf.detach_kprobe(GETPGID)
    assert bpf.num_open_kprobes() == 1
    act()
    assert counted(bpf) == {1: 1, 2: 5}
    bpf.detach_kretprobe(GETPGID)
    act()
    assert counted(bpf) == {1: 1, 2: 5}
    with pytest.raises(ebcc.AttachError, match="no kretprobe is attached to " + GETPGID):
        bpf.detach_kretprobe(GETPGID)


def test_attaching_again_counts_once(bpf):
    bpf.attach_kprobe(event=GETPGID, fn_name="first")
    bpf.attach_kprobe(event=GETPGID, fn_name="first")
    act(3)
    assert counted(bpf) == {1: 3}


def test_a_link_to_functions(bpf):
    with bpf.attach_kprobe(event_re=f"^({GETPGID}|{GETSID})$", fn_name="first") as link:
        assert sorted(link.names) == sorted([f"kprobe:{GETPGID}", f"kprobe:{GETSID}"])
        act()
        bpf.detach_kprobe(GETSID)
        assert link.names == [f"kprobe:{GETPGID}"]
        act()
    assert bpf.num_open_kprobes() == 0 and not link.attached
    act()
    assert counted(bpf) == {1: 2}


def test_system_calls_by_name():
    with BPF(text="""
        BPF_ARRAY(calls, u64, 1);
        int kprobe__sys_getpgid(void *ctx)
        {
            if (bpf_get_current_pid_tgid() >> 32 == OWN_PID)
                calls.increment(0);
            return 0;
        }""".replace("OWN_PID", str(os.getpid()))) as bpf:
        act()
        assert bpf["calls"][0].value == 1
        bpf.detach_kprobe(BPF.get_syscall_fnname("getpgid"))
        act()
        assert bpf["calls"][0].value == 1 and bpf.num_open_kprobes() == 0


def test_functions_by_regular_expression(bpf):
    bpf.attach_kprobe(event_re=f"^({GETPGID}|{GETSID})$", fn_name="first")
    bpf.attach_kretprobe(event_re=GETPGID[:-1] + r"\w$", fn_name="second")
    assert bpf.num_open_kprobes() == 3
    act(2)
    os.getsid(0)
    assert counted(bpf) == {1: 3, 2: 2}
    with pytest.raises(ebcc.AttachError, match="no kernel function matches"):
        bpf.attach_kprobe(event_re="^nosuch_function_", fn_name="first")


def test_functions_that_can_be_probed():
    with open("/sys/kernel/tracing/available_filter_functions", encoding="ascii") as file:
        traceable = {line.split()[0].encode() for line in file}
    found = BPF.get_kprobe_functions(b"^vfs_")
    assert b"vfs_open" in found and b"vfs_read" in found
    assert found == sorted(set(found))
    assert set(found) <= traceable | {name for name in found if name.startswith(b"vfs_")}
    with open("/sys/kernel/debug/kprobes/blacklist", encoding="ascii") as file:
        forbidden = {line.split()[1].encode() for line in file if len(line.split()) > 1}
    assert forbidden
    assert not forbidden & set(BPF.get_kprobe_functions(""))


def test_self_attached_programs_are_counted_and_detached():
    text = COUNT + f"int kprobe__{GETSID}(struct pt_regs *ctx) {{ return count(3); }}"
    text += "int kretprobe__sys_getpgid(struct pt_regs *ctx) { return count(4); }"
    with BPF(text=text) as bpf:
        assert bpf.num_open_kprobes() == 2
        act()
        os.getsid(0)
        assert counted(bpf) == {3: 1, 4: 1}
        bpf.detach_kprobe(GETSID)
        os.getsid(0)
        assert counted(bpf) == {3: 1, 4: 1}
        bpf.detach_kretprobe(bpf.get_syscall_fnname("getpgid"))
        assert bpf.num_open_kprobes() == 0


def test_function_that_is_missing(bpf):
    with pytest.raises(ebcc.AttachError, match="vfs_opne.*vfs_open"):
        bpf.attach_kprobe(event="vfs_opne", fn_name="first")
    with pytest.raises(ebcc.NotFoundError, match="did you mean first"):
        bpf.attach_kprobe(event=GETPGID, fn_name="firts")
    assert bpf.num_open_kprobes() == 0


def test_load_func_then_attach(bpf):
    function = bpf.load_func("first", BPF.KPROBE)
    assert os.readlink(f"/proc/self/fd/{function.fd}").endswith("bpf-prog")
    bpf.attach_kprobe(event=GETPGID, fn_name="first")
    act()
    assert counted(bpf) == {1: 1}


def test_what_these_kernels_have():
    """Debian's kernels for x86-64 have both."""
    assert BPF.support_raw_tracepoint() and BPF.support_kfunc()


def test_raw_tracepoints_of_modules():
    """The root file system of a guest is 9p, whose module has tracepoints."""
    text = """
BPF_ARRAY(hits, u64, 1);
int request(struct bpf_raw_tracepoint_args *ctx) { hits.increment(0); return 0; }
"""
    with BPF(text=text) as bpf:
        try:
            bpf.attach_raw_tracepoint(tp="9p_client_req", fn_name="request")
        except ebcc.AttachError:
            assert not BPF.support_raw_tracepoint_in_module()
            return
        assert BPF.support_raw_tracepoint_in_module()
        os.listdir("/usr/share/doc")
        os.sync()
        assert bpf["hits"][0].value > 0
