"""Inside a PID namespace other than the initial one, the tools, BPF programs and the library accept and
show the pids of that namespace."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toolrun import LIMIT, command_of

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parent / "python"
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

# Tests that pass a pid to a tool, and check the pids that it prints.
TESTS = (
    (HERE / "test_opensnoop.py", "test_every_call_is_seen_as_it_was or test_one_thread"),
    (HERE / "test_execsnoop.py", "test_every_program_in_order or test_failed_calls"),
    (HERE / "test_bashreadline.py", "test_lines_in_order_with_process_and_time"),
    (HERE / "test_killsnoop.py", "test_lines or test_json or test_receiver_only or test_sender_in_another_namespace"),
    (HERE / "test_syncsnoop.py", "test_lines"),
    (HERE / "test_memleak.py", "test_text_and_each_call"),
    (HERE / "test_gethostlatency.py", "test_columns"),
    (HERE / "test_funclatency.py", "test_another_process_is_left_out"),
    (HERE / "test_sslsniff.py", "test_columns_and_blocks_of_data"),
    (HERE / "test_funccount.py", "test_one_process or test_usdt_probe_with"),
    (HERE / "test_stackcount.py", "test_processes"),
    (HERE / "test_profile.py", "test_functions_of_a_program"),
    (HERE / "test_offcputime.py", "test_time_of_a_chain or test_threads"),
    (PYTHON / "test_uprobes.py", "test_only_the_given_processes_are_probed"),
    (PYTHON / "test_usdt.py", "test_arguments_of_a_process or test_semaphore_of_a_process"),
)

# A script that prints its own pids, and for each process that called getppid() the pid in the initial
# namespace, the pid here as the current task gives it, and the pid here from its task_struct.
NUMBERS = r"""
import ctypes, json, os, sys
from ebcc import BPF

b = BPF(text='''
struct numbers { u64 current, task; };
BPF_HASH(seen, u64, struct numbers);
TRACEPOINT_PROBE(syscalls, sys_enter_getppid) {
    struct numbers numbers = {
        .current = ebcc_ns_pid_tgid(),
        .task = ebcc_ns_task_pid_tgid((struct task_struct *)bpf_get_current_task()),
    };
    u64 id = bpf_get_current_pid_tgid();
    seen.update(&id, &numbers);
    return 0;
}''')
os.getppid()
child = os.fork()
if child == 0:
    assert ctypes.CDLL(None).unshare(0x20000000) == 0  # CLONE_NEWPID: of its children
    grandchild = os.fork()
    if grandchild == 0:
        os.getppid()
        os._exit(0)
    assert os.waitpid(grandchild, 0)[1] == 0
    print(json.dumps({"nested": grandchild}), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(json.dumps({"own": os.getpid(), "namespace": BPF.pid_namespace()}), flush=True)
sys.stdin.readline()
print(json.dumps([[key.value >> 32, leaf.current >> 32, leaf.task >> 32, leaf.current & 0xffffffff]
                  for key, leaf in b["seen"].items()]), flush=True)
"""


def check_inside(file, chosen):
    """Runs the tests of a file that "A or B" selects by name, inside a new namespace."""
    done = subprocess.run([*NAMESPACE, sys.executable, "-m", "pytest", "-q", "-p",
                           "no:cacheprovider", "-k", chosen, file.name], cwd=file.parent,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{chosen.count(' or ') + 1} passed" in done.stdout


@pytest.mark.parametrize(("file", "chosen"), TESTS, ids=lambda value: getattr(value, "stem", ""))
def test_the_tool_inside(file, chosen):
    """The tests pass inside a namespace too."""
    check_inside(file, chosen)


def numbers(prefix):
    """Runs the script above with this prefix, and calls getppid() meanwhile. Returns the script's own pids,
    and for each process, by its pid in the initial namespace, the pids that the program read."""
    with subprocess.Popen([*prefix, sys.executable, "-c", NUMBERS], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        answers = json.loads(process.stdout.readline())
        answers.update(json.loads(process.stdout.readline()))
        os.getppid()
        process.stdin.write("\n")
        process.stdin.flush()
        seen = {row[0]: row[1:] for row in json.loads(process.stdout.readline())}
        process.stdin.close()
        assert process.wait(timeout=LIMIT) == 0
    return answers, seen


def test_pids_in_another_namespace():
    """A process of the namespace and one of a nested namespace have pids here; one outside has none."""
    answers, seen = numbers(NAMESPACE)
    assert answers["own"] == 1 and answers["namespace"] not in (
        0, os.stat("/proc/self/ns/pid").st_ino)
    ours = {current for current, _, _ in seen.values()} - {0}
    assert ours == {answers["own"], answers["nested"]}
    assert all(current == task for current, task, _ in seen.values())
    assert all(thread == current for current, _, thread in seen.values())
    assert seen[os.getpid()] == [0, 0, 0]


def test_pids_in_the_initial_namespace():
    """In the initial namespace, they are the usual pids."""
    answers, seen = numbers(())
    assert answers["namespace"] == 0
    for number in (answers["own"], answers["nested"], os.getpid()):
        assert seen[number][:2] == [number, number]


@pytest.mark.parametrize("name", ["opensnoop", "killsnoop"])
def test_proc_of_another_namespace(name):
    """If /proc belongs to another namespace, the tool refuses before it shows anything."""
    done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child",
                           *command_of(name, ["-p", "1", "-d", "1"])], capture_output=True,
                          text=True, check=False, timeout=LIMIT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{name}: /proc belongs to another PID namespace")
    assert done.stderr.count("\n") == 1


def test_symbols_with_proc_of_another_namespace():
    """The library refuses, rather than take the names or libraries of some other process."""
    script = """
import ebcc
for call in (lambda: ebcc.BPF.sym(1, 1), lambda: ebcc.USDT(pid=1),
             lambda: ebcc.BPF.is_go_binary("c", 1)):
    try:
        call()
    except (ebcc.UnsupportedError, ebcc.USDTException) as error:
        print(error)
"""
    done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c",
                           script], capture_output=True, text=True, check=True, timeout=LIMIT)
    assert done.stdout.count("/proc belongs to another PID namespace") == 3


@pytest.mark.parametrize(("prefix", "source", "warned"), [
    (NAMESPACE, "return bpf_get_current_pid_tgid() >> 32 == 1;", True),
    (NAMESPACE, "u64 id = bpf_get_current_pid_tgid(); return ebcc_ns_pid_tgid() == id;", False),
    ((), "return bpf_get_current_pid_tgid() >> 32 == 1;", False)])
def test_source_that_uses_pids_of_the_initial_namespace(prefix, source, warned):
    """A source that uses pids of the initial namespace gets a warning that says which function to call instead."""
    script = f"import ebcc; ebcc.BPF(text='int f(void *ctx) {{ {source} }}')"
    done = subprocess.run([*prefix, sys.executable, "-c", script], capture_output=True, text=True,
                          check=True, timeout=LIMIT)
    assert ("ebcc_ns_pid_tgid() returns the ids that are valid here" in done.stderr) == warned
