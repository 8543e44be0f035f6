"""One boot of a kernel in QEMU under software emulation, over this machine's own root file system.

This writes the initramfs (busybox, the modules for the shares and the scratch disk, ./init). Command, output and exit
status are passed through a small share. A panic or a timeout stops the machine and shows the end of the console.
"""

import lzma
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from kernels import KernelError

HERE = Path(__file__).resolve().parent
MODULES = ("virtio_pci", "9p", "9pnet_virtio", "overlay", "virtio_blk")
BUSYBOX = Path("/bin/busybox")
QEMU = "qemu-system-x86_64"
GUEST_SHARE = Path("/run/ebcc-vm")
CONSOLE_TAIL_LINES = 40
BOOT_TIMEOUT_S = 300
POLL_S = 0.1
SCRATCH_DISK_BYTES = 64 << 20
# Nothing here needs protection from the guest's processes, and mitigations cost emulated instructions.
KERNEL_ARGUMENTS = (
    "console=ttyS0 panic=-1 oops=panic mitigations=off random.trust_cpu=on no_timer_check tsc=reliable "
    "audit=0 loglevel=4 lsm=landlock,yama,apparmor,bpf rdinit=/init"
)
FAILURE_ON_CONSOLE = re.compile(rb"Kernel panic - not syncing|ebcc-vm: init failed", re.MULTILINE)


class MachineError(Exception):
    """The command did not run to its end; the text includes the end of the console."""


@dataclass
class Request:
    """What one boot is to do."""

    command: list  # program and arguments
    directory: Path = Path("/")
    environment: dict = field(default_factory=dict)
    prelude: str = ""  # shell lines to run first, such as scripts/env prints
    timeout: float = 600  # seconds, from the command's start
    memory_mb: int = 2048
    cpus: int = 2
    kernel_arguments: str = ""
    on_output: object = None  # called with the command's output as it arrives


@dataclass
class Result:
    """How it ended. The exit status of the command is None if it did not end by itself."""

    status: int
    output: str
    boot_seconds: float
    seconds: float


def module_closure(kernel, names):
    """The module files in the order in which they must be loaded, without those that are built in."""
    dependencies = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        dependencies[path] = needs.split()
    by_name = {module_name(path): path for path in dependencies}
    builtin = {module_name(path) for path in (kernel.modules / "modules.builtin").read_text().split()}
    ordered = []
    for name in names:
        if name in builtin:
            continue
        if name not in by_name:
            raise KernelError(f"{kernel.release} has no module {name}")
        path = by_name[name]
        # In modules.dep, the most basic dependencies of a module come last.
        for needed in [*reversed(dependencies[path]), path]:
            if needed not in ordered:
                ordered.append(needed)
    return ordered


def module_name(path):
    """The module name of a file."""
    return Path(path).name.split(".ko")[0].replace("-", "_")


def module_bytes(path):
    """The contents of a module, uncompressed, as insmod of busybox does not decompress."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


class Cpio:
    """Writes the archive format newc, which the kernel unpacks."""

    def __init__(self):
        self.parts = []
        self.inode = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        """Adds an entry."""
        self.inode += 1
        path = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % value for value in fields)
        for part in (header + path, data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def finish(self):
        """Returns the archive."""
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def build_initramfs(kernel, path):
    """Writes the initramfs of a kernel."""
    archive = Cpio()
    for name in ("bin", "dev", "lower", "modules", "newroot", "proc", "sys", "upper"):
        archive.add(name, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, BUSYBOX.read_bytes())
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    archive.add("init", stat.S_IFREG | 0o755, (HERE / "init").read_bytes())
    names = []
    for module in module_closure(kernel, MODULES):
        names.append(module_name(module) + ".ko")
        archive.add(f"modules/{names[-1]}", stat.S_IFREG | 0o644, module_bytes(kernel.modules / module))
    archive.add("modules.list", stat.S_IFREG | 0o644, "".join(f"{name}\n" for name in names).encode())
    facts = {
        "KERNEL_SUITE": kernel.suite,
        "KERNEL_RELEASE": kernel.release,
        "KERNEL_MODULES": str(kernel.modules.resolve()),
        "KERNEL_CONFIG": str(kernel.config or ""),
    }
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in facts.items())
    archive.add("guest.env", stat.S_IFREG | 0o644, lines.encode())
    path.write_bytes(archive.finish())


def write_command(request, path):
    """Writes the script that the guest's session runs."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        **request.environment,
    }
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    path.write_text(
        f"{exports}{request.prelude}\n"
        f"cd {shlex.quote(str(request.directory))} || exit 125\n"
        f"exec {shlex.join(request.command)}\n"
    )


def qemu_command(kernel, request, work):
    """QEMU's command line.

    The virtual CPUs take turns in one thread: if each has its own, another CPU sometimes executes code that is half patched
    (static branches, kprobes), and the kernel oopses. AVX is disabled, as string functions that use it are slower under
    emulation.
    """
    return [
        QEMU,
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-machine", "q35", "-accel", "tcg,thread=single", "-cpu", "max,la57=off,-avx,-avx2",
        "-smp", str(request.cpus), "-m", str(request.memory_mb),
        "-kernel", str(kernel.image), "-initrd", str(work / "initramfs"),
        "-append", f"{KERNEL_ARGUMENTS} {request.kernel_arguments}".strip(),
        "-serial", f"file:{work / 'console'}",
        "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
        "-virtfs", f"local,path={work / 'share'},mount_tag=session,security_model=none,multidevs=remap",
        "-drive", f"file={work / 'scratch'},format=raw,if=virtio,cache=unsafe",
    ]  # fmt: skip


class Machine:
    """A boot in progress. Use boot()."""

    def __init__(self, kernel, request, work):
        self.kernel = kernel
        self.request = request
        self.work = work
        self.share = work / "share"
        self.output_read = 0
        self.started_at = None
        self.booted_at = None
        self.process = None

    def prepare(self):
        """Writes everything that QEMU needs to read."""
        for tool in (BUSYBOX, Path(shutil.which(QEMU) or QEMU)):
            if not tool.exists():
                raise MachineError(f"{tool} is missing; scripts/install-deps installs it")
        self.share.mkdir(parents=True, exist_ok=True)
        build_initramfs(self.kernel, self.work / "initramfs")
        with open(self.work / "scratch", "wb") as disk:
            disk.truncate(SCRATCH_DISK_BYTES)
        shutil.copy(HERE / "session", self.share / "session")
        write_command(self.request, self.share / "command")

    def console_tail(self):
        """The last lines of the console; after a panic, everything from its first line."""
        path = self.work / "console"
        text = path.read_bytes().decode(errors="replace").replace("\r", "") if path.exists() else ""
        lines = [line for line in text.splitlines() if line.strip()]
        panics = [number for number, line in enumerate(lines) if FAILURE_ON_CONSOLE.search(line.encode())]
        lines = lines[min([len(lines) - CONSOLE_TAIL_LINES, *panics]):] if len(lines) > CONSOLE_TAIL_LINES else lines
        return "\n".join(f"  | {line}" for line in lines) or "  | (nothing on the console)"

    def fail(self, reason):
        """Raises MachineError with the end of the console."""
        raise MachineError(f"{self.kernel.suite} ({self.kernel.release}): {reason}; last lines of the console:\n{self.console_tail()}")

    def pump_output(self):
        """Passes on what the command has printed since the last call."""
        path = self.share / "output"
        if self.request.on_output is None or not path.exists():
            return
        with open(path, "rb") as output:
            output.seek(self.output_read)
            data = output.read()
        self.output_read += len(data)
        if data:
            self.request.on_output(data)

    def watch(self):
        """Waits until the command ends, a limit is reached, or the kernel dies."""
        while True:
            ended = self.process.poll() is not None
            now = time.monotonic()
            if self.booted_at is None and (self.share / "started").exists():
                self.booted_at = now
            self.pump_output()
            if (self.share / "status").exists():
                return
            console = self.work / "console"
            if console.exists() and FAILURE_ON_CONSOLE.search(console.read_bytes()):
                time.sleep(0.5)  # let the kernel print its backtrace
                self.fail("the kernel panicked")
            if ended:
                self.fail(f"the machine stopped without an exit status (QEMU's was {self.process.returncode})")
            if self.booted_at is None and now - self.started_at > BOOT_TIMEOUT_S:
                self.fail(f"not booted after {BOOT_TIMEOUT_S} s")
            if self.booted_at is not None and now - self.booted_at > self.request.timeout:
                self.fail(f"still running after {self.request.timeout:g} s")
            time.sleep(POLL_S)

    def run(self):
        """Boots, waits and cleans up."""
        self.prepare()
        log = open(self.work / "qemu.log", "wb")
        with log:
            self.started_at = time.monotonic()
            self.process = subprocess.Popen(
                qemu_command(self.kernel, self.request, self.work),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.watch()
        except MachineError as error:
            said = (self.work / "qemu.log").read_text(errors="replace").strip()
            output = self.output()
            extra = f"\nQEMU's output:\n{said}" if said else ""
            extra += f"\nthe command's output so far:\n{output}" if output and not self.request.on_output else ""
            raise MachineError(f"{error}{extra}") from None
        finally:
            self.stop()
        return Result(
            status=int((self.share / "status").read_text()),
            output=self.output(),
            boot_seconds=self.booted_at - self.started_at if self.booted_at else 0.0,
            seconds=time.monotonic() - self.started_at,
        )

    def output(self):
        """Everything that the command has printed."""
        path = self.share / "output"
        return path.read_bytes().decode(errors="replace") if path.exists() else ""

    def stop(self):
        """Stops QEMU, unless it stopped when the command ended."""
        if self.process.poll() is None:
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def boot(kernel, request, work):
    """Boots a kernel, runs the request's command and returns its Result; the files of the boot remain in `work`."""
    return Machine(kernel, request, Path(work)).run()
