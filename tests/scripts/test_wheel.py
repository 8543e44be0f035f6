"""A wheel, built without the network and installed into a virtual environment, runs a script there."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import ebcc
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HELPER = Path(ebcc.__file__).parents[2] / "src/cc/ebcc-cc"
SCRIPT = r"""
import os
import bcc, ebcc
assert ebcc.__file__.startswith(os.environ["VIRTUAL_ENV"]) and bcc.BPF is ebcc.BPF
b = ebcc.BPF(text='''
const volatile u32 target = 0;
BPF_ARRAY(opens, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_openat)
{
    if (bpf_get_current_pid_tgid() >> 32 == target)
        opens.atomic_increment(0);
    return 0;
}''', constants={"target": os.getpid()})
before = b["opens"][0].value
for _ in range(10):
    open("/etc/hostname").close()
print(b["opens"][0].value - before)
"""


def run(*command, status=0, **environment):
    """Runs a command without the build tree in its environment. Returns its output and errors."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "EBCC_CACHE": "off", **environment})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel without the compiler, from a copy of the sources: what git has, as it is in the working tree."""
    sources, output = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    names = subprocess.run(["git", "-C", REPOSITORY, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (REPOSITORY / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, sources / name)
    run("/usr/bin/python3", "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index",
        "--disable-pip-version-check", "--wheel-dir", str(output), str(sources), CMAKE_ARGS="-DEBCC_COMPILER=OFF")
    (path,) = output.iterdir()
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A virtual environment that has the wheel and nothing else."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    run("/usr/bin/python3", "-m", "venv", "--without-pip", str(venv))
    run("/usr/bin/python3", "-m", "pip", "--python", str(venv / "bin/python"), "--quiet", "--disable-pip-version-check",
        "install", "--no-index", str(wheel))
    return venv


def run_script(environment, **variables):
    return run(str(environment / "bin/python"), "-c", SCRIPT, VIRTUAL_ENV=str(environment), **variables)


def test_contents(wheel):
    """It is for Python 3.11 and all later versions, and has no file but those of the two packages."""
    assert wheel.name == f"ebcc-{ebcc.__version__}-cp311-abi3-linux_{os.uname().machine}.whl"
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {name.split("/")[0] for name in names} == {"ebcc", "bcc", f"ebcc-{ebcc.__version__}.dist-info"}
    assert {"ebcc/_ebcc.abi3.so", "ebcc/constants.py", "ebcc/py.typed", "bcc/__init__.py"} <= set(names)
    assert not [name for name in names if name.endswith(".pyc")]


def test_libraries(environment):
    """The extension needs libelf and what that needs, and no other library of ours."""
    (extension,) = environment.glob("lib/python*/site-packages/ebcc/_ebcc.abi3.so")
    output, _ = run("objdump", "-p", str(extension))
    needed = {line.split()[1] for line in output.splitlines() if line.startswith("  NEEDED")}
    assert {name for name in needed if not name.startswith("ld-linux")} == {"libelf.so.1", "libc.so.6"}
    output, _ = run("nm", "-D", "--defined-only", str(extension))
    assert [line.split()[-1] for line in output.splitlines()] == ["PyInit__ebcc"]


def test_compiler_beside_the_extension(environment):
    """A wheel with the compiler has it there."""
    (package,) = environment.glob("lib/python*/site-packages/ebcc")
    helper = Path(shutil.copy2(HELPER, package / "ebcc-cc"))
    try:
        assert run_script(environment) == ("10\n", "")
    finally:
        helper.unlink()


@pytest.mark.skipif(os.path.exists("/usr/libexec/ebcc/ebcc-cc"), reason="the package ebcc-compiler is installed")
def test_no_compiler(environment):
    """Without one, the error says what to install."""
    _, errors = run(str(environment / "bin/python"), "-c", SCRIPT, VIRTUAL_ENV=str(environment), status=1)
    assert "ebcc.CompileError: the compiler helper ebcc-cc is not installed" in errors and "ebcc-compiler" in errors
    assert run_script(environment, EBCC_CC=str(HELPER)) == ("10\n", "")


def test_editable():
    """pip install -e is refused with what to use instead."""
    _, errors = run("/usr/bin/python3", str(REPOSITORY / "setup.py"), "-q", "build_ext", "--inplace", status=1)
    assert "scripts/env" in errors.splitlines()[-1]
