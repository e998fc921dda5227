"""The parser: what it accepts has the values that Python gives; what it refuses, it refuses at the place."""

from __future__ import annotations

import keyword
import math
import pickle
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microgradx.parse import ParseError, assignments, parse
from microgradx.program import Program
from microgradx.rules import RULES, rule
from microgradx.value import Value

VARIABLES = {"x": 2.0, "w": -3.0, "b": 6.88}


def read(text: str, variables: dict[str, float]) -> Value | ParseError:
    try:
        return parse(text, variables)
    except ParseError as error:
        return error


def refused(text: str, variables: dict[str, float] = VARIABLES) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(text, variables)
    return caught.value


# ---- what is accepted ------------------------------------------------------------------------------------
def test_a_neuron_has_its_value_labels_and_gradients() -> None:
    y = parse("tanh(w*x + b)", VARIABLES)
    y.backward()
    leaves = {i.label: i.grad for i in Program.of(y) if i.rule is None}
    slope = 1 - math.tanh(0.88) ** 2
    assert y.data == pytest.approx(math.tanh(0.88))
    assert leaves == pytest.approx({"w": 2 * slope, "x": -3 * slope, "b": slope})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", 2.0),
        ("  x  ", 2.0),
        ("+x", 2.0),
        ("-x", -2.0),
        ("--x", 2.0),
        ("-x**2", -4.0),
        ("x**-2", 0.25),
        ("(1 + x/1e6)**1e6", math.exp(2 * (1 - 1e-6))),
        ("2**3**x", 2.0**9),
        ("2*3*x - 1e-3", 11.999),
        ("1_0.5*x", 21.0),
        (".5*x", 1.0),
        ("5.*x", 10.0),
        ("max(x, 3)", 3.0),
        ("min(x, 3)", 2.0),
        ("ln(x)", math.log(2)),
        ("pow(x, 3)", 8.0),
        ("atan2(x, 1)", math.atan2(2, 1)),
        ("leaky_relu(-x, 0.1)", -0.2),
        ("leaky_relu(-x)", -0.02),
        ("where(x > 0, x, 5)", 2.0),
        ("where(0 < x < 1, x, 5*x)", 10.0),
        ("where(x == 2, x, 0)", 2.0),
        ("where(x != 2, x, 3*x)", 6.0),
        ("x\n+ 1", 3.0),
        ("x + 1;", 3.0),
        ("h = x*x; h + 1", 5.0),
        ("h = x*x; p = h + 1; h*p", 20.0),
        ("L = x*x", 4.0),
        ("k = 3; k*x", 6.0),
        ("log(x - 2)", -math.inf),
        ("1 / (x - 2)", math.inf),
        ("sqrt(-x)", math.nan),
    ],
)
def test_values(text: str, expected: float) -> None:
    assert parse(text, {"x": 2}).data == pytest.approx(expected, nan_ok=True)


def test_names_label_their_nodes_and_repeat_as_one_node() -> None:
    L = parse("h = a*b; k = 3; L = h*h + k", {"a": 2, "b": 3})
    assert [(i.label, i.op) for i in Program.of(L)] == [
        ("a", ""), ("b", ""), ("h", "mul"), ("", "mul"), ("k", ""), ("L", "add")
    ]  # fmt: skip


def test_a_leaf_may_be_given_and_keeps_its_identity() -> None:
    x = Value(2.0)
    y = parse("x*x", {"x": x})
    assert y.parents == (x, x)
    assert x.label == ""


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not rule.vectors])
def test_every_rule_of_the_table_can_be_called(name: str) -> None:
    names = [f"x{i}" for i in range(len(RULES[name].inputs))]
    variables = {n: 0.5 + 0.1 * i for i, n in enumerate(names)}
    call = f"{name}({', '.join(names)})" if name != "where" else "where(x0 > 0, x1, x2)"
    numbers = [float(v) for v in variables.values()]
    assert parse(call, variables).data == RULES[name](*map(Value, numbers)).data


def test_a_rule_of_ones_own_can_be_called() -> None:
    rule("cube_of", lambda xp, x: x * x * x, lambda xp, y, x: 3 * x * x)
    try:
        assert parse("cube_of(x)", {"x": 2}).data == 8
    finally:
        del RULES["cube_of"]


# ---- what is refused -------------------------------------------------------------------------------------
# Each text, and below it the place of the refusal and a part of the message
REFUSALS = """
x +
   ^ missing
(x
^ never closed
x)
 ^ unmatched
2x
 ^ an operator is missing before 'x'
x w
  ^ operator is missing
2(x)
 ^ operator is missing
(x)(w)
   ^ operator is missing
x(w)
^ x is a variable, not a function
1j*x
 ^ operator is missing
x**1e9
   ^ a power this huge, 1e+09, is refused; the most is 1,000,000
x**-1000001
   ^ a power this huge
x**9**9
   ^ a power this huge, 3.874205e+08
9**9**9*x
   ^ a power this huge
pow(x, 9**9)
       ^ a power this huge
1e999*x
^ the number 1e999 does not fit
x^2
 ^ a power is written **
x//2
 ^ a division is written /
|x|
^ abs(x)
x % 2
  ^ '%' is not part
x @ w
  ^ '@' is not part
x² + w
^ a power is written **
2 × x
  ^ a product is written *
x − 1
  ^ a minus is written -
x.real
 ^ a name has no parts
x # comment
  ^ no comments
'x'
^ no text
[x]
^ no lists
{x}
^ '{' is not part
x if x > 0 else w
  ^ where(x > 0, a, b)
where(x > 0 and w > 0, x, w)
            ^ inside another
lambda: x
^ 'lambda' is not part
True
^ 'True' is not part
x is w
  ^ 'is' is not part
012*x
^ does not begin with 0
1__0*x
 ^ cannot read
1e999*x
^ does not fit a 64-bit float
0,5*x
^ a decimal is written 0.5
x, w
^ got several
d*x
^ d has no value; give it one after the expression, such as d=1
x*xx
  ^ did you mean x?
é + d
^ é has no value
x*w*b + é*d + 1
        ^ é has no value
tanh*x
^ tanh is a function; write tanh(…)
tnh(x)
^ did you mean tanh?
print(x)
^ the functions are abs, acos,
tanh()
^ tanh takes 1 input (x), got 0
x + max(x, w, b)
    ^ max takes 2 inputs (a, b), got 3
elu(x, w, b)
^ elu takes 1 to 2 inputs (x, alpha), got 3
dot(x, w, b)
^ w1*x1 + w2*x2 + b
leaky_relu(x, slope=w)
              ^ by position
relu(*x)
     ^ not part
relu(**x)
     ^ by position
relu(x)(w)
       ^ operator is missing
x > 0
^ a comparison has no derivative
relu(x > 0)
     ^ a comparison stands first in where
where(x, w, b)
      ^ a comparison stands first
where(x > 0, x > w, b)
             ^ a comparison stands first
x + (w > b)
     ^ a comparison stands first
9**9**9**9 * x
      ^ a power this huge, 3.874205e+08
2**10**10
   ^ a power this huge
1e300*1e300*x
^ this constant is inf
x / (1/0)
     ^ constant is inf
x = 1
^ x has a value already
x += 1
^ a part is written
h = k = x
^ a part is written
x; w
^ only the last part may be without a name
h = x; h*w*b
    ^ this is x itself
h = x*w*b; k = 2; h
           ^ k is given but never used: leave it out
h = x*w*b; h = 2; h
           ^ h has a value already
w*b
^ x is given but never used: leave it out (the expression uses b, w)
type X = x
     ^ operator is missing
(x := 2)
   ^ ':' is not part
import os
^ 'import' is not part
""".strip("\n").split("\n")


@pytest.mark.parametrize(("text", "place"), list(zip(REFUSALS[::2], REFUSALS[1::2], strict=True)))
def test_refusals_name_the_place_and_the_remedy(text: str, place: str) -> None:
    error = refused(text)
    assert error.column == place.index("^") + 1
    assert place.split("^ ")[1] in error.problem


@pytest.mark.parametrize("text", ["", "  \n", " ; ", "2 + 3", "where(1 > 0, 2, 3)"])
def test_a_text_without_a_variable_is_refused(text: str) -> None:
    refused(text, {})


def test_the_text_itself_may_give_the_variable() -> None:
    assert parse("k = 2; k*k", {}).data == 4


def test_the_caret_points_at_the_column_also_in_a_long_text() -> None:
    for before in ("", "x*", "x + " * 200):
        _, line, caret = str(refused(before + "tahn(x) + " + "x + " * 100 + "x")).split("\n")
        assert line[caret.index("^") :].startswith("tahn(x)")
        assert len(line) < 110


@pytest.mark.parametrize("text", ["x" * 9_000, "x" * 9_000 + "(1)", "9" * 9_000 + "*x"])
def test_a_long_word_of_an_expression_makes_no_long_message(text: str) -> None:
    assert len(str(refused(text, {"w": 1.0}))) < 700


def test_other_numbers_stand_instead_of_those_of_variables_and_constant_parts() -> None:
    assert parse("k = 3; k*x + y", {"x": 2, "y": 1}, {"x": 10, "k": 5}).data == 51


def test_a_message_shows_no_control_characters() -> None:
    assert all(line.isprintable() for line in str(refused("\x1b[31mx\x07 + \x00\udcff")).split("\n"))


def test_a_parse_error_is_a_value_error_and_can_be_pickled() -> None:
    error = refused("tahn(x)")
    assert isinstance(error, ValueError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


HUGE: list[Callable[[int], str]] = [
    lambda n: "(" * n + "x" + ")" * n,
    lambda n: "(" * n,
    lambda n: "-" * n + "x",
    lambda n: "x" + "**x" * n,
    lambda n: "relu(" * n + "x",
    lambda n: "x" + "*(x" * n + ")" * n,
    lambda n: "9" * n + "*x",
    lambda n: "0x" + "f" * n,
    lambda n: "9**" * n + "x",
    lambda n: "x<" * n + "x",
    lambda n: "a=x;" * n + "a",
    lambda n: "x " * n,
    lambda n: "x+" * n,
    lambda n: "é" * n,
]


@pytest.mark.parametrize("n", [1_000, 100_000])
@pytest.mark.parametrize("text", HUGE)
def test_what_is_huge_is_read_or_refused_at_once(text: Callable[[int], str], n: int) -> None:
    start = time.perf_counter()
    assert isinstance(read(text(n), {"x": 1.0}), ParseError) or n == 1_000
    assert time.perf_counter() - start < 2


def test_a_long_sum_is_not_a_deep_one() -> None:
    assert parse("x" + " + x" * 500, {"x": 1}).data == 501


# x and w have values: whatever else a line holds must be refused
INJECTIONS = """
__import__('os').system('true')
().__class__.__bases__[0].__subclasses__()
x.__class__.__init__.__globals__
exec("x")
eval("x")
open("/etc/passwd")
getattr(x, "data")
[x for x in (1,2)]
(lambda: x)()
(yield x)
await x
f"{x}"
b"x"
x if x else x
x or w
not x
~x
x << 2
x & w
x[0]
{x: w}
{*x}
x := 3
global x
del x
import os
from os import path
assert x
while x: w
def f(): pass
class A: pass
@x
...
None
x; import os
max(*[x, w])
print(x)
globals()
vars()
breakpoint()
exit()
quit()
input()
__builtins__
__name__
ｅｘｅｃ(x)
x＝2
""".strip().split("\n")


LINES = ["x\nimport os", "x \\\n+ w", "x #\n+ w", "x\x00", "\x0cimport os", "\ufeffx*w"]


@pytest.mark.parametrize("text", [*INJECTIONS, *LINES])
def test_nothing_but_arithmetic_is_accepted(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for attempt in (text, f"{text} + x", f"tanh({text})", f"h = {text}; h", f"h = x*w; {text}"):
        refused(attempt, {"x": 1.0, "w": 2.0})
    assert capsys.readouterr() == ("", "")


CHARACTERS = "xwb0129.()+-*/<>=!,; \n\t_'\"[]{}#@:%^&|~\\`$?é²×\x00\udc80"
WORDS = "** // == 1e5 1e where( tanh( max( x>0, x) 9**9 __import__ os.system h= x;".split()
FRAGMENTS = [*CHARACTERS, *WORDS, *keyword.kwlist]
SOUP = st.lists(st.sampled_from(FRAGMENTS), max_size=25)


@given(st.text(max_size=60) | SOUP.map("".join) | SOUP.map(" ".join))
@example("x" + "\N{COMBINING ACUTE ACCENT}" * 40)
@example("x\x0cx")
@example("é*(x")
def test_any_text_is_a_graph_or_a_parse_error(text: str) -> None:
    outcome = read(text, {"x": 1.5})
    if isinstance(outcome, ParseError):
        assert outcome.problem
        assert 1 <= outcome.column <= len(outcome.text) + 1
        assert all(line.isprintable() for line in str(outcome).split("\n"))


# ---- against Python's own evaluation -----------------------------------------------------------------------
MATH = {name: getattr(math, name) for name in "sin cos tanh atan exp log sqrt erf".split()}
PYTHON = {**MATH, "abs": abs, "max": max, "min": min, "hypot": math.hypot}
PYTHON["where"] = lambda condition, a, b: a if condition else b
NUMBER = st.sampled_from(["0", "1", "2", "3", "0.5", "1e-3", "7.25", "1_000"])
VARIABLE = st.sampled_from(list(VARIABLES))


def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def form(template: str, *parts: st.SearchStrategy[str] | list[str]) -> st.SearchStrategy[str]:
        strategies = (st.sampled_from(part) if isinstance(part, list) else part for part in parts)
        return st.tuples(*strategies).map(lambda filled: template.format(*filled))

    return st.one_of(
        form("{} {} {}", smaller, [*"+-*/"], smaller),
        form("({})", smaller),
        form("-{}", smaller),
        form("+({})", smaller),
        form("{}**{}", VARIABLE, ["2", "3", "-1", "0", "-2"]),
        # with a variable in it: a constant is computed by NumPy, whose last bit may differ from math's
        form("{}({} + {})", [*MATH], VARIABLE, smaller),
        form("{}({}, {})", ["max", "min", "hypot"], smaller, smaller),
        form("abs({})", smaller),
        form("where({} {} {}, {}, {})", smaller, ["<", "<=", ">", ">=", "==", "!="], *[smaller] * 3),
    )


@given(st.recursive(NUMBER | VARIABLE, larger, max_leaves=12))
def test_expressions_have_the_values_that_python_gives(text: str) -> None:
    used = {name: value for name, value in VARIABLES.items() if name in re.findall(r"\w+", text)}
    outcome = read(text, used)
    try:
        expected = eval(text, {"__builtins__": {}}, {**PYTHON, **used})
    except (ArithmeticError, ValueError):
        return  # where Python raises, Values follow IEEE 754, and constants are refused
    if isinstance(outcome, ParseError):
        assert "no variable" in outcome.problem
    else:
        assert outcome.data == pytest.approx(expected, rel=1e-9, abs=1e-9)


# ---- name=number -----------------------------------------------------------------------------------------
def test_assignments() -> None:
    words = ["x=2", "w=-3", "b = 6.88", "eps=1e-3", "θ=+.5"]
    assert assignments(words) == {"x": 2, "w": -3, "b": 6.88, "eps": 1e-3, "θ": 0.5}
    assert assignments([]) == {}
    assert parse("ﬁ*x", assignments(["ﬁ=2", "x=3"])).data == 6  # Python reads the ligature as two letters


REFUSED_WORDS = """
x
^ expected NAME=NUMBER
x=
  ^ got nothing
x=abc
  ^ expected a finite number for x, such as x=2 or x=-1e-3, got 'abc'
x=inf
  ^ finite
x=nan
  ^ finite
x=1e999
  ^ finite
x=1,5
  ^ got '1,5'
x==2
  ^ finite
=2
^ cannot be a variable's name
2=3
^ cannot be a variable's name
lambda=3
^ cannot be a variable's name
a.b=3
^ cannot be a variable's name
k=2
^ k is given twice; it is 1 already
""".strip("\n").split("\n")


@pytest.mark.parametrize(("word", "place"), list(zip(REFUSED_WORDS[::2], REFUSED_WORDS[1::2], strict=True)))
def test_assignments_refuse(word: str, place: str) -> None:
    with pytest.raises(ParseError) as caught:
        assignments(["k=1", word])
    assert (caught.value.text, caught.value.column) == (word, place.index("^") + 1)
    assert place.split("^ ")[1] in caught.value.problem


def test_a_long_word_makes_no_long_message() -> None:
    with pytest.raises(ParseError) as caught:
        assignments(["x=" + "9" * 9_000 + "y"])
    assert len(str(caught.value)) < 400
