# SPDX-License-Identifier: Apache-2.0
"""The comparison of code compiled from BTF with code compiled from headers notices each different offset."""
import os
import re
import subprocess
import sys

import pytest
from ebcc import _ebcc

HERE = os.path.dirname(os.path.abspath(__file__))
VM_RUN = os.path.join(os.path.dirname(HERE), "vm", "run")
sys.path.insert(0, HERE)
import agreement  # noqa: E402  pylint: disable=wrong-import-position

SOURCE = b"""#include <linux/sched.h>
#include <linux/mm_types.h>
#include <linux/fs.h>
struct key_t { u32 inode, tgid; u64 owner; struct qstr name; };
BPF_HASH(keys, struct key_t, struct list_head);
int f(struct pt_regs *ctx, struct file *file, struct task_struct *task) {
    struct key_t key = {};
    struct list_head tasks = task->tasks;
    key.inode = file->f_inode->i_ino;
    key.tgid = task->tgid + task->in_execve;
    key.owner = (u64)task->mm->owner;
    key.name = file->f_path.dentry->d_parent->d_name;
    keys.update(&key, &tasks);
    return task->comm[3];
}
"""


def printed_by_run(*words):
    """The line that tests/vm/run prints about a kernel."""
    return subprocess.run([VM_RUN, *words], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def programs_of(path, kernel_types, **options):
    """The programs of SOURCE, compiled for 6.1."""
    module = _ebcc.Module(
        source=SOURCE, file_name=None, header=None, cflags=[], debug=0, kernel_types=kernel_types, compiler=0,
        **{"btf_path": None, "kernel_root": None, **options}, device=None, no_rlimit=False)
    path.write_bytes(module.object())
    module.close()
    return agreement.functions([str(path)])[str(path)]


@pytest.fixture(name="compiled", scope="module")
def compiled_fixture(tmp_path_factory):
    """SOURCE from BTF of 6.1, from its headers, and from BTF of 6.12."""
    directory = tmp_path_factory.mktemp("objects")
    root = printed_by_run("--kernel", "bookworm", "--root").encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EBCC_CACHE", "off")
        patch.setenv("BCC_KERNEL_SOURCE", printed_by_run("--kernel", "bookworm", "--headers"))
        return {"btf": programs_of(directory / "btf.o", 1, kernel_root=root),
                "headers": programs_of(directory / "headers.o", 2, kernel_root=root),
                "other": programs_of(directory / "other.o", 1,
                                     btf_path=printed_by_run("--kernel", "trixie", "--btf").encode())}


def test_btf_and_headers_agree(compiled):
    assert list(compiled["btf"]) == [".text <f>"] or len(compiled["btf"]) == 1
    assert agreement.difference(compiled["btf"], compiled["headers"]) is None


def test_offsets_of_another_kernel_differ(compiled):
    found = agreement.difference(compiled["headers"], compiled["other"])
    assert re.search(r"^-r\d \+= 0x", found, re.M) and re.search(r"^\+r\d \+= 0x", found, re.M), found


def test_each_number_matters(compiled):
    """A different offset, size, constant or stack offset in one instruction is a difference."""
    ((name, lines),) = compiled["btf"].items()
    _, places = agreement.without_places(lines)
    used = list(places.values())
    changed = 0
    for index, line in enumerate(lines):
        if index in places and used.count(places[index]) == 1:
            continue  # a separate variable, which may be anywhere
        for number in re.finditer(r"0x[0-9a-f]+", line):
            other = list(lines)
            other[index] = line[:number.start()] + hex(int(number[0], 16) + 8) + line[number.end():]
            assert agreement.difference({name: lines}, {name: other}), line
            changed += 1
    assert changed > 50


def test_moved_stack_is_not_a_difference():
    lines = ["r1 = r10", "r1 += -0x8", "r2 = r10", "r2 += -0x40", "r3 = *(u32 *)(r10 - 0x38)", "exit"]
    moved = ["r1 = r10", "r1 += -0x8", "r2 = r10", "r2 += -0x60", "r3 = *(u32 *)(r10 - 0x58)", "exit"]
    assert agreement.difference({"f": lines}, {"f": moved}) is None
    moved[4] = "r3 = *(u32 *)(r10 - 0x54)"
    assert agreement.difference({"f": lines}, {"f": moved})


def test_other_programs_and_maps_differ():
    assert agreement.difference({"f": ["exit"]}, {"g": ["exit"]}) == "other programs: ['f', 'g']"
    assert agreement.difference({"f": ["r1 = 0x0 ll", "R_BPF_64_64 start"]}, {"f": ["r1 = 0x0 ll", "R_BPF_64_64 other"]})
    assert agreement.difference({"f": ["r0 = 0x0", "exit"]}, {"f": ["exit"]})
