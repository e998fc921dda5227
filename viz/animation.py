"""The walk as a picture that plays by itself, for slides and a README: an SVG, moved by CSS alone, or a GIF.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> h = a * b; h.label = "h"
>>> film = animate(h * (h + 1))
>>> film
Animation of L: 3 steps forward, 4 backward, 15 s
>>> film.svg()[:4], "<script" in film.svg()
('<svg', False)

In a notebook it plays; `film.save("walk.svg")` or "walk.gif" writes a file.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from microgradx.program import Program, Root, nodes_below

from . import ranks
from .cards import FONTS, STYLES, THEMES, Curve, Polygon, Rectangle, Shape, Style, Text, breadth, clean, fit
from .explain import plain, words
from .notation import LONGEST, bundle, norm, number
from .svg import MARGIN, Graph, _arrowhead, _attributes, _css, _element, _xy, draw
from .trace import Step, Trace

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Animation", "animate"]

#: More values are not read, and more steps not shown: nobody would watch them
MOST_VALUES, MOST_STEPS = 5_000, 400
LINE, WIDEST, BAR = 19.0, 720.0, 5.0  # of the words below the picture; of the bar under them
DASH, GAP = 7.0, 5.0
WASH = 0.16  # how much colour lies behind a number that has just changed
FADE, MARCH = 0.15, 0.6  # seconds: to light up, and for a dash to come where the next one was
SPOKEN = 4  #: contributions of a step that are written out

# What lights up: forward blue and solid, backward orange and dashed
LIT = {
    "forward": Style("", "blue", 3),
    "backward": Style("", "orange", 3),
    "forward-tip": Style("blue"),
    "backward-tip": Style("orange"),
    "computed": Style("blue"),
    "received": Style("orange"),
    "said": Style("ink", size=STYLES["data"].size),
    "said-start": Style("ink", size=STYLES["label"].size, bold=True),
    "said-forward": Style("blue", size=STYLES["label"].size, bold=True),
    "said-backward": Style("orange", size=STYLES["label"].size, bold=True),
    "bar": Style("chip"),
    "bar-forward": Style("blue"),
    "bar-backward": Style("orange"),
}
_FAINT = {"computed": WASH, "received": WASH}
_DASHED = {"backward": (DASH, GAP)}


def animate(
    root: Root | Program,
    *,
    seconds_a_step: float = 1.5,
    hold: float = 3.0,
    names: Mapping[str, Any] | None = None,
    direction: str = "LR",
    local: bool = False,
    collapse: int | str = "auto",
    engine: str = "auto",
    timeout: float = 5.0,
    theme: str = "auto",
) -> Animation:
    """Both passes through the graph below `root`, in the order of `viz.step`: forward in blue, backward in orange.

    seconds_a_step: how long each step takes; steps that follow each other within one folded box are one.
    hold: how long the finished picture stands before the next round. names: more labels, by variable name, as
    from `locals()`. The other options are those of `draw`. The numbers are run again from the leaves' present
    data; the graph and its `.grad` are left alone.

    Raises TypeError when root is no node of a graph, ValueError for an unknown option, a time that is not
    positive, or a graph that is too large to watch.
    """
    for name, seconds in (("seconds_a_step", seconds_a_step), ("hold", hold)):
        if not 0 < seconds < math.inf:
            raise ValueError(f"{name} is a number of seconds > 0, got {seconds!r}")
    values = len(root) if isinstance(root, Program) else len(nodes_below(root))
    if values > MOST_VALUES:
        raise ValueError(f"this graph has {values:,} values, and an animation is made of at most {MOST_VALUES:,}; "
                         "animate the same computation on less data")  # fmt: skip
    program = root if isinstance(root, Program) else Program.of(root, names)
    walk = Trace.of(program)
    roomy = Program([replace(i, data=walk.nodes[i.index].data, grad=_widest(walk, i.index)) for i in program])
    graph = draw(roomy, direction=direction, grads=True, local=local, collapse=collapse, engine=engine,
                 timeout=timeout, theme=theme)  # fmt: skip
    return Animation(graph, walk, seconds_a_step, hold)


def _widest(walk: Trace, index: int) -> Any:
    """What takes the most room of all that stands for a node's gradient while its uses report."""
    return max((walk.nodes[index].grad, *(c.after for c in walk.contributions[index])), key=lambda x: len(norm(x)))


# ---- what is seen when -----------------------------------------------------------------------------------
# Time is counted in moments: 0 is the start, then one for each step that is shown, the last the finished picture.
Span = tuple[int, int]  # the first moment, and the first one after it
Motion = Literal["", "light", "flow", "march", "grow"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A shape and the moments at which it is seen: all, or those of `spans`.

    A motion of "" turns up in the middle of its moment, when what flows has arrived; "light" at its beginning;
    "flow" is drawn along its path then, "march" moves its dashes backward, "grow" becomes longer all the time.
    """

    shape: Shape
    spans: tuple[Span, ...] | None = None
    motion: Motion = ""

    def seen(self, moment: int) -> bool:
        return self.spans is None or any(first <= moment < end for first, end in self.spans)


@dataclass(frozen=True, slots=True)
class Item:
    """Actors that belong together; their coordinates start at (x, y)."""

    name: str
    kind: str
    x: float
    y: float
    actors: list[Actor]


class Animation:
    """A walk that plays: `svg()` is a text, `save(path)` writes an SVG or a GIF, a notebook shows it."""

    def __init__(self, graph: Graph, walk: Trace, seconds_a_step: float = 1.5, hold: float = 3.0) -> None:
        self.graph, self.walk, self.seconds_a_step, self.hold = graph, walk, seconds_a_step, hold
        boxes = graph.sketch.boxes
        self._within = {i: k for k, box in enumerate(boxes) for i in box.members}
        runs = groupby(walk.steps, key=lambda step: (step.direction, step.seed, self._within[step.node]))
        self._steps: list[list[Step]] = [list(run) for _, run in runs]
        if len(self._steps) > MOST_STEPS:
            raise ValueError(f"this animation would have {len(self._steps):,} steps, and the most is {MOST_STEPS}; "
                             "fold the graph with collapse=1, or name its parts with `with scope(…):`")  # fmt: skip
        self.moments = len(self._steps) + 2
        self._at = {step.number: m for m, run in enumerate(self._steps, 1) for step in run}
        self._said = [self._words(m) for m in range(self.moments)]
        spoken = max(breadth(text, "data") for lines in self._said for _, text in lines)
        picture = graph.layout.width + 2 * MARGIN
        self.width = max(picture, min(spoken + 2 * MARGIN, WIDEST))
        self._left = (self.width - picture) / 2
        self._floor = graph.layout.height + 2 * MARGIN
        self.height = self._floor + LINE * max(map(len, self._said)) + 3 * MARGIN + BAR
        self._items = [*self._picture(), *self._captions(), self._bar()]

    def __repr__(self) -> str:
        steps = self.walk.steps
        backward = steps[-1].count
        seconds = self.seconds_a_step * (self.moments - 1) + self.hold
        merged = f", in {len(self._steps)}" if len(self._steps) < len(steps) else ""
        counts = f"{len(steps) - backward} steps forward, {backward} backward{merged}"
        return f"Animation of {self.walk.root.shown}: {counts}, {seconds:.0f} s"

    # -- the picture --
    def _picture(self) -> Iterator[Item]:
        boxes = {box.name: k for k, box in enumerate(self.graph.sketch.boxes)}
        links = {link.name: link for link in self.graph.sketch.links}
        for item in self.graph._scene():
            kind, actors = item.kind.partition(" ")[0], [Actor(shape) for shape in item.shapes]
            if kind == "node":
                actors = self._box(boxes[item.name], item.shapes)
            elif kind in ("edge", "mark"):
                uses = links[f"e{item.name[1:]}"].uses
                computed = {self._at[self.walk.computed[use.user]] for use in uses}
                # to a constant array nothing is passed on
                passes = [self.walk.passing[use.user] for use in uses if self.walk.nodes[use.parent].uses]
                passed = {self._at[step.number] for step in passes if step}
                if kind == "mark":  # a local derivative is known when its operation has been computed
                    actors = [Actor(shape, ((min(computed), self.moments),)) for shape in item.shapes]
                else:
                    actors += _lit_arrow(item.shapes[0], _spans(computed), _spans(passed))
            yield Item(item.name, item.kind, item.x + self._left, item.y, actors)

    def _box(self, k: int, shapes: Sequence[Shape]) -> list[Actor]:
        box = self.graph.sketch.boxes[k]
        moments: dict[str, set[int]] = {"forward": set(), "backward": set()}
        for m, run in enumerate(self._steps, 1):
            if self._within[run[0].node] == k:
                moments[run[0].direction].add(m)
        outline = [shape for shape in shapes if isinstance(shape, Rectangle) and shape.role in ("box", "root")][-1]
        lit = [Actor(replace(outline, role=way), _spans(at), "light") for way, at in moments.items() if at]
        key = {shape.text: shape for shape in shapes if isinstance(shape, Text) and shape.role == "key"}
        actors: list[Actor] = []
        for shape in shapes:
            if box.value is not None and isinstance(shape, Text) and shape.role in ("data", "grad"):
                numbers = self._data(box.value, shape.text) if shape.role == "data" else self._grads(box.value)
                left = key[shape.role].x - 4
                wash = Rectangle("computed" if shape.role == "data" else "received", left, shape.y - 15,
                                 shape.x + 4 - left, LINE, 4)  # fmt: skip
                changes = {m for m, _ in numbers[1:]}
                actors += [Actor(wash, _spans(changes), "light")] * bool(changes)
                ends = [m for m, _ in numbers[1:]] + [self.moments]
                for (first, text), end in zip(numbers, ends, strict=True):
                    always = (first, end) == (0, self.moments)
                    actors.append(Actor(replace(shape, text=text), None if always else ((first, end),)))
            else:
                actors.append(Actor(shape))
            if shape is outline:
                actors += lit
        return actors

    def _data(self, index: int, text: str) -> list[tuple[int, str]]:
        """(moment, text) whenever what is known of a node's data changes."""
        step = self.walk.computed[index]
        return [(0, number(None)), (self._at[step], text)] if step else [(0, text)]

    def _grads(self, index: int) -> list[tuple[int, str]]:
        """(moment, text) whenever what is known of a node's gradient changes."""
        found = {0: norm(None)}
        if index == self.walk.root.index:
            seed = next(step for step in self.walk.steps if step.seed)
            found[self._at[seed.number]] = norm(self.walk.root.grad)
        for c in self.walk.contributions[index]:
            passing = self.walk.passing[c.user]
            assert passing is not None
            found[self._at[passing.number]] = norm(c.after)
        return list(found.items())

    # -- the words --
    def _words(self, moment: int) -> list[tuple[str, str]]:
        """(role, text) of each line that stands below the picture."""
        walk = self.walk
        if moment == 0:
            return [("said-start", "start"), ("said", "only the leaves have their numbers")]
        if moment > len(self._steps):
            return [("said-start", "finished"), ("said", self._result())]
        steps = self._steps[moment - 1]
        first, last = steps[0], steps[-1]
        positions = f"{first.position}" + f"–{last.position}" * (first is not last)
        heading = (f"said-{first.direction}", f"{first.direction} {positions} of {first.count}")
        if first is not last:
            box = self.graph.sketch.boxes[self._within[first.node]]
            passes = " pass their gradients on" if first.direction == "backward" else ""
            return [heading, ("said", f"{box.title}: {len(steps)} operations{passes}")]
        lines: list[str] = []
        for text in (plain([line]) for line in words(walk, first, SPOKEN)):
            if text.startswith("    "):  # how a contribution is added
                lines[-1] += f": {text.strip()}"
            else:
                lines.append(text.strip())
        return [heading, *(("said", text) for text in lines)]

    def _result(self) -> str:
        root, leaves = self.walk.root, [node for i in self.walk.leaves if (node := self.walk.nodes[i]).grad is not None]
        named = [node for node in leaves if node.label] or leaves
        grads = [
            f"d{root.shown}/d{node.shown}" + (f" = {number(g)}" if np.size(g) <= LONGEST else f": {norm(g)}")
            for node in named for g in [node.grad]
        ]  # fmt: skip
        return ", ".join([*grads[:6], "…"] if len(grads) > 6 else grads)

    def _captions(self) -> Iterator[Item]:
        room = self.width - 2 * MARGIN
        for m, lines in enumerate(self._said):
            actors = [
                Actor(Text(role, 0, LINE * k, fit(text, "data" if role == "said" else "label", room)), ((m, m + 1),),
                      "light")
                for k, (role, text) in enumerate(lines)
            ]  # fmt: skip
            yield Item(f"said{m}", "said", MARGIN, self._floor + MARGIN + 4, actors)

    def _bar(self) -> Item:
        """How far the walk is: the forward pass, then the backward pass."""
        room, turn = self.width - 2 * MARGIN, 1 + sum(run[0].direction == "forward" for run in self._steps)
        one = room / len(self._steps)
        parts = [("bar-forward", 1, turn), ("bar-backward", turn, len(self._steps) + 1)]
        actors = [Actor(Rectangle("bar", 0, 0, room, BAR, BAR / 2))]
        actors += [
            Actor(Rectangle(role, one * (first - 1), 0, one * (end - first), BAR, BAR / 2), ((first, end),), "grow")
            for role, first, end in parts if end > first
        ]  # fmt: skip
        return Item("bar", "bar", MARGIN, self.height - MARGIN - BAR, actors)

    def _still(self, moment: int) -> Iterator[tuple[Item, list[Shape]]]:
        """What is seen at one moment, item by item."""
        for item in self._items:
            shapes: list[Shape] = []
            for actor in item.actors:
                if actor.motion == "grow" and actor.spans and isinstance(actor.shape, Rectangle):
                    ((first, end),) = actor.spans
                    if moment >= first:
                        share = min(moment + 1, end) - first
                        shapes.append(replace(actor.shape, width=actor.shape.width * share / (end - first)))
                elif actor.seen(moment):
                    shapes.append(actor.shape)
            if shapes:
                yield item, shapes

    # ---- SVG ---------------------------------------------------------------------------------------------
    def svg(self, *, still: int | None = None, transparent: bool = False, run: str = "") -> str:
        """The animation as SVG text, to stand alone or inside of a page.

        Where motion is unwelcome (prefers-reduced-motion), on paper, and in programs that know no CSS, it is the
        finished picture. still: one moment instead, 0 for the start, k after step k, −1 for the finished picture.
        transparent: no page behind it. run: the middle part of all ids and names of keyframes; by default it
        comes from the picture itself, so that the same animation is the same text. Raises IndexError for a
        moment that is not there, ValueError for a run of other than letters and digits.
        """
        if not re.fullmatch(r"[A-Za-z0-9]*", run):
            raise ValueError(f"run is a part of ids, of letters and digits only, got {run!r:.60}")
        if still is not None:
            still = self._moment(still)
        theme = self.graph.theme
        colours = THEMES["dark" if theme == "dark" else "light"]
        attributes = {role: _attributes(role, colours) for role in STYLES}
        attributes |= {role: _lit_attributes(role, colours) for role in LIT}
        films: dict[tuple[tuple[Span, ...], Motion], int] = {}
        body = [f'<rect {attributes["page"]} width="100%" height="100%"/>\n'] * (not transparent)
        for item, shapes in self._still(self.moments - 1 if still is None else still):
            if still is not None:
                body += _grouped(item, (_element(shape, attributes[shape.role]) for shape in shapes))
        if still is None:
            for item in self._items:
                body += _grouped(item, (self._moving(actor, attributes, films) for actor in item.actors))
        width, height = f"{self.width:.0f}", f"{self.height:.0f}"
        root = self.walk.root
        about = escape(clean(f"{self!r}. {root.shown} = {number(root.data)}; {self._result()}"))
        css = [_css(theme), _lit_css(), self._films(films)]
        text = "".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" id="\0" class="mgx" viewBox="0 0 {width} {height}"',
            f' width="{width}" height="{height}" role="img" aria-label="{about}" font-family="{FONTS}">\n',
            f"<style>{''.join(css)}</style>\n", *body, "</svg>\n",
        ])  # fmt: skip
        run = run or hashlib.sha256(text.encode()).hexdigest()[:8]
        return text.replace("\0", f"mgx_{run}")

    def _moment(self, still: int) -> int:
        if not -self.moments <= still < self.moments:
            raise IndexError(f"expected a moment from 0 (the start) to {self.moments - 1} (the end), got {still}")
        return still % self.moments

    def _moving(self, actor: Actor, attributes: Mapping[str, str], films: dict[Any, int]) -> str:
        about = attributes[actor.shape.role]
        if actor.spans is None:
            return _element(actor.shape, about)
        film = films.setdefault((actor.spans, actor.motion), len(films))
        about = about.replace('class="', f'class="\0_m{film} ', 1)
        if actor.motion != "grow" and not actor.seen(self.moments - 1):
            about += ' opacity="0"'
        if actor.motion == "flow":
            about += ' pathLength="1" stroke-dasharray="1"'
        return _element(actor.shape, about)

    def _films(self, films: Mapping[tuple[tuple[Span, ...], Motion], int]) -> str:
        """The style sheet that moves; one set of keyframes for all that is seen at the same moments."""
        if not films:
            return ""
        whole = self._time(self.moments)
        rules, frames = [], []
        for (spans, motion), film in films.items():
            way = "step-end" if motion == "" else "linear"
            march = f",\0_march {MARCH}s linear infinite" if motion == "march" else ""
            grow = ";transform-box:fill-box;transform-origin:0 0" if motion == "grow" else ""
            rules.append(f"#\0 .\0_m{film}{{animation:\0_m{film} {whole:g}s {way} infinite{march}{grow}}}")
            steps = "".join(f"{_percent(t / whole)}{{{look}}}" for t, look in self._keyframes(spans, motion))
            frames.append(f"@keyframes \0_m{film}{{{steps}}}")
        if any(motion == "march" for _, motion in films):
            frames.append(f"@keyframes \0_march{{to{{stroke-dashoffset:{DASH + GAP:g}}}}}")
        return f"@media screen and (prefers-reduced-motion:no-preference){{{''.join(rules)}}}{''.join(frames)}"

    def _keyframes(self, spans: Sequence[Span], motion: Motion) -> Iterator[tuple[float, str]]:
        whole, half, fade = self._time(self.moments), self.seconds_a_step / 2, min(FADE, self.seconds_a_step / 6)
        if motion == "grow":
            ((first, end),) = spans
            start, stop = self._time(first), self._time(end)
            yield from ((0, "transform:scaleX(0)"), (start, "transform:scaleX(0)"), (stop, "transform:scaleX(1)"))
            yield whole, "transform:scaleX(1)"
            return
        if spans[0][0] > 0:
            yield 0, "opacity:0"
        for first, end in spans:
            start, stop = self._time(first), self._time(end)
            if motion == "":
                yield start + half * (first > 0), "opacity:1"
                yield (stop + half, "opacity:0") if stop < whole else (whole, "opacity:1")
                continue
            drawn = ";stroke-dashoffset:1" if motion == "flow" else ""
            yield start, f"opacity:{0 if first else 1}{drawn}"
            yield start + fade, f"opacity:1{drawn}"
            if motion == "flow":
                yield start + half, "opacity:1;stroke-dashoffset:0"
            yield (stop - fade, "opacity:1") if stop < whole else (whole, "opacity:1")
            if stop < whole:
                yield stop, "opacity:0"
        if spans[-1][1] < self.moments:
            yield whole, "opacity:0"

    def _time(self, moment: int) -> float:
        """The seconds from the start to the beginning of a moment."""
        return self.seconds_a_step * min(moment, self.moments - 1) + self.hold * (moment == self.moments)

    # ---- files and notebooks -----------------------------------------------------------------------------
    def save(self, path: str | PathLike[str]) -> Path:
        """Write the animation; the suffix decides: .svg or .gif. Returns the path.

        A GIF has a picture for each step, in the light colours unless the theme is "dark"; painting it takes the
        extra `plots`. Raises ValueError for another suffix, ImportError for a GIF without that extra, OSError
        when the file cannot be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in (".svg", ".gif"):
            raise ValueError(f"an animation is saved as .svg or .gif; got {path.name!r}")
        if suffix == ".svg":
            path.write_bytes(self.svg().encode())
            return path
        first, *others = self._frames()
        durations = [round(1000 * self.seconds_a_step)] * (self.moments - 1) + [round(1000 * self.hold)]
        first.save(path, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
        return path

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        return bundle({"text/plain": self.__repr__, "image/svg+xml": self.svg}, include, exclude)

    def _frames(self) -> list[Image]:
        """A picture of each moment, all in one palette."""
        try:
            from .frames import Painter
        except ImportError as problem:
            raise ImportError("a GIF is painted by Pillow, with matplotlib's fonts; `pip install matplotlib` brings "
                              "both, or save the animation as .svg") from problem  # fmt: skip
        colours = THEMES["dark" if self.graph.theme == "dark" else "light"]
        painter = Painter(self.width, self.height, STYLES | LIT, colours, _FAINT, _DASHED)
        moments = ([(item.x, item.y, shape) for item, shapes in self._still(m) for shape in shapes]
                   for m in range(self.moments))  # fmt: skip
        return painter.frames(moments)


def _spans(moments: Iterable[int]) -> tuple[Span, ...]:
    """Moments as spans, those in a row as one.

    >>> _spans({4, 1, 2})
    ((1, 3), (4, 5))
    """
    found: list[Span] = []
    for m in sorted(moments):
        if found and found[-1][1] == m:
            found[-1] = (found[-1][0], m + 1)
        else:
            found.append((m, m + 1))
    return tuple(found)


def _lit_arrow(line: Shape, computed: tuple[Span, ...], passed: tuple[Span, ...]) -> Iterator[Actor]:
    """What lies over an arrow: along it in blue, against it in orange."""
    assert isinstance(line, Curve)
    start = line.points[0]
    towards = next((p for p in line.points if math.dist(p, start) > 1), (start[0] + 1, start[1]))
    share = ranks.HEAD / math.dist(start, towards)
    base = (start[0] + share * (towards[0] - start[0]), start[1] + share * (towards[1] - start[1]))
    if computed:
        yield Actor(replace(line, role="forward"), computed, "flow")
    if passed:
        yield Actor(replace(line, role="backward", points=[base, *line.points[1:]]), passed, "march")
        yield Actor(Polygon("backward-tip", _arrowhead(ranks.Curve([base], start))), passed, "light")


# ---- the style of what lights up -------------------------------------------------------------------------
def _lit_attributes(role: str, colours: Mapping[str, str]) -> str:
    style = LIT[role]
    found = [f'class="mgx-{role}" fill="{colours[style.fill] if style.fill else "none"}"']
    if style.stroke:
        found.append(f'stroke="{colours[style.stroke]}" stroke-width="{style.width:g}"')
    if style.size:
        found.append(f'font-size="{style.size:g}"' + ' font-weight="bold"' * style.bold)
    if role in _FAINT:
        found.append(f'fill-opacity="{_FAINT[role]:g}"')
    if role in _DASHED:
        found.append('stroke-dasharray="{:g} {:g}"'.format(*_DASHED[role]))
    return " ".join(found)


def _lit_css() -> str:
    """The colours of the theme, for browsers; see svg.py."""
    rules = (
        f"#\0 .mgx-{role}{{{what}:var(--mgx-{colour})}}"
        for role, style in LIT.items() for what, colour in (("fill", style.fill), ("stroke", style.stroke)) if colour
    )  # fmt: skip
    return f"@supports (fill:var(--mgx-ink)){{{''.join(rules)}}}"


def _grouped(item: Item, elements: Iterable[str]) -> Iterator[str]:
    yield f'<g id="\0_{item.name}" class="mgx-{item.kind}" transform="translate({_xy((item.x, item.y))})">'
    yield from elements
    yield "</g>\n"


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"
