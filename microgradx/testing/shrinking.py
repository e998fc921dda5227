"""How small a counterexample becomes: plant a fault, let Hypothesis find a program that shows it, count operations.

`python -m microgradx.testing shrink` takes some mutants of every rule and all of the sweep, those that the corpus
shows, and draws from `strategies.programs()` or `expressions()` with nothing set.

>>> some = shrunk([m for m in mutants() if m.name == "∂exp/∂x times 1.000001"], among=400)
>>> [(each.operations, "exp(x0)" in each.code) for each in some]
[(1, True)]
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from .commands import at_least, spread
from .corpus import OWN, DiffReport, differential
from .mutants import Mutant, corpus_suite, mutants, named, progress
from .programs import Dag
from .strategies import expressions, programs

__all__ = ["Shrunk", "main", "shrunk", "summary"]

#: Enough for the rarest operation; the usual fault is found within a few hundred
SEARCH = settings(max_examples=20_000, database=None, deadline=None, phases=[Phase.generate, Phase.shrink],
                  suppress_health_check=list(HealthCheck))  # fmt: skip


@dataclass(frozen=True)
class Shrunk:
    """The smallest program that Hypothesis came to for one fault."""

    mutant: str
    rule: str
    operations: int  #: repairs among them; 0 when none was found
    code: str


def _least(mutant: Mutant, shown: DiffReport) -> Shrunk:
    """A counterexample of the kind that is shown: for the same engine, and an order up to the same."""
    engine = shown.findings[0].engine

    def order(program: Dag) -> int:
        """The first at which it is wrong, 0 if it is right."""
        orders = range(1, shown.order + 1)
        return next((n for n in orders if differential(program, [engine], n).wrong), 0)

    drawn = expressions() if engine == OWN["Value"] else programs()
    with mutant.planted(Counter()):
        try:
            least = find(drawn, lambda program: order(program) > 0, settings=SEARCH, random=random.Random(mutant.name))
        except NoSuchExample:
            return Shrunk(mutant.name, mutant.rule, 0, "")
        return Shrunk(mutant.name, mutant.rule, len(least), least.to_python(engine, order(least)))


def _shown(mutant: Mutant, suite: Callable[[], None]) -> DiffReport | None:
    """What a program of the corpus that shows it gives; None where none does."""
    with mutant.planted(Counter()):
        try:
            suite()
        except Exception as problem:  # of another kind where a check at an edge raises
            found = problem.args[0] if problem.args else None
            return found if isinstance(found, DiffReport) else None
    return None


def _of_rule(group: Sequence[Mutant], each: int, among: int) -> list[Shrunk]:
    """The first few that the corpus shows, of the sweep all."""
    suite, found = corpus_suite(group[0].rule, among), list[Shrunk]()
    for mutant in group:
        if (len(found) < each or not mutant.rule) and (shown := _shown(mutant, suite)) is not None:
            found.append(_least(mutant, shown))
    return found


def _named(names: Sequence[str], each: int, among: int) -> list[Shrunk]:
    return _of_rule([named()[name] for name in names], each, among)


def shrunk(
    chosen: Iterable[Mutant], each: int = 2, among: int = 3000, processes: int = 1, seed: int = 0
) -> list[Shrunk]:  # fmt: skip
    """Counterexamples for some mutants of each rule, at random, and for all of the sweep.

    each: how many of a rule. among: programs of the corpus to learn from whether there is anything to be found.
    """
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in chosen:
        groups[mutant.rule].append(mutant)
    draw = random.Random(seed)
    parts = [draw.sample(group, len(group)) if rule else group for rule, group in groups.items()]
    if processes == 1:
        return [found for part in parts for found in _of_rule(part, each, among)]
    names, done = [[m.name for m in part] for part in parts], count(1)
    look = lambda found: progress(next(done), len(parts), "rules")
    return list(chain(*spread(partial(_named, each=each, among=among), names, processes, look)))


def _share(sizes: Sequence[int], share: float) -> int:
    """The smallest size that at least this share of them has at most."""
    return sorted(sizes)[max(0, -int(-share * len(sizes) // 1) - 1)]


def summary(found: Sequence[Shrunk]) -> str:
    """Median and 95th percentile, how many there are of each size, and the largest ones as code."""
    sizes = [each.operations for each in found if each.operations]
    if not sizes:
        return "no counterexample was found"
    counts = ", ".join(f"{n} of {size}" for size, n in sorted(Counter(sizes).items()))
    rules = {rule for each in found if each.operations for rule in each.rule.split()}
    lines = [
        f"{len(sizes)} planted faults, of {len(rules)} rules and of the sweep",
        f"operations of the shrunk counterexamples, repairs among them: {counts}",
        f"median {_share(sizes, 0.5)}, 95th percentile {_share(sizes, 0.95)}, most {max(sizes)}",
    ]
    lines += [f"not found   {each.mutant}" for each in found if not each.operations]
    large = sorted((each for each in found if each.operations > 3), key=lambda each: -each.operations)
    return "\n".join(lines + [f"\n{each.operations} for {each.mutant}\n{each.code}" for each in large])


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m microgradx.testing shrink`: 1 when the median is above 1 or the 95th percentile above 3."""
    about = "Plant faults and count the operations of the programs that Hypothesis shrinks to."
    parser = argparse.ArgumentParser(prog="python -m microgradx.testing shrink", description=about)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name contains this")
    parser.add_argument("--each", type=at_least(1), default=2, metavar="N", help="mutants of each rule (default 2)")
    parser.add_argument("--among", type=at_least(1), default=3000, metavar="N", help="programs to choose mutants by")
    parser.add_argument("--processes", type=at_least(1), default=2)
    given = parser.parse_args(argv)
    started = time.perf_counter()
    found = shrunk((m for m in mutants() if given.only in m.name), given.each, given.among, given.processes)
    print(summary(found))
    print(f"{time.perf_counter() - started:.0f} s")
    sizes = [each.operations for each in found]
    return int(not sizes or not all(sizes) or _share(sizes, 0.5) > 1 or _share(sizes, 0.95) > 3)
