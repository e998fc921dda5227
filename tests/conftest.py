"""Hypothesis draws the same examples in every run; `HYPOTHESIS_PROFILE=explore pytest` looks for new ones."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from microgradx.rules import RULES

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "explore", settings.get_profile("same"), derandomize=False, max_examples=2000, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(autouse=True)
def table_as_it_was() -> Iterator[None]:
    """A test may add rules; the next one finds the table as it was."""
    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)
