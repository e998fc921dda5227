"""Whatever is done in whatever order, to Tensors and to Values, the engine is where a simple model of it is.

The model goes forward only: beside each number it keeps its derivatives by everything that a gradient can be asked of,
so that no backward pass has a part in it. Views of its arrays are NumPy's, and so are changes in place.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import microgradx as mg
from microgradx import graph
from microgradx.testing import mutants as planted_faults
from microgradx.testing.programs import fixed
from microgradx.value import Value

engine: Any = planted_faults._engine  # microgradx.tensor is a function of the package too
Array = np.ndarray[Any, Any]
SHAPES = ((2, 3), (3,), ())
SIZES = [math.prod(shape) for shape in SHAPES]
ALL = sum(SIZES)
HAPPENED: Counter[str] = Counter()
pick = st.integers(0, 11)


# ---- Tensors ---------------------------------------------------------------------------------------------
@dataclass
class Twin:
    """A Tensor, and what the model has for it: numbers, and their derivatives by the leaves along one more axis."""

    tensor: Any
    data: Array
    slopes: Array
    moving: bool  #: requires_grad
    base: Any  #: what its memory belongs to: the root of a chain of views
    leaf: bool = False  #: whether that is a leaf


UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sin": (np.sin, np.cos), "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "neg": (np.negative, lambda x: -1 + 0 * x),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
#: A view of an array, or of the model's slopes, with one axis more at the end
VIEWS: dict[str, Callable[[Any], Any]] = {
    "[0]": lambda x: x[0, ...], "[..., :]": lambda x: x[:], "[1:]": lambda x: x[1:],
    "flat": lambda x: x.view(-1) if isinstance(x, mg.Tensor) else x.reshape(-1, *x.shape[2:]),
    "T": lambda x: x.T if isinstance(x, mg.Tensor) else x.swapaxes(0, 1),
    "[:, 1]": lambda x: x[:, 1],
}  # fmt: skip
FLAT = {"flat", "T", "[:, 1]"}  # of matrices
REFUSALS = {"changed": ("in-place", "inplace", "in place"), "spent": ("second time",)}  #: by what has happened


class Tensors(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 3))
    def leaves(self, seed: int) -> None:
        self.twins: list[Twin] = []
        self.grads: list[Array | None] = [None] * len(SHAPES)
        self.past: set[str] = set()  # what makes a refusal plausible
        self.recording = True
        start = 0
        for i, shape in enumerate(SHAPES):
            data = np.array(fixed(shape, seed + i) / 2)
            slopes = np.zeros((*shape, ALL))
            slopes.reshape(-1, ALL)[:, start : start + SIZES[i]] = np.eye(SIZES[i])
            start += SIZES[i]
            tensor = mg.tensor(data, requires_grad=True)
            self.twins.append(Twin(tensor, data.copy(), slopes, True, tensor, True))

    def twin(self, i: int, among: list[Twin] | None = None) -> Twin:
        """The newest for 0."""
        twins = self.twins if among is None else among
        return twins[-1 - i % len(twins)]

    def scope(self) -> Any:
        return nullcontext() if self.recording else mg.no_grad()

    def add(self, make: Callable[[], Any], data: Array, slopes: Array, *of: Twin) -> None:
        if data.size > 12 or float(np.abs(data).max(initial=0)) > 50 or float(np.abs(slopes).max(initial=0)) > 1e4:
            return
        with self.scope():
            try:
                tensor = make()
            except RuntimeError as problem:
                self.refused(problem)
                return
        moving = self.recording and any(x.moving for x in of)
        self.twins.append(Twin(tensor, np.array(data), np.array(slopes) if moving else np.zeros(slopes.shape), moving,
                               tensor))  # fmt: skip

    def refused(self, problem: RuntimeError) -> None:
        """The engine may say no, not give wrong numbers, where an array was changed or a graph used up."""
        assert any(words in str(problem) for why in self.past for words in REFUSALS[why]), problem
        HAPPENED["refused"] += 1

    # -- building --
    @rule(i=pick, name=st.sampled_from(sorted(UNARY)))
    def unary(self, i: int, name: str) -> None:
        x, (value, slope) = self.twin(i), UNARY[name]
        self.add(lambda: getattr(x.tensor, name)(), value(x.data), slope(x.data)[..., None] * x.slopes, x)

    @rule(i=pick, j=pick, op=st.sampled_from("+-*"))
    def binary(self, i: int, j: int, op: str) -> None:
        x, y = self.twin(i), self.twin(j)
        try:
            shape = np.broadcast_shapes(x.data.shape, y.data.shape)
        except ValueError:
            return
        a, b = np.broadcast_to(x.data, shape), np.broadcast_to(y.data, shape)
        da, db = (np.broadcast_to(z.slopes.reshape((1,) * (len(shape) - z.data.ndim) + z.slopes.shape), (*shape, ALL))
                  for z in (x, y))  # fmt: skip
        of = BINARY[op]
        slopes = {"+": da + db, "-": da - db, "*": a[..., None] * db + b[..., None] * da}[op]
        self.add(lambda: of(x.tensor, y.tensor), of(a, b), slopes, x, y)

    @rule(i=pick, keepdim=st.booleans())
    def sum(self, i: int, keepdim: bool) -> None:
        x = self.twin(i)
        if x.data.ndim:
            self.add(lambda: x.tensor.sum(0, keepdim), x.data.sum(0, keepdims=keepdim),
                     x.slopes.sum(0, keepdims=keepdim), x)  # fmt: skip

    @rule(i=pick, shape=st.sampled_from(SHAPES))
    def constant(self, i: int, shape: tuple[int, ...]) -> None:
        self.add(lambda: mg.tensor(fixed(shape, i)), fixed(shape, i), np.zeros((*shape, ALL)))

    @rule(i=pick)
    def clone(self, i: int) -> None:
        x = self.twin(i)
        self.add(lambda: x.tensor.clone(), x.data, x.slopes, x)

    # -- memory that is shared --
    @rule(i=pick, kind=st.sampled_from(sorted(VIEWS)))
    def view(self, i: int, kind: str) -> None:
        x = self.twin(i)
        if not self.recording or x.data.ndim < (2 if kind in FLAT else 1) or not x.data.flags.c_contiguous:
            return
        if kind == "[1:]" and x.data.shape[0] < 2:
            return
        if kind == "[:, 1]" and x.data.shape[1] < 2:
            return
        turn = VIEWS[kind]
        try:
            tensor = turn(x.tensor)
        except RuntimeError as problem:
            self.refused(problem)
            return
        data = x.data.swapaxes(0, 1) if kind == "T" else x.data.reshape(-1) if kind == "flat" else turn(x.data)
        self.twins.append(Twin(tensor, data, turn(x.slopes), x.moving, x.base, x.leaf))
        HAPPENED["view"] += 1

    @rule(i=pick)
    def detach(self, i: int) -> None:
        x = self.twin(i)
        self.twins.append(Twin(x.tensor.detach(), x.data, np.zeros(x.slopes.shape), False, x.base))

    @rule(i=pick, j=pick, kind=st.sampled_from(["add_", "mul_", "sin_", "copy_", "zero_", "[0] ="]))
    def in_place(self, i: int, j: int, kind: str) -> None:
        others = [twin for twin in self.twins if not twin.leaf]  # leaves refuse: that need not be seen often
        x, y = self.twin(i, others if others and i % 4 else None), self.twin(j)
        if kind in ("sin_", "zero_"):
            y = x
        part = (lambda z: z[0, ...]) if kind == "[0] =" else (lambda z: z)
        if kind == "[0] =" and not x.data.ndim:
            return
        target, slopes = part(x.data), part(x.slopes)
        if y.data.ndim > target.ndim:
            return
        try:
            if np.broadcast_shapes(y.data.shape, target.shape) != target.shape:
                return
        except ValueError:
            return
        b = np.array(np.broadcast_to(y.data, target.shape))
        lead = (1,) * (target.ndim - y.data.ndim)
        db = np.array(np.broadcast_to(y.slopes.reshape(lead + y.slopes.shape), slopes.shape))
        new, dnew = {
            "add_": (target + b, slopes + db), "mul_": (target * b, target[..., None] * db + b[..., None] * slopes),
            "sin_": (np.sin(target), np.cos(target)[..., None] * slopes), "copy_": (b, db), "[0] =": (b, db),
            "zero_": (0 * target, 0 * slopes),
        }[kind]  # fmt: skip
        if float(np.abs(new).max(initial=0)) > 50:
            return
        refused = self.recording and x.leaf and x.moving
        with self.scope():
            try:
                if kind == "[0] =":
                    x.tensor[0] = y.tensor
                else:
                    getattr(x.tensor, kind)(*[y.tensor] * (kind not in ("sin_", "zero_")))
            except RuntimeError as problem:
                if not refused:
                    self.refused(problem)
                elif "leaf Variable that requires grad" not in str(problem):
                    raise
                return
        assert not refused
        self.past.add("changed")
        HAPPENED["changed in place"] += 1
        target[...] = new
        if not self.recording:
            return  # the graph knows nothing of it
        slopes[...] = dnew
        if y.moving or x.moving:
            for z in self.twins:  # other views of the same memory are in the graph from now on
                if z is x or (z.moving and z.base is x.base):
                    z.moving = True

    # -- switches --
    @rule(recording=st.sampled_from([True, True, False]))
    def switch(self, recording: bool) -> None:
        self.recording = recording

    @rule(i=st.integers(0, 2), how=st.sampled_from(["None", "zero_"]))
    def zero_grad(self, i: int, how: str) -> None:
        leaf = self.twins[i].tensor
        if how == "None":
            leaf.grad = self.grads[i] = None
        elif leaf.grad is not None:
            leaf.grad.zero_()
            self.grads[i] = np.zeros(SHAPES[i])

    @rule(i=st.integers(0, 2))
    def step(self, i: int) -> None:
        """What an optimiser does."""
        twin, g = self.twins[i], self.grads[i]
        if g is not None and float(np.abs(g).max(initial=0)) < 1e3:
            with mg.no_grad():
                twin.tensor -= 0.01 * twin.tensor.grad
            twin.data -= 0.01 * g
            self.past.add("changed")

    # -- backward --
    @rule(i=pick, retain=st.sampled_from([True, True, False]), through=st.sampled_from(["backward", "grad"]))
    def backward(self, i: int, retain: bool, through: str) -> None:
        x = self.twin(i)
        if not x.moving:
            x = self.twin(i, [twin for twin in self.twins if twin.moving])
        seed = fixed(x.data.shape, i)
        leaves = [twin.tensor for twin in self.twins[: len(SHAPES)]]
        try:
            if through == "backward":
                x.tensor.backward(mg.tensor(seed), retain_graph=retain)
            else:
                found = mg.autograd.grad(x.tensor, leaves, mg.tensor(seed), retain_graph=retain, allow_unused=True)
        except RuntimeError as problem:
            self.refused(problem)  # and no gradient has changed, as the invariant sees
            return
        if not retain:
            self.past.add("spent")
        HAPPENED["differentiated"] += 1
        HAPPENED["after a change in place"] += "changed" in self.past
        whole = np.tensordot(seed, x.slopes, seed.ndim)
        for k, part in enumerate(np.split(whole, np.cumsum(SIZES)[:-1])):
            g = part.reshape(SHAPES[k])
            if through == "grad":
                assert close(0 * g if found[k] is None else found[k].numpy(), g)
            elif leaves[k].grad is not None:
                self.grads[k] = g if self.grads[k] is None else self.grads[k] + g
            else:
                assert self.grads[k] is None
                assert close(0 * g, g), "no gradient came, and it is not zero"

    def teardown(self) -> None:
        """Every story ends with gradients: of the newest results, one after the other, and of the last one twice."""
        if hasattr(self, "twins"):
            self.recording = True
            for i in (2, 1, 0, 0):
                self.backward(i, True, "backward")
            self.agrees()

    # -- the engine is where the model is --
    @invariant()
    def agrees(self) -> None:
        for twin in self.twins:
            assert close(twin.tensor.detach().numpy(), twin.data)
            assert twin.tensor.requires_grad == twin.moving
        for twin, g in zip(self.twins, self.grads, strict=False):
            assert (twin.tensor.grad is None) == (g is None)
            assert g is None or close(twin.tensor.grad.numpy(), g)


def close(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, 1e-9, 1e-9))


# ---- Values ----------------------------------------------------------------------------------------------
class Values(RuleBasedStateMachine):
    """The model has every local derivative, and a gradient is the sum over all paths."""

    @initialize(a=st.integers(-8, 8), b=st.integers(-8, 8))
    def leaves(self, a: int, b: int) -> None:
        self.nodes = [Value(1 + a / 8), Value(1 + b / 8)]
        self.locals: list[list[tuple[int, float]]] = [[], []]
        self.grads: list[float | None] = [None, None]
        self.data = [node.data for node in self.nodes]

    def at(self, i: int) -> int:
        return len(self.nodes) - 1 - i % len(self.nodes)

    def add(self, node: Value, data: float, *locals_: tuple[int, float]) -> None:
        self.nodes.append(node)
        self.locals.append(list(locals_))
        self.grads.append(None)
        self.data.append(data)

    @rule(i=pick, j=pick, op=st.sampled_from(["+", "-", "*"]))
    def binary(self, i: int, j: int, op: str) -> None:
        a, b = self.at(i), self.at(j)
        x, y = self.data[a], self.data[b]
        if abs(x * y) < 50:
            p, q = self.nodes[a], self.nodes[b]
            node, data, slopes = {"+": (p + q, x + y, (1.0, 1.0)), "-": (p - q, x - y, (1.0, -1.0)),
                                  "*": (p * q, x * y, (y, x))}[op]  # fmt: skip
            self.add(node, data, *zip((a, b), slopes, strict=True))

    @rule(i=pick)
    def tanh(self, i: int) -> None:
        a = self.at(i)
        y = math.tanh(self.data[a])
        self.add(self.nodes[a].tanh(), y, (a, 1 - y * y))

    @rule(i=pick, j=pick)
    def dot(self, i: int, j: int) -> None:
        a, b = self.at(i), self.at(j)
        x, y = self.data[a], self.data[b]
        if abs(x * y) < 50:
            node = mg.dot([self.nodes[a], self.nodes[b]], [self.nodes[b], 2.0], self.nodes[a])
            self.add(node, x * y + 2 * y + x, (a, y), (b, x), (b, 2.0), (a, 1.0))

    @rule(i=pick)
    def detach(self, i: int) -> None:
        with mg.no_grad():
            node = self.nodes[self.at(i)] * 2
        self.add(node, 2 * self.data[self.at(i)])

    @rule(i=pick)
    def data_of_a_leaf(self, i: int) -> None:
        """What was recorded stays."""
        self.nodes[i % 2].data = self.data[i % 2] = i / 4 - 1

    @rule(i=st.integers(0, 1))
    def zero_grad(self, i: int) -> None:
        self.nodes[i].grad = self.grads[i] = 0.0

    def slopes(self, root: int) -> list[float | None]:
        """d root / d node by every node from which a path leads to the root."""
        found: list[float | None] = [None] * len(self.nodes)
        paths = [(root, 1.0)]
        while paths:
            at, d = paths.pop()
            found[at] = (found[at] or 0.0) + d
            paths += [(parent, d * local) for parent, local in self.locals[at]]
        return found

    def few_paths(self, root: int) -> bool:
        count = [1] * len(self.nodes)
        for i, locals_ in enumerate(self.locals):
            count[i] += sum(count[parent] for parent, _ in locals_)
        return count[root] < 3000

    @rule(i=pick, seed=st.sampled_from([1.0, -0.625]))
    def backward(self, i: int, seed: float) -> None:
        root = self.at(i)
        if not self.few_paths(root):
            return
        self.nodes[root].backward(seed)
        for at, d in enumerate(self.slopes(root)):
            if d is not None:  # leaves accumulate, and what is in between is assigned
                before = self.grads[at] if not self.locals[at] and self.nodes[at].rule is None else None
                self.grads[at] = (before or 0.0) + seed * d

    @rule(i=pick)
    def grad(self, i: int) -> None:
        root = self.at(i)
        if self.few_paths(root):
            wanted = [d or 0.0 for d in self.slopes(root)]
            assert close([g.data for g in mg.grad(self.nodes[root], self.nodes)], wanted)

    def teardown(self) -> None:
        if hasattr(self, "nodes"):
            self.backward(0, 1.0)
            self.backward(0, 1.0)
            self.agrees()

    @invariant()
    def agrees(self) -> None:
        assert close([node.data for node in self.nodes], self.data)
        assert [node.grad is None for node in self.nodes] == [g is None for g in self.grads]
        assert close([node.grad or 0.0 for node in self.nodes], [g or 0.0 for g in self.grads])


# ---- no alarm, and faults are found ------------------------------------------------------------------------
Machine = type[RuleBasedStateMachine]


def run(machine: Machine, examples: int, *phases: Phase) -> None:
    run_state_machine_as_test(machine, settings=settings(
        max_examples=examples, stateful_step_count=30, derandomize=True, deadline=None, database=None,
        phases=[Phase.generate, *phases], report_multiple_bugs=False,
    ))  # fmt: skip


@pytest.mark.parametrize("machine", [Tensors, Values])
def test_the_engine_is_where_the_model_is(machine: Machine) -> None:
    HAPPENED.clear()
    run(machine, 200, Phase.shrink)
    if machine is Tensors:  # it was not all refusals
        assert HAPPENED["after a change in place"] > 50, HAPPENED
        assert HAPPENED["view"] > 50, HAPPENED
        assert HAPPENED["differentiated"] > 3 * HAPPENED["refused"] > 0, HAPPENED


def assigning(pairs: Iterable[tuple[Any, Any]], given: set[int]) -> None:
    for node, g in pairs:
        node._grad = mg.Tensor._of(np.array(g))


def sharing(pairs: Iterable[tuple[Any, Any]], given: set[int]) -> None:
    """A leaf's gradient is the very array of the sweep, which other leaves have too."""
    for node, g in pairs:
        if node._grad is None:
            node._grad = mg.Tensor._of(np.asarray(g))
        else:
            node._grad._data += g


def with_stale_gradients(nodes: list[Any], root: Any, seed: float) -> None:
    """As in micrograd: what is between the leaves and the root adds up over the passes."""
    root._grad = seed
    for node in nodes:
        node._grad = node._grad or 0.0
    for node in reversed(nodes):
        for _, parent, local in node.slots:
            parent._grad += node._grad * local


nothing: Callable[..., None] = lambda *_: None
FAULTS: dict[str, tuple[Machine, Any, str, Any]] = {
    "the second backward replaces the first": (Tensors, engine, "_accumulate", assigning),
    "two leaves share an array of gradients": (Tensors, engine, "_accumulate", sharing),
    "detach detaches nothing": (Tensors, mg.Tensor, "detach", lambda x: x[...]),
    "no_grad records": (Tensors, mg, "no_grad", nullcontext),
    "changes in place go unnoticed": (Tensors, engine, "_refuse_changed", nothing),
    "a view does not know of its base": (Tensors, engine, "_refuse_stale", nothing),
    "in place, the graph stays the old one": (
        Tensors, mg.Tensor, "_assign", lambda x, result: (np.copyto(x._data, result._data), x)[1],
    ),
    "gradients of nodes between are kept": (Values, graph, "_sweep", with_stale_gradients),
}  # fmt: skip


def finds(machine: Machine) -> bool:
    try:
        run(machine, 6_000)  # it stops at the first, after some 500 where that is rare, which other imports change
    except Exception:
        return True
    return False


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_engine_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, owner, name, wrong = FAULTS[fault]
    monkeypatch.setattr(owner, name, wrong)
    assert finds(machine)


#: Of those that need create_graph, or leaves of equal numbers, no operation of the machines shows anything
SWEEPS = [m for m in planted_faults.mutants() if m.name.startswith("sweep")
          and not any(words in m.name for words in ("create_graph", "equal numbers", "seed"))]  # fmt: skip


@pytest.mark.parametrize("mutant", SWEEPS, ids=lambda m: m.name)
def test_a_fault_of_the_sweep_is_found(mutant: planted_faults.Mutant) -> None:
    machine: Machine = Values if "Values" in mutant.name else Tensors
    with mutant.planted(Counter()):
        assert finds(machine)
