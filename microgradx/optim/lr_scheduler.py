"""Learning-rate schedules: `scheduler.step()` after each epoch's `optimizer.step()`s sets the groups' rates anew.

>>> from microgradx.optim import SGD
>>> from microgradx.value import Value
>>> optimizer = SGD([Value(1.0)], lr=0.8)
>>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
>>> rates = []
>>> for epoch in range(5):
...     rates.append(scheduler.get_last_lr()[0])
...     optimizer.step()
...     scheduler.step()
>>> rates
[0.8, 0.8, 0.4, 0.4, 0.2]
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, SupportsFloat

from .optimizer import Optimizer

__all__ = [
    "LRScheduler", "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR",
    "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "SequentialLR",
    "ChainedScheduler", "ReduceLROnPlateau",
]  # fmt: skip


class LRScheduler:
    """Base of all schedules. A subclass defines `get_lr()`: the rate of each group at epoch `last_epoch`.

    Making one sets the rates of epoch last_epoch + 1. last_epoch: −1 for the start; to resume, the last epoch that
    is done, and the groups must have "initial_lr" (KeyError). Raises TypeError for what is no Optimizer.
    """

    optimizer: Optimizer
    last_epoch: int
    base_lrs: list[float]  #: each group's rate before any schedule
    _step_count: int  #: 1 during the step that making it takes
    _last_lr: list[float]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._attach(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                               "last_epoch >= 0; load the optimizer's state_dict first")  # fmt: skip
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._start()

    def _attach(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer

    def _start(self) -> None:
        self._step_count = 0
        self.step()

    def _undo(self) -> None:
        """Forget the first step, for a schedule that is to begin later."""
        self.last_epoch -= 1

    def get_lr(self) -> list[float]:
        """The rate of each group at `last_epoch`; what it is now, `get_last_lr()` tells."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def get_last_lr(self) -> list[float]:
        """The rate that the last step gave each group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to the one that is given."""
        if self._step_count == 1 and type(self.optimizer).step is Optimizer.step and not self.optimizer._stepped:
            warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate of the "
                          "schedule is skipped; call them the other way round", stacklevel=2)  # fmt: skip
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            self._set("lr", self.get_lr())
        else:
            self._set("lr", self.base_lrs)
            for self.last_epoch in range(epoch + 1):
                self._set("lr", self.get_lr())
        self._last_lr = self._get("lr")

    def _get(self, option: str) -> list[Any]:
        return [group[option] for group in self.optimizer.param_groups]

    def _set(self, option: str, values: Iterable[Any]) -> None:
        for group, x in zip(self.optimizer.param_groups, values, strict=True):
            group[option] = x

    def _of_each_group(self, name: str, x: Any) -> list[Any]:
        groups = len(self.optimizer.param_groups)
        if not isinstance(x, list | tuple):
            return [x] * groups
        if len(x) != groups:
            raise ValueError(f"{name} must have the same length as optimizer.param_groups. {name} has {len(x)} values, "
                             f"param_groups has {groups}.")  # fmt: skip
        return list(x)

    def state_dict(self) -> dict[str, Any]:
        """All that changes, and the numbers of the schedule; neither the optimizer nor functions."""
        return {name: x for name, x in vars(self).items() if name not in ("optimizer", "lr_lambdas")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        vars(self).update(state_dict)


# ---- functions of the epoch ------------------------------------------------------------------------------
class LambdaLR(LRScheduler):
    """The first rate times lr_lambda(epoch); one function for all groups or a list with one for each."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self._attach(optimizer)
        self.lr_lambdas = self._of_each_group("lr_lambda", lr_lambda)
        for f in self.lr_lambdas:
            if not callable(f):
                raise TypeError(f"lr_lambda should be a function, but got {type(f).__name__}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [lr * f(self.last_epoch) for lr, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(LambdaLR):
    """Each epoch but the first multiplies the rate by lr_lambda(epoch)."""

    def get_lr(self) -> list[float]:
        if self._step_count == 1:
            return self._get("lr")
        return [lr * f(self.last_epoch) for lr, f in zip(self._get("lr"), self.lr_lambdas, strict=True)]


# ---- a factor for each epoch -----------------------------------------------------------------------------
class _Factors(LRScheduler):
    """Each epoch multiplies the present rate, whoever has set it, by a factor."""

    def _factor(self, epoch: int) -> float:
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        factor = self._factor(self.last_epoch)
        return [lr * factor for lr in self._get("lr")]


class StepLR(_Factors):
    """× gamma after every step_size epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        return self.gamma if epoch and epoch % self.step_size == 0 else 1.0


class MultiStepLR(_Factors):
    """× gamma at each epoch that is in milestones."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        return self.gamma ** self.milestones[epoch]


class ConstantLR(_Factors):
    """× factor for the first total_iters epochs."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"Constant multiplicative factor expected to be between 0 and 1, got {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        return self.factor if epoch == 0 else 1 / self.factor if epoch == self.total_iters else 1.0


class LinearLR(_Factors):
    """From × start_factor to × end_factor, on a line over total_iters epochs."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1, "
                             f"got {start_factor}")  # fmt: skip
        if not 0 <= end_factor <= 1:
            raise ValueError(f"Ending multiplicative factor expected to be between 0 and 1, got {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        if epoch == 0:
            return self.start_factor
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (epoch - 1) * rise  # total_iters times the share so far
        return 1.0 if self._step_count == 1 or epoch > self.total_iters else 1.0 + rise / before


class ExponentialLR(_Factors):
    """× gamma after every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        return 1.0 if self._step_count == 1 or epoch == 0 else self.gamma


class PolynomialLR(_Factors):
    """(1 − epoch / total_iters)^power of the first rate, 0 from total_iters on."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        if self._step_count == 1 or not 0 < epoch <= self.total_iters:
            return 1.0
        left, before = 1.0 - epoch / self.total_iters, 1.0 - (epoch - 1) / self.total_iters
        return (left / before) ** self.power  # type: ignore[no-any-return]


# ---- cosines ---------------------------------------------------------------------------------------------
class CosineAnnealingLR(LRScheduler):
    """Half a cosine wave from the first rate to eta_min at epoch T_max, and up again (Loshchilov & Hutter 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        epoch = self.last_epoch
        if self._step_count == 1 or epoch == 0:
            return self._get("lr")
        now, before = (1 + math.cos(math.pi * e / self.T_max) for e in (epoch, epoch - 1))
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the bottom: the wave is 0, and has no factor
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(self._get("lr"), self.base_lrs, strict=True)]
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._get("lr")]


class CosineAnnealingWarmRestarts(LRScheduler):
    """The cosine of CosineAnnealingLR over T_0 epochs, then from the top over T_0 · T_mult, and so on (SGDR).

    `step(epoch)` also takes fractions: epoch + batch / batches.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        self.T_0 = self.T_i = T_0
        self.T_mult, self.eta_min, self.T_cur = T_mult, eta_min, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            self.T_cur += 1
        else:
            self.T_cur, self.T_i = epoch, self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        self.last_epoch = self.last_epoch + 1 if epoch is None else math.floor(epoch)
        self._set("lr", self.get_lr())
        self._last_lr = self._get("lr")


class OneCycleLR(LRScheduler):
    """Up to max_lr and down to almost 0, once, while the momentum goes down and up (Smith & Topin 2018).

    For a `step()` after each batch: total_steps, or epochs · steps_per_epoch. The rise takes pct_start of them. The
    first rate is max_lr / div_factor, the last one that / final_div_factor. three_phase: first as far down as the
    rise went up, then on. cycle_momentum: the momentum, or Adam's first beta, between base_momentum and max_momentum.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | Sequence[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self._attach(optimizer)
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        given = {"total_steps": total_steps} if total_steps is not None else {
            "epochs": epochs, "steps_per_epoch": steps_per_epoch}  # fmt: skip
        for name, n in given.items():
            if not isinstance(n, int) or n <= 0:
                raise ValueError(f"Expected positive integer {name}, but got {n}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.total_steps: int = math.prod(given.values())  # type: ignore[arg-type]
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        top, end = pct_start * self.total_steps - 1, self.total_steps - 1
        #: (step, rate, momentum) at the turning points; a step before the first counts from 0
        self._turns = [(0, "initial_lr", "max_momentum"), (top, "max_lr", "base_momentum"),
                       *[(2 * top, "initial_lr", "max_momentum")] * three_phase,
                       (end, "min_lr", "max_momentum")]  # fmt: skip
        if last_epoch == -1:
            highest = self._of_each_group("max_lr", max_lr)
            self._set("initial_lr", [lr / div_factor for lr in highest])
            self._set("max_lr", highest)
            self._set("min_lr", [lr / final_div_factor for lr in self._get("initial_lr")])
            if cycle_momentum:
                self._set("max_momentum", self._of_each_group("max_momentum", max_momentum))
                self._set("base_momentum", self._of_each_group("base_momentum", base_momentum))
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        i = next((i for i, (end, _, _) in enumerate(self._turns[1:-1]) if step <= end), len(self._turns) - 2)
        (start, *before), (end, *after) = self._turns[i : i + 2]
        done = (step - start) / (end - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                momentum = self._between(group[before[1]], group[after[1]], done)
                if "betas" in self.optimizer.defaults:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return [self._between(group[before[0]], group[after[0]], done) for group in self.optimizer.param_groups]

    def _between(self, start: float, end: float, done: float) -> float:
        if self.anneal_strategy == "cos":
            return end + (start - end) / 2 * (math.cos(math.pi * done) + 1)
        return (end - start) * done + start


# ---- schedules of schedules ------------------------------------------------------------------------------
class _Several(LRScheduler):
    _schedulers: list[LRScheduler]

    def _take(self, optimizer: Optimizer | None, schedulers: Iterable[LRScheduler]) -> None:
        name, self._schedulers = type(self).__name__, list(schedulers)
        if not self._schedulers:
            raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
        self._attach(optimizer or self._schedulers[0].optimizer)
        for i, scheduler in enumerate(self._schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{name} does not support `ReduceLROnPlateau`, whose step() needs a metric, but got "
                                 f"one at index {i}")  # fmt: skip
            if scheduler.optimizer is not self.optimizer:
                raise ValueError(f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                                 f"{type(scheduler).__name__} at index {i} with another one")  # fmt: skip

    def _undo(self) -> None:
        for scheduler in self._schedulers:
            scheduler._undo()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict({name: x for name, x in state_dict.items() if name != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Several):
    """One schedule after the other: the next one starts, at its epoch 0, at each of the milestones."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Iterable[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self._take(optimizer, schedulers)
        if len(milestones) != len(self._schedulers) - 1:
            raise ValueError("Sequential Schedulers expects number of schedulers provided to be one more than the "
                             f"number of milestone points, but got number of schedulers {len(self._schedulers)} and "
                             f"the number of milestones to be equal to {len(milestones)}")  # fmt: skip
        self._milestones, self.last_epoch = list(milestones), last_epoch + 1
        self._set("lr", self._get("initial_lr"))  # making the schedules has taken their first steps, all of them
        self._undo()
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._start()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        self.last_epoch += 1
        at = bisect_right(self._milestones, self.last_epoch)
        starting = at > 0 and self._milestones[at - 1] == self.last_epoch
        self._schedulers[at].step(*[0] * starting)
        self._last_lr = self._schedulers[at].get_last_lr()


class ChainedScheduler(_Several):
    """All schedules at every step, each on the rate that the one before has set."""

    def __init__(self, schedulers: Iterable[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(optimizer, schedulers)
        self._last_lr = self._get("lr")

    def step(self) -> None:  # type: ignore[override]
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._get("lr")


# ---- by the results --------------------------------------------------------------------------------------
class ReduceLROnPlateau(LRScheduler):
    """× factor once the metric given to `step(metric)` has not improved for more than patience epochs.

    mode: "min" for a loss, "max" for an accuracy. threshold: what counts as better, relative to the best so far
    ("rel") or as a difference ("abs"). cooldown: epochs after a cut in which nothing counts. min_lr: no rate goes
    below it; a cut smaller than eps is not made.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | Sequence[float] = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown! It is 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown! It is 'rel' or 'abs'")
        self._attach(optimizer)
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self._of_each_group("min_lr", min_lr)  # refused now rather than at the first cut
        self.min_lr = min_lr
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = self.last_epoch = 0
        self._last_lr = self._get("lr")

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Go to the next epoch. metrics: the loss or the accuracy of this one, a number or a Tensor or Value."""
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            leasts = self._of_each_group("min_lr", self.min_lr)
            for group, least in zip(self.optimizer.param_groups, leasts, strict=True):
                lr = max(group["lr"] * self.factor, least)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._get("lr")

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def _is_better(self, metric: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        goal = self.best * (1 - sign * self.threshold) if self.threshold_mode == "rel" else (
            self.best - sign * self.threshold)  # fmt: skip
        return sign * metric < sign * goal
