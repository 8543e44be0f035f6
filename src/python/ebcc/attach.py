# SPDX-License-Identifier: Apache-2.0
"""Attaching programs: the attach_ and detach_ methods of BPF, and the record of what is attached.

Every method takes names as str or bytes. An attach_ method returns a Link, which can detach it
again. Each link is also recorded under the name it was attached by, so that the matching detach_
method finds it. Everything is detached with the module.
"""

import os
import stat
from collections.abc import Mapping

from . import _ebcc
from .finding import FindMixin
from .utils import to_bytes, to_text


# The resolvers of indirect functions that the script has asked for explicitly, with
# libbcc.lib.bcc_resolve_symname(): {(path, name): address in the file}.
ifunc_resolvers = {}


def user_path(name, pid):
    """The file (bytes) that a name (bytes) means to attach_uprobe(). pid: the process whose libraries
    are searched, or a number below 1 for the system's directories."""
    if b"/" not in name:
        name = _ebcc.find_library(name, max(pid, 0)) or FindMixin.find_exe(name) or name
    return os.path.realpath(name)


class Links(Mapping):
    """Links by name, and by program under one name: {name: {program: link}}."""

    def __init__(self):
        self._links = {}

    def __len__(self):
        return len(self._links)

    def __iter__(self):
        return iter(self._links)

    def __getitem__(self, name):
        return self._links[name]

    def add(self, name, fn_name, link):
        """Records a link, and detaches the same program's earlier link under that name. Returns a
        part for a Link."""
        return self.add_all({name: link}, fn_name)[0]

    def add_all(self, links, fn_name):
        """The same for several: {name: link}."""
        previous = [self._links.get(name, {}).pop(fn_name, None) for name in links]
        _detach_all([link for link in previous if link is not None])
        for name, link in links.items():
            self._links.setdefault(name, {})[fn_name] = link
        return [(self, name, fn_name, link) for name, link in links.items()]

    def forget(self, name, fn_name, link):
        """Removes a link from the record. Returns whether it was there; another link may have replaced
        it."""
        links = self._links.get(name, {})
        if links.get(fn_name) is not link:
            return False
        del links[fn_name]
        if not links:
            del self._links[name]
        return True

    def detach(self, name, fn_name=None, what="program", shown=None):
        """Detaches one program, or all, from what is recorded under the name. what, shown: words for
        the error: the kind of thing, and its name. Raises AttachError if there is none."""
        links = self._links.get(name)
        if not links or (fn_name is not None and fn_name not in links):
            raise _ebcc.AttachError("no %s is attached to %s" % (what, _display_name(shown or name)))
        try:
            _detach_all([links.pop(attached) for attached in
                         ([fn_name] if fn_name is not None else list(links))])
        finally:
            if not links:
                del self._links[name]

    def clear(self):
        """Forgets all links without detaching them."""
        self._links.clear()


def _detach_all(links):
    """Detaches links together; one that fails doesn't keep the others attached."""
    failure, whole = None, []
    for link in _merged(links):
        if isinstance(link, _ebcc.Link):
            whole.append(link)
            continue
        try:
            link.detach()
        except _ebcc.Error as error:
            failure = error
    try:
        _ebcc.detach_links(whole)
    except _ebcc.Error as error:
        failure = error
    if failure is not None:
        raise failure


class FunctionOfLink:
    """One function of a link that covers many."""

    def __init__(self, link, function):
        self.link = link
        self.function = function
        self._detached = False

    @property
    def attached(self):
        """Whether the program is attached to it."""
        return self.link.attached and not self._detached

    @property
    def fd(self):
        """The descriptor of the whole link."""
        return self.link.fd

    @property
    def name(self):
        """What it is attached to, as text for people."""
        kind, _, where = self.link.name.partition(":")
        path = where.rpartition(":")[0]
        return "%s:%s%s" % (kind.removesuffix(".multi"), path + ":" if path else "", to_text(self.function))

    def detach(self):
        """Detaches the function; with the last one, the whole link is detached."""
        self.link.detach_function(self.function)
        self._detached = True
        if not self.link.functions():
            self.link.detach()

    destroy = detach


def _merged(links):
    """The links, where all functions of one link are replaced by the link itself."""
    functions = {}
    for link in links:
        if isinstance(link, FunctionOfLink):
            functions.setdefault(link.link, []).append(link)
        else:
            yield link
    for link, parts in functions.items():
        if {part.function for part in parts}.issuperset(link.functions()):
            yield link
        else:
            yield from parts


class Link:
    """What a call of an attach_ method has attached: to one place, or to all that match a pattern.

    detach(), close() and the end of a `with` block detach it. A link that is dropped stays attached
    as long as the BPF object (bpf) is open. For scripts that chain calls, a link also has the methods
    and tables of that object.
    """

    def __init__(self, bpf, parts):
        self.bpf = bpf
        self._parts = parts

    def detach(self):
        """Detaches. Does nothing for what is detached already, in whatever way. Raises AttachError if
        it fails: the kernel may then still run the program."""
        parts, self._parts = self._parts, []
        _detach_all([link for links, name, fn_name, link in parts
                     if links is None or links.forget(name, fn_name, link)])

    close = detach

    def _whole(self):
        """The link of the kernel's that this one is."""
        links = list(_merged([link for _, _, _, link in self._parts if link.attached]))
        if not links:
            raise _ebcc.StateError("the link was detached")
        if len(links) > 1 or isinstance(links[0], FunctionOfLink):
            raise _ebcc.UnsupportedError("a pin is of one link of the kernel's, which this is not: %s" %
                                         ", ".join(self.names))
        return links[0]

    def pin(self, path):
        """Gives the link a name in a BPF file system: the program stays attached when the link is
        detached, and when the process ends, until unpin() or the removal of the file.

        path: a new file in a directory of /sys/fs/bpf. Raises UnsupportedError for what is not one link
        of the kernel's: several probes, an event on several CPUs, XDP, a control group, a socket.
        """
        self._whole().pin(path)

    def unpin(self, path):
        """Removes such a name, before the link is detached. Raises NotFoundError where there is none."""
        self._whole().unpin(path)

    @property
    def attached(self):
        """Whether any of it is attached."""
        return any(link.attached for _, _, _, link in self._parts)

    @property
    def names(self):
        """What it is attached to, as text for people: a list of str."""
        return [link.name for _, _, _, link in self._parts if link.attached]

    @property
    def fd(self):
        """The descriptor that keeps it attached, or the first if there are several; -1 if nothing is
        attached. For a raw socket it is the socket."""
        return next((link.fd for _, _, _, link in self._parts if link.attached), -1)

    def open(self):
        """For an iterator: a new descriptor to read from, which the caller closes. Raises StateError
        if the link was detached."""
        if not self._parts:
            raise _ebcc.StateError("the link was detached")
        return self._parts[0][-1].open()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.detach()

    def __repr__(self):
        return "<Link %s>" % (", ".join(self.names) or "detached")

    # For chained calls.

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.bpf, name)

    def __getitem__(self, table):
        return self.bpf[table]

    def __iter__(self):
        return iter(self.bpf)


def _cookie_of(cookie, name):
    """The cookie of one place of a pattern: the given number, or what the given function returns."""
    return cookie(name) if callable(cookie) else cookie


def _display_name(name):
    if isinstance(name, tuple):
        return " ".join(str(to_text(part)) for part in name[1:] if part not in (None, b"", 0, -1))
    return str(to_text(name))


def _event_name(prefix, event):
    return prefix + event.replace(b"+", b"_").replace(b".", b"_")


def _needed(value, what):
    value = to_bytes(value)
    if not value:
        raise _ebcc.InvalidArgumentError("%s is needed" % what)
    return value


def _exactly(name):
    """The regular expression (bytes) that only this name matches. Without the module re, which takes longer to
    import than all of this."""
    return b"^%s$" % b"".join(b"[%c]" % byte if chr(byte) in ".$@+" else b"%c" % byte for byte in name)


def _raise_misplaced_name(method, position, parameter, meaning, value):
    """Explains that a program's name stands where this method has another parameter, since the order
    differs between the attach_ methods."""
    raise _ebcc.InvalidArgumentError(
        "the %s argument of %s() is %s, %s: pass the program as fn_name=%r" % (
            position, method, parameter, meaning, to_text(to_bytes(value))))


def _program_of(function):
    bpf, name = getattr(function, "bpf", None), getattr(function, "name", None)
    if bpf is None or name is None:
        raise _ebcc.InvalidArgumentError("%r is not a program: pass what load_func() returned" %
                                         (function,))
    return bpf.module.program(name)


def _identity(descriptor):
    """A key for what a descriptor refers to: two descriptors of one directory have the same key."""
    try:
        status = os.fstat(descriptor)
    except OSError as error:
        raise _ebcc.AttachError("%d is not a descriptor: %s" % (descriptor, error.strerror)) from None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else descriptor


class AttachMixin:
    """The attaching methods of BPF."""

    def _init_links(self):
        self.kprobe_fds = Links()
        self.uprobe_fds = Links()
        self.tracepoint_fds = Links()
        self.raw_tracepoint_fds = Links()
        self.perf_events = Links()
        self.trace_fds = Links()
        self.iter_fds = Links()
        self.func_fds = Links()

    def _attach_matching(self, names, what, attach):
        """Attaches to each name; returns the parts of one Link. Some may fail, because not every
        function that is listed can be probed. Raises AttachError if all fail."""
        failure, parts = None, []
        for name in names:
            try:
                parts.append(attach(name))
            except _ebcc.AttachError as error:
                failure = error
        if not parts and isinstance(failure, _ebcc.UnsupportedError):
            raise failure
        if not parts:
            raise _ebcc.AttachError("nothing was attached: %s" % (
                failure or "no %s matches" % what)) from failure
        return parts

    def _check_probe_limit(self, more):
        limit = self.get_probe_limit()
        if len(self.kprobe_fds) + len(self.uprobe_fds) + more > limit:
            raise _ebcc.AttachError("%d more probes would exceed BCC_PROBE_LIMIT=%s" % (
                more, limit))

    # Kernel functions.

    def _attach_kernel(self, prefix, event, fn_name, offset=0, **options):
        event, fn_name = _needed(event, "event"), _needed(fn_name, "fn_name")
        self._check_probe_limit(1)
        link = self._program(fn_name).attach_kprobe(event, offset=offset, **options)
        return self.kprobe_fds.add(_event_name(prefix, event), fn_name, link)

    def _attach_functions(self, prefix, event_re, fn_name, on_return=False, max_active=0, cookie=0,
                          session=False, names=None):
        """Attaches to all functions that match, or those with the given names; one that fails doesn't affect
        the others. If the kernel supports it, one link covers them all. max_active needs a probe per
        function."""
        names = names or self.get_kprobe_functions(event_re)
        self._check_probe_limit(len(names))
        if not names:
            raise _ebcc.AttachError("nothing was attached: no kernel function matches")
        if max_active:
            return self._attach_matching(
                names, "kernel function",
                lambda name: self._attach_kernel(prefix, name, fn_name, on_return=on_return,
                                                 max_active=max_active,
                                                 cookie=_cookie_of(cookie, name)))
        cookies = [_cookie_of(cookie, name) for name in names] if cookie else None
        link = self._program(fn_name).attach_kprobe_multi(names, on_return, cookies, session)
        return self._add_functions(self.kprobe_fds, link, fn_name, lambda name: _event_name(prefix, name))

    @staticmethod
    def _add_functions(links, link, fn_name, key_of):
        """Records all functions of a link; returns the parts of a Link."""
        return links.add_all({key_of(name): FunctionOfLink(link, name) for name in link.functions()}, fn_name)

    def attach_kprobe(self, event=b"", event_off=0, fn_name=b"", event_re=b"", *, cookie=0):
        """Runs a program when the kernel function event is called, or event_off bytes into it.

        event_re: instead of event, all functions that match this regular expression. fn_name: the
        program. cookie: what bpf_get_attach_cookie() returns to the program (Linux 5.15 and later);
        with event_re it may be a function that returns the number for each name (bytes). Raises
        AttachError, which lists similar names if there is no such function.
        """
        if isinstance(event_off, (str, bytes)):
            _raise_misplaced_name("attach_kprobe", "second", "event_off", "a number of bytes",
                                  event_off)
        if event_re:
            return Link(self, self._attach_functions(b"p_", event_re, _needed(fn_name, "fn_name"),
                                                     cookie=cookie))
        return Link(self, [self._attach_kernel(b"p_", event, fn_name, offset=event_off,
                                               cookie=cookie)])

    def attach_kretprobe(self, event=b"", fn_name=b"", event_re=b"", maxactive=0, *, cookie=0):
        """Runs a program when the kernel function returns. maxactive: how many calls can be in
        progress at once; 0: the kernel's default. The other parameters are as in attach_kprobe()."""
        options = {"on_return": True, "max_active": maxactive, "cookie": cookie}
        if event_re:
            return Link(self, self._attach_functions(b"r_", event_re, _needed(fn_name, "fn_name"),
                                                     **options))
        return Link(self, [self._attach_kernel(b"r_", event, fn_name, **options)])

    def attach_session(self, event=b"", event_re=b"", fn_name=b"", *, name=b"", sym=b"", sym_re=b"", pid=-1,
                       cookie=0):
        """Runs one program both when a function is called and when it returns.

        The function is one of the kernel, event, or all that match event_re (Linux 6.10 and later); or,
        if name says the program or library, sym, or all that match sym_re (Linux 6.13 and later). In the
        program, bpf_session_is_return() says whether the function returns, and bpf_session_cookie() is the
        address of 8 bytes that both runs for one call share. If the first run returns 1, there is no second
        one. pid, cookie: as for attach_uprobe(). Raises AttachError; UnsupportedAttachError on kernels that
        can't do that.
        """
        fn_name = _needed(fn_name, "fn_name")
        if name:
            return Link(self, self._attach_user_functions(
                b"s_", to_bytes(name), sym_re or _exactly(_needed(sym, "sym or sym_re")), fn_name, pid, cookie,
                session=True))
        return Link(self, self._attach_functions(
            b"s_", event_re, fn_name, cookie=cookie, session=True,
            names=None if event_re else [_needed(event, "event, event_re or name")]))

    def detach_session(self, event=b"", fn_name=None, *, name=b"", sym=b"", pid=-1):
        """Detaches one program, or all, from a function that attach_session() attached it to. Raises
        AttachError if none is attached."""
        fn_name = to_bytes(fn_name)
        if name:
            self._detach_user(self._uprobe_key(b"s_", name, sym, None, pid), "session", fn_name)
        else:
            event = to_bytes(event)
            self.kprobe_fds.detach(_event_name(b"s_", event), fn_name, "session", event)

    def detach_kprobe_event(self, ev_name):
        """Detaches all programs from a probe by its name in kprobe_fds. Raises AttachError."""
        self.kprobe_fds.detach(to_bytes(ev_name), what="kprobe")

    def detach_kprobe_event_by_fn(self, ev_name, fn_name):
        """Detaches one program from a probe by its name in kprobe_fds. Raises AttachError."""
        self.kprobe_fds.detach(to_bytes(ev_name), to_bytes(fn_name), "kprobe")

    def detach_kprobe(self, event, fn_name=None):
        """Detaches one program, or all, from a kernel function. Raises AttachError if none is
        attached."""
        event = to_bytes(event)
        self.kprobe_fds.detach(_event_name(b"p_", event), to_bytes(fn_name), "kprobe", event)

    def detach_kretprobe(self, event, fn_name=None):
        """Detaches from a kernel function's return, like detach_kprobe()."""
        event = to_bytes(event)
        self.kprobe_fds.detach(_event_name(b"r_", event), to_bytes(fn_name), "kretprobe", event)

    def num_open_kprobes(self):
        """The number of kernel functions and returns that something is attached to."""
        return len(self.kprobe_fds)

    # Functions of programs and libraries.

    @staticmethod
    def _uprobe_key(prefix, name, sym, addr, pid, sym_off=0):
        return (prefix, to_bytes(name), to_bytes(sym) or b"", addr, sym_off, pid)

    def _attach_user_functions(self, prefix, name, sym_re, fn_name, pid, cookie, session=False):
        """Attaches to all functions that match: by one link, if the kernel supports it. Returns the parts
        of a Link."""
        # A function with several names gets one probe.
        names = {address: function for function, address in
                 self.get_user_functions_and_addresses(name, sym_re)}
        self._check_probe_limit(len(names))
        if not names:
            raise _ebcc.AttachError("nothing was attached: no function matches")
        cookies = [_cookie_of(cookie, function) for function in names.values()] if cookie else None
        try:
            link = self._program(fn_name).attach_uprobe_multi(
                name, list(names), list(names.values()), on_return=prefix == b"r_", pid=pid,
                cookies=cookies, session=session)
        except _ebcc.UnsupportedError:
            raise
        except _ebcc.AttachError as error:
            raise _ebcc.AttachError("nothing was attached: %s" % error) from error
        return self._add_functions(self.uprobe_fds, link, fn_name,
                                   lambda function: self._uprobe_key(prefix, name, function, None, pid))

    def _attach_user(self, prefix, name, sym, sym_re, addr, fn_name, pid, sym_off=0, cookie=0):
        """Attaches; returns the parts of a Link."""
        if name and sym and sym_re and not fn_name:
            _raise_misplaced_name("attach_u%sprobe" % ("ret" if prefix == b"r_" else ""), "third",
                                  "sym_re", "a pattern for names", sym_re)
        name, fn_name = _needed(name, "name"), _needed(fn_name, "fn_name")
        if sym_re:
            return self._attach_user_functions(prefix, name, sym_re, fn_name, pid, cookie)
        if not sym and addr is None:
            raise _ebcc.InvalidArgumentError("sym, sym_re or addr is needed")
        self._check_probe_limit(1)
        function, address = to_bytes(sym) or None, addr or 0
        if ifunc_resolvers and addr is None:
            place = user_path(name, pid), function
            if place in ifunc_resolvers:
                function, address = None, ifunc_resolvers[place]
        link = self._program(fn_name).attach_uprobe(
            name, function, address=address, offset=sym_off, on_return=prefix == b"r_", pid=pid,
            semaphore_offset=getattr(addr, "semaphore_offset", 0), cookie=cookie)
        key = self._uprobe_key(prefix, name, sym, addr, pid, sym_off)
        return [self.uprobe_fds.add(key, fn_name, link)]

    def attach_uprobe(self, name=b"", sym=b"", sym_re=b"", addr=None, fn_name=b"", pid=-1,
                      sym_off=0, *, cookie=0):
        """Runs a program when a function of a program or library is called.

        name: a path, or the name of a program or library ("c" is the C library). The function is
        one of sym: its name; sym_re: a regular expression, for all that match; addr: its address in
        the file (an address from USDT.enumerate_active_probes() carries its probe's semaphore).
        fn_name: the program. pid: only in this process; -1: in all. sym_off: the probe is this many
        bytes into the function. cookie: as for attach_kprobe(). Raises
        AttachError, which lists similar names.
        """
        return Link(self, self._attach_user(b"p_", name, sym, sym_re, addr, fn_name, pid, sym_off,
                                            cookie))

    def attach_uretprobe(self, name=b"", sym=b"", sym_re=b"", addr=None, fn_name=b"", pid=-1, *,
                         cookie=0):
        """Runs a program when the function returns; parameters as in attach_uprobe()."""
        return Link(self, self._attach_user(b"r_", name, sym, sym_re, addr, fn_name, pid,
                                            cookie=cookie))

    def _detach_user(self, key, what, fn_name=None):
        """Detaches what has this key, or a key that differs only in the name of the same file."""
        if key not in self.uprobe_fds:
            path = user_path(key[1], key[-1])
            key = next((other for other in self.uprobe_fds if (other[0], *other[2:]) ==
                        (key[0], *key[2:]) and user_path(other[1], other[-1]) == path), key)
        self.uprobe_fds.detach(key, fn_name, what=what)

    def detach_uprobe(self, name=b"", sym=b"", addr=None, pid=-1, sym_off=0):
        """Detaches from a function. The arguments are those of attach_uprobe(), but name may be
        another name of the same file. Raises AttachError if nothing is attached."""
        self._detach_user(self._uprobe_key(b"p_", name, sym, addr, pid, sym_off), "uprobe")

    def detach_uretprobe(self, name=b"", sym=b"", addr=None, pid=-1):
        """Detaches from a function's return; parameters as in detach_uprobe()."""
        self._detach_user(self._uprobe_key(b"r_", name, sym, addr, pid), "uretprobe")

    def detach_uprobe_event(self, ev_name):
        """Detaches from a probe by its key in uprobe_fds. Raises AttachError."""
        self.uprobe_fds.detach(ev_name, what="uprobe")

    def attach_usdt(self, usdt, probe, fn_name, every_process=False, *, cookie=0):
        """Runs a program at a USDT probe.

        usdt: a USDT object. probe: one of its probes, "PROVIDER:NAME" or "NAME". every_process: in
        every process that maps the file, not only in the object's own. cookie: as for
        attach_kprobe(), in sources that don't read the arguments of USDT probes. Raises AttachError.
        """
        probe, fn_name = _needed(probe, "probe"), _needed(fn_name, "fn_name")
        self._check_probe_limit(1)
        link = self._program(fn_name).attach_usdt(usdt.get_context(), probe,
                                                  every_process=every_process, cookie=cookie)
        pid = -1 if every_process else usdt.pid or -1
        key = self._uprobe_key(b"u_", usdt.path or b"", probe, None, pid)
        return Link(self, [self.uprobe_fds.add(key, fn_name, link)])

    def detach_usdt(self, usdt, probe, fn_name=None, every_process=False):
        """Detaches one program, or all, from a USDT probe. The other arguments are those of
        attach_usdt(). Raises AttachError if nothing is attached."""
        pid = -1 if every_process else usdt.pid or -1
        key = self._uprobe_key(b"u_", usdt.path or b"", to_bytes(probe), None, pid)
        self.uprobe_fds.detach(key, to_bytes(fn_name), "USDT probe")

    def num_open_uprobes(self):
        """The number of user functions, returns and USDT probes that something is attached to."""
        return len(self.uprobe_fds)

    # Tracepoints.

    def attach_tracepoint(self, tp=b"", tp_re=b"", fn_name=b"", *, cookie=0):
        """Runs a program at a tracepoint, CATEGORY:EVENT, or at all that match the regular expression
        tp_re. cookie: as for attach_kprobe(); with tp_re, the names are str. Raises AttachError, which
        lists similar names."""
        if tp and tp_re and not fn_name:
            _raise_misplaced_name("attach_tracepoint", "second", "tp_re", "a pattern for names",
                                  tp_re)
        if tp_re:
            return Link(self, self._attach_matching(
                self.get_tracepoints(tp_re), "tracepoint",
                lambda name: self._attach_tracepoint(name, fn_name, _cookie_of(cookie, name))))
        return Link(self, [self._attach_tracepoint(tp, fn_name, cookie)])

    def _attach_tracepoint(self, tp, fn_name, cookie):
        tp, fn_name = _needed(tp, "tp"), _needed(fn_name, "fn_name")
        category, colon, event = tp.partition(b":")
        if not colon:
            raise _ebcc.InvalidArgumentError("a tracepoint is CATEGORY:EVENT, not %r" %
                                             to_text(tp))
        link = self._program(fn_name).attach_tracepoint(category, event, cookie)
        return self.tracepoint_fds.add(tp, fn_name, link)

    def detach_tracepoint(self, tp=b""):
        """Detaches from a tracepoint, CATEGORY:EVENT. Raises AttachError if nothing is attached."""
        self.tracepoint_fds.detach(to_bytes(tp), what="tracepoint program")

    def attach_raw_tracepoint(self, tp=b"", fn_name=b"", *, cookie=0):
        """Runs a program at a raw tracepoint, named by its event without the category. cookie: what
        bpf_get_attach_cookie() returns to the program (Linux 6.10 and later). Raises AttachError."""
        tp, fn_name = _needed(tp, "tp"), _needed(fn_name, "fn_name")
        if tp in self.raw_tracepoint_fds:
            raise _ebcc.AttachError("raw tracepoint %s is already attached" % to_text(tp))
        link = self._program(fn_name).attach_raw_tracepoint(tp, cookie)
        return Link(self, [self.raw_tracepoint_fds.add(tp, fn_name, link)])

    def detach_raw_tracepoint(self, tp=b""):
        """Detaches from a raw tracepoint. Raises AttachError if nothing is attached."""
        self.raw_tracepoint_fds.detach(to_bytes(tp), what="raw tracepoint program")

    def num_open_tracepoints(self):
        """The number of tracepoints that something is attached to."""
        return len(self.tracepoint_fds)

    # Perf events.

    def attach_perf_event(self, ev_type=-1, ev_config=-1, fn_name=b"", sample_period=0,
                          sample_freq=0, pid=-1, cpu=-1, group_fd=-1, *, cookie=0):
        """Runs a program every sample_period events, or sample_freq times a second.

        ev_type: of PerfType. ev_config: of PerfHWConfig or PerfSWConfig. pid: one process, or -1 for
        all. cpu: one CPU, or -1 for all. group_fd: the descriptor of a group's leading event, or -1.
        cookie: as for attach_kprobe(). Raises AttachError.
        """
        fn_name = _needed(fn_name, "fn_name")
        if ev_type < 0 or ev_config < 0:
            raise _ebcc.InvalidArgumentError("ev_type and ev_config are needed")
        link = self._program(fn_name).attach_perf_event(
            ev_type, ev_config, sample_period=sample_period, sample_freq=sample_freq, pid=pid,
            cpu=cpu, group_fd=group_fd, cookie=cookie)
        return Link(self, [self.perf_events.add((ev_type, ev_config), fn_name, link)])

    def attach_perf_event_raw(self, attr=-1, fn_name=b"", pid=-1, cpu=-1, group_fd=-1, *,
                              cookie=0):
        """Like attach_perf_event(), for an event described by attr: a whole perf_event_attr, as a
        ctypes structure or bytes."""
        if attr == -1:
            raise _ebcc.InvalidArgumentError("attr is needed: a Perf.perf_event_attr()")
        fn_name = _needed(fn_name, "fn_name")
        link = self._program(fn_name).attach_perf_event(0, 0, pid=pid, cpu=cpu,
                                                        group_fd=group_fd, attr=bytes(attr),
                                                        cookie=cookie)
        key = (getattr(attr, "type", -1), getattr(attr, "config", -1))
        return Link(self, [self.perf_events.add(key, fn_name, link)])

    def detach_perf_event(self, ev_type=-1, ev_config=-1):
        """Detaches from perf events of a type and config. Raises AttachError if nothing is
        attached."""
        self.perf_events.detach((ev_type, ev_config), what="program",
                                shown="perf event %d:%d" % (ev_type, ev_config))

    # Programs whose target is described by the kernel's BTF. Their names say what they trace.
    # cookie: what bpf_get_attach_cookie() returns to the program (Linux 6.0 and later).

    def _full_name(self, kind, fn_name):
        """A program's name with the prefix of its kind; or without it, if the source has only such a program."""
        prefix, _ = _ebcc.PROGRAM_KINDS[kind]
        name, full = to_bytes(fn_name), self.add_prefix(prefix, fn_name)
        known = {program.name for program in self.module.programs()}
        return name if name in known and full not in known else full

    def _attach_trace(self, kind, fn_name, cookie):
        fn_name = self._full_name(kind, _needed(fn_name, "fn_name"))
        if fn_name in self.trace_fds:
            raise _ebcc.AttachError("program %s is already attached" % to_text(fn_name))
        link = self._program(fn_name).attach_trace(cookie)
        return Link(self, [self.trace_fds.add(fn_name, fn_name, link)])

    def _detach_trace(self, kind, fn_name):
        self.trace_fds.detach(self._full_name(kind, fn_name))

    def attach_kfunc(self, fn_name=b"", *, cookie=0):
        """Runs a KFUNC_PROBE program when its kernel function is called. fn_name: the program, with or
        without the prefix of its kind. Raises AttachError."""
        return self._attach_trace("kfunc", fn_name, cookie)

    def attach_kretfunc(self, fn_name=b"", *, cookie=0):
        """Runs a KRETFUNC_PROBE program when its kernel function returns; see attach_kfunc()."""
        return self._attach_trace("kretfunc", fn_name, cookie)

    def attach_fmod_ret(self, fn_name=b"", *, cookie=0):
        """Lets a KMOD_RET program replace a kernel function; see attach_kfunc()."""
        return self._attach_trace("kmod_ret", fn_name, cookie)

    attach_kmod_ret = attach_fmod_ret

    def attach_lsm(self, fn_name=b"", *, cookie=0):
        """Runs an LSM_PROBE program at its hook; see attach_kfunc()."""
        return self._attach_trace("lsm", fn_name, cookie)

    def detach_kfunc(self, fn_name=b""):
        """Detaches a KFUNC_PROBE program. Raises AttachError."""
        self._detach_trace("kfunc", fn_name)

    def detach_kretfunc(self, fn_name=b""):
        """Detaches a KRETFUNC_PROBE program. Raises AttachError."""
        self._detach_trace("kretfunc", fn_name)

    def detach_fmod_ret(self, fn_name=b""):
        """Detaches a KMOD_RET program. Raises AttachError."""
        self._detach_trace("kmod_ret", fn_name)

    detach_kmod_ret = detach_fmod_ret

    def detach_lsm(self, fn_name=b""):
        """Detaches an LSM_PROBE program. Raises AttachError."""
        self._detach_trace("lsm", fn_name)

    def attach_iter(self, fn_name=b"", table=None):
        """Prepares a BPF_ITER program; returns a Link whose open() returns a descriptor to read from.

        table: the name of the table whose elements it walks, for bpf_iter__bpf_map_elem. Raises
        AttachError.
        """
        fn_name = self._full_name("bpf_iter", _needed(fn_name, "fn_name"))
        link = self._program(fn_name).attach_iter(to_bytes(table))
        return Link(self, [self.iter_fds.add(to_bytes(table) or b"", fn_name, link)])

    # Packets and sockets. These take what load_func() returns.

    @staticmethod
    def attach_xdp(dev, fn, flags=0):
        """Runs a program on the packets that a network interface receives, until remove_xdp() or
        the end of the module. flags: BPF.XDP_FLAGS_SKB_MODE and similar. Raises AttachError."""
        link = _program_of(fn).attach_xdp(_needed(dev, "dev"), flags)
        return Link(fn.bpf, [(None, dev, fn.name, link)])

    @staticmethod
    def remove_xdp(dev, flags=0):
        """Removes the XDP program of a network interface, whichever process attached it. Raises
        AttachError."""
        _ebcc.remove_xdp(_needed(dev, "dev"), flags)

    @staticmethod
    def attach_raw_socket(fn, dev):
        """Opens a raw socket with a program as its filter, and sets fn.sock to its descriptor. dev: a
        network interface, or "" for all. Raises AttachError."""
        link = _program_of(fn).attach_raw_socket(to_bytes(dev) or None)
        fn.sock = link.fd
        return Link(fn.bpf, [(None, dev, fn.name, link)])

    @staticmethod
    def attach_func(fn, attachable_fd, attach_type, flags=0):
        """Attaches a program to a control group, a table of sockets or similar, by its descriptor.
        attach_type: of BPFAttachType. flags: the kernel's BPF_F_ flags. Raises AttachError."""
        link = _program_of(fn).attach_descriptor(attachable_fd, attach_type, flags)
        return Link(fn.bpf, [fn.bpf.func_fds.add((_identity(attachable_fd), attach_type), fn.name,
                                                 link)])

    @staticmethod
    def detach_func(fn, attachable_fd, attach_type):
        """Detaches what attach_func() attached there. Raises AttachError if nothing is attached."""
        fn.bpf.func_fds.detach((_identity(attachable_fd), attach_type), fn.name,
                               shown="descriptor %d" % attachable_fd)

    # Programs whose names or sections say where to attach them.

    def _attach_named(self, chosen=True):
        """chosen: all programs (True), none (False), or an iterable of names. Raises NotFoundError."""
        links_of = {"kprobe": self.kprobe_fds, "kretprobe": self.kprobe_fds,
                    "tracepoint": self.tracepoint_fds, "raw_tracepoint": self.raw_tracepoint_fds}
        if chosen is True:
            programs = [program for program in self.module.programs() if not program.optional]
        else:
            programs = [self._program(name) for name in chosen or ()]
        for program in programs:
            link = program.attach_named()
            if link is None:
                continue
            kind, _, target = link.name.partition(":")
            target, name = to_bytes(target), program.name
            if kind in ("kprobe", "kretprobe"):
                self._check_probe_limit(1)
                target = _event_name(b"p_" if kind == "kprobe" else b"r_", target)
            links_of.get(kind, self.trace_fds).add(target if kind in links_of else name, name, link)
