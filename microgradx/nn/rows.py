"""Rows: the neurons of a layer in one go, with the same nodes, numbers and gradients as one by one.

The sums of a layer are one product with a matrix. The nodes of a hidden layer are not made before somebody looks
at them: until then it is vectors on the way forward and back.

>>> from microgradx.nn import MLP
>>> y = MLP(2, [3, 1], activation="tanh", seed=0)([0.5, -1.0])
>>> [h.op for h in y.inputs[1]]
['tanh', 'tanh', 'tanh']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import quiet
from ..rules import RULES
from ..scopes import Scope, current, enter, leave
from ..specialise import each
from ..value import Value, methods
from ..vectors import Bundle, FloatArray, Station

__all__ = ["Rows"]

_DOT = RULES["dot"]
_new: Callable[[type[Value]], Value] = object.__new__


class Rows(Station):
    """The weights and biases of a layer, stacked once for all samples until any of them changes.

    neurons: of one width, with a Bundle `w` and a Value `b`. In a sweep the samples of a folded layer report
    here, and one product gives the gradients of all parameters.
    """

    __slots__ = ("_each", "_matrix", "_neurons", "_numbers", "_offsets", "reports", "seen", "width")

    def __init__(self, neurons: Iterable[Any]) -> None:
        self.seen = Bundle.changes
        self._neurons = [(n._name, n.w, n.b, n._activate if n.nonlin else None, n._rule) for n in neurons]
        self._numbers = [w.data for _, w, *_ in self._neurons]
        self._matrix = np.array(self._numbers)
        self._offsets = [b._data for _, _, b, *_ in self._neurons]
        self.width = self._matrix.shape[1]
        self._a = self._da = tuple(p for _, w, b, *_ in self._neurons for p in (*w, b))
        rules = {rule if activate else None for *_, activate, rule in self._neurons}
        self._each = each(*rules) if len(rules) == 1 and rules <= methods.keys() else None

    def __reduce__(self) -> tuple[Any, ...]:  # a copy of a layer stacks its own weights
        return type(None), ()

    def _sums(self, x: Bundle) -> list[float]:
        token = quiet.enter(quiet.IGNORE)
        try:
            products = self._matrix.dot(x.data).tolist()
        finally:
            quiet.leave(token)
        return [product + offset for product, offset in zip(products, self._offsets, strict=True)]

    def nodes(self, x: Bundle) -> list[Value]:
        """What each neuron gives for x."""
        return self._made(x, x.data, self._sums(x))

    def _made(self, x: Bundle, xs: FloatArray, sums: list[float]) -> list[Value]:
        outer, constant, made = current(), x.constant, []
        for (name, w, b, activate, rule), ws, total in zip(self._neurons, self._numbers, sums, strict=True):
            node = _new(Value)
            node._data = total
            node._scope = inner = outer.within(name)
            node._b = node._db = None
            if outer.recording:
                node.rule = _DOT
                node._a = (w, x, b)
                node._da = (xs, None if constant else ws, 1.0)
            else:
                node.rule = node._a = node._da = None
            if activate and rule:  # cheaper to move there than to make there
                node = activate(node)
                node._scope = inner
            elif activate:
                token = enter(inner)
                try:
                    node = activate(node)
                finally:
                    leave(token)
            made.append(node)
        return made

    def folded(self, x: Bundle, scope: Scope) -> Bundle | None:
        """The same in one bundle that makes them in `scope` when they are looked at; None where it cannot."""
        if self._each is None:
            return None
        values, slopes = self._each
        sums = self._sums(x)
        try:
            outputs = values(sums)
            sample = _Sample(self, x, sums, np.array(slopes(sums, outputs), float), scope)
        except (ArithmeticError, ValueError):  # beyond the math module; one by one they get inf or nan
            return None
        return Bundle.folded(sample, (self,) if x.constant else (self, x), np.array(outputs, float))

    def _start(self, _: float) -> None:
        self.reports: list[tuple[FloatArray, FloatArray]] = []

    _grad = property(None, _start)

    def _hand_out(self) -> None:
        """Give each parameter its Σ over the samples of ∂/∂sum · ∂sum/∂parameter."""
        deltas, inputs = map(np.array, zip(*self.reports, strict=True))
        total = deltas.T.dot(np.column_stack([inputs, np.ones(len(inputs))]))
        for p, g in zip(self._a, total.ravel().tolist(), strict=True):
            p._grad += g
        self._start(0.0)


class _Sample:
    """The fold of a layer's nodes for one x."""

    __slots__ = ("_grads", "_rows", "_scope", "_slopes", "_sums", "_x", "_xs")

    def __init__(self, rows: Rows, x: Bundle, sums: list[float], slopes: FloatArray, scope: Scope) -> None:
        self._rows, self._x, self._xs, self._sums, self._slopes, self._scope = rows, x, x.data, sums, slopes, scope
        self._grads: tuple[FloatArray, FloatArray] | None = None  # of the outputs and of the sums, in the last sweep

    def make(self) -> tuple[Value, ...]:
        token = enter(self._scope)
        try:
            made = self._rows._made(self._x, self._xs, self._sums)
        finally:
            leave(token)
        if self._grads:
            for node, *grads in zip(made, *(g.tolist() for g in self._grads), strict=True):
                node._grad, node._a._grad = grads
        return tuple(made)

    def hand_out(self, gradients: FloatArray) -> None:
        deltas = gradients * self._slopes
        self._grads = gradients, deltas
        self._rows.reports.append((deltas, self._xs))
        if not self._x.constant:
            self._x._gs.append(1.0)
            self._x._rows.append(deltas.dot(self._rows._matrix))
