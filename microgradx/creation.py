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
    if device is not None:
        dtypes.device(device)
    return _leaf(_array(data, dtype, copy=True), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Like `tensor`, but a Tensor or an array is shared, not copied, where its dtype fits."""
    if isinstance(data, Tensor) and dtype in (None, data.dtype):
        return data
    return Tensor._of(_array(data, dtype, copy=False))


def from_numpy(array: Any) -> Tensor:
    """A tensor on the array's own memory. Raises TypeError for anything but an array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    dtypes.of(array.dtype)
    return Tensor._of(array)


def _leaf(array: Any, requires_grad: bool) -> Tensor:
    found = Tensor._of(array)
    if requires_grad:
        found.requires_grad = True
    return found


def _array(data: Any, dtype: Any, copy: bool) -> Any:
    if isinstance(data, Tensor):
        data = data._data
    if isinstance(data, np.ndarray | np.generic):
        kind = dtypes.of(data.dtype if dtype is None else dtype).numpy
        return np.array(data, kind) if copy else np.asarray(data, kind)
    plain = _plain(data)
    try:
        array = np.array(plain)
    except ValueError:
        raise ValueError(f"expected sequence of equal length at each dimension, got {data!r:.80}") from None
    if dtype is not None:
        kind = dtypes.of(dtype).numpy
    elif array.dtype.kind == "f" or not array.size:
        # a NumPy number among them brings its dtype along
        kind = array.dtype if _holds_numpy(plain) else dtypes.default()
    else:
        kind = array.dtype
    if array.dtype.kind not in "biuf":
        bad = next((x for x in _flat(plain) if not isinstance(x, bool | int | float | np.generic)), plain)
        raise TypeError(f"a tensor is made of numbers, got {type(bad).__name__} {bad!r:.60}")
    return array.astype(dtypes.of(kind).numpy)


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data._data
    if isinstance(data, Node):
        raise TypeError("Value and Tensor do not mix; take the Value's .data")
    if data is None:
        raise RuntimeError("Could not infer dtype of NoneType: a tensor is made of numbers")
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}': a tensor is made of numbers")
    if isinstance(data, list | tuple | range):
        return [_plain(x) for x in data]
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, np.ndarray | dict):
        return [_plain(data[i]) for i in range(len(data))]
    return data


def _flat(data: Any) -> list[Any]:
    return [x for e in data for x in _flat(e)] if isinstance(data, list) else [data]


def _holds_numpy(data: Any) -> bool:
    while isinstance(data, list) and data:
        data = data[0]
    return isinstance(data, np.generic | np.ndarray)


# ---- filled ----------------------------------------------------------------------------------------------
Fill = Callable[[tuple[int, ...], np.dtype[Any]], Any]


def _filled(name: str, make: Fill) -> Callable[..., Tensor]:
    def function(
        *size: Any, dtype: dtype_ | None = None, device: Any = None, requires_grad: bool = False, **_: Any
    ) -> Tensor:
        size = size or (_.pop("size"),) if "size" in _ else size
        if device is not None:
            dtypes.device(device)
        shape = dtypes.size(size)
        if any(n < 0 for n in shape):
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
        return _leaf(make(shape, (dtype or dtypes.get_default_dtype()).numpy), requires_grad)

    function.__name__ = name
    function.__doc__ = f"A tensor of the given shape: `{name}(2, 3)` or `{name}((2, 3))`."
    return function


def _like(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(x: Tensor, *inputs: Any, dtype: dtype_ | None = None, **options: Any) -> Tensor:
        options.pop("memory_format", None)
        return function(tuple(x.shape), *inputs, dtype=dtype or x.dtype, **options)

    like.__name__ = f"{function.__name__}_like"
    like.__doc__ = f"{function.__name__} of x's shape and dtype."
    return like


zeros, ones, empty = _filled("zeros", np.zeros), _filled("ones", np.ones), _filled("empty", np.empty)


def full(
    size: Any, fill_value: Any, *, dtype: dtype_ | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of one number; its dtype is the number's by default."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = _array(value, dtype, copy=True).dtype
    return _leaf(np.full(dtypes.size((size,) if isinstance(size, int) else size), value, kind), requires_grad)


zeros_like, ones_like, empty_like, full_like = _like(zeros), _like(ones), _like(empty), _like(full)


def scalar_tensor(x: Any, **options: Any) -> Tensor:
    return tensor(float(x), **options)


def eye(n: int, m: int | None = None, *, dtype: dtype_ | None = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    return _leaf(np.eye(n, m, dtype=(dtype or dtypes.get_default_dtype()).numpy), requires_grad)


# ---- ranges ----------------------------------------------------------------------------------------------
def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: dtype_ | None = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, … before end: ints when all three are, else floats.

    As PyTorch's CPU kernel has it, each element is start + step·i with one rounding (a fused multiply-add).
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (x.item() if isinstance(x, Tensor | np.generic) else x for x in (start, end, step))
    if not step:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, {step})")
    ints = all(isinstance(x, int) for x in (start, end, step))
    kind = dtype.numpy if dtype is not None else np.dtype(np.int64) if ints else dtypes.default()
    if ints:
        return _leaf(np.arange(start, end, step).astype(kind), requires_grad)
    count = math.ceil((end - start) / step)
    i = np.arange(count)
    if kind == np.float64:
        return _leaf(_fused(i, float(step), float(start)), requires_grad)
    return _leaf((start + step * i).astype(kind) if kind != np.float32 else _arange32(start, step, count), requires_grad)


def _arange32(start: float, step: float, count: int) -> Any:
    return _fused(np.arange(count), float(step), float(start)).astype(np.float32)


def _fused(i: Any, step: float, start: float) -> Any:
    """i·step + start with one rounding: the product's error, by Dekker's splitting, is added to the sum's."""
    i = i.astype(np.float64)
    product = i * step
    high_i, high_s = _high(i), _high(np.float64(step))
    error = ((high_i * high_s - product) + high_i * (step - high_s) + (i - high_i) * high_s) + (i - high_i) * (step - high_s)
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
    kind = (dtype or dtypes.get_default_dtype()).numpy
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    work = kind if kind.kind == "f" else np.dtype(np.float64)
    a, b = work.type(start), work.type(end)
    step = (b - a) / work.type(max(steps - 1, 1))
    i = np.arange(steps).astype(work)
    found = np.where(i < steps // 2, a + step * i, b - step * (steps - 1 - i)) if steps > 1 else np.full(steps, a)
    return _leaf(found.astype(kind), requires_grad)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, **options: Any) -> Tensor:
    return base ** linspace(start, end, steps, **options)


def _new_methods() -> None:
    """x.new_zeros(2, 3): of x's dtype."""
    for name, function in {"zeros": zeros, "ones": ones, "empty": empty, "full": full, "tensor": tensor}.items():

        def method(self: Tensor, *inputs: Any, function: Any = function, dtype: Any = None, **options: Any) -> Tensor:
            return function(*inputs, dtype=dtype or self.dtype, **options)  # type: ignore[no-any-return]

        setattr(Tensor, f"new_{name}", method)


_new_methods()
