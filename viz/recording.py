"""A training run kept, to be looked at again: the page scrubs through its steps.

>>> from microgradx.nn import MLP
>>> from microgradx.optim import SGD
>>> model = MLP(2, [2, 1], seed=0)
>>> X, y = [[0.0, 1.0], [1.0, 0.0]], [1, -1]
>>> optimizer, recording = SGD(model.parameters(), lr=0.1), record(model, X, y, keep=5)
>>> for _ in range(20):
...     loss = sum((model(x) - t) ** 2 for x, t in zip(X, y))
...     optimizer.zero_grad()
...     loss.backward()
...     recording(loss)
...     optimizer.step()
>>> recording
<recording of 20 steps, kept: 0, 5, 10, 15>
>>> recording.save("training.html")  # doctest: +SKIP
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microgradx.graph import Node
from microgradx.program import Program, Ref
from microgradx.scopes import no_grad
from microgradx.tensor import Tensor
from microgradx.value import Value

from .notation import LONGEST, Summary
from .page import to_html
from .page.scripts import javascript
from .trace import Trace, in_json

__all__ = ["Recording", "record"]

GRID = 32  #: points across the picture of the boundary; each is one forward pass
MOST_POINTS = 500


def record(
    model: Any,
    X: Any = None,
    y: Any = None,
    *,
    keep: int | Container[int] = 10,
    graph: Callable[[], Node] | None = None,
) -> Recording:
    """Watch a model while it is trained: call what comes back with the loss, once a step, before the update.

    X, y: with points of shape (n, 2) and n labels of two kinds, the decision boundary is kept too. keep: every how
    many steps, or the steps themselves (a set, a range), from 0. graph: a function that gives the root of the graph
    whose numbers are kept, by default the model on the first of X. Raises ValueError for labels or a `keep` that do
    not fit.
    """
    return Recording(model, X, y, keep, graph)


class Recording:
    """What was kept: `data()` as plain data for the page, `to_html()` and `save()` the page itself."""

    def __init__(
        self, model: Any, X: Any, y: Any, keep: int | Container[int], graph: Callable[[], Node] | None
    ) -> None:  # fmt: skip
        if isinstance(keep, int) and keep < 1:
            raise ValueError(f"keep is a number of steps, at least 1, or the steps themselves, got {keep}")
        self.model, self._keep = model, keep
        self._of_tensors = any(isinstance(p, Tensor) for p in model.parameters())
        self._points = None if X is None else np.asarray(X.tolist() if isinstance(X, Tensor) else X, float)
        self._labels = self._signs(y)
        if graph is None and self._points is None:
            raise ValueError("record needs X, whose first row the model is called on, or graph=a function")
        self._graph = graph or self._first
        self._row: Tensor | None = None  # what the model was called on
        self.losses: list[float] = []
        self.frames: list[dict[str, Any]] = []
        self._program: Program | None = None  # of the last frame: the page shows it
        self._forms: list[Any] = []  # of the graph, at each frame: a model may come to compute something else

    def __call__(self, loss: Any) -> None:
        """Note the loss of this step and, for a chosen step, the model as it is now."""
        step = len(self.losses)
        self.losses.append(float(loss.item() if isinstance(loss, Tensor) else loss))
        if step % self._keep == 0 if isinstance(self._keep, int) else step in self._keep:
            self.frames.append({"step": step, **self._numbers(), "scores": self._scores()})

    def __repr__(self) -> str:
        kept = [str(frame["step"]) for frame in self.frames]
        shown = ", ".join(kept if len(kept) <= 8 else [*kept[:4], "…", kept[-1]]) or "none"
        return f"<recording of {len(self.losses)} steps, kept: {shown}>"

    def data(self) -> dict[str, Any]:
        """The recording as plain data. A frame whose graph was not that of the last frame has no numbers."""
        boundary = None
        if self._labels is not None:
            (low, high), points = self._corners(), self._points[:MOST_POINTS]  # type: ignore[index]
            boundary = {"size": GRID, "low": low.tolist(), "high": high.tolist(),
                        "points": points.tolist(), "labels": self._labels[:MOST_POINTS].tolist()}  # fmt: skip
        none = {"leaves": None, "nodes": None}
        frames = [
            frame if form == self._forms[-1] else frame | none
            for frame, form in zip(self.frames, self._forms, strict=True)
        ]
        return {"losses": self.losses, "frames": frames, "boundary": boundary}

    def to_html(self, title: str = "", theme: str = "auto") -> str:
        """The page. Raises ValueError when no step has been kept."""
        if self._program is None:
            raise ValueError("nothing was recorded; call the recording with the loss in the training loop")
        return to_html(self._program, title=title, theme=theme, replay=self.data())

    def save(self, path: str | Path) -> Path:
        """Write the page and return the path. Raises ValueError for a suffix other than .html."""
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise ValueError(f"a recording is saved as .html, got {path.name!r}; give a name such as 'training.html'")
        path.write_text(self.to_html(), encoding="utf-8")
        return path

    # ---- what a frame holds
    def _first(self) -> Node:
        """The model on the first of X."""
        assert self._points is not None
        row = self._points[0].tolist()
        if self._of_tensors:
            self._row = Tensor(row)
            return self.model(self._row)  # type: ignore[no-any-return]
        found = self.model([Value(x, label=f"x{k}") for k, x in enumerate(row, 1)])
        if not isinstance(found, Node):
            raise ValueError("the model gives several numbers; say which one to show: graph=lambda: model(x)[0]")
        return found

    def _numbers(self) -> dict[str, Any]:
        """The numbers of the graph: those of its leaves, where the page can compute all others, else of every node."""
        program = Program.of(self._graph(), {"model": self.model, "x": self._row})
        if program.arrays:  # optimisers write into arrays
            program = Program([replace(i, data=np.array(i.data)) for i in program])
        self._program = program
        self._forms.append([(i.op, np.shape(i.data), _structure(i.inputs)) for i in program])
        if not program.arrays and not javascript({i.rule: None for i in program if i.rule}).missing:
            return {"leaves": [i.data for i in program if i.rule is None], "nodes": None}
        walk = Trace.of(program)
        terms = [c for step in walk.steps for c in step.contributions]
        return {"leaves": None, "nodes": {
            "data": [_brief(node.data) for node in walk.nodes],
            "grad": [_brief(node.grad) for node in walk.nodes],
            "terms": [[_brief(c.local), _brief(c.amount), _brief(c.after) if c.use > 1 else None] for c in terms],
        }}  # fmt: skip

    def _scores(self) -> str | None:
        """The model's scores over the plane, one byte each: 128 is 0, and tanh keeps the others within."""
        if self._labels is None:
            return None
        (left, low), (right, high) = self._corners()
        grid = np.array([[a, b] for b in np.linspace(low, high, GRID) for a in np.linspace(left, right, GRID)])
        with no_grad():
            scores = self._batch(grid) if self._of_tensors else [float(self.model(row)) for row in grid.tolist()]
        levels = np.tanh(np.nan_to_num(np.asarray(scores, float)))
        away = np.sign(levels) * np.ceil(np.abs(levels) * 127)  # a small score keeps its sign
        return base64.b64encode((128 + away).astype(np.uint8).tobytes()).decode()

    def _batch(self, grid: NDArray[np.float64]) -> NDArray[np.float64]:
        dtype = next(p.dtype for p in self.model.parameters() if isinstance(p, Tensor))
        found = np.asarray(self.model(Tensor(grid.tolist()).to(dtype)).tolist(), float)
        return found.reshape(len(grid), -1)[:, -1]

    def _corners(self) -> Sequence[NDArray[np.float64]]:
        assert self._points is not None
        low, high = self._points.min(axis=0), self._points.max(axis=0)
        margin = 0.15 * np.maximum(high - low, 1e-9)
        return low - margin, high + margin

    def _signs(self, y: Any) -> NDArray[np.float64] | None:
        """Labels as −1 and 1; None where there is no plane to draw."""
        if y is None or self._points is None:
            return None
        labels = np.asarray(y.tolist() if isinstance(y, Tensor) else y, float).reshape(-1)
        kinds = np.unique(labels)
        if self._points.ndim != 2 or self._points.shape[1] != 2 or len(labels) != len(self._points) or len(kinds) > 2:
            raise ValueError(f"expected points of shape (n, 2) and n labels of two kinds, got shapes "
                             f"{self._points.shape} and {labels.shape}, {len(kinds)} kinds; leave y out")  # fmt: skip
        return np.where(labels == kinds[-1], 1.0, -1.0)


def _structure(x: Any) -> Any:
    """Which nodes an instruction reads, its numbers aside."""
    return tuple(map(_structure, x)) if isinstance(x, tuple) else x if isinstance(x, Ref) else None


def _brief(x: Any) -> Any:
    """A number, or of an array what the page shows, in few digits."""
    if not isinstance(x, np.ndarray):
        return x
    if x.size <= LONGEST:
        return in_json(x)
    found = in_json(Summary.of(x))
    heat = [[float(f"{v:.3g}") if isinstance(v, float) else v for v in row] for row in found["heat"]]
    return found | {"heat": heat}
