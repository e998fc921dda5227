"""Program: the printed source runs and gives the engine's numbers, whatever the labels; a replay equals a rebuild."""

from __future__ import annotations

import ast
import keyword
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradx as mg
from microgradx import worlds
from microgradx.dot import dot
from microgradx.graph import topological_order
from microgradx.nn import MLP
from microgradx.program import Program
from microgradx.rules import RULES
from microgradx.transforms import grad
from microgradx.value import Value

from .table import EPS, apply, graphs, gross, nodes, points


def ran(program: Program) -> tuple[list[float], list[float]]:
    """Data and gradients of all instructions, from running the printed source on its own."""
    space: dict[str, Any] = {}
    source = program.source()
    exec(source, space)
    gradients = source.split("# backward\n")[1].splitlines()  # one line each, the root first
    names = [line.split(" = ")[0] for line in gradients][::-1]
    return [space[i.name] for i in program], [space[name] for name in names]


def check_source(root: Value) -> Program:
    root.backward()
    program = Program.of(root)
    data, gradients = ran(program)
    scale = gross(program, [i.data for i in program])
    for i, x, g, most in zip(program, data, gradients, scale, strict=True):
        assert x == pytest.approx(i.data, rel=1e-12, abs=1e-14), i
        assert i.grad is not None
        assert abs(g - i.grad) <= 1e-12 * most, (i, program.source())
    return program


@settings(max_examples=300)
@given(graphs())
def test_the_source_of_random_graphs_gives_the_engines_numbers(root: Value) -> None:
    program = check_source(root)
    names = [i.name for i in program]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


@settings(max_examples=100)
@given(graphs())
def test_the_program_is_the_graph(root: Value) -> None:
    root.backward()
    order, program = topological_order(root), Program.of(root)
    assert [(i.data, i.grad, i.op, i.label, i.index) for i in program] == [
        (n.data, n.grad, n.op, n.label, k) for k, n in enumerate(order)
    ]
    assert program.leaves == [k for k, n in enumerate(order) if n.rule is None]
    assert [len(uses) for uses in program.uses] == [
        sum(p is n for child in order for p in child.parents) for n in order
    ]
    for uses in program.uses:  # they report from the root down
        assert [u.user for u in uses] == sorted((u.user for u in uses), reverse=True)
        for use in uses:
            parent, local = [(p, local) for s, p, local in order[use.user].slots if s == use.slot][use.element or 0]
            assert parent is order[use.parent]
            assert program.local(use, [n.data for n in order]) == pytest.approx(local, rel=1e-12, abs=1e-15)
    scale = gross(program, program.forward())
    for got, node, most in zip(program.backward(program.forward()), order, scale, strict=True):
        assert abs(got - node.grad) <= 1e-12 * most


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_a_replay_at_other_numbers_is_a_rebuild(x: float, y: float, z: float) -> None:
    def build(a: float, b: float) -> Value:
        u, v = Value(a), Value(b)
        h = u * v
        return dot([h, u, 2.0], [v, h, u], h).tanh() + h.exp() * (1 + v * v) ** 0.5

    program = Program.of(build(x, 1.0))
    data = program.forward(dict(zip(program.leaves, [y, z, 2.0], strict=False)))
    order = topological_order(build(y, z))
    leaves = [program[i].data for i in program.leaves]
    assert leaves[0] == x
    assert data == pytest.approx([n.data for n in order], rel=1e-13, abs=1e-15)
    assert program.forward() == pytest.approx([i.data for i in program], rel=1e-13)


@pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
def test_the_source_of_each_rule_runs(rule: Any) -> None:
    for xs in points(rule, 3):
        inputs = nodes(xs)
        check_source(apply(rule, *inputs) * 2 + Value(1.0, label=rule.name))


# ---- names -----------------------------------------------------------------------------------------------
LABELS = st.text(max_size=6) | st.sampled_from([
    "", "x", "dx", "ddx", "v0", "v3", "dv0", "y", "lambda", "None", "if", "tanh", "exp", "max", "abs", "float",
    "print", "math", "inf", "nan", "iv", "ot", "1", "1x", "_", "__", "a b", "a-b", "a.b", "a_b", "λ", "日本",
    "é", "e\u0301", "ﬁ", "fi", "𝐱", "K", "x²", "x₁", "𝐢𝐟", "𝐭𝐚𝐧𝐡", "x\n", "x; raise", "# x", '"', "\\",
    "__builtins__", "match", "x" * 200, "d", "dd", "vars",
])  # fmt: skip


@settings(max_examples=300)
@given(st.lists(LABELS, min_size=3, max_size=6))
def test_any_labels_give_a_program_that_runs(labels: list[str]) -> None:
    made = [Value(1 + i / 8, label=label) for i, label in enumerate(labels[:-2])]
    root = made[0]
    for v in made[1:]:
        root = root * v
    root = root.tanh()
    root.label = labels[-2]
    root = root.exp() + mg.maximum(root, 0.25) + abs(root)
    root.label = labels[-1]
    program = check_source(root)
    tree = ast.parse(program.source())
    assigned = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    assert len(set(assigned)) == len(assigned) == 2 * len(program)  # nothing is assigned twice, after normalisation too


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("x", "x"),
        ("loss 1", "loss_1"),
        ("lambda", "lambda_2"),
        ("tanh", "tanh_2"),
        ("1st", "_1st"),
        ("", "v0"),
        ("λ", "λ"),
    ],
)
def test_a_name_is_as_close_to_the_label_as_it_can_be(label: str, name: str) -> None:
    instruction = Program.of(Value(1.0, label=label) * 2)[0]
    assert (instruction.name, instruction.label) == (name, label)


def test_a_rule_of_the_users_own_is_a_name_that_is_taken() -> None:
    swish = mg.rule("swish", lambda xp, x: x * xp.sigmoid(x), lambda xp, y, x: xp.sigmoid(x) * (1 + x * xp.sigmoid(-x)))
    check_source(swish(swish(Value(1.0, label="swish"))))


def test_names_come_from_the_callers_variables() -> None:
    x = Value(2.0)
    h, unnamed = x * x, Value(3.0, label="own")
    names = [i.name for i in Program.of(h * unnamed, names={"x": x, "h": h, "other": unnamed, "number": 3})]
    assert names == ["x", "h", "own", "v3"]


# ---- the text --------------------------------------------------------------------------------------------
def test_the_source_is_what_one_would_write() -> None:
    w, x, b = Value(-3.0, label="w"), Value(2.0, label="x"), Value(6.88, label="b")
    y = (w * x + b).tanh()
    y.label = "y"
    assert Program.of(y).source() == """\
from math import tanh

w = -3.0
x = 2.0
b = 6.88

# forward
v2 = w*x
v4 = v2 + b
y = tanh(v4)

# backward
dy = 1.0
dv4 = dy*(1 - y*y)
db = dv4
dv2 = dv4
dx = dv2*w
dw = dv2*x"""


@pytest.mark.parametrize("make", [
    lambda v: v * math.inf, lambda v: v + math.nan, lambda v: v - math.inf, lambda v: v / -math.inf,
    lambda v: mg.dot([v, v], [math.inf, 1.0]),
    lambda v: mg.maximum(v, -math.inf), lambda v: v * -0.0, lambda v: v + 1e308, lambda v: v * 5e-324,
    lambda v: v - -2.0, lambda v: v ** -2.0, lambda v: 0.5 ** v,
])  # fmt: skip
def test_any_constant_prints_as_a_number_that_python_reads(make: Any) -> None:
    root = make(Value(2.0, label="v"))
    data, _ = ran(Program.of(root))
    assert repr(data[-1]) == repr(root.data)


def test_a_leaf_alone_is_a_program() -> None:
    program = check_source(Value(math.pi, label="x"))
    assert (len(program), program.leaves, program.uses, program.forward({0: 2.0})) == (1, [0], [[]], [2.0])


def test_a_second_order_graph_is_a_program() -> None:
    x = Value(0.5, label="x")
    check_source(grad(x.tanh() * x.exp(), x, create_graph=True))


def test_a_network_is_a_program_with_its_scopes() -> None:
    program = check_source(MLP(2, [3, 1], activation="tanh", seed=0)([0.5, -1.0]))
    scopes = [i.scope for i in program if i.rule]
    assert scopes == [f"layers.0.neurons.{n}" for n in (0, 0, 1, 1, 2, 2)] + ["layers.1.neurons.0"]
    assert program.forward(world=worlds.complexes)[-1].real == pytest.approx(program[-1].data, rel=8 * EPS)


@pytest.mark.parametrize("root", [3.0, None, "x", [Value(1.0)], {"x": Value(1.0)}])
def test_a_program_is_read_off_a_value(root: Any) -> None:
    with pytest.raises(TypeError, match=f"expected the Value at the end of a computation, got {type(root).__name__}"):
        Program.of(root)


def test_names_are_a_dict() -> None:
    with pytest.raises(TypeError, match=r"names is a dict .*locals\(\), got <built-in function locals>"):
        Program.of(Value(1.0), locals)  # type: ignore[arg-type]


def test_the_seed_of_a_second_derivative_has_a_name() -> None:
    x = Value(2.0, label="x")
    y = x.exp()
    y.label = "y"
    slope = grad(y, x, create_graph=True)
    assert next((i.name, i.data) for i in Program.of(slope)) == ("dy_dy", 1.0)
    assert Program.of(grad(x.exp(), x, create_graph=True))[0].name == "v0"


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="'python', got 'cobol'"):
        Program.of(Value(1.0)).source("cobol")
