"""Indexes and sizes of 8, 16 and 32 bits that a comparison bounds: the verifier must see the bound, and the values be
those of C."""

import ctypes as ct

import pytest

from ebcc import BPF
from kernel_calls import run_raw_tracepoint

COUNTS = (3, 6, 16, 100, 200)
UNSIGNED = {"u8": ct.c_uint8, "u16": ct.c_uint16, "u32": ct.c_uint32}
SIGNED = {"s8": ct.c_int8, "s16": ct.c_int16, "s32": ct.c_int32}
NUMBERS = (0, 1, 2, 3, 5, 6, 7, 15, 16, 99, 100, 127, 128, 199, 200, 255, 256, 258, 32767, 32768, 65535, 65537,
           2 ** 31 + 1, 2 ** 32 + 2, -1, -100)

FORMS = {
    "inside": "if (LOWER i < COUNT) found = table_COUNT[i];",
    "outside": "if (!(LOWER i < COUNT)) return 0; found = table_COUNT[i];",
}

PROGRAM = """
int NAME(struct bpf_raw_tracepoint_args *ctx)
{
    u32 key = 0, found = 0;
    KIND i = ctx->args[0];

    results.update(&key, &found);
    FORM
    results.update(&key, &found);
    return 0;
}
"""

SIZE = """
BPF_ARRAY(source, struct { char bytes[256]; }, 1);
int NAME(struct bpf_raw_tracepoint_args *ctx)
{
    u32 key = 0, found = 0;
    char bytes[64] = {};
    void *from = source.lookup(&key);
    KIND size = ctx->args[0];

    results.update(&key, &found);
    if (!from || !(LOWER size <= sizeof(bytes)))
        return 0;
    bpf_probe_read_kernel(bytes, size, from);
    for (int i = 0; i < sizeof(bytes); i++)
        found += bytes[i];
    results.update(&key, &found);
    return 0;
}
"""


def programs(kinds, lower):
    """{name: (type, count)} and the text of all programs for these kinds of numbers."""
    found, text = {}, ["BPF_ARRAY(results, u32, 1);"]
    for count in COUNTS:
        text.append("static const u32 table_%d[%d] = {%s};" % (
            count, count, ", ".join(str(1000 + number) for number in range(count))))
        for kind, of_kind in kinds.items():
            for form, code in FORMS.items():
                name = f"{form}_{count}_{kind}"
                found[name] = of_kind, count
                text.append(PROGRAM.replace("NAME", name).replace("FORM", code).replace("KIND", kind)
                            .replace("COUNT", str(count)).replace("LOWER", lower))
    return found, "\n".join(text)


@pytest.mark.parametrize("kinds, lower", [(UNSIGNED, ""), (SIGNED, "i >= 0 &&")])
def test_index_of_a_constant_table(kinds, lower):
    found, text = programs(kinds, lower)
    with BPF(text=text) as bpf:
        for name, (of_kind, count) in found.items():
            function = bpf.load_func(name, BPF.RAW_TRACEPOINT)
            for number in NUMBERS:
                run_raw_tracepoint(function, number % 2 ** 64)
                index = of_kind(number).value
                assert bpf["results"][0].value == (1000 + index if 0 <= index < count else 0), (name, number)


@pytest.mark.parametrize("kind, of_kind", [*UNSIGNED.items(), *SIGNED.items()])
def test_size_of_a_read(kind, of_kind):
    text = "BPF_ARRAY(results, u32, 1);" + SIZE.replace("NAME", "reads").replace("KIND", kind).replace(
        "LOWER", "" if kind in UNSIGNED else "size >= 0 && (int)")
    with BPF(text=text) as bpf:
        bpf["source"][0] = type(bpf["source"].Leaf())(b"\1" * 256)
        function = bpf.load_func("reads", BPF.RAW_TRACEPOINT)
        for number in NUMBERS:
            run_raw_tracepoint(function, number % 2 ** 64)
            size = of_kind(number).value
            assert bpf["results"][0].value == (size if 0 <= size <= 64 else 0), (kind, number)
