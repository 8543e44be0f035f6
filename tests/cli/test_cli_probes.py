"""ebcc probes: names and arguments, compared with tracefs, BTF and ELF files as other programs read them."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from clirun import LIMIT, environment, run, run_json

TRACEFS = Path("/sys/kernel/tracing")
FIELD = re.compile(r"^\tfield:(.*);\toffset:(\d+);\tsize:(\d+);\tsigned:[01];$", re.MULTILINE)

PROGRAM = r"""
#include <stdio.h>
#include <sys/sdt.h>

long shared_one(long a) { DTRACE_PROBE2(maker, first, (int)a, (long)(a * 2)); return a + 1; }
long shared_two(long a) { DTRACE_PROBE(maker, second); return shared_one(a) * 2; }
__asm__(".globl \"odd\033name\"\n.type \"odd\033name\", @function\n.text\n\"odd\033name\": ret\n.size \"odd\033name\", 1\n");
int main(void) { return getchar() == 'x' && shared_two(2) == 7; }
"""


@pytest.fixture(scope="module")
def types():
    """The types of the kernel's BTF by id, as bpftool reads them, and those of a kind by name."""
    done = subprocess.run(["bpftool", "-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"], capture_output=True, check=True)
    found = {entry["id"]: entry for entry in json.loads(done.stdout)["types"]}
    return Types(found)


class Types:
    def __init__(self, by_id):
        self.by_id = by_id
        self.by_name = {}
        for entry in by_id.values():
            self.by_name.setdefault((entry["kind"], entry["name"]), entry)

    def follow(self, number):
        """The kinds on the way to the type with a name, and that name: ("PTR CONST STRUCT", "path")."""
        kinds = []
        while number:
            entry = self.by_id[number]
            kinds.append(entry["kind"])
            if entry["kind"] not in ("PTR", "CONST", "VOLATILE", "RESTRICT"):
                return " ".join(kinds), entry["name"]
            number = entry["type_id"]
        return " ".join([*kinds, "VOID"]), "void"

    def parameters(self, entry):
        """[(name, what follow() returns)] of a function."""
        while entry["kind"] != "FUNC_PROTO":
            entry = self.by_id[entry["type_id"]]
        return [(parameter["name"], self.follow(parameter["type_id"])) for parameter in entry["params"]]


def agree(argument, parameter):
    """Whether an argument that was printed is the parameter that bpftool shows."""
    name, (kinds, type_name) = parameter
    tag = {"STRUCT": "struct ", "FWD": "struct ", "UNION": "union ", "ENUM": "enum ", "ENUM64": "enum "}.get(kinds.split()[-1], "")
    if kinds.split()[-1] in ("FUNC_PROTO", "ARRAY") or type_name == "(anon)":
        return argument["name"] == name.replace("(anon)", "")
    return (argument["name"] == name.replace("(anon)", "") and argument["type"].count("*") == kinds.split().count("PTR")
            and argument["type"].count("const") == kinds.split().count("CONST") and f"{tag}{type_name}" in argument["type"])


def names(*arguments, **options):
    """The lines that are probes."""
    return [line for line in run("probes", *arguments, **options)[0].decode().splitlines() if line[:1] not in (" ", "#")]


def test_tracepoints_are_those_of_tracefs():
    there = {f"tracepoint:{line}" for line in (TRACEFS / "available_events").read_text(encoding="ascii").split()}
    assert set(names("tracepoint:*")) == there == set(names("t:*")) == set(names("--kind", "tracepoint"))
    assert names("tracepoint:sched:*") == sorted(probe for probe in there if probe.startswith("tracepoint:sched:"))
    assert names("tracepoint:sched_switch") == ["tracepoint:sched:sched_switch"]
    assert names("tracepoint:s?hed:sched_[sx]witch") == ["tracepoint:sched:sched_switch"]


def test_fields_of_tracepoints():
    """Names, offsets and sizes of all fields, and what people see, against the format files."""
    probes = run_json("probes", "tracepoint:*", "-v")["probes"]
    assert len(probes) > 100
    for probe in probes:
        text = (TRACEFS / "events" / probe["scope"] / probe["name"] / "format").read_text(encoding="ascii")
        fields = [match for match in FIELD.findall(text) if not re.search(r"\bcommon_\w+$", match[0])]
        arguments = probe["arguments"]
        assert [(field["offset"], field["size"]) for field in arguments] == [(int(offset), int(size)) for _, offset, size in fields]
        for field, (declaration, _, _) in zip(arguments, fields):
            assert re.sub(r"\W", "", field["declaration"]) == re.sub(r"\W", "", declaration), declaration
            assert field["dynamic"] is ("__data_loc" in declaration or "__rel_loc" in declaration)
            assert re.search(rf"\b{field['name']}\b", declaration)


def test_text_of_arguments():
    output = run("probes", "tracepoint:sched:sched_switch", "-v")[0].decode().splitlines()
    assert output[0].startswith("# tracepoint: ") and "cookies: " in output[0]
    assert output[1] == "tracepoint:sched:sched_switch"
    assert "    char prev_comm[16]" in output and "    pid_t prev_pid" in output


def test_kernel_functions(types):
    """Only functions of the kernel, without doubles, sorted; their parameters are those of BTF."""
    found = names("kprobe:*")
    assert found == sorted(set(found)) and len(found) > 10000
    symbols = {line.split()[2] for line in Path("/proc/kallsyms").read_text(encoding="ascii").splitlines() if line.split()[1] in "tTwW"}
    assert {probe.removeprefix("kprobe:") for probe in found} <= symbols
    assert names("kprobe:vfs_rea?") == ["kprobe:vfs_read"]
    assert names("kretprobe:vfs_read") == ["kretprobe:vfs_read"]
    probes = run_json("probes", "kprobe:vfs_*", "-v")["probes"]
    assert len(probes) > 20
    for probe in probes:
        function = types.by_name.get(("FUNC", probe["name"]))
        if not function:
            assert "arguments" not in probe
            continue
        parameters = types.parameters(function)
        assert len(probe["arguments"]) == len(parameters)
        assert all(map(agree, probe["arguments"], parameters)), (probe, parameters)
    (read,) = [probe for probe in probes if probe["name"] == "vfs_read"]
    assert read["arguments"][0] == {"name": "file", "type": "struct file *", "declaration": "struct file *file"}
    assert read["returns"] == "ssize_t"


def test_declarations(tmp_path):
    """All parameters of all functions are C: a compiler accepts them after the kernel's types."""
    probes = run_json("probes", "kprobe:*", "-v")["probes"]
    declarations = {argument["declaration"] for probe in probes for argument in probe.get("arguments", [])} - {"..."}
    returned = {probe["returns"] for probe in probes if "returns" in probe}
    assert len(declarations) > 1000 and any("(*" in text for text in declarations) and "const char *fmt" in declarations
    with open(tmp_path / "types.h", "wb") as file:
        subprocess.run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"], stdout=file, check=True)
    lines = ['#include "types.h"', *(f"void f{number}({text});" for number, text in enumerate(sorted(declarations))),
             *(f"{text} g{number}(void);" for number, text in enumerate(sorted(returned)))]
    (tmp_path / "all.c").write_text("\n".join(lines))
    subprocess.run(["gcc", "-std=gnu11", "-w", "-fsyntax-only", tmp_path / "all.c"], check=True)
    (sort,) = [probe for probe in probes if probe["name"] == "sort"]
    assert [argument["declaration"] for argument in sort["arguments"]][:3] == ["void *base", "size_t num", "size_t size"]


def test_typed_functions(types):
    """Targets of fentry: functions that BTF describes and that can be probed."""
    found = [probe for probe in names("fentry:*") if probe.count(":") == 1]
    functions = {name for kind, name in types.by_name if kind == "FUNC"}
    plain = {probe.removeprefix("fentry:") for probe in found}
    probeable = {probe.removeprefix("kprobe:") for probe in names("kprobe:*")}
    assert functions & probeable <= plain <= functions and "vfs_read" in plain
    assert names("fentry:vmlinux:vfs_read") == ["fentry:vfs_read"] == names("kfunc:vfs_read")
    assert names("fexit:vfs_read") == ["fexit:vfs_read"]


def test_raw_tracepoints(types):
    """All that BTF has a type for, with the arguments that a program gets."""
    there = {name.removeprefix("btf_trace_") for kind, name in types.by_name if kind == "TYPEDEF" and name.startswith("btf_trace_")}
    assert {probe.removeprefix("rawtracepoint:") for probe in names("rawtracepoint:*") if probe.count(":") == 1} == there
    for probe in run_json("probes", "rawtracepoint:sched_*", "-v")["probes"]:
        parameters = types.parameters(typedef_target(types, probe["name"]))[1:]
        assert len(probe["arguments"]) == len(parameters)
        for argument, (_, followed) in zip(probe["arguments"], parameters):
            assert agree({**argument, "name": ""}, ("", followed)), (probe, parameters)
        assert "returns" not in probe
    (switch,) = run_json("probes", "rt:sched_switch", "-v")["probes"]
    assert [argument["type"] for argument in switch["arguments"]][:3] == ["bool", "struct task_struct *", "struct task_struct *"]


def typedef_target(types, name):
    """What the typedef of a raw tracepoint is a pointer to."""
    pointer = types.by_id[types.by_name["TYPEDEF", "btf_trace_" + name]["type_id"]]
    return types.by_id[pointer["type_id"]]


def test_iterators(types):
    """The functions of BTF whose first parameter is the iterator's own."""
    there = set()
    for kind, name in types.by_name:
        if kind == "FUNC" and name.startswith("bpf_iter_"):
            parameters = types.parameters(types.by_name[kind, name])
            if parameters and parameters[0][1] == ("PTR STRUCT", "bpf_iter_meta"):
                there.add("iter:" + name.removeprefix("bpf_iter_"))
    assert set(names("iter:*")) == there and "iter:task" in there


def test_hooks(types):
    """The members of the union that has all hooks."""
    union = types.by_name.get(("UNION", "security_list_options"))
    hooks = {member["name"] for member in union["members"]} if union else set()
    there = {f"lsm:{hook}" for hook in hooks if ("FUNC", "bpf_lsm_" + hook) in types.by_name}
    if not there:
        assert b"nothing matches" in run("probes", "lsm:*", status=1)[1]
        return
    assert set(names("lsm:*")) == there


def test_all_kinds():
    """A name without a kind is looked for in all kinds of the kernel; no pattern means everything."""
    assert {probe.split(":")[0] for probe in names()} >= {"kprobe", "tracepoint", "rawtracepoint", "fentry", "iter"}
    assert set(names("sched_switch")) >= {"tracepoint:sched:sched_switch", "rawtracepoint:sched_switch"}
    assert set(names("*:sched_switch")) >= {"tracepoint:sched:sched_switch"}
    kinds = run_json("probes", "sched_switch")["kinds"]
    assert set(kinds) == {"kprobe", "tracepoint", "rawtracepoint", "fentry", "lsm", "iter"}
    assert kinds["kprobe"]["available"] is Path("/sys/bus/event_source/devices/kprobe").exists()
    assert all((kind["lacks"] is None) is kind["available"] for kind in kinds.values())


def test_without_privileges():
    """What everybody may read is listed; the rest, and that nothing can be attached, is said."""
    output, errors = run("probes", "*:sched_switch", user=65534, group=65534, extra_groups=[], env=environment(EBCC_CACHE="off"))
    assert b"rawtracepoint:sched_switch\n" in output
    assert b"can't be used here, for lack of privileges" in errors
    if not os.access(TRACEFS, os.X_OK) or TRACEFS.stat().st_mode & 0o77 == 0:
        assert b"tracepoint: no permission to read" in errors


def test_nothing_matches():
    """Status 1, and names that may have been meant."""
    output, errors = run("probes", "kprobe:vfs_raed", status=1)
    assert output == b"" and b"nothing matches kprobe:vfs_raed; did you mean vfs_read" in errors
    report = run("probes", "kprobe:no_such_name*", "--json", status=1)[0]
    assert json.loads(report)["probes"] == []


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    """A program with functions, one of them with a control character in its name, and USDT probes."""
    path = tmp_path_factory.mktemp("binary") / "maker"
    subprocess.run(["gcc", "-O1", "-g", "-fno-inline", "-x", "c", "-", "-o", path], input=PROGRAM, text=True, check=True)
    return path


def test_user_functions(binary):
    """Functions with the addresses that nm shows."""
    assert names(f"uprobe:{binary}:shared_*") == [f"uprobe:{binary}:shared_one", f"uprobe:{binary}:shared_two"]
    assert names(f"uretprobe:{binary}:main") == [f"uretprobe:{binary}:main"]
    symbols = subprocess.run(["nm", binary], capture_output=True, text=True, check=True).stdout
    for probe in run_json("probes", f"uprobe:{binary}:shared_*", "-v")["probes"]:
        assert re.search(rf"^{probe['address']:016x} T {probe['name']}$", symbols, re.MULTILINE)
    assert f"uprobe:{binary}:main" in names(f"uprobe:{binary}")


def test_control_characters(binary):
    """A name from a file can't change the terminal, and JSON has it as it is."""
    output, _ = run("probes", f"uprobe:{binary}:odd*")
    assert output == f"uprobe:{binary}:odd\\x1bname\n".encode()
    assert [probe["name"] for probe in run_json("probes", f"uprobe:{binary}:odd*")["probes"]] == ["odd\x1bname"]


def test_usdt(binary):
    """Provider, name and arguments, of a file and of a process."""
    assert sorted(names(f"usdt:{binary}")) == [f"usdt:{binary}:maker:first", f"usdt:{binary}:maker:second"]
    assert names(f"usdt:{binary}:maker:f*") == [f"usdt:{binary}:maker:first"] == names(f"usdt:{binary}:first")
    (probe,) = run_json("probes", f"usdt:{binary}:first", "-v")["probes"]
    assert [argument["type"] for argument in probe["arguments"]] == ["int32_t", "int64_t"]
    notes = subprocess.run(["readelf", "-n", binary], capture_output=True, text=True, check=True).stdout
    described = re.search(r"Name: first\n\s+Location: 0x(\w+),.*\n\s+Arguments: (.*)", notes)
    assert [(location["address"], location["arguments"]) for location in probe["locations"]] == [(int(described[1], 16), described[2])]
    assert b"    int32_t arg1\n    int64_t arg2\n" in run("probes", f"usdt:{binary}:first", "-v")[0]
    process = subprocess.Popen([binary], stdin=subprocess.PIPE)
    try:
        end = time.monotonic() + LIMIT
        while Path(f"/proc/{process.pid}/exe").resolve() != binary.resolve():
            assert time.monotonic() < end
        assert f"usdt:{binary}:maker:first" in names("usdt:maker:*", "-p", process.pid)
        assert f"usdt:{binary}:maker:first" in names("usdt:", "-p", process.pid)
    finally:
        process.communicate(b"x")


def test_files_that_are_none(tmp_path):
    """A directory, a text and a missing file are errors."""
    (tmp_path / "text").write_text("text")
    for path in (tmp_path, tmp_path / "text", tmp_path / "missing"):
        for kind in ("uprobe", "usdt"):
            output, errors = run("probes", f"{kind}:{path}:*", status=1)
            assert output == b"" and errors.startswith(b"ebcc: ")


def test_missing_process():
    assert b"4194304" in run("probes", "usdt:", "-p", 1 << 22, status=1)[1]
