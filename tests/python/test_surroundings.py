"""What a script's surroundings lack, such as privileges, tracefs or BTF, is said in one plain sentence."""

import os
import shutil
import subprocess
import sys

import ebcc
import pytest
from conftest import LIMIT, has_uprobe_multi

SCRIPT = """
import os, sys
import ebcc
try:
    b = ebcc.BPF(text='BPF_HASH(counts, u32, u64); int f(void *ctx) { u32 pid = ((struct task_struct *)'
                     'bpf_get_current_task())->pid + UNIQUE; counts.increment(pid); return 0; }')
    CALL
except ebcc.Error as error:
    print(type(error).__name__, error)
else:
    print("no error")
"""
NOWHERE = "for place in /sys/kernel/debug/tracing /sys/kernel/debug /sys/kernel/tracing; do " \
    "umount -l $place 2>/dev/null; done; "


def output_of(call, *command, shell=""):
    """What a script prints when a command runs it, or after a shell's line in a mount namespace of its own."""
    # The source is unique, so that nothing comes from the cache.
    script = SCRIPT.replace("CALL", call).replace("UNIQUE", str(int.from_bytes(os.urandom(3), "big")))
    if shell:
        command = ("unshare", "--mount", "sh", "-c", shell + 'exec "$0" "$@"')
    result = subprocess.run([*command, sys.executable, "-c", script], capture_output=True, text=True,
                            timeout=LIMIT)
    assert result.returncode == 0, result.stderr
    return result.stdout.rstrip("\n")


def test_nothing_is_missing():
    assert output_of("b.attach_tracepoint(tp='syscalls:sys_enter_getpgid', fn_name='f')") == "no error"


def test_no_privilege():
    text = output_of("pass", "setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert text.startswith("PrivilegeError ") and "root" in text and "CAP_BPF" in text
    assert "\n" not in text


def test_a_program_type_that_the_kernel_refuses_to_root():
    text = output_of("ebcc.BPF(text='KFUNC_PROBE(vfs_open, struct path *path) { return 0; }')")
    if ebcc.BPF.support_kfunc():
        assert text == "no error"
    else:
        assert text.startswith("UnsupportedAttachError ") and "does not run fentry programs" in text


@pytest.mark.parametrize("call", [
    "b.attach_tracepoint(tp='syscalls:sys_enter_getpgid', fn_name='f')", "b.trace_readline()",
    "b.get_tracepoints('sched:.*')"])
def test_no_tracefs(call):
    text = output_of(call, shell=NOWHERE)
    assert "tracefs is not mounted" in text and "mount -t tracefs" in text
    assert "\n" not in text


def test_no_events_in_tracefs():
    text = output_of("ebcc.BPF(text='TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return args->pid; }')",
                     shell="umount -l /sys/kernel/debug 2>/dev/null; mount -t tmpfs none /sys/kernel/tracing/events; ")
    assert "CompileError" in text and "fields are not known" in text
    assert "the fields of the tracepoint syscalls:sys_enter_getpgid are not known: tracefs has no event files" in text


def test_no_probe_events():
    """A link for many functions needs none, and single user probes use such links, too."""
    attach, gone = "b.attach_uprobe(name='c', sym='getpgid', fn_name='f')", "mount -t tmpfs none /sys/bus; "
    assert output_of(attach) == "no error"
    assert output_of(attach, shell="export EBCC_WITHOUT=uprobe_multi; ") == "no error"
    if has_uprobe_multi():
        assert output_of(attach, shell=gone) == "no error"
    text = output_of(attach, shell="export EBCC_WITHOUT=uprobe_multi; " + gone)
    assert text.startswith("UnsupportedAttachError ") and "sysfs is not mounted" in text


def test_no_number_of_processors():
    text = output_of("ebcc.BPF(text='BPF_PERCPU_ARRAY(a, u64, 1); int f(void *ctx) { a.increment(0); return 0; }')",
                     shell="mount -t tmpfs none /sys/devices/system/cpu; ")
    assert text.startswith("SystemCallError ") and "/sys/devices/system/cpu/possible" in text


def test_no_symbols_of_the_kernel():
    text = output_of("ebcc.BPF.ksymname('vfs_read')", shell="mount --bind /dev/null /proc/kallsyms; ")
    assert text.startswith("PrivilegeError ") and "/proc/kallsyms" in text


def test_no_bpf_file_system(tmp_path):
    text = output_of("ebcc.BPF(text='BPF_TABLE_PINNED(\"hash\", u32, u32, t, 9, \"%s/pin\"); int f(void *ctx)'"
                     "' { u32 key = 0; t.update(&key, &key); return 0; }')" % tmp_path)
    assert text.startswith("LoadError table 't'") and "is not on BPF FS" in text


@pytest.mark.parametrize("shell", [
    "mount --bind /dev/null /sys/kernel/notes; ", "mount -t tmpfs none %s; mount -o remount,ro %s; "])
def test_neither_build_id_nor_cache_is_needed(tmp_path, shell):
    """Without them, an object is still not taken for one of another kernel."""
    if "%" in shell:
        shell = shell % (tmp_path, tmp_path)
    assert output_of("again = ebcc._ebcc.Module(source=b'', file_name=None, header=None, cflags=[], debug=0, "
                     "kernel_types=0, compiler=0, btf_path=None, device=None, no_rlimit=False, "
                     "object=b.module.object()); again.load()",
                     shell=shell + "export EBCC_CACHE=%s/cache; " % tmp_path) == "no error"


def test_no_btf(tmp_path):
    text = output_of("pass", shell="mount --bind %s /sys/kernel/btf && " % tmp_path)
    assert text.startswith("KernelTypesError ") and "/sys/kernel/btf/vmlinux" in text
    assert "Traceback" not in text


def test_no_compiler(tmp_path):
    """The helper program is part of the installation. Without it, the error says where it was looked for."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        library = next(line.split()[-1] for line in maps if "libebcc.so" in line)
    copy = tmp_path / "libebcc.so.0"
    shutil.copy(library, copy)
    text = output_of("pass", "env", "LD_PRELOAD=%s" % copy)
    assert text.startswith("CompileError ") and "ebcc-cc" in text
