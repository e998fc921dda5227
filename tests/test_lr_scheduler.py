"""Learning-rate schedules against PyTorch: its stored rates everywhere, resumed ones where it is installed."""

from __future__ import annotations

import copy
import json
import math
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx import optim
from microgradx.optim import lr_scheduler
from microgradx.value import Value
from tests.oracle.optim import FILE, METRICS, PLATEAUS, SCHEDULERS, SCHEDULES, schedule, signatures, two_groups

STORED = json.loads(FILE.read_text(encoding="utf-8"))
each_schedule = pytest.mark.parametrize("text", SCHEDULES)


def near(found: list[list[float]], expected: list[list[float]]) -> None:
    flat = [x for row in expected for x in row]
    assert [x for row in found for x in row] == pytest.approx(flat, rel=1e-12, abs=1e-300)


@each_schedule
def test_rates_are_pytorchs(text: str) -> None:
    near(schedule(mg, text, two_groups(mg)), STORED["schedules"][text])


@pytest.mark.parametrize("text", PLATEAUS)
def test_plateaus_are_pytorchs(text: str) -> None:
    near(schedule(mg, text, two_groups(mg), [(x,) for x in METRICS]), STORED["plateaus"][text])


def test_every_schedule_is_tested() -> None:
    tested = " ".join([*SCHEDULES, *PLATEAUS])
    assert [name for name in lr_scheduler.__all__ if name not in tested] == ["LRScheduler"]
    assert lr_scheduler.__all__ == SCHEDULERS


@pytest.mark.parametrize("name", SCHEDULERS)
def test_signatures_are_pytorchs(name: str) -> None:
    assert signatures(mg)[name] == STORED["signatures"][name]


# ---- by hand ---------------------------------------------------------------------------------------------
def rates(make: Any, n: int, lr: float = 1.0) -> list[float]:
    optimizer = optim.SGD([Value(1.0)], lr=lr)
    scheduler, found = make(optimizer), []
    for _ in range(n):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(("make", "expected"), [
    (lambda o: lr_scheduler.StepLR(o, 2, 0.5), [1, 1, 0.5, 0.5, 0.25]),
    (lambda o: lr_scheduler.MultiStepLR(o, [1, 3], 0.1), [1, 0.1, 0.1, 0.01, 0.01]),
    (lambda o: lr_scheduler.LinearLR(o, 0.2, 1.0, 4), [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 4), [1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125), 0]),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2), [1, 0.5, 1, 0.5 + math.sqrt(0.125), 0.5]),
    (lambda o: lr_scheduler.PolynomialLR(o, 4, 2.0), [1, 9 / 16, 4 / 16, 1 / 16, 0, 0]),
    (lambda o: lr_scheduler.OneCycleLR(o, 8.0, 5, pct_start=0.6, anneal_strategy="linear", div_factor=4.0,
                                       final_div_factor=2.0), [2, 5, 8, 4.5, 1]),
    (lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)), [1, 1 / 2, 1 / 3, 1 / 4]),
])  # fmt: skip
def test_the_beginning_of_a_schedule(make: Any, expected: list[float]) -> None:
    assert rates(make, len(expected)) == pytest.approx(expected, abs=1e-15)


def test_plateau_by_hand() -> None:
    optimizer = optim.SGD([Value(1.0)], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    found = []
    for loss in (Value(3.0), mg.tensor(2.0), 2.0, 2.0, 2.0, 2.0, 1.0):  # more than one epoch without progress: twice
        scheduler.step(loss)
        found += scheduler.get_last_lr()
    assert found == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert (scheduler.last_epoch, scheduler.best) == (7, 1.0)
    scheduler.step(1.0, epoch=20)
    assert scheduler.last_epoch == 20


@pytest.mark.parametrize(("mode", "kind", "worse", "better"), [
    ("min", "rel", 1.81, 1.79), ("min", "abs", 1.91, 1.89), ("max", "rel", 2.19, 2.21), ("max", "abs", 2.09, 2.11),
    ("min", "rel", 2.0, -1.0), ("max", "abs", math.nan, math.inf),
])  # fmt: skip
def test_what_counts_as_progress_from_2_on(mode: str, kind: str, worse: float, better: float) -> None:
    scheduler = lr_scheduler.ReduceLROnPlateau(optim.SGD([Value(1.0)]), mode, threshold=0.1, threshold_mode=kind)
    for metric, best, bad in ((2.0, 2.0, 0), (worse, 2.0, 1), (better, better, 0)):
        scheduler.step(metric)
        assert (scheduler.best, scheduler.num_bad_epochs) == (best, bad)


@given(st.floats(1e-4, 1.0), st.integers(1, 20), st.integers(0, 60))
def test_a_cosine_chained_is_the_cosine(lr: float, t_max: int, epoch: int) -> None:
    found = rates(lambda o: lr_scheduler.CosineAnnealingLR(o, t_max, eta_min=1e-5), epoch + 1, lr)[-1]
    assert found == pytest.approx(1e-5 + (lr - 1e-5) * (1 + math.cos(math.pi * epoch / t_max)) / 2, rel=1e-9, abs=1e-14)


def test_a_change_by_hand_stays_where_rates_are_multiplied() -> None:
    optimizer = optim.SGD([Value(1.0)], lr=1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[0]["lr"] = 10.0
    scheduler.step()
    assert scheduler.get_last_lr() == [5.0]


# ---- starting, resuming, jumping -------------------------------------------------------------------------
@each_schedule
def test_a_loaded_schedule_continues_where_it_was_saved(text: str) -> None:
    def make() -> tuple[Any, Any]:
        optimizer = two_groups(mg)
        return optimizer, eval(text, vars(lr_scheduler) | {"optimizer": optimizer})

    first, scheduler = make()
    found = []
    for k in range(60):
        if k == 23:
            state = copy.deepcopy(scheduler.state_dict())
            assert not any(callable(x) or isinstance(x, optim.Optimizer) for x in state.values())
            saved = first.state_dict()
            first, scheduler = make()
            first.load_state_dict(saved)
            scheduler.load_state_dict(state)
        found.append(scheduler.get_last_lr()[:])
        first.step()
        scheduler.step()
    near(found, [row[:2] for row in STORED["schedules"][text][:60]])


#: PyTorch's warm restarts forget, when resumed, the periods that are over: ours do not
RESUMED = [text for text in SCHEDULES if not text.startswith(("Sequential", "Chained", "CosineAnnealingWarmRestarts"))]


@pytest.mark.parametrize("text", RESUMED)
@pytest.mark.parametrize("last", [0, 3, 4, 9, 29, 40])
def test_resumed_schedules_are_pytorchs(text: str, last: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")

    def resumed(library: Any) -> list[list[float]]:
        optimizer = two_groups(library)
        options = dict(max_lr=1.0, min_lr=1e-3, max_momentum=0.95, base_momentum=0.85)
        for group, lr in zip(optimizer.param_groups, (0.3, 0.4), strict=True):
            group.update(options, initial_lr=lr)
        return schedule(library, f"{text[:-1]}, last_epoch={last})", optimizer, ((),) * 20)

    near(resumed(mg), resumed(torch))


@pytest.mark.parametrize("text", [text for text in SCHEDULES
                                  if not text.startswith(("Sequential", "Chained", "Multiplicative"))])  # fmt: skip
@pytest.mark.parametrize("epoch", [0, 3, 5, 12, 50])
def test_a_given_epoch_is_pytorchs(text: str, epoch: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")

    def jumping(library: Any) -> list[list[float]]:
        optimizer = two_groups(library)
        scheduler = eval(text, vars(library.optim.lr_scheduler) | {"optimizer": optimizer})
        found = []
        for at in (None, None, epoch, None, None, None):
            optimizer.step()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch says that it would rather not be given epochs
                scheduler.step(at)
            found.append(scheduler.get_last_lr()[:])
        return found

    near(jumping(mg), jumping(torch))


def test_warm_restarts_take_fractions_of_epochs() -> None:
    optimizer = optim.SGD([Value(1.0)], lr=1.0)
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2, T_mult=3)
    for epoch, share in ((0.5, 0.25), (2 + 1.5, 0.25), (8 + 9.0, 0.5)):
        scheduler.step(epoch)
        assert scheduler.get_last_lr() == pytest.approx([(1 + math.cos(math.pi * share)) / 2])
        assert scheduler.last_epoch == math.floor(epoch)
    resumed = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2, T_mult=3, last_epoch=16)
    assert resumed.get_last_lr() == pytest.approx([(1 + math.cos(math.pi * 0.5)) / 2])


# ---- order and use ---------------------------------------------------------------------------------------
def test_a_schedule_before_its_optimizer_is_warned_of_once() -> None:
    optimizer = optim.SGD([Value(1.0)], lr=1.0)
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
    scheduler.step()


def test_a_schedule_does_not_judge_a_step_of_ones_own() -> None:
    class Own(optim.SGD):
        def step(self, closure: Any = None) -> None:
            pass

    lr_scheduler.StepLR(Own([Value(1.0)]), 1).step()


def test_one_cycle_moves_the_first_beta() -> None:
    optimizer = two_groups(mg, "Adam")
    text = "OneCycleLR(optimizer, 1.0, 101, base_momentum=[0.5, 0.6], max_momentum=0.9)"
    near(schedule(mg, text, optimizer), STORED["schedules"][text])  # the same numbers as for a momentum
    assert [group["betas"][1] for group in optimizer.param_groups] == [0.999, 0.999]


def test_the_least_rate_of_a_plateau() -> None:
    optimizer = optim.SGD([Value(1.0)], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.3)
    with pytest.raises(ValueError, match=r"min_lr must have the same length as optimizer\.param_groups"):
        lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=[0.1, 0.2])
    optimizer.add_param_group({"params": Value(1.0), "lr": 0.2})
    scheduler.step(1.0)
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.3, 0.2]


def test_a_schedule_without_a_formula_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"LRScheduler has no get_lr\(\)"):
        lr_scheduler.LRScheduler(optim.SGD([Value(1.0)]))
