"""Trains a small network on two moons and draws it all: `python examples/plots.py` writes plots.png and walk.svg.

It takes the extra `plots`. Every function of viz.plots draws on the axes that it is given.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import microgradx as torch
import microgradx.nn.functional as F
from microgradx import Value, nn, optim
from microgradx.demo import two_moons
from viz import plots
from viz.animation import animate


def main(directory: Path) -> None:
    torch.manual_seed(0)
    points, labels = two_moons()
    x, y = torch.tensor(points), (torch.tensor(labels) + 1) // 2
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))

    search = optim.SGD(model.parameters())
    found = optim.lr_range_test(model, F.cross_entropy, [(x, y)], search, start_lr=1e-3, end_lr=10.0)
    optimizer = optim.SGD(model.parameters(), lr=found.suggestion / 3)  # well before the loss begins to jump
    losses = []
    for _ in range(200):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"rate {found.suggestion:.2g}, loss {losses[0]:.3f} → {losses[-1]:.3f}")

    figure = Figure(figsize=(19, 8), dpi=100, layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    plots.plot_lr_finder(found, ax=axes[0])
    plots.plot_loss(losses, ax=axes[1])
    plots.plot_boundary(model, x, y, ax=axes[2])
    plots.plot_weights(model[0], ax=axes[3])
    plots.plot_activations(model, x, ax=axes[4])
    plots.plot_gradients(model, ax=axes[5])
    plots.plot_gradient_field(lambda a, b: (1 - a) ** 2 + 5 * (b - a * a) ** 2, ax=axes[6])
    plots.plot_histograms({"weights": model[0].weight, "biases": model[0].bias}, ax=axes[7])
    figure.savefig(directory / "plots.png")

    a, b = Value(2.0, "a"), Value(3.0, "b")
    h = a * b
    animate(h * (h + 1), names={"h": h}).save(directory / "walk.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
