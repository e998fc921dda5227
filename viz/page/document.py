"""The page put together: template.html, page.css and the scripts of js/, with the walk as JSON in it.

Nothing that a user wrote is ever markup: names and labels are in the JSON only, whose "<" are escaped, and the
scripts write them as text. A Content-Security-Policy names this page's own script and styles by their hashes, and
lets nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any, Protocol

import numpy as np

from microgradx.graph import Node
from microgradx.program import Program

from ..cards import THEMES, clean
from ..check import Again
from ..svg import draw
from ..trace import Trace
from .doubts import checks, orders
from .formulas import local_tree, value_tree
from .pictures import MOST_SHAPES, pictures
from .scripts import javascript

__all__ = ["iframe", "to_html"]

MOST_VALUES = 5_000  #: of more, no browser would show the table

#: Joined in this order
SCRIPTS = (
    "number tensor mathematics dom formula walk picture plot panel step node why check table editor replay main"
).split()


class Walk(Protocol):
    """What has a program, as the Steps of `viz.step` do."""

    @property
    def program(self) -> Program: ...


def to_html(
    root: Node | Program | Walk,
    *,
    names: Mapping[str, Any] | None = None,
    title: str = "",
    theme: str = "auto",
    replay: Mapping[str, Any] | None = None,
) -> str:
    """The page of a walk as text: a whole HTML file.

    names: more labels, by variable name, as from `locals()`. title: for the browser's tab. theme: "light",
    "dark", or "auto" for that of the reader's system. replay: what a `Recording` kept of a training run, as
    its `data()` gives it. Raises TypeError when root is no node of a graph, ValueError for an unknown theme or a
    graph of more than 5,000 values.
    """
    if theme not in ("auto", *THEMES):
        raise ValueError(f"theme is one of 'auto', {', '.join(map(repr, THEMES))}, got {theme!r:.60}")
    program = root if isinstance(root, Program) else getattr(root, "program", None)
    if not isinstance(program, Program):
        program = Program.of(root, names)  # type: ignore[arg-type]
    if len(program) > MOST_VALUES:
        raise ValueError(
            f"this graph has {len(program):,} values, and a page shows at most {MOST_VALUES:,}; "
            "step through a node nearer to the inputs, or through the same computation on less data"
        )
    again = getattr(root, "again", None)  # of Steps
    data, rules = _data(program, replay, again), javascript({i.rule: None for i in program if i.rule})
    data["missing"] = list(rules.missing)
    text = _json(data)
    run = hashlib.sha256(text.encode()).hexdigest()[:8]
    scripts = [(_HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    script = "\n".join([f'"use strict";\n(() => {{\nconst rules = {rules.source};\n', *scripts, "})();\n"])
    style = _colours() + (_HERE / "page.css").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    heading = clean(title) or f"The walk of {data['walk']['nodes'][-1]['shown']}"
    return _filled(
        (_HERE / "template.html").read_text(encoding="utf-8"),
        run=run, theme=theme, policy=escape(policy), title=escape(heading), style=style, data=text, script=script,
    )  # fmt: skip


def iframe(page: str, program: Program | None = None, height: int = 820) -> str:
    """The page inside of a sandboxed frame, for a notebook, and under it, where frames are removed, the picture."""
    picture = ""
    if program is not None:
        svg = base64.b64encode(draw(program).svg().encode()).decode()
        picture = f'<img alt="the graph" style="max-width:100%" src="data:image/svg+xml;base64,{svg}">'
    frame = (
        f'<iframe sandbox="allow-scripts" title="A walk through a graph" srcdoc="{escape(page)}" '
        f'style="position:absolute;top:0;left:0;width:100%;height:{height}px;border:0"></iframe>'
    )
    return f'<div style="position:relative;min-height:{height}px">{picture}{frame}</div>'


_HERE = files(__package__)


def _filled(template: str, **parts: str) -> str:
    """The template with each {{name}} replaced, once: what stands in a part is not looked at."""
    pieces = template.split("{{")
    return pieces[0] + "".join(
        parts[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces[1:])
    )  # fmt: skip


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _colours() -> str:
    """The pictures' own colours as variables of the page."""
    light, dark = (";".join(f"--{name}:{colour}" for name, colour in THEMES[theme].items()) for theme in THEMES)
    return (
        f":root{{{light};color-scheme:light}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark};color-scheme:dark}}}}\n"  # paper is white
        f"@media screen and (prefers-color-scheme:dark){{:root[data-theme=auto]{{{dark};color-scheme:dark}}}}\n"
    )


# ---- the data --------------------------------------------------------------------------------------------
def _data(program: Program, replay: Mapping[str, Any] | None, again: Again | None) -> dict[str, Any]:
    walk = Trace.of(program)
    plain = json.loads(walk.to_json())
    for node in plain["nodes"]:
        node |= {key: clean(node[key])[:2_000] for key in ("name", "label", "shown", "scope", "formula", "numbers")}
    drawn = pictures(program)
    uses = {(use.user, use.slot, use.element): use for found in program.uses for use in found}
    terms = [c for step in walk.steps for c in step.contributions]
    numbers = not isinstance(walk.root.data, np.ndarray)
    return {
        "walk": plain,
        "values": [value_tree(program, i.index) if numbers else None for i in program],
        "locals": [local_tree(program, uses[c.user, c.slot, c.element]) if numbers else None for c in terms],
        "clusters": [[c.title, c.path, c.parent, c.values] for c in drawn.clusters],
        "pictures": drawn.pictures,
        "start": drawn.start,
        "closed": drawn.closed,
        "mostShapes": MOST_SHAPES,
        "why": orders(program, walk),
        "check": checks(program, again),
        "replay": replay,
    }


def _json(data: Any) -> str:
    """JSON that may stand inside of a <script>; what JSON has no number for is a string, as in `Trace.to_json`."""
    return json.dumps(_plain(data), allow_nan=False, separators=(",", ":")).replace("<", r"\u003c")


def _plain(x: Any) -> Any:
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    if isinstance(x, Mapping):
        return {str(key): _plain(value) for key, value in x.items()}
    return [_plain(value) for value in x] if isinstance(x, list | tuple) else x
