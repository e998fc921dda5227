"""A function with one thing in its source changed: a term dropped, another operand, a constant off by one.

>>> from microgradx.rules import RULES
>>> for what, _ in edits(RULES["tan"].partials[0], ["x", "y"]):
...     print(what)
1 + y * y becomes 1
1 + y * y becomes y * y
1 becomes 2
y * y becomes y
y becomes x
y becomes x (2)
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

__all__ = ["edits"]

Function = Callable[..., Any]


def edits(function: Function, arrays: Sequence[str]) -> Iterator[tuple[str, Function]]:
    """(what, function) of every change that makes sense of a lambda or a function; none where its source is not found.

    arrays: the parameters that may stand for one another. The function's attribute `reached` counts how often what is
    new has been evaluated.
    """
    found = _node(function)
    if found is None:
        return
    names = [name for name in inspect.signature(function).parameters if name in arrays]
    named: Counter[str] = Counter()
    sites = list(ast.walk(found))
    sizes = {each.value for each in sites if isinstance(each, ast.Attribute)}  # x in x.shape
    terms = {each for site in sites if isinstance(site, ast.BinOp) for each in (site.left, site.right)}
    for k, site in enumerate(sites):
        if site in sizes or (isinstance(site, ast.Constant) and site not in terms):
            continue
        for new in _changes(site, names):
            what = f"{ast.unparse(site)} becomes {ast.unparse(new)}"
            named[what] += 1
            counted = ast.Call(ast.Name("_reached", ast.Load()), [new], [])
            yield what + f" ({named[what]})" * (named[what] > 1), _compiled(_replaced(found, k, counted), function)


def _changes(site: ast.AST, names: Sequence[str]) -> Iterator[ast.expr]:
    match site:
        case ast.BinOp(left, ast.Add(), right):
            yield from (left, right)
        case ast.BinOp(left, ast.Sub(), right):
            yield from (left, ast.UnaryOp(ast.USub(), right))
        case ast.BinOp(left, ast.Mult(), right):
            yield from (left,) if ast.dump(left) == ast.dump(right) else (left, right)
        case ast.BinOp(left, ast.Div(), right):
            yield from (left, ast.BinOp(left, ast.Mult(), right))
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            yield ast.Constant(value + 1)
        case ast.Name(name, ast.Load()) if name in names:
            yield from (ast.Name(other, ast.Load()) for other in names if other != name)
        case ast.Call(ast.Attribute(ast.Name("xp"), "where") as where, [condition, a, b]):
            yield ast.Call(where, [condition, b, a], [])
        case ast.Call(ast.Attribute(ast.Name("xp")), [first, *_]):
            yield first  # without the sum, the transpose, the function


# ---- from a function to its source and back -------------------------------------------------------------------
@cache
def _tree(file: str) -> list[ast.AST]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError:
        return []
    return [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Lambda | ast.FunctionDef)]


def _node(function: Function) -> Any:
    """Its node in the source: of several lambdas on one line, the one in the same columns."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_freevars:
        return None
    for node in _tree(code.co_filename):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])  # type: ignore[attr-defined]
        if first <= code.co_firstlineno <= node.lineno and _same(_code(node), code):  # type: ignore[attr-defined]
            return node
    return None


def _code(node: Any) -> CodeType:
    alone = ast.Expression(node) if isinstance(node, ast.Lambda) else ast.Module([node], [])
    made = compile(alone, "", "eval" if isinstance(node, ast.Lambda) else "exec")
    return next(c for c in made.co_consts if inspect.iscode(c))


def _same(a: CodeType, b: CodeType) -> bool:
    """By where the parts of their expressions stand; equal bytecode is more than different contexts give."""
    return (a.co_name, a.co_varnames) == (b.co_name, b.co_varnames) and (
        a.co_name != "<lambda>" or set(a.co_positions()) == set(b.co_positions())
    )


def _replaced(node: Any, k: int, new: ast.expr) -> Any:
    """A copy of the tree, with node number k of its walk replaced."""
    copy = deepcopy(node)
    old = list(ast.walk(copy))[k]

    class Replace(ast.NodeTransformer):
        def visit(self, each: ast.AST) -> Any:
            return deepcopy(new) if each is old else super().visit(each)

    return ast.fix_missing_locations(Replace().visit(copy))


def _compiled(node: Any, function: Function) -> Function:
    def reached(x: Any) -> Any:
        edited.__dict__["reached"] += 1
        return x

    names = {**function.__globals__, "_reached": reached}
    if isinstance(node, ast.Lambda):
        made = eval(compile(ast.Expression(node), "<edited>", "eval"), names)
    else:
        node.decorator_list = []
        exec(compile(ast.Module([node], []), "<edited>", "exec"), names)
        made = names[node.name]
    edited: Function = made
    edited.__dict__["reached"] = 0
    return edited
