"""Optimizers against PyTorch: its stored numbers everywhere, any options where it is installed; Values and Tensors."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx import nn, optim
from microgradx.nn import MLP
from microgradx.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters
from microgradx.optim import lr_range_test
from microgradx.value import Value
from tests.oracle import optim as oracle
from tests.oracle.optim import ERRORS, GRADIENTS, KINDS, OPTIMIZERS, STARTS, numbers, parameters, set_gradients

STORED = json.loads(oracle.FILE.read_text(encoding="utf-8"))
each_optimizer = pytest.mark.parametrize("text", OPTIMIZERS)
each_kind = pytest.mark.parametrize("kind", [getattr(optim, kind) for kind in KINDS], ids=KINDS)


def near(found: Any, expected: Any, dtype: str) -> None:
    """To rounding: a number that comes out small by cancellation is as exact as what it came from."""
    tolerance = {"float64": 1e-13, "float32": 1e-6}[dtype]
    np.testing.assert_allclose(found, expected, tolerance, tolerance * max(1.0, np.abs(expected).max()))


# ---- the numbers -----------------------------------------------------------------------------------------
@each_optimizer
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_paths_are_pytorchs(text: str, dtype: str) -> None:
    path = oracle.descend(mg, text, dtype)
    near([path[k - 1] for k in oracle.STORED_STEPS], STORED["paths"][text][dtype], dtype)


class Values:
    """The elements of the parameters as Values, in the place of a list of tensors: each part is a flat list."""

    def __init__(self) -> None:
        self.parts = [[Value(x) for x in start.ravel()] for start in STARTS]

    def __iter__(self) -> Iterator[Value]:
        return iter(self[:])

    def __getitem__(self, index: Any) -> list[Value]:
        return [p for part in self.parts[index] for p in part] if isinstance(index, slice) else self.parts[index]

    def set_gradients(self, step: int) -> None:
        for part, g in zip(self.parts, GRADIENTS[step], strict=True):
            for i, p in enumerate(part):
                p.grad = None if g is None else g.ravel()[i]


@each_optimizer
def test_values_take_the_same_paths(text: str) -> None:
    params = Values()
    optimizer = eval(text, vars(optim) | {"params": params})
    path = []
    for k in range(len(GRADIENTS)):
        params.set_gradients(k)
        optimizer.step()
        path.append([p.data for p in params])
    near([path[k - 1] for k in oracle.STORED_STEPS], STORED["paths"][text]["float64"], "float64")


def test_first_steps_by_hand() -> None:
    def steps(kind: Any, gradients: list[float], **options: Any) -> list[float]:
        p = Value(2.0)
        optimizer, path = kind([p], **options), []
        for g in gradients:
            p.grad = g
            optimizer.step()
            path.append(p.data)
        return path

    assert steps(optim.SGD, [3.0, -1.0, 0.5], lr=0.1, momentum=0.9) == pytest.approx([1.7, 1.53, 1.327])
    # the first step of Adam and AdamW is lr, whatever the gradient; that of RMSprop is lr / √(1 − α)
    assert steps(optim.Adam, [3.0], lr=0.1, eps=0.0) == pytest.approx([1.9])
    assert steps(optim.AdamW, [3.0], lr=0.1, eps=0.0, weight_decay=0.5) == pytest.approx([2 * 0.95 - 0.1])
    assert steps(optim.RMSprop, [-3.0], lr=0.1, alpha=0.75, eps=0.0) == pytest.approx([2.2])
    assert steps(optim.Adagrad, [3.0, 4.0], lr=0.1, eps=0.0) == pytest.approx([1.9, 1.82])  # s: 9, 25
    # Rprop: the size is 0.1, grows to 0.12, is halved where the sign turns, which is waited out, and goes on from there
    assert steps(optim.Rprop, [1.0, 5.0, -1.0, -2.0], lr=0.1) == pytest.approx([1.9, 1.78, 1.78, 1.84])


number = st.floats(0.01, 0.9)
OPTIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "SGD": {"lr": number, "momentum": number, "dampening": number, "weight_decay": number},
    "Rprop": {"lr": number, "etas": st.tuples(number, st.floats(1.1, 3.0)),
              "step_sizes": st.tuples(st.floats(1e-4, 0.05), st.floats(0.06, 1.0))},
    "Adagrad": {"lr": number, "lr_decay": number, "weight_decay": number, "initial_accumulator_value": number,
                "eps": st.floats(1e-6, 0.1)},
    "RMSprop": {"lr": number, "alpha": number, "eps": st.floats(1e-3, 0.1), "weight_decay": number,
                "momentum": number},
    "Adam": {"lr": number, "betas": st.tuples(number, number), "eps": st.floats(1e-3, 0.1), "weight_decay": number,
             "amsgrad": st.booleans(), "decoupled_weight_decay": st.booleans()},
    "AdamW": {"lr": number, "betas": st.tuples(number, number), "eps": st.floats(1e-3, 0.1), "weight_decay": number},
}  # fmt: skip


@each_kind
@given(st.data())
def test_any_options_are_pytorchs(kind: Any, data: st.DataObject) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    strategies = {**OPTIONS[kind.__name__], "maximize": st.booleans()}
    options = data.draw(st.fixed_dictionaries({}, optional=strategies))
    text = f"{kind.__name__}(params, **{options!r})"
    near(oracle.descend(mg, text, "float64"), oracle.descend(torch, text, "float64"), "float64")


@each_kind
@given(st.lists(st.lists(st.none() | st.floats(-3, 3), min_size=4, max_size=4), min_size=1, max_size=8))
def test_values_that_miss_steps_move_as_if_alone(kind: Any, gradients: list[list[float | None]]) -> None:
    together = [Value(0.5 * i) for i in range(4)]
    alone = [mg.tensor(0.5 * i, dtype=mg.float64, requires_grad=True) for i in range(4)]
    optimizer, others = kind(together), [kind([p]) for p in alone]
    for step in gradients:
        for p, q, g in zip(together, alone, step, strict=True):
            p.grad, q.grad = g, None if g is None else mg.tensor(g, dtype=mg.float64)
        optimizer.step()
        for other in others:
            other.step()
        assert [p.data for p in together] == pytest.approx([q.item() for q in alone], rel=1e-14)
        for p, other, q in zip(together, others, alone, strict=True):
            shown = {name: x.item() for name, x in other.state[q].items()}
            assert optimizer.state[p] == pytest.approx(shown, rel=1e-14)


# ---- what a step does, and does not ----------------------------------------------------------------------
@each_kind
def test_a_parameter_without_a_gradient_stays(kind: Any) -> None:
    for moved, still, one in [
        (Value(1.0), Value(1.0), 1.0),
        (mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True), mg.ones(2)),
    ]:
        optimizer = kind([moved, still], lr=0.5)
        moved.grad = one
        optimizer.step()
        assert (mg.tensor(moved.data) != 1.0).all()
        assert (mg.tensor(still.data) == 1.0).all()
        assert moved.grad is one or moved.grad == one  # a step keeps the gradients
        optimizer.zero_grad()
        assert (moved.grad, still.grad) == (None, None)
        before = mg.tensor(moved.data).tolist()
        optimizer.step()
        assert mg.tensor(moved.data).tolist() == before


@each_kind
def test_a_tensor_keeps_its_memory_dtype_and_layout(kind: Any) -> None:
    base = np.zeros((6, 4), np.float32)
    for array in (base, base.T, base[::2, 1:3], np.zeros((), np.float32), np.zeros((0, 3)), base.astype(np.float16)):
        p = mg.Tensor._of(array).requires_grad_()
        optimizer = kind([p], weight_decay=0.1) if "weight_decay" in kind([p]).defaults else kind([p])
        for _ in range(2):
            p.grad = mg.ones_like(p).detach()
            optimizer.step()
        assert p._data is array
        assert (array < 0).all()
        for name, x in optimizer.state[p].items():
            assert (x.dtype, x.shape) == ((mg.float32, ()) if name == "step" else (p.dtype, p.shape))


def test_infinite_and_nan_gradients_follow_ieee() -> None:
    for kind in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad):
        x, p = Value(1.0), mg.ones(1, requires_grad=True)
        x.grad, p.grad = math.inf, mg.tensor([math.nan])
        kind([x, p]).step()
        assert not math.isfinite(x.data)
        assert math.isnan(p.item())


def test_a_backward_pass_through_a_graph_from_before_the_step_is_refused() -> None:
    w = mg.ones(2, requires_grad=True)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_layer_of_values_sees_the_step() -> None:
    layer = nn.Layer(2, 2, nonlin=False, seed=0)
    x = [1.0, 2.0]
    before = [y.data for y in layer(x)]
    for p in layer.parameters():
        p.grad = 1.0
    optim.SGD(layer.parameters(), lr=0.5).step()
    assert [y.data for y in layer(x)] == pytest.approx([y - 0.5 * 4 for y in before])


@given(st.floats(1e-3, 0.9), st.floats(-10, 10))
def test_sgd_on_a_square_shrinks_by_a_factor(lr: float, start: float) -> None:
    x = Value(start)
    optimizer = optim.SGD([x], lr=lr)
    (x * x).backward()
    optimizer.step()
    assert x.data == pytest.approx(start * (1 - 2 * lr), abs=1e-14)


def test_weight_decay_is_the_penalty_in_the_loss() -> None:
    a, b = (mg.tensor([1.0, -2.0], dtype=mg.float64, requires_grad=True) for _ in range(2))
    (a.sum() + 0.3 * (a**2).sum()).backward()
    optim.SGD([a], lr=0.1).step()
    b.sum().backward()
    optim.SGD([b], lr=0.1, weight_decay=0.6).step()
    assert a.tolist() == pytest.approx(b.tolist(), rel=1e-15)


def test_closure() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    optimizer = optim.SGD([x], lr=0.5)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = x * x
        loss.backward()
        return loss

    with mg.no_grad():  # a closure records all the same
        assert optimizer.step(closure).item() == 9.0
    assert x.item() == 0.0


def test_zero_grad_in_place() -> None:
    p, x = mg.ones(2, requires_grad=True), Value(1.0)
    p.grad, x.grad = g, _ = mg.ones(2), 5.0
    optim.SGD([p, x]).zero_grad(set_to_none=False)
    assert p.grad is g
    assert (g.tolist(), x.grad) == ([0.0, 0.0], 0.0)


@pytest.mark.parametrize(
    "make", [lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.1),
             lambda ps: optim.RMSprop(ps, lr=0.02), lambda ps: optim.Adagrad(ps, lr=0.5), optim.Rprop],
    ids=["SGD", "Adam", "RMSprop", "Adagrad", "Rprop"],
)  # fmt: skip
@pytest.mark.parametrize("expand", [False, True])
def test_a_scalar_network_learns_xor(make: Any, expand: bool) -> None:
    points = [((0, 0), -1), ((0, 1), 1), ((1, 0), 1), ((1, 1), -1)]
    model = MLP(2, [4, 1], activation="tanh", expand=expand, seed=1)
    optimizer, loss = make(model.parameters()), Value(1.0)
    for _ in range(150):
        loss = mg.square(model(points[0][0]) - points[0][1])
        for x, y in points[1:]:
            loss = loss + (model(x) - y) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.data < 0.05
    assert all(model(x).data * y > 0 for x, y in points)


# ---- groups and options ----------------------------------------------------------------------------------
def test_groups_and_their_options() -> None:
    p, q, r = (mg.zeros(1, requires_grad=True) for _ in range(3))
    own = {"params": p, "lr": 1.0, "name": "first"}
    optimizer = optim.SGD([own, {"params": [q]}], lr=0.1)
    optimizer.add_param_group({"params": (x for x in [r]), "lr": 0.01})
    for x in (p, q, r):
        x.grad = mg.ones(1)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 2.0  # what a schedule, or a reader, does
    optimizer.param_groups[1]["weight_decay"] = 1.0
    optimizer.step()
    assert [x.item() for x in (p, q, r)] == pytest.approx([-3.0, -0.1 - 0.1 * 0.9, -0.02])
    assert optimizer.param_groups[0] is own
    assert (own["params"], own["momentum"], optimizer.defaults["lr"]) == ([p], 0, 0.1)
    optimizer.lr = 0.5
    assert [group["lr"] for group in optimizer.param_groups] == [0.5] * 3
    assert optimizer.params == [p, q, r]


def test_a_rate_may_be_a_tensor() -> None:
    p = mg.ones(1, requires_grad=True)
    p.grad = mg.ones(1)
    optim.SGD([p], lr=10 ** mg.tensor(-1.0)).step()
    assert p.item() == pytest.approx(0.9)


def test_one_optimizer_for_both_engines() -> None:
    x, p = Value(1.0), mg.ones(1, requires_grad=True)
    optimizer = optim.Adam([x, p], lr=0.1)
    for _ in range(3):
        x.grad, p.grad = 2.0, mg.tensor([2.0])
        optimizer.step()
    assert x.data == pytest.approx(p.item(), rel=1e-6)


def test_a_parameter_listed_twice_is_warned_of() -> None:
    p = Value(1.0)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


def test_an_optimizer_of_ones_own() -> None:
    class Descent(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        def step(self, closure: Any = None) -> None:
            with mg.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        count = self.state[p].get("count", 0) + 1
                        self.state[p]["count"] = count
                        p.sub_(group["lr"] * p.grad / count)

    p = mg.ones(2, requires_grad=True)
    optimizer = Descent([p], lr=1.0)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for _ in range(2):
        p.grad = mg.ones(2)
        optimizer.step()
        schedule.step()
    assert p.tolist() == pytest.approx([1 - 1 - 0.25] * 2)
    state = optimizer.state_dict()
    assert state["state"] == {0: {"count": 2}}
    optimizer.load_state_dict(state)
    assert optimizer.state[p] == {"count": 2}


# ---- what it remembers -----------------------------------------------------------------------------------
def continued(optimizer: Any, params: Any, set_gradients: Callable[[int], None]) -> list[float]:
    for k in range(10, 20):
        set_gradients(k)
        optimizer.step()
    return numbers(params) if isinstance(params, list) else [p.data for p in params]


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from a file: arrays and numbers, keys in another order."""
    plain = {i: {name: x.item() if name == "step" and i else x.numpy().copy() for name, x in of.items()}
             if any(isinstance(x, mg.Tensor) for x in of.values()) else of
             for i, of in reversed(state["state"].items())}  # fmt: skip
    return {"param_groups": copy.deepcopy(state["param_groups"]), "state": plain}


@each_optimizer
@pytest.mark.parametrize("values", [False, True])
def test_a_loaded_state_continues_where_it_was_saved(text: str, values: bool) -> None:
    def make() -> tuple[Any, Any, Callable[[int], None]]:
        params: Any = Values() if values else parameters(mg, "float64")
        optimizer = eval(text, vars(optim) | {"params": params})
        return optimizer, params, params.set_gradients if values else lambda k: set_gradients(mg, params, k)

    first, params, give = make()
    for k in range(10):
        give(k)
        first.step()
    state = packed(first.state_dict())
    second, others, give_others = make()
    for p, q in zip(params, others, strict=True):
        q.data = p.data if values else p.data.clone()
    second.load_state_dict(state)
    assert second.param_groups[0]["params"][0] is next(iter(others))
    expected = continued(first, params, give)
    assert continued(second, others, give_others) == expected
    kept = [x for of in state["state"].values() for x in of.values() if isinstance(x, np.ndarray)]
    assert not any(np.shares_memory(x, y._data) for x in kept for of in second.state.values() for y in of.values())


@each_kind
def test_pytorchs_own_state_loads(kind: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    theirs, ours = parameters(torch, "float64"), parameters(mg, "float64")
    teacher, pupil = getattr(torch.optim, kind.__name__)(theirs, 0.05), kind(ours)
    for k in range(20):
        if k == 10:
            saved = teacher.state_dict()
            arrays = {i: {name: x.numpy() for name, x in of.items()} for i, of in saved["state"].items()}
            pupil.load_state_dict({"state": arrays, "param_groups": saved["param_groups"]})
            for p, q in zip(ours, theirs, strict=True):
                p.data = mg.tensor(q.detach().numpy())
        set_gradients(torch, theirs, k)
        set_gradients(mg, ours, k)
        teacher.step()
        if k >= 10:
            pupil.step()
    near(numbers(ours), numbers(theirs), "float64")


def test_the_state_of_a_value_is_read_and_written() -> None:
    x, y = Value(1.0), Value(2.0)
    optimizer = optim.SGD([x, y], lr=1.0, momentum=0.5)
    for _ in range(2):
        x.grad = y.grad = 1.0
        optimizer.step()
    held = optimizer.state[x]
    assert held == {"momentum_buffer": 1.5}
    held["momentum_buffer"] = 0.0
    optimizer.step()
    assert (x.data, y.data) == (1 - 1 - 1.5 - 1, 2 - 1 - 1.5 - 1.75)
    assert held == {"momentum_buffer": 1.0}
    assert optimizer.state_dict()["state"] == {0: {"momentum_buffer": 1.0}, 1: {"momentum_buffer": 1.75}}


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_an_optimizer_is_copied_with_its_parameters(again: Any) -> None:
    def step(optimizer: Any) -> list[float]:
        for p in optimizer.params:
            p.grad = 1.0 if isinstance(p, Value) else mg.ones(2)
        optimizer.step()
        return [x for p in optimizer.params for x in ([p.data] if isinstance(p, Value) else p.tolist())]

    optimizer = optim.Adam([Value(1.0), mg.ones(2, requires_grad=True)], lr=0.1)
    step(optimizer)
    other = again(optimizer)
    assert step(other) == step(optimizer)
    assert step(optimizer) == step(other)


# ---- names, texts, errors --------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*KINDS, "Optimizer", *oracle.CLIPS])
def test_signatures_are_pytorchs(name: str) -> None:
    assert oracle.signatures(mg)[name] == STORED["signatures"][name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", ["repr", "state", "options"])
def test_texts_and_states_are_pytorchs(kind: str, part: str) -> None:
    assert oracle.texts(mg)[kind][part] == STORED["texts"][kind][part]


def test_groups_stand_apart_in_the_text() -> None:
    """As in PyTorch, but for the options that it shows."""
    text = repr(optim.SGD([{"params": Value(1.0)}, {"params": Value(2.0), "lr": 0.5}], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    weight_decay: 0\n\nParameter Group 1\n    dampening: 0\n" in text


@pytest.mark.parametrize(("text", "phrase"), ERRORS, ids=[text for text, _ in ERRORS])
def test_errors_are_pytorchs(text: str, phrase: str) -> None:
    kind, message = oracle.error(mg, text)
    assert kind == STORED["errors"][text]
    assert phrase in message
    assert message  # none is bare


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: optim.SGD([Value(1.0), "x"]), TypeError, "optimize Tensors and Values, but one of the params is str"),
    (lambda: optim.SGD(Value(1.0)), TypeError, r"got Value; pass a list, \[x\] or model.parameters\(\)"),
    (lambda: optim.Adam([Value(1.0) * 2]), ValueError, "can't optimize a non-leaf Value"),
    (lambda: optim.SGD([Value(1.0)], momentum=math.nan), ValueError, "Invalid momentum value: nan"),
    (lambda: optim.Adam([Value(1.0)], eps="x"), ValueError, "Invalid epsilon value: x; expected a number ≥ 0"),
    (lambda: optim.Adam([Value(1.0)], capturable=True), NotImplementedError, "capturable=True is not supported"),
    (lambda: optim.SGD([Value(1.0)], differentiable=True), NotImplementedError, "differentiable"),
])  # fmt: skip
def test_what_makes_no_optimizer_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# ---- gradients and parameters as one vector ----------------------------------------------------------------
@pytest.mark.parametrize("case", STORED["clips"])
def test_clipped_gradients_are_pytorchs(case: str) -> None:
    norm, scale = case.split()
    found, expected = oracle.clip(mg, norm, float(scale)), STORED["clips"][case]
    assert found == pytest.approx(expected, rel=1e-6)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=5), st.floats(0.1, 10), st.sampled_from([1, 2, 3, math.inf]))
def test_a_clipped_norm_is_at_most_the_limit(gradients: list[float], limit: float, p: float) -> None:
    values = [Value(0.0) for _ in gradients]
    for x, g in zip(values, gradients, strict=True):
        x.grad = g
    norm = clip_grad_norm_(values, limit, p)
    assert isinstance(norm, float)
    assert norm == pytest.approx(np.linalg.norm(gradients, p), rel=1e-12)
    clipped = [x.grad for x in values]
    assert np.linalg.norm(clipped, p) <= limit * (1 + 1e-12)
    factor = min(1.0, limit / (norm + 1e-6))
    assert clipped == pytest.approx([factor * g for g in gradients], rel=1e-12)


def test_clipping_by_value_and_what_has_no_gradient() -> None:
    p, q, x = mg.ones(3, requires_grad=True), mg.ones(2, requires_grad=True), Value(1.0)
    p.grad = mg.tensor([-5.0, 0.2, math.nan])
    x.grad = 7.0
    clip_grad_value_([p, q, x], 0.5)
    assert p.grad.tolist()[:2] == pytest.approx([-0.5, 0.2])
    assert math.isnan(p.grad.tolist()[2])
    assert (q.grad, x.grad) == (None, 0.5)
    assert clip_grad_norm_(q, 1.0).item() == 0.0
    assert clip_grad_norm_((x for x in [Value(1.0)]), 1.0) == 0.0


def test_a_refused_norm_changes_nothing() -> None:
    x, y = Value(1.0), Value(1.0)
    x.grad, y.grad = math.inf, 2.0
    with pytest.raises(RuntimeError, match="non-finite"):
        clip_grad_norm_([x, y], 1.0, error_if_nonfinite=True)
    assert (x.grad, y.grad) == (math.inf, 2.0)


def test_parameters_as_a_vector_and_back() -> None:
    params = parameters(mg, "float64")
    vector = parameters_to_vector(params)
    assert vector.tolist() == [x for start in STARTS for x in start.ravel()]
    (vector * vector).sum().backward()
    assert all((p.grad == 2 * p).all() for p in params)
    vector_to_parameters(-vector.detach(), params)
    assert [tuple(p.shape) for p in params] == oracle.SHAPES
    assert [(p.detach().numpy() == -start).all() for p, start in zip(params, STARTS, strict=True)] == [True] * 3
    values = [Value(1.0), Value(2.0)]
    vector_to_parameters(parameters_to_vector(values) * 10, values)
    assert [x.data for x in values] == [10.0, 20.0]
    with pytest.raises(ValueError, match=r"expected 11 numbers in one dimension, got the shape \(12,\)"):
        vector_to_parameters(mg.zeros(12), params)
    with pytest.raises(TypeError, match="expected a Tensor of all parameters, but got: list"):
        vector_to_parameters([1.0], params)


# ---- the learning-rate range test ----------------------------------------------------------------------------
class Scaled(nn.Module):
    """y = w x, with a count of its calls as a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(mg.tensor([1.0, -1.0]))
        self.register_buffer("calls", mg.zeros(1))

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return (self.w * x).sum()


def squared(y: Any, t: Any) -> Any:
    return (y - t) ** 2


def test_the_range_test_finds_where_the_loss_falls_and_stops_where_it_explodes() -> None:
    # w ← w − 2 lr (w − 3): the loss is hardly moved far below 1/2, and grows from lr = 1 on
    w = Value(1.0)
    found = lr_range_test(lambda x: w * x, squared, [(1.0, 3.0)], optim.SGD([w]), 1e-5, 100.0, 200)
    assert found.lrs == pytest.approx(np.geomspace(1e-5, 100.0, 200)[: len(found.lrs)])
    assert found.losses[0] == 4.0
    assert found.losses[-1] <= 4 * min(found.losses[:-1])
    assert 1.0 < found.lrs[-1] < 10.0
    assert 1e-3 < found.suggestion < 0.5


@pytest.mark.parametrize(("losses", "at"), [([9.0, 3.0, 2.9, 2.8], 0), ([9.0] * 20 + [3.0] * 20, 20), ([2.0, 1.0], 0)])
def test_the_suggestion_is_where_the_loss_falls_most_steeply(losses: list[float], at: int) -> None:
    w, coming = Value(1.0), iter(losses)
    found = lr_range_test(lambda x: x, lambda y, t: w * 0 + next(coming), [(0, 0)], optim.SGD([w]), steps=len(losses))
    assert found.losses == losses
    assert found.lrs.index(found.suggestion) == pytest.approx(at, abs=1)


@pytest.mark.parametrize("fails", [False, True])
def test_the_range_test_leaves_all_as_it_was(fails: bool) -> None:
    model = Scaled()
    optimizer = optim.Adam([{"params": model.w, "lr": 0.3}], lr=0.1)

    def train() -> None:
        optimizer.zero_grad()
        squared(model(mg.tensor([1.0, 2.0])), 1.0).backward()
        optimizer.step()

    train()
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    held, gradient, groups = optimizer.state[model.w], model.w.grad, copy.deepcopy(optimizer.param_groups)

    def everything() -> list[Any]:
        return [model.w.tolist(), model.calls.tolist(), model.w.grad.tolist(),
                {name: x.tolist() for name, x in held.items()}, str(optimizer), schedule.get_last_lr()]  # fmt: skip

    before = everything()
    batches = [(mg.tensor([1.0, 2.0]), 1.0)] * 3
    if fails:
        with pytest.raises(KeyError, match="no batch"):
            lr_range_test(model, squared, _then_raise(batches), optimizer)
    else:
        assert len(lr_range_test(model, squared, batches, optimizer, steps=20).losses) > 3
    assert everything() == before
    assert optimizer.state[model.w] is held
    assert model.w.grad is gradient
    assert [group["lr"] for group in groups] == schedule.get_last_lr()
    train()  # goes on as if nothing had been
    assert held["step"].item() == 2.0


def _then_raise(batches: list[Any]) -> Iterator[Any]:
    yield from batches
    raise KeyError("no batch")


@pytest.mark.parametrize(("options", "data", "message"), [
    (dict(start_lr=0.1, end_lr=0.1), [(1.0, 3.0)], "expected 0 < start_lr < end_lr"),
    (dict(steps=1), [(1.0, 3.0)], "steps ≥ 2"), (dict(), [], r"at least 2 finite losses, got \[\]"),
    (dict(), [(1.0, math.nan)], "finite losses"), (dict(), iter([(1.0, 3.0)]), r"got \[4.0\]; give more data"),
])  # fmt: skip
def test_a_range_test_that_tells_nothing_is_refused(options: Any, data: Any, message: str) -> None:
    w = Value(1.0)
    with pytest.raises(ValueError, match=message):
        lr_range_test(lambda x: w * x, squared, data, optim.SGD([w]), **options)
    assert w.data == 1.0


@pytest.mark.parametrize("lr", [np.array(0.5), np.float32(0.5), mg.tensor(0.5)])
def test_a_rate_is_any_number(lr: Any) -> None:
    p = mg.ones(2, requires_grad=True)
    p.sum().backward()
    optim.SGD([p], lr=lr).step()
    assert p.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optim.SGD([p], lr=-lr)
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optim.SGD([p], lr=np.array([0.1, 0.2]))
