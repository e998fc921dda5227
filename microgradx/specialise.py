"""One function for each rule, printed from the rule: what a table read at every node would cost, paid at import.

>>> from microgradx.rules import RULES
>>> print(source(RULES["tanh"]))
def tanh(x):
    a = x._data
    scope = current()
    if not scope.checking:
        try:
            y = tanh(a)
            node = new(Node)
            node._data = y; node._scope = scope
            if scope.recording:
                node.rule = RULE; node._a = x; node._b = None
                node._da = 1.0 - y*y; node._db = None
            else:
                node.rule = node._a = node._b = node._da = node._db = None
            return node
        except ERRORS:
            pass
    return apply(RULE, (x,))
<BLANKLINE>
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from textwrap import indent
from typing import Any

from . import symbols, worlds
from .graph import Node
from .rules import RULES, Rule
from .scopes import current

__all__ = ["methods", "source"]

_PYTHON = replace(
    symbols.PYTHON,
    number=lambda x: repr(float(x)),
    call=lambda f, xs: f"{f}({', '.join(xs)})",
    templates={**symbols.PYTHON.templates, "**": ("pow({}, {})", symbols.ATOM, (symbols.CHOICE, symbols.CHOICE))},
)

_NODE = """\
scope = current()
if not scope.checking:
    try:
        y = {value}
        node = new(Node)
        node._data = y; node._scope = scope
        if scope.recording:
            node.rule = RULE; node._a = {a}; node._b = {b}
            node._da = {da}; node._db = {db}
        else:
            node.rule = node._a = node._b = node._da = node._db = None
        return node
    except ERRORS:
        pass
return apply(RULE, {inputs})
"""

_TWO_INPUTS = """\
def {name}(x, {second}{default}):
    z = {second}
    if z.__class__ is Node:
{both}
    if z.__class__ is not float:
        if isinstance(z, AnyNode):
            return apply(RULE, (x, z))
        z = real(z)
{left}
def r{name}(z, x):
    if x.__class__ is not float:
        if isinstance(x, AnyNode):
            return apply(RULE, (x, z))
        x = real(x)
{right}
"""


def _body(rule: Rule, names: Sequence[str], nodes: Sequence[bool]) -> str:
    """Source that makes one node, for inputs that are (True) nodes or (False) floats."""
    letters = "ab"[: len(names)]
    inputs = list(zip(letters, names, nodes, strict=True))
    numbers = "".join(f"{x} = {name}{'._data' * is_node}\n" for x, name, is_node in inputs)
    partials = ["None", "None"]
    for slot, (_, _, is_node) in enumerate(inputs):
        if is_node and (local := symbols.partial(rule, slot, *letters)) is not None:
            partials[slot] = symbols.text(local, _PYTHON)
    a, b = (*names, "None")[:2]
    return numbers + _NODE.format(
        value=symbols.text(symbols.value(rule, *letters), _PYTHON), a=a, b=b, da=partials[0], db=partials[1],
        inputs=f"({', '.join(names)}{',' * (len(names) == 1)})",
    )  # fmt: skip


def source(rule: Rule) -> str:
    """The functions of a rule of one or two inputs, as Python: `name`, and `rname` for a number on the left."""
    if len(rule.inputs) == 1:
        return f"def {rule.name}(x):\n" + indent(_body(rule, "x", (True,)), " " * 4)
    return _TWO_INPUTS.format(
        name=rule.name, second=rule.inputs[1], default="" if rule.required == 2 else f"={rule.value.__defaults__[0]!r}",  # type: ignore[index]
        both=indent(_body(rule, "xz", (True, True)), " " * 8),
        left=indent(_body(rule, "xz", (True, False)), " " * 4), right=indent(_body(rule, "xz", (False, True)), " " * 4),
    )  # fmt: skip


def _maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


#: The math module's functions raise where NumPy gives inf or nan; the general way then takes over
_FLOATS: dict[str, Any] = {
    **{name: getattr(math, name) for name in worlds.PRIMITIVES if hasattr(math, name)},
    "abs": abs, "pow": math.pow, "inf": math.inf, "nan": math.nan, "maximum": _maximum, "minimum": _minimum,
    "current": current, "new": object.__new__, "AnyNode": Node, "ERRORS": (ArithmeticError, ValueError),
}  # fmt: skip


def methods(rule: Rule, node: type[Node], real: Callable[[Any], float]) -> dict[str, Callable[..., Any]]:
    """{"tanh": function}, or {"mul": …, "rmul": …} for two inputs, that make nodes of the class `node`.

    real: turns an operand that is no node into a float, or raises.
    """
    for called in RULES.values():  # a rule may call another, as softplus' partial calls sigmoid: on floats
        if called.name not in _FLOATS and not called.vectors:
            text = symbols.text(symbols.value(called), _PYTHON)
            _FLOATS[called.name] = eval(f"lambda {', '.join(called.inputs)}: {text}", _FLOATS)
    made: dict[str, Any] = {}
    names = {**_FLOATS, "Node": node, "apply": node._make, "real": real, "RULE": rule}  # type: ignore[attr-defined]
    exec(compile(source(rule), f"<{rule.name} of the table>", "exec"), names, made)
    return made
