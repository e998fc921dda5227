"""A rule read as text: run it on symbols, then print what came out as Python, MathML, JavaScript or plain text.

>>> from microgradx.rules import RULES
>>> print(value("tanh"), "|", partial("tanh", 0))
tanh(x) | 1 - y*y
>>> [str(partial("div", slot)) for slot in (0, 1)]
['1/b', '-y/b']
>>> text(partial("relu", 0), "javascript")
'x <= 0 ? 0 : 1'
>>> print(text(partial("pow", 0), "text"))
0 if b = 0, else b·a^(b − 1)
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .rules import RULES, Rule
from .worlds import PRIMITIVES, World

__all__ = ["JAVASCRIPT", "MATHML", "PYTHON", "TEXT", "Style", "Symbol", "partial", "symbols", "text", "value"]


class Symbol:
    """A name, a number, or an operation on symbols; prints as Python with as few parentheses as possible."""

    __slots__ = ("args", "op")
    __array_ufunc__ = None

    def __init__(self, op: str, *args: Any) -> None:
        self.op, self.args = op, args

    def __repr__(self) -> str:
        return text(self)

    def __bool__(self) -> bool:
        raise TypeError(f"a rule has no `if`: use xp.where({self}, …, …) instead")

    def __hash__(self) -> int:
        return id(self)

    # A number that changes nothing is left out, so that a rule prints as one would write it by hand
    def __add__(self, other: Any) -> Symbol:
        return self if _is(other, 0) else symbol(other) if _is(self, 0) else _folded("+", self, symbol(other))

    def __sub__(self, other: Any) -> Symbol:
        return self if _is(other, 0) else _folded("-", self, symbol(other))

    def __mul__(self, other: Any) -> Symbol:
        if _is(self, -1):
            return -symbol(other)
        return self if _is(other, 1) else symbol(other) if _is(self, 1) else _folded("*", self, symbol(other))

    def __truediv__(self, other: Any) -> Symbol:
        return self if _is(other, 1) else Symbol("/", self, symbol(other))

    def __pow__(self, other: Any) -> Symbol:
        return self if _is(other, 1) else Symbol("**", self, symbol(other))

    def __neg__(self) -> Symbol:
        if self.op == "number":
            return Symbol("number", -self.args[0])
        return symbol(self.args[0]) if self.op == "neg" else Symbol("neg", self)


def symbol(x: Any) -> Symbol:
    """A Symbol as it is, a str as a name, anything else as a number."""
    return x if isinstance(x, Symbol) else Symbol("name" if isinstance(x, str) else "number", x)


def _is(x: Any, number: float) -> bool:
    x = symbol(x)
    return x.op == "number" and bool(x.args[0] == number)


_FOLDS: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def _folded(op: str, a: Symbol, b: Symbol) -> Symbol:
    """An operation, done already where both sides are numbers: x**(2 - 1) is x."""
    known = a.op == b.op == "number"
    return Symbol("number", _FOLDS[op](a.args[0], b.args[0])) if known else Symbol(op, a, b)


def _question(op: str, answer: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Symbol]:
    """A comparison, already answered where both sides are numbers."""

    def ask(a: Any, b: Any) -> Symbol:
        a, b = symbol(a), symbol(b)
        if a.op == b.op == "number":
            return Symbol("number", answer(a.args[0], b.args[0]))
        if op == "&" and a.op == "number":
            return symbol(b if a.args[0] else a)
        return Symbol(op, a, b)

    return ask


for _op, _answer in (("<", operator.lt), ("<=", operator.le), (">", operator.gt), (">=", operator.ge),
                     ("==", operator.eq), ("&", operator.and_), ("|", operator.or_)):  # fmt: skip
    setattr(Symbol, f"__{_answer.__name__.strip('_')}__", _question(_op, _answer))
for _method in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Symbol, f"__r{_method}__", lambda a, b, _op=f"__{_method}__": getattr(symbol(b), _op)(a))


def _dot(w: Any, x: Any) -> Symbol:
    if not isinstance(w, Sequence):
        return Symbol("dot", w, x)
    total = symbol(0)
    for a, b in zip(w, x, strict=True):
        total = total + symbol(a) * b
    return total


def _where(condition: Any, a: Any, b: Any) -> Symbol:
    condition = symbol(condition)
    if condition.op == "number":
        return symbol(a if condition.args[0] else b)
    return Symbol("where", condition, symbol(a), symbol(b))


class _Symbols(World):
    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name not in PRIMITIVES and name not in RULES:
            raise AttributeError(f"no rule or primitive is called {name!r}")
        return lambda *inputs: Symbol(name, *map(symbol, inputs))


#: The world of text. Each call stays a call by name.
symbols: World = _Symbols("symbols", {"dot": _dot, "where": _where})


def _rule(rule: Rule | str) -> Rule:
    return RULES[rule] if isinstance(rule, str) else rule


def _inputs(rule: Rule, names: Sequence[Any]) -> list[Any]:
    return [n if isinstance(n, tuple) else symbol(n) for n in names or rule.inputs]


def value(rule: Rule | str, *names: Any) -> Symbol:
    """The rule's value as a symbol, of the rule's own input names or of those given (str, number, Symbol)."""
    rule = _rule(rule)
    return symbol(rule.value(symbols, *_inputs(rule, names)))


def partial(rule: Rule | str, slot: int, *names: Any, y: Any = "y") -> Symbol | None:
    """∂rule/∂input number `slot` as a symbol; None where the rule has no derivative."""
    rule = _rule(rule)
    formula = rule.partials[slot]
    return None if formula is None else symbol(formula(symbols, symbol(y), *_inputs(rule, names)))


# ---- printing --------------------------------------------------------------------------------------------
CHOICE, OR, AND, COMPARE, ADD, MUL, NEG, POW, ATOM = range(9)


@dataclass(frozen=True)
class Style:
    """How one language writes: templates by operation, with the precedence of what comes out and of each operand."""

    templates: dict[str, tuple[str, int, tuple[int, ...]]]
    call: Callable[[str, list[str]], str]
    number: Callable[[float], str]
    name: Callable[[str], str] = str
    parentheses: str = "({})"


def _number(x: float) -> str:
    x = float(x)
    return str(int(x)) if x.is_integer() and abs(x) < 1e15 and not (x == 0 and str(x)[0] == "-") else repr(x)


def _spoken(x: float) -> str:
    return _number(x).replace("-", "−").replace("inf", "∞")


def _binary(mul: str, comparisons: dict[str, str] | None = None) -> dict[str, tuple[str, int, tuple[int, ...]]]:
    found: dict[str, tuple[str, int, tuple[int, ...]]] = {
        "+": ("{} + {}", ADD, (ADD, MUL)), "-": ("{} - {}", ADD, (ADD, MUL)),
        "*": ("{}" + mul + "{}", MUL, (MUL, NEG)), "/": ("{}/{}", MUL, (MUL, NEG)),
        "neg": ("-{}", NEG, (MUL,)),
        "tanh_slope": ("1 - {1}" + mul + "{1}", ADD, (CHOICE, NEG)),  # of x and y: as lecturers write it
    }  # fmt: skip
    for op in ("<", "<=", ">", ">=", "=="):
        found[op] = ("{} " + (comparisons or {}).get(op, escape(op) if mul == "⋅" else op) + " {}", COMPARE, (ADD, ADD))
    return found


SHORT = {"maximum": "max", "minimum": "min"}
PYTHON = Style({
    **_binary("*"), "**": ("{}**{}", POW, (ATOM, NEG)), "&": ("{} and {}", AND, (AND, COMPARE)),
    "|": ("{} or {}", OR, (OR, AND)), "where": ("{1} if {0} else {2}", CHOICE, (OR, OR, CHOICE)),
}, lambda f, xs: f"{SHORT.get(f, f)}({', '.join(xs)})",
    lambda x: _number(x) if math.isfinite(x) else f'float("{x}")')  # fmt: skip

_JS_MATH = (
    "exp expm1 log log1p log2 log10 sqrt abs sin cos tan asin acos atan sinh cosh tanh atan2 hypot maximum minimum"
).split()
JAVASCRIPT = Style({
    **_binary("*", {"==": "==="}), "**": ("Math.pow({}, {})", ATOM, (CHOICE, CHOICE)),
    "&": ("{} && {}", AND, (AND, COMPARE)), "|": ("{} || {}", OR, (OR, AND)),
    "where": ("{} ? {} : {}", CHOICE, (OR, OR, CHOICE)),
}, lambda f, xs: f"{'Math.' if f in _JS_MATH else ''}{SHORT.get(f, f)}({', '.join(xs)})",
    lambda x: {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(float(x)), _number(x)))  # fmt: skip

_TEXT = _binary("·", {"==": "=", "<=": "≤", ">=": "≥"})
TEXT = Style({
    **_TEXT, "-": ("{} − {}", ADD, (ADD, MUL)), "neg": ("−{}", NEG, (MUL,)),
    "tanh_slope": ("1 − {1}·{1}", ADD, (CHOICE, NEG)),
    "**": ("{}^{}", POW, (ATOM, ATOM)), "&": ("{} and {}", AND, (AND, COMPARE)), "|": ("{} or {}", OR, (OR, AND)),
    "where": ("{1} if {0}, else {2}", CHOICE, (OR, OR, CHOICE)), "dot": ("{}·{}", MUL, (MUL, NEG)),
}, lambda f, xs: f"{SHORT.get(f, f)}({', '.join(xs)})", _spoken)  # fmt: skip


def _mi(name: str) -> str:
    stem = name.rstrip("0123456789")
    if stem and stem != name:
        return f"<msub><mi>{escape(stem)}</mi><mn>{name[len(stem):]}</mn></msub>"
    return f"<mi>{escape(name)}</mi>"


def _math_call(f: str, xs: list[str]) -> str:
    inside = "<mo>,</mo>".join(xs)
    return f"<mrow><mi>{escape(SHORT.get(f, f))}</mi><mo>(</mo>{inside}<mo>)</mo></mrow>"


def _mo(op: str) -> str:
    return "<mrow>{}<mo>" + op + "</mo>{}</mrow>"


MATHML = Style({
    "+": (_mo("+"), ADD, (ADD, MUL)), "-": (_mo("−"), ADD, (ADD, MUL)), "*": (_mo("⋅"), MUL, (MUL, NEG)),
    "/": ("<mfrac>{}{}</mfrac>", MUL, (CHOICE, CHOICE)), "neg": ("<mrow><mo>−</mo>{}</mrow>", NEG, (MUL,)),
    "**": ("<msup>{}{}</msup>", POW, (ATOM, CHOICE)), "dot": (_mo("⋅"), MUL, (MUL, NEG)),
    "tanh_slope": ("<mrow><mn>1</mn><mo>−</mo><mrow>{1}<mo>⋅</mo>{1}</mrow></mrow>", ADD, (CHOICE, NEG)),
    **{op: (_mo(sign), COMPARE, (ADD, ADD)) for op, sign in
       {"<": "&lt;", "<=": "≤", ">": "&gt;", ">=": "≥", "==": "="}.items()},
    "&": ("<mrow>{}<mtext> and </mtext>{}</mrow>", AND, (AND, COMPARE)),
    "|": ("<mrow>{}<mtext> or </mtext>{}</mrow>", OR, (OR, AND)),
    "where": ("<mrow>{1}<mtext> if </mtext>{0}<mtext>, else </mtext>{2}</mrow>", CHOICE, (OR, OR, CHOICE)),
}, _math_call, lambda x: f"<mn>{_spoken(x)}</mn>", _mi,
    "<mrow><mo>(</mo>{}<mo>)</mo></mrow>")  # fmt: skip

STYLES = {"python": PYTHON, "javascript": JAVASCRIPT, "mathml": MATHML, "text": TEXT}


def text(s: Symbol, style: Style | str = PYTHON) -> str:
    """Print a symbol: style is "python", "mathml", "javascript", "text", or a Style of your own."""
    return _print(s, STYLES[style] if isinstance(style, str) else style)[0]


def _print(s: Symbol, style: Style) -> tuple[str, int]:
    spine: list[Symbol] = []
    while s.op in ("+", "-"):  # a sum of a thousand terms is a thousand deep on its left side
        spine.append(s)
        s = symbol(s.args[0])
    printed = _one(s, style)
    while spine:
        s = spine.pop()
        printed = _apply(s, [printed, _print(symbol(s.args[1]), style)], style)
    return printed


def _one(s: Symbol, style: Style) -> tuple[str, int]:
    if s.op == "number":
        negative = s.args[0] < 0
        return style.number(s.args[0]), NEG if negative else ATOM
    if s.op == "name":
        return style.name(s.args[0]), ATOM
    printed = [_print(symbol(x), style) for x in s.args]
    if s.op not in style.templates:
        return style.call(s.op, [t for t, _ in printed]), ATOM
    return _apply(s, printed, style)


def _apply(s: Symbol, printed: list[tuple[str, int]], style: Style) -> tuple[str, int]:
    template, precedence, least = style.templates[s.op]
    operands = [t if p >= at_least else style.parentheses.format(t)
                for (t, p), at_least in zip(printed, least, strict=True)]  # fmt: skip
    if s.op == "neg":
        if operands[0].startswith(("-", "−")):  # --a is something else in JavaScript
            return template.format(style.parentheses.format(operands[0])), precedence
        if printed[0][1] >= least[0]:  # -(a*b) is -a*b to the last bit, and binds as a product does
            precedence = min(precedence, printed[0][1])
    return template.format(*operands), precedence
