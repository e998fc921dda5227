"""No warning of NumPy's comes out of an operation: in many threads, within another one, with NumPy set to raise."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

import microgradx as mg
from microgradx.quiet import IGNORE, apart, enter, leave, quietly


def infinities() -> list[float]:
    x = mg.zeros(3, requires_grad=True)
    y = x.log()
    y.sum().backward()
    assert x.grad is not None
    return [*y.tolist(), *x.grad.tolist()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("how", ["warn", "raise", "ignore"])
def test_operations_follow_ieee_754_whatever_numpy_is_set_to(how: str) -> None:
    with np.errstate(all=how):
        assert infinities() == [-np.inf] * 3 + [np.inf] * 3
        assert np.geterr()["divide"] == how


@pytest.mark.filterwarnings("error")
def test_an_operation_within_another() -> None:
    """As from a signal's handler: the place for quiet work is taken."""
    assert apart(infinities) == [-np.inf] * 3 + [np.inf] * 3
    with pytest.raises(RuntimeError, match="cannot enter context"):
        apart(apart, infinities)
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(2\) must match the size of tensor b \(3\)"):
        apart(lambda: mg.ones(2) * mg.ones(3))


@pytest.mark.filterwarnings("error")
def test_operations_in_many_threads() -> None:
    found: list[list[float]] = []
    expected = infinities()

    def work() -> None:
        a = mg.ones(300, 300)
        for _ in range(40):
            (a @ a).sum()  # lets the others in meanwhile
            found.append(infinities())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 240


def test_the_setting_is_as_it_was() -> None:
    before = np.geterr()
    with pytest.raises(ZeroDivisionError):
        quietly(lambda: 1 / 0)
    token = enter(IGNORE)
    assert set(np.geterr().values()) == {"ignore"}
    leave(token)
    assert np.geterr() == before
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.log(np.zeros(1))
    assert len(caught) == 1
