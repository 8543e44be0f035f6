# SPDX-License-Identifier: Apache-2.0
"""Helpers of the tests: running programs with BPF_PROG_TEST_RUN, network namespaces, cgroups."""

import contextlib
import ctypes as ct
import os
import platform
import struct
import subprocess

libc = ct.CDLL(None, use_errno=True)
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_PROG_TEST_RUN = 10

CLONE_NEWNET = 0x40000000


class TestRun(ct.Structure):
    """The part of the kernel's union bpf_attr that BPF_PROG_TEST_RUN uses."""
    __test__ = False
    _fields_ = [(name, ct.c_uint32) for name in (
        "prog_fd", "retval", "data_size_in", "data_size_out")] + [
        ("data_in", ct.c_uint64), ("data_out", ct.c_uint64),
        ("repeat", ct.c_uint32), ("duration", ct.c_uint32),
        ("ctx_size_in", ct.c_uint32), ("ctx_size_out", ct.c_uint32),
        ("ctx_in", ct.c_uint64), ("ctx_out", ct.c_uint64),
        ("flags", ct.c_uint32), ("cpu", ct.c_uint32), ("batch_size", ct.c_uint32),
        ("pad", ct.c_uint32)]


def run(function, packet=bytes(64), context=None):
    """Runs a packet program once. Returns its result as a signed number, and the packet afterwards."""
    out = ct.create_string_buffer(4096)
    attr = TestRun(prog_fd=function.fd, data_size_in=len(packet), data_size_out=len(out),
                   repeat=1)
    data = ct.create_string_buffer(packet, len(packet))
    attr.data_in, attr.data_out = ct.addressof(data), ct.addressof(out)
    if context is not None:
        buffer = ct.create_string_buffer(context, len(context))
        attr.ctx_in, attr.ctx_size_in = ct.addressof(buffer), len(context)
    if libc.syscall(SYS_BPF, BPF_PROG_TEST_RUN, ct.byref(attr), ct.sizeof(attr)):
        raise OSError(ct.get_errno(), os.strerror(ct.get_errno()))
    return ct.c_int32(attr.retval).value, out.raw[:attr.data_size_out]


def run_raw_tracepoint(function, *args):
    """Runs a raw tracepoint program with these arguments. Returns its result."""
    context = struct.pack("%dQ" % len(args), *args)
    buffer = ct.create_string_buffer(context, len(context))
    attr = TestRun(prog_fd=function.fd, ctx_in=ct.addressof(buffer), ctx_size_in=len(context))
    if libc.syscall(SYS_BPF, BPF_PROG_TEST_RUN, ct.byref(attr), ct.sizeof(attr)):
        raise OSError(ct.get_errno(), os.strerror(ct.get_errno()))
    return ct.c_int32(attr.retval).value


@contextlib.contextmanager
def network_namespace():
    """Puts this thread into a new network namespace with lo up, and back into the old one afterwards."""
    with open("/proc/thread-self/ns/net", "rb") as old:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ct.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            libc.setns(old.fileno(), CLONE_NEWNET)


@contextlib.contextmanager
def cgroup(name):
    """Makes a cgroup (version 2), gives its path, and removes it afterwards."""
    root = cgroup_root()
    path = os.path.join(root, "ebcc-test-%s-%d" % (name, os.getpid()))
    os.mkdir(path)
    try:
        yield path
    finally:
        os.rmdir(path)


def cgroup_root():
    """Where the cgroup file system (version 2) is mounted, or None."""
    with open("/proc/mounts", encoding="ascii") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1]
    return None


def in_cgroup(path, *command, **options):
    """Runs a command in a cgroup."""
    def enter():
        with open(os.path.join(path, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write("0")
    return subprocess.run(command, preexec_fn=enter, timeout=300, check=True,
                          capture_output=True, **options)
