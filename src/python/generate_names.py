# SPDX-License-Identifier: Apache-2.0
"""Writes ebcc/_names.py: system calls and BPF helpers by number, from the headers of the build.

    generate_names.py COMPILER OUTPUT
"""

import re
import subprocess
import sys

# System calls since Linux 6.5, for builds with older headers. From 424 on every architecture has
# the same numbers.
_FIRST_NEW = 451
_NEW = """
    cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount
    lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
    removexattrat open_tree_attr file_getattr file_setattr
""".split()


def preprocess(compiler, options, text):
    return subprocess.run([compiler, "-E", *options, "-x", "c", "-"], input=text, check=True,
                          capture_output=True, text=True).stdout


def system_calls(compiler):
    macros = preprocess(compiler, ["-dM"], "#include <asm/unistd.h>\n")
    found = {number: name for number, name in enumerate(_NEW, _FIRST_NEW)}
    for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", macros, re.M):
        if name not in ("syscalls", "arch_specific_syscall"):
            found[int(number)] = name
    return dict(sorted(found.items()))


def helpers(compiler):
    text = preprocess(compiler, [], """
        #include <linux/bpf.h>
        #define NAME(name, ...) "@" #name
        __BPF_FUNC_MAPPER(NAME)
    """)
    return list(dict.fromkeys(re.findall(r"\"@\" *\"(\w+)\"", text)))


def main():
    compiler, output = sys.argv[1:]
    calls, names = system_calls(compiler), helpers(compiler)
    if len(calls) < 200 or len(names) < 100 or names[1] != "map_lookup_elem":
        sys.exit("%s: the system's headers list no system calls or no BPF helpers" % compiler)
    with open(output, "w", encoding="ascii") as file:
        file.write('"""Names of the kernel\'s interface. Made by generate_names.py."""\n\n')
        file.write("SYSTEM_CALLS = {\n")
        file.writelines("    %d: b\"%s\",\n" % item for item in calls.items())
        file.write("}\n\nHELPERS = (\n")
        file.writelines("    \"%s\",\n" % name for name in names)
        file.write(")\n")


main()
