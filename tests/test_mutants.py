"""Planted faults: the corpus finds them, a suite without assertions finds none, and nothing stays planted."""

from __future__ import annotations

import sys
from typing import Any
from unittest import TestCase

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


def tanh_is_right() -> bool:
    x = Value(0.5)
    x.tanh().backward()
    return x.grad == pytest.approx(0.7864477329659274, rel=1e-12)  # type: ignore[no-any-return]


def by_fail() -> None:
    if not tanh_is_right():
        pytest.fail("wrong")


def by_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        1 / (not tanh_is_right())


def by_exit() -> None:
    sys.exit(int(not tanh_is_right()))


@pytest.mark.parametrize("suite", [by_fail, by_raises, by_exit])
def test_a_suite_may_fail_without_an_exception(suite: Any) -> None:
    factors = [m for m in of("tanh") if "times" in m.name and m.name != "∂tanh/∂x times 1.0"]
    score = mutation_score(suite, factors)
    assert len(score.killed) == len(factors)
    assert score.raised == 0


@pytest.mark.parametrize("skip", [lambda: pytest.skip("no torch"), lambda: pytest.xfail("no torch"),
                                  lambda: TestCase().skipTest("no torch")])  # fmt: skip
def test_a_suite_that_skips_is_refused(skip: Any) -> None:
    with pytest.raises(ValueError, match=r"the suite skips \(no torch\), and what is skipped tests nothing"):
        mutation_score(skip, of("tanh"))
    with pytest.raises(ValueError, match="the suite skips"):
        mutation_score(lambda: None if tanh_is_right() else skip(), of("tanh"))


def test_ctrl_c_is_no_kill() -> None:
    def suite() -> None:
        if not tanh_is_right():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mutation_score(suite, of("tanh"))
    assert tanh_is_right()


def test_nothing_to_kill() -> None:
    assert str(mutation_score(lambda: None, [])).startswith("there was nothing to kill, 0 equivalent, ")


def test_wrong_arguments_say_what_is_expected() -> None:
    weak: Any = lambda: None
    with pytest.raises(TypeError, match=r"among must be Mutants, some of mutants\(\), got 'tanh'"):
        mutation_score(weak, ["tanh"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="suite must be a function that raises when it finds a fault"):
        mutation_score("tanh", [])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="programs and processes must be 1 or more, got 100 and 0"):
        mutation_score(None, of("tanh"), 100, 0)


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
