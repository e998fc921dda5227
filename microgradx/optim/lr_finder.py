"""The learning-rate range test: which rate to train with (Smith 2017, section 3.3).

>>> from microgradx.optim import SGD
>>> from microgradx.value import Value
>>> w = Value(1.0)
>>> found = lr_range_test(lambda x: w * x, lambda y, t: (y - t) ** 2, [(1.0, 3.0)], SGD([w]), start_lr=1e-3)
>>> 0.01 < found.suggestion < 1.0, w.data, found.losses[0]
(True, 1.0, 4.0)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..nn import Module
from ..tensor import Tensor
from .optimizer import Optimizer

__all__ = ["RangeTest", "lr_range_test"]


class RangeTest(NamedTuple):
    """What `lr_range_test` found: plot losses over lrs, with a logarithmic axis."""

    lrs: list[float]
    losses: list[float]  #: the loss of the batch before the step with that rate
    suggestion: float  #: the rate at which the smoothed loss falls most steeply


def lr_range_test(
    model: Callable[[Any], Any], loss_fn: Callable[[Any, Any], Any], data: Iterable[Any], optimizer: Optimizer,
    start_lr: float = 1e-7, end_lr: float = 10.0, steps: int = 100, diverged: float = 4.0,
) -> RangeTest:  # fmt: skip
    """Take a step on each batch with ever larger rates, and watch the loss; then undo it all.

    model: a Module, or any function of x with the optimizer's parameters in it. data: (x, y) batches, over and over
    until there were `steps`; a generator is read once. The rates of all groups grow from start_lr to end_lr by a
    constant factor. The test ends early when the loss is nan, infinite, or more than `diverged` times the least one
    so far. It begins with an optimizer that remembers nothing. Weights, buffers, gradients, the optimizer's options
    and its state are as before afterwards, also when something raises; random numbers that were drawn stay drawn.

    Raises ValueError for rates that do not grow, fewer than 2 steps, or too little data for 2 losses.
    """
    if not 0 < start_lr < end_lr or steps < 2:
        raise ValueError(f"expected 0 < start_lr < end_lr and steps ≥ 2, got {start_lr}, {end_lr} and {steps}")
    restore = _snapshot(model, optimizer)
    lrs: list[float] = []
    losses: list[float] = []
    try:
        optimizer.state = defaultdict(dict)
        for lr, (x, y) in zip(np.geomspace(start_lr, end_lr, steps).tolist(), _repeated(data), strict=False):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            if not math.isfinite(loss.item()) or loss.item() > diverged * min(losses, default=math.inf):
                break
            lrs.append(lr)
            losses.append(loss.item())
            loss.backward()
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
    finally:
        restore()
    if len(losses) < 2:
        raise ValueError(f"a suggestion takes at least 2 finite losses, got {losses}; give more data, or begin with a "
                         "smaller start_lr")  # fmt: skip
    slopes = np.gradient(_smoothed(losses))
    return RangeTest(lrs, losses, lrs[int(np.argmin(slopes))])


def _repeated(data: Iterable[Any]) -> Iterator[Any]:
    while True:
        batches = 0
        for batch in data:
            batches += 1
            yield batch
        if not batches:
            return


def _smoothed(losses: list[float], keep: float = 0.9) -> list[float]:
    """Running means, without the bias of the first ones towards 0."""
    mean, found = 0.0, []
    for i, loss in enumerate(losses, 1):
        mean = keep * mean + (1 - keep) * loss
        found.append(mean / (1 - keep**i))
    return found


def _snapshot(model: Any, optimizer: Optimizer) -> Callable[[], None]:
    """A function that brings back everything that training changes."""
    parameters = [(p, _copied(p.data), p.grad) for p in optimizer.params]
    buffers = {name: _copied(x) for name, x in model.state_dict().items()} if isinstance(model, Module) else None
    memory, options = dict(vars(optimizer)), [dict(group) for group in optimizer.param_groups]

    def restore() -> None:
        if buffers is not None:
            model.load_state_dict(buffers)
        for p, data, grad in parameters:
            if isinstance(p, Tensor):
                p._data[...] = data._data
                p._written()
            else:
                p.data = data
            p.grad = grad
        vars(optimizer).clear()
        vars(optimizer).update(memory)
        for group, old in zip(optimizer.param_groups, options, strict=True):
            group.update(old)

    return restore


def _copied(x: Any) -> Any:
    return Tensor._of(x._data.copy()) if isinstance(x, Tensor) else x
