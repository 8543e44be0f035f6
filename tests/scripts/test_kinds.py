"""The tables of docs/reference that list kinds are those of src/cc/base/kinds.h, and scripts/kinds sees what is not."""

import subprocess
from pathlib import Path

import pytest
import script_module

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts/kinds"


@pytest.fixture(scope="module")
def kinds():
    return script_module.load("kinds")


def test_the_documents_have_these_tables():
    result = subprocess.run([SCRIPT], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_entries(kinds):
    entries = kinds.read_kinds()
    assert ("kfunc__", "EBCC_ATTACH_TRACE", "KFUNC_PROBE") in entries["kind"]
    assert ("kprobe__", "EBCC_ATTACH_FUNCTION", None) in entries["kind"]
    assert ("BPF_QUEUESTACK", '"type", name, leaf, size, flags', "EBCC_METHODS_QUEUE") in entries["macro"]
    assert ("perf_submit", "(ctx, &data, sizeof(data))", "PERF_OUTPUT") in entries["method"]


@pytest.mark.parametrize("name, right, wrong", [
    ("maps", "`lookup(&key)`, `lookup_or_try_init", "`look(&key)`, `lookup_or_try_init"),
    ("maps", "| `BPF_PROG_ARRAY(name, size)` | `call(ctx, index)` |\n", ""),
    ("maps", "`BPF_HISTOGRAM(name, key=int, size=64)`<br>", "`BPF_HISTOGRAM(name, key=int, size=100)`<br>"),
    ("programs", "| `KMOD_RET(function, arguments..., result)` |", "| `KMOD(function, arguments..., result)` |"),
    ("programs", "| `kprobe__FUNCTION` | | ", "| `kprobe__FUNCTION` | `KPROBE(function)` | "),
])
def test_wrong_tables_are_mended(kinds, name, right, wrong):
    text = kinds.DOCUMENTS[name].read_text()
    assert text.count(right) == 1
    make = getattr(kinds, name)
    assert kinds.with_table(text.replace(right, wrong), make, kinds.read_kinds()) == text


def test_what_is_written_by_hand_stays(kinds):
    text = kinds.DOCUMENTS["programs"].read_text()
    changed = text.replace("| a raw tracepoint |", "| an event without its fields |").replace("lsm__HOOK", "lsm__CHECK")
    assert changed != text
    assert kinds.with_table(changed, kinds.programs, kinds.read_kinds()) == changed


def test_a_new_kind_waits_for_its_description(kinds):
    entries = kinds.read_kinds()
    entries["kind"].append(("timer__", "EBCC_ATTACH_TRACE", "TIMER_PROBE"))
    text = kinds.with_table(kinds.DOCUMENTS["programs"].read_text(), kinds.programs, entries)
    assert "| `timer__TARGET` | `TIMER_PROBE(target)` | ? |\n" in text
