"""A process that opens files in known ways on command, and reports exactly what it did.

Commands come on standard input, one per line, and each answer is one line of JSON. "mark FLAGS"
opens the marker, which does not exist. "opens" makes every kind of call, and answers with the list
of calls, in order: name, flags, directory of a relative name, thread, result. "blocked" makes one
call whose name is overwritten while it is in progress.
"""
import ctypes
import errno
import json
import mmap
import os
import platform
import sys
import tempfile
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
SYS_OPENAT2 = 437
SYS_OPEN = 2 if platform.machine() == "x86_64" else None
PAGE = mmap.PAGESIZE


class OpenHow(ctypes.Structure):
    """struct open_how of openat2(2)."""

    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


class Opens:
    """Makes the calls and records them."""

    def __init__(self, directory):
        self.directory = os.fsencode(directory)
        self.calls = []
        self.areas = {}
        self.watcher = Watcher()

    def path(self, name):
        """The absolute path of a name in the test's directory."""
        return os.path.join(self.directory, name)

    def record(self, name, flags, fd, base=None):
        """Records a call that just returned, and closes what it opened."""
        error = ctypes.get_errno() if fd < 0 else 0
        self.calls.append({"name": os.fsdecode(name), "flags": flags, "fd": max(fd, -1),
                           "err": error, "tid": threading.get_native_id(),
                           "base": os.fsdecode(base) if base else None})
        if fd >= 0:
            os.close(fd)

    def openat(self, name, flags, directory=-100, base=None, pointer=None):
        """One openat(2), which glibc's open() also calls."""
        fd = libc.openat(directory, pointer or ctypes.c_char_p(name), flags, 0o600)
        self.record(name, flags, fd, base)

    def openat2(self, name, flags, how=None):
        """One openat2(2); `how` is the address of its struct open_how, or None to make one here."""
        fields = OpenHow(flags, 0, 0)
        address = how or ctypes.addressof(fields)
        fd = libc.syscall(ctypes.c_long(SYS_OPENAT2), ctypes.c_long(-100), ctypes.c_char_p(name),
                          ctypes.c_void_p(address), ctypes.c_size_t(ctypes.sizeof(fields)))
        self.record(name, flags, fd)

    def page_of(self, contents):
        """Maps a page of a file with these bytes, and returns its address."""
        with tempfile.TemporaryFile(dir=self.directory) as file:
            file.write(contents.ljust(PAGE, b"\0"))
            file.flush()
            area = mmap.mmap(file.fileno(), PAGE, mmap.MAP_PRIVATE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(area))
        self.areas[address] = area
        return address

    def make_absent(self, address):
        """Removes the page at an address from the page table, and checks that it is gone."""
        self.areas[address].madvise(mmap.MADV_DONTNEED)
        entry = os.pread(self.pagemap, 8, address // PAGE * 8)
        assert not int.from_bytes(entry, sys.byteorder) >> 63

    def prepare(self):
        """Creates the files to open; none of this is recorded."""
        deep = os.path.join(b"l" * 200, b"m" * 200, b"n" * 200)
        os.makedirs(self.path(deep))
        os.mkdir(self.path(b"base"))
        for name in (b"plain", b"base/below", b"control\n\x1b[31m\xc2\x9b2J", b"latin-\xe9", "ünïcode".encode(),
                     os.path.join(deep, b"deep")):
            with open(self.path(name), "wb"):
                pass
        self.deep = self.path(os.path.join(deep, b"deep"))
        self.base = os.open(self.path(b"base"), os.O_RDONLY | os.O_DIRECTORY)
        os.chdir(self.path(b"base"))
        # Pages that will be absent during calls. They are made here because making them opens files.
        self.pagemap = os.open("/proc/self/pagemap", os.O_RDONLY)
        self.absent_name = self.page_of(self.path(b"plain"))
        self.absent_how = self.page_of(bytes(OpenHow(os.O_RDONLY, 0, 0)))

    def run(self):
        """Makes each kind of call once."""
        self.calls = []
        self.openat(self.path(b"plain"), os.O_RDONLY)
        self.openat(self.path(b"missing"), os.O_RDONLY)
        self.openat(self.path(b"made"), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        self.openat(self.path(b"made"), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        self.openat(self.path(b"plain"), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.openat(b"below", os.O_RDONLY, base=self.path(b"base"))
        self.openat(b"../plain", os.O_RDONLY, directory=self.base, base=self.path(b"base"))
        self.openat(b"", os.O_RDONLY)
        self.openat(self.path(b"control\n\x1b[31m\xc2\x9b2J"), os.O_RDONLY)
        self.openat(self.path(b"latin-\xe9"), os.O_RDONLY)
        self.openat(self.path("ünïcode".encode()), os.O_RDONLY)
        self.openat(self.deep, os.O_RDONLY)
        self.make_absent(self.absent_name)
        self.openat(self.path(b"plain"), os.O_RDONLY, pointer=ctypes.c_void_p(self.absent_name))
        self.record(self.path(b"created"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC,
                    libc.creat(ctypes.c_char_p(self.path(b"created")), 0o600))
        self.openat2(self.path(b"plain"), os.O_RDONLY | os.O_CLOEXEC)
        self.make_absent(self.absent_how)
        self.openat2(self.path(b"plain"), os.O_RDONLY, how=self.absent_how)
        self.openat2(self.path(b"missing"), os.O_PATH)
        if SYS_OPEN:
            name = self.path(b"plain")
            self.record(name, os.O_NONBLOCK, libc.syscall(
                ctypes.c_long(SYS_OPEN), ctypes.c_char_p(name), ctypes.c_long(os.O_NONBLOCK)))
        thread = threading.Thread(target=self.openat, args=(self.path(b"plain"), os.O_RDONLY))
        thread.start()
        thread.join()

    def change_while_blocked(self):
        """Makes an open of a pipe that blocks, and overwrites its name before it returns."""
        pipe = self.path(b"pipe")
        if not os.path.exists(pipe):
            os.mkfifo(pipe)
        name = ctypes.create_string_buffer(pipe)
        thread = threading.Thread(target=self.openat, args=(pipe, os.O_RDONLY),
                                  kwargs={"pointer": name})
        thread.start()
        self.watcher.wait_until_blocked(thread.native_id)
        name.value = b"overwritten"
        writer = os.open(pipe, os.O_WRONLY)
        thread.join()
        os.close(writer)
        return self.calls[-1]


class Watcher:
    """A second process that watches the threads of this one, because every file that this one opens is traced. It is
    started before the trace, because Python may also open files when it forks."""

    def __init__(self):
        requests, self.ask = os.pipe()
        self.answered, answers = os.pipe()
        parent = os.getpid()
        if not os.fork():
            os.close(self.ask)
            while thread := os.read(requests, 20):
                self._wait_for_openat(f"/proc/{parent}/task/{int(thread)}/syscall")
                os.write(answers, b".")
            os._exit(0)
        os.close(requests)
        os.close(answers)

    @staticmethod
    def _wait_for_openat(path):
        number = {"x86_64": "257", "aarch64": "56"}[platform.machine()]
        blocked = False
        while not blocked:
            time.sleep(0.01)
            with open(path, encoding="ascii") as file:
                blocked = file.read().split()[0] == number

    def wait_until_blocked(self, thread):
        """Waits until a thread sleeps in openat(2)."""
        os.write(self.ask, b"%d" % thread)
        os.read(self.answered, 1)


def main():
    opens = Opens(sys.argv[1])
    opens.prepare()
    marker = opens.path(b"marker")
    print(json.dumps({"pid": os.getpid(), "marker": os.fsdecode(marker)}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "mark":
            fd = libc.openat(-100, marker, int(words[1]), 0)
            assert fd < 0 and ctypes.get_errno() == errno.ENOENT
            print("{}", flush=True)
        elif words[0] == "opens":
            opens.run()
            print(json.dumps(opens.calls), flush=True)
        elif words[0] == "blocked":
            print(json.dumps(opens.change_while_blocked()), flush=True)


if __name__ == "__main__":
    main()
