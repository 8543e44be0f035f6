"""docs/reference.md and its pages name every method, macro and environment variable; links lead somewhere."""

import re
from pathlib import Path

import pytest

import ebcc
from ebcc import table

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "docs/reference.md", *sorted((REPOSITORY / "docs/reference").glob("*.md"))]
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
ARCHITECTURE = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"\w+", REFERENCE))
SOURCES = [path for path in (REPOSITORY / "src").rglob("*") if path.suffix in (".c", ".h", ".py", ".lua") and path.is_file()]

# Parts of other names, and names that sources define for themselves.
INTERNAL_MACROS = {"CC_USING_FENTRY", "KBUILD_MODNAME", "asm", "goto", "register"}


def public_names(thing):
    return {name for name in dir(thing) if not name.startswith("_") and not name.isupper()}


@pytest.mark.parametrize("thing", [ebcc.BPF, ebcc.USDT, table.HashTable, table.PerCpuArray, table.QueueStack, table.StackTrace, table.PerfEventArray, table.RingBuf],
                         ids=lambda thing: thing.__name__)
def test_methods(thing):
    detached = {name for name in public_names(thing) if name.startswith("detach_")}
    kinds = {"Function", "Table", "get_context"}
    assert public_names(thing) - detached - kinds <= WORDS
    assert {name.replace("detach_", "attach_") for name in detached} <= WORDS | {"attach_kprobe_event", "attach_kprobe_event_by_fn", "attach_uprobe_event"}


def test_macros():
    """The macros of the dialect's headers are named; of numbered ones, the first and the last."""
    defined = set()
    for path in (REPOSITORY / "src/cc/bpf/ebcc").glob("*.h"):
        defined |= set(re.findall(r"^#define (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    public = {name for name in defined if not name.startswith(("_", "EBCC_", "ebcc_")) and not name.endswith("_H")}
    numbered = {f"PT_REGS_PARM{number}{suffix}" for number in range(2, 6) for suffix in ("", "_SYSCALL")}
    byte_orders = {name for name in public if re.fullmatch(r"bpf_(hton|ntoh|cpu_to_be|be).*", name)}
    assert public - numbered - byte_orders - INTERNAL_MACROS <= WORDS
    assert len(public) > 40


def test_environment():
    """Variables that the library reads are described, and those described are read."""
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    read = set(re.findall(r'"(E?BCC_[A-Z_]+)"', text)) - {"EBCC_API", "EBCC_CPU_COUNT", "BCC_USDT_ARGUMENT_FLAGS"}
    described = {name for name in re.findall(r"`(E?BCC_[A-Z_]+)`", REFERENCE) if not name.startswith("EBCC_ERROR_")}
    assert read == described


def test_every_room_is_listed():
    """The table of rooms in docs/architecture.md names each folder of src/cc."""
    rooms = {path.name for path in (REPOSITORY / "src/cc").iterdir() if path.is_dir()}
    assert rooms == set(re.findall(r"^\| `(\w+)` \|", ARCHITECTURE, re.MULTILINE))


@pytest.mark.parametrize("name", ["biolatency", "opensnoop"])
def test_columns_of_pictures(name):
    """Browsers draw several plain spaces as one, which moves the columns of a terminal."""
    picture = (REPOSITORY / f"docs/{name}.svg").read_text(encoding="utf-8")
    lines = re.findall(r'<text x="18"[^>]*>(.*?)</text>', picture)
    assert len(lines) > 5 and not any(" " in line for line in lines)


def test_kernels_page_names_what_there_is():
    """Each probe of the library, and tests that exist."""
    text = (REPOSITORY / "docs/kernels.md").read_text(encoding="utf-8")
    probes = re.findall(r"^static bool (probe_\w+)", (REPOSITORY / "src/cc/kernel/features.c").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(probe_\w+)`", text)) == set(probes)
    for name in re.findall(r"`(\w+\.py)`", text):
        assert any((REPOSITORY / "tests" / folder / name).exists() for folder in ("vm", "python")), name


def headings(path):
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]), ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_lines_are_not_too_long(path):
    """Rows of tables can't be broken."""
    assert [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > 120 and not line.startswith("|")] == []
