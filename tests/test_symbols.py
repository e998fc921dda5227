"""Rules as text: what is printed is short, and evaluates to the rule's own numbers in Python and JavaScript."""

from __future__ import annotations

import ast
import json
import math
import operator
import re
import shutil
import subprocess
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradx import symbols, worlds
from microgradx.rules import RULES, Rule
from microgradx.symbols import Symbol

from .table import flat, points

each_rule = pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no JavaScript engine: install node to run the page's formulas")


def names(rule: Rule) -> list[Any]:
    return [tuple(f"{n}{i}" for i in range(3)) if k < rule.vectors else n for k, n in enumerate(rule.inputs)]


def formulas(rule: Rule) -> list[tuple[Symbol, int | None, int | None]]:
    """The rule's value and each of its partials, with the slot and the element that it is by."""
    found: list[tuple[Symbol, int | None, int | None]] = [(symbols.value(rule, *names(rule)), None, None)]
    inputs = [tuple(map(symbols.symbol, n)) if isinstance(n, tuple) else symbols.symbol(n) for n in names(rule)]
    for slot, name in enumerate(inputs):
        if (formula := rule.partials[slot]) is not None:
            p = formula(symbols.symbols, symbols.symbol("y"), *inputs)
            found += (
                [(symbols.symbol(p[i]), slot, i) for i in range(3)]
                if isinstance(name, tuple)
                else [(symbols.symbol(p), slot, None)]
            )
    return found


def cases(rule: Rule) -> list[tuple[Symbol, dict[str, float], float]]:
    """(formula, the numbers of its names, what it must give) at some points."""
    found = []
    for xs in points(rule, 4):
        y = worlds.run(rule, *xs)
        numbers = dict(
            zip([e for n in names(rule) for e in (n if isinstance(n, tuple) else (n,))], flat(xs), strict=True), y=y
        )
        for formula, slot, element in formulas(rule):
            want = y if slot is None else worlds.partial(rule, slot, *xs, y=y)
            found.append((formula, numbers, float(want if element is None else want[element])))
    return found


def python_namespace() -> dict[str, Any]:
    space: dict[str, Any] = {**vars(math), "abs": abs, "max": max, "min": min}
    for rule in RULES.values():
        if rule.name not in worlds.PRIMITIVES:
            space[rule.name] = eval(f"lambda {', '.join(rule.inputs)}: {symbols.value(rule)}", space)
    return space


@each_rule
def test_python_text_gives_the_same_number(rule: Rule) -> None:
    space = python_namespace()
    for formula, numbers, want in cases(rule):
        assert eval(str(formula), {**space, **numbers}) == pytest.approx(want, rel=1e-12, abs=1e-300), str(formula)


SPECIAL = """
const erf = x => { let t = x, s = x; for (let n = 1; n < 200; n++) { t *= 2*x*x/(2*n + 1); s += t; }
                   return 2/Math.sqrt(Math.PI)*Math.exp(-x*x)*s; };
const erfc = x => 1 - erf(x);
"""


def javascript(texts: list[str]) -> list[Any]:
    """Each expression's value, by node, with every rule of the table at hand."""
    rules = [f"const {r.name} = ({', '.join(r.inputs)}) => {symbols.text(symbols.value(r), 'javascript')};"
             for r in RULES.values() if r.name not in worlds.PRIMITIVES and not r.vectors]  # fmt: skip
    program = SPECIAL + "\n".join(rules) + f"\nconsole.log(JSON.stringify([{', '.join(texts)}]));"
    assert NODE
    ran = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


def in_javascript(formula: Symbol, numbers: dict[str, float]) -> str:
    return (
        f"(({', '.join(numbers)}) => {symbols.text(formula, 'javascript')})({', '.join(map(repr, numbers.values()))})"
    )


@needs_node
def test_javascript_text_gives_the_same_number() -> None:
    todo = [case for rule in RULES.values() for case in cases(rule)]
    for (formula, numbers, want), got in zip(todo, javascript([in_javascript(f, n) for f, n, _ in todo]), strict=True):
        assert got == pytest.approx(want, rel=1e-12, abs=1e-14), (str(formula), numbers)


MATHML = {"mfrac", "mrow", "mi", "mn", "mo", "msub", "msup", "mtext"}


@each_rule
def test_mathml_is_well_formed_and_portable(rule: Rule) -> None:
    for formula, _, _ in formulas(rule):
        found = list(ElementTree.fromstring(f"<math>{symbols.text(formula, 'mathml')}</math>").iter())[1:]
        assert {e.tag for e in found} <= MATHML
        for e in found:  # a leaf holds text, a fraction and a script two elements
            assert (len(e) == 2) if e.tag in ("mfrac", "msub", "msup") else (len(e) > 0) == (e.tag == "mrow")


def test_mathml_of_a_name_is_escaped() -> None:
    assert symbols.text(symbols.symbol("a<b&c"), "mathml") == "<mi>a&lt;b&amp;c</mi>"


@pytest.mark.parametrize(("formula", "python", "text"), [
    (symbols.partial("tanh", 0), "1 - y*y", "1 − y·y"), (symbols.partial("div", 0), "1/b", "1/b"),
    (symbols.partial("div", 1), "-y/b", "−y/b"), (symbols.partial("mul", 0), "b", "b"),
    (symbols.partial("add", 0), "1", "1"),
    (symbols.partial("sub", 1), "-1", "−1"), (symbols.partial("reciprocal", 0), "-y*y", "−y·y"),
    (symbols.partial("square", 0), "2*x", "2·x"),
    (symbols.partial("sqrt", 0), "1/(2*y)", "1/(2·y)"), (symbols.partial("cos", 0), "-sin(x)", "−sin(x)"),
    (symbols.partial("pow", 0), "0 if b == 0 else b*a**(b - 1)", "0 if b = 0, else b·a^(b − 1)"),
    (symbols.partial("hypot", 1), "b/y", "b/y"),
    (symbols.value("dot", ("u", "v"), ("p", "q"), "b"), "u*p + v*q + b", "u·p + v·q + b"),
    (symbols.value("relu"), "max(0, x)", "max(0, x)"),
    (symbols.value("leaky_relu"), "x if x > 0 else negative_slope*x", "x if x > 0, else negative_slope·x"),
    (symbols.value("maximum"), "max(a, b)", "max(a, b)"),
])  # fmt: skip
def test_formulas_print_as_one_would_write_them(formula: Symbol, python: str, text: str) -> None:
    assert (str(formula), symbols.text(formula, "text")) == (python, text)


def test_a_condition_has_no_derivative() -> None:
    assert symbols.partial("where", 0) is None


@each_rule
def test_no_parentheses_could_be_left_out(rule: Rule) -> None:
    for formula, _, _ in formulas(rule):
        text = str(formula)
        assert needless_parentheses(text) == [], text


def needless_parentheses(text: str) -> list[str]:
    """Shorter texts that mean the same: one pair of parentheses removed, the tree the same."""
    found = []
    for opening in (m.start() for m in re.finditer(r"(?<!\w)\(", text)):
        depth, closing = 1, opening
        while depth:
            closing += 1
            depth += {"(": 1, ")": -1}.get(text[closing], 0)
        shorter = text[:opening] + text[opening + 1 : closing] + text[closing + 1 :]
        try:
            if ast.dump(ast.parse(shorter)) == ast.dump(ast.parse(text)):
                found.append(shorter)
        except SyntaxError:
            pass
    return found


# ---- any tree of symbols ---------------------------------------------------------------------------------
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
leaves = st.sampled_from(["a", "b", "c"]) | st.sampled_from([0.5, 3.0, -2.0])
trees = st.recursive(
    leaves,
    lambda t: st.tuples(st.sampled_from([*OPERATIONS, "where"]), t, t) | st.tuples(st.just("neg"), t),
    max_leaves=9,
)
NUMBERS = {"a": 1.7, "b": -0.3, "c": 2.9}


def evaluated(tree: Any, leaf: Any) -> Any:
    """The tree run on what `leaf` makes of its names and numbers: floats or symbols."""
    if not isinstance(tree, tuple):
        return leaf(tree)
    op, *operands = (tree[0], *(evaluated(t, leaf) for t in tree[1:]))
    if op == "where":
        a, b = operands
        return symbols.symbols.where(a < b, a, b) if isinstance(a, Symbol) else a if a < b else b
    return -operands[0] if op == "neg" else OPERATIONS[op](*operands)


@given(trees)
def test_a_tree_prints_as_what_it_computes(tree: Any) -> None:
    try:
        want = evaluated(tree, lambda x: NUMBERS.get(x, x))
    except ZeroDivisionError:
        return
    printed = str(evaluated(tree, symbols.symbol))
    assert eval(printed, dict(NUMBERS)) == want  # to the last bit: the order of operations is kept
    assert needless_parentheses(printed) == []


@needs_node
def test_trees_print_as_javascript_that_computes_the_same() -> None:
    found: list[tuple[str, float]] = []

    @given(trees)
    def collect(tree: Any) -> None:
        try:
            want = evaluated(tree, lambda x: NUMBERS.get(x, x))
        except ZeroDivisionError:
            return
        found.append((in_javascript(evaluated(tree, symbols.symbol), NUMBERS), want))

    collect()
    assert javascript([text for text, _ in found]) == pytest.approx([want for _, want in found], rel=1e-15)


def test_double_negation_is_not_a_decrement_in_javascript() -> None:
    a, b = symbols.symbol("a"), symbols.symbol("b")
    assert "--" not in symbols.text(-(-a * b), "javascript")


def test_numbers_that_have_no_literal() -> None:
    numbers = [math.inf, -math.inf, math.nan, -0.0, 1e308, 3.0]
    assert [symbols.text(symbols.symbol(x), "javascript") for x in numbers] == [
        "Infinity",
        "-Infinity",
        "NaN",
        "-0.0",
        "1e+308",
        "3",
    ]


def test_a_rule_with_an_if_says_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"use xp\.where"):
        bool(symbols.symbol("x") > 0)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no rule or primitive is called 'tnah'"):
        symbols.symbols.tnah("x")


def test_the_negative_of_a_sum_needs_one_pair_of_parentheses() -> None:
    a, b = symbols.symbol("a"), symbols.symbol("b")
    assert [str(a + -(a + b)), str(a * -(a + b)), str(-(a * b) + a), str(-a * b)] == [
        "a + -(a + b)", "a*-(a + b)", "-a*b + a", "-a*b"]  # fmt: skip
