"""The walk as plain data: a Program and its numbers, forward and then backward, one operation a step.

A Trace holds the nodes of a graph, the steps of both passes and, for each step backward, its contributions.
What stands where after k steps is a function of k alone, `trace.state(k)`, so going back or jumping costs
nothing. The graph itself is only read: the numbers are run again from the leaves' present data.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any, Literal

from microgradx import symbols, worlds
from microgradx.graph import Node as GraphNode
from microgradx.program import Instruction, Program, Ref, Use, fill
from microgradx.rules import Rule
from microgradx.symbols import POW

__all__ = ["Contribution", "Known", "Node", "Step", "Trace", "number", "trace"]

VERSION = 1


def number(x: float | None, digits: int = 4) -> str:
    """A number as every figure and table writes it: short, with a true minus sign, "—" for what is not there.

    >>> [number(x) for x in (39.0, 0.70639, -1.5029, 12345.678, 3.2e-8, -0.0, float("-inf"), None)]
    ['39', '0.7064', '−1.503', '12346', '3.2e-08', '0', '−inf', '—']
    """
    if x is None:
        return "—"
    short = f"{x:.{digits}g}"
    if "e+" in short and abs(x) < 1e6:
        short = f"{x:.0f}"
    if x == 0:
        short = "0"
    return "−" + short[1:] if short[0] == "-" else short


# ---- the data --------------------------------------------------------------------------------------------
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
    data: float
    grad: float  #: dL/dnode at the end of the walk
    uses: int  #: how many contributions this gradient is the sum of; 0 for the root


@dataclass(frozen=True, slots=True)
class Contribution:
    """One term of a gradient, dL/duser · ∂user/∂parent: what one use of `parent` reports to it."""

    parent: int
    user: int
    slot: int  #: which input of the user's rule
    element: int | None  #: which element of a vector input
    incoming: float  #: dL/duser
    local: float  #: ∂user/∂parent, the user's other inputs held fixed
    formula: str  #: the local derivative in the names of the walk, "" where it cannot be read as text
    amount: float  #: incoming · local
    before: float | None  #: the parent's gradient so far; None before the first report
    after: float
    use: int  #: this is report number `use` …
    uses: int  #: … of so many

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

    data: float | None
    grad: float | None  #: the sum of what has been reported so far, None before the first report
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

        An input that is a node is {"node": 3}. What JSON has no number for is the string "NaN", "Infinity" or
        "-Infinity", which both Python's float() and JavaScript's Number() read. "<" is escaped, so that the
        text may stand inside of a <script>.
        """
        plain = {"version": VERSION, "nodes": self.nodes, "steps": self.steps}
        return json.dumps(_plain(plain), allow_nan=False, separators=(",", ":")).replace("<", r"\u003c")

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """Read what `to_json` wrote. Raises ValueError for anything else, or for another version."""
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("version") != VERSION:
            version = found.get("version") if isinstance(found, dict) else None
            raise ValueError(f"expected the JSON of a walk, version {VERSION}, got version {version}; "
                             "write it again with Trace.to_json()")  # fmt: skip
        try:
            nodes = [Node(**_floats(n, "data", "grad") | {"inputs": _inputs(n["inputs"])}) for n in found["nodes"]]
            steps = []
            for step in found["steps"]:
                contributions = tuple(Contribution(**_floats(c, *_NUMBERS)) for c in step["contributions"])
                steps.append(Step(**step | {"contributions": contributions}))
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not the JSON of a walk ({problem}); write it again with Trace.to_json()") from problem
        return cls(tuple(nodes), tuple(steps))


def trace(root: GraphNode, names: Mapping[str, Any] | None = None) -> Trace:
    """The walk through the graph below `root`. names: more labels, by variable name, as from `locals()`.

    The graph and its `.grad` are left alone. Raises TypeError when root is not a node of a graph.
    """
    return Trace.of(Program.of(root, names))


# ---- JSON ------------------------------------------------------------------------------------------------
_NUMBERS = ("incoming", "local", "amount", "before", "after")


def _plain(x: Any) -> Any:
    if isinstance(x, float):
        return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    if isinstance(x, tuple):
        return [_plain(e) for e in x]
    if isinstance(x, dict):
        return {key: _plain(e) for key, e in x.items()}
    if isinstance(x, Ref):
        return {"node": x.index}
    if isinstance(x, Node | Step | Contribution):
        return {field.name: _plain(getattr(x, field.name)) for field in fields(x)}
    return x


def _floats(found: dict[str, Any], *keys: str) -> dict[str, Any]:
    return found | {key: None if found[key] is None else float(found[key]) for key in keys}


def _inputs(found: Any) -> Any:
    if isinstance(found, list):
        return tuple(map(_inputs, found))
    return Ref(found["node"]) if isinstance(found, dict) else float(found)


# ---- running a program -----------------------------------------------------------------------------------
def _run(program: Program) -> Trace:
    data = program.forward()
    shown = _shown(program)
    texts = [number(x) for x in data]
    operations = [i for i in program if i.rule]
    reports: list[list[tuple[Use, int]]] = [[] for _ in program]  # of each user, with the report's number
    for uses in program.uses:
        for k, use in enumerate(uses, 1):
            reports[use.user].append((use, k))

    grads: list[Any] = [None] * len(program)
    grads[-1] = 1.0
    count = len(operations)
    steps = [Step(n, "forward", n, count, i.index) for n, i in enumerate(operations, 1)]
    steps.append(Step(count + 1, "backward", 1, count + 1, len(program) - 1))
    for position, i in enumerate(reversed(operations), 2):
        contributions = []
        by_slot = sorted(reports[i.index], key=lambda report: (report[0].slot, report[0].element or 0))
        for slot, group in groupby(by_slot, key=lambda report: report[0].slot):
            slopes, formulas = _locals(i, slot, data, shown)  # the elements of a vector share one partial
            for use, k in group:
                local, formula = slopes[use.element or 0], formulas[use.element or 0]
                amount, before = grads[i.index] * local, grads[use.parent]
                grads[use.parent] = amount if before is None else before + amount
                contributions.append(Contribution(
                    use.parent, i.index, slot, use.element, grads[i.index], local, formula, amount,
                    before, grads[use.parent], k, len(program.uses[use.parent]),
                ))  # fmt: skip
        steps.append(Step(count + position, "backward", position, count + 1, i.index, tuple(contributions)))
    nodes = tuple(
        Node(i.index, i.name, i.label, shown[i.index], i.op, i.scope, _written(i, shown), _written(i, texts),
             i.inputs, data[i.index], grads[i.index], len(program.uses[i.index]))
        for i in program
    )  # fmt: skip
    return Trace(nodes, tuple(steps))


def _locals(i: Instruction, slot: int, data: Sequence[float], shown: Sequence[str]) -> tuple[list[float], list[str]]:
    """∂i/∂(input `slot`) as numbers and as text, for each element of a vector, else one of each."""
    assert i.rule is not None
    slopes = worlds.partial(i.rule, slot, *(fill(x, data) for x in i.inputs), y=data[i.index])
    numbers = slopes.tolist() if isinstance(i.inputs[slot], tuple) else [float(slopes)]
    templates = _partial_template(i.rule, slot, _constants(i.inputs))
    names = [*_flat(i.inputs, shown), shown[i.index]]
    return numbers, [template.fill(names) for template in templates] or [""] * len(numbers)


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
    return found


_WORD = re.compile(r"[\w.\[\]′']{1,40}")


# ---- formulas --------------------------------------------------------------------------------------------
#: As one writes on a board: "a·b+1", brackets around the sign in "a·(−b)", numbers as everywhere in the walk.
BOARD = replace(
    symbols.TEXT,
    templates={
        op: (template.replace(" + ", "+").replace(" − ", "−"), precedence, (least[0], POW) if op in "*/" else least)
        for op, (template, precedence, least) in symbols.TEXT.templates.items()
    },
    number=number,
)
LONGEST = 4  #: elements of a vector that are written out


@dataclass(frozen=True)
class _Template:
    """A formula with holes: (text before, number of what goes in, whether a sign there needs brackets)."""

    parts: tuple[tuple[str, int, bool], ...]
    end: str

    @classmethod
    def of(cls, formula: str) -> _Template:
        parts = re.split(r"\{(\d+)\}", formula.replace("…·…", "…"))
        texts, holes = parts[::2], parts[1::2]
        return cls(tuple(
            (before, int(hole), before[-1:] in tuple("·+−/^") or after[:1] == "^")
            for before, hole, after in zip(texts[:-1], holes, texts[1:], strict=True)
        ), texts[-1])  # fmt: skip

    def fill(self, texts: Sequence[str]) -> str:
        written = [
            f"{before}({texts[hole]})" if bracketed and texts[hole][0] == "−" else before + texts[hole]
            for before, hole, bracketed in self.parts
        ]
        return "".join(written) + self.end


def _flat(inputs: Sequence[Any], texts: Sequence[str]) -> list[str]:
    """The text of every input, the elements of vectors one by one."""
    elements = [e for x in inputs for e in (x if isinstance(x, tuple) else (x,))]
    return [texts[e.index] if isinstance(e, Ref) else number(e) for e in elements]


def _written(i: Instruction, texts: Sequence[str]) -> str:
    if i.rule is None:
        return ""
    lengths = tuple(len(x) if isinstance(x, tuple) else None for x in i.inputs)
    return _value_template(i.rule, lengths).fill(_flat(i.inputs, texts))


def _constants(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The inputs with None in place of every node: what a formula's text depends on, apart from names."""
    return tuple(_constants(x) if isinstance(x, tuple) else None if isinstance(x, Ref) else x for x in inputs)


@lru_cache(maxsize=1024)
def _value_template(rule: Rule, lengths: tuple[int | None, ...]) -> _Template:
    """The rule as an expression: "a·b+c" for one that is written with operators, else a call by name."""
    holes: list[Any] = []
    n = 0
    for length in lengths:
        if length is None:
            holes.append(symbols.symbol(f"{{{n}}}"))
        else:
            each = [symbols.symbol(f"{{{k}}}") for k in range(n, n + length)]
            holes.append((*each[:2], symbols.symbol("…"), each[-1]) if length > LONGEST else tuple(each))
        n += 1 if length is None else length
    if rule.symbol or rule.vectors:
        try:
            return _Template.of(symbols.text(symbols.value(rule, *holes), BOARD))
        except Exception:  # a rule of the user's own, written with more than symbols can read
            pass
    written = [f"[{', '.join(map(str, x))}]" if isinstance(x, tuple) else str(x) for x in holes]
    return _Template.of(BOARD.call(rule.name, written))


@lru_cache(maxsize=1024)
def _partial_template(rule: Rule, slot: int, constants: tuple[Any, ...]) -> list[_Template]:
    """∂rule/∂input `slot` (by each element of a vector) with a hole for each input and one for the output.

    Empty where a rule of the user's own is written with more than symbols can read.
    """
    n = 0

    def hole(x: Any) -> Any:
        nonlocal n
        if isinstance(x, tuple):
            return tuple(map(hole, x))
        n += 1
        return symbols.symbol(f"{{{n - 1}}}" if x is None else x)

    inputs = [hole(x) for x in constants]
    formula = rule.partials[slot]
    assert formula is not None
    try:
        found = formula(symbols.symbols, symbols.symbol(f"{{{n}}}"), *inputs)
        each = found if isinstance(inputs[slot], tuple) else [found]
        return [_Template.of(symbols.text(symbols.symbol(e), BOARD)) for e in each]
    except Exception:
        return []
