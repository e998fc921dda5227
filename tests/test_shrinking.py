"""Shrunk counterexamples: their sizes, counted and printed, and the faults that they are for."""

from __future__ import annotations

import pytest

from microgradx.testing.mutants import mutants
from microgradx.testing.shrinking import Shrunk, _share, main, shrunk, summary


def test_faults_shrink_to_few_operations() -> None:
    some = [m for m in mutants() if m.name in ("∂dot/∂b times -1.0", "sweep: = for +=")]
    found = shrunk(some, among=400)
    assert [each.mutant for each in found] == [m.name for m in some]
    assert all(1 <= each.operations <= 3 for each in found)
    assert "mg.dot(" in found[0].code


def test_what_the_corpus_does_not_show_is_left_out() -> None:
    assert shrunk([m for m in mutants() if m.name == "∂add/∂a 1 in its place"], among=40) == []


@pytest.mark.parametrize(("sizes", "share", "size"), [
    ([1], 0.95, 1), ([3, 1, 1], 0.5, 1), ([1, 2], 0.5, 1), ([*[1] * 19, 4], 0.95, 1), ([*[1] * 18, 4, 4], 0.95, 4),
])  # fmt: skip
def test_shares(sizes: list[int], share: float, size: int) -> None:
    assert _share(sizes, share) == size


def test_the_summary_has_what_is_large_and_what_was_not_found() -> None:
    found = [Shrunk("small", "exp", 1, "x"), Shrunk("large", "sum index", 4, "the code"), Shrunk("none", "log", 0, "")]
    text = summary(found)
    assert "2 planted faults, of 3 rules and of the sweep" in text
    assert "1 of 1, 1 of 4" in text
    assert "median 1, 95th percentile 4, most 4" in text
    assert "not found   none" in text
    assert text.endswith("4 for large\nthe code")
    assert summary(found[2:]) == "no counterexample was found"


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "∂cos/∂x", "--each", "1", "--among", "200", "--processes", "1"]) == 0
    assert "median 1, 95th percentile 1" in capsys.readouterr().out
