"""micrograd's Neuron, Layer and MLP of Values.

>>> model = MLP(2, [3, 1], seed=0)
>>> model
MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]]
>>> y = model([0.5, -1.0])
>>> y.scope, y.op, len(model.parameters())
('layers.1.neurons.0', 'dot', 13)
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Sequence
from typing import Any

from ..dot import dot
from ..rules import RULES, Rule
from ..scopes import current
from ..value import Value, bundle, methods
from ..vectors import Bundle
from .module import Module, ModuleList
from .rows import Rows

__all__ = ["MLP", "Layer", "Neuron"]

Activation = str | Callable[[Any], Any]


def _rule(chosen: Activation) -> Rule | None:
    """The activation's rule, None for a function."""
    if callable(chosen) and not isinstance(chosen, Rule):
        return None
    rule = RULES.get(chosen) if isinstance(chosen, str) else chosen
    if rule is None or rule.required != 1:
        known = ", ".join(sorted(r.name for r in RULES.values() if r.required == 1))
        raise ValueError(f"activation is a rule of one input or a function, got {chosen!r}; rules: {known}")
    return rule


class Neuron(Module):
    """activation(Σ wᵢxᵢ + b): nin weights uniform in (−1, 1), a bias of 0.

    nonlin: False for a linear neuron. activation: the name of a rule, or a function of a Value. expand: build
    the sum from small multiplications and additions, as micrograd does, instead of one `dot` node. seed: an
    int or a random.Random; by default Python's global `random`, so that `random.seed(1337)` gives micrograd's
    own weights. Called on nin numbers or Values.
    """

    def __init__(
        self, nin: int, nonlin: bool = True, activation: Activation = "relu", expand: bool = False,
        seed: int | random.Random | None = None,
    ) -> None:  # fmt: skip
        nin = _count("nin is the number of inputs", nin, 0)
        uniform = (random if seed is None else _generator(seed)).uniform
        self.w = Bundle(Value(uniform(-1, 1), label=f"w{i}") for i in range(nin))
        self.b = Value(0.0, label="b")
        self.nonlin, self.activation, self.expand = nonlin, activation, expand

    @property
    def activation(self) -> Activation:
        return self._activation

    @activation.setter
    def activation(self, chosen: Activation) -> None:
        self._rule, self._activation = _rule(chosen), chosen
        #: the faster form of the same
        self._activate: Any = methods.get(self._rule, self._rule) if self._rule else chosen

    def forward(self, x: Sequence[Any]) -> Value:
        out = self._expanded(x) if self.expand else dot(self.w, x, self.b)
        return self._activate(out) if self.nonlin else out

    def _expanded(self, x: Sequence[Any]) -> Value:
        if len(x) != len(self.w):
            raise ValueError(f"expected as many inputs as weights, got {len(self.w)} weights and {len(x)} inputs")
        out = self.b
        for w, xi in zip(self.w, x, strict=True):
            out = out + w * xi
        return out

    def __repr__(self) -> str:
        name = self._rule.name if self._rule else getattr(self.activation, "__name__", "custom")
        kind = {"relu": "ReLU"}.get(name, name.capitalize()) if self.nonlin else "Linear"
        return f"{kind}Neuron({len(self.w)})"


class Layer(Module):
    """nout neurons on the same nin inputs; called, it gives a list, or for nout = 1 the one Value."""

    def __init__(self, nin: int, nout: int, **neuron: Any) -> None:
        nout = _count("nout is the number of neurons", nout, 1)
        if neuron.get("seed") is not None:
            neuron["seed"] = _generator(neuron["seed"])
        self.neurons = ModuleList(Neuron(nin, **neuron) for _ in range(nout))
        self._rows: Rows | None = None

    def _stacked(self, x: Bundle) -> Rows | None:
        """Today's weights, stacked; None where the neurons must be asked one by one."""
        if self._rows is None or self._rows.seen is not Bundle.changes:
            usual = "forward" not in vars(self) and all(
                type(neuron) is Neuron and "forward" not in vars(neuron) and not neuron.expand
                and type(neuron.b) is Value and type(neuron.w) is Bundle and not neuron.w.constant
                and len(neuron.w) == len(self.neurons[0].w)
                for neuron in self.neurons
            )  # fmt: skip
            object.__setattr__(self, "_rows", Rows(self.neurons) if usual else None)
        fits = self._rows is not None and self._rows.width == len(x.data) and not current().checking
        return self._rows if fits else None

    def forward(self, x: Sequence[Any]) -> Any:
        inputs = bundle(x)
        rows = self._stacked(inputs)
        out = [neuron(inputs) for neuron in self.neurons] if rows is None else rows.nodes(inputs)
        return out[0] if len(out) == 1 else out

    def _hidden(self, x: Sequence[Any]) -> Any:
        """What calling it gives to the layer above; the nodes are made when they are looked at."""
        inputs = bundle(x)
        rows = self._stacked(inputs)
        folded = None if rows is None else rows.folded(inputs, current().within(self._name))
        if folded is not None:
            return folded
        out = self(inputs)
        return [out] if isinstance(out, Value) else out

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A chain of layers of nouts neurons each; the last one is linear. Other options are Neuron's."""

    def __init__(self, nin: int, nouts: Sequence[int], **neuron: Any) -> None:
        if not isinstance(nouts, Sequence) or isinstance(nouts, str) or not nouts:
            raise ValueError(f"nouts is a list with the size of each layer, such as [16, 16, 1], got {nouts!r}")
        if neuron.get("seed") is not None:
            neuron["seed"] = _generator(neuron["seed"])
        sizes, last = [nin, *nouts], len(nouts) - 1
        self.layers = ModuleList(
            Layer(sizes[i], sizes[i + 1], nonlin=i != last, **neuron) for i in range(len(nouts))
        )

    def forward(self, x: Sequence[Any]) -> Any:
        *hidden, last = self.layers
        for layer in hidden:
            x = layer._hidden(x) if type(layer) is Layer else layer(x)
        return last(x)

    def to_sequential(self, dtype: Any = None) -> Any:
        """The network of Tensors with these weights, copied: Linear layers and activations, float64 by default.

        Raises ValueError for activations of one's own. `nn.from_sequential` goes the other way.
        """
        from .bridge import to_sequential  # which needs this class

        return to_sequential(self, dtype)

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def _count(what: str, n: Any, least: int) -> int:
    if not hasattr(n, "__index__") or operator.index(n) < least:
        raise ValueError(f"{what}, an int ≥ {least}, got {n!r}")
    return operator.index(n)


def _generator(seed: int | random.Random) -> random.Random:
    return seed if isinstance(seed, random.Random) else random.Random(seed)
