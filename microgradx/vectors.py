"""Bundle: several nodes as one vector input of a rule.

>>> from microgradx.value import Value
>>> weights = Bundle([Value(1.0), Value(2.0)])
>>> weights.data
array([1., 2.])
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bundle", "FloatArray", "Fold", "Station", "sweeping"]

FloatArray = NDArray[np.float64]
sweeping = threading.RLock()  # a sweep in progress keeps its sums in the nodes, which threads may share


class Station:
    """What a sweep meets between nodes: those above report to it, and it hands out to those below, all at once.

    To the walk it is one more node with inputs. Setting its `_grad` begins a sweep, `_hand_out` ends it.
    """

    __slots__ = ("_a", "_da")
    rule = _db = None
    _a: tuple[Any, ...]
    _da: tuple[Any, ...]


class Fold(Protocol):
    """How nodes came about that nobody has looked at: enough to make them, and to do without them in a sweep."""

    def make(self) -> tuple[Any, ...]:
        """The nodes, with the gradients that the last sweep would have left in them."""

    def hand_out(self, gradients: FloatArray) -> None:
        """Pass on what the nodes would have passed on."""


class Bundle(Station):
    """Nodes (or plain numbers) that travel together, such as a neuron's weights: one vector input of a rule.

    All neurons of a layer share the bundle of its inputs, and every sample that of a neuron's weights, so
    that a sweep meets each of them once. The nodes of a folded bundle are made when they are looked at.
    """

    __slots__ = ("_data", "_fold", "_gs", "_rows", "_seen", "constant")
    changes = object()  # another one each time that any leaf's data is set: a copy of an older one is stale
    _fold: Fold | None

    def __init__(self, nodes: Iterable[Any]) -> None:
        self._a = self._da = tuple(nodes)
        #: no node among them, so nothing to differentiate; what holds a node holds nothing else
        self.constant = not (self._a and hasattr(type(self._a[0]), "__apply__"))
        self._seen: object = None
        self._fold = None

    @classmethod
    def folded(cls, fold: Fold, below: tuple[Any, ...], data: FloatArray) -> Bundle:
        """Nodes of these data that `fold` can make, which depend on the nodes and stations `below`."""
        bundle = cls(())
        bundle._a = bundle._da = below
        bundle._data, bundle._seen = data, cls.changes
        bundle.constant, bundle._fold = False, fold
        return bundle

    def unfold(self) -> bool:
        """Make the nodes that nobody has looked at yet; whether there were any."""
        if self._fold is None:
            return False
        with sweeping:
            if self._fold is not None:
                made = self._fold.make()
                self._a, self._da, self._fold = made, made, None  # at once: Ctrl-C comes between lines
        return True

    def __reduce__(self) -> tuple[Any, ...]:  # a copy counts its own changes
        return Bundle, (self.nodes,)

    @property
    def nodes(self) -> tuple[Any, ...]:
        self.unfold()
        return self._a

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

    def _start(self, _: float) -> None:
        self._gs: list[float] = []
        self._rows: list[FloatArray] = []

    _grad = property(None, _start)

    def _hand_out(self) -> None:
        """Give each node what the users of the bundle have reported: Σ g · (their row of local derivatives)."""
        gs, rows = self._gs, self._rows
        total = gs[0] * rows[0] if len(gs) == 1 else np.array(gs).dot(np.concatenate(rows).reshape(len(gs), -1))
        if self._fold is not None:
            self._fold.hand_out(total)
        else:
            for x, g in zip(self._a, total.tolist(), strict=True):
                x._grad += g
        self._start(0.0)
