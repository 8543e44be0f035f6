"""The scripts that people and CI call: what they print, and that they report failures as failures."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "scripts"


def run(*command, **environment):
    """Runs a command in this environment, with some variables changed."""
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=300, check=False)


def junit(path, *cases):
    """Writes a JUnit file: each case is a name and, if it did not pass, the element that says so."""
    body = "".join(f'<testcase classname="c" name="{name}" time="0">{element}</testcase>' for name, element in cases)
    path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")


def test_sum_adds_up_runners(tmp_path):
    junit(tmp_path / "units.xml", ("a", ""), ("b", ""))
    junit(tmp_path / "python.xml", ("c", ""))
    done = run(SCRIPTS / "sum-results", tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "3 passed, 0 failed, 0 skipped"
    assert "units: 2 passed, 0 failed, 0 skipped" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ('<failure message="1 != 2"/>', "failed: python:c:x: 1 != 2"),
        ('<error message="broke"/>', "failed: python:c:x: broke"),
        ('<skipped message="no reason"/>', "unexpected skip, counted as failed: python:c:x: no reason"),
    ],
)
def test_sum_fails_with_one_test(tmp_path, element, words):
    junit(tmp_path / "python.xml", ("ok", ""), ("x", element))
    done = run(SCRIPTS / "sum-results", tmp_path)
    assert done.returncode == 1
    assert words in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize("contents", ["", "<testsuites><testsuite/></testsuites>", "<testsuites><testsu"])
def test_sum_fails_without_results(tmp_path, contents):
    """A runner that died, or ran nothing, is a failure even when all others pass."""
    junit(tmp_path / "units.xml", ("a", ""))
    (tmp_path / "python.xml").write_text(contents)
    done = run(SCRIPTS / "sum-results", tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


NEWER = "7.3.1-amd64 is newer than 7.2.13-amd64, the last that was recorded as tested"


def test_failures_on_a_kernel_that_does_not_decide(tmp_path):
    """They are named and counted separately; failures on other kernels still count."""
    failure = '<failure message="gone"/>'
    junit(tmp_path / "vm-bookworm.xml", ("a", ""), ("b", ""))
    junit(tmp_path / "vm-sid.xml", ("a", failure), ("b", ""), ("c", '<skipped message="why"/>'))
    junit(tmp_path / "corpus.xml", ("texts[sid]", failure), ("texts[sid-1]", failure), ("texts[bookworm]", ""))
    (tmp_path / "vm-trixie.xml").write_text("<testsuites")
    (tmp_path / "not-fatal").write_text(f"vm-sid:* {NEWER}\n*[[]sid[]-]* {NEWER}\nvm-trixie:* no kernel\n")
    done = run(SCRIPTS / "sum-results", tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert f"not fatal: {NEWER}: failed: vm-sid:c:a: gone" in lines
    assert f"not fatal: {NEWER}: failed: corpus:c:texts[sid]: gone" in lines
    assert "vm-sid: 1 passed, 0 failed, 0 skipped, 2 not fatal" in lines
    assert lines[-2:] == ["5 not fatal, not counted below", "4 passed, 0 failed, 0 skipped"]
    junit(tmp_path / "vm-bookworm.xml", ("a", failure), ("b", ""))
    done = run(SCRIPTS / "sum-results", tmp_path)
    assert done.returncode == 1 and "failed: vm-bookworm:c:a: gone" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "3 passed, 1 failed, 0 skipped"


def test_expected_skips_have_reasons():
    for line in (REPOSITORY / "tests/expected-skips").read_text().splitlines():
        if line and not line.startswith("#"):
            assert len(line.split(None, 1)) == 2, line


def test_dependencies_are_listed():
    build = run(SCRIPTS / "install-deps", "--build", "--list").stdout.split()
    assert {"llvm-19-dev", "libclang-19-dev", "libbpf-dev", "python3-dev"} <= set(build)
    assert "qemu-system-x86" not in build
    assert "qemu-system-x86" in run(SCRIPTS / "install-deps", "--list").stdout.split()
    assert "python3-bpfcc" in run(SCRIPTS / "install-deps", "--bench", "--list").stdout.split()


def test_packages_are_built_with_the_same():
    """debian/control names what install-deps installs, except compilers and Python, which Debian's tools for packages
    bring."""
    control = (REPOSITORY / "debian/control").read_text(encoding="utf-8")
    fields = re.search(r"^Build-Depends:(.*?)^$", control, re.DOTALL | re.MULTILINE)[1]
    needed = set(run(SCRIPTS / "install-deps", "--build", "--list").stdout.split())
    named = {field.split()[0] for field in fields.split(",")}
    assert needed - named == {"gcc", "g++", "python3"}
    assert named - needed == {"debhelper-compat", "dh-sequence-python3"}


@pytest.fixture
def packages(tmp_path):
    """packages(text): runs install-deps where dpkg-query prints this; the arguments that apt-get got, or None."""
    def install(text):
        for name, body in (("dpkg-query", "cat <<'EOF'\n%s\nEOF\n" % text), ("apt-get", 'echo "$@" >>"$0.log"\n')):
            (tmp_path / name).write_text("#!/bin/sh\n" + body)
            (tmp_path / name).chmod(0o755)
        done = run(SCRIPTS / "install-deps", "--test", PATH=f"{tmp_path}:{os.environ['PATH']}")
        assert done.returncode == 0, done.stderr
        log = tmp_path / "apt-get.log"
        return log.read_text().split() if log.exists() else None

    return install


def test_installed_packages_are_left_alone(packages):
    """A package may be there under its own name or another that provides it; its configuration alone is not enough."""
    wanted = run(SCRIPTS / "install-deps", "--test", "--list").stdout.split()
    others = [f"installed {name} " for name in wanted if name not in ("libgnutls30", "kmod")]
    kmod, gnutls = "installed kmod ", "installed libgnutls30t64 other (= 1), libgnutls30 (= 3.8.9-3)"
    assert packages("\n".join([*others, kmod, gnutls])) is None
    asked = packages("\n".join([*others, "config-files kmod ", "installed libkmod2 libgnutls30-dev"]))
    assert asked[-2:] == ["libgnutls30", "kmod"] or asked[-2:] == ["kmod", "libgnutls30"]


@pytest.mark.parametrize("status", [0, 100])
def test_installing_shows_progress(tmp_path, status):
    """It shows progress, and if it fails the last lines of apt-get. Scripts stand in for apt-get and dpkg-query."""
    words = [*(f"Get:{number} http://server package" for number in range(20)), *(f"Unpacking p{number} ..." for number in range(20)),
             *(f"Setting up p{number} ..." for number in range(20)), "last words"]
    (tmp_path / "words").write_text("".join(f"{word}\n" for word in words))
    for name, commands in (("apt-get", f"cat {tmp_path}/words\nexit {status}"), ("dpkg-query", "exit 1"), ("id", "echo 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{commands}\n")
        (tmp_path / name).chmod(0o755)
    done = run(SCRIPTS / "install-deps", "--build", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "   20 files fetched, 5 packages unpacked, 0 set up\n" in done.stdout
    assert "   20 files fetched, 20 packages unpacked, 10 set up\n" in done.stdout
    assert "Unpacking" not in done.stdout
    assert done.returncode == (1 if status else 0)
    assert ("last words" in done.stderr) == bool(status)


def test_env_makes_the_build_tree_usable(tmp_path):
    build = tmp_path / "a build"
    build.mkdir()
    done = run("bash", "-c", 'eval "$("$1/scripts/env" "$2")"; env -0', "bash", REPOSITORY, build, PYTHONPATH="/kept")
    variables = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert variables["PYTHONPATH"] == f"{build}/python:/kept"
    # What is built finds the library without this variable, which would affect all programs that the shell starts.
    assert "LD_LIBRARY_PATH" not in done.stdout
    assert variables["PATH"].split(":")[0] == str(REPOSITORY / "tools")


def test_env_without_a_build_fails(tmp_path):
    done = run(SCRIPTS / "env", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no build tree" in done.stderr


@pytest.mark.parametrize("script", ["quickstart", "check", "install-deps", "env", "sum-results", "package", "container"])
def test_help_has_examples(script):
    done = run(SCRIPTS / script, "--help")
    assert done.returncode == 0
    assert "usage:" in done.stdout and "example" in done.stdout


@pytest.mark.parametrize("script", ["quickstart", "check", "install-deps", "package", "container"])
def test_unknown_arguments_are_refused(script):
    done = run(SCRIPTS / script, "--frobnicate")
    assert done.returncode != 0
    assert "--frobnicate" in done.stderr


def test_benchmark_measures():
    """One run of each kind on this project's module: every number is there and plausible."""
    done = run(REPOSITORY / "bench/start", "--no-bcc", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report["medians"]) == {"ebcc cold", "ebcc cached", "ebcc store"}
    for medians in report["medians"].values():
        assert 0 < medians["create"] < medians["first_event"] < 30
        assert 1000 < medians["tracer_kb"] < 1000000
    assert report["medians"]["ebcc cold"]["helper_kb"] > 10000


@pytest.mark.parametrize("benchmark, kinds, columns", [
    ("events", {"ebcc", "ebcc Lua"}, {"perf_waiting", "ring_waiting", "perf_backlog", "ring_backlog"}),
    ("symbols", {"ebcc"}, {"user_cold", "user_warm", "kernel_cold", "kernel_warm"}),
    ("tables", {"ebcc"}, {"items", "values", "keys", "clear", "lookup", "update", "per_cpu_items"})])
def test_benchmarks_of_hot_paths_measure(benchmark, kinds, columns):
    """One run on this project's modules; the scripts check what they read."""
    done = run(REPOSITORY / "bench" / benchmark, "--no-bcc", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report["medians"]) == kinds
    for medians in report["medians"].values():
        assert set(medians) == columns
        assert all(0 < seconds < 1 for seconds in medians.values())
