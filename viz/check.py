"""The walk doubted: each gradient beside ones that no sweep has computed, and what a sweep in another order would give.

`check` sets every leaf's gradient beside a finite difference and the complex step. `why_order` runs the
schedules that one might write instead of the reverse topological one, on the very same graph. Of Tensors, slopes
along some directions are compared.

>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> h = a * b; p = h + 1; L = h * p
>>> print(why_order(L, names=dict(h=h, p=p, L=L)))
order                     dL/da  dL/db
reverse topological          39     26
recurse into every input     60     40
visit-once depth-first       21     14
breadth-first                21     14
post-order                    0      0
finite difference            39     26
<BLANKLINE>
reverse topological: every node waits until all of its uses have reported
recurse into every input: h passed on 7 before its second use reported; h passed on 2 times, so parts count twice
visit-once depth-first: h passed on 7 before its second use reported
breadth-first: h passed on 7 before its second use reported
post-order: h passed on 0 before anything arrived
>>> check(L).ok
True
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from microgradx.program import Program, Root, Use
from microgradx.worlds import Complex, World, arrays, complexes

from .explain import Kind, Line, Printed, Span, Table, line, ordinal
from .notation import norm, number, shape
from .trace import Node, Trace

__all__ = ["Check", "Checked", "Order", "WhyOrder", "check", "why_order"]

FloatArray = NDArray[np.float64]
Verdict = Literal["agrees", "kink", "jump", "not finite", "unclear", "differs"]


# ---- gradients beside finite differences and the complex step --------------------------------------------
@dataclass(frozen=True)
class Checked:
    """One leaf's gradient and what it was compared with. Of a Tensor: its slope along the worst of the directions."""

    leaf: str
    data: Any
    grad: float
    difference: float | None  #: the best finite difference; None where there is none
    uncertainty: float  #: how far it may be off, by its own estimate
    complex_step: float | None  #: exact to rounding; None where the graph does not run on complex numbers
    kink: tuple[float, float] | None  #: the slopes to the left and to the right, where they differ
    verdict: Verdict
    index: int = -1  #: the leaf's topological number
    jump: tuple[float, float, float] | None = None  #: the root just left of the point, at it and just right of it

    @property
    def error(self) -> float | None:
        return None if self.difference is None else abs(self.grad - self.difference)


@dataclass(frozen=True, repr=False)
class Check(Printed):
    """What `check` found, leaf by leaf; `ok` unless a gradient differs."""

    root: str
    leaves: tuple[Checked, ...]
    note: str = ""

    @classmethod
    def of(
        cls, program: Program, eps: float = 1e-3, again: Again | None = None, *, complex_runs: int | None = None,
        numbers: float = math.inf,
    ) -> Check:  # fmt: skip
        """complex_runs, numbers: how many operations and, of arrays, how many elements to spend at most, about."""
        if program.arrays:
            return _check_arrays(program.in_float64(), eps, numbers)
        return _check_numbers(program, eps, again, COMPLEX_RUNS if complex_runs is None else complex_runs)

    @property
    def ok(self) -> bool:
        return all(leaf.verdict != "differs" for leaf in self.leaves)

    def parts(self) -> list[Line | Table]:
        rows = tuple(
            (Span(x.leaf, "name"), Span(shape(x.data), "data"), Span(number(x.grad, 8), "gradient"),
             Span(number(x.difference, 8)), Span(number(x.complex_step, 8)), Span(number(x.error, 2)),
             Span(_verdict(x), "" if x.verdict == "agrees" else "result"))
            for x in self.leaves
        )  # fmt: skip
        head = ("leaf", "data", f"d{self.root}/dleaf", "finite difference", "complex step", "error", "verdict")
        return [Table(head, rows, align="lrrrrrl", optional=(1, 4, 5)), *[line(self.note)] * bool(self.note)]


def _verdict(x: Checked) -> str:
    if x.jump:
        return f"jump: values {', '.join(map(number, x.jump[:2]))} and {number(x.jump[2])}"
    if x.kink:
        return f"{x.verdict}: slopes {number(x.kink[0])} and {number(x.kink[1])}"
    return x.verdict


def check(
    root: Root, names: Mapping[str, Any] | None = None, eps: float = 1e-3, *, again: Again | None = None
) -> Check:
    """Each leaf's gradient beside a finite difference and the complex step, with a verdict.

    A finite difference is Richardson's extrapolation of central differences; the steps go from eps down, each
    an eighth of the one before, relative to the leaf and absolute, and the one that is surest of itself
    counts. Where the slopes on the two sides differ there is a kink, and any gradient between them is right; where
    the values differ there is a jump, and no gradient is.
    A graph of Tensors runs in float64; of a leaf of up to 8 elements each is moved, of a larger one all at once,
    along 4 random directions (1 from 10,000 elements on), the same ones each time.
    names: more labels, by variable name, as from `locals()`. again: makes root's number anew from other numbers of
    some leaves, by label; a graph holds the branch that was taken, and only so is a condition that ties seen.
    Raises TypeError when root is not a node of a graph, ValueError for an eps that is not above 0.
    """
    if not eps > 0:
        raise ValueError(f"eps, the largest step of a finite difference, must be above 0, got {eps!r}; try 1e-3")
    return Check.of(Program.of(root, names), eps, again)


def _check_numbers(program: Program, eps: float, again: Again | None, complex_runs: int) -> Check:
    walk = Trace.of(program)
    affordable = complex_runs // len(program) + 1
    estimates = dict(_differences(program, walk, walk.leaves, eps))
    if again:
        estimates |= _switches(program, walk, walk.leaves[:affordable], eps, again)
    found = []
    for k, index in enumerate(walk.leaves):
        node, (difference, uncertainty, kink, jump) = walk.nodes[index], estimates[index]
        difference = None if jump else _settled(node.grad, difference, uncertainty)
        sound = math.isfinite(node.grad) and math.isfinite(walk.root.data) and not jump
        sound = sound and not (kink and _between(node.grad, kink))
        exact = _complex_step(program, index) if sound and k < affordable else None
        if exact is not None and not math.isclose(node.grad, exact, rel_tol=1e-6):
            larger = _complex_step(program, index, 1e-10)
            exact = exact if larger is not None and math.isclose(exact, larger, rel_tol=1e-3) else None
        if exact is not None and math.isclose(node.grad, exact, rel_tol=1e-7):
            kink = None  # the two sides were sampled too far apart, and so may the steps have been
            if difference is not None and not math.isclose(difference, exact, rel_tol=1e-3, abs_tol=1e-3):
                difference = None
        verdict = "jump" if jump else _judge(node.grad, difference, uncertainty, exact, kink)
        if not math.isfinite(walk.root.data):
            verdict = "not finite"
        found.append(Checked(node.shown, node.data, node.grad, difference, uncertainty, exact, kink, verdict, index,
                             jump))  # fmt: skip
    asked = "; so were conditions asked anew" if again else ""
    note = f"the complex step was taken for the first {affordable} leaves only{asked}"
    return Check(walk.root.shown, tuple(found), note if len(found) > affordable else "")


def _check_arrays(program: Program, eps: float, numbers: float = math.inf) -> Check:
    walk = Trace.of(program)
    one_run = 4 * LEVELS * sum(np.size(i.data) + 1_000 for i in program)  # calling NumPy costs like 1,000 numbers
    found, left_out = [], 0
    for node in (walk.nodes[leaf] for leaf in walk.leaves if walk.nodes[leaf].grad is not None):
        numbers -= one_run * sum(1 for _ in _directions(node.data))
        if numbers < 0:
            left_out += 1
            continue
        checked = []
        for grad, (estimate, uncertainty, kink, jump) in _slopes(program, walk, node, eps):
            difference = None if jump else _settled(grad, estimate, uncertainty)
            verdict = "jump" if jump else _judge(grad, difference, uncertainty, None, kink)
            verdict = verdict if np.isfinite(walk.root.data).all() else "not finite"
            checked.append(Checked(node.shown, node.data, grad, difference, uncertainty, None, kink, verdict,
                                   node.index, jump))  # fmt: skip
        if checked:
            found.append(max(checked, key=lambda x: (_WORST.index(x.verdict), x.error or 0.0)))
    note = f"slopes along each element, or along up to {DIRECTIONS} directions; the worst is shown, in float64"
    note += f"; {left_out} leaves were left out, which takes longer" * bool(left_out)
    return Check(walk.root.shown, tuple(found), note)


_WORST: tuple[Verdict, ...] = ("agrees", "kink", "jump", "unclear", "not finite", "differs")


def _settled(grad: float, difference: float | None, uncertainty: float) -> float | None:
    """None for a difference whose steps have not settled: it is no number to show beside a gradient."""
    size = abs(grad) if math.isfinite(grad) else 0.0
    if difference is not None and uncertainty > 1e-3 * max(size, abs(difference), 1e-3):
        return None
    return difference


def _between(grad: float, kink: tuple[float, float]) -> bool:
    slack = 1e-3 * max(map(abs, kink))  # a one-sided slope is a first-order estimate
    return min(kink) - slack <= grad <= max(kink) + slack


def _judge(
    grad: float, difference: float | None, uncertainty: float, exact: float | None, kink: tuple[float, float] | None
) -> Verdict:
    if not math.isfinite(grad):
        return "not finite" if difference is None or kink else "differs"
    if exact is not None and math.isclose(grad, exact, rel_tol=1e-9):
        return "agrees"
    if kink is not None:
        return "kink" if _between(grad, kink) else "differs"
    if difference is not None:
        slack = max(4 * uncertainty, SMALLEST)
        return "agrees" if math.isclose(grad, difference, rel_tol=1e-7, abs_tol=slack) else "differs"
    if exact is not None and math.isclose(grad, exact, rel_tol=1e-7):
        return "agrees"
    return "unclear" if exact is None or math.isclose(grad, exact, rel_tol=1e-6) else "differs"


# ---- finite differences ----------------------------------------------------------------------------------
SMALLEST = 1e-290  #: below that, rounding is as large as what is rounded
LEVELS, RATIO = 6, 8.0  #: how many steps a finite difference tries, and how they shrink
BATCH = 2_000_000  #: numbers that one run of the program may hold

#: Many runs of a program at once: a leaf is an array with one element for each run.
_batches = World("batches", {**arrays.primitives, "dot": lambda w, x: sum(a * b for a, b in zip(w, x, strict=True))})

Again = Callable[[Mapping[str, float]], float]
_Difference = tuple[float | None, float, tuple[float, float] | None, tuple[float, float, float] | None]


def _differences(
    program: Program, walk: Trace, leaves: Sequence[int], eps: float = 1e-3
) -> Iterator[tuple[int, _Difference]]:
    """For each of the leaves the finite difference, its uncertainty, the slopes of a kink, the values of a jump."""
    noise = _noise(walk)
    at_once = max(1, BATCH // (len(program) * (4 * LEVELS + 2)))
    for some in (leaves[start : start + at_once] for start in range(0, len(leaves), at_once)):
        roots = _moved(program, {leaf: _around(program[leaf].data, eps) for leaf in some})
        for leaf in some:
            yield leaf, _estimate(program[leaf].data, walk.root.data, roots[leaf], eps, noise)


def _around(x: float, eps: float) -> FloatArray:
    """Where to look at the root: x with each step added, x with each subtracted, the floats next to x."""
    h = _steps(x, eps).ravel()
    with np.errstate(over="ignore"):
        next_to = np.nextafter(x, [np.inf, -np.inf])
    return np.concatenate([x + h, x - h, np.where(np.isfinite(next_to), next_to, np.nan)])


def _least(h: FloatArray) -> int:
    return int(np.argmin(np.nan_to_num(h, nan=np.inf)))


def _estimate(x: float, root: float, roots: FloatArray, eps: float, noise: float) -> _Difference:
    """What a leaf's numbers _around tell, from the root's there."""
    h = _steps(x, eps)
    up, down = roots[:-2].reshape(2, *h.shape)
    return _with_jump(_difference(root, up, down, h, noise), root, up, down, h, roots[-2:], noise)


def _with_jump(
    found: _Difference, root: float, up: FloatArray, down: FloatArray, h: FloatArray, next_to: FloatArray, noise: float
) -> _Difference:
    """A jump instead of a kink, where the root differs as much between floats next to each other as over a step."""
    at = np.unravel_index(_least(h), h.shape)
    with np.errstate(all="ignore"):
        near, far = (max(abs(a - root), abs(b - root)) for a, b in (next_to, (up[at], down[at])))
    # what is steep is crossed in some floats, a jump from one to the next
    if 1e3 * noise < near < np.inf and near > far / 2:
        return *found[:2], None, (float(next_to[1]), root, float(next_to[0]))
    return found


def _switches(
    program: Program, walk: Trace, leaves: Sequence[int], eps: float, again: Again
) -> Iterator[tuple[int, _Difference]]:
    """The estimates for those of the leaves where the smallest step turns a condition round."""
    noise = _noise(walk)
    for leaf in leaves:
        x, name = program[leaf].data, program[leaf].label
        numbers, h = _around(x, eps), _steps(x, eps).ravel()
        smallest = _least(h)
        nearest = [numbers[smallest], numbers[smallest + h.size]]  # above x and below it
        frozen = _moved(program, {leaf: np.array(nearest)})[leaf]
        if not np.array_equal([again({name: number}) for number in nearest], frozen, equal_nan=True):
            roots = np.array([math.nan if math.isnan(number) else again({name: number}) for number in numbers])
            yield leaf, _estimate(x, walk.root.data, roots, eps, noise)


def _noise(walk: Trace) -> float:
    """How far rounding moves the root, whichever leaf is moved: rounding in node i by about dL/di · i · 2⁻⁵³."""
    with np.errstate(all="ignore"):
        each = [_size(node.grad * node.data) for node in walk.nodes if node.grad is not None]
    return 2.0**-53 * math.hypot(*filter(math.isfinite, each))


def _size(x: Any) -> float:
    return abs(x) if isinstance(x, float) else float(np.linalg.norm(x))


def _slopes(program: Program, walk: Trace, leaf: Node, eps: float = 1e-3) -> Iterator[tuple[float, _Difference]]:
    """The slope of the root along directions of a leaf of Tensors: by its gradient, and what differences tell."""
    if leaf.grad is None:
        return
    x, noise = leaf.data, INNER * _noise(walk)

    def moved(u: FloatArray, t: float) -> float:
        return float(np.sum(program.forward({leaf.index: x + t * u})[-1]))

    for u in _directions(x):
        with np.errstate(all="ignore"):
            h = _steps(size := float(np.abs(x * u).max()), eps)
            up, down = (np.array([[moved(u, sign * t) for t in row] for row in h]) for sign in (1, -1))
            next_to = np.array([moved(u, sign * np.spacing(size)) for sign in (1, -1)])
            root = float(np.sum(walk.root.data))
            found = _difference(root, up, down, h, noise, among_kinks=True)
            yield float(np.sum(leaf.grad * u)), _with_jump(found, root, up, down, h, next_to, noise)


ELEMENTS, DIRECTIONS = 8, 4  #: a leaf of so many elements is moved by each; others along so many directions …
LARGE = 10_000  #: … or, of so many elements, along one
INNER = 16  #: how much more than its result's last digit an operation that is not elementwise may lose, about


def _directions(x: FloatArray) -> Iterator[FloatArray]:
    if x.size <= ELEMENTS:
        yield from np.eye(x.size).reshape(x.size, *x.shape)
    else:
        yield from np.random.default_rng(0).uniform(-1, 1, (DIRECTIONS if x.size < LARGE else 1, *x.shape))


def _steps(x: float, eps: float) -> FloatArray:
    """The steps to try, from large to small: one row of them relative to x, one absolute."""
    h = eps * np.array([[abs(x) or 1.0], [1.0]]) * RATIO ** -np.arange(LEVELS)
    with np.errstate(all="ignore"):
        h = (x + h) - x  # what the sum really moves by
    return np.where(h > 0, h, np.nan)


def _moved(program: Program, numbers: Mapping[int, FloatArray]) -> dict[int, FloatArray]:
    """The root's data with one leaf set to each of its numbers and the others left alone, leaf by leaf."""
    data: dict[int, Any] = {leaf: np.float64(program[leaf].data) for leaf in program.leaves}
    size, start = sum(x.size for x in numbers.values()), 0
    for leaf, x in numbers.items():
        data[leaf] = np.full(size, program[leaf].data)
        data[leaf][start : start + x.size] = x.ravel()
        start += x.size
    try:
        with np.errstate(all="ignore"):
            roots = np.broadcast_to(np.asarray(program.forward(data, _batches)[-1], float), size)
    except Exception:  # a rule of the user's own that takes one number at a time
        roots = np.array([program.forward({leaf: float(data[leaf][k]) for leaf in numbers})[-1] for k in range(size)])
    parts = np.split(roots, np.cumsum([x.size for x in numbers.values()])[:-1])
    return {leaf: part.reshape(x.shape) for (leaf, x), part in zip(numbers.items(), parts, strict=True)}


def _difference(
    root: float, up: FloatArray, down: FloatArray, h: FloatArray, noise: float, among_kinks: bool = False
) -> _Difference:
    """among_kinks: other kinks may be near, which steps of several sizes step over alike."""
    with np.errstate(all="ignore"):
        right, left = (up - root) / h, (root - down) / h
        central = (up - down) / (2 * h)
        extrapolated = (RATIO**2 * central[:, 1:] - central[:, :-1]) / (RATIO**2 - 1)
        uncertainty = np.abs(extrapolated - central[:, 1:]) + noise / h[:, 1:]
        if among_kinks:  # where there is none the slopes of the two sides differ in proportion to h
            uncertainty += np.abs((right - left)[:, 1:] - (right - left)[:, :-1] / RATIO)

        # where f is smooth the two slopes approach each other with h; at the smallest steps that rounding allows
        jump, size = np.abs(right - left), np.maximum(np.abs(right), np.abs(left))
        allowed = 8e3 * noise / h <= size
        stays = (jump[:, 1:] > jump[:, :-1] / 2) & (jump[:, 1:] > 1e-3 * size[:, 1:])
        stays &= jump[:, 1:] < 4 * jump[:, :-1]  # a slope that grows as 1 / h is a jump's, and that may be beside x
    smallest = np.where(allowed[:, 1:] & allowed[:, :-1], h[:, 1:], np.inf)
    at = np.unravel_index(np.argmin(smallest), smallest.shape)
    kink = (float(left[:, 1:][at]), float(right[:, 1:][at])) if np.isfinite(smallest[at]) and stays[at] else None
    surest = np.unravel_index(np.argmin(np.where(np.isfinite(uncertainty), uncertainty, np.inf)), uncertainty.shape)
    if not (math.isfinite(root) and np.isfinite(uncertainty[surest])):
        return None, math.inf, kink, None
    # the next smaller step must say the same: beside a pole the largest steps, which reach across it, agree best
    near = tuple(slice(k, k + 2) if axis else k for axis, k in enumerate(surest))
    if np.ptp(extrapolated[near]) > 8 * uncertainty[near].sum():
        return None, math.inf, kink, None
    return float(extrapolated[surest]), float(uncertainty[surest]), kink, None


# ---- the complex step ------------------------------------------------------------------------------------
COMPLEX_RUNS = 200_000  #: operations on complex numbers, about ten seconds


def _complex_step(program: Program, leaf: int, step: float = 1e-20) -> float | None:
    """dL/dleaf as Im L(x + ih) / h, where nothing cancels (Squire & Trapp 1998).

    step: h beside x; where the result depends on it, as for log at 0, it is no derivative.
    """
    x = program[leaf].data
    h = step * (min(abs(x), 1.0) or 1.0)
    if h < 2.0**-1022 < 1e-7 * abs(x):
        h = 2.0**-1022  # a smaller one has few digits
    try:
        slope = complex(program.forward({leaf: Complex(x, h)}, complexes)[-1]).imag / h
    except Exception:  # outside of a function's domain, or a rule of the user's own that complex numbers do not fit
        return None
    return slope if math.isfinite(slope) else None


# ---- other orders ----------------------------------------------------------------------------------------
MOST_VISITS = 100_000
SHOWN_LEAVES = 4


@dataclass(frozen=True)
class Order:
    """What one schedule of the backward sweep gives."""

    name: str
    grads: tuple[Any, ...] | None  #: of each node; None where it would take too many visits
    remark: str  #: its first step that came too early, or why it is right


@dataclass(frozen=True, repr=False)
class WhyOrder(Printed):
    """The right order and the wrong ones on one graph; prints as a table of the leaves that differ most."""

    walk: Trace
    orders: tuple[Order, ...]  #: the right one first
    leaves: tuple[int, ...]  #: topological numbers, the one that the wrong orders miss most first
    differences: Mapping[int, Any]  #: finite differences of the leaves that are printed, None where there are none

    @classmethod
    def of(cls, program: Program) -> WhyOrder:
        walk = Trace.of(program)
        right = tuple(node.grad for node in walk.nodes)
        orders = [Order("reverse topological", right, "every node waits until all of its uses have reported")]
        orders += [_scheduled(program, walk, name, schedule) for name, schedule in _SCHEDULES.items()]

        def missed(leaf: int) -> tuple[int, float]:
            """How many of the orders are wrong there, but for the one that is wrong everywhere, and by how much."""
            got = [order.grads[leaf] for order in orders[1:-1] if order.grads]
            with np.errstate(all="ignore"):
                errors = [_size(g - right[leaf]) / (_size(right[leaf]) or 1.0) for g in got]
            errors = [error for error in errors if error > 1e-9]
            return len(errors), max(errors, default=0.0)

        leaves = sorted((leaf for leaf in walk.leaves if right[leaf] is not None), key=missed, reverse=True)
        some = leaves[:SHOWN_LEAVES]
        differences: dict[int, Any] = {}
        if program.arrays:
            fine = program.in_float64()
            differences = {leaf: _gradient(fine, Trace.of(fine), leaf) for leaf in some}
        else:
            differences = {leaf: found[0] for leaf, found in _differences(program, walk, some)}
        return cls(walk, tuple(orders), tuple(leaves), differences)

    def parts(self) -> list[Line | Table]:
        some = self.leaves[:SHOWN_LEAVES]
        total = f"d{self.walk.root.shown}/d"

        def row(name: str, kind: Kind, numbers: Iterable[Any]) -> tuple[Span, ...]:
            return (Span(name, "name"), *(Span(norm(x), kind) for x in numbers))

        rows = [
            row(order.name, "" if k else "result", [order.grads[i] if order.grads else None for i in some])
            for k, order in enumerate(self.orders)
        ]
        rows.append(row("finite difference", "", [self.differences[i] for i in some]))
        head = ("order", *(total + self.walk.nodes[i].shown for i in some))
        table = Table(head, tuple(rows), "l" + "r" * len(some), tuple(range(len(some), 1, -1)))
        more = len(self.leaves) - len(some)
        remarks = [line(Span(order.name, "name"), f": {order.remark}") for order in self.orders]
        return [table, *[line(f"… and {more} more leaves")] * bool(more), line(""), *remarks]


def _gradient(program: Program, walk: Trace, leaf: int) -> FloatArray | None:
    """Finite differences by each element, None where there are too many."""
    if program[leaf].data.size > ELEMENTS:
        return None
    found = [difference for _, (difference, *_) in _slopes(program, walk, walk.nodes[leaf])]
    return None if None in found else np.array(found, float).reshape(program[leaf].data.shape)


def why_order(root: Root, names: Mapping[str, Any] | None = None) -> WhyOrder:
    """What other schedules of the backward sweep would give on this very graph, beside the right one.

    Each is what one might write first: pass on to all inputs, then go into each of them (again for every use);
    the same but to every node once; level by level; inputs first. Only where every node waits for all of its uses
    is the sum that it passes on complete. names: more labels, by variable name, as from `locals()`. Raises
    TypeError when root is not a node of a graph.
    """
    return WhyOrder.of(Program.of(root, names))


def _inputs(walk: Trace, node: int) -> list[int]:
    step = walk.passing[node]
    return [c.parent for c in step.contributions] if step else []


def _recursive(walk: Trace) -> Iterator[int]:
    stack = [walk.root.index]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(_inputs(walk, node))


def _visit_once(walk: Trace) -> Iterator[int]:
    seen, stack = set(), [walk.root.index]
    while stack:
        if (node := stack.pop()) not in seen:
            seen.add(node)
            yield node
            stack += reversed(_inputs(walk, node))


def _breadth_first(walk: Trace) -> Iterator[int]:
    queue = deque([walk.root.index])
    seen = {*queue}
    while queue:
        yield (node := queue.popleft())
        for parent in _inputs(walk, node):
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)


_SCHEDULES: dict[str, Callable[[Trace], Iterable[int]]] = {
    "recurse into every input": _recursive,
    "visit-once depth-first": _visit_once,
    "breadth-first": _breadth_first,
    "post-order": lambda walk: range(len(walk.nodes)),  # inputs first: the order of the forward pass
}


def _scheduled(program: Program, walk: Trace, name: str, schedule: Callable[[Trace], Iterable[int]]) -> Order:
    """Run one schedule and note the first node that passed on too early, and the first that did so again."""
    most = MOST_VISITS // 50 if program.arrays else MOST_VISITS  # an operation on arrays takes longer
    data = [node.data for node in walk.nodes]
    grads: list[Any] = [np.zeros_like(x) if program.arrays else 0.0 for x in data]
    grads[-1] = program.seed
    reported, passed = [0] * len(walk.nodes), [0] * len(walk.nodes)
    early = ""
    for visits, index in enumerate(schedule(walk)):
        if visits == most:
            return Order(name, None, f"more than {most:,} visits: one for every way from the root to a node")
        step, node = walk.passing[index], walk.nodes[index]
        if step is None:
            continue
        if reported[index] < node.uses and not early:
            when = f"its {_ORDINALS.get(reported[index], ordinal(reported[index] + 1))} use reported"
            when = when if reported[index] else "anything arrived"
            early = f"{node.shown} passed on {number(grads[index])} before {when}"
        passed[index] += 1
        for c in step.contributions:
            use, g = Use(c.user, c.slot, c.element, c.parent), grads[index]
            amount = program.contribution(use, g, data) if program.arrays else g * c.local
            grads[c.parent] = program.added(grads[c.parent], amount)
            reported[c.parent] += 1
    again = next((walk.nodes[i] for i in reversed(range(len(passed))) if passed[i] > 1), None)
    twice = f"{again.shown} passed on {passed[again.index]} times, so parts count twice" if again else ""
    remark = "; ".join(filter(None, (early, twice)))
    return Order(name, tuple(grads), remark or "right on this graph: no node passed on too early")


_ORDINALS = {1: "second", 2: "third", 3: "fourth", 4: "fifth"}
