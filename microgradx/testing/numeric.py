"""Derivatives by numbers alone, each with a bound on how far off it may be.

Where f takes complex arrays, the complex step f'(x) = Im f(x + ih) / h loses no digit (Squire & Trapp 1998); it also
fails without a word (`abs`, `conj`, `astype(float)`), so f on a circle around x has to agree with it: for a
holomorphic f it shows the same slope and no derivative by the conjugate. What that leaves open is the bound. Elsewhere
central differences are extrapolated down a ladder of steps: four evaluations first, and where these leave doubt a
whole ladder at the scale of x and one at the scale of 1, which have to agree, and a step far below both. The bound of
a value is how much it still changed from one rung to the next, and the rounding errors of f divided by the step.

>>> import numpy as np
>>> values, bounds = numeric_grad(lambda x: 1 / x, np.array([1e-3, 2.0]), cotangent=np.ones(2))
>>> values[0].round(9).tolist(), bool((bounds[0] < 1e-7 * abs(values[0])).all())
([-1000000.0, -0.25], True)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
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
#: The exponents of the radii on which complex steps are tried, beside the scale
RADII = (-6, -8, -10, -14, -20, -28, -36, -44)
NEEDLE = -40  #: and that of the step that looks for what is narrower than a ladder's


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

    @cached_property
    def complex_y(self) -> Array:
        """What `y` is on complex numbers: the last digits may be others."""
        return self.moved([], 0j)

    def entries(self) -> Iterator[tuple[int, int]]:
        """(argument, flat index) of every number that f is differentiated by."""
        return ((i, j) for i in self.moving for j in range(self.xs[i].size))

    def line(self, direction: Direction) -> Line:
        return Line(self, direction)

    def random(self, seed: int, far: bool = False) -> Direction:
        """A direction in which everything moves, by amounts of its own size and never by nearly nothing: of the
        smaller of |x| and 1, or of the larger."""
        rng = np.random.default_rng(seed)
        made = []
        for i in self.moving:
            x = np.abs(self.xs[i].ravel())
            own = np.where((x > 0) & ((x > 1) if far else (x < 1)), x, 1.0)
            made.append((i, slice(None), own * rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.5, x.size)))
        return made

    def complex_step(self, i: int, j: int) -> Step | None:
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
        terms = y.imag / h
        step = Step(float(terms.sum()), float(np.abs(terms).sum()), float(np.abs(self.y[terms != 0]).sum()))
        return step if math.isfinite(step.slope) else None


class Step(NamedTuple):
    """A complex step, and what its rounding errors are relative to."""

    slope: float
    terms: float  #: the sum of the absolute terms of the slope, one for each output
    size: float  #: the sum of the absolute outputs that moved


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


UNKNOWN = Slope(math.nan, math.inf)
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
        self._stirred = np.zeros(point.y.shape, bool)  #: the outputs that moved on a circle
        self._circles: dict[float, tuple[complex, complex, float]] = {}

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
            lost = h < 16 * point.eps * self.reach  # in x + h, all of it or nearly
            self._rungs[h] = None if lost or not math.isfinite(slope + jump + noise) else _Rung(h, slope, jump, noise)
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
    def size(self) -> float:
        """The sum of the absolute outputs that the direction moves, by a step at which they would show it."""
        up = self.point.moved(self.direction, math.ldexp(self.scales[0], _first(self.point.eps)))
        return float(np.abs(self.point.y[up != self.point.y]).sum())

    @cached_property
    def scales(self) -> tuple[float, float]:
        """The scale of x and that of 1, the smaller first, as powers of two; never two that are one."""
        nonzero = self._ratios[self._ratios > 0]
        own = 2.0 ** math.floor(math.log2(nonzero.min())) if nonzero.size and math.isfinite(nonzero.min()) else 1.0
        own = max(own, 2.0**-1000)  # a step has to be more than 0
        return (0.5, 1.0) if 0.25 < own < 4 else (min(own, 1.0), max(own, 1.0))

    def doubt(self, slope: float, scales: Iterable[float]) -> float:
        """How far a slope from complex steps may be off, by f on circles around the point.

        A complex step is wrong by twice the derivative by the conjugate, of which a holomorphic f has none, and which
        a circle shows as well as the slope itself. Of several radii the surest counts: a large one overlooks what is
        narrow, a small one drowns in rounding errors. Two that agree with each other and not with the slope count for
        more than any: one scale is not told of what another sees, nor of what f loses in intermediate results.
        """
        least, against = math.inf, 0.0
        for scale in scales:
            before = None
            for exponent in RADII:
                r = math.ldexp(scale, exponent)
                if r not in self._circles:
                    self._circles[r] = self._circle(r)
                holomorphic, conjugate, noise = self._circles[r]
                off = 4 * (abs(conjugate) + abs(holomorphic - slope))
                if not math.isfinite(off + noise):
                    before = None
                    continue
                least = min(least, off + noise)
                if off <= 16 * noise:
                    break
                change = math.inf if before is None else abs(holomorphic - before[0]) + abs(conjugate - before[1])
                if change <= 0.1 * (abs(holomorphic) + abs(conjugate)):
                    against = max(against, off)
                    break
                before = holomorphic, conjugate
        return max(least, against)

    def _circle(self, r: float) -> tuple[complex, complex, float]:
        """The derivatives by a complex number and by its conjugate from a circle, and the rounding errors in them."""
        point = self.point
        # on the axis real numbers, not complex ones: f may take another way for these
        axes: list[complex] = [r, -r, complex(0, r), complex(0, -r)]
        corners = [complex(a, b) for a in (r / 2, -r / 2) for b in (r / 2, -r / 2)]  # of half the square of the radius
        with np.errstate(all="ignore"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", np.exceptions.ComplexWarning)
                    moved = np.array([point.moved(self.direction, step) for step in [*axes, *corners]])
            except Exception:  # as in complex_step: there f may go another way than at its point
                return math.nan, math.nan, math.nan
            changes = moved - np.where(np.isreal([*axes, *corners])[:, None], point.y, point.complex_y)
            self._stirred = self._stirred | changes.any(0)  # what stands still on a small circle only hides its change
            counted = np.abs(moved).max(0)[self._stirred if self._stirred.any() else slice(None)]
            noise = 2 * point.eps * float(counted.sum()) / r
            change = changes.sum(1)
            at = np.array([*axes, *corners]) / r  # r * r might be 0
            along, across = change * at.conj() / (4 * r), change * at / (4 * r)
            # weighted so that the next terms of f's series cancel, of the fifth order and of the third
            holomorphic = complex(along[:4].sum() + 8 * along[4:].sum()) / 5
            conjugate = complex(across[:4].sum() + 4 * across[4:].sum()) / 3
        return holomorphic, conjugate, noise

    def quick(self) -> Slope:
        """Two rungs at the smaller scale: four evaluations. Where f stands still there, it has to at the other too."""
        first = _first(self.point.eps)
        near, far = ([math.ldexp(scale, first - k) for k in (0, 2)] for scale in self.scales)
        still = [rung is not None and rung.slope == rung.jump == 0 for rung in map(self.rung, near)]
        if all(still) and ((rung := self.rung(far[0])) is None or rung.slope or rung.jump):
            return UNKNOWN
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
        """The ladders at both scales, which have to agree; the second is spared where the first can be trusted. Where
        f is another below their steps, or a staircase, nothing is known."""
        near, _ = self.ladder(self.scales[0])
        if trusted(near):
            return near
        found = self._both(near)
        return found if self._goes_on(found) and not self._stairs() else UNKNOWN

    @cached_property
    def _scatter(self) -> float:
        return max(self.ladder(scale)[1] for scale in self.scales)

    def _goes_on(self, found: Slope) -> bool:
        """Whether a step far below the ladders' does not speak against them: f may be another below their steps."""
        needle = self.rung(math.ldexp(self.scales[0], NEEDLE)) if self.point.eps < 1e-10 else None
        if needle is None:
            return True
        first = self.rung(math.ldexp(self.scales[1], _exponents(self.point.eps)[0]))
        # what looks like scatter and is more than f can lose is f's own change
        scatter = min(self._scatter, 2.0**-26 * abs(first.slope) * first.h) if first else self._scatter
        room = 2 * max(needle.noise, scatter) / needle.h + abs(needle.jump)
        low, high = found.hull
        return low - room <= needle.slope <= high + room

    def _stairs(self) -> bool:
        """Whether f stands still here and a step away, moves in between by more than rounding, and goes on like that:
        what jumps once is flat on both sides."""
        rungs = [rung for scale in self.scales for e in _exponents(self.point.eps)
                 if (rung := self.rung(math.ldexp(scale, e)))]  # fmt: skip
        moving = [rung.h for rung in rungs if rung.slope or rung.jump]
        still = [rung.h for rung in rungs if moving and rung.h < min(moving)]
        if self._scatter or not still:
            return False
        h, less = min(moving), min(moving) - min(still)
        away = [(self.point.moved(self.direction, k * h), self.point.moved(self.direction, k * less)) for k in (1, -1)]
        risen = max(float(np.abs(a - self.point.y).sum()) for a, _ in away)
        if risen <= 32 * self.point.eps * self.point.size or not all(bool((a == b).all()) for a, b in away):
            return False
        wide = 64 * h  # than any stair, unless x lies at an edge of its own
        flights = [[self.point.moved(self.direction, sign * k * wide) for k in range(1, 9)] for sign in (1, -1)]
        return all(bool((a != b).any()) for flight in flights for a, b in pairwise(flight))

    def _both(self, near: Slope) -> Slope:
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
            return UNKNOWN
        best, row = UNKNOWN, [found[0].slope]
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
    itself small or zero and no more can be known.
    """

    def __init__(self, point: Point, method: Method, resolution: float, typical: float = 0.0, seed: int = 0) -> None:
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        self.point, self.resolution, self.typical = point, resolution, typical
        self.steps: dict[tuple[int, int], Step] = {}
        self.doubts: dict[tuple[int, int], float] = {}  #: what one direction leaves open, entry by entry
        self.method: Method = "complex" if method != "ladder" and self._complex(seed) else "ladder"
        if method == "complex" != self.method:
            raise ValueError("method='complex': f does not run on complex arrays, or differences of real numbers do "
                             "not agree with what it gives there; use method='auto'")  # fmt: skip

    def settled(self, slope: Slope) -> bool:
        """Whether a slope is known well enough to tell a right gradient from a wrong one."""
        return slope.bound <= self.resolution * max(abs(slope.value), self.typical)

    def sharp(self, slope: Slope) -> bool:
        """Whether nothing more has to be measured: the slope is known beside itself."""
        return slope.bound <= self.resolution * abs(slope.value) and not slope.sides

    def _complex(self, seed: int) -> bool:
        """Take the complex step by every entry, and see what one direction in which all move says of them."""
        point = self.point
        for entry in point.entries() if point.dtype == np.float64 and point.finite else ():
            step = point.complex_step(*entry)
            if step is None:
                self.steps.clear()
                return False
            self.steps[entry] = step
        if not self.steps:
            return False
        self.doubts = dict.fromkeys(self.steps, math.inf)
        vouched = False
        for far in (False, True):
            direction = point.random(seed, far)
            by = {i: amounts for i, _, amounts in direction}
            parts = [step.slope * float(by[i][j]) for (i, j), step in self.steps.items()]
            doubt = point.line(direction).doubt(math.fsum(parts), [1.0])
            for (i, j), before in self.doubts.items():  # too far for a small x is no evidence for it, but against it
                seen = doubt / abs(float(by[i][j]))
                small = far and 0 < abs(float(point.xs[i].flat[j])) < 2.0 ** RADII[0]
                self.doubts[i, j] = max(before, seen) if small else min(before, seen)
            hidden = 2.0**10 * point.eps * point.size  # of which nothing is known, nor speaks against them
            vouched |= doubt <= max(1e-4 * math.fsum(map(abs, parts)), hidden)
        return vouched

    def slope(self, i: int, j: int, expected: float | None = None, eps: float = 0.0) -> Slope:
        """The derivative by entry j of argument i, with a bound that has room for the rounding errors of what it
        will be compared with, which is `expected` and has that eps. Where the two do not agree more is measured."""
        line = self.point.line([(i, j, 1.0)])
        near: Trust = lambda slope: expected is None or abs(expected - slope.value) <= slope.bound
        if (step := self.steps.get((i, j))) is None:
            return self._real(line, near, lambda: self._slack(i, j, expected, line.size, eps))
        rounding = 256 * self.point.eps * step.terms
        own = 64 * eps * max(step.terms, abs(expected or 0.0) if math.isfinite(expected or 0.0) else 0.0)
        slack = max(own, self._slack(i, j, expected, step.size, eps))
        found = Slope(step.slope, rounding + self.doubts[i, j] + slack)
        if near(found) and self.sharp(found):
            return found
        rounding += 8 * self._scatter(i, j)
        doubt, least = line.doubt(step.slope, line.scales), line.doubt(step.slope, line.scales[:1])
        room = rounding + least + slack  # what is near x has to speak against it as well
        found = Slope(step.slope, rounding + doubt + slack, also=(step.slope - room, step.slope + room))
        if self.sharp(found):
            return found
        real = self._real(line, near, lambda: slack)
        if real.sides or real.bound < found.bound:
            found = real
        # The terms of a small slope beside a large f show no lie of the complex step, nor do real numbers; but two
        # that agree to the last digits agree for a reason.
        closer = Slope(step.slope, rounding + own)
        agreed = abs(real.value - step.slope) <= real.bound + closer.bound and not real.sides
        known = step.terms and self.method == "complex" and self.sharp(closer) and agreed
        if expected is None or self.sharp(found) or not known:
            return found
        return closer if near(closer) else replace(found, disputed=True)

    def _real(self, line: Line, near: Trust, slack: Callable[[], float]) -> Slope:
        with_room: Callable[[Slope], Slope] = lambda slope: replace(slope, bound=slope.bound + slack())
        return with_room(line.measure(lambda slope: near(with_room(slope)) and self.sharp(with_room(slope))))

    def _slack(self, i: int, j: int, expected: float | None, size: float, eps: float) -> float:
        """The rounding errors that an expected gradient may have, if its terms are of the size of f's beside x."""
        wanted = abs(expected) if expected is not None and math.isfinite(expected) else 0.0
        return 64 * eps * max(wanted, size / max(1.0, abs(float(self.point.xs[i].flat[j]))))

    def _scatter(self, i: int, j: int) -> float:
        """How much complex steps from points nearby do not lie on a parabola: their rounding errors."""
        x = self.point.xs[i].reshape(-1)
        kept, most = float(x[j]), 0.0
        for width in (2.0**-24, 2.0**-16):
            found = []
            for k in range(-3, 4):
                x[j] = kept + k * width * (abs(kept) or 1.0)
                step = self.point.complex_step(i, j)
                found.append(step.slope if step else math.nan)
            x[j] = kept
            most = np.fmax(most, np.abs(np.diff(found, 3)).max())
        return float(most)


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
