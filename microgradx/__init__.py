"""microgradx: a scalar-autograd micro engine whose derivatives are written once, in one table.

>>> import microgradx as mg
>>> x = mg.Value(2.0)
>>> (x * x + mg.exp(x)).backward()
>>> round(x.grad, 4)
11.3891
"""

from typing import Any

from . import functional, nn, optim
from .functional import *  # noqa: F403
from .program import Program
from .rules import RULES, Rule, rule
from .scopes import AnomalyError, detect_anomaly, no_grad, scope
from .value import Value, grad

__version__ = "0.1.0"

__all__ = [  # noqa: PLE0604
    "RULES", "AnomalyError", "Program", "Rule", "Value", "detect_anomaly", "functional", "grad", "nn", "no_grad",
    "optim", "rule", "scope", *functional.__all__,
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A rule that was added to the table since, as a function."""
    if name in RULES:
        return getattr(functional, name)
    raise AttributeError(f"module 'microgradx' has no attribute {name!r}")
