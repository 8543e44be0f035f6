# SPDX-License-Identifier: Apache-2.0
"""The workload that runs beside a script under test: small loops of the activity that the script reports, in a separate
process.

Each function of ACTIONS is one round of one activity; a row of scripts.toml names those that its script needs. A round
takes milliseconds of CPU time (the guest's processor is emulated), and keeps what it needs for the next one in `state`.
"""
import array
import ctypes
import gc
import mmap
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time

NAME = "ebcc-load"  # the workload's name in the scripts' output
PORT = 4711
REFUSED_PORT = 4712
TLS_PORT = 4713
HTTP_PORT = 4714
PAUSE_S = 0.2
PRESSURE_PAUSE_S = 3  # one round of pressure() takes a second, and the script has to run too
LOSSY_TIMEOUT_S = 2
LOSSY_BYTES = 20000
PASSED_OPEN_S = 0.5  # the script can look up the passed descriptor only while it is open
BLOCK = 4096
CLONE_NEWNET = 0x40000000  # linux/sched.h
SYS_BPF = 321  # on x86-64
LIBC = ctypes.CDLL(None, use_errno=True)


class State:
    """Where the workload may write, and what its actions keep between rounds."""

    def __init__(self, directory, tty):
        self.directory = directory
        self.tty = tty
        self.kept = {}

    def keep(self, name, make):
        """The object of this name, created on first use."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def path(self, name):
        """A file on the scratch file system."""
        return os.path.join(self.directory, name)


def set_process_name(name):
    """Sets the name of this process, as /proc/PID/comm shows it."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)


def in_child(function):
    """Runs a function in a forked child, which then exits with status 3, and waits for the child."""
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(3)
    os.waitpid(child, 0)


def opens(_state):
    """Opens, reads and closes a file; fails to open another; and calls stat and statfs on both."""
    with open("/etc/hostname", "rb") as file:
        file.read()
    for path in ("/etc/hostname", "/run/ebcc-missing"):
        for call in (os.stat, os.statvfs, lambda name: os.close(os.open(name, os.O_RDONLY))):
            try:
                call(path)
            except FileNotFoundError:
                pass


def execs(_state):
    """Executes a program with arguments, and fails to execute another."""
    subprocess.run(["/bin/busybox", "true", "--ebcc"], check=False)
    try:
        subprocess.run(["/run/ebcc-missing-program"], check=False)
    except OSError:
        pass


def forks(_state):
    """Forks a child that exits with status 3."""
    in_child(lambda: None)


def signals(_state):
    """Sends a signal to itself, and forks a child that kills itself with SIGTERM."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGUSR1)
    in_child(lambda: os.kill(os.getpid(), signal.SIGTERM))


def listener(family, address, port, backlog=8):
    """A listening TCP socket."""
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(backlog)
    return server


def talk(family, address, port, server, request=b"q" * 1000, answer=b"a" * 3000):
    """One connection: a request and its answer."""
    client = socket.socket(family, socket.SOCK_STREAM)
    client.connect((address, port))
    peer, _ = server.accept()
    client.sendall(request)
    peer.recv(len(request))
    peer.sendall(answer)
    client.recv(len(answer))
    client.close()
    peer.close()


def tcp(state):
    """A short connection over loopback, IPv4 and IPv6."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        talk(family, address, PORT, state.keep(f"tcp{family}", lambda f=family, a=address: listener(f, a, PORT)))


def binds(_state):
    """Binds to a port that the kernel chooses, and listens on it."""
    listener(socket.AF_INET, "127.0.0.1", 0, 5).close()


def drops(state):
    """Sends over a link that drops some of the packets, in a network namespace of its own."""
    def lossy():
        LIBC.unshare(CLONE_NEWNET)
        for command in ("ip link set lo mtu 1500 up", "tc qdisc add dev lo root netem loss 20%"):
            subprocess.run(command.split(), check=True)
        return listener(socket.AF_INET, "127.0.0.1", PORT)

    server = state.keep("drops", lossy)
    try:
        client = socket.create_connection(server.getsockname(), LOSSY_TIMEOUT_S)
        peer, _ = server.accept()
        peer.settimeout(LOSSY_TIMEOUT_S)
        client.sendall(b"d" * LOSSY_BYTES)
        received = 0
        while received < LOSSY_BYTES:
            received += len(peer.recv(LOSSY_BYTES))
    except TimeoutError:
        pass


def retransmits(state):
    """Connects to a socket whose queue is full, so the first segment of the handshake is sent again a second later."""
    if time.monotonic() - state.kept.get("filled_at", 0) < 4:
        return
    server = listener(socket.AF_INET, "127.0.0.1", 0, 0)
    clients = [socket.socket() for _ in range(4)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(server.getsockname())
    state.kept.update(filled_at=time.monotonic(), filled=(server, clients))


def packets(state):
    """Datagrams over loopback that nobody waits for: scripts drop or redirect them."""
    def sockets():
        receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        receiver.bind(("127.0.0.1", PORT))
        return receiver, sender

    _receiver, sender = state.keep("packets", sockets)
    for _ in range(5):
        sender.sendto(b"ebcc-packet", ("127.0.0.1", PORT))


def flood(state):
    """Enough datagrams without a pause for the script to report an attack."""
    for _ in range(600):
        packets(state)


def http(state):
    """A request and an answer over loopback, in one segment each."""
    server = state.keep("http", lambda: listener(socket.AF_INET, "127.0.0.1", HTTP_PORT))
    talk(socket.AF_INET, "127.0.0.1", HTTP_PORT, server, b"GET /ebcc-http-request HTTP/1.1\r\nHost: ebcc\r\n\r\n",
         b"HTTP/1.1 204 No Content\r\n\r\n")  # fmt: skip


def multicast_pings(_state):
    """Echo requests to all nodes on the link that the script creates; none until the link is up."""
    try:
        link = socket.if_nametoindex("me")
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as pinger:
            pinger.sendto(bytes((128, 0, 0, 0, 0, 1, 0, 1)), ("ff02::1", 0, 0, link))
    except OSError:  # the link doesn't exist yet, or is not up
        pass


def streams(_state):
    """Four bytes over a UNIX stream socket."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with left, right:
        left.sendall(b"ebcc")
        right.recv(4)


def lengths(_state):
    """Calls the C library's strlen()."""
    for _ in range(20):
        LIBC.strlen(b"ebcc-measured")


def refused(_state):
    """Connects to a port on which nobody listens."""
    client = socket.socket()
    client.connect_ex(("127.0.0.1", REFUSED_PORT))
    client.close()


def direct_file(state, name="direct"):
    """A file on the scratch disk, opened so that it bypasses the page cache, and an aligned buffer."""
    file = os.open(state.path(name), os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
    buffer = mmap.mmap(-1, BLOCK)
    os.pwrite(file, buffer, 0)
    return file, buffer


def disk(state):
    """Writes and reads blocks of the scratch disk, bypassing the page cache."""
    file, buffer = state.keep("direct", lambda: direct_file(state))
    for offset in range(4):
        os.pwrite(file, buffer, offset * BLOCK)
    os.fsync(file)
    os.preadv(file, [buffer], 0)


def files(state):
    """The life of a file: written, synced, renamed, opened again, read, removed."""
    path, other = state.path("file"), state.path("renamed")
    with open(path, "wb", buffering=0) as file:
        file.write(b"x" * 8192)
        os.fsync(file.fileno())
    os.rename(path, other)
    with open(other, "rb", buffering=0) as file:
        file.read(8192)
    os.unlink(other)


def cache(state):
    """Reads a cached file, drops it from the page cache, reads it again, and writes to it."""
    path = state.path("cached")
    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(b"c" * (64 << 10))
        os.sync()
    with open(path, "rb", buffering=0) as file:
        file.read(64 << 10)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        file.read(64 << 10)
    with open(path, "r+b", buffering=0) as file:
        file.write(b"d" * BLOCK)


def syncs(_state):
    """Calls sync(2)."""
    os.sync()


def mounts(state):
    """Mounts and unmounts a tmpfs."""
    point = state.path("mounted").encode()
    os.makedirs(point, exist_ok=True)
    LIBC.mount(b"ebcc-source", point, b"tmpfs", 0, None)
    LIBC.umount2(point, 0)


def sleeps(state):
    """Two threads that pass a byte back and forth, so each sleeps and is woken."""
    def start():
        ends = os.pipe(), os.pipe()

        def answer():
            while True:
                os.write(ends[1][1], os.read(ends[0][0], 1))

        threading.Thread(target=answer, daemon=True).start()
        return ends

    ends = state.keep("sleeps", start)
    for _ in range(20):
        os.write(ends[0][1], b"x")
        os.read(ends[1][0], 1)


def computes(_state):
    """Keeps a CPU busy for 50 milliseconds, in the interpreter's own function: exchanging variables calls no other."""
    end = time.monotonic() + 0.05
    first, second, third = 1, 2, 3
    while time.monotonic() < end:
        for _ in range(100):
            first, second, third = second, third, first
            first, second, third = second, third, first
            first, second, third = second, third, first
            first, second, third = second, third, first


def threads(_state):
    """Creates a thread and joins it."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def shm(_state):
    """System V shared memory: get, attach, detach, remove."""
    LIBC.shmat.restype = ctypes.c_void_p
    identifier = LIBC.shmget(0, BLOCK, 0o1600)
    address = LIBC.shmat(identifier, None, 0)
    LIBC.shmdt(ctypes.c_void_p(address))
    LIBC.shmctl(identifier, 0, None)


def passes(_state):
    """Passes a descriptor over a UNIX socket."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    file = os.open("/etc/hostname", os.O_RDONLY)
    left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
    time.sleep(PASSED_OPEN_S)
    _data, ancillary, _flags, _address = right.recvmsg(1, socket.CMSG_SPACE(4))
    for _level, _kind, data in ancillary:
        os.close(array.array("i", data)[0])
    os.close(file)
    left.close()
    right.close()


def resolves(_state):
    """Looks up a host name with the C library."""
    socket.getaddrinfo("localhost", 80)


def capabilities(_state):
    """Changes the user ID of a child, for which a process needs a capability."""
    in_child(lambda: os.setuid(65534))


def leaks(state):
    """Allocates and never frees."""
    LIBC.malloc.restype = ctypes.c_void_p
    state.keep("leaks", list).append(LIBC.malloc(12345))


def tls(state):
    """A request over TLS to a local server."""
    def serve():
        certificate = "/run/ebcc-tls.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", certificate, "-out", certificate + ".crt", "-subj", "/CN=localhost"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # fmt: skip
        return subprocess.Popen(["openssl", "s_server", "-accept", str(TLS_PORT), "-key", certificate,
                                 "-cert", certificate + ".crt", "-www", "-quiet"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip

    state.keep("tls", serve)
    subprocess.run(["curl", "-sk", "--max-time", "20", f"https://localhost:{TLS_PORT}/ebcc-tls-request"],
                   stdout=subprocess.DEVNULL, check=False)  # fmt: skip


def readline(state):
    """A line typed into an interactive bash."""
    def start():
        child, master = pty.fork()
        if child == 0:
            os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])
        os.set_blocking(master, False)
        return master

    master = state.keep("readline", start)
    os.write(master, b": ebcc-typed\r")
    try:
        while os.read(master, 4096):
            pass
    except BlockingIOError:
        pass


def tty(state):
    """Writes two buffers to a terminal at once: on newer kernels, the script misses writes of a single buffer."""
    file = state.keep("tty", lambda: os.open(state.tty, os.O_WRONLY | os.O_NOCTTY))
    os.writev(file, [b"ebcc-shown\n", b"and more\n"])


def out_of_memory(_state):
    """A child that uses more memory than its control group allows."""
    group = "/sys/fs/cgroup/ebcc-small"
    if not os.path.exists(group):
        with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="ascii") as file:
            file.write("+memory")
        os.mkdir(group)
        with open(group + "/memory.max", "w", encoding="ascii") as file:
            file.write(str(8 << 20))

    def grow():
        with open(group + "/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        memory = mmap.mmap(-1, 32 << 20)
        for offset in range(0, len(memory), BLOCK):
            memory[offset] = 1

    in_child(grow)


def pressure(_state):
    """Requests more huge pages than fit into memory, so that the kernel does direct compaction and reclaim."""
    for count in ("4000", "0"):
        with open("/proc/sys/vm/nr_hugepages", "w", encoding="ascii") as file:
            file.write(count)
    time.sleep(PRESSURE_PAUSE_S)


def holds_map(state):
    """Holds a BPF map. The attributes of BPF_MAP_CREATE are type, key size, value size, max entries (linux/bpf.h)."""
    def create():
        attributes = (ctypes.c_uint32 * 18)(2, 4, 4, 1)
        return LIBC.syscall(SYS_BPF, 0, attributes, ctypes.sizeof(attributes))

    state.keep("map", create)


def called(depth):
    """A Python function that calls itself."""
    return called(depth - 1) if depth else 0


def thrown():
    """A generator that survives exceptions thrown into it."""
    try:
        yield
    except ValueError:
        yield


def python(_state):
    """Python function calls and garbage collections. Python 3.11 reaches its probe function__entry only on a throw()."""
    called(3)
    generator = thrown()
    next(generator)
    generator.throw(ValueError())
    gc.collect(0)


def named_python(state):
    """Gives this process the name by which the script finds Python processes."""
    state.keep("named", lambda: set_process_name("python"))


ACTIONS = {
    function.__name__: function
    for function in (
        opens, execs, forks, signals, tcp, binds, drops, retransmits, packets, flood, http,
        multicast_pings, streams, lengths, refused, disk, files, cache, syncs, mounts, sleeps,
        computes, threads, shm, passes, resolves, capabilities, leaks, tls, readline, tty, out_of_memory, pressure,
        holds_map, python, named_python,
    )
}  # fmt: skip


def loop(names, state):
    """Runs the named actions repeatedly until the process is killed."""
    while True:
        for name in names:
            ACTIONS[name](state)
        time.sleep(PAUSE_S)


class Workload:
    """The process that runs the actions, until stop() ends it and its children."""

    def __init__(self, names, directory, tty_path=None):
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        try:
            os.setpgid(0, 0)
            set_process_name(NAME)
            loop(names, State(directory, tty_path))
        finally:
            os._exit(1)

    def stop(self):
        """Ends the process and its children."""
        for kill in (os.killpg, os.kill):
            try:
                kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(self.pid, 0)
