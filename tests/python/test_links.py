# SPDX-License-Identifier: Apache-2.0
"""The links that the attach_ methods return, every way to detach them, and cookies."""

import ctypes
import errno
import os
import socket
import subprocess
import sys

import pytest

import ebcc
from conftest import getpgid, has_uprobe_multi, wait_until
from ebcc import BPF, BPFAttachType, PerfSWConfig, PerfType
from ebcc.perf import Perf
from ebcc.attach import FunctionOfLink, Link, Links

COUNT = """
BPF_HASH(counts, u64, u64);
int count(struct pt_regs *ctx) {
    u64 cookie = bpf_get_attach_cookie(ctx);
    FILTER
    counts.increment(cookie);
    return 0;
}
"""
PLAIN = """
BPF_HASH(counts, u64, u64);
int count(void *ctx) {
    u64 which = 0;
    FILTER
    counts.increment(which);
    return 0;
}
"""
LIBC = ctypes.CDLL(None)
OWN = {"name": "c", "fn_name": "count", "pid": os.getpid()}


def counts(bpf):
    """{cookie: number of calls}, counted since counts() last ran."""
    return {key.value: leaf.value for key, leaf in bpf["counts"].items(True)}


def test_link_detaches(load):
    bpf = load(PLAIN)
    link = bpf.attach_uprobe(sym="labs", **OWN)
    assert link.attached and link.fd >= 0 and link.bpf is bpf and bpf.num_open_uprobes() == 1
    assert [name for name in link.names if "labs" in name] and "labs" in repr(link)
    LIBC.labs(1)
    assert counts(bpf) == {0: 1}
    link.detach()
    link.detach()
    link.close()
    LIBC.labs(1)
    assert (link.attached, link.names, link.fd, repr(link)) == (False, [], -1, "<Link detached>")
    assert counts(bpf) == {} and bpf.num_open_uprobes() == 0
    with pytest.raises(ebcc.AttachError, match="no uprobe is attached"):
        bpf.detach_uprobe(name="c", sym="labs", pid=os.getpid())


def test_link_detaches_at_the_end_of_its_block(load):
    bpf = load(PLAIN)
    with pytest.raises(KeyError), bpf.attach_uprobe(sym="labs", **OWN) as link:
        LIBC.labs(1)
        assert link.attached
        raise KeyError
    LIBC.labs(1)
    assert counts(bpf) == {0: 1} and not link.attached


def test_dropped_link_stays_attached(load):
    bpf = load(PLAIN)
    bpf.attach_uprobe(sym="labs", **OWN)
    LIBC.labs(1)
    assert counts(bpf) == {0: 1} and bpf.num_open_uprobes() == 1


def test_a_stale_link_detaches_nothing(load):
    """Its detach() leaves what took its place attached."""
    bpf = load(PLAIN)
    first = bpf.attach_uprobe(sym="labs", **OWN)
    second = bpf.attach_uprobe(sym="labs", **OWN)
    assert not first.attached and second.attached
    first.detach()
    LIBC.labs(1)
    assert counts(bpf) == {0: 1} and second.attached
    bpf.detach_uprobe(name="c", sym="labs", pid=os.getpid())
    assert not second.attached
    second.detach()
    third = bpf.attach_uprobe(sym="labs", **OWN)
    bpf.close()
    assert not third.attached and third.fd == -1
    third.detach()


def test_link_of_a_pattern_detaches_all(load):
    bpf = load(PLAIN)
    with bpf.attach_uprobe(sym_re="^l?labs$", **OWN) as link:
        LIBC.labs(1)
        LIBC.llabs(1)
        number = len(link.names)
        assert counts(bpf) == {0: 2} and bpf.num_open_uprobes() == number
    LIBC.labs(1)
    assert counts(bpf) == {} and bpf.num_open_uprobes() == 0
    bpf = load(PLAIN)
    with bpf.attach_tracepoint(tp_re="syscalls:sys_(enter|exit)_getpgid$", fn_name="count") as link:
        getpgid(1)
        assert counts(bpf) == {0: 2} and len(link.names) == 2 == bpf.num_open_tracepoints()
    getpgid(1)
    assert counts(bpf) == {} and bpf.num_open_tracepoints() == 0


class ManyFunctions:
    """Stands in for a link to many kernel functions: a real one needs kernel probes."""
    name, fd, attached = "kretprobe.multi:3 functions", 5, True

    def __init__(self):
        self.left, self.calls = [b"one", b"two", b"three"], []

    def functions(self):
        return list(self.left)

    def detach_function(self, name):
        self.calls.append(name)
        self.left.remove(name)

    def detach(self):
        self.calls.append("all")
        self.attached = False


def parts_of(many, book, functions):
    return [book.add(b"r_" + name, b"prog", FunctionOfLink(many, name)) for name in functions]


def test_link_of_all_functions_is_detached_at_once():
    """The whole link is detached at once, not function by function."""
    many, book = ManyFunctions(), Links()
    link = Link(None, parts_of(many, book, many.functions()))
    assert link.names == ["kretprobe:one", "kretprobe:two", "kretprobe:three"] and link.fd == 5
    link.detach()
    link.detach()
    assert many.calls == ["all"] and not link.attached and len(book) == 0


def test_link_of_some_functions_detaches_only_these():
    many, book = ManyFunctions(), Links()
    link = Link(None, parts_of(many, book, [b"one", b"three"]))
    book.detach(b"r_one")
    assert many.calls == [b"one"] and link.names == ["kretprobe:three"]
    link.detach()
    assert many.calls == [b"one", b"three"] and many.attached and not link.attached


def test_detaching_the_last_function_ends_the_link():
    many, book = ManyFunctions(), Links()
    links = [Link(None, parts_of(many, book, [name])) for name in (b"one", b"two", b"three")]
    links[0].detach()
    links[1].detach()
    assert many.attached and links[2].attached
    links[2].detach()
    assert not many.attached and many.calls == [b"one", b"two", "all"]


class StuckLink:
    """A link that can't be detached; the kernel seldom makes one."""
    name, fd, attached = "probe:stuck", 6, True

    def detach(self):
        raise ebcc.AttachError("probe:stuck: it won't go")


def test_links_that_do_not_detach(load):
    """The failure is told, and the others are detached."""
    bpf, book = load(PLAIN), Links()
    programs = [bpf.module.program(b"count").attach_tracepoint(b"syscalls", b"sys_%s_getpgid" % way)
                for way in (b"enter", b"exit")]
    link = Link(bpf, [(None, None, None, programs[0]), (None, None, None, StuckLink()),
                      book.add("other", b"count", programs[1])])
    with pytest.raises(ebcc.AttachError, match="it won't go"):
        link.detach()
    getpgid(1)
    assert counts(bpf) == {} and len(book) == 0 and not link.attached
    link.detach()
    for book_key in ("one", "two"):
        book.add(book_key, b"count", StuckLink())
    with pytest.raises(ebcc.AttachError, match="it won't go"):
        book.detach("one")
    assert list(book) == ["two"]
    with pytest.raises(ebcc.AttachError, match="it won't go"), Link(bpf, [(book, "two", b"count", book["two"][b"count"])]):
        pass
    assert list(book) == []


SO_LOCK_FILTER = 44


def test_a_failure_of_the_kernel_to_detach(load):
    """Its owner may lock a socket's filter."""
    bpf = load("int pass(struct __sk_buff *skb) { return -1; }")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        link = bpf.module.program(b"pass").attach_socket(own.fileno())
        own.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
        with pytest.raises(ebcc.AttachError, match=r"socket:\d+: can't take the filter off the socket") as caught:
            link.detach()
        assert caught.value.errno == errno.EPERM and type(caught.value) is ebcc.AttachError
        assert not link.attached
        link.detach()
        link.destroy()


def test_calls_can_be_chained(load):
    """As scripts do: a link passes on to its BPF object what it doesn't have itself."""
    bpf = load(PLAIN)
    chained = bpf.attach_uprobe(sym="labs", **OWN).attach_uretprobe(sym="llabs", **OWN)
    LIBC.labs(1)
    LIBC.llabs(1)
    assert chained["counts"][ctypes.c_uint64(0)].value == 2 and list(chained) == ["counts"]
    assert chained.num_open_uprobes() == 2
    with pytest.raises(AttributeError, match="no_such_name"):
        chained.no_such_name
    with pytest.raises(AttributeError):
        chained._no_such_name


def test_every_attach_method_returns_a_link(load):
    bpf = load(PLAIN + "int pass(struct __sk_buff *skb) { return -1; }\nint tp(void *ctx) { return 0; }\n"
                       "int ingress(struct __sk_buff *skb) { return 1; }\nBPF_ITER(task) { return 0; }")
    raw = load("int tp(void *ctx) { return 0; }")
    links = [raw.attach_raw_tracepoint("sys_enter", "tp"),
             bpf.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, "count", sample_freq=10),
             bpf.attach_iter("task")]
    packets = bpf.load_func("pass", BPF.SOCKET_FILTER)
    link = BPF.attach_raw_socket(packets, "lo")
    assert link.fd == packets.sock and socket.socket(fileno=os.dup(packets.sock)).type == socket.SOCK_RAW
    links.append(link)
    for link in links:
        assert link.attached and len(link.names) == 1
        link.detach()
        assert not link.attached
    with pytest.raises(ebcc.StateError, match="detached"):
        links[2].open()
    with pytest.raises(OSError):
        os.fstat(packets.sock)
    with pytest.raises(ebcc.AttachError, match="no program is attached"):
        bpf.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)


def test_a_link_opens_its_iterator(load):
    bpf = load("""
        BPF_ARRAY(tasks, u64, 1);
        BPF_ITER(task) {
            if (ctx->task && ctx->task->tgid == OWN_PID)
                tasks.increment(0);
            return 0;
        }""")
    for total in (1, 2):
        with bpf.attach_iter("task") as link, os.fdopen(link.open()) as file:
            file.read()
        assert bpf["tasks"][0].value == total


def test_link_of_a_cgroup_program(load):
    bpf = load("int ingress(struct __sk_buff *skb) { return 1; }")
    program = bpf.load_func("ingress", BPF.CGROUP_SKB)
    with open("/proc/mounts", encoding="utf-8") as file:
        roots = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    if not roots:
        pytest.skip("no cgroup2 file system is mounted")
    descriptor = os.open(roots[0], os.O_RDONLY | os.O_DIRECTORY)
    try:
        with BPF.attach_func(program, descriptor, BPFAttachType.CGROUP_INET_INGRESS, 2) as link:
            assert link.attached
        with pytest.raises(ebcc.AttachError, match="no program is attached"):
            BPF.detach_func(program, descriptor, BPFAttachType.CGROUP_INET_INGRESS)
    finally:
        os.close(descriptor)


def test_how_many_links_are_left_to_detach(load):
    """Those of all modules; a link for many functions is one."""
    script = (
        "import os\n"
        "from ebcc import BPF, _ebcc\n"
        "counts, programs = [_ebcc.count_links()], 'int f(void *ctx) { return 0; } int g(void *ctx) { return 0; }'\n"
        "first, second = BPF(text=programs), BPF(text=programs)\n"
        "first.attach_tracepoint(tp_re='syscalls:sys_(enter|exit)_getpgid$', fn_name='f')\n"
        "counts.append(_ebcc.count_links())\n"
        "link = second.attach_uprobe(name='c', sym_re='^(labs|ldiv)$', fn_name='g', pid=os.getpid())\n"
        "counts.append(_ebcc.count_links())\n"
        "link.detach()\n"
        "counts.append(_ebcc.count_links())\n"
        "first.close()\n"
        "print(*counts, _ebcc.count_links())\n"
    )
    for without, many in ("uprobe_multi", 2), ("", 1 if has_uprobe_multi() else 2):
        done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "EBCC_WITHOUT": without},
                              capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(number) for number in (0, 2, 2 + many, 2, 0)]


def test_cookies_of_user_probes(load):
    bpf = load(COUNT)
    bpf.attach_uprobe(sym="labs", cookie=5, **OWN)
    bpf.attach_uretprobe(sym="llabs", cookie=(1 << 64) - 1, **OWN)
    LIBC.labs(1)
    LIBC.llabs(1)
    assert counts(bpf) == {5: 1, (1 << 64) - 1: 1}
    bpf.detach_uprobe(name="c", sym="labs", pid=os.getpid())
    bpf.attach_uprobe(sym_re="^l?labs$", cookie=7, **OWN)
    LIBC.labs(1)
    assert counts(bpf) == {7: 1}


def test_cookies_of_a_pattern(load):
    """One for all, or a function of the name."""
    bpf = load(COUNT)
    with bpf.attach_uprobe(sym_re="^(labs|ldiv)$", cookie={b"labs": 21, b"ldiv": 22}.__getitem__, **OWN):
        LIBC.labs(1)
        LIBC.ldiv(7, 2)
        LIBC.ldiv(7, 2)
    assert counts(bpf) == {21: 1, 22: 2}
    with bpf.attach_uretprobe(sym_re="^(labs|ldiv)$", cookie=23, **OWN):
        LIBC.labs(1)
        LIBC.ldiv(7, 2)
    assert counts(bpf) == {23: 2}
    names = {"syscalls:sys_enter_getpgid": 6, "syscalls:sys_exit_getpgid": (1 << 64) - 7}
    bpf = load(COUNT)
    with bpf.attach_tracepoint(tp_re="syscalls:sys_(enter|exit)_getpgid$", fn_name="count", cookie=names.__getitem__):
        getpgid(1, 1)
    assert counts(bpf) == {6: 2, (1 << 64) - 7: 2}


def test_cookies_of_tracepoints(load):
    bpf = load(COUNT)
    with bpf.attach_tracepoint(tp="syscalls:sys_enter_getpgid", fn_name="count", cookie=5):
        getpgid(1)
    assert counts(bpf) == {5: 1}
    bpf.attach_tracepoint(tp="syscalls:sys_enter_getpgid", fn_name="count")
    getpgid(1)
    assert counts(bpf) == {0: 1}


KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])


def test_cookies_of_raw_tracepoints(load):
    if KERNEL < (6, 10):
        bpf = load(PLAIN)
        for error in (ebcc.UnsupportedError, ebcc.AttachError):
            with pytest.raises(error, match="Linux 6.10"):
                bpf.attach_raw_tracepoint(tp="sys_enter", fn_name="count", cookie=8)
        return
    bpf = load(COUNT)
    with bpf.attach_raw_tracepoint(tp="sys_enter", fn_name="count", cookie=1 << 63):
        getpgid(1)
    assert set(counts(bpf)) == {1 << 63}


@pytest.mark.parametrize("whole", [False, True])
def test_cookies_of_perf_events(load, whole):
    bpf = load(COUNT)
    if whole:
        attr = Perf.perf_event_attr(type=PerfType.SOFTWARE, config=PerfSWConfig.TASK_CLOCK)
        attr.sample_period = 1000000
        bpf.attach_perf_event_raw(attr, fn_name="count", pid=os.getpid(), cookie=31)
    else:
        bpf.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK, "count", sample_period=1000000,
                              pid=os.getpid(), cookie=31)
    wait_until(lambda: sum(range(10000)) and len(bpf["counts"]))
    assert set(counts(bpf)) == {31}


def test_cookies_of_traced_functions(load):
    """The programs are attached by their names, without a cookie, and can be attached again with one."""
    text = "BPF_HASH(counts, u64, u64);"
    for kind in ("KFUNC_PROBE", "KRETFUNC_PROBE"):
        text += kind + """(vfs_read) {
            u64 cookie = bpf_get_attach_cookie(ctx);
            FILTER
            counts.increment(cookie);
            return 0;
        }"""
    if not BPF.support_kfunc():
        with pytest.raises(ebcc.AttachError):
            load(text)
        return
    bpf = load(text)
    with pytest.raises(ebcc.AttachError, match="kfunc__vfs_read is already attached"):
        bpf.attach_kfunc("vfs_read", cookie=5)
    bpf.detach_kfunc("vfs_read")
    bpf.detach_kretfunc("vfs_read")
    bpf.attach_kfunc("vfs_read", cookie=5)
    bpf.attach_kretfunc("vfs_read", cookie=(1 << 64) - 6)
    with open("/etc/hostname", "rb", buffering=0) as file:
        counts(bpf)
        file.read(1)
    assert counts(bpf) == {5: 1, (1 << 64) - 6: 1}


def test_cookies_of_kernel_functions(load):
    if not os.path.exists("/sys/bus/event_source/devices/kprobe"):
        bpf = load(COUNT)
        for options in ({"event": "vfs_read"}, {"event_re": "^vfs_read$"}):
            for error in (ebcc.UnsupportedError, ebcc.AttachError):
                with pytest.raises(error, match="this kernel has no kprobes"):
                    bpf.attach_kprobe(fn_name="count", cookie=5, **options)
        return
    bpf = load(COUNT)
    names = {b"vfs_read": 5, b"vfs_readlink": (1 << 64) - 1}
    with bpf.attach_kprobe(event_re="^vfs_read(link)?$", fn_name="count", cookie=names.__getitem__):
        os.readlink("/proc/self")
    assert counts(bpf) == {(1 << 64) - 1: 1}


def test_wrong_cookies_of_many_functions(load):
    program = load(COUNT).module.program(b"count")
    for cookies, error in (([1, 2], ebcc.InvalidArgumentError), ([-1], OverflowError), ([None], TypeError), (5, TypeError)):
        with pytest.raises(error):
            program.attach_kprobe_multi([b"vfs_read"], cookies=cookies)


def test_kernels_without_are_told_by_two_classes():
    """What attaching can't do here is an AttachError, as all that keeps a probe from being attached."""
    assert issubclass(ebcc.UnsupportedAttachError, ebcc.AttachError)
    assert issubclass(ebcc.UnsupportedAttachError, ebcc.UnsupportedError)
    assert ebcc.UnsupportedAttachError.code == ebcc.UnsupportedError.code == 6


@pytest.mark.parametrize("cookie, error", [(-1, OverflowError), (1 << 64, OverflowError), ("5", TypeError)])
def test_invalid_cookies_are_refused(load, cookie, error):
    bpf = load(COUNT)
    with pytest.raises(error):
        bpf.attach_uprobe(sym="labs", cookie=cookie, **OWN)
    with pytest.raises(error):
        bpf.attach_tracepoint(tp="syscalls:sys_enter_getpgid", fn_name="count", cookie=cookie)
    with pytest.raises(error):
        bpf.attach_raw_tracepoint(tp="sys_enter", fn_name="count", cookie=cookie)
    with pytest.raises(error):
        bpf.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, "count", sample_freq=10, cookie=cookie)
    with pytest.raises(error):
        bpf.module.program(b"count").attach_trace(cookie=cookie)
