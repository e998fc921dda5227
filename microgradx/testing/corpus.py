"""Thousands of random programs, checked: the same ones for the same seed, without Hypothesis.

The first programs walk through every ordered pair of operations, one feeding the other; those after are random.

>>> report = run_corpus(40, processes=1)
>>> len(report.failures), report.programs
(0, 40)

>>> print(differential(next(corpus(1)), ["microgradx"]))
microgradx  agrees, worst error 0.0 % of what rounding allows
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from ..graph import topological_order
from ..rules import RULES
from ..structural import STRUCTURAL
from ..tensor import Tensor, order
from .commands import at_least, spread
from .programs import ARRAYS, DIALECTS, OPS, SCALARS, Dag, Unsupported, decode

__all__ = ["CorpusReport", "DiffReport", "Finding", "corpus", "coverage", "differential", "drawn", "nightly",
           "of_values", "run_corpus"]  # fmt: skip

SHAPES = ((), (1,), (2,), (3,), (4,), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2), (2, 1, 3), (2, 2, 2))
EMPTY = ((0,), (0, 3), (2, 0))
RECENT = (0, 0, 0, 1, 1, 2, 3)  # how far back an operand is
OWN = {"Value": "values", "Tensor": "microgradx"}


# ---- the programs ----------------------------------------------------------------------------------------
def corpus(n: int, seed: int = 0) -> Iterator[Dag]:
    """n programs, three quarters of them of arrays (one in three of these in float32), the rest of Values."""
    if n < 0:
        raise ValueError(f"a corpus has 0 programs or more, got n={n}")
    return (drawn(i, seed) for i in range(n))


def drawn(i: int, seed: int = 0) -> Dag:
    """Program number i of a corpus."""
    rng, scalar = random.Random(f"{seed} {i}"), of_values(i)
    ops = SCALARS if scalar else ARRAYS
    chains, nth = _chains(len(ops), seed), i // 4 if scalar else i - i // 4
    if nth < len(chains):
        genes = [(op, 0, rng.choice(RECENT), rng.randrange(64)) for op in chains[nth]]
    else:
        genes = [(rng.randrange(len(ops)), rng.choice(RECENT), rng.choice(RECENT), rng.randrange(64))
                 for _ in range(rng.randint(2, 10))]  # fmt: skip
    shapes = [()] if scalar else SHAPES + EMPTY * (nth >= len(chains))
    leaves = [(rng.choice(shapes), [rng.randint(-32, 16) for _ in range(8)]) for _ in range(rng.randint(1, 3))]
    if rng.random() < 1 / 8:  # equal numbers, which an engine must not take for one leaf
        leaves[-1] = leaves[0]
    if rng.random() < 1 / 8:  # zeros and ones, which tie with one another
        leaves = [(shape, [-8 * (e % 2) for e in eighths]) for shape, eighths in leaves]
    return decode(leaves, genes, ops, np.float32 if i % 4 == 1 else np.float64)


def of_values(i: int) -> bool:
    return i % 4 == 3


@cache
def _chains(n: int, seed: int, length: int = 6) -> list[list[int]]:
    """Runs of operations in which each ordered pair stands once, as a de Bruijn sequence has it."""
    sequence = [op for a in range(n) for op in (a, *(op for b in range(a + 1, n) for op in (a, b)))] + [0]
    chains = [sequence[i : i + length] for i in range(0, len(sequence) - 1, length - 1)]
    random.Random(seed).shuffle(chains)
    return chains


# ---- engines against the oracle --------------------------------------------------------------------------
@dataclass(frozen=True)
class Finding:
    """What one engine made of a program."""

    engine: str
    verdict: str  #: "agrees", "differs", "raises" or "skipped"
    ratio: float = 0.0  #: the worst error over its tolerance; inf for a nan or another shape
    detail: str = ""

    def __str__(self) -> str:
        if self.verdict == "agrees":
            return f"agrees, worst error {100 * self.ratio:.1f} % of what rounding allows"
        return f"{self.verdict}: {self.detail}"


@dataclass(frozen=True)
class DiffReport:
    """What each engine made of a program; printed, with code for each engine that is wrong."""

    program: Dag
    order: int
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.verdict in ("differs", "raises"))

    def __str__(self) -> str:
        width = max(len(f.engine) for f in self.findings)
        table = [f"{f.engine:{width}}  {f}" for f in self.findings]
        code = [f"\n# {f.engine}\n{self.program.to_python(f.engine, self.order)}" for f in self.wrong]
        return "\n".join(table + code)


def differential(program: Dag, engines: Iterable[str] = ("microgradx", "torch"), order: int = 1) -> DiffReport:
    """Each engine's gradients against the exact ones. engines: "microgradx", "values", "torch", "autograd", "mygrad".

    An operation that an engine does not have makes it "skipped"; so does an engine that is not installed. Raises
    ValueError or TypeError for what is no program, no engine, or no order.
    """
    if not isinstance(program, Dag):
        raise TypeError(f"program must be one of corpus(), programs() or expressions(), got {type(program).__name__}")
    names = f"a sequence of names among {', '.join(map(repr, DIALECTS))}"
    if isinstance(engines, str):
        raise TypeError(f"engines must be {names}, got {engines!r}; give [{engines!r}]")
    engines = list(engines)
    if not engines or not all(engine in DIALECTS for engine in engines):
        raise ValueError(f"engines must be {names}, at least one, got {engines}")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 for gradients or 2 for gradients of gradients, got {order!r}")
    return DiffReport(program, order, tuple(_find(program, engine, order) for engine in engines))


def _find(program: Dag, engine: str, order: int) -> Finding:
    try:
        names = program.execute(engine, order)
        return _compared(program, engine, order, names)
    except Unsupported as problem:
        return Finding(engine, "skipped", detail=str(problem))
    except Exception as problem:
        text = f"{type(problem).__name__}: {problem}".splitlines()[0]
        lacking = engine not in OWN.values() and isinstance(problem, NotImplementedError | AttributeError | ImportError)
        return Finding(engine, "skipped" if lacking else "raises", detail=text)


def _compared(program: Dag, engine: str, order: int, names: dict[str, Any]) -> Finding:
    value, grads = DIALECTS[engine].read(program, names, order)
    exact, tolerances = (program.gradients, program.tolerances) if order == 1 else program.curvatures
    worst = 0.0
    what = [f"d{'²' * (order - 1)} {program.root}/dx{i}" for i in range(len(exact))]
    root = (program.root, value, program.values[-1], program.value_tolerance)
    for name, found, true, tolerance in (root, *zip(what, grads, exact, tolerances, strict=True)):
        if found.shape != true.shape:
            return Finding(engine, "differs", np.inf, f"{name} has shape {found.shape}, it should be {true.shape}")
        ratio = np.nan_to_num(abs(found - true) / tolerance, nan=np.inf)
        if ratio.size and (top := float(ratio.max())) > worst:
            worst = top
            if top > 1:
                at = np.unravel_index(int(ratio.argmax()), ratio.shape)
                place = f"[{', '.join(map(str, at))}]" * bool(at)
                return Finding(engine, "differs", top, f"{name}{place} is {float(found[at])!r}, it should be "
                               f"{float(true[at])!r} ± {float(tolerance[at]):.1e}")  # fmt: skip
    return Finding(engine, "agrees", worst)


# ---- a whole corpus --------------------------------------------------------------------------------------
@dataclass
class CorpusReport:
    """Failures and coverage of a corpus, to be printed."""

    seed: int = 0
    programs: int = 0
    second: int = 0  #: how many of them were checked to second order
    seconds: float = 0.0
    worst: float = 0.0  #: error over tolerance
    failures: list[tuple[int, DiffReport]] = field(default_factory=list)
    ops: Counter[str] = field(default_factory=Counter)  #: as "arrays sum", "values exp"
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)  #: of the engine, as they stand in its graphs
    reused: int = 0  #: programs in which a result is used more than once
    repeated: int = 0  #: programs with an operation on a result and itself

    @property
    def missing_rules(self) -> list[str]:
        return [name for name in (*RULES, *STRUCTURAL) if not self.rules[name]]

    @property
    def missing_pairs(self) -> list[tuple[str, str]]:
        return [pair for kind, ops in (("arrays", ARRAYS), ("values", SCALARS)) for a in ops for b in ops
                if not self.pairs[pair := (f"{kind} {a}", f"{kind} {b}")]]  # fmt: skip

    def merge(self, other: CorpusReport) -> None:
        self.programs, self.second = self.programs + other.programs, self.second + other.second
        self.reused, self.repeated = self.reused + other.reused, self.repeated + other.repeated
        self.worst = max(self.worst, other.worst)
        self.failures += other.failures
        for mine, theirs in ((self.ops, other.ops), (self.pairs, other.pairs), (self.rules, other.rules)):
            mine.update(theirs)  # type: ignore[arg-type]

    def __str__(self) -> str:
        pairs, rules = len(ARRAYS) ** 2 + len(SCALARS) ** 2, len(RULES) + len(STRUCTURAL)
        without = f"; not: {', '.join(self.missing_rules)}" * bool(self.missing_rules)
        lines = [
            f"{self.programs} programs, {self.second} of them to second order: {len(self.failures)} failures",
            f"{self.seconds:.1f} s; worst error {100 * self.worst:.1f} % of what rounding allows",
            f"{self.reused} use a result twice, {self.repeated} have an operation on a result and itself",
            f"rules: {rules - len(self.missing_rules)} of {rules}{without}",
            f"ordered pairs of operations: {pairs - len(self.missing_pairs)} of {pairs}",
        ]  # fmt: skip
        return "\n".join(lines + [f"\nprogram {i}, seed {self.seed}\n{failure}" for i, failure in self.failures[:5]])

    def table(self) -> str:
        """How often each operation and each rule was run."""
        def columns(title: str, counts: Iterable[tuple[str, int]]) -> str:
            cells = [f"{name:>18} {count:6}" for name, count in counts]
            return "\n".join([f"\n{title}", *("".join(cells[i : i + 4]) for i in range(0, len(cells), 4))])

        return "\n".join([
            *(columns(f"operations on {kind}", [(op, self.ops[f"{kind} {op}"]) for op in ops])
              for kind, ops in (("arrays", ARRAYS), ("values", SCALARS))),
            columns("rules in the graphs of the engine", [(name, self.rules[name]) for name in (*RULES, *STRUCTURAL)]),
        ])  # fmt: skip


def run_corpus(n: int, seed: int = 0, processes: int = 2) -> CorpusReport:
    """Check n programs of a corpus to first order and every tenth to second, and count what they cover."""
    if n < 0:
        raise ValueError(f"a corpus has 0 programs or more, got n={n}")
    started = time.perf_counter()
    report = CorpusReport(seed)
    for found in spread(_part, [(i, min(i + 250, n), seed) for i in range(0, n, 250)], processes):
        report.merge(found)
    report.seconds = time.perf_counter() - started
    return report


def _part(part: tuple[int, int, int]) -> CorpusReport:
    start, stop, seed = part
    report = CorpusReport(seed)
    for i in range(start, stop):
        program = drawn(i, seed)
        engine = "values" if of_values(i) else "microgradx"
        _count(report, program, "values" if of_values(i) else "arrays")
        for order_ in (1, 2) if i % 10 == 0 else (1,):
            report.second += order_ == 2
            _check(report, i, program, engine, order_)
    return report


def _check(report: CorpusReport, i: int, program: Dag, engine: str, order_: int) -> None:
    try:
        names = program.execute(engine, order_)
        finding = _compared(program, engine, order_, names)
        report.rules.update(_rules(names.get("along", names[program.root])))
    except Exception as problem:
        finding = Finding(engine, "raises", np.inf, f"{type(problem).__name__}: {problem}")
    report.worst = max(report.worst, finding.ratio)
    if finding.verdict != "agrees":
        report.failures.append((i, DiffReport(program, order_, (finding,))))


def _rules(root: Any) -> Iterable[str]:
    nodes = topological_order(root) if not isinstance(root, Tensor) else order([root._node]) if root._node else []
    return (node.rule.name for node in nodes if node.rule)


def _count(report: CorpusReport, program: Dag, kind: str) -> None:
    """Operations and pairs; what the decoder has put in between is not counted, and does not part a pair."""
    report.programs += 1
    sources: list[set[str]] = [set() for _ in program.leaves]
    for step in program.steps:
        flat = OPS[step.op].flat
        feeding = set().union(*(sources[x] for slot, x in enumerate(step.inputs) if slot not in flat))
        name = f"{kind} {step.op}"
        sources.append(feeding if step.repair else {name})
        if not step.repair:
            report.ops[name] += 1
            report.pairs.update((before, name) for before in feeding)
    uses = Counter(x for step in program.steps for x in step.inputs)
    report.reused += max(uses.values()) > 1
    report.repeated += any(len(set(step.inputs)) < len(step.inputs) for step in program.steps if len(step.inputs) == 2)


# ---- commands --------------------------------------------------------------------------------------------
def _command(name: str, argv: Sequence[str] | None, count: int) -> tuple[CorpusReport, int]:
    parser = argparse.ArgumentParser(prog=f"python -m microgradx.testing {name}", description="Check random programs.")
    parser.add_argument("--count", type=at_least(1), default=count, help=f"how many programs (default {count})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=at_least(1), default=2)
    given = parser.parse_args(argv)
    report = run_corpus(given.count, given.seed, given.processes)
    print(report)
    return report, int(bool(report.failures))


def nightly(argv: Sequence[str] | None = None) -> int:
    """A hundred thousand programs; 1 when one fails."""
    return _command("nightly", argv, 100_000)[1]


def coverage(argv: Sequence[str] | None = None) -> int:
    """Ten thousand programs and what they cover; 1 when one fails, or when a rule or a pair has not been seen."""
    report, failed = _command("coverage", argv, 10_000)
    print(report.table())
    return failed or int(bool(report.missing_rules or report.missing_pairs))
