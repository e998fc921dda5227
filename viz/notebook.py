"""`%load_ext viz`: from then on a bare Value or Tensor at the end of a notebook's cell draws its graph.

Nothing else is registered, and `%unload_ext viz` takes it back. Leaves, and graphs of more than 200 nodes, print
as they always do; `viz.draw` draws those too.

>>> from microgradx.value import Value
>>> picture = Picture(None)
>>> picture(Value(2.0) * 3)[:4], picture(Value(2.0)) is None
('<svg', True)
"""

from __future__ import annotations

from typing import Any

from microgradx.graph import Node
from microgradx.tensor import Tensor
from microgradx.value import Value

from .svg import draw

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

MOST = 200  #: nodes of a graph that draws itself
FORMAT = "image/svg+xml"


class Picture:
    """What turns a Value or Tensor into SVG text, or None where it should only print."""

    def __init__(self, before: Any) -> None:
        self.before = before  #: what did so when it was registered, None for nothing

    def __call__(self, shown: Value | Tensor) -> str | None:
        root = shown._node if isinstance(shown, Tensor) else shown
        if root is None or root.rule is None or not _small(root):
            return None
        return draw(shown).svg()


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext viz`."""
    known = shell.display_formatter.formatters[FORMAT].type_printers
    for kind in (Value, Tensor):
        if not isinstance(known.get(kind), Picture):
            known[kind] = Picture(known.get(kind))


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext viz`: what was registered before, if anything, is so again."""
    known = shell.display_formatter.formatters[FORMAT].type_printers
    for kind in (Value, Tensor):
        if isinstance(ours := known.get(kind), Picture):
            del known[kind]
            if ours.before is not None:
                known[kind] = ours.before


def _small(root: Node) -> bool:
    """Whether the graph has at most MOST nodes; one that is larger is not walked to its end."""
    seen, waiting = {root}, [root]
    while waiting and len(seen) <= MOST:
        for _, parent, _ in waiting.pop().slots:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return len(seen) <= MOST
