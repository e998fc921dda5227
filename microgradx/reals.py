"""What a Value takes for a number, and how it refuses the rest.

>>> import numpy as np
>>> real(2), real(np.float32(0.5)), real(np.array([3]))
(2.0, 0.5, 3.0)
>>> real("3")
Traceback (most recent call last):
    ...
TypeError: a Value's data must be a real number, got str '3'; use float(…)
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

__all__ = ["real"]


def real(x: Any, what: str = "a Value's data") -> float:
    """A Python or NumPy real number, or an array of one, as a float; TypeError or ValueError for all else."""
    if x.__class__ is float:
        return x
    if isinstance(x, np.ndarray):
        if x.size != 1:
            raise ValueError(f"{what} must be one number, got an array of shape {x.shape}; make one Value per element")
        if x.dtype.kind not in "iuf":
            raise TypeError(f"{what} must be a real number, got an array of {x.dtype}; convert it with .astype(float)")
        x = x.item()
    if isinstance(x, numbers.Real | np.bool_):
        try:
            return float(x)
        except OverflowError:
            raise ValueError(f"{what} must fit a 64-bit float, and this {type(x).__name__} does not") from None
    raise TypeError(f"{what} must be a real number, got {type(x).__name__} {x!r:.60}{_HINTS.get(type(x).__name__, '')}")


_HINTS = {
    "str": "; use float(…)", "Decimal": "; use float(…)", "complex": "; take .real or abs(…)",
    "list": "; make one Value per element", "tuple": "; make one Value per element",
    "NoneType": "; was a grad read before backward()?", "Value": "; take its .data, or its .detach() for a new leaf",
    "Tensor": "; Value and Tensor do not mix: keep to one engine, or take its .item()",
}  # fmt: skip
