"""What every engine shares: nodes, the scope that they are made in, topological order, the backward sweep.

A node keeps its inputs and, for each, the local derivative; references go from child to parent only, so that
a graph is freed the moment its root goes. Nothing here knows what an operation is: that is the rules' part.

>>> from microgradx.value import Value
>>> a = Value(2.0, label="a"); h = a * a; h.label = "h"
>>> [(node.label, node.op) for node in topological_order(h * a)]
[('a', ''), ('h', 'mul'), ('', 'mul')]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import GeneratorType
from typing import Any, TypeVar

import numpy as np

from .rules import Rule
from .scopes import AnomalyError, Scope
from .vectors import Bundle, Station, sweeping

__all__ = ["Node", "describe", "order", "sweep", "sweeping", "topological_order"]


# ---- nodes -----------------------------------------------------------------------------------------------
class Node:
    """A result that remembers how it was made.

    Up to two inputs stand in the node itself (a tuple costs an object that the garbage collector must track);
    more, or vectors, stand as a tuple in `_a` with the tuple of local derivatives in `_da`. A local
    derivative of None marks an input that is a constant.
    """

    __slots__ = ("__dict__", "_a", "_b", "_da", "_data", "_db", "_grad", "_label", "_scope", "rule")

    _data: Any
    _label: str
    _a: Any
    _b: Any
    _da: Any
    _db: Any
    rule: Rule | None  #: the operation that made it, None for a leaf
    _scope: Scope | tuple[Scope, str]  #: or a name within a scope, which is made when somebody looks
    __hash__ = object.__hash__

    @property
    def label(self) -> str:
        """Its name in figures and messages."""
        try:
            return self._label
        except AttributeError:  # a slot that is never filled costs an operation nothing
            return ""

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise TypeError(f"a label is a str, got {type(label).__name__} {label!r:.60}")
        self._label = label

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What the rule was given, constants included; a vector input is a Bundle."""
        if self.rule is None:
            return ()
        if self._da.__class__ is tuple:
            return self._a  # type: ignore[no-any-return]
        return (self._a,) if self._b is None else (self._a, self._b)

    @property
    def slots(self) -> list[tuple[int, Any, Any]]:
        """(number of the rule's input, parent, local derivative) for each use of a parent by this node."""
        if self.rule is None:
            return []
        locals_ = self._da if self._da.__class__ is tuple else (self._da, self._db)
        found: list[tuple[int, Any, Any]] = []
        for slot, (x, d) in enumerate(zip(self.inputs, locals_, strict=False)):
            if d is not None:
                several = zip(x, d.tolist(), strict=True) if x.__class__ is Bundle else ((x, d),)
                found += [(slot, *pair) for pair in several]
        return found

    @property
    def parents(self) -> tuple[Any, ...]:
        """The nodes that this one was made from, one entry for each use."""
        return tuple(parent for _, parent, _ in self.slots)

    @property
    def local_grads(self) -> tuple[Any, ...]:
        """∂self/∂parent for each of `parents`, the others held fixed."""
        return tuple(d for _, _, d in self.slots)

    @property
    def op(self) -> str:
        """The rule's name, "" for a leaf."""
        return self.rule.name if self.rule else ""

    @property
    def scope(self) -> str:
        """Where it was made, such as "layers.0.neurons.3"; "" outside of every scope."""
        return self.made_in.path

    @property
    def made_in(self) -> Scope:
        """The scope itself: each call of a module has one of its own."""
        if self._scope.__class__ is tuple:
            outer, name = self._scope
            self._scope = outer.within(name)
        return self._scope  # type: ignore[return-value]


def describe(node: Node) -> str:
    """A node in the words of an error message: its operation, inputs, label and scope."""
    return operation(node) + f" labelled {node.label!r}" * bool(node.label) + place(node)


def place(node: Node) -> str:
    return f" in scope {node.scope!r}" * bool(node.scope)


def operation(node: Node) -> str:
    def name(x: Any) -> str:
        if x.__class__ is Bundle:
            return f"[{', '.join(map(name, x[:4]))}{', …' if len(x) > 4 else ''}]"
        return f"{x.label}={x._data!r}" if getattr(x, "label", "") else repr(getattr(x, "_data", x))

    return f"{node.op}({', '.join(map(name, node.inputs))})" if node.rule else "leaf"


# ---- topological order -----------------------------------------------------------------------------------
def order(root: Any) -> tuple[list[Any], list[Any]]:
    """Nodes and stations below `root`, each after everything that it needs; depth first, left input first.

    Beside them, the leaves alone.
    """
    done: list[Any] = []
    leaves: list[Any] = []
    seen: set[Any] = set()
    waiting: list[Any] = []  # nodes for an input of theirs; above one with many inputs, those that are left
    pop, push, finish, see = waiting.pop, waiting.append, done.append, seen.add
    node = root
    while True:
        see(node)
        # An input that was seen is finished too: it cannot be waiting for this node, which needs it
        da = node._da
        if da.__class__ is float and (a := node._a) not in seen:
            push(node)
            node = a
            continue
        if node._db is not None and (b := node._b) not in seen:
            push(node)
            node = b
            continue
        if da.__class__ is tuple and not seen.issuperset(node._a):
            push(node)
            push(x for x, d in zip(node._a, da, strict=True) if d is not None and x not in seen)
        else:
            finish(node)
            if da is None and node.rule is None:
                leaves.append(node)
        while waiting:
            node = pop()
            if node.__class__ is GeneratorType:
                if (x := next(node, None)) is not None:
                    push(node)
                    node = x
                    break
            elif node._db is not None and (b := node._b) not in seen:
                push(node)
                node = b
                break
            else:
                finish(node)
        else:
            return done, leaves


def topological_order(root: Node) -> list[Any]:
    """All nodes that `root` depends on and itself, each after its parents; the same for the same program."""
    with sweeping:  # nobody else unfolds a bundle in the middle of the walk
        nodes = order(root)[0]
        if [x for x in nodes if x.__class__ is Bundle and x.unfold()]:
            nodes = order(root)[0]
    return [x for x in nodes if not isinstance(x, Station)]


# ---- the backward sweep ----------------------------------------------------------------------------------
T = TypeVar("T")


def sweep(root: Any, seed: float, keep: Callable[[dict[Any, float | None]], T]) -> T:
    """Leave droot/dnode times `seed` in the `_grad` of each node below `root`, and return `keep(before)`.

    before: what the leaves had there. keep decides what stays; when anything raises, the leaves have their
    old gradients again. A node is visited once all of its uses have reported, so that what it passes on is its
    whole gradient. Raises TypeError when root is not a node.
    """
    if not isinstance(root, Node):
        raise TypeError(f"backward() starts from a Value, got {type(root).__name__} {root!r:.60}")
    with sweeping:
        nodes, leaves = order(root)
        before = {leaf: leaf.grad for leaf in leaves}
        try:
            _sweep(nodes, root, seed)
            return keep(before)
        except BaseException:
            for leaf, g in before.items():
                leaf._grad = g
            raise


def _sweep(nodes: list[Any], root: Any, seed: float) -> None:
    for node in nodes:
        node._grad = 0.0
    root._grad = seed
    with np.errstate(all="ignore"):
        for node in reversed(nodes):
            da = node._da
            if da.__class__ is float:
                g = node._grad
                node._a._grad += g * da
                if (db := node._db) is not None:
                    node._b._grad += g * db
            elif da is None:
                if (db := node._db) is not None:
                    node._b._grad += node._grad * db
            elif node.rule is None:
                node._hand_out()
            else:
                g = node._grad
                for x, d in zip(node._a, da):  # noqa: B905 (strict=True is measurably slower)
                    if d.__class__ is float:
                        x._grad += g * d
                    elif d is not None:
                        x._gs.append(g)
                        x._rows.append(d)


def check_handed_on(node: Node, parent: Node, received: float, g: float) -> None:
    """Raise AnomalyError for a nan or an infinity that `node`, of gradient g, hands to `parent`."""
    if not math.isfinite(received):
        raise AnomalyError(
            f"{describe(node)} handed {received!r} to its input {describe(parent)} in the backward pass: "
            f"its own gradient is {g!r}"
        )
