"""What random programs are made of: each operation's meaning in NumPy, its text in other libraries, its decoding.

The meanings are written here once more, on purpose without a look at rules.py or structural.py, and for complex
arrays too, where branches are taken on the real part: so a complex step gives the derivative. A plan takes any
operands whatever and mends them: shapes by reshapes and sums, domains and kinks by nodes of their own.

>>> OPS["softplus"].value(0.0 + 1e-30j).imag / 1e-30, OPS["softplus"].torch
(np.float64(0.5), 'F.softplus({0})')
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .programs import Builder

__all__ = ["ARRAYS", "LARGE", "LIMIT", "MARGIN", "OPS", "SCALARS", "Op", "fixed"]

Array = np.ndarray[Any, Any]
LIMIT = 32  # elements of an array
LARGE = 16.0  # what is larger is scaled
NEAR = 0.25  # what is nearer to a pole is mended
MARGIN = 1 / 16  # and what is nearer to a kink is moved


def fixed(shape: tuple[int, ...], start: int = 0) -> Array:
    """Distinct numbers of both signs, none of them 1: a cotangent or a direction that no sum of which is 0.

    >>> fixed((3,))
    array([ 0.625, -0.875,  1.125])
    """
    i = np.arange(start, start + math.prod(shape))
    return ((5 + 2 * i) / 8 * np.where(i % 2, -1, 1)).reshape(shape)


# ---- the vocabulary --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Op:
    """An operation: what it means in NumPy on real and complex arrays, how engines write it, how it is decoded."""

    name: str
    value: Callable[..., Any]  #: (*arrays, **options) -> array
    plan: Callable[[Builder, tuple[int, int, int], int], int]  #: (builder, operands, k) -> the step that it has made
    elementwise: bool
    torch: str  #: its text on arrays, {0}, {1}, … the operands; "" where there is none
    values: str  #: on Values
    numpy: str  #: in libraries with NumPy's names
    flat: tuple[int, ...] = ()  #: operands without a derivative
    slack: float = 0.0  #: what its derivatives are rounded relative to besides themselves: 1 − p, where p is near 1
    single: float = 0.0  #: the same in single precision alone, where an engine may take a shorter formula


OPS: dict[str, Op] = {}
Repair = Callable[["Builder", int], int]


def _elementwise(
    name: str, value: Callable[..., Any], *repairs: Repair | None, plan: Any = None, torch: str | None = None,
    values: str | None = None, numpy: str = "", flat: tuple[int, ...] = (), slack: float = 0.0, single: float = 0.0,
) -> None:  # fmt: skip
    """An operation on numbers. repairs: for each operand what brings it into the domain."""
    arity = sum(p.default is p.empty and p.kind is not p.KEYWORD_ONLY for p in signature(value).parameters.values())
    operands = ", ".join(f"{{{i}}}" for i in range(arity))

    def usual(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        xs = b.together(operands[:arity])
        mended = (repair(b, x) if repair else x for x, repair in zip(xs, repairs or (None,) * arity, strict=True))
        return b.do(name, *mended)

    torch = f"torch.{name}({operands})" if torch is None else torch
    values = f"mg.{name}({operands})" if values is None else values
    numpy = numpy if "{" in numpy else f"np.{numpy}({operands})" if numpy else ""
    OPS[name] = Op(name, value, plan or usual, True, torch, values, numpy, flat, slack, single)


def _structural(
    name: str, value: Callable[..., Any], plan: Any, torch: str, numpy: str = "", slack: float = 0.0
) -> None:  # fmt: skip
    OPS[name] = Op(name, value, plan, False, torch, "", numpy, slack=slack)


# ---- numbers: semantics ----------------------------------------------------------------------------------
@cache
def _ufunc(function: Callable[[float], float]) -> Any:
    return np.frompyfunc(function, 1, 1)


def _special(function: Callable[[float], float], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that NumPy has not: to first order in the imaginary part, which is all that a complex step asks."""

    def value(x: Any) -> Any:
        y = np.asarray(_ufunc(function)(np.real(x)), float)
        return y + 1j * np.imag(x) * slope(np.real(x)) if np.iscomplexobj(x) else y

    return value


_erf = _special(math.erf, lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x))
_erfc = _special(math.erfc, lambda x: -2 / math.sqrt(math.pi) * np.exp(-x * x))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _absolute(x: Any) -> Any:
    return np.where(np.real(x) < 0, -x, x)


def _larger(a: Any, b: Any) -> Any:
    return np.where(np.real(a) >= np.real(b), a, b)


def _smaller(a: Any, b: Any) -> Any:
    return np.where(np.real(a) <= np.real(b), a, b)


def _repeated(x: Any, *, n: int) -> Any:
    """x multiplied n times."""
    y = x * 0 + 1
    for _ in range(abs(n)):
        y = y * x
    return 1 / y if n < 0 else y


def _hypot(a: Any, b: Any) -> Any:
    return np.sqrt(a * a + b * b)


def _angle(a: Any, b: Any) -> Any:
    """By half the angle: the tangent of that is a / (r + b), and (r − b) / a where r + b cancels."""
    r = _hypot(a, b)
    return 2 * np.arctan(np.where(np.real(b) >= 0, a / (r + b), (r - b) / a))


# ---- numbers: repairs --------------------------------------------------------------------------------------
def _positive(b: Builder, x: int) -> int:
    return x if b.least(x) >= NEAR else b.mend("shift", b.mend("square", x), c=0.5)


def _nonzero(b: Builder, x: int) -> int:
    return x if b.least(x, np.abs) >= NEAR else b.mend("shift", b.mend("square", x), c=0.5)


def _above_minus_one(b: Builder, x: int) -> int:
    return x if b.least(x) >= NEAR - 1 else b.mend("square", x)


def _moderate(b: Builder, x: int) -> int:
    return b.bounded(x, 4.0)


def _within_one(b: Builder, x: int) -> int:
    return x if b.most(x) <= 1 - NEAR else b.mend("scale", b.mend("sin", x), c=1 - NEAR)


def _within_a_turn(b: Builder, x: int) -> int:
    return x if b.most(x) <= 1.25 else b.mend("sin", x)


def _probability(b: Builder, x: int) -> int:
    return x if b.least(x) >= 0.125 and b.most(x) <= 0.875 else b.mend("sigmoid", b.bounded(x, 2.0))


def _off_zero(b: Builder, x: int) -> int:
    return b.clear(x, b.values[x])


def _pow(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    base, exponent = b.together(operands[:2])
    base = _positive(b, base)
    exponent = _off_zero(b, exponent)  # where engines take the slope by the base for a constant
    return b.do("pow", base, b.bounded(exponent, 3 / max(1.0, b.most(base, np.log))))


def _atan2(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    a, c = b.together(operands[:2])
    cut = np.any((np.abs(b.values[a]) < NEAR) & (b.values[c] < NEAR))  # where the angle jumps, and the origin
    return b.do("atan2", a, _positive(b, c) if cut else c)


def _hypot_plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    a, c = b.together(operands[:2])
    return b.do("hypot", a, _nonzero(b, c) if np.any(np.abs(b.values[a]) < NEAR) else c)


def _extreme(name: str) -> Any:
    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x, y = b.together(operands[:2])  # maximum(x, x) has no kink
        return b.do(name, x if x == y else b.clear(x, b.values[x] - b.values[y]), y)

    return plan


def _clamp(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x, low, high = b.together(operands)
    whole = np.broadcast_shapes(*map(b.shape, (x, low, high)))  # torch has no bounds larger than x
    x = x if b.shape(x) == whole else b.mend("expand", x, shape=whole)
    low = b.clear(low, b.values[low] - b.values[x])
    return b.do("clamp", x, low, b.clear(high, b.values[high] - b.values[x], b.values[high] - b.values[low]))


def _where(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    a, other, condition = b.together(operands)
    return b.do("where", condition, a, other, t=-b.offset(b.values[condition]))


def _power(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    n = (2, 3, 1, 0, -1, -2)[k % 6]
    return b.do("power", b.bounded(_nonzero(b, operands[0]) if n < 0 else operands[0], 4.0), n=n)


_PLAIN: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("add", lambda a, b: a + b, "{0} + {1}"), ("sub", lambda a, b: a - b, "{0} - {1}"),
    ("mul", lambda a, b: a * b, "{0} * {1}"), ("neg", lambda x: -x, "-{0}"), ("square", lambda x: x * x, "square"),
    ("sin", np.sin, "sin"), ("cos", np.cos, "cos"), ("atan", np.arctan, "arctan"), ("tanh", np.tanh, "tanh"),
    ("sigmoid", _sigmoid, ""), ("erf", _erf, ""), ("erfc", _erfc, ""),
)  # fmt: skip
for _name, _value, _numpy in _PLAIN:
    _elementwise(_name, _value, numpy=_numpy, single=float(_name == "tanh"))  # 1 − y·y, as in PyTorch
_elementwise("shift", lambda x, *, c: x + c, torch="{0} + {c}", values="{0} + {c}", numpy="{0} + {c}",
             plan=lambda b, operands, k: b.do("shift", operands[0], c=(k % 9 - 4) / 4))  # fmt: skip
_elementwise("scale", lambda x, *, c: x * c, torch="{0} * {c}", values="{0} * {c}", numpy="{0} * {c}",
             plan=lambda b, operands, k: b.do("scale", operands[0], c=(k % 9 - 4) / 4))  # fmt: skip
_elementwise("div", lambda a, b: a / b, None, _nonzero, numpy="{0} / {1}")
_elementwise("reciprocal", lambda x: 1 / x, _nonzero, numpy="reciprocal")
_elementwise("pow", lambda a, b: a**b, plan=_pow, numpy="{0} ** {1}")
_elementwise("power", _repeated, plan=_power, torch="{0} ** {n}", values="{0} ** {n}", numpy="{0} ** {n}")
for _name in ("exp", "expm1", "sinh", "cosh"):
    _elementwise(_name, getattr(np, _name), _moderate, numpy=_name)
_elementwise("log", np.log, _positive, numpy="log")
_elementwise("log2", lambda x: np.log(x) / np.log(2), _positive, numpy="log2")
_elementwise("log10", lambda x: np.log(x) / np.log(10), _positive, numpy="log10")
_elementwise("sqrt", np.sqrt, _positive, numpy="sqrt")
_elementwise("rsqrt", lambda x: 1 / np.sqrt(x), _positive)
_elementwise("log1p", np.log1p, _above_minus_one, numpy="log1p")
_elementwise("tan", np.tan, _within_a_turn, numpy="tan")
_elementwise("asin", np.arcsin, _within_one, numpy="arcsin")
_elementwise("acos", np.arccos, _within_one, numpy="arccos")
_elementwise("atan2", _angle, plan=_atan2, numpy="arctan2", slack=1.0)
_elementwise("hypot", _hypot, plan=_hypot_plan, numpy="hypot")
_elementwise("softplus", lambda x: np.log1p(np.exp(x)), torch="F.softplus({0})")
_elementwise("silu", lambda x: x * _sigmoid(x), torch="F.silu({0})")
_elementwise("gelu", lambda x: x * _erfc(-x / math.sqrt(2)) / 2, torch="F.gelu({0})")
_elementwise("gelu_tanh", lambda x: x * _sigmoid(math.sqrt(8 / math.pi) * (x + 0.044715 * x**3)),
             torch='F.gelu({0}, approximate="tanh")')  # fmt: skip
_elementwise("abs", _absolute, _off_zero, numpy="abs")
_elementwise("relu", lambda x: _larger(x, 0), _off_zero)
_elementwise("leaky_relu", lambda x, s: np.where(np.real(x) > 0, x, s * x), _off_zero, None)
_elementwise("elu", lambda x, alpha: np.where(np.real(x) > 0, x, alpha * np.expm1(x)), _off_zero, None)
_elementwise("maximum", _larger, plan=_extreme("maximum"), numpy="maximum")
_elementwise("minimum", _smaller, plan=_extreme("minimum"), numpy="minimum")
_elementwise("clamp", lambda x, low, high: _smaller(_larger(x, low), high), plan=_clamp)
_elementwise("where", lambda c, a, b, *, t: np.where(np.real(c) > t, a, b), plan=_where, flat=(0,),
             torch="torch.where({0} > {t}, {1}, {2})", values="mg.where({0} > {t}, {1}, {2})",
             numpy="np.where({0} > {t}, {1}, {2})")  # fmt: skip
_elementwise("dot", lambda a, b, c, d, e: a * c + b * d + 0.5 * a + e, torch="",
             values="mg.dot([{0}, {1}, 0.5], [{2}, {3}, {0}], {4})",
             plan=lambda b, operands, k: b.do("dot", *operands, *operands[:2]))  # fmt: skip


# ---- arrays: plans -----------------------------------------------------------------------------------------
def _dims(ndim: int, k: int) -> tuple[int, ...]:
    """Some axes, not none of them unless there are none; k = 0 for all."""
    chosen = tuple(d for d in range(ndim) if k >> d & 1)
    return chosen or tuple(range(ndim))


def _reduction(name: str, *repairs: Repair, **options: Callable[[int, int], Any]) -> Any:
    """options: further ones, from k and the number of elements that are put together."""

    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x = operands[0]
        for repair in repairs:
            x = repair(b, x)
        dim = _dims(b.values[x].ndim, k)
        count = math.prod(b.shape(x)[d] for d in dim)
        return b.do(name, x, dim=dim, keepdim=k % 3 == 1, **{o: f(k, count) for o, f in options.items()})

    return plan


def _correction(k: int, count: int) -> int:
    """Of a variance: 1, as is usual, or 0; of one element it must be 0."""
    return int(count > 1 and k % 2 == 0)


def _along(name: str, *repairs: Repair, **options: Any) -> Any:
    """On one axis of an array that has one."""

    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x = operands[0]
        for repair in repairs:
            x = repair(b, x)
        x = b.lined(x)
        return b.do(name, x, dim=k % b.values[x].ndim, **options)

    return plan


def _filled(b: Builder, x: int) -> int:
    """Something with elements: of nothing, the sum."""
    return x if b.values[x].size else b.total(x)


def _distinct(b: Builder, x: int) -> int:
    """With elements apart from one another: in the same order, spread where they are not."""
    v = b.values[x].ravel()
    order = np.argsort(v, kind="stable")
    if np.all(np.diff(v[order]) >= MARGIN):
        return x
    ramp = np.empty(v.shape)
    ramp[order] = np.arange(v.size) / 8
    return b.mend("ramp", x, c=ramp.reshape(b.shape(x)).tolist())


def _wide(b: Builder, x: int) -> int:
    """With two elements on each axis at least, all apart: no standard deviation is 0."""
    x = b.small(x, LIMIT // 2)
    if b.values[x].size < 2:
        x = b.mend("stack", x, b.mend("scale", x, c=-0.5), dim=b.values[x].ndim)
    if 1 in b.shape(x):
        x = b.mend("reshape", x, shape=(b.values[x].size,))
    return _distinct(b, x)


def _reshape(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    n = b.values[operands[0]].size
    rows = next((m for m in (2, 3) if n % m == 0 and (k + m) % 3), 1)
    shapes = ((n,), (rows, n // rows), (n // rows, 1, rows), (1, n))
    return b.do("reshape", operands[0], shape=shapes[k % 4] if n or k % 2 else (3, 0))


def _permute(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    n = b.values[operands[0]].ndim
    dims = tuple(range(n))
    return b.do("permute", operands[0], dims=(dims[::-1], dims[1:] + dims[:1])[k % 2])


def _expand(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = operands[0]
    lead = (2 + k % 2,) if b.values[x].size * 3 <= LIMIT else ()
    return b.do("expand", x, shape=lead + b.stretched(x, 2 + k % 2, math.prod(lead)))


def _plain(name: str) -> Any:
    return lambda b, operands, k: b.do(name, operands[0])


def _flip(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    return b.do("flip", operands[0], dims=_dims(b.values[operands[0]].ndim, k))


def _floor(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = operands[0]
    return b.do("floor", b.clear(x, b.values[x] - np.round(b.values[x])))


def _ramp(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = _filled(b, operands[0])
    return b.do("ramp", x, c=fixed(b.shape(x), k % 5).tolist())


def _narrow(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.lined(operands[0])
    dim = k % b.values[x].ndim
    n = b.shape(x)[dim]
    start = k % (n + 1) // 2
    return b.do("narrow", x, dim=dim, start=start, length=(n - start + 1) // 2)


def _joined(name: str) -> Any:
    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x = b.small(operands[0], LIMIT // 2)
        x = b.lined(x) if name == "cat" else x
        y = b.same(operands[1], b.shape(x))
        return b.do(name, x, y, dim=k % max(1, b.values[x].ndim + (name == "stack")))

    return plan


def _index(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = _filled(b, operands[0])
    x = b.lined(x if k % 6 else b.small(x, LIMIT // 3))
    n = b.shape(x)[0]
    keys: tuple[tuple[Any, ...], ...] = (
        ([0, n - 1, 0],), (n // 2,), (slice(None, None, 2),), (None,), (..., -1), (slice(1, None), None))  # fmt: skip
    return b.do("index", x, key=keys[k % 6])


def _gather(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.lined(_filled(b, operands[0]))
    dim = k % b.values[x].ndim
    index = (np.arange(b.values[x].size) + k) ** 2 % b.shape(x)[dim]
    return b.do("gather", x, dim=dim, index=index.reshape(b.shape(x)).tolist())


def _scattered(name: str) -> Any:
    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x = b.lined(_filled(b, operands[0]))
        y, shape, dim = b.same(operands[1], b.shape(x)), b.shape(x), k % b.values[x].ndim
        line = np.roll(np.arange(shape[dim]), k)  # scatter takes each place once
        line = (line if name == "scatter" else line**2 % shape[dim])[: max(1, shape[dim] - k % 3)]  # and not all
        index = np.broadcast_to(line.reshape([-1 if i == dim else 1 for i in range(len(shape))]),
                                [len(line) if i == dim else n for i, n in enumerate(shape)])  # fmt: skip
        if len(line) < shape[dim]:  # torch gives no gradient of a source that is larger than its index
            y = b.mend("narrow", y, dim=dim, start=0, length=len(line))
        return b.do(name, x, y, dim=dim, index=index.tolist())

    return plan


def _matmul(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x, y = b.lined(operands[0]), b.lined(operands[1])
    s, t = b.shape(x), b.shape(y)
    if s[-1] != t[-2 if len(t) > 1 else 0] or (s[:-2] and t[:-2] and s[:-2] != t[:-2]):
        if len(t) == 2 and s[-1] == t[-1]:
            y = b.mend("permute", y, dims=(1, 0))
        else:  # the outer product
            x, y = b.small(x, 4), b.small(y, 4)
            x, y = (b.mend("reshape", z, shape=shape) for z, shape in
                    ((x, (b.values[x].size, 1)), (y, (1, b.values[y].size))))  # fmt: skip
    s, t = b.shape(x), b.shape(y)
    if math.prod(s[:-1]) * (math.prod(t) // max(1, s[-1])) > LIMIT:
        x = b.small(x, 1)
        x = b.mend("expand", x, shape=(1, t[-2] if len(t) > 1 else t[0]))
    return b.do("matmul", x, y)


def _linear(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.lined(_filled(b, operands[0]))
    n = b.shape(x)[-1]
    w = operands[1]
    size = b.values[w].size
    if size and size % n == 0 and size // n * (b.values[x].size // n) <= LIMIT:
        w = b.mend("reshape", w, shape=(size // n, n))
    else:
        w = b.mend("expand", b.total(w), shape=(1, n))
    bias = x if b.shape(x) == b.shape(w)[:1] else b.mend("sum", w, dim=(1,), keepdim=False)
    return b.do("linear", x, w, bias)


def _einsum(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.matrix(operands[0])
    y = b.same(operands[1], b.shape(x))
    equations = ("ij,ij->i", "ij,kj->ik", "ij,ij->", "ij,ij->ji", "ij,kj->i", "ij,ik->j")
    square = b.shape(x)[0] == b.shape(x)[1] and k % 2
    return b.do("einsum", x, y, equation="ii,ij->j" if square else equations[k % 6])


def _of_matrix(name: str) -> Any:
    """Of what has two axes, or more."""

    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x = operands[0]
        return b.do(name, x if b.values[x].ndim > 2 else b.matrix(x), k=k % 3 - 1)

    return plan


def _diagonal_matrix(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.small(operands[0], 3)
    return b.do("diag", b.mend("reshape", x, shape=(b.values[x].size,)), k=k % 3 - 1)


def _norm(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    p = (2.0, 1.0, 3.0, math.inf, 4.0)[k % 5]
    x = _off_zero(b, _filled(b, operands[0]))
    if p == math.inf:
        x = _distinct(b, _positive(b, x))
        x = b.mend("neg", x) if k % 2 else x
    return b.do("norm", x, p=p, dim=_dims(b.values[x].ndim, k // 5), keepdim=k % 3 == 1)


def _layer_norm(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.lined(_filled(b, operands[0]))
    return b.do("layer_norm", x, shape=b.shape(x)[-1 - k % b.values[x].ndim :])


def _cross_entropy(b: Builder, operands: tuple[int, int, int], k: int) -> int:
    x = b.matrix(_filled(b, operands[0]))
    rows, classes = b.shape(x)
    return b.do("cross_entropy", x, target=[(k + i * i) % classes for i in range(rows)])


def _pairwise(name: str, *repairs: Repair) -> Any:
    """Losses of two arrays of one shape."""

    def plan(b: Builder, operands: tuple[int, int, int], k: int) -> int:
        x = _filled(b, operands[0])
        y = b.same(operands[1], b.shape(x))
        for repair in repairs:
            x, y = repair(b, x), repair(b, y)
        if name == "huber":
            off = b.values[x] - b.values[y]
            x = b.clear(x, off - 0.75, off + 0.75)
        return b.do(name, x, y)

    return plan


# ---- arrays: semantics -------------------------------------------------------------------------------------
def _total(x: Any, dim: tuple[int, ...], keepdim: bool = False) -> Any:
    return np.sum(x, axis=dim, keepdims=keepdim)


def _average(x: Any, dim: tuple[int, ...], keepdim: bool = False) -> Any:
    return _total(x, dim, keepdim) / math.prod(x.shape[d] for d in dim)


def _variance(x: Any, dim: tuple[int, ...], keepdim: bool, correction: int) -> Any:
    """As the mean of the squares of the differences from the mean; NumPy's own takes |x|², which is not analytic."""
    count = math.prod(x.shape[d] for d in dim)
    return _total((x - _average(x, dim, True)) ** 2, dim, keepdim) / (count - correction)


def _positional(function: Callable[..., Any]) -> Any:
    """For the one option of a function that has another name for it."""
    return lambda x, **option: function(x, *option.values())


def _spread(root: Callable[[Any], Any]) -> Any:
    return lambda x, dim, keepdim, correction: root(_variance(x, dim, keepdim, correction))


def _extreme_of(name: str) -> Any:
    return lambda x, dim, keepdim: getattr(x, name)(axis=dim, keepdims=keepdim)


def _vector_norm(x: Any, p: float, dim: tuple[int, ...], keepdim: bool) -> Any:
    if p == math.inf:
        return _absolute(x).max(axis=dim, keepdims=keepdim)
    return _total(_absolute(x) ** int(p), dim, keepdim) ** (1 / p)


def _softmax(x: Any, dim: int) -> Any:
    e = np.exp(x)
    return e / e.sum(axis=dim, keepdims=True)


def _scattered_value(add: bool) -> Any:
    def value(x: Any, y: Any, dim: int, index: list[Any]) -> Any:
        out, index_ = np.array(x, np.result_type(x, y)), np.asarray(index)
        for place in np.ndindex(index_.shape):
            to = (*place[:dim], index_[place], *place[dim + 1 :])
            out[to] = y[place] + (out[to] if add else 0)
        return out

    return value


def _standardized(x: Any, shape: tuple[int, ...]) -> Any:
    dim = tuple(range(x.ndim - len(shape), x.ndim))
    return (x - _average(x, dim, True)) / np.sqrt(_variance(x, dim, True, 0) + 0.125)


def _huber(x: Any, y: Any) -> Any:
    off = _absolute(x - y)
    return np.where(np.real(off) < 0.75, off * off / 2, 0.75 * (off - 0.375))


def _cross_entropy_value(x: Any, target: list[int]) -> Any:
    return np.mean([np.log(np.exp(row).sum()) - row[t] for row, t in zip(x, target, strict=True)])


_structural("sum", _total, _reduction("sum"), "{0}.sum({dim}, {keepdim})",
            "np.sum({0}, axis={dim}, keepdims={keepdim})")  # fmt: skip
_structural("mean", _average, _reduction("mean", _filled), "{0}.mean({dim}, {keepdim})",
            "np.mean({0}, axis={dim}, keepdims={keepdim})")  # fmt: skip
for _name in ("amax", "amin"):
    _structural(_name, _extreme_of(_name[1:]), _reduction(_name, _filled, _distinct),
                f"{{0}}.{_name}({{dim}}, {{keepdim}})",
                f"np.{_name[1:]}({{0}}, axis={{dim}}, keepdims={{keepdim}})")  # fmt: skip
for _name, _root, _repairs in (("var", lambda v: v, ()), ("std", np.sqrt, (_wide,))):
    _structural(_name, _spread(_root), _reduction(_name, _filled, *_repairs, correction=_correction),
                f"{{0}}.{_name}({{dim}}, correction={{correction}}, keepdim={{keepdim}})",
                f"np.{_name}({{0}}, axis={{dim}}, ddof={{correction}}, keepdims={{keepdim}})")  # fmt: skip
_structural("norm", _vector_norm, _norm, "torch.norm({0}, {p}, {dim}, {keepdim})")
_structural("logsumexp", lambda x, dim, keepdim: np.log(_total(np.exp(x), dim, keepdim)),
            _reduction("logsumexp", _filled), "torch.logsumexp({0}, {dim}, {keepdim})")  # fmt: skip
_structural("softmax", _softmax, _along("softmax"), "torch.softmax({0}, {dim})", slack=1.0)
_structural("log_softmax", lambda x, dim: x - np.log(np.exp(x).sum(axis=dim, keepdims=True)), _along("log_softmax"),
            "torch.log_softmax({0}, {dim})", slack=1.0)  # fmt: skip
_structural("prod", lambda x, dim: x.prod(axis=dim), _along("prod"), "{0}.prod({dim})", "np.prod({0}, axis={dim})")
_structural("cumsum", lambda x, dim: np.cumsum(x, axis=dim), _along("cumsum"), "torch.cumsum({0}, {dim})",
            "np.cumsum({0}, axis={dim})")  # fmt: skip
_structural("cumprod", lambda x, dim: np.cumprod(x, axis=dim), _along("cumprod", lambda b, x: b.bounded(x, 2.0)),
            "torch.cumprod({0}, {dim})", "np.cumprod({0}, axis={dim})")  # fmt: skip
_structural("sort", lambda x, dim: np.sort(x, axis=dim), _along("sort", _filled, _distinct),
            "torch.sort({0}, {dim}).values", "np.sort({0}, axis={dim})")  # fmt: skip
_structural("reshape", lambda x, shape: x.reshape(shape), _reshape, "torch.reshape({0}, {shape})",
            "np.reshape({0}, {shape})")  # fmt: skip
_structural("permute", lambda x, dims: x.transpose(dims), _permute, "torch.permute({0}, {dims})",
            "np.transpose({0}, {dims})")  # fmt: skip
_structural("expand", np.broadcast_to, _expand, "torch.broadcast_to({0}, {shape})", "np.broadcast_to({0}, {shape})")
_structural("flip", _positional(np.flip), _flip, "torch.flip({0}, {dims})", "np.flip({0}, {dims})")
_structural("roll", lambda x, dim, shifts: np.roll(x, shifts, dim), _along("roll", shifts=2),
            "torch.roll({0}, {shifts}, {dim})", "np.roll({0}, {shifts}, axis={dim})")  # fmt: skip
_structural("clone", lambda x: x.copy(), _plain("clone"), "{0}.clone()")
_structural("cast", lambda x: x.copy(), _plain("cast"), "{0}.to(torch.{other}).to(torch.{own})")
_structural("floor", lambda x: np.floor(np.real(x)), _floor, "torch.floor({0})")
_structural("narrow", lambda x, dim, start, length: np.take(x, range(start, start + length), axis=dim), _narrow,
            "torch.narrow({0}, {dim}, {start}, {length})")  # fmt: skip
_structural("cat", lambda *xs, dim: np.concatenate(xs, axis=dim), _joined("cat"), "torch.cat([{0}, {1}], {dim})",
            "np.concatenate([{0}, {1}], axis={dim})")  # fmt: skip
_structural("stack", lambda *xs, dim: np.stack(xs, axis=dim), _joined("stack"), "torch.stack([{0}, {1}], {dim})",
            "np.stack([{0}, {1}], axis={dim})")  # fmt: skip
_structural("index", lambda x, key: x[key], _index, "{0}[{key}]", "{0}[{key}]")
_structural("gather", lambda x, dim, index: np.take_along_axis(x, np.asarray(index), dim), _gather,
            "torch.gather({0}, {dim}, torch.tensor({index}))")  # fmt: skip
for _name in ("scatter", "scatter_add"):
    _structural(_name, _scattered_value(_name == "scatter_add"), _scattered(_name),
                f"torch.{_name}({{0}}, {{dim}}, torch.tensor({{index}}), {{1}})")  # fmt: skip
_structural("diag", _positional(np.diag), _diagonal_matrix, "torch.diag({0}, {k})", "np.diag({0}, {k})")
_OF_MATRICES: dict[str, Callable[..., Any]] = {"diagonal": np.diagonal, "tril": np.tril, "triu": np.triu}
for _name, _value in _OF_MATRICES.items():
    _structural(_name, _positional(_value), _of_matrix(_name), f"torch.{_name}({{0}}, {{k}})",
                f"np.{_name}({{0}}, {{k}})")  # fmt: skip
_structural("matmul", lambda a, b: a @ b, _matmul, "torch.matmul({0}, {1})", "np.matmul({0}, {1})")
_structural("linear", lambda x, w, b: x @ w.T + b, _linear, "F.linear({0}, {1}, {2})")
_structural("einsum", lambda *xs, equation: np.einsum(equation, *xs), _einsum, "torch.einsum({equation}, {0}, {1})",
            "np.einsum({equation}, {0}, {1})")  # fmt: skip
_structural("layer_norm", _standardized, _layer_norm, "F.layer_norm({0}, {shape}, eps=0.125)")
_structural("cross_entropy", _cross_entropy_value, _cross_entropy, "F.cross_entropy({0}, torch.tensor({target}))",
            slack=1.0)  # fmt: skip
_structural("mse", lambda x, y: np.mean((x - y) ** 2), _pairwise("mse"), "F.mse_loss({0}, {1})")
_structural("huber", _huber, _pairwise("huber"), 'F.huber_loss({0}, {1}, reduction="none", delta=0.75)')
_structural("bce", lambda x, y: -(y * np.log(x) + (1 - y) * np.log(1 - x)), _pairwise("bce", _probability),
            'F.binary_cross_entropy({0}, {1}, reduction="none")')  # fmt: skip
_structural("bce_logits", lambda x, y: np.log1p(np.exp(x)) - x * y, _pairwise("bce_logits"),
            'F.binary_cross_entropy_with_logits({0}, {1}, reduction="none")')  # fmt: skip
_structural("ramp", lambda x, c: x + np.asarray(c), _ramp, "{0} + torch.tensor({c})", "{0} + numpy.array({c})")

#: What a genome for arrays chooses from, and one for Values, the simplest first.
ARRAYS = tuple(name for name, op in OPS.items() if op.torch)
SCALARS = tuple(name for name, op in OPS.items() if op.values)
