# SPDX-License-Identifier: Apache-2.0
"""Debian's bpftool shows the names, types and lines of the source for what this library loads."""

import json
import os
import re
import subprocess

import pytest

from ebcc import BPF, BPFAttachType
from conftest import LIMIT, getpgid, has_uprobe_multi, programs_of
from kernel_calls import cgroup, network_namespace, run

SOURCE = """
    struct key_t { u32 pid; char comm[16]; };
    struct leaf_t { u64 count; u32 last[2]; };
    BPF_HASH(by_task, struct key_t, struct leaf_t, 64);
    BPF_ARRAY(plain_array, u32, 4);
    BPF_PERCPU_HASH(per_cpu, u32, u64, 8);

    static u64 twice(u64 value) { return value * 2; }

    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        struct key_t key = {};
        struct leaf_t leaf = {};
        FILTER
        key.pid = args->pid;
        leaf.count = twice(args->pid);
        by_task.update(&key, &leaf);
        return 0;
    }
    int classify(struct __sk_buff *skb) {
        int slot = 2;
        u32 *found = plain_array.lookup(&slot);
        return found ? *found : 0;
    }
    int on_getenv(struct pt_regs *ctx) { return 0; }
    int on_clock(struct bpf_perf_event_data *ctx) { return 0; }
    int on_packet(struct xdp_md *ctx) { return XDP_PASS; }
"""


def bpftool(*arguments, check=True, **options):
    return subprocess.run(["bpftool", *arguments], capture_output=True, text=True, check=check,
                          timeout=LIMIT, **options)


def as_json(*arguments):
    return json.loads(bpftool("-j", *arguments).stdout)


def number_of(descriptor, what):
    with open("/proc/self/fdinfo/%d" % descriptor, encoding="ascii") as info:
        return next(int(line.split()[1]) for line in info if line.startswith(what + ":"))


@pytest.fixture
def loaded(load):
    return load(SOURCE)


@pytest.fixture
def pin(bpffs):
    """A path where something can be pinned."""
    return os.path.join(bpffs, "pinned")


def test_prog_show(loaded):
    function = loaded.load_func("classify", BPF.SCHED_CLS)
    shown = as_json("prog", "show", "id", str(number_of(function.fd, "prog_id")))
    assert (shown["type"], shown["name"]) == ("sched_cls", "classify")
    assert shown["gpl_compatible"]
    assert shown["btf_id"] > 0
    assert shown["map_ids"] == [number_of(loaded["plain_array"].get_fd(), "map_id")]
    if "pids" in shown:
        assert os.getpid() in [holder["pid"] for holder in shown["pids"]]
    # The long name is complete only in BTF, which newer versions of bpftool read.
    ids = programs_of()
    names = {entry["name"] for entry in as_json("prog", "show") if entry["id"] in ids}
    assert {"classify"} < names and any(
        name.startswith("tracepoint__sys") for name in names)


def test_prog_dump_with_source_lines(loaded):
    function = loaded.load_func("classify", BPF.SCHED_CLS)
    number = str(number_of(function.fd, "prog_id"))
    text = bpftool("prog", "dump", "xlated", "id", number, "linum").stdout
    assert re.search(r"int classify\(struct __sk_buff \*\s*skb\)", text)
    source = SOURCE.splitlines()
    lines = re.findall(r"^; (.*?) \[file:(\S+) line_num:(\d+) line_col:(\d+)\]", text, re.M)
    assert len(lines) >= 3
    for content, name, line, _ in lines:
        assert content.strip() == source[int(line) - 1].strip() and name.endswith("main.c")
    assert "plain_array.lookup(&slot)" in text
    # The code of an inlined function has the lines of that function.
    [trace] = programs_of() - {number_of(function.fd, "prog_id")}
    text = bpftool("prog", "dump", "xlated", "id", str(trace), "linum").stdout
    assert "return value * 2;" in text and "by_task.update(&key, &leaf);" in text


def test_map_show_and_dump(loaded):
    getpgid(4000000)
    table = loaded["by_task"]
    number = str(number_of(table.get_fd(), "map_id"))
    shown = as_json("map", "show", "id", number)
    assert (shown["type"], shown["name"], shown["bytes_key"], shown["bytes_value"],
            shown["max_entries"]) == ("hash", "by_task", 20, 16, 64)
    [entry] = as_json("map", "dump", "id", number)
    assert entry["formatted"] == {
        "key": {"pid": 4000000, "comm": [0] * 16} if not isinstance(
            entry["formatted"]["key"]["comm"], str) else {"pid": 4000000, "comm": ""},
        "value": {"count": 8000000, "last": [0, 0]}}


def test_map_update_lookup_delete(loaded):
    prog = loaded.load_func("classify", BPF.SCHED_CLS)
    number = str(number_of(loaded["plain_array"].get_fd(), "map_id"))
    bpftool("map", "update", "id", number, "key", *"2 0 0 0".split(), "value",
            *"0x2a 0 0 0".split())
    assert loaded["plain_array"][2].value == 42 and run(prog)[0] == 42
    found = as_json("map", "lookup", "id", number, "key", "2", "0", "0", "0")
    assert found["formatted"]["value"] == 42
    number = str(number_of(loaded["per_cpu"].get_fd(), "map_id"))
    loaded["per_cpu"][7] = [3] * loaded["per_cpu"].total_cpu
    [entry] = as_json("map", "dump", "id", number)
    assert entry["formatted"]["key"] == 7
    assert [value["value"] for value in entry["formatted"]["values"]] == \
        [3] * loaded["per_cpu"].total_cpu
    bpftool("map", "delete", "id", number, "key", "7", "0", "0", "0")
    assert len(loaded["per_cpu"]) == 0


def test_map_kinds_without_types(load):
    """Maps of kinds for which the kernel doesn't accept BTF are shown with their names, too."""
    bpf = load("""
        BPF_PROG_ARRAY(tail_calls, 4); BPF_QUEUE(a_queue, u64, 4); BPF_STACK_TRACE(stacks, 64);
        BPF_PERF_OUTPUT(events); BPF_RINGBUF_OUTPUT(ring, 8);
        int nothing(void *ctx) { return 0; }""")
    for name, kind in (("tail_calls", "prog_array"), ("a_queue", "queue"),
                       ("stacks", "stack_trace"), ("events", "perf_event_array"),
                       ("ring", "ringbuf")):
        shown = as_json("map", "show", "id", str(number_of(bpf[name].get_fd(), "map_id")))
        assert (shown["name"], shown["type"]) == (name, kind)


def test_btf_dump(loaded):
    function = loaded.load_func("classify", BPF.SCHED_CLS)
    program = as_json("prog", "show", "id", str(number_of(function.fd, "prog_id")))
    text = bpftool("btf", "dump", "id", str(program["btf_id"]), "format", "c").stdout
    assert re.search(r"struct leaf_t \{\s+u64 count;\s+u32 last\[2\];\s+\};", text)
    raw = bpftool("btf", "dump", "prog", "id", str(program["id"])).stdout
    assert "FUNC 'classify'" in raw and "STRUCT 'key_t'" in raw
    table = str(number_of(loaded["by_task"].get_fd(), "map_id"))
    dumped = bpftool("btf", "dump", "map", "id", table, "kv").stdout
    assert "STRUCT 'key_t' size=20" in dumped and "STRUCT 'leaf_t' size=16" in dumped


def test_perf_show(loaded):
    """bpftool lists tracepoints by their perf events, and user probes where a link is not all that they have."""
    loaded.attach_perf_event(1, 0, "on_clock", sample_period=10 ** 9, pid=os.getpid(), cpu=0)
    loaded.attach_uprobe(name="c", sym="getenv", fn_name="on_getenv", pid=os.getpid())
    mine = {entry["fd_type"]: entry for entry in as_json("perf", "show")
            if entry["pid"] == os.getpid()}
    assert mine["tracepoint"]["tracepoint"] == "sys_enter_getpgid"
    assert ("uprobe" in mine) != has_uprobe_multi()
    if "uprobe" in mine:
        assert mine["uprobe"]["filename"].split("/")[-1].startswith("libc")
    assert {entry["prog_id"] for entry in mine.values()} < programs_of()
    links = {entry["prog_id"] for entry in as_json("link", "show")}
    assert programs_of() <= links


def test_net_show(loaded):
    function = loaded.load_func("on_packet", BPF.XDP)
    with network_namespace():
        BPF.attach_xdp("lo", function, BPF.XDP_FLAGS_SKB_MODE)
        [shown] = as_json("net", "show")
        assert [entry["devname"] for entry in shown["xdp"]] == ["lo"]
        assert shown["xdp"][0]["id"] == number_of(function.fd, "prog_id")
        BPF.remove_xdp("lo", BPF.XDP_FLAGS_SKB_MODE)
        assert as_json("net", "show")[0]["xdp"] == []


def test_cgroup_tree(load, cgroup2):
    bpf = load("int egress(struct __sk_buff *skb) { return 1; }")
    function = bpf.load_func("egress", BPF.CGROUP_SKB)
    with cgroup("tree") as path:
        descriptor = os.open(path, os.O_RDONLY)
        bpf.attach_func(function, descriptor, BPFAttachType.CGROUP_INET_EGRESS)
        [group] = [entry for entry in as_json("cgroup", "tree") if entry["cgroup"] == path]
        assert [(program["name"], program["id"]) for program in group["programs"]] == \
            [("egress", number_of(function.fd, "prog_id"))]
        assert as_json("cgroup", "show", path)[0]["name"] == "egress"
        bpf.detach_func(function, descriptor, BPFAttachType.CGROUP_INET_EGRESS)
        os.close(descriptor)


def test_batch(loaded, tmp_path):
    number = number_of(loaded["plain_array"].get_fd(), "map_id")
    file = tmp_path / "batch"
    file.write_text("map update id %d key 0 0 0 0 value 5 0 0 0\n"
                    "# a comment\n"
                    "map update id %d key 1 0 0 0 value 6 0 0 0\n"
                    "map dump id %d\n" % (number, number, number))
    done = bpftool("batch", "file", str(file))
    assert [leaf.value for leaf in loaded["plain_array"].values()][:2] == [5, 6]
    assert "processed 3 commands" in done.stdout + done.stderr


def test_pinning(loaded, pin):
    function = loaded.load_func("classify", BPF.SCHED_CLS)
    bpftool("prog", "pin", "id", str(number_of(function.fd, "prog_id")), pin)
    assert as_json("prog", "show", "pinned", pin)["name"] == "classify"
    os.unlink(pin)
    bpftool("map", "pin", "id", str(number_of(loaded["plain_array"].get_fd(), "map_id")), pin)
    loaded["plain_array"][0] = 8
    loaded.close()
    # The map outlives its module.
    assert as_json("map", "dump", "pinned", pin)[0]["formatted"]["value"] == 8


def test_prog_load_of_a_saved_object(load, pin, tmp_path):
    """If an object contains the kinds of its programs, bpftool can load it without more information."""
    bpf = load("""
        BPF_HASH(counts, u32, u64);
        BPF_PERF_OUTPUT(events);
        const volatile u32 limit = 5;
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 key = args->pid, value = limit;
            FILTER
            if (key > value)
                counts.increment(key);
            events.perf_submit(args, &key, sizeof(key));
            return 0;
        }
        int on_packet(struct xdp_md *ctx) { return XDP_PASS; }""")
    saved = tmp_path / "saved.bpf.o"
    saved.write_bytes(bpf.module.object())
    os.mkdir(pin)
    bpftool("prog", "loadall", str(saved), pin, "pinmaps", pin + "_maps")
    names = {name: as_json("prog", "show", "pinned", os.path.join(pin, name))["type"]
             for name in os.listdir(pin)}
    assert sorted(names.values()) == ["tracepoint", "xdp"]
    assert as_json("map", "show", "pinned", pin + "_maps/counts")["name"] == "counts"


def test_prog_load_of_one_program(load, pin, tmp_path):
    bpf = load("BPF_ARRAY(values, u64, 4);\n"
               "int on_packet(struct xdp_md *ctx) { values.increment(1); return XDP_DROP; }")
    saved = tmp_path / "saved.bpf.o"
    saved.write_bytes(bpf.module.object())
    bpftool("prog", "load", str(saved), pin)
    assert as_json("prog", "show", "pinned", pin)["name"] == "on_packet"
    packet = tmp_path / "packet"
    packet.write_bytes(bytes(64))
    assert as_json("prog", "run", "pinned", pin, "data_in", str(packet))["retval"] == BPF.XDP_DROP


def test_prog_load_with_a_type(load, pin, tmp_path):
    """A program that can be of several types gets its type from the command line."""
    bpf = load("int classify(struct __sk_buff *skb) { return skb->len; }")
    saved = tmp_path / "saved.bpf.o"
    saved.write_bytes(bpf.module.object())
    bpftool("prog", "load", str(saved), pin, "type", "classifier")
    assert as_json("prog", "show", "pinned", pin)["type"] == "sched_cls"
