"""The courses' code as small programs, to be run under PyTorch and under microgradx and to give the same results.

A program is a public function of one of this package's modules. It is given the names that the courses import, uses
them as the courses' code does, and returns a dict of what it has found out: numbers, texts, lists, Tensors, shapes,
dtypes, and what `raised` says of an error.

`python -m tests.oracle.courses` runs all of them under PyTorch and writes tests/data/courses.json;
tests/test_courses.py runs them under microgradx and compares.

>>> def two_halves(torch, nn, F, optim, data):
...     return {"sum": 0.5 + 0.5, "shape": (2, 3), "object": "<Add object at 0x7f12>", "log": -math.inf}
>>> plain(two_halves(None, None, None, None, None))
{'sum': 1.0, 'shape': [2, 3], 'object': '<Add object at 0x…>', 'log': '-inf'}
>>> differences({"sum": 1.0}, {"sum": 1.1}), differences({"sum": 1.0}, {"sum": 1.0 + 1e-9})
(['sum: 1.0 expected, got 1.1'], [])
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable
from typing import Any

Program = Callable[..., dict[str, Any]]

RTOL, ATOL = 1e-5, 1e-7


def tolerance(rtol: float = RTOL, atol: float = ATOL) -> Callable[[Program], Program]:
    """A program whose numbers may differ by `atol` + `rtol`·|expected|; without it by 1e-7 + 1e-5·|expected|."""

    def stated(program: Program) -> Program:
        program.tolerance = (rtol, atol)
        return program

    return stated


def raised(phrase: str, call: Callable[..., object], *args: Any, **options: Any) -> dict[str, str]:
    """What a call raises: the class, the message, and the phrase that a message must have, whatever else it says."""
    try:
        call(*args, **options)
    except Exception as error:
        return {"raises": type(error).__name__, "message": str(error), "phrase": phrase}
    return {"raises": "nothing", "message": "", "phrase": phrase}


def programs(*courses: str) -> dict[str, Program]:
    """The programs of the courses named, or of all, by the name course.program."""
    found = {}
    for course in courses or sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = importlib.import_module(f"{__name__}.{course}")
        for name, member in vars(module).items():
            if inspect.isfunction(member) and member.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{course}.{name}"] = member
    return found


def plain(found: Any) -> Any:
    """A result as JSON has it: lists for Tensors and shapes, names for dtypes, 0x… for addresses, 'nan' and 'inf'."""
    if isinstance(found, dict):
        return {str(key): plain(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [plain(value) for value in found]
    if hasattr(found, "tolist"):
        return plain(found.tolist())
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    if found is None or isinstance(found, bool | int | float):
        return found
    return re.sub(r"0x[0-9a-f]+", "0x…", str(found))


def differences(expected: Any, found: Any, rtol: float = RTOL, atol: float = ATOL, at: str = "") -> list[str]:
    """Where two plain results differ, in words. Kinds count: 1, 1.0 and True are three."""
    if type(expected) is not type(found):
        return [f"{at}: {expected!r} expected, got {found!r}"]
    if isinstance(expected, dict):
        if "raises" in expected and "raises" in found:
            same = expected["raises"] == found["raises"] and expected["phrase"] in found["message"]
            return [] if same else [f"{at}: {expected} expected, got {found}"]
        if expected.keys() != found.keys():
            return [f"{at}: {list(expected)} expected, got {list(found)}"]
        pairs = [(f"{at}.{key}".lstrip("."), expected[key], found[key]) for key in expected]
    elif isinstance(expected, list):
        if len(expected) != len(found):
            return [f"{at}: {len(expected)} items expected, got {len(found)}: {expected} and {found}"]
        pairs = [(f"{at}[{i}]", *pair) for i, pair in enumerate(zip(expected, found, strict=True))]
    elif isinstance(expected, float):
        near = abs(expected - found) <= atol + rtol * abs(expected)
        return [] if near else [f"{at}: {expected!r} expected, got {found!r}"]
    else:
        return [] if expected == found else [f"{at}: {expected!r} expected, got {found!r}"]
    return [line for name, one, other in pairs for line in differences(one, other, rtol, atol, name)]
