"""Making Tensors: tensor, zeros, ones, arange, linspace, …, by PyTorch's names and with its dtypes.

>>> tensor([1, 2, 3]), tensor([1.0, 2.5], requires_grad=True)
(tensor([1, 2, 3]), tensor([1.0000, 2.5000], requires_grad=True))
>>> arange(0, 1, 0.25), zeros(2, 2).dtype
(tensor([0.0000, 0.2500, 0.5000, 0.7500]), torch.float32)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .dtypes import dtype as dtype_
from .functions import to
from .graph import Node
from .tensor import Tensor

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "logspace",
    "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new leaf with a copy of the data: numbers, nested lists, arrays, tensors.

    dtype: by default that of an array, and for Python's numbers bool, int64 or float32. Raises ValueError for
    ragged lists, TypeError for what is no number, RuntimeError for integers that are to require a gradient.
    """
    return _leaf(_array(data, dtype, copy=True), requires_grad, device)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Like `tensor`, but a Tensor (with its graph) or an array is not copied where its dtype fits already."""
    if isinstance(data, Tensor):
        return to(data, dtype, device=device)
    return _leaf(_array(data, dtype, copy=False), False, device)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on the array's own memory. Raises TypeError for anything but an array of numbers."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of(ndarray.dtype)
    return Tensor._of(ndarray)


def _leaf(array: Any, requires_grad: bool, device: Any) -> Tensor:
    if device is not None:
        dtypes.device(device)  # which refuses others than the CPU
    found = Tensor._of(array)
    if requires_grad:
        found.requires_grad = True
    return found


def _kind(dtype: Any) -> np.dtype[Any]:
    return dtypes.default() if dtype is None else dtypes.of(dtype).numpy


def _array(data: Any, dtype: Any, copy: bool) -> Any:
    data = data._data if isinstance(data, Tensor) else data
    if isinstance(data, np.ndarray | np.generic):
        kind = dtypes.of(data.dtype if dtype is None else dtype).numpy
        return np.array(data, kind) if copy else np.asarray(data, kind)
    kinds: set[np.dtype[Any]] = set()
    plain = _plain(data, kinds)
    kind = _kind(dtype) if dtype is not None or not kinds else dtypes.result_type(*(np.empty(1, k) for k in kinds))
    try:
        return np.array(plain, kind)
    except ValueError:
        raise ValueError(f"expected sequence of equal length at each dimension, got {data!r:.80}") from None
    except OverflowError:
        raise RuntimeError(f"value cannot be converted to type {kind} without overflow: {data!r:.80}") from None


def _plain(data: Any, kinds: set[np.dtype[Any]]) -> Any:
    """Nested lists of numbers and arrays; their dtypes are added to `kinds`."""
    if data.__class__ in _KINDS:
        kinds.add(_KINDS[data.__class__] or dtypes.default())
        return data
    if isinstance(data, Tensor | np.ndarray | np.generic):
        data = data._data if isinstance(data, Tensor) else data
        kinds.add(dtypes.of(data.dtype).numpy)
        return data
    if isinstance(data, Node):
        raise TypeError("Value and Tensor do not mix; take the Value's .data")
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}': a tensor is made of numbers")
    if isinstance(data, list | tuple | range):
        return [_plain(x, kinds) for x in data]
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, dict):
        return [_plain(data[i], kinds) for i in range(len(data))]
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}: a tensor is made of numbers, got {data!r:.60}")


_KINDS: dict[type, np.dtype[Any] | None] = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: None}


# ---- filled ----------------------------------------------------------------------------------------------
Fill = Callable[[tuple[int, ...], np.dtype[Any]], Any]


def _filled(name: str, make: Fill) -> Callable[..., Tensor]:
    def function(
        *sizes: Any, size: Any = (), dtype: dtype_ | None = None, device: Any = None, requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        shape = dtypes.size(sizes or (size,))
        if any(n < 0 for n in shape):
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
        return _leaf(make(shape, _kind(dtype)), requires_grad, device)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A tensor of the given shape: `{name}(2, 3)` or `{name}((2, 3))`."
    return function


def _like(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(input: Tensor, *inputs: Any, dtype: dtype_ | None = None, **options: Any) -> Tensor:
        options.pop("memory_format", None)
        return function(input.shape, *inputs, dtype=dtype or input.dtype, **options)

    like.__name__ = like.__qualname__ = f"{function.__name__}_like"
    like.__doc__ = f"{function.__name__} of the shape and dtype of input."
    return like


zeros, ones, empty = _filled("zeros", np.zeros), _filled("ones", np.ones), _filled("empty", np.empty)


def full(
    size: Any, fill_value: Any, *, dtype: dtype_ | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of one number; its dtype is the number's by default."""
    value = _array(fill_value, dtype, copy=False)
    return _leaf(np.full(dtypes.size((size,)), value, value.dtype), requires_grad, device)


zeros_like, ones_like, empty_like, full_like = _like(zeros), _like(ones), _like(empty), _like(full)


def scalar_tensor(s: Any, **options: Any) -> Tensor:
    """A float as a 0-d tensor."""
    return tensor(float(s), **options)


def eye(
    n: int, m: int | None = None, *, dtype: dtype_ | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A matrix (n, m) of ones on the diagonal, zeros elsewhere."""
    return _leaf(np.eye(n, m, dtype=_kind(dtype)), requires_grad, device)


# ---- ranges ----------------------------------------------------------------------------------------------
def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, dtype: dtype_ | None = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, … before end: ints when all three are, else floats. `arange(n)` starts at 0.

    As PyTorch's CPU kernel has it, each element is start + step·i with one rounding (a fused multiply-add). Raises
    RuntimeError for a step of 0 or away from the end.
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (x.item() if isinstance(x, Tensor | np.generic) else x for x in (start, end, step))
    kind = _kind(dtype) if dtype is not None or float in map(type, (start, end, step)) else np.dtype(np.int64)
    if kind.kind != "f":
        start, end, step = int(start), int(end), int(step)
    if not step:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, {step})")
    if kind.kind != "f":
        return _leaf(np.arange(start, end, step).astype(kind), requires_grad, device)
    i = np.arange(math.ceil((end - start) / step))
    return _leaf(_fused(i, float(step), float(start)).astype(kind), requires_grad, device)


def _fused(i: Any, step: float, start: float) -> Any:
    """i·step + start with one rounding: the product's error, by Dekker's splitting, is added to the sum's."""
    i = i.astype(np.float64)
    product = i * step
    high_i, high_s = _high(i), _high(np.float64(step))
    low_i, low_s = i - high_i, step - high_s
    error = ((high_i * high_s - product) + high_i * low_s + low_i * high_s) + low_i * low_s
    total = product + start
    back = total - product
    rest = (product - (total - back)) + (start - back)
    return total + (rest + error)


def _high(x: Any) -> Any:
    wide = x * 134217729.0  # 2²⁷ + 1
    return wide - (wide - x)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: dtype_ | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` points from start to end, both included: counted from the start in the first half, then from the end."""
    kind = _kind(dtype)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    work = kind if kind.kind == "f" else np.dtype(np.float64)
    a, b = work.type(start), work.type(end)
    step = (b - a) / work.type(max(steps - 1, 1))
    i = np.arange(steps).astype(work)
    found = np.where(i < steps // 2, a + step * i, b - step * (steps - 1 - i)) if steps > 1 else np.full(steps, a)
    return _leaf(found.astype(kind), requires_grad, device)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: dtype_ | None = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """base to the power of the points that linspace gives."""
    return _leaf((base ** linspace(start, end, steps, dtype=dtype, device=device))._data, requires_grad, device)


# ---- PyTorch's older names -------------------------------------------------------------------------------
def _older(kind: dtype_) -> Callable[..., Tensor]:
    def function(*data: Any) -> Tensor:
        if all(isinstance(n, int) for n in data):
            return zeros(data or 0, dtype=kind)
        return tensor(*data, dtype=kind)

    function.__name__ = f"{kind.title}Tensor"
    function.__doc__ = f"{kind!r} of nested lists or an array, or of zeros: `{function.__name__}(2, 3)`."
    return function


for _each in map(_older, (dtypes.float32, dtypes.float64, dtypes.int64, dtypes.int32, dtypes.bool)):
    globals()[_each.__name__] = _each
    __all__.append(_each.__name__)


def _new_methods() -> None:
    """x.new_zeros(2, 3): of x's dtype."""
    for name, function in {"zeros": zeros, "ones": ones, "empty": empty, "full": full, "tensor": tensor}.items():

        def method(self: Tensor, *inputs: Any, function: Any = function, dtype: Any = None, **options: Any) -> Tensor:
            return function(*inputs, dtype=dtype or self.dtype, **options)  # type: ignore[no-any-return]

        setattr(Tensor, f"new_{name}", method)


_new_methods()
