"""Gradients as functions, and what switches recording on and off: PyTorch's torch.autograd, over Values too.

>>> from microgradx.creation import tensor
>>> x = tensor([1.0, 2.0], requires_grad=True)
>>> grad((x**3).sum(), x)
(tensor([ 3., 12.]),)
>>> functional.hessian(lambda x: (x**3).sum(), x)
tensor([[ 6.,  0.],
        [ 0., 12.]])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

from . import transforms
from .creation import zeros
from .functions import stack
from .scopes import Scope, current, detect_anomaly, enter, leave, no_grad
from .tensor import Tensor, backward_from, grad

__all__ = [
    "backward", "detect_anomaly", "enable_grad", "functional", "grad", "gradient", "inference_mode", "is_grad_enabled",
    "no_grad", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip


# ---- gradients ---------------------------------------------------------------------------------------------
def gradient(y: Any, xs: Any, create_graph: bool = False) -> Any:
    """dy/dx for one x, or a list of them for a sequence; of Values or of Tensors. No `.grad` is touched.

    With create_graph the gradients are themselves graphs, and can be differentiated again, to any order. What y
    does not depend on has the gradient 0. Raises TypeError for anything else than Values or Tensors.
    """
    if not isinstance(y, Tensor):
        return transforms.grad(y, xs, create_graph)
    several = isinstance(xs, Iterable) and not isinstance(xs, Tensor)
    wanted = list(xs) if several else [xs]
    found = grad(y, wanted, create_graph=create_graph, retain_graph=True, materialize_grads=True)
    return list(found) if several else found[0]


def backward(
    tensors: Tensor | Sequence[Tensor], grad_tensors: Any = None, retain_graph: bool | None = None,
    create_graph: bool = False, inputs: Sequence[Tensor] | Tensor | None = None,
) -> None:  # fmt: skip
    """`.backward()` of the sum of several tensors at once, each times its gradient."""
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    seeds = [None] * len(roots) if grad_tensors is None else grad_tensors
    backward_from(roots, [seeds] if isinstance(seeds, Tensor) else seeds, retain_graph, create_graph, inputs)


class functional:
    """Whole matrices of derivatives, one backward pass for each row: PyTorch's torch.autograd.functional."""

    @staticmethod
    def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
        """∂output/∂input, of shape (*output, *input).

        Of a tuple of inputs it is a tuple, and of a tuple of outputs a tuple of these. With create_graph it can be
        differentiated again.
        """
        xs = tuple(
            x if create_graph and x.requires_grad else x.detach().requires_grad_() for x in _several(inputs)
        )  # fmt: skip
        outputs = func(*xs)
        found = tuple(_like(inputs, _rows(y, xs, create_graph)) for y in _several(outputs))
        return _like(outputs, found)

    @staticmethod
    def hessian(func: Callable[..., Tensor], inputs: Any, create_graph: bool = False) -> Any:
        """∂²output/∂input², of shape (*input, *input), for a func that gives one number.

        Of a tuple of inputs it is a tuple of tuples: at [i][j] the derivative by inputs i and j.
        """

        def slope(*xs: Tensor) -> Any:
            return _like(inputs, _gradients(func(*xs), xs, True))

        return functional.jacobian(slope, inputs, create_graph)


def _several(x: Any) -> tuple[Tensor, ...]:
    return x if isinstance(x, tuple) else (x,)


def _like(given: Any, found: tuple[Any, ...]) -> Any:
    """A tuple for a tuple, one for one."""
    return found if isinstance(given, tuple) else found[0]


def _rows(y: Tensor, xs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """The Jacobian of one output by each input."""
    rows = [_gradients(e, xs, create_graph) for e in y.reshape(-1)]
    columns = zip(*rows, strict=True) if rows else [()] * len(xs)
    return tuple(
        (stack(column) if column else zeros(0, dtype=x.dtype)).reshape((*y.shape, *x.shape))
        for column, x in zip(columns, xs, strict=True)
    )


def _gradients(y: Tensor, xs: tuple[Tensor, ...], create_graph: bool) -> tuple[Any, ...]:
    """dy/dx by each input, 0 by those that y does not depend on."""
    if not y.requires_grad:
        return tuple(zeros(x.shape, dtype=x.dtype) for x in xs)
    return grad(y, xs, retain_graph=True, create_graph=create_graph, materialize_grads=True)


# ---- switches ----------------------------------------------------------------------------------------------
def is_grad_enabled() -> bool:
    return current().recording


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record graphs inside, also within no_grad. Also a decorator: `@enable_grad()`."""
    token = enter(Scope("", current(), True, current().checking))
    try:
        yield
    finally:
        leave(token)


def inference_mode(mode: bool = True) -> AbstractContextManager[None]:
    """no_grad, or its opposite. Also a decorator: `@inference_mode()`."""
    return no_grad() if mode else enable_grad()


class _Switch:
    """What changes the present scope from now on; in a `with` block for that block, as a decorator for the function."""

    def __init__(self, recording: bool, checking: bool) -> None:
        self._before, self._inside = current(), Scope("", current(), recording, checking)
        enter(self._inside)

    def __enter__(self) -> None:
        enter(self._inside)

    def __exit__(self, *_: object) -> None:
        enter(self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        enter(self._before)

        @wraps(function)
        def inside(*inputs: Any, **named: Any) -> Any:
            outer = current()
            token = enter(Scope("", outer, self._inside.recording, self._inside.checking))
            try:
                return function(*inputs, **named)
            finally:
                leave(token)

        return inside


class set_grad_enabled(_Switch):
    """Record graphs from now on, or not; in a `with` block, for that block. Also a decorator."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode), current().checking)


class set_detect_anomaly(_Switch):
    """detect_anomaly from now on, or not any more; in a `with` block, for that block. Also a decorator."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(current().recording, bool(mode))
