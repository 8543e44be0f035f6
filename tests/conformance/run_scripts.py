#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs Debian's scripts one after another inside a guest, each beside its workload; prints a line of JSON for each.

Started by tests/conformance/scripts. scripts.toml says what to run and what output to expect. The module under test is the
one in PYTHONPATH, or Debian's own with --peer.
"""
import argparse
import json
import os
import pty
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from workload import Workload  # noqa: E402  pylint: disable=wrong-import-position

SCRATCH = "/run/ebcc-scratch"
EXAMPLES = "/usr/share/doc/bpfcc-tools/examples"
END_S = 90  # from Ctrl-C to the end, as some then resolve thousands of symbols
AGAIN_S = 15  # until the next Ctrl-C: one that arrives in a ctypes callback, as in Debian's module, is lost
DISK_BYTES = {"xfs": 320 << 20, "btrfs": 128 << 20}
KEPT_OUTPUT = 6000
# Of exceptions that were raised while handling others, the last one: it may be Ctrl-C.
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:^[ \t].*\n|^\n)*^(\S.*)$"
                       r"(?!\n\nDuring handling of the above exception)", re.MULTILINE)  # fmt: skip


def run(*command):
    """Runs a command of the setup, which fails if the command does."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def mount_scratch():
    """Creates a file system on the scratch disk and mounts it."""
    run("mkfs.ext4", "-q", "-F", "/dev/vda")
    os.makedirs(SCRATCH, exist_ok=True)
    run("mount", "-t", "ext4", "/dev/vda", SCRATCH)


def unmount_scratch():
    """Releases the scratch disk, as ext4 writes to it in the background while it is mounted."""
    run("umount", SCRATCH)


def mount_file(kind):
    """Creates a file system of another kind in a file on a tmpfs, mounts it with a loop device, and returns where."""
    directory = f"/run/ebcc-{kind}"
    if not os.path.ismount(directory):
        os.makedirs(directory, exist_ok=True)
        run("modprobe", "loop")
        image = f"/dev/shm/{kind}"
        with open(image, "wb") as file:
            file.truncate(DISK_BYTES[kind])
        run(f"mkfs.{kind}", "-q", image)
        run("mount", "-t", kind, "-o", "loop", image, directory)
    return directory


class Script:
    """One run of a script: its process, its output, and when that came."""

    def __init__(self, row, command, environment, directory):
        self.row = row
        self.output = b""
        self.started = time.monotonic()
        self.first_output = None
        self.interrupted = None
        self.last_interrupt = None
        if row.get("terminal"):
            self.reader, end = pty.openpty()
        else:
            self.reader, end = os.pipe()
        self.process = subprocess.Popen(command, env=environment, cwd=directory, stdout=end, stderr=end, start_new_session=True,
                                        stdin=end if row.get("terminal") else subprocess.DEVNULL)  # fmt: skip
        os.close(end)
        os.set_blocking(self.reader, False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.reader, selectors.EVENT_READ)

    def read(self, timeout):
        """Reads output, waiting for it at most this long."""
        if not self.selector.select(timeout):
            return
        try:
            data = os.read(self.reader, 1 << 16)
        except OSError:  # a terminal whose last user is gone
            data = b""
        if data and self.first_output is None:
            self.first_output = time.monotonic()
        self.output += data
        if not data:
            time.sleep(timeout)

    def interrupt(self):
        """Sends Ctrl-C to the whole group, as a terminal does."""
        self.interrupted = self.interrupted or time.monotonic()
        self.last_interrupt = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)

    def text(self):
        """What it has printed so far."""
        return self.output.decode(errors="replace").replace("\r\n", "\n")

    def close(self):
        """Ends it if it is still running."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.selector.close()
        os.close(self.reader)


def missing(expected, text):
    """The expressions that the text doesn't match."""
    return [pattern for pattern in expected if not re.search(pattern, text, re.MULTILINE)]


def wants_interrupt(script, expected, limit):
    """Whether it is time for Ctrl-C."""
    now = time.monotonic()
    if script.interrupted:
        return now - script.last_interrupt > AGAIN_S
    if now - script.started > limit:
        return True
    after = script.row.get("interrupt")
    if after is not None:
        return script.first_output is not None and now - script.first_output > after
    return not script.row.get("ends") and not missing(expected, script.text())


def follow(script, expected, limit):
    """Reads until the script has ended. Returns what went wrong before that, or None."""
    checked = 0
    while script.process.poll() is None:
        script.read(0.25)
        now = time.monotonic()
        if script.interrupted and now - script.interrupted > END_S:
            return f"still running {END_S} s after Ctrl-C"
        if len(script.output) != checked or script.interrupted or now - script.started > limit or "interrupt" in script.row:
            checked = len(script.output)
            if wants_interrupt(script, expected, limit):
                script.interrupt()
    for _ in range(4):
        script.read(0.05)
    return None


def judge(script, expected, problem):
    """Why the run counts as failed, in one line; None if it passed."""
    text = script.text()
    tracebacks = [last for last in TRACEBACK.findall(text) if not last.startswith("KeyboardInterrupt")]
    if tracebacks:
        return tracebacks[0][:300]
    if problem:
        return problem
    status = script.process.returncode
    if status < 0 and -status != signal.SIGINT:
        return f"killed by signal {-status}"
    absent = missing(expected, text)
    if not script.interrupted and status != script.row.get("status", 0):
        return f"exit status {status}: {(text.strip().splitlines() or ['no output'])[-1][:200]}"
    if absent:
        return f"not in the output: {absent[0]}"
    return None


class Program:
    """A process of program.c, instead of a workload."""

    def __init__(self, path, argument):
        self.process = subprocess.Popen([path, argument], start_new_session=True)
        self.pid = self.process.pid

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()


def prepare(row):
    """Prepares modules, file system and terminal for a row. Returns the values for its options."""
    for module in row.get("modules", ()):
        run("modprobe", *module.split())
    names = {"dir": mount_file(row["mount"]) if "mount" in row else SCRATCH}
    if "{tty}" in row.get("options", ""):
        _master, end = pty.openpty()
        names["tty"] = os.ttyname(end)
    return names


def command_of(row, peer):
    """The command of a row without its options, and the directory in which it runs, where examples look for their files."""
    if "example" not in row:
        return [f"/usr/sbin/{row['script']}-bpfcc"], None
    path = os.path.join(EXAMPLES, row["example"])
    if path.endswith(".lua"):
        return ["/usr/bin/bcc-lua" if peer else shutil.which("bcc-lua"), path], os.path.dirname(path)
    return ["/usr/bin/python3", path], os.path.dirname(path)


def run_row(row, environment, arguments):
    """Runs one row of the table, and returns the result."""
    names = prepare(row)
    if "program" in row:
        workload = Program(arguments.program, row["program"])
    else:
        workload = Workload(row.get("load", []), names["dir"], names.get("tty"))
    names.update(pid=str(workload.pid), program=arguments.program)
    script = None
    try:
        options, expected = row.get("options", ""), row["expect"]
        for name, value in names.items():
            options = options.replace("{%s}" % name, value)
            expected = [pattern.replace("{%s}" % name, value) for pattern in expected]
        command, directory = command_of(row, arguments.peer)
        script = Script(row, [*command, *shlex.split(options)], environment, directory)
        problem = follow(script, expected, arguments.limit)
        reason = judge(script, expected, problem)
        seconds = time.monotonic() - script.started
        silent = (script.first_output or time.monotonic()) - script.started
        return {"pass": reason is None, "reason": reason, "seconds": round(seconds, 1), "silent": round(silent, 1),
                "status": script.process.returncode, "output": shortened(script.text())}  # fmt: skip
    finally:
        if script:
            script.close()
        workload.stop()


def shortened(text):
    """The beginning and end of an output."""
    if len(text) <= KEPT_OUTPUT:
        return text
    return f"{text[:KEPT_OUTPUT // 3]}\n[...]\n{text[-KEPT_OUTPUT * 2 // 3:]}"


def environment_of(arguments):
    """The environment of the scripts: unbuffered output, and for the peer, nothing that leads to our module."""
    environment = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1", TERM="xterm", COLUMNS="150", LINES="50")
    if arguments.peer:
        for name in ("PYTHONPATH", "LD_LIBRARY_PATH"):
            environment.pop(name, None)
    return environment


def install_headers(tree):
    """Installs a header tree and its common part for the running kernel, as Debian's packages do."""
    modules = f"/lib/modules/{os.uname().release}"
    os.symlink(tree, f"{modules}/build")
    os.symlink(re.sub(r"-amd64$", "-common", tree), f"{modules}/source")


def script_of(row):
    """The name of a row's script, which may be an example. Several rows may have the same."""
    if "script" in row:
        return row["script"]
    name, suffix = os.path.splitext(os.path.basename(row["example"]))
    return f"example-{'lua-' if suffix == '.lua' else ''}{name}"


def table():
    """The rows of scripts.toml by name."""
    with open(os.path.join(HERE, "scripts.toml"), "rb") as file:
        return {row.get("name", script_of(row)): row for row in tomllib.load(file)["rows"]}


def results(names, environment, arguments):
    """Runs the rows of these names and yields (name, result)."""
    rows = table()
    mount_scratch()
    for name in names:
        try:
            yield name, run_row(rows[name], environment, arguments)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()[-200:]
            yield name, {"pass": False, "reason": f"set-up: {error} {said}", "seconds": 0, "silent": 0,
                         "status": None, "output": ""}  # fmt: skip


def parse_arguments(given):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", action="store_true", help="run on Debian's own module")
    parser.add_argument("--headers", metavar="DIR", help="kernel headers to install as the running kernel's")
    parser.add_argument("--program", metavar="FILE", default="", help="program.c, compiled")
    parser.add_argument("--limit", type=float, default=100, metavar="S",
                        help="longest time for one script before Ctrl-C (default: %(default)s s)")  # fmt: skip
    parser.add_argument("rows", nargs="+", help="names of scripts.toml's rows")
    return parser.parse_args(given)


def main():
    arguments = parse_arguments(None)
    environment = environment_of(arguments)
    if arguments.headers:
        install_headers(arguments.headers)
    module = subprocess.run(["/usr/bin/python3", "-c", "import bcc; print(bcc.__file__)"], env=environment, text=True,
                            check=True, stdout=subprocess.PIPE).stdout.strip()  # fmt: skip
    print(json.dumps({"module": module}), flush=True)
    for name, result in results(arguments.rows, environment, arguments):
        print(json.dumps({"name": name, **result}), flush=True)


if __name__ == "__main__":
    main()
