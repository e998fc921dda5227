"""When the memory of an array was last changed in place: what keeps a backward pass from reading changed numbers.

One clock ticks for every node that is made and every change. Memory that was changed later than a node was made is
not what the node has seen. Views share their owner's memory, so times are kept for owners.

>>> x = np.zeros(4); before = tick()
>>> written(x[1:3])
>>> changed(x) > before, changed(np.zeros(4)) > before
(True, False)
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any, Generic, TypeVar

import numpy as np

__all__ = ["ByMemory", "changed", "owner", "tick", "written"]

V = TypeVar("V")


def owner(array: Any) -> Any:
    """The array whose memory this one is a view of, or itself."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class ByMemory(Generic[V]):
    """A dictionary by the memory of arrays, which do not hash; an entry goes when its memory does."""

    def __init__(self) -> None:
        self.found: dict[int, list[Any]] = {}  # by id: a weak reference to the memory's owner, and the value

    def __setitem__(self, array: Any, value: V) -> None:
        if array.base is not None:
            array = owner(array)
        key, found = id(array), self.found
        if known := found.get(key):
            known[1] = value
        else:
            found[key] = [weakref.ref(array, lambda _: found.pop(key, None)), value]

    def get(self, array: Any, default: V) -> V:
        known = self.found.get(id(owner(array)))
        return known[1] if known else default


tick = itertools.count(1).__next__  #: the time, which is another one at each call
last_change = 0  #: the time of the last change of any memory
_changed: ByMemory[int] = ByMemory()
_known = _changed.found.get


def written(*arrays: Any) -> None:
    """Note that the arrays' memory has just been changed."""
    global last_change
    last_change = now = tick()
    for array in arrays:
        if array.base is None and (known := _known(id(array))):  # what an optimizer does at every step
            known[1] = now
        else:
            _changed[array] = now


def changed(array: Any) -> int:
    """The time of the last change, 0 for none."""
    return _changed.get(array, 0)
