# SPDX-License-Identifier: Apache-2.0
"""Mistakes that beginners make when they attach programs or leave out a return, and the messages that they get.
test_diagnostics.py has the mistakes that the compiler finds."""

import logging
import os

import ebcc
import pytest
from ebcc import BPF, PerfSWConfig, PerfType

PROGRAM = """static int helper(void *ctx) { return 0; }
int program(void *ctx) { return helper(ctx); }
"""
CLOCK = {"ev_type": PerfType.SOFTWARE, "ev_config": PerfSWConfig.CPU_CLOCK}


@pytest.mark.parametrize("attach", [
    lambda bpf: bpf.attach_tracepoint(tp="sched:sched_process_exec", fn_name="helper"),
    lambda bpf: bpf.attach_raw_tracepoint(tp="sched_process_exec", fn_name="helper"),
    lambda bpf: bpf.attach_uprobe(name="c", sym="puts", fn_name="helper"),
    lambda bpf: bpf.attach_kprobe(event="vfs_read", fn_name="helper"),
    lambda bpf: bpf.attach_perf_event(**CLOCK, fn_name="helper", sample_freq=99),
], ids=["tracepoint", "raw_tracepoint", "uprobe", "kprobe", "perf_event"])
def test_attaching_a_static_function_is_an_error(load, attach):
    bpf = load(PROGRAM)
    with pytest.raises(ebcc.NotFoundError, match="no program 'helper'; it is static, .*: remove 'static'"):
        attach(bpf)


def test_a_perf_event_needs_a_period_or_a_frequency(load):
    bpf = load(PROGRAM)
    with pytest.raises(ebcc.AttachError, match="neither sample_period nor sample_freq is given: .*"
                       "once every sample_period events, or sample_freq times a second"):
        bpf.attach_perf_event(**CLOCK, fn_name="program")
    with pytest.raises(ebcc.AttachError, match="both sample_period and sample_freq are given"):
        bpf.attach_perf_event(**CLOCK, fn_name="program", sample_period=1, sample_freq=1)
    assert len(bpf.perf_events) == 0


@pytest.mark.parametrize(("given", "near"), [
    ("sched:sched_process_exce", "sched:sched_process_exec"),
    ("shed:sched_process_exec", "sched:sched_process_exec"),
    ("syscalls:sys_enter_opennat", "syscalls:sys_enter_openat"),
    ("syscalls:sys_exit_execv", "syscalls:sys_exit_execve"),
])
def test_an_unknown_tracepoint_suggests_near_names(load, given, near):
    bpf = load(PROGRAM)
    with pytest.raises(ebcc.AttachError) as caught:
        bpf.attach_tracepoint(tp=given, fn_name="program")
    message, near_names = str(caught.value).split("; did you mean ")
    assert message == "no tracepoint " + given
    assert near in near_names.rstrip("?").replace(" or ", ", ").split(", ")


def test_a_tracepoint_needs_its_category(load):
    bpf = load(PROGRAM)
    with pytest.raises(ebcc.InvalidArgumentError, match="a tracepoint is CATEGORY:EVENT, not 'sched_process_exec'"):
        bpf.attach_tracepoint(tp="sched_process_exec", fn_name="program")


def test_a_missing_return_is_a_warning(load, caplog):
    """The warning has the place, and the program runs."""
    with caplog.at_level(logging.WARNING, logger="ebcc"):
        bpf = load("BPF_HASH(counts);\n"
                   "TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {\n"
                   "\tif (bpf_get_current_pid_tgid() >> 32 == OWN_PID)\n"
                   "\t\tcounts.increment(0);\n"
                   "}\n")
    (record,) = caplog.records
    assert record.getMessage().startswith("main.c:5:1: warning: non-void function does not return a value")
    os.getpgid(0)
    assert bpf["counts"][0].value == 1


def test_a_return_without_a_value_is_an_error(load):
    with pytest.raises(ebcc.CompileError, match="main.c:2:2: error: non-void function 'f' should return a value"):
        load("int f(void *ctx) {\n\treturn;\n}\n")


@pytest.mark.parametrize(("kind", "entries", "message"), [
    ("hash", 4000000000, "4000000000 entries of 4 \\+ 8 bytes\\): that is more than the kernel allows$"),
    ("array", 4000000000, "the kernel is out of memory"),
])
def test_a_table_that_is_too_large_is_an_error(kind, entries, message):
    """The message is about the table, not about how libbpf tried to describe it to the kernel."""
    with pytest.raises(ebcc.Error, match=message) as caught:
        BPF(text='BPF_TABLE("%s", int, u64, large, %d); int run(void *ctx) { return 0; }'
            % (kind, entries))["large"]
    assert "BTF" not in str(caught.value)
