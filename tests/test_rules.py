"""Every rule of the table, in every world: values, derivatives of three orders, kinks and edges."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradx import symbols, worlds
from microgradx.rules import RULES, Rule, rule
from microgradx.testing import check_grad
from microgradx.transforms import grad
from microgradx.value import Value

from .table import EDGES, EPS, TEXTBOOK, apply, exact, flat, nodes, perturbed, points, same, unit

each_rule = pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
each_scalar = pytest.mark.parametrize("rule", [r for r in RULES.values() if not r.vectors], ids=lambda r: r.name)


def close(got: float, want: Any, ulps: float = 4, size: float = 0.0) -> bool:
    """size: what an error is relative to where terms that are larger than their sum cancel."""
    return bool(abs(got - want) <= ulps * EPS * max(abs(want), size) + 5e-324)


def differentiable(rule: Rule, xs: list[Any]) -> list[int]:
    """The positions, among the flat inputs, that have a derivative."""
    slots = flat([[s] * len(x) if isinstance(x, list) else s for s, x in enumerate(xs)])
    return [i for i, s in enumerate(slots) if rule.partials[int(s)] is not None]


def table_partials(rule: Rule, xs: list[Any]) -> list[Any]:
    return flat(
        [p.tolist() if isinstance(p := worlds.partial(rule, s, *xs), np.ndarray) else p for s in range(len(xs))]
    )


# Values and derivatives of scalar rules are test_accuracy's; a sum of products has no relative error to be measured
@pytest.mark.parametrize("rule", [r for r in RULES.values() if r.vectors], ids=lambda r: r.name)
def test_values_and_partials_of_vectors(rule: Rule) -> None:
    for xs in points(rule):
        inputs = nodes(xs)
        y = apply(rule, *inputs)
        gradients = grad(y, flat(inputs))
        for got in (worlds.run(rule, *xs), y.data):
            assert type(got) is float
            assert close(got, exact(rule, xs), size=20.0), (xs, got)
        for i in differentiable(rule, xs):
            want = exact(rule, xs, unit(len(flat(xs)), i))
            assert close(table_partials(rule, xs)[i], want, 8), (xs, i)
            assert close(gradients[i].data, want, 8), (xs, i)


@each_rule
def test_the_complex_step_of_a_rule_is_its_derivative(rule: Rule) -> None:
    for xs in points(rule):
        for i in differentiable(rule, xs):
            step = rule.value(worlds.complexes, *perturbed(xs, i)).imag / 1e-30
            assert step == pytest.approx(float(exact(rule, xs, unit(len(flat(xs)), i))), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", ["erf", "erfc", "gelu"])
def test_the_complex_step_is_exact_in_the_tails(name: str) -> None:
    for x in (-6.0, -5.0, -4.0, -3.0, 2.125, 3.0, 4.0, 5.0, 6.0):
        step = RULES[name].value(worlds.complexes, worlds.Complex(x, 1e-30)).imag / 1e-30
        assert step == pytest.approx(float(exact(RULES[name], [x], [1])), rel=1e-12), x


@each_rule
def test_partials_are_slopes(rule: Rule) -> None:
    """The one check that shares nothing with the others but the value on floats."""

    def value(*xs: Any) -> Any:
        return np.array(worlds.run(rule, *(x.tolist() for x in xs)))

    def vjp(xs: Any, g: Any) -> list[Any]:
        found = [worlds.partial(rule, slot, *(x.tolist() for x in xs)) for slot in range(len(xs))]
        return [None if p is None else g * p for p in found]

    for xs in points(rule, 4):
        given = [np.array(x, float if p else int) for x, p in zip(xs, rule.partials, strict=True)]
        check_grad(value, *given, vjp=vjp, method="ladder", resolution=1e-6)


# Higher orders stay with mpmath: check_grad knows the second to fewer digits, and no third
@each_rule
def test_second_derivatives(rule: Rule) -> None:
    for xs in points(rule, 5):
        inputs = nodes(xs)
        firsts = grad(apply(rule, *inputs), flat(inputs), create_graph=True)
        for i in differentiable(rule, xs):
            seconds = grad(firsts[i], flat(inputs))
            for j in differentiable(rule, xs):
                want = float(exact(rule, xs, unit(len(flat(xs)), i, j)))
                assert seconds[j].data == pytest.approx(want, rel=1e-11, abs=1e-12), (xs, i, j)
                if not rule.vectors and rule.partials[i]:
                    step = perturbed(xs, j)
                    traced = rule.partials[i](worlds.complexes, rule.value(worlds.complexes, *step), *step)
                    assert complex(traced).imag / 1e-30 == pytest.approx(want, rel=1e-11, abs=1e-12)


@each_scalar
def test_third_derivatives(rule: Rule) -> None:
    for xs in points(rule, 3):
        for i in differentiable(rule, xs):
            inputs = nodes(xs)
            d = apply(rule, *inputs)
            for _ in range(3):
                d = grad(d, inputs[i], create_graph=True)
            assert d.data == pytest.approx(
                float(exact(rule, xs, [3 * k for k in unit(len(xs), i)])), rel=1e-9, abs=1e-10
            )


@each_scalar
def test_specialised_function_agrees_with_the_table(rule: Rule) -> None:
    formulas = [symbols.value(rule), *(symbols.partial(rule, s) for s in range(len(rule.inputs)))]
    approximate = re.search(r"(?!(abs|max|min|sqrt)\b)\b[a-z]\w*\(|\*\*", " ".join(map(str, formulas)))
    for xs in points(rule, 60):
        node, y = apply(rule, *nodes(xs)), worlds.run(rule, *xs)
        got = [node.data, *node.local_grads]
        want = [y, *(p for s in range(len(xs)) if (p := worlds.partial(rule, s, *xs, y=node.data)) is not None)]
        if approximate:  # the math module's exp is not NumPy's
            assert all(close(a, b, 8) for a, b in zip(got, want, strict=True)), (xs, got, want)
        else:
            assert got == want


@each_scalar
def test_reflected_and_constant_operands_agree_with_nodes(rule: Rule) -> None:
    if len(rule.inputs) != 2:
        return
    for a, b in points(rule, 6):
        both, left, right = apply(rule, Value(a), Value(b)), apply(rule, Value(a), b), apply(rule, a, Value(b))
        assert both.data == pytest.approx(left.data, rel=4 * EPS) == pytest.approx(right.data, rel=4 * EPS)
        assert left.local_grads + right.local_grads == pytest.approx(both.local_grads, rel=8 * EPS)
        assert (len(left.parents), len(right.parents)) == (1, 1)


@each_scalar
def test_edges(rule: Rule) -> None:
    """Nodes give what arrays give: never an exception, a complex number, or another inf, nan or sign."""
    for xs in (
        itertools.product(EDGES, repeat=len(rule.inputs))
        if len(rule.inputs) < 3
        else itertools.product((0.0, 1.0), EDGES, EDGES)
    ):
        node, columns = apply(rule, *map(Value, xs)), [np.array([x]) for x in xs]
        with np.errstate(all="ignore"):
            y = np.broadcast_to(rule.value(worlds.arrays, *columns), (1,))
            partials = [p and np.broadcast_to(p(worlds.arrays, y, *columns), (1,)) for p in rule.partials]
        assert type(node.data) is float
        if ("imum" not in rule.name and rule.name != "relu") or any(xs):  # which of two zeros is larger is not defined
            assert same(node.data, float(y[0])), (xs, node.data, y)
        for slot, _, local in node.slots:
            assert type(local) is float
            assert same(local, float(partials[slot][0]), 1e-11), (xs, slot, local, partials[slot])


NUMPY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power}


@each_scalar
def test_edges_are_numpys(rule: Rule) -> None:
    theirs = NUMPY.get(rule.name) or getattr(np, rule.name, None)
    if rule.name == "where" or theirs is None:
        return
    for xs in itertools.product(EDGES, repeat=len(rule.inputs)):
        with np.errstate(all="ignore"):
            want = float(theirs(*map(np.float64, xs)))
        assert same(apply(rule, *map(Value, xs)).data, want) or not any(xs), (xs, want)


#: Values and partials that subtract what is nearly equal; their error is relative to 1, not to themselves
CANCELS = {"tanh", "silu", "gelu", "gelu_tanh", "acos"}


@each_scalar
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_agree_with_floats(rule: Rule, dtype: Any) -> None:
    columns = [np.array(c, dtype).reshape(3, 4) for c in zip(*points(rule), strict=True)]
    y = rule.value(worlds.arrays, *columns)
    assert y.shape == (3, 4)
    assert y.dtype == dtype
    for slot, p in enumerate((None, *rule.partials)):
        if slot and p is None:
            continue
        got = np.broadcast_to(y if p is None else p(worlds.arrays, y, *columns), (3, 4)).ravel()
        for i, xs in enumerate(zip(*(c.ravel().tolist() for c in columns), strict=True)):
            want = worlds.run(rule, *xs) if p is None else worlds.partial(rule, slot - 1, *xs)
            size = 1.0 if rule.name in CANCELS else 0.1 if dtype == np.float32 else 0.0
            assert close(got[i], want, 80 * np.finfo(dtype).eps / EPS, size), xs


# ---- conventions -----------------------------------------------------------------------------------------
CONVENTIONS = [
    ("relu", (0.0,), (0.0,)), ("relu", (-0.0,), (0.0,)), ("abs", (0.0,), (0.0,)), ("leaky_relu", (0.0, 0.1),
    (0.1, 0.0)),
    ("elu", (0.0, 1.0), (1.0, 0.0)), ("maximum", (2.0, 2.0), (0.5, 0.5)), ("minimum", (2.0, 2.0), (0.5, 0.5)),
    ("maximum", (1.0, 2.0), (0.0, 1.0)), ("minimum", (1.0, 2.0), (1.0, 0.0)), ("where", (0.0, 1.0, 2.0),
    (None, 0.0, 1.0)),
    ("pow", (0.0, 0.0), (0.0, 0.0)), ("pow", (0.0, 2.0), (0.0, 0.0)), ("pow", (0.0, 1.0), (1.0, 0.0)),
    ("pow", (-2.0, 3.0), (12.0, math.nan)), ("pow", (0.0, 0.5), (math.inf, 0.0)), ("pow", (0.0, -1.0),
    (-math.inf, -math.inf)),
    ("sqrt", (0.0,), (math.inf,)), ("log", (0.0,), (math.inf,)), ("asin", (1.0,), (math.inf,)), ("acos", (1.0,),
    (-math.inf,)),
    ("exp", (1000.0,), (math.inf,)), ("sigmoid", (1000.0,), (0.0,)), ("sigmoid", (-1000.0,), (0.0,)), ("hypot",
    (3.0, 4.0), (0.6, 0.8)),
    ("softplus", (1000.0,), (1.0,)), ("softplus", (-1000.0,), (0.0,)), ("atan2", (1e300, 1e300), (5e-301, -5e-301)),
    ("hypot", (0.0, 0.0), (math.nan, math.nan)), ("atan2", (0.0, 0.0), (0.0, 0.0)), ("atan2", (0.0, -1.0), (-1.0, 0.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "xs", "want"), CONVENTIONS, ids=lambda x: str(x))
def test_conventions_at_the_edges_hold_in_every_world(name: str, xs: tuple[float, ...], want: tuple[Any, ...]) -> None:
    made, columns = RULES[name], [np.array([x]) for x in xs]
    locals_ = {slot: d for slot, _, d in apply(made, *map(Value, xs)).slots}
    with np.errstate(all="ignore"):
        y = made.value(worlds.arrays, *columns)
        for slot, w in enumerate(want):
            if w is not None:
                formula = made.partials[slot]
                assert formula
                traced = formula(worlds.traced, apply(made, *map(Value, xs)), *map(Value, xs))
                array = np.broadcast_to(formula(worlds.arrays, y, *columns), (1,))[0]
                for got in (worlds.partial(name, slot, *xs), locals_[slot], float(array), float(traced)):
                    assert got == pytest.approx(w, rel=1e-14, nan_ok=True)


@given(st.floats(-1e300, 1e300))
def test_a_maximum_of_x_and_x_is_x(x: float) -> None:
    v = Value(x)
    assert [grad(v.maximum(v), v).data, grad(v.minimum(v), v).data, v.maximum(v).data] == [1.0, 1.0, x]


# ---- the table is open, and refuses what is not a rule ---------------------------------------------------
def test_the_table_holds_what_was_asked_for_and_a_textbook_formula_for_each() -> None:
    asked = """add sub mul div neg pow exp expm1 log log1p sqrt square reciprocal abs sin cos tan asin acos atan
        sinh cosh tanh sigmoid softplus relu leaky_relu elu gelu gelu_tanh silu erf maximum minimum where atan2
        hypot dot"""
    assert set(asked.split()) <= set(RULES) == set(TEXTBOOK)


def test_a_new_line_is_a_whole_operation() -> None:
    cube = rule("cube", lambda xp, x: x * x * x, lambda xp, y, x: 3 * x * x)
    x = Value(2.0)
    first = grad(cube(x), x, create_graph=True)
    assert (cube(x).op, first.data, grad(first, x).data, str(symbols.partial("cube", 0))) == (
        "cube",
        12.0,
        12.0,
        "3*x*x",
    )


@pytest.mark.parametrize(("arguments", "message"), [
    (("tanh", lambda xp, x: x, lambda xp, y, x: 1), "there is a rule .tanh. already; choose"),
    (("a b", lambda xp, x: x, lambda xp, y, x: 1), "identifier"),
    (("lambda", lambda xp, x: x, lambda xp, y, x: 1), "identifier that is no keyword"),
    (("new", lambda xp, a, b: a, lambda xp, y, a, b: 1), "2 inputs .* 1 partials"),
    (("new", lambda xp: 1.0), "0 inputs"),
    (("new", lambda xp, x: x, lambda xp, x: 1), r"takes \(xp, y, x\)"),
])  # fmt: skip
def test_what_is_not_a_rule_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    before = dict(RULES)
    with pytest.raises(ValueError, match=message):
        rule(*arguments)
    assert before == RULES


def test_a_rule_needs_a_node() -> None:
    with pytest.raises(TypeError, match=r"needs at least one Value.*got float.*Value\(2\.0\)"):
        RULES["tanh"](1.0)
    with pytest.raises(TypeError, match="takes 1 input, got 2"):
        RULES["tanh"](Value(1.0), 2.0)
    with pytest.raises(TypeError, match="needs at least one Value or Tensor, got str"):
        RULES["tanh"]("x")
    with pytest.raises(TypeError, match=r"^leaky_relu\(x, negative_slope=0.01\): got an unexpected .*'slope'"):
        RULES["leaky_relu"](Value(1.0), slope=2)
