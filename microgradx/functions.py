"""PyTorch's functions over Tensors, each also a method: sum, matmul, cat, softmax, sort, …

A function checks what it is given, as PyTorch does and in its words, and runs a rule of structural.py or of the
table. Those that have an axis take NumPy's spelling of it too: `x.sum(axis=1, keepdims=True)`.

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
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import signature
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np

from . import dtypes
from .dtypes import dtype as dtype_
from .rules import RULES
from .structural import STRUCTURAL, count, explicit, grid
from .tensor import Tensor, _elementwise, _refuse_shapes, _shared, apply, as_tensor

__all__: list[str] = []
METHODS: dict[str, Callable[..., Any]] = {}
F = TypeVar("F", bound=Callable[..., Any])


# ---- what functions are made of --------------------------------------------------------------------------
def _public(function: F) -> F:
    """A function of the package and a method of Tensor."""
    return _function(_method(_spelled(function)))


def _function(function: F) -> F:
    """A function of the package alone."""
    __all__.append(function.__name__)
    return _spelled(function)


def _method(function: F) -> F:
    """A method of Tensor alone."""
    METHODS[function.__name__] = spelled = _spelled(function)
    return spelled


def _spelled(function: F) -> F:
    """The function, which may be told axes by NumPy's names, and by name what it takes any number of: dims=(0, 1).

    It refuses by name what is no Tensor.
    """
    parameters = signature(function).parameters
    several = next((p.name for p in parameters.values() if p.kind is p.VAR_POSITIONAL), "")
    if hasattr(function, "__wrapped__"):
        return function

    @wraps(function)
    def spelled(*inputs: Any, **named: Any) -> Any:
        if named:
            if several in named:
                inputs += (named.pop(several),)
            named = {_NUMPYS.get(name, name): x for name, x in named.items()}
        try:
            return function(*inputs, **named) if named else function(*inputs)
        except AttributeError:  # a list has no _data
            given = signature(function).bind(*inputs, **named).arguments
            _refuse_others(function, {name: x for name, x in given.items() if name != several})
            raise

    return spelled  # type: ignore[return-value]


def _refuse_others(function: Callable[..., Any], inputs: dict[str, Any]) -> None:
    """Raise TypeError for the first input that is no Tensor where one is expected."""
    for i, (name, x) in enumerate(inputs.items()):
        if function.__annotations__[name] == "Tensor" and not isinstance(x, Tensor):
            raise TypeError(f"{function.__name__}(): argument '{name}' (position {i + 1}) must be Tensor, not "
                            f"{type(x).__name__}; make one with torch.tensor(…)") from None  # fmt: skip


_NUMPYS = {"axis": "dim", "keepdims": "keepdim"}


def _run(name: str, *inputs: Any) -> Tensor:
    return apply(STRUCTURAL[name], *inputs)


def _called(made: Tensor, name: str) -> Tensor:
    """A tensor that was just made, by PyTorch's name for the operation where a rule serves several."""
    if made._node is not None:
        made._node.named = name
    return made


def _in_place(input: Tensor, function: Callable[..., Tensor], *inputs: Any, **named: Any) -> Tensor:
    input._writable()
    return input._assign(function(input, *inputs, **named))


def _cast(input: Tensor, dtype: dtype_ | None) -> Tensor:
    return input if dtype is None else to(input, dtype)


def _floating(input: Tensor, what: str) -> None:
    if input._data.dtype.kind != "f":
        raise RuntimeError(f"{what}(): could not infer output dtype. Input dtype must be either a floating point or "
                           f"complex dtype. Got: {input.dtype.title}; convert it with .float()")  # fmt: skip


# ---- axes ------------------------------------------------------------------------------------------------
def _axis(ndim: int, dim: Any) -> int:
    """An axis as a number from 0 on. Raises IndexError when there is no such axis, TypeError for no int."""
    limit = ndim or 1
    if dim.__class__ is int and -limit <= dim < limit:
        return dim % limit
    try:
        found = operator.index(dim)
    except TypeError:
        raise TypeError(f"dim is an int, of some reductions several, got {type(dim).__name__} {dim!r:.40}") from None
    if not -limit <= found < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return found % limit


def _axes(input: Tensor, dim: Any) -> int | tuple[int, ...] | None:
    """Axes as NumPy wants them: an int, a tuple of ints, or None for all, the only ones that a 0-d tensor has."""
    ndim = input._data.ndim
    if dim is None or dim == () or dim == []:
        return None
    found = tuple(_axis(ndim, d) for d in dim) if isinstance(dim, tuple | list) else _axis(ndim, dim)
    if isinstance(found, tuple) and len(set(found)) < len(found):
        raise RuntimeError(f"dim {dim} appears multiple times in the list of dims")
    return found if ndim else None


def _lead(input: Tensor, dim: Any) -> tuple[slice, ...]:
    """What stands before an index along an axis."""
    return (slice(None),) * _axis(input._data.ndim, dim)


# ---- reductions ------------------------------------------------------------------------------------------
_SUM, _MEAN, _RESHAPE = STRUCTURAL["sum"], STRUCTURAL["mean"], STRUCTURAL["reshape"]


@_public
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype_ | None = None) -> Tensor:
    """The sum over some axes, or all. Integers and bools sum to int64."""
    if dtype is not None:
        input = to(input, dtype)
    return apply(_SUM, input, None if dim is None else _axes(input, dim), keepdim)


@_public
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype_ | None = None) -> Tensor:
    """The mean over some axes, or all. Raises RuntimeError for integers."""
    if dtype is not None:
        input = to(input, dtype)
    if input._data.dtype.kind != "f":
        _floating(input, "mean")
    return apply(_MEAN, input, None if dim is None else _axes(input, dim), keepdim)


@_public
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtype_ | None = None) -> Tensor:
    """The product along an axis, or of all elements; its gradient is right where elements are 0 too."""
    axis = None if dim is None else _axis(input._data.ndim, dim)
    return _run("prod", _cast(input, dtype), axis if input._data.ndim else None, keepdim)


def _deviation(name: str) -> Callable[..., Tensor]:
    def function(
        input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None,
    ) -> Tensor:  # fmt: skip
        if isinstance(dim, bool):  # PyTorch's older form: x.var(False)
            dim, unbiased = None, dim
        _floating(input, name)
        less = correction if correction is not None else 1 if unbiased is None else int(unbiased)
        axes = _axes(input, dim)
        if count(input._data.shape, axes) <= less:
            warnings.warn(f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
                          f"reduction factor (input numel divided by output numel); the shape is {tuple(input.shape)}.",
                          UserWarning, stacklevel=4)  # fmt: skip
        return _run(name, input, axes, float(less), keepdim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The {name} over some axes, or all; divided by n − correction, which is n − 1 by default."
    return _public(function)


var, std = _deviation("var"), _deviation("std")


@_function
def var_mean(input: Tensor, dim: Any = None, keepdim: bool = False, **options: Any) -> tuple[Tensor, Tensor]:
    """(var, mean), each as alone."""
    found = var(input, dim, keepdim=keepdim, **options), mean(input, dim, keepdim)
    return _called(found[0], "VarMeanBackward0"), _called(found[1], "VarMeanBackward0")


@_function
def std_mean(input: Tensor, dim: Any = None, keepdim: bool = False, **options: Any) -> tuple[Tensor, Tensor]:
    """(std, mean), each as alone."""
    found = std(input, dim, keepdim=keepdim, **options), mean(input, dim, keepdim)
    return _called(found[0], "StdMeanBackward0"), _called(found[1], "StdMeanBackward0")


@_public
def norm(input: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: dtype_ | None = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over some axes, or all; p may be "fro", inf or -inf, which raise RuntimeError for no elements."""
    input = _cast(input, dtype)
    _floating(input, "norm")
    p = 2.0 if p is None or p == "fro" else float(p)
    axes = _axes(input, dim)
    if math.isinf(p) and _chooses_from_nothing(input, axes):
        raise RuntimeError(f"norm(): the {p} norm needs elements to choose from, got shape {tuple(input.shape)}")
    return _run("norm", input, p, axes, keepdim)


@_public
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) over some axes, without overflow."""
    if input._data.dtype.kind != "f":
        input = to(input, dtypes.get_default_dtype())
    return _run("logsumexp", input, _axes(input, dim), keepdim)


@_public
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements along the axes hold. uint8 stays uint8, as in PyTorch."""
    return _test(np.all, input, dim, keepdim)


@_public
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some element along the axes holds. uint8 stays uint8, as in PyTorch."""
    return _test(np.any, input, dim, keepdim)


def _test(test: Callable[..., Any], input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    kind = input._data.dtype if input._data.dtype == np.uint8 else bool
    return Tensor._of(test(input._data, axis=_axes(input, dim), keepdims=keepdim).astype(kind))


@_public
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not 0, over some axes or all."""
    return Tensor._of(np.count_nonzero(input._data, axis=_axes(input, dim)))


# ---- the largest and the smallest ------------------------------------------------------------------------
class _Pair(NamedTuple):
    values: Tensor
    indices: Tensor


def _pair(name: str) -> type[_Pair]:
    """PyTorch's torch.return_types.max and the like."""

    def __repr__(self: _Pair) -> str:
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    return type(name, (_Pair,), {"__repr__": __repr__, "__slots__": ()})


_PAIRS = {name: _pair(name) for name in ("max", "min", "sort", "topk", "median")}


def _chosen(name: str, named: str, input: Tensor, dim: int, places: Any, keepdim: bool = True) -> Any:
    """The elements at the places along an axis, and the places; without the axis unless it is kept."""
    values = _called(_run("gather", input, dim, places), named)
    if not keepdim:
        shape = tuple(n for i, n in enumerate(places.shape) if i != dim)
        values, places = _called(_run("reshape", values, shape), named), places.reshape(shape)
    return _PAIRS[name](values, Tensor._of(places))


def _chooses_from_nothing(input: Tensor, axes: Any) -> bool:
    shape = input._data.shape
    return not input._data.size and (axes is None or 0 in [shape[d] for d in np.atleast_1d(axes)])


def _extreme(name: str, input: Tensor, axes: Any, keepdim: bool) -> Tensor:
    if _chooses_from_nothing(input, axes):
        raise (RuntimeError if axes is None else IndexError)(
            f"{name}(): expected a tensor with elements to choose from, got shape {tuple(input.shape)}; "
            "give a dim that is not empty"
        )
    return _run(name, input, axes, keepdim)


@_public
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest element over some axes, or all; elements that tie share the gradient."""
    return _extreme("amax", input, _axes(input, dim), keepdim)


@_public
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest element over some axes, or all; elements that tie share the gradient."""
    return _extreme("amin", input, _axes(input, dim), keepdim)


def _extremes(name: str, pick: Callable[..., Any], pairwise: str) -> Callable[..., Any]:
    each, title = _elementwise(RULES[pairwise]), name.capitalize()

    def function(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
        other = dim if isinstance(dim, Tensor) else other
        if other is not None:
            return each(input, other)
        if dim is None:
            return _called(_extreme(f"a{name}", input, None, False), f"{title}Backward1")
        axis = _axis(input._data.ndim, dim)
        if input._data.ndim and not input._data.shape[axis]:
            raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
        places = np.asarray(pick(input._data, axis=axis, keepdims=True))
        return _chosen(name, f"{title}Backward0", input, axis, places, keepdim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name}(): the one element; {name}(dim): (values, indices); {name}(other): element by element."
    return _public(function)


max, min = _extremes("max", np.argmax, "maximum"), _extremes("min", np.argmin, "minimum")


@_public
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is, the first one: along an axis, or in the flattened tensor."""
    return _place(np.argmax, input, dim, keepdim)


@_public
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is, the first one: along an axis, or in the flattened tensor."""
    return _place(np.argmin, input, dim, keepdim)


def _place(pick: Callable[..., Any], input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    axes = _axes(input, dim)
    if _chooses_from_nothing(input, axes):
        raise IndexError(f"{pick.__name__}(): Expected reduction dim to have elements, got shape {tuple(input.shape)}")
    return Tensor._of(pick(input._data, axis=axes, keepdims=keepdim))


@_public
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median: of all elements, or (values, indices) along an axis. nan where there is one."""
    if dim is not None:
        return _middle(input, _axis(input._data.ndim, dim), keepdim, "MedianBackward1")
    if not input._data.size:
        return _called(mean(input), "MedianBackward0")  # nan
    found = _middle(reshape(input, -1), 0, False, "MedianBackward0").values
    if found._node is None or np.isnan(found._data):
        return found
    return _called(amax(input[input == found]), "MedianBackward0")  # all that equal it share the gradient


def _middle(input: Tensor, dim: int, keepdim: bool, named: str) -> Any:
    data = np.atleast_1d(input._data)
    order = np.argsort(data, axis=dim, kind="stable")
    middle, last = (order.take([i], axis=dim) for i in ((data.shape[dim] - 1) // 2, -1))
    places = np.where(np.isnan(np.take_along_axis(data, last, dim)), last, middle)
    return _chosen("median", named, input, dim, places.reshape(places.shape[: input._data.ndim]), keepdim)


# ---- order -----------------------------------------------------------------------------------------------
@_public
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """(values, indices) in order along an axis; equal elements stay in their order."""
    dim = _axis(input._data.ndim, dim)
    return _chosen("sort", "SortBackward0", input, dim, _order(input._data, dim, descending))


def _order(data: Any, dim: int, descending: bool) -> Any:
    if not data.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(data, axis=dim, kind="stable")
    return np.flip(data.shape[dim] - 1 - np.argsort(np.flip(data, dim), axis=dim, kind="stable"), dim)


@_public
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that `sort` gives."""
    return Tensor._of(_order(input._data, _axis(input._data.ndim, dim), descending))


@_public
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k largest (or smallest) elements along an axis, in order."""
    dim = _axis(input._data.ndim, dim)
    x = input if input._data.ndim else reshape(input, 1)
    if not 0 <= k <= x._data.shape[dim]:
        raise RuntimeError(f"selected index k out of range: k={k} for size {x._data.shape[dim]}")
    places = _order(x._data, dim, largest).take(range(k), axis=dim)
    if input._data.ndim or k != 1:
        return _chosen("topk", "TopkBackward0", x, dim, places)
    return _chosen("topk", "TopkBackward0", input, dim, places.reshape(()))


@_public
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """The different elements in order; with them where each element is among these, and how often each comes."""
    found: Any = np.unique(input._data, return_inverse=return_inverse, return_counts=return_counts)  # type: ignore[call-overload]
    return tuple(map(Tensor._of, found)) if isinstance(found, tuple) else Tensor._of(found)


@_public
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The places of what is not 0, one row (n, ndim) for each; or one tensor for each axis, which is an index."""
    if as_tuple:
        return tuple(map(Tensor._of, np.nonzero(np.atleast_1d(input._data))))
    return Tensor._of(np.argwhere(input._data))


@_public
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, … comes in a vector of ints, or the sum of the weights where it does."""
    return Tensor._of(np.bincount(input._data, None if weights is None else weights._data, minlength))


# ---- running sums, shares of a sum ---------------------------------------------------------------------------
@_public
def cumsum(input: Tensor, dim: int, *, dtype: dtype_ | None = None) -> Tensor:
    """The sums of the first elements along an axis."""
    return _running("cumsum", _cast(input, dtype), dim)


@_public
def cumprod(input: Tensor, dim: int, *, dtype: dtype_ | None = None) -> Tensor:
    """The products of the first elements along an axis."""
    return _running("cumprod", _cast(input, dtype), dim)


@_public
def softmax(input: Tensor, dim: int | None = None, dtype: dtype_ | None = None) -> Tensor:
    """exp(x) / Σ exp(x) along an axis. Raises NotImplementedError for integers."""
    return _normalised("softmax", input, dim, dtype)


@_public
def log_softmax(input: Tensor, dim: int | None = None, dtype: dtype_ | None = None) -> Tensor:
    """log softmax along an axis, which neither overflows nor takes the log of 0. Integers: NotImplementedError."""
    return _normalised("log_softmax", input, dim, dtype)


def _normalised(name: str, input: Tensor, dim: int | None, dtype: dtype_ | None) -> Tensor:
    input = _cast(input, dtype)
    if input._data.dtype.kind != "f":
        raise NotImplementedError(f'"{name}" not implemented for \'{input.dtype.title}\'; convert it with .float()')
    if dim is None:  # as nn.functional's functions choose it
        dim = 0 if input._data.ndim in (0, 1, 3) else 1
    return _running(name, input, dim)


def _running(rule: str, input: Tensor, dim: int) -> Tensor:
    axis = _axis(input._data.ndim, dim)
    if input._data.ndim:
        return _run(rule, input, axis)
    title = "".join(part.capitalize() for part in rule.split("_"))
    return _called(_run("reshape", _run(rule, _run("reshape", input, (1,)), 0), ()), f"{title}Backward0")


# ---- shapes ----------------------------------------------------------------------------------------------
def _wanted(total: int, sizes: Sequence[Any]) -> tuple[int, ...]:
    """A shape for so many elements, with what -1 stands for."""
    shape = tuple(dtypes.size(sizes))
    if -1 not in shape and math.prod(shape) == total and builtins.min(shape, default=0) >= 0:
        return shape
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if builtins.any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {builtins.min(shape)} in {list(shape)}")
    if (not known or total % known) if -1 in shape else known != total:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {total}")
    return tuple(total // known if n == -1 else n for n in shape)


@_public
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; -1 stands for what is left. A view where NumPy can make one."""
    found = apply(_RESHAPE, input, _wanted(input._data.size, shape))
    if input._data.flags.c_contiguous or _shared(found._data, input._data):
        return found
    return _called(found, "UnsafeViewBackward0")


@_method
def view(input: Tensor, *shape: Any) -> Tensor:
    """The same memory in another shape. Raises RuntimeError when that needs a copy; with a dtype, casts the memory."""
    if len(shape) == 1 and isinstance(shape[0], dtype_):
        return Tensor._of(input._data.view(shape[0].numpy))
    wanted = _wanted(input._data.size, shape)
    try:
        input._data.flags.c_contiguous or input._data.reshape(wanted, copy=False)
    except ValueError:
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension "
                           "spans across two contiguous subspaces). Use .reshape(...) instead.") from None  # fmt: skip
    return _run("reshape", input, wanted)


@_method
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`view` in other's shape."""
    return view(input, other.shape)


@_method
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`reshape` to other's shape."""
    return reshape(input, other.shape)


@_public
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim as one."""
    x = input._data
    shape = x.shape or (1,)
    a, b = _axis(len(shape), start_dim), _axis(len(shape), end_dim)
    if a > b:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if a == b and x.ndim:
        return input
    shape = (*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :])
    return apply(_RESHAPE, input, shape) if x.flags.c_contiguous else reshape(input, shape)


@_public
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis as several; the opposite of flatten."""
    shape, at = input._data.shape, _axis(input._data.ndim, dim)
    return _run("reshape", input, (*shape[:at], *_wanted(shape[at], (tuple(sizes),)), *shape[at + 1 :]))


@_public
def ravel(input: Tensor) -> Tensor:
    """All elements in one axis."""
    return reshape(input, -1)


@_public
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the axes of size 1, or without those that are named if their size is 1."""
    shape = input._data.shape
    dims = dim if isinstance(dim, tuple | list) else range(len(shape)) if dim is None else (dim,)
    drop = [d for d in (_axis(len(shape), d) for d in dims) if shape and shape[d] == 1]
    found = _run("reshape", input, tuple(n for i, n in enumerate(shape) if i not in drop))
    return _called(found, f"SqueezeBackward{0 if dim is None else 1 + isinstance(dim, tuple | list)}")


@_public
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of size 1 at `dim`."""
    shape, at = input._data.shape, _axis(input._data.ndim + 1, dim)
    return _called(_run("reshape", input, (*shape[:at], 1, *shape[at:])), "UnsqueezeBackward0")


@_public
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The axes in another order, a view."""
    order = tuple(_axis(input._data.ndim, d) for d in dtypes.size(dims))
    if sorted(order) != list(range(input._data.ndim)):
        raise RuntimeError(f"permute(): expected each of the {input._data.ndim} dimensions once, got {list(dims)}")
    return _run("permute", input, order)


def _turned(input: Tensor) -> Tensor:
    """x.T, which PyTorch means to keep for matrices."""
    if input._data.ndim not in (0, 2):
        warnings.warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated. "
                      "Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, "
                      "-1))` to reverse the dimensions of a tensor.", UserWarning, stacklevel=2)  # fmt: skip
    return _reversed(input)


def _reversed(input: Tensor) -> Tensor:
    return _run("permute", input, tuple(range(input._data.ndim))[::-1])


@_public
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged, a view."""
    order = list(range(input._data.ndim))
    a, b = _axis(len(order), dim0), _axis(len(order), dim1)
    if order:
        order[a], order[b] = order[b], order[a]
    return _called(_run("permute", input, tuple(order)), "TransposeBackward0")


@_public
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` by NumPy's name."""
    return transpose(input, axis0, axis1)


@_public
def t(input: Tensor) -> Tensor:
    """A matrix transposed; a tensor of fewer axes as it is."""
    if input._data.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input._data.ndim}D")
    return _called(_reversed(input), "TBackward0")


@_public
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Some axes at other places, the rest in their order, a view."""
    n = input._data.ndim
    pairs = zip(*(d if isinstance(d, tuple | list) else (d,) for d in (source, destination)), strict=True)
    moved = {_axis(n, to_): _axis(n, from_) for from_, to_ in pairs}
    rest = iter(d for d in range(n) if d not in moved.values())
    return permute(input, *(moved[i] if i in moved else next(rest) for i in range(n)))


@_method
def expand(input: Tensor, *size: Any) -> Tensor:
    """A view with axes of size 1 repeated; -1 keeps an axis."""
    shape, wanted = input._data.shape, dtypes.size(size)
    lead = len(wanted) - len(shape)
    full = tuple(shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(wanted))
    if full == shape:  # the memory may be written to, since no element is there twice
        return _called(_run("reshape", input, shape), "ExpandBackward0")
    try:
        return _run("expand", input, full)
    except ValueError:
        raise RuntimeError(f"The expanded size of the tensor {full} must match the existing size {shape} wherever that "
                           "is not 1") from None  # fmt: skip


@_method
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to other's shape."""
    return expand(input, other.shape)


@_public
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`expand` as a function."""
    return expand(input, size)


@_function
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to the one shape that they broadcast to."""
    for a, b in pairwise(tensors):
        _refuse_shapes(a._data, b._data)
    shape = np.broadcast_shapes(*(x._data.shape for x in tensors))
    return tuple(x if x._data.shape == shape else expand(x, shape) for x in tensors)


@_method
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """A copy that holds the whole tensor so many times along each axis; more repeats than axes add axes before."""
    times, shape = dtypes.size(repeats), input._data.shape
    if len(times) < len(shape):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    shape = (1,) * (len(times) - len(shape)) + shape
    apart = _run("reshape", input, tuple(m for n in shape for m in (1, n)))
    copies = clone(_run("expand", apart, tuple(m for pair in zip(times, shape, strict=True) for m in pair)))
    return _called(_run("reshape", copies, tuple(map(operator.mul, times, shape))), "RepeatBackward0")


@_public
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat`, where fewer numbers than axes are for the last axes."""
    times = dtypes.size(dims)
    return repeat(input, *(1,) * (input._data.ndim - len(times)), *times)


@_public
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Each slice along an axis so many times, or each so many as its number in `repeats` says; flattened by default."""
    if dim is None:
        input, dim = reshape(input, -1), 0
    places = np.repeat(np.arange(input._data.shape[_axis(input._data.ndim, dim)]), getattr(repeats, "_data", repeats))
    return index_select(input, dim, Tensor._of(places))


@_public
def flip(input: Tensor, *dims: Any) -> Tensor:
    """A copy, reversed along the axes."""
    if not input._data.ndim:
        return _called(clone(input), "FlipBackward0")
    return _run("flip", input, tuple(_axis(input._data.ndim, d) for d in dtypes.size(dims)))


@_public
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy whose elements are moved along axes, and come in again at the other end; flattened by default."""
    if dims is None:
        flat = _run("roll", reshape(input, -1), shifts, 0)
        return _called(_run("reshape", flat, input._data.shape), "RollBackward0")
    along = _axes(input, tuple(dims) if isinstance(dims, list) else dims)
    return _run("roll", input, tuple(shifts) if isinstance(shifts, list) else shifts, along)


# ---- parts and joints --------------------------------------------------------------------------------------
@_public
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The elements start to start + length along an axis, a view."""
    lead = _lead(input, dim)
    size = input._data.shape[len(lead)]
    start = start % size if -size <= start < 0 else start
    if not 0 <= start <= size or length < 0 or start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return input[(*lead, slice(start, start + length))]


@_public
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at one place along an axis, a view without that axis."""
    return input[(*_lead(input, dim), operator.index(index))]


@_public
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along an axis."""
    lead = _lead(input, dim)
    each = (_run("index", input, (*lead, i, ...)) for i in range(input._data.shape[len(lead)]))
    return tuple(_called(x, "UnbindBackward0") for x in each)


@_public
def split(input: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along an axis: of one size (the last one smaller), or of the sizes that are listed."""
    n, sizes, named = input._data.shape[_axis(input._data.ndim, dim)], split_size_or_sections, "SplitWithSizesBackward0"
    if isinstance(sizes, int):
        if sizes <= 0 and n:
            raise RuntimeError(f"split expects split_size be positive, but got split_size={sizes}")
        named, sizes = "SplitBackward0", [builtins.min(sizes, n - i) for i in range(0, n, sizes)] or [0]
    elif builtins.sum(sizes) != n:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                           f"dimension {dim}), but got split_sizes={list(sizes)}")  # fmt: skip
    starts = accumulate(sizes[:-1], initial=0)
    return tuple(_called(narrow(input, dim, a, m), named) for a, m in zip(starts, sizes, strict=True))


@_public
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """So many parts of one size along an axis, or fewer when that does not work out."""
    n = input._data.shape[_axis(input._data.ndim, dim)]
    return split(input, builtins.max(1, -(-n // chunks)), dim)


def _several(tensors: Iterable[Any], name: str) -> list[Tensor]:
    """Tensors to join, in the one dtype that they have together."""
    xs = list(tensors)
    if not xs:
        raise (ValueError if name == "cat" else RuntimeError)(f"{name}(): expected a non-empty list of Tensors")
    for i, x in enumerate(xs):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    kind = dtypes.result_type(*(x._data for x in xs))
    return [x if x._data.dtype == kind else to(x, dtypes.of(kind)) for x in xs]


@_function
def cat(tensors: Iterable[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after the other along an axis that they have."""
    xs = _several(tensors, "cat")
    if builtins.any(x._data.ndim != 1 for x in xs):  # PyTorch lets an empty vector be joined to anything
        xs = [x for x in xs if x._data.shape != (0,)]
    shapes = [x._data.shape for x in xs]
    if () in shapes:
        raise RuntimeError("zero-dimensional tensor cannot be concatenated; use stack")
    dim = _axis(len(shapes[0]), dim)
    if len({(*s[:dim], *s[dim + 1 :]) for s in shapes}) > 1:
        raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Got shapes {shapes}")
    return _run("cat", dim, *xs)


concat = concatenate = cat
__all__ += ["concat", "concatenate"]


@_function
def stack(tensors: Iterable[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    xs = _several(tensors, "stack")
    for i, x in enumerate(xs):
        if x.shape != xs[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(xs[0].shape)} at entry 0 "
                               f"and {list(x.shape)} at entry {i}")  # fmt: skip
    return _run("stack", _axis(xs[0]._data.ndim + 1, dim), *xs)


@_function
def vstack(tensors: Iterable[Tensor]) -> Tensor:
    """Tensors below each other: vectors as rows."""
    return cat([x if x._data.ndim > 1 else reshape(x, 1, -1) for x in tensors])


@_function
def hstack(tensors: Iterable[Tensor]) -> Tensor:
    """Tensors side by side: along the second axis, vectors along their only one."""
    xs = [x if x._data.ndim else reshape(x, 1) for x in tensors]
    return cat(xs, 0 if xs and xs[0]._data.ndim == 1 else 1)


@_function
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Of vectors, each one expanded over the axes of all; indexing "xy" exchanges the first two axes."""
    xs = list(tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors)
    if len({x._data.dtype for x in xs}) > 1:
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    axes = list(range(len(xs)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    shape = [1] * len(xs)
    for x, axis in zip(xs, axes, strict=True):
        shape[axis] = x._data.size
    lines = ([-1 if i == axis else 1 for i in range(len(xs))] for axis in axes)
    return tuple(expand(reshape(x, line), shape) for x, line in zip(xs, lines, strict=True))


@_function
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Of vectors, all combinations of their elements, one a row."""
    return stack([reshape(x, -1) for x in meshgrid(*tensors)], 1) if len(tensors) > 1 else tensors[0]


# ---- elements by their place -----------------------------------------------------------------------------
def _places(name: str, input: Tensor, dim: Any, index: Tensor) -> tuple[int, Any]:
    """The axis and an index of it, for each element of a tensor that is nowhere larger than the input but there."""
    _refuse_places(name, index)
    axis, shape = _axis(input._data.ndim, dim), input._data.shape
    if index._data.ndim != len(shape):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if builtins.any(n > m for i, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if i != axis):
        raise RuntimeError(f"{name}(): Expected index {list(index.shape)} to be no larger than self {list(shape)} "
                           f"apart from dimension {axis}")  # fmt: skip
    _refuse_outside(index._data, axis, shape[axis] if shape else 1, RuntimeError)
    return axis, index._data.copy()  # which may be changed before the backward pass


def _refuse_places(name: str, index: Tensor) -> None:
    if not isinstance(index, Tensor) or index._data.dtype not in (np.int64, np.int32):
        got = repr(index.dtype) if isinstance(index, Tensor) else type(index).__name__
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {got}; convert it with .long()")


def _refuse_outside(places: Any, dim: int, size: int, error: type[Exception]) -> None:
    wrong = places[(places < 0) | (places >= size)]
    if wrong.size:
        raise error(f"index {wrong.flat[0]} is out of bounds for dimension {dim} with size {size}")


@_public
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for dim 0, and so on: of index's shape."""
    return _run("gather", input, *_places("gather", input, dim, index))


@_public
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` by NumPy's name; flattened by default."""
    return gather(reshape(input, -1), 0, reshape(indices, -1)) if dim is None else gather(input, dim, indices)


@_public
def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: float | None = None) -> Tensor:
    """A copy in which the elements at the places of the index are those of `src`, or one number."""
    axis, places = _places("scatter", input, dim, index)
    given = value if src is None else src
    named = f"ScatterBackward{int(not isinstance(given, Tensor))}"
    part = _scattered("scatter", input, places, given) if isinstance(given, Tensor) else as_tensor(given, input.dtype)
    return _called(_run("put", input, part, grid(places, axis)), named)


@_public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy with `src` added at the places of the index, which may come several times."""
    axis, places = _places("scatter_add", input, dim, index)
    part = _scattered("scatter_add", input, places, src)
    return _called(input + _run("scatter_add", part, axis, places, input._data.shape), "ScatterAddBackward0")


def _scattered(name: str, input: Tensor, places: Any, src: Tensor) -> Tensor:
    """The part of `src` that an index scatters."""
    if src._data.dtype != input._data.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype!r} and "
                           f"{src.dtype!r}")  # fmt: skip
    if builtins.any(n > m for n, m in zip(places.shape, src.shape, strict=True)):
        raise RuntimeError(f"{name}(): Expected index {list(places.shape)} to be no larger than src {list(src.shape)}")
    return src[tuple(slice(0, n) for n in places.shape)] if places.shape != src.shape else src


@_public
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """A copy of the slices at the places of a vector, along an axis."""
    lead = _lead(input, dim)
    _refuse_places("index_select", index)
    if index._data.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got shape {tuple(index.shape)}")
    places = index._data.reshape(-1).copy()
    _refuse_outside(places, len(lead), input._data.shape[len(lead)], IndexError)
    return _called(_run("index", input, (*lead, places)), "IndexSelectBackward0")


@_public
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy with one number wherever the mask holds."""
    if mask._data.dtype != bool:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype!r}")
    named = f"MaskedFillBackward{int(isinstance(value, Tensor))}"
    value = value if isinstance(value, Tensor) else Tensor._of(np.asarray(value, input._data.dtype))
    return _called(_WHERE(mask, value, input), named)


@_public
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """A vector of the elements where the mask, broadcast, holds."""
    if mask._data.dtype != bool:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype!r}; compare, as in x > 0")
    x, mask = broadcast_tensors(input, mask)
    return _called(x[mask], "MaskedSelectBackward0")


@_public
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonals of the matrices in two axes, as the last axis of a view."""
    a, b = (_axis(input._data.ndim, d) for d in (dim1, dim2))
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    first = input if (a, b) == (0, 1) else movedim(input, (a, b), (0, 1))
    return _run("diagonal", first, offset)


_diagonal = diagonal


@_public
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A copy of a matrix's diagonal, or the matrix that has a vector on its diagonal."""
    if input._data.ndim == 2:
        return clone(_diagonal(input, diagonal))
    if input._data.ndim != 1:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input._data.ndim}D")
    places = np.arange(len(input))
    key = (places + builtins.max(0, -diagonal), places + builtins.max(0, diagonal))
    n = len(input) + abs(diagonal)
    return _called(_run("index_add", input, (n, n), key), "DiagEmbedBackward0")


@_public
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input._data.ndim != 2:
        raise RuntimeError("trace: expected a matrix")
    return _called(sum(diagonal(input)), "TraceBackward0")


@_public
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two axes, zeros above."""
    return _triangle("tril", input, diagonal)


@_public
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two axes, zeros below."""
    return _triangle("triu", input, diagonal)


def _triangle(name: str, input: Tensor, diagonal: int) -> Tensor:
    if input._data.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got shape {tuple(input.shape)}")
    return _run(name, input, diagonal)


# ---- products --------------------------------------------------------------------------------------------
@_public
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of vectors, matrices or batches of matrices, as PyTorch's matmul. Raises RuntimeError for misfits."""
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError(f"matmul takes two Tensors, got {type(input).__name__} and {type(other).__name__}")
    a, b = input._data, other._data
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {input.dtype.title.lower()} != "
                           f"{other.dtype.title.lower()}; convert one of them, with .to({input.dtype!r})")  # fmt: skip
    if a.dtype.kind == "b":
        raise NotImplementedError("matmul is not implemented for 'Bool'; convert both with .float() or .long()")
    if not a.ndim or not b.ndim:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise RuntimeError(_misfit(a.shape, b.shape))
    if a.ndim > 2 and b.ndim > 2:
        _refuse_shapes(a.shape[:-2], b.shape[:-2])
    return _run("matmul", input, other)


def _misfit(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    if len(a) == 1 and len(b) == 1:
        return f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have equally many elements"
    if len(b) == 1:
        return f"size mismatch, got input ({a[-2]}), mat ({a[-2]}x{a[-1]}), vec ({b[0]})"
    return f"mat1 and mat2 shapes cannot be multiplied ({math.prod(a[:-1])}x{a[-1]} and {b[-2]}x{b[-1]})"


METHODS["__matmul__"] = lambda a, b: matmul(a, as_tensor(b)) if isinstance(b, Tensor | np.ndarray) else NotImplemented
METHODS["__rmatmul__"] = lambda b, a: matmul(as_tensor(a), b) if isinstance(a, np.ndarray) else NotImplemented


def _refuse_ranks(name: str, *wanted: tuple[Tensor, int]) -> None:
    if builtins.any(x._data.ndim != rank for x, rank in wanted):
        expected = " and ".join(f"{rank}D" for _, rank in wanted)
        got = " and ".join(f"{x._data.ndim}D" for x, _ in wanted)
        raise RuntimeError(f"{name}: Expected {expected} tensors, but got {got}")


@_public
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    _refuse_ranks("mm", (input, 2), (mat2, 2))
    return matmul(input, mat2)


@_public
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    _refuse_ranks("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


@_public
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of the matrices of two batches."""
    _refuse_ranks("bmm", (input, 3), (mat2, 3))
    n, _, inner = input._data.shape
    if mat2._data.shape[:2] != (n, inner):
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {inner}] but got: "
                           f"{list(mat2.shape[:2])}.")  # fmt: skip
    return _called(matmul(input, mat2), "BmmBackward0")


@_public
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ a·b of two vectors."""
    _refuse_ranks("dot", (input, 1), (tensor, 1))
    return matmul(input, tensor)


@_public
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """a[i]·b[j] of two vectors."""
    _refuse_ranks("outer", (input, 1), (vec2, 1))
    return reshape(input, -1, 1) * vec2


@_function
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · mat1 @ mat2."""
    return _called(input * beta + mm(mat1, mat2) * alpha, "AddmmBackward0")


@_function
def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products by Einstein's convention, such as "bij,bjk->bik". Raises ValueError for a wrong equation."""
    xs = operands[0] if len(operands) == 1 and isinstance(operands[0], tuple | list) else operands
    full = explicit(equation, [x._data.shape for x in xs])
    for x in xs[1:]:
        if x._data.dtype != xs[0]._data.dtype:
            raise RuntimeError(f"einsum: expected scalar type {xs[0].dtype.title} but found {x.dtype.title}; convert "
                               "one of them first")  # fmt: skip
    try:
        return _run("einsum", full, *xs)
    except ValueError as problem:
        shapes = ", ".join(str(tuple(x.shape)) for x in xs)
        raise RuntimeError(f"einsum({equation!r}) does not fit tensors of shape {shapes}: {problem}") from None


@_function
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Σ a·b over some axes: the last ones of a and the first of b, or those listed for each of them."""
    if isinstance(dims, int) and not 0 <= dims <= builtins.min(a._data.ndim, b._data.ndim):
        raise RuntimeError(f"tensordot expects dims from 0 to the number of axes of both, but got dims={dims} for "
                           f"shapes {tuple(a.shape)} and {tuple(b.shape)}")  # fmt: skip
    if isinstance(dims, int):
        dims = (range(a._data.ndim - dims, a._data.ndim), range(dims))
    left, right = ([_axis(x._data.ndim, d) for d in each] for x, each in zip((a, b), dims, strict=True))
    for i, j in zip(left, right, strict=False):
        if a._data.shape[i] != b._data.shape[j]:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a._data.shape[i]} in dim {i} "
                               f"and second has size {b._data.shape[j]} in dim {j}")  # fmt: skip
    rest_a, rest_b = ([i for i in range(x._data.ndim) if i not in some] for x, some in ((a, left), (b, right)))
    inner = math.prod(a._data.shape[i] for i in left)
    found = matmul(reshape(permute(a, *rest_a, *left), -1, inner), reshape(permute(b, *right, *rest_b), inner, -1))
    return reshape(found, [x._data.shape[i] for x, rest in ((a, rest_a), (b, rest_b)) for i in rest])


# ---- element by element ----------------------------------------------------------------------------------
_ADD, _SUB, _MUL, _DIV, _POW, _CLAMP, _WHERE = (
    _elementwise(RULES[name]) for name in ("add", "sub", "mul", "div", "pow", "clamp", "where")
)


@_public
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha · other."""
    return _ADD(input, _times(other, alpha, input))


@_public
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input − alpha · other."""
    return _SUB(input, _times(other, alpha, input))


def _times(other: Any, alpha: float, input: Any) -> Any:
    """other · alpha in the dtype that it has together with input. Raises RuntimeError for a float beside integers."""
    if alpha == 1:
        return other
    a, b = (x.item() if isinstance(x, np.generic) else getattr(x, "_data", x) for x in (input, other))
    kind = dtypes.result_type(a, b)
    if kind.kind != "f" and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number, got "
                           f"{alpha}.")  # fmt: skip
    return to(other * alpha, dtypes.of(kind)) if isinstance(other, Tensor) and b.dtype.kind != "f" else other * alpha


@_function
def rsub(input: Tensor, other: Any) -> Tensor:
    """other − input."""
    return _SUB(other, input)


@_public
def mul(input: Any, other: Any) -> Tensor:
    """input · other."""
    return _MUL(input, other)


@_public
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; rounded "floor" (down) or "trunc" (towards 0), in the dtype of the inputs and of gradient 0."""
    if rounding_mode is None:
        return _DIV(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                           f"'{rounding_mode}'")  # fmt: skip
    down = operator.floordiv(input, other)
    if down._data.dtype.kind == "f":
        rounded = np.trunc if rounding_mode == "trunc" else lambda _: down._data
        quotient = rounded(_DIV(*(x.detach() if isinstance(x, Tensor) else x for x in (input, other)))._data)
        found = Tensor._of(quotient)
        for x in (input, other):  # whose own gradient would be infinite at a divisor of 0
            if isinstance(x, Tensor) and x._node is not None:
                found = found + _run("constant_pieces", x, np.zeros_like)
        return _called(found, "DivBackward2")
    return down + ((down < 0) & (down * other != input)) if rounding_mode == "trunc" else down  # type: ignore[no-any-return]


@_public
def pow(input: Any, exponent: Any) -> Tensor:
    """input to the power of exponent."""
    return _POW(input, exponent)


subtract, multiply, divide, true_divide = sub, mul, div, div
negative, absolute, arcsin, arccos, arctan, arctan2 = (
    _elementwise(RULES[name]) for name in ("neg", "abs", "asin", "acos", "atan", "atan2")
)
for _name in ("subtract", "multiply", "divide", "true_divide", "negative", "absolute", "arcsin", "arccos", "arctan",
              "arctan2"):  # fmt: skip
    METHODS[_name] = globals()[_name]
    __all__.append(_name)


@_public
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element not below min and not above max; the gradient is 1 at the limits too."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    lowest, highest = _limits(input._data.dtype)
    found = _CLAMP(input, lowest if min is None else min, highest if max is None else max)
    return _called(found, "ClampBackward0") if isinstance(min, Tensor) or isinstance(max, Tensor) else found


def _limits(kind: np.dtype[Any]) -> tuple[float, float]:
    """The smallest and the largest number, as Python has it: it does not change what a clamp of the dtype gives."""
    if kind.kind in "fb":
        return (-math.inf, math.inf) if kind.kind == "f" else (False, True)
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)


@_public
def clip(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`clamp` by NumPy's name."""
    return clamp(input, min, max)


@_public
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Each element not below min."""
    return _called(clamp(input, min), "ClampMinBackward0")


@_public
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Each element not above max."""
    return _called(clamp(input, None, max), "ClampMaxBackward0")


@_function
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; of a condition alone, the places where it holds."""
    if input is None:
        return nonzero(condition, as_tuple=True)
    if isinstance(condition, Tensor) and condition._data.dtype != bool:
        if condition._data.dtype != np.uint8:
            raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with dtype "
                               f"{condition.dtype.title}")  # fmt: skip
        condition = to(condition, dtypes.bool)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = as_tensor(input)
    return _WHERE(condition, input, other)


METHODS["where"] = lambda input, condition, other: where(condition, input, other)


@_public
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight · (end − input)."""
    return _called(input + (end - input) * weight, f"LerpBackward{int(isinstance(weight, Tensor))}")


@_public
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2."""
    return _called(input + _times(tensor1 * tensor2, value, input), "AddcmulBackward0")


@_public
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2."""
    return _called(input + tensor1 / tensor2 * value, "AddcdivBackward0")


@_public
def sign(input: Tensor) -> Tensor:
    """−1, 0 or 1 for each element, of gradient 0."""
    return _called(_run("constant_pieces", input, _signs), "SignBackward0")


def _signs(x: Any) -> Any:
    return x if x.dtype == bool else np.subtract(x > 0, x < 0, dtype=x.dtype)  # of nan it is 0


def _rounded(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    def each(input: Tensor) -> Tensor:
        return _called(_run("constant_pieces", input, function), f"{name.capitalize()}Backward0")

    each.__name__ = each.__qualname__ = name
    each.__doc__ = f"{name} of each element, of gradient 0."
    return _public(each)


floor, ceil, trunc = (_rounded(name, getattr(np, name)) for name in ("floor", "ceil", "trunc"))


@_public
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, or so many decimals, halves to even ones; of gradient 0."""
    found = _run("constant_pieces", input, lambda x: np.round(x, decimals))
    return _called(found, f"RoundBackward{int(decimals != 0)}")


@_public
def frac(input: Tensor) -> Tensor:
    """What trunc cuts off."""
    return _called(input - trunc(input), "FracBackward0")


@_public
def nan_to_num(input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """nan and the infinities replaced by numbers, the largest and smallest ones for the infinities by default."""
    replaced = np.nan_to_num(input._data, nan=nan, posinf=posinf, neginf=neginf)
    return _called(_WHERE(isfinite(input), input, Tensor._of(replaced)), "NanToNumBackward0")


# ---- comparisons and tests -------------------------------------------------------------------------------
def _predicate(name: str) -> Callable[[Tensor], Tensor]:
    function = getattr(np, name)

    def each(input: Tensor) -> Tensor:
        return Tensor._of(function(input._data))

    each.__name__ = each.__qualname__ = name
    each.__doc__ = f"{name} of each element, a bool tensor."
    return _public(each)


isnan, isinf, isfinite, logical_not = map(_predicate, ("isnan", "isinf", "isfinite", "logical_not"))


def _joint(name: str) -> Callable[[Tensor, Any], Tensor]:
    function = getattr(np, name)

    def each(input: Tensor, other: Any) -> Tensor:
        b = getattr(other, "_data", other)
        _refuse_shapes(input._data, b)
        return Tensor._of(function(input._data, b))

    each.__name__ = each.__qualname__ = name
    each.__doc__ = f"{name}, element by element, a bool tensor."
    return _public(each)


logical_and, logical_or, logical_xor = map(_joint, ("logical_and", "logical_or", "logical_xor"))


def _operator(name: str, operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    def each(input: Any, other: Any) -> Tensor:
        return operate(input, other)  # type: ignore[no-any-return]

    each.__name__ = each.__qualname__ = name
    each.__doc__ = f"The operator {operate.__name__}, element by element."
    return _public(each)


eq, ne, lt, le, gt, ge = (_operator(name, getattr(operator, name)) for name in ("eq", "ne", "lt", "le", "gt", "ge"))
remainder, floor_divide = _operator("remainder", operator.mod), _operator("floor_divide", operator.floordiv)


@_public
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are the same."""
    return bool(np.array_equal(input._data, other._data))


def _refuse_mixed(a: Tensor, b: Tensor) -> None:
    if a._data.dtype != b._data.dtype:
        raise RuntimeError(f"{a.dtype.title} did not match {b.dtype.title}; convert one of them first")


@_public
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input − other| ≤ atol + rtol·|other| for all elements. Raises RuntimeError when the dtypes differ."""
    _refuse_mixed(input, other)
    _refuse_shapes(input._data, other._data)
    return bool(np.allclose(input._data, other._data, rtol, atol, equal_nan))


@_public
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether |input − other| ≤ atol + rtol·|other|, element by element. RuntimeError when the dtypes differ."""
    _refuse_mixed(input, other)
    _refuse_shapes(input._data, other._data)
    return Tensor._of(np.isclose(input._data, other._data, rtol, atol, equal_nan))


# ---- what and where a tensor is --------------------------------------------------------------------------
@_function
def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(obj, Tensor)


@_public
def is_floating_point(input: Tensor) -> bool:
    """Whether it holds floats."""
    return bool(input._data.dtype.kind == "f")


@_public
def numel(input: Tensor) -> int:
    """How many elements there are."""
    return input._data.size


@_public
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy that gradients pass through. memory_format: changes nothing."""
    return _run("clone", input)


@_method
def contiguous(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """The tensor with its elements in order in memory: itself, or a copy. memory_format: changes nothing."""
    return input if input._data.flags.c_contiguous else clone(input)


@_method
def to(input: Tensor, *where: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """The tensor in another dtype, recorded; it is on the CPU already, and RuntimeError is raised for other devices.

    where: a dtype, a device, another tensor, or a device and a dtype. non_blocking and memory_format change nothing.
    """
    for w in where:
        if isinstance(w, Tensor):
            dtype = w.dtype
        elif isinstance(w, str | dtypes.device):
            device = w
        elif not isinstance(w, bool) and w is not None:
            dtype = w
    if device is not None:
        dtypes.device(device)
    if dtype is None or dtypes.of(dtype).numpy == input._data.dtype:
        return _called(clone(input), "ToCopyBackward0") if copy else input
    return _run("cast", input, np.empty(0, dtypes.of(dtype).numpy))


def _type(input: Tensor, dtype: Any = None) -> Any:
    """The name of the tensor's type, such as "torch.FloatTensor", or the tensor in another dtype."""
    if dtype is None:
        return f"torch.{input.dtype.title}Tensor"
    if isinstance(dtype, str):
        dtype = next((d for d in dtypes.ALL if dtype == f"torch.{d.title}Tensor"), dtype)
    return to(input, dtype)


def _size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one axis."""
    return input.shape if dim is None else input._data.shape[_axis(input._data.ndim, dim)]


def _stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements of memory lie between neighbours, along each axis or one of them."""
    steps = tuple(s // input._data.itemsize for s in input._data.strides)
    return steps if dim is None else steps[_axis(input._data.ndim, dim)]


def _converted(name: str) -> Callable[[Tensor], Tensor]:
    kind = getattr(dtypes, name)
    return lambda input: to(input, kind)


METHODS.update({name: _converted(name) for name in ("float", "double", "half", "long", "int", "short", "bool")})
METHODS.update({"byte": _converted("uint8"), "char": _converted("int8")})
METHODS.update({
    "type": _type, "size": _spelled(_size), "stride": _spelled(_stride), "nelement": numel,
    "type_as": lambda input, other: to(input, other.dtype), "cpu": lambda input: input,
    "dim": lambda input: input._data.ndim, "ndimension": lambda input: input._data.ndim,
    "element_size": lambda input: input._data.itemsize, "data_ptr": lambda input: input._data.ctypes.data,
    "is_contiguous": lambda input: input._data.flags.c_contiguous,
})  # fmt: skip


# ---- in place --------------------------------------------------------------------------------------------
@_method
def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Take the numbers of `src`, broadcast and converted; gradients flow to it. non_blocking: changes nothing."""
    if np.ndim(getattr(src, "_data", src)) > input._data.ndim:
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape of {src!r:.80}")
    input[...] = src
    return input


@_method
def fill_(input: Tensor, value: Any) -> Tensor:
    """Set every element to one number."""
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    if input._node is not None or isinstance(value, Tensor):
        input[...] = value
    else:
        input._writable()
        input._data[...] = value
        input._written()
    return input


@_method
def zero_(input: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(input, 0)


@_method
def detach_(input: Tensor) -> Tensor:
    """Leave the graph: a leaf from now on, that requires no gradient."""
    node = input._node
    if node is not None:
        input._node = None
        input.grad = node.grad
    return input


def _reshaped(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def method(input: Tensor, *inputs: Any) -> Tensor:
        input._writable()
        found = function(input, *inputs)
        if found._node is None and input._node is not None:  # under no_grad
            input.data = found
        else:
            input._data, input._node = found._data, found._node
        return input

    return method


def _replacing(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda input, *inputs, **named: _in_place(input, function, *inputs, **named)


METHODS.update({f"{f.__name__}_": _reshaped(f) for f in (squeeze, unsqueeze, t, transpose, swapaxes)})
METHODS.update({
    f"{f.__name__}_": _replacing(f)
    for f in (add, sub, mul, div, pow, remainder, floor_divide, clamp, clip, lerp, addcmul, addcdiv, masked_fill,
              scatter, scatter_add, tril, triu, sign, floor, ceil, trunc, round, frac, nan_to_num, logical_not)
})  # fmt: skip


# ---- everything that Tensor has from here ------------------------------------------------------------------
def _transposed(input: Tensor) -> Tensor:
    """The last two axes exchanged, a view."""
    if input._data.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {input._data.ndim}-D "
                           "tensor.")  # fmt: skip
    return transpose(input, -2, -1)


_PROPERTIES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "T": (_turned, "The axes in reverse order, a view."),
    "mT": (_transposed, "The last two axes exchanged, a view."),
    "nbytes": (lambda input: input._data.nbytes, "Bytes of the elements."),
    "itemsize": (lambda input: input._data.itemsize, "Bytes of an element."),
    "is_cuda": (lambda input: False, "False: everything is on the CPU."),
}
for _name, _each in METHODS.items():
    setattr(Tensor, _name, _each)
for _name, (_get, _doc) in _PROPERTIES.items():
    setattr(Tensor, _name, property(_get, doc=_doc))
