"""Attribute macros of kernel headers, in all places where C allows an attribute. Sizes and values show their effect."""

import ctypes as ct
import re
from pathlib import Path

import pytest

import ebcc
from ebcc import BPF

MACROS = Path(__file__).resolve().parent.parent.parent / "src/cc/types/tables/macros.h"

# A declaration, and an expression that must then be true.
LAYOUTS = [
    ("struct k { u8 c; u32 d; } __packed;", "sizeof(struct k) == 5 && offsetof(struct k, d) == 1"),
    ("struct __packed k { u8 c; u32 d; };", "sizeof(struct k) == 5"),
    ("struct k { u8 c; u32 d; } __packed __aligned(4);", "sizeof(struct k) == 8 && offsetof(struct k, d) == 1"),
    ("struct k { u8 c; u32 d; } __aligned(4) __packed;", "sizeof(struct k) == 8 && offsetof(struct k, d) == 1"),
    ("struct k { u8 c; u32 d; } __attribute__((aligned(2))) __packed;", "sizeof(struct k) == 6"),
    ("struct k { u8 c; u32 d; } __packed one;", "sizeof(one) == 5 && sizeof(struct k) == 5"),
    ("struct k { u8 c; u32 d; } __packed one, two[3];", "sizeof(two) == 15"),
    ("struct k { u8 c; u32 d; } __packed; struct l { u8 c; u64 d; } __packed;",
     "sizeof(struct k) == 5 && sizeof(struct l) == 9"),
    ("struct k { u8 c; struct { u8 e; u32 f; } __packed d; u8 g; };", "sizeof(struct k) == 7"),
    ("struct k { u8 c; struct { u8 e; u32 f; } __packed; u8 g; };", "sizeof(struct k) == 7"),
    ("struct k { u8 c; union { u8 e; u32 f; } __packed d; };", "sizeof(struct k) == 5"),
    ("union k { u8 c[5]; u32 d; } __packed;", "sizeof(union k) == 5"),
    ("union __packed k { u8 c[5]; u32 d; };", "sizeof(union k) == 5"),
    ("enum k { ONE_K, TWO_K } __packed;", "sizeof(enum k) == 1"),
    ("enum __packed k { ONE_K, TWO_K };", "sizeof(enum k) == 1"),
    ("typedef struct { u8 c; u32 d; } __packed k_t;", "sizeof(k_t) == 5"),
    ("typedef struct k { u8 c; u32 d; } __packed k_t, *k_p;", "sizeof(k_t) == 5 && sizeof(*(k_p)0) == 5"),
    ("typedef u32 k_t __aligned(16);", "_Alignof(k_t) == 16"),
    ("struct k { u8 c; u32 b __packed; u8 d; };", "offsetof(struct k, b) == 1 && sizeof(struct k) == 6"),
    ("struct k { u8 c; u32 __packed b; };", "sizeof(struct k) == 5"),
    ("struct k { u8 c; u8 b __aligned(8); };", "offsetof(struct k, b) == 8"),
    ("struct k { u8 c; __aligned(8) u8 b; };", "offsetof(struct k, b) == 8"),
    ("struct k { u8 c; char b[3] __aligned(2), e; };", "offsetof(struct k, b) == 2 && offsetof(struct k, e) == 5"),
    ("struct k { u8 c; u8 d ____cacheline_aligned; };", "offsetof(struct k, d) == 64 && sizeof(struct k) == 128"),
    ("struct k { u8 c; u8 d ____cacheline_aligned_in_smp; };", "offsetof(struct k, d) == 64"),
    ("struct k { u8 c; } ____cacheline_aligned;", "sizeof(struct k) == 64"),
    ("struct k { u8 c; } __aligned_largest;", "sizeof(struct k) == 16"),
    ("struct k { u8 c; u32 d; } __randomize_layout;", "sizeof(struct k) == 8 && offsetof(struct k, d) == 4"),
    ("struct k { u8 c; u32 d; } __designated_init __packed;", "sizeof(struct k) == 5"),
    ("struct k { u32 n; u64 at[] __counted_by(n); };", "sizeof(struct k) == 8"),
    ("struct k { char __user *a; void __iomem *b; u64 __percpu *c; struct sock __rcu *d; };",
     "sizeof(struct k) == 32"),
    ("char k[5] __aligned(8);", "_Alignof(k) == 8 && sizeof(k) == 5"),
    ("static char k[5] __aligned(8) = \"ab\";", "_Alignof(k) == 8"),
    ("static int k __maybe_unused; static u64 l __used = 1;", "sizeof(k) == 4"),
    ("static u64 k __read_mostly; u32 l __aligned(16) __maybe_unused, m;", "_Alignof(l) == 16 && _Alignof(m) == 4"),
    ("u16 __mode(DI) k;", "sizeof(k) == 8"),
    ("#define TIGHT __packed\nstruct k { u8 c; u32 d; } TIGHT;", "sizeof(struct k) == 5"),
    ("#define RECORD(name) struct name { u8 c; u32 d; } __packed\nRECORD(k);", "sizeof(struct k) == 5"),
    ("#define __packed __attribute__((packed, aligned(2)))\nstruct k { u8 c; u32 d; } __packed;", "sizeof(struct k) == 6"),
    ("struct size { u8 a[6]; }; struct k { u8 c; u8 d __aligned(sizeof(struct size) + 2); };",
     "offsetof(struct k, d) == 8"),
    ("struct k { u8 c; u8 d __aligned(sizeof(struct timespec64)); };", "offsetof(struct k, d) == 16"),
    ("struct k { u8 c; u8 d __attribute__((aligned(sizeof(struct timespec64)))); };", "offsetof(struct k, d) == 16"),
    ("static int __always_inline __must_check k(int a __maybe_unused, const char __user *b) { return a; }",
     "sizeof(k(1, 0)) == 4"),
    ("static __always_inline u64 __pure k(u64 a) { return a; } static void __cold l(void) { }", "sizeof(k(1)) == 8"),
    ("static noinline __noreturn void k(void); static __printf(1, 2) int l(const char *f, ...);", "1"),
    ("int k(int a) __attribute__((noinline)); int k(int a) { return a; }", "sizeof(k(1)) == 4"),
]  # fmt: skip


@pytest.mark.parametrize("declaration, truth", LAYOUTS)
def test_layouts(declaration, truth):
    BPF(text=f'{declaration}\n_Static_assert({truth}, "as C has it");\n').cleanup()


# A type for keys and leaves, the offsets of its members, and its size.
LEAVES = [
    ("struct { u8 c; u32 d; } __packed", [0, 1], 5),
    ("struct { u8 c; u32 d; } __packed __aligned(2)", [0, 1], 6),
    ("struct { u8 c; u32 d __packed; u16 e; }", [0, 1, 6], 8),
    ("struct { u8 c; u32 d; u8 e ____cacheline_aligned; }", [0, 4, 64], 128),
    ("struct { u8 c; struct { u8 f; u64 g; } __packed d; }", [0, 1], 10),
    ("union { u8 c[5]; u32 d; } __packed", [0, 0], 5),
]  # fmt: skip


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("form, offsets, size", LEAVES)
def test_types_of_keys_and_leaves(form, offsets, size, named):
    """Keys and leaves have the layout of C, both in the kernel's map and in the Python classes."""
    used = form
    declaration = ""
    if named:
        kind, body = form.split(" ", 1)
        declaration, used = f"{kind} record {body};", f"{kind} record"
    b = BPF(text=f"{declaration}\nBPF_HASH(t, {used}, {used});")
    for cls in (b["t"].Key, b["t"].Leaf):
        assert ct.sizeof(cls) == size
        assert [getattr(cls, name).offset for name, *_ in cls._fields_ if not name.startswith("__")] == offsets
    key = b["t"].Key()
    b["t"][key] = b["t"].Leaf()
    assert len(b["t"]) == 1
    b.cleanup()


def test_values_in_packed_records():
    """Python reads what a program wrote into a packed record."""
    b = BPF(text="""
        struct record { u8 c; u32 d; u64 e; } __packed __maybe_unused;
        BPF_ARRAY(t, struct record, 1);
        static int extra __maybe_unused;
        int count(struct bpf_raw_tracepoint_args *ctx)
        {
            char name[8] __aligned(8) = {7};
            struct record r __aligned(8) = {.c = name[0], .d = 0x01020304, .e = 0x1122334455667788ull};
            int zero __maybe_unused = 0;

            t.update(&zero, &r);
            return 0;
        }
    """)
    b.attach_raw_tracepoint(tp="sys_enter", fn_name="count")
    record = b["t"][0]
    assert (record.c, record.d, record.e) == (7, 0x01020304, 0x1122334455667788)
    b.cleanup()


def test_every_attribute_macro():
    """Each macro of the table can follow a struct, and doesn't declare a variable there."""
    names = re.findall(r"^#define (\w+)(\([\w, .]*\))? *(?:\\\n\s*)?(?:__attribute__\(\(.*)?$", MACROS.read_text(), re.M)
    assert len(names) > 80
    # For functions, variables and statements, not for types.
    others = {"__cleanup", "__alias", "__mode", "__noreturn", "__flatten", "__gnu_inline", "__noinline", "__cold",
              "__section", "__weak", "__pure", "__attribute_const__", "__used", "fallthrough", "noinline",
              "noinline_for_stack"}
    uses = [name + (arguments and re.sub(r"[_a-z.]+", "8", arguments)) for name, arguments in names if name not in others]
    text = "".join(f"struct k{i} {{ u8 c; u16 d; }} {use};\n" for i, use in enumerate(uses))
    b = BPF(text=text + "int f(void *ctx) { return 0; }")
    assert not any(section.startswith((".data", ".bss", ".rodata")) for section in map(str, b.tables))
    b.cleanup()


@pytest.mark.parametrize("text, line", [
    ("struct k { u8 c; u32 d; } __paked;", 1),
    ("\nunion k { u8 c; u32 d; } __packed __mystery;", 2),
    ("enum k { A_K } __mystery __packed;", 1),
    ("struct k {\nstruct { u8 c; } __mystery;\nu8 d;\n};", 2),
    ("typedef struct {\nstruct { u8 c; } __mystery;\n} k_t;", 2),
    ("int f(void *ctx) {\nstruct { u8 c; u32 d; } __mystery;\nreturn 0; }", 2),
])  # fmt: skip
def test_unknown_attributes(text, line):
    """A word that looks like an attribute but isn't one is an error at its position, not a variable of that name."""
    with pytest.raises(ebcc.CompileError, match=rf"main\.c:{line}:\d+: error: '__(mystery|paked)' is not a known attribute"):
        BPF(text=text)


@pytest.mark.parametrize("text", [
    "struct k { u8 c; } __state; int f(void *ctx) { return __state.c; }",
    "struct k { struct { u8 c; } __inner; }; int f(struct k *k) { return k->__inner.c; }",
    "struct k { u8 c; } __states[3];",
    "struct k { u8 c; } __state = {1};",
    "struct k { u8 c; } _state;",
    "typedef struct { u8 c; } __state;",
    "#define __mine __attribute__((packed))\nstruct k { u8 c; u32 d; } __mine;\n_Static_assert(sizeof(struct k) == 5, \"\");",
    "int f(void *ctx) { struct file_lock *__user_lock = 0; return __user_lock != 0; }",
])  # fmt: skip
def test_variables_keep_their_names(text):
    BPF(text=text).cleanup()
