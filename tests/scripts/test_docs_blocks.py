"""Every block of code in the documents works: it is compiled, loaded or run.

A block's first line says what it is, after the language:

    c                   a source in the dialect: compiled, and each program loaded
    c error             a source that must not compile or load: the block's last comment has a part of the message
    python, lua         run. Blocks below one heading are one script, in their order. What never ends by itself is
                        interrupted after a second
    python b, lua b     the same, where b is the BPF object of the C block before it; `python module` calls it module
    capi                compiled against ebcc.h and linked; a main() that is missing is added
    sh                  every command is there; options of this project's tools are parsed by them
    sh run              run; every command in it must succeed
    ... skip            not run: commands that change the machine. A few only

Words that follow: `needs=kprobes`, `fentry` or `lsm` for what some kernels lack: there a block may end by the error that says
so, and by nothing else.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import ebcc
from ebcc import BPF, _ebcc

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
BLOCK = re.compile(r"^(?P<indent> *)```(?P<words>[^\n]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
BUILD = Path(ebcc.__file__).resolve().parents[2]
TOOLS = {path.name for path in (REPOSITORY / "tools").iterdir() if path.is_file() and not path.suffix}

# What the library says where a kernel lacks it.
REFUSED = "the kernel refuses it: this kernel is built without what it needs"
NEEDS = {"kprobes": "this kernel has no kprobes", "fentry": REFUSED, "lsm": REFUSED}


class Block:
    """One block of code: where it stands, what it is and its text."""

    def __init__(self, path, text, match, section):
        words = match["words"].split()
        self.path = path
        self.line = text.count("\n", 0, match.start()) + 1
        self.language = words[0] if words else "text"
        self.words = words[1:]
        self.needs = [word[len("needs="):] for word in words if word.startswith("needs=")]
        self.text = textwrap.dedent(match["text"])
        self.section = section
        self.before = None

    def __str__(self):
        return f"{self.path.relative_to(REPOSITORY)}:{self.line}"

    def lacks(self, message):
        """Whether an error says that the kernel has not what the block says that it needs."""
        return any(re.search(NEEDS[need], message) for need in self.needs)


def code_blanked(text):
    """The text with spaces in place of its code, where # begins no heading."""
    return BLOCK.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def blocks_of(path):
    """The blocks of a document, in their order."""
    text = path.read_text(encoding="utf-8")
    headings = [match.start() for match in re.finditer(r"^#+ ", code_blanked(text), re.MULTILINE)]
    found, last_c = [], None
    for match in BLOCK.finditer(text):
        section = sum(1 for start in headings if start < match.start())
        block = Block(path, text, match, section)
        if last_c and last_c.section == section:
            block.before = last_c
        if block.language == "c":
            last_c = block
        found.append(block)
    return found


BLOCKS = [block for path in DOCUMENTS for block in blocks_of(path)]


def of(*languages, without=("skip",)):
    return [block for block in BLOCKS if block.language in languages and not set(without) & set(block.words)]


def test_every_block_says_what_it_is():
    known = {"c", "python", "lua", "capi", "sh", "text", "mermaid"}
    words = {"error", "b", "module", "run", "skip"}
    for block in BLOCKS:
        assert block.language in known, f"{block}: {block.language} is not one of {sorted(known)}"
        unknown = [word for word in block.words if word not in words and not word.startswith("needs=")]
        assert not unknown, f"{block}: {unknown}"
        assert set(block.needs) <= set(NEEDS), str(block)
    assert len([block for block in BLOCKS if "skip" in block.words]) <= 8


def load_all(source):
    """Compiles a source, makes its maps and loads its programs, in a process of its own. Raises Refused."""
    done = subprocess.run(["/usr/bin/python3", __file__], input=source, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise Refused(done.stderr if done.returncode == 1 else f"the loader ended with {done.returncode}: {done.stderr}")


class Refused(Exception):
    """A source that does not compile or load."""


def load_here(source):
    """What load_all() does, in this process."""
    module = _ebcc.Module(source=source.encode(), file_name=None, header=None, cflags=[], debug=0, kernel_types=0,
                          compiler=0, btf_path=None, device=None, no_rlimit=False, any_kernel=False)
    module.load()
    for program in module.programs():
        try:
            program.load(0, -1)
        except _ebcc.InvalidArgumentError as error:
            if "no program type was given" not in str(error):
                raise
            program.load(kind_of(source, program.name.decode()), -1)


KINDS_BY_NAME = {"tracepoint__": BPF.TRACEPOINT, "raw_tracepoint__": BPF.RAW_TRACEPOINT, "kfunc__": BPF.TRACING, "kretfunc__": BPF.TRACING,
                 "kmod_ret__": BPF.TRACING, "bpf_iter__": BPF.TRACING, "lsm__": BPF.LSM}
KINDS_BY_CONTEXT = {"__sk_buff": BPF.SCHED_CLS, "xdp_md": BPF.XDP, "bpf_perf_event_data": BPF.PERF_EVENT, "bpf_sock_ops": BPF.SOCK_OPS,
                    "bpf_raw_tracepoint_args": BPF.RAW_TRACEPOINT, "tracepoint__": BPF.TRACEPOINT}


def kind_of(source, name):
    """What a program is: its name says so, or its context."""
    for prefix, kind in KINDS_BY_NAME.items():
        if name.startswith(prefix):
            return kind
    if re.search(r"\bBPF_PROG\(%s\b" % re.escape(name), source):
        return BPF.RAW_TRACEPOINT
    if "get_local_storage" in source:
        return BPF.CGROUP_SKB
    found = re.search(r"\b%s\s*\(\s*struct (\w+)" % re.escape(name), source)
    return next((kind for context, kind in KINDS_BY_CONTEXT.items() if found and found[1].startswith(context)), BPF.KPROBE)


@pytest.mark.parametrize("block", of("c", without=("skip", "error")), ids=str)
def test_source_loads(block):
    try:
        load_all(block.text)
    except Refused as error:
        if not block.lacks(str(error)):
            raise
    finally:
        # What the reference's source pins outlives it.
        Path("/sys/fs/bpf/ebcc_reference_totals").unlink(missing_ok=True)


@pytest.mark.parametrize("block", [block for block in of("c") if "error" in block.words], ids=str)
def test_source_is_refused(block):
    """The last comment of the source quotes the error."""
    expected = re.findall(r"^// (.*)$", block.text, re.MULTILINE)[-1]
    with pytest.raises(Refused) as caught:
        load_all(block.text)
    assert " ".join(expected.split()) in " ".join(str(caught.value).split())


# What scripts of the documents trace: files are opened, programs executed, data is read, all the time.
WORKLOAD = """
import os, signal, socket, subprocess, time
while True:
    for path in ("/etc/hostname", "/etc/no-such-file"):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError:
            pass
    subprocess.run(["/bin/true"])
    with open("/etc/passwd", "rb") as file:
        file.read(100)
    a, b = socket.socketpair()
    a.send(b"x"), b.recv(1), a.close(), b.close()
    open("/tmp/ebcc-docs-%d" % os.getpid(), "w").close()
    os.unlink("/tmp/ebcc-docs-%d" % os.getpid())
    time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def workload():
    process = subprocess.Popen(["/usr/bin/python3", "-c", WORKLOAD])
    yield process.pid
    process.kill()
    process.wait()


def scripts(language):
    """[[block, ...]]: the blocks of a language below one heading make one script."""
    sections = {}
    for block in of(language):
        sections.setdefault((block.path, block.section), []).append(block)
    return list(sections.values())


def names(blocks):
    return str(blocks[0])


def run_script(command, blocks, workload):
    """Runs a script, interrupts it when it runs on, and returns what it did wrong, or None."""
    environment = {**os.environ, "WORKLOAD_PID": str(workload)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=REPOSITORY,
                               env=environment, start_new_session=True)
    deadline, interrupted = time.monotonic() + 300, False
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=3 if not interrupted else 5)
                break
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, f"{blocks[0]}: an interrupt does not end it"
                os.killpg(process.pid, signal.SIGINT)
                interrupted = True
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    if process.returncode == 0:
        return None
    # An interrupt that arrives while everything is detached ends a script with 130 and no traceback.
    if interrupted and (process.returncode in (130, -signal.SIGINT) or re.search(r"KeyboardInterrupt|interrupted", output)):
        return None
    if any(block.lacks(output.splitlines()[-1] if output else "") for block in blocks):
        return None
    return output


def python_script(blocks):
    """The text of a script, whose tracebacks name the document."""
    parts = ["from ebcc import BPF", "import os, time", "import signal",
             "signal.signal(signal.SIGINT, signal.default_int_handler)", "WORKLOAD_PID = int(os.environ['WORKLOAD_PID'])"]
    for block in blocks:
        for name in {"b", "module"} & set(block.words):
            parts.append(f"{name} = BPF(text={block.before.text!r})")
        text = "\n" * block.line + block.text
        parts.append(f"exec(compile({text!r}, {str(block)!r}, 'exec'), globals())")
    return "\n".join(parts)


@pytest.mark.parametrize("blocks", scripts("python"), ids=names)
def test_python(blocks, workload, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(python_script(blocks), encoding="utf-8")
    wrong = run_script(["/usr/bin/python3", path], blocks, workload)
    assert wrong is None, wrong


def lua_script(blocks):
    parts = ['ebcc = require "ebcc"', "BPF = ebcc.BPF", 'WORKLOAD_PID = tonumber(os.getenv("WORKLOAD_PID"))']
    for block in blocks:
        if "b" in block.words:
            parts.append(f"b = BPF:new{{text = [=====[\n{block.before.text}]=====]}}")
        parts.append(f"assert(load([=====[\n{block.text}]=====], '@{block}'))()")
    return "\n".join(parts)


@pytest.mark.parametrize("blocks", scripts("lua"), ids=names)
def test_lua(blocks, workload, tmp_path):
    path = tmp_path / "script.lua"
    path.write_text(lua_script(blocks), encoding="utf-8")
    command = [REPOSITORY / "build/lua/bcc-lua", path] if "BPF, utils" in blocks[0].text else ["/usr/bin/lua5.4", path]
    wrong = run_script(command, blocks, workload)
    assert wrong is None, wrong


@pytest.mark.parametrize("block", of("capi"), ids=str)
def test_c_program_links(block, tmp_path):
    text = block.text
    if "ebcc.h" not in text:
        text = "#include <ebcc.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#line %d\n" % block.line + text
    if not re.search(r"\bmain\(", text):
        text += "\nint main(void) { return 0; }\n"
    source = tmp_path / "program.c"
    source.write_text(text)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "ebcc"], capture_output=True, text=True, check=True).stdout.split()
    done = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", source, *flags, "-o", tmp_path / "program"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def commands(text):
    """The commands of a shell block, one a line, without comments and what is piped on."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        ends = [at for at, word in enumerate(words) if word in ("|", ">", "&", "&&", ";", "2>")]
        if words:
            yield words[:ends[0]] if ends else words


@pytest.mark.parametrize("block", of("sh", without=("skip", "run")), ids=str)
def test_commands_are_there(block, workload, tmp_path):
    for words in commands(block.text):
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


if __name__ == "__main__":
    try:
        load_here(sys.stdin.read())
    except ebcc.Error as error:
        sys.exit(str(error))
