"""Training and what it learned, on matplotlib axes (the extra `plots`).

Each function draws on the axes that it is given, or on those of a new figure, and returns them. pyplot, rcParams
and all other global state are never touched; a notebook shows what is drawn on axes that it made itself
(`plt.subplots()`). Blue is forward, orange backward, as in every picture of viz; shapes, line styles and numbers
say the same once more.

>>> axes = plot_loss({"training": [0.9, 0.4, 0.2], "validation": [1.0, 0.6, 0.5]})
>>> axes.get_xlabel(), axes.get_ylabel(), [line.get_label() for line in axes.lines]
('step', 'loss', ['training', 'validation'])
>>> axes.figure.savefig("loss.png")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from microgradx.autograd import gradient
from microgradx.nn import MLP, Layer, Module, Neuron, Sequential
from microgradx.optim import RangeTest
from microgradx.scopes import no_grad
from microgradx.tensor import Tensor
from microgradx.value import Value
from microgradx.vectors import Bundle

from .cards import THEMES
from .trace import number

__all__ = [
    "plot_activations", "plot_boundary", "plot_gradient_field", "plot_gradients", "plot_histograms", "plot_loss",
    "plot_lr_finder", "plot_weights",
]  # fmt: skip

Array = np.ndarray[Any, Any]

BLUE, ORANGE = THEMES["light"]["blue"], THEMES["light"]["orange"]
# Classes in their order: the first two as above, then Okabe and Ito's colours, safe for all colour blindness
COLOURS = (ORANGE, BLUE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442")
MARKERS = "so^Dv*PX"
SEQUENTIAL = LinearSegmentedColormap.from_list("white to blue", ["#ffffff", "#9db8e3"])
DIVERGING = LinearSegmentedColormap.from_list("orange to blue", [ORANGE, "#ffffff", BLUE])
GRID, BATCH = 60, 200  #: points across a boundary's picture, called one by one and all in one Tensor
ARROWS = 15  #: across the picture of a gradient field
BINS = 60
CELLS = 64  #: a heat map of at most so many writes its numbers


# ---- training --------------------------------------------------------------------------------------------
def plot_loss(losses: Sequence[Any] | Mapping[str, Sequence[Any]], ax: Axes | None = None) -> Axes:
    """The loss over the steps, one number a step; on a log scale where it spans decades.

    losses: numbers, Values or Tensors of one element; or several curves by name, {"training": …,
    "validation": …}. Raises ValueError when there is nothing to draw, TypeError for what is no number.
    """
    named = losses if isinstance(losses, Mapping) else {"": losses}
    curves = {name: _numbers("losses", curve, 1) for name, curve in named.items()}
    if not curves or not all(ys.size for ys in curves.values()):
        raise ValueError("plot_loss(losses) draws one point per step, got no losses")
    ax = _axes(ax)
    looks = cycle([(BLUE, "-"), (ORANGE, "--"), (COLOURS[2], "-."), (COLOURS[3], ":")])
    for (name, ys), (colour, style) in zip(curves.items(), looks, strict=False):
        ax.plot(np.arange(1, len(ys) + 1), ys, color=colour, linestyle=style, linewidth=2,
                marker="o" if len(ys) == 1 else None, label=name or None)  # fmt: skip
    everything = np.concatenate(list(curves.values()))
    if np.all(everything > 0) and everything.max() > 100 * everything.min():
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=min(0.0, float(np.nanmin(everything, initial=0.0))))
    ax.set(xlabel="step", ylabel="loss")
    ax.grid(alpha=0.25)
    if isinstance(losses, Mapping):
        ax.legend(framealpha=0.9)
    return ax


def plot_lr_finder(
    found: RangeTest | Sequence[Any], losses: Sequence[Any] | None = None, ax: Axes | None = None
) -> Axes:
    """The loss over the learning rate, on a logarithmic axis, with the suggested rate marked.

    found: what `optim.lr_range_test` gives; or rates, with their losses as the second argument and no suggestion.
    Raises ValueError for rates that are not positive, or not as many as losses.
    """
    suggestion = None
    if isinstance(found, RangeTest):
        found, losses, suggestion = found
    elif losses is None:
        raise TypeError("plot_lr_finder takes the RangeTest of optim.lr_range_test, or two lists, rates and losses; "
                        f"got {type(found).__name__} alone")  # fmt: skip
    rates, ys = _numbers("learning rates", found, 1), _numbers("losses", losses, 1)
    if rates.shape != ys.shape or not rates.size or not np.all(rates > 0):
        raise ValueError(f"expected rates > 0, and a loss for each, got {rates.size} rates "
                         f"{'' if np.all(rates > 0) else 'not all positive '}and {ys.size} losses")  # fmt: skip
    ax = _axes(ax)
    ax.plot(rates, ys, color=BLUE, linewidth=2, marker="o" if len(ys) == 1 else None)
    ax.set(xlabel="learning rate", ylabel="loss", xscale="log")
    if suggestion is not None:
        ax.axvline(suggestion, color=ORANGE, linestyle="--", linewidth=1.4, label=f"suggestion {suggestion:.2g}")
        ax.plot(suggestion, np.interp(np.log(suggestion), np.log(rates), ys), color=ORANGE, marker="D", markersize=7)
        ax.legend(framealpha=0.9)
    ax.grid(alpha=0.25)
    return ax


# ---- functions of two numbers ----------------------------------------------------------------------------
def plot_boundary(model: Callable[[Any], Any], X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Where a classifier of points in the plane decides for which class, over the points that it learned from.

    model: gives one score for a point (> 0 is "yes"), or a score for each class (the largest wins). A Module of
    Tensors is called once on a Tensor of shape (40000, 2), and so is any function where X is a Tensor; another
    one is called on each pair of numbers of a 60 × 60 grid. Modules are put into evaluation mode meanwhile, and no
    graph is recorded. X: points, shape (n, 2). y: n labels; for one score of two kinds, the larger of which is the
    "yes", else the numbers 0, 1, … of the classes. Raises ValueError for other shapes.
    """
    points, labels = _numbers("points", X), _numbers("labels", y)
    labels = labels.reshape(-1) if labels.shape == (len(points), 1) else labels
    if points.ndim != 2 or points.shape[1] != 2 or not points.size or labels.shape != points.shape[:1]:
        shapes = f"{points.shape} and {labels.shape}"
        raise ValueError(f"expected points of shape (n, 2), n ≥ 1, and n labels, got shapes {shapes}")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-9)
    dtype = X._data.dtype if isinstance(X, Tensor) else _dtype(model)
    count = GRID if dtype is None else BATCH
    across, up = np.linspace(low - margin, high + margin, count).T
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    with _resting(model):
        if dtype is None:
            found = _numbers("scores", [model(point) for point in grid.tolist()])
        else:
            found = _numbers("scores", model(Tensor._of(grid.astype(dtype if dtype.kind == "f" else np.float32))))
    if found.shape not in ((len(grid),), (len(grid), *found.shape[1:2])) or not found.size:
        raise ValueError(f"expected one score, or one for each class, for each of {len(grid)} points, got scores of "
                         f"shape {found.shape}")  # fmt: skip
    # contours fail on what is not finite, and only the sign counts far out
    scores = np.clip(np.nan_to_num(found), -1e6, 1e6).reshape(count, count, -1)
    kinds = _kinds(labels, scores.shape[-1])

    ax = _axes(ax)
    if scores.shape[-1] <= 2:
        score = scores[..., -1] - (scores[..., 0] if scores.shape[-1] == 2 else 0)
        ax.contourf(across, up, score, levels=[-np.inf, 0, np.inf], colors=[ORANGE, BLUE], alpha=0.2)
        _line(ax, across, up, score)
    else:
        for k, colour in zip(range(scores.shape[-1]), cycle(COLOURS), strict=False):
            lead = scores[..., k] - np.delete(scores, k, axis=-1).max(axis=-1)
            if lead.max() > 0:
                ax.contourf(across, up, lead, levels=[0, np.inf], colors=[colour], alpha=0.2)
            _line(ax, across, up, lead)
    for k, kind in enumerate(kinds):
        if (chosen := labels == kind).any():
            x1, x2 = points[chosen].T
            ax.scatter(x1, x2, c=COLOURS[k % len(COLOURS)], marker=MARKERS[k % len(MARKERS)], s=28,
                       edgecolors="white", linewidths=0.6, label=f"y = {kind:g}")  # fmt: skip
    ax.set(xlabel="x1", ylabel="x2", xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    ax.legend(loc="best", framealpha=0.9)
    return ax


def _kinds(labels: Array, classes: int) -> list[float]:
    """The label of each class; for one score those of no and yes."""
    kinds = np.unique(labels).tolist()
    if classes == 1:
        if len(kinds) > 2:
            raise ValueError(f"expected labels of two kinds, such as -1 and 1, got {len(kinds)} kinds")
        return kinds if len(kinds) == 2 else [-np.inf, *kinds]
    if not set(kinds) <= set(range(classes)):
        raise ValueError(f"expected the labels 0 to {classes - 1}, since there are {classes} scores for each point, "
                         f"got {', '.join(f'{kind:g}' for kind in kinds[:8])}")  # fmt: skip
    return list(range(classes))


def _line(ax: Axes, across: Array, up: Array, score: Array) -> None:
    if score.min() < 0 < score.max():
        ax.contour(across, up, score, levels=[0], colors="black", linewidths=1.2)


def plot_gradient_field(
    f: Callable[[Any, Any], Any], xlim: tuple[float, float] = (-2.0, 2.0), ylim: tuple[float, float] = (-2.0, 2.0),
    ax: Axes | None = None, *, of: type[Value] | type[Tensor] = Value,
) -> Axes:  # fmt: skip
    """The gradient of f(x, y) as arrows over its contours: it points uphill, across them.

    f: called on two Values; with of=Tensor, on two Tensors of one float64 each. Gradients flow to x and y only.
    Between two contours lie equal parts of the picture. Arrows are as long as the cube root of the gradient's
    length, so that steep places do not hide flat ones; both axes have the same scale, without which gradients
    would not stand square on contours. Raises TypeError when f gives something else, ValueError when it is finite
    nowhere.
    """
    if of not in (Value, Tensor):
        raise TypeError(f"of is Value or Tensor, what f is called on, got {of!r:.60}")
    for name, limits in (("xlim", xlim), ("ylim", ylim)):
        if len(limits) != 2 or not -np.inf < limits[0] < limits[1] < np.inf:
            raise ValueError(f"{name} is a pair of numbers, the lower one first, got {limits!r:.60}")
    across, up = np.linspace(*xlim, GRID), np.linspace(*ylim, GRID)
    with no_grad():
        heights = np.array([[_height(f, _point(of, a, b))[0] for a in across] for b in up])
    if not np.isfinite(heights).any():
        raise ValueError("f(x, y) is finite nowhere in the picture; choose other xlim and ylim")
    step = min(xlim[1] - xlim[0], ylim[1] - ylim[0]) / ARROWS
    places = np.stack(np.meshgrid(_middles(*xlim, step), _middles(*ylim, step)), axis=-1).reshape(-1, 2)
    slopes = np.array([_slope(f, _point(of, a, b)) for a, b in places.tolist()])
    steep = np.hypot(*slopes.T)
    shown = np.isfinite(steep) & (steep > 0)
    lengths = np.cbrt(steep[shown] / steep[shown].max(initial=0.0))
    arrows = slopes[shown] / steep[shown, None] * lengths[:, None]

    ax = _axes(ax)
    levels = np.unique(np.quantile(heights[np.isfinite(heights)], np.linspace(0, 1, 14)))
    heights = np.ma.masked_invalid(heights)
    if len(levels) > 1:
        shades = SEQUENTIAL(np.linspace(0, 1, len(levels) - 1))
        ax.contourf(across, up, heights, levels=levels, colors=shades)
        lines = ax.contour(across, up, heights, levels=levels[1:-1], colors=BLUE, linewidths=0.8, linestyles="solid")
        ax.clabel(lines, levels[1:-1:3], fmt=lambda x: number(x, 2), fontsize=8)
    ax.quiver(*places[shown].T, *(0.95 * step * arrows).T, color=ORANGE, angles="xy", scale_units="xy", scale=1,
              width=0.0045)  # fmt: skip
    ax.set(xlabel="x", ylabel="y", xlim=xlim, ylim=ylim)
    ax.set_aspect("equal")
    return ax


def _point(of: type[Value] | type[Tensor], *numbers: float) -> list[Any]:
    if of is Value:
        return [Value(float(x)) for x in numbers]
    return [Tensor._of(np.array(float(x))).requires_grad_() for x in numbers]


def _height(f: Callable[[Any, Any], Any], point: list[Any]) -> tuple[float, Any]:
    """f at a point, as a number and as it is."""
    found = f(*point)
    if not isinstance(found, type(point[0])) or np.size(getattr(found, "_data", 0)) != 1:
        got = f"{type(found).__name__} {found!r:.60}"
        raise TypeError(f"expected f(x, y) to give one number as a {type(point[0]).__name__}, got {got}")
    return float(found), found


def _slope(f: Callable[[Any, Any], Any], point: list[Any]) -> list[float]:
    found = _height(f, point)[1]
    if isinstance(found, Tensor):
        if not found.requires_grad:  # f does not depend on x and y here
            return [0.0, 0.0]
        found = found.sum()
    return [float(g) for g in gradient(found, point)]


def _middles(low: float, high: float, step: float) -> Array:
    """The middles of the equal parts, about `step` long, of an interval."""
    count = max(1, round((high - low) / step))
    return low + (np.arange(count) + 0.5) * (high - low) / count


# ---- layers ----------------------------------------------------------------------------------------------
def plot_activations(model: Module, x: Any, ax: Axes | None = None) -> Axes:
    """What each layer of a network gives for a batch of inputs, as histograms, the first layer on top.

    model: an nn.Sequential, of Tensors or of Values, or an MLP. x: inputs, shape (n, nin). Modules are put into
    evaluation mode meanwhile, and no graph is recorded. Raises TypeError for another model; give the arrays of
    that one to `plot_histograms`.
    """
    if not isinstance(model, Sequential | MLP):
        raise TypeError(f"expected an nn.Sequential or an MLP, got {type(model).__name__}; for another model give "
                        "plot_histograms a dictionary with an array for each layer")  # fmt: skip
    with _resting(model):
        found = dict(_outputs(model, x))
    return plot_histograms(found, ax, xlabel="activation")


def _outputs(model: Sequential | MLP, x: Any) -> Iterator[tuple[str, Array]]:
    dtype = _dtype(model)
    stages = list(_stages(model))
    if not any(True for _ in model.parameters()) or dtype is not None:
        given = _numbers("inputs", x).astype(np.float32 if dtype is None else dtype)
        batch: Any = x.detach() if isinstance(x, Tensor) else Tensor._of(given)
        for name, module in stages:
            batch = module(batch)
            yield name, _numbers("activations", batch)
        return
    rows: list[Any] = np.atleast_2d(_numbers("inputs", x)).tolist()
    for name, module in stages:
        given_on = [module(row) for row in rows]
        rows = [[out] if isinstance(out, Value) else list(out) for out in given_on]
        yield name, _numbers("activations", rows)


def _stages(model: Module, path: str = "") -> Iterator[tuple[str, Module]]:
    """What is called one after the other, by name."""
    inside = model.layers if isinstance(model, MLP) else model
    prefix = f"{path}layers." if isinstance(model, MLP) else path
    for name, module in inside.named_children():
        if isinstance(module, Sequential | MLP):
            yield from _stages(module, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}" + ("" if isinstance(module, Layer) else f" {type(module).__name__}"), module


def plot_gradients(model: Module, ax: Axes | None = None) -> Axes:
    """The gradients of each layer's parameters after `backward()`, as histograms, the first layer on top.

    model: any Module. A layer is a Layer of neurons, or a module that has parameters of its own. Raises
    ValueError when there are no gradients.
    """
    if not isinstance(model, Module):
        raise TypeError(f"expected a Module, such as an nn.Sequential or an MLP, got {type(model).__name__}; "
                        "plot_histograms draws arrays by name")  # fmt: skip
    found: dict[str, Array] = {}
    for name, parameters in _owners(model, ""):
        grads = [np.ravel(_numbers("gradients", p.grad)) for p in parameters if p.grad is not None]
        if grads:
            found[name] = np.concatenate(grads)
    if not found:
        raise ValueError("expected gradients, and no parameter has any; call loss.backward() first")
    return plot_histograms(found, ax, xlabel="gradient", colour=ORANGE)


def _owners(module: Module, path: str) -> Iterator[tuple[str, list[Any]]]:
    """The layers of a model by name, each with its parameters."""
    if isinstance(module, Layer | Neuron):
        yield path or type(module).__name__, list(module.parameters())
        return
    inner = [p for child in module.children() for p in child.parameters()]
    own = [p for p in module.parameters() if all(p is not other for other in inner)]
    if own:
        yield f"{path} {type(module).__name__}".strip(), own
    for name, child in module.named_children():
        yield from _owners(child, f"{path}.{name}" if path else name)


def plot_histograms(
    arrays: Mapping[str, Any] | Iterable[tuple[str, Any]], ax: Axes | None = None, *, xlabel: str = "value",
    colour: str = BLUE,
) -> Axes:  # fmt: skip
    """A row with a histogram for each array, over one common axis, with its mean and standard deviation.

    arrays: by name, or as (name, array) pairs; of numbers, Values or Tensors of any shape. Each histogram is as
    high as its row. How many numbers are exactly 0, or not finite, is written where there are such. Raises
    ValueError when there is nothing to draw.
    """
    pairs = list(arrays.items() if isinstance(arrays, Mapping) else arrays)
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"expected arrays by name, or (name, array) pairs, got {arrays!r:.60}")
    rows = [(str(name), np.ravel(_numbers(f"array {name!r:.40}", x))) for name, x in pairs]
    if not rows or not all(x.size for _, x in rows):
        raise ValueError(f"expected at least one array, none of them empty, got {[(n, x.size) for n, x in rows]!r:.80}")
    finite = [x[np.isfinite(x)] for _, x in rows]
    low = min((x.min() for x in finite if x.size), default=0.0)
    high = max((x.max() for x in finite if x.size), default=0.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    ax = _axes(ax, height=max(2.5, 1.0 + 0.6 * len(rows)))
    where = ax.get_yaxis_transform()  # x in parts of the axes, y in rows
    for row, ((_, x), numbers) in enumerate(zip(rows, finite, strict=True)):
        counts, edges = np.histogram(numbers, BINS, (low, high))
        base = len(rows) - 1 - row
        ax.stairs(base + 0.8 * counts / max(counts.max(), 1), edges, baseline=base, fill=True, color=colour, alpha=0.8)
        ax.axhline(base, color=colour, linewidth=0.8)
        ax.text(1.01, base + 0.1, _summary(x, numbers), transform=where, fontsize=8, va="bottom", ha="left")
    ax.set_yticks([len(rows) - 1 - row + 0.25 for row in range(len(rows))], [name for name, _ in rows])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=xlabel, xlim=(low, high), ylim=(-0.1, len(rows)))
    ax.spines[["left", "right", "top"]].set_visible(False)
    return ax


def _summary(x: Array, finite: Array) -> str:
    with np.errstate(over="ignore"):
        moments = (("mean", finite.mean()), ("std", finite.std())) if finite.size else ()
    said = [f"{name} {number(float(moment), 2)}" for name, moment in moments]
    zeros, lost = np.mean(x == 0), x.size - finite.size
    said += [f"{100 * zeros:.2g} % zeros"] * bool(zeros) + [f"{lost} not finite"] * bool(lost)
    return "\n".join([", ".join(said[:2]), *said[2:]])


def plot_weights(weights: Any, ax: Axes | None = None) -> Axes:
    """A matrix as a heat map: a row for each output, a column for each input; blue above 0, orange below.

    weights: a Linear, another module with a `weight`, a Layer, a Neuron, or a matrix of numbers, Values or
    Tensors. Of more than two dimensions all but the first are laid side by side. Small maps write their numbers.
    Raises TypeError for a model of several layers, each of which needs axes of its own.
    """
    if isinstance(weights, Module):
        weights = _matrix(weights)
    found = _numbers("weights", weights)
    if found.ndim < 2 or not found.size:
        raise ValueError(f"expected a matrix of weights, got shape {found.shape}")
    found = found.reshape(len(found), -1)
    height, width = found.shape
    most = float(np.abs(found[np.isfinite(found)]).max(initial=0.0)) or 1.0
    ax = _axes(ax)
    image = ax.imshow(found, cmap=DIVERGING, vmin=-most, vmax=most, interpolation="nearest",
                      aspect="equal" if max(width, height) <= 4 * min(width, height) else "auto")  # fmt: skip
    if found.size <= CELLS:
        for (i, j), w in np.ndenumerate(found):
            short = number(round(float(w), 3) if most > 0.1 else float(w), 2)
            colour = "white" if abs(w) > 0.6 * most else "black"
            ax.text(j, i, short, ha="center", va="center", fontsize=8, color=colour)
    if (figure := ax.get_figure()) is not None:
        figure.colorbar(image, ax=ax, label="weight")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set(xlabel="input", ylabel="output")
    ax.spines[:].set_visible(False)
    return ax


def _matrix(module: Module) -> Any:
    if isinstance(module, Layer):
        return [list(neuron.w) for neuron in module.neurons]
    if isinstance(module, Neuron):
        return [list(module.w)]
    if (weight := getattr(module, "weight", None)) is None:
        raise TypeError(f"expected one layer, such as a Linear or a Layer, got {type(module).__name__}; draw the "
                        "layers of a model one by one, each on axes of its own")  # fmt: skip
    return weight


# ---- what they share -------------------------------------------------------------------------------------
def _axes(ax: Axes | None, height: float = 4.0) -> Axes:
    if ax is None:
        ax = Figure(figsize=(6, height), dpi=150, layout="constrained").subplots()
        ax.spines[["top", "right"]].set_visible(False)
    elif not isinstance(ax, Axes):
        raise TypeError(f"ax is one matplotlib Axes, as in `figure, ax = plt.subplots()`, got {type(ax).__name__}")
    return ax


def _numbers(what: str, x: Any, ndim: int | None = None) -> Array:
    """The numbers in arrays, Tensors, Values and sequences of these; ndim: the only number of dimensions allowed."""
    try:
        found = np.asarray(_plain(x), float)
    except (TypeError, ValueError) as problem:
        raise TypeError(f"expected numbers for the {what}, got {type(x).__name__} {x!r:.60}") from problem
    if ndim is not None and found.ndim != ndim:
        raise ValueError(f"expected {what} of {ndim} dimension{'s' * (ndim > 1)}, got shape {found.shape}")
    return found


def _plain(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x._data
    if isinstance(x, list | tuple | Bundle):
        return [_plain(e) for e in x]
    return x


def _dtype(model: Any) -> np.dtype[Any] | None:
    """The type of a model's numbers; None for one that does not hold Tensors."""
    parameters = model.parameters() if isinstance(model, Module) else ()
    return next((p._data.dtype for p in parameters if isinstance(p, Tensor)), None)


@contextmanager
def _resting(model: Any) -> Iterator[None]:
    """Evaluation mode for the modules of a model, so that a picture changes no running mean, and no recording."""
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, Module) else []
    try:
        for module, _ in modes:
            module.training = False
        with no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
