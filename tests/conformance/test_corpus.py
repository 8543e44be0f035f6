# SPDX-License-Identifier: Apache-2.0
"""The corpus in continuous integration: compiled here for both kernels; tests/vm/guest_corpus.py verifies it there.

The objects are left in the build tree (corpus/SUITE), which a guest of tests/vm/run sees.
"""
import os
import subprocess
import sys

import bcc
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(bcc.__file__))))


@pytest.mark.parametrize("suite", ["bookworm", "sid"])
def test_every_text_compiles(suite):
    done = subprocess.run([sys.executable, os.path.join(HERE, "texts"), "--kernel", suite, "--no-verify",
                           "--objects", os.path.join(BUILD, "corpus")],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    runs, texts = done.stdout.splitlines()[-1].split()[1:4:2]
    assert int(texts) >= 240 and int(runs) - int(texts) <= 2, done.stdout
