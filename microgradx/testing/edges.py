"""What random programs keep away from: kinks, ties, ends of domains, and options that they do not set.

At a point where an operation has no derivative, this project has a convention, mostly PyTorch's: it stands here as a
number. Elsewhere the derivative is what check_grad measures.

>>> len([edge() for edge in EDGES]) > 20  # each raises when the engine is wrong
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import microgradx as mg
from microgradx.nn import functional as F

from ..structural import STRUCTURAL
from ..tensor import apply
from .check import check_grad

__all__ = ["EDGES", "Edge"]

INF, NAN = math.inf, math.nan


@dataclass(frozen=True, eq=False)
class Edge:
    """A function of Tensors at a point.

    slopes: what each input's gradient must be, for order 2 that of the sum of the gradients; () to have it measured.
    """

    rule: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    slopes: tuple[Any, ...] = ()
    order: int = 1

    def __call__(self) -> None:
        """Raise AssertionError where a gradient is wrong."""
        if not self.slopes:
            check_grad(self.function, *map(np.array, self.inputs), order=self.order, engine="microgradx")
            return
        xs = [mg.tensor(x, dtype=mg.float64, requires_grad=True) for x in self.inputs]
        with np.errstate(all="ignore"):
            y = self.function(*xs)
            if self.order == 2:
                y = sum(g.sum() for g in mg.autograd.grad(y.sum(), xs, create_graph=True) if g is not None)
            y.backward(mg.ones_like(y))
        for i, (x, slope) in enumerate(zip(xs, self.slopes, strict=True)):
            found = np.zeros(0) if x.grad is None else x.grad.numpy()
            where = f"{self.rule} at {self.inputs}: the gradient of input {i}"
            same = found.shape == np.shape(slope) and np.allclose(found, slope, 1e-12, 0, equal_nan=True)
            assert same, f"{where} is {found.tolist()}, it should be {slope}"


_MATRIX = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]
_TARGETS = [[0.25, 0.5, 0.75], [0.125, 0.875, 0.375]]


def _row_weights(x: Any) -> Any:
    return apply(STRUCTURAL["cross_entropy"], x, np.array([2, 0]), np.array([0.5, 2.0]))


def _class_weights(x: Any) -> Any:
    return F.cross_entropy(x, mg.tensor([2, 0]), weight=mg.tensor([0.5, 2.0, 1.25], dtype=mg.float64))


def _positive_weights(x: Any, target: Any) -> Any:
    positive = mg.tensor([0.5, 2.0, 3.0], dtype=mg.float64)
    return F.binary_cross_entropy_with_logits(x, target, pos_weight=positive, reduction="none")


def _scattered(function: Callable[..., Any]) -> Callable[..., Any]:
    """With fewer places than numbers: what is left of the source has no gradient."""
    return lambda x, source: function(x, 0, mg.tensor([2, 0]), source)


def _clamp(x: Any, low: Any, high: Any) -> Any:
    return mg.clamp(x, low, high)


EDGES: Sequence[Edge] = (
    Edge("pow", lambda a, b: a**b, ([0.0, 0.0, 0.0], [2.0, 0.0, -1.0]), ([0.0, 0.0, -INF], [0.0, 0.0, -INF])),
    Edge("abs", mg.abs, ([NAN, 0.0, -0.0],), ([NAN, 0.0, 0.0],)),
    Edge("abs", mg.abs, ([0.0, -0.0, 2.0],), ([0.0, 0.0, 0.0],), order=2),
    Edge("relu", mg.relu, ([NAN, 0.0, -INF, INF],), ([1.0, 0.0, 0.0, 1.0],)),
    Edge("atan2", mg.atan2, ([0.0, -0.0, 0.0, -0.0], [0.0, 0.0, -0.0, -0.0]), ([0.0] * 4, [0.0] * 4)),
    Edge("atan2", mg.atan2, ([1.0, -2.0], [0.0, 0.0]), order=2),
    Edge("atan2", mg.atan2, ([0.0, 0.0], [1.0, 2.0]), order=2),
    Edge("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), ([1.7e308, -1.7e308],), ([1.0, 0.0],)),
    Edge("clamp", _clamp, ([1.0, 2.0, 3.0, 1.0], [2.0, 2.0, 2.0, 2.0], [1.0, 3.0, 3.0, 1.5]),
         ([0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0])),
    Edge("clamp", _clamp, ([3.0, NAN], [NAN, 2.0], [1.0, 1.0]), ([0.0, 0.0], [0.0, 0.0], [1.0, 1.0])),
    Edge("amax", lambda x: mg.amax(x, 1), ([[1.0, 3.0, 3.0], [2.0, 1.0, 0.0]],), ([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]],)),
    Edge("amin", lambda x: mg.amin(x, 0), ([[1.0, 3.0], [1.0, 4.0]],), ([[0.5, 1.0], [0.5, 0.0]],)),
    Edge("prod", mg.prod, (_MATRIX,)),
    Edge("prod", mg.prod, ([[0.0, 2.0], [3.0, 4.0]],), ([[24.0, 0.0], [0.0, 0.0]],)),
    Edge("prod", mg.prod, (np.zeros((0, 2)),), (np.zeros((0, 2)),)),
    Edge("matmul", mg.matmul, (_MATRIX, [0.5, -1.25, 2.0])),
    Edge("matmul", mg.matmul, ([0.5, -1.25], _MATRIX)),
    Edge("matmul", mg.matmul, ([_MATRIX, _MATRIX[::-1]], [0.5, -1.25, 2.0])),
    Edge("matmul", mg.matmul, ([0.5, -1.25], [_MATRIX, _MATRIX[::-1]])),
    Edge("std", lambda x: mg.std(x, 1, correction=0), ([[2.0, 2.0], [1.0, 3.0]],), ([[0.0, 0.0], [-0.5, 0.5]],)),
    Edge("norm", lambda x: mg.norm(x, 2, 1), ([[0.0, 0.0], [3.0, 4.0]],), ([[0.0, 0.0], [0.6, 0.8]],)),
    Edge("norm", lambda x: mg.norm(x, 3, 1), ([[0.0, 0.0], [0.0, -2.0]],), ([[0.0, 0.0], [0.0, -1.0]],)),
    Edge("norm", lambda x: mg.norm(x, 1, 1), ([[0.0, 0.0], [0.0, -2.0]],), ([[0.0, 0.0], [0.0, -1.0]],)),
    Edge("norm", lambda x: mg.norm(x, 0.5, 1), ([[0.0, 0.0], [0.0, -2.0]],), ([[0.0, 0.0], [0.0, -1.0]],)),
    Edge("norm", lambda x: mg.norm(x, 0, 1), (_MATRIX,), (np.zeros((2, 3)),)),
    Edge("norm", lambda x: mg.norm(x, INF, 1), ([[2.0, -2.0], [-1.0, 0.5]],), ([[0.5, -0.5], [-1.0, 0.0]],)),
    Edge("norm", lambda x: mg.norm(x, -INF, 1), ([[2.0, -2.0], [-1.0, 0.5]],), ([[0.5, -0.5], [0.0, 1.0]],)),
    Edge("norm", lambda x: mg.norm(x, 2.5, 1), (_MATRIX,)),
    Edge("scatter_add", _scattered(mg.scatter_add), ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])),
    Edge("put", _scattered(mg.scatter), ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])),
    Edge("cross_entropy", _class_weights, (_MATRIX,)),
    Edge("cross_entropy", _row_weights, (_MATRIX,)),
    Edge("binary_cross_entropy", lambda x, t: F.binary_cross_entropy(x, t, reduction="none"),
         ([0.0, 1.0, 1.0], [0.0, 1.0, 0.0]), ([0.0, 0.0, 1e12], [INF, -INF, -INF])),
    Edge("binary_cross_entropy_with_logits", _positive_weights, (_MATRIX, _TARGETS), order=2),
)  # fmt: skip
