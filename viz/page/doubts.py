"""What the page's tabs *Why this order* and *Check* show, worked out when the file is written.

>>> from microgradx.value import Value
>>> h = Value(6.0, label="h")
>>> program = Program.of(h * (h + 1))
>>> why = orders(program, Trace.of(program))
>>> [order["name"] for order in why["orders"] if order["premature"] is not None]
['post-order']
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradx.program import Program

from ..check import _SCHEDULES, Again, Check, WhyOrder, _size
from ..trace import Trace, in_json

__all__ = ["checks", "orders"]

MOST_VISITS = 400  #: visits of a wrong schedule that are told before its first premature one
SHOWN_LEAVES = 3  #: whose gradients stand in the table of orders
COMPLEX_RUNS = 20_000  #: operations on complex numbers, about a second
MOST_ELEMENTS = 500_000  #: of all arrays together; the orders are told, not run, on a larger graph
MOST_NUMBERS = 100_000_000  #: elements that finite differences of arrays compute, about a second


def orders(program: Program, walk: Trace) -> dict[str, Any]:
    """Each schedule with its gradients, and its visits up to the first node that passes on too early."""
    if program.arrays and sum(np.size(i.data) for i in program) > MOST_ELEMENTS:
        why = None
        named = [(name, "", None) for name in ("reverse topological", *_SCHEDULES)]
        leaves: list[int] = []
    else:
        why = WhyOrder.of(program)
        leaves = list(why.leaves[:SHOWN_LEAVES])
        named = [(order.name, order.remark, order.grads) for order in why.orders]  # type: ignore[misc]
    found = []
    for name, said, grads in named:
        told, premature = _visits(walk, name)
        early = "a node passed on too early" if premature is not None else "every node waits for all of its uses"
        got = [grads[leaf] for leaf in leaves] if grads else None
        found.append({
            "name": name, "remark": said or early, "visits": told, "premature": premature, "grads": in_json(got),
            "right": got and [_same(g, walk.nodes[leaf].grad) for g, leaf in zip(got, leaves, strict=True)],
        })  # fmt: skip
    differences = [in_json(why.differences[leaf]) for leaf in leaves] if why else []
    return {"leaves": leaves, "orders": found, "differences": differences}


def _same(got: Any, wanted: Any) -> bool:
    """Whether a gradient is the right one, to rounding."""
    if np.array_equal(got, wanted, equal_nan=True):
        return True
    rounding = 1e-4 if getattr(wanted, "dtype", None) == np.float32 else 1e-9
    with np.errstate(all="ignore"):
        error, size = _size(got - wanted), max(_size(got), _size(wanted))
        return bool(np.isfinite(error) and error <= rounding * size)


def _visits(walk: Trace, name: str) -> tuple[list[dict[str, Any]], int | None]:
    """What each visit passes on, until one comes too early: the number of that visit, None if none does."""
    topological = reversed(range(len(walk.nodes)))
    order = _SCHEDULES[name](walk) if name in _SCHEDULES else topological
    grads: list[Any] = [0.0] * len(walk.nodes)
    grads[-1] = 1.0
    reported = [0] * len(walk.nodes)
    told: list[dict[str, Any]] = []
    for index in order:
        step, node = walk.passing[index], walk.nodes[index]
        if step is None:
            continue
        if len(told) == MOST_VISITS:
            break
        told.append({"node": index, "grad": grads[index], "reported": reported[index], "uses": node.uses})
        if reported[index] < node.uses:
            return told, len(told) - 1
        for c in step.contributions:
            known = grads[index] is not None and isinstance(c.local, float)
            grads[c.parent] = grads[c.parent] + grads[index] * c.local if known else None
            reported[c.parent] += 1
    return told, None


def checks(program: Program, again: Again | None = None) -> dict[str, Any]:
    """Each leaf's gradient beside a finite difference and the complex step, with a verdict: what `viz.check` gives.

    Of a leaf of Tensors the gradient is its slope along the worst of the directions that were tried.
    """
    found = Check.of(program, again=again, complex_runs=COMPLEX_RUNS, numbers=MOST_NUMBERS)
    leaves = [
        {"node": x.index, "grad": x.grad, "difference": x.difference, "exact": x.complex_step, "kink": x.kink,
         "jump": x.jump, "verdict": x.verdict}
        for x in found.leaves
    ]  # fmt: skip
    return {"leaves": leaves, "note": found.note}
