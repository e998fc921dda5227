"""Pictures of Tensor graphs: shapes and dtypes in the boxes, constants as leaves, layers that fold, rules on arrows."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import microgradx as torch
import microgradx.nn.functional as F
import viz
from microgradx import nn
from microgradx.program import Program
from viz.fold import fold
from viz.notation import kind


def step() -> dict[str, Any]:
    torch.manual_seed(0)
    X, Y = torch.randn(32, 2), torch.randn(32, 1)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    return {"X": X, "Y": Y, "model": model, "loss": F.mse_loss(model(X), Y)}


def boxes(picture: viz.Graph) -> list[list[str]]:
    """The texts in each box, without the words "data" and "grad"."""
    svg = ET.fromstring(picture.svg())
    groups = (g for g in svg.iter("{http://www.w3.org/2000/svg}g") if "mgx-node" in g.get("class", ""))
    return [[t.text or "" for t in g if t.tag.endswith("text") and t.get("class") != "mgx-key"] for g in groups]


def texts(picture: viz.Graph, role: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(picture.svg()).iter() if e.get("class") == f"mgx-{role}"]


def tooltips(picture: viz.Graph) -> str:
    return "\n".join(e.text or "" for e in ET.fromstring(picture.svg()).iter() if e.tag.endswith("title"))


def test_boxes_show_shapes_and_dtypes_and_the_one_number() -> None:
    names = step()
    loss = viz.number(names["loss"].item())
    assert boxes(viz.draw(names["loss"], names=names)) == [
        ["model.0.weight", "(16, 2) f32"], ["model.0.bias", "(16,) f32"],
        ["model.2.weight", "(1, 16) f32"], ["model.2.bias", "(1,) f32"],
        ["X", "(32, 2) f32"], ["x @ wᵀ + b", "v5", "(32, 16) f32"], ["relu", "v6", "(32, 16) f32"],
        ["x @ wᵀ + b", "v7", "(32, 1) f32"], ["Y", "(32, 1) f32"], ["mse", "loss", loss],
    ]  # fmt: skip


def test_after_backward_the_leaves_show_the_norms_of_their_gradients() -> None:
    names = step()
    names["loss"].backward()
    shown = boxes(viz.draw(names["loss"], names=names))
    norms = [f"‖·‖ {viz.number(p.grad.norm().item())}" for p in names["model"].parameters()]
    assert [box[-1] for box in shown[:4]] == norms
    assert not any("‖" in text or "—" in text for box in shown[4:] for text in box)
    assert not any("‖" in text for box in boxes(viz.draw(names["loss"], grads=False)) for text in box)
    names["model"].zero_grad()
    assert [box[-1] for box in boxes(viz.draw(names["loss"], grads=True))[:4]] == ["—"] * 4


def test_layers_are_frames_with_their_parameters_in_and_their_inputs_outside() -> None:
    names = step()
    sketch = fold(Program.of(names["loss"], names), False)
    inside = {group.title: [sketch.boxes[k] for k in group.boxes] for group in sketch.groups}
    assert {title: [box.title or box.sign for box in found] for title, found in inside.items()} == {
        "0": ["model.0.weight", "model.0.bias", "x @ wᵀ + b"], "1": ["relu"],
        "2": ["model.2.weight", "model.2.bias", "x @ wᵀ + b"],
    }  # fmt: skip
    assert Counter(link.head for link in sketch.links)[len(sketch.boxes) - 1] == 2  # the target has its arrow, too


def test_layers_fold_and_count_the_elements_of_their_parameters() -> None:
    names = step()
    assert boxes(viz.draw(names["loss"], names=names, collapse=1)) == [
        ["X", "(32, 2) f32"],
        ["0", "linear", "48 parameters", "1 in, 1 out", "(32, 16) f32"],
        ["1", "relu", "1 in, 1 out", "(32, 16) f32"],
        ["2", "linear", "17 parameters", "1 in, 1 out", "(32, 1) f32"],
        ["Y", "(32, 1) f32"],
        ["mse", "loss", viz.number(names["loss"].item())],
    ]


def test_arrows_tell_what_becomes_of_a_gradient() -> None:
    x, w, b = torch.ones(3, 2), torch.ones(2, 4, requires_grad=True), torch.ones(4, requires_grad=True)
    h = (x @ w + b).relu()
    picture = viz.draw(h.sum(), names={"x": x, "w": w, "b": b}, local=True)
    assert sorted(texts(picture, "slope")) == [
        "G", "G ⊙ (0 if v4 ≤ 0, else 1)", "G, once for each", "G, summed", "xᵀ @ G",
    ]  # fmt: skip
    told = tooltips(picture)
    assert "w receives xᵀ @ G, where G = dL/dv3" in told
    assert "summed over the broadcast axis 0: (3, 4) → (4,)" in told
    assert "x, a constant\ndata = (3, 2) of 1 each (float32)" in told


def test_indices_stay_outside_of_the_module_that_they_are_given_to() -> None:
    torch.manual_seed(0)
    X = torch.tensor([[0, 1], [2, 2]])
    table = nn.Sequential(nn.Embedding(3, 2))
    picture = viz.draw(table(X).sum(), names={"X": X, "table": table}, collapse=1)
    assert boxes(picture)[:2] == [["X", "(2, 2) i64"],
                                  ["0", "index", "6 parameters", "1 in, 1 out", "(2, 2, 2) f32"]]  # fmt: skip


def test_an_array_that_is_used_twice_has_two_arrows_and_one_box() -> None:
    x, w = torch.ones(2), torch.ones(2, requires_grad=True)
    svg = viz.draw(((w * x) * x).sum()).svg()
    assert len(re.findall('class="mgx-edge"', svg)) == 5
    assert len(re.findall('class="mgx-node mgx-leaf"', svg)) == 2


def test_every_way_to_draw_takes_a_tensor() -> None:
    loss = step()["loss"]
    assert "(32, 16) f32" in viz.to_dot(loss)
    assert "17 parameters" in viz.to_dot(loss, collapse=1)
    assert viz.to_svg(loss, theme="dark", direction="TB").startswith("<svg")
    assert repr(viz.draw_dot(loss)) == "Graph of L: 10 values, 9 uses"
    with pytest.raises(TypeError, match="without a graph"):
        viz.draw(loss.detach())


def test_a_large_array_is_told_of_in_little_space() -> None:
    w = torch.ones(1000, 1000, requires_grad=True)
    assert len(viz.draw((w * 2).sum(), local=True).svg()) < 10_000


@pytest.mark.parametrize("root", [lambda w: w, lambda w: w * 2, lambda w: w.sum(), lambda w: w[:0]])
def test_roots_of_any_shape(root: Any) -> None:
    w = torch.ones(2, 3, requires_grad=True)
    assert viz.draw(root(w), local=True).svg().startswith("<svg")


def test_names_of_dtypes() -> None:
    assert [kind(name) for name in ("float32", "float16", "int64", "uint8", "bool")] == [
        "f32", "f16", "i64", "u8", "bool",
    ]  # fmt: skip
