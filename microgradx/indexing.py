"""Keys of `tensor[key]`, from PyTorch's meaning to NumPy's.

>>> split((0, slice(None), np.array([1, 2])), (3, 4, 5))
((0, slice(None, None, None), slice(None, None, None)), (slice(None, None, None), array([1, 2])))
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

__all__ = ["split"]


def split(key: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A key as a basic one (a view) and one with arrays, either of them None.

    PyTorch applies integers before arrays; NumPy takes an integer beside an array for an array.
    """
    if isinstance(key, list) and len(key) < 32 and any(map(_indexes_itself, key)):
        key = tuple(key)
    parts = [_part(k) for k in (key if isinstance(key, tuple) else (key,))]
    masks = [k for k in parts if k.__class__ is np.ndarray and k.dtype == bool]
    used = sum(k is not None and k is not Ellipsis for k in parts) + sum(k.ndim - 1 for k in masks)
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    if not any(k.__class__ is np.ndarray for k in parts):
        if not any(k is Ellipsis for k in parts):
            parts.append(Ellipsis)  # so that a single element is a view too
        return tuple(parts), None
    if all(k.__class__ is np.ndarray or k == slice(None) for k in parts):
        return None, tuple(parts)
    full = [slice(None)] * (len(shape) - used)
    at = next((i for i, k in enumerate(parts) if k is Ellipsis), None)
    parts = [*parts, *full] if at is None else [*parts[:at], *full, *parts[at + 1 :]]
    basic: list[Any] = []
    advanced: list[Any] = []
    for k in parts:
        if k.__class__ is np.ndarray:
            basic += [slice(None)] * (k.ndim if k.dtype == bool else 1)
            advanced.append(k)
        else:
            basic.append(k)
            if not isinstance(k, int):
                advanced.append(slice(None))
    return tuple(basic), tuple(advanced)


def _indexes_itself(k: Any) -> bool:
    """Whether PyTorch takes a list that holds this for a tuple of indices."""
    return k is None or k is Ellipsis or isinstance(k, slice | list | tuple | np.ndarray) or hasattr(k, "_data")


def _part(k: Any) -> Any:
    if k is None or k is Ellipsis or k.__class__ is int or isinstance(k, slice):
        if k.__class__ is slice and any(hasattr(e, "_data") for e in (k.start, k.stop, k.step)):
            return slice(*(None if e is None else operator.index(e) for e in (k.start, k.stop, k.step)))
        return k
    k = getattr(k, "_data", k)
    if isinstance(k, list | range):
        k = np.asarray([getattr(e, "_data", e) for e in k], None if len(k) else np.int64)
    if isinstance(k, np.ndarray | bool | np.bool_):
        k = np.asarray(k)
        if k.dtype.kind not in "iub":
            raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, got {k.dtype}")
        return k.astype(bool) if k.dtype == np.uint8 else int(k) if not k.ndim and k.dtype != bool else k
    try:
        return operator.index(k)
    except TypeError:
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                         f"indices (got {type(k).__name__})") from None  # fmt: skip
