# SPDX-License-Identifier: Apache-2.0
"""Signal handlers that raise: the exception comes out of the call in which the signal arrived."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import LIMIT, gone, programs_of

from ebcc import BPF

# Makes clang warn, so that the library logs.
WARNS = """
#pragma clang diagnostic warning "-Wunused-variable"
int f(void *ctx) { int unused; return 0; }
"""


@pytest.fixture
def log():
    """log(function): passes the library's log records to a function."""
    logger, added = logging.getLogger("ebcc"), []

    def add(function):
        handler = logging.Handler()
        handler.emit = function
        logger.addHandler(handler)
        added.append(handler)

    yield add
    for handler in added:
        logger.removeHandler(handler)


def interrupted_while_logging(record):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
    raise AssertionError("the interrupt has not been raised")


def test_interrupt_in_a_log_handler_is_raised(log):
    before = programs_of()
    log(interrupted_while_logging)
    with pytest.raises(KeyboardInterrupt):
        BPF(text=WARNS)
    assert programs_of() == before


def test_exception_of_a_log_handler_is_raised(log):
    def refuse(record):
        raise LookupError(record.getMessage())

    log(refuse)
    with pytest.raises(LookupError, match="unused"):
        BPF(text=WARNS)


def test_a_log_handler_may_compile(log):
    """Messages are delivered between calls, so a handler may do anything."""
    compiled = []

    def compile_another(record):
        compiled.append(BPF(text="int f(void *ctx) { return 7; }"))

    log(compile_another)
    with BPF(text=WARNS):
        assert len(compiled) == 1
    compiled[0].close()


@pytest.mark.parametrize("cache", ["off", "on"])
@pytest.mark.parametrize("handler, exception", [
    ("signal.default_int_handler", "KeyboardInterrupt"), ("leave", "SystemExit"), ("late", "TimeoutError")])
def test_no_signal_is_lost(python, tmp_path, cache, handler, exception):
    """Whenever it arrives: before, during or after a compile, or while a message is logged."""
    result = python("""
        import logging, signal, sys, time
        from ebcc import BPF

        def leave(*arguments):
            sys.exit(3)

        def late(*arguments):
            raise TimeoutError

        logging.getLogger("ebcc").addHandler(logging.NullHandler())
        signal.signal(signal.SIGALRM, %s)
        for i in range(40):
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.001 * i)
            try:
                b = BPF(text=%r)
                while True:
                    time.sleep(1)
            except %s:
                continue
        print("all")
        """ % (handler, WARNS, exception),
        env=dict(os.environ, EBCC_CACHE="off" if cache == "off" else str(tmp_path)))
    assert (result.stdout, result.stderr) == ("all\n", "")


def test_import_loses_no_signal(python):
    """Python's import system catches OSError, and TimeoutError is one."""
    result = python("""
        import os, signal, sys
        from ebcc import BPF

        def late(*arguments):
            raise TimeoutError

        class Finder:
            def find_spec(name, path=None, target=None):
                sys.meta_path.remove(Finder)
                try:
                    os.kill(os.getpid(), signal.SIGALRM)
                    print("import of", name)
                except OSError:
                    pass

        signal.signal(signal.SIGALRM, late)
        sys.meta_path.insert(0, Finder)
        try:
            BPF(text=%r)
        except TimeoutError:
            print("raised")
        """ % WARNS)
    assert (result.stdout, result.stderr) == ("import of logging\nraised\n", "")


MANY = "\n".join("int a%d(void *ctx) { return 0; }" % i for i in range(200))


def test_interrupt_while_attaching_and_detaching_is_raised(python):
    result = python("""
        import signal
        from ebcc import BPF
        for i in range(20):
            b = BPF(text=%r)
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, 0.002 * (i + 1))
            try:
                for program in range(200):
                    b.attach_perf_event(1, 0, "a%%d" %% program, sample_freq=1, pid=0)
                    b.detach_perf_event(1, 0)
                while True:
                    pass
            except KeyboardInterrupt:
                b.close()
                continue
        print("all")
        """ % MANY)
    assert (result.stdout, result.stderr) == ("all\n", "")


EVENTS = ["read", "write", "openat", "close", "newfstat", "lseek", "mmap", "mprotect", "munmap", "brk",
          "ioctl", "pipe2", "select", "dup", "getpid"]
PROGRAM_OF_MANY = textwrap.dedent("""
    import atexit, os, signal, sys, time
    from ebcc import BPF
    signal.signal(signal.SIGINT, signal.default_int_handler)
    b = BPF(text=%r)
    def wait():
        print("ready", flush=True)
        time.sleep(60)
    """) % "".join("TRACEPOINT_PROBE(syscalls, sys_enter_%s) { return 0; }\n" % event for event in EVENTS)

# {name: (what a script does at Ctrl-C, its exit status)}
ENDINGS = {
    "atexit": ("try:\n    wait()\nexcept KeyboardInterrupt:\n    pass\n", 0),
    "close": ("try:\n    wait()\nexcept KeyboardInterrupt:\n    pass\nb.close()\nprint('on')\n", 130),
    "with": ("with b:\n    try:\n        wait()\n    except KeyboardInterrupt:\n        pass\n", 130),
    "caught": ("try:\n    with b:\n        wait()\nexcept KeyboardInterrupt:\n    sys.exit(9)\n", 9),
    "caught later": ("try:\n    wait()\nexcept KeyboardInterrupt:\n    pass\n"
                     "try:\n    b.close()\nexcept KeyboardInterrupt:\n    sys.exit(8)\n", 8),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_second_interrupt_while_detaching_leaves_nothing(ending):
    code, expected = ENDINGS[ending]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM_OF_MANY + code], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    programs, descriptors = programs_of(process.pid), "/proc/%d/fd" % process.pid
    assert len(programs) == len(EVENTS)
    opened = len(os.listdir(descriptors))
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + LIMIT
    while len(os.listdir(descriptors)) >= opened:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=LIMIT)
    assert (output, errors, process.returncode) == ("", "", expected)
    assert gone(programs)


LUA_SCRIPT = """
return function(BPF, utils)
  local b = BPF:new{text = [[int f(void *ctx) { return 0; }]]}
  utils.posix.sleep(60)
end
"""


def test_an_early_interrupt_ends_bcc_lua(tmp_path):
    """From its first moment on: the signal itself ends it before lua5.4 has a handler, an error does later."""
    script = tmp_path / "script.lua"
    script.write_text(LUA_SCRIPT)
    for i in range(40):
        process = subprocess.Popen(
            ["bcc-lua", str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        time.sleep(0.001 * i)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT)
        assert (output, errors) == ("", "")
        assert process.returncode in (130, -signal.SIGINT)
