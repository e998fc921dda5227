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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from typing import Any

import graphviz

from .ranks import FRAME_GAP, HEAD, NODE_GAP, RANK_GAP, Arrow, Box, Curve, Frame, Layout, Point, Rectangle, by_ranks, ranked

__all__ = ["ENGINES", "GraphvizError", "place", "render"]

ENGINES = ("auto", "dot", "ranks")

# The length of all arrows together, counted in ranks: what dot's time grows with, and much faster than linearly
INSTANT, FEASIBLE = 400, 3_000


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
    plain = not frames and not any(arrow.label for arrow in arrows)
    if engine == "ranks" or (engine == "auto" and not plain):
        return by_ranks(boxes, arrows, frames, direction)
    ranks = ranked(len(boxes), [(a.tail, a.head) for a in arrows])
    effort = len(boxes) + sum(abs(ranks[a.head] - ranks[a.tail]) for a in arrows)
    if engine == "auto" and effort > FEASIBLE:
        return replace(by_ranks(boxes, arrows, frames, direction), remark=f"too large for dot ({len(arrows)} arrows)")
    try:
        found = json.loads(render(_dot(boxes, arrows, frames, direction), "dot", "json", timeout, effort <= INSTANT))
        return _read(found, boxes, arrows, frames, direction)
    except subprocess.TimeoutExpired:
        remark = f"dot took longer than {timeout:g} s"
    except GraphvizError as error:
        if engine == "dot":
            raise
        remark = str(error).split(";")[0]
    return replace(by_ranks(boxes, arrows, frames, direction), remark=remark)


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
    size = 'FIXEDSIZE="TRUE" WIDTH="{:d}" HEIGHT="{:d}"'
    cells, width, height = max(ports, 1), int(width), int(height)
    one = size.format(*((width // cells, height) if across else (width, height // cells)))
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
    rectangles: list[Rectangle] = []
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
