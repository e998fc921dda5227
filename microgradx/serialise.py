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

import json
import os
import zipfile
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

from .tensor import Tensor

__all__ = ["load", "save"]

STRUCTURE = "structure.json"  # what holds the arrays together


def save(obj: Any, f: Any) -> None:
    """Write to a path or a binary file. A tensor that requires a gradient does so when it is loaded.

    Raises TypeError for what is no data, such as a Module: save its state_dict(). A file that is there already is
    replaced once the new one is complete.
    """
    arrays: dict[str, Any] = {}
    structure = json.dumps(_packed(obj, arrays))
    arrays[STRUCTURE] = np.frombuffer(structure.encode(), np.uint8)
    if not isinstance(f, str | os.PathLike):
        np.savez(f, **arrays)
        return
    part = f"{os.fspath(f)}.part"
    try:
        with open(part, "wb") as file:
            np.savez(file, **arrays)
        os.replace(part, f)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise


def load(f: Any, map_location: Any = None, weights_only: bool = True) -> Any:
    """Read what `save` wrote, or any .npz of arrays (a dict of tensors). Runs no code that the file may hold.

    map_location and weights_only change nothing. Raises ValueError for a file of another kind, such as PyTorch's own
    pickles.
    """
    try:
        found = np.load(f, allow_pickle=False)
        if not isinstance(found, NpzFile):
            raise ValueError("it is one array")
        with found:
            arrays = dict(found.items())
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("it is a .zip of something else")
    except (ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise ValueError(f"expected an .npz file of arrays as save() writes it ({problem})") from None
    if STRUCTURE not in arrays:
        return {name: Tensor._of(array) for name, array in arrays.items()}
    return _unpacked(json.loads(arrays[STRUCTURE].tobytes()), arrays)


def _packed(x: Any, arrays: dict[str, Any]) -> Any:
    """Plain data with the arrays' names in it, for JSON: what is no number or text is {kind: …}."""
    if isinstance(x, Tensor | np.ndarray | np.generic):
        name = f"array{len(arrays)}"
        arrays[name] = x._data if isinstance(x, Tensor) else np.asarray(x)
        if arrays[name].dtype.hasobject:
            raise TypeError("save() writes arrays of numbers, got one of Python objects")
        return {"array" if not isinstance(x, Tensor) else "leaf" if x.requires_grad else "tensor": name}
    if isinstance(x, dict):
        return {"dict": [[_packed(k, arrays), _packed(v, arrays)] for k, v in x.items()]}
    if isinstance(x, list | tuple):
        return {"list" if isinstance(x, list) else "tuple": [_packed(e, arrays) for e in x]}
    if x is None or isinstance(x, bool | int | float | str):
        return x
    raise TypeError(f"save() writes tensors, arrays, numbers and texts, in dicts and lists, got {type(x).__name__}; "
                    "of a model save its state_dict()")  # fmt: skip


def _unpacked(x: Any, arrays: dict[str, Any]) -> Any:
    if not isinstance(x, dict):
        return x
    ((kind, inner),) = x.items()
    if kind in ("tensor", "leaf"):
        return Tensor._of(arrays[inner]).requires_grad_(kind == "leaf")
    if kind == "array":
        return arrays[inner]
    if kind == "dict":
        return {_unpacked(k, arrays): _unpacked(v, arrays) for k, v in inner}
    return (list if kind == "list" else tuple)(_unpacked(e, arrays) for e in inner)
