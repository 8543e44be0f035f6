"""Each tool has a manual page that agrees with its --help."""
import re
import subprocess

import pytest
from toolrun import TOOLS, run

MAN = TOOLS.parent / "man"
NAMES = sorted(path.name for path in TOOLS.iterdir() if path.is_file() and not path.suffix)


def options_of(text):
    """The options in a text, such as -p and --pid."""
    return set(re.findall(r"(?<![\w-])--?[A-Za-z](?:[\w-]*\w)?(?![\w-])", text))


@pytest.mark.parametrize("name", NAMES)
def test_options(name):
    """--help and the OPTIONS section of the manual page list the same options."""
    _, output, _ = run(name, "--help")
    listed = re.findall(r"^ {2,}(-\S.*?)(?:  .*)?$", output.decode(), re.MULTILINE)
    # Spellings with an underscore exist for compatibility and are not in the page.
    ours = {option for line in listed for option in options_of(line) if "_" not in option}
    page = (MAN / f"{name}.8").read_text(encoding="utf-8").replace("\\-", "-")
    section = page.split(".SH OPTIONS\n")[1].split("\n.SH ")[0]
    tagged = "\n".join(re.findall(r"^\.TP\n(.*)$", section, re.MULTILINE))
    assert options_of(re.sub(r"\\f.|^\.\w+|\"", " ", tagged, flags=re.MULTILINE)) == ours
    assert len(ours) > 10


@pytest.mark.parametrize("name", NAMES)
def test_page_is_well_formed(name):
    """groff accepts the page without warnings, and the page has all sections."""
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", MAN / f"{name}.8"], check=True,
                          capture_output=True, text=True)
    assert done.stderr == ""
    page = (MAN / f"{name}.8").read_text(encoding="utf-8")
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COLUMNS", "EXIT STATUS",
                    "EXAMPLES", "SAMPLE OUTPUT", "OVERHEAD", "NOTES", "SEE ALSO"):
        assert f"\n.SH {section}\n" in page
