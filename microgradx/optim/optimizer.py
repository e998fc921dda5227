"""Optimizer: what all optimisers share: groups of parameters with their own options, state, saving and loading.

An algorithm gives `_move(group)`, written once over NumPy arrays: those of the Tensors, and one of all Values of
the group. An optimizer of your own may as well override `step()`, as PyTorch's may:

>>> from microgradx.value import Value
>>> class Descent(Optimizer):
...     def __init__(self, params, lr):
...         super().__init__(params, dict(lr=lr))
...     def step(self):
...         for group in self.param_groups:
...             for p in group["params"]:
...                 p.data -= group["lr"] * p.grad
>>> x = Value(3.0)
>>> (x * x).backward()
>>> Descent([x], lr=0.5).step()
>>> x.data
0.0
"""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import quiet
from ..autograd import enable_grad
from ..tensor import Tensor
from ..value import Value
from ..versions import written
from .columns import Columns

__all__ = ["Array", "Group", "Moving", "Optimizer", "State"]

Array = NDArray[Any]
Group = dict[str, Any]  #: "params" and the options of this group
State = dict[str, Any]  #: what an algorithm remembers of one parameter, by PyTorch's names
Moving = Iterator[tuple[Array, Array, State]]
T = TypeVar("T")


class Optimizer:
    """Base of all optimizers. Moves the parameters that have a gradient; the others stay.

    params: Tensors, Values, or dicts, each a group `{"params": …, "lr": …}` with options of its own. defaults: the
    options of the groups that do not say otherwise. `param_groups` holds the groups; their options may be changed
    between steps. `state[p]` holds what is remembered of p: Tensors for a Tensor, numbers for a Value.

    Raises ValueError for no parameters, one in two groups, or a Tensor or Value that is a result; TypeError for
    what is neither.
    """

    _stepped = False  #: for the learning-rate schedules, which want to come second

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor | Value):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                            f"{type(params).__name__}; pass a list, [x] or model.parameters()")  # fmt: skip
        for option in ("differentiable", "capturable"):
            if defaults.get(option):
                raise NotImplementedError(f"{option}=True is not supported; leave it out")
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self._state: defaultdict[Any, State] = defaultdict(dict)
        self._columns = Columns(self._state)
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list; pass model.parameters()")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # ---- parameters and their options ----
    def add_param_group(self, param_group: Group) -> None:
        """Add `{"params": a Tensor or Value or several, option: value, …}`; missing options are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError(f"a param_group needs 'params', a Tensor or Value or several; it has {list(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of "
                            "tensors in sets will change between runs. Please use a list instead.")  # fmt: skip
        params = param_group["params"] = [params] if isinstance(params, Tensor | Value) else list(params)
        for p in params:
            if not isinstance(p, Tensor | Value):
                raise TypeError("optimizer can only optimize Tensors and Values, but one of the params is "
                                f"{type(p).__name__}")  # fmt: skip
            if p.rule is not None if isinstance(p, Value) else not (p.is_leaf or p.retains_grad):
                raise ValueError(f"can't optimize a non-leaf {type(p).__name__}: it is the result of an operation; "
                                 "give the parameters that it was made from, or its detach()")  # fmt: skip
        ids = set(map(id, params))
        if len(ids) < len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; in future, this will "
                          "cause an error; list each parameter once", stacklevel=3)  # fmt: skip
        if not ids.isdisjoint(id(p) for group in self.param_groups for p in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        for option, default in self.defaults.items():
            param_group.setdefault(option, default)
        self._columns.write_back()
        self.param_groups.append(param_group)

    @property
    def params(self) -> list[Any]:
        """The parameters of all groups."""
        return [p for group in self.param_groups for p in group["params"]]

    @property
    def lr(self) -> Any:
        """The learning rate: the first group's; set, it is that of all groups. (PyTorch has `param_groups` only.)"""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr: Any) -> None:
        for group in self.param_groups:
            group["lr"] = lr

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: each becomes None, or 0 in place when not set_to_none."""
        for p in self.params:
            if set_to_none and isinstance(p, Tensor) and (node := p._node) is not None:
                node._grad = None  # as the line below, at half the cost, for what every training step does
            elif set_to_none or p.grad is None:
                p.grad = None
            elif isinstance(p, Value):
                p.grad = 0.0
            else:
                p.grad.detach().zero_()

    # ---- a step ----
    def step(self, closure: Callable[[], T] | None = None) -> T | None:
        """Move each parameter that has a gradient. closure: computes the gradients first; its result is returned."""
        self._stepped = True
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        token = quiet.enter(quiet.IGNORE)  # IEEE 754: a step that overflows gives inf
        try:
            for group in self.param_groups:
                self._move(group)
        finally:
            quiet.leave(token)
        return loss

    def _move(self, group: Group) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def _moving(self, group: Group, weight_decay: float = 0.0) -> Moving:
        """(data, gradient, state) of each parameter that has a gradient; data and state are to be changed in place.

        The gradient has the sign and the weight_decay · data added that the group asks for; it stays as it is.
        """
        moving = self._arrays(group)
        if group.get("maximize"):
            moving = ((p, -g, state) for p, g, state in moving)
        if weight_decay:
            moving = ((p, g + weight_decay * p, state) for p, g, state in moving)
        return moving

    def _arrays(self, group: Group) -> Moving:
        state, values, found = self._state, [], []
        for p in group["params"]:
            if isinstance(p, Tensor):
                node = p._node
                # an array until somebody looks at it, see Op.grad
                grad = node._grad if node is not None and node._a is None else p.grad
                if grad is not None:
                    found.append((p._data, grad if grad.__class__ is np.ndarray else grad._data, state[p]))
            elif p.grad is not None:
                values.append(p)
        if found:
            written(*[data for data, _, _ in found])  # before they are, so that an interrupted step is noted too
        return chain(found, self._columns.of(id(group), values)) if values else iter(found)

    # ---- saving and loading ----
    @property
    def state(self) -> defaultdict[Any, State]:
        """What is remembered of each parameter."""
        self._columns.write_back()
        self._columns.live = True
        return self._state

    @state.setter
    def state(self, state: Mapping[Any, State]) -> None:
        self._state = defaultdict(dict, state)
        self._columns = Columns(self._state)

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, with parameters as their positions: the present Tensors, not copies."""
        self._columns.write_back()
        positions: dict[int, int] = {}
        for p in self.params:
            positions.setdefault(id(p), len(positions))
        groups = [{option: x for option, x in group.items() if option != "params"}
                  | {"params": [positions[id(p)] for p in group["params"]]} for group in self.param_groups]  # fmt: skip
        return {"state": {positions[id(p)]: dict(state) for p, state in self._state.items() if state},
                "param_groups": groups}  # fmt: skip

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the state and the options of a `state_dict()`, copied; arrays and Tensors alike.

        Raises ValueError, and changes nothing, when the groups or their sizes differ.
        """
        saved = [dict(group) for group in state_dict["param_groups"]]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups: "
                             f"{len(saved)}, and the optimizer has {len(self.param_groups)}")  # fmt: skip
        for i, (old, group) in enumerate(zip(saved, self.param_groups, strict=True)):
            if len(old["params"]) != len(group["params"]):
                raise ValueError("loaded state dict contains a parameter group that doesn't match the size of "
                                 f"optimizer's group: group {i} has {len(old['params'])} parameters there and "
                                 f"{len(group['params'])} here")  # fmt: skip
        at = dict(zip([i for old in saved for i in old["params"]], self.params, strict=True))
        self.state = {at[i]: {name: _restored(name, x, at[i]) for name, x in state.items()}
                      for i, state in state_dict["state"].items()}  # fmt: skip
        self.param_groups = [old | {"params": group["params"]}
                             for old, group in zip(saved, self.param_groups, strict=True)]  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        self._columns.write_back()
        return vars(self)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            options = sorted(option for option in group if option != "params")
            lines += [""] * (i > 0) + [f"Parameter Group {i}"] + [f"    {name}: {group[name]}" for name in options]
        return "\n".join([*lines, ")"])


def _restored(name: str, x: Any, p: Any) -> Any:
    """A saved part of p's state as p keeps it: an array as numbers of p's kind, all else as it is."""
    array = x._data if isinstance(x, Tensor) else x
    if not isinstance(array, np.ndarray):
        return copy.deepcopy(x)
    if isinstance(p, Value):
        return array.item()
    return Tensor._of(np.array(array, np.float32 if name == "step" else p._data.dtype))


def steps(state: State) -> float:
    """Count this step; its number, from 1."""
    step = state["step"]
    if not isinstance(step, Tensor):  # a loaded number
        step = state["step"] = Tensor._of(np.array(step, np.float32))
    np.add(step._data, _ONE, out=step._data)
    return step._data.item(0)  # type: ignore[no-any-return]


_ONE = np.array(1, np.float32)
