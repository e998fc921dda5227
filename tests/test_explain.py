"""The words of the walk, against the texts that a lecturer would write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from microgradx.dot import dot
from microgradx.rules import RULES
from microgradx.value import Value
from viz.explain import Span, Table, cells, explanation, line, plain, words
from viz.trace import trace

from .table import example


def texts(lines: Any) -> list[str]:
    return plain(lines).splitlines()


# ---- explain --------------------------------------------------------------------------------------------
def test_a_node_that_is_used_twice() -> None:
    named = example()
    assert viz.explain(named["h"], named["L"], names=named).splitlines() == [
        "h is used 2 times, so its gradient is a sum with one term per use.",
        "dL/dh = (dL/dL)·∂(h·p)/∂h + (dL/dp)·∂(h+1)/∂h = 1·7 + 6·1 = 13",
        "use 1, in L = h·p: was —, add 7 → 7",
        "use 2, in p = h+1: was 7, add 6 → 13, complete (2/2)",
        "Now h may pass it on: a receives 13 × b = 13 × 3 = 39, b receives 13 × a = 13 × 2 = 26.",
    ]


def test_a_leaf() -> None:
    named = example()
    assert viz.explain(named["a"], named["L"], names=named).splitlines() == [
        "a is used once, so its gradient has one term.",
        "dL/da = (dL/dh)·∂(a·b)/∂a = 13·3 = 39",
        "use 1, in h = a·b: was —, add 39 → 39, complete (1/1)",
        "a is a leaf: the sweep ends here.",
    ]


def test_the_root() -> None:
    named = example()
    assert viz.explain(named["L"], named["L"], names=named).splitlines() == [
        "L is the root, where the sweep starts: dL/dL = 1.",
        "Now L may pass it on: h receives 1 × p = 1 × 7 = 7, p receives 1 × h = 1 × 6 = 6.",
    ]


def test_a_square_has_two_uses() -> None:
    a = Value(-3.0, label="a")
    assert viz.explain(a, a * a).splitlines() == [
        "a is used 2 times, so its gradient is a sum with one term per use.",
        "dL/da = (dL/dL)·∂(a·a)/∂(1st a) + (dL/dL)·∂(a·a)/∂(2nd a) = 1·(−3) + 1·(−3) = −6",
        "use 1, in L = a·a (1st a): was —, add −3 → −3",
        "use 2, in L = a·a (2nd a): was −3, add −3 → −6, complete (2/2)",
        "a is a leaf: the sweep ends here.",
    ]


def test_a_double_has_two_uses() -> None:
    a = Value(3.0, label="a")
    assert viz.explain(a, a + a).splitlines()[1:4] == [
        "dL/da = (dL/dL)·∂(a+a)/∂(1st a) + (dL/dL)·∂(a+a)/∂(2nd a) = 1·1 + 1·1 = 2",
        "use 1, in L = a+a (1st a): was —, add 1 → 1",
        "use 2, in L = a+a (2nd a): was 1, add 1 → 2, complete (2/2)",
    ]


def test_a_call_needs_no_brackets_and_a_long_local_derivative_does() -> None:
    x = Value(0.0, label="x")
    s = x + 0.5
    s.label = "s"
    assert viz.explain(s, s.tanh()).splitlines()[1] == "dL/ds = (dL/dL)·∂tanh(s)/∂s = 1·0.7864 = 0.7864"
    root = s.tanh()
    assert viz.explain(root, root).endswith("Now L may pass it on: s receives 1 × (1−L·L) = 1 × 0.7864 = 0.7864.")


def test_a_neuron_as_one_node() -> None:
    w = [Value(-3.0, label="w1"), Value(1.0, label="w2")]
    x = [Value(2.0, label="x1"), Value(0.0, label="x2")]
    b = Value(6.88, label="b")
    n = dot(w, x, b)
    assert viz.explain(w[0], n.tanh(), names={"n": n}).splitlines() == [
        "w1 is used once, so its gradient has one term.",
        "dL/dw1 = (dL/dn)·∂(w1·x1+w2·x2+b)/∂w1 = 0.501·2 = 1.002",
        "use 1, in n = w1·x1+w2·x2+b: was —, add 1.002 → 1.002, complete (1/1)",
        "w1 is a leaf: the sweep ends here.",
    ]


def test_the_uses_inside_one_vector_are_counted_as_one_reads() -> None:
    x = Value(2.0, label="x")
    lines = viz.explain(x, dot([x, 5.0], [x, x])).splitlines()
    assert [text.split(":")[0] for text in lines[2:5]] == [
        "use 1, in L = x·x+v1·x+0 (1st x)", "use 2, in L = x·x+v1·x+0 (2nd x)", "use 3, in L = x·x+v1·x+0 (3rd x)",
    ]  # fmt: skip


def test_many_uses_are_shortened() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(99):
        y = y + x
    lines = viz.explain(x, y).splitlines()
    assert lines[0] == "x is used 100 times, so its gradient is a sum with one term per use."
    assert len(lines) == 2 + 8 + 1
    assert lines[1].endswith(" + … + (dL/dv1)·∂(x+x)/∂(2nd x) = 1·1 + 1·1 + 1·1 + 1·1 + 1·1 + 1·1 + … + 1·1 = 100")
    assert lines[-2] == "use 100, in v1 = x+x (2nd x): was 99, add 1 → 100, complete (100/100)"


def test_a_root_with_a_label_gives_its_name_to_the_gradients() -> None:
    a = Value(2.0, label="a")
    loss = a * 3
    loss.label = "loss"
    assert "dloss/da = (dloss/dloss)·∂(a·3)/∂a = 1·3 = 3" in viz.explain(a, loss)


@pytest.mark.parametrize("node", [Value(1.0, label="other"), 3.0, None, "h"])
def test_a_node_that_the_root_does_not_need(node: Any) -> None:
    root = example()["L"]
    with pytest.raises(ValueError, match="expected a node that the root was computed from, got"):
        viz.explain(node, root)


def test_an_equal_number_is_another_node() -> None:
    a = Value(2.0, label="a")
    with pytest.raises(ValueError, match="computed from"):
        viz.explain(Value(2.0), a * 2)


# ---- steps ----------------------------------------------------------------------------------------------
def test_every_step_of_the_example() -> None:
    named = example()
    walk = trace(named["L"], named)
    assert [texts(words(walk, step)) for step in walk.steps] == [
        ["h = a·b = 2·3 = 6"],
        ["p = h+1 = 6+1 = 7"],
        ["L = h·p = 6·7 = 42"],
        ["the sweep starts at the root: dL/dL = 1"],
        [
            "L = h·p passes on dL/dL = 1",
            "  h receives (dL/dL)·∂(h·p)/∂h = 1 × p = 1 × 7 = 7",
            "    was —, add 7 → 7, uses reported 1/2",
            "  p receives (dL/dL)·∂(h·p)/∂p = 1 × h = 1 × 6 = 6",
            "    was —, add 6 → 6, complete (1/1)",
        ],
        [
            "p = h+1 passes on dL/dp = 6, complete (1/1)",
            "  h receives (dL/dp)·∂(h+1)/∂h = 6 × 1 = 6",
            "    was 7, add 6 → 13, complete (2/2)",
        ],
        [
            "h = a·b passes on dL/dh = 13, complete (2/2)",
            "  a receives (dL/dh)·∂(a·b)/∂a = 13 × b = 13 × 3 = 39",
            "    was —, add 39 → 39, complete (1/1)",
            "  b receives (dL/dh)·∂(a·b)/∂b = 13 × a = 13 × 2 = 26",
            "    was —, add 26 → 26, complete (1/1)",
        ],
    ]


def test_a_step_with_many_contributions_is_shortened() -> None:
    w = [Value(1.0, label=f"w{k}") for k in range(20)]
    walk = trace(dot(w, [1.0] * 20))
    lines = texts(words(walk, walk.steps[-1], most=4))
    assert len(lines) == 1 + 2 * 2 + 1 + 2
    assert lines[5].strip() == "…"
    assert lines[6].startswith("  w19 receives")


def test_a_choice_by_a_condition_has_nothing_to_pass_on() -> None:
    root = RULES["where"](Value(1.0, label="c"), 2.0, 3.0)
    walk = trace(root)
    assert [texts(words(walk, step))[0] for step in walk.steps] == [
        "L = where(1, 2, 3) = 2",
        "the sweep starts at the root: dL/dL = 1",
        "L = where(1, 2, 3) has no derivative to pass on",
    ]
    assert viz.explain(root, root).endswith("L has no derivative to pass on.")


def test_spans_say_what_they_speak_of() -> None:
    named = example()
    walk = trace(named["L"], named)
    terms = [span for span in explanation(walk, 2)[1] if span.kind == "local"]
    assert terms == [Span("∂(h·p)/∂h", "local", 2, 1), Span("∂(h+1)/∂h", "local", 2, 2)]
    assert words(walk, walk.steps[0])[0][-1] == Span("6", "data", 2)


# ---- tables ---------------------------------------------------------------------------------------------
def test_a_table() -> None:
    table = Table(("node", "data"), (line("a", "39"), line("名前", "−1.5")), "lr")
    assert str(table).splitlines() == ["node  data", "a       39", "名前  −1.5"]


def test_a_narrow_table_gives_up_its_optional_columns() -> None:
    table = Table(("a", "bbbb", "cccc"), (line("1", "2", "3"),), "lll", optional=(1, 2))
    assert ["".join(span.text for span in table.lines(width)[0]) for width in (14, 13, 12, 7, 6, 1)] == [
        "a  bbbb  cccc", "a  bbbb  cccc", "a  cccc", "a  cccc", "a", "a",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.text("ab∂中\u0301", max_size=9), st.text("12", max_size=9)), min_size=1, max_size=5))
@settings(max_examples=50)
def test_all_lines_of_a_table_have_one_width(rows: list[tuple[str, str]]) -> None:
    table = Table(("x", "y"), tuple(line(*row) for row in rows), "lr")
    assert len({cells("".join(span.text for span in each)) for each in table.lines()}) == 1
