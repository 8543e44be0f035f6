"""Every block of code in the documents works: it is compiled, loaded or run. docs_blocks.py says what a block's first
line means. What this machine's kernel lacks is run by tests/vm/guest_docs.py."""

import os
import re
import shutil
import subprocess

import docs_blocks
import pytest
from docs_blocks import BLOCKS, LANGUAGES, NEEDS, REPOSITORY, WORDS, Refused, commands, load_all, name_of, of, scripts

TOOLS = {path.name for path in (REPOSITORY / "tools").iterdir() if path.is_file() and not path.suffix}


def test_every_block_says_what_it_is():
    for block in BLOCKS:
        assert block.language in LANGUAGES, f"{block}: {block.language} is not one of {sorted(LANGUAGES)}"
        assert set(block.words) <= WORDS, f"{block}: {block.words}"
        assert set(block.needs) <= set(NEEDS), str(block)
    assert len([block for block in BLOCKS if "skip" in block.words]) <= 5


@pytest.fixture(scope="module", name="workload")
def workload_fixture():
    with docs_blocks.workload() as pid:
        yield pid


@pytest.fixture(autouse=True)
def no_pins():
    yield
    docs_blocks.remove_pins()


@pytest.mark.parametrize("block", of("c", without=("skip", "error")), ids=str)
def test_source_loads(block):
    try:
        load_all(block.text)
    except Refused as error:
        if not block.lacks(str(error)):
            raise


@pytest.mark.parametrize("block", [block for block in of("c") if "error" in block.words], ids=str)
def test_source_is_refused(block):
    """The last comment of the source quotes the error."""
    expected = re.findall(r"^// (.*)$", block.text, re.MULTILINE)[-1]
    with pytest.raises(Refused) as caught:
        load_all(block.text)
    assert " ".join(expected.split()) in " ".join(str(caught.value).split())


@pytest.mark.parametrize("blocks", scripts("python"), ids=name_of)
def test_python(blocks, workload, tmp_path):
    wrong = docs_blocks.run_python(blocks, workload, tmp_path)
    assert wrong is None, wrong


@pytest.mark.parametrize("blocks", scripts("lua"), ids=name_of)
def test_lua(blocks, workload, tmp_path):
    wrong = docs_blocks.run_lua(blocks, workload, tmp_path)
    assert wrong is None, wrong


@pytest.mark.parametrize("block", of("capi", without=("skip", "frame")), ids=str)
def test_c_program(block, workload, tmp_path):
    program = docs_blocks.build_program(block, tmp_path)
    wrong = docs_blocks.run_script([program], [block], workload, tmp_path)
    assert wrong is None, wrong


@pytest.mark.parametrize("block", of("sh", without=("skip", "run")), ids=str)
def test_commands_are_there(block, workload, tmp_path):
    for words in commands(block):
        if words[0] in TOOLS:
            words = [word.replace("PID", str(workload)) for word in words]
            with open(REPOSITORY / "tools" / words[0], encoding="utf-8") as file:
                interpreter = file.readline().removeprefix("#!").split()
            done = subprocess.run([*interpreter, REPOSITORY / "tools" / words[0], *words[1:], "--ebpf"],
                                  capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
            assert done.returncode == 0 or block.lacks(done.stderr), f"{words}: {done.stderr}"
        else:
            assert words[0].startswith("tests/") or shutil.which(words[0]) or (REPOSITORY / words[0]).exists(), words


@pytest.mark.parametrize("block", [block for block in of("sh") if "run" in block.words], ids=str)
def test_commands_run(block, workload, tmp_path):
    done = subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", block.text], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "PID": str(workload)}, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
