"""Columns: the Values of a group as one vector, so that an algorithm written for arrays moves them at once.

>>> from microgradx.value import Value
>>> xs = [Value(1.0), Value(2.0)]
>>> for x in xs: x.grad = 10.0
>>> for data, gradients, _ in Columns({x: {} for x in xs}).of("weights", xs):
...     data -= 0.1 * gradients
>>> [x.data for x in xs]
[0.0, 1.0]
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tensor import Tensor
from ..value import Value
from ..vectors import Bundle

__all__ = ["Columns"]

Together = tuple[list[Value], dict[str, Tensor]]  #: Values, and each part of their state as a vector


class Columns:
    """state: what is remembered of each Value, by name, as numbers.

    Between steps the numbers live in vectors; they are in `state` again after `write_back`. When `live`, they are
    there after each step, which costs as much as the step itself.
    """

    def __init__(self, state: Mapping[Any, dict[str, Any]]) -> None:
        self.state = state
        self.live = False
        self._groups: dict[Any, tuple[list[Value], list[Together]]] = {}

    def of(self, key: Any, values: list[Value]) -> Iterator[tuple[NDArray[Any], NDArray[Any], dict[str, Tensor]]]:
        """(data, gradients, state) of the Values of a group, to be changed in place; it is stored when asked to go on.

        key: names the group. Those that have taken equally many steps go together, in all but odd cases all.
        """
        before, together = self._groups.get(key, ((), ()))
        if len(before) != len(values) or not all(map(operator.is_, before, values)):
            if before:
                self.write_back()
            together = self._gather(values)
            self._groups[key] = values, together
        for ps, columns in together:
            data = np.array([p._data for p in ps])
            yield data, np.array([p._grad for p in ps]), columns
            for p, x in zip(ps, data.tolist(), strict=True):
                p._data = x
            Bundle.changes = object()
        if self.live:
            self.write_back()

    def _gather(self, values: list[Value]) -> list[Together]:
        ages: dict[Any, list[Value]] = {}
        for p in values:
            state = self.state[p]
            ages.setdefault((len(state), state.get("step")), []).append(p)
        return [(ps, {name: Tensor._of(np.array([self.state[p][name] for p in ps])) for name in self.state[ps[0]]})
                for ps in ages.values()]  # fmt: skip

    def write_back(self) -> None:
        for _, together in self._groups.values():
            for ps, columns in together:
                for name, column in columns.items():
                    for p, x in zip(ps, np.broadcast_to(column._data, len(ps)).tolist(), strict=True):
                        self.state[p][name] = x
        self._groups.clear()
