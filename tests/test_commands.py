"""The commands of microgradx.testing: Ctrl-C ends them and their processes, and wrong numbers are refused."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

import microgradx as mg
from microgradx.testing.__main__ import COMMANDS, main
from microgradx.testing.commands import spread

ROOT = Path(mg.__file__).parent.parent


def processes(group: int) -> list[int]:
    """The living ones of a group, by what Linux says; a dead one may wait for its parent."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its = stat.read_text().rpartition(") ")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux shows them")
@pytest.mark.parametrize(("command", "whole"), [
    *((command, True) for command in COMMANDS), ("mutants", False), ("shrink --processes 1", True),
])  # fmt: skip
def test_ctrl_c_ends_a_command_and_its_processes(command: str, whole: bool) -> None:
    """whole: a terminal sends it to the processes too."""
    words = [sys.executable, "-m", "microgradx.testing", *command.split()]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT)
    time.sleep(3)  # long enough to be at work
    assert running.poll() is None, running.communicate()[1]
    (os.killpg if whole else os.kill)(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=10)  # two seconds, on a machine that has nothing else to do
    assert (running.returncode, said) == (130, "stopped\n")
    for _ in range(50):
        if not (left := processes(running.pid)):
            break
        time.sleep(0.1)
    assert left == []


def test_an_error_ends_the_processes() -> None:
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        spread(math.sqrt, [4.0, -1.0, *[9.0] * 1000], processes=2)
    assert active_children() == []


def test_parts_come_back_in_order() -> None:
    seen: list[int] = []
    assert spread(abs, [-3, 2, -1], 2, seen.append) == [3, 2, 1]
    assert sorted(seen) == [1, 2, 3]
    with pytest.raises(ValueError, match="processes must be 1 or more, got 0"):
        spread(abs, [1], 0)


@pytest.mark.parametrize("words", [
    "mutants --processes 0", "mutants --programs 0", "shrink --each 0", "shrink --among -3", "shrink --processes 0",
    "nightly --processes 0", "nightly --count -1", "coverage --count x",
])  # fmt: skip
def test_a_number_that_is_too_small_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    assert stopped.value.code == 2
    *_, option, number = words.split()
    assert f"argument {option}: must be a whole number, 1 or more, got '{number}'" in capsys.readouterr().err
