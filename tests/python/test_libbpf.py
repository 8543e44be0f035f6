# SPDX-License-Identifier: Apache-2.0
"""Sources written for libbpf: sections, maps as structs, and the macros of its headers. The values that programs read are
compared with those of the operating system. tests/vm/guest_libbpf.py has the probes that need a full kernel."""

import contextlib
import ctypes as ct
import os
import platform
import subprocess
from pathlib import Path

import ebcc
import pytest
from ebcc import BPF
from kernel_calls import run_raw_tracepoint

RELEASE = tuple(int(part) for part in os.uname().release.split(".")[:2])
LINUX_HEADERS = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
char LICENSE[] SEC("license") = "GPL";
"""
# PR_SET_DUMPABLE and similar would change the process; a getpgid() of an unlikely number changes nothing.
NUMBER = 2 ** 30 + 77


def getpgid(*numbers):
    """Makes one system call per number, and ignores the result."""
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.getpgid(number)


@pytest.fixture
def load():
    """load(text, **options): a BPF object for a source after libbpf's headers; closed at the end."""
    opened = []

    def create(text, **options):
        opened.append(BPF(text=LINUX_HEADERS + text.replace("OWN_PID", str(os.getpid())), **options))
        return opened[-1]

    yield create
    for bpf in opened:
        bpf.close()


TASK = """
struct seen { u32 pid, parent, grandparent, cpus; u64 start; char comm[16], name[16]; u32 reset_on_fork, plain; };
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct seen);
} tasks SEC(".maps");

SEC("tp/syscalls/sys_enter_getpgid")
int tracepoint__odd_name(struct trace_event_raw_sys_enter *ctx)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct seen seen = {};
    u32 key = 7;

    if (ctx->args[0] != NUMBER || bpf_get_current_pid_tgid() >> 32 != OWN_PID)
        return 0;
    seen.pid = BPF_CORE_READ(task, tgid);
    seen.parent = BPF_CORE_READ(task, real_parent, tgid);
    BPF_CORE_READ_INTO(&seen.grandparent, task, real_parent, real_parent, tgid);
    seen.cpus = BPF_CORE_READ(task, nr_cpus_allowed);
    seen.start = BPF_CORE_READ(task, start_time);
    bpf_core_read(seen.comm, sizeof(seen.comm), &task->comm);
    BPF_CORE_READ_STR_INTO(&seen.name, task, group_leader, comm);
    seen.reset_on_fork = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
    seen.plain = task->sched_reset_on_fork;
    bpf_map_update_elem(&tasks, &key, &seen, BPF_ANY);
    return 0;
}
""".replace("NUMBER", str(NUMBER))


def parent_of(pid):
    return int(Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("options", [{}, {"portable": True}], ids=["here", "portable"])
def test_reads_along_members(load, options):
    """The program's name says nothing, since the section does."""
    bpf = load(TASK, **options)
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, before[0] | os.SCHED_RESET_ON_FORK, before[1])
    try:
        getpgid(NUMBER)
    finally:
        os.sched_setscheduler(0, before[0], before[1])
    seen = bpf["tasks"][7]
    assert (seen.pid, seen.parent) == (os.getpid(), os.getppid())
    assert seen.grandparent == parent_of(os.getppid())
    assert seen.cpus == len(os.sched_getaffinity(0))
    comm = Path("/proc/self/comm").read_bytes().strip()
    assert (seen.comm, seen.name) == (comm, comm)
    assert (seen.reset_on_fork, seen.plain) == (1, 1)
    # In ticks, since boot.
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert abs(seen.start * os.sysconf("SC_CLK_TCK") // 10 ** 9 - started) <= 100 * os.sysconf("SC_CLK_TCK")


def test_variables(load):
    """Constants are set before the program is loaded; variables of all sections are read and written."""
    bpf = load("""
        const volatile int target = 0;
        const volatile char label[8] = "none";
        int calls, limit = 3;
        u64 last SEC(".data.own");
        SEC("raw_tp/sys_enter")
        int BPF_PROG(count, struct pt_regs *regs, long id)
        {
            if (bpf_get_current_pid_tgid() >> 32 != target || calls >= limit)
                return 0;
            calls++;
            last = id + label[0];
            return 0;
        }""", constants={"target": 1, "label": b"A"}, attach=False)
    function = bpf.load_func("count", BPF.RAW_TRACEPOINT)
    assert (bpf.globals.target, bpf.globals.limit, bpf.globals.calls) == (1, 3, 0)
    run_raw_tracepoint(function, 0, 100)
    assert bpf.globals.calls == 0
    with pytest.raises(ebcc.StateError, match="const"):
        bpf.globals.target = 2
    bpf.close()
    bpf = load("""
        int calls, limit = 3;
        u64 last SEC(".data.own");
        SEC("raw_tp/sys_enter")
        int BPF_PROG(count, struct pt_regs *regs, long id)
        {
            if (calls >= limit)
                return 0;
            calls++;
            last = id;
            return 0;
        }""", attach=False)
    function = bpf.load_func("count", BPF.RAW_TRACEPOINT)
    for number in (100, 200, 300, 400):
        run_raw_tracepoint(function, 0, number)
    assert (bpf.globals.calls, bpf.globals.last) == (3, 300)
    bpf.globals.limit = 4
    run_raw_tracepoint(function, 0, 500)
    assert (bpf.globals.calls, bpf.globals.last) == (4, 500)


def test_arguments_of_raw_tracepoints(load):
    """BPF_PROG() gives the arguments in their types, narrow ones too; what they point to is read safely."""
    bpf = load("""
        s64 number;
        u8 low;
        u64 truth;
        u32 pid;
        SEC("raw_tp/no_such_event")
        int BPF_PROG(typed, s32 first, u8 second, bool third, struct task_struct *task)
        {
            number = first;
            low = second;
            truth = third;
            pid = task ? task->tgid : 1;
            return 5;
        }""", attach=False)
    function = bpf.load_func("typed", BPF.RAW_TRACEPOINT)
    assert run_raw_tracepoint(function, 2 ** 32 - 9, 0x1234, 3, 0) == 5
    assert (bpf.globals.number, bpf.globals.low, bpf.globals.truth, bpf.globals.pid) == (-9, 0x34, 1, 1)


def test_attaches_to_raw_tracepoints_by_section(load):
    bpf = load("""
        long long id;
        SEC("raw_tracepoint/sys_enter")
        int BPF_PROG(enter, struct pt_regs *regs, long number)
        {
            if (bpf_get_current_pid_tgid() >> 32 == OWN_PID && PT_REGS_PARM1_CORE_SYSCALL(regs) == 1073741901)
                id = number;
            return 0;
        }""")
    getpgid(NUMBER)
    assert bpf.globals.id == {"x86_64": 121, "aarch64": 155}[platform.machine()]


@pytest.mark.parametrize("subprogram", ["static __noinline", "__noinline", "static", "", "__weak"])
def test_functions(load, subprogram):
    """Functions without a section are not programs, whether they are inlined or not."""
    bpf = load("""
        u64 result;
        SUBPROGRAM int square(int n) { return n * n; }
        SEC("raw_tp") int outer(u64 *ctx) { result = square(ctx[0]) + square(ctx[1]); return 0; }
        """.replace("SUBPROGRAM", subprogram))
    assert [program.name for program in bpf.module.programs()] == [b"outer"]
    run_raw_tracepoint(bpf.load_func("outer", 0), 3, 5)
    assert bpf.globals.result == 34


@pytest.mark.skipif(RELEASE < (5, 17), reason="bpf_loop is of Linux 5.17")
def test_callbacks(load):
    bpf = load("""
        struct state { u64 sum; u32 until; };
        u64 sum;
        static long add(u32 index, struct state *state)
        {
            state->sum += index;
            return index == state->until;
        }
        SEC("raw_tp") int outer(u64 *ctx)
        {
            struct state state = {.until = ctx[0]};

            bpf_loop(100, add, &state, 0);
            sum = state.sum;
            return 0;
        }""")
    run_raw_tracepoint(bpf.load_func("outer", 0), 10)
    assert bpf.globals.sum == 55


@pytest.mark.skipif(RELEASE < (6, 4), reason="iterators in loops are of Linux 6.4")
def test_loops(load):
    """The functions of iterators are declared from BTF."""
    bpf = load("""
        u64 sum, rounds, each, left;
        int squares[16];
        SEC("raw_tp") int outer(u64 *ctx)
        {
            int end = ctx[0], i, *next;

            bpf_for(i, 3, end) {
                if (i == 12)
                    break;
                sum += i;
                squares[i & 15] = i * i;
            }
            left = i;
            bpf_repeat(7)
                rounds++;
            bpf_for_each(num, next, 0, 4)
                each += *next;
            return 0;
        }""")
    function = bpf.load_func("outer", 0)
    run_raw_tracepoint(function, 6)
    assert (bpf.globals.sum, bpf.globals.rounds, bpf.globals.each) == (3 + 4 + 5, 7, 6)
    assert list(bpf.globals.squares)[:7] == [0, 0, 0, 9, 16, 25, 0]
    run_raw_tracepoint(function, 100)
    assert bpf.globals.left == 12 and bpf.globals.sum == 12 + sum(range(3, 12))


@pytest.mark.skipif(RELEASE < (6, 2), reason="bpf_rdonly_cast is of Linux 6.2")
def test_kernel_functions_are_declared(load):
    """bpf_core_cast() calls a kernel function; the verifier follows the pointer."""
    bpf = load("""
        u32 tgid, parent;
        SEC("tp/syscalls/sys_enter_getpgid")
        int enter(struct trace_event_raw_sys_enter *ctx)
        {
            struct task_struct *task = bpf_core_cast(bpf_get_current_task(), struct task_struct);

            if (ctx->args[0] != 1073741901 || bpf_get_current_pid_tgid() >> 32 != OWN_PID)
                return 0;
            tgid = task->tgid;
            parent = task->real_parent->tgid;
            return 0;
        }""")
    getpgid(NUMBER)
    assert (bpf.globals.tgid, bpf.globals.parent) == (os.getpid(), os.getppid())


def test_a_declared_kernel_function_stays(load):
    """A declaration of the source is not repeated, whatever it looks like."""
    bpf = load("""
        extern void bpf_rcu_read_lock(void) __weak __ksym;
        int known;
        SEC("raw_tp") int outer(u64 *ctx) { known = bpf_ksym_exists(bpf_rcu_read_lock); return 0; }""")
    run_raw_tracepoint(bpf.load_func("outer", 0), 0)
    assert bpf.globals.known == (RELEASE >= (6, 2))


def test_kernel_symbols_and_configuration(load):
    """Names that the dialect would define itself are the source's own if it declares them."""
    bpf = load("""
        extern const int bpf_prog_active __ksym;
        extern unsigned LINUX_KERNEL_VERSION __kconfig;
        extern int CONFIG_NO_SUCH_OPTION __kconfig __weak;
        extern int CONFIG_HZ __kconfig;
        extern bool CONFIG_BPF_SYSCALL __kconfig __weak;
        static volatile u64 HZ SEC(".data.own") = 7;
        u32 version, option = 1, frequency, syscalls, own;
        SEC("raw_tp") int outer(u64 *ctx)
        {
            version = LINUX_KERNEL_VERSION;
            option = CONFIG_NO_SUCH_OPTION;
            frequency = CONFIG_HZ;
            syscalls = CONFIG_BPF_SYSCALL;
            own = HZ;
            return version >= KERNEL_VERSION(5, 10, 0);
        }""")
    assert run_raw_tracepoint(bpf.load_func("outer", 0), 0) == 1
    assert (bpf.globals.version >> 16, bpf.globals.version >> 8 & 255) == RELEASE
    assert (bpf.globals.option, bpf.globals.syscalls, bpf.globals.own) == (0, 1, 7)
    assert bpf.globals.frequency in (100, 250, 300, 1000)


def test_maps_in_maps(load):
    bpf = load("""
        struct inner {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(max_entries, 2);
            __type(key, u32);
            __type(value, u64);
        } first SEC(".maps"), second SEC(".maps");
        struct {
            __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
            __uint(max_entries, 2);
            __type(key, u32);
            __array(values, struct inner);
        } outer SEC(".maps") = {.values = {&first, &second}};
        SEC("raw_tp") int put(u64 *ctx)
        {
            u32 which = ctx[0], one = 1;
            void *inner = bpf_map_lookup_elem(&outer, &which);
            u64 *value = inner ? bpf_map_lookup_elem(inner, &one) : 0;

            if (value)
                *value = ctx[1];
            return value != 0;
        }""")
    function = bpf.load_func("put", 0)
    assert (run_raw_tracepoint(function, 0, 11), run_raw_tracepoint(function, 1, 22), run_raw_tracepoint(function, 2, 0)) == (1, 1, 0)
    assert (bpf["first"][1].value, bpf["second"][1].value) == (11, 22)


def test_programs_in_a_map(load):
    """The addresses of programs in a map's definition leave them programs; but it can't fill the map."""
    text = """
        int reached;
        SEC("raw_tp") int target(void *ctx) { reached = 5; return 0; }
        struct {
            __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
            __uint(max_entries, 2);
            __uint(key_size, sizeof(u32));
            __array(values, int(void *));
        } programs SEC(".maps") VALUES;
        SEC("raw_tp") int caller(void *ctx) { bpf_tail_call_static(ctx, &programs, 1); return 1; }"""
    with pytest.raises(ebcc.UnsupportedError, match="can't be filled by its definition"):
        load(text.replace("VALUES", "= {.values = {[1] = (void *)&target}}"))
    bpf = load(text.replace("VALUES", ""))
    bpf["programs"][1] = ct.c_int(bpf.load_func("target", 0).fd)
    run_raw_tracepoint(bpf.load_func("caller", 0), 0)
    assert bpf.globals.reached == 5


def test_uncalled_functions_stay_programs(load):
    """As in any other source: one function with a section changes nothing for those that nobody calls."""
    bpf = load("""
        __attribute__((noinline)) int on_event(void *ctx) { return 0; }
        SEC("xdp") int packets(struct xdp_md *ctx) { return XDP_PASS; }""")
    assert sorted(program.name for program in bpf.module.programs()) == [b"on_event", b"packets"]


def test_signed_bounds_in_the_second_pipeline(load):
    """A load through a pointer in a function of its own is only possible there."""
    bpf = load("""
        u32 hits[32], negative, tgid;
        struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, int); } number SEC(".maps");
        static __noinline int group(struct task_struct *task) { return task->tgid; }
        SEC("raw_tp") int f(u64 *ctx)
        {
            u32 key = 0;
            int *value = bpf_map_lookup_elem(&number, &key), n;

            tgid = group((struct task_struct *)bpf_get_current_task());
            if (!value)
                return 0;
            n = *value;
            if (n > 20)
                return 0;
            if (n >= 0)
                hits[n]++;
            else
                negative++;
            return 0;
        }""")
    function = bpf.load_func("f", 0)
    for number in (0, 5, 20, 21, -1, -2 ** 31, 2 ** 31 - 1):
        bpf["number"][0] = ct.c_int(number)
        run_raw_tracepoint(function, 0)
    assert {n: count for n, count in enumerate(bpf.globals.hits) if count} == {0: 1, 5: 1, 20: 1}
    assert (bpf.globals.negative, bpf.globals.tgid) == (2, os.getpid())


SIZES = """
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u64); } unsized SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __type(key, u32); } stacks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 5); __type(key, u32); __type(value, u32); } five SEC(".maps");
SEC("raw_tp") int f(u64 *ctx)
{
    u32 key = 0;

    bpf_map_lookup_elem(&unsized, &key);
    bpf_ringbuf_output(&ring, &key, sizeof(key), 0);
    bpf_map_lookup_elem(&five, &key);
    return bpf_get_stackid(ctx, &stacks, 0) < 0;
}
"""


def test_sizes_of_maps(load):
    """What a source leaves to the program that loads it has a default, and can be given."""
    bpf = load(SIZES)
    assert (bpf["unsized"].max_entries, bpf["ring"].max_entries, bpf["five"].max_entries) == (10240, 256 << 10, 5)
    frames = int(Path("/proc/sys/kernel/perf_event_max_stack").read_text())
    assert bpf["stacks"].leaf_size == 8 * frames
    bpf.load_func("f", 0)
    bpf = load(SIZES, max_entries={"unsized": 77, "five": 6, b"ring": 8192})
    assert (bpf["unsized"].max_entries, bpf["ring"].max_entries, bpf["five"].max_entries) == (77, 8192, 6)
    with pytest.raises(ebcc.NotFoundError, match="no table 'unsizd'; did you mean unsized"):
        load(SIZES, max_entries={"unsizd": 1})
    with pytest.raises(ebcc.InvalidArgumentError, match="can't have 0 entries"):
        load(SIZES, max_entries={"unsized": 0})


@pytest.fixture
def bpf_folder():
    """The BPF file system in which libbpf pins, mounted for this test if it isn't."""
    folder = Path("/sys/fs/bpf")
    mounted = os.path.ismount(folder)
    if not mounted:
        subprocess.run(["mount", "-t", "bpf", "none", folder], check=True)
    yield folder
    if not mounted:
        subprocess.run(["umount", folder], check=True)


def test_pinned_by_name(load, bpf_folder):
    """Maps that ask for it are pinned in the BPF file system, and found there by the next program."""
    name = "ebcc_test_%d" % os.getpid()
    text = """
        struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64);
                 __uint(pinning, LIBBPF_PIN_BY_NAME); } PINNED SEC(".maps");
        SEC("raw_tp") int f(u64 *ctx) { u32 key = 0; return !bpf_map_lookup_elem(&PINNED, &key); }""".replace("PINNED", name)
    try:
        first = load(text)
        first[name][0] = ct.c_uint64(5)
        first.close()
        assert load(text)[name][0].value == 5
    finally:
        (bpf_folder / name).unlink()


EVENTS = """
struct first { u32 a; u64 b; };
struct second { char text[8]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps"), mixed SEC(".maps"), raw SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
SEC("raw_tp") int send(u64 *ctx)
{
    struct first *first = bpf_ringbuf_reserve(&ring, sizeof(*first), 0);
    struct second second = {.text = "second"};
    void *unknown = bpf_ringbuf_reserve(&raw, 16, 0);

    if (first) {
        first->a = 5;
        first->b = 6;
        bpf_ringbuf_output(&mixed, first, sizeof(*first), 0);
        bpf_ringbuf_submit(first, 0);
    }
    bpf_ringbuf_output(&mixed, &second, sizeof(second), 0);
    bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &second, sizeof(second));
    if (unknown)
        bpf_ringbuf_discard(unknown, 0);
    return 0;
}
"""


def test_types_of_events(load):
    """They are those of the variables that are sent; unless events of several types go to one buffer."""
    bpf = load(EVENTS)
    seen = []
    bpf["ring"].open_ring_buffer(lambda ctx, data, size: seen.append(bpf["ring"].event(data)))
    bpf["perf"].open_perf_buffer(lambda cpu, data, size: seen.append(bpf["perf"].event(data)))
    run_raw_tracepoint(bpf.load_func("send", 0), 0)
    bpf.ring_buffer_consume()
    bpf.perf_buffer_poll(5000)
    assert ((seen[0].a, seen[0].b), seen[1].text) == ((5, 6), b"second")
    for name in ("mixed", "raw"):
        with pytest.raises(ebcc.NotFoundError, match="nothing of a known type"):
            bpf[name].event(ct.c_char_p(b""))


def test_text(load):
    bpf = load("""
        char text[32], plain[16];
        long size;
        SEC("raw_tp") int f(u64 *ctx)
        {
            size = BPF_SNPRINTF(text, sizeof(text), "%d of %s", 5, "main");
            BPF_SNPRINTF(plain, sizeof(plain), "none");
            return 0;
        }""")
    run_raw_tracepoint(bpf.load_func("f", 0), 0)
    assert (bytes(bpf.globals.text).rstrip(b"\0"), bpf.globals.size) == (b"5 of main", 10)
    assert bytes(bpf.globals.plain).rstrip(b"\0") == b"none"


def test_both_dialects(load):
    """One source may use both."""
    bpf = load("""
        BPF_HASH(by_number, u32, u64);
        struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } total SEC(".maps");
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
        {
            u32 number = args->pid;

            if (bpf_get_current_pid_tgid() >> 32 == OWN_PID && number == 1073741901)
                by_number.increment(number);
            return 0;
        }
        SEC("tp/syscalls/sys_exit_getpgid")
        int leave(struct trace_event_raw_sys_exit *ctx)
        {
            u32 key = 0;
            u64 *value = bpf_map_lookup_elem(&total, &key);

            if (value && bpf_get_current_pid_tgid() >> 32 == OWN_PID && ctx->ret == -3)
                __sync_fetch_and_add(value, 1);
            return 0;
        }""")
    getpgid(NUMBER, NUMBER)
    assert bpf["by_number"][ct.c_uint32(NUMBER)].value == 2
    assert bpf["total"][0].value == 2


SEVERAL = """
u64 first_calls, second_calls, optional_calls;
#define COUNT(name) if (ctx->args[0] == 1073741901 && bpf_get_current_pid_tgid() >> 32 == OWN_PID) name++; return 0
SEC("tp/syscalls/sys_enter_getpgid") int first(struct trace_event_raw_sys_enter *ctx) { COUNT(first_calls); }
SEC("tracepoint/syscalls/sys_enter_getpgid") int second(struct trace_event_raw_sys_enter *ctx) { COUNT(second_calls); }
SEC("?tp/syscalls/sys_enter_getpgid") int optional(struct trace_event_raw_sys_enter *ctx) { COUNT(optional_calls); }
"""


@pytest.mark.parametrize("options, counts", [
    ({}, (1, 1, 0)), ({"attach": False}, (0, 0, 0)), ({"attach": ["second"]}, (0, 1, 0)), ({"attach": []}, (0, 0, 0)),
    ({"attach": ["first", "optional"]}, (1, 0, 1)),
], ids=["all", "none", "one", "empty", "optional"])
def test_choice_of_programs(load, options, counts):
    bpf = load(SEVERAL, **options)
    getpgid(NUMBER)
    assert (bpf.globals.first_calls, bpf.globals.second_calls, bpf.globals.optional_calls) == counts


def test_optional_program_by_a_call(load):
    bpf = load(SEVERAL, attach=False)
    bpf.attach_tracepoint("syscalls:sys_enter_getpgid", fn_name="optional")
    getpgid(NUMBER)
    assert bpf.globals.optional_calls == 1


def test_choice_of_an_unknown_program(load):
    with pytest.raises(ebcc.NotFoundError, match="no program 'frist'; did you mean first"):
        load(SEVERAL, attach=["frist"])


def test_saved_object(load, tmp_path):
    """An object is attached by its sections, too."""
    load(SEVERAL, attach=False).save(tmp_path / "several.o")
    with BPF(object=tmp_path / "several.o") as bpf:
        getpgid(NUMBER)
        assert (bpf.globals.first_calls, bpf.globals.second_calls, bpf.globals.optional_calls) == (1, 1, 0)


def test_file_with_all_types_beside_the_source(tmp_path):
    """A vmlinux.h that bpftool wrote for some kernel is not read."""
    (tmp_path / "vmlinux.h").write_text("#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\nstruct task_struct { int tgid; };\n#endif\n")
    (tmp_path / "a.bpf.c").write_text(LINUX_HEADERS + """
        int pid;
        SEC("tp/syscalls/sys_enter_getpgid")
        int enter(struct trace_event_raw_sys_enter *ctx)
        {
            struct task_struct *task = (void *)bpf_get_current_task();

            if (ctx->args[0] == 1073741901)
                pid = BPF_CORE_READ(task, group_leader, tgid);
            return 0;
        }""")
    with BPF(src_file=tmp_path / "a.bpf.c") as bpf:
        getpgid(NUMBER)
        assert bpf.globals.pid == os.getpid()


def test_quotients_as_indexes(load):
    """After a division of 32 bits, verifiers take the upper half of the register for unknown."""
    bpf = load("""
        u32 slots[26];
        SEC("raw_tp") int f(u64 *ctx)
        {
            u32 value = ctx[0];
            u64 slot = value / 200;

            if (slot >= 26)
                slot = 25;
            __sync_fetch_and_add(&slots[slot], 1);
            return 0;
        }""")
    function = bpf.load_func("f", 0)
    for value in (0, 199, 200, 5199, 5200, 2 ** 32 - 1, 2 ** 32 + 400):
        run_raw_tracepoint(function, value)
    assert {n: count for n, count in enumerate(bpf.globals.slots) if count} == {0: 2, 1: 1, 2: 1, 25: 3}


@pytest.mark.parametrize("section, reason", [
    ("tp/syscalls", 'the section "tp/syscalls" does not say what to attach to: it must be "tp/CATEGORY/EVENT"'),
    ("tp/syscalls/sys_enter_getpgdi", "no tracepoint syscalls:sys_enter_getpgdi"),
    ("uprobe//bin/no_such_file:main", "no_such_file"),
])
def test_mistakes_in_sections(load, section, reason):
    with pytest.raises(ebcc.Error) as caught:
        load('SEC("%s") int handle(void *ctx) { return 0; }' % section)
    assert "program handle: " in str(caught.value) and reason in str(caught.value)


@pytest.mark.parametrize("section", ["xdp", "tc", "socket", "cgroup/dev", "perf_event", "kprobe", "sk_lookup"])
def test_sections_without_a_target(load, section):
    """Such programs are attached by calls; the section says their type."""
    bpf = load('SEC("%s") int handle(void *ctx) { return 1; }' % section)
    assert bpf.load_func("handle", 0).fd > 0
