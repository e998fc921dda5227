"""Pictures, walks and words of a computation graph. It reads graphs; the engine does not know that it exists.

>>> import viz
>>> from microgradx.value import Value
>>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
>>> print(viz.explain(a, a * b))
a is used once, so its gradient has one term.
dL/da = (dL/dL)·∂(a·b)/∂a = 1·3 = 3
use 1, in L = a·b: was —, add 3 → 3, complete (1/1)
a is a leaf: the sweep ends here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A function that is called as its module is must be bound here and now: a later `from viz.trace import number`
# would otherwise leave the module under the function's name. The three load nothing that the engine has not.
from .check import check, why_order
from .explain import explain
from .trace import Trace, number, trace

if TYPE_CHECKING:
    from .animation import Animation, animate
    from .page import to_html
    from .plots import (
        plot_activations,
        plot_boundary,
        plot_gradient_field,
        plot_gradients,
        plot_histograms,
        plot_loss,
        plot_lr_finder,
        plot_weights,
    )
    from .recording import Recording, record
    from .svg import Graph, draw, draw_dot, to_dot, to_svg
    from .terminal import Steps, step

__all__ = [
    "draw", "Graph", "to_dot", "to_svg", "draw_dot",
    "trace", "Trace", "step", "Steps", "explain", "why_order", "check", "number",
    "to_html", "record", "Recording", "animate", "Animation",
    "plot_loss", "plot_lr_finder", "plot_boundary", "plot_gradient_field", "plot_activations", "plot_gradients",
    "plot_histograms", "plot_weights",
]  # fmt: skip

_LATER = {
    **dict.fromkeys(("Graph", "draw", "draw_dot", "to_dot", "to_svg"), "svg"),
    **dict.fromkeys(("Steps", "step"), "terminal"),
    **dict.fromkeys((name for name in __all__ if name.startswith("plot_")), "plots"),
    **dict.fromkeys(("Animation", "animate"), "animation"),
    **dict.fromkeys(("Recording", "record"), "recording"),
    **dict.fromkeys(("load_ipython_extension", "unload_ipython_extension"), "notebook"),
    "to_html": "page",
}


def __getattr__(name: str) -> Any:
    """Graphviz, rich and matplotlib are loaded where they are first needed, not by `import viz`."""
    if name in _LATER:
        globals()[name] = found = getattr(import_module(f".{_LATER[name]}", __name__), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
