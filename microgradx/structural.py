"""Rules that are not elementwise: sums, products of matrices, shapes, indexing.

What moves numbers between elements has no local partial for each of them, so here a rule gives, for each input,
the product of the incoming gradient with the Jacobian: `(xp, g, y, *inputs) -> gradient`. It is written with
operations of `xp` alone, so that one line serves NumPy arrays and, for second derivatives, recorded tensors.

>>> import numpy as np
>>> x = np.arange(6.0).reshape(2, 3)
>>> STRUCTURAL["sum"].value(x, 1, False)
array([ 3., 12.])
>>> STRUCTURAL["sum"].vjps[0](arrays, np.array([1.0, 10.0]), None, x, 1, False)
array([[ 1.,  1.,  1.],
       [10., 10., 10.]])
"""

from __future__ import annotations

import math
import string
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from inspect import signature
from typing import Any

import numpy as np

from . import worlds
from .versions import ByMemory
from .worlds import World

__all__ = ["STRUCTURAL", "Structural", "arrays", "unbroadcast"]

Vjp = Callable[..., Any]


@dataclass(frozen=True, eq=False, repr=False)
class Structural:
    """One operation on arrays: its value, and for each input its vector-Jacobian product.

    The last of `inputs` may stand for any number of arrays (cat, stack, einsum); its vjp then also gets the
    number of the one that is asked for.
    """

    name: str
    value: Callable[..., Any]  #: (*inputs) -> array
    vjps: tuple[Vjp | None, ...]  #: (xp, g, y, *inputs) -> gradient of that input; None: not differentiable
    inputs: tuple[str, ...]
    formulas: tuple[str, ...]  #: how each vjp is written in a figure, with G the gradient of the output
    variadic: bool
    keeps: tuple[str, ...]  #: what each vjp reads of its arguments besides shapes: names of inputs, and "y"
    view: bool  #: whether the output may share memory with the first input
    alone: bool  #: whether only the first input may be a Tensor, and has a gradient
    symbol = ""
    vectors = 0

    @property
    def partials(self) -> tuple[Vjp | None, ...]:
        """By slot, None where there is no gradient; what a reader of graphs asks for."""
        return self.vjps

    def vjp(self, slot: int) -> Vjp | None:
        """The vjp of one input, by its place in the call."""
        last = len(self.vjps) - 1
        if not self.variadic or slot < last:
            return self.vjps[slot]
        each = self.vjps[last]
        return each and (lambda xp, g, y, *inputs: each(xp, g, y, slot - last, *inputs))

    def __repr__(self) -> str:
        return f"<structural rule {self.name}({', '.join(self.inputs)})>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


STRUCTURAL: dict[str, Structural] = {}


def _named(name: str) -> Structural:
    return STRUCTURAL[name]


def rule(
    name: str, value: Callable[..., Any], *vjps: Vjp | None, keeps: str | tuple[str, ...] = "", view: bool = False,
    formulas: Sequence[str] = (),
) -> None:  # fmt: skip
    parameters = signature(value).parameters.values()
    inputs = tuple(p.name for p in parameters)
    vjps += (None,) * (len(inputs) - len(vjps))
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    keeps = (keeps,) * len(vjps) if isinstance(keeps, str) else keeps
    alone = not variadic and vjps[0] is not None and vjps[1:] == (None,) * (len(inputs) - 1)
    STRUCTURAL[name] = Structural(name, value, vjps, inputs, tuple(formulas), variadic, keeps, view, alone)


Dim = int | tuple[int, ...] | None  # axes as NumPy has them: None for all


# ---- shapes of sums -----------------------------------------------------------------------------------------
@lru_cache(maxsize=1024)  # one lookup instead of a loop over axes, at every reduction
def kept(shape: tuple[int, ...], dim: Dim) -> tuple[int, ...]:
    """The shape of a reduction that keeps its axes, as 1."""
    axes = range(len(shape)) if dim is None else [d % len(shape) for d in (dim if isinstance(dim, tuple) else (dim,))]
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


@lru_cache(maxsize=1024)
def count(shape: tuple[int, ...], dim: Dim) -> int:
    """How many elements a reduction puts together."""
    return math.prod(n for n, k in zip(shape, kept(shape, dim), strict=True) if k == 1) if shape else 1


def _spread(xp: Any, g: Any, shape: tuple[int, ...], dim: Dim) -> Any:
    """The gradient of a reduction's output, once for each element that went into it."""
    return xp.expand(xp.reshape(g, kept(shape, dim)) if g.ndim else g, shape)


def _keep(xp: Any, y: Any, shape: tuple[int, ...], dim: Dim) -> Any:
    return xp.reshape(y, kept(shape, dim))


def _zeros(xp: Any, like: Any) -> Any:
    return xp.expand(xp.constant(0.0, like), like.shape)


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which an input of this shape was broadcast."""
    if g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    axes = tuple(i for i, n in enumerate(g.shape) if i < lead or (shape[i - lead] == 1 and n != 1))
    return xp.reshape(xp.sum(g, axes, True) if axes else g, shape)


# ---- reductions ------------------------------------------------------------------------------------------
_LONG = 1 << 12  # terms, above which float32 needs more care than one after the other


@lru_cache(maxsize=64)
def _ones(n: int, char: str) -> Any:
    return np.ones(n, char)


@lru_cache(maxsize=64)
def _count(n: int) -> Any:
    return np.arange(n)


def _axis_sum(x: Any, dim: Dim, keepdim: bool) -> Any:
    char = x.dtype.char
    if char == "e":  # float16 is added up in float32, as in PyTorch
        return _axis_sum(x.astype(np.float32), dim, keepdim).astype(x.dtype)
    if char == "f" or char == "d":
        if dim is None and not keepdim and (x.size <= _LONG or x.flags.forc):
            return np.add.reduce(x, None)  # pairwise
        if x.ndim == 2:  # a product is several times faster
            rows, columns = x.shape
            if (dim == 0 or dim == (0,)) and rows <= _LONG:
                y = _ones(rows, char).dot(x)
                return y.reshape(1, -1) if keepdim else y
            if (dim == 1 or dim == -1) and columns <= _LONG:
                y = x.dot(_ones(columns, char))
                return y.reshape(-1, 1) if keepdim else y
    kind = x.dtype if x.dtype.kind == "f" else np.dtype(np.int64)
    total: Any = np.add.reduce  # what x.sum() ends in
    if char == "f" and count(x.shape, dim) > _LONG:  # NumPy adds rows one by one: 300,000 of them are off by 0.2 %
        return total(x, axis=dim, dtype=np.float64, keepdims=keepdim).astype(kind)
    return _ordered(total(x, axis=dim, dtype=kind, keepdims=keepdim))


def _ordered(y: Any) -> Any:
    """In C order, which PyTorch's results have: a view of another shape needs it."""
    return np.asarray(y, order="C")


def _halves_in_float32(value: Callable[..., Any]) -> Callable[..., Any]:
    """The function of an array, for float16 run on float32: squares overflow early."""

    @wraps(value)
    def function(x: Any, *constants: Any) -> Any:
        return value(x.astype(np.float32), *constants).astype(x.dtype) if x.dtype.char == "e" else value(x, *constants)

    return function


def _mean(x: Any, dim: Dim, keepdim: bool) -> Any:
    """Of nothing it is nan."""
    if x.dtype.char == "e":
        return _mean(x.astype(np.float32), dim, keepdim).astype(x.dtype)
    n = x.size if dim is None else count(x.shape, dim)
    return _axis_sum(x, dim, keepdim) / (n or math.nan)


def _among_ties(xp: Any, g: Any, y: Any, x: Any, dim: Dim) -> Any:
    """Extremes share the gradient in equal parts, and the others get 0 of it, of an infinite one too."""
    here = x == _keep(xp, y, x.shape, dim)
    n = xp.sum(xp.cast(here, g), dim, True)
    return xp.where(here, _spread(xp, g, x.shape, dim) / n, 0.0 / n)  # of a nan, which equals nothing, nan


def _product_of_others(xp: Any, x: Any, dim: int) -> Any:
    """For each element the product of the others along the axis, without a division, so that zeros are no matter."""
    one = xp.expand(xp.constant(1.0, x), kept(x.shape, dim))
    n = x.shape[dim]
    before = xp.cumprod(xp.cat(dim, one, xp.narrow(x, dim, 0, n - 1)), dim)
    after = xp.flip(xp.cumprod(xp.cat(dim, one, xp.narrow(xp.flip(x, dim), dim, 0, n - 1)), dim), dim)
    return before * after


def _prod_vjp(xp: Any, g: Any, y: Any, x: Any, dim: int | None, keepdim: bool) -> Any:
    if 0 in x.shape:
        return _zeros(xp, x)
    if dim is None:
        return xp.reshape(_product_of_others(xp, xp.reshape(x, (-1,)), 0), x.shape) * g
    return _spread(xp, g, x.shape, dim) * _product_of_others(xp, x, dim)


def _cumprod_vjp(xp: Any, g: Any, y: Any, x: Any, dim: int) -> Any:
    """Σ over the later outputs, each with the product of the others up to there: O(n²), but right at zeros."""
    terms = []
    for k in range(x.shape[dim]):
        upto = xp.narrow(x, dim, 0, k + 1)
        others = _product_of_others(xp, upto, dim) * xp.narrow(g, dim, k, 1)
        missing = x.shape[dim] - k - 1
        if missing:
            others = xp.cat(dim, others, xp.narrow(x, dim, 0, missing) * 0)
        terms.append(others)
    return sum(terms[1:], terms[0]) if terms else g


def _divisor(x: Any, dim: Dim, correction: float) -> float:
    return max(0.0, count(x.shape, dim) - correction)


def _var(x: Any, dim: Dim, correction: float, keepdim: bool) -> Any:
    off = x - _mean(x, dim, True)
    return _axis_sum(off * off, dim, keepdim) / _divisor(x, dim, correction)


def _var_vjp(xp: Any, g: Any, y: Any, x: Any, dim: Dim, correction: float, keepdim: bool) -> Any:
    return _spread(xp, g * 2 / _divisor(x, dim, correction), x.shape, dim) * (x - xp.mean(x, dim, True))


def _std_vjp(xp: Any, g: Any, y: Any, x: Any, dim: Dim, correction: float, keepdim: bool) -> Any:
    return _var_vjp(xp, xp.where(y == 0, xp.constant(0.0, y), g / (2 * y)), y, x, dim, correction, keepdim)


def _std(x: Any, dim: Dim, correction: float, keepdim: bool) -> Any:
    return np.sqrt(_var(x, dim, correction, keepdim))


def _norm(x: Any, p: float, dim: Dim, keepdim: bool) -> Any:
    size = np.abs(x)
    if p == math.inf:
        return size.max(axis=dim, keepdims=keepdim)
    if p == -math.inf:
        return size.min(axis=dim, keepdims=keepdim)
    if p == 2:
        return np.sqrt(_axis_sum(x * x, dim, keepdim))
    if p == 0:
        return (x != 0).sum(axis=dim, keepdims=keepdim).astype(x.dtype)
    return _axis_sum(size**p, dim, keepdim) ** (1 / p)


def _norm_vjp(xp: Any, g: Any, y: Any, x: Any, p: float, dim: Dim, keepdim: bool) -> Any:
    if p == 0:
        return _zeros(xp, x)
    size = xp.abs(x)
    if abs(p) == math.inf:
        return _among_ties(xp, g, y, size, dim) * xp.sign(x)
    y, g = (_spread(xp, each, x.shape, dim) for each in (y, g))
    zero = xp.constant(0.0, x)
    if p == 2:
        return g * xp.where(y == 0, zero, x / y)
    return g * xp.where(size == 0, zero, xp.sign(x) * (size / xp.where(y == 0, xp.constant(1.0, x), y)) ** (p - 1))


def _logsumexp(x: Any, dim: Dim, keepdim: bool) -> Any:
    top = x.max(axis=dim, keepdims=True) if x.size else np.zeros(kept(x.shape, dim), x.dtype)
    top = np.where(np.isfinite(top), top, 0)  # inf − inf would be nan
    y = np.log(_axis_sum(np.exp(x - top), dim, True)) + top
    return y if keepdim else y.reshape(x.sum(axis=dim).shape)


def _largest(x: Any, dim: int) -> Any:
    """The largest along an axis, which is kept as 1; of nothing -inf."""
    if x.ndim == 2 and dim in (1, -1) and 0 < x.shape[1] <= 32:  # up to ten times faster than along short rows
        return np.maximum.reduce(np.ascontiguousarray(x.T), 0).reshape(-1, 1)
    return np.maximum.reduce(x, dim, keepdims=True, initial=-np.inf)


def _softmax(x: Any, dim: int) -> Any:
    e = np.subtract(x, _largest(x, dim), order="C")
    np.exp(e, e)
    e /= _axis_sum(e, dim, True)
    return e


def _log_softmax(x: Any, dim: int) -> Any:
    y = np.subtract(x, _largest(x, dim), order="C")
    y -= np.log(_axis_sum(np.exp(y), dim, True))
    return y


def _along_axis(ufunc: np.ufunc, x: Any, dim: int) -> Any:
    """All partial results along an axis; floats in float64 on the way, as in PyTorch."""
    if x.dtype.kind != "f":
        return ufunc.accumulate(x, dim, np.int64)
    return ufunc.accumulate(x, dim, np.float64).astype(x.dtype, order="C", copy=False)


rule("sum", _axis_sum, lambda xp, g, y, x, dim, keepdim: _spread(xp, g, x.shape, dim), formulas=["G, once for each"])
rule("mean", _mean,
     lambda xp, g, y, x, dim, keepdim: _spread(xp, g * (1 / (count(x.shape, dim) or math.nan)), x.shape, dim),
     formulas=["G / n, once for each"])  # fmt: skip
rule("amax", lambda x, dim, keepdim: x.max(axis=dim, keepdims=keepdim),
     lambda xp, g, y, x, dim, keepdim: _among_ties(xp, g, y, x, dim), keeps="x y",
     formulas=["G where x is the largest"])  # fmt: skip
rule("amin", lambda x, dim, keepdim: x.min(axis=dim, keepdims=keepdim),
     lambda xp, g, y, x, dim, keepdim: _among_ties(xp, g, y, x, dim), keeps="x y",
     formulas=["G where x is the smallest"])  # fmt: skip
rule("prod", lambda x, dim, keepdim: x.prod(axis=dim, keepdims=keepdim, dtype=None if x.dtype.kind == "f" else "int64"),
     _prod_vjp, keeps="x", formulas=["G · product of the others"])  # fmt: skip
rule("var", _halves_in_float32(_var), _var_vjp, keeps="x", formulas=["G · 2 (x − mean) / (n − correction)"])
rule("std", _halves_in_float32(_std), _std_vjp, keeps="x y",
     formulas=["G · (x − mean) / (y (n − correction))"])  # fmt: skip
rule("norm", _halves_in_float32(_norm), _norm_vjp, keeps="x y", formulas=["G · x / y"])
rule("logsumexp", _logsumexp,
     lambda xp, g, y, x, dim, keepdim: _spread(xp, g, x.shape, dim) * xp.exp(x - _keep(xp, y, x.shape, dim)),
     keeps="x y", formulas=["G · softmax(x)"])  # fmt: skip
rule("softmax", _softmax, lambda xp, g, y, x, dim: (g - xp.sum(g * y, dim, True)) * y, keeps="y",
     formulas=["(G − Σ G·y) · y"])  # fmt: skip
rule("log_softmax", _log_softmax, lambda xp, g, y, x, dim: g - xp.exp(y) * xp.sum(g, dim, True), keeps="y",
     formulas=["G − softmax(x) · Σ G"])  # fmt: skip
rule("cumsum", lambda x, dim: _along_axis(np.add, x, dim),
     lambda xp, g, y, x, dim: xp.flip(xp.cumsum(xp.flip(g, dim), dim), dim),
     formulas=["Σ of the later G"])  # fmt: skip
rule("cumprod", lambda x, dim: _along_axis(np.multiply, x, dim), _cumprod_vjp, keeps="x",
     formulas=["Σ of the later G · products of the others"])  # fmt: skip

# ---- shapes ----------------------------------------------------------------------------------------------
_BACK = ["G in the shape of x"]


def _broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """np.broadcast_to, ten times faster for the commonest case: one number to any shape."""
    if x.ndim or 0 in shape:
        return np.broadcast_to(x, shape)
    y: Any = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    if x.__class__ is np.ndarray:  # a scalar cannot be written to
        y.flags.writeable = False
    return y


def _roll(x: Any, shifts: Any, dim: Any) -> Any:
    return np.roll(x, shifts, dim)


rule("reshape", lambda x, shape: x.reshape(shape), lambda xp, g, y, x, shape: xp.reshape(g, x.shape), view=True,
     formulas=_BACK)  # fmt: skip
rule("permute", lambda x, dims: x.transpose(dims),
     lambda xp, g, y, x, dims: xp.permute(g, tuple(sorted(range(len(dims)), key=lambda i: dims[i] % len(dims)))),
     view=True, formulas=["Gᵀ"])  # fmt: skip
rule("expand", _broadcast, lambda xp, g, y, x, shape: unbroadcast(xp, g, x.shape),
     view=True, formulas=["G, summed over the broadcast axes"])  # fmt: skip
rule("flip", lambda x, dim: np.flip(x, dim).copy(), lambda xp, g, y, x, dim: xp.flip(g, dim), formulas=["G, flipped"])
rule("roll", _roll, lambda xp, g, y, x, shifts, dim: xp.roll(g, tuple(-s for s in np.atleast_1d(shifts)), dim),
     formulas=["G, rolled back"])  # fmt: skip
rule("clone", lambda x: x.copy(), lambda xp, g, y, x: g, formulas=["G"])
# floor, round, sign: flat wherever there is a derivative
rule("constant_pieces", lambda x, function: function(x), lambda xp, g, y, x, function: _zeros(xp, g), formulas=["0"])
# A gradient takes its input's dtype on the way, in the sweep
rule("cast", lambda x, like: x.astype(like.dtype), lambda xp, g, y, x, like: g, formulas=["G"])


def _narrow(x: Any, dim: int, start: int, length: int) -> Any:
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, start + length),)]


def _widen(xp: Any, g: Any, x: Any, dim: int, start: int, length: int) -> Any:
    """g with zeros before and after it along the axis."""
    parts = [g]
    for where, n in ((0, start), (1, x.shape[dim] - start - length)):
        if n:
            shape = tuple(n if i == dim % x.ndim else m for i, m in enumerate(x.shape))
            parts.insert(len(parts) * where, xp.expand(xp.constant(0.0, g), shape))
    return xp.cat(dim, *parts) if len(parts) > 1 else g


def _cat_vjp(xp: Any, g: Any, y: Any, n: int, dim: int, *xs: Any) -> Any:
    return xp.narrow(g, dim, sum(x.shape[dim] for x in xs[:n]), xs[n].shape[dim])


rule("narrow", _narrow, lambda xp, g, y, x, dim, start, length: _widen(xp, g, x, dim, start, length), view=True,
     formulas=["G, with zeros around it"])  # fmt: skip
rule("cat", lambda dim, *xs: _ordered(np.concatenate(xs, axis=dim)), None, _cat_vjp, formulas=["", "its part of G"])
rule("stack", lambda dim, *xs: _ordered(np.stack(xs, axis=dim)), None,
     lambda xp, g, y, n, dim, *xs: xp.index(g, (slice(None),) * (dim % g.ndim) + (n,)),
     formulas=["", "its part of G"])  # fmt: skip


# ---- elements by their place -----------------------------------------------------------------------------
def _index(x: Any, key: Any) -> Any:
    if key.__class__ is tuple and len(key) == 1 and key[0].__class__ is np.ndarray and key[0].dtype.kind == "i":
        try:
            return x.take(key[0], 0)  # rows: five times faster
        except IndexError:
            pass  # for a message that tells axis and size
    advanced = any(k.__class__ is np.ndarray for k in (key if key.__class__ is tuple else (key,)))
    return _ordered(x[key]) if advanced else x[key]


_FEW = 1 << 13  # elements of a one-hot matrix, up to which a product is faster than a count


@lru_cache(maxsize=16)
def _one_hot(n: int, kind: str) -> Any:
    return np.eye(n, dtype=kind)


def _index_add(g: Any, shape: tuple[int, ...], key: Any) -> Any:
    """Zeros of this shape with g added at the places of the key: what an index reads, its gradient goes back to."""
    rows = key[0] if key.__class__ is tuple and len(key) == 1 else key
    if rows.__class__ is np.ndarray and rows.dtype.kind == "i" and len(shape) == 2 and 0 not in shape:
        n, width = shape  # np.add.at is slow for rows
        rows = rows.astype(np.intp, copy=False).reshape(-1)
        if rows.size * n <= _FEW and n <= 256 and g.dtype.itemsize > 2 and math.isfinite(np.vdot(g, g)):  # inf · 0: nan
            return _one_hot(n, g.dtype.char).take(rows, 0).T.dot(g.reshape(-1, width))
        places = np.remainder(rows, n).reshape(-1, 1) * width + _count(width)
        return np.bincount(places.reshape(-1), g.reshape(-1), n * width).reshape(shape).astype(g.dtype)
    found = np.zeros(shape, g.dtype)
    if any(isinstance(k, np.ndarray) and k.dtype != bool for k in (key if isinstance(key, tuple) else (key,))):
        np.add.at(found, key, g)  # a place may come several times
    else:
        found[key] += g
    return found


def _take(x: Any, dim: int, index: Any) -> Any:
    """Along `dim` by index; the index may be shorter on the other axes, as PyTorch's gather has it."""
    return x[grid(index, dim)]


def grid(index: Any, dim: int) -> tuple[Any, ...]:
    """The key of the elements that an index along one axis chooses."""
    found = list(np.indices(index.shape, sparse=True))
    if found:
        found[dim] = index
    return tuple(found)


def _scatter_add(g: Any, dim: int, index: Any, shape: tuple[int, ...]) -> Any:
    found = np.zeros(shape, g.dtype)
    np.add.at(found, grid(index, dim), g)
    return found


def _diagonal(x: Any, offset: int) -> Any:
    """Of the first two axes, as the last axis of a view."""
    y = x.diagonal(offset)
    y.flags.writeable = x.flags.writeable  # NumPy lets nobody write to it
    return y


def _diagonal_vjp(xp: Any, g: Any, y: Any, x: Any, offset: int) -> Any:
    places = np.arange(g.shape[-1])
    key = (places + max(0, -offset), places + max(0, offset))
    return xp.index_add(xp.permute(g, (g.ndim - 1, *range(g.ndim - 1))), x.shape, key)


def _tril(x: Any, k: int) -> Any:
    return np.tril(x, k)


def _triu(x: Any, k: int) -> Any:
    return np.triu(x, k)


def _put(x: Any, value: Any, key: Any) -> Any:
    y = np.array(x)
    y[key] = value
    return y


def _put_zero(xp: Any, g: Any, key: Any) -> Any:
    return xp.put(g, xp.constant(0.0, g), key)


rule("index", _index, lambda xp, g, y, x, key: xp.index_add(g, x.shape, key), keeps="key", view=True,
     formulas=["G, added up at the places of the index"])  # fmt: skip
rule("index_add", _index_add, lambda xp, g, y, x, shape, key: xp.index(g, key), keeps="key",
     formulas=["G at the index"])  # fmt: skip
rule("put", _put, lambda xp, g, y, x, value, key: _put_zero(xp, g, key),
     lambda xp, g, y, x, value, key: unbroadcast(xp, xp.index(g, key), value.shape), keeps="key",
     formulas=["G, but 0 at the index", "G at the index"])  # fmt: skip
rule("gather", _take, lambda xp, g, y, x, dim, index: xp.scatter_add(g, dim, index, x.shape), keeps="index",
     formulas=["G, added up at the places of the index"])  # fmt: skip
rule("scatter_add", _scatter_add, lambda xp, g, y, x, dim, index, shape: xp.gather(g, dim, index), keeps="index",
     formulas=["G at the index"])  # fmt: skip
rule("diagonal", _diagonal, _diagonal_vjp, view=True, formulas=["G on the diagonal"])
rule("tril", _tril, lambda xp, g, y, x, k: xp.tril(g, k), formulas=["lower triangle of G"])
rule("triu", _triu, lambda xp, g, y, x, k: xp.triu(g, k), formulas=["upper triangle of G"])


# ---- products --------------------------------------------------------------------------------------------
def _matmul_left(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return xp.reshape(g, (*g.shape, 1)) * b if a.ndim > 1 else g * b
    if a.ndim == 1:
        g = xp.reshape(g, (*g.shape[:-1], 1, g.shape[-1]))
        return unbroadcast(xp, xp.reshape(xp.matmul(g, b.mT), (*b.shape[:-2], a.shape[0])), a.shape)
    return unbroadcast(xp, xp.matmul(g, b.mT), a.shape)


def _matmul_right(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        if b.ndim == 1:
            return g * a
        return xp.reshape(a, (-1, 1)) * xp.reshape(g, (*g.shape[:-1], 1, g.shape[-1]))
    if b.ndim == 1:
        g = xp.reshape(g, (*g.shape, 1))
        return unbroadcast(xp, xp.reshape(xp.matmul(a.mT, g), (*a.shape[:-2], b.shape[0])), b.shape)
    return unbroadcast(xp, xp.matmul(a.mT, g), b.shape)


def product(a: Any, b: Any) -> Any:
    """a @ b; two matrices go straight to BLAS, which is faster."""
    return a.dot(b) if b.ndim == 2 == a.ndim else a @ b


def _linear(x: Any, w: Any, b: Any = None) -> Any:
    y = x.dot(w.T) if x.ndim == 2 else _rows(arrays, x).dot(w.T)
    if b is not None:
        y += b
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(w))


def _rows(xp: Any, x: Any) -> Any:
    return x if x.ndim == 2 else xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


rule("matmul", product, _matmul_left, _matmul_right, keeps=("b", "a"), formulas=["G @ bᵀ", "aᵀ @ G"])
def _linear_weight(xp: Any, g: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    return xp.matmul(g.T, x) if g.ndim == 2 else xp.matmul(_rows(xp, g).T, _rows(xp, x))


rule("linear", _linear, lambda xp, g, y, x, w, b: xp.matmul(g, w), _linear_weight,
     lambda xp, g, y, x, w, b: xp.sum(g if g.ndim == 2 else _rows(xp, g), 0, False), keeps=("w", "x", ""),
     formulas=["G @ w", "Gᵀ @ x", "G, summed over the batch"])  # fmt: skip


def _einsum_vjp(xp: Any, g: Any, y: Any, n: int, equation: str, *xs: Any) -> Any:
    """The equation with output and input n exchanged; an index that is in input n alone is broadcast."""
    left, out = equation.split("->")
    terms = left.split(",")
    mine, others = terms[n], terms[:n] + terms[n + 1 :]
    once = "".join(dict.fromkeys(mine))
    reachable = [c for c in once if c in out or any(c in t for t in others)]
    found = xp.einsum(f"{','.join([out, *others])}->{''.join(reachable)}", g, *xs[:n], *xs[n + 1 :])
    size = dict(zip(mine, xs[n].shape, strict=True))
    if len(reachable) < len(once):
        found = xp.expand(xp.reshape(found, tuple(size[c] if c in reachable else 1 for c in once)),
                          tuple(size[c] for c in once))  # fmt: skip
    if len(once) < len(mine):  # a diagonal: back to its places
        places = dict(zip(once, np.indices([size[c] for c in once], sparse=True), strict=True))
        found = xp.index_add(found, xs[n].shape, tuple(places[c] for c in mine))
    return found


def _einsum(equation: str, *xs: Any) -> Any:
    y = np.einsum(equation, *xs, optimize=len(xs) > 1)
    return _ordered(y) if len(xs) > 1 else y  # of one array it may be a view


rule("einsum", _einsum, None, _einsum_vjp, keeps="xs",
     view=True, formulas=["", "the product with output and input exchanged"])  # fmt: skip


def explicit(equation: str, shapes: Sequence[tuple[int, ...]]) -> str:
    """An einsum equation with its output, and letters in place of every ellipsis."""
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum: the equation {equation!r} has {len(terms)} inputs, got {len(shapes)} tensors")
    free = [c for c in string.ascii_letters if c not in equation]
    longest = max((len(s) - len(t) + 3 for t, s in zip(terms, shapes, strict=True) if "..." in t), default=0)
    extra = "".join(free[:longest])
    for i, (t, s) in enumerate(zip(terms, shapes, strict=True)):
        if "..." in t:
            n = len(s) - len(t) + 3
            terms[i] = t.replace("...", extra[longest - n :] if n else "")
        elif len(t) != len(s):
            raise ValueError(f"einsum: the term {t!r} has {len(t)} indices, but its tensor has shape {tuple(s)}")
    if not arrow:
        every = "".join(terms)
        out = ("..." if extra else "") + "".join(c for c in sorted(set(every) - set(extra)) if every.count(c) == 1)
    return f"{','.join(terms)}->{out.replace('...', extra)}"


# ---- normalisation -----------------------------------------------------------------------------------------
def _standardize(x: Any, dim: Dim, eps: float) -> Any:
    """(x − mean) / √(var + eps), var divided by n."""
    off = np.subtract(x, _mean(x, dim, True), order="C")
    return off / np.sqrt(_mean(off * off, dim, True) + eps)


def _standardize_vjp(xp: Any, g: Any, y: Any, x: Any, dim: Dim, eps: float) -> Any:
    centred = g - xp.mean(g, dim, True) - y * xp.mean(g * y, dim, True)
    return centred * xp.rsqrt(xp.var(x, dim, 0.0, True) + eps)


rule("standardize", _halves_in_float32(_standardize), _standardize_vjp, keeps="x y",
     formulas=["(G − mean(G) − y · mean(G · y)) / √(var + eps)"])  # fmt: skip


# ---- losses, each in one node ------------------------------------------------------------------------------
#: While logits and a loss live: exp of the logits less their largest, the sums of these, and the loss
_exps: ByMemory[Any] = ByMemory()


def _cross_entropy(x: Any, target: Any, weight: Any) -> Any:
    """−Σ weight · log softmax(x) at the target, x of shape (N, C), target of shape (N,); weight a number or (N,)."""
    off = x - _largest(x, 1)
    chosen = off.reshape(-1)[_places(target, x.shape[1])]
    total = _axis_sum(np.exp(off, off), 1, True)
    lost = np.log(total).reshape(-1)
    lost -= chosen
    y = np.asarray(np.add.reduce(lost) * weight if weight.__class__ is float else lost.dot(weight))
    if x.base is None:  # views of one memory would be taken for each other
        _exps[x] = off, total, weakref.ref(y, partial(_exps.found.pop, id(x)))
    return y


def _cross_entropy_vjp(xp: Any, g: Any, y: Any, x: Any, target: Any, weight: Any) -> Any:
    off = xp.less_at_target(xp.softmax_of(y, x), target)
    return off * (g * (weight if isinstance(weight, float) else weight.reshape(-1, 1)))


def _softmax_of(y: Any, x: Any) -> Any:
    """softmax(x), x being the logits of the loss y."""
    known = _exps.get(x, None) if x.base is None else None
    return known[0] / known[1] if known is not None and known[2]() is y else _softmax(x, 1)


def _less_at_target(x: Any, target: Any) -> Any:
    """x − one_hot(target)."""
    if x.size <= _FEW and x.shape[1] <= 256 and x.dtype.itemsize > 2:
        return x - _one_hot(x.shape[1], x.dtype.char).take(target, 0)
    y = x.copy()
    y.reshape(-1)[_places(target, x.shape[1])] -= 1
    return y


def _places(target: Any, classes: int) -> Any:
    """Of one class in each row, in the flat array."""
    return _rows_from(len(target), classes) + target


@lru_cache(maxsize=64)
def _rows_from(n: int, width: int) -> Any:
    return np.arange(0, n * width, width)


def _mse(x: Any, target: Any, scale: float) -> Any:
    off = (x - target).reshape(-1)
    return off.dot(off) * scale


def _huber(x: Any, target: Any, delta: float) -> Any:
    """½d² where |d| ≤ delta, else delta (|d| − ½ delta), in one formula."""
    off = x - target
    near = off.clip(-delta, delta)
    return near * (off - 0.5 * near)


def _binary_cross_entropy(x: Any, target: Any) -> Any:
    return -(target * np.maximum(np.log(x), -100) + (1 - target) * np.maximum(np.log1p(-x), -100))


def _binary_cross_entropy_with_logits(x: Any, target: Any, positive: Any) -> Any:
    """softplus(−x) is −log sigmoid(x); the target's part of the loss is multiplied by `positive`."""
    return (1 - target) * x + (1 + (positive - 1) * target) * arrays.softplus(-x)


rule("cross_entropy", _cross_entropy, _cross_entropy_vjp, keeps="x target weight",
     formulas=["G · (softmax(x) − one_hot(target)) · weight"])  # fmt: skip
rule("mse", _mse, lambda xp, g, y, x, target, scale: (x - target) * (g * (2 * scale)),
     lambda xp, g, y, x, target, scale: (target - x) * (g * (2 * scale)), keeps="x target",
     formulas=["G · 2 (x − target) · scale", "G · 2 (target − x) · scale"])  # fmt: skip
rule("huber", _huber, lambda xp, g, y, x, target, delta: g * xp.clamp(x - target, -delta, delta),
     lambda xp, g, y, x, target, delta: g * xp.clamp(target - x, -delta, delta), keeps="x target",
     formulas=["G · (x − target), within ± delta", "G · (target − x), within ± delta"])  # fmt: skip
# finite at 0 and 1 too, as in PyTorch
rule("binary_cross_entropy", _binary_cross_entropy,
     lambda xp, g, y, x, target: g * (x - target) / xp.maximum((1 - x) * x, 1e-12),
     lambda xp, g, y, x, target: g * (xp.log1p(-x) - xp.log(x)), keeps="x target",
     formulas=["G · (x − target) / (x (1 − x))", "G · log((1 − x) / x)"])  # fmt: skip
rule("binary_cross_entropy_with_logits", _binary_cross_entropy_with_logits,
     lambda xp, g, y, x, target, positive:
         g * ((1 + (positive - 1) * target) * xp.sigmoid(x) - positive * target),
     lambda xp, g, y, x, target, positive: g * ((positive - 1) * xp.softplus(-x) - x), keeps="x target positive",
     formulas=["G · (sigmoid(x) − target)", "−G · x"])  # fmt: skip


# ---- the world of arrays -----------------------------------------------------------------------------------
_MASK = np.dtype(bool)


def _where(condition: Any, a: Any, b: Any) -> Any:
    """np.where; a mask of 0 and 1 stays a mask, which multiplies without a change of dtype."""
    if a.__class__ is int and b.__class__ is int and getattr(condition, "dtype", None) is _MASK:
        if a == 0 and b == 1:
            return np.logical_not(condition)
        if a == 1 and b == 0:
            return condition
    elif condition.__class__ is bool and int in (a.__class__, b.__class__):
        return a if condition else b  # of a constant, such as the exponent of x**0: the other branch may be inf
    elif a.__class__ is float and getattr(b, "dtype", None) is _MASK and not condition.any():
        return b  # no ties
    return np.where(condition, a, b)


def _constant(x: float, like: Any) -> Any:
    return np.asarray(x, like.dtype)


arrays = World("arrays", {
    **worlds.arrays.primitives, "where": _where, "sign": np.sign, "constant": _constant,
    "softmax_of": _softmax_of, "less_at_target": _less_at_target,
    **{name: each.value for name, each in STRUCTURAL.items()},
})  # fmt: skip
