"""Attaches to the functions of a library that test_multi.py built, in a process of its own so that the environment can
say which kernel features it does without. Prints what happened as JSON."""

import ctypes
import json
import os
import sys
import threading

from ebcc import BPF, AttachError

# Calls by cookie and address: of this process only, which the pid says.
TEXT = """
struct call_t { u64 cookie, address; };
BPF_HASH(entries, struct call_t, u64, 4096);
BPF_HASH(returns, u64, u64, 4096);

int on_call(struct pt_regs *ctx)
{
    struct call_t call = { .cookie = COOKIE(ctx), .address = PT_REGS_IP(ctx) };

    entries.increment(call);
    return 0;
}

int on_return(struct pt_regs *ctx)
{
    u64 cookie = COOKIE(ctx);

    returns.increment(cookie, PT_REGS_RC(ctx));
    return 0;
}
"""
# The last argument says whether the kernel has cookies (Linux 5.15); without, all are 0.
PATH, COUNT, COOKIES = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "cookies"
NAMES = ["function_%d" % number for number in range(COUNT)]


def number_of(name):
    """The cookie of a function: its number and 1000."""
    return (1000 + int(name.rpartition(b"_")[2])) * COOKIES


def links():
    """How many descriptors of this process are links for many places, and perf events."""
    kinds = {"multi": 0, "events": 0}
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            with open("/proc/self/fdinfo/" + descriptor, encoding="ascii") as file:
                kinds["multi"] += "link_type:\tuprobe_multi" in file.read()
            kinds["events"] += "[perf_event]" in os.readlink("/proc/self/fd/" + descriptor)
        except FileNotFoundError:
            continue
    return kinds


def address_of(function):
    return ctypes.cast(function, ctypes.c_void_p).value


def call(library, names):
    for number, name in enumerate(names):
        getattr(library, name)(number)


def seen(bpf):
    """{address: [cookie, calls]}, and forgets them."""
    found = {entry.address: [entry.cookie, calls.value] for entry, calls in bpf["entries"].items()}
    assert len(found) == len(bpf["entries"])
    bpf["entries"].clear()
    return found


def main():
    library = ctypes.CDLL(PATH)
    expected = {address_of(getattr(library, name)): [number_of(name.encode()), 1] for name in NAMES}
    result = {}
    with BPF(text=TEXT, cflags=["-DCOOKIE(ctx)=" + ("bpf_get_attach_cookie(ctx)" if COOKIES else "0")]) as bpf:
        options = {"name": PATH, "sym_re": "^function_[0-9]+$", "pid": os.getpid(), "cookie": number_of}
        link = bpf.attach_uprobe(fn_name="on_call", **options)
        result["links"] = links()
        result["open"] = bpf.num_open_uprobes()
        result["names"] = sorted(link.names) == sorted("uprobe:%s:%s" % (PATH, name) for name in NAMES)
        call(library, NAMES)
        result["once_each"] = seen(bpf) == expected
        # In another thread of the process.
        thread = threading.Thread(target=call, args=(library, NAMES))
        thread.start()
        thread.join()
        result["thread"] = seen(bpf) == expected
        # A forked child is another process.
        child = os.fork()
        if not child:
            call(library, NAMES)
            os._exit(0)
        os.waitpid(child, 0)
        result["child"] = len(seen(bpf))
        # Single functions are excluded by name.
        bpf.detach_uprobe(name=PATH, sym="function_0", pid=os.getpid())
        bpf.detach_uprobe(name=PATH, sym="function_2", pid=os.getpid())
        call(library, NAMES)
        gone = [address_of(library.function_0), address_of(library.function_2)]
        left = {address: value for address, value in expected.items() if address not in gone}
        result["excluded"] = seen(bpf) == left and bpf.num_open_uprobes() == COUNT - 2
        try:
            bpf.detach_uprobe(name=PATH, sym="function_2", pid=os.getpid())
        except AttachError as error:
            result["again"] = str(error)
        # Attaching to the same functions again takes the place of what is left.
        link = bpf.attach_uprobe(fn_name="on_call", **options)
        call(library, NAMES)
        result["replaced"] = seen(bpf) == expected and bpf.num_open_uprobes() == COUNT
        result["replaced_links"] = links()
        # Returns, beside the entries, and a single probe of the same program.
        returns = bpf.attach_uretprobe(fn_name="on_return", **options)
        single = bpf.attach_uprobe(name=PATH, sym="alone", fn_name="on_call", pid=os.getpid(), cookie=7 * COOKIES)
        call(library, [*NAMES, "alone"])
        values = {cookie.value: value.value for cookie, value in bpf["returns"].items()}
        results = {1000 + number: 2 * number for number in range(COUNT)}
        result["returns"] = values == (results if COOKIES else {0: sum(results.values())})
        result["single"] = seen(bpf) == expected | {address_of(library.alone): [7 * COOKIES, 1]}
        result["open_all"] = bpf.num_open_uprobes()
        for attached in single, returns, link:
            attached.detach()
        call(library, [*NAMES, "alone"])
        result["detached"] = len(seen(bpf))
        result["links_after"] = links()
        # One cookie for all; two functions of one name are one entry.
        with bpf.attach_uprobe(name=PATH, sym_re="^twin$", fn_name="on_call", pid=os.getpid()) as twins:
            library.first_twin(1)
            library.second_twin(1)
            result["twins"] = [calls.value for calls in bpf["entries"].values()]
            result["twin_names"] = len(twins.names)
    print(json.dumps(result))


main()
