"""Mistakes in the arguments of tools give one line, and an exit status that says so."""
import os
import pty
import re
import signal
import subprocess
import threading
import time

import pytest
from ebcc.tools import cli
from toolrun import LIMIT, TOOLS, Tool, command_of, run

NAMES = sorted(path.name for path in TOOLS.iterdir() if path.is_file() and not path.suffix)
# The arguments that a tool requires.
NEEDED = {name: ["c:malloc"] for name in ("funccount", "funclatency", "stackcount")}
NO_PROCESS = 1 << 22  # above the kernel's maximum
OWN = os.getpid()
# The arguments with which a tool traces for a number of seconds: this process, if it can choose one.
FOR_SECONDS = {
    "bashreadline": ["-u", "root", "-d", "SECONDS"],
    "biolatency": ["SECONDS", "1"],
    "execsnoop": ["-P", OWN, "-d", "SECONDS"],
    "funccount": ["-p", OWN, "-d", "SECONDS", "c:malloc"],
    "funclatency": ["-p", OWN, "-d", "SECONDS", "c:malloc"],
    "gethostlatency": ["-p", OWN, "-d", "SECONDS"],
    "killsnoop": ["-p", OWN, "-d", "SECONDS"],
    "memleak": ["-p", OWN, "SECONDS", "1"],
    "offcputime": ["-p", OWN, "SECONDS"],
    "opensnoop": ["-p", OWN, "-d", "SECONDS"],
    "profile": ["-p", OWN, "SECONDS"],
    "softirqs": ["SECONDS", "1"],
    "sslsniff": ["-p", OWN, "--duration", "SECONDS"],
    "stackcount": ["-p", OWN, "-D", "SECONDS", "c:malloc"],
    "syncsnoop": ["-p", OWN, "-d", "SECONDS"],
}

WRONG_USAGE = [
    ("biolatency", ["0"], b"'0' is not a number of seconds"),
    ("biolatency", ["x"], b"'x' is not a number of seconds"),
    ("biolatency", ["1", "0"], b"0 is not possible"),
    ("biolatency", ["1", "2", "3"], b"3"),
    ("execsnoop", ["-u", "no-such-user"], b"there is no user 'no-such-user'"),
    ("execsnoop", ["-n", "("], b"'(' is not a regular expression"),
    ("execsnoop", ["-P", "0"], b"0 is not possible"),
    ("execsnoop", ["--max-args", "257"], b"257 is more than 256"),
    ("funccount", [], b"PATTERN"),
    ("funccount", ["t:sched"], b"'t:sched' is not a pattern"),
    ("funccount", ["p:"], b"'p:' is not a pattern"),
    ("funccount", ["-r", "vfs_("], b"'vfs_(' is not a regular expression"),
    ("funccount", ["-i", "0", "vfs_read"], b"'0' is not a number of seconds"),
    ("offcputime", ["-p", "1", "-t", "1"], b"not allowed with"),
    ("offcputime", ["-u", "-k"], b"not allowed with"),
    ("offcputime", ["-k", "-U"], b"threads of the kernel (-k) don't have user stacks"),
    ("offcputime", ["-m", "5", "-M", "4"], b"-m is larger than -M"),
    ("offcputime", ["-m", "0"], b"0 is not possible"),
    ("offcputime", ["--state", "-1"], b"'-1' is not a whole number"),
    ("offcputime", ["nothing"], b"'nothing' is not a number of seconds"),
    ("opensnoop", ["-p", "0"], b"0 is not possible"),
    ("opensnoop", ["-p", "99999999999"], b"is not a whole number below 2^32"),
    ("opensnoop", ["-d", "-1"], b"is not a number of seconds"),
    ("opensnoop", ["-d", "nan"], b"is not a number of seconds"),
    ("opensnoop", ["-b", "3"], b"'3' is not a power of two"),
    ("opensnoop", ["-b", "0"], b"'0' is not a power of two"),
    ("opensnoop", ["-f", "O_NONSENSE"], b"O_NONSENSE"),
    ("opensnoop", ["-f", "path"], b"'path' is not a flag"),
    ("opensnoop", ["-u", "no-such-user"], b"there is no user 'no-such-user'"),
    ("opensnoop", ["extra"], b"extra"),
    ("profile", ["-p", "1,"], b"'' is not a whole number"),
    ("profile", ["-p", "1", "-L", "1"], b"not allowed with"),
    ("profile", ["-F", "49", "-c", "100"], b"not allowed with"),
    ("profile", ["-F", "0"], b"0 is not possible"),
    ("profile", ["-U", "-K"], b"not allowed with"),
    ("profile", ["-f", "--json"], b"not allowed with"),
    ("profile", ["--stack-storage-size", "0"], b"0 is not possible"),
    ("profile", ["--stack-storage-size", "99999999"], b"99999999 stacks would not fit"),
    ("profile", ["--flamegraph", ""], b"'' is not the name of a file"),
    ("profile", ["--min-width", "-1"], b"is not a number of pixels"),
    ("profile", ["0"], b"'0' is not a number of seconds"),
    ("profile", ["5", "6"], b"6"),
    ("softirqs", ["0"], b"'0' is not a number of seconds"),
    ("softirqs", ["1", "0"], b"0 is not possible"),
    ("softirqs", ["-c", "-1"], b"-c"),
    ("softirqs", ["-C", "-d"], b"not allowed with"),
    ("stackcount", [], b"PATTERN"),
    ("stackcount", ["t:sched"], b"'t:sched' is not a pattern"),
    ("stackcount", ["-r", "vfs_("], b"'vfs_(' is not a regular expression"),
    ("stackcount", ["-i", "0", "vfs_read"], b"'0' is not a number of seconds"),
    ("stackcount", ["-K", "-U", "vfs_read"], b"not allowed with"),
    ("killsnoop", ["-s", "65"], b"'65' is not a whole number from 0 to 64"),
    ("killsnoop", ["-s", "FOO"], b"there is no signal 'FOO'"),
    ("killsnoop", ["-s", "RTMIN+99"], b"there is no signal 'RTMIN+99'"),
    ("killsnoop", ["-d", "0"], b"'0' is not a number of seconds"),
    ("killsnoop", ["more"], b"too many arguments"),
    ("syncsnoop", ["-c", "open"], b"must be one of 'sync'"),
    ("syncsnoop", ["-u", "-1"], b"unknown option '-1'"),
    ("syncsnoop", ["-d", "x"], b"'x' is not a number of seconds"),
    ("syncsnoop", ["more"], b"too many arguments"),
    ("gethostlatency", ["-m", "-1"], b"'-1' is not a number of milliseconds"),
    ("memleak", ["-c", ""], b"-c needs a command"),
    ("sslsniff", ["-o", "-g", "-n"], b"-o, -g and -n leave nothing to trace"),
]


def mistake(name, *arguments, **options):
    """Runs a tool that must fail before it traces; returns the exit status and the message."""
    status, output, errors = run(name, *arguments, **options)
    assert output == b""
    assert errors.count(b"\n") == 1 and errors.startswith(name.encode() + b": ")
    return status, errors


@pytest.mark.parametrize(("name", "arguments", "reason"), WRONG_USAGE,
                         ids=lambda value: "_".join(value) if isinstance(value, list) else None)
def test_wrong_usage(name, arguments, reason):
    status, errors = mistake(name, *arguments)
    assert status == 2 and reason in errors


@pytest.mark.parametrize("name", NAMES)
def test_source_is_printed(name):
    """The values of constants come first; the source after them declares each of these constants."""
    status, output, errors = run(name, "--ebpf", *NEEDED.get(name, []))
    assert (status, errors) == (0, b"")
    constants = re.findall(r"^/\* (\w+) = .* \*/$", output.decode(), re.MULTILINE)
    declared = set(re.findall(r"^const volatile \w+(?: \w+)* (\w+)(?:\[.*\])?(?: = .*)?;", output.decode(), re.MULTILINE))
    assert constants and {*constants} - declared == set()
    assert re.search(r"^(?:int \w+\(|[A-Z_]+_PROBE\()", output.decode(), re.MULTILINE)


def test_printed_source_depends_on_options(tmp_path):
    _, output, _ = run("funccount", "--ebpf", "-p", os.getpid(), "c:malloc")
    assert b"/* target_pid = %d */\n" % os.getpid() in output and b"\n/* entries of calls: 2 */\n" in output
    # The command is not run.
    _, output, _ = run("memleak", "--ebpf", "-c", "touch %s/made" % tmp_path)
    assert b"#define OF_KERNEL" not in output and os.listdir(tmp_path) == []
    assert b"\n#define OF_KERNEL\n" in run("memleak", "--ebpf")[1]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_option(name):
    status, errors = mistake(name, *NEEDED.get(name, []), "--frobnicate")
    assert status == 2
    assert b"--frobnicate" in errors and b"--help" in errors


@pytest.mark.parametrize("name", sorted({*NAMES} - {"biolatency", "softirqs"}))
def test_missing_process(name):
    """Otherwise the tool would wait forever."""
    option = "-P" if name == "execsnoop" else "-p"
    assert mistake(name, option, NO_PROCESS, *NEEDED.get(name, [])) == (
        1, b"%s: there is no process %d\n" % (name.encode(), NO_PROCESS))
    status, errors = mistake(name, option, "x", *NEEDED.get(name, []))
    assert status == 2 and b"'x' is not a whole number" in errors


@pytest.mark.parametrize(("name", "option"), [("opensnoop", "-t"), ("offcputime", "-t"),
                                              ("profile", "-L")])
def test_missing_thread(name, option):
    assert mistake(name, option, NO_PROCESS)[0] == 1


@pytest.mark.parametrize(("name", "option"), [("funccount", "-c"), ("stackcount", "-c"),
                                              ("softirqs", "-c"), ("profile", "-C")])
def test_missing_cpu(name, option):
    status, errors = mistake(name, option, 4095, *NEEDED.get(name, []))
    assert status == 2
    assert b"CPU 4095 is not online" in errors


def arguments_of(name, seconds):
    """The arguments in FOR_SECONDS, with this number of seconds."""
    return [seconds if word == "SECONDS" else word for word in FOR_SECONDS[name]]


@pytest.mark.parametrize("name", NAMES)
def test_ordinary_user(name):
    """Other users than root get one line, which says that root is needed."""
    assert mistake(name, *NEEDED.get(name, []), user=65534, group=65534, extra_groups=[]) == (
        1, b"%s: tracing needs root, or the capabilities CAP_BPF and CAP_PERFMON\n" % name.encode())


@pytest.mark.parametrize(("capabilities", "status"), [("+bpf,+perfmon", 0), ("+bpf", 1)])
def test_capabilities_instead_of_root(capabilities, status):
    """The two capabilities in that message are enough, if what is traced needs no others."""
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}",
                           *command_of("offcputime", ["-U", "-p", OWN, "0.1"])],
                          capture_output=True, check=False, timeout=LIMIT)
    assert done.returncode == status, done.stderr
    assert (b"needs root" in done.stderr) == bool(status)


@pytest.mark.parametrize("name", NAMES)
def test_version(name):
    """Users who may not trace get the version of ebcc too."""
    status, output, errors = run(name, "--version", user=65534, group=65534, extra_groups=[])
    assert (status, errors) == (0, b"")
    assert re.fullmatch(rb"%s \(ebcc \d+\.\d+\.\d+\)\n" % name.encode(), output)


@pytest.mark.parametrize("arguments", ["--help", "trace"])
@pytest.mark.parametrize("name", NAMES)
def test_output_that_cannot_be_written(name, arguments):
    """One line, and an exit status."""
    chosen = arguments_of(name, "0.1") if arguments == "trace" else [arguments]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command_of(name, chosen), stdout=full, stderr=subprocess.PIPE,
                              check=False, timeout=LIMIT)
    assert (done.returncode, done.stderr) == (
        1, b"%s: cannot write the output: No space left on device\n" % name.encode())


INTERRUPTED = """
import os, signal, threading, time
from ebcc.tools import cli

interrupts, lines = 0, []
reader, writer = os.pipe()
file = open(writer, "w")
output = cli._open_output(file)

def interrupt(number, frame):
    global interrupts
    interrupts += 1
    raise KeyboardInterrupt

def read():
    for line in open(reader):
        lines.append(line)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

signal.signal(signal.SIGINT, interrupt)
threading.Thread(target=read, daemon=True).start()
for number in range(1000):
    print(number, file=output)
    while True:
        try:
            output.flush()
            while interrupts <= number:
                time.sleep(1e-4)  # the signal ends it; without a limit it could arrive just before, and be missed
            break
        except KeyboardInterrupt:
            pass
assert lines == [f"{number}\\n" for number in range(1000)], lines
"""


def test_output_is_written_once():
    """Even if a signal arrives as soon as it is written."""
    subprocess.run(["/usr/bin/python3", "-c", INTERRUPTED], check=True, timeout=LIMIT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_during_an_output(number):
    """The output is finished, and what came since follows; a second interrupt ends it."""
    outputs = []
    for _ in cli.intervals(0.01):
        outputs.append("begun")
        if len(outputs) == 3:  # the second one
            os.kill(os.getpid(), number)
        outputs.append("finished")
    assert outputs == ["begun", "finished"] * 3
    with pytest.raises(KeyboardInterrupt):
        for _ in cli.intervals(0.01):
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            outputs.append("after two")
    assert outputs[-1] == "finished"


def test_interrupt_of_a_wait():
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert len(list(cli.intervals(1000))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_output_that_nobody_reads(name):
    """It ends silently when nobody reads its output."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command_of(name, arguments_of(name, "1000")), stdout=writer,
                          stderr=subprocess.PIPE, check=False, timeout=LIMIT)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("name", NAMES)
def test_closed_output(name):
    done = subprocess.run(command_of(name, arguments_of(name, "0.1")), stderr=subprocess.PIPE,
                          check=False, timeout=LIMIT, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (
        1, b"%s: standard output is closed\n" % name.encode())


@pytest.mark.parametrize("name", NAMES)
def test_repeated_interrupts(name):
    """However often Ctrl-C comes, and whatever the tool is doing, there is no traceback."""
    with Tool(name, *arguments_of(name, "1000")) as tool:
        tool.wait_for(bool)
        while tool.process.poll() is None:
            tool.process.send_signal(signal.SIGINT)
            time.sleep(0.003)
        status, _, errors = tool.end()
    assert status in (0, -signal.SIGINT)
    assert errors == b""


@pytest.mark.parametrize("name", ["bashreadline", "execsnoop", "gethostlatency", "opensnoop",
                                  "sslsniff", "syncsnoop"])
def test_users(name):
    """Users can be given by name; an unknown one is a mistake."""
    duration = "--duration" if name == "sslsniff" else "-d"
    own = {"bashreadline": [], "execsnoop": ["-P", OWN]}.get(name, ["-p", OWN])
    status, _, errors = run(name, "-u", "root", *own, duration, "0.1")
    assert (status, errors) == (0, b"")
    status, errors = mistake(name, "-u", "no-such-user", duration, "0.1")
    assert status == 2 and b"there is no user 'no-such-user'" in errors


@pytest.mark.parametrize("signal_", ["10", "USR1", "SIGUSR1", "sigusr1", "RTMIN", "RTMAX-1", "0"])
def test_signals(signal_):
    status, _, errors = run("killsnoop", "-s", signal_, "-d", "0.1")
    assert (status, errors) == (0, b"")


@pytest.mark.parametrize(("command", "reason"), [
    ("/nonexistent", b"cannot start /nonexistent: there is no such program"),
    ("no-such-program -x", b"cannot start no-such-program: there is no such program"),
    ("./data", b"cannot start ./data: it is not a program")])
def test_command_that_cannot_run(monkeypatch, tmp_path, command, reason):
    (tmp_path / "data").touch(0o600)
    monkeypatch.chdir(tmp_path)
    assert mistake("memleak", "-c", command) == (1, b"memleak: " + reason + b"\n")


def test_interrupt_while_attaching():
    """Attaching to hundreds of tracepoints shows progress. Ctrl-C ends the tool before anything is
    attached, as that would have to be detached one by one."""
    terminal, end = pty.openpty()
    shown = bytearray()

    def read():
        try:
            while data := os.read(terminal, 65536):
                shown.extend(data)
        except OSError:
            pass  # raised when no process has the terminal open any longer

    with subprocess.Popen(command_of("funccount", ["t:syscalls:sys_enter_*"]), stderr=end,
                          stdout=subprocess.PIPE) as process:
        os.close(end)
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        give_up = time.monotonic() + LIMIT
        while not re.search(rb"\d+ s: \d+ of \d+ programs loaded", shown):
            assert process.poll() is None and time.monotonic() < give_up, shown
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT)
    reader.join(timeout=LIMIT)
    os.close(terminal)
    assert (process.returncode, output) == (0, b"")
    assert b"Traceback" not in shown and shown.endswith(b"\r\x1b[K")


def test_picture_that_cannot_be_written():
    """The error is reported before anything is traced, not after it."""
    assert mistake("profile", "--flamegraph", "/no/directory/x.svg", "1000") == (
        1, b"profile: /no/directory/x.svg: No such file or directory\n")


@pytest.mark.parametrize(("name", "arguments"), [
    ("bashreadline", ["-s"]), ("gethostlatency", ["-l"]), ("memleak", ["-p", os.getpid(), "-O"]),
    ("sslsniff", ["-o", "-g", "-n", "--extra-lib"])])
def test_go_program(tmp_path, name, arguments):
    """Return probes may crash such programs; --force accepts that."""
    path = tmp_path / "gopher"
    subprocess.run(["cc", "-o", path, "-xc", "-"], text=True, check=True, input=(
        '__attribute__((section(".go.buildinfo"), used, aligned(16))) static const char mark[32] = '
        '"\\xff Go buildinf:"; int main(void) { return 0; }'))
    file = f"openssl:{path}" if name == "sslsniff" else path
    status, errors = mistake(name, *arguments, file)
    assert status == 1
    assert b"was built by the Go compiler" in errors and b"--force" in errors
    status, errors = mistake(name, *arguments, file, "--force")
    assert status == 1 and b"Go compiler" not in errors


@pytest.mark.parametrize("name", NAMES)
def test_help(name):
    """The help has options, examples, and the meaning of the exit status."""
    status, output, errors = run(name, "--help")
    assert (status, errors) == (0, b"")
    assert output.lower().startswith(b"usage: %s " % name.encode())
    examples, exit_status = output.split(b"\nexamples:\n")[1].rsplit(b"\n\n", 1)
    assert examples.count(b"\n  %s" % name.encode()) >= 4
    assert exit_status.startswith(b"exit status: 0 ")
