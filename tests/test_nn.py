"""Networks of Values: the quick paths give the slow paths' numbers, and a change of any weight is seen at once."""

from __future__ import annotations

import gc
import math
import random
from typing import Any

import numpy as np
import pytest

import microgradx as mg
from microgradx import nn
from microgradx.graph import topological_order
from microgradx.nn import MLP, Layer, Module, ModuleList, Neuron
from microgradx.rules import RULES
from microgradx.value import Value

from .table import gradients, numbers

ACTIVATIONS = [r.name for r in RULES.values() if r.required == 1 and r.domain[0][0] < -1]  # for any sum
X = [0.5, -1.25]


# ---- three ways to the same numbers ----------------------------------------------------------------------
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_expanded_neurons_agree(activation: str) -> None:
    small, large = (MLP(2, [3, 2], activation=activation, expand=e, seed=3) for e in (False, True))
    xs = [[Value(e) for e in X] for _ in range(2)]
    a, b = small(xs[0]), large(xs[1])
    assert numbers(a) == pytest.approx(numbers(b), rel=1e-12)
    assert gradients(small, a, *xs[0]) == pytest.approx(gradients(large, b, *xs[1]), rel=1e-12, abs=1e-15)
    assert {n.op for n in topological_order(a[0])} == {"", "dot", activation}
    assert {n.op for n in topological_order(b[0])} == {"", "mul", "add", activation}


@pytest.mark.parametrize(
    "x",
    [X, tuple(X), np.array(X), [Value(e) for e in X], [Value(0.5), -1.25], [True, Value(2.0) * 3]],
    ids=lambda x: type(x).__name__,
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "tanh"},
        {"activation": lambda v: v.tanh() * 2 + v},
        {"nonlin": False},
        {"activation": "leaky_relu"},
    ],
    ids=str,
)
def test_a_layer_is_its_neurons(options: dict[str, Any], x: Any) -> None:
    layer = Layer(2, 3, seed=1, **options)
    together = layer(x)
    one_by_one = [neuron(x) for neuron in layer.neurons]
    assert numbers(together) == pytest.approx(numbers(one_by_one), rel=1e-14)
    assert gradients(layer, together) == pytest.approx(gradients(layer, one_by_one), rel=1e-12)
    for a, b in zip(together, one_by_one, strict=True):
        assert [n.op for n in topological_order(a)] == [n.op for n in topological_order(b)]
        assert [n.scope for n in topological_order(a) if n.rule] == [n.scope for n in topological_order(b) if n.rule]
    with mg.no_grad():
        assert numbers(layer(x)) == pytest.approx(numbers(together), rel=1e-14)
        assert [y.parents for y in layer(x)] == [()] * 3


def test_shapes_and_names() -> None:
    model = MLP(3, [4, 2, 1], seed=0)
    assert isinstance(model([1, 2, 3]), Value)
    assert [len(out) for out in (MLP(3, [4, 2], seed=0)([1, 2, 3]), Layer(3, 2)([1, 2, 3]))] == [2, 2]
    assert len(model.parameters()) == 4 * 4 + 5 * 2 + 3
    assert all(-1 < p.data < 1 for p in model.parameters())
    names = [name for name, _ in model.named_parameters()]
    assert (names[:5], len(set(names)), names[-1]) == (
        [*(f"layers.0.neurons.0.{p}" for p in ("w.0", "w.1", "w.2", "b")), "layers.0.neurons.1.w.0"], 29,
        "layers.2.neurons.0.b")  # fmt: skip
    assert repr(Neuron(2, activation="tanh")) == "TanhNeuron(2)"
    assert Neuron(0)([]).data == 0.0


def test_weights_come_from_the_seed_or_from_pythons_generator() -> None:
    data = lambda **options: [p.data for p in MLP(2, [3, 1], **options).parameters()]
    assert data(seed=1) == data(seed=1) == data(seed=random.Random(1)) != data(seed=2)
    random.seed(7)
    first = data()
    random.seed(7)
    assert data() == first == data(seed=7) != data()


@pytest.mark.parametrize("expand", [False, True])
def test_every_node_knows_its_layer_and_neuron(expand: bool) -> None:
    model = MLP(2, [2, 2, 1], expand=expand, activation="tanh", seed=0)
    with mg.scope("net"):
        scopes = [n.scope for n in topological_order(model([Value(1.0), 2.0])) if n.rule]
    assert sorted(set(scopes)) == [
        f"net.layers.{place}" for place in ("0.neurons.0", "0.neurons.1", "1.neurons.0", "1.neurons.1", "2.neurons.0")
    ]
    assert Neuron(1, seed=0)([1.0]).scope == ""


# ---- Module ----------------------------------------------------------------------------------------------
class Net(Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.table, self.head = Value(2.0), [Value(1.0), Value(3.0)], Layer(2, 2, seed=0)
        self.tail, self.again = ModuleList([Neuron(2, seed=1)]), self.scale

    def forward(self, x: Any) -> Value:
        return self.tail[0](self.head([self.scale * e + t for e, t in zip(x, self.table, strict=True)]))


def test_a_module_of_ones_own() -> None:
    net = Net()
    names = [n for n, _ in net.named_parameters()]
    assert names[:3] == ["scale", "table.0", "table.1"]
    assert names[3:] == [f"head.neurons.{n}.{p}" for n in (0, 1) for p in ("w.0", "w.1", "b")] + [
        f"tail.0.{p}" for p in ("w.0", "w.1", "b")
    ]
    assert net.parameters() == [p for _, p in net.named_parameters()]
    assert net(X).scope == "tail.0"
    net(X).backward()
    assert [p.grad is not None for p in net.parameters()] == [True] * 12
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [None] * 12
    for mode in (net.eval, net.train):
        assert mode() is net
        assert {m.training for _, m in net.named_modules()} == {mode == net.train}


def test_state_goes_round() -> None:
    one, two = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    state = one.state_dict()
    assert two(X).data != one(X).data
    two.load_state_dict(state)
    assert (two(X).data, two.state_dict()) == (one(X).data, state)
    one.parameters()[0].data = 9.0
    assert state != one.state_dict()


@pytest.mark.parametrize(("change", "error", "message"), [
    (lambda s: s.pop("layers.0.neurons.0.b"), RuntimeError, r'for MLP:\n\tMissing key.*"layers\.0\.neurons\.0\.b"\.'),
    (lambda s: s.update(extra=1.0), RuntimeError, r'Unexpected key.*"extra"'),
    (lambda s: s.update({"layers.1.neurons.0.b": "x"}), TypeError, "real number, got str 'x'"),
    (lambda s: s.update({"layers.1.neurons.0.b": [1, 2]}), TypeError, "got list"),
])  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(change: Any, error: type[Exception], message: str) -> None:
    model, state = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1).state_dict()
    before = model.state_dict()
    change(state)
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    assert model.state_dict() == before


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: MLP(2, [3, 1])([1.0]), ValueError, "got 2 weights and 1 inputs"),
    (lambda: MLP(2, [3, 1], expand=True)([1.0, 2.0, 3.0]), ValueError, "got 2 weights and 3 inputs"),
    (lambda: MLP(2, [1])(3.0), TypeError, "sequence of Values or numbers, got float"),
    (lambda: Neuron(2)("ab"), TypeError, "got str"), (lambda: Layer(2, 2)([None, 1]), TypeError, "NoneType"),
    (lambda: MLP(2, 3), ValueError, "nouts is a list.*got 3"), (lambda: MLP(2, []), ValueError, "nouts"),
    (lambda: Layer(2, 0), ValueError, "nout is the number of neurons.*got 0"),
    (lambda: Neuron(-1), ValueError, "nin is the number"), (lambda: Neuron(2.0), ValueError, "nin"),
    (lambda: Neuron(2, activation="rleu"), ValueError, "'rleu'; rules: .*relu"),
    (lambda: Neuron(2, activation="mul"), ValueError, "rule of one input"),
    (lambda: Module()(1), NotImplementedError, "Module.* is missing the required"),
    (lambda: ModuleList([3]), TypeError, "int is not a Module subclass"),
])  # fmt: skip
def test_misuse_says_what_was_expected(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_call_that_fails_leaves_the_scope() -> None:
    with pytest.raises(ValueError, match="inputs"):
        MLP(2, [3, 1])([math.pi])
    assert (Value(1.0) * 2).scope == ""


def test_looking_through_modules_leaves_no_cycles() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1)))
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            net.eval()
            net.train()
            list(net.named_parameters())
        assert gc.collect() == 0
    finally:
        gc.enable()
