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

In a graph of Tensors the data are arrays, and an array that needs no gradient is a leaf of its own.

>>> from microgradx.creation import ones
>>> w = ones(3, requires_grad=True)
>>> program = Program.of((w * np.arange(3, dtype=np.float32)).sum(), {"w": w})
>>> [(i.name, i.op or "leaf", i.data.shape, i.constant) for i in program]
[('w', 'leaf', (3,), False), ('v1', 'leaf', (3,), True), ('v2', 'mul', (3,), False), ('v3', 'sum', (), False)]
>>> program.backward(program.forward())[0]
array([0., 1., 2.], dtype=float32)
"""

from __future__ import annotations

import builtins
import keyword
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import count
from typing import Any

import numpy as np

from . import symbols, versions, worlds
from .graph import Node, topological_order
from .rules import RULES, Rule
from .scopes import Scope
from .structural import Structural, arrays, unbroadcast
from .tensor import Op, Tensor, order
from .vectors import Bundle
from .worlds import World

__all__ = ["Instruction", "Program", "Root", "Use", "nodes_below"]

Root = Node | Tensor
Data = Any  # a float; in a graph of Tensors an array


@dataclass(frozen=True)
class Ref:
    """An input that is the result of an earlier instruction."""

    index: int


@dataclass(frozen=True)
class Instruction:
    """One node: a leaf (rule None) or a rule applied to Refs and constants; a vector input is a tuple of them.

    In a graph of Tensors data and gradients are arrays, and arrays that are constants are leaves, too.
    """

    index: int
    name: str  #: a Python identifier, unlike all others of the program; the label where there is one
    label: str  #: as the user wrote it, "" for none
    rule: Rule | Structural | None
    inputs: tuple[Any, ...]
    data: Data  #: the node's number when the program was read
    grad: Data | None  #: the node's gradient when the program was read
    scopes: tuple[Scope, ...]  #: the named scopes from the outermost in; each call of a module is one of its own
    constant: bool = False  #: whether it is an array that no gradient flows to

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
        self.arrays = isinstance(self.instructions[-1].data, np.ndarray)  #: whether it is a graph of Tensors
        self.uses: list[list[Use]] = [[] for _ in self.instructions]  #: of each node, in the order that they report
        self.reads: list[list[Use]] = [[] for _ in self.instructions]  #: of each constant, which gets no reports
        for i in reversed(self.instructions):
            for use in _uses(i):
                if self[use.parent].constant:
                    self.reads[use.parent].append(use)
                elif _differentiable(i, use.slot):
                    self.uses[use.parent].append(use)

    @classmethod
    def of(cls, root: Root, names: Mapping[str, Any] | None = None) -> Program:
        """Read the graph below `root`, a Value or a Tensor.

        names: more labels, by variable name, as from `locals()`: of nodes, of arrays, and of modules, whose
        parameters are "model.0.weight" then. Raises TypeError when root is not a node of a graph.
        """
        return cls.read(root, names)[0]

    @classmethod
    def read(cls, root: Root, names: Mapping[str, Any] | None = None) -> tuple[Program, list[Any]]:
        """`Program.of`, and for each instruction the node, or the constant array, that it was read from."""
        index: dict[int, int] = {}  # by identity: arrays do not hash
        sources: list[Any] = []
        nodes = nodes_below(root)
        inputs = {id(node): _inputs(node) for node in nodes}
        for node in nodes:
            for source in (*_arrays(inputs[id(node)]), node):
                if id(source) not in index:
                    index[id(source)] = len(sources)
                    sources.append(source)
        if not isinstance(names, Mapping | None):
            raise TypeError(f"names is a dict of what your variables are called, such as locals(), got {names!r:.60}")
        named = dict(_named(names or {}))
        labels = [_label(source) or named.get(id(source), "") or _same(source, names or {}) for source in sources]

        def refer(x: Any) -> Any:
            if isinstance(x, Bundle | tuple):
                return tuple(map(refer, x))
            return Ref(index[id(x)]) if isinstance(x, Node | np.ndarray) else x

        def read(i: int, label: str, name: str) -> Instruction:
            source = sources[i]
            if not isinstance(source, Node):
                return Instruction(i, name, label, None, (), source.copy(), None, (), constant=True)
            data, grad, scopes = source._data, source.grad, tuple(source.made_in.chain)  # type: ignore[attr-defined]
            if isinstance(source, Op):  # their memory may be changed in place
                data, grad = data.copy(), None if grad is None else grad._data.copy()
            return Instruction(i, name, label, source.rule, refer(inputs[id(source)]), data, grad, scopes)

        program = cls(list(map(read, count(), labels, _identifiers(labels))))
        changed = {i for i, x in enumerate(sources)
                   if isinstance(x, Op) and x.rule and versions.changed(x._data) > x.made}  # fmt: skip
        if changed:  # in place, by a later operation
            data = program.forward()
            program = cls([replace(i, data=data[i.index]) if i.index in changed else i for i in program])
        return program, sources

    def in_float64(self) -> Program:
        """A program of arrays with all its numbers in float64, for what float32 is too coarse for."""

        def fine(x: Any) -> Any:
            return x.astype(np.float64) if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f" else x

        return Program([replace(i, data=fine(i.data), inputs=tuple(map(fine, i.inputs))) for i in self])

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

        In the world of floats, and for Tensors, the results follow IEEE 754; any other world gets what its own
        operations give.
        """
        data: list[Any] = []
        for i in self:
            if i.rule is None:
                data.append((leaves or {}).get(i.index, i.data))
                continue
            inputs = [fill(x, data) for x in i.inputs]
            if self.arrays:
                given = inputs if isinstance(i.rule, Structural) else (arrays, *inputs)
                data.append(np.asarray(_quietly(i.rule.value, *given), i.data.dtype))
            else:
                assert isinstance(i.rule, Rule)
                data.append(worlds.run(i.rule, *inputs) if world is worlds.floats else i.rule.value(world, *inputs))
        return data

    def local(self, use: Use, data: Sequence[Data]) -> Data:
        """∂user/∂parent at the given numbers of all instructions, the user's other inputs held fixed.

        Of Tensors it is by element: an array, or one number for all. A rule that is not elementwise has none, and
        raises ValueError.
        """
        i = self[use.user]
        assert i.rule is not None
        inputs = [fill(x, data) for x in i.inputs]
        if isinstance(i.rule, Structural):
            raise ValueError(f"{i.op} is not elementwise, so it has no local derivatives; ask for a contribution()")
        if self.arrays:
            formula = i.rule.partials[use.slot]
            assert formula is not None
            return _quietly(formula, arrays, data[use.user], *inputs)
        found = worlds.partial(i.rule, use.slot, *inputs, y=data[use.user])
        return float(found if use.element is None else found[use.element])

    def contribution(self, use: Use, g: Data, data: Sequence[Data], world: World = arrays) -> Data:
        """What the use adds to droot/dparent when droot/duser is g.

        world: where the formulas of Tensors run that are not elementwise, and sums over broadcast axes.
        """
        i = self[use.user]
        if isinstance(i.rule, Structural):
            vjp = i.rule.vjp(use.slot)
            assert vjp is not None
            found = _quietly(vjp, world, g, data[use.user], *(fill(x, data) for x in i.inputs))
        else:
            local = self.local(use, data)
            if not self.arrays:
                return g * local
            # a mask lets nothing through where it is False, not inf · 0
            masked = isinstance(local, np.ndarray | np.generic) and local.dtype.kind == "b"
            found = np.where(local, g, g.dtype.type(0)) if masked else _quietly(operator.mul, g, local)
        like = self[use.parent].data
        return np.asarray(_quietly(unbroadcast, world, found, like.shape), like.dtype)

    @property
    def seed(self) -> Data:
        """droot/droot: 1, for each element of the root."""
        return np.ones_like(self[-1].data) if self.arrays else 1.0

    def backward(self, data: Sequence[Data]) -> list[Data]:
        """droot/d(instruction) for every instruction, at the given numbers; None for a constant array.

        Where the root has several elements, it is their sum that is differentiated.
        """
        grads: list[Any] = [None if i.constant else np.zeros_like(i.data) if self.arrays else 0.0 for i in self]
        grads[-1] = self.seed
        for i in reversed(range(len(self) - 1)):
            if self.uses[i]:
                grads[i] = reduce(self.added, (self.contribution(use, grads[use.user], data) for use in self.uses[i]))
        return grads

    def added(self, a: Data, b: Data) -> Data:
        """The sum of two contributions."""
        return np.asarray(_quietly(operator.add, a, b)) if self.arrays else a + b

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
        if self.arrays:
            raise NotImplementedError("source() prints graphs of Values; viz.step() walks through one of Tensors")
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


def nodes_below(root: Root) -> list[Any]:
    """The nodes that a Value or a Tensor depends on and its own, each after those that it needs.

    Those of Tensors come in the order in which they were made. Raises TypeError when root is not of a graph.
    """
    if isinstance(root, Tensor):
        if root._node is None:
            raise TypeError(
                f"expected the Tensor at the end of a computation, got one of shape {tuple(root.shape)} without a "
                "graph; make the tensors that it depends on with requires_grad=True, outside of no_grad"
            )
        root = root._node
    if not isinstance(root, Node):
        raise TypeError(f"expected the Value at the end of a computation, got {type(root).__name__} {root!r:.60}")
    return order([root])[::-1] if isinstance(root, Op) else topological_order(root)


def _inputs(node: Any) -> tuple[Any, ...]:
    if node.op == "cast":  # its second array is there for its dtype alone
        return (node.inputs[0], node._data.dtype.type(0))
    return node.inputs  # type: ignore[no-any-return]


def _arrays(x: Any) -> Iterator[Any]:
    """The constant arrays among the inputs of a node, those in the keys of an index included."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, tuple):
        for e in x:
            yield from _arrays(e)


def _label(source: Any) -> str:
    return source.label if isinstance(source, Node) else Tensor._of(source).label


def _named(names: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The identity of each node and array, with its name."""
    for name, x in names.items():
        if isinstance(x, Tensor):
            yield id(x._data if x._node is None else x._node), name
        elif hasattr(x, "named_parameters") and not isinstance(x, type):
            yield from _named({f"{name}.{path}": p for path, p in x.named_parameters() if isinstance(p, Tensor)})
        else:
            yield id(x), name


def _same(array: Any, names: Mapping[str, Any]) -> str:
    """The name of the integers that these are, which an index copies."""
    if isinstance(array, np.ndarray) and array.dtype.kind in "iu" and array.ndim:
        for name, x in names.items():
            numbers = getattr(x, "_data", x)
            if isinstance(numbers, np.ndarray) and numbers.dtype == array.dtype and np.array_equal(numbers, array):
                return name
    return ""


def _differentiable(i: Instruction, slot: int) -> bool:
    assert i.rule is not None
    return (i.rule.vjp(slot) if isinstance(i.rule, Structural) else i.rule.partials[slot]) is not None


def _quietly(function: Callable[..., Any], *inputs: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*inputs)


def _symbolic(inputs: Sequence[Any]) -> list[Any]:
    return [tuple(map(symbols.symbol, x)) if isinstance(x, tuple) else symbols.symbol(x) for x in inputs]


def _uses(i: Instruction) -> Iterator[Use]:
    for slot, x in enumerate(i.inputs):
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
