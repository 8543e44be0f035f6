# SPDX-License-Identifier: Apache-2.0
"""Addresses in data: the table of address_cases.py with this kernel's verifier, and the lines that errors name."""

import address_cases
import pytest
from address_cases import CASES, NOT_ON_PACKETS, STRNCMP_CASE
from ebcc import BPF, CompileError
from kernel_calls import run, run_raw_tracepoint


def name_of(case):
    return case.name


@pytest.mark.parametrize("case", CASES + [STRNCMP_CASE], ids=name_of)
def test_read_through(case):
    with BPF(text=address_cases.module_text([case], "raw_tracepoint")) as bpf:
        function = bpf.load_func(case.function, BPF.RAW_TRACEPOINT)
        for number in range(case.count):
            run_raw_tracepoint(function, number)
        address_cases.check(case, 0, bpf["results"])


def test_read_through_by_programs_on_packets():
    """With all forms in one source."""
    cases = [case for case in CASES if case.name not in NOT_ON_PACKETS]
    with BPF(text=address_cases.module_text(cases, "xdp")) as bpf:
        for index, case in enumerate(cases):
            function = bpf.load_func(case.function, BPF.XDP)
            for number in range(case.count):
                run(function, bytes([number]) + bytes(63))
            address_cases.check(case, index, bpf["results"])


ENTRIES = """
struct entry_t { int id; const char *name; };
static const struct entry_t entries[] = {{10, "zero"}, {11, "one"}};
"""


@pytest.mark.parametrize("before, body, line, words", [
    ('static const char *word = "xyz";', 'if (ctx->args[0]) word = "abc"; return word[0];', 1, ["'word' is initialized with an address", "NULL"]),
    ('static struct { u64 count; const char *name; } s = {1, "xyz"};', '__builtin_memset(&s, ctx->args[0], sizeof(s)); return s.name[0];',
     1, ["'s' is initialized with an address"]),
    ("static int f(int x) { return x + 1; } static int g(int x) { return x + 2; } static int (*const calls[])(int) = {f, g};",
     "return calls[ctx->args[0] & 1](1);", 3, ["'calls'", "function 'f'", "switch"]),
    ("int f(void *c) { return 1; } void *calls[] = {f};", "return 0;", 1, ["'calls'", "function 'f'"]),
    ("BPF_HASH(a, u32, u64); BPF_HASH(b, u32, u64);",
     "u32 k = 0; u64 v = 1; typeof(a) *m = ctx->args[0] ? &a : (typeof(a) *)&b; m->update(&k, &v); return 0;", 3, ["call through a pointer"]),
    (ENTRIES + "BPF_HASH(copies, u32, struct entry_t);", "u32 k = 0; copies.update(&k, (struct entry_t *)&entries[ctx->args[0] & 1]); return 0;",
     6, ["'entries' contains addresses", "local variable"]),
    (ENTRIES + "BPF_HASH(found, u32, struct entry_t);",
     "u32 k = 0; const struct entry_t *p = found.lookup(&k); if (!p) p = &entries[0]; return p->name[0];", 6, ["'entries'", "or elsewhere"]),
    *((ENTRIES + "static const u64 number = 5; static const struct { int kind; const void *data; } mix[] = {%s};" % mix,
       "return *(const u64 *)mix[ctx->args[0] & 1].data;", 6, ["'entries'", "or elsewhere"])
      for mix in ("{1, &number}, {2, &entries[0].name}", "{2, &entries[0].name}, {1, &number}")),
    (ENTRIES + "struct wrap_t { int id; const struct entry_t *e; }; static const struct wrap_t wraps[] = {{1, entries}, {2, entries + 1}};"
     "BPF_HASH(copies, u32, struct wrap_t);",
     "u32 k = 0; struct wrap_t w = wraps[ctx->args[0] & 1]; copies.update(&k, &w); return w.e->name[0];", 6,
     ["'wraps' contains addresses of data that contains addresses itself"]),
    (ENTRIES, "return ((char *)&entries[ctx->args[0] & 1])[9];", 6, ["'entries' contains addresses"]),
])
def test_error_names_its_line(before, body, line, words):
    text = before + "\nint program(struct bpf_raw_tracepoint_args *ctx) {\n" + body + "\n}\n"
    with pytest.raises(CompileError) as caught:
        BPF(text=text)
    error = next(part for part in str(caught.value).splitlines() if ": error: " in part)
    assert error.startswith("main.c:%d:" % line)
    for word in words:
        assert word in error


def test_choosing_among_too_many_addresses():
    text = "static u64 v[300]; static u64 *const places[] = {%s};" % ", ".join("&v[%d]" % number for number in range(300))
    text += "\nint program(struct bpf_raw_tracepoint_args *ctx) { u64 i = ctx->args[0]; if (i >= 300) return 0; return *places[i]; }"
    with pytest.raises(CompileError, match="one of 300 addresses.*index"):
        BPF(text=text)
