"""Bundle: several nodes as one vector input of a rule.

>>> from microgradx.value import Value
>>> weights = Bundle([Value(1.0), Value(2.0)])
>>> weights.data
array([1., 2.])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bundle", "FloatArray"]

FloatArray = NDArray[np.float64]


class Bundle:
    """Nodes (or plain numbers) that travel together, such as a neuron's weights: one vector input of a rule.

    All neurons of a layer share the bundle of its inputs, and every sample that of a neuron's weights, so
    that a sweep meets each of them once.
    """

    __slots__ = ("_data", "_gs", "_rows", "_seen", "constant", "nodes")
    changes = object()  # another one each time that any leaf's data is set: a copy of an older one is stale

    def __init__(self, nodes: Iterable[Any]) -> None:
        self.nodes = tuple(nodes)
        #: no node among them, so nothing to differentiate; what holds a node holds nothing else
        self.constant = not (self.nodes and hasattr(type(self.nodes[0]), "__apply__"))
        self._seen: object = None

    def __reduce__(self) -> tuple[Any, ...]:  # a copy counts its own changes
        return Bundle, (self.nodes,)

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.nodes)

    def __getitem__(self, index: Any) -> Any:
        return self.nodes[index]

    @property
    def data(self) -> FloatArray:
        """The numbers as they are now, shape (len,), not to be written to."""
        if self._seen is not (now := Bundle.changes):
            self._data = np.array(self.nodes if self.constant else [x._data for x in self.nodes], np.float64)
            self._data.flags.writeable = False
            self._seen = now
        return self._data

    @property
    def _a(self) -> tuple[Any, ...]:  # to the walk below it is one more node with inputs
        return self.nodes

    _da = _a

    @property
    def rule(self) -> None:
        return None

    def _start(self, _: float) -> None:
        self._gs: list[float] = []
        self._rows: list[FloatArray] = []

    _grad = property(None, _start)

    def _hand_out(self) -> None:
        """Give each node what the users of the bundle have reported: Σ g · (their row of local derivatives)."""
        gs = self._gs
        rows = np.concatenate(self._rows).reshape(len(gs), -1)
        total = np.array(gs).dot(rows) if len(gs) > 1 else gs[0] * rows[0]
        for x, gx in zip(self.nodes, total.tolist(), strict=True):
            x._grad += gx
        self._start(0.0)
