"""torch.linalg, as far as courses use it.

>>> from microgradx.creation import tensor
>>> norm(tensor([3.0, 4.0])), matrix_norm(tensor([[3.0, 0.0], [0.0, 4.0]]))
(tensor(5.), tensor(5.))
"""

from __future__ import annotations

from typing import Any

from . import functions
from .tensor import Tensor

__all__ = ["matrix_norm", "norm", "vector_norm"]


def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over some axes, or all."""
    return functions.norm(x, ord, dim, keepdim)


def norm(x: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The 2-norm of all elements; with an order, that of vectors. Raises ValueError for an order of a matrix."""
    if ord is not None and (x.ndim == 2 if dim is None else isinstance(dim, tuple) and len(dim) == 2):
        return matrix_norm(x, ord, dim or (-2, -1), keepdim)
    return vector_norm(x, 2 if ord is None else ord, dim, keepdim)


def matrix_norm(x: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """The Frobenius norm of matrices. Raises ValueError for any other order."""
    if ord != "fro":
        raise ValueError(f'of matrices there is the Frobenius norm alone, ord="fro", got {ord!r}')
    return vector_norm(x, 2, dim, keepdim)
