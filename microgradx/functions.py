"""PyTorch's functions over Tensors, each also a method: sum, matmul, cat, softmax, sort, …

>>> from microgradx.tensor import Tensor
>>> x = Tensor([[1.0, 5.0], [4.0, 2.0]])
>>> x.max(dim=1)
torch.return_types.max(
values=tensor([5., 4.]),
indices=tensor([1, 0]))
>>> cat([x, x.T], dim=1).shape, x.sum(0, keepdim=True)
(torch.Size([2, 4]), tensor([[5., 7.]]))
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from . import dtypes
from .dtypes import dtype as dtype_
from .rules import RULES
from .structural import STRUCTURAL, explicit
from .tensor import Tensor, _elementwise, _refuse_shapes, apply, as_tensor

__all__: list[str] = []
METHODS: dict[str, Callable[..., Any]] = {}


def _public(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the package and a method of Tensor."""
    __all__.append(function.__name__)
    METHODS[function.__name__] = function
    return function


def _function(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the package alone."""
    __all__.append(function.__name__)
    return function


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Public, with NumPy's spelling too: axis for dim, keepdims for keepdim."""

    @wraps(function)
    def spelled(*inputs: Any, **named: Any) -> Any:
        if "axis" in named:
            named["dim"] = named.pop("axis")
        if "keepdims" in named:
            named["keepdim"] = named.pop("keepdims")
        return function(*inputs, **named)

    return _public(spelled)


def _run(name: str, *inputs: Any, named: str = "") -> Tensor:
    found = apply(STRUCTURAL[name], *inputs)
    if named and found._node is not None:
        found._node.named = named
    return found


# ---- axes ------------------------------------------------------------------------------------------------
def _axis(ndim: int, dim: Any) -> int:
    """An axis as a number from 0 on. Raises IndexError when there is no such axis, TypeError for no int."""
    limit = builtins.max(ndim, 1)
    try:
        found = operator.index(dim)
    except TypeError:
        raise TypeError(f"dim is an int (or several for some reductions), got {type(dim).__name__} {dim!r:.40}") from None
    if not -limit <= found < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {found})")
    return found % limit


def _axes(x: Tensor, dim: Any) -> Any:
    """None for all axes; an int or a tuple of ints as NumPy wants it."""
    ndim = x._data.ndim
    if dim is None or (isinstance(dim, tuple | list) and not dim) or not ndim:
        if dim is not None and not isinstance(dim, tuple | list):
            _axis(ndim, dim)
        return None
    if isinstance(dim, tuple | list):
        found = tuple(_axis(ndim, d) for d in dim)
        if len(set(found)) < len(found):
            raise RuntimeError(f"dim {dim} appears multiple times in the list of dims")
        return found
    return _axis(ndim, dim)


def _floating(x: Tensor, what: str) -> None:
    if x._data.dtype.kind != "f":
        raise RuntimeError(f"{what}(): could not infer output dtype. Input dtype must be either a floating point or "
                           f"complex dtype. Got: {x.dtype.title}; convert it with .float()")  # fmt: skip


# ---- reductions ------------------------------------------------------------------------------------------
@_reduction
def sum(x: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype_ | None = None) -> Tensor:
    """The sum over some axes, or all. Integers and bools sum to int64."""
    return _run("sum", x if dtype is None else to(x, dtype), _axes(x, dim), keepdim)


@_reduction
def mean(x: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype_ | None = None) -> Tensor:
    """The mean over some axes, or all. Raises RuntimeError for integers."""
    x = x if dtype is None else to(x, dtype)
    _floating(x, "mean")
    return _run("mean", x, _axes(x, dim), keepdim)


@_reduction
def prod(x: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype_ | None = None) -> Tensor:
    """The product along an axis, or of all elements; its gradient is right where elements are 0 too."""
    return _run("prod", x if dtype is None else to(x, dtype), None if dim is None else _axes(x, dim), keepdim)


def _spread_of(name: str) -> Callable[..., Tensor]:
    def function(
        x: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
    ) -> Tensor:
        if isinstance(dim, bool):  # PyTorch's older form: x.var(False)
            dim, unbiased = None, dim
        _floating(x, name)
        divisor = correction if correction is not None else 1 if unbiased is None else int(unbiased)
        return _run(name, x, _axes(x, dim), float(divisor), keepdim)

    function.__name__ = name
    function.__doc__ = f"The {name} over some axes, or all; divided by n − correction, 1 by default."
    return _reduction(function)


var, std = _spread_of("var"), _spread_of("std")


@_function
def var_mean(x: Tensor, dim: Any = None, **options: Any) -> tuple[Tensor, Tensor]:
    return var(x, dim, **options), mean(x, dim, options.get("keepdim", False))


@_function
def std_mean(x: Tensor, dim: Any = None, **options: Any) -> tuple[Tensor, Tensor]:
    return std(x, dim, **options), mean(x, dim, options.get("keepdim", False))


@_reduction
def amax(x: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest element over some axes, or all; elements that tie share the gradient."""
    return _extreme(x, "amax", _axes(x, dim), keepdim)


@_reduction
def amin(x: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest element over some axes, or all; elements that tie share the gradient."""
    return _extreme(x, "amin", _axes(x, dim), keepdim)


def _extreme(x: Tensor, name: str, dim: Any, keepdim: bool, named: str = "") -> Tensor:
    if not x._data.size and (dim is None or 0 in [x._data.shape[d] for d in np.atleast_1d(dim)]):
        raise (RuntimeError if dim is None else IndexError)(
            f"{name}(): expected a tensor with elements to choose from, got shape {tuple(x.shape)}; give a dim that is not empty"
        )
    return _run(name, x, dim, keepdim, named=named)


class _Pair(NamedTuple):
    values: Tensor
    indices: Tensor


def _pair(name: str) -> type[_Pair]:
    """PyTorch's torch.return_types.max and the like."""

    def __repr__(self: _Pair) -> str:
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    return type(name, (_Pair,), {"__repr__": __repr__, "__slots__": ()})


_PAIRS = {name: _pair(name) for name in ("max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax")}


def _chosen(x: Tensor, dim: int, keepdim: bool, indices: Any, name: str) -> _Pair:
    """The elements at the indices, of shape with 1 along dim, and the indices."""
    shape = tuple(n for i, n in enumerate(indices.shape) if keepdim or i != dim)
    if not x._data.ndim:
        values = _run("reshape", x, ())
        return _PAIRS[name](values, Tensor._of(np.zeros((), np.int64)))
    values = _run("gather", x, dim, indices, named=f"{name.capitalize()}Backward0")
    if not keepdim:
        values = _run("reshape", values, shape, named=f"{name.capitalize()}Backward0")
    return _PAIRS[name](values, Tensor._of(indices.reshape(shape)))


def _extreme_of(name: str, pick: Callable[..., Any], pairwise: str) -> Callable[..., Any]:
    def function(x: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        other = dim if isinstance(dim, Tensor) else other
        if other is not None:
            return _elementwise(RULES[pairwise])(x, other)
        if dim is None:
            return _extreme(x, f"a{name}", None, False, named=f"{name.capitalize()}Backward1")
        axis = _axes(x, dim)
        if axis is None:
            return _chosen(x, 0, keepdim, np.zeros((), np.int64), name)
        if not x._data.shape[axis]:
            raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
        return _chosen(x, axis, keepdim, np.expand_dims(pick(x._data, axis=axis), axis), name)

    function.__name__ = name
    function.__doc__ = f"{name}(): the one element; {name}(dim): (values, indices); {name}(other): element by element."
    return _reduction(function)


max, min = _extreme_of("max", np.argmax, "maximum"), _extreme_of("min", np.argmin, "minimum")


def _place(name: str, pick: Callable[..., Any]) -> Callable[..., Tensor]:
    def function(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        if not x._data.size:
            raise IndexError(f"{name}(): expected a tensor with elements, got shape {tuple(x.shape)}")
        return Tensor._of(pick(x._data, axis=_axes(x, dim), keepdims=keepdim))

    function.__name__ = name
    function.__doc__ = f"Where along the axis the {'largest' if name == 'argmax' else 'smallest'} element is, the first one."
    return _reduction(function)


argmax, argmin = _place("argmax", np.argmax), _place("argmin", np.argmin)


def _test(name: str, test: Callable[..., Any]) -> Callable[..., Tensor]:
    def function(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        return Tensor._of(test(x._data, axis=_axes(x, dim), keepdims=keepdim))

    function.__name__, function.__doc__ = name, f"Whether {name} elements along the axes hold."
    return _reduction(function)


all, any = _test("all", np.all), _test("any", np.any)


@_reduction
def count_nonzero(x: Tensor, dim: Any = None) -> Tensor:
    return Tensor._of(np.count_nonzero(x._data, axis=_axes(x, dim)))


@_reduction
def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: dtype_ | None = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over some axes, or all; p may be inf, -inf or "fro"."""
    x = x if dtype is None else to(x, dtype)
    _floating(x, "norm")
    if p == "fro" or p is None:
        p = 2
    return _run("norm", x, float(p), _axes(x, dim), keepdim)


@_reduction
def logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) without overflow."""
    return _run("logsumexp", x, _axes(x, dim), keepdim)


@_public
def softmax(x: Tensor, dim: int | None = None, dtype: dtype_ | None = None) -> Tensor:
    """exp(x) / Σ exp(x) along an axis."""
    return _along("softmax", x, dim, dtype)


@_public
def log_softmax(x: Tensor, dim: int | None = None, dtype: dtype_ | None = None) -> Tensor:
    """log softmax along an axis, which neither overflows nor takes the log of 0."""
    return _along("log_softmax", x, dim, dtype)


def _along(name: str, x: Tensor, dim: int | None, dtype: dtype_ | None) -> Tensor:
    x = x if dtype is None else to(x, dtype)
    if x._data.dtype.kind != "f":
        raise NotImplementedError(f'"{name}" not implemented for \'{x.dtype.title}\'; convert it with .float()')
    if dim is None:  # as nn.functional's functions choose it
        dim = 0 if x._data.ndim in (0, 1, 3) else 1
    if not x._data.ndim:
        return _run("reshape", _along(name, _run("reshape", x, (1,)), 0, None), ())
    return _run(name, x, _axis(x._data.ndim, dim))


@_reduction
def cumsum(x: Tensor, dim: int, *, dtype: dtype_ | None = None) -> Tensor:
    """The sums of the first elements along an axis."""
    return _cumulative("cumsum", x if dtype is None else to(x, dtype), dim)


@_reduction
def cumprod(x: Tensor, dim: int, *, dtype: dtype_ | None = None) -> Tensor:
    """The products of the first elements along an axis."""
    return _cumulative("cumprod", x if dtype is None else to(x, dtype), dim)


def _cumulative(name: str, x: Tensor, dim: int) -> Tensor:
    axis = _axis(x._data.ndim, dim)
    return _run(name, x, axis) if x._data.ndim else clone(x)


@_reduction
def median(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median: of all elements, or (values, indices) along an axis."""
    if dim is None:
        return _middle(reshape(x, (-1,)), 0, False).values
    return _middle(x, _axis(x._data.ndim, dim), keepdim)


def _middle(x: Tensor, dim: int, keepdim: bool) -> _Pair:
    places = np.argsort(x._data, axis=dim, kind="stable")
    return _chosen(x, dim, keepdim, places.take([(x._data.shape[dim] - 1) // 2], axis=dim), "median")


# ---- order -----------------------------------------------------------------------------------------------
@_public
def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    return sort(x, dim, descending).indices  # type: ignore[no-any-return]


@_public
def sort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """(values, indices) in order along an axis; equal elements stay in their order."""
    if not x._data.ndim:
        return _PAIRS["sort"](clone(x), Tensor._of(np.zeros((), np.int64)))
    dim = _axis(x._data.ndim, dim)
    data = np.flip(x._data, dim) if descending else x._data
    places = np.argsort(data, axis=dim, kind="stable")
    if descending:
        places = np.flip(x._data.shape[dim] - 1 - places, dim)
    values = _run("gather", x, dim, places, named="SortBackward0")
    return _PAIRS["sort"](values, Tensor._of(places))


@_public
def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k largest elements along an axis."""
    dim = _axis(x._data.ndim, dim)
    if not 0 <= k <= (x._data.shape[dim] if x._data.ndim else 1):
        raise RuntimeError(f"selected index k out of range: k={k} for size {x._data.shape[dim]}")
    places = sort(x, dim, descending=largest).indices._data.take(range(k), axis=dim)
    return _PAIRS["topk"](_run("gather", x, dim, places, named="TopkBackward0"), Tensor._of(places))


@_public
def unique(x: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
    found = np.unique(x._data, return_inverse=return_inverse, return_counts=return_counts)
    return tuple(map(Tensor._of, found)) if isinstance(found, tuple) else Tensor._of(found)


@_public
def nonzero(x: Tensor, *, as_tuple: bool = False) -> Any:
    if as_tuple:
        return tuple(map(Tensor._of, np.nonzero(x._data)))
    return Tensor._of(np.argwhere(x._data))


@_public
def bincount(x: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    return Tensor._of(np.bincount(x._data, None if weights is None else weights._data, minlength))


# ---- shapes ----------------------------------------------------------------------------------------------
def _wanted(x: Tensor, sizes: Sequence[Any]) -> tuple[int, ...]:
    shape = tuple(dtypes.size(sizes))
    total = x._data.size
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if builtins.any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {builtins.min(shape)} in {list(shape)}")
    if -1 in shape:
        if not known or total % known:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {total}")
        return tuple(total // known if n == -1 else n for n in shape)
    if known != total:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {total}")
    return shape


@_public
def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; -1 stands for what is left. A view where NumPy can make one."""
    wanted = _wanted(x, shape)
    return _run("reshape", x, wanted, named="" if x._data.flags.c_contiguous else "UnsafeViewBackward0")


def _view(x: Tensor, *shape: Any) -> Tensor:
    """The same memory in another shape. Raises RuntimeError when that needs a copy; with a dtype, casts the memory."""
    if len(shape) == 1 and isinstance(shape[0], dtype_):
        return Tensor._of(x._data.view(shape[0].numpy))
    wanted = _wanted(x, shape)
    try:
        x._data.flags.c_contiguous or x._data.reshape(wanted, copy=False)
    except ValueError:
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension "
                           "spans across two contiguous subspaces). Use .reshape(...) instead.") from None  # fmt: skip
    return _run("reshape", x, wanted)


METHODS["view"] = _view
METHODS["view_as"] = lambda x, other: _view(x, other.shape)
METHODS["reshape_as"] = lambda x, other: reshape(x, other.shape)


@_public
def permute(x: Tensor, *dims: Any) -> Tensor:
    """The axes in another order, a view."""
    order = tuple(_axis(x._data.ndim, d) for d in dtypes.size(dims))
    if sorted_(order) != list(range(x._data.ndim)):
        raise RuntimeError(f"permute(): expected each of the {x._data.ndim} dimensions once, got {list(dims)}")
    return _run("permute", x, order)


sorted_ = builtins.sorted


@_public
def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged, a view."""
    a, b = _axis(x._data.ndim, dim0), _axis(x._data.ndim, dim1)
    order = list(range(x._data.ndim))
    if order:
        order[a], order[b] = order[b], order[a]
    return _run("permute", x, tuple(order), named="TransposeBackward0")


@_public
def t(x: Tensor) -> Tensor:
    if x._data.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x._data.ndim}D")
    return _run("permute", x, tuple(range(x._data.ndim))[::-1], named="TBackward0")


@_public
def swapaxes(x: Tensor, axis0: int, axis1: int) -> Tensor:
    return transpose(x, axis0, axis1)


@_public
def movedim(x: Tensor, source: Any, destination: Any) -> Tensor:
    """Some axes at other places, the rest in their order, a view."""
    n = x._data.ndim
    pairs = zip(*(d if isinstance(d, tuple | list) else (d,) for d in (source, destination)), strict=True)
    moved = {_axis(n, to_): _axis(n, from_) for from_, to_ in pairs}
    rest = iter(d for d in range(n) if d not in moved.values())
    return permute(x, *(moved[i] if i in moved else next(rest) for i in range(n)))  # type: ignore[no-any-return]


@_public
def squeeze(x: Tensor, dim: Any = None) -> Tensor:
    """Without the axes of size 1, or without those that are named if their size is 1."""
    shape = x._data.shape
    if dim is None:
        drop = [i for i, n in enumerate(shape) if n == 1]
    else:
        dims = [_axis(len(shape), d) for d in (dim if isinstance(dim, tuple | list) else (dim,))]
        drop = [d for d in dims if shape and shape[d] == 1]
    wanted = tuple(n for i, n in enumerate(shape) if i not in drop)
    return _run("reshape", x, wanted, named=f"SqueezeBackward{int(dim is not None)}")


@_public
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new axis of size 1 at `dim`."""
    at = _axis(x._data.ndim + 1, dim)
    return _run("reshape", x, (*x._data.shape[:at], 1, *x._data.shape[at:]), named="UnsqueezeBackward0")


@_public
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim as one."""
    shape = x._data.shape
    if not shape:
        return _run("reshape", x, (1,))
    a, b = _axis(len(shape), start_dim), _axis(len(shape), end_dim)
    if a > b:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return x if a == b else _run("reshape", x, (*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :]))


@_public
def ravel(x: Tensor) -> Tensor:
    return reshape(x, (-1,))


@_public
def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    at = _axis(x._data.ndim, dim)
    part = _wanted(Tensor._of(np.empty(x._data.shape[at], np.bool_)), (tuple(sizes),))
    return _run("reshape", x, (*x._data.shape[:at], *part, *x._data.shape[at + 1 :]))


def _expand(x: Tensor, *shape: Any) -> Tensor:
    """A view with axes of size 1 repeated; -1 keeps an axis."""
    wanted = dtypes.size(shape)
    lead = len(wanted) - x._data.ndim
    full = tuple(x._data.shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(wanted))
    try:
        return _run("expand", x, full)
    except ValueError:
        raise RuntimeError(f"The expanded size of the tensor {tuple(full)} must match the existing size "
                           f"{tuple(x.shape)} wherever that is not 1") from None  # fmt: skip


METHODS["expand"] = _expand
METHODS["expand_as"] = lambda x, other: _expand(x, other.shape)


@_function
def broadcast_to(x: Tensor, shape: Any) -> Tensor:
    return _expand(x, shape)


METHODS["broadcast_to"] = broadcast_to


@_function
def broadcast_tensors(*xs: Tensor) -> tuple[Tensor, ...]:
    shape = np.broadcast_shapes(*(x._data.shape for x in xs))
    return tuple(_expand(x, shape) for x in xs)


def _repeat(x: Tensor, *times: Any) -> Tensor:
    """The whole tensor, so many times along each axis."""
    n = dtypes.size(times)
    shape = (1,) * (len(n) - x._data.ndim) + x._data.shape
    apart = [m for size in shape for m in (1, size)]
    out = _run("reshape", x, tuple(apart))
    out = _run("expand", out, tuple(m for pair in zip(n, shape, strict=True) for m in pair))
    return _run("reshape", out, tuple(a * b for a, b in zip(n, shape, strict=True)), named="RepeatBackward0")


METHODS["repeat"] = _repeat


@_function
def tile(x: Tensor, dims: Any) -> Tensor:
    dims = tuple(dims)
    return _repeat(x, *(1,) * (x._data.ndim - len(dims)), *dims)


@_public
def repeat_interleave(x: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Each element so many times."""
    if dim is None:
        x, dim = reshape(x, (-1,)), 0
    dim = _axis(x._data.ndim, dim)
    places = np.repeat(np.arange(x._data.shape[dim]), getattr(repeats, "_data", repeats))
    return index_select(x, dim, Tensor._of(places))


@_public
def flip(x: Tensor, *dims: Any) -> Tensor:
    """Reversed along the axes."""
    return _run("flip", x, tuple(_axis(x._data.ndim, d) for d in dtypes.size(dims)))


@_public
def roll(x: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    if dims is None:
        return reshape(_run("roll", reshape(x, (-1,)), shifts, 0), x.shape)
    return _run("roll", x, tuple(shifts) if isinstance(shifts, list) else shifts,
                tuple(dims) if isinstance(dims, list) else dims)  # fmt: skip


@_public
def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The elements start to start + length along an axis, a view."""
    axis = _axis(x._data.ndim, dim)
    size = x._data.shape[axis]
    start = start % size if -size <= start < 0 else start
    if not 0 <= start <= size or length < 0 or start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return x[(slice(None),) * axis + (slice(start, start + length),)]


@_public
def select(x: Tensor, dim: int, index: int) -> Tensor:
    return x[(slice(None),) * _axis(x._data.ndim, dim) + (operator.index(index),)]


@_public
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    axis = _axis(x._data.ndim, dim)
    lead = (slice(None),) * axis
    return tuple(_run("index", x, (*lead, i, ...), named="UnbindBackward0") for i in range(x._data.shape[axis]))


@_public
def split(x: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along an axis: of one size (the last one smaller), or of the sizes that are listed."""
    n = x._data.shape[_axis(x._data.ndim, dim)]
    sizes = split_size_or_sections
    if isinstance(sizes, int):
        if sizes <= 0 and n:
            raise RuntimeError(f"split expects split_size be positive, but got split_size={sizes}")
        sizes = [builtins.min(sizes, n - i) for i in range(0, n, sizes)] or [0]
    elif builtins.sum(sizes) != n:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                           f"dimension {dim}), but got split_sizes={list(sizes)}")  # fmt: skip
    starts = [builtins.sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(narrow(x, dim, a, m) for a, m in zip(starts, sizes, strict=True))


@_public
def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    n = x._data.shape[_axis(x._data.ndim, dim)]
    return split(x, builtins.max(1, -(-n // chunks)), dim)  # type: ignore[no-any-return]


def _several(xs: Iterable[Any], name: str) -> list[Any]:
    xs = list(xs)
    if not xs:
        raise (ValueError if name == "cat" else RuntimeError)(f"{name}(): expected a non-empty list of Tensors")
    for i, x in enumerate(xs):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    kind = dtypes.result_type(*(x._data for x in xs))
    return [x if x._data.dtype == kind else to(x, dtypes.of(kind)) for x in xs]


@_function
def cat(tensors: Iterable[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors one after the other along an axis that they have."""
    xs = _several(tensors, "cat")
    if len(xs) > 1:  # PyTorch lets an empty vector be joined to anything
        xs = [x for x in xs if x._data.shape != (0,)] or xs[:1]
    dim = _axis(xs[0]._data.ndim, dim if axis is None else axis)
    for x in xs:
        if not x._data.ndim:
            raise RuntimeError("zero-dimensional tensor cannot be concatenated; use stack")
        if x._data.ndim != xs[0]._data.ndim or builtins.any(
            a != b for i, (a, b) in enumerate(zip(x.shape, xs[0].shape, strict=True)) if i != dim
        ):
            raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Got shapes "
                               f"{[tuple(x.shape) for x in xs]}")  # fmt: skip
    return _run("cat", dim, *xs)


concat = concatenate = cat
__all__ += ["concat", "concatenate"]


@_function
def stack(tensors: Iterable[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors of one shape along a new axis."""
    xs = _several(tensors, "stack")
    for i, x in enumerate(xs):
        if x.shape != xs[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(xs[0].shape)} at entry 0 "
                               f"and {list(x.shape)} at entry {i}")  # fmt: skip
    return _run("stack", _axis(xs[0]._data.ndim + 1, dim if axis is None else axis), *xs)


@_function
def vstack(tensors: Iterable[Tensor]) -> Tensor:
    return cat([x if x._data.ndim > 1 else reshape(x, (1, -1)) for x in tensors])


@_function
def hstack(tensors: Iterable[Tensor]) -> Tensor:
    xs = [x if x._data.ndim else reshape(x, (1,)) for x in tensors]
    return cat(xs, 0 if xs[0]._data.ndim == 1 else 1)


@_function
def meshgrid(*xs: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    tensors = xs[0] if len(xs) == 1 and not isinstance(xs[0], Tensor) else xs
    return tuple(Tensor._of(np.array(a)) for a in np.meshgrid(*(x._data for x in tensors), indexing=indexing))


@_function
def cartesian_prod(*xs: Tensor) -> Tensor:
    return stack([reshape(a, (-1,)) for a in meshgrid(*xs)], 1) if len(xs) > 1 else xs[0]


# ---- elements by their place -----------------------------------------------------------------------------
def _indices(index: Tensor, name: str) -> Any:
    if not isinstance(index, Tensor) or index._data.dtype.kind not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, got {getattr(index, 'dtype', type(index))}")
    return index._data.copy()  # which may be changed before the backward pass


@_public
def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on: of index's shape."""
    places = _indices(index, "gather")
    if places.ndim != x._data.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    dim = _axis(x._data.ndim, dim)
    size = x._data.shape[dim] if x._data.ndim else 1
    if places.size and not 0 <= places.min() <= places.max() < size:
        raise RuntimeError(f"index {places.max()} is out of bounds for dimension {dim} with size {size}")
    if not x._data.ndim:
        return clone(x)
    return _run("gather", x, dim, places)


@_public
def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of the places in `index` along an axis."""
    return x[(slice(None),) * _axis(x._data.ndim, dim) + (index,)]


@_public
def take_along_dim(x: Tensor, indices: Tensor, dim: int) -> Tensor:
    return gather(x, dim, indices)


@_public
def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """x with src added at the places of the index."""
    places = _indices(index, "scatter_add")
    src = src[tuple(slice(0, n) for n in places.shape)]
    return x + _run("scatter_add", src, _axis(x._data.ndim, dim), places, x._data.shape)


@_public
def scatter(x: Tensor, dim: int, index: Tensor, src: Any = None, *, value: float | None = None) -> Tensor:
    """x with the elements at the places of the index replaced."""
    from .structural import _grid

    places = _indices(index, "scatter")
    src = value if src is None else src
    given = src[tuple(slice(0, n) for n in places.shape)] if isinstance(src, Tensor) else as_tensor(src, x.dtype)
    return _run("put", x, given, _grid(places, _axis(x._data.ndim, dim)))


METHODS["scatter_"] = lambda x, *inputs, **named: x._assign(scatter(x, *inputs, **named))
METHODS["scatter_add_"] = lambda x, *inputs, **named: x._assign(scatter_add(x, *inputs, **named))


@_public
def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with value wherever the mask holds."""
    if mask._data.dtype != bool:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype!r}")
    value = value if isinstance(value, Tensor) else Tensor._of(np.asarray(value, x._data.dtype))
    found = _elementwise(RULES["where"])(mask, value, x)
    if found._node is not None:
        found._node.named = "MaskedFillBackward0"
    return found  # type: ignore[no-any-return]


@_public
def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    xs, masks = broadcast_tensors(x, mask)
    return xs[masks]


@_public
def diagonal(x: Tensor, offset: int = 0) -> Tensor:
    rows, columns = x._data.shape
    first, second = builtins.max(0, -offset), builtins.max(0, offset)
    places = np.arange(builtins.max(0, builtins.min(rows - first, columns - second)))
    return _run("index", x, (places + first, places + second), named="DiagonalBackward0")


@_public
def diag(x: Tensor, diagonal_: int = 0, *, diagonal: int | None = None) -> Tensor:
    """A matrix's diagonal, or the matrix that has a vector on its diagonal."""
    offset = diagonal_ if diagonal is None else diagonal
    if x._data.ndim == 2:
        return globals()["diagonal"](x, offset)  # type: ignore[no-any-return]
    n = x._data.shape[0] + abs_(offset)
    places = np.arange(x._data.shape[0])
    key = (places + builtins.max(0, -offset), places + builtins.max(0, offset))
    return _run("index_add", x, (n, n), key, named="DiagBackward0")


abs_ = builtins.abs


@_public
def trace(x: Tensor) -> Tensor:
    return sum(diagonal(x))


def _triangle(name: str, x: Tensor, diagonal: int) -> Tensor:
    if x._data.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got shape {tuple(x.shape)}")
    return _run(name, x, diagonal)


@_public
def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two axes, zeros above."""
    return _triangle("tril", x, diagonal)


@_public
def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two axes, zeros below."""
    return _triangle("triu", x, diagonal)


# ---- products --------------------------------------------------------------------------------------------
def _alike(a: Tensor, b: Tensor, name: str) -> None:
    if a._data.dtype != b._data.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a.dtype.title.lower()} != "
                           f"{b.dtype.title.lower()}; convert one of them, with .to({a.dtype!r})")  # fmt: skip


@_public
def matmul(a: Tensor, b: Tensor) -> Tensor:
    """The product of vectors, matrices or batches of matrices, as PyTorch's matmul. Raises RuntimeError for misfits."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        raise TypeError(f"matmul takes two Tensors, got {type(a).__name__} and {type(b).__name__}")
    x, z = a._data, b._data
    _alike(a, b, "matmul")
    if not x.ndim or not z.ndim:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {x.ndim}D and {z.ndim}D")
    if x.shape[-1] != z.shape[-2 if z.ndim > 1 else 0]:
        raise RuntimeError(_misfit(x.shape, z.shape))
    if x.ndim > 2 and z.ndim > 2:
        _refuse_shapes(x.shape[:-2], z.shape[:-2])
    return _run("matmul", a, b)


def _misfit(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    if len(a) == 1 and len(b) == 1:
        return f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the same number of elements"
    if len(b) == 1:
        return f"size mismatch, got input ({a[-2]}), mat ({a[-2]}x{a[-1]}), vec ({b[0]})"
    rows = math.prod(a[:-1])
    return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a[-1]} and {b[-2]}x{b[-1]})"


def _matmul_operator(a: Tensor, b: Any) -> Any:
    return matmul(a, as_tensor(b)) if isinstance(b, Tensor | np.ndarray) else NotImplemented


METHODS["__matmul__"] = _matmul_operator
METHODS["__rmatmul__"] = lambda b, a: matmul(as_tensor(a), b) if isinstance(a, np.ndarray) else NotImplemented


def _of_rank(name: str, *ranks: int) -> Callable[..., Tensor]:
    def function(a: Tensor, b: Tensor) -> Tensor:
        if (a._data.ndim, b._data.ndim) != ranks:
            raise RuntimeError(f"{name}: expected tensors of {ranks[0]} and {ranks[1]} dimensions, got {a._data.ndim} "
                               f"and {b._data.ndim}")  # fmt: skip
        return matmul(a, b)  # type: ignore[no-any-return]

    function.__name__ = name
    function.__doc__ = f"The product of a {ranks[0]}-d and a {ranks[1]}-d tensor."
    return _public(function)


mm, mv, bmm = _of_rank("mm", 2, 2), _of_rank("mv", 2, 1), _of_rank("bmm", 3, 3)


@_public
def dot(a: Tensor, b: Tensor) -> Tensor:
    """Σ a·b of two vectors."""
    if a._data.ndim != 1 or b._data.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a._data.ndim}D and {b._data.ndim}D tensors")
    return matmul(a, b)  # type: ignore[no-any-return]



@_public
def outer(a: Tensor, b: Tensor) -> Tensor:
    """a[i]·b[j] of two vectors."""
    if a._data.ndim != 1 or b._data.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D arguments, but got {a._data.ndim}-D and {b._data.ndim}-D")
    return reshape(a, (-1, 1)) * b  # type: ignore[no-any-return]


@_function
def addmm(b: Tensor, x: Tensor, w: Tensor) -> Tensor:
    return b + matmul(x, w)  # type: ignore[no-any-return]


@_function
def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products by Einstein's convention, such as "bij,bjk->bik". Raises ValueError for a wrong equation."""
    xs = operands[0] if len(operands) == 1 and isinstance(operands[0], tuple | list) else operands
    full = explicit(equation, [x._data.shape for x in xs])
    try:
        return _run("einsum", full, *xs)
    except ValueError as problem:
        shapes = ", ".join(str(tuple(x.shape)) for x in xs)
        raise RuntimeError(f"einsum({equation!r}) does not fit tensors of shape {shapes}: {problem}") from None


@_function
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    if isinstance(dims, int):
        dims = (list(range(a._data.ndim - dims, a._data.ndim)), list(range(dims)))
    left = [_axis(a._data.ndim, d) for d in dims[0]]
    right = [_axis(b._data.ndim, d) for d in dims[1]]
    rest_a = [i for i in range(a._data.ndim) if i not in left]
    rest_b = [i for i in range(b._data.ndim) if i not in right]
    inner = math.prod(a._data.shape[i] for i in left)
    found = matmul(reshape(permute(a, *rest_a, *left), (-1, inner)), reshape(permute(b, *right, *rest_b), (inner, -1)))
    return reshape(found, tuple(a._data.shape[i] for i in rest_a) + tuple(b._data.shape[i] for i in rest_b))  # type: ignore[no-any-return]


# ---- element by element ----------------------------------------------------------------------------------
def _binary(name: str, alpha: bool) -> Callable[..., Tensor]:
    each = _elementwise(RULES[name])

    def function(x: Any, other: Any, *, alpha: float = 1) -> Tensor:
        return each(x, other if alpha == 1 else other * alpha)

    def plain(x: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        if rounding_mode is not None:
            return _rounded_quotient(x, other, rounding_mode)
        return each(x, other)

    made = function if alpha else plain
    made.__name__, made.__doc__ = name, f"The rule {name}, element by element, with broadcasting."
    METHODS[f"{name}_"] = lambda x, other, **named: _in_place(x, made, other, **named)
    return _public(made)


def _in_place(x: Tensor, function: Callable[..., Any], *inputs: Any, **named: Any) -> Tensor:
    x._writable()
    return x._assign(function(x if x._node is None else clone(x), *inputs, **named))


def _rounded_quotient(x: Any, other: Any, mode: str) -> Tensor:
    if mode not in ("floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{mode}'")
    x, other = as_tensor(x), as_tensor(other)
    kind = dtypes.result_type(x._data, other._data)
    with np.errstate(all="ignore"):
        found = np.floor_divide(x._data, other._data) if mode == "floor" else np.trunc(x._data / other._data)
    return Tensor._of(found.astype(kind))


add, sub = _binary("add", True), _binary("sub", True)
mul, div, pow = (_binary(name, False) for name in ("mul", "div", "pow"))
for _alias, _name in {"subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div"}.items():
    globals()[_alias] = METHODS[_alias] = METHODS[_name]
    __all__.append(_alias)
for _alias, _name in {"negative": "neg", "absolute": "abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
                      "arctan2": "atan2"}.items():  # fmt: skip
    globals()[_alias] = METHODS[_alias] = _elementwise(RULES[_name])
    __all__.append(_alias)


@_function
def rsub(x: Tensor, other: Any) -> Tensor:
    return _elementwise(RULES["sub"])(other, x)  # type: ignore[no-any-return]


@_public
def clamp(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element not below min and not above max; the gradient is 1 at the limits too."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    low, high = (-math.inf if min is None else min), (math.inf if max is None else max)
    if x._data.dtype.kind != "f":
        info = np.iinfo(x._data.dtype)
        low, high = (info.min if low == -math.inf else low), (info.max if high == math.inf else high)
    return _elementwise(RULES["clamp"])(x, low, high)  # type: ignore[no-any-return]


@_public
def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    return clamp(x, min, max)  # type: ignore[no-any-return]


METHODS["clamp_"] = METHODS["clip_"] = lambda x, min=None, max=None: _in_place(x, clamp, min, max)
METHODS["clamp_min"] = lambda x, min: clamp(x, min)
METHODS["clamp_max"] = lambda x, max: clamp(x, None, max)
METHODS["masked_fill_"] = lambda x, mask, value: _in_place(x, masked_fill, mask, value)


@_function
def where(condition: Tensor, x: Any = None, other: Any = None) -> Any:
    """x where the condition holds, else other; alone, the places where it holds."""
    if x is None:
        return nonzero(condition, as_tuple=True)
    if not isinstance(condition, Tensor) or isinstance(x, Tensor | float | int) is False:
        return RULES["where"](condition, x, other)
    if not isinstance(x, Tensor) and not isinstance(other, Tensor):
        x = as_tensor(x)
    return _elementwise(RULES["where"])(condition, x, other)


METHODS["where"] = lambda x, condition, other: where(condition, x, other)


@_function
def lerp(start: Tensor, end: Tensor, weight: Any) -> Tensor:
    return start + (end - start) * weight  # type: ignore[no-any-return]


METHODS["lerp"] = lerp


def _stepped(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """A function whose derivative is 0 wherever there is one."""

    def plain(x: Tensor) -> Tensor:
        with np.errstate(all="ignore"):
            return _run("constant_pieces", x, function, named=f"{name.capitalize()}Backward0")

    plain.__name__, plain.__doc__ = name, f"{name} of each element; its gradient is 0."
    METHODS[f"{name}_"] = lambda x: _in_place(x, plain)
    return _public(plain)


sign, floor, ceil, trunc = (_stepped(n, getattr(np, n)) for n in ("sign", "floor", "ceil", "trunc"))


@_public
def round(x: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to even ones."""
    return _run("constant_pieces", x, lambda a: np.round(a, decimals), named="RoundBackward0")


@_public
def frac(x: Tensor) -> Tensor:
    return x - trunc(x)  # type: ignore[no-any-return]


def _predicate(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    def each(x: Tensor) -> Tensor:
        return Tensor._of(function(x._data))

    each.__name__, each.__doc__ = name, f"{name} of each element, a bool tensor."
    return _public(each)


isnan, isinf, isfinite, logical_not = (
    _predicate(n, getattr(np, n)) for n in ("isnan", "isinf", "isfinite", "logical_not")
)


@_public
def nan_to_num(x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    return Tensor._of(np.nan_to_num(x._data, nan=nan, posinf=posinf, neginf=neginf))


def _joint(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    def each(x: Tensor, other: Any) -> Tensor:
        return Tensor._of(function(x._data, getattr(other, "_data", other)))

    each.__name__, each.__doc__ = name, f"{name}, element by element; no gradient."
    return _public(each)


logical_and, logical_or, logical_xor = (_joint(n, getattr(np, n)) for n in ("logical_and", "logical_or", "logical_xor"))


def _operator(name: str) -> Callable[..., Tensor]:
    method = {"remainder": "__mod__", "floor_divide": "__floordiv__"}.get(name, f"__{name}__")

    def each(x: Any, other: Any) -> Tensor:
        return getattr(as_tensor(x), method)(other)  # type: ignore[no-any-return]

    each.__name__, each.__doc__ = name, f"The operator {name}, element by element; no gradient."
    return _public(each)


for _name in ("eq", "ne", "lt", "le", "gt", "ge", "remainder", "floor_divide"):
    globals()[_name] = _operator(_name)


@_public
def equal(x: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are the same."""
    return bool(np.array_equal(x._data, other._data))


@_public
def allclose(x: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |x − other| ≤ atol + rtol·|other| for all elements. Raises RuntimeError when the dtypes differ."""
    if x._data.dtype != other._data.dtype:
        raise RuntimeError(f"{x.dtype.title} did not match {other.dtype.title}; convert one of them first")
    return bool(np.allclose(x._data, other._data, rtol, atol, equal_nan))


@_public
def isclose(x: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    return Tensor._of(np.isclose(x._data, other._data, rtol, atol, equal_nan))


# ---- what and where a tensor is --------------------------------------------------------------------------
@_public
def clone(x: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy that gradients pass through."""
    return _run("clone", x)


@_public
def numel(x: Tensor) -> int:
    return x._data.size


METHODS["nelement"] = numel


@_function
def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


@_public
def is_floating_point(x: Tensor) -> bool:
    return x._data.dtype.kind == "f"


def to(x: Tensor, *where: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """The tensor in another dtype, recorded; devices other than the CPU are refused, the CPU is where it is."""
    for w in where:
        if isinstance(w, Tensor):
            dtype = w.dtype
        elif isinstance(w, str | dtypes.device):
            device = w
        elif not isinstance(w, bool) and w is not None:
            dtype = w
    if device is not None:
        dtypes.device(device)
    if dtype is None or dtypes.of(dtype).numpy == x._data.dtype:
        return clone(x) if copy else x  # type: ignore[no-any-return]
    return _run("cast", x, np.empty(0, dtypes.of(dtype).numpy))


def _as(name: str) -> Callable[..., Tensor]:
    kind = getattr(dtypes, name)
    return lambda x: to(x, kind)


METHODS["to"] = to
for _name in ("float", "double", "half", "long", "int", "short", "bool"):
    METHODS[_name] = _as(_name)


def _type(x: Tensor, dtype: Any = None) -> Any:
    """The name of the tensor's type, or the tensor in another dtype."""
    if dtype is None:
        return f"torch.{x.dtype.title}Tensor"
    if isinstance(dtype, str):
        dtype = next(d for d in dtypes.ALL if dtype == f"torch.{d.title}Tensor")
    return to(x, dtype)


METHODS.update({
    "type": _type, "type_as": lambda x, other: to(x, other.dtype), "cpu": lambda x: x,
    "dim": lambda x: x._data.ndim, "ndimension": lambda x: x._data.ndim, "element_size": lambda x: x._data.itemsize,
    "contiguous": lambda x: x if x._data.flags.c_contiguous else clone(x),
    "is_contiguous": lambda x: bool(x._data.flags.c_contiguous),
    "data_ptr": lambda x: x._data.ctypes.data,
})  # fmt: skip


def _size(x: Tensor, dim: int | None = None) -> Any:
    return x.shape if dim is None else x._data.shape[_axis(x._data.ndim, dim)]


def _stride(x: Tensor, dim: int | None = None) -> Any:
    steps = tuple(s // x._data.itemsize for s in x._data.strides)
    return steps if dim is None else steps[_axis(x._data.ndim, dim)]


METHODS["size"], METHODS["stride"] = _size, _stride


def _copy(x: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Take other's numbers, broadcast and converted; gradients flow to `other`."""
    x._writable()
    other = to(as_tensor(other, x.dtype), x.dtype)
    return x._assign(_expand(other, x.shape) if other.shape != x.shape or other is x else clone(other))


def _fill(x: Tensor, value: Any) -> Tensor:
    """Set every element to one number."""
    x._writable()
    x._data[...] = value.item() if isinstance(value, Tensor) else value
    if x._node is not None and x._node.rule is not None:
        x._node = None
    x._written()
    return x


def _detached(x: Tensor) -> Tensor:
    x._node = None
    return x


METHODS.update({
    "copy_": _copy, "fill_": _fill, "zero_": lambda x: _fill(x, 0), "detach_": _detached,
    "squeeze_": lambda x, *d: _reshaped(x, squeeze(x, *d)), "unsqueeze_": lambda x, d: _reshaped(x, unsqueeze(x, d)),
    "t_": lambda x: _reshaped(x, t(x)),
})  # fmt: skip


def _reshaped(x: Tensor, found: Tensor) -> Tensor:
    x._data, x._node = found._data, found._node
    return x


def _property(function: Callable[[Any], Any], doc: str) -> Any:
    return property(function, doc=doc)


for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)
Tensor.T = _property(  # type: ignore[attr-defined]
    lambda x: _run("permute", x, tuple(range(x._data.ndim))[::-1]), "The axes in reverse order, a view."
)
Tensor.mT = _property(lambda x: transpose(x, -2, -1), "The last two axes exchanged.")  # type: ignore[attr-defined]
Tensor.nbytes = _property(lambda x: x._data.nbytes, "Bytes of the elements.")  # type: ignore[attr-defined]
Tensor.itemsize = _property(lambda x: x._data.itemsize, "Bytes of an element.")  # type: ignore[attr-defined]
Tensor.is_cuda = _property(lambda x: False, "False: everything is on the CPU.")  # type: ignore[attr-defined]
