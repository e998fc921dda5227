"""Programs of Tensors: a replay gives the graph's numbers, its sweep the gradients of backward() to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import microgradx as torch
import microgradx.nn.functional as F
from microgradx import nn
from microgradx.program import Program, Ref
from microgradx.structural import STRUCTURAL
from microgradx.tensor import Tensor, apply
from microgradx.testing.strategies import programs


def graph(dag: Any) -> Tensor | None:
    """The root, unless no gradient flows to it."""
    root = dag.build()
    return root if isinstance(root, Tensor) and root.requires_grad else None


def same(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True))


@settings(max_examples=150, deadline=None)
@given(programs(max_nodes=8))
def test_a_replay_gives_the_graphs_numbers_and_backwards_gradients(dag: Any) -> None:
    if (root := graph(dag)) is None:
        return
    program, sources = Program.read(root)
    data = program.forward()
    root.backward(torch.ones_like(root))
    grads = program.backward(data)
    for i, source, x, g in zip(program, sources, data, grads, strict=True):
        assert same(x, source if i.constant else source.data), i
        assert (g is None) == i.constant
        if i.rule is None and not i.constant:
            assert same(g, source.grad._data), i


def step() -> dict[str, Any]:
    torch.manual_seed(0)
    X, Y = torch.randn(5, 2), torch.randn(5, 1)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    loss = F.mse_loss(model(X), Y)
    return {"X": X, "Y": Y, "model": model, "loss": loss}


def test_parameters_data_and_results_have_their_names() -> None:
    names = step()
    program = Program.of(names["loss"], names)
    assert [(i.label, i.op, i.data.shape, i.constant) for i in program] == [
        ("model.0.weight", "", (3, 2), False), ("model.0.bias", "", (3,), False),
        ("model.2.weight", "", (1, 3), False), ("model.2.bias", "", (1,), False),
        ("X", "", (5, 2), True), ("", "linear", (5, 3), False), ("", "relu", (5, 3), False),
        ("", "linear", (5, 1), False), ("Y", "", (5, 1), True), ("loss", "mse", (), False),
    ]  # fmt: skip
    assert [i.scope for i in program if i.op] == ["0", "1", "2", ""]
    assert [len(uses) for uses in program.uses] == [1, 1, 1, 1, 0, 1, 1, 1, 0, 0]
    assert [[(use.user, use.slot) for use in reads] for reads in program.reads if reads] == [[(5, 0)], [(9, 1)]]
    assert program.leaves == [0, 1, 2, 3, 4, 8]
    dotted = dict(names["model"].named_parameters())
    assert [i.label for i in Program.of(names["loss"], dotted)][:4] == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_a_label_of_its_own_comes_first_and_classes_are_no_models() -> None:
    w, x = torch.ones(2, requires_grad=True), torch.ones(2)
    w.label, x.label = "weights", "data"
    program = Program.of((w * x).sum(), {"w": w, "x": x, "Module": nn.Module, "anything": object()})
    assert [i.label for i in program] == ["weights", "data", "", ""]


def test_an_array_is_one_leaf_however_often_it_is_used_and_an_index_is_known_by_its_numbers() -> None:
    w, x, rows = torch.ones(3, 2, requires_grad=True), torch.ones(3, 2), torch.tensor([0, 2, 2])
    program = Program.of((w[rows] * x + x).sum(), {"w": w, "x": x, "rows": rows})
    assert [i.label for i in program if not i.op] == ["w", "rows", "x"]
    key = program[2].inputs[1]
    assert key[0] == Ref(1)
    assert len(program.reads[3]) == 2


def test_it_is_a_snapshot() -> None:
    names = step()
    names["loss"].backward()
    program = Program.of(names["loss"], names)
    before = [(i.data.copy(), None if i.grad is None else i.grad.copy()) for i in program]
    with torch.no_grad():
        for p in names["model"].parameters():
            p.sub_(p.grad)
            p.grad.zero_()
    for i, (data, grad) in zip(program, before, strict=True):
        assert same(i.data, data)
        assert (i.grad is None) == (grad is None)
        assert grad is None or (same(i.grad, grad) and grad.any())
    assert [i.grad is not None for i in program] == [True] * 4 + [False] * 6  # PyTorch keeps those of leaves alone


def test_after_an_optimisers_step_the_leaves_are_todays() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    root = (w * w).sum()
    root.backward()
    with torch.no_grad():
        w += 1
    program = Program.of(root)
    data = program.forward()
    assert data[-1] == 13
    assert program.backward(data)[0].tolist() == [4, 6]


def test_a_retained_gradient_is_read() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    y = w * 3
    y.retain_grad()
    (y * y).sum().backward()
    assert Program.of((y * y).sum())[1].grad.tolist() == [6, 12]


def test_what_was_changed_in_place_has_the_numbers_of_its_time() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.add_(1.0)
    program = Program.of(y.sum())
    assert [i.data.tolist() for i in program] == [[1, 2], [2, 4], [3, 5], 8]


def test_dtypes_are_those_of_the_graph_and_float64_is_there_for_the_asking() -> None:
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float64, requires_grad=True)
    program = Program.of(((x + y).to(torch.float32) * torch.tensor(2.0, dtype=torch.float64)).sum())
    data = program.forward()
    assert [str(a.dtype) for a in data] == [str(i.data.dtype) for i in program]
    assert [str(a.dtype) for a in program.backward(data) if a is not None][:2] == ["float32", "float64"]
    fine = program.in_float64()
    assert {a.dtype for a in fine.forward()} == {np.dtype(np.float64)}


def test_elementwise_rules_have_local_derivatives_and_others_contributions_only() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    program = Program.of((x * x).sum())
    data = program.forward()
    assert program.local(program.uses[0][0], data).tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"sum is not elementwise.*ask for a contribution"):
        program.local(program.uses[1][0], data)
    assert program.contribution(program.uses[1][0], data[-1], data).tolist() == [5, 5]


def test_a_mask_lets_no_infinity_through() -> None:
    x = torch.tensor([-1.0, 1.0], requires_grad=True)
    root = (x.relu() * torch.tensor([float("inf"), 1.0])).sum()
    program = Program.of(root)
    root.backward()
    assert program.backward(program.forward())[0].tolist() == x.grad.tolist() == [0, 1]


def test_what_has_no_graph_is_refused() -> None:
    with pytest.raises(TypeError, match=r"got one of shape \(2,\) without a graph; make the tensors .* requires_grad"):
        Program.of(torch.ones(2))
    with torch.no_grad():
        y = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(TypeError, match="without a graph"):
        Program.of(y)
    with pytest.raises(NotImplementedError, match="source"):
        Program.of(torch.ones(2, requires_grad=True).sum()).source()


def test_a_leaf_alone_is_a_program() -> None:
    program = Program.of(torch.ones(2, requires_grad=True))
    assert len(program) == 1
    assert [g.tolist() for g in program.backward(program.forward())] == [[1, 1]]


def test_an_input_of_any_number_is_differentiated_by_each() -> None:
    xs = [torch.full((2,), float(k), requires_grad=True) for k in range(3)]
    program = Program.of(apply(STRUCTURAL["stack"], 0, *xs)[1].sum())
    assert [g.tolist() for g in program.backward(program.forward())[:3]] == [[0, 0], [1, 1], [0, 0]]


def test_a_constant_that_was_changed_in_place_has_its_old_numbers() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    total = torch.zeros(2)
    total += x
    total += x * x
    assert Program.of(total.sum()).forward()[-1] == total.sum().item() == 8
