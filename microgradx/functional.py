"""Every rule of the table as a function of Values and Tensors alike: exp(v), tanh(v), maximum(a, b), dot(w, x, b), …

>>> from microgradx.tensor import Tensor
>>> from microgradx.value import Value
>>> maximum(Value(2.0), 3.0).data, relu(Value(-1.0)).data, relu(Tensor([-1.0, 2.0]))
(3.0, 0.0, tensor([0., 2.]))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import functions
from .dot import dot as _dot
from .rules import RULES, Rule
from .tensor import Tensor

__all__ = [*RULES]  # noqa: PLE0604


def dot(w: Any, x: Any, b: Any = 0.0) -> Any:
    """Σ wᵢxᵢ + b of two sequences of Values as one node; of two vectors (Tensors) PyTorch's dot."""
    return functions.dot(w, x) if isinstance(w, Tensor) else _dot(w, x, b)


def where(condition: Any, a: Any = None, b: Any = None) -> Any:
    """a where the condition holds, else b; of a Tensor alone, the places where it holds."""
    return functions.where(condition, a, b) if isinstance(condition, Tensor) else RULES["where"](condition, a, b)


def _function(rule: Rule) -> Callable[..., Any]:
    of_tensors: Any = getattr(functions, rule.name, None) or getattr(Tensor, rule.name, rule)

    def function(*inputs: Any, **named: Any) -> Any:
        if "input" in named:  # PyTorch's name for the first one
            inputs = (named.pop("input"), *inputs)
        if inputs and isinstance(inputs[0], Tensor):
            return of_tensors(*inputs, **named)
        return rule(*inputs, **named)

    function.__name__ = function.__qualname__ = rule.name
    function.__doc__ = (
        f"The rule {rule.name}({', '.join(rule.inputs)}) on Values and Tensors; TypeError for plain numbers only."
    )
    return function


globals().update({name: _function(rule) for name, rule in RULES.items() if name not in ("dot", "where")})


def __getattr__(name: str) -> Any:
    """A rule that a user has added to the table since."""
    if name in RULES:
        return _function(RULES[name])
    raise AttributeError(f"module {__name__!r} has no function {name!r}")
