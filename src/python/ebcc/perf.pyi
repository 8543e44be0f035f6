# SPDX-License-Identifier: Apache-2.0
import ctypes as ct
from typing import Any

class Perf:
    """Constants of the perf interface, its perf_event_attr, and perf_event_open()."""
    PERF_TYPE_HARDWARE: int
    PERF_TYPE_SOFTWARE: int
    PERF_TYPE_TRACEPOINT: int
    PERF_TYPE_HW_CACHE: int
    PERF_SAMPLE_RAW: int
    PERF_FLAG_FD_CLOEXEC: int
    PERF_EVENT_IOC_ENABLE: int
    PERF_EVENT_IOC_SET_FILTER: int
    NR_PERF_EVENT_OPEN: int
    libc: ct.CDLL
    syscall: Any
    ioctl: Any

    class perf_event_attr(ct.Structure):
        """struct perf_event_attr of the kernel."""
        type: int
        size: int
        config: int
        sample_period: int
        sample_freq: int
        sample_type: int
        read_format: int
        disabled: int
        inherit: int
        pinned: int
        exclusive: int
        exclude_user: int
        exclude_kernel: int
        exclude_hv: int
        exclude_idle: int
        mmap: int
        comm: int
        freq: int
        inherit_stat: int
        enable_on_exec: int
        task: int
        watermark: int
        precise_ip: int
        mmap_data: int
        sample_id_all: int
        exclude_host: int
        exclude_guest: int
        exclude_callchain_kernel: int
        exclude_callchain_user: int
        mmap2: int
        comm_exec: int
        use_clockid: int
        context_switch: int
        write_backward: int
        namespaces: int
        ksymbol: int
        bpf_event: int
        aux_output: int
        cgroup: int
        text_poke: int
        build_id: int
        inherit_thread: int
        remove_on_exec: int
        sigtrap: int
        wakeup_events: int
        wakeup_watermark: int
        bp_type: int
        config1: int
        bp_addr: int
        kprobe_func: int
        uprobe_path: int
        config2: int
        bp_len: int
        kprobe_addr: int
        probe_offset: int
        branch_sample_type: int
        sample_regs_user: int
        sample_stack_user: int
        clockid: int
        sample_regs_intr: int
        aux_watermark: int
        sample_max_stack: int
        aux_sample_size: int

    @staticmethod
    def perf_event_open(tpoint_id: int, pid: int = ..., ptype: int = ...,
                        freq: int = ...) -> list[int]: ...
    @staticmethod
    def perf_custom_event_open(attr: Perf.perf_event_attr, pid: int = ...) -> list[int]: ...
