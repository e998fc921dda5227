"""A hidden layer makes its nodes when they are looked at: nobody can tell, whenever and however they look."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
from microgradx.graph import describe, sweep, topological_order
from microgradx.nn import MLP, Layer
from microgradx.program import Program
from microgradx.rules import RULES, rule
from microgradx.transforms import grad
from microgradx.value import Value

from .table import gradients, numbers

ACTIVATIONS = [r.name for r in RULES.values() if r.required == 1]
POINT = (0.5, -1.25)


def layer_by_layer(model: MLP, x: Any) -> Any:
    """The same network with every layer called by the user, who has all nodes in hand at once."""
    for layer in model.layers:
        x = layer(x)
    return x


def story(root: Value) -> list[Any]:
    """Everything that can be seen of the graph below root."""
    nodes = topological_order(root)
    index = {node: i for i, node in enumerate(nodes)}
    calls: dict[Any, int] = {}
    return [
        (node.op, node.label, node.data, node.grad, node.scope, node.local_grads, [index[p] for p in node.parents],
         [calls.setdefault(scope, len(calls)) for scope in node._scope.chain])
        for node in nodes
    ]  # fmt: skip


def nodes_alive() -> int:
    return sum(type(x) is Value for x in gc.get_objects())


# ---- a graph that was not looked at ------------------------------------------------------------------------
def test_a_step_makes_no_node_of_a_hidden_layer() -> None:
    model, before = MLP(2, [16, 16, 1], seed=0), nodes_alive()
    y = model(POINT)
    y.backward()
    assert nodes_alive() == before + 1
    assert len(topological_order(y)) == 2 * 32 + 1 + len(model.parameters())
    assert nodes_alive() == before + 1 + 64


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_gives_the_nodes_and_gradients_of_the_layers_called_one_by_one(activation: str) -> None:
    model = MLP(2, [3, 4, 2], activation=activation, seed=3)
    for layer in model.layers:
        for neuron in layer.neurons:
            neuron.b.data = 0.125 if activation in ("asin", "acos") else 4.0  # into the domain of most
    stories = []
    for call in (model, lambda x: layer_by_layer(model, x)):
        xs = [Value(e, label=f"x{i}") for i, e in enumerate(POINT)]
        outs = call(xs)
        model.zero_grad()
        sum(out * k for k, out in enumerate(outs, 1)).backward()
        stories.append((numbers(outs), [p.grad for p in (*model.parameters(), *xs)], story(outs[0])))
    (data, grads, seen), (want, want_grads, want_seen) = stories
    assert data == pytest.approx(want, rel=0, abs=0, nan_ok=True)
    assert grads == pytest.approx(want_grads, rel=1e-12, abs=1e-15, nan_ok=True)
    for now, then in zip(seen, want_seen, strict=True):
        assert (now[0], now[1], now[4], now[6], now[7]) == (then[0], then[1], then[4], then[6], then[7])
        assert [now[2], *now[5]] == pytest.approx([then[2], *then[5]], rel=0, abs=0, nan_ok=True)
        assert now[3] == pytest.approx(then[3], rel=1e-12, abs=1e-15, nan_ok=True)


# ---- looking -----------------------------------------------------------------------------------------------
LOOKS: dict[str, Callable[[Value], Any]] = {
    "inputs": lambda y: list(y.inputs[1]), "one input": lambda y: y.inputs[1][0], "parents": lambda y: y.parents,
    "local_grads": lambda y: y.slots, "order": topological_order, "program": Program.of, "_prev": lambda y: y._prev,
    "message": describe, "length": lambda y: len(y.inputs[1]), "deepcopy": copy.deepcopy, "pickle": pickle.dumps,
    "grad()": lambda y: grad(y, y.parents[0]),
    "create_graph": lambda y: grad(y, y.parents[0], create_graph=True),
    "under no_grad": lambda y: mg.no_grad()(lambda: y.parents)(),
    "in a scope, checked": lambda y: _in_a_scope(y),
    "in another thread": lambda y: _in_a_thread(lambda: topological_order(y)),
    "a use": lambda y: y.parents[1] * 2, "nothing": lambda y: None,
}  # fmt: skip


def _in_a_scope(y: Value) -> None:
    with mg.scope("elsewhere"), mg.detect_anomaly():
        topological_order(y)


def _in_a_thread(work: Callable[[], Any]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_when_and_how_one_looks_changes_nothing(look: Callable[[Value], Any], moment: str) -> None:
    def told(looks: bool) -> Any:
        model = MLP(2, [3, 3, 1], activation="tanh", seed=1)
        with mg.scope("net"):
            y = model([Value(e) for e in POINT])
        for now in ("before", "between", "after"):
            if looks and now == moment:
                look(y)
            if now != "after":
                (y * 2).backward()
        return story(y)

    assert _rounded(told(True)) == _rounded(told(False))


def _rounded(found: list[Any]) -> list[Any]:
    return [(*told[:3], told[3] and float(f"{told[3]:.12g}"), *told[4:]) for told in found]


def test_the_gradients_of_what_is_looked_at_later_are_those_of_the_last_pass() -> None:
    model = MLP(2, [3, 2], activation="tanh", seed=0)
    a, b = model(POINT)
    assert [h.grad for h in a.inputs[1]] == [None] * 3
    a, b = model(POINT)
    a.backward()
    (b * 5).backward()
    weights = model.layers[1].neurons[1].w
    for h, w in zip(b.inputs[1], weights, strict=True):
        assert h.grad == pytest.approx(5 * w.data)
        assert h.parents[0].grad == pytest.approx(5 * w.data * (1 - h.data**2))


def test_a_hidden_node_may_be_used_again() -> None:
    small, large = (MLP(2, [3, 1], activation="tanh", seed=0, expand=e) for e in (False, True))
    found = []
    for model in small, large:
        x = [Value(e) for e in POINT]
        y = model(x)
        y.backward()
        hidden = [node for node in topological_order(y) if node.op == "tanh"]
        found.append(gradients(model, y * sum(hidden), *x))
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize("look", [lambda y: y.parents, topological_order])
def test_looking_waits_for_the_sweep_of_another_thread(look: Callable[[Value], Any]) -> None:
    y = MLP(2, [3, 1], activation="tanh", seed=0)(POINT)
    looks = threading.Thread(target=look, args=[y])

    def meanwhile(_: Any) -> None:
        looks.start()
        looks.join(0.05)
        assert looks.is_alive()

    sweep(y, 1.0, meanwhile)
    looks.join(10)
    assert [h.grad for h in y.inputs[1]] == [w.data for w in y.inputs[0]]


# ---- graphs of every kind ----------------------------------------------------------------------------------
@settings(max_examples=80)
@given(st.data())
def test_networks_on_networks_give_the_gradients_of_small_operations(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    models = [MLP(2, [*sizes, 2], activation="tanh", seed=4, expand=e) for e in (False, True)]
    leaves = [[Value(e) for e in POINT] for _ in models]
    pools: list[list[Any]] = [[*xs, 0.75] for xs in leaves]
    for _ in range(data.draw(st.integers(1, 4))):
        a, b, looks = data.draw(st.tuples(st.integers(0, 99), st.integers(0, 99), st.booleans()))
        for model, pool in zip(models, pools, strict=True):
            outs = model([pool[a % len(pool)], pool[b % len(pool)]])
            if looks:
                topological_order(outs[0])
            pool.extend(outs)
    uses = data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=3))
    found = []
    for model, pool, xs in zip(models, pools, leaves, strict=True):
        root = sum((pool[3:][use % (len(pool) - 3)] * k for k, use in enumerate(uses, 1)), Value(0.0))
        once = gradients(model, root, *xs)
        assert gradients(model, root, *xs) == once
        found.append(once)
    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-12)


def test_outputs_that_are_not_used_leave_their_neurons_without_a_gradient() -> None:
    model = MLP(2, [3, 2], seed=0)
    model(POINT)[0].backward()
    assert [p.grad is None for p in model.parameters()] == [False] * 13 + [True] * 4


@pytest.mark.parametrize(
    ("activation", "bias"),
    [("exp", 800.0), ("sqrt", 0.0), ("log", 0.0), ("sqrt", -1.0), ("reciprocal", 0.0), ("exp", math.nan)],
)
def test_what_the_math_module_refuses_is_inf_or_nan(activation: str, bias: float) -> None:
    found = []
    for expand in (False, True):
        model = MLP(2, [2, 1], activation=activation, seed=0, expand=expand)
        for p in model.layers[0].parameters():
            p.data = 0.0
        for neuron in model.layers[0].neurons:
            neuron.b.data = bias
        y = model(POINT)
        found.append([y.data, *gradients(model, y)])
    assert found[0] == pytest.approx(found[1], nan_ok=True)
    assert not all(map(math.isfinite, found[0]))


def test_a_layer_of_one_neuron_may_be_hidden() -> None:
    a, b = (MLP(2, [1, 1], activation="tanh", seed=0, expand=e) for e in (False, True))
    assert gradients(a, a(POINT)) == pytest.approx(gradients(b, b(POINT)))


def test_a_hidden_layer_with_a_forward_of_its_own_is_asked() -> None:
    class Twice(Layer):
        def forward(self, x: Any) -> Any:
            return [2 * y for y in super().forward(x)]

    model = MLP(2, [2, 1], seed=0)
    once = numbers(model.layers[0](POINT))
    model.layers[0].forward = lambda x: [Value(9.0), Value(8.0)]
    assert numbers(list(model(POINT).inputs[1])) == [9.0, 8.0]
    model = MLP(2, [2, 1], seed=0)
    twice = Twice(2, 2)
    twice.neurons = model.layers[0].neurons
    model.layers[0] = twice
    assert numbers(list(model(POINT).inputs[1])) == [2 * h for h in once]


@pytest.mark.parametrize("nonlin", [False, True])
def test_neurons_of_a_hidden_layer_may_differ(nonlin: bool) -> None:
    found = []
    for expand in (False, True):
        model = MLP(2, [3, 2], activation="tanh", seed=0, expand=expand)
        model.layers[0].neurons[0].nonlin = nonlin
        model.layers[0].neurons[1].activation = "sigmoid"
        found.append(gradients(model, model(POINT)))
    assert found[0] == pytest.approx(found[1])


def test_an_activation_without_a_derivative_ends_the_sweep() -> None:
    step = rule("heaviside_", lambda xp, x: xp.where(x > 0, 1, 0), None)
    try:
        model = MLP(2, [3, 1], activation=step, seed=0)
        for _ in range(2):  # the first use of a rule prints its function
            y = model(POINT)
            model.zero_grad()
            y.backward()
            assert [p.grad is None for p in model.parameters()] == [True] * 9 + [False] * 4
    finally:
        del RULES["heaviside_"]


def test_recorded_numbers_outlive_a_change_of_weights_and_inputs() -> None:
    model, x = MLP(2, [3, 1], activation="tanh", seed=0), [Value(e) for e in POINT]
    y, z = model(x), model(x)
    want = _rounded(story(z))
    for p in (*model.parameters(), *x):
        p.data += 1.0
    model.layers[0].neurons[0].activation = "relu"
    got = _rounded(story(y))
    assert [told[:2] + told[5:] for told in got] == [told[:2] + told[5:] for told in want]
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        grad(y, x, create_graph=True)


def test_an_anomaly_behind_a_hidden_layer_names_its_neuron() -> None:
    model, x = MLP(1, [2, 1], activation="sqrt", seed=0), Value(0.0)
    y = model([x])
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match=r"sqrt\(0\.0\) in scope 'layers\.0\.neurons\.1'"):
        y.backward()
    assert [p.grad for p in model.parameters()] == [None] * 7


def test_a_graph_with_folded_layers_goes_with_its_root() -> None:
    model = MLP(2, [3, 3, 1], seed=0)
    gc.collect()
    gc.disable()
    try:
        before = nodes_alive()
        for looks in (False, True):
            y = model(POINT)
            y.backward()
            if looks:
                topological_order(y)
            del y
            assert nodes_alive() == before
    finally:
        gc.enable()
