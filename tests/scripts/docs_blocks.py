"""The blocks of code in the documents: what they are, and how they run. test_docs_blocks.py runs them on this machine,
tests/vm/guest_docs.py those that need more of a kernel.

A block's first line says what it is, after the language:

    c                   a source in the dialect: compiled, and each program loaded
    c error             a source that must not compile or load: the block's last comment has a part of the message
    python, lua         run. Blocks below one heading are one script, in their order
    python b, lua b     the same, where b is the BPF object of the C block before it; `python module` calls it module
    capi                a program against ebcc.h, compiled, linked and run. Without a main() it is a part of the program
                        that the document's block `capi frame` is
    sh                  every command is there; options of this project's tools are parsed by them
    sh run              run; every command in it must succeed
    ... skip            not run: commands that change the machine. A few only

Words that follow:

    endless             it ends by Ctrl-C only, which it gets when it has printed a line
    needs=kprobes       or fentry, lsm, module: some kernels lack that. There a block may end by the error that says so, and
                        by nothing else
    since=5.11          older kernels have not what it needs
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import ebcc
from ebcc import BPF, _ebcc

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
BLOCK = re.compile(r"^(?P<indent> *)```(?P<words>[^\n]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
BUILD = Path(os.path.abspath(ebcc.__file__)).parents[2]  # not resolved: in a build tree the package is a link

LANGUAGES = {"c", "python", "lua", "capi", "sh", "text", "mermaid"}
WORDS = {"error", "b", "module", "frame", "run", "skip", "endless"}
# What the library says if a kernel lacks it.
NEEDS = {"kprobes": "this kernel has no kprobes", "fentry": "this kernel does not run f(entry|exit|mod_ret) programs",
         "lsm": "this kernel does not run lsm programs", "module": r"has no function \w+__\w+"}

# How long a script may take. A guest is emulated.
LIMIT = 300


class Block:
    """One block of code: where it stands, what it is and its text."""

    def __init__(self, path, text, match, section):
        words = match["words"].split()
        self.path = path
        self.line = text.count("\n", 0, match.start()) + 1
        self.language = words[0] if words else "text"
        self.words = [word for word in words[1:] if "=" not in word]
        self.needs = self.values(words, "needs")
        self.since = tuple(int(number) for since in self.values(words, "since") for number in since.split("."))
        self.text = textwrap.dedent(match["text"])
        self.section = section
        self.before = None

    @staticmethod
    def values(words, key):
        """What follows KEY= in the first line."""
        return [word.removeprefix(key + "=") for word in words if word.startswith(key + "=")]

    def __str__(self):
        return f"{self.path.relative_to(REPOSITORY)}:{self.line}"

    def lacks(self, message):
        """Whether an error says that the kernel has not what the block says that it needs. The guests' kernels have it."""
        return not os.environ.get("EBCC_VM") and any(re.search(NEEDS[need], message) for need in self.needs)


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
    """The blocks of some languages."""
    return [block for block in BLOCKS if block.language in languages and not set(without) & set(block.words)]


def scripts(language):
    """[[block, ...]]: the blocks of a language below one heading make one script."""
    sections = {}
    for block in of(language):
        sections.setdefault((block.path, block.section), []).append(block)
    return list(sections.values())


def name_of(blocks):
    """Of a test of a script."""
    return str(blocks[0])


def commands(block):
    """The commands of a shell block, one a line, without comments and what is piped on."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        ends = [at for at, word in enumerate(words) if word in ("|", ">", "&", "&&", ";", "2>")]
        if words:
            yield words[:ends[0]] if ends else words


# ---- Sources ----


class Refused(Exception):
    """A source that does not compile or load."""


def load_all(source, *steps):
    """Compiles a source, makes its maps and loads its programs, in a process of its own; with the step "attach", attaches
    those whose names say where to. Raises Refused."""
    done = subprocess.run(["/usr/bin/python3", __file__, *steps], input=source, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode:
        raise Refused(done.stderr if done.returncode == 1 else f"the loader ended with {done.returncode}: {done.stderr}")


def load_here(source, steps):
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
    if "attach" in steps:
        module.attach_named()


KINDS_BY_NAME = {prefix.decode(): kind for prefix, kind in _ebcc.PROGRAM_KINDS.values()}
KINDS_BY_CONTEXT = {"__sk_buff": BPF.SCHED_CLS, "xdp_md": BPF.XDP, "bpf_perf_event_data": BPF.PERF_EVENT, "bpf_sock_ops": BPF.SOCK_OPS,
                    "bpf_raw_tracepoint_args": BPF.RAW_TRACEPOINT, "tracepoint__": BPF.TRACEPOINT, "sk_msg_md": BPF.SK_MSG}
KINDS_BY_CALL = {"get_local_storage": BPF.CGROUP_SKB, "sk_redirect": BPF.SK_SKB, "sk_storage_get": BPF.CGROUP_SKB}


def kind_of(source, name):
    """What a program is: its name says so, what it calls, or its context."""
    for prefix, kind in KINDS_BY_NAME.items():
        if name.startswith(prefix):
            return kind
    if re.search(r"\bBPF_PROG\(%s\b" % re.escape(name), source):
        return BPF.RAW_TRACEPOINT
    found = re.search(r"\b%s\s*\(\s*struct (\w+)" % re.escape(name), source)
    if found and found[1] == "__sk_buff":
        for call, kind in KINDS_BY_CALL.items():
            if call in source:
                return kind
    return next((kind for context, kind in KINDS_BY_CONTEXT.items() if found and found[1].startswith(context)), BPF.KPROBE)


# ---- What is traced ----

# A user that nobody is. The workload runs as that user, and what scripts trace on this machine is its events alone.
USER = 4711
FILTER = f" if ((u32)bpf_get_current_uid_gid() != {USER}) return 0; "
PROBE = re.compile(r"\b(?:RAW_)?TRACEPOINT_PROBE\([^()]*\)\s*\{")

# Files are opened, programs executed, data is read, all the time. A file has the number of rounds.
WORKLOAD = """
import itertools, mmap, os, socket, subprocess, sys, time
directory = os.open("/tmp", os.O_RDONLY)
name = "ebcc-docs-%d" % os.getpid()
with open("/tmp/" + name + ".rounds", "w+b") as file:
    os.truncate(file.fileno(), 8)
    rounds = mmap.mmap(file.fileno(), 8)
for number in itertools.count():
    rounds[:] = number.to_bytes(8, "little")
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
    open("/tmp/" + name, "w").close()
    os.unlink(name, dir_fd=directory)
    print("running", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def rounds_of(pid):
    """The file with a workload's rounds. It belongs to another process, which can't wake a script: scripts look again."""
    return Path(f"/tmp/ebcc-docs-{pid}.rounds")


PYTHON_SLEEP = """
def sleep(seconds, real=time.sleep):
    def rounds():
        with open(os.environ["WORKLOAD_ROUNDS"], "rb") as file:
            return int.from_bytes(file.read(), "little")
    real(seconds)
    awaited = rounds() + 2
    while rounds() < awaited:
        real(0.01)
time.sleep = sleep
"""

LUA_SLEEP = """
local real = ebcc.posix.sleep
local function rounds()
  local file <close> = assert(io.open(os.getenv("WORKLOAD_ROUNDS"), "rb"))
  return string.unpack("<i8", file:read(8))
end
function ebcc.posix.sleep(seconds)
  real(seconds)
  local awaited = rounds() + 2
  while rounds() < awaited do real(0.01) end
end
"""


@contextlib.contextmanager
def workload(pause=0.02):
    """Gives the pid of a running workload, which has a user and a mount namespace of its own. Where a script sleeps, for
    something to happen, it waits for a whole round of the workload, too."""
    command = ["unshare", "--mount", "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
               "/usr/bin/python3", "-c", WORKLOAD, str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "running\n"
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        try:
            yield process.pid
        finally:
            process.kill()
            drain.join()
            rounds_of(process.pid).unlink()


def narrowed(text):
    """A script or program whose probes leave out all but the workload's events."""
    return PROBE.sub(lambda match: match.group() + FILTER, text)


def unchanged(text):
    """In place of narrowed(), on a machine that is the test's own."""
    return text


# ---- Scripts ----

# Stands in the output where the endless part begins.
ENDLESS = "endless from here on:"
PRINTING = re.compile(ENDLESS + r"\n(?!Traceback|lua5\.4:|bcc-lua:).*\n")


class Script:
    """A running script, whose output is read as it comes."""

    def __init__(self, command, directory, environment):
        self.output = ""
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                                        cwd=directory, env=environment, start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        """Runs in a thread."""
        for line in self.process.stdout:
            self.output += line

    def wait_for(self, condition, what):
        """Waits until something is so, or the script has ended."""
        deadline = time.monotonic() + LIMIT
        while self.process.poll() is None and not condition():
            assert time.monotonic() < deadline, f"{what}:\n{self.output}"
            time.sleep(0.02)

    def signal(self, number):
        """To the script and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def error_of(output):
    """The error that ended a script: the last line, or, where Lua adds a traceback, what comes before that."""
    lines = output.partition("\nstack traceback:")[0].splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("lua5.4: ")), -1)
    return "\n".join(lines[first:])


def run_script(command, blocks, pid, directory):
    """Runs a script in a directory, and returns what it did wrong, or None."""
    environment = {**os.environ, "WORKLOAD_PID": str(pid), "WORKLOAD_ROUNDS": str(rounds_of(pid)), "PYTHONUNBUFFERED": "1"}
    endless, interrupted = any("endless" in block.words for block in blocks), False
    script = Script(command, directory, environment)
    try:
        if endless:
            script.wait_for(lambda: PRINTING.search(script.output), "its endless part prints nothing")
            interrupted = script.process.returncode is None
            script.signal(signal.SIGINT)
        script.wait_for(lambda: False, "it does not end")
    finally:
        script.signal(signal.SIGKILL)
        script.process.wait()
        script.reader.join()
    status, output = script.process.returncode, script.output
    if status and any(block.lacks(error_of(output)) for block in blocks):
        return None
    if endless:
        # An interrupt that arrives while everything is detached ends a script with 130 and no traceback.
        well = interrupted and (status in (0, 130, -signal.SIGINT) or re.search(r"KeyboardInterrupt|interrupted", output))
        return None if well else output or f"exit status {status}"
    return None if status == 0 else output or f"exit status {status}"


def python_script(blocks, limited):
    """The text of a script, whose tracebacks name the document."""
    parts = ["from ebcc import BPF", "import os, time", "import signal",
             "signal.signal(signal.SIGINT, signal.default_int_handler)", "WORKLOAD_PID = int(os.environ['WORKLOAD_PID'])", PYTHON_SLEEP]
    for block in blocks:
        for name in {"b", "module"} & set(block.words):
            parts.append(f"{name} = BPF(text={limited(block.before.text)!r})")
        if "endless" in block.words:
            parts.append(f"print({ENDLESS!r})")
        text = "\n" * block.line + limited(block.text)
        parts.append(f"exec(compile({text!r}, {str(block)!r}, 'exec'), globals())")
    return "\n".join(parts)


def is_for_bcc_lua(block):
    """Whether it is of the shape that only bcc-lua runs."""
    return "(BPF, utils)" in block.text


def lua_script(blocks, limited):
    """The same in Lua."""
    parts = ["io.stdout:setvbuf('line')", 'ebcc = require "ebcc"', "BPF = ebcc.BPF", 'WORKLOAD_PID = tonumber(os.getenv("WORKLOAD_PID"))', LUA_SLEEP]
    for block in blocks:
        if "b" in block.words:
            parts.append(f"b = BPF:new{{text = [=====[\n{limited(block.before.text)}]=====]}}")
        if "endless" in block.words:
            parts.append(f"print('{ENDLESS}')")
        # A script for bcc-lua returns a function.
        parts.append(f"{'return ' if is_for_bcc_lua(block) else ''}assert(load([=====[\n{limited(block.text)}]=====], '@{block}'))()")
    return "\n".join(parts)


def run_python(blocks, pid, directory, limited=narrowed):
    """Runs the blocks of a section. Returns what is wrong, or None."""
    path = directory / "script.py"
    path.write_text(python_script(blocks, limited), encoding="utf-8")
    return run_script(["/usr/bin/python3", path], blocks, pid, directory)


def run_lua(blocks, pid, directory, limited=narrowed):
    """The same in Lua, by the program that they are for."""
    path = directory / "script.lua"
    path.write_text(lua_script(blocks, limited), encoding="utf-8")
    command = [BUILD / "lua/bcc-lua", path] if is_for_bcc_lua(blocks[-1]) else ["/usr/bin/lua5.4", path]
    return run_script(command, blocks, pid, directory)


# ---- Programs in C ----


def program_text(block, limited):
    """The whole program of a block."""
    text = f'#line {block.line + 1} "{block}"\n' + limited(block.text)
    if re.search(r"\bmain\(", block.text):
        return text
    frame = next(other for other in BLOCKS if other.path == block.path and "frame" in other.words)
    return f'#line {frame.line + 1} "{frame}"\n{frame.text}{text}'


def build_program(block, directory, limited=narrowed):
    """Compiles and links a block; returns the program's path."""
    source = directory / "program.c"
    source.write_text(program_text(block, limited), encoding="utf-8")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "ebcc"], capture_output=True, text=True, check=True).stdout.split()
    # A function of a callback's type need not use all parameters, nor run() its module.
    command = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", source, *flags, "-o", directory / "program"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return directory / "program"


def remove_pins():
    """What a block pins outlives it."""
    for path in Path("/sys/fs/bpf").glob("ebcc_reference_*"):
        path.unlink()


if __name__ == "__main__":
    try:
        load_here(sys.stdin.read(), sys.argv[1:])
    except ebcc.Error as error:
        sys.exit(str(error))
