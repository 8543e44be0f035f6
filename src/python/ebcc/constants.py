# SPDX-License-Identifier: Apache-2.0
"""Numbers of the kernel's interface (uapi linux/bpf.h, linux/perf_event.h, linux/if_link.h)."""

DEBUG_LLVM_IR = 0x1
DEBUG_BPF = 0x2
DEBUG_PREPROCESSOR = 0x4
DEBUG_SOURCE = 0x8
DEBUG_BPF_REGISTER_STATE = 0x10
DEBUG_BTF = 0x20


def _numbered(names, start=0):
    """A class body that gives each name its number; '-' leaves a number out."""
    return {name: number for number, name in enumerate(names.split(), start) if name != "-"}


class BPFProgType:
    """enum bpf_prog_type."""
    locals().update(_numbered(
        "SOCKET_FILTER KPROBE SCHED_CLS SCHED_ACT TRACEPOINT XDP PERF_EVENT CGROUP_SKB "
        "CGROUP_SOCK LWT_IN LWT_OUT LWT_XMIT SOCK_OPS SK_SKB CGROUP_DEVICE SK_MSG "
        "RAW_TRACEPOINT CGROUP_SOCK_ADDR LWT_SEG6LOCAL LIRC_MODE2 SK_REUSEPORT FLOW_DISSECTOR "
        "CGROUP_SYSCTL RAW_TRACEPOINT_WRITABLE CGROUP_SOCKOPT TRACING STRUCT_OPS EXT LSM "
        "SK_LOOKUP SYSCALL", 1))


class BPFAttachType:
    """enum bpf_attach_type."""
    locals().update(_numbered(
        "CGROUP_INET_INGRESS CGROUP_INET_EGRESS CGROUP_INET_SOCK_CREATE CGROUP_SOCK_OPS "
        "SK_SKB_STREAM_PARSER SK_SKB_STREAM_VERDICT CGROUP_DEVICE SK_MSG_VERDICT "
        "CGROUP_INET4_BIND CGROUP_INET6_BIND CGROUP_INET4_CONNECT CGROUP_INET6_CONNECT "
        "CGROUP_INET4_POST_BIND CGROUP_INET6_POST_BIND CGROUP_UDP4_SENDMSG CGROUP_UDP6_SENDMSG "
        "LIRC_MODE2 FLOW_DISSECTOR CGROUP_SYSCTL CGROUP_UDP4_RECVMSG CGROUP_UDP6_RECVMSG "
        "CGROUP_GETSOCKOPT CGROUP_SETSOCKOPT TRACE_RAW_TP TRACE_FENTRY TRACE_FEXIT "
        "MODIFY_RETURN LSM_MAC TRACE_ITER CGROUP_INET4_GETPEERNAME CGROUP_INET6_GETPEERNAME "
        "CGROUP_INET4_GETSOCKNAME CGROUP_INET6_GETSOCKNAME XDP_DEVMAP CGROUP_INET_SOCK_RELEASE "
        "XDP_CPUMAP SK_LOOKUP XDP SK_SKB_VERDICT"))


class XDPAction:
    """enum xdp_action."""
    locals().update(_numbered("XDP_ABORTED XDP_DROP XDP_PASS XDP_TX XDP_REDIRECT"))


class XDPFlags:
    """XDP_FLAGS_*."""
    UPDATE_IF_NOEXIST = 1 << 0
    SKB_MODE = 1 << 1
    DRV_MODE = 1 << 2
    HW_MODE = 1 << 3
    REPLACE = 1 << 4


class PerfType:
    """enum perf_type_id."""
    locals().update(_numbered("HARDWARE SOFTWARE TRACEPOINT HW_CACHE RAW BREAKPOINT"))


class PerfHWConfig:
    """enum perf_hw_id."""
    locals().update(_numbered(
        "CPU_CYCLES INSTRUCTIONS CACHE_REFERENCES CACHE_MISSES BRANCH_INSTRUCTIONS "
        "BRANCH_MISSES BUS_CYCLES STALLED_CYCLES_FRONTEND STALLED_CYCLES_BACKEND "
        "REF_CPU_CYCLES"))


class PerfSWConfig:
    """enum perf_sw_ids."""
    locals().update(_numbered(
        "CPU_CLOCK TASK_CLOCK PAGE_FAULTS CONTEXT_SWITCHES CPU_MIGRATIONS PAGE_FAULTS_MIN "
        "PAGE_FAULTS_MAJ ALIGNMENT_FAULTS EMULATION_FAULTS DUMMY BPF_OUTPUT"))


class PerfEventSampleFormat:
    """enum perf_event_sample_format: one bit each."""
    locals().update({name: 1 << bit for name, bit in _numbered(
        "IP TID TIME ADDR READ CALLCHAIN ID CPU PERIOD STREAM_ID RAW BRANCH_STACK REGS_USER "
        "STACK_USER WEIGHT DATA_SRC IDENTIFIER TRANSACTION REGS_INTR PHYS_ADDR AUX CGROUP "
        "DATA_PAGE_SIZE CODE_PAGE_SIZE WEIGHT_STRUCT").items()})


def names_of(enum):
    """{name: number} of one of the classes above."""
    return {name: number for name, number in vars(enum).items() if not name.startswith("_")}
