"""Plots: on the axes that they are given, from Values, Tensors and numbers, without pyplot and its global state."""

from __future__ import annotations

import math
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

import microgradx as mg  # noqa: E402
from microgradx import nn  # noqa: E402
from microgradx.nn import MLP  # noqa: E402
from microgradx.optim import SGD, RangeTest, lr_range_test  # noqa: E402
from microgradx.value import Value  # noqa: E402
from viz import plots  # noqa: E402
from viz.plots import (  # noqa: E402
    ARROWS,
    BATCH,
    BLUE,
    GRID,
    ORANGE,
    plot_activations,
    plot_boundary,
    plot_gradient_field,
    plot_gradients,
    plot_histograms,
    plot_loss,
    plot_lr_finder,
    plot_weights,
)

POINTS, LABELS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [-1, -1, 1, 1]


def upper_half(x: Sequence[Any]) -> Any:
    return x[1] - 0.5


def png(axes: Any) -> bytes:
    axes.get_figure().savefig(stream := BytesIO(), dpi=40)
    return stream.getvalue()


def test_plot_loss_draws_one_line_through_all_steps() -> None:
    axes = plot_loss([3.0, Value(2.0), np.float64(1.0)])  # type: ignore[list-item]
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]  # type: ignore[union-attr]
    assert axes.get_yscale() == "linear"
    assert plot_loss([100.0, 1.0, 0.01]).get_yscale() == "log"


@pytest.mark.parametrize("losses", [[1.0], [0.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [float("inf"), 1.0]])
def test_plot_loss_draws_what_training_may_give(losses: list[float]) -> None:
    assert png(plot_loss(losses))


def test_boundary_separates_the_two_colours() -> None:
    axes = plot_boundary(upper_half, POINTS, LABELS)
    no, yes = axes.collections[-2:]
    assert [to_hex(np.asarray(dots.get_facecolor())[0]) for dots in (yes, no)] == [BLUE, ORANGE]
    assert np.array(yes.get_offsets()).tolist() == [[0, 1], [1, 1]]
    assert len(yes.get_paths()[0]) != len(no.get_paths()[0])  # another marker, for who sees no colours
    (boundary,) = axes.collections[1].get_paths()
    assert np.allclose(boundary.vertices[:, 1], 0.5)  # type: ignore[index]


SCORES = {"1": lambda x: 1.0, "nan": lambda x: math.nan, "±inf": lambda x: x[1] * 1e300 * 1e300, "-x1": lambda x: -x[0]}


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [2.5, 2.5, 7, 7], [-1, -1, -1, -1]])
@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_boundary_draws_whatever_the_model_says(labels: list[float], score: Any) -> None:
    assert png(plot_boundary(score, POINTS, labels))


def test_boundary_runs_the_model_once_a_point_and_records_nothing() -> None:
    calls: list[Value] = []
    weight = Value(1.0)

    def model(x: Sequence[float]) -> Value:
        calls.append(weight * x[0] + x[1])
        return calls[-1]

    plot_boundary(model, POINTS, LABELS)
    assert len(calls) == GRID * GRID
    assert not any(call.parents for call in calls)


def test_boundary_of_a_network() -> None:
    model = MLP(2, [3, 1], seed=0)
    assert png(plot_boundary(model, np.array(POINTS), np.array(LABELS)))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("points", "labels", "says"),
    [
        ([[0, 1, 2]], [1], r"shape \(n, 2\)"),
        ([], [], r"shape \(n, 2\)"),
        ([[0, 1]], [1, 2], r"\(1, 2\) and \(2,\)"),
        ([[0, 1]] * 3, [1, 2, 3], "two kinds"),
    ],
)
def test_boundary_refuses(points: Any, labels: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        plot_boundary(upper_half, points, labels)


@pytest.mark.parametrize("losses", [[], {}, {"training": [1.0], "validation": []}])
def test_no_losses_are_refused(losses: Any) -> None:
    with pytest.raises(ValueError, match="got no losses"):
        plot_loss(losses)


def test_curves_by_name_differ_in_more_than_colour() -> None:
    axes = plot_loss({"training": [3.0, mg.tensor(2.0)], "validation": [3.5]})
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]  # type: ignore[union-attr]
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert [np.size(line.get_xdata()) for line in axes.lines] == [2, 1]


# ---- the learning-rate finder ----------------------------------------------------------------------------
def test_lr_finder_marks_the_suggestion_on_the_curve() -> None:
    axes = plot_lr_finder(RangeTest([0.01, 0.1, 1.0], [3.0, 2.0, 5.0], 0.1))
    curve, rule, mark = axes.lines
    assert axes.get_xscale() == "log"
    assert np.allclose(curve.get_xydata(), [[0.01, 3], [0.1, 2], [1, 5]])  # type: ignore[arg-type]
    assert rule.get_xdata() == [0.1, 0.1]
    assert np.allclose(mark.get_xydata(), [[0.1, 2]])  # type: ignore[arg-type]
    assert len(plot_lr_finder([0.01, 0.1], [3.0, 2.0]).lines) == 1


def test_lr_finder_draws_what_the_range_test_finds() -> None:
    w = Value(1.0)
    found = lr_range_test(lambda x: w * x, lambda y, t: (y - t) ** 2, [(1.0, 3.0)], SGD([w]), start_lr=1e-3)
    axes = plot_lr_finder(found)
    assert png(axes)
    assert axes.lines[0].get_xydata()[:, 0].tolist() == found.lrs  # type: ignore[index, union-attr]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (([0.1, 0.2],), TypeError, "list alone"),
        (([0.1, 0.2], [1.0]), ValueError, "2 rates and 1 losses"),
        (([0.1, 0.0], [1.0, 1.0]), ValueError, "not all positive"),
        (([[0.1]], [1.0]), ValueError, r"shape \(1, 1\)"),
        ((["fast"], [1.0]), TypeError, "numbers for the learning rates, got list"),
    ],
)
def test_lr_finder_refuses(given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        plot_lr_finder(*given)


# ---- boundaries of Tensors -------------------------------------------------------------------------------
def linear(weight: list[list[float]], bias: list[float]) -> Any:
    layer = nn.Linear(2, len(weight))
    layer.load_state_dict({"weight": np.array(weight), "bias": np.array(bias)})
    return layer


def boundary_of(axes: Any) -> Any:
    return np.concatenate([path.vertices for path in axes.collections[1].get_paths()])


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(linear([[0.0, 1.0]], [-0.5])),  # one score, in a column
        nn.Sequential(linear([[0.0, 1.0], [0.0, -1.0]], [0.0, 1.0])),  # of two classes, the first wins above 0.5
    ],
)
def test_boundary_of_tensors_is_found_in_one_call(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    forward = model.forward
    monkeypatch.setattr(type(model), "forward", lambda self, x: shapes.append(tuple(x.shape)) or forward(x))
    axes = plot_boundary(model, POINTS, [0, 0, 1, 1])
    assert shapes == [(BATCH * BATCH, 2)]
    assert np.allclose(boundary_of(axes)[:, 1], 0.5, atol=1e-6)
    assert all(p.grad is None for p in model.parameters())


def test_boundary_of_a_function_of_tensors() -> None:
    axes = plot_boundary(lambda x: x[:, 0] - 0.25, mg.tensor(POINTS), mg.tensor([[0], [1], [0], [1]]))
    assert np.allclose(boundary_of(axes)[:, 0], 0.25, atol=1e-6)


def test_boundary_between_classes() -> None:
    corners = linear([[-9.0, -9.0], [9.0, -9.0], [-9.0, 9.0]], [0.0, -9.0, -9.0])
    axes = plot_boundary(nn.Sequential(corners), POINTS[:3], [0, 1, 2])
    named = [dots for dots in axes.collections if str(dots.get_label()).startswith("y = ")]
    assert [dots.get_label() for dots in named] == ["y = 0", "y = 1", "y = 2"]
    assert len({to_hex(np.asarray(dots.get_facecolor())[0]) for dots in named}) == 3
    assert len({tuple(map(tuple, np.asarray(dots.get_paths()[0].vertices))) for dots in named}) == 3
    assert png(axes)
    values = MLP(2, [3], seed=0)  # gives a list of three Values
    assert png(plot_boundary(values, POINTS[:3], [0, 1, 2]))
    with pytest.raises(ValueError, match="expected the labels 0 to 2, since there are 3 scores for each point, got 5"):
        plot_boundary(values, POINTS[:1], [5])


def test_boundary_does_not_train_the_model() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), linear([[0.0, 1.0]], [-0.5]), nn.Dropout(0.9))
    model[0].eval()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    plot_boundary(model, POINTS, LABELS)
    assert [module.training for module in model.modules()] == [True, False, True, True]
    assert all((x == before[name]).all() for name, x in model.state_dict().items())


def test_boundary_refuses_scores_that_fit_no_points() -> None:
    with pytest.raises(ValueError, match=r"for each of 40000 points, got scores of shape \(\)"):
        plot_boundary(lambda x: x.sum(), mg.tensor(POINTS), LABELS)
    with pytest.raises(TypeError, match="expected numbers for the scores, got list"):
        plot_boundary(lambda x: None if x[0] > 0 else "no", POINTS, LABELS)


# ---- gradient fields -------------------------------------------------------------------------------------
def quadratic(x: Any, y: Any) -> Any:
    return x * x + 3 * y


@pytest.mark.parametrize("of", [Value, mg.Tensor])
def test_arrows_point_along_the_gradient(of: Any) -> None:
    axes = plot_gradient_field(quadratic, (-1, 1), (-1, 1), of=of)
    (quiver,) = [c for c in axes.collections if hasattr(c, "U")]
    x, _ = np.asarray(quiver.XY).T  # type: ignore[attr-defined]
    assert len(x) == ARROWS * ARROWS
    true = np.stack([2 * x, np.full_like(x, 3.0)], axis=1)
    drawn = np.stack([quiver.U, quiver.V], axis=1)  # type: ignore[attr-defined]
    lengths = np.hypot(*true.T)
    assert np.allclose(drawn / np.hypot(*drawn.T)[:, None], true / lengths[:, None])
    assert np.allclose(np.hypot(*drawn.T) ** 3 / lengths, (np.hypot(*drawn.T) ** 3 / lengths)[0])
    assert np.hypot(*drawn.T).max() <= 2 / ARROWS  # no arrow reaches over the next one's tail
    assert axes.get_aspect() == 1.0
    assert axes.get_xlim() == axes.get_ylim() == (-1, 1)
    assert png(axes)


def test_field_leaves_other_gradients_alone() -> None:
    w = Value(2.0)
    plot_gradient_field(lambda x, y: w * x * y, (0, 1), (0, 1))
    assert w.grad is None
    v = mg.tensor(2.0, requires_grad=True)
    plot_gradient_field(lambda x, y: v * x * y, (0, 1), (0, 1), of=mg.Tensor)
    assert v.grad is None


FIELDS: dict[str, Any] = {
    "flat": lambda x, y: x * 0 + 1,
    "half": lambda x, y: x.log() + y,  # nan left of 0
    "pole": lambda x, y: (x - y) ** -1,
    "one": lambda x, y: y * 1e200,
}


@pytest.mark.parametrize("name", FIELDS)
def test_field_draws_whatever_the_function_gives(name: str) -> None:
    assert png(plot_gradient_field(FIELDS[name], (-1, 1), (-1, 2)))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: plot_gradient_field(lambda x, y: 1.0), TypeError, "one number as a Value, got float 1.0"),
        (lambda: plot_gradient_field(quadratic, of=float), TypeError, "Value or Tensor"),  # type: ignore[arg-type]
        (lambda: plot_gradient_field(quadratic, (1, 0)), ValueError, r"xlim .* got \(1, 0\)"),
        (lambda: plot_gradient_field(lambda x, y: x * math.nan), ValueError, "finite nowhere"),
        (lambda: plot_gradient_field(lambda x, y: mg.stack([x, y]), of=mg.Tensor), TypeError, "got Tensor"),
    ],
)
def test_field_refuses(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


# ---- layers ----------------------------------------------------------------------------------------------
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the next histograms are drawn of."""
    found: dict[str, Any] = {}

    def draw(arrays: Any, *given: Any, **options: Any) -> Any:
        found.update(arrays)
        return plot_histograms(arrays, *given, **options)

    monkeypatch.setattr(plots, "plot_histograms", draw)
    return found


def rows(axes: Any) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_activations_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    found = recorded(monkeypatch)
    model = nn.Sequential(nn.Sequential(linear([[1.0, 2.0]], [3.0]), nn.ReLU()), nn.Dropout(0.5))
    axes = plot_activations(model, [[1.0, 1.0], [-9.0, 1.0]])
    assert rows(axes) == list(found) == ["0.0 Linear", "0.1 ReLU", "1 Dropout"]
    assert [x.ravel().tolist() for x in found.values()] == [[6, -4], [6, 0], [6, 0]]  # dropout rests
    assert model.training
    assert any("50 % zeros" in text.get_text() for text in axes.texts)
    assert rows(plot_activations(nn.Sequential(nn.Tanh()), mg.tensor([1.0]))) == ["0 Tanh"]


def test_activations_of_values_are_those_of_the_same_network_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLP(2, [4, 3, 1], seed=0, activation="tanh")
    found = recorded(monkeypatch)
    assert rows(plot_activations(model, POINTS)) == ["layers.0", "layers.1", "layers.2"]
    values = dict(found)
    found.clear()
    plot_activations(model.to_sequential(), POINTS)
    activations = [found[name] for name in found if "Tanh" in name] + list(found.values())[-1:]
    for ours, theirs in zip(values.values(), activations, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-12)
    assert all(p.grad is None for p in model.parameters())


def test_gradients_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = recorded(monkeypatch)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    model(mg.tensor(POINTS)).sum().backward()
    assert rows(plot_gradients(model)) == ["0 Linear", "2 Linear"]
    for layer, name in ((model[0], "0 Linear"), (model[2], "2 Linear")):
        grads = [layer.weight.grad.numpy().ravel(), layer.bias.grad.numpy()]
        assert found[name].tolist() == np.concatenate(grads).tolist()
    found.clear()
    values = MLP(2, [3, 1], seed=0)
    values(POINTS[1]).backward()
    assert rows(plot_gradients(values)) == ["layers.0", "layers.1"]
    assert [x.tolist() for x in found.values()] == [[p.grad for p in layer.parameters()] for layer in values.layers]


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(mg.tensor(2.0))
        self.inner = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        return self.scale * self.inner(x)


def test_gradients_of_a_module_with_parameters_of_its_own() -> None:
    model = Residual()
    model(mg.tensor(POINTS)).sum().backward()
    assert rows(plot_gradients(model)) == ["Residual", "inner Linear"]


def test_histograms_count_every_number_over_one_axis() -> None:
    axes = plot_histograms([("wide", mg.tensor([[0.0, 1.0], [2.0, 4.0]])), ("narrow", [Value(1.0), math.nan])])
    wide, narrow = axes.patches
    heights, edges, base = wide.get_data()  # type: ignore[attr-defined]
    assert (edges[0], edges[-1], base) == (0, 4, 1)
    assert np.flatnonzero(heights - 1).tolist() == [0, 15, 30, 59]
    assert np.flatnonzero(narrow.get_data()[0]).tolist() == [15]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts] == ["mean 1.8, std 1.5\n25 % zeros", "mean 1, std 0\n1 not finite"]
    assert rows(axes) == ["wide", "narrow"]


@pytest.mark.parametrize("numbers", [[0.0], [5.0, 5.0], [math.nan], [math.inf, 1.0], [1e300, -1e300], [1e-320, 0]])
def test_histograms_draw_whatever_training_gives(numbers: list[float]) -> None:
    assert png(plot_histograms({"layer": numbers}))


def test_weights_of_every_kind_of_layer() -> None:
    layer = MLP(2, [3, 1], seed=0).layers[0]
    as_numbers = [[w.data for w in neuron.w] for neuron in layer.neurons]
    for weights in (layer, as_numbers, np.array(as_numbers), mg.tensor(as_numbers), linear(as_numbers, [0.0] * 3)):
        (image,) = plot_weights(weights).images
        assert np.allclose(np.asarray(image.get_array()), as_numbers)
        low, high = image.get_clim()
        assert low == -high  # white is 0
    assert np.shape(plot_weights(layer.neurons[0]).images[0].get_array()) == (1, 2)
    assert np.shape(plot_weights(np.zeros((4, 3, 2, 2))).images[0].get_array()) == (4, 12)


def test_small_maps_write_their_numbers() -> None:
    texts = plot_weights([[1.0, -0.25], [0.0, math.nan]]).texts
    assert [text.get_text() for text in texts] == ["1", "−0.25", "0", "nan"]
    assert not plot_weights(np.ones((20, 20))).texts
    assert png(plot_weights([[0.0]]))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: plot_activations(Residual(), POINTS), TypeError, "nn.Sequential or an MLP, got Residual"),  # type: ignore[no-untyped-call, arg-type]
        (lambda: plot_gradients(nn.Linear(2, 1)), ValueError, "loss.backward"),
        (lambda: plot_gradients([1.0]), TypeError, "expected a Module.*got list"),  # type: ignore[arg-type]
        (lambda: plot_histograms({}), ValueError, "at least one array"),
        (lambda: plot_histograms({"a": []}), ValueError, r"\('a', 0\)"),
        (lambda: plot_histograms([1.0, 2.0]), TypeError, "arrays by name"),  # type: ignore[list-item]
        (lambda: plot_histograms({"a": "text"}), TypeError, "array 'a', got str"),
        (lambda: plot_weights([1.0]), ValueError, r"a matrix of weights, got shape \(1,\)"),
        (lambda: plot_weights(MLP(2, [2, 1])), TypeError, "one layer.*got MLP; draw the layers"),
        (lambda: plot_loss([1.0], Figure()), TypeError, "ax is one matplotlib Axes.*got Figure"),  # type: ignore[arg-type]
        (lambda: plot_loss("text"), TypeError, "numbers for the losses, got str 'text'"),
        (lambda: plot_loss([[1.0]]), ValueError, r"losses of 1 dimension, got shape \(1, 1\)"),
    ],
)
def test_plots_of_layers_refuse(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


# ---- all -------------------------------------------------------------------------------------------------
EVERY: dict[str, Any] = {
    "plot_loss": lambda ax: plot_loss([1.0, 0.5], ax=ax),
    "plot_lr_finder": lambda ax: plot_lr_finder([0.1, 0.2], [1.0, 0.5], ax=ax),
    "plot_boundary": lambda ax: plot_boundary(upper_half, POINTS, LABELS, ax=ax),
    "plot_gradient_field": lambda ax: plot_gradient_field(quadratic, (0, 1), (0, 1), ax=ax),
    "plot_histograms": lambda ax: plot_histograms({"a": [1.0, 2.0]}, ax=ax),
    "plot_activations": lambda ax: plot_activations(MLP(2, [1], seed=0), POINTS, ax=ax),
    "plot_gradients": lambda ax: plot_gradients(trained(), ax=ax),
    "plot_weights": lambda ax: plot_weights([[1.0]], ax=ax),
}


def trained() -> MLP:
    model = MLP(2, [2, 1], seed=0)
    model([1.0, 2.0]).backward()
    return model


@pytest.mark.parametrize("name", plots.__all__)
def test_every_plot_takes_and_returns_axes_and_labels_them(name: str) -> None:
    settings = dict(matplotlib.rcParams)
    given = Figure().subplots()
    assert EVERY[name](given) is given
    new = EVERY[name](None)
    assert new is not given
    for axes in (given, new):
        assert axes.get_xlabel()
        assert axes.get_ylabel() or len(rows(axes)) > 0
    assert dict(matplotlib.rcParams) == settings
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_pyplot_is_never_loaded() -> None:
    code = "import sys, viz.plots as p; p.plot_loss([1]); sys.exit('matplotlib.pyplot' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=environment).returncode == 0


def test_the_example_draws(tmp_path: Path) -> None:
    example = Path(__file__).parent.parent / "examples" / "plots.py"
    runpy.run_path(str(example))["main"](tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"plots.png", "walk.svg"}
