# SPDX-License-Identifier: Apache-2.0
"""The kernel's configuration: where it is looked for, and what CONFIG_ names mean if there is none."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ebcc
from ebcc import _ebcc
from conftest import LIMIT
from test_headers import SUITES, fetched  # noqa: F401, the second is a fixture

RELEASE = os.uname().release
HIDDEN = ("for file in /proc/config.gz /lib/modules/*/config /lib/modules/*/build/.config; do "
          "[ ! -e $file ] || mount --bind /dev/null $file; done; mount -t tmpfs none /boot; ")
SCRIPT = """
import sys
import ebcc
try:
    ebcc.BPF(text=sys.argv[1], cflags=sys.argv[2:])
except ebcc.Error as error:
    print(type(error).__name__, error)
else:
    print("compiled")
"""
PROGRAM = "int f(struct __sk_buff *skb) { return %s; }"

# Options that a kernel without a configuration file shows in other ways: in all four kernels of Debian's suites.
SHOWN = """
AUDIT AUDITSYSCALL BLK_CGROUP CGROUPS CGROUP_SCHED CGROUP_WRITEBACK CPUSETS DETECT_HUNG_TASK FAIR_GROUP_SCHED FSNOTIFY
FS_POSIX_ACL FUNCTION_GRAPH_TRACER KEYS LIVEPATCH MEMCG NETFILTER NUMA NUMA_BALANCING PERF_EVENTS POSIX_TIMERS QUOTA RPS
RT_MUTEXES SECCOMP SECCOMP_FILTER SECURITY STACKPROTECTOR SYSVIPC TASKSTATS TASK_DELAY_ACCT TASK_IO_ACCOUNTING
TASK_XACCT THREAD_INFO_IN_TASK UPROBES XFRM 64BIT MMU X86 X86_64 ARM64 ARCH_HAS_SYSCALL_WRAPPER SMP PREEMPT_RT
""".split()
# Only in some of them.
ALSO_SHOWN = "BLK_INLINE_ENCRYPTION PREEMPT_DYNAMIC PREEMPT_RCU RT_GROUP_SCHED TASKS_RCU".split()


def outcome(text, *cflags, before="", **environment):
    """Compiles in a process from which the configuration is hidden. Returns what that prints, on both outputs."""
    command = ["unshare", "--mount", "sh", "-c", HIDDEN + before + 'exec "$0" "$@"', sys.executable, "-c", SCRIPT]
    result = subprocess.run([*command, text, *cflags], capture_output=True, text=True, timeout=LIMIT,
                            env={**os.environ, **environment})
    return result.stdout + result.stderr


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EBCC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EBCC_KERNEL_CONFIG", raising=False)


def test_an_unknown_option_is_a_warning():
    """Once for each compile, even if the object comes from the cache."""
    text = "#ifdef CONFIG_NAMED_HERE\n#endif\n#if IS_ENABLED(CONFIG_AND_HERE)\n#endif\n" + PROGRAM % "0"
    for _ in range(2):
        output = outcome(text)
        assert output.count("compiled") == 1 and output.count("warning") == 1
        assert re.search("treated as not set: (CONFIG_NAMED_HERE CONFIG_AND_HERE|CONFIG_AND_HERE CONFIG_NAMED_HERE);",
                         output)
        assert "/proc/config.gz" in output and "/boot/config-" + RELEASE in output
        assert "/proc/1/root/boot/config-" + RELEASE in output and "EBCC_KERNEL_CONFIG" in output
    assert outcome(PROGRAM % "0") == "compiled\n"
    # A name that the flags define belongs to the source.
    assert outcome("#if CONFIG_NAMED_HERE != 3\n#error 3\n#endif\n" + PROGRAM % "CONFIG_NAMED_HERE",
                   "-DCONFIG_NAMED_HERE=3") == "compiled\n"


@pytest.mark.parametrize("text", [
    "#if CONFIG_NAMED_HERE > 3\n#endif\n" + PROGRAM % "0", PROGRAM % "CONFIG_NAMED_HERE",
    "#if !CONFIG_NAMED_HERE\n#endif\n" + PROGRAM % "0",
])
def test_an_unknown_value_is_an_error(text):
    output = outcome(text)
    assert re.search(r"CompileError .*main.c:1:\d+: error: (the value of 'CONFIG_NAMED_HERE' is unknown"
                     r"|use of undeclared identifier 'CONFIG_NAMED_HERE')", output, re.S)
    assert "the kernel's configuration was not found (looked at /proc/config.gz" in output
    assert "warning" not in output


def test_only_config_names_are_reported():
    text = "#ifdef CONFIG_NAMED_HERE\n#endif\n#if NAMED_NOWHERE\n#endif\n" + PROGRAM % "0"
    assert "NAMED_NOWHERE" not in outcome(text)
    assert "'NAMED_NOWHERE' is not defined" in outcome(text, "-Wundef")
    # If the source has an error of its own, nothing else is reported.
    assert "configuration" not in outcome("#ifdef CONFIG_NAMED_HERE\n#endif\n" + PROGRAM % "oops")


def test_options_that_this_kernel_shows_are_set(own_cache):
    with gzip.open("/proc/config.gz", "rt") if os.path.exists("/proc/config.gz") else \
            open("/boot/config-" + RELEASE, encoding="ascii") as file:
        config = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", file.read(), re.M))
    checks = ["defined(CONFIG_ARCH_HAS_SYSCALL_WRAPPER)", "HERTZ == %s" % config["CONFIG_HZ"],
              "CONFIG_HZ == %s" % config["CONFIG_HZ"], "CONFIG_NR_CPUS == %s" % config["CONFIG_NR_CPUS"]]
    checks += ["%sdefined(CONFIG_%s)" % ("" if config.get("CONFIG_" + name) == "y" else "!", name) for name in ("SMP", "PREEMPT_RT")]
    checks += ["defined(CONFIG_%s)" % name for name in SHOWN + ["MODULES", "NET_NS", "PID_NS", "UTS_NS", "USER_NS", "IPC_NS"]
               if config.get("CONFIG_" + name) == "y"]
    text = "".join("#if !(%s)\n#error %s\n#endif\n" % (check, check) for check in checks if "HERTZ" not in check)
    output = outcome(text + PROGRAM % "HZ + NR_CPUS")
    assert "error" not in output
    assert set(re.findall(r"CONFIG_(\w+)", output)) <= {"KERNEL"} | {
        name for name in SHOWN if config.get("CONFIG_" + name) != "y"}
    assert "compiled" in outcome("_Static_assert(HZ == %s && NR_CPUS == %s, \"\");" % (
        config["CONFIG_HZ"], config["CONFIG_NR_CPUS"]))


def test_the_environment_names_a_configuration(tmp_path):
    copy, other = tmp_path / "config", tmp_path / "none"
    copy.write_text("CONFIG_NAMED_HERE=7\n")
    other.write_text("nothing of that kind\n")
    check = "#if CONFIG_NAMED_HERE != %d\n#error\n#endif\n" + PROGRAM % "0"
    assert outcome(check % 7, EBCC_KERNEL_CONFIG=str(copy)) == "compiled\n"
    copy.write_text("CONFIG_NAMED_HERE=8\n")
    assert "CompileError" in outcome(check % 7, EBCC_KERNEL_CONFIG=str(copy))
    assert outcome(check % 8, EBCC_KERNEL_CONFIG=str(copy)) == "compiled\n"
    for path in (other, tmp_path / "missing", tmp_path):
        assert "NotFoundError EBCC_KERNEL_CONFIG names %s" % path in outcome(check % 8, EBCC_KERNEL_CONFIG=str(path))


@pytest.fixture
def modules_folder():
    """A machine whose kernel has no modules may have nothing to mount over."""
    missing = not os.path.exists("/lib/modules")
    if missing:
        os.mkdir("/lib/modules")
    yield
    if missing:
        os.rmdir("/lib/modules")


@pytest.mark.usefixtures("modules_folder")
@pytest.mark.parametrize("place", ["/boot/config-%s", "/lib/modules/%s/config"])
def test_a_configuration_is_found_in_both_places(place):
    """A file that only a mount namespace has is found too: nothing is kept from an earlier search."""
    before = "mount -t tmpfs none /lib/modules; mkdir -p /lib/modules/%s; echo CONFIG_NAMED_HERE=7 > %s; " % (
        RELEASE, place % RELEASE)
    assert outcome("#if CONFIG_NAMED_HERE != 7\n#error\n#endif\n" + PROGRAM % "0", before=before) == "compiled\n"


def test_a_fifo_is_not_read_as_a_configuration():
    output = outcome(PROGRAM % "CONFIG_NAMED_HERE", before="mkfifo /boot/config-%s; " % RELEASE)
    assert "the kernel's configuration was not found" in output


@pytest.mark.parametrize("release, version, known", [
    ("6.1.0", "#1 SMP PREEMPT_DYNAMIC Debian", True), ("6.12.0", "#1 SMP PREEMPT_RT", False), ("5.15.0", "#1 SMP PREEMPT", False),
    ("5.10.0", "#1 SMP PREEMPT", True)])
def test_the_version_may_say_whether_preemption_is_dynamic(release, version, known, tmp_path, caplog):
    """A kernel with PREEMPT_DYNAMIC doesn't always say so."""
    for name, text in (("proc/sys/kernel/osrelease", release), ("proc/sys/kernel/version", version)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    (tmp_path / "sys/kernel/btf").mkdir(parents=True)
    (tmp_path / "sys/kernel/btf/vmlinux").symlink_to("/sys/kernel/btf/vmlinux")
    module_for(tmp_path, "#ifdef CONFIG_PREEMPT_DYNAMIC\n#endif\n" + PROGRAM % "0")
    assert ("treated as not set: CONFIG_PREEMPT_DYNAMIC;" in caplog.text) != known


def module_for(root, text):
    return _ebcc.Module(source=text.encode(), file_name=None, header=None, cflags=[], debug=0, kernel_types=1, compiler=0,
                        btf_path=None, device=None, no_rlimit=False, kernel_root=os.fsencode(root))


@pytest.mark.parametrize("suite", SUITES)
def test_options_that_other_kernels_show_are_set(suite, fetched, tmp_path):  # noqa: F811
    """Compared with their configurations: every option that is seen is set, and nearly all of the table is seen."""
    headers = Path(fetched(suite, "headers"))
    config = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", (headers / ".config").read_text(), re.M))
    release = re.search('UTS_RELEASE "(.*)"', (headers / "include/generated/utsrelease.h").read_text()).group(1)
    for name, text in (("proc/sys/kernel/osrelease", release), ("proc/sys/kernel/version", "#1 SMP Debian 6.1.1-1 (2026-01-01)")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    (tmp_path / "sys/kernel/btf").mkdir(parents=True)
    (tmp_path / "sys/kernel/btf/vmlinux").symlink_to(fetched(suite, "btf"))
    names = ["CONFIG_" + name for name in SHOWN + ALSO_SHOWN]
    found = module_for(tmp_path, "".join("#ifdef %s\nint seen_%s_;\n#endif\n" % (name, name) for name in names) + PROGRAM % "0").object()
    seen = {name for name in names if b"seen_%s_" % name.encode() in found}
    wrong = {name for name in seen if config.get(name) != "y"}
    assert not wrong
    assert {"CONFIG_" + name for name in SHOWN} - seen - {"CONFIG_ARM64", "CONFIG_PREEMPT_RT"} == set()
    for name in ("HZ", "NR_CPUS"):
        with pytest.raises(ebcc.CompileError, match="undeclared identifier '%s'(.|\n)*the kernel's configuration was not found" % name):
            module_for(tmp_path, PROGRAM % name)
    assert module_for(tmp_path, "_Static_assert(PAGE_SIZE == 4096, \"\");" + PROGRAM % "0")
