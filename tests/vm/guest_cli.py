# SPDX-License-Identifier: Apache-2.0
"""The program ebcc with what only some kernels have: functions of the kernel, LSM hooks, iterators, kernel probes by
section; verdicts; a bundle that was made on another kernel."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))

from clirun import BUILD, Running, records, run, run_json  # noqa: E402
from test_cli_bundle import opened_in  # noqa: E402

OWN = os.getpid()
FILTER = f"if (bpf_get_current_pid_tgid() >> 32 != {OWN}) return 0;"
# Functions that are called with the numbers of getpriority(PRIO_PROCESS, WHO), for a process that doesn't exist.
WHO = 4000001

BY_NAME = """
struct event { int which, who; s64 ret; };
BPF_PERF_OUTPUT(events);
int kprobe____x64_sys_getpriority(struct pt_regs *ctx)
{
    struct pt_regs *regs = (struct pt_regs *)PT_REGS_PARM1(ctx);
    struct event event = {PT_REGS_PARM1(regs), PT_REGS_PARM2(regs), 1};
    FILTER
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
"""
BY_SECTION = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct event { int which, who; s64 ret; };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
SEC("ksyscall/getpriority")
int BPF_KSYSCALL(on_call, int which, int who)
{
    struct event event = {which, who, 1};
    FILTER
    bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
    return 0;
}
char LICENSE[] SEC("license") = "GPL";
"""
FEXIT = """
struct event { int which, who; s64 ret; };
BPF_RINGBUF_OUTPUT(events, 8);
KRETFUNC_PROBE(__x64_sys_getpriority, struct pt_regs *regs, long ret)
{
    struct event event = {PT_REGS_PARM1(regs), PT_REGS_PARM2(regs), ret};
    FILTER
    events.ringbuf_output(&event, sizeof(event), 0);
    return 0;
}
"""


@pytest.fixture
def source(tmp_path):
    def write(text):
        path = tmp_path / "trace.c"
        path.write_text(text.replace("FILTER", FILTER))
        return path
    return write


def get_priority():
    try:
        os.getpriority(os.PRIO_PROCESS, WHO)
    except ProcessLookupError:
        pass


@pytest.mark.parametrize("text, ret", [(BY_NAME, 1), (BY_SECTION, 1), (FEXIT, -3)], ids=["name", "section", "fexit"])
def test_functions_of_the_kernel(text, ret, source):
    with Running("run", source(text), "--json") as running:
        running.wait_for(lambda output: b'"event"' in output, get_priority)
        status, output, errors = running.interrupt()
    assert (status, errors) == (0, b"")
    assert records(output)[0]["data"] == {"which": os.PRIO_PROCESS, "who": WHO, "ret": ret}


def test_an_lsm_hook(source, tmp_path):
    path = source("""
BPF_ARRAY(opened, u64, 1);
LSM_PROBE(file_open, struct file *file)
{
    if (bpf_get_current_pid_tgid() >> 32 == %d)
        opened.increment(0);
    return 0;
}""" % OWN)
    (tmp_path / "opened").write_text("")
    with Running("run", path, "--json") as running:
        running.wait_for(lambda output: attached(running), lambda: None)
        for _ in range(7):
            (tmp_path / "opened").read_text()
        status, output, errors = running.interrupt()
    assert (status, errors) == (0, b"")
    (table,) = records(output)
    # wait_for() opens files, too.
    assert table["table"] == "opened" and table["entries"][0]["value"] >= 7


def attached(running):
    """Whether the program has a link."""
    names = Path(f"/proc/{running.process.pid}/fd")
    links = []
    for name in names.iterdir():
        try:
            links.append(os.readlink(name))
        except FileNotFoundError:
            pass
    return any("bpf_link" in link or "bpf-link" in link or "bpf_tracing" in link for link in links)


def test_an_iterator(source):
    path = source("""
BPF_ITER(task)
{
    struct task_struct *task = ctx->task;
    if (task && task->pid == %d)
        BPF_SEQ_PRINTF(ctx->meta->seq, "%%s %%d\\n", task->comm, task->pid);
    return 0;
}""" % OWN)
    output, errors = run("run", path)
    assert errors == b"" and output == b"%s %d\n" % (Path("/proc/self/comm").read_bytes().strip(), OWN)


def test_verdicts(source):
    """Programs of kinds that this kernel has are verified; a rejection shows the log and is a failure."""
    report = run_json("build", source(FEXIT), "--verify")
    (program,) = report["programs"]
    assert program["accepted"] and program["processed"] > 0 and program["stack_bytes"] > 0
    bad = FEXIT.replace("event = {", "event = {*(volatile int *)0 + ")
    output, _ = run("build", source(bad), "--verify", status=1)
    assert b"rejected" in output and b"R" in output


def test_what_a_kernel_lacks(source):
    _, errors = run("run", source('KFUNC_PROBE(no_such_function_here, int a) { return 0; }'), status=1)
    assert b"no_such_function_here" in errors


def test_a_bundle_from_another_kernel(tmp_path):
    """tests/cli/test_cli_bundle.py made it, on the machine that runs this one."""
    assert opened_in(BUILD / "bundle/opensnoop.pyz", tmp_path)
