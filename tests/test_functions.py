"""Functions over Tensors: PyTorch's stored numbers, names and errors, PyTorch itself where it is installed, laws."""

from __future__ import annotations

import inspect
import json
import math
import re
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradx as mg
from microgradx import creation, functions
from microgradx.tensor import Tensor

from .oracle.tensor import FILE, GROUPS, REFUSED, arrays, codes, disagreements, run, study

STORED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
HERE = ["sums", "extremes and order", "shapes", "places", "products", "einsum", "one by one", "two by two"]


# ---- PyTorch's numbers ---------------------------------------------------------------------------------------
def differing(group: str) -> dict[str, list[str]]:
    """The cases of a group that give something else than PyTorch, and what."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch tells each of its own once
        found = {code: disagreements(STORED[code], study(mg, code)) for code in GROUPS[group]}
    return {code: wrong for code, wrong in found.items() if wrong}


@pytest.mark.parametrize("group", HERE)
def test_functions_give_what_pytorch_gives(group: str) -> None:
    assert not differing(group)


@pytest.mark.parametrize("code", REFUSED)
def test_what_pytorch_refuses_is_refused_in_its_words(code: str) -> None:
    found = study(mg, code)
    assert found.get("error") == STORED[code]["error"], found
    assert REFUSED[code].split(" | ")[-1] in found["message"]


def test_every_case_is_stored_and_every_function_has_a_case() -> None:
    assert set(STORED) == set(codes())
    assert not [code for code in codes() if ("error" in STORED[code]) != (code in REFUSED)]
    words = set(re.findall(r"\w+", " ".join(codes())))
    named = {*functions.__all__, *functions.METHODS, *creation.__all__} - {"__matmul__", "__rmatmul__"}
    assert not named - words


def test_the_stored_numbers_are_those_of_the_pytorch_installed() -> None:
    torch = pytest.importorskip("torch", reason="the oracle")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run(torch)
        assert not [line for code, each in found.items() for line in disagreements(STORED[code], each)]
        wrong = {code: message for code in REFUSED if REFUSED[code].split(" | ")[0] not in (
            message := study(torch, code)["message"])}  # fmt: skip
    assert not wrong


#: where two of the random numbers below may tie, or an order is not said
UNSTABLE = re.compile(r"sort|topk|median|argm|max|min|unique")


@pytest.mark.parametrize("group", [*HERE, "indices", "stores", "changes"])
@pytest.mark.parametrize("seed", [1, 2])
def test_any_numbers_give_what_pytorch_gives(group: str, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    numbers = arrays(seed)
    numbers["j"] = np.random.default_rng(seed).permutation(3)
    wrong = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code in GROUPS[group]:
            if not UNSTABLE.search(code):
                wrong[code] = disagreements(study(torch, code, numbers), study(mg, code, numbers))
    assert not {code: each for code, each in wrong.items() if each}


@pytest.mark.parametrize(("code", "words"), [
    ("torch.ones(1).std()", r"std\(\): degrees of freedom is <= 0"),
    ("torch.ones(2, 1).var(1)", r"var\(\): degrees of freedom is <= 0"),
    ("torch.ones(2, 3).var((0, 1), correction=6)", "degrees of freedom is <= 0"),
    ("torch.zeros(3).T", "dimension other than 2 to reverse their shape is deprecated"),
])  # fmt: skip
def test_what_pytorch_warns_of_is_warned_of(code: str, words: str) -> None:
    with pytest.warns(UserWarning, match=words):
        eval(code, {"torch": mg})
    assert not math.isnan(mg.ones(1).var(unbiased=False).item())


# ---- laws ----------------------------------------------------------------------------------------------------
floats = hnp.arrays(np.float64, hnp.array_shapes(min_side=0, max_side=4), elements=st.integers(-4, 4).map(float))


def both(x: np.ndarray[Any, Any], function: Any) -> Any:
    return function(mg.tensor(x)).numpy()


@given(floats, st.data())
def test_sort_orders_and_tells_from_where(x: Any, data: st.DataObject) -> None:
    dim, descending = data.draw(st.integers(-x.ndim, x.ndim - 1)), data.draw(st.booleans())
    values, indices = mg.tensor(x).sort(dim, descending)
    expected = np.sort(x, axis=dim)
    np.testing.assert_array_equal(values.numpy(), np.flip(expected, dim) if descending else expected)
    np.testing.assert_array_equal(np.take_along_axis(x, indices.numpy(), dim), values.numpy())
    ties = np.diff(values.numpy(), axis=dim) == 0  # equal elements stay in their order
    assert (np.diff(indices.numpy(), axis=dim)[ties] > 0).all()
    k = x.shape[dim] // 2
    top = mg.tensor(x).topk(k, dim, largest=descending)
    np.testing.assert_array_equal(top.values.numpy(), values.numpy().take(range(k), axis=dim))
    np.testing.assert_array_equal(mg.argsort(mg.tensor(x), dim, descending).numpy(), indices.numpy())


@given(floats, st.data())
def test_joining_what_was_split_gives_it_back(x: Any, data: st.DataObject) -> None:
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    size = data.draw(st.integers(1, 5))
    tensor = mg.tensor(x)
    for parts in (tensor.split(size, dim), tensor.chunk(size, dim)):
        np.testing.assert_array_equal(mg.cat(parts, dim).numpy(), x)
        assert all(np.shares_memory(part.numpy(), tensor.numpy()) for part in parts if part.numel())
    if x.shape[dim]:
        np.testing.assert_array_equal(mg.stack(tensor.unbind(dim), dim).numpy(), x)


@given(floats, st.data())
def test_movements_of_axes_are_numpys(x: Any, data: st.DataObject) -> None:
    a, b = (data.draw(st.integers(-x.ndim, x.ndim - 1)) for _ in range(2))
    order = data.draw(st.permutations(range(x.ndim)))
    for found, expected in [
        (mg.tensor(x).transpose(a, b), np.swapaxes(x, a, b)), (mg.tensor(x).movedim(a, b), np.moveaxis(x, a, b)),
        (mg.tensor(x).permute(*order), x.transpose(order)), (mg.tensor(x).flip(a), np.flip(x, a)),
        (mg.tensor(x).roll(2, a), np.roll(x, 2, a)), (mg.tensor(x).unsqueeze(a), np.expand_dims(x, a)),
        (mg.tensor(x).squeeze(), np.squeeze(x)), (mg.tensor(x).tile(2), np.tile(x, 2)),
        (mg.repeat_interleave(mg.tensor(x), 2, a), np.repeat(x, 2, a)), (mg.cumsum(mg.tensor(x), a), np.cumsum(x, a)),
        (mg.cumprod(mg.tensor(x), a), np.cumprod(x, a)),
    ]:  # fmt: skip
        np.testing.assert_array_equal(found.numpy(), expected)


@given(floats, st.data())
def test_median_is_the_lower_one(x: Any, data: st.DataObject) -> None:
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    if x.shape[dim]:
        values, indices = mg.tensor(x).median(dim)
        np.testing.assert_array_equal(values.numpy(), np.quantile(x, 0.5, axis=dim, method="lower"))
        found = np.take_along_axis(x, np.expand_dims(indices.numpy(), dim), dim)
        np.testing.assert_array_equal(found.squeeze(dim), values.numpy())


@settings(max_examples=200)
@given(floats, st.lists(st.integers(-2, 6), max_size=4))
def test_reshape_takes_the_shapes_that_numpy_takes(x: Any, shape: list[int]) -> None:
    try:
        expected = x.reshape(shape)
    except ValueError:
        with pytest.raises(RuntimeError, match=r"invalid|inferred"):
            mg.tensor(x).reshape(shape)
    else:
        if -2 not in shape:  # NumPy takes any negative number for what is left
            np.testing.assert_array_equal(mg.tensor(x).reshape(shape).numpy(), expected)


@given(st.integers(0, 4), st.integers(0, 4), st.integers(-4, 4))
def test_diag_and_diagonal_are_numpys(n: int, m: int, offset: int) -> None:
    x = np.arange(float(n * m)).reshape(n, m)
    np.testing.assert_array_equal(mg.tensor(x).diagonal(offset).numpy(), np.diagonal(x, offset))
    np.testing.assert_array_equal(mg.diag(mg.arange(n), offset).numpy(), np.diag(np.arange(n), offset))


def test_what_a_diagonal_is_written_to_stands_in_the_matrix() -> None:
    x = mg.zeros(3, 3)
    x.diagonal(1).fill_(7)
    assert x.tolist() == [[0, 7, 0], [0, 0, 7], [0, 0, 0]]


@pytest.mark.parametrize("name", ["floor", "trunc"])
def test_rounded_quotients_keep_their_dtype_and_let_no_gradient_through(name: str) -> None:
    x = mg.tensor([7.0, -7.0], requires_grad=True)
    y = mg.div(x, 2, rounding_mode=name)
    y.sum().backward()
    assert y.tolist() == ([3.0, -4.0] if name == "floor" else [3.0, -3.0])
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0]
    whole = mg.div(mg.tensor([7, -7, -6]), 2, rounding_mode=name)
    assert whole.tolist() == ([3, -4, -3] if name == "floor" else [3, -3, -3])


def test_a_repeated_tensor_has_memory_of_its_own() -> None:
    x = mg.ones(2)
    for copy in (x.repeat(1), x.repeat(3), mg.tensor(1.0).repeat(2), x.tile(1)):
        copy.add_(1)
    assert x.tolist() == [1, 1]


# ---- names and signatures ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", functions.__all__)
def test_a_function_tells_what_it_does_under_its_own_name(name: str) -> None:
    function = getattr(functions, name)
    assert function.__doc__ or function.__name__ == "unary"
    if "dim" in inspect.signature(function).parameters:
        assert not {"axis", "keepdims"} & set(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", sorted({*functions.__all__} & {*functions.METHODS} - {"where"}))
def test_a_method_is_the_function(name: str) -> None:
    assert functions.METHODS[name] is getattr(functions, name)
    assert getattr(Tensor, name) is functions.METHODS[name]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("torch.sum(input=x, axis=0, keepdims=True)", [[4.0, 6.0]]),
        ("torch.flip(x, dims=(0,))", [[3.0, 4.0], [1.0, 2.0]]),
        ("x.argmax(axis=1)", [1, 1]), ("torch.stack([x[0], x[1]], axis=1)", [[1.0, 3.0], [2.0, 4.0]]),
        ("x.softmax(axis=0).shape", (2, 2)), ("torch.permute(x, dims=(1, 0))", [[1.0, 3.0], [2.0, 4.0]]),
        ("x.max(axis=1, keepdims=True).values", [[2.0], [4.0]]), ("x.squeeze(axis=0)", [[1.0, 2.0], [3.0, 4.0]]),
        ("x.repeat(repeats=(1, 2))", [[1.0, 2.0, 1.0, 2.0], [3.0, 4.0, 3.0, 4.0]]), ("x.size(dim=1)", 2),
    ],
)  # fmt: skip
def test_arguments_by_name_and_axes_by_numpys_names(code: str, expected: Any) -> None:
    found = eval(code, {"torch": mg, "x": mg.tensor([[1.0, 2.0], [3.0, 4.0]])})
    assert (found.tolist() if isinstance(found, Tensor) else found) == expected


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mg.sum([1.0, 2.0]), "sum(): argument 'input' (position 1) must be Tensor, not list"),
        (lambda: mg.gather(mg.ones(2), 0, [0]), "gather"),
        (lambda: mg.reshape(3, (1,)), "reshape(): argument 'input' (position 1) must be Tensor, not int"),
    ],
)  # fmt: skip
def test_what_is_no_tensor_is_refused_by_name(call: Any, words: str) -> None:
    with pytest.raises((TypeError, RuntimeError), match=re.escape(words)):
        call()


def test_functions_of_the_package_take_values_too() -> None:
    assert mg.exp(mg.Value(0.0)).data == 1.0
    assert mg.where(mg.tensor([True, False]), 1.0, 2.0).tolist() == [1.0, 2.0]
    assert mg.maximum(mg.Value(1.0), 2.0).data == 2.0
    assert math.isclose(mg.dot([mg.Value(2.0)], [mg.Value(3.0)]).data, 6.0)
