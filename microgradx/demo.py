"""The demo: train micrograd's network on two moons, and write a page of pictures about it.

Everything is seeded, so every run gives the same numbers.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from .nn import MLP
from .optim import SGD
from .parse import parse
from .value import Value

__all__ = ["run", "train", "two_moons"]

SEED, STEPS = 1337, 100
NEURON = ("y = tanh(w*x + b)", {"x": 2, "w": -3, "b": 6.88})
REUSE = ("h = a*b; p = h + 1; L = h*p", {"a": 2, "b": 3})

Points = list[tuple[float, float]]


def run(directory: Path) -> None:
    """Write the pictures, the walk and index.html into the directory, made where it is missing; print the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    exhibits = _graphs(directory)
    points, labels = two_moons()
    model = MLP(2, [16, 16, 1], seed=SEED)
    losses = _show_training(train(model, points, labels, STEPS))
    correct = sum((model(x).data > 0) == (y > 0) for x, y in zip(points, labels, strict=True))
    print(f"accuracy: {100 * correct / len(points):g} % of the {len(points)} training points")
    exhibits += [_network(directory, model, points[0]), *_plots(directory, model, points, labels, losses, correct)]
    (directory / "index.html").write_text(_page(exhibits), encoding="utf-8")
    for file in ("index.html", *(file for exhibit in exhibits for file in (exhibit.file, exhibit.page) if file)):
        print(directory / file)


# ---- training --------------------------------------------------------------------------------------------
def two_moons(n: int = 100, noise: float = 0.1, seed: int = SEED) -> tuple[Points, list[int]]:
    """n points on two interleaved half circles, labelled −1 and 1 in turn.

    >>> points, labels = two_moons(4, noise=0)
    >>> [(round(x, 9), round(y, 9)) for x, y in points], labels
    ([(1.0, 0.0), (0.0, 0.5), (-1.0, 0.0), (2.0, 0.5)], [-1, 1, -1, 1])
    """
    if n < 4 or n % 2:
        raise ValueError(f"two moons take an even number of points, at least 4, got {n!r}")
    stream = random.Random(seed)
    points, labels = [], []
    for i in range(n):
        angle = math.pi * (i // 2) / (n // 2 - 1)
        x, y = (1 - math.cos(angle), 0.5 - math.sin(angle)) if i % 2 else (math.cos(angle), math.sin(angle))
        points.append((stream.gauss(x, noise), stream.gauss(y, noise)))
        labels.append(1 if i % 2 else -1)
    return points, labels


def train(model: MLP, points: Points, labels: list[int], steps: int) -> Iterator[tuple[int, float, float]]:
    """micrograd's loop: a max-margin loss with a little L2, the step size falling from 1 to 0.1.

    Yields (step, loss, accuracy) before each step's update.
    """
    optimizer = SGD(model.parameters(), lr=1.0)
    for k in range(steps):
        scores = [model(point) for point in points]
        margin = sum((1 - y * score).relu() for y, score in zip(labels, scores, strict=True)) / len(points)
        loss = margin + 1e-4 * sum(p * p for p in optimizer.params)
        optimizer.zero_grad()
        loss.backward()
        optimizer.lr = 1 - 0.9 * k / steps
        optimizer.step()
        correct = sum((score.data > 0) == (y > 0) for score, y in zip(scores, labels, strict=True))
        yield k + 1, loss.data, correct / len(points)


def _show_training(history: Iterator[tuple[int, float, float]]) -> list[float]:
    """The losses; meanwhile a progress bar, or a line every ten steps where the output is no terminal."""
    losses = []
    if not sys.stdout.isatty():
        for step, loss, accuracy in history:
            losses.append(loss)
            if step == 1 or step % 10 == 0:
                print(f"step {step:3} of {STEPS}: loss {loss:.4f}, accuracy {100 * accuracy:g} %", flush=True)
        return losses
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
                  TimeElapsedColumn()) as progress:  # fmt: skip
        bar = progress.add_task("", total=STEPS)
        for _, loss, accuracy in history:
            losses.append(loss)
            progress.update(bar, advance=1, description=f"loss {loss:.4f}, accuracy {100 * accuracy:g} %")
    return losses


# ---- the files -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Exhibit:
    """A file of the demo and its place in the page."""

    file: str  #: "" where there is only something to say
    heading: str
    sentence: str
    text: str = ""  #: shown as it is, instead of a picture
    page: str = ""  #: a page of its own about the same
    paper: bool = False  #: whether the picture is drawn for white paper


def _graphs(directory: Path) -> list[Exhibit]:
    import viz

    neuron = parse(*NEURON)
    neuron.backward()
    viz.draw(neuron, local=True).save(directory / "neuron.svg")
    flow = "Numbers flow forward along the arrows, gradients flow back, times the local derivative on each arrow."
    reuse = parse(*REUSE)
    reuse.backward()
    viz.draw(reuse, local=True).save(directory / "reuse.svg")
    twice = "h is used in p and in L, so its gradient is a sum of two contributions: 1·7 + 6·1 = 13."
    steps = viz.step(reuse)
    steps.save(directory / "walk.html")
    walk = f"{steps}\n\nWhy this order?\n\n{viz.why_order(reuse)}\n"
    (directory / "walk.txt").write_text(walk, encoding="utf-8")
    wait = "The same, step by step. h may pass its gradient on only when both contributions are there."
    return [
        Exhibit("neuron.svg", "One neuron", flow),
        Exhibit("reuse.svg", "A value that is used twice", twice),
        Exhibit("walk.txt", "The walk", wait, text=walk, page="walk.html"),
    ]


def _network(directory: Path, model: MLP, point: tuple[float, float]) -> Exhibit:
    import viz

    score = model([Value(x, label=f"x{i}") for i, x in enumerate(point, 1)])
    score.label = "score"
    score.backward()
    viz.draw(score, collapse=1).save(directory / "network.svg")
    size = f"{len(model.parameters())} parameters"
    return Exhibit("network.svg", "The network", f"The trained network on one point, folded by layer: {size}.")


def _plots(
    directory: Path, model: MLP, points: Points, labels: list[int], losses: list[float], correct: int
) -> list[Exhibit]:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        missing = "The loss curve and the decision boundary need matplotlib; pip install matplotlib and run this again."
        print(missing)
        return [Exhibit("", "Plots", missing)]
    from viz.plots import plot_boundary, plot_loss

    training = f"The loss over {len(losses)} steps of gradient descent on {len(points)} points."
    learned = f"The score's sign divides the plane: {correct} of {len(points)} points lie on the side of their colour."
    with mpl.rc_context({"svg.hashsalt": "microgradx"}):  # the same ids in every run
        plots = {"loss-curve.svg": plot_loss(losses), "decision-boundary.svg": plot_boundary(model, points, labels)}
        for file, axes in plots.items():
            assert isinstance(axes.figure, Figure)
            axes.figure.savefig(directory / file, metadata={"Date": None})
    return [
        Exhibit("loss-curve.svg", "Training", training, paper=True),
        Exhibit("decision-boundary.svg", "What it learned", learned, paper=True),
    ]


# ---- the page --------------------------------------------------------------------------------------------
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>microgradx demo</title>
<style>
:root {{ --page: #f4f6f9; --card: #fff; --ink: #18212d; --soft: #566270; --line: #d3dae2; --link: #1d4fa8; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #1a212b; --card: #0f141b; --ink: #eaf0f6; --soft: #a7b2bf; --line: #323d4a; --link: #8dbbff; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }}
main {{ max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }}
h1 {{ font-size: 1.7rem; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.15rem; margin: 0 0 .3rem; }}
p {{ margin: 0 0 1rem; color: var(--soft); }}
a {{ color: var(--link); }}
section {{ background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }}
section {{ padding: 1.2rem; margin: 1.2rem 0; }}
.scroll {{ overflow-x: auto; }}
img {{ display: block; max-width: 100%; height: auto; margin: 0 auto; }}
img.paper {{ background: #fff; border-radius: .4rem; padding: .5rem; }}
pre {{ margin: 0; font: .85rem/1.5 ui-monospace, monospace; }}
.walk {{ max-height: 26rem; overflow-y: auto; border-top: 1px solid var(--line); padding-top: 1rem; }}
@media print {{ .walk {{ max-height: none; }} }}
:focus-visible {{ outline: 3px solid var(--link); outline-offset: 2px; }}
</style>
</head>
<body>
<main>
<h1>microgradx demo</h1>
<p>Written by <code>microgradx demo</code>. A picture opens on its own when you click it.</p>
{sections}
</main>
</body>
</html>
"""


def _page(exhibits: list[Exhibit]) -> str:
    return _PAGE.format(sections="\n".join(map(_section, exhibits)))


def _section(exhibit: Exhibit) -> str:
    file, heading, sentence = exhibit.file, escape(exhibit.heading), escape(exhibit.sentence)
    shown = ""
    if exhibit.text:
        scrolling = f'<div class="scroll walk" tabindex="0" role="region" aria-label="{heading}">'
        shown = f"{scrolling}<pre>{escape(exhibit.text)}</pre></div>"
        page = f', or step by step, with numbers to change: <a href="{exhibit.page}">{exhibit.page}</a>'
        sentence += f' All of it: <a href="{file}">{file}</a>{page if exhibit.page else ""}.'
    elif file:
        paper = ' class="paper"' if exhibit.paper else ""
        shown = f'<div class="scroll"><a href="{file}"><img{paper} src="{file}" alt="{heading}: {sentence}"></a></div>'
    return f"<section>\n<h2>{heading}</h2>\n<p>{sentence}</p>\n{shown}\n</section>"
