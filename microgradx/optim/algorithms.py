"""The optimizers, in order of growing complexity. Each is one function over arrays, in its paper's letters.

p: the parameters; g: their gradient, weight decay included; x: scratch space. Names, defaults and results are
PyTorch's. `foreach` and `fused` choose among PyTorch's implementations; they are accepted and change nothing.

>>> from microgradx.value import Value
>>> x = Value(3.0)
>>> optimizer = SGD([x], lr=0.1)
>>> for _ in range(50):
...     optimizer.zero_grad()
...     (x * x).backward()
...     optimizer.step()
>>> abs(x.data) < 1e-4
True
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .optimizer import Array, Group, Optimizer, State, steps

__all__ = ["SGD", "Rprop", "Adagrad", "RMSprop", "Adam", "AdamW"]


def _at_least_0(**options: Any) -> None:
    for name, x in options.items():
        number = isinstance(x, numbers.Real | Tensor) or (isinstance(x, np.ndarray) and not x.ndim)
        if not (number and float(x) >= 0):
            raise ValueError(f"Invalid {_WORDS.get(name, f'{name} value')}: {x}; expected a number ≥ 0")


_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def _zeros(p: Array, *names: str) -> State:
    """The state before the first step."""
    return {"step": Tensor._of(np.zeros((), np.float32)), **{name: Tensor._of(np.zeros_like(p)) for name in names}}


_BLOCK = 1 << 15  # elements that stay in the processor's cache together with their step
_LARGE = 2 * _BLOCK  # from here on blocks are worth their loop


def _descend(p: Array, move: Array, rate: Array) -> None:
    """p ← p − rate·move block by block: for a large p in two thirds of the time."""
    if not (p.flags.c_contiguous and move.flags.c_contiguous):
        np.subtract(p, move * rate, out=p)
        return
    p, move, scratch = p.reshape(-1), move.reshape(-1), np.empty(_BLOCK, p.dtype)
    for start in range(0, p.size, _BLOCK):
        block = p[start : start + _BLOCK]
        step = np.multiply(move[start : start + _BLOCK], rate, out=scratch[: block.size])
        np.subtract(block, step, out=block)


class SGD(Optimizer):
    """b ← μ b + (1 − τ) g, p ← p − lr b; μ is the momentum, τ the dampening, b is g at first.

    Sutskever et al. 2013, with PyTorch's convention for lr. nesterov: p ← p − lr (g + μ b).
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        _at_least_0(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused))  # fmt: skip

    def _move(self, group: Group) -> None:
        lr, momentum, dampening = float(group["lr"]), group["momentum"], group["dampening"]
        nesterov, kind = group["nesterov"], None
        for p, g, state in self._moving(group, group["weight_decay"]):
            if p.dtype is not kind:
                kind = p.dtype
                rate = np.array(lr, kind)  # as an array, it spares each product the choice of a dtype
                keep = np.array(momentum, kind)
            move = g
            if momentum:
                if state.get("momentum_buffer") is None:
                    b = np.array(g)
                    state["momentum_buffer"] = Tensor._of(b)
                else:
                    b = state["momentum_buffer"]._data
                    b *= keep
                    b += (1 - dampening) * g if dampening else g
                move = g + keep * b if nesterov else b
            if p.size > _LARGE:
                _descend(p, move, rate)
            else:
                np.subtract(p, move * rate, p)


class Rprop(Optimizer):
    """Each element has its own step size, which grows by η⁺ while the gradient's sign stays and shrinks by η⁻ when it
    turns; the element moves by that size against the sign (Riedmiller & Braun 1993). For whole batches.

    etas: (η⁻, η⁺). step_sizes: the smallest and the largest.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        _at_least_0(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}; expected 0 < η⁻ < 1 < η⁺")
        super().__init__(params, dict(
            lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable))  # fmt: skip

    def _move(self, group: Group) -> None:
        (shrink, grow), (least, most) = group["etas"], group["step_sizes"]
        for p, g, state in self._moving(group):
            if not state:
                state.update(_zeros(p, "prev"), step_size=Tensor._of(np.full_like(p, float(group["lr"]))))
            steps(state)
            prev, size = state["prev"]._data, state["step_size"]._data
            np.multiply(g, prev, out=prev)
            factor = np.ones_like(p)
            factor[prev > 0] = grow
            factor[turned := prev < 0] = shrink
            size *= factor
            np.clip(size, least, most, out=size)
            prev[...] = g
            prev[turned] = 0.0
            np.subtract(p, np.sign(prev) * size, out=p)


class Adagrad(Optimizer):
    """s ← s + g², p ← p − lr g / (√s + ε): the more an element has moved, the less it will (Duchi et al. 2011).

    lr_decay: step t has the rate lr / (1 + (t − 1) lr_decay). initial_accumulator_value: s before the first step.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        _at_least_0(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                    initial_accumulator_value=initial_accumulator_value, eps=eps)  # fmt: skip
        super().__init__(params, dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
            differentiable=differentiable, fused=fused))  # fmt: skip

    def _move(self, group: Group) -> None:
        lr, decay, eps = float(group["lr"]), group["lr_decay"], group["eps"]
        for p, g, state in self._moving(group, group["weight_decay"]):
            if not state:
                state.update(_zeros(p, "sum"))
                state["sum"]._data[...] = group["initial_accumulator_value"]
            t, s, x = steps(state), state["sum"]._data, np.empty_like(p)
            np.multiply(g, g, out=x)
            s += x
            np.sqrt(s, out=x)
            x += eps
            np.divide(g, x, out=x)
            x *= lr / (1 + (t - 1) * decay)
            np.subtract(p, x, out=p)


class RMSprop(Optimizer):
    """v ← α v + (1 − α) g², p ← p − lr g / (√v + ε) (Tieleman & Hinton 2012, lecture 6.5).

    centered: the variance v − m² instead of v, with a running mean m of g (Graves 2013). momentum: μ, as in SGD.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        _at_least_0(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
            capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable))  # fmt: skip

    def _move(self, group: Group) -> None:
        lr, alpha, eps, momentum = float(group["lr"]), group["alpha"], group["eps"], group["momentum"]
        names = ["square_avg", *["momentum_buffer"] * bool(momentum), *["grad_avg"] * bool(group["centered"])]
        for p, g, state in self._moving(group, group["weight_decay"]):
            if not state:
                state.update(_zeros(p, *names))
            steps(state)
            v, x = state["square_avg"]._data, np.empty_like(p)
            np.multiply(g, g, out=x)
            x *= 1 - alpha
            v *= alpha
            v += x
            if group["centered"]:
                m = state["grad_avg"]._data
                np.subtract(g, m, out=x)
                x *= 1 - alpha
                m += x
                np.multiply(m, m, out=x)
                np.subtract(v, x, out=x)
                np.sqrt(x, out=x)
            else:
                np.sqrt(v, out=x)
            x += eps
            np.divide(g, x, out=x)
            if momentum:
                b = state["momentum_buffer"]._data
                b *= momentum
                b += x
                np.multiply(b, lr, out=x)
            else:
                x *= lr
            np.subtract(p, x, out=p)


class Adam(Optimizer):
    """p ← p − lr m̂ / (√v̂ + ε), with running means m of g and v of g² (Kingma & Ba 2015, algorithm 1).

    amsgrad: the largest v so far (Reddi et al. 2018). decoupled_weight_decay: AdamW.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        _at_least_0(lr=lr, eps=eps, weight_decay=weight_decay)
        for i in range(2):
            if not 0 <= betas[i] < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}; expected a number in [0, 1)")
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize, foreach=foreach,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay))  # fmt: skip

    def _move(self, group: Group) -> None:
        lr, (b1, b2), eps, decay = float(group["lr"]), group["betas"], group["eps"], group["weight_decay"]
        amsgrad, decoupled = group["amsgrad"], group["decoupled_weight_decay"]
        names = ["exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * bool(amsgrad)]
        for p, g, state in self._moving(group, 0.0 if decoupled else decay):
            if not state:
                state.update(_zeros(p, *names))
            t, m, v, x = steps(state), state["exp_avg"]._data, state["exp_avg_sq"]._data, np.empty_like(p)
            if decoupled:
                np.multiply(p, 1 - lr * decay, out=p)
            np.subtract(g, m, out=x)
            x *= 1 - b1
            m += x
            np.multiply(g, g, out=x)
            x *= 1 - b2
            v *= b2
            v += x
            if amsgrad:
                v = np.maximum(state["max_exp_avg_sq"]._data, v, out=state["max_exp_avg_sq"]._data)
            # the bias corrections as numbers, which saves two passes over the arrays (section 2 of the paper)
            corrected = math.sqrt(1 - b2**t)
            np.sqrt(v, out=x)
            x += eps * corrected
            np.divide(m, x, out=x)
            x *= lr * corrected / (1 - b1**t)
            np.subtract(p, x, out=p)


class AdamW(Adam):
    """Adam, with the weight decay as p ← (1 − lr λ) p, outside of the running means (Loshchilov & Hutter 2019)."""

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused,
                         decoupled_weight_decay=True)  # fmt: skip
