"""Program: a graph as a straight-line list of instructions in topological order.

Everything that is not eager reads this one form: the walk that viz shows, the printed source, the checks by
finite differences and the complex step.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> h = a * b; h.label = "h"
>>> program = Program.of(h * (h + 1))
>>> print(program.source())
a = 2.0
b = 3.0
<BLANKLINE>
# forward
h = a*b
v3 = h + 1
v4 = h*v3
<BLANKLINE>
# backward
dv4 = 1.0
dv3 = dv4*h
dh = dv4*v3 + dv3
db = dh*a
da = dh*b
>>> program.forward({0: 1.0})
[1.0, 3.0, 3.0, 4.0, 12.0]
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import symbols, worlds
from .graph import Node, topological_order
from .rules import RULES, Rule
from .scopes import Scope
from .vectors import Bundle
from .worlds import World

__all__ = ["Instruction", "Program", "Use"]


@dataclass(frozen=True)
class Ref:
    """An input that is the result of an earlier instruction."""

    index: int


@dataclass(frozen=True)
class Instruction:
    """One node: a leaf (rule None) or a rule applied to Refs and constants; a vector input is a tuple of them."""

    index: int
    name: str  #: a Python identifier, unlike all others of the program; the label where there is one
    label: str  #: as the user wrote it, "" for none
    rule: Rule | None
    inputs: tuple[Any, ...]
    data: float  #: the node's number when the program was read
    grad: float | None  #: the node's gradient when the program was read
    scopes: tuple[Scope, ...]  #: the named scopes from the outermost in; each call of a module is one of its own

    @property
    def op(self) -> str:
        return self.rule.name if self.rule else ""

    @property
    def scope(self) -> str:
        return ".".join(scope.name for scope in self.scopes)


@dataclass(frozen=True)
class Use:
    """One use of `parent` by `user`: the term dL/duser · ∂user/∂parent of dL/dparent."""

    user: int
    slot: int  #: which input of the user's rule
    element: int | None  #: which element of a vector input
    parent: int


class Program:
    """The instructions of a graph, each after those that it needs; the last one is the root."""

    def __init__(self, instructions: Sequence[Instruction]) -> None:
        self.instructions = tuple(instructions)
        self.uses: list[list[Use]] = [[] for _ in self.instructions]  #: of each node, in the order that they report
        for i in reversed(self.instructions):
            for use in _uses(i):
                self.uses[use.parent].append(use)

    @classmethod
    def of(cls, root: Node, names: Mapping[str, Any] | None = None) -> Program:
        """Read the graph below `root`. names: more labels, by variable name, as from `locals()`.

        Raises TypeError when root is not a node of a graph.
        """
        if not isinstance(root, Node):
            raise TypeError(f"expected the Value at the end of a computation, got {type(root).__name__} {root!r:.60}")
        nodes = topological_order(root)
        index = {node: i for i, node in enumerate(nodes)}
        named = {id(node): name for name, node in (names or {}).items() if isinstance(node, Node)}
        labels = [node.label or named.get(id(node), "") for node in nodes]

        def refer(x: Any) -> Any:
            return tuple(map(refer, x)) if isinstance(x, Bundle) else Ref(index[x]) if isinstance(x, Node) else x

        return cls([
            Instruction(i, name, label, node.rule, tuple(map(refer, node.inputs)), node._data, node.grad,
                        tuple(node._scope.chain))
            for i, (node, label, name) in enumerate(zip(nodes, labels, _identifiers(labels), strict=True))
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.instructions)

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)

    def __getitem__(self, index: int) -> Instruction:
        return self.instructions[index]

    @property
    def leaves(self) -> list[int]:
        return [i.index for i in self if i.rule is None]

    def forward(self, leaves: Mapping[int, Any] | None = None, world: World = worlds.floats) -> list[Any]:
        """The number of every instruction, run again. leaves: other numbers for some leaves, by index.

        In the world of floats the results follow IEEE 754; any other world gets what its own operations give.
        """
        data: list[Any] = []
        for i in self:
            if i.rule is None:
                data.append((leaves or {}).get(i.index, i.data))
                continue
            inputs = [fill(x, data) for x in i.inputs]
            data.append(worlds.run(i.rule, *inputs) if world is worlds.floats else i.rule.value(world, *inputs))
        return data

    def local(self, use: Use, data: Sequence[float]) -> float:
        """∂user/∂parent at the given numbers of all instructions, the user's other inputs held fixed."""
        i = self[use.user]
        assert i.rule is not None
        found = worlds.partial(i.rule, use.slot, *(fill(x, data) for x in i.inputs), y=data[use.user])
        return float(found if use.element is None else found[use.element])

    def backward(self, data: Sequence[float]) -> list[float]:
        """droot/d(instruction) for every instruction, at the given numbers."""
        grads = [0.0] * len(self)
        grads[-1] = 1.0
        for i in reversed(range(len(self) - 1)):
            grads[i] = sum(grads[use.user] * self.local(use, data) for use in self.uses[i])
        return grads

    def local_formula(self, use: Use, names: Sequence[Any] | None = None) -> symbols.Symbol:
        """∂user/∂parent as a symbol in the program's own names, or in others, by index."""
        i = self[use.user]
        assert i.rule is not None
        names = names or [other.name for other in self]
        inputs = [fill(x, names) for x in i.inputs]
        formula = i.rule.partials[use.slot]
        assert formula is not None
        found = formula(symbols.symbols, symbols.symbol(names[i.index]), *_symbolic(inputs))
        return symbols.symbol(found if use.element is None else found[use.element])

    def formula(self, index: int, names: Sequence[Any] | None = None) -> symbols.Symbol:
        """The instruction's value as a symbol in the program's own names, or in others, by index."""
        i = self[index]
        names = names or [other.name for other in self]
        if i.rule is None:
            return symbols.symbol(names[index])
        return symbols.symbol(i.rule.value(symbols.symbols, *_symbolic([fill(x, names) for x in i.inputs])))

    def source(self, language: str = "python") -> str:
        """The forward and the backward pass as plain Python that runs on its own: `x` is a node, `dx` its gradient.

        It takes the branches that the graph took, with constants for their conditions. Where the engine gives inf
        or nan, plain Python may raise instead, or give a complex number. Raises ValueError for another language.
        """
        if language != "python":
            raise ValueError(f"source() prints 'python', got {language!r}")
        taken = {i.name for i in self}
        d = [_free("d" + i.name, taken) for i in self]
        forward = [f"{i.name} = {_called(self, i)}" for i in self if i.rule]
        backward = [f"{d[-1]} = 1.0"]
        for i in reversed(range(len(self) - 1)):
            terms = [(symbols.symbol(d[use.user]), self.local_formula(use)) for use in self.uses[i]]
            backward.append(f"{d[i]} = {_sum(terms)}")
        leaves = [f"{self[i].name} = {_literal(self[i].data)}" for i in self.leaves]
        body = "\n".join([*leaves, "", "# forward", *forward, "", "# backward", *backward])
        return _preamble(body, {i.name for i in self} | set(d)) + body


def fill(x: Any, numbers: Sequence[Any]) -> Any:
    """An instruction's input with each Ref replaced by what stands at its index."""
    if isinstance(x, Ref):
        return numbers[x.index]
    return tuple(fill(e, numbers) for e in x) if isinstance(x, tuple) else x


def _symbolic(inputs: Sequence[Any]) -> list[Any]:
    return [tuple(map(symbols.symbol, x)) if isinstance(x, tuple) else symbols.symbol(x) for x in inputs]


def _uses(i: Instruction) -> Iterator[Use]:
    for slot, x in enumerate(i.inputs):
        if i.rule is None or i.rule.partials[slot] is None:
            continue
        if isinstance(x, Ref):
            yield Use(i.index, slot, None, x.index)
        elif isinstance(x, tuple):
            for element, e in enumerate(x):
                if isinstance(e, Ref):
                    yield Use(i.index, slot, element, e.index)


# ---- names and source ------------------------------------------------------------------------------------
_RESERVED = {*keyword.kwlist, *dir(builtins), *worlds.PRIMITIVES, "math", "inf", "nan"}


def _free(name: str, taken: set[str]) -> str:
    found, n = name, 2
    while found in taken or found in _RESERVED or found in RULES:
        found, n = f"{name}_{n}", n + 1
    taken.add(found)
    return found


def _identifiers(labels: Sequence[str]) -> list[str]:
    """A Python name for each node: its label made an identifier, or its number in topological order."""
    taken: set[str] = set()
    names = [""] * len(labels)
    # Labels first: a v3 of the user's own keeps its name
    for i in sorted(range(len(labels)), key=lambda i: not labels[i]):
        # NFKC is what Python itself makes of a name in source
        stem = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", labels[i])).strip("_")[:60]
        stem = stem if stem.isidentifier() else f"_{stem}" if f"_{stem}".isidentifier() and stem else f"v{i}"
        names[i] = _free(stem, taken)
    return names


def _literal(x: float) -> str:
    return repr(x) if math.isfinite(x) else f'float("{x}")'


def _sum(terms: Sequence[tuple[symbols.Symbol, symbols.Symbol]]) -> str:
    """Σ gradient · local derivative as one would write it; joined as text, because a node may have many uses."""
    total = ""
    for g, local in terms:
        factor = local.args[0] if local.op == "number" else None
        if factor == 0:
            continue
        sign = "-" if factor == -1 else "+"
        term = str(g if factor == -1 else g * local)
        total += f" {sign} {term}" if total else term if sign == "+" else f"-{term}"
    return total or "0.0"


def _called(program: Program, i: Instruction) -> str:
    """The instruction's right-hand side: its formula where that is one operation, else a call by the rule's name."""
    formula = program.formula(i.index)
    assert i.rule is not None
    if i.rule.symbol or i.rule.vectors or i.rule.name == "where":
        return str(formula)
    names = [other.name for other in program]
    return symbols.PYTHON.call(i.rule.name, [str(symbols.symbol(fill(x, names))) for x in i.inputs])


_CALL = re.compile(r"\b([A-Za-z_]\w*)\(")


def _preamble(body: str, names: set[str]) -> str:
    """The imports and small functions that the body calls, and that these call in turn."""
    waiting = sorted(set(_CALL.findall(body)) - names)
    definitions: dict[str, str] = {}
    imports: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in RULES and name not in worlds.PRIMITIVES:
            text = str(symbols.value(name))
            definitions.pop(name, None)  # called by a later one: it must stand before that
            definitions[name] = f"def {name}({RULES[name].parameters}):\n    return {text}\n"
            waiting += sorted(set(_CALL.findall(text)))
        elif hasattr(math, name):
            imports.add(name)
    head = [f"from math import {', '.join(sorted(imports))}\n"] if imports else []
    return "".join(part + "\n" for part in (*head, *reversed(definitions.values())))
