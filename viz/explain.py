"""The words of the walk: how a gradient came about, what a step does; and tables, as plain data.

A line is a tuple of Spans, each with its kind (a name, a gradient, …) and the node or use that it speaks of, so
that a terminal can colour it and a page can link it to the picture. `plain` prints lines and tables as text.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> h = a * b; p = h + 1; L = h * p
>>> print(explain(h, L, names=dict(h=h, p=p, L=L)))
h is used 2 times, so its gradient is a sum with one term per use.
dL/dh = (dL/dL)·∂(h·p)/∂h + (dL/dp)·∂(h+1)/∂h = 1·7 + 6·1 = 13
use 1, in L = h·p: was —, add 7 → 7
use 2, in p = h+1: was 7, add 6 → 13, complete (2/2)
Now h may pass it on: a receives 13 × b = 13 × 3 = 39, b receives 13 × a = 13 × 2 = 26.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import combining, east_asian_width

import numpy as np

from microgradx.graph import Node as GraphNode
from microgradx.graph import describe
from microgradx.program import Program, Root
from microgradx.tensor import Op, Tensor

from .notation import bracketed, bundle, norm, number, shape
from .trace import Contribution, Node, Step, Trace

__all__ = ["Kind", "Line", "Printed", "Span", "Table", "explain", "explanation", "line", "ordinal", "plain", "words"]

MOST = 8  #: contributions of one node or step that are written out
LONGEST_OPERATION, LONGEST_LOCAL = 24, 48  #: formulas longer than this are left to their names and numbers

Kind = Literal["", "name", "data", "gradient", "local", "result", "heading"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    kind: Kind = ""  #: "data" belongs to the forward pass, "gradient" and "local" to the backward pass
    node: int | None = None  #: the node that it speaks of …
    use: int | None = None  #: … or this use of that node (1, 2, …), an edge of the picture


Line = tuple[Span, ...]


def line(*parts: str | Span) -> Line:
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def explain(node: Root, root: Root, names: Mapping[str, Any] | None = None) -> str:
    """How the gradient of `node` in droot/dnode comes about: one term for each use, and to whom it is passed on.

    names: more labels, by variable name, as from `locals()`. Raises TypeError when root is not a node of a
    graph, ValueError when root does not depend on node.
    """
    program, sources = Program.read(root, names)
    wanted = (node._data if node._node is None else node._node) if isinstance(node, Tensor) else node
    for index, source in enumerate(sources):
        if source is wanted:
            return plain(explanation(Trace.of(program), index))
    given = _described(node) if isinstance(node, Root) else f"{type(node).__name__} {node!r:.60}"
    raise ValueError(f"expected a node that the root was computed from, got {given}; the root is {_described(root)}")


def _described(node: Root) -> str:
    if isinstance(node, GraphNode) and not isinstance(node, Op):
        return describe(node)
    return f"a tensor of shape {node._data.shape}" + f" labelled {node.label!r}" * bool(node.label)


# ---- the gradient of one node ----------------------------------------------------------------------------
def explanation(walk: Trace, index: int) -> list[Line]:
    """The paragraph of `explain` for the node with this topological number, line by line."""
    node, terms = walk.nodes[index], walk.contributions[index]
    total, result = _total(walk, index), Span(number(node.grad), "result", index)
    if node.grad is None:
        return [line(_name(node), f" is a constant of shape {shape(node.data)}: no gradient flows to it.")]
    if terms:
        many = f"{node.uses} times, so its gradient is a sum with one term per use"
        once = "once, so its gradient has one term"
        formulas = _joined(_each(terms, lambda c: [_product(walk, c)]), " + ")
        if all(c.local is not None for c in terms):
            factors = _each(terms, lambda c: [line(Span(_times(c, first=c.use == 1), "gradient", index, c.use))])
            formulas = line(*formulas, " = ", *_joined(factors, " + "))
        lines = [
            line(_name(node), f" is used {once if node.uses == 1 else many}."),
            line(total, " = ", *formulas, " = ", result),
            *_each(terms, lambda c: [line(*_use(walk, c), ": ", *_added(c)), *_summed(c)]),
        ]
    else:
        lines = [line(_name(node), " is the root, where the sweep starts: ", total, " = ", result, ".")]
    if step := walk.passing[index]:
        passed = _each(step.contributions, lambda c: [line(*_receives(walk, c), *_formula(walk, c), *_worked_out(c))])
        return [*lines, line("Now ", _name(node), " may pass it on: ", *_joined(passed, ", "), ".")]
    end = " has no derivative to pass on." if node.op else " is a leaf: the sweep ends here."
    return [*lines, line(_name(node), end)]


# ---- one step --------------------------------------------------------------------------------------------
def words(walk: Trace, step: Step, most: int = MOST) -> list[Line]:
    """What a step does, line by line. most: leave out the middle where it has more contributions than this."""
    node = walk.nodes[step.node]
    if step.direction == "forward":
        result = Span(number(node.data), "data", node.index)
        written = dict.fromkeys((node.formula, node.numbers))  # one of them where all inputs are constants
        return [line(_name(node), f" = {' = '.join(written)} = ", result)]
    passes = line(_total(walk, node.index), " = ", Span(number(node.grad), "result", node.index))
    if step.seed:
        of_a_sum = ", as for the sum of its elements" if np.size(node.grad) > 1 else ""
        return [line("the sweep starts at the root: ", *passes, of_a_sum)]
    if not step.contributions:
        return [line(_name(node), f" = {node.formula} has no derivative to pass on")]

    def report(c: Contribution) -> list[Line]:
        return [
            line("  ", *_receives(walk, c), *_product(walk, c, "G"), " = ", *_worked_out(c)),
            *_summed(c, "    "),
            line("    ", *_added(c), "" if c.complete else f", uses reported {c.use}/{c.uses}"),
        ]

    complete = f", complete ({node.uses}/{node.uses})" if node.uses else ""
    name = "G = " if any(c.product for c in step.contributions) else ""
    return [
        line(_name(node), f" = {node.formula} passes on {name}", *passes, complete),
        *_each(step.contributions, report, most, line("  …")),
    ]


# ---- phrases ---------------------------------------------------------------------------------------------
def ordinal(n: int) -> str:
    """
    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '112th']
    """
    return f"{n}{'th' if n % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def _name(node: Node) -> Span:
    return Span(node.shown, "name", node.index)


def _total(walk: Trace, index: int) -> Span:
    return Span(f"d{walk.root.shown}/d{walk.nodes[index].shown}", "gradient", index)


def _use(walk: Trace, c: Contribution) -> Line:
    user, input_ = walk.nodes[c.user], _input(walk, c)
    which = f" ({input_})" if input_ != walk.nodes[c.parent].shown else ""
    return line(Span(f"use {c.use}", "", c.parent, c.use), f", in {user.shown} = {user.formula}{which}")


def _input(walk: Trace, c: Contribution) -> str:
    """What a local derivative is by: "h", or "1st h" where the operation uses h more than once."""
    shown, step = walk.nodes[c.parent].shown, walk.passing[c.user]
    assert step is not None
    same = [other for other in step.contributions if other.parent == c.parent]
    if len(same) == 1:
        return shown
    same.sort(key=lambda other: (math.inf if other.element is None else other.element, other.slot))  # as one reads
    return f"{ordinal(same.index(c) + 1)} {shown}"


def _product(walk: Trace, c: Contribution, incoming: str = "") -> Line:
    """`(dL/dp)·∂(h+1)/∂h`, or of Tensors `(dL/dz) @ wᵀ`. incoming: another name for dL/dz there."""
    user = walk.nodes[c.user]
    if c.product is not None:
        incoming = incoming or f"({_total(walk, c.user).text})"
        return line(Span(_INCOMING.sub(incoming, c.product), "local", c.parent, c.use))
    operation = user.formula if len(user.formula) <= LONGEST_OPERATION else user.shown
    slope = f"∂{bracketed(operation)}/∂{bracketed(_input(walk, c))}"
    return line(Span(f"({_total(walk, c.user).text})", "gradient", c.user), "·", Span(slope, "local", c.parent, c.use))


_INCOMING = re.compile(r"(?<![\w.])G(?![\w.[\]′'])|(?<![\w.])G(?=ᵀ)")


def _formula(walk: Trace, c: Contribution) -> Line:
    return line(*_product(walk, c), " = ") if c.product is not None else ()


def _times(c: Contribution, first: bool = True, sign: str = "·") -> str:
    """The two factors of a contribution as numbers: `6·1`."""
    incoming, local = number(c.incoming), number(c.local)
    return f"{incoming if first else _signed(incoming)}{sign}{_signed(local)}"


def _receives(walk: Trace, c: Contribution) -> Line:
    return line(_name(walk.nodes[c.parent]), " receives ")


def _worked_out(c: Contribution) -> Line:
    """`13 × b = 13 × 3 = 39`: by the local derivative's formula, where it says more than its number, then by that."""
    amount = Span(number(c.amount), "gradient", c.parent, c.use)
    if c.local is None:
        return line(f"{c.shapes} = " if c.shapes else "", amount)
    formula = ""
    if c.formula not in ("", number(c.local)) and len(c.formula) <= LONGEST_LOCAL:
        formula = f"{number(c.incoming)} × {bracketed(c.formula)} = "
    return line(f"{formula}{_times(c, sign=' × ')} = ", amount)


def _summed(c: Contribution, indent: str = "  ") -> list[Line]:
    return [line(f"{indent}{c.summed}")] if c.summed else []


def _added(c: Contribution) -> Line:
    """`was 7, add 6 → 13, complete (2/2)`; of arrays, their norms."""
    now = Span(norm(c.after), "result" if c.complete else "gradient", c.parent, c.use)
    complete = f", complete ({c.use}/{c.uses})" if c.complete else ""
    return line(f"was {norm(c.before)}, add {norm(c.amount)} → ", now, complete)


def _signed(written: str) -> str:
    return f"({written})" if written[0] == "−" else written


def _joined(parts: Sequence[Line], separator: str) -> Line:
    return tuple(span for k, part in enumerate(parts) for span in ((Span(separator),) if k else ()) + part)


def _each(
    contributions: Sequence[Contribution],
    say: Callable[[Contribution], list[Line]],
    most: int = MOST,
    gap: Line = (Span("…"),),
) -> list[Line]:
    """What there is to say of each; of the first ones and the last, where they are too many to read."""
    if len(contributions) <= most:
        return [part for c in contributions for part in say(c)]
    return [*(part for c in contributions[: most - 2] for part in say(c)), gap, *say(contributions[-1])]


# ---- tables and plain text -------------------------------------------------------------------------------
@dataclass(frozen=True)
class Table:
    """Rows under a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Span, ...], ...]
    align: str  #: "l" or "r" for each column
    optional: tuple[int, ...] = ()  #: columns that go, in this order, where there is little width
    room: tuple[str, ...] = ()  #: for each column a text that must fit, so that a table may fill up without moving

    def lines(self, width: float = math.inf) -> list[Line]:
        """The head and the rows with their cells padded to columns, two spaces between them."""
        rows = [tuple(Span(text, "heading") for text in self.head), *self.rows]
        wide = {k: max(cells(row[k].text) for row in rows) for k in range(len(self.head))}
        for k, text in enumerate(self.room):
            wide[k] = max(wide[k], cells(text))
        for column in self.optional:
            if sum(wide.values()) + 2 * len(wide) - 2 > width:
                del wide[column]

        def padded(row: tuple[Span, ...]) -> Iterator[Span]:
            for k, size in wide.items():
                space = Span(" " * (size - cells(row[k].text)))
                yield from (row[k], space) if self.align[k] == "l" else (space, row[k])
                yield Span("  ")

        return [tuple(padded(row))[:-1] for row in rows]

    def __str__(self) -> str:
        return plain([self])


class Printed(ABC):
    """What prints as its parts, at the prompt and in a notebook too."""

    @abstractmethod
    def parts(self) -> list[Line | Table]: ...

    def __str__(self) -> str:
        return plain(self.parts())

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        return bundle({"text/plain": self.__str__}, include, exclude)


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def plain(parts: Iterable[Line | Table]) -> str:
    """Lines and tables as text."""
    lines = [x for part in parts for x in (part.lines() if isinstance(part, Table) else [part])]
    return "\n".join("".join(span.text for span in x).rstrip() for x in lines)
