"""Write tests/data/courses.json: what the courses' programs give under PyTorch.

`python -m tests.oracle.courses` runs all programs, `python -m tests.oracle.courses fastai d2l` those of two courses
and keeps what is stored of the others. Each program runs twice, the second time after the others and from another
state of the random generator: a program that does not seed what it draws is refused, and so is one that warns, or
that expects an error which does not come.

>>> FILE.name
'courses.json'
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from tests.courses import Program, plain, programs

FILE = Path(__file__).parents[1] / "data" / "courses.json"


def unraised(result: Any) -> list[Any]:
    """The errors that did not come, or came without their phrase."""
    if isinstance(result, dict) and "raises" in result:
        return [] if result["phrase"] in result["message"] and result["raises"] != "nothing" else [result]
    parts = result.values() if isinstance(result, dict) else result if isinstance(result, list) else []
    return [error for part in parts for error in unraised(part)]


def run(chosen: dict[str, Program]) -> dict[str, Any]:
    """The results of the programs under PyTorch."""
    import torch
    import torch.nn.functional as F
    from torch import nn, optim
    from torch.utils import data

    torch.set_num_threads(1)
    results: list[dict[str, Any]] = []
    with warnings.catch_warnings(action="error"):
        for seed, names in enumerate([list(chosen), list(reversed(chosen))]):
            torch.manual_seed(seed)
            results.append({name: plain(chosen[name](torch, nn, F, optim, data)) for name in names})
    first, second = results
    for name, result in first.items():
        if not result or unraised(result):
            raise ValueError(f"{name}: nothing found out, or an error that did not come: {unraised(result)}")
        if result != second[name]:
            raise ValueError(f"{name}: gave two different results:\n{result}\n{second[name]}")
    return first


def write(results: dict[str, Any]) -> None:
    """One line for each result, so that a change shows as the lines that have changed."""
    lines = []
    for name in sorted(results):
        entries = [
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in results[name].items()
        ]
        lines.append(f"{json.dumps(name)}: {{\n" + ",\n".join(entries) + "\n}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    courses = sys.argv[1:]
    stored = json.loads(FILE.read_text(encoding="utf-8")) if courses and FILE.exists() else {}
    kept = {name: result for name, result in stored.items() if name.partition(".")[0] not in courses}
    write(kept | run(programs(*courses)))
