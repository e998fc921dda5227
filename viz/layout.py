"""Where everything goes: through Graphviz within a time limit, or by ranks, which need nothing.

Graphviz never sees a text: boxes and labels are blank and of fixed size, so that nothing depends on fonts and
no label can become markup.

>>> placed = place([Box(80, 40), Box(80, 40)], [Arrow(0, 1)], engine="dot")
>>> [(round(x), round(y)) for x, y in placed.centres], placed.engine
([(40, 20), (168, 20)], 'dot')
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from typing import Any

import graphviz

from .ranks import FRAME_GAP, HEAD, NODE_GAP, RANK_GAP, Arrow, Box, Curve, Frame, Layout, Point, by_ranks, ranked

__all__ = ["ENGINES", "GraphvizError", "place", "render"]

ENGINES = ("auto", "dot", "ranks")

# The length of all arrows together, counted in ranks: what dot's time grows with, and much faster than linearly.
# Up to the first it takes milliseconds, up to the second about a second
INSTANT, FEASIBLE = 400, 3_000


class GraphvizError(RuntimeError):
    """Graphviz is missing, failed or took too long; the message says what to do."""


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

    engine: "dot" is Graphviz. "ranks" is fast for any size and keeps frames and labels apart from all else.
    "auto" is dot for a graph without frames and labels that it is sure to be quick for, else ranks. When dot
    takes longer than `timeout` seconds, and under "auto" where it is missing or fails, ranks take over, which
    the layout's remark tells; under "dot" with a RuntimeWarning. Raises GraphvizError when engine="dot" finds
    no Graphviz.
    """
    plain = not frames and not any(arrow.label for arrow in arrows)
    steps = ranked(len(boxes), [(arrow.tail, arrow.head) for arrow in arrows])
    effort = len(boxes) + sum(abs(steps[arrow.head] - steps[arrow.tail]) for arrow in arrows)
    if engine == "ranks" or (engine == "auto" and not (plain and effort <= FEASIBLE)) or not boxes:
        return by_ranks(boxes, arrows, frames, direction)
    try:
        found = render(_dot(boxes, arrows, frames, direction), "dot", "json", timeout, in_process=effort <= INSTANT)
        return _read(json.loads(found), boxes, arrows, frames, direction)
    except subprocess.TimeoutExpired:
        remark = f"dot took longer than {timeout:g} s"
        if engine == "dot":
            message = f"{remark}, so this picture is laid out by ranks; raise the timeout for dot's"
            warnings.warn(message, RuntimeWarning, stacklevel=4)
    except GraphvizError as error:
        if engine == "dot":
            raise
        remark = str(error).partition(";")[0]
    return replace(by_ranks(boxes, arrows, frames, direction), remark=remark)


# ---- Graphviz --------------------------------------------------------------------------------------------
_CHILD = """
import sys, pygraphviz
program, format = sys.argv[1:]
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=format, prog=program))
"""
_one_at_a_time = threading.Lock()  # Graphviz keeps its state in globals


def render(dot: str, program: str, format: str, timeout: float, in_process: bool = False) -> bytes:
    """What Graphviz makes of DOT text: `program` ("dot", "nop2") lays out, `format` ("json", "png", …) comes back.

    It runs in a child process, which the time limit and Ctrl-C can end; in_process is for what takes a few
    milliseconds, because Graphviz holds the interpreter until it is done. Raises subprocess.TimeoutExpired, and
    GraphvizError when there is no Graphviz or it fails.
    """
    bundled = find_spec("pygraphviz") is not None
    if bundled and in_process:
        return _in_process(dot, program, format)
    if bundled and sys.executable:
        command = [sys.executable, "-P", "-c", _CHILD, program, format]
    elif found := shutil.which("dot"):
        command = [found, f"-K{program}", f"-T{format}"]
    else:
        raise GraphvizError("Graphviz is not installed; `pip install pygraphviz` brings it, or put a `dot` on the PATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            creationflags=no_window,
        )  # fmt: skip
    except OSError as error:
        raise GraphvizError(f"Graphviz could not be started ({error}); SVG by engine='ranks' needs none") from error
    with child:
        try:
            answer, complaint = child.communicate(dot.encode(), timeout)
        except BaseException:  # the time limit, or Ctrl-C
            child.kill()
            child.wait()
            raise
    if child.returncode or not answer:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise GraphvizError(f"Graphviz ended with code {child.returncode} ({last}); SVG by engine='ranks' needs none")
    return answer


def _in_process(dot: str, program: str, format: str) -> bytes:
    import pygraphviz

    with _one_at_a_time:
        try:
            with pygraphviz.AGraph(string=dot) as graph:
                return bytes(graph.draw(format=format, prog=program))
        except (ValueError, OSError, pygraphviz.DotError) as error:
            raise GraphvizError(f"Graphviz failed ({error}); SVG by engine='ranks' needs none") from error


# ---- what it is given ------------------------------------------------------------------------------------
# where arrows leave and arrive
_SIDES = {"LR": ("e", "w"), "RL": ("w", "e"), "TB": ("s", "n"), "BT": ("n", "s")}


def _dot(boxes: Sequence[Box], arrows: Sequence[Arrow], frames: Sequence[Frame], direction: str) -> str:
    leave, arrive = _SIDES[direction]
    upright = direction in ("TB", "BT")
    graph = graphviz.Digraph(
        graph_attr={"rankdir": direction, "nodesep": f"{NODE_GAP / 72}", "ranksep": f"{RANK_GAP / 72}", "margin": "0"},
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
        edge_attr={"tailport": leave, "headport": arrive, "arrowsize": f"{HEAD / 10}"},
    )
    for i, box in enumerate(boxes):
        # a table as large as its box would be "too large" for it
        label = _blank(box.width - 4, box.height - 4, box.ports, upright) if box.ports else None
        graph.node(f"n{i}", label, width=f"{box.width / 72:.4f}", height=f"{box.height / 72:.4f}")
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


def _blank(width: float, height: float, ports: int = 1, upright: bool = False) -> str:
    """An HTML-like label without text, of fixed size, in as many cells as there are arrival points."""
    size = 'FIXEDSIZE="TRUE" WIDTH="{:d}" HEIGHT="{:d}"'
    whole = int(width), int(height)
    one = size.format(whole[0] // (ports if upright else 1), whole[1] // (1 if upright else ports))
    cells = ("" if upright else "</TR><TR>").join(f'<TD PORT="p{i}" {one}></TD>' for i in range(ports))
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" {size.format(whole[0], whole[1])}>'
    return f"<{table}<TR>{cells}</TR></TABLE>>"


# ---- what comes back -------------------------------------------------------------------------------------
def _read(
    found: dict[str, Any], boxes: Sequence[Box], arrows: Sequence[Arrow], frames: Sequence[Frame], direction: str
) -> Layout:
    """Graphviz's JSON, with y turned to point down and the arrows' tips put on the sides of the boxes."""
    _, _, width, height = _numbers(found["bb"])

    def point(text: str) -> Point:
        x, y = _numbers(text)
        return x, height - y

    objects = {thing["name"]: thing for thing in found["objects"]}
    edges = {int(edge["id"]): edge for edge in found.get("edges", ())}
    centres = [point(objects[f"n{i}"]["pos"]) for i in range(len(boxes))]
    curves: list[Curve] = []
    labels: list[Point | None] = []
    for i, arrow in enumerate(arrows):
        tip, *along = edges[i]["pos"].split()
        points = [point(p) for p in (along[::-1] if tip[0] == "s" else along)]  # dot turns the arrows of a cycle
        curves.append(Curve(points, _at_side(point(tip[2:]), centres[arrow.head], boxes[arrow.head], direction)))
        labels.append(point(edges[i]["lp"]) if "lp" in edges[i] else None)
    rectangles = []
    for i, _ in enumerate(frame for outer in frames for frame in outer.walk()):
        left, low, right, high = _numbers(objects[f"cluster_{i}"]["bb"])
        rectangles.append((left, height - high, right, height - low))
    return Layout(width, height, centres, curves, labels, rectangles, "dot")


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _at_side(tip: Point, centre: Point, box: Box, direction: str) -> Point:
    """The tip moved, along the direction only, to the side of the box that arrows arrive at."""
    x, y = centre
    if direction in ("LR", "RL"):
        return x - box.width / 2 if direction == "LR" else x + box.width / 2, tip[1]
    return tip[0], y - box.height / 2 if direction == "TB" else y + box.height / 2
