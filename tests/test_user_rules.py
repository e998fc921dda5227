"""Rules of a user's own: defaults, new definitions under an old name, names that clash with anything inside."""

from __future__ import annotations

import math
from typing import Any

import pytest

import microgradx as mg
from microgradx import Program, Value, rule
from microgradx.nn import Neuron


def test_a_named_input_after_a_skipped_default() -> None:
    r = rule("three", lambda xp, x, a=1.0, b=2.0: x * a * b, lambda xp, y, x, a, b: a * b, None, None)
    assert r(Value(1.0), b=5.0).data == 5.0


def test_a_rule_may_leave_out_the_default_of_another() -> None:
    mine = rule("mine", lambda xp, x: xp.leaky_relu(x), lambda xp, y, x: xp.where(x > 0, 1, 0.01))
    root = mine(Value(-1.0, label="x"))
    assert root.data == -0.01
    space: dict[str, Any] = {}
    exec(Program.of(root).source(), space)
    assert space["dx"] == 0.01


def test_a_rule_that_is_defined_again_is_the_one_that_runs() -> None:
    for factor in (2, 3):
        for name in ("inner", "outer"):
            mg.RULES.pop(name, None)
        rule("inner", lambda xp, x, k=factor: x * k, lambda xp, y, x, k: k, None)
        outer = rule("outer", lambda xp, x: xp.inner(x) + 1, lambda xp, y, x: 1)
        assert (mg.inner(Value(1.0)).data, outer(Value(1.0)).data) == (factor, factor + 1)


NAMES = ["new", "scope", "current", "real", "apply", "node", "x", "y", "z", "a", "b", "item", "label", "data"]


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_may_have_any_name(name: str) -> None:
    named = rule(name, lambda xp, x: 2 * x, lambda xp, y, x: 2)
    user = rule("user", lambda xp, p, q: getattr(xp, name)(p) * q, lambda xp, y, p, q: 2 * q, lambda xp, y, p, q: 2 * p)
    v = Value(3.0, label="v")
    out = user(named(v), v)
    out.backward()
    assert (out.data, v.grad, v.item(), v.label) == (36.0, 24.0, 3.0, "v")
    neuron = Neuron(1, activation=name, seed=0)
    assert neuron([1.0]).data == 2 * neuron.w[0].data


def test_a_name_that_would_clash_is_refused() -> None:
    with pytest.raises(ValueError, match="begins without _"):
        rule("_y", lambda xp, x: x, lambda xp, y, x: 1)


def test_an_operation_without_a_derivative_is_no_leaf() -> None:
    step = rule("step", lambda xp, x: xp.where(x > 0, 1, 0), None)
    x = Value(2.0)
    s = step(x)
    y = s * 3
    y.backward()
    y.backward()
    assert (s.grad, x.grad) == (3.0, None)


def test_a_rule_that_cannot_be_read_is_refused_by_name_and_harms_no_other() -> None:
    bad = rule("bad", lambda xp, x: math.exp(x), lambda xp, y, x: y)
    with pytest.raises(TypeError, match=r"'bad' cannot be read .* xp\.exp, not math.exp"):
        bad(Value(1.0))
    assert rule("fine", lambda xp, x: 3 * x, lambda xp, y, x: 3)(Value(1.0)).data == 3.0
