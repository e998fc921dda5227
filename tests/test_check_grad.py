"""check_grad: what is wrong is found and named, what is right passes, and what cannot be known is called that."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx.rules import RULES
from microgradx.testing import ENGINES, GradientError, GradReport, check_grad, check_vjp_contract
from microgradx.testing.__main__ import main
from microgradx.testing.contract import CLAUSES
from microgradx.testing.tables import COLUMNS, FUNCTIONS, OWN, cells

from .table import points

X = np.array([[0.3, -1.2, 2.0], [1.0, 0.5, -0.7]])


def failure(*xs: Any, **options: Any) -> GradReport:
    with pytest.raises(GradientError) as caught:
        check_grad(*xs, **options)
    found = caught.value.report
    assert isinstance(found, GradReport)
    assert str(caught.value) == str(found)
    return found


# ---- a two-layer net by hand, and a dozen classic mistakes ------------------------------------------------
RNG = np.random.default_rng(7)
N, D, H, C = 4, 3, 5, 3
INPUTS = RNG.normal(size=(N, D))
LABELS = np.array([0, 2, 1, 2])
DECAY = 0.3
PARAMETERS = (RNG.normal(size=(D, H)), RNG.normal(size=H), RNG.normal(size=(H, C)), RNG.normal(size=C))


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    hidden = np.maximum(INPUTS @ W1 + b1, 0)
    p = softmax(hidden @ W2 + b2)
    return -np.log(p[np.arange(N), LABELS]).mean() + DECAY / 2 * (W2 * W2).sum()


def backprop(mistake: str = "") -> Callable[..., Mapping[str, Any]]:
    """The gradients of `loss`; each mistake changes one line."""

    def vjp(xs: Any, g: Any) -> Mapping[str, Any]:
        W1, b1, W2, b2 = xs
        before = INPUTS @ W1 + b1
        hidden = np.maximum(before, 0)
        p = softmax(hidden @ W2 + b2)
        target = np.eye(C)[LABELS]
        dz = (p - target) / N
        if mistake == "softmax without the target":
            dz = p / N
        if mistake == "no 1/N":
            dz = p - target
        if mistake == "sign":
            dz = (target - p) / N
        if mistake == "target one column off":
            dz = (p - np.roll(target, 1, axis=1)) / N
        dz = g * dz
        if mistake == "activation overwritten in place":
            hidden -= hidden.mean(axis=0)
        dW2 = hidden.T @ dz + g * DECAY * W2
        if mistake == "regularisation forgotten":
            dW2 = hidden.T @ dz
        if mistake == "weight of before the step":
            W2 = W2 - 0.1 * dW2
        dh = dz @ W2.T
        if mistake == "relu mask of the wrong array":
            dh = dh * (dh > 0)
        elif mistake == "relu mask forgotten":
            pass
        else:
            dh = dh * (before > 0)
        dW1 = INPUTS.T @ dh
        if mistake == "product of the transposes":
            dW1 = (dh.T @ INPUTS).reshape(W1.shape)
        db1, db2 = dh.sum(axis=0), dz.sum(axis=0)
        if mistake == "first example only":
            db1 = dh[0]
        if mistake == "bias by the wrong axis":
            db2 = dz.sum(axis=1)
        if mistake == "mean over the batch for the sum":
            db2 = dz.mean(axis=0)
        if mistake == "broadcast to all":
            db1 = np.broadcast_to(dh.sum(), b1.shape)
        if mistake == "column off by one":
            dW2 = np.roll(dW2, 1, axis=1)
        return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    return vjp


#: The arguments that are wrong, and words of the report
MISTAKES = {
    "softmax without the target": ("W1 b1 W2 b2", r"b2\[\d\]"),
    "no 1/N": ("W1 b1 W2 b2", "b2: the gradient is 4 times what it should be, throughout"),
    "sign": ("W1 b1 W2 b2", "b2: the gradient is -1 times what it should be"),
    "target one column off": ("W1 b1 W2 b2", r"W1\[\d, \d\]"),
    "activation overwritten in place": ("W2", r"W2\[\d, \d\]"),
    "regularisation forgotten": ("W2", r"W2\[\d, \d\]"),
    "weight of before the step": ("W1 b1", r"W1\[\d, \d\]"),
    "relu mask of the wrong array": ("W1 b1", r"b1\[\d\]"),
    "relu mask forgotten": ("W1 b1", r"b1\[\d\]"),
    "product of the transposes": ("W1", r"W1\[\d, \d\]"),
    "first example only": ("b1", r"b1\[\d\]"),
    "bias by the wrong axis": ("b2", r"b2: the gradient has shape \(4,\), and b2 itself \(3,\)"),
    "mean over the batch for the sum": ("b2", "b2: the gradient is 0.25 times what it should be"),
    "broadcast to all": ("b1", r"b1\[\d\]"),
    "column off by one": ("W2", "W2: the numbers are right, but each is one place from where it belongs"),
}


def test_the_right_backprop_passes() -> None:
    report = check_grad(loss, *PARAMETERS, vjp=backprop())
    assert report.resolution < 1e-9
    assert check_grad(loss, *PARAMETERS, vjp=backprop(), method="ladder").resolution < 1e-4


@pytest.mark.parametrize("method", ["auto", "ladder"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_backprop_is_found_where_it_is(mistake: str, method: Any) -> None:
    wrong, words = MISTAKES[mistake]
    report = failure(loss, *PARAMETERS, vjp=backprop(mistake), method=method)
    named = {row.where.split("[")[0] for row in report.rows if row.verdict == "FAIL"}
    named |= {fault.split(":")[0] for fault in report.faults}
    assert named == set(wrong.split())
    assert re.search(words, str(report)), str(report)
    right = backprop()(PARAMETERS, np.array(0.75))
    for name, g, n in zip(right, report.analytic, report.numeric, strict=True):
        if g is None or g.shape != n.shape:
            continue
        listed = {row.index for row in report.rows if row.where.startswith(name) and row.verdict == "FAIL"}
        assert listed == set(zip(*np.nonzero(np.abs(g - right[name]) > 1e-7), strict=True))


def test_one_entry_of_a_large_gradient_is_named_by_a_few_directions() -> None:
    def vjp(xs: Any, g: Any) -> Any:
        made = g * np.cos(xs[0])
        made[17, 3] *= 1.01
        return made

    x = np.random.default_rng(0).normal(size=(40, 30))
    report = failure(np.sin, x, vjp=vjp, directions=2)
    assert report.worst_index == (0, (17, 3))
    assert report.nfev < 500
    assert check_grad(np.sin, x, vjp=lambda xs, g: g * np.cos(xs[0]), directions=2).nfev <= 1 + 2 * 4


# ---- how small an error is seen ------------------------------------------------
class Planted:
    """This project's Tensors with gradients that are off by a factor."""

    name = "planted"
    value = staticmethod(ENGINES["microgradx"].value)

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def vjp(self, f: Any, xs: Any, g: Any) -> Any:
        return [d if d is None else self.factor * d for d in ENGINES["microgradx"].vjp(f, xs, g)]


@pytest.mark.parametrize(
    ("rule", "slot"),
    [(rule, k) for rule in RULES.values() if not rule.vectors for k, p in enumerate(rule.partials) if p],
    ids=lambda x: getattr(x, "name", str(x)),
)
def test_an_error_of_1e6_in_any_rule_is_found(rule: Any, slot: int) -> None:
    inputs = [np.array(column, float) for column in zip(*points(rule, 8), strict=True)]
    given = [mg.tensor(x) for x in inputs]
    f = lambda x: rule(*given[:slot], x, *given[slot + 1 :])
    right = check_grad(f, inputs[slot], engine=Planted(1.0))
    if not any(row.analytic for row in right.rows):
        pytest.skip("zero at all of the points: no factor of it is an error")
    assert failure(f, inputs[slot], engine=Planted(1 + 1e-6)).verdict == "FAIL"
    assert failure(f, inputs[slot], engine=Planted(1 - 1e-6)).verdict == "FAIL"


@pytest.mark.parametrize("method", ["auto", "ladder"])
@pytest.mark.parametrize("scale", [1e-6, 1e-7, 1e-12, 1e-100])
def test_a_zero_gradient_of_a_small_function_is_found(scale: float, method: Any) -> None:
    report = failure(lambda x: scale * np.sin(x), X, vjp=lambda xs, g: 0 * xs[0], method=method)
    assert report.verdict == "FAIL"
    assert "x: the gradient is zero throughout" in report.faults
    assert check_grad(lambda x: scale * np.sin(x), X, vjp=lambda xs, g: scale * g * np.cos(xs[0]), method=method)


def test_where_complex_numbers_work_an_error_of_1e9_is_found() -> None:
    failure(np.tanh, X, vjp=lambda xs, g: (1 + 1e-9) * g / np.cosh(xs[0]) ** 2)


def test_the_reported_resolution_is_what_can_be_seen() -> None:
    right: Callable[..., Any] = lambda xs, g: g * np.cos(xs[0])
    for method in ("auto", "ladder"):
        for f in (np.sin, lambda x: np.sin(x) + 1e3):
            found = check_grad(f, X, vjp=right, method=method).resolution
            failure(f, X, vjp=lambda xs, g, off=1 + 4 * found: off * right(xs, g), method=method)


def test_a_small_entry_beside_a_large_one_is_seen_as_far_as_its_own_outputs_allow() -> None:
    x = np.array([1e-5, 1e5])
    assert failure(np.square, x, vjp=lambda xs, g: 2 * g * xs[0] * [0.0, 1.0]).worst_index == (0, (0,))
    assert failure(np.square, x, vjp=lambda xs, g: 2 * g * xs[0] * [1 + 1e-6, 1.0]).worst_index == (0, (0,))
    assert check_grad(np.square, x, vjp=lambda xs, g: 2 * g * xs[0])
    x = np.array([0.0, 40.0])
    assert failure(np.exp, x, vjp=lambda xs, g: g * np.exp(xs[0]) * [0, 1]).worst_index == (0, (0,))
    assert check_grad(np.exp, x, vjp=lambda xs, g: g * np.exp(xs[0])).resolution < 1e-10


@pytest.mark.parametrize("method", ["auto", "ladder"])
def test_a_small_term_of_a_large_sum(method: Any) -> None:
    f = lambda a, b: a * 1e6 + b * 1e-4
    assert failure(f, 1.0, 1.0, vjp=lambda xs, g: (g * 1e6, g * 0.5e-4), method=method).verdict == "FAIL"
    assert check_grad(f, 1.0, 1.0, vjp=lambda xs, g: (g * 1e6, g * 1e-4), method=method)


def test_what_only_complex_numbers_see_passes_if_it_agrees_and_is_unknown_if_not() -> None:
    f = lambda a, b: a * 1e6 + b * 1e-14
    assert check_grad(f, 1.0, 1.0, vjp=lambda xs, g: (g * 1e6, g * 1e-14))
    assert failure(f, 1.0, 1.0, vjp=lambda xs, g: (g * 1e6, g * 0.5e-14)).verdict == "INCONCLUSIVE"


def test_a_pass_says_what_it_has_not_seen() -> None:
    report = check_grad(np.square, np.array([1e-5, 1e5]), vjp=lambda xs, g: 2 * g * xs[0], method="ladder")
    assert report.floor == report.bound[0][0] > 1e-5
    assert f", and one of {report.floor:.1e} itself in what is too small for that" in str(report)


# ---- no false alarms ------------------------------------------------
@given(
    st.sampled_from(sorted(FUNCTIONS)), st.integers(0, 10**6), st.sampled_from([1.0, 1e-2, 1e-4, 1e-6, 1e-8, 3.0]),
    st.sampled_from([0.0, 1.0, 1e3, 1e6, -1e8]), st.sampled_from([1.0, 1e-3, 1e-7, 1e-12, 1e5]),
    st.sampled_from(["auto", "ladder"]),
)  # fmt: skip
def test_a_right_gradient_never_fails(
    name: str, seed: int, size: float, offset: float, scale: float, method: Any
) -> None:
    f, vjp = FUNCTIONS[name]
    rng = np.random.default_rng(seed)
    x = size * rng.uniform(0.1, 2.0, 5) * (1 if name in ("log", "sqrt") else rng.choice([-1, 1], 5))
    report = check_grad(lambda x: scale * f(x) + offset, x, vjp=lambda xs, g: scale * vjp(xs[0], g), method=method,
                        allow_inconclusive=True)  # fmt: skip
    assert offset or report.verdict == "PASS"


def layer_norm(x: Any) -> Any:
    return (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean() + 1e-12)


@pytest.mark.parametrize("method", ["auto", "ladder"])
@pytest.mark.parametrize(
    ("f", "x", "vjp"),
    [
        (layer_norm, [1.0, 1.0, 1.0], lambda g: (g - g.mean()) * 1e6),
        (lambda x: np.tanh(x / 1e-10), [0.0], lambda g: g / 1e-10),
        (lambda x: x * np.exp(-((x / 1e-9) ** 2)), [0.0], lambda g: g),
        (lambda x: np.clip(x, -1e-7, 1e-7), [0.0], lambda g: g),
        (lambda x: x / np.sqrt((x * x).sum() + 1e-12), [0.0, 0.0], lambda g: g * 1e6),
    ],
)
def test_what_is_narrower_than_any_step_does_not_fail(f: Any, x: Any, vjp: Any, method: Any) -> None:
    report = check_grad(f, np.array(x), vjp=lambda xs, g: vjp(g), method=method, allow_inconclusive=True)
    assert report.verdict == ("PASS" if method == "auto" and "clip" not in report.reproducer() else "INCONCLUSIVE")
    failure(f, np.array(x), vjp=lambda xs, g: 1.1 * vjp(g))


@pytest.mark.parametrize("x", [1e5, 1e10, 1e13])
def test_a_bounded_function_of_a_large_number(x: float) -> None:
    right = lambda xs, g: g * np.cos(xs[0])
    for at in (np.array([x]), np.array([x, 1.0, 1e-3])):
        assert check_grad(np.sin, at, vjp=right)
        failure(np.sin, at, vjp=lambda xs, g: 1.001 * right(xs, g))
        assert check_grad(np.sin, at, vjp=right, method="ladder", allow_inconclusive=True).verdict != "FAIL"


def batch_norm(x: Any) -> Any:
    return (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)


def batch_norm_back(xs: Any, g: Any) -> Any:
    c = xs[0] - xs[0].mean(0)
    scale = 1 / np.sqrt((c * c).mean(0) + 1e-5)
    return scale * (g - g.mean(0) - c * scale * (g * c * scale).mean(0))


@pytest.mark.parametrize("size", [1e-6, 1e-5, 1e-4, 1e-2, 1.0])
def test_a_small_term_that_complex_numbers_get_wrong_is_no_fault_of_the_gradient(size: float) -> None:
    x = size * np.random.default_rng(0).normal(size=(5, 3))
    assert check_grad(batch_norm, x, vjp=batch_norm_back)
    failure(batch_norm, x, vjp=lambda xs, g: 1.001 * batch_norm_back(xs, g))
    assert check_grad(lambda x: x + 1e-11 * np.abs(x), np.array([1.0]), vjp=lambda xs, g: g * (1 + 1e-11))
    norm = np.linalg.norm
    assert check_grad(lambda x: np.sin(x).sum() + 1e-10 * norm(x), np.array([1.0, 2.0]),
                      vjp=lambda xs, g: g * (np.cos(xs[0]) + 1e-10 * xs[0] / norm(xs[0])))  # fmt: skip


#: (1 − cos x) / x² and log(1 + x) / x lose digits; their slopes by the series at x = 0
CANCELLING: dict[str, tuple[Any, Any]] = {
    "cos": (lambda x: (1 - np.cos(x)) / x**2, lambda x: -x / 12 + x**3 / 180 - x**5 / 6720),
    "log": (lambda x: np.log(1 + x) / x, lambda x: sum((-1) ** k * k / (k + 1) * x ** (k - 1) for k in range(1, 12))),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_a_function_that_cancels_is_not_the_gradients_fault(name: str) -> None:
    f, slope = CANCELLING[name]
    for x in 10.0 ** np.linspace(-6, -1.5, 40):
        report = check_grad(f, np.array([x]), vjp=lambda xs, g: g * slope(xs[0]), allow_inconclusive=True)
        assert report.verdict != "FAIL", str(report)
        assert report.verdict == "PASS" or x < 5e-3
    failure(f, np.array([0.03]), vjp=lambda xs, g: 1.001 * g * slope(xs[0]))


def test_what_rounds_to_half_precision_is_not_known() -> None:
    f = lambda x: np.sin(x.astype(np.float16)).astype(np.float64)
    for method in ("auto", "ladder"):
        for vjp in (lambda xs, g: g * np.cos(xs[0]), lambda xs, g: 0 * g):
            report = failure(f, np.array([0.5, 1.3]), vjp=vjp, method=method)
            assert report.verdict == "INCONCLUSIVE"


def test_an_infinite_slope_is_not_a_failure() -> None:
    assert failure(np.cbrt, np.zeros(1), vjp=lambda xs, g: g * np.inf).verdict == "INCONCLUSIVE"


def test_the_smallest_number_and_the_other_byte_order() -> None:
    vjp = lambda xs, g: g * np.exp(xs[0])
    for method in ("auto", "ladder"):
        assert check_grad(np.exp, np.array([5e-324, 1e-200]), vjp=vjp, method=method)
        assert check_grad(np.exp, np.array([1.0], ">f8"), vjp=vjp, method=method)
    assert check_vjp_contract(np.exp, np.array([1.0], ">f8"), vjp=vjp) == CLAUSES


def test_the_table_of_tolerances_has_only_zeros_for_this_project() -> None:
    found = dict(cells(48))
    assert all(wrong == 0 for name in OWN for wrong, _, _ in found[name])
    for k, column in enumerate(COLUMNS):  # and is no table of zeros
        assert any(found[name][k][0] for name in found), column.title


# ---- kinks ------------------------------------------------
RELU: Callable[[Any], Any] = lambda x: np.maximum(x, 0)


@pytest.mark.parametrize(
    ("at_0", "verdict"), [(0.0, "PASS"), (0.4, "PASS"), (1.0, "PASS"), (1.1, "FAIL"), (-0.1, "FAIL")]
)
def test_at_a_kink_clarke_accepts_what_is_between_the_slopes(at_0: float, verdict: str) -> None:
    vjp = lambda xs, g: g * np.where(xs[0] > 0, 1.0, np.where(xs[0] < 0, 0.0, at_0))
    x = np.array([-1.0, 0.0, 1.0])
    if verdict == "PASS":
        assert check_grad(RELU, x, vjp=vjp, kinks="clarke")
        report = check_grad(RELU, x, vjp=vjp, allow_inconclusive=True)
        assert (report.verdict, report.worst_index) == ("INCONCLUSIVE", (0, (1,)))
        assert not report
        assert "a kink: slopes" in failure(RELU, x, vjp=vjp).rows[1].note
    else:
        assert failure(RELU, x, vjp=vjp, kinks="clarke").verdict == "FAIL"
        assert failure(RELU, x, vjp=vjp).verdict == "FAIL"


@pytest.mark.parametrize(
    ("f", "slopes", "verdict"),
    [
        (np.maximum, (0.25, 0.75), "PASS"),
        (np.maximum, (1.0, 0.0), "PASS"),
        (np.maximum, (0.0, 0.0), "FAIL"),
        (np.maximum, (1.0, 1.0), "FAIL"),
        (lambda x, y: np.abs(x - y), (1.0, -1.0), "PASS"),
        (lambda x, y: np.abs(x - y), (0.0, 0.0), "PASS"),
        (lambda x, y: np.abs(x - y), (1.0, 1.0), "FAIL"),
        (lambda x, y: RELU(x - 1) - RELU(1 - y), (0.0, 0.0), "PASS"),  # linear along (1, 1), and yet kinked beside it
    ],
)
def test_at_a_tie_the_entries_are_judged_together(f: Any, slopes: tuple[float, float], verdict: str) -> None:
    vjp = lambda xs, g: [g * slope for slope in slopes]
    for x in (np.ones(1), np.ones(4)):
        if verdict == "PASS":
            assert check_grad(f, x, x, vjp=vjp, kinks="clarke")
        else:
            assert failure(f, x, x, vjp=vjp, kinks="clarke").rows[-1].note == "a kink in each, and none in all together"


def test_many_kinks_at_once_are_no_tie() -> None:
    matrix = np.cos(np.arange(20.0)).reshape(4, 5)
    assert check_grad(lambda x: RELU(x @ matrix).sum(), np.zeros(4), vjp=lambda xs, g: 0 * xs[0], kinks="clarke")


def test_smooth_functions_made_of_kinked_ones_have_no_kink() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    check_grad(lambda x: np.maximum(x, x), x, vjp=lambda xs, g: g)
    check_grad(lambda x: np.maximum(x, 0) - np.maximum(-x, 0), x, vjp=lambda xs, g: g)
    check_grad(lambda x: np.abs(x) * x, x, vjp=lambda xs, g: 2 * g * np.abs(xs[0]))


# ---- what is no gradient ------------------------------------------------
@pytest.mark.parametrize(
    ("vjp", "words"),
    [
        (lambda xs, g: [None], r"x: no gradient came back \(None\), and it is not zero"),
        (lambda xs, g: [g[0]], r"x: the gradient has shape \(3,\), and x itself \(2, 3\)"),
        (lambda xs, g: [(g * np.cos(xs[0])).T], r"shape \(3, 2\), and x itself \(2, 3\); its transpose has the right"),
        (lambda xs, g: [(g * np.cos(xs[0])).astype(np.float32)], "x: the gradient is float32, and x itself float64"),
        (lambda xs, g: [g * np.cos(xs[0]) * np.where(xs[0] == 0.5, np.nan, 1)], "1 of 6 numbers are not finite"),
        (lambda xs, g: [np.cos(xs[0])], r"x\[0, 1\]"),
        (lambda xs, g: [np.ones(X.shape, int)], "x: the gradient is int64, and x itself float64"),
        (lambda xs, g: [g * np.cos(xs[0]) + 0j], "x: the gradient is complex128, and x itself float64"),
        (lambda xs, g: [np.full(X.shape, None)], "x: the gradient is object, and x itself float64"),
        (lambda xs, g: [(1 + 1e-6) * g * np.cos(xs[0])], "x: the gradient is 1.000001 times what it should be"),
        (
            lambda xs, g: [2 * g * np.cos(xs[0])],
            "2 times what it should be, throughout, and 2 is the length of an axis",
        ),
        (lambda xs, g: [g * np.cos(xs[0]) * np.array([[1], [1.5]])], "x: all that is wrong is in row 1"),
        (lambda xs, g: [g * np.cos(xs[0]) * np.array([1, 1, 1.5])], "x: all that is wrong is in column 2"),
    ],
)
def test_the_words_for_what_is_wrong(vjp: Any, words: str) -> None:
    with pytest.raises(GradientError, match=words):
        check_grad(np.sin, X, vjp=vjp)


def test_the_transpose_of_a_square_gradient_is_named() -> None:
    x = np.arange(9.0).reshape(3, 3)
    with pytest.raises(GradientError, match="x: the gradient is the transpose of what it should be"):
        check_grad(lambda x: x**2, x, vjp=lambda xs, g: (2 * g * xs[0]).T)


def test_an_ignored_cotangent_is_named() -> None:
    vjp = lambda xs, g: np.cos(xs[0])
    with pytest.raises(GradientError, match=r"the cotangent is ignored; .* check with cotangent=1.0"):
        check_grad(lambda x: np.sin(x).sum(), X, vjp=vjp)
    assert check_grad(lambda x: np.sin(x).sum(), X, vjp=vjp, cotangent=1.0)


def test_none_is_as_good_as_zero_where_f_does_not_depend_on_x() -> None:
    assert check_grad(lambda x, y: x * 2, X, X, vjp=lambda xs, g: [2 * g, None])


def test_where_f_is_not_finite_nothing_is_known() -> None:
    report = failure(np.log, np.array([-1.0, 1.0]), vjp=lambda xs, g: g / xs[0])
    assert report.verdict == "INCONCLUSIVE"
    assert "log is not finite at xs" in str(report)
    report = failure(np.sqrt, np.array([0.0, 1.0]), vjp=lambda xs, g: g * 0.5 / np.sqrt(np.maximum(xs[0], 1e-300)))
    assert (report.verdict, report.worst_index) == ("INCONCLUSIVE", (0, (0,)))


def test_random_numbers_inside_of_f_are_named() -> None:
    rng = np.random.default_rng(0)
    for vjp in (lambda xs, g: g, lambda xs, g: 2 * g):
        report = failure(lambda x: x * rng.uniform(0.9, 1.1, x.shape), X, vjp=vjp)
        assert report.verdict == "INCONCLUSIVE"
        assert report.faults[0].startswith("f gives other values for the same xs: seed its random numbers")


def test_a_constant_has_a_gradient_of_zeros() -> None:
    report = check_grad(lambda x: np.ones(2), X, vjp=lambda xs, g: [None])
    assert report.resolution == 0


def test_what_is_hidden_by_rounding_is_inconclusive() -> None:
    f, vjp = lambda x: 1e-9 * np.sin(x) + 1e6, lambda xs, g: 1e-9 * g * np.cos(xs[0])
    assert failure(f, X, vjp=vjp, method="ladder").verdict == "INCONCLUSIVE"
    assert not check_grad(f, X, vjp=vjp, method="ladder", allow_inconclusive=True)


# ---- shapes and dtypes ------------------------------------------------
@given(st.lists(st.integers(0, 3), max_size=3), st.integers(0, 999))
def test_every_shape(shape: list[int], seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=shape)
    report = check_grad(np.sin, x, vjp=lambda xs, g: g * np.cos(xs[0]))
    assert report.numeric[0].shape == report.bound[0].shape == tuple(shape)
    assert report
    assert len(report.rows) == x.size


def test_single_precision() -> None:
    x = X.astype(np.float32)
    assert check_grad(np.tanh, x, vjp=lambda xs, g: (g / np.cosh(xs[0]) ** 2).astype(np.float32))
    failure(np.tanh, x, vjp=lambda xs, g: (1.01 * g / np.cosh(xs[0]) ** 2).astype(np.float32))
    assert check_grad(mg.sigmoid, mg.tensor([0.5, -3.0]))


# ---- the report ------------------------------------------------
def wrong_square(xs: Any, g: Any) -> Any:
    return g * xs[0] * FACTOR


FACTOR = 3.0


def square(x: Any) -> Any:
    return x * x


def test_the_report_prints_a_table() -> None:
    lines = str(failure(square, np.array([1.0, -0.5]), vjp=wrong_square)).splitlines()
    assert lines[0] == "FAIL: the gradient of square by x: 2 of 2 numbers are wrong"
    assert lines[1] == "  x: the gradient is 1.5 times what it should be, throughout"
    assert lines[3].split("  ")[0] == "where"
    assert lines[4].split()[:3] in (["x[0]", "2.25", "1.5"], ["x[1]", "2.05078125", "1.3671875"])


def run(code: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(mg.__file__).parent.parent)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)


def test_the_reproducer_fails_alike_on_its_own() -> None:
    x = np.array([0.1, 1 / 3, 1e-300])
    report = failure(square, x, vjp=wrong_square, cotangent=np.array([1.0, 2.0, 3.0]))
    assert repr(1 / 3) in report.reproducer()
    assert report.reproducer() in str(report)
    found = run(report.reproducer())
    assert found.returncode == 1
    assert "x: the gradient is 1.5 times what it should be" in found.stderr


def test_a_lambda_is_printed_by_its_expression() -> None:
    outer = np.array([2.0, 4.0])
    report = failure(lambda x: outer * np.sin(x), np.ones(2), vjp=lambda xs, g: g * np.sin(xs[0]))
    assert "f = lambda x: outer * np.sin(x)\n" in report.reproducer()
    assert "FAIL: the gradient of f by x" in run(report.reproducer()).stderr


def test_the_reproducer_names_the_engine() -> None:
    report = failure(lambda x: x * x.detach(), np.array([1.0, 2.0]), order=1, seed=3)
    assert "check_grad(f, x_x, seed=3, engine='microgradx')" in report.reproducer()
    assert "FAIL" in run(report.reproducer()).stderr


def test_pytest_shows_the_report_and_not_the_checker(pytester_like: Path) -> None:
    test = pytester_like / "test_mine.py"
    test.write_text(
        "import numpy as np\nfrom microgradx.testing import check_grad\n\n\ndef test_square():\n"
        "    check_grad(np.square, np.ones(2), vjp=lambda xs, g: g * xs[0])\n"
    )
    root = str(Path(mg.__file__).parent.parent)
    found = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)], cwd=root,
                           capture_output=True, text=True, check=False)  # fmt: skip
    assert "FAIL: the gradient of square by x: 2 of 2 numbers are wrong" in found.stdout
    assert "x[1]" in found.stdout
    assert "check.py" not in found.stdout.split("short test summary")[0]


@pytest.fixture
def pytester_like(tmp_path: Path) -> Path:
    return tmp_path


# ---- wrong usage ------------------------------------------------
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: check_grad(3, X), TypeError, "f must be a function of arrays, got int"),
        (lambda: check_grad(np.sin, "x"), TypeError, "argument 0 must be an array of real numbers, got <U1"),
        (lambda: check_grad(np.sin, 2), TypeError, "nothing to differentiate by.*int64.*2.0 is a float"),
        (lambda: check_grad(np.sin, 1.0, order=3), ValueError, "got order=3"),
        (lambda: check_grad(np.sin, 1.0, kinks="ignore"), ValueError, "kinks='ignore'"),
        (lambda: check_grad(np.sin, 1.0, directions=0), ValueError, "directions=0"),
        (lambda: check_grad(mg.sin, 1.0, method="best"), ValueError, "method must be one of auto, complex, ladder"),
        (lambda: check_grad(np.sin, 1.0, engine="theano"), ValueError, "'jax' or an object .* got 'theano'"),
        (lambda: check_grad(np.sin, 1.0, engine="torch", vjp=lambda xs, g: g), ValueError, "two answers"),
        (lambda: check_grad(np.sin, 1.0, vjp=lambda xs, g: g, cotangent=[1.0]), ValueError, r"\(\), got \(1,\)"),
        (lambda: check_grad(np.sin, 1.0, vjp=lambda xs, g: g, cotangent=0.0), ValueError, "any gradient .* would pass"),
        (lambda: check_grad(np.sin, 1.0, vjp=lambda xs, g: g, cotangent=np.nan), ValueError, "finite.*got nan"),
        (lambda: check_grad(np.sin, 1.0, vjp=3), TypeError, r"function of \(xs, cotangent\), got int"),
        (lambda: check_grad(np.sin, 1.0, engine=None), TypeError, "name, value and vjp, got NoneType"),
        (lambda: check_grad(np.sin, 1.0, directions="some"), ValueError, "directions='some'"),
        (lambda: check_grad(np.sin, 1.0, resolution=-1), ValueError, "a number above 0 such as 1e-4; got -1"),
        (lambda: check_grad(np.sin, 1.0, vjp=lambda xs, g: {"y": g}), ValueError, "gradient for 'y', .* of f are 'x"),
        (lambda: check_grad(np.sin, X), TypeError, "sin is NumPy's own and has no gradient; give vjp="),
        (lambda: check_grad(lambda x: X, X), TypeError, "must give a Tensor, got ndarray.*give vjp="),
        (lambda: check_grad(np.exp, 0.0, vjp=lambda xs, g: g * np.exp(xs[0]), order=2), TypeError, "numpy cannot do"),
        (lambda: check_vjp_contract(np.sin, 1.0, skip=["views"]), ValueError, "skip takes .* got views"),
    ],
)  # fmt: skip
def test_wrong_usage_says_what_was_expected(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_an_error_of_f_says_which_library_it_was_taken_for() -> None:
    with pytest.raises(RuntimeError) as caught:
        check_grad(lambda x: np.sin(x), X)
    assert "taken for a function of microgradx; if it is for another library, give engine=" in caught.value.__notes__[0]


# ---- the contract ------------------------------------------------
def times(x: Any, y: Any) -> Any:
    return x * y


def mutating(x: Any, y: Any) -> Any:
    y += 1
    return x * y


CALLS: list[float] = []


def drifting(xs: Any, g: Any) -> Any:
    CALLS.append(1.0)
    return [g * xs[1] + len(CALLS), g * xs[0]]


BREACHES: dict[str, tuple[Any, Any, str]] = {
    "shape": (times, lambda xs, g: [(g * xs[1])[:1], g * xs[0]], r"gradient of x has shape \(1, 3\), and x itself \(2"),
    "dtype": (
        times,
        lambda xs, g: [g * xs[1], (g * xs[0]).astype("f4")],
        "gradient of y is float32, and y itself float64",
    ),
    "linear": (times, lambda xs, g: [np.abs(g) * xs[1], g * xs[0]], r"vjp\(2·u − 3·v\) is not .* for x"),
    "mutation": (mutating, lambda xs, g: [g * xs[1], g * xs[0]], r"f has changed y\[0, 0\]"),
    "aliasing": (
        times,
        lambda xs, g: [h := g * xs[1] * xs[0], h],
        "gradient of y shares memory with the gradient of x",
    ),
    "view": (lambda x, y: x.T, lambda xs, g: [g.T, 0 * xs[1]], "f's output shares memory with x"),
    "strided": (times, lambda xs, g: [g * xs[1], np.ravel(g * xs[0], "K").reshape(2, 3)], "another gradient of y"),
    "repeatable": (times, drifting, "a second call gives another gradient of x"),
}


def test_every_clause_has_a_breach() -> None:
    assert set(BREACHES) == set(CLAUSES)


@pytest.mark.parametrize("clause", BREACHES)
def test_a_breach_is_named(clause: str) -> None:
    f, vjp, words = BREACHES[clause]
    with pytest.raises(GradientError, match=f"{clause}: .*{words}"):
        check_vjp_contract(f, X.copy(), X + 1, vjp=vjp)


def test_a_vjp_that_writes_to_its_cotangent() -> None:
    with pytest.raises(GradientError, match=r"the vjp has changed the cotangent\[0\]"):
        check_vjp_contract(np.sin, np.ones(2), vjp=lambda xs, g: np.multiply(g, np.cos(xs[0]), out=g))


def test_a_vjp_that_gives_one_buffer_at_every_call() -> None:
    buffer = np.empty(3)
    with pytest.raises(GradientError, match="the gradient of x shares memory with that of the call before"):
        check_vjp_contract(lambda x: x * 2, np.ones(3), vjp=lambda xs, g: np.multiply(g, 2, out=buffer))


def test_an_infinite_gradient_is_linear_too() -> None:
    x = np.array([0.0, 1.0, 4.0, 9.0])
    with np.errstate(divide="ignore"):
        assert check_vjp_contract(np.sqrt, x, vjp=lambda xs, g: g * 0.5 / np.sqrt(xs[0])) == CLAUSES
        with pytest.raises(GradientError, match="linear"):
            check_vjp_contract(np.sqrt, x, vjp=lambda xs, g: np.abs(g) * 0.5 / np.sqrt(xs[0]))


def test_a_vjp_that_keeps_to_it() -> None:
    assert check_vjp_contract(times, X, X + 1, vjp=lambda xs, g: [g * xs[1], g * xs[0]]) == CLAUSES


# ---- the commands ------------------------------------------------
def test_the_table_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "--checks", "16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split("  ")[0] == "microgradx"
    assert len(lines) == 9


@pytest.mark.parametrize("argv", [[], ["tables"], ["table", "--checks", "3"], ["table", "--nonsense"]])
def test_wrong_commands_exit_with_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2


def test_importing_the_project_does_not_import_its_tests() -> None:
    code = "import sys, microgradx; print(sorted(m for m in sys.modules if 'testing' in m and 'microgradx' in m))"
    assert run(code).stdout.strip() == "[]"
    others = "{'torch', 'autograd', 'mygrad', 'jax', 'hypothesis', 'mpmath', 'scipy'}"
    assert run(f"import sys, microgradx.testing; print({others} & set(sys.modules))").stdout.strip() == "set()"


def test_what_jumps_once_is_no_staircase() -> None:
    """The gradient of hardtanh, as a function of x: flat, with jumps within the reach of the steps."""
    slope = lambda x: np.where(abs(x) < 0.3, 1.0, 0.0) * np.array([1.0, -0.5, 0.25])
    x = np.array([0.2, 0.31, -0.28])
    assert check_grad(slope, x, vjp=lambda xs, g: 0 * g, method="ladder").verdict == "PASS"
    assert check_grad(slope, x, vjp=lambda xs, g: 0 * g, method="ladder", directions=1).verdict == "PASS"
