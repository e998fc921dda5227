"""Functions of all parameters at once, by PyTorch's names; of Values as of Tensors.

>>> from microgradx.value import Value
>>> a, b = Value(1.0), Value(2.0)
>>> (3 * a + 4 * b).backward()
>>> clip_grad_norm_([a, b], max_norm=1.0)
5.0
>>> round(a.grad, 4), round(b.grad, 4)
(0.6, 0.8)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import quiet
from ..functions import cat
from ..tensor import Tensor
from ..value import Value

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:  # fmt: skip
    """Scale all gradients, in place, by the one factor that makes their norm max_norm, when it is larger.

    parameters: one or several; those without a gradient do not count. norm_type: any p, inf among them. foreach:
    accepted, and changes nothing. Returns the norm that the gradients had as one vector: a Tensor, of Values a float.

    Raises RuntimeError for a norm of nan or infinity with error_if_nonfinite, and changes nothing then.
    """
    several = _several(parameters)
    arrays, store = _gradients(several)
    p = float(norm_type)
    token = quiet.enter(quiet.IGNORE)
    try:
        total = np.linalg.norm([np.linalg.norm(g.ravel(), p) for g in arrays], p) if arrays else np.float32(0.0)
        if error_if_nonfinite and not np.isfinite(total):
            raise RuntimeError(f"The total norm of order {p} for gradients from `parameters` is non-finite, so it "
                               "cannot be clipped. To disable this error and scale the gradients by the non-finite "
                               "norm anyway, set `error_if_nonfinite=False`")  # fmt: skip
        factor = float(max_norm / (total + 1e-6))
        if not factor >= 1:  # nan spreads, as in PyTorch
            for g in arrays:
                np.multiply(g, factor, out=g)
            store()
    finally:
        quiet.leave(token)
    return float(total) if several and all(isinstance(p, Value) for p in several) else Tensor._of(total)


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Clip each gradient, in place, to [−clip_value, clip_value]. The arguments are those of `clip_grad_norm_`."""
    arrays, store = _gradients(_several(parameters))
    for g in arrays:
        np.clip(g, -clip_value, clip_value, out=g)
    store()


def _several(parameters: Any) -> list[Any]:
    return [parameters] if isinstance(parameters, Tensor | Value) else list(parameters)


def _gradients(parameters: list[Any]) -> tuple[list[NDArray[Any]], Callable[[], None]]:
    """The gradients as arrays to be changed in place, those of all Values as one; and what stores the change."""
    tensors = [p.grad for p in parameters if isinstance(p, Tensor) and p.grad is not None]
    values = [p for p in parameters if isinstance(p, Value) and p.grad is not None]
    vector = np.array([p.grad for p in values])

    def store() -> None:
        for g in tensors:
            g._written()
        for p, x in zip(values, vector.tolist(), strict=True):
            p.grad = x

    return [g._data for g in tensors] + [vector] * bool(values), store


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All parameters end to end: a 1-D Tensor, with a graph where one is recorded; of Values an array of numbers."""
    several = list(parameters)
    if several and all(isinstance(p, Value) for p in several):
        return np.array([p.data for p in several])
    return cat([p.reshape(-1) for p in several])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Copy such a vector into the parameters. Raises TypeError and ValueError for another type or length."""
    several = list(parameters)
    sizes = [1 if isinstance(p, Value) else p.numel() for p in several]
    wanted = np.ndarray if several and all(isinstance(p, Value) for p in several) else Tensor
    if not isinstance(vec, wanted):
        raise TypeError(f"expected a {wanted.__name__} of all parameters, but got: {type(vec).__name__}")
    numbers = vec._data if isinstance(vec, Tensor) else vec
    if numbers.shape != (sum(sizes),):
        raise ValueError(f"expected {sum(sizes)} numbers in one dimension, got the shape {tuple(numbers.shape)}")
    for p, part in zip(several, np.split(numbers, np.cumsum(sizes)[:-1]), strict=True):
        if isinstance(p, Value):
            p.data = part.item()
        else:
            p._data[...] = part.reshape(p._data.shape)
            p._written()
