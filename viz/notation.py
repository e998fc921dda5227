"""How the walk and the pictures write things: numbers, arrays, operations, derivatives.

>>> [number(x) for x in (39.0, 0.70639, -1.5029, 12345.678, 3.2e-8, -0.0, float("-inf"), None)]
['39', '0.7064', '−1.503', '12346', '3.2e-08', '0', '−inf', '—']
>>> number(np.array([[1.0, 2.0], [3.0, -4.0]])), number(np.arange(3200.0).reshape(32, 100))
('[[1, 2], [3, −4]]', '(32, 100) from 0 to 3199, mean 1600')
>>> shape(np.zeros((32, 100))), norm(np.ones(16)), kind(np.float32)
('(32, 100)', '‖·‖ 4', 'f32')
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from microgradx import symbols
from microgradx.program import Instruction, Program, Ref, Use
from microgradx.rules import Rule
from microgradx.structural import Structural
from microgradx.symbols import POW

__all__ = [
    "LONGEST", "Summary", "bracketed", "bundle", "kind", "local_texts", "norm", "number", "product_text", "shape",
    "shapes_text", "sign", "written",
]  # fmt: skip

LONGEST = 4  #: elements of a vector that are written out


def bundle(
    texts: Mapping[str, Callable[[], str]], include: Container[str] | None, exclude: Container[str] | None
) -> dict[str, str]:
    """What `_repr_mimebundle_` returns: of the texts by MIME type those that are asked for, made only then."""
    return {kind: text() for kind, text in texts.items()
            if (not include or kind in include) and not (exclude and kind in exclude)}  # fmt: skip


# ---- numbers ---------------------------------------------------------------------------------------------
def number(x: Any, digits: int = 4) -> str:
    """A number as every figure and table writes it: short, with a true minus sign, "—" for what is not there.

    An array of up to four elements is written out, of a larger one its shape, limits and mean.
    """
    if x is None:
        return "—"
    if isinstance(x, np.ndarray) and x.size > LONGEST:
        x = Summary.of(x)
    if isinstance(x, Summary):
        low, high, mean = (number(each, digits) for each in (x.low, x.high, x.mean))
        return f"{x.shape} of {low} each" if low == high else f"{x.shape} from {low} to {high}, mean {mean}"
    if isinstance(x, np.ndarray):
        return f"{x.shape} empty" if not x.size else _nested(x.tolist(), digits)
    short = f"{x:.{digits}g}"
    if "e+" in short and abs(x) < 1e6:
        short = f"{x:.0f}"
    if x == 0:
        short = "0"
    return "−" + short[1:] if short[0] == "-" else short


def _nested(x: Any, digits: int) -> str:
    return f"[{', '.join(_nested(e, digits) for e in x)}]" if isinstance(x, list) else number(x, digits)


@dataclass(frozen=True, slots=True)
class Summary:
    """What is kept of an array that is too large to write out."""

    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    mean: float
    heat: tuple[tuple[float, ...], ...]  #: means of blocks, at most 8 rows of at most 32; the last axis across
    norm: float = math.nan

    @classmethod
    def of(cls, x: np.ndarray[Any, Any]) -> Summary:
        with np.errstate(all="ignore"):
            fine = x.astype(np.float64)
            rows = fine.reshape(-1, x.shape[-1])
            for axis, most in enumerate((8, 32)):
                n = rows.shape[axis]
                starts = np.arange(min(n, most)) * n // min(n, most)
                sizes = np.diff([*starts, n])
                rows = np.add.reduceat(rows, starts, axis) / (sizes if axis else sizes[:, None])
            heat = tuple(map(tuple, rows.tolist()))
            return cls(x.shape, str(x.dtype), float(fine.min()), float(fine.max()), float(fine.mean()), heat,
                       float(np.linalg.norm(fine)))  # fmt: skip


def shape(x: Any) -> str:
    """The shape of an array; the number itself where there is one only."""
    return str(x.shape) if np.ndim(x) or isinstance(x, Summary) else number(x)


def norm(x: Any) -> str:
    """How large an array is, in little space; the number itself where there is one only."""
    if isinstance(x, Summary):
        return f"‖·‖ {number(x.norm)}"
    if not np.ndim(x):
        return number(x)
    with np.errstate(all="ignore"):
        return f"‖·‖ {number(float(np.linalg.norm(x)))}"


def kind(dtype: Any) -> str:
    """A dtype as "f32", "i64", "bool"."""
    dtype = np.dtype(dtype)
    return dtype.name if dtype.kind == "b" else f"{dtype.kind}{8 * dtype.itemsize}"


# ---- elementwise operations ------------------------------------------------------------------------------
#: As one writes on a board: "a·b+1", brackets around the sign in "a·(−b)", numbers as everywhere in the walk.
BOARD = replace(
    symbols.TEXT,
    templates={
        op: (template.replace(" + ", "+").replace(" − ", "−"), precedence, (least[0], POW) if op in "*/" else least)
        for op, (template, precedence, least) in symbols.TEXT.templates.items()
    },
    number=number,
)


@dataclass(frozen=True)
class _Template:
    """A formula with holes: (text before, number of what goes in, whether a sign there needs brackets)."""

    parts: tuple[tuple[str, int, bool], ...]
    end: str

    @classmethod
    def of(cls, formula: str) -> _Template:
        parts = re.split(r"\{(\d+)\}", formula.replace("…·…", "…"))
        texts, holes = parts[::2], parts[1::2]
        return cls(tuple(
            (before, int(hole), before[-1:] in tuple("·+−/^") or after[:1] == "^")
            for before, hole, after in zip(texts[:-1], holes, texts[1:], strict=True)
        ), texts[-1])  # fmt: skip

    def fill(self, texts: Sequence[str]) -> str:
        written = [
            f"{before}({texts[hole]})" if bracketed and texts[hole][0] == "−" else before + texts[hole]
            for before, hole, bracketed in self.parts
        ]
        return "".join(written) + self.end


def written(i: Instruction, texts: Sequence[str]) -> str:
    """The operation with a text for each node, by index: "a·b+1", "x @ w", "sum(x, dim=1)"; "" for a leaf."""
    if i.rule is None:
        return ""
    if isinstance(i.rule, Structural):
        return _call(i, lambda ref: texts[ref.index])
    lengths = tuple(len(x) if isinstance(x, tuple) else None for x in i.inputs)
    return _value_template(i.rule, lengths).fill(_flat(i.inputs, texts))


def local_texts(i: Instruction, slot: int, names: Sequence[str]) -> list[str]:
    """∂i/∂(input `slot`), for each element of a vector; empty where the rule cannot be read as text."""
    assert isinstance(i.rule, Rule)
    templates = _partial_template(i.rule, slot, _constants(i.inputs))
    texts = [*_flat(i.inputs, names), names[i.index]]
    return [template.fill(texts) for template in templates]


def _flat(inputs: Sequence[Any], texts: Sequence[str]) -> list[str]:
    """The text of every input, the elements of vectors one by one."""
    elements = [e for x in inputs for e in (x if isinstance(x, tuple) else (x,))]
    return [texts[e.index] if isinstance(e, Ref) else number(e) for e in elements]


def _constants(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The inputs with None in place of every node: what a formula's text depends on, apart from names."""
    return tuple(_constants(x) if isinstance(x, tuple) else None if isinstance(x, Ref) else x for x in inputs)


@lru_cache(maxsize=1024)
def _value_template(rule: Rule, lengths: tuple[int | None, ...]) -> _Template:
    """The rule as an expression: "a·b+c" for one that is written with operators, else a call by name."""
    holes: list[Any] = []
    n = 0
    for length in lengths:
        if length is None:
            holes.append(symbols.symbol(f"{{{n}}}"))
        else:
            each = [symbols.symbol(f"{{{k}}}") for k in range(n, n + length)]
            holes.append((*each[:2], symbols.symbol("…"), each[-1]) if length > LONGEST else tuple(each))
        n += 1 if length is None else length
    if rule.symbol or rule.vectors:
        try:
            return _Template.of(symbols.text(symbols.value(rule, *holes), BOARD))
        except Exception:  # a rule of the user's own, written with more than symbols can read
            pass
    texts = [f"[{', '.join(map(str, x))}]" if isinstance(x, tuple) else str(x) for x in holes]
    return _Template.of(BOARD.call(rule.name, texts))


@lru_cache(maxsize=1024)
def _partial_template(rule: Rule, slot: int, constants: tuple[Any, ...]) -> list[_Template]:
    """∂rule/∂input `slot` (by each element of a vector) with a hole for each input and one for the output.

    Empty where a rule of the user's own is written with more than symbols can read.
    """
    n = 0

    def hole(x: Any) -> Any:
        nonlocal n
        if isinstance(x, tuple):
            return tuple(map(hole, x))
        n += 1
        return symbols.symbol(f"{{{n - 1}}}" if x is None else x)

    inputs = [hole(x) for x in constants]
    formula = rule.partials[slot]
    assert formula is not None
    try:
        found = formula(symbols.symbols, symbols.symbol(f"{{{n}}}"), *inputs)
        each = found if isinstance(inputs[slot], tuple) else [found]
        return [_Template.of(symbols.text(symbols.symbol(e), BOARD)) for e in each]
    except Exception:
        return []


# ---- operations that are not elementwise -----------------------------------------------------------------
def sign(i: Instruction) -> str:
    """What stands for such an operation in its box: "@", "sum(dim=1)", "reshape(4, 3)", "x[idx, :]"."""
    assert isinstance(i.rule, Structural)
    if i.op == "matmul":
        return "@"
    own = {x.index: name for name, x in zip(i.rule.inputs, i.inputs, strict=False) if isinstance(x, Ref)}
    return _call(i, (lambda ref: own.get(ref.index, "idx")) if i.op in _OPERATORS else (lambda ref: ""))


def _call(i: Instruction, name: _Name) -> str:
    """As _OPERATORS has it, else a call by name: the nodes, and then the constants that are not the usual ones."""
    assert i.rule is not None
    if i.op in _OPERATORS:
        return _OPERATORS[i.op](name, *i.inputs)
    last = len(i.rule.inputs) - 1
    given = [name(x) for x in i.inputs if isinstance(x, Ref)]
    given += [_setting(i.rule.inputs[min(slot, last)], x) for slot, x in enumerate(i.inputs) if not isinstance(x, Ref)]
    inside = ", ".join(filter(None, given))
    return f"{i.op}({inside})" if inside else i.op


def _setting(name: str, x: Any) -> str:
    if x is None or isinstance(x, bool):
        return name if x else ""
    if name in ("scale", "weight"):  # what a loss is divided by, which its derivative tells
        return ""
    if isinstance(x, int | float | np.generic):
        return f"{name}={number(x)}"
    if isinstance(x, tuple):
        inside = ", ".join(map(str, x))
        return inside if name in ("shape", "dims") else f"{name}={inside}" if len(x) == 1 else f"{name}=({inside})"
    return repr(x)


def _key(name: _Name, x: Any) -> str:
    if isinstance(x, tuple):
        return ", ".join(_key(name, e) for e in (x[:-1] if len(x) > 1 and x[-1] is Ellipsis else x))
    if isinstance(x, slice):
        start, stop, step = ("" if e is None else str(e) for e in (x.start, x.stop, x.step))
        return f"{start}:{stop}" + f":{step}" * (step not in ("", "1"))
    return name(x) if isinstance(x, Ref) else "…" if x is Ellipsis else str(x)


def _permuted(name: _Name, x: Ref, dims: tuple[int, ...]) -> str:
    return f"{name(x)}ᵀ" if len(dims) == 2 else f"{name(x)}.permute({', '.join(map(str, dims))})"


_Name = Callable[[Ref], str]
_OPERATORS: dict[str, Callable[..., str]] = {
    "matmul": lambda name, a, b: f"{name(a)} @ {name(b)}",
    "linear": lambda name, x, w, b: f"{name(x)} @ {name(w)}ᵀ" + (f" + {name(b)}" if b is not None else ""),
    "permute": _permuted,
    "index": lambda name, x, key: f"{name(x)}[{_key(name, key)}]",
    "index_add": lambda name, g, shape, key: f"zeros({', '.join(map(str, shape))})[{_key(name, key)}] += {name(g)}",
    "put": lambda name, x, value, key: f"{name(x)}[{_key(name, key)}] ← {name(value)}",
    "cast": lambda name, x, like: f"{name(x)}.to({kind(like.dtype)})",
    "constant_pieces": lambda name, x, function: f"{function.__name__.strip('_<>')}({name(x)})",
}


# ---- what becomes of a gradient --------------------------------------------------------------------------
def product_text(program: Program, use: Use, names: Sequence[str]) -> str:
    """What a use of a Tensor makes of the incoming gradient G: "G ⊙ (1−y·y)", "G @ wᵀ"."""
    i = program[use.user]
    if not isinstance(i.rule, Structural):
        local = (local_texts(i, use.slot, names) or [f"∂{i.op}/∂{names[use.parent]}"])[0]
        known = {"1": "G", "−1": "−G", "0": "0"}.get(local)
        return known or (f"{local}·G" if re.fullmatch(r"−?[\d.]+", local) else f"G ⊙ {bracketed(local)}")
    texts = {"y": names[i.index]}
    for name, x in zip(i.rule.inputs, i.inputs, strict=False):
        if isinstance(x, Ref | float):
            texts[name] = names[x.index] if isinstance(x, Ref) else number(x)
    formula = i.rule.formulas[min(use.slot, len(i.rule.formulas) - 1)]
    return re.sub(r"(?<!the )\b[A-Za-z]+", lambda found: texts.get(found[0], found[0]), formula)


def shapes_text(formula: str, shapes: dict[str, tuple[int, ...]]) -> str:
    """A product of two matrices with their shapes, "(32, 10) @ (10, 100)"; "" for any other formula."""

    def of(factor: str) -> str:
        found = shapes[factor.removesuffix("ᵀ")]
        return str((*found[:-2], *found[-2:][::-1]) if factor.endswith("ᵀ") else found)

    factors = formula.split(" @ ")
    return " @ ".join(map(of, factors)) if len(factors) == 2 else ""


def bracketed(formula: str) -> str:
    """In brackets unless it is a name, a number or a call."""
    return formula if _ATOM.fullmatch(formula) else f"({formula})"


_ATOM = re.compile(r"[\w.\[\]′']+(\([^()]*\))?")
