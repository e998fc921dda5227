"""Animations: at each moment they show what the walk knows then, and they end as the finished picture."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
from microgradx import scope
from microgradx.graph import topological_order
from microgradx.nn import MLP
from microgradx.value import Value
from viz.animation import MOST_STEPS, MOST_VALUES, Animation, animate
from viz.notation import norm, number
from viz.trace import trace

SVG = "{http://www.w3.org/2000/svg}"


def reuse() -> Value:
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    h = a * b
    h.label = "h"
    return h * (h + 1)


def tensors() -> Any:
    x, w = mg.ones(4, 3), mg.ones(3, 2, requires_grad=True)
    h = (x @ w).tanh()
    return (h * h).mean()


@st.composite
def graphs(draw: st.DrawFn) -> Value:
    """A random graph, whose nodes are often used several times."""
    nodes = [Value(draw(st.floats(-2, 2)), label="abc"[k]) for k in range(draw(st.integers(1, 3)))]
    operations = [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a.tanh(), lambda a, b: a.maximum(b)]
    for _ in range(draw(st.integers(1, 7))):
        pick = st.sampled_from(nodes[-4:])
        nodes.append(draw(st.sampled_from(operations))(draw(pick), draw(pick)))
    return nodes[-1]


def parts(svg: str) -> dict[str, ElementTree.Element]:
    """The groups of a picture, by the last part of their ids."""
    return {g.get("id", "").split("_", 2)[2]: g for g in ElementTree.fromstring(svg).iter(f"{SVG}g")}


def texts(group: ElementTree.Element, role: str) -> list[str | None]:
    return [text.text for text in group.iter(f"{SVG}text") if role in text.get("class", "").split()]


def lit(svg: str, role: str) -> set[str]:
    """The parts that hold a shape of the role."""
    return {name for name, g in parts(svg).items() if any(role in e.get("class", "").split() for e in g)}


# ---- what is seen when -----------------------------------------------------------------------------------
@settings(max_examples=25, deadline=None)
@given(graphs())
def test_every_moment_shows_what_the_walk_knows(root: Value) -> None:
    film, walk = animate(root, collapse=False, engine="ranks"), trace(root)
    assert film.moments == len(walk.steps) + 2
    for moment in range(film.moments):
        groups = parts(film.svg(still=moment))
        for node, known in zip(walk.nodes, walk.state(min(moment, len(walk.steps))), strict=True):
            assert texts(groups[f"n{node.index}"], "mgx-data") == [number(known.data)]
            assert texts(groups[f"n{node.index}"], "mgx-grad") == [number(known.grad)]


@pytest.mark.parametrize("root", [reuse(), tensors()], ids=["values", "tensors"])
def test_steps_light_the_node_and_its_arrows(root: Any) -> None:
    film, walk = animate(root), trace(root)
    for step in walk.steps:
        svg = film.svg(still=step.number)
        other = {"forward": "backward", "backward": "forward"}[step.direction]
        node, inputs = f"n{step.node}", {name for name in parts(svg) if name.startswith(f"e{step.node}_")}
        receiving = {c.parent for c in step.contributions}
        expected = {node} | (inputs if step.direction == "forward" else set())
        if step.contributions:
            tails = [i for i in walk.nodes[step.node].inputs if hasattr(i, "index")]
            expected |= {f"e{step.node}_{k}" for k, tail in enumerate(tails) if tail.index in receiving}
        assert lit(svg, f"mgx-{step.direction}") == expected
        assert not lit(svg, f"mgx-{other}")
        assert lit(svg, "mgx-computed") == ({node} if step.direction == "forward" else set())
        assert lit(svg, "mgx-received") == {f"n{i}" for i in receiving} | ({node} if step.seed else set())
    for moment in (0, -1):
        assert not lit(film.svg(still=moment), "mgx-forward") | lit(film.svg(still=moment), "mgx-backward")


def test_the_words_are_those_of_the_walk() -> None:
    film = animate(reuse())
    said = [texts(parts(film.svg(still=m))[f"said{m}"], "mgx-said") for m in range(film.moments)]
    assert said[0] == ["only the leaves have their numbers"]
    assert said[1] == ["h = a·b = 2·3 = 6"]
    assert said[6] == [
        "v3 = h+1 passes on dL/dv3 = 6, complete (1/1)",
        "h receives (dL/dv3)·∂(h+1)/∂h = 6 × 1 = 6: was 7, add 6 → 13, complete (2/2)",
    ]
    assert said[8] == ["dL/da = 39, dL/db = 26"]


def test_a_fold_is_one_step() -> None:
    root = MLP(2, [4, 4, 1], seed=1, activation="tanh")([Value(0.5, "x1"), Value(-1.0, "x2")])
    film = animate(root, collapse=1)
    assert repr(film) == "Animation of L: 17 steps forward, 18 backward, in 7, 15 s"
    assert film.moments == 9
    svg = film.svg(still=1)
    assert lit(svg, "mgx-forward") == {"s0", *(name for name in parts(svg) if name.startswith("es0_"))}
    assert texts(parts(svg)["said1"], "mgx-said") == ["layers.0: 8 operations"]
    assert texts(parts(svg)["said1"], "mgx-said-forward") == ["forward 1–8 of 17"]


def test_local_derivatives_come_with_their_operation() -> None:
    film = animate(reuse(), local=True)
    marks = [{name for name in parts(film.svg(still=m)) if name.startswith("t")} for m in range(film.moments)]
    assert marks[:4] == [set(), {"t2_0", "t2_1"}, {"t2_0", "t2_1", "t3_0"}, marks[-1]]
    assert len(marks[-1]) == 5


# ---- motion ----------------------------------------------------------------------------------------------
def films(svg: str) -> dict[str, tuple[str, list[tuple[float, dict[str, float]]]]]:
    """For each class that moves its timing function and its keyframes: (time from 0 to 1, {property: value})."""
    found = {}
    timing = dict(re.findall(r"animation:(\w+) [\d.]+s ([\w-]+) infinite", svg))
    for name, body in re.findall(r"@keyframes (\w+)\{((?:[\d.]+%\{[^}]*\})+)\}", svg):
        frames = []
        for at, look in re.findall(r"([\d.]+)%\{([^}]*)\}", body):
            each = (declaration.split(":") for declaration in look.split(";"))
            frames.append((float(at) / 100, {p: float(re.sub(r"[^\d.]", "", v)) for p, v in each}))
        found[name] = (timing[name], frames)
    return found


def opacity(film: tuple[str, list[tuple[float, dict[str, float]]]], t: float) -> float:
    """As CSS computes it."""
    way, frames = film
    frames = [(at, look["opacity"]) for at, look in frames]  # type: ignore[misc]
    if frames[0][0] > 0:
        raise AssertionError("the first keyframe is at 0 %, since the elements' own opacity is that of the end")
    k = max(k for k, (at, _) in enumerate(frames) if at <= t)
    (start, before), (end, after) = frames[k], frames[min(k + 1, len(frames) - 1)]
    if way == "step-end" or start == end:
        return before  # type: ignore[return-value]
    return before + (after - before) * (t - start) / (end - start)  # type: ignore[operator, return-value]


def drawn(svg: str) -> Iterator[tuple[list[str], str | None]]:
    """(classes, text) of every shape, but those of the bar, which grow."""
    for element in ElementTree.fromstring(svg).iter():
        names = element.get("class", "").split()
        if element.tag not in (SVG + "g", SVG + "svg", SVG + "style") and "mgx-bar-" not in " ".join(names):
            yield names, element.text


def playing(svg: str, t: float) -> list[tuple[str, str | None]]:
    """(class, text) of all that is seen at a time from 0 to 1, when nothing is to be half seen."""
    moving, found = films(svg), []
    for names, text in drawn(svg):
        seen = [opacity(moving[name], t) for name in names if name in moving]
        assert all(share in (0, 1) for share in seen), (names, text, seen)
        if all(seen):
            found.append((names[-1], text))
    return found


@pytest.mark.parametrize("root", [reuse(), tensors(), Value(1.0)], ids=["values", "tensors", "leaf"])
@pytest.mark.parametrize("seconds", [0.1, 1.5])
def test_late_in_each_moment_the_animation_shows_its_still(root: Any, seconds: float) -> None:
    film = animate(root, seconds_a_step=seconds, hold=2.0)
    svg, whole = film.svg(), seconds * (film.moments - 1) + 2.0
    late = [*(seconds * (m + 0.75) for m in range(film.moments - 1)), whole - 0.5]
    for moment, t in enumerate(late):
        assert playing(svg, t / whole) == [(names[-1], text) for names, text in drawn(film.svg(still=moment))]


def test_numbers_arrive_in_the_middle_of_their_step() -> None:
    film = animate(reuse(), seconds_a_step=1.0, hold=3.0)
    svg, whole = film.svg(), 11.0
    assert ("mgx-data", "6") not in playing(svg, 1.4 / whole)
    assert ("mgx-forward", None) in playing(svg, 1.4 / whole)
    assert ("mgx-data", "6") in playing(svg, 1.6 / whole)


def test_it_ends_and_stands_as_the_finished_picture() -> None:
    """Where nothing moves (reduced motion, paper, programs without CSS) only opacity="0" hides."""
    svg = animate(reuse()).svg()
    static = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    shown = re.sub(r'<(\w+) [^>]*opacity="0"[^>]*?(/>|>[^<]*</\1>)', "", static)
    numbers = re.findall(r'mgx-(data|grad)" [^>]*>([^<]*)<', shown)
    assert [n for role, n in numbers if role == "grad"] == ["39", "26", "13", "6", "1"]
    assert [n for role, n in numbers if role == "data"] == ["2", "3", "6", "7", "42"]
    rules = re.sub(r"@keyframes \w+\{(?:[^{}]*\{[^}]*\})*\}", "", svg)
    media = re.findall(r"@media screen and \(prefers-reduced-motion:no-preference\)\{((?:[^{}]*\{[^}]*\})*)\}", rules)
    assert len(media) == 1
    assert rules.count("animation:") == media[0].count("animation:") > 0


# ---- the text --------------------------------------------------------------------------------------------
def test_an_svg_needs_nothing_and_runs_nothing() -> None:
    svg = animate(reuse()).svg()
    assert not re.search(r"<script|javascript:|@import|url\(|\bon\w+=|<animate|href", svg)
    assert svg.count("http") == 1  # the namespace
    assert len(svg) < 40_000


def test_ids_and_keyframes_are_unlike_those_of_other_renders() -> None:
    one, other = animate(reuse()).svg(), animate(reuse(), seconds_a_step=2.0).svg()

    def names(svg: str) -> set[str]:
        ids = re.findall(r' id="([^"]*)"', svg)
        assert len(set(ids)) == len(ids)
        return {*ids, *re.findall(r"@keyframes (\w+)", svg), *re.findall(r'class="(mgx_\w+)', svg)}

    assert not names(one) & names(other)
    assert all(name.startswith("mgx_talk7") for name in names(animate(reuse()).svg(run="talk7")))


def test_the_same_animation_is_the_same_text() -> None:
    assert animate(reuse()).svg() == animate(reuse()).svg()


HOSTILE = [
    "</svg><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a&b;\"'", "\x00\x1b[2J\u202e", "\\N😀",
    "x" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_never_become_markup(label: str) -> None:
    film = animate(Value(2.0, label=label) * Value(math.nan, label=label))
    kinds = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(film.svg()).iter()}
    assert kinds == {"svg", "style", "rect", "g", "path", "text"}
    assert len(film.svg()) < 40_000


@pytest.mark.parametrize("numbers", [(math.inf, 0.0), (math.nan, 1.0), (1e308, 1e308), (-0.0, 5e-324)])
def test_what_is_not_finite_is_drawn(numbers: tuple[float, float]) -> None:
    a, b = map(Value, numbers)
    y = a * b + a
    groups = parts(animate(y).svg(still=-1))
    assert texts(groups["n2"], "mgx-data") == [number(a.data * b.data)]
    assert texts(groups["n0"], "mgx-grad") == [number(b.data + 1)]


def test_numbers_have_room() -> None:
    """A gradient on its way may be longer than in the end: here −0.001234, then 1. All else is 0 or 1."""

    def width(root: Value) -> float:
        rectangles = parts(animate(root).svg())["n0"].iter(f"{SVG}rect")
        return next(float(e.get("width", "")) for e in rectangles if "mgx-box" in e.get("class", ""))

    a = Value(0.0, label="a")
    assert texts(parts(animate(a * 1.0012345 + a * -0.0012345).svg(still=6))["n0"], "mgx-grad") == ["−0.001234"]
    assert width(a * 1.0012345 + a * -0.0012345) > width(a * 1 + a * 0)


def test_the_graph_is_only_read() -> None:
    root = reuse()
    animate(root).svg()
    assert [node.grad for node in topological_order(root)] == [None] * 5
    w = mg.ones(2, requires_grad=True)
    animate((w * 2).sum()).svg()
    assert w.grad is None


def test_tensors_show_shapes_and_norms() -> None:
    w = mg.ones(3, 2, requires_grad=True)
    film = animate((w * 2).sum(), names={"w": w})
    groups = parts(film.svg(still=-1))
    leaf = next(g for g in groups.values() if "w" in texts(g, "mgx-label"))
    assert texts(leaf, "mgx-data") == ["(3, 2) f32"]
    assert texts(leaf, "mgx-grad") == [norm(2 * mg.ones(3, 2).numpy())]
    assert texts(groups[f"said{film.moments - 1}"], "mgx-said") == ["dL/dw: ‖·‖ 4.899"]


def test_constant_arrays_get_no_gradient() -> None:
    film = animate(tensors())
    walk = film.walk
    (constant,) = [node.index for node in walk.nodes if node.grad is None]
    (arrow,) = [name for name, g in parts(film.svg()).items() if name == "e2_0"]
    assert not texts(parts(film.svg())[f"n{constant}"], "mgx-grad")
    assert all(arrow not in lit(film.svg(still=m), "mgx-backward") for m in range(film.moments))


# ---- options and errors ----------------------------------------------------------------------------------
def long(operations: int) -> Value:
    x = Value(1.0)
    for _ in range(operations):
        x = x + 1
    return x


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: animate(2.0), TypeError, "expected the Value at the end of a computation, got float"),  # type: ignore[arg-type]
        (lambda: animate(mg.ones(2)), TypeError, "without a graph"),
        (lambda: animate(reuse(), seconds_a_step=0), ValueError, "seconds_a_step is a number of seconds > 0, got 0"),
        (lambda: animate(reuse(), hold=math.inf), ValueError, "hold is a number of seconds > 0, got inf"),
        (lambda: animate(reuse(), direction="up"), ValueError, "direction is one of"),
        (lambda: animate(reuse(), theme="red"), ValueError, "theme is one of"),
        (lambda: animate(long(MOST_STEPS)), ValueError, "and the most is 400; fold the graph"),
        (lambda: animate(long(MOST_VALUES)), ValueError, "has 5,001 values"),
        (lambda: animate(reuse()).svg(still=9), IndexError, r"from 0 \(the start\) to 8 \(the end\), got 9"),
        (lambda: animate(reuse()).svg(run="a-b"), ValueError, "letters and digits only"),
        (lambda: animate(reuse()).save("walk.mp4"), ValueError, "saved as .svg or .gif; got 'walk.mp4'"),
    ],
)
def test_animate_refuses(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_a_long_graph_plays_when_it_is_folded() -> None:
    with scope("chain"):
        x = long(MOST_STEPS)
    assert animate(x * 2, collapse=1).moments < 10


@pytest.mark.parametrize("direction", ["LR", "RL", "TB", "BT"])
@pytest.mark.parametrize("engine", ["dot", "ranks"])
def test_all_directions(direction: str, engine: str) -> None:
    film = animate(reuse(), direction=direction, engine=engine)
    _, _, width, height = map(float, ElementTree.fromstring(film.svg()).get("viewBox", "").split())
    for _, x, y in corners(film):
        assert 0 <= x <= width
        assert 0 <= y <= height


def corners(film: Animation) -> Iterator[tuple[str, float, float]]:
    for name, group in parts(film.svg()).items():
        x, y = map(float, re.findall(r"[-\d.]+", group.get("transform", "")))
        for rect in group.iter(f"{SVG}rect"):
            left, top = x + float(rect.get("x", 0)), y + float(rect.get("y", 0))
            yield name, left, top
            yield name, left + float(rect.get("width", 0)), top + float(rect.get("height", 0))


def test_themes() -> None:
    light, dark = (animate(reuse(), theme=theme).svg() for theme in ("light", "dark"))
    assert "prefers-color-scheme" not in light + dark
    assert "prefers-color-scheme:dark" in animate(reuse()).svg()
    assert "#0f141b" in dark.partition("</style>")[2]
    assert 'class="mgx-page"' not in animate(reuse()).svg(transparent=True)


def test_a_notebook_plays_it() -> None:
    film = animate(reuse())
    assert film._repr_mimebundle_() == {"text/plain": repr(film), "image/svg+xml": film.svg()}
    assert film._repr_svg_() == film.svg()


# ---- files -----------------------------------------------------------------------------------------------
def test_saving_an_svg(tmp_path: Path) -> None:
    film = animate(reuse())
    assert film.save(tmp_path / "walk.svg").read_text(encoding="utf-8") == film.svg()


def test_saving_a_gif(tmp_path: Path) -> None:
    Image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    film = animate(reuse(), seconds_a_step=0.5, hold=2.0)
    path = film.save(str(tmp_path / "walk.GIF"))
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.info["loop"]) == (film.moments, 0)
        durations, frames = [], []
        for k in range(gif.n_frames):
            gif.seek(k)
            durations.append(gif.info["duration"])
            frames.append(gif.convert("RGB"))
    assert durations == [500] * 8 + [2000]
    assert frames[0].getpixel((0, 0)) == (255, 255, 255)
    assert abs(frames[0].width / frames[0].height - film.width / film.height) < 0.01
    orange = [sum(n for n, colour in frame.getcolors(1 << 24) if colour == (0xAD, 0x45, 0x06)) for frame in frames]
    assert max(orange[:4]) < min(orange[4:])  # the bar and what lights up, against mere "—"
    assert len({frame.tobytes() for frame in frames}) == film.moments
    again = tmp_path / "again.gif"
    animate(reuse(), seconds_a_step=0.5, hold=2.0).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_a_dark_gif(tmp_path: Path) -> None:
    Image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    with Image.open(animate(reuse(), theme="dark").save(tmp_path / "walk.gif")) as gif:
        assert gif.convert("RGB").getpixel((0, 0)) == (0x0F, 0x14, 0x1B)


def test_a_gif_without_pillow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "viz.frames", None)
    with pytest.raises(ImportError, match=r"pip install matplotlib.*or save the animation as \.svg"):
        animate(reuse()).save(tmp_path / "walk.gif")
    assert animate(reuse()).save(tmp_path / "walk.svg").exists()
