# SPDX-License-Identifier: Apache-2.0
"""Runs a script, to learn what it compiles: python3 -m ebcc.tools.record REPORT MODE KERNEL_ROOT SCRIPT
[ARGUMENT...]. The library adds the objects to the store that EBCC_RECORD names.

MODE is "first": the script ends when it has compiled its first source, before anything is loaded into
the kernel; or "run": it runs as usual. KERNEL_ROOT is that of BPF(), or empty. The names of the files
that the script gave to BPF() are written to the file REPORT, as JSON: {name: path}.
"""
import json
import os
import runpy
import sys

from .. import bpf


class Recorder:
    """Follows the calls of BPF()."""

    def __init__(self, report, mode, kernel_root):
        self.report = report
        self.mode = mode
        self.kernel_root = kernel_root
        self.files = {}
        self.read = bpf._read
        self.find_file = bpf._find_file
        self.compile = bpf.BPF._compile

    def install(self):
        """Puts itself between BPF() and what BPF() calls."""
        def find_file(name):
            path = self.find_file(name)
            self.note(name, path)
            return path

        def read(path):
            if os.path.abspath(os.fsdecode(path)) not in self.files.values():
                self.note(path, path)  # an object
            return self.read(path)

        def compile_source(module, text, src_file, hdr_file, cflags, options):
            if self.kernel_root:
                options["kernel_root"] = self.kernel_root
            handle = self.compile(module, text, src_file, hdr_file, cflags, options)
            if self.mode == "first":
                self.write()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)  # nothing in the script can prevent it
            return handle

        bpf._find_file = find_file
        bpf._read = read
        bpf.BPF._compile = compile_source

    def note(self, name, path):
        """Notes a file that the script names."""
        self.files.setdefault(os.fsdecode(name), os.path.abspath(os.fsdecode(path)))

    def write(self):
        """Writes the report."""
        with open(self.report, "w", encoding="utf-8") as file:
            json.dump(self.files, file)


def main():
    report, mode, kernel_root, script, *arguments = sys.argv[1:]
    recorder = Recorder(report, mode, kernel_root.encode())
    recorder.install()
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        recorder.write()


if __name__ == "__main__":
    main()
