"""Plots: on the axes that they are given, from Values and numbers, without pyplot and its global state."""

from __future__ import annotations

import math
import os
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

from microgradx.nn import MLP  # noqa: E402
from microgradx.value import Value  # noqa: E402
from viz.plots import BLUE, GRID, ORANGE, plot_boundary, plot_loss  # noqa: E402

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


def test_plots_go_to_the_axes_given() -> None:
    left, right = Figure().subplots(1, 2)
    assert plot_loss([1.0, 0.5], ax=left) is left
    assert plot_boundary(upper_half, POINTS, LABELS, ax=right) is right


def test_boundary_separates_the_two_colours() -> None:
    axes = plot_boundary(upper_half, POINTS, LABELS)
    yes, no = axes.collections[-2:]
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


def test_no_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="got no losses"):
        plot_loss([])


def test_pyplot_is_never_loaded() -> None:
    code = "import sys, viz.plots as p; p.plot_loss([1]); sys.exit('matplotlib.pyplot' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=environment).returncode == 0
