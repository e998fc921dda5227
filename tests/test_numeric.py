"""Numeric derivatives: their bounds hold, they know when they know nothing, and they see kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradx.testing import numeric_directional, numeric_grad
from microgradx.testing.numeric import Point, cotangent_for

#: f, f', and an interval to sample from
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], tuple[float, float]]] = {
    "sin": (np.sin, np.cos, (-10, 10)),
    "exp": (np.exp, np.exp, (-20, 20)),
    "log": (np.log, lambda x: 1 / x, (1e-6, 50)),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), (1e-6, 50)),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2, (1e-6, 50)),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, (-12, 12)),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, (-10, 10)),
    "fast": (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x), (-3, 3)),
    "steep": (lambda x: np.arctan(100 * x), lambda x: 100 / (1 + 1e4 * x * x), (-1, 1)),
    "at the edge": (np.arcsin, lambda x: 1 / np.sqrt((1 - x) * (1 + x)), (-0.9999, 0.9999)),
    "small": (lambda x: 1e-7 * np.sin(x), lambda x: 1e-7 * np.cos(x), (-3, 3)),
    "offset": (lambda x: np.sin(x) + 1e6, np.cos, (-3, 3)),
    "rounds inside": (lambda x: (np.sin(x) + 1e5) - 1e5, np.cos, (-3, 3)),
    "cancels": (lambda x: x**3 - 3 * x**2 + 3 * x - 1, lambda x: 3 * (x - 1) ** 2, (0.5, 1.5)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: float(x > 0), (-1, 1)),
    "kink nearby": (lambda x: abs(x - 1), lambda x: math.copysign(1, x - 1), (0.9, 1.1)),
}


def samples(low: float, high: float, count: int = 40) -> list[float]:
    """Uniform, and of all sizes down to 1e-8 or the lower end."""
    rng = np.random.default_rng(0)
    uniform = rng.uniform(low, high, count)
    sizes = uniform * 10.0 ** rng.uniform(-8, 0, count) if low < 0 else low * (high / low) ** rng.uniform(0, 1, count)
    return [*uniform.tolist(), *sizes.tolist()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_ladders_bound_holds(name: str) -> None:
    f, slope, interval = FUNCTIONS[name]
    for x in samples(*interval):
        found = Point(f, [x], 1.0).line([(0, 0, 1.0)]).thorough()
        low, high = found.hull
        assert low <= float(slope(np.float64(x))) <= high, x


@pytest.mark.parametrize("name", ["sin", "exp", "log", "sqrt", "reciprocal", "cube", "small", "fast"])
def test_the_bound_is_close(name: str) -> None:
    f, slope, interval = FUNCTIONS[name]
    at = samples(*interval)[:40]
    values, bounds = numeric_grad(f, np.array(at), method="ladder", cotangent=np.ones(40))
    exact = slope(np.array(at))
    assert np.median(bounds[0] / np.abs(exact)) < 1e-6
    assert np.median(np.abs(values[0] - exact) / np.abs(exact)) < 1e-10


@pytest.mark.parametrize("x", [1e5, 1e8, 1e10, 1e13])
def test_steps_that_a_large_x_swallows_tell_nothing(x: float) -> None:
    values, bounds = numeric_grad(np.sin, x, cotangent=1.0)
    assert abs(values[0] - np.cos(x)) <= bounds[0] < 1e-8
    low, high = Point(np.sin, [x], 1.0).line([(0, 0, 1.0)]).thorough().hull
    assert math.isnan(low) or low <= np.cos(x) <= high


@pytest.mark.parametrize("width", [1e-6, 1e-8, 1e-10])
def test_what_is_narrower_than_the_ladders_steps_is_measured_or_unknown(width: float) -> None:
    for f in (lambda x: np.tanh(x / width), lambda x: np.clip(x / width, -1, 1), lambda x: np.sin(x / width)):
        for method in ("auto", "ladder"):
            values, bounds = numeric_grad(f, 0.0, method=method, cotangent=1.0)
            assert math.isinf(bounds[0]) or abs(values[0] - 1 / width) <= bounds[0]


@pytest.mark.parametrize("size", [1e-6, 1e-9, 1e-12, 1e-15])
def test_the_bound_of_a_complex_step_covers_small_terms_that_it_gets_wrong(size: float) -> None:
    x = np.array([1.0, -2.0, 0.3])
    for g, slope in ((np.abs, np.sign(x)), (lambda x: np.real(x) ** 2, 2 * x), (lambda x: x * np.conj(x), 2 * x)):
        values, bounds = numeric_grad(lambda x, g=g: np.sin(x) + size * g(x).real, x, cotangent=np.ones(3))
        assert (np.abs(values[0] - np.cos(x) - size * slope) <= bounds[0]).all()
        assert (bounds[0] < 1e-8).all() or size > 1e-9


def test_a_scale_that_sees_no_kink_does_not_speak_for_one_that_cannot_see() -> None:
    x = np.array([4e-9, 7e-7, 3e-5, 2.0])  # |x| on a circle around 0 is constant, and smooth to a large radius
    for f in (lambda x: np.sin(x) + 1e-8 * np.abs(x), lambda x: np.sqrt(np.abs(x) ** 2 + 1e-10) + x):
        values, bounds = numeric_grad(f, x, cotangent=np.ones(4))
        exact = np.cos(x) + 1e-8 if f(0.0) == 0 else x / np.sqrt(x * x + 1e-10) + 1
        assert (np.abs(values[0] - exact) <= bounds[0]).all()


def test_a_rounding_error_that_stays_the_same_nearby_is_seen_from_afar() -> None:
    values, bounds = numeric_grad(lambda x: np.log(1 + x) / x, 5.544201743486818e-08, cotangent=1.0)
    assert abs(values[0] + 0.49999996) <= bounds[0]


def test_the_complex_step_is_exact() -> None:
    x = np.array([[0.5, -2.0, 30.0]])
    values, bounds = numeric_grad(np.tanh, x, method="complex", cotangent=np.ones((1, 3)))
    np.testing.assert_allclose(values[0], 1 / np.cosh(x) ** 2, rtol=1e-14)
    assert (bounds[0] < 1e-12).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.abs(x) * np.cos(x),
        lambda x: np.linalg.norm(x) * x,
        lambda x: (x * x.conj()) * x,
        lambda x: x.astype(np.float64, copy=True) ** 2,
        lambda x: np.array([x.var(), x.std()]),
        lambda x: np.real(x) ** 2 + x,
        lambda x: x + np.vdot(x, x),
    ],
)
def test_a_complex_step_that_lies_is_caught(f: Callable[[Any], Any]) -> None:
    x = np.array([0.7, -1.3, 2.1])
    values, bounds = numeric_grad(f, x)
    real, real_bounds = numeric_grad(f, x, method="ladder")
    assert (np.abs(values[0] - real[0]) <= bounds[0] + real_bounds[0]).all()
    with pytest.raises(ValueError, match="method='complex'"):
        numeric_grad(f, x, method="complex")


def test_an_entry_that_the_direction_cannot_vouch_for_is_measured_by_itself() -> None:
    f = lambda x: 1e9 * x[0] + np.real(x[1] ** 2)  # which has no imaginary part of the second
    values, _ = numeric_grad(f, np.array([1.0, 3.0]), cotangent=1.0)
    assert values[0][1] == pytest.approx(6.0, rel=1e-3)


def test_a_slope_at_a_kink_is_between_those_of_its_sides() -> None:
    values, bounds = numeric_grad(lambda x: np.maximum(3 * x, -x), np.zeros(2), method="ladder", cotangent=np.ones(2))
    np.testing.assert_allclose(values[0], 1.0, rtol=1e-6)
    np.testing.assert_allclose(bounds[0], 2.0, rtol=1e-6)


def test_where_f_leaves_its_domain_the_smaller_steps_count() -> None:
    values, bounds = numeric_grad(np.log, np.array([1e-5]), method="ladder", cotangent=[1.0])
    assert abs(values[0][0] - 1e5) <= bounds[0][0] <= 1e-2
    values, bounds = numeric_grad(np.sqrt, np.array([0.0]), method="ladder", cotangent=[1.0])
    assert math.isinf(bounds[0][0])


def test_empty_and_0d_and_constants() -> None:
    values, bounds = numeric_grad(lambda x, s, i: x[i] * s, np.zeros((0, 3)), 2.0, np.zeros(0, int))
    assert values[0].shape == bounds[0].shape == (0, 3)
    assert values[1].shape == ()
    assert values[1] == 0
    assert np.isnan(values[2]).all()


def test_float32_functions_have_float32_bounds() -> None:
    values, bounds = numeric_grad(lambda x: np.sin(x.astype(np.float32)), np.array([0.5, 2.0]), cotangent=np.ones(2))
    assert (np.abs(values[0] - np.cos([0.5, 2.0])) <= bounds[0]).all()
    assert (bounds[0] < 1e-2).all()


def test_f_gets_arrays_of_its_own() -> None:
    def f(x: Any) -> Any:
        x *= 2
        return x

    x = np.array([1.0, 2.0])
    values, _ = numeric_grad(f, x, cotangent=[1.0, 1.0])
    assert x.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(values[0], 2.0, rtol=1e-7)


def test_four_evaluations_are_enough_where_there_is_no_doubt() -> None:
    point = Point(np.sin, [0.5], 1.0)
    point.line([(0, 0, 1.0)]).measure(lambda slope: slope.bound < 1e-6)
    assert point.nfev == 1 + 4


def test_along_a_direction() -> None:
    xs, v = [np.array([1.0, 2.0]), np.array(3.0)], [np.array([0.5, 0.0]), np.array(-1.0)]
    value, bound = numeric_directional(lambda x, s: x * s, xs, v, cotangent=np.array([2.0, 1.0]))
    assert abs(value - (2 * (0.5 * 3 - 1.0) - 2.0)) <= bound < 1e-8
    assert numeric_directional(np.sin, [1.0], [0.0]) == (0.0, 0.0)


def test_cotangents_are_distinct_and_never_one() -> None:
    w = cotangent_for((5, 7))
    assert w.shape == (5, 7)
    assert len(set(np.abs(w).ravel().tolist())) == 35
    assert 1.0 not in np.abs(w)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: numeric_grad(np.sin, 1.0, method="forward"), ValueError, "complex, ladder, got 'forward'"),
        (lambda: numeric_grad(lambda x: x > 0, 1.0), TypeError, "real floats, got bool"),
        (lambda: numeric_grad(np.sin, np.ones(3), cotangent=np.ones(2)), ValueError, r"\(3,\), got \(2,\)"),
        (lambda: numeric_directional(np.sin, [1.0], [np.ones(2)]), ValueError, r"1 arrays of shapes \[\(\)\]"),
        (lambda: numeric_grad(lambda x: x[x > 1], np.array([1.0, 2.0]), method="ladder"), ValueError, "one shape"),
    ],
)
def test_what_cannot_be_measured_is_refused(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()
