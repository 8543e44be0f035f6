# SPDX-License-Identifier: Apache-2.0
"""Functions of the C library for strings and bytes have the same results in programs as in this machine's C library."""

import ctypes
from dataclasses import dataclass

import pytest
from ebcc import BPF
from kernel_calls import run_raw_tracepoint

libc = ctypes.CDLL(None)
PROLOGUE = """
struct result_t { s64 value; char text[32]; };
BPF_ARRAY(results, struct result_t, 64);
"""
# word is "hello", "hellp", "hellq" for i = 0, 1, 2, and buffer is filled with X.
PROGRAM = """
int case_%(index)d(struct bpf_raw_tracepoint_args *ctx)
{
    u64 i = ctx->args[0];
    int index = %(index)d;
    char buffer[32] = "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", word[8] = "hello";
    struct result_t *result = results.lookup(&index);

    if (!result)
        return 0;
    word[4] += i;
    %(body)s
    __builtin_memcpy(result->text, buffer, 32);
    return 0;
}
"""


def sign(value):
    return (value > 0) - (value < 0)


def c_string(function, *args, size=32):
    """The contents of the buffer after a call of a C function."""
    buffer = ctypes.create_string_buffer(b"X" * 31, size)
    getattr(libc, function)(buffer, *args)
    return buffer.raw


@dataclass
class Case:
    """A piece of C, and its results: value (only its sign if not exact), and text, the contents of the buffer."""
    body: str
    value: int = None
    text: bytes = None
    exact: bool = True
    i: int = 0


WORDS = (b"hello", b"hellp", b"hellq")
CASES = [
    Case('result->value = strlen("abc");', 3),
    Case("result->value = strlen(word);", 5),
    Case("result->value = strlen(word + 2);", 3),
    Case("word[i & 7] = 0; result->value = strlen(word);", 2, i=2),
    Case('result->value = strcmp("abc", "abd");', sign(libc.strcmp(b"abc", b"abd")), exact=False),
    Case('result->value = strcmp("abcd", "abc");', sign(libc.strcmp(b"abcd", b"abc")), exact=False),
    Case('result->value = strcmp("\\xff", "a");', sign(libc.strcmp(b"\xff", b"a")), exact=False),
    Case('result->value = strncmp("abc", "abd", 2);', libc.strncmp(b"abc", b"abd", 2)),
    Case('result->value = strncmp("abc", "abd", 0);', 0),
    Case('result->value = strncmp(word, "help", 3);', libc.strncmp(b"hello", b"help", 3)),
    Case('result->value = strncmp(word, "help", i);', sign(libc.strncmp(b"hello", b"help", 5)), exact=False, i=5),
    Case('char name[16]; bpf_get_current_comm(name, 16); result->value = !strcmp(name, "COMM");', 1),
    Case('struct task_struct *task = (void *)bpf_get_current_task(); result->value = !strcmp(task->comm, "COMM");', 1),
    Case('struct task_struct *task = (void *)bpf_get_current_task(); result->value = !strncmp(task->comm, "COMX", 3);', 1),
    Case("result->value = strlen(i ? \"one\" : \"three\");", 5),
    Case('char names[2][8] = {"one", "three"}; result->value = strlen(names[i & 1]);', 5, i=1),
    Case('char names[2][8] = {"one", "three"}; result->value = strlen(names[i & 1] + 1);', 2),
    Case('struct { u32 n; char name[8]; } rows[2] = {{1, "one"}, {2, "three"}}; result->value = strlen(rows[i & 1].name);', 5, i=1),
    Case('static const struct { char name[8]; u32 n; } rows[] = {{"one"}, {"three"}}; result->value = strlen(rows[i & 1].name);', 3),
    Case('static const struct { char name[8]; u32 n; } rows[] = {{"one"}, {"hello"}}; result->value = strcmp(word, rows[1 - (i & 1)].name);', 0),
    Case('struct { u32 n; char name[8]; } rows[2] = {{1, "one"}, {2, "three"}}; strcpy(buffer, rows[i & 1].name);', None, c_string("strcpy", b"three"), i=1),
    Case('result->value = strcpy(buffer, "copied") == buffer;', 1, c_string("strcpy", b"copied")),
    Case("strcpy(buffer, word);", None, c_string("strcpy", b"hello")),
    Case('strncpy(buffer, "copied", 3);', None, c_string("strncpy", b"copied", 3)),
    Case('strncpy(buffer, "copied", 16);', None, c_string("strncpy", b"copied", 16)),
    Case("strncpy(buffer, word, 16);", None, c_string("strncpy", b"hello", 16)),
    Case("strncpy(buffer, word, 3);", None, c_string("strncpy", b"hello", 3)),
    Case('result->value = memcmp("ab\\0c", "ab\\0d", 4);', sign(libc.memcmp(b"ab\0c", b"ab\0d", 4)), exact=False),
    Case('result->value = memcmp(word, "hello", i);', 0, i=4),
    Case('char bytes[8] = "ab\\0d"; result->value = memcmp("ab\\0c", bytes, i);', sign(libc.memcmp(b"ab\0c", b"ab\0d", 4)), exact=False, i=4),
    Case('static const char zeros[8]; char bytes[8] = {[5] = 1}; result->value = memcmp(zeros, bytes, i);',
         sign(libc.memcmp(bytes(8), b"\0\0\0\0\0\1", 6)), exact=False, i=6),
    Case('result->value = bcmp(word, "hellx", 5) != 0;', 1),
    Case('result->value = bcmp(word, "hellx", 4);', 0),
    Case('static const char *const words[] = {"a", "bc"}; result->value = bcmp(word, words[i & 1], 0);', 0),
    Case("bzero(buffer + 2, 4);", None, b"XX" + bytes(4) + b"X" * 25 + b"\0"),
    Case("memmove(buffer + 1, word, 5); memmove(buffer + 2, buffer, 8);", None, b"XhXhelloXX" + b"X" * 21 + b"\0"),
    Case('result->value = snprintf(buffer, 32, "hello");', 5, c_string("snprintf", 32, b"hello")),
    Case('result->value = snprintf(buffer, 4, "hello");', 5, c_string("snprintf", 4, b"hello")),
    Case('result->value = snprintf(buffer, 1, "hello");', 5, c_string("snprintf", 1, b"hello")),
    Case('result->value = snprintf(buffer, 0, "hello");', 5, c_string("snprintf", 0, b"hello")),
    Case('result->value = snprintf(buffer, 32, "%s", "text");', 4, c_string("snprintf", 32, b"text")),
    Case('result->value = sprintf(buffer, "hello");', 5, c_string("sprintf", b"hello")),
    Case('result->value = *strchr("abc", 98);', ord("b")),
] + [Case('result->value = strcmp(word, "hellp");', sign(libc.strcmp(word, b"hellp")), exact=False, i=i) for i, word in enumerate(WORDS)] \
  + [Case('result->value = memcmp(word, "hellp", 5);', sign(libc.memcmp(word, b"hellp", 5)), exact=False, i=i) for i, word in enumerate(WORDS)]


@pytest.mark.parametrize("include", ["", "#include <string.h>\n#include <stdio.h>\n"])
def test_results_agree_with_the_c_library(include):
    with open("/proc/self/comm", encoding="ascii") as file:
        comm = file.read().strip()
    text = include + PROLOGUE
    for index, case in enumerate(CASES):
        text += PROGRAM % {"index": index, "body": case.body.replace("COMM", comm).replace("COMX", comm[:3] + "?")}
    with BPF(text=text) as bpf:
        for index, case in enumerate(CASES):
            run_raw_tracepoint(bpf.load_func("case_%d" % index, BPF.RAW_TRACEPOINT), case.i)
            result = bpf["results"][index]
            if case.value is not None:
                assert (result.value if case.exact else sign(result.value)) == case.value, case.body
            if case.text is not None:
                assert bytes(bpf["results"].Leaf.from_buffer_copy(result))[8:40] == case.text, case.body


def test_function_of_the_source_takes_precedence():
    """A source may define a function of the same name that does something else."""
    with BPF(text=PROLOGUE + """
        static int strcmp(const char *left, const char *right) { return left[0] + right[0]; }
        """ + PROGRAM % {"index": 0, "body": 'result->value = strcmp(word, "a");'}) as bpf:
        run_raw_tracepoint(bpf.load_func("case_0", BPF.RAW_TRACEPOINT), 0)
        assert bpf["results"][0].value == ord("h") + ord("a")


def test_unsigned_char():
    with BPF(text=PROLOGUE + PROGRAM % {"index": 0, "body": "word[0] = 200 + i; result->value = word[0];"},
             cflags=["-funsigned-char"]) as bpf:
        run_raw_tracepoint(bpf.load_func("case_0", BPF.RAW_TRACEPOINT), 5)
        assert bpf["results"][0].value == 205


def test_no_warnings():
    """These functions need no declaration, and a missing one gives no warning."""
    with BPF(text=PROLOGUE + PROGRAM % {"index": 0, "body": 'result->value = strcmp(word, "hello");'}, cflags=["-Wall", "-Werror"]):
        pass
