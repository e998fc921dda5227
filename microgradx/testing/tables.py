"""What fixed tolerances miss and where they cry wolf: other ways to decide on the same right and wrong gradients.

The rules are those of the gradient checkers in use, each in the lines that decide; the last rows are this project's.
`python -m microgradx.testing table` prints it.

>>> print(table(checks=16).splitlines()[0].split("  ")[0])
rule
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .check import check_grad
from .numeric import Method
from .report import GradientError

__all__ = ["COLUMNS", "FUNCTIONS", "RULES", "cells", "main", "table"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
Vjp = Callable[[Array, Array], Array]
SIDE = 5


# ---- sixteen functions of vectors of five, with their vjps ----------------------------------------------------
def _each(f: Function, slope: Function) -> tuple[Function, Vjp]:
    return f, lambda x, g: g * slope(x)


_MATRIX = np.cos(np.arange(SIDE * SIDE)).reshape(SIDE, SIDE)
_expit: Function = lambda x: 0.5 * (1 + np.tanh(x / 2))


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.max())
    return np.asarray(e / e.sum())


def _to_sphere(x: Array, g: Array) -> Array:
    size = np.sqrt((x * x).sum())
    return np.asarray(g / size - x * (g * x).sum() / size**3)


_SMOOTH: dict[str, tuple[Function, Vjp]] = {
    "sin": _each(np.sin, np.cos),
    "exp": _each(np.exp, np.exp),
    "tanh": _each(np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "log": _each(np.log, lambda x: 1 / x),
    "sqrt": _each(np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "reciprocal": _each(lambda x: 1 / x, lambda x: -1 / x**2),
    "cube": _each(lambda x: x**3, lambda x: 3 * x**2),
    "sigmoid": _each(_expit, lambda x: _expit(x) * _expit(-x)),
    "softplus": _each(lambda x: np.log(1 + np.exp(x)), _expit),
    "arctan": _each(np.arctan, lambda x: 1 / (1 + x * x)),
    "softmax": (_softmax, lambda x, g: _softmax(x) * (g - (g * _softmax(x)).sum())),
    "matmul": (lambda x: x @ _MATRIX, lambda x, g: _MATRIX @ g),
    "normalise": (lambda x: x / np.sqrt((x * x).sum()), _to_sphere),
}
_KINKED: dict[str, tuple[Function, Vjp]] = {
    "abs": _each(np.abs, np.sign),
    "relu": _each(lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "maximum": _each(lambda x: np.maximum(x, 0.25 * x), lambda x: np.where(x > 0, 1.0, 0.25)),
}
FUNCTIONS = {**_SMOOTH, **_KINKED}


# ---- the deciding lines of each checker -------------------------------------------------------------------------
Decision = Callable[[Function, Vjp, Array, np.random.Generator], str]


def _slope(f: Function, x: Array, u: Array, eps: float) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray((f(x + eps * u) - f(x - eps * u)) / (2 * eps))


def _jacobian(f: Function, vjp: Vjp, x: Array) -> Array:
    return np.array([vjp(x, e) for e in np.eye(f(x).size)])


def _yes(passed: Any) -> str:
    return "PASS" if passed else "FAIL"


def torch_slow(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
    """Every entry of the Jacobian."""
    n = np.array([_slope(f, x, e, 1e-6) for e in np.eye(x.size)]).T
    return _yes((np.abs(_jacobian(f, vjp, x) - n) <= 1e-5 + 1e-3 * np.abs(n)).all())


def torch_fast(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
    """One product vᵀJu with positive unit vectors; the tolerance is that of all entries, summed alike."""
    u, v = (e / np.sqrt((e * e).sum()) for e in rng.random((2, x.size)))
    a, n = vjp(x, v) @ u, v @ _slope(f, x, u, 1e-6)
    return _yes(abs(a - n) <= 1e-5 * u.sum() * v.sum() + 1e-3 * abs(n))


def jax_check_grads(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
    u, v = rng.normal(size=(2, x.size))
    a, n = vjp(x, v) @ u, v @ _slope(f, x, u, 1e-4)
    return _yes(abs(a - n) <= 1e-5 + 1e-5 * abs(n))


def autograd_check_grads(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
    """Absolutely near or relatively near; the step is half of 1e-6."""
    u, v = rng.normal(size=(2, x.size))
    a, n = vjp(x, v) @ u, v @ _slope(f, x, u, 0.5e-6)
    return _yes(abs(a - n) < 1e-6 or abs(a - n) / abs(a + n) < 1e-6)


def chainer_check_backward(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
    """One direction of length 1, no part of which is nearly 0."""
    u = rng.choice([-1.0, 1.0], x.size) * np.maximum(np.abs(rng.normal(size=x.size)), 0.1)
    u, v = u / np.sqrt((u * u).sum()), rng.uniform(-1, 1, x.size)
    a, n = vjp(x, v) @ u, v @ _slope(f, x, u, 1e-3)
    return _yes(abs(a - n) <= 1e-5 + 1e-4 * abs(n))


def minitorch_grad_check(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
    """One entry, cotangent 1."""
    j = int(rng.integers(x.size))
    a, n = vjp(x, np.ones(x.size))[j], _slope(f, x, np.eye(x.size)[j], 1e-6).sum()
    return _yes(abs(a - n) <= 1e-2 + 1e-2 * abs(n))


def _microgradx(method: Method) -> Decision:
    def decide(f: Function, vjp: Vjp, x: Array, rng: np.random.Generator) -> str:
        try:
            return check_grad(f, x, vjp=lambda xs, g: vjp(xs[0], g), method=method, seed=int(rng.integers(99))).verdict
        except GradientError as error:
            return str(error.report.verdict)

    return decide


#: Each gives PASS, FAIL or INCONCLUSIVE for f, its vjp and a point.
RULES: dict[str, Decision] = {
    "torch slow": torch_slow,
    "torch fast": torch_fast,
    "JAX": jax_check_grads,
    "autograd": autograd_check_grads,
    "Chainer": chainer_check_backward,
    "minitorch": minitorch_grad_check,
    "microgradx, ladder": _microgradx("ladder"),
    "microgradx": _microgradx("auto"),
}
OWN = ("microgradx, ladder", "microgradx")


# ---- what they are asked -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Column:
    """One question: where x is, what is done to f, and what is done to its gradient."""

    title: str
    point: Callable[[np.random.Generator], Array]
    of: tuple[str, ...] = tuple(FUNCTIONS)
    scale: float = 1.0
    offset: float = 0.0
    planted: Callable[[Array, int], Array] | None = None  #: the fault of the gradient, if any

    @property
    def right(self) -> str:
        return "PASS" if self.planted is None else "FAIL"

    def case(self, k: int, rng: np.random.Generator) -> tuple[Function, Vjp, Array]:
        f, vjp = FUNCTIONS[self.of[k % len(self.of)]]
        faulty = self.planted
        where = int(rng.integers(SIDE))

        def wrong(x: Array, g: Array) -> Array:
            a = self.scale * vjp(x, g)
            return a if faulty is None else faulty(a, where)

        return lambda x: self.scale * f(x) + self.offset, wrong, self.point(rng)


def _unit(rng: np.random.Generator) -> Array:
    return rng.uniform(0.3, 2.0, SIDE)


def _one_entry(a: Array, where: int) -> Array:
    return np.where(np.arange(SIDE) == where, 1.01 * a, a)


def _beside_a_kink(rng: np.random.Generator) -> Array:
    return 3e-7 * rng.choice([-1.0, 1.0], SIDE) * rng.uniform(0.5, 1.5, SIDE)


COLUMNS = (
    Column("alarm: x~1e-4", lambda rng: 1e-4 * rng.uniform(0.05, 2.0, SIDE)),
    Column("alarm: f + 1e6", _unit, offset=1e6),
    Column("alarm: |x|~3e-7, kink", _beside_a_kink, of=tuple(_KINKED)),
    Column("miss: 10 %, f * 1e-7", _unit, scale=1e-7, planted=lambda a, where: 1.1 * a),
    Column("miss: 0.1 %", _unit, planted=lambda a, where: 1.001 * a),
    Column("miss: 1 % in one entry", _unit, planted=_one_entry),
)


def _cell(column: Column, decide: Decision, checks: int) -> tuple[int, int]:
    """How many verdicts were wrong, and how many were none."""
    rng = np.random.default_rng(0)
    verdicts = [decide(*column.case(k, rng), np.random.default_rng(k)) for k in range(checks)]
    none = verdicts.count("INCONCLUSIVE")
    return checks - verdicts.count(column.right) - none, none


def cells(checks: int = 640) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
    """For each rule and column (wrong verdicts, inconclusive ones, checks)."""
    for name, decide in RULES.items():
        counts = [checks * len(column.of) // len(FUNCTIONS) for column in COLUMNS]
        yield name, [(*_cell(c, decide, n), n) for c, n in zip(COLUMNS, counts, strict=True)]


def table(checks: int = 640) -> str:
    """The table as text: percentages of wrong verdicts, and in brackets those that are inconclusive.

    checks: how many a cell; as many as fall on the three kinked functions in the column about kinks.
    """
    return _printed(dict(cells(checks)))


def _printed(found: dict[str, list[tuple[int, int, int]]]) -> str:
    rows = [["rule", *(column.title for column in COLUMNS)]]
    for name, counts in found.items():
        rows.append([name, *(_percent(wrong, n) + f" ({_percent(none, n)} inconclusive)" * bool(none)
                             for wrong, none, n in counts)])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.3g} %" if count else "0"


# ---- the command ------------------------------------------------------------------------------------------
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a verdict of this project's rows is wrong."""
    parser = argparse.ArgumentParser("python -m microgradx.testing table", description="What fixed tolerances miss.")
    parser.add_argument("--checks", type=int, default=640, metavar="N", help="checks in a cell (default: 640)")
    checks = parser.parse_args(argv).checks
    if checks < 16:
        parser.error(f"--checks must be at least 16, one for each function, got {checks}")
    found = dict(cells(checks))
    print(_printed(found))
    return int(any(wrong for name in OWN for wrong, _, _ in found[name]))
