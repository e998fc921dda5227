"""One function for each rule, printed from the rule: what a table read at every node would cost, paid at import.

>>> from microgradx.rules import RULES
>>> print(source(RULES["tanh"]))
def tanh(_x):
    _a = _x._data
    _scope = _current()
    if not _scope.checking:
        try:
            _y = tanh(_a)
            _node = _new(_Node)
            _node._data = _y; _node._scope = _scope
            if _scope.recording:
                _node.rule = _RULE; _node._a = _x; _node._b = None
                _node._da = tanh_slope(_a, _y); _node._db = None
            else:
                _node.rule = _node._a = _node._b = _node._da = _node._db = None
            return _node
        except _ERRORS:
            pass
    return _apply(_RULE, (_x,))
<BLANKLINE>
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from textwrap import indent
from types import CodeType
from typing import Any

from . import symbols, worlds
from .graph import Node
from .rules import RULES, Rule
from .scopes import current

__all__ = ["each", "methods", "source"]

_PYTHON = replace(
    symbols.PYTHON,
    number=lambda x: repr(float(x)),
    call=lambda f, xs: f"{f}({', '.join(xs)})",
    templates={
        **symbols.PYTHON.templates, "**": ("pow({}, {})", symbols.ATOM, (symbols.CHOICE, symbols.CHOICE)),
        "tanh_slope": ("tanh_slope({}, {})", symbols.ATOM, (symbols.CHOICE, symbols.CHOICE)),
        # in place, for a call costs as much as all the rest; a nan is its own
        "maximum": ("({0} if {0} >= {1} or {0} != {0} else {1})", symbols.ATOM, (symbols.ATOM, symbols.ATOM)),
        "minimum": ("({0} if {0} <= {1} or {0} != {0} else {1})", symbols.ATOM, (symbols.ATOM, symbols.ATOM)),
    },
)

# Every name of the templates begins with _, which no rule's name may
_NODE = """\
_scope = _current()
if not _scope.checking:
    try:
        _y = {value}
        _node = _new(_Node)
        _node._data = _y; _node._scope = _scope
        if _scope.recording:
            _node.rule = _RULE; _node._a = {a}; _node._b = {b}
            _node._da = {da}; _node._db = {db}
        else:
            _node.rule = _node._a = _node._b = _node._da = _node._db = None
        return _node
    except _ERRORS:
        pass
return _apply(_RULE, {inputs})
"""

_TWO_INPUTS = """\
def {name}(_x, {second}):
    _z = {second_name}
    if _z.__class__ is _Node:
{both}
    if _z.__class__ is not float:
        if isinstance(_z, _AnyNode):
            return _apply(_RULE, (_x, _z))
        _z = _real(_z)
{left}
def r{name}(_z, _x):
    if _x.__class__ is not float:
        if isinstance(_x, _AnyNode):
            return _apply(_RULE, (_x, _z))
        _x = _real(_x)
{right}
"""


def _body(rule: Rule, names: Sequence[str], nodes: Sequence[bool]) -> str:
    """Source that makes one node, for inputs that are (True) nodes or (False) floats."""
    letters = ("_a", "_b")[: len(names)]
    inputs = list(zip(letters, names, nodes, strict=True))
    numbers = "".join(f"{x} = {name}{'._data' * is_node}\n" for x, name, is_node in inputs)
    partials = ["None", "None"]
    for slot, (_, _, is_node) in enumerate(inputs):
        if is_node and (local := symbols.partial(rule, slot, *letters, y="_y")) is not None:
            partials[slot] = symbols.text(local, _PYTHON)
    a, b = (*names, "None")[:2]
    return numbers + _NODE.format(
        value=symbols.text(symbols.value(rule, *letters), _PYTHON), a=a, b=b, da=partials[0], db=partials[1],
        inputs=f"({', '.join(names)}{',' * (len(names) == 1)})",
    )  # fmt: skip


def source(rule: Rule) -> str:
    """The functions of a rule of one or two inputs, as Python: `name`, and `rname` for a number on the left."""
    if len(rule.inputs) == 1:
        return f"def {rule.name}(_x):\n" + indent(_body(rule, ["_x"], (True,)), " " * 4)
    both = ["_x", "_z"]
    return _TWO_INPUTS.format(
        name=rule.name, second=rule.parameters.split(", ")[1], second_name=rule.inputs[1],
        both=indent(_body(rule, both, (True, True)), " " * 8),
        left=indent(_body(rule, both, (True, False)), " " * 4), right=indent(_body(rule, both, (False, True)), " " * 4),
    )  # fmt: skip


def _maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


#: The math module's functions raise where NumPy gives inf or nan; the general way then takes over
_FLOATS: dict[str, Any] = {
    **{name: getattr(math, name) for name in worlds.PRIMITIVES if hasattr(math, name)},
    "abs": abs, "pow": math.pow, "inf": math.inf, "nan": math.nan, "maximum": _maximum, "minimum": _minimum,
    "_current": current, "_new": object.__new__, "_AnyNode": Node, "_ERRORS": (ArithmeticError, ValueError),
}  # fmt: skip


def _floats() -> dict[str, Any]:
    """The names that a printed rule may use: one may call another, as softplus' partial calls sigmoid."""
    names = dict(_FLOATS)
    for called in RULES.values():
        if called.name not in _FLOATS and not called.vectors:
            with suppress(Exception):  # one that cannot be read is refused when it is used itself
                names[called.name] = eval(_on_floats(called), names)
    return names


def methods(rule: Rule, node: type[Node], real: Callable[[Any], float]) -> dict[str, Callable[..., Any]]:
    """{"tanh": function}, or {"mul": …, "rmul": …} for two inputs, that make nodes of the class `node`.

    real: turns an operand that is no node into a float, or raises. Raises TypeError for a rule that symbols
    cannot read.
    """
    names = {**_floats(), "_Node": node, "_apply": node._make, "_real": real, "_RULE": rule}  # type: ignore[attr-defined]
    try:
        text = source(rule)
    except Exception as problem:
        raise TypeError(
            f"the rule {rule.name!r} cannot be read as a formula ({problem}); write it with xp alone: "
            "xp.exp, not math.exp or np.exp, and xp.where, not if"
        ) from problem
    made: dict[str, Any] = {}
    exec(compile(text, f"<{rule.name} of the table>", "exec"), names, made)
    return made


@cache
def _on_floats(rule: Rule) -> CodeType:
    text = symbols.text(symbols.value(rule), _PYTHON)
    return compile(f"lambda {rule.parameters}: {text}", f"<{rule.name} of the table>", "eval")


@cache
def each(rule: Rule) -> tuple[Callable[..., list[float]], Callable[..., list[float]]] | None:
    """(xs -> ys, xs and ys -> ∂y/∂x) over lists of a rule's first input; the others have their defaults.

    The numbers are those of `methods`, where those raise nothing. None for a rule without a derivative.
    """
    inputs = ("_x", *(rule.value.__defaults__ or ()))
    local = symbols.partial(rule, 0, *inputs, y="_y")
    if local is None:
        return None
    value, slope = (symbols.text(formula, _PYTHON) for formula in (symbols.value(rule, *inputs), local))
    names = _floats()
    return (
        eval(f"lambda _xs: [{value} for _x in _xs]", names),
        eval(f"lambda _xs, _ys: [{slope} for _x, _y in zip(_xs, _ys)]", names),
    )
