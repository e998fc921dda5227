"""From micrograd's MLP of Values to a Sequential of Tensors with the same weights, and back.

>>> from microgradx.creation import tensor
>>> mlp = MLP(2, [3, 1], activation="tanh", seed=0)
>>> net = mlp.to_sequential()
>>> net
Sequential(
  (0): Linear(in_features=2, out_features=3, bias=True)
  (1): Tanh()
  (2): Linear(in_features=3, out_features=1, bias=True)
)
>>> from microgradx.dtypes import float64
>>> abs(net(tensor([0.5, -1.0], dtype=float64)).item() - mlp([0.5, -1.0]).data) < 1e-12
True
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import dtype, float64
from . import layers
from .module import Sequential
from .neurons import MLP, Layer, Neuron

__all__ = ["from_sequential", "to_sequential"]

#: activations by the name of their rule
ACTIVATIONS: dict[str, type[Any]] = {
    "relu": layers.ReLU, "tanh": layers.Tanh, "sigmoid": layers.Sigmoid, "leaky_relu": layers.LeakyReLU,
    "elu": layers.ELU, "gelu": layers.GELU, "silu": layers.SiLU, "softplus": layers.Softplus,
}  # fmt: skip


def _activation(layer: Layer) -> str:
    """The one activation of all neurons of a layer, "" for a linear layer."""
    chosen = {neuron.activation if neuron.nonlin else "" for neuron in layer.neurons}
    name = chosen.pop()
    if chosen or (name and name not in ACTIVATIONS):
        raise ValueError(f"a layer becomes a module when its neurons have one activation of {sorted(ACTIVATIONS)}, got "
                         f"{sorted(map(str, {name, *chosen}))}")  # fmt: skip
    return name


def to_sequential(mlp: MLP, dtype: dtype | None = None) -> Sequential:
    """Linear layers and activations with the weights of the MLP, copied, float64 by default.

    Raises ValueError for activations of one's own.
    """
    modules: list[Any] = []
    for layer in mlp.layers:
        weights = np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
        linear = layers.Linear(weights.shape[1], weights.shape[0], dtype=dtype or float64)
        linear.load_state_dict({"weight": weights, "bias": np.array([neuron.b.data for neuron in layer.neurons])})
        modules.append(linear)
        if name := _activation(layer):
            modules.append(ACTIVATIONS[name]())
    return Sequential(*modules)


def from_sequential(net: Sequential) -> MLP:
    """The MLP of Values with the weights of a Sequential of Linear layers and activations; the last layer is linear.

    Raises ValueError for any other modules.
    """
    names = {kind: name for name, kind in ACTIVATIONS.items()}
    linears = [m for m in net if isinstance(m, layers.Linear)]
    between = [names.get(type(m)) for m in net if not isinstance(m, layers.Linear)]
    pattern = [isinstance(m, layers.Linear) for m in net]
    if not linears or pattern != ([True, False] * len(linears))[:-1] or len({*between}) > 1 or None in between:
        raise ValueError("an MLP is made of Linear, activation, Linear, …, Linear with one kind of activation, got "
                         f"{[type(m).__name__ for m in net]}")  # fmt: skip
    mlp = MLP(linears[0].in_features, [m.out_features for m in linears], activation=(between or ["relu"])[0], seed=0)
    for layer, linear in zip(mlp.layers, linears, strict=True):
        biases = np.zeros(linear.out_features) if linear.bias is None else linear.bias._data
        for neuron, weights, b in zip(layer.neurons, linear.weight._data.tolist(), biases.tolist(), strict=True):
            _set(neuron, weights, b)
    return mlp


def _set(neuron: Neuron, weights: list[float], b: float) -> None:
    for w, number in zip(neuron.w, weights, strict=True):
        w.data = number
    neuron.b.data = b
