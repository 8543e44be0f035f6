#!/usr/bin/python3
"""Packs the files that describe the running kernel to a compiler into a tar file, with their paths.

Runs inside a guest. The directory into which it is unpacked can be used as ebcc_module_opts.kernel_root. Lists of symbols,
functions and events are added for tests that need to know what the kernel has.
"""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

# File systems and drivers that tracing tools use, for their types and tracepoints.
MODULES = ("btrfs", "ext4", "kvm", "nfs", "nfsv4", "virtio_net", "xfs")

FILES = (
    "/proc/kallsyms",
    "/proc/sys/kernel/arch",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/version",
    "/sys/devices/system/cpu/possible",
    "/sys/kernel/notes",
    "/sys/kernel/tracing/available_events",
    "/sys/kernel/tracing/available_filter_functions",
    f"/boot/config-{os.uname().release}",
)
TREES = (("/sys/kernel/btf", "*"), ("/sys/kernel/tracing/events", "*/*/format"))


def paths():
    """The files to pack that exist on this kernel."""
    for name in FILES:
        if Path(name).exists():
            yield Path(name)
    for root, pattern in TREES:
        yield from sorted(Path(root).glob(pattern))


def main():
    """Writes the file named by the argument."""
    for module in MODULES:
        subprocess.run(["modprobe", module], check=True)
    with tarfile.open(sys.argv[1], "w") as archive:
        for path in paths():
            # The file sizes that sysfs and tracefs report are wrong.
            data = path.read_bytes()
            entry = tarfile.TarInfo(str(path).lstrip("/"))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main()
