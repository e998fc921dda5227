"""The text of a tensor, as PyTorch prints it (https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html).

All numbers of a tensor are written in one style and padded to one width; both come from those that are finite and
not 0. Above `threshold` elements only the edges are shown, and only they decide.

>>> print(text(np.array([[1.0, 2.5], [np.inf, -3.25]])))
[[ 1.0000,  2.5000],
 [    inf, -3.2500]]
>>> print(text(np.arange(2000.0)))
[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,
 1.9990e+03]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import dtypes

__all__ = ["set_printoptions", "tensor_repr", "text"]


@dataclass(frozen=True)
class Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=math.inf)}
_options = PROFILES["default"]


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Change how every tensor prints from now on; None leaves an option as it is.

    `precision`: digits after the point. `threshold`: more elements than this are summarised, `edgeitems` at each end
    of an axis. `linewidth`: characters in a line. `profile`: "default", "short" or "full", which the others refine.
    `sci_mode`: scientific notation always (True), never (False) or as the numbers need it (None, to which each call
    without it returns, as in PyTorch). Raises ValueError for an unknown profile.
    """
    global _options
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"profile is one of {', '.join(map(repr, PROFILES))}, got {profile!r}")
    given: dict[str, Any] = dict(
        precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth
    )  # fmt: skip
    base = _options if profile is None else PROFILES[profile]
    _options = replace(base, sci_mode=sci_mode, **{name: x for name, x in given.items() if x is not None})


# ---- numbers ---------------------------------------------------------------------------------------------


def _integral(x: float) -> str:
    """2.0 as "2.": the point says that the tensor is of floats."""
    return f"{x:.0f}." if math.isfinite(x) else f"{x}"


def _style(numbers: NDArray[np.float64]) -> Callable[[float], str]:
    """How all floats of a tensor are written whose finite ones other than 0 are `numbers`."""
    if not numbers.size:
        return _integral
    scientific = _options.sci_mode
    if scientific is None:
        sizes = np.abs(numbers)
        smallest, largest = float(sizes.min()), float(sizes.max())
        scientific = largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
    if scientific:
        return f"{{:.{_options.precision}e}}".format
    if (numbers == np.ceil(numbers)).all():
        return _integral
    return f"{{:.{_options.precision}f}}".format


def _cells(array: NDArray[Any]) -> tuple[NDArray[np.object_], int]:
    """Each element as text, padded on the left; and the width that they are padded to."""
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # a signalling nan is a nan
            doubles = array.astype(np.float64)
        counts = np.isfinite(doubles) & (doubles != 0)
        style = _style(doubles[counts])
    else:
        counts, style = np.ones(array.shape, bool), str
    cells = [style(x) for x in array.ravel().tolist()]
    # "-inf" or "-0." may be wider, and then stand out
    width = max((len(cell) for cell, counted in zip(cells, counts.ravel(), strict=True) if counted), default=1)
    padded = np.array([cell.rjust(width) for cell in cells], object)
    return padded.reshape(array.shape), width


# ---- brackets --------------------------------------------------------------------------------------------


def _edges(array: NDArray[Any]) -> NDArray[Any]:
    """`array` without the middle of its long axes."""
    edge = _options.edgeitems
    kept = [[*range(edge), *range(n - edge, n)] if n > 2 * edge else range(n) for n in array.shape]
    return array[np.ix_(*kept)]


def _bracketed(cells: list[Any], shape: tuple[int, ...], indent: int, width: int) -> str:
    """Nested lists of texts in brackets; `shape` is that of the whole tensor, so that gaps get their dots."""
    inner, start_of_line = shape[1:], "\n" + " " * (indent + 1)
    rows = [_bracketed(row, inner, indent + 1, width) for row in cells] if inner else cells
    if len(rows) < shape[0]:
        rows.insert(_options.edgeitems, "..." if inner else " ...")
    if inner:
        return "[" + ("," + "\n" * (len(inner) - 1) + start_of_line).join(rows) + "]"
    step = max(1, math.floor((_options.linewidth - indent) / (width + len(", "))))
    lines = (", ".join(rows[i : i + step]) for i in range(0, len(rows), step))
    return "[" + ("," + start_of_line).join(lines) + "]"


def text(array: NDArray[Any], indent: int = 0) -> str:
    """The numbers of an array of any shape in their brackets; lines after the first begin `indent` further right."""
    if not array.size:
        return "[]"
    shown = array
    if array.size > _options.threshold and array.ndim:
        if not _options.edgeitems:
            return "[...]"
        shown = _edges(array)
    cells, width = _cells(shown)
    return _bracketed(cells.tolist(), array.shape, indent, width) if array.ndim else str(cells[()])


# ---- tensors ---------------------------------------------------------------------------------------------


def _with_suffixes(head: str, suffixes: Iterable[str], indent: int) -> str:
    """`head, suffix, …)`, a suffix going to a new line where PyTorch moves it there."""
    # PyTorch counts two columns more than there are, but only up to the first line that it breaks
    column = len(head) - (head.rfind("\n") + 1) + 2
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            head += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            head += ", " + suffix
            column += 2 + len(suffix)
    return head + ")"


def tensor_repr(t: Any) -> str:
    """`tensor([1., 2.], grad_fn=<AddBackward0>)`: the numbers, then what cannot be read off them.

    That is the size of an empty tensor, a dtype other than the default one of its kind, and `grad_fn` or, for a leaf,
    `requires_grad=True`. A Parameter says so on a line of its own; other subclasses print under their own names.
    """
    kind, *bases = (cls.__name__ for cls in type(t).__mro__)
    head = "tensor(" if kind in {"Tensor", "Parameter"} else f"{kind}("
    array, default = t._data, dtypes.get_default_dtype()
    if array.size:
        says_size, inferred = not _options.edgeitems, {default, dtypes.int64, dtypes.bool}
    else:
        says_size, inferred = array.ndim != 1, {default}
    suffixes = []
    if says_size:
        suffixes.append(f"size={array.shape}")
    if (dtype := dtypes.of(array.dtype)) not in inferred:
        suffixes.append(f"dtype={dtype}")
    if t.grad_fn is not None:
        suffixes.append(f"grad_fn=<{t.grad_fn.name()}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    written = _with_suffixes(head + text(array, len(head)), suffixes, len(head))
    if "Parameter" in bases:
        written = f"Parameter({written})"
    return f"Parameter containing:\n{written}" if "Parameter" in (kind, *bases) else written
