"""Kinds of numbers, shapes and devices, by PyTorch's names and with its rules of promotion.

>>> float32, of(np.int64), Size([2, 3]), device("cpu")
(torch.float32, torch.int64, torch.Size([2, 3]), device(type='cpu'))
>>> [result_type(np.zeros(2, np.int64), 2.5), result_type(np.zeros(2, np.float32), np.zeros((), np.float64))]
[dtype('float32'), dtype('float32')]
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = [
    "Size", "default", "device", "dtype", "finfo", "get_default_dtype", "iinfo", "of", "result_type",
    "set_default_dtype",
]  # fmt: skip


class dtype:  # PyTorch's name, in lower case
    """A kind of number; `repr` is PyTorch's, so that printed tensors and modules read alike."""

    __slots__ = ("_numpy", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._numpy = np.dtype(name)

    @property
    def numpy(self) -> np.dtype[Any]:
        return self._numpy

    @property
    def is_floating_point(self) -> builtins.bool:
        return self._numpy.kind == "f"

    @property
    def itemsize(self) -> builtins.int:
        return self._numpy.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    #: what PyTorch's error messages call it
    @property
    def title(self) -> str:
        return {"float16": "Half", "float32": "Float", "float64": "Double", "uint8": "Byte", "int8": "Char",
                "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool"}[self.name]  # fmt: skip


float16, float32, float64 = half, float, double = dtype("float16"), dtype("float32"), dtype("float64")
int8, int16, int32, int64 = dtype("int8"), dtype("int16"), dtype("int32"), dtype("int64")
short, int, long = int16, int32, int64
uint8, bool = dtype("uint8"), dtype("bool")
ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool)
NAMES = ("float16", "half", "float32", "float", "float64", "double", "int8", "int16", "short", "int32", "int", "int64",
         "long", "uint8", "bool")  # fmt: skip
_OF = {d.numpy: d for d in ALL}
_PYTHON = {builtins.float: float64, builtins.int: int64, builtins.bool: bool}
_default = float32


def of(kind: Any) -> dtype:
    """The dtype of a NumPy dtype, a Python type or a dtype. Raises TypeError for what tensors do not hold."""
    if isinstance(kind, dtype):
        return kind
    if kind in _PYTHON:
        return _PYTHON[kind]
    try:
        return _OF[np.dtype(kind)]
    except (KeyError, TypeError):
        held = ", ".join(d.name for d in ALL)
        raise TypeError(f"a tensor cannot hold {kind!r}; the supported types are: {held}") from None


def default() -> np.dtype[Any]:
    """What floats without a dtype become, as NumPy's dtype."""
    return _default.numpy


def get_default_dtype() -> dtype:
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` the dtype of floats that come without one. Raises TypeError unless it is a floating one."""
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default = d


_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2}
_SCALARS = {builtins.bool: 0, builtins.int: 1, builtins.float: 2}


def result_type(*operands: Any) -> np.dtype[Any]:
    """The dtype of an operation on arrays and Python numbers, as PyTorch has it.

    The highest category (bool, integer, floating) decides, and within it arrays with axes come before arrays
    without, and these before Python's numbers. Unlike in NumPy, int64 and float32 make float32.
    """
    highest, rank, found = -1, -1, default()
    for x in operands:
        if isinstance(x, np.ndarray):
            category, r, kind = _CATEGORY[x.dtype.kind], 2 if x.ndim else 1, x.dtype
        else:
            category, r = _SCALARS[type(x)], 0
            kind = (np.dtype(np.bool_), np.dtype(np.int64), default())[category]
        if category > highest or (category == highest and r > rank):
            highest, rank, found = category, r, kind
        elif category == highest and r == rank:
            found = np.promote_types(found, kind)
    return found


class Size(tuple[builtins.int, ...]):
    """A shape: a tuple of ints that prints as PyTorch's."""

    __slots__ = ()

    def numel(self) -> builtins.int:
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))


def size(given: Iterable[Any]) -> Size:
    """A shape from ints, one tuple of ints, or tensors of one int."""
    sizes = tuple(given)
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    try:
        return Size(map(operator.index, sizes))
    except TypeError:
        raise TypeError(f"expected a shape, which is ints, got {sizes!r:.80}") from None


class device:
    """Where a tensor lives: only "cpu" there is. Raises RuntimeError for any other."""

    __slots__ = ("index", "type")

    def __init__(self, type: Any, index: builtins.int | None = None) -> None:
        name, _, number = str(type).partition(":")
        if name != "cpu":
            raise RuntimeError(f"microgradx computes on the CPU alone, got the device {type!r}; use device('cpu')")
        self.type: str = "cpu"
        self.index = builtins.int(number) if number else index

    def __repr__(self) -> str:
        return f"device(type='cpu'{f', index={self.index}' if self.index is not None else ''})"

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> builtins.int:
        return hash(str(self))


CPU = device("cpu")


class finfo:
    """Limits of a floating dtype: eps, max, min, tiny, bits."""

    def __init__(self, d: dtype | None = None) -> None:
        info = np.finfo((d or _default).numpy)
        self.bits = info.bits
        self.eps, self.max, self.min = (builtins.float(x) for x in (info.eps, info.max, info.min))
        self.tiny = self.smallest_normal = builtins.float(info.tiny)
        self.resolution = builtins.float(info.resolution)


class iinfo:
    """Limits of an integer dtype: max, min, bits."""

    def __init__(self, d: dtype) -> None:
        info = np.iinfo(d.numpy)
        self.bits, self.max, self.min = info.bits, builtins.int(info.max), builtins.int(info.min)
