"""Derivatives by numbers alone, each with a bound on how far off it may be.

Where f takes complex arrays, the complex step f'(x) = Im f(x + ih) / h loses no digit (Squire & Trapp 1998); it also
fails without a word (`abs`, `conj`, `astype(float)`), so one direction in real numbers has to agree with it. Elsewhere
central differences are extrapolated down a ladder of steps: four evaluations first, and where these leave doubt a
whole ladder at the scale of x and one at the scale of 1, which have to agree. The bound of a value is how much it
still changed from one rung to the next, and the rounding errors of f divided by the step.

>>> import numpy as np
>>> values, bounds = numeric_grad(lambda x: 1 / x, np.array([1e-3, 2.0]), cotangent=np.ones(2))
>>> values[0].round(9).tolist(), bool((bounds[0] < 1e-7 * abs(values[0])).all())
([-1000000.0, -0.25], True)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["METHODS", "Line", "Method", "NumericGrad", "Point", "Slope", "cotangent_for", "numeric_directional",
           "numeric_grad"]  # fmt: skip

Array = NDArray[Any]
Method = Literal["auto", "complex", "ladder"]
METHODS: tuple[Method, ...] = ("auto", "complex", "ladder")
#: What a direction moves: the argument's number, the flat index or slice in it, and by how much for a step of 1
Direction = Sequence[tuple[int, Any, Any]]


def cotangent_for(shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    """Distinct numbers of both signs and none of them 1: what is lost, doubled or exchanged changes their sum.

    >>> cotangent_for((2, 2)).tolist()
    [[0.75, -1.3671875], [0.984375, -0.60546875]]
    """
    k = np.arange(math.prod(shape))
    sizes = np.round((0.25 + k * 0.6180339887) % 1 * 256) / 256 + 0.5  # short in binary, so that w * y is nearly exact
    return np.asarray(np.where(k % 2, -1, 1) * sizes, dtype).reshape(shape)


# ---- f around a point ------------------------------------------------------------------------------------
class Point:
    """f at xs, contracted with a cotangent; every evaluation is on fresh float64 copies, and is counted.

    xs: arrays, of which those of a float dtype are differentiated by. Raises TypeError where f does not give real
    floats, ValueError for a cotangent of another shape.
    """

    def __init__(self, f: Callable[..., Any], xs: Sequence[Any], cotangent: Any = None) -> None:
        self.f, self.nfev = f, 0
        self.xs = [np.array(x, np.float64) if np.asarray(x).dtype.kind == "f" else np.array(x) for x in xs]
        self.moving = [i for i, x in enumerate(xs) if np.asarray(x).dtype.kind == "f"]
        y = np.asarray(self._run(x.copy() for x in self.xs))
        if y.dtype.kind != "f":
            raise TypeError(f"f must give an array of real floats, got {y.dtype} of shape {y.shape}")
        given = cotangent_for(y.shape) if cotangent is None else np.asarray(cotangent, np.float64)
        if given.shape != y.shape:
            raise ValueError(f"the cotangent must have the shape of f's output, {y.shape}, got {given.shape}")
        if cotangent is not None and given.size and not (np.isfinite(given).all() and given.any()):
            raise ValueError("the cotangent must be finite, and not zero throughout: any gradient at all would pass; "
                             f"got {given.tolist()!r:.80}")  # fmt: skip
        self.shape, self.dtype, self.cotangent = y.shape, y.dtype, given
        self.eps = float(np.finfo(y.dtype).eps)
        self.weights = given.ravel()
        self.y = self.weights * y.ravel()
        self.size = float(np.abs(self.y).sum())

    @property
    def finite(self) -> bool:
        return math.isfinite(self.size)

    def repeats(self) -> bool:
        """Whether f gives the same value at xs a second time, to rounding."""
        y = np.asarray(self._run(x.copy() for x in self.xs))
        return y.shape == self.shape and bool(np.allclose(self.weights * y.ravel(), self.y, 1e3 * self.eps,
                                                          1e3 * self.eps * self.size))  # fmt: skip

    def _run(self, xs: Any) -> Any:
        self.nfev += 1
        with np.errstate(all="ignore"):
            return self.f(*xs)

    def moved(self, direction: Direction, step: Any) -> Array:
        """f's output at x + step·direction, times the cotangent, flat; a complex step makes all of xs complex."""
        xs = [x.astype(complex) if isinstance(step, complex) and i in self.moving else x.copy()
              for i, x in enumerate(self.xs)]  # fmt: skip
        for i, where, by in direction:
            xs[i].reshape(-1)[where] += step * by
        y = np.asarray(self._run(xs))
        if y.shape != self.shape:
            raise ValueError(f"f gave shape {self.shape} at xs and {y.shape} beside them; it must give one shape")
        with np.errstate(all="ignore"):
            return np.asarray(self.weights * y.ravel())

    def entries(self) -> Iterator[tuple[int, int]]:
        """(argument, flat index) of every number that f is differentiated by."""
        return ((i, j) for i in self.moving for j in range(self.xs[i].size))

    def line(self, direction: Direction) -> Line:
        return Line(self, direction)

    def random(self, seed: int) -> Direction:
        """A direction in which everything moves, by amounts of its own size and never by nearly nothing."""
        rng = np.random.default_rng(seed)
        made = []
        for i in self.moving:
            x = np.abs(self.xs[i].ravel())
            own = np.where((x > 0) & (x < 1), x, 1.0)
            made.append((i, slice(None), own * rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.5, x.size)))
        return made

    def complex_step(self, i: int, j: int) -> float | None:
        """The derivative by one entry, exact but for rounding; None where f does not run on complex numbers."""
        h = 1e-20 * (min(max(abs(float(self.xs[i].flat[j])), 1e-200), 1.0) if self.xs[i].flat[j] else 1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                y = self.moved([(i, j, 1.0)], complex(0.0, h))
            except Exception:  # whatever a function of real numbers says to complex ones
                return None
        if y.dtype.kind != "c" or not np.allclose(y.real, self.y, rtol=1e-6, atol=1e-6 * self.size):
            return None
        slope = float(y.imag.sum()) / h
        return slope if math.isfinite(slope) else None


# ---- one slope ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Slope:
    """A derivative of the contracted f along a line."""

    value: float
    bound: float  #: how far the value may be off; infinite where nothing settled
    sides: tuple[float, float] | None = None  #: at a kink the slopes to the left and to the right
    also: tuple[float, float] | None = None  #: the interval of the other scale, which has to speak against it too
    disputed: bool = False  #: whether the two scales do not agree

    @property
    def hull(self) -> tuple[float, float]:
        """The least and the greatest derivative that any of the measurements allows."""
        ends = [self.value - self.bound, self.value + self.bound, *(self.sides or ()), *(self.also or ())]
        return min(ends), max(ends)


Trust = Callable[[Slope], bool]


class _Rung(NamedTuple):
    """Central differences at one step h; noise is the rounding errors of f, not yet divided by h."""

    h: float
    slope: float
    jump: float  #: the slope to the right less that to the left
    noise: float


class Line:
    """The contracted f along one direction from its point, as a function of one number."""

    def __init__(self, point: Point, direction: Direction) -> None:
        self.point, self.direction = point, direction
        self._rungs: dict[float, _Rung | None] = {}

    def rung(self, h: float) -> _Rung | None:
        """The differences at a step; None where f is not finite there."""
        if h not in self._rungs:
            point = self.point
            up, down = point.moved(self.direction, h), point.moved(self.direction, -h)
            with np.errstate(all="ignore"):
                slope = float((up - down).sum()) / (2 * h)
                jump = float(((up - point.y) + (down - point.y)).sum()) / h
                # an output that did not move may hide half a unit in its last place
                share = np.where((up == down) & (up == point.y), 0.5, 16.0)
                noise = float((share * np.maximum(np.abs(up), np.abs(down))).sum()) * point.eps
                noise += 16 * point.eps * self.reach * abs(slope)  # x + h is rounded too
            self._rungs[h] = _Rung(h, slope, jump, noise) if math.isfinite(slope + jump + noise) else None
        return self._rungs[h]

    @cached_property
    def _ratios(self) -> Array:
        """|x| in units of the direction, of what moves."""
        parts = [np.abs(self.point.xs[i].reshape(-1)[where] / by).ravel() for i, where, by in self.direction]
        return np.concatenate([*parts, np.zeros(1)])

    @cached_property
    def reach(self) -> float:
        return float(self._ratios.max())

    @cached_property
    def scales(self) -> tuple[float, float]:
        """The scale of x and that of 1, the smaller first, as powers of two; never two that are one."""
        nonzero = self._ratios[self._ratios > 0]
        own = 2.0 ** math.floor(math.log2(nonzero.min())) if nonzero.size and math.isfinite(nonzero.min()) else 1.0
        return (0.5, 1.0) if 0.25 < own < 4 else (min(own, 1.0), max(own, 1.0))

    def quick(self) -> Slope:
        """Two rungs at the smaller scale: four evaluations. Where f stands still there, it has to at the other too."""
        first = _first(self.point.eps)
        near, far = ([math.ldexp(scale, first - k) for k in (0, 2)] for scale in self.scales)
        still = [rung is not None and rung.slope == rung.jump == 0 for rung in map(self.rung, near)]
        if all(still) and ((rung := self.rung(far[0])) is None or rung.slope or rung.jump):
            return Slope(math.nan, math.inf)
        return self._extrapolate([self.rung(h) for h in near])

    def ladder(self, scale: float, scatter: float = 0.0) -> tuple[Slope, float]:
        """All rungs at one scale, and their scatter: what f's own intermediate results lose, which shows where the
        steps are too small to matter, and no powers of two. scatter: the least to reckon with."""
        rungs = [self.rung(math.ldexp(scale, e)) for e in _exponents(self.point.eps)]
        last = rungs[-1].h if rungs[-1] else 0.0
        small = [rung for k in range(7) if last and (rung := self.rung(last * 0.9137**k))]
        scatter = max([scatter, *(4 * abs(a.slope - b.slope) * b.h for a, b in pairwise(small))])
        return self._extrapolate(rungs, scatter), scatter

    def measure(self, trusted: Trust) -> Slope:
        """As few evaluations as give a slope that can be trusted; where none can, all that there are."""
        found = self.quick()
        return found if trusted(found) else self.thorough(trusted)

    def thorough(self, trusted: Trust = lambda slope: False) -> Slope:
        """The ladders at both scales, which have to agree; the second is spared where the first can be trusted."""
        near, _ = self.ladder(self.scales[0])
        if trusted(near):
            return near
        far, scatter = self.ladder(self.scales[1])
        if not math.isfinite(far.bound) or near.sides:
            return near
        if far.bound <= 1e-3 * abs(far.value) and not far.sides:  # steps below that scatter show nothing
            near, _ = self.ladder(self.scales[0], scatter)
        if abs(near.value - far.value) <= near.bound + far.bound and not far.sides:
            best, other = (near, far) if near.bound <= far.bound else (far, near)
            return replace(best, also=(other.value - other.bound, other.value + other.bound))
        return replace(near, sides=far.sides, also=far.hull, disputed=True)

    def _extrapolate(self, rungs: Sequence[_Rung | None], scatter: float = 0.0) -> Slope:
        """Richardson's extrapolation, and of all its values the one that is surest of itself."""
        found = [rung for rung in rungs if rung is not None]
        if (last := _last_jump(found, scatter)) is not None:
            at, smaller = found[last], found[last + 1 :]
            if all(abs(at.jump) <= 16 * max(r.noise, scatter) / r.h for r in smaller):  # none that would show its end
                return Slope(at.slope, abs(at.jump) / 2, (at.slope - at.jump / 2, at.slope + at.jump / 2))
            found = smaller  # f has a kink farther away than these steps reach
        if len(found) < 2:
            return Slope(math.nan, math.inf)
        best, row = Slope(math.nan, math.inf), [found[0].slope]
        for k, rung in enumerate(found[1:], 1):
            noise = 2 * max(rung.noise, found[k - 1].noise, scatter) / rung.h
            before, row = row, [rung.slope]
            for order in range(1, min(k, 4) + 1):
                row.append(row[-1] + (row[-1] - before[order - 1]) / (16.0**order - 1))
                # as in Ridders 1982: where f has a kink between the steps, the first of these alone is too sure
                change = max(2 * abs(row[order] - row[order - 1]), abs(row[order] - before[order - 1]))
                if (bound := change + noise) < best.bound:
                    best = Slope(row[order], bound)
        return best


def _first(eps: float) -> int:
    """The exponent of the first step, even: where truncation of the fourth order and rounding about balance."""
    return 2 * int(math.log2(eps) / 8.5)


def _exponents(eps: float) -> range:
    """The exponents of a whole ladder; the first steps of `quick` are among them."""
    return range(-4 if eps < 1e-10 else -2, math.floor(math.log2(eps) / 2) + 3, -2)


def _last_jump(rungs: Sequence[_Rung], scatter: float) -> int | None:
    """The last rung at which the slopes on both sides differ as they did at a larger step; where f is smooth their
    difference shrinks with the step."""
    clear = [abs(rung.jump) > 8 * max(rung.noise, scatter) / rung.h and abs(rung.jump) > 1e-3 * abs(rung.slope)
             for rung in rungs]  # fmt: skip
    stays = [k for k in range(1, len(rungs))
             if clear[k] and clear[k - 1] and abs(rungs[k].jump) > 0.6 * abs(rungs[k - 1].jump)]  # fmt: skip
    return max(stays, default=None)


# ---- whole gradients ---------------------------------------------------------------------------------------
class Gradient:
    """Slopes by every entry at one point, with as few evaluations as the doubt about each allows.

    resolution: the relative error that is to be seen. typical: what an entry has to be known beside, where it is
    itself small or zero.
    """

    def __init__(self, point: Point, method: Method, resolution: float, typical: float = 0.0, seed: int = 0) -> None:
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        self.point, self.resolution, self.typical = point, resolution, typical
        self.exact: dict[tuple[int, int], float] = {}
        self.vouched: dict[tuple[int, int], float] = {}  #: what the real direction leaves open, entry by entry
        self.method: Method = "complex" if method != "ladder" and self._complex(seed) else "ladder"
        if method == "complex" != self.method:
            raise ValueError("method='complex': f does not run on complex arrays, or differences of real numbers do "
                             "not agree with what it gives there; use method='auto'")  # fmt: skip

    def settled(self, slope: Slope) -> bool:
        """Whether a slope is known well enough to tell a right gradient from a wrong one."""
        return slope.bound <= self.resolution * max(abs(slope.value), self.typical)

    def _complex(self, seed: int) -> bool:
        """Take the complex step by every entry, unless a direction in real numbers speaks against it."""
        point = self.point
        for entry in point.entries() if point.dtype == np.float64 and point.finite else ():
            slope = point.complex_step(*entry)
            if slope is None:
                return False
            self.exact[entry] = slope
        if not self.exact:
            return False
        direction = point.random(seed)
        by = {i: amounts for i, _, amounts in direction}
        along = math.fsum(slope * by[i][j] for (i, j), slope in self.exact.items())
        agrees: Trust = lambda slope: abs(slope.value - along) <= slope.bound and not slope.sides
        measured = point.line(direction).measure(lambda slope: agrees(slope) and self.settled(slope))
        self.vouched = {(i, j): measured.bound / abs(by[i][j]) for i, j in self.exact}
        return agrees(measured)

    def slope(self, i: int, j: int, expected: float | None = None, slack: float = 0.0) -> Slope:
        """The derivative by entry j of argument i. expected: what it will be compared with; slack: the rounding
        errors that this may have. Where the two do not agree more is measured."""
        near: Trust = lambda slope: expected is None or abs(expected - slope.value) <= slope.bound + slack
        exact = None
        if self.method == "complex":
            exact = Slope(self.exact[i, j], self._rounding(i, j))
            if near(exact) and self.settled(Slope(exact.value, self.vouched[i, j])):
                return exact
        line = self.point.line([(i, j, 1.0)])
        real = line.measure(lambda slope: near(slope) and not slope.sides and self.settled(slope))
        if exact is None or abs(real.value - exact.value) > real.bound or real.sides or real.disputed:
            return real
        return Slope(exact.value, min(exact.bound + 64 * self._spread(i, j), real.bound))

    def _rounding(self, i: int, j: int) -> float:
        scale = max(1.0, abs(float(self.point.xs[i].flat[j])))
        return 256 * self.point.eps * max(abs(self.exact[i, j]), self.point.size / scale)

    def _spread(self, i: int, j: int) -> float:
        """How much the complex step changes when its x changes by units in the last place: its rounding errors."""
        x, kept, found = self.point.xs[i].reshape(-1), float(self.point.xs[i].flat[j]), [self.exact[i, j]]
        for k in (-3, -1, 2):
            x[j] = kept + k * math.ulp(kept)
            found.append(self.point.complex_step(i, j) or 0.0)
        x[j] = kept
        return max(found) - min(found)


class NumericGrad(NamedTuple):
    """What numeric_grad gives: an array for each argument, of its shape; nan where it is not of a float dtype."""

    values: tuple[Array, ...]
    bounds: tuple[Array, ...]  #: inf where nothing settled; half the gap between the slopes at a kink


def numeric_grad(
    f: Callable[..., Any], *xs: Any, method: Method = "auto", cotangent: Any = None, resolution: float = 1e-7
) -> NumericGrad:
    """The gradient of Σ f(*xs)·cotangent by every entry, and a bound on the error of each.

    f: arrays to an array, of any shapes, empty and 0-d too. method: "complex", "ladder", or "auto" for the first
    where it proves itself and the second elsewhere. cotangent: of the shape of f's output; fixed distinct numbers by
    default. resolution: the relative error above which more evaluations are spent.

    >>> values, bounds = numeric_grad(abs, 0.0, method="ladder", cotangent=1.0)  # between the slopes of the kink
    >>> float(values[0]), float(bounds[0])
    (0.0, 1.0)
    """
    point = Point(f, xs, cotangent)
    gradient = Gradient(point, method, resolution)
    values = tuple(np.full(x.shape, np.nan) for x in point.xs)
    bounds = tuple(np.full(x.shape, np.inf) for x in point.xs)
    for i, j in point.entries():
        found = gradient.slope(i, j)
        values[i].reshape(-1)[j], bounds[i].reshape(-1)[j] = found.value, found.bound
    return NumericGrad(values, bounds)


def numeric_directional(
    f: Callable[..., Any], xs: Sequence[Any], direction: Sequence[Any], cotangent: Any = None
) -> tuple[float, float]:
    """The derivative of Σ f(*xs)·cotangent along a direction, and a bound on its error: by the ladders.

    direction: an array for each of xs, of its shape.

    >>> value, bound = numeric_directional(lambda x: x**2, [3.0], [0.5], cotangent=1.0)
    >>> abs(value - 3.0) <= bound < 1e-9
    True
    """
    point = Point(f, xs, cotangent)
    if len(direction) != len(xs) or any(np.shape(v) != np.shape(x) for v, x in zip(direction, xs, strict=True)):
        raise ValueError(f"the direction must be {len(xs)} arrays of shapes {[np.shape(x) for x in xs]}, got "
                         f"{[np.shape(v) for v in direction]}")  # fmt: skip
    flat = [np.asarray(v, np.float64).ravel() for v in direction]
    moving = [(i, at, flat[i][at]) for i in point.moving if (at := np.flatnonzero(flat[i])).size]
    if not moving:
        return 0.0, 0.0
    found = point.line(moving).thorough()
    return found.value, found.bound
