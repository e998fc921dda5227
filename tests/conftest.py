"""Hypothesis draws the same examples in every run; `HYPOTHESIS_PROFILE=explore pytest` looks for new ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from microgradx.rules import RULES

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "explore", settings.get_profile("same"), derandomize=False, max_examples=2000, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C; the tests, and what they start, are to hear it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def table_as_it_was() -> Iterator[None]:
    """A test may add rules; the next one finds the table as it was."""
    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)
