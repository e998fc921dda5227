"""The walk as plain data: it agrees with the engine, each of its numbers adds up, and the graph is left alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from microgradx.dot import dot
from microgradx.graph import topological_order
from microgradx.rules import RULES, rule
from microgradx.value import Value
from microgradx.worlds import PRIMITIVES, floats
from viz.trace import Contribution, Trace, number, trace

from .table import labelled_example as example

EXACT = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "neg": lambda a, b: -a,
    "square": lambda a, b: a * a, "double": lambda a, b: b + b, "relu": lambda a, b: a.relu(),
    "constant": lambda a, b: 2.5 * a - 1,
}  # fmt: skip
ALL = EXACT | {
    "tanh": lambda a, b: a.tanh(), "exp": lambda a, b: a.tanh().exp(), "div": lambda a, b: a / (b * b + 1),
    "pow": lambda a, b: a**3, "power": lambda a, b: (a * a + 1) ** b.tanh(),
    "dot": lambda a, b: dot([a, b, a], [b, b, 2.0], a), "maximum": lambda a, b: a.maximum(b),
}  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn, operations: dict[str, Any] = ALL) -> Value:
    """A random graph: each operation takes what was made before, often the same node again."""
    numbers = st.floats(-2, 2, allow_subnormal=False).map(lambda x: round(x, 6))
    nodes = [Value(draw(numbers), label="abc"[k]) for k in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(0, 12))):
        a, b = draw(st.sampled_from(nodes[-4:])), draw(st.sampled_from(nodes))
        nodes.append(operations[draw(st.sampled_from(sorted(operations)))](a, b))
    return nodes[-1]


def backward(root: Value) -> list[float]:
    """The engine's own gradients, in topological order."""
    for node in (nodes := topological_order(root)):
        node.grad = None
    root.backward()
    return [node.grad for node in nodes]


# ---- numbers --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("x", "text"),
    [
        (39.0, "39"), (39, "39"), (0.70639, "0.7064"), (1.0019, "1.002"), (3.2e-8, "3.2e-08"), (0.0, "0"), (-0.0, "0"),
        (-1.5029, "−1.503"), (12345.678, "12346"), (100000.0, "100000"), (1234567.0, "1.235e+06"), (-1e-300, "−1e-300"),
        (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "−inf"), (None, "—"), (0.1 + 0.2, "0.3"), (1e22, "1e+22"),
    ],
)  # fmt: skip
def test_number(x: float | None, text: str) -> None:
    assert number(x) == text


def test_number_of_more_digits() -> None:
    assert number(math.pi, 8) == "3.1415927"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_short_and_near(x: float) -> None:
    text = number(x)
    assert len(text) <= 11
    read = float(text.replace("−", "-"))
    assert math.isclose(read, x, rel_tol=1e-3) or abs(x) < 1e-307 or math.isinf(read)


# ---- the walk -------------------------------------------------------------------------------------------
def test_the_example_in_full() -> None:
    walk = trace(example())
    assert [(n.shown, n.op, n.formula, n.numbers, n.data, n.grad, n.uses) for n in walk.nodes] == [
        ("a", "", "", "", 2.0, 39.0, 1),
        ("b", "", "", "", 3.0, 26.0, 1),
        ("h", "mul", "a·b", "2·3", 6.0, 13.0, 2),
        ("p", "add", "h+1", "6+1", 7.0, 6.0, 1),
        ("L", "mul", "h·p", "6·7", 42.0, 1.0, 0),
    ]
    assert [(s.number, s.direction, s.position, s.count, s.node, s.seed) for s in walk.steps] == [
        (1, "forward", 1, 3, 2, False),
        (2, "forward", 2, 3, 3, False),
        (3, "forward", 3, 3, 4, False),
        (4, "backward", 1, 4, 4, True),
        (5, "backward", 2, 4, 4, False),
        (6, "backward", 3, 4, 3, False),
        (7, "backward", 4, 4, 2, False),
    ]
    assert walk.contributions[2] == [
        Contribution(2, 4, 0, None, 1.0, 7.0, "p", 7.0, None, 7.0, 1, 2),
        Contribution(2, 3, 0, None, 6.0, 1.0, "1", 6.0, 7.0, 13.0, 2, 2),
    ]
    assert [c.complete for c in walk.contributions[2]] == [False, True]


def test_a_leaf_alone_is_a_walk_of_the_seed() -> None:
    walk = trace(Value(5.0))
    assert [s.seed for s in walk.steps] == [True]
    assert walk.root.shown == "L"
    assert [walk.known(0, k).grad for k in (0, 1)] == [None, 1.0]


@given(graphs(EXACT))
def test_gradients_are_the_engine_s_exactly(root: Value) -> None:
    walk = trace(root)
    assert [node.grad for node in walk.nodes] == backward(root)
    assert [node.data for node in walk.nodes] == [node.data for node in topological_order(root)]


@given(graphs())
def test_gradients_are_the_engine_s(root: Value) -> None:
    walk = trace(root)
    scale = max((abs(c.amount) for terms in walk.contributions for c in terms), default=1.0)
    for node, grad in zip(walk.nodes, backward(root), strict=True):
        assert node.grad == pytest.approx(grad, rel=1e-9, abs=1e-12 * scale)
        assert walk.state(len(walk.steps))[node.index].grad == node.grad


@given(graphs())
def test_contributions_add_up(root: Value) -> None:
    walk = trace(root)
    for node, terms in zip(walk.nodes, walk.contributions, strict=True):
        total = None
        for k, c in enumerate(terms, 1):
            assert (c.parent, c.use, c.uses, c.before) == (node.index, k, len(terms), total)
            assert c.incoming == walk.nodes[c.user].grad
            assert c.amount == c.incoming * c.local
            assert c.after == (c.amount if total is None else total + c.amount)
            total = c.after
        assert node.uses == len(terms)
        assert node.grad == (1.0 if node is walk.root else total)


@given(graphs())
def test_an_operation_passes_on_only_what_is_complete(root: Value) -> None:
    walk = trace(root)
    for step in walk.steps:
        before, after = walk.known(step.node, step.number - 1), walk.known(step.node, step.number)
        if step.direction == "forward":
            assert (before.data, after.data) == (None, walk.nodes[step.node].data)
            assert before.grad is None
        elif step.seed:
            assert (before.ready, after.ready, after.grad) == (False, True, 1.0)
        else:
            assert before.ready


@given(graphs())
@settings(max_examples=30)
def test_state_is_what_stepping_gives(root: Value) -> None:
    walk = trace(root)
    data: list[float | None] = [None if n.op else n.data for n in walk.nodes]
    grads: list[float | None] = [None] * len(walk.nodes)
    reported = [0] * len(walk.nodes)
    for k in range(len(walk.steps) + 1):
        if k:
            step = walk.steps[k - 1]
            if step.direction == "forward":
                data[step.node] = walk.nodes[step.node].data
            elif step.seed:
                grads[step.node] = 1.0
            for c in step.contributions:
                grads[c.parent] = (grads[c.parent] or 0.0) + c.amount if reported[c.parent] else c.amount
                reported[c.parent] += 1
        state = walk.state(k)
        assert [x.data for x in state] == data
        assert [x.grad for x in state] == grads
        assert [x.reported for x in state] == reported
        assert [x.ready for x in state] == [
            g is not None and n == node.uses for g, n, node in zip(grads, reported, walk.nodes, strict=True)
        ]


@pytest.mark.parametrize("steps", [-1, 8])
def test_a_state_that_is_not_there(steps: int) -> None:
    with pytest.raises(IndexError, match=rf"from 0 \(the start\) to 7, got {steps}"):
        trace(example()).state(steps)


def test_both_slots_of_a_repeated_operand_report() -> None:
    a = Value(3.0, label="a")
    for root, terms in ((a * a, [(0, 3.0, "a"), (1, 3.0, "a")]), (a + a, [(0, 1.0, "1"), (1, 1.0, "1")])):
        assert [(c.slot, c.amount, c.formula) for c in trace(root).contributions[0]] == terms


def test_a_vector_reports_element_by_element() -> None:
    w, x, b = Value(2.0, label="w"), Value(3.0, label="x"), Value(1.0, label="b")
    walk = trace(dot([w, w], [x, b], b))
    assert (walk.root.formula, walk.root.numbers) == ("w·x+w·b+b", "2·3+2·1+1")
    reports = walk.steps[-1].contributions
    assert [(walk.nodes[c.parent].shown, c.slot, c.element, c.formula, c.local) for c in reports] == [
        ("w", 0, 0, "x", 3.0),
        ("w", 0, 1, "b", 1.0),
        ("x", 1, 0, "w", 2.0),
        ("b", 1, 1, "w", 2.0),
        ("b", 2, None, "1", 1.0),
    ]


def test_a_long_vector_is_shortened_in_its_formula() -> None:
    w = [Value(float(k), label=f"w{k}") for k in range(9)]
    walk = trace(dot(w, [1.0] * 9))
    assert walk.root.formula == "w0·1+w1·1+…+w8·1+0"
    assert len(walk.steps[-1].contributions) == 9


@pytest.mark.parametrize(
    ("make", "formula", "numbers", "local"),
    [
        (lambda x: x * -3, "x·(−3)", "−2·(−3)", "−3"),
        (lambda x: x * 1, "x·1", "−2·1", "1"),
        (lambda x: 1 - x, "1−x", "1−(−2)", "−1"),
        (lambda x: -x, "−x", "−(−2)", "−1"),
        (lambda x: x**2, "x^2", "(−2)^2", "2·x"),
        (lambda x: x**3, "x^3", "(−2)^3", "3·x^2"),
        (lambda x: x**-1, "x^(−1)", "(−2)^(−1)", "−x^(−2)"),
        (lambda x: x / 4, "x/4", "−2/4", "1/4"),
        (lambda x: 4 / x, "4/x", "4/(−2)", "−L/x"),
        (lambda x: x.tanh(), "tanh(x)", "tanh(−2)", "1−L·L"),
        (lambda x: x.relu(), "relu(x)", "relu(−2)", "0 if x ≤ 0, else 1"),
        (lambda x: x.maximum(1.0), "max(x, 1)", "max(−2, 1)", "0.5 if x = 1, else 0 if x < 1, else 1"),
    ],
)
def test_formulas_as_one_writes_them(make: Any, formula: str, numbers: str, local: str) -> None:
    walk = trace(make(Value(-2.0, label="x")))
    assert (walk.root.formula, walk.root.numbers) == (formula, numbers)
    assert walk.contributions[0][0].formula == local


def evaluated(formula: str, names: Mapping[str, float]) -> float:
    """What a formula of the walk comes to, read as Python."""
    for sign, python in {"·": "*", "^": "**", "−": "-", ", else": " else", "≤": "<=", "≥": ">=", " = ": " == "}.items():
        formula = formula.replace(sign, python)
    functions = {name: getattr(floats, name) for name in (*PRIMITIVES, *RULES)}
    return float(eval(formula, {"max": max, "min": min, **functions, **names}))


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("negative", [False, True])
def test_every_formula_of_the_table_says_what_its_number_is(name: str, negative: bool) -> None:
    line = RULES[name]
    inside = zip(line.domain, (0.6, 0.7, 0.55), "abc", strict=False)
    data = [low * at if negative and low < 0 else max(low, 0) * (1 - at) + high * at for (low, high), at, _ in inside]
    leaves = [Value(x, label=label) for x, label in zip(data, "abc", strict=False)]
    walk = trace(line(*([x] if k < line.vectors else x for k, x in enumerate(leaves))))
    names = {node.shown: node.data for node in walk.nodes}
    assert evaluated(walk.root.formula, names) == pytest.approx(walk.root.data)
    assert evaluated(walk.root.numbers, {}) == pytest.approx(walk.root.data, rel=1e-2)
    for c in walk.steps[-1].contributions:
        assert evaluated(c.formula, names) == pytest.approx(c.local, rel=1e-3)


@given(graphs())
def test_every_formula_says_what_its_number_is(root: Value) -> None:
    walk = trace(root)
    names = {node.shown: np.float64(node.data) for node in walk.nodes}
    for node in walk.nodes:
        if node.op:
            assert evaluated(node.formula, names) == pytest.approx(node.data, rel=1e-9, abs=1e-12, nan_ok=True)
    for step in walk.steps:
        for c in step.contributions:
            assert evaluated(c.formula, names) == pytest.approx(c.local, rel=1e-9, abs=1e-12, nan_ok=True)


def test_a_rule_of_one_s_own_that_symbols_cannot_read() -> None:
    odd = rule("odd", lambda xp, x, y, z: math.sin(x) + y + z, lambda xp, o, x, y, z: math.cos(x), None, None)
    try:
        walk = trace(odd(Value(1.0, label="x"), 2.0, 3.0))
    finally:
        del RULES["odd"]
    assert walk.root.formula == "odd(x, 2, 3)"
    assert (walk.contributions[0][0].formula, walk.contributions[0][0].local) == ("", math.cos(1.0))


def test_a_vector_rule_of_one_s_own() -> None:
    norm = rule("norm", lambda xp, x: xp.sqrt(xp.dot(x, x)), lambda xp, y, x: x / y, vectors=1)
    try:
        walk = trace(norm([Value(3.0, label="a"), Value(4.0, label="b")]))
    finally:
        del RULES["norm"]
    assert walk.root.formula == "sqrt(a·a+b·b)"
    assert [c.local for c in walk.steps[-1].contributions] == [0.6, 0.8]


# ---- names ----------------------------------------------------------------------------------------------
def test_names_come_from_labels_then_names_then_numbers() -> None:
    a, b = Value(2.0, label="a"), Value(3.0)
    h = a * b
    walk = trace(h * a, names={"b": b, "h": h, "unrelated": 3})
    assert [n.shown for n in walk.nodes] == ["a", "b", "h", "L"]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["w[0]", "x₁", "θ"], ["w[0]", "x₁", "θ"]),
        (["x", "x", "y"], ["x", "x_2", "y"]),
        (["learning rate", "a·b", "<script>"], ["learning_rate", "a_b", "script"]),
        (["max", "exp", "if"], ["max", "exp", "if"]),
        (["a b", "a_b", ""], ["a_b", "a_b_2", "v3"]),
        (["L", "\x1b[31mred", "a" * 99], ["L", "_31mred", "a" * 60]),
    ],
)
def test_what_stands_in_a_formula_is_one_word_and_unique(labels: list[str], shown: list[str]) -> None:
    a, b, c = (Value(1.0, label=label) for label in labels)
    walk = trace((a + b) * c)
    assert [walk.nodes[i].shown for i in (0, 1, 3)] == shown
    assert len({n.shown for n in walk.nodes}) == len(walk.nodes)
    assert [walk.nodes[i].label for i in (0, 1, 3)] == labels


# ---- the graph is only read -----------------------------------------------------------------------------
def test_the_graph_is_left_alone() -> None:
    root = example()
    root.backward()
    nodes = topological_order(root)

    def everything() -> list[Any]:
        return [(n.data, n.grad, n.label, n.op, n.parents, n.local_grads, dict(vars(n))) for n in nodes]

    before = everything()
    str(viz.step(root, names={"q": nodes[0]}))
    viz.explain(nodes[2], root)
    str(viz.why_order(root))
    str(viz.check(root))
    assert all(x == y for x, y in zip(before, everything(), strict=True))


def test_no_gradient_appears_where_there_was_none() -> None:
    root = example()
    trace(root)
    assert [n.grad for n in topological_order(root)] == [None] * 5


def test_the_numbers_are_those_of_the_leaves_now() -> None:
    root = example()
    topological_order(root)[0].data = 1.0
    walk = trace(root)
    assert (walk.root.data, walk.nodes[0].grad) == (12.0, 3.0 * 7)
    assert root.data == 42.0


def test_a_walk_does_not_follow_later_changes() -> None:
    root = example()
    walk = trace(root)
    topological_order(root)[0].data = 100.0
    assert walk.root.data == 42.0


@pytest.mark.parametrize("root", [3.0, None, "L", [Value(1.0)]])
def test_what_is_not_a_graph(root: Any) -> None:
    with pytest.raises(TypeError, match="expected the Value at the end of a computation, got"):
        trace(root)


# ---- JSON -----------------------------------------------------------------------------------------------
def same(a: Any, b: Any) -> bool:
    return repr(a) == repr(b)  # a nan is itself here


@given(graphs())
@settings(max_examples=30)
def test_json_round_trip(root: Value) -> None:
    walk = trace(root)
    text = walk.to_json()
    read = Trace.from_json(text)
    assert read.nodes == walk.nodes
    assert read.steps == walk.steps
    assert read.to_json() == text


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308])
def test_json_keeps_every_number(x: float) -> None:
    a = Value(x, label="a")
    walk = trace(dot([a, a], [x, 2.0], 1.0) * x)
    text = walk.to_json()

    def reject(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    json.loads(text, parse_constant=reject)
    read = Trace.from_json(text)
    assert same(read.nodes, walk.nodes)
    assert same(read.steps, walk.steps)


def test_json_is_versioned_and_may_stand_in_a_script() -> None:
    a = Value(1.0, label="</script><b>")
    text = trace(a + 1).to_json()
    found = json.loads(text)
    assert (found["version"], set(found)) == (1, {"version", "nodes", "steps"})
    assert found["nodes"][1]["inputs"] == [{"node": 0}, 1.0]
    assert "<" not in text
    assert Trace.from_json(text).nodes[0].label == "</script><b>"


@pytest.mark.parametrize("text", ['{"version": 2}', "{}", "[]", "3", "nonsense"])
def test_json_of_something_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"version 1, got|Expecting value"):
        Trace.from_json(text)


# ---- size -----------------------------------------------------------------------------------------------
def test_a_chain_of_30_000_nodes() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(30_000):
        y = y + 1.0
    walk = trace(y)
    assert (len(walk.nodes), len(walk.steps)) == (30_001, 60_001)
    assert (walk.root.data, walk.nodes[0].grad) == (30_001.0, 1.0)
    state = walk.state(45_001)
    assert sum(known.ready for known in state) == 15_001
    assert repr(walk) == "<walk of L: 30001 nodes, 60001 steps>"


def test_a_wide_vector_takes_linear_time() -> None:
    xs = [Value(1.0) for _ in range(10_000)]
    begun = perf_counter()
    walk = trace(dot(xs, xs))
    assert perf_counter() - begun < 10  # a second; in quadratic time it would be half a minute
    assert len(walk.steps[-1].contributions) == 20_000
    assert [c.use for c in walk.contributions[0]] == [1, 2]


def test_json_that_is_no_walk_is_refused() -> None:
    with pytest.raises(ValueError, match="not the JSON of a walk"):
        Trace.from_json('{"version": 1}')
