"""What the page's tabs *Why this order* and *Check* show, worked out when the file is written.

>>> from microgradx.value import Value
>>> h = Value(6.0, label="h")
>>> why = orders(Program.of(h * (h + 1)))
>>> [order["name"] for order in why["orders"] if order["premature"] is not None]
['post-order']
"""

from __future__ import annotations

from typing import Any

from microgradx.program import Program

from ..check import _SCHEDULES, Again, WhyOrder, check_values
from ..trace import Trace

__all__ = ["checks", "orders", "visits"]

MOST_VISITS = 400  #: visits of a wrong schedule that are told before its first premature one
COMPLEX_RUNS = 20_000  #: operations on complex numbers, about a second


def orders(program: Program, why: WhyOrder | None = None) -> dict[str, Any]:
    """Each schedule with its gradients, and its visits up to the first node that passes on too early."""
    why = why or WhyOrder.of(program)
    found = []
    for order in why.orders:
        told, premature = _visits(why.walk, order.name)
        found.append({
            "name": order.name, "remark": order.remark, "visits": told, "premature": premature,
            "grads": [order.grads[leaf] for leaf in why.leaves] if order.grads else None,
        })  # fmt: skip
    return {"leaves": list(why.leaves), "orders": found}


def visits(walk: Trace) -> dict[str, Any]:
    """The same of a graph of Tensors, whose gradients are not told: only who passes on when."""
    found = []
    for name in ("reverse topological", *_SCHEDULES):
        told, premature = _visits(walk, name)
        remark = "a node passed on too early" if premature is not None else "every node waits for all of its uses"
        found.append({"name": name, "remark": remark, "visits": told, "premature": premature, "grads": None})
    return {"leaves": [], "orders": found}


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


def checks(program: Program, walk: Trace, again: Again | None = None) -> list[dict[str, Any]]:
    """Each leaf's gradient beside a finite difference and the complex step, with a verdict, as `viz.check` has it."""
    found = check_values(program, walk, again=again, affordable=COMPLEX_RUNS // len(program) + 1)
    return [
        {"node": index, "difference": x.difference, "exact": x.complex_step, "kink": x.kink, "jump": x.jump,
         "verdict": x.verdict}
        for index, x in zip(walk.leaves, found, strict=True)
    ]  # fmt: skip
