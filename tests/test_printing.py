"""The text of tensors: stored texts of PyTorch, PyTorch itself where it is installed, and numbers read back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microgradx import dtypes, printing
from microgradx.functions import clone
from microgradx.nn.parameter import Parameter
from microgradx.tensor import Tensor

STORED = json.loads((Path(__file__).parent / "data" / "printing.json").read_text(encoding="utf-8"))["cases"]
FLOATS = ["float16", "float32", "float64"]


@pytest.fixture(autouse=True)
def options_as_they_were() -> Iterator[None]:
    yield
    dtypes.set_default_dtype(dtypes.float32)
    printing.set_printoptions(profile="default")


def tensor(array: Any, grad: str | None = None) -> Tensor:
    t = Tensor._of(array).requires_grad_(grad is not None)
    return clone(t) if grad == "node" else t


def filled(values: list[Any], dtype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The values, again and again."""
    with np.errstate(over="ignore"):  # 1e8 is infinite in float16
        return np.resize(np.array(values, dtype), shape)


# ---- PyTorch's texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", STORED, ids=lambda case: f"{case['dtype']}{tuple(case['shape'])}")
def test_texts_are_pytorchs(case: dict[str, Any]) -> None:
    dtypes.set_default_dtype(getattr(dtypes, case.get("default", "float32")))
    printing.set_printoptions(**case.get("options", {}))
    array = filled(case["values"], case["dtype"], case["shape"])
    assert repr(tensor(array, case.get("grad"))) == case["text"]


def numbers(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    """Any number of the dtype, and those that decide about styles and widths."""
    every = hnp.from_dtype(dtype)
    if dtype.kind != "f":
        return every
    small = st.integers(-2000, 2000).map(float)
    decimals = st.decimals(-1000, 1000, places=5).map(float)
    edges = st.sampled_from([-0.0, 1e-4, 9.9e-5, 1e8, 1.1e8, 9.99995, 1000.0, 1001.0, math.inf, -math.inf, math.nan])
    return every | small | decimals | edges


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    dtype = draw(st.sampled_from([*FLOATS, *FLOATS, "int64", "int8", "uint8", "bool"]))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9) | st.tuples(st.integers(0, 70)))
    size = math.prod(shape)
    return filled(draw(st.lists(numbers(np.dtype(dtype)), min_size=min(size, 1), max_size=min(size, 40))), dtype, shape)


OPTIONS = st.fixed_dictionaries({}, optional={
    "precision": st.integers(0, 9), "threshold": st.sampled_from([0, 1, 5, 20, 1000, math.inf]),
    "edgeitems": st.integers(0, 4), "linewidth": st.integers(1, 130), "sci_mode": st.booleans(),
    "profile": st.sampled_from(["default", "short", "full"]),
})  # fmt: skip


@given(arrays(), OPTIONS, st.sampled_from([None, "leaf", "node"]), st.sampled_from(FLOATS))
def test_any_tensor_prints_as_in_pytorch(a: Any, options: dict[str, Any], grad: str | None, default: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    grad = grad if a.dtype.kind == "f" else None
    theirs = torch.tensor(a).requires_grad_(grad is not None)
    theirs = theirs.clone() if grad == "node" else theirs
    torch.set_default_dtype(getattr(torch, default))
    torch.set_printoptions(**options)
    expected = repr(theirs)
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")
    dtypes.set_default_dtype(getattr(dtypes, default))
    printing.set_printoptions(**options)
    found = repr(tensor(a, grad))
    printing.set_printoptions(profile="default")
    assert found == expected


# ---- what a reader relies on --------------------------------------------------------------------------------


@given(arrays(), st.integers(0, 8), st.booleans(), st.integers(1, 200))
def test_numbers_read_back_as_they_were_to_the_digits_shown(
    a: np.ndarray[Any, Any], precision: int, sci_mode: bool, linewidth: int
) -> None:
    printing.set_printoptions(precision=precision, sci_mode=sci_mode, linewidth=linewidth, threshold=math.inf)
    lines = printing.text(a)
    read = np.array(eval(lines, {"nan": math.nan, "inf": math.inf}), np.float64 if a.dtype.kind == "f" else a.dtype)
    assert read.shape == a.shape or not a.size
    if a.dtype.kind != "f":
        assert (read.ravel() == a.ravel()).all()
    else:
        wide = a.astype(np.float64).ravel()
        half = 0.5 * 10.0**-precision
        with np.errstate(all="ignore"):
            exponents = np.floor(np.log10(np.abs(wide), where=wide != 0, out=np.zeros_like(wide)))
            allowed = np.maximum(half, np.where("e" in lines, half * 10.0 ** (exponents + 1), 0))
            near = np.abs(read.ravel() - wide) <= allowed * 1.001 + np.spacing(np.abs(wide))
        same = (read.ravel() == wide) | (np.isnan(wide) & np.isnan(read.ravel()))
        assert (near | same).all()


@given(arrays(), st.integers(0, 30))
def test_an_indent_moves_all_lines_but_the_first(a: np.ndarray[Any, Any], indent: int) -> None:
    printing.set_printoptions(linewidth=80)
    here = printing.text(a)
    printing.set_printoptions(linewidth=80 + indent)
    assert printing.text(a, indent) == "\n".join(
        " " * indent * (i > 0 and bool(line)) + line for i, line in enumerate(here.split("\n"))
    )


def test_only_what_a_summary_shows_decides_its_style() -> None:
    a = np.zeros((50, 50), np.float32)
    a[25, 25], a[0, 0] = 1e-9, 2.0
    assert printing.text(a).startswith("[[2., 0., 0.,  ..., 0., 0., 0.],\n")


def test_an_array_is_printed_whatever_its_strides() -> None:
    a = np.arange(12).reshape(3, 4).T[::-1, 1:]
    assert printing.text(a) == "[[ 7, 11],\n [ 6, 10],\n [ 5,  9],\n [ 4,  8]]"


# ---- options -------------------------------------------------------------------------------------------------


def test_options_add_up_until_a_profile_replaces_them() -> None:
    third = tensor(np.array([1 / 3, 200.0]))
    printing.set_printoptions(precision=2)
    printing.set_printoptions(linewidth=10)
    assert printing.text(third._data) == "[  0.33,\n 200.00]"
    printing.set_printoptions(profile="short", precision=1)
    assert printing.text(third._data) == "[  0.3, 200.0]"
    printing.set_printoptions(profile="default")
    assert repr(third) == "tensor([  0.3333, 200.0000], dtype=torch.float64)"


def test_scientific_mode_lasts_until_the_next_call() -> None:
    a = np.array([0.5])
    printing.set_printoptions(sci_mode=True)
    assert printing.text(a) == "[5.0000e-01]"
    printing.set_printoptions(precision=1)
    assert printing.text(a) == "[0.5]"


def test_an_unknown_profile_is_refused_and_changes_nothing() -> None:
    with pytest.raises(ValueError, match=r"'default', 'short', 'full', got 'long'"):
        printing.set_printoptions(precision=1, profile="long")
    assert printing.text(np.array(0.25)) == "0.2500"


# ---- kinds of tensors ------------------------------------------------------------------------------------------


def test_subclasses_print_under_their_names_and_parameters_say_what_they_are() -> None:
    class Weights(Tensor):
        pass

    class Embedding(Parameter):
        pass

    rows = Tensor(np.ones((2, 2)))
    assert repr(Weights(rows)) == "Weights([[1., 1.],\n         [1., 1.]])"
    assert repr(Parameter(rows)) == (
        "Parameter containing:\ntensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"
    )  # fmt: skip
    assert repr(Embedding(rows)) == (
        "Parameter containing:\nParameter(Embedding([[1., 1.],\n           [1., 1.]], requires_grad=True))"
    )  # fmt: skip
