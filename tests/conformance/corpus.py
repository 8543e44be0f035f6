#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Extracts the BPF C text of the peer's Python tools, as the tools themselves generate it.

Each tool runs with typical options on a recording stand-in for the module (``standin/bcc``), which keeps what
the tool passes to ``BPF(...)``. Files copied from a kernel make the tool believe that it runs on that kernel.
The texts belong to the peer: they are generated when needed and never kept in the repository.
"""
import argparse
import hashlib
import json
import marshal
import os
import pty
import shlex
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))

# Where Debian's package has its tools, named NAME-bpfcc.
INSTALLED = "/usr/sbin"

# Tools whose text does not come from BPF(text=...), or that have none.
NO_PROGRAM = {"bpflist": "reads /proc only", "tplist": "lists tracepoints, loads nothing"}

# Tools that exit at once without a terminal.
NEED_TERMINAL = {"cachetop"}

# Files that some tools read before they pass on their text. They are the same on every machine here, so the texts depend
# only on the kernel: kvmexit requires an Intel processor and KVM, biosnoop a disk, and cpudist's maps have an entry for
# every process id.
MACHINE_FILES = {"/proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\n",
                 "/proc/sys/kernel/pid_max": "32768\n"}
# Everything in /dev of the tools, as arguments for mknod(1).
MACHINE_DEVICES = {"null": "c 1 3", "zero": "c 1 5", "urandom": "c 1 9", "tty": "c 5 0", "kvm": "c 10 232",
                   "vda": "b 254 0"}

# Typical options: first the plain run, then those that change the generated text.
RUNS = {
    "argdist": [["-H", "p::vfs_read(struct file *file, char *buf, size_t count):size_t:count"],
                ["-C", "r::vfs_write():int:$retval#writes"],
                ["-C", "t:sched:sched_switch():int:args->next_pid"]],
    "bashreadline": [[], ["-s", "/bin/bash"]],
    "bindsnoop": [[], ["-w", "-p", "1"]],
    "biolatency": [[], ["-D", "-Q"], ["-F"], ["-e", "-j"], ["-F", "-e"]],
    "biosnoop": [[], ["-Q"], ["-d", "vda"], ["-P"]],
    "biotop": [[], ["-p", "1"]],
    "biolatpcts": [["vda"]],
    "btrfsslower": [[], ["-j"]],
    "capable": [[], ["-K", "-U"], ["--unique"], ["-x"]],
    "compactsnoop": [[], ["-K"], ["-e"]],
    "cpudist": [[], ["-O"], ["-P"], ["-L"], ["-e"], ["-I"]],
    "criticalstat": [[], ["-p"]],
    "dbslower": [["mysql", "-x", "/bin/bash"]],
    "dbstat": [["mysql", "-p", "1"]],
    "deadlock": [["--binary", "/bin/bash", "1"]],
    "dirtop": [["-d", "/tmp"]],
    "drsnoop": [[], ["-T"], ["-p", "1"]],
    "execsnoop": [[], ["-x"], ["-U"], ["-t", "-T"], ["-u", "0"]],
    "exitsnoop": [[], ["--per-thread"]],
    "ext4slower": [[], ["-j"], ["1"], ["-p", "1"]],
    "filelife": [[], ["-p", "1"]],
    "fileslower": [[], ["-a"], ["1"]],
    "filetop": [[], ["-a"]],
    "funccount": [["vfs_*"], ["c:malloc"], ["t:block:*"], ["-p", "1", "vfs_read"]],
    "funcinterval": [["vfs_read"], ["c:malloc"], ["t:sched:sched_switch"]],
    "funclatency": [["vfs_read"], ["-F", "vfs_*"], ["-u", "c:malloc"], ["-l", "2", "vfs_read"]],
    "funcslower": [["vfs_read"], ["-a", "4", "vfs_read"], ["-UK", "vfs_read"], ["c:malloc"]],
    "hardirqs": [[], ["-d"], ["-N"], ["-C"]],
    "inject": [["kmalloc", "-v", "_do_fork() => mutex_lock()"], ["kmalloc", "vfs_read()"]],
    "killsnoop": [[], ["-x"], ["-s", "9"]],
    "klockstat": [[], ["-p", "1"]],
    "memleak": [[], ["-p", "1"], ["-a", "-p", "1"], ["--combined-only"], ["--percpu"]],
    "mysqld_qslower": [["1"]],
    "netqtop": [["-n", "lo"]],
    "nfsslower": [[], ["-j"]],
    "offcputime": [[], ["-u"], ["-k"], ["-d"], ["-p", "1"], ["--state", "1"]],
    "offwaketime": [[], ["-U"], ["-p", "1"]],
    "opensnoop": [[], ["-T", "-U"], ["-x"], ["-F"], ["-n", "main"], ["-f", "O_RDONLY"], ["-e"]],
    "ppchcalls": [["-p", "1"]],
    "profile": [[], ["-p", "1"], ["-U"], ["-K"], ["-d"], ["-I"]],
    "runqlat": [[], ["-P"], ["-L"], ["-p", "1"], ["--pidnss"]],
    "runqlen": [[], ["-C"], ["-O"]],
    "runqslower": [[], ["-P"], ["1000"]],
    "shmsnoop": [[], ["-T"]],
    "sofdsnoop": [[], ["-n", "x"]],
    "softirqs": [[], ["-d"], ["-N"], ["-C"]],
    "solisten": [[], ["--show-netns"]],
    "sslsniff": [[], ["-p", "1"], ["-x"], ["--hexdump"]],
    "stackcount": [["vfs_read"], ["-U", "c:malloc"], ["t:sched:sched_switch"], ["-P", "vfs_read"]],
    "statsnoop": [[], ["-x"], ["-p", "1"]],
    "syscount": [[], ["-L"], ["-P"], ["-x"], ["-e", "ENOENT"]],
    "tcpaccept": [[], ["-P", "80"], ["-4"]],
    "tcpconnect": [[], ["-c"], ["-P", "80"], ["-U"]],
    "tcpconnlat": [[], ["1"], ["-L"]],
    "tcplife": [[], ["-D", "80"], ["-w"]],
    "tcpretrans": [[], ["-l"], ["-c"]],
    "tcprtt": [[], ["-b"], ["-e"], ["-D"], ["-p", "80"]],
    "tcpstates": [[], ["-D", "80"]],
    "tcpsubnet": [[], ["127.0.0.1/32"]],
    "tcptop": [[], ["-4"]],
    "tcptracer": [[], ["-t"], ["-v"]],
    "trace": [["do_sys_openat2"], ['r::vfs_read "%d", retval'],
              ['p::vfs_write(struct file *file, char *buf, size_t count) "%d %s", count, '
               'file->f_path.dentry->d_name.name'],
              ['t:block:block_rq_complete "sectors=%d", args->nr_sector'],
              ["-K", "-U", "vfs_fsync"], ['c:malloc "size = %d", arg1'],
              ['vfs_read (arg3 > 20000) "read %d bytes", arg3']],
    "ttysnoop": [["-C", "/dev/tty"]],
    "vfsstat": [[], ["-p", "1"]],
    "virtiostat": [[], ["-D"]],
    "wakeuptime": [[], ["-u"], ["-p", "1"]],
    "xfsslower": [[], ["-j"]],
    "zfsslower": [[], ["-j"]],
}


def tools(place=INSTALLED):
    """The peer's Python tools in a directory, sorted by plain name."""
    found = []
    for name in sorted(os.listdir(place)):
        path = os.path.join(place, name)
        if not name.endswith("-bpfcc"):
            continue
        with open(path, "rb") as file:
            if b"python" in file.readline():
                found.append(name[:-len("-bpfcc")])
    return found


def symbols_of(root):
    """The names in a kernel's kallsyms."""
    with open(os.path.join(root, "proc/kallsyms"), encoding="ascii", errors="replace") as file:
        return {line.split()[2] for line in file}


def lines_of(path):
    """The first word of each line of a file."""
    with open(path, encoding="ascii", errors="replace") as file:
        return [line.split()[0] for line in file if line.strip()]


def structs_of(root):
    """The member names of each struct and union of vmlinux."""
    dump = json.loads(subprocess.run(
        ["bpftool", "-j", "btf", "dump", "file", os.path.join(root, "sys/kernel/btf/vmlinux")],
        check=True, capture_output=True).stdout)
    structs = {}
    for entry in dump["types"]:
        if entry["kind"] in ("STRUCT", "UNION") and entry["name"] != "(anon)":
            structs.setdefault(entry["name"],
                               [member["name"] for member in entry.get("members", [])])
    return structs


def facts_of(root):
    """The stand-in's answers for a kernel whose files are in `root` (tests/vm/run --root)."""
    tracing = os.path.join(root, "sys/kernel/tracing")
    return {"functions": sorted(set(lines_of(os.path.join(tracing, "available_filter_functions")))),
            "symbols": sorted(symbols_of(root)), "structs": structs_of(root),
            "tracepoints": lines_of(os.path.join(tracing, "available_events"))}


def write_machine(scratch):
    """Writes files to be mounted over this machine's own; returns (file, what it covers) pairs."""
    covers = []
    for number, (covered, contents) in enumerate(MACHINE_FILES.items()):
        path = os.path.join(scratch, f"machine-{number}")
        with open(path, "w", encoding="ascii") as file:
            file.write(contents)
        covers.append((path, covered))
    return covers


def in_kernels_files(root, covers, command):
    """Wraps a command so that the files that tools read are those of the kernel, and of the same imaginary
    machine."""
    tracing = os.path.join(root, "sys/kernel/tracing")
    places = [(os.path.join(root, "proc/kallsyms"), "/proc/kallsyms"), (tracing, "/sys/kernel/tracing"),
              (tracing, "/sys/kernel/debug/tracing"), *covers]
    script = ["set -e"]
    script += [f"mount --bind {shlex.quote(source)} {target}" for source, target in places]
    script += ["mount -t tmpfs tmpfs /dev"]
    script += [f"mknod -m 666 /dev/{name} {numbers}" for name, numbers in MACHINE_DEVICES.items()]
    return ["unshare", "-m", "sh", "-c", "\n".join([*script, 'exec "$@"']), "sh", *command]


def run_tool(command, environment, terminal):
    """Runs a tool to its end; returns the end of its output, or why there is none."""
    controller, terminal_end = pty.openpty() if terminal else (None, None)
    try:
        done = subprocess.run(command, env=environment, timeout=120, check=False,
                              stdin=terminal_end or subprocess.DEVNULL,
                              stdout=terminal_end or subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired:
        return "did not exit within 120 s"
    finally:
        if terminal:
            os.close(controller)
            os.close(terminal_end)
    lines = (done.stderr or done.stdout or b"").decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"


def package_of(place):
    """The peer's Python package that belongs to the tools in a directory, if it was unpacked with them."""
    return os.path.join(os.path.dirname(place), "lib/python3/dist-packages/bcc")


def record(path, options, kfunc, root, covers, scratch):
    """Runs one tool on the stand-in. Returns what it passed on, or why it passed on nothing."""
    tool = os.path.basename(path).removesuffix("-bpfcc")
    output_path = os.path.join(scratch, f"{tool}-{threading.get_ident()}.json")
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "xterm",
                   "PYTHONPATH": os.path.join(HERE, "standin"), "PYTHONDONTWRITEBYTECODE": "1",
                   "EBCC_RECORD_PEER": package_of(os.path.dirname(path)),
                   "EBCC_RECORD_FACTS": os.path.join(scratch, "facts"),
                   "EBCC_RECORD_KFUNC": "yes" if kfunc else "", "EBCC_RECORD_OUTPUT": output_path}
    command = in_kernels_files(root, covers, ["/usr/bin/python3", path, *options])
    said = run_tool(command, environment, tool in NEED_TERMINAL)
    if not os.path.exists(output_path):
        return {"missing": said}
    with open(output_path, encoding="utf-8") as file:
        recorded = json.load(file)
    os.unlink(output_path)
    return recorded


def asks_for_kfunc(path):
    """Whether the tool generates another text if the kernel has BTF-typed function probes."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return "kfunc" in file.read()


def runs(place=INSTALLED):
    """All runs as (name, tool, options, whether the kernel claims to have kfunc probes)."""
    for tool in tools(place):
        if tool in NO_PROGRAM:
            continue
        for number, options in enumerate(RUNS.get(tool, [[]])):
            yield f"{tool}-{number}", tool, options, True
            if asks_for_kfunc(os.path.join(place, f"{tool}-bpfcc")):
                yield f"{tool}-{number}-kprobe", tool, options, False


def extract(root, jobs=2, only=None, place=INSTALLED):
    """Runs all tools in a directory, or those named; returns a list of dicts: name, tool, options, and either text, cflags and usdt or
    missing."""
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "facts"), "wb") as file:
            marshal.dump(facts_of(root), file)
        covers = write_machine(scratch)

        def one(run):
            name, tool, options, kfunc = run
            return {"name": name, "tool": tool, "options": options,
                    **record(os.path.join(place, f"{tool}-bpfcc"), options, kfunc, root, covers, scratch)}

        with ThreadPoolExecutor(max_workers=jobs) as pool:
            return list(pool.map(one, (run for run in runs(place) if only is None or run[1] in only)))


def identity(root, place=INSTALLED):
    """A hash of everything that the texts depend on: tools, stand-in, options, the kernel's files."""
    digest = hashlib.sha256()
    files = [os.path.join(place, f"{tool}-bpfcc") for tool in tools(place)]
    files += [os.path.join(HERE, "corpus.py"), os.path.join(HERE, "standin", "bcc", "__init__.py")]
    for path in files:
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    digest.update(f"{place} {os.path.realpath(root)} {os.stat(root).st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


def texts(root, place=INSTALLED):
    """Like extract(), but cached until something changes on which the texts depend."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = os.path.join(base, "ebcc-tests", "corpus")
    path = os.path.join(directory, identity(root, place) + ".json")
    if not os.path.exists(path):
        os.makedirs(directory, exist_ok=True)
        found = extract(root, place=place)
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
            json.dump(found, file)
        os.rename(file.name, path)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: corpus.py --root "$(tests/vm/run --kernel sid --root)" --output /tmp/corpus')
    parser.add_argument("--root", required=True,
                        help="directory that describes the kernel: tests/vm/run --root")
    parser.add_argument("--output", required=True, help="directory for the texts, one file per run")
    arguments = parser.parse_args()
    os.makedirs(arguments.output, exist_ok=True)
    found = texts(arguments.root)
    for entry in found:
        if "missing" in entry:
            print(f"{entry['name']} {' '.join(entry['options'])}: {entry['missing']}")
            continue
        with open(os.path.join(arguments.output, entry["name"] + ".json"), "w",
                  encoding="utf-8") as file:
            json.dump(entry, file)
    print(f"{len(found)} runs, {sum('missing' in entry for entry in found)} gave no text")
    return 0


if __name__ == "__main__":
    sys.exit(main())
