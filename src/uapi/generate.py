# SPDX-License-Identifier: Apache-2.0
"""Writes modules of the Python and Lua packages that have numbers of the kernel's interface by name, from the
headers of the build and from newer.h, so that nobody keeps a second copy.

    generate.py COMPILER python-constants|python-names|lua OUTPUT
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NEWER = os.path.join(HERE, "newer.h")
EBCC = os.path.join(HERE, "../cc/ebcc.h")

HEADERS = "#include <linux/bpf.h>\n#include <linux/perf_event.h>\n"

# Enumerations: what all their names begin with, and the class that has them, with what it says of them.
ENUMS = {
    "bpf_prog_type": ("BPF_PROG_TYPE_", "BPFProgType", "enum bpf_prog_type."),
    "bpf_attach_type": ("BPF_", "BPFAttachType", "enum bpf_attach_type."),
    "xdp_action": ("", "XDPAction", "enum xdp_action."),
    "perf_type_id": ("PERF_TYPE_", "PerfType", "enum perf_type_id."),
    "perf_hw_id": ("PERF_COUNT_HW_", "PerfHWConfig", "enum perf_hw_id."),
    "perf_sw_ids": ("PERF_COUNT_SW_", "PerfSWConfig", "enum perf_sw_ids."),
    "perf_event_sample_format": ("PERF_SAMPLE_", "PerfEventSampleFormat",
                                 "enum perf_event_sample_format: one bit each."),
    "bpf_map_type": ("BPF_MAP_TYPE_", None, None),
}

# What an enumeration begins and ends with, and second names.
NO_CONSTANT = re.compile(r"^__MAX|_UNSPEC$|^PERF_\w+_MAX$|_DEPRECATED$")

# Macros, and enumerators of enumerations without a name, that only Lua has.
FLAGS = ("BPF_ANY", "BPF_NOEXIST", "BPF_EXIST", "BPF_F_ALLOW_OVERRIDE", "BPF_F_ALLOW_MULTI", "BPF_F_REPLACE")


def preprocess(compiler, options, text):
    return subprocess.run([compiler, "-E", "-P", *options, "-x", "c", "-"], input=text, check=True,
                          capture_output=True, text=True).stdout


def number(expression, known):
    """The value of an enumerator: a number, a shift, or another enumerator."""
    plain = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", expression)
    if not re.fullmatch(r"[\w\s()<|~+-]+", plain):
        sys.exit("%s is not an expression that generate.py can read" % expression)
    return eval(plain, {"__builtins__": {}}, known)  # pylint: disable=eval-used


def enumerators(text, wanted):
    """{enumeration: {name: number}} of preprocessed C, for the wanted ones; those without a name that
    have FLAGS are one, ""."""
    enums, known = {}, {}
    for name, body in re.findall(r"\benum\s*(\w*)\s*\{([^{}]*)\}", text):
        if name not in wanted and (name or not set(FLAGS) & set(re.findall(r"\w+", body))):
            continue
        following, enum = 0, enums.setdefault(name, {})
        for part in filter(None, (part.strip() for part in body.split(","))):
            word, _, expression = (piece.strip() for piece in part.partition("="))
            value = number(expression, known) if expression else following
            if known.setdefault(word, value) != value:
                sys.exit("%s is %d in one header and %d in another" % (word, known[word], value))
            enum[word] = value
            following = value + 1
    return enums


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def constants(compiler):
    """The same of the kernel's headers and newer.h, by number, for ENUMS and "" only."""
    enums = enumerators(preprocess(compiler, [], "%s#include \"%s\"\n" % (HEADERS, NEWER)), ENUMS)
    lacks = [name for name in ENUMS if not enums.get(name)]
    if lacks:
        sys.exit("%s: the system's headers have no enum %s" % (compiler, lacks[0]))
    return {enum: dict(sorted(((name, value) for name, value in enums[enum].items()
                               if not NO_CONSTANT.search(name)), key=lambda item: item[1]))
            for enum in (*ENUMS, "")}


def macros(compiler, text, pattern):
    """{name: number} of macros."""
    defined = re.findall(r"^#define (%s) (.+)$" % pattern, preprocess(compiler, ["-dM"], text), re.M)
    return {name: number(value, {}) for name, value in defined if not re.search(r"[A-Z]{2}", value)}


def xdp_flags(compiler):
    return dict(sorted(macros(compiler, "#include <linux/if_link.h>\n", r"XDP_FLAGS_\w+").items(),
                       key=lambda item: item[1]))


def system_calls(compiler):
    text = "#include <asm/unistd.h>\n#include \"%s\"\n" % NEWER
    found = macros(compiler, text, r"__NR_\w+")
    names = {value: name.removeprefix("__NR_") for name, value in found.items()
             if name not in ("__NR_syscalls", "__NR_arch_specific_syscall")}
    return dict(sorted(names.items()))


def helpers(compiler):
    text = preprocess(compiler, [], """
        #include <linux/bpf.h>
        #define NAME(name, ...) "@" #name
        __BPF_FUNC_MAPPER(NAME)
    """)
    names = list(dict.fromkeys(re.findall(r"\"@\" *\"(\w+)\"", text)))
    with open(NEWER, encoding="ascii") as file:
        newer = enumerators(without_comments(file.read()), ["bpf_func_id"])["bpf_func_id"]
    for name, value in newer.items():
        if value == len(names):
            names.append(name.removeprefix("BPF_FUNC_"))
        elif value > len(names) or names[value] != name.removeprefix("BPF_FUNC_"):
            sys.exit("helper %s has another number in the system's headers" % name)
    return names


def python_class(name, doc, members):
    lines = ["    %s = %d\n" % member for member in members.items()]
    return "\n\nclass %s:\n    \"\"\"%s\"\"\"\n%s" % (name, doc, "".join(lines))


def python_constants(compiler):
    with open(EBCC, encoding="utf-8") as file:
        debug = enumerators(without_comments(file.read()), ["ebcc_debug"])["ebcc_debug"]
    found = constants(compiler)
    yield '"""Numbers of the kernel\'s interface, and flags of BPF(debug=). Made by src/uapi/generate.py."""\n\n'
    yield from ("%s = %d\n" % (name.removeprefix("EBCC_"), value) for name, value in debug.items())
    for enum, (prefix, name, doc) in ENUMS.items():
        members = {word.removeprefix(prefix): value for word, value in found[enum].items()}
        if name is not None:
            yield python_class(name, doc, members)
    yield python_class("XDPFlags", "XDP_FLAGS_*.", {name.removeprefix("XDP_FLAGS_"): value
                                                    for name, value in xdp_flags(compiler).items()})
    yield "\n\n# Map types by number, as enum bpf_map_type has them.\nMAP_TYPES = {\n"
    yield from ("    %d: \"%s\",\n" % (value, name.removeprefix("BPF_MAP_TYPE_"))
                for name, value in found["bpf_map_type"].items())
    yield "}\n"


def python_names(compiler):
    calls, names = system_calls(compiler), helpers(compiler)
    if len(calls) < 200 or len(names) < 100 or names[1] != "map_lookup_elem":
        sys.exit("%s: the system's headers list no system calls or no BPF helpers" % compiler)
    yield '"""Names of the kernel\'s interface. Made by src/uapi/generate.py."""\n\n'
    yield "SYSTEM_CALLS = {\n"
    yield from ("    %d: b\"%s\",\n" % item for item in calls.items())
    yield "}\n\nHELPERS = (\n"
    yield from ("    \"%s\",\n" % name for name in names)
    yield ")\n"


def lua(compiler):
    found = constants(compiler)
    flags = {**found.pop(""), **macros(compiler, HEADERS, r"BPF_F_\w+")}
    yield "-- Numbers of the kernel's interface, by the kernel's names. Made by src/uapi/generate.py.\n"
    yield "return {\n"
    for members in (*found.values(), xdp_flags(compiler), {name: flags[name] for name in FLAGS}):
        yield from ("  %s = %d,\n" % member for member in members.items())
    yield "}\n"


def main():
    compiler, kind, output = sys.argv[1:]
    text = "".join({"python-constants": python_constants, "python-names": python_names, "lua": lua}[kind](compiler))
    with open(output, "w", encoding="ascii") as file:
        file.write(text)


main()
