# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterable, Iterator

USER: str
KERNEL: str
INLINED: str
PROCESS: str
PALETTES: dict[str, dict[str, tuple[int, int]]]
SATURATION: tuple[float, float]
LIGHTNESS: tuple[float, float]
MIN_WIDTH: float
WIDTH: int
MARGIN: int
HEADER: int
FOOTER: int
ROW: int
CHARACTER_WIDTH: float
LABEL_INDENT: int

def plain(text: str) -> str: ...
def columns(text: str) -> int: ...
def shortened(text: str, width: float) -> str: ...
def color(name: str, kind: str, palette: str) -> str: ...

class Node:
    """A function at one place in the graph. value: the sum over all stacks that pass through it."""
    name: str
    kind: str
    value: int
    children: dict[tuple[str, str], Node]
    def __init__(self, name: str, kind: str) -> None: ...

class Graph:
    """Stacks, merged from their outermost functions inwards."""
    unit: str
    root: Node
    def __init__(self, unit: str = ...) -> None: ...
    def add(self, frames: Iterable[tuple[str, str]], value: int) -> None: ...
    def boxes(self, least: float) -> Iterator[tuple[Node, int, int]]: ...
    def kinds(self) -> set[str]: ...
    def svg(self, title: str = ..., subtitle: str = ..., palette: str = ...,
            min_width: float = ...) -> str: ...

def frames_of(folded: str) -> list[tuple[str, str]]: ...
def read_folded(lines: Iterable[str], unit: str = ...) -> Graph: ...
def main() -> None: ...
