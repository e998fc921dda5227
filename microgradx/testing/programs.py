"""Random programs whose gradients are known: a genome, its total decoder, an oracle of its own, and printed code.

A genome is a list of small integers, and any such list is a valid program: offsets wrap around, shapes are mended by
reshapes and sums, domains by nodes of their own (x·x + 0.5 before a logarithm), and inputs are moved away from kinks.
The exact gradient comes from NumPy semantics that are written here once more, on purpose without a look at rules.py
or structural.py: every operation's Jacobian is a complex step of its value. What runs on an engine is the text that
`to_python` prints, so a counterexample is code that runs on its own.

>>> program = decode([((2,), [0, 4])], [(ARRAYS.index("maximum"), 0, 0, 0)])
>>> [g.tolist() for g in program.gradients]
[[0.625, -0.875]]
>>> print(program.to_python("microgradx"))
import numpy
import microgradx as torch
<BLANKLINE>
x0 = torch.tensor([1.0, 1.5], dtype=torch.float64, requires_grad=True)
v1 = torch.maximum(x0, x0)
v1.backward(torch.tensor([0.625, -0.875], dtype=torch.float64))
assert numpy.all(abs(x0.grad.numpy() - [0.625, -0.875]) <= [1.4e-13, 2e-13]), x0.grad

microgradx.Program is not this: it is read off a graph that an engine has made, and holds rules of that engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from .vocabulary import ARRAYS, LARGE, LIMIT, MARGIN, OPS, SCALARS, Op, fixed

__all__ = ["ARRAYS", "DIALECTS", "OPS", "SCALARS", "Builder", "Dag", "Dialect", "Op", "Step", "Unsupported", "decode",
           "fixed", "leaf"]  # fmt: skip

Array = np.ndarray[Any, Any]
H = 1e-30  # the complex step


# ---- programs --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """One operation on earlier results, by their numbers: the leaves come first."""

    op: str
    inputs: tuple[int, ...]
    options: Mapping[str, Any]
    repair: bool  #: whether the decoder has put it in, to keep what follows valid


@dataclass(frozen=True, eq=False)
class Dag:
    """A straight-line program: leaves, then steps; the last result is the root, and `cotangent` its gradient."""

    leaves: tuple[Array, ...]
    steps: tuple[Step, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        kind: np.dtype[Any] = self.leaves[0].dtype
        return kind

    @property
    def eps(self) -> float:
        """Of the coarsest dtype on the way."""
        return float(np.finfo(np.float32 if any(s.op == "cast" for s in self.steps) else self.dtype).eps)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return self.to_python("microgradx" if all(OPS[s.op].torch for s in self.steps) else "values")

    # -- the oracle --
    @cached_property
    def values(self) -> list[Array]:
        """Of every leaf and step, in float64."""
        found = [np.asarray(x, float) for x in self.leaves]
        for s in self.steps:
            found.append(_run(s, [found[i] for i in s.inputs]))
        return found

    @property
    def cotangent(self) -> Array:
        return fixed(self.values[-1].shape)

    @cached_property
    def jacobians(self) -> list[list[Array | None]]:
        """Of each step by each of its operands, as a matrix (output elements, input elements)."""
        return [_jacobians(s, [self.values[i] for i in s.inputs]) for s in self.steps]

    @cached_property
    def _sizes(self) -> tuple[list[list[Array | None]], Array]:
        """What rounding errors are relative to, of each Jacobian and of the root.

        The error of a result is those of its inputs, handed on, and one of its own. A Jacobian's is its size and its
        change over the errors of the inputs that it is taken at, these taken in alternating directions.
        """
        found = []
        errors = [abs(x.ravel()) for x in self.values]
        for at, (s, js) in enumerate(zip(self.steps, self.jacobians, strict=True), len(self.leaves)):
            xs, slack = [self.values[i] for i in s.inputs], OPS[s.op].slack
            slack += OPS[s.op].single * (self.eps > 1e-10)
            largest = max([1.0, *(float(errors[i].max(initial=0.0)) for i in s.inputs)])
            share = min(1024 * self.eps, MARGIN / 4 / largest)
            nth = {i: n for n, i in enumerate(dict.fromkeys(s.inputs))}  # a repeated operand moves as one
            moved = [x + share * (errors[i] * (-1.0) ** (nth[i] + _range(x.size))).reshape(x.shape)
                     for i, x in zip(s.inputs, xs, strict=True)]  # fmt: skip
            found.append([None if a is None or b is None else abs(a) + abs(a - b) / share + slack
                          for a, b in zip(js, _jacobians(s, moved), strict=True)])  # fmt: skip
            errors[at] += slack * (1 + max(float(abs(x).max(initial=0.0)) for x in xs))
            errors[at] += abs(_run(s, moved) - self.values[at]).ravel() / share
            errors[at] += sum(abs(j) @ errors[i] for i, j in zip(s.inputs, js, strict=True) if j is not None)
        return found, errors[-1].reshape(self.values[-1].shape)

    @cached_property
    def _backward(self) -> tuple[list[Any], list[Any]]:
        """Gradients, and the same with every term as large as what it is rounded relative to."""
        cotangent = self.cotangent.ravel()
        return self._adjoints(cotangent, self.jacobians), self._adjoints(abs(cotangent), self._sizes[0])

    def _adjoints(self, cotangent: Array, jacobians: list[list[Array | None]]) -> list[Any]:
        found: list[Any] = [None] * len(self.values)
        found[-1] = cotangent
        n = len(self.leaves)
        for at in reversed(range(len(self.steps))):
            for i, j in zip(self.steps[at].inputs, jacobians[at], strict=True):
                if j is not None and found[n + at] is not None:
                    g = found[n + at] @ j
                    found[i] = g if found[i] is None else found[i] + g
        return found

    @cached_property
    def reached(self) -> list[bool]:
        """For each leaf whether a gradient arrives at it."""
        return [g is not None for g in self._backward[0][: len(self.leaves)]]

    def _shaped(self, flat: Sequence[Any]) -> list[Array]:
        return [np.zeros(x.shape) if g is None else g.reshape(x.shape) for x, g in zip(self.leaves, flat, strict=False)]

    @cached_property
    def gradients(self) -> list[Array]:
        """Of Σ root · cotangent, by each leaf."""
        return self._shaped(self._backward[0])

    @cached_property
    def gross(self) -> list[Array]:
        """The same with every term taken as positive, and rounding of the forward pass: what errors are relative to."""
        return self._shaped(self._backward[1])

    @property
    def _floor(self) -> float:
        """What is exactly 0 may be a product of roundings: two in the variance of equals, one more in its slope."""
        return float(max(1e-30, self.eps**3))

    @cached_property
    def tolerances(self) -> list[Array]:
        return [1024 * self.eps * g + self._floor for g in self.gross]

    @property
    def value_tolerance(self) -> Array:
        """How far an engine's root may be from `values[-1]`."""
        return 1024 * self.eps * self._sizes[1] + self._floor

    # -- second order --
    @property
    def directions(self) -> list[Array]:
        return [fixed(x.shape, 3 + i) for i, x in enumerate(self.leaves)]

    @cached_property
    def curvatures(self) -> tuple[list[Array], list[Array]]:
        """The derivative of Σ gradients · directions by each leaf, and its tolerance.

        The gradients move along the directions: each Jacobian's change is a difference of sixth order, on one
        operation at a time, where there is no pole within a quarter.
        """
        return _curvatures(self)

    # -- on engines --
    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"\n{self!r}\n")  # what Hypothesis shows

    def to_python(self, engine: str = "microgradx", order: int = 1, check: bool = True) -> str:
        """The program as code that runs on its own and, with `check`, ends in assertions.

        Raises Unsupported when the engine has no such operation.
        """
        return DIALECTS[engine].program(self, order, check)

    def run(self, engine: str = "microgradx", order: int = 1) -> tuple[Any, list[Array]]:
        """The root's value, and the gradients that the engine finds (for order 2 their derivative along `directions`).

        What runs is what `to_python` prints. Raises Unsupported, and whatever the engine raises.
        """
        return DIALECTS[engine].read(self, self.execute(engine, order), order)

    def execute(self, engine: str = "microgradx", order: int = 0) -> dict[str, Any]:
        """Run the printed program; its variables. For order 0 the forward pass alone."""
        names: dict[str, Any] = {}
        exec(DIALECTS[engine].program(self, order, False), names)
        return names

    def build(self, engine: str = "microgradx") -> Any:
        """The root as the engine's own node: a Value or Tensor, for example, that Program.of reads."""
        return self.execute(engine)[self.root]

    @property
    def root(self) -> str:
        """The last variable of the printed program."""
        return _name(self, len(self.values) - 1)


def _run(step: Step, xs: Sequence[Any]) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(OPS[step.op].value(*xs, **step.options))


@cache
def _range(n: int) -> Array:
    return np.arange(n)


def _jacobians(step: Step, xs: Sequence[Array]) -> list[Array | None]:
    op = OPS[step.op]
    jacobian = _diagonal if op.elementwise else _columns
    return [None if slot in op.flat else jacobian(step, xs, slot) for slot in range(len(xs))]


def _diagonal(step: Step, xs: Sequence[Array], slot: int) -> Array:
    """All elements of an operand take their step at once: no other output than its own notices."""
    moved = [x + H * 1j if i == slot else x for i, x in enumerate(xs)]
    d = _run(step, moved).imag / H
    found = np.zeros((d.size, xs[slot].size))
    from_ = np.broadcast_to(_range(xs[slot].size).reshape(xs[slot].shape), d.shape)
    found[_range(d.size), from_.ravel()] = d.ravel()
    return found


def _columns(step: Step, xs: Sequence[Array], slot: int) -> Array:
    """One element after the other."""
    found = []
    moved = [np.array(x, complex, order="C") if i == slot else x for i, x in enumerate(xs)]
    flat = moved[slot].reshape(-1)
    for e in range(flat.size):
        flat[e] += H * 1j
        found.append(np.imag(_run(step, moved)).flatten())
        flat[e] -= H * 1j
    return np.array(found).T / H if found else np.zeros((_run(step, xs).size, 0))


#: f'(x) ≈ Σ c f(x + kh) / h
_SIXTH = {sign * k: sign * c for k, c in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60)) for sign in (1, -1)}


def _curvatures(dag: Dag) -> tuple[list[Array], list[Array]]:
    n, values = len(dag.leaves), dag.values
    tangents: list[Any] = [u.ravel() for u in dag.directions]
    for s, js in zip(dag.steps, dag.jacobians, strict=True):
        parts = [j @ tangents[i] for i, j in zip(s.inputs, js, strict=True) if j is not None]
        tangents.append(sum(parts[1:], parts[0]))
    (grads, grosses), sizes = dag._backward, dag._sizes[0]
    second: list[Any] = [np.zeros(v.size) for v in values]
    gross = [np.zeros(v.size) for v in values]
    for at in reversed(range(len(dag.steps))):
        s, g = dag.steps[at], grads[n + at]
        if g is None:
            continue
        moves = [tangents[i].reshape(values[i].shape) for i in s.inputs]
        h = 2.5e-4 / max([1.0, *(float(abs(m).max()) for m in moves if m.size)])
        ends = [_jacobians(s, [values[i] + k * h * m for i, m in zip(s.inputs, moves, strict=True)]) for k in _SIXTH]
        top = max(float(size.max(initial=0.0)) for size in sizes[at] if size is not None)
        for slot, i in enumerate(s.inputs):
            j, size = dag.jacobians[at][slot], sizes[at][slot]
            if j is None or size is None:
                continue
            change: Any = np.zeros(j.shape)
            for c, js in zip(_SIXTH.values(), ends, strict=True):
                change += c / h * js[slot]  # type: ignore[operator]
            second[i] += second[n + at] @ j + g @ change
            rounding = np.where(change == 0, 0, 1e-2 / h * top)  # of the differences
            gross[i] += gross[n + at] @ size + grosses[n + at] @ (abs(change) + size + rounding)
    tolerances = [1024 * (dag.eps + 2**-50) * x + dag._floor for x in dag._shaped(gross)]
    return dag._shaped(second), tolerances


# ---- the decoder -----------------------------------------------------------------------------------------
_OFFSETS = np.array([0.0, *(s * k / 8 for k in range(1, 64) for s in (1, -1))])


class Builder:
    """A program in the making, with its values, which decide what must be mended."""

    def __init__(self, leaves: Sequence[Array]) -> None:
        self.values = [np.asarray(x, float) for x in leaves]
        self.steps: list[Step] = []
        self._n = len(leaves)
        self._mended: dict[str, int] = {}

    def do(self, op: str, *inputs: int, **options: Any) -> int:
        step = Step(op, inputs, options, True)
        self.steps.append(step)
        self.values.append(_run(step, [self.values[i] for i in inputs]))
        return len(self.values) - 1

    def mend(self, op: str, *inputs: int, **options: Any) -> int:
        """Like `do`, but once for the same inputs: that a repair is needed twice is no reason for two of it."""
        key = f"{op} {inputs} {options}"
        if key not in self._mended:
            self._mended[key] = self.do(op, *inputs, **options)
        return self._mended[key]

    def gene(self, op: str, operands: tuple[int, int, int], k: int) -> int:
        """Do the operation on the operands, mended; the number of the result, scaled where it has grown."""
        made = OPS[op].plan(self, operands, k)
        s = self.steps[made - self._n]
        self.steps[made - self._n] = Step(s.op, s.inputs, s.options, False)
        return self.bounded(made, LARGE)

    # -- what is --
    def shape(self, x: int) -> tuple[int, ...]:
        return self.values[x].shape

    def least(self, x: int, of: Callable[[Any], Any] = np.real) -> float:
        return float(np.min(of(self.values[x]), initial=np.inf))

    def most(self, x: int, of: Callable[[Any], Any] = np.real) -> float:
        return float(np.max(np.abs(of(self.values[x])), initial=0.0))

    # -- what is made so --
    def bounded(self, x: int, limit: float) -> int:
        """At most so large, by a power of two."""
        most = self.most(x)
        return x if most <= limit else self.mend("scale", x, c=2.0 ** -math.ceil(math.log2(most / limit)))

    def offset(self, *distances: Array) -> float:
        """The smallest eighth that, added to all of them, leaves none within a sixteenth of 0.

        An element is that near to at most one eighth, so that as many candidates as elements and one are enough.
        """
        d = np.concatenate([np.ravel(x) for x in distances])
        return float(_OFFSETS[np.argmax((np.abs(d[:, None] + _OFFSETS) >= MARGIN).all(0))])

    def clear(self, x: int, *distances: Array) -> int:
        """x, moved so that none of its distances to a kink is near 0."""
        c = self.offset(*distances)
        return self.mend("shift", x, c=c) if c else x

    def fit(self, x: int, shape: tuple[int, ...]) -> int:
        """x as it is when it broadcasts with the shape; else in that shape, or summed."""
        try:
            if math.prod(np.broadcast_shapes(self.shape(x), shape)) <= LIMIT:
                return x
        except ValueError:
            pass
        if self.values[x].size == math.prod(shape):
            return self.mend("reshape", x, shape=shape)
        return self.total(x)

    def together(self, xs: Sequence[int]) -> list[int]:
        """Operands that broadcast with one another."""
        found, shape = [xs[0]], self.shape(xs[0])
        for x in xs[1:]:
            found.append(self.fit(x, shape))
            shape = np.broadcast_shapes(shape, self.shape(found[-1]))
        return found

    def same(self, x: int, shape: tuple[int, ...]) -> int:
        """x in the very shape."""
        if self.shape(x) == shape:
            return x
        if self.values[x].size == math.prod(shape):
            return self.mend("reshape", x, shape=shape)
        return self.mend("expand", self.total(x), shape=shape)

    def total(self, x: int) -> int:
        return self.mend("sum", x, dim=tuple(range(self.values[x].ndim)), keepdim=False)

    def small(self, x: int, limit: int) -> int:
        """Of at most so many elements, by a sum."""
        if self.values[x].size <= limit:
            return x
        rows = self.mend("sum", x, dim=(0,), keepdim=False)
        return rows if self.values[rows].size <= limit else self.total(x)

    def lined(self, x: int) -> int:
        """With an axis at least."""
        return x if self.values[x].ndim else self.mend("reshape", x, shape=(1,))

    def matrix(self, x: int) -> int:
        """With two axes."""
        shape = self.shape(x)
        if len(shape) == 2:
            return x
        return self.mend("reshape", x, shape=(math.prod(shape[:-1]), *shape[-1:]) if shape else (1, 1))

    def stretched(self, x: int, n: int, factor: int) -> tuple[int, ...]:
        """x's shape, the first axis of size 1 now n where there is room."""
        shape = list(self.shape(x))
        if 1 in shape and self.values[x].size * n * factor <= LIMIT:
            shape[shape.index(1)] = n
        return tuple(shape)


Gene = tuple[int, int, int, int]


def decode(
    leaves: Sequence[tuple[tuple[int, ...], Sequence[int]]], genes: Sequence[Gene], ops: Sequence[str] = ARRAYS,
    dtype: Any = np.float64, keep: int | None = None, last: int | None = None,
) -> Dag:  # fmt: skip
    """The program of a genome; there is one for every genome.

    leaves: shapes of at most 32 elements, each with numbers k, which stand for 1 + k/8 between −3 and 3 and are
    repeated as often as needed. genes: (operation, back to the first operand, back to the second, the rest), where
    0 is the newest result. ops: what the first number chooses from. keep: so many of the first steps at most, repairs
    among them, so that a repair may be the root. last: of those so many at most, on leaves with the numbers that the
    dropped ones gave.
    """
    arrays = [leaf(shape, eighths, dtype) for shape, eighths in leaves or [((), ())]]
    b = Builder(arrays)
    made = list(range(len(arrays)))
    for op, back_a, back_b, k in genes or [(0, 0, 0, 0)]:
        operands = [made[-1 - back % len(made)] for back in (back_a, back_b, back_a + back_b + k)]
        made.append(b.gene(ops[op % len(ops)], (operands[0], operands[1], operands[2]), k))
    end = len(b.steps) if keep is None else min(len(b.steps), max(1, keep))
    start = 0 if last is None else max(0, end - max(1, last))
    dropped = [np.asarray(v, dtype) for v in b.values[len(arrays) : len(arrays) + start]]
    return _needed([*arrays, *dropped], b.steps[start:end])


def leaf(shape: tuple[int, ...], eighths: Sequence[int], dtype: Any = np.float64) -> Array:
    """An array of the numbers 1 + k/8 between −3 and 3, repeated as often as needed; of ones where there is no k."""
    numbers = [(8 + (k + 32) % 49 - 32) / 8 for k in eighths] or [1.0]
    return np.resize(np.array(numbers, dtype), shape)


def _needed(leaves: Sequence[Array], steps: Sequence[Step]) -> Dag:
    """Without the leaves and steps that the root does not depend on."""
    n = len(leaves)
    used = {n + len(steps) - 1}
    for at in reversed(range(len(steps))):
        if n + at in used:
            used.update(steps[at].inputs)
    new = {old: i for i, old in enumerate(sorted(used))}
    kept = [Step(s.op, tuple(new[i] for i in s.inputs), s.options, s.repair)
            for at, s in enumerate(steps) if n + at in used]  # fmt: skip
    return Dag(tuple(x for i, x in enumerate(leaves) if i in used), tuple(kept))


# ---- printed programs, which are also those that run -----------------------------------------------------------
class Unsupported(Exception):
    """The engine has no such operation."""


@dataclass(frozen=True)
class Dialect:
    """How programs are written for one engine."""

    name: str
    imports: tuple[tuple[str, str], ...]  #: (module's name in the text, the line that imports it)
    kind: str  #: which text of an Op it reads: "torch", "values" or "numpy"
    leaf: str
    backward: Mapping[int, str]  #: by order: from the root to the gradients
    value: str  #: the root as an array
    grad: Mapping[int, str]  #: the gradient of a leaf as an array
    rewritten: Mapping[str, str]  #: operations that it writes in another way

    def program(self, dag: Dag, order: int, check: bool) -> str:
        if order not in self.backward:
            raise Unsupported(f"{self.name} has no derivative of order {order}")
        if self.kind == "values" and any(x.ndim for x in dag.leaves):
            raise Unsupported(f"{self.name} has no arrays")
        n = len(dag.leaves)
        names = [f"x{i}" for i in range(n)]
        given = {
            "root": dag.root, "leaves": ", ".join(names), "dtype": dag.dtype.name,
            "numbers": ", ".join(map(str, range(n))), "cotangent": _literal(dag.cotangent),
            "directions": ", ".join(_literal(u) for u in dag.directions),
        }  # fmt: skip
        leaves = [f"{x} = {self.leaf.format(data=_literal(data), **given)}"
                  for x, data in zip(names, dag.leaves, strict=True)]  # fmt: skip
        text = self.backward[order]
        lines = _lines(dag, self)
        steps = lines if "{steps}" not in text else []
        body = [*leaves, *steps, text.format(steps="\n".join(f"    {line}" for line in lines), **given)]
        if check:
            exact, tolerance = (dag.gradients, dag.tolerances) if order == 1 else dag.curvatures
            for i in np.flatnonzero(dag.reached).tolist():
                g = self._grad(order, i)
                if self.kind == "numpy":  # whose gradients may have another shape, which NumPy would broadcast
                    body.append(f"assert {g}.shape == {exact[i].shape}, {g}")
                body.append(f"assert numpy.all(abs({g} - {_literal(exact[i])}) <= {_bounds(tolerance[i])}), "
                            + g.removesuffix(".numpy()"))  # fmt: skip
        code = "\n".join(body)
        return "\n".join([*(line for name, line in self.imports if name in code or name == "numpy"), "", code])

    def read(self, dag: Dag, names: dict[str, Any], order: int) -> tuple[Any, list[Array]]:
        """The root and the gradients among the variables of a program that has run."""
        found = [np.asarray(eval(self._grad(order, i), names)) if arrives else np.zeros(x.shape)
                 for i, (x, arrives) in enumerate(zip(dag.leaves, dag.reached, strict=True))]  # fmt: skip
        return np.asarray(eval(self.value.format(root=dag.root), names)), found

    def _grad(self, order: int, i: int) -> str:
        return self.grad[order].format(x=f"x{i}", i=i)


def _name(dag: Dag, i: int) -> str:
    return f"{'xv'[i >= len(dag.leaves)]}{i}"


def _lines(dag: Dag, dialect: Dialect) -> list[str]:
    lines = []
    for i, s in enumerate(dag.steps, len(dag.leaves)):
        text = dialect.rewritten.get(s.op, getattr(OPS[s.op], dialect.kind))
        if not text:
            raise Unsupported(f"{dialect.name} has no {s.op}")
        own = dag.dtype.name
        other = "float32" if own == "float64" else "float64"
        options = {k: _key(v) if k == "key" else _literal(v) for k, v in s.options.items()}
        right = text.format(*(_name(dag, j) for j in s.inputs), own=own, other=other, **options)
        lines.append(f"{_name(dag, i)} = {right}")
    return lines


def _literal(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return repr(x.tolist()) if x.size else f"numpy.zeros({x.shape})"
    return 'float("inf")' if x == math.inf else repr(x)


def _bounds(x: Array) -> str:
    """To two digits, which is enough to read."""
    return _literal(np.array([float(f"{e:.1e}") for e in x.ravel()]).reshape(x.shape))


def _key(key: tuple[Any, ...]) -> str:
    def part(k: Any) -> str:
        if isinstance(k, slice):
            return f"{'' if k.start is None else k.start}:{'' if k.step is None else f':{k.step}'}"
        return "..." if k is ... else repr(k)

    return ", ".join(map(part, key))


_TORCH_BACKWARD = {
    0: "",
    1: "{root}.backward(torch.tensor({cotangent}, dtype=torch.{dtype}))",
    2: "cotangent = torch.tensor({cotangent}, dtype=torch.{dtype})\n"
       "directions = [torch.tensor(u, dtype=torch.{dtype}) for u in ({directions},)]\n"
       "first = torch.autograd.grad({root}, [{leaves}], cotangent, create_graph=True, materialize_grads=True)\n"
       "along = sum(((g * u).sum() for g, u in zip(first, directions)), 0.0 * {root}.sum())\n"
       "second = torch.autograd.grad(along, [{leaves}], materialize_grads=True)",
}  # fmt: skip


def _torch(name: str, package: str, **rewritten: str) -> Dialect:
    module = "import torch" if package == "torch" else f"import {package} as torch"
    imports = (("numpy", "import numpy"), ("torch.", module), ("F.", f"import {package}.nn.functional as F"))
    leaf = "torch.tensor({data}, dtype=torch.{dtype}, requires_grad=True)"
    return Dialect(name, imports, "torch", leaf, _TORCH_BACKWARD,
                   "{root}.detach().numpy()", {1: "{x}.grad.numpy()", 2: "second[{i}].numpy()"}, rewritten)  # fmt: skip


#: Engines by name; a text is written for each, and that text is run.
DIALECTS: dict[str, Dialect] = {d.name: d for d in (
    _torch("microgradx", "microgradx"),
    _torch("torch", "torch", leaky_relu="torch.where({0} > 0, {0}, {1} * {0})",
           elu="torch.where({0} > 0, {0}, {1} * torch.expm1({0}))"),
    Dialect("values", (("numpy", "import numpy"), ("mg.", "import microgradx as mg")), "values", "mg.Value({data})", {
        0: "",
        1: "{root}.backward({cotangent})",
        2: "first = mg.grad({root}, [{leaves}], create_graph=True)\n"
           "along = sum((g * ({cotangent} * u) for g, u in zip(first, [{directions}])), 0.0 * {root})\n"
           "second = mg.grad(along, [{leaves}])",
    }, "{root}.data", {1: "{x}.grad", 2: "second[{i}].data"}, {}),
    Dialect("autograd", (("numpy", "import numpy"), ("np.", "import autograd.numpy as np"),
                         ("make_vjp", "from autograd import make_vjp")),
            "numpy", "numpy.array({data}, numpy.{dtype})", {
        1: "\ndef f({leaves}):\n{steps}\n    return {root}\n\n"
           "vjps = [make_vjp(f, i)({leaves}) for i in ({numbers},)]  # by one input at a time, as users do\n"
           "{root} = vjps[0][1]\ngrads = [vjp(numpy.array({cotangent}, numpy.{dtype})) for vjp, _ in vjps]",
    }, "{root}", {1: "grads[{i}]"}, {}),
    Dialect("mygrad", (("numpy", "import numpy"), ("np.", "import mygrad as np")), "numpy",
            "np.tensor({data}, dtype=numpy.{dtype})", {1: "{root}.backward(numpy.array({cotangent}, numpy.{dtype}))"},
            "{root}.data", {1: "{x}.grad"}, {}),
)}  # fmt: skip
