#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Loads all programs of compiled texts into the running kernel, and prints a line of JSON for each text.

Runs inside a guest, on objects that tests/conformance/texts compiled outside; nothing is compiled here.
"""
import glob
import json
import os
import sys

from bcc import BPF
from ebcc import _ebcc

# The types of programs whose name says what they are.
TYPES_BY_PREFIX = {prefix.decode(): kind for prefix, kind in _ebcc.PROGRAM_KINDS.values()}
# For others, the tool chooses the type when it attaches; here, the first that the verifier accepts.
OTHER_TYPES = (BPF.KPROBE, BPF.TRACEPOINT, BPF.PERF_EVENT, BPF.RAW_TRACEPOINT, BPF.SCHED_CLS, BPF.XDP,
               BPF.SOCKET_FILTER)


def types_of(name):
    """The types to try, in order."""
    for prefix, kind in TYPES_BY_PREFIX.items():
        if name.startswith(prefix):
            return (kind,)
    return OTHER_TYPES


def read(path):
    """The contents of a file, or None if it does not exist."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def load_program(program):
    """None if it loads as one of its types; else the error of the first type."""
    name = program.name if isinstance(program.name, str) else program.name.decode()
    first = None
    for kind in types_of(name):
        try:
            program.load(kind)
            return None
        except Exception as error:  # pylint: disable=broad-except
            first = first or f"{name}: {error}"
    return first


def verify(path):
    """None if all programs of an object load; else why one does not."""
    module = _ebcc.Module(source=b"", file_name=None, header=None, cflags=[], debug=0, kernel_types=0,
                          compiler=0, btf_path=None, device=None, no_rlimit=False, kernel_root=None,
                          object=read(path), second_object=read(path + ".second"))
    try:
        for program in module.programs():
            error = load_program(program)
            if error:
                return error[-4000:]
        return None
    finally:
        module.close()


def results(directory):
    """(name, error or None) of each object in the directory, sorted by name."""
    for path in sorted(glob.glob(os.path.join(directory, "*.o"))):
        try:
            error = verify(path)
        except Exception as failure:  # pylint: disable=broad-except
            error = str(failure)
        yield os.path.basename(path)[:-2], error


if __name__ == "__main__":
    for text, reason in results(sys.argv[1]):
        print(json.dumps({"name": text, "verify": reason}), flush=True)
