"""Pictures: every value and every use is drawn once, nothing overlaps, no label becomes markup, nothing hangs."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import viz
from microgradx.dot import dot
from microgradx.nn import MLP
from microgradx.program import Program
from microgradx.scopes import Scope, current, enter, leave, scope
from microgradx.value import Value
from viz import cards, layout, svg
from viz.fold import fold
from viz.ranks import DIRECTIONS, ranked

from .table import labelled_example as example

NAMESPACE = "{http://www.w3.org/2000/svg}"
NASTY = {
    "html": "<x>", "script": "<script>alert(1)</script>", "escapes": r"\N \G \l \\", "backslash": "end\\",
    "entity": "&lt;&#34;", "quotes": "\"a\" 'b'", "newline": "two\nlines", "control": "a\x00\x07\x1b\x7f\x9fb",
    "surrogate": "\ud800", "noncharacter": "\uffff", "right to left": "\u202eabc\u202c", "hebrew": "שלום",
    "emoji": "👩‍👩‍👧 🙂", "cdata": "]]><!--", "space": "  ", "css": "</style>", "percent": "%s {0} {label}",
    "attribute": '" onload="alert(1)', "html label": "<<b>x</b>>", "long": "long " * 2_000,
}  # fmt: skip
#: All elements that a picture is made of
ELEMENTS = {"svg", "style", "g", "title", "rect", "path", "text"}


# ---- reading a picture -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Seen:
    """One group of a picture."""

    id: str
    kind: list[str]
    tooltip: str
    texts: list[str]
    left: float
    top: float
    right: float
    bottom: float

    @property
    def name(self) -> str:
        return self.id.split("_", 2)[2]

    def overlaps(self, other: Seen) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)

    def holds(self, other: Seen) -> bool:
        return (
            self.left <= other.left <= other.right <= self.right
            and self.top <= other.top <= other.bottom <= self.bottom
        )


def read(text: str) -> tuple[tuple[float, float], list[Seen]]:
    """The size of a picture, and its groups."""
    root = ElementTree.fromstring(text)
    assert {element.tag.removeprefix(NAMESPACE) for element in root.iter()} <= ELEMENTS
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    groups = []
    for g in root.findall(f"{NAMESPACE}g"):
        x, y = map(float, re.findall(r"[-\d.]+", g.get("transform", "")))
        sides = [
            (x + float(r.get("x", 0)), y + float(r.get("y", 0)), float(r.get("width", 0)), float(r.get("height", 0)))
            for r in g.findall(f"{NAMESPACE}rect")
        ]
        left, top = (min((s[k] for s in sides), default=0.0) for k in (0, 1))
        right, bottom = (max((s[k] + s[k + 2] for s in sides), default=0.0) for k in (0, 1))
        kind = g.get("class", "").replace("mgx-", "").split()
        texts = [t.text or "" for t in g.findall(f"{NAMESPACE}text")]
        groups.append(Seen(g.get("id", ""), kind, g.findtext(f"{NAMESPACE}title", ""), texts, left, top, right, bottom))
    _, _, width, height = map(float, root.get("viewBox", "").split())
    return (width, height), groups


def parts(text: str, kind: str) -> list[Seen]:
    return [seen for seen in read(text)[1] if kind in seen.kind]


# ---- graphs ----------------------------------------------------------------------------------------------
OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "double": lambda a, b: b + b,
    "square": lambda a, b: a * a, "tanh": lambda a, b: a.tanh(), "constant": lambda a, b: 2.5 * a - 1,
    "dot": lambda a, b: dot([a, b, a], [b, b, a], b), "maximum": lambda a, b: a.maximum(b),
}  # fmt: skip


@contextmanager
def inside(path: list[str]) -> Iterator[None]:
    with ExitStack() as stack:
        for name in path:
            stack.enter_context(scope(name))
        yield


@st.composite
def graphs(draw: st.DrawFn, scoped: bool = False) -> Value:
    """A random graph, with each operation in random scopes, old or new, when `scoped`."""
    labels = st.sampled_from(["", "x", "a label", "L", *NASTY.values()])
    nodes = [Value(draw(st.integers(-2, 2)), label=draw(labels)) for _ in range(draw(st.integers(1, 4)))]
    opened: list[Scope] = [current()]
    for _ in range(draw(st.integers(0, 14))):
        a, b = draw(st.sampled_from(nodes[-4:])), draw(st.sampled_from(nodes))
        where = draw(st.sampled_from(opened)) if scoped else current()
        if scoped and draw(st.booleans()):
            where = Scope(draw(st.sampled_from(["f", "g.0", "g.1"])), where)
            opened.append(where)
        token = enter(where)
        try:
            nodes.append(OPERATIONS[draw(st.sampled_from(sorted(OPERATIONS)))](a, b))
        finally:
            leave(token)
        nodes[-1].label = draw(labels)
    if draw(st.booleans()):
        nodes[-1].backward()
    return nodes[-1]


def chain(length: int) -> Value:
    x = Value(1.0)
    for _ in range(length):
        x = x + Value(1.0)
    return x


def network(samples: int = 1) -> Value:
    model = MLP(2, [16, 16, 1], seed=0)
    outputs = (model([Value(0.5 * k, label="x0"), Value(-1.0, label="x1")]) for k in range(samples))
    return sum(outputs, Value(0.0, label="start"))


# ---- every value and every use, once -----------------------------------------------------------------------
options = st.fixed_dictionaries({
    "direction": st.sampled_from(DIRECTIONS), "engine": st.sampled_from(layout.ENGINES), "local": st.booleans(),
    "grads": st.sampled_from(["auto", True, False]), "theme": st.sampled_from(["auto", "light", "dark"]),
})  # fmt: skip


def check_picture(root: Value, picture: str, whole: bool) -> None:
    """What holds for every picture; whole: of every value, nothing is folded."""
    program = Program.of(root)
    (width, height), groups = read(picture)
    nodes, edges = ([g for g in groups if kind in g.kind] for kind in ("node", "edge"))
    if whole:
        assert sorted(n.name for n in nodes) == sorted(f"n{i}" for i in range(len(program)))
        assert len(edges) == sum(map(len, program.uses))
    for node in nodes:
        assert min(node.left, node.top, width - node.right, height - node.bottom) >= 0
    for k, node in enumerate(nodes):
        assert not any(node.overlaps(other) for other in nodes[:k])


@given(graphs(), options)
def test_every_value_and_every_use_is_drawn_once_and_apart(root: Value, chosen: dict[str, Any]) -> None:
    check_picture(root, viz.draw(root, **chosen).svg(), whole=True)


@given(graphs(scoped=True), options, st.sampled_from([False, 1, 2, "auto"]))
def test_scopes_of_any_shape_fold_and_frame(root: Value, chosen: dict[str, Any], collapse: int | str) -> None:
    graph = viz.draw(root, collapse=collapse, **chosen)
    check_picture(root, graph.svg(), whole=collapse is False)
    within = {i: k for k, box in enumerate(graph.sketch.boxes) for i in box.members}
    between = [u for uses in graph.sketch.program.uses for u in uses if within[u.parent] != within[u.user]]
    assert len(between) == sum(len(link.uses) for link in graph.sketch.links)
    if graph.layout.engine == "ranks":
        frames = parts(graph.svg(), "frame")
        nodes = {seen.name: seen for seen in parts(graph.svg(), "node")}
        for frame, group in zip(frames, every(graph.sketch.groups), strict=True):
            own = {graph.sketch.boxes[k].name for g in every([group]) for k in g.boxes}
            assert all(frame.holds(seen) if name in own else not frame.overlaps(seen) for name, seen in nodes.items())


def every(groups: list[Any]) -> list[Any]:
    return [found for group in groups for found in (group, *every(group.groups))]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_ranks_rise_along_every_arrow_unless_there_is_a_cycle(pairs: list[tuple[int, int]]) -> None:
    forward = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
    ranks = ranked(13, forward)
    assert all(ranks[tail] < ranks[head] for tail, head in forward)
    assert len(ranked(13, pairs)) == 13


def test_two_uses_are_two_arrows() -> None:
    a = Value(3.0, label="a")
    for root in (a * a, a + a, dot([a, a], [a, a])):
        edges = parts(viz.to_svg(root), "edge")
        assert [edge.name for edge in edges] == [f"e1_{k}" for k in range(len(edges))]
        assert len(edges) == len(root.parents)
        curves = re.findall(r'class="mgx-line"[^>]* d="(.*?)"', viz.to_svg(root))
        assert len(set(curves)) == len(edges)  # and can be told apart


def test_two_equal_values_stay_two() -> None:
    assert len(parts(viz.to_svg(Value(1.0, label="x") + Value(1.0, label="x")), "leaf")) == 2


def test_18_doublings_are_19_boxes() -> None:
    x = Value(1.0)
    for _ in range(18):
        x = x + x
    picture = viz.to_svg(x)
    assert (len(parts(picture, "node")), len(parts(picture, "edge"))) == (19, 36)
    assert len(picture) < 60_000


def test_a_single_leaf_is_a_picture() -> None:
    assert [seen.texts for seen in parts(viz.to_svg(Value(2.0, label="x")), "node")] == [["x", "data", "2"]]


# ---- the same bytes ----------------------------------------------------------------------------------------
@given(graphs(scoped=True), options)
def test_the_same_program_is_the_same_text(root: Value, chosen: dict[str, Any]) -> None:
    first, second = (viz.draw(root, **chosen) for _ in range(2))
    assert (first.svg(), first.dot()) == (second.svg(), second.dot())


def test_a_fresh_process_draws_the_same_bytes() -> None:
    code = """if True:
        import hashlib, sys
        sys.path[:0] = sys.argv[1:]
        import viz
        from microgradx.nn import MLP
        from microgradx.value import Value
        w, x, b = (Value(v, label=l) for v, l in ((-3.0, "w"), (2.0, "x"), (6.88, "b")))
        y = MLP(2, [3, 3, 1], seed=0)([w * x, (w * x + b).tanh()])
        y.backward()
        for collapse in (False, 1, 2):
            for engine in ("auto", "dot"):
                graph = viz.draw(y, collapse=collapse, engine=engine, local=True)
                print(hashlib.sha256((graph.svg() + graph.dot()).encode()).hexdigest())
    """
    here = str(Path(viz.__file__).parents[1])
    found = [
        subprocess.run([sys.executable, "-c", code, here], env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True, timeout=120).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found[0] == found[1]
    assert found[0].count("\n") == 6


def test_ids_carry_the_run_and_end_in_the_number() -> None:
    picture = viz.draw(example()).svg(run="lesson7")
    assert {"mgx_lesson7_n4", "mgx_lesson7_e4_0", "mgx_lesson7_e4_1"} <= {seen.id for seen in read(picture)[1]}
    with pytest.raises(ValueError, match="letters and digits"):
        viz.draw(example()).svg(run='"><script>')


def test_pictures_on_one_page_share_no_id() -> None:
    ids = [set(re.findall(r' id="(.*?)"', viz.to_svg(root))) for root in (example(), network(), Value(1.0))]
    assert not ids[0] & (ids[1] | ids[2])


# ---- text --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("label", NASTY.values(), ids=NASTY)
def test_no_label_becomes_markup(label: str) -> None:
    with scope(label):
        root = Value(1.0, label=label).tanh()
    root.label = label
    for collapse in (False, 1):
        graph = viz.draw(root, local=True, collapse=collapse)
        seen = parts(graph.svg(), "node")  # reading it checks the elements
        if collapse is False:
            assert seen[0].texts[-2:] == ["data", "1"]
            assert set(cards.clean(label).split()) <= set(re.split(r",?\s", seen[0].tooltip))
        drawn = layout.render(graph.dot(), "dot", "svg", timeout=60).decode()
        tree = ElementTree.fromstring(drawn)
        tags = {e.tag.removeprefix(NAMESPACE) for e in tree.iter() if isinstance(e.tag, str)}
        assert tags <= ELEMENTS | {"a", "polygon", "polyline"}
        words = {" ".join((text.text or "").split()) for text in tree.iter(f"{NAMESPACE}text")}
        assert {"data 1", "tanh"} & words
        assert not label.strip() or cards.fit(label, "note", cards.WIDEST) in words


@given(st.text())
def test_any_label_is_well_formed(label: str) -> None:
    graph = viz.draw(Value(1.0, label=label) * Value(2.0))
    assert len(parts(graph.svg(), "node")) == 3
    layout.render(graph.dot(), "dot", "json", timeout=60, in_process=True)
    assert ElementTree.fromstring(graph.svg())


def test_a_long_label_is_cut_in_the_box_and_whole_in_the_tooltip() -> None:
    leaf = parts(viz.to_svg(Value(1.0, label="x" * 10_000)), "leaf")[0]
    assert leaf.texts[0].endswith("x…")
    assert len(leaf.texts[0]) < 30
    assert "x" * 10_000 in leaf.tooltip


@pytest.mark.parametrize("role", ["label", "name", "key", "data", "note", "sign", "call"])
def test_no_text_is_wider_than_it_was_taken_to_be(role: str) -> None:
    font_manager = pytest.importorskip("matplotlib.font_manager")
    ft2font = pytest.importorskip("matplotlib.ft2font")
    style = cards.STYLES[role]
    weight = "bold" if style.bold else "normal"
    font: Any = ft2font.FT2Font(font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight)))
    font.set_size(20 * style.size, 72)  # large, so that no hinting rounds it
    for text in "data grad −0.7064 1.002 3.2e-08 tanh leaky_relu(·,3) w·x×3 layers.0 WMwm@% ∂L/∂h=7 — → … L".split():
        font.set_text(text, 0.0)
        assert cards.breadth(text, role) >= 0.97 * font.get_width_height()[0] / 64 / 20, text


SIGNS = {
    "×": lambda a, b: a * b, "+": lambda a, b: a + b, "−": lambda a, b: a - b, "÷": lambda a, b: a / b,
    "^": lambda a, b: a**b, "× 3": lambda a, b: a * 3, "3 ×": lambda a, b: 3 * a, "3 −": lambda a, b: 3 - a,
    "^ 2": lambda a, b: a**2, "2 ^": lambda a, b: 2**a, "+ −0.5": lambda a, b: a + -0.5, "neg": lambda a, b: -a,
    "tanh": lambda a, b: a.tanh(), "max": lambda a, b: a.maximum(b), "max(·, 0)": lambda a, b: a.maximum(0),
    "leaky_relu(·, 0.01)": lambda a, b: a.leaky_relu(0.01),
    "w·x + b": lambda a, b: dot([a, b], [b, a], a), "w·x": lambda a, b: dot([a, b], [b, a]),
    "w·x + 0.5": lambda a, b: dot([a, b], [b, a], 0.5), "w·[1, 2]": lambda a, b: dot([a, b], [1, 2]),
    "w·[1, 2, …] + b": lambda a, b: dot([a, b, a], [1, 2, 3], b),
}  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
def test_a_box_shows_its_operation_with_the_constants_in_it(sign: str) -> None:
    box = fold(Program.of(SIGNS[sign](Value(2.0, label="a"), Value(3.0, label="b")))).boxes[-1]
    assert box.sign == sign


# ---- numbers and names -------------------------------------------------------------------------------------
def texts(root: Value, **chosen: Any) -> dict[str, list[str]]:
    return {seen.name: seen.texts for seen in parts(viz.to_svg(root, **chosen), "node")}


def test_a_gradient_is_shown_once_it_is_there() -> None:
    L = example()
    assert texts(L)["n2"] == ["×", "h", "data", "6"]
    assert texts(L, grads=True)["n2"] == ["×", "h", "data", "6", "grad", "—"]
    L.backward()
    assert texts(L)["n2"] == ["×", "h", "data", "6", "grad", "13"]
    assert texts(L, grads=False)["n2"] == ["×", "h", "data", "6"]
    assert "dL/dh = 13.0" in {s.name: s.tooltip for s in parts(viz.to_svg(L), "node")}["n2"]


def test_a_gradient_that_was_not_computed_is_a_dash() -> None:
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    (a * 2).backward()
    assert texts(a * b) == {"n0": ["a", "data", "2", "grad", "2"], "n1": ["b", "data", "3", "grad", "—"],
                            "n2": ["×", "L", "data", "6", "grad", "—"]}  # fmt: skip


def test_a_name_is_bold_only_as_a_label() -> None:
    picture = viz.to_svg(Value(2.0, label="a") * 3 + 1)
    assert re.search(r'class="mgx-label"[^>]*font-weight="bold"[^>]*>a<', picture)
    assert re.search(r'class="mgx-name"[^>]*>v1<', picture)
    assert 'font-weight="bold"' not in re.search(r"<text [^>]*>v1<", picture)[0]  # type: ignore[index]


def test_names_label_what_has_no_label() -> None:
    first = Value(2.0)
    second = first * 3
    assert texts(second, names={"first": first, "second": second, "other": 7})["n0"][0] == "first"


def test_local_derivatives_stand_on_the_arrows() -> None:
    marks = parts(viz.to_svg(example(), local=True), "mark")
    assert [mark.texts[0] for mark in marks] == ["∂h/∂a = 3", "∂h/∂b = 2", "∂p/∂h = 1", "∂L/∂h = 7", "∂L/∂p = 6"]
    tooltips = [edge.tooltip for edge in parts(viz.to_svg(example()), "edge")]
    assert tooltips[3] == "h → L\n∂L/∂h = p = 7"


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("engine", ["dot", "ranks"])
def test_inputs_arrive_in_the_order_of_the_operation(engine: str, direction: str) -> None:
    a, b = Value(5.0, label="a"), Value(3.0, label="b")
    for root in (a - b, b - a, (a * b) - a, a - (a * b), (a - b) / (b - a)):
        graph = viz.draw(root, engine=engine, direction=direction)
        tips = [curve.tip for link, curve in zip(graph.sketch.links, graph.layout.curves, strict=True)
                if link.head == len(graph.sketch.boxes) - 1]  # fmt: skip
        across = [tip[1 if direction in ("LR", "RL") else 0] for tip in tips]
        assert across == sorted(set(across))
        assert len(across) == 2
        box = parts(graph.svg(), "op")[-1]
        side = {"LR": box.left, "RL": box.right, "TB": box.top, "BT": box.bottom}[direction]
        for tip in tips:
            assert tip[0 if direction in ("LR", "RL") else 1] + svg.MARGIN == pytest.approx(side, abs=0.1)


# ---- folding -----------------------------------------------------------------------------------------------
def test_a_network_folds_by_layer_and_by_neuron() -> None:
    program = Program.of(MLP(2, [16, 16, 1], seed=0)([0.5, -1.0]))
    layers, neurons, everything = (fold(program, collapse) for collapse in (1, 2, False))
    assert [(box.title, *box.lines) for box in layers.boxes] == [
        ("layers.0", "16 neurons", "48 parameters", "0 in, 16 out"),
        ("layers.1", "16 neurons", "272 parameters", "16 in, 16 out"),
        ("layers.2", "1 neuron", "17 parameters", "16 in, 1 out"),
    ]
    assert len(neurons.boxes) == 33
    assert [group.title for group in neurons.groups] == ["layers.0", "layers.1", "layers.2"]
    assert neurons.boxes[0].lines == ("dot, relu", "3 parameters", "0 in, 1 out")
    assert len(everything.boxes) == len(program)
    assert len(every(everything.groups)) == 3 + 33
    chosen = ("auto", "neurons", "layers", "layers.1")
    assert [len(fold(program, collapse).boxes) for collapse in chosen] == [33, 33, 3, len(program) - 303]


def test_a_fold_with_one_result_shows_its_numbers() -> None:
    root = network()
    root.backward()
    found = texts(root, collapse=1)
    assert [words[words.index("data") :][::2] for words in found.values() if "17 parameters" in words] == [
        ["data", "grad"]
    ]
    assert all("data" not in words for words in found.values() if "16 neurons" in words)


def test_links_between_folds_carry_counts() -> None:
    graph = viz.draw(MLP(2, [16, 16, 1], seed=0)([0.5, -1.0]), collapse=1)
    assert [(link.values, len(link.uses)) for link in graph.sketch.links] == [(16, 256), (16, 16)]
    assert [mark.texts for mark in parts(graph.svg(), "mark")] == [["16 values"], ["16 values"]]


def test_each_call_is_a_box_of_its_own() -> None:
    sketch = fold(Program.of(network(samples=2)), 1)
    titles = [box.title for box in sketch.boxes if box.kind == "scope"]
    assert titles == [f"layers.{layer} ({call})" for call in (1, 2) for layer in (0, 1, 2)]
    shared = {box.title: box.lines for box in sketch.boxes if box.kind == "parameters"}
    assert shared == {f"layers.{k}": (f"{n} parameters",) for k, n in enumerate((48, 272, 17))}
    assert len({box.name for box in sketch.boxes}) == len(sketch.boxes)


def test_inputs_stay_outside_and_parameters_go_in() -> None:
    x = [Value(2.0, label="x0"), Value(3.0, label="x1")]
    for sizes, neurons in (([1], "1 neuron"), ([3], "3 neurons")):
        y = MLP(2, sizes, seed=0)(x)
        boxes = fold(Program.of(y if isinstance(y, Value) else sum(y)), 1).boxes
        assert [box.title for box in boxes[:2]] == ["x0", "x1"]
        assert boxes[2].lines == (neurons, f"{3 * sizes[0]} parameters", f"2 in, {sizes[0]} out")


def test_a_penalty_on_the_parameters_uses_the_box_that_they_share() -> None:
    model = MLP(2, [2, 1], seed=0)
    loss = model([0.5, -1.0]) + sum(p * p for p in model.parameters())
    sketch = fold(Program.of(loss), 1)
    shared = [box.title for box in sketch.boxes if box.kind == "parameters"]
    assert sorted(shared) == ["layers.0", "layers.1"]
    assert not any(box.kind == "leaf" for box in sketch.boxes)


def test_a_cycle_between_folds_is_drawn_too() -> None:
    s = Scope("s", current())
    token = enter(s)
    a = Value(1.0) * 2
    leave(token)
    b = a + 1
    token = enter(s)
    c = a * b
    leave(token)
    for engine in layout.ENGINES:
        graph = viz.draw(c + 1, collapse=1, engine=engine)
        check_picture(c + 1, graph.svg(), whole=False)
        assert len(graph.sketch.links) == 3


def test_scopes_may_be_nested_deeply() -> None:
    with inside(["f"] * 300):
        root = Value(1.0, label="x").tanh()
    check_picture(root, viz.to_svg(root), whole=True)


@pytest.mark.parametrize(
    ("collapse", "error", "words"),
    [
        (-1, ValueError, "level"),
        ("heads", ValueError, "'layers', 'layers.0'"),
        (1.5, TypeError, "auto"),
        (None, TypeError, "auto"),
    ],
)
def test_an_impossible_fold_is_refused(collapse: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        viz.draw(network(), collapse=collapse)


# ---- large graphs, time limits, missing Graphviz -------------------------------------------------------------
def test_thousands_of_boxes_are_laid_out_by_ranks() -> None:
    start = time.monotonic()
    graph = viz.draw(chain(2_000))
    assert (graph.layout.engine, len(graph.sketch.boxes)) == ("ranks", 4_001)
    assert len(parts(graph.svg(), "node")) == 4_001
    assert time.monotonic() - start < 60  # takes one second; this is only against a hang


def test_what_is_too_large_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg, "MOST_BOXES", 50)
    with pytest.raises(ValueError, match="201 boxes, and the most is 50; fold it with collapse=1"):
        viz.draw(chain(100))
    assert len(viz.draw(network(), collapse=2).sketch.boxes) == 37
    monkeypatch.setattr(svg, "MOST_VALUES", 100)
    with pytest.raises(ValueError, match="201 values"):
        viz.draw(chain(100))


@pytest.fixture
def endless_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphviz that never answers, for every graph in a child process."""
    monkeypatch.setattr(layout, "_CHILD", "import time; time.sleep(600)")
    monkeypatch.setattr(layout, "INSTANT", -1)


@pytest.mark.usefixtures("endless_dot")
def test_ranks_take_over_after_the_time_limit() -> None:
    graph = viz.draw(example(), timeout=0.2)
    assert graph.layout.engine == "ranks"
    assert "by ranks: dot took longer than 0.2 s" in repr(graph)
    with pytest.warns(RuntimeWarning, match="raise the timeout"):
        assert viz.draw(example(), engine="dot", timeout=0.2).layout.engine == "ranks"


@pytest.mark.usefixtures("endless_dot")
@pytest.mark.skipif(sys.platform == "win32", reason="signals are delivered differently there")
def test_ctrl_c_ends_a_layout() -> None:
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        viz.draw(example(), engine="dot", timeout=300)
    assert time.monotonic() - start < 60


def test_a_failing_graphviz_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_CHILD", "raise SystemExit('out of paper')")
    monkeypatch.setattr(layout, "INSTANT", -1)
    assert viz.draw(example()).layout.engine == "ranks"
    with pytest.raises(layout.GraphvizError, match="out of paper"):
        viz.draw(example(), engine="dot")


def test_without_graphviz_there_are_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(layout, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    graph = viz.draw(example())
    assert graph.layout.engine == "ranks"
    assert "not installed" in repr(graph)
    assert graph.save(tmp_path / "g.svg").exists()
    for impossible in (lambda: viz.draw(example(), engine="dot"), lambda: graph.save(tmp_path / "g.png")):
        with pytest.raises(layout.GraphvizError, match="pip install pygraphviz"):
            impossible()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_a_dot_on_the_path_is_the_second_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in = tmp_path / "dot"
    arguments = "import sys; sys.argv[1:] = [option[2:] for option in sys.argv[1:]]"
    stand_in.write_text(f"#!{sys.executable}\n{arguments}\n{layout._CHILD}")
    stand_in.chmod(0o755)
    expected = viz.draw(example(), engine="dot").svg()
    monkeypatch.setattr(layout, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: str(stand_in))
    assert viz.draw(example(), engine="dot").svg() == expected


# ---- files, notebooks, options -------------------------------------------------------------------------------
MAGIC = {
    "svg": b"<svg",
    "SVG": b"<svg",
    "png": b"\x89PNG\r\n",
    "pdf": b"%PDF-",
    "dot": b"digraph {",
}


@pytest.mark.parametrize("suffix", MAGIC)
def test_the_suffix_decides(suffix: str, tmp_path: Path) -> None:
    path = viz.draw(network(), collapse=1).save(tmp_path / f"a picture.{suffix}")
    assert path == tmp_path / f"a picture.{suffix}"
    assert path.read_bytes().startswith(MAGIC[suffix])


def test_a_png_has_the_size_of_the_picture(tmp_path: Path) -> None:
    for root in (example(), network()):  # the second one is longer than one string of DOT may be
        graph = viz.draw(root)
        header = graph.save(tmp_path / "g.png").read_bytes()[16:24]
        pixels = [int.from_bytes(header[k : k + 4], "big") for k in (0, 4)]
        assert pixels == [pytest.approx(2 * size, abs=4) for size in read(graph.svg())[0]]


def test_paint_survives_every_label(tmp_path: Path) -> None:
    root = sum((Value(1.0, label=label) for label in NASTY.values()), Value(0.0))
    assert viz.draw(root).save(tmp_path / "g.pdf").stat().st_size > 1_000


@pytest.mark.parametrize("name", ["g.jpg", "g", "g.svg.txt", ".svg"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"saved as \.svg, \.png, \.pdf, \.dot; got"):
        viz.draw(example()).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_directory_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        viz.draw(example()).save(tmp_path / "missing" / "g.svg")


def test_a_machine_without_fonts_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(svg, "_fontless", lambda: True)
    with pytest.warns(RuntimeWarning, match="no fonts"):
        viz.draw(example()).save(tmp_path / "g.png")


def test_micrograds_spelling(tmp_path: Path) -> None:
    graph = viz.draw_dot(example(), format="png", rankdir="TB")
    assert graph.direction == "TB"
    assert graph.render(tmp_path / "gout") == str(tmp_path / "gout.png")
    assert graph.render(str(tmp_path / "gout"), format="svg", view=False, cleanup=True).endswith("gout.svg")
    for wrong in ({"format": "bmp"}, {"rankdir": "XY"}):
        with pytest.raises(ValueError, match="is one of"):
            viz.draw_dot(example(), **wrong)


def test_a_notebook_shows_it() -> None:
    graph = viz.draw(example())
    bundle = graph._repr_mimebundle_()
    assert bundle == {"text/plain": "Graph of L: 5 values, 5 uses", "image/svg+xml": graph.svg()}
    assert graph._repr_svg_() == graph.svg() == viz.to_svg(example())


def test_dot_says_it_all() -> None:
    L = example()
    L.backward()
    text = viz.to_dot(L, local=True, direction="TB")
    for part in (r'n2 [label="×\nh\ndata 6\ngrad 13"', "rankdir=TB", 'label="∂L/∂h = 7"'):
        assert part in text
    assert text.count("->") == 5
    assert viz.to_dot(network(), collapse=2).count("subgraph cluster_") == 3


@pytest.mark.parametrize(
    "wrong",
    ["direction='up'", "engine='neato'", "theme='solarized'", "grads='yes'", "grads=1", "timeout=0", "timeout=-1"],
)
def test_an_unknown_option_is_refused(wrong: str) -> None:
    name, _, value = wrong.partition("=")
    with pytest.raises(ValueError, match=f"{name} is .*, got {value}"):
        viz.draw(example(), **{name: ast.literal_eval(value)})


@pytest.mark.parametrize("wrong", [None, 3.0, "x", [example()]], ids=repr)
def test_what_is_no_node_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected"):
        viz.draw(wrong)


def test_drawing_changes_nothing() -> None:
    L = example()
    before = [(node.data, node.grad, node.label) for node in (L, *L.parents)]
    viz.draw(L, local=True, grads=True, names={"z": L.parents[0]}).svg()
    assert [(node.data, node.grad, node.label) for node in (L, *L.parents)] == before


def test_a_program_is_drawn_like_its_graph() -> None:
    L = example()
    assert viz.draw(Program.of(L)).svg() == viz.draw(L).svg()


# ---- colours -----------------------------------------------------------------------------------------------
def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


ON = {
    "title": ["frame"], "sign": ["chip"], "constant": ["chip"], "call": ["chip"],
    "label": ["box"], "name": ["box"], "key": ["box"],
    "data": ["box"], "grad": ["box"], "note": ["box", "page", "frame"], "slope": ["page", "frame"],
}  # fmt: skip


@pytest.mark.parametrize("theme", cards.THEMES)
def test_text_and_lines_stand_out(theme: str) -> None:
    colours = cards.THEMES[theme]
    assert set(ON) == {role for role, style in cards.STYLES.items() if style.size}
    for role, grounds in ON.items():
        for ground in grounds:
            assert contrast(colours[cards.STYLES[role].fill], colours[ground]) >= 4.5, (role, ground)
    for line in ("edge", "arrow", "blue"):
        for ground in ("page", "frame", "box"):
            assert contrast(colours[line], colours[ground]) >= 3, (line, ground)


def test_themes() -> None:
    auto, light, dark = (viz.to_svg(example(), theme=theme) for theme in ("auto", "light", "dark"))
    assert "prefers-color-scheme:dark" in auto
    assert "prefers-color-scheme" not in light + dark
    for picture, theme in ((auto, "light"), (light, "light"), (dark, "dark")):
        assert f'<rect class="mgx-page" fill="{cards.THEMES[theme]["page"]}"' in picture
    assert "mgx-page" not in re.sub("<style>.*?</style>", "", viz.draw(example()).svg(transparent=True))


def test_leaves_that_every_rank_uses_do_not_make_the_picture_grow_as_the_square() -> None:
    def size(rounds: int) -> int:
        w, b = Value(2.0, label="w"), Value(3.0, label="b")
        z = w
        for _ in range(rounds):
            z = (z * w + b).tanh()
        return len(viz.draw(z, engine="ranks", collapse=False).svg())

    assert size(1200) < 6 * size(300)
