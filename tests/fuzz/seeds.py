"""Seed inputs of the fuzz targets: small real files, so that the fuzzer begins behind the first checks."""

import lzma
import struct
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = """
#include <stdlib.h>
#include <string.h>
int counter;
static __attribute__((noinline)) int inner(const char *text) { return strlen(text) + counter; }
int outer(const char *text) { return inner(text) + atoi(text); }
int main(int count, char **texts) { return outer(texts[0]); }
"""

MAPS = """\
00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus daemon
00651000-00652000 r--p 00051000 08:02 173521 /usr/bin/dbus daemon
7f1de2c00000-7f1de2d8a000 r-xp 00028000 fe:01 12345678901 /usr/lib/a\\012b.so (deleted)
7f1de2e00000-7f1de2e8a000 rwxp 00000000 00:00 0
7ffd3b5f2000-7ffd3b5f4000 r-xp 00000000 00:00 0 [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
"""

TYPES = """
typedef int (*callback_t)(struct list *, const char *restrict);
enum shape { ROUND, SQUARE = 7 };
enum wide { ALL = 1ull << 40 };
struct list {
	struct list *next;
	callback_t call;
	struct { volatile unsigned low : 3, high : 5; union { long number; void *owner; }; };
	char name[2][16];
	enum shape shape;
	enum wide wide;
	double ratio;
};
struct list head;
int add(struct list *list, enum shape shape) { return list->call(list, head.name[shape]); }
"""

PERF_MAP = """\
7f0000001000 20 LazyCompile:*main /home/user/index.js:10
7f0000001020 0x1f0 Interpreted function
0x7f0000001000 40 again
7f0000000000 ffffffffffffffff everything
"""


FORMAT = """\
name: sched_switch
ID: 316
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;
\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:0;
\tfield:__rel_loc unsigned long[] words;\toffset:28;\tsize:4;\tsigned:0;
\tfield:struct known by_value;\toffset:32;\tsize:8;\tsigned:0;
\tfield:const char * path;\toffset:40;\tsize:8;\tsigned:0;
\tfield:u32 list[sizeof(int) * 2];\toffset:48;\tsize:32;\tsigned:0;

print fmt: "prev_comm=%s", REC->prev_comm
"""

SOURCE = """\
#include <linux/sched.h>
#include "nosuch.h"
#define BODY(x) { x; }
#if 0
struct hidden { int x; };
#endif
BPF_QUEUESTACK_SHARED("queue", items, struct { u32 a, b; }, 10, 0);
BPF_TABLE("hash", u32, u64, table, 10);
TRACEPOINT_PROBE(sched, sched_switch) { return args->prev_pid; }
int tracepoint__irq__softirq_entry(struct tracepoint__irq__softirq_entry *args) { return 0; }
BPF_ITER(task) { return BPF_CORE_READ(ctx, task, mm, owner) != 0; }
enum shape { ROUND = 'x', SQUARE } *shape; typedef struct { int a; } __attribute__((packed)) pair_t;
static const char text[] = "a \\" /* b */", other = '\\'';
int kprobe__sys_clone(struct pt_regs *ctx) { goto end; end: return u##name + sizeof(struct file); }
"""

VERIFIER_LOGS = [
    "0: R1=ctx() R10=fp0\n; return *(int *)ctx; @ main.c:3\n0: (61) r0 = *(u32 *)(r1 +0)\n1: (95) exit\nR0 !read_ok\n"
    "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
    "func#0 @0\n0: R1=ctx(off=0,imm=0) R10=fp0\n; struct file *f = x;\n5: (79) r3 = *(u64 *)(r1 +8)\n"
    "func 'vfs_write' arg3 type INT is not a struct\ninvalid bpf_context access off=8 size=8\n",
    "unknown func bpf_trace_vprintk#177\nprocessed 9 insns (limit 1000000)\n",
    "BPF program is too large. Processed 1000001 insn\n",
]


NEEDS = """
struct pair { int first, second; union { char bytes[4]; unsigned bits : 5; }; } pair;
enum color { RED, GREEN = 7 } color;
char __ebcc_needs[] __attribute__((section(".ebcc.meta"))) =
	"enumerator GREEN 7\\nlayout struct pair 96 first:0:32 second:32:32 bytes:64:32 bits:64:5\\n"
	"member struct pair second 32\\nsize struct pair 96\\noffset struct pair bytes 8\\n";
char __ebcc_needed_constants[] __attribute__((section(".ebcc.meta"))) =
	"GREEN 7\\nRED -\\nTASK_COMM_LEN 16\\n";
"""


def machine():
    """The directory of this machine's headers."""
    return subprocess.run(["gcc", "-print-multiarch"], check=True, capture_output=True, text=True).stdout.strip()


def run(*command):
    """Runs a command that must succeed."""
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def make_elf(folder):
    """A program as it is, stripped in several ways, without libraries' tables, and with compressed symbols; and Go's
    tables in all their layouts."""
    source, program = folder / "program.c", folder / "program"
    source.write_text(PROGRAM)
    run("gcc", "-O1", "-Wl,-z,max-page-size=4096", "-o", program, source)
    run("gcc", "-O1", "-no-pie", "-Wl,-z,max-page-size=4096", "-o", folder / "fixed", source)
    run("gcc", "-O1", "-c", "-o", folder / "object", source)
    run("strip", "-o", folder / "stripped", program)
    run("objcopy", "--only-keep-debug", program, folder / "debug")
    run("objcopy", f"--add-gnu-debuglink={folder / 'debug'}", folder / "stripped", folder / "linked")
    compressed = folder / "debug.xz"
    compressed.write_bytes(lzma.compress((folder / "debug").read_bytes()))
    run("objcopy", f"--add-section=.gnu_debugdata={compressed}", folder / "stripped", folder / "compressed")
    source.unlink()
    table = Path(__file__).resolve().parents[1] / "python/go_program.S"
    for layout in (102, 116, 118, 120, 126):
        for kind in ([], ["-DMERGED"]):
            run("gcc", "-nostdlib", "-static", "-s", "-Wl,-e,first,-z,max-page-size=4096", f"-DLAYOUT={layout}", *kind,
                "-o", folder / f"go{layout}{len(kind)}", table)  # fmt: skip


def text_maker(text):
    """A maker of one file with that text."""

    def make(folder):
        (folder / "text").write_text(text)

    return make


def make_maps(folder):
    """A text with every kind of line, and this process's own maps."""
    (folder / "kinds").write_text(MAPS)
    (folder / "own").write_text(Path("/proc/self/maps").read_text())


def make_demangle(folder):
    """Names of both languages, without their first two characters."""
    names = ["NSt6vectorIiSaIiEE9push_backEOi", "N4core3fmt5write17h0123456789abcdefE", "NvNtCs1234_7mycrate3foo3bar",
             "St4moveIRSt6vectorIiSaIiEEEONSt16remove_referenceIT_E4typeEOS5_"]  # fmt: skip
    for number, name in enumerate(names):
        (folder / str(number)).write_text(name)


def note(*strings):
    """A note on a USDT probe with a 64-bit file's addresses."""
    description = struct.pack("<3Q", 0x1000, 0x2000, 0x3000) + b"".join(text.encode() + b"\0" for text in strings)
    return struct.pack("<3I8s", 8, len(description), 3, b"stapsdt") + description + bytes(-len(description) % 4)


def make_usdt(folder):
    """Arguments in every form: of x86 as the tests' program has them, and of arm64."""
    source = Path(__file__).resolve().parents[1] / "python/usdt_forms.S"
    run("gcc", "-DFIXED", "-c", "-o", folder / "object", source)
    run("objcopy", "-O", "binary", "-j", ".note.stapsdt", "--set-section-flags", ".note.stapsdt=alloc",
        folder / "object", folder / "x86")  # fmt: skip
    (folder / "object").unlink()
    (folder / "arm64").write_bytes(
        note("forms", "arm64", "8@x0 -4@w19 8@sp 8@xzr -4@-5 8@#0x10 8@[x1] -4@[sp, 12] 8@[x0, x1, lsl 3] 4@[x0, w1, sxtw 2]")
        + note("forms", "none", "")
    )


def cut_btf(data, types, strings):
    """A BTF with the first so many bytes of its types and names: what they refer to is missing, or not."""
    magic, version, flags, length, type_at, type_size, string_at, string_size = struct.unpack_from("<HBBIIIII", data)
    kept = data[length + type_at:length + type_at + min(types, type_size)]
    names = data[length + string_at:length + string_at + min(strings, string_size)]
    names = names[:names.rindex(b"\0") + 1]
    return struct.pack("<HBBIIIII", magic, version, flags, length, 0, len(kept), len(kept), len(names)) + kept + names


def whole_types(data, limit):
    """The length of the types that fit into so many bytes of the section."""
    start, = struct.unpack_from("<I", data, 4)
    sizes = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0), 19: (0, 12)}
    at = 0
    while True:
        info, = struct.unpack_from("<I", data, start + at + 4)
        once, each = sizes.get(info >> 24 & 31, (0, 0))
        size = 12 + once + each * (info & 0xFFFF)
        if at + size > limit:
            return at
        at += size


def make_btf(folder):
    """Types of every kind, and the beginning of this kernel's own."""
    source, built = folder / "types.c", folder / "object"
    source.write_text("struct list;" + TYPES)
    run("clang-19", "-target", "bpf", "-g", "-O1", "-c", "-o", built, source)
    run("objcopy", "-I", "elf64-little", "-O", "binary", "--set-section-flags", ".BTF=alloc", "-j", ".BTF", built, folder / "kinds")
    source.unlink()
    built.unlink()
    kernel = Path("/sys/kernel/btf/vmlinux")
    if kernel.exists():
        data = kernel.read_bytes()
        (folder / "kernel").write_bytes(cut_btf(data, whole_types(data, 6000), 20000))
        (folder / "cut").write_bytes(cut_btf(data, 6001, 20000))


def frame_bytes(data):
    """Bytes as the compiler's protocol has them: their length before and a NUL behind them."""
    return struct.pack("<Q", len(data)) + data + b"\0"


# Of 13 stages, each with how often it ran.
STAGE_TIMES = struct.pack("<26Q", *range(26))


def answer_payload():
    """An answer with a diagnostic, two dependencies and an object."""
    return (struct.pack("<3Q", 0, 1, 1) + struct.pack("<3Q", 2, 3, 5) + frame_bytes(b"main.c") + frame_bytes(b"unused")
            + frame_bytes(b"main.c:3:5: warning: unused") + struct.pack("<Q", 2) + frame_bytes(b"/usr/include/a.h")
            + struct.pack("<2Q", 12345, 0) + frame_bytes(b"/usr/include/b.h") + struct.pack("<2Q", 0, 1)
            + frame_bytes(b"\x7fELF object") + frame_bytes(b"") * 3 + STAGE_TIMES)  # fmt: skip


def make_answer(folder):
    """An answer, one without anything in it, and a request."""
    (folder / "answer").write_bytes(answer_payload())
    (folder / "empty").write_bytes(struct.pack("<4Q", 1, 0, 0, 0) + frame_bytes(b"") * 4 + STAGE_TIMES)
    (folder / "request").write_bytes(
        frame_bytes(b"int x;") + frame_bytes(b"main.c") + struct.pack("<5Q", 1, 3, 2, 0, 0) + frame_bytes(b"/")
        + struct.pack("<Q", 2) + frame_bytes(b"-DX=1") + frame_bytes(b"-I/tmp") + struct.pack("<Q", 0)
        + struct.pack("<Q", 1) + frame_bytes(b"/ebcc-virtual/types.h") + frame_bytes(b"typedef int s32;"))  # fmt: skip


def make_cache(folder):
    """A file of the cache, a manifest, and an answer: what fuzz_cache.c takes each for is in the first byte."""
    manifest = (b"object 00000000000000040000000000000003\nabsent /nosuch\nconfig CONFIG_BPF y\ndirectory /nosuch\n"
                b"file 0123456789abcdef /nosuch/header.h\nunconfigured\nobject 00000000000000060000000000000005\n")  # fmt: skip
    payload = answer_payload()
    (folder / "file").write_bytes(b"\0" + struct.pack("<5Q", 0x31454343424545, 1, 2, len(manifest), 0) + manifest)
    (folder / "manifest").write_bytes(b"\1" + manifest)
    (folder / "answer").write_bytes(b"\2" + struct.pack("<IIQQ", 0x35636345, 2, len(payload), 0) + payload)


def make_source_scan(folder):
    """Sources of this repository, and one with what a scan may stumble over."""
    for path in sorted((REPOSITORY / "examples").rglob("*.c")):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "odd").write_text(SOURCE)


def make_verifier_log(folder):
    """Logs of several kernels, one with an object behind it."""
    for number, text in enumerate(VERIFIER_LOGS):
        (folder / str(number)).write_text(text)
    source, built = folder / "xdp.c", folder / "object"
    source.write_text('__attribute__((section("xdp"))) int p(void *ctx)\n{\n\treturn *(int *)ctx;\n}\n')
    run("clang-19", "-target", "bpf", "-g", "-O1", "-c", "-o", built, source)
    (folder / "object").write_bytes(VERIFIER_LOGS[0].encode() + b"\0" + built.read_bytes())
    source.unlink()


def make_relocate(folder):
    """The objects of the unit tests for relocations, and one with a record of what it needs."""
    sources = Path(__file__).resolve().parents[1] / "unit/load"
    for name in ("relocate", "relocate_running"):
        run("clang-19", "-target", "bpf", "-g", "-O2", "-I/usr/include/" + machine(), "-c", "-o", folder / name,
            sources / (name + ".bpf.c"))  # fmt: skip
    source = folder / "needs.c"
    source.write_text(NEEDS)
    run("clang-19", "-target", "bpf", "-g", "-O2", "-c", "-o", folder / "needs", source)
    source.unlink()


MAKERS = {
    "answer": make_answer,
    "btf": make_btf,
    "cache": make_cache,
    "demangle": make_demangle,
    "elf": make_elf,
    "maps": make_maps,
    "perf_map": text_maker(PERF_MAP),
    "relocate": make_relocate,
    "source_scan": make_source_scan,
    "tracepoint": text_maker(FORMAT),
    "usdt": make_usdt,
    "verifier_log": make_verifier_log,
}
