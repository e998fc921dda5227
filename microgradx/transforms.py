"""Gradients of Values as functions, and as graphs: what `.backward()` leaves in nodes, given back instead.

With create_graph the backward sweep runs each rule's formulas on nodes, so that every gradient is itself a graph.

>>> x = Value(2.0)
>>> first = grad(x**3, x, create_graph=True)
>>> first.data, first.parents != (), grad(first, x).data
(12.0, True, 12.0)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from .graph import check_handed_on, describe, sweep, sweeping, topological_order
from .scopes import Scope, current, enter, leave
from .value import Value, check_sweep
from .vectors import Bundle
from .worlds import traced

__all__ = ["grad"]


@overload
def grad(y: Value, xs: Value, create_graph: bool = False) -> Value: ...
@overload
def grad(y: Value, xs: Sequence[Value], create_graph: bool = False) -> list[Value]: ...
def grad(y: Value, xs: Value | Sequence[Value], create_graph: bool = False) -> Value | list[Value]:
    """dy/dx for one x, or a list of them for a sequence; no `.grad` is touched.

    With create_graph the gradients are themselves graphs, and can be differentiated again, to any order.
    What y does not depend on has the gradient 0. Raises TypeError for anything but Values, and RuntimeError
    when create_graph meets a leaf whose data was changed after the forward pass.

    >>> x = Value(2.0)
    >>> d1 = grad(x**3, x, create_graph=True); d2 = grad(d1, x)
    >>> d1.data, d2.data
    (12.0, 12.0)
    """
    several = isinstance(xs, Iterable) and not hasattr(type(xs), "__apply__")  # a Tensor can be iterated over
    wanted: list[Any] = list(xs) if several else [xs]  # type: ignore[arg-type]
    for x in (y, *wanted):
        if not isinstance(x, Value):
            raise TypeError(f"grad(y, xs) takes Values, got {type(x).__name__} {x!r:.60}; only Values have a graph")
    if create_graph:
        grads = _traced_sweep(y, Value(1.0, label=f"d{y.label}/d{y.label}" if y.label else ""))
        found = [grads[x] if x in grads else Value(0.0) for x in wanted]
    else:
        with sweeping:
            nodes = topological_order(y)
            kept = [node.grad for node in nodes]

            def restore() -> None:
                for node, g in zip(nodes, kept, strict=True):
                    node._grad = g

            def read(_: dict[Value, float | None]) -> list[Value]:
                try:
                    if current().checking:
                        check_sweep(y)
                    reached = set(nodes)
                    return [Value(x._grad if x in reached else 0.0) for x in wanted]
                finally:
                    restore()

            try:
                found = sweep(y, 1.0, read)
            except BaseException:
                restore()
                raise
    return found if several else found[0]


# ---- the sweep, with nodes for gradients -------------------------------------------------------------------
def _traced_sweep(root: Any, seed: Any) -> dict[Any, Any]:
    """Like `sweep`, but each gradient is a node, made by the same rules; what has no gradient is not in the dict."""
    grads: dict[Any, Any] = {root: seed}
    outer = current()
    # Recording, within no_grad too. A formula may hold a branch that is not taken, whose nan is no anomaly: only what
    # is handed on is checked
    token = enter(Scope("", outer))
    try:
        for node in reversed(topological_order(root)):
            for parent, received in _contributions(node, grads[node]):
                if outer.checking:
                    check_handed_on(node, parent, received._data, grads[node]._data)
                grads[parent] = grads[parent] + received if parent in grads else received
    finally:
        leave(token)
    return grads


def _contributions(node: Any, g: Any) -> Iterator[tuple[Any, Any]]:
    """(parent, what it receives) for each use of a parent by `node`, whose gradient is the node `g`.

    The local derivatives are formulas here, run on nodes, so the result can be differentiated again.
    """
    if node.rule is None:
        return
    for slot, *use in _formulas(node):
        for parent, was, local in zip(*use, strict=True) if use[0].__class__ is Bundle else (use,):
            now = getattr(local, "_data", local)
            if now != was and not (math.isnan(now) and math.isnan(was)):
                raise RuntimeError(
                    f"an input of {describe(node)} was changed after the forward pass: "
                    f"∂{node.op}/∂{node.rule.inputs[slot]} was {float(was)!r} and would now be {float(now)!r}; "
                    "run the forward pass again before a backward pass with create_graph"
                )
            yield parent, g if local.__class__ is int and local == 1 else g * local


def _formulas(node: Any) -> Iterator[tuple[int, Any, Any, Any]]:
    locals_: Sequence[Any] = node._da if node._da.__class__ is tuple else (node._da, node._db)
    for slot, (x, recorded) in enumerate(zip(node.inputs, locals_, strict=False)):
        if recorded is not None:
            yield slot, x, recorded, node.rule.partials[slot](traced, node, *node.inputs)
