"""The blocks of code of docs/reference use everything that there is, except what is listed here as obvious."""

import importlib
import inspect
import re
import subprocess

import ebcc
import pytest
from bcc.libbcc import _FD_FUNCTIONS, lib
from docs_blocks import BLOCKS, REPOSITORY, code_blanked
from ebcc import attach, flamegraph, perf, table, trace, usdt

PAGES = REPOSITORY / "docs/reference"
SOURCES = REPOSITORY / "src/cc"


def code(*languages):
    """The text of the blocks of some languages."""
    return "\n".join(block.text for block in BLOCKS if block.path.parent == PAGES and block.language in languages)


def unused(names, text, pattern):
    """Those of the names that do not stand in the text as the pattern says."""
    return {name for name in names if not re.search(pattern % re.escape(name), text)}


def test_functions_of_the_c_library():
    names = re.findall(r"^\t(ebcc_\w+);$", (SOURCES / "ebcc.map").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) > 150
    assert unused(names, code("capi"), r"\b%s\(") == set()


# ---- The dialect ----

KINDS = (SOURCES / "base/kinds.h").read_text(encoding="utf-8").replace("\\\n", " ")
# Sources are in blocks of their own, and in strings of scripts and programs.
IN_SOURCES = code("c", "python", "lua", "capi")
NUMBERED = {f"PT_REGS_PARM{number}{suffix}" for number in range(1, 7) for suffix in ("", "_SYSCALL")}
OBVIOUS_MACROS = {
    "PT_REGS_RET",  # on x86-64 it is PT_REGS_SP
    "bpf_target_defined", "bpf_target_x86", "bpf_target_arm64", "CC_USING_FENTRY", "KBUILD_MODNAME",  # for conditions
    "bpf_htonl", "bpf_htonll", "bpf_ntohll", "bpf_hton128", "bpf_cpu_to_be64", "bpf_be64_to_cpu",  # as bpf_htons and bpf_ntohl
    "asm", "goto", "register",  # of C
}


def test_macros_that_declare_tables():
    names = re.findall(r'X\("(BPF_\w+)",', KINDS)
    assert len(names) > 30
    assert unused(names, IN_SOURCES, r"\b%s\(") == set()


def test_methods_of_tables():
    names = re.findall(r'X\("(\w+)", "\(', KINDS)
    assert len(names) > 30
    assert unused(names, IN_SOURCES, r"\w\.%s\(") == set()


def test_macros_of_programs_and_helpers():
    defined = re.findall(r', "([A-Z_]+)"\)', KINDS)
    assert len(defined) > 5
    for path in (SOURCES / "bpf/ebcc").glob("*.h"):
        defined += re.findall(r"^#define (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    public = {name for name in defined if not name.startswith(("_", "EBCC_")) and not name.endswith("_H")}
    # BPF_MAX_STACK_DEPTH is given by a flag.
    assert unused(public - NUMBERED, IN_SOURCES, r"(?:\b|-D)%s\b") == OBVIOUS_MACROS
    assert unused(NUMBERED, IN_SOURCES, r"\b%s\b") < NUMBERED


# ---- Python ----

PYTHON = code("python")
OBVIOUS_METHODS = {
    "Function", "Table", "get_context", "next", "read_line", "bpf", "reducer", "Iter",  # parts of others
    "attach_kmod_ret", "detach_kmod_ret",  # other names of attach_fmod_ret and detach_fmod_ret
    "detach_kprobe_event_by_fn",  # as detach_kprobe_event
    "generate_auto_includes", "kprobe_poll", "free_bcc_memory", "cleanup",  # for old scripts
    "boxes", "kinds",  # of a flame graph, for its picture
    "ioctl", "syscall",  # of the C library
    "popitem", "update", "readline",  # as of a dict, of a file
}


@pytest.mark.parametrize("kind", [
    ebcc.BPF, attach.Link, ebcc.SymbolCache, trace.TraceFile, perf.Perf, flamegraph.Graph,
    usdt.USDT, usdt.USDTProbe, usdt.USDTProbeLocation,
    table.HashTable, table.PerCpuArray, table.PerfEventArray, table.RingBuf, table.StackTrace, table.QueueStack],
    ids=lambda kind: kind.__name__)
def test_methods_of_python(kind):
    names = {name for name in dir(kind) if not name.startswith("_") and not name.isupper() and callable(getattr(kind, name))}
    assert unused(names, PYTHON, r"\.%s\b") <= OBVIOUS_METHODS


# Only documented: they do nothing, or what a method of Python's does.
OBVIOUS_FUNCTIONS = {
    "bcc_free_memory", "bcc_procutils_free", "bcc_symbol_free_demangle_name", "bcc_symcache_refresh",  # do nothing
    "bpf_module_rw_engine_enabled",  # is True
    "bcc_procutils_which_so_in_process",  # as bcc_procutils_which_so
}


def test_functions_of_libbcc():
    names = {*_FD_FUNCTIONS, *(name for name in dir(type(lib)) if not name.startswith("_"))}
    assert len(names) > 40
    assert unused(names, PYTHON, r"\blib\.%s\(") == OBVIOUS_FUNCTIONS


@pytest.mark.parametrize("name", ["ebcc.disassembler", "ebcc.exec", "ebcc.flamegraph", "ebcc.syscall", "ebcc.tcp", "ebcc.terminal",
                                  "ebcc.utils", "bcc.containers", "bcc.table", "bcc.utils"])
def test_functions_of_modules(name):
    """Those that the page of these modules names."""
    module = importlib.import_module(name)
    named = set(re.findall(r"\w+", code_blanked((PAGES / "modules.md").read_text(encoding="utf-8"))))
    functions = {function for function, _ in inspect.getmembers(module, inspect.isfunction)} & named
    assert functions
    assert unused(functions, PYTHON, r"\b%s\(") == set()


# ---- Lua ----

LUA_NAMES = """
local ebcc, core = require "ebcc", require "ebcc._ebcc"
local classes = {ebcc, ebcc.BPF, ebcc.USDT, ebcc.SymbolCache, ebcc.posix, require "ebcc.trace", core.methods["ebcc.Table"],
  core.methods["ebcc.Link"]}
for _, class in ipairs(classes) do
  for name, member in pairs(class) do
    if type(member) == "function" then print(name) end
  end
end
"""
OBVIOUS_IN_LUA = {
    "close", "cleanup", "open",  # <close> does it
    "attach_fmod_ret", "detach_fmod_ret", "attach_lsm", "detach_lsm",  # like attach_kfunc and detach_kfunc
    "kprobe_poll", "kprobe_poll_loop", "usdt",  # other names of perf_buffer_poll, perf_buffer_poll_loop, USDT:new
    "add_file",  # add_module calls it
    "script_root", "check_probe_quota", "open_events", "open_counters",  # for the package and for bcc-lua
}


def test_methods_of_lua():
    done = subprocess.run(["/usr/bin/lua5.4", "-"], input=LUA_NAMES, capture_output=True, text=True, check=True)
    names = {name for name in done.stdout.split() if not name.startswith("_")}
    assert len(names) > 100
    assert unused(names, code("lua"), r"[.:]%s\b") == OBVIOUS_IN_LUA
