"""Optimizers and learning-rate schedules, by PyTorch's names; each steps Values and Tensors alike.

>>> from microgradx.value import Value
>>> x, y = Value(3.0), Value(3.0)
>>> optimizer = Adam([{"params": x}, {"params": y, "lr": 0.01}], lr=0.1)
>>> (x * x + y * y).backward()
>>> optimizer.step()
>>> round(x.data, 6), round(y.data, 6)
(2.9, 2.99)
"""

from . import lr_scheduler
from .algorithms import SGD, Adagrad, Adam, AdamW, RMSprop, Rprop
from .lr_finder import RangeTest, lr_range_test
from .optimizer import Optimizer

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "RangeTest", "Rprop", "lr_range_test", "lr_scheduler",
]  # fmt: skip
