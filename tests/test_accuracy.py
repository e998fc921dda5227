"""Every rule within 4 ulp of mpmath over all floats, tails and edges included, in values and derivatives."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
from microgradx import worlds
from microgradx.rules import RULES, Rule, rule
from microgradx.testing.accuracy import Accuracy, AccuracyReport, check_accuracy, textbook

ULPS = 4.0
#: A sum of vectors' products has terms of both signs, and so no relative error
each_rule = pytest.mark.parametrize("rule", [r for r in RULES.values() if not r.vectors], ids=lambda r: r.name)
each_unary = pytest.mark.parametrize("name", [r.name for r in RULES.values() if len(r.inputs) == 1])


# ---- limits: what the comments of the table say, as more than 4 ulp ------------------------------------------
def underflow(factor: float) -> Callable[[Accuracy], float]:
    """A factor of the result is subnormal, and so a multiple of 2**-1074, and the others multiply that error."""
    return lambda x: factor * 2.0**-1074 / math.ulp(x.wanted)


def cancelling(x: Accuracy) -> float:
    """The terms 1 and x·sigmoid(−x) have opposite signs, and their sum is smaller than they."""
    term = x.at[0] / (1 + math.exp(min(x.at[0], 700)))
    return ULPS * ((1 + abs(term)) / abs(1 + term) - 1)


def root(at: float) -> Callable[[Accuracy], float]:
    """Terms of about ¼ cancel beside a place where the derivative passes through 0."""
    return lambda x: ULPS * math.ulp(0.25) / math.ulp(x.wanted) if abs(x.at[0] - at) < 0.5 else 0.0


def cubic(x: Accuracy) -> float:
    (at,) = x.at
    return 3 * math.sqrt(8 / math.pi) * abs(at + 0.044715 * at**3) if -25 < at < 0 else 0.0


def square(x: Accuracy) -> float:
    return float(2 * x.at[0] ** 2) if -40 < x.at[0] < 0 else 0.0


def exponent(x: Accuracy) -> float:
    a, b = x.at
    size = abs(math.log(abs(a) or 1))
    if abs(b) > 2**53 or (abs(b) < 1 and size * abs(b - 1) > 700):
        return math.inf
    return size * math.ulp(b - 1) * 2**52 if (b - 1) + 1 != b else 0.0


def distance(x: Accuracy) -> float:
    h = math.hypot(*x.at)
    return math.inf if math.isinf(h) else 4 * 2.0**-1022 / h if 0 < h < 2.0**-1022 else 0.0


LIMITS: dict[tuple[str, str], list[Callable[[Accuracy], float]]] = {
    ("pow", "∂/∂a"): [exponent, lambda x: underflow(abs(x.at[1]))(x)],
    ("pow", "∂/∂b"): [underflow(750)],
    **{(name, of): [distance] for name in ("atan2", "hypot") for of in ("∂/∂a", "∂/∂b")},
    ("elu", "∂/∂x"): [lambda x: underflow(abs(x.at[1]))(x)],
    ("gaussian", "∂/∂x"): [underflow(60)],
    ("silu", "value"): [underflow(750)],
    ("silu", "∂/∂x"): [underflow(750), cancelling],
    ("gelu", "value"): [square, underflow(40)],
    ("gelu", "∂/∂x"): [square, underflow(40), root(-0.752)],
    ("gelu_tanh", "value"): [cubic, underflow(40)],
    ("gelu_tanh", "∂/∂x"): [cubic, underflow(6000), root(-0.753)],
}


def allowed(name: str, found: Accuracy) -> float:
    return ULPS + sum(limit(found) for limit in LIMITS.get((name, found.of), ()))


def failures(name: str, points: Iterable[Any], **measured: Any) -> list[Accuracy]:
    """What misses; point by point, for a limit depends on the point."""
    measured = {"op": name, "reference": textbook().get(name, "mpmath"), **measured}
    found = (x for point in points for x in check_accuracy(points=[point], **measured).outputs)
    return [x for x in found if x.ulps > allowed(name, x)]


def on_floats(rule: Rule) -> dict[str, Any]:
    """The table's own lines, run in the world of floats, as `check_accuracy` takes them."""
    inputs = ", ".join(rule.inputs)
    op = eval(f"lambda {inputs}: run(rule, {inputs})", {"run": worlds.run, "rule": rule})
    partials = [lambda *xs, slot=slot: worlds.partial(rule, slot, *xs) for slot in range(len(rule.inputs))]
    return {"op": op, "partials": partials}


# ---- points --------------------------------------------------------------------------------------------------
def magnitudes(count: int) -> list[float]:
    """Both signs of: every size from the subnormal to the largest, the tails, and the neighbourhood of 1."""
    draw = random.Random(count)
    sizes = [draw.uniform(1, 2) * 2.0 ** draw.randint(-1074, 1022) for _ in range(count)]
    tails = [draw.uniform(0, 40) for _ in range(count)] + [draw.uniform(0, 760) for _ in range(count)]
    near_1 = [1 + side * 2.0**-k for k in range(1, 53, 96 // count) for side in (-1, 1)]
    fixed = [0.0, 1.0, 0.5, 5e-324, 1e-310, 2.0**-1022, 1.7e308, 1e154, 1e155]
    fixed += [19.1, 25.0, 40.0, 355.5, 709.7, 710.0, 745.1]
    return [sign * x for x in sizes + tails + near_1 + fixed for sign in (1, -1)]


def inputs(rule: Rule) -> list[Any]:
    if len(rule.inputs) == 1:
        return magnitudes(24)
    draw, among = random.Random(rule.name), magnitudes(32)
    found = [tuple(draw.choice(among) for _ in rule.inputs) for _ in range(150)]
    if rule.name == "pow":  # most of which is over or under at once
        found += [(abs(a), draw.uniform(-700, 700) / (abs(math.log(abs(a) or 2)) or 1)) for a in among]
        found += [(a, float(draw.randint(-6, 6))) for a in among]
    return found


@each_rule
def test_values_and_derivatives_within_4_ulp(rule: Rule) -> None:
    assert failures(rule.name, inputs(rule)) == []


@each_rule
def test_most_points_are_measured(rule: Rule) -> None:
    points = inputs(rule)[::7]
    measured = {x.of: x.points for x in check_accuracy(rule, points).outputs}
    assert set(measured) == {"value"} | {f"∂/∂{n}" for n, p in zip(rule.inputs, rule.partials, strict=True) if p}
    assert min(measured.values()) >= len(points) / 4  # asin takes what is within 1


@each_rule
def test_the_tables_lines_within_4_ulp(rule: Rule) -> None:
    if None not in rule.partials:
        assert failures(rule.name, inputs(rule)[::5], **on_floats(rule)) == []


anywhere = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)  # mpmath knows no -0


@each_unary
@settings(max_examples=40)
@given(x=anywhere | st.floats(-760, 760) | st.floats(-40, 40) | st.floats(-2, 2))
def test_any_float_is_within_4_ulp(name: str, x: float) -> None:
    assert failures(name, [x]) == []


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "hypot", "atan2"])
@settings(max_examples=40)
@given(a=anywhere, b=anywhere)
def test_any_two_floats_are_within_4_ulp(name: str, a: float, b: float) -> None:
    assert failures(name, [(a, b)]) == []


TAILS = [("tanh", 25.0), ("tanh", -372.0), ("sigmoid", 40.0), ("sigmoid", -740.0), ("atan", 1e160), ("erf", 26.0),
         ("erfc", -20.0), ("gaussian", 27.0), ("softplus", -700.0),
         ("log10", 1000.0), ("asin", 1 - 2.0**-53)]  # fmt: skip


@pytest.mark.parametrize(("name", "x"), TAILS)
def test_tails_of_float64_tensors(name: str, x: float) -> None:
    def slope(x: float) -> float:
        leaf = mg.tensor(x, dtype=mg.float64, requires_grad=True)
        getattr(leaf, name)().backward()
        return float(leaf.grad.item())  # type: ignore[union-attr]

    value = lambda x: float(getattr(mg.tensor(x, dtype=mg.float64), name)().item())
    found = check_accuracy(value, [x], textbook()[name], [slope])
    assert found.ulps <= ULPS


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32])
@pytest.mark.parametrize("name", ["erf", "gaussian", "tanh", "gelu_tanh", "atan"])
def test_shorter_dtypes_keep_their_range(name: str, dtype: Any) -> None:
    """No number of a formula is beyond them: the slopes, those of create_graph as well, are float64's to a few ulp."""

    def slopes(kind: Any) -> list[float]:
        x = mg.tensor([-300.0, -2.0, 0.25, 3.0, 300.0], dtype=kind, requires_grad=True)
        first, = mg.autograd.grad(getattr(x, name)().sum(), x)
        traced, = mg.autograd.grad(getattr(x, name)().sum(), x, create_graph=True)
        return [*first.tolist(), *traced.tolist()]

    eps = {mg.float16: 2e-3, mg.float32: 3e-7}[dtype]
    assert slopes(dtype) == pytest.approx(slopes(mg.float64), rel=4 * eps, abs=4 * eps)


def test_logarithms_of_powers_are_exact() -> None:
    for k in range(-1074, 1024):
        assert mg.log2(mg.Value(2.0**k)).data == k
    for k in range(-307, 309):
        assert mg.log10(mg.Value(float(f"1e{k}"))).data == k


def test_second_derivatives_in_the_tails() -> None:
    """create_graph goes through the same lines, and no inf times 0 comes of an exp that overflows."""
    for x in (-800.0, -25.0, 25.0, 800.0):
        v = mg.Value(x)
        first = mg.grad(v.tanh(), v, create_graph=True)
        second = mg.grad(first, v)
        slope = mpmath.sech(x) ** 2
        wanted = [float(slope), float(-2 * mpmath.tanh(x) * slope)]
        assert [first.data, second.data] == pytest.approx(wanted, rel=1e-15, abs=0)


# ---- the measure itself ------------------------------------------------------------------------------------
def test_an_error_is_counted_in_units_of_the_last_place() -> None:
    for x, ulps in itertools.product((1.0, 1.5, 1e300, 3e-310, -7.0), (0, 1, 3, 64)):
        off = lambda x, n=ulps: x + n * math.ulp(x)
        assert check_accuracy(off, [x], lambda x: x, partials=()).ulps == ulps


def test_zero_for_a_number_is_as_far_off_as_its_size() -> None:
    report = check_accuracy(lambda x: 0.0, [1.0, 5e-324, 3e-323], lambda x: x, partials=())
    assert report["value"] == Accuracy("value", 2.0**52, (1.0,), 1.0, 0.0, 3)


@pytest.mark.parametrize(("got", "ulps"), [(math.inf, 0.0), (1.7976931348623157e308, 1.0), (math.nan, math.inf)])
def test_beyond_the_largest_float(got: float, ulps: float) -> None:
    assert check_accuracy(lambda x: got, [700.0], lambda x: mpmath.exp(x) ** 2, partials=()).ulps == ulps


def test_a_number_just_in_range_is_not_far_from_inf() -> None:
    assert check_accuracy(lambda x: math.inf, [1.7976931348623157e308], lambda x: x, partials=()).ulps == 1.0


def test_a_faulty_partial_is_found_where_it_is_worst() -> None:
    points = [0.25, 3.0, 30.0]
    report = check_accuracy(math.sin, points, mpmath.sin, [lambda x: math.cos(x) * (1 + (x == 3.0) * 2.0**-48)])
    assert report.ulps == report["∂/∂x"].ulps == pytest.approx(32, rel=0.1)
    assert (report["∂/∂x"].at, report["∂/∂x"].points, report["value"].ulps < 1) == ((3.0,), 3, True)


def test_an_operation_of_several_inputs_and_a_vector() -> None:
    report = check_accuracy("dot", [([1.0, 2.0], [3.0, 4.0], 0.5)])
    assert [x.of for x in report.outputs] == ["value", *(f"∂/∂{n}" for n in ("w[0]", "w[1]", "x[0]", "x[1]", "b"))]
    assert report.ulps == 0
    assert [x.of for x in check_accuracy("where", [(1.0, 2.0, 3.0)]).outputs] == ["value", "∂/∂a", "∂/∂b"]


def test_a_function_of_values_is_measured_by_the_sweep() -> None:
    report = check_accuracy(lambda x: (x * x).exp(), [1.0, 2.0], lambda x: mpmath.exp(x * x))
    assert 0 < report.ulps < 20
    assert [x.of for x in report.outputs] == ["value", "∂/∂x"]


def test_a_rule_of_ones_own_is_read_from_the_table() -> None:
    swish = rule("swish", lambda xp, x: x * xp.sigmoid(x), lambda xp, y, x: xp.sigmoid(x) * (1 + x * xp.sigmoid(-x)))
    assert check_accuracy(swish, [0.3, 2.0, 30.0]).ulps <= ULPS
    wrong = rule("wrong", lambda xp, x: xp.tanh(x), lambda xp, y, x: 1 - y * y)
    assert check_accuracy("wrong", [25.0])["∂/∂x"].got == 0.0
    assert check_accuracy(wrong, [25.0])["∂/∂x"].ulps > 1e15


def test_kinks_poles_and_what_is_outside_of_the_domain_are_not_measured() -> None:
    of = lambda name, x: [found.of for found in check_accuracy(name, [x]).outputs]
    assert of("relu", 0.0) == of("abs", 0.0) == of("sqrt", 0.0) == ["value"]
    assert of("log", 0.0) == of("log", -1.0) == of("reciprocal", 0.0) == of("asin", 2.0) == []
    assert str(check_accuracy("log", [-1.0])) == "log  ulps  at  wanted  got"
    assert check_accuracy("log", []) == AccuracyReport("log", ())


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sinh is no rule of the table: give its twin in mpmath, as reference=mpmath"):
        check_accuracy(math.sinh, [1.0])
    with pytest.raises(ValueError, match=r"2 inputs at \(1.0, 2.0\), got 1 partials; give one each"):
        check_accuracy(math.pow, [(1.0, 2.0)], mpmath.power, [lambda a, b: a])
    with pytest.raises(KeyError, match="∂/∂z"):
        check_accuracy("exp", [1.0])["∂/∂z"]


def test_what_is_no_rule_and_no_function_of_values_says_so() -> None:
    with pytest.raises(ValueError, match=r"op must be a rule's name, such as .*tanh.*, or a function, got 'tahn'"):
        check_accuracy("tahn", [0.5])
    with pytest.raises(TypeError, match="op must be a rule, its name or a function, got float"):
        check_accuracy(0.5, [0.5])  # type: ignore[arg-type]
    for function in (math.log, lambda x: math.log(x)):  # a Value turns into a float where it is asked to
        with pytest.raises(TypeError, match="got one that gives float; for a function of floats give partials="):
            check_accuracy(function, [0.5], mpmath.log)
    with pytest.raises(TypeError, match="indices must be integers") as caught:
        check_accuracy(lambda x: [1.0][x], [0.5], mpmath.log)
    assert "give partials=[…] too, a function for each input, or [] for its value" in caught.value.__notes__[0]


def test_a_function_of_c_without_a_signature_has_names_all_the_same() -> None:
    report = check_accuracy(math.log, [0.5, 2.0], mpmath.log, partials=[lambda x: 1 / x])
    assert [each.of for each in report.outputs] == ["value", "∂/∂x"]
    assert report.ulps < 1
