"""What cmake --install puts into a directory works from there, and the build tree works as it is."""

import os
import re
import subprocess
from pathlib import Path

import ebcc
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(ebcc.__file__).parents[2]
NAMES = sorted(path.name for path in (REPOSITORY / "tools").iterdir() if path.is_file() and not path.suffix)


def run(*command, **environment):
    """Runs a command, which must succeed, without the build tree in its environment; returns its output."""
    clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "EBCC_CACHE": os.environ.get("EBCC_CACHE", "off")}
    done = subprocess.run(command, capture_output=True, text=True, env={**clean, **environment}, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An installation into a staging directory; the directory that stands for /usr/local."""
    directory = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, DESTDIR=str(directory))
    return directory / "usr/local"


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """An installation under a prefix that the build did not know."""
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", str(prefix))
    return prefix


def packages(installed):
    """The directory that holds the Python packages."""
    (directory,) = installed.glob("lib/python3.*/dist-packages")
    return directory


@pytest.mark.parametrize("where", ["installed", "moved"])
@pytest.mark.parametrize("name", ["ebcc", "bcc"])
def test_python_package(request, where, name):
    """It finds the library, and the library finds the compiler, without any variable in the environment."""
    installed = request.getfixturevalue(where)
    script = f"import {name} as p; p.BPF(text='int run(void *ctx) {{ return 0; }}').load_func('run', p.BPF.KPROBE); print(p.__file__)"
    output = run("/usr/bin/python3", "-c", script, PYTHONPATH=str(packages(installed)))
    assert output == f"{packages(installed)}/{name}/__init__.py\n"


def test_python_packages_are_one(installed):
    """Scripts for bcc get the objects of ebcc, and every module of both packages can be imported."""
    modules = [f"{path.parent.name}.{path.stem}" for path in packages(installed).glob("*bcc/*.py") if path.stem != "__init__"]
    assert {"bcc.libbcc", "bcc.table", "ebcc.bpf", "ebcc.flamegraph"} <= set(modules)
    script = f"import bcc, ebcc; from ebcc.tools import cli, pinned_sets, places, stacks; import {', '.join(modules)}; assert bcc.BPF is ebcc.BPF; " \
             "assert bcc.table.HashTable is ebcc.table.HashTable and bcc.USDT is ebcc.USDT; print(ebcc.__version__, bcc.__version__)"
    version, interface = run("/usr/bin/python3", "-c", script, PYTHONPATH=str(packages(installed))).split()
    assert version == ebcc.__version__ and interface == "0.37.0"


@pytest.mark.parametrize("where", ["installed", "moved"])
@pytest.mark.parametrize("name", ["ebcc", "bcc"])
def test_lua_package(request, where, name):
    installed = request.getfixturevalue(where)
    paths = {"LUA_PATH_5_4": f"{installed}/share/lua/5.4/?.lua;{installed}/share/lua/5.4/?/init.lua;;",
             "LUA_CPATH_5_4": f"{installed}/lib/lua/5.4/?.so;;"}
    script = f"require('{name}').BPF:new {{ text = 'int run(void *ctx) {{ return 0; }}' }}:close() print 'done'"
    assert run("/usr/bin/lua5.4", "-e", script, **paths) == "done\n"
    assert "killsnoop" in run(installed / "sbin/killsnoop", "--help", **paths)


def test_build_tree():
    """The packages in the build tree work there."""
    run("/usr/bin/python3", "-c", "import ebcc; ebcc.BPF(text='int run(void *ctx) { return 0; }')", PYTHONPATH=f"{BUILD}/python")
    paths = {"LUA_PATH_5_4": f"{BUILD}/lua/?.lua;{BUILD}/lua/?/init.lua;;", "LUA_CPATH_5_4": f"{BUILD}/lua/?.so;;"}
    run("/usr/bin/lua5.4", "-e", "require('ebcc').BPF:new { text = 'int run(void *ctx) { return 0; }' }:close()", **paths)


def install_scripts(build):
    """What cmake --install of a build tree would do."""
    return "".join(path.read_text(encoding="utf-8") for path in Path(build).rglob("cmake_install.cmake"))


def test_without_bcc(tmp_path):
    """With EBCC_BCC=OFF, an installation has no file that Debian's packages of bcc have."""
    run("cmake", "-S", REPOSITORY, "-B", tmp_path, "-G", "Ninja", "-DEBCC_TESTS=OFF", "-DEBCC_BCC=OFF")
    names_of_bcc = re.compile(r"/bcc\b|bcc-lua")
    assert names_of_bcc.search(install_scripts(BUILD)) and not names_of_bcc.search(install_scripts(tmp_path))
    assert (tmp_path / "python/ebcc/bpf.py").exists() and not (tmp_path / "python/bcc").exists()
    assert (tmp_path / "lua/ebcc/bpf.lua").exists() and not list(tmp_path.glob("lua/bcc*"))


@pytest.mark.parametrize("name", NAMES)
def test_tools(installed, name):
    """Each tool is installed, with its manual page."""
    assert os.access(installed / "sbin" / name, os.X_OK)
    assert (installed / "share/man/man8" / f"{name}.8").exists()


@pytest.mark.parametrize("where", ["installed", "moved"])
def test_program(request, tmp_path, where):
    """It finds the compiler and the tools of its installation, and is there with all that belongs to it."""
    installed = request.getfixturevalue(where)
    program = installed / "bin/ebcc"
    source = tmp_path / "trace.c"
    source.write_text("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }")
    run(program, "build", source)
    assert source.with_suffix(".o").exists()
    output = run(program, "opensnoop", "--version", PYTHONPATH=str(packages(installed)))
    assert output == f"opensnoop (ebcc {ebcc.__version__})\n"
    (installed / "libexec/ebcc/ebcc-hello").write_text("#!/bin/sh\necho hello $1\n")
    (installed / "libexec/ebcc/ebcc-hello").chmod(0o755)
    assert run(program, "hello", "you") == "hello you\n"
    for name in ("share/man/man1/ebcc.1", "share/bash-completion/completions/ebcc", "share/zsh/vendor-completions/_ebcc"):
        assert (installed / name).stat().st_size > 1000


def test_program_is_not_a_way_to_others(installed):
    """Of the programs that are beside it in sbin/, only tools are sub-commands."""
    (installed / "sbin/reboot").write_text("#!/bin/sh\necho rebooted\n")
    (installed / "sbin/reboot").chmod(0o755)
    done = subprocess.run([installed / "bin/ebcc", "reboot"], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_tool_traces(installed):
    output = run(installed / "sbin/opensnoop", "-d", "0.1", "-p", str(os.getpid()), PYTHONPATH=str(packages(installed)))
    assert output.startswith("PID ")


def compile_hello(tmp_path, flags):
    """Compiles the example in C, with every warning an error."""
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
    """pkg-config has the flags for the build tree too."""
    flags = run("pkg-config", "--cflags", "--libs", "ebcc", PKG_CONFIG_PATH=f"{BUILD}/src/cc").split()
    program = compile_hello(tmp_path, flags)
    assert str(BUILD) in run("ldd", program)


@pytest.mark.parametrize("where", ["installed", "moved", "build"])
def test_cmake_package(request, tmp_path, where):
    """find_package() finds a target with the header and the library, below any prefix and in the build tree."""
    root = BUILD / "src/cc" if where == "build" else request.getfixturevalue(where) / "lib/cmake/ebcc"
    (tmp_path / "CMakeLists.txt").write_text(f"""
cmake_minimum_required(VERSION 3.25)
project(hello C)
find_package(ebcc {ebcc.__version__} REQUIRED)
add_executable(hello {REPOSITORY}/examples/hello.c)
target_link_libraries(hello PRIVATE ebcc::ebcc)
""", encoding="utf-8")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", f"-Debcc_DIR={root}")
    run("cmake", "--build", tmp_path / "build")
    expected = BUILD if where == "build" else request.getfixturevalue(where)
    assert f"{expected}/" in run("ldd", tmp_path / "build/hello")


def test_cmake_package_of_another_version(tmp_path):
    """A program that wants a later minor version does not find this one."""
    (tmp_path / "CMakeLists.txt").write_text("""
cmake_minimum_required(VERSION 3.25)
project(hello C)
find_package(ebcc 0.99 QUIET)
file(WRITE found "${ebcc_FOUND} ${ebcc_CONSIDERED_VERSIONS}")
""", encoding="utf-8")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", f"-Debcc_DIR={BUILD}/src/cc")
    assert (tmp_path / "found").read_text() == f"0 {ebcc.__version__}"


def test_exports():
    """The library exports what the header declares, and the header's version is the package's."""
    header = (REPOSITORY / "src/cc/ebcc.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"\b(ebcc_\w+)\(", " ".join(re.findall(r"EBCC_API [^;]*;", header))))
    exported = set(re.findall(r" T (\w+)@@EBCC_", run("nm", "-D", "--defined-only", BUILD / "src/cc/libebcc.so")))
    assert declared == exported
    version = ".".join(re.search(rf"#define EBCC_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))
    assert version == ebcc.__version__


@pytest.mark.parametrize("language", ["-xc -std=c99", "-xc -std=c17", "-xc++ -std=c++11", "-xc++ -std=c++20"])
def test_header(language):
    """Programs in C and C++ include it without a warning."""
    run("cc", *language.split(), "-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror", "-fsyntax-only", REPOSITORY / "src/cc/ebcc.h")
