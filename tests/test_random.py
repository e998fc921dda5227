"""Random numbers against PyTorch: its stored numbers everywhere, random programs in both where it is installed."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx import random
from microgradx.random import Generator
from tests.oracle.random import BY_PROCESSOR, EXACT, FILE, ROUNDED, SHAPED, evaluate, written

STORED = json.loads(FILE.read_text(encoding="utf-8"))
#: relative and absolute: the last bits of functions, and of sums that come out small
NEAR = {"torch.float32": (1e-6, 2e-6), "torch.float64": (1e-12, 1e-15), "torch.float16": (2e-3, 1e-3)}
INEXACT = "randn", "normal", "exponential_", "cauchy_", "dtype=torch.float64).uniform_"
FILLS = "uniform_ normal_ random_ bernoulli_ exponential_ log_normal_ cauchy_ geometric_".split()


def compare(step: str, found: list[Any], expected: list[Any]) -> None:
    """(dtype, shape, numbers) of two libraries: near where functions are rounded, else equal."""
    assert found[:2] == expected[:2], step
    if any(word in step for word in INEXACT):
        rtol, atol = NEAR[expected[0]]
        np.testing.assert_allclose(found[2], expected[2], rtol, atol, err_msg=step)
    else:
        assert found[2] == expected[2], step


# ---- the numbers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", STORED["streams"], ids=lambda stream: f"seed {stream['seed']}")
def test_streams_are_pytorchs(stream: dict[str, Any]) -> None:
    g = Generator().manual_seed(stream["seed"])
    for step, *expected in stream["steps"]:
        compare(step, written(evaluate(step, mg, g)), expected)


def test_the_twister_is_that_of_the_standard() -> None:
    # C++'s [rand.predef]: the 10,000th number of mt19937, whose default seed is 5489
    assert Generator().manual_seed(5489)._words(10_000)[-1] == 4123659995


def test_numbers_that_readers_know() -> None:
    mg.manual_seed(0)  # the beginning of countless PyTorch tutorials
    assert mg.rand(2, 3).tolist()[1] == pytest.approx([0.1320, 0.3074, 0.6341], abs=5e-5)
    g = Generator().manual_seed(2147483647)  # makemore's first lecture: p, then samples of it
    p = mg.rand(3, generator=g)
    p = p / p.sum()
    assert p.tolist() == pytest.approx([0.6064, 0.3033, 0.0903], abs=5e-5)
    assert mg.multinomial(p, num_samples=10, replacement=True, generator=g).tolist() == [1, 1, 2, 0, 0, 2, 1, 1, 0, 0]


@pytest.mark.parametrize("row", STORED["trunc_normal"], ids=lambda row: str(row[:4]))
def test_truncated_normal(row: list[float]) -> None:
    (mean, std, a, b), expected = row[:4], row[4:]
    mg.manual_seed(3)
    drawn = random.trunc_normal_(mg.empty(4, 25), mean, std, a, b)
    assert [*drawn.ravel().tolist(), mg.rand(1).item()] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert ((drawn >= a) & (drawn <= b)).all()


def test_truncated_normal_warns_of_a_rare_range() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        drawn = random.trunc_normal_(mg.empty(9), 0.0, 1.0, 4.0, 5.0)
    assert ((drawn >= 4) & (drawn <= 5)).all()


@pytest.mark.parametrize(("columns", "rows", "weight", "bias"), STORED["linear"])
def test_a_linear_layer_is_two_uniforms(columns: int, rows: int, weight: list[float], bias: list[float]) -> None:
    mg.manual_seed(4)
    bound = 1 / math.sqrt(columns)
    for shape, expected in ((rows, columns), weight), ((rows,), bias):
        drawn = mg.empty(*shape).uniform_(-bound, bound)
        assert (drawn.numpy().ravel()[-9:] == np.array(expected, np.float32)).all()


def test_the_mask_of_dropout_follows_memory() -> None:
    like = np.zeros((4, 6), np.float32)
    mask, turned = (random.keep_mask(array, 0.3, Generator().manual_seed(1)) for array in (like, like.T))
    assert mask.dtype == np.bool_
    assert mask.shape == (4, 6)
    assert 0 < mask.sum() < 24
    assert (mask == turned.T).all()


def test_draws_that_round_up_to_the_bound_stay_inside() -> None:
    drawn = mg.empty(100_000).uniform_(4096, 4097, generator=Generator().manual_seed(7)).numpy()
    unit = mg.rand(100_000, generator=Generator().manual_seed(7)).numpy()
    rounded_up = (unit.astype(np.float64) + 4096).astype(np.float32) == 4097
    assert rounded_up.any()
    assert (drawn[rounded_up] == 4096).all()
    assert drawn.max() < 4097


@given(st.integers(0, 2**64 - 1), st.integers(0, 300))
def test_orders_are_permutations(seed: int, n: int) -> None:
    order = mg.randperm(n, generator=Generator().manual_seed(seed))
    assert sorted(order.tolist()) == list(range(n))


@given(
    st.integers(0, 2**32), st.sampled_from([mg.int64, mg.int32, mg.int16, mg.int8, mg.uint8]), st.data()
)
def test_integers_stay_in_their_range(seed: int, kind: Any, data: st.DataObject) -> None:
    info = mg.iinfo(kind)
    low = data.draw(st.integers(info.min, info.max - 1))
    high = data.draw(st.integers(low + 1, info.max))
    drawn = mg.empty(50, dtype=kind).random_(low, high, generator=Generator().manual_seed(seed))
    assert low <= drawn.min().item() <= drawn.max().item() < high


def test_samples_without_replacement_differ_and_have_weight() -> None:
    weights = mg.rand(50, 30) * (mg.rand(50, 30) < 0.5)
    drawn = mg.multinomial(weights, 5)
    assert all(len({*row}) == 5 for row in drawn.tolist())
    assert (weights.gather(1, drawn) > 0).all()


# ---- beside PyTorch itself -------------------------------------------------------------------------------
def next_number(library: Any, template: str) -> float:
    g = library.Generator().manual_seed(3)
    evaluate(template.format(n=50), library, g)
    return float(library.rand(1, generator=g))


@cache
def taken_elsewhere(torch: Any) -> frozenset[str]:
    """What this processor's PyTorch does not take from its generator alone."""
    return frozenset(template for template in BY_PROCESSOR if next_number(torch, template) != next_number(mg, template))


PROGRAMS = st.lists(
    st.tuples(st.sampled_from(EXACT + ROUNDED + BY_PROCESSOR), st.integers(0, 130))
    | st.tuples(st.sampled_from(SHAPED), st.just(0))
)


@given(st.integers(-(2**63), 2**64 - 1), PROGRAMS)
def test_programs_give_the_same_in_both(seed: int, program: list[tuple[str, int]]) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (library.Generator().manual_seed(seed) for library in (mg, torch))
    for template, n in program:
        if template not in taken_elsewhere(torch):
            step = template.format(n=n)
            compare(step, written(evaluate(step, mg, ours)), written(evaluate(step, torch, theirs)))
    assert ours.initial_seed() == theirs.initial_seed()
    assert mg.rand(1, generator=ours).item() == torch.rand(1, generator=theirs).item()


@given(st.integers(0, 2**64 - 1), PROGRAMS, PROGRAMS)
def test_states_go_over_to_pytorch_and_back(seed: int, before: list[Any], after: list[Any]) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (library.Generator().manual_seed(seed) for library in (mg, torch))
    for template, n in before:
        evaluate(template.format(n=n), mg, ours)
    theirs.set_state(torch.from_numpy(ours.get_state().numpy()))
    ours.seed()
    ours.set_state(theirs.get_state().numpy())
    assert ours.initial_seed() == theirs.initial_seed() == seed
    for library, g in (mg, ours), (torch, theirs):
        library.randn(1, generator=g)  # and a cached number with it
    for template, n in after:
        if template not in taken_elsewhere(torch):
            step = template.format(n=n)
            compare(step, written(evaluate(step, mg, ours)), written(evaluate(step, torch, theirs)))


def test_the_default_generator_is_seeded_as_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    for seed in (0, -1, "12", 3.7, 2**64 - 1):
        drawn = []
        for library in (mg, torch):
            assert library.manual_seed(seed) is library.default_generator
            drawn.append([library.initial_seed(), *library.rand(2).tolist(), *library.empty(3).normal_().tolist()])
        assert drawn[0] == pytest.approx(drawn[1])
    assert Generator().initial_seed() == torch.Generator().initial_seed()


# ---- generators ------------------------------------------------------------------------------------------
def draws(g: Generator) -> list[float]:
    return [*mg.randn(3, generator=g).tolist(), *mg.rand(700, generator=g).tolist(), *mg.randn(2, generator=g).tolist()]


@pytest.mark.parametrize("normals", range(3))
@pytest.mark.parametrize("words", [0, 1, 623, 624, 625])
def test_states_come_back(words: int, normals: int) -> None:
    g = Generator().manual_seed(99)
    g._words(words)
    mg.randn(normals, generator=g)
    state = g.get_state()
    assert (state.dtype, state.shape) == (mg.uint8, (5056,))
    copies = [g.clone_state(), copy.deepcopy(g), pickle.loads(pickle.dumps(g)), Generator().set_state(state)]
    expected = draws(g)
    assert [draws(other) for other in copies] == [expected] * 4
    assert draws(g.set_state(state.numpy())) == expected
    assert [other.initial_seed() for other in copies] == [99] * 4


def test_a_seed_forgets_the_cached_number() -> None:
    g = Generator().manual_seed(5)
    fresh = draws(g)
    mg.randn(1, generator=g)
    assert draws(g.manual_seed(5)) == fresh


def test_seed_is_another_each_time() -> None:
    g = Generator()
    seeds = {g.seed() for _ in range(4)} | {mg.seed(), mg.seed()}
    assert len(seeds) == 6
    assert mg.initial_seed() in seeds


def test_generators_do_not_disturb_each_other() -> None:
    mg.manual_seed(1)
    a, b = Generator().manual_seed(2), Generator("cpu").manual_seed(2)
    mixed = [f(generator=g).item() for f in (lambda **g: mg.randn(1, **g), lambda **g: mg.rand(1, **g)) for g in (a, b)]
    assert mixed[::2] == mixed[1::2]
    assert mg.rand(1).item() == mg.rand(1, generator=Generator().manual_seed(1)).item()


def test_fork_rng_gives_back_the_state() -> None:
    mg.manual_seed(8)
    mg.randn(1)
    state = mg.get_rng_state()
    with pytest.raises(RuntimeError, match="std"), random.fork_rng():
        mg.normal(mg.randn(20), -1.0)
    assert (mg.get_rng_state() == state).all()
    with random.fork_rng(enabled=False):
        mg.rand(1)
    assert not (mg.get_rng_state() == state).all()
    mg.set_rng_state(state)
    assert (mg.get_rng_state() == state).all()


# ---- tensors ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [mg.rand, mg.randn, lambda n, **options: mg.rand_like(mg.zeros(n), **options)])
def test_what_requires_grad_is_a_leaf(make: Callable[..., mg.Tensor]) -> None:
    x = make(3, requires_grad=True)
    assert (x.requires_grad, x.is_leaf, x.dtype, str(x.device)) == (True, True, mg.float32, "cpu")
    assert not make(3).requires_grad
    assert make(3, dtype=mg.float64, device="cpu").dtype == mg.float64
    with pytest.raises(RuntimeError, match="floating point"):
        mg.randperm(3, requires_grad=True)


@pytest.mark.parametrize("name", FILLS)
def test_fills(name: str) -> None:
    arguments = {"geometric_": (0.3,)}.get(name, ())
    fill = getattr(mg.Tensor, name)
    g = Generator().manual_seed(0)
    base = mg.zeros(3, 4)
    assert fill(base[1:, ::2], *arguments, generator=g).shape == (2, 2)  # a view: the rest stays
    assert base[0].eq(0).all()
    assert base[:, 1::2].eq(0).all()
    assert not base[1:, ::2].eq(0).all()

    leaf, untouched = mg.zeros(3, requires_grad=True), g.get_state()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        fill(leaf, *arguments, generator=g)
    assert (g.get_state() == untouched).all()
    with mg.no_grad():
        assert fill(leaf, *arguments, generator=g) is leaf
    assert leaf.requires_grad
    assert leaf.is_leaf

    x = mg.ones(3, requires_grad=True)  # what is filled no longer depends on what it was
    made = x * 2
    (fill(made, *arguments, generator=g) + x).sum().backward()
    assert x.grad.tolist() == [1, 1, 1]

    saved = mg.ones(3)
    product = x * saved
    fill(saved, *arguments, generator=g)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()

    with pytest.raises(RuntimeError, match=r"clone\(\)"):
        fill(mg.zeros(1).expand(3), *arguments, generator=g)


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    # shapes
    (lambda: mg.rand(-1), RuntimeError, r"negative dimension -1: \[-1\]"),
    (lambda: mg.randn(2, -3), RuntimeError, r"negative dimension -3: \[2, -3\]"),
    (lambda: mg.rand(), TypeError, r"rand expects a shape: rand\(2, 3\)"),
    (lambda: mg.rand(2.5), TypeError, "shape"),
    (lambda: mg.rand((2,), (3,)), TypeError, "shape"),
    (lambda: mg.randperm(-1), RuntimeError, "negative dimension -1"),
    (lambda: mg.randperm(2.5), TypeError, "n must be an integer, got 2.5 of type float"),
    (lambda: mg.randperm(2**32 // 20), RuntimeError, "randperm expects n < 214748364, got 214748364"),
    (lambda: mg.normal(0.0, 1.0), TypeError, "expects a tuple as size, got size=None"),
    (lambda: mg.normal(0.0, 1.0, size=2), TypeError, "expects a tuple as size, got size=2"),
    (lambda: mg.normal(mg.zeros(2), mg.ones(3)), RuntimeError, r"\(2,\) and \(3,\)"),
    (lambda: mg.normal(mg.zeros(2), 1.0, size=(2,)), TypeError, "leave out size"),
    (lambda: mg.randint(5), TypeError, r"\(high, size\) or \(low, high, size\)"),
    (lambda: mg.randint(5, 3), TypeError, "got size=3"),
    (lambda: mg.randint(2.5, (3,)), TypeError, "high must be an integer, got 2.5 of type float"),
    (lambda: mg.empty(3).bernoulli_(mg.zeros(2)), RuntimeError, r"\(2,\) does not broadcast to \(3,\)"),
    # options
    (lambda: mg.rand(2, out=mg.empty(2)), TypeError, "out"),
    (lambda: mg.rand(2, device="cuda"), RuntimeError, "cuda"),
    (lambda: mg.rand_like(mg.empty(2), device="cuda"), RuntimeError, "cuda"),
    (lambda: Generator("cuda"), RuntimeError, "cuda"),
    (lambda: mg.rand(2, generator=5), TypeError, "generator is a Generator or None, got int"),
    (lambda: mg.rand_like([1.0]), TypeError, "expected a Tensor, got list"),
    # dtypes
    (lambda: mg.rand(2, dtype=mg.int64), NotImplementedError, "torch.int64"),
    (lambda: mg.randn(2, dtype=mg.bool), NotImplementedError, "torch.bool"),
    (lambda: mg.rand_like(mg.zeros(2, dtype=mg.int64)), NotImplementedError, "torch.int64"),
    (lambda: mg.empty(2, dtype=mg.int64).exponential_(), RuntimeError, "torch.int64"),
    (lambda: mg.bernoulli(mg.tensor([1])), NotImplementedError, "torch.int64"),
    (lambda: mg.multinomial(mg.tensor([1, 2]), 1), RuntimeError, "torch.int64"),
    (lambda: mg.empty(2, dtype=mg.bool).geometric_(0.5), NotImplementedError, "torch.bool"),
    # ranges
    (lambda: mg.randint(0, (3,)), RuntimeError, "from=0 >= to=0"),
    (lambda: mg.randint(5, 2, (3,)), RuntimeError, "from=5 >= to=2"),
    (lambda: mg.randint_like(mg.zeros(2), 5, 2), RuntimeError, "from=5 >= to=2"),
    (lambda: mg.randint(500, (3,), dtype=mg.uint8), RuntimeError, "torch.uint8 holds from 0 to 255"),
    (lambda: mg.randint(-1, 2, (3,), dtype=mg.bool), RuntimeError, "torch.bool holds from 0 to 1"),
    (lambda: mg.randint(2**63 + 1, (3,)), RuntimeError, "torch.int64"),
    (lambda: mg.empty(3).random_(2**25), RuntimeError, "torch.float32 holds from -16777216 to 16777216"),
    (lambda: mg.empty(3).random_(2.5), TypeError, "to must be an integer"),
    (lambda: mg.empty(3).random_(1, 2, 3), TypeError, r"\(low, to\)"),
    (lambda: mg.randperm(300, dtype=mg.uint8), RuntimeError, "torch.uint8 holds up to 255"),
    (lambda: mg.empty(3).uniform_(1, 0), RuntimeError, "from=1.0 and to=0.0"),
    (lambda: mg.empty(3).uniform_(0, math.inf), RuntimeError, "to=inf"),
    (lambda: mg.empty(3).uniform_(math.nan, 1), RuntimeError, "from=nan"),
    (lambda: mg.empty(3).uniform_(-3e38, 3e38), RuntimeError, "torch.float32"),
    (lambda: mg.empty(3).normal_(0, -1), RuntimeError, "std >= 0.0, but found std -1"),
    (lambda: mg.normal(0.0, mg.tensor([1.0, -1.0])), RuntimeError, "std >= 0.0"),
    (lambda: mg.normal(mg.zeros(2), -1.0), RuntimeError, "std >= 0.0"),
    (lambda: mg.empty(3).bernoulli_(1.5), RuntimeError, "p=1.5"),
    (lambda: mg.empty(3).bernoulli_(math.nan), RuntimeError, "p=nan"),
    (lambda: mg.bernoulli(mg.tensor([0.5, -0.5])), RuntimeError, r"\[0, 1\]"),
    (lambda: mg.empty(3).exponential_(0), RuntimeError, "lambda=0"),
    (lambda: mg.empty(3).log_normal_(0, 0), RuntimeError, "std=0"),
    (lambda: mg.empty(3).cauchy_(0, -1), RuntimeError, "sigma=-1"),
    (lambda: mg.empty(3).geometric_(1), RuntimeError, r"\(0, 1\), but got p=1"),
    # weights
    (lambda: mg.multinomial(mg.ones(3), 4), RuntimeError, "4 samples without replacement from a row with 3 weights"),
    (lambda: mg.multinomial(mg.tensor([1.0, 0, 0]), 2), RuntimeError, "2 samples without .* with 1 weights above 0"),
    (lambda: mg.multinomial(mg.zeros(3), 2, True), RuntimeError, "2 samples with replacement .* with 0 weights"),
    (lambda: mg.multinomial(mg.ones(3), 0), RuntimeError, "0 samples"),
    (lambda: mg.multinomial(mg.ones(3), 2.0), TypeError, "num_samples must be an integer"),
    (lambda: mg.multinomial(mg.tensor([1.0, -1]), 1), RuntimeError, "at least 0"),
    (lambda: mg.multinomial(mg.tensor([1.0, math.nan]), 1), RuntimeError, "finite"),
    (lambda: mg.multinomial(mg.ones(2, 3, 2), 1), RuntimeError, r"\(2, 3, 2\)"),
    (lambda: mg.multinomial(mg.tensor(1.0), 1), RuntimeError, r"1 or 2 dimensions"),
    # seeds and states
    (lambda: Generator().manual_seed(2.5), RuntimeError, "expects an integer, got 2.5 of type float"),
    (lambda: Generator().manual_seed(2**64), ValueError, "between"),
    (lambda: mg.manual_seed(-(2**63) - 1), ValueError, "between"),
    (lambda: Generator().set_state(np.zeros(3, np.uint8)), RuntimeError, r"\(5056,\), got \(3,\)"),
    (lambda: Generator().set_state(np.zeros(5056)), TypeError, "uint8, got torch.float64"),
    (lambda: Generator().set_state(np.zeros(5056, np.uint8)), RuntimeError, "no state of a generator"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), ERRORS, ids=[str(i) for i in range(len(ERRORS))])
def test_errors_say_what_was_expected(act: Callable[[], Any], kind: type[Exception], message: str) -> None:
    state = mg.get_rng_state()
    with pytest.raises(kind, match=message):
        act()
    assert (mg.get_rng_state() == state).all()  # nothing was drawn
