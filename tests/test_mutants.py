"""Planted faults: the corpus finds them, a suite without assertions finds none, and nothing stays planted."""

from __future__ import annotations

from typing import Any

import pytest

import microgradx as mg
from microgradx.rules import RULES
from microgradx.structural import STRUCTURAL
from microgradx.testing.mutants import Mutant, main, mutants, mutation_score
from microgradx.value import Value

SOME = ("mul", "exp", "tanh", "maximum", "hypot", "where", "matmul", "sum", "softmax", "index", "")


ALL = mutants()


def of(*rules: str) -> list[Mutant]:
    return [m for m in ALL if m.rule in rules]


def test_every_derivative_has_mutants() -> None:
    named = {name for m in ALL for name in m.rule.split()}
    assert named == {r.name for r in (*RULES.values(), *STRUCTURAL.values()) if any(r.partials)}
    assert len({m.name for m in ALL}) == len(ALL)


@pytest.mark.parametrize("rule", SOME)
def test_the_corpus_kills_them(rule: str) -> None:
    # of the changes in a source every fourth, which is enough to see that they are made and found
    some = [m for k, m in enumerate(of(rule)) if "with " not in m.name or k % 4 == 0]
    score = mutation_score(among=some, programs=1000)
    assert score.survivors == (), str(score)
    assert len(score.killed) > 8


def test_a_suite_that_tests_nothing_kills_nothing() -> None:
    score = mutation_score(lambda: None, of("tanh", "matmul"))
    assert (score.killed, score.rate) == ((), 0.0)
    assert len(score.survivors) == len(of("tanh", "matmul"))
    assert "survived    ∂tanh/∂x times -1.0" in str(score)


def test_a_suite_with_one_point_and_a_loose_tolerance_misses_small_factors() -> None:
    def suite() -> None:
        x = Value(0.5)
        x.tanh().backward()
        assert x.grad == pytest.approx(0.786448, rel=1e-2)

    score = mutation_score(suite, of("tanh"))
    assert "∂tanh/∂x times 1.001" in score.survivors
    assert "∂tanh/∂x times -1.0" in score.killed


def test_a_suite_that_fails_by_itself_is_refused() -> None:
    def suite() -> None:
        raise AssertionError("always")

    with pytest.raises(ValueError, match="fails without any mutant: always"):
        mutation_score(suite, of("tanh"))


def test_nothing_stays_planted() -> None:
    def gradients() -> list[Any]:
        v, t = Value(0.7), mg.tensor([0.7], requires_grad=True)
        (v * v + v.exp().tanh()).backward()
        (t * t + t.exp().tanh()).sum().backward()
        return [v.grad, t.grad.tolist()]

    before, table = gradients(), {name: rule.partials for name, rule in RULES.items()}
    mutation_score(gradients, of("mul", "tanh", "exp", ""))
    assert gradients() == before
    assert {name: rule.partials for name, rule in RULES.items()} == table


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "∂sin/∂x", "--programs", "1000", "--processes", "1"]) == 0
    assert "(100.00 %)" in capsys.readouterr().out
    assert main(["--only", "no such fault"]) == 2


def test_two_processes_give_the_same_score() -> None:
    some = of("sin", "cos", "mul")[::3]
    one, two = (mutation_score(among=some, programs=100, processes=n) for n in (1, 2))
    assert (one.killed, one.survivors, one.equivalent, one.raised) == (
        two.killed,
        two.survivors,
        two.equivalent,
        two.raised,
    )
