"""How far numbers are from the true ones, in units in the last place, with mpmath as the judge.

The true derivative is a difference quotient of the reference in so many digits that neither its step nor its rounding
shows in a float: it shares nothing with the partials of the table.

>>> check_accuracy("tanh", [0.5, 25.0, -340.0]).ulps <= 4
True
>>> import math, mpmath
>>> print(check_accuracy(math.tanh, [0.5, 25.0], mpmath.tanh, partials=[lambda x: 1 - math.tanh(x) ** 2]))
tanh   ulps     at    wanted                 got
value  0.395    0.5   0.46211715726000974    0.46211715726000974
∂/∂x   8.2e+15  25.0  7.714999391855671e-22  0.0
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from inspect import signature
from typing import Any

from ..rules import RULES, Rule
from ..transforms import grad
from ..value import Value
from ..worlds import PRIMITIVES, World

__all__ = ["Accuracy", "AccuracyReport", "check_accuracy", "textbook"]

#: Bits that the reference is computed in, and by how many the step is smaller than the input. A derivative that is not
#: 0 as a float is at least 2**-1075, a value at most 2**1024, a step at least 2**-1574: that leaves 300 bits to spare.
BITS, STEP = 4000, 500


@dataclass(frozen=True)
class Accuracy:
    """The worst of one output: its value, or its derivative by one input."""

    of: str  #: "value", or "∂/∂x"
    ulps: float  #: inf for a nan
    at: tuple[Any, ...]  #: the inputs
    wanted: float
    got: float
    points: int  #: how many were measured; where the reference has no finite real number, nothing is


@dataclass(frozen=True)
class AccuracyReport:
    """What `check_accuracy` found; prints as a table."""

    name: str
    outputs: tuple[Accuracy, ...]  #: the value, then the derivative by each input that has one

    @property
    def ulps(self) -> float:
        """The largest error of all."""
        return max((x.ulps for x in self.outputs), default=0.0)

    def __getitem__(self, of: str) -> Accuracy:
        """One output by its name: report["value"], report["∂/∂x"]. KeyError for another."""
        return {x.of: x for x in self.outputs}[of]

    def __str__(self) -> str:
        rows = [(self.name, "ulps", "at", "wanted", "got")]
        rows += [(x.of, f"{x.ulps:.3g}", ", ".join(map(repr, x.at)), repr(x.wanted), repr(x.got)) for x in self.outputs]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def check_accuracy(
    op: Rule | str | Callable[..., Any],
    points: Iterable[Any],
    reference: str | Callable[..., Any] = "mpmath",
    partials: Sequence[Callable[..., float]] | None = None,
) -> AccuracyReport:
    """The largest errors of a value and of its derivatives at the points, in ulps of the true number.

    op: a rule, its name, or a function of Values, whose derivatives the sweep gives. With `partials` (as many as
    there are inputs, or none), op and they are functions of floats, from any library.
    points: inputs; a tuple for several, with a list in it for a vector. Points where the reference has no finite real
    number, and kinks, are not measured.
    reference: the same function of mpmath's numbers; "mpmath" takes a rule's from `textbook()`, or reads a rule that is
    not there as the table has it.
    Subnormal numbers are as far apart as anywhere, 2**-1074, and beyond the largest float comes 2**1024, which inf
    stands for. Needs mpmath. Raises ValueError for a function without a reference, or partials that do not match.
    """
    if isinstance(op, str) and op not in RULES:
        near = get_close_matches(op, RULES) or RULES
        raise ValueError(f"op must be a rule's name, such as {', '.join(near)}, a rule, or a function, got {op!r}")
    if not (isinstance(op, str) or callable(op)):
        raise TypeError(f"op must be a rule, its name or a function, got {type(op).__name__}")
    rule = RULES[op] if isinstance(op, str) else op if isinstance(op, Rule) else None
    run: Callable[..., Any] = rule or op  # type: ignore[assignment]
    name = rule.name if rule else getattr(op, "__name__", repr(op))
    if isinstance(reference, str) and rule is None:
        raise ValueError(f"{name} is no rule of the table: give its twin in mpmath, as reference=mpmath.tanh")
    twin = _twin(rule) if isinstance(reference, str) and rule else reference
    worst: dict[str, Accuracy] = {}
    for point in points:
        at = point if isinstance(point, tuple) else (point,)
        slots = _slots(run, rule, at)
        if partials is None:
            value, slopes = _by_sweep(run, at)
        elif len(partials) in (0, len(slots)):
            value, slopes = float(run(*at)), [float(partial(*at)) for partial in partials]
        else:
            raise ValueError(f"{name} has {len(slots)} inputs at {at}, got {len(partials)} partials; give one each")
        measured = [i for i, of in enumerate(slots) if of and i < len(slopes)]
        outputs = [("value", value), *((slots[i], slopes[i]) for i in measured)]
        for (of, got), wanted in zip(outputs, _true(twin, at, measured), strict=True):
            if wanted is None:
                continue
            found = Accuracy(of, _ulps(got, wanted), at, _nearest(wanted), got, 1)
            if before := worst.get(of):
                found = replace(max(before, found, key=lambda x: x.ulps), points=before.points + 1)
            worst[of] = found
    return AccuracyReport(name, tuple(worst.values()))


def _slots(run: Callable[..., Any], rule: Rule | None, at: Sequence[Any]) -> list[str]:
    """A name for each number among the inputs; "" for one by which a rule has no derivative."""
    try:
        names = rule.inputs if rule else tuple(signature(run).parameters)
    except ValueError:  # of C functions some have none
        names = ("x",) if len(at) == 1 else ()
    found = []
    for k, x in enumerate(at):
        name = "" if rule and rule.partials[k] is None else f"∂/∂{names[k] if k < len(names) else k}"
        found += [f"{name}[{i}]" for i in range(len(x))] if isinstance(x, Sequence) else [name]
    return found


def _flat(inputs: Sequence[Any]) -> list[Any]:
    return [e for x in inputs for e in (x if isinstance(x, Sequence) else (x,))]


def _shaped(numbers: Iterable[Any], like: Sequence[Any]) -> list[Any]:
    left = iter(numbers)
    return [[next(left) for _ in x] if isinstance(x, Sequence) else next(left) for x in like]


def _by_sweep(run: Callable[..., Any], at: Sequence[Any]) -> tuple[float, list[float]]:
    leaves = [Value(x) for x in _flat(at)]
    wanted = "without partials op must be a function of Values, made of microgradx's functions"
    try:
        root = run(*_shaped(leaves, at))
    except TypeError as problem:
        problem.add_note(f"{wanted}; of floats, give partials=[…] too, a function for each input, or [] for its value")
        raise
    if not isinstance(root, Value):
        raise TypeError(f"{wanted}, got one that gives {type(root).__name__}; for a function of floats give partials=")
    return root.data, [slope.data for slope in grad(root, leaves)]


# ---- the truth -------------------------------------------------------------------------------------------
def _true(twin: Any, at: Sequence[Any], slots: Sequence[int]) -> list[Any]:
    """The reference's value, then its slope by each of the flat inputs `slots`; None where there is none."""
    import mpmath

    with mpmath.workprec(BITS):
        numbers = [mpmath.mpf(x) for x in _flat(at)]

        def run(moved: Sequence[Any]) -> Any:
            y = twin(*_shaped(moved, at))
            if mpmath.im(y) or not mpmath.isfinite(y):
                raise ValueError("no finite real number")
            return mpmath.re(y)

        try:
            here = run(numbers)
        except (ArithmeticError, ValueError):  # a pole, or outside of the domain
            return [None] * (1 + len(slots))
        return [here, *(_slope(run, numbers, slot, here) for slot in slots)]


def _slope(run: Callable[[Sequence[Any]], Any], numbers: list[Any], slot: int, here: Any) -> Any:
    import mpmath

    def moved(by: Any) -> Any:
        return run([*numbers[:slot], numbers[slot] + by, *numbers[slot + 1 :]])

    h = mpmath.ldexp(min(abs(numbers[slot]), 1) or mpmath.ldexp(1, -1074), -STEP)
    try:
        below, above = moved(-h), moved(h)
        rise = abs(above - below)
        if rise > h * 2**1024 and abs(moved(h / 2) - moved(-h / 2)) > 0.75 * rise:
            return None  # a jump
    except (ArithmeticError, ValueError):  # the end of the domain
        return None
    # where the sides differ by more than rounding there is a kink, unless both are 0 as floats
    left, right = (here - below) / h, (above - here) / h
    noise = max(mpmath.ldexp(max(abs(left), abs(right)), -100), mpmath.ldexp(1, -1200))
    return None if abs(left - right) > noise else (above - below) / (2 * h)


def _nearest(x: Any) -> float:
    return float(x) if abs(x) < 2**1024 else math.inf if x > 0 else -math.inf


def _ulps(got: float, wanted: Any) -> float:
    """The distance in units in the last place of what is wanted; 2**1024 stands for inf."""
    import mpmath

    if math.isnan(got):
        return math.inf
    near = _nearest(wanted)
    with mpmath.workprec(BITS):
        largest = mpmath.ldexp(1, 1024)
        a, b = (max(-largest, min(largest, mpmath.mpf(x))) for x in (got, wanted))
        return float(abs(a - b) / math.ulp(near if math.isfinite(near) else math.nextafter(math.inf, 0)))


# ---- the reference ---------------------------------------------------------------------------------------
def _twin(rule: Rule) -> Callable[..., Any]:
    return textbook().get(rule.name) or (lambda *inputs: rule.value(_world(), *inputs))


@cache
def textbook() -> dict[str, Callable[..., Any]]:
    """The rules by name as functions of mpmath's numbers, as textbooks have them, written without the table."""
    import mpmath as mp

    def dot(w: Any, x: Any, b: Any = 0) -> Any:
        return mp.fdot(w, x) + b

    def erfc(x: Any) -> Any:  # mpmath's overflows where it has been 0, or 2, for long
        return mp.erfc(x) if abs(x) < 10**6 else mp.mpf(2 if x < 0 else 0)

    return {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
        "neg": lambda x: -x, "pow": lambda a, b: a**b, "square": lambda x: x**2, "reciprocal": lambda x: x**-1,
        "abs": abs, "dot": dot, "exp": mp.exp, "expm1": mp.expm1, "log": mp.log, "log1p": lambda x: mp.log(1 + x),
        "sqrt": mp.sqrt, "log2": lambda x: mp.log(x, 2), "log10": mp.log10, "rsqrt": lambda x: 1 / mp.sqrt(x),
        "gaussian": lambda x: mp.exp(-(x**2)), "clamp": lambda x, low, high: min(max(x, low), high),
        "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": mp.asin, "acos": mp.acos, "atan": mp.atan,
        "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "tanh_slope": lambda x, y: mp.sech(x) ** 2,
        "atan2": mp.atan2, "hypot": mp.hypot,
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "softplus": lambda x: mp.log(1 + mp.exp(x)),
        "silu": lambda x: x / (1 + mp.exp(-x)), "relu": lambda x: max(x, mp.mpf(0)),
        "leaky_relu": lambda x, slope=0.01: x if x > 0 else slope * x,
        "elu": lambda x, alpha=1: x if x > 0 else alpha * mp.expm1(x),
        "gelu": lambda x: x * erfc(-x / mp.sqrt(2)) / 2,
        "gelu_tanh": lambda x: x / (1 + mp.exp(-mp.sqrt(8 / mp.pi) * (x + mp.mpf("0.044715") * x**3))),
        "erf": lambda x: 1 - erfc(x) if abs(x) > 10 else mp.erf(x), "erfc": erfc, "maximum": max, "minimum": min,
        "where": lambda condition, a, b: a if condition else b,
    }  # fmt: skip


@cache
def _world() -> World:
    return World("mpmath", {name: textbook()[name] for name in PRIMITIVES})
