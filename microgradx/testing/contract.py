"""check_vjp_contract: what a vjp promises whatever its numbers are.

>>> import numpy as np
>>> check_vjp_contract(np.sin, np.ones(2), vjp=lambda xs, g: np.multiply(g, np.cos(xs[0]), out=g))
Traceback (most recent call last):
    ...
microgradx.testing.report.GradientError: FAIL: the vjp of sin (numpy) breaks its contract
  mutation: the vjp has changed the cotangent[0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .check import choose
from .engines import Engine, parameter_names
from .numeric import cotangent_for
from .report import GradientError

__all__ = ["CLAUSES", "check_vjp_contract"]

Array = NDArray[Any]
Function = Callable[..., Any]
CLAUSES = ("shape", "dtype", "linear", "mutation", "aliasing", "view", "strided", "repeatable")


def check_vjp_contract(
    f: Function, *xs: Any, vjp: Callable[..., Any] | None = None, engine: str | Engine = "auto",
    skip: Sequence[str] = (), seed: int = 0,
) -> tuple[str, ...]:  # fmt: skip
    """Check all that a vjp promises whatever its numbers are, and give the names of the clauses that were checked.

    shape, dtype: of each gradient, those of its x. linear: in the cotangent. mutation: neither f nor the vjp writes
    to xs or to the cotangent. aliasing: no gradient shares memory with an x, with another gradient or with
    that of another call. view: nor does f's output with an x. strided: arrays that are not contiguous give what their
    copies give. repeatable: twice the same gives the same bits. skip: names of clauses that do not apply, such as
    "view" for a reshape.

    Raises GradientError, an AssertionError, which lists every clause that was broken.

    >>> import numpy as np
    >>> check_vjp_contract(lambda x: x * x, np.ones(2), vjp=lambda xs, g: 2 * g * xs[0], skip=["view"])
    ('shape', 'dtype', 'linear', 'mutation', 'aliasing', 'strided', 'repeatable')
    """
    __tracebackhide__ = True
    if unknown := set(skip) - set(CLAUSES):
        raise ValueError(f"skip takes names of {', '.join(CLAUSES)}, got {', '.join(sorted(unknown))}")
    chosen, given = choose(f, xs, vjp, engine)
    broken = dict.fromkeys(_Contract(f, given, chosen, seed).broken())
    words = [f"{clause}: {what}" for clause, what in broken if clause not in skip]
    if words:
        name = getattr(f, "__name__", type(f).__name__)
        raise GradientError("\n  ".join([f"FAIL: the vjp of {name} ({chosen.name}) breaks its contract", *words]))
    return tuple(clause for clause in CLAUSES if clause not in skip)


class _Contract:
    def __init__(self, f: Function, xs: list[Array], engine: Engine, seed: int) -> None:
        self.f, self.xs, self.engine = f, xs, engine
        self.names = parameter_names(f, len(xs))
        self.y = np.array(engine.value(f, self._copies()))
        self.rng = np.random.default_rng(seed)

    def _copies(self) -> list[Array]:
        return [x.copy() for x in self.xs]

    def _vjp(self, xs: Sequence[Array], w: Array) -> list[tuple[str, Array, Array]]:
        """(name, x, gradient) of each gradient that came back."""
        found = self.engine.vjp(self.f, xs, w)
        return [(n, x, g) for n, x, g in zip(self.names, xs, found, strict=True) if g is not None]

    def broken(self) -> Iterator[tuple[str, str]]:
        w = cotangent_for(self.y.shape, self.y.dtype)
        xs = self._copies()
        y = self.engine.value(self.f, xs)
        for name, x in zip(self.names, xs, strict=True):
            if np.shares_memory(x, y):
                yield "view", f"f's output shares memory with {name}"
        yield from self._changed("f", zip(self.names, xs, self.xs, strict=True))
        xs, given = self._copies(), w.copy()
        found = self._vjp(xs, given)
        names = [*self.names, "the cotangent"]
        yield from self._changed("the vjp", zip(names, [*xs, given], [*self.xs, w], strict=True))
        for k, (name, x, g) in enumerate(found):
            if g.shape != x.shape:
                yield "shape", f"the gradient of {name} has shape {g.shape}, and {name} itself {x.shape}"
            if g.dtype != x.dtype.newbyteorder("="):
                yield "dtype", f"the gradient of {name} is {g.dtype}, and {name} itself {x.dtype}"
            others = [(n, x) for n, x in zip(self.names, xs, strict=True)]
            others += [(f"the gradient of {n}", h) for n, _, h in found[:k]]
            for other, memory in others:
                if np.shares_memory(g, memory) and g.flags.writeable:  # else nothing can come of it
                    yield "aliasing", f"the gradient of {name} shares memory with {other}"
        for (name, _, g), (_, _, again) in zip(found, self._vjp(self._copies(), w.copy()), strict=True):
            if np.shares_memory(g, again) and again.flags.writeable:
                yield "aliasing", f"the gradient of {name} shares memory with that of the call before"
        first = [g.copy() for _, _, g in found]
        words = "a second call gives another gradient of"
        yield from self._compared("repeatable", words, self._copies(), w.copy(), first, 0.0)
        strided = list(map(_strided, self.xs))
        loose = 1024 * max((float(np.finfo(g.dtype).eps) for g in first), default=0.0)
        if not np.allclose(self.engine.value(self.f, strided), self.y, rtol=loose, atol=loose * _largest(self.y),
                           equal_nan=True):  # fmt: skip
            yield "strided", "f gives another value for arrays that are not contiguous"
        words = "arrays that are not contiguous give another gradient of"
        yield from self._compared("strided", words, list(map(_strided, self.xs)), _strided(w), first, loose)
        yield from self._linear(w, first, loose)

    def _linear(self, w: Array, first: list[Array], loose: float) -> Iterator[tuple[str, str]]:
        v = self.rng.normal(size=self.y.shape).astype(self.y.dtype)
        found = self._vjp(self._copies(), v.copy())
        second = [g.copy() for _, _, g in found]
        with np.errstate(invalid="ignore"):  # infinite gradients: all that is asked is that they stay that
            both = [2 * a - 3 * b if a.shape == b.shape else a for a, b in zip(first, second, strict=True)]
        size = max(map(_largest, [*first, *second]), default=0.0)
        words = "vjp(2·u − 3·v) is not 2·vjp(u) − 3·vjp(v) for"
        got = [_or_nan(g) for _, _, g in self._vjp(self._copies(), 2 * w - 3 * v)]
        for (name, _, _), g, want in zip(found, got, map(_or_nan, both), strict=True):
            if g.shape != want.shape or not np.allclose(g, want, loose, loose * size, equal_nan=True):
                yield "linear", f"{words} {name}"

    def _compared(
        self, clause: str, words: str, xs: list[Array], w: Array, wanted: list[Array], rtol: float
    ) -> Iterator[tuple[str, str]]:
        for (name, _, got), want in zip(self._vjp(xs, w), wanted, strict=True):
            near = rtol * _largest(want)
            if got.shape != want.shape or not (_same(got, want) or np.allclose(got, want, rtol, near, equal_nan=True)):
                yield clause, f"{words} {name}"

    def _changed(self, who: str, arrays: Iterable[tuple[str, Array, Array]]) -> Iterator[tuple[str, str]]:
        for name, x, before in arrays:
            if not _same(x, before):
                index = np.unravel_index(int(np.argmax((x != before).ravel())), x.shape)
                yield "mutation", f"{who} has changed {name}{list(map(int, index)) if index else ''}"


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _or_nan(x: Array) -> Array:
    return np.where(np.isfinite(x), x, np.nan)


def _largest(x: Array) -> float:
    finite = np.abs(x[np.isfinite(x)])
    return float(finite.max()) if finite.size else 0.0


def _strided(x: Array) -> Array:
    """The same numbers as every second one of a larger array, in the other order of memory."""
    room = np.zeros([2 * n for n in x.shape], x.dtype, order="F")
    view = room[tuple(slice(None, None, 2) for _ in x.shape)] if x.ndim else room
    view[...] = x
    return view
