"""Every rule of structural.py against finite differences, to second order: shapes, layouts in memory, axes, dtypes."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradx as mg
from microgradx.pulls import DIRECT, chain
from microgradx.rules import RULES
from microgradx.structural import STRUCTURAL, arrays, count, explicit, grid, kept, unbroadcast
from microgradx.tensor import Tensor, apply, grad, tensors
from microgradx.testing import ENGINES, check_grad, check_vjp_contract

Array = np.ndarray[Any, Any]


# ---- inputs ----------------------------------------------------------------------------------------------
class Case(NamedTuple):
    """A rule on inputs of these shapes, whose numbers lie in (low, high) and do not tie; `call` adds the constants."""

    shapes: Sequence[tuple[int, ...]]
    call: Callable[..., Any]
    low: float = -2.0
    high: float = 2.0


CASES: dict[str, st.SearchStrategy[Case]] = {}


def case(name: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        CASES[name] = st.composite(lambda draw: function(draw, lambda *inputs: apply(STRUCTURAL[name], *inputs)))()
        return function

    return add


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0) -> st.SearchStrategy[tuple[int, ...]]:
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=3)


def axis(shape: tuple[int, ...]) -> st.SearchStrategy[int]:
    return st.integers(-len(shape), len(shape) - 1)


def axes(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """None, one axis, or several, as functions.py hands them on."""
    if not shape:
        return st.none()
    several = st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True).map(tuple)
    return st.none() | axis(shape) | several


def broadcastable(draw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to this one."""
    cut = draw(st.integers(0, len(shape)))
    return tuple(1 if draw(st.booleans()) else n for n in shape[cut:])


def spaced(seed: int, shape: tuple[int, ...], low: float, high: float) -> Array:
    """Numbers without ties, also in size, and none of them 0: no step of a difference crosses a kink."""
    draw, n = np.random.default_rng(seed), math.prod(shape)
    size = (np.arange(n) + draw.uniform(0.3, 0.7, n)) / max(n, 1)
    found = low + (high - low) * (0.05 + 0.9 * size) if low >= 0 else max(-low, high) * (0.1 + 0.9 * size)
    if low < 0:
        found *= draw.choice([-1, 1], n)
    return np.asarray(draw.permutation(found).reshape(shape))


def laid_out(array: Array, how: str) -> Array:
    """The same numbers elsewhere in memory."""
    if how == "transposed":
        return array.T.copy().T
    if how == "every other":
        wide = np.zeros([2 * n for n in array.shape], array.dtype)
        view: Array = wide[(..., *(slice(None, None, 2) for _ in array.shape))]
        view[...] = array
        return view
    if how == "backwards":
        back = (..., *(slice(None, None, -1) for _ in array.shape))
        return array[back].copy()[back]
    return array


LAYOUTS = st.sampled_from(["in order", "transposed", "every other", "backwards"])


# ---- one strategy a rule ---------------------------------------------------------------------------------
def reduction(name: str, min_side: int = 0, low: float = -2.0) -> None:
    @case(name)
    def _(draw: Any, run: Any) -> Case:
        shape = draw(shapes(min_side=min_side))
        dim, keepdim = draw(axes(shape)), draw(st.booleans())
        return Case([shape], lambda x: run(x, dim, keepdim), low)


for _name in ("sum", "mean", "logsumexp"):
    reduction(_name)
reduction("amax", 1)
reduction("amin", 1)


@case("prod")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    dim, keepdim = draw(st.none() | axis(shape) if shape else st.none()), draw(st.booleans())
    return Case([shape], lambda x: run(x, dim, keepdim))


def _deviation(name: str) -> None:
    @case(name)
    def _(draw: Any, run: Any) -> Case:
        shape = draw(shapes(min_side=1))
        dim, keepdim, less = draw(axes(shape)), draw(st.booleans()), draw(st.sampled_from([0.0, 1.0, 0.5]))
        assume(count(shape, dim) > 1)  # of one number the deviation is 0 / 0
        return Case([shape], lambda x: run(x, dim, less, keepdim))


_deviation("var")
_deviation("std")


@case("norm")
def _(draw: Any, run: Any) -> Case:
    p = draw(st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, -1.0, math.inf, -math.inf]))
    shape = draw(shapes(min_side=1 if p in (math.inf, -math.inf, -1.0) else 0))
    dim, keepdim = draw(axes(shape)), draw(st.booleans())
    return Case([shape], lambda x: run(x, p, dim, keepdim))


def along(name: str) -> None:
    @case(name)
    def _(draw: Any, run: Any) -> Case:
        shape = draw(shapes(min_dims=1))
        dim = draw(axis(shape))
        return Case([shape], lambda x: run(x, dim))


for _name in ("softmax", "log_softmax", "cumsum", "cumprod"):
    along(_name)


@case("reshape")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    wanted = draw(st.sampled_from([(math.prod(shape),), shape[::-1], (*shape, 1), (1, *shape)]))
    return Case([shape], lambda x: run(x, wanted))


@case("permute")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    dims = tuple(d - draw(st.sampled_from([0, len(shape)])) for d in draw(st.permutations(range(len(shape)))))
    return Case([shape], lambda x: run(x, dims))


@case("expand")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    return Case([broadcastable(draw, shape)], lambda x: run(x, shape))


@case("flip")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1))
    dim = draw(axis(shape) | st.sampled_from([(), tuple(range(len(shape)))]))
    return Case([shape], lambda x: run(x, dim))


@case("roll")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1))
    shift = draw(st.integers(-4, 4))
    both = draw(st.booleans()) and len(shape) > 1
    shifts, dim = ((shift, 1), (0, 1)) if both else (shift, draw(axis(shape)))
    return Case([shape], lambda x: run(x, shifts, dim))


@case("clone")
def _(draw: Any, run: Any) -> Case:
    return Case([draw(shapes())], run)


@case("constant_pieces")
def _(draw: Any, run: Any) -> Case:
    function = draw(st.sampled_from([np.sign, lambda x: np.floor(x * 0.3)]))
    return Case([draw(shapes())], lambda x: run(x, function))


@case("cast")
def _(draw: Any, run: Any) -> Case:
    return Case([draw(shapes())], lambda x: run(x, getattr(x, "_data", x)))


@case("narrow")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1))
    dim = draw(axis(shape))
    start = draw(st.integers(0, shape[dim]))
    length = draw(st.integers(0, shape[dim] - start))
    return Case([shape], lambda x: run(x, dim, start, length))


@case("cat")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1))
    dim = draw(axis(shape))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [tuple(n if i == dim % len(shape) else m for i, m in enumerate(shape)) for n in sizes]
    return Case(parts, lambda *xs: run(dim, *xs))


@case("stack")
def _(draw: Any, run: Any) -> Case:
    shape, n = draw(shapes(max_dims=2)), draw(st.integers(1, 3))
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    return Case([shape] * n, lambda *xs: run(dim, *xs))


def keys(draw: Any, shape: tuple[int, ...]) -> Any:
    """Of slices, numbers and new axes; of arrays, whose places may come again; of a mask. For a non-empty shape."""
    kind = draw(st.sampled_from(["basic", "rows", "places", "mask", "along"]))
    if kind == "basic":
        key = draw(hnp.basic_indices(shape, allow_newaxis=True))
        key = key if isinstance(key, tuple) else (key,)
        return key if Ellipsis in key else (*key, Ellipsis)
    if kind == "mask":
        return (draw(hnp.arrays(bool, shape)),)
    whole = lambda n, size: draw(hnp.arrays(np.int64, size, elements=st.integers(-n, n - 1)))
    if kind == "rows":
        return (whole(shape[0], draw(shapes(max_dims=2))),)
    if kind == "along":
        return (*(slice(None),) * (len(shape) - 1), whole(shape[-1], 4))
    return tuple(whole(n, 3) for n in shape)


@case("index")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    key = keys(draw, shape)
    return Case([shape], lambda x: run(x, key))


@case("index_add")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    key = keys(draw, shape)
    return Case([np.empty(shape)[key].shape], lambda g: run(g, shape, key))


@case("put")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    key = keys(draw, shape)
    part = np.arange(math.prod(shape)).reshape(shape)[key]
    assume(np.unique(part).size == part.size)  # which of several values stays is not said
    return Case([shape, broadcastable(draw, part.shape)], lambda x, value: run(x, value, key))


def places(draw: Any, shape: tuple[int, ...], dim: int) -> Array:
    """An index along `dim`, elsewhere as large as the shape or smaller."""
    size = tuple(draw(st.integers(0, 4 if i == dim else n)) for i, n in enumerate(shape))
    return draw(hnp.arrays(np.int64, size, elements=st.integers(0, shape[dim] - 1)))  # type: ignore[no-any-return]


@case("gather")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    dim = draw(st.integers(0, len(shape) - 1))
    index = places(draw, shape, dim)
    return Case([shape], lambda x: run(x, dim, index))


@case("scatter_add")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    dim = draw(st.integers(0, len(shape) - 1))
    index = places(draw, shape, dim)
    return Case([index.shape], lambda g: run(g, dim, index, shape))


@case("diagonal")
def _(draw: Any, run: Any) -> Case:
    shape, offset = draw(shapes(min_dims=2)), draw(st.integers(-3, 3))
    return Case([shape], lambda x: run(x, offset))


def triangle(name: str) -> None:
    @case(name)
    def _(draw: Any, run: Any) -> Case:
        shape, k = draw(shapes(min_dims=2)), draw(st.integers(-3, 3))
        return Case([shape], lambda x: run(x, k))


triangle("tril")
triangle("triu")


@case("matmul")
def _(draw: Any, run: Any) -> Case:
    n, k, m = (draw(st.integers(0, 3)) for _ in range(3))
    batch = draw(shapes(max_dims=2))
    left, right = draw(st.sampled_from([((k,), (k,)), ((k,), (k, m)), ((n, k), (k,)), ((n, k), (k, m))]))
    if len(left) > 1:
        left = (*broadcastable(draw, batch), *left)
    if len(right) > 1:
        right = (*broadcastable(draw, batch), *right)
    return Case([left, right], run)


@case("linear")
def _(draw: Any, run: Any) -> Case:
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    lead = draw(shapes(min_dims=1, max_dims=2))
    bias = draw(st.booleans())
    return Case([(*lead, n), (m, n)] + [(m,)] * bias, lambda x, w, b=None: run(x, w, b))


@case("einsum")
def _(draw: Any, run: Any) -> Case:
    size = {c: draw(st.integers(0, 3)) for c in "ijkb"}
    equation = draw(st.sampled_from([
        "ij->", "ij->i", "ij->ji", "ij->ij", "ii->i", "ii->", "iij->ji", "i,i->", "i,j->ij", "ij,jk->ik", "ij,ij->j",
        "ij,k->k", "bij,bjk->bik", "bij,jk->bik", "ij,jk,kb->ib", "ij,ij,i->", "i,i,i->i", "ii,ij->j",
    ]))  # fmt: skip
    terms = equation.split("->")[0].split(",")
    return Case([tuple(size[c] for c in term) for term in terms], lambda *xs: run(equation, *xs))


@case("standardize")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    dim, eps = draw(axes(shape)), draw(st.sampled_from([1e-2, 0.5]))
    return Case([shape], lambda x: run(x, dim, eps))


@case("cross_entropy")
def _(draw: Any, run: Any) -> Case:
    n, classes = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    target = draw(hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1)))
    weight = draw(st.sampled_from([0.3, np.array([0.5, 2.0, 0.0])[:n]]))
    return Case([(n, classes)], lambda x: run(x, target, weight))


@case("mse")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    return Case([shape, shape], lambda x, target: run(x, target, 0.7))


@case("huber")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    off, delta = draw(st.sampled_from([(0.0, 10.0), (10.0, 0.7), (-10.0, 0.7)]))  # all within delta, or all beyond it
    return Case([shape, shape], lambda x, target: run(x, target + off, delta))


@case("binary_cross_entropy")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    return Case([shape, shape], run, 0.2, 0.8)


@case("binary_cross_entropy_with_logits")
def _(draw: Any, run: Any) -> Case:
    shape = draw(shapes())
    positive = draw(st.sampled_from([1.0, 2.5]))
    return Case([shape, shape], lambda x, target: run(x, target, positive), 0.0, 1.0)


def test_every_rule_has_a_case() -> None:
    assert set(CASES) == set(STRUCTURAL)


# ---- gradients -------------------------------------------------------------------------------------------
class LaidOut:
    """This project's Tensors, for microgradx.testing, on arrays that lie otherwise in memory."""

    def __init__(self, how: str) -> None:
        self.name, self.how, self.engine = f"microgradx, {how}", how, ENGINES["microgradx"]

    def value(self, f: Any, xs: Sequence[Array]) -> Array:
        return self.engine.value(f, [laid_out(x, self.how) for x in xs])

    def vjp(self, f: Any, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        return self.engine.vjp(f, [laid_out(x, self.how) for x in xs], laid_out(cotangent, self.how))

    def gradient(self, f: Any, cotangent: Array) -> Any:
        return self.engine.gradient(f, laid_out(cotangent, self.how))  # type: ignore[attr-defined]


def leaves(xs: Sequence[Array]) -> list[Tensor]:
    return [Tensor._of(x).requires_grad_() for x in xs]


def contracted(weights: Sequence[Array], found: Sequence[Any]) -> Any:
    """Σ weight · tensor."""
    return sum(((Tensor._of(w) * x).sum() for w, x in zip(weights, found, strict=True)), Tensor._of(np.zeros(())))


def drawn(draw: np.random.Generator, like: Sequence[Any]) -> list[Array]:
    return [np.asarray(draw.uniform(0.5, 1.5, x.shape) * draw.choice([-1, 1], x.shape)) for x in like]


def first_order(call: Any, xs: Sequence[Array], cotangent: Array, create_graph: bool = False) -> Any:
    """The leaves and the gradients by them, and by the cotangent too."""
    given = leaves([*xs, cotangent])
    y = call(*given[:-1])
    found = grad(y, given[:-1], given[-1], create_graph=create_graph, materialize_grads=True)
    return given, found


names = pytest.mark.parametrize("name", STRUCTURAL)


@names
@settings(max_examples=60)
@given(st.data(), st.integers(0, 2**32), LAYOUTS)
def test_gradients_of_both_orders_are_slopes(name: str, data: st.DataObject, seed: int, layout: str) -> None:
    made: Case = data.draw(CASES[name])
    xs = [spaced(seed + i, shape, made.low, made.high) for i, shape in enumerate(made.shapes)]
    (cotangent,) = drawn(np.random.default_rng(seed), [made.call(*map(Tensor._of, xs))])
    found, plain = (first_order(made.call, xs, cotangent, create_graph)[1] for create_graph in (True, False))
    assert [g.shape for g in plain] == [x.shape for x in xs]
    assert all(g._data.dtype == np.float64 for g in plain)
    for a, b in zip(found, plain, strict=True):  # one line, in the world of tensors and in that of arrays
        np.testing.assert_allclose(a.detach().numpy(), b.numpy(), 1e-12, 1e-12)
    if sum(x.size for x in xs):  # what a mean of nothing is the slope of is not said
        f = lambda *given: made.call(*given[:-1]) * given[-1]  # by the cotangent too
        check_grad(f, *xs, cotangent, engine=LaidOut(layout), order=2, directions=1, resolution=1e-7, seed=seed)


@names
@settings(max_examples=15)
@given(st.data(), st.integers(0, 2**32))
def test_float32_stays_float32_to_second_order(name: str, data: st.DataObject, seed: int) -> None:
    made: Case = data.draw(CASES[name])
    wide = [spaced(seed + i, shape, made.low, made.high) for i, shape in enumerate(made.shapes)]
    (cotangent,) = drawn(np.random.default_rng(seed), [made.call(*map(Tensor._of, wide))])
    exact = first_order(made.call, wide, cotangent)[1]
    given, found = first_order(made.call, [x.astype(np.float32) for x in wide], cotangent.astype(np.float32), True)
    assert all(g._data.dtype == np.float32 for g in found)
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.numpy(), 2e-4, 2e-4)
    total = contracted([np.ones(g.shape, np.float32) for g in found], found)
    if total.requires_grad:
        second = grad(total, given, allow_unused=True)
        assert all(g is None or g._data.dtype == np.float32 for g in second)


@names
@settings(max_examples=25)
@given(st.data(), st.integers(0, 2**32))
def test_a_rule_keeps_the_contract_of_a_vjp(name: str, data: st.DataObject, seed: int) -> None:
    """It changes none of its inputs, among other things."""
    made: Case = data.draw(CASES[name])
    xs = [spaced(seed + i, shape, made.low, made.high) for i, shape in enumerate(made.shapes)]
    check_vjp_contract(made.call, *xs, engine="microgradx", skip=["view"] * STRUCTURAL[name].view)


@names
@settings(max_examples=25)
@given(st.data(), st.integers(0, 2**32))
def test_what_a_gradient_reads_is_what_the_rule_says(name: str, data: st.DataObject, seed: int) -> None:
    """`keeps` decides what is watched for changes in place: all other numbers may be lost."""
    made: Case = data.draw(CASES[name])
    xs = [spaced(seed + i, shape, made.low, made.high) for i, shape in enumerate(made.shapes)]
    y = made.call(*leaves(xs))
    assume(y.requires_grad)
    (cotangent,) = drawn(np.random.default_rng(seed), [y])
    rule, node = STRUCTURAL[name], y._node
    last = len(rule.inputs) - 1
    lost = lambda x: np.full(x.shape, np.nan) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
    for slot in node.at:
        words = rule.keeps[min(slot, last)].split()
        args = [x if rule.inputs[min(i, last)] in words else lost(x) for i, x in enumerate(node.args)]
        output = node._data if "y" in words else lost(node._data)
        with np.errstate(all="ignore"):
            found, expected = (
                rule.vjp(slot)(arrays, cotangent, out, *inputs)
                for out, inputs in ((output, args), (node._data, node.args))
            )
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", [name for name, rule in STRUCTURAL.items() if rule in DIRECT])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@settings(max_examples=25)
@given(st.data(), st.integers(0, 2**32))
def test_gradients_come_in_shape_and_dtype(name: str, kind: Any, data: st.DataObject, seed: int) -> None:
    """Those that the sweep hands on without a look."""
    made: Case = data.draw(CASES[name])
    xs = [spaced(seed + i, shape, made.low, made.high).astype(kind) for i, shape in enumerate(made.shapes)]
    y = made.call(*leaves(xs))
    assume(y.requires_grad)
    node = y._node
    assert node.rule is STRUCTURAL[name]
    for slot, parent in zip(node.at, node._a, strict=True):
        with np.errstate(all="ignore"):
            found = node.rule.vjps[slot](arrays, np.ones_like(node._data), node._data, *node.args)
        assert (found.shape, found.dtype) == (parent._data.shape, parent._data.dtype)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule in DIRECT])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0)])
def test_elementwise_gradients_come_in_shape_and_dtype(name: str, kind: Any, shape: tuple[int, ...]) -> None:
    x = np.full(shape, 0.5, kind)
    with np.errstate(all="ignore"):
        y = np.asarray(RULES[name].value(arrays, x))
        found = chain(np.ones_like(y), RULES[name].partials[0](arrays, y, x))
    assert (found.shape, found.dtype) == (shape, kind)


@names
def test_a_rule_has_a_formula_for_each_gradient(name: str) -> None:
    rule = STRUCTURAL[name]
    assert all(rule.formulas[slot] for slot, vjp in enumerate(rule.vjps) if vjp is not None)
    assert repr(rule) == f"<structural rule {name}({', '.join(rule.inputs)})>"


# ---- where elements tie, or there are none -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "constants", "x", "expected"),
    [
        ("amax", (None, False), [1.0, 3.0, 3.0, 2.0], [0, 0.5, 0.5, 0]),
        ("amin", (1, True), [[1.0, 1.0], [2.0, 1.0]], [[0.5, 0.5], [0, 1]]),
        ("norm", (2.0, None, False), [0.0, 0.0], [0, 0]),
        ("norm", (1.0, None, False), [0.0, -2.0], [0, -1]),
        ("norm", (3.0, None, False), [0.0, 0.0], [0, 0]),
        ("norm", (math.inf, None, False), [2.0, -2.0, 1.0], [0.5, -0.5, 0]),
        ("std", (None, 1.0, False), [2.0, 2.0], [0, 0]),
        ("prod", (None, False), [0.0, 2.0, 3.0], [6, 0, 0]),
        ("prod", (0, False), [0.0, 0.0, 3.0], [0, 0, 0]),
        ("cumprod", (0,), [2.0, 0.0, 3.0], [1, 8, 0]),
        ("logsumexp", (None, False), [-math.inf, 0.0], [0, 1]),
        ("logsumexp", (None, False), [1000.0, 1000.0], [0.5, 0.5]),
        ("softmax", (0,), [1000.0, 0.0, -1000.0], [0, 0, 0]),
        ("log_softmax", (0,), [1000.0, 0.0], [-1, 1]),
        ("constant_pieces", (np.floor,), [2.0, 2.5], [0, 0]),
    ],
)  # fmt: skip
def test_gradients_at_the_edges(name: str, constants: Any, x: Any, expected: Any) -> None:
    leaf = Tensor._of(np.array(x)).requires_grad_()
    apply(STRUCTURAL[name], leaf, *constants).sum().backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "constants", "expected"),
    [
        ("sum", (None, False), 0.0), ("mean", (None, False), math.nan), ("prod", (None, False), 1.0),
        ("var", (None, 1.0, False), math.nan), ("norm", (2.0, None, False), 0.0),
        ("logsumexp", (None, False), -math.inf),
    ],
)  # fmt: skip
def test_what_nothing_adds_up_to(name: str, constants: Any, expected: float) -> None:
    found = apply(STRUCTURAL[name], Tensor._of(np.empty((0, 3))), *constants).item()
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_float16_is_added_up_in_float32() -> None:
    ones = Tensor._of(np.full((70_000,), 1.5, np.float16))
    assert apply(STRUCTURAL["mean"], ones, None, False).item() == 1.5
    assert apply(STRUCTURAL["sum"], Tensor._of(np.full((5000,), 1.001, np.float16)), None, False).item() == 5004
    assert apply(STRUCTURAL["sum"], ones, None, False).dtype == ones.dtype


def test_sums_along_an_axis_of_any_length_keep_no_memory_of_its_size() -> None:
    for shape, dim in (((2_000_000, 1), 0), ((1, 2_000_000), 1), ((1, 2_000_000), -1)):
        x = Tensor._of(np.ones(shape, np.float32))
        tracemalloc.start()
        assert apply(STRUCTURAL["sum"], x, dim, False).tolist() == [2_000_000.0]
        assert tracemalloc.get_traced_memory()[0] < 100_000
        tracemalloc.stop()


# ---- helpers -----------------------------------------------------------------------------------------------
@given(st.data(), shapes())
def test_kept_and_count_are_what_numpy_gives(data: st.DataObject, shape: tuple[int, ...]) -> None:
    dim = data.draw(axes(shape))
    ones = np.ones(shape)
    assert kept(shape, dim) == ones.sum(axis=dim, keepdims=True).shape
    expected = ones.sum(axis=dim).reshape(-1)
    assert not expected.size or count(shape, dim) == expected[0]


@pytest.mark.parametrize("how", ["in order", "transposed", "every other"])
def test_many_numbers_in_float32_are_added_up_well(how: str) -> None:
    """NumPy adds rows one after the other: of 300,000 rows near 100 the mean was off by 0.2."""
    x = laid_out(np.random.default_rng(0).random((300_000, 2)).astype(np.float32) + np.float32(100), how)
    t, exact = Tensor._of(x), x.astype(float)
    for dim in (0, 1, None, (0, 1)):
        assert np.allclose(t.sum(dim).numpy(), exact.sum(dim), rtol=3e-7)
        assert np.allclose(t.mean(dim).numpy(), exact.mean(dim), rtol=3e-7)
        assert np.allclose(t.std(dim).numpy(), exact.std(dim, ddof=1), rtol=1e-5, atol=1e-5)
    assert np.allclose(t.norm(dim=0).numpy(), np.linalg.norm(exact, axis=0), rtol=3e-7)
    assert np.allclose(t.cumsum(0).numpy()[-1], exact.sum(0), rtol=3e-7)
    bias = Tensor._of(np.zeros(2, np.float32)).requires_grad_()
    ((Tensor._of(x) + bias) * 0.1).sum().backward()
    assert np.allclose(bias.grad.numpy(), 30_000, rtol=3e-7)


def test_halves_are_squared_in_float32() -> None:
    x = Tensor._of(np.array([300.0, 400.0], np.float16))
    assert (x.norm().item(), x.var().item(), x.std().item()) == (500, 5000, 70.6875)
    assert apply(STRUCTURAL["standardize"], x, 0, 1e-5).tolist() == [-1, 1]


@pytest.mark.parametrize("call", [
    lambda x: x.mT[:, [1, 0]], lambda x: x.mT[:, [True, False, True, True]], lambda x: x.mT.softmax(-1),
    lambda x: x.mT.log_softmax(0), lambda x: x.mT.cumsum(1), lambda x: mg.cat([x.mT, x.mT]),
    lambda x: mg.stack([x.mT] * 2), lambda x: mg.einsum("btc,bsc->bts", x, x),
    lambda x: mg.einsum("btc,cd->dbt", x, x[0].T), lambda x: x.permute(2, 1, 0).sum(1),
    lambda x: x.permute(2, 1, 0).std(0), lambda x: mg.nn.LayerNorm(3)(x.mT),
])  # fmt: skip
def test_results_lie_in_order_so_that_view_takes_them(call: Any) -> None:
    y = call(Tensor._of(np.random.default_rng(0).random((2, 3, 4))).float())
    assert y.is_contiguous()
    assert y.view(-1).tolist() == y.reshape(-1).tolist()


def test_an_infinite_gradient_reaches_the_extreme_alone() -> None:
    a, b = (Tensor._of(np.array(x)).requires_grad_() for x in ([1.0, 2.0], [2.0, 1.0]))
    g = Tensor._of(np.array([math.inf, -math.inf]))
    for function, chosen in ((mg.maximum, [0, -math.inf]), (mg.minimum, [math.inf, 0])):
        assert grad(function(a, b), [a], g)[0].tolist() == chosen
    for y in (a.max(), a.amax(0), mg.stack([a, b]).max(0).values.max()):
        assert not np.isnan(grad(y, [a], Tensor._of(np.array(math.inf)))[0].numpy()).any()


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "abs", "clamp"])
def test_the_second_derivative_of_pieces_is_zero(name: str) -> None:
    x = Tensor._of(np.array([1.0, -1.0, 0.25])).requires_grad_()
    y = getattr(x, name)(*[-0.5, 0.5][: 2 * (name == "clamp")])
    (first,) = grad(y, [x], Tensor._of(np.ones(3)), create_graph=True)
    (second,) = grad(first, [x], Tensor._of(np.ones(3)))
    assert second.tolist() == [0, 0, 0]


@given(st.data(), shapes())
def test_unbroadcast_adds_up_each_copy(data: st.DataObject, shape: tuple[int, ...]) -> None:
    small = broadcastable(data.draw, shape)
    g = np.arange(math.prod(shape), dtype=float).reshape(shape)
    found = unbroadcast(arrays, g, small)
    expected = np.zeros(small)
    places = np.broadcast_to(np.arange(expected.size).reshape(small), shape)
    np.add.at(expected.reshape(-1), places.reshape(-1), g.reshape(-1))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64])
def test_places_of_any_integer_dtype_are_added_up(kind: Any) -> None:
    x = Tensor._of(np.zeros((120, 3))).requires_grad_()
    x[Tensor._of(np.array([100, -1, 100], kind))].sum().backward()
    assert x.grad is not None
    assert {i: x.grad._data[i, 0] for i in np.flatnonzero(x.grad._data[:, 0])} == {100: 2.0, 119: 1.0}


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("ij,jk", [(2, 3), (3, 4)], "ij,jk->ik"), ("ii", [(2, 2)], "ii->"), ("ji", [(2, 3)], "ji->ij"),
        ("...i->...", [(2, 3, 4)], "abi->ab"), ("...ij,jk->...ik", [(5, 2, 3), (3, 4)], "aij,jk->aik"),
        ("...,...", [(2, 3), (3,)], "ab,b->ab"), (" i j -> j i ", [(2, 3)], "ij->ji"),
    ],
)  # fmt: skip
def test_an_equation_is_made_explicit(equation: str, shapes: Any, expected: str) -> None:
    assert explicit(equation, shapes) == expected


@pytest.mark.parametrize(("equation", "shapes", "words"), [
    ("ij,jk", [(2, 3)], "2 inputs, got 1"),
    ("ij", [(2, 3, 4)], r"'ij' has 2 indices, but its tensor has shape \(2, 3, 4\)"),
])
def test_an_equation_that_does_not_fit_is_refused(equation: str, shapes: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        explicit(equation, shapes)


def test_grid_is_the_key_of_an_index_along_an_axis() -> None:
    x, index = np.arange(12).reshape(3, 4), np.array([[2, 0], [1, 1]])
    assert x[grid(index, 0)].tolist() == [[8, 1], [4, 5]]
    assert x[grid(index, 1)].tolist() == [[2, 0], [5, 5]]
    assert grid(np.array(0), 0) == ()


def test_the_world_of_tensors_has_the_rules_and_nothing_else() -> None:
    x = Tensor._of(np.array([1.0, 2.0])).requires_grad_()
    assert tensors.cumsum(x, 0).tolist() == [1.0, 3.0]
    with pytest.raises(AttributeError, match="no rule is called 'nonsense'"):
        _ = tensors.nonsense
