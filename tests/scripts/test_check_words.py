"""scripts/check-words, and scripts/lint, which calls it."""

import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "scripts"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def check_words(folder, name, text):
    """Runs check-words in a new repository that has one file besides it."""
    (folder / "scripts").mkdir()
    (folder / "scripts/check-words").write_bytes((SCRIPTS / "check-words").read_bytes())
    (folder / "scripts/check-words").chmod(0o755)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    subprocess.run("git init -q && git add .", shell=True, cwd=folder, check=True)
    return run(folder / "scripts/check-words")


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.c", "int but_for;\n/* All files but\n * for one. */\n", [2]),
        ("a.c", 'const char *but; int for_;\nputs("this " "is " "no number");\n', [2]),
        ("a.c", "// There is no such file, and that is no longer a mistake.\n", []),
        ("a.py", "x is no\n# An array and kin.\n\"\"\"\nMemory to be had.\"\"\"\n", [2, 4]),
        ("a.lua", "--[[ one\nand\nkin ]]\nreturn 'goes by'\n", [2, 4]),
        ("a.md", "Who opened it?\n```\nbut for\n```\nand kin\n", [1, 5]),
        ("tools/a", "#!/usr/bin/python3\nbut = 1  # told so\n", [2]),
        ("a.svg", "<!-- and kin -->\n", []),
    ],
)
def test_phrases_are_found_in_prose(tmp_path, name, text, lines):
    done = check_words(tmp_path, name, text)
    assert [line.split(":")[:2] for line in done.stdout.splitlines()] == [[name, str(line)] for line in lines]
    assert done.returncode == (1 if lines else 0)


def test_lint_writes_its_outcome(tmp_path):
    """One check is enough here: scripts/check runs them all."""
    assert run(SCRIPTS / "lint", "--junit", tmp_path / "lint.xml", "words").returncode == 0
    assert run(SCRIPTS / "sum-results", tmp_path).stdout.endswith("1 passed, 0 failed, 0 skipped\n")
    done = run(SCRIPTS / "lint", "speling")
    assert done.returncode == 1 and "unknown check 'speling'" in done.stderr
