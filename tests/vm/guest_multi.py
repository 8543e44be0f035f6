"""Many functions by one link, and sessions: of user functions on each kernel (the tests of test_multi.py), and sessions
of kernel functions."""

import os
import sys
from pathlib import Path

import pytest
from ebcc import BPF, AttachError, UnsupportedAttachError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from test_multi import *  # noqa: E402,F401,F403
from test_multi import VERSION  # noqa: E402

PID = os.getpid()
# Nothing else in this process calls these two.
GETPGID = BPF.get_syscall_fnname("getpgid").decode()
GETSID = BPF.get_syscall_fnname("getsid").decode()
NUMBERS = {GETPGID.encode(): 11, GETSID.encode(): (1 << 64) - 12}

# The argument is in the pt_regs that the wrapper of a system call gets.
SESSION = f"""
struct seen_t {{ u64 cookie, argument, result; }};
BPF_HASH(seen, struct seen_t, u64, 1024);

int on_both(struct pt_regs *ctx)
{{
    u64 *shared = bpf_session_cookie(ctx);
    struct pt_regs *arguments = (struct pt_regs *)PT_REGS_PARM1(ctx);
    struct seen_t record = {{ .cookie = bpf_get_attach_cookie(ctx) }};

    if (!shared || bpf_get_current_pid_tgid() >> 32 != {PID})
        return 1;
    if (!bpf_session_is_return(ctx)) {{
        *shared = PT_REGS_PARM1(arguments);
        return *shared == 13;
    }}
    record.argument = *shared;
    record.result = PT_REGS_RC(ctx);
    seen.increment(record);
    return 0;
}}
"""


@pytest.fixture
def load():
    """load(text): a BPF object that is closed when the test ends."""
    opened = []

    def create(text, **options):
        opened.append(BPF(text=text, **options))
        return opened[-1]

    yield create
    for bpf in opened:
        bpf.close()


def seen(bpf):
    found = {(record.cookie, record.argument, record.result): runs.value for record, runs in bpf["seen"].items()}
    bpf["seen"].clear()
    return found


def call():
    """getpgid() of this process, of one that is not there, and of 13, at whose return the program doesn't run; and
    getsid() of this process."""
    os.getpgid(PID)
    for pid in (13, 2**22 + 1):
        try:
            os.getpgid(pid)
        except ProcessLookupError:
            pass
    os.getsid(PID)


def test_a_session_of_kernel_functions(load):
    if VERSION < (6, 10):
        bpf = load("int f(struct pt_regs *ctx) { return 0; }")
        for where in {"event": GETPGID}, {"event_re": "^vfs_(read|write)$"}:
            with pytest.raises(UnsupportedAttachError, match="both at entry and at return of kernel functions"):
                bpf.attach_session(fn_name="f", **where)
        assert bpf.num_open_kprobes() == 0
        return
    bpf = load(SESSION)
    group, session, missing = os.getpgid(0), os.getsid(0), (1 << 64) - 3
    with bpf.attach_session(event_re=f"^({GETPGID}|{GETSID})$", fn_name="on_both", cookie=NUMBERS.__getitem__) as link:
        assert sorted(link.names) == [f"kprobe.session:{GETPGID}", f"kprobe.session:{GETSID}"]
        assert bpf.num_open_kprobes() == 2
        call()
        assert seen(bpf) == {(11, PID, group): 1, (11, 2**22 + 1, missing): 1, ((1 << 64) - 12, PID, session): 1}
        bpf.detach_session(event=GETPGID)
        call()
        assert seen(bpf) == {((1 << 64) - 12, PID, session): 1}
        with pytest.raises(AttachError, match="no session is attached"):
            bpf.detach_session(event=GETPGID)
    call()
    assert seen(bpf) == {} and bpf.num_open_kprobes() == 0
    with bpf.attach_session(event=GETSID, fn_name="on_both"):
        call()
        assert seen(bpf) == {(0, PID, session): 1}


def test_section_of_a_kernel_session(load):
    text = SESSION.replace("int on_both", f'#include <bpf/bpf_helpers.h>\nSEC("kprobe.session/{GETPGID}") int on_both')
    if VERSION < (6, 10):
        with pytest.raises(Exception, match="bpf_session_cookie"):
            load(text)
        return
    bpf = load(text)
    call()
    assert seen(bpf) == {(0, PID, os.getpgid(0)): 1, (0, 2**22 + 1, (1 << 64) - 3): 1}


def test_entry_and_return_of_one_program_by_turns(load):
    """A program that runs as a kprobe, for many functions and in a session is loaded once for each."""
    bpf = load("BPF_ARRAY(runs, u64, 1); int f(struct pt_regs *ctx) "
               f"{{ if (bpf_get_current_pid_tgid() >> 32 == {PID}) runs.increment(0); return 0; }}")
    attach = [lambda: bpf.attach_kprobe(event=GETPGID, fn_name="f"),
              lambda: bpf.attach_kprobe(event_re=f"^({GETPGID}|{GETSID})$", fn_name="f")]
    if VERSION >= (6, 10):
        attach.append(lambda: bpf.attach_session(event=GETPGID, fn_name="f"))
    for order in attach, attach[::-1]:
        bpf["runs"].clear()
        expected = 0
        for number, one in enumerate(order):
            with one():
                os.getpgid(0)
            expected += 2 if one is attach[-1] and len(attach) == 3 else 1
            assert bpf["runs"][0].value == expected, number
