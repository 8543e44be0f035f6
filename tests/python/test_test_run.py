# SPDX-License-Identifier: Apache-2.0
"""BPF.test_run(): programs of several types run on the test's data, and what they return and change."""

import ctypes as ct
import os

import pytest

import ebcc
from ebcc import BPF

PACKET = bytes(range(14)) + b"payload"


class XdpMd(ct.Structure):
    _fields_ = [(name, ct.c_uint32) for name in "data data_end data_meta ingress_ifindex rx_queue_index egress_ifindex".split()]


class Request(ct.Structure):
    _fields_ = [("number", ct.c_uint64), ("double", ct.c_uint64), ("text", ct.c_char * 8)]


@pytest.fixture
def bpf(load):
    return load("""
        BPF_ARRAY(runs, u64, 1);
        struct request { u64 number, doubled; char text[8]; };
        u64 first, second, cpu;

        int filter(struct __sk_buff *skb) {
            runs.increment(0);
            return skb->len == 7 ? -1 : skb->len;
        }
        int rewrite(struct xdp_md *ctx) {
            char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
            if (data + 16 > end)
                return XDP_DROP;
            data[15] = 'A';
            if (bpf_xdp_adjust_head(ctx, -4))
                return XDP_ABORTED;
            return XDP_PASS;
        }
        int enter(struct bpf_raw_tracepoint_args *ctx) {
            first = ctx->args[0];
            second = ctx->args[1];
            cpu = bpf_get_smp_processor_id();
            return 7;
        }
        int handle(struct request *request) {
            request->doubled = request->number * 2;
            request->text[0] = 'X';
            return request->number == 21 ? -3 : 0;
        }
        int probe(struct pt_regs *ctx) { return 0; }
        """)


def test_socket_filter(bpf):
    program = bpf.load_func("filter", BPF.SOCKET_FILTER)
    result = bpf.test_run(program, PACKET)
    # A socket filter doesn't get the link-layer header.
    assert result == (-1, bytes(14) + b"payload", None, result.duration) and result.retval == -1
    assert bpf.test_run("filter", data=PACKET + b"more").retval == 11
    result = bpf.test_run(b"filter", bytearray(PACKET), repeat=1000)
    assert bpf["runs"][0].value == 1002 and 0 < result.duration < 1000000


def test_xdp(bpf):
    bpf.load_func("rewrite", BPF.XDP)
    retval, data, ctx, _ = bpf.test_run("rewrite", PACKET)
    assert retval == BPF.XDP_PASS and ctx is None
    assert len(data) == 25 and data[4:] == PACKET[:15] + b"A" + PACKET[16:]
    assert bpf.test_run("rewrite", PACKET[:14]).retval == BPF.XDP_DROP
    context = XdpMd(data_end=len(PACKET))
    result = bpf.test_run("rewrite", PACKET, context)
    assert isinstance(result.ctx, XdpMd) and result.ctx.data_end == 25 and context.data_end == 21


def test_raw_tracepoint(bpf):
    bpf.load_func("enter", BPF.RAW_TRACEPOINT)
    last = max(os.sched_getaffinity(0))
    result = bpf.test_run("enter", ctx=[(1 << 64) - 1, 5], cpu=last)
    assert result.retval == 7 and result.data == b"" and result.ctx is None
    assert (bpf.globals.first, bpf.globals.second, bpf.globals.cpu) == ((1 << 64) - 1, 5, last)
    with pytest.raises(ebcc.InvalidArgumentError, match="program 'enter': .*RAW_TRACEPOINT|raw_tracepoint"):
        bpf.test_run("enter", PACKET)


def test_system_call_program(bpf):
    bpf.load_func("handle", BPF.SYSCALL)
    request = Request(number=21, text=b"text")
    result = bpf.test_run("handle", ctx=request)
    assert (result.retval, result.ctx.double, result.ctx.text) == (-3, 42, b"Xext")
    assert (request.double, request.text) == (0, b"text")
    result = bpf.test_run("handle", ctx=bytes(Request(number=4)))
    assert isinstance(result.ctx, bytes) and Request.from_buffer_copy(result.ctx).double == 8 and result.retval == 0


def test_invalid_runs_are_refused(bpf):
    with pytest.raises(ebcc.StateError, match="program 'filter': it is not loaded"):
        bpf.test_run("filter", PACKET)
    with pytest.raises(ebcc.NotFoundError, match="did you mean filter"):
        bpf.test_run("filtre", PACKET)
    bpf.load_func("filter", BPF.SOCKET_FILTER)
    with pytest.raises(ebcc.InvalidArgumentError, match="a packet of at least 14 bytes; data_in has 5"):
        bpf.test_run("filter", b"short")
    with pytest.raises(ebcc.InvalidArgumentError, match="a context up to 65535"):
        bpf.test_run("filter", PACKET, ctx=bytes(70000))
    bpf.load_func("probe", BPF.KPROBE)
    with pytest.raises(ebcc.UnsupportedError, match="can't test-run programs of type kprobe"):
        bpf.test_run("probe")
    with pytest.raises(TypeError):
        bpf.test_run("filter", "text")
    bpf.close()
    with pytest.raises(ebcc.StateError):
        bpf.test_run("filter", PACKET)
