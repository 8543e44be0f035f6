# SPDX-License-Identifier: Apache-2.0
"""Draws flame graphs: call stacks as boxes on top of one another, as wide as their share of the whole.

The picture is a single, self-contained SVG file. In a browser its script (flamegraph.js) fits it to
the window and lets the user zoom, search and read the numbers; elsewhere it is a plain picture.
`python3 -m ebcc.flamegraph FILE` draws one from folded lines.

Names come from whatever was traced, so they get into the file only as text: characters that XML or
a terminal would interpret are escaped.
"""
import colorsys
import os
import re
import sys
import unicodedata
import zlib
from xml.sax.saxutils import escape, quoteattr

# Kinds of functions.
USER, KERNEL, INLINED, PROCESS = "user", "kernel", "inlined", "process"

# The range of hues of each kind, in degrees. Processes are grey.
PALETTES = {
    "on-cpu": {USER: (2, 30), KERNEL: (40, 56), INLINED: (165, 185)},
    "off-cpu": {USER: (200, 222), KERNEL: (250, 276), INLINED: (160, 178)},
    "events": {USER: (92, 130), KERNEL: (52, 70), INLINED: (175, 190)},
}
SATURATION = (0.62, 0.88)
LIGHTNESS = (0.69, 0.8)

# All lengths are in pixels. Functions that are narrower than this in a picture of WIDTH are left out.
MIN_WIDTH = 0.1
WIDTH = 1200
MARGIN = 12
HEADER = 72
FOOTER = 40
ROW = 19
CHARACTER_WIDTH = 7.25
LABEL_INDENT = 4

# What XML 1.0 cannot contain, and what changes the direction of the text around it.
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
                       "\ud800-\udfff\ufffe\uffff]")

# The suffixes in folded lines that tell the kind of a function.
_SUFFIXES = {"_[k]": KERNEL, "_[i]": INLINED, "_[j]": USER}


def plain(text):
    """A text in which the characters that a picture can't contain are escaped, such as \\x1b."""
    return _NOT_TEXT.sub(lambda match: ascii(match[0])[1:-1], text)


def columns(text):
    """How many columns a text takes: wide characters, such as Chinese ones, take two each."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def shortened(text, width):
    """As much of a text as fits in a width in pixels; "" if too little would be left."""
    room = int((width - 2 * LABEL_INDENT) / CHARACTER_WIDTH)
    if columns(text) <= room:
        return text
    if room < 3:
        return ""
    kept = []
    room -= 1
    for character in text:
        room -= columns(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


def color(name, kind, palette):
    """The color of a function's boxes, #rrggbb: the same for the same name, kind and palette."""
    if kind == PROCESS:
        return "#d9d7d2"
    seed = zlib.crc32(name.encode("utf-8", "surrogatepass"))

    def between(limits, bits):
        low, high = limits
        return low + (high - low) * (seed >> bits & 0xFF) / 0xFF
    red, green, blue = colorsys.hls_to_rgb(between(PALETTES[palette][kind], 0) / 360,
                                           between(LIGHTNESS, 8), between(SATURATION, 16))
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


class Node:
    """A function at one place in the graph. value: the sum over all stacks that pass through it."""

    __slots__ = ("children", "kind", "name", "value")

    def __init__(self, name, kind):
        self.name = name
        self.kind = kind
        self.value = 0
        self.children = {}


class Graph:
    """Stacks, merged from their outermost functions inwards. unit: what values count."""

    def __init__(self, unit="samples"):
        self.unit = unit
        self.root = Node("all", PROCESS)

    def add(self, frames, value):
        """Adds a stack with a value. frames: its (name, kind) pairs, the outermost first."""
        node = self.root
        node.value += value
        for frame in frames:
            child = node.children.get(frame)
            if child is None:
                child = node.children[frame] = Node(*frame)
            child.value += value
            node = child

    def boxes(self, least):
        """Yields (node, depth, start) for each function whose value is at least the given one, callers
        before callees, from left to right. start: the sum of the values to its left."""
        waiting = [(self.root, 0, 0)]
        while waiting:
            node, depth, start = waiting.pop()
            if node.value < least and depth > 0:
                continue
            yield node, depth, start
            end = start + sum(child.value for child in node.children.values())
            for key in sorted(node.children, reverse=True):
                child = node.children[key]
                end -= child.value
                waiting.append((child, depth + 1, end))

    def kinds(self):
        """The set of kinds of functions in the graph."""
        found, waiting = set(), [self.root]
        while waiting:
            node = waiting.pop()
            found.add(node.kind)
            waiting.extend(node.children.values())
        return found

    def svg(self, title="Flame graph", subtitle="", palette="on-cpu", min_width=MIN_WIDTH):
        """The picture as SVG text. palette: one of PALETTES. min_width: leave out functions narrower
        than this, in pixels of a picture of WIDTH."""
        total = max(self.root.value, 1)
        scale = (WIDTH - 2 * MARGIN) / total
        boxes = list(self.boxes(min_width / scale))
        rows = max(depth for _, depth, _ in boxes) + 1
        height = HEADER + rows * ROW + FOOTER
        title, subtitle = plain(title), plain(subtitle)
        parts = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" id="flamegraph" width="{WIDTH}" '
            f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="group" '
            f'aria-label={quoteattr(title)} data-total="{self.root.value}" data-unit={quoteattr(self.unit)} '
            f'data-rows="{rows}" data-row="{ROW}" data-margin="{MARGIN}" data-header="{HEADER}" '
            f'data-footer="{FOOTER}" data-indent="{LABEL_INDENT}">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{_resource('flamegraph.css')}</style>",
            '<rect id="background" width="100%" height="100%"/>',
            '<g id="frames">',
            *(self._box(node, depth, start, scale, height, palette)
              for node, depth, start in boxes),
            "</g>",
            self._legend(height, palette),
            '<g id="header">',
            f'<rect id="header-background" width="100%" height="{HEADER - 4}"/>',
            f'<text id="title" x="{MARGIN}" y="27">{escape(title)}</text>',
            f'<text id="subtitle" x="{MARGIN}" y="46">{escape(subtitle)}</text>',
            f'<text id="details" x="{MARGIN}" y="62"/>',
            "</g>",
            f"<script><![CDATA[\n{_resource('flamegraph.js')}]]></script>",
            "</svg>", ""]
        return "\n".join(parts)

    def _box(self, node, depth, start, scale, height, palette):
        name = plain(node.name)
        x, width = MARGIN + start * scale, node.value * scale
        y = height - FOOTER - (depth + 1) * ROW
        percent = 100 * node.value / max(self.root.value, 1)
        words = [f"{node.value:,} {self.unit}, {percent:.2f}%"]
        if node.kind != PROCESS:
            words.append(node.kind)
        label = escape(shortened(name, width))
        return (f'<g class="frame {node.kind}" data-start="{start}" data-value="{node.value}" '
                f'data-depth="{depth}"><title>{escape(name)}\n{", ".join(words)}</title>'
                f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW - 1}" '
                f'fill="{color(node.name, node.kind, palette)}"/>'
                f'<text x="{x + LABEL_INDENT:.2f}" y="{y + ROW - 6}">{label}</text></g>')

    def _legend(self, height, palette):
        """The legend: the color of each kind that the graph has."""
        parts = ['<g id="legend">']
        x, y = MARGIN, height - FOOTER + 14
        kinds = self.kinds()
        for kind in PALETTES[palette]:
            if kind in kinds:
                parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" '
                             f'fill="{_middle(kind, palette)}"/>'
                             f'<text x="{x + 18}" y="{y + 10}">{kind}</text>')
                x += 36 + CHARACTER_WIDTH * len(kind)
        return "".join([*parts, "</g>"])


def _middle(kind, palette):
    """The middle of a kind's range of colors."""
    low, high = PALETTES[palette][kind]
    rgb = colorsys.hls_to_rgb((low + high) / 720, sum(LIGHTNESS) / 2, sum(SATURATION) / 2)
    return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)


def _resource(name):
    """The text of a file in this directory."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def frames_of(folded):
    """The (name, kind) pairs of a folded stack. Frames after a "-" are the kernel's."""
    frames, in_kernel = [], False
    for name in folded.split(";"):
        kind = KERNEL if in_kernel else USER
        if name[-4:] in _SUFFIXES:
            name, kind = name[:-4], _SUFFIXES[name[-4:]]
        elif name == "-":
            in_kernel, kind = True, PROCESS
        frames.append((name, kind))
    return frames


def read_folded(lines, unit="samples"):
    """A graph of folded lines: functions separated by semicolons, a space, and a number. Raises
    ValueError for any other line."""
    graph = Graph(unit)
    for number, line in enumerate(lines, 1):
        stack, _, value = line.rstrip().rpartition(" ")
        if not line.strip():
            continue
        if not stack or not re.fullmatch(r"[0-9]{1,18}", value):
            raise ValueError(f"line {number} is not a folded stack: {line.rstrip()[:60]!r}")
        graph.add(frames_of(stack.strip()), int(value))
    return graph


def main():
    """Reads folded lines from a file or standard input, and writes the picture to standard output."""
    from .tools import cli
    parser = cli.ArgumentParser(
        traces=False,
        prog="python3 -m ebcc.flamegraph",
        description="Draw a flame graph of folded stacks: an SVG file, to standard output.",
        epilog="examples:\n"
               "  python3 -m ebcc.flamegraph stacks > picture.svg\n"
               "  profile -f 10 | python3 -m ebcc.flamegraph --title CPU > picture.svg")
    parser.add_argument("file", nargs="?", default="-", metavar="FILE",
                        help="folded stacks, one per line: functions separated by semicolons, a "
                             "space and a number (default, and -: standard input)")
    parser.add_argument("--title", default="Flame graph")
    parser.add_argument("--subtitle", default="")
    parser.add_argument("--palette", choices=PALETTES, default="on-cpu")
    parser.add_argument("--unit", default="samples", help="what the numbers count")
    parser.add_argument("--min-width", type=float, default=MIN_WIDTH, metavar="PIXELS",
                        help="leave out functions narrower than this (default %(default)s)")
    args = parser.parse_args()
    if args.file == "-":
        text = sys.stdin.buffer.read()
    else:
        with open(args.file, "rb") as file:
            text = file.read()
    lines = text.decode("utf-8", "backslashreplace").split("\n")
    graph = read_folded(lines, args.unit)
    cli.write(graph.svg(args.title, args.subtitle, args.palette, args.min_width).encode())


if __name__ == "__main__":
    from .tools.cli import run
    run("flamegraph", main)
