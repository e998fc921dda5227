"""Draws the pictures of README.md again: `python examples/pictures.py` writes them into examples/pictures/."""

from collections.abc import Iterator
from pathlib import Path

import viz
from microgradx import Value
from microgradx.nn import MLP

DIRECTORY = Path(__file__).parent / "pictures"


def pictures() -> Iterator[tuple[str, viz.Graph]]:
    """(file name, picture) of each."""
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.88, "b")
    y = (w * x + b).tanh()
    y.label = "y"
    y.backward()
    yield "neuron.svg", viz.draw(y, local=True)

    model = MLP(2, [16, 16, 1], seed=1337)
    score = model([Value(0.5, "x1"), Value(-1.0, "x2")])
    score.label = "score"
    score.backward()
    yield "network.svg", viz.draw(score, collapse=1)


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for name, picture in pictures():
        picture.save(DIRECTORY / name)
        print(DIRECTORY / name)
