"""Layers and the functions behind them: PyTorch's numbers and texts, slopes, state, what is refused."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradx as mg
import microgradx.nn.functional as F
from microgradx import nn

from .oracle.nn import FILE, LAYERS, TEXTS, arrays, calls, check_slopes, disagreements, numbers, refusal, stored, study

STORED = json.loads(FILE.read_text(encoding="utf-8"))
GIVEN = arrays(np.random.default_rng(2026))
NAMES = [f"{layer} {code}" for layer, code in LAYERS]
each_layer = pytest.mark.parametrize(("layer", "code"), LAYERS, ids=NAMES)


# ---- values, gradients, second gradients --------------------------------------------------------------------
@each_layer
def test_numbers_are_pytorchs(layer: str | None, code: str) -> None:
    expected = STORED["layers"][f"{layer} {code}"]
    assert not disagreements(expected, stored(study(mg, nn, F, code, GIVEN, layer)), 1e-9)


@each_layer
def test_numbers_in_float32_are_those_of_float64(layer: str | None, code: str) -> None:
    found, expected = (study(mg, nn, F, code, GIVEN, layer, kind) for kind in ("float32", "float64"))
    assert all(g.dtype == np.float32 for g in [found["value"], *found["grads"].values()])
    for part in ("value", "grads", "buffers"):
        assert not disagreements(expected[part], found[part], 1e-5)


@each_layer
@settings(max_examples=3)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 1.0, 5.0]))
def test_any_numbers_give_what_pytorch_gives(layer: str | None, code: str, seed: int, scale: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    drawn = arrays(np.random.default_rng(seed), scale)
    theirs = study(torch, torch.nn, torch.nn.functional, code, drawn, layer)
    assert not disagreements(numbers(theirs), numbers(study(mg, nn, F, code, drawn, layer)), 1e-9)



# the gradient of a row that is padding is 0 by definition
@pytest.mark.parametrize(("layer", "code"), [pair for pair in LAYERS if "padding" not in f"{pair}"])
def test_gradients_of_both_orders_are_slopes(layer: str | None, code: str) -> None:
    check_slopes(mg, nn, F, code, GIVEN, layer)


# ---- texts and names ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", TEXTS)
def test_texts_are_pytorchs(code: str) -> None:
    assert repr(eval(code, {"nn": nn, "torch": mg})) == STORED["texts"][code]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("F.linear(x, y)", "MmBackward0"), ("F.linear(x, y, x[:, 0])", "AddmmBackward0"),
        ("F.relu(x)", "ReluBackward0"),
        ("F.leaky_relu(x)", "LeakyReluBackward0"), ("F.elu(x)", "EluBackward0"), ("F.silu(x)", "SiluBackward0"),
        ("F.gelu(x)", "GeluBackward0"), ("F.gelu(x, approximate='tanh')", "GeluBackward0"),
        ("F.tanh(x)", "TanhBackward0"),
        ("F.softplus(x)", "SoftplusBackward0"), ("F.softplus(x, 2)", "SoftplusBackward0"),
        ("F.logsigmoid(x)", "LogSigmoidBackward0"), ("F.hardtanh(x)", "HardtanhBackward0"),
        ("F.relu6(x)", "HardtanhBackward0"), ("F.prelu(x, v)", "PreluKernelBackward0"),
        ("F.softmax(x, 1)", "SoftmaxBackward0"), ("F.log_softmax(x, 1)", "LogSoftmaxBackward0"),
        ("F.dropout(x, 0.5)", "MulBackward0"), ("F.dropout(x, 1.0)", "MulBackward0"),
        ("F.embedding(i, x)", "EmbeddingBackward0"), ("F.embedding(i, x, 0)", "EmbeddingBackward0"),
        ("F.batch_norm(x, None, None, training=True)", "NativeBatchNormBackward0"),
        ("F.batch_norm(x, mean, w, v)", "NativeBatchNormBackward0"),
        ("F.layer_norm(x, (3,))", "NativeLayerNormBackward0"),
        ("F.normalize(x)", "DivBackward0"), ("F.pad(x, (1, 1))", "ConstantPadNdBackward0"),
        ("nn.Flatten()(x3)", "ViewBackward0"), ("nn.Unflatten(1, (3, 1))(x)", "ViewBackward0"),
    ],
)  # fmt: skip
def test_the_names_of_gradients_are_pytorchs(code: str, name: str) -> None:
    names = {name: mg.tensor(x) for name, x in GIVEN.items()}
    for leaf in ("x", "x3", "v"):
        names[leaf].requires_grad_()
    assert eval(code, {"F": F, "nn": nn, **names}).grad_fn.name() == name


# ---- Linear -------------------------------------------------------------------------------------------------
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


@given(SHAPES, st.integers(0, 4), st.booleans(), st.booleans())
def test_linear_is_a_product_and_a_sum(shape: tuple[int, ...], outputs: int, bias: bool, reverse: bool) -> None:
    """Of any number of axes, sizes 0 and 1, not contiguous; its gradients are those of the product and the sum."""
    draw = np.random.default_rng(sum(shape))
    x, w, b = (mg.tensor(draw.normal(size=s)) for s in (shape, (outputs, shape[-1]), (outputs,)))
    if reverse:
        x, w = mg.Tensor._of(x.numpy()[..., ::-1]), mg.Tensor._of(np.asfortranarray(w.numpy()))
    leaves = [t.requires_grad_() for t in ((x, w, b) if bias else (x, w))]
    fused = F.linear(*leaves)
    plain = x.matmul(w.T) + b if bias else x.matmul(w.T)
    np.testing.assert_allclose(fused.detach().numpy(), plain.detach().numpy(), rtol=1e-12, atol=1e-12)
    seed = mg.tensor(draw.normal(size=tuple(plain.shape)))
    for a, e in zip(*(mg.autograd.grad(y, leaves, seed) for y in (fused, plain)), strict=True):
        np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=1e-12, atol=1e-12)


def test_linear_holds_two_parameters_of_the_dtype_asked_for() -> None:
    layer = nn.Linear(3, 2, dtype=mg.float64, device="cpu")
    assert [(name, tuple(p.shape), p.dtype) for name, p in layer.named_parameters()] == [
        ("weight", (2, 3), mg.float64), ("bias", (2,), mg.float64)
    ]  # fmt: skip
    assert nn.Linear(3, 2, bias=False).bias is None
    assert [*nn.Linear(3, 2, bias=False).state_dict()] == ["weight"]


def test_a_bias_before_batch_norm_has_no_gradient() -> None:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    net(mg.randn(8, 3)).square().mean().backward()
    assert net[0].bias.grad.abs().max().item() < 1e-6 < net[0].weight.grad.abs().max().item()


# ---- batch norm: its state ----------------------------------------------------------------------------------
@given(st.integers(0, 2**32), st.sampled_from([0.1, 0.7, 1.0, None]), st.sampled_from([(5, 3), (2, 3, 4), (1, 3, 2)]))
def test_running_values_are_averages_of_the_batches(seed: int, momentum: float | None, shape: tuple[int, ...]) -> None:
    draw = np.random.default_rng(seed)
    layer = nn.BatchNorm1d(3, momentum=momentum).double()
    mean, var, axes = np.zeros(3), np.ones(3), (0, 2)[: len(shape) - 1]
    for number in range(1, 4):
        x = draw.normal(size=shape)
        y = layer(mg.tensor(x, requires_grad=True))
        assert (layer.running_mean.requires_grad, layer.running_var.requires_grad) == (False, False)
        centre = [np.expand_dims(f(x, axis=axes), axes) for f in (np.mean, np.var)]
        np.testing.assert_allclose(y.detach().numpy(), (x - centre[0]) / np.sqrt(centre[1] + 1e-5), atol=1e-12)
        share = 1 / number if momentum is None else momentum
        mean = (1 - share) * mean + share * x.mean(axis=axes)
        var = (1 - share) * var + share * x.var(axis=axes, ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-12)
    assert (layer.num_batches_tracked.item(), layer.num_batches_tracked.dtype) == (3, mg.int64)
    before = layer.state_dict()["running_mean"].clone()
    found = layer.eval()(mg.tensor(x)).detach().numpy()
    along = (3,) + (1,) * (len(shape) - 2)
    np.testing.assert_allclose(found, (x - mean.reshape(along)) / np.sqrt(var.reshape(along) + 1e-5), atol=1e-12)
    assert mg.equal(before, layer.running_mean)
    assert layer.num_batches_tracked.item() == 3
    layer.reset_running_stats()
    assert [b.tolist() for b in layer.buffers()] == [[0] * 3, [1] * 3, 0]


def test_the_state_of_batch_norm_is_saved_with_it() -> None:
    layer, other = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    assert [*layer.state_dict()] == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    layer(mg.tensor([[1.0, 2.0], [3.0, 5.0]]))
    other.load_state_dict(layer.state_dict())
    assert (other.running_mean.tolist(), other.num_batches_tracked.item()) == (layer.running_mean.tolist(), 1)
    assert [*nn.BatchNorm1d(2, affine=False, track_running_stats=False).state_dict()] == []


def test_a_batch_of_nothing_changes_nothing() -> None:
    layer = nn.BatchNorm1d(3)
    x = mg.zeros(0, 3, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert (tuple(y.shape), tuple(x.grad.shape)) == ((0, 3), (0, 3))
    assert [b.tolist() for b in layer.buffers()][:2] == [[0] * 3, [1] * 3]


# ---- dropout ------------------------------------------------------------------------------------------------
@given(st.integers(0, 2**32), st.floats(0, 1, exclude_max=True), st.sampled_from([(), (7,), (3, 4), (2, 0)]))
def test_dropout_keeps_by_the_stream_and_divides_what_it_keeps(seed: int, p: float, shape: tuple[int, ...]) -> None:
    x = mg.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)
    mg.manual_seed(seed)
    y = nn.Dropout(p)(x)
    y.backward(mg.ones_like(x))
    mg.manual_seed(seed)
    scale = (mg.rand(*shape, dtype=mg.float64) < 1 - p).numpy() / (1 - p) if p and shape else np.ones(shape)
    if p and not shape:
        scale = (mg.rand(1, dtype=mg.float64) < 1 - p).numpy()[0] / (1 - p)
    np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy() * scale, rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), scale, rtol=1e-12)


def test_dropout_drops_its_share_in_training_only() -> None:
    mg.manual_seed(0)
    layer, x = nn.Dropout(0.3), mg.ones(100_000)
    y = layer(x)
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert y.mean().item() == pytest.approx(1, abs=0.02)
    assert layer.eval()(x) is x
    assert layer.train()(x) is not x
    assert nn.Dropout(1.0)(x).sum().item() == 0


def test_dropout_in_place_changes_its_input() -> None:
    mg.manual_seed(1)
    x = mg.ones(20)
    y = nn.Dropout(0.5, inplace=True)(x)
    assert y is x
    assert set(x.tolist()) == {0.0, 2.0}


# ---- embedding ----------------------------------------------------------------------------------------------
@given(hnp.arrays(np.int64, st.just(()) | SHAPES, elements=st.integers(0, 4)), st.none() | st.integers(-5, 4))
def test_a_row_is_given_what_its_places_are_given(places: Any, padding: int | None) -> None:
    table = np.arange(10.0).reshape(5, 2)
    weight = mg.tensor(table, requires_grad=True)
    rows = F.embedding(mg.tensor(places), weight, padding)
    assert rows.tolist() == table[places].tolist()
    seed = np.random.default_rng(0).normal(size=(*places.shape, 2))
    rows.backward(mg.tensor(seed))
    expected = np.array([seed[places == row].sum(axis=0) for row in range(5)])
    if padding is not None:
        expected[padding] = 0
    np.testing.assert_allclose(weight.grad.numpy(), expected, atol=1e-12)


def test_a_table_that_was_trained_elsewhere_is_frozen_or_not() -> None:
    table = mg.arange(6.0).reshape(3, 2)
    frozen, trained = nn.Embedding.from_pretrained(table), nn.Embedding.from_pretrained(table, freeze=False)
    assert (frozen.weight.requires_grad, trained.weight.requires_grad) == (False, True)
    assert trained(mg.tensor([2])).tolist() == [[4.0, 5.0]]
    assert nn.Embedding(3, 2, padding_idx=-1).padding_idx == 2
    assert nn.Embedding(3, 2, padding_idx=1).weight[1].tolist() == [0.0, 0.0]


# ---- activations --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "x", "value", "gradient"),
    [
        ("F.relu(x)", [0, -0.0], [0, 0], [0, 0]), ("F.hardtanh(x)", [-1, -0.5, 1, 2], [-1, -0.5, 1, 1], [0, 1, 0, 0]),
        ("F.relu6(x)", [0, 3, 6, 7], [0, 3, 6, 6], [0, 1, 0, 0]),
        ("F.elu(x)", [0, 1000, -1000], [0, 1000, -1], [1, 1, 0]),
        ("F.leaky_relu(x)", [0, -1000], [0, -10], [0.01, 0.01]), ("F.prelu(x, w)", [0, -4], [0, -1], [0.25, 0.25]),
        ("F.softplus(x)", [20.5, 1000, -1000], [20.5, 1000, 0], [1, 1, 0]),
        ("F.softplus(x, 2, 4)", [2.5, -1000], [2.5, 0], [1, 0]), ("F.logsigmoid(x)", [1000, -1000], [0, -1000], [0, 1]),
        ("F.silu(x)", [1000, -1000], [1000, 0], [1, 0]), ("F.gelu(x)", [1000, -1000], [1000, 0], [1, 0]),
        ("F.softmax(x, 0)", [1000, 0, -1000], [1, 0, 0], [0, 0, 0]),
        ("F.log_softmax(x, 0)", [1e4, 0, -1e4], [0, -1e4, -2e4], [-2, 1, 1]),
        ("F.normalize(x, dim=0)", [0, 0], [0, 0], [1e12, 1e12]),
    ],
)  # fmt: skip
def test_known_numbers_at_the_edges(code: str, x: list[float], value: list[float], gradient: list[float]) -> None:
    leaf = mg.tensor(x, dtype=mg.float64, requires_grad=True)
    y = eval(code, {"F": F, "x": leaf, "w": mg.tensor([0.25], dtype=mg.float64)})
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), value, atol=1e-12)
    np.testing.assert_allclose(leaf.grad.numpy(), gradient, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "silu", "hardtanh", "relu6"])
def test_in_place_means_in_place(name: str) -> None:
    function = getattr(F, name)
    x = mg.tensor([-2.0, 0.5, 3.0])
    expected = function(x)
    assert function(x, inplace=True) is x
    assert mg.equal(x, expected)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        function(mg.ones(2, requires_grad=True), inplace=True)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("shape", "dim"), [((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 2), 0), ((1, 2, 3, 2), 1)])
def test_a_softmax_without_dim_warns_and_chooses_as_pytorch(name: str, shape: tuple[int, ...], dim: int) -> None:
    x = mg.tensor(np.random.default_rng(0).normal(size=shape))
    with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated") as caught:
        found = getattr(F, name)(x)
    assert mg.equal(found, getattr(F, name)(x, dim))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("code", ["nn.Softmax()", "nn.LogSoftmax()"])
def test_a_softmax_layer_without_dim_warns_where_it_is_called(code: str) -> None:
    layer = eval(code)
    with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
        layer(mg.zeros(2, 2))
    assert caught[0].filename == __file__


def test_integers_keep_their_kind_where_pytorch_keeps_it() -> None:
    x = mg.tensor([-3, 0, 9])
    assert (F.relu(x).tolist(), F.relu(x).dtype) == ([0, 0, 9], mg.int64)
    assert (F.relu6(x).tolist(), F.relu6(x).dtype) == ([0, 0, 6], mg.int64)
    assert (F.sigmoid(x).dtype, F.tanh(x).dtype) == (mg.float32, mg.float32)


def test_nothing_is_recorded_under_no_grad() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.LayerNorm(4), nn.Softmax(1))
    with mg.no_grad():
        assert not net(mg.ones(2, 3)).requires_grad
    assert net(mg.ones(2, 3)).requires_grad


# ---- one_hot, pad -------------------------------------------------------------------------------------------
@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=3), elements=st.integers(0, 5)), st.integers(0, 2))
def test_one_hot_has_its_one_at_the_class(classes: Any, more: int) -> None:
    n = int(classes.max()) + 1 + more
    found = F.one_hot(mg.tensor(classes), n if more else -1)
    assert (found.dtype, tuple(found.shape)) == (mg.int64, (*classes.shape, n))
    assert found.numpy().sum() == classes.size
    assert (found.numpy().argmax(axis=-1) == classes).all()


@given(st.lists(st.integers(0, 3), min_size=4, max_size=4), st.floats(-2, 2))
def test_pad_is_numpys_pad(around: list[int], value: float) -> None:
    x = np.arange(6.0).reshape(2, 3)
    left, right, above, below = around
    expected = np.pad(x, ((above, below), (left, right)), constant_values=value)
    assert F.pad(mg.tensor(x), around, value=value).tolist() == expected.tolist()
    assert F.pad(F.pad(mg.tensor(x), around), [-n for n in around]).tolist() == x.tolist()


# ---- what is refused ----------------------------------------------------------------------------------------
#: a call, and a phrase of what PyTorch says to it
REFUSED: dict[type[Exception], str] = {
    IndexError: """
        F.embedding(t(0, 5), z(3, 2))               # index out of range in self
        F.embedding(t(0, -1), z(3, 2))              # index out of range in self
        F.softmax(z(2, 3), dim=2)                   # Dimension out of range
        F.normalize(z(3))                           # Dimension out of range
        nn.Flatten()(z(3))                          # Dimension out of range
    """,
    ValueError: """
        F.dropout(z(2), p=1.5)                      # dropout probability has to be between 0 and 1, but got 1.5
        nn.Dropout(-0.1)                            # dropout probability has to be between 0 and 1, but got -0.1
        F.hardtanh(z(2), 1.0, 0.0)                  # min_val cannot be greater than max_val
        nn.BatchNorm1d(3)(z(3))                     # expected 2D or 3D input (got 1D input)
        nn.BatchNorm1d(3)(z(2, 3, 4, 5))            # expected 2D or 3D input (got 4D input)
        nn.BatchNorm1d(3)(z(1, 3))                  # Expected more than 1 value per channel when training
        nn.BatchNorm1d(3)(z(1, 3, 1))               # got input size torch.Size([1, 3, 1])
        F.batch_norm(z(2, 3), z(3), None, training=True)  # must either both be None or neither be None
    """,
    TypeError: """
        F.linear([1.0], z(4, 3), z(1))              # linear(): argument 'input' (position 1) must be Tensor, not list
        F.linear(z(2, 3), z(4, 3), [1.0])           # linear(): argument 'bias' (position 3) must be Tensor, not list
        nn.Linear(3, 4)([1.0, 2.0, 3.0])            # linear(): argument 'input' (position 1) must be Tensor, not list
        F.layer_norm(z(2, 3), 3)                    # 'normalized_shape' (position 2) must be tuple of ints, not int
        F.pad(z(2, 3), 1)                           # argument 'pad' (position 2) must be tuple of ints, not int
        nn.Unflatten(1, 3)                          # unflattened_size must be a tuple of ints, but found type int
        nn.Unflatten(1, ("a", 3))                   # but found element of type str at pos 0
        nn.Tanh(3)                                  # takes 1 positional argument but 2 were given
    """,
    AssertionError: """
        nn.Embedding(3, 2, padding_idx=3)           # Padding_idx must be within num_embeddings
        F.embedding(t(0), z(3, 2), padding_idx=-5)  # Padding_idx must be within num_embeddings
        nn.Embedding(3, 2, _weight=z(4, 2))         # Shape of weight does not match num_embeddings and embedding_dim
        nn.Embedding.from_pretrained(z(3))          # Embeddings parameter is expected to be 2-dimensional
        nn.Hardtanh(1.0, 0.0)                       # max_val (0.0) must be greater than min_val (1.0)
    """,
    NotImplementedError: """
        F.softmax(z(2, 3).long(), dim=1)            # not implemented for 'Long'
        F.gelu(z(2).long())                         # not implemented for 'Long'
        F.softplus(z(2).long())                     # not implemented for 'Long'
        F.elu(z(2).long())                          # not implemented for 'Long'
        F.layer_norm(z(2, 3).long(), [3])           # not implemented for 'Long'
        F.batch_norm(z(2, 3).long(), None, None, training=True)  # not implemented for 'Long'
    """,
    RuntimeError: """
        F.linear(z(2, 3), z(4, 5))                  # mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)
        F.linear(z(2, 5, 3), z(4, 2), z(4))         # mat1 and mat2 shapes cannot be multiplied (10x3 and 2x4)
        F.linear(z(5), z(4, 3), z(4))               # mat1 and mat2 shapes cannot be multiplied (1x5 and 3x4)
        F.linear(z(2, 3), z(4, 3), z(5))            # (5
        F.linear(z(2, 3), z(4, 3, 1))               # t
        F.linear(z(2)[0], z(4, 3), z(4))            # both arguments to linear need to be at least 1D
        F.linear(z(2, 3).double(), z(4, 3), z(4))   # mat1 and mat2 must have the same dtype, but got Double and Float
        F.linear(z(2, 3), z(4, 3).double())         # have the same dtype, but got
        F.linear(z(2, 3), z(4, 3), z(4).double())   # mat2 must have the same dtype, but got
        nn.Linear(3, 4)(t(1, 2, 3))                 # have the same dtype, but got
        nn.Linear(3, -4)                            # Trying to create tensor with negative dimension -4
        nn.BatchNorm1d(3)(z(2, 4))                  # running_mean should contain 4 elements not 3
        F.batch_norm(z(2, 3), z(3), z(3), bias=z(2))  # bias should contain 3 elements not 2
        F.batch_norm(z(2, 3), None, None)           # running_mean must be defined in evaluation mode
        nn.BatchNorm1d(3)(z(2, 3).double())         # mixed dtype (CPU)
        nn.LayerNorm(3)(z(2, 4))                    # Given normalized_shape=[3], expected input with shape [*, 3]
        nn.LayerNorm((2, 3))(z(3))                  # Given normalized_shape=[2, 3], expected input with shape [*, 2, 3]
        F.layer_norm(z(2, 3), [])                   # Expected normalized_shape to be at least 1-dimensional
        F.layer_norm(z(2, 3), [3], weight=z(4))     # Expected weight to be of same shape as normalized_shape
        F.layer_norm(z(2, 3), [3], bias=z(3).double())  # mixed dtype (CPU)
        F.embedding(t(0.0), z(3, 2))                # Long, Int; but got torch.FloatTensor
        F.embedding(t(0), z(3, 2, 2))               # 'weight' must be 2-D
        F.one_hot(t(0, 2), 2)                       # Class values must be smaller than num_classes
        F.one_hot(t(0, -1))                         # Class values must be non-negative
        F.one_hot(t(0.0))                           # one_hot is only applicable to index tensor of type LongTensor
        F.one_hot(t().long())                       # Can not infer total number of classes from empty tensor
        F.gelu(z(2), approximate="erf")             # approximate argument must be either none or tanh
        F.prelu(z(2, 3), z(2))                      # Found parameter numbers = 2 and channel size = 3
        F.prelu(z(2, 3), z(1, 1))                   # Expected `weight` to be a scalar or 1D tensor, but got: ndim = 2
        F.pad(z(2, 3), (1,))                        # Padding length must be divisible by 2
        F.pad(z(2, 3), (1,) * 6)                    # less than or equal to two times the input dimension
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


@pytest.mark.parametrize(
    ("code", "phrase"),
    [
        ("nn.Embedding(3, 2, max_norm=1.0)", "max_norm=1.0 is not supported"),
        ("nn.Embedding(3, 2, sparse=True)", "sparse=True is not supported"),
        ("F.embedding(t(0), z(3, 2), scale_grad_by_freq=True)", "scale_grad_by_freq=True is not supported"),
        ("F.pad(z(2, 3), (1, 1), mode='reflect')", "pad supports the mode 'constant', got 'reflect'"),
        ("nn.Linear(3, 2, device='cuda')", "cuda"),
    ],
)
def test_what_is_not_supported_is_refused(code: str, phrase: str) -> None:
    assert re.search(re.escape(phrase), str(refusal(mg, nn, F, code)))


# ---- modules in modules -------------------------------------------------------------------------------------
def test_a_sequence_knows_what_a_subclass_assigns() -> None:
    """As in PyTorch: a module that is assigned comes after the numbered ones, a parameter is one of the sequence."""

    class Net(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Linear(2, 2))
            self.scale = nn.Parameter(mg.ones(1))
            self.last = nn.Linear(2, 1)
            self.register_buffer("seen", mg.zeros(1))

    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["scale", "0.weight", "0.bias", "last.weight", "last.bias"]
    assert list(net.state_dict()) == ["scale", "seen", "0.weight", "0.bias", "last.weight", "last.bias"]
    assert (len(net), net[1] is net.last, net(mg.ones(3, 2)).shape) == (2, True, (3, 1))
    assert repr(net).splitlines()[2] == "  (last): Linear(in_features=2, out_features=1, bias=True)"
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert [*net.parameters(recurse=False)] == [net.scale]
    assert [name for name, _ in net.named_buffers(recurse=False)] == ["seen"]
    assert not [*net[0].buffers(recurse=False)]


@pytest.mark.parametrize(("code", "text"), [
    ("m = nn.Sequential({'a': nn.ReLU(), 'b': nn.Tanh()}); m.append(nn.Sigmoid())",
     "(a): ReLU() (b): Tanh() (2): Sigmoid()"),
    ("m = nn.Sequential(nn.ReLU(), nn.Tanh()); m.insert(1, nn.Sigmoid())", "(0): ReLU() (1): Sigmoid() (2): Tanh()"),
    ("m = nn.Sequential(nn.ReLU(), nn.Tanh()); m.pop(0)", "(0): Tanh()"),
    ("m = nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh())", "(0): ReLU() (1): Tanh()"),
    ("m = nn.ModuleList([nn.ReLU()]) + [nn.ReLU()]", "(0-1): 2 x ReLU()"),
    ("m = nn.ModuleList([nn.ReLU(), nn.Tanh()]); m.last = nn.Tanh()", "(0): ReLU() (1-2): 2 x Tanh()"),
])  # fmt: skip
def test_sequences_change(code: str, text: str) -> None:
    names: dict[str, Any] = {"nn": nn}
    exec(code, names)
    assert " ".join(line.strip() for line in repr(names["m"]).splitlines()[1:-1]) == text


def test_a_parameter_is_made_of_a_tensor() -> None:
    with pytest.raises(TypeError, match="a Parameter is made of a Tensor, got list; wrap it"):
        nn.Parameter([1.0, 2.0])


# ---- where their nodes are made ------------------------------------------------------------------------------
class Twice(nn.Linear):
    def forward(self, input: Any) -> Any:
        return super().forward(input).relu()


class Nested(nn.Tanh):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, input: Any) -> Any:
        return self.inner(input).tanh()


class Called(nn.Linear):
    def __call__(self, *inputs: Any) -> Any:
        return super().__call__(*inputs) * 3.0

    def forward(self, input: Any) -> Any:
        return super().forward(input)


class Squashing:
    def forward(self, input: Any, scale: float = 1.0) -> Any:
        return super().forward(input).tanh() * scale  # type: ignore[misc]


class Mixed(Squashing, nn.Linear):
    pass


class Counted(nn.Module):
    calls = 0

    def __call__(self, *inputs: Any) -> Any:
        Counted.calls += 1
        return super().__call__(*inputs)


def wide() -> nn.Module:
    layer = nn.Linear(3, 3)
    layer.bias = nn.Parameter(mg.zeros(1))
    return layer


def exchanged() -> nn.Module:
    layer = nn.Linear(3, 3)
    layer.forward = lambda input: nn.functional.linear(input, layer.weight).exp()  # type: ignore[method-assign]
    return layer


def below(y: Any) -> list[Any]:
    """The operations of a graph."""
    found, waiting = [], [y._node]
    while waiting:
        node = waiting.pop()
        if node.rule is not None:
            found.append(node)
            waiting += node.parents
    return found


@pytest.mark.parametrize(("layer", "scopes"), [
    ("nn.Linear(3, 3)", {"linear": "layer"}),
    ("nn.Tanh()", {"tanh": "layer"}),
    ("nn.ReLU(inplace=True)", {"relu": "layer"}),
    ("nn.Flatten(0)", {"reshape": "layer"}),
    ("nn.Flatten(1)", {}),
    ("nn.Softplus()", {"softplus": "layer", "where": "layer"}),
    ("Twice(3, 3)", {"linear": "layer", "relu": "layer"}),
    ("Nested()", {"linear": "layer.inner", "tanh": "layer"}),
    ("Called(3, 3)", {"linear": "layer", "mul": ""}),
    ("Mixed(3, 3)", {"linear": "layer", "tanh": "layer", "mul": "layer"}),
    ("exchanged()", {"linear": "layer", "exp": "layer"}),
    ("wide()", {"add": "layer", "matmul": "layer", "permute": "layer"}),
])  # fmt: skip
def test_nodes_are_made_in_the_scope_of_their_layer(layer: str, scopes: dict[str, str]) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = eval(layer)

        def forward(self, x: Any) -> Any:
            return self.layer(x * 2.0)

    net = Net()
    for checking in (False, True):
        with mg.detect_anomaly() if checking else nullcontext():
            made = below(net(mg.ones(2, 3, requires_grad=True)))
            assert {node.op: node.scope for node in made[::-1]} == {"mul": ""} | scopes


@pytest.mark.parametrize("base", [nn.Linear, nn.Tanh, nn.Softmax])
@pytest.mark.parametrize("own", [False, True])
def test_a_call_of_another_base_is_not_passed_over(base: Any, own: bool) -> None:
    space = {"forward": lambda self, x: base.forward(self, x)} if own else {}
    layer = type("Both", (base, Counted), space)(*[3, 3] if base is nn.Linear else [1] if base is nn.Softmax else [])
    before = Counted.calls
    nn.Sequential(layer)(mg.ones(2, 3))
    assert Counted.calls == before + 1


def test_an_embedding_with_padding_makes_two_nodes_in_its_scope() -> None:
    net = nn.Sequential(nn.Embedding(4, 2, padding_idx=0))
    assert [(node.op, node.scope) for node in below(net(mg.tensor([0, 1])))] == [("where", "0"), ("index", "0")]
    (outer,) = {node.made_in for node in below(net(mg.tensor([0, 1])))}
    assert outer.path == "0"


def test_each_call_of_a_layer_is_a_scope_of_its_own() -> None:
    net = nn.Sequential(nn.Linear(2, 2))
    nodes = below(net(net(mg.ones(1, 2))))
    assert [node.scope for node in nodes] == ["0", "0"]
    assert nodes[0].made_in is nodes[0].made_in is not nodes[1].made_in


def test_an_activation_of_values() -> None:
    net = nn.Sequential(nn.Tanh(), nn.ReLU())
    y = net(mg.Value(0.5))
    assert [(node.op, node.scope) for node in (y, y.parents[0])] == [("relu", "1"), ("tanh", "0")]


def test_a_layer_of_two_inputs_in_place_of_one() -> None:
    net = nn.ModuleList([Mixed(3, 3)])
    assert net[0](mg.ones(1, 3), 2.0).tolist() == net[0](mg.ones(1, 3), scale=2.0).tolist()


@pytest.mark.parametrize("kind", [nn.Parameter, lambda x: x.requires_grad_()])
def test_a_leaf_through_a_layer_without_recording(kind: Any) -> None:
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten())
    with mg.no_grad():
        p = kind(mg.tensor([[-1.0, 2.0]]))
        assert net(p) is p
    assert (p.tolist(), p._node.scope) == ([[0.0, 2.0]], "")
