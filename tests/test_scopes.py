"""no_grad, scope and detect_anomaly: what they do, for whom, and until when."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

import microgradx as mg
from microgradx.nn import MLP
from microgradx.transforms import grad
from microgradx.value import Value


# ---- no_grad ---------------------------------------------------------------------------------------------
def test_no_grad_gives_plain_leaves() -> None:
    x = Value(2.0)
    with mg.no_grad():
        made = [x * 2, 2**x, x.tanh(), mg.dot([x], [3.0]), mg.where(True, x, 1.0)]
    assert [(y.parents, y.op, y.inputs, y.local_grads) for y in made] == [((), "", (), ())] * 5
    assert (x * 2).parents == (x,)
    made[0].backward()
    assert x.grad is None


def test_create_graph_records_within_no_grad_too() -> None:
    v, x = mg.Value(3.0), mg.tensor([3.0], requires_grad=True)
    w, y, z = v**3, (x**3).sum(), x.sum()
    with mg.no_grad():
        g, h = mg.grad(w, v, create_graph=True), mg.grad(y, x, create_graph=True)
        y.backward(create_graph=True)
        z.backward(create_graph=True)
        assert not (x * 2).requires_grad
    assert (mg.grad(g, v).data, mg.grad(h.sum(), x).item(), mg.grad(x.grad.sum(), x).item()) == (18.0, 18.0, 18.0)


def test_no_grad_decorates_functions_again_and_again() -> None:
    @mg.no_grad()
    def double(x: Value) -> Value:
        return x * 2

    assert [double(Value(1.0)).parents for _ in range(3)] == [()] * 3
    assert (Value(1.0) * 2).op == "mul"


@pytest.mark.parametrize(
    "enter", [mg.no_grad, mg.detect_anomaly, lambda: mg.scope("loss")], ids=["no_grad", "detect_anomaly", "scope"]
)
def test_a_context_ends_with_an_exception(enter: Callable[[], Any]) -> None:
    with pytest.raises(KeyError), enter():
        raise KeyError("the user's own")
    y = Value(-1.0).log()
    assert (y.op, y.scope) == ("log", "")
    assert math.isnan(y.data)


def test_contexts_nest() -> None:
    x = Value(1.0)
    with mg.scope("a"), mg.no_grad(), mg.scope("b"):
        assert (x * 2).scope == "a.b"
        assert (x * 2).op == ""
    with mg.detect_anomaly(), mg.no_grad(), pytest.raises(mg.AnomalyError):
        x / 0
    with mg.no_grad(), mg.detect_anomaly():
        assert (x * 2).op == ""


@pytest.mark.parametrize("name", [3, None])
def test_a_scope_has_a_name(name: Any) -> None:
    with pytest.raises(TypeError, match="scope's name is a str"), mg.scope(name):
        pass


def test_threads_do_not_see_each_others_contexts() -> None:
    inside, done, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        inside.wait(10)
        y = Value(1.0) * 2
        seen.append((y.op, y.scope))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with mg.no_grad(), mg.scope("mine"):
        inside.set()
        done.wait(10)
        assert (Value(1.0) * 2).op == ""
    thread.join()
    assert seen == [("mul", "")]


def test_tasks_do_not_see_each_others_contexts() -> None:
    async def work(name: str, record: bool) -> list[tuple[str, str]]:
        found = []
        with mg.scope(name), mg.detect_anomaly() if record else mg.no_grad():
            for _ in range(3):
                await asyncio.sleep(0)
                y = Value(1.0) * 2
                found.append((y.scope, y.op))
        return found

    async def main() -> list[Any]:
        return list(await asyncio.gather(work("a", True), work("b", False), work("c", True)))

    assert asyncio.run(main()) == [[("a", "mul")] * 3, [("b", "")] * 3, [("c", "mul")] * 3]


# ---- detect_anomaly --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("make", "message"), [
    (lambda x: x.log(), r"log\(x=0\.0\) made -inf in the forward pass"),
    (lambda x: 1 / x, r"div\(1\.0, x=0\.0\) made inf"),
    (lambda x: (x + 1000).exp(), r"exp\(1000\.0\) made inf"), (lambda x: x / x, r"div\(x=0\.0, x=0\.0\) made nan"),
    (lambda x: mg.dot([x, x], [math.inf, 1.0]), r"dot\(\[x=0\.0, x=0\.0\], \[inf, 1\.0\], 0\.0\) made nan"),
])  # fmt: skip
def test_an_anomaly_of_the_forward_pass_is_named(make: Any, message: str) -> None:
    x = Value(0.0, label="x")
    with mg.detect_anomaly(), mg.scope("loss"), pytest.raises(mg.AnomalyError, match=message):
        make(x)
    with (
        mg.detect_anomaly(),
        mg.scope("net"),
        mg.scope("loss"),
        pytest.raises(FloatingPointError, match=r"in scope 'net\.loss'"),
    ):
        make(x)


def test_an_anomaly_of_the_backward_pass_is_named_and_changes_no_gradient() -> None:
    x, y = Value(0.0, label="x"), Value(1.0, label="y")
    with mg.scope("loss"):
        h = x.sqrt()
        h.label = "h"
        out = h * y
    x.grad, y.grad = 5.0, 7.0
    with (
        mg.detect_anomaly(),
        pytest.raises(
            mg.AnomalyError,
            match=r"sqrt\(x=0\.0\) labelled 'h' in scope 'loss' handed inf to its input leaf labelled 'x'.*backward",
        ),
    ):
        out.backward()
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match="handed inf"):
        grad(out, [x, y])
    assert (x.grad, y.grad, h.op) == (5.0, 7.0, "sqrt")
    out.backward()  # without, it goes through
    assert (x.grad, y.grad) == (math.inf, 7.0)


def test_what_is_finite_passes() -> None:
    x = Value(0.5)
    with mg.detect_anomaly():
        y = x.tanh() * x.exp()
        y.backward()
        assert grad(grad(y, x, create_graph=True), x).data != 0
    assert x.grad is not None


def test_a_branch_that_is_not_taken_is_no_anomaly() -> None:
    a, b = Value(0.0), Value(2.0)
    with mg.detect_anomaly():
        ga, gb = grad(a**b, [a, b], create_graph=True)
    assert (ga.data, gb.data) == (0.0, 0.0)


@pytest.mark.parametrize("expand", [False, True])
def test_an_anomaly_in_a_network_names_layer_and_neuron(expand: bool) -> None:
    model = MLP(2, [3, 1], activation="exp", expand=expand, seed=0)
    model.layers[0].neurons[1].b.data = 1000.0
    with (
        mg.detect_anomaly(),
        pytest.raises(mg.AnomalyError, match=r"exp\(.*made inf.*in scope 'layers\.0\.neurons\.1'"),
    ):
        model([1.0, 2.0])
    model.layers[0].neurons[2].b.data = math.nan
    model.layers[0].neurons[1].b.data = 0.0
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match=r"made nan.*in scope 'layers\.0\.neurons\.2'"):
        model([1.0, 2.0])
