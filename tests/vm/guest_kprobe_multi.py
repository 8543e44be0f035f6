"""One program on many kernel functions, with attach_kprobe(event_re=...): counts, detaching one function, and duration."""

import collections
import os
import re
import subprocess
import time

import pytest
from ebcc import BPF, AttachError, UnsupportedError

PID = os.getpid()
# Called from other source files of the kernel, so no compiler inlines them.
FUNCTIONS = {b"vfs_read", b"vfs_write", b"vfs_readlink"}
EXPRESSION = "^vfs_(read|write|readlink)$"
# Functions that an idle guest rarely calls, so probing a thousand of them costs nothing.
RARE = "^(tcp|udp|ext4|jbd2|inet|inet6|ip6|ipv6|audit|crypto|acpi|pci|usb|drm|snd|ata|scsi|xfrm|fib|nl|netdev)_"

COUNT = f"""
    BPF_HASH(hits, u64, u64, 1024);
    BPF_HASH(values, u64, s64, 1024);

    int on_call(struct pt_regs *ctx)
    {{
        u64 address = PT_REGS_IP(ctx);

        if (bpf_get_current_pid_tgid() >> 32 == {PID})
            hits.increment(address);
        return 0;
    }}

    int on_return(struct pt_regs *ctx)
    {{
        u64 key = 0;
        s64 value = PT_REGS_RC(ctx);

        if (bpf_get_current_pid_tgid() >> 32 == {PID})
            values.update(&key, &value);
        return 0;
    }}
"""


@pytest.fixture
def bpf():
    """A module that counts calls of this process by address."""
    with BPF(text=COUNT) as module:
        yield module


@pytest.fixture
def memory_file(tmp_path):
    """The path of a new file, outside the overlay, which would open another file for it."""
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    yield tmp_path / "file"
    subprocess.run(["umount", tmp_path], check=True)


def work(path):
    """Two writes, one read of a file and one of a link, and nothing else in between."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"a")
    os.write(descriptor, b"b")
    os.readlink("/proc/self")
    os.pread(descriptor, 1, 0)
    os.close(descriptor)


def counted(bpf, path):
    """The hits by function in one round of work."""
    bpf["hits"].clear()
    work(path)
    names = collections.Counter()
    for address, hits in bpf["hits"].items():
        names[BPF.ksym(address.value)] += hits.value
    return names


def links(kind):
    """The number of descriptors of this process that are links of a kind."""
    count = 0
    for name in os.listdir("/proc/self/fdinfo"):
        try:
            with open(f"/proc/self/fdinfo/{name}", encoding="ascii") as file:
                count += f"link_type:\t{kind}" in file.read()
        except FileNotFoundError:
            continue
    return count


def has_multi():
    """Whether this kernel has such links: they came with 5.18, and need fprobes (CONFIG_FPROBE)."""
    return BPF.ksymname("register_fprobe_ips") != -1


def test_expression_attaches_to_all_that_match(bpf, memory_file):
    bpf.attach_kprobe(event_re=EXPRESSION, fn_name="on_call")
    assert bpf.num_open_kprobes() == len(FUNCTIONS)
    seen = counted(bpf, memory_file)
    assert seen == {b"vfs_write": 2, b"vfs_read": 1, b"vfs_readlink": 1}


def test_one_link_where_the_kernel_has_such_links(bpf):
    """On other kernels, each function has its own event."""
    bpf.attach_kprobe(event_re=EXPRESSION, fn_name="on_call")
    assert links("kprobe_multi") == (1 if has_multi() else 0)


def test_detaching_one(bpf, memory_file):
    bpf.attach_kprobe(event_re=EXPRESSION, fn_name="on_call")
    bpf.detach_kprobe("vfs_write")
    assert bpf.num_open_kprobes() == 2
    seen = counted(bpf, memory_file)
    assert seen == {b"vfs_read": 1, b"vfs_readlink": 1}
    with pytest.raises(AttachError):
        bpf.detach_kprobe("vfs_write")


def test_detaching_all_one_after_the_other(bpf, memory_file):
    bpf.attach_kprobe(event_re=EXPRESSION, fn_name="on_call")
    for name in sorted(FUNCTIONS):
        bpf.detach_kprobe(name)
    assert bpf.num_open_kprobes() == 0 and links("kprobe_multi") == 0
    assert not counted(bpf, memory_file)


def test_single_probe_beside_many(bpf, memory_file):
    bpf.attach_kprobe(event_re=EXPRESSION, fn_name="on_call")
    bpf.attach_kprobe(event="vfs_open", fn_name="on_call")
    assert bpf.num_open_kprobes() == len(FUNCTIONS) + 1
    seen = counted(bpf, memory_file)
    assert seen == {b"vfs_open": 1, b"vfs_write": 2, b"vfs_read": 1, b"vfs_readlink": 1}


def test_returns(bpf):
    bpf.attach_kretprobe(event_re="^ksys_(lseek|read)$|^vfs_llseek$", fn_name="on_return")
    assert bpf.num_open_kprobes() >= 1
    descriptor = os.open("/etc/hostname", os.O_RDONLY)
    os.lseek(descriptor, 12345, os.SEEK_SET)
    assert 0 in [key.value for key in bpf["values"].keys()]
    assert bpf["values"][0].value == 12345
    os.close(descriptor)


COOKIES = f"""
    struct call_t {{ u64 cookie, address; }};
    BPF_HASH(hits, struct call_t, u64, 1024);

    int on_call(struct pt_regs *ctx)
    {{
        struct call_t call = {{ .cookie = bpf_get_attach_cookie(ctx), .address = PT_REGS_IP(ctx) }};

        if (bpf_get_current_pid_tgid() >> 32 == {PID})
            hits.increment(call);
        return 0;
    }}

    int on_return(struct pt_regs *ctx)
    {{
        struct call_t call = {{ .cookie = bpf_get_attach_cookie(ctx) }};

        if (bpf_get_current_pid_tgid() >> 32 == {PID})
            hits.increment(call);
        return 0;
    }}
"""
# By name, so that a cookie that went to another function would be noticed.
NUMBERS = {b"vfs_read": 1, b"vfs_readlink": (1 << 64) - 1, b"vfs_write": 0x1122334455667788}


@pytest.fixture
def cookies():
    """A module that counts calls of this process by cookie and address."""
    with BPF(text=COOKIES) as module:
        yield module


def refused(attach, **options):
    """Whether the kernel has no attach cookies (they came with 5.15), as the call must say then."""
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) >= (5, 15):
        return False
    with pytest.raises(UnsupportedError, match="no attach cookies"):
        attach(**options)
    return True


def seen_cookies(bpf, path):
    """{(cookie, function): calls} in one round of work; at returns the function is unknown."""
    bpf["hits"].clear()
    work(path)
    return {(call.cookie, BPF.ksym(call.address) if call.address else None): hits.value for call, hits in bpf["hits"].items()}


def test_cookies_of_an_expression(cookies, memory_file):
    """A function chooses them by name, and each program run gets that of the function that was called."""
    if refused(cookies.attach_kprobe, event_re=EXPRESSION, fn_name="on_call", cookie=NUMBERS.__getitem__):
        return
    link = cookies.attach_kprobe(event_re=EXPRESSION, fn_name="on_call", cookie=NUMBERS.__getitem__)
    assert links("kprobe_multi") == (1 if has_multi() else 0)
    expected = {(number, name): 2 if name == b"vfs_write" else 1 for name, number in NUMBERS.items()}
    assert seen_cookies(cookies, memory_file) == expected
    # The link is made again for the others.
    cookies.detach_kprobe("vfs_read")
    assert seen_cookies(cookies, memory_file) == {key: calls for key, calls in expected.items() if key[1] != b"vfs_read"}
    link.detach()
    assert seen_cookies(cookies, memory_file) == {}


def test_one_cookie_for_an_expression(cookies, memory_file):
    if refused(cookies.attach_kprobe, event_re=EXPRESSION, fn_name="on_call", cookie=7):
        return
    cookies.attach_kprobe(event_re=EXPRESSION, fn_name="on_call", cookie=7)
    assert links("kprobe_multi") == (1 if has_multi() else 0)
    assert seen_cookies(cookies, memory_file) == {(7, b"vfs_read"): 1, (7, b"vfs_write"): 2, (7, b"vfs_readlink"): 1}


def test_cookies_at_returns(cookies, memory_file):
    if refused(cookies.attach_kretprobe, event_re=EXPRESSION, fn_name="on_return", cookie=NUMBERS.__getitem__):
        return
    cookies.attach_kretprobe(event_re=EXPRESSION, fn_name="on_return", cookie=NUMBERS.__getitem__)
    assert {cookie: calls for (cookie, _), calls in seen_cookies(cookies, memory_file).items()} == {
        number: 2 if name == b"vfs_write" else 1 for name, number in NUMBERS.items()
    }


def test_cookies_of_single_probes(bpf, cookies, memory_file):
    """With maxactive each function has its own probe."""
    if refused(bpf.attach_kprobe, event="vfs_readlink", fn_name="on_call", cookie=5):
        return
    cookies.attach_kprobe(event="vfs_readlink", fn_name="on_call", cookie=5)
    cookies.attach_kretprobe(event_re=EXPRESSION, fn_name="on_return", maxactive=20, cookie=NUMBERS.__getitem__)
    found = seen_cookies(cookies, memory_file)
    assert found.pop((5, b"vfs_readlink")) == 1
    assert {cookie: calls for (cookie, _), calls in found.items()} == {
        number: 2 if name == b"vfs_write" else 1 for name, number in NUMBERS.items()
    }


def test_cookies_of_which_some_are_zero(bpf):
    """Where the kernel has none, it is all or nothing."""
    options = {"event_re": EXPRESSION, "fn_name": "on_call", "cookie": lambda name: name == b"vfs_read"}
    if refused(bpf.attach_kprobe, **options):
        assert bpf.num_open_kprobes() == 0
        return
    bpf.attach_kprobe(**options)
    assert bpf.num_open_kprobes() == 3


def test_a_link_of_many_is_pinned(bpf, memory_file, tmp_path_factory):
    """As one link, if the kernel has such links; detached functions stay in it as long as the pin does."""
    folder = tmp_path_factory.mktemp("bpf")
    subprocess.run(["mount", "-t", "bpf", "none", folder], check=True)
    link = bpf.attach_kprobe(event_re=EXPRESSION, fn_name="on_call")
    if has_multi():
        link.pin(folder / "link")
        link.detach()
        assert counted(bpf, memory_file) == {b"vfs_write": 2, b"vfs_read": 1, b"vfs_readlink": 1}
        os.unlink(folder / "link")
    else:
        with pytest.raises(UnsupportedError):
            link.pin(folder / "link")
    subprocess.run(["umount", folder], check=True)


def test_functions_that_cannot_be_probed_are_left_out(bpf, memory_file):
    program = bpf.module.program(b"on_call")
    link = program.attach_kprobe_multi([b"no_such_function", b"vfs_readlink", b"also_no_function"])
    assert link.functions() == [b"vfs_readlink"]
    assert counted(bpf, memory_file) == {b"vfs_readlink": 1}
    link.destroy()
    with pytest.raises(AttachError, match="no_such_function"):
        program.attach_kprobe_multi([b"no_such_function"])


def test_refused_addresses_do_not_fail_the_others(bpf):
    """The kernel's list includes functions that ftrace can't trace; a single one makes the whole link fail."""
    program = bpf.module.program(b"on_call")
    with open("/sys/kernel/debug/kprobes/blacklist", encoding="ascii") as file:
        refused = [line.split("\t")[1].strip().encode() for line in file][:3]
    link = program.attach_kprobe_multi([*refused, *sorted(FUNCTIONS)])
    assert set(link.functions()) == FUNCTIONS


def test_a_thousand_functions(bpf):
    """If one link can hold them all, it is at least 20 times as fast as single probes, of which a few are measured in
    the same run. On other kernels, a hundred functions will do."""
    program = bpf.module.program(b"on_call")
    names = BPF.get_kprobe_functions(RARE)[:1000 if has_multi() else 100]
    assert len(names) == (1000 if has_multi() else 100)
    program.attach_kprobe(b"vfs_read").destroy()  # so that what is done only once is not measured
    start = time.monotonic()
    link = program.attach_kprobe_multi(names)
    together = time.monotonic() - start
    assert len(link.functions()) > len(names) * 0.9
    link.destroy()
    if not has_multi():
        return
    start = time.monotonic()
    singles = [program.attach_kprobe(name) for name in names[:50]]
    alone = (time.monotonic() - start) / len(singles) * len(names)
    print(f"1,000 functions: {together:.3f} s together, {alone:.3f} s one by one")
    assert together * 20 <= alone


def milliseconds(function, calls=3):
    """The duration of the fastest of some calls: other load can only add to it."""
    times = []
    for _ in range(calls):
        start = time.monotonic()
        function()
        times.append((time.monotonic() - start) * 1000)
    return min(times)


def test_finding_functions_again():
    """The list of functions is made only once: making it takes as long as reading the kernel's files."""
    with open("/proc/kallsyms", "rb") as file:
        read = milliseconds(lambda: (file.seek(0), file.read()))
    assert milliseconds(lambda: BPF.get_kprobe_functions("^vfs_"), 50) * 20 < read
    assert milliseconds(lambda: BPF.get_kprobe_functions("^(tcp|udp)_")) < read


def test_finding_functions_of_a_new_module():
    """The next result reflects that a module was loaded or unloaded."""
    for name in ("dummy", "nlmon", "ifb"):
        if subprocess.run(["modprobe", "-n", name], check=False, capture_output=True).returncode == 0:
            break
    expression = {"dummy": "^dummy_(xmit|setup)$", "nlmon": "^nlmon_(xmit|setup)$", "ifb": "^ifb_(xmit|setup)$"}[name]
    assert BPF.get_kprobe_functions(expression) == []
    subprocess.run(["modprobe", name], check=True)
    found = BPF.get_kprobe_functions(expression)
    assert f"{name}_setup".encode() in found
    subprocess.run(["modprobe", "-r", name], check=True)
    assert BPF.get_kprobe_functions(expression) == []


def test_found_functions_are_those_of_the_kernels_files():
    """Compared with the files as this test reads them."""
    with open("/sys/kernel/tracing/available_filter_functions", encoding="ascii") as file:
        traceable = {line.split()[0] for line in file}
    with open("/sys/kernel/debug/kprobes/blacklist", encoding="ascii") as file:
        blacklist = {line.split("\t")[1].split()[0] for line in file}
    with open("/proc/kallsyms", encoding="ascii") as file:
        lines = [line.split() for line in file]
    counts = collections.Counter(line[2] for line in lines if line[1] in "tTwW" and line[3:] != ["[bpf]"])
    expected = sorted(name for name in (traceable - blacklist) & counts.keys() if counts[name] == 1)
    assert [name.decode() for name in BPF.get_kprobe_functions("")] == expected
    reads = [name for name in expected if re.match(".*_read.*", name)]
    assert [name.decode() for name in BPF.get_kprobe_functions(".*_read.*")] == reads
