# SPDX-License-Identifier: Apache-2.0
"""One program on many functions of a library: by one link (uprobe.multi), and by a probe for each, with the same
outcome. The measured process is another one: EBCC_WITHOUT in its environment chooses the way."""

import ctypes
import json
import os
import subprocess
import sys

import pytest

import ebcc
from ebcc import BPF

# The links came with Linux 6.6; the first ones could not filter by process.
VERSION = tuple(int(part) for part in os.uname().release.split(".")[:2])
COUNT = 24
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "many_functions.py")
LIBRARY = "".join(
    f'__attribute__((noinline)) int function_{number}(int n) {{ asm volatile("" ::: "memory"); return n * 2; }}\n'
    for number in range(COUNT)
) + '__attribute__((noinline)) int alone(int n) { asm volatile("" ::: "memory"); return n; }\n'
# Two functions that have the same name, each in its own file.
TWIN = """
static __attribute__((noinline)) int twin(int n) { asm volatile("" ::: "memory"); return n + NUMBER; }
int NAME(int n) { return twin(n); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The path of a library with many functions."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "many.c").write_text(LIBRARY)
    (folder / "twin.c").write_text(TWIN)
    twins = []
    for number, name in enumerate(["first_twin", "second_twin"]):
        twins.append(folder / f"{name}.o")
        subprocess.run(["cc", "-O1", "-fPIC", "-c", f"-DNAME={name}", f"-DNUMBER={number}", folder / "twin.c", "-o", twins[-1]],
                       check=True)  # fmt: skip
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", folder / "libmany.so", folder / "many.c", *twins], check=True)
    return str(folder / "libmany.so")


@pytest.mark.parametrize("without", ["", "uprobe_multi"])
def test_every_function_counts_once_under_its_own_cookie(library, without):
    done = subprocess.run([sys.executable, SCRIPT, library, str(COUNT), "cookies" if VERSION >= (5, 15) else "none"],
                          env={**os.environ, "EBCC_WITHOUT": without}, capture_output=True, text=True, check=False)  # fmt: skip
    assert not done.returncode, done.stderr
    result = json.loads(done.stdout)
    multi = VERSION >= (6, 10) and not without
    again = result.pop("again")
    assert "no uprobe is attached to" in again and "function_2" in again
    assert result == {
        "links": {"multi": 1, "events": 0} if multi else {"multi": 0, "events": COUNT},
        "open": COUNT,
        "names": True,
        "once_each": True,
        "thread": True,
        "child": 0,
        "excluded": True,
        "replaced": True,
        "replaced_links": {"multi": 1, "events": 0} if multi else {"multi": 0, "events": COUNT},
        "returns": True,
        "single": True,
        "open_all": 2 * COUNT + 1,
        "detached": 0,
        "links_after": {"multi": 0, "events": 0},
        "twins": [1, 1],
        "twin_names": 1,
    }


def test_kernels_without_cookies(library):
    """Where a cookie can't be given, nothing is attached."""
    script = (
        "import sys; from ebcc import BPF\n"
        "b = BPF(text='int f(void *ctx) { return 0; }')\n"
        "b.attach_uprobe(name=sys.argv[1], sym_re='^function_', fn_name='f', cookie=1)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, library], env={**os.environ, "EBCC_WITHOUT": "uprobe_multi, cookie"},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode and "UnsupportedAttachError: this kernel has no attach cookies" in done.stderr


def test_the_limit_counts_functions(library, monkeypatch):
    monkeypatch.setenv("BCC_PROBE_LIMIT", str(COUNT - 1))
    with BPF(text="int f(void *ctx) { return 0; }") as bpf:
        with pytest.raises(ebcc.AttachError, match="would exceed BCC_PROBE_LIMIT"):
            bpf.attach_uprobe(name=library, sym_re="^function_", fn_name="f")
        assert bpf.num_open_uprobes() == 0


def test_programs_of_a_table_are_not_varied(library, load):
    """A program that may be called by another one must be loaded like it, so each function gets a probe."""
    bpf = load("""
        BPF_PROG_ARRAY(programs, 1);
        BPF_ARRAY(calls, u64, 2);
        int first(struct pt_regs *ctx) { calls.increment(0); programs.call(ctx, 0); return 0; }
        int second(struct pt_regs *ctx) { calls.increment(1); return 0; }""")
    bpf.attach_uprobe(name=library, sym_re="^function_1.$", fn_name="first", pid=os.getpid())
    bpf["programs"][0] = bpf.load_func("second", BPF.KPROBE)
    ctypes.CDLL(library).function_11(1)
    assert [calls.value for calls in bpf["calls"].values()] == [1, 1]


def test_the_same_program_on_both_kinds(library, load):
    """load_func() has loaded it for single events; links for many take another variant, which has the same maps."""
    bpf = load("BPF_ARRAY(calls, u64, 1); int f(struct pt_regs *ctx) { calls.increment(0); return 0; }")
    bpf.load_func("f", BPF.KPROBE)
    bpf.attach_uprobe(name=library, sym_re="^function_1$", fn_name="f", pid=os.getpid())
    bpf.attach_uprobe(name=library, sym="function_2", fn_name="f", pid=os.getpid())
    functions = ctypes.CDLL(library)
    functions.function_1(1)
    functions.function_2(1)
    assert bpf["calls"][0].value == 2


SESSION = """
BPF_HASH(calls, u64, u64);
int on_both(struct pt_regs *ctx)
{
    u64 *shared = bpf_session_cookie(ctx), cookie = bpf_get_attach_cookie(ctx), value;

    if (!bpf_session_is_return(ctx)) {
        if (shared)
            *shared = PT_REGS_PARM1(ctx);
        return PT_REGS_PARM1(ctx) == 13;
    }
    value = shared ? *shared * 1000 + PT_REGS_RC(ctx) : 0;
    calls.update(&cookie, &value);
    return 0;
}
"""


@pytest.mark.skipif(VERSION < (6, 13), reason="sessions of user functions came with Linux 6.13")
def test_a_session_sees_entry_and_return(library, load):
    bpf = load(SESSION)
    functions = ctypes.CDLL(library)
    link = bpf.attach_session(name=library, sym_re="^function_[123]$", fn_name="on_both", pid=os.getpid(),
                              cookie=lambda name: int(name[-1:]))  # fmt: skip
    assert bpf.num_open_uprobes() == 3 and sorted(link.names)[0] == "uprobe.session:%s:function_1" % library
    functions.function_1(7)
    # The first run says that there is to be no second one.
    functions.function_2(13)
    functions.function_3(9)
    assert {cookie.value: value.value for cookie, value in bpf["calls"].items()} == {1: 7014, 3: 9018}
    bpf["calls"].clear()
    bpf.detach_session(name=library, sym="function_1", pid=os.getpid())
    functions.function_1(7)
    functions.function_2(2)
    assert {cookie.value: value.value for cookie, value in bpf["calls"].items()} == {2: 2004}
    with pytest.raises(ebcc.AttachError, match="no session is attached"):
        bpf.detach_session(name=library, sym="function_1", pid=os.getpid())
    link.detach()
    bpf["calls"].clear()
    with bpf.attach_session(name=library, sym="function_4", fn_name="on_both", pid=os.getpid()) as link:
        functions.function_4(1)
        functions.function_14(1)
        assert bpf["calls"].items()[0][1].value == 1002 and len(link.names) == 1
    assert bpf.num_open_uprobes() == 0


def test_kernels_without_sessions(library):
    script = (
        "import sys; from ebcc import BPF, UnsupportedAttachError\n"
        "b = BPF(text='int f(void *ctx) { return 0; }')\n"
        "for where in {'name': sys.argv[1], 'sym_re': '^function_'}, {'event': 'vfs_read'}:\n"
        "    try: b.attach_session(fn_name='f', **where)\n"
        "    except UnsupportedAttachError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, library], capture_output=True, text=True, check=False,
                          env={**os.environ, "EBCC_WITHOUT": "uprobe_session,kprobe_session"})  # fmt: skip
    assert done.stdout.splitlines() == [
        "this kernel can't run one program both at entry and at return of user functions (Linux 6.13, and later can): "
        "attach one program to each",
        "this kernel can't run one program both at entry and at return of kernel functions (Linux 6.10, with CONFIG_FPROBE, "
        "and later can): attach one program to each",
    ], done.stderr


def test_a_session_needs_a_function(library, load):
    bpf = load("int f(void *ctx) { return 0; }")
    for options, text in [({}, "event, event_re or name"), ({"name": library}, "sym or sym_re")]:
        with pytest.raises(ebcc.InvalidArgumentError, match=text + " is needed"):
            bpf.attach_session(fn_name="f", **options)


def links_of(section, library):
    return f"""
        #include <vmlinux.h>
        #include <bpf/bpf_helpers.h>
        struct {{
            __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64);
        }} calls SEC(".maps");
        SEC("{section}/{library}:function_1?")
        int f(struct pt_regs *ctx)
        {{
            u32 key = 0;
            u64 *value = bpf_map_lookup_elem(&calls, &key);

            if (value)
                __sync_fetch_and_add(value, 1);
            return 0;
        }}
        char LICENSE[] SEC("license") = "GPL";"""


@pytest.mark.parametrize("section,runs", [("uprobe.multi", 1), ("uretprobe.multi", 1), ("uprobe.multi.s", 1),
                                          ("uretprobe.multi.s", 1), ("uprobe.session", 2)])  # fmt: skip
def test_sections_of_libbpf(section, runs, library, load):
    if "session" in section and VERSION < (6, 13):
        with pytest.raises(ebcc.UnsupportedError):
            load(links_of(section, library))
        return
    if section.endswith(".s") and VERSION < (6, 0):
        pytest.skip("probes that may sleep came with Linux 6.0")
    bpf = load(links_of(section, library))
    functions = ctypes.CDLL(library)
    for name in ["function_1", "function_10", "function_19", "function_20"]:
        getattr(functions, name)(1)
    assert bpf["calls"][0].value == 2 * runs


def test_section_without_a_match(library, load):
    with pytest.raises(ebcc.AttachError, match='no function of .* matches "nothing_[*]"'):
        load(links_of("uprobe.multi", library).replace("function_1?", "nothing_*"))
