"""micrograd's demo step against micrograd itself, side by side in one process: `python tests/bench/scalar_step.py`.

MLP(2, [16, 16, 1]) on 100 points, max-margin loss plus L2, forward, backward and update: the same code for
each engine, from the same weights. Rounds of all engines alternate, so that a noisy machine is noisy for
each of them; the ratios are of medians. Needs `pip install '.[bench]'`.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import micrograd.engine
import micrograd.nn
import numpy as np

import microgradx
import microgradx.nn

STEPS = 12
GOALS = {"dot": (100.0, 12.0), "expand": (12.0, 2.0)}  # times micrograd, with garbage collection on and off


def moons(n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi, n)
    upper = np.arange(n) < n // 2
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) + rng.normal(0, 0.1, n)
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) + rng.normal(0, 0.1, n)
    return np.stack([x, y], 1), np.where(upper, -1, 1)


X, Y = moons()


def train_step(model: Any, value: Callable[[Any], Any], k: int) -> float:
    """The step of micrograd's demo notebook, to the letter but for names."""
    inputs = [list(map(value, row)) for row in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * score).relu() for yi, score in zip(Y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    reg_loss = 1e-4 * sum(p * p for p in model.parameters())
    total = data_loss + reg_loss
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= (1.0 - 0.9 * k / 100) * p.grad
    return float(total.data)


def engines() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    return {
        "micrograd": (lambda: micrograd.nn.MLP(2, [16, 16, 1]), micrograd.engine.Value),
        "dot": (lambda: microgradx.nn.MLP(2, [16, 16, 1]), microgradx.Value),
        "expand": (lambda: microgradx.nn.MLP(2, [16, 16, 1], expand=True), microgradx.Value),
    }


def rounds(name: str, collecting: bool) -> tuple[list[float], list[float]]:
    """(seconds of each step, loss of each step), after a full collection, so that no engine pays for another."""
    make, value = engines()[name]
    random.seed(1337)
    model = make()
    gc.collect()
    if not collecting:
        gc.disable()
    seconds, losses = [], []
    try:
        for k in range(STEPS):
            start = time.perf_counter()
            losses.append(train_step(model, value, k))
            seconds.append(time.perf_counter() - start)
    finally:
        gc.enable()
    return seconds, losses


def peak_megabytes(name: str) -> float:
    make, value = engines()[name]
    random.seed(1337)
    model = make()
    gc.collect()
    tracemalloc.start()
    for k in range(STEPS):
        train_step(model, value, k)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> int:
    sys.setrecursionlimit(10_000)  # micrograd needs it
    met = True
    losses: dict[str, list[float]] = {}
    for collecting in (True, False):
        seconds: dict[str, list[float]] = {name: [] for name in engines()}
        for _ in range(3):
            for name in engines():
                taken, losses[name] = rounds(name, collecting)
                seconds[name] += taken
        base = statistics.median(seconds["micrograd"])
        for name, taken in seconds.items():
            ratio = base / statistics.median(taken)
            goal = GOALS.get(name, (1, 1))[not collecting]
            met &= ratio >= goal
            print(f"gc {'on ' if collecting else 'off'} {name:10} {1e3 * statistics.median(taken):8.1f} ms a step "
                  f"{ratio:7.1f} x micrograd (goal {goal:g})", flush=True)  # fmt: skip
    for name, found in losses.items():
        worst = max(abs(a - b) / abs(b) for a, b in zip(found, losses["micrograd"], strict=True))
        print(f"losses of {name}: within {worst:.1e} of micrograd's")
        met &= worst < 1e-9
    peaks = {name: peak_megabytes(name) for name in engines()}
    for name, peak in peaks.items():
        ratio = peak / peaks["micrograd"]
        print(f"peak memory of {name}: {peak:.1f} MB over {STEPS} steps, {ratio:.3f} of micrograd's")
        met &= name == "micrograd" or peak <= peaks["micrograd"] / 4
    print("all goals met" if met else "NOT all goals met")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
