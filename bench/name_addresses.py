#!/usr/bin/python3
"""The script that bench/symbols runs with each module: names addresses of a process and of the kernel, and prints one
line of JSON: the seconds of processor time for an address, and the fraction of addresses that have a name.

Arguments: the pid of a process, a file with its addresses, a file with kernel addresses; one address per line.
"""

import json
import sys
import time

ROUNDS = 3


def read_addresses(path):
    """The addresses in a file."""
    with open(path, encoding="ascii") as file:
        return [int(line, 16) for line in file]


def measure(name, addresses):
    """The seconds of processor time for naming all of them one by one, and the names."""
    begin = time.process_time()
    names = [name(address) for address in addresses]
    return time.process_time() - begin, names


def main():
    """Measures first without any symbols read, then the best of some rounds."""
    import bcc
    from bcc import BPF

    pid = int(sys.argv[1])
    kinds = {
        "user": (lambda address: BPF.sym(address, pid, show_module=True, show_offset=True), read_addresses(sys.argv[2])),
        "kernel": (lambda address: BPF.ksym(address, show_offset=True), read_addresses(sys.argv[3])),
    }
    result = {"module": bcc.__file__}
    for kind, (name, addresses) in kinds.items():
        cold, names = measure(name, addresses)
        result[f"{kind}_cold"] = cold / len(addresses)
        result[f"{kind}_warm"] = min(measure(name, addresses)[0] for _ in range(ROUNDS)) / len(addresses)
        result[f"{kind}_named"] = sum(not text.startswith(b"[unknown]") for text in names) / len(names)
    print(json.dumps(result))


main()
