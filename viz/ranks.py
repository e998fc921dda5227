"""A layout that needs nothing: each box stands right of all that it needs, each frame is laid out by itself.

>>> placed = by_ranks([Box(80, 40), Box(80, 40)], [Arrow(0, 1)])
>>> [(round(x), round(y)) for x, y in placed.centres]
[(40, 20), (168, 20)]

Four steps, as in Sugiyama, Tagawa & Toda 1981: the longest path to each box is its rank; arrows over several
ranks get a passage in each of them; ranks are ordered so that few arrows cross; what is joined is aligned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

__all__ = ["DIRECTIONS", "Arrow", "Box", "Curve", "Frame", "Layout", "Point", "Rectangle", "by_ranks", "ranked"]

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
DIRECTIONS = ("LR", "RL", "TB", "BT")

HEAD = 9.0  # length of an arrow's head
NODE_GAP, RANK_GAP, STEEP_GAP = 16.0, 48.0, 240.0  # between boxes of a rank, between ranks, where arrows are steep
FRAME_GAP = 14.0  # between a frame and what it holds
PASSAGE, STRAIGHT = 4.0, 1_000.0  # the room that a passing line takes; how much more than boxes it insists on its place
ABREAST = 6  # leaves in a column, in a frame with more than two such columns' worth of them


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
    """Lay out boxes and arrows. It takes a moment for thousands of them, and there is nothing that can fail."""
    sideways = direction in ("LR", "RL")
    whole = _Area(None)
    homes = _nest(whole, len(boxes), frames)
    for arrow in arrows:
        _lead(arrow, homes, sideways)
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
        points, label = _follow(arrow, homes, origins)
        (x, y), head = centres[arrow.head], boxes[arrow.head]
        curves.append(Curve(points, (x - _length(head, sideways) / 2, y + _shift(head, arrow.port, sideways))))
        labels.append(label)
    corners = [(*origins[a], origins[a][0] + a.length, origins[a][1] + a.size) for a in areas[1:]]
    return _turned(whole, centres, curves, labels, corners, direction)


# ---- areas -----------------------------------------------------------------------------------------------
# All is computed for the direction LR: `along` the ranks is x, `across` them is y.
class _End(NamedTuple):
    """Where arrows leave a box or arrive at it: what those that share it have in common, outside of frames too."""

    box: int
    point: int | None  #: the arrival point
    leaves: bool


class _Line(NamedTuple):
    """The part of some arrows that runs directly in one area; an item of None is the area's own side."""

    source: int | _Area | None
    out: _End
    target: int | _Area | None
    into: _End


@dataclass(slots=True, eq=False)
class _Area:
    """A frame, or the whole picture, laid out by itself: to what is around it, it is one large box.

    Arrows from outside come in at its left side, one line for each arrival point of a box inside; those to the
    outside leave at its right side, one line for each tail.
    """

    frame: Frame | None
    items: list[int | _Area] = field(default_factory=list)
    lines: dict[_Line, tuple[float, float]] = field(default_factory=dict)  #: with the room for a label on it
    # results, from its own top left corner
    length: float = 0.0
    size: float = 0.0
    centres: dict[int | _Area, Point] = field(default_factory=dict)
    routes: dict[tuple[_End, _End], list[Point]] = field(default_factory=dict)
    labels: dict[tuple[_End, _End], Point] = field(default_factory=dict)
    ends: dict[_End, float] = field(default_factory=dict)  #: where lines cross its sides, from its middle

    def walk(self) -> Iterator[_Area]:
        yield self
        for item in self.items:
            if isinstance(item, _Area):
                yield from item.walk()


def _nest(whole: _Area, count: int, frames: Sequence[Frame]) -> list[list[_Area]]:
    """Make the areas of all frames. Returns for each box those that it is in, from the whole picture in."""
    homes: list[list[_Area]] = [[whole]] * count
    first: dict[int | _Area, int] = {box: box for box in range(count)}  # the least box of each item

    def enter(frame: Frame, home: list[_Area]) -> None:
        area = home[-1]
        for inner in frame.frames:
            enter(inner, [*home, _Area(inner)])
        for box in frame.boxes:
            homes[box] = home
        area.items += frame.boxes
        area.items.sort(key=first.__getitem__)
        first[area] = min((first[item] for item in area.items), default=0)
        if len(home) > 1:
            home[-2].items.append(area)

    inside = {box for outer in frames for frame in outer.walk() for box in frame.boxes}
    enter(Frame((0, 0), [box for box in range(count) if box not in inside], list(frames)), [whole])
    return homes


def _path(arrow: Arrow, homes: Sequence[Sequence[_Area]]) -> list[tuple[_Area, _Line]]:
    """The lines that make the arrow, each in its area: out of frames, across, and into frames."""
    out, into = _End(arrow.tail, None, True), _End(arrow.head, arrow.port, False)
    above, below = homes[arrow.tail], homes[arrow.head]
    shared = sum(a is b for a, b in zip(above, below, strict=False))
    outer: list[int | _Area] = [*above[shared:], arrow.tail]
    inner: list[int | _Area] = [*below[shared:], arrow.head]
    leaving = [(area, _Line(item, out, None, out)) for area, item in zip(above[shared:], outer[1:], strict=True)]
    entering = [(area, _Line(None, into, item, into)) for area, item in zip(below[shared:], inner[1:], strict=True)]
    return [*leaving[::-1], (above[shared - 1], _Line(outer[0], out, inner[0], into)), *entering]


def _lead(arrow: Arrow, homes: Sequence[Sequence[_Area]], sideways: bool) -> None:
    """Enter the arrow's lines in their areas, its label with the one that is not on a frame's side."""
    width, height = arrow.label or (0.0, 0.0)
    for area, line in _path(arrow, homes):
        on_side = line.source is None or line.target is None
        area.lines[line] = (0.0, 0.0) if on_side else (width, height) if sideways else (height, width)


def _follow(
    arrow: Arrow, homes: Sequence[Sequence[_Area]], origins: dict[_Area, Point]
) -> tuple[list[Point], Point | None]:
    """The arrow's way through all areas, and the place of its label."""
    points: list[Point] = []
    label: Point | None = None
    for area, line in _path(arrow, homes):
        x, y = origins[area]
        key = (line.out, line.into)
        points += [(x + along, y + across) for along, across in area.routes[key][bool(points) :]]
        if at := area.labels.get(key):
            label = (x + at[0], y + at[1])
    return points, label


def _length(box: Box, sideways: bool) -> float:
    return box.width if sideways else box.height


def _shift(box: Box, point: int | None, sideways: bool) -> float:
    """How far from the middle of the box's side an arrival point is."""
    return ((point + 0.5) / box.ports - 0.5) * _length(box, not sideways) if point is not None and box.ports else 0.0


# ---- one area --------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Track:
    """What takes up room in one rank: an item, or the passage of a line."""

    rank: int
    length: float
    size: float
    passage: bool = False
    # neighbours in the ranks before and after: (number, distance of the line from its middle, and from mine)
    before: list[tuple[int, float, float]] = field(default_factory=list)
    after: list[tuple[int, float, float]] = field(default_factory=list)
    across: float = 0.0


@dataclass(slots=True)
class _Column:
    """One rank: its sides, and where the lines that come in must be level, so that labels stand along them."""

    left: float
    right: float
    level: float


def _arrange(area: _Area, boxes: Sequence[Box], direction: str) -> None:
    """Lay out what is directly in the area; the areas in it are done."""
    sideways, border = direction in ("LR", "RL"), area.frame is not None
    number = {item: k for k, item in enumerate(area.items)}
    inner = [
        (number[line.source], number[line.target])
        for line in area.lines
        if line.source is not None and line.target is not None
    ]
    tracks = [
        _Track(rank + border, item.length, item.size) if isinstance(item, _Area) else
        _Track(rank + border, _length(boxes[item], sideways), _length(boxes[item], not sideways))
        for item, rank in zip(area.items, ranked(len(area.items), inner, ABREAST * border), strict=True)
    ]  # fmt: skip
    last = max((track.rank for track in tracks), default=0) + border
    sides: dict[_End, int] = {}

    def place(item: int | _Area | None, end: _End) -> Place:
        if item is None:
            if end not in sides:
                sides[end] = len(tracks)
                tracks.append(_Track(last if end.leaves else 0, 0.0, PASSAGE, passage=True))
            return sides[end], 0.0
        return number[item], item.ends[end] if isinstance(item, _Area) else _shift(boxes[item], end.point, sideways)

    lines = [(place(line.source, line.out), place(line.target, line.into)) for line in area.lines]
    ways = _ways(tracks, lines)
    ranks: list[list[int]] = [[] for _ in range(last + 1)]
    for k, track in enumerate(tracks):
        ranks[track.rank].append(k)
    _order(tracks, ranks)
    _align(tracks, ranks)

    labels = [0.0] * (last + 1)
    for (_, (target, _)), (along, _) in zip(lines, area.lines.values(), strict=True):
        labels[tracks[target].rank] = max(labels[tracks[target].rank], along and along + 4)
    columns = _columns(area, tracks, ranks, labels, direction)
    _measure(area, tracks, columns, sideways)
    area.centres = {item: _middle(tracks[k], columns) for item, k in number.items()}
    area.ends = {end: tracks[k].across - area.size / 2 for end, k in sides.items()}
    for (start, (target, there)), way, (line, label) in zip(lines, ways, area.lines.items(), strict=True):
        head = tracks[target]
        x, y = _middle(head, columns)
        end = (x - head.length / 2 - HEAD * isinstance(line.target, int), y + there)
        if line.target is None:
            end = (area.length, y)
        area.routes[line.out, line.into] = _route(tracks, columns, start, way, end)
        if label[0]:
            x = columns[head.rank].left - HEAD - label[0] / 2
            area.labels[line.out, line.into] = (x, end[1] + (-label[1] / 2 if sideways else label[1] / 2 + 4))


def _columns(
    area: _Area, tracks: Sequence[_Track], ranks: Sequence[list[int]], labels: Sequence[float], direction: str
) -> list[_Column]:
    """The columns along the area: as wide as their widest item, further apart where arrows are steep."""
    gaps = [RANK_GAP] * (len(ranks) - 1)
    for track in tracks:
        for other, there, here in track.after:
            steep = abs(tracks[other].across + there - track.across - here)
            gaps[track.rank] = max(gaps[track.rank], min(steep / 4, STEEP_GAP))
    if area.frame:  # the first and the last column are its sides
        gaps[0], gaps[-1] = (max(FRAME_GAP, gap - RANK_GAP) for gap in (gaps[0], gaps[-1]))
        if direction in ("TB", "BT"):
            gaps[0 if direction == "TB" else -1] += area.frame.label[1]
    columns: list[_Column] = []
    at = 0.0
    for rank, gap in zip(ranks, [*gaps, 0.0], strict=True):
        at += labels[len(columns)]
        level = at - labels[len(columns)] - HEAD
        columns.append(_Column(at, at + max((tracks[k].length for k in rank), default=0.0), level))
        at = columns[-1].right + gap
    return columns


def _measure(area: _Area, tracks: Sequence[_Track], columns: Sequence[_Column], sideways: bool) -> None:
    """Set the area's extent, with room for its frame and title, and move its tracks into it."""
    low = min((track.across - track.size / 2 for track in tracks), default=0.0)
    high = max((track.across + track.size / 2 for track in tracks), default=0.0)
    length = columns[-1].right
    if area.frame:
        width, height = area.frame.label
        low, high = low - FRAME_GAP, high + FRAME_GAP
        if sideways:
            low, length = low - height, max(length, width + 2 * FRAME_GAP)
        else:
            high = max(high, low + width + 2 * FRAME_GAP)
    area.length, area.size = length, high - low
    for track in tracks:
        track.across -= low


def _middle(track: _Track, columns: Sequence[_Column]) -> Point:
    return (columns[track.rank].left + columns[track.rank].right) / 2, track.across


def _route(
    tracks: Sequence[_Track], columns: Sequence[_Column], start: Place, way: Sequence[int], end: Point
) -> list[Point]:
    """The line through the tracks of `way`: level through each column, an S through each gap."""
    x, y = _middle(tracks[way[0]], columns)
    points = [(x + tracks[way[0]].length / 2, y + start[1])]
    for a, b in pairwise(way):
        column = columns[tracks[b].rank]
        goal = end if b == way[-1] else (column.left, tracks[b].across)
        _straight(points, columns[tracks[a].rank].right)
        x, y = points[-1]
        far = min(column.level, goal[0])
        if abs(goal[1] - y) > 0.3:
            points += [((x + far) / 2, y), ((x + far) / 2, goal[1]), (far, goal[1])]
        _straight(points, goal[0])
    return points


def _straight(points: list[Point], x: float) -> None:
    """Go on to x at the same level, in one piece with what was straight before."""
    level = points[-1][1]
    if x > points[-1][0]:
        if len(points) > 1 and points[-4][1] == points[-2][1] == level:
            del points[-2:]
        else:
            points.append(points[-1])
        points += [(x, level), (x, level)]


def ranked(count: int, arrows: Iterable[tuple[int, int]], abreast: int = 0) -> list[int]:
    """For each of `count` items the longest path to it; then it moves up to its users where that shortens arrows.

    abreast: spread a long column of leaves of one item over several ranks of so many.

    A cycle (folding can make one) is cut at the item that comes first in it; its arrow then points backwards.
    """
    users: list[set[int]] = [set() for _ in range(count)]
    tails: list[set[int]] = [set() for _ in range(count)]
    for tail, head in arrows:
        if tail != head:
            users[tail].add(head)
            tails[head].add(tail)
    missing = [len(needed) for needed in tails]
    ranks, done = [0] * count, [False] * count
    order: list[int] = []
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
    for item in order if abreast else ():
        leaves = sorted(tail for tail in tails[item] if loose[tail] and not tails[tail])
        for k, leaf in enumerate(leaves if len(leaves) > 2 * abreast else ()):
            ranks[leaf] = ranks[item] - 1 - k // abreast
    lowest = min(ranks, default=0)
    return [rank - lowest for rank in ranks]


Place = tuple[int, float]  # a track, and the distance from its middle


def _ways(tracks: list[_Track], lines: Sequence[tuple[Place, Place]]) -> list[list[int]]:
    """The tracks that each line runs through; passages are added to `tracks`, neighbours are joined.

    Lines from one place share their passages. Only as many are made as keep the cost linear; the longest lines
    beyond that run straight across whatever is there.
    """
    reach: dict[Place, int] = {}
    for start, (end, _) in lines:
        reach[start] = max(reach.get(start, 0), tracks[end].rank - tracks[start[0]].rank)
    budget = 8_000 + 2 * len(tracks)
    passages: dict[Place, list[int]] = {}
    for start in sorted(reach, key=reach.__getitem__):
        needed = max(reach[start] - 1, 0)
        if needed > budget:
            break
        budget -= needed
        passages[start] = list(range(len(tracks), len(tracks) + needed))
        rank = tracks[start[0]].rank
        for step in range(1, needed + 1):
            tracks.append(_Track(rank + step, 0.0, PASSAGE, passage=True))
            _join(tracks, start if step == 1 else (len(tracks) - 2, 0.0), (len(tracks) - 1, 0.0))
    spans = [tracks[target[0]].rank - tracks[start[0]].rank for start, target in lines]
    ways: list[list[int]] = [[] for _ in lines]
    room = 5_000 + 8 * len(lines)  # a leaf that every rank uses has ways that add up to n²
    for k in sorted(range(len(lines)), key=spans.__getitem__):
        (start, target), span = lines[k], spans[k]
        room -= max(span - 1, 0)
        between = passages.get(start, [])[: max(span - 1, 0)] if room >= 0 else []
        if span > 0 and len(between) == span - 1:
            _join(tracks, (between[-1], 0.0) if between else start, target)
        ways[k] = [start[0], *between, target[0]]
    return ways


def _join(tracks: list[_Track], left: Place, right: Place) -> None:
    tracks[left[0]].after.append((right[0], right[1], left[1]))
    tracks[right[0]].before.append((left[0], left[1], right[1]))


def _order(tracks: list[_Track], ranks: Sequence[list[int]]) -> None:
    """Sort every rank so that few lines cross: each track near the middle of its neighbours."""
    place = [0.0] * len(tracks)

    def number(rank: list[int]) -> None:
        for position, k in enumerate(rank):
            place[k] = position - len(rank) / 2

    for rank in ranks:
        number(rank)
    for sweep in range(_sweeps(tracks)):
        forward = sweep % 2 == 0
        for rank in ranks if forward else reversed(ranks):
            middle = {}
            for k in rank:
                near = tracks[k].before if forward else tracks[k].after
                ends = [place[n] + 0.9 * there / tracks[n].size for n, there, _ in near]
                middle[k] = sum(ends) / len(ends) if ends else place[k]
            rank.sort(key=middle.__getitem__)
            number(rank)


def _align(tracks: list[_Track], ranks: Sequence[list[int]]) -> None:
    """Move every track as near to its neighbours as the order and the sizes of its rank allow."""
    for rank in ranks:
        _settle(tracks, rank, [0.0] * len(rank))
    for sweep in range(_sweeps(tracks)):
        forward = sweep % 2 == 0
        for rank in ranks if forward else reversed(ranks):
            wanted = []
            for k in rank:
                track = tracks[k]
                near = (track.before or track.after) if forward else (track.after or track.before)
                ends = [tracks[n].across + there - here for n, there, here in near]
                wanted.append(sum(ends) / len(ends) if ends else track.across)
            _settle(tracks, rank, wanted)


def _sweeps(tracks: Sequence[_Track]) -> int:
    """How often to go through all ranks, there and back: less often where there is no end of them."""
    return 8 if len(tracks) < 5_000 else 4 if len(tracks) < 12_000 else 2


def _settle(tracks: list[_Track], rank: list[int], wanted: Sequence[float]) -> None:
    """The positions nearest to the wanted ones, by least squares, that keep the order and the distances.

    Take from each the room that those before it need: what is left must only not decrease, and that is isotonic
    regression, in which neighbours that disagree are pooled and take their mean.
    """
    offsets, end = [], 0.0
    for k in rank:
        track = tracks[k]
        offsets.append(end + track.size / 2)
        end += track.size + (NODE_GAP / 2 if track.passage else NODE_GAP)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for k, want, offset in zip(rank, wanted, offsets, strict=True):
        mean, weight, members = want - offset, STRAIGHT if tracks[k].passage else 1.0, 1
        while pools and pools[-1][0] >= mean:
            other, heavy, more = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, members = weight + heavy, members + more
        pools.append((mean, weight, members))
    starts = [mean for mean, _, members in pools for _ in range(members)]
    for k, start, offset in zip(rank, starts, offsets, strict=True):
        tracks[k].across = start + offset


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
