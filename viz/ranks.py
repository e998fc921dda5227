"""A layout that needs nothing: each box stands right of all that it needs, each frame is laid out by itself.

>>> placed = by_ranks([Box(80, 40), Box(80, 40)], [Arrow(0, 1)])
>>> [(round(x), round(y)) for x, y in placed.centres]
[(40, 20), (168, 20)]

Four steps, as in Sugiyama, Tagawa & Toda 1981: the longest path to each box is its rank; arrows over several
ranks get a passage in each of them; ranks are ordered so that few arrows cross; what is joined is aligned.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["DIRECTIONS", "Arrow", "Box", "Curve", "Frame", "Layout", "Point", "Rectangle", "by_ranks", "ranked"]

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
DIRECTIONS = ("LR", "RL", "TB", "BT")

HEAD = 9.0  # length of an arrow's head
NODE_GAP, RANK_GAP, STEEP_GAP = 16.0, 48.0, 240.0  # between boxes of a rank, between ranks, where arrows are steep
FRAME_GAP = 14.0  # between a frame and what it holds
PASSAGE = 4.0
MOST_ABREAST = 6


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
        """This frame and all inside it, each before those that it holds."""
        yield self
        for frame in self.frames:
            yield from frame.walk()


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic Bézier path (its start, then three points a piece) to the base of the arrow's head, and the tip."""

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
    frames: list[Rectangle]
    engine: str = "ranks"
    remark: str = ""  #: why it is not the engine that was asked for


def by_ranks(
    boxes: Sequence[Box], arrows: Sequence[Arrow], frames: Sequence[Frame] = (), direction: str = "LR"
) -> Layout:
    """Lay out boxes and arrows; the time is about linear in their number and nothing can fail."""
    sideways = direction in ("LR", "RL")
    whole = _Area(None)
    ways = _nest(whole, len(boxes), frames)
    for arrow in arrows:
        _lead(arrow, ways, sideways)
    areas = list(whole.walk())
    for area in reversed(areas):  # the inner ones first
        _arrange(area, boxes, direction)

    origins: dict[_Area, Point] = {whole: (0.0, 0.0)}
    centres: list[Point] = [(0.0, 0.0)] * len(boxes)
    for area in areas:
        x, y = origins[area]
        for item, (along, across) in area.centres.items():
            if isinstance(item, _Area):
                origins[item] = (x + along - item.length / 2, y + across - item.size / 2)
            else:
                centres[item] = (x + along, y + across)
    curves, labels = [], []
    for arrow in arrows:
        points, label = _follow(arrow, ways, origins)
        end, shift = centres[arrow.head], _shift(boxes[arrow.head], arrow.port, sideways)
        curves.append(Curve(points, (end[0] - _length(boxes[arrow.head], sideways) / 2, end[1] + shift)))
        labels.append(label)
    corners = [(*origins[a], origins[a][0] + a.length, origins[a][1] + a.size) for a in areas[1:]]
    return _turned(whole, centres, curves, labels, corners, direction)


# ---- areas -----------------------------------------------------------------------------------------------
# All is computed for the direction LR: `along` the ranks is x, `across` them is y.
Key = int | tuple[int, int | None]  # what arrows share outside of a frame: the tail, or the head's arrival point


@dataclass(slots=True, eq=False)
class _Area:
    """A frame, or the whole picture, laid out by itself: to what is around it, it is one large box.

    Arrows from outside come in at its left side, one line for each arrival point of a box inside; those to the
    outside leave at its right side, one line for each tail.
    """

    frame: Frame | None
    items: list[int | _Area] = field(default_factory=list)
    #: (item, key) to (item, key), where None is the area's own side; with the room that a label takes along it
    lines: dict[tuple[int | _Area | None, Key, int | _Area | None, Key], tuple[float, float]] = field(default_factory=dict)
    # results
    length: float = 0.0
    size: float = 0.0
    centres: dict[int | _Area, Point] = field(default_factory=dict)
    ends: dict[Key, float] = field(default_factory=dict)  #: where lines cross its sides, from its middle
    routes: dict[tuple[Key, Key], list[Point]] = field(default_factory=dict)
    labels: dict[tuple[Key, Key], Point] = field(default_factory=dict)

    def walk(self) -> Iterator[_Area]:
        yield self
        for item in self.items:
            if isinstance(item, _Area):
                yield from item.walk()


def _nest(whole: _Area, count: int, frames: Sequence[Frame]) -> list[list[_Area]]:
    """The areas for all frames; for each box those that it is in, from the whole picture in."""
    ways: list[list[_Area]] = [[whole]] * count
    first: dict[int | _Area, int] = {}

    def enter(area: _Area, frame: Frame, way: list[_Area]) -> None:
        for inner in frame.frames:
            area.items.append(_Area(inner))
            enter(area.items[-1], inner, [*way, area.items[-1]])  # type: ignore[arg-type]
        for box in frame.boxes:
            ways[box], first[box] = way, box
        area.items += frame.boxes
        area.items.sort(key=first.__getitem__)
        first[area] = first[area.items[0]]

    inside = {box for outer in frames for frame in outer.walk() for box in frame.boxes}
    if count:
        enter(whole, Frame((0, 0), [box for box in range(count) if box not in inside], list(frames)), [whole])
    return ways


def _lead(arrow: Arrow, ways: Sequence[Sequence[_Area]], sideways: bool) -> None:
    """Note the arrow's lines in every area that it runs through."""
    out, into = arrow.tail, (arrow.head, arrow.port)
    above, below = ways[arrow.tail], ways[arrow.head]
    shared = _shared(above, below)
    outer, inner = [*above[shared:], arrow.tail], [*below[shared:], arrow.head]
    along, across = (arrow.label or (0, 0)) if sideways else (arrow.label or (0, 0))[::-1]
    above[shared - 1].lines[outer[0], out, inner[0], into] = (along, across)
    for area, item in pairwise(outer):
        area.lines[item, out, None, out] = (0, 0)  # type: ignore[union-attr]
    for area, item in pairwise(inner):
        area.lines[None, into, item, into] = (0, 0)  # type: ignore[union-attr]


def _shared(above: Sequence[_Area], below: Sequence[_Area]) -> int:
    """How many areas, from the outermost in, two boxes have in common."""
    return next((k for k, (a, b) in enumerate(zip(above, below, strict=False)) if a is not b), min(len(above), len(below)))


def _follow(
    arrow: Arrow, ways: Sequence[Sequence[_Area]], origins: dict[_Area, Point]
) -> tuple[list[Point], Point | None]:
    """The arrow's line through all areas, and the place of its label."""
    out, into = arrow.tail, (arrow.head, arrow.port)
    above, below = ways[arrow.tail], ways[arrow.head]
    shared = _shared(above, below)
    pieces = [(area, (out, out)) for area in reversed(above[shared:])]
    pieces += [(above[shared - 1], (out, into))] + [(area, (into, into)) for area in below[shared:]]  # type: ignore[list-item]
    points: list[Point] = []
    for area, key in pieces:
        x, y = origins[area]
        points += [(x + along, y + across) for along, across in area.routes[key][bool(points):]]
    x, y = origins[above[shared - 1]]
    label = above[shared - 1].labels.get((out, into))
    return points, label and (x + label[0], y + label[1])


def _length(box: Box, sideways: bool) -> float:
    return box.width if sideways else box.height


def _shift(box: Box, port: int | None, sideways: bool) -> float:
    """How far from the middle of the box's side an arrival point is."""
    return ((port + 0.5) / box.ports - 0.5) * _length(box, not sideways) if port is not None and box.ports else 0.0


# ---- one area --------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Track:
    """What takes up room in one rank: an item, or the passage of a line."""

    rank: int
    size: float
    passage: bool = False
    # neighbours in the ranks before and after: (number, distance of the line from its middle, and from mine)
    before: list[tuple[int, float, float]] = field(default_factory=list)
    after: list[tuple[int, float, float]] = field(default_factory=list)
    across: float = 0.0


def _arrange(area: _Area, boxes: Sequence[Box], direction: str) -> None:
    """Lay out what is directly in the area; the areas in it are done."""
    sideways = direction in ("LR", "RL")
    number = {item: k for k, item in enumerate(area.items)}
    lengths = [x.length if isinstance(x, _Area) else _length(boxes[x], sideways) for x in area.items]
    sizes = [x.size if isinstance(x, _Area) else _length(boxes[x], not sideways) for x in area.items]
    border = area.frame is not None
    inner = [(number[a], number[b]) for a, _, b, _ in area.lines if a is not None and b is not None]
    tracks = [_Track(rank + border, size) for rank, size in zip(ranked(len(lengths), inner), sizes, strict=True)]
    last = max(track.rank for track in tracks) + border

    def end(item: int | _Area | None, key: Key) -> tuple[int, float]:
        """The track that a line starts or ends in, and its distance from the track's middle."""
        if item is None:
            if key not in sides:
                sides[key] = len(tracks)
                tracks.append(_Track(0 if isinstance(key, tuple) else last, PASSAGE, passage=True))
            return sides[key], 0.0
        if isinstance(item, _Area):
            return number[item], item.ends[key]
        return number[item], _shift(boxes[item], key[1], sideways) if isinstance(key, tuple) else 0.0

    sides: dict[Key, int] = {}
    lines = [(end(a, out), end(b, into)) for a, out, b, into in area.lines]
    ways = _ways(tracks, lines)
    columns: list[list[int]] = [[] for _ in range(last + 1)]
    for k, track in enumerate(tracks):
        columns[track.rank].append(k)
    _order(tracks, columns)
    _align(tracks, columns)

    # along the ranks
    wide = [max((lengths[k] for k in column if k < len(lengths)), default=0.0) for column in columns]
    room, gaps = [0.0] * (last + 1), [RANK_GAP] * (last + 1)  # before a column: for labels; after it: in all
    for (_, (target, _)), label in zip(lines, area.lines.values(), strict=True):
        rank = tracks[target].rank
        room[rank] = max(room[rank], label[0] and label[0] + 4)
    for track in tracks:
        for other, there, here in track.after:
            steep = abs(tracks[other].across + there - track.across - here)
            gaps[track.rank] = max(gaps[track.rank], min(steep / 4, STEEP_GAP))
    if border:
        gaps[0] = max(FRAME_GAP, gaps[0] - RANK_GAP)
        gaps[last - 1] = max(FRAME_GAP, gaps[last - 1] - RANK_GAP)
    title = (area.frame.label if sideways else area.frame.label[::-1]) if area.frame else (0.0, 0.0)
    if not sideways and border:
        gaps[0 if direction == "TB" else last - 1] += title[0]
    lefts = [0.0]
    for rank in range(last + 1):
        lefts.append(lefts[-1] + wide[rank] + (gaps[rank] + room[rank + 1] if rank < last else 0.0))
    area.length = lefts[-1]
    if sideways:
        area.length = max(area.length, title[0] + 2 * FRAME_GAP) if border else area.length

    # across them
    low = min(track.across - track.size / 2 for track in tracks)
    high = max(track.across + track.size / 2 for track in tracks)
    if border:
        low, high = low - FRAME_GAP - (title[1] if sideways else 0.0), high + FRAME_GAP
        if not sideways:
            high = max(high, low + title[1] + 2 * FRAME_GAP)
    area.size = high - low
    for track in tracks:
        track.across -= low
    area.centres = {item: (lefts[tracks[k].rank] + wide[tracks[k].rank] / 2, tracks[k].across) for item, k in number.items()}
    area.ends = {key: tracks[k].across - area.size / 2 for key, k in sides.items()}

    for ((start, here), (target, there)), way, ((_, out, _, into), label) in zip(lines, ways, area.lines.items(), strict=True):
        x, y = lefts[tracks[start].rank] + wide[tracks[start].rank] / 2, tracks[start].across + here
        points = [(x + (lengths[start] / 2 if start < len(lengths) else 0.0), y)]
        for a, b in pairwise(way):
            x, y = lefts[tracks[b].rank], tracks[b].across
            if b == target and b < len(lengths):
                x, y = x + (wide[tracks[b].rank] - lengths[b]) / 2, y + there
                if not isinstance(area.items[b], _Area):
                    x -= HEAD
            elif b == target:
                x = area.length if into == out else 0.0
            _bend(points, lefts[tracks[a].rank] + wide[tracks[a].rank], (x, y), lefts[tracks[b].rank] - room[tracks[b].rank] - HEAD)
        area.routes[out, into] = points
        if label[0]:
            x, y = lefts[tracks[target].rank] - HEAD - label[0] / 2, points[-1][1]
            area.labels[out, into] = (x, y - label[1] / 2) if sideways else (x, y + label[1] / 2 + 4)


def ranked(count: int, arrows: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` items the longest path to it; then it moves up to its users where that shortens arrows.

    A cycle (folding can make one) is cut at the item that comes first in it; its arrow then points backwards.
    """
    users: list[set[int]] = [set() for _ in range(count)]
    tails: list[set[int]] = [set() for _ in range(count)]
    for tail, head in arrows:
        if tail != head:
            users[tail].add(head)
            tails[head].add(tail)
    missing = [len(needed) for needed in tails]
    ranks, order, done = [0] * count, [], [False] * count
    ready, first = deque(i for i in range(count) if not missing[i]), 0
    while len(order) < count:
        if not ready:
            while done[first]:
                first += 1
            ready.append(first)
        item = ready.popleft()
        if done[item]:
            continue
        done[item] = True
        order.append(item)
        for user in users[item]:
            if not done[user]:
                ranks[user] = max(ranks[user], ranks[item] + 1)
                missing[user] -= 1
                if not missing[user]:
                    ready.append(user)
    # what only one item uses, and all that it is made of likewise, moves with that item and holds it back by nothing
    holding, loose = [0] * count, [False] * count
    for item in order:
        holding[item] = sum(not loose[tail] for tail in tails[item])
        loose[item] = len(users[item]) == 1 and not holding[item]
    for item in reversed(order):
        later = [ranks[user] for user in users[item] if ranks[user] > ranks[item]]
        if later and (holding[item] < len(later) or not tails[item]):
            ranks[item] = min(later) - 1
    for item in order:
        leaves = [tail for tail in tails[item] if loose[tail] and not tails[tail]]
        if len(leaves) > MOST_ABREAST:
            for k, leaf in enumerate(sorted(leaves)):
                ranks[leaf] = ranks[item] - 1 - k // MOST_ABREAST
    lowest = min(ranks, default=0)
    return [rank - lowest for rank in ranks]


Line = tuple[tuple[int, float], tuple[int, float]]


def _ways(tracks: list[_Track], lines: Sequence[Line]) -> list[list[int]]:
    """The tracks that each line runs through; passages are added to `tracks`, neighbours are joined.

    Lines from one place share their passages. Only as many are made as keep the cost linear; the longest lines
    beyond that run straight across whatever is there.
    """
    reach: dict[tuple[int, float], int] = {}
    for start, (target, _) in lines:
        reach[start] = max(reach.get(start, 0), tracks[target].rank - tracks[start[0]].rank)
    budget = 10_000 + 2 * len(tracks)
    passages: dict[tuple[int, float], list[int]] = {}
    for start in sorted(reach, key=reach.__getitem__):
        needed = max(reach[start] - 1, 0)
        if needed > budget:
            break
        budget -= needed
        passages[start] = list(range(len(tracks), len(tracks) + needed))
        rank = tracks[start[0]].rank
        for step in range(1, needed + 1):
            tracks.append(_Track(rank + step, PASSAGE, passage=True))
            _join(tracks, start if step == 1 else (len(tracks) - 2, 0.0), (len(tracks) - 1, 0.0))
    ways = []
    for start, target in lines:
        span = tracks[target[0]].rank - tracks[start[0]].rank
        between = passages.get(start, [])[: max(span - 1, 0)]
        if span > 0 and len(between) == span - 1:
            _join(tracks, (between[-1], 0.0) if between else start, target)
        ways.append([start[0], *between, target[0]])
    return ways


def _join(tracks: list[_Track], left: tuple[int, float], right: tuple[int, float]) -> None:
    tracks[left[0]].after.append((right[0], right[1], left[1]))
    tracks[right[0]].before.append((left[0], left[1], right[1]))


def _order(tracks: list[_Track], columns: list[list[int]]) -> None:
    """Sort every column so that few lines cross: each track near the middle of its neighbours."""
    place = [0.0] * len(tracks)

    def number(column: list[int]) -> None:
        for position, k in enumerate(column):
            place[k] = position - len(column) / 2

    for column in columns:
        number(column)
    for sweep in range(_sweeps(tracks)):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            middle = {}
            for k in column:
                near = tracks[k].before if forward else tracks[k].after
                ends = [place[n] + 0.9 * there / tracks[n].size for n, there, _ in near]
                middle[k] = sum(ends) / len(ends) if ends else place[k]
            column.sort(key=middle.__getitem__)
            number(column)


def _align(tracks: list[_Track], columns: list[list[int]]) -> None:
    """Move every track as near to its neighbours as the order and the sizes of its column allow."""
    for column in columns:
        _settle(tracks, column, [0.0] * len(column))
    for sweep in range(_sweeps(tracks)):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            wanted = []
            for k in column:
                track = tracks[k]
                near = (track.before or track.after) if forward else (track.after or track.before)
                ends = [tracks[n].across + there - here for n, there, here in near]
                wanted.append(sum(ends) / len(ends) if ends else track.across)
            _settle(tracks, column, wanted)


def _sweeps(tracks: Sequence[_Track]) -> int:
    """How often to go through all columns, there and back: less often where there is no end of them."""
    return 8 if len(tracks) < 5_000 else 4


def _settle(tracks: list[_Track], column: list[int], wanted: Sequence[float]) -> None:
    """The positions nearest to the wanted ones, by least squares, that keep the order and the distances.

    Take from each the room that those before it need: what is left must only not decrease, and that is isotonic
    regression, in which neighbours that disagree are pooled and take their mean.
    """
    offsets, end = [], 0.0
    for k in column:
        track = tracks[k]
        offsets.append(end + track.size / 2)
        end += track.size + (NODE_GAP / 2 if track.passage else NODE_GAP)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for k, want, offset in zip(column, wanted, offsets, strict=True):
        mean, weight, members = want - offset, 30.0 if tracks[k].passage else 1.0, 1
        while pools and pools[-1][0] >= mean:
            other, heavy, more = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, members = weight + heavy, members + more
        pools.append((mean, weight, members))
    starts = [mean for mean, _, members in pools for _ in range(members)]
    for k, start, offset in zip(column, starts, offsets, strict=True):
        tracks[k].across = start + offset


def _bend(points: list[Point], leave: float, end: Point, arrive: float) -> None:
    """Go on: straight through the rest of the column, an S through the gap, straight to the end."""
    _straight(points, leave)
    x, y = points[-1]
    far, level = min(arrive, end[0]), end[1]
    if abs(level - y) > 0.3:
        middle = (x + far) / 2
        points += [(middle, y), (middle, level), (far, level)]
    _straight(points, end[0])


def _straight(points: list[Point], x: float) -> None:
    """Go on to x at the same level, in one piece with what was straight before."""
    level = points[-1][1]
    if x > points[-1][0]:
        if len(points) > 1 and points[-4][1] == points[-2][1] == level:
            del points[-2:]
        else:
            points.append(points[-1])
        points += [(x, level), (x, level)]


def _turned(
    whole: _Area, centres: list[Point], curves: list[Curve], labels: list[Point | None],
    corners: Sequence[Rectangle], direction: str,
) -> Layout:  # fmt: skip
    """From along and across the ranks to x and y."""

    def turn(point: Point) -> Point:
        along, across = point
        if direction in ("RL", "BT"):
            along = whole.length - along
        return (along, across) if direction in ("LR", "RL") else (across, along)

    def rectangle(corner: Rectangle) -> Rectangle:
        (a, b), (c, d) = turn(corner[:2]), turn(corner[2:])
        return min(a, c), min(b, d), max(a, c), max(b, d)

    sideways = direction in ("LR", "RL")
    return Layout(
        whole.length if sideways else whole.size, whole.size if sideways else whole.length,
        [turn(p) for p in centres], [Curve([turn(p) for p in c.points], turn(c.tip)) for c in curves],
        [p and turn(p) for p in labels], [rectangle(c) for c in corners],
    )  # fmt: skip
