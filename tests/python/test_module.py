"""Modules: sources, constants, errors, debug output, closing."""

import ctypes as ct
import logging
import os
import subprocess
import sys
import threading
import time

import pytest

import ebcc
from ebcc import BPF
from conftest import getpgid, programs_of

NOTHING = "int nothing(void *ctx) { return 0; }"


def test_text_as_str_and_as_bytes():
    for text in (NOTHING, NOTHING.encode()):
        with BPF(text=text) as bpf:
            assert bpf.load_func("nothing", BPF.RAW_TRACEPOINT).fd > 0


def test_source_file_and_header_file(tmp_path):
    (tmp_path / "answer.h").write_text("#define ANSWER 42\n")
    (tmp_path / "beside.h").write_text("#define SIZE 3\n")
    (tmp_path / "main.c").write_text(
        '#include "beside.h"\nBPF_ARRAY(numbers, u64, SIZE + ANSWER);\n' + NOTHING)
    with BPF(src_file=str(tmp_path / "main.c"), hdr_file=bytes(tmp_path / "answer.h")) as bpf:
        assert len(bpf["numbers"]) == 45


def test_missing_source_file():
    with pytest.raises(ebcc.NotFoundError, match="no file nowhere.c"):
        BPF(src_file="nowhere.c")


def test_cflags_reach_the_compiler():
    with BPF(text="BPF_ARRAY(numbers, u64, SIZE);" + NOTHING, cflags=["-DSIZE=7"]) as bpf:
        assert len(bpf["numbers"]) == 7


def test_tables_are_listed_by_name():
    with BPF(text="BPF_HASH(first); BPF_ARRAY(second);" + NOTHING) as bpf:
        assert sorted(bpf) == ["first", "second"]
        assert len(bpf) == 2
        assert bpf["first"] is bpf["first"]
        with pytest.raises(KeyError, match="third"):
            bpf["third"]


CONSTANTS = """
const volatile s64 number = 1;
const volatile u8 small = 2;
const volatile bool flag = false;
const volatile char name[8] = "none";
const volatile u32 list[3] = {};
struct seen_t { s64 number; u8 small; bool flag; char name[8]; u32 list[3]; };
BPF_HASH(seen, u32, struct seen_t);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    struct seen_t s = {};
    u32 key = 0;
    FILTER
    s.number = number;
    s.small = small;
    s.flag = flag;
    for (int i = 0; i < 8; i++)
        s.name[i] = name[i];
    for (int i = 0; i < 3; i++)
        s.list[i] = list[i];
    seen.update(&key, &s);
    return 0;
}
"""


def test_constants_are_set(load):
    bpf = load(CONSTANTS, constants={"number": -5, b"small": 200, "flag": True, "name": "abc",
                                     "list": [1, 2, 3]})
    getpgid(1)
    seen = bpf["seen"][0]
    assert (seen.number, seen.small, seen.flag, seen.name, list(seen.list)) == \
        (-5, 200, True, b"abc", [1, 2, 3])


def test_constants_keep_the_values_of_the_source(load):
    bpf = load(CONSTANTS)
    getpgid(1)
    seen = bpf["seen"][0]
    assert (seen.number, seen.small, seen.flag, seen.name) == (1, 2, False, b"none")


@pytest.mark.parametrize("name, value, error", [
    ("nosuch", 1, ebcc.NotFoundError),
    ("small", 256, ebcc.InvalidArgumentError),
    ("small", -1, ebcc.InvalidArgumentError),
    ("name", b"much too long", ValueError),
    ("number", "one", TypeError),
])
def test_constants_that_do_not_fit_are_refused(load, name, value, error):
    with pytest.raises(error):
        load(CONSTANTS, constants={name: value})


def test_a_variable_that_is_not_constant_is_refused(load):
    with pytest.raises(ebcc.NotFoundError, match="const volatile"):
        load("u32 number = 1; int f(void *ctx) { return number; }", constants={"number": 2})


def test_syntax_error_shows_line_column_and_caret_once():
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text="int f(void *ctx) {\n    int x = 1\n    return x;\n}\n")
    text = str(caught.value)
    assert text.count("2:14: error: expected ';'") == 1
    assert text.count("int x = 1") == 1
    assert "    2 |     int x = 1\n      |              ^\n" in text
    assert "expected ';'" in caught.value.details
    assert isinstance(caught.value, ebcc.Error) and not isinstance(caught.value, OSError)


@pytest.mark.parametrize("text, message", [
    ("int f(void *ctx) { struct nosuch_t s; return 0; }", "struct nosuch_t"),
    ("int f(void *ctx) { return nosuch_function(1); }", "nosuch_function"),
    ("int f(void *ctx) { return nosuch_name; }", "nosuch_name"),
])
def test_errors_name_what_is_unknown(text, message):
    with pytest.raises(ebcc.CompileError, match=message):
        BPF(text=text)


def test_error_in_a_source_file_names_the_file(tmp_path):
    (tmp_path / "broken.c").write_text("int f(void *ctx) { return }\n")
    with pytest.raises(ebcc.CompileError, match=r"broken.c:1:27: error"):
        BPF(src_file=tmp_path / "broken.c")


def test_warnings_go_to_logging(load, caplog):
    with caplog.at_level(logging.WARNING, logger="ebcc"):
        load("int f(void *ctx) { char *p = 5; return !p; }")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "1:26: warning: incompatible integer to pointer" in caplog.text


REJECTED = """
BPF_HASH(counts, u64, u64);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u64 key = args->pid;
    u64 *count = counts.lookup(&key);
    return *count;
}
"""


def test_verifier_error_says_what_and_where(load):
    before = programs_of()
    with pytest.raises(ebcc.LoadError) as caught:
        load(REJECTED)
    text = str(caught.value)
    assert "map_value_or_null" in text
    assert "return *count;" in text
    assert text.count("map_value_or_null'") <= 1
    assert len(text) < len(caught.value.details) + 500
    assert "processed" in caught.value.details
    assert programs_of() == before


def test_store_to_kernel_memory_is_a_compile_error():
    with pytest.raises(ebcc.CompileError, match=r"4:19: error: cannot write to kernel memory"):
        BPF(text="""int f(struct pt_regs *ctx) {
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();

        task->pid = 1;
            return 0;
        }""")


def test_an_unknown_program_suggests_a_near_name(load):
    with pytest.raises(ebcc.NotFoundError, match="did you mean nothing"):
        load(NOTHING).load_func("nothin", BPF.KPROBE)


@pytest.mark.parametrize("cflags", ["-DLIMIT=5", b"-DLIMIT=5"])
def test_cflags_must_be_a_list(load, cflags):
    with pytest.raises(ebcc.InvalidArgumentError, match="cflags is .*; it must be a list"):
        load(NOTHING, cflags=cflags)


def test_load_func_returns_the_same_function_again(load):
    bpf = load(NOTHING)
    function = bpf.load_func(b"nothing", BPF.RAW_TRACEPOINT)
    assert bpf.load_func("nothing", BPF.RAW_TRACEPOINT) is function
    assert (function.bpf, function.name) == (bpf, b"nothing")
    assert os.readlink("/proc/self/fd/%d" % function.fd).endswith("bpf-prog")


def test_load_funcs_loads_all(load):
    bpf = load(NOTHING + "int other(void *ctx) { return 1; } static int helper(void) { return 2; }")
    functions = bpf.load_funcs(BPF.RAW_TRACEPOINT)
    assert sorted(function.name for function in functions) == [b"nothing", b"other"]


def test_dump_func_returns_instructions(load):
    dump = load("int seven(void *ctx) { return 7; }").dump_func("seven").hex()
    # r0 = 7 (64 or 32 bits), exit
    assert dump in ("b700000007000000" "9500000000000000", "b400000007000000" "9500000000000000")


def test_debug_output_goes_to_stderr(capfd):
    with BPF(text=NOTHING, debug=ebcc.DEBUG_LLVM_IR):
        captured = capfd.readouterr()
        assert "define" in captured.err and "@nothing" in captured.err
        assert captured.out == ""


def test_context_manager_closes():
    with BPF(text="BPF_HASH(counts);" + NOTHING) as bpf:
        counts = bpf["counts"]
        counts[1] = 2
    with pytest.raises(ebcc.StateError, match="closed"):
        counts[1]
    with pytest.raises(ebcc.StateError, match="closed"):
        bpf.perf_buffer_poll(0)
    bpf.close()


def test_a_table_of_a_closed_module_has_a_repr():
    with BPF(text="BPF_HASH(counts);" + NOTHING) as bpf:
        counts = bpf["counts"]
        assert repr(counts) == "<HashTable 'counts'>"
    assert repr(counts) == "<HashTable of a closed module>"


def test_every_table_method_fails_after_close():
    with BPF(text="BPF_HASH(counts);" + NOTHING) as bpf:
        counts = bpf["counts"]
    for call in (counts.items, counts.keys, counts.values, counts.clear, counts.zero, counts.lost,
                 lambda: len(counts), lambda: counts.get(1), lambda: 1 in counts,
                 lambda: counts.pop(1), lambda: counts.next(None), lambda: counts.map_fd,
                 lambda: counts.key_sprintf(1), lambda: counts.event(b"12345678"),
                 lambda: counts.items_update_batch((ct.c_ulong * 1)(1), (ct.c_ulong * 1)(1))):
        with pytest.raises(ebcc.StateError, match="closed"):
            call()


def test_error_classes():
    for name in ("CompileError", "LoadError", "AttachError", "NotFoundError", "StateError"):
        error = getattr(ebcc, name)("text")
        assert isinstance(error, ebcc.Error) and isinstance(error, Exception)
        assert error.code > 0
        assert (error.subject, error.details, error.errno) == (None, None, 0)


def test_a_misspelt_constant_suggests_a_near_name():
    with pytest.raises(ebcc.NotFoundError, match="did you mean threshold"):
        ebcc.BPF(text="""
const volatile u64 threshold = 1;
int probe(void *ctx) { return threshold; }
""", constants={"treshold": 5})


def test_a_missing_tracepoint_is_an_error_without_a_warning(caplog):
    with pytest.raises(ebcc.CompileError, match="no tracepoint syscalls:sys_enter_opeat"):
        ebcc.BPF(text="TRACEPOINT_PROBE(syscalls, sys_enter_opeat) { return args->dfd; }")
    assert "visibility" not in caplog.text


def test_only_a_warning_imports_logging(tmp_path):
    """The import costs more than a cached start, so it is made only for a warning."""
    script = """
import sys
import threading
import time
from ebcc import BPF
for text in "int probe(void *ctx) { return 0; }", "#warning here\\nint probe(void *ctx) { return 0; }":
    BPF(text=text).close()
    print("logging" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          env={**os.environ, "EBCC_CACHE": str(tmp_path / "cache")})
    assert done.stdout.split() == ["False", "True"]
    assert "warning: here" in done.stderr


def ticks_during(call):
    """How often another Python thread, which wakes every 2 ms, ran during a call."""
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.002):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    call()
    end = time.monotonic()
    done.set()
    thread.join()
    return sum(start <= tick <= end for tick in ticks)


def test_other_threads_run_during_a_compile(tmp_path, monkeypatch):
    monkeypatch.setenv("EBCC_CACHE", str(tmp_path))
    tmp_path.chmod(0o700)
    # A small source would be compiled before the other thread had run a few times.
    text = "#include <linux/sched.h>\nBPF_HASH(t);\n" + "".join(
        "int f%d(struct pt_regs *ctx) { t.increment(PT_REGS_IP(ctx) / %d); return 0; }\n" % (number, number)
        for number in range(1, 101))
    assert ticks_during(lambda: BPF(text=text).close()) >= 5


def test_other_threads_run_during_a_load(load):
    """The verifier goes through the loop iteration by iteration."""
    bpf = load("""
        BPF_ARRAY(sums, u64, 1);
        int slow(struct __sk_buff *skb) {
            u64 sum = 0;
            for (int i = 0; i < 60000; i++)
                sum = sum * 3 + skb->len;
            return sum;
        }""")
    assert ticks_during(lambda: bpf.load_func("slow", BPF.SOCKET_FILTER)) >= 5


def test_two_threads_can_create_modules():
    results = {}

    def create(number):
        for round_number in range(3):
            with BPF(text="BPF_ARRAY(t%d, u64, %d);" % (number, round_number + 1) +
                     "int f(void *ctx) { t%d.increment(0); return 0; }" % number) as bpf:
                results[number, round_number] = len(bpf["t%d" % number])

    threads = [threading.Thread(target=create, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {(number, size): size + 1 for number in range(2) for size in range(3)}
