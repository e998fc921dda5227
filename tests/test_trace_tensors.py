"""Walks of Tensors: every rule walks, is put into words and agrees with finite differences; the words of some walks."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import microgradx as torch
import viz
from microgradx.program import Program
from microgradx.rules import RULES
from microgradx.structural import STRUCTURAL
from microgradx.tensor import Tensor, apply
from microgradx.testing.strategies import programs
from viz.explain import plain
from viz.notation import norm, number, shape, sign
from viz.trace import Trace

from .table import points

# ---- rules that are not elementwise ----------------------------------------------------------------------
_draw = np.random.default_rng(0).uniform
_IDS = np.array([0, 2])


def some(*size: int) -> Any:
    return _draw(0.1, 0.9, size)


#: For each rule its inputs, and how the walk writes the operation, its box and what each use makes of G
WRITTEN: dict[str, tuple[tuple[Any, ...], str, str, list[str]]] = {
    "sum": ((some(2, 3), 1, False), "sum(x, dim=1)", "sum(dim=1)", ["G, once for each"]),
    "mean": ((some(2, 3), None, False), "mean(x)", "mean", ["G / n, once for each"]),
    "amax": ((some(2, 3), 1, True), "amax(x, dim=1, keepdim)", "amax(dim=1, keepdim)", ["G where x is the largest"]),
    "amin": ((some(2, 3), (0,), False), "amin(x, dim=0)", "amin(dim=0)", ["G where x is the smallest"]),
    "prod": ((some(2, 3), 1, False), "prod(x, dim=1)", "prod(dim=1)", ["G · product of the others"]),
    "var": ((some(2, 3), (0, 1), 1.0, False), "var(x, dim=(0, 1), correction=1)", "var(dim=(0, 1), correction=1)",
            ["G · 2 (x − mean) / (n − 1)"]),
    "std": ((some(2, 3), 0, 1.0, False), "std(x, dim=0, correction=1)", "std(dim=0, correction=1)",
            ["G · (x − mean) / (L (n − 1))"]),
    "norm": ((some(2, 3), 2.0, 1, False), "norm(x, p=2, dim=1)", "norm(p=2, dim=1)", ["G · x / L"]),
    "logsumexp": ((some(2, 3), 1, False), "logsumexp(x, dim=1)", "logsumexp(dim=1)", ["G · softmax(x)"]),
    "softmax": ((some(2, 3), 1), "softmax(x, dim=1)", "softmax(dim=1)", ["(G − Σ G·L) · L"]),
    "log_softmax": ((some(2, 3), 1), "log_softmax(x, dim=1)", "log_softmax(dim=1)", ["G − softmax(x) · Σ G"]),
    "cumsum": ((some(2, 3), 1), "cumsum(x, dim=1)", "cumsum(dim=1)", ["Σ of the later G"]),
    "cumprod": ((some(2, 3), 1), "cumprod(x, dim=1)", "cumprod(dim=1)", ["Σ of the later G · products of the others"]),
    "reshape": ((some(2, 3), (3, 2)), "reshape(x, 3, 2)", "reshape(3, 2)", ["G in the shape of x"]),
    "permute": ((some(2, 3), (1, 0)), "xᵀ", "xᵀ", ["Gᵀ"]),
    "expand": ((some(2, 1), (2, 3)), "expand(x, 2, 3)", "expand(2, 3)", ["G, summed over the broadcast axes"]),
    "flip": ((some(2, 3), 0), "flip(x, dim=0)", "flip(dim=0)", ["G, flipped"]),
    "roll": ((some(2, 3), 1, 0), "roll(x, shifts=1, dim=0)", "roll(shifts=1, dim=0)", ["G, rolled back"]),
    "clone": ((some(2),), "clone(x)", "clone", ["G"]),
    "constant_pieces": ((some(2, 3), np.floor), "floor(x)", "floor(x)", ["0"]),
    "cast": ((some(2, 3), np.empty(0, np.float32)), "x.to(f32)", "x.to(f32)", ["G"]),
    "narrow": ((some(2, 3), 1, 0, 2), "narrow(x, dim=1, start=0, length=2)", "narrow(dim=1, start=0, length=2)",
               ["G, with zeros around it"]),
    "cat": ((0, some(2, 3), some(1, 3)), "cat(a, b, dim=0)", "cat(dim=0)", ["its part of G"] * 2),
    "stack": ((0, some(3), some(3)), "stack(a, b, dim=0)", "stack(dim=0)", ["its part of G"] * 2),
    "index": ((some(3, 2), (_IDS, slice(None))), "x[ids, :]", "x[idx, :]", ["G, added up at the places of the index"]),
    "index_add": ((some(2, 3), (4, 3), (_IDS,)), "zeros(4, 3)[ids] += g", "zeros(4, 3)[idx] += g", ["G at the index"]),
    "put": ((some(2, 3), some(3), (0, ...)), "x[0] ← value", "x[0] ← value",
            ["G, but 0 at the index", "G at the index"]),
    "gather": ((some(1, 3), 1, _IDS.reshape(1, 2)), "gather(x, ids, dim=1)", "gather(dim=1)",
               ["G, added up at the places of the index"]),
    "scatter_add": ((some(1, 2), 1, _IDS.reshape(1, 2), (1, 3)), "scatter_add(g, ids, dim=1, 1, 3)",
                    "scatter_add(dim=1, 1, 3)", ["G at the index"]),
    "diagonal": ((some(3, 3), 0), "diagonal(x, offset=0)", "diagonal(offset=0)", ["G on the diagonal"]),
    "tril": ((some(3, 3), 0), "tril(x, k=0)", "tril(k=0)", ["lower triangle of G"]),
    "triu": ((some(3, 3), 1), "triu(x, k=1)", "triu(k=1)", ["upper triangle of G"]),
    "matmul": ((some(2, 2, 3), some(3, 4)), "a @ b", "@", ["G @ bᵀ", "aᵀ @ G, summed"]),
    "linear": ((some(2, 3), some(4, 3), some(4)), "x @ wᵀ + b", "x @ wᵀ + b",
               ["G @ w", "Gᵀ @ x", "G, summed over the batch"]),
    "einsum": (("ij,jk->ik", some(2, 3), some(3, 2)), "einsum(a, b, 'ij,jk->ik')", "einsum('ij,jk->ik')",
               ["the product with output and input exchanged"] * 2),
    "standardize": ((some(2, 3), (1,), 1e-5), "standardize(x, dim=1, eps=1e-05)", "standardize(dim=1, eps=1e-05)",
                    ["(G − mean(G) − L · mean(G · L)) / √(var + 1e-05)"]),
    "cross_entropy": ((some(2, 3), _IDS, 0.5), "cross_entropy(x, ids)", "cross_entropy",
                      ["G · (softmax(x) − one_hot(ids)) · 0.5"]),
    "mse": ((some(2, 3), some(2, 3), 0.25), "mse(x, target)", "mse",
            ["G · 2 (x − target) · 0.25", "G · 2 (target − x) · 0.25"]),
    "huber": ((some(2, 3), some(2, 3), 0.25), "huber(x, target, delta=0.25)", "huber(delta=0.25)",
              ["G · (x − target), within ± 0.25", "G · (target − x), within ± 0.25"]),
    "binary_cross_entropy": ((some(2, 3), some(2, 3)), "binary_cross_entropy(x, target)", "binary_cross_entropy",
                             ["G · (x − target) / (x (1 − x))", "G · log((1 − x) / x)"]),
    "binary_cross_entropy_with_logits": (
        (some(2, 3), some(2, 3), 1.0), "binary_cross_entropy_with_logits(x, target, positive=1)",
        "binary_cross_entropy_with_logits(positive=1)", ["G · (sigmoid(x) − target)", "−G · x"]),
}  # fmt: skip


def applied(rule: Any, inputs: Any) -> tuple[Tensor, dict[str, Any]]:
    """The rule on Tensors that require a gradient, and the names of its inputs."""
    given = [Tensor._of(x.copy()).requires_grad_() if is_leaf(x) else x for x in inputs]
    tensors = [x for x in given if isinstance(x, Tensor)]
    named = dict(zip("ab", tensors, strict=False)) if rule.variadic else dict(zip(rule.inputs, given, strict=True))
    names = {name: x for name, x in named.items() if isinstance(x, Tensor)} | {"ids": _IDS, "ids2": _IDS.reshape(1, 2)}
    return apply(rule, *given), names


def is_leaf(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f" and bool(x.size)


def consistent(root: Tensor, names: Any = None) -> Trace:
    """The walk, once everything that can be asked of it has been."""
    program, sources = Program.read(root, names)
    walk = Trace.of(program)
    root.backward(torch.ones_like(root), retain_graph=True)
    for node, source in zip(walk.nodes, sources, strict=True):
        if not node.op and node.grad is not None:
            assert np.array_equal(node.grad, source.grad._data, equal_nan=True)
        assert node.shown in viz.explain(source if node.op else torch.as_tensor(source) if node.grad is None else
                                         source.handle(), root, names)  # fmt: skip
    text = walk.to_json()
    json.loads(text, parse_constant=pytest.fail)
    assert Trace.from_json(text).to_json() == text
    assert len(str(viz.step(root, names)).splitlines()) > len(walk.steps)
    assert [(k.data is None, k.grad is None) for k in walk.state(len(walk.steps))] == [
        (False, node.grad is None) for node in walk.nodes
    ]
    return walk


@pytest.mark.parametrize("name", STRUCTURAL)
def test_every_rule_walks_is_put_into_words_and_is_right(name: str) -> None:
    inputs, formula, box, products = WRITTEN[name]
    root, names = applied(STRUCTURAL[name], inputs)
    if name in ("gather", "scatter_add"):
        names["ids"] = names.pop("ids2")
    walk = consistent(root, names)
    assert walk.root.formula == formula
    assert sign(Program.of(root)[-1]) == box
    assert [c.product for c in walk.steps[-1].contributions] == products
    checked = viz.check(root, names)
    assert {leaf.verdict for leaf in checked.leaves} == {"agrees"}, checked
    assert viz.draw(root, names=names, local=True).svg().count("</svg>") == 1


@pytest.mark.parametrize("rule", [r for r in RULES.values() if not r.vectors], ids=str)
def test_every_elementwise_rule_walks(rule: Any) -> None:
    xs = points(rule, 3)
    columns: list[Any] = [torch.tensor(x, dtype=torch.float64) for x in map(list, zip(*xs, strict=True))]
    columns = [x.requires_grad_() if p else x > 0 for x, p in zip(columns, rule.partials, strict=True)]
    walk = consistent(rule(*columns).sum())
    products = [c.product for c in walk.steps[-1].contributions]
    assert all(p and ("G" in p or p == "0") for p in products)
    assert viz.check(rule(*columns).sum()).ok


@settings(max_examples=40, deadline=None)
@given(programs(max_nodes=8))
def test_random_programs_walk(dag: Any) -> None:
    root = dag.build()
    if root.requires_grad:
        walk = consistent(root)
        assert viz.check(root).ok
        for node, terms in zip(walk.nodes, walk.contributions, strict=True):
            assert [(c.use, c.uses) for c in terms] == [(k, node.uses) for k in range(1, node.uses + 1)]
            assert not terms or terms[-1].after is node.grad


# ---- words -----------------------------------------------------------------------------------------------
def neuron() -> dict[str, Tensor]:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    w = torch.tensor([[1.0, 0.5], [-1.0, 0.25]], requires_grad=True)
    b = torch.tensor([2.0, -1.0], requires_grad=True)
    z = x @ w + b
    return {"x": x, "w": w, "b": b, "z": z, "L": (z * z).sum()}


def test_the_words_of_each_step() -> None:
    named = neuron()
    said = plain(line for frame in viz.step(named["L"], named) for line in frame.words())
    assert said == """\
forward 1 of 4 · step 1 of 9
v3 = x @ w = (3, 2) @ (2, 2) = (3, 2) from −1 to 4, mean 0.75
forward 2 of 4 · step 2 of 9
z = v3+b = (3, 2)+(2,) = (3, 2) from 0 to 3, mean 1.25
forward 3 of 4 · step 3 of 9
v5 = z·z = (3, 2)·(3, 2) = (3, 2) from 0 to 9, mean 2.375
forward 4 of 4 · step 4 of 9
L = sum(v5) = sum((3, 2)) = 14.25
backward 1 of 5 · step 5 of 9
the sweep starts at the root: dL/dL = 1
backward 2 of 5 · step 6 of 9
L = sum(v5) passes on G = dL/dL = 1
  v5 receives G, once for each = (3, 2) of 1 each
    was —, add ‖·‖ 2.449 → ‖·‖ 2.449, complete (1/1)
backward 3 of 5 · step 7 of 9
v5 = z·z passes on G = dL/dv5 = (3, 2) of 1 each, complete (1/1)
  z receives G ⊙ z = (3, 2) from 0 to 3, mean 1.25
    was —, add ‖·‖ 3.775 → ‖·‖ 3.775, uses reported 1/2
  z receives G ⊙ z = (3, 2) from 0 to 3, mean 1.25
    was ‖·‖ 3.775, add ‖·‖ 3.775 → ‖·‖ 7.55, complete (2/2)
backward 4 of 5 · step 8 of 9
z = v3+b passes on G = dL/dz = (3, 2) from 0 to 6, mean 2.5, complete (2/2)
  v3 receives G = (3, 2) from 0 to 6, mean 2.5
    was —, add ‖·‖ 7.55 → ‖·‖ 7.55, complete (1/1)
  b receives G, summed = [6, 9]
    summed over the broadcast axis 0: (3, 2) → (2,)
    was —, add ‖·‖ 10.82 → ‖·‖ 10.82, complete (1/1)
backward 5 of 5 · step 9 of 9
v3 = x @ w passes on G = dL/dv3 = (3, 2) from 0 to 6, mean 2.5, complete (1/1)
  w receives xᵀ @ G = (2, 3) @ (3, 2) = [[18, 39], [24, 48]]
    was —, add ‖·‖ 68.74 → ‖·‖ 68.74, complete (1/1)"""


def test_the_nodes_after_a_step() -> None:
    named = neuron()
    assert str(viz.step(named["L"], named)[7]).split("\n\n")[1] == (
        "   node  op         data   gradient  reported\n"
        "   w              (2, 2)          —       0/1\n"
        "◂  b                (2,)  ‖·‖ 10.82       1/1  ready\n"
        "   x              (3, 2)          —  constant\n"
        "◂  v3    x @ w    (3, 2)   ‖·‖ 7.55       1/1  ready\n"
        "▸  z     v3+b     (3, 2)   ‖·‖ 7.55       2/2  ready\n"
        "   v5    z·z      (3, 2)  ‖·‖ 2.449       1/1  ready\n"
        "   L     sum(v5)   14.25          1      root  ready"
    )


def test_explanations() -> None:
    named = neuron()
    explained = {name: viz.explain(node, named["L"], named) for name, node in named.items()}
    assert explained["w"] == (
        "w is used once, so its gradient has one term.\n"
        "dL/dw = xᵀ @ (dL/dv3) = [[18, 39], [24, 48]]\n"
        "use 1, in v3 = x @ w: was —, add ‖·‖ 68.74 → ‖·‖ 68.74, complete (1/1)\n"
        "w is a leaf: the sweep ends here."
    )
    assert explained["b"].splitlines()[1:4] == [
        "dL/db = (dL/dz), summed = [6, 9]",
        "use 1, in z = v3+b: was —, add ‖·‖ 10.82 → ‖·‖ 10.82, complete (1/1)",
        "  summed over the broadcast axis 0: (3, 2) → (2,)",
    ]
    assert explained["z"].splitlines()[1] == "dL/dz = (dL/dv5) ⊙ z + (dL/dv5) ⊙ z = (3, 2) from 0 to 6, mean 2.5"
    assert explained["z"].splitlines()[-1].endswith("mean 2.5, b receives (dL/dz), summed = [6, 9].")
    assert explained["x"] == "x is a constant of shape (3, 2): no gradient flows to it."
    with pytest.raises(ValueError, match=r"got a tensor of shape \(2,\) labelled 'q'; the root is .* of shape \(\)"):
        viz.explain(labelled("q"), named["L"])


def labelled(name: str) -> Tensor:
    found = torch.ones(2)
    found.label = name
    return found


def test_single_numbers_are_explained_as_those_of_values_are() -> None:
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    h = a * b
    p = h + 1
    assert viz.explain(h, h * p, dict(a=a, b=b, h=h, p=p)) == (
        "h is used 2 times, so its gradient is a sum with one term per use.\n"
        "dL/dh = (dL/dL)·∂(h·p)/∂h + (dL/dp)·∂(h+1)/∂h = 1·7 + 6·1 = 13\n"
        "use 1, in L = h·p: was —, add 7 → 7\n"
        "use 2, in p = h+1: was 7, add 6 → 13, complete (2/2)\n"
        "Now h may pass it on: a receives 13 × b = 13 × 3 = 39, b receives 13 × a = 13 × 2 = 26."
    )


def test_a_tensor_that_is_called_g_is_not_taken_for_the_gradient() -> None:
    G, x = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2)
    walk = viz.trace((x @ G).sum(), {"G": G, "x": x})
    assert (walk.nodes[0].shown, walk.nodes[2].formula) == ("G′", "x @ G′")
    explained = viz.explain(G, (x @ G).sum(), {"G": G, "x": x})
    assert explained.splitlines()[1] == "dL/dG′ = xᵀ @ (dL/dv2) = [[2, 2], [2, 2]]"


@pytest.mark.parametrize(("x", "w", "line"), [
    ((32, 100), (100,), "summed over the broadcast axis 0: (32, 100) → (100,)"),
    ((32, 100), (32, 1), "summed over the broadcast axis 1: (32, 100) → (32, 1)"),
    ((4, 3, 2), (), "summed over the broadcast axes 0, 1, 2: (4, 3, 2) → ()"),
    ((4, 3, 2), (3, 1), "summed over the broadcast axes 0, 2: (4, 3, 2) → (3, 1)"),
    ((1,), (3,), None),
])  # fmt: skip
def test_summing_over_broadcast_axes_is_said(x: Any, w: Any, line: str | None) -> None:
    w = torch.ones(w, requires_grad=True)
    walk = viz.trace(torch.ones(x) * w)
    (c,) = walk.steps[-1].contributions
    assert (c.summed, c.product) == (line, "G ⊙ v1, summed" if line else "G ⊙ v1")


def test_the_root_may_have_several_elements() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    steps = viz.step(x * x)
    assert plain(steps[1].words()).splitlines()[1] == (
        "the sweep starts at the root: dL/dL = [1, 1, 1], as for the sum of its elements"
    )
    assert steps.walk.nodes[0].grad.tolist() == [2, 4, 6]


# ---- numbers and JSON ------------------------------------------------------------------------------------
def test_arrays_in_few_words() -> None:
    ramp = np.arange(6.0).reshape(2, 3)
    assert [number(x) for x in (ramp, ramp[0], ramp[0, 1], np.empty((0, 3)), np.array([True, False]))] == [
        "(2, 3) from 0 to 5, mean 2.5", "[0, 1, 2]", "1", "(0, 3) empty", "[1, 0]",
    ]  # fmt: skip
    assert [shape(x) for x in (ramp, ramp[0], np.array(2.5), 2.5, None)] == ["(2, 3)", "(3,)", "2.5", "2.5", "—"]
    assert [norm(x) for x in (np.array([3.0, 4.0]), np.array(-2.0), None)] == ["‖·‖ 5", "−2", "—"]
    assert number(np.array([np.nan] * 5)) == "(5,) of nan each"


def test_large_arrays_are_a_heat_map_in_json_and_small_ones_are_whole() -> None:
    w = torch.arange(100.0 * 64).reshape(100, 64).requires_grad_()
    walk = viz.trace((w * 2).sum())
    plain = json.loads(walk.to_json())
    data = plain["nodes"][0]["data"]
    assert {key: data[key] for key in ("shape", "dtype", "low", "high", "mean")} == {
        "shape": [100, 64], "dtype": "float32", "low": 0, "high": 6399, "mean": 3199.5,
    }  # fmt: skip
    heat = np.array(data["heat"])
    assert heat.shape == (8, 32)
    assert heat[0, 0] == w.detach().numpy()[:12, :2].mean()
    assert heat[-1, -1] == w.detach().numpy()[87:, 62:].mean()
    assert plain["nodes"][-1]["data"] == {"shape": [], "dtype": "float32", "data": 40953600.0}
    again = Trace.from_json(walk.to_json())
    assert (number(again.nodes[0].data), shape(again.nodes[0].data)) == (number(w.detach().numpy()), "(100, 64)")
    assert len(walk.to_json()) < 20_000


def test_the_json_of_a_walk_of_values_has_nothing_that_is_of_tensors() -> None:
    from microgradx import Value

    step = json.loads(viz.trace(Value(2.0) * Value(3.0)).to_json())["steps"][-1]
    assert list(step["contributions"][0]) == [
        "parent", "user", "slot", "element", "incoming", "local", "formula", "amount", "before", "after", "use", "uses",
    ]  # fmt: skip


def test_numbers_that_json_has_not() -> None:
    x = torch.tensor([0.0, -1.0, 1.0], requires_grad=True)
    text = viz.trace((1 / x).log()).to_json()
    data = json.loads(text, parse_constant=pytest.fail)["nodes"][-1]["data"]["data"]
    assert data == ["Infinity", "NaN", 0.0]
    assert np.isnan(Trace.from_json(text).nodes[-1].data[1])


# ---- checks and orders -----------------------------------------------------------------------------------
def test_a_wrong_rule_is_found() -> None:
    wrong = dataclasses.replace(
        STRUCTURAL["cumsum"], vjps=(lambda xp, g, y, x, dim: xp.cumsum(g, dim), None)
    )  # fmt: skip
    for size in (4, 50):  # by each element, and along directions
        x = torch.arange(float(size)).requires_grad_()
        assert viz.check((apply(STRUCTURAL["cumsum"], x, 0) ** 2).sum()).ok
        found = viz.check((apply(wrong, x, 0) ** 2).sum())
        assert [leaf.verdict for leaf in found.leaves] == ["differs"]


def test_a_check_finds_kinks_and_what_is_not_finite() -> None:
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    assert [leaf.verdict for leaf in viz.check(x.abs().sum()).leaves] == ["kink"]
    assert [leaf.verdict for leaf in viz.check(x.log().sum()).leaves] == ["not finite"]
    assert viz.check(x.log().sum()).ok


def test_a_check_in_float32_is_as_sure_as_one_in_float64() -> None:
    named = neuron()
    table = str(viz.check(named["L"], named))
    assert table.splitlines()[1].split()[:5] == ["w", "(2,", "2)", "18", "18"]
    assert all(leaf.error is not None and leaf.error < 1e-9 for leaf in viz.check(named["L"]).leaves)


def test_wrong_orders() -> None:
    named = neuron()
    why = viz.why_order(named["L"], named)
    rows = {line.split("  ")[0]: line.split()[-1] for line in str(why).splitlines()[1:7]}
    assert rows == {
        "reverse topological": "10.82", "recurse into every input": "21.63", "visit-once depth-first": "10.82",
        "breadth-first": "10.82", "post-order": "0", "finite difference": "10.82",
    }  # fmt: skip
    assert "z passed on 2 times, so parts count twice" in str(why)
    assert why.orders[0].grads is not None
    assert why.orders[0].grads[0].tolist() == [[18, 39], [24, 48]]


def test_too_many_ways_from_the_root_are_not_all_walked() -> None:
    x = w = torch.ones(2, requires_grad=True)
    for _ in range(20):
        x = x + x
    recursive = viz.why_order(x.sum(), {"w": w}).orders[1]
    assert (recursive.grads, recursive.remark[:25]) == (None, "more than 2,000 visits: o")


@pytest.mark.parametrize("seed", range(10))
def test_kinks_that_are_near_do_not_make_a_right_gradient_wrong(seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.randn(50, dtype=torch.float64)
    x[:5] *= 1e-7
    checked = viz.check((x.requires_grad_().relu() * torch.randn(50)).sum())
    assert checked.ok, checked
