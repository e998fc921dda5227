"""Gradients against what no sweep has computed, and the sweep against what other orders give."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import viz
from microgradx.creation import tensor
from microgradx.dot import dot
from microgradx.dtypes import float64
from microgradx.nn import MLP
from microgradx.parse import parse
from microgradx.rules import RULES, rule
from microgradx.value import Value

from .table import example


def leaf(x: float, label: str = "x") -> Value:
    return Value(x, label=label)


# ---- check ----------------------------------------------------------------------------------------------
def test_the_table() -> None:
    assert str(viz.check(example()["L"])).splitlines() == [
        "leaf  data  dL/dleaf  finite difference  complex step    error  verdict",
        "a        2        39                 39            39  2.3e-11  agrees",
        "b        3        26                 26            26        0  agrees",
    ]


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_of_the_table_agrees(name: str) -> None:
    line = RULES[name]
    inside = zip(line.domain, (0.6, 0.7, 0.55), "xyz", strict=False)
    leaves = [leaf(low + (high - low) * at, x) for (low, high), at, x in inside]
    found = viz.check(line(*([x] if k < line.vectors else x for k, x in enumerate(leaves))) * 1.5)
    assert [x.verdict for x in found.leaves] == ["agrees"] * len(found.leaves)
    assert all(x.error is not None and x.error < 1e-8 for x in found.leaves)


@pytest.mark.parametrize(
    ("x", "f"),
    [
        (1e-8, lambda x: x.log()), (1e-8, lambda x: x + 1), (1e-300, lambda x: x.log()), (1e6, lambda x: x.sin()),
        (1e6, lambda x: x * x), (3.0, lambda x: (50 * x).exp()), (3.0, lambda x: (100 * x).sin()),
        (0.0, lambda x: x * 0), (0.0, lambda x: x - x), (0.0, lambda x: x * x), (0.0, lambda x: x.abs() ** 1.5),
        (1.0, lambda x: (x * 1e8 + 1) - x * 1e8), (1.0, lambda x: dot([x, x], [x, x], x)),
        (2.0, lambda x: x), (-0.7, lambda x: x.tanh().relu() + x),
    ],
)  # fmt: skip
def test_scales_of_every_size_agree(x: float, f: Any) -> None:
    (found,) = viz.check(f(leaf(x))).leaves
    assert found.verdict == "agrees", found


@pytest.mark.parametrize(
    ("x", "f", "slopes"),
    [
        (0.0, lambda x: x.relu(), (0, 1)), (0.0, lambda x: x.abs(), (-1, 1)), (0.0, lambda x: x.relu() + 1e6, (0, 1)),
        (1.0, lambda x: x.maximum(1.0), (0, 1)), (2.0, lambda x: (3 * x - 6).leaky_relu(0.5), (1.5, 3)),
        (0.0, lambda x: x.maximum(-x), (-1, 1)),
    ],
)  # fmt: skip
def test_a_kink_is_recognised(x: float, f: Any, slopes: tuple[float, float]) -> None:
    check = viz.check(f(leaf(x)))
    (found,) = check.leaves
    assert (found.verdict, found.complex_step) == ("kink", None)
    assert found.kink == pytest.approx(slopes, abs=1e-3)
    assert "kink: slopes" in str(check)
    assert check.ok


@pytest.mark.parametrize(
    ("point", "verdicts"),
    [
        ((0.0, 0.0), [(-math.pi / 2, 0.0, math.pi / 2), (math.pi, 0.0, 0.0)]),
        ((0.0, -1.0), [(-math.pi, math.pi, math.pi), None]),
        ((-1e-9, -1.0), [None, None]),  # beside the cut, not on it
        ((1.0, -1.0), [None, None]),
    ],
)
def test_a_jump_is_no_gradient(point: tuple[float, float], verdicts: list[tuple[float, ...] | None]) -> None:
    check = viz.check(leaf(point[0], "a").atan2(leaf(point[1], "b")))
    assert [x.jump for x in check.leaves] == [jump and pytest.approx(jump) for jump in verdicts]
    for x in check.leaves:
        assert x.verdict == ("jump" if x.jump else "agrees")
        assert not x.jump or (x.difference, x.complex_step) == (None, None)
    assert check.ok


@pytest.mark.parametrize(
    ("x", "f"),
    [
        (1.5707963, lambda x: x.tan()), (1.57079632679, lambda x: x.tan()), (math.pi / 2, lambda x: x.tan()),
        (0.0, lambda x: (1e12 * x).sigmoid()), (1.0, lambda x: (1e12 * (x - 1)).sigmoid()),
        (1e-12, lambda x: 1 / x), (1e-8, lambda x: (1 / x).sin()),
    ],
)  # fmt: skip
def test_what_is_steep_is_no_jump(x: float, f: Any) -> None:
    (found,) = viz.check(f(leaf(x))).leaves
    assert (found.verdict, found.jump) == ("agrees", None), found


SIZES = [0.0, -0.0, 5e-324, 1e-320, 1e-300, 1e-8, 1.0, -1.0, 1e8, 1e300, 1.7976931348623157e308, -1e308]
SMOOTH_OR_NOT = """
    x; x*x; 1/x; x**3; x**0.5; 2**x; exp(x); log(x); tanh(x); sigmoid(x); relu(x); abs(x); atan2(x, 1); hypot(x, 2*x);
    gelu(x); sin(x); softplus(x); x - x; max(x, 1); silu(x); elu(x); erf(x); tan(x); log1p(x); expm1(x); sqrt(x);
    asin(x)
""".strip().split(";")


@pytest.mark.parametrize("expression", SMOOTH_OR_NOT)
def test_numbers_of_every_size_are_not_called_wrong(expression: str) -> None:
    for x in SIZES:
        if (expression.strip(), abs(x)) != ("hypot(x, 2*x)", 5e-324):  # where 2.236 of them are 2
            (found,) = viz.check(parse(expression, {"x": x})).leaves
            assert found.verdict not in ("differs", "jump"), (x, found)


def test_jumps_and_slopes_of_tensors() -> None:
    a, b = (tensor(x, requires_grad=True, dtype=float64) for x in ([0.0, 1.0], [-1.0, -1.0]))
    cut = viz.check(a.atan2(b).sum(), names={"a": a, "b": b})
    assert [x.verdict for x in cut.leaves] == ["jump", "agrees"]
    assert cut.leaves[0].jump == pytest.approx((-math.pi / 4, 7 * math.pi / 4, 7 * math.pi / 4))
    (steep,) = viz.check((1e12 * (a[:1])).sigmoid().sum()).leaves
    assert (steep.verdict, steep.jump) == ("unclear", None)  # no step that is tried is small enough


def test_conditions_may_be_asked_anew() -> None:
    def f(x: Any) -> Any:
        return 3 * x if x > 0 else x

    x = leaf(0.0)
    (found,) = viz.check(f(x), again=lambda numbers: float(f(numbers["x"]))).leaves
    assert (found.verdict, found.kink) == ("kink", pytest.approx((1, 3)))


@pytest.mark.parametrize("f", [lambda x: x.sqrt(), lambda x: x.log(), lambda x: 1 / x, lambda x: (x * x).sqrt()])
def test_where_there_is_no_gradient(f: Any) -> None:
    (found,) = viz.check(f(leaf(0.0))).leaves
    assert found.verdict == "not finite"


def test_a_nan_is_not_finite() -> None:
    check = viz.check(leaf(math.nan).exp())
    assert [(x.verdict, x.difference, x.complex_step) for x in check.leaves] == [("not finite", None, None)]
    assert "—" in str(check)


@pytest.mark.parametrize("factor", [2.0, 3.001, -3.0, math.nan])
def test_a_wrong_derivative_is_found(factor: float) -> None:
    wrong = rule("wrong", lambda xp, x: x * x * x, lambda xp, y, x: factor * x * x)
    try:
        check = viz.check(wrong(leaf(1.5)) * leaf(2.0, "y"))
    finally:
        del RULES["wrong"]
    assert [x.verdict for x in check.leaves] == ["differs", "agrees"]
    assert not check.ok


def test_a_wrong_derivative_beside_a_kink_is_found() -> None:
    wrong = rule("wrong", lambda xp, x: xp.abs(x), lambda xp, y, x: 2 + 0 * x)
    try:
        (found,) = viz.check(wrong(leaf(0.0))).leaves
    finally:
        del RULES["wrong"]
    assert found.verdict == "differs"


def test_a_rule_that_takes_one_real_number_at_a_time() -> None:
    def value(xp: Any, x: Any, y: Any, z: Any) -> Any:
        return math.sin(x) * y * z

    real = rule("real", value, lambda xp, o, x, y, z: math.cos(x) * y * z, lambda xp, o, x, y, z: math.sin(x) * z, None)
    try:
        check = viz.check(real(leaf(1.5), leaf(2.0, "y"), 3.0))
    finally:
        del RULES["real"]
    assert [(x.verdict, x.complex_step is None) for x in check.leaves] == [("agrees", True), ("agrees", False)]


def test_a_network() -> None:
    net = MLP(2, [8, 8, 1], activation="tanh")
    check = viz.check(net([leaf(0.5), leaf(-0.25, "y")]))
    assert check.ok
    assert {x.verdict for x in check.leaves} == {"agrees"}


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=2))
def test_smooth_functions_agree(xs: list[float]) -> None:
    a, b = (leaf(x, name) for x, name in zip(xs, "ab", strict=True))
    h = (a * b + 0.3).tanh() * a - b.exp()
    assert {x.verdict for x in viz.check(h * h + h.sin()).leaves} == {"agrees"}


@pytest.mark.parametrize("eps", [1e-6, 1e-4, 0.1])
def test_the_largest_step_may_be_chosen(eps: float) -> None:
    assert viz.check(example()["L"], eps=eps).ok


@pytest.mark.parametrize("eps", [0.0, -1.0, math.nan])
def test_a_step_that_is_none(eps: float) -> None:
    with pytest.raises(ValueError, match="must be above 0, got"):
        viz.check(example()["L"], eps=eps)


# ---- why this order -------------------------------------------------------------------------------------
def test_the_orders_on_the_example() -> None:
    named = example()
    why = viz.why_order(named["L"], names=named)
    a = why.leaves[0]
    assert {order.name: order.grads[a] for order in why.orders if order.grads} == {
        "reverse topological": 39.0,
        "recurse into every input": 60.0,
        "visit-once depth-first": 21.0,
        "breadth-first": 21.0,
        "post-order": 0.0,
    }
    assert why.differences[a] == pytest.approx(39.0, rel=1e-9)
    assert [order.remark for order in why.orders] == [
        "every node waits until all of its uses have reported",
        "h passed on 7 before its second use reported; h passed on 2 times, so parts count twice",
        "h passed on 7 before its second use reported",
        "h passed on 7 before its second use reported",
        "h passed on 0 before anything arrived",
    ]


def test_on_a_chain_only_the_forward_order_is_wrong() -> None:
    why = viz.why_order(leaf(0.5).tanh().exp())
    grads = {order.name: (order.grads or ())[0] for order in why.orders}
    assert {name for name, g in grads.items() if g != grads["reverse topological"]} == {"post-order"}
    assert why.orders[1].remark == "right on this graph: no node passed on too early"


def test_a_square_counts_twice_when_its_input_is_entered_for_every_use() -> None:
    a = leaf(2.0, "a")
    h = a * 1
    h.label = "h"
    grads = {order.name: (order.grads or ())[0] for order in viz.why_order(h * h).orders}
    assert grads["recurse into every input"] == 8.0
    assert grads["visit-once depth-first"] == grads["reverse topological"] == 4.0


def test_the_order_of_the_inputs_decides_what_the_wrong_orders_give() -> None:
    def depth_first(flip: bool) -> float:
        a = leaf(2.0, "a")
        h = a * 3
        p = h + 1
        return (viz.why_order(p * h if flip else h * p).orders[2].grads or ())[0]

    assert depth_first(True) == 3 * (7 + 6)
    assert depth_first(False) == 3 * 7


def test_the_recursion_is_bounded() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y + y
    why = viz.why_order(y)
    assert why.orders[1].grads is None
    assert "recurse into every input: more than 100,000 visits" in str(why)
    assert str(why).splitlines()[2].split() == ["recurse", "into", "every", "input", "—"]


def test_the_leaves_that_differ_most_come_first() -> None:
    a, b, c = leaf(2.0, "a"), leaf(3.0, "b"), leaf(4.0, "c")
    h = b * c
    why = viz.why_order(a * 5 + h * (h + 1))
    assert [why.walk.nodes[i].shown for i in why.leaves] == ["b", "c", "a"]


def test_more_leaves_than_fit() -> None:
    total = sum((leaf(float(k), f"x{k}") * 2 for k in range(9)), Value(0.0))
    lines = str(viz.why_order(total)).splitlines()
    assert lines[0].split() == ["order", "dL/dv0", "dL/dx0", "dL/dx1", "dL/dx2"]
    assert lines[7] == "… and 6 more leaves"


def test_the_same_text_every_time() -> None:
    def once() -> str:
        named = example()
        return str(viz.why_order(named["L"], named)) + str(viz.check(named["L"]))

    assert once() == once()


def test_in_a_notebook_and_at_the_prompt() -> None:
    why = viz.why_order(example()["L"])
    assert why._repr_mimebundle_() == {"text/plain": str(why)}
    assert repr(why) == str(why)


def test_outside_the_domain_nothing_is_called_different() -> None:
    assert [x.verdict for x in viz.check(leaf(-1.0).log()).leaves] == ["not finite"]


@pytest.mark.parametrize("root", [(leaf(2.0) * 1e8).sin(), (leaf(1e6) * 1e3).sin()])
def test_a_function_too_quick_for_the_steps_is_left_to_the_complex_step(root: Value) -> None:
    (checked,) = viz.check(root).leaves
    assert (checked.verdict, checked.difference, checked.kink) == ("agrees", None, None)
