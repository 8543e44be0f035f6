# SPDX-License-Identifier: Apache-2.0
"""Helpers for scripts: printing bytes, lists of CPUs, arguments, detecting languages."""

import sys

from ebcc.utils import (detect_language, get_online_cpus, get_possible_cpus, printb, to_bytes as _to_bytes,
                        to_text as _to_text)

__all__ = ["ArgString", "FILESYSTEMENCODING", "StrcmpRewrite", "detect_language", "get_online_cpus",
           "get_possible_cpus", "printb"]

FILESYSTEMENCODING = sys.getfilesystemencoding()


class ArgString:
    """A command line argument that works as str and as bytes (an argparse type)."""

    def __init__(self, arg):
        self._bytes = _to_bytes(arg)

    @property
    def s(self):
        """The argument as str."""
        return str(self)

    def __bytes__(self):
        return self._bytes

    def __str__(self):
        return _to_text(self._bytes)

    def __repr__(self):
        return "ArgString(%r)" % str(self)


class StrcmpRewrite:
    """Compares strings in expressions that scripts take from their users."""

    _FUNCTION = """
static inline bool %(name)s(const char *literal, uintptr_t place) {
    const char wanted[] = %(literal)s;
    char found[sizeof(wanted)] = {};
    %(read)s(&found, sizeof(found), (void *)place);
    for (int i = 0; i < sizeof(wanted) - 1; i++)
        if (wanted[i] != found[i])
            return false;
    return true;
}
"""

    @staticmethod
    def rewrite_expr(expr, bin_cmp, is_user, probe_user_list, streq_functions, probeid):
        """Replaces each STRCMP("text", pointer) in a C expression by a call of its own function.

        bin_cmp: the text is an array's initializer, not a string. is_user: pointers refer to user
        memory; probe_user_list: pointers that do so even if is_user is false. streq_functions: the
        functions so far, C text. probeid: the number of the first new function. Returns a dict with
        the keys expr, streq_functions and probeid: their new values.
        """
        import re

        def call(match):
            nonlocal streq_functions, probeid
            text, pointer = match.groups()
            user = is_user or pointer.strip() in probe_user_list
            name = "streq_%d" % probeid
            streq_functions += StrcmpRewrite._FUNCTION % {
                "name": name, "literal": text if bin_cmp else '"%s"' % text,
                "read": "bpf_probe_read_user" if user else "bpf_probe_read"}
            probeid += 1
            return '%s("%s",%s)' % (name, text, pointer)

        expr = re.sub(r'STRCMP\("([^"]+)",(.+?)\)', call, expr)
        return {"expr": expr, "streq_functions": streq_functions, "probeid": probeid}
