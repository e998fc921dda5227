"""What a check found, as an object and as the text that a failed test shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .numeric import Method

__all__ = ["GradReport", "GradientError", "Row", "Verdict"]

Array = NDArray[Any]
Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]
SHOWN, PRINTED = 8, 4000  #: rows of a report, and characters up to which it prints its reproducer
SEVERITY: dict[Verdict, int] = {"PASS": 0, "INCONCLUSIVE": 1, "FAIL": 2}



class GradientError(AssertionError):
    """A check that did not pass; its message is the report, and `report` is it as an object."""

    def __init__(self, report: Any) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return str(self.report)


@dataclass(frozen=True)
class Row:
    """One number of a gradient and what was measured; `where` is "W1[2, 0]"."""

    where: str
    argument: int
    index: tuple[int, ...] | None  #: None for a direction
    analytic: float
    numeric: float
    bound: float
    verdict: Verdict
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many bounds the two are apart."""
        error = abs(self.analytic - self.numeric)
        return error / self.bound if self.bound else math.inf if error else 0.0


@dataclass(frozen=True)
class GradReport:
    """What check_grad found. It prints as a table of the numbers that did not pass, and how to see it again."""

    verdict: Verdict
    rows: tuple[Row, ...]  #: every number that was compared, or direction
    faults: tuple[str, ...]  #: what is wrong with a whole gradient: missing, of a wrong shape, a constant factor, …
    analytic: tuple[Array | None, ...]
    shapes: tuple[tuple[int, ...], ...]  #: of xs
    resolution: float  #: the smallest relative error of a number that would have been seen, but for small ones:
    floor: float  #: the smallest error, not relative, that would have been seen in these
    method: Method
    nfev: int  #: evaluations of f
    order: int
    engine: str
    f: str
    names: tuple[str, ...]
    _program: Callable[[], str] = field(repr=False, compare=False)

    @property
    def numeric(self) -> tuple[Array, ...]:
        """The numeric gradients, of the shapes of xs; nan where nothing was measured."""
        return self._arrays("numeric")

    @property
    def bound(self) -> tuple[Array, ...]:
        return self._arrays("bound")

    def _arrays(self, what: str) -> tuple[Array, ...]:
        made = tuple(np.full(shape, np.nan) for shape in self.shapes)
        for row in self.rows:
            if row.index is not None:
                made[row.argument][row.index] = getattr(row, what)
        return made

    @property
    def worst(self) -> Row | None:
        """The number that is furthest off in units of its bound, of those with the worst verdict."""
        return max(self.rows, key=lambda row: (SEVERITY[row.verdict], row.ratio), default=None)

    @property
    def worst_index(self) -> tuple[int, tuple[int, ...]] | None:
        """(argument, index) of the worst number."""
        return (self.worst.argument, self.worst.index) if self.worst and self.worst.index is not None else None

    def reproducer(self) -> str:
        """A script with f's source and the exact numbers, that runs this check alone."""
        return self._program()

    def __bool__(self) -> bool:
        return self.verdict == "PASS"

    def __str__(self) -> str:
        what = f"the gradient{' of the gradient' * (self.order - 1)} of {self.f} by {', '.join(self.names)}"
        things = "direction" if any(row.index is None for row in self.rows) else "number"
        total = f"{len(self.rows)} {things}{'s' * (len(self.rows) != 1)}"
        if self.verdict == "PASS":
            rest = f", and one of {self.floor:.1e} itself in what is too small for that" * bool(self.floor)
            seen = f"an error of {self.resolution:.1e} of a number would have been seen{rest}"
            return f"PASS: {what}, {total}, by {self.engine}; {seen}"
        bad = sorted((row for row in self.rows if row.verdict == self.verdict), key=lambda row: -row.ratio)
        claim = "wrong" if self.verdict == "FAIL" else "not to be told from wrong ones here"
        lines = [f"{self.verdict}: {what}" + f": {len(bad)} of {total} are {claim}" * bool(bad)]
        lines += [f"  {fault}" for fault in self.faults]
        if bad:
            lines += ["", *_table(bad[:SHOWN]), *[f"… and {len(bad) - SHOWN} more"] * (len(bad) > SHOWN)]
        source = self.reproducer()
        lines += ["", f"{self.engine}, {self.method}, {self.nfev} evaluations of {self.f}"]
        alone = "to run it alone" + ", when what it lacks is put in" * source.startswith("# not complete")
        lines += [f"{alone}:", "", source] if len(source) < PRINTED else ["report.reproducer() is code for it"]
        return "\n".join(lines)


def _table(rows: list[Row]) -> list[str]:
    cells = [("where", "analytic", "numeric", "bound", "bounds off", "")]
    cells += [(r.where, f"{r.analytic:.10g}", f"{r.numeric:.10g}", f"{r.bound:.1e}", f"{r.ratio:.2g}", r.note)
              for r in rows]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = "<>>>><"
    return ["  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
            for row in cells]  # fmt: skip
