#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a picture of a terminal from text on standard input.

usage: terminal_svg.py TITLE < output > picture.svg

Lines that begin with "# " are shown as what was typed. The pictures of the documentation are made
by running a tool, and giving its output to this script.
"""
import html
import sys

FONT_SIZE = 14
CHARACTER_WIDTH = 8.43
LINE_HEIGHT = 19
MARGIN = 18
BAR_HEIGHT = 34

# Browsers draw several plain spaces as one; not all of them heed xml:space.
NO_BREAK_SPACE = "\u00a0"


def picture(title, lines):
    """The SVG text of a terminal window with these lines."""
    width = round(max(map(len, [*lines, " " * 60])) * CHARACTER_WIDTH + 2 * MARGIN)
    height = BAR_HEIGHT + len(lines) * LINE_HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">',
        f'<rect width="{width}" height="{height}" rx="9" fill="#16191f"/>',
        f'<path d="M0 {BAR_HEIGHT}V9a9 9 0 0 1 9-9H{width - 9}a9 9 0 0 1 9 9V{BAR_HEIGHT}z" '
        'fill="#2a2f38"/>',
        *(f'<circle cx="{MARGIN + 2 + 20 * number}" cy="{BAR_HEIGHT // 2}" r="6" fill="{color}"/>'
          for number, color in enumerate(("#e0605a", "#dfb04a", "#5fae5f"))),
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT_SIZE}">',
        f'<text x="{width / 2}" y="{BAR_HEIGHT / 2 + 5}" text-anchor="middle" '
        f'fill="#aab2c0" font-size="13">{html.escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        y = BAR_HEIGHT + MARGIN + number * LINE_HEIGHT + FONT_SIZE - 2
        color = "#8fd18f" if line.startswith("# ") else "#dde3ec"
        # The length makes columns line up whatever monospaced font there is.
        length = f' textLength="{len(line) * CHARACTER_WIDTH:.2f}"' if line else ""
        parts.append(f'<text x="{MARGIN}" y="{y}" fill="{color}"{length}>'
                     f"{html.escape(line).replace(' ', NO_BREAK_SPACE)}</text>")
    return "\n".join([*parts, "</g>", "</svg>", ""])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(picture(sys.argv[1], [line.rstrip() for line in sys.stdin]))


if __name__ == "__main__":
    main()
