"""Full training steps of five networks, side by side in one process: `python tests/bench/tensor_step.py [SIDE …]`.

Forward, backward and update in float32 with one BLAS thread, by microgradx, by NumPy with the backward pass written
out by hand, and by PyTorch where it is installed: the sides, all of them unless named. microgradx and PyTorch run the
same code. All sides start from the same weights, their losses must agree, and rounds alternate, so that a noisy
machine is noisy for each of them: the ratios are of medians, with those of the best steps beside them.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import gc
import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Step = Callable[[], float]

ROUNDS = 9
COMPARED, WITHIN = 20, 1e-4  # how many losses must agree, and how well: float32 drifts apart
WARM_UP = 40  # steps before the clock runs: microgradx prints a plan of a graph that has come 32 times


# ---- by hand ---------------------------------------------------------------------------------------------
# Weights are (in, out); each function is one step on its parameters, which it changes, and returns the loss.


def descend(parameters: list[Array], gradients: list[Array], lr: float) -> None:
    for i in range(len(parameters)):
        parameters[i] -= lr * gradients[i]


def softmax_loss(logits: Array, y: Array) -> tuple[float, Array]:
    """The mean cross entropy and its gradient by the logits."""
    n = len(y)
    shifted = logits - logits.max(1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[np.arange(n), y]).mean()
    d = e / total
    d[np.arange(n), y] -= 1
    return float(loss), d / n


def margin_by_hand(x: Array, y: Array, parameters: list[Array], state: dict[str, Any]) -> float:
    W1, b1, W2, b2, W3, b3 = parameters
    h1 = np.maximum(x @ W1 + b1, 0)
    h2 = np.maximum(h1 @ W2 + b2, 0)
    margin = 1 - y * (h2 @ W3 + b3)
    loss = np.maximum(margin, 0).mean()
    d = -y * (margin > 0) / margin.size
    dW3, db3 = h2.T @ d, d.sum(0)
    d = d @ W3.T * (h2 > 0)
    dW2, db2 = h1.T @ d, d.sum(0)
    d = d @ W2.T * (h1 > 0)
    dW1, db1 = x.T @ d, d.sum(0)
    descend(parameters, [dW1, db1, dW2, db2, dW3, db3], 0.05)
    return float(loss)


def wide_by_hand(x: Array, y: Array, parameters: list[Array], state: dict[str, Any]) -> float:
    W1, b1, W2, b2 = parameters
    h = np.tanh(x @ W1 + b1)
    error = h @ W2 + b2 - y
    loss = (error**2).mean()
    d = 2 * error / error.size
    dW2, db2 = h.T @ d, d.sum(0)
    d = d @ W2.T * (1 - h**2)
    dW1, db1 = x.T @ d, d.sum(0)
    velocities = state.setdefault("velocities", [np.zeros_like(p) for p in parameters])
    for i, g in enumerate([dW1, db1, dW2, db2]):
        velocities[i] = 0.9 * velocities[i] + g
        parameters[i] -= 0.003 * velocities[i]
    return float(loss)


def letters_by_hand(x: Array, y: Array, parameters: list[Array], state: dict[str, Any]) -> float:
    C, W1, b1, W2, b2 = parameters
    embedded = C[x].reshape(len(x), -1)
    h = np.tanh(embedded @ W1 + b1)
    loss, d = softmax_loss(h @ W2 + b2, y)
    dW2, db2 = h.T @ d, d.sum(0)
    d = d @ W2.T * (1 - h**2)
    dW1, db1 = embedded.T @ d, d.sum(0)
    dC = np.zeros_like(C)
    np.add.at(dC, x, (d @ W1.T).reshape(*x.shape, -1))
    descend(parameters, [dC, dW1, db1, dW2, db2], 0.1)
    return loss


def digits_by_hand(x: Array, y: Array, parameters: list[Array], state: dict[str, Any]) -> float:
    W1, b1, W2, b2 = parameters
    h = np.maximum(x @ W1 + b1, 0)
    loss, d = softmax_loss(h @ W2 + b2, y)
    dW2, db2 = h.T @ d, d.sum(0)
    d = d @ W2.T * (h > 0)
    dW1, db1 = x.T @ d, d.sum(0)
    m = state.setdefault("m", [np.zeros_like(p) for p in parameters])
    v = state.setdefault("v", [np.zeros_like(p) for p in parameters])
    t = state["t"] = state.get("t", 0) + 1
    for i, g in enumerate([dW1, db1, dW2, db2]):
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g**2
        parameters[i] -= 1e-3 * (m[i] / (1 - 0.9**t)) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
    return loss


def large_by_hand(x: Array, y: Array, parameters: list[Array], state: dict[str, Any]) -> float:
    W1, b1, W2, b2, W3, b3 = parameters
    h1 = np.maximum(x @ W1 + b1, 0)
    h2 = np.maximum(h1 @ W2 + b2, 0)
    loss, d = softmax_loss(h2 @ W3 + b3, y)
    dW3, db3 = h2.T @ d, d.sum(0)
    d = d @ W3.T * (h2 > 0)
    dW2, db2 = h1.T @ d, d.sum(0)
    d = d @ W2.T * (h1 > 0)
    dW1, db1 = x.T @ d, d.sum(0)
    descend(parameters, [dW1, db1, dW2, db2, dW3, db3], 0.05)
    return loss


# ---- the networks ----------------------------------------------------------------------------------------


def numbers(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.standard_normal(shape).astype(np.float32)


def classes(below: int, *shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.integers(0, below, shape)


def signs(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: np.where(rng.random(shape) < 0.5, -1, 1).astype(np.float32)


class Network(NamedTuple):
    """One of T1 to T5: its data, its step by hand, its parts under PyTorch's names, and what is asked of microgradx."""

    title: str
    x: Callable[[np.random.Generator], Array]
    y: Callable[[np.random.Generator], Array]
    by_hand: Callable[[Array, Array, list[Array], dict[str, Any]], float]
    layers: Callable[[Any], list[Any]]  # of nn
    loss: Callable[[Any, Any, Any], Any]  # of F, output, y
    optimizer: Callable[[Any, Any], Any]  # of optim, parameters
    steps: int  # in a round
    of_numpy: float  # at most this many times as long as by hand
    of_torch: float  # at least this many times as fast as PyTorch


NETWORKS = {
    "T1": Network(
        "2-16-16-1, batch 100, margin",
        numbers(100, 2), signs(100, 1), margin_by_hand,
        lambda nn: [nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)],
        lambda F, output, y: F.relu(1 - y * output).mean(),
        lambda optim, parameters: optim.SGD(parameters, lr=0.05),
        steps=200, of_numpy=2.0, of_torch=3.0,
    ),
    "T2": Network(
        "1-512-1 tanh, batch 32, momentum",
        numbers(32, 1), numbers(32, 1), wide_by_hand,
        lambda nn: [nn.Linear(1, 512), nn.Tanh(), nn.Linear(512, 1)],
        lambda F, output, y: F.mse_loss(output, y),
        lambda optim, parameters: optim.SGD(parameters, lr=0.003, momentum=0.9),
        steps=200, of_numpy=1.3, of_torch=3.0,
    ),
    "T3": Network(
        "3 letters × 2 - 100 tanh - 27, batch 32",
        classes(27, 32, 3), classes(27, 32), letters_by_hand,
        lambda nn: [nn.Embedding(27, 2), nn.Flatten(), nn.Linear(6, 100), nn.Tanh(), nn.Linear(100, 27)],
        lambda F, output, y: F.cross_entropy(output, y),
        lambda optim, parameters: optim.SGD(parameters, lr=0.1),
        steps=200, of_numpy=1.3, of_torch=3.0,
    ),
    "T4": Network(
        "784-100-10, batch 64, Adam",
        numbers(64, 784), classes(10, 64), digits_by_hand,
        lambda nn: [nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)],
        lambda F, output, y: F.cross_entropy(output, y),
        lambda optim, parameters: optim.Adam(parameters, lr=1e-3),
        steps=60, of_numpy=1.3, of_torch=1.0,
    ),
    "T5": Network(
        "784-512-512-10, batch 256",
        numbers(256, 784), classes(10, 256), large_by_hand,
        lambda nn: [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)],
        lambda F, output, y: F.cross_entropy(output, y),
        lambda optim, parameters: optim.SGD(parameters, lr=0.05),
        steps=8, of_numpy=1.1, of_torch=1.0,
    ),
}  # fmt: skip


# ---- the sides -------------------------------------------------------------------------------------------


def sides() -> list[str]:
    chosen = sys.argv[1:] or ["microgradx", "numpy", *(["torch"] if importlib.util.find_spec("torch") else [])]
    if not {"microgradx", "torch"} & set(chosen):
        raise SystemExit("name microgradx or torch: the weights are theirs")
    if "torch" in chosen:
        importlib.import_module("torch").set_num_threads(1)
    return chosen


def library_step(name: str, network: Network, x: Array, y: Array) -> tuple[Step, list[Array]]:
    """A training step as a user writes it, and its starting weights in the layout of the hand-written one."""
    torch, nn, F, optim = (importlib.import_module(name + part) for part in ("", ".nn", ".nn.functional", ".optim"))
    torch.manual_seed(1)
    model = nn.Sequential(*network.layers(nn))
    optimizer = network.optimizer(optim, model.parameters())
    inputs, targets = torch.tensor(x), torch.tensor(y)

    def step() -> float:
        loss = network.loss(F, model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    weights = []
    for layer in model:
        for parameter in layer.parameters():
            array = parameter.detach().numpy()
            weights.append(array.T.copy() if isinstance(layer, nn.Linear) else array.copy())
    return step, weights


def start(network: Network, chosen: list[str]) -> dict[str, Step]:
    """A step for each side, on the same data, from the same weights, which the libraries draw."""
    rng = np.random.default_rng(0)
    x, y = network.x(rng), network.y(rng)
    steps: dict[str, Step] = {}
    drawn: dict[str, list[Array]] = {}
    for name in chosen:
        if name != "numpy":
            steps[name], drawn[name] = library_step(name, network, x, y)
    first, *others = drawn.values()
    for other in others:
        assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(first, other, strict=True)), "seeds differ"
    if "numpy" in chosen:
        state: dict[str, Any] = {}
        steps["numpy"] = lambda: network.by_hand(x, y, first, state)
    return {name: steps[name] for name in chosen}


def measure(network: Network, chosen: list[str]) -> dict[str, list[float]]:
    """Microseconds of each step, after some whose losses are compared, which warm up as well."""
    steps = start(network, chosen)
    first_losses = {name: [step() for _ in range(COMPARED)] for name, step in steps.items()}
    for step in steps.values():
        for _ in range(WARM_UP - COMPARED):
            step()
    expected = np.array(first_losses[chosen[-1]])
    for name, losses in first_losses.items():
        worst = np.max(np.abs(np.array(losses) - expected) / np.abs(expected))
        assert worst < WITHIN, f"{network.title}: the losses of {name} and {chosen[-1]} differ by {worst:.1e}"
    assert expected[-1] < expected[0], f"{network.title}: nothing is learnt"
    taken: dict[str, list[float]] = {name: [] for name in chosen}
    for round_number in range(ROUNDS):
        for name in chosen if round_number % 2 else chosen[::-1]:
            gc.collect()
            step = steps[name]
            for _ in range(network.steps):
                begin = time.perf_counter()
                step()
                taken[name].append(1e6 * (time.perf_counter() - begin))
    return taken


# ---- one small operation ---------------------------------------------------------------------------------

CHAIN = 300  # so many products of (8, 8) arrays, one after the other, and back
BEYOND_NUMPY = 2.0  # µs, forward and backward together


def small_op_by_hand() -> None:
    w, x = np.full((8, 8), 0.999, np.float32), np.ones((8, 8), np.float32)
    for _ in range(CHAIN):
        x = x * w
    for _ in range(CHAIN):
        x = x * w


def small_op(name: str) -> Callable[[], None]:
    if name == "numpy":
        return small_op_by_hand
    torch = importlib.import_module(name)
    w, ones = torch.full((8, 8), 0.999), torch.ones(8, 8)

    def chain() -> None:
        y = torch.ones(8, 8, requires_grad=True)
        for _ in range(CHAIN):
            y = y * w
        y.backward(ones)

    return chain


def small_ops(chosen: list[str]) -> dict[str, float]:
    """Microseconds of one product, forward and its share of backward, the median of alternating rounds."""
    chains = {name: small_op(name) for name in chosen}
    taken: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(60 + WARM_UP):
        for name, chain in chains.items():
            begin = time.perf_counter()
            chain()
            taken[name].append(1e6 * (time.perf_counter() - begin) / CHAIN)
    return {name: statistics.median(of[WARM_UP:]) for name, of in taken.items()}


# ---- the table -------------------------------------------------------------------------------------------


def main() -> int:
    chosen = sides()
    met = True
    print(f"{'µs a step, median (best)':44}" + "".join(f"{name:>20}" for name in chosen) + "   microgradx against")
    for label, network in NETWORKS.items():
        taken = measure(network, chosen)
        medians = {name: statistics.median(of) for name, of in taken.items()}
        bests = {name: min(of) for name, of in taken.items()}
        line = f"{label} {network.title:41}"
        line += "".join(f"{medians[name]:12,.0f} ({bests[name]:,.0f})".rjust(20) for name in chosen)
        if "microgradx" in chosen and "numpy" in chosen:
            ratio, best = (of["microgradx"] / of["numpy"] for of in (medians, bests))
            met &= ratio <= network.of_numpy
            line += f"   numpy {ratio:.2f} × its time (best {best:.2f}; goal ≤ {network.of_numpy:g})"
        if "microgradx" in chosen and "torch" in chosen:
            ratio, best = (of["torch"] / of["microgradx"] for of in (medians, bests))
            met &= ratio >= network.of_torch
            line += f", torch {ratio:.1f} × as fast (best {best:.1f}; goal ≥ {network.of_torch:g})"
        print(line, flush=True)
    costs = small_ops(chosen)
    print("µs of one (8, 8) product, forward and backward: " + ", ".join(f"{n} {t:.2f}" for n, t in costs.items()))
    if "microgradx" in chosen and "numpy" in chosen:
        beyond = costs["microgradx"] - costs["numpy"]
        met &= beyond <= BEYOND_NUMPY
        print(f"microgradx's beyond NumPy's own: {beyond:.2f} µs (goal ≤ {BEYOND_NUMPY:g})")
    if "microgradx" in chosen:
        print("all goals met" if met else "NOT all goals met")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
