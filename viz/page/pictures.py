"""Where everything stands, for each way of folding that the page offers: made when the file is written.

A cluster is a call of a module: a layer, a neuron. It is open or folded. Where there are few ways to open
clusters, the page has a picture of each; else of all folded, of all open, and for each cluster of what leads to
it open and the rest folded. Pictures are made until their boxes and arrows pass a limit.

>>> from microgradx.nn import MLP
>>> found = pictures(Program.of(MLP(1, [2, 1], seed=0)([0.5])))
>>> [cluster.title for cluster in found.clusters]
['layers.0', 'neurons.0', 'neurons.1', 'layers.1', 'neurons.0']
>>> len(found.pictures), sorted(map(len, (picture["boxes"] for picture in found.pictures)))[:3]
(15, [2, 2, 3])
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

import numpy as np

from microgradx.program import Program, Use
from microgradx.scopes import Scope

from .. import fold as folding
from ..cards import clean
from ..fold import DEEPEST, Box, Group, Link, Sketch
from ..svg import MARGIN, Graph
from ..trace import Trace, number

__all__ = ["Cluster", "Pictures", "pictures"]

MOST_WAYS = 32  #: up to so many ways of opening clusters, each has its picture
MOST_SHAPES = 12_000  #: boxes and arrows of all pictures together
MOST_SLOPES = 24  #: with more arrows than this, local derivatives are not written on them
MOST_FOLDED = 1_000_000  #: values that are folded for all pictures together
MOST_TRIED = 16  #: pictures, one after the other, that find no room; after them no more are tried
VIEW, READABLE = (840, 540), 0.65  #: where the page shows a picture, about; how small its text may be there
WIDEST = -0.01234  #: boxes have room for a number such as this; the page squeezes a longer one

ROOM = "\u2007" * 4  #: about as wide as a strip; the page writes its own texts

Home = tuple[Scope, ...]
Open = frozenset[int]


@dataclass(frozen=True)
class Cluster:
    """A call of a module: a group of values that the page folds and unfolds."""

    index: int
    title: str
    path: str
    parent: int | None
    values: int  #: how many it holds


@dataclass(frozen=True)
class Pictures:
    """The pictures as plain data, and which clusters have none of their own because of the limit."""

    clusters: tuple[Cluster, ...]
    pictures: tuple[dict[str, Any], ...]
    closed: tuple[int, ...]  #: clusters that cannot be opened
    start: int  #: the picture to begin with


def pictures(program: Program, most: int = MOST_SHAPES) -> Pictures:
    """Draw the ways of folding, until their shapes are more than `most`; one picture there always is.

    The arrows of all pictures point the same way: to the right, or down where that shows the first one larger.
    """
    roomy = _roomy(program)
    homes, shared = folding._homes(roomy)
    homes, shared = [home[:DEEPEST] for home in homes], {i: home[:DEEPEST] for i, home in shared.items()}
    number_of = _numbered(roomy, homes)
    clusters = _clusters(homes, number_of)
    drawn: dict[Open, dict[str, Any]] = {}
    shapes, direction, tried = 0, "", 0
    walk = Trace.of(roomy)
    for opened in _ways(clusters):
        enough = shapes > most or len(drawn) * len(program) > MOST_FOLDED or tried == MOST_TRIED
        if drawn and enough:
            break
        sketch = _sketch(roomy, homes, shared, lambda scope, opened=opened: number_of[scope] in opened)  # type: ignore[misc]
        if drawn and shapes + len(sketch.boxes) + len(sketch.links) > most:
            tried += 1
            continue  # a smaller one may still find room
        tried = 0
        directions = [direction] if direction else ["LR", "TB"]
        found = [_drawn(sketch, walk, homes, number_of, opened, way) for way in directions]
        drawn[opened] = found[-1] if _scale(found[-1]) > 1.15 * _scale(found[0]) else found[0]
        direction = drawn[opened]["direction"]
        shapes += len(sketch.boxes) + len(sketch.links)
    seen = frozenset().union(*drawn)
    readable = [n for n, picture in enumerate(drawn.values()) if _scale(picture) >= READABLE]
    start = max(readable, key=lambda n: len(list(drawn)[n]), default=0)
    closed = tuple(cluster.index for cluster in clusters if cluster.index not in seen)
    return Pictures(clusters, tuple(drawn.values()), closed, start)


def _roomy(program: Program) -> Program:
    """The same with numbers as wide as any that the page may come to show; the widest box makes all so wide."""

    if _of_tensors(program):
        return Program([i if i.constant else replace(i, grad=i.data) for i in program])

    def widest(x: float | None) -> float:
        return max((WIDEST, x or 0.0), key=lambda x: len(number(x)))

    return Program([replace(i, data=widest(i.data) if i.rule else i.data, grad=WIDEST) for i in program])


def _of_tensors(program: Program) -> bool:
    return isinstance(program[-1].data, np.ndarray)


# ---- clusters --------------------------------------------------------------------------------------------
def _numbered(program: Program, homes: Sequence[Home]) -> dict[Scope, int]:
    """Every scope that holds values, numbered from the outermost in and as their operations come in the graph."""
    found: dict[Scope, int] = {}
    for i in sorted(program, key=lambda i: i.rule is None):
        for scope in homes[i.index]:
            found.setdefault(scope, len(found))
    return found


def _clusters(homes: Sequence[Home], number_of: dict[Scope, int]) -> tuple[Cluster, ...]:
    titles = folding._calls(homes)
    paths: dict[Scope, Home] = {}
    values: dict[Scope, int] = defaultdict(int)
    for home in homes:
        for level, scope in enumerate(home, 1):
            paths[scope] = home[:level]
            values[scope] += 1
    return tuple(
        Cluster(n, clean(titles[scope])[:80], clean(".".join(s.name for s in paths[scope]))[:200],
                number_of[paths[scope][-2]] if len(paths[scope]) > 1 else None, values[scope])
        for scope, n in number_of.items()
    )  # fmt: skip


def _ways(clusters: Sequence[Cluster]) -> Iterable[Open]:
    """The sets of open clusters to draw, the most useful ones first; a cluster is open only inside of open ones."""
    inside: dict[int | None, list[int]] = defaultdict(list)
    for cluster in clusters:
        inside[cluster.parent].append(cluster.index)

    def ways(parent: int | None) -> int:
        """How many sets there are, cut off above what is drawn."""
        found = 1
        for index in inside[parent]:
            found = min(found * (1 + ways(index)), MOST_WAYS + 1)
        return found

    def every(parent: int | None) -> Iterator[Open]:
        sets: list[Open] = [frozenset()]
        for index in inside[parent]:
            opened = [frozenset({index}) | below for below in every(index)]
            sets = [a | b for a in sets for b in (frozenset[int](), *opened)]
        yield from sets

    if ways(None) <= MOST_WAYS:
        return sorted(every(None), key=lambda opened: (len(opened), sorted(opened)))
    leading: list[Open] = []
    for cluster in clusters:  # parents come before what is in them
        path = {cluster.index}
        while (parent := clusters[min(path)].parent) is not None:
            path.add(parent)
        leading.append(frozenset(path))
    return [frozenset(), frozenset(range(len(clusters))), *sorted(leading, key=len)]


# ---- one picture -----------------------------------------------------------------------------------------
def _sketch(
    program: Program, homes: Sequence[Home], shared: dict[int, Home], opened: Callable[[Scope], bool]
) -> Sketch:
    """What `fold` makes, with each cluster open or folded as `opened` says."""

    def depth(home: Home) -> int:
        return next((level for level, scope in enumerate(home, 1) if not opened(scope)), 0)

    titles = folding._calls(homes)
    members: dict[Hashable, list[int]] = defaultdict(list)
    for i, key in enumerate(folding._keys(homes, shared, depth)):
        members[key].append(i)
    boxes: list[Box] = []
    within = [0] * len(program)
    start = {key: next((i for i in inside if program[i].rule), inside[0]) for key, inside in members.items()}
    for folds, key in enumerate(sorted(members, key=start.__getitem__)):
        inside = members[key]
        for i in inside:
            within[i] = len(boxes)
        if isinstance(key, int):
            boxes.append(folding._single(program[key]))
        elif isinstance(key, Scope):
            boxes.append(folding._call(f"s{folds}", key, inside, program, homes, titles))
        else:
            lines = (folding._parameters(len(inside)),)
            boxes.append(Box(f"s{folds}", "parameters", str(key), inside, path=str(key), lines=lines))
    links = folding._links(program, boxes, within)
    folding._count_ends(program, boxes, links)
    return Sketch(program, boxes, links, folding._groups(boxes, homes, depth, titles))


def _drawn(
    sketch: Sketch, walk: Trace, homes: Sequence[Home], number_of: dict[Scope, int], opened: Open, direction: str
) -> dict[str, Any]:
    """The picture as data: frames, arrows and boxes from the back to the front, each with its shapes."""
    few = len(sketch.links) <= MOST_SLOPES
    kind = _WithStrips if _of_tensors(sketch.program) else Graph
    graph = kind(sketch, direction, grads=True, local=few and kind is Graph, walk=walk)
    svg = ElementTree.fromstring(graph.svg(run="x"))
    items = {item.get("id", ""): item for item in svg.iter(f"{_SVG}g")}

    def cluster(box: Box) -> int | None:
        if box.kind != "scope":
            return None
        home = homes[box.members[0]]
        return next(number_of[scope] for scope in home if number_of[scope] not in opened)

    boxes = [
        {"name": box.name, "kind": box.kind, "value": box.value, "cluster": cluster(box),
         "members": box.members if len(box.members) > 1 else None, **_item(items[f"mgx_x_{box.name}"])}
        for box in sketch.boxes
    ]  # fmt: skip
    terms = _terms(sketch.program)
    arrows = [
        {"name": link.name, "tail": link.tail, "head": link.head,
         "terms": [terms[use] for use in link.uses if use in terms],
         "path": _item(items[f"mgx_x_{link.name}"])["shapes"][0], "mark": _mark(items, link)}
        for link in sketch.links
    ]  # fmt: skip
    frames = [
        {"cluster": number_of[homes[_member(sketch, group)][level]], **_item(items[f"mgx_x_g{k}"])}
        for k, (level, group) in enumerate(_every(sketch.groups))
    ]
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    return {"open": sorted(opened), "direction": direction, "width": width, "height": height, "margin": MARGIN,
            "frames": frames, "arrows": arrows, "boxes": boxes}  # fmt: skip


class _WithStrips(Graph):
    """A picture whose rows have room for the page's strips of shades."""

    def _numbers(self, box: Box) -> list[tuple[str, str]]:
        return [(role, text + ROOM) for role, text in super()._numbers(box)]


def _scale(picture: Mapping[str, Any]) -> float:
    """How large the picture is where the page shows it, about."""
    return float(min(VIEW[0] / picture["width"], VIEW[1] / picture["height"]))


@lru_cache(maxsize=1)
def _terms(program: Program) -> dict[Use, int]:
    """The number of each use among the contributions of a walk: by step, and in a step by slot and element."""
    uses = (use for found in program.uses for use in found)
    in_time = sorted(uses, key=lambda use: (-use.user, use.slot, use.element or 0))
    return {use: n for n, use in enumerate(in_time)}


def _every(groups: Sequence[Group], level: int = 0) -> Iterator[tuple[int, Group]]:
    for group in groups:
        yield level, group
        yield from _every(group.groups, level + 1)


def _member(sketch: Sketch, group: Group) -> int:
    """Any value that is in the group."""
    while not group.boxes:
        group = group.groups[0]
    return sketch.boxes[group.boxes[0]].members[0]


_SVG = "{http://www.w3.org/2000/svg}"


def _item(element: ElementTree.Element) -> dict[str, Any]:
    """The place and the shapes of one `<g>`: [role, attributes, text]."""
    x, _, y = element.get("transform", "translate(0,0)").removeprefix("translate(").removesuffix(")").partition(",")
    return {"at": [float(x), float(y)],
            "shapes": [_shape(shape) for shape in element if shape.tag != f"{_SVG}title"]}  # fmt: skip


def _mark(items: Mapping[str, ElementTree.Element], link: Link) -> list[float] | None:
    """Where the local derivative of the one use stands that an arrow is, if there is room for it."""
    label = items.get(f"mgx_x_t{link.name[1:]}")
    return _item(label)["at"] if label is not None and len(link.uses) == 1 else None


def _shape(shape: ElementTree.Element) -> list[Any]:
    role = shape.get("class", "").removeprefix("mgx-")
    kind = shape.tag.removeprefix(_SVG)
    if kind == "rect":
        return [role, *(float(shape.get(name, "0")) for name in ("x", "y", "width", "height", "rx"))]
    if kind == "text":
        return [role, float(shape.get("x", "0")), float(shape.get("y", "0")), shape.get("text-anchor", ""), shape.text]
    return [role, shape.get("d", "")]
