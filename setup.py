# SPDX-License-Identifier: Apache-2.0
"""Makes the wheel: CMake builds and installs what is in it.

The extension contains the library, and uses the limited API of Python 3.11, so one wheel is for that version and later
ones. The environment variable CMAKE_ARGS has further arguments for CMake, such as -DEBCC_COMPILER=OFF.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import SetupError

SOURCES = Path(__file__).resolve().parent


def version():
    """The version of the library, which stands in its header."""
    header = (SOURCES / "src/cc/ebcc.h").read_text(encoding="utf-8")
    return ".".join(re.search(rf"^#define EBCC_VERSION_{part} (\d+)$", header, re.MULTILINE)[1]
                    for part in ("MAJOR", "MINOR", "PATCH"))


class CMakeBuild(build_ext):
    """Lets CMake fill the directory that setuptools packs."""

    def run(self):
        if self.inplace or getattr(self, "editable_mode", False):
            raise SetupError('ebcc can\'t be installed in editable mode. A build tree works as it is: eval "$(scripts/env)"')
        build = Path(self.build_temp).resolve()
        # All that is in there gets into the wheel, also what an earlier build left.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        for command in (
                ["cmake", "-S", SOURCES, "-B", build, *generator, "-DEBCC_WHEEL=ON", "-DEBCC_TESTS=OFF",
                 f"-DEBCC_PYTHON={sys.executable}", "-DEBCC_PYTHON_DIR=.", *shlex.split(os.environ.get("CMAKE_ARGS", ""))],
                ["cmake", "--build", build, "--parallel", str(len(os.sched_getaffinity(0)))],
                ["cmake", "--install", build, "--component", "wheel", "--prefix", Path(self.build_lib).resolve()]):
            subprocess.run(command, check=True)


setup(
    version=version(),
    # What makes this a wheel for one architecture; CMake has the sources.
    ext_modules=[Extension("ebcc._ebcc", sources=[], py_limited_api=True)],
    cmdclass={"build_ext": CMakeBuild},
    options={"bdist_wheel": {"py_limited_api": "cp311"}, "build": {"build_base": "build/wheel"}},
)
