"""The courses' programs give under microgradx what they give under PyTorch (tests/data/courses.json)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import microgradx as torch
import microgradx.nn.functional as F
from microgradx import nn, optim
from microgradx.utils import data

from .courses import ATOL, RTOL, Program, differences, plain, programs
from .oracle.courses import FILE, run

PROGRAMS = programs()
STORED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def report(name: str, program: Program, found: Any) -> str:
    return "\n".join(differences(STORED[name], plain(found), *getattr(program, "tolerance", (RTOL, ATOL))))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_what_pytorch_gives(name: str) -> None:
    program = PROGRAMS[name]
    torch.manual_seed(0)
    assert not report(name, program, program(torch, nn, F, optim, data))


def test_every_program_has_its_numbers_and_every_number_its_program() -> None:
    assert set(STORED) == set(PROGRAMS)


def test_the_stored_numbers_are_those_of_the_pytorch_installed() -> None:
    pytest.importorskip("torch", reason="the oracle")
    assert not [line for name, found in run(PROGRAMS).items() if (line := report(name, PROGRAMS[name], found))]


def test_one_import_brings_all_that_the_courses_reach_through_it() -> None:
    reached = "nn.Linear nn.functional.relu nn.init.normal_ optim.SGD optim.lr_scheduler.StepLR utils.data.DataLoader"
    names = " ".join(f"torch.{name};" for name in reached.split())
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", f"import microgradx as torch; {names}"], check=True, cwd=root)


ERROR = {"raises": "RuntimeError", "message": "shapes (2, 3) and (4,)", "phrase": "shapes"}


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1.0, 1.0001),
        (0.0, 1e-6),
        (1, 1.0),
        (1, True),
        (1.0, "nan"),
        (0.0, None),
        ("tensor(1.)", "tensor(1.0)"),
        ([1.0, 2.0], [1.0]),
        ([1.0], 1.0),
        ({"a": 1}, {"b": 1}),
        ({"a": [1, [2.0]]}, {"a": [1, [3.0]]}),
        (ERROR, ERROR | {"raises": "ValueError"}),
        (ERROR, ERROR | {"message": "sizes differ"}),
    ],
)
def test_what_differs_is_reported(expected: Any, found: Any) -> None:
    assert len(differences(expected, found)) == 1
    assert not differences(expected, expected)


def test_a_message_may_say_more_than_its_phrase() -> None:
    assert not differences(ERROR, ERROR | {"message": "shapes (2, 3) and (4,): transpose one of them"})
