"""The picture of a computation graph, as SVG, DOT, PNG or PDF.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> graph = draw(a * b)
>>> graph
Graph of L: 3 values, 2 uses
>>> graph.svg()[:4], graph.dot()[:7]
('<svg', 'digraph')

In a notebook a Graph shows itself; `graph.save("product.pdf")` writes a file.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import chain
from math import hypot
from os import PathLike
from pathlib import Path
from typing import Any

import graphviz

from microgradx.graph import Node, topological_order
from microgradx.program import Program

from . import layout
from .fold import Box, Group, Link, Sketch, fold
from .layout import DIRECTIONS, ENGINES, Layout, Point
from .trace import Trace, number

__all__ = ["Graph", "draw", "draw_dot", "to_dot", "to_svg"]

#: More values are not read, and more boxes not drawn: no viewer would show them
MOST_VALUES, MOST_BOXES = 200_000, 20_000
#: Formulas and slopes are told in tooltips up to so many values
DETAILED = 2_000

# ---- how it looks ------------------------------------------------------------------------------------------
# Forward is blue and solid, backward orange: safe for colour-blind readers, and no colour is the only sign of
# anything. Every text has a contrast of at least 4.5:1 on what it stands on, every line one of 3:1.
THEMES = {
    "light": {
        "page": "#ffffff", "frame": "#f4f6f9", "edge": "#7b8794", "box": "#ffffff", "chip": "#dbe8fb",
        "ink": "#18212d", "quiet": "#566270", "blue": "#1d4fa8", "orange": "#ad4506", "arrow": "#4a76c0",
    },
    "dark": {
        "page": "#0f141b", "frame": "#161d27", "edge": "#75818f", "box": "#1c2531", "chip": "#29436e",
        "ink": "#eaf0f6", "quiet": "#a7b2bf", "blue": "#8dbbff", "orange": "#ffb070", "arrow": "#6d9ce6",
    },
}  # fmt: skip
FONTS = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class _Style:
    """Colours by name, the width of the line, the size of the letters."""

    fill: str = ""
    stroke: str = ""
    width: float = 1.0
    size: float = 0.0
    bold: bool = False


_STYLES = {
    "page": _Style("page"),
    "frame": _Style("frame", "edge"),
    "box": _Style("box", "edge"),
    "root": _Style("box", "blue", 2),
    "chip": _Style("chip"),
    "line": _Style("", "arrow", 1.4),
    "head": _Style("arrow"),
    "sign": _Style("ink", size=20, bold=True),
    "call": _Style("ink", size=14, bold=True),
    "label": _Style("ink", size=15, bold=True),
    "name": _Style("quiet", size=14),
    "key": _Style("quiet", size=12),
    "data": _Style("blue", size=14),
    "grad": _Style("orange", size=14),
    "note": _Style("quiet", size=12),
    "slope": _Style("orange", size=12.5),
    "title": _Style("quiet", size=12.5, bold=True),
}  # the keys are the classes of the SVG's elements


@dataclass(frozen=True, slots=True)
class _Rectangle:
    role: str
    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class _Text:
    role: str
    x: float
    y: float  #: of the base line
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class _Card:
    """A box as it is drawn, from its own top left corner."""

    width: float
    height: float
    shapes: list[_Rectangle | _Text]


# ---- text ------------------------------------------------------------------------------------------------
_NARROW, _WIDE = frozenset("iljItfr.,:;'|!()[]{}/\\ ·"), frozenset("mwMW@%")
_UNSAFE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")  # what XML cannot hold
_INVISIBLE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks that turn the text around them


def _clean(text: str) -> str:
    """The text without what would break a file or reorder the letters beside it."""
    return _UNSAFE.sub("\ufffd", _INVISIBLE.sub("", text))


def _breadth(text: str, role: str) -> float:
    """About how wide a text is, in the widest of the usual sans-serif fonts; never less than it will be."""
    style = _STYLES[role]
    ems = 0.0
    for c in text:
        if c in _NARROW:
            ems += 0.42
        elif c in _WIDE:
            ems += 1.0
        elif c < "\x7f":
            ems += 0.78 if c.isupper() else 0.65
        elif unicodedata.combining(c):
            continue
        else:
            ems += 1.1 if unicodedata.east_asian_width(c) in "WF" else 0.85
    return ems * style.size * (1.1 if style.bold else 1.0)


def _fit(text: str, role: str, most: float) -> str:
    """One line of at most that breadth, shortened with … where it is longer."""
    text = " ".join(_clean(text[:200]).split()) + " " * (len(text) > 200)
    if _breadth(text, role) <= most and len(text) <= 200:
        return text.strip()
    while text and _breadth(text + "…", role) > most:
        text = text[:-1]
    return text.strip() + "…"


# ---- boxes -----------------------------------------------------------------------------------------------
PAD, LINE, WIDEST, LEAST = 10.0, 19.0, 210.0, 106.0
CHIP_INSET, STACK = 4.0, 4.0


def _card(box: Box, title: str, numbers: Sequence[tuple[str, str]], root: bool) -> _Card:
    """Lay out one box. numbers: (role, text) rows, the data and the gradient; the role is also the row's word."""
    named = "label" if box.title else "name"
    title = _fit(title, named, WIDEST)
    lines = [_fit(line, "note", WIDEST) for line in box.lines]
    wide = max(
        LEAST, _breadth(title, named) + 2 * PAD, *(_breadth(line, "note") + 2 * PAD for line in lines),
        *(_breadth(role, "key") + 12 + _breadth(text, role) + 2 * PAD for role, text in numbers),
    )  # fmt: skip
    height = LINE * (bool(title) + len(lines) + len(numbers)) + PAD
    shapes: list[_Rectangle | _Text] = []
    left = 0.0
    if box.kind in ("scope", "parameters"):  # a second sheet under the first one
        shapes.append(_Rectangle("box", STACK, STACK, wide, height, 7))
    chip = 0.0
    if box.sign:
        role = "sign" if len(box.sign) <= 4 else "call"
        sign = _fit(box.sign, role, WIDEST)
        chip = max(_breadth(sign, role) + 12, height - 2 * CHIP_INSET - 20, 30.0)
        left = chip + CHIP_INSET
    shapes.append(_Rectangle("root" if root else "box", 0, 0, left + wide, height, 7 if box.kind == "op" else 14))
    if box.sign:
        shapes.append(_Rectangle("chip", CHIP_INSET, CHIP_INSET, chip, height - 2 * CHIP_INSET, 5))
        shapes.append(_Text(role, CHIP_INSET + chip / 2, height / 2 + _STYLES[role].size * 0.35, sign, "middle"))
    y = PAD / 2 - 5.5
    if title:
        y += LINE
        shapes.append(_Text(named, left + PAD, y, title))
    for line in lines:
        y += LINE
        shapes.append(_Text("note", left + PAD, y, line))
    for role, text in numbers:
        y += LINE
        shapes.append(_Text("key", left + PAD, y, role))
        shapes.append(_Text(role, left + wide - PAD, y, text, "end"))
    extra = STACK if box.kind in ("scope", "parameters") else 0.0
    return _Card(left + wide + extra, height + extra, shapes)


# ---- the public face -------------------------------------------------------------------------------------
def draw(
    root: Node | Program,
    *,
    direction: str = "LR",
    names: Mapping[str, Any] | None = None,
    grads: bool | str = "auto",
    local: bool = False,
    collapse: int | str = "auto",
    engine: str = "auto",
    timeout: float = 5.0,
    theme: str = "auto",
) -> Graph:
    """The picture of the graph below `root`, which is only read.

    direction: "LR", "RL", "TB" or "BT", the way of the forward pass. names: more labels, by variable name, as
    from `locals()`. grads: whether boxes show gradients; "auto": if any has been computed; "—" stands for one
    that has not. local: write the local derivative ∂op/∂input on each arrow. collapse: False for every value,
    1 to fold layers into boxes, 2 to fold neurons, a scope's name to fold those, "auto" for about 60 boxes.
    engine: "dot" (Graphviz), "ranks" (built in, instant for any size), or "auto". timeout: seconds that
    Graphviz may take; then ranks are used. theme: "light", "dark", or "auto" for what the reader's system has.

    Raises TypeError when root is no node of a graph, ValueError for an unknown option or a graph that is too
    large to draw, and layout.GraphvizError when engine="dot" finds no Graphviz.
    """
    _one_of("direction", direction, DIRECTIONS)
    _one_of("engine", engine, ENGINES)
    _one_of("theme", theme, ("auto", *THEMES))
    _one_of("grads", grads, ("auto", True, False))
    if not timeout > 0:
        raise ValueError(f"timeout is a number of seconds > 0, got {timeout!r}")
    if isinstance(root, Program):
        program = root
    else:
        if isinstance(root, Node) and (values := len(topological_order(root))) > MOST_VALUES:
            raise ValueError(
                f"this graph has {values:,} values, and a picture reads at most {MOST_VALUES:,}; "
                "draw a node nearer to the inputs, or the same computation on less data"
            )
        program = Program.of(root, names)
    return Graph(fold(program, collapse), direction, grads, local, engine, timeout, theme)


def _one_of(name: str, got: Any, known: Sequence[Any]) -> None:
    if not any(got is k or (got == k and isinstance(got, str)) for k in known):
        raise ValueError(f"{name} is one of {', '.join(map(repr, known))}, got {got!r:.60}")


def to_svg(root: Node | Program, **options: Any) -> str:
    """The picture as SVG text; the options are those of `draw`."""
    return draw(root, **options).svg()


def to_dot(root: Node | Program, **options: Any) -> str:
    """The picture as DOT text, for a Graphviz of your own; the options are those of `draw`."""
    return draw(root, engine="ranks", **options).dot()


def draw_dot(root: Node, format: str = "svg", rankdir: str = "LR") -> Graph:
    """micrograd's name for `draw`: the same call, the same `.render(filename)`."""
    graph = draw(root, direction=rankdir)
    graph.format = format
    return graph
