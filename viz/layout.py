"""Where everything goes: boxes of known sizes and the arrows between them, by Graphviz or by ranks of our own.

Graphviz never sees a text: boxes and labels are blank and of fixed size, so that nothing depends on fonts and
no label can become markup. What it cannot do in time, or where it is missing, is laid out by ranks: each box
stands right of all that it needs, which takes a moment even for ten thousand of them.

>>> placed = place([Box(80, 40), Box(80, 40)], [Arrow(0, 1)], engine="ranks")
>>> [(round(x), round(y)) for x, y in placed.centres], placed.engine
([(40, 20), (168, 20)], 'ranks')
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import count, pairwise
from typing import Any

import graphviz

__all__ = ["DIRECTIONS", "ENGINES", "Arrow", "Box", "Curve", "Frame", "GraphvizError", "Layout", "place", "render"]

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
DIRECTIONS = ("LR", "RL", "TB", "BT")
ENGINES = ("auto", "dot", "ranks")

HEAD = 9.0  # length of an arrow's head
NODE_GAP, RANK_GAP = 18.0, 48.0
FRAME_GAP = 12.0  # between a frame and what it holds

# Total length of all arrows, counted in ranks: what dot's time grows with, much faster than linearly
INSTANT, FEASIBLE = 400, 3_000


@dataclass(frozen=True, slots=True)
class Box:
    """A width and a height in points, and how many arrival points its left side has: 0 for one in the middle."""

    width: float
    height: float
    ports: int = 0


@dataclass(frozen=True, slots=True)
class Arrow:
    """From box `tail` to box `head`, there at one of its arrival points; label: width and height to keep free."""

    tail: int
    head: int
    port: int | None = None
    label: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle around boxes and other frames; label: width and height to keep free at its top."""

    label: tuple[float, float]
    boxes: list[int] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def walk(self) -> Iterator[Frame]:
        """This frame and all inside it, the outer ones first."""
        waiting = [self]
        while waiting:
            frame = waiting.pop()
            yield frame
            waiting += frame.frames[::-1]

    def members(self) -> list[int]:
        return [box for frame in self.walk() for box in frame.boxes]


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic Bézier path (start, then three points a piece) up to the base of the arrow's head, and its tip."""

    points: list[Point]
    tip: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions in points, y downwards, in the order in which boxes, arrows and frames (see walk) were given."""

    width: float
    height: float
    centres: list[Point]
    curves: list[Curve]
    labels: list[Point | None]  #: centres of the arrows' labels
    frames: list[Rectangle | None]  #: None: not to be drawn
    engine: str  #: "dot" or "ranks"
    remark: str = ""  #: why it is not the engine that was asked for


class GraphvizError(RuntimeError):
    """Graphviz is missing or failed; the message says which and what to install."""


def place(
    boxes: Sequence[Box],
    arrows: Sequence[Arrow],
    frames: Sequence[Frame] = (),
    *,
    direction: str = "LR",
    engine: str = "auto",
    timeout: float = 5.0,
) -> Layout:
    """Lay out boxes and arrows.

    engine: "dot" is Graphviz; "ranks" needs nothing and is fast for any size; "auto" is dot as long as it is
    sure to be quick, and ranks where it is missing, fails or takes longer than `timeout` seconds. Under "dot"
    only the time limit falls back to ranks, and the layout's remark says so. Raises GraphvizError when
    engine="dot" has no Graphviz.
    """
    if engine == "ranks" or not boxes:
        return _by_ranks(boxes, arrows, frames, direction)
    ranks = _ranks(len(boxes), arrows)
    effort = len(boxes) + sum(abs(ranks[a.head] - ranks[a.tail]) for a in arrows)
    if engine == "auto" and effort > FEASIBLE:
        return replace(_by_ranks(boxes, arrows, frames, direction), remark=f"too large for dot ({len(arrows)} arrows)")
    try:
        found = json.loads(render(_dot(boxes, arrows, frames, direction), "dot", "json", timeout, effort <= INSTANT))
        return _read(found, boxes, arrows, frames, direction)
    except subprocess.TimeoutExpired:
        remark = f"dot took longer than {timeout:g} s"
    except GraphvizError as error:
        if engine == "dot":
            raise
        remark = str(error).split(";")[0]
    return replace(_by_ranks(boxes, arrows, frames, direction), remark=remark)


# ---- Graphviz --------------------------------------------------------------------------------------------
_CHILD = """
import sys, pygraphviz
program, format = sys.argv[1:]
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=format, prog=program))
"""
_graphviz_lock = threading.Lock()  # it keeps its state in globals


def render(dot: str, program: str, format: str, timeout: float | None, in_process: bool = False) -> bytes:
    """What Graphviz makes of DOT text: `program` ("dot", "nop2") lays out, `format` ("json", "png", …) comes back.

    In a child process, which a time limit or Ctrl-C can end: in this one Graphviz holds the interpreter until
    it is done, so in_process is for what takes a few milliseconds. Raises subprocess.TimeoutExpired, and
    GraphvizError when there is no Graphviz or it fails.
    """
    if find_spec("pygraphviz"):
        if in_process:
            return _in_process(dot, program, format)
        command = [sys.executable, "-P", "-c", _CHILD, program, format]
    elif found := shutil.which("dot"):
        command = [found, f"-K{program}", f"-T{format}"]
    else:
        raise GraphvizError("Graphviz is not installed; `pip install pygraphviz` brings it, or put a `dot` on the PATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, timeout=timeout, env=environment,
                              check=False, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))  # fmt: skip
    except OSError as error:
        raise GraphvizError(f"Graphviz could not be started ({error}); use engine='ranks', which needs none") from error
    if done.returncode or not done.stdout:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise GraphvizError(f"Graphviz failed with code {done.returncode} ({last}); use engine='ranks', which needs none")
    return done.stdout


def _in_process(dot: str, program: str, format: str) -> bytes:
    import pygraphviz

    with _graphviz_lock:
        try:
            with pygraphviz.AGraph(string=dot) as graph:
                return bytes(graph.draw(format=format, prog=program))
        except (ValueError, OSError, pygraphviz.DotError) as error:
            raise GraphvizError(f"Graphviz failed ({error}); use engine='ranks', which needs none") from error


_SIDES = {"LR": "ew", "RL": "we", "TB": "sn", "BT": "ns"}  # where arrows leave and arrive


def _blank(width: float, height: float, ports: int = 0, across: bool = False) -> str:
    """An HTML-like label without text: a room of fixed size, or a box's arrival points."""
    size = 'FIXEDSIZE="TRUE" WIDTH="{:.0f}" HEIGHT="{:.0f}"'
    cells = max(ports, 1)
    one = size.format(*((width / cells, height) if across else (width, height / cells)))
    rows = ("" if across else "</TR><TR>").join(f'<TD PORT="p{i}" {one}></TD>' for i in range(cells))
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" {size.format(width, height)}>'
    return f"<{table}<TR>{rows}</TR></TABLE>>"


def _dot(boxes: Sequence[Box], arrows: Sequence[Arrow], frames: Sequence[Frame], direction: str) -> str:
    """The graph for Graphviz, without a single word of the user's in it."""
    leave, arrive = _SIDES[direction]
    across = direction in ("TB", "BT")
    graph = graphviz.Digraph(
        graph_attr={"rankdir": direction, "nodesep": f"{NODE_GAP / 72}", "ranksep": f"{RANK_GAP / 72}", "margin": "0"},
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
        edge_attr={"tailport": leave, "headport": arrive, "arrowsize": f"{HEAD / 10}"},
    )
    for i, box in enumerate(boxes):
        size = {"width": f"{box.width / 72:.4f}", "height": f"{box.height / 72:.4f}"}
        # a table as large as its box is "too small for its label"
        label = _blank(box.width - 4, box.height - 4, box.ports, across) if box.ports else None
        graph.node(f"n{i}", label, **size)
    numbers = count()
    for frame in frames:
        _cluster(graph, frame, numbers)
    for i, arrow in enumerate(arrows):
        port = {} if arrow.port is None else {"headport": f"p{arrow.port}:{arrive}"}
        label = _blank(*arrow.label) if arrow.label else None
        graph.edge(f"n{arrow.tail}", f"n{arrow.head}", label, id=f"{i}", **port)
    return str(graph.source)


def _cluster(graph: graphviz.Digraph, frame: Frame, numbers: Iterator[int]) -> None:
    with graph.subgraph(name=f"cluster_{next(numbers)}") as inside:
        inside.attr(label=_blank(*frame.label), labeljust="l", margin=f"{FRAME_GAP}")
        for box in frame.boxes:
            inside.node(f"n{box}")
        for inner in frame.frames:
            _cluster(inside, inner, numbers)


def _read(
    found: dict[str, Any], boxes: Sequence[Box], arrows: Sequence[Arrow], frames: Sequence[Frame], direction: str
) -> Layout:
    """Graphviz's JSON, with its y turned to point down and the arrows' tips put on the boxes' sides."""
    _, _, width, height = map(float, found["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")
        return float(x), height - float(y)

    objects = {thing["name"]: thing for thing in found.get("objects", ())}
    centres = [point(objects[f"n{i}"]["pos"]) for i in range(len(boxes))]
    curves: list[Curve] = [Curve([], (0, 0))] * len(arrows)
    labels: list[Point | None] = [None] * len(arrows)
    for edge in found.get("edges", ()):
        i = int(edge["id"])
        tip, *points = edge["pos"].removeprefix("e,").split()
        curves[i] = Curve([point(p) for p in points], _at_side(point(tip), centres[arrows[i].head], boxes[arrows[i].head], direction))
        if "lp" in edge:
            labels[i] = point(edge["lp"])
    rectangles: list[Rectangle | None] = []
    for i, _ in enumerate(frame for outer in frames for frame in outer.walk()):
        left, low, right, high = map(float, objects[f"cluster_{i}"]["bb"].split(","))
        rectangles.append((left, height - high, right, height - low))
    return Layout(width, height, centres, curves, labels, rectangles, "dot")


def _at_side(tip: Point, centre: Point, box: Box, direction: str) -> Point:
    """The tip moved, along the direction only, to the side of the box that arrows arrive at."""
    x, y = centre
    if direction in ("LR", "RL"):
        return x - box.width / 2 if direction == "LR" else x + box.width / 2, tip[1]
    return tip[0], y - box.height / 2 if direction == "TB" else y + box.height / 2


# ---- ranks -----------------------------------------------------------------------------------------------
# Computed for LR, x along the ranks and y across them, and turned into the direction that was asked for.


def _ranks(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """For each box the length of the longest path to it; a box that needs nothing moves up to its first user.

    A cycle (folding can make one) is cut at the box that comes first in it; its arrow then points backwards.
    """
    users: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for arrow in arrows:
        if arrow.tail != arrow.head:
            users[arrow.tail].append(arrow.head)
            missing[arrow.head] += 1
    sources = [i for i in range(count) if not missing[i]]
    ranks, done, ready, first = [0] * count, [False] * count, deque(sources), 0
    for _ in range(count):
        if not ready:
            while done[first]:
                first += 1
            ready.append(first)
        box = ready.popleft()
        done[box] = True
        for user in users[box]:
            if not done[user]:
                ranks[user] = max(ranks[user], ranks[box] + 1)
                missing[user] -= 1
                if not missing[user]:
                    ready.append(user)
    for box in sources:
        ranks[box] = min((ranks[user] for user in users[box]), default=1) - 1
    return ranks


@dataclass(slots=True)
class _Track:
    """What takes up room in one rank: a box, or the passage of all arrows of one tail to ranks further on."""

    rank: int
    size: float
    before: list[int] = field(default_factory=list)  # neighbours in the rank before, by number
    after: list[int] = field(default_factory=list)
    across: float = 0.0
    passage: bool = False


def _by_ranks(boxes: Sequence[Box], arrows: Sequence[Arrow], frames: Sequence[Frame], direction: str) -> Layout:
    sideways = direction in ("LR", "RL")
    lengths = [box.width if sideways else box.height for box in boxes]
    sizes = [box.height if sideways else box.width for box in boxes]
    ranks = _ranks(len(boxes), arrows)
    tracks = [_Track(rank, size) for rank, size in zip(ranks, sizes, strict=True)]
    ways = _ways(tracks, arrows)
    columns: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for i, track in enumerate(tracks):
        columns[track.rank].append(i)
    _sort(tracks, columns)
    _align(tracks, columns)

    wide = [max((lengths[i] for i in column if i < len(boxes)), default=0.0) for column in columns]
    gaps = [RANK_GAP] * len(columns)
    for arrow, way in zip(arrows, ways, strict=True):
        start = max(tracks[way[-1]].rank - 1, 0)
        if arrow.label:  # a label stands just before the arrow's head
            gaps[start] = max(gaps[start], (arrow.label[0] if sideways else arrow.label[1]) + 2 * HEAD + 16)
    for track in tracks:  # steep arrows get more room
        for other in track.after:
            steep = abs(tracks[other].across - track.across)
            gaps[track.rank] = max(gaps[track.rank], min(steep / 5, 3 * RANK_GAP))
    lefts = [0.0]
    for width, gap in zip(wide, gaps, strict=True):
        lefts.append(lefts[-1] + width + gap)

    centres = [(lefts[t.rank] + wide[t.rank] / 2, t.across) for t in tracks[: len(boxes)]]
    curves, labels = [], []
    for arrow, way in zip(arrows, ways, strict=True):
        head, tail = boxes[arrow.head], arrow.tail
        shift = 0.0 if arrow.port is None or not head.ports else ((arrow.port + 0.5) / head.ports - 0.5) * sizes[arrow.head]
        x, y = centres[arrow.head][0] - lengths[arrow.head] / 2, centres[arrow.head][1] + shift
        points = [(centres[tail][0] + lengths[tail] / 2, centres[tail][1])]
        for a, b in pairwise(way):
            end = (x - HEAD, y) if b == way[-1] else (lefts[tracks[b].rank], tracks[b].across)
            _bend(points, lefts[tracks[a].rank] + wide[tracks[a].rank], end, lefts[tracks[b].rank])
        curves.append(Curve(points, (x, y)))
        near = lefts[tracks[arrow.head].rank] - gaps[max(tracks[arrow.head].rank - 1, 0)] / 2
        labels.append((near, (points[-1][1] * 2 + tracks[way[-2]].across) / 3) if arrow.label else None)
    _spread(labels, arrows, sideways)
    return _turned(boxes, centres, curves, labels, frames, direction)


def _ways(tracks: list[_Track], arrows: Sequence[Arrow]) -> list[list[int]]:
    """The tracks that each arrow runs through, from its tail's to its head's; passages are added to `tracks`.

    All arrows of one tail share their passages. Only as many are made as keep the picture's cost linear; the
    longest arrows beyond that run straight across whatever is there.
    """
    reach: dict[int, int] = {}
    for arrow in arrows:
        reach[arrow.tail] = max(reach.get(arrow.tail, 0), tracks[arrow.head].rank - tracks[arrow.tail].rank)
    budget = 20_000 + 4 * len(tracks)
    passages: dict[int, list[int]] = {}
    for tail in sorted(reach, key=reach.__getitem__):
        needed = max(reach[tail] - 1, 0)
        if needed > budget:
            break
        budget -= needed
        passages[tail] = list(range(len(tracks), len(tracks) + needed))
        for step, number in enumerate(passages[tail], 1):
            tracks.append(_Track(tracks[tail].rank + step, 4.0, passage=True))
            _join(tracks, number - 1 if step > 1 else tail, number)
    ways = []
    for arrow in arrows:
        span = tracks[arrow.head].rank - tracks[arrow.tail].rank
        way = [arrow.tail, *passages.get(arrow.tail, [])[: max(span - 1, 0)], arrow.head]
        if span > 0 and tracks[way[-2]].rank == tracks[arrow.head].rank - 1:
            _join(tracks, way[-2], arrow.head)
        ways.append(way)
    return ways


def _join(tracks: list[_Track], left: int, right: int) -> None:
    tracks[left].after.append(right)
    tracks[right].before.append(left)


def _sort(tracks: list[_Track], columns: list[list[int]], sweeps: int = 4) -> None:
    """Order every column so that few arrows cross: each track near the middle of its neighbours."""
    place = [0.0] * len(tracks)

    def number(column: list[int]) -> None:
        for position, i in enumerate(column):
            place[i] = position - len(column) / 2

    for column in columns:
        number(column)
    for sweep in range(2 * sweeps):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            middle = {}
            for i in column:
                near = tracks[i].before if forward else tracks[i].after
                middle[i] = sum([place[n] for n in near]) / len(near) if near else place[i]
            column.sort(key=middle.__getitem__)
            number(column)


def _align(tracks: list[_Track], columns: list[list[int]], sweeps: int = 3) -> None:
    """Move every track as near to its neighbours as the order and the sizes of its column allow."""
    for column in columns:
        _settle(tracks, column, [0.0] * len(column))
    for sweep in range(2 * sweeps + 1):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            wanted = []
            for i in column:
                near = (tracks[i].before or tracks[i].after) if forward else (tracks[i].after or tracks[i].before)
                wanted.append(sum([tracks[n].across for n in near]) / len(near) if near else tracks[i].across)
            _settle(tracks, column, wanted)


def _settle(tracks: list[_Track], column: list[int], wanted: Sequence[float]) -> None:
    """The positions nearest to the wanted ones, by least squares, that keep order and distance.

    Take away from each the room that those before it need; what is left must only not decrease, and that is
    isotonic regression: neighbours that disagree are pooled and take their mean.
    """
    room, end, offsets = [], 0.0, []
    for k, i in enumerate(column):
        size = tracks[i].size
        end += size / 2 + (NODE_GAP / (1 + tracks[i].passage) if k else 0.0)
        offsets.append(end)
        end += size / 2
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for i, want, offset in zip(column, wanted, offsets, strict=True):
        mean, weight, members = want - offset, 4.0 if tracks[i].passage else 1.0, 1
        while pools and pools[-1][0] >= mean:
            other, heavy, more = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, members = weight + heavy, members + more
        pools.append((mean, weight, members))
    for mean, _, members in pools:
        room += [mean] * members
    for i, start, offset in zip(column, room, offsets, strict=True):
        tracks[i].across = start + offset


def _bend(points: list[Point], leave: float, end: Point, arrive: float) -> None:
    """Go on from the last point: straight through the rest of its column, an S through the gap, straight to the end."""
    x, y = points[-1]
    if leave > x + 0.5:
        points += [(x, y), (leave, y), (leave, y)]
        x = leave
    far, level = min(arrive, end[0]), end[1]
    middle = (x + far) / 2
    points += [(middle, y), (middle, level), (far, level)]
    if end[0] > far + 0.5:
        points += [(far, level), end, end]


def _spread(labels: list[Point | None], arrows: Sequence[Arrow], sideways: bool) -> None:
    """Move labels of one column apart where they would lie on each other."""
    columns: dict[float, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        if label:
            columns[label[0]].append(i)
    for x, column in columns.items():
        column.sort(key=lambda i: labels[i][1])  # type: ignore[index]
        rooms = [_Track(0, arrows[i].label[1 if sideways else 0] - NODE_GAP + 2) for i in column]  # type: ignore[index]
        _settle(rooms, list(range(len(column))), [labels[i][1] for i in column])  # type: ignore[index]
        for i, room in zip(column, rooms, strict=True):
            labels[i] = (x, room.across)


def _turned(
    boxes: Sequence[Box], centres: list[Point], curves: list[Curve], labels: list[Point | None],
    frames: Sequence[Frame], direction: str,
) -> Layout:  # fmt: skip
    """From (along the ranks, across them) to x and y from the top left corner, with the frames that fit."""

    def turn(point: Point) -> Point:
        along, across = point
        if direction in ("RL", "BT"):
            along = -along
        return (along, across) if direction in ("LR", "RL") else (across, along)

    centres = [turn(p) for p in centres]
    curves = [Curve([turn(p) for p in curve.points], turn(curve.tip)) for curve in curves]
    labels = [p and turn(p) for p in labels]
    rectangles = _frames(boxes, centres, frames)
    corners = [(x - b.width / 2, y - b.height / 2, x + b.width / 2, y + b.height / 2)
               for (x, y), b in zip(centres, boxes, strict=True)]  # fmt: skip
    corners += [r for r in rectangles if r] + [(*p, *p) for curve in curves for p in curve.points]
    left, top = (min((c[k] for c in corners), default=0.0) for k in (0, 1))
    right, bottom = (max((c[k] for c in corners), default=0.0) for k in (2, 3))

    def move(p: Point) -> Point:
        return p[0] - left, p[1] - top

    return Layout(
        right - left, bottom - top, [move(p) for p in centres],
        [Curve([move(p) for p in curve.points], move(curve.tip)) for curve in curves],
        [p and move(p) for p in labels],
        [r and (*move(r[:2]), *move(r[2:])) for r in rectangles], "ranks",
    )  # fmt: skip


def _frames(boxes: Sequence[Box], centres: Sequence[Point], frames: Sequence[Frame]) -> list[Rectangle | None]:
    """The rectangle of every frame; None for one that would cut through others or hold what is not its own."""
    everything = [frame for outer in frames for frame in outer.walk()]
    if len(everything) * len(boxes) > 1_000_000:
        return [None] * len(everything)
    found: dict[int, Rectangle] = {}
    corners = [
        (x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2)
        for (x, y), box in zip(centres, boxes, strict=True)
    ]
    for frame in reversed(everything):  # the inner ones first
        inside = [corners[i] for i in frame.boxes] + [found[id(inner)] for inner in frame.frames if id(inner) in found]
        left, top, right, bottom = (f(c[k] for c in inside) for k, f in enumerate((min, min, max, max)))
        top -= frame.label[1] + FRAME_GAP / 2
        found[id(frame)] = (left - FRAME_GAP, top, max(right, left + frame.label[0]) + FRAME_GAP, bottom + FRAME_GAP)
    drawn: list[tuple[Rectangle, set[int]]] = []
    shown: list[Rectangle | None] = []
    for frame in everything:
        own, around = set(frame.members()), found[id(frame)]
        foreign = any(_overlap(around, corners[i]) for i in range(len(boxes)) if i not in own)
        if foreign or any(_overlap(around, other) and not own <= members for other, members in drawn):
            shown.append(None)
        else:
            drawn.append((around, own))
            shown.append(around)
    return shown


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
