"""Optimisers, in order of growing complexity.

>>> from microgradx.value import Value
>>> x = Value(3.0)
>>> optimizer = SGD([x], lr=0.1)
>>> for _ in range(50):
...     optimizer.zero_grad()
...     (x * x).backward()
...     optimizer.step()
>>> abs(x.data) < 1e-4
True
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

from ..value import Value

__all__ = ["SGD", "Adam", "Optimizer"]


class Optimizer:
    """Holds parameters; `step()` moves each one that has a gradient. Raises ValueError for an empty list."""

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float) -> None:
        if isinstance(params, Value):
            raise TypeError("an optimizer takes several parameters: pass a list, [x] or model.parameters()")
        self.params = list(dict.fromkeys(params))
        for p in self.params:
            if not isinstance(p, Value) or p.rule is not None:
                raise TypeError(f"an optimizer moves leaf Values, got {type(p).__name__} {p!r:.60}")
        if not self.params:
            raise ValueError("an optimizer needs at least one parameter, got none; pass model.parameters()")
        self.lr = _at_least_0("lr", lr)
        self.weight_decay = _at_least_0("weight_decay", weight_decay)

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def gradients(self) -> Iterable[tuple[int, Value, float]]:
        """(position, parameter, its gradient plus weight_decay · its value) of each that has a gradient."""
        for i, p in enumerate(self.params):
            if p.grad is not None:
                yield i, p, p.grad + self.weight_decay * p.data

    def step(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no step()")


def _at_least_0(name: str, x: Any) -> float:
    if not isinstance(x, numbers.Real) or not float(x) >= 0:
        raise ValueError(f"{name} is a number ≥ 0, got {x!r}")
    return float(x)


class SGD(Optimizer):
    """v ← μ v + g, p ← p − lr v (Sutskever et al. 2013, with PyTorch's convention for lr); μ is the momentum."""

    def __init__(
        self, params: Iterable[Value], lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, weight_decay)
        self.momentum = _at_least_0("momentum", momentum)
        self.velocity: dict[int, float] = {}

    def step(self) -> None:
        for i, p, g in self.gradients():
            if self.momentum:
                g = self.velocity[i] = self.momentum * self.velocity[i] + g if i in self.velocity else g  # noqa: PLW2901
            p.data -= self.lr * g


class Adam(Optimizer):
    """p ← p − lr m̂ / (√v̂ + ε), with running means m of g and v of g² (Kingma & Ba 2015, algorithm 1)."""

    def __init__(
        self, params: Iterable[Value], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, weight_decay)
        if not isinstance(betas, Sequence) or len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are two numbers in [0, 1), got {betas!r}")
        self.betas, self.eps = betas, _at_least_0("eps", eps)
        self.moments: dict[int, tuple[float, float, int]] = {}

    def step(self) -> None:
        b1, b2 = self.betas
        for i, p, g in self.gradients():
            m, v, t = self.moments.get(i, (0.0, 0.0, 0))
            m, v, t = self.moments[i] = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g, t + 1
            p.data -= self.lr * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + self.eps)
