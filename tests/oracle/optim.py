"""Write tests/data/optim.json, what PyTorch's optimizers and schedules do: `python -m tests.oracle.optim`, with torch.

A case is an expression, such as "SGD(params, 0.1, momentum=0.9)", that is evaluated in torch.optim here and in
microgradx.optim by the tests; the functions below run it with either library.

>>> FILE.name, len(OPTIMIZERS) > 50
('optim.json', True)
"""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "data" / "optim.json"
KINDS = ["SGD", "Rprop", "Adagrad", "RMSprop", "Adam", "AdamW"]
SCHEDULERS = ["LRScheduler", "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR",
              "ExponentialLR", "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR",
              "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"]  # fmt: skip
CLIPS = ["clip_grad_norm_", "clip_grad_value_"]

#: each option of each optimizer alone, and with others
OPTIMIZERS = [
    f"{kind}(params{', ' * bool(options)}{options})" for kind, several in {
        "SGD": ["", "0.1", "0.1, 0.9", "lr=0.1, momentum=0.9, dampening=0.3", "lr=0.1, weight_decay=0.2",
                "lr=0.1, momentum=0.9, nesterov=True", "lr=0.1, maximize=True", "0.05, 0.5, 0.25, 0.3",
                "0.05, 0.5, 0, 0.3, True, maximize=True"],
        "Rprop": ["", "0.1", "etas=(0.3, 2.0)", "step_sizes=(0.005, 0.02)", "maximize=True",
                  "0.03, (0.6, 1.5), (0.01, 0.04), maximize=True"],
        "Adagrad": ["", "0.1", "lr=0.1, lr_decay=0.2", "lr=0.1, weight_decay=0.2", "initial_accumulator_value=0.5",
                    "eps=0.01", "maximize=True", "0.1, 0.05, 0.1, 0.2, 1e-4"],
        "RMSprop": ["", "0.1", "alpha=0.5", "eps=0.01", "weight_decay=0.2", "momentum=0.9", "centered=True",
                    "maximize=True", "0.02, 0.9, 1e-4, 0.1, 0.5, True", "momentum=0.5, centered=True, maximize=True"],
        "Adam": ["", "0.1", "betas=(0.5, 0.75)", "betas=(0.0, 0.0)", "eps=0.01", "lr=0.1, weight_decay=0.2",
                 "amsgrad=True", "maximize=True", "0.05, (0.8, 0.9), 1e-3, 0.1, True",
                 "lr=0.1, weight_decay=0.2, decoupled_weight_decay=True"],
        "AdamW": ["", "0.1", "lr=0.1, weight_decay=0.2", "amsgrad=True", "maximize=True",
                  "0.05, (0.8, 0.9), 1e-3, 0.3, True, maximize=True"],
    }.items() for options in several
] + [
    "SGD([{'params': params[0]}, {'params': params[1:], 'lr': 0.3, 'momentum': 0.5}], 0.1)",
    "Adam([{'params': params[:2], 'betas': (0.5, 0.5)}, {'params': params[2], 'eps': 0.1}], 0.01, weight_decay=0.1)",
]  # fmt: skip
STORED_STEPS = [1, 2, 20]
_random = np.random.RandomState(0)
SHAPES: list[tuple[int, ...]] = [(2, 3), (4,), ()]
STARTS = [_random.standard_normal(shape).round(3) for shape in SHAPES]
#: at each step, one for each parameter; the second has none at each third step, and some elements are 0
GRADIENTS = [
    [None if (i, k % 3) == (1, 1) else np.where(_random.random_sample(shape) < 0.1, 0.0,
                                                _random.standard_normal(shape).round(3))
     for i, shape in enumerate(SHAPES)] for k in range(20)
]  # fmt: skip

#: of an optimizer of two groups, with the rates 0.1 and 0.25
SCHEDULES = [
    "LambdaLR(optimizer, lambda epoch: 0.95**epoch)",
    "LambdaLR(optimizer, [lambda epoch: 0.95**epoch, lambda epoch: 1 / (1 + epoch)])",
    "MultiplicativeLR(optimizer, lambda epoch: 0.95 + epoch / 1000)", "StepLR(optimizer, 7)",
    "StepLR(optimizer, step_size=30, gamma=0.5)", "MultiStepLR(optimizer, [50, 3, 3, 10], 0.3)",
    "MultiStepLR(optimizer, milestones=[30, 80])", "ConstantLR(optimizer)", "ConstantLR(optimizer, 0.5, 40)",
    "LinearLR(optimizer)", "LinearLR(optimizer, 0.1, 0.7, 60)", "ExponentialLR(optimizer, 0.97)",
    "PolynomialLR(optimizer)", "PolynomialLR(optimizer, 70, 2.0)", "CosineAnnealingLR(optimizer, 10)",
    "CosineAnnealingLR(optimizer, T_max=33, eta_min=0.01)", "CosineAnnealingLR(optimizer, 1)",
    "CosineAnnealingWarmRestarts(optimizer, 7)", "CosineAnnealingWarmRestarts(optimizer, 5, 2, 0.001)",
    "OneCycleLR(optimizer, 1.0, 101)", "OneCycleLR(optimizer, max_lr=1.0, total_steps=101, pct_start=0.0)",
    "OneCycleLR(optimizer, 1.0, epochs=101, steps_per_epoch=1)",
    "OneCycleLR(optimizer, [1.0, 0.3], epochs=10, steps_per_epoch=11, anneal_strategy='linear', three_phase=True)",
    "OneCycleLR(optimizer, 1.0, 101, pct_start=0.4, cycle_momentum=False, div_factor=5.0, final_div_factor=10.0)",
    "OneCycleLR(optimizer, 1.0, 101, base_momentum=[0.5, 0.6], max_momentum=0.9)",
    "SequentialLR(optimizer, [ConstantLR(optimizer, 0.1, 20), ExponentialLR(optimizer, 0.9)], [20])",
    ("SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=10), CosineAnnealingLR(optimizer, 20), "
     "StepLR(optimizer, 5)], milestones=[10, 40])"),
    ("SequentialLR(optimizer, [CosineAnnealingWarmRestarts(optimizer, 6, 2), PolynomialLR(optimizer, 20), "
     "LambdaLR(optimizer, lambda epoch: 0.9**epoch)], [15, 70])"),
    "ChainedScheduler([ConstantLR(optimizer, 0.1, 20), ExponentialLR(optimizer, 0.9)])",
]  # fmt: skip
PLATEAUS = [
    f"ReduceLROnPlateau(optimizer, '{mode}', threshold_mode='{kind}'{options})" for mode in ("min", "max")
    for kind in ("rel", "abs") for options in ("", ", patience=2, cooldown=3, threshold=0.1, min_lr=1e-3",
                                               ", patience=0, factor=0.5, threshold=0.0, min_lr=[1e-2, 1e-3], eps=1e-3")
]  # fmt: skip
METRICS = [round(2 + 1.5 * math.sin(k / 12) + noise, 2) for k, noise in enumerate(0.1 * _random.standard_normal(100))]

NORMS = ["2.0", "1", "inf", "'inf'", "0.5", "3.0", "0", "-inf"]

#: (expression of `torch`, p = nn.Parameter, and q, the result of an operation; a phrase that both messages have)
ERRORS = [
    ("optim.SGD([])", "optimizer got an empty parameter list"),
    ("optim.SGD(x for x in [])", "optimizer got an empty parameter list"),
    ("optim.SGD(p)", "params argument given to the optimizer should be an iterable of Tensors or dicts, but got"),
    ("optim.SGD([1.0])", "but one of the params is float"), ("optim.SGD('abc')", "but one of the params is str"),
    ("optim.Adam([q])", "can't optimize a non-leaf Tensor"),
    ("optim.SGD([{'params': p}, {'params': [p]}])", "some parameters appear in more than one parameter group"),
    ("optim.SGD([{'params': {p}}])", "optimizer parameters need to be organized in ordered collections"),
    ("optim.SGD([{'weights': [p]}])", "params"), ("optim.SGD([{'params': p}, p])", "param_group must be a dict"),
    ("optim.SGD([p, {'params': p}])", "but one of the params is dict"),
    ("optim.SGD([p]).add_param_group(p)", "param_group must be a dict"),
    *((f"optim.{kind}([p], lr=-1)", "Invalid learning rate: -1") for kind in KINDS),
    ("optim.SGD([p], momentum=-1)", "Invalid momentum value: -1"),
    ("optim.SGD([p], weight_decay=-0.5)", "Invalid weight_decay value: -0.5"),
    ("optim.SGD([p], nesterov=True)", "Nesterov momentum requires a momentum and zero dampening"),
    ("optim.SGD([p], 0.1, 0.9, 0.1, nesterov=True)", "Nesterov momentum requires a momentum and zero dampening"),
    ("optim.Rprop([p], etas=(1, 1.2))", "Invalid eta values: 1, 1.2"),
    ("optim.Rprop([p], etas=(0.5, 1))", "Invalid eta values: 0.5, 1"),
    ("optim.Rprop([p], etas=(0, 1.2))", "Invalid eta values: 0, 1.2"),
    ("optim.Adagrad([p], lr_decay=-1)", "Invalid lr_decay value: -1"),
    ("optim.Adagrad([p], initial_accumulator_value=-1)", "Invalid initial_accumulator_value value: -1"),
    ("optim.Adagrad([p], eps=-1)", "Invalid epsilon value: -1"),
    ("optim.RMSprop([p], alpha=-1)", "Invalid alpha value: -1"),
    ("optim.RMSprop([p], momentum=-1)", "Invalid momentum value: -1"),
    ("optim.Adam([p], betas=(1, 0.9))", "Invalid beta parameter at index 0: 1"),
    ("optim.AdamW([p], betas=(0.9, -0.1))", "Invalid beta parameter at index 1: -0.1"),
    ("optim.Adam([p], eps=-1)", "Invalid epsilon value: -1"),
    ("optim.AdamW([p], weight_decay=-1)", "Invalid weight_decay value: -1"),
    ("optim.SGD([p]).load_state_dict(optim.SGD([{'params': p}, {'params': []}]).state_dict())",
     "loaded state dict has a different number of parameter groups"),
    ("optim.SGD([p]).load_state_dict(optim.SGD([p, nn.Parameter(p)]).state_dict())",
     "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"),
    ("optim.Optimizer([p], {}).step()", ""),
    ("optim.lr_scheduler.StepLR(p, 3)", "Parameter is not an Optimizer"),
    ("optim.lr_scheduler.StepLR(optim.SGD([p]), 3, last_epoch=4)", "'initial_lr' is not specified in param_groups"),
    ("optim.lr_scheduler.LambdaLR(optim.SGD([p]), [len, len])", ""),
    ("optim.lr_scheduler.ConstantLR(optim.SGD([p]), 1.5)",
     "Constant multiplicative factor expected to be between 0 and 1"),
    ("optim.lr_scheduler.LinearLR(optim.SGD([p]), 0)",
     "Starting multiplicative factor expected to be greater than 0 and less or equal to 1"),
    ("optim.lr_scheduler.LinearLR(optim.SGD([p]), 1.5)",
     "Starting multiplicative factor expected to be greater than 0 and less or equal to 1"),
    ("optim.lr_scheduler.LinearLR(optim.SGD([p]), end_factor=1.5)",
     "Ending multiplicative factor expected to be between 0 and 1"),
    ("optim.lr_scheduler.CosineAnnealingWarmRestarts(optim.SGD([p]), 0)", "Expected positive integer T_0, but got 0"),
    ("optim.lr_scheduler.CosineAnnealingWarmRestarts(optim.SGD([p]), 2, 0)", "Expected integer T_mult >= 1, but got 0"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1.0)",
     "You must define either total_steps OR (epochs AND steps_per_epoch)"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1.0, epochs=3)",
     "You must define either total_steps OR (epochs AND steps_per_epoch)"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1.0, 0)", "Expected positive integer total_steps, but got 0"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1.0, epochs=3, steps_per_epoch=0)",
     "Expected positive integer steps_per_epoch, but got 0"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1.0, 9, pct_start=2.0)",
     "Expected float between 0 and 1 pct_start, but got 2.0"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1.0, 9, anneal_strategy='sin')",
     "anneal_strategy must be one of 'cos' or 'linear', instead got sin"),
    ("optim.lr_scheduler.OneCycleLR(optim.SGD([p]), [1.0, 2.0], 9)",
     "max_lr must have the same length as optimizer.param_groups. max_lr has 2 values, param_groups has 1."),
    ("optim.lr_scheduler.OneCycleLR(optim.Rprop([p]), 1.0, 9)",
     "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"),
    ("[(s.optimizer.step(), s.step()) for s in [optim.lr_scheduler.OneCycleLR(optim.SGD([p]), 1, 3)] for i in '123x']",
     "Tried to step 4 times. The specified number of total steps is 3"),
    ("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([p]), factor=1)", "Factor should be < 1.0"),
    ("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([p]), 'least')", "mode least is unknown!"),
    ("optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([p]), threshold_mode='x')", "threshold mode x is unknown!"),
    ("optim.lr_scheduler.SequentialLR(optim.SGD([p]), [], [])", "expects at least one scheduler, but got no scheduler"),
    ("optim.lr_scheduler.SequentialLR(o := optim.SGD([p]), [optim.lr_scheduler.StepLR(o, 3)], [4])",
     "expects number of schedulers provided to be one more than the number of milestone points"),
    ("optim.lr_scheduler.SequentialLR(optim.SGD([p]), [optim.lr_scheduler.StepLR(optim.SGD([p]), 3)], [])",
     "expects all schedulers to belong to the same optimizer"),
    ("optim.lr_scheduler.ChainedScheduler([optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([p]))])",
     "does not support `ReduceLROnPlateau`"),
    ("nn.utils.clip_grad_norm_(with_gradient(p, math.inf), 1.0, error_if_nonfinite=True)",
     "The total norm of order 2.0 for gradients from `parameters` is non-finite, so it cannot be clipped"),
]  # fmt: skip


# ---- what is run with either library -----------------------------------------------------------------------
def parameters(torch: Any, dtype: str) -> list[Any]:
    return [torch.tensor(start.tolist(), dtype=getattr(torch, dtype), requires_grad=True) for start in STARTS]


def set_gradients(torch: Any, params: list[Any], step: int) -> None:
    for p, g in zip(params, GRADIENTS[step], strict=True):
        p.grad = None if g is None else torch.tensor(g.tolist(), dtype=p.dtype)


def descend(torch: Any, text: str, dtype: str) -> list[list[float]]:
    """All parameters' elements after each step."""
    params = parameters(torch, dtype)
    optimizer = eval(text, vars(torch.optim) | {"params": params})
    path = []
    for k in range(len(GRADIENTS)):
        set_gradients(torch, params, k)
        optimizer.step()
        path.append(numbers(params))
    return path


def numbers(tensors: Any) -> list[float]:
    """All elements, floats with as many digits as tell them from their neighbours of the same dtype."""
    return [float(str(x)) for tensor in tensors for x in np.asarray(tensor.detach()).ravel()]


def schedule(torch: Any, text: str, optimizer: Any, metrics: Any = ((),) * 100) -> list[list[float]]:
    """The rates of both groups, and their momenta (or first betas) where a schedule moves them, at each epoch."""
    scheduler = eval(text, vars(torch.optim.lr_scheduler) | {"optimizer": optimizer})
    found = []
    for metric in metrics:
        groups = optimizer.param_groups
        assert scheduler.get_last_lr() == [group["lr"] for group in groups]
        found.append(scheduler.get_last_lr()[:])
        if "OneCycle" in text:
            found[-1] += [group["betas"][0] if "betas" in group else group["momentum"] for group in groups]
        optimizer.step()
        scheduler.step(*metric)
    return found


def two_groups(torch: Any, kind: str = "SGD") -> Any:
    groups = [{"params": torch.ones(2, requires_grad=True), "lr": lr} for lr in (0.1, 0.25)]
    return getattr(torch.optim, kind)(groups)


def clip(torch: Any, norm: str, scale: float) -> list[float]:
    """The norm that was, and the gradients after."""
    params = parameters(torch, "float32")
    set_gradients(torch, params, 1)
    for p in params:
        if p.grad is not None:
            p.grad *= scale
    total = torch.nn.utils.clip_grad_norm_(params, 1.5, eval(norm, {"inf": math.inf}))
    return numbers([total, *(p.grad for p in params if p.grad is not None)])


def error(torch: Any, text: str) -> tuple[str, str]:
    """The class and the message of what it raises."""
    p = torch.nn.Parameter(torch.ones(2))

    def with_gradient(p: Any, g: float) -> Any:
        p.grad = torch.full_like(p, g).detach()
        return p

    try:
        eval(text, {"torch": torch, "nn": torch.nn, "optim": torch.optim, "p": p, "q": p * 2, "math": math,
                    "with_gradient": with_gradient})  # fmt: skip
    except Exception as problem:
        return type(problem).__name__, str(problem)
    return "", ""


def signature(function: Callable[..., Any]) -> list[list[str]]:
    """Name, kind and default of each argument."""
    return [[x.name, x.kind.name, "" if x.default is x.empty else repr(x.default)]
            for x in inspect.signature(function).parameters.values()]  # fmt: skip


def signatures(torch: Any) -> dict[str, list[list[str]]]:
    optim = torch.optim
    found = {name: getattr(optim, name) for name in [*KINDS, "Optimizer"]}
    found |= {name: getattr(optim.lr_scheduler, name) for name in SCHEDULERS}
    found |= {name: getattr(torch.nn.utils, name) for name in CLIPS}
    found |= {f"Optimizer.{name}": getattr(optim.Optimizer, name)
              for name in ("add_param_group", "zero_grad", "step", "state_dict", "load_state_dict")}  # fmt: skip
    return {name: signature(function) for name, function in found.items()}


def texts(torch: Any) -> dict[str, Any]:
    """The repr of each optimizer, and the names and numbers in its state after a step."""
    found = {}
    for kind in KINDS:
        p = torch.ones(2, requires_grad=True)
        p.grad = torch.ones(2)
        optimizer = getattr(torch.optim, kind)([p, torch.ones(3, requires_grad=True)])
        optimizer.step()
        saved = optimizer.state_dict()
        state = {name: [str(x.dtype), list(x.shape), numbers([x])] for name, x in saved["state"].get(0, {}).items()}
        found[kind] = {"repr": repr(optimizer), "state": state, "options": repr(saved["param_groups"])}
    return found


# ---- writing -----------------------------------------------------------------------------------------------
def write() -> None:
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("error")
    for text, phrase in ERRORS:
        kind, message = error(torch, text)
        assert kind, f"{text} raises nothing"
        assert phrase in message, f"{text} says {message}"
    paths = {
        text: {dtype: [path[k - 1] for k in STORED_STEPS] for dtype in ("float64", "float32")
               if (path := descend(torch, text, dtype))} for text in OPTIMIZERS
    }  # fmt: skip
    parts: dict[str, dict[str, Any]] = {
        "paths": paths,
        "schedules": {text: schedule(torch, text, two_groups(torch)) for text in SCHEDULES},
        "plateaus": {text: schedule(torch, text, two_groups(torch), [(x,) for x in METRICS]) for text in PLATEAUS},
        "clips": {f"{norm} {scale}": clip(torch, norm, scale) for norm in NORMS for scale in (0.1, 0.5, 1.0, 1e20)},
        "errors": {text: error(torch, text)[0] for text, _ in ERRORS},
        "signatures": signatures(torch), "texts": texts(torch),
    }  # fmt: skip
    body = ",\n".join(
        f"{json.dumps(name)}: {{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(x)}" for k, x in part.items()) + "}"
        for name, part in parts.items()
    )
    FILE.write_text(f'{{"torch": {json.dumps(version("torch"))},\n{body}}}\n', encoding="utf-8")


if __name__ == "__main__":
    write()
