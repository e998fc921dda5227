"""What `tensor.grad_fn` shows: operations by the names that PyTorch prints.

>>> from microgradx.creation import tensor
>>> x = tensor([1.0, 2.0], requires_grad=True)
>>> [(1 - x).grad_fn.name(), x.sum(0).grad_fn.next_functions[0][0].name()]
['RsubBackward1', 'AccumulateGrad']
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .graph import Node

__all__ = ["GradFn", "grad_name"]


class GradFn:
    """What `tensor.grad_fn` gives: the operation that made it; `next_functions` walks the graph."""

    _node: Any

    @classmethod
    def of(cls, node: Any) -> GradFn:
        kind = _kind(grad_name(node))
        found = kind()
        found._node = node
        return found

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """(operation, 0) for each tensor that went into this one; None for a tensor outside of the graph."""
        inputs = self._node.inputs
        if self._node.rule is not None and self._node.rule.name in _OF_TWO and isinstance(inputs[1], float | int):
            inputs = (inputs[0], np.empty(0))  # PyTorch makes a tensor of the number
        given = [x for x in inputs if isinstance(x, Node | np.ndarray)]
        return tuple((GradFn.of(x) if isinstance(x, Node) else None, 0) for x in given)

    @property
    def variable(self) -> Any:
        """The leaf itself, of AccumulateGrad."""
        return self._node.handle()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradFn) and self._node is other._node

    def __hash__(self) -> int:
        return hash(self._node)

    def __repr__(self) -> str:
        return f"<{self.name()} object at 0x{id(self._node):x}>"


_OF_TWO = ("add", "sub", "mul", "div")


@cache
def _kind(name: str) -> type[GradFn]:
    return type(name, (GradFn,), {"__module__": __name__})


def _either(condition: Callable[..., Any], yes: str, no: str) -> Callable[[tuple[Any, ...]], str]:
    return lambda args: yes if condition(*args) else no


_GRAD_NAMES: dict[str, str | Callable[[tuple[Any, ...]], str]] = {
    "sub": _either(lambda a, b: isinstance(a, float | int), "RsubBackward1", "SubBackward0"),
    "div": _either(lambda a, b: isinstance(a, float | int), "MulBackward0", "DivBackward0"),
    "pow": lambda args: _pow_name(*args),
    "log1p": "Log1PBackward0",
    "clamp": "ClampBackward1", "square": "PowBackward0", "gelu_tanh": "GeluBackward0", "where": "WhereBackward0",
    "sum": _either(lambda x, dim, keepdim: dim is None, "SumBackward0", "SumBackward1"),
    "mean": _either(lambda x, dim, keepdim: dim is None, "MeanBackward0", "MeanBackward1"),
    "prod": _either(lambda x, dim, keepdim: dim is None, "ProdBackward0", "ProdBackward1"),
    "norm": "LinalgVectorNormBackward0",
    "reshape": "ViewBackward0", "put": lambda args: _put_name(args[2]), "cast": "ToCopyBackward0",
    "index": lambda args: _index_name(args[1]),
    "matmul": lambda args: _matmul_name(*(x.ndim for x in args)),
    "linear": lambda args: _linear_name(args[0].ndim, args[2] is not None),
    "cross_entropy": "NllLossBackward0", "mse": "MseLossBackward0",
}  # fmt: skip


def _index_name(key: tuple[Any, ...]) -> str:
    if any(k.__class__ is np.ndarray for k in key):
        return "IndexBackward0"
    steps = [k for k in key if k is not Ellipsis and k != slice(None)]
    if not steps:
        return "AliasBackward0" if key[0] is Ellipsis else "SliceBackward0"
    last = steps[-1]
    return "UnsqueezeBackward0" if last is None else "SelectBackward0" if isinstance(last, int) else "SliceBackward0"


def _put_name(key: Any) -> str:
    arrays = isinstance(key, tuple) and any(k.__class__ is np.ndarray for k in key)
    return "IndexPutBackward0" if arrays else "CopySlices"


def _pow_name(base: Any, exponent: Any) -> str:
    if isinstance(exponent, float | int):
        return "PowBackward0"
    return "PowBackward2" if isinstance(base, float | int) else "PowBackward1"


def _matmul_name(a: int, b: int) -> str:
    return {(2, 2): "MmBackward0", (2, 1): "MvBackward0", (1, 1): "DotBackward0"}.get(
        (a, b), "SqueezeBackward4" if (a, b) == (1, 2) else "UnsafeViewBackward0"
    )


def _linear_name(ndim: int, bias: bool) -> str:
    if bias:
        return "AddmmBackward0" if ndim == 2 else "ViewBackward0"
    return {1: "SqueezeBackward4", 2: "MmBackward0"}.get(ndim, "UnsafeViewBackward0")


def grad_name(node: Any) -> str:
    """The operation's name in PyTorch, such as "AddBackward0"; "AccumulateGrad" for a leaf."""
    if node.rule is None:
        return "AccumulateGrad"
    if hasattr(node, "named"):  # one rule may serve several of PyTorch's functions
        return node.named  # type: ignore[no-any-return]
    name = _GRAD_NAMES.get(node.rule.name)
    if name is None:
        return "".join(part.capitalize() for part in node.rule.name.split("_")) + "Backward0"
    return name if isinstance(name, str) else name(node.args)
