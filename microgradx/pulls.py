"""How gradients pass through operations, as functions printed from the tables: through one, and through a whole graph.

A training loop makes the same graph at every step. After some of them `learn` prints the pass as straight lines of
Python, a plan. It first asks whether a graph is the one that it was printed for, and does nothing if it is not. Below
the questions of such a plan:

>>> from microgradx.creation import tensor
>>> loss = (tensor([1.0, 2.0], requires_grad=True) * 3).sum()
>>> product = loss._node._a[0]
>>> print(text([loss._node, product], list(product._a)).partition("if len({n0, n1, n2}) < 3: return None")[2])
<BLANKLINE>
    y = n0._data; x0, x1, x2, = n0.args
    g1 = sum_0.vjps[0](xp, g0, y, x0, x1, x2)
    y = n1._data; x0, x1, = n1.args
    g2 = g1 * d if (d := mul_1.partials[0](xp, y, x0, x1)).__class__ is array and d.dtype is not MASK else chain(g1, d)
    if g2.shape != n2._data.shape or g2.dtype is not n2._data.dtype: g2 = fitted(xp, g2, n2._data)
    if used: n0.spent = n1.spent = True
    return (n2, g2),
  return plan
<BLANKLINE>
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import symbols
from .rules import RULES, Rule
from .structural import STRUCTURAL, Structural, arrays, unbroadcast

__all__ = ["DIRECT", "MASK", "PLANS", "PULLS", "chain", "fitted", "learn", "text"]

array, multiply, xp = np.ndarray, np.multiply, arrays  # by the names that the printed lines use
MASK = np.dtype(bool)
OWN = frozenset(RULES.values())  #: the rules that this project brings
BITS = {"e": np.dtype(np.int16), "f": np.dtype(np.int32), "d": np.dtype(np.int64)}
#: Rules whose gradients come in the shape and dtype of their inputs: of one input, and `linear`, whose callers check it
DIRECT: set[Rule | Structural] = {rule for rule in RULES.values() if len(rule.inputs) == 1}
DIRECT |= {rule for name, rule in STRUCTURAL.items() if rule.alone and name not in ("cast", "cross_entropy")}
DIRECT.add(STRUCTURAL["linear"])


def chain(g: Any, d: Any) -> Any:
    """Incoming gradient times local derivative. A mask lets nothing through where it is False, not inf · 0."""
    if d.__class__ is int:
        return g if d == 1 else -g if d == -1 else g * d
    if d.__class__ is float or d.dtype is not MASK:
        return g * d
    bits = BITS[g.dtype.char]  # times 1 or 0 they are all there, or none: also faster than a product of floats
    return (d.astype(bits) * g.view(bits)).view(g.dtype)


def fitted(xp: Any, d: Any, data: Any) -> Any:
    """A gradient in the shape and dtype of the input that it goes to."""
    if d.shape != data.shape:
        d = unbroadcast(xp, d, data.shape)
    return d if d.dtype is data.dtype else xp.cast(d, data)


def edge(rule: Rule | Structural, slot: int, name: str, g: str, inputs: str) -> str:
    """The gradient of one input as text, from the names of the rule and of the incoming gradient.

    The rule's formulas are looked up when it is run, so that they may be exchanged, but for others that give an array
    of their own where the first did.
    """
    if isinstance(rule, Rule):
        d = f"(d := {name}.partials[{slot}](xp, y, {inputs})).__class__ is array"
        if _fresh(rule, slot):
            return f"multiply({g}, d, d) if {d} and d.shape == {g}.shape and d.dtype is {g}.dtype else chain({g}, d)"
        return f"{g} * d if {d} and d.dtype is not MASK else chain({g}, d)"
    return f"{name}.{f'vjp({slot})' if rule.variadic else f'vjps[{slot}]'}(xp, {g}, y, {inputs})"


def _fresh(rule: Rule, slot: int) -> bool:
    """Whether the local derivative is an array of its own, to write to: no input, no number, no choice of these."""
    if rule not in OWN:  # a user's formula may call what gives back its input
        return False
    formula = symbols.partial(rule, slot)
    return formula is not None and formula.op not in ("name", "number", "where")


def _inputs(rule: Rule | Structural, n: int) -> str:
    return "*xs" if getattr(rule, "variadic", False) else ", ".join(f"x{i}" for i in range(n))


# ---- one operation -----------------------------------------------------------------------------------------
class _Pulls(dict[tuple[int, ...], Callable[..., tuple[Any, ...]]]):
    """Of one rule, by the slots that gradients flow to: (g, y, *args) -> the gradients of these inputs."""

    def __init__(self, rule: Rule | Structural) -> None:
        self.rule: Any = rule

    def __missing__(self, at: tuple[int, ...]) -> Callable[..., tuple[Any, ...]]:
        rule = self.rule
        if getattr(rule, "variadic", False):  # which goes to any number of slots
            return lambda g, y, *xs: tuple([rule.vjp(slot)(xp, g, y, *xs) for slot in at])
        inputs = _inputs(rule, len(rule.inputs))
        pulled = "".join(edge(rule, slot, "rule", "g", inputs) + ", " for slot in at)
        self[at] = found = eval(f"lambda rule: lambda g, y, {inputs}: ({pulled})", globals())(rule)
        return found  # type: ignore[no-any-return]


class _ByRule(dict[Any, _Pulls]):
    def __missing__(self, rule: Rule | Structural) -> _Pulls:
        self[rule] = found = _Pulls(rule)
        return found


PULLS = _ByRule()

# ---- a graph that was seen before --------------------------------------------------------------------------
#: (root, its gradient, time of the last change, whether this uses the graph up) -> leaves with their gradients, or None
Plan = Callable[[Any, Any, int, bool], tuple[tuple[Any, Any], ...] | None]
PLANS: defaultdict[Any, list[Plan]] = defaultdict(list)  #: by the rule of the root, the latest first
_printed: Counter[Any] = Counter()  # how many plans were, by the rule of the root
_swept: Counter[Any] = Counter()  # how many nodes were, in passes that no plan knew, since the last plan was printed
_KEPT, _LARGEST = 4, 1024  # plans of one rule; nodes and edges of a plan
_AFTER, _DOUBLED = 32, 5  # passes before the first plan, printing which takes as long as 50; how often that doubles


def learn(nodes: Sequence[Any], leaves: Sequence[Any]) -> None:
    """Note a pass through these nodes, in its order, to these leaves, and print a plan of it when that may pay.

    Where graphs change all the time it does not; so the next plan is printed after twice as many passes, up to 1024.
    """
    if not nodes or not _own(nodes[0].rule):
        return
    rule, size = nodes[0].rule, len(nodes)
    _swept[rule] += size
    if _swept[rule] < size * _AFTER << min(_printed[rule], _DOUBLED):
        return
    _swept[rule] = 0
    if size + sum(len(node._a) for node in nodes) <= _LARGEST and all(_own(node.rule) for node in nodes):
        made: dict[str, Any] = {}
        exec(compile(text(nodes, leaves), "<a backward pass>", "exec"), globals(), made)
        PLANS[rule] = [made["plan"](*_rules(nodes)), *PLANS[rule]][:_KEPT]
        _printed[rule] += 1


def _own(rule: Rule | Structural) -> bool:
    """Of this project: a user's formula may read where it is run, and its errors are the user's."""
    return rule in OWN or isinstance(rule, Structural)


def _rules(nodes: Sequence[Any]) -> dict[Any, str]:
    """A name for each rule."""
    return {rule: f"{rule.name}_{i}" for i, rule in enumerate(dict.fromkeys(node.rule for node in nodes))}


def text(nodes: Sequence[Any], leaves: Sequence[Any]) -> str:
    """Source of a function that takes the rules and gives the plan."""
    rules, number = _rules(nodes), {node: i for i, node in enumerate([*nodes, *leaves])}
    questions, lines = [], []
    reached, begun = {nodes[0]}, set()  # by the questions; gradients, to which more is added
    uses: defaultdict[Any, list[int]] = defaultdict(list)
    for i, node in enumerate(nodes):
        rule = rules[node.rule]
        questions.append(f"if n{i}.rule is not {rule} or n{i}.at != {node.at} or n{i}.spent is not False: return None")
        if all(parent.rule is None for parent in node._a):  # what was made first is among these
            questions.append(f"if n{i}.made < last_change: return None")
        names, known = [], []
        for k, parent in enumerate(node._a):
            names.append(f"m{k}" if parent in reached else f"n{number[parent]}")
            if parent in reached:
                known.append(f"if m{k} is not n{number[parent]}: return None")
            reached.add(parent)
        questions += [f"{', '.join(names)}, = n{i}._a", *known]
        inputs = _inputs(node.rule, len(node.args))
        lines.append(f"y = n{i}._data; {inputs}, = n{i}.args")
        for slot, parent in zip(node.at, node._a, strict=True):
            j = number[parent]
            uses[j].append(i)
            g = "g" if j in begun else f"g{j}"
            lines.append(f"{g} = {edge(node.rule, slot, rule, f'g{i}', inputs)}")
            if node.rule not in DIRECT:
                off = f"{g}.shape != n{j}._data.shape or {g}.dtype is not n{j}._data.dtype"
                lines.append(f"if {off}: {g} = fitted(xp, {g}, n{j}._data)")
            if j in begun:
                lines.append(f"g{j} = g{j} + g")
            begun.add(j)
    questions += [f"if n{number[leaf]}._a is not None: return None" for leaf in leaves]
    questions.append(f"if len({{{', '.join(f'n{i}' for i in number.values())}}}) < {len(number)}: return None")
    for users in uses.values():  # the sum of two numbers is the same in both orders, of three it is not
        if len(distinct := list(dict.fromkeys(users))) > 1 and len(users) > 2:
            questions.append(f"if not {' > '.join(f'n{i}.made' for i in distinct)}: return None")
    lines.append(f"if used: {' = '.join(f'n{i}.spent' for i in range(len(nodes)))} = True")
    lines.append(f"return {''.join(f'(n{number[leaf]}, g{number[leaf]}), ' for leaf in leaves)}".rstrip())
    body = "".join(f"    {line}\n" for line in [*questions, *lines])
    return f"def plan({', '.join(rules.values())}):\n  def plan(n0, g0, last_change, used):\n{body}  return plan\n"
