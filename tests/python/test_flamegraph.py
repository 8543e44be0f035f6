"""Flame graphs as text: positions, colours, and hostile names."""
import colorsys
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from ebcc import _ebcc, flamegraph

SVG = "{http://www.w3.org/2000/svg}"


def drawn(graph, **options):
    """The boxes of the picture: {name: [(value, x, y, width)]}."""
    root = ElementTree.fromstring(graph.svg(**options))
    boxes = {}
    for group in root.iter(SVG + "g"):
        if "frame" not in group.get("class", ""):
            continue
        name = group.find(SVG + "title").text.split("\n")[0]
        box = group.find(SVG + "rect")
        boxes.setdefault(name, []).append((int(group.get("data-value")), *(
            float(box.get(part)) for part in ("x", "y", "width"))))
    return boxes


def graph_of(*lines):
    return flamegraph.read_folded(lines)


def test_positions():
    """Boxes are as wide as their share, above their callers, and next to one another in order of names."""
    boxes = drawn(graph_of("main;work;sum 30", "main;work 20", "main;idle 40", "other 10"))
    wide = flamegraph.WIDTH - 2 * flamegraph.MARGIN
    assert {name: [box[0] for box in found] for name, found in boxes.items()} == {
        "all": [100], "main": [90], "work": [50], "sum": [30], "idle": [40], "other": [10]}
    assert {name: round(found[0][3] / wide * 100) for name, found in boxes.items()} == {
        "all": 100, "main": 90, "work": 50, "sum": 30, "idle": 40, "other": 10}
    (_, idle_x, idle_y, idle_width), = boxes["idle"]
    (_, work_x, work_y, _), = boxes["work"]
    assert idle_x == flamegraph.MARGIN and work_x == pytest.approx(idle_x + idle_width, abs=0.02)
    assert idle_y == work_y == boxes["main"][0][2] - flamegraph.ROW
    assert boxes["sum"][0][1] == work_x


def test_stacks_are_merged_from_the_outermost_function_on():
    boxes = drawn(graph_of("a;b;c 1", "x;b;c 2", "a;b;c 3", "a;b 4"))
    assert sorted(box[0] for box in boxes["b"]) == [2, 8]
    assert sorted(box[0] for box in boxes["c"]) == [2, 4]


def test_min_width():
    """Boxes that are too narrow are left out, with everything above them. The boxes next to them stay."""
    graph = graph_of("main;rare;deep 1", "main;often 9999")
    assert set(drawn(graph, min_width=0)) == {"all", "main", "rare", "deep", "often"}
    assert set(drawn(graph, min_width=1)) == {"all", "main", "often"}
    tall, short = (ElementTree.fromstring(graph.svg(min_width=width)) for width in (0, 1))
    assert int(tall.get("height")) == int(short.get("height")) + flamegraph.ROW


def test_no_stacks():
    """A trace without stacks gives a picture, too."""
    assert drawn(flamegraph.Graph())["all"][0][0] == 0


def test_colors_depend_on_names():
    """A name has the same colour in any picture; kinds and palettes differ."""
    for palette, hues in flamegraph.PALETTES.items():
        for kind, (low, high) in hues.items():
            fill = flamegraph.color("vfs_read", kind, palette)
            assert fill == flamegraph.color("vfs_read", kind, palette)
            hue = colorsys.rgb_to_hls(*parts_of(fill))[0] * 360
            assert low - 1.5 <= hue <= high + 1.5
        ranges = sorted(hues.values())
        assert all(first[1] < second[0] for first, second in zip(ranges, ranges[1:]))
    fills = {flamegraph.color(f"function_{number}", flamegraph.USER, "on-cpu")
             for number in range(100)}
    assert len(fills) > 90
    # One fixed value, so the scheme doesn't change by accident.
    assert flamegraph.color("main", flamegraph.USER, "on-cpu") == "#ecb1a1"


def parts_of(fill):
    return [int(fill[place:place + 2], 16) / 255 for place in (1, 3, 5)]


def luminance(fill):
    """The relative luminance of WCAG 2."""
    red, green, blue = ((part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
                        for part in parts_of(fill))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_names_can_be_read():
    """The contrast of names on their boxes is at least 4.5, as WCAG requires."""
    css = flamegraph._resource("flamegraph.css")
    ink = luminance(re.search(r"\.frame text \{ fill: (#[0-9a-f]{6})", css)[1])
    for palette in flamegraph.PALETTES:
        for kind in (flamegraph.USER, flamegraph.KERNEL, flamegraph.INLINED, flamegraph.PROCESS):
            for number in range(200):
                fill = luminance(flamegraph.color(f"f{number}", kind, palette))
                assert (fill + 0.05) / (ink + 0.05) >= 4.5


@pytest.mark.parametrize(("name", "shown"), [
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("a]]>b", "a]]>b"),
    ("</title><rect/>", "</title><rect/>"),
    ('" onclick="alert(1)', '" onclick="alert(1)'),
    ("&amp;&lt;", "&amp;&lt;"),
    ("\x1b[31mred\x00\x7f", r"\x1b[31mred\x00\x7f"),
    ("two\nlines\r\t", r"two\nlines\r\t"),
    ("\ufffe\udc80\u202egnp", r"\ufffe\udc80\u202egnp"),
    ("漢字😀é", "漢字😀é"),
])
def test_hostile_names(name, shown):
    """Any name is only text in the file: in the graph, its title and its subtitle."""
    graph = flamegraph.Graph()
    graph.add([("main", flamegraph.USER), (name, flamegraph.USER)], 5)
    text = graph.svg(title=name, subtitle=name)
    root = ElementTree.fromstring(text)
    assert shown in drawn(graph, title=name, subtitle=name)
    assert [element.text for element in root.iter(SVG + "text")
            if element.get("id") in ("title", "subtitle")] == [shown, shown]
    assert len(list(root.iter(SVG + "script"))) == 1
    assert not any(attribute.startswith("on") for element in root.iter()
                   for attribute in element.attrib)


def test_labels_fit():
    """A label fits into its box. If it was truncated, it ends in a mark."""
    long = "a_function_with_a_name_of_some_length"
    root = ElementTree.fromstring(graph_of(f"{long} 50", f"b;{long} 10", "漢字漢字漢字漢字 5",
                                           "c 1").svg())
    for group in root.iter(SVG + "g"):
        if "frame" in group.get("class", ""):
            label = group.find(SVG + "text").text or ""
            name = group.find(SVG + "title").text.split("\n")[0]
            width = float(group.find(SVG + "rect").get("width"))
            assert flamegraph.columns(label) * flamegraph.CHARACTER_WIDTH <= width
            assert label in (name, "") or name.startswith(label[:-1]) and label[-1] == "…"


def test_kinds_in_folded_lines():
    """The suffixes of FlameGraph's scripts, and the delimiter before kernel functions."""
    frames = flamegraph.frames_of("sh;main;inner_[i];-;do_syscall_64;vfs_read_[k]")
    assert frames == [("sh", "user"), ("main", "user"), ("inner", "inlined"), ("-", "process"),
                      ("do_syscall_64", "kernel"), ("vfs_read", "kernel")]


@pytest.mark.parametrize("line", ["main", "main x", "12", "main 1.5", "main -1"])
def test_lines_that_are_not_folded_stacks(line):
    with pytest.raises(ValueError, match="line 2 is not a folded stack"):
        graph_of("main 1", line)


def test_deep_stacks():
    """A stack of thousands of functions is not a problem."""
    line = ";".join(f"f{number}" for number in range(5000))
    assert len(drawn(graph_of(line + " 1"))) == 5001


def test_program():
    """The program reads folded lines, and prints the picture."""
    done = subprocess.run(["/usr/bin/python3", "-m", "ebcc.flamegraph", "--title", "T<1>",
                           "--palette", "off-cpu"], input=b"main;work 3\nmain \xff;x 2\n\n",
                          capture_output=True, env=os.environ, check=True)
    root = ElementTree.fromstring(done.stdout)
    assert root.find(SVG + "title").text == "T<1>" and root.get("data-total") == "5"
    done = subprocess.run(["/usr/bin/python3", "-m", "ebcc.flamegraph"], input=b"nonsense\n",
                          capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"flamegraph: line 1 is not a folded stack: 'nonsense'\n"


def test_without_stacks():
    root = ElementTree.fromstring(graph_of().svg())
    assert root.get("data-total") == "0"
    assert [frame.get("data-value") for frame in root.iter(SVG + "g") if "frame" in frame.get("class", "")] == ["0"]


def test_drawing_needs_no_privilege(tmp_path, monkeypatch, capfdbinary):
    def refuse():
        raise PermissionError

    stacks = tmp_path / "stacks"
    stacks.write_text("main;work 3\n")
    monkeypatch.setattr(_ebcc, "check_privilege", refuse)
    monkeypatch.setattr("sys.argv", ["flamegraph", str(stacks)])
    flamegraph.main()
    assert b'data-total="3"' in capfdbinary.readouterr().out


def test_program_reads_a_file(tmp_path):
    def draw(*arguments):
        return subprocess.run(["/usr/bin/python3", "-m", "ebcc.flamegraph", *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    stacks = tmp_path / "stacks"
    stacks.write_text("main;work 3\nmain;x 2\n")
    done = draw("--unit", "calls", str(stacks))
    root = ElementTree.fromstring(done.stdout)
    assert (done.returncode, done.stderr, root.get("data-total"), root.get("data-unit")) == (0, "", "5", "calls")
    assert draw("-").returncode == 0
    missing = str(tmp_path / "no-such-file")
    done = draw(missing)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"flamegraph: {missing}: No such file or directory\n"
    done = draw(missing, "more")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "more" in done.stderr
