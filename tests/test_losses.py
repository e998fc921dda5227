"""Losses: PyTorch's stored numbers, PyTorch itself where it is installed, slopes, what is refused."""

from __future__ import annotations

import json
import math
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
import microgradx.nn.functional as F
from microgradx import nn

from .oracle.nn import FILE, LOSSES, arrays, calls, check_slopes, disagreements, numbers, refusal, stored, study

STORED = json.loads(FILE.read_text(encoding="utf-8"))
GIVEN = arrays(np.random.default_rng(2026))
INF, NAN = math.inf, math.nan


# ---- values, gradients, second gradients --------------------------------------------------------------------
@pytest.mark.parametrize("code", STORED["losses"])
def test_numbers_are_pytorchs(code: str) -> None:
    assert not disagreements(STORED["losses"][code], stored(study(mg, nn, F, code, GIVEN)), 1e-9)


@pytest.mark.parametrize("code", STORED["losses"])
def test_numbers_in_float32_are_those_of_float64(code: str) -> None:
    found = study(mg, nn, F, code, GIVEN, kind="float32")
    assert all(g.dtype == np.float32 for g in [found["value"], *found["grads"].values()])
    expected = study(mg, nn, F, code, GIVEN)
    assert not disagreements(expected["grads"], found["grads"], 1e-5)
    assert not disagreements(expected["value"], found["value"], 1e-5)


@pytest.mark.parametrize("code", LOSSES)
@settings(max_examples=3)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 1.0, 5.0, 100.0, 1e4]))
def test_any_numbers_give_what_pytorch_gives(code: str, seed: int, scale: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    drawn = arrays(np.random.default_rng(seed), scale)
    theirs = study(torch, torch.nn, torch.nn.functional, code, drawn)
    assert not disagreements(numbers(theirs), numbers(study(mg, nn, F, code, drawn)), 1e-9)



@pytest.mark.parametrize("code", [code for code in LOSSES if "detach" not in code])
def test_gradients_of_both_orders_are_slopes(code: str) -> None:
    check_slopes(mg, nn, F, code, GIVEN)


# ---- where numbers are extreme ------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [100.0, 1e4])
@pytest.mark.parametrize("kind", [mg.float32, mg.float64])
def test_cross_entropy_is_exact_for_large_logits(size: float, kind: Any) -> None:
    logits = mg.tensor([[size, -size], [-size, size]], dtype=kind, requires_grad=True)
    right, wrong = F.cross_entropy(logits, mg.tensor([0, 1])), F.cross_entropy(logits, mg.tensor([1, 0]))
    wrong.backward()
    assert (right.item(), wrong.item()) == (0.0, 2 * size)
    assert logits.grad.tolist() == [[0.5, -0.5], [-0.5, 0.5]]


E1 = 1 / (1 + math.e)
LOG_E1 = math.log(1 + math.exp(-1))


@pytest.mark.parametrize(
    ("x", "code", "value", "gradient"),
    [
        ([0, 0, 1, 1], "F.binary_cross_entropy(x, t(1, 0, 0, 1), reduction='sum')", 200, [-1e12, 0, 1e12, 0]),
        ([0, 1e3, -1e3, 1e3], "F.binary_cross_entropy_with_logits(x, t(1, 1, 1, 0), reduction='sum')",
         2000 + math.log(2), [-0.5, 0, -1, 1]),
        ([1, -INF, 0, -INF], "F.cross_entropy(x, mg.tensor(2))", 1 + LOG_E1, [1 - E1, 0, E1 - 1, 0]),
        ([1, -INF], "F.cross_entropy(x, mg.tensor(1))", INF, [1, -1]),
        # the row that is passed over gives its class 0 no probability at all
        ([1, 0, -INF, 0], "F.cross_entropy(x.reshape(2, 2), mg.tensor([1, -100]))", 1 + LOG_E1, [1 - E1, E1 - 1, 0, 0]),
        ([1, 0], "F.cross_entropy(x[None], mg.tensor([-100]))", NAN, [0, 0]),
        ([1, 0], "F.nll_loss(x[None], mg.tensor([-100]), reduction='sum')", 0, [0, 0]),
        ([INF, 1, -INF, 0], "F.huber_loss(x, t(0, 0, 0, 0), reduction='sum')", INF, [1, 1, -1, 0]),
        ([-1, 1, 3, 0], "F.smooth_l1_loss(x, t(0, 0, 0, 0), reduction='sum')", 3.5, [-1, 1, 1, 0]),
        ([-1, 1, 3, 0], "F.l1_loss(x, t(0, 0, 0, 0), reduction='sum')", 5, [-1, 1, 1, 0]),
    ],
)  # fmt: skip
def test_known_numbers_at_the_edges(x: list[float], code: str, value: float, gradient: list[float]) -> None:
    leaf = mg.tensor(x, dtype=mg.float64, requires_grad=True)
    loss = eval(code, {"F": F, "mg": mg, "x": leaf, "t": lambda *data: mg.tensor(data, dtype=mg.float64)})
    loss.backward()
    np.testing.assert_allclose(loss.item(), value, rtol=1e-12)
    np.testing.assert_allclose(leaf.grad.numpy(), gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy"])
def test_the_mean_of_nothing_is_nan(name: str) -> None:
    empty = mg.zeros(0, 3, requires_grad=True)
    loss = getattr(F, name)(empty, mg.zeros(0, 3))
    loss.backward()
    assert math.isnan(loss.item())
    assert empty.grad.shape == (0, 3)


def test_the_mean_over_no_rows_is_nan() -> None:
    assert math.isnan(F.cross_entropy(mg.zeros(0, 3), mg.zeros(0).long()).item())
    assert F.cross_entropy(mg.zeros(0, 3), mg.zeros(0).long(), reduction="none").shape == (0,)


# ---- identities ---------------------------------------------------------------------------------------------
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(2, 6), st.floats(0, 1))
def test_three_ways_to_one_cross_entropy(seed: int, rows: int, classes: int, smoothing: float) -> None:
    """By class numbers in one step and in two, and by probabilities; with and without smoothing."""
    draw = np.random.default_rng(seed)
    logits = mg.tensor(draw.normal(0, 3, (rows, classes)))
    target = mg.tensor(draw.integers(0, classes, rows))
    assert F.cross_entropy(logits, target).item() == pytest.approx(
        F.nll_loss(F.log_softmax(logits, 1), target).item(), rel=1e-12
    )
    hot = F.one_hot(target, classes).double()
    assert F.cross_entropy(logits, target, label_smoothing=smoothing).item() == pytest.approx(
        F.cross_entropy(logits, hot, label_smoothing=smoothing).item(), rel=1e-12
    )


@given(st.integers(0, 2**32), st.sampled_from(["mean", "sum", "none"]))
def test_images_are_rows(seed: int, reduction: str) -> None:
    draw = np.random.default_rng(seed)
    logits, target = mg.tensor(draw.normal(0, 3, (2, 4, 3, 2))), mg.tensor(draw.integers(0, 4, (2, 3, 2)))
    rows = logits.permute(0, 2, 3, 1).reshape(-1, 4)
    image = F.cross_entropy(logits, target, reduction=reduction)
    flat = F.cross_entropy(rows, target.reshape(-1), reduction=reduction)
    np.testing.assert_allclose(image.numpy().ravel(), flat.numpy().ravel(), rtol=1e-12)


@given(st.integers(0, 2**32))
def test_the_loss_with_logits_is_the_loss_of_the_sigmoid(seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, p = mg.tensor(draw.normal(0, 3, (3, 2))), mg.tensor(draw.uniform(0, 1, (3, 2)))
    found = F.binary_cross_entropy_with_logits(x, p)
    assert found.item() == pytest.approx(F.binary_cross_entropy(x.sigmoid(), p).item(), rel=1e-9)


# ---- what they are called in a graph ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("F.mse_loss(x, y)", "MseLossBackward0"), ("F.mse_loss(x, y, reduction='none')", "MseLossBackward0"),
        ("F.l1_loss(x, y)", "MeanBackward0"), ("F.l1_loss(x, y, reduction='none')", "AbsBackward0"),
        ("F.smooth_l1_loss(x, y)", "SmoothL1LossBackward0"), ("F.huber_loss(x, y)", "HuberLossBackward0"),
        ("F.huber_loss(x, y, delta=0.5, reduction='none')", "HuberLossBackward0"),
        ("F.binary_cross_entropy(q, p)", "BinaryCrossEntropyBackward0"),
        ("F.binary_cross_entropy_with_logits(x, p, reduction='sum')", "BinaryCrossEntropyWithLogitsBackward0"),
        ("F.cross_entropy(x, i)", "NllLossBackward0"), ("F.cross_entropy(x, i, reduction='none')", "NllLossBackward0"),
        ("F.cross_entropy(x[0], i[0])", "NllLossBackward0"), ("F.cross_entropy(x3, i3)", "NllLoss2DBackward0"),
        ("F.nll_loss(x, i)", "NllLossBackward0"), ("F.nll_loss(x, gap, w)", "NllLossBackward0"),
        ("F.cross_entropy(x, i, label_smoothing=0.1)", "AddBackward0"), ("F.cross_entropy(x, s)", "DivBackward1"),
        ("F.cross_entropy(x, s, reduction='sum')", "NegBackward0"),
    ],
)  # fmt: skip
def test_the_names_of_gradients_are_pytorchs(code: str, name: str) -> None:
    names = {name: mg.tensor(x) for name, x in GIVEN.items()}
    for leaf in ("x", "q", "x3"):
        names[leaf].requires_grad_()
    assert eval(code, {"F": F, **names}).grad_fn.name() == name


# ---- modules ------------------------------------------------------------------------------------------------
def test_weights_are_state_and_move_with_the_module() -> None:
    loss = nn.CrossEntropyLoss(weight=mg.tensor([1.0, 2.0]))
    assert [*loss.state_dict()] == ["weight"]
    assert loss.double().weight.dtype == mg.float64
    assert [*nn.BCEWithLogitsLoss(pos_weight=mg.ones(3)).state_dict()] == ["pos_weight"]
    assert [*nn.CrossEntropyLoss().state_dict()] == []


@pytest.mark.parametrize(("options", "reduction"), [
    ({"size_average": True}, "mean"), ({"size_average": False}, "sum"), ({"reduce": False}, "none"),
    ({"size_average": False, "reduce": True}, "sum"), ({"reduce": True}, "mean"),
])  # fmt: skip
def test_the_older_names_of_reductions_warn_and_hold(options: dict[str, bool], reduction: str) -> None:
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        assert nn.MSELoss(**options).reduction == reduction
    x, y = mg.tensor(GIVEN["x"]), mg.tensor(GIVEN["y"])
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        found = F.mse_loss(x, y, **options)
    assert found.tolist() == F.mse_loss(x, y, reduction=reduction).tolist()


def test_sizes_that_differ_are_broadcast_with_a_warning() -> None:
    x, column = mg.tensor(GIVEN["x"], requires_grad=True), mg.tensor(GIVEN["row"], requires_grad=True)
    with pytest.warns(UserWarning, match=re.escape("target size (torch.Size([4, 1])) that is different to the input")):
        loss = F.mse_loss(x, column)
    loss.backward()
    off = GIVEN["x"] - GIVEN["row"]
    assert loss.item() == pytest.approx((off**2).mean(), rel=1e-12)
    np.testing.assert_allclose(column.grad.numpy(), -off.sum(1, keepdims=True) / 6, rtol=1e-12)


def test_dtypes_that_differ_are_promoted() -> None:
    x = mg.tensor(GIVEN["x"], dtype=mg.float32, requires_grad=True)
    loss = F.mse_loss(x, mg.tensor(GIVEN["y"]))
    loss.backward()
    assert (loss.dtype, x.grad.dtype, F.mse_loss(x, x.detach().long()).dtype) == (mg.float64, mg.float32, mg.float32)
    assert F.huber_loss(x, mg.tensor(GIVEN["y"])).dtype == mg.float32


def test_a_target_changed_before_backward_is_noticed() -> None:
    x, target = mg.tensor(GIVEN["x"], requires_grad=True), mg.tensor(GIVEN["i"])
    loss = F.cross_entropy(x, target)
    target.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ---- what is refused ----------------------------------------------------------------------------------------
#: a call, and a phrase of what PyTorch says to it
REFUSED: dict[type[Exception], str] = {
    IndexError: """
        F.cross_entropy(z(2, 3), t(0, 5))           # Target 5 is out of bounds.
        F.cross_entropy(z(2, 3), t(0, -1))          # Target -1 is out of bounds.
        F.cross_entropy(z(1, 3, 4), t([0, 1, 2, 7]))  # Target 7 is out of bounds.
        F.cross_entropy(z(2, 3), t(0, 5), ignore_index=0)  # Target 5 is out of bounds.
        F.cross_entropy(z(2, 0), t(0, 0))           # Target 0 is out of bounds.
        F.nll_loss(z(2, 3), t(3, 0))                # Target 3 is out of bounds.
    """,
    ValueError: """
        F.cross_entropy(z(2, 3), t(0, 1, 2))        # input batch_size (2) to match target batch_size (3).
        F.cross_entropy(z(2, 3), t(0)[0])           # input batch_size (2) to match target batch_size (0).
        F.cross_entropy(z(3), t(0, 1))              # 1D target must have size 1, but got target size: 2
        F.cross_entropy(z(2, 3), t(0, 1), reduction="avg")  # avg is not a valid value for reduction
        F.nll_loss(z(2)[0], t(0)[0])                # Expected 1 or more dimensions (got 0)
        F.nll_loss(z(2, 3), t(0, 1), reduction="all")  # all is not a valid value for reduction
        F.mse_loss(z(2, 3), z(2, 3), reduction="x")  # x is not a valid value for reduction
        F.mse_loss(z(2, 3), z(2, 3), weight=z(3))   # Weights and input must have the same size
        F.huber_loss(z(2), z(2), reduction="q")     # q is not a valid value for reduction
        F.binary_cross_entropy(z(2, 3), z(2, 1))    # target size (torch.Size([2, 1])) that is different to
        F.binary_cross_entropy_with_logits(z(2), z(3))  # Target size (torch.Size([3])) must be the same as
    """,
    TypeError: """
        F.cross_entropy(z(2, 3), [0, 1])            # argument 'target' (position 2) must be Tensor, not list
        F.cross_entropy([[0.0]], t(0))              # argument 'input' (position 1) must be Tensor, not list
        nn.CrossEntropyLoss(weight=[1.0, 2.0])      # cannot assign 'list' object to buffer 'weight'
    """,
    NotImplementedError: """
        F.cross_entropy(z(2, 3).long(), t(0, 1))    # not implemented for 'Long'
        F.nll_loss(z(2, 3).long(), t(0, 1))         # not implemented for 'Long'
        F.mse_loss(z(2).long(), z(2).long())        # not implemented for 'Long'
        F.huber_loss(z(2).long(), z(2).long())      # not implemented for 'Long'
    """,
    RuntimeError: """
        F.cross_entropy(z(2, 3), t(0.0, 1.0))       # expected target dtype to be Long or Byte, but got Float
        F.cross_entropy(z(2, 3), t(0, 1).int())     # expected target dtype to be Long or Byte, but got Int
        F.cross_entropy(z(2, 3), z(2, 4))           # 1D target tensor expected, multi-target not supported
        F.cross_entropy(z(2, 3), z(2, 3).long())    # floating point type for target with class probabilities
        F.cross_entropy(z(2, 3, 4), z(2, 5).long())  # Expected target size [2, 4], got [2, 5]
        F.cross_entropy(z(2, 3), t(0, 1), weight=z(4))  # for all 3 classes or no classes
        F.cross_entropy(z(2, 3), z(2, 3), weight=z(4))  # for all 3 classes or no classes
        F.cross_entropy(z(2, 3), t(0, 1), z(3).double())  # expected scalar type Float but found Double
        F.cross_entropy(z(2, 3), t(0, 1), z(3).requires_grad_())  # not differentiable with respect to argument 'weight'
        F.cross_entropy(z(2, 3), t(0, 1), label_smoothing=1.5)  # must be between 0.0 and 1.0. Got: 1.5
        F.cross_entropy(z(2, 3), z(2, 3), label_smoothing=1.5)  # must be between 0.0 and 1.0. Got: 1.5
        F.cross_entropy(z(2, 3), z(2, 3), ignore_index=2)  # ignore_index is not supported for floating point
        F.smooth_l1_loss(z(2), z(2), beta=-1)       # does not support negative values for beta
        F.huber_loss(z(2), z(2), delta=0)           # does not support non-positive values for delta
        F.binary_cross_entropy(t(1.5), t(1.0))      # all elements of input should be between 0 and 1
        F.binary_cross_entropy(t(float("nan")), t(1.0))  # all elements of input should be between 0 and 1
        F.binary_cross_entropy(t(0.5), t(2.0))      # all elements of target should be between 0 and 1
        F.binary_cross_entropy(t(0.5), t(1))        # Found dtype Long but expected Float
        F.binary_cross_entropy(z(2, 3), z(2, 3), weight=z(4, 2, 3))  # broadcast
        F.binary_cross_entropy_with_logits(z(2), t(1, 0))  # result type Float can't be cast to the desired output
        F.binary_cross_entropy_with_logits(z(2), z(2), pos_weight=z(3))  # must match the size of tensor
        F.binary_cross_entropy_with_logits(z(2), z(2), pos_weight=z(2).requires_grad_())  # argument 'pos_weight'
    """,
}  # fmt: skip
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


def test_what_a_loss_keeps_for_its_gradient_goes_with_its_logits() -> None:
    x, t = mg.randn(200, 50, requires_grad=True), mg.randint(50, (200,))
    losses = []
    tracemalloc.start()
    try:
        for _ in range(20):
            losses.append(F.cross_entropy(x * 1, t).detach())
            with mg.no_grad():
                losses.append(F.cross_entropy(x * 1, t))
        assert tracemalloc.get_traced_memory()[0] < 100_000  # the logits take 40,000 bytes
        with mg.no_grad():
            for _ in range(20):
                losses.append(logits := x * 1)
                F.cross_entropy(logits, t)
        assert tracemalloc.get_traced_memory()[0] < 950_000
    finally:
        tracemalloc.stop()


def test_a_loss_keeps_what_it_has_seen_of_its_own_logits_only() -> None:
    big, t = mg.randn(2, 3, 4), mg.tensor([0, 3, 1])
    big.requires_grad_()
    first, second = (F.cross_entropy(part, t, reduction="sum") for part in big)
    (first + 2 * second).backward()
    slope = (big.softmax(2) - F.one_hot(t, 4)) * mg.tensor([1.0, 2.0]).view(2, 1, 1)
    assert np.allclose(big.grad.numpy(), slope.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_a_loss_whose_logits_have_another_one_has_its_own_gradient(first: bool) -> None:
    x = mg.randn(3, 4, dtype=mg.float64, requires_grad=True)
    t, other = mg.tensor([0, 3, 1]), mg.tensor([2, 2, 2])
    exact = x.softmax(1) - F.one_hot(t if first else other, 4)
    losses = F.cross_entropy(x, t, reduction="sum"), F.cross_entropy(x, other, reduction="sum")
    losses[not first].backward()
    assert np.allclose(x.grad.numpy(), exact.detach().numpy(), rtol=1e-13, atol=1e-15)
