# SPDX-License-Identifier: Apache-2.0
"""`ebcc bundle`: scripts in one file that run without a compiler."""
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from clirun import BUILD, LIMIT, environment, run

# Counts calls that only this test makes, and prints the count.
SCRIPT = """
import os
import sys

from bcc import BPF
import counting_names
import package.inner

source = "counting.c" if len(sys.argv) < 2 else sys.argv[1]
b = BPF(src_file=source, cflags=["-DTABLE=" + counting_names.TABLE, "-DOWN_PID=0"])
os.getpgid(0)
print("counted", b[counting_names.TABLE][0].value > 0, package.inner.WORD, __name__, os.path.basename(__file__))
"""
SOURCE = """
#include "counting.h"
BPF_ARRAY(TABLE, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { TABLE.increment(ZERO); return 0; }
"""
COUNTED = b"counted True word __main__ script.py\n"


@pytest.fixture
def script(tmp_path):
    folder = tmp_path / "scripts"
    (folder / "package").mkdir(parents=True)
    (folder / "script.py").write_text(SCRIPT)
    (folder / "counting.c").write_text(SOURCE)
    (folder / "counting.h").write_text("#define ZERO 0\n")
    (folder / "counting_names.py").write_text("TABLE = 'calls'\n")
    (folder / "package/__init__.py").write_text("")
    (folder / "package/inner.py").write_text("WORD = 'word'\n")
    return folder / "script.py"


def start(bundle, *arguments, **variables):
    """Runs a bundle where there is no compiler, in another directory than the script's."""
    return subprocess.run(
        [sys.executable, bundle, *arguments], capture_output=True, timeout=LIMIT, check=False, cwd=bundle.parent,
        env=environment(**{"EBCC_CC": "/nonexistent", "EBCC_CACHE": "off", "EBCC_OBJECTS": "off", **variables}))


def test_a_script_with_modules_and_a_source(script, tmp_path):
    bundle = tmp_path / "elsewhere" / "one.pyz"
    bundle.parent.mkdir()
    output, errors = run("bundle", script, "-o", bundle)
    assert output.startswith(b"%s: " % os.fsencode(bundle)) and output.endswith(b" kB, 2 objects\n"), output
    assert errors == b""
    assert bundle.read_bytes().startswith(b"#!/usr/bin/python3\n") and os.access(bundle, os.X_OK)
    done = start(bundle)
    assert (done.stdout, done.stderr, done.returncode) == (COUNTED, b"", 0)
    # It doesn't need what it was made of.
    script.parent.rename(tmp_path / "gone")
    assert start(bundle).stdout == COUNTED


def test_arguments_of_the_script(script, tmp_path):
    (script.parent / "other.c").write_text(SOURCE)
    run("bundle", script, "-o", tmp_path / "other.pyz", "--", "other.c")
    assert start(tmp_path / "other.pyz", "other.c").stdout == COUNTED
    done = start(tmp_path / "other.pyz")
    assert done.returncode == 1 and b"NotFoundError: there is no file counting.c" in done.stderr


def test_nothing_is_loaded_while_it_is_recorded(script, tmp_path):
    script.write_text(SCRIPT + "\nopen('ran', 'w')\n")
    run("bundle", script, "-o", tmp_path / "one.pyz", cwd=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_script_that_compiles_twice(script, tmp_path):
    """With --run, all of what it compiles is recorded."""
    script.write_text(SCRIPT + """
b.close()
print(len(BPF(text="BPF_ARRAY(more, u64, 3);")["more"]))
""")
    output, _ = run("bundle", "--run", script, "-o", tmp_path / "two.pyz")
    assert output.startswith(COUNTED + b"3\n") and output.endswith(b" kB, 4 objects\n"), output
    assert start(tmp_path / "two.pyz").stdout == COUNTED + b"3\n"


def test_a_script_that_does_not_end(script, tmp_path):
    script.write_text(SCRIPT + """
import time
try:
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    print("interrupted")
""")
    output, _ = run("bundle", "--run", "--duration", "2", script, "-o", tmp_path / "two.pyz")
    assert b"interrupted\n" in output and output.endswith(b" kB, 2 objects\n"), output


def test_only_the_objects(script, tmp_path):
    output, _ = run("bundle", "--store", tmp_path / "objects", script)
    assert output == b"%s: 2 objects in %s\n" % (os.fsencode(script), os.fsencode(tmp_path / "objects"))
    done = subprocess.run([sys.executable, script], capture_output=True, timeout=LIMIT, check=True, cwd=script.parent,
                          env=environment(EBCC_CC="/nonexistent", EBCC_CACHE="off",
                                          EBCC_OBJECTS=tmp_path / "objects"))
    assert done.stdout == COUNTED


def test_a_source_that_is_not_in_the_bundle(script, tmp_path):
    """The script compiles something else when it is called otherwise."""
    script.write_text(SCRIPT.replace('"-DOWN_PID=0"', '"-DOWN_PID=%s" % (sys.argv[2:] or [0])[0]'))
    run("bundle", script, "-o", tmp_path / "one.pyz")
    done = start(tmp_path / "one.pyz", "counting.c", "17")
    assert done.returncode == 1
    assert b"No object that was compiled from counting.c with these flags" in done.stderr
    assert b"is in the bundle\n" in done.stderr


def test_without_the_runtime(script, tmp_path):
    run("bundle", script, "-o", tmp_path / "one.pyz")
    done = subprocess.run([sys.executable, "-I", tmp_path / "one.pyz"], capture_output=True, timeout=LIMIT,
                          check=False, env=environment(PYTHONPATH=None))
    assert done.returncode == 1 and b"this needs the Python package ebcc, version " in done.stderr, done.stderr


def test_modules_that_must_be_there(script, tmp_path):
    script.write_text("try:\n    import nosuchmodule.part\nexcept ImportError:\n    pass\n" + SCRIPT)
    output, _ = run("bundle", script, "-o", tmp_path / "one.pyz")
    assert output.endswith(b"; it needs nosuchmodule there too\n"), output


def test_bundles_have_what_they_say(script, tmp_path):
    run("bundle", script, cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / "script.pyz") as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert names == {"__main__.py", "bundle.json", "objects", "_script/script.py", "_files/0", "counting_names.py",
                     "package/__init__.py", "package/inner.py"}


@pytest.mark.parametrize("content, arguments, status, message", [
    ("pass", [], 1, b"ended before it compiled anything: give it what it needs to compile (-- ARGUMENT...)"),
    ("import sys; sys.exit(3)", [], 1, b"ended with status 3 before it was recorded"),
    ("import os; os.kill(os.getpid(), 9)", [], 1, b"ended by signal 9 before it was recorded"),
    ("def (", [], 1, b"is not a Python script: line 1: invalid syntax"),
    ("#!/bin/sh\ntrue", [], 1, b"is not a Python script; its objects can be added to a store (--store)"),
    (None, [], 1, b"there is neither a script nor a tool '<script>'"),
    ("", ["--nonsense"], 2, b"unrecognized arguments: --nonsense"),
    ("", ["--duration", "1"], 2, b"--duration needs --run"),
    ("", ["--store", "x", "--output", "y"], 2, b"--output is for one bundle")])
def test_mistakes(content, arguments, status, message, tmp_path):
    path = tmp_path / "script.py"
    if content is not None:
        path.write_text(content)
    output, errors = run("bundle", path, *arguments, status=status, cwd=tmp_path)
    assert output == b""
    assert errors.startswith(b"ebcc bundle: ")
    assert message.replace(b"<script>", os.fsencode(path)) in errors, errors
    assert not (tmp_path / "script.pyz").exists()


def test_a_source_with_an_error(script, tmp_path):
    """The script prints the diagnostics, once."""
    (script.parent / "counting.c").write_text("int x = ;\n")
    _, errors = run("bundle", script, "-o", tmp_path / "one.pyz", status=1)
    assert errors.count(b"error: expected expression") == 1 and not (tmp_path / "one.pyz").exists()


def test_a_tool(tmp_path):
    """It stays in the build tree, for tests/vm/guest_cli.py, which runs it on other kernels."""
    bundle = BUILD / "bundle" / "opensnoop.pyz"
    bundle.parent.mkdir(exist_ok=True)
    output, errors = run("bundle", "opensnoop", "-o", bundle)
    assert (output.endswith(b" kB, 2 objects\n"), errors) == (True, b""), output
    assert bundle.stat().st_size <= 300_000
    assert opened_in(bundle, tmp_path)


def opened_in(bundle, directory):
    """Whether a bundle of opensnoop, without a compiler, shows a file that this process opens."""
    path = directory / "opened"
    path.write_text("")
    found = threading.Event()
    process = subprocess.Popen(
        [sys.executable, bundle, "-p", str(os.getpid()), "--json"], stdout=subprocess.PIPE,
        env=environment(EBCC_CC="/nonexistent", EBCC_CACHE="off", EBCC_OBJECTS="off", PYTHONUNBUFFERED="1"))

    def read():
        for line in process.stdout:
            if os.fsencode(path) in line:
                found.set()

    reader = threading.Thread(target=read)
    reader.start()
    end = time.monotonic() + LIMIT
    while not found.is_set() and process.poll() is None and time.monotonic() < end:
        path.read_text()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    reader.join(timeout=LIMIT)
    return process.wait(timeout=LIMIT) == 0 and found.is_set()
