"""From an MLP of Values to a Sequential of Tensors and back: the same weights, outputs and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microgradx as mg
from microgradx import nn
from microgradx.nn.bridge import ACTIVATIONS


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_and_gradients_are_the_same(activation: str) -> None:
    mlp = nn.MLP(3, [4, 2, 2], activation=activation, seed=5)
    net = mlp.to_sequential()
    x = [0.3, -1.2, 2.0]
    ours, theirs = mlp(x), net(mg.tensor(x, dtype=mg.float64))
    assert theirs.tolist() == pytest.approx([y.data for y in ours], rel=1e-12)
    (ours[0] * 2 + ours[1]).backward()
    (theirs * mg.tensor([2.0, 1.0], dtype=mg.float64)).sum().backward()
    found = [g for p in net.parameters() for g in np.ravel(p.grad)]
    assert sorted(found) == pytest.approx(sorted(p.grad for p in mlp.parameters()), rel=1e-12, abs=1e-300)


def test_there_and_back() -> None:
    mlp = nn.MLP(2, [3, 1], activation="tanh", seed=1)
    back = nn.from_sequential(mlp.to_sequential())
    assert back.state_dict() == mlp.state_dict()
    assert str(back) == str(mlp)


def test_to_sequential_copies() -> None:
    mlp = nn.MLP(2, [1], seed=1)
    net = mlp.to_sequential(mg.float32)
    before = mlp.state_dict()
    net[0].weight.data.zero_()
    assert (mlp.state_dict(), net[0].weight.dtype) == (before, mg.float32)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: nn.MLP(2, [2, 1], activation=lambda v: v.tanh()).to_sequential(), "one activation of .*got .*lambda"),
    (lambda: nn.from_sequential(nn.Sequential(nn.Linear(2, 1), nn.Tanh())), r"got \['Linear', 'Tanh'\]"),
    (lambda: nn.from_sequential(nn.Sequential(nn.Flatten(), nn.Linear(2, 1))), "Flatten"),
    (lambda: nn.from_sequential(nn.Sequential()), "an MLP is made of Linear"),
])  # fmt: skip
def test_what_cannot_be_turned_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
