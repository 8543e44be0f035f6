# SPDX-License-Identifier: Apache-2.0
"""The kernel's perf_event_attr (uapi linux/perf_event.h), for attach_perf_event_raw(), and functions
that open perf events without a program."""

import ctypes as ct
import fcntl
import os

from . import _ebcc
from .utils import get_online_cpus

_libc = ct.CDLL(None, use_errno=True)
_libc.ioctl.argtypes = (ct.c_int, ct.c_ulong, ct.c_void_p)

_FLAGS = (
    "disabled inherit pinned exclusive exclude_user exclude_kernel exclude_hv exclude_idle mmap "
    "comm freq inherit_stat enable_on_exec task watermark precise_ip:2 mmap_data sample_id_all "
    "exclude_host exclude_guest exclude_callchain_kernel exclude_callchain_user mmap2 comm_exec "
    "use_clockid context_switch write_backward namespaces ksymbol bpf_event aux_output cgroup "
    "text_poke build_id inherit_thread remove_on_exec sigtrap").split()


def _union(kind, names):
    return type("_" + names[0], (ct.Union,), {"_fields_": [(name, kind) for name in names]})


def _fields():
    """Yields the name and class of each member. Members that share a place are in an anonymous union."""
    u64, u32 = ct.c_uint64, ct.c_uint32
    yield from (("type", u32), ("size", u32), ("config", u64))
    yield "_period", _union(u64, ("sample_period", "sample_freq"))
    yield from (("sample_type", u64), ("read_format", u64))
    for flag in _FLAGS:
        name, _, bits = flag.partition(":")
        yield name, u64, int(bits or 1)
    yield "_wakeup", _union(u32, ("wakeup_events", "wakeup_watermark"))
    yield "bp_type", u32
    yield "_config1", _union(u64, ("config1", "bp_addr", "kprobe_func", "uprobe_path"))
    yield "_config2", _union(u64, ("config2", "bp_len", "kprobe_addr", "probe_offset"))
    yield from (("branch_sample_type", u64), ("sample_regs_user", u64),
                ("sample_stack_user", u32), ("clockid", ct.c_int32), ("sample_regs_intr", u64),
                ("aux_watermark", u32), ("sample_max_stack", ct.c_uint16),
                ("__reserved_2", ct.c_uint16), ("aux_sample_size", u32), ("__reserved_3", u32))


def _system_call(wanted):
    """The number of the system call with this name (bytes)."""
    from .syscall import syscalls
    return next(number for number, name in syscalls.items() if name == wanted)


class Perf:
    """Constants of the perf interface, its perf_event_attr, and perf_event_open()."""

    PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE, PERF_TYPE_TRACEPOINT, PERF_TYPE_HW_CACHE = range(4)
    PERF_SAMPLE_RAW = 1 << 10
    PERF_FLAG_FD_CLOEXEC = 1 << 3
    PERF_EVENT_IOC_ENABLE = 0x2400
    PERF_EVENT_IOC_SET_FILTER = 0x40082406
    NR_PERF_EVENT_OPEN = _system_call(b"perf_event_open")

    # The C library, and two of its functions, for what has no method here.
    libc = _libc
    syscall = _libc.syscall
    ioctl = _libc.ioctl

    class perf_event_attr(ct.Structure):
        """struct perf_event_attr. Setting a member that it doesn't have raises AttributeError."""

        _fields_ = list(_fields())
        _anonymous_ = ("_period", "_wakeup", "_config1", "_config2")

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.size = ct.sizeof(self)

        def __setattr__(self, name, value):
            if not hasattr(type(self), name):
                raise AttributeError("perf_event_attr has no member %s" % name)
            super().__setattr__(name, value)

    @staticmethod
    def perf_event_open(tpoint_id, pid=-1, ptype=PERF_TYPE_TRACEPOINT, freq=0):
        """Opens an event on every online CPU and enables it; returns the descriptors, which the
        caller closes.

        tpoint_id: the event's config; for a tracepoint, its id in tracefs. ptype: its type, of
        PERF_TYPE_*. pid: one process, or -1 for all. freq: samples per second; 0: every event. Raises
        OSError.
        """
        attr = Perf.perf_event_attr(type=ptype, config=tpoint_id,
                                    sample_type=Perf.PERF_SAMPLE_RAW, freq=freq > 0,
                                    sample_period=freq if freq > 0 else 1,
                                    wakeup_events=0xffffffff)
        return Perf.perf_custom_event_open(attr, pid)

    @staticmethod
    def perf_custom_event_open(attr, pid=-1):
        """Opens the event that a perf_event_attr describes on every online CPU and enables it;
        returns the descriptors, which the caller closes.

        pid: one process, or -1 for all. Raises OSError.
        """
        descriptors = []
        try:
            for cpu in get_online_cpus():
                descriptors.append(Perf._open_for_cpu(cpu, attr, pid))
                fcntl.ioctl(descriptors[-1], Perf.PERF_EVENT_IOC_ENABLE, 0)
        except OSError:
            for descriptor in descriptors:
                os.close(descriptor)
            raise
        return descriptors

    @staticmethod
    def _open_for_cpu(cpu, attr, pid=-1):
        descriptor = _libc.syscall(Perf.NR_PERF_EVENT_OPEN, ct.byref(attr), pid, cpu, -1,
                                   Perf.PERF_FLAG_FD_CLOEXEC)
        if descriptor < 0:
            raise OSError(ct.get_errno(), _ebcc.error_text(ct.get_errno()))
        return descriptor
