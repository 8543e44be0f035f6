"""ebcc build: objects, diagnostics, verdicts of the verifier, and files that are none of these."""
import platform
import re
import subprocess
from pathlib import Path

import pytest
from clirun import EBCC, LIMIT, run, run_json
from ebcc import BPF

PROGRAM = """
BPF_HASH(counts, u32, u64);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u32 key = args->pid;
    counts.increment(key);
    return 0;
}
"""

# The first is rejected: it uses the result of a lookup that may have failed.
REJECTED = """
BPF_HASH(counts, u32, u64);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u32 key = 0;
    u64 *count = counts.lookup(&key);
    return *count;
}
TRACEPOINT_PROBE(syscalls, sys_enter_getsid) { return 0; }
"""

ESCAPE = b"\x1b"


@pytest.fixture
def source(tmp_path):
    """A function that writes a source and returns its path."""
    def write(text, name="trace.c"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


def section_sizes(path):
    """{section: bytes} as readelf shows them."""
    text = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^\s*\[ *\d+\] (\S+)\s+\S+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", text, re.MULTILINE)
    return {name: int(size, 16) for name, size in rows}


def test_object(source):
    """The object is written beside the source, and can be loaded."""
    path = source(PROGRAM)
    assert run("build", path) == (b"", b"")
    built = BPF(object=str(path.with_suffix(".o")))
    with built:
        assert len(built["counts"]) == 0


def test_default_name(source):
    """Only the last suffix is replaced; without .c, .o is added."""
    path = source(PROGRAM, "trace.bpf.c")
    run("build", path)
    assert (path.parent / "trace.bpf.o").exists()
    path = source(PROGRAM, "trace.txt")
    run("build", path)
    assert (path.parent / "trace.txt.o").exists()


def test_output(source, tmp_path):
    """-o names the file; - is standard output, with the same bytes."""
    path = source(PROGRAM)
    run("build", path, "-o", tmp_path / "named.o")
    named = (tmp_path / "named.o").read_bytes()
    assert named.startswith(b"\x7fELF")
    output, _ = run("build", path, "--output", "-")
    assert output == named
    assert not path.with_suffix(".o").exists()


def test_standard_input(tmp_path):
    run("build", "-", "-o", tmp_path / "in.o", input=PROGRAM.encode())
    assert (tmp_path / "in.o").read_bytes().startswith(b"\x7fELF")
    _, errors = run("build", "-", "-o", tmp_path / "bad.o", input=b"int x(void *ctx) { return y; }", status=1)
    assert errors.startswith(b"<stdin>:1:")


def test_flags(source, tmp_path):
    """-D, -U, -I and -include reach the compiler."""
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers/one.h").write_text("#define ONE 1\n")
    (tmp_path / "two.h").write_text("#define TWO 2\n")
    path = source('#include <one.h>\n_Static_assert(ONE + TWO + THREE == 6, "sum");\n#ifdef FOUR\n#error four\n#endif\n' + PROGRAM)
    run("build", path, f"-I{tmp_path}/headers", "-include", tmp_path / "two.h", "-DTHREE=3", "-D", "FOUR", "-UFOUR")
    run("build", path, "-I", f"{tmp_path}/headers", "--include", tmp_path / "two.h", "-D", "THREE=3")
    _, errors = run("build", path, f"-I{tmp_path}/headers", "-DTHREE=3", "-include", tmp_path / "two.h", "-DFOUR", status=1)
    assert b"error: four" in errors


def test_portable(source):
    """The flag makes another object, and the report says so."""
    path = source("int kprobe__vfs_read(struct pt_regs *ctx, struct file *file) { return file->f_mode; }")
    report = run_json("build", path, "--portable")
    assert report["portable"] is True and report["object"] == str(path.with_suffix(".o"))
    portable = path.with_suffix(".o").read_bytes()
    assert run_json("build", path)["portable"] is False
    assert path.with_suffix(".o").read_bytes() != portable


def test_syntax_error(source):
    """As compilers do: the location first, each diagnostic once, no object, status 1."""
    path = source("int kprobe__vfs_read(void *ctx)\n{\n    return nonsense;\n}\n")
    output, errors = run("build", path, status=1)
    assert output == b""
    assert errors.startswith(f"{path}:3:12: error: use of undeclared identifier 'nonsense'\n".encode())
    assert errors.count(b"error:") == 1 and errors.count(b"nonsense;") == 1
    assert not path.with_suffix(".o").exists()
    report = run_json("build", path, status=1)
    (diagnostic,) = report["diagnostics"]
    assert {name: diagnostic[name] for name in ("severity", "file", "line", "column", "message")} == {
        "severity": "error", "file": str(path), "line": 3, "column": 12, "message": "use of undeclared identifier 'nonsense'"}
    assert "return nonsense;" in diagnostic["text"]
    assert report["object"] is None and report["error"]["code"] == "compile"


def test_warning(source):
    """Warnings are shown once, in a second run too, and are not failures."""
    path = source("int kprobe__vfs_read(void *ctx)\n{\n    int unused;\n    return 0;\n}\n")
    for _ in range(2):
        _, errors = run("build", path, "-Wall")
        assert errors.startswith(f"{path}:3:9: warning: unused variable 'unused'".encode())
        assert errors.count(b"warning:") == 1
    (diagnostic,) = run_json("build", path, "-Wall")["diagnostics"]
    assert (diagnostic["severity"], diagnostic["line"], diagnostic["column"]) == ("warning", 3, 9)
    assert run("build", path)[1] == b""


def test_verdict(source):
    """The numbers of an accepted program."""
    path = source("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {\n"
                  "    char text[64];\n    bpf_get_current_comm(text, sizeof(text));\n    return text[0];\n}\n")
    report = run_json("build", path, "--verify")
    (program,) = report["programs"]
    assert program["name"] == "tracepoint__syscalls__sys_enter_getpgid"
    assert program["type"] == "tracepoint" and program["accepted"] is True and "error" not in program
    sizes = section_sizes(path.with_suffix(".o"))
    assert program["instructions"] == sizes["tracepoint/syscalls/sys_enter_getpgid"] // 8
    assert program["processed"] == program["instructions"]  # there are no branches
    assert 64 <= program["stack_bytes"] < 128
    assert program["translated_bytes"] >= program["instructions"] * 8
    assert program["verification_us"] > 0
    text = run("build", path, "--verify")[0].decode().splitlines()
    assert text[0].split()[:4] == ["PROGRAM", "TYPE", "VERDICT", "INSTRUCTIONS"]
    assert text[1].split()[:6] == [program["name"], "tracepoint", "accepted", str(program["instructions"]),
                                   str(program["processed"]), str(program["stack_bytes"])]


@pytest.mark.parametrize("what", ["source", "object"])
def test_rejection(source, what):
    """The verifier's words about one program, and the verdict on the other; the same of an object."""
    path = source(REJECTED)
    if what == "object":
        run("build", path)
        path = path.with_suffix(".o")
    report = run_json("build", path, "--verify", status=1)
    first, second = report["programs"]
    assert first["accepted"] is False and second["accepted"] is True
    assert "invalid mem access 'map_value_or_null'" in first["log"]
    assert first["error"]["code"] == "load" and "trace.c:6" in first["error"]["message"]
    assert report["error"] is None
    output, errors = run("build", path, "--verify", status=1)
    assert errors == b""
    assert output.count(b"invalid mem access") == 2  # in the summary and in the log
    assert re.search(rb"sys_enter_getsid +tracepoint +accepted", output)


def test_program_of_unknown_kind(source):
    """It can't be loaded before somebody says what it is; the verifier has not rejected it."""
    report = run_json("build", source("int run(void *ctx) { return 0; }"), "--verify")
    (program,) = report["programs"]
    assert program["type"] is None and program["accepted"] is None and "kind of program" in program["error"]["message"]


def test_other_kernel(source, tmp_path):
    """--kernel-root compiles for a kernel that is described by files; the object is refused here."""
    root = tmp_path / "root"
    (root / "proc/sys/kernel").mkdir(parents=True)
    (root / "sys/kernel/btf").mkdir(parents=True)
    (root / "proc/sys/kernel/osrelease").write_text("6.1.0-other\n")
    (root / "proc/sys/kernel/version").write_text("#1 SMP\n")
    (root / "proc/sys/kernel/arch").write_text(f"{platform.machine()}\n")
    (root / "sys/kernel/btf/vmlinux").write_bytes(Path("/sys/kernel/btf/vmlinux").read_bytes())
    path = source("int kprobe__vfs_read(struct pt_regs *ctx, struct file *file) { return file->f_mode + LINUX_VERSION_CODE; }")
    report = run_json("build", path, "--kernel-root", root, "--verify", status=1)
    assert report["object"] == str(path.with_suffix(".o"))
    assert report["programs"][0]["error"]["code"] == "other kernel"
    assert "6.1.0-other" in run("build", path.with_suffix(".o"), "--verify", status=1)[1].decode()
    report = run_json("build", path, "--btf", "/sys/kernel/btf/vmlinux", "--verify")
    assert report["programs"][0]["accepted"] is True


def test_object_without_verify(source):
    path = source(PROGRAM)
    run("build", path)
    _, errors = run("build", path.with_suffix(".o"), status=2)
    assert b"is an object already" in errors


@pytest.mark.parametrize("size", [4, 63, 64, 300, 2000])
def test_truncated_object(source, tmp_path, size):
    """An error in plain words and status 1, wherever an object ends."""
    path = source(PROGRAM)
    run("build", path, "-o", tmp_path / "whole.o")
    whole = (tmp_path / "whole.o").read_bytes()
    assert len(whole) > 2000
    cut = tmp_path / "cut.o"
    cut.write_bytes(whole[:size])
    for command in (["build", cut, "--verify"], ["run", cut, "--duration", "1"]):
        output, errors = run(*command, status=1)
        assert errors.startswith(b"ebcc: ") and b"Unknown error" not in errors
        assert b"accepted" not in output


@pytest.mark.parametrize("command", ["build", "run"])
def test_not_a_file(tmp_path, command):
    """Directories, pipes and missing files end it at once, with status 1."""
    assert b"is not a regular file" in run(command, tmp_path, status=1)[1]
    assert b"No such file or directory" in run(command, tmp_path / "missing.c", status=1)[1]
    subprocess.run(["mkfifo", tmp_path / "pipe.c"], check=True)
    assert b"is not a regular file" in run(command, tmp_path / "pipe.c", status=1)[1]


def test_other_elf_file():
    """An ELF file that is not a BPF object."""
    _, errors = run("build", "/bin/true", "--verify", status=1)
    assert errors.startswith(b"ebcc: ") and errors.count(b"\n") == 1


def test_output_in_missing_directory(source, tmp_path):
    _, errors = run("build", source(PROGRAM), "-o", tmp_path / "missing/trace.o", status=1)
    assert b"No such file or directory" in errors


def test_control_characters(source, tmp_path):
    """Neither the name of a file, nor a line of a source, nor a name in an object reaches the terminal raw."""
    path = source("int kprobe__vfs_read(void *ctx) { return '\x1b[31m' + nonsense; }\n", "\x1b[31mtrace.c")
    _, errors = run("build", path, status=1)
    assert ESCAPE not in errors and b"\\x1b[31mtrace.c:1:" in errors
    report = run_json("build", path, status=1)
    assert report["file"] == str(path)
    path = source(PROGRAM)
    run("build", path, "-o", tmp_path / "good.o")
    colored = tmp_path / "colored.o"
    colored.write_bytes((tmp_path / "good.o").read_bytes().replace(b"tracepoint__syscalls", b"\x1b[31mpoint__syscalls"))
    for command in (["build", colored, "--verify"], ["run", colored, "--duration", "0.1"]):
        done = subprocess.run([EBCC, *map(str, command)], capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode in (0, 1)
        assert ESCAPE not in done.stdout + done.stderr

