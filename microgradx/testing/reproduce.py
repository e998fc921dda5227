"""A failed check as code that runs on its own: f's source, what it refers to, and the exact values of the arrays.

>>> import numpy as np
>>> print(array_source(np.array([0.1, np.inf], np.float32)))
array([0.10000000149011612, inf], dtype="float32")
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from textwrap import dedent
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_source", "program"]


def array_source(x: NDArray[Any]) -> str:
    """The expression that makes an array with the same numbers, shape and dtype."""
    made = f'array({x.tolist()!r}, dtype="{x.dtype}")'
    return made if x.size else f'{made}.reshape({x.shape})'


def program(call: str, named: dict[str, Any], f: Callable[..., Any], vjp: Callable[..., Any] | None) -> str:
    """The script that makes the named arrays and everything that f and vjp refer to, and then runs the call."""
    imports = ["from __future__ import annotations", "from numpy import array, inf, nan",
               "from microgradx.testing import check_grad"]  # fmt: skip
    definitions: dict[str, str] = {}
    for name, function in (("f", f), ("vjp", vjp)):
        if function is not None:
            _define(name, function, imports, definitions)
    lines = [*dict.fromkeys(imports), "", *definitions.values()]
    lines += [f"{name} = {array_source(x)}" for name, x in named.items()]
    return "\n".join([*lines, call])


def _define(name: str, thing: Any, imports: list[str], definitions: dict[str, str]) -> None:
    """Add what makes `name` mean `thing` to the imports or the definitions, after what that needs itself."""
    if name in definitions:
        return
    if inspect.ismodule(thing):
        imports.append(f"import {thing.__name__} as {name}" if thing.__name__ != name else f"import {name}")
    elif isinstance(thing, np.ndarray | np.generic):
        definitions[name] = f"{name} = {array_source(np.asarray(thing))}"
    elif isinstance(thing, bool | int | float | str | tuple | list):
        definitions[name] = f"{name} = {thing!r}"
    elif getattr(thing, "__module__", "__main__") not in ("__main__", None) and not _local(thing):
        imports.append(f"from {thing.__module__} import {thing.__name__} as {name}")
    else:
        source = _source(thing)
        definitions[name] = ""  # it may refer to itself
        for inner, what in _referred(thing):
            _define(inner, what, imports, definitions)
        del definitions[name]
        definitions[name] = _bound(name, thing, source)


def _local(thing: Any) -> bool:
    """Whether a module's name would not find it: a lambda, a function in a function, or one of a test file."""
    qualified = getattr(thing, "__qualname__", "<")
    return "<" in qualified or (inspect.isfunction(thing) and not thing.__module__.startswith(_LIBRARIES))


_LIBRARIES = ("numpy", "scipy", "torch", "autograd", "mygrad", "jax", "microgradx")


def _bound(name: str, thing: Any, source: str) -> str:
    if not source:
        what = getattr(thing, "__qualname__", type(thing).__name__)
        return f"{name} = ...  # put {what} here: its source is out of reach"
    if source.startswith("lambda"):
        return f"{name} = {source}"
    return source if name == thing.__name__ else f"{source}\n{name} = {thing.__name__}"


def _source(thing: Any) -> str:
    """The source of a function, of a lambda only its own expression; "" where there is none."""
    code = getattr(thing, "__code__", None)
    if code is None:
        return ""
    if thing.__name__ != "<lambda>":
        try:
            return dedent(inspect.getsource(thing)).rstrip()
        except (OSError, TypeError):
            return ""
    text = "".join(linecache.getlines(code.co_filename))
    try:
        found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno]
    except SyntaxError:
        return ""
    found = [n for n in found if [a.arg for a in n.args.posonlyargs + n.args.args] == list(_arguments(code))]
    segments = {ast.get_source_segment(text, node) or "" for node in found}
    return dedent(segments.pop()) if len(segments) == 1 else ""


def _arguments(code: CodeType) -> Sequence[str]:
    return code.co_varnames[: code.co_argcount]


def _referred(function: Any) -> Iterator[tuple[str, Any]]:
    """The globals and the enclosing variables that a function's code names; none of what is no function."""
    waiting = [function.__code__] if hasattr(function, "__code__") else []
    for code in waiting:
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # not yet bound
                yield name, cell.cell_contents
    while waiting:
        code = waiting.pop()
        yield from ((name, function.__globals__[name]) for name in code.co_names if name in function.__globals__)
        waiting += [c for c in code.co_consts if inspect.iscode(c)]
