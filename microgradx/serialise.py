"""save and load: tensors, arrays, numbers, and dicts and lists of them, as one .npz file. Never a pickle.

>>> import io
>>> from microgradx.creation import tensor
>>> file = io.BytesIO()
>>> save({"weight": tensor([1.0, 2.0]), "epoch": 3}, file)
>>> _ = file.seek(0)
>>> load(file)
{'weight': tensor([1., 2.]), 'epoch': 3}
"""

from __future__ import annotations

import io
import json
import os
from typing import Any

import numpy as np

from .tensor import Tensor

__all__ = ["load", "save"]

STRUCTURE = "structure.json"  # what holds the arrays together


def save(obj: Any, f: Any) -> None:
    """Write to a path or a binary file. Raises TypeError for what is no data, such as a Module: save its state_dict()."""
    arrays: dict[str, Any] = {}
    structure = json.dumps(_packed(obj, arrays))
    arrays[STRUCTURE] = np.frombuffer(structure.encode(), np.uint8)
    if isinstance(f, str | os.PathLike):
        whole = io.BytesIO()  # a disk that is full must not leave half a file under the name
        np.savez(whole, **arrays)
        with open(f, "wb") as file:
            file.write(whole.getbuffer())
    else:
        np.savez(f, **arrays)


def load(f: Any, map_location: Any = None, weights_only: bool = True) -> Any:
    """Read what `save` wrote, or any .npz of arrays (a dict of tensors). Runs no code that the file may hold.

    Raises ValueError for a file of another kind, such as PyTorch's own pickles.
    """
    try:
        with np.load(f, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except (ValueError, OSError) as problem:
        if isinstance(problem, FileNotFoundError):
            raise
        raise ValueError(f"expected an .npz file of arrays as save() writes it ({problem})") from None
    if not isinstance(arrays, dict):
        raise ValueError("expected an .npz file of arrays as save() writes it")
    if STRUCTURE not in arrays:
        return {name: Tensor._of(array) for name, array in arrays.items()}
    return _unpacked(json.loads(arrays[STRUCTURE].tobytes()), arrays)


def _packed(x: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(x, Tensor | np.ndarray | np.generic):
        name = f"array{len(arrays)}"
        arrays[name] = x._data if isinstance(x, Tensor) else x
        return {"tensor" if isinstance(x, Tensor) else "array": name}
    if isinstance(x, dict):
        return {"dict": [[_packed(k, arrays), _packed(v, arrays)] for k, v in x.items()]}
    if isinstance(x, list | tuple):
        return {type(x).__name__ if type(x) in (list, tuple) else "tuple": [_packed(e, arrays) for e in x]}
    if x is None or isinstance(x, bool | int | float | str):
        return x
    raise TypeError(f"save() writes tensors, arrays, numbers and texts, in dicts and lists, got {type(x).__name__}; "
                    "of a model save its state_dict()")  # fmt: skip


def _unpacked(x: Any, arrays: dict[str, Any]) -> Any:
    if not isinstance(x, dict):
        return x
    ((kind, inner),) = x.items()
    if kind == "tensor":
        return Tensor._of(arrays[inner])
    if kind == "array":
        return arrays[inner]
    if kind == "dict":
        return {_unpacked(k, arrays): _unpacked(v, arrays) for k, v in inner}
    return (list if kind == "list" else tuple)(_unpacked(e, arrays) for e in inner)
