"""What the tests know apart from the table: mpmath's values and derivatives, sample points, edges, random graphs."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import mpmath as mp
from hypothesis import strategies as st

import microgradx as mg
from microgradx.nn import Module
from microgradx.program import Program
from microgradx.rules import RULES, Rule
from microgradx.testing.accuracy import textbook
from microgradx.value import Value
from microgradx.worlds import Complex, complexes

EPS = math.ulp(1.0)
EDGES = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -8.0,
    1 / 3,
    40.0,
    -745.2,
    1e308,
    -1e308,
    1e-308,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
)

# ---- mpmath ----------------------------------------------------------------------------------------------
TEXTBOOK = textbook()


def flat(inputs: Sequence[Any]) -> list[float]:
    """The numbers of all inputs one after the other, vectors included."""
    return [e for x in inputs for e in (x if isinstance(x, list) else [x])]


def shaped(numbers: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    """The opposite of `flat`: the numbers as inputs of the form of `like`."""
    left = iter(numbers)
    return [[next(left) for _ in x] if isinstance(x, list) else next(left) for x in like]


def exact(rule: Rule, inputs: Sequence[Any], orders: Sequence[int] = ()) -> Any:
    """The rule at a point to 50 digits, or its derivative of the given order by each of the flat inputs."""
    with mp.workdps(50):
        at = [mp.mpf(x) for x in flat(inputs)]
        f = lambda *xs: TEXTBOOK[rule.name](*shaped(xs, inputs))
        return mp.diff(f, tuple(at), tuple(orders)) if any(orders) else +mp.mpf(f(*at))


def unit(length: int, *slots: int) -> list[int]:
    """The orders of a derivative by each of the slots: unit(3, 0, 2) is [1, 0, 1]."""
    return [slots.count(i) for i in range(length)]


# ---- points ----------------------------------------------------------------------------------------------
def points(rule: Rule, count: int = 12) -> list[list[Any]]:
    """Seeded random inputs from the rule's domain, 1/16 away from its kinks; a vector has three elements."""
    draw = random.Random(rule.name).uniform
    found: list[list[Any]] = []
    while len(found) < count:
        xs = [[draw(*d) for _ in range(3)] if i < rule.vectors else draw(*d) for i, d in enumerate(rule.domain)]
        xs = [x if p else float(x > 0) for x, p in zip(xs, rule.partials, strict=True)]  # a condition is 0 or 1
        if None in rule.partials or all(abs(kink(*xs)) > 1 / 16 for kink in rule.kinks):
            found.append(xs)
    return found


def nodes(inputs: Sequence[Any]) -> list[Any]:
    return [list(map(Value, x)) if isinstance(x, list) else Value(x) for x in inputs]


def apply(rule: Rule, *inputs: Any) -> Value:
    """By the function that users call, which takes the specialised path where there is one."""
    return getattr(mg.functional, rule.name)(*inputs)  # type: ignore[no-any-return]


def perturbed(inputs: Sequence[Any], slot: int, h: float = 1e-30) -> list[Any]:
    """The inputs as complex numbers, the flat one number `slot` with a step of h in the imaginary direction."""
    return shaped([Complex(x, h if i == slot else 0.0) for i, x in enumerate(flat(inputs))], inputs)


def same(a: float, b: float, rel: float = 1e-13) -> bool:
    """Both nan, the same infinity, zeros of the same sign, or close."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b) or a == b == 0:
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return math.isclose(a, b, rel_tol=rel, abs_tol=1e-322)


# ---- networks --------------------------------------------------------------------------------------------
def numbers(out: Any) -> list[float]:
    return [y.data for y in (out if isinstance(out, list) else [out])]


def gradients(model: Module, out: Any, *inputs: Value) -> list[float]:
    """Of a sum in which each output counts differently, by every parameter and the inputs."""
    total = sum(y * (k + 1.0) for k, y in enumerate(out if isinstance(out, list) else [out]))
    return [g.data for g in mg.grad(total, [*model.parameters(), *inputs])]  # type: ignore[call-overload]


# ---- random graphs ---------------------------------------------------------------------------------------
def _within(x: Value, low: float, high: float) -> Value:
    """x as it is when it is inside, else squashed into the interval by nodes of its own."""
    return x if low <= x.data <= high else x / x.hypot(1.0) * ((high - low) / 2) + (high + low) / 2


def _applied(rule: Rule, a: Value, b: Value) -> Value:
    if rule.vectors:
        return apply(rule, [a, b, 0.5], [b, a, a], b)
    inputs: list[Any] = [_within(x, *d) for x, d in zip((a, b, a), rule.domain, strict=False)]
    if any(abs(kink(*(x.data for x in inputs))) < 1 / 16 for kink in rule.kinks) and (len(inputs) < 2 or a is not b):
        inputs[0] = inputs[0] + 1  # off the kink; maximum(x, x) stays, for it has none
    return apply(rule, *(x if rule.partials[i] else x.data > 0 for i, x in enumerate(inputs)))


@st.composite
def graphs(draw: st.DrawFn, max_size: int = 12) -> Value:
    """The root of a graph of any rules, with nodes used again and operands repeated; any draw is a valid graph."""
    eighths = st.integers(-32, 16).map(lambda k: (k + 8) / 8)  # short, exact, and simplest at 1
    made = [Value(draw(eighths), label="xyz"[i]) for i in range(draw(st.integers(1, 3)))]
    step = st.tuples(st.sampled_from(list(RULES.values())), st.integers(0, 3), st.integers(0, 30))
    for rule, recent, other in draw(st.lists(step, min_size=1, max_size=max_size)):
        made.append(_applied(rule, made[-1 - recent % len(made)], made[-1 - other % len(made)]))
    return made[-1]


def complex_steps(program: Program) -> dict[int, float]:
    """d root/d leaf of each leaf, from the values of the rules alone."""
    at = {i: Complex(program[i].data) for i in program.leaves}
    step = lambda i: {**at, i: Complex(program[i].data, 1e-30)}
    return {i: program.forward(step(i), complexes)[-1].imag / 1e-30 for i in program.leaves}


def gross(program: Program, data: Sequence[float]) -> list[float]:
    """Each gradient with every term taken as positive: what rounding errors are relative to."""
    found = [0.0] * len(program)
    found[-1] = 1.0
    for i in reversed(range(len(program) - 1)):
        found[i] = sum(found[use.user] * abs(program.local(use, data)) for use in program.uses[i])
    return found


# ---- the example of the walks and pictures: h is used twice --------------------------------------------------
def example() -> dict[str, Value]:
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    h = a * b
    p = h + 1
    L = h * p
    return {"a": a, "b": b, "h": h, "p": p, "L": L}


def labelled_example() -> Value:
    named = example()
    for name, node in named.items():
        node.label = name
    return named["L"]
