"""A weighted sum as one node: what a neuron computes before its activation.

>>> w, x = [Value(1.0), Value(2.0)], [3.0, 4.0]
>>> y = dot(w, x, 0.5)
>>> y.data, y.op, y.local_grads
(11.5, 'dot', (3.0, 4.0))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .rules import RULES
from .value import Value, bundle

__all__ = ["dot"]

_DOT = RULES["dot"]


def dot(w: Iterable[Any], x: Iterable[Any], b: Any = 0.0) -> Value:
    """Σ wᵢxᵢ + b as one node. w and x: as many Values or numbers each; b: a Value or a number.

    Raises ValueError when the lengths differ, TypeError when no input is a Value.
    """
    weights, inputs = bundle(w), bundle(x)
    if len(weights) != len(inputs):
        raise ValueError(f"expected as many inputs as weights, got {len(weights)} weights and {len(inputs)} inputs")
    return _DOT(weights, inputs, b)  # type: ignore[no-any-return]
