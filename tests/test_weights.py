"""A layer stacks its weights for speed: no change of any weight may go unseen, and modules keep their state."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
from microgradx.dot import dot
from microgradx.nn import Layer, ModuleList, Neuron
from microgradx.rules import RULES
from microgradx.value import Value
from microgradx.vectors import Bundle

from .table import gradients, numbers

X = [0.5, -1.25]


def by_hand(layer: Layer, x: Any) -> list[float]:
    """The layer from the definition of a neuron and today's weights, without any of its code."""
    found = []
    for n in layer.neurons:
        total = sum(float(w) * float(e) for w, e in zip(n.w, x, strict=True)) + float(n.b)
        found.append(math.tanh(total) if n.nonlin else total)
    return found


# ---- the layer stacks its weights; no change may go unseen -----------------------------------------------
class Weight(Value):
    """A Value of the user's own kind."""


def new_weights(layer: Layer, make: Callable[[Any], Any]) -> None:
    layer.neurons[1].w = [make(k + 0.5) for k in range(2)]


def descend(layer: Layer) -> None:
    layer.parameters()[0].grad = 1.0
    mg.optim.SGD(layer.parameters(), lr=0.5).step()


def one_weight(layer: Layer) -> None:
    layer.neurons[0].w = list(layer.neurons[0].w)
    layer(X)
    layer.neurons[0].w[0] = Value(3.0)


ATTACKS: dict[str, Callable[[Layer], Any]] = {
    "p.data = 3": lambda layer: setattr(layer.parameters()[0], "data", 3.0),
    "p.data += 1 for the bias": lambda layer: setattr(layer.neurons[2].b, "data", 1.5),
    "inside no_grad": lambda layer: mg.no_grad()(lambda: setattr(layer.parameters()[4], "data", -2.0))(),
    "load_state_dict": lambda layer: layer.load_state_dict(dict.fromkeys(layer.state_dict(), 0.75)),
    "a new bias": lambda layer: setattr(layer.neurons[0], "b", Value(2.0)),
    "a bias that is a float": lambda layer: setattr(layer.neurons[0], "b", 2.0),
    "a bias of another kind": lambda layer: setattr(layer.neurons[0], "b", Weight(2.0)),
    "a bias that is computed": lambda layer: setattr(layer.neurons[0], "b", Value(2.0) * 3),
    "new weights": lambda layer: new_weights(layer, Value),
    "weights that are floats": lambda layer: new_weights(layer, float),
    "weights of another kind": lambda layer: new_weights(layer, Weight),
    "weights that are computed": lambda layer: new_weights(layer, lambda k: Value(k) * 2),
    "weights of both kinds": lambda layer: new_weights(layer, lambda k: Value(k) if k < 1 else k),
    "a shared neuron's weights": lambda layer: setattr(layer.neurons[1], "w", layer.neurons[0].w),
    "another layer's neurons": lambda layer: setattr(layer, "neurons", Layer(2, 3, activation="tanh", seed=9).neurons),
    "linear": lambda layer: setattr(layer.neurons[1], "nonlin", False),
    "an optimiser": descend,
    "one more neuron": lambda layer: layer.neurons.append(layer.spare),
    "another neuron": lambda layer: layer.neurons.__setitem__(1, layer.spare),
    "one weight of a list": one_weight,
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_change_between_calls_is_seen_by_the_next(attack: Callable[[Layer], Any]) -> None:
    layer = Layer(2, 3, activation="tanh", seed=0)
    object.__setattr__(
        layer, "spare", Neuron(2, activation="tanh", seed=5)
    )  # made before the first call, and unknown to the layer
    layer(X)
    before = numbers(layer(X))
    attack(layer)
    after = layer(X)
    assert numbers(after) == pytest.approx(by_hand(layer, X), rel=1e-14)
    assert numbers(after) != before
    x = [Value(e) for e in X]
    sums = [sum(e * w for e, w in zip(x, n.w, strict=True)) + n.b for n in layer.neurons]
    want = [y.tanh() if n.nonlin else y for n, y in zip(layer.neurons, sums, strict=True)]
    assert gradients(layer, layer(x), *x) == pytest.approx(gradients(layer, want, *x), rel=1e-12, abs=1e-15)


def test_a_changed_activation_is_the_one_that_runs() -> None:
    for module, call in ((n := Neuron(2, seed=0), n), (layer := Layer(2, 2, seed=0), lambda x: layer(x)[0])):
        assert call(X).op == "relu"
        for neuron in getattr(module, "neurons", [module]):
            neuron.activation = "tanh"
        assert (call(X).op, repr(n if module is n else layer.neurons[0])) == ("tanh", "TanhNeuron(2)")


def test_an_input_whose_data_changes_is_seen() -> None:
    layer, x = Layer(2, 3, activation="tanh", seed=0), [Value(0.5), Value(-1.0)]
    first = layer(x)
    x[0].data = 4.0
    assert numbers(layer(x)) == pytest.approx(by_hand(layer, [4.0, -1.0]))
    shared = dot(layer.neurons[0].w, x)
    layer.neurons[0].w[0].data = 9.0
    assert dot(layer.neurons[0].w, x).data == pytest.approx(36.0 - layer.neurons[0].w[1].data)
    assert (shared.parents[0].data, first[0].parents[0].rule) == (9.0, RULES["dot"])


def test_recorded_derivatives_outlive_a_change_of_the_weights() -> None:
    layer, x = Layer(2, 2, nonlin=False, seed=0), [Value(2.0), Value(3.0)]
    weights = [[w.data for w in n.w] for n in layer.neurons]
    y = layer(x)
    for p in layer.parameters():
        p.data = 100.0
    layer(x)
    sum(y).backward()
    assert [v.grad for v in x] == [weights[0][0] + weights[1][0], weights[0][1] + weights[1][1]]


def test_values_may_be_shared_between_modules() -> None:
    one, two = Layer(2, 2, nonlin=False, seed=0), Layer(2, 2, nonlin=False, seed=1)
    two.neurons[0].w = one.neurons[1].w
    both = ModuleList([one, two])
    assert len(both.parameters()) == 10
    y = one(X)[1] + two(X)[0]
    y.backward()
    assert [p.grad for p in one.neurons[1].w] == [2 * e for e in X]


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["call", "data", "bias", "swap", "inputs", "backward"]), max_size=12), st.integers(0, 5)
)
def test_any_sequence_of_changes_gives_todays_numbers(actions: list[str], which: int) -> None:
    layer, x, k = Layer(2, 3, activation="tanh", seed=0), [Value(0.5), Value(-1.0)], 0.0
    for action in actions:
        k += 0.25
        neuron = layer.neurons[which % 3]
        if action == "call":
            layer([e * 2 for e in x])
        elif action == "data":
            neuron.w[which % 2].data += k
        elif action == "bias":
            neuron.b = Value(k)
        elif action == "swap":
            neuron.w = layer.neurons[(which + 1) % 3].w
        elif action == "inputs":
            x[which % 2].data -= k
        else:
            sum(layer(x)).backward()
        assert numbers(layer(x)) == pytest.approx(by_hand(layer, x), rel=1e-13, abs=1e-15)



def test_a_pickled_model_has_the_weights_that_it_was_pickled_with(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Layer(2, 2, seed=0)
    layer(X)
    monkeypatch.setattr(Bundle, "changes", then := Bundle.changes)
    for p in layer.parameters():
        p.data += 1.0
    pickled, want = pickle.dumps(layer), numbers(layer(X))
    Bundle.changes = then  # as it may be in the process that reads the file
    assert numbers(pickle.loads(pickled)(X)) == want


def test_a_neuron_with_a_forward_of_its_own_is_asked() -> None:
    layer = Layer(1, 2, seed=0)
    layer([1.0])
    layer.neurons[0].forward = lambda x: Value(99.0)
    assert layer([1.0])[0].data == 99.0


def test_neurons_of_different_widths_are_told_apart() -> None:
    layer = Layer(2, 2, seed=0)
    layer.neurons[0].w = Bundle(layer.neurons[0].w[:1])
    with pytest.raises(ValueError, match="expected as many inputs as weights, got 1 weights and 2 inputs"):
        layer([1.0, 2.0])
