"""Module: something with parameters that is called on inputs, and names the nodes that it makes.

>>> from microgradx.value import Value
>>> class Line(Module):
...     def __init__(self):
...         super().__init__()
...         self.slope, self.offset = Value(2.0), Value(1.0)
...     def forward(self, x):
...         return self.slope * x + self.offset
>>> line = Line()
>>> line(3.0).data, [name for name, _ in line.named_parameters()], line.state_dict()
(7.0, ['slope', 'offset'], {'slope': 2.0, 'offset': 1.0})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..scopes import current, enter, leave
from ..value import Value, real
from ..vectors import Bundle

__all__ = ["Module", "ModuleList"]


class Module:
    """Base of all networks. Assign Values, sequences of Values, or Modules to attributes; define `forward`.

    A leaf Value that is an attribute is a parameter. Modules in a plain list are not seen, as in PyTorch; put
    them into a ModuleList. Calling a module enters a scope of its name, so that figures can fold it.
    """

    training = True
    _name = ""  #: the attribute under which a parent module holds this one

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if not self._name:
            return self.forward(*inputs, **options)
        token = enter(current().within(self._name))
        try:
            return self.forward(*inputs, **options)
        finally:
            leave(token)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define what calling it computes")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            value._rename(name)
        object.__setattr__(self, name, value)
        Bundle.changes = object()  # what was stacked from this module's weights is stale

    def _rename(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def _members(self) -> Iterable[tuple[str, Any]]:
        return vars(self).items()

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names; the outermost is ""."""
        yield prefix, self
        for name, member in self._members():
            if isinstance(member, Module):
                yield from member.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Value]]:
        """(dotted name, parameter), in the order in which they were assigned; one that is shared comes once."""
        seen: set[Value] = set()
        for path, module in self.named_modules(prefix):
            for name, member in module._members():
                label = f"{path}.{name}" if path else name
                for i, p in enumerate(_elements(member)):
                    if isinstance(p, Value) and p.rule is None and p not in seen:
                        seen.add(p)
                        yield (label if p is member else f"{label}.{i}"), p

    def parameters(self) -> list[Value]:
        return list(dict.fromkeys(self._leaves()))

    def _leaves(self) -> Iterator[Value]:
        """The parameters with repeats and without names: what a training loop asks for at every step."""
        below: list[Module] = []
        for _, member in self._members():
            if isinstance(member, Module):
                below.append(member)
            else:
                yield from [p for p in _elements(member) if isinstance(p, Value) and p.rule is None]
        for module in below:
            yield from module._leaves()

    def zero_grad(self) -> None:
        """Forget the gradients: each parameter's `.grad` becomes None, as in PyTorch."""
        for p in self.parameters():
            p.grad = None

    def state_dict(self) -> dict[str, float]:
        return {name: p.data for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every parameter by name. Raises KeyError for missing or unknown names and changes nothing then."""
        parameters = dict(self.named_parameters())
        missing, unknown = parameters.keys() - state.keys(), state.keys() - parameters.keys()
        if missing or unknown:
            problem = f"missing {sorted(missing)}, unknown {sorted(unknown)}"
            raise KeyError(f"the state does not fit {type(self).__name__}: {problem}")
        checked = {name: real(number, f"the parameter {name}") for name, number in state.items()}
        for name, p in parameters.items():
            p.data = checked[name]

    def train(self, mode: bool = True) -> Module:
        """Set `training` here and below. It changes what dropout and the like do, never whether graphs are recorded."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        return self.train(False)


def _elements(member: Any) -> Iterable[Any]:
    return member if isinstance(member, Bundle | list | tuple) else (member,)


class ModuleList(Module):
    """A list of modules that its owner knows: indexed, iterated, appended to."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._modules: list[Module] = []
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end. Raises TypeError for anything else."""
        if not isinstance(module, Module):
            raise TypeError(f"a ModuleList holds Modules, got {type(module).__name__}")
        self._modules.append(module)
        self._changed()
        return self

    def __setitem__(self, index: int, module: Module) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"a ModuleList holds Modules, got {type(module).__name__}")
        self._modules[index] = module
        self._changed()

    def _changed(self) -> None:
        self._rename(self._name)
        Bundle.changes = object()

    def _rename(self, name: str) -> None:  # a list is never called, so its members carry its name
        super()._rename(name)
        for i, module in enumerate(self._modules):
            module._rename(f"{name}.{i}" if name else str(i))

    def _members(self) -> Iterable[tuple[str, Any]]:
        return ((str(i), module) for i, module in enumerate(self._modules))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: int) -> Any:
        return self._modules[index]
