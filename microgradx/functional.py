"""Every rule of the table as a function: exp(v), tanh(v), maximum(a, b), where(condition, a, b), dot(w, x, b), …

>>> from microgradx.value import Value
>>> maximum(Value(2.0), 3.0).data, relu(Value(-1.0)).data
(3.0, 0.0)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dot import dot
from .rules import RULES, Rule

__all__ = ["dot", *(name for name in RULES if name != "dot")]  # noqa: PLE0604


def _function(rule: Rule) -> Callable[..., Any]:
    def function(*inputs: Any, **named: Any) -> Any:
        return rule(*inputs, **named)

    function.__name__ = function.__qualname__ = rule.name
    function.__doc__ = f"The rule {rule.name}({', '.join(rule.inputs)}) on Values; TypeError for plain numbers only."
    return function


globals().update({name: _function(rule) for name, rule in RULES.items() if name != "dot"})


def __getattr__(name: str) -> Any:
    """A rule that a user has added to the table since."""
    if name in RULES:
        return _function(RULES[name])
    raise AttributeError(f"module {__name__!r} has no function {name!r}")
