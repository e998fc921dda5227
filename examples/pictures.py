"""Draws the pictures of README.md again: `python examples/pictures.py` writes them into examples/pictures/."""

from collections.abc import Iterator
from pathlib import Path

import microgradx as torch
import microgradx.nn.functional as F
import viz
from microgradx import Value, nn
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

    torch.manual_seed(1337)
    X, Y = torch.randint(-4, 5, (32, 2)) / 4, torch.randint(-4, 5, (32, 1)) / 4
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    with torch.no_grad():
        for p in net.parameters():  # sixteenths, whose sums are exact: the same picture on every machine
            p.copy_((p * 16).round() / 16)
    loss = F.mse_loss(net(X), Y)
    loss.backward()
    yield "tensors.svg", viz.draw(loss, names={"X": X, "Y": Y, "net": net, "loss": loss})


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for name, picture in pictures():
        picture.save(DIRECTORY / name)
        print(DIRECTORY / name)
