"""Tensor: elementwise rules against the scalar engine, PyTorch's numbers, programs of changes in place, memory."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import sys
import threading
import tracemalloc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
from microgradx import pulls, structural, versions
from microgradx.rules import RULES, Rule
from microgradx.scopes import AnomalyError, current
from microgradx.tensor import Op, Tensor
from microgradx.testing import GradientError, check_grad
from microgradx.value import Value
from microgradx.worlds import partial as scalar_partial
from microgradx.worlds import run as scalar_run

from .oracle.tensor import known
from .table import EDGES, points, same
from .test_functions import differing
from .test_structural import broadcastable, laid_out, shapes

Array = np.ndarray[Any, Any]
engine: Any = sys.modules[Tensor.__module__]  # microgradx.tensor is a function of the package too
PLAIN = [name for name, rule in RULES.items() if not rule.vectors]


@pytest.fixture(autouse=True)
def recording_as_it_was() -> Iterator[None]:
    yield
    assert current().recording
    assert not current().checking


# ---- elementwise: each element is what the scalar engine gives ------------------------------------------------
def leaf(x: Any, kind: Any = np.float64) -> Tensor:
    return Tensor._of(np.asarray(x, kind)).requires_grad_()


def elements(rule: Rule, seed: int, shape: tuple[int, ...], slot: int) -> Array:
    """Numbers of the rule's domain, away from its kinks."""
    column = np.array([inputs[slot] for inputs in points(rule)])
    return np.asarray(np.random.default_rng(seed).choice(column, shape))


def separate(rule: Rule, xs: list[Array]) -> bool:
    """Whether no element, broadcast, is near a kink."""
    return all((np.abs(kink(*np.broadcast_arrays(*xs))) > 1e-3).all() for kink in rule.kinks)


AS_THEY_ARE = [name for name in PLAIN if not isinstance(engine._on_arrays(RULES[name]), partial)]


@pytest.mark.parametrize("name", AS_THEY_ARE)
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64])
def test_a_function_of_numpy_in_place_of_a_formula_gives_its_bits(name: str, kind: Any) -> None:
    rule = RULES[name]
    numbers = np.array([0, -1, 1, 2, -3] if kind is np.int64 else [0.0, -0.0, 0.5, -2, np.inf, -np.inf, np.nan], kind)
    xs = np.meshgrid(*[numbers] * len(rule.inputs))
    with np.errstate(all="ignore"):
        found, expected = engine._on_arrays(rule)(*xs), rule.value(structural.arrays, *xs)
    assert (found.dtype, found.tobytes()) == (expected.dtype, expected.tobytes())


def test_which_formulas_are_a_function_of_numpy() -> None:
    assert {"add", "mul", "neg", "tanh", "exp", "maximum", "relu"} <= set(AS_THEY_ARE)
    assert {"tanh_slope", "sigmoid", "pow"}.isdisjoint(AS_THEY_ARE)


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=25)
@given(st.data(), st.integers(0, 2**32), st.sampled_from(["in order", "transposed", "every other", "backwards"]))
def test_rules_over_arrays_are_the_scalar_rules(name: str, data: st.DataObject, seed: int, layout: str) -> None:
    rule, shape = RULES[name], data.draw(shapes())
    # tanh_slope reads one of its two inputs alone, the other only shows how it is printed
    sizes = [shape if name == "tanh_slope" else broadcastable(data.draw, shape) for _ in rule.inputs]
    xs = [laid_out(elements(rule, seed + i, size, i), layout) for i, size in enumerate(sizes)]
    tensors = [leaf(x) for x in xs]
    y = rule(*tensors)
    full = np.broadcast_shapes(*sizes)
    assert y.shape == full
    wide = [np.broadcast_to(x, full) for x in xs]
    each = list(np.ndindex(full))
    at = lambda i: [float(x[i]) for x in wide]
    expected = np.reshape([scalar_run(rule, *at(i)) for i in each], full)
    np.testing.assert_allclose(y.detach().numpy(), expected, 1e-13, 1e-13)
    cotangent = known(full)
    y.backward(mg.tensor(cotangent))
    for slot, tensor in enumerate(tensors):
        if rule.partials[slot] is None:
            assert tensor.grad is None
            continue
        terms = np.reshape([cotangent[i] * scalar_partial(rule, slot, *at(i)) for i in each], full)
        expected = np.zeros(sizes[slot])
        places = np.broadcast_to(np.arange(expected.size).reshape(expected.shape), full)
        np.add.at(expected.reshape(-1), places.reshape(-1), terms.reshape(-1))
        assert tensor.grad is not None
        np.testing.assert_allclose(tensor.grad.numpy(), expected, 1e-12, 1e-12)


@pytest.mark.parametrize("name", PLAIN)
def test_rules_over_arrays_have_the_scalar_rules_edges(name: str) -> None:
    rule = RULES[name]
    draw = np.random.default_rng(7)
    columns = [np.array(EDGES)] if len(rule.inputs) == 1 else list(draw.choice(EDGES, (len(rule.inputs), 200)))
    tensors = [leaf(x) for x in columns]
    y = rule(*tensors)
    y.backward(mg.ones_like(y))
    for i in range(y.numel()):
        at = [float(x[i]) for x in columns]
        assert same(y[i].item(), scalar_run(rule, *at)), at
        for slot, tensor in enumerate(tensors):
            expected = scalar_partial(rule, slot, *at)
            assert tensor.grad is None if expected is None else same(tensor.grad[i].item(), expected), (slot, at)


@pytest.mark.parametrize("name", PLAIN)
def test_second_gradients_are_the_scalar_engines(name: str) -> None:
    rule = RULES[name]
    some = points(rule, 6)
    tensors = [leaf([inputs[slot] for inputs in some]) for slot in range(len(rule.inputs))]
    free = [slot for slot, local in enumerate(rule.partials) if local is not None]
    first = mg.autograd.grad(rule(*tensors).sum(), [tensors[slot] for slot in free], create_graph=True)
    total = sum(first[1:], first[0]).sum()
    second = (None,) * len(free)
    if total.requires_grad:
        second = mg.autograd.grad(total, [tensors[slot] for slot in free], allow_unused=True)
    for i, inputs in enumerate(some):
        values = [Value(x) if slot in free else x for slot, x in enumerate(inputs)]
        leaves = [values[slot] for slot in free]
        scalar = mg.grad(rule(*values), leaves, create_graph=True)
        assert [g[i].item() for g in first] == pytest.approx([g.data for g in scalar], rel=1e-12, abs=1e-12)
        scalar_second = mg.grad(sum(scalar[1:], scalar[0]), leaves)
        found = [0.0 if g is None else g[i].item() for g in second]
        assert found == pytest.approx([g.data for g in scalar_second], rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_rules_keep_their_dtype_through_the_backward_pass(name: str, kind: Any) -> None:
    rule = RULES[name]
    some = points(rule, 4)
    tensors = [leaf([inputs[slot] for inputs in some], kind) for slot in range(len(rule.inputs))]
    y = rule(*tensors)
    assert y._data.dtype == kind
    grads = mg.autograd.grad(y.sum(), [x for x, p in zip(tensors, rule.partials, strict=True) if p], create_graph=True)
    assert all(g._data.dtype == kind for g in grads)


def test_a_mask_lets_nothing_through_where_it_does_not_hold() -> None:
    x = mg.tensor([1.0, -1.0], requires_grad=True)
    (x.relu() * mg.tensor([1.0, math.inf])).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]
    # a condition of whole numbers is no mask to multiply with
    x.grad = None
    RULES["where"](mg.tensor([2, 0]), x, 5.0).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("how", ["in order", "transposed", "every other", "backwards"])
def test_what_a_mask_lets_through_stays_as_it_is(how: str, kind: Any) -> None:
    rng = np.random.default_rng(0)
    special = [math.inf, -math.inf, math.nan, -0.0, 0.0, np.finfo(kind).tiny, -np.finfo(kind).max, 1.5]
    g = laid_out(rng.choice(np.array(special, kind), (5, 7)), how)
    x = mg.tensor(laid_out(rng.choice(np.array([1, -1], kind), (5, 7)), how), requires_grad=True)
    x.relu().backward(mg.from_numpy(g))
    assert np.array_equal(x.grad.numpy(), np.where(x.detach().numpy() > 0, g, 0), equal_nan=True)
    assert np.array_equal(np.signbit(x.grad.numpy()), np.signbit(g) & (x.detach().numpy() > 0))


# ---- PyTorch's numbers ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "group", ["dtypes", "indices", "stores", "changes", "changes without a graph", "protocols"]
)  # fmt: skip
def test_tensors_give_what_pytorch_gives(group: str) -> None:
    assert not differing(group)


# ---- programs that change tensors in place: a right gradient or a RuntimeError -----------------------------------
class Program:
    """Lines that any draw makes valid: operations, views, changes in place; `last` names what is summed up.

    Each tensor is of shape (2, 3), (3,) or one that a view of these has.
    """

    def __init__(self, steps: list[tuple[int, int, int]], last: int) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {"x": (2, 3), "w": (3,), "s": ()}
        self.lines: list[str] = []
        for kind, a, b in steps:
            self.step(kind, a, b)
        names = list(self.shapes)[-last:]
        self.lines.append(f"out = [{', '.join(names)}]")
        self.code = compile("\n".join(self.lines), "program", "exec")

    def add(self, formula: str, shape: tuple[int, ...]) -> None:
        name = f"t{len(self.shapes) - 3}"
        self.lines.append(f"{name} = {formula}")
        self.shapes[name] = shape

    def step(self, kind: int, i: int, j: int) -> None:
        names = list(self.shapes)
        targets = names if kind < 4 else names[3:]  # leaves refuse to be changed
        if not targets:
            return
        a = targets[-1 - i % len(targets)]
        shape = self.shapes[a]
        fitting = [n for n in names if self.fits(self.shapes[n], shape)]
        b = fitting[-1 - j % len(fitting)]
        if kind == 0:
            self.add(f"{a} {'+*-'[j % 3]} {b}", shape)
        elif kind == 1:
            self.add(f"{a}.{('sin', 'sigmoid', 'neg', 'clone', 'tanh')[j % 5]}()", shape)
        elif kind == 2:
            self.add("torch.ones(2, 3).double()", (2, 3))
        elif kind == 3:
            views = [("[...]", shape), (".unsqueeze(0)", (1, *shape)), (".view(-1)", (math.prod(shape),))]
            if len(shape) == 2:
                views += [("[-1]", shape[1:]), ("[:, -1]", shape[:1]), ("[:, 1:]", (shape[0], shape[1] - 1)),
                          (".T", shape[::-1])]  # fmt: skip
            view, new = views[j % len(views)]
            if 0 not in new and (view != ".view(-1)" or shape in ((2, 3), (3,))):
                self.add(a + view, new)
        elif kind == 4:
            self.lines.append(f"{a} {'+*-'[j % 3]}= {b}")
        elif kind == 5:
            self.lines.append(f"{a}.{('sin_', 'sigmoid_', 'neg_', 'zero_', 'tanh_')[j % 5]}()")
        elif kind == 6:
            change = (f"{a}.copy_({b})", f"{a}.fill_(s)", f"{a}.add_({b}, alpha=2)", f"{a}.clamp_(-9, 9)")
            self.lines.append(change[j % 4])
        elif kind == 8:
            self.add(f"{a}.detach(){('', '[...]', ' * 2')[j % 3]}", shape)
        elif kind == 9:
            change = (f"{a}.mul_(2)", f"{a} += {b}", f"{a}.sin_()")[j % 3]
            self.lines.append(f"with torch.no_grad(): {change}")
        elif shape:
            key = ("0", "[0]", f"torch.arange({shape[0]}) == 0", "..., 0")[i % 4]
            self.lines.append(f"{a}[{key}] {('=', '+=', '*=')[j % 3]} {('s', '2.5')[i % 2]}")

    @staticmethod
    def fits(small: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        try:
            return np.broadcast_shapes(small, shape) == shape
        except ValueError:
            return False

    def run(self, torch: Any, leaves: dict[str, Array], requires_grad: bool) -> Any:
        """The leaves and Σ c·value of what `out` names."""
        names: dict[str, Any] = {"torch": torch}
        names.update({name: torch.tensor(x, requires_grad=requires_grad) for name, x in leaves.items()})
        given = {name: names[name] for name in leaves}
        exec(self.code, names)
        total = torch.zeros(()).double()
        for k, x in enumerate(names["out"]):
            total = total + (x * torch.tensor((k + 1) * known(tuple(x.shape)))).sum()
        return given, total

    def gradients(self, torch: Any, leaves: dict[str, Array]) -> dict[str, Array]:
        given, total = self.run(torch, leaves, True)
        if total.requires_grad:
            total.backward()
        return {n: np.zeros(x.shape) if x.grad is None else x.grad.numpy() for n, x in given.items()}


def numbers(seed: int) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    return {"x": draw.uniform(-1, 1, (2, 3)), "w": draw.uniform(-1, 1, 3), "s": np.array(draw.uniform(-1, 1))}


def test_a_view_of_what_was_changed_in_place_is_no_root() -> None:
    """Its numbers are the new ones, and its graph would be that of the old."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = -x
    view = y[...]
    y.add_(y)
    with pytest.raises(RuntimeError, match="shares memory with one that has since been changed in place"):
        view.backward(mg.ones(2))
    with pytest.raises(RuntimeError, match="take views of x after that"):
        mg.autograd.grad(view, x, mg.ones(2))
    y.backward(mg.ones(2))
    assert x.grad.tolist() == [-2.0, -2.0]


ALL = [0, 0, 1, 2, 3, 3, 4, 5, 6, 7]
WITH_DETACHED = [*ALL, 8, 8, 9]
STEPS = st.lists(st.tuples(st.sampled_from(ALL), st.integers(0, 5), st.integers(0, 8)), max_size=9)


def assert_right_or_refused(program: Program, seed: int) -> bool:
    """Whether there was a gradient, which is then the slope of the program."""
    leaves = numbers(seed)
    try:
        found = program.gradients(mg, leaves)
    except RuntimeError as problem:
        if not any(words in str(problem) for words in ("in-place", "inplace", "in place")):
            raise
        return False

    def total(*xs: Array) -> Array:
        return program.run(mg, dict(zip(leaves, xs, strict=True)), False)[1].numpy()  # type: ignore[no-any-return]

    try:
        check_grad(total, *leaves.values(), vjp=lambda xs, g: [g * found[name] for name in leaves], directions=1,
                   resolution=1e-6, seed=seed)  # fmt: skip
    except GradientError as wrong:
        wrong.add_note("\n".join(program.lines))
        raise
    return True


@settings(max_examples=400)
@given(STEPS, st.integers(1, 4), st.integers(0, 100))
def test_a_program_that_changes_tensors_has_its_gradient_or_is_refused(steps: Any, last: int, seed: int) -> None:
    assert_right_or_refused(Program(steps, last), seed)


def drawn_programs(kinds: list[int], count: int = 300) -> list[Program]:
    draw = np.random.default_rng(3)
    sizes = draw.integers(2, 9, count)
    steps = [[(kinds[draw.integers(len(kinds))], *map(int, draw.integers(0, 9, 2))) for _ in range(n)] for n in sizes]
    return [Program(each, int(draw.integers(1, 4))) for each in steps]


def test_most_programs_that_change_tensors_are_differentiated() -> None:
    done = [assert_right_or_refused(program, seed) for seed, program in enumerate(drawn_programs(ALL))]
    assert sum(done) > 180


@pytest.mark.parametrize("kinds", [ALL, WITH_DETACHED])
def test_programs_that_change_tensors_have_pytorchs_gradients(kinds: list[int]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    both = refused_here = 0
    for seed, program in enumerate(drawn_programs(kinds)):
        outcomes = []
        for library in (mg, torch):
            try:
                outcomes.append(program.gradients(library, numbers(seed)))
            except RuntimeError:
                outcomes.append(None)
        ours, theirs = outcomes
        refused_here += ours is None and theirs is not None
        if ours is not None and theirs is not None:
            both += 1
            for name, g in theirs.items():
                np.testing.assert_allclose(ours[name], g, 1e-9, 1e-9, err_msg="\n".join(program.lines))
    assert both > 180
    assert refused_here < 25  # a view that was changed, whose base is used after that


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("r = x * 1; a = r[0]; a += 1; r.sum()", "shares memory with one that has since been changed in place"),
        ("a = x * 1; r = a[0]; a.mul_(2); r.backward(torch.ones(3))", "shares memory"),
        ("a = torch.zeros(3); r = a[:2]; a[0] = x[0, 0]; r * x[0, 0]", "shares memory"),
        ("a = x * 1; a.data = x.detach()[0]", "a tensor in a graph keeps its shape and dtype"),
        ("a = x * 1; exec('with torch.no_grad(): a.t_()')", "a tensor in a graph keeps its shape and dtype"),
    ],
)
def test_what_pytorch_can_and_this_cannot_is_refused(code: str, words: str) -> None:
    *body, last = code.split("; ")
    with pytest.raises(RuntimeError, match=words):
        exec("\n".join([*body, last]), {"torch": mg, "x": mg.ones(2, 3, requires_grad=True)})


def test_an_equation_that_gives_a_view_of_a_leaf_does_not_let_it_be_changed() -> None:
    x = mg.ones(2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="a view of a leaf"):
        mg.einsum("ij->ji", x).add_(1)
    mg.einsum("ij,ij->ij", x, x).add_(1)
    assert x.tolist() == [[1, 1], [1, 1]]


def test_the_gradient_of_what_is_no_leaf_is_told_to_be_none() -> None:
    x = mg.ones(2, requires_grad=True)
    y = x * 2
    with pytest.warns(UserWarning, match=r"use \.retain_grad\(\) on the non-leaf Tensor"):
        assert y.grad is None
    assert x.grad is None
    y.sum().backward(inputs=[y], retain_graph=True)
    assert y.grad.tolist() == [1, 1]
    y.retain_grad()
    assert y.grad.tolist() == [1, 1]
    y.sum().backward()
    assert y.grad.tolist() == [2, 2]


def test_a_gradient_stays_with_a_tensor_that_requires_none() -> None:
    """A gradient worked out by hand, and that of a layer that is frozen: as in PyTorch, an optimiser steps by them."""
    w = mg.ones(2)
    w.grad = mg.tensor([1.0, 2.0])
    mg.optim.SGD([w], lr=0.1).step()
    np.testing.assert_allclose(w.numpy(), [0.9, 0.8])
    other = copy.deepcopy(w)
    other.grad.zero_()
    w.requires_grad_()
    (w * 3).sum().backward()
    assert w.grad.tolist() == [4, 5]
    w.requires_grad_(False)
    assert w.grad.tolist() == [4, 5]
    w.grad = None
    assert w.grad is None


def test_graphs_lead_to_a_tensor_that_was_frozen_meanwhile() -> None:
    x = mg.ones(2, requires_grad=True)
    y, z = (x * 2).sum(), (x * 3).sum()
    x.requires_grad_(False)
    y.backward()
    assert x.grad is None
    assert copy.deepcopy(x).requires_grad_().grad is None
    x.requires_grad_()
    z.backward()
    assert x.grad.tolist() == [3, 3]
    (x * 4).sum().backward()
    assert x.grad.tolist() == [7, 7]
    del y, z
    x.requires_grad_(False)
    gone = weakref.ref(x._data), weakref.ref(x.grad)
    x.data, x.grad = mg.zeros(2), None
    assert [ref() for ref in gone] == [None, None]


def test_a_tensor_made_of_an_array_shares_its_memory() -> None:
    array = np.zeros(3, np.float32)
    x = mg.Tensor(array)
    x += 1
    assert array.tolist() == [1, 1, 1]


def test_a_view_of_what_was_changed_before_it_was_taken_is_not_refused() -> None:
    s = mg.tensor(2.0, requires_grad=True)
    a = mg.zeros(3)
    aside = a.detach()
    a[0] = s
    assert (a.detach()[:1] * 2).item() == 4
    assert (aside + 1).tolist() == [3, 1, 1]
    with mg.no_grad():
        view = a[:2]
        assert (view * 2).tolist() == [4, 0]
    (a[:2] * 3).sum().backward()
    assert s.grad.item() == 3


def test_second_gradients_are_right_after_a_change_in_place() -> None:
    x, w = (mg.tensor(v, requires_grad=True) for v in ([1.0, 2.0], [3.0, 4.0]))
    a = x * 1
    a.mul_(w)
    a.mul_(w)
    (g,) = mg.autograd.grad(a.sum(), w, create_graph=True)
    assert g.tolist() == [6.0, 16.0]  # 2xw
    assert [h.tolist() for h in mg.autograd.grad(g.sum(), [x, w])] == [[6.0, 8.0], [2.0, 4.0]]


def test_new_data_of_a_leaf_changes_no_gradient_of_the_old() -> None:
    x = mg.tensor([3.0], requires_grad=True)
    y = x * x
    x.data = mg.tensor([5.0])
    y.sum().backward()
    assert x.grad.tolist() == [6.0]
    out = x.exp()
    out.data = mg.tensor([0.0])
    (g,) = mg.autograd.grad(out.sum(), x)
    assert g.item() == pytest.approx(math.exp(5), rel=1e-6)


@pytest.mark.parametrize("shape", [(0, 4), (3, 4), (3,)])
def test_an_index_out_of_range_is_told_with_axis_and_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(IndexError, match=rf"index 5 is out of bounds for axis 0 with size {shape[0]}; the tensor's"):
        mg.zeros(shape)[mg.tensor([5])]


@pytest.mark.parametrize("change", ["i += 1", "i.zero_()", "i[0] = 1"])
@pytest.mark.parametrize("use", ["x[i]", "x[:, i]", "x.index_select(0, i)", "x.gather(0, i.reshape(1, 3))"])
def test_an_index_that_is_changed_later_changes_no_gradient(use: str, change: str) -> None:
    names: dict[str, Any] = {"x": mg.ones(4, 4, requires_grad=True), "i": mg.tensor([0, 2, 0])}
    y = eval(use, names)
    (expected,) = mg.autograd.grad(y.sum(), names["x"], retain_graph=True)
    exec(change, names)
    (found,) = mg.autograd.grad(y.sum(), names["x"])
    assert found.tolist() == expected.tolist()


def test_a_constant_that_a_graph_was_made_with_in_place_is_one_in_the_graph_of_its_gradients() -> None:
    s, x = mg.tensor(2.0, requires_grad=True), mg.ones(3, requires_grad=True)
    a = mg.zeros(3)
    a[0] = s
    (g,) = mg.autograd.grad((x * a.detach() * x).sum(), x, create_graph=True)
    assert g.tolist() == [4.0, 0.0, 0.0]
    assert mg.autograd.grad(g.sum(), x)[0].tolist() == [4.0, 0.0, 0.0]


# ---- what a backward pass is given, and what it leaves ---------------------------------------------------------
def _retained(x: Tensor, y: Tensor, v: Tensor, **options: Any) -> list[Tensor]:
    a = x + 0
    b = a + 0
    a.retain_grad()
    b.retain_grad()
    b.backward(v, **options)
    return [a, b]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("run", [
    lambda x, y, v, **options: x.backward(v, **options),
    lambda x, y, v, **options: x.backward(v[:1].expand(2), **options),
    lambda x, y, v, **options: (x + y).backward(v, **options),
    lambda x, y, v, **options: (x + y).sum().backward(**options),
    lambda x, y, v, **options: x.sum().backward(**options),
    lambda x, y, v, **options: (x.clone() - y).backward(v, **options),
    lambda x, y, v, **options: (x.reshape(2, 1) + y.reshape(2, 1)).backward(v.reshape(2, 1), **options),
    lambda x, y, v, **options: mg.cat([x, y]).backward(mg.ones(4), **options),
    lambda x, y, v, **options: mg.stack([x, y]).T.backward(mg.ones(2, 2), **options),
    lambda x, y, v, **options: mg.autograd.backward([x, y, x + y], [v, v, v], **options),
    _retained,
])  # fmt: skip
def test_every_gradient_has_memory_of_its_own(run: Any, create_graph: bool) -> None:
    x, y, v = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True), mg.ones(2)
    kept = run(x, y, v, create_graph=create_graph) or []
    found = [v, *(t.grad for t in (x, y, *kept) if t.grad is not None)]
    for changed in found:
        before = [t.tolist() for t in found]
        changed.detach().add_(mg.tensor([1.0, 2.0]))
        assert [t.tolist() == old for t, old in zip(found, before, strict=True)] == [t is not changed for t in found]


@pytest.mark.parametrize("kind", [mg.float64, mg.float16, mg.int64])
def test_a_gradient_takes_the_dtype_of_its_tensor_at_the_root_too(kind: Any) -> None:
    x = mg.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.backward(mg.ones(2, dtype=kind))
    x.backward(mg.ones(2, dtype=kind))
    assert (y.grad.dtype, x.grad.dtype) == (mg.float32, mg.float32)
    assert mg.autograd.grad(x, x, mg.ones(2, dtype=kind), create_graph=True)[0].dtype == mg.float32


@pytest.mark.parametrize(("code", "words"), [
    ("y.backward(inputs=[])", "cannot be empty"),
    ("y.backward(inputs=[torch.ones(2)])", "does not require grad"),
    ("torch.autograd.grad([y, y], x, [torch.ones(())])", "got 2 tensors and 1 gradients"),
    ("torch.autograd.grad([y, y], x, torch.ones(()))", "got 2 tensors and 1 gradients"),
    ("torch.autograd.backward([y, y], [torch.ones(())])", "got 2 tensors and 1 gradients"),
    ("torch.autograd.backward([y, y], torch.ones(()))", "got 2 tensors and 1 gradients"),
    ("x.grad = torch.ones(1).expand(2); y.backward()", "refers to a single memory location"),
])  # fmt: skip
def test_what_a_backward_pass_cannot_use_is_refused(code: str, words: str) -> None:
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=words):
        exec(code, {"torch": mg, "x": x, "y": (x * 2).sum()})


def test_threads_add_to_shared_parameters() -> None:
    w = mg.ones(200_000, requires_grad=True)  # large enough for NumPy to let other threads run meanwhile

    def work() -> None:
        for _ in range(10):
            (w * 2.0).sum().backward()

    for _ in range(5):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert set(w.grad.tolist()) == {5 * 4 * 10 * 2.0}


# ---- memory --------------------------------------------------------------------------------------------------
@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> int:
    return sum(issubclass(type(x), Op | Tensor) for x in gc.get_objects())


def _view_changed(x: Tensor, w: Tensor) -> None:
    view = (x * 1)[1:]
    view *= w[1:]
    view.sum().backward()


def _part_changed(x: Tensor, w: Tensor) -> None:
    a = x * 1
    a[0] += w[1]
    a[1:] *= w[1:]
    a.sum().backward()


def _twice(x: Tensor, w: Tensor) -> None:
    (g,) = mg.autograd.grad((x**3 * w).sum(), x, create_graph=True)
    g.sum().backward()


def _kept_then_dropped(x: Tensor, w: Tensor) -> None:
    (x**3).sum().backward(create_graph=True)
    x.grad = None


def _refused(x: Tensor, w: Tensor) -> None:
    y = (x * w).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def _anomaly(x: Tensor, w: Tensor) -> None:
    with mg.detect_anomaly(), pytest.raises(AnomalyError):
        (x * math.inf).sum().backward()


def _deep(x: Tensor, w: Tensor) -> None:
    y = x
    for _ in range(50_000):
        y = y + w
    y.sum().backward()


@pytest.mark.parametrize(
    "use",
    [
        lambda x, w: (x * w).tanh().sum(), lambda x, w: (x @ w).exp().backward(), _view_changed, _part_changed, _twice,
        _kept_then_dropped, _refused, _anomaly, _deep, lambda x, w: repr((x * w).grad_fn.next_functions),
        lambda x, w: mg.autograd.functional.hessian(lambda a: (a**3).sum(), x), lambda x, w: list(x * w),
        lambda x, w: copy.deepcopy(x), lambda x, w: pickle.loads(pickle.dumps(x * w)), lambda x, w: x.max(0),
        lambda x, w: mg.nn.functional.cross_entropy(x * w, mg.tensor(0)).backward(),
    ],
)  # fmt: skip
def test_graphs_are_freed_without_the_collector(no_collector: None, use: Callable[[Tensor, Tensor], Any]) -> None:
    x, w = (mg.tensor([1.0, 2.0, 3.0], requires_grad=True) for _ in range(2))
    before, changed = alive(), set(versions._changed.found)
    use(x, w)
    x.grad = w.grad = None
    assert alive() == before
    assert set(versions._changed.found) <= changed


def test_arrays_go_with_their_graph(no_collector: None) -> None:
    x = mg.ones(3, requires_grad=True)
    a = x * 2
    a.mul_(x)
    y = a.exp().sum()
    gone = [weakref.ref(each._data) for each in (a, y)]
    y.backward()
    del a, y
    assert [ref() for ref in gone] == [None, None]


def test_a_gradient_with_a_graph_holds_its_leaf_as_in_pytorch(no_collector: None) -> None:
    """`backward(create_graph=True)` leaves x → x.grad → x, for the collector or for `x.grad = None`."""
    x = mg.ones(2, requires_grad=True)
    (x * x).sum().backward(create_graph=True)
    gone = weakref.ref(x._data)
    del x
    assert gone() is not None
    gc.collect()
    assert gone() is None


def test_ten_thousand_training_steps_grow_by_nothing(no_collector: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulls, "_printed", Counter())  # so that a plan is printed at once
    monkeypatch.setattr(pulls, "_swept", Counter())
    mg.manual_seed(0)
    x, y = mg.randn(8, 3), mg.tensor([0, 1] * 4)
    net = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.Tanh(), mg.nn.Linear(4, 2))
    optimizer = mg.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def steps(count: int) -> tuple[int, int]:
        for _ in range(count):
            optimizer.zero_grad()
            mg.nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        return tracemalloc.get_traced_memory()[0], len(gc.get_objects())

    steps(100)
    tracemalloc.start()
    before, objects = steps(100)
    after, more = steps(9_800)
    tracemalloc.stop()
    assert after - before < 2_000
    assert more - objects <= 2


# ---- formats, anomalies, the other engine --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{mg.tensor(3.14159):.2f}", "3.14"), (f"{mg.tensor(7):>4d}", "   7"), (f"{mg.tensor(0.5)}", "0.5"),
        (f"{mg.tensor(True)}", "True"), (f"{mg.tensor(0.25, requires_grad=True):.1%}", "25.0%"),
        (f"{mg.tensor([1.0])}", "tensor([1.])"), (f"{mg.tensor(2.0, requires_grad=True) * 1:6.2f}", "  2.00"),
    ],
)  # fmt: skip
def test_a_number_is_formatted_as_one(text: str, expected: str) -> None:
    assert text == expected


def anomaly(function: Callable[[Tensor], Any]) -> str:
    x = mg.tensor([0.0, -1.0, 4.0], requires_grad=True)
    x.label = "x"
    with mg.detect_anomaly(), mg.scope("loss"), pytest.raises(AnomalyError) as caught:
        function(x)
    assert isinstance(caught.value, RuntimeError)  # PyTorch's error
    return str(caught.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x.log(), ["log of tensors of shape (3,)", "'loss'", "-inf in the forward pass"]),
        (lambda x: x.sum() * math.nan, ["mul of tensors of shape ()", "nan in the forward pass"]),
        (lambda x: x.abs().sqrt().sum().backward(), ["sqrt of", "handed on inf in the backward pass"]),
        (lambda x: mg.where(x > 0, x, 0.0).sqrt().sum().backward(create_graph=True),
         ["sqrt of", "handed on inf in the backward pass"]),
        (lambda x: (x.mul(1).div_(0.0)), ["div of", "forward pass"]),
    ],
)  # fmt: skip
def test_an_anomaly_is_told_where_it_arises(function: Any, words: list[str]) -> None:
    message = anomaly(function)
    assert all(word in message for word in words), message


def test_an_infinity_without_detect_anomaly_is_none() -> None:
    x = mg.tensor([0.0], requires_grad=True)
    x.log().sum().backward()
    assert x.grad.tolist() == [math.inf]


V = Value(2.0)
MIXED: list[Callable[[Tensor], Any]] = [
    lambda x: x + V, lambda x: V * x, lambda x: x**V, lambda x: V - x, lambda x: x @ V, lambda x: x < V,
    lambda x: mg.maximum(x, V), lambda x: mg.maximum(V, x), lambda x: mg.where(x > 0, x, V), lambda x: mg.stack([x, V]),
    lambda x: mg.tensor([V]), lambda x: mg.as_tensor(V), lambda x: mg.full((2,), V), lambda x: x.detach().add_(V),
    lambda x: x.detach().__setitem__(0, V), lambda x: x.backward(V), lambda x: mg.grad(V * V, x),
    lambda x: mg.grad(x.sum(), V), lambda x: mg.sum(V), lambda x: mg.nn.functional.mse_loss(x, V), lambda x: Value(x),
]  # fmt: skip


@pytest.mark.parametrize("mixed", MIXED)
def test_values_and_tensors_do_not_mix(mixed: Callable[[Tensor], Any]) -> None:
    with pytest.raises(TypeError, match="Value"):
        mixed(mg.tensor([1.0, 2.0], requires_grad=True))


def test_a_tensor_is_equal_to_no_value() -> None:
    assert (mg.tensor([1.0]) == V) is False
    assert (mg.tensor([1.0]) != V) is True


# ---- handles -------------------------------------------------------------------------------------------------
def test_tensors_hash_by_identity_and_compare_by_element() -> None:
    a, b = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 3.0])
    assert len({a, b, a}) == 2
    assert (a == b).tolist() == [True, False]
    assert a in [a, b]
    assert (a == "x", a != None) == (False, True)  # noqa: E711


def test_a_label_names_a_tensor_with_and_without_a_graph() -> None:
    x = mg.tensor([1.0])
    x.label = "x"
    assert x.label == "x"
    x.requires_grad_()
    assert x.label == "x"
    (y := x * 2).label = "y"
    assert y.label == "y"
    assert (y + 1).label == ""
    assert copy.deepcopy(x).label == "x"


def test_operators_with_arrays_give_tensors() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    ones = np.ones(2, np.float32)
    for y in (ones * x, x * ones, ones - x, np.float64(2) * x, np.ones((2, 2), np.float32) @ x, x @ ones):
        assert isinstance(y, Tensor)
        assert y.requires_grad
        assert y.dtype == mg.float32
    assert type(np.asarray(x.detach())) is np.ndarray


def test_a_tensor_shows_its_rules_as_methods() -> None:
    names = {"sin", "relu_", "matmul", "max", "backward", "grad", "add_", "new_zeros", "uniform_"}
    assert names <= set(dir(mg.tensor(1)))


def test_what_leaves_the_graph_keeps_its_gradient() -> None:
    x = mg.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    assert x.detach_().grad.tolist() == [2, 2]
    assert not x.requires_grad


def test_what_is_kept_in_between_follows_a_change_in_place() -> None:
    a = mg.ones(2, requires_grad=True)
    h = a * 2.0
    h.retain_grad()
    h.mul_(3)
    h.sum().backward()
    assert (h.grad.tolist(), a.grad.tolist()) == ([1, 1], [6, 6])


def test_a_gradient_that_is_kept_in_between_is_added_up_in_a_new_tensor() -> None:
    h = mg.ones(2, requires_grad=True) * 2.0
    h.retain_grad()
    h.sum().backward(retain_graph=True)
    first = h.grad
    h.sum().backward()
    assert (first.tolist(), h.grad.tolist()) == ([1, 1], [2, 2])


@pytest.mark.filterwarnings("error")
def test_gradients_that_cancel_to_nan_add_up_without_a_warning() -> None:
    a = mg.ones(1, requires_grad=True)
    for factor in (math.inf, -math.inf):
        (a * factor).backward(mg.ones(1))
    assert math.isnan(a.grad.item())
