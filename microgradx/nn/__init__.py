"""Networks: Module, and micrograd's Neuron, Layer and MLP of Values."""

from .module import Module, ModuleList
from .neurons import MLP, Layer, Neuron

__all__ = ["MLP", "Layer", "Module", "ModuleList", "Neuron"]
