#!/usr/bin/python3
"""The script that bench/attach runs with each module: attaches a program to everything that a pattern selects, calls what
it can, and detaches all of it. Prints the durations as one line of JSON.

    attach_functions.py user|tracepoint|kernel PATTERN COUNT [LIBRARY]
"""

import json
import sys
import time

TEXT = """
BPF_ARRAY(calls, u64, 1);
int count(void *ctx) { calls.increment(0); return 0; }
"""


def main():
    """Attaches and detaches, twice: what is done once per process is not measured."""
    kind, pattern, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    import bcc
    from bcc import BPF

    attach = {
        "user": lambda bpf: bpf.attach_uprobe(name=sys.argv[4], sym_re=pattern, fn_name="count"),
        "tracepoint": lambda bpf: bpf.attach_tracepoint(tp_re=pattern, fn_name="count"),
        "kernel": lambda bpf: bpf.attach_kprobe(event_re=pattern, fn_name="count"),
    }[kind]
    opened = {
        "user": lambda bpf: bpf.num_open_uprobes(),
        "tracepoint": lambda bpf: bpf.num_open_tracepoints(),
        "kernel": lambda bpf: bpf.num_open_kprobes(),
    }[kind]
    text = TEXT.replace("void *ctx", "struct pt_regs *ctx") if kind != "tracepoint" else TEXT
    bpf = BPF(text=text)
    # Loads the program, which is not a part of attaching.
    bpf.load_func("count", BPF.TRACEPOINT if kind == "tracepoint" else BPF.KPROBE)
    before = time.monotonic()
    attach(bpf)
    attached = time.monotonic()
    if opened(bpf) < count * 0.9:
        sys.exit("only %d of %d were attached" % (opened(bpf), count))
    between = time.monotonic()
    bpf.cleanup()
    detached = time.monotonic()
    print(json.dumps({"module": bcc.__file__, "attach": attached - before, "detach": detached - between}))


main()
