"""Optimisers against PyTorch's formulas, written out again here, and against PyTorch itself where it is installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx import optim
from microgradx.nn import MLP
from microgradx.value import Value

GRADIENTS = [3.0, -1.0, 0.5, 0.0, 2.0, -4.0]


def sgd(p: float, lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0) -> Iterator[float]:
    """https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html"""
    b = 0.0
    for t, raw in enumerate(GRADIENTS, 1):
        g = raw + weight_decay * p
        if momentum:
            b = momentum * b + g if t > 1 else g
            g = b
        p -= lr * g
        yield p


def adam(
    p: float, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0
) -> Iterator[float]:
    """https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html"""
    m = v = 0.0
    for t, raw in enumerate(GRADIENTS, 1):
        g = raw + weight_decay * p
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
        p -= lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
        yield p


CASES: list[tuple[Any, Callable[..., Iterator[float]], dict[str, Any]]] = [
    (optim.SGD, sgd, {}), (optim.SGD, sgd, {"lr": 0.1}), (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "weight_decay": 0.2}),
    (optim.SGD, sgd, {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.3}), (optim.Adam, adam, {}),
    (optim.Adam, adam, {"lr": 0.1}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.75), "eps": 1e-3}),
    (optim.Adam, adam, {"lr": 0.1, "weight_decay": 0.2}), (optim.Adam, adam, {"betas": (0.0, 0.0)}),
]  # fmt: skip
each_case = pytest.mark.parametrize(
    ("kind", "formula", "options"), CASES, ids=lambda x: x.__name__ if callable(x) else str(x)
)


def steps(kind: Any, options: dict[str, Any], start: float = 2.0) -> list[float]:
    p = Value(start)
    optimizer, path = kind([p], **options), []
    for g in GRADIENTS:
        p.grad = g
        optimizer.step()
        path.append(p.data)
    return path


@each_case
def test_steps_follow_the_published_formulas(kind: Any, formula: Any, options: dict[str, Any]) -> None:
    assert steps(kind, options) == pytest.approx(list(formula(2.0, **options)), rel=1e-14)


@each_case
def test_steps_are_pytorchs(kind: Any, formula: Any, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    p = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    optimizer, path = getattr(torch.optim, kind.__name__)([p], **options), []
    for g in GRADIENTS:
        p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        path.append(p.item())
    assert steps(kind, options) == pytest.approx(path, rel=1e-12)


def test_first_steps_by_hand() -> None:
    assert steps(optim.SGD, {"lr": 0.1, "momentum": 0.9})[:3] == pytest.approx([1.7, 1.53, 1.327])  # v: 3, 1.7, 2.03
    assert steps(optim.Adam, {"lr": 0.1, "eps": 0.0})[0] == pytest.approx(
        1.9
    )  # the first step is lr, whatever the gradient


@each_case
def test_a_parameter_without_a_gradient_stays(kind: Any, formula: Any, options: dict[str, Any]) -> None:
    moved, still = Value(1.0), Value(1.0)
    optimizer = kind([moved, still], **options)
    moved.grad = 1.0
    optimizer.step()
    assert moved.data != 1.0
    assert still.data == 1.0
    optimizer.zero_grad()
    assert (moved.grad, still.grad) == (None, None)
    before = moved.data
    optimizer.step()
    assert moved.data == before


@given(st.floats(1e-3, 0.9), st.floats(-10, 10))
def test_sgd_on_a_square_shrinks_by_a_factor(lr: float, start: float) -> None:
    x = Value(start)
    optimizer = optim.SGD([x], lr=lr)
    (x * x).backward()
    optimizer.step()
    assert x.data == pytest.approx(start * (1 - 2 * lr), abs=1e-14)


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: optim.SGD([]), ValueError, r"at least one parameter.*model\.parameters\(\)"),
    (lambda: optim.SGD([1.0]), TypeError, "leaf Values, got float 1.0"),
    (lambda: optim.Adam([Value(1.0) * 2]), TypeError, "leaf Values, got Value"),
    (lambda: optim.SGD([Value(1.0)], lr=-1), ValueError, "lr is a number ≥ 0, got -1"),
    (lambda: optim.SGD([Value(1.0)], momentum=math.nan), ValueError, "momentum"),
    (lambda: optim.Adam([Value(1.0)], betas=(1.0, 0.9)), ValueError, "betas"),
    (lambda: optim.Adam([Value(1.0)], eps="x"), ValueError, "eps"),
    (lambda: optim.Adam([Value(1.0)], weight_decay=-1), ValueError, "weight_decay"),
])  # fmt: skip
def test_what_makes_no_optimizer_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "make", [lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.1)], ids=["SGD", "Adam"]
)
@pytest.mark.parametrize("expand", [False, True])
def test_a_scalar_network_learns_xor(make: Any, expand: bool) -> None:
    points = [((0, 0), -1), ((0, 1), 1), ((1, 0), 1), ((1, 1), -1)]
    model = MLP(2, [4, 1], activation="tanh", expand=expand, seed=1)
    optimizer, loss = make(model.parameters()), Value(1.0)
    for _ in range(150):
        loss = mg.square(model(points[0][0]) - points[0][1])
        for x, y in points[1:]:
            loss = loss + (model(x) - y) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.data < 0.01
    assert all(model(x).data * y > 0 for x, y in points)
