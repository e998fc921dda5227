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
from microgradx.rules import Rule
from microgradx.testing.accuracy import textbook
from microgradx.testing.programs import Dag
from microgradx.testing.strategies import expressions
from microgradx.value import Value
from microgradx.worlds import Complex

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
def graphs(max_size: int = 12) -> st.SearchStrategy[Value]:
    """The root of a graph of any rules, its leaves labelled."""
    return expressions(max_nodes=max_size).map(_graph)


def _graph(program: Dag) -> Value:
    names = program.execute("values")
    for i in range(len(program.leaves)):
        names[f"x{i}"].label = f"x{i}"
    return names[program.root]  # type: ignore[no-any-return]


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
