"""Compiles sources without the cache, for bench/compile: compile_sources.py SOURCES KERNEL_ROOT.

SOURCES is a JSON file with a list of objects: name, text, cflags. Prints for each of them, as JSON, how long creating the
module took, in seconds; the library writes the times of its stages to standard error (EBCC_TRACE).
"""

import json
import sys
import time
from pathlib import Path

from ebcc import _ebcc


def create(source, root):
    """Seconds that creating a module took, or None if the source does not compile."""
    text, flags = source["text"].encode(), [flag.encode() for flag in source["cflags"]]
    start = time.perf_counter()
    try:
        module = _ebcc.Module(
            source=text, file_name=source["name"].encode(), header=None, cflags=flags, debug=0, kernel_types=1, compiler=0,
            btf_path=None, device=None, no_rlimit=False, kernel_root=root.encode(),
        )  # fmt: skip
    except _ebcc.Error:
        return None
    seconds = time.perf_counter() - start
    module.close()
    return seconds


def main():
    """Compiles all sources in turn."""
    sources = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps({"module": _ebcc.__file__, "seconds": {source["name"]: create(source, sys.argv[2]) for source in sources}}))


main()
