"""The table of helpers that the build makes from libbpf's header, in all forms of that header."""

import re
import subprocess
from pathlib import Path

import pytest

import ebcc

EMBED = Path(ebcc.__file__).absolute().parents[2] / "src/cc/compiler/embed_headers"

# The form in libbpf 1.1.
PLAIN = """
/* Not (*bpf_this)(void) = (void *) 9; */
struct task_struct;
struct __sk_buff;

/*
 * bpf_find
 */
static void *(*bpf_find)(void *map, const void *key) = (void *) 1;
static long (*bpf_print)(const char *fmt, __u32 fmt_size, ...) = (void *) 6;
static __u32 (*bpf_cpu)(void) = (void *) 8;
static struct task_struct *(*bpf_task)(void) = (void *) 158;
static long (*bpf_loop)(__u32 count, long (*each)(__u32, void *), void *data) = (void *) 181;
"""

# The form in libbpf 1.5, and more: constant pointers, attributes in macros, other line breaks and formats of numbers.
CONSTANT = """
struct task_struct;
struct __sk_buff;
#ifndef __swift
#if __has_attribute(swift)
#define __swift \\
    __attribute__((swift))
#else
#define __swift
#endif
#endif

static void *(* const bpf_find)(void *map, const void *key) = (void *) 1;
static long (* const bpf_print)(const char *fmt, __u32 fmt_size, ...) = (void *) 6;
static __swift __u32 (* const bpf_cpu)(void) = (void *) 8;
static
struct task_struct *(*const bpf_task)(void)
    = (void*)158;
static long ( *const bpf_loop )(__u32 count, long (*each)(__u32, void *), void *data) = (void *)0xb5;
"""

DECLARED = [
    "typedef __u32 __wsum;",
    "struct task_struct;",
    "struct __sk_buff;",
    "static void * (*const bpf_find)(void *map, const void *key) = (void *)1;",
    "static long (*const bpf_print)(const char *fmt, __u32 fmt_size, ...) = (void *)6;",
    "static __u32 (*const bpf_cpu)(void) = (void *)8;",
    "static struct task_struct * (*const bpf_task)(void) = (void *)158;",
    "static long (*const bpf_loop)(__u32 count, long (*each)(__u32, void *), void *data) = (void *)181;",
]


@pytest.fixture
def embed(tmp_path):
    """embed(header): runs the program of the build. Returns the completed run, and the lines of the table."""

    def run(header):
        (tmp_path / "header.h").write_text(header, encoding="ascii")
        done = subprocess.run([EMBED, tmp_path / "out.c", "--helpers", "/virtual", tmp_path / "header.h"],
                              capture_output=True, text=True, check=False)
        lines = re.findall(r'^"(.*)\\n"', (tmp_path / "out.c").read_text(encoding="ascii"), re.MULTILINE)
        return done, lines

    return run


def without_spaces(lines):
    return [line.replace(" ", "") for line in lines]


@pytest.mark.parametrize("header", [PLAIN, CONSTANT], ids=["plain", "constant"])
def test_every_form_gives_the_same_table(embed, header):
    done, lines = embed(header)
    assert (done.returncode, done.stderr) == (0, "")
    assert without_spaces(lines) == without_spaces(DECLARED)
    assert "(const char *fmt, __u32 fmt_size, ...)" in lines[4]


@pytest.mark.parametrize("header, words", [
    ("struct task_struct;\n", "no BPF helpers found in"),
    ("static long (*bpf_x)(void) = (void *) 0;\n", "a helper has no number: static long (*bpf_x)"),
    ("static long (*bpf_x)(void) = (void *) NUMBER;\n", "a helper has no number"),
    ("static long (*bpf_x)(void);\n", "a helper has no number"),
    ("static long (*bpf_x)(void) = (void *) 5;\nstatic long (*bpf_y)(void) = (void *) 5;\n", "out of range or used twice: static long (*bpf_y)"),
    ("static long (*bpf_x)(void) = (void *) 99999999;\n", "a helper's number is out of range"),
    ("static long (*bpf_x)(void) = (void *) 5;\nextern long bpf_y(void);\n", "an unknown declaration among the helpers: extern"),
    ("static long (*bpf_x)(void) = (void *) 5", "has no end"),
    ("static long (*bpf_x)(" + "int, " * 600 + "int) = (void *) 5;\n", "is too long"),
])
def test_unknown_declarations_fail_the_build(embed, header, words):
    """A helper that is missing, or has the number of another, would be noticed much later."""
    done, _ = embed(header)
    assert done.returncode == 1 and words in done.stderr and len(done.stderr) < 300
