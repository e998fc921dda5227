"""Programs written for micrograd: the same numbers, and code that reaches into Values still works."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx
import microgradx.nn
from microgradx.value import Value


def engines() -> list[Any]:
    """(Value, nn) of microgradx and of micrograd."""
    engine = pytest.importorskip("micrograd.engine", reason="micrograd is not installed: pip install '.[bench]'")
    nn = pytest.importorskip("micrograd.nn")
    return [SimpleNamespace(Value=Value, nn=microgradx.nn), SimpleNamespace(Value=engine.Value, nn=nn)]


# ---- its README and its own two tests, with the numbers that they give -----------------------------------
def readme(number: Any) -> tuple[Any, Any, Any]:
    a, b = number(-4.0), number(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


def test_its_readme() -> None:
    a, b, g = readme(Value)
    g.backward()
    assert (f"{g.data:.4f}", f"{a.grad:.4f}", f"{b.grad:.4f}") == ("24.7041", "138.8338", "645.5773")


def sanity(number: Any) -> tuple[Any, Any]:
    x = number(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    return x, h + q + q * x


def test_its_sanity_check() -> None:
    x, y = sanity(Value)
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def test_its_more_ops() -> None:
    a, b, g = readme(Value)
    g.backward()
    assert [g.data, a.grad, b.grad] == pytest.approx(
        [24.70408163265306, 138.83381924198252, 645.5772594752186], abs=1e-12
    )


def test_its_examples_agree_with_it() -> None:
    ours, theirs = ([*readme(e.Value), *sanity(e.Value)] for e in engines())
    for found in (ours, theirs):
        found[2].backward()
        found[4].backward()
    assert [v.data for v in ours] == pytest.approx([v.data for v in theirs], rel=1e-14)
    assert [v.grad for v in ours] == pytest.approx([v.grad for v in theirs], rel=1e-14)


# ---- any expression in its vocabulary --------------------------------------------------------------------
OPERATIONS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (b * b + 1),
    "neg": lambda a, b: -a,
    "relu": lambda a, b: a.relu(), "power": lambda a, b: a**3,
    "constant": lambda a, b: 2 * a - 0.5 + (1 - b) / 4,
}  # fmt: skip
genomes = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=8
)


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=3), genomes)
def test_expressions_agree_with_it(starts: list[int], genome: Any) -> None:
    found = []
    for engine in engines():
        leaves = [engine.Value(k / 8) for k in starts]
        made = list(leaves)
        for op, recent, other in genome:
            a, b = made[-1 - recent % len(made)], made[-1 - other % len(made)]
            made.append(
                OPERATIONS[op](a if abs(a.data) < 4 else a / 64.0 / 64.0, b if abs(b.data) < 4 else b / 64.0 / 64.0)
            )
        made[-1].backward()
        found.append(([v.data for v in made], [v.grad or 0 for v in leaves]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12, abs=1e-12)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-10, abs=1e-12)


# ---- its networks ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("sizes", [[1], [4, 1], [16, 16, 1], [3, 2]])
def test_networks_have_its_weights_order_and_numbers(sizes: list[int]) -> None:
    models, outputs = [], []
    for engine in engines():
        random.seed(1337)
        models.append(engine.nn.MLP(2, sizes))
        for p in models[-1].parameters()[2::3]:
            p.data = 0.25
        out = models[-1]([0.3, -0.7])
        outputs.append(out if isinstance(out, list) else [out])
        sum(outputs[-1]).backward()
        models[-1].parameters()  # in its order: of each neuron the weights, then the bias
    ours, theirs = (m.parameters() for m in models)
    assert [p.data for p in ours] == [p.data for p in theirs]
    assert [y.data for y in outputs[0]] == pytest.approx([y.data for y in outputs[1]], rel=1e-13)
    assert [p.grad or 0 for p in ours] == pytest.approx([p.grad for p in theirs], rel=1e-12)
    assert repr(models[0]) == repr(models[1])


def demo_losses(engine: Any, steps: int, **options: Any) -> list[float]:
    """Its demo: max-margin loss and L2 on 12 points, gradient descent with a falling rate."""
    draw = random.Random(0)
    points = [([draw.uniform(-1, 1), draw.uniform(-1, 1)], draw.choice([-1, 1])) for _ in range(12)]
    random.seed(1337)
    model, losses = engine.nn.MLP(2, [8, 8, 1], **options), []
    for k in range(steps):
        scores = [model(list(map(engine.Value, x))) for x, _ in points]
        hinges = [(1 + -y * s).relu() for (_, y), s in zip(points, scores, strict=True)]
        loss = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * 0.1 * p.grad
        losses.append(loss.data)
    return losses


@pytest.mark.parametrize("options", [{}, {"expand": True}], ids=str)
def test_its_demo_trains_to_the_same_losses(options: dict[str, Any]) -> None:
    ours, theirs = engines()
    assert demo_losses(ours, 6, **options) == pytest.approx(demo_losses(theirs, 6), rel=1e-9)


# ---- code that reaches into its Values -------------------------------------------------------------------
def test_its_drawing_notebook_reads_our_values() -> None:
    a = Value(2.0)
    y = (a * a + 1).relu()
    nodes: set[Value] = set()
    edges: set[tuple[Value, Value]] = set()

    def build(v: Any) -> None:  # trace() of its trace_graph.ipynb
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(y)
    assert (len(nodes), len(edges), sorted(v._op for v in nodes)) == (4, 3, ["", "*", "+", "relu"])
    assert f"{y.data:.4f} {y.grad or 0.0:.4f}" == "5.0000 0.0000"


def test_a_hand_written_adam_keeps_its_state_on_the_parameters() -> None:
    random.seed(0)
    model = microgradx.nn.MLP(2, [3, 1])
    for p in model.parameters():
        p.m = p.v = 0.0
    for t in range(1, 4):
        model.zero_grad()
        (model([1.0, -1.0]) ** 2).backward()
        for p in model.parameters():
            p.m, p.v = 0.9 * p.m + 0.1 * p.grad, 0.999 * p.v + 0.001 * p.grad**2
            p.data -= 0.1 * (p.m / (1 - 0.9**t)) / ((p.v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    assert any(p.v > 0 for p in model.parameters())
