"""The corpus: the same for a seed, all rules and all ordered pairs of operations, no false alarm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest

from microgradx.rules import RULES
from microgradx.testing import corpus as corpora
from microgradx.testing.corpus import CorpusReport, corpus, differential, drawn, of_values, run_corpus
from microgradx.testing.programs import ARRAYS, SCALARS, Unsupported, decode


def text(i: int, seed: int = 0) -> str:
    return drawn(i, seed).to_python("values" if of_values(i) else "microgradx")


def test_a_corpus_is_the_same_for_the_same_seed() -> None:
    assert [text(i) for i in range(40)] == [text(i) for i in range(40)]
    assert [text(i) for i in range(40)] != [text(i, 1) for i in range(40)]
    assert len(list(corpus(7))) == 7


def test_chains_walk_through_every_ordered_pair_once() -> None:
    chains = corpora._chains(9, 0)
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    assert sorted(pairs) == [(a, b) for a in range(9) for b in range(9)]


def test_a_run_has_no_failure() -> None:
    report = run_corpus(400, seed=3, processes=1)
    assert not report.failures, str(report)
    assert (report.programs, report.second) == (400, 40)
    assert 0 < report.worst < 1


def test_ten_thousand_programs_see_every_rule_and_every_pair() -> None:
    report = CorpusReport()
    arrays, values = (len(corpora._chains(len(ops), 0)) for ops in (ARRAYS, SCALARS))
    for i in range(10_000):
        # the chains are enough for the pairs, and are cheap to decode
        if (i // 4 if of_values(i) else i - i // 4) < (values if of_values(i) else arrays):
            corpora._count(report, drawn(i), "values" if of_values(i) else "arrays")
    assert report.missing_pairs == []
    assert {op.split()[1] for op in report.ops} == {*ARRAYS, *SCALARS}


def test_operands_are_reused_and_repeated() -> None:
    report = CorpusReport()
    start = 4 * max(len(corpora._chains(len(ops), 0)) for ops in (ARRAYS, SCALARS))
    for i in range(start, start + 400):
        corpora._count(report, drawn(i), "values" if of_values(i) else "arrays")
    assert report.reused > 0.5 * report.programs
    assert report.repeated > 0.25 * report.programs


def test_a_report_of_two_processes_adds_up() -> None:
    both, one = run_corpus(520, seed=5), run_corpus(520, seed=5, processes=1)
    assert (both.programs, both.second, both.ops, both.pairs, both.rules) == (
        one.programs,
        one.second,
        one.ops,
        one.pairs,
        one.rules,
    )


@contextmanager
def wrong_sine(factor: float) -> Iterator[None]:
    rule = RULES["sin"]
    before = rule.partials
    object.__setattr__(rule, "partials", (lambda xp, y, x: xp.cos(x) * factor,))
    try:
        yield
    finally:
        object.__setattr__(rule, "partials", before)


def test_a_wrong_rule_fails_and_its_program_is_printed() -> None:
    with wrong_sine(1 + 1e-9):
        report = run_corpus(120, processes=1)
    assert report.failures
    assert all("sin" in str(failure) for _, failure in report.failures)
    assert "assert numpy.all" in str(report)


def test_differential_says_where_and_prints_the_program() -> None:
    program = decode([((2,), [0, 4])], [(ARRAYS.index("sin"), 0, 0, 0)])
    with wrong_sine(-1.0):
        report = differential(program, ["microgradx", "values"])
    wrong, skipped = report.findings
    assert (wrong.verdict, wrong.ratio > 1e9) == ("differs", True)
    assert wrong.detail.startswith("d v1/dx0[0] is -0.33768894116758")
    assert (skipped.verdict, skipped.detail) == ("skipped", "values has no arrays")
    assert "# microgradx\nimport numpy\nimport microgradx as torch" in str(report)
    assert "# values" not in str(report)


def test_an_engine_that_raises_is_wrong_and_one_that_is_not_there_is_skipped(monkeypatch: Any) -> None:
    program = decode([((), [])], [(ARRAYS.index("add"), 0, 0, 0)])
    monkeypatch.setitem(__import__("sys").modules, "mygrad", None)
    assert differential(program, ["mygrad"]).findings[0].verdict == "skipped"
    monkeypatch.setattr("microgradx.testing.programs.Dag.execute", lambda *_: 1 / 0)
    assert differential(program, ["microgradx"]).findings[0].verdict == "raises"


@pytest.mark.parametrize(("command", "code"), [(corpora.nightly, 0), (corpora.coverage, 1)])
def test_commands(command: Any, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["--count", "30", "--processes", "1"]) == code  # thirty programs do not see every pair
    assert "30 programs, 3 of them to second order: 0 failures" in capsys.readouterr().out


def test_a_variance_of_equal_float32_numbers_is_no_false_alarm() -> None:
    """Its slope is exactly 0, and a product of three roundings on an engine."""
    program = drawn(93657, seed=20261127)
    assert [step.op for step in program.steps if step.op in ("var", "cos")] == ["var", "cos"]
    assert not differential(program, ["microgradx"]).wrong


@pytest.mark.parametrize("seed", [0, 5])
def test_what_is_printed_for_torch_holds_in_torch(seed: int) -> None:
    pytest.importorskip("torch")
    ran = 0
    for program in corpus(300, seed):
        with suppress(Unsupported):
            exec(program.to_python("torch"), {})
            ran += 1
    assert ran > 280


def test_torch_takes_a_scatter_of_a_larger_source_and_a_clamp_between_larger_bounds() -> None:
    scattered = decode([((3,), [0, 4, 8])], [(ARRAYS.index("scatter_add"), 0, 0, 1)])
    clamped = decode([((3,), [0, 4, 8]), ((), [2])], [(ARRAYS.index("clamp"), 0, 1, 0)])
    assert [step.op for step in scattered.steps] == ["narrow", "scatter_add"]
    assert clamped.steps[0].op == "expand"
    for program in (scattered, clamped):
        assert {f.verdict for f in differential(program, ["microgradx", "torch"]).findings} <= {"agrees", "skipped"}


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"engines": ["foo"]}, ValueError, r"engines must be a sequence of names among 'microgradx'.*got \['foo'\]"),
    ({"engines": []}, ValueError, r"at least one, got \[\]"),
    ({"engines": "torch"}, TypeError, r"got 'torch'; give \['torch'\]"),
    ({"order": 0}, ValueError, "order must be 1 for gradients or 2 for gradients of gradients, got 0"),
    ({"program": "x"}, TypeError, r"program must be one of corpus\(\).*, got str"),
])  # fmt: skip
def test_what_cannot_be_compared_says_so(change: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        differential(**{"program": drawn(0), **change})


def test_a_corpus_of_fewer_than_no_programs() -> None:
    for made in (corpus, run_corpus):
        with pytest.raises(ValueError, match="0 programs or more, got n=-1"):
            made(-1)
