"""A weighted sum as one node: what a neuron computes before its activation.

>>> w, x = [Value(1.0), Value(2.0)], [3.0, 4.0]
>>> y = dot(w, x, 0.5)
>>> y.data, y.op, y.local_grads
(11.5, 'dot', (3.0, 4.0))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .rules import RULES
from .scopes import current
from .value import Value, bundle
from .vectors import Bundle

__all__ = ["Rows", "dot"]

_DOT = RULES["dot"]
_new: Callable[[type[Value]], Value] = object.__new__


def dot(w: Iterable[Any], x: Iterable[Any], b: Any = 0.0) -> Value:
    """Σ wᵢxᵢ + b as one node. w and x: as many Values or numbers each; b: a Value or a number.

    Raises ValueError when the lengths differ, TypeError when no input is a Value.
    """
    weights, inputs = bundle(w), bundle(x)
    if len(weights) != len(inputs):
        raise ValueError(f"expected as many inputs as weights, got {len(weights)} weights and {len(inputs)} inputs")
    return _DOT(weights, inputs, b)  # type: ignore[no-any-return]


class Rows:
    """The weights and biases of a whole layer, stacked once for all samples until any of them changes."""

    def __init__(self, ws: Sequence[Bundle], bs: Sequence[Value]) -> None:
        self.ws, self.bs = ws, bs
        self.seen = Bundle.changes
        self.numbers = [w.data for w in ws]
        self.matrix, self.offsets = np.array(self.numbers), [b._data for b in bs]

    def __reduce__(self) -> tuple[Any, ...]:  # a copy of a layer stacks its own weights
        return type(None), ()

    def dots(self, x: Bundle) -> list[Value]:
        """A dot node for each row, the same as `[dot(w, x, b) for w, b in zip(ws, bs)]`."""
        where = current()
        if len(x.nodes) != self.matrix.shape[1] or where.checking:
            return [dot(w, x, b) for w, b in zip(self.ws, self.bs, strict=True)]
        xs, constant, recording, made = x.data, x.constant, where.recording, []
        sums = self.matrix.dot(xs).tolist()  # unlike `@`, dot gives inf and nan without a warning
        for w, ws, b, offset, total in zip(self.ws, self.numbers, self.bs, self.offsets, sums, strict=True):
            node = _new(Value)
            node._data = total + offset
            node._scope = where
            node._b = node._db = None
            if recording:
                node.rule = _DOT
                node._a = (w, x, b)
                node._da = (xs, None if constant else ws, 1.0)
            else:
                node.rule = node._a = node._da = None
            made.append(node)
        return made
