"""An expression in Python's syntax as a graph; nothing of it is ever evaluated as Python.

The text passes two whitelists: one of its tokens (numbers, names, + - * / **, parentheses, commas,
comparisons, = and ;), one of the syntax tree that Python's own parser makes of them. What is computed is
rules of the table.

>>> y = parse("tanh(w*x + b)", {"w": -3, "x": 2, "b": 6.88})
>>> round(y.data, 4), y.op
(0.7064, 'tanh')

Parts may be named, which labels their nodes; the last part is the result:

>>> L = parse("h = a*b; p = h + 1; h*p", {"a": 2, "b": 3})
>>> L.data, [parent.label for parent in L.parents]
(42.0, ['h', 'p'])

What cannot be read is refused, with the place and what to do:

>>> parse("tanh(w*x + d)", assignments(["w=-3", "x=2"]))
Traceback (most recent call last):
    ...
microgradx.parse.ParseError: d has no value; give it one after the expression, such as d=1
  tanh(w*x + d)
             ^
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any
from unicodedata import normalize

from . import worlds
from .rules import RULES, Rule
from .value import Value

__all__ = ["ParseError", "assignments", "parse"]

MAX_LENGTH, MAX_NESTING = 10_000, 100
MAX_POWER = 1_000_000  #: of beyond that, a float shows nothing but 0, 1 and ∞
ALIASES = {"max": "maximum", "min": "minimum", "ln": "log"}


class ParseError(ValueError):
    """Why a text was refused, and where: `.problem`, `.text`, `.column` (1 is the first character)."""

    def __init__(self, problem: str, text: str, column: int) -> None:
        super().__init__(problem, text, column)
        self.problem, self.text, self.column = problem, text, column

    def __str__(self) -> str:
        if not self.text:
            return self.problem
        start, end = max(0, self.column - 60), self.column + 40
        before, after = "…" * (start > 0), "…" * (end < len(self.text))
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in self.text[start:end])
        return f"{self.problem}\n  {before}{shown}{after}\n  {' ' * (len(before) + self.column - 1 - start)}^"


def parse(
    text: str, variables: Mapping[str, float | Value], instead: Mapping[str, float] | None = None
) -> Value:
    """The graph of an expression, or of `;`-separated parts, where all but the last are `name = expression`.

    variables: a number, or a leaf that exists already, for each name; a number becomes a leaf of that label.
    instead: other numbers for some of these, and for parts that are constants.
    Raises ParseError for all that is not arithmetic on them, and for a variable that is never used.
    """
    text = re.sub(r"\s", " ", text).strip()
    _check_tokens(text)
    reader = _Reader(text, variables, instead or {})
    parts = reader.parts()
    for part in parts[:-1]:
        reader.part(part)
    root = reader.last_part(parts[-1])
    for name, value in reader.names.items():
        if name not in reader.used:
            uses = f" (the expression uses {', '.join(sorted(reader.used))})" if reader.used else ""
            problem = f"{name} is given but never used: leave it out{uses}"
            if name in reader.given_at:
                raise ParseError(problem, text, reader.given_at[name])
            raise ParseError(problem, f"{name}={value.data:g}", 1)
    if not isinstance(root, Value):
        raise ParseError("there is no variable to differentiate by; use one, such as x, with x=2", text, 1)
    return root


def assignments(words: Iterable[str]) -> dict[str, float]:
    """The numbers of `["x=2", "w=-3"]` by name, in order.

    Raises ParseError for another form, a name that Python does not allow, a name that comes twice, and for
    what is not a finite number.
    """
    found: dict[str, float] = {}
    for word in words:
        name, equals, number = word.partition("=")
        name = normalize("NFKC", name.strip())  # as Python's parser does with the names of the expression
        if not equals:
            raise ParseError("expected NAME=NUMBER, such as x=2; put the expression in quotes", word, 1)
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ParseError(f"{name!r} cannot be a variable's name; use letters, digits and _", word, 1)
        if name in found:
            raise ParseError(f"{name} is given twice; it is {found[name]:g} already", word, 1)
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not math.isfinite(found[name]):
            wanted, got = f"{name}=2 or {name}=-1e-3", f"{number!r:.40}" if number else "nothing"
            problem = f"expected a finite number for {name}, such as {wanted}, got {got}"
            raise ParseError(problem, word, len(word) - len(number) + 1)
    return found


# ---- the first whitelist: tokens -------------------------------------------------------------------------
_TOKEN = re.compile(r"""
    (?P<space>\ +)
  | (?P<number>([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][+-]?[0-9][0-9_]*)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<operator>\*\*|//|<=|>=|==|!=|[-+*/(),<>=;])
  | (?P<other>.)
""", re.VERBOSE | re.DOTALL)  # fmt: skip

_INSTEAD = {
    "^": "a power is written **", "//": "a division is written /", "|": "an absolute value is written abs(x)",
    "×": "a product is written *", "·": "a product is written *", "−": "a minus is written -",
    "²": "a square is written x**2", ".": "a name has no parts here", "#": "there are no comments here",
    "'": "there is no text here", '"': "there is no text here", "[": "there are no lists here",
    "if": "a choice is written where(x > 0, a, b)", "else": "a choice is written where(x > 0, a, b)",
    "and": "put one where(…) inside another", "or": "put one where(…) inside another",
    "not": "turn the comparison round",
}  # fmt: skip
_ALLOWED = "use numbers, names, + - * / **, parentheses and functions such as tanh(x)"


def _check_tokens(text: str) -> None:
    """Refuse what cannot be part of an expression before Python's parser sees it."""
    if len(text) > MAX_LENGTH:
        problem = f"the expression has {len(text)} characters, the most is {MAX_LENGTH}; build it in Python"
        raise ParseError(problem, text, MAX_LENGTH + 1)
    nesting, before, before_kind = 0, "", ""
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind == "space":
            continue
        nesting += (token == "(") - (token == ")")
        ends_operand = before_kind in ("number", "name") or before == ")"
        begins_operand = kind in ("number", "name") or (token == "(" and before_kind != "name")
        problem = ""
        if kind == "other" or token in _INSTEAD or keyword.iskeyword(token):
            problem = f"{token!r} is not part of an expression; {_INSTEAD.get(token, _ALLOWED)}"
        elif kind == "name" and not token.isidentifier():
            problem = f"{token!r:.60} is not a name; use letters, digits and _ (a power is written **)"
        elif kind == "number" and not _fits_a_float(token):
            problem = f"the number {_short(token)} does not fit a 64-bit float"
        elif ends_operand and begins_operand:
            problem = f"an operator is missing before {token!r:.20}; a product is written *"
        elif nesting > MAX_NESTING:
            problem = _TOO_DEEP
        if problem:
            raise ParseError(problem, text, match.start() + 1)
        before, before_kind = token, kind


def _short(token: str, most: int = 20) -> str:
    return token if len(token) <= most else f"{token[:most]}…"


def _fits_a_float(number: str) -> bool:
    try:
        return math.isfinite(float(number))
    except ValueError:  # a misplaced underscore: Python's parser says so
        return True


# ---- the second whitelist: the tree ----------------------------------------------------------------------
_TOO_DEEP = 'the expression is nested too deeply; name its parts: "h = …; p = …; h*p"'
_INFIX = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
_COMPARISONS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
                ast.Eq: operator.eq, ast.NotEq: operator.ne}  # fmt: skip


class _Reader:
    """A text on its way to a graph. A result is a Value, a float (no variables) or a bool (a comparison)."""

    def __init__(self, text: str, variables: Mapping[str, float | Value], instead: Mapping[str, float]) -> None:
        self.text, self.instead = text, instead
        given = ((name, instead.get(name, x)) for name, x in variables.items())
        self.names = {name: x if isinstance(x, Value) else Value(x, label=name) for name, x in given}
        self.given_at: dict[str, int] = {}  # the columns of the names that the text itself gives
        self.used: set[str] = set()

    def column(self, node: ast.AST) -> int:
        """Where the node begins: the tree counts bytes of UTF-8, a reader counts characters."""
        offset: int = getattr(node, "col_offset", 0)
        return len(self.text.encode()[:offset].decode()) + 1

    def error(self, node: ast.AST, problem: str) -> ParseError:
        return ParseError(problem, self.text, self.column(node))

    def parts(self) -> list[ast.stmt]:
        try:
            parts = ast.parse(self.text).body
        except SyntaxError as error:
            said = "something is missing or misplaced here" if error.msg == "invalid syntax" else error.msg
            if said.startswith("leading zeros"):  # Python goes on to explain octal numbers
                said = "a number does not begin with 0"
            column = min(error.offset or 1, len(self.text) + 1)
            raise ParseError(f"cannot read the expression: {said}", self.text, column) from None
        except (RecursionError, MemoryError):  # the two ways in which Python's parser gives up
            raise ParseError(_TOO_DEEP, self.text, 1) from None
        if not parts:
            raise ParseError('the expression is empty; write one such as "tanh(w*x + b)"', self.text, 1)
        return parts

    def part(self, part: ast.stmt) -> str:
        """Read `name = expression`; returns the name."""
        match part:
            case ast.Assign(targets=[ast.Name(id=name)], value=tree) if name not in self.names:
                result = self.result(tree)
                if isinstance(result, float):
                    result = Value(self.instead.get(name, result))
                elif same := [known for known, value in self.names.items() if value is result]:
                    raise self.error(tree, f"this is {same[0]} itself; use that name instead of a second one")
                result.label = name
                self.names[name], self.given_at[name] = result, self.column(part)
                return name
            case ast.Assign(targets=[ast.Name(id=name)]):
                raise self.error(part, f"{name} has a value already; choose another name")
            case ast.Expr():
                raise self.error(part, 'only the last part may be without a name; write "h = a*b; h + 1"')
        raise self.error(part, 'a part is written "name = expression"')

    def last_part(self, part: ast.stmt) -> Any:
        if isinstance(part, ast.Expr):
            return self.result(part.value)
        name = self.part(part)
        self.used.add(name)
        return self.names[name]

    def result(self, tree: ast.expr) -> Any:
        """The tree's Value or float; without recursion, so that a long sum is not a deep one."""
        nodes, pending = [], [tree]
        while pending:
            nodes.append(node := pending.pop())
            pending += _operands(node)
        results: list[Any] = []
        for node in reversed(nodes):  # operands come before what uses them, from left to right
            first = len(results) - len(_operands(node))
            results[first:] = [self.apply(node, results[first:])]
        if isinstance(results[0], bool):
            raise self.error(tree, "a comparison has no derivative; use it in where(x > 0, a, b)")
        return results[0]

    def apply(self, node: ast.expr, inputs: list[Any]) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.variable(node, name)
            case ast.UnaryOp(op=ast.USub()):
                return self.run(node, RULES["neg"], inputs)
            case ast.UnaryOp(op=ast.UAdd()):
                return inputs[0]
            case ast.BinOp(op=op) if type(op) in _INFIX:
                return self.run(node, RULES[_INFIX[type(op)]], inputs)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.run(node, self.function(node, name, len(inputs)), inputs)
            case ast.Compare(ops=ops) if all(type(op) in _COMPARISONS for op in ops):
                pairs = zip(ops, inputs[:-1], inputs[1:], strict=True)
                return all(bool(_COMPARISONS[type(op)](a, b)) for op, a, b in pairs)
            case ast.Call(keywords=[given, *_]):
                raise self.error(given, "give inputs by position, without names: leaky_relu(x, 0.01)")
            case ast.Call():
                raise self.error(node, "only functions such as tanh can be called; a product is written *")
            case ast.Tuple():
                raise self.error(node, "expected one expression, got several; a decimal is written 0.5")
        raise self.error(node, f"this is not part of an expression; {_ALLOWED}")

    def variable(self, node: ast.AST, name: str) -> Value:
        if name not in self.names:
            if name in _functions():
                raise self.error(node, f"{name} is a function; write {name}(…)")
            shown = _short(name, 60)
            otherwise = f"give it one after the expression, such as {shown}=1"
            raise self.error(node, f"{shown} has no value; {_closest(name, self.names) or otherwise}")
        self.used.add(name)
        return self.names[name]

    def function(self, node: ast.AST, name: str, count: int) -> Rule:
        functions = _functions()
        if name in functions:
            rule = functions[name]
            least, most = rule.required, len(rule.inputs)
            if least <= count <= most:
                return rule
            takes = f"{least} to {most} inputs" if least < most else f"{most} input{'s' * (most > 1)}"
            raise self.error(node, f"{name} takes {takes} ({', '.join(rule.inputs)}), got {count}")
        if name in self.names:
            raise self.error(node, f"{name} is a variable, not a function; a product is written {name}*(…)")
        if name in RULES:
            raise self.error(node, f"{name} takes vectors, and there are none here; write w1*x1 + w2*x2 + b")
        otherwise = f"the functions are {', '.join(sorted(functions))}"
        raise self.error(node, f"there is no function {_short(name, 60)}; {_closest(name, functions) or otherwise}")

    def run(self, node: ast.expr, rule: Rule, inputs: list[Any]) -> Any:
        for expected, operand, x in zip(rule.inputs, _operands(node), inputs, strict=False):
            if isinstance(x, bool) != (expected == "condition"):
                raise self.error(operand, "a comparison stands first in where(x > 0, a, b), and nowhere else")
        if rule.name == "pow" and isinstance(inputs[1], float) and abs(inputs[1]) > MAX_POWER:
            problem = f"a power this huge, {inputs[1]:.7g}, is refused; the most is {MAX_POWER:,}"
            raise self.error(_operands(node)[1], problem)
        if any(isinstance(x, Value) for x in inputs):
            return rule(*inputs)
        constant = worlds.run(rule, *inputs)
        if not math.isfinite(constant):
            raise self.error(node, f"this constant is {constant}, not a finite number")
        return constant


def _operands(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Call(args=args):
            return args
        case ast.Compare(left=left, comparators=comparators):
            return [left, *comparators]
    return []


def _functions() -> dict[str, Rule]:
    """What an expression may call: the rules that take numbers, and a few other names for them."""
    rules = {**RULES, **{alias: RULES[name] for alias, name in ALIASES.items()}}
    return {name: rule for name, rule in rules.items() if not rule.vectors}


def _closest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else ""
