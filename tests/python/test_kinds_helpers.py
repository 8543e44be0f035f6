# SPDX-License-Identifier: Apache-2.0
"""The kernel's helpers, called by name, and the dialect's own functions: the values that they give."""

import ctypes as ct
import os
import platform
import re
import subprocess
import time

import pytest

import ebcc
from ebcc import BPF
from ebcc.utils import get_online_cpus
from conftest import getpgid, wait_until
from kernel_calls import run, run_raw_tracepoint


def result_of(load, body, before="", **options):
    """What a packet program with this body returns."""
    bpf = load(before + "\nint prog(struct __sk_buff *skb) {" + body + "}", **options)
    return run(bpf.load_func("prog", BPF.SCHED_CLS))[0]


# The header from which the build took the helpers.
HELPERS = "/usr/include/bpf/bpf_helper_defs.h"


def helper_names():
    with open(HELPERS, encoding="ascii") as header:
        return re.findall(r"\(\s*\*\s*(?:const\s+)?(bpf_\w+)\s*\)\s*\(", header.read())


def test_every_helper_is_known(load):
    names = helper_names()
    assert len(names) > 200
    body = "\n".join("helpers[%d] = (void *)%s;" % (i, name) for i, name in enumerate(names))
    # The address of a helper is a number in a program. Nothing calls the function that takes them, so none is loaded.
    bpf = load("""
        static inline int all(void) { void *helpers[%d]; %s return helpers[0] != 0; }
        int prog(struct __sk_buff *skb) { return sizeof(all()); }""" % (len(names), body))
    assert run(bpf.load_func("prog", BPF.SCHED_CLS))[0] == 4


def test_simple_helpers_return_their_values(load):
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    bpf = load("""
        BPF_ARRAY(values, u64, 16);
        static void keep(int index, u64 value) { values.update(&index, &value); }
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            char comm[16] = {}; u64 *text = (void *)comm;
            FILTER
            keep(0, bpf_get_current_pid_tgid());
            keep(1, bpf_get_current_uid_gid());
            bpf_get_current_comm(comm, sizeof(comm));
            keep(2, *text);
            keep(3, bpf_ktime_get_boot_ns());
            keep(4, bpf_ktime_get_ns());
            keep(5, bpf_get_smp_processor_id());
            keep(6, bpf_get_numa_node_id());
            keep(7, bpf_jiffies64());
            keep(8, bpf_get_prandom_u32() != bpf_get_prandom_u32());
            keep(9, bpf_get_current_task() != 0);
            keep(10, bpf_strncmp("abc", 3, "abd") < 0);
            return 0;
        }""")
    getpgid(4000000)
    values = [leaf.value for leaf in bpf["values"].values()]
    assert values[0] == os.getpid() << 32 | os.getpid()
    assert values[1] == os.getgid() << 32 | os.getuid()
    with open("/proc/self/comm", "rb") as comm:
        assert values[2].to_bytes(8, "little").rstrip(b"\0") == comm.read().strip()[:8]
    assert before <= values[3] <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert values[4] <= BPF.monotonic_time()
    assert values[5] in get_online_cpus() and values[6] == 0 and values[7] > 1 << 30
    assert values[8:11] == [1, 1, 1]


def test_bpf_loop_calls_a_function(load):
    assert result_of(load, """
        struct sum sum = {0, 3};
        int looped = bpf_loop(10, add, &sum, 0);
        return looped * 1000 + sum.total;""", """
        struct sum { u32 total, step; };
        static long add(u32 index, struct sum *sum) {
            sum->total += index * sum->step;
            return 0;
        }""") == 10 * 1000 + 45 * 3


def test_for_each_map_elem_visits_every_element(load):
    bpf = load("""
        BPF_HASH(table, u32, u64);
        struct total { u64 keys, leaves; };
        static long visit(void *map, u32 *key, u64 *leaf, struct total *total) {
            total->keys += *key;
            total->leaves += *leaf;
            return 0;
        }
        int prog(struct __sk_buff *skb) {
            struct total total = {};
            bpf_for_each_map_elem(&table, visit, &total, 0);
            return total.keys * 1000 + total.leaves;
        }""")
    for i in range(5):
        bpf["table"][i] = i * i
    assert run(bpf.load_func("prog", BPF.SCHED_CLS))[0] == 10 * 1000 + 30


def test_tables_are_arguments_of_helpers(load):
    """A table's address is an argument of a helper."""
    bpf = load("""
        BPF_HASH(table, u32, u64);
        BPF_QUEUE(queue, u32, 4);
        int prog(struct __sk_buff *skb) {
            u32 key = 3, out = 0; u64 value = 9, *found;
            bpf_map_update_elem(&table, &key, &value, BPF_ANY);
            found = bpf_map_lookup_elem(&table, &key);
            bpf_map_push_elem(&queue, &key, 0);
            bpf_map_peek_elem(&queue, &out);
            return found ? *found * 10 + out : -1;
        }""")
    assert run(bpf.load_func("prog", BPF.SCHED_CLS))[0] == 93


def test_a_timer_calls_its_function(load):
    """A timer's callback stays a function of its own."""
    bpf = load("""
        struct element { u64 count; struct bpf_timer timer; };
        BPF_ARRAY(elements, struct element, 2);
        BPF_ARRAY(counts, u64, 2);
        static int expired(void *map, int *key, struct element *element) {
            int index = *key;
            u64 value = element->count + 100;
            counts.update(&index, &value);
            return 0;
        }
        int prog(struct __sk_buff *skb) {
            int one = 1;
            struct element *element = elements.lookup(&one);
            if (!element)
                return -1;
            element->count = 5;
            if (bpf_timer_init(&element->timer, &elements, 1))
                return -2;
            bpf_timer_set_callback(&element->timer, expired);
            return bpf_timer_start(&element->timer, 1000000, 0);
        }""")
    assert run(bpf.load_func("prog", BPF.SCHED_CLS))[0] == 0
    wait_until(lambda: bpf["counts"][1].value)
    assert [leaf.value for leaf in bpf["counts"].values()] == [0, 105]


def test_a_spin_lock_guards_a_leaf(load):
    bpf = load("""
        struct guarded { struct bpf_spin_lock lock; u32 value; };
        BPF_ARRAY(guarded, struct guarded, 1);
        int prog(struct __sk_buff *skb) {
            int zero = 0;
            struct guarded *at = guarded.lookup(&zero);
            u32 value;
            if (!at)
                return -1;
            bpf_spin_lock(&at->lock);
            value = ++at->value;
            bpf_spin_unlock(&at->lock);
            return value;
        }""")
    prog = bpf.load_func("prog", BPF.SCHED_CLS)
    assert [run(prog)[0] for _ in range(3)] == [1, 2, 3]


# Reading memory.

def test_probe_read_helpers(load):
    text = ct.create_string_buffer(b"user memory\0beyond", 32)
    bpf = load("""
        struct out { char text[32]; };
        BPF_ARRAY(texts, struct out, 8);
        BPF_ARRAY(results, s64, 8);
        static void keep(int index, struct out *out, s64 result) {
            texts.update(&index, out);
            results.update(&index, &result);
        }
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            const void *user = (const void *)ADDRESS;
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            struct out out;
            FILTER
            #define TRY(index, call) \\
                __builtin_memset(&out, 0, sizeof(out)); keep(index, &out, call); \\
                texts.update(&(int){index}, &out)
            TRY(0, bpf_probe_read_user(out.text, 18, user));
            TRY(1, bpf_probe_read_user_str(out.text, sizeof(out.text), user));
            TRY(2, bpf_probe_read_user_str(out.text, 5, user));
            TRY(3, bpf_probe_read_kernel(out.text, 16, task->comm));
            TRY(4, bpf_probe_read_kernel_str(out.text, sizeof(out.text), task->comm));
            TRY(5, bpf_probe_read(out.text, 16, task->comm));
            TRY(6, bpf_probe_read_str(out.text, sizeof(out.text), task->comm));
            TRY(7, bpf_probe_read_user(out.text, 8, 0));
            return 0;
        }""".replace("ADDRESS", str(ct.addressof(text))))
    getpgid(4000000)
    with open("/proc/self/comm", "rb") as file:
        comm = file.read().strip()
    texts = [bytes(leaf.text) for leaf in bpf["texts"].values()]
    results = [leaf.value for leaf in bpf["results"].values()]
    assert results == [0, 12, 5, 0, len(comm) + 1, 0, len(comm) + 1, -14]
    assert texts[0] == b"user memory"  # up to the NUL, as ctypes shows an array of char
    assert texts[1:7] == [b"user memory", b"user", comm, comm, comm, comm]


def test_dynamic_field_of_a_tracepoint(load):
    """The file name of sched_process_exec is a __data_loc field."""
    bpf = load("""
        struct names { char read[64], constant[64], string[64]; u32 pid; };
        BPF_HASH(names, u32, struct names);
        TRACEPOINT_PROBE(sched, sched_process_exec) {
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            struct names names_of = {};
            u32 pid = args->pid;
            if (task->real_parent->tgid != OWN_PID)
                return 0;
            TP_DATA_LOC_READ_CONST(names_of.constant, filename, 10);
            TP_DATA_LOC_READ_STR(names_of.string, filename, sizeof(names_of.string));
            names_of.pid = args->old_pid;
            names.update(&pid, &names_of);
            return 0;
        }""")
    child = subprocess.Popen(["/usr/bin/env", "true"])
    child.wait()
    names = bpf["names"][child.pid]
    assert names.pid == child.pid
    # env executes true in its own process, so true is the last name seen there.
    assert names.string.endswith(b"/true")
    assert names.constant == names.string[:10]


def test_dynamic_field_read_without_a_size(load):
    bpf = load("""
        struct name { char text[256]; };
        BPF_ARRAY(name, struct name, 1);
        TRACEPOINT_PROBE(sched, sched_process_exec) {
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            int zero = 0;
            struct name *at = name.lookup(&zero);
            if (!at || task->real_parent->tgid != OWN_PID)
                return 0;
            TP_DATA_LOC_READ(at->text, filename);
            return 0;
        }""")
    subprocess.run(["/usr/bin/env"], check=True, stdout=subprocess.DEVNULL)
    assert bpf["name"][0].text == b"/usr/bin/env"


# The trace pipe.

def printed(bpf, count):
    """The lines that the program prints during one getpgid(), without their headers. If another reader of the pipe
    takes some of them, they are printed again."""
    lines = []

    def look():
        lines.clear()
        getpgid(4000000)
        deadline = time.monotonic() + 2
        while len(lines) < count and time.monotonic() < deadline:
            line = bpf.trace_readline(nonblocking=True)
            if b"ebcc<" in line and b"-%d " % os.getpid() in line:
                lines.append(line.decode().split("ebcc<", 1)[1])
        return len(lines) >= count

    wait_until(look)
    return lines


def test_printed_lines(load):
    bpf = load("""
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            char text[] = "a string", format[] = "ebcc<array %d>\\n";
            u8 small = 200; s8 negative = -3; u16 half = 65535;
            FILTER
            bpf_trace_printk("ebcc<nothing>\\n");
            bpf_trace_printk("ebcc<%d %u %x>\\n", -5, 4000000000U, 255);
            bpf_trace_printk("ebcc<%lld %llu %llx>\\n", -5LL, ~0ULL, 1ULL << 63);
            bpf_trace_printk("ebcc<%s|%d|%d>\\n", text, small, negative);
            bpf_trace_printk("ebcc<%d %d %d %d>\\n", 1, 2, 3, 4);
            bpf_trace_printk("ebcc<%d %d %d %d %d %d %d %d %d %d %d %d>\\n",
                             1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, half);
            bpf_trace_printk("ebcc<%s %5d %-5d| 100%% %c %ld>\\n", text, 42, 42, 'x', -7L);
            bpf_trace_printk("ebcc<sized %d>\\n", sizeof("ebcc<sized %d>\\n"), 6);
            bpf_trace_printk(format, sizeof(format), 7);
            bpf_trace_printk("ebcc<no newline>");
            bpf_trace_printk("ebcc<%p4>\\n", 0);
            return 0;
        }""".replace('            bpf_trace_printk("ebcc<%p4>\\n", 0);\n', ""))
    assert printed(bpf, 10) == [
        "nothing>", "-5 4000000000 ff>", "-5 18446744073709551615 8000000000000000>",
        "a string|200|-3>", "1 2 3 4>", "1 2 3 4 5 6 7 8 9 10 11 65535>",
        "a string    42 42   | 100% x -7>", "sized 6>", "array 7>", "no newline>"]


def test_too_many_values_to_print_are_an_error(load):
    with pytest.raises(ebcc.CompileError, match="at most 12 values"):
        load("int prog(struct __sk_buff *skb) { bpf_trace_printk(\"%d\", " +
             ", ".join("1" * 13) + "); return 0; }")


# The dialect's own functions.

def test_histogram_slots(load):
    values = [0, 1, 2, 3, 4, 7, 8, 1023, 1024, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 63]
    bpf = load("""
        BPF_ARRAY(input, u64, 16); BPF_ARRAY(wide, u64, 16); BPF_ARRAY(narrow, u64, 16);
        int prog(struct __sk_buff *skb) {
            for (int i = 0; i < 16; i++) {
                int key = i;
                u64 *value = input.lookup(&key), slot;
                if (!value)
                    return 1;
                slot = bpf_log2l(*value);
                wide.update(&key, &slot);
                slot = bpf_log2(*value);
                narrow.update(&key, &slot);
            }
            return 0;
        }""")
    for i, value in enumerate(values):
        bpf["input"][i] = value
    assert run(bpf.load_func("prog", BPF.SCHED_CLS))[0] == 0
    wide = [leaf.value for leaf in bpf["wide"].values()][:len(values)]
    narrow = [leaf.value for leaf in bpf["narrow"].values()][:len(values)]
    assert wide == [max(value.bit_length(), 1) for value in values]
    assert narrow == [max((value & 0xffffffff).bit_length() - 1, 0) for value in values]


def test_version_of_the_kernel(load):
    major, minor, patch = (int(part) for part in re.match(
        r"(\d+)\.(\d+)\.(\d+)", platform.release()).groups())
    code = (major << 16) + (minor << 8) + min(patch, 255)
    assert result_of(load, "return LINUX_VERSION_CODE;", "#include <linux/version.h>") == code
    assert result_of(load, """
        #if LINUX_VERSION_CODE >= KERNEL_VERSION(%d, %d, 0)
            return 1;
        #else
            return 2;
        #endif
        """ % (major, minor), "#include <linux/version.h>") == 1


def test_version_from_the_environment(python, tmp_path):
    script = """
        import sys
        sys.path.insert(0, %r)
        from ebcc import BPF
        from kernel_calls import run, run_raw_tracepoint
        with BPF(text="int prog(struct __sk_buff *skb) { return LINUX_VERSION_CODE; }") as bpf:
            print(hex(run(bpf.load_func("prog", BPF.SCHED_CLS))[0]))
        """ % os.path.dirname(os.path.abspath(__file__))
    done = python(script, env=dict(os.environ, BCC_LINUX_VERSION_CODE=str(0x050403)))
    assert done.stdout.strip() == "0x50403", done.stderr


def test_byte_order_and_atomics(load):
    assert result_of(load, """
        u64 counter = 5; u32 small = 1;
        lock_xadd(&counter, 37);
        __sync_fetch_and_add(&small, 2);
        return counter * 100 + small;""") == 4203
    assert result_of(load, "return bpf_htons(0x1234) == 0x3412 && htonl(1) == 0x1000000 && "
                           "ntohs(0x3412) == 0x1234 && bpf_ntohl(0x78563412) == 0x12345678 && "
                           "bpf_cpu_to_be64(1ULL) == 1ULL << 56;") == 1


def test_subprograms(load):
    """A static function that is not inlined, and a non-static one that is called."""
    bpf = load("""
        static __attribute__((noinline)) int square(int n) { return n * n; }
        int twice(int n) { return 2 * n; }
        int prog(struct __sk_buff *skb) { return square(skb->len) + twice(3); }""")
    assert run(bpf.load_func("prog", BPF.SCHED_CLS))[0] == 64 * 64 + 6


RELOCATED = """
    #include <linux/sched.h>
    struct absent_t { int a; int b; } __attribute__((preserve_access_index));
    enum absent_e { ABSENT_VALUE = 3 };
"""


@pytest.mark.parametrize(("expression", "value"), [
    ("__builtin_preserve_field_info(((struct task_struct *)0)->tgid, 2)", 1),
    ("__builtin_preserve_field_info(((struct task_struct *)0)->tgid, 1)", 4),
    ("__builtin_preserve_field_info(((struct task_struct *)0)->se.sum_exec_runtime, 0)"
     " == offsetof(struct task_struct, se.sum_exec_runtime)", 1),
    ("__builtin_preserve_field_info(((struct absent_t *)0)->b, 2)", 0),
    ("__builtin_preserve_type_info(*(struct task_struct *)0, 0)", 1),
    ("__builtin_preserve_type_info(*(struct absent_t *)0, 0)", 0),
    ("__builtin_preserve_enum_value(*(enum absent_e *)ABSENT_VALUE, 0)", 0),
])
def test_core_queries_are_answered(load, expression, value):
    """The builtins behind bpf_core_field_exists() and similar macros are answered when the program is loaded."""
    assert result_of(load, "return %s;" % expression, RELOCATED) == value


# What kernel headers define and BTF lacks. Definitions of user-space headers are in tests/unit/types/test_ktypes.c.
KERNEL_HEADERS = [
    ("SOL_TCP", 6), ("SEND_SHUTDOWN", 2), ("CHECKSUM_PARTIAL", 3), ("VLAN_VID_MASK", 0xfff), ("INET6_ADDRSTRLEN", 48),
    ("EPOLLIN | EPOLLRDHUP", 0x2001), ("TIOCSTI", 0x5412), ("SIGNAL_GROUP_EXIT", 4), ("TCP_RTO_MIN * 5", "HZ"),
    ("MAX_ARG_STRLEN", "32 * PAGE_SIZE"), ("AUDIT_ARCH_X86_64", 0xc000003e),
    ("new_encode_dev(MKDEV(8, 300))", os.makedev(8, 300)), ("new_decode_dev(%d)" % os.makedev(8, 300), "MKDEV(8, 300)"),
    ("hweight64(number)", 32), ("ffs(8)", 4), ("ffs(0)", 0), ("__ffs(number)", 4), ("roundup_pow_of_two(100)", 128),
    ("roundup_pow_of_two(128)", 128), ("nsecs_to_jiffies(number)", "number / (1000000000 / HZ)"),
    ("uid_eq(((struct task_struct *)bpf_get_current_task())->real_cred->uid, GLOBAL_ROOT_UID)", int(os.getuid() == 0)),
    ("op_is_sync(REQ_OP_READ)", 1), ("op_is_sync(REQ_OP_WRITE)", 0), ("op_is_sync(REQ_OP_WRITE | REQ_FUA)", 1),
    ("ipv6_addr_loopback(&loopback)", 1), ("ipv6_addr_v4mapped(&loopback)", 0), ("ipv6_addr_v4mapped(&mapped)", 1),
]


def test_macros_and_functions_of_kernel_headers(load):
    text = """
        #include <linux/sched.h>
        #include <net/ipv6.h>
        BPF_ARRAY(values, u64, COUNT);
        int prog(struct bpf_raw_tracepoint_args *ctx)
        {
            volatile u64 opaque = 0xffff00000ffff0;
            u64 number = opaque, value;
            struct in6_addr loopback = { .in6_u.u6_addr8 = { [15] = 1 } };
            struct in6_addr mapped = { .in6_u.u6_addr8 = { [10] = 0xff, [11] = 0xff, [15] = 1 } };
            int index = 0;
    """.replace("COUNT", str(2 * len(KERNEL_HEADERS)))
    for pair in KERNEL_HEADERS:
        for expression in pair:
            text += "value = %s; values.update(&index, &value); index++;\n" % expression
    bpf = load(text + "return 0; }")
    run_raw_tracepoint(bpf.load_func("prog", BPF.RAW_TRACEPOINT), 0)
    values = [bpf["values"][i].value for i in range(2 * len(KERNEL_HEADERS))]
    assert [(expression, seen) for (expression, _), seen in zip(KERNEL_HEADERS, values[::2])] == \
        [(expression, wanted) for (expression, _), wanted in zip(KERNEL_HEADERS, values[1::2])]


def test_core_queries_twice_in_one_process_are_refused(python):
    """LLVM would crash on the second compile, which is therefore an error."""
    done = python("""
import ebcc
TEXT = "struct a { int b; }; int f(void *ctx) { return __builtin_preserve_field_info(((struct a *)0)->b, %d); }"
ebcc.BPF(text=TEXT % 2, compiler="in-process").close()
try:
    ebcc.BPF(text=TEXT % 1, compiler="in-process")
except ebcc.CompileError as error:
    print(error)
ebcc.BPF(text=TEXT % 1).close()
ebcc.BPF(text="int f(void *ctx) { return 0; }", compiler="in-process").close()
print("still here")
""", env={**os.environ, "EBCC_CACHE": "off"})
    assert "let the helper process compile it" in done.stdout
    assert done.stdout.endswith("still here\n")
