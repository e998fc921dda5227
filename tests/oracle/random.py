"""Write tests/data/random.json, what PyTorch's CPU generator gives: `python -m tests.oracle.random`, with torch.

A stream is a seed and a list of steps, run one after the other on one generator `g`: what a step leaves behind (a
cached normal number, half a block) shows in the next. A step is an expression, the dtype and shape of its result, and
its numbers; of a long result the first 4 and the last 20.

>>> FILE.name, len(steps()) > 300
('random.json', True)
"""

from __future__ import annotations

import itertools
import json
import random
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "data" / "random.json"
SEEDS = [0, 2021, 2147483647, -1, 2**64 - 12345]
SIZES = [0, 1, 7, 15, 16, 17, 31, 100, 1000]
FLOATS = ["float32", "float64", "float16"]
INTEGERS = ["int64", "int32", "int16", "int8", "uint8", "bool"]

#: equal to the last bit
EXACT = [
    *(f"torch.rand({{n}}, generator=g, dtype=torch.{kind})" for kind in FLOATS),
    "torch.empty({n}).uniform_(-0.1, 0.3, generator=g)",
    "torch.empty({n}).uniform_(100, 101, generator=g)",
    "torch.empty({n}, dtype=torch.float16).uniform_(-2, 5.5, generator=g)",
    "torch.randint(27, ({n},), generator=g)", "torch.randint(-5, 2**28 - 6, ({n},), generator=g)",
    "torch.randint(-5, 2**28 - 5, ({n},), generator=g)", "torch.randint(-2**63, 2**63 - 1, ({n},), generator=g)",
    "torch.randint(2, ({n},), generator=g, dtype=torch.bool)",
    "torch.randint(9, ({n},), generator=g, dtype=torch.int8)",
    "torch.randint(-2**24, 2**24 + 1, ({n},), generator=g, dtype=torch.float32)",
    *(f"torch.empty({{n}}, dtype=torch.{kind}).random_(generator=g)" for kind in FLOATS + INTEGERS),
    "torch.empty({n}).random_(10, generator=g)", "torch.empty({n}).random_(3, 5, generator=g)",
    "torch.empty({n}, dtype=torch.int64).random_(-2**63, None, generator=g)",
    "torch.empty({n}, dtype=torch.int32).random_(5, None, generator=g)",
    "torch.randperm({n}, generator=g)", "torch.randperm({n}, generator=g, dtype=torch.float32)",
    *(f"torch.bernoulli(torch.full(({{n}},), 0.3, dtype=torch.{kind}), generator=g)" for kind in FLOATS),
    "torch.empty({n}, dtype=torch.int64).bernoulli_(torch.tensor([0.7]), generator=g)",
    "torch.empty({n}, dtype=torch.int64).geometric_(0.2, generator=g)",
    "torch.empty({n}).geometric_(0.01, generator=g)",
    "torch.multinomial(torch.arange(1.0, {n} + 2.0), 20, True, generator=g)",
]  # fmt: skip
#: equal to rounding, by the last bits of log, cos and sin, and of fused multiplications in float64
ROUNDED = [
    *(f"torch.randn({{n}}, generator=g, dtype=torch.{kind})" for kind in FLOATS),
    *(f"torch.empty({{n}}, dtype=torch.{kind}).normal_(2.5, 0.3, generator=g)" for kind in FLOATS),
    "torch.empty({n}, dtype=torch.float64).uniform_(-0.1, 0.3, generator=g)",
    "torch.normal(1.0, 2.0, ({n},), generator=g)", "torch.normal(torch.ones({n}), 2.0, generator=g)",
    "torch.normal(torch.full(({n},), 3.0), torch.full(({n},), 0.5), generator=g)",
    "torch.empty({n}).log_normal_(0.1, 0.2, generator=g)", "torch.empty({n}).cauchy_(1.0, 2.0, generator=g)",
]  # fmt: skip
#: PyTorch has other numbers for these on Intel processors (see https://github.com/pytorch/pytorch/issues/15714)
BY_PROCESSOR = [
    *(f"torch.empty({{n}}, dtype=torch.{kind}).bernoulli_(0.3, generator=g)" for kind in ["float32", "int64", "bool"]),
    "torch.bernoulli(torch.ones({n}), 0.6, generator=g)",
    *(f"torch.empty({{n}}, dtype=torch.{kind}).exponential_(generator=g)" for kind in FLOATS),
    "torch.empty({n}).exponential_(2.5, generator=g)",
    "torch.multinomial(torch.arange(1.0, {n} + 2.0), 1, generator=g)",
    "torch.multinomial(torch.arange(1.0, {n} + 21.0), 20, generator=g)",
]
#: shapes, and what does not lie in memory in the order of its elements
SHAPED = [
    "torch.rand(2, 3, generator=g)", "torch.rand((2, 3), generator=g)", "torch.rand(size=(4,), generator=g)",
    "torch.rand((), generator=g)", "torch.randn(3, 0, generator=g)", "torch.randn(27, 2, generator=g)",
    "torch.randn([3, 2, 4], generator=g)", "torch.randint(3, 9, (2, 3), generator=g)",
    "torch.randint(high=5, size=(3,), generator=g, dtype=None)", "torch.randint(low=4, high=5, size=[2], generator=g)",
    "torch.normal(torch.zeros(4, 1), torch.arange(1.0, 7.0), generator=g)",
    "torch.normal(torch.zeros(5, 6).T, 1.5, generator=g)",
    "torch.normal(2.0, torch.ones(3, dtype=torch.float64), generator=g)",
    "torch.multinomial(torch.arange(1.0, 13.0).reshape(3, 4), 5, True, generator=g)",
    "torch.multinomial(torch.arange(1.0, 13.0, dtype=torch.float64).reshape(4, 3).T, 7, replacement=True, generator=g)",
    "torch.zeros(5, 6).T.uniform_(generator=g)", "torch.zeros(5, 6).T.normal_(generator=g)",
    "torch.zeros(20, 2)[:, 0].normal_(generator=g)", "torch.zeros(20, 2)[:, 0].uniform_(generator=g)",
    "torch.zeros(2, 3, 4).permute(2, 0, 1).uniform_(generator=g)", "torch.zeros(40)[3:23].normal_(generator=g)",
    "torch.zeros(4, 5, 6)[:, 1:5].transpose(0, 1).normal_(1.0, 2.0, generator=g)",
    "torch.zeros(5, 6).T.random_(7, generator=g)", "torch.zeros(3, 1, 6).transpose(0, 2).random_(7, generator=g)",
    "torch.zeros(6, 5).T.bernoulli_(torch.arange(30.0).reshape(5, 6) / 30, generator=g)",
    "torch.bernoulli(torch.arange(30.0).reshape(5, 6).T / 30, generator=g)",
    "torch.rand(5, 12, generator=g)[:, ::2].bernoulli(generator=g)",
    "torch.rand_like(torch.zeros(5, 6).T, generator=g)", "torch.randn_like(torch.zeros(5, 6).T, generator=g)",
    "torch.randn_like(torch.zeros(5, 12)[:, ::2], generator=g)",
    "torch.rand_like(torch.zeros(3).expand(4, 3), generator=g)",
    "torch.rand_like(torch.zeros(4, dtype=torch.int64), dtype=torch.float64, generator=g)",
    "torch.randn_like(torch.zeros(2, 9, dtype=torch.float64), generator=g)",
    "torch.randint_like(torch.zeros(2, 3), 4, generator=g)",
    "torch.randint_like(torch.zeros(4, 3).T, -2, 4, dtype=torch.int16, generator=g)",
]  # fmt: skip
#: mean, std, a, b of trunc_normal_; in the last three few normal numbers would lie inside
TRUNCATED = [(0.0, 1.0, -2.0, 2.0), (0.0, 0.02, -2.0, 2.0), (1.0, 2.0, 0.5, 3.0), (0.0, 1.0, 0.5, 1.0),
             (0.0, 1.0, -0.1, 0.2), (3.0, 1.0, 1.0, 1.5)]  # fmt: skip
LINEAR = [(3, 4), (1, 512), (784, 10), (6, 5)]


def steps() -> list[str]:
    """All expressions, each at all sizes, in a random order that is always the same."""
    found = [text.format(n=n) for text, n in itertools.product(EXACT + ROUNDED + BY_PROCESSOR, SIZES)] + SHAPED
    random.Random(0).shuffle(found)
    return found


def evaluate(step: str, library: Any, generator: Any) -> Any:
    return eval(step, {"torch": library, "g": generator})


def written(result: Any) -> list[Any]:
    """Its dtype, shape and numbers, those of a long one in part."""
    flat = np.asarray(result).ravel()
    return [str(result.dtype), list(result.shape), numbers([*flat[:4], *flat[4:][-20:]])]


def numbers(xs: Any) -> list[Any]:
    """Floats with as many digits as tell them from their neighbours of the same dtype."""
    return [float(str(x)) if isinstance(x, np.floating) else x.item() for x in xs]


def write() -> None:
    import torch

    def truncated(*args: float) -> Any:
        torch.manual_seed(3)
        drawn = torch.nn.init.trunc_normal_(torch.empty(4, 25), *args)
        return [*args, *numbers([*drawn.ravel().numpy(), torch.rand(1).numpy()[0]])]

    def linear(columns: int, rows: int) -> Any:
        torch.manual_seed(4)
        layer = torch.nn.Linear(columns, rows)
        weight, bias = layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy()
        return [columns, rows, *(numbers(x[-9:]) for x in (weight, bias))]

    torch.set_num_threads(1)
    streams = []
    for number, seed in enumerate(SEEDS):
        generator = torch.Generator().manual_seed(seed)
        run = [[step, *written(evaluate(step, torch, generator))] for step in steps()[number :: len(SEEDS)]]
        streams.append({"seed": seed, "steps": run})
    lines = [
        f'{{"torch": {json.dumps(version("torch"))},\n"streams": [',
        ",\n".join(
            f'{{"seed": {stream["seed"]}, "steps": [\n' + ",\n".join(map(json.dumps, stream["steps"])) + "]}"
            for stream in streams
        ),
        '],\n"trunc_normal": [',
        ",\n".join(json.dumps(truncated(*args)) for args in TRUNCATED),
        '],\n"linear": [',
        ",\n".join(json.dumps(linear(*sizes)) for sizes in LINEAR),
        "]}",
    ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
