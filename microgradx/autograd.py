"""Gradients as functions, and what switches recording on and off: PyTorch's torch.autograd, over Values too.

>>> from microgradx.creation import tensor
>>> x = tensor([1.0, 2.0], requires_grad=True)
>>> grad((x**3).sum(), x)
(tensor([ 3., 12.]),)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


from . import value as _value
from .scopes import Scope, current, detect_anomaly, enter, leave, no_grad
from .tensor import Tensor, grad

__all__ = ["backward", "detect_anomaly", "enable_grad", "functional", "grad", "gradient", "inference_mode",
           "is_grad_enabled", "no_grad", "set_grad_enabled"]  # fmt: skip


inference_mode = no_grad


def gradient(y: Any, xs: Any, create_graph: bool = False) -> Any:
    """dy/dx for one x, or a list of them for a sequence; of Values or of Tensors. No `.grad` is touched.

    With create_graph the gradients are themselves graphs, and can be differentiated again, to any order. What y
    does not depend on has the gradient 0. Raises TypeError for anything else than Values or Tensors.
    """
    if not isinstance(y, Tensor):
        return _value.grad(y, xs, create_graph)
    several = not isinstance(xs, Tensor)
    found = grad(y, list(xs) if several else xs, create_graph=create_graph, retain_graph=True, materialize_grads=True)
    return list(found) if several else found[0]


def backward(
    tensors: Tensor | Sequence[Tensor], grad_tensors: Any = None, retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:  # fmt: skip
    """`.backward()` of several tensors at once."""
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    seeds = grad_tensors if isinstance(grad_tensors, list | tuple) else [grad_tensors] * len(roots)
    for i, (root, seed) in enumerate(zip(roots, seeds, strict=True)):
        root.backward(seed, retain_graph or i < len(roots) - 1, create_graph)


class _Switch:
    """A context manager and a decorator that sets whether graphs are recorded."""

    def __init__(self, mode: bool) -> None:
        self._mode, self._before = mode, current()
        enter(Scope("", self._before, mode, self._before.checking))  # from now on, also without `with`

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        enter(self._before)


def set_grad_enabled(mode: bool) -> _Switch:
    """Record graphs from now on, or not; in a `with` block, for that block."""
    return _Switch(bool(mode))


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record graphs inside, also within no_grad."""
    token = enter(Scope("", current(), True, current().checking))
    try:
        yield
    finally:
        leave(token)


def is_grad_enabled() -> bool:
    return current().recording


class functional:
    """Whole matrices of derivatives, one backward pass for each row."""

    @staticmethod
    def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
        """∂func/∂input of shape (*output, *input); a tuple of them for a tuple of inputs."""
        xs = inputs if isinstance(inputs, tuple) else (inputs,)
        xs = tuple(x if create_graph else x.detach().requires_grad_() for x in xs)
        y = func(*xs)
        rows = [
            grad(e, xs, retain_graph=True, create_graph=create_graph, allow_unused=True, materialize_grads=True)
            for e in y.reshape(-1)
        ]
        from .functions import stack

        found = tuple(stack([row[i] for row in rows]).reshape((*y.shape, *x.shape)) for i, x in enumerate(xs))
        return found if isinstance(inputs, tuple) else found[0]

    @staticmethod
    def hessian(func: Callable[..., Any], inputs: Tensor) -> Any:
        """∂²func/∂input² of shape (*input, *input), for a func that gives one number."""
        x = inputs.detach().requires_grad_()

        def slope(x: Tensor) -> Any:
            return grad(func(x), x, create_graph=True)[0]

        return functional.jacobian(slope, x, create_graph=True).detach()


