"""Formulas as small trees, which the page turns into MathML without ever reading markup.

A tree is ["mrow", tree, …] or ["mo", "+"]; an int stands for the node with that topological number, whose name
or number the page writes there.

>>> from microgradx.program import Program
>>> from microgradx.value import Value
>>> program = Program.of(Value(2.0) / Value(3.0))
>>> value_tree(program, 2)
['mfrac', 0, 1]
>>> local_tree(program, program.uses[1][0])
['mfrac', ['mrow', ['mo', '−'], 2], 1]
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

from microgradx import symbols
from microgradx.program import Program, Use, fill
from microgradx.rules import Rule
from microgradx.symbols import MUL, POW, Symbol

from ..trace import LONGEST, number

__all__ = ["Tree", "local_tree", "value_tree"]

Tree = Any  # int | list[str | Tree]

_product = symbols.MATHML.templates["*"][0]
_STYLE = replace(
    symbols.MATHML,
    templates={**symbols.MATHML.templates, "*": (_product, MUL, (MUL, POW))},  # a·(−2) with its brackets
    number=lambda x: f"<mn>{number(x)}</mn>",
)


def value_tree(program: Program, index: int) -> Tree:
    """The right-hand side of an instruction, written with operators or as a call; None where there is no Rule."""
    rule = program[index].rule
    if not isinstance(rule, Rule):
        return None
    inputs = [_shortened(fill(x, _holes(program))) for x in program[index].inputs]
    if rule.symbol or rule.vectors:
        try:
            return _tree(symbols.text(symbols.value(rule, *inputs), _STYLE))
        except Exception:  # a rule of the user's own, written with more than symbols can read
            pass
    written = [_list(x) if isinstance(x, tuple) else symbols.text(symbols.symbol(x), _STYLE) for x in inputs]
    return _tree(_STYLE.call(rule.name, written))


def local_tree(program: Program, use: Use) -> Tree:
    """∂user/∂parent, None where it cannot be read as a formula."""
    try:
        return _tree(symbols.text(program.local_formula(use, _holes(program)), _STYLE))
    except Exception:  # as above
        return None


class _Holes:
    """A name for every node that no label can be mistaken for: its number in braces."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __getitem__(self, index: int) -> str:
        return f"{{{index}}}"

    def __len__(self) -> int:
        return self.count


def _holes(program: Program) -> Any:
    return _Holes(len(program))


def _shortened(x: Any) -> Any:
    return (*x[:2], symbols.symbol("…"), x[-1]) if isinstance(x, tuple) and len(x) > LONGEST else x


def _list(xs: tuple[Any, ...]) -> str:
    inside = "<mo>,</mo>".join(symbols.text(symbols.symbol(x), _STYLE) for x in xs)
    return f"<mrow><mo>[</mo>{inside}<mo>]</mo></mrow>"


_BETWEEN = symbols.text(Symbol("*", symbols.symbol("…"), symbols.symbol("…")), _STYLE)


def _tree(mathml: str) -> Tree:
    inside = [_read(element) for element in ElementTree.fromstring(f"<m>{mathml.replace(_BETWEEN, '<mi>…</mi>')}</m>")]
    return inside[0] if len(inside) == 1 else ["mrow", *inside]


def _read(element: ElementTree.Element) -> Tree:
    if not len(element):
        text = element.text or ""
        return int(text[1:-1]) if text[:1] == "{" else [element.tag, text]
    return [element.tag, *map(_read, element)]
