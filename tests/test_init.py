"""First values: PyTorch's numbers from the same seed, what the formulas promise, what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import microgradx as mg
import microgradx.nn.functional as F
from microgradx import nn
from microgradx.nn import init

from .oracle.nn import FILE, FRESH, INITS, SEEDS, SHAPES, calls, fresh, initialised, refusal

STORED = json.loads(FILE.read_text(encoding="utf-8"))
#: equal up to the last bits of log and cos; orthogonal_ adds a decomposition
CLOSE: dict[str, float] = {"rtol": 1e-5, "atol": 1e-6}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES[:3])
@pytest.mark.parametrize("code", INITS)
def test_numbers_are_pytorchs(code: str, shape: tuple[int, ...], seed: int) -> None:
    found = initialised(mg, nn, code, shape, seed)
    assert (found.shape, found.dtype) == (shape, np.float32)
    np.testing.assert_allclose(found.ravel(), STORED["inits"][f"{seed} {shape} {code}"], **CLOSE)


@pytest.mark.parametrize("code", INITS)
@settings(max_examples=5)
@given(st.integers(0, 2**64 - 1), st.sampled_from(SHAPES), st.sampled_from(["float32", "float64"]))
def test_any_seed_gives_what_pytorch_gives(code: str, seed: int, shape: tuple[int, ...], kind: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    theirs = initialised(torch, torch.nn, code, shape, seed, kind)
    np.testing.assert_allclose(initialised(mg, nn, code, shape, seed, kind), theirs, **CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("code", FRESH)
def test_new_layers_begin_as_pytorchs(code: str, seed: int) -> None:
    found, expected = fresh(mg, nn, code, seed), STORED["fresh"][f"{seed} {code}"]
    assert [*found] == [*expected]
    for name, x in found.items():
        np.testing.assert_allclose(x.ravel(), expected[name], **CLOSE)


@pytest.mark.parametrize("code", FRESH)
@settings(max_examples=5)
@given(st.integers(0, 2**64 - 1))
def test_new_layers_begin_as_pytorchs_from_any_seed(code: str, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    found, expected = fresh(mg, nn, code, seed), fresh(torch, torch.nn, code, seed)
    assert [*found] == [*expected]
    for name, x in found.items():
        np.testing.assert_allclose(x, expected[name], **CLOSE)


def test_a_generator_of_ones_own_leaves_the_default_one_alone() -> None:
    mg.manual_seed(1)
    expected = mg.rand(3)
    mg.manual_seed(1)
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
                 "kaiming_normal_", "orthogonal_"):  # fmt: skip
        one, other = (
            getattr(init, name)(mg.empty(4, 3), generator=mg.Generator().manual_seed(seed)).tolist() for seed in (5, 5)
        )
        assert one == other
    assert mg.equal(mg.rand(3), expected)


# ---- in place, unrecorded -----------------------------------------------------------------------------------
@pytest.mark.parametrize("code", [*INITS, "constant_(t, 3)", "ones_(t)", "zeros_(t)", "eye_(t)"])
def test_a_parameter_stays_a_leaf_with_its_memory(code: str) -> None:
    p = nn.Parameter(mg.full((4, 3), 7.0))
    array = p.data.numpy()
    assert eval(f"init.{code}", {"init": init, "t": p}) is p
    assert (p.is_leaf, p.requires_grad, p.grad_fn) == (True, True, None)
    assert p.data.numpy() is array or np.shares_memory(p.data.numpy(), array)
    assert not (array == 7).any()


def test_a_graph_that_needs_the_old_numbers_notices() -> None:
    w = nn.Parameter(mg.ones(2, 2))
    y = (w * w).sum()
    init.zeros_(w)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


# ---- what the formulas promise ------------------------------------------------------------------------------
GAIN = math.sqrt(2)


@pytest.mark.parametrize(
    ("code", "std"),
    [
        ("xavier_uniform_(t)", math.sqrt(2 / 500)), ("xavier_normal_(t, 3.0)", 3 * math.sqrt(2 / 500)),
        ("kaiming_uniform_(t)", GAIN / math.sqrt(200)), ("kaiming_normal_(t, mode='fan_out')", GAIN / math.sqrt(300)),
        ("kaiming_uniform_(t, a=math.sqrt(5))", 1 / math.sqrt(600)), ("uniform_(t, -1, 1)", 1 / math.sqrt(3)),
        ("kaiming_normal_(t, nonlinearity='tanh')", 5 / 3 / math.sqrt(200)), ("normal_(t, 0, 0.01)", 0.01),
        ("kaiming_normal_(t.reshape(300, 50, 2, 2))", GAIN / math.sqrt(200)), ("orthogonal_(t)", 1 / math.sqrt(300)),
    ],
)  # fmt: skip
def test_the_standard_deviation_is_the_formulas(code: str, std: float) -> None:
    mg.manual_seed(3)
    t = mg.empty(300, 200)
    eval(f"init.{code}", {"init": init, "t": t, "math": math})
    assert t.std().item() == pytest.approx(std, rel=0.02)
    assert abs(t.mean().item()) < 0.02 * std


def test_uniform_numbers_keep_their_bounds() -> None:
    mg.manual_seed(0)
    bound = 1 / math.sqrt(20)
    layer = nn.Linear(20, 500)
    for p in layer.parameters():
        assert 0.95 * bound < p.abs().max().item() <= bound


@given(st.integers(0, 2**32), st.floats(-1, 1), st.floats(0.2, 2), st.floats(-2, 0), st.floats(0.5, 2))
def test_truncated_numbers_lie_between_their_limits(
    seed: int, mean: float, std: float, low: float, width: float
) -> None:
    mg.manual_seed(seed)
    high = low + width
    assume(low - 2 * std <= mean <= high + 2 * std)  # beyond, it warns
    x = init.trunc_normal_(mg.empty(50), mean, std, low, high)
    assert low - 1e-6 <= x.min().item() <= x.max().item() <= high + 1e-6


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 6), st.floats(0.1, 3))
def test_rows_or_columns_are_orthonormal(seed: int, rows: int, columns: int, gain: float) -> None:
    mg.manual_seed(seed)
    q = init.orthogonal_(mg.empty(rows, columns, dtype=mg.float64), gain).numpy()
    small = q @ q.T if rows <= columns else q.T @ q
    np.testing.assert_allclose(small, gain**2 * np.eye(min(rows, columns)), atol=1e-9)


def test_constants() -> None:
    assert init.constant_(mg.empty(2), 3).tolist() == [3.0, 3.0]
    assert init.eye_(mg.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (init.ones_(mg.empty(1, 2)).tolist(), init.zeros_(mg.empty(1, 2)).tolist()) == ([[1, 1]], [[0, 0]])


@pytest.mark.parametrize(
    ("arguments", "gain"),
    [
        (("linear",), 1), (("conv2d",), 1), (("sigmoid",), 1), (("tanh",), 5 / 3), (("relu",), math.sqrt(2)),
        (("selu",), 0.75), (("leaky_relu",), math.sqrt(2 / 1.0001)), (("leaky_relu", 1), 1.0),
        (("leaky_relu", 0.2), math.sqrt(2 / 1.04)),
    ],
)  # fmt: skip
def test_gains(arguments: tuple[Any, ...], gain: float) -> None:
    assert init.calculate_gain(*arguments) == pytest.approx(gain, rel=1e-15)


def test_initialising_nothing_is_said() -> None:
    for code in ("kaiming_uniform_", "kaiming_normal_"):
        with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
            assert getattr(init, code)(mg.empty(0, 2)).shape == (0, 2)
    assert init.orthogonal_(mg.empty(0, 2)).shape == (0, 2)


# ---- what is refused ----------------------------------------------------------------------------------------
REFUSED: dict[type[Exception], str] = {
    ValueError: """
        nn.init.xavier_uniform_(z(3))               # can not be computed for tensor with fewer than 2 dimensions
        nn.init.kaiming_normal_(z(3))               # can not be computed for tensor with fewer than 2 dimensions
        nn.init.kaiming_uniform_(z(3, 2), mode="fan")  # Mode fan not supported, please use one of ['fan_in', 'fan_out']
        nn.init.kaiming_normal_(z(3, 2), nonlinearity="swish")  # Unsupported nonlinearity swish
        nn.init.calculate_gain("swish")             # Unsupported nonlinearity swish
        nn.init.calculate_gain("leaky_relu", "a")   # negative_slope a not a valid number
        nn.init.calculate_gain("leaky_relu", True)  # negative_slope True not a valid number
        nn.init.orthogonal_(z(3))                   # Only tensors with 2 or more dimensions are supported
        nn.init.eye_(z(3))                          # Only tensors with 2 dimensions are supported
    """,
    RuntimeError: """
        nn.init.normal_(z(3), std=-1)               # normal expects std >= 0.0, but found std -1
        nn.init.uniform_(z(3), 2.0, 1.0)            # from
    """,
    NotImplementedError: """
        nn.init.uniform_(z(3).long())               # o
    """,
}
CALLS = calls(REFUSED)


@pytest.mark.parametrize(("kind", "code", "phrase"), CALLS, ids=[code for _, code, _ in CALLS])
def test_errors_are_pytorchs(kind: type[Exception], code: str, phrase: str) -> None:
    error = refusal(mg, nn, F, code)
    assert type(error) is kind
    assert phrase in str(error)


@pytest.mark.parametrize(("kind", "code", "phrase"), CALLS, ids=[code for _, code, _ in CALLS])
def test_pytorch_says_so_too(kind: type[Exception], code: str, phrase: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    error = refusal(torch, torch.nn, torch.nn.functional, code)
    assert type(error) is kind
    assert phrase in str(error)
