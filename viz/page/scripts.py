"""The rule table as JavaScript: a function for the value and one for each partial, printed by symbols.py.

The page recomputes with these when a number is edited, so that it and the engine have one source.

>>> from microgradx.rules import RULES
>>> print(javascript([RULES["mul"], RULES["softplus"]]).source)
{
  "mul": {value: (a, b) => a*b, partials: [(y, a, b) => b, (y, a, b) => a]},
  "softplus": {value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), partials: [(y, x) => rules["sigmoid"].value(x)]},
  "sigmoid": {value: (x) => Math.exp(Math.min(x, 0))/(1 + Math.exp(-Math.abs(x))), partials: [(y, x) => y*rules["sigmoid"].value(-x)]},
}
"""  # noqa: E501

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from microgradx import symbols
from microgradx.rules import RULES, Rule
from microgradx.structural import Structural
from microgradx.symbols import ATOM, CHOICE, OR, Symbol
from microgradx.worlds import PRIMITIVES

__all__ = ["Twins", "javascript"]


@dataclass(frozen=True)
class Twins:
    """JavaScript for the rules that have it: an object literal, which refers to itself as `rules`."""

    source: str
    missing: tuple[str, ...]  #: rules that are written with more than symbols or JavaScript can follow


def javascript(needed: Iterable[Rule | Structural]) -> Twins:
    """JavaScript for the rules and for those that they are written with."""
    waiting, written, missing = list(needed), {}, []
    for rule in waiting:
        if rule.name in written or rule.name in missing:
            continue
        try:
            if not isinstance(rule, Rule):
                raise TypeError(f"{rule.name} is not elementwise")
            written[rule.name], called = _twin(rule)
            waiting += [RULES[name] for name in called]
        except Exception:  # a rule of the user's own may do anything; without a twin it cannot be edited
            missing.append(rule.name)
    lines = "".join(f"  {_quoted(name)}: {text},\n" for name, text in written.items())
    return Twins(f"{{\n{lines}}}", tuple(missing))


def _twin(rule: Rule) -> tuple[str, list[str]]:
    """The functions of one rule, and the other rules that they call."""
    names = _names(rule)
    vectors = set(names[: rule.vectors])
    value = symbols.value(rule, *names)
    partials = [symbols.partial(rule, slot, *names) for slot in range(len(names))]
    _check(value, vectors)
    with_defaults = [""] * rule.required + [f" = {_JS.number(x)}" for x in rule.value.__defaults__ or ()]
    parameters = ", ".join(map("".join, zip(names, with_defaults, strict=True)))
    slopes = ", ".join(_slope(p, names, vectors, slot < rule.vectors) for slot, p in enumerate(partials))
    called = [name for s in (value, *partials) if s is not None for name in _calls(s)]
    return f"{{value: ({parameters}) => {_printed(value)}, partials: [{slopes}]}}", called


def _names(rule: Rule) -> list[str]:
    """The rule's own names for its inputs, unless one of them means something else in JavaScript."""
    fit = all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) and name not in _TAKEN for name in rule.inputs)
    return list(rule.inputs) if fit else [f"x{k}" for k in range(len(rule.inputs))]


_TAKEN = set(
    "k y rules Math Infinity NaN arguments await break case catch class const continue debugger default delete do dot "
    "else enum erf erfc eval export extends false finally for function if import in instanceof interface let new null "
    "package power private protected public return static super switch this throw true try typeof undefined var void "
    "truth while with yield".split()
)


def _call(function: str, inputs: list[str]) -> str:
    if function not in PRIMITIVES:
        return f"rules[{_quoted(function)}].value({', '.join(inputs)})"
    return symbols.JAVASCRIPT.call(function, inputs)


#: Math.pow(1, nan) is nan, and IEEE 754's 1; a nan is true in Python and false in JavaScript: the page has `power`
#: and `truth`. A slope of tanh as lecturers write it, 1 − y·y, loses its digits where y is near 1: its rule does not.
_JS = replace(
    symbols.JAVASCRIPT,
    templates={
        **{op: template for op, template in symbols.JAVASCRIPT.templates.items() if op != "tanh_slope"},
        "**": ("power({}, {})", ATOM, (CHOICE, CHOICE)),
        "where": ("truth({}) ? {} : {}", CHOICE, (CHOICE, OR, CHOICE)),
    },
    call=_call,
)


def _printed(s: Symbol) -> str:
    return symbols.text(s, _JS)


def _quoted(name: str) -> str:
    return json.dumps(name).replace("<", r"\u003c")


def _parts(s: Symbol) -> Iterator[Symbol]:
    waiting = [s]
    while waiting:
        part = waiting.pop()
        yield part
        if part.op not in ("number", "name"):
            waiting += [symbols.symbol(x) for x in part.args]


def _calls(s: Symbol) -> list[str]:
    """The rules that it calls by name."""
    known = {"number", "name", *_JS.templates, *PRIMITIVES}
    return [part.op for part in _parts(s) if part.op not in known]


def _slope(partial: Symbol | None, names: list[str], vectors: set[str], by_elements: bool) -> str:
    """A partial as a function; by the elements of a vector it is an array."""
    if partial is None:
        return "null"
    text = _printed(partial)
    if by_elements:
        whole = partial.op == "name" and partial.args[0] in vectors
        partial = _at_k(partial, vectors)
        text = text if whole else f"{names[0]}.map((_, k) => {_printed(partial)})"
    _check(partial, vectors)
    return f"({', '.join(['y', *names])}) => {text}"


def _at_k(s: Symbol, vectors: set[str]) -> Symbol:
    """The same for element k: JavaScript has no arithmetic on arrays."""
    if s.op == "name":
        return symbols.symbol(f"{s.args[0]}[k]") if s.args[0] in vectors else s
    if s.op in ("number", "dot"):
        return s
    return Symbol(s.op, *(_at_k(symbols.symbol(x), vectors) for x in s.args))


def _check(s: Symbol, vectors: set[str]) -> None:
    """Raise ValueError where a vector stands anywhere but in `dot`."""
    for part in _parts(s):
        inputs = part.args if part.op not in ("number", "name", "dot") else ()
        if any(isinstance(x, Symbol) and x.op == "name" and x.args[0] in vectors for x in inputs):
            raise ValueError(f"{part.op} of a vector has no twin in JavaScript")
    if s.op == "name" and s.args[0] in vectors:
        raise ValueError("a vector is no value")
