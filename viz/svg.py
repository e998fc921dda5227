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
from html import escape
from itertools import count
from math import hypot
from os import PathLike
from pathlib import Path
from typing import Any

import graphviz

from microgradx.graph import Node, topological_order
from microgradx.program import Program

from . import ranks
from .fold import Box, Group, Link, Sketch, fold
from .layout import ENGINES, place, render
from .ranks import DIRECTIONS, Point
from .trace import Trace, number

__all__ = ["Graph", "draw", "draw_dot", "to_dot", "to_svg"]

#: More values are not read, and more boxes not drawn: no viewer would show them
MOST_VALUES, MOST_BOXES = 200_000, 20_000
#: More arrows are drawn finer
CROWDED = 120
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
    "thread": _Style("", "arrow", 0.7),
    "head": _Style("arrow"),
    "sign": _Style("ink", size=26),
    "constant": _Style("ink", size=19),
    "call": _Style("ink", size=15),
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
PAD, LINE, WIDEST, LEAST = 10.0, 19.0, 210.0, 104.0
CHIP_INSET, STACK = 4.0, 4.0


def _row(role: str, text: str) -> float:
    """The breadth of a row such as "grad  1.002"."""
    return _breadth(role, "key") + 12 + _breadth(text, role) + 2 * PAD


def _card(box: Box, title: str, numbers: Sequence[tuple[str, str]], root: bool, least: tuple[float, float]) -> _Card:
    """Lay out one box of at least that breadth (without the operation's sign) and height.

    numbers: (role, text) for the data and the gradient; a role is its row's word, too.
    """
    named = "label" if box.title else "name"
    title = _fit(title, named, WIDEST)
    lines = [_fit(line, "note", WIDEST) for line in box.lines]
    wide = max(
        least[0], _breadth(title, named) + 2 * PAD, *(_breadth(line, "note") + 2 * PAD for line in lines),
        *(_row(role, text) for role, text in numbers),
    )  # fmt: skip
    rows = bool(title) + len(lines) + len(numbers)
    height = max(LINE * rows + PAD, least[1])
    folded = box.kind in ("scope", "parameters")
    left = 0.0
    shapes: list[_Rectangle | _Text] = []
    if box.sign:
        role = "sign" if len(box.sign) == 1 else "constant" if len(box.sign) <= 4 else "call"
        sign = _fit(box.sign, role, WIDEST)
        chip = max(_breadth(sign, role) + 14, 40.0)
        left = chip + CHIP_INSET
        shapes.append(_Rectangle("chip", CHIP_INSET, CHIP_INSET, chip, height - 2 * CHIP_INSET, 5))
        shapes.append(_Text(role, CHIP_INSET + chip / 2, height / 2 + _STYLES[role].size * 0.35, sign, "middle"))
    outline = _Rectangle("root" if root else "box", 0, 0, left + wide, height, 7 if box.kind == "op" else 13)
    sheets = [_Rectangle("box", STACK, STACK, wide, height, 13), outline] if folded else [outline]
    y = (height - LINE * rows) / 2 - 5
    if title:
        y += LINE
        shapes.append(_Text(named, left + PAD, y, title))
    for line in lines:
        y += LINE
        shapes.append(_Text("note", left + PAD, y, line))
    for role, text in numbers:
        y += LINE
        shapes += [_Text("key", left + PAD, y, role), _Text(role, left + wide - PAD, y, text, "end")]
    return _Card(left + wide + STACK * folded, height + STACK * folded, [*sheets, *shapes])


# ---- the scene: everything that is drawn, in the order in which it is drawn ------------------------------------
@dataclass(frozen=True, slots=True)
class _Curve:
    """A cubic Bézier path."""

    role: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class _Polygon:
    role: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class _Item:
    """Shapes that belong together, with an id and a tooltip; their coordinates start at (x, y)."""

    kind: str
    name: str
    tooltip: str
    x: float
    y: float
    shapes: Sequence[_Rectangle | _Text | _Curve | _Polygon]


MARGIN = 12.0


class Graph:
    """A picture, laid out: `svg()` and `dot()` are texts, `save(path)` writes a file, a notebook shows it."""

    format = "svg"  #: what `render` writes

    def __init__(
        self, sketch: Sketch, direction: str = "LR", grads: bool | str = "auto", local: bool = False,
        engine: str = "auto", timeout: float = 5.0, theme: str = "auto",
    ) -> None:  # fmt: skip
        if len(sketch.boxes) > MOST_BOXES:
            raise ValueError(
                f"this picture would have {len(sketch.boxes):,} boxes, and the most is {MOST_BOXES:,}; fold it with "
                "collapse=1, name its parts with `with scope(...):` so that they fold, or draw a node nearer to the inputs"
            )
        program = sketch.program
        self.sketch, self.direction, self.theme = sketch, direction, theme
        self.grads = any(i.grad is not None for i in program) if grads == "auto" else bool(grads)
        self._walk = Trace.of(program) if local or len(program) <= DETAILED else None
        self._names = [i.shown for i in self._walk.nodes] if self._walk else [i.name for i in program]
        self._terms = {(c.user, c.slot, c.element): c
                       for terms in (self._walk.contributions if self._walk else ()) for c in terms}  # fmt: skip
        self._marks = [self._mark(link, local) for link in sketch.links]
        ports = self._ports()
        self._cards = self._make_cards(ports)
        self.layout = place(
            [ranks.Box(card.width, card.height, len(ports[k])) for k, card in enumerate(self._cards)],
            [ranks.Arrow(link.tail, link.head, ports[link.head].get(link.name), _room(mark))
             for link, mark in zip(sketch.links, self._marks, strict=True)],
            [self._frame(group) for group in sketch.groups],
            direction=direction, engine=engine, timeout=timeout,
        )  # fmt: skip

    def __repr__(self) -> str:
        boxes, values = len(self.sketch.boxes), len(self.sketch.program)
        uses = sum(map(len, self.sketch.program.uses))
        folded = f", folded into {boxes} boxes" if boxes < values else ""
        remark = f" (by ranks: {self.layout.remark})" if self.layout.remark else ""
        return f"Graph of {self._root}: {values:,} values, {uses:,} uses{folded}{remark}"

    # ---- what stands where
    @property
    def _root(self) -> str:
        return self._names[-1]

    def _is_root(self, box: Box) -> bool:
        return box.kind == "op" and box.value == len(self._names) - 1

    def _title(self, box: Box) -> str:
        return box.title or (self._names[box.value] if box.value is not None else "")

    def _numbers(self, box: Box) -> list[tuple[str, str]]:
        if box.value is None:
            return []
        i = self.sketch.program[box.value]
        return [("data", number(i.data))] + [("grad", number(i.grad))] * self.grads

    def _ports(self) -> list[dict[str, int]]:
        """For each box the arrival points of its arrows, by name; none where they all arrive at one point.

        Inputs of an operation arrive in its order, so that a − b has a above b. Where many arrive, as at the
        `dot` of a neuron, one point for all is the clearer picture, and counts go to the tooltips.
        """
        arriving: list[list[int]] = [[] for _ in self.sketch.boxes]
        for k, link in enumerate(self.sketch.links):
            arriving[link.head].append(k)
        found: list[dict[str, int]] = []
        for box, numbers in zip(self.sketch.boxes, arriving, strict=True):
            links = [self.sketch.links[k] for k in numbers]
            rule = None if box.value is None else self.sketch.program[box.value].rule
            apart = box.kind == "op" and rule is not None and not rule.vectors
            apart |= len({link.tail for link in links}) < len(links)
            marks = [self._marks[k] for k in numbers]
            if len(links) > 8 and not any(mark and mark.role == "slope" for mark in marks):
                for k in numbers:
                    self._marks[k] = None
            elif any(marks):
                apart = True
            found.append({link.name: n for n, link in enumerate(links)} if apart and len(links) > 1 else {})
        return found

    def _make_cards(self, ports: Sequence[Mapping[str, int]]) -> list[_Card]:
        numbers = [self._numbers(box) for box in self.sketch.boxes]
        usual = max((_row(*row) for rows in numbers for row in rows), default=0.0)  # equal boxes stand in line
        marked = {link.head for link, mark in zip(self.sketch.links, self._marks, strict=True) if mark}
        return [
            _card(box, self._title(box), rows, self._is_root(box),
                  (max(LEAST, usual), len(ports[k]) * (22.0 if k in marked else 9.0)))
            for k, (box, rows) in enumerate(zip(self.sketch.boxes, numbers, strict=True))
        ]  # fmt: skip

    def _frame(self, group: Group) -> ranks.Frame:
        title = _fit(group.title, "title", WIDEST)
        return ranks.Frame((_breadth(title, "title") + 4, 16), group.boxes, [self._frame(g) for g in group.groups])

    def _mark(self, link: Link, local: bool) -> _Text | None:
        """What is written on an arrow: how many values it stands for, or a local derivative."""
        if len(link.uses) > 1:
            return _Text("note", 0, 0, f"{link.values} values" if link.values > 1 else f"{len(link.uses)} uses")
        use = link.uses[0]
        if not local or not link.name.startswith(f"e{use.user}_"):
            return None
        names = (_fit(self._names[i], "slope", 70) for i in (use.user, use.parent))
        slope = self._terms[use.user, use.slot, use.element].local
        return _Text("slope", 0, 0, "∂{}/∂{} = {}".format(*names, number(slope)))

    # ---- tooltips
    def _about(self, box: Box) -> str:
        if box.value is None or box.kind == "scope":
            return "\n".join([box.path, *box.lines])
        i, name = self.sketch.program[box.value], self._names[box.value]
        lines = [i.label] if i.label and i.label != name else []
        formula = self._walk.nodes[i.index].formula if self._walk else i.op
        lines.append(f"{name} = {formula}" if formula else f"{name}, a leaf")
        lines.append(f"data = {i.data!r}")
        if self.grads:
            lines.append(f"d{self._root}/d{name} = {'—' if i.grad is None else repr(i.grad)}")
        if box.path:
            lines.append(f"in {box.path}")
        return "\n".join(lines)

    def _about_link(self, link: Link) -> str:
        tail, head = (self._title(self.sketch.boxes[k]) for k in (link.tail, link.head))
        lines = [f"{tail} → {head}"]
        if len(link.uses) > 1:
            lines.append(f"{link.values} value{'s' * (link.values > 1)}, {len(link.uses)} uses")
        elif term := self._terms.get((link.uses[0].user, link.uses[0].slot, link.uses[0].element)):
            user, parent = self._names[term.user], self._names[term.parent]
            formula = f"{term.formula} = " if term.formula and term.formula != number(term.local) else ""
            lines.append(f"∂{user}/∂{parent} = {formula}{number(term.local)}")
        return "\n".join(lines)

    # ---- drawing
    def _scene(self) -> Iterator[_Item]:
        placed = self.layout
        groups = list(_every(self.sketch.groups))
        line = "line" if len(self.sketch.links) <= CROWDED else "thread"
        for k, (group, corners) in enumerate(zip(groups, placed.frames, strict=True)):
            left, top, right, bottom = corners
            title = _fit(group.title, "title", WIDEST)
            yield _Item("frame", f"g{k}", _clean(group.path), left + MARGIN, top + MARGIN, [
                _Rectangle("frame", 0, 0, right - left, bottom - top, 10), _Text("title", 10, 18, title),
            ])  # fmt: skip
        for link, curve in zip(self.sketch.links, placed.curves, strict=True):
            yield _Item("edge", link.name, _clean(self._about_link(link)), 0, 0, [
                _Curve(line, [(x + MARGIN, y + MARGIN) for x, y in curve.points]),
                _Polygon("head", [(x + MARGIN, y + MARGIN) for x, y in _arrowhead(curve)]),
            ])  # fmt: skip
        for box, card, (x, y) in zip(self.sketch.boxes, self._cards, placed.centres, strict=True):
            x, y = x - card.width / 2 + MARGIN, y - card.height / 2 + MARGIN
            yield _Item(f"node mgx-{box.kind}", box.name, _clean(self._about(box)), x, y, card.shapes)
        for link, mark, where in zip(self.sketch.links, self._marks, placed.labels, strict=True):
            if mark and where:
                x, y = where[0] + MARGIN, where[1] + MARGIN + 4
                text = _Text(mark.role, 0, 0, mark.text, "middle")
                yield _Item("mark", f"t{link.name[1:]}", "", x, y, [text])

    def svg(self, *, transparent: bool = False, run: str = "") -> str:
        """The picture as SVG text, to stand alone or inside of a page.

        transparent: no page behind it. run: the middle part of the ids, mgx_<run>_n12 for node 12 and
        mgx_<run>_e12_0 for its first input; by default it comes from the picture itself, so that pictures on
        one page do not get in each other's way and the same picture is the same text.
        """
        if not re.fullmatch(r"[A-Za-z0-9]*", run):
            raise ValueError(f"run is a part of ids, letters and digits only, got {run!r}")
        colours = THEMES["dark" if self.theme == "dark" else "light"]
        attributes = {role: _attributes(role, colours) for role in _STYLES}
        write = {"_Rectangle": _svg_rectangle, "_Text": _svg_text, "_Curve": _svg_curve, "_Polygon": _svg_polygon}
        width, height = (f"{size + 2 * MARGIN:.0f}" for size in (self.layout.width, self.layout.height))
        about = escape(_clean(f"Computation {self!r}"))
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" id="\0" class="mgx" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="graphics-document document" aria-label="{about}" font-family="{FONTS}">\n'
            f"<style>{_css(self.theme)}</style>\n"
        ]
        if not transparent:
            out.append(f'<rect {attributes["page"]} width="{width}" height="{height}"/>\n')
        for item in self._scene():
            move = f' transform="translate({_short(item.x)} {_short(item.y)})"' if item.x or item.y else ""
            out.append(f'<g id="\0_{item.name}" class="mgx-{item.kind}"{move}>')
            if item.tooltip:
                out.append(f"<title>{escape(item.tooltip, quote=False)}</title>")
            out += [write[shape.__class__.__name__](shape, attributes[shape.role]) for shape in item.shapes]
            out.append("</g>\n")
        out.append("</svg>\n")
        text = "".join(out)
        run = run or hashlib.sha256(text.encode()).hexdigest()[:8]
        return text.replace("\0", f"mgx_{run}")


    def dot(self) -> str:
        """The graph as DOT text that says all by itself, for a Graphviz of your own to lay out and draw."""
        colours = THEMES["dark" if self.theme == "dark" else "light"]
        fonts = {"fontname": FONTS, "fontsize": "12", "fontcolor": colours["ink"]}
        graph = graphviz.Digraph(
            graph_attr={"rankdir": self.direction, "bgcolor": colours["page"], "ranksep": "0.6", **fonts},
            node_attr={"shape": "box", "style": "filled", "color": colours["edge"], **fonts},
            edge_attr={"color": colours["arrow"], "arrowsize": "0.8", **fonts, "fontcolor": colours["orange"]},
        )
        for box in self.sketch.boxes:
            words = [box.sign, self._title(box), *box.lines, *(f"{role} {text}" for role, text in self._numbers(box))]
            lines = [_fit(word, "note", WIDEST) for word in words if word]
            look = {"fillcolor": colours["chip"]} if box.sign else {"style": "rounded,filled", "fillcolor": colours["box"]}
            look |= {"peripheries": "2"} if box.kind in ("scope", "parameters") else {}
            graph.node(box.name, _dot_text(lines), tooltip=_dot_text(self._about(box).split("\n")), id=f"mgx_{box.name}",
                       **{"class": f"mgx-node mgx-{box.kind}"}, **look)  # fmt: skip
        numbers = count()
        for group in self.sketch.groups:
            self._cluster(graph, group, numbers, colours)
        for link, mark in zip(self.sketch.links, self._marks, strict=True):
            graph.edge(self.sketch.boxes[link.tail].name, self.sketch.boxes[link.head].name,
                       _dot_text([mark.text]) if mark else None, id=f"mgx_{link.name}",
                       tooltip=_dot_text(self._about_link(link).split("\n")))  # fmt: skip
        return str(graph.source)

    def _cluster(self, graph: graphviz.Digraph, group: Group, numbers: Iterator[int], colours: Mapping[str, str]) -> None:
        with graph.subgraph(name=f"cluster_{next(numbers)}") as inside:
            inside.attr(label=_dot_text([_fit(group.title, "title", WIDEST)]), labeljust="l", style="rounded,filled",
                        color=colours["edge"], fillcolor=colours["frame"])  # fmt: skip
            for k in group.boxes:
                inside.node(self.sketch.boxes[k].name)
            for inner in group.groups:
                self._cluster(inside, inner, numbers, colours)

    # ---- files and notebooks
    def save(self, path: str | PathLike[str], *, transparent: bool = False) -> Path:
        """Write the picture; the suffix decides: .svg, .png, .pdf or .dot. Returns the path.

        PNG and PDF are drawn by Graphviz from the same shapes as the SVG. Raises ValueError for another suffix,
        OSError when the file cannot be written, GraphvizError when there is no Graphviz to draw with.
        """
        path = Path(path)
        path.write_bytes(self._file(path.suffix.lower().removeprefix("."), transparent, f"{path.name!r}"))
        return path

    def _file(self, format: str, transparent: bool, asked: str) -> bytes:
        if format == "svg":
            return self.svg(transparent=transparent).encode()
        if format in ("dot", "gv"):
            return self.dot().encode()
        if format in ("png", "pdf"):
            return render(self._drawing(transparent, format), "nop2", format, timeout=60)
        raise ValueError(f"a picture is saved as .svg, .png, .pdf or .dot, got {asked}")

    def render(
        self, filename: str | PathLike[str] = "graph", *, format: str | None = None, view: bool = False, cleanup: bool = True
    ) -> str:  # fmt: skip
        """Write `filename` plus the suffix of the format, as graphviz.Digraph.render does, and return that path.

        `view` and `cleanup` are accepted for programs that were written for it: nothing is opened, and no other
        file is made.
        """
        format = format or self.format
        return str(self.save(f"{filename}.{format}"))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.svg()}

    def _drawing(self, transparent: bool, format: str) -> str:
        """The scene as the background of an otherwise empty graph: what Graphviz's own painters make PNG and PDF of."""
        colours = THEMES["dark" if self.theme == "dark" else "light"]
        width, height = self.layout.width + 2 * MARGIN, self.layout.height + 2 * MARGIN
        items = self._scene()
        pen = _Pen(colours, height)
        shapes = " ".join([pen.draw(shape, item.x, item.y) for item in items for shape in item.shapes])
        strings = "+".join([f'"{shapes[k : k + 4000]}"' for k in range(0, len(shapes), 4000)])  # one holds 16 KB
        page = "" if transparent else f' bgcolor="{colours["page"]}"'
        corners = f'a [pos="0,0"]; b [pos="{width:.1f},{height:.1f}"]'
        return (
            f'digraph {{ graph [bb="0,0,{width:.1f},{height:.1f}" pad=0 dpi={144 if format == "png" else 72}{page} '
            f'_background={strings}]; node [shape=point style=invis width=0 height=0 label=""]; {corners} }}'
        )


def _room(mark: _Text | None) -> tuple[float, float] | None:
    return (_breadth(mark.text, mark.role) + 6, 18) if mark else None


def _every(groups: Sequence[Group]) -> Iterator[Group]:
    for group in groups:
        yield group
        yield from _every(group.groups)


def _arrowhead(curve: ranks.Curve) -> list[Point]:
    (x, y), (tx, ty) = curve.points[-1], curve.tip
    length = hypot(tx - x, ty - y) or 1.0
    across, along = -(ty - y) / length * 3.6, (tx - x) / length * 3.6
    return [(x + across, y + along), (tx, ty), (x - across, y - along)]


# ---- SVG -------------------------------------------------------------------------------------------------
# Colours stand twice: as attributes, which every program that reads SVG understands, and, for browsers, as
# variables, which follow the reader's theme and which a page may set.


def _css(theme: str) -> str:
    first, second = ("dark", "light") if theme == "dark" else ("light", "dark")
    rules = [f"#\0{{{_variables(first)}}}"]
    for role, style in _STYLES.items():
        paint = "".join(f"{what}:var(--mgx-{colour});" for what, colour in (("fill", style.fill), ("stroke", style.stroke)) if colour)
        rules.append(f"#\0 .mgx-{role}{{{paint[:-1]}}}")
    css = f"@supports (fill:var(--x)){{{''.join(rules)}}}"
    if theme == "auto":
        css += f"@media (prefers-color-scheme:{second}){{#\0{{{_variables(second)}}}}}"
    return css


def _variables(theme: str) -> str:
    return ";".join(f"--mgx-{name}:{colour}" for name, colour in THEMES[theme].items())


def _attributes(role: str, colours: Mapping[str, str]) -> str:
    style = _STYLES[role]
    found = [f'class="mgx-{role}"', f'fill="{colours[style.fill] if style.fill else "none"}"']
    if style.stroke:
        found += [f'stroke="{colours[style.stroke]}"'] + [f'stroke-width="{style.width}"'] * (style.width != 1)
    if style.size:
        found.append(f'font-size="{style.size:g}"')
    if style.bold:
        found.append('font-weight="bold"')
    return " ".join(found)


def _short(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def _svg_rectangle(shape: _Rectangle, attributes: str) -> str:
    place = f'x="{_short(shape.x)}" y="{_short(shape.y)}" ' if shape.x or shape.y else ""
    return f'<rect {attributes} {place}width="{_short(shape.width)}" height="{_short(shape.height)}" rx="{shape.radius:g}"/>'


def _svg_text(shape: _Text, attributes: str) -> str:
    anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
    return f'<text {attributes} x="{_short(shape.x)}" y="{_short(shape.y)}"{anchor}>{escape(shape.text, quote=False)}</text>'


def _svg_curve(shape: _Curve, attributes: str) -> str:
    (x, y), *rest = shape.points
    return f'<path {attributes} d="M{_short(x)},{_short(y)}C{" ".join(f"{_short(x)},{_short(y)}" for x, y in rest)}"/>'


def _svg_polygon(shape: _Polygon, attributes: str) -> str:
    return f'<path {attributes} d="M{"L".join(f"{_short(x)},{_short(y)}" for x, y in shape.points)}Z"/>'


# ---- PNG and PDF -----------------------------------------------------------------------------------------
class _Pen:
    """Writes shapes in xdot, the drawing language of Graphviz, whose y points upwards."""

    def __init__(self, colours: Mapping[str, str], height: float) -> None:
        self.colours, self.height = colours, height

    def draw(self, shape: _Rectangle | _Text | _Curve | _Polygon, x: float, y: float) -> str:
        style = _STYLES[shape.role]
        colour = self.colours[style.stroke or style.fill]
        brush = [f"c {_counted(colour)}", f"S {_counted(f'setlinewidth({style.width if style.stroke else 0})')}"]
        if isinstance(shape, _Text):
            font = FONTS + " bold" * style.bold
            place = f"{x + shape.x:.1f} {self.height - y - shape.y:.1f} {('start', 'middle', 'end').index(shape.anchor) - 1}"
            text = _counted(shape.text.replace("\\", "∖").replace('"', "″"))  # the two that a DOT string escapes
            return f"c {_counted(self.colours[style.fill])} F {style.size:g} {_counted(font)} T {place} {_breadth(shape.text, shape.role):.0f} {text}"
        if style.fill:
            brush.append(f"C {_counted(self.colours[style.fill])}")
        if isinstance(shape, _Curve):
            return " ".join([*brush, "B", self._points(shape.points, x, y)])
        if isinstance(shape, _Polygon):
            return " ".join([*brush, "P", self._points(shape.points, x, y)])
        return " ".join([*brush, "b", self._points(_rounded(shape), x, y)])

    def _points(self, points: Sequence[Point], x: float, y: float) -> str:
        return f"{len(points)} " + " ".join(f"{x + px:.1f} {self.height - y - py:.1f}" for px, py in points)


def _counted(text: str) -> str:
    return f"{len(text.encode())} -{text}"


def _rounded(shape: _Rectangle) -> list[Point]:
    """The outline of a rectangle with round corners as one closed Bézier path."""
    left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    r, k = shape.radius, shape.radius * 0.4477  # how far from the corner the control points of a quarter circle are
    points = [(left + r, top)]
    for a, b, c, d in (
        ((right - r, top), (right - k, top), (right, top + k), (right, top + r)),
        ((right, bottom - r), (right, bottom - k), (right - k, bottom), (right - r, bottom)),
        ((left + r, bottom), (left + k, bottom), (left, bottom - k), (left, bottom - r)),
        ((left, top + r), (left, top + k), (left + k, top), (left + r, top)),
    ):
        points += [points[-1], a, a, b, c, d]
    return points


def _dot_text(lines: Sequence[str]) -> str:
    """Text as Graphviz is to show it, letter for letter."""
    return graphviz.nohtml("\\n".join(_clean(line).replace("&", "&amp;").replace("\\", "\\\\") for line in lines))


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
