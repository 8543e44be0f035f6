"""The blocks of the documents that need what some kernels lack, such as kprobes, fentry and LSM: here they run whole. So do
those of docs/one-liners.md, which trace all of a machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "scripts"), str(TESTS / "tools")]

import docs_blocks  # noqa: E402
from docs_blocks import commands, load_all, name_of, of, scripts, unchanged  # noqa: E402
from toolrun import Tool  # noqa: E402

RELEASE = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def needing(blocks):
    """Whether some of the blocks need what not every kernel has, and this one is not too old for any."""
    return any(block.needs for block in blocks) and all(block.since <= RELEASE for block in blocks)


def is_one_liner(blocks):
    return blocks[0].path.name == "one-liners.md"


@pytest.fixture(scope="module", name="workload")
def workload_fixture():
    """Slower than on the host: the machine is emulated."""
    subprocess.run(["modprobe", "overlay"], check=False)
    with docs_blocks.workload(pause=0.5) as pid:
        yield pid


@pytest.mark.parametrize("block", [block for block in of("c", without=("skip", "error")) if needing([block])], ids=str)
def test_source_attaches(block, workload):
    load_all(block.text, "attach")


@pytest.mark.parametrize("blocks", [blocks for blocks in scripts("python") if needing(blocks) or is_one_liner(blocks)], ids=name_of)
def test_python(blocks, workload, tmp_path):
    wrong = docs_blocks.run_python(blocks, workload, tmp_path, unchanged)
    assert wrong is None, wrong


@pytest.mark.parametrize("blocks", [blocks for blocks in scripts("lua") if needing(blocks)], ids=name_of)
def test_lua(blocks, workload, tmp_path):
    wrong = docs_blocks.run_lua(blocks, workload, tmp_path, unchanged)
    assert wrong is None, wrong


@pytest.mark.parametrize("block", [block for block in of("capi") if needing([block])], ids=str)
def test_c_program(block, workload, tmp_path):
    program = docs_blocks.build_program(block, tmp_path, unchanged)
    wrong = docs_blocks.run_script([program], [block], workload, tmp_path)
    assert wrong is None, wrong


@pytest.mark.parametrize("block", [block for block in of("sh") if needing([block])], ids=str)
def test_tools(block, workload):
    """Each until it has attached, and then Ctrl-C."""
    for name, *arguments in commands(block):
        with Tool(name, *arguments) as tool:
            tool.wait_until_asleep()
            status, _, errors = tool.interrupt()
        assert (status, errors) == (0, b""), (name, arguments)
