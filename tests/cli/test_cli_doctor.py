"""ebcc doctor: what it says is what /proc and /sys say."""
import os
import re
import resource
from pathlib import Path

import ebcc
import pytest
from clirun import BUILD, environment, run, run_json

CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_SYS_RESOURCE": 24, "CAP_SYSLOG": 34,
                "CAP_PERFMON": 38, "CAP_BPF": 39}
UNITS = Path("/sys/bus/event_source/devices")


@pytest.fixture(scope="module")
def report():
    return run_json("doctor")


def checks(report):
    """{name: check}"""
    return {check["name"]: check for check in report["checks"]}


def value(report, name):
    return checks(report)[name]["value"]


def number_in(path):
    return int(Path(path).read_text(encoding="ascii"))


def test_form(report):
    """Each check has a name of its own, one of four results, and a remedy if something is missing."""
    names = [check["name"] for check in report["checks"]]
    assert len(set(names)) == len(names) > 30
    for check in report["checks"]:
        assert set(check) == {"group", "name", "result", "value", "text", "remedy"}
        assert check["result"] in ("ok", "info", "missing", "problem") and check["text"]
        if check["result"] == "missing" and check["group"] == "kernel":
            assert check["remedy"]
    assert report["ok"] is True  # these tests trace


def test_text_is_the_same(report):
    """One line for each check, in the same order."""
    lines = [line for line in run("doctor")[0].decode().splitlines() if re.match("ok |info |missing |problem ", line)]
    assert len(lines) == len(report["checks"])
    for line, check in zip(lines, report["checks"]):
        assert line.split()[0] == check["result"] and line[9:].startswith(check["name"])
        if check["remedy"]:
            assert line.endswith(": " + check["remedy"])


def test_kernel(report):
    assert value(report, "kernel") == os.uname().release
    assert value(report, "BTF") is Path("/sys/kernel/btf/vmlinux").exists()
    assert Path(value(report, "tracefs"), "events").is_dir()
    assert value(report, "kprobes") is (UNITS / "kprobe/type").exists()
    assert value(report, "kretprobes") is (UNITS / "kprobe/format/retprobe").exists()
    assert value(report, "uprobes") is (UNITS / "uprobe/type").exists()
    assert value(report, "USDT semaphores") is (UNITS / "uprobe/format/ref_ctr_offset").exists()


def test_features_are_those_of_the_library(report):
    assert value(report, "fentry") is ebcc.BPF.support_kfunc()
    assert value(report, "fmod_ret") is ebcc.BPF.support_fmod_ret()
    assert value(report, "LSM hooks") is ebcc.BPF.support_lsm()
    assert value(report, "raw tracepoints") is ebcc.BPF.support_raw_tracepoint()


def test_user(report):
    held = int(re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)[1], 16)
    assert set(value(report, "capabilities")) == {name for name, bit in CAPABILITIES.items() if held >> bit & 1}
    assert value(report, "perf_event_paranoid") == number_in("/proc/sys/kernel/perf_event_paranoid")
    assert value(report, "unprivileged_bpf") == number_in("/proc/sys/kernel/unprivileged_bpf_disabled")
    assert value(report, "kptr_restrict") == number_in("/proc/sys/kernel/kptr_restrict")
    if Path("/proc/sys/net/core/bpf_jit_enable").exists():
        assert value(report, "JIT") == number_in("/proc/sys/net/core/bpf_jit_enable")
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    assert value(report, "locked memory") == (None if limit == resource.RLIM_INFINITY else limit)
    assert value(report, "PID namespace") == ("initial" if os.stat("/proc/self/ns/pid").st_ino == 0xeffffffc else "inner")
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines() if line.split()[2] == "cgroup2"]
    assert value(report, "cgroup v2") == (mounted[0] if mounted else None)


def test_lockdown(report):
    path = Path("/sys/kernel/security/lockdown")
    expected = re.search(r"\[(\w+)\]", path.read_text(encoding="ascii"))[1] if path.exists() else None
    assert value(report, "lockdown") == expected


def test_installation(report, tmp_path):
    assert value(report, "ebcc") == ebcc.__version__
    assert value(report, "compiler") == str(BUILD / "src/cc/ebcc-cc")
    assert "LLVM" in checks(report)["compiler"]["text"]
    assert value(run_json("doctor", env=environment(EBCC_CACHE=tmp_path / "cache")), "cache") == str(tmp_path / "cache")
    check = checks(run_json("doctor", env=environment(EBCC_CACHE="off")))["cache"]
    assert (check["result"], check["value"]) == ("missing", None) and check["remedy"]


def test_missing_compiler():
    """Nothing can be compiled without it: a problem, and status 1."""
    report = run_json("doctor", env=environment(EBCC_CC="/nonexistent/ebcc-cc"), status=1)
    assert report["ok"] is False
    check = checks(report)["compiler"]
    assert check["result"] == "problem" and "/nonexistent/ebcc-cc" in check["text"]
    output, _ = run("doctor", env=environment(EBCC_CC="/nonexistent/ebcc-cc"), status=1)
    assert output.endswith(b"Tracing does not work here until the problems are solved.\n")


def test_compiler_that_does_not_start():
    report = run_json("doctor", env=environment(EBCC_CC="/bin/false"), status=1)
    assert checks(report)["compiler"]["result"] == "problem"


def test_without_privileges():
    report = run_json("doctor", status=1, user=65534, group=65534, extra_groups=[], env=environment(EBCC_CACHE="off"))
    check = checks(report)["privileges"]
    assert (check["result"], check["value"]) == ("problem", False) and "root" in check["remedy"]
    assert value(report, "capabilities") == []


def test_lua_package(tmp_path):
    (tmp_path / "ebcc").mkdir()
    (tmp_path / "ebcc/init.lua").write_text("return {}\n")
    check = checks(run_json("doctor", env=environment(LUA_PATH_5_4=f"{tmp_path}/?.lua;{tmp_path}/?/init.lua;;")))["Lua package ebcc"]
    assert check["value"] == f"{tmp_path}/ebcc/init.lua"


def test_python_packages(tmp_path):
    """The first package on the path counts: ours, or another project's."""
    ours = run_json("doctor", env=environment(PYTHONPATH=BUILD / "python"))
    assert value(ours, "Python package ebcc") == value(ours, "Python package bcc") == str(BUILD / "python")
    assert checks(ours)["Python package bcc"]["result"] == "ok"
    (tmp_path / "bcc").mkdir()
    (tmp_path / "bcc/__init__.py").write_text("class BPF: pass\n")
    path = f"{tmp_path}:{BUILD}/python"
    check = checks(run_json("doctor", env=environment(PYTHONPATH=path)))["Python package bcc"]
    assert check["value"] == str(tmp_path) and check["result"] == "info"
    assert "another project's" in check["text"] and "python3-bpfcc" in check["remedy"]
    # A single file hides packages, too.
    (tmp_path / "single").mkdir()
    (tmp_path / "single/bcc.py").write_text("")
    assert value(run_json("doctor", env=environment(PYTHONPATH=f"{tmp_path}/single:{path}")), "Python package bcc") == f"{tmp_path}/single"
