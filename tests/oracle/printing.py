"""Write tests/data/printing.json, what PyTorch prints: `python -m tests.oracle.printing`, where torch is installed.

A case is a dtype, a shape, values (repeated until they fill the shape), print options, "leaf" or "node" where the
tensor requires a gradient, the default dtype, and the text.

>>> FILE.name, len(BY_HAND) > 50
('printing.json', True)
"""

from __future__ import annotations

import json
import math
import random
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "data" / "printing.json"
INF, NAN = math.inf, math.nan
#: (values, dtype, shape or None for that of the values, options)
BY_HAND: list[tuple[list[Any], str, tuple[int, ...] | None, dict[str, Any]]] = [
    # integral floats, mixed floats, where the scientific notation begins, values that are not counted
    ([1.0, 2.5, -3.25], "float32", None, {}), ([1.0, 2.0, -3.0], "float32", None, {}),
    ([0.0, -0.0], "float32", None, {}), ([1.0, 1000.0], "float32", None, {}), ([1.0, 1001.0], "float32", None, {}),
    ([0.5, 500.0], "float32", None, {}), ([0.5, 500.5], "float32", None, {}), ([1e8], "float32", None, {}),
    ([1.00000008e8], "float32", None, {}), ([1e-4, 0.05], "float64", None, {}), ([9.9e-5], "float64", None, {}),
    ([9.99995, -1.0], "float64", None, {}), ([NAN, INF, -INF], "float32", None, {}),
    ([NAN, 1.0, -INF], "float32", None, {}), ([-INF, 0.5], "float32", None, {}),
    ([0.0, NAN, 1e-9], "float64", None, {}), ([1e-308, 1e308], "float64", None, {}),
    ([5e-324, 0.0], "float64", None, {}), ([65504.0, 0.1], "float16", None, {}), ([0.1, 0.2], "float16", None, {}),
    ([1 / 3], "float64", None, {}),
    # integers, bools
    ([1, -20, 300], "int64", None, {}), ([-9223372036854775808], "int64", None, {}), ([0, 255], "uint8", None, {}),
    ([-128, 7], "int8", None, {}), ([1, 2], "int16", None, {}), ([1, 2], "int32", None, {}),
    ([True, False], "bool", None, {}), ([True], "bool", (2, 3), {}),
    # 0-d and empty
    ([1.5], "float32", (), {}), ([2.0], "float64", (), {}), ([7], "int64", (), {}), ([True], "bool", (), {}),
    ([-INF], "float32", (), {}), ([17.769711], "float32", (), {}), ([], "float32", (0,), {}),
    ([], "float32", (0, 3), {}), ([], "int64", (0,), {}), ([], "bool", (2, 0), {}), ([], "float64", (0,), {}),
    ([], "float32", (3, 0, 2), {}),
    # rows, blocks, lines that end at 80
    ([1.0, 2.0, 3.5], "float32", (2, 3), {}), ([1.0, -2.0], "float32", (2, 2, 3), {}),
    ([1], "int64", (2, 1, 2, 2), {}), ([0.5], "float32", (30,), {}), ([1], "int64", (80,), {}),
    ([-0.5], "float32", (2, 17), {}), ([1e9], "float32", (9,), {}), ([0.5], "float32", (9,), {}),
    ([100000], "int32", (9,), {}), ([0.25, 1.5], "float64", (7,), {}),
    # summaries
    ([0.0, 1.0, 2.0], "float32", (1001,), {}), ([0.0, 1.0], "float32", (1000,), {"threshold": 999}),
    ([0.0, 1.0, 2.5], "float32", (40, 40), {}), ([1, 2, 3], "int64", (3, 7, 60), {}),
    ([0.5], "float32", (1, 1, 2000), {}), ([True], "bool", (6, 7, 8), {"threshold": 100}),
    ([1e9, *[1.0] * 10], "float32", (5, 11), {"threshold": 50}),
    (list(range(12)), "int64", None, {"threshold": 5, "edgeitems": 2}), ([3], "int64", (), {"threshold": 0}),
    (list(range(12)), "int64", (2, 6), {"threshold": 5, "edgeitems": 0}), ([1, 2], "int64", None, {"edgeitems": 0}),
    # options
    ([1 / 3, 200 / 3], "float32", None, {"precision": 2}), ([1 / 3, 200 / 3], "float32", None, {"precision": 0}),
    ([1 / 3, 2.0], "float32", None, {"sci_mode": True}), ([1e-9, 1e9], "float32", None, {"sci_mode": False}),
    ([1.0, 2.0], "float32", None, {"sci_mode": True}), ([0.0], "float32", None, {"sci_mode": True}),
    ([1.23456], "float32", (3, 9), {"linewidth": 40}), ([1.23456], "float32", (4,), {"linewidth": 1}),
    ([1 / 3], "float32", (40, 30), {"profile": "short"}),
    ([1 / 3], "float32", (1002,), {"profile": "full", "linewidth": 200}),
    ([1 / 3], "float32", None, {"profile": "short", "precision": 6}),
]  # fmt: skip
SHAPES: list[tuple[int, ...]] = [(), (1,), (5,), (13,), (2, 3), (4, 9), (11, 2), (3, 1, 4), (2, 3, 2), (1, 2, 1, 8)]


def number(draw: random.Random, dtype: str) -> Any:
    if dtype == "bool":
        return draw.random() < 0.5
    if "int" in dtype:
        limits = np.iinfo(dtype)
        size = 10 ** draw.randint(0, 18)
        return draw.randint(max(int(limits.min), -size), min(int(limits.max), size))
    kind = draw.randrange(8)
    if kind == 0:
        return draw.choice([0.0, -0.0, NAN, INF, -INF])
    size = 10.0 ** draw.randint(-1, 1) if kind < 7 else 10.0 ** draw.randint(-6, 9)
    return float(f"{draw.gauss(0, size):.6g}") if draw.random() < 0.8 else float(round(draw.gauss(0, 10 * size)))


def at_random(draw: random.Random) -> tuple[list[Any], str, tuple[int, ...], dict[str, Any]]:
    dtype = draw.choice(["float32"] * 4 + ["float64", "float16", "int64", "int32", "uint8", "bool"])
    shape = draw.choice(SHAPES)
    values = [number(draw, dtype) for _ in range(math.prod(shape))]
    options = {
        "precision": draw.randint(0, 7), "threshold": draw.choice([5, 20]), "edgeitems": draw.randint(1, 3),
        "linewidth": draw.choice([20, 50, 79, 120]), "sci_mode": draw.choice([True, False]),
    }  # fmt: skip
    return values, dtype, shape, {name: x for name, x in options.items() if draw.random() < 0.25}


def printed(case: dict[str, Any]) -> str:
    import torch

    dtype, size = getattr(torch, case["dtype"]), math.prod(case["shape"])
    values = [case["values"][i % len(case["values"])] for i in range(size)]
    torch.set_default_dtype(getattr(torch, case.get("default", "float32")))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**case.get("options", {}))
    t = torch.tensor(values, dtype=dtype).reshape(case["shape"]).requires_grad_("grad" in case)
    return repr(t.clone() if case.get("grad") == "node" else t)


def main() -> None:
    draw, cases = random.Random(2026), []
    for values, dtype, shape, options in BY_HAND + [at_random(draw) for _ in range(120)]:
        case: dict[str, Any] = {"dtype": dtype, "shape": (len(values),) if shape is None else shape, "values": values}
        if options:
            case["options"] = options
        cases.append(case)
        if "float" in dtype and len(values) < 20:
            cases.append({**case, "grad": draw.choice(["leaf", "node"])})
        if draw.random() < 0.2:
            cases.append({**case, "default": draw.choice(["float64", "float16"])})
    lines = [json.dumps({**case, "text": printed(case)}) for case in cases]
    head = json.dumps({"torch": version("torch"), "script": "tests/oracle/printing.py"})
    FILE.write_text(f'{head[:-1]}, "cases": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
