"""Random programs: the decoder takes any genome, the oracle is right, printed code runs, and failures shrink."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from microgradx.program import Program
from microgradx.rules import RULES, Rule
from microgradx.structural import STRUCTURAL, Structural
from microgradx.testing.programs import ARRAYS, DIALECTS, OPS, SCALARS, Dag, Unsupported, decode, fixed
from microgradx.testing.strategies import (
    arrays,
    broadcastable_shapes,
    cotangents,
    differential,
    expressions,
    programs,
    shapes,
)
from microgradx.value import Value

from .table import TEXTBOOK


def one(op: str, *leaves: tuple[tuple[int, ...], list[int]], k: int = 0, kinds: tuple[str, ...] = ARRAYS) -> Dag:
    """A program of one operation and its repairs."""
    return decode(leaves, [(kinds.index(op), 0, 1, k)], kinds)


# ---- genomes ---------------------------------------------------------------------------------------------
wild = st.integers(-(10**9), 10**9)


@given(
    st.lists(st.tuples(shapes(), st.lists(wild, max_size=5)), max_size=4),
    st.lists(st.tuples(wild, wild, wild, st.integers(0, 10**9)), max_size=8),
    st.sampled_from([ARRAYS, SCALARS]),
)
def test_any_genome_is_a_program(leaves: Any, genes: Any, ops: tuple[str, ...]) -> None:
    program = decode(leaves if ops is ARRAYS else [((), e) for _, e in leaves], genes, ops)
    assert all(np.isfinite(v).all() for v in (*program.values, *program.gradients, *program.gross))
    assert max(v.size for v in program.values) <= 64
    assert all(i < at for at, s in enumerate(program.steps, len(program.leaves)) for i in s.inputs)


@given(st.one_of(programs(), expressions()))
def test_no_result_is_left_unused(program: Dag) -> None:
    used = {i for s in program.steps for i in s.inputs}
    assert used == set(range(len(program.values) - 1))


def test_the_simplest_genome_is_one_operation_on_one() -> None:
    program = decode([], [])
    assert [s.op for s in program.steps] == ["add"]
    assert [x.tolist() for x in program.leaves] == [1.0]


@pytest.mark.parametrize("op", ["relu", "abs", "elu", "floor"])
@given(st.lists(st.integers(-32, 16), min_size=1, max_size=6))
def test_inputs_stay_away_from_kinks(op: str, eighths: list[int]) -> None:
    program = one(op, ((len(eighths),), eighths))
    x = program.values[program.steps[-1].inputs[0]]
    distance = x - np.round(x) if op == "floor" else x
    assert (abs(distance) >= 1 / 16).all()


@given(shapes(), st.integers(0, 7))
def test_cotangents_are_distinct_and_no_one(shape: tuple[int, ...], start: int) -> None:
    g = fixed(shape, start)
    assert len(set(g.ravel().tolist())) == g.size
    assert not (abs(g) == 1).any()
    assert g.sum() != 0 or not g.size


@given(st.data())
def test_arrays_and_shapes(data: st.DataObject) -> None:
    shape = data.draw(shapes(min_side=0))
    other = data.draw(broadcastable_shapes(shape))
    x = data.draw(arrays(shape, np.float32))
    assert x.shape == shape
    assert x.dtype == np.float32
    assert np.array_equal(x * 8, np.round(x * 8))
    assert np.broadcast_shapes(shape, other)[len(other) :] == shape[len(other) :] or len(other) >= len(shape)
    assert data.draw(cotangents(shape)).shape == shape


# ---- the oracle ------------------------------------------------------------------------------------------
def steps_of_the_whole(program: Dag, h: float = 1e-30) -> list[np.ndarray[Any, Any]]:
    """The gradients by a complex step through the whole program, one element of a leaf after the other."""
    found = []
    for i, leaf in enumerate(program.leaves):
        g = np.zeros(leaf.shape)
        for place in np.ndindex(leaf.shape):
            values: list[Any] = [x.astype(complex) for x in program.leaves]
            values[i][place] += h * 1j
            for s in program.steps:
                values.append(np.asarray(OPS[s.op].value(*(values[j] for j in s.inputs), **s.options), complex))
            g[place] = (values[-1].imag * program.cotangent).sum() / h
        found.append(g)
    return found


@given(st.one_of(programs(dtype=np.float64), expressions()))
def test_the_gradients_are_those_of_the_whole_program(program: Dag) -> None:
    with np.errstate(all="ignore"):
        whole = steps_of_the_whole(program)
    for g, w, tolerance in zip(program.gradients, whole, program.tolerances, strict=True):
        assert (abs(g - w) <= tolerance).all()


@pytest.mark.parametrize("op", sorted(set(SCALARS) & set(TEXTBOOK) - {"dot", "where"}))
def test_values_and_slopes_agree_with_mpmath(op: str) -> None:
    rng = random.Random(op)
    for _ in range(5):
        program = decode([((), [rng.randint(-32, 16)]) for _ in range(3)], [(SCALARS.index(op), 0, 1, 1)], SCALARS)
        xs = [float(program.values[i]) for i in program.steps[-1].inputs]
        step, jacobians = program.steps[-1], program.jacobians[-1]
        if step.op != op or len(set(step.inputs)) < len(step.inputs):
            continue
        with mp.workdps(40):
            at = tuple(map(mp.mpf, xs))
            assert math.isclose(program.values[-1], TEXTBOOK[op](*at), rel_tol=1e-13)
            for slot, j in enumerate(jacobians):
                exact = mp.diff(TEXTBOOK[op], at, [int(i == slot) for i in range(len(at))])
                assert math.isclose(j.item(), exact, rel_tol=1e-12, abs_tol=1e-25)


@given(st.one_of(programs(dtype=np.float64, max_nodes=4), expressions(max_nodes=4)))
@settings(max_examples=30)
def test_curvatures_are_the_slope_of_the_gradients(program: Dag) -> None:
    h = 2.0**-18
    moved = [Dag(tuple(x + s * h * u for x, u in zip(program.leaves, program.directions, strict=True)), program.steps)
             for s in (1, -1)]  # fmt: skip
    exact, _ = program.curvatures
    for c, up, down, size in zip(exact, moved[0].gradients, moved[1].gradients, program.gross, strict=True):
        assert np.allclose(c, (up - down) / (2 * h), rtol=1e-3, atol=1e-4 * (1 + float(size.max(initial=0)) ** 2))


# ---- engines ---------------------------------------------------------------------------------------------
@given(programs())
def test_the_engine_of_arrays(program: Dag) -> None:
    assert not differential(program, ["microgradx"]).wrong


@given(expressions())
def test_the_engine_of_values(program: Dag) -> None:
    assert not differential(program, ["values"]).wrong
    root = program.build("values")
    assert isinstance(root, Value)
    assert math.isclose(Program.of(root).forward()[-1], program.values[-1], rel_tol=1e-9, abs_tol=1e-9)


@given(programs(max_nodes=5))
@settings(max_examples=50)
def test_torch(program: Dag) -> None:
    pytest.importorskip("torch").set_num_threads(1)
    value, gradients = program.run("torch")
    assert np.allclose(value, program.values[-1], rtol=1e-4, atol=1e-4)
    size = max((float(g.max(initial=0)) for g in program.gross), default=0.0)
    for g, exact in zip(gradients, program.gradients, strict=True):
        assert np.allclose(g, exact, rtol=1e-3, atol=1e-5 * (1 + size))


@given(st.one_of(programs(max_nodes=4), expressions(max_nodes=4)), st.sampled_from([1, 2]))
@settings(max_examples=50)
def test_printed_programs_run_and_end_in_an_assertion(program: Dag, order: int) -> None:
    engine = "microgradx" if all(OPS[s.op].torch for s in program.steps) else "values"
    code = program.to_python(engine, order)
    assert code.splitlines()[-1].startswith("assert ") or not any(program.reached)
    if order == 1:
        exec(code, {})


def test_a_printed_program_fails_where_the_engine_is_wrong() -> None:
    code = one("exp", ((2,), [0, 8])).to_python("microgradx")
    with planted("exp", lambda g: g * (1 + 1e-9)), pytest.raises(AssertionError):
        exec(code, {})


def test_what_an_engine_has_not_is_skipped() -> None:
    program = one("logsumexp", ((), [0]))
    with pytest.raises(Unsupported, match="values has no logsumexp"):
        program.to_python("values")
    (finding,) = differential(program, ["values"]).findings
    assert (finding.verdict, finding.detail) == ("skipped", "values has no logsumexp")


@pytest.mark.parametrize("engine", DIALECTS)
def test_every_text_of_an_operation_is_filled_in(engine: str) -> None:
    kind = DIALECTS[engine].kind
    printed = 0
    for op in ARRAYS if kind != "values" else SCALARS:
        if getattr(OPS[op], kind):
            shape = () if kind == "values" else (2, 3)
            program = one(op, (shape, [0, 3, -5]), (shape, [1, 4]), kinds=ARRAYS if kind != "values" else SCALARS)
            if all(getattr(OPS[s.op], kind) for s in program.steps):
                compile(program.to_python(engine), op, "exec")
                printed += 1
    assert printed > 40


# ---- shrinking -------------------------------------------------------------------------------------------
@contextmanager
def planted(name: str, fault: Callable[[Any], Any]) -> Iterator[None]:
    """With the first input's derivative of a rule made wrong."""
    rule: Any = RULES.get(name) or STRUCTURAL[name]
    field = "vjps" if isinstance(rule, Structural) else "partials"
    before = getattr(rule, field)
    slot = next(i for i, f in enumerate(before) if f is not None)
    wrong = lambda *inputs: fault(before[slot](*inputs))
    if isinstance(rule, Rule):  # what a gradient reads of its inputs is found by the formula's own parameters
        names = ", ".join(["xp", "y", *rule.inputs])
        wrong = eval(f"lambda {names}: wrong({names})", {"wrong": wrong})
    object.__setattr__(rule, field, (*before[:slot], wrong, *before[slot + 1 :]))
    try:
        yield
    finally:
        object.__setattr__(rule, field, before)


@pytest.mark.parametrize("rule", ["exp", "pow", "maximum", "sum", "matmul"])
def test_counterexamples_are_few_operations(rule: str) -> None:
    with planted(rule, lambda g: g * (1 + 1e-6)):
        least = find(
            programs(), lambda p: bool(differential(p, ["microgradx"]).wrong),
            settings=settings(max_examples=2000, database=None, derandomize=True, deadline=None),
        )  # fmt: skip
    assert len(least) <= 3


@pytest.mark.parametrize("last", range(1, 8))
def test_the_last_steps_alone_start_from_the_numbers_that_the_others_gave(last: int) -> None:
    leaves = [((2, 3), [0, 3, -5]), ((3,), [8, 1, 1])]
    genes = [(ARRAYS.index(op), 0, 1, 1) for op in ("mul", "exp", "log")]
    whole, part = decode(leaves, genes), decode(leaves, genes, last=last)
    assert len(part) == min(last, len(whole))
    assert np.array_equal(part.values[-1], whole.values[-1])
    assert [s.op for s in part.steps] == [s.op for s in whole.steps][-last:]
    assert not differential(part, ["microgradx"]).wrong


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"ops": ["foo", "exq"]}, ValueError, "ops has 'foo', 'exq', which is no operation here; near to that are .*exp"),
    ({"ops": ["zzz"]}, ValueError, "ops has 'zzz', which is no operation here; there are add, sub, mul"),
    ({"ops": "exp"}, TypeError, r"ops must be a sequence of names, got 'exp'; give \['exp'\]"),
    ({"ops": []}, ValueError, "ops must name one operation at least, got none; leave it out for all"),
    ({"max_nodes": 0}, ValueError, "max_nodes must be 1 or more, got 0"),
    ({"min_side": 4}, ValueError, "min_side <= max_side must hold, got min_side=4, max_side=3; give both"),
    ({"dtype": int}, ValueError, "dtype must be float64 or float32.*got <class 'int'>"),
    ({"dtype": "foo"}, ValueError, "dtype must be float64 or float32.*got 'foo'"),
])  # fmt: skip
def test_what_no_program_has_says_so(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        programs(**options)
    if options.keys() & {"ops", "max_nodes"}:
        with pytest.raises(error, match=words):
            expressions(**options)


def test_one_dtype_by_any_of_its_names() -> None:
    for dtype in ("float32", np.float32, np.dtype("float32")):
        assert find(programs(dtype=dtype), lambda program: True).dtype == np.float32
    with pytest.raises(ValueError, match="min_dims <= max_dims must hold, got min_dims=4, max_dims=3"):
        shapes(min_dims=4)
