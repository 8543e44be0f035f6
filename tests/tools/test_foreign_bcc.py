"""The tools import only packages named ebcc, even if a package named bcc comes first on the path."""
import os
import subprocess

import pytest
from toolrun import TOOLS, run

import ebcc

NAMES = sorted(path.name for path in TOOLS.iterdir() if path.is_file() and not path.suffix)
FOREIGN = {"bcc/__init__.py": "raise ImportError('a package named bcc was imported')\n",
           "bcc/init.lua": "error 'a module named bcc was loaded'\n"}
PACKAGES = os.path.dirname(os.path.dirname(ebcc.__file__))


@pytest.fixture(params=["before", "behind"])
def foreign(request, tmp_path):
    """An environment whose paths contain packages named bcc that raise an error when imported."""
    for name, text in FOREIGN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path), PACKAGES]
    lua = [f"{tmp_path}/?.lua;{tmp_path}/?/init.lua", os.environ["LUA_PATH_5_4"].removesuffix(";;")]
    if request.param == "behind":
        paths.reverse()
        lua.reverse()
    return {**os.environ, "PYTHONPATH": ":".join(paths), "LUA_PATH_5_4": ";".join(lua) + ";;"}


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_starts(foreign, name):
    status, output, errors = run(name, "--version", env=foreign)
    assert (status, errors) == (0, b"")
    assert ebcc.__version__.encode() in output


@pytest.mark.parametrize("name", ["opensnoop", "killsnoop"])
def test_a_tool_traces(foreign, name):
    status, output, errors = run(name, "-d", "0.1", "-p", os.getpid(), env=foreign)
    assert (status, errors) == (0, b"") and output.startswith((b"PID", b"TIME"))


def test_the_foreign_package_is_found(foreign):
    """The test itself works: if the package comes first, importing bcc finds it."""
    done = subprocess.run(["/usr/bin/python3", "-c", "import bcc"], env=foreign, stderr=subprocess.PIPE, check=False)
    assert (b"a package named bcc was imported" in done.stderr) == (not foreign["PYTHONPATH"].startswith(PACKAGES))
