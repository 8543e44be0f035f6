# SPDX-License-Identifier: Apache-2.0
"""All names that scripts written for bcc use exist, with the parameters that these scripts pass, in
the same order and with the same names. Those that are called on the class are static."""

import ctypes as ct
import importlib
import inspect

import pytest

import bcc
from bcc import BPF, table

# Methods and their parameters, in order. A parameter with "=" has that default.
METHODS = """
__init__ src_file=b'' hdr_file=b'' text=None debug=0 cflags=() usdt_contexts=() allow_rlimit=True device=None attach_usdt_ignore_pid=False
load_func func_name prog_type device=None attach_type=-1
load_funcs prog_type=2
dump_func func_name
disassemble_func func_name
decode_table table_name sizeinfo=False
attach_kprobe event=b'' event_off=0 fn_name=b'' event_re=b''
attach_kretprobe event=b'' fn_name=b'' event_re=b'' maxactive=0
detach_kprobe event fn_name=None
detach_kretprobe event fn_name=None
detach_kprobe_event ev_name
attach_uprobe name=b'' sym=b'' sym_re=b'' addr=None fn_name=b'' pid=-1 sym_off=0
attach_uretprobe name=b'' sym=b'' sym_re=b'' addr=None fn_name=b'' pid=-1
detach_uprobe name=b'' sym=b'' addr=None pid=-1 sym_off=0
detach_uretprobe name=b'' sym=b'' addr=None pid=-1
attach_tracepoint tp=b'' tp_re=b'' fn_name=b''
detach_tracepoint tp=b''
attach_raw_tracepoint tp=b'' fn_name=b''
detach_raw_tracepoint tp=b''
attach_perf_event ev_type=-1 ev_config=-1 fn_name=b'' sample_period=0 sample_freq=0 pid=-1 cpu=-1 group_fd=-1
attach_perf_event_raw attr=-1 fn_name=b'' pid=-1 cpu=-1 group_fd=-1
detach_perf_event ev_type=-1 ev_config=-1
attach_kfunc fn_name=b''
attach_kretfunc fn_name=b''
attach_fmod_ret fn_name=b''
attach_lsm fn_name=b''
detach_kfunc fn_name=b''
detach_kretfunc fn_name=b''
detach_fmod_ret fn_name=b''
detach_lsm fn_name=b''
num_open_kprobes
num_open_uprobes
num_open_tracepoints
cleanup
close
get_table name keytype=None leaftype=None reducer=None
perf_buffer_poll timeout=-1
perf_buffer_consume
ring_buffer_poll timeout=-1
ring_buffer_consume
kprobe_poll timeout=-1
trace_open nonblocking=False
trace_readline nonblocking=False
trace_fields nonblocking=False
trace_print fmt=None
free_bcc_memory
"""
STATIC = """
attach_xdp dev fn flags=0
remove_xdp dev flags=0
attach_func fn attachable_fd attach_type flags=0
detach_func fn attachable_fd attach_type
attach_raw_socket fn dev
get_kprobe_functions event_re
get_tracepoints tp_re
tracepoint_exists category event
get_user_functions name sym_re
get_user_addresses name sym_re
get_user_functions_and_addresses name sym_re
find_library libname pid=0
find_exe bin_path
get_syscall_prefix
get_syscall_fnname name
fix_syscall_fnname name
support_kfunc
support_lsm
support_fmod_ret
support_raw_tracepoint
support_raw_tracepoint_in_module
kernel_struct_has_field struct_name field_name
kernel_enum_has_val enum_name value_name
add_prefix prefix name
monotonic_time
generate_auto_includes program_words
get_probe_limit
sym addr pid show_module=False show_offset=False demangle=True
ksym addr show_module=False show_offset=False
ksymname name
add_module modname
_sym_cache pid
"""
TABLE = """
keys
values
items
itervalues
iteritems
iter
next key
clear
zero
items_lookup_batch
items_delete_batch ct_keys=None
items_update_batch ct_keys ct_values
items_lookup_and_delete_batch
print_log2_hist val_type='value' section_header='Bucket_ptr' section_print_fn=None bucket_fn=None strip_leading_zero=None bucket_sort_fn=None
print_linear_hist val_type='value' section_header='Bucket_ptr' section_print_fn=None bucket_fn=None strip_leading_zero=None bucket_sort_fn=None
print_json_hist val_type='value' section_header='Bucket_ptr' section_print_fn=None bucket_fn=None bucket_sort_fn=None
key_sprintf key
leaf_sprintf leaf
key_scanf key_str
leaf_scanf leaf_str
get_fd
"""
KINDS = {
    table.PerCpuHash: "getvalue key\nsum key\nmax key\naverage key",
    table.PerCpuArray: "getvalue key\nsum key\nmax key\naverage key",
    table.StackTrace: "walk stack_id resolve=None",
    table.QueueStack: "push leaf flags=0\npop\npeek\nvalues\nitervalues",
    table.PerfEventArray: "open_perf_buffer callback page_cnt=8 lost_cb=None\n"
                          "open_perf_event typ config\nevent data\nlost",
    table.RingBuf: "open_ring_buffer callback ctx=None\nevent data\nlost",
    table.Array: "clearitem key",
}
CLASSES = """HashTable LruHash LpmTrie Array PerCpuHash LruPerCpuHash PerCpuArray ProgArray
FileDesc CgroupArray MapInMapArray MapInMapHash DevMap CpuMap XskMap PerfEventArray RingBuf
StackTrace QueueStack TableBase ArrayBase""".split()
PROGRAM_TYPES = """SOCKET_FILTER KPROBE SCHED_CLS SCHED_ACT TRACEPOINT XDP PERF_EVENT CGROUP_SKB
CGROUP_SOCK LWT_IN LWT_OUT LWT_XMIT SOCK_OPS SK_SKB CGROUP_DEVICE SK_MSG RAW_TRACEPOINT
CGROUP_SOCK_ADDR TRACING LSM""".split()
MODULES = {
    "bcc": "BPF USDT PerfType PerfHWConfig PerfSWConfig BPFAttachType BPFProgType lib printb "
           "DEBUG_LLVM_IR DEBUG_BPF DEBUG_PREPROCESSOR DEBUG_SOURCE DEBUG_BPF_REGISTER_STATE "
           "DEBUG_BTF ArgString StrcmpRewrite utils table PerfEventArray SymbolCache",
    "ebcc": "CompileError LoadError AttachError",
    "bcc.utils": "printb ArgString get_online_cpus get_possible_cpus detect_language StrcmpRewrite",
    "bcc.containers": "filter_by_containers",
    "bcc.syscall": "syscall_name syscalls",
    "bcc.tcp": "tcpstate flags2str TCPHDR_SYN TCPHDR_ACK TCPHDR_FIN TCPHDR_RST TCPHDR_PSH "
               "TCPHDR_URG TCPHDR_ECE TCPHDR_CWR",
    "bcc.perf": "Perf",
    "bcc.disassembler": "disassemble_prog decode_map",
    "bcc.exec": "run_cmd cmd_ready cmd_exited",
    "bcc.libbcc": "lib bcc_symbol bcc_symbol_option",
    "bcc.usdt": "USDT USDTException USDTProbe USDTProbeLocation USDTProbeArgument",
    "bcc.version": "__version__",
    "bcc.table": " ".join(CLASSES) + " Table BPF_MAP_TYPE_HASH BPF_MAP_TYPE_RINGBUF "
                                     "get_table_type_name log2_index_max linear_index_max",
}


def lines(text):
    return [line.split() for line in text.strip().splitlines()]


def check_parameters(function, words):
    """Asserts that a function takes these parameters first, by name, and that all others are optional."""
    parameters = list(inspect.signature(function).parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    for word, parameter in zip(words, parameters):
        name, equals, default = word.partition("=")
        assert parameter.name == name
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        if equals:
            assert parameter.default == eval(default.replace("_ptr", " ptr"))
    assert len(parameters) >= len(words)
    for parameter in parameters[len(words):]:
        assert parameter.default is not inspect.Parameter.empty


@pytest.mark.parametrize("line", lines(METHODS), ids=lambda line: line[0])
def test_methods_of_bpf(line):
    check_parameters(getattr(BPF, line[0]), line[1:])


@pytest.mark.parametrize("line", lines(STATIC), ids=lambda line: line[0])
def test_functions_of_the_class(line):
    assert isinstance(inspect.getattr_static(BPF, line[0]), (staticmethod, classmethod))
    check_parameters(getattr(BPF, line[0]), line[1:])


def check_method(kind, words):
    """Asserts that a class has a method. One written in C has no signature, so only its name is checked."""
    method = getattr(kind, words[0])
    try:
        inspect.signature(method)
    except ValueError:
        return
    if inspect.isfunction(method):
        check_parameters(method, words[1:])


@pytest.mark.parametrize("kind", [table.HashTable, table.Array, table.PerCpuHash, table.LruHash,
                                  table.LpmTrie], ids=lambda kind: kind.__name__)
def test_methods_of_tables(kind):
    for words in lines(TABLE):
        check_method(kind, words)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_methods_of_special_tables(kind):
    for words in lines(KINDS[kind]):
        check_method(kind, words)


@pytest.mark.parametrize("name", MODULES)
def test_names_in_modules(name):
    module = importlib.import_module(name)
    for word in MODULES[name].split():
        assert hasattr(module, word), word


def test_constants_of_the_class():
    """The numbers in uapi linux/bpf.h and linux/if_link.h."""
    assert [getattr(BPF, name) for name in PROGRAM_TYPES] == [*range(1, 19), 26, 29]
    assert [BPF.XDP_ABORTED, BPF.XDP_DROP, BPF.XDP_PASS, BPF.XDP_TX, BPF.XDP_REDIRECT] == [
        0, 1, 2, 3, 4]
    assert [getattr(BPF, "XDP_FLAGS_" + name) for name in (
        "UPDATE_IF_NOEXIST", "SKB_MODE", "DRV_MODE", "HW_MODE", "REPLACE")] == [1, 2, 4, 8, 16]
    assert [bcc.DEBUG_LLVM_IR, bcc.DEBUG_BPF, bcc.DEBUG_PREPROCESSOR, bcc.DEBUG_SOURCE,
            bcc.DEBUG_BPF_REGISTER_STATE, bcc.DEBUG_BTF] == [1, 2, 4, 8, 16, 32]


def test_structures_of_libbcc():
    """Scripts pass them to lib by reference."""
    assert issubclass(bcc.bcc_symbol, ct.Structure) and issubclass(bcc.bcc_symbol_option,
                                                                   ct.Structure)
    assert [field[0] for field in bcc.bcc_symbol._fields_] == ["name", "demangle_name", "module",
                                                               "offset"]


def test_objects_that_load_func_returns(load):
    bpf = load("int pass(struct __sk_buff *skb) { return 0; }")
    function = bpf.load_func("pass", BPF.SOCKET_FILTER)
    assert function.bpf is bpf and function.name == b"pass" and function.fd >= 0
    assert bpf.funcs == {b"pass": function}
