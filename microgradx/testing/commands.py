"""What the commands of microgradx.testing share: numbers that have a least, and processes that end with Ctrl-C.

>>> spread(abs, [-1, 2, -3], processes=1)
[1, 2, 3]
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TypeVar

__all__ = ["at_least", "spread"]

Part = TypeVar("Part")
Result = TypeVar("Result")


def at_least(least: int) -> Callable[[str], int]:
    """For argparse: the whole numbers from the least on."""

    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number, {least} or more, got {text!r}")
        return number

    return whole


def spread(
    work: Callable[[Part], Result], parts: Sequence[Part], processes: int,
    look: Callable[[Result], object] = lambda found: None,
) -> list[Result]:  # fmt: skip
    """What work makes of each part, in their order, by so many processes; one is this process itself.

    look: is called with each result as it comes. What ends it, Ctrl-C too, ends the processes with it.
    """
    if processes < 1:
        raise ValueError(f"processes must be 1 or more, got {processes}")
    if processes == 1:
        found = []
        for part in parts:
            found.append(work(part))
            look(found[-1])
        return found
    before = set(active_children())
    pool = ProcessPoolExecutor(processes, get_context("spawn"))
    try:
        with _deaf():
            futures = [pool.submit(work, part) for part in parts]
        for future in as_completed(futures):
            look(future.result())
        return [future.result() for future in futures]
    except BaseException:
        for process in set(active_children()) - before:  # the pool would wait until they are through with their parts
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """What starts meanwhile does not hear the Ctrl-C of a terminal, which is for the process that started it."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
