"""Value: what it accepts, what it refuses and how, and that a refusal changes nothing."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx.dot import dot
from microgradx.nn import MLP
from microgradx.transforms import grad
from microgradx.value import Value

from .table import EDGES, same

DTYPES = [
    np.float16,
    np.float32,
    np.float64,
    np.longdouble,
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint8,
    np.uint16,
    np.uint64,
]
REALS = [
    3,
    3.0,
    True,
    Fraction(3, 2),
    *(t(3) for t in DTYPES),
    *(np.array(3, t) for t in DTYPES),
    np.array([3.0]),
    np.array([[3]]),
]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


# ---- what it accepts -------------------------------------------------------------------------------------
@pytest.mark.parametrize("x", REALS, ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')} {np.shape(x)}")
def test_every_real_number_is_an_operand_on_either_side(x: Any) -> None:
    v, number = Value(2.0), float(np.asarray(x, float).item())
    assert Value(x).data == number
    assert type(Value(x).data) is float
    for op in OPERATORS:
        left, right = op(v, x), op(x, v)
        assert (type(left), type(right)) == (Value, Value)
        assert (left.data, right.data) == (op(2.0, number), op(number, 2.0))
        assert (left.parents, right.parents) == ((v,), (v,))  # a constant makes no node
        assert all(type(d) is float for d in (*left.local_grads, *right.local_grads))


def test_a_parent_is_listed_once_for_each_use() -> None:
    v = Value(3.0)
    y = v * v
    assert (y.parents, y.local_grads, y.op, y.inputs) == ((v, v), (3.0, 3.0), "mul", (v, v))
    assert (v.parents, v.op, v.local_grads, v.rule) == ((), "", (), None)


@pytest.mark.parametrize(("make", "want"), [
    (lambda v: v(0.0) / 0, math.nan), (lambda v: 1 / v(0.0), math.inf), (lambda v: v(-1.0) / 0, -math.inf),
    (lambda v: 1 / v(-0.0), -math.inf),
    (lambda v: v(1000.0).exp(), math.inf), (lambda v: v(-8.0) ** (1 / 3), math.nan), (lambda v: v(0.0) ** -1, math.inf),
    (lambda v: v(1e200) ** 2, math.inf), (lambda v: v(-1e200) ** 3, -math.inf), (lambda v: 10 ** v(400), math.inf),
    (lambda v: v(0.0) ** 0, 1.0),
    (lambda v: v(math.inf) - math.inf, math.nan), (lambda v: v(-1.0).log(), math.nan),
    (lambda v: v(0.0).log(), -math.inf),
    (lambda v: v(-1.0).sqrt(), math.nan), (lambda v: v(2.0).asin(), math.nan), (lambda v: v(math.inf).sin(), math.nan),
    (lambda v: v(1000.0).cosh(), math.inf), (lambda v: v(1e308) * 10, math.inf), (lambda v: (-2) ** v(0.5), math.nan),
    (lambda v: v(-1.0).log1p(), -math.inf),
])  # fmt: skip
def test_results_follow_ieee_and_never_raise(make: Any, want: float) -> None:
    assert same(make(Value).data, want)
    with mg.no_grad():
        assert same(make(Value).data, want)


@given(st.sampled_from(EDGES), st.sampled_from(EDGES), st.sampled_from(OPERATORS))
def test_operators_give_what_numpy_gives(a: float, b: float, op: Any) -> None:
    with np.errstate(all="ignore"):
        want = float(op(np.float64(a), np.float64(b)))
    assert same(op(Value(a), Value(b)).data, want)
    assert same(op(a, Value(b)).data, want)
    assert same(op(Value(a), b).data, want)


# ---- comparison, conversion ------------------------------------------------------------------------------
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@given(
    st.floats(allow_nan=True), st.floats(allow_nan=True) | st.integers() | st.fractions(), st.sampled_from(COMPARISONS)
)
def test_compares_by_data(a: float, b: Any, compare: Any) -> None:
    assert compare(Value(a), b) is compare(a, b)
    assert compare(b, Value(a)) is compare(b, a)
    if isinstance(b, float):
        assert compare(Value(a), Value(b)) is compare(a, b)
        assert bool(compare(Value(a), np.float64(b))) is compare(a, b)


@pytest.mark.parametrize("compare", COMPARISONS)
def test_compares_with_an_int_that_no_float_can_hold(compare: Any) -> None:
    assert compare(Value(2.0), 10**400) is compare(2.0, 10**400)


@pytest.mark.parametrize("other", ["2", None, 1j, [2.0]])
def test_is_unequal_to_what_is_no_number_and_has_no_order_with_it(other: Any) -> None:
    assert Value(2.0) != other
    with pytest.raises(TypeError, match="not supported between instances of 'Value'"):
        Value(2.0) < other


def test_hashes_by_identity() -> None:
    a, b = Value(2.0), Value(2.0)
    assert a == b
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"


def test_converts_and_prints() -> None:
    v = Value(2.5, label="v")
    assert (float(v), v.item(), f"{v:.2f}", bool(v), bool(Value(0.0)), math.floor(float(v))) == (
        2.5,
        2.5,
        "2.50",
        True,
        False,
        2,
    )
    assert repr(v) == str(v) == f"{v}" == "Value(data=2.5, grad=None, label='v')"
    assert [+v is v, abs(-v).data, max(v, Value(3.0)).data, sum([v, v]).data] == [True, 2.5, 3.0, 5.0]
    assert (v.detach().data, v.detach().label, (v * 2).detach().parents) == (2.5, "v", ())


# ---- what it refuses -------------------------------------------------------------------------------------
BAD: list[tuple[Any, type[Exception], str]] = [
    ("1", TypeError, r"real number, got str '1'; use float"),
    (1j, TypeError, r"real number, got complex 1j; take \.real"),
    (np.complex64(1), TypeError, "real number, got complex64"), (None, TypeError, "got NoneType None.*backward"),
    ([1.0], TypeError, r"got list \[1\.0\]; make one Value per element"),
    ((1.0,), TypeError, "got tuple.*one Value per element"),
    ({}, TypeError, "got dict"), ({1.0}, TypeError, "got set"), (b"1", TypeError, "got bytes"),
    (Decimal(1), TypeError, r"got Decimal.*; use float"), (Value, TypeError, "got type"),
    (mg.tensor([1.0, 2.0]), TypeError, "Value and Tensor do not mix: keep to one engine"),
    (np.array([True]), TypeError, r"array of bool.*astype\(float\)"), (np.array("a"), TypeError, "array of <U1"),
    (np.array([1j]), TypeError, "array of complex128"),
    (np.array([1.0, 2.0]), ValueError, r"one number, got an array of shape \(2,\).*one Value per element"),
    (np.zeros((0,)), ValueError, r"shape \(0,\)"),
    (np.zeros((2, 1)), ValueError, r"shape \(2, 1\)"), (10**400, ValueError, "64-bit float"),
]  # fmt: skip


@pytest.mark.parametrize(("x", "error", "message"), BAD, ids=lambda x: str(x)[:20] if not isinstance(x, str) else "")
def test_what_is_not_one_real_number_is_refused_everywhere(x: Any, error: type[Exception], message: str) -> None:
    v = Value(2.0, label="v")
    v.grad = 1.0
    attempts = [
        lambda: Value(x),
        lambda: setattr(v, "data", x),
        lambda: v.maximum(x),
        lambda: mg.hypot(v, x),
        lambda: v.backward(x),
    ]
    attempts += [lambda op=op: op(v, x) for op in OPERATORS] + [lambda op=op: op(x, v) for op in OPERATORS]
    if x is not None:  # which is how a gradient is cleared
        attempts.append(lambda: setattr(v, "grad", x))
    for attempt in attempts:
        with pytest.raises(error, match=message):
            attempt()
        assert (v.data, v.grad, v.label, v.parents) == (2.0, 1.0, "v", ())


@pytest.mark.parametrize("other", [Value(1.0), Value(1.0) * 2])
def test_a_node_is_no_data(other: Value) -> None:
    with pytest.raises(TypeError, match=r"must be a real number, got Value .*; take its \.data"):
        Value(other)


@pytest.mark.parametrize("label", [3, None, b"x"])
def test_a_label_is_text(label: Any) -> None:
    v = Value(1.0, label="x")
    with pytest.raises(TypeError, match="a label is a str, got"):
        v.label = label
    assert v.label == "x"


@pytest.mark.parametrize("root", [3.0, None, "y", [Value(1.0)]])
def test_backward_and_grad_start_from_a_value(root: Any) -> None:
    with pytest.raises(TypeError, match=f"Value.*got (a )?{type(root).__name__}"):
        Value.backward(root)
    with pytest.raises(TypeError, match=f"takes Values, got {type(root).__name__}"):
        grad(root, Value(1.0))
    with pytest.raises(TypeError, match=r"takes Values, got (float|NoneType|str)"):
        grad(Value(1.0), root if not isinstance(root, list) else [3.0])
    with pytest.raises(TypeError, match="takes Values, got Tensor"):
        grad(Value(1.0), mg.tensor(1.0))  # type: ignore[arg-type]


def test_dot_refuses_what_does_not_fit() -> None:
    v = Value(2.0)
    with pytest.raises(ValueError, match="as many inputs as weights, got 1 weights and 2 inputs"):
        dot([v], [1.0, 2.0])
    for x in (v, 3.0, "ab", None):
        with pytest.raises(TypeError, match=f"sequence of Values or numbers, got {type(x).__name__}"):
            dot([v, v], x)
    with pytest.raises(TypeError, match="at least one Value"):
        dot([1.0], [2.0])
    with pytest.raises(TypeError, match="got str 'a'"):
        dot([v], ["a"])
    assert dot([], [], v).data == 2.0


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.tanh(3),
        lambda v: v.maximum(),
        lambda v: mg.where(True, v),
        lambda v: mg.exp(2.0),
        lambda v: mg.maximum(v),
    ],
)
def test_a_wrong_call_is_a_type_error(call: Any) -> None:
    with pytest.raises(TypeError):
        call(Value(1.0))


def test_inputs_with_a_default_go_by_name_too() -> None:
    v = Value(-2.0)
    assert [
        v.leaky_relu(negative_slope=0.5).data,
        v.elu(alpha=0.0).data,
        mg.leaky_relu(v, negative_slope=0.25).data,
    ] == [-1.0, -0.0, -0.5]


# ---- it is an ordinary object ----------------------------------------------------------------------------
def test_keeps_what_users_hang_on_it() -> None:
    p = Value(1.0)
    p.m, p.colour = 0.5, "red"
    (p * 2).tanh().backward()
    assert (p.m, p.colour, vars(p)) == (0.5, "red", {"m": 0.5, "colour": "red"})
    del p.m
    assert not hasattr(p, "m")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies(copied: Any) -> None:
    v = Value(2.0, label="v")
    v.grad, v.note = 3.0, "n"
    w = copied(v)
    assert (w.data, w.grad, w.label, w.note, w.parents, w is v) == (2.0, 3.0, "v", "n", (), False)
    y = copied(v * v)
    y.backward()
    assert (y.data, y.op, y.parents[0].grad) == (4.0, "mul", 7.0)
    assert y.rule is mg.RULES["mul"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_copies_of_a_model(copied: Any) -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = model([1.0, 2.0]).data
    twin = copied(model)
    for p in model.parameters():
        p.data += 1.0
    assert twin([1.0, 2.0]).data == before
    for p in twin.parameters():
        p.data += 1.0
    assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data != before
    twin([1.0, 2.0]).backward()
    assert [p.grad for p in model.parameters()] == [None] * 13


def test_where_is_a_method_too() -> None:
    x, other = Value(2.0), Value(5.0)
    for condition, data, grads in ((x > 0, 2.0, (1.0, 0.0)), (x > 3, 5.0, (0.0, 1.0))):
        y = x.where(condition, other)
        assert (y.data, y.op, tuple(g.data for g in grad(y, [x, other]))) == (data, "where", grads)
