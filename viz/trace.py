"""The walk as plain data: a Program and its numbers, forward and then backward, one operation a step.

A Trace holds the nodes of a graph, the steps of both passes and, for each step backward, its contributions.
What stands where after k steps is a function of k alone, `trace.state(k)`, so going back or jumping costs
nothing. The graph itself is only read: the numbers are run again from the leaves' present data. In a walk of
Tensors the numbers are arrays.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> h = a * b; h.label = "h"
>>> walk = trace(h * (h + 1))
>>> [f"{node.shown} = {node.formula} = {number(node.data)}" for node in walk.nodes if node.op]
['h = a·b = 6', 'v3 = h+1 = 7', 'L = h·v3 = 42']
>>> [(c.incoming, c.local, c.before, c.after) for c in walk.contributions[2]]
[(1.0, 7.0, None, 7.0), (6.0, 1.0, 7.0, 13.0)]
>>> [known.grad for known in walk.state(5)]  # after three steps forward, the seed, and L's step backward
[None, None, 7.0, 6.0, 1.0]
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

import numpy as np

from microgradx import worlds
from microgradx.program import Instruction, Program, Ref, Root, Use, fill
from microgradx.rules import Rule
from microgradx.structural import arrays
from microgradx.worlds import World

from .notation import LONGEST, Summary, local_texts, number, product_text, shape, shapes_text, written

__all__ = ["LONGEST", "Contribution", "Known", "Node", "Step", "Trace", "number", "trace"]

VERSION = 1


# ---- the data --------------------------------------------------------------------------------------------
Data = Any  # a float; for Tensors an array, or what a Summary keeps of one


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the graph with its final numbers; its place in `Trace.nodes` is its topological number."""

    index: int
    name: str  #: an identifier, unlike all others of the walk
    label: str  #: as the user wrote it, "" for none
    shown: str  #: how the walk writes it: the label if that is one word, else the name; "L" for a bare root
    op: str  #: the rule's name, "" for a leaf
    scope: str  #: such as "layers.0.neurons.3"
    formula: str  #: "a·b"; "" for a leaf
    numbers: str  #: the formula with the inputs' numbers in it, "2·3"
    inputs: tuple[Any, ...]  #: a Ref to a node, a number, or a tuple of these for a vector
    data: Data
    grad: Data  #: dL/dnode at the end of the walk; None of an array that is a constant
    uses: int  #: how many contributions this gradient is the sum of; 0 for the root


@dataclass(frozen=True, slots=True)
class Contribution:
    """One term of a gradient, dL/duser · ∂user/∂parent: what one use of `parent` reports to it."""

    parent: int
    user: int
    slot: int  #: which input of the user's rule
    element: int | None  #: which element of a vector input
    incoming: Data  #: dL/duser
    local: float | None  #: ∂user/∂parent, the user's other inputs held fixed; None where it is no number
    formula: str  #: the local derivative in the names of the walk, "" where it cannot be read as text
    amount: Data  #: incoming · local
    before: Data | None  #: the parent's gradient so far; None before the first report
    after: Data
    use: int  #: this is report number `use` …
    uses: int  #: … of so many
    product: str | None = None  #: where local is None, what becomes of the incoming gradient G: "G @ wᵀ"
    shapes: str | None = None  #: of the factors of a product of matrices: "(32, 10) @ (10, 100)"
    summed: str | None = None  #: over which axes it was summed, and what became of its shape

    @property
    def complete(self) -> bool:
        return self.use == self.uses


@dataclass(frozen=True, slots=True)
class Step:
    """An operation computed (forward), the seed dL/dL = 1, or an operation that passes its gradient on."""

    number: int  #: 1, 2, … over the whole walk
    direction: Literal["forward", "backward"]
    position: int  #: "backward 4 …
    count: int  #: … of 9"
    node: int
    contributions: tuple[Contribution, ...] = ()

    @property
    def seed(self) -> bool:
        return self.direction == "backward" and self.position == 1


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a node after so many steps."""

    data: Data | None
    grad: Data | None  #: the sum of what has been reported so far, None before the first report
    reported: int  #: how many uses have reported …
    uses: int  #: … of so many
    ready: bool  #: whether the gradient is complete, so that the node may pass it on


@dataclass(frozen=True)
class Trace:
    """A walk: its nodes in topological order, the last one the root, and its steps in the order of time."""

    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, program: Program) -> Trace:
        return _run(program)

    def __repr__(self) -> str:
        return f"<walk of {self.root.shown}: {len(self.nodes)} nodes, {len(self.steps)} steps>"

    @property
    def root(self) -> Node:
        return self.nodes[-1]

    @property
    def leaves(self) -> list[int]:
        return [node.index for node in self.nodes if not node.op]

    @cached_property
    def contributions(self) -> list[list[Contribution]]:
        """The terms of each node's gradient, in the order in which they report."""
        found: list[list[Contribution]] = [[] for _ in self.nodes]
        for step in self.steps:
            for c in step.contributions:
                found[c.parent].append(c)
        return found

    @cached_property
    def passing(self) -> list[Step | None]:
        """The step backward in which each node passes its gradient on; None for a leaf."""
        found: list[Step | None] = [None] * len(self.nodes)
        for step in self.steps:
            if step.contributions:
                found[step.node] = step
        return found

    @cached_property
    def computed(self) -> list[int]:
        """The number of the step that computes each node; 0 for a leaf, whose data is there from the start."""
        found = [0] * len(self.nodes)
        for step in self.steps:
            if step.direction == "forward":
                found[step.node] = step.number
        return found

    def known(self, index: int, steps: int) -> Known:
        """What is known of one node after the first `steps` steps. Raises IndexError for a step that is not there."""
        if not 0 <= steps <= len(self.steps):
            raise IndexError(f"expected a number of steps from 0 (the start) to {len(self.steps)}, got {steps}")
        node, terms = self.nodes[index], self.contributions[index]
        reported = bisect(terms, steps, key=lambda c: self.passing[c.user].number)  # type: ignore[union-attr]
        grad = terms[reported - 1].after if reported else None
        if node is self.root and steps > len(self.steps) - self.steps[-1].count:
            grad = node.grad  # the seed
        data = node.data if self.computed[index] <= steps else None
        return Known(data, grad, reported, node.uses, grad is not None and reported == node.uses)

    def state(self, steps: int) -> tuple[Known, ...]:
        """What is known of every node after the first `steps` steps, 0 to len(trace.steps)."""
        return tuple(self.known(node.index, steps) for node in self.nodes)

    def to_json(self) -> str:
        """The walk as JSON, version 1: {"version": 1, "nodes": […], "steps": […]} with the fields as above.

        An input that is a node is {"node": 3}. An array is {"shape": [2], "dtype": "float32", "data": [1.0, 2.0]},
        and one of more than 1,000 elements has the fields of a Summary instead of data. What JSON has no number
        for is the string "NaN", "Infinity" or "-Infinity", which both Python's float() and JavaScript's Number()
        read. "<" is escaped, so that the text may stand inside of a <script>.
        """
        plain = {"version": VERSION, "nodes": self.nodes, "steps": self.steps}
        return json.dumps(in_json(plain), allow_nan=False, separators=(",", ":")).replace("<", r"\u003c")

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """Read what `to_json` wrote. Raises ValueError for anything else, or for another version."""
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("version") != VERSION:
            version = found.get("version") if isinstance(found, dict) else None
            raise ValueError(f"expected the JSON of a walk, version {VERSION}, got version {version}; "
                             "write it again with Trace.to_json()")  # fmt: skip
        try:
            nodes = [Node(**_read(n, "data", "grad") | {"inputs": _inputs(n["inputs"])}) for n in found["nodes"]]
            steps = []
            for step in found["steps"]:
                contributions = tuple(Contribution(**_read(c, *_NUMBERS)) for c in step["contributions"])
                steps.append(Step(**step | {"contributions": contributions}))
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not the JSON of a walk ({problem}); write it again with Trace.to_json()") from problem
        return cls(tuple(nodes), tuple(steps))


def trace(root: Root, names: Mapping[str, Any] | None = None) -> Trace:
    """The walk through the graph below `root`. names: more labels, by variable name, as from `locals()`.

    The graph and its `.grad` are left alone. Raises TypeError when root is not a node of a graph.
    """
    return Trace.of(Program.of(root, names))


# ---- JSON ------------------------------------------------------------------------------------------------
_NUMBERS = ("incoming", "local", "amount", "before", "after")
MOST_ELEMENTS = 1_000  #: of an array that is written whole


def in_json(x: Any) -> Any:
    if isinstance(x, float):
        return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    if isinstance(x, tuple | list):
        return [in_json(e) for e in x]
    if isinstance(x, dict):
        return {key: in_json(e) for key, e in x.items()}
    if isinstance(x, Ref):
        return {"node": x.index}
    if isinstance(x, np.ndarray):
        if x.size > MOST_ELEMENTS:
            return in_json(Summary.of(x))
        return {"shape": list(x.shape), "dtype": str(x.dtype), "data": in_json(x.tolist())}
    if isinstance(x, Node | Step | Contribution | Summary):  # what only Tensors have is left out elsewhere
        each = ((field, getattr(x, field.name)) for field in fields(x))
        return {field.name: in_json(value) for field, value in each if value is not None or field.default is not None}
    return x


def _read(found: dict[str, Any], *keys: str) -> dict[str, Any]:
    return found | {key: _number(found[key]) for key in keys}


def _number(found: Any) -> Any:
    if not isinstance(found, dict):
        return None if found is None else float(found)
    size = tuple(found["shape"])
    if "data" in found:
        return np.array(found["data"], found["dtype"]).reshape(size)
    numbers = {key: float(found.get(key, "NaN")) for key in ("low", "high", "mean", "norm")}
    return Summary(size, found["dtype"], **numbers, heat=tuple(tuple(map(float, row)) for row in found["heat"]))


def _inputs(found: Any) -> Any:
    if isinstance(found, list):
        return tuple(map(_inputs, found))
    if isinstance(found, dict):
        return Ref(found["node"])
    return float(found) if found in ("NaN", "Infinity", "-Infinity") else found


# ---- running a program -----------------------------------------------------------------------------------
def _run(program: Program) -> Trace:
    data = program.forward()
    shown = _shown(program)
    texts = [shape(x) for x in data]
    operations = [i for i in program if i.rule]
    reports: list[list[tuple[Use, int]]] = [[] for _ in program]  # of each user, with the report's number
    for uses in program.uses:
        for k, use in enumerate(uses, 1):
            reports[use.user].append((use, k))

    grads: list[Any] = [None] * len(program)
    grads[-1] = program.seed
    count = len(operations)
    steps = [Step(n, "forward", n, count, i.index) for n, i in enumerate(operations, 1)]
    steps.append(Step(count + 1, "backward", 1, count + 1, len(program) - 1))
    for position, i in enumerate(reversed(operations), 2):
        contributions = []
        number_of = dict(reports[i.index])
        for use, amount, term in _terms(program, i, list(number_of), grads[i.index], data, shown):
            before = grads[use.parent]
            grads[use.parent] = amount if before is None else program.added(before, amount)
            contributions.append(Contribution(
                use.parent, i.index, use.slot, use.element, incoming=grads[i.index], amount=amount, before=before,
                after=grads[use.parent], use=number_of[use], uses=len(program.uses[use.parent]), **term,
            ))  # fmt: skip
        steps.append(Step(count + position, "backward", position, count + 1, i.index, tuple(contributions)))
    nodes = tuple(
        Node(i.index, i.name, i.label, shown[i.index], i.op, i.scope, written(i, shown), written(i, texts),
             _readable(i.inputs), data[i.index], grads[i.index], len(program.uses[i.index]))
        for i in program
    )  # fmt: skip
    return Trace(nodes, tuple(steps))


def _readable(x: Any) -> Any:
    """The inputs of an instruction, with text for what is neither a node nor a number."""
    if isinstance(x, tuple):
        return tuple(map(_readable, x))
    if isinstance(x, np.generic):
        return x.item()
    return x if x is None or isinstance(x, Ref | int | float | str) else str(x)


def _terms(
    program: Program, i: Instruction, uses: list[Use], g: Data, data: Sequence[Data], shown: Sequence[str]
) -> Iterator[tuple[Use, Data, dict[str, Any]]]:
    """For each use by an instruction of gradient g, in the order of its inputs: the amount, and how it comes about."""
    uses.sort(key=lambda use: (use.slot, use.element or 0))
    if program.arrays:
        for use in uses:
            yield use, *_array_term(program, use, g, data, shown)
        return
    for slot, group in groupby(uses, key=lambda use: use.slot):
        slopes, formulas = _locals(i, slot, data, shown)  # the elements of a vector share one partial
        for use in group:
            local = slopes[use.element or 0]
            yield use, g * local, {"local": local, "formula": formulas[use.element or 0]}


def _locals(i: Instruction, slot: int, data: Sequence[float], shown: Sequence[str]) -> tuple[list[float], list[str]]:
    """∂i/∂(input `slot`) as numbers and as text, for each element of a vector, else one of each."""
    assert isinstance(i.rule, Rule)
    slopes = worlds.partial(i.rule, slot, *(fill(x, data) for x in i.inputs), y=data[i.index])
    numbers = slopes.tolist() if isinstance(i.inputs[slot], tuple) else [float(slopes)]
    return numbers, local_texts(i, slot, shown) or [""] * len(numbers)


def _array_term(
    program: Program, use: Use, g: Data, data: Sequence[Data], shown: Sequence[str]
) -> tuple[Data, dict[str, Any]]:
    i = program[use.user]
    sums: list[tuple[Any, Any, Any]] = []

    def add_up(x: Any, dim: Any, keepdim: bool) -> Any:
        sums.append((x, dim, y := arrays.sum(x, dim, keepdim)))
        return y

    amount = program.contribution(use, g, data, World("arrays", {**arrays.primitives, "sum": add_up}))
    if isinstance(i.rule, Rule) and not g.ndim:
        formula = (local_texts(i, use.slot, shown) or [""])[0]
        return amount, {"local": float(program.local(use, data)), "formula": formula}
    product = product_text(program, use, shown)
    shapes = {shown[x.index]: data[x.index].shape for x in i.inputs if isinstance(x, Ref)} | {"G": g.shape}
    term: dict[str, Any] = {"local": None, "formula": "", "product": product}
    term["shapes"] = shapes_text(product, shapes) or None
    if sums and np.shares_memory(amount, sums[-1][-1]):  # summing came last
        x, dim, _ = sums[-1]
        axes = sorted(d % x.ndim for d in np.atleast_1d(dim))
        over = f"ax{'is' if len(axes) == 1 else 'es'} {', '.join(map(str, axes))}"
        term["summed"] = f"summed over the broadcast {over}: {x.shape} → {amount.shape}"
        term["product"] += "" if "summed" in product else ", summed"
    return amount, term


def _shown(program: Program) -> list[str]:
    """A word for each node that can stand in a formula, unlike all others."""
    names = {i.name for i in program}
    often = Counter(i.label for i in program)

    def word(i: Instruction) -> str:
        fits = often[i.label] == 1 and _WORD.fullmatch(i.label)
        return i.label if fits and (i.label == i.name or i.label not in names) else i.name

    found = [word(i) for i in program]
    if not program[-1].label and "L" not in found:
        found[-1] = "L"
    return ["G′" if shown == "G" else shown for shown in found] if program.arrays else found  # G is the gradient


_WORD = re.compile(r"[\w.\[\]′']{1,40}")
