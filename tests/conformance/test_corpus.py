# SPDX-License-Identifier: Apache-2.0
"""The corpus in continuous integration: compiled here for both kernels, and verified there by tests/vm/guest_corpus.py.

The objects are left in the build tree (corpus/SUITE), which guests of tests/vm/run can see.
"""
import json
import os
import subprocess
import sys

import bcc
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(bcc.__file__))))


VM_RUN = os.path.join(os.path.dirname(HERE), "vm", "run")
# For this kernel, they are also compiled from headers, which takes a minute.
COMPARED = "bookworm"


def headers_of(suite):
    """The kernel header tree of the suite."""
    return subprocess.run([VM_RUN, "--kernel", suite, "--headers"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


@pytest.mark.parametrize("suite", ["bookworm", "sid"])
def test_every_text_compiles(suite):
    """From BTF; and for one kernel also from headers, with the same offsets in all programs."""
    command = [sys.executable, os.path.join(HERE, "texts"), "--kernel", suite, "--no-verify",
               "--objects", os.path.join(BUILD, "corpus")]
    if suite == COMPARED:
        command += ["--compare", "--headers", headers_of(suite)]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    *_, compared, last = done.stdout.splitlines()
    runs, texts = last.split()[1:4:2]
    assert int(texts) >= 240 and int(runs) - int(texts) <= 2, done.stdout
    if suite == COMPARED:
        both, agreeing = compared.split()[1:6:4]
        assert int(texts) - int(both) <= 1 and agreeing == both, done.stdout


# A machine of another manufacturer, without KVM and without the disk that the runs use.
OTHER_MACHINE = """
set -e
mount --bind "$1" /proc/cpuinfo
mount -t tmpfs tmpfs /dev
mknod -m 666 /dev/null c 1 3
shift
exec "$@"
"""
EXTRACT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import corpus
json.dump(corpus.extract(sys.argv[2], only={"biosnoop", "cpudist", "kvmexit"}), sys.stdout)
"""


def test_texts_are_the_same_on_every_machine(tmp_path):
    """The texts are the same wherever the tools run."""
    root = subprocess.run([VM_RUN, "--kernel", COMPARED, "--root"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nvendor_id\t: AuthenticAMD\n")
    extract = [sys.executable, "-B", "-c", EXTRACT, HERE, root]
    here, elsewhere = (json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for command in (
        extract, ["unshare", "-m", "sh", "-c", OTHER_MACHINE, "sh", cpuinfo, *extract]))
    assert len(here) > 10 and all("text" in entry for entry in here), here
    assert elsewhere == here
