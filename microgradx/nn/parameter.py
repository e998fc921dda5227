"""Parameter: a Tensor that a Module knows as its own.

>>> from microgradx.creation import zeros
>>> Parameter(zeros(2))
Parameter containing:
tensor([0., 0.], requires_grad=True)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf on the memory of `data` that requires a gradient; as an attribute of a Module it is a parameter.

    Raises RuntimeError for integers that are to require a gradient, TypeError for what is no Tensor.
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        if data is None:
            data = np.empty(0, dtypes.default())
        elif not isinstance(data, Tensor):
            raise TypeError(f"a Parameter is made of a Tensor, got {type(data).__name__}; wrap it: torch.tensor(…)")
        self._data = data._data if isinstance(data, Tensor) else data
        self._node = None
        self.requires_grad = requires_grad
