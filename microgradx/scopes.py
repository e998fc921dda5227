"""Where a node is made, and how: named scopes, no_grad, detect_anomaly. Each is local to its thread or task.

>>> with scope("loss"), no_grad():
...     current().path, current().recording
('loss', False)
>>> current().path, current().recording
('', True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["AnomalyError", "Scope", "current", "detect_anomaly", "enter", "leave", "no_grad", "scope"]


class Scope:
    """One `with` block or module call: a name within its parent, whether graphs are recorded, and checked."""

    __slots__ = ("checking", "name", "parent", "recording")

    def __init__(self, name: str, parent: Scope | None, recording: bool = True, checking: bool = False) -> None:
        self.name, self.parent = name, parent
        self.recording, self.checking = recording, checking

    def within(self, name: str) -> Scope:
        """A new scope in this one, with its switches."""
        made = _new(Scope)  # past __init__, for every call of a module comes through here
        made.name, made.parent, made.recording, made.checking = name, self, self.recording, self.checking
        return made

    @property
    def chain(self) -> list[Scope]:
        """The named scopes from the outermost to this one; each call of a module is a Scope of its own."""
        found: list[Scope] = []
        at: Scope | None = self
        while at is not None:
            if at.name:
                found.append(at)
            at = at.parent
        return found[::-1]

    @property
    def path(self) -> str:
        return ".".join(part.name for part in self.chain)


_new: Callable[[type[Scope]], Scope] = object.__new__
_scope: ContextVar[Scope] = ContextVar("microgradx_scope", default=Scope("", None))  # noqa: B039 (never written to)
current = _scope.get
enter, leave = _scope.set, _scope.reset  # `token = enter(scope)`, and `leave(token)` in a `finally`


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Name the nodes that are made inside, so that a figure can fold them: `with scope("loss"): …`.

    Raises TypeError for a name that is not a str.
    """
    if not isinstance(name, str):
        raise TypeError(f"a scope's name is a str, got {type(name).__name__}")
    token = enter(current().within(name))
    try:
        yield
    finally:
        leave(token)


def no_grad(function: Any = None) -> Any:
    """Operations inside give plain leaves and record nothing. Also a decorator: `@no_grad()` or `@no_grad`."""
    return _no_grad() if function is None else _no_grad()(function)


@contextmanager
def _no_grad() -> Iterator[None]:
    token = enter(Scope("", current(), recording=False, checking=current().checking))
    try:
        yield
    finally:
        leave(token)


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """The first operation inside that makes a nan or an infinity, forward or backward, raises AnomalyError."""
    token = enter(Scope("", current(), recording=current().recording, checking=True))
    try:
        yield
    finally:
        leave(token)


class AnomalyError(FloatingPointError, RuntimeError):  # of which PyTorch raises the second
    """A nan or an infinity under `detect_anomaly`; the message names the operation, its inputs and its scope."""
