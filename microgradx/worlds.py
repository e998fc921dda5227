"""What a rule can run in: the `xp` that each line of the table receives.

`arrays` is NumPy, and NumPy's float64 scalars give `floats` its IEEE results: inf and nan, never Python's
OverflowError, ZeroDivisionError or complex number. `traced` works on graph nodes, which makes second
derivatives; `complexes` is for the complex step; symbols.py adds text.

A world holds primitives; any other name is a rule of the table and runs in the same world.

>>> import numpy as np
>>> arrays.sigmoid(np.array([0.0, -1000.0])).tolist()
[0.5, 0.0]
>>> run("pow", 0.0, -1.0)
inf
>>> partial("tanh", 0, 0.0)
1.0
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .rules import RULES, Rule

__all__ = ["PRIMITIVES", "World", "arrays", "complexes", "floats", "partial", "run", "traced"]


class World:
    """A namespace of primitives; every other rule of the table is run in the world itself."""

    def __init__(self, name: str, primitives: dict[str, Callable[..., Any]]) -> None:
        self.__dict__.update(primitives)
        self.name, self.primitives = name, primitives

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = RULES.get(name)
        if found is None:
            raise AttributeError(f"the world of {self.name} has no {name!r}: use a primitive or a rule of the table")
        return lambda *inputs: found.value(self, *inputs)

    def __repr__(self) -> str:
        return f"<world of {self.name}>"


def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of the math module over arrays of any dtype: NumPy has no erf of its own."""
    ufunc = np.frompyfunc(function, 1, 1)

    def over(x: Any) -> Any:
        x = np.asarray(x)
        return np.asarray(ufunc(x), dtype=np.result_type(x.dtype, np.float16))[()]

    return over


def _tanh_slope(x: Any, y: Any) -> Any:
    """In place: in float32, in which networks are trained, what PyTorch takes, else the rule's value with one exp."""
    if y.dtype.char != "d":
        square = y * y
        return np.subtract(1, square, square) if y.ndim else 1 - square
    e = np.abs(x)
    e *= -2
    e = np.exp(e)
    below = e + 1
    below *= below
    e *= 4
    e /= below
    return e


_NUMPY: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10,
    "sqrt": np.sqrt, "abs": np.abs,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "atan2": np.arctan2, "hypot": np.hypot,
    "maximum": np.maximum, "minimum": np.minimum, "where": np.where, "dot": np.dot,
    "erf": _each(math.erf), "erfc": _each(math.erfc),
}  # fmt: skip
#: The names that every world must provide; all others are rules written with them.
PRIMITIVES = tuple(_NUMPY)

arrays = World("arrays", {**_NUMPY, "tanh_slope": _tanh_slope})
#: One number at a time, as np.float64, so that every operator follows IEEE 754 as NumPy's arrays do.
floats = World("floats", {**_NUMPY, "where": lambda condition, a, b: a if condition else b})


def _ieee(formula: Callable[..., Any], *inputs: Any) -> Any:
    with np.errstate(all="ignore"):
        got = formula(floats, *(np.asarray(x, float)[()] for x in inputs))
    return np.array(got) if getattr(got, "ndim", 0) else float(got)


def _named(rule: Rule | str) -> Rule:
    return RULES[rule] if isinstance(rule, str) else rule


def run(rule: Rule | str, *inputs: Any) -> float:
    """The rule's value on floats (a vector input is an array or a sequence), following IEEE 754."""
    return _ieee(_named(rule).value, *inputs)  # type: ignore[no-any-return]


def partial(rule: Rule | str, slot: int, *inputs: Any, y: float | None = None) -> Any:
    """∂rule/∂input number `slot` on floats; an array for a vector input, None where there is no derivative."""
    rule = _named(rule)
    formula = rule.partials[slot]
    return None if formula is None else _ieee(formula, run(rule, *inputs) if y is None else y, *inputs)


# ---- traced: nodes of a graph ----------------------------------------------------------------------------
class _Traced(World):
    """Applies the table's rules to nodes, so that a derivative is itself a graph. Numbers stay numbers."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        named = RULES.get(name)
        if named is None:
            raise AttributeError(f"no rule is called {name!r}")
        return lambda *inputs: named(*inputs) if any(map(_is_node, inputs)) else run(named, *inputs)


def _is_node(x: Any) -> bool:
    return hasattr(type(x), "__apply__")


# A condition on Values is a plain bool by the time that it arrives here: the branch that was taken is the graph
traced: World = _Traced("nodes", {"where": lambda condition, a, b: a if condition else b})


# ---- complexes: the complex step, f'(x) = Im f(x + ih) / h, branches taken on the real part --------------------
class Complex(complex):
    """A complex number that compares by its real part, as a real one that carries a small perturbation."""

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return self.real < complex(other).real

    def __le__(self, other: Any) -> bool:
        return self.real <= complex(other).real

    def __gt__(self, other: Any) -> bool:
        return self.real > complex(other).real

    def __ge__(self, other: Any) -> bool:
        return self.real >= complex(other).real

    def __eq__(self, other: object) -> bool:
        return self.real == complex(other).real  # type: ignore[call-overload, no-any-return]

    __hash__ = complex.__hash__


def _lift(function: Callable[..., complex]) -> Callable[..., Complex]:
    return lambda *inputs: Complex(function(*map(complex, inputs)))


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "neg"):
    setattr(Complex, f"__{_name}__", _lift(getattr(complex, f"__{_name}__")))


def _pow(a: complex, b: complex) -> complex:
    if a.real < 0 and b == b.real == round(b.real):  # stay off the branch cut, where the perturbation would drown
        return cmath.exp(b * cmath.log(-a)) * (-1 if b.real % 2 else 1)
    return a**b


Complex.__pow__ = _lift(_pow)  # type: ignore[method-assign]
Complex.__rpow__ = _lift(lambda b, a: _pow(a, b))  # type: ignore[method-assign]


def _expm1(z: complex) -> complex:
    half = math.sin(z.imag / 2)
    grow = math.expm1(z.real)
    return complex(grow - 2 * half * half * (1 + grow), (1 + grow) * math.sin(z.imag))


def _log1p(z: complex) -> complex:
    return complex(math.log1p(z.real), math.atan2(z.imag, 1 + z.real))


def _abs(z: complex) -> complex:
    return -z if _below(z, 0) else z


def _below(a: complex, b: complex) -> bool:
    """a < b for real numbers that carry a perturbation: a tie is broken by that, the same way everywhere."""
    return (a.real, a.imag) < (b.real, b.imag)


def _hypot(a: complex, b: complex) -> complex:
    r = math.hypot(a.real, b.real)
    if not r:
        return cmath.sqrt(a * a + b * b)
    return complex(r, a.real / r * a.imag + b.real / r * b.imag)  # squares would overflow, or drown what is imaginary


def _atan2(a: complex, b: complex) -> complex:
    if abs(b.real) >= abs(a.real):
        turn = cmath.atan(a / b) if b.real else 0j
        return turn + (0.0 if b.real >= 0 else math.copysign(math.pi, a.real))
    return math.copysign(math.pi / 2, a.real) - cmath.atan(b / a)


_NODES, _WEIGHTS = (a.tolist() for a in np.polynomial.legendre.leggauss(16))


def _off_axis(z: complex) -> complex:
    """erf(z) − erf(Re z): the integral that defines erf, along the way from Re z up to z."""
    half = z.imag / 2
    ways = (cmath.exp(-complex(z.real, half * (1 + t)) ** 2) * w for t, w in zip(_NODES, _WEIGHTS, strict=True))
    return 2j / math.sqrt(math.pi) * half * sum(ways)


complexes = World("complexes", {
    **{name: _lift(getattr(cmath, name)) for name in
       ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    "expm1": _lift(_expm1), "log1p": _lift(_log1p), "abs": _lift(_abs),
    "log2": _lift(lambda z: cmath.log(z, 2)), "log10": _lift(cmath.log10),
    "erf": _lift(lambda z: math.erf(z.real) + _off_axis(z)), "erfc": _lift(lambda z: math.erfc(z.real) - _off_axis(z)),
    "hypot": _lift(_hypot), "atan2": _lift(_atan2),
    "maximum": lambda a, b: Complex(b if _below(a, b) else a),
    "minimum": lambda a, b: Complex(b if _below(b, a) else a),
    "where": lambda condition, a, b: Complex(a if condition else b),
    "dot": lambda w, x: sum((a * b for a, b in zip(w, x, strict=True)), Complex(0)),
})  # fmt: skip
