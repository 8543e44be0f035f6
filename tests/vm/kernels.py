"""Debian's kernels, fetched and unpacked without touching the system's own apt.

Versions are looked up on demand on the mirror in the system's apt sources, with a private apt directory in the cache. An
unpacked kernel has indexed modules (depmod) and its BTF.
"""

import fcntl
import lzma
import os
import platform
import re
import shutil
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITES = ("bullseye", "bookworm", "trixie", "sid")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
META_PACKAGE = "linux-image-amd64"
HEADERS_META_PACKAGE = "linux-headers-amd64"
# Those dependencies of the meta package that have files we need: newer kernels are split into four.
KERNEL_PACKAGES = re.compile(r"^linux-(base|image|binary|modules)-\d\S*-amd64$")
# The configured tree (generated headers), and the headers that all flavours share.
HEADERS_PACKAGES = re.compile(r"^linux-headers-\d\S*-(amd64|common)$")
LISTS_MAX_AGE_S = 24 * 3600
# Suites whose kernels change: their results count only for the version that was last recorded.
MOVING = ("sid",)
TESTED = Path(__file__).resolve().parent / "tested-kernels"


class KernelError(Exception):
    """A kernel could not be fetched or unpacked; the text says what to do."""


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel image."""

    suite: str
    release: str  # as printed by `uname -r`
    root: Path  # where the packages were unpacked
    image: Path  # the bzImage
    modules: Path  # .../lib/modules/<release>
    btf: Path  # raw BTF of vmlinux, as in /sys/kernel/btf/vmlinux
    config: Path  # the kernel's .config, None if the packages don't have it


def cache_directory():
    """The folder for downloads."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "ebcc-tests"


@contextmanager
def locked(name, report):
    """Keeps other runs from working on the same part of the cache until the block ends."""
    path = cache_directory() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"{name}: waiting for another run that is working on it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def appearing(directory):
    """A folder to fill, which becomes `directory` if the block succeeds, so no one ever sees it half full.

    The caller holds the lock of the parent folder, so leftovers there come from runs that were killed.
    """
    for left in directory.parent.glob("partial.*"):
        shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix="partial.", dir=directory.parent))
    try:
        yield partial
        partial.chmod(0o755)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def run(command, **kwargs):
    """Runs a command quietly and returns its output; a failure includes the last lines of its output."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **kwargs)
    if done.returncode:
        tail = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise KernelError(f"{' '.join(map(str, command[:2]))} failed:\n  " + "\n  ".join(tail))
    return done.stdout


def mirror_uri():
    """The Debian mirror in this system's apt configuration, for the installed release.

    Labels are known only after lists were fetched; before that, the name of the release has to do.
    """
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    targets = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(LABEL)", "Created-By: Packages"]
    )
    rows = [line.split() for line in targets.splitlines()]
    for labels in (["Debian"], []):
        for uri, suite, *label in rows:
            if suite == release and label == labels:
                return uri
    raise KernelError("this system's apt sources have no mirror of its own Debian release, so kernels can't be fetched")


class PrivateApt:
    """An apt for one suite, with its own sources, state and cache."""

    def __init__(self, suite, directory):
        self.suite = suite
        self.directory = directory

    def _options(self):
        here = self.directory
        return [
            "-o", f"Dir::State={here}/state",
            "-o", f"Dir::State::status={here}/status",
            "-o", f"Dir::Cache={here}/cache",
            "-o", f"Dir::Etc::SourceList={here}/sources.list",
            "-o", "Dir::Etc::SourceParts=/dev/null",
            "-o", "Dir::Etc::Preferences=/dev/null",
            "-o", "Dir::Etc::PreferencesParts=/dev/null",
            "-o", "Acquire::Languages=none",
            "-o", "Acquire::Retries=3",
            "-o", "APT::Sandbox::User=root",
            "-o", "APT::Architecture=amd64",
            "-q",
        ]  # fmt: skip

    def update(self, max_age=LISTS_MAX_AGE_S):
        """Fetches the package lists unless they are younger than max_age seconds."""
        stamp = self.directory / "updated"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < max_age:
            return
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        (self.directory / "status").touch()
        (self.directory / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror_uri()} {self.suite} main\n")
        run(["apt-get", *self._options(), "-o", "APT::Update::Error-Mode=any", "update"])
        stamp.touch()

    def packages_below(self, meta, pattern):
        """The names of the packages that a meta package depends on and that match the pattern."""
        listing = run(
            [
                "apt-cache", *self._options(), "depends", "--recurse", "--no-recommends", "--no-suggests",
                "--no-conflicts", "--no-breaks", "--no-replaces", meta,
            ]
        )  # fmt: skip
        names = sorted({line for line in listing.splitlines() if pattern.match(line)})
        if not names:
            raise KernelError(f"{meta} of {self.suite} does not depend on any kernel package")
        return names

    def download(self, names, directory):
        """Downloads packages, checks signatures, and returns the files."""
        run(["apt-get", *self._options(), "download", *names], cwd=directory)
        return sorted(directory.glob("*.deb"))


def decompress_payload(image):
    """The vmlinux inside a bzImage. The boot protocol says where it is (Documentation/arch/x86/boot.rst)."""
    data = image.read_bytes()
    if data[0x202:0x206] != b"HdrS":
        raise KernelError(f"{image} is not a bzImage")
    setup_sectors = data[0x1F1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = data[start : start + length]
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        # The size follows the payload; zstd reports that as trailing garbage after it has written everything.
        done = subprocess.run(["zstd", "-dcq"], input=payload, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return done.stdout
    raise KernelError(f"{image}: unknown compression {payload[:6].hex()}")


def elf_section(elf, wanted):
    """The contents of a section of a little-endian 64-bit ELF image."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise KernelError("the kernel's payload is not an ELF image")
    table = struct.unpack_from("<Q", elf, 40)[0]
    entry_size, count, names_index = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + i * entry_size) for i in range(count)]
    names_at, names_size = headers[names_index][4:6]
    names = elf[names_at : names_at + names_size]
    for name, _type, _flags, _address, offset, size in headers:
        if names[name : names.find(b"\0", name)] == wanted:
            return elf[offset : offset + size]
    raise KernelError(f"the kernel has no {wanted.decode()} section")


def unpack(packages, directory):
    """Unpacks downloaded packages, and adds the module index and BTF."""
    for package in packages:
        run(["dpkg", "-x", str(package), str(directory)])
        package.unlink()
    # Newer packages keep modules under /usr/lib; depmod may look in either place, so provide both.
    if not (directory / "lib").exists() and (directory / "usr/lib/modules").exists():
        (directory / "lib").symlink_to("usr/lib")
    releases = [path.name for path in directory.glob("lib/modules/*")]
    if len(releases) != 1:
        raise KernelError(f"expected one kernel among the packages, found {releases or 'no kernel'}")
    run(["depmod", "-b", str(directory), releases[0]])
    image = kernel_image(directory, releases[0])
    (directory / "vmlinux.btf").write_bytes(elf_section(decompress_payload(image), b".BTF"))


def kernel_image(directory, release):
    """Finds the bzImage, which newer packages have in the folder of modules instead of /boot."""
    for candidate in (
        directory / "boot" / f"vmlinuz-{release}",
        directory / "lib/modules" / release / "vmlinuz",
        directory / "usr/lib/linux/boot" / f"vmlinuz-{release}",
    ):
        if candidate.exists():
            return candidate
    found = sorted(directory.rglob("vmlinuz*"))
    if not found:
        raise KernelError(f"no kernel image among the packages unpacked in {directory}")
    return found[0]


def kernel_config(directory, release):
    """Finds the kernel's configuration, which moved the same way."""
    for candidate in (directory / "boot" / f"config-{release}", directory / "lib/modules" / release / "config"):
        if candidate.exists():
            return candidate
    return None


def kernel_at(suite, directory):
    """Describes an unpacked kernel."""
    release = next((directory / "lib/modules").iterdir()).name
    return Kernel(
        suite=suite,
        release=release,
        root=directory,
        image=kernel_image(directory, release),
        modules=directory / "lib/modules" / release,
        btf=directory / "vmlinux.btf",
        config=kernel_config(directory, release),
    )


def complete(home, names, unpack_into, suite, apt, report):
    """Returns the folder below home with these packages unpacked; downloads them if it doesn't exist yet."""
    # The names of packages include the version, so the folder has it, too.
    directory = home / names[-1].split("-", 2)[2]
    if not (directory / "complete").exists():
        report(f"{suite}: downloading {' '.join(names)}")
        shutil.rmtree(directory, ignore_errors=True)
        with appearing(directory) as partial:
            packages = apt.download(names, partial)
            try:
                unpack_into(packages, partial)
            except (OSError, LookupError, ValueError, EOFError, struct.error, lzma.LZMAError) as error:
                raise KernelError(f"{suite}: {' '.join(names)} can't be read: {error!r}") from error
            (partial / "complete").touch()
    return directory


def fetch_packages(suite, kind, meta, pattern, unpack_into, refresh, report):
    """Returns the folder with a suite's current packages of one kind.

    Without a network, uses the newest ones that were unpacked before, and calls report().
    """
    if suite not in SUITES:
        raise KernelError(f"unknown kernel '{suite}'; known: {', '.join(SUITES)}")
    home = cache_directory() / kind / suite
    home.mkdir(parents=True, exist_ok=True)
    apt = PrivateApt(suite, cache_directory() / "apt" / suite)
    with locked(suite, report):
        try:
            apt.update(max_age=0 if refresh else LISTS_MAX_AGE_S)
            names = apt.packages_below(meta, pattern)
        except KernelError as error:
            earlier = sorted(home.glob("*/complete"), key=lambda path: path.stat().st_mtime)
            if not earlier:
                raise
            report(f"{suite}: cannot look for newer {kind}, using what is there ({error})")
            return earlier[-1].parent
        return complete(home, names, unpack_into, suite, apt, report)


def fetch(suite, refresh=False, report=lambda text: None):
    """Returns the suite's current kernel; downloads and unpacks it if necessary."""
    directory = fetch_packages(suite, "kernels", META_PACKAGE, KERNEL_PACKAGES, unpack, refresh, report)
    return kernel_at(suite, directory)


def tested_kernels():
    """{suite: release} of the last recorded runs."""
    lines = (line.split("#")[0].split() for line in TESTED.read_text(encoding="ascii").splitlines())
    return {fields[0]: fields[1] for fields in lines if fields}


def record_tested(suite, release):
    """Records that this version of a suite's kernel was tested."""
    comments = [line for line in TESTED.read_text(encoding="ascii").splitlines() if line.startswith("#")]
    entries = {**tested_kernels(), suite: release}
    TESTED.write_text("\n".join([*comments, *(f"{name} {entries[name]}" for name in sorted(entries))]) + "\n", encoding="ascii")


def why_not_fatal(suite, refresh=False, report=lambda text: None):
    """Why failures on a suite's kernel don't count, in one line; None if they do.

    The archive keeps only the newest kernel of a suite that changes, so the recorded one is no longer available.
    """
    if suite not in MOVING:
        return None
    recorded = tested_kernels().get(suite)
    try:
        release = fetch(suite, refresh, report).release
    except KernelError as error:
        return f"{suite}'s kernel is not available: {' '.join(str(error).split())}"
    if recorded is None:
        return f"{release} is {suite}'s kernel, and no version of it is recorded as tested"
    newer = subprocess.run(["dpkg", "--compare-versions", release, "gt", recorded], check=False).returncode == 0
    return f"{release} is newer than {recorded}, the last that was recorded as tested" if newer else None


def unpack_headers(packages, directory):
    """Unpacks downloaded header packages."""
    for package in packages:
        run(["dpkg", "-x", str(package), str(directory)])
        package.unlink()


def fetch_headers(suite, refresh=False, report=lambda text: None):
    """Returns the header tree of the suite's current kernel, for BCC_KERNEL_SOURCE.

    The tree that all flavours share is beside it.
    """
    directory = fetch_packages(
        suite, "headers", HEADERS_META_PACKAGE, HEADERS_PACKAGES, unpack_headers, refresh, report
    )
    trees = [path for path in (directory / "usr/src").iterdir() if not path.name.endswith("-common")]
    if len(trees) != 1:
        raise KernelError(f"expected one configured header tree in {directory}/usr/src, found {len(trees)}")
    return trees[0]
