"""Hypothesis strategies: random programs whose gradients are known, and the arrays and shapes to go with them.

Nothing is rejected, and what fails shrinks to one or two operations, on 1.0 where that will do.

>>> from hypothesis import given, settings
>>> @settings(max_examples=20, database=None)
... @given(programs(max_nodes=4))
... def test(program):
...     assert not differential(program, ["microgradx"]).wrong
>>> test()
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .corpus import RECENT, differential
from .programs import ARRAYS, SCALARS, Array, Dag, decode, fixed, leaf

__all__ = ["arrays", "broadcastable_shapes", "cotangents", "differential", "expressions", "programs", "shapes"]

Shape = tuple[int, ...]
_eighths = st.lists(st.integers(-32, 16), max_size=8)


def _sides(low: int, high: int) -> st.SearchStrategy[int]:
    """1 is the simplest, 0 the last resort."""
    if not 0 <= low <= high:
        raise ValueError(f"0 <= min_side <= max_side must hold, got min_side={low}, max_side={high}; give both")
    return st.sampled_from(sorted(range(low, high + 1), key=lambda n: (n == 0, n)))


def shapes(*, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3) -> st.SearchStrategy[Shape]:
    """Shapes, 0-d and empty ones among them."""
    if not 0 <= min_dims <= max_dims:
        raise ValueError(f"0 <= min_dims <= max_dims must hold, got min_dims={min_dims}, max_dims={max_dims}; "
                         "give both")  # fmt: skip
    return st.lists(_sides(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def broadcastable_shapes(draw: st.DrawFn, shape: Shape, *, max_dims: int | None = None, max_side: int = 3) -> Shape:
    """Shapes that broadcast with `shape`; an axis of one of them may be 1, or be missing in front."""
    longest = len(shape) + 1 if max_dims is None else max_dims
    n = draw(st.integers(0, longest))
    lead = max(0, n - len(shape))
    front = draw(shapes(min_dims=lead, max_dims=lead, max_side=max_side))
    sides = (draw(_sides(0, max_side) if m == 1 else st.sampled_from([1, m])) for m in shape[len(shape) + lead - n :])
    return (*front, *sides)


def arrays(shape: Shape | st.SearchStrategy[Shape] | None = None, dtype: Any = np.float64) -> st.SearchStrategy[Array]:
    """Arrays of eighths between −3 and 3, which every dtype holds exactly; the simplest is full of 1.0."""
    shape = shapes() if shape is None else st.just(shape) if isinstance(shape, tuple) else shape
    return st.builds(leaf, shape, _eighths, st.just(dtype))


def cotangents(shape: Shape, dtype: Any = np.float64) -> st.SearchStrategy[Array]:
    """Gradients to begin with: distinct numbers of both signs, none of them 1."""
    return st.integers(0, 7).map(lambda start: fixed(shape, start).astype(dtype))


def expressions(*, ops: Sequence[str] = SCALARS, max_nodes: int = 8) -> st.SearchStrategy[Dag]:
    """Programs of numbers; `build("values")` makes a graph of Values, that Program.of reads.

    ops: operations to choose from, of those in SCALARS, the simplest first. max_nodes: not counting repairs.
    """
    return _drawn(st.just(()), _chosen(ops, SCALARS), max_nodes, st.just(np.float64))


def programs(
    *, ops: Sequence[str] = ARRAYS, max_nodes: int = 8, dtype: Any = None, min_side: int = 0, max_side: int = 3
) -> st.SearchStrategy[Dag]:
    """Programs of arrays, in float64 and float32 or in the one dtype that is named.

    ops: operations to choose from, of those in ARRAYS, the simplest first. max_nodes: not counting repairs.
    """
    if dtype is not None and not _is_float(dtype):
        raise ValueError(f"dtype must be float64 or float32, since all leaves have gradients, or None for both; got "
                         f"{dtype!r}")  # fmt: skip
    kinds = st.sampled_from([np.float64, np.float32]) if dtype is None else st.just(dtype)
    return _drawn(shapes(min_side=min_side, max_side=max_side), _chosen(ops, ARRAYS), max_nodes, kinds)


def _is_float(dtype: Any) -> bool:
    try:
        return np.dtype(dtype) in (np.float64, np.float32)
    except TypeError:
        return False


def _chosen(ops: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if isinstance(ops, str):
        raise TypeError(f"ops must be a sequence of names, got {ops!r}; give [{ops!r}]")
    if not (chosen := tuple(ops)):
        raise ValueError("ops must name one operation at least, got none; leave it out for all of them")
    if unknown := [op for op in chosen if op not in known]:
        near = [match for op in unknown for match in get_close_matches(str(op), known)]
        there = f"near to that are {', '.join(near)}" if near else f"there are {', '.join(known)}"
        raise ValueError(f"ops has {', '.join(map(repr, unknown))}, which is no operation here; {there}")
    return chosen


def _drawn(
    shape: st.SearchStrategy[Shape], ops: Sequence[str], max_nodes: int, dtype: st.SearchStrategy[Any]
) -> st.SearchStrategy[Dag]:
    if max_nodes < 1:
        raise ValueError(f"max_nodes must be 1 or more, got {max_nodes}")
    back = st.sampled_from(RECENT)
    genes = st.tuples(st.integers(0, len(ops) - 1), back, back, st.integers(0, 63))
    leaves = st.lists(st.tuples(shape, _eighths), min_size=1, max_size=3)
    # few steps are the simplest, which few programs begin with: a fault shrinks to the steps that show it, whatever
    # its genome needs to come to them
    last = st.sampled_from([*range(1, 5), *[None] * 28])
    keep = st.sampled_from([*range(1, 13), *[None] * 36])
    genome = st.lists(genes, min_size=1, max_size=max_nodes)

    def program(last: int | None, keep: int | None, leaves: Any, genome: Any, dtype: Any) -> Dag:
        return decode(leaves, genome, tuple(ops), dtype, keep, last)

    # in this order, because Hypothesis takes what is drawn first as what matters most
    return st.builds(program, last, keep, leaves, genome, dtype)
