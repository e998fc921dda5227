"""Value: one number that remembers how it was made.

>>> w, x, b = Value(-3.0, label="w"), Value(2.0, label="x"), Value(6.88, label="b")
>>> y = (w * x + b).tanh()
>>> y.backward()
>>> f"{y.data:.4f} {w.grad:.4f} {x.grad:.4f}"
'0.7064 1.0019 -1.5029'
>>> w.parents, y.op, f"{y.local_grads[0]:.4f}", f"{1 - y.data**2:.4f}"
((), 'tanh', '0.5010', '0.5010')
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import specialise, symbols, worlds
from .graph import Node, check_handed_on, operation, place, sweep, topological_order
from .operations import Operations
from .reals import real
from .rules import RULES, Rule
from .scopes import AnomalyError, current
from .vectors import Bundle

__all__ = ["Value", "bundle", "check_sweep", "methods"]


class Value(Operations):
    """One real number (a 64-bit float) in a graph.

    data: a Python or NumPy real number. label: its name in figures and messages. After `y.backward()` each
    node below y has `.grad`, the derivative of y by it; before, `.grad` is None. A Value compares by its data
    and hashes by identity. Results follow IEEE 754: inf and nan, never an exception.

    Raises TypeError or ValueError for data that is not one real number.
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy numbers leave `np.float64(2) * value` to __rmul__
    _data: float
    _grad: float | None

    def __init__(self, data: Any, label: str = "") -> None:
        self._data = real(data)
        self._scope = current()
        self.rule, self._a, self._b, self._da, self._db = None, None, None, None, None
        if label:
            self.label = label

    @property
    def data(self) -> float:
        """The number. A leaf's may be set (`p.data -= 0.1 * p.grad`); recorded derivatives stay as they were."""
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        self._data = real(data)
        Bundle.changes = object()

    @property
    def grad(self) -> float | None:
        """d root/d self of the last backward pass, summed over passes for a leaf; None before the first."""
        try:
            return self._grad
        except AttributeError:
            return None

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = None if grad is None else real(grad, "a gradient")

    @classmethod
    def __apply__(cls, rule: Rule, inputs: tuple[Any, ...]) -> Value:
        """A rule of the table on Values, by its specialised function where there is one."""
        if len(inputs) <= 2 and not rule.vectors and isinstance(inputs[0], Value):
            return (methods.get(rule) or _specialised(rule))(*inputs)
        return cls._make(rule, inputs)

    @classmethod
    def _make(cls, rule: Rule, inputs: tuple[Any, ...]) -> Value:
        """The general way to a node, which reads the table: IEEE results, no_grad, detect_anomaly, vectors."""
        inputs = tuple(bundle(x) if i < rule.vectors else x for i, x in enumerate(inputs))
        numbers_ = tuple(x.data if x.__class__ is Bundle else _number(x) for x in inputs)
        where, node = current(), _new(cls)
        node._scope = where
        node._data = worlds.run(rule, *numbers_)
        node.rule, node._a, node._b, node._da, node._db = None, None, None, None, None
        if where.recording:
            node.rule = rule
            local = tuple(worlds.partial(rule, slot, *numbers_, y=node._data) if _differentiable(x) else None
                          for slot, x in enumerate(inputs))  # fmt: skip
            # what has no derivative is kept as its number
            inputs = tuple(n if d is None and x.__class__ is not Bundle else x
                           for x, n, d in zip(inputs, numbers_, local, strict=True))  # fmt: skip
            if len(inputs) > 2 or rule.vectors:
                node._a, node._da = inputs, local
            else:
                node._a, node._b = (*inputs, None)[:2]
                node._da, node._db = (*local, None)[:2]
        if where.checking and not math.isfinite(node._data):
            raise AnomalyError(f"{operation(node)} made {node._data!r} in the forward pass{place(node)}")
        return node

    def backward(self, gradient: Any = 1.0) -> None:
        """Set `.grad` to dself/dnode on every node that self depends on.

        Leaves accumulate over calls, as in PyTorch (zero them with `.grad = None`); the nodes between are
        assigned anew. gradient: a factor for all of them, the derivative of some later quantity by self.
        Raises AnomalyError under `detect_anomaly`; then no gradient has been changed.
        """

        def add(before: dict[Value, float | None]) -> None:
            if current().checking:
                check_sweep(self)
            for leaf, g in before.items():
                if g is not None:
                    leaf._grad += g  # type: ignore[operator]

        sweep(self, real(gradient, "the gradient given to backward()"), add)

    def detach(self) -> Value:
        """The same number as a new leaf."""
        return Value(self._data, self.label)

    def item(self) -> float:
        return self._data

    def where(self, condition: Any, other: Any) -> Value:
        """self where the condition holds, else other: PyTorch's order, `x.where(x > 0, 0.0)`."""
        return RULES["where"](condition, self, other)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}, grad={self.grad!r}{label})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __float__(self) -> float:
        return self._data

    def __bool__(self) -> bool:
        return self._data != 0

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self.abs()

    # micrograd's own drawing code reads these two
    @property
    def _prev(self) -> set[Value]:
        return set(self.parents)

    @property
    def _op(self) -> str:
        return (self.rule.symbol or self.rule.name) if self.rule else ""


_new: Callable[[type[Value]], Value] = object.__new__


def _operand(x: Any) -> float:
    return real(x, "an operand of a Value")


def _number(x: Any) -> float:
    return x._data if isinstance(x, Value) else _operand(x)


def _differentiable(x: Any) -> bool:
    return not x.constant if x.__class__ is Bundle else isinstance(x, Value)


def bundle(x: Any) -> Bundle:
    """A sequence as one vector input: all Values or all numbers; in a mixture the numbers become leaves."""
    if isinstance(x, Bundle):
        return x
    if not isinstance(x, Iterable) or isinstance(x, str):
        raise TypeError(f"expected a sequence of Values or numbers, got {type(x).__name__} {x!r:.60}")
    x = tuple(x)
    if set(map(type, x)) != {Value}:
        x = tuple(e if isinstance(e, Value) else _operand(e) for e in x)
        if any(isinstance(e, Value) for e in x):
            x = tuple(e if isinstance(e, Value) else Value(e) for e in x)
    return Bundle(x)


def check_sweep(root: Value) -> None:
    """During a sweep: raise for the first node, in its order, that handed a nan or an infinity to a parent."""
    for node in reversed(topological_order(root)):
        for _, parent, local in node.slots:
            check_handed_on(node, parent, node._grad * local, node._grad)


# ---- the table's operations as methods ---------------------------------------------------------------------
_OPERATORS = {"add": "add", "sub": "sub", "mul": "mul", "div": "truediv", "pow": "pow", "neg": "neg"}
methods: dict[Rule, Callable[..., Value]] = {}  #: the specialised function of each rule that has been used


def _specialised(rule: Rule) -> Callable[..., Value]:
    made = specialise.methods(rule, Value, _operand)
    for name, method in made.items():  # so that a model that holds one can be pickled
        method.__module__, method.__qualname__ = Value.__module__, f"Value.{name}"
    made[rule.name].__doc__ = f"{rule.name}({', '.join(rule.inputs)}) = {symbols.value(rule)}"
    if rule.name in _OPERATORS:
        for reflected in ("", "r")[: len(made)]:
            setattr(Value, f"__{reflected}{_OPERATORS[rule.name]}__", made[reflected + rule.name])
    methods[rule] = made[rule.name]
    return made[rule.name]


def _comparison(name: str) -> Callable[[Value, Any], Any]:
    compare = getattr(operator, name)

    def method(self: Value, other: Any) -> Any:
        if isinstance(other, Value):
            return compare(self._data, other._data)
        if isinstance(other, np.ndarray | np.bool_) and other.size == 1:
            other = other.item()
        return bool(compare(self._data, other)) if isinstance(other, numbers.Real) else NotImplemented

    return method


for _name in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"):
    setattr(Value, _name, _comparison(_name))
Value.__hash__ = Node.__hash__  # type: ignore[method-assign]
for _rule in RULES.values():
    if len(_rule.inputs) <= 2:
        setattr(Value, _rule.name, _specialised(_rule))
