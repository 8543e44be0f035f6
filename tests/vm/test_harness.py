"""The harness itself, on the host: what it writes for the guest, and what it reports when a guest fails."""

import os
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import kernels  # noqa: E402
import machine  # noqa: E402


def run(*arguments, **options):
    """Runs the command line, as a user does."""
    return subprocess.run([HERE / "run", *arguments], capture_output=True, text=True, timeout=300, check=False, **options)


def fake_kernel(directory, dependencies, builtin=""):
    """A kernel that has only lists of modules."""
    (directory / "modules.dep").write_text(dependencies)
    (directory / "modules.builtin").write_text(builtin)
    return kernels.Kernel("test", "1.0", directory, directory / "vmlinuz", directory, directory / "btf", None)


def test_modules_come_in_order_of_dependency(tmp_path):
    kernel = fake_kernel(tmp_path, "k/a.ko.xz: k/b-x.ko.xz k/c.ko.xz\nk/b-x.ko.xz: k/c.ko.xz\nk/c.ko.xz:\n", "k/d.ko\n")
    assert machine.module_closure(kernel, ["a", "d", "b_x"]) == ["k/c.ko.xz", "k/b-x.ko.xz", "k/a.ko.xz"]
    with pytest.raises(kernels.KernelError, match="no module e"):
        machine.module_closure(kernel, ["e"])


def test_initramfs_is_an_archive_that_others_read(tmp_path):
    archive = machine.Cpio()
    archive.add("bin", stat.S_IFDIR | 0o755)
    archive.add("bin/file", stat.S_IFREG | 0o755, b"contents")
    archive.add("bin/link", stat.S_IFLNK | 0o777, b"file")
    done = subprocess.run([machine.BUSYBOX, "cpio", "-idv"], input=archive.finish(), cwd=tmp_path, check=True, capture_output=True)
    assert done.stdout.split() == [b"bin", b"bin/file", b"bin/link"]
    assert (tmp_path / "bin/link").read_bytes() == b"contents"
    assert os.access(tmp_path / "bin/file", os.X_OK)


def test_modules_are_decompressed(tmp_path):
    (tmp_path / "m.ko").write_bytes(b"module" * 100)
    subprocess.run(["xz", "-k", "m.ko"], cwd=tmp_path, check=True)
    subprocess.run(["zstd", "-qk", "m.ko"], cwd=tmp_path, check=True)
    for name in ("m.ko", "m.ko.xz", "m.ko.zst"):
        assert machine.module_bytes(tmp_path / name) == b"module" * 100


class FakeApt:
    """An archive with one package of one kernel."""

    downloads = 0

    def __init__(self, suite, directory):
        pass

    def update(self, max_age=0):
        """Does nothing, as the lists never change."""

    def packages_below(self, meta, pattern):
        """The dependencies of the meta package."""
        return ["linux-image-1.0-amd64"]

    def download(self, names, directory):
        """Counts downloads."""
        FakeApt.downloads += 1
        return [directory / "image.deb"]


def test_two_runs_at_once_unpack_once(monkeypatch, tmp_path):
    """The second waits for the first, and both get the folder that the first filled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kernels, "PrivateApt", FakeApt)
    monkeypatch.setattr(FakeApt, "downloads", 0)
    unpacking, waiting = threading.Event(), threading.Event()
    found = []

    def unpack(_packages, directory):
        (directory / "half").touch()
        unpacking.set()
        assert waiting.wait(60)
        (directory / "whole").touch()

    def fetch(report):
        found.append(kernels.fetch_packages("sid", "kernels", "meta", None, unpack, False, report))

    first = threading.Thread(target=fetch, args=(lambda text: None,))
    first.start()
    assert unpacking.wait(60)
    fetch(lambda text: waiting.set() if "waiting for another run" in text else None)
    first.join()
    assert FakeApt.downloads == 1 and found[0] == found[1]
    assert {path.name for path in found[0].iterdir()} == {"half", "whole", "complete"}
    assert [path.name for path in found[0].parent.iterdir()] == ["1.0-amd64"]


def test_failed_and_killed_runs_leave_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kernels, "PrivateApt", FakeApt)
    home = tmp_path / "ebcc-tests/kernels/sid"
    (home / "partial.killed").mkdir(parents=True)
    (home / "1.0-amd64").mkdir()  # without "complete"

    def unpack(_packages, directory):
        raise kernels.KernelError("no room")

    with pytest.raises(kernels.KernelError, match="no room"):
        kernels.fetch_packages("sid", "kernels", "meta", None, unpack, False, print)
    assert list(home.iterdir()) == []


def test_what_cannot_be_unpacked_is_a_failure_of_that_kernel(monkeypatch, tmp_path):
    """A new layout of packages, or a new compression, is reported as a KernelError, whatever fails because of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kernels, "PrivateApt", FakeApt)

    with pytest.raises(kernels.KernelError, match=r"sid: linux-image-1\.0-amd64 can't be read: "):
        kernels.fetch_packages("sid", "kernels", "meta", None, lambda *_: struct.unpack("<I", b""), False, print)
    with pytest.raises(kernels.KernelError, match="expected one kernel among the packages, found no kernel"):
        kernels.unpack([], tmp_path)


@pytest.fixture
def archive(monkeypatch, tmp_path):
    """archive(release): sid's kernel has this version, or is not available; 7.2.13-amd64 is recorded as tested."""
    monkeypatch.setattr(kernels, "TESTED", tmp_path / "tested-kernels")
    kernels.TESTED.write_text("# comment\nsid 7.2.13-amd64\n", encoding="ascii")

    def offer(release):
        def fetch(suite, refresh=False, report=None):
            if isinstance(release, Exception):
                raise release
            return kernels.Kernel(suite, release, None, None, None, None, None)

        monkeypatch.setattr(kernels, "fetch", fetch)

    return offer


@pytest.mark.parametrize("release, reason", [
    ("7.2.13-amd64", None), ("7.2.9-amd64", None),
    ("7.2.13+deb14-amd64", "7.2.13+deb14-amd64 is newer than 7.2.13-amd64, the last that was recorded as tested"),
    ("7.10.1-amd64", "7.10.1-amd64 is newer than 7.2.13-amd64, the last that was recorded as tested"),
    (kernels.KernelError("apt-get update failed:\n  no route"), "sid's kernel is not available: apt-get update failed: no route"),
])
def test_failures_on_newer_kernels_do_not_count(archive, release, reason):
    archive(release)
    assert kernels.why_not_fatal("sid") == reason
    # Failures on the other suites' kernels count for every version, and so does a kernel that is not available.
    assert kernels.why_not_fatal("bookworm") is None and kernels.why_not_fatal("trixie") is None


def test_a_tested_kernel_is_recorded(archive):
    archive("7.3-amd64")
    kernels.record_tested("sid", "7.3-amd64")
    assert kernels.TESTED.read_text(encoding="ascii") == "# comment\nsid 7.3-amd64\n"
    assert kernels.why_not_fatal("sid") is None


def test_every_moving_kernel_has_a_record():
    assert set(kernels.tested_kernels()) == set(kernels.MOVING)


def test_btf_on_the_host():
    """--btf boots nothing and prints the path of a BTF file."""
    path = Path(run("--kernel", "bookworm", "--btf").stdout.strip())
    assert path.read_bytes()[:2] == b"\x9f\xeb"


def test_exit_status_output_and_overlay():
    """The exit status and output of the command are returned; what it writes to / is not kept."""
    probe = HERE / "written-by-the-guest"
    done = run("--kernel", "bookworm", "--", "sh", "-c", f"touch {probe} && ls {probe}; echo to stderr >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, f"{probe}\nto stderr\n")
    assert not probe.exists()


def test_panic_is_reported():
    done = run("--kernel", "bookworm", "--", "sh", "-c", "echo before; echo c >/proc/sysrq-trigger")
    assert done.returncode == 1
    assert "the kernel panicked" in done.stdout
    assert "before" in done.stdout
    assert "Kernel panic - not syncing" in done.stdout


def test_time_limit_is_reported():
    done = run("--kernel", "bookworm", "--timeout", "8", "--", "sh", "-c", "echo before; sleep 300")
    assert done.returncode == 1
    assert "still running after 8 s" in done.stdout
    assert "before" in done.stdout


def test_guest_files_refuse_to_run_on_the_host():
    environment = {name: value for name, value in os.environ.items() if name != "EBCC_VM"}
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", HERE / "guest_smoke.py"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "tests/vm/run" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kernel", "potato"], "invalid choice: 'potato'"),
        (["--"], "a command must follow"),
        (["x.py", "--", "true"], "either pytest files or a command"),
        (["--record", "x.py"], "only after running all files"),
    ],
)
def test_wrong_arguments(arguments, words):
    done = run(*arguments)
    assert done.returncode != 0
    assert words in done.stderr
