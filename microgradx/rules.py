"""The table: every elementwise derivative of the project, one line each.

A rule is a value and one local partial for each input. A partial receives `xp`, the world that it runs in
(floats, NumPy arrays, graph nodes, symbols: see worlds.py), `y`, the rule's own output, and the inputs; it
never sees the incoming gradient. There is no `if` in a rule, only `xp.where` and comparisons, so that one
line serves numbers, arrays, second derivatives and the printed formula alike.

On floats a value and a partial are within 4 units in the last place (ulp) of the true number, from the smallest to
the largest input, or a comment begins "Beyond 4 ulp". What is true of every product is not said again: a factor
below 2**-1022 has few digits, and leaves them to the others. tests/test_accuracy.py holds each line to it.

The table is open: one more line gives an operation with a value, a gradient of any order and a formula.

>>> swish = rule("swish", lambda xp, x: x * xp.sigmoid(x),
...                       lambda xp, y, x: xp.sigmoid(x) * (1 + x * xp.sigmoid(-x)))
>>> swish.inputs
('x',)
>>> del RULES["swish"]  # a doctest leaves the table as it found it
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import signature
from keyword import iskeyword
from typing import Any

__all__ = ["RULES", "Rule", "rule"]

Formula = Callable[..., Any]
REAL = (-3.0, 3.0)


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """One line of the table; call it on nodes, symbols or anything that has `__apply__`."""

    name: str
    value: Formula  #: (xp, *inputs) -> output
    partials: tuple[Formula | None, ...]  #: (xp, y, *inputs) -> d output / d input; None: not differentiable
    inputs: tuple[str, ...]  #: the inputs' names, read off the value's own parameters
    domain: tuple[tuple[float, float], ...]  #: for each input an interval that tests may sample from
    kinks: tuple[Formula, ...]  #: (*inputs) -> distance to a place where a partial jumps (0: on it)
    symbol: str  #: how an expression writes it: "+", "*", …; "" for a call by name
    vectors: int  #: how many of the first inputs are vectors (1-d); 0 for an ordinary rule

    @property
    def required(self) -> int:
        """How many inputs have no default."""
        return len(self.inputs) - len(self.value.__defaults__ or ())

    @property
    def parameters(self) -> str:
        """The inputs as a function's parameters: "x, alpha=1.0"."""
        defaults = [f"={default!r}" for default in self.value.__defaults__ or ()]
        return ", ".join(map("".join, zip(self.inputs, [""] * self.required + defaults, strict=True)))

    def __repr__(self) -> str:
        return f"<rule {self.name}({', '.join(self.inputs)})>"

    def __reduce__(self) -> tuple[Any, ...]:  # a copy of a graph has the table's own rules
        return _named, (self.name,)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Apply to nodes of a graph (Value, Tensor) or to symbols: the first of them decides.

        Raises TypeError when no input is one: plain numbers go through `worlds.floats` or `worlds.arrays`.
        """
        if named:
            try:
                bound = signature(self.value).bind(None, *inputs, **named)
            except TypeError as problem:
                raise TypeError(f"{self.name}({self.parameters}): {problem}") from None
            bound.apply_defaults()
            inputs = bound.args[1:]
        if not self.required <= len(inputs) <= len(self.inputs):
            takes = f"{len(self.inputs)} input{'s' * (len(self.inputs) > 1)}"
            raise TypeError(f"{self.name}({', '.join(self.inputs)}) takes {takes}, got {len(inputs)}")
        if missing := len(self.inputs) - len(inputs):
            inputs += (self.value.__defaults__ or ())[-missing:]
        for x in inputs:
            for element in x if self.vectors and isinstance(x, Iterable) else (x,):
                if apply := getattr(type(element), "__apply__", None):
                    return apply(self, inputs)
        got = ", ".join("numbers" if isinstance(x, list | tuple) else type(x).__name__ for x in inputs)
        raise TypeError(f"{self.name}() needs at least one Value or Tensor, got {got}; wrap a number first: Value(2.0)")


RULES: dict[str, Rule] = {}


def _named(name: str) -> Rule:
    return RULES[name]


def rule(
    name: str,
    value: Formula,
    *partials: Formula | None,
    domain: tuple[tuple[float, float], ...] | None = None,
    kinks: tuple[Formula, ...] = (),
    symbol: str = "",
    vectors: int = 0,
) -> Rule:
    """Add one line to the table and return it, ready to be called on Values.

    value: (xp, *inputs) -> output. partials: for each input (xp, y, *inputs) -> local derivative, or None
    where there is none. domain: an interval for each input, for tests to sample from. kinks: functions of the
    inputs that are 0 where a partial jumps. Raises ValueError for a name that is taken or is not an
    identifier, or when the partials do not match the inputs.
    """
    inputs = tuple(signature(value).parameters)[1:]
    if not name.isidentifier() or name.startswith("_") or iskeyword(name):
        raise ValueError(f"a rule's name must be an identifier that is no keyword and begins without _, got {name!r}")
    if name in RULES:
        raise ValueError(f"there is a rule {name!r} already; choose another name, or `del RULES[{name!r}]` first")
    if len(partials) != len(inputs) or not inputs:
        raise ValueError(f"rule {name!r} has {len(inputs)} inputs {inputs} but {len(partials)} partials; give one each")
    for partial in partials:
        if partial is not None and len(signature(partial).parameters) != len(inputs) + 2:
            raise ValueError(f"rule {name!r}: a partial takes (xp, y, {', '.join(inputs)}), got {signature(partial)}")
    domain = domain or (REAL,) * len(inputs)
    RULES[name] = made = Rule(name, value, partials, inputs, domain, kinks, symbol, vectors)
    return made


POSITIVE, UNIT, WIDE = (0.05, 4.0), (-0.95, 0.95), (-30.0, 30.0)

# ---- arithmetic ------------------------------------------------------------------------------------------
rule("add", lambda xp, a, b: a + b, lambda xp, y, a, b: 1, lambda xp, y, a, b: 1, symbol="+")
rule("sub", lambda xp, a, b: a - b, lambda xp, y, a, b: 1, lambda xp, y, a, b: -1, symbol="-")
rule("mul", lambda xp, a, b: a * b, lambda xp, y, a, b: b, lambda xp, y, a, b: a, symbol="*")
rule("div", lambda xp, a, b: a / b, lambda xp, y, a, b: 1 / b, lambda xp, y, a, b: -y / b,
     symbol="/", domain=(REAL, POSITIVE))  # fmt: skip
rule("neg", lambda xp, x: -x, lambda xp, y, x: -1, symbol="-")
# 0 ** 0 is 1, and constant in both directions that stay in the domain (as in PyTorch). Beyond 4 ulp: where b - 1 is
# rounded, that shows log(a) times as large; for |b| < 1 a factor of the slope overflows a little before the slope does.
# At b = 0 exactly the slope by a is a plain 0, whose own slope by b is then 0 too and not 1/a, as in PyTorch and JAX
rule("pow", lambda xp, a, b: a**b,
     lambda xp, y, a, b: xp.where(b == 0, 0, b * a ** (b - 1)),
     lambda xp, y, a, b: xp.where((a == 0) & (b >= 0), 0, y * xp.log(a)),
     symbol="**", domain=(POSITIVE, REAL))  # fmt: skip
rule("square", lambda xp, x: x * x, lambda xp, y, x: 2 * x)
rule("reciprocal", lambda xp, x: 1 / x, lambda xp, y, x: -y * y, domain=(POSITIVE,))
rule("abs", lambda xp, x: xp.abs(x), lambda xp, y, x: xp.where(x > 0, 1, xp.where(x < 0, -1, 0 * x)),
     kinks=(lambda x: x,))  # fmt: skip
# One node for a whole neuron: w and x are vectors, and so are their partials
rule("dot", lambda xp, w, x, b=0.0: xp.dot(w, x) + b,
     lambda xp, y, w, x, b: x, lambda xp, y, w, x, b: w, lambda xp, y, w, x, b: 1, vectors=2)  # fmt: skip

# ---- exponentials and roots ------------------------------------------------------------------------------
def _bounded(xp: Any, x: Any) -> Any:
    return xp.minimum(xp.abs(x), 50)  # exp(-2500) is 0


def _short(xp: Any, x: Any) -> Any:
    """To 16 binary places in float64, 0 in the shorter dtypes, whose range the numbers stay in."""
    return (_bounded(xp, x) * 2.0**-24 + 1.5 * 2.0**12 - 1.5 * 2.0**12) * 4096 * 4096


LOG_2, LOG_10 = math.log(2), math.log(10)
rule("exp", lambda xp, x: xp.exp(x), lambda xp, y, x: y)
rule("expm1", lambda xp, x: xp.expm1(x), lambda xp, y, x: xp.exp(x))  # not y + 1, which cancels
# exp(-x * x), but rounding x * x would show x * x times as large: what is short has an exact square, the rest is small
rule("gaussian", lambda xp, x: xp.exp(-_short(xp, x) * _short(xp, x))
         * xp.exp((_short(xp, x) - _bounded(xp, x)) * (_short(xp, x) + _bounded(xp, x))),
     lambda xp, y, x: -2 * y * x)  # fmt: skip
rule("log", lambda xp, x: xp.log(x), lambda xp, y, x: 1 / x, domain=(POSITIVE,))
rule("log1p", lambda xp, x: xp.log1p(x), lambda xp, y, x: 1 / (1 + x), domain=((-0.95, 4.0),))
rule("log2", lambda xp, x: xp.log2(x), lambda xp, y, x: (1 / LOG_2) / x, domain=(POSITIVE,))
rule("log10", lambda xp, x: xp.log10(x), lambda xp, y, x: (1 / LOG_10) / x, domain=(POSITIVE,))
rule("rsqrt", lambda xp, x: 1 / xp.sqrt(x), lambda xp, y, x: -0.5 * y / x, domain=(POSITIVE,))
rule("sqrt", lambda xp, x: xp.sqrt(x), lambda xp, y, x: 1 / (2 * y), domain=(POSITIVE,))

# ---- trigonometry ----------------------------------------------------------------------------------------
rule("sin", lambda xp, x: xp.sin(x), lambda xp, y, x: xp.cos(x))
rule("cos", lambda xp, x: xp.cos(x), lambda xp, y, x: -xp.sin(x))
rule("tan", lambda xp, x: xp.tan(x), lambda xp, y, x: 1 + y * y, domain=((-1.4, 1.4),))
rule("asin", lambda xp, x: xp.asin(x), lambda xp, y, x: 1 / xp.sqrt((1 - x) * (1 + x)), domain=(UNIT,))
rule("acos", lambda xp, x: xp.acos(x), lambda xp, y, x: -1 / xp.sqrt((1 - x) * (1 + x)), domain=(UNIT,))
# 1 / (1 + x * x), but x * x overflows at 1e154
rule("atan", lambda xp, x: xp.atan(x), lambda xp, y, x: 1 / xp.hypot(1, x) / xp.hypot(1, x))
rule("sinh", lambda xp, x: xp.sinh(x), lambda xp, y, x: xp.cosh(x))
rule("cosh", lambda xp, x: xp.cosh(x), lambda xp, y, x: xp.sinh(x))
rule("tanh", lambda xp, x: xp.tanh(x), lambda xp, y, x: xp.tanh_slope(x, y))
# 1 - y * y, and printed so; but y is rounded, to 1 from 19 on, and then nothing is left: it is the square of
# 1 / cosh(x), by an exp that cannot overflow
rule("tanh_slope", lambda xp, x, y: 4 * xp.exp(-2 * xp.abs(x)) / (1 + xp.exp(-2 * xp.abs(x))) ** 2,
     lambda xp, slope, x, y: -2 * xp.tanh(x) * slope, lambda xp, slope, x, y: 0)  # fmt: skip
# the angle of the point (b, a); both partials divide twice, because a*a + b*b overflows at 1e154.
# Beyond 4 ulp, as hypot: where a distance is subnormal it has few digits, and where it overflows it has none.
# At (0, 0) neither has a slope: atan2's are 0 and hypot's nan, both as in PyTorch
rule("atan2", lambda xp, a, b: xp.atan2(a, b),
     lambda xp, y, a, b: xp.where((a == 0) & (b == 0), 0, b / xp.hypot(a, b) / xp.hypot(a, b)),
     lambda xp, y, a, b: xp.where((a == 0) & (b == 0), 0, -a / xp.hypot(a, b) / xp.hypot(a, b)),
     domain=(REAL, POSITIVE))  # fmt: skip
rule("hypot", lambda xp, a, b: xp.hypot(a, b), lambda xp, y, a, b: a / y, lambda xp, y, a, b: b / y,
     domain=(REAL, POSITIVE))  # fmt: skip

# ---- activations -----------------------------------------------------------------------------------------
# Only exp of what is at most 0 is taken, so that neither overflows; sigmoid(x) * sigmoid(-x) does not cancel
rule("sigmoid", lambda xp, x: xp.exp(xp.minimum(x, 0)) / (1 + xp.exp(-xp.abs(x))),
     lambda xp, y, x: y * xp.sigmoid(-x), domain=(WIDE,))  # fmt: skip
rule("softplus", lambda xp, x: xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x))),
     lambda xp, y, x: xp.sigmoid(x), domain=(WIDE,))  # fmt: skip
# Beyond 4 ulp: the terms of the slope cancel, most of all beside -1.28, where it passes through 0
rule("silu", lambda xp, x: x * xp.sigmoid(x), lambda xp, y, x: xp.sigmoid(x) * (1 + x * xp.sigmoid(-x)))
# `x <= 0` rather than `x > 0`: a nan fails both, and must stay a nan
rule("relu", lambda xp, x: xp.maximum(0, x), lambda xp, y, x: xp.where(x <= 0, 0, 1), kinks=(lambda x: x,))
rule("leaky_relu", lambda xp, x, negative_slope=0.01: xp.where(x > 0, x, negative_slope * x),
     lambda xp, y, x, negative_slope: xp.where(x > 0, 1, negative_slope),
     lambda xp, y, x, negative_slope: xp.where(x > 0, 0, x), kinks=(lambda x, negative_slope: x,))  # fmt: skip
rule("elu", lambda xp, x, alpha=1.0: xp.where(x > 0, x, alpha * xp.expm1(x)),
     lambda xp, y, x, alpha: xp.where(x > 0, 1, alpha * xp.exp(x)),
     lambda xp, y, x, alpha: xp.where(x > 0, 0, xp.expm1(x)), kinks=(lambda x, alpha: x,))  # fmt: skip
# x times the normal distribution's cumulative probability; erfc(-u) is 1 + erf(u) without the cancellation. Beyond
# 4 ulp: u is rounded, of which erfc and exp make 2 * x * x ulp; beside -0.75 the slope passes through 0
SQRT_HALF, DENSITY_AT_0, GELU_TANH = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi), math.sqrt(8 / math.pi)
rule("gelu", lambda xp, x: 0.5 * x * xp.erfc(-SQRT_HALF * x),
     lambda xp, y, x: 0.5 * xp.erfc(-SQRT_HALF * x) + DENSITY_AT_0 * x * xp.exp(-0.5 * x * x))  # fmt: skip


def _cubic(x: Any) -> Any:
    return GELU_TANH * (x + 0.044715 * x * x * x)


# (1 + tanh u) / 2 is sigmoid(2u); u as in Hendrycks & Gimpel 2016, section 2. Beyond 4 ulp as
# gelu is, by 3 |u| ulp
rule("gelu_tanh", lambda xp, x: x * xp.sigmoid(_cubic(x)),
     # beyond 50 one of the sigmoids is 0, and the cube of what it meets must be no infinity
     lambda xp, y, x: xp.sigmoid(_cubic(x)) * (1 + GELU_TANH * xp.clamp(x, -50, 50)
         * (1 + 0.134145 * xp.clamp(x, -50, 50) * xp.clamp(x, -50, 50)) * xp.sigmoid(-_cubic(x))))  # fmt: skip
rule("erf", lambda xp, x: xp.erf(x), lambda xp, y, x: 2 / math.sqrt(math.pi) * xp.gaussian(x))
rule("erfc", lambda xp, x: xp.erfc(x), lambda xp, y, x: -2 / math.sqrt(math.pi) * xp.gaussian(x))

# ---- choice: inputs that tie share the gradient, as in PyTorch ----------------------------------------------
rule("maximum", lambda xp, a, b: xp.maximum(a, b),
     lambda xp, y, a, b: xp.where(a == b, 0.5, xp.where(a < b, 0, 1)),
     lambda xp, y, a, b: xp.where(a == b, 0.5, xp.where(b < a, 0, 1)), kinks=(lambda a, b: a - b,))  # fmt: skip
rule("minimum", lambda xp, a, b: xp.minimum(a, b),
     lambda xp, y, a, b: xp.where(a == b, 0.5, xp.where(a > b, 0, 1)),
     lambda xp, y, a, b: xp.where(a == b, 0.5, xp.where(b > a, 0, 1)), kinks=(lambda a, b: a - b,))  # fmt: skip
# at a limit the gradient is 1, as in PyTorch
rule("clamp", lambda xp, x, low, high: xp.minimum(xp.maximum(x, low), high),
     lambda xp, y, x, low, high: xp.where((x >= low) & (x <= high), 1, 0),
     lambda xp, y, x, low, high: xp.where((x < low) & (low < high), 1, 0),
     lambda xp, y, x, low, high: xp.where((x > high) | (high < low), 1, 0),
     domain=(REAL, (-2.0, -0.5), (0.5, 2.0)),
     kinks=(lambda x, low, high: x - low, lambda x, low, high: x - high))  # fmt: skip
rule("where", lambda xp, condition, a, b: xp.where(condition, a, b), None,
     lambda xp, y, condition, a, b: xp.where(condition, 1, 0),
     lambda xp, y, condition, a, b: xp.where(condition, 0, 1), kinks=(lambda condition, a, b: condition,))  # fmt: skip
