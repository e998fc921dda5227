"""Module: something with parameters that is called on inputs, and names the nodes that it makes.

Its parameters are Values, Tensors (as `Parameter`), or both.

>>> from microgradx.value import Value
>>> class Line(Module):
...     def __init__(self):
...         super().__init__()
...         self.slope, self.offset = Value(2.0), Value(1.0)
...     def forward(self, x):
...         return self.slope * x + self.offset
>>> line = Line()
>>> line(3.0).data, [name for name, _ in line.named_parameters()], dict(line.state_dict())
(7.0, ['slope', 'offset'], {'slope': 2.0, 'offset': 1.0})
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from textwrap import indent
from typing import Any, NamedTuple, Self

import numpy as np

from .. import dtypes
from ..functions import to
from ..reals import real
from ..scopes import current, enter, leave, no_grad
from ..tensor import Tensor
from ..value import Value
from ..vectors import Bundle
from .parameter import Parameter

__all__ = ["Module", "ModuleList", "Sequential"]


class Module:
    """Base of all networks. Assign Parameters, Values, sequences of Values or Modules to attributes; define `forward`.

    A leaf Value that is an attribute is a parameter, and so is a Parameter; a plain Tensor is not. Modules in a
    plain list are not seen, as in PyTorch; put them into a ModuleList or a Sequential. Calling a module enters a
    scope of its name, so that figures can fold it.
    """

    training = True
    _name = ""  #: the attribute under which a parent module holds this one
    _buffers: dict[str, bool]  #: names of tensors that are state but no parameters, and whether they are saved

    def __init__(self) -> None:
        object.__setattr__(self, "training", True)
        object.__setattr__(self, "_buffers", {})

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if not self._name:
            return self.forward(*inputs, **options)
        token = enter(current().within(self._name))
        try:
            # what most modules are called with costs half as much when it is spelled out
            return self.forward(*inputs, **options) if options or len(inputs) != 1 else self.forward(inputs[0])
        finally:
            leave(token)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function; '
                                  "define what calling it computes")  # fmt: skip

    # -- members --
    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module | Parameter):
            # micrograd's modules, which hold Values, have no __init__ to call; PyTorch's have
            if "_buffers" not in vars(self) and not (isinstance(value, Module) and value._holds_values()):
                kind = "module" if isinstance(value, Module) else "parameters"
                raise AttributeError(f"cannot assign {kind} before Module.__init__() call; begin the __init__ of "
                                     f"{type(self).__name__} with super().__init__()")  # fmt: skip
            if isinstance(value, Module):
                value._rename(name)
        elif value is not None:
            self._refuse_exchange(name, value)
        object.__setattr__(self, name, value)
        Bundle.changes = object()  # what was stacked from this module's weights is stale

    def _refuse_exchange(self, name: str, value: Any) -> None:
        """Raise TypeError for something else in the place of a parameter, a module or a buffer: it would go unseen."""
        held, kind = vars(self).get(name), value.type() if isinstance(value, Tensor) else type(value).__name__
        if isinstance(held, Parameter):
            raise TypeError(f"cannot assign '{kind}' as parameter '{name}' (torch.nn.Parameter or None expected); set "
                            "its .data, or wrap it: nn.Parameter(…)")  # fmt: skip
        if isinstance(held, Module):
            raise TypeError(f"cannot assign '{kind}' as child module '{name}' (torch.nn.Module or None expected)")
        if name in vars(self).get("_buffers", ()) and not isinstance(value, Tensor):
            raise TypeError(f"cannot assign '{kind}' as buffer '{name}' (torch.Tensor or None expected)")

    def _rename(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Hold a tensor that is no parameter but part of the state. Raises AttributeError before __init__()."""
        _refuse_name("buffer", name)
        if "_buffers" not in vars(self):
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None "
                            "required)")  # fmt: skip
        self._buffers[name] = persistent
        setattr(self, name, tensor)

    def register_parameter(self, name: str, param: Any) -> None:
        """The same as an attribute. Raises TypeError for what is no parameter, such as a plain Tensor."""
        _refuse_name("parameter", name)
        if param is not None and not _is_parameter(param):
            raise TypeError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' (torch.nn.Parameter "
                            "or None required)")  # fmt: skip
        setattr(self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as an attribute, for names that are not known beforehand."""
        _refuse_name("module", name)
        if module is not None:
            _refuse_other(module)
        setattr(self, name, module)

    register_module = add_module

    def _members(self) -> Iterable[tuple[str, Any]]:
        return vars(self).items()

    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((name, member) for name, member in self._members() if isinstance(member, Module))

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names; the outermost is ""; one that is shared comes once."""
        return self._walk(prefix, set())

    def _walk(self, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) not in seen:
            seen.add(id(self))
            yield path, self
            for name, member in self.named_children():
                yield from member._walk(f"{path}.{name}" if path else name, seen)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        """(dotted name, parameter), in the order in which they were assigned; one that is shared comes once.

        recurse=False: without those of the modules below.
        """
        seen: set[Any] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, member in module._members():
                label = f"{path}.{name}" if path else name
                for i, p in enumerate(_elements(member)):
                    if _is_parameter(p) and p not in seen:
                        seen.add(p)
                        yield (label if p is member else f"{label}.{i}"), p

    def parameters(self, recurse: bool = True) -> Parameters:
        if not recurse:
            return Parameters(p for _, p in self.named_parameters(recurse=False))
        return Parameters(dict.fromkeys(self._leaves()))

    def _leaves(self) -> Iterator[Any]:
        """The parameters with repeats and without names: what a training loop asks for at every step."""
        below: list[Module] = []
        for _, member in self._members():
            if isinstance(member, Module):
                below.append(member)
            elif isinstance(member, Parameter):
                yield member
            else:
                yield from [p for p in _elements(member) if isinstance(p, Value) and p.rule is None]
        for module in below:
            yield from module._leaves()

    def _holds_values(self) -> bool:
        return isinstance(next(self._leaves(), None), Value)

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name in vars(module).get("_buffers", ()):
                if (tensor := getattr(module, name)) is not None:
                    yield (f"{path}.{name}" if path else name), tensor

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    # -- state --
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: each parameter's `.grad` becomes None, or 0 in place when not set_to_none."""
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                if isinstance(p, Value):
                    p.grad = 0.0
                else:
                    p.grad.detach().zero_()

    def state_dict(self, prefix: str = "") -> OrderedDict[str, Any]:
        """Parameters and buffers by name: Values as floats, Tensors as tensors on the same memory."""
        found: OrderedDict[str, Any] = OrderedDict()
        for name, p in self._named_state():
            found[prefix + name] = p.data if isinstance(p, Value) else p.detach()
        return found

    def _named_state(self) -> Iterator[tuple[str, Any]]:
        """Module by module, parameters first; what is shared comes under each of its names."""
        for name, member in self._members():
            for i, p in enumerate(_elements(member)):
                if _is_parameter(p):
                    yield (name if p is member else f"{name}.{i}"), p
        for name, persistent in vars(self).get("_buffers", {}).items():
            if persistent and getattr(self, name) is not None:
                yield name, getattr(self, name)
        for path, module in self.named_children():
            yield from ((f"{path}.{name}", p) for name, p in module._named_state())

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Loaded:
        """Set every parameter and buffer by name.

        Raises RuntimeError for missing or unknown names (strict) and for shapes that differ, and changes nothing then.
        """
        own = dict(self._named_state())
        missing, unknown = ([k for k in a if k not in b] for a, b in ((own, state), (state, own)))
        problems = []
        if strict and unknown:
            problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{k}"' for k in unknown) + ". ")
        if strict and missing:
            problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{k}"' for k in missing) + ". ")
        checked: dict[str, Any] = {}
        for name, p in own.items():
            if name not in state:
                continue
            if isinstance(p, Value):
                checked[name] = real(state[name], f"the parameter {name}")
                continue
            found = state[name]._data if isinstance(state[name], Tensor) else np.asarray(state[name])
            if found.shape != p._data.shape:
                problems.append(f"size mismatch for {name}: copying a param with shape {dtypes.Size(found.shape)} from "
                                f"checkpoint, the shape in current model is {p.shape}.")  # fmt: skip
            checked[name] = found
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        for name, found in checked.items():
            p = own[name]
            if isinstance(p, Value):
                p.data = found
            else:
                p._data[...] = found
                p._written()
        return Loaded(missing, unknown)

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and below. It changes what dropout and the like do, never whether graphs are recorded."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        for p in self.parameters():
            if isinstance(p, Tensor):
                p.requires_grad_(requires_grad)
        return self

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call the function on every module below, and then on this one."""
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def to(self, *where: Any, **options: Any) -> Self:
        """Convert the floating parameters and buffers in place: `.to(torch.float64)`; the CPU is where they are."""
        with no_grad():
            for tensor in [*self.parameters(), *self.buffers()]:
                if isinstance(tensor, Tensor):
                    found = to(tensor, *where, **options)
                    if tensor.is_floating_point() == found.is_floating_point():
                        tensor.data = found
                        if tensor.grad is not None:
                            tensor.grad = to(tensor.grad, *where, **options)
        return self

    def double(self) -> Self:
        return self.to(dtypes.float64)

    def float(self) -> Self:
        return self.to(dtypes.float32)

    def half(self) -> Self:
        return self.to(dtypes.float16)

    def cpu(self) -> Self:
        return self

    # -- text --
    def extra_repr(self) -> str:
        """What stands between the brackets of the module's own line."""
        return ""

    def _lines(self) -> Iterable[tuple[str, str]]:
        return ((name, repr(module)) for name, module in self.named_children())

    def __repr__(self) -> str:
        lines = [f"({name}): {indent(text, '  ').lstrip()}" for name, text in self._lines()]
        own = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({own})"
        body = "".join(f"  {line}\n" for line in ([own] if own else []) + lines)
        return f"{type(self).__name__}(\n{body})"


def _refuse_name(kind: str, name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
    if "." in name or not name:
        raise KeyError(f'{kind} name can\'t contain "."' if name else f'{kind} name can\'t be empty string ""')


def _refuse_other(module: Any) -> None:
    if not isinstance(module, Module):
        raise TypeError(f"{getattr(module, '__name__', type(module).__name__)} is not a Module subclass")


class Parameters(list[Any]):
    """A list of parameters that `next()` takes from too, as from PyTorch's iterator."""

    def __next__(self) -> Any:
        if not self:
            raise StopIteration
        return self.pop(0)


class Loaded(NamedTuple):
    """What `load_state_dict` met besides what it set."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _elements(member: Any) -> Iterable[Any]:
    return member if isinstance(member, Bundle | list | tuple) else (member,)


def _is_parameter(p: Any) -> bool:
    return isinstance(p, Parameter) or (isinstance(p, Value) and p.rule is None)


class _Several(Module):
    """What ModuleList and Sequential share: modules by number, and those that are attributes, which come after them."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self._modules: dict[str, Module] = {}
        for module in modules:
            self.append(module)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module) and "_modules" in vars(self):
            self.add_module(name, value)
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        modules = vars(self).get("_modules", {})
        if name in modules:
            return modules[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def add_module(self, name: str, module: Module | None) -> None:
        _refuse_name("module", name)
        _refuse_other(module)
        self._modules[name] = module  # type: ignore[assignment]
        self._rename(self._name)
        Bundle.changes = object()

    def append(self, module: Module) -> Self:
        """Add a module at the end. Raises TypeError for anything else."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take a module out."""
        found: Module = self[index]
        del self[index]
        return found

    def __add__(self, other: Iterable[Module]) -> Self:
        found = type(self).__new__(type(self))
        _Several.__init__(found, [*self, *other])
        return found

    def extend(self, modules: Iterable[Module]) -> Self:
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        _refuse_other(module)
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._hold(modules)
        return self

    def _hold(self, modules: list[Module]) -> None:
        self._modules = {str(i): module for i, module in enumerate(modules)}
        self._rename(self._name)

    def _members(self) -> Iterable[tuple[str, Any]]:
        own = [(name, x) for name, x in vars(self).items() if _is_parameter(x)]  # of a subclass
        return [*own, *self._modules.items()] if own else self._modules.items()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def _at(self, index: int) -> str:
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of range: {type(self).__name__} holds {n} modules")
        return list(self._modules)[index]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            found = type(self).__new__(type(self))
            Module.__init__(found)
            found._modules = dict(list(self._modules.items())[index])
            if isinstance(self, ModuleList):
                found._modules = {str(i): module for i, module in enumerate(found._modules.values())}
            return found
        return self._modules[self._at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        _refuse_other(module)
        self._modules[self._at(index)] = module
        self._rename(self._name)
        Bundle.changes = object()

    def __delitem__(self, index: Any) -> None:
        kept = list(self._modules.values())
        del kept[index]
        self._hold(kept)


class ModuleList(_Several):
    """A list of modules that its owner knows: indexed, iterated, appended to."""

    def _lines(self) -> Iterable[tuple[str, str]]:
        """Equal modules that follow each other on one line: (0-2): 3 x Linear(…)."""
        for text, group in groupby(enumerate(text for _, text in super()._lines()), key=itemgetter(1)):
            at = [i for i, _ in group]
            yield (str(at[0]), text) if len(at) == 1 else (f"{at[0]}-{at[-1]}", f"{len(at)} x {text}")

    def _rename(self, name: str) -> None:  # a list is never called, so its members carry its name
        super()._rename(name)
        for i, module in self._modules.items():
            module._rename(f"{name}.{i}" if name else i)


class Sequential(_Several):
    """Modules one after the other: each one is called on what the one before gives.

    Modules, or one dictionary of them by name.

    >>> from microgradx.nn import Linear, Tanh
    >>> Sequential(Linear(1, 8), Tanh(), Linear(8, 1))
    Sequential(
      (0): Linear(in_features=1, out_features=8, bias=True)
      (1): Tanh()
      (2): Linear(in_features=8, out_features=1, bias=True)
    )
    """

    def __init__(self, *modules: Any) -> None:
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], dict) else None
        super().__init__(() if named else modules)
        for name, module in (named or {}).items():
            self.add_module(name, module)

    def _rename(self, name: str) -> None:
        super()._rename(name)
        for inner, module in self._modules.items():
            module._rename(inner)

    def forward(self, x: Any) -> Any:
        for module in self._modules.values():
            x = module(x)
        return x
