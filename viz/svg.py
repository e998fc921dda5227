"""The picture of a computation graph: SVG, DOT, PNG, PDF.

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
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from math import hypot
from os import PathLike
from pathlib import Path
from typing import Any

import graphviz
import numpy as np

from microgradx.program import Instruction, Program, Root, nodes_below

from . import ranks
from .cards import (
    FONTS,
    STYLES,
    THEMES,
    WIDEST,
    Card,
    Curve,
    Polygon,
    Rectangle,
    Shape,
    Text,
    breadth,
    card_of,
    clean,
    fit,
    row_breadth,
)
from .fold import Box, Group, Link, Sketch, fold
from .layout import ENGINES, GraphvizError, place, render
from .notation import bundle, kind, norm, number
from .ranks import DIRECTIONS, Point
from .trace import Contribution, Trace

__all__ = ["Graph", "draw", "draw_dot", "to_dot", "to_svg"]

#: More values are not read, and more boxes not drawn: no viewer would show them
MOST_VALUES, MOST_BOXES = 200_000, 20_000
#: Up to so many values, tooltips tell formulas and local derivatives
DETAILED = 2_000
#: More arrows than this are drawn finer
CROWDED = 120
MARGIN, LEAST = 12.0, 104.0  # around the picture; the breadth of the narrowest box
FORMATS = ("svg", "png", "pdf", "dot")


def draw(
    root: Root | Program,
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

    direction: "LR", "RL", "TB" or "BT", the way of the forward pass.
    names: more labels, by variable name, as from `locals()`; a model's parameters become "model.0.weight".
    grads: whether boxes show gradients; "auto": if any has been computed. "—" stands for one that has not.
    local: write the local derivative ∂op/∂input on each arrow; for Tensors, what the operation makes of the
    incoming gradient G, as "G @ wᵀ".
    collapse: False for every value; 1 folds layers into boxes, 2 neurons; a scope's name folds its scopes;
    "auto" folds as little as gives about 60 boxes.
    engine: "dot" (Graphviz), "ranks" (built in, fast for any size), "auto" for what suits the graph.
    timeout: the seconds that Graphviz may take before ranks take over.
    theme: "light", "dark", or "auto" for that of the reader's system.

    Raises TypeError when root is no node of a graph, ValueError for an unknown option or a graph that is too
    large to draw, and layout.GraphvizError when engine="dot" finds no Graphviz.
    """
    _one_of("direction", direction, DIRECTIONS)
    _one_of("engine", engine, ENGINES)
    _one_of("theme", theme, ("auto", *THEMES))
    _one_of("grads", grads, ("auto", True, False))
    if not timeout > 0:
        raise ValueError(f"timeout is a number of seconds > 0, got {timeout!r}")
    if not isinstance(root, Program) and (values := len(nodes_below(root))) > MOST_VALUES:
        raise ValueError(
            f"this graph has {values:,} values, and a picture is made of at most {MOST_VALUES:,}; "
            "draw a node nearer to the inputs, or the same computation on less data"
        )
    program = root if isinstance(root, Program) else Program.of(root, names)
    return Graph(fold(program, collapse), direction, grads, local, engine, timeout, theme)


def to_svg(root: Root | Program, **options: Any) -> str:
    """The picture as SVG text; the options are those of `draw`."""
    return draw(root, **options).svg()


def to_dot(root: Root | Program, **options: Any) -> str:
    """The graph as DOT text, for a Graphviz of your own; the options are those of `draw`."""
    return draw(root, **{"engine": "ranks", **options}).dot()


def draw_dot(root: Root, format: str = "svg", rankdir: str = "LR") -> Graph:
    """micrograd's name for `draw`: the same call, the same `.render(filename)`."""
    _one_of("format", format, FORMATS)
    graph = draw(root, direction=rankdir)
    graph.format = format
    return graph


def _one_of(name: str, got: Any, known: Sequence[Any]) -> None:
    if not any(got is one or (isinstance(got, str) and got == one) for one in known):
        raise ValueError(f"{name} is one of {', '.join(map(repr, known))}, got {got!r:.60}")


@dataclass(frozen=True, slots=True)
class _Item:
    """Shapes that belong together; their coordinates start at (x, y)."""

    name: str  #: the end of its id
    kind: str
    tooltip: str
    x: float
    y: float
    shapes: Sequence[Shape]


class Graph:
    """A picture, laid out: `svg()` and `dot()` are texts, `save(path)` writes a file, a notebook shows it."""

    format = "svg"  #: what `render` writes

    def __init__(
        self, sketch: Sketch, direction: str = "LR", grads: bool | str = "auto", local: bool = False,
        engine: str = "auto", timeout: float = 5.0, theme: str = "auto", walk: Trace | None = None,
    ) -> None:  # fmt: skip
        """walk: that of the program, for those who have it already."""
        if len(sketch.boxes) > MOST_BOXES:
            raise ValueError(
                f"this picture would have {len(sketch.boxes):,} boxes, and the most is {MOST_BOXES:,}; fold it with "
                "collapse=1, name parts with `with scope(…):` so that they fold, or draw a node nearer to the inputs"
            )
        program = sketch.program
        self.sketch, self.direction, self.theme = sketch, direction, theme
        self._colours = THEMES["dark" if theme == "dark" else "light"]
        self._grads = any(i.grad is not None for i in program) if grads == "auto" else bool(grads)
        self._walk = (walk or Trace.of(program)) if local or len(program) <= DETAILED else None
        self._names = [node.shown for node in self._walk.nodes] if self._walk else [i.name for i in program]
        terms = (c for found in (self._walk.contributions if self._walk else ()) for c in found)
        self._terms = {(c.user, c.slot, c.element): c for c in terms}
        self._marks = [self._mark(link, local) for link in sketch.links]
        ports = self._ports()
        self._cards = self._make_cards(ports)
        self.layout = place(
            [ranks.Box(card.width, card.height, len(inputs)) for card, inputs in zip(self._cards, ports, strict=True)],
            [ranks.Arrow(link.tail, link.head, ports[link.head].get(link.name), _room(mark))
             for link, mark in zip(sketch.links, self._marks, strict=True)],
            [self._frame(group) for group in sketch.groups],
            direction=direction, engine=engine, timeout=timeout,
        )  # fmt: skip

    def __repr__(self) -> str:
        boxes, values = len(self.sketch.boxes), len(self.sketch.program)
        uses = sum(map(len, (*self.sketch.program.uses, *self.sketch.program.reads)))
        folded = f", folded into {boxes:,} boxes" if boxes < values else ""
        remark = f" (by ranks: {self.layout.remark})" if self.layout.remark else ""
        return f"Graph of {self._names[-1]}: {values:,} values, {uses:,} uses{folded}{remark}"

    # ---- what it says

    def _title(self, box: Box) -> str:
        return box.title or (self._names[box.value] if box.value is not None else "")

    def _numbers(self, box: Box) -> list[tuple[str, str]]:
        if box.value is None:
            return []
        i = self.sketch.program[box.value]
        grads = self._grads and not (self.sketch.program.arrays and i.grad is None and (i.rule or i.constant))
        return [("data", _shape(i)), ("grad", norm(i.grad))][: 1 + grads]

    def _term(self, link: Link) -> Contribution | None:
        """The one contribution that passes along a link; None for several, or in a graph of very many."""
        use = link.uses[0]
        return self._terms.get((use.user, use.slot, use.element)) if len(link.uses) == 1 else None

    def _mark(self, link: Link, local: bool) -> Text | None:
        """What is written on an arrow: how many values it stands for, or a local derivative."""
        if len(link.uses) > 1:
            several = f"{link.values} values" if link.values > 1 else f"{len(link.uses)} uses"
            return Text("note", 0, 0, several, "middle")
        term = self._term(link)
        if not (local and term):
            return None
        if term.product is not None:
            return Text("slope", 0, 0, fit(term.product, "slope", 1.5 * WIDEST), "middle")
        user, parent = (fit(self._names[i], "slope", 70) for i in (term.user, term.parent))
        return Text("slope", 0, 0, f"∂{user}/∂{parent} = {number(term.local)}", "middle")

    def _ports(self) -> list[dict[str, int]]:
        """For each box the arrival points of its links, by name; none where all arrive at one point.

        The inputs of an operation arrive in its order: at a − b, a is above b. Where very many do, as at the
        `dot` of a neuron, one point for all is clearer, and counts stand in the tooltips only.
        """
        arriving: list[list[int]] = [[] for _ in self.sketch.boxes]
        for k, link in enumerate(self.sketch.links):
            arriving[link.head].append(k)
        found: list[dict[str, int]] = []
        for box, numbers in zip(self.sketch.boxes, arriving, strict=True):
            links, marks = [self.sketch.links[k] for k in numbers], [self._marks[k] for k in numbers]
            if len(links) > 8 and not any(mark and mark.role == "slope" for mark in marks):
                for k in numbers:
                    self._marks[k] = None
                marks = []
            rule = self.sketch.program[box.members[0]].rule if box.kind == "op" else None
            repeated = len({link.tail for link in links}) < len(links)
            apart = len(links) > 1 and (any(marks) or repeated or (rule is not None and not rule.vectors))
            found.append({link.name: n for n, link in enumerate(links)} if apart else {})
        return found

    def _make_cards(self, ports: Sequence[Mapping[str, int]]) -> list[Card]:
        numbers = [self._numbers(box) for box in self.sketch.boxes]
        usual = max((row_breadth(*row) for rows in numbers for row in rows), default=0.0)  # equal boxes stand in line
        label = [0.0] * len(numbers)  # the breadth of the widest label that arrives
        for link, mark in zip(self.sketch.links, self._marks, strict=True):
            label[link.head] = max(label[link.head], breadth(mark.text, mark.role) if mark else 0.0)
        cards = []
        for k, box in enumerate(self.sketch.boxes):
            least, height = max(LEAST, usual), len(ports[k]) * (22.0 if label[k] else 9.0)
            if self.direction in ("TB", "BT"):
                least, height = max(least, len(ports[k]) * (label[k] + 16 if label[k] else 9)), 0.0
            root = box.kind == "op" and box.value == len(self._names) - 1
            cards.append(card_of(box, self._title(box), numbers[k], (least, height), root))
        return cards

    def _frame(self, group: Group) -> ranks.Frame:
        width = breadth(fit(group.title, "title", WIDEST), "title") + 4
        return ranks.Frame((width, 16), group.boxes, [self._frame(inner) for inner in group.groups])

    def _about(self, box: Box) -> list[str]:
        """The lines of a box's tooltip."""
        if box.value is None or box.kind == "scope":
            return [box.path, *box.lines]
        i, name = self.sketch.program[box.value], self._names[box.value]
        formula = self._walk.nodes[i.index].formula if self._walk else i.op
        about = [i.label] if i.label and i.label != name else []
        leaf = "a constant" if i.constant else "a leaf"
        about += [f"{name} = {formula}" if formula else f"{name}, {leaf}", f"data = {_exact(i.data)}"]
        if self._grads and not i.constant:
            about.append(f"d{self._names[-1]}/d{name} = {'—' if i.grad is None else _exact(i.grad)}")
        return about + [f"in {box.path}"] * bool(box.path)

    def _about_link(self, link: Link) -> list[str]:
        tail, head = (fit(self._title(self.sketch.boxes[k]), "note", 2 * WIDEST) for k in (link.tail, link.head))
        about = [f"{tail} → {head}"]
        if len(link.uses) > 1:
            about.append(f"{link.values} value{'s' * (link.values > 1)}, {len(link.uses)} uses")
        elif (term := self._term(link)) and term.product is not None:
            root, user, parent = (self._names[i] for i in (-1, term.user, term.parent))
            about.append(f"{parent} receives {term.product}, where G = d{root}/d{user}")
            about += filter(None, [term.summed])
        elif term:
            slope = number(term.local)
            formula = f"{term.formula} = " if term.formula not in ("", slope) else ""
            about.append(f"∂{self._names[term.user]}/∂{self._names[term.parent]} = {formula}{slope}")
        return about

    # ---- what is drawn, from the back to the front

    def _scene(self) -> Iterator[_Item]:
        placed = self.layout
        for k, (group, (left, top, right, bottom)) in enumerate(
            zip(_every(self.sketch.groups), placed.frames, strict=True)
        ):
            title = Text("title", 10, 18, fit(group.title, "title", WIDEST))
            outline = Rectangle("frame", 0, 0, right - left, bottom - top, 10)
            yield _Item(f"g{k}", "frame", group.path, left + MARGIN, top + MARGIN, [outline, title])
        line = "line" if len(self.sketch.links) <= CROWDED else "thread"
        for link, curve in zip(self.sketch.links, placed.curves, strict=True):
            shapes: list[Shape] = [Curve(line, curve.points), Polygon("tip", _arrowhead(curve))]
            yield _Item(link.name, "edge", "\n".join(self._about_link(link)), MARGIN, MARGIN, shapes)
        for box, card, (x, y) in zip(self.sketch.boxes, self._cards, placed.centres, strict=True):
            x, y = x - card.width / 2 + MARGIN, y - card.height / 2 + MARGIN  # noqa: PLW2901
            yield _Item(box.name, f"node mgx-{box.kind}", "\n".join(self._about(box)), x, y, card.shapes)
        for link, mark, where in zip(self.sketch.links, self._marks, placed.labels, strict=True):
            if mark and where:
                yield _Item(f"t{link.name[1:]}", "mark", "", where[0] + MARGIN, where[1] + MARGIN + 4, [mark])

    def svg(self, *, transparent: bool = False, run: str = "") -> str:
        """The picture as SVG text, to stand alone or inside of a page.

        transparent: no page behind it. run: the middle part of all ids: mgx_<run>_n12 is node 12 and
        mgx_<run>_e12_0 the arrow to its first input. By default it comes from the picture itself, so that the
        same picture is the same text, and different ones on a page do not share ids. Raises ValueError for a
        run of other than letters and digits.
        """
        if not re.fullmatch(r"[A-Za-z0-9]*", run):
            raise ValueError(f"run is a part of ids, of letters and digits only, got {run!r:.60}")
        attributes = {role: _attributes(role, self._colours) for role in STYLES}
        width, height = (f"{size + 2 * MARGIN:.0f}" for size in (self.layout.width, self.layout.height))
        about = escape(clean(f"Computation {self!r}"))
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" id="\0" class="mgx" viewBox="0 0 {width} {height}"',
            f' width="{width}" height="{height}" role="graphics-document document" aria-label="{about}"',
            f' font-family="{FONTS}">\n<style>{_css(self.theme)}</style>\n',
        ]
        if not transparent:
            out.append(f'<rect {attributes["page"]} width="{width}" height="{height}"/>\n')
        for item in self._scene():
            move = f'transform="translate({_xy((item.x, item.y))})"'
            out.append(f'<g id="\0_{item.name}" class="mgx-{item.kind}" {move}>')
            if item.tooltip:
                out.append(f"<title>{escape(clean(item.tooltip), quote=False)}</title>")
            out += [_element(shape, attributes[shape.role]) for shape in item.shapes]
            out.append("</g>\n")
        text = "".join([*out, "</svg>\n"])
        run = run or hashlib.sha256(text.encode()).hexdigest()[:8]
        return text.replace("\0", f"mgx_{run}")

    def dot(self) -> str:
        """The graph as DOT text that says everything by itself, for a Graphviz of your own."""
        colours = self._colours
        letters = {"fontname": FONTS, "fontsize": "12", "fontcolor": colours["ink"]}
        graph = graphviz.Digraph(
            graph_attr={"rankdir": self.direction, "bgcolor": colours["page"], "ranksep": "0.6", **letters},
            node_attr={"shape": "box", "style": "rounded,filled", "color": colours["edge"], **letters},
            edge_attr={"color": colours["arrow"], "arrowsize": "0.8", **letters, "fontcolor": colours["orange"]},
        )
        for box in self.sketch.boxes:
            words = [box.sign, self._title(box), *box.lines, *(" ".join(row) for row in self._numbers(box))]
            look = {"fillcolor": colours["box"], "class": f"mgx-node mgx-{box.kind}"}
            if box.kind == "op":
                look |= {"fillcolor": colours["chip"], "style": "filled"}
            if box.kind in ("scope", "parameters"):
                look["peripheries"] = "2"
            label = _dot_text([fit(word, "note", WIDEST) for word in words if word])
            graph.node(box.name, label, id=f"mgx_{box.name}", tooltip=_dot_text(self._about(box)), **look)
        numbers = count()
        for group in self.sketch.groups:
            self._cluster(graph, group, numbers)
        for link, mark in zip(self.sketch.links, self._marks, strict=True):
            graph.edge(self.sketch.boxes[link.tail].name, self.sketch.boxes[link.head].name,
                       _dot_text([mark.text]) if mark else None, id=f"mgx_{link.name}",
                       tooltip=_dot_text(self._about_link(link)))  # fmt: skip
        return str(graph.source)

    def _cluster(self, graph: graphviz.Digraph, group: Group, numbers: Iterator[int]) -> None:
        with graph.subgraph(name=f"cluster_{next(numbers)}") as inside:
            inside.attr(label=_dot_text([fit(group.title, "title", WIDEST)]), labeljust="l", style="rounded,filled",
                        color=self._colours["edge"], fillcolor=self._colours["frame"])  # fmt: skip
            for k in group.boxes:
                inside.node(self.sketch.boxes[k].name)
            for inner in group.groups:
                self._cluster(inside, inner, numbers)

    # ---- files and notebooks

    def save(self, path: str | PathLike[str], *, transparent: bool = False) -> Path:
        """Write the picture; the suffix decides: .svg, .png, .pdf or .dot. Returns the path.

        PNG and PDF are painted by Graphviz from the very shapes of the SVG, with this machine's fonts; where it
        has none, as in a bare container, a RuntimeWarning says so. Raises ValueError for another suffix, OSError
        when the file cannot be written, GraphvizError when there is no Graphviz to paint with.
        """
        path = Path(path)
        format = path.suffix.lower().removeprefix(".")
        if format not in FORMATS:
            raise ValueError(f"a picture is saved as {', '.join('.' + f for f in FORMATS)}; got {path.name!r}")
        if format == "svg":
            content = self.svg(transparent=transparent).encode()
        elif format == "dot":
            content = self.dot().encode()
        else:
            content = self._painted(format, transparent)
        path.write_bytes(content)
        return path

    def render(
        self,
        filename: str | PathLike[str] = "graph",
        *,
        format: str | None = None,
        view: bool = False,
        cleanup: bool = True,
    ) -> str:
        """Write `filename` plus the suffix of the format, as graphviz.Digraph.render does, and return that path.

        `view` and `cleanup` are for programs that were written for it: nothing is opened, no other file is made.
        """
        return str(self.save(f"{filename}.{format or self.format}"))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        return bundle({"text/plain": self.__repr__, "image/svg+xml": self.svg}, include, exclude)

    def _painted(self, format: str, transparent: bool) -> bytes:
        """The scene as PNG or PDF: Graphviz is given an empty graph, and the picture as its background."""
        width, height = self.layout.width + 2 * MARGIN, self.layout.height + 2 * MARGIN
        shapes = ((item.x, height - item.y, shape) for item in self._scene() for shape in item.shapes)
        picture = " ".join(_xdot(shape, x, y, self._colours) for x, y, shape in shapes)
        strings = "+".join(f'"{picture[k : k + 4000]}"' for k in range(0, len(picture), 4000))  # one holds 16 KB
        page = "" if transparent else f' bgcolor="{self._colours["page"]}"'
        dpi = 144 if format == "png" else 72
        dot = (
            f'digraph {{ graph [bb="0,0,{width:.1f},{height:.1f}" pad=0 dpi={dpi}{page} _background={strings}]; '
            'node [shape=point style=invis width=0 height=0 label=""]; '
            f'a [pos="0,0"]; b [pos="{width:.1f},{height:.1f}"] }}'
        )
        if _fontless():
            message = f"this machine has no fonts, so the {format.upper()} lacks all text; install one, or save an .svg"
            warnings.warn(message, RuntimeWarning, stacklevel=3)
        try:
            return render(dot, "nop2", format, timeout=60)
        except subprocess.TimeoutExpired:
            raise GraphvizError(f"painting the {format.upper()} took more than a minute; save it as .svg") from None


def _shape(i: Instruction) -> str:
    """The row of a box for its data: "(32, 100) f32", or the number where there is one only."""
    return f"{i.data.shape} {kind(i.data.dtype)}" if np.ndim(i.data) else number(i.data)


def _exact(x: Any) -> str:
    """Data as a tooltip has it: all digits of a number, and what is told of an array."""
    if isinstance(x, float):
        return repr(x)
    return f"{x.item()!r} ({x.dtype})" if not x.ndim else f"{number(x)} ({x.dtype})"


def _fontless() -> bool:
    """Whether this is a Linux machine without a font, where Graphviz paints an empty box for every letter."""
    if sys.platform != "linux" or "FONTCONFIG_FILE" in os.environ:
        return False
    places = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
    return not any(files for place in places for _, _, files in os.walk(os.path.expanduser(place)))


def _room(mark: Text | None) -> tuple[float, float] | None:
    return (breadth(mark.text, mark.role) + 6, 18) if mark else None


def _every(groups: Sequence[Group]) -> Iterator[Group]:
    for group in groups:
        yield group
        yield from _every(group.groups)


def _arrowhead(curve: ranks.Curve) -> list[Point]:
    (x, y), (tip_x, tip_y) = curve.points[-1], curve.tip
    length = hypot(tip_x - x, tip_y - y) or 1.0
    across, along = (y - tip_y) / length * 3.6, (tip_x - x) / length * 3.6
    return [(x + across, y + along), curve.tip, (x - across, y - along)]


# ---- SVG -------------------------------------------------------------------------------------------------
# Colours stand twice: as attributes, which every program that reads SVG understands, and, for browsers, as
# variables, which follow the reader's theme and which a page may set. Only browsers read what is in @supports.


def _css(theme: str) -> str:
    first, second = ("dark", "light") if theme == "dark" else ("light", "dark")
    rules = [f"#\0{{{_variables(first)}}}"]
    for role, style in STYLES.items():
        paint = [f"{what}:var(--mgx-{c})" for what, c in (("fill", style.fill), ("stroke", style.stroke)) if c]
        rules.append(f"#\0 .mgx-{role}{{{';'.join(paint)}}}")
    css = f"@supports (fill:var(--mgx-ink)){{{''.join(rules)}}}"
    if theme == "auto":
        css += f"@media (prefers-color-scheme:{second}){{#\0{{{_variables(second)}}}}}"
    return css


def _variables(theme: str) -> str:
    return ";".join(f"--mgx-{name}:{colour}" for name, colour in THEMES[theme].items())


def _attributes(role: str, colours: Mapping[str, str]) -> str:
    style = STYLES[role]
    found = [f'class="mgx-{role}" fill="{colours[style.fill] if style.fill else "none"}"']
    if style.stroke:
        found.append(f'stroke="{colours[style.stroke]}" stroke-width="{style.width:g}"')
    if style.size:
        found.append(f'font-size="{style.size:g}"')
    if style.bold:
        found.append('font-weight="bold"')
    return " ".join(found)


def _short(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def _xy(point: Point) -> str:
    return f"{_short(point[0])},{_short(point[1])}"


def _element(shape: Shape, attributes: str) -> str:
    if isinstance(shape, Rectangle):
        size = f'width="{_short(shape.width)}" height="{_short(shape.height)}" rx="{shape.radius:g}"'
        return f'<rect {attributes} x="{_short(shape.x)}" y="{_short(shape.y)}" {size}/>'
    if isinstance(shape, Text):
        place = f'x="{_short(shape.x)}" y="{_short(shape.y)}"'
        if shape.anchor != "start":
            place += f' text-anchor="{shape.anchor}"'
        return f"<text {attributes} {place}>{escape(shape.text, quote=False)}</text>"
    start, *rest = map(_xy, shape.points)
    if isinstance(shape, Curve):
        return f'<path {attributes} d="M{start}C{" ".join(rest)}"/>'
    return f'<path {attributes} d="M{start}L{" ".join(rest)}Z"/>'


# ---- DOT, and the xdot language of Graphviz's painters -----------------------------------------------------


def _dot_text(lines: Sequence[str]) -> str:
    """Text that Graphviz is to show letter for letter, each line cut to what a string in DOT can hold."""
    single = [line[:400] for text in lines for line in clean(text).splitlines()]
    whole: str = graphviz.nohtml("\\n".join(line.replace("&", "&amp;").replace("\\", "\\\\") for line in single))
    return whole


def _xdot(shape: Shape, x: float, y: float, colours: Mapping[str, str]) -> str:
    """A shape that starts at (x, y), where y points upwards."""
    style = STYLES[shape.role]
    if isinstance(shape, Text):
        text = shape.text.replace("\\", "∖").replace('"', "″")  # a string in DOT would need escapes for these
        place = f"{x + shape.x:.1f} {y - shape.y:.1f} {('start', 'middle', 'end').index(shape.anchor) - 1}"
        letters = f"c {_counted(colours[style.fill])} F {style.size:g} {_counted(FONTS + ' bold' * style.bold)}"
        return f"{letters} T {place} {breadth(shape.text, shape.role):.0f} {_counted(text)}"
    points = _outline(shape) if isinstance(shape, Rectangle) else shape.points
    kind = {Curve: "B", Polygon: "P", Rectangle: "b"}[type(shape)]
    line = f"c {_counted(colours[style.stroke or style.fill])} S {_counted(f'setlinewidth({style.width:g})')}"
    fill = f"C {_counted(colours[style.fill])} " if style.fill else ""
    return f"{line} {fill}{kind} {len(points)} " + " ".join(f"{x + px:.1f} {y - py:.1f}" for px, py in points)


def _counted(text: str) -> str:
    return f"{len(text.encode())} -{text}"


def _outline(shape: Rectangle) -> list[Point]:
    """A rectangle with round corners as one closed Bézier path."""
    left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    r, k = shape.radius, shape.radius * 0.4477  # from the corner to the control points of a quarter circle
    points = [(left + r, top)]
    for end, *corner in (
        ((right - r, top), (right - k, top), (right, top + k), (right, top + r)),
        ((right, bottom - r), (right, bottom - k), (right - k, bottom), (right - r, bottom)),
        ((left + r, bottom), (left + k, bottom), (left, bottom - k), (left, bottom - r)),
        ((left, top + r), (left, top + k), (left + k, top), (left + r, top)),
    ):
        points += [points[-1], end, end, *corner]
    return points
