"""Networks: Module, PyTorch's layers and losses of Tensors, and micrograd's Neuron, Layer and MLP of Values."""

from . import functional, init, utils
from .bridge import from_sequential
from .layers import *  # noqa: F403
from .layers import __all__ as _layers
from .losses import *  # noqa: F403
from .losses import __all__ as _losses
from .module import Module, ModuleList, Sequential
from .neurons import MLP, Layer, Neuron
from .parameter import Parameter

__all__ = [  # noqa: PLE0604
    "MLP", "Layer", "Module", "ModuleList", "Neuron", "Parameter", "Sequential", "from_sequential", "functional",
    "init", "utils", *_layers, *_losses,
]  # fmt: skip
