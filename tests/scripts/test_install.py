"""What cmake --install puts into a directory works from there, and so does a build tree for C programs."""

import os
import subprocess
from pathlib import Path

import bcc
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(bcc.__file__).parents[2]
NAMES = sorted(path.name for path in (REPOSITORY / "tools").iterdir() if path.is_file() and not path.suffix)


def run(*command, **environment):
    """A command's output; the environment has nothing of the build tree. The command succeeds."""
    clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "EBCC_CACHE": os.environ.get("EBCC_CACHE", "off")}
    done = subprocess.run(command, capture_output=True, text=True, env={**clean, **environment}, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An installation below a directory: what stands for its /usr/local."""
    directory = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, DESTDIR=str(directory))
    return directory / "usr/local"


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """An installation with a prefix that the build did not know of."""
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", str(prefix))
    return prefix


def packages(installed):
    """The directory that holds the Python package."""
    (directory,) = installed.glob("lib/python3.*/dist-packages")
    return directory


@pytest.mark.parametrize("where", ["installed", "moved"])
def test_python_package(request, where):
    """It finds the library, and the library the compiler, without a word in the environment."""
    installed = request.getfixturevalue(where)
    script = "import bcc; bcc.BPF(text='int run(void *ctx) { return 0; }').load_func('run', bcc.BPF.KPROBE); print(bcc.__file__)"
    output = run("/usr/bin/python3", "-c", script, PYTHONPATH=str(packages(installed)))
    assert output == f"{packages(installed)}/bcc/__init__.py\n"


@pytest.mark.parametrize("where", ["installed", "moved"])
def test_lua_package(request, where):
    installed = request.getfixturevalue(where)
    paths = {"LUA_PATH_5_4": f"{installed}/share/lua/5.4/?.lua;{installed}/share/lua/5.4/?/init.lua;;",
             "LUA_CPATH_5_4": f"{installed}/lib/lua/5.4/?.so;;"}
    script = "require('bcc').BPF:new { text = 'int run(void *ctx) { return 0; }' }:close() print 'done'"
    assert run("/usr/bin/lua5.4", "-e", script, **paths) == "done\n"
    assert "killsnoop" in run(installed / "sbin/killsnoop", "--help", **paths)


def test_build_tree():
    """So do the packages there."""
    run("/usr/bin/python3", "-c", "import bcc; bcc.BPF(text='int run(void *ctx) { return 0; }')", PYTHONPATH=f"{BUILD}/python")
    paths = {"LUA_PATH_5_4": f"{BUILD}/lua/?.lua;{BUILD}/lua/?/init.lua;;", "LUA_CPATH_5_4": f"{BUILD}/lua/?.so;;"}
    run("/usr/bin/lua5.4", "-e", "require('bcc').BPF:new { text = 'int run(void *ctx) { return 0; }' }:close()", **paths)


@pytest.mark.parametrize("name", NAMES)
def test_tools(installed, name):
    """Each is there with its manual page."""
    assert os.access(installed / "sbin" / name, os.X_OK)
    assert (installed / "share/man/man8" / f"{name}.8").exists()


def test_a_tool_traces(installed):
    output = run(installed / "sbin/opensnoop", "-d", "0.1", "-p", str(os.getpid()), PYTHONPATH=str(packages(installed)))
    assert output.startswith("PID ")


def compile_hello(tmp_path, flags):
    """Compiles the example in C, as pedantically as can be."""
    program = tmp_path / "hello"
    run("cc", "-std=c99", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-pedantic", "-Werror", REPOSITORY / "examples/hello.c", *flags, "-o", program)
    return program


def test_c_program(installed, tmp_path):
    """pkg-config has the flags for the installation."""
    flags = run("pkg-config", "--cflags", "--libs", "ebcc", PKG_CONFIG_PATH=f"{installed}/lib/pkgconfig",
                PKG_CONFIG_SYSROOT_DIR=str(installed.parents[1])).split()
    assert f"-I{installed}/include" in flags
    compile_hello(tmp_path, flags)


def test_c_program_and_build_tree(tmp_path):
    """It has those for the build tree, too."""
    flags = run("pkg-config", "--cflags", "--libs", "ebcc", PKG_CONFIG_PATH=f"{BUILD}/src/cc").split()
    program = compile_hello(tmp_path, flags)
    assert str(BUILD) in run("ldd", program)


@pytest.mark.parametrize("language", ["-xc -std=c99", "-xc -std=c17", "-xc++ -std=c++11", "-xc++ -std=c++20"])
def test_header(language):
    """Programs in C and C++ include it without a warning."""
    run("cc", *language.split(), "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", REPOSITORY / "src/cc/ebcc.h")
