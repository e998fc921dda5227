"""micrograd's Neuron, Layer and MLP of Values.

>>> model = MLP(2, [3, 1], seed=0)
>>> model
MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]]
>>> y = model([0.5, -1.0])
>>> y.scope, y.op, len(model.parameters())
('layers.1.neurons.0', 'dot', 13)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from ..graph import Bundle, current, enter, leave
from ..rules import RULES, Rule
from ..value import Value, bundle, dot, dots
from .module import Module, ModuleList

__all__ = ["MLP", "Layer", "Neuron"]

Activation = str | Callable[[Any], Any]


def _activation(chosen: Activation) -> Callable[[Any], Any]:
    if callable(chosen):
        return chosen
    rule = RULES.get(chosen)
    if rule is None or rule.required != 1:
        known = ", ".join(sorted(r.name for r in RULES.values() if r.required == 1))
        raise ValueError(f"activation is a rule of one input or a function, got {chosen!r}; rules: {known}")
    return getattr(Value, chosen, rule)


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
        if not isinstance(nin, int) or nin < 0:
            raise ValueError(f"nin is the number of inputs, an int ≥ 0, got {nin!r}")
        uniform = (random if seed is None else _generator(seed)).uniform
        self.w = Bundle(Value(uniform(-1, 1)) for _ in range(nin))
        self.b = Value(0.0)
        self.nonlin, self.activation, self.expand = nonlin, activation, expand
        self._activate = _activation(activation)

    def forward(self, x: Sequence[Any]) -> Value:
        out = self._expanded(x) if self.expand else dot(self.w, x, self.b)
        return self._activate(out) if self.nonlin else out  # type: ignore[no-any-return]

    def _expanded(self, x: Sequence[Any]) -> Value:
        if len(x) != len(self.w):
            raise ValueError(f"expected as many inputs as weights, got {len(self.w)} weights and {len(x)} inputs")
        out = self.b
        for w, xi in zip(self.w, x, strict=True):
            out = out + w * xi
        return out

    def __repr__(self) -> str:
        name = self.activation if isinstance(self.activation, str) else getattr(self.activation, "__name__", "custom")
        kind = {"relu": "ReLU"}.get(name, name.capitalize()) if self.nonlin else "Linear"
        return f"{kind}Neuron({len(self.w)})"


class Layer(Module):
    """nout neurons on the same nin inputs; called, it gives a list, or for nout = 1 the one Value."""

    def __init__(self, nin: int, nout: int, **neuron: Any) -> None:
        if not isinstance(nout, int) or nout < 1:
            raise ValueError(f"nout is the number of neurons, an int ≥ 1, got {nout!r}")
        if neuron.get("seed") is not None:
            neuron["seed"] = _generator(neuron["seed"])
        self.neurons = ModuleList(Neuron(nin, **neuron) for _ in range(nout))

    def forward(self, x: Sequence[Any]) -> Any:
        x = bundle(x)
        neurons = list(self.neurons)
        if any(type(neuron) is not Neuron or neuron.expand for neuron in neurons):
            out = [neuron(x) for neuron in neurons]
        else:  # the same nodes, in one go
            out = dots([neuron.w for neuron in neurons], x, [neuron.b for neuron in neurons])
            for i, neuron in enumerate(neurons):
                token = enter(neuron._name)
                try:
                    out[i]._scope = current()
                    if neuron.nonlin:
                        out[i] = neuron._activate(out[i])
                finally:
                    leave(token)
        return out[0] if len(out) == 1 else out

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
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def _generator(seed: int | random.Random) -> random.Random:
    return seed if isinstance(seed, random.Random) else random.Random(seed)
