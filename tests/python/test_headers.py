"""Compiling against kernel headers: Debian's trees, unpacked by tests/vm and named by BCC_KERNEL_SOURCE.

Nothing is loaded, as the trees are not for the running kernel. By default, 6.1 and the newest are used; for all four:
    EBCC_TEST_KERNELS="bullseye bookworm trixie sid" python3 -m pytest tests/python/test_headers.py
"""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import ebcc
from ebcc import _ebcc
from conftest import LIMIT

VM_RUN = Path(__file__).resolve().parent.parent / "vm" / "run"
SUITES = os.environ.get("EBCC_TEST_KERNELS", "bookworm sid").split()
MODES = {"auto": 0, "btf": 1, "headers": 2}

# SKB_WITH_OVERHEAD is a macro, skb_zcopy an inline function: BTF has neither.
HEADERS_ONLY = """
#include <linux/skbuff.h>
BPF_HASH(sizes, u32, u64);
int probe(struct pt_regs *ctx, struct sk_buff *skb)
{
    u64 size = SKB_WITH_OVERHEAD(4096) + (skb_zcopy(skb) != NULL);
    u32 key = skb->len;
    sizes.update(&key, &size);
    return 0;
}
"""

# Members of structs in headers that are included automatically, and in those that tools include most.
STRUCTS = {
    "linux/sched.h": [("task_struct", "pid tgid comm start_time real_parent mm nsproxy exit_code")],
    "linux/fs.h": [("file", "f_inode f_flags f_pos private_data"), ("inode", "i_ino i_sb i_mode i_size"),
                   ("dentry", "d_name d_parent d_iname"), ("super_block", "s_dev s_type")],
    "linux/mm_types.h": [("mm_struct", "arg_start arg_end owner"), ("vm_area_struct", "vm_start vm_end vm_file")],
    "linux/blkdev.h": [("gendisk", "major first_minor disk_name part0 queue")],
    "linux/blk-mq.h": [("request", "q cmd_flags __sector __data_len start_time_ns")],
    "net/sock.h": [("sock", "sk_family sk_type sk_protocol sk_rcvbuf sk_sndbuf sk_max_ack_backlog sk_socket")],
    "linux/tcp.h": [("tcp_sock", "srtt_us snd_cwnd total_retrans bytes_received rcv_nxt")],
    "net/inet_sock.h": [("inet_sock", "inet_sport inet_id")],
    "linux/skbuff.h": [("sk_buff", "len data head network_header protocol dev cb"), ("skb_shared_info", "nr_frags gso_size")],
    "linux/netdevice.h": [("net_device", "name ifindex mtu features")],
    "linux/nsproxy.h": [("nsproxy", "pid_ns_for_children net_ns uts_ns")],
    "linux/cred.h": [("cred", "uid gid euid cap_effective")],
    "linux/tty.h": [("tty_struct", "name driver")],
    "linux/ptrace.h": [("pt_regs", "di si ax ip sp")],
}  # fmt: skip


@pytest.fixture(scope="session")
def fetched():
    """fetched(suite, "headers" or "btf"): the path of that kernel's headers or BTF."""
    known = {}

    def fetch(suite, what):
        if (suite, what) not in known:
            result = subprocess.run([VM_RUN, "--kernel", suite, "--" + what], capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stderr
            known[suite, what] = result.stdout.strip()
        return known[suite, what]

    return fetch


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """An empty cache, and an environment that does not choose headers."""
    monkeypatch.setenv("EBCC_CACHE", str(tmp_path / "cache"))
    for name in ("BCC_KERNEL_SOURCE", "BCC_KERNEL_MODULES_SUFFIX", "EBCC_KERNEL_TYPES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def use_headers(fetched, monkeypatch):
    """use_headers(suite): makes BCC_KERNEL_SOURCE name the headers of that kernel."""

    def name(suite):
        monkeypatch.setenv("BCC_KERNEL_SOURCE", fetched(suite, "headers"))

    return name


def compiled(text, mode="headers", btf=None, cflags=()):
    """The object that a text is compiled to, as bytes."""
    module = _ebcc.Module(
        source=text.encode(), file_name=None, header=None, cflags=[flag.encode() for flag in cflags], debug=0,
        kernel_types=MODES[mode], compiler=0, btf_path=btf and btf.encode(), device=None, no_rlimit=False,
    )  # fmt: skip
    try:
        return module.object()
    finally:
        module.close()


def section(elf, wanted):
    """The contents of an ELF object's section."""
    table = struct.unpack_from("<Q", elf, 40)[0]
    size, count, names_index = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + i * size) for i in range(count)]
    names = headers[names_index][4]
    for name, _type, _flags, _address, offset, length in headers:
        if elf[names + name : elf.find(b"\0", names + name)] == wanted:
            return elf[offset : offset + length]
    raise AssertionError("no section %s" % wanted)


def structs():
    """(header, struct, member) for each entry of STRUCTS."""
    for header, entries in STRUCTS.items():
        for tag, members in entries:
            for member in members.split():
                yield header, tag, member


def offsets_source(members):
    """A source whose read-only data are the offsets of members, and the sizes of their structs."""
    includes = "".join("#include <%s>\n" % header for header in dict.fromkeys(header for header, _, _ in members))
    values = ", ".join("__builtin_offsetof(struct %s, %s)" % member[1:] for member in members)
    sizes = ", ".join("sizeof(struct %s)" % tag for tag in dict.fromkeys(tag for _, tag, _ in members))
    return includes + (
        "const volatile u64 offsets[] = {%s, %s};\nint probe(void *ctx) { return offsets[1]; }\n" % (values, sizes)
    )


def has_member(text, tag, member):
    """Whether `bpftool btf dump` shows a struct with a member of that name."""
    body = re.search(r"^struct %s \{\n(.*?)^\}" % tag, text, re.S | re.M)
    return bool(body and re.search(r"\b%s\b(\[\w*\])*( : \d+)?;" % member, body.group(1)))


@pytest.mark.parametrize("suite", SUITES)
def test_offsets_agree_with_btf(suite, fetched, use_headers):
    use_headers(suite)
    dump = subprocess.run(["bpftool", "btf", "dump", "file", fetched(suite, "btf"), "format", "c"],
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    members = [member for member in structs() if has_member(dump, *member[1:])]
    assert len(members) > 50
    source = offsets_source(members)
    from_headers = section(compiled(source, "headers"), b".rodata")
    from_btf = section(compiled(source, "btf", fetched(suite, "btf")), b".rodata")
    count = len(from_btf) // 8
    pairs = zip(struct.unpack("<%dQ" % count, from_headers), struct.unpack("<%dQ" % count, from_btf))
    assert [(str(member), a, b) for member, (a, b) in zip(members, pairs) if a != b] == []
    assert from_headers == from_btf


def test_functions_that_are_not_inlined(use_headers):
    """Headers define noinline as a macro."""
    use_headers(SUITES[0])
    assert compiled("int f(struct pt_regs *ctx) { return ebcc_ns_pid_tgid(); }", "headers")


@pytest.mark.parametrize("suite", SUITES)
def test_auto_falls_back_to_headers(suite, fetched, use_headers):
    with pytest.raises(ebcc.CompileError, match="skb_zcopy"):
        compiled(HEADERS_ONLY, "btf", fetched(suite, "btf"))
    use_headers(suite)
    assert compiled(HEADERS_ONLY, "auto", fetched(suite, "btf"))


def test_without_headers_the_error_says_how_to_get_them():
    if os.path.exists("/lib/modules/%s/build" % os.uname().release):
        pytest.skip("this machine has the headers of its kernel")
    with pytest.raises(ebcc.CompileError) as caught:
        compiled(HEADERS_ONLY, "auto")
    text = str(caught.value)
    assert "undeclared" in text
    assert "linux-headers-" + os.uname().release in text
    assert "BCC_KERNEL_SOURCE" in text
    with pytest.raises(ebcc.Error, match="no headers for kernel"):
        compiled(HEADERS_ONLY, "headers")


def test_environment_chooses_the_types(fetched, use_headers, monkeypatch):
    btf = fetched("bookworm", "btf")
    use_headers("bookworm")
    monkeypatch.setenv("EBCC_KERNEL_TYPES", "btf")
    with pytest.raises(ebcc.CompileError, match="skb_zcopy"):
        compiled(HEADERS_ONLY, "auto", btf)
    # An option of the program takes precedence.
    assert compiled(HEADERS_ONLY, "headers", btf)
    monkeypatch.setenv("EBCC_KERNEL_TYPES", "headers")
    assert compiled("#ifndef __KERNEL__\n#error no headers\n#endif\nint probe(void *ctx) { return 0; }", "auto")
    monkeypatch.setenv("EBCC_KERNEL_TYPES", "both")
    with pytest.raises(ebcc.Error, match='EBCC_KERNEL_TYPES is "both"; set it to btf, headers or auto'):
        compiled(HEADERS_ONLY, "auto", btf)


def test_option_takes_str_and_bytes_and_refuses_others(use_headers):
    use_headers("bookworm")
    for value in ("headers", b"headers"):
        with pytest.raises(ebcc.CompileError, match="these are headers"):
            ebcc.BPF(text="#ifdef __KERNEL__\n#error these are headers\n#endif\n", kernel_types=value)
    with pytest.raises(ValueError, match="kernel_types"):
        ebcc.BPF(text="int f(void *ctx) { return 0; }", kernel_types="dwarf")


def test_directory_that_is_not_a_kernel_tree(monkeypatch, tmp_path):
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(tmp_path))
    with pytest.raises(ebcc.Error, match="BCC_KERNEL_SOURCE names %s, which has no configured" % tmp_path):
        compiled("int probe(void *ctx) { return 0; }", "headers")


def test_assembler_in_the_source_and_in_headers(use_headers, tmp_path):
    use_headers("bookworm")
    (tmp_path / "local.h").write_text("#include HIDDEN\n")
    compiled(
        """
        #include <linux/skbuff.h>
        #include "local.h"
        int probe(struct pt_regs *ctx)
        {
            u64 seven, *volatile kept = &seven;
            register u64 one asm("r1") = 1;
            asm volatile("%0 = 7" : "=r"(seven));
            asm goto("if %0 == 1 goto %l[out]" : : "r"(one) : : out);
            barrier();
            return thread_group_leader((struct task_struct *)ctx->di) + *kept;
        out:
            return 0;
        }
        """,
        # A header that the scan of the source can't see.
        cflags=["-I" + str(tmp_path), "-DHIDDEN=<linux/sched/signal.h>"],
    )


@pytest.mark.parametrize("expression", ["rdtsc()", "current_stack_pointer", "get_current()->pid"])
def test_machine_code_is_refused(expression, use_headers):
    use_headers("bookworm")
    with pytest.raises(ebcc.CompileError, match="a BPF program can't"):
        compiled("#include <linux/sched.h>\nint probe(struct pt_regs *ctx) { return %s; }" % expression)


BROKEN_HEADER = """
struct kept_t { int first, second; };
struct elsewhere_t;
int scale(struct kept_t *kept);
static inline int broken(struct elsewhere_t *elsewhere) { return elsewhere->member; }
static inline void *broken_too(void *p) { return p - (p - not_installed(p)) % 8; }
static inline int whole(struct kept_t *kept) { return kept->second * 2; }
"""


@pytest.fixture
def broken_header(use_headers, tmp_path):
    """Flags that find <extra/broken.h>, whose functions need something that isn't installed."""
    use_headers("bookworm")
    (tmp_path / "system" / "extra").mkdir(parents=True)
    (tmp_path / "system" / "extra" / "broken.h").write_text(BROKEN_HEADER)
    return ("-isystem", str(tmp_path / "system"))


BROKEN_USE = "#include <linux/fs.h>\n#include <extra/broken.h>\nint probe(void *ctx, struct kept_t *kept) { %s }\n"


@pytest.mark.parametrize("suite", SUITES)
def test_string_functions_are_those_of_the_dialect(suite, use_headers):
    """Not the kernel's checked ones, which may panic."""
    use_headers(suite)
    assert compiled("""
        #include <linux/string.h>
        int probe(u64 *ctx)
        {
            char word[8] = "hello", copy[8];

            word[4] += ctx[0];
            strncpy(copy, word, 8);
            return strcmp(word, "hello") + strncmp(copy, "help", 3) + strlen(word) + strnlen(copy, 3) + memcmp(copy, word, 8);
        }""")


@pytest.mark.parametrize("cache", [True, False])
def test_broken_functions_of_headers_are_left_out(cache, broken_header, monkeypatch):
    """Such as those of <linux/slub_def.h> in 6.1, which depends on a header in mm/."""
    if not cache:
        monkeypatch.setenv("EBCC_CACHE", "off")
    assert compiled(BROKEN_USE % "return whole(kept);", cflags=broken_header)
    with pytest.raises(ebcc.CompileError, match="'broken' is not defined"):
        compiled(BROKEN_USE % "return broken((void *)kept);", cflags=broken_header)


def test_only_errors_in_the_source_are_reported(broken_header):
    with pytest.raises(ebcc.CompileError) as caught:
        compiled(BROKEN_USE % "return kept->third;", cflags=broken_header)
    assert "main.c:3:58: error: no member named 'third'" in str(caught.value)
    assert str(caught.value).count("error:") == 1


def precompiled(cache):
    """The precompiled headers in a cache."""
    return sorted(cache.glob("*.pch"))


def test_precompiled_header_is_reused(use_headers, own_cache):
    use_headers("bookworm")
    compiled(HEADERS_ONLY)
    (first,) = precompiled(own_cache)
    before = first.stat()
    compiled(HEADERS_ONLY + "/* another source */")
    assert precompiled(own_cache) == [first]
    assert first.stat().st_ino == before.st_ino
    # Another list of headers, and a flag that changes how they are read.
    compiled(HEADERS_ONLY + "#include <linux/sched.h>")
    assert len(precompiled(own_cache)) == 2
    compiled(HEADERS_ONLY, cflags=["-DCONFIG_OF_NO_KERNEL=1"])
    assert len(precompiled(own_cache)) == 3
    # A definition that only the source uses.
    compiled(HEADERS_ONLY, cflags=["-DMINE=1"])
    assert len(precompiled(own_cache)) == 3


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_damaged_precompiled_header_is_rebuilt(damage, use_headers, own_cache):
    use_headers("bookworm")
    expected = compiled(HEADERS_ONLY)
    (path,) = precompiled(own_cache)
    good = path.read_bytes()
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 1
    path.write_bytes({"flip": bytes(bad), "truncate": good[:-100], "empty": b""}[damage])
    for other in [*own_cache.glob("*.answer"), *own_cache.glob("*.manifest")]:
        other.unlink()
    assert compiled(HEADERS_ONLY) == expected
    assert len(path.read_bytes()) == len(good)


def test_changed_configuration_is_noticed(fetched, monkeypatch, tmp_path, own_cache):
    origin = Path(fetched("bookworm", "headers"))
    tree = tmp_path / "tree"
    tree.mkdir()
    shutil.copytree(origin / "include/generated", tree / "include/generated")
    (tree / "arch").symlink_to(origin / "arch")
    common = next(origin.parent.glob("*-common"))
    (tree / "Makefile").write_text("include %s/Makefile\n" % common)
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(tree))
    source = "#ifndef CONFIG_OF_THIS_TEST\n#error not set\n#endif\nint probe(void *ctx) { return 0; }"
    with pytest.raises(ebcc.CompileError, match="not set"):
        compiled(source)
    autoconf = tree / "include/generated/autoconf.h"
    autoconf.write_text(autoconf.read_text() + "#define CONFIG_OF_THIS_TEST 1\n")
    assert compiled(source)
    assert len(precompiled(own_cache)) == 2


def test_without_cache(use_headers, monkeypatch):
    use_headers("bookworm")
    monkeypatch.setenv("EBCC_CACHE", "off")
    assert compiled(HEADERS_ONLY)


def test_kernel_without_btf(fetched):
    script = (
        "import ebcc\n"
        "try:\n"
        "    ebcc.BPF(text='#include <linux/sched.h>\\n'\n"
        "            'BPF_HASH(h, u32, u32); int f(struct pt_regs *ctx) { u32 k = sizeof(struct task_struct);'\n"
        "            ' h.update(&k, &k); return 0; }')\n"
        "    print('compiled')\n"
        "except ebcc.Error as error:\n"
        "    print(error)\n"
    )
    hidden = "mount -t tmpfs none /sys/kernel/btf && exec python3 -c \"$SCRIPT\""
    environment = {**os.environ, "SCRIPT": script, "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}
    command = ["unshare", "--mount", "sh", "-c", hidden]
    without = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=True)
    if not os.path.exists("/lib/modules/%s/build" % os.uname().release):
        assert "CONFIG_DEBUG_INFO_BTF" in without.stdout
        assert "BCC_KERNEL_SOURCE" in without.stdout
    environment["BCC_KERNEL_SOURCE"] = fetched("bookworm", "headers")
    with_headers = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=True)
    assert with_headers.stdout == "compiled\n", with_headers.stderr
    # A warning says that they are for another kernel, even the second time, when the object comes from the cache.
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=True)
    for run in (with_headers, again):
        assert re.search("headers in .* are for 6.1.0.* but the kernel is " + os.uname().release, run.stderr)
