"""The rooms of src/cc keep their order, and scripts/rooms notices whatever breaks it."""

import os
import subprocess
from pathlib import Path

import pytest
import script_module

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("EBCC_BUILD", REPOSITORY / "build"))
SCRIPT = REPOSITORY / "scripts/rooms"


def test_order_is_kept():
    result = subprocess.run([SCRIPT, "--build", BUILD], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """The script, for a tree of two rooms, `low` below `high`."""
    module = script_module.load("rooms")
    monkeypatch.setattr(module, "SOURCES", tmp_path / "src/cc")
    for room in ("low", "high"):
        (tmp_path / "src/cc" / room).mkdir(parents=True)
        (tmp_path / "build/src/cc" / room).mkdir(parents=True)
    return module


def add_library(tmp_path, room, files):
    """Compiles a static library of {name: text} as a build does."""
    objects = []
    for name, text in files.items():
        source = tmp_path / "src/cc" / room / name
        source.write_text(text)
        objects.append(tmp_path / f"{name}.o")
        subprocess.run(["cc", "-c", "-w", source, "-o", objects[-1]], check=True)
    subprocess.run(["ar", "rc", tmp_path / "build/src/cc" / room / f"lib{room}.a", *objects], check=True)


def test_includes_of_higher_rooms(tmp_path, rooms):
    (tmp_path / "src/cc/high/high.h").write_text("")
    (tmp_path / "src/cc/low/low.h").write_text("")
    (tmp_path / "src/cc/low/low.c").write_text('#include <low.h>\n#include "high/high.h"\n#include "low/none.h"\n')
    (tmp_path / "src/cc/high/high.c").write_text('#include "low/low.h"\n#include "high/high.h"\n')
    uses, complaints = rooms.read_includes(["low", "high"])
    assert uses == {"low": {"high"}, "high": {"low"}}
    assert complaints == [
        'low/low.c: includes "high/high.h" of a higher room',
        'low/low.c: "low/none.h" is not a header below src/cc',
    ]


def test_calls_of_higher_rooms(tmp_path, rooms):
    add_library(tmp_path, "low", {"low.c": "void high(void); void low(void) { high(); }"})
    add_library(tmp_path, "high", {"high.c": "void low(void); void high(void) { low(); }"})
    assert rooms.check_symbols(tmp_path / "build", ["low", "high"]) == [
        "low/low.c.o: calls high() of the higher room high"
    ]


def test_circles_of_calls(tmp_path, rooms):
    add_library(
        tmp_path,
        "low",
        {
            "a.c": "void b(void); void a(void) { b(); }",
            "b.c": "void c(void); void b(void) { c(); }",
            "c.c": "void a(void); void c(void) { a(); }",
            "d.c": "void a(void); void d(void) { a(); }",
        },
    )
    assert rooms.check_symbols(tmp_path / "build", ["low", "high"]) == ["call in a circle: low/a.c, low/b.c, low/c.c"]


def test_tree_that_was_not_built(tmp_path, rooms):
    assert "build first" in rooms.check_symbols(tmp_path / "none", ["low", "high"])[0]
