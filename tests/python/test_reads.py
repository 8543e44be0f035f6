# SPDX-License-Identifier: Apache-2.0
"""Following pointers: the table of read_cases.py on this kernel, and reads that need a context of their own."""

import ctypes as ct
import os
import struct
import time

import pytest
import read_cases
from ebcc import BPF, PerfSWConfig, PerfType
from conftest import LIMIT, getpgid
from kernel_calls import run_raw_tracepoint
from read_cases import CALLBACK_CASES, CASES

HEADS = {
    "tracepoint": "int %s(struct tracepoint__syscalls__sys_enter_getpgid *args)",
    "raw_tracepoint": "int %s(struct bpf_raw_tracepoint_args *ctx)",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    with read_cases.world(str(tmp_path_factory.mktemp("reads"))) as world:
        yield world


def names(case):
    return case.name


@pytest.mark.parametrize("case", CASES + CALLBACK_CASES, ids=names)
def test_read_in_a_tracepoint_program(case, seen):
    text = read_cases.module_text([case], seen, HEADS["tracepoint"])
    with BPF(text=text) as bpf:
        bpf.attach_tracepoint(tp="syscalls:sys_enter_getpgid", fn_name=case.function)
        getpgid(1)
        read_cases.check(case, bpf["results"][0], seen)


@pytest.mark.parametrize("first", range(0, len(CASES), 20))
def test_many_reads_in_one_source(first, seen):
    """The same reads side by side, as raw tracepoint programs that the test runs itself."""
    cases = CASES[first:first + 20]
    with BPF(text=read_cases.module_text(cases, seen, HEADS["raw_tracepoint"])) as bpf:
        for number, case in enumerate(cases):
            run_raw_tracepoint(bpf.load_func(case.function, BPF.RAW_TRACEPOINT), 0)
            read_cases.check(case, bpf["results"][number], seen)


ITERATED_TASK = """struct task_struct *task = ctx->task;

    if (!task || task->pid != OWN_PID)
        return 0;"""
# The verifier doesn't allow a pointer whose type it knows to be taken apart.
UNTYPED = {"address_through_a_map_as_two_halves"}


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in UNTYPED], ids=names)
def test_read_in_a_typed_program(case, seen):
    """The same reads from an argument that the kernel describes by BTF. The verifier follows some of them; the second
    pipeline takes care of the others."""
    with BPF(text=read_cases.module_text([case], seen, "BPF_ITER(task)", ITERATED_TASK)) as bpf:
        with os.fdopen(bpf.attach_iter("task").open()) as file:
            file.read()
        read_cases.check(case, bpf["results"][0], seen)


def test_helpers_get_typed_pointers_beside_other_reads(load, seen):
    """The verifier doesn't follow a pointer to characters, and requires a typed pointer to the file that is written."""
    bpf = load("""
        BPF_ITER(task) {
            struct seq_file *seq = ctx->meta->seq;
            char name[16] = {};
            ITERATED
            const unsigned char *at = task->group_leader->files->fdt->fd[OWN_FILE]->f_path.dentry->d_name.name;
            for (int i = 0; i < 15 && at[i]; i++)
                name[i] = at[i];
            bpf_seq_write(seq, name, sizeof(name));
            return 0;
        }""".replace("ITERATED", ITERATED_TASK).replace("OWN_PID", str(seen.pid)).replace("OWN_FILE", str(seen.file)))
    with os.fdopen(bpf.attach_iter("task").open(), "rb") as file:
        assert file.read().rstrip(b"\0") == seen.file_name


RESULTS = """
struct result_t { u64 value; u64 other; u8 text[64]; };
BPF_HASH(results, u32, struct result_t);
static u32 zero;
"""


def only_result(bpf):
    """The result that the test's program stored."""
    return bpf["results"][0]


def text_of(result):
    """All bytes of a result's text."""
    return bytes(result.text)


def test_context_of_a_raw_tracepoint(load):
    """Its arguments are kernel pointers, here to the registers of the system call."""
    bpf = load(RESULTS + """
        RAW_TRACEPOINT_PROBE(sys_enter) {
            struct result_t result = {};
            struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
            FILTER
            if (ctx->args[1] != SYSCALL)
                return 0;
            result.value = regs->di;
            result.other = PT_REGS_PARM1(regs) << 32 | PT_REGS_PARM1_CORE(regs);
            results.update(&zero, &result);
            return 0;
        }""".replace("SYSCALL", "121").replace("PT_REGS_PARM1_CORE(regs)", "regs->orig_ax"))
    getpgid(4711)
    result = only_result(bpf)
    assert (result.value, result.other) == (4711, 4711 << 32 | 121)


def test_context_element_by_variable(load):
    bpf = load(RESULTS + """
        RAW_TRACEPOINT_PROBE(sys_enter) {
            struct result_t result = {};
            FILTER
            if (ctx->args[1] != 121)
                return 0;
            volatile u32 which = 1;
            result.value = ctx->args[which & 1];
            results.update(&zero, &result);
            return 0;
        }""")
    getpgid(4711)
    assert only_result(bpf).value == 121


def test_fields_of_a_tracepoint(load):
    """A plain field, and a user pointer that is followed and copied from."""
    bpf = load(RESULTS + """
        TRACEPOINT_PROBE(syscalls, sys_enter_access) {
            struct result_t result = {};
            const char *name = args->filename;
            FILTER
            result.value = args->mode;
            result.other = name[1] << 8 | *args->filename;
            bpf_probe_read_user_str(result.text, sizeof(result.text), args->filename);
            results.update(&zero, &result);
            return 0;
        }""")
    os.access("/no/such/file", os.R_OK | os.X_OK)
    result = only_result(bpf)
    assert (result.value, result.other) == (os.R_OK | os.X_OK, ord("n") << 8 | ord("/"))
    assert text_of(result).startswith(b"/no/such/file\0")


def test_user_structs_of_a_system_call(load):
    """Plain C reads a struct in user memory, through the registers that a raw tracepoint gives."""
    bpf = load(RESULTS + """
        struct nap_t { s64 seconds; s64 nanoseconds; };
        RAW_TRACEPOINT_PROBE(sys_enter) {
            struct result_t result = {};
            struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
            const struct nap_t __user *nap = (void *)regs->di;
            FILTER
            if (ctx->args[1] != 35)
                return 0;
            struct nap_t copy = *nap;
            result.value = nap->nanoseconds;
            result.other = copy.seconds + copy.nanoseconds;
            results.update(&zero, &result);
            return 0;
        }""")
    ct.CDLL(None).syscall(35, struct.pack("qq", 0, 1234), None)
    result = only_result(bpf)
    assert (result.value, result.other) == (1234, 1234)


def test_sample_of_a_perf_event(load):
    bpf = load(RESULTS + """
        int on_sample(struct bpf_perf_event_data *ctx) {
            struct result_t result = {};
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            FILTER
            result.value = task->tgid;
            result.other = ctx->sample_period;
            __builtin_memcpy(result.text, &ctx->regs.ip, 8);
            results.update(&zero, &result);
            return 0;
        }""")
    bpf.attach_perf_event(ev_type=PerfType.SOFTWARE, ev_config=PerfSWConfig.CPU_CLOCK, fn_name="on_sample",
                          sample_period=100000, pid=os.getpid())
    deadline = time.monotonic() + LIMIT
    while not len(bpf["results"]) and time.monotonic() < deadline:
        sum(range(10000))
    result = only_result(bpf)
    assert (result.value, result.other) == (os.getpid(), 100000)
    assert struct.unpack("Q", text_of(result)[:8])[0] != 0


def test_pointer_stored_for_another_program(load):
    """As between a function's entry and return: the pointer is stored for the thread, and followed later."""
    bpf = load(RESULTS + """
        BPF_HASH(started, u32, struct task_struct *);
        struct call_t { struct pt_regs *regs; struct task_struct *up; u64 time; };
        BPF_HASH(calls, u32, struct call_t);
        RAW_TRACEPOINT_PROBE(sys_enter) {
            u32 thread = bpf_get_current_pid_tgid();
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            struct call_t call = { (struct pt_regs *)ctx->args[0], task->real_parent, 9 };
            FILTER
            if (ctx->args[1] != 121)
                return 0;
            started.update(&thread, &task);
            calls.update(&thread, &call);
            return 0;
        }
        TRACEPOINT_PROBE(syscalls, sys_exit_getpgid) {
            u32 thread = bpf_get_current_pid_tgid();
            struct task_struct **task = started.lookup(&thread);
            struct call_t *call = calls.lookup(&thread);
            struct result_t result = {};
            if (!task || !call)
                return 0;
            result.value = (u64)(*task)->tgid << 32 | (*task)->real_parent->tgid;
            result.other = call->regs->di + call->up->tgid + call->time;
            __builtin_memcpy(result.text, (*task)->comm, 16);
            results.update(&zero, &result);
            return 0;
        }""")
    getpgid(4711)
    result = only_result(bpf)
    assert result.value == os.getpid() << 32 | os.getppid()
    assert result.other == 4711 + os.getppid() + 9
    with open("/proc/self/comm", "rb") as file:
        assert text_of(result).rstrip(b"\0") == file.read().strip()


class Inner(ct.Structure):
    _fields_ = [("name", ct.c_char * 16), ("number", ct.c_uint64)]


class Outer(ct.Structure):
    _fields_ = [("zero", ct.c_uint32), ("low", ct.c_uint32, 3), ("high", ct.c_uint32, 29),
                ("inner", ct.POINTER(Inner)), ("list", ct.c_uint16 * 4), ("text", ct.c_char_p)]


USER_TYPES = """
struct inner_t { char name[16]; u64 number; };
struct outer_t { u32 zero; u32 low : 3; u32 high : 29; struct inner_t *inner; u16 list[4]; const char *text; };
static inline u64 number_of(const struct inner_t *inner) { return inner->number; }
"""
FOLLOW = """
    struct result_t result = {};
    struct inner_t local = { .number = 1000000 };
    struct inner_t copy;
    u32 which = outer->low & 3;

    FILTER
    copy = *outer->inner;
    result.value = outer->low << 28 | outer->high;
    result.other = number_of(outer->inner) + number_of(&local) + copy.number + outer->list[which];
    bpf_probe_read_user_str(result.text, 16, outer->inner->name);
    bpf_probe_read_user_str(&result.text[16], 16, outer->text);
    results.update(&zero, &result);
    return 0;
"""


@pytest.mark.parametrize("head", [
    "int on_call(struct pt_regs *ctx, struct outer_t *outer) {",
    "int on_call(struct pt_regs *ctx, const struct outer_t __user *outer, const char *second) {",
    "int on_call(struct pt_regs *ctx) { struct outer_t *outer = (void *)PT_REGS_PARM1(ctx);",
    "int on_call(struct pt_regs *ctx) { u64 address = PT_REGS_PARM1(ctx); "
    "struct outer_t *outer; outer = (struct outer_t *)address;",
    "int on_call(struct pt_regs *ctx) { struct outer_t here, *outer = &here; "
    "bpf_probe_read_user(&here, sizeof(here), (void *)PT_REGS_PARM1(ctx));",
], ids=["parameter", "user parameter", "register", "number", "copied"])
def test_user_memory_of_a_uprobe(load, head):
    """Structs in this process's memory, passed to a function of the C library."""
    inner = Inner(b"inner name", 500)
    outer = Outer(0, 2, 12345, ct.pointer(inner), (ct.c_uint16 * 4)(1, 2, 30, 4), b"a text")
    bpf = load(RESULTS + USER_TYPES + head + FOLLOW + "}")
    bpf.attach_uprobe(name="c", sym="strverscmp", fn_name="on_call", pid=os.getpid())
    ct.CDLL(None).strverscmp(ct.byref(outer), ct.byref(outer))
    result = only_result(bpf)
    assert result.value == 2 << 28 | 12345
    assert result.other == 500 + 1000000 + 500 + 30
    assert text_of(result)[:16].rstrip(b"\0") == b"inner name"
    assert text_of(result)[16:32].rstrip(b"\0") == b"a text"


def test_return_value_of_a_uretprobe(load):
    """What the function returned is a pointer into user memory."""
    bpf = load(RESULTS + """
        int on_return(struct pt_regs *ctx) {
            struct result_t result = {};
            const char *found = (const char *)PT_REGS_RC(ctx);
            FILTER
            result.value = found[0] << 8 | found[2];
            for (int i = 0; i < 8; i++)
                result.text[i] = *(found + i);
            results.update(&zero, &result);
            return 0;
        }""")
    libc = ct.CDLL(None)
    libc.memfrob.restype = ct.c_void_p
    buffer = ct.create_string_buffer(b"abcdefg")
    bpf.attach_uretprobe(name="c", sym="memfrob", fn_name="on_return", pid=os.getpid())
    assert libc.memfrob(buffer, 7) == ct.addressof(buffer)
    result = only_result(bpf)
    assert text_of(result)[:8] == bytes(byte ^ 42 for byte in b"abcdefg") + b"\0"
    assert result.value == (ord("a") ^ 42) << 8 | ord("c") ^ 42
