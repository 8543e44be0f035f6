# SPDX-License-Identifier: Apache-2.0
"""Messages for common mistakes: they have the location, plain words and a hint, but no internal names."""

import logging
import os
import re

import ebcc
import pytest
from ebcc import BPF

TABLES = """BPF_HASH(counts, u32, u64);
struct event_t { u32 pid; char comm[16]; };
BPF_PERF_OUTPUT(events);
"""
BODY = TABLES + """TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u32 key = 0;
%s
    return 0;
}
"""
# Line 6 is the first of the body.

COMPILE_ERRORS = [
    ("void_context", TABLES + "int f(void ctx) {\n    return 0;\n}\n", """
main.c:4:12: error: argument may not have 'void' type
    4 | int f(void ctx) {
      |            ^
main.c:4:12: note: a parameter can't be void; did you mean a pointer, void *ctx?"""),
    ("void_parameter", TABLES + "int f(struct pt_regs *ctx, void filename) {\n    return 0;\n}\n", """
main.c:4:33: error: 'void' must be the first and only parameter if specified
    4 | int f(struct pt_regs *ctx, void filename) {
      |                                 ^
main.c:4:33: note: a parameter can't be void; did you mean a pointer, void *filename?"""),
    ("pointer_as_number", BODY % "    u64 *then = counts.lookup(&key);\n    key = bpf_ktime_get_ns() - then;", """
main.c:7:30: error: invalid operands to binary expression ('__u64' (aka 'unsigned long long') and 'u64 *' (aka 'unsigned long long *'))
    7 |     key = bpf_ktime_get_ns() - then;
      |           ~~~~~~~~~~~~~~~~~~ ^ ~~~~
main.c:7:30: note: one side is a pointer: if it came from lookup(), test it for NULL and read the leaf with *"""),
    ("mistyped_method", BODY % "    counts.incremnt(key);", """
main.c:6:12: error: no member named 'incremnt' in table 'counts'; did you mean 'increment'?
    6 |     counts.incremnt(key);
      |            ^~~~~~~~
      |            increment
main.c:1:1: note: 'increment' declared here
    1 | BPF_HASH(counts, u32, u64);
      | ^"""),
    ("foreign_method", BODY % "    counts.get(&key);", """
main.c:6:12: error: no member named 'get' in table 'counts'
    6 |     counts.get(&key);
      |     ~~~~~~ ^
main.c:6:12: note: in BPF C it is counts.lookup(&key)"""),
    ("method_of_another_kind", BODY % "    events.lookup(&key);", """
main.c:6:12: error: no member named 'lookup' in table 'events'
    6 |     events.lookup(&key);
      |     ~~~~~~ ^
main.c:6:12: note: a table declared with BPF_PERF_OUTPUT has perf_submit, perf_submit_skb"""),
    ("method_of_a_shared_queue", 'BPF_QUEUESTACK_SHARED("queue", items, u64, 10, 0);\n' + BODY % "    items.lookup(&key);", """
main.c:7:11: error: no member named 'lookup' in table 'items'
    7 |     items.lookup(&key);
      |     ~~~~~ ^
main.c:7:11: note: a table declared with BPF_QUEUESTACK_SHARED has push, pop, peek"""),
    ("method_of_a_table_of_sockets", "BPF_SOCKMAP(sockets, 10);\n" + BODY % "    sockets.lookup(&key);", """
main.c:7:13: error: no member named 'lookup' in table 'sockets'
    7 |     sockets.lookup(&key);
      |     ~~~~~~~ ^
main.c:7:13: note: a table declared with BPF_SOCKMAP has update, delete, sock_map_update, msg_redirect_map, sk_redirect_map"""),
    ("arguments_of_a_typed_program", "int kfunc__vfs_read(struct pt_regs *ctx, struct file *file) { return 0; }\n",
     "error: 'kfunc__vfs_read' has parameters besides its context, which it gets only if it is declared with KFUNC_PROBE(...)"),
    ("brackets", BODY % "    counts[key] = 1;", """
main.c:6:11: error: subscripted value is not an array, pointer, or vector
    6 |     counts[key] = 1;
      |     ~~~~~~^~~~
main.c:6:11: note: a program reads an entry through the pointer that counts.lookup(&key) returns, and sets one by counts.update(&key, &leaf)"""),
    ("table_for_a_helper", BODY % "    u64 *then = bpf_map_lookup_elem(counts, &key);",
     "\nmain.c:6:37: note: pass a table to a helper by its address: &counts"),
    ("missing_table", BODY % "    start.update(&key, &key);", """
main.c:6:5: error: use of undeclared identifier 'start'
    6 |     start.update(&key, &key);
      |     ^~~~~
main.c:6:5: note: no table 'start' is declared above: declare it, for example with BPF_HASH(start, u32, u64);"""),
    ("mistyped_table", BODY % "    count.increment(key);", """
main.c:6:5: error: use of undeclared identifier 'count'; did you mean 'counts'?
    6 |     count.increment(key);
      |     ^~~~~
      |     counts
main.c:1:10: note: 'counts' declared here
    1 | BPF_HASH(counts, u32, u64);
      |          ^"""),
    ("too_many_arguments", BODY % "    u64 *leaf = counts.lookup(&key, 0);", """
main.c:6:37: error: too many arguments to function call, expected 1, have 2
    6 |     u64 *leaf = counts.lookup(&key, 0);
      |                 ~~~~~~~~~~~~~       ^
main.c:6:37: note: the usage is lookup(&key)"""),
    ("too_few_arguments", BODY % "    counts.update(&key);", """
main.c:6:23: error: too few arguments to function call, expected 2, have 1
    6 |     counts.update(&key);
      |     ~~~~~~~~~~~~~     ^
main.c:6:23: note: the usage is update(&key, &leaf)"""),
    ("too_few_arguments_of_a_macro", BODY % "    events.perf_submit(&key, sizeof(key));", """
main.c:6:12: error: too few arguments to the method
    6 |     events.perf_submit(&key, sizeof(key));
      |            ^
main.c:6:12: note: the usage is perf_submit(ctx, &data, sizeof(data))"""),
    ("three_arguments_of_increment", BODY % "    counts.increment(key, 1, 2);",
     "\nmain.c:6:5: error: increment() takes a key and, if it isn't 1, the integer to add"),
    ("stack", BODY % "    struct { char a[600]; } x = {};\n    bpf_get_current_comm(&x.a, 16);\n"
     "    events.perf_submit(args, &x, sizeof(x));",
     ": error: the program needs more than the 512 bytes of stack that BPF has: put large variables into a map"),
    ("semicolon", BODY % "    key = 1\n", """
main.c:6:12: error: expected ';' after expression
    6 |     key = 1
      |            ^
      |            ;"""),
    ("brace", "int f(void *ctx) { if (1) { return 0; }\n", """
main.c:1:40: error: expected '}'"""),
    ("tracepoint", BODY.replace("sys_enter_getpgid", "sys_enter_opennat") % "    key = args->dfd;", """
main.c:6:15: error: this tracepoint's fields are not known
    6 |     key = args->dfd;
      |           ~~~~^
this kernel has no tracepoint syscalls:sys_enter_opennat; did you mean syscalls:sys_enter_openat"""),
    ("field_of_a_tracepoint", BODY % "    key = args->pidd;", """
main.c:6:17: error: no member named 'pidd' in 'struct tracepoint__syscalls__sys_enter_getpgid'
    6 |     key = args->pidd;
      |                 ^~~~
main.c:6:17: note: did you mean pid? the fields of syscalls:sys_enter_getpgid are: __syscall_nr, pid"""),
    ("field_of_variable_length", "TRACEPOINT_PROBE(sched, sched_process_exec) { return args->filename; }\n", """
main.c:1:60: note: filename is a __data_loc field, of variable length: TP_DATA_LOC_READ_STR(&buffer, filename, """
     "sizeof(buffer)) copies the string into a char buffer[]"),
    ("struct_without_its_address", BODY % "    struct event_t event = {};\n    events.perf_submit(args, event, sizeof(event));", """
main.c:7:30: note: pass its address: &event"""),
    ("renamed_tracepoint", "TRACEPOINT_PROBE(bpf, bpf_prog_load) { return args->type; }\n", """
this kernel has no tracepoint bpf:bpf_prog_load; since Linux 4.17 it is the function bpf_prog_load, for a kprobe"""),
    ("local_variable", BODY % "    u32 pid = 1;\n    key = pdi;", """
main.c:7:11: error: use of undeclared identifier 'pdi'
    7 |     key = pdi;
      |           ^
main.c:7:11: note: did you mean pid?"""),
    ("member_of_a_struct_of_the_source",
     "struct data { u64 time; struct { u32 pid; }; struct { u32 pds; } other; int (*call)(void); };\n"
     + BODY % "    struct data d = {};\n    d.pdi = 1;", """
main.c:8:7: error: no member named 'pdi' in 'struct data'
    8 |     d.pdi = 1;
      |     ~ ^
main.c:8:7: note: did you mean pid?"""),
    ("member_of_a_typedef", "typedef struct { u64 time; u32 pid; } data_t;\n" + BODY % "    data_t d = {};\n    d.pdi = 1;", """
main.c:8:7: note: did you mean pid?"""),
    ("short_name_of_a_kernel_member", BODY % "    key = ((struct task_struct *)bpf_get_current_task())->pdi;", """
main.c:6:59: note: did you mean pid?"""),
    ("macro_of_the_kernel", BODY % "    key = IFNAMSIZZ;", """
main.c:6:11: note: did you mean IFNAMSIZ?"""),
    ("renamed_member", BODY % "    key = ((struct request *)(long)key)->rq_disk->major;", """
main.c:6:42: error: no member named 'rq_disk' in 'struct request'
    6 |     key = ((struct request *)(long)key)->rq_disk->major;
      |           ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~  ^
main.c:6:42: note: since Linux 5.17 it is q->disk"""),
    ("renamed_member_that_clang_guesses_at", BODY % "    key = ((struct task_struct *)bpf_get_current_task())->state;", """
main.c:6:59: note: since Linux 5.14 it is __state"""),
    ("renamed_type", BODY % "    key = ((struct hd_struct *)(long)key)->partno;", """
main.c:6:42: note: since Linux 5.11 it is struct block_device"""),
    ("member_of_a_kernel_struct", BODY % "    key = ((struct task_struct *)bpf_get_current_task())->tgidd;", """
main.c:6:59: error: no member named 'tgidd' in 'struct task_struct'; did you mean 'tgid'?
    6 |     key = ((struct task_struct *)bpf_get_current_task())->tgidd;
      |                                                           ^~~~~
      |                                                           tgid"""),
    ("kernel_struct", BODY % "    key = ((struct task_strct *)bpf_get_current_task())->tgid;",
     "note: neither the source nor this kernel has a definition of 'struct task_strct'; did you mean task_struct"),
    ("printf", BODY % '    printf("hello\\n");', """
main.c:6:5: error: call to undeclared library function 'printf' with type 'int (const char *, ...)'
    6 |     printf("hello\\n");
      |     ^
main.c:6:5: note: a BPF program prints to the trace pipe with bpf_trace_printk("...\\n", ...), or passes"""),
    ("strcmp", BODY % '    char *text = (char *)bpf_get_current_task();\n    if (strcmp(text, text + 4)) return 1;',
     "main.c:7:9: error: 'strcmp' needs a bound of at most 4096 bytes that is known at compile time"),
    ("strncmp", BODY % '    if (strncmp((char *)args, (char *)args + 4, args->pid)) return 1;',
     "main.c:6:9: error: 'strncmp' needs a bound of at most 4096 bytes that is known at compile time"),
    ("strlen", BODY % "    if (strlen((char *)bpf_get_current_task())) return 1;",
     "main.c:6:9: error: 'strlen' needs a bound of at most 4096 bytes that is known at compile time"),
    ("strlen_from_an_index", BODY % "    char text[8] = {};\n    if (strlen(&text[args->pid & 7])) return 1;",
     "main.c:7:9: error: 'strlen' needs a bound of at most 4096 bytes that is known at compile time"),
    ("strncpy", BODY % '    char text[8]; strncpy(text, "a", args->pid);', "main.c:6:19: error: 'strncpy' needs a bound of at most 4096 bytes that is known at compile time"),
    ("strcat", BODY % '    char text[8] = "a"; strcat(text, "b");', "main.c:6:25: error: 'strcat' would write at an offset that is known only at run time"),
    ("strchr", BODY % "    char text[8] = {}; if (strchr(text + args->pid, 3)) return 1;",
     ": note: BPF programs can't call the C library: check the characters in a loop"),
    ("snprintf", BODY % '    char text[8]; snprintf(text, 8, "%d", args->pid);',
     "main.c:6:19: error: 'snprintf' supports only literals without values, and a constant size: use bpf_snprintf()"),
    ("signed_division", BODY % "    s64 n = args->pid, d = bpf_get_prandom_u32();\n\n    counts.increment(n / d);", """
main.c:8:24: error: unsupported signed division, please convert to unsigned div/mod.
    8 |     counts.increment(n / d);
      |                        ^
main.c:8:24: note: make both operands unsigned, or use div64_s64(n, d); the kernel has signed division since Linux 6.6, """
     """and the code is for older ones too"""),
    ("strlcpy", BODY % '    char text[8]; strlcpy(text, "a", 8);', "note: BPF programs can't call the C library: copy with strncpy()"),
    ("tolower", BODY % "    key = tolower(key);", "main.c:6:11: error: call to undeclared library function 'tolower'"),
    ("malloc", BODY % "    if (malloc(100)) return 1;", "note: BPF programs have no heap: keep data in a table"),
    ("getpid", BODY % "    key = getpid();", "note: bpf_get_current_pid_tgid() >> 32 is the process"),
    ("time", BODY % "    key = time(0);", "note: bpf_ktime_get_ns() is the time since"),
    ("current", BODY % "    key = current->pid;", "note: (struct task_struct *)bpf_get_current_task() is the current task"),
    ("context_of_a_tracepoint", BODY % "    events.perf_submit(ctx, &key, sizeof(key));",
     "note: the context of a TRACEPOINT_PROBE is called args"),
    ("helper", BODY % "    key = bpf_ktime_get_nss();", """
main.c:6:11: error: call to undeclared function 'bpf_ktime_get_nss'
    6 |     key = bpf_ktime_get_nss();
      |           ^
main.c:6:11: note: there is no such function; did you mean bpf_ktime_get_ns"""),
    ("store", BODY % "    ((struct task_struct *)bpf_get_current_task())->tgid = 1;",
     ": error: cannot write to kernel memory: this pointer leads to memory of the kernel"),
    ("macro", "BPF_HSH(counts, u32, u64);\nint f(void *ctx) { return 0; }\n", """
main.c:1:17: error: there is no macro 'BPF_HSH'; did you mean BPF_HASH?
    1 | BPF_HSH(counts, u32, u64);
      |                 ^"""),
    ("table_type", 'BPF_TABLE("hsh", u32, u64, counts, 10);\nint f(void *ctx) { return 0; }\n',
     '\nmain.c:1:1: error: unknown table type "hsh"\n    1 | BPF_TABLE("hsh", u32, u64, counts, 10);'),
    ("floating_point", BODY % "    double part = 0.5;\n    key = part * bpf_ktime_get_ns();\n    counts.increment(key);",
     ": error: BPF has no floating-point numbers: use integers"),
    ("recursion", "static int f(int n) { return n ? f(n - 1) : 0; }\nint g(void *ctx) { return f(bpf_get_smp_processor_id()); }\n",
     "main.c:1:34: error: 'f' calls itself, which BPF programs can't do: use a bounded loop"),
    ("undefined_function", "int elsewhere(int n);\nint f(void *ctx) { return elsewhere(1); }\n", """
main.c:2:27: error: 'elsewhere' is not defined: a program can call BPF helpers and functions in its own source
    2 | int f(void *ctx) { return elsewhere(1); }
      |                           ^"""),
    ("comparison_of_unknown_size", BODY % """    char *text = (char *)bpf_get_current_task();
    return memcmp(text, text + 4, bpf_get_prandom_u32());""",
     "main.c:7:12: error: 'memcmp' needs a bound of at most 4096 bytes that is known at compile time"),
    ("two_tables_with_one_name", TABLES + "BPF_HASH(counts);\nint f(void *ctx) { return 0; }\n", """
main.c:4:1: error: redefinition of table 'counts'
    4 | BPF_HASH(counts);
      | ^
main.c:1:1: note: previous definition is here
    1 | BPF_HASH(counts, u32, u64);
      | ^"""),
    ("table_in_a_function", "int f(void *ctx) {\n    BPF_HASH(counts);\n    return 0;\n}\n", """
main.c:2:5: error: a table must be declared outside of functions
    2 |     BPF_HASH(counts);
      |     ^"""),
    ("arguments_of_a_probe", "TRACEPOINT_PROBE(sys_enter_open) { return 0; }\n", """
main.c:1:32: error: TRACEPOINT_PROBE takes 2 arguments, not 1: TRACEPOINT_PROBE(category, event)
    1 | TRACEPOINT_PROBE(sys_enter_open) { return 0; }
      |                                ^"""),
    ("body_after_a_macro", "TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return nosuch; }\n", """
main.c:1:56: error: use of undeclared identifier 'nosuch'
    1 | TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return nosuch; }
      |                                                        ^"""),
    ("type_of_a_leaf", "BPF_HASH(counts, u32, struct nosuch_t);\nint f(void *ctx) { return 0; }\n", """
main.c:1:1: error: variable has incomplete type 'struct nosuch_t'
    1 | BPF_HASH(counts, u32, struct nosuch_t);
      | ^
main.c:1:1: note: neither the source nor this kernel has a definition of 'struct nosuch_t': is the name right?
main.c:1:30: note: forward declaration of 'struct nosuch_t'"""),
    ("file", '#include "nosuch.h"\nint f(void *ctx) { return 0; }\n', """
main.c:1:10: fatal error: 'nosuch.h' file not found
    1 | #include "nosuch.h"
      |          ^~~~~~~~~~
main.c:1:10: note: it is searched for in the directory of the file that includes it, and in those of -I flags"""),
    ("line_break_in_a_string", BODY % '    bpf_trace_printk("hello\n");', """
main.c:6:22: note: a string must end on its line: if the source is in a string itself, """
     """write \\n as \\\\n there, or make the outer string a raw one"""),
    ("quotation_marks", BODY % "    bpf_trace_printk(\u201chello\u201d);",
     "main.c:6:22: note: these are typographic quotes: C uses \" and '"),
    ("array_of_variable_size", BODY % "    char name[(u8)bpf_get_prandom_u32()];\n    bpf_get_current_comm(name, sizeof(name));\n"
     "    key = name[0];\n    counts.increment(key);",
     "\nmain.c:6:5: error: the size of an array on the stack must be a constant"),
    ("library_of_libbpf", '#include <bpf/libbpf.h>\nint f(void *ctx) { return 0; }\n', """
main.c:1:10: fatal error: 'bpf/libbpf.h' file not found
    1 | #include <bpf/libbpf.h>
      |          ^~~~~~~~~~~~~~
main.c:1:10: note: of libbpf's headers, sources can include those for programs: bpf/bpf_helpers.h and its like"""),
    ("name_of_a_helper", "static int bpf_get_current_task(void) { return 0; }\nint f(void *ctx) { return 0; }\n",
     "note: this is the name of a BPF helper: choose another one"),
    ("macro_of_the_source", "#define TWICE(x) ((x) + nosuch)\n" + BODY % "    key = TWICE(key);", """
main.c:7:11: error: use of undeclared identifier 'nosuch'
    7 |     key = TWICE(key);
      |           ^
main.c:1:25: note: expanded from macro 'TWICE'
    1 | #define TWICE(x) ((x) + nosuch)
      |                         ^"""),
]

# Arguments of the dialect's macros: (declaration, expected message).
HASH = "BPF_HASH(name, key=u64, leaf=u64, size=10240)"
TABLE = 'BPF_TABLE("type", key, leaf, name, size)'
MACRO_ERRORS = [
    ("BPF_HASH();", "BPF_HASH takes 1 to 4 arguments, not 0: " + HASH),
    ("BPF_HASH(t, u32, u64, 10, 5);", "BPF_HASH takes 1 to 4 arguments, not 5: " + HASH),
    ('BPF_HASH("t");', 'the name "t" must not be in quotes: ' + HASH),
    ("BPF_HASH(2t);", "'2t' is not a name: " + HASH),
    ("BPF_HASH(t, , u64);", "argument 2 of BPF_HASH is empty: " + HASH),
    ("BPF_HASH(t, u32, u64, number);", "the size of a table must be a constant: " + HASH),
    ("BPF_HASH(t, u32, u64, -1);", "the size of a table can't be negative: " + HASH),
    ('BPF_HASH(t, u32, u64, "10");', "the size of a table must be an integer: " + HASH),
    ("BPF_HASH(t, struct { u32 a, b; }, u64, 1, 2);", "BPF_HASH takes 1 to 4 arguments, not 5: " + HASH),
    ("BPF_ARRAY(t, u64, number);", "the size of a table must be a constant: BPF_ARRAY(name, leaf=u64, size=10240)"),
    ("BPF_ARRAY(t, u32, u64, 10);", "BPF_ARRAY takes 1 to 3 arguments, not 4: BPF_ARRAY(name, leaf=u64, size=10240)"),
    ("BPF_HISTOGRAM(t, int, 64, 3);", "BPF_HISTOGRAM takes 1 to 3 arguments, not 4: BPF_HISTOGRAM(name, key=int, size=64)"),
    ("BPF_PERF_OUTPUT();", "BPF_PERF_OUTPUT takes 1 argument, not 0: BPF_PERF_OUTPUT(name)"),
    ("BPF_PERF_OUTPUT;", "BPF_PERF_OUTPUT needs arguments: BPF_PERF_OUTPUT(name)"),
    ("BPF_PERF_OUTPUT(t, 8);", "BPF_PERF_OUTPUT takes 1 argument, not 2: BPF_PERF_OUTPUT(name)"),
    ("BPF_RINGBUF_OUTPUT(t);", "BPF_RINGBUF_OUTPUT takes 2 arguments, not 1: BPF_RINGBUF_OUTPUT(name, pages)"),
    ("BPF_STACK_TRACE(t);", "BPF_STACK_TRACE takes 2 arguments, not 1: BPF_STACK_TRACE(name, size)"),
    ("BPF_QUEUE(t, u64);", "BPF_QUEUE takes 3 or 4 arguments, not 2: BPF_QUEUE(name, leaf, size, flags=0)"),
    ('BPF_TABLE("hash", u32, u64, t);', "BPF_TABLE takes 5 arguments, not 4: " + TABLE),
    ("BPF_TABLE(1, u32, u64, t, 10);", None),
    ('BPF_TABLE_SHARED("hash", u32, u64, t, 10, 0, 1);',
     "BPF_TABLE_SHARED takes 5 or 6 arguments, not 7: "
     'BPF_TABLE_SHARED("type", key, leaf, name, size, flags=0)'),
    ('BPF_QUEUESTACK_SHARED("queue", t, u64, 10);',
     "BPF_QUEUESTACK_SHARED takes 5 arguments, not 4: "
     'BPF_QUEUESTACK_SHARED("type", name, leaf, size, flags)'),
    ('BPF_QUEUESTACK_PINNED("queue", t, u64, 10, 0);',
     "BPF_QUEUESTACK_PINNED takes 6 arguments, not 5: "
     'BPF_QUEUESTACK_PINNED("type", name, leaf, size, flags, "path")'),
    ('BPF_XDP_REDIRECT_MAP("devmap", int, t);',
     'BPF_XDP_REDIRECT_MAP takes 4 arguments, not 3: BPF_XDP_REDIRECT_MAP("type", leaf, name, size)'),
    ("BPF_SK_STORAGE(t);", "BPF_SK_STORAGE takes 2 arguments, not 1: BPF_SK_STORAGE(name, leaf)"),
    ('TRACEPOINT_PROBE("sched", "sched_switch") { return 0; }',
     'the name "sched" must not be in quotes: TRACEPOINT_PROBE(category, event)'),
]


@pytest.mark.parametrize(("declaration", "expected"), MACRO_ERRORS, ids=[case[0] for case in MACRO_ERRORS])
def test_wrong_argument_of_a_macro(declaration, expected):
    """There is one error, at the line and in terms of the macro, without its expansion."""
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text="static int number = 5;\n" + declaration + "\nint f(void *ctx) { return number; }\n", kernel_types="btf")
    message = str(caught.value)
    assert re.search(r"^main\.c:2:\d+: error: " + re.escape(expected or "'1' is not a string: " + TABLE), message, re.M), message
    assert "    2 | " + declaration in message
    assert message.count("error:") == 1 and "warning:" not in message
    assert not INTERNAL_NAMES.search(message)


@pytest.mark.parametrize(("text", "expected"), [
    ("BPF_HASH(\n\tcounts,\n\tu32,\n\tu64,\n\t10,\n\t1);", "main.c:6:2: error: BPF_HASH takes 1 to 4 arguments, not 5: " + HASH),
    ('BPF_TABLE("hash", u32,\n\tu64, t);', "main.c:1:1: error: BPF_TABLE takes 5 arguments, not 4: " + TABLE),
    ("BPF_HASH(a);\nBPF_HASH(b,\n\tnosuch_t,\n\tu64);", "main.c:3:2: note: the usage is " + HASH),
])
def test_macro_arguments_on_several_lines(text, expected):
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text=text + "\nint f(void *ctx) { return 0; }\n", kernel_types="btf")
    assert expected in str(caught.value)


@pytest.mark.parametrize(("declaration", "expected"), [
    ("BPF_HASH(t, nosuch_t);", "main.c:1:13: note: the usage is " + HASH),
    ("BPF_HASH(u32, t);", "main.c:1:15: note: the usage is " + HASH),
    ('BPF_TABLE("percpuhash", u32, u64, t, 10);', "note: there is no such type; did you mean percpu_hash?"),
    ('BPF_TABLE("btree", u32, u64, t, 10);', "note: there is no such type; the types are hash, array, percpu_hash, "),
])
def test_error_shows_the_usage_of_a_macro(declaration, expected):
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text=declaration + "\nint f(void *ctx) { return 0; }\n", kernel_types="btf")
    assert expected in str(caught.value)
    assert not INTERNAL_NAMES.search(str(caught.value))


INTERNAL_NAMES = re.compile(r"__ebcc|ebcc-virtual|<scratch|unnamed struct|\(unnamed")


# Formats, and whether current kernels accept them.
FORMATS = {"%d %i": True, "%u": True, "%lu": True, "%llx": True, "%X": True, "%5d": True, "%-8lld|": True, "%c": True, "%p": True,
           "%pK": True, "%%": True, "%zu": False, "%lf": False, "%f": False, "%hd": False, "%hhx": False, "%.3d": False,
           "%#x": False, "%n": False, "%o": False, "%jd": False, "%*d": False}


def test_formats_that_the_kernel_refuses(caplog):
    """The warnings agree with what the kernel does."""
    body = "".join('results.update(&(int){%d}, &(int){bpf_trace_printk("%s\\n", 1, 2)});\n' % place
                   for place in enumerate(FORMATS))
    with BPF(text="""
        BPF_HASH(results, int, int);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            if (bpf_get_current_pid_tgid() >> 32 != %d)
                return 0;
            // bpf_trace_printk("%%zu", 1);
            /* bpf_trace_printk("%%zu", 1); */
            %s
            return 0;
        }""" % (os.getpid(), body)) as bpf:
        os.getpgid(0)
        results = {key.value: leaf.value for key, leaf in bpf["results"].items()}
    assert {text: results[place] >= 0 for place, text in enumerate(FORMATS)} == FORMATS
    warned = re.findall(r"the kernel rejects '(.+?)'", caplog.text)
    assert warned == [{"%.3d": "%."}.get(text, text) for text, accepted in FORMATS.items() if not accepted]


def test_direct_reads_of_user_memory(caplog):
    """They work, with one warning. A read by a helper gives none."""
    BPF(text="""
        TRACEPOINT_PROBE(syscalls, sys_enter_openat) {
            char name[16];
            bpf_probe_read_user_str(name, sizeof(name), args->filename);
            // args->filename[0]
            return name[0] + *&args->flags * args->mode;
        }""")
    assert not caplog.records
    BPF(text="TRACEPOINT_PROBE(syscalls, sys_enter_openat) { return args->filename[0] + args->filename[1]; }")
    assert caplog.text.count("points to user memory") == 1
    assert "main.c:1:55: warning: args->filename points" in caplog.text


def test_suggestions_for_missing_names():
    with BPF(text="BPF_HASH(counts); BPF_ARRAY(other, u32, 1); int f(void *ctx) { return 0; }") as bpf:
        for name, expected in (("count", "there is no table count; did you mean counts?"),
                               ("nosuch", "there is no table nosuch: there are counts, other")):
            with pytest.raises(KeyError) as caught:
                bpf[name]
            assert caught.value.args == (expected,)
        with pytest.raises(ebcc.AttachError, match="since Linux 5.18 it is the function urandom_read_iter"):
            bpf.attach_tracepoint("random:urandom_read", fn_name="f")


@pytest.mark.parametrize(("method", "arguments", "expected"), [
    ("attach_tracepoint", ["sched:sched_switch", "f"], "the second argument of attach_tracepoint() is tp_re, a pattern for names"),
    ("attach_kprobe", ["vfs_read", "f"], "the second argument of attach_kprobe() is event_off, a number of bytes"),
    ("attach_uprobe", ["c", "malloc", "f"], "the third argument of attach_uprobe() is sym_re, a pattern for names"),
    ("attach_uretprobe", ["c", "malloc", "f"], "the third argument of attach_uretprobe() is sym_re, a pattern for names"),
])
def test_program_in_place_of_a_pattern(method, arguments, expected):
    with BPF(text="int f(void *ctx) { return 0; }") as bpf:
        with pytest.raises(Exception) as caught:
            getattr(bpf, method)(*arguments)
    assert str(caught.value) == expected + ": pass the program as fn_name='f'"


def test_error_numbers_that_only_the_kernel_has():
    assert "ENOTSUPP" in ebcc._ebcc.error_text(524)
    assert ebcc._ebcc.error_text(2) == os.strerror(2)


@pytest.mark.parametrize("body", ["int x = 3 return x;", "u32 y = 1; u32 x = y return x;", "if (1 { return 0; } return 1;",
                                  "return 0; } }", "char name[16; return 0;"])
def test_syntax_error_is_compiled_once(body, caplog):
    """Neither all of BTF nor headers can fix a syntax error, and trying either takes seconds."""
    caplog.set_level(logging.DEBUG, "ebcc")
    with pytest.raises(ebcc.CompileError):
        BPF(text="int f(struct pt_regs *ctx) { %s }" % body)
    assert [record.message for record in caplog.records if "compiling against" in record.message] == [
        "main.c: compiling against a selection of BTF"
    ]


@pytest.mark.parametrize("text", ["int f(struct pt_regs *ctx) { u32 pid = 0; return pdi; }",
                                  "int f(struct pt_regs *ctx, struct sock *sk) { return sk->nosuch; }",
                                  "int f(struct pt_regs *ctx) { return nosuch; }",
                                  "TRACEPOINT_PROBE(sched, sched_switch) { return args->nosuch; }",
                                  "int f(struct pt_regs *ctx) { struct nosuch x; return 0; }"])
def test_headers_are_not_suggested_for_a_typo(text):
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text=text)
    assert "headers" not in str(caught.value)


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in COMPILE_ERRORS], ids=[case[0] for case in COMPILE_ERRORS])
def test_mistake_in_the_source(text, expected):
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text=text, kernel_types="btf")
    message = str(caught.value)
    assert expected in message
    assert message.startswith("main.c does not compile:\nmain.c:")
    assert not INTERNAL_NAMES.search(message)
    assert not message.endswith("\n")


def test_each_mistake_is_reported_once():
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text="BPF_HASH(counts);\nBPF_HASH(counts);\n")
    assert str(caught.value).count("error:") == 1
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text="int g(void *ctx) { BPF_HASH(counts); return 0; }\nBPF_HASH(leaves, u32, struct nosuch_t);\n")
    assert str(caught.value).count("error:") == 2
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text="int f(void *ctx) { double d = 1.5; return d * bpf_ktime_get_ns(); }\n")
    assert str(caught.value).count("error:") == 1


def test_headers_are_not_suggested_for_a_known_mistake():
    for body in ("    counts.incremnt(key);", '    printf("x");', "    key = bpf_ktime_get_nss();", "    start.delete(&key);"):
        with pytest.raises(ebcc.CompileError) as caught:
            BPF(text=BODY % body)
        assert "headers" not in str(caught.value)


def test_headers_are_not_suggested_for_a_label():
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text="int f(void *ctx) { goto out; }")
    assert "use of undeclared label 'out'" in str(caught.value)
    assert "headers" not in str(caught.value)


def test_line_numbers_are_those_of_the_file(tmp_path):
    """Neither the kernel's types before the source, nor a header file, nor an include changes them."""
    (tmp_path / "first.h").write_text("#define FIRST 1\n\n\n")
    (tmp_path / "second.h").write_text("struct second_t {\n    int a;\n    nosuch_t b;\n};\n")
    (tmp_path / "main.c").write_text("#include <linux/sched.h>\n#include \"second.h\"\n\nint f(void *ctx) {\n\treturn FIRST + nosuch;\n}\n")
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(src_file=str(tmp_path / "main.c"), hdr_file=str(tmp_path / "first.h"), kernel_types="btf")
    message = str(caught.value)
    assert "%s/main.c:5:17: error: use of undeclared identifier 'nosuch'" % tmp_path in message
    assert "In file included from %s/main.c:2:\n" % tmp_path in message
    assert "%s/second.h:3:5: error: unknown type name 'nosuch_t'" % tmp_path in message
    assert "    3 |     nosuch_t b;" in message


WARNED = BODY % "    u64 leaf = counts.lookup(&key);\n    if (leaf) return 1;"


def test_warnings_go_only_to_the_log(caplog, capfd):
    with caplog.at_level(logging.WARNING, logger="ebcc"), BPF(text=WARNED):
        pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].getMessage() == """main.c:6:9: warning: incompatible pointer to integer conversion initializing \
'u64' (aka 'unsigned long long') with an expression of type 'unsigned long long *'; dereference with * [-Wint-conversion]
    6 |     u64 leaf = counts.lookup(&key);
      |         ^      ~~~~~~~~~~~~~~~~~~~
      |                *
main.c:6:9: note: lookup() returns a pointer to the leaf in the table, or NULL: keep it in a pointer, test it, then read the leaf with *"""
    assert capfd.readouterr() == ("", "")


def test_warnings_are_repeated_from_the_cache(caplog):
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="ebcc"), BPF(text=WARNED):
            pass
        assert len(caplog.records) == 1


def test_warnings_can_be_turned_off(caplog):
    with caplog.at_level(logging.WARNING, logger="ebcc"), BPF(text=WARNED, cflags=["-Wno-int-conversion"]):
        pass
    assert not caplog.records


@pytest.mark.parametrize("text", [
    "static int f(void *ctx) { return 0; }\nint g(void *ctx) { return f(ctx); }",
    "static inline\nint\nf(struct pt_regs *ctx, int (*call)(int))\n{ return 0; }\nint g(void *ctx) { return 1; }",
])
def test_static_function_is_not_a_program(text):
    with BPF(text=text) as bpf:
        with pytest.raises(ebcc.NotFoundError, match="no program 'f'; it is static, .*: remove 'static'"):
            bpf.load_func("f", BPF.KPROBE)
        with pytest.raises(ebcc.NotFoundError, match="no program 'call'; programs are"):
            bpf.load_func("call", BPF.KPROBE)


REJECTIONS = [
    ("null_check", "    u64 *leaf = counts.lookup(&key);\n    (*leaf)++;", "main.c:7: (*leaf)++; (a lookup can fail: test its result for NULL"),
    ("address", "    u64 *leaf = counts.lookup(key);\n    if (leaf) return 1;", "take the address with &"),
    ("superfluous_address", "    counts.increment(&key);", "is a * missing, or is there one & too many?"),
    ("endless_loop", "    while (1) counts.increment(key);", "infinite loop detected at insn \\d+, at main.c:6: while"),
    ("unbounded_loop", "    u64 n = bpf_ktime_get_ns();\n    while (n--) counts.increment(key);", "at main.c:7: .*bound its loops"),
    ("unbounded_index", "    char list[8] = {};\n    list[bpf_get_prandom_u32()] = 1;\n    return list[3];",
     "main.c:7: .*the index into a variable on the stack has no bound"),
]


@pytest.mark.parametrize(("body", "expected"), [case[1:] for case in REJECTIONS], ids=[case[0] for case in REJECTIONS])
def test_rejected_by_the_verifier(body, expected):
    with pytest.raises(ebcc.LoadError) as caught:
        BPF(text=BODY % body)
    message = str(caught.value)
    assert re.search(expected if "\\d" in expected or ".*" in expected else re.escape(expected), message), message
    assert message.count("\n") == 0
    assert not INTERNAL_NAMES.search(message)


RECORDS = "BPF_RINGBUF_OUTPUT(records, 1);\nBPF_PERF_OUTPUT(events);\n"
REJECTED_PROGRAMS = [
    ("untested_record", BPF.TRACEPOINT, RECORDS + "int f(void *ctx) {\n    u64 *record = records.ringbuf_reserve(8);\n"
     "    *record = 1;\n    records.ringbuf_submit(record, 0);\n    return 0;\n}", "main.c:5: .*a NULL that wasn't tested for"),
    ("record_after_submit", BPF.TRACEPOINT, RECORDS + "int f(void *ctx) {\n    u64 *record = records.ringbuf_reserve(8);\n"
     "    if (!record) return 0;\n    records.ringbuf_submit(record, 0);\n    return *record;\n}", "main.c:7: .*already released"),
    ("lost_record", BPF.TRACEPOINT, RECORDS + "int f(void *ctx) {\n    u64 *record = records.ringbuf_reserve(8);\n"
     "    return record != 0;\n}", "every path through the program must release"),
    ("other_context", BPF.TRACEPOINT, RECORDS + "static int submit(void *ctx) {\n    u64 one = 1;\n"
     "    return events.perf_submit(ctx, &one, sizeof(one));\n}\nint f(void *ctx) {\n    u64 two = 2;\n    return submit(&two);\n}",
     "main.c:5: .*the program's own context"),
    ("read_only_context", BPF.SCHED_CLS, "int f(struct __sk_buff *skb) {\n    skb->len = 5;\n    return 0;\n}",
     "main.c:2: .*or may only read it"),
    ("end_of_packet", BPF.XDP, "int f(struct xdp_md *ctx) {\n    struct ethhdr *eth = (void *)(long)ctx->data;\n"
     "    return eth->h_proto;\n}", "main.c:3: .*compare the pointer with data_end"),
]


@pytest.mark.parametrize(("kind", "text", "expected"), [case[1:] for case in REJECTED_PROGRAMS],
                         ids=[case[0] for case in REJECTED_PROGRAMS])
def test_program_rejected_by_the_verifier(kind, text, expected):
    with BPF(text=text) as bpf:
        with pytest.raises(ebcc.LoadError, match=expected):
            bpf.load_func("f", kind)


def test_helper_that_needs_the_gpl():
    text = TABLES + "BPF_LICENSE(Proprietary);\n" + (BODY % "    bpf_probe_read_kernel(&key, 4, (void *)bpf_get_current_task());\n"
                                                    "    counts.increment(key);").replace(TABLES, "")
    with pytest.raises(ebcc.LoadError, match="main.c:7: .*license is \"Proprietary\".*BPF_LICENSE\\(GPL\\), or don't"):
        BPF(text=text)
    # A read that is not a call in the source.
    with pytest.raises(ebcc.LoadError, match="license is \"MIT\".*through a pointer.*BPF_LICENSE\\(GPL\\), or don't"):
        BPF(text="#define BPF_LICENSE MIT\nTRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {\n"
                 "    struct task_struct *task = (void *)bpf_get_current_task();\n    return task->pid;\n}\n")


def test_program_for_a_missing_tracepoint():
    with pytest.raises(ebcc.AttachError, match="did you mean syscalls:sys_enter_getpgid") as caught:
        BPF(text="TRACEPOINT_PROBE(syscalls, sys_enter_getpgidd) { return 0; }")
    start = "program tracepoint__syscalls__sys_enter_getpgidd: no tracepoint syscalls:sys_enter_getpgidd; did you mean "
    assert str(caught.value).startswith(start)
    assert str(caught.value)[len(start):].count("sys_enter_getpgidd") == 0


LIBBPF_MAP = """
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __type(key, u32);
    __type(value, u64);
} starts SEC(".maps");
"""
LIBBPF_PROGRAM = """
SEC("tp/sched/sched_process_exec")
int handle(struct trace_event_raw_sched_process_exec *ctx) { return 0; }
char LICENSE[] SEC("license") = "GPL";
"""


@pytest.mark.parametrize("text", [LIBBPF_MAP + LIBBPF_PROGRAM, LIBBPF_PROGRAM], ids=["map", "program"])
def test_sections_without_their_header(text):
    """The error is one sentence, not clang's errors about SEC()."""
    with pytest.raises(ebcc.CompileError) as caught:
        BPF(text=text)
    assert str(caught.value).startswith('main.c does not compile: it uses SEC("...")')
    assert "#include <bpf/bpf_helpers.h>" in str(caught.value)
    assert "error:" not in str(caught.value) and len(str(caught.value)) < 500
    BPF(text="#include <bpf/bpf_helpers.h>\n" + text).close()


def test_section_macro_of_the_source():
    """A source that defines SEC() itself is not treated as one for libbpf, even if it has mistakes."""
    text = '#define SEC(name) __attribute__((section(name), used))\nSEC("kprobe") int f(struct pt_regs *ctx) { return %s; }\n'
    BPF(text=text % "0").close()
    with pytest.raises(ebcc.CompileError, match="undeclared identifier 'lost'"):
        BPF(text=text % "lost")
