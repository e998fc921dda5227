"""Kinks, ties and ends of domains: each convention holds, and a wrong one is told from it."""

from __future__ import annotations

import pytest

import microgradx as mg
from microgradx.testing.edges import EDGES, Edge
from microgradx.testing.report import GradientError


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.rule)
def test_it_holds(edge: Edge) -> None:
    edge()


@pytest.mark.parametrize(("slope", "order", "found"), [(1.0, 1, r"\[0.0\]"), (2.0, 2, r"\[0.0\]")])
def test_another_slope_fails(slope: float, order: int, found: str) -> None:
    with pytest.raises(AssertionError, match=f"abs at .*: the gradient of input 0 is {found}, it should be"):
        Edge("abs", mg.abs, ([0.0],), ([slope],), order)()


def test_a_measured_slope_fails_where_the_function_is_no_formula_of_tensors_alone() -> None:
    with pytest.raises(GradientError):
        Edge("mul", lambda x: x * x.detach(), ([1.5],))()
