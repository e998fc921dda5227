"""What a picture shows: a box for each value of a Program, or one for each call of a module that is folded.

>>> from microgradx.nn import MLP
>>> from microgradx.program import Program
>>> sketch = fold(Program.of(MLP(2, [4, 4, 1], seed=0)([0.5, -1.0])), 1)
>>> [(box.title, *box.lines) for box in sketch.boxes]
... # doctest: +NORMALIZE_WHITESPACE
[('layers.0', '4 neurons', '12 parameters', '0 in, 4 out'),
 ('layers.1', '4 neurons', '20 parameters', '4 in, 4 out'),
 ('layers.2', '1 neuron', '5 parameters', '4 in, 1 out')]
>>> [(link.tail, link.head, link.values, len(link.uses)) for link in sketch.links]
[(0, 1, 4, 16), (1, 2, 4, 4)]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from microgradx.program import Instruction, Program, Ref, Use
from microgradx.scopes import Scope
from microgradx.structural import Structural

from . import notation
from .notation import number

__all__ = ["Box", "Group", "Link", "Sketch", "fold"]

#: "auto" folds what has more boxes than this
COMFORTABLE = 60

#: Scopes further in than this get no group of their own
DEEPEST = 12

Home = tuple[Scope, ...]  # the named scopes that a value belongs to, from the outermost in
Depth = Callable[[Home], int]  # how many of them lead to the one that it is folded into; 0: it is not folded


@dataclass(slots=True)
class Box:
    """A single value, or all that is folded into one box."""

    name: str  #: part of its id in a figure: "n12" for the value of instruction 12, "s3" for the fourth fold
    kind: Literal["leaf", "op", "scope", "parameters"]
    title: str  #: a value's label, "" for none; a fold's name
    members: list[int]  #: the numbers of its instructions
    sign: str = ""  #: a value's operation with the constants in it: "tanh", "× 3"
    path: str = ""  #: the dotted scope
    lines: tuple[str, ...] = ()  #: what is in a fold
    value: int | None = None  #: the one instruction whose numbers stand for the box


@dataclass(slots=True)
class Link:
    """The uses of one box's values by another; between two single values each use is a link of its own."""

    name: str
    tail: int
    head: int
    uses: list[Use]

    @property
    def values(self) -> int:
        """How many different values pass along it."""
        return len({use.parent for use in self.uses})


@dataclass(slots=True)
class Group:
    """A scope that is not folded: boxes, by number, and the groups inside."""

    title: str
    path: str
    boxes: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


@dataclass(slots=True)
class Sketch:
    """Boxes, each at the place of its first operation in topological order, their links, the outermost groups."""

    program: Program
    boxes: list[Box]
    links: list[Link]
    groups: list[Group]


def fold(program: Program, collapse: int | str = "auto") -> Sketch:
    """Decide what becomes a box.

    collapse: False shows every value, with its scopes as groups; 1 folds the outermost scopes (the layers of
    an MLP), 2 those inside of them (neurons), …; a name folds the scopes that have it, as "neurons" does
    neurons.0, neurons.1, …; "auto" folds as little as gives about 60 boxes. Each call of a module is a box of
    its own. Parameters go where they are used: into the one call, or into a box that all calls share.
    Raises TypeError or ValueError for any other `collapse`.
    """
    homes, shared = _homes(program)
    depth = _depth(collapse, homes, shared)
    calls = _calls(homes)
    members: dict[Hashable, list[int]] = defaultdict(list)
    for i, key in enumerate(_keys(homes, shared, depth)):
        members[key].append(i)

    def start(key: Hashable) -> int:
        return next((i for i in members[key] if program[i].rule), members[key][0])

    boxes: list[Box] = []
    within, folds = [0] * len(program), 0
    for key in sorted(members, key=start):
        inside = members[key]
        for i in inside:
            within[i] = len(boxes)
        if isinstance(key, int):
            boxes.append(_single(program[key]))
            continue
        if isinstance(key, Scope):
            boxes.append(_call(f"s{folds}", key, inside, program, homes, calls))
        else:
            lines = (_parameters(_elements(program, inside)),)
            boxes.append(Box(f"s{folds}", "parameters", str(key), inside, path=str(key), lines=lines))
        folds += 1
    links = _links(program, boxes, within)
    _count_ends(program, boxes, links)
    return Sketch(program, boxes, links, _groups(boxes, homes, depth, calls))


# ---- where a value belongs -------------------------------------------------------------------------------
def _homes(program: Program) -> tuple[list[Home], dict[int, Home]]:
    """The scopes of each value and, of a parameter of several calls, those that it has in one of them.

    A parameter is made before any call, so it has no scope of its own: it is a leaf that one module uses (a
    penalty in the loss may, too). Inputs stay outside: many neurons use them, or the one does as the x of `dot`
    or `linear`, or as an index.
    """
    homes: list[Home] = [i.scopes for i in program]
    shared: dict[int, Home] = {}
    for i in program:
        if i.rule is not None or i.scopes:
            continue
        uses = program.uses[i.index] + program.reads[i.index]
        users = [program[use.user] for use in uses]
        calls = {user.scopes[-1]: user.scopes for user in users if user.scopes}
        as_input = any((use.slot == 1 and use.element is not None) or (program[use.user].op, use.slot) == ("linear", 0)
                       for use in uses)  # fmt: skip
        if as_input or len({_path(home) for home in calls.values()}) != 1:
            continue
        home = next(iter(calls.values()))
        if len(calls) == 1 and all(user.scopes for user in users):
            homes[i.index] = home
        else:
            shared[i.index] = home
    return homes, shared


def _path(home: Home) -> str:
    return ".".join(scope.name for scope in home)


def _stem(scope: Scope) -> str:
    """The name of the list that a module is in: "neurons" for neurons.3."""
    return scope.name.rpartition(".")[0] or scope.name


def _keys(homes: Sequence[Home], shared: Mapping[int, Home], depth: Depth) -> Iterator[Hashable]:
    """For each value the box that it goes to: a call, the path of a module for its parameters, or its own number."""
    for i, home in enumerate(homes):
        if kept := depth(home):
            yield home[kept - 1]
        elif kept := depth(shared.get(i, ())):
            yield _path(shared[i][:kept])
        else:
            yield i


def _depth(collapse: int | str, homes: Sequence[Home], shared: Mapping[int, Home]) -> Depth:
    if collapse == "auto":
        return _comfortable(homes, shared)
    if isinstance(collapse, int):
        if collapse < 0:
            raise ValueError(f"collapse is the level of the scopes to fold, 1 for the outermost, got {collapse}")
        return _level(int(collapse))
    if not isinstance(collapse, str):
        raise TypeError(f'collapse is "auto", False, a level (1, 2, …) or a scope\'s name, got {collapse!r:.60}')
    names = {name for home in homes for scope in home for name in (_stem(scope), scope.name)}
    if collapse not in names:
        known = ", ".join(map(repr, sorted(names)[:8])) or "it has none"
        raise ValueError(f"collapse={collapse!r} is not the name of a scope of this graph; its scopes: {known}")
    return lambda home: next((k for k, scope in enumerate(home, 1) if collapse in (scope.name, _stem(scope))), 0)


def _level(level: int) -> Depth:
    return lambda home: level if len(home) >= level else 0


def _comfortable(homes: Sequence[Home], shared: Mapping[int, Home]) -> Depth:
    """No folding where there is no need; else the deepest level that leaves few enough boxes, or the outermost."""
    if len(homes) <= COMFORTABLE:
        return _level(0)
    deepest = min(max(map(len, homes)), DEEPEST)
    for level in range(deepest, 0, -1):
        if len(set(_keys(homes, shared, _level(level)))) <= COMFORTABLE:
            return _level(level)
    return _level(min(deepest, 1))


def _calls(homes: Sequence[Home]) -> dict[Scope, str]:
    """Each scope's title: its name, numbered where its module is called several times in the same scope."""
    seen: dict[tuple[Scope | None, str], dict[Scope, None]] = defaultdict(dict)
    for home in homes:
        for outer, scope in zip((None, *home), home, strict=False):
            seen[outer, scope.name][scope] = None
    titles: dict[Scope, str] = {}
    for (_, name), scopes in seen.items():
        for k, scope in enumerate(scopes, 1):
            titles[scope] = name if len(scopes) == 1 else f"{name} ({k})"
    return titles


# ---- boxes -----------------------------------------------------------------------------------------------
_SIGNS = {"*": "×", "-": "−", "/": "÷", "**": "^"}
_NAMES = {"maximum": "max", "minimum": "min"}


def _single(i: Instruction) -> Box:
    return Box(f"n{i.index}", "op" if i.rule else "leaf", i.label, [i.index], _sign(i), i.scope, value=i.index)


def _sign(i: Instruction) -> str:
    """The operation as its box writes it, with the constants that would otherwise be seen nowhere."""
    if i.rule is None:
        return ""
    if isinstance(i.rule, Structural):
        return notation.sign(i)
    constant = [not isinstance(x, Ref | tuple) for x in i.inputs]
    if i.rule.vectors:
        return _vector_sign(i)
    if i.rule.symbol and len(i.inputs) == 2:
        sign = _SIGNS.get(i.rule.symbol, i.rule.symbol)
        before, after = (number(x) if c else "" for x, c in zip(i.inputs, constant, strict=True))
        return f"{before} {sign} {after}".strip()
    name = _NAMES.get(i.op, i.op)
    if any(constant):
        return f"{name}({', '.join(number(x) if c else '·' for x, c in zip(i.inputs, constant, strict=True))})"
    return name


def _vector_sign(i: Instruction) -> str:
    """For `dot` "w·x + b", with constant vectors written out; for another rule its name and inputs."""
    assert i.rule is not None
    names = [
        name if isinstance(x, Ref) or (isinstance(x, tuple) and any(isinstance(e, Ref) for e in x)) else
        f"[{', '.join(map(number, x[:2]))}{', …' if len(x) > 2 else ''}]" if isinstance(x, tuple) else number(x)
        for name, x in zip(i.rule.inputs, i.inputs, strict=True)
    ]  # fmt: skip
    if i.op != "dot":
        return f"{i.op}({', '.join(names)})"
    w, x, b = names
    return f"{w}·{x}" + (f" + {b}" if i.inputs[2] != 0 else "")


def _call(
    name: str, scope: Scope, members: list[int], program: Program, homes: Sequence[Home], titles: dict[Scope, str]
) -> Box:
    """A folded call, with what is in it: the modules that it calls, its own operations, its parameters."""
    level = homes[members[0]].index(scope) + 1
    inner = Counter(_stem(s) for s in dict.fromkeys(homes[i][level] for i in members if len(homes[i]) > level))
    own = Counter(program[i].op for i in members if len(homes[i]) == level and program[i].rule)
    parameters = _elements(program, (i for i in members if program[i].rule is None and not program[i].scopes))
    lines = [_counted(n, stem) for stem, n in inner.items()]
    if own:
        lines.append(", ".join(own) if len(own) <= 3 else f"{own.total()} operations")
    if parameters:
        lines.append(_parameters(parameters))
    return Box(name, "scope", titles[scope], members, path=_path(homes[members[0]][:level]), lines=tuple(lines))


def _counted(n: int, plural: str) -> str:
    """So many modules of a list, whose name is a plural: "16 neurons", "1 neuron"."""
    return f"{n} {plural[:-1] if n == 1 and plural.endswith('s') and not plural.endswith('ss') else plural}"


def _elements(program: Program, leaves: Iterable[int]) -> int:
    return sum(int(np.size(program[i].data)) for i in leaves if not program[i].constant)


def _parameters(n: int) -> str:
    return f"{n} parameter{'s' * (n != 1)}"


def _count_ends(program: Program, boxes: Sequence[Box], links: Sequence[Link]) -> None:
    """Add to each folded call how many values go in and come out; the numbers of a single one are shown."""
    into: dict[int, set[int]] = defaultdict(set)
    out: dict[int, set[int]] = defaultdict(set)
    for link in links:
        parents = {use.parent for use in link.uses}
        out[link.tail] |= parents
        if boxes[link.tail].kind != "parameters":
            into[link.head] |= parents
    root = len(program) - 1
    for k, box in enumerate(boxes):
        if box.kind == "scope":
            results = out[k] | ({root} if root in box.members[-1:] else set())
            box.lines += (f"{len(into[k])} in, {len(results)} out",)
            if len(results) == 1:
                box.value = min(results)


# ---- links and groups ------------------------------------------------------------------------------------
def _links(program: Program, boxes: Sequence[Box], within: Sequence[int]) -> list[Link]:
    inputs: list[list[Use]] = [[] for _ in program]
    for uses in (*program.uses, *program.reads):
        for use in uses:
            inputs[use.user].append(use)
    links: list[Link] = []
    merged: dict[tuple[int, int], Link] = {}
    for i in program:
        uses = sorted(inputs[i.index], key=lambda use: (use.slot, use.element or 0))
        for k, use in enumerate(uses):
            tail, head = within[use.parent], within[i.index]
            if tail == head:
                continue
            if len(boxes[tail].members) == len(boxes[head].members) == 1 and boxes[head].kind == "op":
                links.append(Link(f"e{i.index}_{k}", tail, head, [use]))
            elif known := merged.get((tail, head)):
                known.uses.append(use)
            else:
                merged[tail, head] = Link(f"e{boxes[head].name}_{boxes[tail].name}", tail, head, [use])
                links.append(merged[tail, head])
    return links


def _groups(boxes: Sequence[Box], homes: Sequence[Home], depth: Depth, titles: dict[Scope, str]) -> list[Group]:
    outermost: list[Group] = []
    known: dict[Scope, Group] = {}
    for k, box in enumerate(boxes):
        if box.kind == "parameters":
            continue
        home = homes[box.members[0]]
        siblings, group = outermost, None
        kept = home[: depth(home) - 1] if depth(home) else home
        for level, scope in enumerate(kept[:DEEPEST], 1):
            if scope not in known:
                known[scope] = Group(titles[scope], _path(home[:level]))
                siblings.append(known[scope])
            group = known[scope]
            siblings = group.groups
        if group:
            group.boxes.append(k)
    return outermost
