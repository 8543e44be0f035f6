# SPDX-License-Identifier: Apache-2.0
"""What a compile may read and do, if sources and flags come from strangers."""

import os
import subprocess
import sys
import tempfile
import time

import pytest

from ebcc import BPF, CompileError

# The compiler must run: no object of an earlier run may be used instead.
os.environ["EBCC_CACHE"] = "off"

SECRET = "the secret words\n"
NOBODY = 65534
RETURN = "int f(void *ctx) { return VALUE; }"


@pytest.fixture(autouse=True, params=[None, "in-process"], ids=["helper", "in-process"])
def compiler(request):
    """Where the compiler runs. It may read the same files in both places."""
    return request.param


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory, with a secret beside it."""
    (tmp_path / "secret.h").write_text(SECRET)
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    (folder / "local.h").write_text("#define VALUE 5\n")
    (folder / "sub" / "deep.h").write_text('#include "near.h"\n')
    (folder / "sub" / "near.h").write_text("#define VALUE 6\n")
    monkeypatch.chdir(folder)
    return folder


def value(**options):
    """The value that the program returns, which must be a constant."""
    with BPF(**options) as bpf:
        code = bpf.dump_func("f")
    return int.from_bytes(code[4:8], "little")


def refusal(text, compiler, **options):
    """The error for a source that must not compile."""
    with pytest.raises(CompileError) as raised:
        BPF(text=text + "\n", compiler=compiler, **options)
    assert "secret words" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("include", [
    '#include "../secret.h"', '#include "%s"', "#include <%s>", '#import "%s"', "#include_next <%s>",
    '#include "sub/../../secret.h"', "#define NAME <%s>\n#include NAME", '#if __has_include("%s")\n#endif',
    '#pragma GCC dependency "%s"', '#pragma include_alias("x.h", "%s")\n#include "x.h"',
    '#include "/proc/self/environ"', '#include "/proc/self/cwd/../secret.h"', '#include "/etc/shadow"'])
def test_includes_outside_the_directory(project, compiler, include):
    include = include.replace("%s", str(project.parent / "secret.h"))
    error = refusal(include + "\n" + RETURN, compiler)
    assert "outside of what this compile may read" in error or "file not found" in error


@pytest.mark.parametrize("assembler", [
    'asm(".incbin \\"%s\\"");', 'asm(".section .rodata.x\\n.include \\"%s\\"");',
    'int g(void) { asm volatile(".include \\"%s\\""); return 0; }',
    'int g(void) { asm volatile(".inc{lude|x} \\"%s\\""); return 0; }',
    'extern int include;\nint g(void) { asm volatile(".%%c0 \\"%s\\"" :: "i"(&include)); return 0; }',
    'extern int x asm(".include");\nint g(void) { asm volatile("%%c0 \\"%s\\"" :: "i"(&x)); return 0; }',
    'asm(".macro read word\\n.\\\\word \\"%s\\"\\n.endm\\nread incbin");'])
def test_assembler_that_reads_files(project, compiler, assembler):
    text = assembler.replace("%s", str(project.parent / "secret.h")).replace("%%", "%")
    error = refusal(text + "\nint f(void *ctx) { return 1; }", compiler)
    assert "is not allowed in BPF programs" in error or "is not a valid name for" in error


def test_lines_of_other_files_are_not_quoted(project, compiler):
    """If a source claims that a line is from another file, neither BTF nor errors quote that file."""
    line = '#line 1 "%s"\n' % (project.parent / "secret.h")
    with BPF(text=line + "int f(void *ctx) { return 3; }", compiler=compiler) as bpf:
        assert b"secret words" not in bpf.module.object()
    refusal(line + "int f(void *ctx) { return unknown; }", compiler)


@pytest.mark.parametrize("flag", [
    ["-fpass-plugin=%s"], ["-fplugin=%s"], ["-load", "%s"], ["-Xclang", "-load", "-Xclang", "%s"],
    ["-Xclang", "-opt-record-file", "-Xclang", "%s"], ["-mllvm", "-info-output-file=%s"],
    ["-ftime-trace=%s"], ["-fsave-optimization-record=yaml"], ["-foptimization-record-file=%s"],
    ["-save-temps"], ["-Xclang", "-dependency-file", "-Xclang", "%s"], ["-fmodules"],
    ["-fmodules-cache-path=%s"], ["-fprofile-list=%s"], ["-fprofile-instr-use=%s"], ["-specs=%s"],
    ["-B", "%s"], ["-include-pch", "%s"], ["-ivfsoverlay", "%s"], ["-fdump-record-layouts"],
    ["-Xclang", "-serialize-diagnostic-file", "-Xclang", "%s"], ["@%s"], ["--config=%s"],
    ["-Xclang", "-stats-file=%s"], ["-fxray-attr-list=%s"], ["-fsanitize-ignorelist=%s"],
    ["-foverride-record-layout=%s"], ["-mlink-bitcode-file", "%s"], ["-Xclang", "-emit-obj"]])
def test_refused_flags(project, compiler, flag):
    path = project.parent / "secret.h"
    flags = [word.replace("%s", str(path)) for word in flag]
    before = sorted(os.listdir(project.parent)), sorted(os.listdir(project))
    error = refusal("int f(void *ctx) { return 1; }", compiler, cflags=flags)
    assert flags[-1] in error or flags[0] in error or flags[1] in error
    assert (sorted(os.listdir(project.parent)), sorted(os.listdir(project))) == before
    assert path.read_text() == SECRET


def test_flags_of_build_systems(project, compiler):
    """Flags for outputs that a compile doesn't have here are accepted, and nothing is written."""
    assert value(text="int f(void *ctx) { return 1; }", compiler=compiler,
                 cflags=["-MD", "-MF", "x.d", "-o", "x.o", "-Xclang", "-target-feature", "-Xclang",
                         "+alu32"]) == 1
    assert not os.path.exists("x.d") and not os.path.exists("x.o")


def test_links_of_another_user(project, compiler):
    """These are followed only to files that everyone may read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        for name, text, mode in (("secret", SECRET, 0o600), ("public", "#define VALUE 7\n", 0o644)):
            path = os.path.join(folder, name + ".h")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, mode)
            os.symlink(path, project / (name + ".h"))
            os.lchown(project / (name + ".h"), NOBODY, NOBODY)
        os.symlink(folder, project / "folder")
        os.lchown(project / "folder", NOBODY, NOBODY)
        assert value(text='#include "public.h"\n' + RETURN, compiler=compiler) == 7
        assert "outside of what" in refusal('#include "secret.h"\n' + RETURN, compiler)
        assert "outside of what" in refusal('#include "folder/secret.h"\n' + RETURN, compiler)


def test_directory_is_closed_to_a_source_without_headers(project, compiler, tmp_path):
    """Code that takes over the compiler can't read the directory, unless the source includes files from there."""
    if compiler:
        return
    helper = tmp_path / "ebcc-cc"
    helper.write_text("#!/bin/sh\ntimeout 1 cat > %s/request\n" % tmp_path)
    helper.chmod(0o755)
    for include, named in (("<linux/sched.h>", False), ('"local.h"', True)):
        script = "from ebcc import BPF\nBPF(text='#include %s\\nint f(void *c) { return 0; }')" % include
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False,
                                env=dict(os.environ, EBCC_CC=str(helper)))
        assert b"CompileError" in result.stderr, result.stderr
        request = (tmp_path / "request").read_bytes()
        # Once as the start of relative names, and a second time as a directory that may be read.
        assert request.count(os.fsencode(project) + b"\0") == 1 + named


# What has to work.

def test_local_headers(project, compiler):
    assert value(text='#include "local.h"\n' + RETURN, compiler=compiler) == 5
    assert value(text='#include "sub/deep.h"\n' + RETURN, compiler=compiler) == 6


def test_directories_of_flags(project, compiler):
    os.chdir("sub")
    text = '#include "local.h"\n' + RETURN
    assert "local.h" in refusal(text, compiler)
    for flags in (["-I.."], ["-I", ".."], ["-iquote", ".."], ["-isystem", str(project)]):
        assert value(text=text, compiler=compiler, cflags=flags) == 5
    assert value(text='#include "../local.h"\n' + RETURN, compiler=compiler, cflags=["-I.."]) == 5
    for flags in (["-include", "../local.h"], ["-imacros", "../local.h"]):
        assert value(text=RETURN, compiler=compiler, cflags=flags) == 5


def test_source_files(project, compiler, monkeypatch):
    (project / "source.c").write_text('#include "local.h"\n' + RETURN)
    assert value(src_file="source.c", compiler=compiler) == 5
    monkeypatch.chdir("/")
    assert value(src_file=str(project / "source.c"), compiler=compiler) == 5
    assert value(src_file=os.path.relpath(project / "source.c"), compiler=compiler) == 5


def test_links_of_this_user(project, compiler):
    (project.parent / "elsewhere").mkdir()
    (project.parent / "elsewhere" / "far.h").write_text("#define VALUE 8\n")
    os.symlink("../elsewhere/far.h", "link.h")
    os.symlink("../elsewhere", "folder")
    os.symlink(project, project.parent / "alias")
    assert value(text='#include "link.h"\n' + RETURN, compiler=compiler) == 8
    assert value(text='#include "folder/far.h"\n' + RETURN, compiler=compiler) == 8
    (project / "source.c").write_text('#include "local.h"\n' + RETURN)
    assert value(src_file=str(project.parent / "alias" / "source.c"), compiler=compiler) == 5


def test_files_of_another_user(project, compiler):
    """Root can compile sources in a home directory that only its user can read."""
    (project / "source.c").write_text('#include "local.h"\n' + RETURN)
    for path in (project, project / "source.c", project / "local.h"):
        os.chown(path, NOBODY, NOBODY)
        os.chmod(path, 0o700 if path.is_dir() else 0o600)
    assert value(src_file=str(project / "source.c"), compiler=compiler) == 5


def test_same_source_in_two_directories(project, compiler, monkeypatch, tmp_path):
    """Relative names are looked up in the current directory, even if there is an object from an earlier one."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "local.h").write_text("#define VALUE 9\n")
    monkeypatch.setenv("EBCC_CACHE", str(tmp_path / "cache"))
    text = '#include "local.h"\n' + RETURN
    for folder, expected in ((project, 5), (tmp_path / "other", 9), (project, 5)):
        monkeypatch.chdir(folder)
        assert value(text=text, compiler=compiler) == expected


# Slow to compile: each macro expands to twice as much as the one before.
SLOW = "#define M0 1+\n" + "".join("#define M%d M%d M%d\n" % (i, i - 1, i - 1) for i in range(1, 22)) + \
    "int f(void *ctx) { return M21 1; }\n"


def helper_of(pid):
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
            for child in file.read().split():
                with open("/proc/%s/comm" % child, encoding="ascii") as name:
                    if name.read() == "ebcc-cc\n":
                        return int(child)
    return None


def status_of(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_the_helper_is_confined(project, compiler):
    if compiler:
        return
    process = subprocess.Popen([sys.executable, "-c", "from ebcc import BPF; BPF(text=%r)" % SLOW],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < deadline
            helper = helper_of(process.pid)
            status = status_of(helper) if helper else {}
            if status.get("Seccomp") == "2":
                break
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert os.readlink("/proc/%d/cwd" % helper) == "/"
    finally:
        process.kill()
        process.wait()


def test_pipes_are_not_opened(project, compiler):
    """Opening one would wait for a writer, which may never come."""
    os.mkfifo("pipe.h")
    for words in ("pipe.h", str(project / "pipe.h")):
        with pytest.raises(CompileError, match="pipe.h.*not a regular file"):
            BPF(text=f'#include "{words}"\n' + RETURN, compiler=compiler)
    with pytest.raises(Exception, match="pipe.h is not a regular file"):
        BPF(text=RETURN, btf_path="pipe.h", compiler=compiler)
    with pytest.raises(CompileError, match="not a regular file"):
        BPF(text=RETURN, cflags=["-include", "pipe.h"], compiler=compiler)
