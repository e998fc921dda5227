"""Faults planted on purpose: a suite of gradient tests is as good as the share of them that it notices.

A mutant changes one derivative of one rule, or one line of the backward sweep, while a suite runs. A suite kills it
by failing. Derivatives are changed from outside (a factor, a sign, the gradient ignored) and in their own source: a
term dropped, another operand, a sum or a transpose forgotten.

A survivor is equivalent, and is listed with the reason, when no test could see it: of a rule of numbers, when the
derivative and its own slopes are the same at all combinations of numbers such as 0, nan and the largest; of a rule of
arrays, when the changed part was evaluated, and the derivative was the same in each call.

>>> score = mutation_score(lambda: None, [m for m in mutants() if m.rule == "tanh"])  # a suite that tests nothing
>>> len(score.killed), len(score.survivors) > 5
(0, True)
>>> score = mutation_score(corpus_suite("tanh"), [m for m in mutants() if m.rule == "tanh"])
>>> score.survivors
()
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from inspect import signature
from types import FunctionType
from typing import Any

import numpy as np

from .. import graph, pulls, rules, structural, transforms, value
from ..rules import RULES, Rule
from ..structural import STRUCTURAL, Structural, arrays, unbroadcast
from ..tensor import Op, Tensor, tensors
from .commands import at_least, spread
from .corpus import DiffReport, _rules, differential, drawn, of_values
from .edges import EDGES
from .edits import edits
from .programs import Dag

__all__ = ["Mutant", "Score", "corpus_suite", "main", "mutants", "mutation_score"]

_engine: Any = sys.modules[Tensor.__module__]  # microgradx.tensor is a function of the package too
FACTORS = (-1.0, 0.0, 0.5, 2.0, 1.1, 1 + 1e-3, 1 + 1e-6, 1 + 1e-9)
Formula = Callable[..., Any]


@dataclass(frozen=True)
class Mutant:
    """One fault. `planted()` is a context in which it is there; it counts calls, and those that it changed."""

    name: str
    rule: str  #: the rule whose derivative it changes, or several with a space between, "" for a fault of the sweep
    planted: Callable[[Counter[str]], Any]
    edited: Formula | None = None  #: the changed source, which counts how often the change is reached
    same: Callable[[], int] | None = None  #: at how many points the derivative is the same, 0 if not at all


@dataclass(frozen=True)
class Score:
    """What became of the mutants: names of the killed and of the survivors, reasons for the equivalent ones."""

    killed: tuple[str, ...]
    survivors: tuple[str, ...]
    equivalent: tuple[tuple[str, str], ...]
    raised: int  #: how many of the killed made the engine raise, rather than give a wrong number
    seconds: float

    @property
    def rate(self) -> float:
        """The share of the mutants that are no equivalents that were killed."""
        real = len(self.killed) + len(self.survivors)
        return len(self.killed) / real if real else 1.0

    def __str__(self) -> str:
        real = len(self.killed) + len(self.survivors)
        share = f"{len(self.killed)} killed of {real} ({100 * self.rate:.2f} %)"
        head = f"{share if real else 'there was nothing to kill'}, {len(self.equivalent)} equivalent"
        lines = [f"{head}, {self.seconds:.0f} s", f"{self.raised} of the killed raised, the others gave wrong numbers"]
        lines += [f"survived    {name}" for name in self.survivors]
        return "\n".join(lines + [f"equivalent  {name}: {reason}" for name, reason in self.equivalent])


# ---- faults of a derivative ------------------------------------------------------------------------------
def _scaled(factor: float) -> Callable[[Any, Formula, tuple[Any, ...]], Any]:
    return lambda d, original, args: d * factor


def _negative_side(d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
    """Twice as large where the first input is negative."""
    xp, _, *inputs = args
    first = next(x for x in inputs if np.asarray(_plain(x)).dtype.kind != "b")
    return xp.where(first < 0, 2.0, 1.0) * d


def _negative_gradients(d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
    """Of a structural rule: twice as large where it is negative."""
    return args[0].where(d < 0, 2.0, 1.0) * d


def _one(d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
    return 1


def _exchanged(d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
    """The derivative at the inputs in another order."""
    xp, y, a, b, *rest = args
    return original(xp, y, b, a, *rest)


def _plain(x: Any) -> Any:
    return getattr(x, "_data", x)


def _turned(d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
    """Of a structural rule: the incoming gradient back to front."""
    xp, g, *rest = args
    return original(xp, xp.flip(g, tuple(range(g.ndim))) if g.ndim else g, *rest)


def _without_gradient(d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
    """Of a structural rule: ones in place of the incoming gradient."""
    xp, g, *rest = args
    return original(xp, g * 0 + 1, *rest)


def _changes(rule: Rule | Structural) -> Iterator[tuple[str, Callable[..., Any]]]:
    yield from ((f"times {factor!r}", _scaled(factor)) for factor in FACTORS)
    if isinstance(rule, Structural):
        yield from (("gradient turned round", _turned), ("gradient ignored", _without_gradient),
                    ("wrong where negative", _negative_gradients))  # fmt: skip
    else:
        yield "1 in its place", _one
        if not rule.vectors:
            yield "wrong for x < 0", _negative_side
            if len(rule.inputs) >= 2:
                yield "inputs exchanged", _exchanged


@dataclass(frozen=True)
class _Edited:
    """The formula with its source changed."""

    function: Formula

    def __call__(self, d: Any, original: Formula, args: tuple[Any, ...]) -> Any:
        return self.function(*args)


def _written(rule: Rule | Structural, formula: Formula) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Changes of a formula's own source."""
    arrays_ = [name for name, each in zip(rule.inputs, rule.partials, strict=True) if each]
    for what, function in edits(formula, ["g", "y", *arrays_]):
        yield f"with {what}", _Edited(function)


def _with(formulas: Sequence[Formula | None], slot: int, formula: Formula) -> tuple[Formula | None, ...]:
    return (*formulas[:slot], formula, *formulas[slot + 1 :])


def _of_rule(rule: Rule | Structural, slot: int, what: str, change: Callable[..., Any]) -> Mutant:
    field = "vjps" if isinstance(rule, Structural) else "partials"
    formulas = getattr(rule, field)
    original = formulas[slot]

    @contextmanager
    def planted(calls: Counter[str]) -> Iterator[None]:
        def formula(*args: Any) -> Any:
            right = original(*args)
            try:
                wrong = change(right, original, args)
            except Exception:
                if what.startswith("with ") and args[0] in (arrays, tensors):
                    raise  # a source that does not run is a fault that is seen at once
                return right  # this fault cannot be made of these inputs
            calls["all"] += args[0] in (arrays, tensors) or rule.vectors > 0
            if args[0] in (arrays, tensors):
                calls["changed"] += _differ(right, wrong)
                calls["zero"] += not np.any(_plain(right))
            elif rule.vectors:  # read as a formula, which Values then compute with
                calls["changed"] += str(right) != str(wrong)
            return wrong

        object.__setattr__(rule, field, _with(formulas, slot, formula))
        try:
            with _specialised_anew(rule):
                yield
        finally:
            object.__setattr__(rule, field, formulas)

    edited = change.function if isinstance(change, _Edited) else None
    same = partial(_same_everywhere, rule, original, change) if isinstance(rule, Rule) and not rule.vectors else None
    return Mutant(f"∂{rule.name}/∂{rule.inputs[slot]} {what}", rule.name, planted, edited, same)


#: Ends of domains, ties with one another, what overflows and what vanishes when it is multiplied
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 1e-200, -1e-200, 1e200, -1e200, 1.7e308, -1.7e308, np.inf,
           -np.inf, np.nan)  # fmt: skip


def _same_everywhere(rule: Rule, original: Formula, change: Callable[..., Any]) -> int:
    """At how many points, all of them, the derivative is the same, and its slopes where they are numbers; else 0."""
    grid = np.array(np.meshgrid(*[NUMBERS] * len(rule.inputs))).reshape(len(rule.inputs), -1)
    flat = [derivative is None for derivative in rule.partials]
    found = []
    with np.errstate(all="ignore"):
        value = np.broadcast_to(rule.value(arrays, *(x > 0 if f else x for x, f in zip(grid, flat, strict=True))),
                                grid[0].shape)  # fmt: skip
        inside = ~np.isnan(value) | np.isnan(grid).any(0)
        for wrong in (False, True):
            xs = [Tensor._of(x > 0) if f else Tensor._of(x.copy()).requires_grad_()
                  for x, f in zip(grid, flat, strict=True)]  # fmt: skip
            y = rule(*xs)
            d = original(tensors, y, *xs)
            d = change(d, original, (tensors, y, *xs)) if wrong else d
            slopes = [np.zeros(value.shape) for _ in xs]
            if isinstance(d, Tensor) and d.requires_grad:
                d.backward(Tensor._of(np.ones(d._data.shape)))
                slopes = [s if x.grad is None else x.grad._data for s, x in zip(slopes, xs, strict=True)]
            found.append((np.broadcast_to(np.asarray(_plain(d), float), value.shape), slopes))
    (right, slopes), (wrong_, others) = found
    same = np.array_equal(right[inside], wrong_[inside], equal_nan=True)
    for s, o in zip(slopes, others, strict=True):
        numbers = np.isfinite(s) & ~np.isnan(value)
        same &= np.allclose(s[numbers], o[numbers], 1e-9, 0)
    return int(inside.sum()) * bool(same)


def _differ(right: Any, wrong: Any) -> bool:
    a, b = np.asarray(_plain(right)), np.asarray(_plain(wrong))
    if b.shape != a.shape:  # as the sweep does with it
        with suppress(ValueError):
            b = unbroadcast(arrays, b, a.shape)
    with suppress(ValueError):
        a, b = np.broadcast_arrays(a, b)  # 1 is as good as ones
    return not np.array_equal(a, b, equal_nan=True)


def _of_helper(module: Any, name: str) -> Iterator[Mutant]:
    """Of a function that several formulas call."""
    original = getattr(module, name)
    table: list[Rule | Structural] = [*RULES.values(), *STRUCTURAL.values()]
    users = [rule for rule in table if name in _called(rule)]
    for what, changed in edits(original, ["g", "y", "x", "a", "b"]):

        @contextmanager
        def planted(calls: Counter[str], changed: Formula = changed) -> Iterator[None]:
            def helper(*args: Any) -> Any:
                right = original(*args)
                try:
                    wrong = changed(*args)
                except Exception:
                    if args[0] in (arrays, tensors):
                        raise
                    return right
                if args[0] in (arrays, tensors):
                    calls["all"] += 1
                    calls["changed"] += _differ(right, wrong)
                return wrong

            with _replaced(module, name, helper), ExitStack() as stack:
                for rule in users:
                    stack.enter_context(_specialised_anew(rule))
                yield

        yield Mutant(f"{name} with {what}", " ".join(rule.name for rule in users), planted, changed)


def _called(rule: Rule | Structural) -> set[str]:
    """The names in the code of a rule's derivatives, and in that of the functions of its module that they call."""
    waiting = [f for f in rule.partials if f is not None]
    found: set[str] = set()
    for function in waiting:
        code = getattr(function, "__code__", None)
        for name in set(code.co_names if code else ()) - found:
            found.add(name)
            if isinstance(helper := function.__globals__.get(name), FunctionType):
                waiting.append(helper)
    return found


def _helpers() -> Iterator[tuple[Any, str]]:
    """Functions of the tables' modules that take a world and that derivatives call."""
    table: list[Rule | Structural] = [*RULES.values(), *STRUCTURAL.values()]
    direct = {f for rule in table for f in rule.partials}
    called = set().union(*map(_called, table))
    for module in (rules, structural):
        for name, f in vars(module).items():
            own = isinstance(f, FunctionType) and f.__module__ == module.__name__ and f not in direct
            if own and name in called and next(iter(signature(f).parameters), "") == "xp":
                yield module, name


@contextmanager
def _specialised_anew(rule: Rule | Structural) -> Iterator[None]:
    """The function that Values use was printed from the rule: print it again, and put the old one back after."""
    before = value.methods.get(rule) if isinstance(rule, Rule) else None
    if before is None:
        yield
        return
    names = [n for n, member in vars(value.Value).items() if getattr(member, "__qualname__", "") in
             (f"Value.{rule.name}", f"Value.r{rule.name}")]  # fmt: skip
    kept = {name: vars(value.Value)[name] for name in names}
    try:
        value._specialised(rule)  # type: ignore[arg-type]
        setattr(value.Value, rule.name, value.methods[rule])  # type: ignore[index]
        yield
    finally:
        value.methods[rule] = before  # type: ignore[index]
        for name, member in kept.items():
            setattr(value.Value, name, member)


# ---- faults of the sweep ---------------------------------------------------------------------------------
class _Last(dict[Any, Any]):
    """A store of gradients in which a later contribution replaces the earlier ones."""

    def __setitem__(self, key: Any, g: Any) -> None:
        before = super().get(key)
        super().__setitem__(key, g if before is None else g - before)


class _First(dict[Any, Any]):
    """A store of gradients in which only the first contribution counts."""

    def __setitem__(self, key: Any, g: Any) -> None:
        if key not in self:
            super().__setitem__(key, g)


class _Merged(dict[Any, Any]):
    """A store of gradients in which nodes of equal numbers are one."""

    def __init__(self) -> None:
        super().__init__()
        self._twins: dict[Any, Any] = {}

    def _twin(self, node: Any) -> Any:
        return self._twins.setdefault((node._data.shape, node._data.tobytes()), node)

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._twin(key), default)

    def __setitem__(self, key: Any, g: Any) -> None:
        super().__setitem__(self._twin(key), g)
        super().__setitem__(key, g)


class _Doubled(dict[Any, Any]):
    """A store of gradients in which the second contribution counts twice."""

    def __setitem__(self, key: Any, g: Any) -> None:
        before = super().get(key)
        super().__setitem__(key, g if before is None else g + (g - before))


@contextmanager
def _replaced(owner: Any, name: str, new: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _of_sweep(name: str, owner: Any, **made: Callable[[Any], Any]) -> Mutant:
    """made: for each name in the module what makes the faulty from the right one."""

    @contextmanager
    def planted(calls: Counter[str]) -> Iterator[None]:
        calls["changed"] += 1  # whether it makes a difference cannot be told from outside
        with ExitStack() as stack:
            stack.enter_context(_replaced(_engine, "PLANS", defaultdict(tuple)))  # the sweep itself is on trial
            for attribute, make in made.items():
                stack.enter_context(_replaced(owner, attribute, make(getattr(owner, attribute))))
            yield

    return Mutant(f"sweep: {name}", "", planted)


def _unsummed(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Without the sum over broadcast axes: the first slice alone."""
    while g.ndim > len(shape):
        g = g[0]
    return g[tuple(slice(0, n) for n in shape)] if g.shape != shape else g


def _only_leading(original: Any) -> Any:
    """Without the sum over axes of size 1."""

    def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
        lead = g.ndim - len(shape)
        g = xp.sum(g, tuple(range(lead)), False) if lead else g
        return g[tuple(slice(0, n) for n in shape)] if g.shape != shape else g

    return unbroadcast


def _merged(original: Any) -> Any:
    """Leaves of equal numbers taken for one."""

    def accumulate(pairs: Iterable[tuple[Op, Any]], given: set[int]) -> None:
        original(pairs, given)
        twins: dict[Any, Op] = {}
        for node, _ in pairs:
            twin = twins.setdefault((node._data.shape, node._data.tobytes()), node)
            if twin is not node and twin._grad is not None and node._grad is not None:
                node._grad = twin._grad

    return accumulate


def _seed_of_ones(original: Any) -> Any:
    def seed(root: Tensor, gradient: Any) -> Any:
        found = original(root, gradient)
        return found if gradient is None else Tensor._of(np.ones_like(found._data))

    return seed


def _in_place(original: Any) -> Any:
    """Contributions added into the array of the first one, which other nodes may hold too."""

    class Added(dict[Any, Any]):
        def __setitem__(self, key: Any, g: Any) -> None:
            before = super().get(key)
            if before is not None and isinstance(before, np.ndarray) and before.flags.writeable:
                before[...] = g
                return
            super().__setitem__(key, g)

    return Added


def _sweep_mutants() -> Iterator[Mutant]:
    t = _engine
    plain = lambda original: lambda waiting, entry: waiting.append(entry)  # no heap, but a queue or a stack
    yield _of_sweep("breadth first", t, heappush=plain, heappop=lambda _: lambda waiting: waiting.pop(0))
    yield _of_sweep("depth first, each node once", t, heappush=plain, heappop=lambda _: lambda waiting: waiting.pop())
    yield _of_sweep("the first made first", t, heappush=_by_age)
    yield _of_sweep("no un-broadcast", pulls, unbroadcast=lambda _: _unsummed)
    yield _of_sweep("no un-broadcast of size 1", pulls, unbroadcast=_only_leading)
    yield _of_sweep("the gradient given to backward() ignored", t, _seed=_seed_of_ones)
    yield _of_sweep("leaves of equal numbers merged", t, _accumulate=_merged)
    yield _of_sweep("= for +=", t, Gradients=lambda _: _Last)
    yield _of_sweep("the second use counted twice", t, Gradients=lambda _: _Doubled)
    yield _of_sweep("added up in a shared array", t, Gradients=_in_place)
    yield _of_sweep("only the first use counted", t, Gradients=lambda _: _First)
    yield _of_sweep("nodes of equal numbers merged", t, Gradients=lambda _: _Merged)
    yield _of_sweep("a mask or number as derivative, the gradient ignored", pulls, chain=_ignoring)
    yield _of_sweep("create_graph, the gradient ignored", t, _chain_tensors=_ignoring)
    yield _of_sweep("a derivative of -1 taken for 1", pulls, chain=_unsigned)
    yield _of_sweep("create_graph, a derivative of -1 taken for 1", t, _chain_tensors=_unsigned)
    yield _of_sweep("create_graph on other numbers", t, _lifted=_detached)
    yield _of_sweep("Values: sums in the order of the forward pass", graph, order=_forward_order)
    yield _of_sweep("Values: breadth first", graph, order=_by_levels)
    yield _of_sweep("Values: = for +=", graph, _sweep=_assigning)
    yield _of_sweep("Values: a repeated operand counted once", graph, _sweep=_once_a_node)
    yield _of_sweep("Values: the last operand forgotten", graph, _sweep=_without_the_last)
    yield _of_sweep("Values: the seed ignored", graph, _sweep=lambda f: lambda nodes, root, _: f(nodes, root, 1.0))
    yield _of_sweep("Values: create_graph breadth first", transforms, topological_order=_by_levels_alone)
    yield _of_sweep("Values: create_graph, a repeated operand counted once", transforms, _contributions=_distinct)


def _by_age(original: Any) -> Any:
    return lambda waiting, entry: original(waiting, (-entry[0], entry[1]))


def _ignoring(original: Any) -> Any:
    """The derivative alone, in the gradient's shape."""
    return lambda g, d: original(g * 0 + 1, d)


def _unsigned(original: Any) -> Any:
    return lambda g, d: original(g, 1 if d.__class__ is int and d == -1 else d)


def _detached(original: Any) -> Any:
    """A graph of the gradient that is not on the nodes of the inputs: a second derivative without these."""
    return lambda node: [x.detach() if isinstance(x, Tensor) else x for x in original(node)]


def _forward_order(original: Any) -> Any:
    def order(root: Any) -> tuple[list[Any], list[Any]]:
        nodes, leaves = original(root)
        return [*nodes[:-1][::-1], *nodes[-1:]], leaves

    return order


def _levels(root: Any) -> list[Any]:
    """Each node once, the root last and what is near to it before: no topological order."""
    found = [root]
    for node in found:
        found += [x for x in dict.fromkeys(node.parents) if x not in found]
    return found[::-1]


def _by_levels(original: Any) -> Any:
    return lambda root: (found := _levels(root), [x for x in found if x.rule is None])


def _by_levels_alone(original: Any) -> Any:
    return _levels


def _distinct(original: Any) -> Any:
    return lambda node, g: dict(original(node, g)).items()


def _sweeping(hand_on: Callable[[Any], None]) -> Any:
    """A sweep of Values with another way to hand a node's gradient to its parents."""

    def sweep(nodes: list[Any], root: Any, seed: float) -> None:
        nodes = [node for node in nodes if isinstance(node, graph.Node)]  # a bundle's nodes are among the slots
        for node in nodes:
            node._grad = 0.0
        root._grad = seed
        for node in reversed(nodes):
            hand_on(node)

    return lambda original: sweep


def _assign(node: Any) -> None:
    for _, parent, local in node.slots:
        parent._grad = node._grad * local


def _hand_on_once(node: Any) -> None:
    for parent, local in {parent: local for _, parent, local in node.slots}.items():
        parent._grad += node._grad * local


def _hand_on_less(node: Any) -> None:
    for _, parent, local in node.slots[: max(1, len(node.slots) - 1)]:
        parent._grad += node._grad * local


_assigning, _once_a_node, _without_the_last = map(_sweeping, (_assign, _hand_on_once, _hand_on_less))


def mutants() -> list[Mutant]:
    """Every fault: of each derivative of the table, of each structural rule, and of the sweep."""
    found = []
    table: list[Rule | Structural] = [*RULES.values(), *STRUCTURAL.values()]
    for rule in table:
        for slot, formula in enumerate(rule.vjps if isinstance(rule, Structural) else rule.partials):
            if formula is not None:
                changes = (*_changes(rule), *_written(rule, formula))
                found += [_of_rule(rule, slot, what, change) for what, change in changes]
    return [*found, *(m for helper in _helpers() for m in _of_helper(*helper)), *_sweep_mutants()]


# ---- suites ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Check:
    """A program of the corpus, to be checked on an engine to first or second order."""

    program: Dag
    engine: str
    order: int

    def __call__(self) -> None:
        report = differential(self.program, [self.engine], self.order)
        assert not report.wrong, report


Checks = list[Callable[[], None]]


@cache
def _checks(n: int) -> dict[str, Checks]:
    """The checks of n programs, every fifth to second order too, by the rules that they run, short programs first.

    After them those at edges. "" has all of them. Raises ValueError when one fails: there is no fault yet, and such a
    suite would kill everything.
    """
    found: dict[str, Checks] = defaultdict(list)
    for i in sorted(range(n), key=lambda i: len(drawn(i))):
        program, engine = drawn(i), "values" if of_values(i) else "microgradx"
        for order in (1, 2) if i % 5 == 0 else (1,):
            check: Callable[[], None] = _Check(program, engine, order)
            _clean(check)
            names = program.execute(engine, order)
            for rule in {"", *_rules(names.get("along", names[program.root]))}:
                found[rule].append(check)
    others: list[tuple[str, Callable[[], None]]] = [("cast", check_casts), *((edge.rule, edge) for edge in EDGES)]
    for rule, check in others:
        _clean(check)
        found[rule].append(check)
        found[""].append(check)
    return found


def _clean(suite: Callable[[], Any]) -> None:
    if (problem := _failure(suite)) is not None:
        words = str(problem) or type(problem).__name__
        raise ValueError(f"the suite fails without any mutant: {words}") from problem


def _failure(suite: Callable[[], Any]) -> BaseException | None:
    """What the suite raises when it fails; sys.exit(1) and pytest.fail() are failures too, and no Exceptions."""
    try:
        suite()
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:
        if type(problem).__name__ in _SKIPS:
            words = f"the suite skips ({problem}), and what is skipped tests nothing; leave it out of the suite"
            raise ValueError(words) from problem
        return None if isinstance(problem, SystemExit) and not problem.code else problem  # as a shell has it
    return None


_SKIPS = ("Skipped", "SkipTest", "XFailed")  # of pytest and unittest, which need not be there


def check_casts() -> None:
    """A change of dtype rounds a gradient once, and else leaves it alone, to the last bit."""
    draw = np.random.default_rng(0)
    for before, after in ((np.float32, np.float64), (np.float64, np.float32)):
        x = Tensor._of(draw.normal(size=1000).astype(before)).requires_grad_()
        g = draw.normal(size=1000).astype(after)
        tensors.cast(x, np.zeros(0, after)).backward(Tensor._of(g.copy()))
        assert x.grad is not None
        assert np.array_equal(x.grad._data, g.astype(before)), "the gradient of a cast is not the one that came"


def corpus_suite(rule: str = "", n: int = 10_000) -> Callable[[], None]:
    """The random programs of the corpus that run the rule, or one of several, or all; it stops at the first failure.

    What failed last is tried first the next time: one fault of a rule is found where another one was.
    """
    checks = list(dict.fromkeys(check for name in rule.split() or [""] for check in _checks(n)[name]))

    def suite() -> None:
        for i, check in enumerate(checks):
            try:
                check()
            except Exception:
                checks.insert(0, checks.pop(i))
                raise

    return suite


# ---- the score -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Fate:
    """What became of one mutant."""

    name: str
    killed: bool
    raised: bool = False
    reason: str = ""  #: of an equivalent one


def mutation_score(
    suite: Callable[[], Any] | None = None, among: Iterable[Mutant] | None = None, programs: int = 10_000,
    processes: int = 1, look: Callable[[int, int], None] = lambda done, of: None,
) -> Score:  # fmt: skip
    """Plant each mutant (all of them by default), run the suite, and see whether it fails.

    suite: raises, as a test does, when it finds a fault; by default the corpus of so many programs, for each mutant
    those that use its rule. processes: for the corpus, which is the same in each; the score does not depend on it.
    look: called with the number of mutants that are through, and of all. Raises ValueError when the suite fails
    before anything is planted, since such a suite kills everything, and when it skips.
    """
    chosen = list(mutants() if among is None else among)
    if wrong := [m for m in chosen if not isinstance(m, Mutant)]:
        raise TypeError(f"among must be Mutants, some of mutants(), got {wrong[0]!r}; by name: "
                        "[m for m in mutants() if m.rule == 'tanh']")  # fmt: skip
    if not (suite is None or callable(suite)):
        raise TypeError(f"suite must be a function that raises when it finds a fault, or None for the corpus, got "
                        f"{suite!r}")  # fmt: skip
    if programs < 1 or processes < 1:
        raise ValueError(f"programs and processes must be 1 or more, got {programs} and {processes}")
    started = time.perf_counter()
    fates: dict[str, _Fate] = {}

    def done(found: Iterable[_Fate]) -> None:
        fates.update((fate.name, fate) for fate in found)
        look(len(fates), len(chosen))

    if suite is not None:
        _clean(suite)
        for mutant in chosen:
            done([_fate(mutant, suite)])
    else:
        groups: dict[str, list[Mutant]] = defaultdict(list)
        for mutant in chosen:
            groups[mutant.rule].append(mutant)
        if processes == 1:
            for rule, group in groups.items():
                killing = corpus_suite(rule, programs)
                for mutant in group:
                    done([_fate(mutant, killing, True)])
        else:
            # the longest first: the processes end together
            names = sorted(([m.name for m in group] for group in groups.values()), key=len, reverse=True)
            spread(partial(_group, programs=programs), names, processes, done)
    found = [fates[mutant.name] for mutant in chosen]
    return Score(
        tuple(fate.name for fate in found if fate.killed),
        tuple(fate.name for fate in found if not (fate.killed or fate.reason)),
        tuple((fate.name, fate.reason) for fate in found if fate.reason),
        sum(fate.raised for fate in found), time.perf_counter() - started,
    )  # fmt: skip


@cache
def named() -> dict[str, Mutant]:
    """The mutants by their names, which unlike themselves can go to another process."""
    return {mutant.name: mutant for mutant in mutants()}


def _group(names: Sequence[str], programs: int) -> list[_Fate]:
    """Of the mutants of one rule."""
    group = [named()[name] for name in names]
    suite = corpus_suite(group[0].rule, programs)
    return [_fate(mutant, suite, True) for mutant in group]


def _fate(mutant: Mutant, suite: Callable[[], Any], whole: bool = False) -> _Fate:
    """whole: the suite has all that there is to see of the rule, and a derivative that is the same there is right."""
    calls: Counter[str] = Counter()
    reached = mutant.edited.__dict__["reached"] if mutant.edited else 0
    with mutant.planted(calls):
        problem = _failure(suite)
    if problem is not None:
        return _Fate(mutant.name, True, _raised(problem))
    return _Fate(mutant.name, False, reason=_why_equivalent(mutant, calls, reached) if whole else "")


def _why_equivalent(mutant: Mutant, calls: Counter[str], reached: int) -> str:
    """The reason why no test can see a survivor, or "" where there is none."""
    if not calls["all"] or calls["changed"]:
        return ""
    if mutant.same is not None:
        points = mutant.same()
        return f"the same at {points} points, 0, nan and the largest among them" if points else ""
    if calls["zero"] == calls["all"]:
        return f"0 in each of {calls['all']} calls, whatever the gradient"
    if mutant.edited is not None and mutant.edited.__dict__["reached"] == reached:
        return ""
    return f"evaluated, and the same derivative in each of {calls['all']} calls"


def _raised(problem: BaseException) -> bool:
    """Whether the engine raised, rather than gave a number that a test found wrong."""
    report = problem.args[0] if problem.args else None
    if isinstance(report, DiffReport):
        return all(finding.verdict == "raises" for finding in report.wrong)
    return isinstance(problem, Exception) and not isinstance(problem, AssertionError)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m microgradx.testing mutants`: 1 when one survives."""
    about = "Plant every fault and count those that the corpus finds."
    parser = argparse.ArgumentParser(prog="python -m microgradx.testing mutants", description=about)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name contains this")
    parser.add_argument("--programs", type=at_least(1), default=10_000, help="of the corpus (default 10000)")
    parser.add_argument("--processes", type=at_least(1), default=2)
    given = parser.parse_args(argv)
    chosen = [m for m in mutants() if given.only in m.name]
    if not chosen:
        print(f"no mutant has {given.only!r} in its name")
        return 2
    score = mutation_score(None, chosen, given.programs, given.processes, progress)
    print(score)
    return int(bool(score.survivors))


def progress(done: int, of: int, what: str = "mutants") -> None:
    """One line, for someone who looks on."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of} {what}" + "\n" * (done == of), end="", file=sys.stderr, flush=True)
