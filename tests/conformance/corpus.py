#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Extracts the BPF C text of the peer's Python tools, as the tools themselves generate it.

Each tool is run with typical options against a recording stand-in for the module (``standin/bcc``); what
it hands to ``BPF(...)`` is written to a directory, one JSON file per run. The texts are the peer's: they
are made when needed and never kept in the repository.
"""
import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# Tools whose text comes from other places than BPF(text=...), or that have none.
NO_PROGRAM = {"bpflist": "reads /proc only", "tplist": "lists tracepoints, loads nothing"}

# Data symbols that tools ask for and Debian's kernels list in kallsyms; BTF names functions only.
DATA_SYMBOLS = ["btrfs_file_operations", "ext4_file_operations", "vm_node_stat", "vm_zone_stat",
                "xfs_file_operations", "nfs_file_operations"]

# Typical options: the plain run first, then those that change the generated text.
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
    "drsnoop": [[], ["-x"], ["-p", "1"]],
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


def tools():
    """The peer's Python tools, by plain name, sorted."""
    found = []
    for name in sorted(os.listdir("/usr/sbin")):
        path = os.path.join("/usr/sbin", name)
        if not name.endswith("-bpfcc"):
            continue
        with open(path, "rb") as file:
            if b"python" in file.readline():
                found.append(name[:-len("-bpfcc")])
    return found


@functools.lru_cache(maxsize=None)
def host_tracepoints():
    """CATEGORY:EVENT of this machine: BTF names events, but not their categories."""
    for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        try:
            with open(os.path.join(root, "available_events"), encoding="utf-8") as file:
                return file.read().split()
        except OSError:
            continue
    raise SystemExit("tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing")


def facts_of(btf_path, kfunc):
    """What the stand-in answers for the kernel of a BTF file."""
    dump = json.loads(subprocess.run(["bpftool", "-j", "btf", "dump", "file", btf_path],
                                     check=True, capture_output=True).stdout)
    types = dump["types"]
    functions = sorted({entry["name"] for entry in types if entry["kind"] == "FUNC"})
    structs = {}
    events = set()
    for entry in types:
        if entry["kind"] in ("STRUCT", "UNION") and entry["name"] != "(anon)":
            structs.setdefault(entry["name"],
                               [member["name"] for member in entry.get("members", [])])
        elif entry["kind"] == "TYPEDEF" and entry["name"].startswith("btf_trace_"):
            events.add(entry["name"][len("btf_trace_"):])
    tracepoints = [name for name in host_tracepoints()
                   if name.split(":")[1] in events or name.startswith("syscalls:")]
    return {"functions": functions, "data": DATA_SYMBOLS, "structs": structs, "tracepoints": tracepoints,
            "kfunc": kfunc}


def record(tool, options, facts_path, output_path):
    """Runs one tool against the stand-in. Returns what it handed over, or the reason why nothing."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "xterm",
                   "PYTHONPATH": os.path.join(HERE, "standin"), "PYTHONDONTWRITEBYTECODE": "1",
                   "EBCC_RECORD_FACTS": facts_path, "EBCC_RECORD_OUTPUT": output_path}
    if os.path.exists(output_path):
        os.unlink(output_path)
    try:
        done = subprocess.run(["/usr/bin/python3", f"/usr/sbin/{tool}-bpfcc", *options],
                              env=environment, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        return None, "did not end in 60 s"
    if not os.path.exists(output_path):
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        return None, lines[-1] if lines else f"exit status {done.returncode}"
    with open(output_path, encoding="utf-8") as file:
        return json.load(file), None


def extract(btf_path, directory, kfunc=False, only=()):
    """Writes DIRECTORY/TOOL-N.json for each run; yields (name, options, reason or None)."""
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        facts_path = os.path.join(scratch, "facts.json")
        with open(facts_path, "w", encoding="utf-8") as file:
            json.dump(facts_of(btf_path, kfunc), file)
        for tool in tools():
            if tool in NO_PROGRAM or (only and tool not in only):
                continue
            for number, options in enumerate(RUNS.get(tool, [[]])):
                name = f"{tool}-{number}"
                recorded, reason = record(tool, options, facts_path,
                                          os.path.join(scratch, "output.json"))
                if recorded:
                    recorded.update(tool=tool, options=options)
                    with open(os.path.join(directory, name + ".json"), "w",
                              encoding="utf-8") as file:
                        json.dump(recorded, file)
                yield name, options, reason


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="example: corpus.py --btf /sys/kernel/btf/vmlinux --output /tmp/corpus")
    parser.add_argument("--btf", default="/sys/kernel/btf/vmlinux", help="BTF of the kernel")
    parser.add_argument("--output", required=True, help="directory for the texts")
    parser.add_argument("--kfunc", action="store_true",
                        help="answer that the kernel has BTF-typed function probes")
    parser.add_argument("tool", nargs="*", help="only these tools")
    arguments = parser.parse_args()
    failed = 0
    for name, options, reason in extract(arguments.btf, arguments.output, arguments.kfunc,
                                         arguments.tool):
        if reason:
            failed += 1
            print(f"{name} {' '.join(options)}: {reason}")
    print(f"{len(os.listdir(arguments.output))} texts, {failed} runs gave none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
