"""What a box looks like: colours, sizes of text, and the shapes of which all pictures are made.

>>> fit("a rather long label", "label", 100)
'a rather…'
>>> box = Box("n2", "op", "h", [2], "×", value=2)
>>> card = card_of(box, "h", [("data", "6"), ("grad", "13")])
>>> [shape.text for shape in card.shapes if isinstance(shape, Text)]
['×', 'h', 'data', '6', 'grad', '13']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .fold import Box

__all__ = [
    "FONTS", "STYLES", "THEMES", "WIDEST", "Card", "Curve", "Polygon", "Rectangle", "Shape", "Style", "Text",
    "breadth", "card_of", "clean", "fit", "row_breadth",
]  # fmt: skip

Point = tuple[float, float]

# Forward is blue and solid, backward orange, which colour-blind readers tell apart, and colour is never the only
# sign. Text has a contrast of at least 4.5:1 with what it stands on, lines one of 3:1.
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
class Style:
    """Colours, by their names in a theme; the width of the line; the size of the letters."""

    fill: str = ""
    stroke: str = ""
    width: float = 1.0
    size: float = 0.0
    bold: bool = False


#: By role, which is the class of the element in an SVG
STYLES = {
    "page": Style("page"),
    "frame": Style("frame", "edge"),
    "title": Style("quiet", size=12.5, bold=True),
    "box": Style("box", "edge"),
    "root": Style("box", "blue", 2),
    "chip": Style("chip"),
    "line": Style("", "arrow", 1.4),
    "thread": Style("", "arrow", 0.7),
    "tip": Style("arrow"),
    "sign": Style("ink", size=26),  # ×
    "constant": Style("ink", size=19),  # × 3
    "call": Style("ink", size=15),  # leaky_relu(·, 0.01)
    "label": Style("ink", size=15, bold=True),
    "name": Style("quiet", size=14),
    "key": Style("quiet", size=12),
    "data": Style("blue", size=14),
    "grad": Style("orange", size=14),
    "note": Style("quiet", size=12),
    "slope": Style("orange", size=12.5),
}


# ---- shapes ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Rectangle:
    role: str
    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Text:
    role: str
    x: float
    y: float  #: of the base line
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic Bézier path."""

    role: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Polygon:
    role: str
    points: Sequence[Point]


Shape = Rectangle | Text | Curve | Polygon


@dataclass(frozen=True, slots=True)
class Card:
    """A box as it is drawn; the coordinates start at its top left corner."""

    width: float
    height: float
    shapes: list[Shape]


# ---- text ------------------------------------------------------------------------------------------------
_NARROW, _WIDE = frozenset("iljItfr.,:;'|!()[]{}/\\ ·"), frozenset("mwMW@%—…")
_UNSAFE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")  # what XML cannot hold
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks that reorder the text beside them


def clean(text: str) -> str:
    """The text without what would break a file or reorder the letters around it."""
    return _UNSAFE.sub("\ufffd", _TURNING.sub("", text))


def breadth(text: str, role: str) -> float:
    """How wide a text is in the widest of the usual sans-serif fonts, about; hardly ever less than it will be."""
    style = STYLES[role]
    ems = 0.0
    for c in text:
        if c in _NARROW:
            ems += 0.42
        elif c in _WIDE:
            ems += 1.0
        elif c < "\x7f":
            ems += 0.78 if c.isupper() else 0.65
        elif not unicodedata.combining(c):
            ems += 1.1 if unicodedata.east_asian_width(c) in "WF" else 0.85
    return ems * style.size * (1.1 if style.bold else 1.0)


def fit(text: str, role: str, most: float) -> str:
    """One line of at most that breadth, shortened with … where it is longer."""
    whole = " ".join(clean(text).split())
    shown = whole[:200]
    if len(whole) <= 200 and breadth(shown, role) <= most:
        return shown
    while shown and breadth(shown + "…", role) > most:
        shown = shown[:-1]
    return shown.rstrip() + "…"


# ---- cards -----------------------------------------------------------------------------------------------
PAD, LINE, WIDEST = 10.0, 19.0, 210.0
INSET, STACK = 4.0, 4.0  # of the operation's chip in its box; of the second sheet under a fold


def row_breadth(role: str, text: str) -> float:
    """How wide a box must be for a row such as "grad  1.002"."""
    return breadth(role, "key") + 12 + breadth(text, role) + 2 * PAD


def card_of(
    box: Box,
    title: str,
    numbers: Sequence[tuple[str, str]],
    least: tuple[float, float] = (0.0, 0.0),
    root: bool = False,
) -> Card:
    """Draw one box: the operation at the left; title, contents and numbers at the right.

    numbers: (role, text) for the data and the gradient; the role is the row's word, too. least: the breadth,
    without the operation, and the height that it must have.
    """
    named = "label" if box.title else "name"
    title = fit(title, named, WIDEST)
    lines = [fit(line, "note", WIDEST) for line in box.lines]
    wide = max(
        least[0], breadth(title, named) + 2 * PAD, *(breadth(line, "note") + 2 * PAD for line in lines),
        *(row_breadth(role, text) for role, text in numbers),
    )  # fmt: skip
    rows = bool(title) + len(lines) + len(numbers)
    height = max(LINE * rows + PAD, least[1])
    left = 0.0
    chip: list[Shape] = []
    if box.sign:
        role = "sign" if len(box.sign) == 1 else "constant" if len(box.sign) <= 4 else "call"
        sign = fit(box.sign, role, WIDEST)
        broad = max(breadth(sign, role) + 14, 40.0)
        left = broad + INSET
        chip = [
            Rectangle("chip", INSET, INSET, broad, height - 2 * INSET, 5),
            Text(role, INSET + broad / 2, height / 2 + STYLES[role].size * 0.35, sign, "middle"),
        ]
    outline = Rectangle("root" if root else "box", 0, 0, left + wide, height, 7 if box.kind == "op" else 13)
    folded = box.kind in ("scope", "parameters")
    sheet = [Rectangle("box", STACK, STACK, wide, height, 13)] * folded
    words: list[Shape] = []
    y = (height - LINE * rows) / 2 - 5
    for role, text in [(named, title)] * bool(title) + [("note", line) for line in lines]:
        y += LINE
        words.append(Text(role, left + PAD, y, text))
    for role, text in numbers:
        y += LINE
        words += [Text("key", left + PAD, y, role), Text(role, left + wide - PAD, y, text, "end")]
    return Card(left + wide + STACK * folded, height + STACK * folded, [*sheet, outline, *chip, *words])
