"""Loss curves and decision boundaries on matplotlib axes (the extra `plots`).

Each function draws on the axes that it is given, or on those of a new figure, and returns them. pyplot and its
global state are never touched; a notebook shows what is drawn on axes that it made itself (`plt.subplots()`).
Blue and orange, circles and squares: nobody must tell red from green.

>>> axes = plot_loss([0.9, 0.4, 0.2])
>>> axes.get_xlabel(), axes.get_ylabel(), len(axes.lines)
('step', 'loss', 1)
>>> axes.figure.savefig("loss.png")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from microgradx.scopes import no_grad

__all__ = ["plot_boundary", "plot_loss"]

BLUE, ORANGE = "#0072b2", "#d55e00"  # Okabe and Ito's, safe for all kinds of colour blindness
GRID = 60  #: points across the picture of a boundary; each is one forward pass


def plot_loss(losses: Sequence[float], ax: Axes | None = None) -> Axes:
    """The loss over the steps, one number a step (Values work too); on a log scale where it spans decades.

    Raises ValueError when there is nothing to draw.
    """
    ys = np.array([float(loss) for loss in losses])
    if not ys.size:
        raise ValueError("plot_loss(losses) draws one point per step, got no losses")
    ax = ax or _axes()
    ax.plot(np.arange(1, len(ys) + 1), ys, color=BLUE, linewidth=2, marker="o" if len(ys) == 1 else None)
    if np.all(ys > 0) and ys.max() > 100 * ys.min():
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=min(0.0, float(np.nanmin(ys, initial=0.0))))
    ax.set(xlabel="step", ylabel="loss")
    ax.grid(alpha=0.25)
    return ax


def plot_boundary(model: Callable[[Any], Any], X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Where a classifier of points in the plane says "yes" (score > 0), over the points that it learned from.

    model: called on a pair of numbers, gives one score, a number or a Value. X: points, shape (n, 2). y: n
    labels of two kinds; the larger one (1 of −1 and 1, or of 0 and 1) is the "yes". The model is called as it
    is, once for each point of a 60 × 60 grid, without recording a graph. Raises ValueError for other shapes.
    """
    points, labels = np.asarray(X, float), np.asarray(y, float)
    if points.ndim != 2 or points.shape[1] != 2 or not points.size or labels.shape != points.shape[:1]:
        shapes = f"{points.shape} and {labels.shape}"
        raise ValueError(f"expected points of shape (n, 2), n ≥ 1, and n labels, got shapes {shapes}")
    if len(kinds := np.unique(labels)) > 2:
        raise ValueError(f"expected labels of two kinds, such as -1 and 1, got {len(kinds)} kinds")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-9)
    across, up = np.linspace(low - margin, high + margin, GRID).T
    with no_grad():
        scores = np.array([[float(model([float(a), float(b)])) for a in across] for b in up])

    ax = ax or _axes()
    # contours fail on what is not finite, and only the sign counts far out
    scores = np.clip(np.nan_to_num(scores), -1e6, 1e6)
    ax.contourf(across, up, scores, levels=[-np.inf, 0, np.inf], colors=[ORANGE, BLUE], alpha=0.2)
    if scores.min() < 0 < scores.max():
        ax.contour(across, up, scores, levels=[0], colors="black", linewidths=1.2)
    yes = labels == kinds[-1]
    for chosen, colour, marker in ((yes, BLUE, "o"), (~yes, ORANGE, "s")):
        if chosen.any():
            x1, x2 = points[chosen].T
            ax.scatter(x1, x2, c=colour, marker=marker, s=28, edgecolors="white", linewidths=0.6,
                       label=f"y = {labels[chosen][0]:g}")  # fmt: skip
    ax.set(xlabel="x1", ylabel="x2", xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    ax.legend(loc="best", framealpha=0.9)
    return ax


def _axes() -> Axes:
    ax = Figure(figsize=(6, 4), dpi=150, layout="constrained").subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return ax
