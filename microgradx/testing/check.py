"""check_grad: gradients beside numbers that no rule had a part in, with a verdict that follows from their bounds.

There is no absolute tolerance. A gradient passes when it is within the bound of the numeric one and that bound is
small enough to mean something; fails when it is outside; all else is inconclusive, and says so.

>>> import numpy as np
>>> print(check_grad(np.square, np.array([1.0, 3.0]), vjp=lambda xs, g: 2 * g * xs[0]))
PASS: the gradient of square by x, 2 numbers, by numpy; an error of ...e-1... of a number would have been seen
>>> check_grad(np.square, np.array([1.0, 3.0]), vjp=lambda xs, g: g * xs[0])
Traceback (most recent call last):
    ...
microgradx.testing.report.GradientError: FAIL: the gradient of square by x: 2 of 2 numbers are wrong
  x: the gradient is 0.5 times what it should be, throughout, and 2 is the length of an axis
...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import reproduce
from .engines import ENGINES, Engine, HandWritten, arrays, parameter_names, recognise
from .numeric import Direction, Gradient, Method, Point, Slope, Trust
from .report import GradientError, GradReport, Row, Verdict

__all__ = ["check_grad", "choose"]

Array = NDArray[Any]
Function = Callable[..., Any]
PAIRS = 16  #: of entries with a kink, that are looked at together
HIDDEN = "the rounding errors of f hide it"


def check_grad(
    f: Function, *xs: Any, vjp: Callable[..., Any] | None = None, engine: str | Engine = "auto",
    method: Method = "auto", order: int = 1, cotangent: Any = None, directions: Literal["all"] | int = "all",
    kinks: Literal["reject", "clarke"] = "reject", resolution: float | None = None, seed: int = 0,
    allow_inconclusive: bool = False,
) -> GradReport:  # fmt: skip
    """Check the gradients of f at xs, and raise GradientError unless every one of them is right.

    f: arrays to an array, written for NumPy, this project, torch, autograd, MyGrad or JAX.
    xs: arrays, numbers, tensors of that library or nested lists of Values; integer arrays are constants.
    vjp: for f in plain NumPy: (xs, cotangent) → a gradient for each of xs, as a sequence, a mapping by the names of
    f's parameters, or alone for a single x.
    engine: "auto", a name in ENGINES, or an object with `name`, `value` and `vjp`.
    method: how the numeric gradient is taken: "complex", "ladder", or "auto" for the surer that works.
    order: 2 checks the gradient of the gradient as well.
    cotangent: of the shape of f's output; fixed distinct numbers by default.
    directions: "all" for every entry, or a number of random directions, for large xs; a direction that fails is
    halved until it names an entry.
    kinks: at a point where the slopes on both sides differ, "reject" calls the check inconclusive, "clarke" accepts
    what is between them.
    resolution: the relative error of a number that is to be seen, or the check is inconclusive; 1e-4, and 1e-2 in
    single precision.

    Raises GradientError (an AssertionError) with the report as its message; also for INCONCLUSIVE, unless
    allow_inconclusive. TypeError or ValueError for what is no check at all.

    >>> from microgradx.functional import tanh
    >>> bool(check_grad(tanh, 0.5, order=2))
    True
    """
    __tracebackhide__ = True  # a failure in pytest ends where the user called
    counted = isinstance(directions, int) and directions > 0
    if order not in (1, 2) or kinks not in ("reject", "clarke") or not (directions == "all" or counted):
        raise ValueError(f"order is 1 or 2, kinks 'reject' or 'clarke', directions 'all' or a whole number above 0; "
                         f"got order={order!r}, kinks={kinks!r}, directions={directions!r}")  # fmt: skip
    if resolution is not None and not (isinstance(resolution, int | float) and resolution > 0):
        raise ValueError(f"resolution is the relative error that is to be seen, a number above 0 such as 1e-4; got "
                         f"{resolution!r}")  # fmt: skip
    chosen, given = choose(f, xs, vjp, engine)
    asked = dict(method=method, order=order, directions=directions, kinks=kinks, resolution=resolution, seed=seed)
    try:
        check = _Check(f, given, chosen, vjp, asked, cotangent)
        report = check.run(method, directions, kinks, resolution, seed)
    except Exception as error:
        if vjp is None and engine == "auto":
            error.add_note(f"f was taken for a function of {chosen.name}; if it is for another library, give engine=, "
                           "and for plain NumPy vjp=")  # fmt: skip
        raise
    if order == 2 and report.verdict == "PASS":
        if not hasattr(chosen, "gradient"):
            raise TypeError(f"order=2 differentiates the gradient once more, which {chosen.name} cannot do here; check "
                            "the gradient as a function of its own: check_grad(gradient, …, vjp=…)")  # fmt: skip
        second = chosen.gradient(f, check.cotangent)
        report = replace(
            _Check(second, given, chosen, vjp, asked, None, f).run(method, directions, kinks, resolution, seed), order=2
        )
    if report.verdict == "FAIL" or (report.verdict == "INCONCLUSIVE" and not allow_inconclusive):
        raise GradientError(report)
    return report


def choose(f: Any, xs: Sequence[Any], vjp: Any, engine: str | Engine) -> tuple[Engine, list[Array]]:
    """The engine that differentiates f, and xs as arrays; TypeError or ValueError for what cannot be checked."""
    if not callable(f):
        raise TypeError(f"f must be a function of arrays, got {type(f).__name__}; the inputs come after it")
    given = arrays(xs)
    for k, x in enumerate(given):
        if x.dtype.kind not in "fiub":
            raise TypeError(f"argument {k} must be an array of real numbers, got {x.dtype}; what f needs besides goes "
                            "into f: lambda x: f(x, option)")  # fmt: skip
    if not any(x.dtype.kind == "f" for x in given):
        raise TypeError(f"there is nothing to differentiate by: no argument is an array of floats, got "
                        f"{[str(x.dtype) for x in given]}; 2.0 is a float, 2 is not")  # fmt: skip
    if vjp is not None:
        if engine != "auto":
            raise ValueError(f"vjp= and engine={engine!r} are two answers to one question; give one")
        if not callable(vjp):
            raise TypeError(f"vjp must be a function of (xs, cotangent), got {type(vjp).__name__}")
        return HandWritten(vjp), given
    if engine == "auto":
        return recognise(f, xs), given
    if isinstance(engine, str):
        if engine not in ENGINES:
            raise ValueError(f"engine must be 'auto', {', '.join(map(repr, ENGINES))} or an object with name, value "
                             f"and vjp, got {engine!r}; for plain NumPy give vjp=")  # fmt: skip
        return ENGINES[engine], given
    if not isinstance(engine, Engine):
        raise TypeError(f"engine must be 'auto', a name in ENGINES or an object with name, value and vjp, got "
                        f"{type(engine).__name__}")  # fmt: skip
    return engine, given


class _Check:
    """One order of one check."""

    def __init__(
        self, f: Function, xs: list[Array], engine: Engine, vjp: Any, asked: dict[str, Any], cotangent: Any,
        shown: Function | None = None,
    ) -> None:  # fmt: skip
        self.f, self.xs, self.engine, self.vjp, self.asked = f, xs, engine, vjp, asked
        self.shown = shown or f
        self.names = tuple(parameter_names(self.shown, len(xs)))
        value = lambda *moved: engine.value(f, moved)
        single = lambda *moved: engine.value(f, [m.astype(x.dtype) if m.dtype.kind == "f" else m
                                                 for m, x in zip(moved, xs, strict=True)])  # fmt: skip
        try:
            self.point = Point(value, xs, cotangent)
        except Exception:
            if all(x.dtype == np.float64 for x in xs if x.dtype.kind == "f"):
                raise
            self.point = Point(single, xs, cotangent)  # f holds float32 of its own, which float64 does not go with
        self.given = None if cotangent is None else self.point.cotangent
        dtype = np.asarray(self.point.dtype) if len(xs) == 0 else max((x.dtype for x in xs if x.dtype.kind == "f"),
                                                                      key=lambda d: d.itemsize)  # fmt: skip
        self.cotangent = self.point.cotangent.astype(dtype)

    def run(self, method: Method, directions: Any, kinks: str, resolution: float | None, seed: int) -> GradReport:
        point = self.point
        found = self.engine.vjp(self.f, [x.copy() for x in self.xs], self.cotangent.copy())
        faults = list(self._structure(found))
        self.analytic = [np.zeros(x.shape) if g is None or g.shape != x.shape or g.dtype.kind not in "fiub" else
                         g if g.dtype.kind == "f" else g.astype(np.float64)
                         for g, x in zip(found, self.xs, strict=True)]  # fmt: skip
        finite = [np.abs(g[np.isfinite(g)]) for g in self.analytic]
        self.largest = max((float(g.max()) for g in finite if g.size), default=0.0)
        self.kinks = kinks
        if resolution is None:
            single = any(x.dtype.kind == "f" and x.dtype != np.float64 for x in self.xs) or point.eps > 1e-10
            resolution = 1e-2 if single else 1e-4
        whole = directions == "all"
        self.gradient = Gradient(point, method if whole else "ladder", resolution, 1e-2 * self.largest, seed)
        if not point.finite:
            faults.append(f"{self._name} is not finite at xs: there is no gradient to speak of")
            rows: list[Row] = []
        elif whole:
            fits = [g is None or (g.shape == x.shape and g.dtype.kind in "fiub")
                    for g, x in zip(found, self.xs, strict=True)]  # fmt: skip
            rows = [self._entry(i, j) for i, j in point.entries() if fits[i]]
            if kinks == "clarke" and all(fits):
                rows += self._jointly([row for row in rows if row.verdict == "PASS" and row.note])
        else:
            rows = list(self._along(range(seed, seed + directions)))
        wrong = {row.argument for row in rows if row.verdict == "FAIL" and row.index is not None}
        faults += [words for i in sorted(wrong) for words in self._hints(i, found[i], rows)]
        verdicts = {row.verdict for row in rows}
        verdict: Verdict = "FAIL" if "FAIL" in verdicts or (faults and point.finite) else "PASS"
        if verdict == "PASS" and ("INCONCLUSIVE" in verdicts or not point.finite):
            verdict = "INCONCLUSIVE"
        if verdict != "PASS" and point.finite and not point.repeats():
            verdict = "INCONCLUSIVE"  # whatever the numbers say, they are not those of one function
            faults.insert(0, f"{self._name} gives other values for the same xs: seed its random numbers inside of it, "
                             "or put its model into eval mode")  # fmt: skip
        told = [r for r in rows if not r.note]
        known = [r for r in told if r.bound <= self.gradient.resolution * abs(r.numeric)]
        seen = max((r.bound / abs(r.numeric) for r in known if r.bound), default=0.0)
        # the rest is known beside the largest number alone
        floor = max((r.bound for r in told if r.bound > self.gradient.resolution * abs(r.numeric)), default=0.0)
        return GradReport(
            verdict, tuple(rows), tuple(faults), tuple(found), tuple(x.shape for x in self.xs), seen, floor,
            self.gradient.method, point.nfev, 1, self.engine.name, self._name,
            tuple(self.names[i] for i in point.moving), self._program,
        )  # fmt: skip

    @property
    def _name(self) -> str:
        name = getattr(self.shown, "__name__", type(self.shown).__name__)
        return "f" if name == "<lambda>" else str(name)

    def _structure(self, found: Sequence[Array | None]) -> Iterator[str]:
        """What is wrong with a gradient before any number of it is looked at."""
        for i in self.point.moving:
            g, x, name = found[i], self.xs[i], self.names[i]
            if g is None:
                continue  # as good as zero where f does not depend on x; else its numbers say so
            if g.shape != x.shape:
                turned = "; its transpose has the right shape" if g.T.shape == x.shape else ""
                yield f"{name}: the gradient has shape {g.shape}, and {name} itself {x.shape}{turned}"
            elif g.dtype != x.dtype.newbyteorder("="):
                yield f"{name}: the gradient is {g.dtype}, and {name} itself {x.dtype}"

    def _where(self, i: int, index: Sequence[Any]) -> str:
        return f"{self.names[i]}[{', '.join(map(str, index))}]" if index else self.names[i]

    def _entry(self, i: int, j: int) -> Row:
        index = tuple(map(int, np.unravel_index(j, self.xs[i].shape)))
        a = float(self.analytic[i].flat[j])
        slope = self.gradient.slope(i, j, a, float(np.finfo(self.analytic[i].dtype).eps))
        return self._judged(self._where(i, index), i, index, a, slope)

    def _jointly(self, kinked: Sequence[Row]) -> Iterator[Row]:
        """Entries with a kink, together: along a direction in which f has none, nor has it near xs, a gradient from
        between the slopes can have but one slope. Such are the moves that keep a tie."""
        entries = [(row.argument, int(np.ravel_multi_index(row.index, self.xs[row.argument].shape)))
                   for row in kinked if row.index is not None]  # fmt: skip
        one = np.eye(len(entries))
        pairs = list(combinations(range(len(entries)), 2))[:PAIRS]
        signs = [np.ones(len(entries)), (-1.0) ** np.arange(len(entries))] if pairs else []
        for by in [*signs, *(one[a] + sign * one[b] for a, b in pairs for sign in (1, -1))]:
            used = [(i, np.array([j]), by[k : k + 1]) for k, (i, j) in enumerate(entries) if by[k]]
            parts = [float(self.analytic[i].ravel()[at[0]] * v[0]) for i, at, v in used]
            a, size = math.fsum(parts), math.fsum(map(abs, parts))
            if (found := self._only_slope(used, a, size)) is not None:
                words = [f"{'-' if v[0] < 0 else '+'}{self._where(i, np.unravel_index(at[0], self.xs[i].shape))}"
                         for i, at, v in used]  # fmt: skip
                where = " ".join(words[:4]) + " …" * (len(words) > 4)
                note = "a kink in each, and none in all together"
                yield Row(where, used[0][0], None, a, found.value, found.bound, "FAIL", note)
                return

    def _only_slope(self, direction: Direction, a: float, size: float) -> Slope | None:
        """The slope along a direction, if it is the same at xs and beside them, and is not a."""
        rng, slopes = np.random.default_rng(0), np.zeros(0)
        for width in (0.0, *[1e-4] * 32):
            xs = [x + width * np.where((x == 0) | (np.abs(x) > 1), 1.0, np.abs(x)) * rng.uniform(-1, 1, x.shape)
                  if i in self.point.moving else x for i, x in enumerate(self.point.xs)]  # fmt: skip
            line = Point(self.point.f, xs, self.point.cotangent).line(direction)
            self.point.nfev += 3
            if (rung := line.rung(2.0**-20 if self.point.eps < 1e-10 else 2.0**-8)) is None:
                return None
            slopes = np.append(slopes, [rung.slope - rung.jump / 2, rung.slope + rung.jump / 2])
            bound = 2 * rung.noise / rung.h + 1e-3 * (size + float(np.abs(slopes).max()))
            if np.ptp(slopes) > bound or abs(a - slopes[0]) <= bound:
                return None
        return Slope(float(slopes[0]), bound)

    def _along(self, seeds: Iterable[int]) -> Iterator[Row]:
        """The derivatives along random directions; the first that is wrong is halved until it names an entry."""
        named = False
        for k, seed in enumerate(seeds):
            direction = self.point.random(seed)
            yield (row := self._directed(direction, f"direction {k}"))
            if row.verdict == "FAIL" and not named:
                while len(halves := _halves(direction)) == 2:
                    direction = halves[self._directed(halves[0], "").verdict != "FAIL"]
                named = True
                yield self._entry(direction[0][0], direction[0][1][0])

    def _directed(self, direction: Direction, where: str) -> Row:
        parts = [(self.analytic[i].ravel()[at] * by, self.analytic[i].dtype) for i, at, by in direction]
        a = math.fsum(float(e) for part, _ in parts for e in part)
        slack = sum(64 * float(np.finfo(dtype).eps) * max(float(np.abs(part).sum()), self.point.size)
                    for part, dtype in parts)  # fmt: skip
        fine: Trust = lambda s: abs(a - s.value) <= s.bound + slack and not s.sides and self.gradient.settled(s)
        slope = self.point.line(direction).measure(fine)
        return self._judged(where, direction[0][0], None, a, replace(slope, bound=slope.bound + slack))

    def _judged(self, where: str, i: int, index: tuple[int, ...] | None, a: float, slope: Slope) -> Row:
        verdict, note = self._verdict(a, slope)
        return Row(where, i, index, a, slope.value, slope.bound, verdict, note)

    def _verdict(self, a: float, slope: Slope) -> tuple[Verdict, str]:
        low, high = slope.hull
        if slope.sides and not slope.disputed:
            note = "a kink: slopes {:.6g} and {:.6g}".format(*slope.sides)
            slack = 1e-3 * (high - low)  # a slope to one side is of the first order only
            if not low - slack <= a <= high + slack:
                return "FAIL", note
            return ("PASS", note) if self.kinks == "clarke" else ("INCONCLUSIVE", note)
        if not math.isfinite(slope.bound):
            return "INCONCLUSIVE", "nothing settled: f is not finite around here, or all noise"
        if not math.isfinite(a):
            return "FAIL", "not finite"
        if abs(a - slope.value) <= slope.bound and (slope.sides or not slope.disputed):
            known = self.gradient.settled(slope) or a == slope.value == 0  # where f stands still zero is zero
            return ("PASS", "") if known else ("INCONCLUSIVE", HIDDEN)
        if not low <= a <= high:
            return "FAIL", ""
        if slope.disputed:
            return "INCONCLUSIVE", "a kink nearby" if slope.sides else "two measurements do not agree"
        return "INCONCLUSIVE", HIDDEN

    def _hints(self, i: int, found: Array | None, rows: Sequence[Row]) -> Iterator[str]:
        """What a wrong gradient looks like as a whole."""
        mine = [row for row in rows if row.argument == i and row.index is not None]
        name, shape = self.names[i], self.xs[i].shape
        if found is None:
            yield f"{name}: no gradient came back (None), and it is not zero"
            return
        if len(mine) != self.xs[i].size:
            return
        a, n, bound = (np.array([getattr(row, what) for row in mine]).reshape(shape)
                       for what in ("analytic", "numeric", "bound"))  # fmt: skip
        like = _alike(a, 1e-6 * float(np.abs(n).max()) + bound)
        with np.errstate(all="ignore"):
            factors = (a / n)[np.abs(n) > 1e3 * bound]
        factor = float(factors.flat[0]) if factors.size else math.nan
        wrong = [row.index for row in mine if row.verdict == "FAIL" and row.index is not None]
        if not np.isfinite(a).all():
            yield f"{name}: {int((~np.isfinite(a)).sum())} of {a.size} numbers are not finite"
        elif not a.any():
            yield f"{name}: the gradient is zero throughout"
        elif like(n * factor):
            shown = f"{factor:.6g}" if abs(abs(factor) - 1) > 1e-5 else f"{factor:.11g}"
            yield f"{name}: the gradient is {shown} times what it should be, throughout{self._excuse(factor)}"
        elif a.ndim == 2 and like(n.T):
            yield f"{name}: the gradient is the transpose of what it should be"
        elif any(like(np.roll(n, by, axis)) for axis in range(n.ndim) for by in (1, -1)):
            yield f"{name}: the numbers are right, but each is one place from where it belongs"
        for axis, what in ((0, "row"), (1, "column")) if a.ndim == 2 and 1 < len(wrong) < a.size else ():
            if len(at := {index[axis] for index in wrong}) == 1 and shape[axis] > 1:
                yield f"{name}: all that is wrong is in {what} {at.pop()}"

    def _excuse(self, factor: float) -> str:
        """A factor that is known from somewhere."""
        w = self.point.cotangent
        if w.size == 1 and math.isclose(factor * float(w.flat[0]), 1.0, rel_tol=1e-6):
            return ": the cotangent is ignored; for a vjp that takes none, check with cotangent=1.0"
        sides = {n for x in self.xs for n in x.shape if n > 1} | set(self.point.shape)
        for n in sorted(sides):
            if math.isclose(abs(factor), n, rel_tol=1e-6) or math.isclose(abs(factor) * n, 1.0, rel_tol=1e-6):
                return f", and {n} is the length of an axis"
        return ""

    def _program(self) -> str:
        defaults = dict(method="auto", order=1, directions="all", kinks="reject", resolution=None, seed=0)
        options = {key: value for key, value in self.asked.items() if value != defaults[key]}
        own = ENGINES.get(self.engine.name) is not self.engine
        options |= {"engine": self.engine if own else self.engine.name} if self.vjp is None else {"vjp": self.vjp}
        options |= {} if self.given is None else {"cotangent": self.given}
        return reproduce.program(self.shown, dict(zip(self.names, self.xs, strict=True)), options)


def _alike(a: Array, near: Array) -> Callable[[Array], bool]:
    return lambda other: other.shape == a.shape and bool((np.abs(a - other) <= near).all())


def _halves(direction: Direction) -> list[Direction]:
    """A direction in two parts, each with its own entries; in one where there is but one entry."""
    listed = [(i, np.arange(by.size) if isinstance(at, slice) else at, by) for i, at, by in direction]
    total, start = sum(by.size for _, _, by in listed), 0
    halves: tuple[list[Any], list[Any]] = ([], [])
    for i, at, by in listed:
        middle = min(max(total // 2 - start, 0), by.size)
        for half, part in zip(halves, (slice(middle), slice(middle, None)), strict=True):
            if by[part].size:
                half.append((i, at[part], by[part]))
        start += by.size
    return [half for half in halves if half]
