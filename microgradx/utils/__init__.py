"""What is neither the engine nor a network: `microgradx.utils.data` feeds samples to a training loop."""

from . import data

__all__ = ["data"]
